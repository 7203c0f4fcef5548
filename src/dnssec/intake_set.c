/* The records that are entered, one by one and as the DS set that shall be. */
#include <errno.h>
#include <string.h>

#include "crypto/crypto.h"
#include "dnssec/intake_internal.h"

#define ENDS_SOON	86400	/* seconds: a DS is in caches for as long, at most TLDs */
#define RSA_BITS	2048	/* below that systems with a strict policy take a zone for unsigned */

/* --- which key? --- */

const struct intake_key *
intake_key_named(const struct intake *k, struct sv ds)
{
	for (size_t i = 0; i < k->n_keys; i++)
		if (ds_matches(ds, &k->in->zone, k->key[i].rdata))
			return &k->key[i];
	return NULL;
}

/* RFC 5011 section 2.1: with the flag a key has another tag and other digests than before. */
static bool
was_revoked(const struct intake *k, struct sv ds)
{
	for (size_t i = 0; i < k->n_keys; i++) {
		uint8_t before[DNSKEY_RDATA_MAX];
		struct sv rdata = k->key[i].rdata;

		if ((k->key[i].flags & DNSKEY_REVOKE) == 0 || rdata.n > sizeof(before))
			continue;
		memcpy(before, rdata.p, rdata.n);
		before[1] &= (uint8_t)~DNSKEY_REVOKE;
		if (ds_matches(ds, &k->in->zone, (struct sv){ (const char *)before, rdata.n }))
			return true;
	}
	return false;
}

/* The digest alone: tag or algorithm was copied from somewhere else. */
static const struct intake_key *
key_by_digest(const struct intake *k, const struct ds *d)
{
	uint8_t room[DS_RDATA_MAX];
	size_t n;

	for (size_t i = 0; i < k->n_keys; i++)
		if (ds_write(&k->in->zone, k->key[i].rdata, d->digest_type, room, &n) == 0 &&
		    sv_eq((struct sv){ (const char *)room + 4, n - 4 }, d->digest))
			return &k->key[i];
	return NULL;
}

static bool
tag_is_there(const struct intake *k, const struct ds *d)
{
	for (size_t i = 0; i < k->n_keys; i++)
		if (k->key[i].tag == d->tag && k->key[i].alg == d->alg)
			return true;
	return false;
}

static void
nameless_say(struct intake *k, const struct intake_ds *s)
{
	const struct intake_key *key;

	if (was_revoked(k, s->rdata))
		SAY(k, INTAKE_REVOKED, FA_U("tag", s->ds.tag));
	else if ((key = key_by_digest(k, &s->ds)) != NULL)
		SAY(k, INTAKE_OTHER_TAG, FA_U("tag", s->ds.tag), FA_U("alg", s->ds.alg),
		    FA_U("key_tag", key->tag), FA_U("key_alg", key->alg));
	else
		SAY(k, tag_is_there(k, &s->ds) ? INTAKE_OTHER_DIGEST : INTAKE_NO_KEY, FA_U("tag", s->ds.tag));
}

/* --- a DS --- */

static void
levels_check(struct intake *k, const struct ds *d)
{
	const struct dnssec_alg *alg = dnssec_alg_find(d->alg), *digest = dnssec_digest_find(d->digest_type);

	if (alg == NULL || alg->use_sign == ALG_MUST_NOT)
		SAY(k, INTAKE_ALG, FA_U("alg", d->alg));
	else if (alg->implement_verify < ALG_RECOMMENDED)
		SAY(k, INTAKE_ALG_RARE, FA_U("alg", d->alg));
	else if (alg->use_sign == ALG_NOT_RECOMMENDED)
		SAY(k, INTAKE_ALG_OLD, FA_U("alg", d->alg));
	if (digest == NULL || digest->use_sign == ALG_MUST_NOT)
		SAY(k, INTAKE_DIGEST, FA_U("digest", d->digest_type));
	else if (digest->implement_verify < ALG_RECOMMENDED)
		SAY(k, INTAKE_DIGEST_RARE, FA_U("digest", d->digest_type));
}

