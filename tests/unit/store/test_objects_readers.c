/*
 * Readers of the object store: without a lock and without the right to write,
 * beside a writer that never rests; and the two of them in their sandboxes.
 */
#include "../tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "objects_kit.h"
#include "sys/sandbox.h"

#define N_OBJECTS	300
#define OBJECT_LEN	3000	/* a page of its own for each */

/* Object i of generation g: recognised by its first bytes, different throughout. */
static void
object_fill(uint8_t *p, unsigned g, unsigned i)
{
	memset(p, (int)(g * 7 + i), OBJECT_LEN);
	memcpy(p, &g, sizeof(g));
	memcpy(p + sizeof(g), &i, sizeof(i));
}

/* All names to objects of generation g, which is the state, too. */
static void
generation_put(struct objects *o, uint32_t id, unsigned g)
{
	uint8_t bytes[OBJECT_LEN];
	struct buf b = BUF_INIT;
	char uri[32], state[32];

	for (unsigned i = 0; i < N_OBJECTS; i++) {
		object_fill(bytes, g, i);
		(void)snprintf(uri, sizeof(uri), "u%05u", i);
		kit_record(&b, OBJECTS_PUBLISH, NULL, sv_str(uri),
		    (struct sv){ (const char *)bytes, sizeof(bytes) });
	}
	(void)snprintf(state, sizeof(state), "%u", g);
	assert_int_equal(kit_stage(o, id, true, &b, state, NOW + g, NULL), 0);
}

static void
churn(struct objects *o, uint32_t id, unsigned from, unsigned n)
{
	for (unsigned g = from; g < from + n; g++) {
		generation_put(o, id, g);
		/* All that is older goes at once. */
		(void)kit_gc(o, NOW + g + GRACE, 1000);
	}
}

struct seen {
	struct sv	slices[N_OBJECTS];
	uint8_t		h[N_OBJECTS][OBJECTS_HASH_LEN];
};

static void
see_all(struct objects_view *v, uint32_t id, unsigned g, struct seen *s)
{
	uint8_t want[OBJECT_LEN];
	char uri[32];

	for (unsigned i = 0; i < N_OBJECTS; i++) {
		(void)snprintf(uri, sizeof(uri), "u%05u", i);
		assert_int_equal(objects_view_name(v, id, sv_str(uri), s->h[i]), 0);
		assert_int_equal(objects_view_get(v, s->h[i], &s->slices[i]), 0);
		object_fill(want, g, i);
		assert_int_equal(s->slices[i].n, OBJECT_LEN);
		assert_memory_equal(s->slices[i].p, want, OBJECT_LEN);
	}
}

/* How many slices have other bytes than they had. Only memory is read, no LMDB. */
static unsigned
changed(const struct seen *s, unsigned g)
{
	uint8_t want[OBJECT_LEN];
	unsigned n = 0;

	for (unsigned i = 0; i < N_OBJECTS; i++) {
		object_fill(want, g, i);
		n += memcmp(s->slices[i].p, want, OBJECT_LEN) != 0;
	}
	return n;
}

/*
 * With a pin nothing that a view sees changes, whatever the writer does; and
 * it is the pin: without it, the same churn writes over what the view sees.
 */
