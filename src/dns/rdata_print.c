/*
 * Data as text: one function a kind of field, by the letters of types.def.
 * Whatever is written here is read by rdata_text.c as the same octets; what
 * could not be is written in RFC 3597's form.
 */
#include "base/base32.h"
#include "base/base64.h"
#include "base/ip.h"
#include "base/timefmt.h"
#include "dns/rdata_internal.h"

/* --- octets --- */

static void
hex_print(struct buf *b, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	char tmp[128];

	while (n > 0) {
		size_t k = min_size(n, sizeof(tmp) / 2);

		for (size_t i = 0; i < k; i++) {
			tmp[2 * i] = digits[p[i] >> 4];
			tmp[2 * i + 1] = digits[p[i] & 15];
		}
		buf_bytes(b, tmp, 2 * k);
		p += k;
		n -= k;
	}
}

static void
base64_print(struct buf *b, const uint8_t *p, size_t n)
{
	char tmp[64 * 4];

	while (n > 0) {
		size_t k = min_size(n, sizeof(tmp) / 4 * 3);

		buf_bytes(b, tmp, base64_encode(tmp, p, k));
		p += k;
		n -= k;
	}
}

static void
ddd_print(struct buf *b, uint8_t c)
{
	const char ddd[4] = { '\\', (char)('0' + c / 100), (char)('0' + c / 10 % 10),
		(char)('0' + c % 10) };

	buf_bytes(b, ddd, sizeof(ddd));
}

/* RFC 1035 section 5.1, between quotation marks. */
static void
quoted_print(struct buf *b, const uint8_t *p, size_t n)
{
	size_t plain = 0;

	buf_char(b, '"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
			continue;
		buf_bytes(b, p + plain, i - plain);
		plain = i + 1;
		if (p[i] == '"' || p[i] == '\\') {
			buf_char(b, '\\');
			buf_char(b, (char)p[i]);
		} else
			ddd_print(b, p[i]);
	}
	buf_bytes(b, p + plain, n - plain);
	buf_char(b, '"');
}

static void
rest_print(struct buf *b, struct rd *r, void (*print)(struct buf *, const uint8_t *, size_t))
{
	size_t n = rd_left(r);
	const uint8_t *p = rd_bytes(r, n);

	print(b, p, n);
}

static void
print_base64(struct buf *b, struct rd *r)
{
	rest_print(b, r, base64_print);
}

static void
print_hex(struct buf *b, struct rd *r)
{
	rest_print(b, r, hex_print);
}

static void
print_rest_quoted(struct buf *b, struct rd *r)
{
	rest_print(b, r, quoted_print);
}

/* RFC 1706 section 7. */
static void
print_nsap(struct buf *b, struct rd *r)
{
	buf_str(b, "0x");
	print_hex(b, r);
}

/* --- numbers, names, strings --- */

static void
print_1(struct buf *b, struct rd *r)
{
	buf_u64(b, rd_u8(r));
}

static void
print_2(struct buf *b, struct rd *r)
{
	buf_u64(b, rd_be16(r));
}

static void
print_4(struct buf *b, struct rd *r)
{
	buf_u64(b, rd_be32(r));
}

static void
print_8(struct buf *b, struct rd *r)
{
	buf_u64(b, rd_be64(r));
}

static void
print_name(struct buf *b, struct rd *r)
{
	const uint8_t *at = r->p;

	rdata_field_skip('n', r);
	dname_print(b, at);
}

static void
print_string(struct buf *b, struct rd *r)
{
	size_t n = rd_u8(r);

	quoted_print(b, rd_bytes(r, n), n);
}

static void
print_strings(struct buf *b, struct rd *r)
{
	print_string(b, r);
	while (rd_left(r) > 0) {
		buf_char(b, ' ');
		print_string(b, r);
	}
}

static void
print_tag(struct buf *b, struct rd *r)
{
	buf_sv(b, rd_slice(r, rd_u8(r)));
}

static void
address_print(struct buf *b, const uint8_t *p, size_t n, uint8_t af)
{
	char tmp[IP_ADDR_STRLEN];
	uint8_t addr[16] = { 0 };

	memcpy(addr, p, n);
	buf_str(b, ip_addr_str(addr, af, tmp));
}

