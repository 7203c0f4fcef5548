/* The parent's children: start, route, restart with backoff, stop in order. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "role/parent.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/ring.h"

#define MSG_STRUCT_MAX	512
#define TOLD_A_MINUTE	2000U	/* lines of a role in the logs; a busy one has some dozens */
#define TOLD_OF_ZONE	32U	/* … and more where there are zones: what a first start says of each */
/*
 * What waits for a role is behind what its socket holds (some 270 small
 * frames). The longest that an honest one works without looking: the store,
 * when it commits half a million names on a slow disk.
 */
#define UNREAD_SEC	30
#define WATCH_USEC	1000000
/* In one life; an honest role asks once, at its start. */
#define HISTORIES_MAX	8
/*
 * Validate ends by itself after a day, to judge everything anew. One that was
 * taken over would not. What it can spoil is kept for longer than this
 * (store/limits.h: OBJECTS_PAST_AGE).
 */
#define VALIDATE_LIFE_SEC	(25 * 3600)

/* Something waits to be read: look whether it is. */
static void
watch(struct child *c)
{
	struct parent *p = c->p;

	if (c->chan != NULL && chan_oldest(c->chan) != 0 && !p->watching)
		p->watching = loop_timer_set(p->watch_timer, WATCH_USEC) == 0;
}

int
child_send(struct child *c, enum msg_type type, const void *msg)
{
	int rc;

	if (c->chan == NULL)
		return -EPIPE;
	rc = chan_send(c->chan, message_def((uint16_t)type), ROLE_PARENT,
	    (uint8_t)c->id, msg);
	watch(c);
	return rc;
}

/* Its frames are no longer listened to; SIGCHLD does the rest. */
static void
child_kill(struct child *c, const char *why)
{
	if (c->pid == 0 || c->disliked)
		return;
	c->disliked = true;
	parent_log(c->p, LOG_LEVEL_ERROR, "%s: %s, killing it", role_name(c->id), why);
	proc_signal(c->pid, SIGKILL);
}

static void
watch_timer(void *arg)
{
	struct parent *p = arg;
	int64_t now = clock_mono_usec();

	p->watching = false;
	for (int i = ROLE_STORE; i < ROLE_MAX; i++) {
		struct child *c = &p->children[i];
		int64_t oldest = c->chan == NULL ? 0 : chan_oldest(c->chan);

		if (oldest != 0 && now - oldest > UNREAD_SEC * 1000000LL)
			child_kill(c, "does not read its messages");
		watch(c);
	}
}

/* --- frames --- */

/* One JSON object on one line? Deeper is not our business. */
static bool
json_like(struct sv s)
{
	if (s.n < 2 || s.p[0] != '{' || s.p[s.n - 1] != '}')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20)
			return false;
	return true;
}

static void
on_ready(struct child *c)
{
	c->ready = true;
	parent_log(c->p, LOG_LEVEL_DEBUG, "%s is ready", role_name(c->id));
	house_send(c->p);
}

/* A role that was taken over may fill a minute's share, not the disk. */
static bool
may_tell(struct child *c)
{
	int64_t minute = parent_now(c->p) / 60;
	uint32_t max = TOLD_A_MINUTE + TOLD_OF_ZONE * (uint32_t)c->p->conf->values[CONF_DNS_ZONES].n;

	if (minute != c->told_minute) {
		c->told_minute = minute;
		c->n_told = 0;
	}
	if (c->n_told > max)
		return false;
	if (c->n_told++ < max)
		return true;
	parent_log(c->p, LOG_LEVEL_WARN, "%s: more than %u lines in a minute; the rest is dropped",
	    role_name(c->id), max);
	return false;
}

static void
on_log(struct child *c, const struct msg_log *m)
{
	enum log_level l = m->level < LOG_LEVEL_MAX ?
	    (enum log_level)m->level : LOG_LEVEL_ERROR;

	if (!may_tell(c))
		return;
	(void)log_op(c->p->logs.op, c->p->logs.journal, parent_now(c->p), l,
	    role_name(c->id), m->text);
}

static void
on_audit(struct child *c, const struct msg_audit *m)
{
	int rc = !may_tell(c) ? 0 : log_audit(c->p->logs.audit, parent_now(c->p), role_name(c->id),
	    m->event, json_like(m->json) ? m->json : SV(""));

	if (rc < 0)
		parent_log(c->p, LOG_LEVEL_ERROR, "cannot write the audit log: %s",
		    err_str(rc));
}

