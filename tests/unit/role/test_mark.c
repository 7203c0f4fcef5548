/* Role mark: how often somebody makes us fetch, and what is kept, each with its bound. */
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "../../../src/role/mark_keep.c"
#include "../../../src/role/mark_rate.c"

#define NOW	1800000000

static struct mail_mark_key
key_of(struct pool *pool, const char *org, const char *server, unsigned i)
{
	char *org_text = pool_printf(pool, org, i), *url = pool_printf(pool, server, i);

	return (struct mail_mark_key){ .org = sv_str(org_text), .author = SV("a"), .domain = SV("d"),
	    .selector = SV("default"), .location = sv_str(url), .evidence = SV("") };
}

/* --- how often --- */

static unsigned
n_taken(struct mark_rate *r, const char *org, const char *server, unsigned n, int64_t now)
{
	struct pool *pool = pool_new(1 << 20);
	unsigned taken = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct mail_mark_key k = key_of(pool, org, server, i);

		taken += mark_rate_take(r, &k, now);
	}
	(void)pool_free(pool);
	return taken;
}

static void
test_rate(void **state UNUSED)
{
	static const struct {
		const char	*org, *server;
		unsigned	 n, taken;
	} rows[] = {
		{ "one.example", "https://s%u.example/a.svg", 100, MARK_PER_ORG },
		{ "ONE.example", "https://s%u.example/a.svg", 100, MARK_PER_ORG },
		{ "o%u.example", "https://one.example/%u.svg", 300, MARK_PER_SERVER },
		{ "o%u.example", "https://One.example:443?%u", 60, 60 },
	};
	struct mark_rate *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned n;

		*r = (struct mark_rate){ .all = { .from = 0 } };
		n = n_taken(r, rows[i].org, rows[i].server, rows[i].n, NOW);
		/* Two names may share a place, and count as one. */
		assert_true(n <= rows[i].taken && n + 20 >= rows[i].taken);
	}
	*r = (struct mark_rate){ .all = { .from = 0 } };
	assert_int_equal(n_taken(r, "one.example", "https://one.example/", 100, NOW), MARK_PER_ORG);
	assert_int_equal(n_taken(r, "one.example", "https://one.example/", 100, NOW + HOUR - 1), 0);
	assert_int_equal(n_taken(r, "one.example", "https://one.example/", 100, NOW + HOUR), MARK_PER_ORG);
	assert_int_equal(n_taken(r, "one.example", "https://one.example/", 1, NOW - 9), 1);	/* the clock was set */
	*r = (struct mark_rate){ .all = { .from = 0 } };
	assert_int_equal(n_taken(r, "o%u.example", "https://s%u.example/", 4 * MARK_PER_HOUR, NOW), MARK_PER_HOUR);
	free(r);
}

/* --- what is kept --- */

static char	folder[] = "/tmp/test_mark.XXXXXX";

static void
mark_put(struct mark_keep *k, unsigned i, int64_t made, size_t svg)
{
	struct pool *pool = pool_new(1 << 20);
	const struct mail_mark_key key = key_of(pool, "o%u.example", "https://s%u.example/", i);
	char *image = pool_calloc(pool, svg + 1, 1);
	const struct mail_mark m = { .result = BIMI_PASS, .made = made, .until = made + MARK_GOOD_SEC,
		.why = SV(""), .svg = { image, svg } };
	struct buf id = BUF_INIT, b = BUF_INIT;

	assert_int_equal(mail_mark_key_write(&id, &key), 0);
	assert_int_equal(mail_mark_write(&b, &key, &m), 0);
	assert_int_equal(mark_keep_put(k, buf_get(&id), buf_get(&b), made), 0);
	buf_done(&id);
	buf_done(&b);
	(void)pool_free(pool);
}

static bool
is_kept(struct mark_keep *k, unsigned i)
{
	struct pool *pool = pool_new(1 << 20);
	const struct mail_mark_key key = key_of(pool, "o%u.example", "https://s%u.example/", i);
	struct mail_mark_key key2;
	struct mail_mark mark;
	struct buf id = BUF_INIT;
	struct sv octets;
	bool is_there;

	assert_int_equal(mail_mark_key_write(&id, &key), 0);
	is_there = mark_keep_read(k, buf_get(&id), pool, &octets) == 0;
	assert_true(!is_there || mail_mark_read(octets, &key2, &mark) == 0);
	buf_done(&id);
	(void)pool_free(pool);
	return is_there;
}

