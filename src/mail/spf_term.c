/* One term of a record: a mechanism with what it carries (RFC 7208 sections 4.6.1, 5 and 12). */
#include "mail/spf_internal.h"

#include <errno.h>

/* What may stand behind a mechanism's name. */
enum {
	DOMAIN_MAY = 1 << 0,
	DOMAIN_MUST = 1 << 1,
	LENGTHS = 1 << 2,		/* dual-cidr-length */
	NETWORK = 1 << 3,
};

static const struct {
	const char	*name;
	unsigned	 carries;
	bool		 asks;		/* the DNS: section 4.6.4 */
} mechanisms[SPF_MECHANISM_MAX] = {
	[SPF_ALL] = { "all", 0, false },
	[SPF_INCLUDE] = { "include", DOMAIN_MUST, true },
	[SPF_A] = { "a", DOMAIN_MAY | LENGTHS, true },
	[SPF_MX] = { "mx", DOMAIN_MAY | LENGTHS, true },
	[SPF_PTR] = { "ptr", DOMAIN_MAY, true },
	[SPF_IP4] = { "ip4", NETWORK, false },
	[SPF_IP6] = { "ip6", NETWORK, false },
	[SPF_EXISTS] = { "exists", DOMAIN_MUST, true },
};

bool
spf_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
spf_is_alpha(char c)
{
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'z';
}

static bool
fault_set(struct spf_fault *f, const char *why, struct sv at)
{
	*f = (struct spf_fault){ why, at };
	return false;
}

/* --- domain-specs --- */

/* toplabel: letters, digits, hyphens within, not of digits alone (section 7.1). */
static bool
toplabel_ok(struct sv s)
{
	bool is_number = true;

	if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!spf_is_digit(s.p[i]) && !spf_is_alpha(s.p[i]) && s.p[i] != '-')
			return false;
		is_number = is_number && spf_is_digit(s.p[i]);
	}
	return !is_number;
}

/* Every piece can be read; *ret_last is the last of them. */
static bool
macros_read(struct sv s, enum spf_where where, struct spf_macro *ret_last, struct spf_fault *f)
{
	struct spf_macro m;
	int rc;

	while ((rc = spf_macro_next(&s, where, &m)) > 0)
		*ret_last = m;
	if (rc == 0)
		return true;
	if (s.p[0] == '%')
		return fault_set(f,
		    N_("a macro that is not one of the standard, or not allowed here"), s);
	return fault_set(f, N_("an octet that may not stand here"), s);
}

bool
spf_macros_ok(struct sv s, enum spf_where where, struct spf_fault *f)
{
	struct spf_macro last;

	return macros_read(s, where, &last, f);
}

bool
spf_domain_ok(struct sv s, struct spf_fault *f)
{
	struct spf_macro last = { .letter = 0 };
	struct ip_prefix px;
	struct sv end;
	size_t dot;

	if (s.n == 0)
		return fault_set(f, N_("a domain is missing"), s);
	if (s.n > SPF_SPEC_MAX)
		return fault_set(f, N_("a domain that is longer than we read"), s);
	if (!macros_read(s, SPF_IN_DOMAIN, &last, f))
		return false;
	if (last.is_expand)
		return true;
	if (ip_prefix_parse_host(s, &px) == 0)
		return fault_set(f,
		    N_("an address where a domain must stand: write ip4: or ip6:"), s);
	end = last.literal;
	if (sv_ends(end, SV(".")))
		end.n--;
	if ((dot = sv_rfind(end, '.')) == end.n)
		return fault_set(f, N_("a domain must have a dot before its last label"), end);
	end = sv_skip(end, dot + 1);
	if (!toplabel_ok(end))
		return fault_set(f, N_("the last label of the domain is none of a domain"), end);
	return true;
}

/* --- lengths and networks --- */

/* "0", or digits that do not begin with 0 (section 12: ip4-cidr-length). */
static bool
length_parse(struct sv s, uint8_t max, uint8_t *ret)
{
	uint32_t v;

	if ((s.n > 1 && s.p[0] == '0') || num_u32(s, 0, max, &v) < 0)
		return false;
	*ret = (uint8_t)v;
	return true;
}

