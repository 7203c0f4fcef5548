/*
 * The table of a point P: 32 windows of 128 odd multiples. Verification only.
 *
 * First the powers of two, 1P, 2P, … 2^255 P: doublings in Jacobian
 * coordinates (x = X/Z^2, y = Y/Z^3), made affine by one inversion. Window w
 * begins with B = 2^(8w) P; with its odd multiples 1 to 2m-1 and the power
 * 2mB come those from 2m+1 to 4m-1, for m = 1, 2, 4, … 64, in all windows at
 * once by one inversion for each m. These additions meet no exception: P has
 * the order n, a prime above 2^255, as each point of the curve, and an odd
 * multiple under 2m differs from 2m and from -2m by less than 256.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/p256_field_inv.h"

#define POWERS	256		/* P256_WINDOWS times 8 bits */

struct point {
	struct fe x, y;
};

struct jacobian {
	struct fe x, y, z;
};

/* y^2 = x^3 - 3x + b, and the generator (FIPS 186-4 D.1.2.3; SP 800-186 section 3.2.1.3) */
static const uint8_t curve_b[P256_LEN] = {
	0x5a, 0xc6, 0x35, 0xd8, 0xaa, 0x3a, 0x93, 0xe7, 0xb3, 0xeb, 0xbd, 0x55, 0x76, 0x98, 0x86, 0xbc,
	0x65, 0x1d, 0x06, 0xb0, 0xcc, 0x53, 0xb0, 0xf6, 0x3b, 0xce, 0x3c, 0x3e, 0x27, 0xd2, 0x60, 0x4b,
};
static const uint8_t generator[2 * P256_LEN] = {
	0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
	0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
	0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

/* What a table is made in. */
struct draft {
	struct point	power[POWERS];
	struct jacobian	doubled[POWERS];
	struct fe	dx[P256_WINDOWS * P256_MULTIPLES / 2];
	struct fe	product[P256_WINDOWS * P256_MULTIPLES / 2];
};

/* false: it is no number below p. */
static bool
fe_read(struct fe *r, const uint8_t octets[static P256_LEN])
{
	uint64_t plain[1][P256_WORDS];

	words_read(plain[0], octets);
	fe_load(r, plain);
	return words_below(plain[0], fe_p.w);
}

static bool
point_on_curve(const struct point *p)
{
	struct fe b, left, right;

	(void)fe_read(&b, curve_b);
	fe_sqr(&left, &p->y);
	fe_sqr(&right, &p->x);
	for (int i = 0; i < 3; i++)
		fe_sub(&right, &right, &fe_one);
	fe_mul(&right, &right, &p->x);
	fe_add(&right, &right, &b);
	fe_sub(&left, &left, &right);
	return fe_zero(&left) != 0;
}

/* x, y: octets. */
static int
point_read(struct point *p, const uint8_t *xy)
{
	if (!fe_read(&p->x, xy) || !fe_read(&p->y, xy + P256_LEN) || !point_on_curve(p))
		return -EINVAL;
	return 0;
}

/*
 * With s = 4 X Y^2 and m = 3 (X - Z^2) (X + Z^2): X' = m^2 - 2s, Y' = m (s - X') - 8 Y^4,
 * Z' = 2 Y Z (from the tangent at P; the curve's a is -3).
 */
static void
point_double(struct jacobian *r, const struct jacobian *p)
{
	struct fe yy, zz, s, m, t;

	fe_sqr(&yy, &p->y);
	fe_sqr(&zz, &p->z);
	fe_sub(&t, &p->x, &zz);
	fe_add(&zz, &p->x, &zz);
	fe_mul(&t, &t, &zz);
	fe_add(&m, &t, &t);
	fe_add(&m, &m, &t);
	fe_add(&yy, &yy, &yy);			/* 2 Y^2 */
	fe_mul(&s, &p->x, &yy);
	fe_add(&s, &s, &s);
	fe_mul(&t, &p->y, &p->z);
	fe_add(&r->z, &t, &t);
	fe_sqr(&t, &m);
	fe_sub2_tight(&r->x, &t, &s, &s);
	fe_sqr(&yy, &yy);
	fe_add(&yy, &yy, &yy);			/* 8 Y^4 */
	fe_sub(&t, &s, &r->x);
	fe_mul(&t, &t, &m);
	fe_sub(&r->y, &t, &yy);
}

/*
 * Inverses of n numbers by one inversion (Montgomery's trick): product gets those of the first,
 * the first two, … ; from the last on, inverse_next() gives each and goes back.
 */
static void
products_set(struct fe *product, const struct fe *a, size_t n)
{
	product[0] = a[0];
	for (size_t i = 1; i < n; i++)
		fe_mul(&product[i], &product[i - 1], &a[i]);
}

/* all: the inverse of the product up to i; becomes that up to i - 1. */
static void
inverse_next(struct fe *ret, struct fe *all, const struct fe *product, const struct fe *a, size_t i)
{
	*ret = *all;
	if (i == 0)
		return;
	fe_mul(ret, all, &product[i - 1]);
	fe_mul(all, all, &a[i]);
}

static void
powers_set(struct draft *d, const struct point *p)
{
	struct fe all, inv, square;

	d->doubled[0] = (struct jacobian){ p->x, p->y, fe_one };
	for (size_t i = 1; i < POWERS; i++)
		point_double(&d->doubled[i], &d->doubled[i - 1]);
	for (size_t i = 0; i < POWERS; i++)
		d->dx[i] = d->doubled[i].z;
	products_set(d->product, d->dx, POWERS);
	fe_inv(&all, &d->product[POWERS - 1]);
	for (size_t i = POWERS; i-- > 0;) {
		inverse_next(&inv, &all, d->product, d->dx, i);
		fe_sqr(&square, &inv);
		fe_mul(&d->power[i].x, &d->doubled[i].x, &square);
		fe_mul(&inv, &inv, &square);
		fe_mul(&d->power[i].y, &d->doubled[i].y, &inv);
	}
}

static void
row_read(struct point *p, const uint64_t row[static P256_ROW])
{
	memcpy(p, row, sizeof(*p));
}

static void
row_set(uint64_t row[static P256_ROW], const struct point *p)
{
	memcpy(row, p, sizeof(*p));
}
_Static_assert(sizeof(struct point) == P256_ROW * sizeof(uint64_t), "x, then y");

/* a + b, which are neither equal nor opposite, with 1/dx. */
static void
point_add(struct point *r, const struct point *a, const struct point *b, const struct fe *inv)
{
	struct fe slope, x, t;

	fe_sub(&slope, &b->y, &a->y);
	fe_mul(&slope, &slope, inv);
	fe_sqr(&t, &slope);
	fe_sub2_tight(&x, &t, &a->x, &b->x);
	fe_sub(&t, &a->x, &x);
	fe_mul(&t, &t, &slope);
	fe_sub(&r->y, &t, &a->y);
	r->x = x;
}

/* In each window, entries m to 2m - 1 from the first m. */
static void
windows_extend(struct p256_table *t, struct draft *d, size_t m, size_t bit)
{
	size_t n = P256_WINDOWS * m;
	struct point p;
	struct fe all, inv;

	for (size_t i = 0; i < n; i++) {
		row_read(&p, t->row[i / m][i % m]);
		fe_sub(&d->dx[i], &d->power[8 * (i / m) + bit].x, &p.x);
	}
	products_set(d->product, d->dx, n);
	fe_inv(&all, &d->product[n - 1]);
	for (size_t i = n; i-- > 0;) {
		inverse_next(&inv, &all, d->product, d->dx, i);
		row_read(&p, t->row[i / m][i % m]);
		point_add(&p, &p, &d->power[8 * (i / m) + bit], &inv);
		row_set(t->row[i / m][m + i % m], &p);
	}
}

/* From R = 2^256 to 2^260. */
static void
table_for_lanes(struct p256_table *t)
{
	struct fe sixteen = fe_one;
	struct point p;

	for (int i = 0; i < 4; i++)
		fe_add(&sixteen, &sixteen, &sixteen);
	for (size_t i = 0; i < P256_WINDOWS * P256_MULTIPLES; i++) {
		uint64_t *row = t->row[i / P256_MULTIPLES][i % P256_MULTIPLES];

		row_read(&p, row);
		fe_mul(&p.x, &p.x, &sixteen);
		fe_mul(&p.y, &p.y, &sixteen);
		row_set(row, &p);
	}
}

static void
table_set(struct p256_table *t, struct draft *d, const struct point *p)
{
	powers_set(d, p);
	for (size_t w = 0; w < P256_WINDOWS; w++)
		row_set(t->row[w][0], &d->power[8 * w]);
	for (size_t bit = 1, m = 1; m < P256_MULTIPLES; bit++, m *= 2)
		windows_extend(t, d, m, bit);
}

int
p256_table_new(const uint8_t *xy, bool lanes, struct p256_table **ret)
{
	_cleanup_(p256_table_freep) struct p256_table *t = NULL;
	struct draft *d;
	struct point p;

	if (point_read(&p, xy == NULL ? generator : xy) < 0)
		return -EINVAL;
	if ((t = aligned_alloc(64, sizeof(*t))) == NULL)
		return -ENOMEM;
	if ((d = malloc(sizeof(*d))) == NULL)
		return -ENOMEM;
	table_set(t, d, &p);
	free(d);
	if (lanes)
		table_for_lanes(t);
	*ret = TAKE_PTR(t);
	return 0;
}

struct p256_table *
p256_table_free(struct p256_table *t)
{
	free(t);
	return NULL;
}
