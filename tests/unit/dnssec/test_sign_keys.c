/* The signer and its keys: which sign, which are kept, which go; other denials; failures. */
#include "sign_kit.h"
/* links_sort() with hashes that no names have. */
#include "../../../src/dnssec/sign_chain.c"

static const char *const small[] = {
	"example. SOA ns1.example. bugs.example. 7 3600 300 3600000 1800",
	"example. NS ns1.example.", "ns1.example. A 192.0.2.1", "www.example. A 192.0.2.2",
	"sub.example. NS ns1.example.", "a.ent.example. TXT x",
};

static struct zone *
small_zone(struct kit *k)
{
	return kit_zone(k, small, ARRAY_LEN(small));
}

#define KSK	(SIGN_USE_PUBLISH | SIGN_USE_DNSKEY)
#define ZSK	(SIGN_USE_PUBLISH | SIGN_USE_ZONE)

/* How many signatures the key has in the zone, by its tag. */
static unsigned
sigs_by(const struct kit *k, const struct sign_key *key)
{
	unsigned n = 0;

	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		struct zone_it it = zone_begin(k->s, part);
		const struct znode *node;

		while ((node = zone_next(&it)) != NULL) {
			struct zrrset set;
			struct sv rest, sig;
			size_t pos = 0;

			while (znode_next(node, &pos, &set))
				for (rest = set.sigs; zdata_next(&rest, &sig); )
					n += ((uint8_t)sig.p[16] << 8 | (uint8_t)sig.p[17]) == key->tag &&
					    (uint8_t)sig.p[2] == key->alg;
		}
	}
	return n;
}

static bool
apex_set(const struct kit *k, uint16_t type, struct zrrset *ret)
{
	return znode_find(zone_apex_node(k->s), type, ret);
}

static void
found_with(struct kit *k, enum dnssec_code code, int want_rc)
{
	assert_int_equal(kit_run(k, small_zone(k), false), want_rc);
	assert_true(kit_found(k, code));
	kit_free(k);
}

static void
test_findings(void **state)
{
	struct kit *k = kit_new("example.");

	(void)state;
	kit_key(k, 257, 13, 1, KSK);
	found_with(k, SIGN_KEY_NONE, 1);
	k = kit_new("example.");
	kit_key(k, 1, 13, 1, ALL_USES);			/* no zone flag */
	found_with(k, SIGN_KEY_BAD, 1);
	k = kit_new("example.");
	kit_key(k, 257 | DNSKEY_REVOKE, 13, 1, ALL_USES);
	found_with(k, SIGN_KEY_BAD, 1);
	k = kit_new("example.");
	kit_key(k, 257, 8, 1, ALL_USES);
	k->key[0].rdata = (struct sv){ "\1\1\3\5\3\1\0\1\77\77\77", 11 };
	k->key[0].alg = 5;
	found_with(k, SIGN_KEY_BAD, 1);
	k = kit_new("example.");
	kit_key(k, 257, 8, 1, ALL_USES);
	k->key[0].rdata = (struct sv){ "\1\1\3\12\3\1\0\1\77\77\77", 11 };
	k->key[0].alg = 10;
	found_with(k, SIGN_ALG_ADVICE, 0);
	k = kit_new("example.");
	kit_key(k, 257, 13, 1, ALL_USES);
	kit_key(k, 257, 15, 2, SIGN_USE_PUBLISH | SIGN_USE_DNSKEY);
	found_with(k, SIGN_ALG_INCOMPLETE, 0);
}

/* Pre-publication: the old key's signatures serve until they are due. */
static void
test_zsk_roll(void **state)
{
	struct kit *k = kit_new("example.");
	unsigned n;

	(void)state;
	kit_key(k, 257, 13, 1, KSK);
	kit_key(k, 256, 13, 2, ZSK);
	kit_key(k, 256, 13, 3, SIGN_USE_PUBLISH);
	assert_int_equal(kit_run(k, small_zone(k), false), 0);
	n = sigs_by(k, &k->key[1]);
	assert_int_equal(sigs_by(k, &k->key[2]), 0);
	k->key[1].uses = SIGN_USE_PUBLISH | SIGN_USE_KEEP;
	k->key[2].uses = ZSK;
	k->now += 3600;
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_false(k->stats.all);
	assert_false(k->stats.changed);			/* the same zone, the same DNSKEYs */
	k->now += 7 * DAY;				/* all are due */
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_int_equal(sigs_by(k, &k->key[1]), 0);
	assert_int_equal(sigs_by(k, &k->key[2]), n);
	k->keys.n = 0;					/* the old one is withdrawn */
	kit_key(k, 257, 13, 1, KSK);
	kit_key(k, 256, 13, 3, ZSK);
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_true(k->stats.changed);
	assert_int_equal(k->stats.n_sigs, 2);		/* DNSKEY, SOA */
	kit_free(k);
}

