/*
 * Later runs: after any edits and any time, the version is what a first run
 * would have made, but for its signatures; those hold; and what did not change
 * is the same node.
 */
#include "sign_kit.h"

static uint64_t rng = 1;

static unsigned
rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)(rng >> 11) % n;
}

/* --- a zone as rows, so that edits are of what is there --- */

#define ROWS_MAX	400

struct model {
	char		*row[ROWS_MAX];
	size_t		 n;
};

/* Names of few labels of few letters: that they meet is what is wanted. */
static const char *
any_row(char dst[static 200])
{
	static const char *const labels[] = { "a", "b", "c", "\\000", "Z", "*" };
	static const char *const data[] = {
		"A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1", "MX 10 mail.example.", "TXT \"x\"",
		"NS ns.example.", "NS ns.a.b.example.", "DS 1 13 2 0123456789012345678901234567890123456789012345678901234567890123",
		"DNAME other.example.", "CAA 0 issue \"ca.example\"", "TYPE65280 \\# 1 00",
	};
	unsigned depth = 1 + rnd(3);
	size_t n = 0;

	for (unsigned i = 0; i < depth; i++)
		n += (size_t)snprintf(dst + n, 200 - n, "%s.",
		    labels[rnd(i == 0 ? ARRAY_LEN(labels) : ARRAY_LEN(labels) - 1)]);
	(void)snprintf(dst + n, 200 - n, "example. %s", data[rnd(ARRAY_LEN(data))]);
	return dst;
}

static size_t
model_find(const struct model *m, const char *row)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (strcmp(m->row[i], row) == 0)
			break;
	return i;
}

static struct zone *
model_edit(struct kit *k, struct model *m, unsigned n_edits)
{
	_cleanup_(zone_edit_freep) struct zone_edit *e = zone_edit_new(k->u, &k->fs);
	static struct kit_rr t;
	struct zone *z = NULL;
	char row[200];

	for (unsigned i = 0; i < n_edits && m->n > 4; i++) {
		size_t at = 3 + rnd((unsigned)m->n - 3);

		if (rnd(2) != 0)
			continue;
		assert_int_equal(zone_edit_del(e, kit_rr(&t, m->row[at])), 0);
		free(m->row[at]);
		m->row[at] = m->row[--m->n];
	}
	for (unsigned i = 0; i < n_edits && m->n < ROWS_MAX; i++) {
		if (model_find(m, any_row(row)) < m->n)
			continue;
		assert_int_equal(zone_edit_add(e, kit_rr(&t, row)), 0);
		m->row[m->n++] = strdup(row);
	}
	assert_int_equal(zone_edit_done(e, &z), 0);
	return z;
}

/* --- what has to hold --- */

static bool
key_serves(const struct kit *k, const struct sign_key *key, bool of_keys)
{
	(void)k;
	return (key->uses & (of_keys ? SIGN_USE_DNSKEY : SIGN_USE_ZONE | SIGN_USE_KEEP)) != 0;
}

/* One RRSIG over one set: made by a key that may, of exactly this, and lasting. */
static bool
sig_holds(const struct kit *k, const struct dname *owner, const struct zrrset *set, struct sv sig)
{
	uint8_t text[65536], want[512];
	struct wr w = wr_mem(text, sizeof(text));
	struct rd r = rd_sv(sv_skip(sig, 8));
	uint32_t ends = rd_be32(&r), begins = rd_be32(&r);
	struct sv rest = set->rrs, rdata;
	bool of_keys = set->type == RR_DNSKEY || set->type == RR_CDS;
	size_t head = 18u + k->apex.len;

	if (ends <= k->now + k->policy.refresh_sec || begins > k->now || ends > k->now + 14 * DAY)
		return false;
	while (zdata_next(&rest, &rdata)) {
		wr_bytes(&w, owner->w, owner->len);
		wr_be16(&w, set->type);
		wr_be16(&w, 1);
		wr_be32(&w, set->ttl);
		wr_be16(&w, (uint16_t)rdata.n);
		wr_bytes(&w, rdata.p, rdata.n);
	}
	for (size_t i = 0; i < k->keys.n; i++) {
		struct crypto_make m = { .data = { sv_take(sig, head), { (char *)text, w.len } } };
		size_t n = dnskey_sig_len(k->key[i].rdata);

		kit_sigs_fake(&k->key[i], &m, want, n);
		if (key_serves(k, &k->key[i], of_keys) &&
		    sv_eq(sv_skip(sig, head), (struct sv){ (char *)want, n }))
			return true;
	}
	return false;
}

