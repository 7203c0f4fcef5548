/*
 * Text as data: one function a kind of field, by the letters of types.def, and
 * RFC 3597's form for every type. Octets in base64 and the like are in
 * rdata_text_octets.c; what has rules of its own is in rdata_text_types.c and
 * rdata_text_svcb.c.
 */
#include <errno.h>

#include "base/ip.h"
#include "base/timefmt.h"
#include "dns/zonefile_internal.h"

const char *const text_faults[TF_MAX] = {
	[TF_MISSING] = N_("An item is missing here."),
	[TF_EXTRA] = N_("Something stands behind the last item."),
	[TF_QUOTED] = N_("No quotation marks may stand here."),
	[TF_ESCAPE] = N_("Behind a backslash stands a character, or three digits up to 255."),
	[TF_NUMBER] = N_("A number is wanted here, or it is too large."),
	[TF_TTL] = N_("A time in seconds is wanted here, or a sum of units as in 1h30m."),
	[TF_IPV4] = N_("An IPv4 address is wanted here: four numbers up to 255."),
	[TF_IPV6] = N_("An IPv6 address is wanted here."),
	[TF_NAME] = N_("A name is wanted here, with labels of 1 to 63 characters and 255 octets in all."),
	[TF_STRING] = N_("A text is wanted here, of 255 octets at most."),
	[TF_BASE64] = N_("Base64 is wanted here, complete up to the end."),
	[TF_HEX] = N_("Hexadecimal digits are wanted here, an even number of them."),
	[TF_BASE32] = N_("A hash in base32hex without padding is wanted here."),
	[TF_TYPE] = N_("A record type is wanted here."),
	[TF_MNEMONIC] = N_("A number or a known mnemonic is wanted here."),
	[TF_SIG_TIME] = N_("A time is wanted here: YYYYMMDDHHmmSS, or seconds since 1970."),
	[TF_TAG] = N_("A tag is wanted here: letters and digits only."),
	[TF_APL] = N_("A prefix is wanted here, as in 1:192.0.2.0/24."),
	[TF_LOC] = N_("A place is wanted here, as in 35 40 52.000 N 139 46 1.000 E 40m."),
	[TF_EUI] = N_("Pairs of hexadecimal digits with hyphens are wanted here."),
	[TF_LOCATOR] = N_("Four groups of up to four hexadecimal digits with colons are wanted here."),
	[TF_GATEWAY] = N_("The gateway is not of the kind that stands before it."),
	[TF_SVC_KEY] = N_("A service parameter is wanted here: a known name, or \"key\" and a number."),
	[TF_SVC_VALUE] = N_("The value of this service parameter cannot be read, or is missing."),
	[TF_SVC_TWICE] = N_("This service parameter stands here twice."),
	[TF_GENERIC] = N_("Behind \\# stand a length and as many octets in hexadecimal."),
	[TF_NO_TEXT] = N_("Data of this type are written in the form \\# LENGTH HEX."),
	[TF_LONG] = N_("The data are longer than 65535 octets."),
	[TF_MALFORMED] = N_("Each item can be read, but together they break a rule of the type."),
};

/* --- items --- */

int
text_item_or_end(struct rdata_text *t)
{
	switch (lex_next(t->lx)) {
	case LEX_END:
		lex_hold(t->lx);
		return 1;
	case LEX_MORE:
		return -EAGAIN;
	case LEX_BAD:
		return -EINVAL;
	default:
		return 0;
	}
}

int
text_word_or_end(struct rdata_text *t, struct sv *ret)
{
	int rc = text_item_or_end(t);

	if (rc != 0)
		return rc;
	if (t->lx->kind != LEX_WORD)
		return lex_rdata_fault(t->lx, TF_QUOTED);
	*ret = t->lx->item;
	return 0;
}

int
text_word(struct rdata_text *t, struct sv *ret)
{
	int rc = text_word_or_end(t, ret);

	return rc == 1 ? lex_rdata_fault(t->lx, TF_MISSING) : rc;
}

/* --- numbers --- */

int
text_number(struct rdata_text *t, uint32_t max, uint32_t *ret)
{
	struct sv s;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (num_u32(s, 0, max, ret) < 0)
		return lex_rdata_fault(t->lx, TF_NUMBER);
	return 0;
}

