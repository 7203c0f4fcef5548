/* A zone: built in any order, edited, its versions compared. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "base/err.h"
#include "base/pool.h"
#include "dns/zone.h"

struct world {
	struct pool	*pool;
	struct findings	 fs;
	struct dname	 apex;
};

/* In place: a list of findings knows its own address. */
static void
world_init(struct world *w)
{
	w->pool = pool_new(1 << 20);
	assert_non_null(w->pool);
	findings_init(&w->fs, w->pool);
	assert_int_equal(dname_parse(SV("example."), NULL, &w->apex), 0);
}

#define WORLD(w)	struct world w; world_init(&w)

/* A record from owner, type and data as text. */
struct text_rr {
	struct dname	owner;
	uint8_t		rdata[DNS_RDATA_MAX];
	struct dns_rr	rr;
};

static struct dns_rr *
rr_of(struct text_rr *t, const char *owner, uint32_t ttl, uint16_t type, const char *rdata)
{
	size_t n;

	assert_int_equal(dname_parse(sv_str(owner), NULL, &t->owner), 0);
	assert_int_equal(rdata_parse(type, sv_str(rdata), NULL, t->rdata, &n), 0);
	t->rr = (struct dns_rr){ .owner = &t->owner, .type = type, .class = DNS_CLASS_IN, .ttl = ttl,
		.rdata = { (const char *)t->rdata, n } };
	return &t->rr;
}

static const char hash_a[] = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom";

static struct zone *
zone_of(struct world *w, const char *const *rows, size_t n)
{
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&w->apex, &w->fs);
	static struct text_rr t;
	struct zone *z = NULL;

	assert_non_null(b);
	for (size_t i = 0; i < n; i++) {
		struct sv s = sv_str(rows[i]), owner, type;
		char o[300];
		uint16_t ty;

		owner = sv_cut(&s, ' ');
		type = sv_cut(&s, ' ');
		(void)snprintf(o, sizeof(o), "%.*s", SV_ARG(owner));
		assert_int_equal(rrtype_parse(type, &ty), 0);
		assert_int_equal(zone_builder_add(b, rr_of(&t, o, 3600, ty, s.p)), 0);
	}
	assert_int_equal(zone_builder_done(b, &z), 0);
	return z;
}

static void
assert_text(const struct zone *z, const char *want)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	zone_print(&b, z, 0);
	buf_char(&b, '\0');
	assert_int_equal(b.rc, 0);
	assert_string_equal(b.p, want);
}

/* Any order, doubles, upper case: one zone. */
static void
test_build(void **state)
{
	static const char *const rows[] = {
		"www.Example. A 192.0.2.2",
		"example. NS NS.Example.",
		"b.example. TXT \"x\"",
		"www.example. A 192.0.2.1",
		"WWW.example. AAAA 2001:db8::1",
		"www.example. A 192.0.2.2",
		"a.b.example. TXT \"Y\"",
		"example. SOA ns.example. h.example. 7 2 3 4 5",
		"\\000.b.example. TXT \"z\"",
	};
	WORLD(w);
	_cleanup_(zone_unrefp) struct zone *z = zone_of(&w, rows, ARRAY_LEN(rows));
	uint32_t serial = 0;

	(void)state;
	assert_text(z,
	    "example.\t3600\tIN\tSOA\tns.example. h.example. 7 2 3 4 5\n"
	    "example.\t3600\tIN\tNS\tns.example.\n"
	    "b.example.\t3600\tIN\tTXT\t\"x\"\n"
	    "\\000.b.example.\t3600\tIN\tTXT\t\"z\"\n"
	    "a.b.example.\t3600\tIN\tTXT\t\"Y\"\n"
	    "www.example.\t3600\tIN\tA\t192.0.2.1\n"
	    "www.example.\t3600\tIN\tA\t192.0.2.2\n"
	    "www.example.\t3600\tIN\tAAAA\t2001:db8::1\n");
	assert_true(zone_serial(z, &serial));
	assert_int_equal(serial, 7);
	assert_int_equal(zone_n_nodes(z, ZONE_NAMES), 5);
	assert_int_equal(w.fs.n_kept, 0);
	(void)pool_free(w.pool);
}