static void
on_status(struct child *c, const struct msg_status_answer *m)
{
	c->asked = false;
	c->status.len = 0;
	if (json_like(m->json))
		buf_sv(&c->status, m->json);
	status_answered(c->p);
}

static int
for_parent(struct child *c, struct frame *f)
{
	_Alignas(max_align_t) char msg[MSG_STRUCT_MAX];
	int rc;

	if (f->def->size > sizeof(msg) || (rc = frame_read(f, msg)) < 0)
		return -EBADMSG;
	switch (f->def->type) {
	case MSG_ready:
		on_ready(c);
		break;
	case MSG_log:
		on_log(c, (const struct msg_log *)(const void *)msg);
		break;
	case MSG_audit:
		on_audit(c, (const struct msg_audit *)(const void *)msg);
		break;
	case MSG_guard_answer:
		release_answered(c->p, (const struct msg_guard_answer *)(const void *)msg);
		break;
	case MSG_key_answer:
		keys_answered(c->p, (const struct msg_key_answer *)(const void *)msg);
		break;
	case MSG_key_shown:
		keys_shown(c->p, (const struct msg_key_shown *)(const void *)msg);
		break;
	case MSG_zone_shown:
		zones_shown(c->p, (const struct msg_zone_shown *)(const void *)msg);
		break;
	case MSG_report_complained:
		complaint_answered(c->p, (const struct msg_report_complained *)(const void *)msg);
		break;
	case MSG_hook_run:
		hook_asked(c->p, (const struct msg_hook_run *)(const void *)msg);
		break;
	case MSG_status_answer:
		on_status(c, (const struct msg_status_answer *)(const void *)msg);
		break;
	default:
		rc = -EBADMSG;
		break;
	}
	frame_msg_close(f->def, msg);
	return rc;
}

/* A sender that is too fast for who reads; at most one line a minute of each. */
static void
slowed(struct child *c, const struct child *to)
{
	int64_t minute = parent_now(c->p) / 60;

	c->n_slowed++;
	if (minute == c->slowed_minute)
		return;
	c->slowed_minute = minute;
	parent_log(c->p, LOG_LEVEL_NOTICE, "%s: says more to %s than that reads, slowing it",
	    role_name(c->id), role_name(to->id));
}

/* From one role to another, unopened. One that is down misses it. */
static int
frame_in(void *arg, struct frame *f)
{
	struct child *c = arg, *to;
	bool waits;
	int rc;

	if (c->disliked)
		return 0;
	if (f->from != c->id)
		return -EBADMSG;	/* it says that it is another role */
	if (f->to == ROLE_PARENT)
		return for_parent(c, f);
	/* One question with 200 answers: the only one of its kind. */
	if (f->def->type == MSG_snapshot_ask && ++c->n_histories > HISTORIES_MAX)
		return -EBADMSG;
	to = &c->p->children[f->to];
	if (to->chan == NULL || to->disliked)
		return 0;
	/* One that is dying misses it, too. */
	rc = chan_relay(c->chan, to->chan, f, &waits);
	if (waits)
		slowed(c, to);
	watch(to);
	return rc == -ENOMEM ? rc : 0;
}

static void
chan_lost(void *arg, int rc)
{
	struct child *c = arg;

	/* The end of the pair comes with every death; SIGCHLD tells more. */
	if (rc == -EBADMSG)
		child_kill(c, "sent what it may not send");
	else if (rc != -EPIPE && rc != -ECONNRESET)
		child_kill(c, err_str(rc));
}

/* --- life and death --- */

/* Each life of validate has its own memory with verify. */
static int
ring_fresh(struct parent *p)
{
	struct msg_ring m;
	int rc;

	fd_close(&p->ring);
	if (!conf_live(p->conf))
		return 0;
	if ((rc = ring_make(&p->ring)) < 0)
		return rc;
	m.memory = p->ring;
	if (p->children[ROLE_VERIFY].chan != NULL)
		(void)child_send(&p->children[ROLE_VERIFY], MSG_ring, &m);
	return child_send(&p->children[ROLE_VALIDATE], MSG_ring, &m);
}

