/*
 * A journal of differences. The sum at the end would keep a fuzzer out, so it
 * is put right first; then what is taken is written to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "dns/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
read_all(const uint8_t *bytes, size_t n, const struct dname *zone)
{
	struct rd r = rd_mem(bytes, n);
	struct xfr_diff *d;
	struct rd before = r;

	while (xfr_diff_parse(&r, zone, 1 << 20, &d) == 1) {
		struct xfr_diff *again = NULL;
		struct buf b = BUF_INIT, c = BUF_INIT;
		struct rd rb;

		if (xfr_diff_write(&b, d) < 0)
			abort();
		rb = rd_mem(b.p, b.len);
		if (xfr_diff_parse(&rb, zone, 0, &again) != 1 || xfr_diff_write(&c, again) < 0 ||
		    b.len != c.len || memcmp(b.p, c.p, b.len) != 0)
			abort();
		buf_done(&b);
		buf_done(&c);
		(void)xfr_diff_free(again);
		(void)xfr_diff_free(d);
		before = r;
	}
	if (r.bad || r.p != before.p)
		abort();		/* it stands where the bad entry begins */
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static uint8_t copy[1 << 16];
	uint8_t sum[SHA256_LEN];
	struct dname zone;

	if (dname_parse(SV("example."), NULL, &zone) < 0)
		abort();
	read_all(bytes, n, &zone);
	if (n < 24 || n > sizeof(copy))
		return 0;
	memcpy(copy, bytes, n);
	put_be32(copy + 4, (uint32_t)(n - 24));
	crypto_sha256(copy, n - 16, sum);
	memcpy(copy + n - 16, sum, 16);
	read_all(copy, n, &zone);
	return 0;
}
