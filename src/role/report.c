/* The role: see role/report_role.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "role/report_role.h"
#include "sys/proc.h"
#include "sys/task.h"
#include "sys/tree.h"

#define CONF_POOL_MAX	((size_t)64 * 1024)
#define SERVER		"postgresql://"
#define HEALTH_SEC	30		/* so often the alarms hear of it */
#define STOP_USEC	INT64_C(2000000)	/* the parent waits for STOP_MS */

struct report_role {
	struct report_work	 work;
	struct report_seen	 seen;		/* of work, after its last turn */
	struct report_complaint	 complaints[REPORT_COMPLAINTS_MAX];	/* for the next turn */
	size_t			 n_complaints;
	struct task		*task;
	struct loop_timer	*timer;
	uint64_t		 resolver;	/* signature of its files; 0: nobody is looked up by them */
	int64_t			 ill_since[MAIL_HEALTH_MAX];	/* 0: it is well */
	int64_t			 health_at;	/* when the alarms heard of it last; 0: at once */
};

/* --- what is told --- */

static void
troubles_json(const struct report_seen *s, struct json *j)
{
	json_key(j, "troubles");
	json_open(j, '[');
	for (unsigned i = 0; i < REPORT_TROUBLES; i++) {
		if (!s->troubles[i].is_on)
			continue;
		json_open(j, '{');
		json_kv_str(j, "of", report_trouble_word((enum report_trouble)i));
		json_kv_str(j, "what", s->troubles[i].what);
		json_kv_i64(j, "since", s->troubles[i].since);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* [{"what", "bad"}…]: the words of app/mail_health.h. */
static void
health_json(const struct report_seen *s, int64_t now, struct json *j)
{
	struct mail_health_facts f = s->facts;

	f.now = now;
	json_key(j, "health");
	json_open(j, '[');
	for (unsigned i = 0; i < MAIL_HEALTH_MAX; i++) {
		enum mail_health h = mail_health(&f, (enum mail_health_what)i);

		if (h == MAIL_HEALTH_GOOD)
			continue;
		json_open(j, '{');
		json_kv_str(j, "what", mail_health_word((enum mail_health_what)i));
		json_kv_bool(j, "bad", h == MAIL_HEALTH_BAD);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
status(struct role *r, struct json *j)
{
	const struct report_role *rr = r->state;
	const struct report_seen *s = &rr->seen;

	json_kv_bool(j, "sends", s->sends);
	json_kv_u64(j, "segments", s->segments);
	json_kv_u64(j, "rows", s->n.rows);
	json_kv_u64(j, "rows_known", s->n.known);
	json_kv_u64(j, "rows_bad", s->n.bad);
	json_kv_u64(j, "segments_damaged", s->n.damaged);
	json_kv_u64(j, "made", s->n.made);
	json_kv_u64(j, "addressed", s->n.addressed);
	json_kv_u64(j, "sent", s->n.sent);
	json_kv_u64(j, "later", s->n.later);
	json_kv_u64(j, "refused", s->n.refused);
	json_kv_u64(j, "complaints", s->n.complaints);
	json_kv_u64(j, "failures", s->n.failures);
	json_kv_u64(j, "failures_alike", s->n.alike);
	json_kv_u64(j, "failures_over", s->n.over);
	json_kv_u64(j, "failures_sent", s->n.failures_sent);
	if (s->has_now) {
		json_kv_u64(j, "due", s->now.n_due);
		json_kv_u64(j, "unaddressed", s->now.n_unaddressed);
		json_kv_u64(j, "failures_due", s->failures.n_due);
		json_kv_u64(j, "failures_gathering", s->failures.n_gathering);
		json_kv_i64(j, "waiting_day", s->now.waiting_day);
	}
	health_json(s, role_now(r), j);
	if (s->error_at > 0) {
		json_kv_str(j, "error", s->error);
		json_kv_i64(j, "error_at", s->error_at);
	}
	troubles_json(s, j);
}

static int
turn_tell(struct role *r)
{
	struct report_role *rr = r->state;
	struct report_work *w = &rr->work;
	int rc = 0;

	for (unsigned i = 0; i < w->n_lines; i++)
		role_log(r, w->lines[i].level, "%s", w->lines[i].text);
	w->n_lines = 0;
	if (w->told.rc < 0)
		return w->told.rc;
	if (w->told.len > 0)
		rc = msg_report_told_send(r, ROLE_WEB,
		    &(struct msg_report_told){ .json = buf_get(&w->told) });
	w->told.len = 0;
	return rc;
}

/* For the alarms; the numbers may be of a while ago, which is one of the things that are wrong. */
static int
health_tell(struct role *r)
{
	struct report_role *rr = r->state;
	struct mail_health_facts f = rr->seen.facts;
	char text[400];
	size_t len = 0;

	f.now = role_now(r);
	text[0] = '\0';
	for (unsigned i = 0; i < MAIL_HEALTH_MAX; i++) {
		bool is_ill = mail_health_is_alarm(&f, (enum mail_health_what)i);

		if (is_ill != (rr->ill_since[i] != 0)) {
			rr->ill_since[i] = is_ill ? f.now : 0;
			rr->health_at = 0;
		}
		if (is_ill)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\t%lld\n",
			    mail_health_word((enum mail_health_what)i), (long long)rr->ill_since[i]);
	}
	/* After a start: not well before it is known. */
	if ((len == 0 && !rr->seen.has_now) || f.now < rr->health_at + HEALTH_SEC)
		return 0;
	rr->health_at = f.now;
	return msg_report_health_send(r, ROLE_STORE,
	    &(struct msg_report_health){ .bad = sv_take(sv_str(text), len) });
}

/* --- complaints: they wait for the end of the turn that is under way --- */

static int
complaint_answer(struct role *r, uint32_t req, int rc)
{
	const struct msg_report_complained m = { .req = req, .code = rc == 0 ? 0 : 3,
		.text = rc == 0 ? SV("") : rc == 1 ? SV("the reports' store is not to be had now; try again") :
		rc == SE_LIMIT ? SV("too many complaints at a time; try again") : sv_str(err_str(rc)) };

	return msg_report_complained_send(r, ROLE_PARENT, &m);
}

/* Those that are new while a turn runs stay with the loop. */
static int
on_complaint(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct report_role *rr = r->state;
	const struct msg_report_complaint *m = msg;
	struct report_complaint *c = &rr->complaints[rr->n_complaints];

	if (rr->n_complaints == REPORT_COMPLAINTS_MAX)
		return complaint_answer(r, m->req, SE_LIMIT);
	c->req = m->req;
	(void)snprintf(c->names, sizeof(c->names), "%.*s", SV_ARG(m->names));
	rr->n_complaints++;
	return rr->task == NULL ? loop_timer_set(rr->timer, 0) : 0;
}

static void
complaints_give(struct report_role *rr)
{
	memcpy(rr->work.complaints, rr->complaints, rr->n_complaints * sizeof(rr->complaints[0]));
	rr->work.n_complaints = rr->n_complaints;
	for (size_t i = 0; i < rr->n_complaints; i++)
		rr->work.complaints[i].rc = 1;
	rr->n_complaints = 0;
}

static int
complaints_answer(struct role *r)
{
	struct report_role *rr = r->state;
	int rc = 0;

	for (size_t i = 0; i < rr->work.n_complaints && rc == 0; i++)
		rc = complaint_answer(r, rr->work.complaints[i].req, rr->work.complaints[i].rc);
	rr->work.n_complaints = 0;
	return rc;
}

/* --- turns --- */

static void
turn(void *arg)
{
	struct role *r = arg;
	struct report_role *rr = r->state;

	report_turn(&rr->work);
}

static void
turn_end(void *arg)
{
	struct role *r = arg;
	struct report_role *rr = r->state;
	int rc;

	rr->task = task_free(rr->task);
	rr->seen = rr->work.seen;
	if (mail_out_is_broken(rr->work.out)) {
		role_log(r, LOG_LEVEL_ERROR, "the box of mail.reporting.via has ended, starting anew");
		role_stop(r, -EPIPE);
		return;
	}
	if ((rc = complaints_answer(r)) < 0 || (rc = turn_tell(r)) < 0 || (rc = health_tell(r)) < 0) {
		role_stop(r, rc);
		return;
	}
	if (rr->resolver != 0 && rr->n_complaints == 0 && !rr->work.has_more &&
	    role_resolver_changed(r, rr->resolver))
		return;
	if ((rc = loop_timer_set(rr->timer, rr->n_complaints > 0 ? 0 : rr->work.has_more ?
	    REPORT_BUSY_USEC : REPORT_IDLE_USEC)) < 0)
		role_stop(r, rc);
}

static void
on_timer(void *arg)
{
	struct role *r = arg;
	struct report_role *rr = r->state;

	complaints_give(rr);
	if ((rr->task = task_start(r->loop, turn, turn_end, r)) == NULL)
		role_stop(r, -ENOMEM);
}

/* --- the configuration --- */

static const char *
text_of(struct pool *pool, struct sv s)
{
	return pool_printf(pool, "%.*s", SV_ARG(s));
}

static int
folder_make(struct role *r, const char *path)
{
	int rc = path == NULL ? -ENOMEM : tree_make(path);

	if (rc == 0)
		rc = role_path(r, path, SANDBOX_WRITE);
	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s", path, err_str(rc));
	return rc;
}

static int
file_path(struct role *r, const char *path)
{
	int rc = role_path(r, path, SANDBOX_READ);

	return rc == -ENOENT ? 0 : rc;
}

/* A file of ours, or a server: its name is not printed with what stands behind it. */
static int
store_take(struct role *r, const struct msg_report_conf *m)
{
	struct report_role *rr = r->state;
	struct report_work *w = &rr->work;
	struct sv folder = sv_take(m->store, sv_rfind(m->store, '/'));
	int rc;

	if ((w->store_where = text_of(w->pool, m->store)) == NULL)
		return -ENOMEM;
	if (!sv_starts(m->store, SV(SERVER))) {
		w->store_name = w->store_where;
		return folder_make(r, text_of(w->pool, folder));
	}
	w->store_name = "mail.reporting.store";
	if ((rc = role_resolver(r, &rr->resolver)) < 0 || (rc = file_path(r, "/etc/passwd")) < 0 ||
	    m->pass_file.n == 0)
		return rc;
	return file_path(r, text_of(w->pool, m->pass_file));
}

static int
reporter_take(struct report_work *w, const struct msg_report_conf *m)
{
	struct mail_reports_conf *c = &w->conf;
	struct sv email = pool_sv(w->pool, m->email);

	*c = (struct mail_reports_conf){
		.email = email, .submitter = sv_skip(email, sv_rfind(email, '@') + 1),
		.org_name = pool_sv(w->pool, m->org_name), .contact = pool_sv(w->pool, m->contact),
		.generator = SV("Sekisho " SEKISHO_VERSION),
		.form = m->old_form ? REPORT_RFC7489 : REPORT_RFC9990,
		.mail_max = (size_t)m->mail_max << 20,
	};
	if (pool_has_failed(w->pool))
		return -ENOMEM;
	if (c->org_name.n == 0)
		c->org_name = c->submitter;
	return c->submitter.n > 0 && c->submitter.n < email.n ? 0 : -EINVAL;
}

static int
out_take(struct role *r, const struct msg_report_conf *m)
{
	struct report_role *rr = r->state;
	struct report_work *w = &rr->work;
	char host[256] = "";
	struct mail_out_conf c = { .timeout_sec = m->timeout, .no_sandbox = role_no_sandbox(r) };
	const char *what;
	int rc;

	(void)proc_host_name(host, sizeof(host));
	c.helo = text_of(w->pool, sv_str(host[0] != '\0' ? host : "localhost"));
	c.sender = text_of(w->pool, m->sender);
	c.folder = pool_printf(w->pool, "%.*s/mail-out", SV_ARG(m->folder));
	if (pool_has_failed(w->pool))
		return -ENOMEM;
	if ((rc = mail_via_parse(m->via, &c.via)) < 0)
		return rc;
	if (!c.via.is_smtp && ((rc = tree_remove(c.folder)) < 0 || (rc = tree_make(c.folder)) < 0)) {
		role_log(r, LOG_LEVEL_ERROR, "%s: %s", c.folder, err_str(rc));
		return rc;
	}
	if (c.via.is_smtp && (rc = role_resolver(r, &rr->resolver)) < 0)
		return rc;
	if (!c.via.is_smtp && proc_gains_rights(c.via.where))
		role_log(r, LOG_LEVEL_WARN, "%s is set-user-id or set-group-id, which has no effect here; "
		    "if it fails, set mail.reporting.via to smtp://127.0.0.1:25", c.via.where);
	if ((rc = mail_out_new(&c, &w->out, &what)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "mail.reporting.via: %s: %s", what, err_str(rc));
	return rc;
}

static int
failures_take(struct report_work *w, const struct msg_report_conf *m)
{
	w->failures = text_of(w->pool, m->failures);
	w->failures_conf = (struct mail_failures_conf){ .email = w->conf.email,
		.submitter = w->conf.submitter, .agent = SV("Sekisho/" SEKISHO_VERSION),
		.per_domain = m->failures_domain, .per_day = m->failures_day };
	return folder_make(w->role, w->failures);
}

static int
conf_take(struct role *r, const struct msg_report_conf *m)
{
	struct report_role *rr = r->state;
	struct report_work *w = &rr->work;
	int rc;

	w->role = r;
	w->keep_rows = m->keep_rows;
	w->keep_names = m->keep_names;
	w->rows = pool_printf(w->pool, "%.*s/mail-rows", SV_ARG(m->folder));
	if ((rc = folder_make(r, w->rows)) < 0 || (rc = reporter_take(w, m)) < 0 ||
	    (rc = store_take(r, m)) < 0 || (rc = out_take(r, m)) < 0)
		return rc;
	if (m->failures.n > 0 && (rc = failures_take(w, m)) < 0)
		return rc;
	if ((rc = mail_dns_resolvers_read(m->resolver, &w->resolvers)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "mail.resolver: \"%.*s\" is no address", SV_ARG(m->resolver));
	return rc < 0 ? rc : mail_cache_new(MAIL_CACHE_ENTRIES, MAIL_CACHE_BYTES_MAX, &w->cache);
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct report_role *rr = r->state;

	if (rr->work.pool != NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	if ((rr->work.pool = pool_new(CONF_POOL_MAX)) == NULL ||
	    (rr->timer = loop_timer_add(r->loop, on_timer, r)) == NULL)
		return -ENOMEM;
	/* Nothing is known yet; the store must be reached soon. */
	rr->work.seen.facts = (struct mail_health_facts){ .told_at = role_now(r), .journal_at = -1,
		.rows_day = -1, .due_made = -1 };
	rr->seen = rr->work.seen;
	return conf_take(r, msg);
}

/* --- life --- */

static int
start(struct role *r)
{
	struct report_role *rr = r->state;

	return loop_timer_set(rr->timer, 0);
}

/* A mail that is under way is noted if it ends soon; otherwise it will be sent again. */
static void
stop(struct role *r)
{
	struct report_role *rr = r->state;

	atomic_store(&rr->work.is_stopped, true);
	if (rr->task != NULL)
		(void)task_wait(rr->task, STOP_USEC);
}

static const struct role_handler handlers[] = {
	{ MSG_report_conf, on_conf },
	{ MSG_report_complaint, on_complaint },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_REPORT,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_report_conf,
		.state_size = sizeof(struct report_role),
		.sandbox = &sandbox_report,
		.start = start, .status = status, .stop = stop,
	};

	return role_main(&def);
}
