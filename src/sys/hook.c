#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/file.h"
#include "sys/hook.h"
#include "sys/memfd.h"
#include "sys/proc.h"

struct hook {
	pid_t			 pid;		/* 0: it has ended */
	int			 fd;		/* what it says */
	struct loop_io		*io;
	struct loop_timer	*deadline;
	bool			 is_late, has_line;
	hook_fn			 fn;
	void			*arg;
	size_t			 n;
	char			 line[HOOK_LINE_MAX];
};

/* --- whose it is --- */

static bool
roots_alone(const struct stat *st)
{
	if (st->st_uid != 0)
		return false;
	return S_ISLNK(st->st_mode) || (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
	    (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0);
}

/* The folders above, up to the root. path is cut. */
static int
above_check(char *path)
{
	struct stat st;
	char *slash;

	while ((slash = strrchr(path, '/')) != NULL) {
		bool root = slash == path;

		slash[root] = '\0';
		if (lstat(path, &st) < 0)
			return -errno;
		if (!roots_alone(&st))
			return -EPERM;
		if (root)
			break;
	}
	return 0;
}

/* The folder of the name that was given: who can write there can exchange a link. */
static int
name_check(const char *path)
{
	char given[PATH_MAX], real[PATH_MAX + 1];

	if (snprintf(given, sizeof(given), "%s", path) >= (int)sizeof(given))
		return -ENAMETOOLONG;
	strrchr(given, '/')[1] = '\0';
	if (realpath(given, real) == NULL)
		return -errno;
	(void)snprintf(real + strlen(real), sizeof(real) - strlen(real), "/");
	return above_check(real);
}

int
hook_check(const char *path)
{
	char real[PATH_MAX];
	struct stat st;
	int rc;

	if (path[0] != '/')
		return -EPERM;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!roots_alone(&st))
		return -EPERM;
	if (realpath(path, real) == NULL || stat(real, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || !roots_alone(&st))
		return -EPERM;
	if (access(real, X_OK) < 0)
		return -errno;
	rc = above_check(real);
	return rc < 0 ? rc : name_check(path);
}

/* --- started --- */

/* Between fork and exec: nothing here may allocate or lock. */
static void
child_exec(const struct hook_opts *o, int in, int out, pid_t parent)
{
	char *argv[] = { (char *)(uintptr_t)o->path, (char *)(uintptr_t)o->arg, NULL };
	char *envp[] = {
		(char *)(uintptr_t)"PATH=/usr/local/bin:/usr/bin:/bin",
		(char *)(uintptr_t)"LC_ALL=C",
		NULL
	};

	(void)setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	/* Both may sit where the other is to go. */
	if ((in = fcntl(in, F_DUPFD, STDERR_FILENO + 1)) < 0 ||
	    (out = fcntl(out, F_DUPFD, STDERR_FILENO + 1)) < 0 ||
	    dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	if (lseek(STDIN_FILENO, 0, SEEK_SET) < 0 || chdir("/") < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		_exit(127);
	(void)execve(o->path, argv, envp);
	_exit(127);
}

static int
spawn(struct hook *h, const struct hook_opts *o)
{
	_cleanup_(fd_close) int in = -1;
	pid_t parent = getpid();
	int pair[2], rc;

	if ((rc = memfd_of("hook", o->input, &in)) < 0)
		return rc;
	/* Ours does not block; the program's does, as programs expect. */
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	h->fd = pair[0];
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0 || (h->pid = proc_fork()) < 0) {
		rc = -errno;
		h->pid = 0;
		(void)close(pair[1]);
		return rc;
	}
	if (h->pid == 0)
		child_exec(o, in, pair[1], parent);
	(void)close(pair[1]);
	return 0;
}

/* --- heard --- */

/* Printable characters of its first line; the rest is read and forgotten. */
static void
heard(struct hook *h, const char *p, size_t n)
{
	for (size_t i = 0; i < n && !h->has_line; i++) {
		if (p[i] == '\n')
			h->has_line = h->n > 0;
		else if (p[i] >= 0x20 && p[i] < 0x7f && h->n < sizeof(h->line))
			h->line[h->n++] = p[i];
	}
}

/* What is there now; false: nothing will come any more. */
static bool
hear(struct hook *h)
{
	char in[4096];

	/* So often at the most: one that never stops talking must not keep us here. */
	for (int i = 0; i < 16; i++) {
		ssize_t n = read(h->fd, in, sizeof(in));

		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		heard(h, in, (size_t)n);
	}
	return true;
}

static void
on_output(void *arg, int fd UNUSED, unsigned what UNUSED)
{
	struct hook *h = arg;

	if (!hear(h))
		(void)loop_io_set(h->io, 0);	/* its death tells the rest */
}

static void
group_kill(const struct hook *h)
{
	if (h->pid > 1)
		(void)kill(-h->pid, SIGKILL);
}

static void
on_deadline(void *arg)
{
	struct hook *h = arg;

	h->is_late = true;
	group_kill(h);
	proc_signal(h->pid, SIGKILL);	/* before its setsid() */
}

int
hook_start(struct loop *l, const struct hook_opts *o, hook_fn fn, void *arg, struct hook **ret)
{
	_cleanup_(hook_freep) struct hook *h = calloc(1, sizeof(*h));
	int rc;

	if (h == NULL)
		return -ENOMEM;
	h->fd = -1;
	h->fn = fn;
	h->arg = arg;
	if (o->input.n > HOOK_INPUT_MAX)
		return SE_LIMIT;
	if ((rc = hook_check(o->path)) < 0 || (rc = spawn(h, o)) < 0)
		return rc;
	if ((h->io = loop_io_add(l, h->fd, LOOP_READ, on_output, h)) == NULL ||
	    (h->deadline = loop_timer_add(l, on_deadline, h)) == NULL)
		return -ENOMEM;
	if ((rc = loop_timer_set(h->deadline, (int64_t)o->timeout_sec * 1000000)) < 0)
		return rc;
	*ret = TAKE_PTR(h);
	return 0;
}

/* --- ended --- */

static int64_t
code_of(const struct hook *h, const char *how)
{
	struct sv s = sv_str(how);
	bool by_signal = sv_starts(s, SV("signal "));
	uint32_t n = 255;

	if (h->is_late)
		return -ETIMEDOUT;
	(void)!num_u32(sv_skip(s, SV("signal ").n), 0, 255, &n);	/* "status " is as long */
	return by_signal ? 128 + (int64_t)n : (int64_t)n;
}

bool
hook_reaped(struct hook *h, pid_t pid, const char *how)
{
	if (h->pid != pid || pid == 0)
		return false;
	group_kill(h);		/* what it left behind */
	h->pid = 0;
	loop_timer_stop(h->deadline);
	(void)hear(h);
	h->fn(h->arg, h, code_of(h, how), (struct sv){ h->line, h->n });
	return true;
}

struct hook *
hook_free(struct hook *h)
{
	if (h == NULL)
		return NULL;
	if (h->pid > 1) {
		group_kill(h);
		proc_signal(h->pid, SIGKILL);
	}
	h->io = loop_io_del(h->io);
	h->deadline = loop_timer_del(h->deadline);
	fd_close(&h->fd);
	free(h);
	return NULL;
}
