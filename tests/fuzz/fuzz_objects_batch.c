/*
 * A batch from a fetcher that has gone bad. Whatever it is, the store stays
 * consistent; and a snapshot that is taken has just the names that are in it.
 * First byte: bit 0: a snapshot; bit 1: a delta on top of it, the rest twice.
 */
#include "objects_kit.h"

/* Distinct URIs of well-formed records, the slow way. */
static uint64_t
names_in(struct sv batch)
{
	struct rd r = rd_sv(batch);
	struct sv seen[4096];
	size_t n = 0;

	while (rd_left(&r) > 0 && n < 4096) {
		uint8_t op = rd_u8(&r), has_old = rd_u8(&r);
		uint16_t uri = rd_be16(&r);
		uint32_t len = rd_be32(&r);
		bool known = false;

		(void)op;
		(void)rd_bytes(&r, has_old != 0 ? OBJECTS_HASH_LEN : 0);
		seen[n] = rd_slice(&r, uri);
		(void)rd_bytes(&r, len);
		for (size_t i = 0; i < n; i++)
			known = known || sv_eq(seen[i], seen[n]);
		n += !known;
	}
	return n;
}

static int
stage(struct objects *o, uint32_t id, bool replace, struct sv batch)
{
	struct objects_change ch;
	struct objects_stage *s;

	must(objects_stage_new(o, id, replace, &s) == 0);
	if (objects_stage_batch(s, batch, NOW) < 0) {
		objects_stage_abort(s);
		return -1;
	}
	return objects_stage_commit(s, SV("state"), NOW, &ch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct objects *o;
	struct objects_source src;
	struct objects_found found;
	struct sv batch = { (const char *)p + 1, n - 1 };
	const char *what;
	bool more = true;
	int rc;

	if (n < 1)
		return 0;
	if (o == NULL) {
		kit_folder();
		o = kit_store(&found);
		must(objects_hold(o, (struct sv){ NULL, 0 }) == 0);
	}
	must(objects_source(o, SV("https://a.example/n.xml"), NOW, &src) == 0);
	rc = stage(o, src.id, (p[0] & 1) != 0, batch);
	must(objects_source(o, SV("https://a.example/n.xml"), NOW, &src) == 0);
	must(rc < 0 || (p[0] & 1) == 0 || src.n_names == names_in(batch));
	if ((p[0] & 2) != 0)
		(void)stage(o, src.id, false, batch);
	must(objects_check(o, true, &what) == 0);
	must(objects_source_del(o, src.id) == 0);
	while (more)
		must(objects_gc(o, NOW, 1000, &more) == 0);
	return 0;
}
