/*
 * Packs: whatever comes, goes and is moved, each object that is alive has its
 * bytes; the file stays bounded; and rows or packs of rubbish do no harm.
 */
#include "../tap.h"

#include <errno.h>
#include <time.h>

#include "objects_kit.h"
#include "store/internal.h"

#define KEY	"https://a.example/n.xml"

static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

static uint32_t
below(uint64_t *x, uint32_t n)
{
	return (uint32_t)((next(x) >> 20) % n);
}

/* --- against a model --- */

#define SLOTS		300
#define CONTENTS	60000
#define OBJECT_MAX	200000
#define NOBODY		0

/* Which object a URI has; 0: none. Objects are numbered, and told from their number. */
struct model {
	struct objects	*o;
	uint64_t	 x;
	int64_t		 now;
	uint32_t	 id;
	uint32_t	 slots[SLOTS];
	uint32_t	 last;			/* number given */
	int64_t		 since[CONTENTS];	/* when its last name went; 0: it has one, or never had */
	unsigned	 moved, aborted, opened;
};

static struct sv
object_of(uint32_t number)
{
	static uint8_t bytes[OBJECT_MAX];
	uint64_t x = number * 0x9E3779B97F4A7C15u + 1;
	uint32_t kind = below(&x, 100);
	size_t n = kind < 10 ? below(&x, 50) + 4 : kind < 97 ? 800 + below(&x, 2500) :
	    kind < 99 ? 10000 + below(&x, 10000) : 90000 + below(&x, 100000);

	for (size_t i = 0; i < n; i += 8) {
		uint64_t v = next(&x);

		memcpy(bytes + i, &v, min_size(8, n - i));
	}
	memcpy(bytes, &number, sizeof(number));
	return (struct sv){ (const char *)bytes, n };
}

static void
hash_of(uint32_t number, uint8_t ret[static OBJECTS_HASH_LEN])
{
	struct sv s = object_of(number);

	crypto_sha256(s.p, s.n, ret);
}

static unsigned
names_of(const struct model *m, uint32_t number)
{
	unsigned n = 0;

	for (size_t i = 0; i < SLOTS; i++)
		n += m->slots[i] == number;
	return n;
}

static void
slot_set(struct model *m, uint32_t slot, uint32_t number)
{
	uint32_t old = m->slots[slot];

	m->slots[slot] = number;
	if (number != NOBODY)
		m->since[number] = 0;
	if (old != NOBODY && names_of(m, old) == 0)
		m->since[old] = m->now;
}

/* A new object, or one that another URI has or had. */
static uint32_t
number_pick(struct model *m)
{
	if (m->last > 10 && below(&m->x, 10) == 0)
		return m->last - below(&m->x, 10);
	assert_true(m->last < CONTENTS - 1);
	return ++m->last;
}

static void
record(struct model *m, struct buf *b, uint32_t slot, uint32_t number, bool replace)
{
	uint8_t old[OBJECTS_HASH_LEN];
	bool had = !replace && m->slots[slot] != NOBODY;
	char uri[64];

	(void)snprintf(uri, sizeof(uri), RSYNC "%05u", slot);
	if (had)
		hash_of(m->slots[slot], old);
	kit_record(b, number == NOBODY ? OBJECTS_WITHDRAW : OBJECTS_PUBLISH, had ? old : NULL,
	    sv_str(uri), number == NOBODY ? SV("") : object_of(number));
}

