/*
 * kill -9 of the object store's writer, a hundred and more times, at random,
 * while it commits, collects, deletes sources and takes facts; and again while
 * it does little but put small packs together. After each: it
 * opens, and nothing is set aside; each name's object is there and has its
 * hash, references and lists agree (objects_check); a state says what its
 * names say; nothing that was acknowledged is lost, and nothing that was not
 * asked for is there.
 *
 * SEKISHO_KILLS sets the number, SEKISHO_SEED repeats a run.
 */
#include "../unit/tap.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit/store/objects_kit.h"

#define SOURCES		3
#define N_NAMES		120
#define SMALL		24	/* sources of three objects */

/* What the writer says to have done, in memory that survives it. */
struct said {
	volatile uint32_t	opened;
	volatile uint32_t	asked[SOURCES], done[SOURCES];	/* generations */
	volatile uint32_t	points_asked, points_done;
	volatile uint32_t	slices, moved, deleted;
	volatile uint32_t	small_asked[SMALL], small_done[SMALL];
};

static struct said *said;

static void
key_of(unsigned s, char key[static 40])
{
	(void)snprintf(key, 40, "https://s%u.example/n.xml", s);
}

static void
generation_put(struct objects *o, unsigned s, uint32_t g)
{
	struct buf b = BUF_INIT;
	char key[40], uri[64], bytes[4200], state[16];

	key_of(s, key);
	for (unsigned i = 0; i < N_NAMES; i++) {
		/* Some change each time, some now and then, some never; a few share. */
		unsigned v = i % 3 == 0 ? g : i % 3 == 1 ? g / 8 : 0;

		(void)snprintf(uri, sizeof(uri), RSYNC "%05u", i * (1 + g % 2));
		memset(bytes, (int)('a' + v % 26), sizeof(bytes));
		(void)snprintf(bytes, sizeof(bytes), "%u %u", i % 100, v);
		kit_record(&b, OBJECTS_PUBLISH, NULL, sv_str(uri),
		    (struct sv){ bytes, i % 11 == 0 ? sizeof(bytes) : 300 + i });
	}
	(void)snprintf(state, sizeof(state), "%u", g);
	kit_add(&b, 'p', NULL, "generation", state);
	said->asked[s] = g;
	if (kit_stage(o, kit_source(o, key), true, &b, state, NOW + g, NULL) == 0)
		said->done[s] = g;
}

static void
points_put(struct objects *o, uint32_t g)
{
	uint8_t pairs[20 * 2 * OBJECTS_HASH_LEN];
	struct buf b = BUF_INIT;
	char kept[9000];

	for (size_t i = 0; i < 20; i++) {
		memset(pairs + i * 64, (int)i, 64);
		memcpy(pairs + i * 64 + 32, &g, sizeof(g));
		pairs[i * 64 + 63] = 1;
	}
	/* What is kept says in each of its bytes which generation it is of. */
	memset(kept, (int)(g % 251), sizeof(kept));
	for (size_t i = 0; i < 20; i++)
		kit_point(&b, pairs + i * 64, pairs + i * 64 + 32,
		    (struct sv){ kept, i * g % 13 == 0 ? sizeof(kept) : i * 40 });
	said->points_asked = g;
	if (objects_points_put(o, buf_get(&b), NOW + g) == 0 && objects_facts_put(o, (struct sv){ (const char *)pairs, sizeof(pairs) }, NOW + g) == 0)
		said->points_done = g;
	buf_done(&b);
}

static void
slices_do(struct objects *o, int64_t now, int most, unsigned n)
{
	bool more = true;

	for (int i = 0; i < most && more; i++, said->slices++) {
		struct objects_stat a = kit_stat(o), b;

		(void)!objects_gc(o, now, n, &more);
		b = kit_stat(o);
		said->moved += a.n_objects == b.n_objects && a.n_fresh == b.n_fresh &&
		    a.n_packs > b.n_packs;
	}
}

