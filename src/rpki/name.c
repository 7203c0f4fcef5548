/*
 * Names of issuers and subjects (RFC 6487 section 4.4): their form, and
 * whether two of them are the same.
 */
#include "base/json.h"
#include "rpki/internal.h"

static const struct sv oid_cn = OID(0x55, 0x04, 0x03);
static const struct sv oid_serial_number = OID(0x55, 0x04, 0x05);

static bool
text_is_utf8(struct sv s)
{
	size_t n;

	while (s.n > 0) {
		if ((n = utf8_len(s)) == 0)
			return false;
		s = sv_skip(s, n);
	}
	return true;
}

/* AttributeTypeAndValue: bit 0 for a common name, bit 1 for a serial number. */
static unsigned
attribute_parse(struct der *set, bool *ret_printable)
{
	struct der atv = der_enter(set, DER_SEQUENCE);
	struct sv oid = der_oid(&atv), value;
	uint8_t tag;

	value = der_any(&atv, &tag, NULL);
	der_end(&atv);
	if (tag == DER_UTF8 && !text_is_utf8(value))
		return 4;
	if (tag != DER_PRINTABLE)
		*ret_printable = false;
	if (tag != DER_PRINTABLE && tag != DER_UTF8)
		return 4;
	if (sv_eq(oid, oid_cn))
		return 1;
	return sv_eq(oid, oid_serial_number) ? 2 : 4;
}

/*
 * RFC 6487 section 4.4: one common name, and one serial number at most, "in
 * a set or in sequence".
 */
bool
name_parse(struct der *d, bool *ret_printable, struct sv *ret_whole)
{
	struct der copy = *d, name, set;
	unsigned n_cn = 0, n_serial = 0;
	bool good = true;

	*ret_whole = der_whole(&copy, DER_SEQUENCE);
	*ret_printable = true;
	name = der_enter(d, DER_SEQUENCE);
	while (der_peek(&name) != 0) {
		set = der_enter(&name, DER_SET);
		if (der_peek(&set) == 0)
			good = false;
		while (der_peek(&set) != 0) {
			unsigned what = attribute_parse(&set, ret_printable);

			n_cn += what == 1;
			n_serial += what == 2;
			if (what == 4)
				good = false;
		}
	}
	return good && n_cn == 1 && n_serial <= 1;
}

/* One attribute of each; the string's type is no difference. */
static bool
attribute_same(struct der *x, struct der *y)
{
	struct der a = der_enter(x, DER_SEQUENCE), b = der_enter(y, DER_SEQUENCE);
	struct sv oid_a = der_oid(&a), oid_b = der_oid(&b);
	uint8_t tag;
	struct sv v = der_any(&a, &tag, NULL), w = der_any(&b, &tag, NULL);

	return sv_eq(oid_a, oid_b) && sv_eq(v, w);
}

bool
name_same(struct sv x, struct sv y)
{
	struct der_doc doc_x, doc_y;
	struct der a, b, set_a, set_b;

	if (sv_eq(x, y))
		return true;
	a = der_on(&doc_x, x);
	b = der_on(&doc_y, y);
	a = der_enter(&a, DER_SEQUENCE);
	b = der_enter(&b, DER_SEQUENCE);
	while (der_peek(&a) != 0 && der_peek(&b) != 0) {
		set_a = der_enter(&a, DER_SET);
		set_b = der_enter(&b, DER_SET);
		while (der_peek(&set_a) != 0 && der_peek(&set_b) != 0)
			if (!attribute_same(&set_a, &set_b))
				return false;
		if (der_peek(&set_a) != 0 || der_peek(&set_b) != 0)
			return false;
	}
	return der_ok(&a) && der_ok(&b) && der_peek(&a) == 0 && der_peek(&b) == 0 && x.n > 0;
}

void
name_report(bool good, bool printable, const char *field, unsigned tolerate,
    struct findings *fs)
{
	if (!good || (!printable && !(tolerate & RPKI_TOL_NAME_STRING)))
		finding_add(fs, F(RPKI_CERT_NAME), FA_STR("field", field));
	else if (!printable)
		finding_add(fs, F(RPKI_CERT_NAME_STRING), FA_STR("field", field));
}
