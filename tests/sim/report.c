/* What the simulator found, as lines. */
#include <inttypes.h>
#include <stdlib.h>

#include "sim.h"

static const char *const kinds[] = { "BOGUS_DATA", "BOGUS_KEYS", "INSECURE" };

static struct sv
id_of(const struct history *h, int version)
{
	return version < 0 ? SV("-") : h->versions[version].id;
}

static int
time_cmp(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* By time, then by the letters of the line. */
static int
line_cmp(const void *va, const void *vb, void *arg)
{
	const struct bad *a = va, *b = vb;
	const struct history *h = arg;
	int c = time_cmp(a->span.from, b->span.from);

	if (c == 0)
		c = time_cmp(a->span.until, b->span.until);
	if (c == 0)
		c = (int)a->kind - (int)b->kind;
	if (c == 0)
		c = sv_cmp(id_of(h, a->ds), id_of(h, b->ds));
	if (c == 0)
		c = sv_cmp(id_of(h, a->dnskey), id_of(h, b->dnskey));
	return c != 0 ? c : sv_cmp(id_of(h, a->data), id_of(h, b->data));
}

void
bads_print(FILE *f, const struct history *h, const struct bads *bads)
{
	union {
		const struct history	*in;
		void			*out;
	} arg = { h };

	if (bads->n == 0)
		fputs("safe\n", f);
	else
		qsort_r(bads->v, bads->n, sizeof(*bads->v), line_cmp, arg.out);
	for (size_t i = 0; i < bads->n; i++) {
		const struct bad *b = &bads->v[i];

		fprintf(f, "%s %" PRId64 " ", kinds[b->kind], b->span.from);
		if (b->span.until == NEVER)
			fputs("never", f);
		else
			fprintf(f, "%" PRId64, b->span.until);
		fprintf(f, " %.*s %.*s %.*s\n", SV_ARG(id_of(h, b->ds)),
		    SV_ARG(id_of(h, b->dnskey)), SV_ARG(id_of(h, b->data)));
	}
}
