/*
 * What of a message others may see (RFC 6590). Its head tells who writes to
 * whom, so only what helps to find the fault goes out: fields of a short list,
 * addresses with their local parts replaced (the same person has the same word
 * in all reports made with one key, and nobody without the key can try names),
 * no display names, no body. And the frame of a mail that carries such a report.
 */
#include <errno.h>

#include "base/base64.h"
#include "base/timefmt.h"
#include "mail/report_internal.h"
#include "mail/tags.h"

#define WORD_OCTETS	9		/* of the MAC; 12 letters, enough to tell a provider's users apart */
#define WORD_LEN	(WORD_OCTETS / 3 * 4)

/* --- words and addresses --- */

/* RFC 6590 section 3: a keyed digest of the text takes its place. */
static void
word_put(const struct report_redact *w, struct sv local)
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
	word_put(w, a->local);
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

bool
report_text_ok(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < ' ' || s.p[i] > '~') && s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n')
			return false;
	return true;
}

void
report_lines_put(struct buf *b, struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r')
			buf_char(b, s.p[i]);
	buf_char(b, '\n');
}

static int
field_put(const struct report_redact *w, const struct mail_field *field)
{
	if (report_text_ok(field->raw))
		report_lines_put(w->b, field->raw);
	return 0;
}

/* i= may be a person's address; its local part becomes the word that it is elsewhere. */
static void
identity_put(const struct report_redact *w, const struct mail_field *field, struct sv local)
{
	struct sv raw = field->raw;
	size_t before = (size_t)(local.p - raw.p);

	if (!report_text_ok(raw))
		return;
	for (size_t i = 0; i < before; i++)
		if (raw.p[i] != '\r')
			buf_char(w->b, raw.p[i]);
	word_put(w, local);
	report_lines_put(w->b, sv_skip(raw, before + local.n));
}

/*
 * z= is a copy of the head (RFC 6376 section 3.5), addresses and all. A number in i= is ARC's; what
 * is neither that nor has an "@" is nothing that could be redacted.
 */
static int
signature_put(const struct report_redact *w, const struct mail_field *field)
{
	struct mail_tags tags;
	struct sv identity;
	uint32_t instance;
	size_t at;

	if (mail_tags_parse(field->value, &tags, &at) != MAIL_TAGS_OK || mail_tag_get(&tags, "z").p != NULL)
		return 0;
	identity = mail_tag_get(&tags, "i");
	if (identity.n == 0 || num_u32(identity, 0, UINT32_MAX, &instance) == 0)
		return field_put(w, field);
	at = sv_rfind(identity, '@');
	if (at == 0)
		return field_put(w, field);
	if (at < identity.n)
		identity_put(w, field, sv_take(identity, at));
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
	{ "ARC-Message-Signature", signature_put },
	{ "ARC-Seal", signature_put },
	{ "Cc", addresses_put },
	{ "CFBL-Address", token_put },
	{ "CFBL-Feedback-ID", token_put },
	{ "Date", field_put },
	{ "DKIM-Signature", signature_put },
	{ "Feedback-ID", token_put },
	{ "From", addresses_put },
	{ "List-Id", field_put },
	{ "Message-ID", field_put },
	{ "MIME-Version", field_put },
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
	if (w->max == 0 || w->b->rc < 0 || w->b->len - begin <= w->max)
		return 0;
	w->b->len = before;
	buf_printf(w->b, "%s: [left out]\n", fields[k].name);
	return 0;
}

int
report_redact_head(const struct report_redact *w, const struct mail_head *head)
{
	size_t begin = w->b->len;

	for (size_t i = 0; i < min_size(head->n, REPORT_FIELDS_MAX); i++) {
		const struct mail_field *field = &head->fields[i];

		for (size_t k = 0; k < ARRAY_LEN(fields); k++)
			if (sv_caseeq(field->name, sv_str(fields[k].name)) &&
			    field_fit(w, k, field, begin) < 0)
				return -ENOMEM;
	}
	return 0;
}

/* --- the mail around it --- */

bool
report_frame_ok(const struct report_frame *f)
{
	return report_address_ok(f->from) && report_address_ok(f->to) && report_domain_ok(f->submitter) &&
	    report_id_ok(f->id) && f->agent.n > 0 && report_text_ok(f->agent);
}

bool
report_key_ok(struct sv key)
{
	return key.n >= REPORT_KEY_MIN;
}

void
report_frame_begin(struct buf *b, const struct report_frame *f, const char *what, struct sv about)
{
	char date[TIME_MAIL_STRLEN];

	buf_printf(b, "From: <%.*s>\nTo: <%.*s>\nSubject: %s for %.*s\nDate: %s\n", SV_ARG(f->from),
	    SV_ARG(f->to), what, SV_ARG(about), time_mail_str(f->at, date));
	buf_printf(b, "Message-ID: <%.*s@%.*s>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n",
	    SV_ARG(f->id), SV_ARG(f->submitter));
	buf_printf(b, "Content-Type: multipart/report; report-type=feedback-report;\n boundary=\"=_%.*s\"\n\n",
	    SV_ARG(f->id));
	report_frame_part(b, f, "text/plain; charset=us-ascii");
}

void
report_frame_part(struct buf *b, const struct report_frame *f, const char *type)
{
	buf_printf(b, "--=_%.*s\nContent-Type: %s\n\n", SV_ARG(f->id), type);
}

/* The fields of RFC 5965 section 3.1. */
void
report_frame_feedback(struct buf *b, const struct report_frame *f, const char *type)
{
	report_frame_part(b, f, "message/feedback-report");
	buf_printf(b, "Feedback-Type: %s\nVersion: 1\nUser-Agent: %.*s\n", type, SV_ARG(f->agent));
}

void
report_frame_end(struct buf *b, const struct report_frame *f, struct sv head)
{
	report_frame_part(b, f, "text/rfc822-headers; charset=us-ascii");
	buf_sv(b, head);
	buf_printf(b, "\n--=_%.*s--\n", SV_ARG(f->id));
}
