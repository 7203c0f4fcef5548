/*
 * u1*G + u2*Q for a chunk of signatures, as sums of table entries. A
 * template: p256_64.c makes it for one lane of 64-bit words, p256_ifma.c for
 * eight lanes of AVX-512. Verification only.
 *
 * THE FIELD. Who includes this file has defined, or gets p256_field.h:
 *
 *	FE_LANES	1 or 8
 *	FE_TARGET	an attribute for each function that computes, or nothing
 *	SUM_COLUMNS	the most vectors of FE_LANES signatures in a chunk
 *	struct fe	FE_LANES numbers modulo p, in Montgomery form; "tight"
 *			or, as the result of fe_sub() alone, "loose"
 *
 * and these, static inline, of which each result may stand where an input
 * stands (in fe_mul2() and fe_sqr2(): an input of its own product):
 *
 *	void fe_mul(struct fe *r, const struct fe *a, const struct fe *b)
 *	void fe_sqr(struct fe *r, const struct fe *a)
 *		loose to tight
 *	void fe_mul2(struct fe *r0, const struct fe *a0, const struct fe *b0,
 *	    struct fe *r1, const struct fe *a1, const struct fe *b1)
 *	void fe_sqr2(struct fe *r0, const struct fe *a0,
 *	    struct fe *r1, const struct fe *a1)
 *		two of them that do not depend on each other: interleaved if
 *		that pays, else one by one
 *	void fe_sub(struct fe *r, const struct fe *a, const struct fe *b)
 *		tight to loose; r only goes into products
 *	void fe_sub_tight(struct fe *r, const struct fe *a, const struct fe *b)
 *	void fe_sub2_tight(struct fe *r, const struct fe *a, const struct fe *b,
 *	    const struct fe *c)
 *		tight to tight: a - b, a - b - c
 *	void fe_inv(struct fe *r, const struct fe *a)
 *		tight to tight; 0 in lanes that are 0
 *	unsigned fe_zero(const struct fe *a)
 *		of a tight one: the mask of lanes that are 0 modulo p
 *	void fe_one_where(struct fe *r, unsigned mask)
 *		1 (in Montgomery form) into these lanes
 *	void fe_load(struct fe *r, const uint64_t plain[FE_LANES][P256_WORDS])
 *		into Montgomery form; any numbers below p; tight
 *	void pt_load(struct fe *x, struct fe *y,
 *	    const uint64_t *const row[FE_LANES], unsigned negate)
 *		a table's rows (p256_way.h), tight; y negated in these lanes
 *
 * What it gets, to make a struct p256_way of: sum_check(), the size of a
 * struct sum_room, and chunks of FE_LANES * SUM_COLUMNS.
 */
#ifndef CRYPTO_P256_SUM_H
#define CRYPTO_P256_SUM_H

#include <string.h>

#include "crypto/inline.h"
#include "crypto/p256_way.h"

#ifndef FE_LANES
#include "crypto/p256_field_inv.h"
#endif

/*
 * THE SUM. A column is a vector of FE_LANES signatures, and a chunk has up to
 * SUM_COLUMNS of them. Each signature is 64 points, which are added in a tree:
 * 32 additions, 16, 8, 4, 2 and one. All points of a level lie in one array,
 * place by place and in each place column by column, so that with m additions
 * the i-th takes points i and i + m and leaves its sum at i. The first level
 * reads its points in the tables. G's entries have the even places, Q's the
 * odd ones, and meet in the last addition only: whatever multiple of G the key
 * is, sums that are equal on the way are a matter of one scalar.
 *
 * An addition of affine points (SEC 1, 2.2.1) costs two products, a square and
 * 1/dx. The inverses of a level come from one inversion (Montgomery's trick)
 * at three products each: the dx are multiplied in pairs (j, j + m/2), the
 * pairs one after the other; then, backwards, the inverse of all pairs up to
 * j times the product of those before it is the inverse of pair j, which
 * times either dx of it is the inverse of the other. Pairs also are what lets
 * two additions run side by side.
 *
 * EXCEPTIONS. Where dx = 0, the points are equal or opposite and the formula
 * does not hold. Then the product of the level is 0 in that lane: it is made
 * again with care, the dx that are 0 become 1, and their signatures will be
 * UNDECIDED, whatever is computed for them. A point at infinity never enters
 * (no entry of a table is), and the only way to one is such an addition.
 *
 * It takes somebody who chooses the numbers. Within a table's half of the tree
 * all are multiples of one point by sums of odd digits times powers of 256; two
 * of them, without the lowest power that they have, differ by an odd number,
 * and add up to one, that is below 256^31 in size before the fifth level: no
 * multiple of the order, which is larger. In the fifth level, where the even
 * and odd windows of a scalar meet, it can be the order: of the scalar 0, and
 * of one other and its negative. In the last level u1*G and u2*Q are equal or
 * opposite if a signer wants it so.
 *
 * THE END. R = (x1, y1) + (x2, y2) is not computed: x(R) = r exactly if
 * dy^2 - x1*dx^2 - x2*dx^2 = r*dx^2, as dx is not 0.
 */
