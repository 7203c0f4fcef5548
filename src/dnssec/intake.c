/* DS and DNSKEY records that are handed in, against the zone's keys as they are. */
#include "dnssec/intake.h"

#include <errno.h>

#include "base/err.h"
#include "base/rd.h"
#include "crypto/crypto.h"
#include "dnssec/dnssec.h"
#include "dnssec/sign_internal.h"

#define F FINDING_ROW_
const struct finding_def intake_findings[INTAKE_CODE_MAX] = {
#include "dnssec/intake_findings.def"
};
#undef F

struct key {
	struct sv	rdata;
	uint16_t	tag;
	uint8_t		alg;
	bool		signs;
};

struct intake {
	const struct intake_input	*in;
	struct findings			*fs;
	struct key			 key[INTAKE_RECORDS_MAX];
	size_t				 n_keys;
	/* By algorithm: is there a DS, and one that holds? */
	uint8_t				 present[256], holds[256];
};

#define SAY(k, code, ...) finding_add((k)->fs, &intake_findings[code], __VA_ARGS__)

/* --- does a key sign the DNSKEY set? --- */

static int
rdata_cmp(const struct key *a, const struct key *b)
{
	return sv_cmp(a->rdata, b->rdata);
}

/* RFC 4034 section 6.3: records in the order of their data. */
static void
keys_sort(struct intake *k)
{
	for (size_t i = 1; i < k->n_keys; i++) {
		struct key moved = k->key[i];
		size_t n = i;

		for (; n > 0 && rdata_cmp(&k->key[n - 1], &moved) > 0; n--)
			k->key[n] = k->key[n - 1];
		k->key[n] = moved;
	}
}

/* RFC 4034 section 3.1.8.1: what was signed, behind the RRSIG's own data. */
static void
set_write(const struct intake *k, uint32_t ttl, struct buf *b)
{
	uint8_t owner[DNS_NAME_MAX], fixed[10];

	memcpy(owner, k->in->zone.w, k->in->zone.len);
	dns_lower(owner, k->in->zone.len);
	for (size_t i = 0; i < k->n_keys; i++) {
		struct wr w = wr_mem(fixed, sizeof(fixed));

		wr_be16(&w, RR_DNSKEY);
		wr_be16(&w, 1);
		wr_be32(&w, ttl);
		wr_be16(&w, (uint16_t)k->key[i].rdata.n);
		buf_bytes(b, owner, k->in->zone.len);
		buf_bytes(b, fixed, w.len);
		buf_sv(b, k->key[i].rdata);
	}
}

static bool
sig_counts(const struct intake *k, const struct rrsig *s)
{
	uint8_t owner[DNS_NAME_MAX], signer[DNS_NAME_MAX];
	size_t n = k->in->zone.len;

	if (s->type != RR_DNSKEY || s->signer.n != n || rrsig_time(s->begins, k->in->now) > k->in->now ||
	    rrsig_time(s->expires, k->in->now) < k->in->now)
		return false;
	memcpy(owner, k->in->zone.w, n);
	memcpy(signer, s->signer.p, n);
	dns_lower(owner, n);
	dns_lower(signer, n);
	return memcmp(owner, signer, n) == 0;
}

static int
sig_try(const struct rrsig *s, struct sv set, struct key *key)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	struct crypto_check c = { .data = { s->head, set }, .sig = s->sig };
	struct dnskey d;
	int rc;

	if (dnskey_parse(key->rdata, &d) < 0 || (d.flags & DNSKEY_ZONE) == 0 || (d.flags & DNSKEY_REVOKE) != 0 ||
	    d.protocol != 3)
		return 0;
	rc = crypto_pub_new(d.alg, d.public_key, false, &pub);
	if (rc == -EINVAL || rc == -ENOTSUP)
		return 0;
	c.key = pub;
	if (rc < 0 || (rc = crypto_check_batch(&c, 1)) < 0)
		return rc;
	key->signs |= c.ok;
	return 0;
}

