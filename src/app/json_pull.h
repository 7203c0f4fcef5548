/*
 * A stream of JSON, asked for piece by piece: what is larger than memory
 * should be, and read by who knows what to expect. One buffer; the first
 * failure stays (.rc), and everything after it reads as the end.
 *
 *	if (json_enter(r, '{'))
 *		while (json_next_key(r, &first, &key))
 *			json_value(r, &v);
 */
#ifndef APP_JSON_PULL_H
#define APP_JSON_PULL_H

#include "base/sv.h"
#include "base/util.h"

#define JSON_TEXT_MAX	256		/* kept of a string or number */
#define JSON_PULL_DEPTH	32

/* Bytes, 0 at the end, or a negative code. */
typedef long (*json_read_fn)(void *arg, void *, size_t);

struct json_pull {
	json_read_fn	 read;
	void		*arg;
	char		*buf;
	size_t		 at, len;
	uint64_t	 line;		/* from 1 */
	unsigned	 depth;
	int		 rc;		/* SE_SYNTAX, SE_LIMIT (depth), or what read returned */
};

enum json_kind {
	JSON_NUMBER,
	JSON_STRING,
	JSON_WORD,			/* true, false, null */
	JSON_COMPOSITE,			/* passed over */
};

struct json_text {
	enum json_kind	 kind;
	size_t		 n;
	bool		 long_one;	/* text is only its head */
	char		 text[JSON_TEXT_MAX];
};

/* -ENOMEM. json_pull_done() in any case. */
int	 json_pull_init(struct json_pull *, json_read_fn, void *arg) MUST_USE;
void	 json_pull_done(struct json_pull *);
/* -1; rc stays what it was if it is negative. */
int	 json_fail(struct json_pull *, int rc);
/* The next byte that is not white space, not taken; -1 at the end or after a failure. */
int	 json_peek(struct json_pull *);
/* Into an object or array: open is what stands before it. */
bool	 json_enter(struct json_pull *, int open);
/*
 * The next key of an object, its colon taken, or the next item of an array
 * (close: the bracket behind it); false at its end, which is taken. *first is
 * true before the first one.
 */
bool	 json_next_item(struct json_pull *, int close, bool *first);
bool	 json_next_key(struct json_pull *, bool *first, struct json_text *key);
/* Any value. */
void	 json_value(struct json_pull *, struct json_text *);

#endif
