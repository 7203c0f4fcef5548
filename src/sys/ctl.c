#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/clock.h"
#include "sys/ctl.h"
#include "sys/file.h"
#include "sys/proc.h"

struct ctl_client {
	struct ctl		*ctl;		/* NULL: the server is gone */
	int			 fd;		/* -1: the client is gone */
	struct loop_io		*io;
	struct loop_timer	*timer;
	struct ctl_client	*next;
	bool			 asked;		/* an answer is owed */
	struct ucred		 peer;
	char			 in[CTL_LINE_MAX];
	size_t			 n_in;
	char			*out;
	size_t			 n_out, sent;
};

struct ctl {
	struct loop		*loop;
	int			 fd;
	struct loop_io		*io;
	char			 path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	ctl_fn			 fn;
	void			*arg;
	struct ctl_client	*clients;
	unsigned		 n;
};

static int
address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Nobody is there any more; the struct goes when no answer is owed. */
static void
client_close(struct ctl_client *c)
{
	c->io = loop_io_del(c->io);
	c->timer = loop_timer_del(c->timer);
	fd_close(&c->fd);
	if (c->asked)
		return;
	for (struct ctl_client **p = &c->ctl->clients; *p != NULL; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			c->ctl->n--;
			break;
		}
	free(c->out);
	free(c);
}

static void
client_timeout(void *arg)
{
	client_close(arg);
}

/* true: all is sent or never will be. */
static bool
client_write(struct ctl_client *c)
{
	while (c->sent < c->n_out) {
		ssize_t n = send(c->fd, c->out + c->sent, c->n_out - c->sent,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return errno != EAGAIN && errno != EINTR;
		c->sent += (size_t)n;
	}
	return true;
}

/* A line is complete, or the client is closed. */
static void
client_read(struct ctl_client *c)
{
	ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, MSG_DONTWAIT);
	struct sv s;
	size_t end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->n_in += (size_t)n;
	s = (struct sv){ c->in, c->n_in };
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\n' && (s.p[i] < 0x20 || s.p[i] > 0x7e)) {
			client_close(c);
			return;
		}
	end = sv_find(s, '\n');
	if (end == s.n && s.n < sizeof(c->in))
		return;
	if (end + 1 != s.n) {		/* too long, or more than one line */
		client_close(c);
		return;
	}
	(void)loop_io_set(c->io, 0);
	loop_timer_stop(c->timer);
	c->asked = true;
	c->ctl->fn(c->ctl->arg, c, sv_take(s, end));
}

static void
client_event(void *arg, int fd UNUSED, unsigned what)
{
	struct ctl_client *c = arg;

	if (what & LOOP_WRITE) {
		if (client_write(c))
			client_close(c);
	} else if (!c->asked)
		client_read(c);
}

void
ctl_answer(struct ctl_client *c, struct sv s)
{
	c->asked = false;
	if (c->fd >= 0 && (c->out = malloc(s.n + 1)) != NULL) {
		memcpy(c->out, s.p, s.n);
		c->n_out = s.n;
		if (!client_write(c)) {
			(void)loop_timer_set(c->timer, CTL_WAIT_MSEC * 1000);
			(void)loop_io_set(c->io, LOOP_WRITE);
			return;
		}
	}
	client_close(c);
}

/*
 * Of the moment at which it connected, as the kernel knows it: no word of the
 * client's own. Behind sudo that is root; who it was before, sudo's log knows.
 */
const char *
ctl_who(const struct ctl_client *c, char buf[static CTL_WHO_MAX])
{
	char name[CTL_USER_MAX];

	(void)snprintf(buf, CTL_WHO_MAX, "%s (uid %u, pid %d)",
	    proc_user_name(c->peer.uid, name, sizeof(name)), (unsigned)c->peer.uid, (int)c->peer.pid);
	return buf;
}

static void
ctl_event(void *arg, int fd, unsigned what UNUSED)
{
	struct ctl *ctl = arg;
	int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ctl_client *c;
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (s < 0)
		return;
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || ctl->n >= CTL_CLIENTS_MAX ||
	    (c = calloc(1, sizeof(*c))) == NULL) {
		(void)close(s);
		return;
	}
	c->ctl = ctl;
	c->fd = s;
	c->peer = peer;
	c->next = ctl->clients;
	ctl->clients = c;
	ctl->n++;
	c->io = loop_io_add(ctl->loop, s, LOOP_READ, client_event, c);
	c->timer = loop_timer_add(ctl->loop, client_timeout, c);
	if (c->io == NULL || c->timer == NULL ||
	    loop_timer_set(c->timer, CTL_WAIT_MSEC * 1000) < 0)
		client_close(c);
}

static int
unix_listen(const char *path, int *ret)
{
	_cleanup_(fd_close) int fd = -1;
	struct sockaddr_un sa;
	int rc;

	if ((rc = address(path, &sa)) < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)unlink(path);
	/* 0 first: nobody gets in between bind and chmod. */
	mode_t old = umask(0777);
	rc = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	(void)umask(old);
	if (rc < 0)
		return rc;
	if (chmod(path, 0660) < 0 || listen(fd, CTL_CLIENTS_MAX) < 0)
		return -errno;
	*ret = fd;
	fd = -1;
	return 0;
}

int
ctl_listen(struct loop *l, const char *path, ctl_fn fn, void *arg,
    struct ctl **ret)
{
	struct ctl *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return -ENOMEM;
	if ((rc = unix_listen(path, &c->fd)) < 0) {
		free(c);
		return rc;
	}
	c->loop = l;
	c->fn = fn;
	c->arg = arg;
	(void)snprintf(c->path, sizeof(c->path), "%s", path);
	if ((c->io = loop_io_add(l, c->fd, LOOP_READ, ctl_event, c)) == NULL) {
		(void)close(c->fd);
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

struct ctl *
ctl_free(struct ctl *c)
{
	if (c == NULL)
		return NULL;
	while (c->clients != NULL) {
		c->clients->asked = false;
		client_close(c->clients);
	}
	loop_io_del(c->io);
	(void)close(c->fd);
	(void)unlink(c->path);
	free(c);
	return NULL;
}

/* --- client --- */

static int
wait_for(int fd, short what, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = what };
	int64_t left = (until - clock_mono_usec()) / 1000;
	int n = left <= 0 ? 0 : poll(&p, 1, (int)left);

	return n > 0 ? 0 : n == 0 ? SE_TIMEOUT : -errno;
}

int
ctl_ask(const char *path, const char *line, int msec, struct buf *ret)
{
	_cleanup_(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int64_t until = clock_mono_usec() + (int64_t)msec * 1000;
	struct sockaddr_un sa;
	char text[CTL_LINE_MAX + 2];
	int n, rc;

	if (fd < 0)
		return -errno;
	if ((rc = address(path, &sa)) < 0)
		return rc;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	n = snprintf(text, sizeof(text), "%s\n", line);
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return -EPIPE;
	for (;;) {
		char in[4096];
		ssize_t got;

		if ((rc = wait_for(fd, POLLIN, until)) < 0)
			return rc;
		got = recv(fd, in, sizeof(in), 0);
		if (got < 0)
			return -errno;
		if (got == 0)
			return ret->rc;
		if (ret->len + (size_t)got > CTL_ANSWER_MAX)
			return SE_LIMIT;
		buf_bytes(ret, in, (size_t)got);
	}
}
