/* What was seen at name servers, as bytes: written, read, and refused. */
#include "../tap.h"

#include <errno.h>
#include <stdlib.h>

#include "app/zone_seen.h"
#include "base/err.h"

static struct dname
name(const char *text)
{
	struct dname d;

	assert_int_equal(dname_parse(sv_str(text), NULL, &d), 0);
	return d;
}

static const uint8_t ds[] = { 0, 36, 0x30, 0x39, 13, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 };
static const uint8_t keys[] = { 0, 8, 1, 0, 3, 13, 1, 2, 3, 4, 0, 8, 1, 1, 3, 13, 1, 2, 3, 4 };
static uint8_t rows[2 * SEEN_SIG_LEN];

static struct seen_server
server(enum seen_side side, enum seen_state state, const char *text)
{
	return (struct seen_server){ .side = side, .state = state, .name = name(text),
	    .addr = { .af = IP_V4, .len = 32, .addr = { 192, 0, 2, 1 } }, .set = SEEN_NONE,
	    .dnskey_sigs = SEEN_NONE, .soa_sigs = SEEN_NONE };
}

/* A parent with one server; a zone with one that answers and one that has no route and is excused. */
static struct seen *
example(void)
{
	struct seen *s = calloc(1, sizeof(*s));
	struct wr w = wr_mem(rows, sizeof(rows));

	assert_non_null(s);
	seen_sig_write(&w, &(struct seen_sig){ 13, 4711, 300, 2000, 1000, 1 });
	seen_sig_write(&w, &(struct seen_sig){ 8, 1, 600, 5, 4, SEEN_NONE });
	assert_true(wr_done(&w) && w.len == sizeof(rows));
	s->zone = name("child.test.");
	s->parent = name("test.");
	s->has_parent = true;
	s->at = 1700000000;
	s->took_sec = 3;
	s->complete[SEEN_PARENT] = s->complete[SEEN_ZONE] = true;
	s->n_sets = 2;
	s->sets[0] = (struct seen_set){ RR_DS, 1, 3600, { (const char *)ds, sizeof(ds) } };
	s->sets[1] = (struct seen_set){ RR_DNSKEY, 2, 300, { (const char *)keys, sizeof(keys) } };
	s->n_sigs = 2;
	s->sigs[0] = (struct seen_sigs){ RR_DNSKEY, 2, { (const char *)rows, sizeof(rows) } };
	s->sigs[1] = (struct seen_sigs){ RR_SOA, 1, { (const char *)rows, SEEN_SIG_LEN } };
	s->n_servers = 3;
	s->servers[0] = server(SEEN_PARENT, SEEN_ANSWERED, "p.test.");
	s->servers[0].set = 0;
	s->servers[1] = server(SEEN_ZONE, SEEN_ANSWERED, "ns.child.test.");
	s->servers[1].flags = SEEN_HAS_SERIAL;
	s->servers[1].serial = 7;
	s->servers[1].set = 1;
	s->servers[1].dnskey_sigs = 0;
	s->servers[1].soa_sigs = 1;
	s->servers[2] = server(SEEN_ZONE, SEEN_NO_ROUTE, "ns.child.test.");
	s->servers[2].flags = SEEN_EXCUSED;
	s->servers[2].addr = (struct ip_prefix){ .af = IP_V6, .len = 128, .addr = { 0x20, 1, 0xd, 0xb8 } };
	return s;
}

static int
again(const struct seen *s, struct seen *ret)
{
	struct buf b = BUF_INIT;
	int rc = seen_write(s, &b);

	if (rc == 0)
		rc = seen_parse(buf_get(&b), ret);
	buf_done(&b);
	return rc;
}

