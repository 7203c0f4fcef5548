#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sv.h"
#include "sys/file.h"
#include "sys/proc.h"

/* In the child, in this order: until they are its own, they wait. */
static void
signals_default(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t
proc_fork(void)
{
	sigset_t all, before;
	pid_t pid;
	int err;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	err = errno;
	if (pid == 0)
		signals_default();
	else
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = err;
	return pid;
}

/* Between fork and exec: nothing here may allocate or lock. */
static void
child_exec(const char *path, int sock, pid_t parent)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	char *envp[] = { NULL };
	int null;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	if ((null = open("/dev/null", O_RDWR)) < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(127);
	if (sock == PROC_CHILD_FD ? fcntl(sock, F_SETFD, 0) < 0 :
	    dup2(sock, PROC_CHILD_FD) < 0)
		_exit(127);
	if (close_range(PROC_CHILD_FD + 1, ~0U, 0) < 0)
		_exit(127);
	(void)execve(path, argv, envp);
	_exit(127);
}

int
proc_spawn(const char *path, pid_t *ret_pid, int *ret_fd)
{
	pid_t parent = getpid(), pid;
	int sv[2];

	if (access(path, X_OK) < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    sv) < 0)
		return -errno;
	if ((pid = proc_fork()) < 0) {
		int rc = -errno;

		(void)close(sv[0]);
		(void)close(sv[1]);
		return rc;
	}
	if (pid == 0)
		child_exec(path, sv[1], parent);
	(void)close(sv[1]);
	*ret_pid = pid;
	*ret_fd = sv[0];
	return 0;
}

bool
proc_reap(pid_t *ret_pid, bool *ret_ok, char text[static 32])
{
	int st;
	pid_t pid = waitpid(-1, &st, WNOHANG);

	if (pid <= 0)
		return false;
	*ret_pid = pid;
	*ret_ok = WIFEXITED(st) && WEXITSTATUS(st) == 0;
	if (WIFSIGNALED(st))
		(void)snprintf(text, 32, "signal %d", WTERMSIG(st));
	else
		(void)snprintf(text, 32, "status %d", WEXITSTATUS(st));
	return true;
}

void
proc_signal(pid_t pid, int signo)
{
	if (pid > 1)
		(void)kill(pid, signo);
}

bool
proc_can_run(const char *path)
{
	return access(path, X_OK) == 0;
}

bool
proc_gains_rights(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)) != 0;
}

int
proc_exec(const char *path, char *const argv[])
{
	(void)execv(path, argv);
	return -errno;
}

void
proc_child_signals(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
}

void
proc_no_sigpipe(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
}

void
proc_end(int status)
{
	_exit(status);
}

pid_t
proc_pid(void)
{
	return getpid();
}

bool
proc_is_root(void)
{
	return geteuid() == 0;
}

int
proc_folder(char *buf, size_t n)
{
	ssize_t len = readlink("/proc/self/exe", buf, n);
	size_t i;

	if (len < 0)
		return -errno;
	if ((size_t)len >= n)
		return -ENAMETOOLONG;
	i = sv_rfind((struct sv){ buf, (size_t)len }, '/');
	if (i == (size_t)len)
		return -EINVAL;
	buf[i] = '\0';
	return 0;
}

int
proc_absolute(const char *path, char *buf, size_t n)
{
	size_t len = 0;

	if (path[0] != '/' && path[0] != '\0') {
		if (getcwd(buf, n) == NULL)
			return -errno;
		len = strlen(buf);
	}
	if (strlen(path) + 2 > n - len)
		return -ENAMETOOLONG;
	(void)snprintf(buf + len, n - len, "%s%s", len > 0 ? "/" : "", path);
	return 0;
}

int
proc_user_find(const char *name, struct proc_user *ret)
{
	struct passwd pw, *p = NULL;
	char buf[4096];
	int e = getpwnam_r(name, &pw, buf, sizeof(buf), &p);

	if (p == NULL)
		return e != 0 ? -e : -ENOENT;
	*ret = (struct proc_user){ p->pw_uid, p->pw_gid };
	return 0;
}

/* The name is somebody's text, and it goes into logs. */
static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((*s < '0' || *s > '9') && (*s < 'A' || *s > 'Z') && (*s < 'a' || *s > 'z') &&
		    strchr("._-$@", *s) == NULL)
			return false;
	return true;
}

const char *
proc_user_name(uid_t uid, char *buf, size_t n)
{
	struct passwd pw, *p = NULL;
	char text[4096];

	if (getpwuid_r(uid, &pw, text, sizeof(text), &p) != 0 || p == NULL || p->pw_name[0] == '\0' ||
	    !is_plain(p->pw_name))
		(void)snprintf(buf, n, "?");
	else
		(void)snprintf(buf, n, "%s", p->pw_name);
	return buf;
}

int
proc_user_become(const struct proc_user *u)
{
	if (setgroups(0, NULL) < 0 ||
	    setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		return -errno;
	/* The way back must be closed, or it was no drop. */
	if (u->uid != 0 && (setuid(0) == 0 || geteuid() == 0))
		return -EPERM;
	return 0;
}

int
proc_user_own(const struct proc_user *u, const char *path)
{
	return lchown(path, u->uid, u->gid) < 0 ? -errno : 0;
}

static long
lock_holder(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	uint32_t pid;

	if (n <= 0 || num_u32(sv_trim((struct sv){ text, (size_t)n }), 1,
	    INT32_MAX, &pid) < 0)
		return 0;
	return (long)pid;
}

int
proc_lock(const char *path, int *ret_fd, long *ret_holder)
{
	_cleanup_(fd_close) int fd = open(path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char text[24];
	int n;

	if (fd < 0)
		return -errno;
	/* Belongs to the open file, so the roles, which get no copy, cannot hold it. */
	if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		*ret_holder = lock_holder(fd);
		return errno == EAGAIN || errno == EACCES ? SE_LOCKED : -errno;
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	/* A full disk does not stop the lock: only the pid is missing then. */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)n, 0);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
random_fill(void *p, size_t n)
{
	return getrandom(p, n, 0) == (ssize_t)n ? 0 : -EIO;
}

const char *
proc_host_name(char *buf, size_t n)
{
	if (gethostname(buf, n) < 0 || buf[0] == '\0')
		(void)snprintf(buf, n, "localhost");
	buf[n - 1] = '\0';
	return buf;
}
