/*
 * objects: what publication servers publish, kept by content, in one LMDB
 * file (objects/data.mdb of the state directory).
 *
 * One process writes (role store, struct objects); it parses nothing of what
 * strangers wrote: it hashes each object itself and keeps it under its
 * SHA-256. Others read (struct objects_reader): read-only, without LMDB's
 * lock file, so that a reader that was taken over can neither block nor
 * corrupt the writer. In exchange a reader asks for a pin before it looks
 * (objects_pin(): the writer holds a read transaction for it) and LMDB then
 * leaves the pages alone that the reader sees. Pins are bounded in time.
 *
 *	pack	id -> objects, one behind the other
 *	life	pack -> its size; how much of it is alive
 *	thin	pack -> (nothing): too little of it is
 *	fresh	pack -> (nothing): of a stage that is not committed
 *	ref	SHA-256 -> how many names have it; since when none has; its place
 *	dead	time, SHA-256 -> (nothing): what GC may look at, oldest first
 *	key	key of a source -> its id
	source	source id -> key, state, times, counts
	gone	source id -> (nothing): deleted, its names not yet all
 *	name	source id, URI -> SHA-256
 *	point	key -> SHA-256 of the manifest (or trust anchor certificate)
 *		that was last judged good there: RFC 9286 section 6.6; those that
 *		were before it; and what the validator keeps of that judgement,
 *		opaque here, with the time at which it came
 *	fact0/1	SHA-256 of a signature that verifies -> (nothing), two generations
 *
 * A source is one place that is fetched as a whole: an RRDP server (its key
 * is the notification URI), an rsync module ("rsync://host/module/"), a trust
 * anchor ("ta:NAME"). Names belong to a source, so that one server can never
 * shadow another's objects. Its `state` is the fetcher's own memory (session,
 * serial, ETag …), opaque here, and changes in the same transaction as the
 * names: what is said to be there, is there.
 *
 * A hash says nothing of where it comes from, so a table of bytes by hash is
 * written and read at random, a page for each object. So objects lie in packs,
 * in the order in which they came, and only their small rows are at random.
 * A pack is written once; what is dead in it is room lost until GC puts the
 * living of such packs together. At rest, packs take less than twice what is
 * alive in them and a constant (objects_pack.c says why).
 *
 * A fetch is staged: batches put objects into packs and gather name changes in
 * memory; the commit changes names, places and state in one transaction. What
 * a stage has put is nobody else's until then: a crash or an abort leaves the
 * old state whole and some packs without an owner, which go as a whole, with
 * the next opening or the next slice of GC.
 *
 * GC: an object that lost its last name dies after `grace`, unless it is held: the
 * validator names what its retained manifests need (objects_hold()). GC does
 * not run before the first hold of this process, works in slices, and never
 * looks at what is alive.
 *
 * The validator reads what strangers wrote, and may have been taken over. What
 * it says here decides what the next one, who is true, finds when a CA's own
 * servers are bad or down: a false "this one is good", or holding nothing, must
 * not take the last valid data away. So what it says adds, and what was before
 * stays for OBJECTS_PAST_AGE, longer than a life of a validator: the manifests
 * that a key had (at most OBJECTS_PAST_MAX, and what came first is not pushed
 * out), and objects that were held. Who reads verifies all of them and takes
 * the newest that its CA signed. What is made up fills the table at the cost of
 * what came after the truth. Not kept: a manifest of a CA that makes more than
 * OBJECTS_PAST_MAX in that time, while it has made so many.
 *
 * Facts say "this signature over this digest verifies with this key":
 * context-free, so true for ever. Only the process that did the arithmetic
 * may bring them (role verify).
 *
 * Full disk: -ENOSPC or SE_LIMIT (max_bytes) fails that batch or commit;
 * everything committed before stays. An eighth of max_bytes is kept free of
 * new objects, because also deleting takes pages in LMDB.
 *
 * Damage: LMDB survives every crash of ours, not a disk that lies. What can
 * be seen cheaply is seen at the opening (head, size, format); after an end
 * that was not clean, pages are looked at without LMDB, which would crash or
 * hang on bad ones (objects_walk.c): all of them after the second in a row;
 * after a crash inside LMDB, which leaves a mark (sys/crash.h), all of them and
 * what is in them. A damaged file is set aside
 * (data.mdb.damaged, one is kept) and the store starts empty, which costs the
 * fetching of everything, once. After two crashes in LMDB without a clean end
 * it is set aside unread: there is no crash loop.
 *
 * The format has a number: a file of an older version is begun anew, which
 * also costs the fetching of everything, once; a newer one's is left alone.
 *
 * Long texts: LMDB's keys have at most 511 bytes, URIs 2048. The table's key
 * is the first 470 bytes and, where there is more, its SHA-256.
 */
