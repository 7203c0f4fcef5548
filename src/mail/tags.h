/*
 * mail/tags: lists of tag=value (RFC 6376 section 3.2), which DKIM's and ARC's
 * fields, DKIM's keys and DMARC's records are:
 *
 *	v=1; a=rsa-sha256; d=example.jp; s=2026;
 *	 h=From:To:Subject; bh=…; b=…
 *
 * What enters is the text; what leaves are slices of it, in its order. Who
 * reads a list has a table of the tags that it knows, and looks each up; what
 * it does not know it passes over, as the standards demand.
 *
 * A list is bad as a whole where a tag stands twice (section 3.2: "Tags with
 * duplicate names MUST NOT occur within a single tag-list; if a tag name does
 * occur more than once, the entire tag-list is invalid"), where something has
 * no "=", where a name is no name, and where a value has a control character:
 * another reader would end it there. DMARC's reader takes what came before
 * the fault (RFC 9989 section 4.7), so that stays in *ret.
 *
 * Octets above 127 may stand in values: the standards of internationalised
 * mail allow U-labels there (RFC 8616 section 5), and whoever reads the value
 * judges them. A semicolon at the end is no further tag; two in a row are one
 * fault.
 *
 * RFCs: 6376 section 3.2, 8616 (UTF-8 in values), 9989 section 4.7.
 *
 * What is not here: what any tag means, base64, numbers, and comments (there
 * are none in these lists). Nothing is allocated or copied.
 */
#ifndef MAIL_TAGS_H
#define MAIL_TAGS_H

#include "mail/mail.h"

struct mail_tag {
	struct sv	name;
	struct sv	value;		/* without the white space around it; folds within it as they came */
	struct sv	raw;		/* from the first octet behind "=" to the last before ";" or the end */
};

struct mail_tags {
	size_t		n;
	struct mail_tag	tag[MAIL_TAGS_MAX];
};

enum mail_tags_error {
	MAIL_TAGS_OK,
	MAIL_TAGS_SYNTAX,	/* no "=", a name of other than letters, digits, "_", a control character */
	MAIL_TAGS_DOUBLE,
	MAIL_TAGS_MANY		/* more than MAIL_TAGS_MAX */
};
/* *ret_at: the octet at which the tag begins that is wrong; *ret has those before it. */
enum mail_tags_error mail_tags_parse(struct sv text, struct mail_tags *ret, size_t *ret_at);
/* .p is NULL: there is none. Letter case counts (section 3.2). */
struct sv mail_tag_get(const struct mail_tags *, const char *name);
/* White space of every kind taken out (base64 in folds). .p is NULL without memory. */
struct sv mail_unfold(struct pool *, struct sv value);

#endif
