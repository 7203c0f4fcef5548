/* A domain as people write it, in any script, as its name in the DNS. */
#include <errno.h>
#include <idn2.h>

#include "mail/message.h"

/* UTF-8 of a domain: what 253 octets of A-labels can stand for is shorter. */
#define TEXT_MAX	1024

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/*
 * RFC 5321 section 4.1.2: sub-domain = Let-dig [Ldh-str]. An underscore is none of these, but
 * nobody reads it in two ways, and hosts whose names have one send mail.
 */
static bool
label_is_good(struct sv label)
{
	if (label.n == 0 || !is_alnum(label.p[label.n - 1]) ||
	    !(is_alnum(label.p[0]) || label.p[0] == '_'))
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!is_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
			return false;
	return true;
}

/* Sets what libidn2 has to look at: is there an octet beyond ASCII, or an A-label? */
static bool
labels_are_good(struct sv text, bool *ret_idn)
{
	bool is_more;

	*ret_idn = false;
	do {
		size_t n = sv_find(text, '.');
		struct sv label = sv_take(text, n);

		if (label.n >= 4 && sv_caseeq(sv_take(label, 4), SV("xn--")))
			*ret_idn = true;
		if (!label_is_good(label))
			return false;
		is_more = n < text.n;
		text = sv_skip(text, n + 1);
	} while (is_more);
	return true;
}

static int
name_lower(struct sv text, struct dname *ret)
{
	struct dname name;

	if (mail_name(text, &name) < 0)
		return -EINVAL;
	dns_lower(name.w, name.len);
	*ret = name;
	return 0;
}

static bool
label_is_same(struct sv text, struct sv ascii, struct sv unicode)
{
	return sv_caseeq(text, sv_ascii(text) ? ascii : unicode);
}

/*
 * Is text the same name as both forms of the result? UTS 46 would have it mapped: full-width
 * letters to others, U+3002 to a dot, U+200B to nothing. Where one reader maps and another does
 * not, they see two domains. RFC 5890 section 2.3.2.1 knows no such U-labels.
 */
static bool
name_is_same(struct sv text, struct sv ascii, struct sv unicode)
{
	while (text.n > 0)
		if (!label_is_same(sv_cut(&text, '.'), sv_cut(&ascii, '.'), sv_cut(&unicode, '.')))
			return false;
	return ascii.n == 0 && unicode.n == 0;
}

static int
idn_check(struct sv text, const char *ascii)
{
	char *unicode = NULL;
	int rc = idn2_to_unicode_8z8z(ascii, &unicode, 0);
	bool is_same;

	if (rc != IDN2_OK)
		return rc;
	is_same = name_is_same(text, sv_str(ascii), sv_str(unicode));
	idn2_free(unicode);
	return is_same ? IDN2_OK : IDN2_DISALLOWED;
}

static int
idn_parse(struct sv text, struct dname *ret)
{
	char room[TEXT_MAX + 1];
	uint8_t *ascii = NULL;
	bool is_idn;
	int rc;

	memcpy(room, text.p, text.n);
	room[text.n] = '\0';	/* one before it makes another name, as idn_check() sees */
	rc = idn2_lookup_u8((const uint8_t *)room, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc == IDN2_OK)
		rc = idn_check(text, (const char *)ascii);
	if (rc != IDN2_OK)
		rc = rc == IDN2_MALLOC ? -ENOMEM : -EINVAL;
	else if (!labels_are_good(sv_str((const char *)ascii), &is_idn))
		rc = -EINVAL;
	else
		rc = name_lower(sv_str((const char *)ascii), ret);
	idn2_free(ascii);
	return rc;
}

int
mail_domain(struct sv text, struct dname *ret)
{
	bool is_idn = true;

	if (text.n == 0 || text.n > TEXT_MAX)
		return -EINVAL;
	if (sv_ascii(text) && !labels_are_good(text, &is_idn))
		return -EINVAL;
	return is_idn ? idn_parse(text, ret) : name_lower(text, ret);
}