static int
sigs_verify(struct intake *k)
{
	for (size_t i = 0; i < k->in->n_sigs; i++) {
		_cleanup_(buf_done) struct buf set = BUF_INIT;
		struct rrsig s;

		if (rrsig_parse(k->in->sigs[i], &s) < 0 || !sig_counts(k, &s))
			continue;
		set_write(k, s.ttl, &set);
		if (set.rc < 0)
			return set.rc;
		for (size_t n = 0; n < k->n_keys; n++) {
			int rc = 0;

			if (k->key[n].tag == s.tag && k->key[n].alg == s.alg)
				rc = sig_try(&s, buf_get(&set), &k->key[n]);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static void
keys_read(struct intake *k)
{
	for (size_t i = 0; i < k->in->n_keys; i++) {
		struct dnskey d;
		bool twice = false;

		for (size_t n = 0; n < k->n_keys; n++)
			twice |= sv_eq(k->key[n].rdata, k->in->keys[i]);
		if (twice || dnskey_parse(k->in->keys[i], &d) < 0)
			continue;
		k->key[k->n_keys++] = (struct key){ .rdata = k->in->keys[i], .alg = d.alg,
			.tag = dnskey_tag(k->in->keys[i]) };
	}
	keys_sort(k);
	for (size_t i = 0; i < k->n_keys; i++)
		for (size_t n = 0; n < i; n++)
			if (k->key[n].tag == k->key[i].tag)
				SAY(k, INTAKE_TAGS, FA_U("tag", k->key[i].tag));
}

/* --- the records --- */

static const struct key *
key_named(const struct intake *k, struct sv ds)
{
	for (size_t i = 0; i < k->n_keys; i++)
		if (ds_matches(ds, &k->in->zone, k->key[i].rdata))
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
levels_check(struct intake *k, const struct ds *d)
{
	const struct dnssec_alg *alg = dnssec_alg_find(d->alg), *digest = dnssec_digest_find(d->digest_type);

	if (alg == NULL || alg->use_sign == ALG_MUST_NOT)
		SAY(k, INTAKE_ALG, FA_U("alg", d->alg));
	if (digest == NULL || digest->use_sign == ALG_MUST_NOT)
		SAY(k, INTAKE_DIGEST, FA_U("digest", d->digest_type));
}

static void
ds_check(struct intake *k, struct sv rdata, const struct ds *d)
{
	const struct key *key = key_named(k, rdata);

	levels_check(k, d);
	k->present[d->alg] = 1;
	if (key == NULL)
		SAY(k, tag_is_there(k, d) ? INTAKE_OTHER_DIGEST : INTAKE_NO_KEY, FA_U("tag", d->tag));
	else if (!key->signs)
		SAY(k, INTAKE_NOT_SIGNING, FA_U("tag", d->tag));
	else {
		k->holds[d->alg] = 1;
		SAY(k, INTAKE_GOOD, FA_U("tag", d->tag));
	}
}

static bool
digest_fits(const struct ds *d)
{
	static const uint8_t len[] = { [1] = SHA1_LEN, [2] = SHA256_LEN, [4] = SHA384_LEN };

	return d->digest.n > 0 && (d->digest_type >= ARRAY_LEN(len) || len[d->digest_type] == 0 ||
	    len[d->digest_type] == d->digest.n);
}

/* The DS itself, or that of the key. */
static bool
entered_read(const struct intake *k, const struct intake_record *r, uint8_t room[static DS_RDATA_MAX],
    struct sv *ret)
{
	struct dnskey key;
	struct ds d;
	size_t n;

	if (r->type == RR_DS) {
		*ret = r->rdata;
		return ds_parse(r->rdata, &d) == 0 && digest_fits(&d);
	}
	if (r->type != RR_DNSKEY || dnskey_parse(r->rdata, &key) < 0 || key.protocol != 3 ||
	    (key.flags & DNSKEY_ZONE) == 0 || (key.flags & DNSKEY_REVOKE) != 0 ||
	    ds_write(&k->in->zone, r->rdata, 2, room, &n) < 0)
		return false;
	*ret = (struct sv){ (const char *)room, n };
	return true;
}

static void
entered_check(struct intake *k)
{
	for (size_t i = 0; i < k->in->n_entered; i++) {
		uint8_t room[DS_RDATA_MAX];
		struct sv rdata;
		struct ds d;

		if (entered_read(k, &k->in->entered[i], room, &rdata) && ds_parse(rdata, &d) == 0)
			ds_check(k, rdata, &d);
		else
			SAY(k, INTAKE_FORM, FA_U("n", i + 1));
	}
	for (unsigned alg = 0; alg < 256; alg++)
		if (k->present[alg] != 0 && k->holds[alg] == 0)
			SAY(k, INTAKE_BREAKS, FA_U("alg", alg));
}

int
intake_check(const struct intake_input *in, struct findings *fs)
{
	struct intake k = { .in = in, .fs = fs };
	struct ds d;
	int rc;

	if (in->n_keys > INTAKE_RECORDS_MAX || in->n_sigs > INTAKE_RECORDS_MAX ||
	    in->n_entered > INTAKE_RECORDS_MAX || in->n_standing > INTAKE_RECORDS_MAX)
		return SE_LIMIT;
	keys_read(&k);
	if ((rc = sigs_verify(&k)) < 0)
		return rc;
	if (k.n_keys == 0 && in->n_entered > 0)
		finding_add0(fs, &intake_findings[INTAKE_UNSIGNED]);
	entered_check(&k);
	for (size_t i = 0; i < in->n_standing; i++)
		if (ds_parse(in->standing[i], &d) == 0 && key_named(&k, in->standing[i]) == NULL)
			SAY(&k, INTAKE_LEFT, FA_U("tag", d.tag));
	return 0;
}
