/*
 * The second opinion before a step is taken. keystate's gate lets a step pass;
 * here the sets that are alive before and after it are laid out as a history
 * for dnssec/timeline.h, which was written apart from the gate, and judged
 * there: is there a cache for which the step makes a moment bad that would
 * have been good without it? What was bad before is not the step's fault.
 *
 * A parent may add first and remove later, so that the union of the old and
 * the new DS set counts as published, too. Signatures are taken to be renewed
 * in time; margins that a policy adds to TTLs are the gate's alone.
 */
#ifndef APP_ZONE_PROOF_H
#define APP_ZONE_PROOF_H

#include "dnssec/keystate.h"
#include "dnssec/timeline.h"

/* Does the step change what the world is given: DNSKEY, signers, the DS set that is asked for? */
bool	 zone_proof_is_step(const struct keystate *before, const struct keystate *after);
/*
 * Both at the same time, `now`; before has all that was seen, and not the step. To fs go
 * timeline's ROLL_* findings: the story where it is not safe.
 */
int	 zone_proof_step(const struct keystate *before, const struct keystate *after,
	    const struct dnssec_policy *, int64_t now, struct findings *fs, bool *ret_safe) MUST_USE;

#endif