static void
print_ipv4(struct buf *b, struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);

	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			buf_char(b, '.');
		buf_u64(b, p[i]);
	}
}

static void
print_ipv6(struct buf *b, struct rd *r)
{
	address_print(b, rd_bytes(r, 16), 16, IP_V6);
}

static void
type_print(struct buf *b, uint16_t type)
{
	char tmp[RRTYPE_STRLEN];

	buf_str(b, rrtype_str(type, tmp));
}

static void
print_type(struct buf *b, struct rd *r)
{
	type_print(b, rd_be16(r));
}

static void
mnemonic_print(struct buf *b, const struct mnemonic *names, unsigned value)
{
	const char *name = mnemonic_name(names, value);

	if (name != NULL)
		buf_str(b, name);
	else
		buf_u64(b, value);
}

static void
print_cert_type(struct buf *b, struct rd *r)
{
	mnemonic_print(b, cert_type_names, rd_be16(r));
}

static void
print_dsync_scheme(struct buf *b, struct rd *r)
{
	mnemonic_print(b, dsync_scheme_names, rd_u8(r));
}

/* RFC 4034 section 3.2: YYYYMMDDHHmmSS. */
static void
print_sig_time(struct buf *b, struct rd *r)
{
	struct civil c;
	unsigned parts[6];
	char tmp[14];

	time_to_civil(rd_be32(r), &c);
	parts[0] = (unsigned)c.year;
	parts[1] = (unsigned)c.mon;
	parts[2] = (unsigned)c.day;
	parts[3] = (unsigned)c.hour;
	parts[4] = (unsigned)c.min;
	parts[5] = (unsigned)c.sec;
	for (unsigned i = 0, at = 0; i < 6; i++) {
		unsigned width = i == 0 ? 4 : 2, v = parts[i];

		for (unsigned k = width; k-- > 0; v /= 10)
			tmp[at + k] = (char)('0' + v % 10);
		at += width;
	}
	buf_bytes(b, tmp, sizeof(tmp));
}

/* RFC 5155 section 3.3. */
static void
print_salt(struct buf *b, struct rd *r)
{
	size_t n = rd_u8(r);

	if (n == 0)
		buf_char(b, '-');
	else
		hex_print(b, rd_bytes(r, n), n);
}

static void
print_hash(struct buf *b, struct rd *r)
{
	char tmp[BASE32HEX_LEN(255)];
	size_t n = rd_u8(r);

	base32hex_encode(tmp, rd_bytes(r, n), n);
	buf_bytes(b, tmp, BASE32HEX_LEN(n));
}

/* RFC 7043: pairs of digits with hyphens. */
static void
eui_print(struct buf *b, struct rd *r, unsigned n)
{
	const uint8_t *p = rd_bytes(r, n);

	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(b, '-');
		hex_print(b, p + i, 1);
	}
}

static void
print_eui48(struct buf *b, struct rd *r)
{
	eui_print(b, r, 6);
}

static void
print_eui64(struct buf *b, struct rd *r)
{
	eui_print(b, r, 8);
}

/* RFC 6742 section 2.1.2: four groups, as in an IPv6 address. */
static void
print_locator(struct buf *b, struct rd *r)
{
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			buf_char(b, ':');
		hex_print(b, rd_bytes(r, 2), 2);
	}
}

/* --- bitmaps --- */

static void
bits_print(struct buf *b, const uint8_t *p, size_t n, unsigned base, bool *first)
{
	for (unsigned i = 0; i < 8 * n; i++) {
		if ((p[i / 8] & 0x80 >> i % 8) == 0)
			continue;
		if (!*first)
			buf_char(b, ' ');
		*first = false;
		type_print(b, (uint16_t)(base + i));
	}
}

static void
print_bitmap(struct buf *b, struct rd *r)
{
	bool first = true;

	while (rd_left(r) > 0) {
		unsigned window = rd_u8(r);
		size_t n = rd_u8(r);

		bits_print(b, rd_bytes(r, n), n, window << 8, &first);
	}
}

