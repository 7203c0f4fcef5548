/* The keys of a run, and what they put at the apex. */
#include <errno.h>
#include <stdlib.h>

#include "dnssec/sign_internal.h"

int
sign_key_init(struct sign_key *ret, struct sv rdata, unsigned uses, void *arg)
{
	struct dnskey k;
	int rc = dnskey_parse(rdata, &k);

	if (rc < 0)
		return rc;
	*ret = (struct sign_key){ .rdata = rdata, .alg = k.alg, .tag = dnskey_tag(rdata),
		.uses = uses, .arg = arg };
	return 0;
}

/* --- checks --- */

/* What is wrong with a key and its uses: a msgid; NULL: nothing. */
static const char *
key_fault(const struct sign_key *k)
{
	const struct dnssec_alg *alg = dnssec_alg_find(k->alg);
	bool signs = (k->uses & (SIGN_USE_DNSKEY | SIGN_USE_ZONE)) != 0;
	struct dnskey d;

	if (dnskey_parse(k->rdata, &d) < 0)
		return N_("its data are no DNSKEY");
	if ((d.flags & DNSKEY_ZONE) == 0 || d.protocol != 3)
		return N_("it has no zone flag, or another protocol than 3");
	if (signs && (alg == NULL || alg->use_sign == ALG_MUST_NOT))
		return N_("its algorithm may not sign");
	if (signs && dnskey_sig_len(k->rdata) == 0)
		return N_("its algorithm is not known here, or the key is none of it");
	if ((d.flags & DNSKEY_REVOKE) != 0 && (k->uses & SIGN_USE_ZONE) != 0)
		return N_("it is revoked, and shall sign the zone");
	return NULL;
}

static void
key_check(const struct sign_key *k, struct findings *fs)
{
	const struct dnssec_alg *alg = dnssec_alg_find(k->alg);
	const char *fault = key_fault(k);

	if (fault != NULL) {
		finding_add(fs, &dnssec_findings[SIGN_KEY_BAD], FA_U("tag", k->tag),
		    FA_U("alg", k->alg), FA_MSG("what", fault));
		return;
	}
	if ((k->uses & (SIGN_USE_DNSKEY | SIGN_USE_ZONE)) != 0 && alg->use_sign < ALG_MAY)
		finding_add(fs, &dnssec_findings[SIGN_ALG_ADVICE], FA_STR("alg", alg->name),
		    FA_STR("level", alg_level_str(alg->use_sign)));
}

static bool
any_key(const struct sign_keys *ks, unsigned use, int alg)
{
	for (size_t i = 0; i < ks->n; i++)
		if ((ks->keys[i].uses & use) != 0 && (alg < 0 || ks->keys[i].alg == alg))
			return true;
	return false;
}

static const struct { unsigned use; const char *what; } signing[] = {
	{ SIGN_USE_DNSKEY, N_("the DNSKEY records") },
	{ SIGN_USE_ZONE, N_("the zone's data") },
};

/* RFC 4035 section 2.2: each algorithm of the DNSKEY RRset signs all. */
static void
algs_check(const struct sign_keys *ks, struct findings *fs)
{
	bool seen[256] = { false };

	for (size_t i = 0; i < ks->n; i++) {
		const struct sign_key *k = &ks->keys[i];

		if ((k->uses & SIGN_USE_PUBLISH) == 0 || seen[k->alg])
			continue;
		seen[k->alg] = true;
		for (size_t u = 0; u < ARRAY_LEN(signing); u++)
			if (!any_key(ks, signing[u].use | (u == 1 ? SIGN_USE_KEEP : 0), k->alg))
				finding_add(fs, &dnssec_findings[SIGN_ALG_INCOMPLETE],
				    FA_U("alg", k->alg), FA_MSG("what", signing[u].what));
	}
}

