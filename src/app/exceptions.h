/*
 * app/exceptions: where the operator knows better than the RPKI, for a while.
 *
 * An exception is an entry of rpki.exceptions in sekisho.conf: what it asserts
 * or filters, and beside that an owner, a reason and an end, without which the
 * configuration is refused with the line. They stand in the configuration
 * itself and not in a file of their own, because whoever may change what
 * routers are told must go through the same check, reload and history as for
 * everything else, and `conf check` must see a mistake before it is in use.
 *
 * They are compiled to SLURM (RFC 8416; rpki/rpki.h) and take part in its
 * rules like one file more. An entry works up to its end and not after it;
 * from a week before that until it is taken out it is a finding, so that
 * nobody is surprised and nothing is forgotten. Payloads that they add bear
 * the trust anchor name "exception-OWNER" and end with the entry.
 *
 * exceptions_text() and exceptions_parse() are the way to the role that
 * validates: one line an entry, fields between TABs. The check and the text
 * need the configuration only; the rest needs no configuration.
 */
#ifndef APP_EXCEPTIONS_H
#define APP_EXCEPTIONS_H

#include "app/conf.h"
#include "app/slurm.h"

/* Some hundred entries; a message between roles carries them. */
#define EXCEPTIONS_TEXT_MAX	48000
/* From then on an end is announced. */
#define EXCEPTION_WARN_SEC	(7 * 86400)

struct exception {
	struct slurm_entry	 entry;		/* .expires is the end */
	struct sv		 owner, reason, ticket;
	uint32_t		 line;		/* in the configuration */
};

struct exceptions {
	struct exception	*v;
	size_t			 n;
};

/* Rules that rows of the configuration cannot say. 0 or negative with *err filled. */
int	 exceptions_check(const struct conf *, struct conf_error *err) MUST_USE;
/* The entries of a checked configuration. */
void	 exceptions_text(const struct conf *, struct buf *);

/* All of it in the pool. -EBADMSG: not what exceptions_text() writes; -ENOMEM. */
int	 exceptions_parse(struct pool *, struct sv text, struct exceptions *ret) MUST_USE;
/*
 * The entries that work at `now` go to the set as the file "rpki.exceptions";
 * ends to findings. *ret_next: the next moment at which anything of this will be
 * different (an end, or its announcement); TIME_NEVER. -ENOMEM, -E2BIG.
 */
int	 exceptions_compile(const struct exceptions *, int64_t now, struct slurm *,
	    struct findings *, int64_t *ret_next) MUST_USE;
/* The same, applied at once to merged payloads: for who has no SLURM files. */
int	 exceptions_apply(const struct exceptions *, int64_t now, struct payloads *,
	    struct findings *, int64_t *ret_next) MUST_USE;

/*
 * All that is local: SLURM files and the text of exceptions, checked against
 * each other, ready for slurm_apply(). *ret NULL with a REJECT in fs: refused
 * as a whole (RFC 8416 section 4). Negative: a file cannot be read (complained
 * of), -EBADMSG, -ENOMEM, -E2BIG.
 */
int	 exceptions_load(const char *const *files, size_t n, struct sv text, int64_t now,
	    struct findings *, const struct complain *, struct slurm **ret,
	    int64_t *ret_next) MUST_USE;

#endif
