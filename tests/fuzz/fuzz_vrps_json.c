/* Another validator's JSON: whole or in crumbs, the answer is the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/vrps_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct source {
	const uint8_t	*p;
	size_t		 left, piece;
};

static long
source_read(void *arg, void *to, size_t n)
{
	struct source *s = arg;

	n = min_size(n, min_size(s->left, s->piece));
	if (n > 0)
		memcpy(to, s->p, n);
	s->p += n;
	s->left -= n;
	return (long)n;
}

static int
run(const uint8_t *bytes, size_t n, size_t piece, bool any, size_t *ret_n)
{
	struct source s = { bytes, n, piece };
	struct pool *pool = pool_new(1 << 20);
	struct payloads p;
	struct findings fs;
	struct vrps_info info;
	size_t dropped;
	int rc;

	if (pool == NULL)
		abort();
	findings_init(&fs, pool);
	rc = (any ? vrps_json_read_any : vrps_json_read)(source_read, &s, &fs, &p, &info);
	for (size_t i = 0; i < p.n_vrps; i++)
		if (!vrp_is_sound(&p.vrps[i]) || p.vrps[i].ta >= p.n_tas)
			abort();
	*ret_n = p.n_vrps + p.n_aspas;
	if (rc == 0 && payloads_merge(&p, &dropped) < 0)
		abort();
	payloads_done(&p);
	(void)pool_free(pool);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	size_t a, b;

	for (int any = 0; any < 2; any++)
		if (run(bytes, n, 1 << 20, any != 0, &a) != run(bytes, n, 7, any != 0, &b) || a != b)
			abort();
	return 0;
}
