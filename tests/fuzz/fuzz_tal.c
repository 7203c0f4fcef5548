/* Trust anchor locators: what is accepted has URIs and a key. */
#include "base/err.h"
#include "fuzz_rpki.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	FUZZ_BEGIN(f);
	struct tal t = { 0 };
	const char *why = NULL;
	unsigned line = 0;
	int rc = tal_parse(f.pool, (struct sv){ (const char *)p, n }, &t, &why, &line);

	must(rc == 0 || rc == SE_SYNTAX);
	must(rc == 0 || (why != NULL && line > 0));
	if (rc == 0) {
		struct rpki_opt opt = { .now = FUZZ_NOW };
		struct rpki_ca ca;
		bool ok;

		must(t.n_uris > 0 && t.n_uris <= RPKI_TAL_URIS_MAX && t.spki.n > 0);
		for (size_t i = 0; i < t.n_uris; i++)
			must(rsync_uri_valid(t.uris[i]) || https_uri_valid(t.uris[i]));
		must(rpki_ta_check(f.pool, &t, t.spki, &opt, &f.fs, &ca, &ok) == 0 && !ok);
	}
	fuzz_end(&f);
	return 0;
}
