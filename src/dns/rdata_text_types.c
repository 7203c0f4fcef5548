/* Text of the types with rules of their own; and the mnemonics that data use. */
#include <errno.h>

#include "dns/zonefile_internal.h"

/* IANA, DNS Security Algorithm Numbers; behind it BIND's older names. */
const struct mnemonic dnssec_alg_names[] = {
	{ "DELETE", 0 }, { "RSAMD5", 1 }, { "DH", 2 }, { "DSA", 3 }, { "RSASHA1", 5 },
	{ "DSA-NSEC3-SHA1", 6 }, { "RSASHA1-NSEC3-SHA1", 7 }, { "RSASHA256", 8 },
	{ "RSASHA512", 10 }, { "ECC-GOST", 12 }, { "ECDSAP256SHA256", 13 },
	{ "ECDSAP384SHA384", 14 }, { "ED25519", 15 }, { "ED448", 16 }, { "SM2SM3", 17 },
	{ "ECC-GOST12", 23 }, { "INDIRECT", 252 }, { "PRIVATEDNS", 253 }, { "PRIVATEOID", 254 },
	{ "NSEC3DSA", 6 }, { "NSEC3RSASHA1", 7 }, { "ECCGOST", 12 },
	{ NULL, 0 },
};

/* RFC 4398 section 2.1. */
const struct mnemonic cert_type_names[] = {
	{ "PKIX", 1 }, { "SPKI", 2 }, { "PGP", 3 }, { "IPKIX", 4 }, { "ISPKI", 5 },
	{ "IPGP", 6 }, { "ACPKIX", 7 }, { "IACPKIX", 8 }, { "URI", 253 }, { "OID", 254 },
	{ NULL, 0 },
};

/* RFC 9859 section 6.2. */
const struct mnemonic dsync_scheme_names[] = {
	{ "NOTIFY", 1 },
	{ NULL, 0 },
};

/* RFC 1035 section 3.4.2 knows two. */
const struct mnemonic wks_protocol_names[] = {
	{ "TCP", 6 }, { "UDP", 17 }, { "ICMP", 1 },
	{ NULL, 0 },
};

/* The services that zones of WKS's time offered, by their names of today. */
const struct mnemonic wks_service_names[] = {
	{ "echo", 7 }, { "discard", 9 }, { "systat", 11 }, { "daytime", 13 }, { "netstat", 15 },
	{ "qotd", 17 }, { "chargen", 19 }, { "ftp-data", 20 }, { "ftp", 21 }, { "ssh", 22 },
	{ "telnet", 23 }, { "smtp", 25 }, { "time", 37 }, { "nameserver", 42 }, { "whois", 43 },
	{ "domain", 53 }, { "tftp", 69 }, { "gopher", 70 }, { "finger", 79 }, { "http", 80 },
	{ "kerberos", 88 }, { "hostname", 101 }, { "pop3", 110 }, { "sunrpc", 111 },
	{ "auth", 113 }, { "nntp", 119 }, { "ntp", 123 }, { "imap", 143 }, { "snmp", 161 },
	{ "irc", 194 }, { "ldap", 389 }, { "https", 443 }, { "uucp", 540 }, { "ldaps", 636 },
	{ "domain-s", 853 }, { "imaps", 993 }, { "pop3s", 995 },
	{ NULL, 0 },
};

const char *
mnemonic_name(const struct mnemonic *m, unsigned value)
{
	for (; m->name != NULL; m++)
		if (m->value == value)
			return m->name;
	return NULL;
}

int
mnemonic_value(const struct mnemonic *m, struct sv s, uint16_t *ret)
{
	for (; m->name != NULL; m++)
		if (sv_caseeq(s, sv_str(m->name))) {
			*ret = m->value;
			return 0;
		}
	return -EINVAL;
}

/* --- APL (RFC 3123 section 5) --- */

static bool
apl_address_parse(uint32_t family, struct sv s, uint8_t addr[static 16], size_t *ret_n)
{
	size_t n = family == 1 ? 4 : 16;

	if (family == 1 ? !ipv4_parse(s, addr) : !ipv6_parse(s, addr))
		return false;
	while (n > 0 && addr[n - 1] == 0)	/* zeros at the end are left out */
		n--;
	*ret_n = n;
	return true;
}

