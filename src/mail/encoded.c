/*
 * Encoded words (RFC 2047) that would change how a From is read, if a program decoded them
 * before it looked for the address, as some do.
 */
#include "base/base64.h"
#include "base/hash.h"
#include "mail/message_internal.h"

#define PART	64	/* letters of base64 decoded at a time */

/* ISO-2022 shifts between sets, and within one of two octets "<" is half of a letter. */
struct shift {
	bool	is_2022, is_wide;
	uint8_t	before;
};

static bool
octet_is_odd(struct shift *s, uint8_t c)
{
	bool is_escape = s->is_2022 && s->before == 0x1b;

	if (is_escape && c == '$')
		s->is_wide = true;
	else if (is_escape && c == '(')
		s->is_wide = false;
	s->before = c;
	if (c == '\0' || c == '\r' || c == '\n')
		return true;
	return !s->is_wide && (c == '<' || c == '>');
}

static bool
octets_are_odd(struct shift *s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (octet_is_odd(s, p[i]))
			return true;
	return false;
}

/* The octets of a group that is not complete. */
static bool
rest_is_odd(struct shift *s, const struct base64 *b)
{
	const uint32_t bits = b->n_acc == 2 ? b->acc << 6 : b->acc;
	const uint8_t out[] = { (uint8_t)(bits >> 10), (uint8_t)(bits >> 2) };

	return b->n_acc >= 2 && octets_are_odd(s, out, b->n_acc - 1);
}

/*
 * Section 4.1. As programs do who take what they can get: other letters are passed over
 * (RFC 2045 section 6.8), padding may be missing, and more may come behind it.
 */
static bool
b_is_odd(struct shift *s, struct sv text)
{
	struct base64 b = { 0 };
	uint8_t out[PART];
	size_t n;

	while (text.n > 0) {
		struct sv part = sv_take(text, PART);
		size_t n_taken = base64_part(&b, out, part, &n);

		if (octets_are_odd(s, out, n))
			return true;
		text = sv_skip(text, n_taken);
		if (n_taken == part.n)
			continue;
		if (b.n_pad == 0) {
			text = sv_skip(text, 1);
		} else {
			if (rest_is_odd(s, &b))
				return true;
			b = (struct base64){ 0 };
		}
	}
	return rest_is_odd(s, &b);
}

/* Section 4.2. Folds are passed over, too. */
static bool
q_is_odd(struct shift *s, struct sv text)
{
	while (text.n > 0) {
		uint8_t c = (uint8_t)text.p[0];
		size_t n = 1;

		if (c == '=' && hex_decode(&c, 1, sv_take(sv_skip(text, 1), 2)) == 0)
			n = 3;
		if ((n > 1 || (c != '\r' && c != '\n')) && octet_is_odd(s, c))
			return true;
		text = sv_skip(text, n);
	}
	return false;
}

/*
 * "=?" was taken off: charset "?" encoding "?" text "?=". The text has no "?" by the RFC; there
 * are programs that look for "?=" and take what stands before it, which is what is looked at.
 */
static bool
word_is_odd(struct sv *rest)
{
	struct sv s = *rest, charset = sv_cut(&s, '?'), encoding = sv_cut(&s, '?'), text = s;
	struct shift shift = { .is_2022 = sv_caseeq(sv_take(charset, 8), SV("iso-2022")) };
	const bool is_b = sv_caseeq(encoding, SV("B"));

	if (!is_b && !sv_caseeq(encoding, SV("Q")))
		return false;
	do
		(void)sv_cut(&s, '?');
	while (s.n > 0 && s.p[0] != '=');
	*rest = sv_skip(s, 1);
	if (s.n == 0)
		return false;	/* nor does a later one end */
	text = sv_take(text, text.n - s.n - 1);
	return is_b ? b_is_odd(&shift, text) : q_is_odd(&shift, text);
}

bool
mail_encoded_is_odd(struct sv s)
{
	while (s.n > 0) {
		(void)sv_cut(&s, '=');
		if (!sv_starts(s, SV("?")))
			continue;
		s = sv_skip(s, 1);
		if (word_is_odd(&s))
			return true;
	}
	return false;
}