static void
round_trip(void **st UNUSED)
{
	struct seen *s = example(), *got = calloc(1, sizeof(*got));
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct seen_sig sig;
	struct sv rest;

	assert_int_equal(seen_write(s, &a), 0);
	assert_int_equal(seen_parse(buf_get(&a), got), 0);
	assert_true(dname_eq(&got->zone, &s->zone) && dname_eq(&got->parent, &s->parent) && got->has_parent);
	assert_int_equal(got->at, s->at);
	assert_int_equal(got->took_sec, 3);
	assert_true(got->complete[0] && got->complete[1]);
	assert_int_equal(got->n_servers, 3);
	assert_int_equal(got->servers[1].serial, 7);
	assert_int_equal(got->servers[2].flags, SEEN_EXCUSED);
	assert_int_equal(ip_prefix_cmp(&got->servers[2].addr, &s->servers[2].addr), 0);
	rest = got->sigs[0].rows;
	assert_true(seen_sig_next(&rest, &sig));
	assert_int_equal(sig.tag, 4711);
	assert_int_equal(sig.key, 1);
	assert_true(seen_sig_next(&rest, &sig));
	assert_int_equal(sig.key, SEEN_NONE);
	assert_false(seen_sig_next(&rest, &sig));
	assert_int_equal(seen_write(got, &b), 0);
	assert_true(sv_eq(buf_get(&a), buf_get(&b)));
	for (size_t n = 0; n < a.len; n++)
		assert_int_equal(seen_parse(sv_take(buf_get(&a), n), got), -EBADMSG);
	buf_char(&a, 0);
	assert_int_equal(seen_parse(buf_get(&a), got), -EBADMSG);
	buf_done(&a);
	buf_done(&b);
	free(s);
	free(got);
}

/* One thing wrong in each: what no writer that means well makes. */
static void
set_doubled(struct seen *s)
{
	static const uint8_t twice[] = { 0, 8, 1, 0, 3, 13, 1, 2, 3, 4, 0, 8, 1, 0, 3, 13, 1, 2, 3, 4 };

	s->sets[1].rrs = (struct sv){ (const char *)twice, sizeof(twice) };
}

static void set_unsorted(struct seen *s)
{
	static const uint8_t back[] = { 0, 8, 1, 1, 3, 13, 1, 2, 3, 4, 0, 8, 1, 0, 3, 13, 1, 2, 3, 4 };

	s->sets[1].rrs = (struct sv){ (const char *)back, sizeof(back) };
}

static void set_of_other_type(struct seen *s) { s->sets[0].type = RR_TXT; }
static void set_ttl(struct seen *s) { s->sets[0].ttl = UINT32_C(1) << 31; }
static void set_count(struct seen *s) { s->sets[1].n = 1; }
static void set_empty(struct seen *s) { s->sets[1].n = 0; s->sets[1].rrs = SV(""); }
static void set_malformed(struct seen *s) { s->sets[1].rrs = SV("\0\3abc\0\3abd"); }
static void ds_as_dnskey(struct seen *s) { s->servers[1].set = 0; }
static void set_beyond(struct seen *s) { s->servers[0].set = 2; }
static void sigs_of_parent(struct seen *s) { s->servers[0].soa_sigs = 1; }
static void sigs_beyond(struct seen *s) { s->servers[1].soa_sigs = 2; }
static void sigs_of_other_type(struct seen *s) { s->servers[1].soa_sigs = 0; }
static void sigs_type(struct seen *s) { s->sigs[1].type = RR_NS; }
static void key_beyond(struct seen *s) { s->servers[1].set = SEEN_NONE; }
static void sigs_none(struct seen *s) { s->sigs[1].n = 0; s->sigs[1].rows = SV(""); }
static void silent_gave(struct seen *s) { s->servers[2].set = 1; }
static void silent_serial(struct seen *s) { s->servers[2].flags |= SEEN_HAS_SERIAL; }
static void no_serial(struct seen *s) { s->servers[1].flags = 0; s->servers[1].serial = 0; }
static void serial_unsaid(struct seen *s) { s->servers[2].serial = 1; }
static void parent_serial(struct seen *s) { s->servers[0].flags = SEEN_HAS_SERIAL; }
static void no_address(struct seen *s) { s->servers[0].addr = (struct ip_prefix){ .af = 0 }; }
static void family(struct seen *s) { s->servers[0].addr.af = 5; }
static void host_bits(struct seen *s) { s->servers[0].addr.addr[4] = 1; }
static void state(struct seen *s) { s->servers[2].state = SEEN_STATE_MAX; }
static void side(struct seen *s) { s->servers[2].side = SEEN_SIDE_MAX; }
static void flag(struct seen *s) { s->servers[2].flags |= 4; }
static void upper_case(struct seen *s) { s->zone.w[1] = 'C'; }
static void upper_server(struct seen *s) { s->servers[0].name.w[1] = 'P'; }
static void parent_is_zone(struct seen *s) { s->parent = s->zone; }
static void parent_elsewhere(struct seen *s) { s->parent = name("jp."); }
static void time_before(struct seen *s) { s->at = -1; }
static void complete_without(struct seen *s) { s->servers[2].flags = 0; }
static void complete_nobody(struct seen *s) { s->servers[0] = s->servers[2]; }
static void complete_orphan(struct seen *s) { s->has_parent = false; }

