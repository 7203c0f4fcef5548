/*
 * app/mail_sign_roll: the keys of DKIM that the house makes itself, and in which order they are
 * used. Pure: what was seen and the time go in, states come out.
 *
 *	made		its record is in the DNS nowhere yet
 *	published	some servers of the zone have it, others do not
 *	seen		all have it; caches may still remember that it was not there
 *	in use		it signs: nobody can remember that any more
 *	retired		a newer key signs; mail of this one is still under way
 *	withdrawn	its record may go, its private key has gone
 *
 * A state is not kept but follows from times that are: when a key was made, when its record was
 * first seen, since when all servers have it, and how long anybody may remember another answer.
 * So time alone moves a key on, whoever asks, and a clock that is set back does no harm. A record
 * that is gone from any server takes the key back to "published" or "made", and the one before it
 * signs again if its own record is there still: better an old signature than one that fails.
 *
 * A selector is never used twice: what caches know of it is of this key or of none.
 *
 * One key of each algorithm signs for a domain: the youngest that may.
 */
#ifndef APP_MAIL_SIGN_ROLL_H
#define APP_MAIL_SIGN_ROLL_H

#include "base/buf.h"
#include "base/pool.h"
#include "mail/dkim.h"

/*
 * MTAs try for five days (RFC 5321 section 4.5.4.1: "generally needs to be at least 4-5 days"), and
 * whoever has a message then verifies it a little later.
 */
#define MAIL_ROLL_KEEP_SEC	(7 * 86400)
/* Of an answer that is remembered: no cache keeps more (RFC 8767 section 4: "on the order of days to weeks"). */
#define MAIL_ROLL_TTL_MAX	(7 * 86400)
#define MAIL_ROLL_KEYS_MAX	16384
#define MAIL_ROLL_TEXT_MAX	((size_t)8 << 20)

enum mail_roll_state {
	MAIL_ROLL_MADE,
	MAIL_ROLL_PUBLISHED,
	MAIL_ROLL_SEEN,
	MAIL_ROLL_IN_USE,
	MAIL_ROLL_RETIRED,
	MAIL_ROLL_WITHDRAWN,
	MAIL_ROLL_STATE_MAX
};
/* "made" …: a msgid */
const char *mail_roll_state_name(enum mail_roll_state);

/* Times are Unix times; 0: never yet. */
struct mail_roll_key {
	struct sv	 domain, selector;	/* A-labels in lower case */
	enum dkim_alg	 alg;
	int64_t		 made;
	int64_t		 published;		/* first seen at a server */
	int64_t		 seen;			/* since then all servers have it */
	int64_t		 looked;		/* the last look that had answers */
	uint32_t	 ttl_sec;		/* the longest that another answer may be remembered */
};

struct mail_roll {
	struct mail_roll_key	*keys;		/* as they were made */
	size_t			 n;
};

/* --- kept as text, a line for each key --- */

/* All in the pool. -EBADMSG; SE_LIMIT; -ENOMEM. */
int	 mail_roll_parse(struct sv text, struct pool *, struct mail_roll *ret) MUST_USE;
void	 mail_roll_write(const struct mail_roll *, struct buf *);
struct mail_roll_key *mail_roll_find(const struct mail_roll *, struct sv domain, struct sv selector);
/* A copy of the list with one key more, in the pool. -EEXIST: there is one of that selector. */
int	 mail_roll_add(struct mail_roll *, struct pool *, const struct mail_roll_key *) MUST_USE;
void	 mail_roll_del(struct mail_roll *, struct mail_roll_key *);

/* --- what holds at a time --- */

struct mail_roll_now {
	enum mail_roll_state	 state;
	int64_t			 since;		/* … it is that */
	int64_t			 until;		/* … time alone ends it; 0: it does not */
};
struct mail_roll_now mail_roll_at(const struct mail_roll *, const struct mail_roll_key *, int64_t now);
/* When time alone changes any of them; 0: never. */
int64_t	 mail_roll_next(const struct mail_roll *, int64_t now);

/* --- what was seen --- */

struct mail_roll_look {
	unsigned	 n_has;			/* servers that gave our key */
	unsigned	 n_other;		/* that gave another answer */
	unsigned	 n_silent;		/* that gave none */
	uint32_t	 ttl_sec;		/* how long another answer may be remembered */
};
/* Answers of one round, all of them given by that time. */
void	 mail_roll_see(struct mail_roll_key *, const struct mail_roll_look *, int64_t now);

#endif