static void
delta(struct model *m, uint32_t n, bool abort)
{
	uint32_t from = below(&m->x, SLOTS - n), numbers[SLOTS];
	struct objects_change ch;
	struct objects_stage *s;

	assert_int_equal(objects_stage_new(m->o, m->id, false, &s), 0);
	for (uint32_t i = 0; i < n; ) {
		struct buf b = BUF_INIT;

		/* Some batches have one record, some all. */
		do {
			numbers[i] = below(&m->x, 8) == 0 ? NOBODY : number_pick(m);
			if (numbers[i] != NOBODY || m->slots[from + i] != NOBODY)
				record(m, &b, from + i, numbers[i], false);
		} while (++i < n && below(&m->x, 10) != 0);
		assert_int_equal(objects_stage_batch(s, buf_get(&b), m->now), 0);
		buf_done(&b);
	}
	if (abort) {
		objects_stage_abort(s);
		m->aborted++;
		return;
	}
	assert_int_equal(objects_stage_commit(s, SV("s"), m->now, &ch), 0);
	for (uint32_t i = 0; i < n; i++)
		slot_set(m, from + i, numbers[i]);
}

static void
snapshot(struct model *m)
{
	struct buf b = BUF_INIT;
	uint32_t numbers[SLOTS];

	for (uint32_t i = 0; i < SLOTS; i++) {
		numbers[i] = below(&m->x, 10) == 0 ? NOBODY : below(&m->x, 4) == 0 ? number_pick(m) :
		    m->slots[i];
		if (numbers[i] != NOBODY)
			record(m, &b, i, numbers[i], true);
	}
	assert_int_equal(kit_stage(m->o, m->id, true, &b, "s", m->now, NULL), 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		slot_set(m, i, numbers[i]);
}

static void
gc(struct model *m, unsigned slices)
{
	bool more = true;

	for (unsigned i = 0; i < slices && more; i++) {
		struct objects_stat a = kit_stat(m->o), b;

		assert_int_equal(objects_gc(m->o, m->now, 1 + below(&m->x, 100), &more), 0);
		b = kit_stat(m->o);
		m->moved += a.n_fresh == b.n_fresh && a.n_objects == b.n_objects &&
		    a.n_packs != b.n_packs;
	}
}

static void
see(struct model *m, struct objects_view *v, uint32_t number, bool must)
{
	uint8_t h[OBJECTS_HASH_LEN];
	struct sv got, want;
	int rc;

	hash_of(number, h);
	rc = objects_view_get(v, h, &got);
	if (rc == -ENOENT && !must)
		return;
	if (rc < 0)
		fail_msg("object %u of %u: %s", number, m->last, err_str(rc));
	want = object_of(number);
	assert_true(sv_eq(got, want));
}

/* What has a name, what lost it a short time ago, and what the URIs lead to. */
static void
see_all(struct model *m)
{
	struct objects_reader *r = kit_reader();
	struct objects_view *v = kit_view(r);
	char uri[64];
	struct sv got;

	for (uint32_t i = 0; i < SLOTS; i++) {
		int rc;

		(void)snprintf(uri, sizeof(uri), RSYNC "%05u", i);
		rc = kit_look(v, m->id, uri, &got);
		assert_int_equal(rc, m->slots[i] == NOBODY ? -ENOENT : 0);
		if (rc == 0)
			assert_true(sv_eq(got, object_of(m->slots[i])));
	}
	for (uint32_t i = 1; i <= m->last; i++)
		if (m->since[i] != 0)
			see(m, v, i, m->now - m->since[i] < GRACE);
	objects_view_free(v);
	objects_reader_free(r);
	kit_sound(m->o);
}

static void
step(struct model *m)
{
	uint32_t what = below(&m->x, 100);

	m->now += below(&m->x, GRACE / 4);
	if (what < 60)
		delta(m, 1 + below(&m->x, 4), false);
	else if (what < 75)
		delta(m, 1 + below(&m->x, 60), what % 3 == 0);
	else if (what < 78)
		snapshot(m);
	else if (what < 80) {
		objects_free(m->o);
		m->o = kit_open();
		m->opened++;
		assert_int_equal(objects_hold(m->o, (struct sv){ NULL, 0 }), 0);
	} else
		gc(m, 1 + below(&m->x, 30));
}

static void
as_a_model_says(void **state UNUSED)
{
	static struct model m;
	const char *seed = getenv("SEKISHO_SEED");
	uint64_t n = (uint64_t)time(NULL);

	if (seed != NULL)
		assert_int_equal(num_u64(sv_str(seed), 0, UINT64_MAX / 4, &n), 0);
	print_message("# SEKISHO_SEED=%llu\n", (unsigned long long)n);
	m = (struct model){ .o = kit_open(), .x = n * 2 + 1, .now = NOW };
	for (int i = 0; i < 10; i++)
		(void)next(&m.x);
	m.id = kit_source(m.o, KEY);
	assert_int_equal(objects_hold(m.o, (struct sv){ NULL, 0 }), 0);
	for (int i = 0; i < 1500; i++) {
		step(&m);
		if (i % 25 == 0)
			see_all(&m);
	}
	see_all(&m);
	print_message("# %u objects, %u slices moved some, %u stages aborted, %u openings\n",
	    m.last, m.moved, m.aborted, m.opened);
	assert_true(m.moved > 20 && m.aborted > 20 && m.opened > 5);
	/* All goes, and nothing is left. */
	m.now += GRACE;
	assert_int_equal(objects_source_del(m.o, m.id), 0);
	(void)kit_gc(m.o, m.now, 100);
	(void)kit_gc(m.o, m.now + GRACE, 100);
	assert_int_equal(kit_stat(m.o).n_objects, 0);
	assert_int_equal(kit_stat(m.o).n_packs, 0);
	kit_sound(m.o);
	objects_free(m.o);
}

/* --- the file is bounded --- */

#define N		4000
#define LEN		1900
/* Thin packs that wait, and the tables: 200 bytes for each object. */
#define CONSTANT	((uint64_t)OBJECTS_THIN_MAX * 128 * 1024 / 2 + (uint64_t)N * 400)

static void
publish(struct buf *b, unsigned i, const unsigned *old, unsigned version)
{
	uint8_t bytes[LEN], h[OBJECTS_HASH_LEN];
	char uri[64];

	memset(bytes, 'x', sizeof(bytes));
	(void)snprintf(uri, sizeof(uri), RSYNC "%06u", i);
	if (old != NULL) {
		(void)snprintf((char *)bytes, sizeof(bytes), "%u %u", i, *old);
		crypto_sha256(bytes, sizeof(bytes), h);
	}
	(void)snprintf((char *)bytes, sizeof(bytes), "%u %u", i, version);
	kit_record(b, OBJECTS_PUBLISH, old != NULL ? h : NULL, sv_str(uri),
	    (struct sv){ (const char *)bytes, sizeof(bytes) });
}

static uint32_t
fill(struct objects *o, unsigned n)
{
	uint32_t id = kit_source(o, KEY);
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < n; i++)
		publish(&b, i, NULL, 0);
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), 0);
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	return id;
}

