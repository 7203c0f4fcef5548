/*
 * Steps in an operator's words, made into those of dnssec/timeline.h:
 *
 *	remove ds KEY | remove ds all		publish ds KEY | publish ds DS-DATA
 *	publish key KEY | publish key NAME ALG	withdraw key KEY
 *	sign with KEY				stop signing with KEY
 *	sign keys with KEY			unsign
 *	allow insecure
 *
 * each with "after TIME" or "now" behind it or not, and those of timeline.h themselves. "the",
 * "old" and "new" before a noun mean nothing. "remove the DS" names no key: that is enough where
 * only one can be meant.
 * KEY is a name of the history, or a key tag if only one key has it: tags are
 * no names, and a step for the wrong key of two is not to be guessed.
 */
#ifndef APP_ZONE_STEPS_H
#define APP_ZONE_STEPS_H

#include "base/buf.h"
#include "dnssec/timeline.h"

#define ZONE_STEPS_CANDIDATES	8

struct zone_steps_fault {
	struct sv	 word;		/* what was not understood, or who is not known */
	struct sv	 candidates[ZONE_STEPS_CANDIDATES];
	unsigned	 n_candidates;
};

/*
 * Adds lines to edits. A key that only a DS or the step names joins the
 * history. -EINVAL: not understood; -ENOENT: no such key; -EEXIST: several.
 */
int	 zone_steps_read(struct timeline *, struct sv step, struct buf *edits, struct zone_steps_fault *ret) MUST_USE;

#endif
