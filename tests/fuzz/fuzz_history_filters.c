/*
 * The filters of a report by a producer that has gone bad: never more than
 * the limit, and each of them names something.
 */
#include <stdlib.h>

#include "store/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t ski[20] = { 4, 4 };
	struct history_filters f;

	if (history_filters_read((struct sv){ (const char *)data, size }, &f) < 0)
		return 0;
	if (f.n > HISTORY_FILTERS_MAX || (f.n > 0 && f.v == NULL))
		abort();
	for (size_t i = 0; i < f.n; i++) {
		const struct history_filter *x = &f.v[i];
		const struct history_payload p = { x->kind, x->prefix, x->asn,
		    x->has_ski ? x->ski : ski };

		if (!x->has_asn && !x->has_prefix && !x->has_ski)
			abort();
		/* What it names itself it takes out; a prefix is a VRP's. */
		if ((x->kind == HK_VRP || !x->has_prefix) && !history_filtered(&f, x->hit, &p))
			abort();
	}
	history_filters_done(&f);
	return 0;
}
