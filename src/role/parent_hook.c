/*
 * The operator's program for DS changes (dns.ds-hook): key says for which zone
 * and with what input, and nothing else; which program that is says the
 * configuration. It runs as we do, beside the loop; one at a time for a zone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/parent.h"
#include "sys/hook.h"
#include "sys/memfd.h"

#define HOOK_SEC	120	/* an EPP session with a slow registry takes some seconds */
#define ZONE_MAX	1100	/* as the message has it */

struct parent_hook {
	struct parent	*p;
	struct hook	*h;
	uint32_t	 id;
	char		 zone[ZONE_MAX + 1];
};

/* To key; one that lives anew asks again. */
static void
answer(struct parent *p, uint32_t id, int64_t code, struct sv text)
{
	const struct msg_hook_done m = { .id = id, .code = code, .text = sv_take(text, 400) };

	(void)child_send(&p->children[ROLE_KEY], MSG_hook_done, &m);
}

static void
hook_tell(struct parent *p, const char *zone, int64_t code, struct sv text)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	parent_log(p, code == 0 ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "dns.ds-hook for %s: %s%lld%s%.*s", zone,
	    code < 0 ? err_str((int)code) : "status ", code < 0 ? 0 : (long long)code,
	    text.n > 0 ? ": " : "", SV_ARG(text));
	json_open(&j, '{');
	json_kv_str(&j, "zone", zone);
	json_kv_i64(&j, "code", code);
	json_kv_sv(&j, "text", text);
	json_close(&j, '}');
	buf_char(&b, '\0');
	parent_audit(p, "ds-hook", b.rc == 0 ? b.p : "");
}

static struct parent_hook **
place_of(struct parent *p, const struct parent_hook *ph)
{
	for (size_t i = 0; i < ARRAY_LEN(p->hooks); i++)
		if (p->hooks[i] == ph)
			return &p->hooks[i];
	return NULL;
}

static struct parent_hook *
hook_drop(struct parent_hook *ph)
{
	if (ph == NULL)
		return NULL;
	ph->h = hook_free(ph->h);
	free(ph);
	return NULL;
}
DEFINE_CLEANUP(struct parent_hook, hook_drop)

static void
on_end(void *arg, struct hook *h UNUSED, int64_t code, struct sv line)
{
	struct parent_hook *ph = arg;

	hook_tell(ph->p, ph->zone, code, line);
	answer(ph->p, ph->id, code, line);
	*place_of(ph->p, ph) = NULL;
	(void)hook_drop(ph);
}

/* Why not now; NULL: nothing is against it. */
static const char *
hindrance(const struct parent *p, struct sv zone, int *ret_code)
{
	bool room = false;

	*ret_code = -ENOENT;
	if (app_conf_str(p->conf, CONF_DNS_DS_HOOK)[0] == '\0')
		return "there is no dns.ds-hook in the configuration";
	*ret_code = -EBUSY;
	for (size_t i = 0; i < ARRAY_LEN(p->hooks); i++) {
		if (p->hooks[i] == NULL)
			room = true;
		else if (sv_eq_str(zone, p->hooks[i]->zone))
			return "it is running for this zone";
	}
	return room ? NULL : "it is running for too many zones";
}

static int
start(struct parent *p, const struct msg_hook_run *m, struct parent_hook *ph)
{
	struct file_map map;
	struct hook_opts o = { .path = app_conf_str(p->conf, CONF_DNS_DS_HOOK), .arg = ph->zone,
		.timeout_sec = HOOK_SEC };
	int rc = memfd_map(m->input, false, HOOK_INPUT_MAX, &map);

	if (rc < 0)
		return rc;
	o.input = map.data;
	rc = hook_start(p->loop, &o, on_end, ph, &ph->h);
	file_unmap(&map);
	return rc;
}

void
hook_asked(struct parent *p, const struct msg_hook_run *m)
{
	_cleanup_(hook_dropp) struct parent_hook *ph = calloc(1, sizeof(*ph));
	int rc = -ENOMEM;
	const char *why = ph == NULL ? err_str(rc) : hindrance(p, m->zone, &rc);

	if (why != NULL) {
		answer(p, m->id, rc, sv_str(why));
		return;
	}
	ph->p = p;
	ph->id = m->id;
	(void)snprintf(ph->zone, sizeof(ph->zone), "%.*s", SV_ARG(m->zone));
	if ((rc = start(p, m, ph)) < 0) {
		const char *text = rc == -EPERM ? "the program must be root's, as all folders above it, "
		    "and nobody else may write there" : "it cannot be started";

		hook_tell(p, ph->zone, rc, sv_str(text));
		answer(p, m->id, rc, sv_str(text));
		return;
	}
	*place_of(p, NULL) = TAKE_PTR(ph);
}

bool
hooks_reaped(struct parent *p, pid_t pid, const char *how)
{
	for (size_t i = 0; i < ARRAY_LEN(p->hooks); i++)
		if (p->hooks[i] != NULL && hook_reaped(p->hooks[i]->h, pid, how))
			return true;
	return false;
}

void
hooks_stop(struct parent *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->hooks); i++)
		p->hooks[i] = hook_drop(p->hooks[i]);
}