static void
bounded(struct objects *o, unsigned n, const char *when)
{
	const uint64_t live = (uint64_t)n * (LEN + PACK_ENTRY);
	struct objects_stat st = kit_stat(o);

	if (st.bytes_used > 2 * live + CONSTANT)
		fail_msg("%s: %llu bytes used for %llu", when, (unsigned long long)st.bytes_used,
		    (unsigned long long)live);
	if (st.n_thin > OBJECTS_THIN_MAX || st.n_packs > 2 * live / (128 * 1024 - 200) + OBJECTS_THIN_MAX)
		fail_msg("%s: %llu packs, %llu of them thin", when, (unsigned long long)st.n_packs,
		    (unsigned long long)st.n_thin);
}

/* Objects are replaced at random, or so that each pack loses a part and no pack all. */
static void
bounded_by_what_is_alive(void **state UNUSED)
{
	static unsigned version[N];
	struct objects *o = kit_open();
	uint32_t id = fill(o, N);
	uint64_t x = 1;

	for (int64_t now = NOW + 1; now < NOW + 300; now++) {
		struct buf b = BUF_INIT;

		for (unsigned i = 0; i < N / 20; i++) {
			unsigned k = now % 3 == 0 ? (unsigned)(i * 20 + (unsigned)now % 20) :
			    i + (N / 20) * below(&x, 20);

			publish(&b, k, &version[k], version[k] + 1);
			version[k]++;
		}
		assert_int_equal(kit_stage(o, id, false, &b, "s", now, NULL), 0);
		(void)kit_gc(o, now + GRACE, 500);
		bounded(o, N, "churn");
	}
	kit_sound(o);
	/* And when nearly all goes, nearly all is free. */
	{
		struct buf b = BUF_INIT;

		for (unsigned i = 0; i < N; i += 100)
			publish(&b, i, NULL, version[i]);
		assert_int_equal(kit_stage(o, id, true, &b, "s", NOW + 400, NULL), 0);
		(void)kit_gc(o, NOW + 400 + GRACE, 500);
		bounded(o, N / 100, "few are left");
	}
	kit_sound(o);
	objects_free(o);
}

