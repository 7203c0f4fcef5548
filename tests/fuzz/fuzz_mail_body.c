/* mail_body: however a body is cut, its digests are those of the naive canonical forms. */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/mail/body_naive.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
look(const struct mail_body_want *w, struct sv body, char *room)
{
	size_t n = naive_canon(room, body, w->canon), n_head = n < w->max ? n : (size_t)w->max;
	uint8_t digest[SHA256_LEN];

	crypto_sha256(room, n_head, digest);
	must(w->n_canon == n && w->n_hashed == n_head);
	must(memcmp(w->digest, digest, sizeof(digest)) == 0);
}

/* The first two octets: how large the pieces are, and how much of it some signature covers. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv body = sv_skip((struct sv){ (const char *)bytes, n }, 2);
	size_t piece = n > 0 ? bytes[0] + 1u : 1, max = n > 1 ? bytes[1] * 4u : 0;
	char *room = malloc(2 * n + 2);
	struct mail_body_want w[] = {
		{ .canon = MAIL_SIMPLE, .max = UINT64_MAX },
		{ .canon = MAIL_RELAXED, .max = UINT64_MAX },
		{ .canon = MAIL_SIMPLE, .max = max }, { .canon = MAIL_RELAXED, .max = max },
	};
	struct mail_body *b = NULL;

	must(room != NULL && mail_body_new(w, ARRAY_LEN(w), &b) == 0);
	for (struct sv rest = body; rest.n > 0; rest = sv_skip(rest, piece))
		mail_body_feed(b, sv_take(rest, piece));
	mail_body_end(b);
	(void)mail_body_free(b);
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		look(&w[i], body, room);
	free(room);
	return 0;
}
