/* A complaint for another operator (RFC 5965, 6650), with as little of people in it as is of use (RFC 6590). */
#include <errno.h>
#include <inttypes.h>

#include "base/timefmt.h"
#include "mail/feedback.h"
#include "mail/report_internal.h"

struct out {
	struct buf			*b;
	const struct feedback_out	*f;
	struct report_redact		 redact;
};

/* RFC 6650 section 5.4: some "will only be able to access the human-readable (first, text/plain) part" */
static void
words_put(const struct out *w)
{
	char text[TIME_MAIL_STRLEN], source[IP_ADDR_STRLEN];
	const struct feedback_out *f = w->f;

	buf_printf(w->b, "This is a complaint (%s) about a message of %.*s (RFC 5965).\n",
	    feedback_type_name(f->type), SV_ARG(f->domain));
	if (f->has_source || f->arrived != 0)
		buf_printf(w->b, "It came%s%s%s%s.\n", f->has_source ? " from " : "",
		    f->has_source ? ip_addr_str(f->source.addr, f->source.af, source) : "",
		    f->arrived != 0 ? " on " : "", f->arrived != 0 ? time_mail_str(f->arrived, text) : "");
	buf_str(w->b, "Addresses in it are replaced by words (RFC 6590): the same word is the same address.\n\n");
}

/* The sender's own address may go back to the sender's own operator, if it is plain. */
static void
sender_put(const struct out *w)
{
	_cleanup_(buf_done) struct buf plain = BUF_INIT;
	const struct mail_address *a = w->f->mail_from;

	buf_str(w->b, "Original-Mail-From: ");
	if (a == NULL) {
		buf_str(w->b, "<>\n");
		return;
	}
	buf_printf(&plain, "%.*s@%.*s", SV_ARG(a->local), SV_ARG(a->domain));
	if (w->f->with_sender && plain.rc == 0 && report_address_ok(buf_get(&plain)))
		buf_printf(w->b, "<%.*s>", SV_ARG(buf_get(&plain)));
	else
		report_redact_address(&w->redact, a);
	buf_char(w->b, '\n');
}

static void
feedback_put(const struct out *w)
{
	const struct feedback_out *f = w->f;
	char text[TIME_MAIL_STRLEN], source[IP_ADDR_STRLEN];

	if (f->auth_results.n > 0) {
		buf_str(w->b, "Authentication-Results: ");
		report_lines_put(w->b, sv_trim(f->auth_results));
	}
	sender_put(w);
	if (f->recipient != NULL) {
		buf_str(w->b, "Original-Rcpt-To: ");
		report_redact_address(&w->redact, f->recipient);
		buf_char(w->b, '\n');
	}
	if (f->arrived != 0)
		buf_printf(w->b, "Arrival-Date: %s\n", time_mail_str(f->arrived, text));
	if (f->has_source)	/* without "IPv6:": see report_failure.c */
		buf_printf(w->b, "Source-IP: %s\n", ip_addr_str(f->source.addr, f->source.af, source));
	buf_printf(w->b, "Reporting-MTA: dns; %.*s\nReported-Domain: %.*s\nIncidents: %" PRIu64 "\n\n",
	    SV_ARG(f->submitter), SV_ARG(f->domain), report_incidents(f->incidents));
}

static bool
out_ok(const struct feedback_out *f, const struct report_frame *frame)
{
	return f->type < FEEDBACK_TYPE_MAX && f->type != FEEDBACK_AUTH_FAILURE && report_frame_ok(frame) &&
	    report_key_ok(f->key) && report_domain_ok(f->domain) && report_text_ok(f->auth_results) &&
	    report_lines_ok(f->auth_results);
}

int
feedback_write(struct buf *b, struct pool *pool, const struct feedback_out *f)
{
	_cleanup_(crypto_hmac_freep) struct crypto_hmac *mac = NULL;
	_cleanup_(buf_done) struct buf head = BUF_INIT;
	const struct report_frame frame = { f->from, f->to, f->submitter, f->id, f->agent, f->at };
	struct out w = { .b = b, .f = f };
	int rc;

	if (!out_ok(f, &frame))
		return -EINVAL;
	if ((mac = crypto_hmac_new(CRYPTO_HMAC_SHA256, f->key)) == NULL)
		return -ENOMEM;
	w.redact = (struct report_redact){ .b = &head, .mac = mac, .pool = pool, .head = f->head,
		.with_subject = f->with_subject, .with_tokens = true };
	if ((rc = report_redact_head(&w.redact)) < 0 || (rc = head.rc) < 0)
		return rc;
	w.redact.b = b;
	report_frame_begin(b, &frame, "Complaint", f->domain, buf_get(&head));
	words_put(&w);
	report_frame_feedback(b, &frame, feedback_type_name(f->type));
	feedback_put(&w);
	report_frame_end(b, &frame, buf_get(&head));
	return b->rc;
}