/* Without KEEP all of the old key's signatures go at once; double signatures come and go. */
static void
test_zsk_switch(void **state)
{
	struct kit *k = kit_new("example.");
	unsigned n;

	(void)state;
	kit_key(k, 257, 13, 1, KSK);
	kit_key(k, 256, 13, 2, ZSK);
	assert_int_equal(kit_run(k, small_zone(k), false), 0);
	n = sigs_by(k, &k->key[1]);
	kit_key(k, 256, 13, 3, ZSK);
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_true(k->stats.all);
	assert_int_equal(sigs_by(k, &k->key[1]), n);
	assert_int_equal(sigs_by(k, &k->key[2]), n);
	k->key[1].uses = SIGN_USE_PUBLISH;
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_int_equal(sigs_by(k, &k->key[1]), 0);
	assert_int_equal(sigs_by(k, &k->key[2]), n);
	assert_int_equal(k->stats.n_sigs, 1);		/* the SOA's */
	kit_free(k);
}

/* A key that signs no longer: its signatures go where those of another are there, too. */
static void
test_idle(void **state)
{
	struct kit *k = kit_new("example.");
	unsigned n;

	(void)state;
	kit_key(k, 257, 13, 1, KSK);
	kit_key(k, 256, 13, 2, ZSK);
	kit_key(k, 256, 13, 3, ZSK);
	assert_int_equal(kit_run(k, small_zone(k), false), 0);
	n = sigs_by(k, &k->key[1]);
	k->key[1].uses = SIGN_USE_PUBLISH | SIGN_USE_KEEP;
	k->state = sign_state_free(k->state);
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_int_equal(sigs_by(k, &k->key[1]), 0);
	assert_int_equal(sigs_by(k, &k->key[2]), n);
	assert_int_equal(k->stats.n_sigs, 1);		/* the SOA's */
	kit_free(k);
}

/* Another MINIMUM is another TTL of every NSEC, though nothing else changed. */
static void
test_minimum(void **state)
{
	struct kit *k = kit_new("example.");
	struct zone_edit *e;
	struct zone *z = NULL;
	struct zrrset set;
	static struct kit_rr t;

	(void)state;
	kit_key(k, 257, 13, 1, ALL_USES);
	assert_int_equal(kit_run(k, small_zone(k), false), 0);
	e = zone_edit_new(k->u, &k->fs);
	assert_int_equal(zone_edit_del(e, kit_rr(&t, small[0])), 0);
	assert_int_equal(zone_edit_add(e, kit_rr(&t,
	    "example. SOA ns1.example. bugs.example. 8 3600 300 3600000 60")), 0);
	assert_int_equal(zone_edit_done(e, &z), 0);
	(void)zone_edit_free(e);
	assert_int_equal(kit_run(k, z, true), 0);
	assert_true(znode_find(zone_find(k->s, ZONE_NAMES, SV("www\0")), RR_NSEC, &set));
	assert_int_equal(set.ttl, 60);
	kit_free(k);
}

static void
test_denial_change(void **state)
{
	struct kit *k = kit_new("example.");
	struct zrrset set;

	(void)state;
	kit_key(k, 257, 13, 1, ALL_USES);
	assert_int_equal(kit_run(k, small_zone(k), false), 0);
	k->policy.denial = SIGN_NSEC3;
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_int_equal(zone_n_nodes(k->s, ZONE_NSEC3), 6);
	assert_false(apex_set(k, RR_NSEC, &set));
	assert_true(apex_set(k, RR_NSEC3PARAM, &set));
	assert_int_equal((uint8_t)set.rrs.p[3], 0);	/* flags */
	k->policy.opt_out = true;
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_int_equal(zone_n_nodes(k->s, ZONE_NSEC3), 5);
	k->policy.salt_len = 1;
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_int_equal(zone_n_nodes(k->s, ZONE_NSEC3), 5);
	k->policy.denial = SIGN_NSEC;
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_int_equal(zone_n_nodes(k->s, ZONE_NSEC3), 0);
	assert_true(apex_set(k, RR_NSEC, &set));
	assert_false(apex_set(k, RR_NSEC3PARAM, &set));
	kit_free(k);
}

