/* mail.complaints of the configuration: who gets complaints about whose mail. See app/mail_reporting.h. */
#include <stdio.h>

#include "app/mail.h"
#include "app/mail_reporting.h"
#include "base/err.h"
#include "dns/dns.h"

#define COL(entry, row)	(&(entry)->cols[(row) - CONF_MAIL_COMPLAINTS - 1])

static int
refuse(const struct conf *c, size_t i, const char *expected, struct conf_error *err)
{
	const struct conf_value *v = &c->values[CONF_MAIL_COMPLAINTS];
	const struct conf_value *domain = COL(&v->items[i], CONF_COMPLAINT_DOMAIN);

	*err = (struct conf_error){ .code = CONF_E_RULE, .rc = SE_SYNTAX, .line = v->items[i].line,
	    .col = v->items[i].col, .expected = expected };
	(void)snprintf(err->found, sizeof(err->found), "mail.complaints%s%.*s", domain->n > 0 ? ": " : "",
	    SV_ARG(domain->n > 0 ? domain->items[0].text : SV("")));
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return err->rc;
}

static bool
name_take(const struct conf *c, size_t i, struct dname *ret)
{
	const struct conf_value *v = COL(&c->values[CONF_MAIL_COMPLAINTS].items[i], CONF_COMPLAINT_DOMAIN);

	return v->n > 0 && dname_parse(v->items[0].text, NULL, ret) == 0;
}

static bool
has_address(const struct conf *c, size_t i)
{
	const struct conf_value *v = COL(&c->values[CONF_MAIL_COMPLAINTS].items[i], CONF_COMPLAINT_TO);

	return v->n > 0 && mail_address_check(v->items[0].text) == 0;
}

/* The same name, of an entry before this one. */
static bool
is_double(const struct conf *c, size_t i, const struct dname *name)
{
	struct dname other;

	for (size_t k = 0; k < i; k++)
		if (name_take(c, k, &other) && dname_eq(&other, name))
			return true;
	return false;
}

static bool
is_own(const struct conf *c, const struct dname *name)
{
	const struct conf_value *v = &c->values[CONF_ORG_MAIL_DOMAINS];
	struct dname own;

	for (size_t i = 0; i < v->n; i++)
		if (dname_parse(v->items[i].text, NULL, &own) == 0 && dname_within(name, &own))
			return true;
	return false;
}

/*
 * The address goes to a program's arguments and into headers. A domain of one label would have all
 * that is below it told to one operator.
 */
int
mail_complaints_check(const struct conf *c, struct conf_error *err)
{
	struct dname name;

	for (size_t i = 0; i < c->values[CONF_MAIL_COMPLAINTS].n; i++) {
		if (!name_take(c, i, &name) || !has_address(c, i))
			return refuse(c, i, N_("a domain, and to: an address such as fbl@example.net"), err);
		if (dname_labels(name.w) < 2)
			return refuse(c, i, N_("a domain of one operator, such as example.net"), err);
		if (is_double(c, i, &name))
			return refuse(c, i, N_("each domain once"), err);
		if (is_own(c, &name))
			return refuse(c, i, N_("another operator's domain: this one is in organisation.mail-domains"), err);
	}
	return 0;
}
