/* A question to the key role: any octets end in 0 or -EBADMSG; what is read is written alike. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/sign_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct sign_ask a;
	static uint8_t out[128 * 1024];
	struct wr w = wr_mem(out, sizeof(out));
	size_t size = 9;
	uint8_t *count;

	if (n > sizeof(out) || sign_ask_parse((struct sv){ (const char *)p, n }, &a) < 0)
		return 0;
	count = sign_ask_begin(&w, a.generation, a.key, a.kind);
	for (size_t i = 0; i < a.n; i++) {
		sign_ask_add(&w, a.kind, &a.items[i]);
		size += sign_ask_size(a.kind, &a.items[i]);
	}
	if (count == NULL || !wr_done(&w))
		abort();
	put_be16(count, (uint16_t)a.n);
	if (w.len != n || size != n || memcmp(out, p, n) != 0)
		abort();
	return 0;
}
