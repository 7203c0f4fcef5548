/* What a reader of the page sees of reports, as one bounded object. */
#include <errno.h>

#include "app/mail_reports.h"
#include "app/mail_reports_told.h"
#include "base/err.h"
#include "base/json.h"
#include "mail/mail.h"
#include "store/reports_tally.h"

/*
 * Where each list ends, in octets of the whole. An entry of the worst names (each octet
 * written as six) has some 5 KB, one of the last list 2 KB.
 */
#define DOMAINS_END	((size_t)16000)
#define NEXT_END	((size_t)26000)
#define GIVEN_UP_END	((size_t)35000)
#define DEAD_END	((size_t)44500)
#define NAME_MAX_LEN	320		/* octets of a domain or an address: RFC 5321 has 254 */
#define ERROR_MAX_LEN	200		/* the beginning of what was said; "mail reports" shows all */

/* --- results over time --- */

enum column {
	C_PASS,
	C_FAIL,
	C_FAIL_ARC,		/* of fail: where ARC passed; lists and forwarders, mostly */
	C_NONE,			/* no policy was found */
	C_ERROR,
	C_QUARANTINED,
	C_REJECTED,
	C_MAX
};
static const char *const columns[C_MAX] = {
	[C_PASS] = "pass", [C_FAIL] = "fail", [C_FAIL_ARC] = "fail_arc", [C_NONE] = "none",
	[C_ERROR] = "error", [C_QUARANTINED] = "quarantined", [C_REJECTED] = "rejected",
};

struct over_time {
	struct json	*j;
	int64_t		 at;		/* -1: nothing has come yet */
	uint64_t	 n[C_MAX];
};

static void
moment_put(struct over_time *o)
{
	if (o->at < 0)
		return;
	json_open(o->j, '[');
	json_i64(o->j, o->at);
	for (unsigned i = 0; i < C_MAX; i++)
		json_u64(o->j, o->n[i]);
	json_close(o->j, ']');
}

static enum column
column_of(const struct reports_tally *t)
{
	switch (t->dmarc) {
	case MAIL_PASS:
		return C_PASS;
	case MAIL_FAIL:
		return C_FAIL;
	case MAIL_NONE:
		return C_NONE;
	default:
		return C_ERROR;
	}
}

static int
tally_add(void *arg, const struct reports_tally *t)
{
	struct over_time *o = arg;

	if (t->at != o->at) {
		moment_put(o);
		*o = (struct over_time){ .j = o->j, .at = t->at };
	}
	o->n[column_of(t)] += t->n;
	if (t->dmarc == MAIL_FAIL && t->arc == MAIL_PASS)
		o->n[C_FAIL_ARC] += t->n;
	if (t->act == REPORTS_QUARANTINED)
		o->n[C_QUARANTINED] += t->n;
	if (t->act == REPORTS_REJECTED)
		o->n[C_REJECTED] += t->n;
	return 0;
}

static int
over_time_put(struct reports *store, struct json *j, const char *key, int64_t since, int64_t sec)
{
	struct over_time o = { .j = j, .at = -1 };
	int rc;

	json_key(j, key);
	json_open(j, '[');
	rc = reports_tally(store, since, sec, tally_add, &o);
	moment_put(&o);
	json_close(j, ']');
	return rc;
}

static int
results_put(struct reports *store, struct json *j, int64_t now)
{
	int64_t hour = now - now % 3600, day = reports_day(now) * REPORTS_DAY_SEC;
	int rc;

	json_key(j, "columns");
	json_open(j, '[');
	for (unsigned i = 0; i < C_MAX; i++)
		json_str(j, columns[i]);
	json_close(j, ']');
	rc = over_time_put(store, j, "hours", hour - (MAIL_REPORTS_TOLD_HOURS - 1) * (int64_t)3600,
	    3600);
	return rc < 0 ? rc : over_time_put(store, j, "days",
	    day - (MAIL_REPORTS_TOLD_DAYS - 1) * (int64_t)REPORTS_DAY_SEC, REPORTS_DAY_SEC);
}

/* --- what became of reports --- */

static const char *const happened[REPORTS_N_MAX] = {
	[REPORTS_N_ROWS] = "rows", [REPORTS_N_MADE] = "made", [REPORTS_N_NO_ADDRESS] = "no_address",
	[REPORTS_N_SENT] = "sent", [REPORTS_N_FAILED] = "failed", [REPORTS_N_GIVEN_UP] = "given_up",
};

