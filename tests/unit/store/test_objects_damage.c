/*
 * Damaged files: cut off anywhere, with pages of zeros, of rubbish, of other
 * pages. Each is used by a child as the store role would, which is started
 * again when it ends badly (or hangs, and somebody ends it): by its third
 * start, at the latest, it has a sound store. What is not damaged is not set
 * aside.
 */
#include "../tap.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "objects_kit.h"
#include "sys/crash.h"

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

#define PAGE		4096
#define STARTS_MAX	3
#define KEY		"https://a.example/n.xml"

static char data[128], good[128];

/* A small world with every table, several levels, and free pages. */
static void
world_make(void)
{
	struct objects *o = kit_open_max(16 * MIB, NULL);
	uint32_t id = kit_source(o, KEY);
	uint8_t pairs[2 * 32 * 50];
	struct buf records = BUF_INIT;
	char kept[6000];

	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	for (unsigned g = 0; g < 4; g++) {
		struct buf b = BUF_INIT;
		char uri[600], bytes[6000];

		for (unsigned i = 0; i < 250; i++) {
			int n = snprintf(uri, sizeof(uri), "rsync://a.example/repo/%04u", i);

			if (i % 50 == 0) {
				memset(uri + n, 'x', 480);
				uri[n + 480] = '\0';
			}
			memset(bytes, (int)('a' + g), sizeof(bytes));
			(void)snprintf(bytes, sizeof(bytes), "%u of %u", i, i % 3 == 0 ? g : 0);
			kit_record(&b, OBJECTS_PUBLISH, NULL, sv_str(uri),
			    (struct sv){ bytes, i % 7 == 0 ? 5000 : 100 + i });
		}
		assert_int_equal(kit_stage(o, id, true, &b, "state", NOW + g, NULL), 0);
		(void)kit_gc(o, NOW + g + GRACE, 100);
	}
	for (size_t i = 0; i < sizeof(pairs); i++)
		pairs[i] = (uint8_t)(i * i / 32 + i);
	memset(kept, 'k', sizeof(kept));
	/* Some keep nothing, some a page, one many. */
	for (size_t i = 0; i + 64 <= sizeof(pairs); i += 64)
		kit_point(&records, pairs + i, pairs + i + 32, (struct sv){ kept,
		    i % 192 == 0 ? 0 : i % 320 == 0 ? sizeof(kept) : 20 * (i / 64) });
	assert_int_equal(objects_points_put(o, buf_get(&records), NOW), 0);
	buf_done(&records);
	assert_int_equal(objects_facts_put(o, (struct sv){ (char *)pairs, sizeof(pairs) }, NOW), 0);
	kit_sound(o);
	objects_free(o);
}

static int
world_setup(void **state)
{
	char cmd[300];

	if (kit_setup(state) != 0)
		return -1;
	world_make();
	(void)snprintf(data, sizeof(data), "%s/data.mdb", kit_dir);
	(void)snprintf(good, sizeof(good), "%s/good", kit_dir);
	(void)snprintf(cmd, sizeof(cmd), "cp %s %s", data, good);
	return system(cmd);
}

static off_t
good_size(void)
{
	struct stat st;

	assert_int_equal(stat(good, &st), 0);
	return st.st_size;
}

/* The good file again, and no memory of what happened. */
static int
fresh(void)
{
	char cmd[600];
	int fd;

	(void)snprintf(cmd, sizeof(cmd), "cp %s %s; rm -f %s.damaged %s/crashes %s/in-use", good,
	    data, data, kit_dir, kit_dir);
	assert_int_equal(system(cmd), 0);
	fd = open(data, O_RDWR);
	assert_true(fd >= 0);
	return fd;
}

/* --- a life of the store role --- */

static bool
see_name(void *arg, struct sv uri UNUSED, const uint8_t *hash)
{
	struct objects_view *v = arg;
	volatile uint8_t sum = 0;
	struct sv got;

	if (objects_view_get(v, hash, &got) == 0)
		for (size_t i = 0; i < got.n; i++)
			sum = (uint8_t)(sum + (uint8_t)got.p[i]);
	return true;
}

