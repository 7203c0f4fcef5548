/* One turn of the work; see role/report_role.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "role/report_role.h"
#include "sys/clock.h"

/* --- what the log will be told --- */

void
report_say(struct report_work *w, enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (w->n_lines == REPORT_LINES_MAX)
		return;
	w->lines[w->n_lines].level = level;
	va_start(ap, fmt);
	(void)vsnprintf(w->lines[w->n_lines].text, REPORT_LINE_MAX, fmt, ap);
	va_end(ap);
	w->n_lines++;
}

static const struct {
	const char	*word, *fails, *works;
	unsigned	 wait_sec;
} troubles[REPORT_TROUBLES] = {
	[REPORT_NO_STORE] = { "store", "rows wait in the journal, and reports are not sent",
	    "the reports' store works again", REPORT_STORE_WAIT_SEC },
	[REPORT_NO_JOURNAL] = { "journal", "rows wait there", "the journal of rows can be read again",
	    REPORT_STORE_WAIT_SEC },
	[REPORT_NO_WAY] = { "via", "reports wait (mail.reporting.via)", "reports are taken again",
	    REPORT_OUT_WAIT_SEC },
	[REPORT_NO_NAMES] = { "dns", "it is not known where reports go (mail.resolver)",
	    "the DNS can be asked again", REPORT_STORE_WAIT_SEC },
};

const char *
report_trouble_word(enum report_trouble t)
{
	return troubles[t].word;
}

void
report_fails(struct report_work *w, enum report_trouble t, const char *why)
{
	struct report_wait *x = &w->seen.troubles[t];
	unsigned sec = x->n < 10 ? 1U << x->n : troubles[t].wait_sec;

	if (sec > troubles[t].wait_sec)
		sec = troubles[t].wait_sec;
	x->next_usec = clock_mono_usec() + sec * INT64_C(1000000);
	x->n++;
	(void)snprintf(x->what, sizeof(x->what), "%s", why);
	if (x->is_on)
		return;
	x->is_on = w->is_changed = true;
	x->since = role_now(w->role);
	report_say(w, LOG_LEVEL_ERROR, "%s; %s", x->what, troubles[t].fails);
}

void
report_works(struct report_work *w, enum report_trouble t)
{
	struct report_wait *x = &w->seen.troubles[t];

	if (x->is_on) {
		report_say(w, LOG_LEVEL_NOTICE, "%s", troubles[t].works);
		w->is_changed = true;
	}
	*x = (struct report_wait){ 0 };
}

bool
report_may(const struct report_work *w, enum report_trouble t)
{
	return clock_mono_usec() >= w->seen.troubles[t].next_usec;
}

bool
report_is_over(const struct report_work *w)
{
	return atomic_load(&w->is_stopped) || clock_mono_usec() >= w->end_usec;
}

/* --- the store --- */

static void
store_failed(struct report_work *w, int rc)
{
	char why[REPORT_LINE_MAX];

	/* Then report_make() is the first to write: what it cannot note, nobody is sent. */
	w->look_usec = 0;
	/* Others were in the way, which is no trouble. */
	if (rc == -EAGAIN || rc == -EBUSY)
		return;
	w->store = reports_free(w->store);
	w->seen.sends = false;
	(void)snprintf(why, sizeof(why), "%s: %s", w->store_name, err_str(rc));
	report_fails(w, REPORT_NO_STORE, why);
}

static bool
store_open(struct report_work *w, const char *where)
{
	int rc;

	if (w->store != NULL)
		return true;
	if (!report_may(w, REPORT_NO_STORE))
		return false;
	w->prune_usec = INT64_MAX;	/* report_make() knows */
	if ((rc = reports_open(where, &w->store)) < 0)
		store_failed(w, rc);
	else
		w->is_changed = true;
	return w->store != NULL;
}

/* --- who sends --- */