/* [!]family:address/prefix */
static int
apl_item(struct rdata_text *t, struct sv s)
{
	bool negated = s.n > 0 && s.p[0] == '!';
	uint32_t family, prefix;
	uint8_t addr[16];
	struct sv part;
	size_t n;

	s = sv_skip(s, negated);
	part = sv_cut(&s, ':');
	if (num_u32(part, 1, 2, &family) < 0)
		return lex_rdata_fault(t->lx, TF_APL);
	part = sv_cut(&s, '/');
	if (num_u32(s, 0, family == 1 ? 32 : 128, &prefix) < 0 ||
	    !apl_address_parse(family, part, addr, &n))
		return lex_rdata_fault(t->lx, TF_APL);
	wr_be16(&t->w, (uint16_t)family);
	wr_u8(&t->w, (uint8_t)prefix);
	wr_u8(&t->w, (uint8_t)(n | (negated ? 0x80 : 0)));
	wr_bytes(&t->w, addr, n);
	return 0;
}

int
text_apl(struct rdata_text *t)
{
	struct sv s = { 0 };
	int rc;

	while ((rc = text_word_or_end(t, &s)) == 0)
		if ((rc = apl_item(t, s)) < 0)
			return rc;
	return rc < 0 ? rc : 0;
}

/* --- WKS (RFC 1035 section 3.4.2) --- */

int
text_wks(struct rdata_text *t)
{
	uint8_t map[65536 / 8] = { 0 };
	struct sv s = { 0 };
	size_t n = 0;
	uint32_t v;
	int rc = text_mnemonic(t, wks_protocol_names, UINT8_MAX, &v);

	if (rc < 0)
		return rc;
	wr_u8(&t->w, (uint8_t)v);
	while ((rc = text_word_or_end(t, &s)) == 0) {
		lex_hold(t->lx);
		if ((rc = text_mnemonic(t, wks_service_names, UINT16_MAX, &v)) < 0)
			return rc;
		map[v / 8] |= (uint8_t)(0x80 >> v % 8);
		n = max_size(n, v / 8 + 1);
	}
	wr_bytes(&t->w, map, n);
	return rc < 0 ? rc : 0;
}

/* --- LOC (RFC 1876 section 3) --- */

/* A number with up to so many decimals, in units of the last of them. */
static int
decimal_parse(struct sv s, unsigned decimals, uint64_t max, uint64_t *ret)
{
	struct sv whole = sv_cut(&s, '.');
	uint64_t v, part = 0, scale = 1;

	for (unsigned i = 0; i < decimals; i++)
		scale *= 10;
	if (num_u64(whole, 0, max, &v) < 0 || s.n > decimals ||
	    (s.n > 0 && num_u64(s, 0, scale, &part) < 0))
		return -EINVAL;
	for (size_t i = s.n; s.n > 0 && i < decimals; i++)
		part *= 10;
	*ret = v * scale + part;
	return *ret > max * scale ? -EINVAL : 0;
}

/* Degrees, perhaps minutes, perhaps seconds, and the side. */
static int
loc_angle(struct rdata_text *t, const char *sides, uint32_t max_deg)
{
	static const uint32_t units[] = { LOC_DEG_ANGLE, LOC_MIN_ANGLE, 1 };
	const uint64_t max[] = { max_deg, 59, 59 };
	uint64_t v, sum = 0;
	struct sv s;
	int rc;

	for (unsigned i = 0;; i++) {
		if ((rc = text_word(t, &s)) < 0)
			return rc;
		if (i > 0 && s.n == 1 && ((s.p[0] & ~0x20) == sides[0] || (s.p[0] & ~0x20) == sides[1]))
			break;
		/* 59.999 seconds are below 60. */
		if (i == 3 || decimal_parse(s, i == 2 ? 3 : 0, max[i] + (i == 2), &v) < 0 ||
		    (i == 2 && v >= LOC_MIN_ANGLE))
			return lex_rdata_fault(t->lx, TF_LOC);
		sum += v * units[i];
	}
	if ((s.p[0] & ~0x20) == sides[1])
		wr_be32(&t->w, LOC_EQUATOR + (uint32_t)sum);
	else
		wr_be32(&t->w, LOC_EQUATOR - (uint32_t)sum);
	return 0;
}

static struct sv
without_metre(struct sv s)
{
	return s.n > 0 && (s.p[s.n - 1] | 0x20) == 'm' ? sv_take(s, s.n - 1) : s;
}

static int
loc_altitude(struct rdata_text *t)
{
	uint64_t cm;
	struct sv s;
	bool below;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	below = s.n > 0 && s.p[0] == '-';
	s = sv_skip(without_metre(s), below);
	if (decimal_parse(s, 2, UINT32_MAX, &cm) < 0 || (below && cm > LOC_ALT_ZERO) ||
	    (!below && cm > UINT32_MAX - LOC_ALT_ZERO))
		return lex_rdata_fault(t->lx, TF_LOC);
	wr_be32(&t->w, below ? LOC_ALT_ZERO - (uint32_t)cm : LOC_ALT_ZERO + (uint32_t)cm);
	return 0;
}

