/*
 * A signature as others may see it. RFC 6376 section 3.5: i= is an address, and may be a person's;
 * z= is a copy of the head, addresses and all. And b= is made over fields that are words here:
 * whoever has the whole of it and the key from the DNS can try names until one fits. Its first
 * letters tell one signature from another (RFC 6008) and prove nothing. What other tags hold, their
 * inventors know.
 */
#include "mail/report_internal.h"
#include "mail/tags.h"

#define B_LETTERS	8		/* RFC 6008 section 4: "at least eight" */

static bool
is_known(struct sv name)
{
	static const char *const names[] = { "a", "bh", "c", "cv", "d", "h", "l", "q", "s", "t", "v", "x" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (sv_eq_str(name, names[i]))
			return true;
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
octets_put(const struct report_redact *w, struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r')
			buf_char(w->b, s.p[i]);
}

static void
begin_put(const struct report_redact *w, struct sv b)
{
	for (size_t i = 0, n = 0; i < b.n && n < B_LETTERS; i++)
		if (!is_blank(b.p[i])) {
			buf_char(w->b, b.p[i]);
			n++;
		}
}

/* The word that it is elsewhere. A number is ARC's. */
static void
identity_put(const struct report_redact *w, struct sv value)
{
	size_t at = sv_rfind(value, '@');
	uint32_t instance;

	if (at == value.n && num_u32(value, 0, UINT32_MAX, &instance) < 0) {
		buf_str(w->b, "redacted");
		return;
	}
	if (at > 0 && at < value.n)
		report_redact_word(w, sv_take(value, at));
	octets_put(w, at < value.n ? sv_skip(value, at) : value);
}

static void
tag_put(const struct report_redact *w, const struct mail_tag *t)
{
	if (sv_eq_str(t->name, "b"))
		begin_put(w, t->value);
	else if (sv_eq_str(t->name, "i"))
		identity_put(w, t->value);
	else if (t->value.n > 0 && (!is_known(t->name) || sv_find(t->value, '@') < t->value.n))
		buf_str(w->b, "redacted");
	else
		octets_put(w, t->value);
}

/* As it came but for the values. */
int
report_redact_signature(const struct report_redact *w, const struct mail_field *field)
{
	struct sv left = field->raw;
	struct mail_tags tags;
	size_t at;

	if (!report_text_ok(left) || mail_tags_parse(field->value, &tags, &at) != MAIL_TAGS_OK) {
		buf_printf(w->b, "%.*s: [not readable]\n", SV_ARG(field->name));
		return 0;
	}
	for (size_t i = 0; i < tags.n; i++) {
		struct sv value = tags.tag[i].value;

		if (value.n == 0)
			continue;
		octets_put(w, sv_take(left, (size_t)(value.p - left.p)));
		tag_put(w, &tags.tag[i]);
		left = sv_skip(left, (size_t)(value.p - left.p) + value.n);
	}
	report_lines_put(w->b, left);
	return 0;
}
