/* VRPs as CSV: what is read is sound, and reads the same when written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/vrps_csv.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
write_again(const struct payloads *p, struct buf *b)
{
	char px[IP_PREFIX_STRLEN];

	buf_str(b, "ASN,IP Prefix,Max Length,Trust Anchor,Expires\n");
	for (size_t i = 0; i < p->n_vrps; i++) {
		const struct vrp *v = &p->vrps[i];
		struct ip_prefix x = { .af = v->af, .len = v->len };

		memcpy(x.addr, v->addr, sizeof(x.addr));
		buf_printf(b, "%u,%s,%u,\"%s\",", v->asn, ip_prefix_str(&x, px), v->max_len,
		    p->tas[v->ta]);
		if (v->expires >= 0 && v->expires != INT64_MAX)
			buf_u64(b, (uint64_t)v->expires);
		buf_char(b, '\n');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n };
	struct payloads p = { 0 }, q = { 0 };
	struct buf b = BUF_INIT;
	uint64_t line;

	(void)vrps_csv_is(text);
	if (vrps_csv_read(text, &p, &line) == 0) {
		for (size_t i = 0; i < p.n_vrps; i++)
			if (!vrp_is_sound(&p.vrps[i]) || p.vrps[i].ta >= p.n_tas)
				abort();
		write_again(&p, &b);
		if (b.rc < 0 || vrps_csv_read(buf_get(&b), &q, &line) < 0 || q.n_vrps != p.n_vrps)
			abort();
		for (size_t i = 0; i < p.n_vrps; i++)
			if (vrp_cmp(&p.vrps[i], &q.vrps[i]) != 0)
				abort();
	}
	buf_done(&b);
	payloads_done(&p);
	payloads_done(&q);
	return 0;
}
