#include "base/der.h"
#include "base/timefmt.h"

struct der
der_on(struct der_doc *doc, struct sv bytes)
{
	*doc = (struct der_doc){ .base = (const uint8_t *)bytes.p, .where = "object" };
	return (struct der){ rd_sv(bytes), doc };
}

void
der_fail(struct der *d, enum der_fault fault)
{
	if (d->doc->fault == DER_OK) {
		d->doc->fault = fault;
		d->doc->fault_where = d->doc->where;
		d->doc->fault_off = d->r.p == NULL ? 0 :
		    (size_t)(d->r.p - d->doc->base);
	}
	d->r.bad = true;
}

uint8_t
der_peek(const struct der *d)
{
	if (d->r.bad || d->doc->fault != DER_OK || d->r.p == d->r.end)
		return 0;
	/* A tag of zero is no end: der_any() refuses it, whoever skips it. */
	return d->r.p[0] == 0 ? DER_TAG_NONE : d->r.p[0];
}

/* X.690 section 8.1.3 with the restrictions of section 10.1. */
static size_t
der_length(struct der *d)
{
	uint8_t b = rd_u8(&d->r);
	size_t n = 0;

	if (b < 0x80)
		return b;
	b &= 0x7f;
	if (b == 0 || b > 4) {		/* indefinite, or beyond any object */
		der_fail(d, DER_E_LENGTH);
		return 0;
	}
	for (unsigned i = 0; i < b; i++)
		n = n << 8 | rd_u8(&d->r);
	if (!d->r.bad && (n < 0x80 || n >> (8 * (b - 1)) == 0)) {
		der_fail(d, DER_E_LENGTH);
		return 0;
	}
	return n;
}

struct sv
der_any(struct der *d, uint8_t *ret_tag, struct sv *ret_whole)
{
	const uint8_t *start = d->r.p;
	struct sv v = { NULL, 0 };
	uint8_t tag;
	size_t n;

	*ret_tag = 0;
	if (!der_ok(d) || d->r.bad)
		return v;
	tag = rd_u8(&d->r);
	if (!d->r.bad && (tag == 0 || (tag & 0x1f) == 0x1f)) {
		der_fail(d, DER_E_TAG);
		return v;
	}
	n = der_length(d);
	if (der_ok(d))
		v = rd_slice(&d->r, n);
	if (der_ok(d) && d->r.bad) {
		d->r.p = start;
		der_fail(d, DER_E_SHORT);
	}
	if (!der_ok(d))
		return (struct sv){ NULL, 0 };
	*ret_tag = tag;
	if (ret_whole != NULL)
		*ret_whole = (struct sv){ (const char *)start, (size_t)(d->r.p - start) };
	return v;
}

size_t
der_count(struct der in)
{
	size_t n = 0;
	uint8_t tag;

	while (der_peek(&in) != 0) {
		(void)der_any(&in, &tag, NULL);
		n++;
	}
	return n;
}

struct sv
der_octet_bits(struct der *d)
{
	unsigned unused;
	struct sv v = der_bits(d, &unused);

	if (der_ok(d) && unused != 0)
		der_fail(d, DER_E_VALUE);
	return v;
}

struct sv
der_value(struct der *d, uint8_t tag)
{
	uint8_t got;
	struct sv v;

	if (der_ok(d) && der_peek(d) != tag) {
		der_fail(d, DER_E_TAG);
		return (struct sv){ NULL, 0 };
	}
	v = der_any(d, &got, NULL);
	return v;
}

struct der
der_enter(struct der *d, uint8_t tag)
{
	struct sv v = der_value(d, tag);
	struct der in = { rd_sv(v), d->doc };

	if (!der_ok(d))
		in.r.bad = true;
	return in;
}

struct sv
der_whole(struct der *d, uint8_t tag)
{
	struct sv whole = { NULL, 0 };
	uint8_t got;

	if (der_ok(d) && der_peek(d) != tag)
		der_fail(d, DER_E_TAG);
	(void)der_any(d, &got, &whole);
	return whole;
}

void
der_end(struct der *d)
{
	if (der_ok(d) && !rd_done(&d->r))
		der_fail(d, DER_E_TRAILING);
}

struct sv
der_integer(struct der *d)
{
	struct sv v = der_value(d, DER_INTEGER);
	const uint8_t *p = (const uint8_t *)v.p;

	if (!der_ok(d))
		return v;
	/* X.690 section 8.3.2: not nine equal bits at the head. */
	if (v.n == 0 || (v.n > 1 && ((p[0] == 0 && p[1] < 0x80) ||
	    (p[0] == 0xff && p[1] >= 0x80))))
		der_fail(d, DER_E_VALUE);
	return v;
}

bool
der_int_negative(struct sv v)
{
	return v.n > 0 && ((uint8_t)v.p[0] & 0x80) != 0;
}

