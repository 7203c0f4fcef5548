/* Is a message reported by itself, and what of its results may others see? */
#include "mail/report_internal.h"

/*
 * RFC 9989 section 4.7, "fo": 0, "if all underlying mechanisms failed to produce an aligned
 * pass"; 1, "if any …"; d and s, whatever the alignment is. Those two ask for reports of
 * RFC 6651 and 6652, which a generator "may or may not simultaneously issue" (RFC 9991
 * section 3); one report says it all, so the first that is asked for is made.
 */
enum report_about
report_asked(const struct report_asked *a)
{
	bool all = a->dkim == REPORT_NOT_ALIGNED && a->spf == REPORT_NOT_ALIGNED;
	bool any = a->dkim == REPORT_NOT_ALIGNED || a->spf == REPORT_NOT_ALIGNED;

	if (((a->fo & DMARC_FO_ALL) != 0 && all) || ((a->fo & DMARC_FO_ANY) != 0 && any))
		return REPORT_ABOUT_DMARC;
	if (!a->with_parts)
		return REPORT_ABOUT_NOTHING;
	if ((a->fo & DMARC_FO_DKIM) != 0 && a->dkim_failed)
		return REPORT_ABOUT_DKIM;
	return (a->fo & DMARC_FO_SPF) != 0 && a->spf_failed ? REPORT_ABOUT_SPF : REPORT_ABOUT_NOTHING;
}

static bool
type_is_report(struct sv value)
{
	static const char *const types[] = { "multipart/report", "message/feedback-report",
	    "message/delivery-status" };
	struct sv type = sv_trim(sv_cut(&value, ';'));

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (sv_caseeq(type, sv_str(types[i])))
			return true;
	return false;
}

/* RFC 3834 section 5: "no" is what a person's mail says, if anything. */
bool
report_is_answer(const struct mail_head *head)
{
	for (size_t i = 0; i < head->n; i++) {
		const struct mail_field *f = &head->fields[i];
		struct sv value = f->value, word = sv_trim(sv_cut(&value, ';'));

		if (sv_caseeq(f->name, SV("Auto-Submitted")) && !sv_caseeq(word, SV("no")))
			return true;
		if (sv_caseeq(f->name, SV("Content-Type")) && type_is_report(f->value))
			return true;
	}
	return false;
}

/* Properties that are a person where they are no address, too. */
static bool
is_personal(struct sv name)
{
	return sv_eq_str(name, "mailfrom") || sv_eq_str(name, "rcptto") || sv_eq_str(name, "auth") ||
	    sv_eq_str(name, "i");
}

/* "d" of "a@d", "@d" in header.i; what has no domain is somebody's name, and none is shown. */
static void
property_redact(struct authres_property *p)
{
	size_t at = sv_rfind(p->value, '@');

	if (at < p->value.n)
		p->value = sv_skip(p->value, sv_eq_str(p->name, "i") ? at : at + 1);
	else if (is_personal(p->name))
		p->value = SV("redacted");
}

void
report_results_redact(struct authres *a)
{
	for (struct authres_result *r = a->results; r != NULL; r = r->next) {
		r->comment = (struct sv){ NULL, 0 };
		r->reason = (struct sv){ NULL, 0 };
		for (struct authres_property *p = r->properties; p != NULL; p = p->next)
			property_redact(p);
	}
}

void
report_results_keep(struct authres *a, enum authres_method method, size_t max)
{
	struct authres_result **at = &a->results;

	for (a->n = 0; *at != NULL;) {
		if ((*at)->method == method && a->n < max) {
			a->n++;
			at = &(*at)->next;
		} else
			*at = (*at)->next;
	}
	a->end = at;
}