/* The lock ends with the connection: who has it once has it until then. */
static int
lock_take(struct report_work *w)
{
	int rc;

	if (w->seen.sends || clock_mono_usec() < w->look_usec)
		return 0;
	rc = reports_lock(w->store);
	w->seen.sends = rc == 0;
	if (rc == SE_LOCKED) {
		w->look_usec = clock_mono_usec() + REPORT_LOOK_USEC;
		return 0;
	}
	if (rc == 0)
		report_say(w, LOG_LEVEL_NOTICE, "makes and sends the reports of this store");
	return rc;
}

/* --- the page --- */

/* Rows wait in the journal: what is not taken yet, or cannot be read. -1: none do. */
static int64_t
behind_since(struct report_work *w)
{
	if (w->seen.segments == 0 && !w->seen.troubles[REPORT_NO_JOURNAL].is_on)
		w->behind_since = -1;
	else if (w->behind_since <= 0)
		w->behind_since = role_now(w->role);
	return w->behind_since;
}

/* Whether all is well: for who asks by status, also later, when the store is away. */
static int
facts_make(struct report_work *w)
{
	struct mail_health_facts f;
	int rc = mail_reports_facts(w->store, role_now(w->role), &f);

	if (rc < 0)
		return rc;
	f.told_at = f.now;
	f.journal_at = behind_since(w);
	w->seen.facts = f;
	return 0;
}

static struct mail_reports_more
more_of(const struct report_work *w)
{
	struct mail_reports_more m = { .journal_at = w->seen.facts.journal_at };

	for (unsigned i = 0; i < REPORT_TROUBLES && m.trouble_of.n == 0; i++) {
		const struct report_wait *x = &w->seen.troubles[i];

		if (x->is_on)
			m = (struct mail_reports_more){ m.journal_at, sv_str(troubles[i].word),
				sv_str(x->what), x->since };
	}
	return m;
}

static int
told_make(struct report_work *w)
{
	struct mail_reports_more more;
	int64_t now = clock_mono_usec();
	int rc;

	if (now < w->tell_usec || (!w->is_changed && now < w->tell_usec + REPORT_LOOK_USEC))
		return 0;
	if ((rc = reports_now(w->store, &w->seen.now)) < 0 ||
	    (rc = reports_mails_now(w->store, &w->seen.failures)) < 0 ||
	    (rc = facts_make(w)) < 0)
		return rc;
	more = more_of(w);
	if ((rc = mail_reports_told(w->store, role_now(w->role), &more, &w->told)) < 0)
		w->told.len = 0;		/* half of it is for nobody */
	if (rc < 0 && rc != SE_LIMIT)		/* too long for the page: no trouble of the store */
		return rc;
	w->seen.has_now = true;
	w->tell_usec = now + REPORT_TELL_USEC;
	w->is_changed = false;
	return 0;
}

/* --- all of it --- */

/* One that has much to do, or waits for who does not answer, leaves the others their time. */
static const struct {
	int		(*run)(struct report_work *);
	unsigned	 sec;
	bool		 is_sender;	/* of who has the lock */
} parts[] = {
	{ report_complaints_note, 5, false },
	{ report_take, 30, false },
	{ report_failures_take, 5, false },
	{ lock_take, 1, false },
	{ report_make, 10, true },
	{ report_address, 10, true },
	{ report_send, 30, true },
	{ report_failures_out, 10, true },
	{ report_prune, 5, true },
};

static int
store_turn(struct report_work *w)
{
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(parts) && !atomic_load(&w->is_stopped); i++) {
		if (parts[i].is_sender && !w->seen.sends)
			continue;
		w->end_usec = clock_mono_usec() + parts[i].sec * INT64_C(1000000);
		if ((rc = parts[i].run(w)) < 0)
			return rc;
	}
	return told_make(w);
}

void
report_turn(void *work)
{
	struct report_work *w = work;
	int rc;

	w->has_more = false;
	if (!store_open(w, w->store_where))
		return;
	if ((rc = store_turn(w)) < 0)
		store_failed(w, rc);
	else
		report_works(w, REPORT_NO_STORE);
}
