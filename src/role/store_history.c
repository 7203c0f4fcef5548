#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/alarm.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "role/store_alarm.h"
#include "role/store_history.h"
#include "role/store_mail.h"
#include "store/history.h"
#include "sys/memfd.h"

#define SNAPSHOT_MAX_BYTES	((size_t)1024 * 1024 * 1024)	/* as store/limits.h */
#define FINDINGS_MAX_BYTES	((size_t)256 * 1024 * 1024)
#define WAITING_MAX		256	/* STORE_KEEP_MAX at the start; then two or three */
/* Comparisons of one slice: some milliseconds, also when all of them differ. */
#define SLICE			4096
#define RETRY_USEC		(60 * 1000000LL)
#define PRUNE_SEC		3600
#define CHECK_SEC		60	/* alarms; what the page is sent */
#define POINTS_SENT		2000
#define CHANGES_SENT		2000	/* of all that is ours */
#define CHANGES_EACH		100	/* of one AS number or prefix */

/* A snapshot that is mapped, and opened. */
struct seen {
	struct file_map	map;
	struct snapshot	snap;
};

struct store_history {
	struct role		*role;
	const struct store	*store;
	struct history		*h;
	struct loop_timer	*timer;
	struct seen		 last, next;	/* recorded; being recorded */
	struct {
		struct seen	s;		/* .snap.size 0: not opened yet */
		int64_t		at;		/* 0: when it was built */
	} waiting[WAITING_MAX];
	size_t			 n_waiting;
	int			 lines;		/* findings that wait, or -1 */
	struct store_alarm	*alarm;
	struct store_mail	*mail;
	int64_t			 pruned_at, checked_at, sent_at;
	bool			 bad;		/* said once, until it works again */
	uint64_t		 n_recorded;
};

static void
say(struct store_history *s, int rc, const char *what)
{
	if (!s->bad)
		role_log(s->role, LOG_LEVEL_ERROR, "cannot write the history (%s): %s%s", what,
		    err_str(rc), rc == -EBADMSG ? "; it is damaged: stop sekisho, move "
		    HISTORY_FILE " away, start again" : ", trying again");
	s->bad = true;
}

static void
again(struct store_history *s, int64_t usec)
{
	(void)loop_timer_set(s->timer, usec);
}

/* --- snapshots that wait --- */

static void
seen_done(struct seen *x)
{
	file_unmap(&x->map);
	*x = (struct seen){ 0 };
}

/* When too many wait, the newest takes the place of the one before. */
static void
waiting_add(struct store_history *s, size_t kept, int64_t at)
{
	struct seen x = { 0 };
	/* The current one was opened by the store. */
	int rc = kept + 1 == store_count(s->store) ? store_current_map(s->store, &x.map, &x.snap) :
	    memfd_map(store_fd(s->store, kept), true, SNAPSHOT_MAX_BYTES, &x.map);

	if (rc < 0) {
		say(s, rc, "snapshot");
		return;
	}
	if (s->n_waiting == WAITING_MAX)
		seen_done(&s->waiting[--s->n_waiting].s);
	s->waiting[s->n_waiting].s = x;
	s->waiting[s->n_waiting++].at = at;
}

static void
waiting_shift(struct store_history *s)
{
	s->n_waiting--;
	memmove(&s->waiting[0], &s->waiting[1], s->n_waiting * sizeof(s->waiting[0]));
}

static int
seen_take(struct seen *x, struct seen *ret)
{
	int rc = x->snap.size > 0 ? 0 :
	    snapshot_open(x->map.data.p, x->map.data.n, crypto_sha256, &x->snap);

	if (rc < 0)
		return rc;
	*ret = *x;
	*x = (struct seen){ 0 };
	return 0;
}

static bool
stamp_same(const struct snapshot_stamp *a, const struct snapshot_stamp *b)
{
	return a->serial == b->serial &&
	    memcmp(a->session, b->session, sizeof(a->session)) == 0;
}

/* What was recorded last is found among the kept ones; what is newer waits. */
static void
fill(struct store_history *s)
{
	struct snapshot_stamp last;
	size_t n = store_count(s->store), i = n;
	bool any = history_last(s->h, &last);

	while (any && i > 0 && (store_serial(s->store, i - 1) != last.serial ||
	    memcmp(last.session, store_current(s->store)->stamp.session,
	    sizeof(last.session)) != 0))
		i--;
	if (i > 0 && any) {
		waiting_add(s, i - 1, 0);
		if (s->n_waiting == 1 && seen_take(&s->waiting[0].s, &s->last) < 0)
			seen_done(&s->waiting[0].s);
		s->n_waiting = 0;
	} else
		i = 0;
	for (; i < n; i++)
		waiting_add(s, i, 0);
}

