/* The object store: what goes in comes out, and what must be refused is. */
#include "../tap.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "objects_kit.h"
#include "store/limits.h"

static void
has(struct objects_view *v, uint32_t id, const char *uri, const char *bytes)
{
	struct sv got = { NULL, 0 };
	int rc = kit_look(v, id, uri, &got);

	if (bytes == NULL)
		assert_int_equal(rc, -ENOENT);
	else {
		assert_int_equal(rc, 0);
		assert_true(sv_eq_str(got, bytes));
	}
}

/* Look at one name through a new reader. */
static void
holds(uint32_t id, const char *uri, const char *bytes)
{
	struct objects_reader *r = kit_reader();
	struct objects_view *v = kit_view(r);

	has(v, id, uri, bytes);
	objects_view_free(v);
	objects_reader_free(r);
}

static void
snapshot_and_deltas(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://a.example/n.xml");
	struct objects_change ch;
	struct objects_source s;
	struct buf b = BUF_INIT;

	kit_add(&b, 'p', NULL, RSYNC "b", "bee");
	kit_add(&b, 'p', NULL, RSYNC "a", "eh");
	kit_add(&b, 'p', NULL, RSYNC "c", "");
	assert_int_equal(kit_stage(o, id, true, &b, "serial 1", NOW, &ch), 0);
	assert_int_equal(ch.n_new, 3);
	holds(id, RSYNC "a", "eh");
	holds(id, RSYNC "c", "");
	holds(id, RSYNC "d", NULL);
	holds(id + 1, RSYNC "a", NULL);
	kit_sound(o);

	b = (struct buf)BUF_INIT;
	kit_add(&b, 'p', "eh", RSYNC "a", "eh?");
	kit_add(&b, 'w', "bee", RSYNC "b", "");
	kit_add(&b, 'p', NULL, RSYNC "d", "dee");
	assert_int_equal(kit_stage(o, id, false, &b, "serial 2", NOW + 5, &ch), 0);
	assert_int_equal(ch.n_new, 1);
	assert_int_equal(ch.n_replaced, 1);
	assert_int_equal(ch.n_gone, 1);
	holds(id, RSYNC "a", "eh?");
	holds(id, RSYNC "b", NULL);
	holds(id, RSYNC "c", "");
	holds(id, RSYNC "d", "dee");
	assert_int_equal(objects_source(o, SV("https://a.example/n.xml"), NOW, &s), 0);
	assert_int_equal(s.id, id);
	assert_true(sv_eq_str(s.state, "serial 2"));
	assert_int_equal(s.n_names, 3);
	assert_int_equal(s.bytes, 6);
	assert_int_equal(s.changed, NOW + 5);
	kit_sound(o);

	/* A snapshot after it: what it does not have is gone, the rest untouched. */
	b = (struct buf)BUF_INIT;
	kit_add(&b, 'p', NULL, RSYNC "d", "dee");
	kit_add(&b, 'p', NULL, RSYNC "0", "first");
	kit_add(&b, 'p', NULL, RSYNC "a", "eh!");
	kit_add(&b, 'p', NULL, RSYNC "z", "last");
	assert_int_equal(kit_stage(o, id, true, &b, "serial 3", NOW + 6, &ch), 0);
	assert_int_equal(ch.n_new, 2);
	assert_int_equal(ch.n_replaced, 1);
	assert_int_equal(ch.n_gone, 1);
	holds(id, RSYNC "0", "first");
	holds(id, RSYNC "a", "eh!");
	holds(id, RSYNC "c", NULL);
	holds(id, RSYNC "d", "dee");
	holds(id, RSYNC "z", "last");
	kit_sound(o);

	/* All of it survives. */
	objects_free(o);
	o = kit_open();
	kit_sound(o);
	holds(id, RSYNC "d", "dee");
	assert_int_equal(kit_stat(o).n_names, 4);
	assert_int_equal(kit_source(o, "https://b.example/n.xml"), id + 1);
	objects_free(o);
}

