/*
 * A failure report: RFC 9991 in the form of RFC 6591 (an auth-failure report of
 * RFC 5965), redacted as RFC 6590 has it.
 *
 * A message's head tells who writes to whom, so only what helps to find the
 * fault goes out: fields of a short list, addresses with their local parts
 * replaced (the same person has the same word in all reports made with one
 * key, and nobody without the key can try names), no display names, no body.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/base64.h"
#include "base/timefmt.h"
#include "crypto/hmac.h"
#include "mail/report_internal.h"
#include "mail/tags.h"

#define WORD_OCTETS	9		/* of the MAC; 12 letters, enough to tell a provider's users apart */
#define WORD_LEN	(WORD_OCTETS / 3 * 4)

static const char *const deliveries[REPORT_DELIVERY_MAX] = {
	[REPORT_DELIVERED] = "delivered",
	[REPORT_SPAM] = "spam",
	[REPORT_POLICY] = "policy",
	[REPORT_REJECTED] = "reject",
	[REPORT_OTHER_WAY] = "other",
};

struct failure {
	struct buf			*b;
	const struct report_failure	*f;
	struct crypto_hmac		*mac;
	struct pool			*pool;
};

/* --- redaction --- */

/* RFC 6590 section 3: a keyed digest of the text takes its place. */
static void
word_put(const struct failure *w, struct sv local)
{
	uint8_t mac[CRYPTO_HMAC_LEN_MAX];
	char word[WORD_LEN + 4];

	crypto_hmac_update(w->mac, local.p, local.n);
	crypto_hmac_final(w->mac, mac);
	buf_bytes(w->b, word, base64url_encode(word, mac, WORD_OCTETS));
}

static void
name_put(const struct failure *w, const struct dname *name)
{
	char text[DNAME_STRLEN];
	struct sv s = sv_str(dname_str(name, text));

	buf_sv(w->b, sv_take(s, s.n - 1));	/* without the final dot */
}

static void
address_put(const struct failure *w, const struct mail_address *a)
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
addresses_put(const struct failure *w, const struct mail_field *field)
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
		address_put(w, &a[i]);
	}
	buf_str(w->b, n == 0 ? " [not readable]\n" : "\n");
	return 0;
}

/* Printable ASCII and folds: nothing that this mail's own reader could take for more. */
static bool
is_plain(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < ' ' || s.p[i] > '~') && s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n')
			return false;
	return true;
}

/* Lines of a field, or of one of ours, with LF. */
static void
lines_put(struct buf *b, struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r')
			buf_char(b, s.p[i]);
	buf_char(b, '\n');
}

static int
field_put(const struct failure *w, const struct mail_field *field)
{
	if (is_plain(field->raw))
		lines_put(w->b, field->raw);
	return 0;
}

/* z= is a copy of the head (RFC 6376 section 3.5), addresses and all. */
static int
signature_put(const struct failure *w, const struct mail_field *field)
{
	struct mail_tags tags;
	size_t at;

	if (mail_tags_parse(field->value, &tags, &at) != MAIL_TAGS_OK || mail_tag_get(&tags, "z").p != NULL)
		return 0;
	return field_put(w, field);
}

static int
subject_put(const struct failure *w, const struct mail_field *field)
{
	if (w->f->with_subject)
		return field_put(w, field);
	buf_str(w->b, "Subject: [redacted]\n");
	return 0;
}