/* cmocka's own handlers would bring a child that crashed back to life. */
static void
signals_plain(void)
{
	static const int all[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		(void)signal(all[i], SIG_DFL);
}

/*
 * LMDB hangs by going round: seconds of work, not of the clock, so that a busy
 * machine does not look like a hang.
 */
static void
patience(unsigned sec)
{
	const struct rlimit cpu = { sec, sec + 1 };

	(void)setrlimit(RLIMIT_CPU, &cpu);
	(void)alarm(600);
}

/* A reader in a process of its own, as validate is: it may die of what it reads. */
static int
scan(struct objects *o, uint32_t id)
{
	const char *what;
	uint32_t pin;
	int status, rc;
	pid_t pid;

	if ((rc = objects_pin(o, &pin)) < 0)
		return rc;
	if ((pid = fork()) == 0) {
		struct objects_reader *r = NULL;
		struct objects_view *v = NULL;

		/* With its maker: it shares the lock. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		patience(1);
		signals_plain();
		if (objects_reader_open(kit_dir, crypto_sha256, &r) == 0 &&
		    objects_view_new(r, &v) == 0)
			(void)!objects_view_names(v, id, see_name, v);
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	objects_unpin(o, pin);
	/* As role/store_objects.c does when readers die. */
	return WIFSIGNALED(status) || WEXITSTATUS(status) != 0 ? objects_check(o, false, &what) : 0;
}

static int
change(struct objects *o, uint32_t id, unsigned k)
{
	struct objects_change ch;
	struct objects_stage *s;
	struct buf b = BUF_INIT;
	bool more = true;
	char uri[40];
	int rc;

	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(uri, sizeof(uri), "rsync://a.example/repo/%04u", i * 5 + k);
		kit_add(&b, 'p', NULL, uri, uri);
	}
	if ((rc = objects_stage_new(o, id, true, &s)) < 0)
		return rc;
	if ((rc = objects_stage_batch(s, buf_get(&b), NOW + k)) < 0)
		objects_stage_abort(s);
	else
		rc = objects_stage_commit(s, SV("state"), NOW + k, &ch);
	buf_done(&b);
	while (rc == 0 && more)
		rc = objects_gc(o, NOW + k + GRACE, 50, &more);
	return rc;
}

/* How a life ends; a sanitizer has codes of its own. */
enum {
	ENDS_WELL = 40,
	ENDS_WELL_ASIDE,	/* after the file was set aside */
	ENDS_BADLY,
};

static int
life(void)
{
	const struct objects_conf conf = { .folder = kit_dir, .max_bytes = 16 * MIB,
	    .grace_sec = GRACE, .digest = crypto_sha256 };
	struct objects_found found;
	struct objects_source s;
	struct objects *o;
	const char *what;
	int rc;

	if (objects_open(&conf, &o, &found) < 0)
		return ENDS_BADLY;
	rc = objects_source(o, sv_str(KEY), NOW, &s);
	if (rc == 0 && (rc = scan(o, s.id)) == 0)
		rc = objects_hold(o, (struct sv){ NULL, 0 });
	for (unsigned k = 0; k < 3 && rc == 0; k++)
		rc = change(o, s.id, k);
	if (rc == 0)
		rc = objects_check(o, true, &what);
	/* Also a clean end: what was seen is not forgotten with it. */
	objects_free(o);
	return rc < 0 ? ENDS_BADLY : found.set_aside ? ENDS_WELL_ASIDE : ENDS_WELL;
}

struct lives {
	unsigned	n, signals, hung, set_aside, sound, started[STARTS_MAX + 1];
};

/* Start it until it lives well. */
static void
live(struct lives *l, const char *how, long at)
{
	bool crashed = false;

	for (int start = 1; start <= STARTS_MAX; start++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			patience(3);		/* of a person, in the machine's own time */
			(void)close(2);		/* LMDB's assertions */
			signals_plain();
			_exit(life());
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		crashed = crashed || WIFSIGNALED(status);
		l->hung += WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU ||
		    WTERMSIG(status) == SIGALRM);
		if (WIFSIGNALED(status) || WEXITSTATUS(status) < ENDS_WELL ||
		    WEXITSTATUS(status) == ENDS_BADLY)
			continue;
		l->n++;
		l->signals += crashed;
		l->set_aside += WEXITSTATUS(status) == ENDS_WELL_ASIDE;
		l->sound += WEXITSTATUS(status) == ENDS_WELL;
		l->started[start]++;
		return;
	}
	fail_msg("%s at %ld: no good store after %d starts", how, at, STARTS_MAX);
}

static void
lives_tell(const struct lives *l, const char *how)
{
	print_message("# %s: %u files, %u set aside, %u usable; starts 1: %u, 2: %u, 3: %u; "
	    "LMDB crashed on %u, hung %u times\n", how, l->n, l->set_aside, l->sound,
	    l->started[1], l->started[2], l->started[3], l->signals, l->hung);
}

