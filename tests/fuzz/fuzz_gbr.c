/* Contact data: what is accepted has a name, a way to reach it, and no surprise. */
#include "base/json.h"
#include "fuzz_rpki.h"

static void
printable(struct sv s)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);

		must(n > 0 && s.p[0] != '\n' && s.p[0] != '\r' && s.p[0] != '\033');
		s = sv_skip(s, n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sv in = { (const char *)p, n };
	struct rpki_object o = { 0 };
	FUZZ_BEGIN(f);

	must(gbr_parse(f.pool, in, &f.fs, &o) == 0);
	must(o.gbr != NULL || findings_reject(&f.fs));
	if (o.gbr != NULL && !findings_reject(&f.fs)) {
		must(o.gbr->fn.n > 0 && o.gbr->adr.n + o.gbr->tel.n + o.gbr->email.n > 0);
		must(object_contents_copy(f.pool, &o) == 0);
		printable(o.gbr->fn);
		printable(o.gbr->org);
		printable(o.gbr->adr);
		printable(o.gbr->tel);
		printable(o.gbr->email);
	}
	fuzz_end(&f);
	return 0;
}
