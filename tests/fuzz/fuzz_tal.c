/* Any text as a trust anchor locator. */
#include <stdint.h>
#include <stdlib.h>

#include "rpki/rpki.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(16 << 20);
	const char *why = NULL;
	struct tal tal = { 0 };
	unsigned line = 0;
	int rc;

	if (pool == NULL)
		return 0;
	rc = tal_parse(pool, (struct sv){ (const char *)p, n }, &tal, &why, &line);
	if (rc < 0 && why == NULL)
		abort();
	for (size_t i = 0; rc == 0 && i < tal.n_uris; i++)
		if (!rsync_uri_valid(tal.uris[i]) && !https_uri_valid(tal.uris[i]))
			abort();
	return 0;
}