/* Each life of zone has its own memory with key. */
static int
key_ring_fresh(struct parent *p)
{
	struct msg_ring m;
	int rc;

	fd_close(&p->key_ring);
	if ((rc = ring_make(&p->key_ring)) < 0)
		return rc;
	m.memory = p->key_ring;
	if (p->children[ROLE_KEY].chan != NULL)
		(void)child_send(&p->children[ROLE_KEY], MSG_ring, &m);
	return child_send(&p->children[ROLE_ZONE], MSG_ring, &m);
}

static int
introduce(struct child *c)
{
	struct parent *p = c->p;
	struct msg_start s = { .clock_offset = p->clock_offset,
	    .no_sandbox = p->no_sandbox, .verbose = p->verbose };
	int rc = child_send(c, MSG_start, &s);

	for (unsigned i = 0; i < p->n_listeners && rc == 0; i++) {
		struct msg_listen m = { .sock = p->listeners[i].fd,
		    .address = sv_str(p->listeners[i].bound.text),
		    .tls = p->listeners[i].tls, .udp = p->listeners[i].udp };

		if (p->listeners[i].role == c->id)
			rc = child_send(c, MSG_listen, &m);
	}
	if (rc == 0 && c->id == ROLE_VALIDATE)
		rc = ring_fresh(p);
	if (rc == 0 && c->id == ROLE_ZONE)
		rc = key_ring_fresh(p);
	if (rc == 0)
		rc = conf_send(c);
	if (rc == 0 && c->id == ROLE_VERIFY && p->ring >= 0)
		rc = child_send(c, MSG_ring, &(struct msg_ring){ .memory = p->ring });
	if (rc == 0 && c->id == ROLE_KEY && p->key_ring >= 0)
		rc = child_send(c, MSG_ring, &(struct msg_ring){ .memory = p->key_ring });
	return rc;
}

static void
start_later(struct child *c)
{
	if (c->p->stage != STAGE_UP || !conf_wants(c->p->conf, c->id))
		return;
	(void)loop_timer_set(c->timer, (int64_t)c->backoff_ms * 1000);
	c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX_MS ?
	    BACKOFF_MAX_MS : c->backoff_ms * 2;
}

void
child_start(struct child *c)
{
	struct parent *p = c->p;
	char path[4200];
	int fd, rc;

	(void)snprintf(path, sizeof(path), "%s/sekisho-%s", p->folder, role_name(c->id));
	if ((rc = proc_spawn(path, &c->pid, &fd)) < 0) {
		parent_log(p, LOG_LEVEL_ERROR, "cannot start %s: %s", path, err_str(rc));
		start_later(c);
		return;
	}
	c->ready = c->disliked = c->asked = false;
	c->n_histories = 0;
	c->since = parent_now(p);
	c->since_mono = clock_mono_usec();
	c->chan = chan_new(p->loop, fd, &messages, frame_in, chan_lost, c);
	/* One that is dead already has its own last words; SIGCHLD reads them. */
	if (c->chan == NULL || ((rc = introduce(c)) < 0 && rc != -EPIPE && rc != -ECONNRESET))
		child_kill(c, "cannot be told its configuration");
	c->overdue = false;
	if (c->id == ROLE_VALIDATE && conf_live(p->conf))
		(void)loop_timer_set(c->timer, VALIDATE_LIFE_SEC * 1000000LL);
}

static void
life_over(struct child *c)
{
	if (c->overdue) {
		child_kill(c, "does not end");
		return;
	}
	c->overdue = true;
	child_restart(c, "it has lived for long");
	(void)loop_timer_set(c->timer, STOP_MS * 1000);
}

static void
on_timer(void *arg)
{
	struct child *c = arg;

	if (c->pid != 0) {
		life_over(c);
		return;
	}
	c->restarts++;
	child_start(c);
}

/* Ask it to finish; its death starts it again, with what is then in force. */
void
child_restart(struct child *c, const char *why)
{
	struct msg_shutdown m = { 0 };

	if (c->pid == 0)
		return;
	parent_log(c->p, LOG_LEVEL_NOTICE, "%s: restarting, %s", role_name(c->id), why);
	c->backoff_ms = BACKOFF_MIN_MS;
	if (child_send(c, MSG_shutdown, &m) < 0)
		proc_signal(c->pid, SIGKILL);
}