/* --- work --- */

static int
next_begin(struct store_history *s)
{
	bool same_line;
	int64_t at = s->waiting[0].at;
	int rc = 0;

	if (s->next.map.data.n == 0)
		rc = seen_take(&s->waiting[0].s, &s->next);
	if (rc < 0) {
		seen_done(&s->waiting[0].s);
		waiting_shift(s);
		return rc;
	}
	/* Other session ids: routers begin anew, and so do we. */
	same_line = s->last.map.data.n > 0 && memcmp(s->last.snap.stamp.session,
	    s->next.snap.stamp.session, sizeof(s->last.snap.stamp.session)) == 0;
	if (same_line && stamp_same(&s->last.snap.stamp, &s->next.snap.stamp)) {
		seen_done(&s->next);
		waiting_shift(s);
		return 0;
	}
	return history_begin(s->h, same_line ? &s->last.snap : NULL, &s->next.snap,
	    at != 0 ? at : s->next.snap.built);
}

static void
next_end(struct store_history *s)
{
	seen_done(&s->last);
	s->last = s->next;
	s->next = (struct seen){ 0 };
	waiting_shift(s);
	s->n_recorded++;
	s->checked_at = s->sent_at = 0;		/* now */
	if (s->bad)
		role_log(s->role, LOG_LEVEL_NOTICE, "the history is written again");
	s->bad = false;
}

static int
next_step(struct store_history *s)
{
	bool done;
	int rc = history_step(s->h, SLICE, &done);

	if (rc == 0 && done)
		next_end(s);
	return rc;
}

static int
lines_record(struct store_history *s)
{
	struct history_counts c;
	struct file_map map;
	int rc = memfd_map(s->lines, false, FINDINGS_MAX_BYTES, &map);

	fd_close(&s->lines);
	if (rc < 0)
		return rc;
	rc = history_findings(s->h, map.data, role_now(s->role), &c);
	file_unmap(&map);
	if (rc == 0 && c.n_left_out > 0)
		role_log(s->role, LOG_LEVEL_WARN, "%llu new findings are left out of the history "
		    "for now", (unsigned long long)c.n_left_out);
	if (rc == 0 && store_current(s->store) != NULL)
		rc = history_point(s->h, store_current(s->store), role_now(s->role));
	return rc;
}

static int
prune(struct store_history *s)
{
	bool more;
	int rc = history_prune(s->h, role_now(s->role), &more);

	if (rc == 0 && !more)
		s->pruned_at = role_now(s->role);
	return rc;
}

/* --- the page --- */

struct page {
	struct json		 j;
	int64_t			 begins;
	struct buf		 text;		/* changes, one after the other */
	struct {
		int64_t	id;
		size_t	at, len;
	}			*v;
	size_t			 n;
};

static bool
page_point(void *arg, const struct history_point_row *p)
{
	history_point_json(&((struct page *)arg)->j, p);
	return true;
}

static bool
page_change(void *arg, const struct history_change *c)
{
	struct page *p = arg;
	struct json j = json_on(&p->text, false);

	if (p->n == CHANGES_SENT)
		return false;
	p->v[p->n].id = c->id;
	p->v[p->n].at = p->text.len;
	history_change_json(&j, c);
	p->v[p->n].len = p->text.len - p->v[p->n].at;
	p->n++;
	return p->text.rc == 0;
}

/* One list for each thing that is ours; one change may be in several. */
static int
changes_gather(struct store_history *s, struct page *p)
{
	const struct alarm_conf *ours = store_alarm_ours(s->alarm);
	struct history_reader *r = history_reader_of(s->h);
	struct history_query q = { .until = INT64_MAX, .limit = CHANGES_EACH, .by_asn = true };
	int rc = 0;

	for (size_t i = 0; i < ours->n_asns && rc == 0; i++) {
		q.asn = ours->asns[i];
		rc = history_changes(r, &q, page_change, p);
	}
	q.by_asn = false;
	q.by_prefix = true;
	for (size_t i = 0; i < ours->n_prefixes && rc == 0; i++) {
		q.prefix = ours->prefixes[i];
		rc = history_changes(r, &q, page_change, p);
	}
	return rc < 0 ? rc : p->text.rc;
}

static int
newer_cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x > y ? -1 : x < y;
}

