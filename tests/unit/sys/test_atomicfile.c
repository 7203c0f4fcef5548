/* A file is replaced as a whole; what is no file is never replaced. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/atomicfile.h"
#include "sys/file.h"

static char dir[64];

static int
setup(void **state UNUSED)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/sekisho-atomic-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
teardown(void **state UNUSED)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void
path_of(const char *name, char path[static 128])
{
	(void)snprintf(path, 128, "%s/%s", dir, name);
}

static void
replaced(void **state UNUSED)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	char path[128], text[8] = { 0 };
	struct stat old, new;
	int fd;

	path_of("file", path);
	assert_int_equal(file_write(path, SV("old")), 0);
	assert_int_equal(stat(path, &old), 0);
	assert_int_equal(atomicfile_open(&f, path), 0);
	assert_int_equal(fd_write_all(&f.fd, "new", 3), 0);
	assert_int_equal(atomicfile_commit(&f), 0);
	assert_int_equal(stat(path, &new), 0);
	assert_true(old.st_ino != new.st_ino);
	assert_true((fd = open(path, O_RDONLY)) >= 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "new");
	assert_int_equal(close(fd), 0);
}

/* As root, a rename onto /dev/null made a file of it (2026-11-22). */
static void
written_into(void **state UNUSED)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	char path[128], text[8] = { 0 };
	struct stat st;
	int fd;

	path_of("pipe", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true((fd = open(path, O_RDWR | O_NONBLOCK)) >= 0);
	assert_int_equal(atomicfile_open(&f, path), 0);
	assert_int_equal(fd_write_all(&f.fd, "through", 7), 0);
	assert_int_equal(atomicfile_commit(&f), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(read(fd, text, sizeof(text)), 7);
	assert_string_equal(text, "through");
	assert_int_equal(close(fd), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));	/* whoever tests before us kept it whole */
}

/* A secret is never open to others, whatever stood there before. */
static void
secret(void **state UNUSED)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	mode_t old = umask(0);
	char path[128];

	path_of("secret", path);
	assert_int_equal(file_write(path, SV("old")), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(file_is_open_to_others(path));
	assert_int_equal(atomicfile_open_secret(&f, path), 0);
	assert_false(file_is_open_to_others(f.tmp));
	assert_int_equal(atomicfile_commit(&f), 0);
	assert_false(file_is_open_to_others(path));
	(void)umask(old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced),
		cmocka_unit_test(written_into),
		cmocka_unit_test(secret),
	};

	return cmocka_run_group_tests_name("sys atomicfile", tests, setup, teardown);
}
