/* The XML of an aggregate report (RFC 9990 section 3.1.1; RFC 7489 appendix C). */
#include <stdio.h>

#include "base/json.h"
#include "mail/report.h"

/* Words in both forms; "" in a form that has none. */
struct word {
	const char	*now, *before;
};

static const struct word dispositions[REPORT_DISPOSITION_MAX] = {
	[REPORT_NONE] = { "none", "none" },
	[REPORT_PASS] = { "pass", "none" },
	[REPORT_QUARANTINE] = { "quarantine", "quarantine" },
	[REPORT_REJECT] = { "reject", "reject" },
};

static const struct word overrides[REPORT_OVERRIDE_MAX] = {
	[REPORT_LOCAL_POLICY] = { "local_policy", "local_policy" },
	[REPORT_MAILING_LIST] = { "mailing_list", "mailing_list" },
	[REPORT_OTHER] = { "other", "other" },
	[REPORT_TEST_MODE] = { "policy_test_mode", "other" },
	[REPORT_TRUSTED_FORWARDER] = { "trusted_forwarder", "trusted_forwarder" },
};

static const char *
word(const struct word *w, enum report_form form)
{
	return form == REPORT_RFC9990 ? w->now : w->before;
}

/* --- text --- */

#define REPLACEMENT	"\xef\xbf\xbd"		/* U+FFFD */

static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	default:
		return NULL;
	}
}

/*
 * XML 1.0 section 2.2: "Char ::= #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] |
 * [#x10000-#x10FFFF]". White space other than a blank is none that a domain or a comment needs.
 */
static bool
is_char(struct sv s, size_t n)
{
	unsigned char c = (unsigned char)s.p[0];

	if (n == 1)
		return c >= ' ' && c != 0x7f;
	return n > 0 && !(n == 3 && memcmp(s.p, "\xef\xbf", 2) == 0 && (unsigned char)s.p[2] >= 0xbe);
}

static void
text_put(struct buf *b, struct sv s)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);
		const char *e = entity(s.p[0]);

		if (!is_char(s, n))
			buf_str(b, REPLACEMENT);
		else if (e != NULL)
			buf_str(b, e);
		else
			buf_sv(b, sv_take(s, n));
		s = sv_skip(s, n == 0 ? 1 : n);
	}
}

/* --- elements --- */

static void
indent(struct buf *b, unsigned depth)
{
	while (depth-- > 0)
		buf_str(b, "  ");
}

static void
open_tag(struct buf *b, unsigned depth, const char *name)
{
	indent(b, depth);
	buf_printf(b, "<%s>\n", name);
}

static void
close_tag(struct buf *b, unsigned depth, const char *name)
{
	indent(b, depth);
	buf_printf(b, "</%s>\n", name);
}

static void
element(struct buf *b, unsigned depth, const char *name, struct sv text)
{
	indent(b, depth);
	buf_printf(b, "<%s>", name);
	text_put(b, text);
	buf_printf(b, "</%s>\n", name);
}

static void
element_str(struct buf *b, unsigned depth, const char *name, const char *text)
{
	element(b, depth, name, sv_str(text));
}

static void
element_if(struct buf *b, unsigned depth, const char *name, struct sv text)
{
	if (text.n > 0)
		element(b, depth, name, text);
}

static void
element_number(struct buf *b, unsigned depth, const char *name, uint64_t n)
{
	indent(b, depth);
	buf_printf(b, "<%s>", name);
	buf_u64(b, n);
	buf_printf(b, "</%s>\n", name);
}

/* --- the head --- */

static void
meta_put(struct buf *b, enum report_form form, const struct report_meta *m)
{
	open_tag(b, 1, "report_metadata");
	element(b, 2, "org_name", m->org_name);
	element(b, 2, "email", m->email);
	element_if(b, 2, "extra_contact_info", m->contact);
	element(b, 2, "report_id", m->report_id);
	open_tag(b, 2, "date_range");
	element_number(b, 3, "begin", (uint64_t)max_i64(m->begin, 0));
	element_number(b, 3, "end", (uint64_t)max_i64(m->end, 0));
	close_tag(b, 2, "date_range");
	element_if(b, 2, "error", m->error);
	if (form == REPORT_RFC9990)
		element_if(b, 2, "generator", m->generator);
	close_tag(b, 1, "report_metadata");
}

/* As the record has it: "0" is the default (RFC 9989 section 4.7). */
static void
fo_put(struct buf *b, unsigned fo)
{
	static const char letters[] = "01ds";
	char text[2 * sizeof(letters)];
	size_t n = 0;

	for (unsigned i = 0; i + 1 < sizeof(letters); i++) {
		if ((fo & 1U << i) == 0)
			continue;
		if (n > 0)
			text[n++] = ':';
		text[n++] = letters[i];
	}
	element(b, 2, "fo", n == 0 ? SV("0") : (struct sv){ text, n });
}

static void
policy_now(struct buf *b, const struct report_policy *p)
{
	element(b, 2, "domain", p->domain);
	element_str(b, 2, "discovery_method", dmarc_method_name(p->method));
	element_str(b, 2, "p", dmarc_policy_name(p->p));
	element_str(b, 2, "sp", dmarc_policy_name(p->sp));
	element_str(b, 2, "np", dmarc_policy_name(p->np));
	fo_put(b, p->fo);
	element_str(b, 2, "adkim", p->strict_dkim ? "s" : "r");
	element_str(b, 2, "aspf", p->strict_spf ? "s" : "r");
	element_str(b, 2, "testing", p->testing ? "y" : "n");
}

