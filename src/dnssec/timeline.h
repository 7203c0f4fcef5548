/*
 * timeline: is there any moment at which some resolver, holding any mix of
 * what was published, finds the zone bogus or silently insecure?
 *
 * What enters is a *history*: which versions of the DS RRset, of the DNSKEY
 * RRset and of signed data were, are and will be served, from when until when,
 * with which TTL. What leaves is a verdict: every bad interval, and for the
 * first one the story of a resolver that gets there. No key material, no zone
 * and no clock: names of keys, numbers and times, in struct timeline or in
 * its text form, one statement a line ("#" begins a comment):
 *
 *	key K ALG			a key and its algorithm's number
 *	skew S				clocks are wrong by up to S seconds
 *	strict yes|no			every algorithm of the DS set, or any one
 *	ds ID none | ds ID K...		the absence of DS, or DS for these keys
 *	dnskey ID keys K... sigs K:INC:EXP...
 *	data ID CLASS sigs K:INC:EXP... | data ID CLASS unsigned
 *	serve ID FROM UNTIL TTL		[FROM, UNTIL) on at least one server
 *	secure FROM UNTIL		the zone is meant to be secure
 *
 * A version is *alive* at t if a serve line has FROM <= t < UNTIL + TTL: some
 * cache may hold it. All that is alive mixes. A signature counts at t if every
 * validator takes it: INC + S <= t and t + S <= EXP. With a DS set d, a DNSKEY
 * set k and data s alive at t, the state is
 *
 *	BOGUS_KEYS	if not every algorithm of d (strict; otherwise: not any)
 *			has a key in d and in k with a counting signature on k,
 *	BOGUS_DATA	if k is good and not every algorithm of d (otherwise:
 *			not any key) has a key in k with a counting signature
 *			on s,
 *	INSECURE	if d is the absence of DS and the zone is meant secure.
 *
 * RFC 4035 section 5.3.3 asks a validator for one good path only. Strict is
 * what RFC 4035 section 2.2 asks of signers, and what Unbound checks with
 * harden-algo-downgrade: who is good in its sense is good in both.
 *
 * The check is exact, not sampled: every condition is a set of half-open
 * intervals of whole seconds, and the bad states are what set arithmetic
 * leaves over. Data of equal signatures and times are judged once. A *step*
 * is a list of edits whose times hang on one x ("stop old at x, serve new from
 * x"): it can become safe only where one of its beginnings meets a fixed end,
 * so that the earliest safe x is found by trying these places in order.
 *
 * Assumed, and said by timeline_assumptions(): resolvers keep nothing beyond
 * its TTL (no serve-stale, RFC 8767, or only while servers are down), they do
 * not raise TTLs, clocks are within the skew. A cap on TTLs only shortens
 * lives, and so does a validator that cuts TTLs at a signature's end. What was
 * found bogus is looked up again at once; a cache of failures (RFC 9520), such
 * as Unbound's of 60 s, only prolongs what was bad.
 *
 * RFCs: 4033 to 4035, 6781 (rollovers), 6840 section 5.11, 7583 (timing),
 * 8901 (multi-signer). Not here: trust anchors by RFC 5011 (a 'ds' version
 * stands for an anchor set), NSEC (data like other data), the future of caches
 * that break the assumptions.
 */
#ifndef DNSSEC_TIMELINE_H
#define DNSSEC_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/finding.h"
#include "base/pool.h"
#include "base/sv.h"
#include "base/timefmt.h"
#include "base/util.h"

enum roll_code {
#define F FINDING_ENUM_
#include "dnssec/roll_findings.def"
#undef F
	ROLL_CODE_MAX
};
extern const struct finding_def roll_findings[ROLL_CODE_MAX];

/* --- the model (timeline.c); indices are of timeline's arrays --- */

enum timeline_kind {
	TIMELINE_DS,
	TIMELINE_DNSKEY,
	TIMELINE_DATA,
	TIMELINE_KIND_MAX
};

struct timeline_key {
	struct sv	name;
	uint8_t		alg;
};

struct timeline_sig {
	unsigned	key;
	int64_t		inc, exp;		/* both inclusive; exp may be TIME_NEVER */
};

/* Times from 0 on; until may be TIME_NEVER. */
struct timeline_span {
	int64_t		from, until;		/* [from, until) */
};

struct timeline_serve {
	struct timeline_span at;
	uint32_t	ttl_sec;
};

