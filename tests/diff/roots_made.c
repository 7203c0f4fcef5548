/* Moduli to order: from chance, of a shape, and those that are extreme throughout. */
#include "roots.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_BITS	64

static BIGNUM *
chance_bn(struct chance *c, unsigned bits)
{
	uint8_t b[512];
	BIGNUM *r;

	chance_bytes(c, b, bits / 8);
	if ((r = BN_bin2bn(b, (int)(bits / 8), NULL)) == NULL)
		abort();
	return r;
}

static bool
is_prime(const BIGNUM *p, BN_CTX *ctx)
{
	int rc = BN_check_prime(p, ctx, NULL);

	if (rc < 0)
		abort();
	return rc == 1;
}

/* Of which e does not divide p - 1. */
static BIGNUM *
small_prime(struct chance *c, BN_ULONG e, BN_CTX *ctx)
{
	for (;;) {
		BIGNUM *p = chance_bn(c, SMALL_BITS);

		if (!BN_set_bit(p, SMALL_BITS - 1) || !BN_set_bit(p, 0))
			abort();
		if (BN_mod_word(p, e) != 1 && is_prime(p, ctx))
			return p;
		BN_free(p);
	}
}

/* The number whose product with p begins like top, or a chance one: p * q has s->bits. */
static BIGNUM *
last_begin(struct chance *c, const struct shape *s, const BIGNUM *p, BN_CTX *ctx)
{
	BIGNUM *q, *t = s->top != NULL ? BN_dup(s->top) : chance_bn(c, (s->bits + 7) / 8 * 8);

	if (t == NULL || !BN_set_bit(t, (int)s->bits - 1))
		abort();
	if (BN_num_bits(t) > (int)s->bits && !BN_mask_bits(t, (int)s->bits))
		abort();
	if ((q = BN_new()) == NULL || !BN_div(q, NULL, t, p, ctx))
		abort();
	BN_free(t);
	return q;
}

/* Its lowest bits, such that p * q ends like low. */
static void
last_end(BIGNUM *q, const struct shape *s, const BIGNUM *p, BN_CTX *ctx)
{
	BIGNUM *mod = BN_new(), *t = BN_new();

	if (!BN_set_bit(mod, (int)s->low_bits) || BN_mod_inverse(t, p, mod, ctx) == NULL ||
	    !BN_mod_mul(t, t, s->low, mod, ctx) ||
	    !BN_rshift(q, q, (int)s->low_bits) || !BN_lshift(q, q, (int)s->low_bits) ||
	    !BN_add(q, q, t))
		abort();
	BN_free(mod);
	BN_free(t);
}

/*
 * The next one that is prime, in steps that leave the lowest bits alone: downwards from
 * where one more bit is near, else upwards.
 */
static BIGNUM *
last_prime(struct chance *c, const struct shape *s, const BIGNUM *p, BN_CTX *ctx)
{
	BIGNUM *q = last_begin(c, s, p, ctx), *step = BN_new();
	bool down = s->top != NULL && BN_is_bit_set(s->top, (int)s->bits - 2);

	if (s->low != NULL)
		last_end(q, s, p, ctx);
	if (!BN_set_bit(q, 0) || !BN_set_bit(step, s->low != NULL ? (int)s->low_bits : 1))
		abort();
	BN_set_negative(step, down);
	do {
		if (!BN_add(q, q, step))
			abort();
	} while (!is_prime(q, ctx));
	BN_free(step);
	return q;
}

static struct roots *
shaped_once(struct chance *c, const struct shape *s, BN_ULONG e, BN_CTX *ctx)
{
	BIGNUM *f[FACTORS_MAX], *p = BN_new();
	unsigned n = (s->bits - s->last_bits) / SMALL_BITS;

	if (!BN_one(p) || n >= FACTORS_MAX)
		abort();
	for (unsigned i = 0; i < n; i++) {
		f[i] = small_prime(c, e, ctx);
		if (!BN_mul(p, p, f[i], ctx))
			abort();
	}
	f[n] = last_prime(c, s, p, ctx);
	BN_free(p);
	return roots_new(f, n + 1, e);
}

