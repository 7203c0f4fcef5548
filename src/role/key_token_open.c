/* The module is loaded, before the sandbox closes; what it may reach then. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/token_conf.h"
#include "base/err.h"
#include "role/key_token_internal.h"
#include "sys/file.h"
#include "sys/trial.h"

#define FINDINGS_POOL	((size_t)64 * 1024)
#define REFUSED_FILE	"token-pin-refused"

static char *
text_of(struct sv s)
{
	return sv_dup(s);		/* with its NUL; "" for an empty one */
}

/* --- the sandbox --- */

static void
paths_name(struct role *r, struct sv list, enum sandbox_access a)
{
	struct sv line;

	while (sv_line(&list, &line)) {
		char *path = text_of(line);
		int rc = path == NULL ? -ENOMEM : role_path(r, path, a);

		if (rc < 0)
			role_log(r, LOG_LEVEL_WARN, "%.*s: %s; the module cannot reach it", SV_ARG(line),
			    err_str(rc));
		free(path);
	}
}

static void
resolver_name(struct role *r)
{
	for (size_t i = 0; sandbox_resolver_files[i] != NULL; i++)
		if (file_signature(sandbox_resolver_files[i], 0) != 0)
			(void)!role_path(r, sandbox_resolver_files[i], SANDBOX_READ);
}

static int
sandbox_choose(struct role *r, const struct msg_key_conf *m)
{
	struct sandbox_profile p = sandbox_key;

	p.calls |= SANDBOX_MODULE;
	p.max_files = 1024;
	if (m->connect == TOKEN_CONNECT_NETWORK) {
		p.calls |= SANDBOX_CONNECT;
		resolver_name(r);
	} else if (m->connect == TOKEN_CONNECT_LOCAL) {
		p.calls |= SANDBOX_LOCAL;
	}
	paths_name(r, m->read_paths, SANDBOX_READ);
	paths_name(r, m->write_paths, SANDBOX_WRITE);
	return role_sandbox(r, &p);
}

/* --- a PIN that was refused --- */

static bool
pin_was_refused(const struct key_token *kt)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(4096);
	char want[32];
	struct sv text;

	(void)snprintf(want, sizeof(want), "%016llx\n", (unsigned long long)kt->stamp);
	return pool != NULL && file_read(pool, FILE_CWD, kt->refused_file, 64, &text) == 0 &&
	    sv_eq_str(text, want);
}

/* --- the module --- */

/* Loaded and started, by a child. */
static int
trial(void *arg)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL);
	struct hsm *hsm = NULL;
	struct findings fs;

	if (pool == NULL)
		return 1;
	findings_init(&fs, pool);
	return hsm_open(arg, &fs, &hsm) < 0;
}

static void
findings_tell(struct key_token *kt, const struct findings *fs)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		finding_text(&b, f, LANG_EN);
		(void)snprintf(kt->why, sizeof(kt->why), "%s: %.*s", f->def->code, SV_ARG(buf_get(&b)));
		role_log(kt->role, LOG_LEVEL_ERROR, "%s", kt->why);
	}
}

static int
module_open(struct key_token *kt, const struct hsm_opts *o)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL);
	struct findings fs;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	rc = trial_run(trial, (void *)(uintptr_t)o, (unsigned)(kt->timeout / 1000));
	if (rc == -ETIMEDOUT || rc == -ECHILD) {
		kt->again = true;
		(void)snprintf(kt->why, sizeof(kt->why), "the module %s %s", kt->module,
		    rc == -ETIMEDOUT ? "does not return from its start" : "crashes when it is started");
		role_log(kt->role, LOG_LEVEL_ERROR, "%s; keys that are files are used meanwhile", kt->why);
		return 0;
	}
	if ((rc = hsm_open(o, &fs, &kt->hsm)) < 0)
		return rc;
	findings_tell(kt, &fs);
	return 0;
}

/* The module's own; nobody else's code has read any yet. */
static int
environment_set(struct sv list)
{
	struct sv line;

	while (sv_line(&list, &line)) {
		struct sv name = sv_cut(&line, '=');
		char *n = text_of(name), *v = text_of(line);
		int rc = n == NULL || v == NULL || setenv(n, v, 1) < 0 ? -ENOMEM : 0;

		free(n);
		free(v);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
token_open(struct key_token *kt, const struct msg_key_conf *m)
{
	char *pin = text_of(m->pin_file);
	struct hsm_opts o = { .module = kt->module, .token = kt->uri, .pin_file = m->pin_file.n > 0 ?
	    pin : NULL, .n_sessions = kt->n_threads, .later = true };
	int rc = pin == NULL ? -ENOMEM : environment_set(m->environment);

	if (rc == 0 && pin_was_refused(kt)) {
		(void)snprintf(kt->why, sizeof(kt->why), "HSM_PIN_REFUSED: this PIN was refused before and "
		    "is not tried again; change %s, or touch it, and reload", pin);
		role_log(kt->role, LOG_LEVEL_ERROR, "%s", kt->why);
	} else if (rc == 0) {
		rc = module_open(kt, &o);
	}
	free(pin);
	return rc;
}

int
key_token_open(struct role *r, const struct msg_key_conf *m, size_t n_zones, struct key_token **ret)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	struct key_token *kt;

	if (m->module.n == 0)
		return 0;
	if ((kt = calloc(1, sizeof(*kt))) == NULL)
		return -ENOMEM;
	buf_printf(&path, "%.*s/" REFUSED_FILE, SV_ARG(m->folder));
	kt->role = r;
	kt->module = text_of(m->module);
	kt->uri = text_of(m->token.n > 0 ? m->token : SV("pkcs11:"));
	kt->refused_file = text_of(buf_get(&path));
	kt->stamp = m->stamp;
	kt->n_threads = (unsigned)min_size(m->sessions == 0 ? 1 : m->sessions, CREW_MAX);
	kt->timeout = (m->timeout == 0 ? 1 : m->timeout) * USEC;
	kt->n_zones = n_zones;
	kt->making = calloc(n_zones + 1, sizeof(*kt->making));
	kt->workers = calloc(kt->n_threads, sizeof(*kt->workers));
	if (kt->module == NULL || kt->uri == NULL || kt->refused_file == NULL || kt->making == NULL ||
	    kt->workers == NULL)
		return -ENOMEM;		/* and the role ends */
	*ret = kt;
	return sandbox_choose(r, m) < 0 ? -EPERM : token_open(kt, m);
}
