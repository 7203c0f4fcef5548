/* Metrics of the mail filter, from its status: what it has not said is not there. */
#include "app/web_internal.h"
#include "out/metrics.h"

struct row {
	enum metric	 id;
	const char	*label, *member;
};

static const struct row of_filter[] = {
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

static const struct row of_totals[] = {
	{ METRIC_MAIL_ROWS, NULL, "rows" },
	{ METRIC_MAIL_REPORTS, "made", "made" },
	{ METRIC_MAIL_REPORTS, "no_address", "no_address" },
	{ METRIC_MAIL_REPORTS, "sent", "sent" },
	{ METRIC_MAIL_REPORTS, "failed", "failed" },
	{ METRIC_MAIL_REPORTS, "given_up", "given_up" },
};

static const struct row of_queue[] = {
	{ METRIC_MAIL_QUEUE, "due", "due" },
	{ METRIC_MAIL_QUEUE, "unaddressed", "unaddressed" },
};

static void
put(struct metrics *m, enum metric id, const char *word, uint64_t v)
{
	const struct sv label = sv_str(word);

	if (metric_u64(m, id, word == NULL ? NULL : &label, word != NULL, v) < 0)
		m->b->rc = -1;
}

static void
rows_put(struct metrics *m, const json_t *j, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (json_object_get(j, rows[i].member) != NULL)
			put(m, rows[i].id, rows[i].label, web_report_u64(j, rows[i].member));
}

/* Seconds since then; what is not there is not late. */
static void
age_put(struct metrics *m, enum metric id, const json_t *j, const char *member, int64_t now)
{
	const json_t *at = json_object_get(j, member);

	if (at != NULL)
		put(m, id, NULL, json_is_integer(at) && json_integer_value(at) < now ?
		    (uint64_t)(now - json_integer_value(at)) : 0);
}

void
web_mail_metrics(struct metrics *m, const json_t *filter, const json_t *reports, int64_t now)
{
	const json_t *queue = json_object_get(reports, "queue");

	rows_put(m, filter, of_filter, ARRAY_LEN(of_filter));
	rows_put(m, json_object_get(reports, "totals"), of_totals, ARRAY_LEN(of_totals));
	rows_put(m, queue, of_queue, ARRAY_LEN(of_queue));
	if (json_object_get(reports, "dead_total") != NULL)
		put(m, METRIC_MAIL_QUEUE, "dead", web_report_u64(reports, "dead_total"));
	age_put(m, METRIC_MAIL_QUEUE_AGE, queue, "oldest", now);
	age_put(m, METRIC_MAIL_ROWS_AGE, queue, "waiting_since", now);
	age_put(m, METRIC_MAIL_TOLD_AGE, reports, "now", now);
}