static void
test_cds(void **state)
{
	struct kit *k = kit_new("example.");
	struct zrrset set;

	(void)state;
	kit_key(k, 257, 13, 1, KSK | SIGN_USE_CDS);
	kit_key(k, 256, 13, 2, ZSK);
	k->keys.cds_digests = 1 << 1 | 1 << 2 | 1 << 4;
	k->keys.cdnskey = true;
	assert_int_equal(kit_run(k, small_zone(k), false), 0);
	assert_true(apex_set(k, RR_CDS, &set));
	assert_int_equal(set.n_rrs, 2);			/* never of SHA-1 */
	assert_int_equal(set.n_sigs, 1);
	assert_int_equal((uint8_t)set.sigs.p[18] << 8 | (uint8_t)set.sigs.p[19], k->key[0].tag);
	assert_true(apex_set(k, RR_CDNSKEY, &set));
	assert_true(sv_eq(sv_skip(set.rrs, 2), k->key[0].rdata));
	k->keys.cds_delete = true;
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_true(apex_set(k, RR_CDS, &set));
	assert_true(sv_eq(sv_skip(set.rrs, 2), cds_delete()));
	assert_true(apex_set(k, RR_CDNSKEY, &set));
	assert_true(sv_eq(sv_skip(set.rrs, 2), cdnskey_delete()));
	kit_free(k);
}

/* A start: the last signed version is there, but no state. All serves on. */
static void
test_restart(void **state)
{
	struct kit *k = kit_new("example.");
	struct zone *old;

	(void)state;
	k->policy.denial = SIGN_NSEC3;
	kit_key(k, 257, 13, 1, ALL_USES);
	assert_int_equal(kit_run(k, small_zone(k), false), 0);
	k->state = sign_state_free(k->state);
	old = k->s;
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_true(k->stats.all);
	assert_false(k->stats.changed);
	assert_ptr_equal(k->s, old);
	assert_int_equal(k->stats.n_sigs, 0);
	k->now += 60;
	assert_int_equal(kit_run(k, zone_ref(k->u), true), 0);
	assert_false(k->stats.all);
	assert_ptr_equal(k->s, old);
	assert_true(sign_state_due(k->state) > k->now);
	kit_free(k);
}

static void
test_serial(void **state)
{
	struct kit *k = kit_new("example.");
	const char *rows[ARRAY_LEN(small) + 1];

	(void)state;
	memcpy(rows, small, sizeof(small));
	rows[ARRAY_LEN(small)] = "new.example. A 192.0.2.9";
	kit_key(k, 257, 13, 1, ALL_USES);
	k->policy.serial = SIGN_SERIAL_KEEP;
	assert_int_equal(kit_run(k, small_zone(k), false), 0);
	assert_false(kit_found(k, SIGN_SERIAL));
	assert_int_equal(kit_run(k, kit_zone(k, rows, ARRAY_LEN(rows)), true), 0);
	assert_true(kit_found(k, SIGN_SERIAL));
	kit_free(k);
}

/* What fails leaves nothing, wherever it fails. */
static void
test_failure(void **state)
{
	struct kit *k = kit_new("example.");

	(void)state;
	kit_key(k, 257, 13, 1, KSK);
	kit_key(k, 256, 13, 2, ZSK);
	k->policy.denial = SIGN_NSEC3;
	for (uint64_t at = 1; at <= 4; at++) {
		k->n_calls = 0;
		k->fail_at = at;
		assert_int_equal(kit_run(k, small_zone(k), false), -EIO);
		assert_null(k->s);
	}
	k->fail_at = 0;
	assert_int_equal(kit_run(k, small_zone(k), false), 0);
	kit_free(k);
}