struct by_day {
	struct json	*j;
	int64_t		 day;
	uint64_t	 n[REPORTS_N_MAX];
};

static void
day_put(struct by_day *d)
{
	if (d->day < 0)
		return;
	json_open(d->j, '{');
	json_kv_i64(d->j, "day", d->day * REPORTS_DAY_SEC);
	for (unsigned i = REPORTS_N_MADE; i < REPORTS_N_MAX; i++)
		json_kv_u64(d->j, happened[i], d->n[i]);
	json_close(d->j, '}');
}

static int
count_add(void *arg, int64_t day, enum reports_count what, uint64_t n)
{
	struct by_day *d = arg;

	if (day != d->day) {
		day_put(d);
		*d = (struct by_day){ .j = d->j, .day = day };
	}
	d->n[what] = n;
	return 0;
}

static int
happened_put(struct reports *store, struct json *j, int64_t now)
{
	uint64_t totals[REPORTS_N_MAX];
	struct by_day d = { .j = j, .day = -1 };
	int rc = reports_totals(store, totals);

	if (rc < 0)
		return rc;
	json_key(j, "totals");
	json_open(j, '{');
	for (unsigned i = 0; i < REPORTS_N_MAX; i++)
		json_kv_u64(j, happened[i], totals[i]);
	json_close(j, '}');
	json_key(j, "reports");
	json_open(j, '[');
	rc = reports_counts(store, max_i64(0, reports_day(now) - (MAIL_REPORTS_TOLD_HAPPENED - 1)),
	    count_add, &d);
	day_put(&d);
	json_close(j, ']');
	return rc;
}

/* --- the queue --- */

static void
or_null(struct json *j, const char *key, int64_t at)
{
	json_kv_end(j, key, at < 0 ? TIME_NEVER : at);
}

static void
queue_put(struct json *j, const struct reports_now *n)
{
	json_key(j, "queue");
	json_open(j, '{');
	json_kv_u64(j, "due", n->n_due);
	or_null(j, "oldest", n->due_made);
	json_kv_u64(j, "unaddressed", n->n_unaddressed);
	or_null(j, "waiting_since", n->waiting_day < 0 ? -1 : n->waiting_day * REPORTS_DAY_SEC);
	json_close(j, '}');
	json_kv_u64(j, "domains_total", n->n_domains);
}

/* A list of the store's, until the whole has so many octets or entries. */
struct list {
	struct json	*j;
	size_t		 end;
	uint64_t	 n, max;
};

static bool
list_has_room(struct list *l)
{
	return l->n++ < l->max && l->j->b->len < l->end;
}

static int
sending_put(void *arg, const struct reports_sending *s)
{
	struct list *l = arg;
	struct json *j = l->j;

	if (!list_has_room(l))
		return 0;
	json_open(j, '{');
	json_kv_u64(j, "id", s->report.id);
	json_kv_sv(j, "domain", sv_take(s->report.domain, NAME_MAX_LEN));
	json_kv_i64(j, "day", s->report.day * REPORTS_DAY_SEC);
	json_kv_sv(j, "address", sv_take(s->address, NAME_MAX_LEN));
	json_kv_u64(j, "attempts", s->attempts);
	json_kv_i64(j, "next", s->next);
	json_kv_sv(j, "error", sv_take(s->error, ERROR_MAX_LEN));
	json_close(j, '}');
	return 0;
}

static int
dead_put(void *arg, struct sv address, uint64_t failures, int64_t at)
{
	struct list *l = arg;

	if (!list_has_room(l))
		return 0;
	json_open(l->j, '{');
	json_kv_sv(l->j, "address", sv_take(address, NAME_MAX_LEN));
	json_kv_u64(l->j, "failures", failures);
	json_kv_i64(l->j, "at", at);
	json_close(l->j, '}');
	return 0;
}

static int
domain_put(void *arg, const struct reports_seen *s)
{
	struct list *l = arg;

	if (!list_has_room(l))
		return 0;
	json_open(l->j, '{');
	json_kv_sv(l->j, "domain", sv_take(s->domain, NAME_MAX_LEN));
	json_kv_i64(l->j, "first", s->first);
	json_kv_i64(l->j, "last", s->last);
	json_kv_u64(l->j, "messages", s->n_messages);
	json_kv_u64(l->j, "passed", s->n_acts[REPORTS_PASSED]);
	json_kv_u64(l->j, "quarantined", s->n_acts[REPORTS_QUARANTINED]);
	json_kv_u64(l->j, "rejected", s->n_acts[REPORTS_REJECTED]);
	json_kv_u64(l->j, "complaints", s->n_complaints);
	json_close(l->j, '}');
	return 0;
}

