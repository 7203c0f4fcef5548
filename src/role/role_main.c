/* The life of a role, as role.h tells it. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "role/role.h"
#include "sys/clock.h"
#include "sys/proc.h"

#define MSG_STRUCT_MAX	512

struct role_priv {
	struct chan	*chan;
	struct sandbox	*sandbox;
	struct sandbox_profile profile;		/* its name NULL: the definition's */
	int64_t		 clock_offset;
	bool		 started, no_sandbox, inside, verbose;
	bool		 complained;	/* of bad frames; once a life */
	int		 rc;
};

int64_t
role_now(const struct role *r)
{
	return clock_now() + r->priv->clock_offset;
}

int
role_send(struct role *r, enum msg_type type, enum role_id to, const void *msg)
{
	const struct frame_def *d = message_def((uint16_t)type);

	if (d == NULL || r->priv->chan == NULL)
		return -EINVAL;
	return chan_send(r->priv->chan, d, (uint8_t)r->def->id, (uint8_t)to, msg);
}

void
role_log(struct role *r, enum log_level level, const char *fmt, ...)
{
	char text[1900];
	struct msg_log m = { .level = (uint32_t)level };
	va_list ap;
	int n;

	if (level == LOG_LEVEL_DEBUG && !r->priv->verbose)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	m.text = (struct sv){ text, min_size((size_t)n, sizeof(text) - 1) };
	/* When even that fails, the parent is gone and so are we, soon. */
	(void)msg_log_send(r, ROLE_PARENT, &m);
}

bool
role_is_heard(const struct role *r)
{
	return r->priv->chan == NULL || chan_idle(r->priv->chan);
}

void
role_audit(struct role *r, const char *event, struct sv json)
{
	struct msg_audit m = { .event = sv_str(event), .json = json };

	(void)msg_audit_send(r, ROLE_PARENT, &m);
}

int
role_path(struct role *r, const char *path, enum sandbox_access a)
{
	if (r->priv->inside)
		return -EPERM;
	return sandbox_path(r->priv->sandbox, path, a);
}

int
role_sandbox(struct role *r, const struct sandbox_profile *p)
{
	if (r->priv->inside)
		return -EPERM;
	r->priv->profile = *p;
	return 0;
}

bool
role_no_sandbox(const struct role *r)
{
	return r->priv->no_sandbox;
}

void
role_stop(struct role *r, int rc)
{
	if (r->priv->rc == 0)
		r->priv->rc = rc;
	loop_stop(r->loop);
}

/* --- what the parent says to every role --- */

static int
on_start(struct role *r, const struct msg_start *m)
{
	if (r->priv->started)
		return -EBADMSG;
	r->priv->started = true;
	r->priv->clock_offset = m->clock_offset;
	r->priv->no_sandbox = m->no_sandbox != 0;
	r->priv->verbose = m->verbose != 0;
	return 0;
}

/* Whoever is told and verifies nothing need not care. */
static int
on_crypto(struct role *r, const struct msg_crypto *m)
{
	return !r->priv->started || r->priv->inside ? -EBADMSG :
	    r->def->crypto == NULL ? 0 : r->def->crypto->take(m->wish);
}

static int
on_status_ask(struct role *r, const struct msg_status_ask *m)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	struct msg_status_answer a = { .id = m->id };

	json_open(&j, '{');
	if (r->def->status != NULL)
		r->def->status(r, &j);
	if (r->def->crypto != NULL)
		r->def->crypto->status(&j);
	json_close(&j, '}');
	if (b.rc < 0)
		return b.rc;
	a.json = buf_get(&b);
	return msg_status_answer_send(r, ROLE_PARENT, &a);
}

static int
sandbox_close(struct role *r)
{
	const struct sandbox_profile *p = r->priv->profile.name != NULL ? &r->priv->profile :
	    r->def->sandbox;
	const char *what = NULL;
	int rc;

	if (r->priv->no_sandbox)
		role_log(r, LOG_LEVEL_WARN, "runs without its sandbox, as asked");
	else if ((rc = sandbox_enter(r->priv->sandbox, p, &what)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "cannot close the sandbox (%s: %s); "
		    "does this kernel have Landlock and seccomp? "
		    "--no-sandbox runs without", what, err_str(rc));
		return rc;
	} else if (what != NULL)
		role_log(r, LOG_LEVEL_WARN, "%s is not in this kernel, ignoring", what);
	r->priv->sandbox = sandbox_free(r->priv->sandbox);
	r->priv->inside = true;
	return 0;
}

