/* Shared by fetch_plan.c (when) and fetch_want.c (what). */
#ifndef APP_FETCH_PLAN_INTERNAL_H
#define APP_FETCH_PLAN_INTERNAL_H

#include "app/fetch_plan.h"
#include "base/hash.h"

struct place {
	struct fetch_place	  pub;		/* first: the caller's pointer is ours */
	struct place		**modules;	/* rrdp: what stands in for it */
	size_t			  n_modules, cap_modules;
	bool			  again;	/* asked for while it ran */
	int64_t			  unwanted;	/* since then; 0: it is wanted */
	int64_t			  held_since;	/* data of ours is at least this young */
	int64_t			  fallback_ms;	/* the age from which rsync is asked */
	int64_t			  fallback_at;	/* it failed: then; 0: it works */
	char			 *text;		/* key, host and URIs */
};

struct fetch_plan {
	struct fetch_plan_conf	  conf;
	uint64_t		  random;
	struct place		**places;
	size_t			  n, cap;
	struct map		  by_key;
};

/* Between lo and hi, both included. */
int64_t	 plan_random(struct fetch_plan *, int64_t lo, int64_t hi);
struct place *plan_find(const struct fetch_plan *, struct sv key);
/* Find or make. */
int	 plan_place(struct fetch_plan *, enum place_kind, struct sv key, struct sv uri,
	    int64_t now, struct place **ret) MUST_USE;
/* Its URIs and its key belong to an old list. */
void	 place_ta_done(struct place *);
/* Who stands in for whom has changed. */
void	 plan_fallbacks(struct fetch_plan *);

#endif
