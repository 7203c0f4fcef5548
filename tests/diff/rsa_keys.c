/* The keys of RSA's trials. */
#include <stdlib.h>
#include <string.h>

#include "rsa.h"

/* --- one key --- */

/* The public key field by RFC 3110; the exponent has up to four octets. */
static size_t
field_write(const struct rsa_key *k, uint8_t *ret)
{
	size_t n = 0;

	for (int shift = 24; shift >= 0; shift -= 8)
		if (k->exponent >> shift != 0)
			ret[++n] = (uint8_t)(k->exponent >> shift);
	ret[0] = (uint8_t)n;
	memcpy(ret + 1 + n, k->modulus, k->len);
	return 1 + n + k->len;
}

bool
rsa_can_be_fresh(const struct rsa_key *k)
{
	return k->known.alg == 8 &&
	    crypto_rsa_usable(trial_sv(k->modulus, k->len), k->exponent);
}

/* By each of the two ways to make one, in turn. */
static void
key_add(struct rsa *r, struct roots *roots, uint8_t alg, bool dear)
{
	struct rsa_key *k = &r->keys[r->n++];
	uint8_t field[5 + MODULUS_MAX];

	if (r->n > RSA_KEYS_MAX)
		abort();
	k->roots = roots;
	k->len = roots->len;
	k->dear = dear;
	k->exponent = (uint32_t)BN_get_word(roots->e);
	if (BN_bn2bin(roots->n, k->modulus) != (int)k->len ||
	    !trial_key_init(&k->known, alg, trial_sv(field, field_write(k, field))) ||
	    k->known.oracle == NULL)
		abort();
	if (r->n % 2 == 0 && rsa_can_be_fresh(k)) {
		k->known.pub = crypto_pub_free(k->known.pub);
		if (crypto_pub_rsa(trial_sv(k->modulus, k->len), k->exponent, &k->known.pub) < 0)
			abort();
	}
}

static void
chance_key(struct rsa *r, struct chance *c, unsigned bits, uint8_t alg, BN_ULONG e)
{
	key_add(r, roots_shaped(c, &(struct shape){ .bits = bits, .last_bits = 64 }, e), alg, false);
}

/* --- all of them --- */

/*
 * A modulus that begins and ends as told, each in half a thousand bits: all
 * ones or all zeros (but for the bit that must be), whole limbs of either
 * radix at the end.
 */
static void
shaped_key(struct rsa *r, struct chance *c, bool ones_top, bool ones_low, unsigned low_bits)
{
	struct shape s = { .bits = 2048, .last_bits = low_bits + 512, .low_bits = low_bits };
	BIGNUM *top = BN_new(), *low = BN_new();

	if (!BN_set_bit(top, ones_top ? 2048 : 2047) || (ones_top && !BN_sub_word(top, 1)) ||
	    !BN_set_bit(low, ones_low ? (int)low_bits : 0) || (ones_low && !BN_sub_word(low, 1)))
		abort();
	s.top = top;
	s.low = low;
	key_add(r, roots_shaped(c, &s, 65537), 8, false);
	BN_free(top);
	BN_free(low);
}

static void
lane_keys(struct rsa *r, struct chance *c, bool small)
{
	static const unsigned lows[] = { 52, 64, 104, 208, 256, 416 };
	struct roots *p;

	for (unsigned i = 0; i < (small ? 8 : 32); i++)
		chance_key(r, c, 2048, 8, 65537);
	r->n_usual = r->n;
	for (unsigned i = 0; i < (small ? 4 : 4 * ARRAY_LEN(lows)); i++)
		shaped_key(r, c, i & 1, i & 2, lows[small ? i : i / 4]);
	key_add(r, roots_all_ones(), 8, true);
	for (unsigned i = 0; (p = roots_prime(i)) != NULL; i++)
		key_add(r, p, 8, true);
	r->n_lanes = r->n;
}