static bool
has(const struct findings *fs, enum dns_code code)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		if (f->def == &dns_findings[code])
			return true;
	return false;
}

static void
test_what_no_zone_holds(void **state)
{
	WORLD(w);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&w.apex, &w.fs);
	_cleanup_(zone_unrefp) struct zone *z = NULL;
	static struct text_rr t;
	struct dns_rr *rr;

	(void)state;
	rr = rr_of(&t, "a.example.", 60, RR_A, "192.0.2.1");
	rr->class = 3;
	assert_int_equal(zone_builder_add(b, rr), 0);
	assert_true(has(&w.fs, DNS_ZONE_CLASS));
	assert_int_equal(zone_builder_add(b, rr_of(&t, "a.example.org.", 60, RR_A, "192.0.2.1")), 0);
	assert_true(has(&w.fs, DNS_ZONE_OUTSIDE));
	rr = rr_of(&t, "a.example.", 60, RR_A, "192.0.2.1");
	rr->type = 255;
	assert_int_equal(zone_builder_add(b, rr), 0);
	assert_true(has(&w.fs, DNS_ZONE_META));
	rr = rr_of(&t, "a.example.", 60, RR_A, "192.0.2.1");
	rr->rdata.n = 3;
	assert_int_equal(zone_builder_add(b, rr), 0);
	assert_true(has(&w.fs, DNS_ZONE_RDATA));
	assert_int_equal(zone_builder_done(b, &z), 0);
	assert_int_equal(zone_n_nodes(z, ZONE_NAMES), 0);
	assert_false(zone_serial(z, &(uint32_t){ 0 }));
	(void)pool_free(w.pool);
}

static void
test_ttl_mixed(void **state)
{
	WORLD(w);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&w.apex, &w.fs);
	_cleanup_(zone_unrefp) struct zone *z = NULL;
	static struct text_rr t;

	(void)state;
	assert_int_equal(zone_builder_add(b, rr_of(&t, "a.example.", 60, RR_A, "192.0.2.1")), 0);
	assert_int_equal(zone_builder_add(b, rr_of(&t, "a.example.", 30, RR_A, "192.0.2.2")), 0);
	assert_int_equal(zone_builder_done(b, &z), 0);
	assert_text(z, "a.example.\t30\tIN\tA\t192.0.2.1\na.example.\t30\tIN\tA\t192.0.2.2\n");
	assert_true(has(&w.fs, DNS_ZONE_TTL_MIXED));
	(void)pool_free(w.pool);
}

