#include "p256.h"

static void *
init(struct chance *c, bool small)
{
	return p256_new(c, small);
}

static void
done(void *p)
{
	p256_free(p);
}

const struct source source_p256 = { "p256", false, init, done, p256_bad_keys, p256_edge, p256_fill };
