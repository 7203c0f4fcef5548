#include "../tap.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/ctl.h"

static char path[64];

struct server {
	struct loop	*loop;
	unsigned	 n;
};

static void
on_line(void *arg, struct ctl_client *c, struct sv line)
{
	struct server *s = arg;

	s->n++;
	if (sv_eq_str(line, "stop"))
		loop_stop(s->loop);
	if (sv_eq_str(line, "who")) {
		char who[CTL_WHO_MAX];

		ctl_answer(c, sv_str(ctl_who(c, who)));
		return;
	}
	if (sv_eq_str(line, "big")) {
		char *big = malloc(CTL_ANSWER_MAX);

		memset(big, 'x', CTL_ANSWER_MAX);
		ctl_answer(c, (struct sv){ big, CTL_ANSWER_MAX });
		free(big);
		return;
	}
	ctl_answer(c, line);
}

/* A server in a child; its exit status is the number of lines it saw. */
static pid_t
serve(void)
{
	struct server s = { 0 };
	struct ctl *ctl;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "/tmp/sekisho-ctl-%d", (int)getpid());
	if ((pid = fork()) != 0) {
		assert_true(pid > 0);
		return pid;
	}
	s.loop = loop_new();
	if (ctl_listen(s.loop, path, on_line, &s, &ctl) < 0)
		_exit(99);
	(void)loop_run(s.loop);
	ctl_free(ctl);
	loop_free(s.loop);
	_exit((int)s.n);
}

static int
raw(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(a.sun_path, path, strlen(path) + 1);
	for (int i = 0; i < 6000 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0; i++)
		usleep(10000);
	return fd;
}

static int
ask(const char *line, struct buf *b)
{
	int rc = -ENOENT;

	b->len = 0;
	for (int i = 0; i < 6000 && (rc == -ENOENT || rc == -ECONNREFUSED); i++) {
		rc = ctl_ask(path, line, 60000, b);
		if (rc < 0)
			usleep(10000);
	}
	return rc;
}

/* The server closes it: read gives the end. */
static void
assert_closed(const char *bytes, size_t n)
{
	int fd = raw();
	char c;

	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
	assert_true(recv(fd, &c, 1, 0) <= 0);
	close(fd);
}

static void
lines(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	struct stat st;
	char longer[CTL_LINE_MAX + 10];
	int status, fd;
	pid_t pid = serve();

	usleep(100000);
	assert_int_equal(ask("status", &b), 0);
	assert_true(sv_eq(buf_get(&b), SV("status")));
	assert_int_equal(ask("big", &b), 0);
	assert_int_equal(b.len, CTL_ANSWER_MAX);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	memset(longer, 'x', sizeof(longer));
	assert_closed(longer, sizeof(longer));
	assert_closed("a\nb\n", 4);
	assert_closed("\x01\n", 2);
	assert_closed("\xff", 1);
	/* A client that says nothing delays nobody; half a line is kept. */
	fd = raw();
	assert_int_equal(send(fd, "hal", 3, 0), 3);
	assert_int_equal(ask("status", &b), 0);
	assert_int_equal(send(fd, "f\n", 2, 0), 2);
	assert_int_equal(recv(fd, longer, 10, MSG_WAITALL), 4);
	close(fd);
	assert_int_equal(ask("stop", &b), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 5);
	/* The socket's file goes with its server. */
	b.len = 0;
	assert_int_equal(ctl_ask(path, "status", 1000, &b), -ENOENT);
	buf_done(&b);
}

/* The kernel's word for it, of whoever connected. */
static void
who(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	struct passwd *pw = getpwuid(getuid());
	char want[CTL_WHO_MAX];
	int status;
	pid_t pid = serve();

	assert_int_equal(ask("who", &b), 0);
	(void)snprintf(want, sizeof(want), "%s (uid %u, pid %d)", pw == NULL ? "?" : pw->pw_name,
	    (unsigned)getuid(), (int)getpid());
	assert_true(sv_eq_str(buf_get(&b), want));
	assert_int_equal(ask("stop", &b), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	buf_done(&b);
}

TESTS_MAIN("sys/ctl", T(lines), T(who))
