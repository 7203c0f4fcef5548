/* The content of TAKs: what is accepted is a key with its places. */
#include "fuzz_rpki.h"

static void
key_check(const struct tak_key *k)
{
	must(k->modulus.n == 256 && k->exponent == 65537 && k->n_uris > 0 && k->spki.n > 256);
	for (size_t i = 0; i < k->n_uris; i++)
		must(rsync_uri_valid(k->uris[i]) || https_uri_valid(k->uris[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sv in = { (const char *)p, n };
	struct rpki_object o = { 0 };
	struct cert ee = { 0 };
	FUZZ_BEGIN(f);

	must(tak_parse(f.pool, in, &f.fs, &o) == 0);
	must(o.tak != NULL || findings_reject(&f.fs));
	if (o.tak != NULL) {
		struct rpki_ca ca = { .modulus = o.tak->current.modulus,
		    .exponent = o.tak->current.exponent };

		must(object_contents_copy(f.pool, &o) == 0);
		key_check(&o.tak->current);
		if (o.tak->has_predecessor)
			key_check(&o.tak->predecessor);
		if (o.tak->has_successor)
			key_check(&o.tak->successor);
		tak_check(&o, &ee, &ca, 1, &f.fs);
		must(!findings_reject(&f.fs));
	}
	fuzz_end(&f);
	return 0;
}