/* Signatures stand behind what they cover, or alone; NSEC3 apart. */
static void
test_signatures(void **state)
{
	static const char sig_a[] = "A 13 2 3600 20300101000000 20260101000000 1 example. AAAA";
	static const char sig_mx[] = "MX 13 2 3600 20300101000000 20260101000000 1 example. AAAA";
	static const char sig_n3[] = "NSEC3 13 2 3600 20300101000000 20260101000000 1 example. AAAA";
	char owner[64], rows[5][256];
	const char *p[5] = { rows[0], rows[1], rows[2], rows[3], rows[4] };
	WORLD(w);
	_cleanup_(zone_unrefp) struct zone *z = NULL;
	struct zrrset s;
	struct znode *n;
	size_t pos = 0;

	(void)state;
	(void)snprintf(owner, sizeof(owner), "%s.example.", hash_a);
	(void)snprintf(rows[0], 256, "%s NSEC3 1 0 0 - %s A", owner, hash_a);
	(void)snprintf(rows[1], 256, "%s RRSIG %s", owner, sig_n3);
	(void)snprintf(rows[2], 256, "a.example. RRSIG %s", sig_mx);
	(void)snprintf(rows[3], 256, "a.example. RRSIG %s", sig_a);
	(void)snprintf(rows[4], 256, "a.example. A 192.0.2.1");
	z = zone_of(&w, p, 5);
	assert_int_equal(zone_n_nodes(z, ZONE_NAMES), 1);
	assert_int_equal(zone_n_nodes(z, ZONE_NSEC3), 1);
	n = zone_find(z, ZONE_NAMES, (struct sv){ "a", 2 });
	assert_non_null(n);
	assert_true(znode_next(n, &pos, &s));
	assert_int_equal(s.type, RR_A);
	assert_int_equal(s.n_rrs, 1);
	assert_int_equal(s.n_sigs, 1);
	assert_true(znode_next(n, &pos, &s));
	assert_int_equal(s.type, RR_MX);
	assert_int_equal(s.n_rrs, 0);
	assert_int_equal(s.n_sigs, 1);
	assert_false(znode_next(n, &pos, &s));
	n = zone_next(&(struct zone_it){ .z = z, .part = ZONE_NSEC3 });
	assert_true(znode_find(n, RR_NSEC3, &s));
	assert_int_equal(s.n_sigs, 1);
	/* A longer name is no hash. */
	(void)snprintf(rows[0], 256, "x.%s NSEC3 1 0 0 - %s A", owner, hash_a);
	(void)zone_unref(TAKE_PTR(z));
	z = zone_of(&w, p, 1);
	assert_int_equal(zone_n_nodes(z, ZONE_NSEC3), 0);
	assert_int_equal(zone_n_nodes(z, ZONE_NAMES), 1);
	(void)pool_free(w.pool);
}

/* --- many versions against a plain list --- */

#define N_NAMES	3000
struct model {
	bool	here[N_NAMES];
	unsigned n;
};

static void
model_owner(unsigned i, char dst[32])
{
	(void)snprintf(dst, 32, "n%05u.example.", i * 7919 % 100000);
}

/* The zone holds the model's names, in order, and finds each. */
static void
model_check(const struct model *m, const struct zone *z, const struct dname *apex)
{
	struct zone_it it = zone_begin(z, ZONE_NAMES);
	const struct znode *n, *before = NULL;
	size_t count = 0;

	while ((n = zone_next(&it)) != NULL) {
		if (before != NULL) {
			struct sv a = znode_key(before), b = znode_key(n);

			assert_true(dkey_cmp((const uint8_t *)a.p, a.n, (const uint8_t *)b.p, b.n) < 0);
			assert_ptr_equal(zone_find_le(z, ZONE_NAMES, (struct sv){ b.p, b.n - 1 }), before);
		}
		before = n;
		count++;
	}
	assert_int_equal(count, m->n);
	assert_int_equal(zone_n_nodes(z, ZONE_NAMES), m->n);
	for (unsigned i = 0; i < N_NAMES; i++) {
		struct dname d;
		struct dkey k;
		char owner[32];

		model_owner(i, owner);
		assert_int_equal(dname_parse(sv_str(owner), NULL, &d), 0);
		assert_int_equal(dkey_of(&d, apex, &k), 0);
		n = zone_find(z, ZONE_NAMES, (struct sv){ (const char *)k.b, k.len });
		assert_int_equal(n != NULL, m->here[i]);
	}
}

struct diff {
	unsigned n_add, n_del, n_change;
};

static int
diff_count(void *arg, enum zone_part part, const struct znode *old, const struct znode *new)
{
	struct diff *d = arg;

	assert_int_equal(part, ZONE_NAMES);
	d->n_add += old == NULL;
	d->n_del += new == NULL;
	d->n_change += old != NULL && new != NULL;
	return 0;
}

