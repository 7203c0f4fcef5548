/* The process that the module gets, before the role's sandbox closes; and what is done in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/token_conf.h"
#include "base/err.h"
#include "role/key_token_internal.h"
#include "sys/file.h"

#define FINDINGS_POOL	((size_t)64 * 1024)
#define REFUSED_FILE	"token-pin-refused"

static char *
text_of(struct sv s)
{
	return sv_dup(s);		/* with its NUL; "" for an empty one */
}

/* --- in the module's process --- */

struct token_room {
	char		*read, *write, *environment;	/* one a line */
	uint32_t	 connect;			/* enum token_connect */
	bool		 no_sandbox;
};

/* Its own; nobody else's code has read any yet. */
static int
environment_set(void *arg)
{
	const struct token_room *room = arg;
	struct sv rest = sv_str(room->environment), line;

	while (sv_line(&rest, &line)) {
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

/* What is not there cannot be reached; the role has told. */
static void
paths_add(struct sandbox *s, const char *list, enum sandbox_access a)
{
	struct sv rest = sv_str(list), line;

	while (sv_line(&rest, &line)) {
		char *path = text_of(line);

		if (path != NULL)
			(void)!sandbox_path(s, path, a);
		free(path);
	}
}

static void
resolver_add(struct sandbox *s)
{
	for (size_t i = 0; sandbox_resolver_files[i] != NULL; i++)
		if (file_signature(sandbox_resolver_files[i], 0) != 0)
			(void)!sandbox_path(s, sandbox_resolver_files[i], SANDBOX_READ);
}

/* The module is loaded, and nothing was asked of it but to start. The keys' folder is not in it. */
static int
room_close(void *arg)
{
	_cleanup_(sandbox_freep) struct sandbox *s = sandbox_new();
	const struct token_room *room = arg;
	struct sandbox_profile p = sandbox_key;
	const char *what;

	if (room->no_sandbox)
		return 0;
	if (s == NULL)
		return -ENOMEM;
	p.name = "hsm-module";
	p.calls |= SANDBOX_MODULE;
	p.max_files = 1024;
	if (room->connect == TOKEN_CONNECT_NETWORK) {
		p.calls |= SANDBOX_CONNECT;
		resolver_add(s);
	} else if (room->connect == TOKEN_CONNECT_LOCAL) {
		p.calls |= SANDBOX_LOCAL;
	}
	paths_add(s, room->read, SANDBOX_READ);
	paths_add(s, room->write, SANDBOX_WRITE);
	return sandbox_enter(s, &p, &what);
}

/* --- in the role --- */

static void
paths_look(struct role *r, const char *list)
{
	struct sv rest = sv_str(list), line;

	while (sv_line(&rest, &line)) {
		char *path = text_of(line);

		if (path != NULL && file_signature(path, 0) == 0)
			role_log(r, LOG_LEVEL_WARN, "%s: not there; the module cannot reach it", path);
		free(path);
	}
}

/* Kept until the end: the keeper of the module's process has a copy of it all. */
static struct token_room *
room_new(struct role *r, const struct msg_key_conf *m)
{
	struct token_room *room = calloc(1, sizeof(*room));

	if (room == NULL)
		return NULL;
	room->read = text_of(m->read_paths);
	room->write = text_of(m->write_paths);
	room->environment = text_of(m->environment);
	room->connect = m->connect;
	room->no_sandbox = role_no_sandbox(r);
	if (room->read == NULL || room->write == NULL || room->environment == NULL)
		return NULL;		/* and the role ends */
	paths_look(r, room->read);
	paths_look(r, room->write);
	return room;
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
module_open(struct key_token *kt, const char *pin, struct token_room *room)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL);
	unsigned msec = (unsigned)(kt->timeout / 1000);
	struct hsm_apart_opts o = { .hsm = { .module = kt->module, .token = kt->uri, .pin_file = pin,
		.n_sessions = kt->n_threads }, .call_msec = msec, .make_msec = msec * TOKEN_MAKE_FACTOR,
		.before = environment_set, .after = room_close, .arg = room };
	struct findings fs;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	if ((rc = hsm_open_apart(&o, &fs, &kt->hsm)) == 0)
		findings_tell(kt, &fs);
	return rc;
}

static int
token_open(struct key_token *kt, const struct msg_key_conf *m)
{
	struct token_room *room = room_new(kt->role, m);
	char *pin = text_of(m->pin_file);
	int rc = pin == NULL || room == NULL ? -ENOMEM : 0;

	if (rc == 0 && pin_was_refused(kt)) {
		(void)snprintf(kt->why, sizeof(kt->why), "HSM_PIN_REFUSED: this PIN was refused before and "
		    "is not tried again; change %s, or touch it, and reload", pin);
		role_log(kt->role, LOG_LEVEL_ERROR, "%s", kt->why);
	} else if (rc == 0) {
		rc = module_open(kt, m->pin_file.n > 0 ? pin : NULL, room);
	}
	free(pin);
	return rc;
}

/* A socket for each session; the module's own files are not ours. */
static int
sandbox_choose(struct role *r)
{
	struct sandbox_profile p = sandbox_key;

	p.max_files = 256;
	return role_sandbox(r, &p);
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
	return sandbox_choose(r) < 0 ? -EPERM : token_open(kt, m);
}
