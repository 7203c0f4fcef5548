/* The body's digests: RFC 6376's cases, and any cutting against the naive forms. */
#include <stdio.h>

#include "../tap.h"
#include "body_naive.h"
#include "crypto/crypto.h"

static const struct {
	const char	*body, *simple, *relaxed;
} cases[] = {
	/* section 3.4.5 */
	{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	/* section 3.4.3: no body; 3.4.4: and its null form */
	{ "", "\r\n", "" },
	{ "\r\n", "\r\n", "" },
	{ "\r\n\r\n\r\n", "\r\n", "" },
	{ "\n\n", "\r\n", "" },
	{ " \t \r\n", " \t \r\n", "" },
	{ "a\r\n \t\r\n\r\n", "a\r\n \t\r\n", "a\r\n" },
	{ "\r\n\r\na", "\r\n\r\na\r\n", "\r\n\r\na\r\n" },
	/* no line end at the end */
	{ "a", "a\r\n", "a\r\n" },
	{ "a ", "a \r\n", "a\r\n" },
	{ " ", " \r\n", "" },
	{ "a\r\nb", "a\r\nb\r\n", "a\r\nb\r\n" },
	/* LF alone counts as CRLF, CR alone as itself */
	{ "a\nb\r\nc\n\n", "a\r\nb\r\nc\r\n", "a\r\nb\r\nc\r\n" },
	{ "a\rb", "a\rb\r\n", "a\rb\r\n" },
	{ "a\r", "a\r\r\n", "a\r\r\n" },
	{ "\r", "\r\r\n", "\r\r\n" },
	{ "a\r\r\n\r\n", "a\r\r\n", "a\r\r\n" },
	{ "a \r b \r\n", "a \r b \r\n", "a \r b\r\n" },
	{ "a\n\r\n\n\rb", "a\r\n\r\n\r\n\rb\r\n", "a\r\n\r\n\r\n\rb\r\n" },
	/* white space */
	{ "\ta  b\t\tc \td", "\ta  b\t\tc \td\r\n", " a b c d\r\n" },
	{ "a\r\n  b", "a\r\n  b\r\n", "a\r\n b\r\n" },
	{ "a\v\fb\xc2\xa0 \r\n", "a\v\fb\xc2\xa0 \r\n", "a\v\fb\xc2\xa0\r\n" },
};

/* The digests of a body that is fed in pieces of n octets. */
static void
fed(struct sv s, size_t n, struct mail_body_want *wants, size_t n_wants)
{
	struct mail_body *b = NULL;

	assert_int_equal(mail_body_new(wants, n_wants, &b), 0);
	for (; s.n > 0; s = sv_skip(s, n))
		mail_body_feed(b, sv_take(s, n));
	mail_body_feed(b, s);
	mail_body_end(b);
	assert_null(mail_body_free(b));
}

/* It is the digest of the first octets of text, and knows how many there are. */
static void
is_of(const struct mail_body_want *w, struct sv text)
{
	uint8_t digest[SHA256_LEN];
	struct sv head = sv_take(text, (size_t)(w->max < text.n ? w->max : text.n));

	assert_int_equal(w->n_canon, text.n);
	assert_int_equal(w->n_hashed, head.n);
	crypto_sha256(head.p, head.n, digest);
	assert_memory_equal(w->digest, digest, sizeof(digest));
}

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t n = 1; n < 5; n++) {
			struct mail_body_want w[] = {
				{ .canon = MAIL_SIMPLE, .max = UINT64_MAX },
				{ .canon = MAIL_RELAXED, .max = UINT64_MAX },
			};

			fed(sv_str(cases[i].body), n, w, 2);
			is_of(&w[0], sv_str(cases[i].simple));
			is_of(&w[1], sv_str(cases[i].relaxed));
		}
}

