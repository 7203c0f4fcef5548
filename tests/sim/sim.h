/*
 * An exhaustive simulator of resolvers' caches. It knows nothing of intervals:
 * a clock ticks, servers serve, resolvers fetch whatever they may fetch, what
 * they hold runs out, and validators with every error of their clocks look at
 * each cache that can exist. It is the oracle of dnssec/timeline and shares no
 * code and no idea with it.
 *
 * The clock ticks twice a second. Versions change on whole seconds, and a cache
 * is judged on whole seconds; the tick between stands for "just before the
 * next second", when a resolver may still fetch what is about to go. What it
 * fetched with TTL t is usable for less than t seconds, and in the instant of
 * the fetch itself.
 *
 * Four fleets of resolvers, each proven equal to the one before it by a test,
 * each faster and able to hold more:
 *
 *   joint  every state of a whole cache (DS, DNSKEY and each class at once, with
 *          what is left of each TTL) is a state of its own, reached from
 *          states of the tick before
 *   sets   for each version, the set of all TTLs left that some cache holds:
 *          as caches fetch independently, any mix of these is reachable
 *   step   of each version only the copy that lives longest
 *   jump   as step, but a tick at which nothing can happen is not visited
 *
 * Badness (RFC 4035 section 5, RFC 6840 section 5.11; the states are those of
 * the text form in history.h): BOGUS_KEYS no key of the DS set holds the DNSKEY
 * set; BOGUS_DATA it holds, but the data is not signed as the DS set demands;
 * INSECURE the absence of DS is believed while the operator wants security.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdio.h>

#include "history.h"

enum fleet_kind { FLEET_AUTO, FLEET_JOINT, FLEET_SETS, FLEET_STEP, FLEET_JUMP, FLEET_MAX };
enum bad_kind { BOGUS_DATA, BOGUS_KEYS, INSECURE };

#define JOINT_STATES_MAX	((size_t)1 << 24)	/* 16 MB, each tick walks all of them */

extern const char *const fleet_names[FLEET_MAX];

struct bad {
	enum bad_kind	 kind;
	int		 ds, dnskey, data;	/* versions of the history; -1: any */
	struct span	 span;
};

struct bads {
	struct bad	*v;
	size_t		 n, cap;
};

/*
 * each: a validator is content if some signature suits its own clock. Without
 * it a signature counts only if it suits all clocks, which is what an operator
 * should want (and what timeline says): never fewer faults than with each.
 * Returns 0, -ENOMEM, or -E2BIG: more states than the fleet can hold.
 */
int	 sim_run(const struct history *, enum fleet_kind, bool each, struct bads *ret) MUST_USE;
void	 bads_done(struct bads *);
/* A line for each, or "safe". */
void	 bads_print(FILE *, const struct history *, const struct bads *);

#endif
