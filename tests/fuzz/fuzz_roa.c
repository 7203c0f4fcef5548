/* The content of ROAs: payloads are sound, and parse, write, parse gives the same. */
#include "fuzz_rpki.h"

static void
round_trip(struct fuzz *f, const struct rpki_object *o, uint32_t asn, size_t n)
{
	struct roa_entry *e = pool_calloc(f->pool, o->n_vrps + 1, sizeof(*e));
	uint8_t *out = pool_alloc(f->pool, n + 64);
	struct wr w = wr_mem(out, n + 64);
	struct roa_spec spec = { asn, e, o->n_vrps };
	struct rpki_object again = { 0 };

	must(e != NULL && out != NULL);
	for (size_t i = 0; i < o->n_vrps; i++) {
		memcpy(e[i].px.addr, o->vrps[i].addr, 16);
		e[i].px.len = o->vrps[i].len;
		e[i].px.af = o->vrps[i].af;
		e[i].max_len = o->vrps[i].max_len;
	}
	roa_write(&w, &spec);
	must(wr_done(&w) && w.len <= n);
	must(roa_parse(f->pool, (struct sv){ (const char *)out, w.len }, &f->fs, &again) == 0);
	must(!findings_reject(&f->fs) && again.n_vrps == o->n_vrps);
	must(o->n_vrps == 0 || memcmp(again.vrps, o->vrps, o->n_vrps * sizeof(*o->vrps)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cert ee = { .res.v4 = { .present = true } };
	struct rpki_object o = { 0 };
	FUZZ_BEGIN(f);

	must(roa_parse(f.pool, (struct sv){ (const char *)p, n }, &f.fs, &o) == 0);
	for (size_t i = 0; i < o.n_vrps; i++)
		must(vrp_is_sound(&o.vrps[i]));
	must(findings_reject(&f.fs) || o.n_vrps > 0);
	if (f.fs.head == NULL)
		round_trip(&f, &o, o.vrps[0].asn, n);
	roa_check(&o, &ee, &ee.res, &f.fs);
	must(o.n_vrps == 0 || findings_reject(&f.fs));	/* nobody holds anything */
	fuzz_end(&f);
	return 0;
}