#define SUM_POINTS	(P256_TERMS / 2 * SUM_COLUMNS)
#define SUM_INLINE	CRYPTO_INLINE FE_TARGET

struct sum_point {
	struct fe x, y;
};

/*
 * The products of a level (more: those of the pairs' row, then the pairs) need m places. Its
 * dx stand behind them; in the first level, where no sum is yet, in the x of the sums to be.
 */
struct sum_room {
	struct sum_point	at[SUM_POINTS];
	struct fe		more[SUM_POINTS];
	unsigned		odd[SUM_COLUMNS];	/* lanes that met an exception */
};

struct sum {
	struct sum_room		*room;
	const struct p256_table	*g;
	const struct p256_terms	*terms;
	unsigned		 columns;
};

/* Point i of the first level. */
SUM_INLINE void
sum_entry(const struct sum *s, size_t i, struct sum_point *ret)
{
	/* 32 bits: older processors divide them twice as fast. */
	unsigned place = (unsigned)i / s->columns, c = (unsigned)i % s->columns;
	unsigned side = place % 2, window = place / 2;
	const uint64_t *row[FE_LANES];
	unsigned negate = 0;

	for (size_t lane = 0; lane < FE_LANES; lane++) {
		const struct p256_terms *t = &s->terms[c * FE_LANES + lane];
		const struct p256_table *table = side == 0 ? s->g : t->key;

		row[lane] = table->row[window][t->at[side][window]];
		negate |= (t->negate[side] >> window & 1) << lane;
	}
	pt_load(&ret->x, &ret->y, row, negate);
}

/* Point i of a level; buf: room for it. */
SUM_INLINE const struct sum_point *
sum_point(const struct sum *s, size_t i, bool first, struct sum_point *buf)
{
	if (!first)
		return &s->room->at[i];
	sum_entry(s, i, buf);
	return buf;
}

SUM_INLINE struct fe *
sum_dx(const struct sum *s, size_t m, size_t i, bool first)
{
	return first ? &s->room->at[i].x : &s->room->more[m + i];
}

SUM_INLINE void
sum_dx_set(const struct sum *s, size_t m, size_t i, bool first, bool careful)
{
	struct fe *dx = sum_dx(s, m, i, first);
	struct sum_point a, b;
	const struct sum_point *pa = sum_point(s, i, first, &a);
	const struct sum_point *pb = sum_point(s, i + m, first, &b);
	unsigned zero;

	if (!careful) {
		fe_sub(dx, &pb->x, &pa->x);
		return;
	}
	fe_sub_tight(dx, &pb->x, &pa->x);
	zero = fe_zero(dx);
	fe_one_where(dx, zero);
	s->room->odd[i % s->columns] |= zero;
}

/* The product of all dx of a level. */
SUM_INLINE const struct fe *
sum_products(const struct sum *s, size_t m, bool first, bool careful)
{
	size_t half = m / 2;
	struct fe *row = s->room->more, *pair = row + half;

	for (size_t j = 0; j < half; j++) {
		sum_dx_set(s, m, j, first, careful);
		sum_dx_set(s, m, j + half, first, careful);
		fe_mul(&pair[j], sum_dx(s, m, j, first), sum_dx(s, m, j + half, first));
		if (j == 0)
			row[0] = pair[0];
		else
			fe_mul(&row[j], &row[j - 1], &pair[j]);
	}
	return &row[half - 1];
}

