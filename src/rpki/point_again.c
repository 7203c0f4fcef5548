/*
 * What lets a judged point stand: is its CA the same, where does it hang now,
 * which manifest was judged good before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rpki/point.h"

static bool
ip_res_same(const struct ip_res *a, const struct ip_res *b)
{
	return a->n == b->n && (a->r == b->r || a->n == 0 ||
	    memcmp(a->r, b->r, a->n * sizeof(*a->r)) == 0);
}

static bool
as_res_same(const struct as_res *a, const struct as_res *b)
{
	return a->n == b->n && (a->r == b->r || a->n == 0 ||
	    memcmp(a->r, b->r, a->n * sizeof(*a->r)) == 0);
}

bool
rpki_ca_same(const struct rpki_ca *a, const struct rpki_ca *b)
{
	return a->depth == b->depth && a->ta == b->ta && a->lost == b->lost &&
	    a->chain == b->chain && a->exponent == b->exponent &&
	    sv_eq(a->uri, b->uri) && sv_eq(a->subject, b->subject) &&
	    sv_eq(a->ski, b->ski) && sv_eq(a->modulus, b->modulus) &&
	    sv_eq(a->repo_uri, b->repo_uri) && sv_eq(a->mft_uri, b->mft_uri) &&
	    sv_eq(a->notify_uri, b->notify_uri) &&
	    ip_res_same(&a->res.v4, &b->res.v4) &&
	    ip_res_same(&a->res.v6, &b->res.v6) && as_res_same(&a->res.as, &b->res.as);
}

/* A child that inherits points into its issuer's lists. */
static void
res_rebase(struct resources *r, const struct resources *old, const struct resources *ca)
{
	if (r->v4.r == old->v4.r)
		r->v4.r = ca->v4.r;
	if (r->v6.r == old->v6.r)
		r->v6.r = ca->v6.r;
	if (r->as.r == old->as.r)
		r->as.r = ca->as.r;
}

void
rpki_point_rebase(struct rpki_point *pt, const struct rpki_ca *ca)
{
	/*
	 * Not pt->ca->res: that lies in the issuer's point, which has moved before
	 * us and has been changed already, if it inherits, too.
	 */
	for (size_t i = 0; i < pt->n_children; i++) {
		struct rpki_ca *c = &pt->children[i];

		c->parent = (struct rpki_ca *)(uintptr_t)ca;
		c->expires = min_i64(ca->expires, c->own_expires);
		res_rebase(&c->res, &pt->base, &ca->res);
	}
	pt->base = ca->res;
	pt->ca = ca;
}

static int
signatures_check(const struct rpki_ca *ca, struct cms *cms,
    const struct rpki_source *src, bool *ret_ok)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *key = NULL;
	struct crypto_verify v[2];
	struct crypto_msg m[2];
	int rc = crypto_pub_rsa(ca->modulus, ca->exponent, &key);

	if (rc < 0)
		return rc == -EINVAL ? 0 : rc;
	cert_verify_item(&v[0], &m[0], cms->ee, key);
	v[0].modulus = ca->modulus;
	v[0].exponent = ca->exponent;
	cms_verify_item(&v[1], &m[1], cms);
	crypto_sha256_many(m, 2);
	rc = src->verify != NULL ? src->verify(src->arg, v, 2) : crypto_verify_batch(v, 2);
	*ret_ok = rc == 0 && v[0].ok && v[1].ok;
	return rc;
}

int
rpki_mft_seen(struct pool *pool, const struct rpki_ca *ca, struct sv bytes,
    const struct rpki_source *src, const struct rpki_opt *opt,
    struct rpki_seen *ret, bool *ret_ok)
{
	struct findings fs;
	struct cms *cms;
	struct mft *m;
	int rc;

	*ret_ok = false;
	findings_init(&fs, pool);
	if ((rc = cms_parse(pool, bytes, RPKI_MFT, opt->tolerate, &fs, &cms)) < 0 || cms == NULL)
		return rc;
	cms_check_digest(cms, &fs);
	cert_check_issuer(cms->ee, ca, &fs);
	if ((rc = mft_parse(pool, cms->content, &fs, &m)) < 0 || m == NULL || findings_reject(&fs))
		return rc;
	crypto_sha256(bytes.p, bytes.n, ret->hash);
	ret->number = m->number;
	ret->this_update = m->this_update;
	return signatures_check(ca, cms, src, ret_ok);
}

static int
hash_cmp(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_LEN);
}

/* One object may be listed under many names. */
static size_t
hashes_unique(char *p, size_t n)
{
	size_t kept = 0;

	qsort(p, n, SHA256_LEN, hash_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || hash_cmp(p + i * SHA256_LEN, p + (kept - 1) * SHA256_LEN) != 0)
			memmove(p + kept++ * SHA256_LEN, p + i * SHA256_LEN, SHA256_LEN);
	return kept;
}

int
rpki_mft_hashes(struct pool *pool, struct sv bytes, struct sv *ret)
{
	struct findings fs;
	struct cms *cms;
	struct mft *m;
	char *p;
	int rc;

	*ret = (struct sv){ NULL, 0 };
	findings_init(&fs, pool);
	if ((rc = cms_parse(pool, bytes, RPKI_MFT, 0, &fs, &cms)) < 0 || cms == NULL)
		return rc;
	if ((rc = mft_parse(pool, cms->content, &fs, &m)) < 0 || m == NULL)
		return rc;
	if ((p = pool_calloc(pool, m->n + 1, SHA256_LEN)) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < m->n; i++)
		if (m->files[i].hash.n == SHA256_LEN)
			memcpy(p + i * SHA256_LEN, m->files[i].hash.p, SHA256_LEN);
	*ret = (struct sv){ p, hashes_unique(p, m->n) * SHA256_LEN };
	return 0;
}
