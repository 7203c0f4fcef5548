/* One mark on its way: see role/mark_role.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_bimi.h"
#include "base/err.h"
#include "role/mark_role.h"
#include "sys/memfd.h"

#define POOL_MAX	(2 * MAIL_POOL_MAX)	/* of one judgement, as the command has */

struct mark_job {
	struct mark_job		*next;
	struct mark_state	*st;
	struct pool		*pool;
	struct findings		 fs;
	struct sv		 octets;	/* of the key */
	struct mail_mark_key	 key;
	struct mail_mark_fetch	*fetch;		/* NULL: it waits */
	bool			 is_over;	/* to be freed */
};

static struct mark_job *
job_free(struct mark_job *j)
{
	if (j == NULL)
		return NULL;
	(void)mail_mark_fetch_free(j->fetch);
	(void)pool_free(j->pool);
	free(j);
	return NULL;
}

int
mark_tell(struct mark_state *st, struct sv octets)
{
	struct msg_mark_told m = { .mark = -1 };
	int rc = memfd_of("mark", octets, &m.mark);

	if (rc < 0)
		return rc;
	rc = msg_mark_told_send(st->role, ROLE_MILTER, &m);
	fd_close(&m.mark);
	return rc;
}

/* --- the verdict --- */

/* What the DNS had, out of the key: names that we wrote ourselves. */
static int
record_make(const struct mark_job *j, struct bimi_record *r, struct bimi_out *out)
{
	*r = (struct bimi_record){ .location = j->key.location, .evidence = j->key.evidence };
	*out = (struct bimi_out){ .result = BIMI_PASS, .selector = j->key.selector, .record = r };
	return mail_domain(j->key.author, &out->author) < 0 || mail_domain(j->key.domain, &out->domain) < 0 ?
	    SE_SYNTAX : 0;
}

/* Of what did not hold, the code: "sekisho explain CODE" says the rest. */
static struct sv
why_find(const struct mark_job *j)
{
	const struct finding *last = NULL;

	for (const struct finding *f = j->fs.head; f != NULL; f = f->next) {
		if (f->def->severity == SEV_REJECT)
			return sv_str(f->def->code);
		last = f;
	}
	return last == NULL ? SV("the mark could not be fetched") : sv_str(last->def->code);
}

static int
mark_judge(struct mark_job *j, bool is_whole, struct mail_mark *ret)
{
	const struct mark_state *st = j->st;
	struct bimi_record record;
	struct bimi_out out;
	struct mail_bimi_in in = { .out = &out, .roots = st->roots, .now = role_now(st->role) };
	struct mail_bimi m = { .result = BIMI_FAIL, .svg = SV("") };
	int rc;

	if ((rc = record_make(j, &record, &out)) < 0)
		return rc;
	if (is_whole) {
		in.svg = mail_mark_fetch_image(j->fetch);
		in.pem = mail_mark_fetch_evidence(j->fetch);
		if ((rc = mail_bimi_judge(&in, j->pool, &j->fs, &m)) < 0)
			return rc;
	}
	*ret = (struct mail_mark){ .result = m.result, .authority = m.authority, .why = SV(""),
		.made = in.now, .until = in.now + MARK_GOOD_SEC,
		.svg = m.svg.n <= MAIL_MARK_SVG_MAX ? m.svg : SV("") };
	if (m.result != BIMI_PASS) {
		ret->until = in.now + MARK_BAD_SEC;
		ret->why = why_find(j);
	} else if (m.authority == BIMI_VOUCHED && m.evidence.to < ret->until) {
		ret->until = m.evidence.to;
	}
	return 0;
}

/* --- its end --- */

static int
job_end(struct mark_job *j, bool is_whole)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct mark_state *st = j->st;
	struct mail_mark mark;
	int rc;

	if ((rc = mark_judge(j, is_whole, &mark)) < 0 || (rc = mail_mark_write(&b, &j->key, &mark)) < 0)
		return rc;
	st->n_good += mark.result == BIMI_PASS;
	st->n_bad += mark.result != BIMI_PASS;
	if ((rc = mark_keep_put(&st->keep, j->octets, buf_get(&b), mark.made)) < 0) {
		if (st->n_unkept++ == 0)
			role_log(st->role, LOG_LEVEL_ERROR, "%s: %s; marks are told and not kept",
			    st->keep.folder, err_str(rc));
	}
	return mark_tell(st, buf_get(&b));
}

