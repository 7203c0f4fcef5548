/* A whole object alone, as `rpki explain FILE` reads it; the first byte is its type. */
#include <stdio.h>

#include "fuzz_rpki.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const exts[] = { "mft", "roa", "asa", "gbr", "tak", "spl", "sig", "cer",
	    "crl", "xyz" };
	FUZZ_BEGIN(f);
	struct rpki_opt opt = { .now = FUZZ_NOW, .keep_objects = true };
	struct sv ski = { NULL, 0 }, aki = { NULL, 0 }, aia = { NULL, 0 };
	struct rpki_object o;
	char uri[64];

	if (n > 0) {
		opt.tolerate = p[0] >> 4;
		(void)snprintf(uri, sizeof(uri), "rsync://rpki.example/repo/a.%s",
		    exts[(p[0] & 15) % ARRAY_LEN(exts)]);
		must(rpki_object_check(f.pool, sv_str(uri), (struct sv){ (const char *)p + 1, n - 1 },
		    &opt, &f.fs, &o, &ski, &aki, &aia) == 0);
		must((o.verdict == V_REJECTED) == findings_reject(&f.fs));
		fuzz_resources(&o.res);
		for (size_t i = 0; i < o.n_vrps; i++)
			must(vrp_is_sound(&o.vrps[i]));
	}
	fuzz_end(&f);
	return 0;
}
