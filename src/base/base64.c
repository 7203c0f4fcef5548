#include <errno.h>

#include "base/base64.h"

enum {
	B64_BLANK = 64,
	B64_PAD = 65,
	B64_BAD = 66,
};

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a letter, or B64_BLANK, B64_PAD, B64_BAD; ASCII only. */
static const uint8_t values[128] = {
	66, 66, 66, 66, 66, 66, 66, 66, 66, 64, 64, 66, 66, 64, 66, 66,
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
	64, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 62, 66, 66, 66, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 66, 66, 66, 65, 66, 66,
	66, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 66, 66, 66, 66, 66,
	66, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 66, 66, 66, 66, 66,
};

static uint8_t
letter_value(uint8_t c)
{
	return c < 128 ? values[c] : B64_BAD;
}

/* Whole groups of four letters, as long as nothing else comes. */
static size_t
groups_decode(uint8_t *dst, const uint8_t *src, size_t n)
{
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		uint8_t a = letter_value(src[i]), b = letter_value(src[i + 1]);
		uint8_t c = letter_value(src[i + 2]), d = letter_value(src[i + 3]);
		uint32_t v;

		if ((a | b | c | d) >= 64)
			break;
		v = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
		*dst++ = (uint8_t)(v >> 16);
		*dst++ = (uint8_t)(v >> 8);
		*dst++ = (uint8_t)v;
	}
	return i;
}

int
base64_decode(uint8_t *dst, struct sv src, size_t *ret_n)
{
	uint32_t acc = 0;
	unsigned n_acc = 0, pad = 0;
	size_t n = 0;

	for (size_t i = 0; i < src.n; i++) {
		uint8_t v;

		if (n_acc == 0 && pad == 0) {
			size_t k = groups_decode(dst + n, (const uint8_t *)src.p + i, src.n - i);

			n += k / 4 * 3;
			if ((i += k) == src.n)
				break;
		}
		v = letter_value((uint8_t)src.p[i]);
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

static uint8_t
url_letter_value(char c)
{
	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	return c == '+' || c == '/' ? B64_BAD : letter_value((uint8_t)c);
}

int
base64url_decode(uint8_t *dst, struct sv src, size_t *ret_n)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < src.n; i++) {
		uint8_t v = url_letter_value(src.p[i]);

		if (v >= 64)
			return -EINVAL;
		acc = acc << 6 | v;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		dst[n++] = (uint8_t)(acc >> bits);
	}
	/* One letter alone says nothing; bits that are left over are zero. */
	if (src.n % 4 == 1 || (acc & ((1u << bits) - 1)) != 0)
		return -EINVAL;
	*ret_n = n;
	return 0;
}

size_t
base64url_encode(char *dst, const void *src, size_t n)
{
	size_t len = base64_encode(dst, src, n);

	while (len > 0 && dst[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
		if (dst[i] == '+')
			dst[i] = '-';
		else if (dst[i] == '/')
			dst[i] = '_';
	return len;
}