static void
pin_keeps_pages(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://a.example/n.xml"), pin;
	struct objects_reader *r;
	struct objects_view *v;
	static struct seen s, again;
	uint64_t pinned, unpinned;

	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	generation_put(o, id, 1);
	r = kit_reader();
	assert_int_equal(objects_pin(o, &pin), 0);
	/* Commits between the pin and the view: also those pages are kept. */
	churn(o, id, 2, 3);
	v = kit_view(r);
	see_all(v, id, 4, &s);
	churn(o, id, 5, 20);
	assert_int_equal(changed(&s, 4), 0);
	see_all(v, id, 4, &again);
	assert_memory_equal(&s, &again, sizeof(s));
	pinned = kit_stat(o).bytes_file;
	/* The reader may let memory go in between. */
	objects_reader_forget(r);
	see_all(v, id, 4, &again);
	objects_unpin(o, pin);
	churn(o, id, 30, 20);
	unpinned = kit_stat(o).bytes_file;
	assert_true(changed(&s, 4) > N_OBJECTS / 2);
	objects_view_free(v);
	/* Without pins the file does not grow; with one, by all that came. */
	assert_true(pinned > 20 * (uint64_t)N_OBJECTS * OBJECT_LEN);
	assert_int_equal(unpinned, pinned);
	v = kit_view(r);
	see_all(v, id, 49, &s);
	objects_view_free(v);
	objects_reader_free(r);
	kit_sound(o);
	objects_free(o);
}

static void
no_pin_no_growth(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://a.example/n.xml");
	uint64_t early;

	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	churn(o, id, 1, 5);
	early = kit_stat(o).bytes_file;
	churn(o, id, 6, 30);
	assert_true(kit_stat(o).bytes_file < early + early / 4);
	kit_sound(o);
	objects_free(o);
}

/* --- several threads on one view --- */

struct together {
	struct objects_view	*v;
	uint32_t		 id;
	unsigned		 n_bad;
};

static bool
name_count(void *arg, struct sv uri UNUSED, const uint8_t *hash UNUSED)
{
	++*(unsigned *)arg;
	return true;
}

static void *
look_all(void *arg)
{
	struct together *t = arg;
	uint8_t want[OBJECT_LEN], h[OBJECTS_HASH_LEN];
	char uri[32];
	struct sv got;

	for (unsigned round = 0; round < 30; round++) {
		unsigned n = 0;

		for (unsigned i = 0; i < N_OBJECTS; i++) {
			(void)snprintf(uri, sizeof(uri), "u%05u", i);
			object_fill(want, 1, i);
			t->n_bad += objects_view_name(t->v, t->id, sv_str(uri), h) < 0 ||
			    objects_view_get(t->v, h, &got) < 0 || got.n != OBJECT_LEN ||
			    memcmp(got.p, want, OBJECT_LEN) != 0 ||
			    objects_view_fact(t->v, h) != OBJECTS_FACT_NONE;
		}
		t->n_bad += objects_view_names(t->v, t->id, name_count, &n) < 0 || n != N_OBJECTS;
	}
	return NULL;
}

/* Its first look-ups, at once: nothing is left to be prepared by the first of them. */
static void
threads_on_one_view(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://a.example/n.xml");
	struct objects_reader *r;
	struct together t[4];
	pthread_t threads[4];

	generation_put(o, id, 1);
	r = kit_reader();
	for (int view = 0; view < 10; view++) {
		struct objects_view *v = kit_view(r);

		for (int i = 0; i < 4; i++) {
			t[i] = (struct together){ v, id, 0 };
			assert_int_equal(pthread_create(&threads[i], NULL, look_all, &t[i]), 0);
		}
		for (int i = 0; i < 4; i++) {
			assert_int_equal(pthread_join(threads[i], NULL), 0);
			assert_int_equal(t[i].n_bad, 0);
		}
		objects_view_free(v);
	}
	objects_reader_free(r);
	objects_free(o);
}

/* --- a reader in another process, which can do no harm --- */

static bool
child_says(const int *fds, char ask)
{
	char answer;

	return write(fds[1], &ask, 1) == 1 && read(fds[0], &answer, 1) == 1 && answer == ask;
}

