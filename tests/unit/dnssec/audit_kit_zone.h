/*
 * The good zone of audit_kit.h, with its keys, signed by dnssec/sign with the
 * kind of denial that is asked for.
 */
#ifndef TESTS_AUDIT_KIT_ZONE_H
#define TESTS_AUDIT_KIT_ZONE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "crypto/crypto.h"
#include "crypto/dnskey.h"
#include "dns/zone.h"
#include "dnssec/audit.h"
#include "dnssec/dnssec.h"
#include "../tap.h"

#ifndef KIT_NOW
#define KIT_NOW		1780000000
#endif
#define KIT_SETS	128		/* RRsets of a node */
#define KIT_RRS		128		/* records of one */

enum kit_denial { KIT_NSEC, KIT_NSEC3, KIT_OPTOUT };

struct kit_key {
	struct crypto_priv	*priv;
	uint8_t			 alg;
	uint8_t			 rdata[DNSKEY_RDATA_MAX];
	size_t			 n;
};

struct audit_kit {
	struct dname	 apex;
	struct kit_key	 key[4];		/* k z x r */
	struct zone	*z;
	struct audit_anchor anchor;
	uint8_t		 ds[DS_RDATA_MAX];
	struct audit_opts opts;
	struct sign_policy policy;
	struct sign_key	 keys[2];
	struct sign_state *state;
};

#define KIT_KEYS	"kzxr"

static const char kit_text[] =
    "@ 3600 SOA ns1 hostmaster 1 7200 900 1209600 300\n"
    "@ 3600 NS ns1\n"
    "@ 3600 MX 10 mail\n"
    "ns1 3600 A 192.0.2.1\n"
    "ns1 3600 AAAA 2001:db8::1\n"
    "mail 3600 A 192.0.2.2\n"
    "*.wild 3600 TXT any\n"
    "www 3600 CNAME mail\n"
    "a.b.ent 3600 A 192.0.2.4\n"
    "c.ent 3600 TXT x\n"
    "sub 3600 NS ns.sub\n"
    "ns.sub 3600 A 192.0.2.5\n"
    "ins 3600 NS ns1\n"
    "sec 3600 NS ns.sec\n"
    "sec 3600 DS 12345 13 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\n"
    "ns.sec 3600 A 192.0.2.6\n"
    "x.y 3600 NS ns1\n"
    "dn 3600 DNAME mail\n"
    "two 3600 A 192.0.2.7\n"
    "two 3600 A 192.0.2.8\n"
    "two 3600 MX 1 mail\n"
    "two 3600 TYPE4711 \\# 1 00\n";

struct kit_read { struct sv rest; };

static int
kit_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	struct kit_read *r = arg;
	size_t n = min_size(cap, r->rest.n);

	memcpy(dst, r->rest.p, n);
	r->rest = sv_skip(r->rest, n);
	*ret_n = n;
	return 0;
}

static struct zone *
kit_zone(const struct dname *apex, struct sv text)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct kit_read in = { text };
	struct zonefile_opts opts = { .origin = *apex, .name = SV("kit") };
	struct findings fs;
	struct zone *z = NULL;
	struct dns_rr rr;
	int rc;

	findings_init(&fs, pool);
	_cleanup_(zonefile_freep) struct zonefile *f = zonefile_new(&opts, kit_read, &in, &fs);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(apex, &fs);

	while ((rc = zonefile_next(f, &rr)) > 0)
		assert_int_equal(zone_builder_add(b, &rr), 0);
	assert_int_equal(rc, 0);
	assert_false(findings_reject(&fs));
	assert_int_equal(zone_builder_done(b, &z), 0);
	return z;
}

static void
kit_key_make(struct kit_key *k, uint16_t flags, uint8_t alg)
{
	struct dnskey d = { .flags = flags, .protocol = 3, .alg = alg };

	k->alg = alg;
	assert_int_equal(crypto_priv_generate(alg, alg == 8 || alg == 10 ? 1024 : 0, &k->priv), 0);
	d.public_key = crypto_priv_public(k->priv);
	k->n = dnskey_write(&d, k->rdata);
}

static struct sv
kit_rdata(const struct kit_key *k)
{
	return (struct sv){ (const char *)k->rdata, k->n };
}

static int
kit_sign(void *arg, const struct sign_key *key, struct crypto_make *m, size_t n)
{
	(void)arg;
	return crypto_make_batch(key->arg, m, n);
}

/* unsigned_z signed; the state of the last run and the last version serve if there are any. */
static struct zone *
kit_sign_zone(struct audit_kit *k, struct zone *z, struct zone *last_unsigned)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct sign_input in = { .now_unsigned = z, .last_unsigned = last_unsigned,
	    .last_signed = last_unsigned == NULL ? NULL : k->z, .last_state = k->state,
	    .keys = { .keys = k->keys, .n = 2, .cds_digests = 1 << 2, .cdnskey = true },
	    .policy = &k->policy, .now = KIT_NOW, .sign = kit_sign };
	struct sign_state *state = NULL;
	struct sign_stats stats;
	struct zone *ret = NULL;
	struct findings fs;

	findings_init(&fs, pool);
	if (last_unsigned == NULL)
		in.last_state = NULL;
	assert_int_equal(sign_zone(&in, &fs, &ret, &state, &stats), 0);
	assert_non_null(ret);
	(void)sign_state_free(k->state);
	k->state = state;
	return ret;
}

UNUSED static struct audit_kit *
kit_new_alg(enum kit_denial denial, uint8_t alg)
{
	struct audit_kit *k = calloc(1, sizeof(*k));
	static const uint16_t flags[] = { 257, 256, 256, 257 | DNSKEY_REVOKE };
	size_t n;

	assert_non_null(k);
	assert_int_equal(dname_parse(SV("example."), NULL, &k->apex), 0);
	for (unsigned i = 0; i < (alg == 8 || alg == 10 ? 2 : 4); i++)	/* RSA takes its time */
		kit_key_make(&k->key[i], flags[i], alg);
	sign_policy_init(&k->policy);
	k->policy.denial = denial == KIT_NSEC ? SIGN_NSEC : SIGN_NSEC3;
	k->policy.opt_out = denial == KIT_OPTOUT;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(sign_key_init(&k->keys[i], kit_rdata(&k->key[i]), SIGN_USE_PUBLISH |
		    (i == 0 ? SIGN_USE_DNSKEY | SIGN_USE_CDS : SIGN_USE_ZONE), k->key[i].priv), 0);
	assert_int_equal(ds_write(&k->apex, kit_rdata(&k->key[0]), 2, k->ds, &n), 0);
	k->anchor = (struct audit_anchor){ RR_DS, { (const char *)k->ds, n } };
	k->opts = (struct audit_opts){ .now = KIT_NOW, .anchors = &k->anchor, .n_anchors = 1 };
	return k;
}

UNUSED static struct audit_kit *
kit_new(enum kit_denial denial)
{
	return kit_new_alg(denial, 13);
}

/* The zone of kit_text, signed: k->z, and also returned. */
UNUSED static struct zone *
kit_good(struct audit_kit *k)
{
	struct zone *z = kit_zone(&k->apex, sv_str(kit_text));

	(void)zone_unref(k->z);
	k->z = kit_sign_zone(k, z, NULL);
	(void)zone_unref(z);
	return k->z;
}

UNUSED static void
kit_free(struct audit_kit *k)
{
	for (unsigned i = 0; i < 4; i++)
		(void)crypto_priv_free(k->key[i].priv);
	(void)sign_state_free(k->state);
	(void)zone_unref(k->z);
	free(k);
}

#endif