static size_t
n_files(void)
{
	struct pool *pool = pool_new(8 << 20);
	struct sv *names;
	size_t n;

	assert_int_equal(dir_list(pool, folder, LIST_MAX, &names, &n), 0);
	(void)pool_free(pool);
	return n;
}

/* The places are filled as if by a former life: of files, there are only those that matter. */
static void
test_keep_number(void **state UNUSED)
{
	struct mark_keep k = { .folder = NULL };

	assert_int_equal(mark_keep_open(&k, sv_str(folder), NOW), 0);
	mark_put(&k, 1, NOW, 100);
	mark_put(&k, 2, NOW + 1, 100);
	mark_put(&k, 1, NOW + 2, 200);		/* again: it is the younger one now */
	assert_int_equal(k.n, 2);
	while (k.n < MARK_KEPT_MAX) {
		k.list[k.n] = (struct mark_kept){ .made = NOW + 10, .n = 10, .id = { (uint8_t)k.n, (uint8_t)(k.n >> 8), 7 } };
		k.bytes += k.list[k.n++].n;
	}
	mark_put(&k, 3, NOW + 3, 100);
	assert_int_equal(k.n, MARK_KEPT_MAX);
	assert_true(is_kept(&k, 1) && !is_kept(&k, 2) && is_kept(&k, 3));
	assert_int_equal(n_files(), 2);
	mark_keep_sweep(&k, NOW + MARK_GOOD_SEC + 2);
	assert_false(is_kept(&k, 1));
	assert_true(is_kept(&k, 3));
	mark_keep_sweep(&k, NOW + MARK_GOOD_SEC + 10);
	assert_int_equal(k.n, 0);
	assert_int_equal(k.bytes, 0);
	assert_int_equal(n_files(), 0);
	mark_keep_done(&k);
}

static void
test_keep_bytes(void **state UNUSED)
{
	struct mark_keep k = { .folder = NULL };

	assert_int_equal(mark_keep_open(&k, sv_str(folder), NOW), 0);
	mark_put(&k, 1, NOW, 100);
	mark_put(&k, 2, NOW + 1, 100);
	k.list[1].n += (uint32_t)(MARK_KEPT_BYTES_MAX - k.bytes);
	k.bytes = MARK_KEPT_BYTES_MAX;
	mark_put(&k, 3, NOW + 2, 1000);		/* the room of the first is not enough */
	assert_true(k.bytes <= MARK_KEPT_BYTES_MAX);
	assert_true(!is_kept(&k, 1) && !is_kept(&k, 2) && is_kept(&k, 3));
	mark_keep_done(&k);
}

/* A new life: what has ended, is damaged, or would live for ever, goes. */
static void
test_keep_again(void **state UNUSED)
{
	struct mark_keep k = { .folder = NULL };
	char path[200];

	assert_int_equal(tree_remove(folder), 0);
	assert_int_equal(mark_keep_open(&k, sv_str(folder), NOW), 0);
	mark_put(&k, 1, NOW, 100);
	mark_put(&k, 2, NOW - MARK_GOOD_SEC, 100);
	mark_put(&k, 3, NOW + 10 * MARK_GOOD_SEC, 100);
	mark_keep_done(&k);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, "a.tmp");
	assert_int_equal(file_write(path, SV("half")), 0);
	assert_int_equal(mark_keep_open(&k, sv_str(folder), NOW), 0);
	assert_int_equal(k.n, 1);
	assert_int_equal(k.n_damaged, 1);
	assert_true(is_kept(&k, 1) && !is_kept(&k, 2) && !is_kept(&k, 3));
	assert_int_equal(n_files(), 1);
	mark_keep_done(&k);
}

static int
setup(void **state UNUSED)
{
	return mkdtemp(folder) == NULL;
}

static int
teardown(void **state UNUSED)
{
	return tree_remove(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_rate), T(test_keep_number), T(test_keep_bytes), T(test_keep_again),
	};

	return cmocka_run_group_tests_name("mark", tests, setup, teardown);
}