/* Until it is killed. */
static void
writer(void)
{
	struct objects *o = kit_open();
	uint32_t g = said->asked[0] + 1, pin = 0;

	said->opened++;
	(void)!objects_hold(o, (struct sv){ NULL, 0 });
	for (;; g++) {
		for (unsigned s = 0; s < 2; s++)
			generation_put(o, s, g);
		points_put(o, g);
		/* The third comes and goes. */
		generation_put(o, 2, g);
		if (g % 5 == 0) {
			objects_unpin(o, pin);
			(void)!objects_pin(o, &pin);
		}
		if (g % 2 == 0) {
			said->asked[2] = 0;
			(void)!objects_source_del(o, kit_source(o, "https://s2.example/n.xml"));
			said->deleted++;
		}
		slices_do(o, NOW + g + GRACE - 2, 20, 40);
	}
}

/* Three objects, a pack each time. */
static void
small_put(struct objects *o, unsigned s, uint32_t g)
{
	struct buf b = BUF_INIT;
	char key[40], uri[64], bytes[1500], state[16];

	(void)snprintf(key, sizeof(key), "https://small%u/n.xml", s);
	(void)snprintf(state, sizeof(state), "%u", g);
	for (unsigned i = 0; i < 3; i++) {
		memset(bytes, (int)('a' + s), sizeof(bytes));
		(void)snprintf(bytes, sizeof(bytes), "%u %u %u", s, i, g);
		(void)snprintf(uri, sizeof(uri), RSYNC "%u", i);
		kit_record(&b, OBJECTS_PUBLISH, NULL, sv_str(uri),
		    (struct sv){ bytes, sizeof(bytes) });
	}
	said->small_asked[s] = g;
	if (kit_stage(o, kit_source(o, key), true, &b, state, NOW + g, NULL) == 0)
		said->small_done[s] = g;
}

static void
writer_of_small(void)
{
	struct objects *o = kit_open();
	uint32_t g = said->small_asked[0] + 1;

	said->opened++;
	(void)!objects_hold(o, (struct sv){ NULL, 0 });
	for (;; g++) {
		for (unsigned s = 0; s < SMALL; s++)
			small_put(o, s, g);
		/* Two packs a slice, so that nearly all that is done is this. */
		slices_do(o, NOW + g + GRACE - 1, 1000, 2);
	}
}

static uint32_t
number_of(struct sv text)
{
	uint32_t v = 0;

	assert_int_equal(num_u32(text, 0, UINT32_MAX, &v), 0);
	return v;
}

static void
source_look(struct objects_view *v, unsigned s)
{
	struct objects_source src;
	struct sv text;
	char key[40];
	uint32_t g;

	key_of(s, key);
	if (objects_view_source(v, sv_str(key), &src) == -ENOENT) {
		assert_true(said->done[s] == 0 || s == 2);
		return;
	}
	if (src.state.n == 0)		/* made, and killed before its first commit */
		return;
	g = number_of(src.state);
	assert_int_equal(src.n_names, N_NAMES + 1);
	assert_int_equal(kit_look(v, src.id, "generation", &text), 0);
	assert_int_equal(number_of(text), g);
	if (s == 2)
		return;
	assert_true(g == said->done[s] || g == said->asked[s]);
	said->done[s] = g;
}

static void
kept_look(const struct objects_point *p, uint32_t g)
{
	assert_true(p->kept.n == 0 || p->since == NOW + g);
	for (size_t i = 0; i < p->kept.n; i++)
		assert_int_equal((uint8_t)p->kept.p[i], g % 251);
}

static void
points_look(struct objects_view *v)
{
	struct objects_point p;
	uint8_t key[OBJECTS_HASH_LEN], hash[OBJECTS_HASH_LEN];
	uint32_t g, first = 0;

	for (int i = 0; i < 20; i++) {
		memset(key, i, sizeof(key));
		if (objects_view_point(v, key, hash) < 0) {
			assert_int_equal(said->points_done, 0);
			return;
		}
		memcpy(&g, hash, sizeof(g));
		assert_true(g >= said->points_done && g <= said->points_asked);
		if (i == 0)
			first = g;
		assert_int_equal(g, first);
		assert_int_equal(objects_view_kept(v, key, &p), 0);
		kept_look(&p, g);
	}
}