/* Records of one URI in one stage: each against what the ones before it left. */
static const struct fold_case {
	const char	*ops;		/* of "p", "P" (with old), "w", "W" (with old) */
	const char	*texts[4];	/* new object, or the old one for w */
	const char	*olds[4];
	int		 rc;
	const char	*end;
} folds[] = {
	/* The URI holds "one" at first. */
	{ "P", { "two" }, { "one" }, 0, "two" },
	{ "P", { "two" }, { "other" }, SE_STALE, "one" },
	{ "p", { "two" }, { NULL }, SE_STALE, "one" },
	{ "p", { "one" }, { NULL }, SE_STALE, "one" },
	{ "W", { "" }, { "one" }, 0, NULL },
	{ "W", { "" }, { "two" }, SE_STALE, "one" },
	{ "w", { "" }, { NULL }, 0, NULL },
	{ "PP", { "two", "three" }, { "one", "two" }, 0, "three" },
	{ "PP", { "two", "three" }, { "one", "one" }, SE_STALE, "one" },
	{ "WpPW", { "", "x", "y", "" }, { "one", NULL, "x", "y" }, 0, NULL },
	{ "WpP", { "", "x", "one" }, { "one", NULL, "x" }, 0, "one" },
	{ "Ww", { "", "" }, { "one", NULL }, SE_STALE, "one" },
	{ "WP", { "", "x" }, { "one", "one" }, SE_STALE, "one" },
};

static void
fold_one(const struct fold_case *f)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://a.example/n.xml");
	struct buf b = BUF_INIT;
	struct objects_source s;

	kit_add(&b, 'p', NULL, RSYNC "u", "one");
	kit_add(&b, 'p', NULL, RSYNC "v", "stays");
	assert_int_equal(kit_stage(o, id, true, &b, "before", NOW, NULL), 0);
	b = (struct buf)BUF_INIT;
	kit_add(&b, 'p', NULL, RSYNC "a", "new");
	for (size_t i = 0; f->ops[i] != '\0'; i++)
		kit_add(&b, f->ops[i] == 'p' || f->ops[i] == 'P' ? 'p' : 'w', f->olds[i], RSYNC "u",
		    f->texts[i]);
	assert_int_equal(kit_stage(o, id, false, &b, "after", NOW, NULL), f->rc);
	holds(id, RSYNC "u", f->end);
	/* All or nothing. */
	holds(id, RSYNC "a", f->rc == 0 ? "new" : NULL);
	holds(id, RSYNC "v", "stays");
	assert_int_equal(objects_source(o, SV("https://a.example/n.xml"), NOW, &s), 0);
	assert_true(sv_eq_str(s.state, f->rc == 0 ? "after" : "before"));
	kit_sound(o);
	objects_free(o);
}

static void
deltas_fit_or_not(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(folds); i++) {
		fold_one(&folds[i]);
		kit_teardown(NULL);
		assert_int_equal(kit_setup(NULL), 0);
	}
}

