/* Failure reports (app/mail_failures.h): out of this node's journal, and sent by who has the lock. */
#include <errno.h>
#include <stdio.h>

#include "app/mail_journal.h"
#include "base/err.h"
#include "role/report_role.h"
#include "sys/clock.h"
#include "sys/file.h"

#define LIST_POOL_MAX	((size_t)1 << 20)	/* names of 4,096 files */
#define NOTES_MAX	((size_t)4 << 20)

/* --- in --- */

/* What is no segment is kept for a person to look at, and is in nobody's way. */
static int
segment_aside(struct report_work *w, uint64_t number, const char *why)
{
	int rc = mail_journal_damaged(w->failures, number);

	w->seen.n.damaged += rc == 0;
	report_say(w, LOG_LEVEL_WARN, "%s/%020llu.rows: %s; %s", w->failures,
	    (unsigned long long)number, why, rc == 0 ? "kept aside as .damaged" : err_str(rc));
	return 0;
}

static int
segment_taken(struct report_work *w, uint64_t number, const struct mail_failures_taken *t)
{
	w->seen.n.failures += t->n[REPORTS_MAIL_NEW];
	w->seen.n.alike += t->n[REPORTS_MAIL_JOINED];
	w->seen.n.over += t->n[REPORTS_MAIL_OVER];
	if (t->lost > 0 || t->n_bad > 0)
		return segment_aside(w, number, "it does not hold failure reports only");
	return mail_journal_remove(w->failures, number);
}

/* A file that cannot be read now is there the next time. */
static int
segment_take(struct report_work *w, uint64_t number)
{
	char path[MAIL_JOURNAL_PATH_MAX];
	struct mail_failures_taken t;
	struct file_map map;
	int rc = mail_journal_path(w->failures, number, path);

	if (rc < 0 || file_map(path, (size_t)2 * MAIL_JOURNAL_SEGMENT_MAX, &map) < 0)
		return 0;
	rc = mail_failures_take(w->store, &w->failures_conf, map.data, &t);
	file_unmap(&map);
	if (rc == -EBADMSG)
		return segment_aside(w, number, "it is no segment");
	if (rc < 0)
		return rc;
	if (segment_taken(w, number, &t) < 0)	/* next time they are known */
		w->has_more = true;
	return 0;
}

int
report_failures_take(struct report_work *w)
{
	_cleanup_(pool_freep) struct pool *pool = NULL;
	uint64_t *numbers;
	size_t n;
	int rc = 0;

	if (w->failures == NULL)
		return 0;
	if ((pool = pool_new(LIST_POOL_MAX)) == NULL)
		return -ENOMEM;
	if (mail_journal_list(w->failures, pool, &numbers, &n) < 0)
		return 0;	/* the folder was there at the start; rows have a word for it */
	for (size_t i = 0; i < n && rc == 0 && !report_is_over(w); i++)
		rc = segment_take(w, numbers[i]);
	return rc;
}

/* --- out --- */

static int
address(struct report_work *w)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(NOTES_MAX);
	int64_t began = clock_mono_usec();
	struct report_asking a;
	struct findings fs;
	unsigned n;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	if (began < w->failures_again_usec || !report_may(w, REPORT_NO_NAMES) ||
	    !report_asking_init(w, &a, w->failures_after))
		return 0;
	rc = mail_failures_address(w->store, &a.d, &fs, role_now(w->role), &n);
	w->failures_after = a.d.after;
	w->has_more = w->has_more || w->failures_after != 0;
	report_asking_done(&a);
	/* Some do not answer: they are not asked each turn. */
	if (w->failures_after == 0 && clock_mono_usec() > began + REPORT_AGAIN_USEC)
		w->failures_again_usec = report_again(began);
	return rc;
}

/* The null sender: "no report about a report", and no bounce of one. */
static enum mail_reports_sent
one_send(void *arg, struct sv to, struct sv mail, struct sv *ret_error)
{
	struct report_work *w = arg;
	enum mail_reports_sent sent;

	*ret_error = SV("");
	if (report_is_over(w)) {
		w->has_more = true;
		return MAIL_REPORTS_AWAY;
	}
	sent = mail_out_send(w->out, "", to, mail, ret_error);
	if (sent == MAIL_REPORTS_AWAY) {
		report_fails(w, REPORT_NO_WAY, ret_error->p);
		return sent;
	}
	report_works(w, REPORT_NO_WAY);
	w->seen.n.failures_sent += sent == MAIL_REPORTS_GOOD;
	return sent;
}

static int
all_send(struct report_work *w)
{
	unsigned n = 0;
	int rc = 0;

	do {
		if (!report_may(w, REPORT_NO_WAY))
			return 0;
		rc = mail_failures_send(w->store, &w->failures_conf, role_now(w->role), one_send, w, &n);
	} while (rc == 0 && n == MAIL_FAILURES_BATCH_MAX && !report_is_over(w));
	return rc;
}

int
report_failures_out(struct report_work *w)
{
	bool has_more = false;
	int rc;

	if (w->failures == NULL)
		return 0;
	if ((rc = address(w)) < 0 || (rc = all_send(w)) < 0)
		return rc;
	if (clock_mono_usec() >= w->prune_usec)		/* when rows are, and before them (report_prune()) */
		rc = mail_failures_prune(w->store, role_now(w->role), &has_more);
	w->has_more = w->has_more || has_more;
	return rc;
}
