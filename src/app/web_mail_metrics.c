/* Metrics of the mail filter, from its status: what it has not said is not there. */
#include "app/web_internal.h"
#include "out/metrics.h"

static const struct {
	enum metric	 id;
	const char	*label, *member;
} rows[] = {
	{ METRIC_MAIL_MESSAGES, "accept", "accepted" },
	{ METRIC_MAIL_MESSAGES, "quarantine", "quarantined" },
	{ METRIC_MAIL_MESSAGES, "tempfail", "deferred" },
	{ METRIC_MAIL_MESSAGES, "reject", "rejected" },
	{ METRIC_MAIL_OURS, "own", "own" },
	{ METRIC_MAIL_OURS, "relay", "relayed" },
	{ METRIC_MAIL_OURS, "signatures", "signed" },
	{ METRIC_MAIL_OURS, "seals", "sealed" },
	{ METRIC_MAIL_TROUBLE, "crowded", "crowded" },
	{ METRIC_MAIL_TROUBLE, "not_judged", "not_judged" },
	{ METRIC_MAIL_TROUBLE, "not_signed", "not_signed" },
	{ METRIC_MAIL_TROUBLE, "rows_lost", "rows_lost" },
	{ METRIC_MAIL_NOW, "connections", "connections" },
	{ METRIC_MAIL_NOW, "judging", "judging" },
	{ METRIC_MAIL_DNS, "known", "answers_known" },
	{ METRIC_MAIL_DNS, "asked", "answers_asked" },
	{ METRIC_MAIL_KEYS, "known", "pubs_known" },
	{ METRIC_MAIL_KEYS, "made", "pubs_made" },
	{ METRIC_MAIL_MARKS, "known", "marks_known" },
	{ METRIC_MAIL_MARKS, "not_known", "marks_not_known" },
	{ METRIC_MAIL_MARKS, "asked", "marks_asked" },
	{ METRIC_MAIL_MARKS, "shown", "marks_shown" },
};

void
web_mail_metrics(struct metrics *m, const json_t *mail)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sv label = sv_str(rows[i].label);

		if (json_object_get(mail, rows[i].member) != NULL &&
		    metric_u64(m, rows[i].id, &label, 1, web_report_u64(mail, rows[i].member)) < 0)
			m->b->rc = -1;
	}
}
