/* The role: see role/milter_role.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/milter_role.h"
#include "sys/task.h"

#define CONF_POOL_MAX	((size_t)1 << 20)	/* rules as values: MAIL_RULES_MAX octets of text */
#define LOOK_USEC	INT64_C(1000000)
#define SAY_SEC		60			/* one line of each kind of trouble */

/* Trouble: what is said of it, and what was said. */
enum trouble {
	CROWDED,
	FAILED,
	UNKEPT,
	UNSIGNED,
	ODD,
	TROUBLES
};
static const char *const trouble_texts[TROUBLES] = {
	[CROWDED] = "more messages or connections at a time than mail.max-messages; treated as mail.on-failure says",
	[FAILED] = "messages could not be judged; treated as mail.on-failure says",
	[UNKEPT] = "messages whose row for the reports could not be kept",
	[UNSIGNED] = "messages of our own without their signature",
	[ODD] = "the mail server does not offer what is needed (changing fields, quarantine), "
	    "or refused a text of ours",
};

struct milter_role {
	struct milter_hall	 hall;
	struct pool		*pool;		/* of the configuration */
	struct task		*task;
	struct loop_timer	*timer;
	uint64_t		 told[TROUBLES];
	int64_t			 told_at[TROUBLES];
	int			 rc;		/* of smfi_main() */
	bool			 stopping;
};

/* --- what the log is told --- */

static atomic_uint_fast64_t *
trouble_of(struct milter_counts *n, enum trouble t)
{
	atomic_uint_fast64_t *const all[TROUBLES] = {
		[CROWDED] = &n->crowded, [FAILED] = &n->failed, [UNKEPT] = &n->unkept,
		[UNSIGNED] = &n->unsigned_, [ODD] = &n->odd,
	};

	return all[t];
}

static void
trouble_tell(struct role *r, enum trouble t)
{
	struct milter_role *mr = r->state;
	uint64_t now = atomic_load(trouble_of(&mr->hall.n, t));
	int64_t at = role_now(r);

	if (now == mr->told[t] || (mr->told_at[t] != 0 && at - mr->told_at[t] < SAY_SEC))
		return;
	role_log(r, LOG_LEVEL_WARN, "%llu: %s", (unsigned long long)(now - mr->told[t]),
	    trouble_texts[t]);
	mr->told[t] = now;
	mr->told_at[t] = at;
}

static void
on_timer(void *arg)
{
	struct role *r = arg;
	struct milter_role *mr = r->state;

	for (enum trouble t = 0; t < TROUBLES; t++)
		trouble_tell(r, t);
	if (loop_timer_set(mr->timer, LOOK_USEC) < 0)
		role_stop(r, -ENOMEM);
}

/* --- libmilter beside the loop --- */

static void
serve(void *arg)
{
	struct milter_role *mr = ((struct role *)arg)->state;

	mr->rc = milter_mta_run();
}

static void
served(void *arg)
{
	struct role *r = arg;
	struct milter_role *mr = r->state;

	if (!mr->stopping)
		role_log(r, LOG_LEVEL_ERROR, "libmilter has ended, starting anew");
	role_stop(r, mr->stopping ? 0 : mr->rc < 0 ? mr->rc : -EPIPE);
}

/* --- life --- */

static int
conf_take(struct milter_role *mr, const struct msg_milter_conf *m)
{
	struct mail_gate_conf *g = &mr->hall.gate;

	mr->hall.max_messages = m->max_messages;
	g->authserv_id = pool_sv(mr->pool, m->authserv_id);
	g->node = pool_sv(mr->pool, m->node);
	g->seal_domain = pool_sv(mr->pool, m->seal_domain);
	g->seal_selector = pool_sv(mr->pool, m->seal_selector);
	return pool_has_failed(mr->pool) ? -ENOMEM : 0;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct milter_role *mr = r->state;
	const struct msg_milter_conf *m = msg;
	int rc;

	if (mr->pool != NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	mr->hall.role = r;
	if ((mr->pool = pool_new(CONF_POOL_MAX)) == NULL ||
	    (mr->timer = loop_timer_add(r->loop, on_timer, r)) == NULL)
		return -ENOMEM;
	if ((rc = conf_take(mr, m)) < 0)
		return rc;
	rc = milter_mta_open(&mr->hall, m->listen, m->mode);
	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "cannot listen on %.*s (mail.milter.listen): is its "
		    "folder there, and may we write there? is the port free?", SV_ARG(m->listen));
	else
		role_log(r, LOG_LEVEL_NOTICE, "listens on %.*s", SV_ARG(m->listen));
	return rc;
}

static int
start(struct role *r)
{
	struct milter_role *mr = r->state;

	if ((mr->task = task_start(r->loop, serve, served, r)) == NULL)
		return -ENOMEM;
	return loop_timer_set(mr->timer, LOOK_USEC);
}

/* Who is in the middle of a message asks again later; no thread is waited for. */
static void
stop(struct role *r)
{
	struct milter_role *mr = r->state;

	mr->stopping = true;
	milter_mta_stop();
}

static void
count_json(struct json *j, const char *name, atomic_uint_fast64_t *n)
{
	json_kv_u64(j, name, atomic_load(n));
}

static void
status(struct role *r, struct json *j)
{
	struct milter_counts *n = &((struct milter_role *)r->state)->hall.n;

	json_kv_u64(j, "connections", atomic_load(&n->connections));
	json_kv_u64(j, "judging", atomic_load(&n->judging));
	count_json(j, "messages", &n->messages);
	count_json(j, "accepted", &n->accepted);
	count_json(j, "rejected", &n->rejected);
	count_json(j, "deferred", &n->deferred);
	count_json(j, "quarantined", &n->quarantined);
	count_json(j, "own", &n->own);
	count_json(j, "relayed", &n->relayed);
	count_json(j, "signed", &n->signed_);
	count_json(j, "sealed", &n->sealed);
	count_json(j, "fields_changed", &n->changed);
	count_json(j, "crowded", &n->crowded);
	count_json(j, "not_judged", &n->failed);
	count_json(j, "rows_lost", &n->unkept);
	count_json(j, "not_signed", &n->unsigned_);
}

static const struct role_handler handlers[] = {
	{ MSG_milter_conf, on_conf },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_MILTER,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_milter_conf,
		.state_size = sizeof(struct milter_role),
		.sandbox = &sandbox_milter,
		.start = start, .status = status, .stop = stop,
	};

	return role_main(&def);
}
