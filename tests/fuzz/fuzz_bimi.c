/* bimi: a record, then (behind a NUL) the evidence: whatever it is, it ends; only a trusted chain is good. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/bimi.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
record_look(struct pool *pool, struct sv text, struct findings *fs)
{
	struct bimi_record *r = NULL;

	must(bimi_record_parse(pool, text, fs, &r) == 0);
	must(r == NULL || (sv_graphic(r->location) && sv_graphic(r->evidence)));
	must(r == NULL || !r->is_bad || findings_reject(fs));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n }, record = sv_cut(&text, '\0');
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct bimi_out out = { .selector = SV("default") };
	struct bimi_evidence_in in = { .pem = text, .roots = text, .out = &out, .now = 1800000000 };
	struct bimi_evidence e = { .is_good = false };
	struct findings fs;

	must(pool != NULL && mail_domain(SV("example.com"), &out.domain) == 0);
	out.author = out.domain;
	findings_init(&fs, pool);
	record_look(pool, record, &fs);
	findings_init(&fs, pool);
	must(bimi_evidence_check(&in, pool, &fs, &e) == 0);
	must(e.is_good == !findings_reject(&fs));
	must(!e.is_good || e.has_logo);
	(void)pool_free(pool);
	return 0;
}
