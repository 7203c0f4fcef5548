/*
 * Data as bytes: are they well-formed, and their canonical form. One function a
 * kind of field, by the letters of types.def. "Well-formed" is what the type's
 * RFC says with MUST, and what would make another server refuse the transfer.
 */
#include <errno.h>

#include "dns/rdata_internal.h"

/* --- numbers, names, strings --- */

static void
skip_1(struct rd *r)
{
	(void)rd_bytes(r, 1);
}

static void
skip_2(struct rd *r)
{
	(void)rd_bytes(r, 2);
}

static void
skip_4(struct rd *r)
{
	(void)rd_bytes(r, 4);
}

static void
skip_6(struct rd *r)
{
	(void)rd_bytes(r, 6);
}

static void
skip_8(struct rd *r)
{
	(void)rd_bytes(r, 8);
}

static void
skip_16(struct rd *r)
{
	(void)rd_bytes(r, 16);
}

/* dname_rd() without the copy. */
static void
skip_name(struct rd *r)
{
	size_t n = 0;
	uint8_t len;

	do {
		len = rd_u8(r);
		n += 1u + len;
		if (len > DNS_LABEL_MAX || n > DNS_NAME_MAX)
			r->bad = true;
		(void)rd_bytes(r, len);
	} while (len > 0 && !r->bad);
}

static void
skip_name_optional(struct rd *r)
{
	if (rd_left(r) > 0)
		skip_name(r);
}

static void
skip_string(struct rd *r)
{
	(void)rd_bytes(r, rd_u8(r));
}

static void
skip_string_optional(struct rd *r)
{
	if (rd_left(r) > 0)
		skip_string(r);
}

static void
skip_strings(struct rd *r)
{
	do
		skip_string(r);
	while (rd_left(r) > 0);
}

static void
skip_any(struct rd *r)
{
	(void)rd_bytes(r, rd_left(r));
}

static void
skip_some(struct rd *r)
{
	if (rd_left(r) == 0)
		r->bad = true;
	skip_any(r);
}

/* RFC 8659 section 4.1: at least one letter or digit, nothing else. */
static void
skip_tag(struct rd *r)
{
	size_t n = rd_u8(r);
	const uint8_t *p = rd_bytes(r, n);

	if (p == NULL || n == 0)
		r->bad = true;
	for (size_t i = 0; !r->bad && i < n; i++) {
		uint8_t c = p[i] | 0x20;

		if ((c < 'a' || c > 'z') && (p[i] < '0' || p[i] > '9'))
			r->bad = true;
	}
}

/* RFC 5155 section 3.2: the hash has at least one octet. */
static void
skip_hash(struct rd *r)
{
	size_t n = rd_u8(r);

	if (n == 0)
		r->bad = true;
	(void)rd_bytes(r, n);
}

/* --- bitmaps --- */

/*
 * RFC 4034 section 4.1.2: windows ascend, have 1 to 32 octets, and the last of
 * them is not zero.
 */
static void
skip_bitmap(struct rd *r)
{
	int last = -1;

	while (rd_left(r) > 0) {
		int window = rd_u8(r);
		size_t n = rd_u8(r);
		const uint8_t *p = rd_bytes(r, n);

		if (p == NULL || window <= last || n == 0 || n > 32 || p[n - 1] == 0) {
			r->bad = true;
			return;
		}
		last = window;
	}
}

/* RFC 2535 section 5.2: types below 128; the first bit would mean another format. */
static void
skip_nxt_bitmap(struct rd *r)
{
	size_t n = rd_left(r);
	const uint8_t *p = rd_bytes(r, n);

	if (p == NULL || n == 0 || n > 16 || (p[0] & 0x80) != 0)
		r->bad = true;
}

/* --- types with rules of their own --- */

/* RFC 3123 section 4: prefixes of an address family, zeros at the end left out. */
static void
skip_apl(struct rd *r)
{
	while (rd_left(r) > 0) {
		uint16_t family = rd_be16(r);
		uint8_t prefix = rd_u8(r), n = rd_u8(r) & 0x7f;
		const uint8_t *p = rd_bytes(r, n);
		unsigned max = family == 1 ? 4 : 16;

		if (p == NULL || (n > 0 && p[n - 1] == 0))
			r->bad = true;
		if ((family == 1 || family == 2) && (n > max || prefix > 8 * max))
			r->bad = true;
	}
}

/* RFC 1035 section 3.4.2: a protocol, and a bit for each port. */
static void
skip_wks(struct rd *r)
{
	(void)rd_u8(r);
	if (rd_left(r) > 65536 / 8)
		r->bad = true;
	skip_any(r);
}

/* A base and a power of ten, each a digit. */
static bool
loc_size_ok(uint8_t v)
{
	return v >> 4 <= 9 && (v & 15) <= 9;
}