/* Years of deltas of three objects: their small packs become few. */
static void
bounded_with_small_deltas(void **state UNUSED)
{
	static unsigned version[N];
	struct objects *o = kit_open();
	const unsigned n = N / 4;
	uint32_t id = fill(o, n);
	uint64_t x = 7, most = 0;

	memset(version, 0, sizeof(version));
	for (int64_t now = NOW + 1; now < NOW + 3000; now++) {
		struct buf b = BUF_INIT;

		for (unsigned i = 0; i < 3; i++) {
			unsigned k = i * (n / 3) + below(&x, n / 3);

			publish(&b, k, &version[k], version[k] + 1);
			version[k]++;
		}
		assert_int_equal(kit_stage(o, id, false, &b, "s", now, NULL), 0);
		if (now % 7 != 0)
			continue;
		(void)kit_gc(o, now + GRACE, 500);
		bounded(o, n, "small deltas");
		most = most > kit_stat(o).n_packs ? most : kit_stat(o).n_packs;
	}
	print_message("# at most %llu packs\n", (unsigned long long)most);
	kit_sound(o);
	objects_free(o);
}

/* A large object has a pack of its own, and does not cut off the small ones around it. */
static void
large_ones_alone(void **state UNUSED)
{
	static char large[3000000];
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, KEY);
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < 60; i++) {
		char uri[64];

		publish(&b, i, NULL, 0);
		if (i % 20 != 0)
			continue;
		memset(large, (int)i + 1, sizeof(large));
		(void)snprintf(uri, sizeof(uri), RSYNC "large%u", i);
		kit_record(&b, OBJECTS_PUBLISH, NULL, sv_str(uri), (struct sv){ large, sizeof(large) });
	}
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), 0);
	assert_int_equal(kit_stat(o).n_packs, 3 + 1);
	kit_sound(o);
	objects_free(o);
}

/* --- stages --- */

/* What is brought again before it has a name has its grace from when it was seen last. */
static void
grace_begins_anew(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, KEY);
	struct objects_change ch;
	struct objects_stage *s;
	struct buf b = BUF_INIT;

	kit_add(&b, 'p', NULL, RSYNC "s", "brought again");
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), 0);
	(void)fill(o, 50);
	assert_int_equal(kit_stat(o).n_dead, 1);
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	b = (struct buf)BUF_INIT;
	kit_add(&b, 'p', NULL, RSYNC "s", "brought again");
	assert_int_equal(objects_stage_new(o, id, false, &s), 0);
	assert_int_equal(objects_stage_batch(s, buf_get(&b), NOW), 0);
	objects_stage_abort(s);
	assert_int_equal(objects_stage_new(o, id, false, &s), 0);
	assert_int_equal(objects_stage_batch(s, buf_get(&b), NOW + GRACE - 1), 0);
	(void)kit_gc(o, NOW + GRACE, 10);
	assert_int_equal(kit_stat(o).n_objects, 51);
	kit_sound(o);
	/* It has gone before the commit: no name without its object. */
	(void)kit_gc(o, NOW + 2 * GRACE, 10);
	assert_int_equal(kit_stat(o).n_objects, 50);
	assert_int_equal(objects_stage_commit(s, SV("s"), NOW, &ch), SE_STALE);
	buf_done(&b);
	kit_sound(o);
	objects_free(o);
}