static void
print_nxt_bitmap(struct buf *b, struct rd *r)
{
	bool first = true;
	size_t n = rd_left(r);

	bits_print(b, rd_bytes(r, n), n, 0, &first);
}

/* --- types with rules of their own --- */

static void
print_apl(struct buf *b, struct rd *r)
{
	bool first = true;

	while (rd_left(r) > 0) {
		unsigned family = rd_be16(r), prefix = rd_u8(r), n = rd_u8(r);

		if (!first)
			buf_char(b, ' ');
		first = false;
		if ((n & 0x80) != 0)
			buf_char(b, '!');
		n &= 0x7f;
		buf_u64(b, family);
		buf_char(b, ':');
		address_print(b, rd_bytes(r, n), n, family == 1 ? IP_V4 : IP_V6);
		buf_char(b, '/');
		buf_u64(b, prefix);
	}
}

static void
print_wks(struct buf *b, struct rd *r)
{
	const uint8_t *p;
	size_t n;

	buf_u64(b, rd_u8(r));
	n = rd_left(r);
	p = rd_bytes(r, n);
	for (size_t i = 0; i < 8 * n; i++)
		if ((p[i / 8] & 0x80 >> i % 8) != 0) {
			buf_char(b, ' ');
			buf_u64(b, i);
		}
}

static void
loc_angle_print(struct buf *b, uint32_t v, const char *sides)
{
	bool plus = v >= LOC_EQUATOR;
	uint32_t off = plus ? v - LOC_EQUATOR : LOC_EQUATOR - v;

	buf_printf(b, "%u %u %u.%03u %c ", off / LOC_DEG_ANGLE, off % LOC_DEG_ANGLE / LOC_MIN_ANGLE,
	    off % LOC_MIN_ANGLE / LOC_SEC_ANGLE, off % LOC_SEC_ANGLE, sides[plus]);
}

/* Metres of a base and a power of ten of centimetres. */
static void
loc_size_print(struct buf *b, uint8_t v)
{
	uint64_t cm = v >> 4;

	for (unsigned i = v & 15; i > 0; i--)
		cm *= 10;
	buf_printf(b, " %llu.%02um", (unsigned long long)cm / 100, (unsigned)(cm % 100));
}

/* RFC 1876 section 3. */
static void
print_loc(struct buf *b, struct rd *r)
{
	const uint8_t *sizes;
	uint32_t alt;
	int64_t cm;

	(void)rd_u8(r);
	sizes = rd_bytes(r, 3);
	loc_angle_print(b, rd_be32(r), "SN");
	loc_angle_print(b, rd_be32(r), "WE");
	alt = rd_be32(r);
	cm = alt >= LOC_ALT_ZERO ? (int64_t)alt - LOC_ALT_ZERO : (int64_t)LOC_ALT_ZERO - alt;
	buf_printf(b, "%s%lld.%02dm", alt < LOC_ALT_ZERO ? "-" : "", (long long)cm / 100, (int)(cm % 100));
	for (unsigned i = 0; i < 3; i++)
		loc_size_print(b, sizes[i]);
}

/* RFC 2874 section 3.2: without a suffix its address is left out. */
static void
print_a6(struct buf *b, struct rd *r)
{
	uint8_t prefix = rd_u8(r), addr[16] = { 0 };
	size_t n = 16u - prefix / 8;

	buf_u64(b, prefix);
	if (n == 0)
		return;
	memcpy(addr + 16 - n, rd_bytes(r, n), n);
	buf_char(b, ' ');
	address_print(b, addr, 16, IP_V6);
}

static void
gateway_print(struct buf *b, struct rd *r, unsigned kind)
{
	buf_char(b, ' ');
	if (kind == 1)
		print_ipv4(b, r);
	else if (kind == 2)
		print_ipv6(b, r);
	else if (kind == 3)
		print_name(b, r);
	else
		buf_char(b, '.');
}