static void
cut_off(void **state UNUSED)
{
	const off_t size = good_size();
	struct lives l = { 0 };
	unsigned k = 0;

	for (off_t at = 0; at < size; at += 2 * PAGE + 13 * (off_t)(k++ % 900)) {
		int fd = fresh();

		assert_int_equal(ftruncate(fd, at), 0);
		(void)close(fd);
		live(&l, "cut", (long)at);
	}
	lives_tell(&l, "cut off");
	assert_true(l.set_aside > l.n / 2);
}

static void
page_of_zeros(void **state UNUSED)
{
	static const uint8_t zeros[PAGE];
	const off_t size = good_size();
	struct lives l = { 0 };

	for (off_t at = 0; at < size; at += at < 16 * PAGE ? PAGE : 3 * PAGE) {
		int fd = fresh();

		assert_int_equal(pwrite(fd, zeros, PAGE, at), PAGE);
		(void)close(fd);
		live(&l, "zeros", (long)at);
	}
	lives_tell(&l, "pages of zeros");
	assert_true(l.set_aside > 0 && l.sound > 0);
}

/* Deterministic, so that a failure comes again. */
static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

static void
page_of_rubbish(void **state UNUSED)
{
	const off_t n = good_size() / PAGE;
	struct lives l = { 0 };
	uint64_t x = 88172645463325252ULL;

	for (unsigned i = 0; i < 90; i++) {
		off_t at = (off_t)(next(&x) % (uint64_t)n) * PAGE;
		uint8_t page[PAGE];
		int fd = fresh();

		assert_int_equal(pread(fd, page, PAGE, at), PAGE);
		for (unsigned j = 0; j < PAGE; j++)
			/* The whole of it; its head; or a byte here and there. */
			if (i % 3 == 0 || (i % 3 == 1 && j < 64) || (i % 3 == 2 && next(&x) % 400 == 0))
				page[j] = (uint8_t)next(&x);
		assert_int_equal(pwrite(fd, page, PAGE, at), PAGE);
		(void)close(fd);
		live(&l, "rubbish", (long)at);
	}
	lives_tell(&l, "pages of rubbish");
	assert_true(l.set_aside > 0);
}

static void
page_of_another(void **state UNUSED)
{
	const off_t n = good_size() / PAGE;
	struct lives l = { 0 };
	uint64_t x = 2463534242ULL;

	for (unsigned i = 0; i < 60; i++) {
		off_t from = (off_t)(next(&x) % (uint64_t)n) * PAGE;
		off_t to = (off_t)(next(&x) % (uint64_t)n) * PAGE;
		uint8_t page[PAGE];
		int fd = fresh();

		assert_int_equal(pread(fd, page, PAGE, from), PAGE);
		assert_int_equal(pwrite(fd, page, PAGE, to), PAGE);
		(void)close(fd);
		live(&l, "another", (long)to);
	}
	lives_tell(&l, "pages of other places");
	assert_true(l.set_aside > 0);
}

/* --- what is remembered --- */

static struct objects *
open_found(struct objects_found *found)
{
	return kit_open_max(16 * MIB, found);
}

static void
die(int signo, bool armed)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct objects_found found;
		struct objects *o = open_found(&found);
		struct objects_stage *s;

		(void)close(2);
		assert_int_equal(objects_stage_new(o, 1, true, &s), 0);
		if (armed)
			crash_mark_arm(true);
		(void)kill(getpid(), signo);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signo);
}

UNUSED static void
crashes_are_told_from_kills(void **state UNUSED)
{
	struct objects_found f;

	/* kill -9, or a crash elsewhere: nothing is said. */
	for (int i = 0; i < 5; i++) {
		die(SIGKILL, true);
		die(SIGTERM, true);
		die(SIGSEGV, false);
	}
	objects_free(open_found(&f));
	assert_int_equal(f.crashes, 0);
	assert_int_equal(f.unclean, 15);
	assert_true(f.checked);
	assert_false(f.set_aside);
	objects_free(open_found(&f));
	assert_false(f.unclean > 0 || f.checked);
	/* One in LMDB: everything is read, is good, and stays. */
	die(SIGBUS, true);
	objects_free(open_found(&f));
	assert_int_equal(f.crashes, 1);
	assert_true(f.checked);
	assert_false(f.set_aside);
	/* That was a clean end. */
	die(SIGABRT, true);
	objects_free(open_found(&f));
	assert_int_equal(f.crashes, 1);
	/* Two without one between: aside, unread. */
	die(SIGSEGV, true);
	die(SIGSEGV, true);
	objects_free(open_found(&f));
	assert_int_equal(f.crashes, 2);
	assert_true(f.set_aside);
	assert_false(f.checked);
	assert_int_equal(access(data, F_OK), 0);
	{
		char aside[200];

		(void)snprintf(aside, sizeof(aside), "%s.damaged", data);
		assert_int_equal(access(aside, F_OK), 0);
	}
	objects_free(open_found(&f));
	assert_false(f.set_aside);
	assert_int_equal(f.crashes, 0);
}

