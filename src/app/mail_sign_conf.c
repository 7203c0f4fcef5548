/* mail.sign[]: who signs for whom, as the operator says it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/mail_sign_conf.h"
#include "base/err.h"
#include "base/hash.h"
#include "dns/dns.h"
#include "sys/file.h"

#define POOL_MAX	((size_t)16 << 20)	/* a key of some hundred octets for each row */

static struct sv
text_of(const struct conf_item *it, enum app_conf_row row)
{
	const struct conf_value *v = &it->cols[row - CONF_MAIL_SIGN - 1];

	return v->n > 0 ? v->items[0].text : SV("");
}

static int
refuse(const struct conf *c, const struct conf_item *it, enum conf_errc code, struct sv found,
    const char *expected, struct conf_error *err)
{
	*err = (struct conf_error){ .code = code, .rc = SE_SYNTAX, .line = it->line, .col = it->col,
	    .expected = expected };
	(void)snprintf(err->found, sizeof(err->found), "%.*s", SV_ARG(found));
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return err->rc;
}

/* --- names --- */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_' || c == '.';
}

/* Letters, digits and hyphens between dots, no dot at its end: as d= and s= are written. */
static bool
labels_sound(struct sv s)
{
	struct dname name;

	for (size_t i = 0; i < s.n; i++)
		if (!is_letter(s.p[i]))
			return false;
	return s.n > 0 && s.p[s.n - 1] != '.' && dname_parse(s, NULL, &name) == 0;
}

bool
mail_sign_domain_sound(struct sv s)
{
	return labels_sound(s) && sv_find(s, '.') < s.n;
}

bool
mail_sign_selector_sound(struct sv s)
{
	return labels_sound(s) && s.n <= 128;
}

/* Is SELECTOR._domainkey.DOMAIN a name? */
static bool
record_fits(struct sv domain, struct sv selector)
{
	char text[2 * DNS_NAME_MAX + 16];
	struct dname name;
	int n = snprintf(text, sizeof(text), "%.*s._domainkey.%.*s", SV_ARG(selector), SV_ARG(domain));

	return n > 0 && (size_t)n < sizeof(text) && dname_parse(sv_str(text), NULL, &name) == 0;
}

/* --- rows --- */

static bool
plain(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
row_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	struct sv domain = text_of(it, CONF_SIGN_DOMAIN), selector = text_of(it, CONF_SIGN_SELECTOR);
	struct sv bare = sv_skip(domain, domain.n > 0 && domain.p[0] == '.');

	if (domain.n == 0 || selector.n == 0 || text_of(it, CONF_SIGN_KEY).n == 0)
		return refuse(c, it, CONF_E_MISSING,
		    domain.n == 0 ? SV("domain") : selector.n == 0 ? SV("selector") : SV("key"),
		    N_("every entry of mail.sign says domain, selector and key"), err);
	if (!mail_sign_domain_sound(bare))
		return refuse(c, it, CONF_E_TYPE, domain,
		    N_("a domain in ASCII (xn--…) without a dot at its end, such as example.jp or .example.jp"),
		    err);
	if (!mail_sign_selector_sound(selector) || !record_fits(bare, selector))
		return refuse(c, it, CONF_E_TYPE, selector,
		    N_("a selector of letters, digits and hyphens, such as s2026a"), err);
	if (!plain(text_of(it, CONF_SIGN_KEY)))
		return refuse(c, it, CONF_E_TYPE, SV("key"),
		    N_("one line of text without control characters"), err);
	return 0;
}

/* Letter case does not count in either. */
static int
row_add(const struct conf *c, const struct conf_item *it, struct pool *pool, struct map *met,
    struct conf_error *err)
{
	char *key = pool_printf(pool, "%.*s %.*s", SV_ARG(text_of(it, CONF_SIGN_DOMAIN)),
	    SV_ARG(text_of(it, CONF_SIGN_SELECTOR)));
	struct conf_item *first;
	char found[96];

	if (key == NULL)
		return refuse(c, it, CONF_E_LIMIT, SV("mail.sign"), NULL, err);
	dns_lower((uint8_t *)key, strlen(key));
	if ((first = map_find(met, sv_str(key))) == NULL)
		return map_add(met, sv_str(key), (void *)(uintptr_t)it) == 0 ? 0 :
		    refuse(c, it, CONF_E_LIMIT, SV("mail.sign"), NULL, err);
	(void)snprintf(found, sizeof(found), "%.64s (%u)", key, first->line);
	return refuse(c, it, CONF_E_RULE, sv_str(found),
	    N_("each domain with each selector once; the number is the line of the first one"), err);
}

int
mail_sign_conf_check(const struct conf *c, struct conf_error *err)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	const struct conf_value *v = &c->values[CONF_MAIL_SIGN];
	struct map met = { 0 };
	int rc = 0;

	for (size_t i = 0; i < v->n && rc == 0; i++) {
		const struct conf_item *it = &v->items[i];

		if (pool == NULL)
			rc = refuse(c, it, CONF_E_LIMIT, SV("mail.sign"), NULL, err);
		else if ((rc = row_check(c, it, err)) == 0)
			rc = row_add(c, it, pool, &met, err);
	}
	map_done(&met);
	return rc;
}

void
mail_sign_conf_text(const struct conf *c, struct buf *b)
{
	const struct conf_value *v = &c->values[CONF_MAIL_SIGN];

	for (size_t i = 0; i < v->n; i++) {
		const struct conf_item *it = &v->items[i];

		buf_printf(b, "%u\t%.*s\t%.*s\t%.*s\n", it->line, SV_ARG(text_of(it, CONF_SIGN_DOMAIN)),
		    SV_ARG(text_of(it, CONF_SIGN_SELECTOR)), SV_ARG(text_of(it, CONF_SIGN_KEY)));
	}
}

uint64_t
mail_sign_conf_stamp(const struct conf *c)
{
	const struct conf_value *v = &c->values[CONF_MAIL_SIGN];
	uint64_t stamp = 0;

	for (size_t i = 0; i < v->n; i++)
		stamp = stamp * 31 + file_signature(text_of(&v->items[i], CONF_SIGN_KEY).p, 0);
	return stamp;
}
