/* Roots modulo a product of primes: one by one, and put together again. */
#include "roots.h"

#include <stdlib.h>

struct roots *
roots_free(struct roots *r)
{
	if (r == NULL)
		return NULL;
	for (unsigned i = 0; i < r->n_factors; i++) {
		BN_free(r->f[i]);
		BN_free(r->d[i]);
		BN_free(r->basis[i]);
		BN_MONT_CTX_free(r->mont[i]);
	}
	BN_free(r->n);
	BN_free(r->e);
	BN_free(r->t);
	BN_free(r->u);
	BN_CTX_free(r->ctx);
	free(r);
	return NULL;
}

/* d and mont of factor i; false: e has no inverse there. */
static bool
factor_init(struct roots *r, unsigned i)
{
	r->mont[i] = BN_MONT_CTX_new();
	if (!BN_sub(r->t, r->f[i], BN_value_one()) ||
	    !BN_MONT_CTX_set(r->mont[i], r->f[i], r->ctx))
		abort();
	r->d[i] = BN_mod_inverse(NULL, r->e, r->t, r->ctx);
	return r->d[i] != NULL;
}

/* n/p times its inverse modulo p. */
static bool
basis_init(struct roots *r, unsigned i)
{
	r->basis[i] = BN_new();
	if (!BN_div(r->t, NULL, r->n, r->f[i], r->ctx))
		abort();
	if (BN_mod_inverse(r->u, r->t, r->f[i], r->ctx) == NULL)
		return false;		/* the same prime twice */
	return BN_mul(r->basis[i], r->t, r->u, r->ctx) == 1;
}

struct roots *
roots_new(BIGNUM *const *factors, unsigned n, BN_ULONG e)
{
	struct roots *r = calloc(1, sizeof(*r));
	bool ok = true;

	if (r == NULL || n > FACTORS_MAX)
		abort();
	r->n = BN_new();
	r->e = BN_new();
	r->t = BN_new();
	r->u = BN_new();
	r->ctx = BN_CTX_new();
	if (r->ctx == NULL || !BN_one(r->n) || !BN_set_word(r->e, e))
		abort();
	r->n_factors = n;
	for (unsigned i = 0; i < n; i++) {
		r->f[i] = factors[i];
		if (!BN_mul(r->n, r->n, r->f[i], r->ctx))
			abort();
	}
	for (unsigned i = 0; ok && i < n; i++)
		ok = factor_init(r, i) && basis_init(r, i);
	r->len = (size_t)BN_num_bytes(r->n);
	return ok ? r : roots_free(r);
}

void
roots_take(struct roots *r, const BIGNUM *m, BIGNUM *s)
{
	BN_zero(s);
	for (unsigned i = 0; i < r->n_factors; i++)
		if (!BN_nnmod(r->t, m, r->f[i], r->ctx) ||
		    !BN_mod_exp_mont(r->t, r->t, r->d[i], r->f[i], r->ctx, r->mont[i]) ||
		    !BN_mul(r->u, r->t, r->basis[i], r->ctx) || !BN_add(s, s, r->u))
			abort();
	if (!BN_nnmod(s, s, r->n, r->ctx))
		abort();
}