/* Every name of one view is of the generation that the source's state says. */
static bool
view_is_whole(struct objects_reader *r, uint32_t id, unsigned *ret_g)
{
	_cleanup_(objects_view_freep) struct objects_view *v = NULL;
	struct objects_source src;
	uint8_t want[OBJECT_LEN], h[OBJECTS_HASH_LEN];
	char uri[32];
	struct sv got;
	uint32_t g;

	if (objects_view_new(r, &v) < 0 ||
	    objects_view_source(v, SV("https://a.example/n.xml"), &src) < 0 ||
	    num_u32(src.state, 0, 1000000, &g) < 0)
		return false;
	for (unsigned i = 0; i < N_OBJECTS; i++) {
		(void)snprintf(uri, sizeof(uri), "u%05u", i);
		object_fill(want, g, i);
		if (objects_view_name(v, id, sv_str(uri), h) < 0 ||
		    objects_view_get(v, h, &got) < 0 || got.n != OBJECT_LEN ||
		    memcmp(got.p, want, OBJECT_LEN) != 0)
			return false;
	}
	*ret_g = g;
	return true;
}

static bool
cannot_write(struct objects_reader *r, uint32_t id)
{
	_cleanup_(objects_view_freep) struct objects_view *v = NULL;
	char path[128];
	uint8_t h[OBJECTS_HASH_LEN];
	struct stat file, st;
	unsigned n_open = 0;
	struct sv got;
	uintptr_t page;

	(void)snprintf(path, sizeof(path), "%s/data.mdb", kit_dir);
	if (open(path, O_RDWR) >= 0 || open(path, O_WRONLY) >= 0 || truncate(path, 0) == 0 ||
	    unlink(path) == 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", kit_dir);
	if (open(path, O_RDWR) >= 0)
		return false;
	/* The map is for reading, and its descriptor too: it cannot be made writable. */
	if (objects_view_new(r, &v) < 0 || objects_view_name(v, id, SV("u00000"), h) < 0 ||
	    objects_view_get(v, h, &got) < 0)
		return false;
	page = (uintptr_t)got.p & ~(uintptr_t)4095;
	if (mprotect((void *)page, 4096, PROT_READ | PROT_WRITE) == 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/data.mdb", kit_dir);
	if (stat(path, &file) < 0)
		return false;
	for (int fd = 0; fd < 64; fd++)
		if (fstat(fd, &st) == 0 && st.st_ino == file.st_ino && n_open++ < 64 &&
		    (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
			return false;
	return n_open > 0;
}

/* The child's exit status; 0: all is as it must be. */
static int
reader_run(const int *fds, uint32_t id)
{
	_cleanup_(objects_reader_freep) struct objects_reader *r = NULL;
	struct sandbox *box = sandbox_new();
	unsigned g, last = 0, moved = 0;
	const char *what;

	if (sandbox_path(box, kit_dir, SANDBOX_READ) < 0 ||
	    sandbox_enter(box, &sandbox_validate, &what) < 0)
		return 2;
	if (objects_reader_open(kit_dir, crypto_sha256, &r) < 0)
		return 3;
	if (!cannot_write(r, id))
		return 4;
	for (int i = 0; i < 60; i++) {
		if (!child_says(fds, 'p'))
			return 5;
		if (!view_is_whole(r, id, &g) || g < last)
			return 6;
		moved += g != last;
		last = g;
		if (!child_says(fds, 'u'))
			return 7;
	}
	return moved > 20 ? 0 : 8;
}

/* Commit and collect all the time; a pin when the child asks. */
static void
writer_run(struct objects *o, uint32_t id, int from, int to)
{
	uint32_t pin = 0;
	char ask;

	for (unsigned g = 2; ; g++) {
		struct pollfd p = { .fd = from, .events = POLLIN };

		churn(o, id, g, 1);
		if (poll(&p, 1, 0) <= 0)
			continue;
		if (read(from, &ask, 1) != 1)
			break;
		if (ask == 'p')
			assert_int_equal(objects_pin(o, &pin), 0);
		else
			objects_unpin(o, pin);
		assert_int_equal(write(to, &ask, 1), 1);
	}
}

static void
reader_in_its_sandbox(void **state UNUSED)
{
	struct objects *o;
	int ask[2], answer[2], status;
	uint32_t id;
	pid_t pid;

	assert_int_equal(pipe2(ask, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	o = kit_open_max(1024 * MIB, NULL);
	id = kit_source(o, "https://a.example/n.xml");
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	generation_put(o, id, 1);
	objects_free(o);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		(void)close(ask[0]);
		(void)close(answer[1]);
		_exit(reader_run((const int[]){ answer[0], ask[1] }, id));
	}
	(void)close(ask[1]);
	(void)close(answer[0]);
	o = kit_open_max(1024 * MIB, NULL);
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	writer_run(o, id, ask[0], answer[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	kit_sound(o);
	objects_free(o);
	(void)close(ask[0]);
	(void)close(answer[1]);
}

/* All that the writer does, inside the store's sandbox, at the largest size. */
static int
writer_boxed(void)
{
	const struct objects_conf conf = { .folder = kit_dir, .max_bytes = UINT64_MAX,
	    .grace_sec = GRACE, .digest = crypto_sha256 };
	struct sandbox *box = sandbox_new();
	struct objects_found found;
	struct objects *o;
	uint8_t pair[2 * OBJECTS_HASH_LEN + 4] = { 1, 2, 3 };
	const char *what;
	uint32_t id, pin;

	pair[OBJECTS_HASH_LEN] = 1;
	if (sandbox_path(box, kit_dir, SANDBOX_WRITE) < 0 ||
	    sandbox_enter(box, &sandbox_store, &what) < 0)
		return 2;
	for (int i = 0; i < 2; i++) {
		if (objects_open(&conf, &o, &found) < 0)
			return 3;
		id = kit_source(o, "https://a.example/n.xml");
		if (objects_hold(o, (struct sv){ NULL, 0 }) < 0 ||
		    objects_points_put(o, (struct sv){ (const char *)pair, sizeof(pair) }, NOW) < 0 ||
		    objects_facts_put(o, (struct sv){ (const char *)pair, sizeof(pair) - 4 }, NOW) < 0 ||
		    objects_pin(o, &pin) < 0)
			return 4;
		churn(o, id, 1, 5);
		objects_unpin(o, pin);
		if (objects_check(o, true, &what) < 0)
			return 5;
		objects_free(o);
	}
	return 0;
}

static void
writer_in_its_sandbox(void **state UNUSED)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(writer_boxed());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	{
		struct objects *o = kit_open();

		kit_sound(o);
		assert_int_equal(kit_stat(o).n_names, N_OBJECTS);
		objects_free(o);
	}
}

/* The writer set the file aside and made a new one: the reader follows. */
static void
follows_a_new_file(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://a.example/n.xml");
	struct objects_reader *r;
	struct objects_view *v, *w;
	static struct seen s;
	char path[128];

	generation_put(o, id, 1);
	r = kit_reader();
	v = kit_view(r);
	objects_free(o);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", kit_dir);
	assert_int_equal(unlink(path), 0);
	o = kit_open();
	id = kit_source(o, "https://a.example/n.xml");
	generation_put(o, id, 9);
	see_all(v, id, 1, &s);
	assert_int_equal(objects_view_new(r, &w), -EAGAIN);
	objects_view_free(v);
	v = kit_view(r);
	see_all(v, id, 9, &s);
	objects_view_free(v);
	/* A larger one. */
	objects_free(o);
	o = kit_open_max(512 * MIB, NULL);
	for (unsigned g = 10; kit_stat(o).bytes_file <= 256 * MIB && g < 1000; g++)
		generation_put(o, id, g);
	objects_free(o);
	v = kit_view(r);
	objects_view_free(v);
	objects_reader_free(r);
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, kit_setup, kit_teardown)

TESTS_MAIN("objects-readers", S(pin_keeps_pages), S(no_pin_no_growth), S(threads_on_one_view),
    S(reader_in_its_sandbox),
    S(writer_in_its_sandbox), S(follows_a_new_file))