static const struct {
	const char	*name;
	int		(*put)(const struct failure *, const struct mail_field *);
} fields[] = {
	{ "ARC-Message-Signature", signature_put },
	{ "ARC-Seal", signature_put },
	{ "Cc", addresses_put },
	{ "Date", field_put },
	{ "DKIM-Signature", signature_put },
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

static int
fields_put(const struct failure *w)
{
	for (size_t i = 0; i < min_size(w->f->head->n, REPORT_FIELDS_MAX); i++) {
		const struct mail_field *field = &w->f->head->fields[i];

		for (size_t k = 0; k < ARRAY_LEN(fields); k++)
			if (sv_caseeq(field->name, sv_str(fields[k].name)) && fields[k].put(w, field) < 0)
				return -ENOMEM;
	}
	return 0;
}

/* --- the parts --- */

static void
head_put(const struct failure *w)
{
	const struct report_failure *f = w->f;
	char date[TIME_MAIL_STRLEN];

	buf_printf(w->b, "From: <%.*s>\nTo: <%.*s>\nSubject: DMARC failure report for %.*s\nDate: %s\n",
	    SV_ARG(f->from), SV_ARG(f->to), SV_ARG(f->domain), time_mail_str(f->at, date));
	buf_printf(w->b, "Message-ID: <%.*s@%.*s>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n",
	    SV_ARG(f->id), SV_ARG(f->submitter));
	buf_printf(w->b, "Content-Type: multipart/report; report-type=feedback-report;\n boundary=\"=_%.*s\"\n\n",
	    SV_ARG(f->id));
	buf_printf(w->b, "--=_%.*s\nContent-Type: text/plain; charset=us-ascii\n\n"
	    "A message that says it comes from %.*s was not authenticated (RFC 9991).\n"
	    "You get this as the ruf= tag of its DMARC record asks for it.\n\n",
	    SV_ARG(f->id), SV_ARG(f->domain));
}

static void
dkim_put(const struct failure *w)
{
	const struct report_failure *f = w->f;

	if (f->dkim_domain.n == 0)
		return;
	buf_printf(w->b, "DKIM-Domain: %.*s\nDKIM-Identity: @%.*s\nDKIM-Selector: %.*s\n",
	    SV_ARG(f->dkim_domain), SV_ARG(f->dkim_domain), SV_ARG(f->dkim_selector));
}

/* RFC 6591 section 3.2.3: SPF-DNS is "txt", the domain, and the record between quotes. */
static void
spf_put(const struct failure *w)
{
	const struct report_failure *f = w->f;

	if (f->spf_domain.n == 0)
		return;
	buf_printf(w->b, "SPF-DNS: txt : %.*s : \"", SV_ARG(f->spf_domain));
	for (size_t i = 0; i < f->spf_record.n; i++) {
		char c = f->spf_record.p[i];

		if (c == '"' || c == '\\')
			buf_char(w->b, '\\');
		buf_char(w->b, c >= ' ' && c <= '~' ? c : '?');
	}
	buf_str(w->b, "\"\n");
}

static void
feedback_put(const struct failure *w)
{
	const struct report_failure *f = w->f;
	char text[TIME_MAIL_STRLEN], source[IP_ADDR_STRLEN];

	buf_printf(w->b, "--=_%.*s\nContent-Type: message/feedback-report\n\n"
	    "Feedback-Type: auth-failure\nVersion: 1\nUser-Agent: %.*s\nAuth-Failure: dmarc\n",
	    SV_ARG(f->id), SV_ARG(f->agent));
	buf_str(w->b, "Authentication-Results: ");
	lines_put(w->b, f->auth_results);
	buf_printf(w->b, "Identity-Alignment: %s\n", f->dkim_failed ? f->spf_failed ? "dkim, spf" : "dkim" :
	    f->spf_failed ? "spf" : "none");
	dkim_put(w);
	spf_put(w);
	buf_printf(w->b, "Delivery-Result: %s\n", deliveries[f->delivery]);
	buf_str(w->b, "Original-Mail-From: ");
	if (f->mail_from == NULL)
		buf_str(w->b, "<>");
	else
		address_put(w, f->mail_from);
	buf_printf(w->b, "\nArrival-Date: %s\n", time_mail_str(f->arrived, text));
	buf_printf(w->b, "Source-IP: %s\n", ip_addr_str(f->source.addr, f->source.af, source));
	buf_printf(w->b, "Reported-Domain: %.*s\nIncidents: %" PRIu64 "\n\n", SV_ARG(f->domain), f->incidents);
}

static bool
failure_ok(const struct report_failure *f)
{
	return report_address_ok(f->from) && report_address_ok(f->to) && report_domain_ok(f->submitter) &&
	    report_domain_ok(f->domain) && report_id_ok(f->id) && is_plain(f->auth_results) &&
	    f->agent.n > 0 && is_plain(f->agent) && f->key.n >= REPORT_KEY_MIN &&
	    (f->dkim_domain.n == 0 || (report_domain_ok(f->dkim_domain) && report_domain_ok(f->dkim_selector))) &&
	    (f->spf_domain.n == 0 || report_domain_ok(f->spf_domain));
}

int
report_failure_write(struct buf *b, struct pool *pool, const struct report_failure *f)
{
	_cleanup_(crypto_hmac_freep) struct crypto_hmac *mac = NULL;
	struct failure w = { .b = b, .f = f, .pool = pool };
	int rc;

	if (!failure_ok(f))
		return -EINVAL;
	if ((mac = crypto_hmac_new(CRYPTO_HMAC_SHA256, f->key)) == NULL)
		return -ENOMEM;
	w.mac = mac;
	head_put(&w);
	feedback_put(&w);
	buf_printf(b, "--=_%.*s\nContent-Type: text/rfc822-headers; charset=us-ascii\n\n", SV_ARG(f->id));
	if ((rc = fields_put(&w)) < 0)
		return rc;
	buf_printf(b, "\n--=_%.*s--\n", SV_ARG(f->id));
	return b->rc;
}