/* Sections 3.4.3 and 3.4.4 print the digests of an empty body: frcCV1k9oG9o…, 47DEQpj8HBSa… */
static void
test_empty(void **state)
{
	static const uint8_t simple[] = { 0x7e, 0xb7, 0x02, 0x57, 0x59, 0x3d, 0xa0, 0x6f, 0x68 };
	static const uint8_t relaxed[] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a };
	struct mail_body_want w[] = {
		{ .canon = MAIL_SIMPLE, .max = UINT64_MAX },
		{ .canon = MAIL_RELAXED, .max = UINT64_MAX },
	};

	(void)state;
	fed(SV(""), 1, w, 2);
	assert_memory_equal(w[0].digest, simple, sizeof(simple));
	assert_memory_equal(w[1].digest, relaxed, sizeof(relaxed));
}

static void
test_wants(void **state)
{
	static const uint64_t max[] = { 0, 1, 4, 6, 7, 100, UINT64_MAX };
	struct mail_body_want w[3 * ARRAY_LEN(max)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		w[i] = (struct mail_body_want){ .canon = i % 3 == 0 ? MAIL_SIMPLE : MAIL_RELAXED,
			.max = max[i / 3] };
	fed(SV("a  b\r\nc\r\n\r\n"), 3, w, ARRAY_LEN(w));
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		is_of(&w[i], i % 3 == 0 ? SV("a  b\r\nc\r\n") : SV("a b\r\nc\r\n"));
	fed(SV("a"), 1, NULL, 0);
}

/* Bodies of the octets that matter, cut at random, in blocks and across them. */
#define LONGEST	1500

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static size_t
body_make(char *dst, uint32_t *seed)
{
	static const char *const words[] = {
		"\r\n", "\r\n", "\n", "\r", " ", "\t", "  ", "word", "and another", " ",
		"a line that is longer than a vector of octets that are looked at together\r\n",
	};
	size_t n = 0, longest = next(seed) % LONGEST, odd = next(seed) % 40;

	while (n < longest) {
		const char *w = words[next(seed) % 40 < odd ? next(seed) % ARRAY_LEN(words) : 10];

		memcpy(dst + n, w, strlen(w));
		n += strlen(w);
	}
	return n;
}

static void
test_random(void **state)
{
	static char body[LONGEST + 100], canon[2 * sizeof(body) + 2];
	uint32_t seed = 6376;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		size_t n = body_make(body, &seed);
		size_t piece = 1 + next(&seed) % (i % 2 == 0 ? 300 : 2000);
		struct mail_body_want w[] = {
			{ .canon = MAIL_SIMPLE, .max = UINT64_MAX },
			{ .canon = MAIL_RELAXED, .max = next(&seed) % LONGEST },
			{ .canon = MAIL_RELAXED, .max = UINT64_MAX },
		};

		fed((struct sv){ body, n }, piece, w, ARRAY_LEN(w));
		for (size_t k = 0; k < ARRAY_LEN(w); k++)
			is_of(&w[k], (struct sv){ canon, naive_canon(canon,
			    (struct sv){ body, n }, w[k].canon) });
	}
}

/* Many line ends that are kept back, and come after all. */
static void
test_many_ends(void **state)
{
	struct mail_body_want w[] = {
		{ .canon = MAIL_SIMPLE, .max = 3 }, { .canon = MAIL_RELAXED, .max = 3 },
	};
	static char ends[100000];
	struct mail_body *b = NULL;

	(void)state;
	memset(ends, '\n', sizeof(ends));
	assert_int_equal(mail_body_new(w, 2, &b), 0);
	mail_body_feed(b, (struct sv){ ends, sizeof(ends) });
	mail_body_feed(b, SV("x"));
	mail_body_feed(b, (struct sv){ ends, sizeof(ends) });
	mail_body_end(b);
	(void)mail_body_free(b);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(w[i].n_canon, 2 * sizeof(ends) + 3);
		assert_int_equal(w[i].n_hashed, 3);
	}
}

TESTS_MAIN("body", T(test_cases), T(test_empty), T(test_wants), T(test_random), T(test_many_ends))