/* What is only staged is the stage's: GC leaves it as long as that lives, and then takes it. */
static void
staged_is_kept(void **state UNUSED)
{
	static char junk[500000];
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, KEY);
	struct objects_change ch;
	struct objects_stage *s[2];
	struct buf b[2] = { BUF_INIT, BUF_INIT };
	uint64_t before;

	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	(void)fill(o, 50);
	before = kit_stat(o).bytes_used;
	for (int i = 0; i < 2; i++) {
		memset(junk, 'a' + i, sizeof(junk));
		kit_add(&b[i], 'p', NULL, RSYNC "small", "staged");
		kit_record(&b[i], OBJECTS_PUBLISH, NULL, SV(RSYNC "large"),
		    (struct sv){ junk, sizeof(junk) });
		assert_int_equal(objects_stage_new(o, id, false, &s[i]), 0);
		assert_int_equal(objects_stage_batch(s[i], buf_get(&b[i]), NOW), 0);
		buf_done(&b[i]);
	}
	assert_int_equal(kit_stat(o).n_objects, 50);
	assert_int_equal(kit_stat(o).n_fresh, 4);
	/* One ends badly: what it brought goes, also before any hold; the other one's stays. */
	objects_stage_abort(s[1]);
	(void)kit_gc(o, NOW + 100 * GRACE, 10);
	assert_int_equal(kit_stat(o).n_fresh, 2);
	kit_sound(o);
	assert_int_equal(objects_stage_commit(s[0], SV("s"), NOW, &ch), 0);
	assert_int_equal(ch.n_new, 2);
	assert_int_equal(kit_stat(o).n_objects, 52);
	assert_int_equal(kit_stat(o).n_fresh, 0);
	{
		struct objects_reader *r = kit_reader();
		struct objects_view *v = kit_view(r);
		struct sv got;

		assert_int_equal(kit_look(v, id, RSYNC "small", &got), 0);
		assert_true(sv_eq_str(got, "staged"));
		objects_view_free(v);
		objects_reader_free(r);
	}
	kit_sound(o);
	/* A commit that fails leaves nothing either. */
	b[0] = (struct buf)BUF_INIT;
	kit_record(&b[0], OBJECTS_PUBLISH, NULL, SV(RSYNC "large"), (struct sv){ junk, 400000 });
	assert_int_equal(kit_stage(o, id, false, &b[0], "s", NOW, NULL), SE_STALE);
	(void)fill(o, 50);
	(void)kit_gc(o, NOW + GRACE, 10);
	assert_true(kit_stat(o).bytes_used <= before + 2 * 4096);
	kit_sound(o);
	/* Nor does a program that ends in the middle of one: with the next opening it is gone. */
	b[0] = (struct buf)BUF_INIT;
	kit_record(&b[0], OBJECTS_PUBLISH, NULL, SV(RSYNC "large"), (struct sv){ junk, 400000 });
	assert_int_equal(objects_stage_new(o, id, false, &s[0]), 0);
	assert_int_equal(objects_stage_batch(s[0], buf_get(&b[0]), NOW), 0);
	buf_done(&b[0]);
	assert_true(kit_stat(o).bytes_used > before + 400000);
	objects_free(o);
	o = kit_open();
	assert_int_equal(kit_stat(o).n_fresh, 0);
	assert_true(kit_stat(o).bytes_used <= before + 2 * 4096);
	kit_sound(o);
	objects_free(o);
}

/* --- rubbish --- */