struct timeline_version {
	struct sv		 id, class;	/* class: of data only */
	enum timeline_kind	 kind;
	unsigned		*keys;		/* DS: pointed to (0: none); DNSKEY: in the set */
	struct timeline_sig	*sigs;		/* DNSKEY, DATA (0: unsigned) */
	struct timeline_serve	*serves;
	size_t			 n_keys, n_sigs, n_serves;
	unsigned		 origin;	/* its own index, or the one that a step made it from */
};

struct timeline;

/* NULL without memory. */
struct timeline	*timeline_new(void);
struct timeline	*timeline_free(struct timeline *);
DEFINE_CLEANUP(struct timeline, timeline_free)

/*
 * Names are copied. -EINVAL: no name, or a word that the text form reserves;
 * -EEXIST; a time, TTL or algorithm out of its range: -ERANGE; SE_LIMIT.
 */
int	 timeline_key_add(struct timeline *, struct sv name, uint8_t alg, unsigned *ret) MUST_USE;
int	 timeline_version_add(struct timeline *, enum timeline_kind, struct sv id, struct sv class,
	    unsigned *ret) MUST_USE;
/* A key of a DS or DNSKEY version; a second time changes nothing. */
int	 timeline_version_key(struct timeline *, unsigned version, unsigned key) MUST_USE;
int	 timeline_version_sig(struct timeline *, unsigned version, const struct timeline_sig *) MUST_USE;
/* An empty interval is -ERANGE: nobody could fetch it. */
int	 timeline_serve_add(struct timeline *, unsigned version, const struct timeline_serve *) MUST_USE;
int	 timeline_secure_add(struct timeline *, const struct timeline_span *) MUST_USE;
int	 timeline_skew_set(struct timeline *, uint32_t skew_sec) MUST_USE;
void	 timeline_strict_set(struct timeline *, bool);

size_t	 timeline_n_versions(const struct timeline *);
size_t	 timeline_n_keys(const struct timeline *);
const struct timeline_version *timeline_version(const struct timeline *, unsigned);
const struct timeline_key *timeline_key(const struct timeline *, unsigned);
/* -ENOENT. */
int	 timeline_version_find(const struct timeline *, struct sv id, unsigned *ret) MUST_USE;
int	 timeline_key_find(const struct timeline *, struct sv name, unsigned *ret) MUST_USE;

/*
 * What is seen. A version that some server still gives at `at` although no
 * serve line says so has no known end: its last line's until becomes never
 * (if none has begun, the next one begins at `at`; without lines: -ENOENT).
 * One that all servers were seen without at `at` ends there at the latest.
 * Each server of parent and child has to be asked, or "gone" is a guess.
 */
int	 timeline_seen(struct timeline *, unsigned version, int64_t at) MUST_USE;
int	 timeline_gone(struct timeline *, unsigned version, int64_t at) MUST_USE;
/* Servers of this kind follow up to delay_sec late: they serve the old so much longer. */
int	 timeline_widen(struct timeline *, enum timeline_kind, uint32_t delay_sec) MUST_USE;

/* --- the text form (timeline_text.c) --- */

/* 0; SE_SYNTAX with a ROLL_TEXT finding (line, what is wrong); -ENOMEM. */
int	 timeline_parse(struct sv text, struct findings *, struct timeline **ret) MUST_USE;
/* In an order of its own; parse gives the same timeline. */
void	 timeline_print(const struct timeline *, struct buf *);
const char *timeline_kind_name(enum timeline_kind);	/* "ds" … */

/* --- the verdict (timeline_check.c) --- */

enum timeline_ill {
	TIMELINE_BOGUS_KEYS,
	TIMELINE_BOGUS_DATA,
	TIMELINE_INSECURE,
	TIMELINE_ILL_MAX
};

/* A state that is bad throughout [from, until); the version that plays no part is -1. */
struct timeline_bad {
	enum timeline_ill	ill;
	struct timeline_span	at;
	int			ds, dnskey, data;
};

struct timeline_verdict {
	struct timeline_bad	*bads;		/* by time; bads[0] is the story to tell */
	size_t			 n_bads;	/* 0: safe */
	/* Disjoint by kind, each with the state that begins it; by time. */
	struct timeline_bad	*merged;
	size_t			 n_merged;
	/*
	 * Of data with equal signatures that are alive at equal times only the
	 * first stands in bads: same_as[version] names it (itself for all
	 * others). Beyond TIMELINE_BADS_MAX, states that add nothing to merged
	 * are left out; n_states counts them, too.
	 */
	unsigned		*same_as;
	uint64_t		 n_states;
};

