/* All resolvers at one tick of the clock, in one of four ways (sim.h). */
#ifndef TESTS_SIM_FLEET_H
#define TESTS_SIM_FLEET_H

#include "sim.h"

struct fleet {
	const struct history	*h;
	enum fleet_kind		 kind;
	/* joint: a byte for each state of a whole cache, now and next */
	uint8_t			*states, *next;
	size_t			 n_states;
	size_t			*radix;		/* of each slot: the ways it can be filled */
	size_t			*base;		/* of each version: its first code, after 0 = empty */
	size_t			 n_slots;
	uint8_t			*met;		/* (ds, dnskey, data), from 1, 0: not held */
	/* sets: for each version a bit for each half second that may be left */
	uint64_t		*left_set;
	size_t			 words;
	/* step, jump: half seconds left of the copy that lives longest; -1: none */
	int64_t			*left_max;
};

int	 fleet_init(struct fleet *, const struct history *, enum fleet_kind) MUST_USE;
void	 fleet_done(struct fleet *);
/* Time passes, then whoever wants to fetches what is served at this tick. */
void	 fleet_tick(struct fleet *, int64_t ticks, int64_t now);
/* false: nobody holds it. */
bool	 fleet_may_hold(const struct fleet *, int version);
/* Is there a resolver that holds all of these? -1: does not matter. */
bool	 fleet_met(const struct fleet *, int ds, int dnskey, int data);
/* Ticks until a copy runs out by itself; INT64_MAX: none does (step, jump). */
int64_t	 fleet_next(const struct fleet *, int64_t now);
/* Ticks of the longest TTL with which a version is served. */
int64_t	 version_ticks(const struct version *);

#endif
