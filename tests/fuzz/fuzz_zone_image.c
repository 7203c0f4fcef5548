/*
 * An image of a zone. Sums are put right piece by piece, as in fuzz_xfr_journal.c; what is
 * taken is written again, and read again to the same text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "dns/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
one(struct sv data, const struct dname *zone, struct pool *pool)
{
	struct zone *z = NULL, *again = NULL;
	struct buf image = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
	struct findings fs;
	uint64_t number, same;

	findings_init(&fs, pool);
	if (zone_image_read(data, zone, &fs, &number, &z) < 0)
		return;
	if (zone_image_write(&image, z, number) < 0 ||
	    zone_image_read(buf_get(&image), zone, &fs, &same, &again) < 0 || same != number)
		abort();
	zone_print(&a, z, 0);
	zone_print(&b, again, 0);
	if (a.len != b.len || (a.len > 0 && memcmp(a.p, b.p, a.len) != 0))
		abort();
	buf_done(&image);
	buf_done(&a);
	buf_done(&b);
	(void)zone_unref(z);
	(void)zone_unref(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static uint8_t copy[1 << 16];
	struct pool *pool = pool_new(4 << 20);
	uint8_t sum[SHA256_LEN];
	struct dname zone;

	if (pool == NULL || dname_parse(SV("example."), NULL, &zone) < 0)
		abort();
	one((struct sv){ (const char *)bytes, n }, &zone, pool);
	if (n <= sizeof(copy)) {
		memcpy(copy, bytes, n);
		for (size_t at = 0, len; at + 24 <= n; at += len) {
			len = 24 + (size_t)(copy[at + 6] << 8 | copy[at + 7]);
			if (len > n - at)
				break;
			copy[at + 4] = copy[at + 5] = 0;
			crypto_sha256(copy + at, len - 16, sum);
			memcpy(copy + at + len - 16, sum, 16);
		}
		one((struct sv){ (const char *)copy, n }, &zone, pool);
	}
	(void)pool_free(pool);
	return 0;
}
