/*
 * Something that may hang or crash is tried by a child first, while this
 * process has no threads: what it does there is not done here.
 */
#ifndef SYS_TRIAL_H
#define SYS_TRIAL_H

#include "base/util.h"

/*
 * What fn returned (0 to 100). -ETIMEDOUT: it did not return; -ECHILD: it
 * crashed; or why there is no child.
 */
int	 trial_run(int (*fn)(void *arg), void *arg, unsigned msec) MUST_USE;

#endif
