/* See sys/trial.h. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/proc.h"
#include "sys/trial.h"

static int
result_of(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 100)
		return WEXITSTATUS(status);
	return -ECHILD;
}

int
trial_run(int (*fn)(void *), void *arg, unsigned msec)
{
	const struct timespec nap = { 0, 2000000 };
	int64_t until = clock_mono_usec() + (int64_t)msec * 1000;
	pid_t parent = getpid(), pid = proc_fork(), got;
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() != parent ? 101 : fn(arg));
	}
	while ((got = waitpid(pid, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
		if (clock_mono_usec() > until) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return -ETIMEDOUT;
		}
		(void)nanosleep(&nap, NULL);
	}
	return got == pid ? result_of(status) : -ECHILD;
}
