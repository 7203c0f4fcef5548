/*
 * mail/mime: the parts of a message (RFC 2045, 2046), as far as reports and
 * comparisons need them.
 *
 * What enters is a whole message; what leaves is a flat list of its parts in
 * the order in which they stand, each with its depth and its parent, as
 * slices of the message: nothing is decoded or copied until somebody asks.
 *
 *	[0] multipart/report		the message itself
 *	[1]   text/plain		parent 0
 *	[2]   message/feedback-report	parent 0
 *	[3]   message/rfc822		parent 0; its body is a message of its own
 *
 * A message within a message stays closed: who wants its parts reads its body
 * by mime_parse() again, and decides how often.
 *
 * What is broken is read as most programs do, for people are sent it all the
 * same: a boundary that never ends ends with the message, a multipart without
 * a boundary is one part, letters that are not base64 are passed over. is_open
 * and is_cut say that it was so.
 *
 * A delimiter is its whole line (blanks may follow it). RFC 2046 section 5.1.1
 * would be content with a line that only begins so ("An exact match of the
 * entire candidate line is not required"), which programs do not do: a
 * boundary that begins with another one, as some mailers make them, would
 * end that one.
 *
 * Bounded: MIME_DEPTH_MAX, MIME_PARTS_MAX, MIME_BOUNDARY_MAX; one pass over
 * the text, for each line a comparison with the boundaries that are open.
 *
 * Not here: encoded words (RFC 2047), parameters in pieces (RFC 2231), charsets.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "mail/mail.h"

enum mime_encoding {
	MIME_IDENTITY,			/* 7bit, 8bit, binary, or nothing said */
	MIME_QUOTED,			/* quoted-printable */
	MIME_BASE64,
	MIME_UNKNOWN			/* a word of its own: not decoded */
};

struct mime_part {
	struct sv		 head;		/* its fields with their line ends; without the empty line */
	struct sv		 body;		/* as it stands there; of a multipart all to its last delimiter */
	struct sv		 type;		/* "text/plain" as written; that, too, where nothing is said */
	enum mime_encoding	 encoding;
	unsigned		 depth;		/* 0: the message itself */
	size_t			 parent;	/* in the list */
};

struct mime {
	struct mime_part	*parts;
	size_t			 n;
	bool			 is_open;	/* a multipart has no last delimiter */
	bool			 is_cut;	/* a limit was met: there is more than the list has */
};

/* 0; -ENOMEM. There is one part at least: the message. */
int	 mime_parse(struct pool *, struct sv message, struct mime *ret) MUST_USE;
/* The value of the first field of that name in a part's head, folds and all; .p is NULL: none. */
struct sv mime_field_find(struct sv head, struct sv name);
/*
 * A parameter of a Content-Type or Content-Disposition, without its quotes and folds. 0;
 * -ENOENT: there is none; -ENOMEM.
 */
int	 mime_param_find(struct pool *, struct sv value, struct sv name, struct sv *ret) MUST_USE;
/*
 * A part's body, or the beginning of one, decoded. Identity is the slice itself; of an
 * unknown encoding nothing is left. 0; -ENOMEM.
 */
int	 mime_decode(struct pool *, enum mime_encoding, struct sv body, struct sv *ret) MUST_USE;

#endif
