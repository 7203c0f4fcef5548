#include "../tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "crypto/crypto.h"
#include "store/store.h"

#define NOW	1700000000
#define PADDING	208	/* of the header, up to its end: no byte of it means anything */

static char dir[64];

static int
setup(void **state UNUSED)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/sekisho-store-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
teardown(void **state UNUSED)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct store *
reopen(struct store *s, unsigned keep, struct store_found *found)
{
	const struct store_conf conf = { .folder = dir, .keep = keep, .digest = crypto_sha256 };
	struct store_found ignored;

	(void)store_free(s);
	s = NULL;
	assert_int_equal(store_open(&conf, &s, found != NULL ? found : &ignored), 0);
	return s;
}

/* n VRPs 10.0.i.0/24 of AS i + 1; the i-th expires at NOW + 100 * (i + 1). */
static uint8_t *
snapshot_of(unsigned n, const char *report, size_t *ret_size)
{
	const struct snapshot_stamp none = { 0, { 0, 1, 2 } };
	struct payloads p = { 0 };
	size_t dropped;
	uint8_t *buf;

	p.vrps = calloc(n + 1, sizeof(*p.vrps));
	assert_int_equal(payloads_ta(&p, SV("t")), 0);
	for (unsigned i = 0; i < n; i++)
		p.vrps[p.n_vrps++] = (struct vrp){ .addr = { 10, 0, (uint8_t)i }, .len = 24,
		    .max_len = 24, .af = IP_V4, .asn = i + 1, .expires = NOW + 100 * (i + 1) };
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	assert_int_equal(snapshot_size(&p, strlen(report), ret_size), 0);
	buf = calloc(1, *ret_size);
	assert_int_equal(snapshot_build(&p, NOW, &none, sv_str(report), crypto_sha256, buf,
	    *ret_size), 0);
	payloads_done(&p);
	return buf;
}

static int
put_rc(struct store *s, unsigned n, bool *ret_changed)
{
	size_t size;
	uint8_t *buf = snapshot_of(n, "{}", &size);
	int rc = store_put(s, buf, size, ret_changed);

	free(buf);
	return rc;
}

static bool
put(struct store *s, unsigned n)
{
	bool changed = false;

	assert_int_equal(put_rc(s, n, &changed), 0);
	return changed;
}

/* Files in the folder that end so. */
static unsigned
files(const char *end)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL)
		n += sv_ends(sv_str(e->d_name), sv_str(end));
	(void)closedir(d);
	return n;
}