static void
test_versions(void **state)
{
	WORLD(w);
	static struct model m;
	static struct text_rr t;
	struct zone *z = zone_new(&w.apex);

	(void)state;
	srand(3);
	for (unsigned round = 0; round < 40; round++) {
		_cleanup_(zone_edit_freep) struct zone_edit *e = zone_edit_new(z, &w.fs);
		unsigned n = round == 0 ? N_NAMES / 2 : 1 + (unsigned)rand() % (round % 5 == 0 ? 700 : 9);
		struct diff want = { 0 }, got = { 0 };
		static bool touched[N_NAMES];
		struct zone *next = NULL;

		memset(touched, 0, sizeof(touched));
		for (unsigned k = 0; k < n; k++) {
			unsigned i = (unsigned)rand() % N_NAMES;
			char owner[32];

			if (touched[i])
				continue;
			touched[i] = true;
			model_owner(i, owner);
			(void)rr_of(&t, owner, 60, RR_A, "192.0.2.1");
			if (m.here[i])
				assert_int_equal(zone_edit_del(e, &t.rr), 0);
			else
				assert_int_equal(zone_edit_add(e, &t.rr), 0);
			want.n_add += !m.here[i];
			want.n_del += m.here[i];
			m.n += m.here[i] ? -1U : 1U;
			m.here[i] = !m.here[i];
		}
		assert_int_equal(zone_edit_done(e, &next), 0);
		model_check(&m, next, &w.apex);
		assert_int_equal(zone_diff(z, next, diff_count, &got), 0);
		assert_memory_equal(&got, &want, sizeof(got));
		(void)zone_unref(z);
		z = next;
	}
	(void)zone_unref(z);
	(void)pool_free(w.pool);
}

/* A change of one name in a large zone leaves nearly all blocks as they are. */
static void
test_versions_share(void **state)
{
	WORLD(w);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&w.apex, &w.fs);
	_cleanup_(zone_edit_freep) struct zone_edit *e = NULL;
	_cleanup_(zone_unrefp) struct zone *z = NULL, *next = NULL;
	struct zone_it a, c;
	size_t n_same = 0, n = 0;
	static struct text_rr t;

	(void)state;
	for (unsigned i = 0; i < N_NAMES; i++) {
		char owner[32];

		model_owner(i, owner);
		assert_int_equal(zone_builder_add(b, rr_of(&t, owner, 60, RR_A, "192.0.2.1")), 0);
	}
	assert_int_equal(zone_builder_done(b, &z), 0);
	e = zone_edit_new(z, &w.fs);
	assert_int_equal(zone_edit_add(e, rr_of(&t, "n00000.example.", 60, RR_TXT, "x")), 0);
	assert_int_equal(zone_edit_done(e, &next), 0);
	a = zone_begin(z, ZONE_NAMES);
	c = zone_begin(next, ZONE_NAMES);
	for (const struct znode *x, *y; (x = zone_next(&a)) != NULL && (y = zone_next(&c)) != NULL; n++)
		n_same += x == y;
	assert_int_equal(n, N_NAMES);
	assert_int_equal(n_same, N_NAMES - 1);
	(void)pool_free(w.pool);
}