static void
batches_refused(void **state UNUSED)
{
	static const struct {
		bool		 replace;
		const char	*bytes;
		size_t		 n;
		int		 rc;
	} cases[] = {
#define RAW(replace, text, rc)	{ replace, text, sizeof(text) - 1, rc }
		RAW(false, "\1", -EBADMSG),
		RAW(false, "\1\0\0\1\0\0\0", -EBADMSG),
		RAW(false, "\1\0\0\1\0\0\0\1u", -EBADMSG),		/* no bytes */
		RAW(false, "\1\0\0\0\0\0\0\1x", -EBADMSG),		/* no URI */
		RAW(false, "\0\0\0\1\0\0\0\1ux", -EBADMSG),		/* no such operation */
		RAW(false, "\4\0\0\1\0\0\0\0u", -EBADMSG),
		RAW(false, "\1\2\0\1\0\0\0\1ux", -EBADMSG),
		RAW(false, "\1\1\0\1\0\0\0\1ux", -EBADMSG),		/* no hash */
		RAW(false, "\2\0\0\1\0\0\0\1ux", -EBADMSG),		/* a withdraw with bytes */
		RAW(true, "\2\0\0\1\0\0\0\0u", -EBADMSG),		/* in a snapshot */
		RAW(false, "\1\0\0\1\0\0\0\1 x", -EBADMSG),		/* blank, control, not ASCII */
		RAW(false, "\1\0\0\1\0\0\0\1\nx", -EBADMSG),
		RAW(false, "\1\0\0\1\0\0\0\1\377x", -EBADMSG),
		RAW(false, "\1\0\0\1\0\0\0\1\0x", -EBADMSG),
		RAW(true, "\1\1\0\1\0\0\0\1" "0123456789abcdef0123456789abcdef" "ux", -EBADMSG),
		RAW(true, "\3\0\0\1\0\0\0\0u", -EBADMSG),		/* what is there? */
		RAW(false, "\3\1\0\1\0\0\0\0" "0123456789abcdef0123456789abcdef" "u", -EBADMSG),
		RAW(false, "\1\0\0\1\377\377\377\377u", -EBADMSG),
		RAW(false, "\1\0\0\1\0\0\0\1ux" "\1", -EBADMSG),	/* a good one before */
		RAW(false, "\1\0\0\1\0\0\0\1ux", 0),
		RAW(true, "\1\0\0\1\0\0\0\1ux", 0),
		RAW(false, "", 0),
	};
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://a.example/n.xml");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct objects_change ch;
		struct objects_stage *s;

		assert_int_equal(objects_stage_new(o, id, cases[i].replace, &s), 0);
		if (objects_stage_batch(s, (struct sv){ cases[i].bytes, cases[i].n }, NOW) !=
		    cases[i].rc)
			fail_msg("case %zu", i);
		/* After a refusal the stage commits nothing. */
		if (cases[i].rc < 0)
			assert_int_equal(objects_stage_commit(s, SV("x"), NOW, &ch), cases[i].rc);
		else
			objects_stage_abort(s);
	}
	assert_int_equal(kit_stat(o).n_names, 0);
	kit_sound(o);
	objects_free(o);
}

static void
twice_in_a_snapshot(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://a.example/n.xml");
	struct buf b = BUF_INIT;

	kit_add(&b, 'p', NULL, RSYNC "a", "1");
	kit_add(&b, 'p', NULL, RSYNC "b", "1");
	kit_add(&b, 'p', NULL, RSYNC "a", "1");
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), -EEXIST);
	assert_int_equal(kit_stat(o).n_names, 0);
	kit_sound(o);
	objects_free(o);
}

static void
name_what_is_there(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "rsync://a.example/m/");
	struct objects_change ch;
	struct buf b = BUF_INIT;

	kit_add(&b, 'p', NULL, RSYNC "a", "1");
	kit_add(&b, 'p', NULL, RSYNC "b", "2");
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), 0);
	b = (struct buf)BUF_INIT;
	kit_add(&b, 'n', "1", RSYNC "a", "");
	kit_add(&b, 'p', NULL, RSYNC "b", "3");
	kit_add(&b, 'n', "2", RSYNC "c", "");
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, &ch), 0);
	assert_int_equal(ch.n_new, 1);
	assert_int_equal(ch.n_replaced, 1);
	assert_int_equal(ch.n_gone, 0);
	holds(id, RSYNC "a", "1");
	holds(id, RSYNC "b", "3");
	holds(id, RSYNC "c", "2");
	b = (struct buf)BUF_INIT;
	kit_add(&b, 'n', "not there", RSYNC "a", "");
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), SE_STALE);
	holds(id, RSYNC "a", "1");
	kit_sound(o);
	objects_free(o);
}

