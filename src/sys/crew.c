/* See sys/crew.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "sys/clock.h"
#include "sys/crew.h"

struct crew_thread {
	struct crew		*crew;
	unsigned		 i;
	pthread_t		 id;
	struct crew_job		*job;
	bool			 is_made, has_ended;
};

struct crew {
	pthread_mutex_t		 lock;
	pthread_cond_t		 more;
	bool			 stop;
	unsigned		 n;
	size_t			 n_wait;
	struct crew_job		*wait, **wait_end;
	struct crew_job		*over, **over_end;
	struct crew_thread	 thread[CREW_MAX];
};

static void
over_add(struct crew *c, struct crew_job *j)
{
	j->next = NULL;
	*c->over_end = j;
	c->over_end = &j->next;
}

/* Once a job, under the lock. */
static void
job_over(struct crew_job *j, bool late)
{
	j->is_late = late;
	if (j->over != NULL)
		j->over(j, late);
}

static struct crew_job *
wait_next(struct crew *c)
{
	struct crew_job *j = c->wait;

	if (j == NULL)
		return NULL;
	if ((c->wait = j->next) == NULL)
		c->wait_end = &c->wait;
	c->n_wait--;
	return j;
}

/* With the lock; without it while it runs. */
static void
job_run(struct crew *c, struct crew_thread *t, struct crew_job *j)
{
	t->job = j;
	j->begun = clock_mono_usec();
	(void)pthread_mutex_unlock(&c->lock);
	j->run(j, t->i);
	(void)pthread_mutex_lock(&c->lock);
	t->job = NULL;
	if (j->is_late) {
		(void)pthread_mutex_unlock(&c->lock);
		j->free(j);
		(void)pthread_mutex_lock(&c->lock);
		return;
	}
	job_over(j, false);
	over_add(c, j);
}

static void *
thread_main(void *arg)
{
	struct crew_thread *t = arg;
	struct crew *c = t->crew;
	struct crew_job *j;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		if ((j = wait_next(c)) != NULL)
			job_run(c, t, j);
		else
			(void)pthread_cond_wait(&c->more, &c->lock);
	}
	t->has_ended = true;
	(void)pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct crew *
crew_new(unsigned n)
{
	struct crew *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->more, NULL);
	c->wait_end = &c->wait;
	c->over_end = &c->over;
	c->n = n > CREW_MAX ? CREW_MAX : n;
	for (unsigned i = 0; i < c->n; i++) {
		c->thread[i].crew = c;
		c->thread[i].i = i;
		c->thread[i].is_made = pthread_create(&c->thread[i].id, NULL, thread_main,
		    &c->thread[i]) == 0;
		if (!c->thread[i].is_made) {
			(void)!crew_stop(c, 1000000);
			return NULL;
		}
	}
	return c;
}

int
crew_add(struct crew *c, struct crew_job *j)
{
	int rc = -EBUSY;

	(void)pthread_mutex_lock(&c->lock);
	if (c->n_wait < CREW_JOBS_MAX && !c->stop) {
		j->next = NULL;
		j->is_late = false;
		j->begun = 0;
		j->asked = clock_mono_usec();
		*c->wait_end = j;
		c->wait_end = &j->next;
		c->n_wait++;
		(void)pthread_cond_signal(&c->more);
		rc = 0;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

static bool
has_waited(const struct crew_job *j, int64_t now)
{
	return j->wait_usec != 0 && now - j->asked > j->wait_usec;
}

/* Those that waited too long; all: all. */
static void
wait_look(struct crew *c, int64_t now, bool all)
{
	struct crew_job **at = &c->wait, *j;

	while ((j = *at) != NULL) {
		if (!all && !has_waited(j, now)) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		c->n_wait--;
		job_over(j, true);
		over_add(c, j);
	}
	c->wait_end = at;
}

static unsigned
run_look(struct crew *c, int64_t now, bool all)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++) {
		struct crew_job *j = c->thread[i].job;

		if (j == NULL)
			continue;
		if (!j->is_late && (all || now - j->begun > j->limit_usec || has_waited(j, now)))
			job_over(j, true);
		n += now - j->begun > j->limit_usec;
	}
	return n;
}

unsigned
crew_look(struct crew *c, int64_t now)
{
	unsigned n;

	(void)pthread_mutex_lock(&c->lock);
	n = run_look(c, now, false);
	wait_look(c, now, false);
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}

void
crew_do(struct crew *c, void (*fn)(void *), void *arg)
{
	(void)pthread_mutex_lock(&c->lock);
	fn(arg);
	(void)pthread_mutex_unlock(&c->lock);
}

struct crew_job *
crew_next(struct crew *c)
{
	struct crew_job *j;

	(void)pthread_mutex_lock(&c->lock);
	if ((j = c->over) != NULL && (c->over = j->next) == NULL)
		c->over_end = &c->over;
	(void)pthread_mutex_unlock(&c->lock);
	return j;
}

unsigned
crew_busy(struct crew *c, unsigned *ret_idle)
{
	unsigned n, idle = 0;

	(void)pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < c->n; i++)
		idle += c->thread[i].job == NULL;
	n = (unsigned)c->n_wait + c->n - idle;
	(void)pthread_mutex_unlock(&c->lock);
	*ret_idle = idle;
	return n;
}

/* --- the end --- */

static bool
all_ended(struct crew *c)
{
	bool all = true;

	(void)pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < c->n; i++)
		all = all && (!c->thread[i].is_made || c->thread[i].has_ended);
	(void)pthread_mutex_unlock(&c->lock);
	return all;
}

bool
crew_stop(struct crew *c, int64_t usec)
{
	const struct timespec nap = { 0, 5000000 };
	int64_t until = clock_mono_usec() + usec;
	struct crew_job *j;

	if (c == NULL)
		return true;
	(void)pthread_mutex_lock(&c->lock);
	c->stop = true;
	(void)run_look(c, 0, true);
	wait_look(c, 0, true);
	(void)pthread_cond_broadcast(&c->more);
	(void)pthread_mutex_unlock(&c->lock);
	while (!all_ended(c)) {
		if (clock_mono_usec() > until)
			return false;
		(void)nanosleep(&nap, NULL);
	}
	for (unsigned i = 0; i < c->n; i++)
		if (c->thread[i].is_made)
			(void)pthread_join(c->thread[i].id, NULL);
	while ((j = crew_next(c)) != NULL)
		j->free(j);
	(void)pthread_mutex_destroy(&c->lock);
	(void)pthread_cond_destroy(&c->more);
	free(c);
	return true;
}
