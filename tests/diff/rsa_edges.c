/* RSA's edges: each is tried, not left to chance. */
#include <string.h>

#include "rsa.h"

/* --- one key: values of the signature --- */

/* 0 to 2, n - 2 to n + 2, all ones, a good one, that one plus n, minus, cut, moved. */
#define VALUES	15

static void
value_set(struct trial *t, struct rsa_key *k, unsigned i)
{
	BIGNUM *s;

	t->kind = "edge: a value of the signature";
	if (i > 0)
		t->hope = HOPE_NO;
	if (i >= 1 && i <= 3) {
		memset(t->sig, 0, t->sig_n);
		t->sig[t->sig_n - 1] = (uint8_t)(i - 1);
	} else if (i >= 4 && i <= 8) {
		if (!rsa_sig_near_n(t, k, (int)i - 6))
			t->hope = HOPE_YES;	/* as it was */
	} else if (i == 9) {
		memset(t->sig, 0xff, t->sig_n);
	} else if (i == 10) {
		if (!rsa_sig_above(t, k))
			t->hope = HOPE_YES;	/* as it was */
	} else if (i == 11) {
		s = BN_bin2bn(t->sig, (int)t->sig_n, NULL);
		(void)BN_sub(s, k->roots->n, s);
		(void)BN_bn2binpad(s, t->sig, (int)t->sig_n);
		BN_free(s);
	} else if (i == 12) {
		t->sig_n--;
	} else if (i == 13) {
		t->sig[t->sig_n++] = 0;
	} else if (i == 14) {
		memmove(t->sig + 1, t->sig, t->sig_n);
		t->sig[0] = 0;
		t->sig_n++;
	}
}

static size_t
values(struct rsa *r, size_t at, struct trial *t)
{
	struct rsa_key *k = &r->keys[at];
	uint8_t em[MODULUS_MAX];
	size_t n = 0;

	for (unsigned i = 0; i < VALUES; i++)
		for (unsigned fresh = 0; fresh <= rsa_can_be_fresh(k); fresh++) {
			rsa_trial(&t[n], k, &k->samples[i % k->n_samples], fresh);
			value_set(&t[n], k, i);
			if (!em_right(t[n].alg, t[n].tbs, em, k->len))
				t[n].hope = HOPE_NONE;
			n++;
		}
	return n;
}

/* --- encodings --- */

/* A signature that is right in all but its encoding. */
static void
em_trial(struct rsa *r, struct rsa_key *k, struct trial *t, const uint8_t *em, bool fresh)
{
	rsa_trial(t, k, &k->samples[0], fresh);
	rsa_sign_em(r, k, em, t->sig);
	t->hope = HOPE_NO;
}

#define WRONG_KEYS	4

static size_t
wrongs(struct rsa *r, size_t at, struct trial *t)
{
	struct rsa_key *k = &r->keys[at];
	uint8_t em[MODULUS_MAX];
	const char *kind;
	size_t n = 0;

	for (unsigned i = 0; i < EM_WRONGS; i++) {
		if ((kind = em_wrong(i, k->known.alg, k->samples[0].digest, em, k->len)) == NULL)
			continue;
		em_trial(r, k, &t[n], em, i & 1);
		t[n++].kind = kind;
	}
	return n;
}

/* Each bit of the encoding is looked at: 256 a batch. */
#define EM_BITS		256

static size_t
em_bits(struct rsa *r, size_t at, struct trial *t)
{
	struct rsa_key *k = &r->keys[0];
	size_t n = 0;

	for (size_t bit = at * EM_BITS; bit < (at + 1) * EM_BITS; bit++) {
		uint8_t em[MODULUS_MAX];

		if (!em_right(8, k->samples[0].digest, em, k->len))
			continue;
		em[k->len - 1 - bit / 8] ^= (uint8_t)(1u << bit % 8);
		em_trial(r, k, &t[n], em, bit & 1);
		t[n].hope = HOPE_NONE;		/* the top bit takes it above n */
		t[n++].kind = "edge: a bit of the encoding";
	}
	return n;
}

/* --- a fault in each lane --- */

#define LANE_FAULTS	8

static void
lane_fault(struct trial *t, struct rsa_key *k, unsigned which)
{
	t->kind = "edge: a fault in one lane";
	t->hope = HOPE_NO;
	switch (which) {
	case 0:
		t->sig[100] ^= 0x10;
		break;
	case 1:
		t->tbs[31] ^= 1;
		break;
	case 2:
		memset(t->sig, 0, t->sig_n);
		break;
	case 3:
		(void)rsa_sig_near_n(t, k, 0);
		break;
	case 4:
		memset(t->sig, 0xff, t->sig_n);
		break;
	case 5:
		t->sig_n--;		/* those behind move up by a lane */
		break;
	case 6:
		(void)rsa_sig_near_n(t, k, -1);
		break;
	default:
		t->key = NULL;
		t->oracle = NULL;
		t->modulus[128] ^= 0x80;
	}
}

