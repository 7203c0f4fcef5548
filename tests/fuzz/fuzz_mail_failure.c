/* The octets of a failure report: what is taken as one is written as the same octets again. */
#include <stdlib.h>

#include "app/mail_failure.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t octets[MAIL_FAILURE_OCTETS_MAX];
	struct sv in = { (const char *)data, n };
	struct wr w = wr_mem(octets, sizeof(octets));
	struct mail_failure f;

	if (mail_failure_parse(in, &f) < 0)
		return 0;
	must(f.n_to > 0 && f.n_to <= DMARC_URIS_MAX && f.alike.n == MAIL_FAILURE_ALIKE_LEN);
	must(mail_failure_write(&w, &f) == 0);
	must(sv_eq((struct sv){ (char *)octets, w.len }, in));
	return 0;
}
