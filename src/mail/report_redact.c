/*
 * What of a message others may see (RFC 6590). Its head tells who writes to
 * whom, so only what helps to find the fault goes out: fields of a short list,
 * addresses with their local parts replaced (the same person has the same word
 * in all reports made with one key, and nobody without the key can try names),
 * no display names, no comments, no body.
 */
#include <errno.h>

#include "base/base64.h"
#include "mail/report_internal.h"

#define WORD_OCTETS	9		/* of the MAC; 12 letters, enough to tell a provider's users apart */
#define WORD_LEN	(WORD_OCTETS / 3 * 4)
#define LOCAL_MIN	4		/* octets: a shorter one is in many a random word */
#define PEOPLE_MAX	64		/* of the head, for identifiers that name one of them */
#define DATE_MAX	64		/* octets: RFC 5322's longest has 32 */
#define ID_MAX		250		/* octets of a Message-ID or a list's; usual ones have 70 */

/* --- words and addresses --- */

bool
report_key_ok(struct sv key)
{
	return key.n >= REPORT_KEY_MIN;
}

/* RFC 6590 section 3: a keyed digest of the text takes its place. */
void
report_redact_word(const struct report_redact *w, struct sv local)
{
	uint8_t mac[CRYPTO_HMAC_LEN_MAX];
	char word[WORD_LEN + 4];

	crypto_hmac_update(w->mac, local.p, local.n);
	crypto_hmac_final(w->mac, mac);
	buf_bytes(w->b, word, base64url_encode(word, mac, WORD_OCTETS));
}

static void
name_put(const struct report_redact *w, const struct dname *name)
{
	char text[DNAME_STRLEN];

	buf_sv(w->b, mail_name_str(name, text));
}

void
report_redact_address(const struct report_redact *w, const struct mail_address *a)
{
	buf_char(w->b, '<');
	report_redact_word(w, a->local);
	buf_char(w->b, '@');
	name_put(w, &a->name);
	buf_char(w->b, '>');
}

/* --- fields of the message --- */

/* What cannot be read as addresses is not sent as something else. */
static int
addresses_put(const struct report_redact *w, const struct mail_field *field)
{
	struct mail_address *a = NULL;
	struct findings unsaid;
	size_t n = 0;

	findings_init(&unsaid, w->pool);
	if (mail_addresses(w->pool, field->value, &unsaid, &a, &n) < 0)
		return -ENOMEM;
	buf_sv(w->b, field->name);
	buf_char(w->b, ':');
	for (size_t i = 0; i < n; i++) {
		buf_str(w->b, i == 0 ? " " : ",\n ");
		report_redact_address(w, &a[i]);
	}
	buf_str(w->b, n == 0 ? " [not readable]\n" : "\n");
	return 0;
}

static int
field_put(const struct report_redact *w, const struct mail_field *field)
{
	if (report_text_ok(field->raw))
		report_lines_put(w->b, field->raw);
	return 0;
}

static void
unread_put(const struct report_redact *w, const struct mail_field *field)
{
	buf_printf(w->b, "%.*s: [not readable]\n", SV_ARG(field->name));
}

static bool
is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == ' ' ||
	    c == ',' || c == ':' || c == '+' || c == '-' || c == '.';
}

/* A date, a version: without the comment behind it, which may name who wrote, or on what. */
static int
plain_put(const struct report_redact *w, const struct mail_field *field)
{
	struct sv value = sv_trim(sv_take(field->value, sv_find(field->value, '(')));

	for (size_t i = 0; i < value.n; i++)
		if (!is_plain(value.p[i]))
			value.n = 0;
	if (value.n == 0 || value.n > DATE_MAX)
		unread_put(w, field);
	else
		buf_printf(w->b, "%.*s: %.*s\n", SV_ARG(field->name), SV_ARG(value));
	return 0;
}

/* --- identifiers --- */

static bool
has_text(struct sv in, struct sv what)
{
	for (; in.n >= what.n; in = sv_skip(in, 1))
		if (sv_caseeq(sv_take(in, what.n), what))
			return true;
	return false;
}

/* Does it name one of the people in the head, as some programs have it? */
static bool
names_somebody(const struct report_redact *w, struct sv id)
{
	for (size_t i = 0; i < w->n_people; i++)
		if (has_text(id, w->people[i]))
			return true;
	return false;
}

