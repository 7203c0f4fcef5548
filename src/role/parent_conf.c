/* The configuration of a daemon that runs: its logs and its token, and a new one in its place. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "role/parent.h"
#include "sys/file.h"

/* --- logs --- */

static int
log_file(struct parent *p, const struct conf *c, enum app_conf_row row,
    const char *name, const struct proc_user *u, struct buf *err)
{
	char path[4200];
	int rc = app_conf_log(c, row, name, path, sizeof(path));

	if (rc == 0)
		rc = log_open(path);
	if (rc >= 0 && u != NULL && proc_user_own(u, path) < 0)
		rc = -EPERM;
	if (rc < 0)
		buf_printf(err, tr(p->lang, N_("cannot write the log %s: %s")), path,
		    err_str(rc));
	return rc;
}

int
conf_logs(struct parent *p, const struct conf *c, const struct proc_user *u,
    struct buf *err)
{
	struct logs l = { .op = 2, .object = -1, .audit = -1 };

	if (app_conf_str(c, CONF_LOG_OP)[0] != '\0')
		l.op = log_file(p, c, CONF_LOG_OP, "", u, err);
	l.journal = l.op == 2 && log_is_journal(2);
	if (l.op >= 0)
		l.object = log_file(p, c, CONF_LOG_OBJECT, "objects.jsonl", u, err);
	if (l.object >= 0)
		l.audit = log_file(p, c, CONF_LOG_AUDIT, "audit.jsonl", u, err);
	if (l.op < 0 || l.object < 0 || l.audit < 0) {
		if (l.op > 2)
			fd_close(&l.op);
		fd_close(&l.object);
		fd_close(&l.audit);
		return -EIO;
	}
	if (p->logs.op > 2)
		fd_close(&p->logs.op);
	fd_close(&p->logs.object);
	fd_close(&p->logs.audit);
	p->logs = l;
	return 0;
}

int
conf_token(const struct conf *c, char token[static TOKEN_MAX + 1], struct buf *err)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(8192);
	const char *path = app_conf_str(c, CONF_WEB_TOKEN_FILE);
	struct sv s;
	int rc;

	token[0] = '\0';
	if (path[0] == '\0')
		return 0;
	if (pool == NULL)
		return -ENOMEM;
	if ((rc = file_read(pool, FILE_CWD, path, 4096, &s)) < 0) {
		buf_printf(err, "%s: %s", path, err_str(rc));
		return rc;
	}
	s = sv_trim(s);
	if (s.n < 16 || s.n > TOKEN_MAX || sv_find(s, '\n') < s.n ||
	    memchr(s.p, 0, s.n) != NULL) {
		buf_printf(err, "%s: 16 - %d", path, TOKEN_MAX);
		return SE_SYNTAX;
	}
	(void)snprintf(token, TOKEN_MAX + 1, "%.*s", SV_ARG(s));
	return 0;
}

/* --- reload --- */

/* Rtr and web take a new one as they run; the others open files with it. */
static void
child_reconf(struct child *c, bool listeners)
{
	bool changed = conf_changed(c);

	if (listeners)
		child_restart(c, "other addresses to listen on");
	else if (changed && c->id != ROLE_RTR && c->id != ROLE_WEB)
		child_restart(c, "its configuration has changed");
	/* The store gets its log anew in any case: it may have been rotated. */
	else if ((changed || c->id == ROLE_STORE) && c->chan != NULL && conf_send(c) < 0)
		child_restart(c, "it did not take its configuration");
}

static int
fixed_check(struct parent *p, const struct conf *fresh, struct buf *err)
{
	static const enum app_conf_row fixed[] = { CONF_STATE, CONF_USER };

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (strcmp(app_conf_str(p->conf, fixed[i]),
		    app_conf_str(fresh, fixed[i])) != 0) {
			buf_printf(err, tr(p->lang,
			    N_("\"%s\" cannot be changed while sekisho runs; restart it")),
			    fresh->rows[fixed[i]].path);
			return SE_USAGE;
		}
	return 0;
}

int
conf_reload(struct parent *p, struct buf *err)
{
	_cleanup_(conf_freep) struct conf *fresh = NULL;
	struct listener old[LISTENERS_MAX];
	unsigned n_old = p->n_listeners;
	char token[TOKEN_MAX + 1];
	struct conf_error e;
	_cleanup_(auth_done) struct auth auth = { 0 };
	bool crypto_changes;
	int rc;

	memcpy(old, p->listeners, sizeof(old));
	if ((rc = app_conf_load(p->conf_file, p->state_opt, &fresh, &e)) < 0) {
		conf_error_text(&e, p->lang, err);
		return rc;
	}
	if ((rc = fixed_check(p, fresh, err)) < 0 ||
	    (rc = conf_token(fresh, token, err)) < 0 ||
	    (rc = conf_auth(p, fresh, &auth, err)) < 0 ||
	    (rc = conf_logs(p, fresh, NULL, err)) < 0)
		return rc;
	if ((rc = conf_listeners(p, fresh, &auth, err)) < 0) {
		_cleanup_(buf_done) struct buf ignored = BUF_INIT;

		(void)conf_logs(p, p->conf, NULL, &ignored);
		return rc;
	}
	memcpy(p->token, token, sizeof(token));
	auth_done(&p->auth);
	p->auth = auth;
	auth = (struct auth){ 0 };
	crypto_changes = strcmp(app_conf_str(p->conf, CONF_CRYPTO), app_conf_str(fresh, CONF_CRYPTO)) != 0;
	conf_free(p->conf);
	p->conf = TAKE_PTR(fresh);
	p->reloads++;
	if (crypto_changes)
		crypto_log(p);
	for (int i = ROLE_STORE; i < ROLE_MAX; i++)
		if (!conf_wants(p->conf, (enum role_id)i))
			child_retire(&p->children[i]);
		else if (p->children[i].pid == 0)
			child_start_soon(&p->children[i]);
		else
			child_reconf(&p->children[i],
			    listeners_changed(p, old, n_old, (enum role_id)i));
	(void)child_send(&p->children[ROLE_VALIDATE], MSG_validate_now,
	    &(struct msg_validate_now){ 0 });
	house_send(p);
	return 0;
}
