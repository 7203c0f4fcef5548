/*
 * Private keys for worlds that are made up: RSA from pooled halves, each the
 * product of two primes of 512 bits. A modulus has four primes, then, which
 * nobody can see who does not factor it, and a signature is four
 * exponentiations of a quarter's size (RFC 8017 section 3.2 allows more than
 * two primes): a third of the time of two, and worlds of half a million
 * objects are a million signatures. Verifying costs what it always costs.
 *
 * All that depends on one half alone (its primes' Montgomery contexts,
 * d mod p-1) is made once; a key is one multiplication and one inverse.
 */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "crypto/crypto.h"

#define KEY_BITS	2048
#define KEY_E		65537
#define SIEVE_TOP	8192	/* trial division up to here */
#define SIEVE_SPAN	16384	/* odd candidates looked at per start */
#define SPKI_MAX	320	/* RSA-2048: 294 */

struct prime {
	BIGNUM		*p, *dp;	/* dp: e^-1 mod p-1 */
	BN_MONT_CTX	*mont;
};

struct half {
	struct prime	 q[2];
	BIGNUM		*n, *inv;	/* their product; q[1]^-1 mod q[0] */
};

struct crypto_primes {
	uint64_t	 seed;
	size_t		 n;
	struct half	 v[];
};

struct crypto_signer {
	const struct half *a, *b;
	BIGNUM		*n, *binv;	/* binv: b^-1 mod a */
	struct half	 own[2];	/* of a key without a pool: q[0] alone */
	size_t		 len;		/* of the modulus, in bytes */
	uint8_t		 spki[SPKI_MAX];
	size_t		 spki_len;
};

DEFINE_CLEANUP(BIGNUM, BN_free)
DEFINE_CLEANUP(BN_CTX, BN_CTX_free)

/*
 * An odd number of the given bits from (seed, i, try). The top three are set:
 * the product of four such numbers has all its bits, as 0.875^4 > 0.5.
 */
static BIGNUM *
prime_start(uint64_t seed, uint64_t i, uint32_t try, unsigned bits)
{
	uint8_t in[24], out[128];
	BIGNUM *b;

	for (uint32_t k = 0; k < sizeof(out) / SHA256_LEN; k++) {
		struct wr w = wr_mem(in, sizeof(in));

		wr_be64(&w, seed);
		wr_be64(&w, i);
		wr_be32(&w, try);
		wr_be32(&w, k);
		crypto_sha256(in, sizeof(in), out + k * SHA256_LEN);
	}
	if ((b = BN_bin2bn(out, (int)(bits / 8), NULL)) == NULL)
		return NULL;
	if (BN_set_bit(b, (int)bits - 1) && BN_set_bit(b, (int)bits - 2) &&
	    BN_set_bit(b, (int)bits - 3) && BN_set_bit(b, 0))
		return b;
	BN_free(b);
	return NULL;
}

static bool
small_is_prime(uint32_t q)
{
	for (uint32_t d = 3; d * d <= q; d += 2)
		if (q % d == 0)
			return false;
	return true;
}

/* hit[k]: start + 2k has a small factor. */
static void
sieve_run(const BIGNUM *start, uint8_t hit[static SIEVE_SPAN])
{
	memset(hit, 0, SIEVE_SPAN);
	for (uint32_t q = 3; q < SIEVE_TOP; q += 2) {
		uint32_t r, k;

		if (!small_is_prime(q))
			continue;
		r = (uint32_t)BN_mod_word(start, q);
		/* the least k with r + 2k = 0 mod q */
		k = (q - r) % q;
		k = k % 2 == 0 ? k / 2 : (k + q) / 2;
		for (; k < SIEVE_SPAN; k += q)
			hit[k] = 1;
	}
}

/*
 * One Fermat test to base 2: a random number of 512 bits or more that passes
 * and is composite is rarer than a fault of the machine (Damgard, Landrock,
 * Pomerance), and these keys guard nothing.
 */
static int
prime_fits(const BIGNUM *p, uint32_t e, BN_CTX *ctx, bool *ret)
{
	_cleanup_(BN_freep) BIGNUM *x = BN_dup(p), *r = BN_new();

	*ret = false;
	if (x == NULL || r == NULL || !BN_sub_word(x, 1))
		return -ENOMEM;
	if (BN_mod_word(x, e) == 0)
		return 0;
	if (!BN_mod_exp_mont_word(r, 2, x, p, ctx, NULL))
		return -ENOMEM;
	*ret = BN_is_one(r);
	return 0;
}

static void
prime_done(struct prime *x)
{
	BN_free(x->p);
	BN_free(x->dp);
	BN_MONT_CTX_free(x->mont);
	*x = (struct prime){ 0 };
}

