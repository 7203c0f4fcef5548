/* A mail to a complaint: which part is the report, and which the message. See mail/feedback.h. */
#include <errno.h>

#include "mail/feedback_internal.h"
#include "mail/mime.h"

const struct finding_def feedback_findings[FEEDBACK_CODE_MAX] = {
#define F FINDING_ROW_
#include "mail/feedback_findings.def"
#undef F
};

struct search {
	struct pool		*pool;
	struct findings		*fs;
	struct mime		 mime;
	const struct mime_part	*report, *original;	/* NULL: there is none */
};

static void
form_tell(struct search *s, const char *what)
{
	finding_add(s->fs, &feedback_findings[FEEDBACK_FORM], FA_MSG("what", what));
}

/* --- which parts --- */

/*
 * RFC 5965 section 2: message/rfc822 or text/rfc822-headers; the others are seen: text/rfc822 is in
 * an example of RFC 9477 (section 8.1), those for UTF-8 are of RFC 6532 and 6533.
 */
static bool
is_original(const struct mime_part *p)
{
	static const char *const types[] = { "message/rfc822", "text/rfc822-headers",
		"message/rfc822-headers", "text/rfc822", "message/global", "message/global-headers" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (sv_caseeq(p->type, sv_str(types[i])))
			return true;
	return false;
}

static void
parts_find(struct search *s)
{
	for (size_t i = 0; i < s->mime.n; i++) {
		const struct mime_part *p = &s->mime.parts[i];

		if (s->report == NULL && sv_caseeq(p->type, SV("message/feedback-report")))
			s->report = p;
		if (s->original == NULL && is_original(p))
			s->original = p;
	}
}

/* RFC 5965 section 2: the first part is for people, the second the report, the third the message. */
static bool
in_order(const struct search *s)
{
	size_t report = 0, original = 0, n = 0;

	for (size_t i = 1; i < s->mime.n; i++) {
		const struct mime_part *p = &s->mime.parts[i];

		if (p->depth != 1)
			continue;
		n++;
		report = p == s->report ? n : report;
		original = p == s->original ? n : original;
	}
	return report == 2 && (s->original == NULL || original == 3);
}

/* Is the whole what the standard asks for? */
static int
form_check(struct search *s)
{
	const struct mime_part *all = &s->mime.parts[0];
	struct sv value = mime_field_find(all->head, SV("Content-Type")), type = { NULL, 0 };

	if (s->mime.is_cut)
		finding_add(s->fs, &feedback_findings[FEEDBACK_LIMIT], FA_MSG("what", N_("parts of a mail")));
	if (s->mime.is_open)
		form_tell(s, N_("a multipart without its end"));
	if (s->report == NULL)
		return 0;
	if (!sv_caseeq(all->type, SV("multipart/report")))
		form_tell(s, N_("no multipart/report"));
	else if (mime_param_find(s->pool, value, SV("report-type"), &type) == -ENOMEM)
		return -ENOMEM;
	else if (!sv_caseeq(type, SV("feedback-report")))
		form_tell(s, N_("no report-type=feedback-report"));
	else if (!in_order(s))
		form_tell(s, N_("parts in another order"));
	if (s->report->encoding != MIME_IDENTITY)
		form_tell(s, N_("an encoded report"));
	return 0;
}

/* --- what is in them --- */

static int
body_take(struct search *s, const struct mime_part *p, size_t max, struct sv *ret)
{
	if (p->body.n > max)
		finding_add(s->fs, &feedback_findings[FEEDBACK_LIMIT], FA_MSG("what", N_("octets of a part")));
	return mime_decode(s->pool, p->encoding, sv_take(p->body, max), ret);
}

static int
report_take(struct search *s, struct feedback *f)
{
	struct sv text;
	int rc;

	if (s->report == NULL) {
		finding_add0(s->fs, &feedback_findings[FEEDBACK_BARE]);
		return 0;
	}
	f->has_report = true;
	if ((rc = body_take(s, s->report, FEEDBACK_REPORT_MAX, &text)) < 0)
		return rc;
	return feedback_fields_parse(s->pool, text, s->fs, f);
}

/* What is wrong with that message is no fault of who reports it. */
static int
original_take(struct search *s, struct feedback *f)
{
	struct findings unsaid;
	struct sv text, rest;
	int rc;

	mail_head_init(&f->original, s->pool);
	findings_init(&unsaid, s->pool);
	if (s->original == NULL) {
		finding_add0(s->fs, &feedback_findings[FEEDBACK_ORIGINAL]);
		return 0;
	}
	if ((rc = body_take(s, s->original, FEEDBACK_ORIGINAL_MAX, &text)) < 0 ||
	    (rc = mail_head_parse(&f->original, text, &rest, &unsaid)) < 0)
		return rc;
	f->has_original = f->original.n > 0;
	if (!f->has_original)
		finding_add0(s->fs, &feedback_findings[FEEDBACK_ORIGINAL]);
	return 0;
}

int
feedback_parse(struct pool *pool, struct sv message, struct findings *fs, struct feedback **ret)
{
	struct search s = { .pool = pool, .fs = fs };
	struct feedback *f;
	int rc;

	if ((rc = mime_parse(pool, message, &s.mime)) < 0)
		return rc;
	parts_find(&s);
	if (s.report == NULL && s.original == NULL) {
		finding_add0(fs, &feedback_findings[FEEDBACK_NONE]);
		*ret = NULL;
		return 0;
	}
	if ((f = pool_calloc(pool, 1, sizeof(*f))) == NULL)
		return -ENOMEM;
	f->type = FEEDBACK_OTHER;
	f->incidents = 1;
	if ((rc = form_check(&s)) < 0 || (rc = report_take(&s, f)) < 0 || (rc = original_take(&s, f)) < 0)
		return rc;
	*ret = f;
	return 0;
}