static void
policy_before(struct buf *b, const struct report_policy *p)
{
	element(b, 2, "domain", p->domain);
	element_str(b, 2, "adkim", p->strict_dkim ? "s" : "r");
	element_str(b, 2, "aspf", p->strict_spf ? "s" : "r");
	element_str(b, 2, "p", dmarc_policy_name(p->p));
	element_str(b, 2, "sp", dmarc_policy_name(p->sp));
	element_number(b, 2, "pct", p->pct);
	fo_put(b, p->fo);
}

void
report_begin(struct buf *b, enum report_form form, const struct report_meta *m,
    const struct report_policy *p)
{
	buf_str(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	buf_str(b, form == REPORT_RFC9990 ?
	    "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n" : "<feedback>\n");
	element(b, 1, "version", SV("1.0"));
	meta_put(b, form, m);
	open_tag(b, 1, "policy_published");
	(form == REPORT_RFC9990 ? policy_now : policy_before)(b, p);
	close_tag(b, 1, "policy_published");
}

/* --- a row --- */

static void
evaluated_put(struct buf *b, enum report_form form, const struct report_row *r)
{
	open_tag(b, 3, "policy_evaluated");
	element_str(b, 4, "disposition", word(&dispositions[r->disposition], form));
	element_str(b, 4, "dkim", r->dkim_aligned ? "pass" : "fail");
	element_str(b, 4, "spf", r->spf_aligned ? "pass" : "fail");
	for (size_t i = 0; i < r->n_reasons; i++) {
		open_tag(b, 4, "reason");
		element_str(b, 5, "type", word(&overrides[r->reasons[i].type], form));
		element_if(b, 5, "comment", r->reasons[i].comment);
		close_tag(b, 4, "reason");
	}
	close_tag(b, 3, "policy_evaluated");
}

/* The older schema wants envelope_from always, and has it behind envelope_to. */
static void
identifiers_put(struct buf *b, enum report_form form, const struct report_row *r)
{
	open_tag(b, 2, "identifiers");
	if (form == REPORT_RFC9990)
		element(b, 3, "header_from", r->header_from);
	else
		element_if(b, 3, "envelope_to", r->envelope_to);
	if (r->has_envelope_from || form == REPORT_RFC7489)
		element(b, 3, "envelope_from", r->envelope_from);
	if (form == REPORT_RFC9990)
		element_if(b, 3, "envelope_to", r->envelope_to);
	else
		element(b, 3, "header_from", r->header_from);
	close_tag(b, 2, "identifiers");
}

static void
dkim_put(struct buf *b, const struct report_dkim *d)
{
	open_tag(b, 3, "dkim");
	element(b, 4, "domain", d->domain);
	element(b, 4, "selector", d->selector);
	element_str(b, 4, "result", mail_result_name(d->result));
	element_if(b, 4, "human_result", d->human);
	close_tag(b, 3, "dkim");
}

/*
 * RFC 9990 section 3.1.1.13: 'Only the "MAIL FROM" identity … is used in DMARC'; what was
 * checked of a null sender is its HELO, which that form has no word for.
 */
static void
spf_put(struct buf *b, enum report_form form, const struct report_row *r)
{
	open_tag(b, 3, "spf");
	element(b, 4, "domain", r->spf_domain);
	if (form == REPORT_RFC7489 || !r->spf_helo)
		element_str(b, 4, "scope", r->spf_helo ? "helo" : "mfrom");
	element_str(b, 4, "result", mail_result_name(r->spf));
	if (form == REPORT_RFC9990)
		element_if(b, 4, "human_result", r->spf_human);
	close_tag(b, 3, "spf");
}

static void
auth_put(struct buf *b, enum report_form form, const struct report_row *r)
{
	open_tag(b, 2, "auth_results");
	for (size_t i = 0; i < min_size(r->n_dkim, REPORT_DKIM_MAX); i++)
		dkim_put(b, &r->dkim[i]);
	if (r->spf_domain.n > 0 || form == REPORT_RFC7489)	/* there always "at least one" */
		spf_put(b, form, r);
	close_tag(b, 2, "auth_results");
}

/* The older schema knows IPv6 addresses only with all of their eight groups. */
static void
source_put(struct buf *b, enum report_form form, const struct ip_prefix *source)
{
	const uint8_t *a = source->addr;
	char text[IP_ADDR_STRLEN];

	if (form == REPORT_RFC7489 && source->af == IP_V6)
		(void)snprintf(text, sizeof(text), "%x:%x:%x:%x:%x:%x:%x:%x",
		    a[0] << 8 | a[1], a[2] << 8 | a[3], a[4] << 8 | a[5], a[6] << 8 | a[7],
		    a[8] << 8 | a[9], a[10] << 8 | a[11], a[12] << 8 | a[13], a[14] << 8 | a[15]);
	else
		(void)ip_addr_str(a, source->af, text);
	element_str(b, 3, "source_ip", text);
}

void
report_row(struct buf *b, enum report_form form, const struct report_row *r)
{
	open_tag(b, 1, "record");
	open_tag(b, 2, "row");
	source_put(b, form, &r->source);
	element_number(b, 3, "count", r->count);
	evaluated_put(b, form, r);
	close_tag(b, 2, "row");
	identifiers_put(b, form, r);
	auth_put(b, form, r);
	close_tag(b, 1, "record");
}

void
report_end(struct buf *b)
{
	buf_str(b, "</feedback>\n");
}
