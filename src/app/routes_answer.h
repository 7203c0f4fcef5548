/* Inside app/routes_explain*.c: an explanation while it is made. */
#ifndef APP_ROUTES_ANSWER_H
#define APP_ROUTES_ANSWER_H

#include "app/routes.h"

#define VRPS_SHOWN_MAX		200	/* of one answer */
#define LOCAL_SOURCE_MAX	256	/* a file and a place in it */

/* One VRP or ASPA that has to do with the subject, and who said it. */
struct hit {
	const struct rpki_object	*o;
	const struct rpki_point		*pt;
	const struct vrp		*v;	/* NULL: the object's ASPA */
};

/* A local entry as if an object had said it, and whether it takes part. */
struct local {
	struct rpki_object	 o;
	struct vrp		 v;
	struct aspa		 aspa;
	bool			 used;
	char			 source[LOCAL_SOURCE_MAX];
};

struct answer {
	const struct routes	*r;
	const struct ours	*ours;
	enum lang		 lang;
	struct json		 j;
	struct sv		 subject;
	const char		*kind, *state;
	struct buf		 summary, next;
	bool			 ours_hit;
	bool			 local_cut;	/* a filter took out what would match */
	bool			 by_prefix, by_asn;
	struct ip_prefix	 px;
	uint32_t		 asn;
	struct local		*local;		/* one per entry of the run's .slurm */
	struct rpki_point	 local_pt;	/* where they come from: nowhere */
	struct hit		*good, *lost;
	size_t			 n_good, n_lost, cap_good, cap_lost;
	const struct rpki_object *o;		/* the object whose chain is shown */
	const struct rpki_point	*pt;
	const struct finding	*failed;
	struct sv		 failed_uri;
};

/* --- routes_explain.c --- */
/* What is asked for: .kind and what goes with it. -EINVAL. */
int		 answer_subject(struct answer *) MUST_USE;
/* Has this VRP, has this ASPA to do with the question? */
bool		 answer_wants_vrp(const struct answer *, const struct vrp *);
bool		 answer_wants_aspa(const struct answer *, const struct aspa *);
int		 answer_good_add(struct answer *, struct hit) MUST_USE;
bool		 hit_matches(const struct answer *, const struct hit *);
struct ip_prefix vrp_prefix(const struct vrp *);
bool		 finding_is_of(const struct finding *, struct sv uri);

/* --- routes_explain_local.c: filters, then assertions --- */
int		 answer_local(struct answer *) MUST_USE;
struct sv	 answer_local_source(const struct answer *, size_t i);

/* --- routes_explain_put.c: members of the document --- */
void		 answer_chain_put(struct answer *);
void		 answer_vrps_put(struct answer *);
void		 answer_lost_put(struct answer *);
void		 answer_local_put(struct answer *);
void		 answer_failed_put(struct answer *);

#endif