/* What somebody wrote over a row, with LMDB itself: its pages are sound. */
static void
row_put(const char *table, const void *key, size_t key_len, const void *val, size_t len)
{
	MDB_val k = val_of(key, key_len), v = val_of(val, len);
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi t;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, T_MAX), 0);
	assert_int_equal(mdb_env_open(env, kit_dir, 0, 0640), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table, 0, &t), 0);
	if (val == NULL)
		assert_int_equal(mdb_del(txn, t, &k, NULL), 0);
	else
		assert_int_equal(mdb_put(txn, t, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static const uint8_t pack_1[PACK_KEY_LEN] = { 0, 0, 0, 0, 0, 0, 0, 1 };

/* u32 count, size; u64 since, pack; u32 at. */
static const struct {
	uint32_t	size;
	uint64_t	pack;
	uint32_t	at;
	size_t		len;
	int		rc;		/* of a reader */
} places[] = {
	{ 3, 2, 40, REF_LEN, SE_SUM },			/* no such pack */
	{ 3, UINT64_MAX, 40, REF_LEN, SE_SUM },
	{ 3, 0, 40, REF_LEN, SE_SUM },
	{ 4000000000u, 1, 40, REF_LEN, SE_SUM },
	{ UINT32_MAX, 1, 1, REF_LEN, SE_SUM },		/* the sum is 2^32 */
	{ UINT32_MAX, 1, UINT32_MAX, REF_LEN, SE_SUM },
	{ 3, 1, UINT32_MAX, REF_LEN, SE_SUM },
	{ 2, 1, PACK_HEAD + 2 * PACK_ENTRY + 5, REF_LEN, SE_SUM },	/* one byte too far */
	{ 0, 1, PACK_HEAD + 2 * PACK_ENTRY + 7, REF_LEN, SE_SUM },
	{ 3, 1, 40, REF_LEN - 1, SE_SUM },
	{ 3, 1, 40, 16, SE_SUM },
	{ 3, 1, 40, 0, SE_SUM },
	/* In the pack, and not the object: bytes that have another hash. */
	{ 3, 1, 0, REF_LEN, 0 },
	{ 2, 1, PACK_HEAD + 2 * PACK_ENTRY + 4, REF_LEN, 0 },
};

static const struct {
	const char	*bytes;
	size_t		 n;
	int		 rc;		/* of a reader who looks for the second object */
} packs[] = {
#define PACK(text, rc)	{ text, sizeof(text) - 1, rc }
#define H32	"0123456789abcdef0123456789abcdef"
	PACK("", SE_SUM),
	PACK("\0\0\0", SE_SUM),
	PACK("\0\0\0\0", SE_SUM),
	PACK("\0\0\0\1", SE_SUM),
	PACK("\377\377\377\377" H32 "\0\0\0\1x", SE_SUM),
	PACK("\0\0\0\1" H32 "\377\377\377\377x", SE_SUM),
	/* Room enough for the place, and a head that does not fit. */
	PACK("\0\0\0\2" H32 "\0\0\0\3" H32 "\0\0\0\4onetwo", 0),
	PACK("\0\0\0\2" H32 "\377\377\377\377" H32 "\0\0\0\7onetwo", 0),
	PACK("\0\0\0\2" H32 "\0\0\0\2" H32 "\0\0\0\3onetwo", 0),
	PACK("\377\377\377\377" H32 "\0\0\0\3" H32 "\0\0\0\3onetwo", 0),
	PACK("\7\34\161\307" H32 "\0\0\0\3" H32 "\0\0\0\3onetwo", 0),	/* times 36: 2^32 and a little */
	PACK("\0\0\0\0" H32 "\0\0\0\3" H32 "\0\0\0\3onetwo", 0),
	/* A head of others: whole, but nobody's. */
	PACK("\0\0\0\2" H32 "\0\0\0\3" H32 "\0\0\0\3onetwo", 0),
};

static uint32_t
world_make(void)
{
	struct objects *o;
	struct buf b = BUF_INIT;
	uint32_t id;

	(void)kit_teardown(NULL);
	assert_int_equal(kit_setup(NULL), 0);
	o = kit_open();
	id = kit_source(o, KEY);
	kit_add(&b, 'p', NULL, RSYNC "1", "one");
	kit_add(&b, 'p', NULL, RSYNC "2", "two");
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), 0);
	objects_free(o);
	return id;
}