static void
test_edit_refused(void **state)
{
	static const char *const rows[] = { "a.example. A 192.0.2.1" };
	WORLD(w);
	_cleanup_(zone_unrefp) struct zone *z = zone_of(&w, rows, 1);
	static struct text_rr t;
	static const struct {
		const char *owner, *data;
		bool add;
		int rc;
	} ops[] = {
		{ "a.example.", "192.0.2.2", false, -ENOENT },
		{ "b.example.", "192.0.2.1", false, -ENOENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		_cleanup_(zone_edit_freep) struct zone_edit *e = zone_edit_new(z, &w.fs);
		struct zone *next = NULL;

		(void)rr_of(&t, ops[i].owner, 60, RR_A, ops[i].data);
		assert_int_equal(ops[i].add ? zone_edit_add(e, &t.rr) : zone_edit_del(e, &t.rr), 0);
		assert_int_equal(zone_edit_done(e, &next), ops[i].rc);
		assert_null(next);
	}
	(void)pool_free(w.pool);
}

/* What is there already: passed over with its TTL, refused with another. */
static void
test_edit_double(void **state)
{
	static const char *const rows[] = { "a.example. A 192.0.2.1" };
	WORLD(w);
	_cleanup_(zone_unrefp) struct zone *z = zone_of(&w, rows, 1), *next = NULL;
	_cleanup_(zone_edit_freep) struct zone_edit *same = zone_edit_new(z, &w.fs);
	_cleanup_(zone_edit_freep) struct zone_edit *other = zone_edit_new(z, &w.fs);
	static struct text_rr t;

	(void)state;
	assert_int_equal(zone_edit_add(other, rr_of(&t, "a.example.", 60, RR_A, "192.0.2.1")), 0);
	assert_int_equal(zone_edit_done(other, &next), -EEXIST);
	assert_int_equal(w.fs.n_kept, 0);
	assert_int_equal(zone_edit_add(same, rr_of(&t, "a.example.", 3600, RR_A, "192.0.2.1")), 0);
	assert_int_equal(zone_edit_done(same, &next), 0);
	assert_true(has(&w.fs, DNS_ZONE_EDIT_DOUBLE));
	assert_text(next, "a.example.\t3600\tIN\tA\t192.0.2.1\n");
	(void)pool_free(w.pool);
}

/* Added by one difference, removed by the next: said in order, played in order. */
static void
test_edit_chained(void **state)
{
	static const char *const rows[] = { "a.example. A 192.0.2.1" };
	WORLD(w);
	_cleanup_(zone_unrefp) struct zone *z = zone_of(&w, rows, 1), *next = NULL;
	_cleanup_(zone_edit_freep) struct zone_edit *e = zone_edit_new(z, &w.fs);
	static struct text_rr t;

	(void)state;
	assert_int_equal(zone_edit_add(e, rr_of(&t, "a.example.", 60, RR_A, "192.0.2.2")), 0);
	assert_int_equal(zone_edit_del(e, rr_of(&t, "a.example.", 60, RR_A, "192.0.2.1")), 0);
	assert_int_equal(zone_edit_del(e, rr_of(&t, "a.example.", 60, RR_A, "192.0.2.2")), 0);
	assert_int_equal(zone_edit_done(e, &next), 0);
	assert_int_equal(zone_n_nodes(next, ZONE_NAMES), 0);
	assert_int_equal(zone_n_nodes(z, ZONE_NAMES), 1);
	(void)pool_free(w.pool);
}

/* One record, said again and again, has an end, though it has no data. */
static void
test_said_many(void **state)
{
	WORLD(w);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&w.apex, &w.fs);
	const struct dns_rr rr = { .owner = &w.apex, .type = RR_NULL, .class = DNS_CLASS_IN,
	    .rdata = SV("") };
	unsigned n = 0;
	int rc;

	(void)state;
	while ((rc = zone_builder_add(b, &rr)) == 0 && n <= ZONE_NODE_SAID_MAX)
		n++;
	assert_int_equal(rc, -E2BIG);
	assert_int_equal(n, ZONE_NODE_SAID_MAX);
	(void)pool_free(w.pool);
}

static void
address(struct text_rr *t, unsigned i)
{
	char text[sizeof("10.255.255.255")];

	(void)snprintf(text, sizeof(text), "10.0.%u.%u", i / 256 % 256, i % 256);
	(void)rr_of(t, "a.example.", 3600, RR_A, text);
}

