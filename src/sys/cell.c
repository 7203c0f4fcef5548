/* See sys/cell.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/cell.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/proc.h"

#define KEEPER_FD	3		/* its end of the socket with us */
#define ORDER_USEC	30000000LL	/* for an answer of the keeper, beyond what was granted */
#define STATUS_NONE	(-1)		/* no cell has been there; no wait status is negative */

enum order_kind {
	ORDER_START,
	ORDER_END,
};

struct order {
	int32_t		kind;
	uint32_t	n;		/* START: sockets; END: milliseconds */
};

struct answer {
	int32_t		rc;		/* negative, or: START: the pid; END: a wait status */
};

struct cell {
	int	fd;
	pid_t	keeper;
};

/* --- sockets --- */

static int
ready_wait(int fd, short what, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = what };

	for (;;) {
		int64_t left = until - clock_mono_usec();
		int n = poll(&p, 1, left <= 0 ? 0 : (int)min_i64(left / 1000 + 1, 3600000));

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && left <= 0)
			return -ETIMEDOUT;
	}
}

/* A negative result of send() or recv(): 0 when it is worth trying again. */
static int
try_again(int fd, short what, int64_t until)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return ready_wait(fd, what, until);
	if (errno == EINTR)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

int
cell_write(int fd, const void *src, size_t n, int64_t until)
{
	const char *p = src;

	while (n > 0) {
		ssize_t got = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		int rc = got < 0 ? try_again(fd, POLLOUT, until) : 0;

		if (rc < 0)
			return rc;
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

int
cell_read(int fd, void *dst, size_t n, int64_t until)
{
	char *p = dst;

	while (n > 0) {
		ssize_t got = recv(fd, p, n, MSG_DONTWAIT);
		int rc = got < 0 ? try_again(fd, POLLIN, until) : 0;

		if (rc < 0 || got == 0)
			return rc < 0 ? rc : -EPIPE;
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

/* --- the keeper --- */

/* Signals that are meant for the whole group or service: we end with who made us. */
static void
signals_ignore(void)
{
	proc_child_signals();
	(void)signal(SIGTERM, SIG_IGN);
}

static int
pairs_make(int theirs[CELL_FDS_MAX], int ours[CELL_FDS_MAX], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int sv[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
			return -errno;
		theirs[i] = sv[0];
		ours[i] = sv[1];
	}
	return 0;
}

static void
fds_close(int fds[CELL_FDS_MAX])
{
	for (unsigned i = 0; i < CELL_FDS_MAX; i++)
		fd_close(&fds[i]);
}

/* With the descriptors, if there are some. */
static int
answer_send(int32_t rc, const int *fds, unsigned n)
{
	struct answer a = { rc };
	struct iovec iov = { &a, sizeof(a) };
	union {
		struct cmsghdr	head;
		char		room[CMSG_SPACE(CELL_FDS_MAX * sizeof(int))];
	} c = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > 0) {
		m.msg_control = c.room;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c.head.cmsg_level = SOL_SOCKET;
		c.head.cmsg_type = SCM_RIGHTS;
		c.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&c.head), fds, n * sizeof(int));
	}
	return sendmsg(KEEPER_FD, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void
cell_main(const struct cell_conf *c, pid_t keeper, const int *fds, unsigned n)
{
	signals_ignore();
	(void)prctl(PR_SET_NAME, c->name);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != keeper)
		_exit(101);
	(void)close(KEEPER_FD);
	_exit(c->run(c->arg, fds, n));
}

static int
keeper_start(const struct cell_conf *c, unsigned n, pid_t *pid)
{
	int theirs[CELL_FDS_MAX], ours[CELL_FDS_MAX], rc;
	pid_t self = getpid();

	memset(theirs, 0xff, sizeof(theirs));
	memset(ours, 0xff, sizeof(ours));
	rc = *pid > 0 ? -EBUSY : n == 0 || n > CELL_FDS_MAX ? -EINVAL : pairs_make(theirs, ours, n);
	if (rc == 0 && (*pid = proc_fork()) < 0)
		rc = -errno;
	if (rc == 0 && *pid == 0) {
		fds_close(ours);
		cell_main(c, self, theirs, n);
	}
	fds_close(theirs);
	rc = answer_send(rc < 0 ? rc : (int32_t)*pid, ours, rc < 0 ? 0 : n);
	fds_close(ours);
	return rc;
}

/* Within the time that it has, or now. */
static int
keeper_end(uint32_t msec, pid_t *pid)
{
	const struct timespec nap = { 0, 2000000 };
	int64_t until = clock_mono_usec() + (int64_t)msec * 1000;
	int status = STATUS_NONE;
	pid_t got = 0;

	if (*pid <= 0)
		return answer_send(STATUS_NONE, NULL, 0);
	while (msec > 0 && (got = waitpid(*pid, &status, WNOHANG)) == 0 && clock_mono_usec() < until)
		(void)nanosleep(&nap, NULL);
	if (got <= 0) {
		(void)kill(*pid, SIGKILL);	/* of one that is dead already it says nothing */
		while (waitpid(*pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	*pid = 0;
	return answer_send(status, NULL, 0);
}

static void
keeper_main(const struct cell_conf *c, int fd, pid_t parent)
{
	struct order o;
	pid_t pid = 0;
	ssize_t n;

	signals_ignore();
	(void)prctl(PR_SET_NAME, c->keeper_name);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    (fd != KEEPER_FD && dup2(fd, KEEPER_FD) < 0) || close_range(KEEPER_FD + 1, ~0U, 0) < 0)
		_exit(1);
	while ((n = recv(KEEPER_FD, &o, sizeof(o), 0)) > 0 || (n < 0 && errno == EINTR)) {
		int rc = 0;

		if (n == (ssize_t)sizeof(o))
			rc = o.kind == ORDER_START ? keeper_start(c, o.n, &pid) : keeper_end(o.n, &pid);
		if (rc < 0)
			break;
	}
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	_exit(0);
}

/* --- who has it --- */

int
cell_new(const struct cell_conf *conf, struct cell **ret)
{
	_cleanup_(cell_freep) struct cell *c = calloc(1, sizeof(*c));
	pid_t parent = getpid();
	int sv[2];

	if (c == NULL)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
		c->fd = -1;
		return -errno;
	}
	c->fd = sv[0];
	if ((c->keeper = proc_fork()) == 0)
		keeper_main(conf, sv[1], parent);
	(void)close(sv[1]);
	if (c->keeper < 0)
		return -errno;
	*ret = TAKE_PTR(c);
	return 0;
}

struct cell *
cell_free(struct cell *c)
{
	if (c == NULL)
		return NULL;
	fd_close(&c->fd);		/* it reads the end of this, kills the cell, and ends */
	if (c->keeper > 0)
		while (waitpid(c->keeper, NULL, 0) < 0 && errno == EINTR)
			;
	free(c);
	return NULL;
}

static void
fds_take(struct msghdr *m, int *ret, unsigned n)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);

	if (h != NULL && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
	    h->cmsg_len == CMSG_LEN(n * sizeof(int)))
		memcpy(ret, CMSG_DATA(h), n * sizeof(int));
}

static int
answer_read(int fd, int64_t until, struct answer *a, int *ret_fds, unsigned n)
{
	struct iovec iov = { a, sizeof(*a) };
	union {
		struct cmsghdr	head;
		char		room[CMSG_SPACE(CELL_FDS_MAX * sizeof(int))];
	} c = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.room,
		.msg_controllen = sizeof(c.room) };
	int rc = ready_wait(fd, POLLIN, until);

	if (rc < 0)
		return rc;
	if (recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*a))
		return -EPIPE;
	fds_take(&m, ret_fds, n);
	return 0;
}

