/* Base32 with extended hex alphabet (RFC 4648 section 7) without padding: names of NSEC3. */
#ifndef BASE_BASE32_H
#define BASE_BASE32_H

#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

/* Letters of n bytes; 20 bytes (a SHA-1) make 32. */
#define BASE32HEX_LEN(n)	(((n) * 8 + 4) / 5)

/* Lower case; dst has BASE32HEX_LEN(n) letters. No NUL. */
void	 base32hex_encode(char *dst, const void *src, size_t n);
/*
 * Letters of either case make src.n * 5 / 8 bytes. -EINVAL: another letter, a length that
 * no bytes have, or bits left over that are not zero.
 */
int	 base32hex_decode(uint8_t *dst, struct sv src, size_t *ret_n) MUST_USE;

#endif