static void
assert_holds(const struct kit *k, const struct zone *z)
{
	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		struct zone_it it = zone_begin(z, part);
		const struct znode *n;

		while ((n = zone_next(&it)) != NULL) {
			struct zrrset set;
			struct sv rest, sig;
			struct dname owner;
			size_t pos = 0;

			znode_name(z, part, n, &owner);
			while (znode_next(n, &pos, &set))
				for (rest = set.sigs; zdata_next(&rest, &sig); )
					assert_true(sig_holds(k, &owner, &set, sig));
		}
	}
}

/* The same records, and as many signatures; serials may differ. */
static void
assert_same_node(const struct znode *a, const struct znode *b)
{
	struct zrrset x, y;
	size_t i = 0, j = 0;

	assert_int_equal(znode_n_rrsets(a), znode_n_rrsets(b));
	while (znode_next(a, &i, &x) && znode_next(b, &j, &y)) {
		assert_int_equal(x.type, y.type);
		assert_int_equal(x.ttl, y.ttl);
		assert_int_equal(x.n_sigs, y.n_sigs);
		if (x.type != RR_SOA)
			assert_true(sv_eq(x.rrs, y.rrs));
	}
}

static void
assert_same_zone(const struct zone *a, const struct zone *b)
{
	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		struct zone_it i = zone_begin(a, part), j = zone_begin(b, part);
		const struct znode *x, *y;

		assert_int_equal(zone_n_nodes(a, part), zone_n_nodes(b, part));
		while ((x = zone_next(&i)) != NULL && (y = zone_next(&j)) != NULL) {
			assert_true(sv_eq(znode_key(x), znode_key(y)));
			assert_same_node(x, y);
		}
	}
}

static bool
node_equal(const struct znode *a, const struct znode *b)
{
	struct zrrset x, y;
	size_t i = 0, j = 0;

	if (znode_n_rrsets(a) != znode_n_rrsets(b))
		return false;
	while (znode_next(a, &i, &x) && znode_next(b, &j, &y))
		if (x.type != y.type || x.ttl != y.ttl || !sv_eq(x.rrs, y.rrs) || !sv_eq(x.sigs, y.sigs))
			return false;
	return true;
}

/* zone_diff() of two signed versions: what is another node has another content. */
static int
diff_check(void *arg, enum zone_part part, const struct znode *old, const struct znode *new)
{
	(void)arg;
	(void)part;
	if (old != NULL && new != NULL)
		assert_false(node_equal(old, new));
	return 0;
}

static int64_t
horizon(const struct zone *z)
{
	int64_t min = INT64_MAX;

	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		struct zone_it it = zone_begin(z, part);
		const struct znode *n;

		while ((n = zone_next(&it)) != NULL) {
			struct zrrset set;
			struct sv rest, sig;
			size_t pos = 0;

			while (znode_next(n, &pos, &set))
				for (rest = set.sigs; zdata_next(&rest, &sig); ) {
					struct rd r = rd_sv(sv_skip(sig, 8));

					min = min_i64(min, rd_be32(&r));
				}
		}
	}
	return min;
}

static void
assert_as_new(struct kit *k)
{
	struct sign_input in = { .now_unsigned = k->u, .keys = k->keys, .policy = &k->policy,
		.now = k->now, .sign = kit_sign, .sign_arg = k };
	_cleanup_(sign_state_freep) struct sign_state *state = NULL;
	_cleanup_(zone_unrefp) struct zone *z = NULL;
	struct sign_stats stats;

	assert_int_equal(sign_zone(&in, &k->fs, &z, &state, &stats), 0);
	assert_non_null(z);
	assert_same_zone(k->s, z);
	assert_holds(k, k->s);
	assert_int_equal(sign_state_horizon(k->state), horizon(k->s));
}

