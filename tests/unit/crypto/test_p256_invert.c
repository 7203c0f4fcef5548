/* The inverse by division steps against OpenSSL's numbers, modulo the prime and the order. */
#include "../tap.h"

#include <openssl/bn.h>
#include <stdlib.h>

#include "crypto/p256_invert.h"

#ifdef __SIZEOF_INT128__

#define WORDS	4

static const char *const moduli[] = {
	"FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF",
	"FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
};

struct modulus {
	BN_CTX		*ctx;
	BIGNUM		*m, *a, *r;
	uint64_t	 words[WORDS], minus_1_m;
};

static struct modulus
modulus_init(size_t i)
{
	struct modulus ret = { .ctx = BN_CTX_new(), .a = BN_new(), .r = BN_new() };
	uint64_t inverse = 1;

	assert_true(BN_hex2bn(&ret.m, moduli[i]));
	assert_int_equal(BN_bn2lebinpad(ret.m, (uint8_t *)ret.words, sizeof(ret.words)), 32);
	for (int j = 0; j < 6; j++)			/* each doubles the right bits */
		inverse *= 2 - ret.words[0] * inverse;
	ret.minus_1_m = 0 - inverse;
	return ret;
}

static void
modulus_done(struct modulus *m)
{
	BN_free(m->m);
	BN_free(m->a);
	BN_free(m->r);
	BN_CTX_free(m->ctx);
}

/* a r = 1 (or r = 0 where a is), and r is below the modulus. */
static void
number_check(struct modulus *m, const uint64_t a[WORDS])
{
	uint64_t r[WORDS];
	bool zero;

	assert_non_null(BN_lebin2bn((const uint8_t *)a, sizeof(r), m->a));
	if (BN_cmp(m->a, m->m) == 0)
		return;
	zero = BN_is_zero(m->a);
	words_invert(r, a, m->words, m->minus_1_m);
	assert_non_null(BN_lebin2bn((const uint8_t *)r, sizeof(r), m->r));
	assert_true(BN_cmp(m->r, m->m) < 0);
	assert_true(BN_mod_mul(m->a, m->a, m->r, m->m, m->ctx));
	assert_true(zero ? BN_is_zero(m->r) : BN_is_one(m->a));
}

/* One step as the rules have it; what it does goes into m. */
static void
step_by_rule(int64_t *delta, uint64_t *f, uint64_t *g, struct invert_matrix *m)
{
	const struct invert_matrix was = *m;
	const uint64_t odd = *g & 1;

	m->u = 2 * was.u;
	m->v = 2 * was.v;
	if (odd != 0 && *delta > 0) {
		*delta = -*delta;
		m->u = 2 * was.q;
		m->v = 2 * was.r;
		m->q = was.q - was.u;
		m->r = was.r - was.v;
		*g -= *f;
		*f += *g;
	} else if (odd != 0) {
		m->q = was.q + was.u;
		m->r = was.r + was.v;
		*g += *f;
	}
	*delta += 1;
	*g >>= 1;
}

static uint64_t
size_of(int64_t v)
{
	return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* 62 of them at once are those one by one, and stay in their bounds. */
static void
steps_check(int64_t delta, uint64_t f, uint64_t g)
{
	struct invert_matrix m, rule = { 1, 0, 0, 1 };
	int64_t after = invert_steps(delta, f, g, &m);

	for (int i = 0; i < INVERT_BITS; i++)
		step_by_rule(&delta, &f, &g, &rule);
	assert_int_equal(after, delta);
	assert_memory_equal(&m, &rule, sizeof(m));
	assert_true(size_of(m.u) + size_of(m.v) <= UINT64_C(1) << INVERT_BITS);
	assert_true(size_of(m.q) + size_of(m.r) <= UINT64_C(1) << INVERT_BITS);
}

/* All of a kind: 0 and up, down from all ones, below and above the modulus, single bits. */
static void
test_edges(void **state UNUSED)
{
	for (size_t k = 0; k < ARRAY_LEN(moduli); k++) {
		struct modulus m = modulus_init(k);

		for (uint64_t i = 0; i < 4096; i++) {
			number_check(&m, (uint64_t[]){ i, 0, 0, 0 });
			number_check(&m, (uint64_t[]){ ~i, ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0) });
			number_check(&m, (uint64_t[]){ m.words[0] - i, m.words[1] - (m.words[0] < i),
			    m.words[2], m.words[3] });
		}
		for (unsigned i = 0; i < 256; i++)
			for (unsigned j = 0; j < 256; j += 3) {
				uint64_t a[WORDS] = { 0 };

				a[i / 64] ^= UINT64_C(1) << i % 64;
				a[j / 64] ^= UINT64_C(1) << j % 64;
				number_check(&m, a);
				for (int w = 0; w < WORDS; w++)
					a[w] = ~a[w];
				number_check(&m, a);
			}
		modulus_done(&m);
	}
}

/* Words of chance, of zeros and of ones. */
static uint64_t
word_any(void)
{
	switch (random() % 4) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	default:
		return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
	}
}

static void
test_steps(void **state UNUSED)
{
	for (int64_t delta = -70; delta <= 70; delta++) {
		for (int i = 0; i < 500; i++)
			steps_check(delta, (word_any() & INVERT_MASK) | 1, word_any() & INVERT_MASK);
		for (uint64_t f = 1; f < 32; f += 2)
			for (uint64_t g = 0; g < 32; g++) {
				steps_check(delta, f, g);
				steps_check(delta, INVERT_MASK + 1 - f, g);
				steps_check(delta, f, INVERT_MASK - g);
			}
	}
}

static void
test_chance(void **state UNUSED)
{
	for (size_t k = 0; k < ARRAY_LEN(moduli); k++) {
		struct modulus m = modulus_init(k);

		for (int i = 0; i < 50000; i++)
			number_check(&m, (uint64_t[]){ word_any(), word_any(), word_any(), word_any() });
		modulus_done(&m);
	}
}

/* The result may stand where the number stood; and back again. */
static void
test_twice(void **state UNUSED)
{
	for (size_t k = 0; k < ARRAY_LEN(moduli); k++) {
		struct modulus m = modulus_init(k);

		for (uint64_t i = 0; i < 1000; i++) {
			uint64_t a[WORDS] = { word_any(), word_any(), i, i }, b[WORDS];

			memcpy(b, a, sizeof(a));
			words_invert(b, b, m.words, m.minus_1_m);
			words_invert(b, b, m.words, m.minus_1_m);
			assert_memory_equal(a, b, sizeof(a));
		}
		modulus_done(&m);
	}
}

/* A number of one limb alone comes once in 2^248; it is not 0 either. */
static void
test_zero(void **state UNUSED)
{
	struct invert_num a = { { 0 } };

	assert_true(invert_is_0(&a));
	for (size_t i = 0; i < ARRAY_LEN(a.l); i++) {
		a.l[i] = 1;
		assert_false(invert_is_0(&a));
		a.l[i] = -1;
		assert_false(invert_is_0(&a));
		a.l[i] = 0;
	}
}

TESTS_MAIN("crypto/p256_invert", T(test_steps), T(test_edges), T(test_chance), T(test_twice), T(test_zero))

#else

static void
test_none(void **state UNUSED)
{
	print_message("needs numbers of 128 bits\n");
	skip();
}

TESTS_MAIN("crypto/p256_invert", T(test_none))

#endif
