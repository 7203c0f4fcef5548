#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/crash.h"
#include "sys/file.h"

/* A sanitizer has its own handlers, which tell more than ours: they stay. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED	1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	0
#endif

/* A signal handler gets no argument of ours: see tests/lint/test_globals.py. */
static volatile sig_atomic_t mark_fd = -1, mark_armed;

static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE };

int
crash_mark_open(const char *path, int *ret_fd, unsigned *ret_n)
{
	_cleanup_(fd_close) int fd = open(path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	*ret_n = (unsigned)(st.st_size < 1000 ? st.st_size : 1000);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
crash_mark_clear(int fd)
{
	return ftruncate(fd, 0) < 0 ? -errno : 0;
}

void
crash_mark_put(int fd)
{
	(void)!write(fd, "x", 1);
}

static void
on_crash(int signo)
{
	if (mark_armed && mark_fd >= 0)
		(void)!write(mark_fd, "x", 1);
	/* SA_RESETHAND: it waits for our return, and then ends the process. */
	(void)raise(signo);
}

void
crash_mark_set(int fd)
{
	struct sigaction a = { .sa_handler = fd < 0 ? SIG_DFL : on_crash,
	    .sa_flags = (int)SA_RESETHAND };

	mark_fd = fd;
	(void)sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals) && !SANITIZED; i++)
		(void)sigaction(signals[i], &a, NULL);	/* fails for SIGKILL alone */
}

void
crash_mark_arm(bool on)
{
	mark_armed = on;
}
