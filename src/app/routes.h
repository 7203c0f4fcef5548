/*
 * app/routes: a validation run from end to end. Reads TALs and repositories,
 * walks the tree level by level (each publication point one parallel job),
 * gathers payloads, counts and findings, and explains any of it. Decides
 * nothing that an RFC decides: that is rpki/.
 */
#ifndef APP_ROUTES_H
#define APP_ROUTES_H

#include "app/input.h"
#include "base/hash.h"
#include "inr/inr.h"
#include "rpki/rpki.h"

/* What belongs to the organisation of the configuration. */
struct ours {
	const uint32_t		*asns;
	size_t			 n_asns;
	const struct ip_prefix	*prefixes;
	size_t			 n_prefixes;
};
bool	 ours_asn(const struct ours *, uint32_t);
/* Inside one of our prefixes, or covering one. */
bool	 ours_prefix(const struct ours *, const struct ip_prefix *);

struct routes;
/*
 * Where objects come from, when it is not files (struct input): see
 * app/live.h. All are called from several threads, each with its own job.
 */
struct routes_backend {
	void		*arg;
	/* The k-th certificate that may be the anchor's; -ENOENT: no more. */
	int		(*ta)(void *arg, struct pool *, const struct tal *, unsigned k,
			    struct sv *ret_uri, struct sv *ret);
	/*
	 * before: the same CA's point in the run before; NULL: none, or not to be
	 * used. renamed: its manifest there had another file name; NULL: no.
	 */
	int		(*point)(void *arg, unsigned job, const struct rpki_ca *,
			    const struct rpki_point *before, const struct rpki_seen *renamed,
			    const struct rpki_opt *, struct rpki_point *ret);
	/*
	 * Would point() give the same as it did? Times and the CA were compared.
	 * What the backend itself remembers with the point may change.
	 */
	bool		(*same)(void *arg, unsigned job, const struct rpki_ca *,
			    struct rpki_point *before);
	/*
	 * A thin point gets its objects, and is not thin any more; if what it gave
	 * is not what its bytes give, it stays so and is judged anew by the next
	 * run. NULL: point() gives no thin ones. One thread.
	 */
	int		(*thicken)(void *arg, const struct rpki_opt *, struct rpki_point *);
	/* A level of the tree is done: memory may go. May be NULL. */
	void		(*level)(void *arg);
};

struct routes_conf {
	const char *const	*trees;		/* folders of host/module/path */
	size_t			 n_trees;
	const char *const	*rrdp;
	size_t			 n_rrdp;
	const char *const	*tals;		/* files or folders of *.tal */
	size_t			 n_tals;
	int64_t			 now;
	unsigned		 jobs, tolerate;
	uint32_t		 points_max;	/* of a trust anchor; 0: RPKI_POINTS_MAX */
	bool			 keep;		/* objects, also below failed points */
	bool			 thin;		/* … but not of points in which nothing was found */
	const struct routes_backend *backend;	/* NULL: trees and rrdp */
	/*
	 * The run before, with the same TALs and switches: its points that would
	 * be judged the same again move over. The caller frees what is left.
	 */
	struct routes		*prev;
	bool			 again;		/* this run will be another's .prev */
	struct complain		 complain;
	/* n of known points are done; called from any thread. May be NULL. */
	void			(*progress)(void *arg, size_t n, size_t known);
	void			*progress_arg;
};

struct routes_ta {
	struct tal	 tal;
	struct sv	 uri;			/* where its certificate was */
	bool		 ok;
	uint8_t		 hash[SHA256_LEN];	/* of its certificate, if .ok */
	struct rpki_ca	 ca;
	size_t		 n_v4, n_v6, n_aspas, n_objects;
	size_t		 n_points, n_lost;	/* visited; see RPKI_POINTS_MAX */
	size_t		 n_missing;	/* visited, but there was no manifest */
};

/* An object and where it was found. */
struct routes_object {
	const struct rpki_object	*o;
	const struct rpki_point		*pt;
};