static void
print_ipseckey(struct buf *b, struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 3);

	for (unsigned i = 0; i < 3; i++) {
		if (i > 0)
			buf_char(b, ' ');
		buf_u64(b, p[i]);
	}
	gateway_print(b, r, p[1]);
}

static void
print_amtrelay(struct buf *b, struct rd *r)
{
	unsigned kind;

	buf_u64(b, rd_u8(r));
	kind = rd_u8(r);
	buf_str(b, (kind & 0x80) != 0 ? " 1 " : " 0 ");
	buf_u64(b, kind & 0x7f);
	gateway_print(b, r, kind & 0x7f);
}

/* RFC 8005 section 6: the lengths are not written. */
static void
print_hip(struct buf *b, struct rd *r)
{
	size_t hit = rd_u8(r), key;

	buf_u64(b, rd_u8(r));
	key = rd_be16(r);
	buf_char(b, ' ');
	hex_print(b, rd_bytes(r, hit), hit);
	buf_char(b, ' ');
	base64_print(b, rd_bytes(r, key), key);
	while (rd_left(r) > 0) {
		buf_char(b, ' ');
		print_name(b, r);
	}
}

/* --- SVCB (RFC 9460 section 2.1) --- */

/* An octet of a value that stands without quotation marks. */
static void
svcb_char_print(struct buf *b, uint8_t c)
{
	if (c == '"' || c == '\\' || c == '(' || c == ')' || c == ';') {
		buf_char(b, '\\');
		buf_char(b, (char)c);
	} else if (c <= 0x20 || c >= 0x7f)
		ddd_print(b, c);
	else
		buf_char(b, (char)c);
}

/* Appendix A.1: in an item, a comma and a backslash are escaped once more. */
static void
svcb_alpn_print(struct buf *b, struct rd *r)
{
	while (rd_left(r) > 0) {
		struct sv id = rd_slice(r, rd_u8(r));

		for (size_t i = 0; i < id.n; i++) {
			if (id.p[i] == ',' || id.p[i] == '\\')
				buf_str(b, "\\\\");
			svcb_char_print(b, (uint8_t)id.p[i]);
		}
		if (rd_left(r) > 0)
			buf_char(b, ',');
	}
}

static void
svcb_key_print(struct buf *b, uint16_t key)
{
	const char *name = mnemonic_name(svcb_key_names, key);

	if (name != NULL)
		buf_str(b, name);
	else
		buf_printf(b, "key%u", key);
}

static void
svcb_value_print(struct buf *b, uint16_t key, struct rd *r)
{
	static void (*const lists[])(struct buf *, struct rd *) = {
		[SVCB_PORT] = print_2, [SVCB_IPV4HINT] = print_ipv4, [SVCB_IPV6HINT] = print_ipv6,
		[SVCB_ECH] = print_base64, [SVCB_ALPN] = svcb_alpn_print,
	};

	while (rd_left(r) > 0) {
		if (key == SVCB_MANDATORY)
			svcb_key_print(b, rd_be16(r));
		else if (key < ARRAY_LEN(lists) && lists[key] != NULL)
			lists[key](b, r);
		else {
			svcb_char_print(b, rd_u8(r));
			continue;
		}
		if (rd_left(r) > 0)
			buf_char(b, ',');
	}
}

static void
print_svcb(struct buf *b, struct rd *r)
{
	bool first = true;

	while (rd_left(r) > 0) {
		uint16_t key = rd_be16(r);
		struct rd value = rd_sub(r, rd_be16(r));

		if (!first)
			buf_char(b, ' ');
		first = false;
		svcb_key_print(b, key);
		if (rd_left(&value) > 0)
			buf_char(b, '=');
		svcb_value_print(b, key, &value);
	}
}

/* --- the letters --- */

