/*
 * Any bytes as an RRDP snapshot, whole and in pieces: the pieces must not
 * change the answer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rpki/rpki.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct seen {
	size_t	n, bytes;
};

static int
object(void *arg, struct sv uri, struct sv bytes)
{
	struct seen *s = arg;

	if (!rsync_uri_valid(uri))
		abort();
	s->n++;
	s->bytes += bytes.n;
	return 0;
}

static int
feed(const uint8_t *p, size_t n, size_t piece, struct seen *ret)
{
	_cleanup_(rrdp_snapshot_freep) struct rrdp_snapshot *s = rrdp_snapshot_new(object, ret);
	int rc = 0;

	if (s == NULL)
		abort();
	for (size_t i = 0; rc == 0 && i < n; i += piece)
		rc = rrdp_snapshot_feed(s, p + i, min_size(piece, n - i), i + piece >= n);
	if (rc < 0) {
		unsigned long line;

		(void)rrdp_snapshot_why(s, &line);
	}
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen whole = { 0 }, pieces = { 0 };
	int a, b;

	if (n == 0)
		return 0;
	a = feed(p, n, n, &whole);
	b = feed(p, n, 7, &pieces);
	if ((a == 0) != (b == 0) || (a == 0 && memcmp(&whole, &pieces, sizeof(whole)) != 0))
		abort();
	return 0;
}