/* The format's number, in all places where the file has it. */
static void
version_write(char digit)
{
	static const char head[] = "sekisho-objects ";
	struct stat st;
	int fd = fresh();
	char *file;

	assert_int_equal(fstat(fd, &st), 0);
	file = malloc((size_t)st.st_size);
	assert_int_equal(pread(fd, file, (size_t)st.st_size, 0), st.st_size);
	for (char *p = file; (p = memmem(p, (size_t)(file + st.st_size - p), head,
	    sizeof(head) - 1)) != NULL; )
		*(p += sizeof(head) - 1) = digit;
	assert_int_equal(pwrite(fd, file, (size_t)st.st_size, 0), st.st_size);
	(void)close(fd);
	free(file);
}

static void
another_version(void **state UNUSED)
{
	static const char newer[] = "49x ";
	const struct objects_conf conf = { .folder = kit_dir, .max_bytes = 16 * MIB,
	    .digest = crypto_sha256 };
	struct objects_found f;
	struct objects *o = NULL;
	struct objects_reader *r = NULL;

	/* A newer one's file is refused, not thrown away; again and again. */
	for (size_t i = 0; i < sizeof(newer) - 1; i++) {
		version_write(newer[i]);
		for (int k = 0; k < 3; k++)
			assert_int_equal(objects_open(&conf, &o, &f), SE_FORMAT);
		assert_false(f.older);
		assert_int_equal(objects_reader_open(kit_dir, crypto_sha256, &r), SE_FORMAT);
		assert_int_equal(access(data, F_OK), 0);
	}
}

/* The tables that version 1 had, as far as it matters: it knew no packs. */
static void
version_1_make(void)
{
	static const char *const names[] = { "meta", "obj", "ref", "dead", "key", "source", "gone",
	    "name", "point", "fact0", "fact1" };
	MDB_val k = { 6, (void *)(uintptr_t)"format" };
	MDB_val v = { 17, (void *)(uintptr_t)"sekisho-objects 1" };
	static uint8_t row[32] = { 1, 2, 3 };
	MDB_val rk = { 32, row }, rv = { 16, row };
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi t;

	assert_int_equal(unlink(data), 0);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, ARRAY_LEN(names)), 0);
	assert_int_equal(mdb_env_open(env, kit_dir, 0, 0640), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(mdb_dbi_open(txn, names[i], MDB_CREATE, &t), 0);
		assert_int_equal(mdb_put(txn, t, i == 0 ? &k : &rk, i == 0 ? &v : &rv, 0), 0);
	}
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

/* What an older version made is begun anew: once, without a crash or a doubt. */
static void
older_version(void **state UNUSED)
{
	struct objects_found f;
	struct objects_reader *r = NULL;
	struct objects *o;
	char aside[200];

	for (int i = 0; i < 2; i++) {
		if (i == 0)
			version_write('1');
		else
			version_1_make();
		assert_true(objects_reader_open(kit_dir, crypto_sha256, &r) < 0);
		o = kit_open_max(16 * MIB, &f);
		assert_true(f.older);
		assert_false(f.set_aside);
		assert_int_equal(f.crashes, 0);
		assert_int_equal(kit_stat(o).n_names, 0);
		assert_int_equal(change(o, kit_source(o, KEY), 1), 0);
		kit_sound(o);
		objects_free(o);
		o = kit_open_max(16 * MIB, &f);
		assert_false(f.older || f.set_aside || f.unclean > 0);
		assert_int_equal(kit_stat(o).n_names, 40);
		objects_free(o);
		(void)snprintf(aside, sizeof(aside), "%s.damaged", data);
		assert_int_not_equal(access(aside, F_OK), 0);
	}
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, world_setup, kit_teardown)

/* A sanitizer has the signals for itself (see sys/crash.c): not a case there. */
#if SANITIZED
#define CRASHES
#else
#define CRASHES	S(crashes_are_told_from_kills),
#endif

TESTS_MAIN("objects-damage", S(cut_off), S(page_of_zeros), S(page_of_rubbish),
    S(page_of_another), CRASHES S(another_version), S(older_version))
