/*
 * A failure report: RFC 9991 in the form of RFC 6591 (an auth-failure report of
 * RFC 5965), redacted as RFC 6590 has it (report_redact.c). In two steps: what
 * is said of the message, where the message is; and later, when it is known who
 * gets it and how many were alike, the mail.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/timefmt.h"
#include "mail/report_internal.h"

static const char *const deliveries[REPORT_DELIVERY_MAX] = {
	[REPORT_DELIVERED] = "delivered",
	[REPORT_SPAM] = "spam",
	[REPORT_POLICY] = "policy",
	[REPORT_REJECTED] = "reject",
	[REPORT_OTHER_WAY] = "other",
};

static const char *const auth_failures[REPORT_AUTH_MAX] = {
	[REPORT_AUTH_DMARC] = "dmarc",
	[REPORT_AUTH_SIGNATURE] = "signature",
	[REPORT_AUTH_BODYHASH] = "bodyhash",
	[REPORT_AUTH_REVOKED] = "revoked",
	[REPORT_AUTH_SPF] = "spf",
};

struct failure {
	struct buf			*b;
	const struct report_failure	*f;
	struct report_redact		 redact;
};

/* --- the parts --- */

static void
dkim_put(const struct failure *w)
{
	const struct report_failure *f = w->f;

	if (f->dkim_domain.n == 0)
		return;
	buf_printf(w->b, "DKIM-Domain: %.*s\nDKIM-Identity: @%.*s\nDKIM-Selector: %.*s\n",
	    SV_ARG(f->dkim_domain), SV_ARG(f->dkim_identity.n > 0 ? f->dkim_identity : f->dkim_domain),
	    SV_ARG(f->dkim_selector));
}

/*
 * RFC 6591 section 4: SPF-DNS is "txt", the domain, and the record between quotes; folds are at its
 * blanks. One that cannot be folded is left out: its owner has it. Section 3.2.6 has it "once for
 * every SPF record" used; section 5.2 registers it as one that does not stand more than once. It is
 * the domain's own record here: those that it includes are others', and their owners know them.
 */
static void
spf_put(const struct failure *w)
{
	const struct report_failure *f = w->f;
	size_t begin = w->b->len, line = begin;

	if (f->spf_domain.n == 0)
		return;
	buf_printf(w->b, "SPF-DNS: txt : %.*s : \"", SV_ARG(f->spf_domain));
	for (size_t i = 0; i < f->spf_record.n; i++) {
		char c = f->spf_record.p[i];

		if (c == ' ' && w->b->len - line >= AUTHRES_LINE_MAX) {
			buf_char(w->b, '\n');
			line = w->b->len;
		}
		if (c == '"' || c == '\\')
			buf_char(w->b, '\\');
		buf_char(w->b, c >= ' ' && c <= '~' ? c : '?');
	}
	buf_str(w->b, "\"\n");
	if (w->b->rc == 0 && !report_lines_ok(sv_skip(buf_get(w->b), begin)))
		w->b->len = begin;
}

/*
 * On purpose not as written: RFC 5965 section 3.2 has the form of RFC 5321 section 4.1.3 for
 * Source-IP, which is "IPv6:2001:db8::1". RFC 9477 section 8.2 has it without that word, as
 * generators do, and readers (2026-11-23: mail-auth, parsedmarc) take the whole value for an
 * address and would lose it.
 *
 * RFC 6650 section 6 "SHOULD include" Original-Rcpt-To: it is left out, as it tells the owner of a
 * domain to whom mail went that others sent in its name (RFC 9991, "Data Exposure Considerations").
 */
