/* A process that may crash or hang, and comes back as it was made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sys/cell.h"
#include "sys/clock.h"
#include "sys/file.h"

#define LONG	(clock_mono_usec() + 60000000)

static int value = 7;

/* What a letter asks for. */
static int
run(void *arg, const int *fds, unsigned n)
{
	const struct rlimit none = { 0, 0 };
	char c;

	(void)setrlimit(RLIMIT_CORE, &none);
	while (cell_read(fds[n - 1], &c, 1, LONG) == 0) {
		if (c == 'c')
			(void)raise(SIGSEGV);
		if (c == 'e')
			return 3;
		while (c == 'h')
			(void)sleep(1);
		c = (char)('0' + *(int *)arg);
		if (cell_write(fds[n - 1], &c, 1, LONG) < 0)
			return 4;
	}
	return 5;
}

static const struct cell_conf conf = { .run = run, .arg = &value, .keeper_name = "keeper", .name = "cell" };

static void
begin(struct cell *c, int fds[3])
{
	pid_t pid = 0;

	assert_int_equal(cell_start(c, fds, 3, &pid), 0);
	assert_true(pid > 1 && pid != getpid());
	assert_true(fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0);
}

static void
over(struct cell *c, int fds[3], unsigned msec, const char *how)
{
	char text[CELL_TEXT_MAX];

	assert_int_equal(cell_end(c, msec, text), 0);
	assert_string_equal(text, how);
	for (int i = 0; i < 3; i++)
		fd_close(&fds[i]);
}

static void
ask(int fd, char what, int rc)
{
	char c = what;

	assert_int_equal(cell_write(fd, &c, 1, LONG), 0);
	assert_int_equal(cell_read(fd, &c, 1, rc == -ETIMEDOUT ? clock_mono_usec() + 50000 : LONG), rc);
	if (rc == 0)
		assert_int_equal(c, '7');
}

/* The same memory each time, whatever the one before did, and whatever we did since. */
static void
test_lives(void **state UNUSED)
{
	_cleanup_(cell_freep) struct cell *c = NULL;
	char text[CELL_TEXT_MAX];
	int fds[3];
	pid_t pid;

	assert_int_equal(cell_new(&conf, &c), 0);
	value = 8;
	assert_int_equal(cell_end(c, 0, text), 0);
	assert_string_equal(text, "");
	begin(c, fds);
	ask(fds[2], 'a', 0);
	assert_int_equal(cell_start(c, fds, 3, &pid), -EBUSY);
	ask(fds[2], 'c', -EPIPE);
	over(c, fds, 0, "signal 11");
	begin(c, fds);
	ask(fds[2], 'h', -ETIMEDOUT);
	over(c, fds, 0, "signal 9");
	begin(c, fds);
	ask(fds[2], 'e', -EPIPE);
	over(c, fds, 60000, "status 3");
	/* By itself, when its sockets end. */
	begin(c, fds);
	ask(fds[2], 'a', 0);
	for (int i = 0; i < 3; i++)
		fd_close(&fds[i]);
	over(c, fds, 60000, "status 5");
	value = 7;
}

static bool
is_there(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return access(path, F_OK) == 0 && kill(pid, 0) == 0;
}

/* Whoever frees it leaves no process behind; -EPIPE when the keeper is gone. */
static void
test_end(void **state UNUSED)
{
	struct cell *c = NULL;
	int fds[3];
	pid_t pid;

	assert_int_equal(cell_new(&conf, &c), 0);
	assert_int_equal(cell_start(c, fds, 0, &pid), -EINVAL);
	assert_int_equal(cell_start(c, fds, CELL_FDS_MAX + 1, &pid), -EINVAL);
	assert_int_equal(cell_start(c, fds, 3, &pid), 0);
	ask(fds[2], 'a', 0);
	c = cell_free(c);
	assert_int_equal(cell_read(fds[2], &(char){ 0 }, 1, LONG), -EPIPE);
	for (int i = 0; i < 3; i++)
		fd_close(&fds[i]);
	for (int i = 0; i < 6000 && is_there(pid); i++)
		(void)usleep(10000);
	assert_false(is_there(pid));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
