/* The resolver's files: which are readable inside the sandbox, and when a role starts anew for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit.h"

#include "sys/sandbox.h"

static char first[64], second[64];
static const char *const files[] = { first, second, NULL };
#define sandbox_resolver_files files
#include "../../../src/role/role_resolver.c"
#undef sandbox_resolver_files

static struct role *const role = (struct role *)(uintptr_t)16;	/* nobody looks into it */
static unsigned n_paths;
static int path_rc;
static unsigned n_stopped;

int
role_path(struct role *r, const char *path, enum sandbox_access a)
{
	assert_ptr_equal(r, role);
	assert_int_equal(a, SANDBOX_READ);
	assert_ptr_equal(path, files[n_paths]);
	n_paths++;
	return path_rc;
}

static void
stopped(int rc)
{
	assert_int_equal(rc, 0);
	n_stopped++;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **st UNUSED)
{
	static char dir[] = "/tmp/sekisho-resolver-XXXXXX";

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	(void)snprintf(first, sizeof(first), "%s/resolv.conf", dir);
	(void)snprintf(second, sizeof(second), "%s/hosts", dir);
	n_paths = n_stopped = 0;
	path_rc = 0;
	kit_stopped = stopped;
	return 0;
}

static int
teardown(void **st UNUSED)
{
	(void)unlink(first);
	(void)unlink(second);
	*strrchr(first, '/') = '\0';
	(void)rmdir(first);
	return 0;
}

/* --- tests --- */

static void
all_are_readable(void **st UNUSED)
{
	uint64_t was;

	assert_int_equal(role_resolver(role, &was), 0);
	assert_int_equal(n_paths, 2);
	/* One that is not there is no error, as nsswitch.conf in small systems; another error is. */
	n_paths = 0;
	path_rc = -ENOENT;
	assert_int_equal(role_resolver(role, &was), 0);
	assert_int_equal(n_paths, 2);
	n_paths = 0;
	path_rc = -EACCES;
	assert_int_equal(role_resolver(role, &was), -EACCES);
	assert_int_equal(n_paths, 1);
}

/* Without a file, with one, with another of that name, with the second, without. */
static void
any_change_is_seen(void **st UNUSED)
{
	char other[80];
	uint64_t was = 0;

	(void)snprintf(other, sizeof(other), "%s.new", first);
	for (unsigned i = 0; i < 5; i++) {
		n_paths = 0;
		assert_int_equal(role_resolver(role, &was), 0);
		assert_true(was != 0);
		assert_false(role_resolver_changed(role, was));
		assert_int_equal(n_stopped, i);
		switch (i) {
		case 0:
			write_file(first, "nameserver 192.0.2.1\n");
			break;
		case 1:
			write_file(other, "nameserver 192.0.2.2\n");
			assert_int_equal(rename(other, first), 0);
			break;
		case 2:
			write_file(second, "127.0.0.1 localhost\n");
			break;
		case 3:
			assert_int_equal(unlink(second), 0);
			break;
		default:
			assert_int_equal(unlink(first), 0);
		}
		assert_true(role_resolver_changed(role, was));
		assert_int_equal(n_stopped, i + 1);
	}
}

TESTS_MAIN("resolver", cmocka_unit_test_setup_teardown(all_are_readable, setup, teardown),
    cmocka_unit_test_setup_teardown(any_change_is_seen, setup, teardown))
