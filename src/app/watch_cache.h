/*
 * One RTR cache, watched: what `rtr check` and `rtr diff` know of it. It is
 * asked as a router asks it: all payloads first, then what changed; nothing
 * is sent that a router would not send. What the cache does wrong in the
 * protocol is rtr's findings (rtr/findings.def: order, duplicates,
 * withdrawals, timers); what is to be known of one that does it all right is
 * watch_check()'s.
 *
 * The connection is the caller's: dial() gives it, whatever it goes over.
 * Calls wait, as long as they are told.
 */
#ifndef APP_WATCH_CACHE_H
#define APP_WATCH_CACHE_H

#include "app/link.h"
#include "app/watch_findings.h"
#include "rtr/rtr.h"

struct watch_conf {
	const char	*address;	/* for dial() */
	uint8_t		 version;	/* to begin with */
	int		 timeout_msec;	/* of each answer */
	int		(*dial)(void *arg, const char *address, int msec, struct link *ret);
	void		*arg;
};

enum watch_answer {		/* to a Serial Query */
	WATCH_UNASKED,
	WATCH_SAME,		/* End of Data, nothing new */
	WATCH_CHANGES,		/* changes, then End of Data */
	WATCH_RESET,		/* Cache Reset */
	WATCH_ERROR,		/* Error Report, or the end of the connection */
	WATCH_ANSWER_MAX
};
const char *watch_answer_name(enum watch_answer);	/* "unasked" … */

struct watch_facts {
	bool		 connected, synced, no_data;
	uint8_t		 asked, version;
	unsigned	 n_refused;	/* versions that were tried and refused */
	int64_t		 connect_usec;	/* until connected */
	int64_t		 first_usec;	/* from the query to the first byte */
	int64_t		 sync_usec;	/* from the query to End of Data */
	uint64_t	 bytes;		/* of the full answer */
	uint16_t	 session;
	uint32_t	 serial;
	size_t		 n_v4, n_v6, n_keys, n_aspas;
	struct rtr_timers timers;	/* of the cache, if version > 0 */
	enum watch_answer to_current;	/* to the serial that it had given */
	enum watch_answer to_previous;	/* to the one before */
	size_t		 n_previous;	/* payloads in that answer */
	int64_t		 serial_since;	/* monotonic usec: seen first */
	unsigned	 n_serials;	/* new ones after the first */
};

struct watch_cache;

/* fs gets rtr's findings; NULL: no memory. conf's pointers must last. */
struct watch_cache *watch_cache_new(const struct watch_conf *, struct findings *fs);
struct watch_cache *watch_cache_free(struct watch_cache *);
DEFINE_CLEANUP(struct watch_cache, watch_cache_free)

/*
 * Connect and take all. SE_PEER: it broke the protocol or TLS failed;
 * -ENODATA: it has none; SE_TIMEOUT, SE_CLOSED, or dial()'s codes.
 */
int	 watch_cache_sync(struct watch_cache *) MUST_USE;
/* A Serial Query for what we hold, and for the serial before it. As above. */
int	 watch_cache_probe(struct watch_cache *) MUST_USE;
/*
 * Wait for msec, at most, for news by notify. 1: there was a whole answer;
 * 0: none. As above.
 */
int	 watch_cache_wait(struct watch_cache *, int msec) MUST_USE;
/* Ask for news now; their end is told by watch_cache_wait(). */
int	 watch_cache_ask(struct watch_cache *) MUST_USE;

const struct watch_facts *watch_cache_facts(const struct watch_cache *);
const struct payloads *watch_cache_payloads(const struct watch_cache *);
/* For why TLS failed. */
const struct link *watch_cache_link(const struct watch_cache *);

struct watch_limits {
	uint32_t	 min_vrps;	/* 0: any number will do */
	int64_t		 max_age_sec;	/* 0: any age */
	int64_t		 age_sec;	/* the serial was seen first so long ago */
	int64_t		 watched_sec;	/* we look for so long already */
	bool		 plain;		/* TCP without TLS or MD5, … */
	bool		 local;		/* … to this machine */
};
/* What is to be known of it, to findings. Pure. */
void	 watch_check(const struct watch_facts *, const struct watch_limits *, struct findings *);

#endif
