/*
 * The parent of `sekisho serve`. It is started by cmd/serve.c, which has read
 * the command line:
 *
 *	sekisho-parent CONF STATE LANG CLOCK_OFFSET FLAGS CRYPTO
 *
 * CONF, STATE and CRYPTO may be empty (the defaults, the configuration's
 * word); FLAGS are letters: s for --no-sandbox, v for -v. The order here is the order of trust: everything
 * that needs root first, then never again root, then the roles.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "role/parent.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/statedir.h"

#define EXIT_CANNOT	3	/* as cmd/cmd.h */

int64_t
parent_now(const struct parent *p)
{
	return clock_now() + p->clock_offset;
}

void
parent_log(struct parent *p, enum log_level l, const char *fmt, ...)
{
	char text[2000];
	va_list ap;
	int n;

	if (l == LOG_LEVEL_DEBUG && !p->verbose)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	(void)log_op(p->logs.op, p->logs.journal, parent_now(p), l, "parent",
	    (struct sv){ text, min_size((size_t)n, sizeof(text) - 1) });
}

void
parent_audit(struct parent *p, const char *event, const char *json)
{
	int rc = log_audit(p->logs.audit, parent_now(p), "parent", sv_str(event),
	    sv_str(json));

	if (rc < 0)
		parent_log(p, LOG_LEVEL_ERROR, "cannot write the audit log: %s",
		    err_str(rc));
}

/* Before the logs are there, an error is the command's: one line on stderr. */
static int
fail(const char *text)
{
	fprintf(stderr, "sekisho: %s\n", text);
	return -EIO;
}

static int
fail_buf(struct buf *b)
{
	buf_char(b, '\0');
	return fail(b->rc == 0 ? b->p : "out of memory");
}

/* --- signals --- */

static void
on_child(void *arg)
{
	children_reaped(arg);
}

static void
on_stop(void *arg)
{
	struct parent *p = arg;

	if (p->stage == STAGE_UP) {
		parent_log(p, LOG_LEVEL_NOTICE, "stopping");
		children_stop(p);
	}
}

/* --- start --- */

static int
args_read(struct parent *p, int argc, char **argv)
{
	struct sv off;
	uint64_t v;
	bool minus;

	if (argc != 7)
		return fail("sekisho-parent is started by \"sekisho serve\"");
	p->conf_file = argv[1][0] != '\0' ? argv[1] : NULL;
	p->state_opt = argv[2][0] != '\0' ? argv[2] : NULL;
	p->lang = lang_parse(sv_str(argv[3]));
	off = sv_str(argv[4]);
	minus = sv_starts(off, SV("-"));
	if (num_u64(sv_skip(off, minus), 0, INT64_MAX, &v) < 0)
		return fail("bad clock offset");
	p->clock_offset = minus ? -(int64_t)v : (int64_t)v;
	p->no_sandbox = strchr(argv[5], 's') != NULL;
	p->verbose = strchr(argv[5], 'v') != NULL;
	p->crypto_opt = argv[6];
	return 0;
}

static int
conf_read(struct parent *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct conf_error e;

	if (app_conf_load(p->conf_file, p->state_opt, &p->conf, &e) == 0)
		return 0;
	conf_error_text(&e, p->lang, &b);
	return fail_buf(&b);
}

/* NULL in *ret_given: stay who we are. */
static int
user_read(struct parent *p, struct proc_user *u, const struct proc_user **ret_given)
{
	const char *name = app_conf_str(p->conf, CONF_USER);
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	*ret_given = NULL;
	if (name[0] == '\0' || !proc_is_root())
		return 0;
	if (proc_user_find(name, u) < 0) {
		buf_printf(&b, tr(p->lang, N_("there is no user \"%s\"; create it, "
		    "or change \"user\" in the configuration")), name);
		return fail_buf(&b);
	}
	*ret_given = u;
	return 0;
}

static int
state_open(struct parent *p, const struct proc_user *u)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct statedir_error e;
	int rc = statedir_open(app_conf_str(p->conf, CONF_STATE), u, &p->lock, &e);

	if (rc == 0)
		return 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_printf(&b, tr(p->lang, e.what != NULL ? e.what : "%s"), e.path);