/* Metres as the first digit and a power of ten of centimetres. */
static int
loc_size_parse(struct sv s, uint8_t *ret)
{
	unsigned power = 0;
	uint64_t cm;

	if (decimal_parse(without_metre(s), 2, 90000000, &cm) < 0)
		return -EINVAL;
	for (; cm >= 10; cm /= 10)
		power++;
	*ret = (uint8_t)(cm << 4 | power);
	return 0;
}

int
text_loc(struct rdata_text *t)
{
	/* What is not said: 1 m, 10,000 m, 10 m. */
	uint8_t head[] = { 0, 0x12, 0x16, 0x13 }, *p = wr_reserve(&t->w, sizeof(head));
	struct sv s = { 0 };
	int rc;

	if ((rc = loc_angle(t, "SN", 90)) < 0 || (rc = loc_angle(t, "WE", 180)) < 0 ||
	    (rc = loc_altitude(t)) < 0)
		return rc;
	for (unsigned i = 1; i < sizeof(head) && (rc = text_word_or_end(t, &s)) == 0; i++)
		if (loc_size_parse(s, &head[i]) < 0)
			return lex_rdata_fault(t->lx, TF_LOC);
	if (p != NULL)
		memcpy(p, head, sizeof(head));
	return rc < 0 ? rc : 0;
}

/* --- A6 (RFC 2874 section 3.2) --- */

int
text_a6(struct rdata_text *t)
{
	static const uint8_t zeros[16];
	uint8_t addr[16];
	uint32_t prefix;
	struct sv s;
	int rc = text_number(t, 128, &prefix);

	if (rc < 0)
		return rc;
	wr_u8(&t->w, (uint8_t)prefix);
	if (prefix == 128)
		return 0;
	if ((rc = text_word(t, &s)) < 0)
		return rc;
	if (!ipv6_parse(s, addr) || memcmp(addr, zeros, prefix / 8) != 0)
		return lex_rdata_fault(t->lx, TF_IPV6);
	wr_bytes(&t->w, addr + prefix / 8, 16 - prefix / 8);
	return 0;
}

/* --- gateways (RFC 4025 section 3.1, RFC 8777 section 4.3) --- */

static int
gateway(struct rdata_text *t, uint32_t kind)
{
	struct sv s;
	int rc;

	switch (kind) {
	case 0:
		if ((rc = text_word(t, &s)) < 0)
			return rc;
		return sv_eq(s, SV(".")) ? 0 : lex_rdata_fault(t->lx, TF_GATEWAY);
	case 1:
		return text_ipv4(t);
	case 2:
		return text_ipv6(t);
	case 3:
		return text_name(t);
	default:
		return lex_rdata_fault(t->lx, TF_GATEWAY);
	}
}

int
text_ipseckey(struct rdata_text *t)
{
	uint32_t v[3];
	int rc;

	for (unsigned i = 0; i < 3; i++) {
		if ((rc = text_number(t, UINT8_MAX, &v[i])) < 0)
			return rc;
		wr_u8(&t->w, (uint8_t)v[i]);
	}
	return gateway(t, v[1]);
}

int
text_amtrelay(struct rdata_text *t)
{
	uint32_t precedence, optional, kind;
	int rc;

	if ((rc = text_number(t, UINT8_MAX, &precedence)) < 0 ||
	    (rc = text_number(t, 1, &optional)) < 0 || (rc = text_number(t, 127, &kind)) < 0)
		return rc;
	wr_u8(&t->w, (uint8_t)precedence);
	wr_u8(&t->w, (uint8_t)(optional << 7 | kind));
	return gateway(t, kind);
}

/* --- HIP (RFC 8005 section 6) --- */

int
text_hip(struct rdata_text *t)
{
	uint8_t *head = wr_reserve(&t->w, 4);
	size_t at = t->w.len;
	uint32_t algorithm;
	struct sv s = { 0 };
	int rc;

	if ((rc = text_number(t, UINT8_MAX, &algorithm)) < 0 || (rc = text_word(t, &s)) < 0)
		return rc;
	if (s.n > 2 * UINT8_MAX)
		return lex_rdata_fault(t->lx, TF_HEX);
	if ((rc = text_hex_word(t, s)) < 0 || (rc = text_word(t, &s)) < 0)
		return rc;
	if (head != NULL) {
		head[0] = (uint8_t)(t->w.len - at);
		head[1] = (uint8_t)algorithm;
	}
	at = t->w.len;
	if ((rc = text_base64_word(t, s)) < 0)
		return rc;
	if (head != NULL)
		put_be16(head + 2, (uint16_t)(t->w.len - at));
	while ((rc = text_word_or_end(t, &s)) == 0) {
		lex_hold(t->lx);
		if ((rc = text_name(t)) < 0)
			return rc;
	}
	return rc < 0 ? rc : 0;
}