static void
refused(void **st UNUSED)
{
	static void (*const wrong[])(struct seen *) = { set_doubled, set_unsorted, set_of_other_type, set_ttl,
		set_count, set_empty, set_malformed, ds_as_dnskey, set_beyond, sigs_of_parent, sigs_beyond,
		sigs_of_other_type, sigs_type, key_beyond, sigs_none, silent_gave, silent_serial, no_serial,
		serial_unsaid, parent_serial, no_address, family, host_bits, state, side, flag, upper_case,
		upper_server, parent_is_zone, parent_elsewhere, time_before, complete_without,
		complete_nobody, complete_orphan };
	struct seen *got = calloc(1, sizeof(*got));

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct seen *s = example();

		wrong[i](s);
		if (again(s, got) != -EBADMSG)
			fail_msg("fault %zu was taken", i);
		free(s);
	}
	free(got);
}

static void
allowed(void **st UNUSED)
{
	struct seen *s = example(), *got = calloc(1, sizeof(*got));

	/* The root; nothing known at all; an address without anybody behind it. */
	s->zone = DNAME_ROOT;
	s->has_parent = s->complete[SEEN_PARENT] = false;
	assert_int_equal(again(s, got), 0);
	assert_false(got->has_parent);
	s->complete[SEEN_ZONE] = false;
	s->n_sets = s->n_sigs = s->n_servers = 0;
	assert_int_equal(again(s, got), 0);
	s->n_servers = 1;
	s->servers[0] = server(SEEN_ZONE, SEEN_UNKNOWN, "ns.test.");
	s->servers[0].addr = (struct ip_prefix){ .af = 0 };
	assert_int_equal(again(s, got), 0);
	assert_int_equal(got->servers[0].addr.af, 0);
	free(s);
	free(got);
}

static void
limits(void **st UNUSED)
{
	struct seen *s = example(), *got = calloc(1, sizeof(*got));
	char *big = calloc(1, 65537);
	struct buf b = BUF_INIT;

	/* So many as fit are taken, each of them. */
	s->complete[SEEN_PARENT] = s->complete[SEEN_ZONE] = false;
	for (s->n_servers = 3; s->n_servers < SEEN_SERVERS_MAX; s->n_servers++)
		s->servers[s->n_servers] = s->servers[1];
	for (s->n_sets = 2; s->n_sets < SEEN_SETS_MAX; s->n_sets++)
		s->sets[s->n_sets] = s->sets[1];
	for (s->n_sigs = 2; s->n_sigs < SEEN_SIGS_MAX; s->n_sigs++)
		s->sigs[s->n_sigs] = s->sigs[1];
	assert_int_equal(again(s, got), 0);
	assert_int_equal(got->n_servers, SEEN_SERVERS_MAX);
	for (size_t i = 0; i < SEEN_SETS_MAX; i++)
		s->sets[i].rrs = (struct sv){ big, 65537 };
	assert_int_equal(seen_write(s, &b), SE_LIMIT);
	buf_done(&b);
	free(big);
	free(s);
	free(got);
}

TESTS_MAIN("app/zone_seen", T(round_trip), T(refused), T(allowed), T(limits))
