#include "../tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/log.h"
#include "sys/memfd.h"

static struct sv
written(int fd, char *buf, size_t n)
{
	ssize_t len = pread(fd, buf, n, 0);

	assert_true(len >= 0);
	return (struct sv){ buf, (size_t)len };
}

static void
op_line(void **state UNUSED)
{
	char buf[4000];
	int fd;

	assert_int_equal(memfd_new("t", &fd), 0);
	assert_int_equal(log_op(fd, false, 0, LOG_LEVEL_WARN, "rtr", SV("a\nb\x1b[31m")), 0);
	assert_true(sv_eq(written(fd, buf, sizeof(buf)),
	    SV("1970-01-01T00:00:00Z warning rtr: a?b?[31m\n")));
	close(fd);
	assert_int_equal(memfd_new("t", &fd), 0);
	assert_int_equal(log_op(fd, true, 0, LOG_LEVEL_ERROR, "rtr", SV("x")), 0);
	assert_true(sv_eq(written(fd, buf, sizeof(buf)), SV("<3>rtr: x\n")));
	close(fd);
}

/* However long, a line is one line. */
static void
long_line(void **state UNUSED)
{
	char buf[8000], *text = malloc(6000);
	struct sv s;
	int fd;

	memset(text, 'x', 6000);
	assert_int_equal(memfd_new("t", &fd), 0);
	assert_int_equal(log_op(fd, false, 0, LOG_LEVEL_ERROR, "rtr", (struct sv){ text, 6000 }), 0);
	s = written(fd, buf, sizeof(buf));
	assert_in_range(s.n, 1000, LOG_LINE_MAX);
	assert_int_equal(sv_find(s, '\n'), s.n - 1);
	free(text);
	close(fd);
}

static void
audit_line(void **state UNUSED)
{
	char buf[4000];
	int fd;

	assert_int_equal(memfd_new("t", &fd), 0);
	assert_int_equal(log_audit(fd, 60, "store", SV("x\n\"y"), SV("{\"a\":1}")), 0);
	assert_true(sv_eq(written(fd, buf, sizeof(buf)),
	    SV("{\"time\":\"1970-01-01T00:01:00Z\",\"who\":\"store\",\"event\":\"x\\n\\\"y\","
	    "\"details\":{\"a\":1}}\n")));
	close(fd);
}

/* Append only: what was written before stays, whoever wrote it. */
static void
appends(void **state UNUSED)
{
	char path[64];
	struct stat st;
	int a, b;

	(void)snprintf(path, sizeof(path), "/tmp/sekisho-log-%d", (int)getpid());
	assert_true((a = log_open(path)) >= 0);
	assert_true((b = log_open(path)) >= 0);
	assert_int_equal(log_audit(a, 0, "a", SV("1"), SV("")), 0);
	assert_int_equal(log_audit(b, 0, "b", SV("2"), SV("")), 0);
	assert_int_equal(lseek(a, 0, SEEK_SET), 0);
	assert_int_equal(log_audit(a, 0, "a", SV("3"), SV("")), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
	assert_int_equal(st.st_size, 3 * 54);
	(void)unlink(path);
	assert_true(log_open("/nonexistent/log") < 0);
	close(a);
	close(b);
}

static void
full_disk(void **state UNUSED)
{
	int fd = open("/dev/full", O_WRONLY);

	assert_int_equal(log_op(fd, false, 0, LOG_LEVEL_ERROR, "x", SV("y")), -ENOSPC);
	assert_int_equal(log_audit(fd, 0, "x", SV("y"), SV("")), -ENOSPC);
	close(fd);
}

TESTS_MAIN("sys/log", T(op_line), T(long_line), T(audit_line), T(appends), T(full_disk))
