/* What was seen at name servers: any octets end in 0 or -EBADMSG; what is read is written alike. */
#include <stdint.h>
#include <stdlib.h>

#include "app/zone_seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sv in = { (const char *)p, n };
	static struct seen s;
	struct buf b = BUF_INIT;

	if (seen_parse(in, &s) < 0)
		return 0;
	for (size_t i = 0; i < s.n_servers; i++) {
		const struct seen_server *v = &s.servers[i];
		struct seen_sig sig;
		struct sv rows;

		if (v->dnskey_sigs == SEEN_NONE)
			continue;
		rows = s.sigs[v->dnskey_sigs].rows;
		while (seen_sig_next(&rows, &sig))
			if (sig.key != SEEN_NONE && sig.key >= s.sets[v->set].n)
				abort();
	}
	if (seen_write(&s, &b) < 0 || !sv_eq(buf_get(&b), in))
		abort();
	buf_done(&b);
	return 0;
}