struct routes {
	struct pool		*pool;
	struct input		*input;
	struct rpki_opt		 opt;
	struct routes_ta	*tas;
	size_t			 n_tas, n_tas_found;
	struct rpki_point	**points;	/* parents before children */
	uint32_t		*was;		/* 1 + index in .prev, or 0: judged now */
	uint32_t		*up;		/* 1 + index of the point above, or 0 */
	struct place		**place_of;
	size_t			 n_points;
	struct findings		 findings;	/* of the trust anchors and the walk */
	struct payloads		 payloads;	/* merged */
	bool			 again;
	struct vrp		*sorted;	/* with .again: before merging, .ca is a point */
	size_t			 n_sorted;
	size_t			 n_vrps_all;	/* before merging */
	uint64_t		 count[RPKI_TYPE_MAX][V_MAX];
	uint64_t		 n_by_severity[SEV_MAX];
	uint64_t		 n_verified;
	int64_t			 now, earliest;	/* earliest expiry of a payload */
	int64_t			 duration_usec;
	size_t			 n_unreadable;	/* files that are there but closed to us */
	size_t			 n_moved;	/* points that stood as they were */
	struct guard_decision	 guard;		/* what routes_guard_note() was told */
	bool			 incomplete;	/* this machine failed: do not publish */
	const struct slurm	*slurm;		/* by routes_slurm(); the caller's */
	struct coming		*late;		/* CAs that wait to be visited */
	size_t			 n_late, cap_late;
	struct map		 objects;	/* with .keep: URI -> struct routes_object */
	struct map		 by_ca;		/* with .keep: address of a CA -> its point */
	bool			 indexed;	/* routes_index() was here */
	struct map		 reported;	/* of points with findings: as .objects */
	struct map		 places;	/* key and place of a CA -> struct place */
	struct map		 by_key;	/* key of a CA -> its point's place in .up; when asked for */
	bool			 keyed;
};

/*
 * 0, also when everything is bad; negative when nothing could be done (it was
 * complained about). The result is the caller's.
 */
int		 routes_run(const struct routes_conf *, struct routes **ret) MUST_USE;
struct routes	*routes_free(struct routes *);
DEFINE_CLEANUP(struct routes, routes_free)

/* By URI; NULL: unknown, or the run did not keep objects. */
const struct routes_object *routes_object(const struct routes *, struct sv uri);
/* The point of a CA; NULL likewise. */
const struct rpki_point *routes_point(const struct routes *, const struct rpki_ca *);

/* Did only one certificate lead to the i-th point's key and place? */
bool		 routes_alone(const struct routes *, size_t i);

/*
 * Payloads with the table of their CAs; part of routes_run(). prev: the run
 * that .was speaks of, or NULL.
 */
int		 routes_gather(struct routes *, const struct routes *prev) MUST_USE;
/*
 * Had a CA's manifest another file name in the run before? ret->name: that one,
 * else empty; *ret_i: its point. Part of routes_run(). -ENOMEM.
 */
int		 routes_renamed(struct routes *prev, const struct rpki_ca *, uint32_t *ret_i,
		    struct rpki_seen *ret) MUST_USE;
/* Payloads are held back: a finding, and a part of the report. */
int		 routes_guard_note(struct routes *, const struct guard_decision *) MUST_USE;
/* Before routes_object() and routes_point(); done once. -ENOMEM. */
int		 routes_index(struct routes *) MUST_USE;
/* The same for what findings speak of: .reported. */
int		 routes_index_reported(struct routes *) MUST_USE;
/* A point that was thin has its objects now. -ENOMEM. */
int		 routes_index_late(struct routes *, size_t point) MUST_USE;
/* A CA's name in snapshots: the same in every process and run. */
uint64_t	 routes_ca_id(const struct rpki_ca *);

/*
 * What is local (RFC 8416), applied to the payloads of a run; its findings are
 * the run's from then on. The set must outlive the run. As slurm_apply().
 */
int		 routes_slurm(struct routes *, struct slurm *, const struct findings *) MUST_USE;

/* Every finding, in the order of the walk, until fn returns false. */
void		 routes_findings(const struct routes *,
		    bool (*fn)(void *arg, const struct finding *), void *arg);

/* The `report` section of a snapshot; see app/routes_report.c. */
#define ROUTES_REPORT_FINDINGS_MAX	500
int		 routes_report(struct routes *, const struct ours *, struct buf *) MUST_USE;

/*
 * Explain a URI, "PREFIX", "PREFIX ASN", "ASN": a JSON document (see
 * app/routes_explain.c). -EINVAL: the subject is none of these. -EAGAIN:
 * objects are needed that routes_thicken() brings.
 * The run must have been made with .keep.
 */
int		 routes_explain(struct routes *, const struct ours *, struct sv subject,
		    enum lang, struct buf *json) MUST_USE;
/* Are points thin that an explanation would show? */
bool		 routes_thin(const struct routes *, struct sv subject);
/*
 * They get their objects, where the backend can read. -ENOMEM, or another
 * failure of this machine.
 */
int		 routes_thicken(struct routes *, const struct routes_backend *, struct sv subject) MUST_USE;
/* The same for one object outside of any run. */
int		 routes_explain_file(const char *path, const struct rpki_opt *,
		    const struct complain *, enum lang, struct buf *json) MUST_USE;
/* What a broken rule most likely means (a msgid); app/routes_cause.c. */
const char	*routes_cause(const struct finding_def *);
/* An explanation's JSON as text for a terminal; *ret_good: nothing was rejected. */
int		 routes_explain_text(struct sv json, enum lang, struct buf *, bool *ret_good) MUST_USE;

#endif