/* The configuration has been handled for the first time: close and begin. */
static int
begin(struct role *r)
{
	struct msg_ready ready = { 0 };
	int rc = sandbox_close(r);

	if (rc == 0 && r->def->start != NULL)
		rc = r->def->start(r);
	return rc < 0 ? rc : msg_ready_send(r, ROLE_PARENT, &ready);
}

static int
dispatch(struct role *r, struct frame *f, void *msg)
{
	int rc = -EBADMSG;

	switch (f->def->type) {
	case MSG_start:
		return on_start(r, msg);
	case MSG_crypto:
		return on_crypto(r, msg);
	case MSG_status_ask:
		return on_status_ask(r, msg);
	case MSG_shutdown:
		role_stop(r, 0);
		return 0;
	default:
		break;
	}
	if (!r->priv->started)
		return rc;
	for (size_t i = 0; i < r->def->n_handlers; i++)
		if (r->def->handlers[i].type == (enum msg_type)f->def->type) {
			rc = r->def->handlers[i].fn(r, f->from, msg);
			break;
		}
	if (rc >= 0 && f->def->type == r->def->conf && !r->priv->inside)
		rc = begin(r);
	return rc;
}

static int
frame_in(void *arg, struct frame *f)
{
	struct role *r = arg;
	_Alignas(max_align_t) char msg[MSG_STRUCT_MAX];
	int rc;

	if (f->to != r->def->id || f->def->size > sizeof(msg))
		return -EBADMSG;
	if ((rc = frame_read(f, msg)) < 0 && f->from != ROLE_PARENT) {
		/* The parent passes payloads on unopened: not ours to die of. */
		if (!r->priv->complained)
			role_log(r, LOG_LEVEL_ERROR, "message %s from %s: %s, ignoring it and its like",
			    f->def->name, role_name(f->from), err_str(rc));
		r->priv->complained = true;
		return 0;
	}
	if (rc < 0)
		return rc;
	rc = dispatch(r, f, msg);
	frame_msg_close(f->def, msg);
	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "message %s: %s; starting anew",
		    f->def->name, err_str(rc));
	return rc;
}

static void
chan_lost(void *arg, int rc)
{
	role_stop(arg, rc);
}

static void
on_term(void *arg)
{
	role_stop(arg, 0);
}

static int
role_setup(struct role *r)
{
	uint64_t seed[2];
	int rc;

	proc_child_signals();
	if ((rc = random_fill(seed, sizeof(seed))) < 0)
		return rc;
	hash_seed(seed[0], seed[1]);
	if ((r->loop = loop_new()) == NULL ||
	    (r->priv->sandbox = sandbox_new()) == NULL ||
	    (r->state = calloc(1, r->def->state_size + 1)) == NULL)
		return -ENOMEM;
	r->priv->chan = chan_new(r->loop, PROC_CHILD_FD, &messages, frame_in,
	    chan_lost, r);
	if (r->priv->chan == NULL)
		return -ENOMEM;
	return loop_signal(r->loop, SIGTERM, on_term, r);
}

int
role_main(const struct role_def *def)
{
	struct role_priv priv = { 0 };
	struct role r = { .def = def, .priv = &priv };
	int rc = role_setup(&r);

	if (rc == 0)
		rc = loop_run(r.loop);
	if (rc == 0)
		rc = priv.rc;
	if (rc == 0 && priv.inside && def->stop != NULL)
		def->stop(&r);
	if (priv.chan != NULL)
		chan_drain(priv.chan, 500);
	/*
	 * No cleanup and no exit handlers: the kernel is quicker, and a leak
	 * checker's own process is not allowed in here.
	 */
	proc_end(rc < 0 ? 1 : 0);
}
