#include <errno.h>

#include "base/base64.h"

enum {
	B64_BLANK = 64,
	B64_PAD = 65,
	B64_BAD = 66,
};

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint8_t
letter_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	if (c == '=')
		return B64_PAD;
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' ? B64_BLANK : B64_BAD;
}

int
base64_decode(uint8_t *dst, struct sv src, size_t *ret_n)
{
	uint32_t acc = 0;
	unsigned n_acc = 0, pad = 0;
	size_t n = 0;

	for (size_t i = 0; i < src.n; i++) {
		uint8_t v = letter_value((uint8_t)src.p[i]);

		if (v == B64_BLANK)
			continue;
		if (v == B64_BAD || (v < 64 && pad > 0))
			return -EINVAL;
		if (v == B64_PAD) {
			if (++pad > 2 || n_acc + pad > 4 || n_acc < 2)
				return -EINVAL;
			continue;
		}
		acc = acc << 6 | v;
		if (++n_acc < 4)
			continue;
		dst[n++] = (uint8_t)(acc >> 16);
		dst[n++] = (uint8_t)(acc >> 8);
		dst[n++] = (uint8_t)acc;
		acc = n_acc = 0;
	}
	/* The last group: 2 or 3 letters, padded, unused bits zero. */
	if (n_acc == 2 && pad == 2 && (acc & 0xf) == 0)
		dst[n++] = (uint8_t)(acc >> 4);
	else if (n_acc == 3 && pad == 1 && (acc & 0x3) == 0) {
		dst[n++] = (uint8_t)(acc >> 10);
		dst[n++] = (uint8_t)(acc >> 2);
	} else if (n_acc != 0 || pad != 0)
		return -EINVAL;
	*ret_n = n;
	return 0;
}

size_t
base64_encode(char *dst, const void *src, size_t n)
{
	const uint8_t *p = src;
	size_t o = 0;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		dst[o++] = letters[v >> 18];
		dst[o++] = letters[v >> 12 & 63];
		dst[o++] = i + 1 < n ? letters[v >> 6 & 63] : '=';
		dst[o++] = i + 2 < n ? letters[v & 63] : '=';
	}
	return o;
}
