/* mime: parts lie in the message and in their parents, whatever it is; all of them are decoded. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
lies_in(struct sv inner, struct sv outer)
{
	must(inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n));
}

static void
part_look(struct pool *pool, const struct mime *m, size_t i, struct sv text)
{
	const struct mime_part *p = &m->parts[i];
	struct sv out;

	lies_in(p->head, text);
	lies_in(p->body, text);
	must(p->type.n > 0 && p->depth <= MIME_DEPTH_MAX);
	if (i > 0) {
		must(p->parent < i && p->depth == m->parts[p->parent].depth + 1);
		lies_in(p->body, m->parts[p->parent].body);
	}
	must(mime_decode(pool, p->encoding, p->body, &out) == 0 && out.n <= 2 * p->body.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n };
	struct pool *pool = pool_new((size_t)64 << 20);
	struct mime m;

	must(pool != NULL && mime_parse(pool, text, &m) == 0);
	must(m.n >= 1 && m.n <= MIME_PARTS_MAX);
	for (size_t i = 0; i < m.n; i++)
		part_look(pool, &m, i, text);
	(void)pool_free(pool);
	return 0;
}
