/* DS and DNSKEY records that are handed in, against the zone's keys as they are. */
#include "dnssec/intake_internal.h"

#include <errno.h>

#include "base/err.h"
#include "base/rd.h"
#include "crypto/crypto.h"
#include "dnssec/sign_internal.h"

/*
 * RFC 9276 section 3.2: validators may take a zone with more for unsigned. BIND, Knot Resolver
 * and PowerDNS do so above 50, Unbound above 150 (seen in their sources, November 2026).
 */
#define ITERATIONS_LOW	50

#define F FINDING_ROW_
const struct finding_def intake_findings[INTAKE_CODE_MAX] = {
#include "dnssec/intake_findings.def"
};
#undef F

/* --- does a key sign the DNSKEY set? --- */

static int
rdata_cmp(const struct intake_key *a, const struct intake_key *b)
{
	return sv_cmp(a->rdata, b->rdata);
}

/* RFC 4034 section 6.3: records in the order of their data. */
static void
keys_sort(struct intake *k)
{
	for (size_t i = 1; i < k->n_keys; i++) {
		struct intake_key moved = k->key[i];
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
sig_try(const struct rrsig *s, int64_t ends, struct sv set, struct intake_key *key)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	const struct sv data[CRYPTO_PIECES] = { s->head, set };
	struct dnskey d;
	int rc;

	if (dnskey_parse(key->rdata, &d) < 0 || (d.flags & DNSKEY_ZONE) == 0 || (d.flags & DNSKEY_REVOKE) != 0 ||
	    d.protocol != 3)
		return 0;
	rc = crypto_pub_new(d.alg, d.public_key, &pub);
	if (rc == -EINVAL || rc == -ENOTSUP)
		return 0;
	if (rc < 0 || (rc = crypto_verify_one(pub, data, s->sig)) < 0)
		return rc;
	if (rc == 1) {
		key->signs = true;
		key->ends = max_i64(key->ends, ends);
	}
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
				rc = sig_try(&s, rrsig_time(s.expires, k->in->now), buf_get(&set), &k->key[n]);
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
		k->key[k->n_keys++] = (struct intake_key){ .rdata = k->in->keys[i], .alg = d.alg,
			.flags = d.flags, .tag = dnskey_tag(k->in->keys[i]) };
	}
	keys_sort(k);
	for (size_t i = 0; i < k->n_keys; i++)
		for (size_t n = 0; n < i; n++)
			if (k->key[n].tag == k->key[i].tag)
				SAY(k, INTAKE_TAGS, FA_U("tag", k->key[i].tag));
}

/* --- beside the records --- */

/* RFC 9276 section 3.1: "An iterations count of 0 MUST be used". */
static void
denial_check(struct intake *k)
{
	for (size_t i = 0; i < k->in->n_nsec3param; i++) {
		struct rd r = rd_sv(k->in->nsec3param[i]);
		uint16_t n;

		(void)rd_be16(&r);
		n = rd_be16(&r);
		if (!r.bad && n > ITERATIONS_LOW)
			SAY(k, INTAKE_ITERATIONS_MANY, FA_U("n", n));
		else if (!r.bad && n > 0)
			SAY(k, INTAKE_ITERATIONS, FA_U("n", n));
	}
}

static void
standing_check(struct intake *k)
{
	struct ds d;

	for (size_t i = 0; i < k->in->n_standing; i++)
		if (ds_parse(k->in->standing[i], &d) == 0 && intake_key_named(k, k->in->standing[i]) == NULL)
			SAY(k, INTAKE_LEFT, FA_U("tag", d.tag));
	if (k->in->parent_known && k->in->n_standing == 0 && k->n_keys > 0)
		finding_add0(k->fs, &intake_findings[INTAKE_ISLAND]);
}

int
intake_check(const struct intake_input *in, struct findings *fs)
{
	struct intake k = { .in = in, .fs = fs };
	int rc;

	if (in->n_keys > INTAKE_RECORDS_MAX || in->n_sigs > INTAKE_RECORDS_MAX ||
	    in->n_entered > INTAKE_RECORDS_MAX || in->n_standing > INTAKE_RECORDS_MAX ||
	    in->n_nsec3param > INTAKE_RECORDS_MAX)
		return SE_LIMIT;
	keys_read(&k);
	if ((rc = sigs_verify(&k)) < 0)
		return rc;
	if (k.n_keys == 0 && in->n_entered > 0)
		finding_add0(fs, &intake_findings[INTAKE_UNSIGNED]);
	if ((rc = intake_set_check(&k)) < 0)
		return rc;
	standing_check(&k);
	denial_check(&k);
	return 0;
}