static int
order(struct cell *c, const struct order *o, struct answer *a, int *ret_fds, unsigned n)
{
	int64_t until = clock_mono_usec() + ORDER_USEC;
	int rc;

	if (o->kind == ORDER_END)
		until += (int64_t)o->n * 1000;
	if ((rc = cell_write(c->fd, o, sizeof(*o), until)) == 0)
		rc = answer_read(c->fd, until, a, ret_fds, n);
	return rc < 0 ? -EPIPE : 0;
}

int
cell_start(struct cell *c, int *ret_fds, unsigned n, pid_t *ret_pid)
{
	const struct order o = { ORDER_START, n };
	int fds[CELL_FDS_MAX], rc;
	struct answer a;

	if (n == 0 || n > CELL_FDS_MAX)
		return -EINVAL;
	memset(fds, 0xff, sizeof(fds));
	if ((rc = order(c, &o, &a, fds, n)) < 0)
		return rc;
	if (a.rc < 0 || fds[0] < 0)
		return a.rc < 0 ? a.rc : -EPIPE;
	memcpy(ret_fds, fds, n * sizeof(int));
	*ret_pid = a.rc;
	return 0;
}

int
cell_end(struct cell *c, unsigned msec, char ret_text[static CELL_TEXT_MAX])
{
	const struct order o = { ORDER_END, msec };
	struct answer a;
	int rc = order(c, &o, &a, NULL, 0);

	ret_text[0] = '\0';
	if (rc < 0 || a.rc == STATUS_NONE)
		return rc;
	if (WIFSIGNALED(a.rc))
		(void)snprintf(ret_text, CELL_TEXT_MAX, "signal %d", WTERMSIG(a.rc));
	else
		(void)snprintf(ret_text, CELL_TEXT_MAX, "status %d", WEXITSTATUS(a.rc));
	return 0;
}