static void
used(uint32_t id, int rc, size_t i)
{
	struct objects_reader *r = kit_reader();
	struct objects_view *v = kit_view(r);
	volatile uint8_t sum = 0;
	struct objects *o;
	struct sv got = { NULL, 0 };
	const char *what = NULL;
	bool more;

	if (kit_look(v, id, RSYNC "2", &got) != rc)
		fail_msg("case %zu", i);
	for (size_t k = 0; k < got.n; k++)
		sum = (uint8_t)(sum + (uint8_t)got.p[k]);
	objects_view_free(v);
	objects_reader_free(r);
	o = kit_open();
	assert_int_equal(objects_check(o, true, &what), SE_SUM);
	assert_non_null(what);
	/* The writer says so, too, or has nothing to do with it. */
	(void)!objects_source_del(o, id);
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	for (int k = 0; k < 10; k++)
		(void)!objects_gc(o, NOW + GRACE * k, 10, &more);
	objects_free(o);
}

static void
rows_of_rubbish(void **state UNUSED)
{
	struct sv two = kit_hash("two");
	uint8_t hash[OBJECTS_HASH_LEN], row[REF_LEN];

	memcpy(hash, two.p, sizeof(hash));
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const struct ref f = { 1, places[i].size, 0, places[i].pack, places[i].at };
		uint32_t id = world_make();

		ref_write(&f, row);
		row_put("ref", hash, sizeof(hash), row, places[i].len);
		used(id, places[i].rc, i);
	}
}

static void
packs_of_rubbish(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(packs); i++) {
		uint32_t id = world_make();

		MDB_val v = val_of(packs[i].bytes, packs[i].n);
		struct pack p;

		/* The last one is whole. */
		assert_int_equal(pack_open(&v, &p), i + 1 == ARRAY_LEN(packs) ? 0 : SE_SUM);
		row_put("pack", pack_1, sizeof(pack_1), packs[i].bytes, packs[i].n);
		used(id, packs[i].rc, i);
	}
}

/* The small tables beside the packs. */
static void
counts_of_rubbish(void **state UNUSED)
{
	static const struct {
		const char	*table, *val;
		size_t		 n;
	} cases[] = {
		{ "life", NULL, 0 }, { "life", "", 0 }, { "life", "\0\0\0\116\0\0\0", 7 },
		{ "life", "\0\0\0\116\0\0\0\0", 8 },		/* nothing is alive */
		{ "life", "\0\0\0\116\0\0\0\117", 8 },		/* more than there is */
		{ "life", "\0\0\0\116\0\0\0\47", 8 },		/* one object */
		{ "life", "\377\377\377\377\0\0\0\116", 8 },
		{ "pack", NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t id = world_make();

		row_put(cases[i].table, pack_1, sizeof(pack_1), cases[i].val, cases[i].n);
		used(id, strcmp(cases[i].table, "pack") == 0 ? SE_SUM : 0, i);
	}
}

/* A pack in use is said to have no owner: it is not thrown away, the file is set aside. */
static void
owners_of_rubbish(void **state UNUSED)
{
	struct objects_found found;

	(void)world_make();
	row_put("fresh", pack_1, sizeof(pack_1), "", 0);
	objects_free(kit_open_max(256 * MIB, &found));
	assert_true(found.set_aside);
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, kit_setup, kit_teardown)

TESTS_MAIN("objects-packs", S(as_a_model_says), S(bounded_by_what_is_alive),
    S(bounded_with_small_deltas), S(large_ones_alone), S(grace_begins_anew), S(staged_is_kept), S(rows_of_rubbish), S(packs_of_rubbish),
    S(counts_of_rubbish), S(owners_of_rubbish))
