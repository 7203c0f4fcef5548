/* What the tests of the object store share: folders, batches, names. */
#ifndef TESTS_UNIT_STORE_OBJECTS_KIT_H
#define TESTS_UNIT_STORE_OBJECTS_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "store/objects.h"

#define NOW	1700000000
#define GRACE	3600
#define MIB	((uint64_t)1 << 20)
#define RSYNC	"rsync://rpki.example/repo/"

static char kit_dir[64];

UNUSED static int
kit_setup(void **state UNUSED)
{
	/* Thousands of transactions: where syncing costs nothing, if there is such a place. */
	(void)snprintf(kit_dir, sizeof(kit_dir), "%s/sekisho-objects-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	return mkdtemp(kit_dir) == NULL;
}

UNUSED static int
kit_teardown(void **state UNUSED)
{
	char cmd[256];

	(void)snprintf(cmd, sizeof(cmd), "chmod -R u+rwX %s; rm -rf %s", kit_dir, kit_dir);
	return system(cmd);
}

UNUSED static struct objects *
kit_open_max(uint64_t max, struct objects_found *found)
{
	const struct objects_conf conf = { .folder = kit_dir, .max_bytes = max,
	    .grace_sec = GRACE, .digest = crypto_sha256 };
	struct objects *o = NULL;
	struct objects_found ignored;

	assert_int_equal(objects_open(&conf, &o, found != NULL ? found : &ignored), 0);
	return o;
}

UNUSED static struct objects *
kit_open(void)
{
	return kit_open_max(256 * MIB, NULL);
}

UNUSED static void
kit_record(struct buf *b, enum objects_op op, const uint8_t *old, struct sv uri, struct sv bytes)
{
	const uint8_t head[8] = { (uint8_t)op, old != NULL, (uint8_t)(uri.n >> 8), (uint8_t)uri.n,
	    (uint8_t)(bytes.n >> 24), (uint8_t)(bytes.n >> 16), (uint8_t)(bytes.n >> 8),
	    (uint8_t)bytes.n };

	buf_bytes(b, head, sizeof(head));
	if (old != NULL)
		buf_bytes(b, old, OBJECTS_HASH_LEN);
	buf_sv(b, uri);
	buf_sv(b, bytes);
}

UNUSED static struct sv
kit_hash(const char *text)
{
	static uint8_t h[OBJECTS_HASH_LEN];

	crypto_sha256(text, strlen(text), h);
	return (struct sv){ (const char *)h, sizeof(h) };
}

/* op: 'p' publish, 'w' withdraw, 'n' name what is there; old: text of the old object or NULL. */
UNUSED static void
kit_add(struct buf *b, char op, const char *old, const char *uri, const char *bytes)
{
	uint8_t h[OBJECTS_HASH_LEN];

	if (old != NULL)
		crypto_sha256(old, strlen(old), h);
	kit_record(b, op == 'p' ? OBJECTS_PUBLISH : op == 'w' ? OBJECTS_WITHDRAW : OBJECTS_NAME,
	    old != NULL ? h : NULL, sv_str(uri), sv_str(bytes));
}

UNUSED static uint32_t
kit_source(struct objects *o, const char *key)
{
	struct objects_source s;

	assert_int_equal(objects_source(o, sv_str(key), NOW, &s), 0);
	return s.id;
}

/* A record of objects_points_put(). */
UNUSED static void
kit_point(struct buf *b, const uint8_t key[static OBJECTS_HASH_LEN],
    const uint8_t hash[static OBJECTS_HASH_LEN], struct sv kept)
{
	const uint8_t len[4] = { (uint8_t)(kept.n >> 24), (uint8_t)(kept.n >> 16),
	    (uint8_t)(kept.n >> 8), (uint8_t)kept.n };

	buf_bytes(b, key, OBJECTS_HASH_LEN);
	buf_bytes(b, hash, OBJECTS_HASH_LEN);
	buf_bytes(b, len, sizeof(len));
	buf_sv(b, kept);
}

/* One stage of one batch; the batch ends here. */
UNUSED static int
kit_stage(struct objects *o, uint32_t id, bool replace, struct buf *b, const char *state,
    int64_t now, struct objects_change *ret)
{
	struct objects_change ignored;
	struct objects_stage *s;
	int rc;

	assert_int_equal(objects_stage_new(o, id, replace, &s), 0);
	rc = objects_stage_batch(s, buf_get(b), now);
	buf_done(b);
	if (rc < 0) {
		objects_stage_abort(s);
		return rc;
	}
	return objects_stage_commit(s, sv_str(state), now, ret != NULL ? ret : &ignored);
}

UNUSED static void
kit_many(struct objects *o, uint32_t id, unsigned n, unsigned from)
{
	struct buf b = BUF_INIT;
	char uri[64], bytes[64];

	for (unsigned i = from; i < from + n; i++) {
		(void)snprintf(uri, sizeof(uri), "u%06u", i);
		(void)snprintf(bytes, sizeof(bytes), "object %u", i);
		kit_add(&b, 'p', NULL, uri, bytes);
	}
	assert_int_equal(kit_stage(o, id, true, &b, "s", NOW, NULL), 0);
}

UNUSED static void
kit_sound(struct objects *o)
{
	const char *what = "";
	int rc = objects_check(o, true, &what);

	if (rc < 0)
		fail_msg("%s: %s", err_str(rc), what != NULL ? what : "");
}

UNUSED static struct objects_stat
kit_stat(struct objects *o)
{
	struct objects_stat st;

	assert_int_equal(objects_stat(o, &st), 0);
	return st;
}

/* Until nothing is left to do; the number of slices. */
UNUSED static unsigned
kit_gc(struct objects *o, int64_t now, unsigned n)
{
	unsigned slices = 0;
	bool more = true;

	for (; more; slices++)
		assert_int_equal(objects_gc(o, now, n, &more), 0);
	return slices;
}

UNUSED static struct objects_reader *
kit_reader(void)
{
	struct objects_reader *r = NULL;

	assert_int_equal(objects_reader_open(kit_dir, crypto_sha256, &r), 0);
	return r;
}

UNUSED static struct objects_view *
kit_view(struct objects_reader *r)
{
	struct objects_view *v = NULL;

	assert_int_equal(objects_view_new(r, &v), 0);
	return v;
}

/* The object that a URI names, read through the name and the hash. */
UNUSED static int
kit_look(struct objects_view *v, uint32_t id, const char *uri, struct sv *ret)
{
	uint8_t h[OBJECTS_HASH_LEN];
	int rc = objects_view_name(v, id, sv_str(uri), h);

	return rc < 0 ? rc : objects_view_get(v, h, ret);
}

#endif