static int
domains_put(struct reports *store, struct json *j)
{
	struct list l = { j, DOMAINS_END, 0, MAIL_REPORTS_TOLD_DOMAINS };
	int rc;

	json_key(j, "domains");
	json_open(j, '[');
	rc = reports_seen_each(store, l.max, domain_put, &l);
	json_close(j, ']');
	return rc;
}

static int
mails_put(struct reports *store, struct json *j)
{
	struct list next = { j, NEXT_END, 0, MAIL_REPORTS_TOLD_NEXT };
	struct list given_up = { j, GIVEN_UP_END, 0, MAIL_REPORTS_TOLD_NEXT };
	int rc;

	json_key(j, "next");
	json_open(j, '[');
	rc = reports_due(store, INT64_MAX, next.max, sending_put, &next);
	json_close(j, ']');
	if (rc < 0)
		return rc;
	json_key(j, "given_up");
	json_open(j, '[');
	rc = reports_given_up(store, given_up.max, sending_put, &given_up);
	json_close(j, ']');
	return rc;
}

static int
dead_list_put(struct reports *store, struct json *j, int64_t now)
{
	struct list l = { j, DEAD_END, 0, MAIL_REPORTS_TOLD_DEAD };
	int rc;

	json_key(j, "dead");
	json_open(j, '[');
	/* All are counted, some are told. */
	rc = reports_failing(store, MAIL_REPORTS_DEAD_MAX, now - MAIL_REPORTS_DEAD_SEC + 1,
	    INT64_MAX, dead_put, &l);
	json_close(j, ']');
	json_kv_u64(j, "dead_total", l.n);
	return rc;
}

static int
fact_add(void *arg, int64_t day UNUSED, enum reports_count what, uint64_t n)
{
	struct mail_health_facts *f = arg;

	if (what == REPORTS_N_SENT)
		f->n_sent += n;
	else if (what == REPORTS_N_GIVEN_UP)
		f->n_given_up += n;
	return 0;
}

int
mail_reports_facts(struct reports *store, int64_t now, struct mail_health_facts *ret)
{
	struct mail_health_facts f = { .now = now, .told_at = -1, .journal_at = -1 };
	struct reports_now n;
	int rc = reports_now(store, &n);

	if (rc < 0 || (rc = reports_counts(store, max_i64(0, reports_day(now) - 1), fact_add, &f)) < 0)
		return rc;
	f.rows_day = n.waiting_day < 0 ? -1 : n.waiting_day * REPORTS_DAY_SEC;
	f.due_made = n.due_made;
	*ret = f;
	return 0;
}

static void
more_put(struct json *j, const struct mail_reports_more *m)
{
	or_null(j, "journal_since", m->journal_at);
	json_key(j, "trouble");
	if (m->trouble_of.n == 0) {
		json_nil(j);
		return;
	}
	json_open(j, '{');
	json_kv_sv(j, "of", m->trouble_of);
	json_kv_sv(j, "what", sv_take(m->trouble, ERROR_MAX_LEN));
	json_kv_i64(j, "since", m->trouble_since);
	json_close(j, '}');
}

int
mail_reports_told(struct reports *store, int64_t now, const struct mail_reports_more *more,
    struct buf *json)
{
	struct json j = json_on(json, false);
	struct reports_now n;
	int rc = reports_now(store, &n);

	if (rc < 0)
		return rc;
	json_open(&j, '{');
	json_kv_i64(&j, "now", now);
	more_put(&j, more);
	queue_put(&j, &n);
	if ((rc = results_put(store, &j, now)) < 0 || (rc = happened_put(store, &j, now)) < 0 ||
	    (rc = domains_put(store, &j)) < 0 || (rc = mails_put(store, &j)) < 0 ||
	    (rc = dead_list_put(store, &j, now)) < 0)
		return rc;
	json_close(&j, '}');
	if (json->rc < 0)
		return json->rc;
	return json->len > MAIL_REPORTS_TOLD_MAX ? SE_LIMIT : 0;
}