static bool
loc_angle_ok(uint32_t v, uint32_t max_deg)
{
	uint32_t off = v >= LOC_EQUATOR ? v - LOC_EQUATOR : LOC_EQUATOR - v;

	return off <= max_deg * LOC_DEG_ANGLE;
}

static void
skip_loc(struct rd *r)
{
	bool ok = rd_u8(r) == 0;	/* version; of others we know nothing */

	for (unsigned i = 0; i < 3; i++)
		if (!loc_size_ok(rd_u8(r)))
			ok = false;
	if (!loc_angle_ok(rd_be32(r), 90))
		ok = false;
	if (!loc_angle_ok(rd_be32(r), 180))
		ok = false;
	skip_4(r);
	if (!ok)
		r->bad = true;
}

/* RFC 2874 section 3.1: the prefix's bits in the suffix are zero; a prefix has a name. */
static void
skip_a6(struct rd *r)
{
	uint8_t prefix = rd_u8(r);
	size_t n = 16 - min_size(prefix, 128) / 8;
	const uint8_t *p = rd_bytes(r, n);

	if (p == NULL || prefix > 128 || (n > 0 && (p[0] & ~(0xffu >> prefix % 8)) != 0) ||
	    (prefix == 0) != (rd_left(r) == 0))
		r->bad = true;
}

/* A gateway: nothing, an address, or a name. Of other kinds we know nothing. */
static void
skip_gateway(struct rd *r, unsigned kind)
{
	static void (*const kinds[])(struct rd *) = {
		[1] = skip_4, [2] = skip_16, [3] = skip_name,
	};

	if (kind >= ARRAY_LEN(kinds))
		skip_any(r);
	else if (kind > 0)
		kinds[kind](r);
}

/* RFC 4025 section 2.1; the key stands behind it. */
static void
skip_ipseckey(struct rd *r)
{
	unsigned kind;

	(void)rd_u8(r);
	kind = rd_u8(r);
	(void)rd_u8(r);
	skip_gateway(r, kind);
}

/* RFC 8777 section 4.1: the first bit of the kind is "discovery optional". */
static void
skip_amtrelay(struct rd *r)
{
	(void)rd_u8(r);
	skip_gateway(r, rd_u8(r) & 0x7f);
}

/* RFC 8005 section 5: a hit, a key, and rendezvous servers. */
static void
skip_hip(struct rd *r)
{
	size_t hit = rd_u8(r), key;

	(void)rd_u8(r);
	key = rd_be16(r);
	if (hit == 0 || key == 0)
		r->bad = true;
	(void)rd_bytes(r, hit);
	(void)rd_bytes(r, key);
	while (rd_left(r) > 0)
		skip_name(r);
}

/* --- SVCB (RFC 9460) --- */

struct svcb_seen {
	bool	  alpn, no_default_alpn;
	struct sv mandatory;
	struct sv params;		/* all, to look for mandatory ones */
};

static bool
svcb_has(struct sv params, uint16_t key)
{
	struct rd r = rd_sv(params);

	while (rd_left(&r) > 0) {
		uint16_t k = rd_be16(&r);

		(void)rd_bytes(&r, rd_be16(&r));
		if (k == key && !r.bad)
			return true;
	}
	return false;
}

/* Section 8: keys ascend, are not "mandatory" itself, and are all there. */
static bool
svcb_mandatory_ok(const struct svcb_seen *seen)
{
	struct rd r = rd_sv(seen->mandatory);
	int last = SVCB_MANDATORY;

	while (rd_left(&r) > 0) {
		uint16_t key = rd_be16(&r);

		if (r.bad || key <= last || !svcb_has(seen->params, key))
			return false;
		last = key;
	}
	return true;
}

/* Section 7.1.1: strings with a length in front, at least one, none empty. */
static bool
svcb_alpn_ok(struct sv v)
{
	struct rd r = rd_sv(v);

	do
		if (rd_bytes(&r, rd_u8(&r)) == NULL || r.p[-1] == 0)
			return false;
	while (rd_left(&r) > 0);
	return true;
}

static bool
svcb_value_ok(uint16_t key, struct sv v, struct svcb_seen *seen)
{
	switch (key) {
	case SVCB_MANDATORY:
		seen->mandatory = v;
		return v.n > 0 && v.n % 2 == 0;
	case SVCB_ALPN:
		seen->alpn = true;
		return svcb_alpn_ok(v);
	case SVCB_NO_DEFAULT_ALPN:
		seen->no_default_alpn = true;
		return v.n == 0;
	case SVCB_PORT:
		return v.n == 2;
	case SVCB_IPV4HINT:
		return v.n > 0 && v.n % 4 == 0;
	case SVCB_IPV6HINT:
		return v.n > 0 && v.n % 16 == 0;
	case SVCB_ECH:
	case SVCB_DOHPATH:
		return v.n > 0;
	case SVCB_OHTTP:
		return v.n == 0;
	default:
		return true;
	}
}

