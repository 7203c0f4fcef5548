#include <errno.h>

#include "base/base32.h"

void
base32hex_encode(char *dst, const void *src, size_t n)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
	const uint8_t *p = src;
	uint32_t acc = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		acc = acc << 8 | p[i];
		for (bits += 8; bits >= 5; bits -= 5)
			*dst++ = letters[acc >> (bits - 5) & 31];
	}
	if (bits > 0)
		*dst = letters[acc << (5 - bits) & 31];
}

static int
letter_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'v')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'V')
		return c - 'A' + 10;
	return -1;
}

int
base32hex_decode(uint8_t *dst, struct sv src, size_t *ret_n)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < src.n; i++) {
		int v = letter_value(src.p[i]);

		if (v < 0)
			return -EINVAL;
		acc = acc << 5 | (uint32_t)v;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			dst[n++] = (uint8_t)(acc >> bits);
		}
	}
	/* A whole letter left over is one too many; bits left over are zero. */
	if (bits >= 5 || (acc & ((1U << bits) - 1)) != 0)
		return -EINVAL;
	*ret_n = n;
	return 0;
}
