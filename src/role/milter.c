/* The role: see role/milter_role.h. */
#include <errno.h>
#include <stdlib.h>

#include "app/mail_psl.h"
#include "app/mail_rules.h"
#include "base/err.h"
#include "role/milter_role.h"
#include "sys/clock.h"
#include "sys/memfd.h"
#include "sys/task.h"
#include "sys/tree.h"

#define CONF_POOL_MAX	((size_t)1 << 20)	/* rules as values: MAIL_RULES_MAX octets of text */
#define LOOK_USEC	INT64_C(1000000)
#define TELL_LOOKS	5			/* as often as the page is told */
#define SAY_SEC		60			/* one line of each kind of trouble */
#define MARKS_POOL	(2 * MAIL_MARKS_WANTED_MAX * MAIL_MARK_KEY_MAX)
#define KEYS_USEC	INT64_C(5000000)	/* between questions for the table of keys, until there is one */

/* Trouble: what is said of it, and what was said. */
enum trouble {
	CROWDED,
	FAILED,
	UNKEPT,
	UNSIGNED,
	ODD,
	UNREPORTED,
	TROUBLES
};
static const char *const trouble_texts[TROUBLES] = {
	[CROWDED] = "more messages or connections at a time than mail.max-messages; treated as mail.on-failure says",
	[FAILED] = "messages could not be judged; treated as mail.on-failure says",
	[UNKEPT] = "messages whose row for the reports could not be kept",
	[UNSIGNED] = "messages of our own without their signature",
	[ODD] = "the mail server cannot do what is needed (change fields, hold), or refused a text of ours",
	[UNREPORTED] = "failure reports were too many at a time, or could not be kept",
};

struct milter_role {
	struct milter_hall	 hall;
	struct pool		*pool;		/* of the configuration */
	struct task		*task;
	struct loop_timer	*timer;
	uint64_t		 told[TROUBLES];
	int64_t			 told_at[TROUBLES];
	char			*rows;		/* the folder; the journal's */
	struct milter_failures	*failures;	/* NULL: none are made */
	bool			 turn_failed;	/* of the journal, the last time */
	bool			 is_started;
	bool			 has_keys;	/* role seal has told its table */
	int64_t			 asked_usec;
	unsigned		 looks;
};

/* --- what the log is told --- */

