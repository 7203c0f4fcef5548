/* Octets in base64, hexadecimal and base32hex, as they stand in data. */
#include <errno.h>

#include "base/base32.h"
#include "base/base64.h"
#include "base/hash.h"
#include "dns/zonefile_internal.h"

/* --- base64 --- */

/* A part of it. In pieces, as the room for the octets is not known before. */
static int
base64_take(struct rdata_text *t, struct base64 *b, struct sv s)
{
	uint8_t tmp[3 * 1024 + 3];

	while (s.n > 0) {
		struct sv piece = sv_take(s, 4 * 1024);
		size_t n;

		if (base64_part(b, tmp, piece, &n) < piece.n)
			return lex_rdata_fault(t->lx, TF_BASE64);
		wr_bytes(&t->w, tmp, n);
		s = sv_skip(s, piece.n);
	}
	return 0;
}

static int
base64_finish(struct rdata_text *t, const struct base64 *b)
{
	uint8_t tmp[BASE64_END_MAX];
	size_t n;

	if (base64_end(b, tmp, &n) < 0)
		return lex_rdata_fault(t->lx, TF_BASE64);
	wr_bytes(&t->w, tmp, n);
	return 0;
}

/* Words to the end, blanks between them anywhere. */
int
text_base64(struct rdata_text *t)
{
	struct base64 b = { 0 };
	struct sv s = { 0 };
	int rc = text_word(t, &s);

	while (rc == 0 && (rc = base64_take(t, &b, s)) == 0)
		rc = text_word_or_end(t, &s);
	return rc < 0 ? rc : base64_finish(t, &b);
}

int
text_base64_optional(struct rdata_text *t)
{
	int rc = text_item_or_end(t);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	lex_hold(t->lx);
	return text_base64(t);
}

int
text_base64_word(struct rdata_text *t, struct sv s)
{
	struct base64 b = { 0 };

	if (s.n == 0)
		return lex_rdata_fault(t->lx, TF_BASE64);
	if (base64_take(t, &b, s) < 0)
		return -EINVAL;
	return base64_finish(t, &b);
}

/* --- hexadecimal --- */

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits of a text that comes in words. */
struct hex {
	uint8_t	 tmp[256];		/* octets before they are written */
	size_t	 n;
	unsigned acc;
	bool	 odd;			/* acc has the first digit of a pair */
};

static int
hex_take(struct rdata_text *t, struct hex *h, struct sv s)
{
	for (size_t i = 0; i < s.n; i++) {
		int v = nibble(s.p[i]);

		if (v < 0)
			return lex_rdata_fault(t->lx, TF_HEX);
		h->acc = h->acc << 4 | (unsigned)v;
		if ((h->odd = !h->odd))
			continue;
		h->tmp[h->n++] = (uint8_t)h->acc;
		if (h->n == sizeof(h->tmp)) {
			wr_bytes(&t->w, h->tmp, h->n);
			h->n = 0;
		}
	}
	return 0;
}

/* Digits to the end; a pair may be parted by blanks. */
int
text_hex(struct rdata_text *t)
{
	struct hex h;
	struct sv s = { 0 };
	int rc = text_word(t, &s);

	h.n = 0;
	h.acc = 0;
	h.odd = false;
	while (rc == 0 && (rc = hex_take(t, &h, s)) == 0)
		rc = text_word_or_end(t, &s);
	if (rc < 0)
		return rc;
	wr_bytes(&t->w, h.tmp, h.n);
	return h.odd ? lex_rdata_fault(t->lx, TF_HEX) : 0;
}

int
text_hex_word(struct rdata_text *t, struct sv s)
{
	uint8_t *p;

	if (s.n == 0 || s.n % 2 != 0)
		return lex_rdata_fault(t->lx, TF_HEX);
	if ((p = wr_reserve(&t->w, s.n / 2)) == NULL)
		return lex_rdata_fault(t->lx, TF_LONG);
	if (hex_decode(p, s.n / 2, s) < 0)
		return lex_rdata_fault(t->lx, TF_HEX);
	return 0;
}

/* RFC 1706 section 7: "0x", digits, dots anywhere between them. */
int
text_nsap(struct rdata_text *t)
{
	unsigned acc = 0, n_digits = 0;
	struct sv s;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (s.n < 4 || s.p[0] != '0' || (s.p[1] | 0x20) != 'x')
		return lex_rdata_fault(t->lx, TF_HEX);
	for (size_t i = 2; i < s.n; i++) {
		int v = nibble(s.p[i]);

		if (s.p[i] == '.')
			continue;
		if (v < 0)
			return lex_rdata_fault(t->lx, TF_HEX);
		acc = acc << 4 | (unsigned)v;
		if (++n_digits % 2 == 0)
			wr_u8(&t->w, (uint8_t)acc);
	}
	return n_digits > 0 && n_digits % 2 == 0 ? 0 : lex_rdata_fault(t->lx, TF_HEX);
}

/* RFC 5155 section 3.3: "-" is none. */
int
text_salt(struct rdata_text *t)
{
	struct sv s;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (sv_eq(s, SV("-"))) {
		wr_u8(&t->w, 0);
		return 0;
	}
	if (s.n > 2 * UINT8_MAX)
		return lex_rdata_fault(t->lx, TF_HEX);
	wr_u8(&t->w, (uint8_t)(s.n / 2));
	return text_hex_word(t, s);
}

int
text_hash(struct rdata_text *t)
{
	uint8_t tmp[BASE32HEX_LEN(255)];
	struct sv s;
	size_t n;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (s.n == 0 || s.n > BASE32HEX_LEN(255) || base32hex_decode(tmp, s, &n) < 0 || n == 0)
		return lex_rdata_fault(t->lx, TF_BASE32);
	wr_u8(&t->w, (uint8_t)n);
	wr_bytes(&t->w, tmp, n);
	return 0;
}

/* RFC 7043: so many pairs with hyphens. */
static int
text_eui(struct rdata_text *t, size_t n)
{
	struct sv s;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	if (s.n != 3 * n - 1)
		return lex_rdata_fault(t->lx, TF_EUI);
	for (size_t i = 0; i < s.n; i += 3) {
		int hi = nibble(s.p[i]), lo = nibble(s.p[i + 1]);

		if (hi < 0 || lo < 0 || (i + 2 < s.n && s.p[i + 2] != '-'))
			return lex_rdata_fault(t->lx, TF_EUI);
		wr_u8(&t->w, (uint8_t)(hi << 4 | lo));
	}
	return 0;
}

int
text_eui48(struct rdata_text *t)
{
	return text_eui(t, 6);
}

int
text_eui64(struct rdata_text *t)
{
	return text_eui(t, 8);
}

/* RFC 6742 section 2.1.2: zeros in front may be left out, "::" is not allowed. */
int
text_locator(struct rdata_text *t)
{
	struct sv s;
	int rc = text_word(t, &s);

	if (rc < 0)
		return rc;
	for (unsigned k = 0; k < 4; k++) {
		size_t colon = sv_find(s, ':');
		unsigned v = 0;

		if (colon == 0 || colon > 4 || (colon == s.n) != (k == 3))
			return lex_rdata_fault(t->lx, TF_LOCATOR);
		for (size_t i = 0; i < colon; i++) {
			int d = nibble(s.p[i]);

			if (d < 0)
				return lex_rdata_fault(t->lx, TF_LOCATOR);
			v = v << 4 | (unsigned)d;
		}
		wr_be16(&t->w, (uint16_t)v);
		s = sv_skip(s, colon + 1);
	}
	return 0;
}