struct sv
der_int_magnitude(struct sv v)
{
	return v.n > 1 && v.p[0] == 0 ? sv_skip(v, 1) : v;
}

bool
der_int_positive(struct sv v)
{
	if (v.n == 0 || der_int_negative(v))
		return false;
	return v.n > 1 || v.p[0] != 0;
}

uint32_t
der_u32(struct der *d)
{
	struct sv v = der_integer(d);
	struct rd r;
	uint32_t n = 0;

	if (!der_ok(d))
		return 0;
	if (der_int_negative(v) || (v = der_int_magnitude(v)).n > 4) {
		der_fail(d, DER_E_VALUE);
		return 0;
	}
	r = rd_sv(v);
	while (rd_left(&r) > 0)
		n = n << 8 | rd_u8(&r);
	return n;
}

bool
der_boolean(struct der *d)
{
	struct sv v = der_value(d, DER_BOOLEAN);

	if (!der_ok(d))
		return false;
	/* X.690 section 11.1: TRUE is 0xff. */
	if (v.n != 1 || (v.p[0] != 0 && (uint8_t)v.p[0] != 0xff)) {
		der_fail(d, DER_E_VALUE);
		return false;
	}
	return v.p[0] != 0;
}

struct sv
der_oid(struct der *d)
{
	struct sv v = der_value(d, DER_OID);

	if (der_ok(d) && (v.n == 0 || ((uint8_t)v.p[v.n - 1] & 0x80) != 0))
		der_fail(d, DER_E_VALUE);
	return v;
}

void
der_null(struct der *d)
{
	struct sv v = der_value(d, DER_NULL);

	if (der_ok(d) && v.n != 0)
		der_fail(d, DER_E_VALUE);
}

struct sv
der_bits(struct der *d, unsigned *ret_unused)
{
	struct sv v = der_value(d, DER_BIT_STRING);
	struct rd r = rd_sv(v);
	unsigned unused = rd_u8(&r);

	*ret_unused = 0;
	if (!der_ok(d))
		return (struct sv){ NULL, 0 };
	if (v.n == 0 || unused > 7 || (unused > 0 && v.n == 1) ||
	    (unused > 0 && ((uint8_t)v.p[v.n - 1] & ((1u << unused) - 1)) != 0)) {
		der_fail(d, DER_E_VALUE);
		return (struct sv){ NULL, 0 };
	}
	*ret_unused = unused;
	return sv_skip(v, 1);
}

static bool
digits2(struct sv s, size_t at, int *ret)
{
	uint32_t v;

	if (num_u32(sv_take(sv_skip(s, at), 2), 0, 99, &v) < 0)
		return false;
	*ret = (int)v;
	return true;
}

int64_t
der_time(struct der *d, uint8_t *ret_tag)
{
	uint8_t tag = der_peek(d);
	bool utc = tag == DER_UTC_TIME;
	struct civil c;
	int hi = 0, lo;
	int64_t t = 0;
	struct sv v;
	size_t y;

	*ret_tag = tag;
	if (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME) {
		if (der_ok(d))
			der_fail(d, DER_E_TAG);
		return 0;
	}
	v = der_value(d, tag);
	if (!der_ok(d))
		return 0;
	y = utc ? 0 : 2;
	if (v.n != y + 13 || v.p[v.n - 1] != 'Z' ||
	    (!utc && !digits2(v, 0, &hi)) || !digits2(v, y, &lo) ||
	    !digits2(v, y + 2, &c.mon) || !digits2(v, y + 4, &c.day) ||
	    !digits2(v, y + 6, &c.hour) || !digits2(v, y + 8, &c.min) ||
	    !digits2(v, y + 10, &c.sec)) {
		der_fail(d, DER_E_VALUE);
		return 0;
	}
	/* RFC 5280 section 4.1.2.5.1: two digits below 50 are 20YY. */
	c.year = utc ? (lo < 50 ? 2000 : 1900) + lo : hi * 100 + lo;
	if (time_from_civil(&c, &t) < 0)
		der_fail(d, DER_E_VALUE);
	return t;
}

void
oid_print(struct buf *b, struct sv oid)
{
	uint64_t v = 0;
	bool first = true;

	for (size_t i = 0; i < oid.n; i++) {
		uint8_t c = (uint8_t)oid.p[i];

		v = v << 7 | (c & 0x7f);
		if (c & 0x80)
			continue;
		if (first) {
			uint64_t top = v < 80 ? v / 40 : 2;

			buf_printf(b, "%llu.%llu", (unsigned long long)top,
			    (unsigned long long)(v - top * 40));
			first = false;
		} else
			buf_printf(b, ".%llu", (unsigned long long)v);
		v = 0;
	}
}
