/* What the readers and writers of result fields share: their lexical rules. */
#ifndef MAIL_AUTHRES_INTERNAL_H
#define MAIL_AUTHRES_INTERNAL_H

#include "mail/authres.h"

/*
 * A cursor over a field's value. Sticky: after the first error it stands still, and every
 * read gives nothing; who reads asks once, at the end.
 */
struct authres_lex {
	struct sv			 all, left;
	struct pool			*pool;		/* for what had to be unescaped */
	struct sv			 comment;	/* the first since somebody emptied it */
	const struct finding_def	*bad;		/* what is wrong, at the end of what was read */
	bool				 is_oom;
};

enum authres_octet {
	AUTHRES_WORD = 1 << 0,		/* of a Keyword (RFC 5321 section 4.1.2): letters, digits, "-" */
	AUTHRES_TOKEN = 1 << 1,		/* of a token (RFC 2045 section 5.1), or not ASCII */
	AUTHRES_ATOM = 1 << 2,		/* of an atom (RFC 5322 section 3.2.3), or not ASCII */
	AUTHRES_LOOSE = 1 << 3,		/* of what stands without quotes where it should have them */
	AUTHRES_DIGIT = 1 << 4
};
unsigned authres_octet(char);

void	 authres_lex_init(struct authres_lex *, struct pool *, struct sv);
/* Blanks, folds and comments. Were there any? */
bool	 authres_lex_blank(struct authres_lex *);
bool	 authres_lex_is(const struct authres_lex *, char);
bool	 authres_lex_next(struct authres_lex *, char);	/* as _is(), and passes over it */
/* The octets of the kind that come next; may be none. */
struct sv authres_lex_run(struct authres_lex *, enum authres_octet);
/* A token or a quoted string, of which the content. .p is NULL: neither stands there. */
struct sv authres_lex_value(struct authres_lex *);
void	 authres_lex_fail(struct authres_lex *, enum authres_code);

/*
 * "[CFWS] authserv-id [ CFWS authres-version ]" up to the first semicolon, which must be there.
 * *ret_version: the digits, if any.
 */
struct sv authres_lex_identifier(struct authres_lex *, struct sv *ret_version);
bool	 authres_version_is_known(struct sv digits);

/* Good UTF-8 without control characters but those of folds. */
bool	 authres_is_clean(struct sv);
/* May it stand as a value without quotes? */
bool	 authres_is_token(struct sv);
/* May it stand as a pvalue without quotes? A token, a domain, an address. */
bool	 authres_is_plain(struct sv);

/* --- writing --- */

/* A value that grows by pieces, each of which stands on one line. */
struct authres_out {
	struct buf	*b;
	struct buf	 piece;		/* is being made */
	size_t		 column;
	bool		 is_utf8;
};
/* A blank or a fold, then the piece. */
void	 authres_out_piece(struct authres_out *);
/* What of an escaped text may stand between a and b, which are escaped like "\". */
void	 authres_out_escaped(struct authres_out *, struct sv, char a, char b);
/* A value, a pvalue: as it is, or quoted; domains as A-labels where the message is ASCII. */
void	 authres_out_value(struct authres_out *, struct sv);
void	 authres_out_pvalue(struct authres_out *, struct sv);
/* "(…)" as a piece; nothing if it is empty or too long. */
void	 authres_out_comment(struct authres_out *, struct sv);

#endif
