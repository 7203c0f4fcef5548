#include "rsa.h"

static void *
init(struct chance *c, bool small)
{
	return rsa_new(c, small);
}

static void
done(void *p)
{
	rsa_free(p);
}

const struct source source_rsa = { "rsa", true, init, done, NULL, rsa_edge, rsa_fill };