/* The same object under many names, of many sources; sources are worlds apart. */
static void
shared_objects(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t x = kit_source(o, "https://x.example/n.xml"), y = kit_source(o, "https://y.example/n.xml");
	struct buf b = BUF_INIT;

	kit_add(&b, 'p', NULL, RSYNC "a", "same");
	kit_add(&b, 'p', NULL, RSYNC "b", "same");
	assert_int_equal(kit_stage(o, x, true, &b, "s", NOW, NULL), 0);
	b = (struct buf)BUF_INIT;
	kit_add(&b, 'p', NULL, RSYNC "a", "same");
	kit_add(&b, 'p', NULL, RSYNC "b", "mine");
	assert_int_equal(kit_stage(o, y, true, &b, "s", NOW, NULL), 0);
	assert_int_equal(kit_stat(o).n_objects, 2);
	assert_int_equal(kit_stat(o).n_names, 4);
	holds(x, RSYNC "b", "same");
	holds(y, RSYNC "b", "mine");
	/* x loses all; y's stay. */
	b = (struct buf)BUF_INIT;
	assert_int_equal(kit_stage(o, x, true, &b, "s", NOW, NULL), 0);
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	(void)kit_gc(o, NOW + 2 * GRACE, 10);
	holds(x, RSYNC "a", NULL);
	holds(y, RSYNC "a", "same");
	kit_sound(o);
	objects_free(o);
}

/* URIs beyond what LMDB takes as a key; some that differ only behind it. */
static void
long_uris(void **state UNUSED)
{
	static const size_t lens[] = { 1, 469, 470, 471, 472, 1000, 2047, 2048 };
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://a.example/n.xml");
	struct objects_reader *r;
	struct objects_view *v;
	struct buf b = BUF_INIT;
	char uri[2050];
	struct sv got;
	uint8_t h[OBJECTS_HASH_LEN];

	memset(uri, 'u', sizeof(uri));
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ARRAY_LEN(lens); i++)
			for (char last = 'a'; last <= 'c'; last++) {
				uri[lens[i] - 1] = last;
				kit_record(&b, OBJECTS_PUBLISH, NULL, (struct sv){ uri, lens[i] },
				    (struct sv){ uri + lens[i] - 1, (size_t)(1 + pass) });
				uri[lens[i] - 1] = 'u';
			}
		assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), 0);
		b = (struct buf)BUF_INIT;
		kit_sound(o);
	}
	assert_int_equal(kit_stat(o).n_names, 3 * ARRAY_LEN(lens));
	r = kit_reader();
	v = kit_view(r);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++)
		for (char last = 'a'; last <= 'd'; last++) {
			uri[lens[i] - 1] = last;
			assert_int_equal(objects_view_name(v, id, (struct sv){ uri, lens[i] }, h),
			    last == 'd' ? -ENOENT : 0);
			if (last != 'd') {
				assert_int_equal(objects_view_get(v, h, &got), 0);
				assert_int_equal(got.p[0], last);
			}
			uri[lens[i] - 1] = 'u';
		}
	objects_view_free(v);
	objects_reader_free(r);
	/* One more is too long; a key, too. */
	kit_record(&b, OBJECTS_PUBLISH, NULL, (struct sv){ uri, 2049 }, SV("x"));
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), -EBADMSG);
	{
		struct objects_source s;

		assert_int_equal(objects_source(o, (struct sv){ uri, 2049 }, NOW, &s), -EINVAL);
		assert_int_equal(objects_source(o, (struct sv){ uri, 0 }, NOW, &s), -EINVAL);
		assert_int_equal(objects_source(o, SV("a b"), NOW, &s), -EINVAL);
		assert_int_equal(objects_source(o, (struct sv){ uri, 2048 }, NOW, &s), 0);
		assert_int_equal(s.id, id + 1);
		assert_int_equal(objects_source(o, (struct sv){ uri, 2047 }, NOW, &s), 0);
		assert_int_equal(s.id, id + 2);
		assert_int_equal(objects_source(o, (struct sv){ uri, 2048 }, NOW, &s), 0);
		assert_int_equal(s.id, id + 1);
		assert_int_equal(s.key.n, 2048);
	}
	kit_sound(o);
	objects_free(o);
}