/*
 * n of each size from 1 to 16 with a fault at each place; the bits of the
 * kind's number mix fresh and prepared.
 */
#define SIZES		16
#define LANE_BATCHES	(SIZES * (SIZES + 1) / 2 * LANE_FAULTS)

static size_t
lanes(struct rsa *r, size_t at, struct trial *t)
{
	unsigned which = (unsigned)at % LANE_FAULTS, place = (unsigned)at / LANE_FAULTS, n = 1;

	while (place >= n)
		place -= n++;
	for (unsigned i = 0; i < n; i++) {
		struct rsa_key *k = &r->keys[(at + i) % r->n_usual];

		rsa_trial(&t[i], k, &k->samples[i % SAMPLES], (at * 7 + i * (which + 1)) % 3 == 0);
		if (i == place)
			lane_fault(&t[i], k, which);
	}
	return n;
}

/* --- moduli that are no keys --- */

/*
 * Nobody can sign for them, and some are even: the numbers of limbs are what
 * is tried. The pattern repeats over the modulus; the signature is another.
 */
static const char *const patterns[] = {
	"ff", "80", "00", "01", "7f", "fe", "55", "aa",
	"fffffffffffff0000000000000", "0000000000000fffffffffffff",
	"ffffffffffffffff0000000000000000", "0000000000000000ffffffffffffffff",
	"8000000000000", "0000000000001", "8000000000000000", "0000000000000001",
};

static unsigned
nibble(const char *p, unsigned i)
{
	char c = p[i % (unsigned)strlen(p)];

	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

/* From its end on, so that limbs stand where the arithmetic has them. */
static void
pattern_put(uint8_t *p, size_t n, const char *pattern)
{
	unsigned len = (unsigned)strlen(pattern);

	for (unsigned i = 0; i < n * 2; i++) {
		unsigned v = nibble(pattern, len - 1 - i % len);

		p[n - 1 - i / 2] = (uint8_t)(i % 2 == 0 ? v : p[n - 1 - i / 2] | v << 4);
	}
}

static size_t
strange(struct rsa *r, size_t at, struct trial *t)
{
	size_t n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(patterns); i++)
		for (unsigned odd = 0; odd < 4; odd++) {
			rsa_trial(&t[n], &r->keys[0], &r->keys[0].samples[0], true);
			t[n].kind = "edge: a modulus that is no key";
			t[n].hope = HOPE_NO;
			t[n].oracle = NULL;
			pattern_put(t[n].modulus, t[n].modulus_n, patterns[at]);
			t[n].modulus[0] |= 0x80;
			t[n].modulus[255] = (uint8_t)(t[n].modulus[255] | (odd != 0));
			t[n].modulus[254] ^= (uint8_t)(odd == 2);
			if (odd == 3)
				t[n].modulus[255] = 1;
			pattern_put(t[n].sig, t[n].sig_n, patterns[i]);
			n++;
		}
	return n;
}

/* --- all of them --- */

static size_t
n_keys(const struct rsa *r)
{
	return r->n;
}

static size_t
n_wrong_keys(const struct rsa *r)
{
	return min_size(r->n, WRONG_KEYS);
}

static size_t
n_em_bits(const struct rsa *r UNUSED)
{
	return 2048 / EM_BITS;
}

static size_t
n_lanes(const struct rsa *r UNUSED)
{
	return LANE_BATCHES;
}

static size_t
n_strange(const struct rsa *r UNUSED)
{
	return ARRAY_LEN(patterns);
}

static const struct {
	size_t	(*count)(const struct rsa *);
	size_t	(*make)(struct rsa *, size_t at, struct trial *);
} groups[] = {
	{ n_keys, values }, { n_wrong_keys, wrongs }, { n_em_bits, em_bits },
	{ n_lanes, lanes }, { n_strange, strange },
};

size_t
rsa_edge(void *p, size_t batch, struct trial t[static BATCH_MAX])
{
	struct rsa *r = p;

	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		size_t count = groups[i].count(r), n;

		if (batch >= count) {
			batch -= count;
			continue;
		}
		n = groups[i].make(r, batch, t);
		for (size_t k = 0; k < n; k++)
			trial_ask(&t[k]);
		return n;
	}
	return 0;
}