static void
on_fetched(void *arg, bool is_whole)
{
	struct mark_job *j = arg;
	struct mark_state *st = j->st;
	int rc = job_end(j, is_whole);

	if (rc < 0)
		role_log(st->role, LOG_LEVEL_ERROR, "a mark of %.*s: %s", SV_ARG(j->key.domain), err_str(rc));
	j->is_over = true;
	st->n_running--;
	(void)loop_timer_set(st->timer, 0);
}

/* --- turns --- */

static bool
is_turn(const struct mark_job *j)
{
	if (j->fetch != NULL || j->st->n_running >= MARK_RUNNING_MAX)
		return false;
	for (const struct mark_job *o = j->st->jobs; o != NULL; o = o->next)
		if (o->fetch != NULL && !o->is_over && sv_eq(o->key.org, j->key.org))
			return false;
	return true;
}

static void
job_start(struct mark_job *j)
{
	struct mark_state *st = j->st;
	const struct mail_mark_fetch_in in = { .location = j->key.location,
		.evidence = st->roots.n > 0 ? j->key.evidence : SV(""), .total_msec = st->timeout_msec };
	int rc;

	if (!mark_rate_take(&st->rate, &j->key, role_now(st->role))) {
		st->n_refused++;
		j->is_over = true;
		return;
	}
	if ((rc = mail_mark_fetch_new(st->fetcher, &in, &j->fs, on_fetched, j, &j->fetch)) < 0) {
		role_log(st->role, LOG_LEVEL_ERROR, "cannot fetch: %s", err_str(rc));
		j->is_over = true;
		return;
	}
	st->n_running++;
	st->n_fetched++;
}

void
mark_jobs_run(struct mark_state *st)
{
	for (struct mark_job *j = st->jobs; j != NULL; j = j->next)
		if (!j->is_over && is_turn(j))
			job_start(j);
	for (struct mark_job **p = &st->jobs, *j; (j = *p) != NULL;) {
		if (j->is_over) {
			*p = j->next;
			st->n_jobs--;
			(void)job_free(j);
		} else {
			p = &j->next;
		}
	}
}

void
mark_jobs_stop(struct mark_state *st)
{
	while (st->jobs != NULL) {
		struct mark_job *j = st->jobs;

		st->jobs = j->next;
		(void)job_free(j);
	}
	st->n_jobs = st->n_running = 0;
}

static int
job_new(struct mark_state *st, struct sv octets, struct mark_job **ret)
{
	struct mark_job *j = calloc(1, sizeof(*j));

	if (j == NULL || (j->pool = pool_new(POOL_MAX)) == NULL) {
		free(j);
		return -ENOMEM;
	}
	j->st = st;
	j->octets = pool_sv(j->pool, octets);
	findings_init(&j->fs, j->pool);
	if (j->octets.p == NULL || mail_mark_key_read(j->octets, &j->key) < 0) {
		(void)job_free(j);
		return -EBADMSG;
	}
	j->fs.subject = j->key.domain;
	*ret = j;
	return 0;
}

int
mark_job_add(struct mark_state *st, struct sv octets)
{
	struct mark_job **p = &st->jobs, *j;
	struct mail_mark_key key;
	unsigned n = 0;
	int rc;

	if (mail_mark_key_read(octets, &key) < 0)
		return -EBADMSG;
	for (; *p != NULL; p = &(*p)->next) {
		if (sv_eq((*p)->octets, octets))
			return 0;
		n += sv_eq((*p)->key.org, key.org);
	}
	if (st->n_jobs >= MARK_QUEUE_MAX || n >= MARK_QUEUE_PER_ORG) {
		st->n_refused++;
		return 0;
	}
	if ((rc = job_new(st, octets, &j)) < 0)
		return rc;
	*p = j;
	st->n_jobs++;
	return loop_timer_set(st->timer, 0);
}