#pragma GCC diagnostic pop
	if (rc == SE_LOCKED)
		buf_printf(&b, tr(p->lang, N_(" (process %ld); stop it first")), e.holder);
	else if (rc != SE_FORMAT)
		buf_printf(&b, ": %s", err_str(rc));
	if (rc == -EACCES || rc == -EPERM)
		buf_printf(&b, tr(p->lang, N_("; run as its owner, or give the folder to the user who runs it: chown -R USER %s")),
		    app_conf_str(p->conf, CONF_STATE));
	return fail_buf(&b);
}

static int
control_open(struct parent *p, const struct proc_user *u)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char path[4200];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/control", app_conf_str(p->conf, CONF_STATE));
	rc = ctl_listen(p->loop, path, ctl_line, p, &p->ctl);
	if (rc == 0 && u != NULL)
		rc = proc_user_own(u, path);
	if (rc == 0)
		return 0;
	buf_printf(&b, "%s: %s", path, err_str(rc));
	return fail_buf(&b);
}

/* All that may need root; after the last line we are nobody special. */
static int
prepare(struct parent *p)
{
	_cleanup_(buf_done) struct buf err = BUF_INIT;
	const struct proc_user *u;
	struct proc_user user;
	int rc;

	if ((rc = conf_read(p)) < 0 || (rc = user_read(p, &user, &u)) < 0 ||
	    (rc = state_open(p, u)) < 0)
		return rc;
	if ((p->loop = loop_new()) == NULL)
		return fail("out of memory");
	if ((rc = control_open(p, u)) < 0)
		return rc;
	if (conf_token(p->conf, p->token, &err) < 0 ||
	    conf_auth(p, p->conf, &p->auth, &err) < 0 ||
	    conf_logs(p, p->conf, u, &err) < 0 ||
	    conf_listeners(p, p->conf, &p->auth, &err) < 0)
		return fail_buf(&err);
	if (u != NULL && (rc = proc_user_become(u)) < 0)
		return fail(err_str(rc));
	return 0;
}

static int
setup(struct parent *p)
{
	uint64_t seed[2];
	int rc;

	if ((rc = random_fill(seed, sizeof(seed))) < 0 ||
	    (rc = proc_folder(p->folder, sizeof(p->folder))) < 0)
		return rc;
	hash_seed(seed[0], seed[1]);
	proc_no_sigpipe();
	if ((p->status_timer = loop_timer_add(p->loop, status_timeout, p)) == NULL)
		return -ENOMEM;
	if ((rc = children_setup(p)) < 0 ||
	    (rc = loop_signal(p->loop, SIGCHLD, on_child, p)) < 0 ||
	    (rc = loop_signal(p->loop, SIGTERM, on_stop, p)) < 0 ||
	    (rc = loop_signal(p->loop, SIGINT, on_stop, p)) < 0)
		return rc;
	return loop_signal(p->loop, SIGHUP, parent_hup, p);
}

static void
greet(struct parent *p)
{
	parent_log(p, LOG_LEVEL_NOTICE, "sekisho " SEKISHO_VERSION " starts in %s",
	    app_conf_str(p->conf, CONF_STATE));
	for (unsigned i = 0; i < p->n_listeners; i++)
		parent_log(p, LOG_LEVEL_NOTICE, "%s listens on %s",
		    role_name(p->listeners[i].role), p->listeners[i].bound.text);
	if (proc_is_root())
		parent_log(p, LOG_LEVEL_WARN, "runs as root: name a \"user\" in the configuration");
	crypto_log(p);
	parent_audit(p, "start", "");
	if (p->no_sandbox)
		parent_audit(p, "sandbox-off", "{\"by\":\"--no-sandbox\"}");
}

int
main(int argc, char **argv)
{
	struct parent *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return EXIT_CANNOT;
	p->lock = p->ring = p->key_ring = -1;
	p->logs = (struct logs){ .op = 2, .object = -1, .audit = -1 };
	if (args_read(p, argc, argv) < 0 || prepare(p) < 0)
		proc_end(EXIT_CANNOT);
	if (setup(p) < 0) {
		(void)fail("cannot set up the event loop");
		proc_end(EXIT_CANNOT);
	}
	p->since = parent_now(p);
	greet(p);
	for (int i = ROLE_STORE; i < ROLE_MAX; i++)
		if (conf_wants(p->conf, (enum role_id)i))
			child_start(&p->children[i]);
	if (loop_run(p->loop) < 0)
		p->rc = EXIT_CANNOT;
	parent_audit(p, "stop", "");
	p->ctl = ctl_free(p->ctl);
	proc_end(p->rc);
}
