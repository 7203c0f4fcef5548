/* Record types by number and by name: the rows of types.def. */
#include <errno.h>

#include "dns/rdata_internal.h"

static const struct rrtype_row rows[] = {
#define RRTYPE(name, number, flags, fields, ref)	\
	{ #name, sizeof(#name) - 1, flags, number, fields },
#include "dns/types.def"
#undef RRTYPE
};

enum {
#define RRTYPE(name, ...)	ROW_##name,
#include "dns/types.def"
#undef RRTYPE
};

/* All known types lie below 512 and above 32767. */
#define SLOT_HALF	512
#define SLOT(number)	((number) < 0x8000 ? (number) : (number) - 0x8000 + SLOT_HALF)

/* The row's place plus one. */
static const uint8_t slots[] = {
#define RRTYPE(name, number, ...)	[SLOT(number)] = ROW_##name + 1,
#include "dns/types.def"
#undef RRTYPE
};

const struct rrtype_row *
rrtype_row(uint16_t type)
{
	size_t slot = SLOT((size_t)type);

	if (slot >= ARRAY_LEN(slots) || (type < 0x8000 && type >= SLOT_HALF) || slots[slot] == 0)
		return NULL;
	return &rows[slots[slot] - 1];
}

const char *
rrtype_str(uint16_t type, char dst[static RRTYPE_STRLEN])
{
	const struct rrtype_row *row = rrtype_row(type);
	struct wr w = wr_mem(dst, RRTYPE_STRLEN);
	char digits[5];
	size_t n = sizeof(digits);

	if (row != NULL) {
		/* The one name with a hyphen is a C name too. */
		for (size_t i = 0; i < row->name_len; i++)
			wr_u8(&w, row->name[i] == '_' ? '-' : (uint8_t)row->name[i]);
	} else {
		do
			digits[--n] = (char)('0' + type % 10);
		while ((type /= 10) > 0);
		wr_bytes(&w, "TYPE", 4);
		wr_bytes(&w, digits + n, sizeof(digits) - n);
	}
	wr_u8(&w, 0);
	return dst;
}

static int
upper(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 0x20;
	return c == '-' ? '_' : c;
}

/* As the rows are in order: of their octets, a head first. */
static int
name_cmp(struct sv s, const struct rrtype_row *row)
{
	size_t n = min_size(s.n, row->name_len);

	for (size_t i = 0; i < n; i++) {
		int d = upper(s.p[i]) - row->name[i];

		if (d != 0)
			return d;
	}
	return s.n < row->name_len ? -1 : s.n > row->name_len;
}

/* RFC 3597 section 5: "TYPE" and a decimal number without leading zeros that matter. */
static int
number_parse(struct sv s, uint16_t *ret)
{
	uint32_t v;

	if (s.n < 5 || s.n > 9 || !sv_caseeq(sv_take(s, 4), SV("TYPE")) ||
	    num_u32(sv_skip(s, 4), 0, UINT16_MAX, &v) < 0)
		return -EINVAL;
	*ret = (uint16_t)v;
	return 0;
}

int
rrtype_parse(struct sv s, uint16_t *ret)
{
	size_t lo = 0, hi = ARRAY_LEN(rows);

	if (s.n > 0 && memchr(s.p, '_', s.n) != NULL)
		return -EINVAL;		/* NSAP-PTR has a hyphen */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = name_cmp(s, &rows[mid]);

		if (d == 0) {
			*ret = rows[mid].number;
			return 0;
		}
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return number_parse(s, ret);
}

bool
rrtype_is_meta(uint16_t type)
{
	const struct rrtype_row *row = rrtype_row(type);

	/* RFC 6895 section 3.1: 128 to 255 are questions and meta types, also the unassigned; 0 is none. */
	return type == 0 || (type >= 128 && type <= 255) ||
	    (row != NULL && (row->flags & RRTYPE_META) != 0);
}
