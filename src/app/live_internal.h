/* Inside app/live*.c. */
#ifndef APP_LIVE_INTERNAL_H
#define APP_LIVE_INTERNAL_H

#include "app/live.h"
#include "store/objects.h"

#define TOUCHED_MAX	((size_t)8 << 20)	/* bytes a job: 262,144 facts */
#define DOUBTS_MAX	1024			/* points of a process whose results are not believed */
#define CANDIDATES_MAX	(3 + OBJECTS_PAST_MAX)	/* RRDP, rsync, what was good, and before that */

/* A row of the store's table of sources, as one view shows it. */
struct live_source {
	uint32_t	id;
	int64_t		changed;
	uint64_t	n_names, bytes;
	uint64_t	state;		/* a hash of the fetcher's memory: its serial moves */
	bool		still;		/* nothing changed there since the run before */
};

struct live_sources {
	struct pool	*pool;
	struct map	 map;		/* key -> struct live_source */
	int64_t		 newest;	/* the latest .changed of all */
};

/* What one thread of a run needs; nobody else touches it. */
struct job {
	struct live		*l;
	unsigned		 number;
	const struct rpki_ca	*ca;
	const uint8_t		*candidate;	/* hash of the manifest under judgement */
	uint32_t		 sources[2];
	size_t			 n_sources;
	struct buf		 touched;
	uint64_t		 n_looks;	/* into tables, at random, since pages were let go */
	uint64_t		 n_facts, n_computed, n_kept, n_still;
};

struct live {
	struct live_conf	 conf;
	struct routes_backend	 backend;
	struct objects_reader	*reader;
	struct objects_view	*view;
	struct live_sources	 sources, sources_before;
	struct job		*jobs;
	struct buf		 touched;
	/* Keys of points that gave something else than what was kept of them. */
	uint8_t			 doubts[DOUBTS_MAX][SHA256_LEN];
	size_t			 n_doubts;	/* DOUBTS_MAX: all are in doubt */
};

/* Manifests that a point may be judged on, the newest first. */
struct candidate {
	uint8_t		hash[SHA256_LEN];
	bool		named;		/* a server has it now */
	struct rpki_seen seen;		/* what is read of it, of a remembered one */
};
struct candidates {
	struct candidate v[CANDIDATES_MAX];
	size_t		n;
	bool		has_good;	/* one was judged good before: */
	uint8_t		good[SHA256_LEN];
	struct objects_point kept;	/* what is kept of that, a slice of the view's */
};

/*
 * --- live_kept.c: results over a restart ---
 *
 * What this build keeps of a point judged under that CA; .n 0: nothing is
 * kept of it. Appends to b.
 */
int	 live_kept_write(const struct rpki_point *, const struct rpki_opt *, struct buf *) MUST_USE;
/* Are these the bytes of the point as it stands? */
bool	 live_kept_is(struct sv, const struct rpki_point *);
/*
 * The point as it was judged before, if that is at most a day ago, by this
 * build, under this CA, on that manifest.
 */
int	 live_kept_read(const struct rpki_ca *, const struct rpki_opt *,
	    const uint8_t key[static SHA256_LEN], const struct objects_point *,
	    struct rpki_point *ret, bool *ret_ok) MUST_USE;
/* Did objects that were asked for tell of a lie, or of damage? */
bool	 live_doubted(const struct live *, const uint8_t key[static SHA256_LEN]);
/* A point judged at that moment is to be judged again then, whatever else. */
int64_t	 live_due(int64_t judged, const uint8_t key[static SHA256_LEN]);

/* --- live_sources.c --- */

/* Those of the view; what is still as it was in the run before says so. */
int	 live_sources_read(struct live *) MUST_USE;
void	 live_sources_done(struct live_sources *);
/* Of a CA, RRDP first: what is wanted first is believed first. */
void	 live_sources_of(const struct live *, const struct rpki_ca *,
	    const struct live_source *ret[static 2], size_t *ret_n);

/* Keys of the store's table of points. */
void	 live_point_key(const struct rpki_ca *, uint8_t ret[static SHA256_LEN]);
void	 live_ta_key(const struct tal *, uint8_t ret[static SHA256_LEN]);

#endif