/* Half of a large RRset goes, as much comes: said out of order, in one walk. */
static void
test_edit_many(void **state)
{
	enum { HALF = 20000 };
	WORLD(w);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&w.apex, &w.fs);
	_cleanup_(zone_unrefp) struct zone *z = NULL, *next = NULL;
	_cleanup_(zone_edit_freep) struct zone_edit *e = NULL;
	static struct text_rr t;
	struct zone_it it;
	struct zrrset set;
	struct sv rdata;

	(void)state;
	for (unsigned i = 0; i < 2 * HALF; i++) {
		address(&t, i);
		assert_int_equal(zone_builder_add(b, &t.rr), 0);
	}
	assert_int_equal(zone_builder_done(b, &z), 0);
	e = zone_edit_new(z, &w.fs);
	for (unsigned i = HALF; i > 0; i--) {
		address(&t, 2 * i - 1);
		assert_int_equal(zone_edit_del(e, &t.rr), 0);
		address(&t, 2 * HALF + i - 1);
		assert_int_equal(zone_edit_add(e, &t.rr), 0);
	}
	assert_int_equal(zone_edit_done(e, &next), 0);
	assert_int_equal(zone_n_nodes(next, ZONE_NAMES), 1);
	it = zone_begin(next, ZONE_NAMES);
	assert_true(znode_find(zone_next(&it), RR_A, &set));
	assert_int_equal(set.n_rrs, 2 * HALF);
	for (unsigned i = 0; zdata_next(&set.rrs, &rdata); i++) {
		uint32_t v = (uint32_t)(uint8_t)rdata.p[2] << 8 | (uint8_t)rdata.p[3];

		assert_int_equal(v, i < HALF ? 2 * i : HALF + i);
	}
	(void)pool_free(w.pool);
}

/* As bytes and back; each octet that is changed, and each cut, is seen. */
static void
test_image(void **state UNUSED)
{
	struct pool *pool = pool_new(1 << 20);
	struct zone_builder *b;
	struct zone *z, *again = NULL;
	struct buf image = BUF_INIT, one = BUF_INIT, two = BUF_INIT;
	struct findings fs;
	struct dname apex, owner;
	uint64_t number = 0;
	uint8_t rdata[] = { 192, 0, 2, 1 };
	struct dns_rr rr = { .owner = &owner, .type = RR_A, .class = DNS_CLASS_IN, .ttl = 60,
	    .rdata = { (const char *)rdata, sizeof(rdata) } };

	findings_init(&fs, pool);
	assert_int_equal(dname_parse(SV("example."), NULL, &apex), 0);
	b = zone_builder_new(&apex, &fs);
	for (unsigned i = 0; i < 300; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "n%u.example.", i / 2);
		assert_int_equal(dname_parse(sv_str(name), NULL, &owner), 0);
		rdata[3] = (uint8_t)i;
		assert_int_equal(zone_builder_add(b, &rr), 0);
	}
	assert_int_equal(zone_builder_done(b, &z), 0);
	(void)zone_builder_free(b);
	assert_int_equal(zone_image_write(&image, z, UINT64_C(0x123456789abcdef0)), 0);
	assert_int_equal(zone_image_read(buf_get(&image), &apex, &fs, &number, &again), 0);
	assert_true(number == UINT64_C(0x123456789abcdef0));
	zone_print(&one, z, 0);
	zone_print(&two, again, 0);
	assert_true(sv_eq(buf_get(&one), buf_get(&two)));
	(void)zone_unref(again);
	for (size_t i = 0; i < image.len; i++) {
		again = NULL;
		image.p[i] ^= 1;
		assert_true(zone_image_read(buf_get(&image), &apex, &fs, &number, &again) < 0);
		image.p[i] ^= 1;
		assert_true(zone_image_read(sv_take(buf_get(&image), i), &apex, &fs, &number, &again) < 0);
		assert_null(again);
	}
	assert_int_equal(dname_parse(SV("other."), NULL, &owner), 0);
	assert_int_equal(zone_image_read(buf_get(&image), &owner, &fs, &number, &again), SE_FORMAT);
	(void)zone_unref(z);
	buf_done(&image);
	buf_done(&one);
	buf_done(&two);
	(void)pool_free(pool);
}

TESTS_MAIN("zone", T(test_build), T(test_image), T(test_what_no_zone_holds), T(test_ttl_mixed), T(test_signatures),
    T(test_versions), T(test_versions_share), T(test_edit_refused), T(test_edit_double), T(test_edit_chained),
    T(test_edit_many), T(test_said_many))
