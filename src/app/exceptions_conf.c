/* rpki.exceptions in the configuration: rules, and the text for the role. */
#include <stdio.h>

#include "app/exceptions.h"
#include "base/err.h"

#define TABLE		CONF_RPKI_EXCEPTIONS
#define OWNER_MAX	48	/* bytes; it goes into the name of a trust anchor */

static const struct conf_value *
col(const struct conf_item *it, enum app_conf_row row)
{
	return &it->cols[row - TABLE - 1];
}

static bool
has(const struct conf_item *it, enum app_conf_row row)
{
	return col(it, row)->n > 0;
}

static const struct conf_item *
one(const struct conf_item *it, enum app_conf_row row)
{
	return &col(it, row)->items[0];
}

static struct sv
text_of(const struct conf_item *it, enum app_conf_row row)
{
	return has(it, row) ? one(it, row)->text : SV("");
}

static int
refuse(const struct conf *c, const struct conf_item *it, enum conf_errc code,
    const char *found, const char *expected, struct conf_error *err)
{
	*err = (struct conf_error){ .code = code, .rc = SE_SYNTAX, .line = it->line, .col = it->col,
	    .expected = expected };
	(void)snprintf(err->found, sizeof(err->found), "%s", found);
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return err->rc;
}

/* "rpki.exceptions[].owner" -> "owner" */
static const char *
name_of(const struct conf *c, enum app_conf_row row)
{
	return c->rows[row].path + sv_rfind(sv_str(c->rows[row].path), '.') + 1;
}

static int
needed_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	static const enum app_conf_row needed[] = { CONF_EXC_ACTION, CONF_EXC_OWNER,
	    CONF_EXC_REASON, CONF_EXC_UNTIL };

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (text_of(it, needed[i]).n == 0)
			return refuse(c, it, CONF_E_MISSING, name_of(c, needed[i]),
			    N_("every exception says action, owner, reason and until"), err);
	return 0;
}

static bool
plain(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
words_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	static const enum app_conf_row words[] = { CONF_EXC_OWNER, CONF_EXC_REASON, CONF_EXC_TICKET };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!plain(text_of(it, words[i])))
			return refuse(c, it, CONF_E_TYPE, name_of(c, words[i]),
			    N_("one line of text without control characters"), err);
	if (text_of(it, CONF_EXC_OWNER).n > OWNER_MAX)
		return refuse(c, it, CONF_E_LIMIT, name_of(c, CONF_EXC_OWNER),
		    N_("at most 48 bytes"), err);
	return 0;
}

static bool
is_assertion(const struct conf_item *it)
{
	return sv_eq(text_of(it, CONF_EXC_ACTION), SV("assert"));
}

static bool
max_len_sound(const struct conf_item *it)
{
	const struct ip_prefix *px = &one(it, CONF_EXC_PREFIX)->px;
	uint32_t max = one(it, CONF_EXC_MAX_LEN)->u;

	return max >= px->len && max <= ip_bits(px->af);
}

static int
vrp_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	bool px = has(it, CONF_EXC_PREFIX), asn = has(it, CONF_EXC_ASN);

	if (has(it, CONF_EXC_PROVIDERS))
		return refuse(c, it, CONF_E_RULE, "providers",
		    N_("providers beside customer only"), err);
	if (!px && !asn)
		return refuse(c, it, CONF_E_MISSING, "prefix",
		    N_("a prefix, an asn, or a customer"), err);
	if (is_assertion(it) && !(px && asn))
		return refuse(c, it, CONF_E_MISSING, px ? "asn" : "prefix",
		    N_("an assertion of a VRP has a prefix and an asn"), err);
	if (!has(it, CONF_EXC_MAX_LEN))
		return 0;
	if (!is_assertion(it) || !max_len_sound(it))
		return refuse(c, it, CONF_E_RULE, "max-length",
		    N_("max-length in assertions only, from the prefix's length to the family's"), err);
	return 0;
}