static void
play(struct kit *k, unsigned steps)
{
	static const char *const begin[] = {
		"example. SOA ns.example. bugs.example. 7 3600 300 3600000 1800",
		"example. NS ns.example.", "ns.example. A 192.0.2.1",
	};
	struct model m = { .n = ARRAY_LEN(begin) };

	for (size_t i = 0; i < m.n; i++)
		m.row[i] = strdup(begin[i]);
	assert_int_equal(kit_run(k, kit_zone(k, begin, ARRAY_LEN(begin)), false), 0);
	for (unsigned i = 0; i < steps; i++) {
		struct zone *old = zone_ref(k->s);
		uint32_t before = 0, after = 0;

		k->now += rnd(3) == 0 ? rnd(4 * DAY) : rnd(100);
		assert_int_equal(kit_run(k, model_edit(k, &m, rnd(4) == 0 ? 0 : 1 + rnd(8)), true), 0);
		assert_false(k->stats.all);
		assert_int_equal(zone_diff(old, k->s, diff_check, NULL), 0);
		assert_true(zone_serial(old, &before) && zone_serial(k->s, &after));
		assert_true(k->stats.changed ? serial_gt(after, before) : old == k->s);
		(void)zone_unref(old);
		assert_as_new(k);
	}
	for (size_t i = 0; i < m.n; i++)
		free(m.row[i]);
}

static void
play_with(enum sign_denial denial, bool opt_out, unsigned seed)
{
	struct kit *k = kit_new("example.");

	rng = seed * 2654435761u + 1;
	kit_key(k, 256, 13, 1, SIGN_USE_PUBLISH | SIGN_USE_ZONE);
	kit_key(k, 257, 13, 2, SIGN_USE_PUBLISH | SIGN_USE_DNSKEY | SIGN_USE_CDS);
	k->keys.cds_digests = 1 << 2;
	k->policy.denial = denial;
	k->policy.opt_out = opt_out;
	play(k, 60);
	kit_free(k);
}

static void
test_nsec(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 4; seed++)
		play_with(SIGN_NSEC, false, seed);
}

static void
test_nsec3(void **state)
{
	(void)state;
	for (unsigned seed = 11; seed <= 14; seed++)
		play_with(SIGN_NSEC3, false, seed);
}

static void
test_opt_out(void **state)
{
	(void)state;
	for (unsigned seed = 21; seed <= 24; seed++)
		play_with(SIGN_NSEC3, true, seed);
}

/*
 * Every name goes, and as many others come; then they go, too. (Where each one
 * that went or came looked for the next that stayed, this took minutes.)
 */
static void
test_all_other(void **state)
{
	enum { NAMES = 20000 };
	struct kit *k = kit_new("example.");
	const char **row = calloc(NAMES + 3, sizeof(*row));
	char (*text)[64] = calloc(NAMES, sizeof(*text));

	(void)state;
	assert_true(row != NULL && text != NULL);
	kit_key(k, 257, 13, 1, SIGN_USE_PUBLISH | SIGN_USE_ZONE | SIGN_USE_DNSKEY);
	k->policy.denial = SIGN_NSEC3;
	row[0] = "example. SOA ns.example. bugs.example. 7 3600 300 3600000 1800";
	row[1] = "example. NS ns.example.";
	row[2] = "ns.example. A 192.0.2.1";
	for (unsigned round = 0; round < 3; round++) {
		size_t n = round < 2 ? NAMES : 0;

		for (size_t i = 0; i < n; i++) {
			(void)snprintf(text[i], sizeof(text[i]), "n%u-%zu.example. A 192.0.2.1", round, i);
			row[i + 3] = text[i];
		}
		k->now++;
		assert_int_equal(kit_run(k, kit_zone(k, row, n + 3), round > 0), 0);
		assert_int_equal(k->stats.all, round == 0);
		assert_int_equal(zone_n_nodes(k->s, ZONE_NSEC3), n + 2);
		assert_as_new(k);
	}
	free(row);
	free(text);
	kit_free(k);
}

TESTS_MAIN("dnssec/sign, again", T(test_nsec), T(test_nsec3), T(test_opt_out), T(test_all_other))
