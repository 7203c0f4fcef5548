/* The data of NSEC and NSEC3: type bit maps, hashes and their names. */
#include <errno.h>

#include "base/base32.h"
#include "crypto/digest.h"
#include "dnssec/dnssec.h"

#define AT_ONCE		64		/* four times what the widest lanes take */

/*
 * RFC 5155 section 5: "IH(salt, x, 0) = H(x || salt), and
 * IH(salt, x, k) = H(IH(salt, x, k-1) || salt), if k > 0".
 */
void
nsec3_hash_many(const struct dname *names, size_t n, struct sv salt, unsigned iterations,
    uint8_t (*ret)[NSEC3_HASH_LEN])
{
	struct crypto_msg m[AT_ONCE];

	for (size_t i = 0, k; i < n; i += k) {
		k = min_size(n - i, AT_ONCE);
		for (size_t j = 0; j < k; j++)
			m[j] = (struct crypto_msg){ .ret = ret[i + j],
			    .data = { { (const char *)names[i + j].w, names[i + j].len }, salt } };
		crypto_sha1_many(m, k);
		crypto_sha1_again(m, k, salt, iterations);
	}
}

void
nsec3_hash(const struct dname *name, struct sv salt, unsigned iterations,
    uint8_t ret[static NSEC3_HASH_LEN])
{
	nsec3_hash_many(name, 1, salt, iterations, (uint8_t (*)[NSEC3_HASH_LEN])ret);
}

int
nsec3_owner(const uint8_t hash[static NSEC3_HASH_LEN], const struct dname *apex, struct dname *ret)
{
	char label[BASE32HEX_LEN(NSEC3_HASH_LEN)];

	base32hex_encode(label, hash, NSEC3_HASH_LEN);
	return dname_prepend((struct sv){ label, sizeof(label) }, apex, ret);
}

/* One window: number, octets, bits. Empty ones are not written (RFC 4034 section 4.1.2). */
static size_t
window_write(uint8_t *dst, unsigned window, const uint8_t bits[static 32])
{
	size_t n = 32;

	while (n > 0 && bits[n - 1] == 0)
		n--;
	if (n == 0)
		return 0;
	dst[0] = (uint8_t)window;
	dst[1] = (uint8_t)n;
	memcpy(dst + 2, bits, n);
	return 2 + n;
}

size_t
type_bitmap_write(const uint16_t *types, size_t n, uint8_t dst[static TYPE_BITMAP_MAX])
{
	uint8_t bits[32] = { 0 };
	unsigned window = 0;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (types[i] >> 8 != window) {
			len += window_write(dst + len, window, bits);
			memset(bits, 0, sizeof(bits));
			window = types[i] >> 8;
		}
		bits[(types[i] & 0xff) / 8] |= (uint8_t)(0x80 >> (types[i] & 7));
	}
	return len + window_write(dst + len, window, bits);
}
