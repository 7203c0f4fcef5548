/* The state of an RRDP server, as the store hands it back: written again, the same bytes. */
#include "base/err.h"
#include "fuzz_rpki.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t again[RRDP_STATE_MAX];
	static struct rrdp_state s;
	struct wr w = wr_mem(again, sizeof(again));

	if (rrdp_state_parse((struct sv){ (const char *)p, n }, &s) < 0)
		return 0;
	must(s.n_known <= RRDP_KNOWN_MAX);
	rrdp_state_write(&s, &w);
	must(wr_done(&w));
	must(n == 0 || (w.len == n && memcmp(again, p, n) == 0));
	return 0;
}
