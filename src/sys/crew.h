/*
 * A crew of threads for calls into code of others, which may take long, fail,
 * or never return: what hangs costs one thread, and nobody who waits.
 *
 * A job is run on a thread. It is over once: when run has returned, or when it
 * is late, in which case its thread may be in it still and nobody looks at its
 * result. over() is called then, with the crew's lock held: it is short and
 * asks nothing of the crew. Afterwards the loop takes the job with crew_next(),
 * or, where it is late and still runs, the crew frees it when run returns.
 *
 *	crew_add	loop or any thread
 *	crew_look	loop, now and then: who is late?
 *	crew_next	loop: a job that is over; its memory is the caller's
 */
#ifndef SYS_CREW_H
#define SYS_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

#define CREW_MAX	64	/* threads, as sys/par.h */
#define CREW_JOBS_MAX	1024	/* waiting */

struct crew_job {
	/* On thread i of the crew. */
	void		(*run)(struct crew_job *, unsigned i);
	void		(*over)(struct crew_job *, bool late);	/* NULL: nothing */
	void		(*free)(struct crew_job *);	/* may take long, too */
	int64_t		 limit_usec;	/* for run */
	int64_t		 wait_usec;	/* in the queue, too; 0: as long as it takes */
	/* The crew's own: */
	struct crew_job	*next;
	int64_t		 asked, begun;
	bool		 is_late;
};

struct crew;

/* Threads that are made inside the sandbox are in it. NULL: no memory, no threads. */
struct crew	*crew_new(unsigned n);
/* -EBUSY: CREW_JOBS_MAX wait; the job stays the caller's. */
int		 crew_add(struct crew *, struct crew_job *) MUST_USE;
/* Give up what is late. How many threads are in jobs that are. */
unsigned	 crew_look(struct crew *, int64_t now_usec);
/* While fn runs, no over() does. */
void		 crew_do(struct crew *, void (*fn)(void *arg), void *arg);
/* NULL: none. */
struct crew_job	*crew_next(struct crew *);
/* Jobs that wait or run; *ret_idle: threads that have none. */
unsigned	 crew_busy(struct crew *, unsigned *ret_idle);
/*
 * Drop all; wait for the threads, but no longer than that. false: some are stuck, and what
 * they use must stay until the process ends.
 */
bool		 crew_stop(struct crew *, int64_t usec) MUST_USE;

#endif