static void
test_collision(void **state)
{
	struct kit *k = kit_new("example.");
	struct zone *z = small_zone(k);
	struct zone_it it = zone_begin(z, ZONE_NAMES);
	const struct znode *a = zone_next(&it), *b = zone_next(&it);
	struct signer s = { .fs = &k->fs };
	struct link twice[] = { { .node = a }, { .node = a } };
	struct link two[] = { { .node = a }, { .node = b, .key_len = (uint16_t)znode_key(b).n } };

	(void)state;
	assert_int_equal(links_sort(&s, &(struct links){ .v = twice, .n = 2 }), 0);
	assert_false(kit_found(k, SIGN_NSEC3_COLLISION));
	assert_int_equal(links_sort(&s, &(struct links){ .v = two, .n = 2 }), -EEXIST);
	assert_true(kit_found(k, SIGN_NSEC3_COLLISION));
	(void)zone_unref(z);
	kit_free(k);
}

/* --- two keys with one tag, and real signatures --- */

static int
real_sign(void *arg, const struct sign_key *k, struct crypto_make *m, size_t n)
{
	(void)arg;
	return crypto_make_batch(k->arg, m, n);
}

struct pair {
	struct crypto_priv *a, *b;
};

/* Among a few hundred keys two have the same tag. */
static struct pair
twins(struct kit *k)
{
	static struct crypto_priv *by_tag[65536];
	struct pair p = { 0 };

	while (p.b == NULL) {
		struct crypto_priv *priv;
		struct dnskey d = { .flags = 256, .protocol = 3, .alg = 13 };
		uint8_t rdata[DNSKEY_RDATA_MAX];
		uint16_t tag;

		assert_int_equal(crypto_priv_generate(13, 0, &priv), 0);
		d.public_key = crypto_priv_public(priv);
		tag = dnskey_tag((struct sv){ (char *)rdata, dnskey_write(&d, rdata) });
		if (by_tag[tag] != NULL)
			p = (struct pair){ by_tag[tag], priv };
		else
			by_tag[tag] = priv;
	}
	for (size_t i = 0; i < 65536; i++)
		if (by_tag[i] != NULL && by_tag[i] != p.a)
			(void)crypto_priv_free(by_tag[i]);
	(void)k;
	return p;
}

static void
real_key(struct kit *k, struct crypto_priv *priv, unsigned uses)
{
	struct dnskey d = { .flags = 256, .protocol = 3, .alg = 13, .public_key = crypto_priv_public(priv) };
	uint8_t rdata[DNSKEY_RDATA_MAX];
	struct sv sv = { (char *)rdata, dnskey_write(&d, rdata) };

	assert_int_equal(sign_key_init(&k->key[k->keys.n++], pool_sv(k->pool, sv), uses, priv), 0);
	k->keys.keys = k->key;
}

static void
real_run(struct kit *k, bool keep)
{
	struct sign_input in = { .now_unsigned = k->u, .last_signed = keep ? k->s : NULL, .keys = k->keys,
		.policy = &k->policy, .now = k->now, .sign = real_sign };
	struct sign_state *state = NULL;
	struct zone *s = NULL;

	assert_int_equal(sign_zone(&in, &k->fs, &s, &state, &k->stats), 0);
	assert_non_null(s);
	(void)sign_state_free(state);
	(void)zone_unref(k->s);
	k->s = s;
}

static void
test_twins(void **state)
{
	struct kit *k = kit_new("example.");
	struct pair p = twins(k);
	unsigned n;

	(void)state;
	k->u = small_zone(k);
	real_key(k, p.a, ALL_USES);
	real_run(k, false);
	n = (unsigned)k->stats.n_sigs;
	k->keys.n = 0;				/* another key, with the tag of the one before */
	real_key(k, p.b, ALL_USES);
	real_run(k, true);
	assert_int_equal(k->stats.n_sigs, n);
	assert_int_equal(k->stats.n_kept, 0);
	k->keys.n = 0;				/* both: each signature finds its own */
	real_key(k, p.a, ALL_USES);
	real_key(k, p.b, ALL_USES);
	real_run(k, true);
	assert_true(kit_found(k, SIGN_KEY_TAGS));
	assert_int_equal(k->stats.n_kept, n - 2);	/* all but DNSKEY and SOA */
	assert_int_equal(k->stats.n_sigs, n + 2);
	assert_int_equal(sigs_by(k, &k->key[0]), 2 * n);
	(void)crypto_priv_free(p.a);
	(void)crypto_priv_free(p.b);
	kit_free(k);
}

TESTS_MAIN("dnssec/sign, keys", T(test_findings), T(test_zsk_roll), T(test_zsk_switch), T(test_idle), T(test_minimum),
    T(test_denial_change), T(test_cds), T(test_restart), T(test_serial), T(test_failure),
    T(test_collision), T(test_twins))