/* Fill in what depends on p alone. Takes p, also on failure. */
static int
prime_init(struct prime *x, BIGNUM *p, uint32_t e, BN_CTX *ctx)
{
	_cleanup_(BN_freep) BIGNUM *p1 = BN_dup(p), *eb = BN_new();

	x->p = p;
	if (p1 != NULL && eb != NULL && BN_sub_word(p1, 1) && BN_set_word(eb, e) &&
	    (x->dp = BN_mod_inverse(NULL, eb, p1, ctx)) != NULL &&
	    (x->mont = BN_MONT_CTX_new()) != NULL &&
	    BN_MONT_CTX_set(x->mont, p, ctx))
		return 0;
	prime_done(x);
	return -ENOMEM;
}

/* Search upwards from one start; *ret_p stays NULL if its span has none. */
static int
prime_search(const BIGNUM *start, uint32_t e, BN_CTX *ctx, BIGNUM **ret_p)
{
	uint8_t hit[SIEVE_SPAN];

	sieve_run(start, hit);
	for (unsigned k = 0; k < SIEVE_SPAN; k++) {
		_cleanup_(BN_freep) BIGNUM *p = NULL;
		bool fits;
		int rc;

		if (hit[k])
			continue;
		if ((p = BN_dup(start)) == NULL || !BN_add_word(p, 2 * k))
			return -ENOMEM;
		if ((rc = prime_fits(p, e, ctx, &fits)) < 0)
			return rc;
		if (fits) {
			*ret_p = TAKE_PTR(p);
			return 0;
		}
	}
	return 0;
}

static int
prime_make(struct prime *x, uint64_t seed, uint64_t i, unsigned bits, uint32_t e)
{
	_cleanup_(BN_CTX_freep) BN_CTX *ctx = BN_CTX_new();

	if (ctx == NULL)
		return -ENOMEM;
	for (uint32_t try = 0;; try++) {
		_cleanup_(BN_freep) BIGNUM *start = prime_start(seed, i, try, bits);
		BIGNUM *p = NULL;
		int rc;

		if (start == NULL)
			return -ENOMEM;
		if ((rc = prime_search(start, e, ctx, &p)) < 0)
			return rc;
		if (p != NULL)
			return prime_init(x, p, e, ctx);
	}
}

static void
half_done(struct half *h)
{
	prime_done(&h->q[0]);
	prime_done(&h->q[1]);
	BN_free(h->n);
	BN_free(h->inv);
	*h = (struct half){ 0 };
}

/* Of primes 2i and 2i + 1. */
static int
half_make(struct half *h, uint64_t seed, uint64_t i)
{
	_cleanup_(BN_CTX_freep) BN_CTX *ctx = BN_CTX_new();
	int rc = ctx == NULL ? -ENOMEM : 0;

	for (unsigned k = 0; k < 2 && rc == 0; k++)
		rc = prime_make(&h->q[k], seed, 2 * i + k, KEY_BITS / 4, KEY_E);
	if (rc == 0 && ((h->inv = BN_mod_inverse(NULL, h->q[1].p, h->q[0].p, ctx)) == NULL ||
	    (h->n = BN_new()) == NULL || !BN_mul(h->n, h->q[0].p, h->q[1].p, ctx)))
		rc = -ENOMEM;
	if (rc < 0)
		half_done(h);
	return rc;
}

struct crypto_primes *
crypto_primes_new(size_t n, uint64_t seed)
{
	struct crypto_primes *ps;

	if (n > CRYPTO_PRIMES_MAX)
		return NULL;
	if ((ps = calloc(1, sizeof(*ps) + n * sizeof(ps->v[0]))) == NULL)
		return NULL;
	ps->seed = seed;
	ps->n = n;
	return ps;
}

int
crypto_primes_make(struct crypto_primes *ps, size_t i)
{
	if (i >= ps->n)
		return -ERANGE;
	return ps->v[i].n != NULL ? 0 : half_make(&ps->v[i], ps->seed, i);
}

struct crypto_primes *
crypto_primes_free(struct crypto_primes *ps)
{
	if (ps == NULL)
		return NULL;
	for (size_t i = 0; i < ps->n; i++)
		half_done(&ps->v[i]);
	free(ps);
	return NULL;
}

size_t
crypto_primes_for(size_t n_keys)
{
	size_t n = 2;

	while (n * (n - 1) / 2 < n_keys)
		n++;
	return n;
}

struct crypto_signer *
crypto_signer_free(struct crypto_signer *s)
{
	if (s == NULL)
		return NULL;
	BN_free(s->n);
	BN_free(s->binv);
	half_done(&s->own[0]);
	half_done(&s->own[1]);
	free(s);
	return NULL;
}

/* DER written from the end: every length is known when it is needed. */
struct back {
	uint8_t	*buf;
	size_t	 at;		/* the first byte written */
};