/* What lanes do not take, or take with another digest. */
static void
other_keys(struct rsa *r, struct chance *c)
{
	static const struct {
		uint8_t		alg;
		unsigned	bits;
		BN_ULONG	e;
	} rows[] = {
		{ 5, 2048, 65537 }, { 7, 2048, 65537 }, { 10, 2048, 65537 }, { 8, 2048, 3 },
		{ 8, 2048, 65539 }, { 8, 2048, 0x7fffffff }, { 8, 2047, 65537 }, { 8, 2049, 65537 },
		{ 8, 2040, 65537 }, { 8, 2056, 65537 }, { 8, 1024, 65537 }, { 8, 512, 65537 },
		{ 10, 768, 17 }, { 8, 3072, 65537 }, { 8, 4096, 65537 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		chance_key(r, c, rows[i].bits, rows[i].alg, rows[i].e);
}

struct rsa *
rsa_new(struct chance *c, bool small)
{
	struct rsa *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->m = BN_new()) == NULL || (r->s = BN_new()) == NULL)
		abort();
	lane_keys(r, c, small);
	other_keys(r, c);
	for (size_t i = 0; i < r->n; i++)
		for (struct rsa_key *k = &r->keys[i]; k->n_samples < (k->dear ? 2 : SAMPLES);)
			rsa_sign(r, k, c, &k->samples[k->n_samples++]);
	return r;
}

void
rsa_free(struct rsa *r)
{
	for (size_t i = 0; i < r->n; i++) {
		trial_key_done(&r->keys[i].known);
		(void)roots_free(r->keys[i].roots);
	}
	BN_free(r->m);
	BN_free(r->s);
	free(r);
}

/* --- signatures --- */

void
rsa_sign_em(struct rsa *r, struct rsa_key *k, const uint8_t *em, uint8_t *sig)
{
	if (BN_bin2bn(em, (int)k->len, r->m) == NULL)
		abort();
	roots_take(k->roots, r->m, r->s);
	if (BN_bn2binpad(r->s, sig, (int)k->len) < 0)
		abort();
}

void
rsa_sign(struct rsa *r, struct rsa_key *k, struct chance *c, struct rsa_sample *ret)
{
	uint8_t em[MODULUS_MAX];

	chance_bytes(c, ret->digest, em_digest_len(k->known.alg));
	if (em_right(k->known.alg, ret->digest, em, k->len))
		rsa_sign_em(r, k, em, ret->sig);
	else
		chance_bytes(c, ret->sig, k->len);
}

void
rsa_trial(struct trial *t, const struct rsa_key *k, const struct rsa_sample *s, bool fresh)
{
	*t = (struct trial){ .kind = "good", .hope = HOPE_YES, .alg = k->known.alg,
		.modulus_n = k->len, .exponent = k->exponent,
		.tbs_n = em_digest_len(k->known.alg), .sig_n = k->len };
	if (fresh)
		t->oracle = k->known.oracle;
	else
		t->key = &k->known;
	memcpy(t->modulus, k->modulus, k->len);
	memcpy(t->tbs, s->digest, t->tbs_n);
	memcpy(t->sig, s->sig, k->len);
}

static bool
sig_put(struct trial *t, BIGNUM *s)
{
	bool fits = !BN_is_negative(s) && BN_bn2binpad(s, t->sig, (int)t->modulus_n) >= 0;

	BN_free(s);
	return fits;
}

bool
rsa_sig_near_n(struct trial *t, const struct rsa_key *k, int add)
{
	BIGNUM *s = BN_dup(k->roots->n);

	if (s == NULL || (add < 0 ? !BN_sub_word(s, (BN_ULONG)-add) : !BN_add_word(s, (BN_ULONG)add)))
		abort();
	return sig_put(t, s);
}

bool
rsa_sig_above(struct trial *t, const struct rsa_key *k)
{
	BIGNUM *s = BN_bin2bn(t->sig, (int)t->sig_n, NULL);

	if (s == NULL || !BN_add(s, s, k->roots->n))
		abort();
	return sig_put(t, s);
}