/* All time; or what matters from now on, up to where the plan ends. */
#define TIMELINE_EVER	((struct timeline_span){ INT64_MIN, TIME_NEVER })

/* SE_LIMIT: more work than TIMELINE_WORK_MAX; -ENOMEM. */
int	 timeline_check(const struct timeline *, struct timeline_span window,
	    struct timeline_verdict *ret) MUST_USE;
void	 timeline_verdict_done(struct timeline_verdict *);
const char *timeline_ill_name(enum timeline_ill);	/* "BOGUS_KEYS" … */

/* --- the story (timeline_story.c): findings, one a line --- */

/* ROLL_SAFE, or the story of the first bad state and how many more there are. */
void	 timeline_report(const struct timeline *, const struct timeline_verdict *, struct timeline_span window,
	    struct findings *);
/* How a resolver comes to hold this state when it begins, and why it is bad. */
void	 timeline_story(const struct timeline *, const struct timeline_bad *, struct findings *);
/* What the proof takes for granted, as notes. */
void	 timeline_assumptions(const struct timeline *, struct findings *);
/* The findings' texts, a line each. */
void	 timeline_story_text(struct buf *, const struct findings *, enum lang);

/* --- steps (timeline_text.c, timeline_step.c, timeline_search.c) --- */

enum timeline_edit_kind {
	TIMELINE_STOP,		/* a version is served no longer */
	TIMELINE_SERVE,		/* a version is served from then on */
	TIMELINE_WITHDRAW,	/* a key leaves the DNSKEY sets that are served */
	TIMELINE_UNSIGN,	/* a key signs no longer: its signatures go */
	TIMELINE_PUBLISH,	/* a key comes into the DNSKEY sets */
	TIMELINE_SIGN,		/* a key signs all data, too */
	TIMELINE_SIGN_KEYS,	/* … the DNSKEY sets */
	TIMELINE_DS_ADD,	/* the DS sets name a key, too */
	TIMELINE_DS_DEL,	/* … no longer */
	TIMELINE_INSECURE_OK,	/* the zone need not be secure from then on */
	TIMELINE_EDIT_MAX
};

/* What happens after_sec after the step's x. */
struct timeline_edit {
	enum timeline_edit_kind	kind;
	unsigned		what;		/* of STOP and SERVE: version; else: key */
	uint32_t		after_sec;
	uint32_t		ttl_sec;	/* SERVE */
};

struct timeline_step {
	struct timeline_edit	*edits;
	size_t			 n_edits;
};

/*
 * A line an edit: "stop ID", "serve ID TTL", "withdraw K", "unsign K",
 * "publish K", "sign K", "sign-keys K", "ds-add K", "ds-del K", "insecure-ok",
 * each with "after SEC" behind it or not. The step lives in the
 * findings' pool. SE_SYNTAX with a ROLL_TEXT finding.
 */
int	 timeline_step_parse(const struct timeline *, struct sv text, struct findings *,
	    struct timeline_step *ret) MUST_USE;
void	 timeline_step_print(const struct timeline *, const struct timeline_step *, struct buf *);
/*
 * The history with the step taken at x: what if. Versions keep their indices;
 * those that edits of keys make stand behind them and are called ID-K where K
 * went, ID+K where it came. The result refers to the original, which must outlive it.
 */
int	 timeline_apply(const struct timeline *, const struct timeline_step *, int64_t x,
	    struct timeline **ret) MUST_USE;

/*
 * The first x >= not_before at which the step is safe for all of the window
 * (from now until the end of what is planned). 0 with *ret_x, TIME_NEVER if
 * there is none. To fs goes ROLL_EARLIEST or ROLL_NEVER; to why (NULL: not
 * wanted) what would happen one second earlier, or what stands in the way at
 * the last place tried. SE_LIMIT, -ENOMEM.
 */
int	 timeline_earliest(const struct timeline *, const struct timeline_step *, int64_t not_before,
	    struct timeline_span window, struct findings *fs, struct findings *why, int64_t *ret_x) MUST_USE;

/* --- what renderers draw (timeline_table.c) --- */

/* One stretch of a version: served, and then still in caches. */
struct timeline_row {
	unsigned	version;
	int64_t		from, until, cached_until;
};

/* Sorted by kind, from, version; in the pool. NULL without memory. */
struct timeline_row *timeline_rows(const struct timeline *, struct pool *, size_t *ret_n) MUST_USE;
/* A line a row. */
int	 timeline_table(const struct timeline *, struct buf *, enum lang) MUST_USE;

#endif