struct listed {
	char	all[4000];
	size_t	n;
	size_t	stop;
};

static bool
list_name(void *arg, struct sv uri, const uint8_t *hash UNUSED)
{
	struct listed *l = arg;
	size_t at = strlen(l->all);

	(void)snprintf(l->all + at, sizeof(l->all) - at, "%.*s ", SV_ARG(uri));
	return ++l->n != l->stop;
}

static bool
list_source(void *arg, const struct objects_source *s)
{
	return list_name(arg, s->key, NULL);
}

static void
lists(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t x = kit_source(o, "https://x/n.xml"), y = kit_source(o, "https://y/n.xml");
	struct objects_reader *r;
	struct objects_view *v;
	struct objects_source s;
	struct buf b = BUF_INIT;
	struct listed l = { .stop = 0 };

	kit_add(&b, 'p', NULL, "b", "1");
	kit_add(&b, 'p', NULL, "aa", "1");
	kit_add(&b, 'p', NULL, "a", "2");
	assert_int_equal(kit_stage(o, x, true, &b, "s", NOW, NULL), 0);
	b = (struct buf)BUF_INIT;
	kit_add(&b, 'p', NULL, "c", "1");
	assert_int_equal(kit_stage(o, y, true, &b, "s", NOW, NULL), 0);
	r = kit_reader();
	v = kit_view(r);
	assert_int_equal(objects_view_names(v, x, list_name, &l), 0);
	assert_string_equal(l.all, "a aa b ");
	l = (struct listed){ .stop = 2 };
	assert_int_equal(objects_view_names(v, x, list_name, &l), 0);
	assert_string_equal(l.all, "a aa ");
	l = (struct listed){ .stop = 0 };
	assert_int_equal(objects_view_names(v, y + 1, list_name, &l), 0);
	assert_string_equal(l.all, "");
	assert_int_equal(objects_view_sources(v, list_source, &l), 0);
	assert_string_equal(l.all, "https://x/n.xml https://y/n.xml ");
	assert_int_equal(objects_view_source(v, SV("https://y/n.xml"), &s), 0);
	assert_int_equal(s.id, y);
	assert_int_equal(s.n_names, 1);
	assert_int_equal(objects_view_source(v, SV("https://z/n.xml"), &s), -ENOENT);
	/* A view is a moment: what comes later is seen by a later one. */
	b = (struct buf)BUF_INIT;
	kit_add(&b, 'p', NULL, "d", "1");
	assert_int_equal(kit_stage(o, y, true, &b, "s", NOW, NULL), 0);
	has(v, y, "c", "1");
	has(v, y, "d", NULL);
	objects_view_free(v);
	v = kit_view(r);
	has(v, y, "c", NULL);
	has(v, y, "d", "1");
	/* Pages may leave memory at any time. */
	objects_reader_forget(r);
	has(v, y, "d", "1");
	objects_view_free(v);
	objects_reader_free(r);
	objects_free(o);
}

static void
source_goes(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t x = kit_source(o, "https://x/n.xml"), y = kit_source(o, "https://y/n.xml"), again;
	unsigned n;

	kit_many(o, x, 100, 0);
	kit_many(o, y, 10, 95);
	assert_int_equal(objects_source_del(o, 77), -ENOENT);
	assert_int_equal(objects_source_del(o, x), 0);
	again = kit_source(o, "https://x/n.xml");
	assert_int_not_equal(again, x);
	kit_many(o, again, 3, 200);
	/* Half-way; it goes on after a restart. */
	{
		bool more;

		assert_int_equal(objects_gc(o, NOW, 30, &more), 0);
		assert_true(more);
		assert_int_equal(kit_stat(o).n_names, 70 + 10 + 3);
		kit_sound(o);
		objects_free(o);
		o = kit_open();
	}
	(void)kit_gc(o, NOW, 30);
	assert_int_equal(kit_stat(o).n_names, 10 + 3);
	assert_int_equal(kit_stat(o).n_dead, 95);
	kit_sound(o);
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	(void)kit_gc(o, NOW + GRACE, 30);
	assert_int_equal(kit_stat(o).n_objects, 10 + 3);
	holds(y, "u000099", "object 99");
	holds(x, "u000099", NULL);
	/* Nobody asked for y for ever so long. */
	{
		struct objects_source s;

		assert_int_equal(objects_source(o, SV("https://x/n.xml"), NOW + 90 * 86400, &s), 0);
	}
	assert_int_equal(objects_sources_expire(o, NOW + 1, &n), 0);
	assert_int_equal(n, 1);
	(void)kit_gc(o, NOW, 30);
	assert_int_equal(kit_stat(o).n_names, 3);
	assert_int_equal(kit_stat(o).n_sources, 1);
	kit_sound(o);
	objects_free(o);
}