static void
feedback_put(const struct failure *w)
{
	const struct report_failure *f = w->f;
	char text[TIME_MAIL_STRLEN], source[IP_ADDR_STRLEN];

	/* RFC 6591 section 3.1: "it MUST reflect only a single authentication method's result" */
	buf_printf(w->b, "Auth-Failure: %s\nAuthentication-Results: ", auth_failures[f->auth_failure]);
	report_lines_put(w->b, sv_trim(f->auth_results));
	buf_printf(w->b, "Identity-Alignment: %s\n", f->dkim_failed ? f->spf_failed ? "dkim, spf" : "dkim" :
	    f->spf_failed ? "spf" : "none");
	dkim_put(w);
	spf_put(w);
	buf_printf(w->b, "Delivery-Result: %s\n", deliveries[f->delivery]);
	buf_str(w->b, "Original-Mail-From: ");
	if (f->mail_from == NULL)
		buf_str(w->b, "<>");
	else
		report_redact_address(&w->redact, f->mail_from);
	buf_printf(w->b, "\nArrival-Date: %s\n", time_mail_str(f->arrived, text));
	buf_printf(w->b, "Source-IP: %s\n", ip_addr_str(f->source.addr, f->source.af, source));
	buf_printf(w->b, "Reported-Domain: %.*s\n", SV_ARG(f->domain));
}

static bool
results_ok(struct sv results)
{
	return report_text_ok(results) && report_lines_ok(results);
}

/* RFC 6591 section 3.3: "The DKIM-Domain and DKIM-Selector fields MUST be included". */
static bool
has_needed(const struct report_failure *f)
{
	return f->auth_failure == REPORT_AUTH_DMARC || f->auth_failure == REPORT_AUTH_SPF ||
	    f->dkim_domain.n > 0;
}

static bool
failure_ok(const struct report_failure *f)
{
	return report_domain_ok(f->domain) && report_key_ok(f->key) && has_needed(f) &&
	    f->auth_results.n + f->all_results.n <= REPORT_RESULTS_MAX && results_ok(f->auth_results) &&
	    results_ok(f->all_results) && (f->dkim_identity.n == 0 || report_domain_ok(f->dkim_identity)) &&
	    (f->dkim_domain.n == 0 || (report_domain_ok(f->dkim_domain) && report_domain_ok(f->dkim_selector))) &&
	    (f->spf_domain.n == 0 || (report_domain_ok(f->spf_domain) && f->spf_record.n <= REPORT_RECORD_MAX));
}

int
report_failure_write(struct buf *feedback, struct buf *head, struct pool *pool,
    const struct report_failure *f)
{
	_cleanup_(crypto_hmac_freep) struct crypto_hmac *mac = NULL;
	struct failure w = { .b = feedback, .f = f };
	int rc;

	if (!failure_ok(f))
		return -EINVAL;
	if ((mac = crypto_hmac_new(CRYPTO_HMAC_SHA256, f->key)) == NULL)
		return -ENOMEM;
	w.redact = (struct report_redact){ .b = feedback, .mac = mac, .pool = pool, .head = f->head,
		.with_subject = f->with_subject, .max = REPORT_FAILURE_HEAD_MAX };
	feedback_put(&w);
	if (f->all_results.n > 0) {
		buf_str(head, "Authentication-Results: ");
		report_lines_put(head, sv_trim(f->all_results));
	}
	w.redact.b = head;
	if ((rc = report_redact_head(&w.redact)) < 0)
		return rc;
	return feedback->rc < 0 ? feedback->rc : head->rc;
}

/* --- the mail --- */

static void
words_put(struct buf *b, struct sv domain)
{
	buf_printf(b, "A message in the name of %.*s was not authenticated in all ways (RFC 9991).\n"
	    "You get this as the ruf= tag of its DMARC record asks for it.\n"
	    "Addresses in it are replaced by words (RFC 6590): the same word is the same address.\n\n",
	    SV_ARG(domain));
}

int
report_failure_mail_write(struct buf *b, const struct report_failure_mail *m)
{
	const struct report_frame frame = { m->from, m->to, m->submitter, m->id, m->agent, m->at };

	if (!report_frame_ok(&frame) || !report_domain_ok(m->domain) || !report_text_ok(m->feedback) ||
	    !report_text_ok(m->head))
		return -EINVAL;
	report_frame_begin(b, &frame, "DMARC failure report", m->domain, m->head);
	words_put(b, m->domain);
	report_frame_feedback(b, &frame, "auth-failure");
	buf_sv(b, m->feedback);
	buf_printf(b, "Incidents: %" PRIu64 "\n\n", report_incidents(m->incidents));
	report_frame_end(b, &frame, m->head);
	return b->rc;
}