#ifndef STORE_OBJECTS_H
#define STORE_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

#define OBJECTS_HASH_LEN	32
#define OBJECTS_STATE_MAX	32000	/* a frame carries it */
#define OBJECTS_PAST_MAX	8	/* of a point: a CA may make one each four hours */
#define OBJECTS_KEY_MAX		2048	/* as a URI; printable ASCII without blanks */

typedef void (*objects_digest_fn)(const void *, size_t, uint8_t ret[static OBJECTS_HASH_LEN]);

/* --- the writer --- */

struct objects;

struct objects_conf {
	const char		*folder;	/* made if absent */
	uint64_t		 max_bytes;	/* of the file */
	int64_t			 grace_sec;	/* nameless objects live so long */
	objects_digest_fn	 digest;
};

/* What objects_open() found, for the log. */
struct objects_found {
	bool		set_aside;	/* it was damaged; this one is empty */
	int		why;		/* SE_SUM …, or 0: crashes */
	bool		checked;	/* its pages were looked at, because of: */
	unsigned	unclean;	/* ends in a row that were not clean */
	unsigned	crashes;	/* in LMDB, since the last clean end */
	bool		older;		/* made by an older version: deleted; this one is empty */
};

/* SE_LOCKED: another one is there; SE_FORMAT: made by a newer version. */
int	 objects_open(const struct objects_conf *, struct objects **ret,
	    struct objects_found *found) MUST_USE;
struct objects *objects_free(struct objects *);
DEFINE_CLEANUP(struct objects, objects_free)

struct objects_source {
	uint32_t	id;
	struct sv	key;
	struct sv	state;		/* of the fetcher, opaque */
	int64_t		changed;	/* time of the last commit that changed a name */
	int64_t		checked;	/* time of the last good answer */
	int64_t		wanted;		/* day on which it was last asked for */
	uint64_t	n_names, bytes;
};

/*
 * Find it or make it (empty state). Slices live until the next call.
 * -EINVAL: no key; SE_LIMIT: too many sources.
 */
int	 objects_source(struct objects *, struct sv key, int64_t now,
	    struct objects_source *ret) MUST_USE;
/* "It answered, and nothing is new": checked = now, state replaced. */
int	 objects_source_checked(struct objects *, uint32_t id, struct sv state, int64_t now) MUST_USE;
/*
 * Nobody wants it any more: it is gone at once (its key may be made anew, with
 * another id); its names go with objects_gc(), a slice at a time.
 */
int	 objects_source_del(struct objects *, uint32_t id) MUST_USE;
/* The same for all that nobody asked for since that time. */
int	 objects_sources_expire(struct objects *, int64_t before, unsigned *ret_n) MUST_USE;

/*
 * A batch is a sequence of records, integers in network order:
 *	u8 op, u8 has_old, u16 uri length, u32 length of the bytes,
 *	[32 bytes hash of the object that it replaces or withdraws, if has_old],
 *	URI, bytes
 */