/* A commit to a source that went meanwhile. */
static void
commit_to_nobody(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://x/n.xml");
	struct buf b = BUF_INIT;

	assert_int_equal(objects_source_del(o, id), 0);
	kit_add(&b, 'p', NULL, "a", "1");
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), -ENOENT);
	assert_int_equal(objects_source_checked(o, id, SV("s"), NOW), -ENOENT);
	kit_sound(o);
	objects_free(o);
}

static void
states(void **state UNUSED)
{
	static char big[OBJECTS_STATE_MAX + 1];
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://x/n.xml");
	struct objects_source s;
	struct buf b = BUF_INIT;

	memset(big, 's', sizeof(big));
	assert_int_equal(objects_source_checked(o, id, (struct sv){ big, OBJECTS_STATE_MAX }, NOW + 9), 0);
	assert_int_equal(objects_source(o, SV("https://x/n.xml"), NOW, &s), 0);
	assert_int_equal(s.state.n, OBJECTS_STATE_MAX);
	assert_memory_equal(s.state.p, big, OBJECTS_STATE_MAX);
	assert_int_equal(s.checked, NOW + 9);
	assert_int_equal(s.changed, 0);
	assert_int_equal(objects_source_checked(o, id, (struct sv){ big, sizeof(big) }, NOW), SE_LIMIT);
	{
		struct objects_stage *st;
		struct objects_change ch;

		assert_int_equal(objects_stage_new(o, id, true, &st), 0);
		assert_int_equal(objects_stage_commit(st, (struct sv){ big, sizeof(big) }, NOW, &ch), SE_LIMIT);
	}
	kit_add(&b, 'p', NULL, "a", "1");
	assert_int_equal(kit_stage(o, id, true, &b, "small", NOW + 10, NULL), 0);
	assert_int_equal(objects_source(o, SV("https://x/n.xml"), NOW, &s), 0);
	assert_true(sv_eq_str(s.state, "small"));
	kit_sound(o);
	objects_free(o);
}

static enum objects_fact
fact(unsigned i)
{
	struct objects_reader *r = kit_reader();
	struct objects_view *v = kit_view(r);
	uint8_t f[OBJECTS_HASH_LEN] = { 0 };
	enum objects_fact a;

	memcpy(f + 8, &i, sizeof(i));
	a = objects_view_fact(v, f);
	objects_view_free(v);
	objects_reader_free(r);
	return a;
}

static int
facts_put(struct objects *o, unsigned from, unsigned n, bool touch, int64_t now)
{
	uint8_t *f = calloc(n + 1, OBJECTS_HASH_LEN);
	struct sv all = { (const char *)f, n * OBJECTS_HASH_LEN };
	int rc;

	for (unsigned i = 0; i < n; i++) {
		unsigned x = from + (n - 1 - i);

		memcpy(f + i * OBJECTS_HASH_LEN + 8, &x, sizeof(x));
	}
	rc = touch ? objects_facts_touch(o, all, now) : objects_facts_put(o, all, now);
	free(f);
	return rc;
}

