/*
 * Several sources of payloads side by side: what is not in all of them, and
 * how long a change takes from one to the other. Pure; the sets and the time
 * are the caller's.
 *
 * watch_compare() is a merge of sorted sets. Two entries are the same if a
 * router could not tell them apart: trust anchor and expiry do not count. An
 * ASPA is compared as a whole: the same customer with other providers is a
 * difference.
 *
 * The lag: watch_lag_note() is told what a source has changed, and when. A
 * change (one VRP that came, or went) that was seen at one source is awaited
 * at the others. What is in the sets when the watch begins is no change.
 */
#ifndef APP_WATCH_COMPARE_H
#define APP_WATCH_COMPARE_H

#include "base/json.h"
#include "inr/inr.h"

#define WATCH_SOURCES_MAX	8	/* bits of a mask; more caches nobody compares */
/* Changes whose way is followed: two hours of today's Internet, fivefold. */
#define WATCH_CHANGES_MAX	32768

enum watch_kind {
	WATCH_VRP,
	WATCH_ASPA,
	WATCH_KEY,
	WATCH_KIND_MAX
};
const char *watch_kind_name(enum watch_kind);	/* "vrp", "aspa", "router-key" */

struct watch_entry {
	enum watch_kind	 kind;
	uint8_t		 in;		/* bit i: source i has it */
	bool		 maxlen_only;	/* each source has the prefix with that AS number */
	bool		 providers_differ;	/* ASPA: more than one has the customer */
	struct vrp	 vrp;
	uint32_t	 asn;		/* customer, or the key's */
	const struct aspa *aspa;	/* of the first source that has this one */
	uint8_t		 ta;		/* … and its trust anchor there */
	uint8_t		 source;
};

struct watch_side {
	size_t		 n[WATCH_KIND_MAX];
	size_t		 n_only;	/* in no other source */
	size_t		 n_missing;	/* in others, not here */
	size_t		 n_only_by_ta[TA_MAX];
};

struct watch_diff {
	unsigned	 n_sources;
	struct watch_side side[WATCH_SOURCES_MAX];
	size_t		 n_common;	/* in all of them */
	size_t		 n_differ[WATCH_KIND_MAX];	/* exact */
	size_t		 n_maxlen;
	struct watch_entry *entries;	/* heap; the first n_entries of them */
	size_t		 n_entries, cap;
};

/*
 * Merged sets (payloads_merge()). kinds: bits of those that all the sources
 * can tell. Keep at most `keep` entries. -ENOMEM.
 */
#define WATCH_KINDS_ALL	(1u << WATCH_VRP | 1u << WATCH_ASPA | 1u << WATCH_KEY)
int	 watch_compare(const struct payloads *const *, unsigned n, unsigned kinds, size_t keep,
	    struct watch_diff *ret) MUST_USE;
void	 watch_diff_done(struct watch_diff *);
static inline size_t
watch_diff_count(const struct watch_diff *d)
{
	return d->n_differ[WATCH_VRP] + d->n_differ[WATCH_ASPA] + d->n_differ[WATCH_KEY];
}

struct watch_lag;
struct watch_lag *watch_lag_new(unsigned n_sources);
struct watch_lag *watch_lag_free(struct watch_lag *);
DEFINE_CLEANUP(struct watch_lag, watch_lag_free)
/* Source i went from one set of VRPs to another. -ENOMEM. */
int	 watch_lag_note(struct watch_lag *, unsigned i, const struct vrp *before, size_t n_before,
	    const struct vrp *after, size_t n_after, int64_t now_usec) MUST_USE;

struct watch_lag_stat {
	size_t		 n_first;	/* changes that were seen here first */
	size_t		 n_later;	/* … and after another source */
	size_t		 n_awaited;	/* seen elsewhere, not here yet */
	int64_t		 p50_usec, max_usec;	/* of those that came later */
	int64_t		 awaited_usec;	/* the oldest that is awaited */
};
int	 watch_lag_stat(const struct watch_lag *, unsigned i, int64_t now_usec,
	    struct watch_lag_stat *ret) MUST_USE;
/* Changes beyond WATCH_CHANGES_MAX, which were not followed. */
size_t	 watch_lag_lost(const struct watch_lag *);

#endif