static atomic_uint_fast64_t *
trouble_of(struct milter_counts *n, enum trouble t)
{
	atomic_uint_fast64_t *const all[TROUBLES] = {
		[CROWDED] = &n->crowded, [FAILED] = &n->failed, [UNKEPT] = &n->unkept,
		[UNSIGNED] = &n->unsigned_, [ODD] = &n->odd,
		[UNREPORTED] = &n->unreported,
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

/* --- libmilter beside the loop --- */

static void
serve(void *arg UNUSED)
{
	milter_mta_run();
}

static void
served(void *arg)
{
	struct role *r = arg;

	role_log(r, LOG_LEVEL_ERROR, "libmilter has ended, starting anew");
	role_stop(r, -EPIPE);
}

/*
 * Whose mail is signed is known a moment after the start: connections wait for it in the socket,
 * so that nobody's own mail has to come again, but not for longer than LOOK_USEC.
 */
static int
serve_begin(struct role *r)
{
	struct milter_role *mr = r->state;

	if (mr->is_started && mr->task == NULL && (mr->task = task_start(r->loop, serve, served, r)) == NULL)
		return -ENOMEM;
	return 0;
}

/* --- role seal --- */

/* It tells its table when it starts, and we ask for it when we do: one of both is heard. */
static int
keys_ask(struct role *r)
{
	struct milter_role *mr = r->state;

	if (mr->has_keys || (mr->asked_usec != 0 && clock_mono_usec() - mr->asked_usec < KEYS_USEC))
		return 0;
	mr->asked_usec = clock_mono_usec();
	return msg_seal_keys_ask_send(r, ROLE_SEAL, &(struct msg_seal_keys_ask){ 0 });
}

static int
on_keys(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct milter_role *mr = r->state;
	const struct msg_seal_keys *m = msg;
	int rc = milter_sign_table(&mr->hall, m->table);

	mr->has_keys = mr->has_keys || rc == 0;
	return rc < 0 ? rc : serve_begin(r);
}

static int
on_signature(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct milter_role *mr = r->state;

	milter_sign_answer(&mr->hall, msg);
	return 0;
}

/* --- role mark --- */

/* What messages looked for: asked for here, and found by those that come later. */
static int
marks_ask(struct role *r)
{
	struct milter_role *mr = r->state;
	_cleanup_(pool_freep) struct pool *pool = NULL;
	struct msg_mark_ask m;
	int rc;

	if (mr->hall.marks == NULL)
		return 0;
	if ((pool = pool_new(MARKS_POOL)) == NULL)
		return -ENOMEM;
	while ((rc = mail_marks_next(mr->hall.marks, pool, &m.key)) > 0)
		if ((rc = msg_mark_ask_send(r, ROLE_MARK, &m)) < 0)
			return rc;
	return rc;
}

static int
on_mark(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct milter_role *mr = r->state;
	const struct msg_mark_told *m = msg;
	struct file_map map;
	int rc = mr->hall.marks == NULL ? -EBADMSG : memfd_map(m->mark, false, MAIL_MARK_MAX, &map);

	if (rc < 0)
		return rc;
	rc = mail_marks_add(mr->hall.marks, map.data, role_now(r));
	file_unmap(&map);
	if (rc != SE_SYNTAX)
		return rc;
	/* Who speaks with strangers' servers may have fallen into their hands: it shall not end us. */
	role_log(r, LOG_LEVEL_ERROR, "role mark told something that is no mark, ignoring");
	return 0;
}

/* --- what it has done --- */

static void
count_json(struct json *j, const char *name, atomic_uint_fast64_t *n)
{
	json_kv_u64(j, name, atomic_load(n));
}

static void
marks_json(struct milter_role *mr, struct json *j)
{
	struct mail_marks_counts m;

	if (mr->hall.marks == NULL)
		return;
	m = mail_marks_count(mr->hall.marks);
	json_kv_u64(j, "marks", m.n);
	json_kv_u64(j, "marks_known", m.found);
	json_kv_u64(j, "marks_not_known", m.missed);
	json_kv_u64(j, "marks_asked", m.asked);
	count_json(j, "marks_shown", &mr->hall.n.marked);
}

static void
status(struct role *r, struct json *j)
{
	struct milter_role *mr = r->state;
	struct milter_counts *n = &mr->hall.n;
	struct mail_cache_counts c = mail_cache_count(mr->hall.cache);
	struct dkim_pubs_counts k = dkim_pubs_count(mr->hall.pubs);

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
	count_json(j, "failures_reported", &n->reported);
	count_json(j, "failures_dropped", &n->unreported);
	json_kv_bool(j, "keys", mr->has_keys);
	json_kv_u64(j, "answers_known", c.found);
	json_kv_u64(j, "answers_asked", c.missed);
	json_kv_u64(j, "answers_dropped", c.dropped);
	json_kv_u64(j, "answers_bytes", c.bytes);
	json_kv_u64(j, "pubs_known", k.found);
	json_kv_u64(j, "pubs_made", k.missed);
	marks_json(mr, j);
}

/* The same for the metrics. */
static int
web_tell(struct role *r)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	struct milter_role *mr = r->state;

	if (mr->looks++ % TELL_LOOKS != 0)
		return 0;
	json_open(&j, '{');
	status(r, &j);
	json_close(&j, '}');
	return b.rc < 0 ? b.rc : msg_milter_told_send(r, ROLE_WEB,
	    &(struct msg_milter_told){ .json = buf_get(&b) });
}

/* --- now and then --- */

/* What cannot be sealed now is next time; appending says what is lost. */
static void
journal_turn(struct role *r)
{
	struct milter_role *mr = r->state;
	int rc = 0;

	if (mr->hall.journal != NULL)
		rc = mail_journal_turn(mr->hall.journal, role_now(r), false);
	if (rc < 0 && !mr->turn_failed)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s; rows wait there", mr->rows, err_str(rc));
	mr->turn_failed = rc < 0;
}

static void
on_timer(void *arg)
{
	struct role *r = arg;
	struct milter_role *mr = r->state;
	int rc;

	for (enum trouble t = 0; t < TROUBLES; t++)
		trouble_tell(r, t);
	journal_turn(r);
	if (mr->failures != NULL)
		milter_failures_turn(mr->failures);
	if ((rc = keys_ask(r)) < 0 || (rc = serve_begin(r)) < 0 || (rc = marks_ask(r)) < 0 ||
	    (rc = web_tell(r)) < 0 || (rc = loop_timer_set(mr->timer, LOOK_USEC)) < 0)
		role_stop(r, rc);
}

/* --- life --- */

static int
rules_take(struct milter_role *mr, struct sv text)
{
	struct mail_gate_conf *g = &mr->hall.gate;
	struct mail_rules rules;
	int rc = mail_rules_read(text, mr->pool, &rules);

	if (rc < 0)
		return rc;
	g->policy = rules.policy;
	g->aliases = rules.aliases;
	g->n_aliases = rules.n_aliases;
	return 0;
}

/* Without the list there is no answer by RFC 7489, which is for comparison. */
static void
psl_take(struct role *r)
{
	struct milter_role *mr = r->state;
	struct psl_ctx_st *psl;

	if (mail_psl_read(MAIL_PSL_FILE, &psl) == 0)
		mr->hall.gate.psl = psl;
	else
		role_log(r, LOG_LEVEL_NOTICE, MAIL_PSL_FILE " is not there; organizational domains are "
		    "found by RFC 9989 only");
}

static int
journal_take(struct role *r, struct sv folder)
{
	struct milter_role *mr = r->state;
	struct mail_journal_found found;
	struct mail_journal_conf c = { .segment_bytes = MILTER_SEGMENT,
	    .segment_sec = MILTER_SEGMENT_SEC };
	int rc;

	if ((mr->rows = sv_dup(folder)) == NULL)
		return -ENOMEM;
	c.folder = mr->rows;
	if ((rc = tree_make(mr->rows)) < 0 || (rc = role_path(r, mr->rows, SANDBOX_WRITE)) < 0 ||
	    (rc = mail_journal_open(&c, role_now(r), &mr->hall.journal, &found)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "%s: %s", mr->rows, err_str(rc));
		return rc;
	}
	if (found.n_cut + found.n_damaged > 0)
		role_log(r, LOG_LEVEL_WARN, "%s: %u segments ended in the middle of a row, %u are damaged "
		    "and kept aside", mr->rows, found.n_cut, found.n_damaged);
	return 0;
}

static int
resolver_take(struct role *r, struct sv resolver)
{
	struct milter_role *mr = r->state;
	int rc = mail_dns_resolvers_read(resolver, &mr->hall.resolvers);

	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "mail.resolver: \"%.*s\" is no address", SV_ARG(resolver));
	if (rc == 0 && (mr->hall.pubs = dkim_pubs_new(DKIM_PUBS_MAX)) == NULL)
		rc = -ENOMEM;
	return rc < 0 ? rc : mail_cache_new(MAIL_CACHE_ENTRIES, MAIL_CACHE_BYTES_MAX, &mr->hall.cache);
}