static void
facts(void **state UNUSED)
{
	const int64_t day = 24 * 3600;
	struct objects *o = kit_open();

	assert_int_equal(facts_put(o, 0, 10, false, NOW), 0);
	assert_int_equal(facts_put(o, 5, 10, false, NOW), 0);
	assert_int_equal(kit_stat(o).n_facts, 15);
	assert_int_equal(fact(14), OBJECTS_FACT_YOUNG);
	assert_int_equal(fact(15), OBJECTS_FACT_NONE);
	/* A day later all are the older generation; what is used comes along. */
	assert_int_equal(facts_put(o, 20, 1, false, NOW + day), 0);
	assert_int_equal(fact(3), OBJECTS_FACT_OLD);
	assert_int_equal(fact(20), OBJECTS_FACT_YOUNG);
	assert_int_equal(facts_put(o, 3, 2, true, NOW + day), 0);
	assert_int_equal(facts_put(o, 100, 2, true, NOW + day), 0);
	assert_int_equal(fact(3), OBJECTS_FACT_YOUNG);
	assert_int_equal(fact(5), OBJECTS_FACT_OLD);
	assert_int_equal(fact(100), OBJECTS_FACT_NONE);
	/* And then the older one is forgotten. */
	assert_int_equal(facts_put(o, 30, 1, false, NOW + 2 * day), 0);
	assert_int_equal(fact(3), OBJECTS_FACT_OLD);
	assert_int_equal(fact(5), OBJECTS_FACT_NONE);
	assert_int_equal(fact(30), OBJECTS_FACT_YOUNG);
	/* A clock that went back does not stop the turning for ever. */
	assert_int_equal(facts_put(o, 40, 1, false, NOW), 0);
	assert_int_equal(facts_put(o, 41, 1, false, NOW + 1), 0);
	assert_int_equal(fact(40), OBJECTS_FACT_YOUNG);
	kit_sound(o);
	objects_free(o);
}

static void
pins(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t all[64], n = 0;

	while (n < ARRAY_LEN(all) && objects_pin(o, &all[n]) == 0)
		n++;
	assert_true(n >= 8 && n < ARRAY_LEN(all));
	objects_unpin(o, all[3]);
	objects_unpin(o, all[3]);
	objects_unpin(o, 12345);
	assert_int_equal(objects_pin(o, &all[3]), 0);
	assert_int_equal(objects_pin(o, &all[n]), SE_LIMIT);
	for (uint32_t i = 0; i < n; i++)
		objects_unpin(o, all[i]);
	objects_free(o);
}

/* Full: what was there stays, and can be deleted again. */
static void
full(void **state UNUSED)
{
	static char junk[200000];
	struct objects *o = kit_open_max(8 * MIB, NULL);
	uint32_t id = kit_source(o, "https://x/n.xml"), k = 0;
	struct objects_stat st;
	struct buf b;
	int rc;

	kit_many(o, id, 100, 0);
	for (rc = 0; rc == 0 && k < 1000; k++) {
		char key[64];

		(void)snprintf(key, sizeof(key), "https://junk%u/n.xml", k);
		b = (struct buf)BUF_INIT;
		memset(junk, (int)k, sizeof(junk));
		kit_record(&b, OBJECTS_PUBLISH, NULL, sv_str(key), (struct sv){ junk, sizeof(junk) });
		rc = kit_stage(o, kit_source(o, key), true, &b, "s", NOW, NULL);
	}
	assert_int_equal(rc, SE_LIMIT);
	st = kit_stat(o);
	assert_true(st.bytes_file <= 8 * MIB);
	holds(id, "u000005", "object 5");
	kit_sound(o);
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	for (uint32_t i = 0; i < k; i++)
		assert_int_equal(objects_source_del(o, 2 + i), 0);
	(void)kit_gc(o, NOW, 100);
	(void)kit_gc(o, NOW + GRACE, 100);
	assert_true(kit_stat(o).bytes_used < MIB);
	/* Room again. */
	kit_many(o, id, 500, 100);
	kit_sound(o);
	objects_free(o);
}