static int
text_1(struct rdata_text *t)
{
	uint32_t v;
	int rc = text_number(t, UINT8_MAX, &v);

	if (rc == 0)
		wr_u8(&t->w, (uint8_t)v);
	return rc;
}

static int
text_2(struct rdata_text *t)
{
	uint32_t v;
	int rc = text_number(t, UINT16_MAX, &v);

	if (rc == 0)
		wr_be16(&t->w, (uint16_t)v);
	return rc;
}

static int
text_4(struct rdata_text *t)
{
	uint32_t v;
	int rc = text_number(t, UINT32_MAX, &v);

	if (rc == 0)
		wr_be32(&t->w, v);
	return rc;
}

/* draft-johnson-dns-ipn-cla section 3.1: one number, or its halves with a dot. */
static int
text_8(struct rdata_text *t)
{
	struct sv s, high;
	uint32_t hi, lo;
	uint64_t v;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (num_u64(s, 0, UINT64_MAX, &v) == 0) {
		wr_be64(&t->w, v);
		return 0;
	}
	high = sv_cut(&s, '.');
	if (num_u32(high, 0, UINT32_MAX, &hi) < 0 || num_u32(s, 0, UINT32_MAX, &lo) < 0)
		return lex_rdata_fault(t->lx, TF_NUMBER);
	wr_be32(&t->w, hi);
	wr_be32(&t->w, lo);
	return 0;
}