/*
 * "<…>" alone: before it a list has its title, and behind it are comments. A complaint has it as it
 * is: "MUST contain the Message-ID" (RFC 9477 section 3.5), by which its sender knows the message.
 */
static int
id_put(const struct report_redact *w, const struct mail_field *field)
{
	struct sv id = sv_skip(field->value, sv_find(field->value, '<') + 1), local;
	size_t end = sv_find(id, '>');

	id = sv_take(id, end == id.n ? 0 : end);
	local = sv_take(id, sv_find(id, '@'));
	if (id.n == 0 || id.n > ID_MAX || !sv_graphic(id)) {
		if (w->with_tokens && sv_caseeq(field->name, SV("Message-ID")))
			return field_put(w, field);
		unread_put(w, field);
		return 0;
	}
	buf_printf(w->b, "%.*s: <", SV_ARG(field->name));
	if (!w->with_tokens && names_somebody(w, local)) {
		report_redact_word(w, local);
		id = sv_skip(id, local.n);
	}
	buf_printf(w->b, "%.*s>\n", SV_ARG(id));
	return 0;
}

static int
subject_put(const struct report_redact *w, const struct mail_field *field)
{
	if (w->with_subject)
		return field_put(w, field);
	buf_str(w->b, "Subject: [redacted]\n");
	return 0;
}

/* By which a sender knows the recipient again, without the recipient's address (RFC 9477 section 3.2). */
static int
token_put(const struct report_redact *w, const struct mail_field *field)
{
	return w->with_tokens ? field_put(w, field) : 0;
}

static const struct {
	const char	*name;
	int		(*put)(const struct report_redact *, const struct mail_field *);
} fields[] = {
	{ "ARC-Message-Signature", report_redact_signature },
	{ "ARC-Seal", report_redact_signature },
	{ "Cc", addresses_put },
	{ "CFBL-Address", token_put },
	{ "CFBL-Feedback-ID", token_put },
	{ "Date", plain_put },
	{ "DKIM-Signature", report_redact_signature },
	{ "Feedback-ID", token_put },
	{ "From", addresses_put },
	{ "List-Id", id_put },
	{ "Message-ID", id_put },
	{ "MIME-Version", plain_put },
	{ "Reply-To", addresses_put },
	{ "Return-Path", addresses_put },
	{ "Sender", addresses_put },
	{ "Subject", subject_put },
	{ "To", addresses_put },
};

/* All of the field, or that there was one. */
static int
field_fit(const struct report_redact *w, size_t k, const struct mail_field *field, size_t begin)
{
	size_t before = w->b->len;

	if (fields[k].put(w, field) < 0)
		return -ENOMEM;
	if (w->b->rc < 0 || ((w->max == 0 || w->b->len - begin <= w->max) &&
	    report_lines_ok(sv_skip(buf_get(w->b), before))))
		return 0;
	w->b->len = before;
	buf_printf(w->b, "%s: [left out]\n", fields[k].name);
	return 0;
}

static int
people_take(struct report_redact *w, const struct mail_field *field)
{
	struct mail_address *a = NULL;
	struct findings unsaid;
	size_t n = 0;

	findings_init(&unsaid, w->pool);
	if (mail_addresses(w->pool, field->value, &unsaid, &a, &n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n && w->n_people < PEOPLE_MAX; i++)
		if (a[i].local.n >= LOCAL_MIN)
			w->people[w->n_people++] = a[i].local;
	return 0;
}

static int
people_find(struct report_redact *w)
{
	static const char *const names[] = { "From", "To", "Cc", "Reply-To", "Return-Path", "Sender" };

	if ((w->people = pool_calloc(w->pool, PEOPLE_MAX, sizeof(*w->people))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct mail_field *field = mail_head_last(w->head, sv_str(names[i]), 0);

		if (field != NULL && people_take(w, field) < 0)
			return -ENOMEM;
	}
	return 0;
}

int
report_redact_head(struct report_redact *w)
{
	size_t begin = w->b->len;

	if (people_find(w) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < min_size(w->head->n, REPORT_FIELDS_MAX); i++) {
		const struct mail_field *field = &w->head->fields[i];

		for (size_t k = 0; k < ARRAY_LEN(fields); k++)
			if (sv_caseeq(field->name, sv_str(fields[k].name)) &&
			    field_fit(w, k, field, begin) < 0)
				return -ENOMEM;
	}
	return 0;
}
