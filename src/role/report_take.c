/* Segments of this node's journal into the store. */
#include <errno.h>
#include <stdio.h>

#include "app/mail_journal.h"
#include "base/err.h"
#include "role/report_role.h"
#include "sys/file.h"

#define LIST_POOL_MAX	((size_t)1 << 20)	/* names of 4,096 files */

/* A file that is no segment, or has an end that is none: a person may look at it. */
static int
segment_aside(struct report_work *w, uint64_t number, const char *why)
{
	int rc = mail_journal_damaged(w->rows, number);

	if (rc < 0 && w->named == number)
		return 0;
	w->named = number;
	w->seen.n.damaged += rc == 0;
	report_say(w, LOG_LEVEL_WARN, "%s/%020llu.rows: %s; %s", w->rows,
	    (unsigned long long)number, why, rc == 0 ? "kept aside as .damaged" : err_str(rc));
	return 0;
}

static int
row_count(void *arg UNUSED, struct sv row UNUSED)
{
	return 0;
}

static int
segment_taken(struct report_work *w, uint64_t number, const struct mail_reports_taken *t)
{
	char why[64];

	w->seen.n.rows += t->n_new;
	w->seen.n.known += t->n_known;
	w->seen.n.bad += t->n_bad;
	w->is_changed = w->is_changed || t->n_new > 0;
	if (t->lost == 0 && t->n_bad == 0)
		return mail_journal_remove(w->rows, number);
	(void)snprintf(why, sizeof(why), "%llu rows cannot be read, %llu octets are no rows",
	    (unsigned long long)t->n_bad, (unsigned long long)t->lost);
	return segment_aside(w, number, why);
}

/* Is it one? The store has the same code for a fault of its own. */
static int
octets_take(struct report_work *w, uint64_t number, struct sv octets)
{
	struct mail_reports_taken t;
	uint64_t lost;
	int rc = mail_journal_read(octets, row_count, NULL, &lost);

	if (rc == -EBADMSG)
		return segment_aside(w, number, "it is no segment of rows");
	if (rc < 0 || (rc = mail_reports_take(w->store, octets, &t)) < 0)
		return rc;
	/* Not removed now: next time its rows are known. */
	if ((rc = segment_taken(w, number, &t)) < 0)
		report_fails(w, REPORT_NO_JOURNAL, err_str(rc));
	return 0;
}

static int
segment_take(struct report_work *w, uint64_t number)
{
	char path[MAIL_JOURNAL_PATH_MAX];
	struct file_map map;
	int rc = mail_journal_path(w->rows, number, path);

	if (rc < 0)
		return segment_aside(w, number, err_str(rc));
	rc = file_map(path, (size_t)2 * MAIL_JOURNAL_SEGMENT_MAX, &map);
	if (rc == -ENOENT)
		return 0;
	if (rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE) {
		report_fails(w, REPORT_NO_JOURNAL, err_str(rc));
		return 0;
	}
	if (rc < 0)
		return segment_aside(w, number, err_str(rc));
	rc = octets_take(w, number, map.data);
	file_unmap(&map);
	return rc;
}

static int
segments_take(struct report_work *w, const uint64_t *numbers, size_t n)
{
	int rc = 0;
	size_t i;

	for (i = 0; i < n && rc == 0 && !report_is_over(w); i++)
		rc = segment_take(w, numbers[i]);
	w->is_behind = rc < 0 || i < n;
	w->has_more = w->has_more || i < n;
	w->seen.segments = n - i + (rc < 0);
	return rc;
}

int
report_take(struct report_work *w)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LIST_POOL_MAX);
	char why[REPORT_LINE_MAX];
	uint64_t *numbers;
	size_t n;
	int rc;

	if (!report_may(w, REPORT_NO_JOURNAL))
		return 0;
	rc = pool == NULL ? -ENOMEM : mail_journal_list(w->rows, pool, &numbers, &n);
	if (rc < 0) {
		(void)snprintf(why, sizeof(why), "%s: %s", w->rows, err_str(rc));
		report_fails(w, REPORT_NO_JOURNAL, why);
		return 0;
	}
	if ((rc = segments_take(w, numbers, n)) == 0 && report_may(w, REPORT_NO_JOURNAL))
		report_works(w, REPORT_NO_JOURNAL);
	return rc;
}
