/*
 * One long piece of work beside the loop: fn runs on a thread of its own,
 * done in the loop when it has ended. fn may not touch what the loop's
 * handlers touch; both see the same arg.
 */
#ifndef SYS_TASK_H
#define SYS_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "sys/loop.h"

struct task;

/* NULL: no memory or no thread. */
struct task	*task_start(struct loop *, void (*fn)(void *arg), void (*done)(void *arg), void *arg);
/* After done() has been called (also from within it); waits for the thread. */
struct task	*task_free(struct task *);

/* Has it ended, or does it within that time? For who leaves the loop before it has. */
bool		 task_wait(const struct task *, int64_t usec);

/* Threads that are made from now on, also by libraries, have a stack of so many octets. */
int		 task_stack(size_t) MUST_USE;

#endif
