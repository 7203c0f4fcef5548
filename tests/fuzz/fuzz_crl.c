/* CRLs: sorted, and each entry is found. */
#include "fuzz_rpki.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rpki_ca ca = { .ski = SV("12345678901234567890") };
	FUZZ_BEGIN(f);
	struct crl *c;

	must(crl_parse(f.pool, (struct sv){ (const char *)p, n }, 0, &f.fs, &c) == 0);
	must(c != NULL || findings_reject(&f.fs));
	if (c != NULL) {
		for (size_t i = 0; i < c->n; i++)
			must(crl_find(c, c->entries[i].serial) != NULL);
		must(crl_find(c, SV("\x7fno serial number of twenty")) == NULL);
		crl_check(c, &ca, FUZZ_NOW, &f.fs);
	}
	fuzz_end(&f);
	return 0;
}