/* Additions j and j + m/2, with the inverses of their dx. */
SUM_INLINE void
sum_add2(const struct sum *s, size_t m, size_t j, bool first, const struct fe inv[2])
{
	struct sum_point buf[4];
	const struct sum_point *a0 = sum_point(s, j, first, &buf[0]);
	const struct sum_point *b0 = sum_point(s, j + m, first, &buf[1]);
	const struct sum_point *a1 = sum_point(s, j + m / 2, first, &buf[2]);
	const struct sum_point *b1 = sum_point(s, j + m / 2 + m, first, &buf[3]);
	struct sum_point *sum0 = &s->room->at[j], *sum1 = &s->room->at[j + m / 2];
	struct fe slope0, slope1, x0, x1, t0, t1;

	fe_sub(&t0, &b0->y, &a0->y);
	fe_sub(&t1, &b1->y, &a1->y);
	fe_mul2(&slope0, &t0, &inv[0], &slope1, &t1, &inv[1]);
	fe_sqr2(&t0, &slope0, &t1, &slope1);
	fe_sub2_tight(&x0, &t0, &a0->x, &b0->x);
	fe_sub2_tight(&x1, &t1, &a1->x, &b1->x);
	fe_sub(&t0, &a0->x, &x0);
	fe_sub(&t1, &a1->x, &x1);
	fe_mul2(&t0, &t0, &slope0, &t1, &t1, &slope1);
	fe_sub_tight(&sum0->y, &t0, &a0->y);
	fe_sub_tight(&sum1->y, &t1, &a1->y);
	sum0->x = x0;
	sum1->x = x1;
}

SUM_INLINE void
sum_additions(const struct sum *s, size_t m, bool first)
{
	size_t half = m / 2;
	const struct fe *row = s->room->more, *pair = row + half;
	struct fe all, rest, both, inv[2];

	fe_inv(&all, &row[half - 1]);
	for (size_t j = half; j-- > 0;) {
		if (j == 0)
			both = rest = all;
		else
			fe_mul2(&both, &all, &row[j - 1], &rest, &all, &pair[j]);
		fe_mul2(&inv[0], &both, sum_dx(s, m, j + half, first),
		    &inv[1], &both, sum_dx(s, m, j, first));
		sum_add2(s, m, j, first, inv);
		all = rest;
	}
}

SUM_INLINE void
sum_level(const struct sum *s, size_t m, bool first)
{
	if (fe_zero(sum_products(s, m, first, false)) != 0)
		(void)sum_products(s, m, first, true);
	sum_additions(s, m, first);
}

/* The lanes of a column whose sum has that x; *ret_odd: those that met an exception. */
static FE_TARGET unsigned
sum_has_x(const struct sum *s, size_t c, size_t which, unsigned *ret_odd)
{
	const struct sum_point *a = &s->room->at[c], *b = &s->room->at[s->columns + c];
	uint64_t plain[FE_LANES][P256_WORDS];
	struct fe dx, dy, x1, x2, r;

	for (size_t lane = 0; lane < FE_LANES; lane++) {
		const struct p256_terms *t = &s->terms[c * FE_LANES + lane];

		memcpy(plain[lane], t->r[t->two ? which : 0], sizeof(plain[lane]));
	}
	fe_load(&r, plain);
	fe_sub(&dx, &b->x, &a->x);
	fe_sub(&dy, &b->y, &a->y);
	fe_sqr2(&dx, &dx, &dy, &dy);
	*ret_odd = s->room->odd[c] | fe_zero(&dx);
	fe_mul2(&x1, &a->x, &dx, &x2, &b->x, &dx);
	fe_mul(&r, &r, &dx);
	fe_sub2_tight(&dy, &dy, &x1, &x2);
	fe_sub_tight(&dy, &dy, &r);
	return fe_zero(&dy);
}

static FE_TARGET void
sum_judge(const struct sum *s, size_t c, enum p256_verdict *verdict, size_t n)
{
	unsigned odd, good = sum_has_x(s, c, 0, &odd);
	bool two = false;

	for (size_t lane = 0; lane < FE_LANES; lane++)
		two = two || s->terms[c * FE_LANES + lane].two;
	if (two)
		good |= sum_has_x(s, c, 1, &odd);
	for (size_t lane = 0; lane < FE_LANES && lane < n; lane++) {
		verdict[lane] = good >> lane & 1 ? P256_GOOD : P256_BAD;
		if (odd >> lane & 1)
			verdict[lane] = P256_UNDECIDED;
	}
}

static FE_TARGET void
sum_check(void *room, const struct p256_table *g, const struct p256_terms *terms, size_t n,
    enum p256_verdict *verdict)
{
	const struct sum s = { room, g, terms, (unsigned)((n + FE_LANES - 1) / FE_LANES) };

	memset(s.room->odd, 0, sizeof(s.room->odd));
	sum_level(&s, P256_TERMS / 2 * s.columns, true);
	for (size_t m = P256_TERMS / 4 * s.columns; m > s.columns; m /= 2)
		sum_level(&s, m, false);
	for (size_t c = 0; c < s.columns; c++)
		sum_judge(&s, c, verdict + c * FE_LANES, n - c * FE_LANES);
}

#endif
