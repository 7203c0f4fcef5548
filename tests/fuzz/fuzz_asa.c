/* The content of ASPAs: what is accepted is written back byte for byte. */
#include "fuzz_rpki.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sv in = { (const char *)p, n };
	struct rpki_object o = { 0 };
	FUZZ_BEGIN(f);

	must(aspa_parse(f.pool, in, &f.fs, &o) == 0);
	must(o.aspa != NULL || findings_reject(&f.fs));
	if (o.aspa != NULL && f.fs.head == NULL) {
		struct aspa_spec spec = { o.aspa->customer, o.aspa->providers, o.aspa->n_providers };
		uint8_t *out = pool_alloc(f.pool, n + 64);
		struct wr w = wr_mem(out, n + 64);

		must(out != NULL && o.aspa->n_providers > 0);
		for (uint32_t i = 0; i < o.aspa->n_providers; i++)
			must(o.aspa->providers[i] != o.aspa->customer &&
			    (i == 0 || o.aspa->providers[i - 1] < o.aspa->providers[i]));
		aspa_write(&w, &spec);
		must(wr_done(&w) && sv_eq(in, (struct sv){ (const char *)out, w.len }));
	}
	fuzz_end(&f);
	return 0;
}
