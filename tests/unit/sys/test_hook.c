/* A program of the operator's: what it gets, what is heard of it, when it is stopped. */
#include "../tap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/hook.h"
#include "sys/proc.h"

static char	dir[] = "/tmp/sekisho-hook-XXXXXX";
static char	path[128];

struct ended {
	struct loop	*loop;
	struct hook	*h;
	int64_t		 code;
	char		 line[HOOK_LINE_MAX + 1];
	bool		 done;
};

static void
program(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\n%s\n", text);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

static void
on_end(void *arg, struct hook *h, int64_t code, struct sv line)
{
	struct ended *e = arg;

	assert_ptr_equal(h, e->h);
	e->code = code;
	(void)snprintf(e->line, sizeof(e->line), "%.*s", SV_ARG(line));
	e->done = true;
	loop_stop(e->loop);
}

static void
on_child(void *arg)
{
	struct ended *e = arg;
	char how[32];
	pid_t pid;
	bool ok;

	while (proc_reap(&pid, &ok, how))
		assert_true(hook_reaped(e->h, pid, how));
}

static void
run(const char *text, const char *input, uint32_t sec, struct ended *e)
{
	const struct hook_opts o = { .path = path, .arg = "example.jp.", .input = sv_str(input),
		.timeout_sec = sec };

	*e = (struct ended){ .loop = loop_new() };
	program(text);
	assert_int_equal(loop_signal(e->loop, SIGCHLD, on_child, e), 0);
	assert_int_equal(hook_start(e->loop, &o, on_end, e, &e->h), 0);
	assert_int_equal(loop_run(e->loop), 0);
	assert_true(e->done);
	e->h = hook_free(e->h);
	(void)loop_free(e->loop);
}

static void
gets(void **state UNUSED)
{
	struct ended e;

	assert_int_equal(setenv("SECRET", "1", 1), 0);
	run("read x; n=0; for f in /proc/self/fd/*; do n=$((n+1)); done; "
	    "echo \"$#,$1,$x,$(pwd),$SECRET,$(env | grep -c -v '^_=\\|^PWD=\\|^OLDPWD=\\|^SHLVL=')\"; echo second",
	    "<epp>\n", 60, &e);
	assert_int_equal(e.code, 0);
	assert_string_equal(e.line, "1,example.jp.,<epp>,/,,2");
}

static void
says(void **state UNUSED)
{
	struct ended e;

	run("printf '\\033[31mno\\tway\\n' >&2; exit 7", "", 60, &e);
	assert_int_equal(e.code, 7);
	assert_string_equal(e.line, "[31mnoway");
	run("kill -TERM $$", "", 60, &e);
	assert_int_equal(e.code, 128 + SIGTERM);
	/* Longer than the line, longer than a pipe, and nobody reads its input. */
	run("head -c 300000 /dev/zero | tr '\\0' a", "unread", 60, &e);
	assert_int_equal(e.code, 0);
	assert_int_equal(strlen(e.line), HOOK_LINE_MAX);
}

/* It and what it started: the sleeper holds the pipe, too. */
static void
late(void **state UNUSED)
{
	struct ended e;

	run("echo begun; sleep 1000 & wait", "", 1, &e);
	assert_int_equal(e.code, -ETIMEDOUT);
	assert_string_equal(e.line, "begun");
	run("sleep 1000 & echo gone", "", 60, &e);
	assert_int_equal(e.code, 0);
}

static void
whose(void **state UNUSED)
{
	char link[160], folder[160], deep[200];
	const struct hook_opts o = { .path = path, .arg = "", .timeout_sec = 1,
		.input = { path, HOOK_INPUT_MAX + 1 } };
	struct hook *h = NULL;

	program("true");
	assert_int_equal(hook_check(path), 0);
	assert_int_equal(hook_start(NULL, &o, on_end, NULL, &h), SE_LIMIT);
	assert_int_equal(chmod(path, 0775), 0);
	assert_int_equal(hook_check(path), -EPERM);
	assert_int_equal(chmod(path, 0757), 0);
	assert_int_equal(hook_check(path), -EPERM);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(hook_check(path), -EACCES);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(hook_check("bin/true"), -EPERM);
	assert_int_equal(hook_check("/nonexistent"), -ENOENT);
	assert_int_equal(hook_check(dir), -EPERM);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(hook_check(path), -EPERM);
	assert_int_equal(chown(path, 0, 0), 0);

	(void)snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(hook_check(link), 0);
	assert_int_equal(lchown(link, 65534, 65534), 0);
	assert_int_equal(hook_check(link), -EPERM);
	assert_int_equal(unlink(link), 0);

	(void)snprintf(folder, sizeof(folder), "%s/open", dir);
	(void)snprintf(deep, sizeof(deep), "%s/link", folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(symlink(path, deep), 0);
	assert_int_equal(hook_check(deep), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(hook_check(deep), -EPERM);
	assert_int_equal(unlink(deep), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(hook_check(path), -EPERM);
	assert_int_equal(chmod(dir, 0755), 0);
}

static int
setup(void **state UNUSED)
{
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/hook", dir);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	(void)unlink(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(gets), T(says), T(late), T(whose) };

	if (!proc_is_root()) {
		(void)puts("1..0 # SKIP programs of root are made by root only");
		return 0;
	}
	return cmocka_run_group_tests_name("sys/hook", tests, setup, teardown);
}