void
child_start_soon(struct child *c)
{
	c->backoff_ms = BACKOFF_MIN_MS;
	(void)loop_timer_set(c->timer, 0);
}

static void
child_died(struct child *c, bool ok, const char *how)
{
	int64_t lived = (clock_mono_usec() - c->since_mono) / 1000000;

	c->pid = 0;
	if (c->chan != NULL)	/* its last words say why */
		chan_rest(c->chan);
	if (c->p->stage == STAGE_UP && !ok)
		parent_log(c->p, LOG_LEVEL_ERROR, "%s ended (%s) after %lld s, "
		    "starting it again", role_name(c->id), how, (long long)lived);
	if (c->ready && lived >= BACKOFF_GOOD_S)
		c->backoff_ms = BACKOFF_MIN_MS;
	else if (c->ready && ok)	/* it wished to start anew: no failure */
		c->backoff_ms = BACKOFF_WISH_MS;
	c->ready = c->asked = false;
	c->chan = chan_free(c->chan);
	loop_timer_stop(c->timer);
	if (c->id == ROLE_VALIDATE)
		release_answered(c->p, NULL);
	waits_drop(c->p, c->id);
	start_later(c);
	house_send(c->p);
	status_answered(c->p);
}

void
children_reaped(struct parent *p)
{
	char how[32];
	pid_t pid;
	bool ok;

	while (proc_reap(&pid, &ok, how)) {
		if (hooks_reaped(p, pid, how))
			continue;
		for (int i = ROLE_STORE; i < ROLE_MAX; i++)
			if (p->children[i].pid == pid)
				child_died(&p->children[i], ok, how);
	}
	if (p->stage != STAGE_UP)
		children_stop(p);
}

bool
children_gone(const struct parent *p)
{
	for (int i = ROLE_STORE; i < ROLE_MAX; i++)
		if (p->children[i].pid != 0)
			return false;
	return true;
}

static bool
readers_gone(const struct parent *p)
{
	for (int i = ROLE_STORE + 1; i < ROLE_MAX; i++)
		if (p->children[i].pid != 0)
			return false;
	return true;
}

static void
ask_to_finish(struct child *c)
{
	struct msg_shutdown m = { 0 };

	if (c->pid != 0 && child_send(c, MSG_shutdown, &m) < 0)
		proc_signal(c->pid, SIGKILL);
}

void
child_retire(struct child *c)
{
	loop_timer_stop(c->timer);
	ask_to_finish(c);
}

/* Validate, rtr and web first; then the store has nothing left to write. */
void
children_stop(struct parent *p)
{
	if (p->stage == STAGE_UP) {
		p->stage = STAGE_READERS;
		hooks_stop(p);
		(void)loop_timer_set(p->stop_timer, STOP_MS * 1000);
		for (int i = ROLE_STORE; i < ROLE_MAX; i++) {
			loop_timer_stop(p->children[i].timer);
			if (i != ROLE_STORE)
				ask_to_finish(&p->children[i]);
		}
	}
	if (p->stage == STAGE_READERS && readers_gone(p)) {
		p->stage = STAGE_STORE;
		(void)loop_timer_set(p->stop_timer, STOP_MS * 1000);
		ask_to_finish(&p->children[ROLE_STORE]);
	}
	if (children_gone(p)) {
		p->stage = STAGE_DOWN;
		loop_stop(p->loop);
	}
}

/* Somebody did not finish: validate is at work, mostly; nothing is lost. */
static void
stop_timeout(void *arg)
{
	struct parent *p = arg;

	for (int i = ROLE_STORE; i < ROLE_MAX; i++)
		if (p->stage == STAGE_STORE || i != ROLE_STORE)
			proc_signal(p->children[i].pid, SIGKILL);
}

int
children_setup(struct parent *p)
{
	for (int i = ROLE_STORE; i < ROLE_MAX; i++) {
		struct child *c = &p->children[i];

		c->p = p;
		c->id = (enum role_id)i;
		c->backoff_ms = BACKOFF_MIN_MS;
		if ((c->timer = loop_timer_add(p->loop, on_timer, c)) == NULL)
			return -ENOMEM;
	}
	if ((p->stop_timer = loop_timer_add(p->loop, stop_timeout, p)) == NULL ||
	    (p->watch_timer = loop_timer_add(p->loop, watch_timer, p)) == NULL)
		return -ENOMEM;
	return 0;
}