static void
skip_svcb(struct rd *r)
{
	struct svcb_seen seen = { .params = { (const char *)r->p, rd_left(r) } };
	int last = -1;

	while (rd_left(r) > 0) {
		uint16_t key = rd_be16(r);
		struct sv v = rd_slice(r, rd_be16(r));

		if (r->bad || key <= last || !svcb_value_ok(key, v, &seen)) {
			r->bad = true;
			return;
		}
		last = key;
	}
	/* Section 7.1.1: "no-default-alpn" only beside "alpn". */
	if (!svcb_mandatory_ok(&seen) || (seen.no_default_alpn && !seen.alpn))
		r->bad = true;
}

/* --- the letters --- */

static void (*const skips[128])(struct rd *) = {
	['N'] = skip_name, ['n'] = skip_name, ['O'] = skip_name_optional,
	['1'] = skip_1, ['2'] = skip_2, ['4'] = skip_4, ['t'] = skip_4,
	['a'] = skip_4, ['A'] = skip_16,
	['s'] = skip_string, ['o'] = skip_string_optional, ['S'] = skip_strings,
	['C'] = skip_tag, ['r'] = skip_any,
	['b'] = skip_some, ['B'] = skip_any, ['x'] = skip_some, ['k'] = skip_some,
	['T'] = skip_2, ['G'] = skip_1, ['R'] = skip_2, ['Y'] = skip_1, ['D'] = skip_4,
	['l'] = skip_string, ['h'] = skip_hash,
	['m'] = skip_bitmap, ['M'] = skip_nxt_bitmap,
	['e'] = skip_6, ['E'] = skip_8, ['q'] = skip_8, ['Q'] = skip_8,
	['p'] = skip_apl, ['w'] = skip_wks, ['L'] = skip_loc, ['z'] = skip_a6,
	['g'] = skip_ipseckey, ['y'] = skip_amtrelay, ['i'] = skip_hip,
	['v'] = skip_svcb,
	['*'] = skip_any,
};

void
rdata_field_skip(char field, struct rd *r)
{
	skips[field & 0x7f](r);
}

/* What a digest of this kind has octets; 0: nobody says. */
static size_t
digest_len(uint16_t type, struct sv rdata)
{
	/* DS: SHA-1, SHA-256, GOST, SHA-384, GOST 2012, SM3 (IANA, Digest Algorithms). */
	static const uint8_t ds[] = { 0, 20, 32, 32, 48, 32, 32 };
	static const uint8_t sshfp[] = { 0, 20, 32 };	/* RFC 4255, RFC 6594 */
	static const uint8_t zonemd[] = { 0, 48, 64 };	/* RFC 8976 section 5.3 */
	const uint8_t *p = (const uint8_t *)rdata.p;

	switch (type) {
	case RR_DS:
	case RR_CDS:
	case RR_DLV:
	case RR_TA:
		return p[3] < ARRAY_LEN(ds) ? ds[p[3]] : 0;
	case RR_SSHFP:
		return p[1] < ARRAY_LEN(sshfp) ? sshfp[p[1]] : 0;
	case RR_ZONEMD:
		return p[5] < ARRAY_LEN(zonemd) ? zonemd[p[5]] : 0;
	default:
		return 0;
	}
}

static bool
digest_ok(uint16_t type, struct sv rdata)
{
	size_t want = digest_len(type, rdata);

	/* RFC 8976 section 2.2.4: no digest of a zone is shorter. */
	if (type == RR_ZONEMD && rdata.n < 6 + 12)
		return false;
	return want == 0 || rdata.n == want + (type == RR_SSHFP ? 2 : type == RR_ZONEMD ? 6 : 4);
}

bool
rdata_ok(uint16_t type, struct sv rdata)
{
	const struct rrtype_row *row = rrtype_row(type);
	struct rd r = rd_sv(rdata);

	if (rdata.n > DNS_RDATA_MAX)
		return false;
	if (row == NULL)
		return true;
	for (const char *f = row->fields; *f != '\0'; f++)
		skips[*f & 0x7f](&r);
	return rd_done(&r) && digest_ok(type, rdata);
}

void
rdata_canonical(uint16_t type, uint8_t *rdata, size_t n)
{
	const struct rrtype_row *row = rrtype_row(type);
	struct rd r = rd_mem(rdata, n);

	if (row == NULL || (strchr(row->fields, 'N') == NULL && strchr(row->fields, 'O') == NULL))
		return;
	for (const char *f = row->fields; *f != '\0' && !r.bad; f++) {
		const uint8_t *at = r.p;

		skips[*f & 0x7f](&r);
		if ((*f == 'N' || *f == 'O') && !r.bad)
			dns_lower(rdata + (at - rdata), (size_t)(r.p - at));
	}
}
