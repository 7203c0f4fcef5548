/*
 * Base64 (RFC 4648 section 4), white space between the letters allowed; and
 * base64url, where it is not.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

/* Room that is always enough for the bytes of n letters. */
static inline size_t
base64_room(size_t n)
{
	return n / 4 * 3 + 3;
}

/* dst has base64_room(src.n) bytes. -EINVAL for anything but base64. */
int	 base64_decode(uint8_t *dst, struct sv src, size_t *ret_n) MUST_USE;

/* A text that comes in parts; zero at its beginning. */
struct base64 {
	uint32_t	acc;
	unsigned	n_acc, n_pad;	/* letters and signs of the group that is begun */
};
/*
 * dst has base64_room(src.n) bytes. Returns how much of src is base64 that may
 * stand there; what comes behind it may not (or src has ended).
 */
size_t	 base64_part(struct base64 *, uint8_t *dst, struct sv src, size_t *ret_n) MUST_USE;
#define BASE64_END_MAX	2
/* The text has ended: up to so many bytes more. -EINVAL: it is not complete. */
int	 base64_end(const struct base64 *, uint8_t *dst, size_t *ret_n) MUST_USE;

/* dst has room for (n + 2) / 3 * 4 letters; returns their number. No NUL. */
size_t	 base64_encode(char *dst, const void *src, size_t n);

/*
 * base64url (RFC 4648 section 5) without padding: nothing but its letters.
 * The same rooms as above. -EINVAL, also for the other alphabet's letters.
 */
int	 base64url_decode(uint8_t *dst, struct sv src, size_t *ret_n) MUST_USE;
size_t	 base64url_encode(char *dst, const void *src, size_t n);

#endif
