/* What the files of keystate share. */
#ifndef DNSSEC_KEYSTATE_INTERNAL_H
#define DNSSEC_KEYSTATE_INTERNAL_H

#include "dnssec/keystate.h"

static inline bool
ks_alg_rsa(uint32_t alg)
{
	return alg == 5 || alg == 7 || alg == 8 || alg == 10;
}

/* --- keys --- */

static inline bool
ks_signs_keys(const struct keystate_key *k)
{
	return k->role != KS_ZSK;
}

static inline bool
ks_signs_zone(const struct keystate_key *k)
{
	return k->role != KS_KSK;
}

static inline bool
ks_is(const struct keystate_key *k, uint32_t flag)
{
	return (k->flags & flag) != 0;
}

static inline uint32_t
ks_bit(int place)
{
	return UINT32_C(1) << place;
}

/* The places whose keys have one of the flags. */
uint32_t ks_mask_flags(const struct keystate *, uint32_t flags);

/* --- sets --- */

static inline bool
ks_alive(const struct keystate_set *s, int64_t now)
{
	return now < s->until;
}

/* The newest of ours; there always is one of DNSKEY and DATA. */
const struct keystate_set *ks_current(const struct keystate *, enum ks_kind);
/* -SE_LIMIT when there is no room. seq 0: not ours. */
int	 ks_set_add(struct keystate *, const struct keystate_set *) MUST_USE;
/* Forget what no cache has any more. */
void	 ks_sets_purge(struct keystate *, int64_t now);
void	 ks_records_update(struct keystate *, int64_t now);
enum ks_state ks_record_state(const struct keystate *, int place, enum ks_record, int64_t now);
/* Is it in every set that is alive? (With the newest: omnipresent.) */
static inline bool
ks_everywhere(const struct keystate *st, int place, enum ks_record r, int64_t now)
{
	return ks_record_state(st, place, r, now) == KS_OMNIPRESENT;
}

/* --- the gate (keystate_gate.c) --- */

/* What would be newest. */
struct ks_plan {
	uint32_t	dnskey, dnskey_sigs, zone_sigs, ds;
};

struct ks_verdict {
	bool			   ok;
	int64_t			   ready;	/* TIME_NEVER: not by time alone */
	const struct keystate_set *blocker;	/* what has to go; NULL: nothing that is old */
	struct keystate_set	   bad[KS_KIND_MAX];	/* the mix that fails for longest */
};

struct ks_verdict ks_gate(const struct keystate *, const struct dnssec_policy *,
	    const struct ks_plan *, int64_t now);
/* Does what is alive already fail, in some cache? */
bool	 ks_broken(const struct keystate *, const struct dnssec_policy *, int64_t now);
struct ks_plan ks_plan_now(const struct keystate *);

/* --- one call of keystate_next() --- */

struct ks_run {
	struct keystate			*st;
	const struct dnssec_policy	*policy;
	struct findings			*fs;
	int64_t				 now;
	struct keystate_step		*step;
};

/* keystate_observe.c; false: all is to be held. */
bool	 ks_observe(struct ks_run *, const struct keystate_observations *);
/* keystate_manage.c: goals, and keys that are needed. */
void	 ks_manage(struct ks_run *);
/* keystate_step.c: as many steps as the gate lets pass. */
int	 ks_steps(struct ks_run *) MUST_USE;
/* keystate_tell.c: what follows from the state, whatever moved. */
void	 ks_tell(struct ks_run *);

extern const char *const ks_role_names[KS_ROLE_MAX];
extern const char *const ks_state_names[KS_STATE_MAX];
extern const char *const ks_goal_names[KS_GOAL_MAX];

void	 ks_act(struct ks_run *, const struct keystate_action *);
void	 ks_wait_add(struct ks_run *, const struct keystate_wait *);
/* The earliest event wins. */
void	 ks_next_at(struct ks_run *, int64_t at, enum ks_wait why);

#endif