/* As RPKI_SLURM_PROVIDERS, but people need not sort. */
static bool
providers_sound(const struct conf_item *it)
{
	const struct conf_value *v = col(it, CONF_EXC_PROVIDERS);
	uint32_t customer = one(it, CONF_EXC_CUSTOMER)->u;

	for (size_t i = 0; i < v->n; i++) {
		if (v->items[i].u == customer || (v->items[i].u == 0 && v->n > 1))
			return false;
		for (size_t k = 0; k < i; k++)
			if (v->items[k].u == v->items[i].u)
				return false;
	}
	return true;
}

static int
aspa_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	if (has(it, CONF_EXC_PREFIX) || has(it, CONF_EXC_ASN) || has(it, CONF_EXC_MAX_LEN))
		return refuse(c, it, CONF_E_RULE, "customer, prefix, asn",
		    N_("a customer, or a prefix and an asn; not both"), err);
	if (one(it, CONF_EXC_CUSTOMER)->u == 0)
		return refuse(c, it, CONF_E_RANGE, "customer", N_("an AS number from 1 on"), err);
	if (is_assertion(it) && !has(it, CONF_EXC_PROVIDERS))
		return refuse(c, it, CONF_E_MISSING, "providers",
		    N_("an assertion of an ASPA has a customer and providers"), err);
	if (!is_assertion(it) && has(it, CONF_EXC_PROVIDERS))
		return refuse(c, it, CONF_E_RULE, "providers",
		    N_("a filter of ASPAs has a customer only"), err);
	if (!providers_sound(it))
		return refuse(c, it, CONF_E_RULE, "customer, providers",
		    N_("each provider once, not the customer, and AS 0 alone"), err);
	return 0;
}

int
exceptions_check(const struct conf *c, struct conf_error *err)
{
	const struct conf_value *v = &c->values[TABLE];
	struct buf b = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < v->n && rc == 0; i++) {
		const struct conf_item *it = &v->items[i];

		if ((rc = needed_check(c, it, err)) == 0 && (rc = words_check(c, it, err)) == 0)
			rc = has(it, CONF_EXC_CUSTOMER) ? aspa_check(c, it, err) :
			    vrp_check(c, it, err);
	}
	if (rc < 0)
		return rc;
	exceptions_text(c, &b);
	if (b.rc < 0 || b.len > EXCEPTIONS_TEXT_MAX) {
		rc = refuse(c, &v->items[v->n - 1], CONF_E_LIMIT, c->rows[TABLE].path, NULL, err);
		rc = err->rc = b.rc < 0 ? b.rc : SE_LIMIT;
	}
	buf_done(&b);
	return rc;
}

/* --- the text; exceptions.c reads it --- */

static void
field_put(struct buf *b, struct sv s)
{
	buf_char(b, '\t');
	buf_sv(b, s);
}

static void
number_put(struct buf *b, const struct conf_item *it, enum app_conf_row row)
{
	buf_char(b, '\t');
	if (has(it, row))
		buf_u64(b, one(it, row)->u);
}

static void
line_put(struct buf *b, const struct conf_item *it)
{
	const struct conf_value *p = col(it, CONF_EXC_PROVIDERS);
	char px[IP_PREFIX_STRLEN];

	buf_u64(b, it->line);
	field_put(b, text_of(it, CONF_EXC_ACTION));
	field_put(b, has(it, CONF_EXC_PREFIX) ?
	    sv_str(ip_prefix_str(&one(it, CONF_EXC_PREFIX)->px, px)) : SV(""));
	number_put(b, it, CONF_EXC_ASN);
	number_put(b, it, CONF_EXC_MAX_LEN);
	number_put(b, it, CONF_EXC_CUSTOMER);
	buf_char(b, '\t');
	for (size_t i = 0; i < p->n; i++)
		buf_printf(b, "%s%u", i > 0 ? "," : "", p->items[i].u);
	buf_printf(b, "\t%lld", (long long)(one(it, CONF_EXC_UNTIL)->t > 0 ? one(it, CONF_EXC_UNTIL)->t : 0));
	field_put(b, text_of(it, CONF_EXC_OWNER));
	field_put(b, text_of(it, CONF_EXC_REASON));
	field_put(b, text_of(it, CONF_EXC_TICKET));
	buf_char(b, '\n');
}

void
exceptions_text(const struct conf *c, struct buf *b)
{
	for (size_t i = 0; i < c->values[TABLE].n; i++)
		line_put(b, &c->values[TABLE].items[i]);
}
