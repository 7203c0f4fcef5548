/* The content of manifests: what is accepted is written back byte for byte. */
#include "fuzz_rpki.h"

static void
round_trip(struct fuzz *f, const struct mft *m, struct sv in)
{
	struct mft_entry *e = pool_calloc(f->pool, m->n + 1, sizeof(*e));
	uint8_t *out = pool_alloc(f->pool, in.n + 64);
	struct wr w = wr_mem(out, in.n + 64);
	struct mft_spec spec = { m->number, m->this_update, m->next_update, e, m->n };

	must(e != NULL && out != NULL);
	for (size_t i = 0; i < m->n; i++) {
		e[i].name = m->files[i].name;
		must(m->files[i].hash.n == SHA256_LEN);
		memcpy(e[i].hash, m->files[i].hash.p, SHA256_LEN);
	}
	mft_write(&w, &spec);
	must(wr_done(&w) && sv_eq(in, (struct sv){ (const char *)out, w.len }));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sv in = { (const char *)p, n };
	struct cert ee = { .not_after = INT64_MAX };
	FUZZ_BEGIN(f);
	struct mft *m;

	must(mft_parse(f.pool, in, &f.fs, &m) == 0);
	must(m != NULL || findings_reject(&f.fs));
	if (m != NULL && !findings_reject(&f.fs))
		round_trip(&f, m, in);
	if (m != NULL)
		mft_check(m, &ee, FUZZ_NOW, &f.fs);
	fuzz_end(&f);
	return 0;
}