/* Of a key that is named. */
static void
key_say(struct intake *k, const struct intake_key *key, struct intake_ds *s)
{
	size_t octets = dnskey_sig_len(key->rdata);
	bool sep = (key->flags & DNSKEY_SEP) != 0;

	if ((key->flags & DNSKEY_REVOKE) != 0)
		SAY(k, INTAKE_REVOKED, FA_U("tag", s->ds.tag));
	else if ((key->flags & DNSKEY_ZONE) == 0)
		SAY(k, INTAKE_NOT_ZONE, FA_U("tag", s->ds.tag));
	else if (!key->signs)
		SAY(k, sep ? INTAKE_NOT_SIGNING : INTAKE_ZSK, FA_U("tag", s->ds.tag));
	else {
		s->holds = true;
		SAY(k, INTAKE_GOOD, FA_U("tag", s->ds.tag));
		if (!sep)
			SAY(k, INTAKE_NO_SEP, FA_U("tag", s->ds.tag));
		if (key->ends - k->in->now < ENDS_SOON)
			SAY(k, INTAKE_ENDING, FA_U("tag", s->ds.tag), FA_TIME("time", key->ends));
	}
	if ((key->alg == 8 || key->alg == 10) && octets > 0 && octets * 8 < RSA_BITS)
		SAY(k, INTAKE_RSA_SMALL, FA_U("tag", s->ds.tag), FA_U("bits", octets * 8));
}

static void
ds_check(struct intake *k, struct intake_ds *s)
{
	const struct intake_key *key = intake_key_named(k, s->rdata);

	levels_check(k, &s->ds);
	if (key != NULL)
		key_say(k, key, s);
	else
		nameless_say(k, s);
}

/* --- a record --- */

static size_t
digest_len(uint8_t type)
{
	static const uint8_t len[] = {
		[1] = SHA1_LEN, [2] = SHA256_LEN, [3] = 32, [4] = SHA384_LEN, [5] = 32, [6] = 32,
	};

	return type < ARRAY_LEN(len) ? len[type] : 0;
}

/* 1: it can be judged. */
static int
ds_read(struct intake *k, size_t n, struct intake_ds *s)
{
	size_t want;

	if (ds_parse(s->rdata, &s->ds) < 0 || s->ds.digest.n == 0) {
		SAY(k, INTAKE_FORM, FA_U("n", n));
		return 0;
	}
	want = digest_len(s->ds.digest_type);
	if (want != 0 && want != s->ds.digest.n) {
		SAY(k, INTAKE_DIGEST_LENGTH, FA_U("n", n), FA_U("digits", 2 * s->ds.digest.n),
		    FA_U("digest", s->ds.digest_type), FA_U("wanted", 2 * want));
		return 0;
	}
	return 1;
}

/* A key stands for its DS with SHA-256. */
static int
key_read(struct intake *k, size_t n, struct sv rdata, struct intake_ds *s)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	struct dnskey d;
	size_t len;
	int rc;

	if (dnskey_parse(rdata, &d) < 0 || d.protocol != 3 ||
	    ds_write(&k->in->zone, rdata, 2, s->room, &len) < 0) {
		SAY(k, INTAKE_FORM, FA_U("n", n));
		return 0;
	}
	rc = crypto_pub_new(d.alg, d.public_key, &pub);
	if (rc == -EINVAL) {
		SAY(k, INTAKE_KEY_BAD, FA_U("n", n), FA_U("alg", d.alg));
		return 0;
	}
	if (rc < 0 && rc != -ENOTSUP)
		return rc;
	s->rdata = (struct sv){ (const char *)s->room, len };
	return ds_parse(s->rdata, &s->ds) == 0;
}

/* RFC 8078 section 4; some write 00 as an empty digest. */
static bool
is_delete(const struct intake_record *r)
{
	return r->rdata.n >= 4 && (sv_eq(r->rdata, cds_delete()) || sv_eq(r->rdata, cdnskey_delete()) ||
	    (r->type == RR_DS && r->rdata.p[2] == 0 && r->rdata.p[3] == 0));
}

static bool
is_there(const struct intake *k, struct sv ds)
{
	for (size_t i = 0; i < k->n_set; i++)
		if (sv_eq(k->set[i].rdata, ds))
			return true;
	return false;
}

