/* RRDP snapshots: the same answer whole, in pieces, and by expat alone. */
#include <errno.h>

#include "base/err.h"
#include "fuzz_rpki.h"
#include "rpki/rrdp.h"

#define OBJECTS_MAX	1000

struct seen {
	size_t		n, bytes;
	uint64_t	sum;
};

static int
take(void *arg, struct sv uri, struct sv bytes)
{
	struct seen *s = arg;

	must(rsync_uri_valid(uri) && strlen(uri.p) == uri.n);
	s->bytes += bytes.n;
	for (size_t i = 0; i < bytes.n; i++)
		s->sum = s->sum * 31 + (uint8_t)bytes.p[i];
	return ++s->n > OBJECTS_MAX ? -ENOMEM : 0;
}

static int
feed(struct seen *s, const uint8_t *p, size_t n, size_t piece)
{
	struct rrdp_snapshot *x = rrdp_snapshot_new(take, s);
	unsigned long line;
	int rc;

	must(x != NULL);
	do {
		size_t k = min_size(piece, n);

		rc = rrdp_snapshot_feed(x, p, k, k == n);
		p = k > 0 ? p + k : p;
		n -= k;
	} while (rc == 0 && n > 0);
	must((rc < 0) == (rrdp_snapshot_why(x, &line) != NULL));
	(void)rrdp_snapshot_free(x);
	return rc;
}

static int
take_change(void *arg, const struct rrdp_change *c)
{
	return take(arg, c->uri, c->bytes);
}

/* No text is withheld. */
static int
expat_feed(struct seen *s, const uint8_t *p, size_t n)
{
	struct rrdp_parser *x = rrdp_full_new(NULL, 0, take_change, s);
	int rc;

	must(x != NULL);
	x->all_shown = true;
	rc = rrdp_parser_feed(x, p, n, true);
	(void)rrdp_parser_free(x);
	return rc;
}

static bool
seen_same(const struct seen *a, const struct seen *b)
{
	return a->n == b->n && a->bytes == b->bytes && a->sum == b->sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen whole = { 0 }, pieces = { 0 }, alone = { 0 };
	int a = feed(&whole, p, n, n);
	int b = feed(&pieces, p, n, n % 61 + 1);

	must(a == b && a == expat_feed(&alone, p, n));
	must(a < 0 || seen_same(&whole, &pieces));
	must(seen_same(&whole, &alone));
	return 0;
}
