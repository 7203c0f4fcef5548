/*
 * The mail that carries an aggregate report (RFC 9990 section 3.5.2): two
 * parts, a few words for a person who meets it and the report for a program.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/base64.h"
#include "base/timefmt.h"
#include "mail/report_internal.h"

#define LINE_OCTETS	57		/* 76 letters of base64, RFC 2045 section 6.8 */

/* --- what may stand in a header --- */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters and digits, and of the marks given; not empty. */
static bool
is_made_of(struct sv s, const char *marks)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_letter(s.p[i]) && (s.p[i] == '\0' || strchr(marks, s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

bool
report_domain_ok(struct sv s)
{
	return is_made_of(s, "-_.") && s.n <= DNS_NAME_MAX;
}

bool
report_address_ok(struct sv s)
{
	size_t at = sv_rfind(s, '@');

	return at < s.n && at <= 64 && s.p[0] != '-' && is_made_of(sv_take(s, at), "!#$&*+-/=?^_{}~.") &&
	    report_domain_ok(sv_skip(s, at + 1));
}

bool
report_id_ok(struct sv s)
{
	return is_made_of(s, "") && s.n <= REPORT_ID_MAX;
}

static bool
mail_ok(const struct report_mail *m)
{
	return report_address_ok(m->from) && report_address_ok(m->to) &&
	    report_domain_ok(m->submitter) && report_domain_ok(m->domain) &&
	    report_id_ok(m->meta->report_id) && m->meta->begin >= 0 && m->meta->end >= 0;
}

/* --- its parts --- */

/* filename = receiver "!" policy-domain "!" begin-timestamp "!" end-timestamp "!" unique-id … */
static void
file_put(struct buf *b, const struct report_mail *m)
{
	buf_printf(b, "%.*s!%.*s!%" PRId64 "!%" PRId64 "!%.*s.xml%s", SV_ARG(m->submitter),
	    SV_ARG(m->domain), m->meta->begin, m->meta->end, SV_ARG(m->meta->report_id),
	    m->is_plain ? "" : ".gz");
}

static void
head_put(struct buf *b, const struct report_mail *m)
{
	const struct report_meta *r = m->meta;
	char date[TIME_MAIL_STRLEN];

	buf_printf(b, "From: <%.*s>\nTo: <%.*s>\n", SV_ARG(m->from), SV_ARG(m->to));
	buf_printf(b, "Subject: Report Domain: %.*s\n Submitter: %.*s\n", SV_ARG(m->domain),
	    SV_ARG(m->submitter));
	/*
	 * RFC 9990 section 3.1.4: the Report-ID and the file name's unique-id "MUST be identical",
	 * and that is letters and digits only; RFC 7489 section 7.2.1.1 has a msg-id here.
	 */
	if (m->form == REPORT_RFC7489)
		buf_printf(b, " Report-ID: <%.*s@%.*s>\n", SV_ARG(r->report_id), SV_ARG(m->submitter));
	else
		buf_printf(b, " Report-ID: <%.*s>\n", SV_ARG(r->report_id));
	buf_printf(b, "Date: %s\n", time_mail_str(m->at, date));
	buf_printf(b, "Message-ID: <%.*s@%.*s>\n", SV_ARG(r->report_id), SV_ARG(m->submitter));
	/* RFC 3834: no robot answers it. */
	buf_str(b, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n");
	buf_printf(b, "Content-Type: multipart/mixed; boundary=\"=_%.*s\"\n\n", SV_ARG(r->report_id));
}

static void
words_put(struct buf *b, const struct report_mail *m)
{
	char from[TIME_STRLEN], to[TIME_STRLEN];

	buf_printf(b, "--=_%.*s\nContent-Type: text/plain; charset=us-ascii\n\n",
	    SV_ARG(m->meta->report_id));
	buf_printf(b, "This is a DMARC aggregate report (RFC 9990).\n\n"
	    "Policy domain: %.*s\nReported by:   %.*s\nFrom:          %s\nTo:            %s\n\n"
	    "It was asked for by the rua= tag of the DMARC record. To get no more of\n"
	    "them, remove the address from that tag.\n\n", SV_ARG(m->domain), SV_ARG(m->submitter),
	    time_str(m->meta->begin, from), time_str(m->meta->end, to));
}

static void
base64_put(struct buf *b, struct sv data)
{
	char line[(LINE_OCTETS + 2) / 3 * 4];

	for (; data.n > 0; data = sv_skip(data, LINE_OCTETS)) {
		struct sv part = sv_take(data, LINE_OCTETS);

		buf_bytes(b, line, base64_encode(line, part.p, part.n));
		buf_char(b, '\n');
	}
}

static void
file_part_put(struct buf *b, const struct report_mail *m)
{
	buf_printf(b, "--=_%.*s\nContent-Type: %s\nContent-Transfer-Encoding: base64\n"
	    "Content-Disposition: attachment;\n filename=\"", SV_ARG(m->meta->report_id),
	    m->is_plain ? "text/xml; charset=utf-8" : "application/gzip");
	file_put(b, m);
	buf_str(b, "\"\n\n");
	base64_put(b, m->data);
	buf_printf(b, "--=_%.*s--\n", SV_ARG(m->meta->report_id));
}

int
report_mail_write(struct buf *b, const struct report_mail *m)
{
	if (!mail_ok(m))
		return -EINVAL;
	head_put(b, m);
	words_put(b, m);
	file_part_put(b, m);
	return b->rc;
}
