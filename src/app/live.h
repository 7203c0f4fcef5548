/*
 * app/live: the object store as the place where validations get their objects
 * from, and what a validation has to say to the other roles afterwards.
 *
 * A publication point is judged on a manifest and on files that have the
 * hashes which that manifest lists. The store keeps objects by hash, so the
 * question "which data?" is only "which manifest?", and the candidates are:
 * the one that the RRDP server has now, the one that the rsync module has
 * now, and the one that was judged good last (RFC 9286 section 6.6: "the RP
 * ... SHOULD continue to use cached versions of the objects associated with
 * this CA instance, until such time as they become stale"). The first that
 * makes a whole point is used. What was judged good last is remembered as a
 * hash in the store, and is verified again each time before it is believed
 * (rpki_mft_seen()): the memory may come from a process that lied. For the
 * same reason the store has those before it, too, for longer than such a
 * process lives: of all, the highest number that the CA signed is the last one
 * seen, and stands in first. So a lie that was told while the CA's own servers
 * were bad takes nothing away that was valid.
 *
 * Results: with the hash the store keeps what the point gave, so that it
 * stands over a restart as it does in memory (live_kept.c). Wherever it stands,
 * after a day at most it is judged again from its bytes.
 *
 * Signatures: a fact in the store answers at once; what is left goes to
 * whoever computes (.verify of the configuration).
 *
 * A run:	live_begin()		one consistent view of the store
 *		routes_run()		with .backend = live_backend()
 *		live_wants() …		what follows from it, as bytes for messages
 *		live_end()
 */
#ifndef APP_LIVE_H
#define APP_LIVE_H

#include "app/routes.h"
#include "base/buf.h"
#include "crypto/crypto.h"

/* "ta:" and the name of the TAL: the key of a trust anchor's source. */
#define LIVE_TA_PREFIX	"ta:"

struct live;

struct live_conf {
	const char	*objects;	/* the store's folder */
	bool		 facts;		/* false: everything is judged and computed */
	/*
	 * The caller calls routes_thicken() where objects are asked for; false: a
	 * run with .keep has all of them.
	 */
	bool		 thickens;
	/* Computes; NULL: crypto_verify_batch(). Called from several threads. */
	int		(*verify)(void *arg, unsigned job, struct crypto_verify *, size_t n);
	void		*arg;
};

struct live	*live_new(const struct live_conf *);
struct live	*live_free(struct live *);
DEFINE_CLEANUP(struct live, live_free)

/* -ENOENT: there is no store yet. */
int		 live_begin(struct live *) MUST_USE;
void		 live_end(struct live *);
/*
 * Before live_end(): the run was good, and may be the next one's .prev. Not
 * said, the next run looks at more than it must.
 */
void		 live_followed(struct live *);
/* For who reads without a pin: was what was read whole? */
bool		 live_whole(struct live *);
const struct routes_backend *live_backend(struct live *);

struct live_counts {
	uint64_t	n_facts, n_computed;	/* signatures known, and not */
	uint64_t	n_kept;			/* points that stand over a restart */
	uint64_t	n_still;	/* points that stood without a look at names */
};
struct live_counts live_counts(const struct live *);

/*
 * All places that the run met: the lines of the message sources_want. Between
 * live_begin() and live_end().
 */
int		 live_wants(struct live *, const struct routes *, struct buf *ret) MUST_USE;
/*
 * Is there an answer for every place of the run, good or bad? known() says it
 * of one source's key; what the store has is an answer, too. Between
 * live_begin() and live_end().
 */
bool		 live_settled(struct live *, const struct routes *,
		    bool (*known)(void *arg, struct sv key), void *arg);
/* What is to be remembered as judged good: records for objects_points_put(). */
int		 live_points(struct live *, const struct routes *, struct buf *ret) MUST_USE;
/* Hashes that older data in use needs: for objects_hold(). */
int		 live_holds(struct live *, const struct routes *, struct buf *ret) MUST_USE;
/* Facts of the older generation that were used: for objects_facts_touch(). */
struct sv	 live_touched(struct live *);
/* The earliest moment at which time alone changes something; TIME_NEVER. */
int64_t		 live_next(const struct routes *);

/* "rsync://host/module/" of a longer URI; n == 0: it has none. */
struct sv	 live_module(struct sv uri);

#endif
