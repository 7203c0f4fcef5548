/*
 * The door: a batch is cut into slices, lanes and tables take what is theirs
 * out of each, and OpenSSL judges the rest, an algorithm at a time.
 */
#include "crypto/verify_internal.h"

static const struct dns_alg *
alg_of(const struct crypto_verify *v)
{
	return v->key != NULL ? v->key->alg : dns_alg_find(DNS_RSASHA256);
}

/* What cannot verify, whatever the arithmetic says, is answered here. */
static bool
item_fits(const struct crypto_verify *v)
{
	const struct dns_alg *a = alg_of(v);

	if (a->digest != NULL && v->tbs.n != a->digest_len)
		return false;
	if (v->key == NULL)
		return crypto_rsa_usable(v->modulus, v->exponent) && v->sig.n == v->modulus.n;
	return v->sig.n == v->key->sig_len;
}

/* --- OpenSSL --- */

static int	(*const checks[])(struct dns_work *, struct crypto_verify *const *, size_t) = {
	[DNS_RSA] = dns_rsa_check,
	[DNS_EC] = dns_ec_check,
	[DNS_ED] = dns_ed_check,
};

/* All that is left of one algorithm, wherever it stands, a chunk at a time. */
static int
alg_check(struct slice *s, const struct dns_alg *a)
{
	struct crypto_verify *chunk[DNS_CHUNK];
	size_t m = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		if (!s->todo[i] || alg_of(&s->v[i]) != a)
			continue;
		s->todo[i] = false;
		chunk[m++] = &s->v[i];
		if (m < DNS_CHUNK)
			continue;
		rc = checks[a->kind](s->w, chunk, m);
		m = 0;
	}
	if (rc == 0 && m > 0)
		rc = checks[a->kind](s->w, chunk, m);
	return rc;
}

static int
rest_check(struct slice *s)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n; i++)
		if (s->todo[i])
			rc = alg_check(s, alg_of(&s->v[i]));
	return rc;
}

/* --- all of them --- */

static int
slice_check(struct slice *s)
{
	enum crypto_path path = crypto_path();

	for (size_t i = 0; i < s->n; i++)
		s->todo[i] = item_fits(&s->v[i]);
	if (path == CRYPTO_IFMA)
		slice_rsa_lanes(s);
	if (path != CRYPTO_GENERIC)
		slice_p256(s, path == CRYPTO_IFMA);
	return rest_check(s);
}

int
crypto_verify_batch(struct crypto_verify *v, size_t n)
{
	struct dns_work w = { 0 };
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		v[i].ok = false;
	for (size_t i = 0; rc == 0 && i < n; i += VERIFY_SLICE) {
		struct slice s = { .w = &w, .v = v + i, .n = min_size(n - i, VERIFY_SLICE) };

		rc = slice_check(&s);
	}
	if (rc < 0)
		for (size_t i = 0; i < n; i++)
			v[i].ok = false;
	dns_work_done(&w);
	return rc;
}

int
crypto_verify_one(const struct crypto_pub *k, const struct sv data[static CRYPTO_PIECES],
    struct sv sig)
{
	struct crypto_verify v = { .key = k, .sig = sig };
	uint8_t digest[SHA512_LEN];
	struct dns_work w = { 0 };
	int rc = 0;

	if (k->alg->digest != NULL) {
		k->alg->digest(data, digest);
		v.tbs = (struct sv){ (const char *)digest, k->alg->digest_len };
	} else
		rc = dns_work_join(&w, data, &v.tbs);
	if (rc == 0)
		rc = crypto_verify_batch(&v, 1);
	dns_work_done(&w);
	return rc < 0 ? rc : v.ok;
}
