#include <errno.h>

#include "base/base64.h"

enum {
	B64_BLANK = 64,
	B64_PAD = 65,
	B64_BAD = 66,
};

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a letter, or B64_BLANK, B64_PAD, B64_BAD. */
static const uint8_t values[256] = {
	66, 66, 66, 66, 66, 66, 66, 66, 66, 64, 64, 66, 66, 64, 66, 66,
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
	64, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 62, 66, 66, 66, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 66, 66, 66, 65, 66, 66,
	66, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 66, 66, 66, 66, 66,
	66, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 66, 66, 66, 66, 66,
	/* no ASCII: */
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
	66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
};

/* Whole groups of four letters, as long as nothing else comes. */
static size_t
groups_decode(uint8_t *dst, const uint8_t *src, size_t n)
{
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		uint8_t a = values[src[i]], b = values[src[i + 1]];
		uint8_t c = values[src[i + 2]], d = values[src[i + 3]];
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

/* Whether one more sign fits what came before it. */
static bool
sign_take(struct base64 *b, uint8_t v)
{
	if (v == B64_BLANK)
		return true;
	if (v == B64_BAD || (v < 64 && b->n_pad > 0))
		return false;
	if (v == B64_PAD) {
		if (b->n_pad == 2 || b->n_acc < 2 || b->n_acc + b->n_pad == 4)
			return false;
		b->n_pad++;
		return true;
	}
	b->acc = b->acc << 6 | v;
	b->n_acc++;
	return true;
}

size_t
base64_part(struct base64 *b, uint8_t *dst, struct sv src, size_t *ret_n)
{
	const uint8_t *p = (const uint8_t *)src.p;
	size_t n = 0, i = 0;

	while (i < src.n) {
		if (b->n_acc == 0 && b->n_pad == 0) {
			size_t k = groups_decode(dst + n, p + i, src.n - i);

			n += k / 4 * 3;
			if ((i += k) == src.n)
				break;
		}
		if (!sign_take(b, values[p[i]]))
			break;
		i++;
		if (b->n_acc < 4)
			continue;
		dst[n++] = (uint8_t)(b->acc >> 16);
		dst[n++] = (uint8_t)(b->acc >> 8);
		dst[n++] = (uint8_t)b->acc;
		b->acc = b->n_acc = 0;
	}
	*ret_n = n;
	return i;
}

int
base64_end(const struct base64 *b, uint8_t *dst, size_t *ret_n)
{
	/* The last group: 2 or 3 letters, padded, unused bits zero. */
	if (b->n_acc == 2 && b->n_pad == 2 && (b->acc & 0xf) == 0) {
		dst[0] = (uint8_t)(b->acc >> 4);
		*ret_n = 1;
	} else if (b->n_acc == 3 && b->n_pad == 1 && (b->acc & 0x3) == 0) {
		dst[0] = (uint8_t)(b->acc >> 10);
		dst[1] = (uint8_t)(b->acc >> 2);
		*ret_n = 2;
	} else if (b->n_acc == 0 && b->n_pad == 0)
		*ret_n = 0;
	else
		return -EINVAL;
	return 0;
}

int
base64_decode(uint8_t *dst, struct sv src, size_t *ret_n)
{
	struct base64 b = { 0 };
	size_t n, last;

	if (base64_part(&b, dst, src, &n) < src.n || base64_end(&b, dst + n, &last) < 0)
		return -EINVAL;
	*ret_n = n + last;
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
	return c == '+' || c == '/' ? B64_BAD : values[(uint8_t)c];
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
