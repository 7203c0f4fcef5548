/*
 * Memory of processes that hold keys. OpenSSL wipes its key objects, but its
 * readers of PEM and PKCS#8 (3.0.22, November 2026) leave some twenty copies
 * of a private key in blocks that they give back. Here every block is wiped.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/dnskey.h"

/* Before each block, as long as malloc() aligns to. */
union head {
	size_t		 n;
	_Alignas(16) char align;
};

static void *
block_new(size_t n, const char *file UNUSED, int line UNUSED)
{
	union head *h;

	if (n == 0 || n > SIZE_MAX - sizeof(*h) || (h = malloc(sizeof(*h) + n)) == NULL)
		return NULL;
	h->n = n;
	return h + 1;
}

static void
block_free(void *p, const char *file UNUSED, int line UNUSED)
{
	union head *h = p;

	if (p == NULL)
		return;
	h--;
	explicit_bzero(h, sizeof(*h) + h->n);
	free(h);
}

static void *
block_move(void *p, size_t n, const char *file, int line)
{
	const union head *h = p;
	void *to;

	if (p == NULL)
		return block_new(n, file, line);
	if (n == 0) {
		block_free(p, file, line);
		return NULL;
	}
	if ((to = block_new(n, file, line)) == NULL)
		return NULL;
	memcpy(to, p, min_size(n, h[-1].n));
	block_free(p, file, line);
	return to;
}

int
crypto_wipe_freed(void)
{
	return CRYPTO_set_mem_functions(block_new, block_move, block_free) == 1 ? 0 : -EBUSY;
}