struct roots *
roots_shaped(struct chance *c, const struct shape *s, BN_ULONG e)
{
	BN_CTX *ctx = BN_CTX_new();
	struct roots *r = NULL;

	/* A step too far, or e divides p - 1: another time it does not. */
	while (r == NULL || BN_num_bits(r->n) != (int)s->bits) {
		(void)roots_free(r);
		r = shaped_once(c, s, e, ctx);
	}
	BN_CTX_free(ctx);
	return r;
}

/*
 * 2^2048 - 1 = F0 F1 … F10, Fi = 2^2^i + 1. Of the primes in F5 to F10 the
 * largest of each is what is left; the others were found by Euler (641) and
 * many after him. A wrong digit here would leave a remainder.
 */
static const struct {
	unsigned	 i;
	const char	*prime;
} fermat[] = {
	{ 5, "641" },
	{ 6, "274177" },
	{ 7, "59649589127497217" },
	{ 8, "1238926361552897" },
	{ 9, "2424833" },
	{ 9, "7455602825647884208337395736200454918783366342657" },
	{ 10, "45592577" },
	{ 10, "6487031809" },
	{ 10, "4659775785220018543264560743076778192897" },
};

struct roots *
roots_all_ones(void)
{
	BIGNUM *f[FACTORS_MAX], *left, *rest = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	unsigned n = 0;

	for (unsigned i = 0; i <= 10; i++) {
		left = BN_new();
		if (!BN_set_bit(left, 1 << i) || !BN_set_bit(left, 0))
			abort();
		for (size_t k = 0; k < sizeof(fermat) / sizeof(*fermat); k++) {
			if (fermat[k].i != i)
				continue;
			f[n] = NULL;
			if (!BN_dec2bn(&f[n], fermat[k].prime) ||
			    !BN_div(left, rest, left, f[n], ctx) || !BN_is_zero(rest))
				abort();
			n++;
		}
		f[n++] = left;
	}
	BN_free(rest);
	BN_CTX_free(ctx);
	return roots_new(f, n, 65537);
}

/*
 * Limbs of all ones and of zeros in turn, the top bit set, the lowest bits
 * cleared, and c more or less: the first that is prime. Were one not, its
 * roots would be none, and the run would show signatures that came out
 * otherwise than hoped.
 */
static const struct {
	unsigned	radix;
	bool		odd, even;	/* which limbs are all ones */
	int		clear;
	bool		less;
	BN_ULONG	c;
} primes[] = {
	{ 52, true, true, 0, true, 1556 },
	{ 52, false, false, 0, false, 1919 },
	{ 52, true, false, 0, false, 2933 },
	{ 52, false, true, 0, true, 1132 },
	{ 64, true, false, 0, false, 283 },
	{ 64, false, true, 0, true, 684 },
	{ 1024, true, false, 0, false, 107 },
	{ 1024, false, true, 0, true, 3840 },
	{ 52, true, true, 52, false, 1973 },
	{ 52, true, true, 64, false, 1009 },
};

struct roots *
roots_prime(unsigned i)
{
	BIGNUM *n;

	if (i >= sizeof(primes) / sizeof(*primes))
		return NULL;
	n = BN_new();
	for (unsigned b = 0; b < 2048; b++)
		if ((b / primes[i].radix % 2 != 0 ? primes[i].odd : primes[i].even) || b == 2047)
			if (!BN_set_bit(n, (int)b))
				abort();
	if (primes[i].clear > 0 && (!BN_rshift(n, n, primes[i].clear) ||
	    !BN_lshift(n, n, primes[i].clear)))
		abort();
	if (primes[i].less ? !BN_sub_word(n, primes[i].c) : !BN_add_word(n, primes[i].c))
		abort();
	return roots_new(&n, 1, 65537);
}