static void
small_look(struct objects_view *v, unsigned s)
{
	struct objects_source src;
	char key[40], uri[64], want[32];
	struct sv got;
	uint32_t g;

	(void)snprintf(key, sizeof(key), "https://small%u/n.xml", s);
	if (objects_view_source(v, sv_str(key), &src) == -ENOENT || src.state.n == 0) {
		assert_int_equal(said->small_done[s], 0);
		return;
	}
	g = number_of(src.state);
	assert_true(g == said->small_done[s] || g == said->small_asked[s]);
	said->small_done[s] = g;
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(uri, sizeof(uri), RSYNC "%u", i);
		(void)snprintf(want, sizeof(want), "%u %u %u", s, i, g);
		assert_int_equal(kit_look(v, src.id, uri, &got), 0);
		assert_int_equal(got.n, 1500);
		assert_string_equal(got.p, want);
	}
}

static void
aftermath(void)
{
	struct objects_found found;
	struct objects *o = kit_open_max(256 * MIB, &found);
	struct objects_reader *r;
	struct objects_view *v;

	assert_false(found.set_aside);
	assert_int_equal(found.crashes, 0);
	kit_sound(o);
	r = kit_reader();
	v = kit_view(r);
	for (unsigned s = 0; s < SOURCES; s++)
		source_look(v, s);
	points_look(v);
	for (unsigned s = 0; s < SMALL; s++)
		small_look(v, s);
	objects_view_free(v);
	objects_reader_free(r);
	objects_free(o);
}

static uint64_t
env_number(const char *name, uint64_t otherwise)
{
	uint64_t v = otherwise;

	if (getenv(name) != NULL)
		assert_int_equal(num_u64(sv_str(getenv(name)), 0, UINT64_MAX, &v), 0);
	return v;
}

/*
 * At least n, and until enough was at work to be hit: how much that is in a
 * given time is the machine's affair.
 */
static void
kills_of(void (*fn)(void), uint64_t n, bool (*enough)(uint64_t n))
{
	uint64_t x = env_number("SEKISHO_SEED", (uint64_t)time(NULL)) * 2 + 1, early = 0, n_kills = 0;

	print_message("# SEKISHO_SEED=%llu\n", (unsigned long long)(x - 1) / 2);
	for (uint64_t i = 0; i < n || (!enough(n) && i < 20 * n); i++) {
		struct timespec wait = { 0 };
		uint32_t opened = said->opened;
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			fn();
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		/* Mostly at work, now and then while it opens. */
		for (int t = 0; i % 8 != 0 && said->opened == opened && t < 200000; t++)
			(void)usleep(200);
		wait.tv_nsec = (long)(x % (i % 8 == 0 ? 4000000 : 60000000));
		(void)nanosleep(&wait, NULL);
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		early += said->opened == opened;
		aftermath();
		n_kills++;
	}
	print_message("# %llu kills (%llu while it opened), %u generations, %u slices, %u that moved "
	    "objects, %u sources deleted\n", (unsigned long long)n_kills, (unsigned long long)early,
	    said->done[0] + said->small_done[0], said->slices, said->moved, said->deleted);
}

static bool
enough_written(uint64_t n)
{
	return said->done[0] > n / 2 && said->deleted > n / 8;
}

static bool
enough_moved(uint64_t n)
{
	return said->small_done[0] > n / 2 && said->moved > 4 * n;
}

static void
kills(void **state UNUSED)
{
	uint64_t n = env_number("SEKISHO_KILLS", 120);

	kills_of(writer, n, enough_written);
	assert_true(enough_written(n));
}

static void
kills_while_it_moves(void **state UNUSED)
{
	uint64_t n = env_number("SEKISHO_KILLS", 120) / 2;

	kills_of(writer_of_small, n, enough_moved);
	assert_true(enough_moved(n));
}

static int
setup(void **state)
{
	said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return said == MAP_FAILED ? -1 : kit_setup(state);
}

TESTS_MAIN("kill-objects", cmocka_unit_test_setup_teardown(kills, setup, kit_teardown),
    cmocka_unit_test_setup_teardown(kills_while_it_moves, setup, kit_teardown))
