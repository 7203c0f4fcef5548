/*
 * A plan: the engine of dnssec/keystate.h played forward from a state, with
 * servers that follow within what the policy allows them and operators who do
 * at once what they are asked to. What comes out are dated events, the history
 * of what would be served, and the proof that nothing of it breaks.
 *
 * Whoever is slower than assumed makes the plan later, never wrong: the engine
 * waits for what is seen, and a plan is only what it would do if all went so.
 */
#ifndef APP_ZONE_PLAN_H
#define APP_ZONE_PLAN_H

#include "base/pool.h"
#include "dnssec/keystate.h"
#include "dnssec/timeline.h"

#define ZONE_PLAN_EVENTS_MAX	4096	/* ten ZSK rolls a year in a century, and what belongs to them */
#define ZONE_PLAN_KEYS_MAX	1024	/* as many as a history may name */

enum zone_plan_roll {
	ZONE_PLAN_LIFETIMES,	/* what the policy brings by itself */
	ZONE_PLAN_KSK, ZONE_PLAN_ZSK, ZONE_PLAN_CSK,	/* in the order of enum ks_role */
	ZONE_PLAN_ALGORITHM,
	ZONE_PLAN_INSECURE,
	ZONE_PLAN_SECURE,
	ZONE_PLAN_EMERGENCY,	/* .key is in wrong hands */
};

enum zone_plan_who {
	ZONE_PLAN_SEKISHO,
	ZONE_PLAN_PARENT,
	ZONE_PLAN_PERSON,
	ZONE_PLAN_WHO_MAX
};

struct zone_plan_event {
	int64_t			 at;
	enum zone_plan_who	 who;
	enum ks_action		 act;		/* KS_ACT_MAX: all servers of the parent have the DS set */
	uint32_t		 key;		/* number; 0: none */
	uint32_t		 ds[KEYSTATE_KEYS_MAX];	/* numbers, of what hands DS over or arrived */
	unsigned		 n_ds;
	enum ks_wait		 waited;	/* what it had to wait for */
};

struct zone_plan_key {
	uint32_t	 number, bits;
	enum ks_role	 role;
	uint8_t		 alg;
	uint16_t	 tag;			/* with exists */
	bool		 exists;		/* else the plan makes it */
	uint16_t	 public_len;
	uint8_t		 public_key[KEYSTATE_PUBLIC_MAX];
};

struct zone_plan_opts {
	struct dnssec_policy	 before, policy;	/* until now, and from then on */
	enum zone_plan_roll	 roll;
	uint32_t		 key;		/* of EMERGENCY; of KSK, ZSK, CSK 0: the one in use */
	int64_t			 now, until;	/* TIME_NEVER: until the roll is done */
};

struct zone_plan {
	struct zone_plan_event	*events;
	struct zone_plan_key	*keys;
	size_t			 n_events, n_keys;
	int64_t			 from, end;	/* of what was played */
	bool			 finished;	/* nothing is left but lifetimes */
	bool			 endless;	/* stopped, as until said */
	enum ks_wait		 stuck;		/* what it waits for, for ever */
	struct buf		 history;	/* text of dnssec/timeline.h */
	struct keystate		 state;		/* as it is then */
	struct findings		 fs;		/* what the engine said */
};

/*
 * Plays. -ENOENT: no key of that role is in use; -EBUSY: it cannot be rolled
 * now; SE_LIMIT. Events and keys are in the pool.
 */
int	 zone_plan_make(const struct keystate *, const struct zone_plan_opts *, struct pool *,
	    struct zone_plan *ret) MUST_USE;
void	 zone_plan_done(struct zone_plan *);
const struct zone_plan_key *zone_plan_key(const struct zone_plan *, uint32_t number);

#endif
