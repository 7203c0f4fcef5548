/*
 * fetch_plan: which publication server is asked when. A table of places and
 * the rules of the schedule; time and randomness come in as arguments, so
 * that hours can be played in a test. It opens nothing and sends nothing.
 *
 * What enters is the list of what validation met (messages.def: sources_want),
 * text of a process that parses strangers' bytes, so it is read as theirs:
 * lines that are no good are counted and passed over, and each trust anchor
 * has the same share of the table. Within the share those come first that
 * have answered before, then those that most CAs name; a host, and a domain,
 * may have only so many. A CA with a million children that name a million
 * servers can therefore fill its own trust anchor's share with newcomers, and
 * neither another's nor the places of servers that work.
 *
 * Three kinds of places:
 *	ta	the certificate of a trust anchor, from the TAL's URIs
 *	rrdp	a notification URI
 *	rsync	a module; asked when a CA has no notification URI, when RRDP is
 *		off, always (if so configured), or as the fallback of RRDP
 *
 * Fallback. RFC 8182 section 3.4.5: "Relying Parties could attempt to use
 * alternative repository access mechanisms, if they are available". A server
 * that has nothing of ours yet is replaced by its rsync module at once: there
 * is nothing to validate with otherwise. One whose data we hold is given 30
 * to 60 minutes, drawn for each server: nothing expires in such a time that
 * should not, most failures are shorter, and if all validators of the world
 * went over to rsync in the same minute, the rsync server would fail as well.
 * A success by RRDP ends it.
 *
 * When: at once what is new; every `refresh` +-10 % what works; a failure
 * waits a tenth of refresh (1 to 60 s), doubled for each one more, +-25 %,
 * never longer than an hour; Retry-After makes it longer within that hour.
 *
 * Who goes first: trust anchors, then servers that worked last time, then new
 * ones, then failing ones. New ones come in the order of their shares, one of
 * each trust anchor in turn; all others by the time since they have been due.
 * Of the slots, some are closed to new and failing places, so that a crowd of
 * slow servers waits for itself only; and at most two are one host's.
 */
#ifndef APP_FETCH_PLAN_H
#define APP_FETCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

/* The Internet of 2026 has about 60 servers and five trust anchors. */
#define FETCH_PLACES_MAX	4000	/* lines that are followed, of all trust anchors */
#define FETCH_TAS_MAX		64
#define FETCH_URIS_MAX		8	/* of one TAL */
#define FETCH_SPKI_MAX		4096	/* of its key; RSA with 16384 bits has 2 KB (messages.def) */
#define FETCH_PER_HOST_MAX	16	/* lines that name one host; four is the most today */
#define FETCH_PER_DOMAIN_MAX	512	/* the last two labels of a name: a hoster of servers, or the lab */
#define FETCH_WANT_MAX		((size_t)96 * 1024 * 1024)	/* read of the list: all that live_wants() writes */
#define FETCH_KEY_MAX		2048	/* as objects.h */

#define FETCH_SLOTS		32	/* conversations by HTTPS at one time */
#define FETCH_SLOTS_DOUBTFUL	24	/* … of them with new and failing servers */
#define FETCH_RSYNC_SLOTS	6	/* rsync programs at one time */
#define FETCH_RSYNC_DOUBTFUL	4
#define FETCH_PER_HOST_SLOTS	2

#define FETCH_BACKOFF_MAX_MS	((int64_t)3600 * 1000)
#define FETCH_FORGET_MS		((int64_t)24 * 3600 * 1000)	/* after nobody wants it */

enum place_kind {
	PLACE_TA,
	PLACE_RRDP,
	PLACE_RSYNC,
	PLACE_KIND_MAX
};

enum fetch_rsync {
	FETCH_RSYNC_NEVER,
	FETCH_RSYNC_FALLBACK,
	FETCH_RSYNC_ALWAYS,
};

struct fetch_place {
	enum place_kind	 kind;
	const char	*key;			/* of the source in the store */
	const char	*host;
	const char	*uris[FETCH_URIS_MAX];	/* of a trust anchor, in order */
	unsigned	 n_uris;
	struct sv	 spki;			/* of the TAL: what its certificate contains */
	uint64_t	 n_cas;			/* that name it */
	size_t		 rank;			/* in the share of its trust anchor */
	bool		 wanted, running;
	bool		 direct;		/* rsync: not as a fallback */
	unsigned	 n_fallback;		/* rsync: servers that it stands in for */
	bool		 fallback;		/* rrdp: its modules are asked instead */
	unsigned	 failures;		/* in a row */
	uint64_t	 tries;
	int64_t		 next, last_ok, last_try; /* ms; last_ok 0: never */
	void		*user;			/* of the caller */
};

struct fetch_plan_conf {
	int64_t			 refresh_ms;
	bool			 rrdp;
	enum fetch_rsync	 rsync;
};

struct fetch_plan;

struct fetch_plan *fetch_plan_new(const struct fetch_plan_conf *, uint64_t random);
struct fetch_plan *fetch_plan_free(struct fetch_plan *);
DEFINE_CLEANUP(struct fetch_plan, fetch_plan_free)

struct fetch_wanted {
	size_t	n_lines, n_bad;
	size_t	n_over;			/* beyond a share or a cap: not followed */
};

/*
 * Replace what is wanted. -ENOMEM: not all of it is followed.
 * Times are milliseconds of any clock that only goes forward, above 0.
 */
int	 fetch_plan_want(struct fetch_plan *, struct sv lines, int64_t now,
	    struct fetch_wanted *ret) MUST_USE;

/* What to start now; it is running then. NULL: nothing. */
struct fetch_place *fetch_plan_next(struct fetch_plan *, int64_t now);
/* Milliseconds until fetch_plan_next() may have something; -1: only after a change. */
int64_t	 fetch_plan_wake(const struct fetch_plan *, int64_t now);

struct fetch_outcome {
	bool	ok;
	bool	has_data;		/* the store has something of it, however old */
	int64_t	retry_after_ms;		/* as the server asked; 0: it did not */
};
void	 fetch_plan_done(struct fetch_plan *, struct fetch_place *,
	    const struct fetch_outcome *, int64_t now);
/*
 * Let it run as if its time had come; empty: all. false: no such place. One
 * that runs may have seen the server before what it is asked for was there:
 * it runs once more, right after.
 */
bool	 fetch_plan_now(struct fetch_plan *, struct sv key, int64_t now);
/*
 * A place that nobody has wanted for FETCH_FORGET_MS leaves the table: its
 * key goes to the caller, who makes the store forget it, too.
 */
bool	 fetch_plan_forget(struct fetch_plan *, int64_t now, char key[static FETCH_KEY_MAX + 1]);

size_t	 fetch_plan_count(const struct fetch_plan *);
const struct fetch_place *fetch_plan_at(const struct fetch_plan *, size_t i);
/* Should this one be fetched at all, by what is known now? */
bool	 fetch_place_due(const struct fetch_place *);
const char *place_kind_name(enum place_kind);
/* The host of a URI as a key: lower case, without user, port and brackets. */
int	 fetch_host(struct sv uri, char *ret, size_t size) MUST_USE;

#endif
