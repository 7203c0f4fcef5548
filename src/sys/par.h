/*
 * Parallel for over immutable input: fn(arg, i) for every i in [0, n), on up
 * to `jobs` threads that take indices in order. fn writes only what belongs
 * to its own i. Returns when all are done. Without threads it still works.
 */
#ifndef SYS_PAR_H
#define SYS_PAR_H

#include <stddef.h>

#define PAR_JOBS_MAX	64

void	 par_for(unsigned jobs, size_t n, void (*fn)(void *arg, size_t i), void *arg);
/* The same; fn also gets the number of its job, below PAR_JOBS_MAX. */
void	 par_for_job(unsigned jobs, size_t n, void (*fn)(void *arg, unsigned job, size_t i),
	    void *arg);
/* The processors this process may use. */
unsigned par_cpus(void);

#endif