static int
page_changes(struct store_history *s, struct page *p)
{
	int rc = -ENOMEM;

	if ((p->v = calloc(CHANGES_SENT, sizeof(*p->v))) != NULL)
		rc = changes_gather(s, p);
	if (rc == 0 && p->n > 0)
		qsort(p->v, p->n, sizeof(*p->v), newer_cmp);
	for (size_t i = 0; i < p->n && rc == 0; i++)
		if (i == 0 || p->v[i].id != p->v[i - 1].id)
			json_raw(&p->j, (struct sv){ p->text.p + p->v[i].at, p->v[i].len });
	free(p->v);
	buf_done(&p->text);
	return rc;
}

static bool
page_begins(void *arg, const struct history_publication *pub)
{
	((struct page *)arg)->begins = pub->at;
	return true;
}

static int
page_make(struct store_history *s, struct buf *b)
{
	struct history_reader *r = history_reader_of(s->h);
	struct page p = { .j = json_on(b, false) };
	int rc;

	json_open(&p.j, '{');
	json_key(&p.j, "points");
	json_open(&p.j, '[');
	rc = history_points(r, POINTS_SENT, page_point, &p);
	json_close(&p.j, ']');
	json_key(&p.j, "changes");
	json_open(&p.j, '[');
	if (rc == 0)
		rc = page_changes(s, &p);
	json_close(&p.j, ']');
	if (rc == 0)
		rc = history_publications(r, SIZE_MAX / 2, page_begins, &p);
	json_kv_i64(&p.j, "recorded_since", p.begins);
	json_close(&p.j, '}');
	return rc < 0 ? rc : b->rc;
}

static int
page_send(struct store_history *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	_cleanup_(fd_close) int fd = -1;
	struct msg_history m;
	int rc = page_make(s, &b);

	s->sent_at = role_now(s->role);
	if (rc == 0)
		rc = memfd_of("history", buf_get(&b), &fd);
	if (rc < 0)
		return rc;
	m.json = fd;
	return msg_history_send(s->role, ROLE_WEB, &m);
}

int
store_on_history_ask(struct store_history *s)
{
	if (s == NULL)
		return 0;
	s->sent_at = 0;
	again(s, s->bad ? RETRY_USEC : 1000);
	return 0;
}

static int
check(struct store_history *s)
{
	s->checked_at = role_now(s->role);
	return store_alarm_check(s->alarm);
}

static bool
due(const struct store_history *s, int64_t last, int64_t every)
{
	int64_t since = role_now(s->role) - last;

	return since < 0 || since >= every;
}

/* One slice of whatever is to be done; all of it short. */
static void
on_timer(void *arg)
{
	struct store_history *s = arg;
	const char *what = "changes";
	int rc;

	if (history_busy(s->h))
		rc = next_step(s);
	else if (s->n_waiting > 0)
		rc = next_begin(s);
	else if (s->lines >= 0) {
		what = "findings";
		rc = lines_record(s);
	} else if (due(s, s->checked_at, CHECK_SEC)) {
		what = "alarms";
		rc = check(s);
	} else if (due(s, s->sent_at, CHECK_SEC)) {
		what = "page";
		rc = page_send(s);
	} else if (due(s, s->pruned_at, PRUNE_SEC)) {
		what = "old rows";
		rc = prune(s);
	} else {
		again(s, CHECK_SEC * 1000000LL);
		return;
	}
	if (rc < 0)
		say(s, rc, what);
	again(s, rc < 0 ? RETRY_USEC : 1000);
}

/* --- what the role says --- */

void
store_history_stored(struct store_history *s, bool changed)
{
	int rc = 0;

	if (s == NULL)
		return;
	if (changed)
		waiting_add(s, store_count(s->store) - 1, role_now(s->role));
	else if (!history_busy(s->h))
		rc = history_point(s->h, store_current(s->store), role_now(s->role));
	if (rc < 0)
		say(s, rc, "counts");
	again(s, s->bad ? RETRY_USEC : 1000);
}

void
store_history_findings(struct store_history *s, int *lines)
{
	if (s == NULL)
		return;
	fd_close(&s->lines);
	s->lines = *lines;
	*lines = -1;
	again(s, s->bad ? RETRY_USEC : 1000);
}

void
store_history_status(const struct store_history *s, struct json *j)
{
	json_kv_bool(j, "history_good", s != NULL && !s->bad);
	if (s == NULL)
		return;
	json_kv_u64(j, "history_recorded", s->n_recorded);
	json_kv_u64(j, "history_waiting", s->n_waiting);
	store_alarm_status(s->alarm, j);
}

/* --- life --- */

static unsigned
days(const struct msg_store_conf *m)
{
	return m->history_keep / 86400;
}

