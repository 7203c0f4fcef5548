/*
 * A failure report: RFC 9991 in the form of RFC 6591 (an auth-failure report of
 * RFC 5965), redacted as RFC 6590 has it (report_redact.c).
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
words_put(const struct failure *w)
{
	buf_printf(w->b, "A message that says it comes from %.*s was not authenticated (RFC 9991).\n"
	    "You get this as the ruf= tag of its DMARC record asks for it.\n\n", SV_ARG(w->f->domain));
}

static void
feedback_put(const struct failure *w)
{
	const struct report_failure *f = w->f;
	char text[TIME_MAIL_STRLEN], source[IP_ADDR_STRLEN];

	buf_str(w->b, "Auth-Failure: dmarc\nAuthentication-Results: ");
	report_lines_put(w->b, f->auth_results);
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
	buf_printf(w->b, "Reported-Domain: %.*s\nIncidents: %" PRIu64 "\n\n", SV_ARG(f->domain), f->incidents);
}

static bool
failure_ok(const struct report_failure *f)
{
	return report_domain_ok(f->domain) && report_text_ok(f->auth_results) &&
	    (f->dkim_domain.n == 0 || (report_domain_ok(f->dkim_domain) && report_domain_ok(f->dkim_selector))) &&
	    (f->spf_domain.n == 0 || report_domain_ok(f->spf_domain));
}

int
report_failure_write(struct buf *b, struct pool *pool, const struct report_failure *f)
{
	_cleanup_(crypto_hmac_freep) struct crypto_hmac *mac = NULL;
	const struct report_frame frame = { f->from, f->to, f->submitter, f->id, f->agent, f->key, f->at };
	struct failure w = { .b = b, .f = f };

	if (!report_frame_ok(&frame) || !failure_ok(f))
		return -EINVAL;
	if ((mac = crypto_hmac_new(CRYPTO_HMAC_SHA256, f->key)) == NULL)
		return -ENOMEM;
	w.redact = (struct report_redact){ .b = b, .mac = mac, .pool = pool, .with_subject = f->with_subject };
	report_frame_begin(b, &frame, "DMARC failure report", f->domain);
	words_put(&w);
	report_frame_feedback(b, &frame, "auth-failure");
	feedback_put(&w);
	return report_frame_end(&w.redact, &frame, f->head);
}
