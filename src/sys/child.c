#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sys/child.h"
#include "sys/proc.h"

/* Between fork and exec: nothing here may allocate or lock. */
static void
child_exec(const char *path, char *const argv[], int fd, pid_t parent)
{
	char *envp[] = {
		(char *)(uintptr_t)"PATH=/usr/bin:/bin",
		(char *)(uintptr_t)"LC_ALL=C",
		NULL
	};
	int null;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	/* The socket may sit where it is to go, or where /dev/null is to go. */
	if ((fd = fcntl(fd, F_DUPFD, STDERR_FILENO + 1)) < 0 ||
	    (null = open("/dev/null", O_RDWR)) < 0 || dup2(null, STDERR_FILENO) < 0 ||
	    dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(127);
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		_exit(127);
	(void)execve(path, argv, envp);
	_exit(127);
}

int
child_start(const char *path, char *const argv[], int fd, pid_t *ret_pid)
{
	pid_t parent = getpid(), pid;

	if (access(path, X_OK) < 0)
		return -errno;
	if ((pid = proc_fork()) < 0)
		return -errno;
	if (pid == 0)
		child_exec(path, argv, fd, parent);
	*ret_pid = pid;
	return 0;
}
