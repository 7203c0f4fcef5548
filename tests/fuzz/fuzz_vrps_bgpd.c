/* Sets of bgpd.conf: what is read is sound, and reads the same when written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/vrps_bgpd.h"
#include "base/buf.h"
#include "out/payloads_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
same(const struct payloads *p, const struct payloads *q)
{
	if (p->n_vrps != q->n_vrps || p->n_aspas != q->n_aspas)
		abort();
	for (size_t i = 0; i < p->n_vrps; i++)
		if (vrp_cmp(&p->vrps[i], &q->vrps[i]) != 0)
			abort();
	for (size_t i = 0; i < p->n_aspas; i++) {
		const struct aspa *a = &p->aspas[i], *b = &q->aspas[i];

		if (a->customer != b->customer || a->n_providers != b->n_providers ||
		    memcmp(a->providers, b->providers, a->n_providers * sizeof(uint32_t)) != 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n };
	struct payloads p = { 0 }, q = { 0 };
	struct payloads_meta m = { 0 };
	struct buf b = BUF_INIT;
	uint64_t line;

	(void)vrps_bgpd_is(text);
	if (vrps_bgpd_read(text, &p, &line) == 0) {
		for (size_t i = 0; i < p.n_vrps; i++)
			if (!vrp_is_sound(&p.vrps[i]) || p.vrps[i].ta >= p.n_tas)
				abort();
		payloads_format_find(SV("openbgpd"))->write(&b, &p, &m);
		if (b.rc < 0 || vrps_bgpd_read(buf_get(&b), &q, &line) < 0)
			abort();
		same(&p, &q);
	}
	buf_done(&b);
	payloads_done(&p);
	payloads_done(&q);
	return 0;
}