void
store_history_conf(struct store_history *s, const struct msg_store_conf *m)
{
	if (s == NULL)
		return;
	history_keep(s->h, days(m));
	if (store_alarm_conf(s->alarm, m) < 0 || store_mail_conf(s->mail, m) < 0)
		role_log(s->role, LOG_LEVEL_ERROR, "what is watched could not be changed");
}

int
store_history_hooked(struct store_history *s, const struct msg_webhook_done *m)
{
	return s == NULL ? 0 : store_alarm_hooked(s->alarm, m);
}

void
store_history_mailed(struct store_history *s, const struct msg_mail_done *m)
{
	if (s != NULL)
		store_mail_sent(s->mail, m);
}

void
store_history_expect_zones(struct store_history *s)
{
	if (s != NULL)
		store_alarm_expect_zones(s->alarm);
}

/* rc 1: what was told is news. */
static int
check_soon(struct store_history *s, int rc)
{
	if (rc > 0) {
		s->checked_at = 0;
		again(s, 1000);
	}
	return rc < 0 ? rc : 0;
}

int
store_history_told(struct store_history *s, bool by_key, struct sv json)
{
	int rc;

	if (s == NULL)
		return 0;
	rc = by_key ? store_alarm_keys(s->alarm, json) : store_alarm_zones(s->alarm, json);
	return check_soon(s, rc);
}

int
store_history_mail_keys(struct store_history *s, struct sv lines)
{
	return s == NULL ? 0 : check_soon(s, store_alarm_mail_keys(s->alarm, lines));
}

int
store_history_mail_reports(struct store_history *s, struct sv lines)
{
	return s == NULL ? 0 : check_soon(s, store_alarm_mail_reports(s->alarm, lines));
}

void
store_history_source(struct store_history *s, const struct msg_source_result *m)
{
	if (s != NULL)
		store_alarm_source(s->alarm, m);
}

/* The folder itself stays closed: the file and what SQLite puts beside it are enough. */
static int
paths_open(struct role *r, const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char p[4300];
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(ends) && rc == 0; i++) {
		(void)snprintf(p, sizeof(p), "%s%s", path, ends[i]);
		rc = role_path(r, p, SANDBOX_WRITE);
	}
	return rc;
}

static int
db_open(struct role *r, const char *path, unsigned keep, struct history **ret)
{
	const struct history_conf conf = { .path = path, .keep_days = keep,
	    .digest = crypto_sha256 };
	struct history_found found;
	int rc = history_open(&conf, ret, &found);

	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "cannot use %s: %s; changes are not recorded%s",
		    path, err_str(rc), rc == SE_FORMAT ? ": it was made by another version, "
		    "move it away" : "");
	else if (found.damaged)
		role_log(r, LOG_LEVEL_ERROR, "%s was damaged, set aside as "
		    HISTORY_FILE ".damaged; the history begins anew", path);
	return rc;
}

int
store_history_new(struct role *r, const struct msg_store_conf *m, const struct store *store,
    struct store_history **ret)
{
	_cleanup_(store_history_freep) struct store_history *s = NULL;
	struct history *h = NULL;
	char path[4200];
	int rc;

	*ret = NULL;
	(void)snprintf(path, sizeof(path), "%.*s/" HISTORY_FILE, SV_ARG(m->state));
	if (db_open(r, path, days(m), &h) < 0)
		return 0;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		(void)history_free(h);
		return -ENOMEM;
	}
	s->role = r;
	s->store = store;
	s->h = h;
	s->lines = -1;
	if ((s->mail = store_mail_new(r, h)) == NULL ||
	    (s->alarm = store_alarm_new(r, store, h, s->mail)) == NULL)
		return -ENOMEM;
	if ((rc = store_alarm_conf(s->alarm, m)) < 0 || (rc = store_mail_conf(s->mail, m)) < 0 ||
	    (rc = paths_open(r, path)) < 0)
		return rc;
	*ret = TAKE_PTR(s);
	return 0;
}

int
store_history_start(struct store_history *s)
{
	if (s == NULL)
		return 0;
	if ((s->timer = loop_timer_add(s->role->loop, on_timer, s)) == NULL ||
	    store_mail_start(s->mail) < 0)
		return -ENOMEM;
	fill(s);
	again(s, 1000);
	return 0;
}

struct store_history *
store_history_free(struct store_history *s)
{
	if (s == NULL)
		return NULL;
	s->alarm = store_alarm_free(s->alarm);
	s->mail = store_mail_free(s->mail);
	s->h = history_free(s->h);
	seen_done(&s->last);
	seen_done(&s->next);
	while (s->n_waiting > 0)
		seen_done(&s->waiting[--s->n_waiting].s);
	fd_close(&s->lines);
	free(s);
	return NULL;
}