static uint32_t
unit_seconds(char c)
{
	switch (c | 0x20) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

/* Seconds, or a sum of numbers with units. */
static int
seconds_parse(struct sv s, uint32_t max, uint32_t *ret)
{
	uint64_t sum = 0;

	if (num_u32(s, 0, max, ret) == 0)
		return 0;
	if (s.n == 0)
		return -EINVAL;
	while (s.n > 0) {
		size_t digits = 0;
		uint32_t v, unit;

		while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
			digits++;
		if (digits == s.n || (unit = unit_seconds(s.p[digits])) == 0 ||
		    num_u32(sv_take(s, digits), 0, UINT32_MAX, &v) < 0)
			return -EINVAL;
		sum += (uint64_t)v * unit;
		if (sum > max)
			return -EINVAL;
		s = sv_skip(s, digits + 1);
	}
	*ret = (uint32_t)sum;
	return 0;
}

int
ttl_parse(struct sv s, uint32_t *ret)
{
	return seconds_parse(s, INT32_MAX, ret);
}

static int
text_seconds(struct rdata_text *t)
{
	struct sv s;
	uint32_t v;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (seconds_parse(s, UINT32_MAX, &v) < 0)
		return lex_rdata_fault(t->lx, TF_TTL);
	wr_be32(&t->w, v);
	return 0;
}

/* --- names and addresses --- */

int
text_name(struct rdata_text *t)
{
	struct dname d;
	struct sv s;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (dname_parse(s, t->origin, &d) < 0)
		return lex_rdata_fault(t->lx, TF_NAME);
	wr_bytes(&t->w, d.w, d.len);
	return 0;
}

/* A6's name, when the data go on. */
static int
text_name_optional(struct rdata_text *t)
{
	int rc = text_item_or_end(t);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	lex_hold(t->lx);
	return text_name(t);
}

bool
ipv4_parse(struct sv s, uint8_t dst[static 4])
{
	size_t i = 0;

	for (unsigned k = 0; k < 4; k++) {
		size_t begin = i;
		unsigned v = 0;

		if (k > 0 && (i == s.n || s.p[i++] != '.'))
			return false;
		begin = i;
		while (i < s.n && i < begin + 3 && s.p[i] >= '0' && s.p[i] <= '9')
			v = 10 * v + (unsigned)(s.p[i++] - '0');
		/* A zero in front means octal to some. */
		if (i == begin || v > 255 || (s.p[begin] == '0' && i > begin + 1))
			return false;
		dst[k] = (uint8_t)v;
	}
	return i == s.n;
}

bool
ipv6_parse(struct sv s, uint8_t dst[static 16])
{
	struct ip_prefix p;

	if (s.n == 0 || memchr(s.p, '/', s.n) != NULL || ip_prefix_parse_host(s, &p) < 0 || p.af != IP_V6)
		return false;
	memcpy(dst, p.addr, 16);
	return true;
}

int
text_ipv4(struct rdata_text *t)
{
	uint8_t addr[4];
	struct sv s;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (!ipv4_parse(s, addr))
		return lex_rdata_fault(t->lx, TF_IPV4);
	wr_bytes(&t->w, addr, sizeof(addr));
	return 0;
}

int
text_ipv6(struct rdata_text *t)
{
	uint8_t addr[16];
	struct sv s;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (!ipv6_parse(s, addr))
		return lex_rdata_fault(t->lx, TF_IPV6);
	wr_bytes(&t->w, addr, sizeof(addr));
	return 0;
}

/* --- character-strings --- */

/* The item, quoted or not, behind its length. */
static int
item_string(struct rdata_text *t)
{
	struct sv s = t->lx->item;
	uint8_t tmp[UINT8_MAX], *len;
	size_t n;
	int rc;

	if (t->lx->kind == LEX_PAIR)
		return lex_rdata_fault(t->lx, TF_QUOTED);
	if (!t->lx->escaped && s.n <= UINT8_MAX) {
		wr_u8(&t->w, (uint8_t)s.n);
		wr_bytes(&t->w, s.p, s.n);
		return 0;
	}
	len = wr_reserve(&t->w, 1);
	rc = text_octets(s, tmp, sizeof(tmp), &n);
	if (rc < 0)
		return lex_rdata_fault(t->lx, rc == -E2BIG ? TF_STRING : TF_ESCAPE);
	wr_bytes(&t->w, tmp, n);
	if (len != NULL)
		*len = (uint8_t)n;
	return 0;
}

static int
text_string(struct rdata_text *t)
{
	int rc = text_item_or_end(t);

	if (rc != 0)
		return rc < 0 ? rc : lex_rdata_fault(t->lx, TF_MISSING);
	return item_string(t);
}

static int
text_string_optional(struct rdata_text *t)
{
	int rc = text_item_or_end(t);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	return item_string(t);
}

static int
text_strings(struct rdata_text *t)
{
	int rc = text_string(t);

	while (rc == 0 && (rc = text_item_or_end(t)) == 0)
		rc = item_string(t);
	return rc < 0 ? rc : 0;
}

static int
text_tag(struct rdata_text *t)
{
	struct sv s;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (s.n > UINT8_MAX)
		return lex_rdata_fault(t->lx, TF_TAG);
	for (size_t i = 0; i < s.n; i++) {
		char c = (char)(s.p[i] | 0x20);

		if ((c < 'a' || c > 'z') && (s.p[i] < '0' || s.p[i] > '9'))
			return lex_rdata_fault(t->lx, TF_TAG);
	}
	wr_u8(&t->w, (uint8_t)s.n);
	wr_bytes(&t->w, s.p, s.n);
	return 0;
}

/* One text up to the end, of any length. Octets are never more than characters. */
static int
text_rest_quoted(struct rdata_text *t)
{
	int rc = text_item_or_end(t);
	size_t n;

	if (rc != 0)
		return rc < 0 ? rc : lex_rdata_fault(t->lx, TF_MISSING);
	if (t->lx->kind == LEX_PAIR)
		return lex_rdata_fault(t->lx, TF_QUOTED);
	rc = text_octets(t->lx->item, t->w.buf + t->w.len, t->w.cap - t->w.len, &n);
	if (rc < 0)
		return lex_rdata_fault(t->lx, rc == -E2BIG ? TF_LONG : TF_ESCAPE);
	(void)wr_reserve(&t->w, n);
	return 0;
}

/* --- mnemonics --- */

int
text_mnemonic(struct rdata_text *t, const struct mnemonic *names, uint32_t max, uint32_t *ret)
{
	struct sv s;
	uint16_t v;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (num_u32(s, 0, max, ret) == 0)
		return 0;
	if (mnemonic_value(names, s, &v) < 0)
		return lex_rdata_fault(t->lx, TF_MNEMONIC);
	*ret = v;
	return 0;
}

static int
text_algorithm(struct rdata_text *t)
{
	uint32_t v;
	int rc = text_mnemonic(t, dnssec_alg_names, UINT8_MAX, &v);

	if (rc == 0)
		wr_u8(&t->w, (uint8_t)v);
	return rc;
}

static int
text_cert_type(struct rdata_text *t)
{
	uint32_t v;
	int rc = text_mnemonic(t, cert_type_names, UINT16_MAX, &v);

	if (rc == 0)
		wr_be16(&t->w, (uint16_t)v);
	return rc;
}

static int
text_dsync_scheme(struct rdata_text *t)
{
	uint32_t v;
	int rc = text_mnemonic(t, dsync_scheme_names, UINT8_MAX, &v);

	if (rc == 0)
		wr_u8(&t->w, (uint8_t)v);
	return rc;
}

static int
text_type(struct rdata_text *t)
{
	struct sv s;
	uint16_t type;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (rrtype_parse(s, &type) < 0)
		return lex_rdata_fault(t->lx, TF_TYPE);
	wr_be16(&t->w, type);
	return 0;
}

/* Two digits of a date. */
static int
two(const char *p)
{
	return 10 * (p[0] - '0') + p[1] - '0';
}

/* RFC 4034 section 3.2: 14 digits are a date, up to 10 are seconds. */
static int
sig_time_parse(struct sv s, uint32_t *ret)
{
	const char *p = s.p;
	struct civil c;
	int64_t at;

	if (s.n <= 10)
		return num_u32(s, 0, UINT32_MAX, ret);
	for (size_t i = 0; i < s.n; i++)
		if (p[i] < '0' || p[i] > '9')
			return -EINVAL;
	if (s.n != 14)
		return -EINVAL;
	c = (struct civil){ 100 * two(p) + two(p + 2), two(p + 4), two(p + 6), two(p + 8), two(p + 10),
	    two(p + 12) };
	if (time_from_civil(&c, &at) < 0 || at < 0 || at > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)at;
	return 0;
}

static int
text_sig_time(struct rdata_text *t)
{
	struct sv s;
	uint32_t v;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (sig_time_parse(s, &v) < 0)
		return lex_rdata_fault(t->lx, TF_SIG_TIME);
	wr_be32(&t->w, v);
	return 0;
}

/* --- bitmaps --- */

struct bitmap {
	uint8_t len[256];		/* octets in use; what lies behind them is not set */
	uint8_t bits[256][32];
	unsigned first, last;		/* windows in use lie within these */
};

static void
bitmap_set(struct bitmap *m, uint16_t type)
{
	unsigned window = type >> 8, at = type % 256 / 8;

	while (m->len[window] <= at)
		m->bits[window][m->len[window]++] = 0;
	m->bits[window][at] |= (uint8_t)(0x80 >> type % 8);
	if (window < m->first)
		m->first = window;
	if (window > m->last)
		m->last = window;
}

/* Types to the end; *m is set up here: most records use one window of it. */
static int
bitmap_read(struct rdata_text *t, struct bitmap *m)
{
	struct sv s = { 0 };
	uint16_t type;
	int rc;

	memset(m->len, 0, sizeof(m->len));
	m->first = 255;
	m->last = 0;
	while ((rc = text_word_or_end(t, &s)) == 0) {
		if (rrtype_parse(s, &type) < 0)
			return lex_rdata_fault(t->lx, TF_TYPE);
		bitmap_set(m, type);
	}
	return rc < 0 ? rc : 0;
}

static int
text_bitmap(struct rdata_text *t)
{
	struct bitmap m;
	int rc = bitmap_read(t, &m);

	if (rc < 0)
		return rc;
	for (unsigned i = m.first; i <= m.last; i++)
		if (m.len[i] > 0) {
			wr_u8(&t->w, (uint8_t)i);
			wr_u8(&t->w, m.len[i]);
			wr_bytes(&t->w, m.bits[i], m.len[i]);
		}
	return 0;
}

static int
text_nxt_bitmap(struct rdata_text *t)
{
	struct bitmap m;
	int rc = bitmap_read(t, &m);

	if (rc < 0)
		return rc;
	if (m.last > 0 || m.len[0] > 16)
		return lex_rdata_fault(t->lx, TF_TYPE);
	wr_bytes(&t->w, m.bits[0], m.len[0]);
	return 0;
}

/* --- the letters --- */

static int (*const texts[128])(struct rdata_text *) = {
	['N'] = text_name, ['n'] = text_name, ['O'] = text_name_optional,
	['1'] = text_1, ['2'] = text_2, ['4'] = text_4, ['t'] = text_seconds,
	['a'] = text_ipv4, ['A'] = text_ipv6,
	['s'] = text_string, ['o'] = text_string_optional, ['S'] = text_strings,
	['C'] = text_tag, ['r'] = text_rest_quoted,
	['b'] = text_base64, ['B'] = text_base64_optional, ['x'] = text_hex, ['k'] = text_nsap,
	['T'] = text_type, ['G'] = text_algorithm, ['R'] = text_cert_type, ['Y'] = text_dsync_scheme,
	['D'] = text_sig_time, ['l'] = text_salt, ['h'] = text_hash,
	['m'] = text_bitmap, ['M'] = text_nxt_bitmap,
	['e'] = text_eui48, ['E'] = text_eui64, ['q'] = text_locator, ['Q'] = text_8,
	['p'] = text_apl, ['w'] = text_wks, ['L'] = text_loc, ['z'] = text_a6,
	['g'] = text_ipseckey, ['y'] = text_amtrelay, ['i'] = text_hip,
	['v'] = text_svcb,
};

/* RFC 3597 section 5, behind "\#". */
static int
generic_read(struct rdata_text *t)
{
	uint32_t want;
	size_t begin = t->w.len;
	struct sv s;
	int rc = text_number(t, UINT16_MAX, &want);

	if (rc < 0)
		return rc;
	if (want > 0)
		rc = text_hex(t);
	else if ((rc = text_word_or_end(t, &s)) == 0)
		rc = -EINVAL;
	if (rc == -EAGAIN)
		return rc;
	if (rc < 0 || t->w.bad || t->w.len - begin != want)
		return lex_rdata_fault(t->lx, TF_GENERIC);
	return 0;
}

static int
fields_read(struct rdata_text *t, const struct rrtype_row *row)
{
	int rc;

	for (const char *f = row->fields; *f != '\0'; f++)
		if ((rc = texts[*f & 0x7f](t)) < 0)
			return rc;
	return 0;
}

/* Does the data's first item say that they are in RFC 3597's form? -EAGAIN, -EINVAL. */
static int
is_generic(struct rdata_text *t)
{
	int rc = text_item_or_end(t);

	if (rc < 0)
		return rc;
	if (rc == 0 && t->lx->kind == LEX_WORD && sv_eq(t->lx->item, SV("\\#")))
		return 1;
	lex_hold(t->lx);
	return 0;
}

int
rdata_text(struct rdata_text *t, uint16_t type)
{
	const struct rrtype_row *row = rrtype_row(type);
	struct sv s;
	int rc = is_generic(t);

	if (rc < 0)
		return rc;
	if (rc == 1)
		rc = generic_read(t);
	else if (row == NULL || row->fields[0] == '*')
		return lex_rdata_fault(t->lx, TF_NO_TEXT);
	else
		rc = fields_read(t, row);
	if (rc < 0)
		return rc;
	if ((rc = text_word_or_end(t, &s)) <= 0)
		return rc < 0 ? rc : lex_rdata_fault(t->lx, TF_EXTRA);
	if (t->w.bad)
		return lex_rdata_fault(t->lx, TF_LONG);
	if (!rdata_ok(type, (struct sv){ (const char *)t->w.buf, t->w.len }))
		return lex_rdata_fault(t->lx, TF_MALFORMED);
	return 0;
}

int
rdata_parse(uint16_t type, struct sv text, const struct dname *origin,
    uint8_t dst[static DNS_RDATA_MAX], size_t *ret_n)
{
	struct lex lx;
	struct rdata_text t = { .lx = &lx, .origin = origin, .w = wr_mem(dst, DNS_RDATA_MAX) };

	if (text.n == 0)
		text = SV("");		/* NULL + 0 is undefined before C2y */
	lex_init(&lx, (struct text_at){ text.p, text.p, 1 }, text.p + text.n, true);
	/* A line end outside of parentheses ends the data, and nothing may follow. */
	if (rdata_text(&t, type) < 0 || lx.now.p != lx.end)
		return -EINVAL;
	*ret_n = t.w.len;
	return 0;
}
