/*
 * "did you mean": which of the known words is written most like the one that was found.
 */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <limits.h>

#include "base/sv.h"

#define NEAR_MAX	64	/* octets of a word: longer ones are not compared */

/*
 * Was this known word meant? True if it is nearer than *best letters to what was found, and near
 * enough for its length; *best is then the new one. It begins as UINT_MAX.
 */
bool	 near_check(struct sv found, struct sv known, unsigned *best);

#endif
