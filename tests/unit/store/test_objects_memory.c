/*
 * What of the file is mapped is bounded: whatever walks through many rows lets
 * pages go on its way. And a store that is being filled knows what it has not.
 */
#include "../tap.h"

#include "objects_kit.h"
#include "store/internal.h"

#define KEY		"https://a.example/n.xml"
#define N		1500	/* more than OBJECTS_TOUCHED_MAX */
#define BYTES		4000

/* Bytes of the file that are mapped in this process. */
static size_t
mapped(void)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[4200];
	size_t sum = 0;
	bool ours = false;
	uint32_t kb;

	if (f == NULL)
		skip();
	while (fgets(line, sizeof(line), f) != NULL) {
		struct sv rest = sv_str(line), word = SV("");

		(void)sv_word(&rest, &word);
		if (word.n > 0 && word.p[word.n - 1] != ':')	/* of the next map */
			ours = strstr(line, "/" OBJECTS_FILE) != NULL;
		else if (ours && sv_eq(word, SV("Rss:"))) {
			assert_true(sv_word(&rest, &word));
			assert_int_equal(num_u32(word, 0, UINT32_MAX, &kb), 0);
			sum += (size_t)kb * 1024;
		}
	}
	(void)fclose(f);
	return sum;
}

/* All of it, as it would come to be. */
static size_t
map_all(const struct objects *o)
{
	size_t end = kit_stat((struct objects *)(uintptr_t)o).bytes_file;
	volatile char sum = 0;

	assert_true(o->map.n >= end && end > 4 * MIB);
	for (size_t i = 0; i < end; i += o->page)
		sum = (char)(sum + o->map.p[i]);
	assert_true(mapped() >= end - MIB);
	return end;
}

static void
bytes_of(unsigned i, unsigned generation, char ret[static BYTES])
{
	memset(ret, 'x', BYTES);
	(void)snprintf(ret, BYTES, "%u of %u", i, generation);
}

static void
all_add(struct buf *b, char op, unsigned generation)
{
	uint8_t old[OBJECTS_HASH_LEN];
	char uri[64], bytes[BYTES];

	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(uri, sizeof(uri), RSYNC "%05u", i);
		bytes_of(i, generation - (op == 'w'), bytes);
		crypto_sha256(bytes, sizeof(bytes), old);
		kit_record(b, op == 'w' ? OBJECTS_WITHDRAW : op == 'n' ? OBJECTS_NAME :
		    OBJECTS_PUBLISH, op == 'p' ? NULL : old, sv_str(uri),
		    op == 'p' ? (struct sv){ bytes, sizeof(bytes) } : SV(""));
	}
}

static void
filled(struct objects *o, unsigned generation)
{
	struct buf b = BUF_INIT;

	all_add(&b, 'p', generation);
	assert_int_equal(kit_stage(o, kit_source(o, KEY), true, &b, "s", NOW, NULL), 0);
}

static void
facts_of(uint8_t v[static N * OBJECTS_HASH_LEN])
{
	for (unsigned i = 0; i < N; i++)
		crypto_sha256(&i, sizeof(i), v + i * OBJECTS_HASH_LEN);
}

/* --- whatever walks through many rows --- */

static void
walk_facts(struct objects *o)
{
	uint8_t v[N * OBJECTS_HASH_LEN];

	facts_of(v);
	assert_int_equal(objects_facts_put(o, (struct sv){ (const char *)v, sizeof(v) }, NOW), 0);
}

static void
walk_points(struct objects *o)
{
	uint8_t v[N * OBJECTS_HASH_LEN];
	struct buf b = BUF_INIT;

	facts_of(v);
	for (unsigned i = 0; i < N; i++)
		kit_point(&b, v + i * OBJECTS_HASH_LEN, v + i * OBJECTS_HASH_LEN, SV("kept"));
	assert_int_equal(objects_points_put(o, buf_get(&b), NOW), 0);
	buf_done(&b);
}

static void
walk_snapshot(struct objects *o)
{
	filled(o, 2);
}

static void
walk_withdrawals(struct objects *o)
{
	struct buf b = BUF_INIT;

	all_add(&b, 'w', 2);
	assert_int_equal(kit_stage(o, kit_source(o, KEY), false, &b, "s", NOW, NULL), 0);
}

/* Looked for, and left at that. */
static void
walk_batch(struct objects *o)
{
	struct objects_stage *s;
	struct buf b = BUF_INIT;

	all_add(&b, 'p', 1);
	assert_int_equal(objects_stage_new(o, kit_source(o, KEY), true, &s), 0);
	assert_int_equal(objects_stage_batch(s, buf_get(&b), NOW), 0);
	objects_stage_abort(s);
	buf_done(&b);
}

static void
walk_gc(struct objects *o)
{
	walk_withdrawals(o);
	objects_forget(o);
	(void)map_all(o);
	assert_int_equal(objects_hold(o, SV("")), 0);
	(void)kit_gc(o, NOW + GRACE + 1, 100);
	assert_int_equal(kit_stat(o).n_objects, 0);
}

static void
let_go(void **state UNUSED)
{
	static void (*const walks[])(struct objects *) = {
		walk_facts, walk_points, walk_snapshot, walk_withdrawals, walk_batch, walk_gc,
	};

	for (size_t i = 0; i < ARRAY_LEN(walks); i++) {
		struct objects *o = kit_open();
		struct buf none = BUF_INIT;
		size_t all;

		filled(o, 1);
		objects_forget(o);
		all = map_all(o);
		walks[i](o);
		/* GC maps half of it again after the last time. */
		if (mapped() > all / 4 * 3)
			fail_msg("walk %zu: %zu of %zu bytes are mapped", i, mapped(), all);
		kit_sound(o);
		assert_int_equal(kit_stage(o, kit_source(o, KEY), true, &none, "s", NOW, NULL), 0);
		objects_free(o);
	}
}

/* --- what is not there --- */

/* Brought again, by itself and by another one: it lies where it lay. */
static void
known_again(void **state UNUSED)
{
	for (unsigned life = 0; life < 2; life++) {
		struct objects *o = kit_open();
		struct buf b = BUF_INIT;
		uint64_t packs;

		assert_int_equal(o->filter != NULL, life == 0);
		if (life == 0)
			filled(o, 1);
		packs = kit_stat(o).n_packs;
		filled(o, 1);
		all_add(&b, 'p', 1);
		assert_int_equal(kit_stage(o, kit_source(o, "https://b.example/n.xml"), true, &b,
		    "s", NOW, NULL), 0);
		assert_int_equal(kit_stat(o).n_packs, packs);
		assert_int_equal(kit_stat(o).n_objects, N);
		kit_sound(o);
		objects_free(o);
	}
}

/* It may say "perhaps" of what is not there, but seldom; of what is there never "no". */
static void
filter_says(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint8_t h[OBJECTS_HASH_LEN];
	unsigned n_perhaps = 0;
	char bytes[BYTES];

	filled(o, 1);
	for (unsigned i = 0; i < N; i++) {
		bytes_of(i, 1, bytes);
		crypto_sha256(bytes, sizeof(bytes), h);
		assert_false(ref_absent(o, h));
		bytes_of(i, 2, bytes);
		crypto_sha256(bytes, sizeof(bytes), h);
		n_perhaps += !ref_absent(o, h);
	}
	assert_in_range(n_perhaps, 0, N / 100);
	objects_free(o);
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, kit_setup, kit_teardown)

TESTS_MAIN("objects-memory", S(let_go), S(known_again), S(filter_says))
