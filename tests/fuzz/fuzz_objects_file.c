/*
 * A store's file with bytes changed: what file_walk() lets pass must not
 * crash LMDB, neither a reader nor the writer. The input is a list of
 * changes, 4 bytes each: where (24 bits, modulo the file's size), what.
 */
#include <fcntl.h>

#include "objects_kit.h"
#include "base/err.h"
#include "store/internal.h"

static uint8_t	*base;
static size_t	 base_len;
static char	 file[96];

static void
record(struct buf *b, struct sv uri, struct sv bytes)
{
	const uint8_t head[8] = { OBJECTS_PUBLISH, 0, (uint8_t)(uri.n >> 8), (uint8_t)uri.n, 0, 0,
	    (uint8_t)(bytes.n >> 8), (uint8_t)bytes.n };

	buf_bytes(b, head, sizeof(head));
	buf_sv(b, uri);
	buf_sv(b, bytes);
}

static int
change(struct objects *o, uint32_t id, unsigned g)
{
	static char bytes[6000];
	struct objects_change ch;
	struct objects_stage *s;
	struct buf b = BUF_INIT;
	char uri[512];
	int rc;

	for (unsigned i = 0; i < 40; i++) {
		int n = snprintf(uri, sizeof(uri), "rsync://a/%02u", i);

		memset(uri + n, 'u', 480);
		(void)snprintf(bytes, sizeof(bytes), "%u of %u", i, i % 2 == 0 ? g : 0);
		record(&b, (struct sv){ uri, i % 9 == 0 ? 480 : (size_t)n },
		    (struct sv){ bytes, i % 8 == 0 ? 5000 : 200 });
	}
	if ((rc = objects_stage_new(o, id, true, &s)) == 0 &&
	    (rc = objects_stage_batch(s, buf_get(&b), NOW + g)) < 0)
		objects_stage_abort(s);
	else if (rc == 0)
		rc = objects_stage_commit(s, SV("state"), NOW + g, &ch);
	buf_done(&b);
	return rc;
}

/* A file with all tables, two levels, overflow and free pages. */
static void
base_make(void)
{
	uint8_t pairs[64 * 100];
	struct buf points = BUF_INIT;
	struct objects_source src;
	struct objects_found found;
	struct objects *o;
	bool more = true;
	FILE *f;

	kit_folder();
	o = kit_store(&found);
	must(objects_source(o, SV("https://a/n.xml"), NOW, &src) == 0);
	must(objects_hold(o, (struct sv){ NULL, 0 }) == 0);
	for (unsigned g = 0; g < 3; g++)
		must(change(o, src.id, g) == 0);
	for (size_t i = 0; i < sizeof(pairs); i++)
		pairs[i] = (uint8_t)(i * 7 + i / 64);
	/* Keys and hashes; some keep what stands in the first rows. */
	for (size_t i = 0; i < sizeof(pairs) / 64; i++) {
		const uint8_t kept = (uint8_t)(i % 3 * 60);

		buf_bytes(&points, pairs + i * 64, 64);
		buf_bytes(&points, (const uint8_t[4]){ 0, 0, 0, kept }, 4);
		buf_bytes(&points, pairs, kept);
	}
	must(objects_points_put(o, buf_get(&points), NOW) == 0);
	buf_done(&points);
	must(objects_facts_put(o, (struct sv){ (char *)pairs, sizeof(pairs) }, NOW) == 0);
	while (more)
		must(objects_gc(o, NOW + 2, 1000, &more) == 0);
	(void)objects_free(o);
	(void)snprintf(file, sizeof(file), "%s/data.mdb", kit_dir);
	base = malloc(1 << 22);
	must((f = fopen(file, "rb")) != NULL && base != NULL);
	base_len = fread(base, 1, 1 << 22, f);
	(void)fclose(f);
}

static bool
see(void *arg, struct sv uri, const uint8_t *hash)
{
	volatile uint8_t sum = uri.n > 0 ? (uint8_t)uri.p[uri.n - 1] : 0;
	struct sv got;

	if (objects_view_get(arg, hash, &got) == 0)
		for (size_t i = 0; i < got.n; i++)
			sum = (uint8_t)(sum + (uint8_t)got.p[i]);
	return true;
}

static bool
see_point(void *arg, const uint8_t *key, const uint8_t *hash UNUSED)
{
	(void)objects_view_fact(arg, key);
	return true;
}

static bool
see_source(void *arg, const struct objects_source *s)
{
	(void)!objects_view_names(arg, s->id, see, arg);
	return true;
}

static void
use(void)
{
	struct objects_reader *r = NULL;
	struct objects_view *v = NULL;
	struct objects_source src;
	struct objects_found found;
	struct objects *o = NULL;
	const char *what;
	bool more = true;
	int rc;

	/* The letters of the format may be others: a file of another version. */
	rc = kit_open(&o, &found);
	must(rc == 0 || rc == SE_FORMAT);
	if (rc < 0)
		return;
	if (objects_reader_open(kit_dir, kit_digest, &r) == 0 && objects_view_new(r, &v) == 0) {
		(void)!objects_view_sources(v, see_source, v);
		(void)!objects_view_points(v, see_point, v);
	}
	(void)objects_view_free(v);
	(void)objects_reader_free(r);
	if (objects_source(o, SV("https://a/n.xml"), NOW, &src) == 0)
		(void)!change(o, src.id, 9);
	(void)!objects_hold(o, (struct sv){ NULL, 0 });
	for (int i = 0; i < 100 && more; i++)
		if (objects_gc(o, NOW + 9, 1000, &more) < 0)
			more = false;
	(void)!objects_check(o, true, &what);
	(void)objects_free(o);
	(void)snprintf(file, sizeof(file), "%s/crashes", kit_dir);
	(void)unlink(file);
	(void)snprintf(file, sizeof(file), "%s/in-use", kit_dir);
	(void)unlink(file);
	(void)snprintf(file, sizeof(file), "%s/data.mdb", kit_dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rd r = rd_mem(p, n);
	uint8_t *copy;
	int fd;

	if (base == NULL)
		base_make();
	must((copy = malloc(base_len)) != NULL);
	memcpy(copy, base, base_len);
	while (rd_left(&r) >= 4) {
		uint32_t v = rd_be32(&r);

		copy[(v >> 8) % base_len] = (uint8_t)v;
	}
	must((fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0640)) >= 0);
	must(write(fd, copy, base_len) == (ssize_t)base_len);
	(void)close(fd);
	free(copy);
	if (file_walk(file, true) == 0)
		use();
	return 0;
}
