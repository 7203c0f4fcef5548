/* The role: see role/mark_role.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/mark_role.h"
#include "sys/file.h"

#define USER_AGENT	"sekisho/" SEKISHO_VERSION
#define LOOK_USEC	INT64_C(60000000)	/* at the resolver's files, and at what has ended */
#define ASK_POOL	(2 * MAIL_MARK_MAX)

static void
on_timer(void *arg)
{
	struct role *r = arg;
	struct mark_state *st = r->state;

	if (st->jobs == NULL && role_resolver_changed(r, st->resolver))
		return;
	mark_jobs_run(st);
	mark_keep_sweep(&st->keep, role_now(r));
	(void)loop_timer_set(st->timer, LOOK_USEC);
}

/* --- questions --- */

/* What is known is told at once; also what ends soon, which is fetched anew. */
static int
known_tell(struct mark_state *st, struct sv octets, bool *ret_ends)
{
	struct mail_mark_key key;
	struct mail_mark mark;
	int64_t left;

	*ret_ends = true;
	if (mail_mark_read(octets, &key, &mark) < 0)
		return 0;
	if ((left = mark.until - role_now(st->role)) <= 0)
		return 0;
	*ret_ends = mark.result == BIMI_PASS && left <= MARK_AHEAD_SEC;
	st->n_known++;
	return mark_tell(st, octets);
}

static int
on_ask(struct role *r, enum role_id from UNUSED, void *msg)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(ASK_POOL);
	const struct msg_mark_ask *m = msg;
	struct mark_state *st = r->state;
	struct mail_mark_key key;
	struct sv octets;
	bool ends = true;
	int rc;

	if (st->fetcher == NULL)
		return -EBADMSG;
	if (mail_mark_key_read(m->key, &key) < 0)
		return 0;		/* who speaks with strangers does not end us */
	if (pool == NULL)
		return -ENOMEM;
	st->n_asked++;
	rc = mark_keep_read(&st->keep, m->key, pool, &octets);
	if (rc == 0 && (rc = known_tell(st, octets, &ends)) < 0)
		return rc;
	return ends ? mark_job_add(st, m->key) : 0;
}

/* --- life --- */

static int
roots_take(struct role *r, struct sv path)
{
	struct mark_state *st = r->state;
	char *p = sv_dup(path);
	int rc;

	if (p == NULL || (st->pool = pool_new(2 * MARK_ROOTS_MAX)) == NULL) {
		free(p);
		return -ENOMEM;
	}
	rc = path.n == 0 ? 0 : file_read(st->pool, FILE_CWD, p, MARK_ROOTS_MAX, &st->roots);
	if (rc == 0 && path.n > 0 && st->roots.n == 0)
		rc = -EINVAL;		/* else marks would be shown for which nobody vouches */
	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s (mail.bimi-roots)", p, err_str(rc));
	free(p);
	return rc;
}

static int
fetcher_take(struct role *r, const struct msg_mark_conf *m)
{
	struct mark_state *st = r->state;
	char *ca = sv_dup(m->ca_file);
	const struct fetch_conf conf = { .ca_file = ca, .user_agent = USER_AGENT, .hosts = m->hosts,
		.max_conns = 2 * MARK_RUNNING_MAX };
	int rc = ca == NULL ? -ENOMEM : fetcher_new(r->loop, &conf, &st->fetcher);

	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "cannot fetch: %s (fetch.ca-file is \"%s\")", err_str(rc),
		    ca == NULL ? "" : ca);
	free(ca);
	return rc;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct mark_state *st = r->state;
	const struct msg_mark_conf *m = msg;
	int rc;

	if (st->timer != NULL)
		return -EBADMSG;		/* a new one is a new process */
	st->role = r;
	st->timeout_msec = m->timeout_msec;
	if ((st->timer = loop_timer_add(r->loop, on_timer, r)) == NULL)
		return -ENOMEM;
	if ((rc = roots_take(r, m->roots)) < 0 || (rc = fetcher_take(r, m)) < 0)
		return rc;
	if ((rc = mark_keep_open(&st->keep, m->folder, role_now(r))) < 0 ||
	    (rc = role_path(r, st->keep.folder, SANDBOX_WRITE)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "%.*s: %s", SV_ARG(m->folder), err_str(rc));
		return rc;
	}
	if (st->keep.n_damaged > 0)
		role_log(r, LOG_LEVEL_WARN, "%s: %u files were damaged, removed", st->keep.folder,
		    st->keep.n_damaged);
	return role_resolver(r, &st->resolver);
}

static int
start(struct role *r)
{
	return loop_timer_set(((struct mark_state *)r->state)->timer, LOOK_USEC);
}

static void
status(struct role *r, struct json *j)
{
	const struct mark_state *st = r->state;

	json_kv_u64(j, "marks", st->keep.n);
	json_kv_u64(j, "bytes", st->keep.bytes);
	json_kv_u64(j, "waiting", st->n_jobs - st->n_running);
	json_kv_u64(j, "fetching", st->n_running);
	json_kv_u64(j, "asked", st->n_asked);
	json_kv_u64(j, "known", st->n_known);
	json_kv_u64(j, "fetched", st->n_fetched);
	json_kv_u64(j, "good", st->n_good);
	json_kv_u64(j, "bad", st->n_bad);
	json_kv_u64(j, "refused", st->n_refused);
	json_kv_u64(j, "not_kept", st->n_unkept);
	json_kv_bool(j, "roots", st->roots.n > 0);
}

static void
stop(struct role *r)
{
	struct mark_state *st = r->state;

	mark_jobs_stop(st);
	st->fetcher = fetcher_free(st->fetcher);
	st->pool = pool_free(st->pool);
	mark_keep_done(&st->keep);
}

static const struct role_handler handlers[] = {
	{ MSG_mark_conf, on_conf },
	{ MSG_mark_ask, on_ask },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_MARK,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_mark_conf,
		.state_size = sizeof(struct mark_state),
		.sandbox = &sandbox_mark,
		.start = start, .status = status, .stop = stop,
	};

	return role_main(&def);
}
