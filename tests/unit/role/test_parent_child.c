/*
 * A child that is no program of ours: what it says with its last breath is
 * heard, and one that was taken over does not live for ever.
 */
#include "../tap.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/loop.h"
#include "sys/memfd.h"

static int	fake_spawn(const char *path, pid_t *ret_pid, int *ret_fd);
static int	fake_timer(struct loop_timer *, int64_t usec);
#define proc_spawn	fake_spawn
#define loop_timer_set	fake_timer
#include "../../../src/role/parent_child.c"
#undef proc_spawn
#undef loop_timer_set

#define WORDS	100

static void	(*child_life)(int fd);
static int64_t	timer_usec;
static bool	is_live, wait_for_death;

/* --- what the parent's children need of it --- */

int64_t
parent_now(const struct parent *p UNUSED)
{
	return 1795305600;
}

void
parent_log(struct parent *p, enum log_level l, const char *fmt, ...)
{
	char text[500];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert_int_equal(log_op(p->logs.op, false, 0, l, "parent",
	    (struct sv){ text, (size_t)n }), 0);
}

bool
conf_live(const struct conf *c UNUSED)
{
	return is_live;
}

bool
conf_wants(const struct conf *c UNUSED, enum role_id id UNUSED)
{
	return true;
}

int
conf_send(struct child *c UNUSED)
{
	return 0;
}

void
house_send(struct parent *p UNUSED)
{
}

void
status_answered(struct parent *p UNUSED)
{
}

void
keys_answered(struct parent *p UNUSED, const struct msg_key_answer *m UNUSED)
{
}

void
zones_shown(struct parent *p UNUSED, const struct msg_zone_shown *m UNUSED)
{
}

void
waits_drop(struct parent *p UNUSED, enum role_id id UNUSED)
{
}

void
keys_shown(struct parent *p UNUSED, const struct msg_key_shown *m UNUSED)
{
}

void
complaint_answered(struct parent *p UNUSED, const struct msg_report_complained *m UNUSED)
{
}

void
hook_asked(struct parent *p UNUSED, const struct msg_hook_run *m UNUSED)
{
}

bool
hooks_reaped(struct parent *p UNUSED, pid_t pid UNUSED, const char *how UNUSED)
{
	return false;
}

void
hooks_stop(struct parent *p UNUSED)
{
}

void
release_answered(struct parent *p UNUSED, const struct msg_guard_answer *m UNUSED)
{
}

static int
fake_timer(struct loop_timer *t UNUSED, int64_t usec)
{
	timer_usec = usec;
	return 0;
}

static int
fake_spawn(const char *path UNUSED, pid_t *ret_pid, int *ret_fd)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv), 0);
	if ((*ret_pid = fork()) == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		child_life(sv[1]);
		_exit(1);
	}
	assert_true(*ret_pid > 0);
	(void)close(sv[1]);
	if (wait_for_death)
		assert_int_equal(waitid(P_PID, (id_t)*ret_pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	*ret_fd = sv[0];
	return 0;
}

/* --- children --- */

/* It reads nothing, logs, and is dead. */
static void
says_why(int fd)
{
	struct msg_log m = { .level = LOG_LEVEL_ERROR };
	int fds[FRAME_FDS_MAX];
	char text[32];
	unsigned n;

	for (unsigned i = 0; i < WORDS; i++) {
		uint8_t out[256];
		struct wr w = wr_mem(out, sizeof(out));

		m.text = (struct sv){ text, (size_t)snprintf(text, sizeof(text), "word %u.", i) };
		if (frame_write(message_def(MSG_log), ROLE_VALIDATE, ROLE_PARENT, &m, &w, fds, &n) < 0 ||
		    write(fd, out, w.len) != (ssize_t)w.len)
			_exit(2);
	}
}

static void
stays(int fd UNUSED)
{
	for (;;)
		(void)pause();
}

static void
obeys(int fd)
{
	const struct frame_def *bye = message_def(MSG_shutdown);
	uint8_t in[FRAME_MAX];
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		(void)poll(&p, 1, -1);
		if (read(fd, in, sizeof(in)) <= 0 || (in[0] << 8 | in[1]) == bye->type)
			_exit(0);
	}
}

/* --- cases --- */

static struct child *
born(struct parent *p, void (*life)(int), bool live)
{
	static struct conf_value none[CONF_ROW_MAX];
	static struct conf conf = { .values = none };
	struct child *c = &p->children[ROLE_VALIDATE];

	*p = (struct parent){ .loop = loop_new(), .ring = -1, .key_ring = -1, .conf = &conf };
	assert_int_equal(memfd_new("log", &p->logs.op), 0);
	assert_int_equal(children_setup(p), 0);
	child_life = life;
	is_live = live;
	timer_usec = 0;
	child_start(c);
	assert_true(c->pid > 0);
	return c;
}

static void
dead_wait(struct parent *p, const struct child *c)
{
	while (c->pid != 0) {
		children_reaped(p);
		(void)usleep(1000);
	}
}

static bool
logged(const struct parent *p, const char *what)
{
	static char text[1 << 16];
	ssize_t n = pread(p->logs.op, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return strstr(text, what) != NULL;
}

static void
gone(struct parent *p)
{
	for (int i = ROLE_STORE; i < ROLE_MAX; i++)
		(void)loop_timer_del(p->children[i].timer);
	(void)loop_timer_del(p->stop_timer);
	(void)loop_timer_del(p->watch_timer);
	fd_close(&p->ring);
	fd_close(&p->logs.op);
	(void)loop_free(p->loop);
}

static void
last_words(void **state UNUSED)
{
	struct parent p;
	struct child *c = born(&p, says_why, false);
	char text[32];

	dead_wait(&p, c);
	for (unsigned i = 0; i < WORDS; i++) {
		(void)snprintf(text, sizeof(text), "word %u.", i);
		assert_true(logged(&p, text));
	}
	assert_true(logged(&p, "(status 1)"));
	assert_null(c->chan);
	assert_int_equal(timer_usec, BACKOFF_MIN_MS * 1000);
	gone(&p);
}

/* It was dead before it could be told anything: its words count all the same. */
static void
dead_at_birth(void **state UNUSED)
{
	struct parent p;
	struct child *c;

	wait_for_death = true;
	c = born(&p, says_why, false);
	wait_for_death = false;
	dead_wait(&p, c);
	assert_true(logged(&p, "word 0."));
	assert_true(logged(&p, "(status 1)"));
	assert_false(logged(&p, "killing it"));
	gone(&p);
}

static void
not_for_ever(void **state UNUSED)
{
	struct parent p;
	struct child *c = born(&p, stays, true);

	assert_int_equal(timer_usec, VALIDATE_LIFE_SEC * 1000000LL);
	on_timer(c);			/* it is asked to end … */
	assert_int_equal(timer_usec, STOP_MS * 1000);
	children_reaped(&p);
	assert_true(c->pid > 0);
	on_timer(c);			/* … and is ended */
	dead_wait(&p, c);
	assert_true(logged(&p, "(signal 9)"));
	gone(&p);
	/* One that is well does as it is asked; that is no failure. */
	c = born(&p, obeys, true);
	on_timer(c);
	dead_wait(&p, c);
	assert_false(logged(&p, "signal"));
	assert_false(logged(&p, "ended"));
	gone(&p);
	/* Files: nobody's word is remembered. */
	c = born(&p, obeys, false);
	assert_int_equal(timer_usec, 0);
	child_restart(c, "a test");
	dead_wait(&p, c);
	gone(&p);
}

TESTS_MAIN("role/parent-child", T(last_words), T(dead_at_birth), T(not_for_ever))