static int
conf_take(struct role *r, const struct msg_milter_conf *m)
{
	struct milter_role *mr = r->state;
	struct mail_gate_conf *g = &mr->hall.gate;
	int rc;

	mr->hall.max_messages = m->max_messages;
	g->authserv_id = pool_sv(mr->pool, m->authserv_id);
	g->node = pool_sv(mr->pool, m->node);
	g->seal_domain = pool_sv(mr->pool, m->seal_domain);
	g->seal_selector = pool_sv(mr->pool, m->seal_selector);
	g->bimi = (enum mail_gate_bimi)m->bimi;
	psl_take(r);
	if (pool_has_failed(mr->pool) ||
	    (g->bimi != MAIL_GATE_BIMI_NONE && (mr->hall.marks = mail_marks_new()) == NULL))
		return -ENOMEM;
	if ((rc = rules_take(mr, m->rules)) < 0 || (rc = resolver_take(r, m->resolver)) < 0 ||
	    (rc = milter_sign_init(&mr->hall, r)) < 0)
		return rc;
	if (m->failures.n > 0 &&
	    (rc = milter_failures_init(&mr->hall, r, m, mr->pool, &mr->failures)) < 0)
		return rc;
	return m->rows.n > 0 ? journal_take(r, m->rows) : 0;
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
	if ((rc = conf_take(r, m)) < 0)
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

	int rc = keys_ask(r);

	if (rc < 0)
		return rc;
	mr->is_started = true;
	if (mr->has_keys && (rc = serve_begin(r)) < 0)
		return rc;
	return loop_timer_set(mr->timer, LOOK_USEC);
}

static const struct role_handler handlers[] = {
	{ MSG_milter_conf, on_conf },
	{ MSG_seal_keys, on_keys },
	{ MSG_seal_answer, on_signature },
	{ MSG_mark_told, on_mark },
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
		.start = start, .status = status,
	};

	return role_main(&def);
}