static int
record_check(struct intake *k, size_t n, const struct intake_record *r)
{
	struct intake_ds *s = &k->set[k->n_set];
	int rc = 0;

	*s = (struct intake_ds){ .rdata = r->rdata };
	if (is_delete(r)) {
		SAY(k, INTAKE_DELETE, FA_U("n", n));
		return 0;
	}
	if (r->type == RR_DS)
		rc = ds_read(k, n, s);
	else if (r->type == RR_DNSKEY)
		rc = key_read(k, n, r->rdata, s);
	else
		SAY(k, INTAKE_FORM, FA_U("n", n));
	if (rc != 1)
		return rc;
	if (is_there(k, s->rdata)) {
		SAY(k, INTAKE_TWICE, FA_U("n", n));
		return 0;
	}
	k->n_set++;
	ds_check(k, s);
	return 0;
}

/* --- the set --- */

/* Does a DS of this algorithm hold, of those with this digest type (0: any)? */
static bool
alg_holds(const struct intake *k, uint8_t alg, uint8_t digest)
{
	for (size_t i = 0; i < k->n_set; i++)
		if (k->set[i].holds && k->set[i].ds.alg == alg && (digest == 0 || k->set[i].ds.digest_type == digest))
			return true;
	return false;
}

/* Is it the first of its algorithm, so that each is spoken of once? */
static bool
is_first(const struct intake *k, size_t n, uint8_t digest)
{
	for (size_t i = 0; i < n; i++)
		if (k->set[i].ds.alg == k->set[n].ds.alg && (digest == 0 || k->set[i].ds.digest_type == digest))
			return false;
	return true;
}

/* The strongest digest type up to a bound: what a validator that knows no more of them uses. */
static uint8_t
digest_best(const struct intake *k, uint8_t bound)
{
	uint8_t best = 0;

	for (size_t i = 0; i < k->n_set; i++) {
		uint8_t type = k->set[i].ds.digest_type;

		if ((type == 1 || type == 2 || type == 4) && type <= bound && type > best)
			best = type;
	}
	return best;
}

/*
 * RFC 4509 section 3: "Validator implementations SHOULD ignore DS RRs containing SHA-1 digests
 * if DS RRs with SHA-256 digests are present in the DS RRset." Unbound and PowerDNS go on in
 * that spirit, and use the strongest type alone (val_favorite_ds_algo() and syncres.cc, 2026).
 */
static void
digests_check(struct intake *k)
{
	const uint8_t best = digest_best(k, 4), bounds[] = { 4, 2 };
	uint8_t last = 0;

	for (size_t i = 0; i < k->n_set; i++)
		if (k->set[i].ds.digest_type < best && digest_best(k, k->set[i].ds.digest_type) != 0)
			SAY(k, INTAKE_WEAKER, FA_U("tag", k->set[i].ds.tag), FA_U("digest", k->set[i].ds.digest_type),
			    FA_U("best", best));
	for (size_t b = 0; b < ARRAY_LEN(bounds); b++) {
		uint8_t type = digest_best(k, bounds[b]);

		for (size_t i = 0; i < k->n_set && type != 0 && type != last; i++)
			if (k->set[i].ds.digest_type == type && is_first(k, i, type) &&
			    !alg_holds(k, k->set[i].ds.alg, type) && alg_holds(k, k->set[i].ds.alg, 0))
				SAY(k, INTAKE_BREAKS_DIGEST, FA_U("alg", k->set[i].ds.alg), FA_U("digest", type));
		last = type;
	}
}

int
intake_set_check(struct intake *k)
{
	int rc = 0;

	for (size_t i = 0; i < k->in->n_entered && rc == 0; i++)
		rc = record_check(k, i + 1, &k->in->entered[i]);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < k->n_set; i++)
		if (is_first(k, i, 0) && !alg_holds(k, k->set[i].ds.alg, 0))
			SAY(k, INTAKE_BREAKS, FA_U("alg", k->set[i].ds.alg));
	digests_check(k);
	return 0;
}