static int
junk_add(struct objects *o, uint32_t k)
{
	static char junk[300000];
	char key[64];
	struct buf b = BUF_INIT;
	struct objects_source s;
	int rc;

	(void)snprintf(key, sizeof(key), "https://junk%u/n.xml", k);
	memset(junk, (int)k, sizeof(junk));
	if ((rc = objects_source(o, sv_str(key), NOW, &s)) < 0)
		return rc;
	kit_record(&b, OBJECTS_PUBLISH, NULL, sv_str(key), (struct sv){ junk, sizeof(junk) });
	return kit_stage(o, s.id, true, &b, "s", NOW, NULL);
}

/*
 * The disk is full in the midst of a write, which LMDB calls EIO: that ends a
 * life of the store; a full disk must not.
 */
static void
disk_full(void **state UNUSED)
{
	struct objects *o;
	uint32_t id, k;
	int rc = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", kit_dir, "tmpfs", 0, "size=3m") < 0)
		skip();		/* a plain user */
	o = kit_open_max(64 * MIB, NULL);
	id = kit_source(o, "https://x/n.xml");
	kit_many(o, id, 100, 0);
	for (k = 0; rc == 0 && k < 100; k++)
		rc = junk_add(o, k);
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(junk_add(o, k), -ENOSPC);
	holds(id, "u000005", "object 5");
	kit_sound(o);
	assert_int_equal(mount("none", kit_dir, NULL, MS_REMOUNT, "size=8m"), 0);
	assert_int_equal(junk_add(o, k), 0);
	kit_sound(o);
	objects_free(o);
	assert_int_equal(umount(kit_dir), 0);
}

/* One server alone may not fill it: a quarter is its share, what is there already apart. */
static void
share(void **state UNUSED)
{
	static char junk[1000000];
	struct objects *o = kit_open_max(64 * MIB, NULL);
	uint32_t id = kit_source(o, "https://x/n.xml");

	for (int pass = 0; pass < 3; pass++) {
		struct objects_stage *s;
		char uri[16];
		int rc = 0;

		assert_int_equal(objects_stage_new(o, id, true, &s), 0);
		for (int i = 0; i < (pass == 2 ? 17 : 15) && rc == 0; i++) {
			struct buf b = BUF_INIT;

			memset(junk, i + (pass == 2 ? 100 : 0), sizeof(junk));
			(void)snprintf(uri, sizeof(uri), "u%d", i);
			kit_record(&b, OBJECTS_PUBLISH, NULL, sv_str(uri),
			    (struct sv){ junk, sizeof(junk) });
			rc = objects_stage_batch(s, buf_get(&b), NOW);
			buf_done(&b);
		}
		assert_int_equal(rc, pass == 2 ? SE_LIMIT : 0);
		objects_stage_abort(s);
	}
	kit_sound(o);
	objects_free(o);
}

static void
one_writer(void **state UNUSED)
{
	const struct objects_conf conf = { .folder = kit_dir, .max_bytes = MIB, .digest = crypto_sha256 };
	struct objects *o = kit_open(), *p = NULL;
	struct objects_found found;

	assert_int_equal(objects_open(&conf, &p, &found), SE_LOCKED);
	assert_null(p);
	objects_free(o);
}

static void
no_store_yet(void **state UNUSED)
{
	struct objects_reader *r = NULL;

	assert_int_equal(objects_reader_open(kit_dir, crypto_sha256, &r), -ENOENT);
	assert_null(r);
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, kit_setup, kit_teardown)

TESTS_MAIN("objects", S(snapshot_and_deltas), S(deltas_fit_or_not), S(batches_refused),
    S(twice_in_a_snapshot), S(name_what_is_there), S(shared_objects), S(long_uris), S(lists),
    S(source_goes), S(commit_to_nobody), S(states), S(facts), S(pins),
    S(full), S(disk_full), S(share), S(one_writer), S(no_store_yet))
