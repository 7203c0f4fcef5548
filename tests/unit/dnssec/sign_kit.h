/*
 * Zones from rows of text, keys that are none, and signatures that a test can
 * check without arithmetic: the SHA-256 of key and data, repeated.
 */
#ifndef TESTS_UNIT_DNSSEC_SIGN_KIT_H
#define TESTS_UNIT_DNSSEC_SIGN_KIT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "base/pool.h"
#include "crypto/crypto.h"
#include "dnssec/dnssec.h"

#define NOW	1790000000
#define DAY	86400

struct kit {
	struct pool		*pool;
	struct findings		 fs;
	struct dname		 apex;
	struct sign_policy	 policy;
	struct sign_key		 key[8];
	struct sign_keys	 keys;
	int64_t			 now;
	struct zone		*u, *s;		/* the last run's */
	struct sign_state	*state;
	struct sign_stats	 stats;
	uint64_t		 n_calls, fail_at;
};

static inline void
kit_sigs_fake(const struct sign_key *k, const struct crypto_make *m, uint8_t *sig, size_t sig_len)
{
	struct crypto_sha256 *h = crypto_sha256_new();
	uint8_t digest[SHA256_LEN];

	crypto_sha256_update(h, k->rdata.p, k->rdata.n);
	for (unsigned i = 0; i < CRYPTO_PIECES; i++)
		crypto_sha256_update(h, m->data[i].p, m->data[i].n);
	crypto_sha256_final(h, digest);
	(void)crypto_sha256_free(h);
	for (size_t i = 0; i < sig_len; i++)
		sig[i] = digest[i % sizeof(digest)];
}

static inline int
kit_sign(void *arg, const struct sign_key *k, struct crypto_make *m, size_t n)
{
	struct kit *kit = arg;

	if (kit->fail_at > 0 && ++kit->n_calls >= kit->fail_at)
		return -EIO;
	for (size_t i = 0; i < n; i++)
		kit_sigs_fake(k, &m[i], m[i].sig, dnskey_sig_len(k->rdata));
	return 0;
}

/* A DNSKEY of algorithm 13 whose public key is noise of the seed. */
static inline struct sv
kit_dnskey(struct kit *k, uint16_t flags, uint8_t alg, unsigned seed)
{
	static const size_t len[17] = { [8] = 4 + 128, [13] = 64, [14] = 96, [15] = 32, [16] = 57 };
	uint8_t rdata[DNSKEY_RDATA_MAX], key[200];
	struct dnskey d = { .flags = flags, .protocol = 3, .alg = alg, .public_key = { (char *)key, len[alg] } };

	memset(key, 0x80 + (int)seed, sizeof(key));
	if (alg == 8)
		memcpy(key, "\3\1\0\1", 4);
	return pool_sv(k->pool, (struct sv){ (char *)rdata, dnskey_write(&d, rdata) });
}

static inline void
kit_key(struct kit *k, uint16_t flags, uint8_t alg, unsigned seed, unsigned uses)
{
	assert_int_equal(sign_key_init(&k->key[k->keys.n++], kit_dnskey(k, flags, alg, seed), uses, NULL), 0);
	k->keys.keys = k->key;
}

#define ALL_USES	(SIGN_USE_PUBLISH | SIGN_USE_DNSKEY | SIGN_USE_ZONE)

static inline struct kit *
kit_new(const char *apex)
{
	struct pool *pool = pool_new(64 << 20);
	struct kit *k = pool_calloc(pool, 1, sizeof(*k));

	k->pool = pool;
	findings_init(&k->fs, pool);
	assert_int_equal(dname_parse(sv_str(apex), NULL, &k->apex), 0);
	sign_policy_init(&k->policy);
	k->now = NOW;
	return k;
}

static inline void
kit_free(struct kit *k)
{
	(void)zone_unref(k->u);
	(void)zone_unref(k->s);
	(void)sign_state_free(k->state);
	(void)pool_free(k->pool);
}

struct kit_rr {
	struct dname	owner;
	uint8_t		rdata[DNS_RDATA_MAX];
	struct dns_rr	rr;
};

/* "owner TYPE data", the TTL is 3600; names are complete. */
static inline const struct dns_rr *
kit_rr(struct kit_rr *t, const char *row)
{
	struct sv s = sv_str(row), owner, type;
	uint16_t ty;
	size_t n;

	assert_true(sv_word(&s, &owner));
	assert_true(sv_word(&s, &type));
	assert_int_equal(dname_parse(owner, NULL, &t->owner), 0);
	assert_int_equal(rrtype_parse(type, &ty), 0);
	assert_int_equal(rdata_parse(ty, sv_trim(s), NULL, t->rdata, &n), 0);
	t->rr = (struct dns_rr){ .owner = &t->owner, .type = ty, .class = DNS_CLASS_IN, .ttl = 3600,
		.rdata = { (const char *)t->rdata, n } };
	return &t->rr;
}

static inline struct zone *
kit_zone(struct kit *k, const char *const *row, size_t n)
{
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&k->apex, &k->fs);
	static struct kit_rr t;
	struct zone *z = NULL;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(zone_builder_add(b, kit_rr(&t, row[i])), 0);
	assert_int_equal(zone_builder_done(b, &z), 0);
	return z;
}

/* The next run; takes u. later: with what the last run left. */
static inline int
kit_run(struct kit *k, struct zone *u, bool later)
{
	struct sign_input in = { .now_unsigned = u, .keys = k->keys, .policy = &k->policy,
		.now = k->now, .sign = kit_sign, .sign_arg = k };
	struct sign_state *state = NULL;
	struct zone *s = NULL;
	int rc;

	if (later) {
		in.last_unsigned = k->u;
		in.last_signed = k->s;
		in.last_state = k->state;
	}
	rc = sign_zone(&in, &k->fs, &s, &state, &k->stats);
	if (rc < 0 || s == NULL) {
		(void)zone_unref(u);
		return rc < 0 ? rc : 1;
	}
	(void)zone_unref(k->u);
	(void)zone_unref(k->s);
	(void)sign_state_free(k->state);
	k->u = u;
	k->s = s;
	k->state = state;
	return 0;
}

static inline bool
kit_found(const struct kit *k, enum dnssec_code code)
{
	for (const struct finding *f = k->fs.head; f != NULL; f = f->next)
		if (f->def == &dnssec_findings[code])
			return true;
	return false;
}

/* All NSEC, or NSEC3, records of the zone as lines. */
static inline char *
kit_chain(const struct kit *k, enum zone_part part, uint16_t type)
{
	struct zone_it it = zone_begin(k->s, part);
	struct buf b = BUF_INIT;
	struct zrrset set;
	struct znode *n;

	while ((n = zone_next(&it)) != NULL) {
		struct dname owner;
		struct sv rest, rdata;

		if (!znode_find(n, type, &set))
			continue;
		znode_name(k->s, part, n, &owner);
		for (rest = set.rrs; zdata_next(&rest, &rdata); ) {
			dname_print(&b, owner.w);
			buf_char(&b, ' ');
			rdata_print(&b, type, rdata);
			buf_char(&b, '\n');
		}
	}
	buf_char(&b, '\0');
	return b.p;
}

#endif
