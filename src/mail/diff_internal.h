/* What the files of mail/diff share. */
#ifndef MAIL_DIFF_INTERNAL_H
#define MAIL_DIFF_INTERNAL_H

#include <errno.h>

#include "mail/diff.h"
#include "mail/mime.h"

struct diff_of {
	struct pool			*pool;
	const struct mail_diff_side	*side[2];
	const struct mail_head		*head[2];
	size_t				*mate;		/* of BEFORE's fields in AFTER; SIZE_MAX: none */
	struct mail_diff		*d;
};

/* --- diff_word.c --- */

/* The text with its encoded words decoded (charsets left as they are), folds taken out. */
void	 diff_words_decode(struct buf *, struct sv);

/* --- diff_field.c --- */

/* How alike two fields are. -ENOMEM. */
int	 diff_level_find(const struct mail_field *, const struct mail_field *,
	    enum mail_diff_level *ret) MUST_USE;
/* All fields paired: mate, d->fields. -ENOMEM. */
int	 diff_fields_pair(struct diff_of *) MUST_USE;

/* --- diff_body.c, diff_line.c --- */

/* d->body, and whether each want holds in both. -ENOMEM. */
int	 diff_body_compare(struct diff_of *) MUST_USE;
void	 diff_lines_compare(struct sv before, struct sv after, struct mail_diff_body *);
/* Its first line with more than a rule, shortened. */
struct sv diff_text_shown(struct sv);
/* The same octets but for white space and line ends? */
bool	 diff_text_is_wrapped(struct sv, struct sv);

/* --- diff_leaf.c, diff_part.c --- */

struct diff_leaf {
	struct sv	type, charset, encoding, file;
	struct sv	raw;		/* as it stands in the message */
	struct sv	text;		/* as it reads: decoded, LF for CRLF in text, no line ends at its end */
	size_t		mate;		/* in the other message; SIZE_MAX: none */
};
struct diff_leaves {
	struct diff_leaf	*v;
	size_t			 n;
	bool			 is_multi, is_cut;
};
/* What was decoded is scratch's. -ENOMEM. */
int	 diff_leaves_read(struct pool *, struct pool *scratch, struct sv message,
	    struct diff_leaves *ret) MUST_USE;
int	 diff_parts_compare(struct diff_of *) MUST_USE;

/* --- diff_sig.c --- */

int	 diff_sigs_compare(struct diff_of *) MUST_USE;

/* --- diff_tell.c, diff_program.c --- */

void	 diff_tell(struct diff_of *, struct findings *);
/* Behind diff_tell(), whose findings are evidence, too. */
void	 diff_program_find(struct diff_of *, const struct findings *);

#endif
