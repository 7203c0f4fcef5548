#include "../tap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/child.h"
#include "sys/loop.h"
#include "sys/memfd.h"
#include "sys/proc.h"
#include "sys/statedir.h"

static char dir[64];

static int
setup(void **state UNUSED)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/sekisho-proc-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
teardown(void **state UNUSED)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

/* The second who wants it hears who has it; the death of the first frees it. */
static void
lock(void **state UNUSED)
{
	char path[128];
	long holder = 0;
	int fd, p[2], rc;
	char c;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	assert_int_equal(pipe(p), 0);
	if ((pid = fork()) == 0) {
		rc = proc_lock(path, &fd, &holder);
		(void)!write(p[1], rc == 0 ? "y" : "n", 1);
		pause();
	}
	assert_int_equal(read(p[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	assert_int_equal(proc_lock(path, &fd, &holder), SE_LOCKED);
	assert_int_equal(holder, pid);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(proc_lock(path, &fd, &holder), 0);
	close(fd);
}

static void
statedir(void **state UNUSED)
{
	struct statedir_error e;
	char path[200], sub[128];
	FILE *f;
	int l1, l2;

	(void)snprintf(sub, sizeof(sub), "%s/a/b", dir);
	assert_int_equal(statedir_open(sub, NULL, &l1, &e), 0);
	assert_int_equal(statedir_open(sub, NULL, &l2, &e), SE_LOCKED);
	assert_int_equal(e.holder, getpid());
	close(l1);
	assert_int_equal(statedir_open(sub, NULL, &l1, &e), 0);
	close(l1);
	/* A later version's directory is refused, and stays as it is. */
	(void)snprintf(path, sizeof(path), "%s/schema", sub);
	assert_non_null(f = fopen(path, "w"));
	(void)fputs("sekisho-state 2\n", f);
	(void)fclose(f);
	assert_int_equal(statedir_open(sub, NULL, &l1, &e), SE_FORMAT);
	assert_string_equal(e.path, path);
	assert_non_null(f = fopen(path, "w"));
	(void)fputs("rubbish", f);
	(void)fclose(f);
	assert_int_equal(statedir_open(sub, NULL, &l1, &e), SE_FORMAT);
	/* A file in its place. */
	assert_true(statedir_open(path, NULL, &l1, &e) < 0);
}

/* A program that says what it has got: /bin/sh cannot be asked for argv only. */
static void
spawn(void **state UNUSED)
{
	char path[128], how[32], in[64];
	FILE *f;
	pid_t pid, got;
	ssize_t n = -1;
	bool ok = true;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/child", dir);
	assert_non_null(f = fopen(path, "w"));
	(void)fputs("#!/bin/sh\n"
	    "n=0; for i in /proc/self/fd/*; do n=$((n+1)); done\n"
	    "e=$(tr -d '\\0' </proc/$$/environ | wc -c)\n"
	    "printf 'env %s argc %s' \"$e\" \"$#\" >&3\nexit 7\n", f);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(setenv("SECRET", "1", 1), 0);
	assert_int_equal(proc_spawn(path, &pid, &fd), 0);
	for (int i = 0; i < 6000 && (n = recv(fd, in, sizeof(in) - 1, 0)) < 0; i++)
		usleep(10000);
	assert_true(n > 0);
	in[n] = '\0';
	assert_string_equal(in, "env 0 argc 0");
	for (int i = 0; i < 6000 && !proc_reap(&got, &ok, how); i++)
		usleep(10000);
	assert_int_equal(got, pid);
	assert_false(ok);
	assert_string_equal(how, "status 7");
	close(fd);
	assert_int_equal(proc_spawn("/nonexistent", &pid, &fd), -ENOENT);
}

static void
on_term(void *arg)
{
	(*(unsigned *)arg)++;
}

static void
on_time(void *arg)
{
	loop_stop(arg);
}

static int
start_sleeper(pid_t *ret_pid)
{
	char *argv[] = { (char[]){ "sleep" }, (char[]){ "60" }, NULL };

	return child_start("/bin/sleep", argv, 0, ret_pid);
}

static int
start_role(pid_t *ret_pid)
{
	int fd, rc = proc_spawn("/usr/bin/yes", ret_pid, &fd);	/* it goes on for ever */

	if (rc == 0)
		close(fd);
	return rc;
}

/*
 * A signal for a child that is not yet its program: our handlers are still
 * its own, and they write to the socket by which our loop learns of signals.
 * Seen as servers of the lab that ended by themselves.
 */
static void
signal_early(void **state UNUSED)
{
	static int	(*const starts[])(pid_t *) = { start_sleeper, start_role };
	struct loop *l = loop_new();
	struct loop_timer *end;
	unsigned n = 0;
	pid_t pid;
	int st;

	assert_non_null(l);
	assert_int_equal(loop_signal(l, SIGTERM, on_term, &n), 0);
	for (size_t i = 0; i < 400; i++) {
		assert_int_equal(starts[i % ARRAY_LEN(starts)](&pid), 0);
		proc_signal(pid, SIGTERM);
		assert_int_equal(waitpid(pid, &st, 0), pid);
		assert_true(WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM);
	}
	assert_non_null(end = loop_timer_add(l, on_time, l));
	assert_int_equal(loop_timer_set(end, 10000), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(n, 0);
	/* … and those that are for us still come. */
	proc_signal(getpid(), SIGTERM);
	assert_int_equal(loop_timer_set(end, 10000), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(n, 1);
	loop_timer_del(end);
	loop_free(l);
}

/* Only what is sealed is mapped as a stranger's. */
static void
memfd(void **state UNUSED)
{
	struct file_map m;
	char path[128];
	FILE *f;
	int fd;

	assert_int_equal(memfd_new("t", &fd), 0);
	assert_int_equal(fd_write_all(&fd, "hello", 5), 0);
	assert_int_equal(memfd_map(fd, false, 100, &m), -EINVAL);
	assert_int_equal(memfd_seal(fd), 0);
	assert_int_equal(memfd_map(fd, false, 4, &m), SE_LIMIT);
	assert_int_equal(memfd_map(fd, false, 5, &m), 0);
	assert_memory_equal(m.data.p, "hello", 5);
	file_unmap(&m);
	/* A copy can be changed, the original not. */
	assert_int_equal(memfd_map_copy(fd, false, 5, &m), 0);
	((char *)(uintptr_t)m.data.p)[0] = 'j';
	file_unmap(&m);
	assert_true(write(fd, "x", 1) < 0);
	assert_true(ftruncate(fd, 0) < 0);
	assert_int_equal(memfd_map(fd, false, 5, &m), 0);
	assert_memory_equal(m.data.p, "hello", 5);
	file_unmap(&m);
	close(fd);
	(void)snprintf(path, sizeof(path), "%s/f", dir);
	assert_non_null(f = fopen(path, "w+"));
	(void)fputs("file", f);
	(void)fflush(f);
	assert_int_equal(memfd_map(fileno(f), false, 100, &m), -EINVAL);
	assert_int_equal(memfd_map(fileno(f), true, 100, &m), 0);
	file_unmap(&m);
	(void)fclose(f);
}

/* For good: no way back, no other groups. */
static void
drop(void **state UNUSED)
{
	struct proc_user u;
	int st;
	pid_t pid;

	assert_int_equal(proc_user_find("no-such-user-here", &u), -ENOENT);
	if (!proc_is_root() || proc_user_find("nobody", &u) < 0)
		skip();
	if ((pid = fork()) == 0)
		_exit(proc_user_become(&u) == 0 && geteuid() == u.uid &&
		    getgid() == u.gid && getgroups(0, NULL) == 0 &&
		    setuid(0) < 0 && setgid(0) < 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(lock), T(statedir), T(spawn), T(signal_early), T(memfd), T(drop),
	};

	return cmocka_run_group_tests_name("sys/proc", tests, setup, teardown);
}