static void (*const prints[128])(struct buf *, struct rd *) = {
	['N'] = print_name, ['n'] = print_name, ['O'] = print_name,
	['1'] = print_1, ['2'] = print_2, ['4'] = print_4, ['t'] = print_4,
	['a'] = print_ipv4, ['A'] = print_ipv6,
	['s'] = print_string, ['o'] = print_string, ['S'] = print_strings,
	['C'] = print_tag, ['r'] = print_rest_quoted,
	['b'] = print_base64, ['B'] = print_base64, ['x'] = print_hex, ['k'] = print_nsap,
	['T'] = print_type, ['G'] = print_1, ['R'] = print_cert_type, ['Y'] = print_dsync_scheme,
	['D'] = print_sig_time, ['l'] = print_salt, ['h'] = print_hash,
	['m'] = print_bitmap, ['M'] = print_nxt_bitmap,
	['e'] = print_eui48, ['E'] = print_eui64, ['q'] = print_locator, ['Q'] = print_8,
	['p'] = print_apl, ['w'] = print_wks, ['L'] = print_loc, ['z'] = print_a6,
	['g'] = print_ipseckey, ['y'] = print_amtrelay, ['i'] = print_hip,
	['v'] = print_svcb,
};

/* Is all that the field holds in its text? */
static bool
field_has_text(char field, struct sv data)
{
	const uint8_t *p = (const uint8_t *)data.p;
	struct rd r = rd_sv(data);

	switch (field) {
	case 'L':		/* nothing times a power of ten */
		for (unsigned i = 1; i <= 3; i++)
			if (p[i] > 0 && p[i] < 0x10)
				return false;
		return true;
	case 'w':		/* zeros at the end are not written */
		return data.n == 1 || p[data.n - 1] != 0;
	case 'M':
		return p[data.n - 1] != 0;
	case 'g':		/* gateways of unknown kinds */
		return p[1] <= 3;
	case 'y':
		return (p[1] & 0x7f) <= 3;
	case 'p':		/* families without a text */
		while (rd_left(&r) > 0) {
			uint16_t family = rd_be16(&r);

			(void)rd_u8(&r);
			(void)rd_bytes(&r, rd_u8(&r) & 0x7f);
			if (family != 1 && family != 2)
				return false;
		}
		return true;
	default:
		return field != '*';
	}
}

bool
rdata_has_text(uint16_t type, struct sv rdata)
{
	const struct rrtype_row *row = rrtype_row(type);
	struct rd r = rd_sv(rdata);

	if (row == NULL)
		return false;
	for (const char *f = row->fields; *f != '\0'; f++) {
		const uint8_t *at = r.p;

		rdata_field_skip(*f, &r);
		if (r.bad || !field_has_text(*f, (struct sv){ (const char *)at, (size_t)(r.p - at) }))
			return false;
	}
	return true;
}

/* RFC 3597 section 5. */
static void
generic_print(struct buf *b, struct sv rdata)
{
	buf_str(b, "\\# ");
	buf_u64(b, rdata.n);
	if (rdata.n > 0)
		buf_char(b, ' ');
	hex_print(b, (const uint8_t *)rdata.p, rdata.n);
}

void
rdata_print(struct buf *b, uint16_t type, struct sv rdata)
{
	const struct rrtype_row *row = rrtype_row(type);
	struct rd r = rd_sv(rdata);

	if (row == NULL || !rdata_ok(type, rdata) || !rdata_has_text(type, rdata)) {
		generic_print(b, rdata);
		return;
	}
	for (const char *f = row->fields; *f != '\0'; f++) {
		/* What is not there has no text, but for a text that is empty. */
		if (rd_left(&r) == 0 && *f != 'r')
			break;
		if (f > row->fields)
			buf_char(b, ' ');
		prints[*f & 0x7f](b, &r);
	}
}

void
rr_print(struct buf *b, const struct dns_rr *rr)
{
	dname_print(b, rr->owner->w);
	buf_char(b, '\t');
	buf_u64(b, rr->ttl);
	if (rr->class == DNS_CLASS_IN)
		buf_str(b, "\tIN\t");
	else
		buf_printf(b, "\tCLASS%u\t", rr->class);
	type_print(b, rr->type);
	if (rr->rdata.n > 0 || !rdata_has_text(rr->type, rr->rdata) || !rdata_ok(rr->type, rr->rdata)) {
		buf_char(b, '\t');
		rdata_print(b, rr->type, rr->rdata);
	}
	buf_char(b, '\n');
}
