/* Which manifests were judged good, and what is kept of it. */
#include "../tap.h"
#include "objects_kit.h"
#include "store/limits.h"

#include <errno.h>

static uint8_t keys[256][OBJECTS_HASH_LEN], hashes[256][OBJECTS_HASH_LEN];

static int
points_setup(void **state)
{
	for (int i = 0; i < 256; i++) {
		memset(keys[i], i, OBJECTS_HASH_LEN);
		memset(hashes[i], 255 - i, OBJECTS_HASH_LEN);
		hashes[i][0] = 7;	/* never all zeros */
	}
	return kit_setup(state);
}

static int
put(struct objects *o, unsigned i, struct sv kept, int64_t now)
{
	struct buf b = BUF_INIT;
	int rc;

	kit_point(&b, keys[i], hashes[i], kept);
	rc = objects_points_put(o, buf_get(&b), now);
	buf_done(&b);
	return rc;
}

/* What a new reader sees; kept bytes are compared and not returned. */
static int
look(unsigned i, struct sv kept, int64_t since)
{
	struct objects_reader *r = kit_reader();
	struct objects_view *v = kit_view(r);
	struct objects_point p;
	uint8_t hash[OBJECTS_HASH_LEN];
	int rc = objects_view_kept(v, keys[i], &p);

	if (rc == 0) {
		assert_memory_equal(p.hash, hashes[i], OBJECTS_HASH_LEN);
		assert_int_equal(objects_view_point(v, keys[i], hash), 0);
		assert_memory_equal(hash, hashes[i], OBJECTS_HASH_LEN);
		assert_int_equal(p.kept.n, kept.n);
		assert_true(kept.n == 0 || memcmp(p.kept.p, kept.p, kept.n) == 0);
		assert_int_equal(p.since, kept.n == 0 ? 0 : since);
	}
	objects_view_free(v);
	objects_reader_free(r);
	return rc;
}

static bool
count_point(void *arg, const uint8_t *key UNUSED, const uint8_t *hash UNUSED)
{
	++*(int *)arg;
	return true;
}

static void
pairs(void **state UNUSED)
{
	const uint8_t zeros[OBJECTS_HASH_LEN] = { 0 };
	struct objects *o = kit_open();
	struct objects_reader *r;
	struct objects_view *v;
	struct buf b = BUF_INIT;
	int n = 0;

	kit_point(&b, keys[1], hashes[2], SV(""));
	kit_point(&b, keys[2], hashes[2], SV(""));
	kit_point(&b, keys[1], hashes[1], SV(""));	/* the later one is it */
	assert_int_equal(objects_points_put(o, buf_get(&b), NOW), 0);
	assert_int_equal(look(1, SV(""), 0), 0);
	assert_int_equal(look(2, SV(""), 0), 0);
	assert_int_equal(look(3, SV(""), 0), -ENOENT);
	r = kit_reader();
	v = kit_view(r);
	assert_int_equal(objects_view_points(v, count_point, &n), 0);
	assert_int_equal(n, 2);
	objects_view_free(v);
	objects_reader_free(r);
	/* Nobody can have a key forgotten. */
	b.len = 0;
	kit_point(&b, keys[2], zeros, SV(""));
	assert_int_equal(objects_points_put(o, buf_get(&b), NOW), -EBADMSG);
	assert_int_equal(look(2, SV(""), 0), 0);
	assert_int_equal(kit_stat(o).n_points, 2);
	buf_done(&b);
	objects_free(o);
}

static void
kept(void **state UNUSED)
{
	static char large[300000];
	const struct sv values[] = { SV("x"), SV("something longer"), { large, 2000 }, { large, 5000 },
	    { large, sizeof(large) }, SV("short again"), SV("") };
	struct objects *o = kit_open();

	memset(large, 'k', sizeof(large));
	assert_int_equal(put(o, 9, SV("another's"), NOW), 0);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		assert_int_equal(put(o, 8, values[i], NOW + (int64_t)i), 0);
		assert_int_equal(look(8, values[i], NOW + (int64_t)i), 0);
		assert_int_equal(look(9, SV("another's"), NOW), 0);
	}
	kit_sound(o);
	objects_free(o);
	o = kit_open();			/* also after a restart */
	assert_int_equal(look(9, SV("another's"), NOW), 0);
	objects_free(o);
}