enum objects_op {
	OBJECTS_PUBLISH = 1,
	OBJECTS_WITHDRAW = 2,		/* no bytes */
	/*
	 * In a stage that replaces: an object that is there already, by its hash
	 * (has_old, no bytes). A mirror need not bring what did not change.
	 */
	OBJECTS_NAME = 3,
};

struct objects_stage;
/* replace: what is not published by it is gone at the commit (a snapshot). */
int	 objects_stage_new(struct objects *, uint32_t source, bool replace,
	    struct objects_stage **ret) MUST_USE;
/*
 * -EBADMSG: not a sequence of records; SE_LIMIT: too many names or bytes.
 * After a failure the stage is only good for abort (a commit says the same).
 * When all stages together take too much memory, the largest one fails.
 */
int	 objects_stage_batch(struct objects_stage *, struct sv batch, int64_t now) MUST_USE;

struct objects_change {
	uint64_t	n_new, n_replaced, n_gone;
};
/*
 * All or nothing. SE_STALE: a record's old hash is not what is there, or it
 * publishes without one over something, or withdraws what is not there
 * (RFC 8182 section 3.4.2): the delta does not fit, take the snapshot. Also:
 * the object of an OBJECTS_NAME is not there. -EEXIST: a URI twice in one
 * stage that replaces. -ENOENT: the source is gone. The stage ends either way.
 */
int	 objects_stage_commit(struct objects_stage *, struct sv state, int64_t now,
	    struct objects_change *ret) MUST_USE;
void	 objects_stage_abort(struct objects_stage *);

/*
 * Records: key, manifest hash (both OBJECTS_HASH_LEN, not all zeros), length
 * (4 bytes, network order), as many bytes to be kept with it, at most
 * OBJECTS_KEPT_MAX. The hash that was there becomes a past one, what was kept
 * goes. When what is kept takes more than OBJECTS_KEPT_SHARE of the file, all
 * of it goes (hashes stay), and what is new comes; when there are too many
 * keys, the younger half of them goes. Committed in slices: after a crash some
 * are in. -EBADMSG: a part of a record, or one that is too long; nothing was done.
 */
int	 objects_points_put(struct objects *, struct sv records, int64_t now) MUST_USE;
/*
 * Hashes that GC must leave; replaces the last list. What is in that and not in
 * this one lives for OBJECTS_PAST_AGE still.
 */
int	 objects_hold(struct objects *, struct sv hashes) MUST_USE;
int	 objects_facts_put(struct objects *, struct sv facts, int64_t now) MUST_USE;
/*
 * Those that are in the older generation are put into the younger; others are
 * ignored. Generations turn when the younger is full or OBJECTS_FACTS_AGE old;
 * the older is forgotten then.
 */
int	 objects_facts_touch(struct objects *, struct sv facts, int64_t now) MUST_USE;

/*
 * One slice of at most n objects (to put packs together: of two packs, where
 * they have more). *ret_more: call again soon.
 */
int	 objects_gc(struct objects *, int64_t now, unsigned n, bool *ret_more) MUST_USE;

/*
 * Let the pages that were touched go from this process' memory; they stay in
 * the page cache. Between transactions only.
 */
void	 objects_forget(struct objects *);

/* Leave the pages that exist now to readers. At most OBJECTS_PINS_MAX. */
int	 objects_pin(struct objects *, uint32_t *ret_pin) MUST_USE;
void	 objects_unpin(struct objects *, uint32_t pin);

struct objects_stat {
	uint64_t	n_objects, n_names, n_sources, n_dead, n_facts, n_points;
	uint64_t	n_packs, n_thin, n_fresh;
	uint64_t	bytes_used, bytes_max;
	uint64_t	bytes_file;	/* with free pages, and those that pins keep */
};
int	 objects_stat(struct objects *, struct objects_stat *ret) MUST_USE;
/*
 * Is everything as it must be? SE_SUM: it is damaged, *ret_what says how (a
 * text for the log). With bytes, each object is hashed again. For tests, and
 * when there is a doubt (a reader died twice): this never crashes by itself.
 */
