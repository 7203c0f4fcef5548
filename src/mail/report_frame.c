/* The mail that carries a failure report or a complaint (RFC 5965), and which text may stand in it. */
#include "base/timefmt.h"
#include "mail/report_internal.h"

/* --- texts --- */

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

/* RFC 5322 section 2.1.1: "MUST be no more than 998 characters"; a server may refuse the mail for it. */
bool
report_lines_ok(struct sv s)
{
	struct sv line;

	while (sv_line(&s, &line))
		if (line.n > MAIL_LINE_SENT_MAX)
			return false;
	return true;
}

/* --- the mail --- */

static bool
addresses_ok(struct sv list)
{
	do {
		if (!report_address_ok(sv_cut(&list, ',')))
			return false;
	} while (list.n > 0);
	return true;
}

/* RFC 5965 section 3.5: products, each a token that may have "/" and a version behind it. */
static bool
agent_ok(struct sv s)
{
	static const struct sv separators = { "()<>@,;:\\\"[]?={}", 16 };

	for (size_t i = 0; i < s.n; i++)
		if (sv_find(separators, s.p[i]) < separators.n)
			return false;
	return s.n > 0 && sv_graphic(s);
}

bool
report_frame_ok(const struct report_frame *f)
{
	return report_address_ok(f->from) && addresses_ok(f->to) && report_domain_ok(f->submitter) &&
	    report_id_ok(f->id) && agent_ok(f->agent);
}

static void
addresses_put(struct buf *b, struct sv list)
{
	const char *before = "To: <";

	do {
		struct sv one = sv_cut(&list, ',');

		buf_printf(b, "%s%.*s>", before, SV_ARG(one));
		before = ",\n <";
	} while (list.n > 0);
	buf_char(b, '\n');
}

/* On one line; empty where there is none, or where it was redacted. */
static void
subject_find(struct buf *b, struct sv head)
{
	bool is_in = false;
	struct sv line;

	while (sv_line(&head, &line)) {
		is_in = is_in ? line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t') :
		    sv_caseeq(sv_take(line, 8), SV("Subject:"));
		if (is_in)
			buf_sv(b, b->len == 0 ? sv_trim(sv_skip(line, 8)) : line);
		else if (b->len > 0)
			break;
	}
	if (sv_eq_str(buf_get(b), "[redacted]") || sv_eq_str(buf_get(b), "[left out]"))
		b->len = 0;
}

/*
 * RFC 5965 section 2: the Subject "SHOULD be the same as the included email message", "the
 * difference MUST be limited to only a typical forwarding prefix". It is, where the message's may be
 * seen. Where it is redacted, there is none to be the same as: the word for it, the same on all,
 * would help nobody who sorts complaints by their subjects; ours has the kind and the domain.
 */
static void
subject_put(struct buf *b, const char *what, struct sv about, struct sv head)
{
	_cleanup_(buf_done) struct buf own = BUF_INIT;

	subject_find(&own, head);
	if (own.rc < 0 || own.len == 0 || own.len + sizeof("Subject: FW: ") > MAIL_LINE_SENT_MAX)
		buf_printf(b, "Subject: %s for %.*s\n", what, SV_ARG(about));
	else
		buf_printf(b, "Subject: FW: %.*s\n", SV_ARG(buf_get(&own)));
}

void
report_frame_begin(struct buf *b, const struct report_frame *f, const char *what, struct sv about,
    struct sv head)
{
	char date[TIME_MAIL_STRLEN];

	buf_printf(b, "From: <%.*s>\n", SV_ARG(f->from));
	addresses_put(b, f->to);
	subject_put(b, what, about, head);
	buf_printf(b, "Date: %s\n", time_mail_str(f->at, date));
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

uint64_t
report_incidents(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : n;
}