static void
refused(void **state UNUSED)
{
	struct objects *o = kit_open();
	struct buf b = BUF_INIT;
	char *huge = calloc(1, OBJECTS_KEPT_MAX + 1);

	assert_non_null(huge);
	kit_point(&b, keys[1], hashes[1], SV("kept"));
	/* A part of a record: nothing of the whole ones before it, either. */
	for (size_t n = b.len + 1; n < 2 * b.len; n++) {
		struct buf two = BUF_INIT;

		buf_sv(&two, buf_get(&b));
		buf_sv(&two, buf_get(&b));
		assert_int_equal(objects_points_put(o, (struct sv){ two.p, n }, NOW), -EBADMSG);
		buf_done(&two);
	}
	buf_done(&b);
	assert_int_equal(look(1, SV(""), 0), -ENOENT);
	assert_int_equal(put(o, 1, (struct sv){ huge, OBJECTS_KEPT_MAX + 1 }, NOW), -EBADMSG);
	assert_int_equal(look(1, SV(""), 0), -ENOENT);
	assert_int_equal(put(o, 1, (struct sv){ huge, OBJECTS_KEPT_MAX }, NOW), 0);
	assert_int_equal(look(1, (struct sv){ huge, OBJECTS_KEPT_MAX }, NOW), 0);
	assert_int_equal(objects_points_put(o, SV(""), NOW), 0);
	kit_sound(o);
	free(huge);
	objects_free(o);
}

/* An eighth of the file, and not more: then what is kept goes, and no hash. */
static void
bounded(void **state UNUSED)
{
	static char bytes[MIB];
	struct objects *o = kit_open_max(16 * MIB, NULL);
	unsigned n_kept = 0;

	assert_int_equal(put(o, 200, SV(""), NOW), 0);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(put(o, i, (struct sv){ bytes, 100000 }, NOW), 0);
		assert_int_equal(look(i, (struct sv){ bytes, 100000 }, NOW), 0);
		assert_true(kit_stat(o).bytes_used < 4 * MIB);
	}
	for (unsigned i = 0; i < 100; i++) {
		struct objects_reader *r = kit_reader();
		struct objects_view *v = kit_view(r);
		struct objects_point p;

		assert_int_equal(objects_view_kept(v, keys[i], &p), 0);
		assert_memory_equal(p.hash, hashes[i], OBJECTS_HASH_LEN);
		n_kept += p.kept.n > 0;
		objects_view_free(v);
		objects_reader_free(r);
	}
	assert_true(n_kept > 0 && n_kept < 21);
	assert_int_equal(look(200, SV(""), 0), 0);
	/* Alone more than the share: its hash is remembered. */
	objects_free(o);
	o = kit_open_max(4 * MIB, NULL);
	assert_int_equal(put(o, 201, (struct sv){ bytes, sizeof(bytes) }, NOW), 0);
	assert_int_equal(look(201, SV(""), 0), 0);
	kit_sound(o);
	objects_free(o);
}

/* More than one transaction: all of it is there. */
static void
slices(void **state UNUSED)
{
	static char bytes[MIB];
	struct objects *o = kit_open_max(1024 * MIB, NULL);
	struct buf b = BUF_INIT;

	memset(bytes, 's', sizeof(bytes));
	for (unsigned i = 0; i < 40; i++)
		kit_point(&b, keys[i], hashes[i], (struct sv){ bytes, sizeof(bytes) - i });
	assert_int_equal(objects_points_put(o, buf_get(&b), NOW), 0);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(look(i, (struct sv){ bytes, sizeof(bytes) - i }, NOW), 0);
	kit_sound(o);
	buf_done(&b);
	objects_free(o);
}

/* How a view shows a past; -1: it is not in it. */
static int64_t
past_until(unsigned key, unsigned hash, size_t *ret_n)
{
	struct objects_reader *r = kit_reader();
	struct objects_view *v = kit_view(r);
	struct objects_point p;
	int64_t until = -1;

	assert_int_equal(objects_view_kept(v, keys[key], &p), 0);
	for (size_t i = 0; i < p.n_past; i++)
		if (memcmp(p.past[i].hash, hashes[hash], OBJECTS_HASH_LEN) == 0)
			until = p.past[i].until;
	*ret_n = p.n_past;
	objects_view_free(v);
	objects_reader_free(r);
	return until;
}

