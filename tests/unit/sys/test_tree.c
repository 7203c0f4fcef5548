/* A folder that somebody else has filled. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "base/err.h"
#include "sys/file.h"
#include "sys/tree.h"

static const struct tree_limits wide = { .names = 1000, .bytes = 1 << 20, .file = 1000 };

static char	 root[] = "/tmp/sekisho-tree-XXXXXX";

static const char *
at(const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/in/%s", root, name);
	return path;
}

static void
put(const char *name, size_t n)
{
	char body[2000];

	memset(body, 'x', sizeof(body));
	assert_int_equal(file_write(at(name), (struct sv){ body, n }), 0);
}

static int
setup(void **state)
{
	(void)state;
	(void)mkdir(root, 0700);
	return mkdir(at(""), 0700);
}

static int
teardown(void **state)
{
	(void)state;
	return tree_remove(root);
}

/* The number of files; *ret_rc: how it ended. */
static unsigned
count(const struct tree_limits *l, int *ret_rc, char paths[static 1000])
{
	_cleanup_(tree_closep) struct tree *t = NULL;
	struct sv path, bytes;
	unsigned n = 0;

	paths[0] = '\0';
	assert_int_equal(tree_open(at(""), l, &t), 0);
	while ((*ret_rc = tree_next(t, &path, &bytes)) == 1) {
		n++;
		(void)snprintf(paths + strlen(paths), 1000 - strlen(paths), "%.*s=%zu ",
		    SV_ARG(path), bytes.n);
	}
	return n;
}

static void
test_files(void **state)
{
	char paths[1000];
	int rc;

	(void)state;
	put("a.roa", 10);
	put(".hidden", 10);
	put("large", 1001);
	put("empty", 0);
	assert_int_equal(mkdir(at("ca"), 0700), 0);
	put("ca/b.roa", 1000);
	assert_int_equal(symlink("/etc/passwd", at("link.roa")), 0);
	assert_int_equal(symlink("/etc", at("folder")), 0);
	assert_int_equal(symlink("a.roa", at("near")), 0);
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(count(&wide, &rc, paths), 3);
	assert_int_equal(rc, 0);
	assert_non_null(strstr(paths, "a.roa=10 "));
	assert_non_null(strstr(paths, "ca/b.roa=1000 "));
	assert_non_null(strstr(paths, "empty=0 "));
}

static void
test_limits(void **state)
{
	struct tree_limits l = wide;
	struct tree_size size;
	char paths[1000], name[16];
	int rc;

	(void)state;
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		put(name, 100);
	}
	l.names = 20;
	assert_int_equal(count(&l, &rc, paths), 20);
	l.names = 19;
	assert_int_equal(count(&l, &rc, paths), 19);
	assert_int_equal(rc, SE_LIMIT);
	l = wide;
	l.bytes = 2000;
	assert_int_equal(count(&l, &rc, paths), 20);
	l.bytes = 1999;
	assert_int_equal(count(&l, &rc, paths), 19);
	assert_int_equal(rc, SE_LIMIT);
	assert_int_equal(tree_measure(at(""), &wide, &size), 0);
	assert_int_equal(size.names, 20);
	l = wide;
	l.names = 5;			/* it stops soon after */
	assert_int_equal(tree_measure(at(""), &l, &size), 0);
	assert_true(size.names > 5 && size.names < 8);
}

static void
test_depth(void **state)
{
	char paths[1000], deep[500] = "";
	struct tree_size size;
	int rc;

	(void)state;
	for (int i = 0; i < 5 * TREE_DEPTH_MAX; i++) {
		(void)snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep), "d/");
		assert_int_equal(mkdir(at(deep), 0700), 0);
		(void)snprintf(paths, sizeof(paths), "%sf", deep);
		put(paths, 1);
	}
	/* The root is one of them. */
	assert_int_equal(count(&wide, &rc, paths), TREE_DEPTH_MAX - 1);
	assert_int_equal(rc, 0);
	assert_int_equal(tree_measure(at(""), &wide, &size), 0);
	assert_true(size.names > wide.names);
	/* However deep it is, and whatever is in the way, it can be removed. */
	assert_int_equal(mkdir(at("~0"), 0700), 0);
	put("~0/f", 1);
	put("~1", 1);
	assert_int_equal(tree_remove(at("")), 0);
	assert_int_equal(tree_remove(root), 0);
}

/* What a link leads to stays. */
static void
test_remove(void **state)
{
	char kept[200];

	(void)state;
	(void)snprintf(kept, sizeof(kept), "%s/kept", root);
	assert_int_equal(tree_make(kept), 0);
	assert_int_equal(tree_make(kept), 0);
	(void)snprintf(kept, sizeof(kept), "%s/kept/file", root);
	assert_int_equal(file_write(kept, SV("x")), 0);
	assert_int_equal(symlink("../kept", at("link")), 0);
	assert_int_equal(mkdir(at("d"), 0700), 0);
	put("d/f", 1);
	assert_int_equal(tree_remove(at("")), 0);
	assert_false(file_is_dir(at("")));
	assert_int_equal(access(kept, F_OK), 0);
	assert_int_equal(tree_remove(at("")), 0);	/* not there: nothing to do */
	assert_true(tree_open(at(""), &wide, &(struct tree *){ NULL }) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
		cmocka_unit_test_setup(test_depth, setup),
	};

	if (mkdtemp(root) == NULL || rmdir(root) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
