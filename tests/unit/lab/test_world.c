/* Whole worlds: the same bytes twice, what is written can be read again. */
#include "judge.h"

#include "base/hash.h"

static const char *const worlds[] = { "tiny.lab", "demo.lab", "faults.lab" };

static void
same_twice(void **state UNUSED)
{
	struct sv text;
	char *mem = description("tiny.lab", &text);
	struct lab_world *a = world_make(text, NULL), *b = world_make(text, NULL);

	assert_int_equal(a->n_objs, b->n_objs);
	for (size_t i = 0; i < a->n_objs; i++) {
		assert_string_equal(a->objs[i]->uri, b->objs[i]->uri);
		assert_int_equal(a->objs[i]->n_bytes, b->objs[i]->n_bytes);
		assert_memory_equal(a->objs[i]->bytes, b->objs[i]->bytes, a->objs[i]->n_bytes);
	}
	(void)lab_free(a);
	(void)lab_free(b);
	free(mem);
}

/* No two objects share a key, a serial number or a place. */
static void
all_distinct(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct lab_world *w;
	struct map seen = { 0 };

	lab_scale(&text, 5, 6);
	w = world_make(buf_get(&text), NULL);
	for (size_t i = 0; i < w->n_objs; i++) {
		const struct lab_obj *o = w->objs[i];

		assert_int_equal(map_add(&seen, sv_str(o->uri), w), 0);
		if (o->kind == LAB_CRL)
			continue;
		assert_int_equal(map_add(&seen, (struct sv){ (const char *)o->ski, 20 }, w), 0);
		assert_int_equal(map_add(&seen, o->cert.serial, w), 0);
	}
	map_done(&seen);
	(void)lab_free(w);
}

struct reader {
	const struct lab_world	*w;
	size_t			 i;
};

/* Objects come in the order of the world, hidden ones left out. */
static int
reader_object(void *arg, struct sv uri, struct sv bytes)
{
	struct reader *r = arg;

	while (r->i < r->w->n_objs && r->w->objs[r->i]->hidden)
		r->i++;
	assert_true(r->i < r->w->n_objs);
	assert_true(sv_eq_str(uri, r->w->objs[r->i]->uri));
	assert_int_equal(bytes.n, r->w->objs[r->i]->n_bytes);
	assert_memory_equal(bytes.p, r->w->objs[r->i]->bytes, bytes.n);
	r->i++;
	return 0;
}

static void
snapshot_read_again(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(worlds); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT, n = BUF_INIT;
		_cleanup_(rrdp_snapshot_freep) struct rrdp_snapshot *p = NULL;
		struct sv text;
		char *mem = description(worlds[i], &text), hex[65];
		struct lab_world *w = world_make(text, NULL);
		struct reader r = { w, 0 };
		uint8_t hash[32], again[32];

		assert_int_equal(lab_rrdp_write(w, &b, false, hash), 0);
		crypto_sha256(b.p, b.len, again);
		assert_memory_equal(hash, again, sizeof(hash));
		p = rrdp_snapshot_new(reader_object, &r);
		assert_int_equal(rrdp_snapshot_feed(p, b.p, b.len, true), 0);
		assert_int_equal(r.i, w->n_objs);
		lab_notification_write(w, &n, hash);
		buf_char(&n, '\0');
		assert_non_null(strstr(n.p, hex_encode(hex, hash, sizeof(hash))));
		(void)lab_free(w);
		free(mem);
	}
}

/* A world without a fault of its own is judged clean, and yields what it says. */
static void
payloads(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf csv = BUF_INIT, scale = BUF_INIT;
	struct sv all, line, text;
	char *mem = description("tiny.lab", &text);
	struct lab_world *w = world_make(text, NULL);
	struct judged *j = judge(w, RPKI_TOL_DEFAULT);
	size_t n = 0;

	lab_vrps_csv(w, &csv);
	all = buf_get(&csv);
	while (sv_line(&all, &line))
		n++;
	if (j->n_warn + j->n_reject > 0)
		fail_msg("%s", j->last);
	assert_int_equal(j->n_vrps + 1, n);
	free(j);
	(void)lab_free(w);
	free(mem);

	lab_scale(&scale, 3, 4);
	w = world_make(buf_get(&scale), NULL);
	j = judge(w, RPKI_TOL_DEFAULT);
	assert_int_equal(j->n_warn + j->n_reject, 0);
	assert_int_equal(j->n_points, 4);
	assert_int_equal(j->n_vrps, 3 * (4 + 2));
	free(j);
	(void)lab_free(w);
}

/* The demonstration: five faults, each with its finding, the rest stays. */
static void
demonstration(void **state UNUSED)
{
	struct sv text;
	char *mem = description("demo.lab", &text);
	struct lab_world *w = world_make(text, NULL);
	struct judged *j = judge(w, RPKI_TOL_DEFAULT);

	assert_int_equal(j->n_code[RPKI_MFT_FILE_MISSING], 1);
	assert_int_equal(j->n_code[RPKI_CMS_DIGEST], 1);
	assert_int_equal(j->n_code[RPKI_CERT_EXPIRED], 1);
	assert_int_equal(j->n_code[RPKI_CERT_OVERCLAIM], 1);
	assert_int_equal(j->n_code[RPKI_MFT_STALE], 1);
	assert_int_equal(j->n_reject, 5);
	assert_int_equal(j->n_vrps, 7);
	assert_int_equal(j->n_aspas, 4);
	free(j);
	(void)lab_free(w);
	free(mem);
}

TESTS_MAIN("lab world", T(same_twice), T(all_distinct), T(snapshot_read_again), T(payloads),
    T(demonstration))