static void
told(struct objects *o, unsigned key, unsigned hash, struct sv kept, int64_t now)
{
	struct buf b = BUF_INIT;

	kit_point(&b, keys[key], hashes[hash], kept);
	assert_int_equal(objects_points_put(o, buf_get(&b), now), 0);
	buf_done(&b);
}

/* What was last true before a liar stays for as long as one lives, whatever is told. */
static void
past(void **state UNUSED)
{
	struct objects *o = kit_open();
	size_t n;

	told(o, 1, 20, SV("kept"), NOW);
	told(o, 1, 20, SV("other"), NOW + 1);		/* the same is no past */
	assert_int_equal(past_until(1, 20, &n), -1);
	assert_int_equal(n, 0);
	told(o, 1, 21, SV("kept"), NOW + 2);
	told(o, 1, 22, SV(""), NOW + 3);		/* the last truth */
	for (unsigned i = 0; i < 100; i++) {
		told(o, 1, 30 + i, SV("a lie"), NOW + 10);
		told(o, 2, 30 + i, SV(""), NOW + 10);
		/* Said again in between, it is not let go, either. */
		if (i % 10 == 5)
			told(o, 1, 22, SV(""), NOW + 10);
	}
	assert_int_equal(past_until(1, 22, &n), NOW + 10);
	assert_int_equal(past_until(1, 20, &n), NOW + 2);
	assert_int_equal(n, OBJECTS_PAST_MAX);
	told(o, 1, 200, SV(""), NOW + 10 + OBJECTS_PAST_AGE - 1);
	assert_int_equal(past_until(1, 22, &n), NOW + 10);
	assert_int_equal(past_until(1, 20, &n), -1);	/* its time is over */
	/* A clock that is set back does not make it eternal. */
	told(o, 1, 201, SV(""), NOW - 1000000);
	assert_int_equal(past_until(1, 22, &n), NOW - 1000000);
	told(o, 1, 22, SV("true"), NOW - 1000000 + OBJECTS_PAST_AGE);
	assert_int_equal(past_until(1, 201, &n), NOW - 1000000 + OBJECTS_PAST_AGE);
	assert_int_equal(n, 1);
	kit_sound(o);
	objects_free(o);
}

static void
many(struct objects *o, unsigned from, unsigned n, int64_t now)
{
	uint8_t key[OBJECTS_HASH_LEN] = { 0xcc };
	struct buf b = BUF_INIT;

	for (unsigned i = from; i < from + n; i++) {
		key[1] = (uint8_t)(i >> 16);
		key[2] = (uint8_t)(i >> 8);
		key[3] = (uint8_t)i;
		kit_point(&b, key, hashes[7], SV(""));
	}
	assert_int_equal(objects_points_put(o, buf_get(&b), now), 0);
	buf_done(&b);
}

/* Made up keys push out themselves, not what was there before them. */
static void
made_up(void **state UNUSED)
{
	struct objects *o = kit_open_max(4 * MIB, NULL);
	const unsigned max = 4 * MIB / OBJECTS_POINT_SHARE;
	size_t n;

	told(o, 1, 20, SV("kept"), NOW);
	told(o, 1, 22, SV(""), NOW + 1);
	for (unsigned i = 0; i < 6; i++) {
		many(o, i * max, max - 10, NOW + 10 + i);
		assert_true(kit_stat(o).n_points <= max);
	}
	many(o, 100 * max, 3 * max, NOW + 100);		/* all in one list */
	assert_true(kit_stat(o).n_points <= max);
	assert_int_equal(past_until(1, 20, &n), NOW + 1);
	told(o, 3, 20, SV("new"), NOW + 101);
	assert_int_equal(past_until(3, 21, &n), -1);	/* there is room */
	kit_sound(o);
	objects_free(o);
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, points_setup, kit_teardown)

TESTS_MAIN("objects points", S(pairs), S(kept), S(refused), S(bounded), S(slices), S(past), S(made_up))
