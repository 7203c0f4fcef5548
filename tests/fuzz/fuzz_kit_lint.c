/* Routers' configurations, by the reader of each vendor: the first byte says which. */
#include <stdlib.h>

#include "app/kit.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
report_check(const struct kit_report *r)
{
	/* What is counted holds together. */
	if (r->n_covered + r->n_unsure > r->n_external)
		abort();
	if ((r->n_unread > 0) != (r->first_unread > 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sv text = { (const char *)data + 1, n - 1 };
	const struct kit_vendor *v;
	struct kit_report r;
	struct findings fs;
	struct pool *pool;

	if (n == 0)
		return 0;
	v = kit_vendor_at(data[0] % 7u);
	if (v == NULL || (pool = pool_new(1024 * 1024)) == NULL)
		abort();
	findings_init(&fs, pool);
	if (kit_lint(v, text, 3600, &fs, &r) == 0) {
		report_check(&r);
		for (const struct finding *f = fs.head; f != NULL; f = f->next) {
			struct buf b = BUF_INIT;

			finding_text(&b, f, LANG_JA);
			buf_done(&b);
		}
	}
	(void)pool_free(pool);
	return 0;
}
