/* transfer_watch: a state that is read prints, reads and prints the same; and can be looked at. */
#include <stdint.h>
#include <stdlib.h>

#include "dnssec/transfer_watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
look(struct transfer_watch *w, struct findings *fs)
{
	struct transfer_look looks[TRANSFER_AT_MAX] = { { .answered = true } };
	struct transfer_plan p;

	for (unsigned i = 0; i < TRANSFER_AT_MAX; i++)
		looks[i].place = (enum transfer_place)i;
	looks[0].keys = looks[1].keys = w->keys[0];
	looks[2].ds = w->ds_first;
	if (transfer_plan(&w->facts, fs, &p) == 0)
		must(transfer_watch_look(w, &p, looks, TRANSFER_AT_MAX, 1795000000, fs) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(16u << 20);
	struct transfer_watch *w = pool_alloc(pool, 2 * sizeof(*w));
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct findings fs;

	must(pool != NULL && w != NULL);
	findings_init(&fs, pool);
	if (transfer_watch_parse(pool, (struct sv){ (const char *)bytes, n }, &fs, &w[0]) == 0) {
		transfer_watch_print(&w[0], &one);
		must(transfer_watch_parse(pool, buf_get(&one), &fs, &w[1]) == 0);
		transfer_watch_print(&w[1], &two);
		must(sv_eq(buf_get(&one), buf_get(&two)));
		look(&w[1], &fs);
	}
	buf_done(&one);
	buf_done(&two);
	(void)pool_free(pool);
	return 0;
}