static void
back_u8(struct back *b, uint8_t v)
{
	b->buf[--b->at] = v;
}

static void
back_bytes(struct back *b, const void *src, size_t n)
{
	b->at -= n;
	memcpy(b->buf + b->at, src, n);
}

/* Tag and length of what was written since end. */
static void
back_head(struct back *b, uint8_t tag, size_t end)
{
	size_t n = end - b->at;

	back_u8(b, (uint8_t)n);
	if (n > 0xff) {
		back_u8(b, (uint8_t)(n >> 8));
		back_u8(b, 0x82);
	} else if (n > 0x7f)
		back_u8(b, 0x81);
	back_u8(b, tag);
}

/* INTEGER, not negative, of big-endian bytes without leading zeros. */
static void
back_int(struct back *b, const uint8_t *v, size_t n)
{
	size_t end = b->at;

	back_bytes(b, v, n);
	if (v[0] & 0x80)
		back_u8(b, 0);
	back_head(b, 0x02, end);
}

/* SubjectPublicKeyInfo: rsaEncryption with NULL (RFC 7935 section 3). */
static void
spki_write(struct crypto_signer *s, const uint8_t *mod, uint32_t e)
{
	static const uint8_t alg[] = { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86,
	    0xf7, 0x0d, 1, 1, 1, 5, 0 };
	uint8_t buf[SPKI_MAX], eb[4];
	struct back b = { buf, sizeof(buf) };
	size_t z = 0;

	put_be32(eb, e);
	while (z < 3 && eb[z] == 0)
		z++;
	back_int(&b, eb + z, 4 - z);
	back_int(&b, mod, s->len);
	back_head(&b, 0x30, sizeof(buf));
	back_u8(&b, 0);
	back_head(&b, 0x03, sizeof(buf));
	back_bytes(&b, alg, sizeof(alg));
	back_head(&b, 0x30, sizeof(buf));
	s->spki_len = sizeof(buf) - b.at;
	memcpy(s->spki, buf + b.at, s->spki_len);
}

/* The key of s->a and s->b; s is half-built on failure. */
static int
signer_init(struct crypto_signer *s, uint32_t e)
{
	_cleanup_(BN_CTX_freep) BN_CTX *ctx = BN_CTX_new();
	uint8_t mod[KEY_BITS / 8];

	if (ctx == NULL || (s->n = BN_new()) == NULL ||
	    !BN_mul(s->n, s->a->n, s->b->n, ctx) ||
	    (s->binv = BN_mod_inverse(NULL, s->b->n, s->a->n, ctx)) == NULL)
		return -ENOMEM;
	s->len = (size_t)BN_num_bytes(s->n);
	if (s->len > sizeof(mod) || BN_bn2bin(s->n, mod) < 0)
		return -ERANGE;
	spki_write(s, mod, e);
	return 0;
}

struct crypto_signer *
crypto_signer_pooled(const struct crypto_primes *ps, size_t i)
{
	_cleanup_(crypto_signer_freep) struct crypto_signer *s = calloc(1, sizeof(*s));
	size_t hi = 1;

	if (s == NULL)
		return NULL;
	/* Pair i, row by row: (1,0), (2,0), (2,1), (3,0) ... */
	while (i >= hi)
		i -= hi++;
	if (hi >= ps->n || ps->v[hi].n == NULL || ps->v[i].n == NULL)
		return NULL;
	s->a = &ps->v[hi];
	s->b = &ps->v[i];
	return signer_init(s, KEY_E) < 0 ? NULL : TAKE_PTR(s);
}

struct crypto_signer *
crypto_signer_odd(uint64_t seed, unsigned bits, uint32_t e)
{
	_cleanup_(crypto_signer_freep) struct crypto_signer *s = calloc(1, sizeof(*s));

	if (s == NULL || bits < 512 || bits > KEY_BITS || bits % 16 != 0 || e % 2 == 0)
		return NULL;
	for (size_t k = 0; k < ARRAY_LEN(s->own); k++)
		if (prime_make(&s->own[k].q[0], seed, UINT64_MAX - k, bits / 2, e) < 0 ||
		    (s->own[k].n = BN_dup(s->own[k].q[0].p)) == NULL)
			return NULL;
	s->a = &s->own[0];
	s->b = &s->own[1];
	return signer_init(s, e) < 0 ? NULL : TAKE_PTR(s);
}

/* The private exponent is e^-1 mod (p-1)(q-1): BIGNUMs are made and thrown away, as it is no secret. */
static BIGNUM *
exponent_make(const BIGNUM *p, const BIGNUM *q, BN_CTX *ctx)
{
	_cleanup_(BN_freep) BIGNUM *p1 = BN_dup(p), *q1 = BN_dup(q), *e = BN_new(), *phi = BN_new();

	if (p1 == NULL || q1 == NULL || e == NULL || phi == NULL || !BN_sub_word(p1, 1) ||
	    !BN_sub_word(q1, 1) || !BN_set_word(e, KEY_E) || !BN_mul(phi, p1, q1, ctx))
		return NULL;
	return BN_mod_inverse(NULL, e, phi, ctx);
}