static void
tags_check(const struct sign_keys *ks, struct findings *fs)
{
	for (size_t i = 0; i < ks->n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct sign_key *a = &ks->keys[i], *b = &ks->keys[j];

			if (a->alg == b->alg && a->tag == b->tag && !sv_eq(a->rdata, b->rdata))
				finding_add(fs, &dnssec_findings[SIGN_KEY_TAGS],
				    FA_U("alg", a->alg), FA_U("tag", a->tag));
		}
}

static void
keys_check(const struct sign_keys *ks, struct findings *fs)
{
	for (size_t i = 0; i < ks->n; i++)
		key_check(&ks->keys[i], fs);
	for (size_t u = 0; u < ARRAY_LEN(signing); u++)
		if (!any_key(ks, signing[u].use, -1))
			finding_add(fs, &dnssec_findings[SIGN_KEY_NONE],
			    FA_MSG("what", signing[u].what));
	tags_check(ks, fs);
	algs_check(ks, fs);
}

/* --- tags that do not tell --- */

static bool
same_tag(const struct sign_key *k, struct sv rdata)
{
	return rdata.n >= 4 && (uint8_t)rdata.p[3] == k->alg && dnskey_tag(rdata) == k->tag &&
	    !sv_eq(rdata, k->rdata);
}

/*
 * Is, or was, there another key with the tag? Then a signature's tag does not
 * say whose it is. (May 2026: three keys of a TLD with one tag.)
 */
static bool
is_ambiguous(const struct signer *s, const struct sign_key *k)
{
	const struct sign_state *st = s->in.last_state;
	const struct znode *apex = s->last == NULL ? NULL : zone_apex_node(s->last);
	struct zrrset set;
	struct sv rest, rdata;

	for (size_t i = 0; i < s->in.keys.n; i++)
		if (same_tag(k, s->in.keys.keys[i].rdata))
			return true;
	for (size_t i = 0; st != NULL && i < st->n_keys; i++)
		if (same_tag(k, st->key[i].rdata))
			return true;
	if (apex == NULL || !znode_find(apex, RR_DNSKEY, &set))
		return false;
	for (rest = set.rrs; zdata_next(&rest, &rdata); )
		if (same_tag(k, rdata))
			return true;
	return false;
}

static int
key_add(struct signer *s, const struct sign_key *k)
{
	struct skey *sk = &s->key[s->n_keys];
	struct dnskey d;
	int rc;

	*sk = (struct skey){ .k = k, .sig_len = dnskey_sig_len(k->rdata) };
	sk->ambiguous = s->last != NULL && (s->in.suspect || is_ambiguous(s, k));
	if (sk->ambiguous && dnskey_parse(k->rdata, &d) == 0) {
		rc = crypto_pub_new(k->alg, d.public_key, &sk->pub);
		if (rc == -ENOMEM)
			return rc;		/* otherwise it verifies nothing: all is made anew */
	}
	s->n_keys++;
	return 0;
}

/* --- the apex --- */

static int
rdata_cmp(const void *a, const void *b)
{
	return sv_cmp(*(const struct sv *)a, *(const struct sv *)b);
}

int
sign_set_make(struct pool *pool, uint16_t type, uint32_t ttl, struct sv *rdata, size_t n,
    struct zrrset *ret)
{
	size_t len = 0, n_rrs = 0;
	struct wr w;

	qsort(rdata, n, sizeof(*rdata), rdata_cmp);
	for (size_t i = 0; i < n; i++)
		len += 2 + rdata[i].n;
	w = wr_mem(pool_alloc(pool, len), len);
	if (w.buf == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && sv_eq(rdata[i], rdata[i - 1]))
			continue;
		wr_be16(&w, (uint16_t)rdata[i].n);
		wr_bytes(&w, rdata[i].p, rdata[i].n);
		n_rrs++;
	}
	*ret = (struct zrrset){ .type = type, .n_rrs = (uint16_t)n_rrs, .ttl = ttl, .sig_ttl = ttl,
		.rrs = { (const char *)w.buf, w.len } };
	return 0;
}