/* Digits at the end behind the mark ("/" or "//") are cut off: *ret, and true. */
static bool
digits_cut(struct sv *s, struct sv mark, struct sv *ret)
{
	size_t n = s->n;

	while (n > 0 && spf_is_digit(s->p[n - 1]))
		n--;
	if (n == s->n || !sv_ends(sv_take(*s, n), mark))
		return false;
	*ret = sv_skip(*s, n);
	*s = sv_take(*s, n - mark.n);
	return true;
}

/* [ "/" ip4-cidr-length ] [ "//" ip6-cidr-length ], from the right. */
static bool
lengths_cut(struct sv *s, struct spf_term *t, struct spf_fault *f)
{
	struct sv digits;

	t->len4 = 32;
	t->len6 = 128;
	if (digits_cut(s, SV("//"), &digits) && !length_parse(digits, 128, &t->len6))
		return fault_set(f, N_("a length of a network that cannot be"), digits);
	if (digits_cut(s, SV("/"), &digits) && !length_parse(digits, 32, &t->len4))
		return fault_set(f, N_("a length of a network that cannot be"), digits);
	return true;
}

static bool
network_parse(struct sv s, enum ip_af af, struct ip_prefix *ret, struct spf_fault *f)
{
	struct sv all = s, address = sv_cut(&s, '/');
	struct ip_prefix px;

	if (ip_prefix_parse_host(address, &px) < 0 || px.af != af)
		return fault_set(f, N_("no address of this family"), all);
	if (address.n < all.n) {
		if (!length_parse(s, ip_bits(px.af), &px.len))
			return fault_set(f, N_("a length of a network that cannot be"), s);
		ip_mask(px.addr, px.len);
	}
	*ret = px;
	return true;
}

/* --- the term --- */

static enum mail_result
qualifier_cut(struct sv *s)
{
	static const struct { char c; enum mail_result result; } qualifiers[] = {
		{ '+', MAIL_PASS }, { '-', MAIL_FAIL }, { '?', MAIL_NEUTRAL },
		{ '~', MAIL_SOFTFAIL },
	};

	for (size_t i = 0; i < ARRAY_LEN(qualifiers); i++)
		if (s->n > 0 && s->p[0] == qualifiers[i].c) {
			*s = sv_skip(*s, 1);
			return qualifiers[i].result;
		}
	return MAIL_PASS;		/* section 4.6.2: "optional, and defaults to "+"" */
}

static bool
mechanism_cut(struct sv *s, enum spf_mechanism *ret)
{
	struct sv name;
	size_t n = 0;

	while (n < s->n && s->p[n] != ':' && s->p[n] != '/')
		n++;
	name = sv_take(*s, n);
	*s = sv_skip(*s, n);
	for (unsigned i = 0; i < SPF_MECHANISM_MAX; i++)
		if (sv_caseeq(name, sv_str(mechanisms[i].name))) {
			*ret = i;
			return true;
		}
	return false;
}

/* What stands behind the name, as its row allows. */
static bool
carried_parse(struct sv rest, struct spf_term *t, struct spf_fault *f)
{
	unsigned carries = mechanisms[t->mechanism].carries;
	bool has_colon = sv_starts(rest, SV(":"));

	if ((carries & NETWORK) != 0)
		return has_colon ? network_parse(sv_skip(rest, 1),
		    t->mechanism == SPF_IP4 ? IP_V4 : IP_V6, &t->network, f) :
		    fault_set(f, N_("an address is missing"), rest);
	if ((carries & LENGTHS) != 0 && !lengths_cut(&rest, t, f))
		return false;
	if (has_colon && (carries & (DOMAIN_MAY | DOMAIN_MUST)) != 0) {
		t->domain = sv_skip(rest, 1);
		return spf_domain_ok(t->domain, f);
	}
	if (rest.n > 0)
		return fault_set(f, N_("this mechanism takes nothing of that kind"), rest);
	if ((carries & DOMAIN_MUST) != 0)
		return fault_set(f, N_("a domain is missing"), rest);
	return true;
}

bool
spf_term_asks(const struct spf_term *t)
{
	return mechanisms[t->mechanism].asks;
}

bool
spf_term_parse(struct sv text, struct spf_term *ret, struct spf_fault *f)
{
	struct spf_term t = { .text = text };
	struct sv rest = text;

	t.result = qualifier_cut(&rest);
	if (!mechanism_cut(&rest, &t.mechanism))
		return fault_set(f, N_("neither a mechanism nor a modifier"), text);
	if (!carried_parse(rest, &t, f))
		return false;
	*ret = t;
	return true;
}
