#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/util.h"
#include "sys/par.h"

struct par {
	atomic_size_t	 next;
	atomic_uint	 n_jobs;
	size_t		 n;
	void		(*fn)(void *, size_t);
	void		(*fn_job)(void *, unsigned, size_t);
	void		*arg;
};

static void *
par_thread(void *arg)
{
	struct par *p = arg;
	unsigned job = atomic_fetch_add(&p->n_jobs, 1);
	size_t i;

	while ((i = atomic_fetch_add(&p->next, 1)) < p->n)
		if (p->fn != NULL)
			p->fn(p->arg, i);
		else
			p->fn_job(p->arg, job, i);
	return NULL;
}

static void
par_run(unsigned jobs, struct par *p)
{
	pthread_t t[PAR_JOBS_MAX];
	unsigned n_t = 0;

	if (jobs > PAR_JOBS_MAX)
		jobs = PAR_JOBS_MAX;
	for (unsigned i = 1; i < jobs && i < p->n; i++)
		if (pthread_create(&t[n_t], NULL, par_thread, p) == 0)
			n_t++;
	(void)par_thread(p);
	for (unsigned i = 0; i < n_t; i++)
		(void)pthread_join(t[i], NULL);
}

void
par_for(unsigned jobs, size_t n, void (*fn)(void *, size_t), void *arg)
{
	struct par p = { .n = n, .fn = fn, .arg = arg };

	par_run(jobs, &p);
}

void
par_for_job(unsigned jobs, size_t n, void (*fn)(void *, unsigned, size_t), void *arg)
{
	struct par p = { .n = n, .fn_job = fn, .arg = arg };

	par_run(jobs, &p);
}

unsigned
par_cpus(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > PAR_JOBS_MAX ? PAR_JOBS_MAX : (unsigned)n;
}
