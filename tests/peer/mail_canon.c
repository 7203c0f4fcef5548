/*
 * mail_canon: canonical forms of messages, for another implementation to compare.
 *
 * On stdin, as often as you like, a line "LENGTH PIECE MAX" and so many octets
 * of a message, whose body is fed in pieces of PIECE octets. On stdout a line
 * for each: SHA-256 of the simple and of the relaxed header (each field with
 * its CRLF), then of the simple and the relaxed body with their octets, and of
 * the relaxed body's first MAX octets.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "crypto/crypto.h"
#include "mail/message.h"

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "mail_canon: %s\n", what);
	exit(2);
}

static void
digest_print(const uint8_t digest[static SHA256_LEN])
{
	char hex[2 * SHA256_LEN + 1];

	printf("%s ", hex_encode(hex, digest, SHA256_LEN));
}

static void
head_print(const struct mail_head *h, enum mail_canon canon)
{
	uint8_t digest[SHA256_LEN];
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < h->n; i++) {
		mail_field_canon(&b, &h->fields[i], canon);
		buf_str(&b, "\r\n");
	}
	must(b.rc == 0, "no memory");
	crypto_sha256(b.p, b.len, digest);
	digest_print(digest);
	buf_done(&b);
}

static void
body_print(struct sv body, size_t piece, uint64_t max)
{
	struct mail_body_want w[] = {
		{ .canon = MAIL_SIMPLE, .max = UINT64_MAX },
		{ .canon = MAIL_RELAXED, .max = UINT64_MAX },
		{ .canon = MAIL_RELAXED, .max = max },
	};
	struct mail_body *b = NULL;

	must(mail_body_new(w, ARRAY_LEN(w), &b) == 0, "no memory");
	for (; body.n > 0; body = sv_skip(body, piece))
		mail_body_feed(b, sv_take(body, piece));
	mail_body_end(b);
	(void)mail_body_free(b);
	for (size_t i = 0; i < ARRAY_LEN(w); i++) {
		digest_print(w[i].digest);
		printf("%llu%s", (unsigned long long)(i < 2 ? w[i].n_canon : w[i].n_hashed),
		    i < 2 ? " " : "\n");
	}
}

static void
message_print(struct sv text, size_t piece, uint64_t max)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct mail_head h;
	struct findings fs;
	struct sv body;

	must(pool != NULL, "no memory");
	findings_init(&fs, pool);
	mail_head_init(&h, pool);
	must(mail_head_parse(&h, text, &body, &fs) == 0, "no memory");
	must(!findings_reject(&fs), "a head that is refused");
	head_print(&h, MAIL_SIMPLE);
	head_print(&h, MAIL_RELAXED);
	body_print(body, piece, max);
	(void)pool_free(pool);
}

int
main(void)
{
	char line[100];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct sv rest = sv_str(line), word = { NULL, 0 };
		uint32_t v[3] = { 0, 0, 0 };
		char *text;

		for (size_t i = 0; i < ARRAY_LEN(v); i++)
			must(sv_word(&rest, &word) &&
			    num_u32(word, i == 1, 1u << 24, &v[i]) == 0, "numbers");
		must((text = malloc(v[0] + 1)) != NULL, "no memory");
		must(fread(text, 1, v[0], stdin) == v[0], "a short message");
		message_print((struct sv){ text, v[0] }, v[1], v[2]);
		free(text);
	}
	return 0;
}