static int
apex_add(struct signer *s, uint16_t type, uint32_t ttl, struct sv *rdata, size_t n)
{
	return n == 0 ? 0 : sign_set_make(s->pool, type, ttl, rdata, n, &s->apex_set[s->n_apex_sets++]);
}

static int
apex_dnskey(struct signer *s, uint16_t type, unsigned use)
{
	struct sv rdata[SIGN_KEYS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < s->n_keys; i++)
		if ((s->key[i].k->uses & use) != 0)
			rdata[n++] = s->key[i].k->rdata;
	return apex_add(s, type, s->policy.dnskey_ttl_sec, rdata, n);
}

#define CDS_MAX		(2 * SIGN_KEYS_MAX)

static int
apex_cds(struct signer *s)
{
	static const uint8_t digests[] = { 2, 4 };	/* RFC 9905: not with SHA-1 */
	uint8_t room[CDS_MAX][DS_RDATA_MAX];
	struct sv rdata[CDS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < s->n_keys; i++)
		for (size_t d = 0; d < ARRAY_LEN(digests); d++) {
			size_t len;
			int rc;

			if ((s->key[i].k->uses & SIGN_USE_CDS) == 0 ||
			    (s->in.keys.cds_digests & 1u << digests[d]) == 0)
				continue;
			rc = ds_write(s->apex, s->key[i].k->rdata, digests[d], room[n], &len);
			if (rc < 0)
				return rc;
			rdata[n] = (struct sv){ (const char *)room[n], len };
			n++;
		}
	return apex_add(s, RR_CDS, s->policy.dnskey_ttl_sec, rdata, n);
}

/* RFC 8078 section 4: "remove all". */
static int
apex_delete(struct signer *s)
{
	struct sv cds = cds_delete(), cdnskey = cdnskey_delete();
	int rc = apex_add(s, RR_CDS, s->policy.dnskey_ttl_sec, &cds, 1);

	return rc < 0 ? rc : apex_add(s, RR_CDNSKEY, s->policy.dnskey_ttl_sec, &cdnskey, 1);
}

/* RFC 5155 section 4.1.2: the Opt-Out flag is not here. TTL 0: only servers of the zone read it. */
static int
apex_nsec3param(struct signer *s)
{
	uint8_t data[5 + 255];
	struct wr w = wr_mem(data, sizeof(data));
	struct sv rdata;

	if (!sign_has_nsec3(s))
		return 0;
	wr_u8(&w, 1);
	wr_u8(&w, 0);
	wr_be16(&w, s->policy.iterations);
	wr_u8(&w, s->policy.salt_len);
	wr_bytes(&w, s->policy.salt, s->policy.salt_len);
	rdata = (struct sv){ (const char *)data, w.len };
	return apex_add(s, RR_NSEC3PARAM, 0, &rdata, 1);
}

static int
apex_make(struct signer *s)
{
	int rc = apex_dnskey(s, RR_DNSKEY, SIGN_USE_PUBLISH);

	if (rc == 0 && s->in.keys.cds_delete)
		rc = apex_delete(s);
	else if (rc == 0 && (rc = apex_cds(s)) == 0 && s->in.keys.cdnskey)
		rc = apex_dnskey(s, RR_CDNSKEY, SIGN_USE_CDS);
	return rc == 0 ? apex_nsec3param(s) : rc;
}

int
sign_keys_begin(struct signer *s)
{
	const struct sign_keys *ks = &s->in.keys;

	if (ks->n > SIGN_KEYS_MAX)
		return -E2BIG;
	keys_check(ks, s->fs);
	if (findings_reject(s->fs))
		return 0;
	for (size_t i = 0; i < ks->n; i++) {
		int rc = key_add(s, &ks->keys[i]);

		if (rc < 0)
			return rc;
	}
	return apex_make(s);
}

void
sign_keys_done(struct signer *s)
{
	for (size_t i = 0; i < s->n_keys; i++)
		(void)crypto_pub_free(s->key[i].pub);
}