int
crypto_signer_numbers(const struct crypto_signer *s, struct crypto_odd *ret)
{
	_cleanup_(BN_CTX_freep) BN_CTX *ctx = BN_CTX_new();
	_cleanup_(BN_freep) BIGNUM *d = NULL;
	const BIGNUM *p = s->own[0].q[0].p, *q = s->own[1].q[0].p;

	if (p == NULL || q == NULL || s->len != sizeof(ret->n))
		return -ENOTSUP;
	if (ctx == NULL || (d = exponent_make(p, q, ctx)) == NULL)
		return -ENOMEM;
	/* RFC 8017 names the larger one p by custom, and some programs want it so. */
	if (BN_cmp(p, q) < 0) {
		p = s->own[1].q[0].p;
		q = s->own[0].q[0].p;
	}
	return BN_bn2binpad(s->n, ret->n, sizeof(ret->n)) < 0 ||
	    BN_bn2binpad(d, ret->d, sizeof(ret->d)) < 0 ||
	    BN_bn2binpad(p, ret->p, sizeof(ret->p)) < 0 ||
	    BN_bn2binpad(q, ret->q, sizeof(ret->q)) < 0 ? -ENOMEM : 0;
}

struct sv
crypto_signer_spki(const struct crypto_signer *s)
{
	return (struct sv){ (const char *)s->spki, s->spki_len };
}

/* EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) of a SHA-256 digest. */
static void
emsa_write(const uint8_t *digest, uint8_t *em, size_t len)
{
	static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86,
	    0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20 };
	size_t pad = len - 3 - sizeof(info) - SHA256_LEN;

	em[0] = 0;
	em[1] = 1;
	memset(em + 2, 0xff, pad);
	em[2 + pad] = 0;
	memcpy(em + 3 + pad, info, sizeof(info));
	memcpy(em + 3 + pad + sizeof(info), digest, SHA256_LEN);
}

/* ret = m^d mod p, by the prime's own context. */
static bool
prime_exp(const struct prime *x, const BIGNUM *m, BIGNUM *ret, BN_CTX *ctx)
{
	_cleanup_(BN_freep) BIGNUM *r = BN_new();

	return r != NULL && BN_mod(r, m, x->p, ctx) &&
	    BN_mod_exp_mont_consttime(ret, r, x->dp, x->p, ctx, x->mont);
}

/* h: x + q1 * ((y - x) / q1 mod q0), Garner, where it has two primes. */
static bool
half_exp(const struct half *h, const BIGNUM *m, BIGNUM *ret, BN_CTX *ctx)
{
	_cleanup_(BN_freep) BIGNUM *y = NULL;
	const BIGNUM *q0 = h->q[0].p, *q1 = h->q[1].p;

	if (q1 == NULL)
		return prime_exp(&h->q[0], m, ret, ctx);
	y = BN_new();
	return y != NULL && prime_exp(&h->q[0], m, y, ctx) && prime_exp(&h->q[1], m, ret, ctx) &&
	    BN_mod_sub(y, y, ret, q0, ctx) && BN_mod_mul(y, y, h->inv, q0, ctx) &&
	    BN_mul(y, y, q1, ctx) && BN_add(ret, ret, y);
}

int
crypto_sign(const struct crypto_signer *s, const uint8_t digest[static SHA256_LEN],
    uint8_t sig[static CRYPTO_SIG_MAX], size_t *ret_len)
{
	_cleanup_(BN_CTX_freep) BN_CTX *ctx = BN_CTX_new();
	_cleanup_(BN_freep) BIGNUM *m = NULL, *x = BN_new(), *y = BN_new();
	uint8_t em[CRYPTO_SIG_MAX];

	emsa_write(digest, em, s->len);
	m = BN_bin2bn(em, (int)s->len, NULL);
	if (ctx == NULL || m == NULL || x == NULL || y == NULL)
		return -ENOMEM;
	/* y + b * ((x - y) / b mod a): the same once more */
	if (!half_exp(s->a, m, x, ctx) || !half_exp(s->b, m, y, ctx) ||
	    !BN_mod_sub(x, x, y, s->a->n, ctx) ||
	    !BN_mod_mul(x, x, s->binv, s->a->n, ctx) ||
	    !BN_mul(x, x, s->b->n, ctx) || !BN_add(x, x, y) ||
	    BN_bn2binpad(x, sig, (int)s->len) < 0)
		return -ENOMEM;
	*ret_len = s->len;
	return 0;
}