int	 objects_check(struct objects *, bool bytes, const char **ret_what) MUST_USE;

/* --- readers --- */

/* -ENOENT: the writer has not made it yet. */
struct objects_reader;
int	 objects_reader_open(const char *folder, objects_digest_fn,
	    struct objects_reader **ret) MUST_USE;
struct objects_reader *objects_reader_free(struct objects_reader *);
DEFINE_CLEANUP(struct objects_reader, objects_reader_free)
/*
 * Let the pages that were read go from this process' memory (they stay in the
 * page cache): a run over everything must not become a gigabyte.
 */
void	 objects_reader_forget(struct objects_reader *);

/*
 * A view is one consistent moment. Slices point into the file and live as
 * long as the view (and the pin). Views are made and freed by one thread; all
 * other calls on one view may be made by several threads at once: each table
 * is touched when the view is made, and after that LMDB only reads what the
 * view's transaction holds. -EAGAIN: the file was exchanged or has grown, and
 * other views of this reader are still open: free them and try again.
 */
struct objects_view;
int	 objects_view_new(struct objects_reader *, struct objects_view **ret) MUST_USE;
struct objects_view *objects_view_free(struct objects_view *);
DEFINE_CLEANUP(struct objects_view, objects_view_free)

/*
 * Commits since the view was made. Without a pin, two or more mean that pages
 * of the view may have been written over: what was read is worth nothing.
 */
uint64_t objects_view_commits(struct objects_view *);

/* All: 0, -ENOENT, or what the file said. */
int	 objects_view_get(struct objects_view *, const uint8_t hash[static OBJECTS_HASH_LEN],
	    struct sv *ret) MUST_USE;
int	 objects_view_name(struct objects_view *, uint32_t source, struct sv uri,
	    uint8_t ret_hash[static OBJECTS_HASH_LEN]) MUST_USE;
int	 objects_view_source(struct objects_view *, struct sv key,
	    struct objects_source *ret) MUST_USE;
int	 objects_view_point(struct objects_view *, const uint8_t key[static OBJECTS_HASH_LEN],
	    uint8_t ret_hash[static OBJECTS_HASH_LEN]) MUST_USE;
struct objects_point {
	const uint8_t	*hash;		/* of the manifest */
	int64_t		 born;		/* when the key came */
	struct {
		const uint8_t	*hash;
		int64_t		 until;	/* it was replaced then */
	}		 past[OBJECTS_PAST_MAX];	/* in no order */
	size_t		 n_past;
	int64_t		 since;		/* when the store was given what is kept */
	struct sv	 kept;		/* .n 0: nothing */
};
int	 objects_view_kept(struct objects_view *, const uint8_t key[static OBJECTS_HASH_LEN],
	    struct objects_point *ret) MUST_USE;
/* Usable as a truth value; only OLD ones are worth an objects_facts_touch(). */
enum objects_fact {
	OBJECTS_FACT_NONE = 0,
	OBJECTS_FACT_YOUNG,
	OBJECTS_FACT_OLD,
};
enum objects_fact objects_view_fact(struct objects_view *,
	    const uint8_t fact[static OBJECTS_HASH_LEN]);
/*
 * All names of a source in ascending order of URI (those over 470 bytes that
 * begin alike: in any order), until fn returns false.
 */
int	 objects_view_names(struct objects_view *, uint32_t source,
	    bool (*fn)(void *arg, struct sv uri, const uint8_t *hash), void *arg) MUST_USE;
/* All sources. */
int	 objects_view_sources(struct objects_view *,
	    bool (*fn)(void *arg, const struct objects_source *), void *arg) MUST_USE;
uint64_t objects_view_n_points(struct objects_view *);
/* All points. */
int	 objects_view_points(struct objects_view *,
	    bool (*fn)(void *arg, const uint8_t *key, const uint8_t *hash), void *arg) MUST_USE;

#endif
