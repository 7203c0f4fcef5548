/*
 * app/mail_mark: what came of fetching a domain's mark (BIMI), in octets.
 *
 * A mark is fetched by one process, kept in a file, and shown by another one:
 * the same octets are the file and what is handed over. They hold whose mark
 * it is (the key: what the DNS says now may be another record tomorrow, and
 * then it is another mark), the verdict, for how long it counts, and the image,
 * plain; at the end their own SHA-256, as a file may be half a file.
 *
 * An image beyond MAIL_SVG_ADVISED is not among them: it would be a field of
 * more than 64 KiB, which libmilter refuses. Its address is told all the same.
 */
#ifndef APP_MAIL_MARK_H
#define APP_MAIL_MARK_H

#include "mail/bimi.h"

#define MAIL_MARK_URI_MAX	2048	/* as that of who fetches (FETCH_URL_MAX) */
#define MAIL_MARK_KEY_MAX	((size_t)8192)	/* two of those, four names, their lengths */
#define MAIL_MARK_WHY_MAX	200
#define MAIL_MARK_SVG_MAX	((size_t)32 * 1024)	/* MAIL_SVG_ADVISED */
#define MAIL_MARK_MAX		(MAIL_MARK_KEY_MAX + MAIL_MARK_SVG_MAX + 512)

/* Names as text, in lower case, without the final dot. */
struct mail_mark_key {
	struct sv	org;				/* the author's organizational domain: who is counted */
	struct sv	author, domain, selector;	/* of the message; of the record */
	struct sv	location, evidence;		/* l=, a= */
};
struct mail_mark {
	enum bimi_result	 result;	/* pass, fail */
	enum bimi_authority	 authority;
	struct sv		 why;		/* of fail: some words, in English, fit for a comment */
	int64_t			 made, until;
	struct sv		 svg;		/* empty: none that a field could hold */
};

/* The key as octets. -E2BIG: that is none that could be fetched; -ENOMEM. */
int	 mail_mark_key_write(struct buf *, const struct mail_mark_key *) MUST_USE;
/* SE_SYNTAX; slices of the octets, as below. */
int	 mail_mark_key_read(struct sv, struct mail_mark_key *ret) MUST_USE;
/* -E2BIG: something does not fit; -ENOMEM. */
int	 mail_mark_write(struct buf *, const struct mail_mark_key *, const struct mail_mark *) MUST_USE;
int	 mail_mark_read(struct sv, struct mail_mark_key *ret_key, struct mail_mark *ret) MUST_USE;

#endif