static void
damage(unsigned generation, long at)
{
	char path[128];
	FILE *f;
	int c;

	(void)snprintf(path, sizeof(path), "%s/%020u.snap", dir, generation);
	assert_non_null(f = fopen(path, "r+"));
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	c = fgetc(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	(void)fputc(c ^ 1, f);
	(void)fclose(f);
}

static void
serials(void **state UNUSED)
{
	struct store *s = reopen(NULL, 4, NULL);
	struct snapshot_stamp first;

	assert_null(store_current(s));
	assert_int_equal(store_count(s), 0);
	assert_true(put(s, 1));
	first = store_current(s)->stamp;
	assert_int_equal(first.serial, 1);
	assert_true(first.session[0] != first.session[1] && first.session[1] != first.session[2]);
	/* The same payloads: the same serial, and one file of it. */
	assert_false(put(s, 1));
	assert_int_equal(store_current(s)->stamp.serial, 1);
	assert_int_equal(files(".snap"), 1);
	assert_true(put(s, 2));
	assert_int_equal(store_current(s)->stamp.serial, 2);
	assert_memory_equal(store_current(s)->stamp.session, first.session, sizeof(first.session));
	/* All of it survives. */
	s = reopen(s, 4, NULL);
	assert_int_equal(store_count(s), 2);
	assert_int_equal(store_serial(s, 0), 1);
	assert_int_equal(store_serial(s, 1), 2);
	assert_int_equal(snapshot_n_vrps(store_current(s)), 2);
	assert_memory_equal(store_current(s)->stamp.session, first.session, sizeof(first.session));
	assert_true(put(s, 3));
	assert_int_equal(store_current(s)->stamp.serial, 3);
	store_free(s);
}

static void
keeps_n(void **state UNUSED)
{
	struct store *s = reopen(NULL, 3, NULL);
	struct store_found found;

	for (unsigned i = 1; i <= 10; i++)
		assert_true(put(s, i));
	assert_int_equal(store_count(s), 3);
	assert_int_equal(store_serial(s, 0), 8);
	assert_int_equal(files(".snap"), 3);
	/* A smaller number in the configuration: the rest goes at start. */
	s = reopen(s, 2, &found);
	assert_int_equal(store_count(s), 2);
	assert_int_equal(found.n_dropped, 1);
	assert_int_equal(files(".snap"), 2);
	store_free(s);
}

/* Not sealed rubbish, not a truncated one, not one with a bit turned. */
static void
refuses(void **state UNUSED)
{
	struct store *s = reopen(NULL, 3, NULL);
	size_t size;
	uint8_t *buf = snapshot_of(5, "{}", &size), was;
	bool changed;

	assert_true(put(s, 1));
	for (size_t i = 0; i < size; i += 7) {
		if (i >= PADDING && i < 256)
			continue;
		was = buf[i];
		buf[i] ^= 0x10;
		if (store_put(s, buf, size, &changed) >= 0)
			fail_msg("byte %zu of %zu", i, size);
		buf[i] = was;
	}
	for (size_t n = 0; n < size; n += 11)
		assert_true(store_put(s, buf, n, &changed) < 0);
	assert_int_equal(store_current(s)->stamp.serial, 1);
	assert_int_equal(files(".snap"), 1);
	assert_int_equal(files(".tmp"), 0);
	free(buf);
	store_free(s);
}

/* A crash in the middle of writing. */
static void
left_over(void **state UNUSED)
{
	struct store *s = reopen(NULL, 3, NULL);
	struct store_found found;
	char path[128];
	FILE *f;

	assert_true(put(s, 1));
	(void)snprintf(path, sizeof(path), "%s/%020u.snap.123.tmp", dir, 2);
	assert_non_null(f = fopen(path, "w"));
	(void)fputs("half", f);
	(void)fclose(f);
	s = reopen(s, 3, &found);
	assert_int_equal(found.n_left_over, 1);
	assert_int_equal(files(".tmp"), 0);
	assert_int_equal(store_current(s)->stamp.serial, 1);
	store_free(s);
}

/* A crash after the renaming of the new one, before the old one went. */
static void
twice_the_serial(void **state UNUSED)
{
	struct store *s = reopen(NULL, 3, NULL);
	char cmd[300];

	assert_true(put(s, 1));
	assert_true(put(s, 2));
	(void)snprintf(cmd, sizeof(cmd), "cp %s/%020u.snap %s/%020u.snap", dir, 2, dir, 3);
	assert_int_equal(system(cmd), 0);
	s = reopen(s, 3, NULL);
	assert_int_equal(store_count(s), 2);
	assert_int_equal(store_serial(s, 0), 1);
	assert_int_equal(files(".snap"), 2);
	store_free(s);
}

/*
 * The newest is damaged: its predecessor is served under other session ids,
 * since the lost serial will be used again for something else.
 */
static void
newest_damaged(void **state UNUSED)
{
	for (long at = 0; at < PADDING; at += 37) {
		struct store *s = reopen(NULL, 3, NULL);
		struct store_found found;
		struct snapshot_stamp before;

		assert_true(put(s, 1));
		assert_true(put(s, 2));
		assert_true(put(s, 3));
		before = store_current(s)->stamp;
		damage(3, at);
		s = reopen(s, 3, &found);
		assert_int_equal(found.n_damaged, 1);
		assert_true(found.new_session);
		assert_int_equal(snapshot_n_vrps(store_current(s)), 2);
		assert_int_not_equal(store_current(s)->stamp.session[0], before.session[0]);
		assert_int_equal(store_count(s), 1);
		assert_int_equal(files(".damaged"), 1);
		/* Nothing of that comes again. */
		s = reopen(s, 3, &found);
		assert_int_equal(found.n_damaged, 0);
		assert_false(found.new_session);
		assert_true(put(s, 4));
		store_free(s);
		teardown(NULL);
		assert_int_equal(setup(NULL), 0);
	}
}

/* One in the middle: what is older is of no use for deltas; sessions stay. */
static void
middle_damaged(void **state UNUSED)
{
	struct store *s = reopen(NULL, 5, NULL);
	struct store_found found;
	uint16_t session;

	for (unsigned i = 1; i <= 4; i++)
		assert_true(put(s, i));
	session = store_current(s)->stamp.session[0];
	damage(2, 300);
	s = reopen(s, 5, &found);
	assert_int_equal(found.n_damaged, 1);
	assert_int_equal(found.n_dropped, 1);
	assert_false(found.new_session);
	assert_int_equal(store_count(s), 2);
	assert_int_equal(store_serial(s, 0), 3);
	assert_int_equal(store_current(s)->stamp.session[0], session);
	store_free(s);
}

static void
all_damaged(void **state UNUSED)
{
	struct store *s = reopen(NULL, 5, NULL);
	struct store_found found;

	assert_true(put(s, 1));
	assert_true(put(s, 2));
	damage(1, 10);
	damage(2, 10);
	s = reopen(s, 5, &found);
	assert_int_equal(found.n_damaged, 2);
	assert_null(store_current(s));
	assert_true(put(s, 3));
	assert_int_equal(store_current(s)->stamp.serial, 1);
	store_free(s);
}

static void
expires(void **state UNUSED)
{
	struct store *s = reopen(NULL, 5, NULL);
	bool changed = true;

	assert_true(put(s, 3));
	assert_int_equal(store_expire(s, NOW + 99, &changed), 0);
	assert_false(changed);
	assert_int_equal(store_expire(s, NOW + 201, &changed), 0);
	assert_true(changed);
	assert_int_equal(store_current(s)->stamp.serial, 2);
	assert_int_equal(snapshot_n_vrps(store_current(s)), 1);
	assert_true(sv_eq(snapshot_report(store_current(s)), SV("{}")));
	assert_int_equal(store_current(s)->built, NOW);	/* as old as its data */
	assert_int_equal(store_expire(s, NOW + 1000, &changed), 0);
	assert_int_equal(snapshot_n_vrps(store_current(s)), 0);
	assert_int_equal(store_current(s)->earliest, TIME_NEVER);
	s = reopen(s, 5, NULL);
	assert_int_equal(store_count(s), 3);
	store_free(s);
}

/* No room: the last good one stays current, and nothing half stays behind. */
static void
disk_full(void **state UNUSED)
{
	struct store *s = reopen(NULL, 5, NULL);
	struct rlimit old, none = { 100, RLIM_INFINITY };
	bool changed;

	assert_true(put(s, 1));
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(put_rc(s, 50, &changed), -EFBIG);
	assert_int_equal(store_expire(s, NOW + 101, &changed), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(store_current(s)->stamp.serial, 1);
	assert_int_equal(snapshot_n_vrps(store_current(s)), 1);
	assert_int_equal(files(".snap"), 1);
	assert_int_equal(files(".tmp"), 0);
	assert_true(put(s, 50));
	assert_int_equal(store_current(s)->stamp.serial, 2);
	store_free(s);
}

static void
one_at_a_time(void **state UNUSED)
{
	const struct store_conf conf = { .folder = dir, .keep = 3, .digest = crypto_sha256 };
	struct store *s = reopen(NULL, 3, NULL), *t = NULL;
	struct store_found found;

	assert_int_equal(store_open(&conf, &t, &found), SE_LOCKED);
	assert_null(t);
	store_free(s);
}

/* The descriptor that readers get cannot be written through. */
static void
read_only(void **state UNUSED)
{
	struct store *s = reopen(NULL, 3, NULL);

	assert_true(put(s, 1));
	assert_true(write(store_fd(s, 0), "x", 1) < 0);
	assert_true(ftruncate(store_fd(s, 0), 0) < 0);
	store_free(s);
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

TESTS_MAIN("store", S(serials), S(keeps_n), S(refuses), S(left_over), S(twice_the_serial),
    S(newest_damaged), S(middle_damaged), S(all_damaged), S(expires), S(disk_full),
    S(one_at_a_time), S(read_only))
