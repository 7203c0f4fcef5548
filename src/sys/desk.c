/* Questions of threads to the loop: see sys/desk.h. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/desk.h"
#include "sys/file.h"

/* On the stack of who asks. */
struct asked {
	struct asked	*next;
	uint64_t	 id;
	const void	*question;
	void		*answer;
	size_t		 max, n;
	int		 code;
	bool		 taken, answered;
	pthread_cond_t	 cond;
};

struct desk {
	pthread_mutex_t	 lock;
	struct asked	*asked;
	size_t		 n;
	uint64_t	 last_id;
	int		 fd;		/* an eventfd: there is a question */
	struct loop_io	*io;
	desk_fn		 fn;
	void		*arg;
};

/* --- the loop's side; the lock is held --- */

static void
answer_put(struct asked *a, int code, const void *p, size_t n)
{
	a->n = min_size(n, a->max);
	if (a->n > 0)
		memcpy(a->answer, p, a->n);
	a->code = n > a->max ? SE_LIMIT : code;
	a->answered = true;
	(void)pthread_cond_signal(&a->cond);
}

static void
on_questions(void *arg, int fd, unsigned what UNUSED)
{
	struct desk *d = arg;
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
	(void)pthread_mutex_lock(&d->lock);
	for (struct asked *a = d->asked; a != NULL; a = a->next) {
		int rc;

		if (a->taken)
			continue;
		a->taken = true;
		if ((rc = d->fn(d->arg, a->id, a->question)) < 0)
			answer_put(a, rc, NULL, 0);
	}
	(void)pthread_mutex_unlock(&d->lock);
}

void
desk_answer(struct desk *d, uint64_t id, int code, const void *p, size_t n)
{
	(void)pthread_mutex_lock(&d->lock);
	for (struct asked *a = d->asked; a != NULL; a = a->next)
		if (a->id == id && !a->answered)
			answer_put(a, code, p, n);
	(void)pthread_mutex_unlock(&d->lock);
}

/* --- who asks --- */

static void
asked_remove(struct desk *d, struct asked *gone)
{
	struct asked **p = &d->asked;

	while (*p != gone)
		p = &(*p)->next;
	*p = gone->next;
	d->n--;
}

static struct timespec
deadline_of(int64_t usec)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += usec / 1000000;
	t.tv_nsec += usec % 1000000 * 1000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

static int
cond_init(pthread_cond_t *c)
{
	pthread_condattr_t a;
	int rc = pthread_condattr_init(&a);

	if (rc == 0) {
		(void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
		rc = pthread_cond_init(c, &a);
		(void)pthread_condattr_destroy(&a);
	}
	return -rc;
}

/* The lock is held. */
static int
asked_wait(struct desk *d, struct asked *a, int64_t usec)
{
	struct timespec end = deadline_of(usec);
	uint64_t one = 1;
	int rc = 0;

	a->id = ++d->last_id;
	a->next = d->asked;
	d->asked = a;
	d->n++;
	(void)!write(d->fd, &one, sizeof(one));
	while (!a->answered && rc == 0)
		rc = pthread_cond_timedwait(&a->cond, &d->lock, &end);
	asked_remove(d, a);
	return a->answered ? a->code : -ETIMEDOUT;
}

int
desk_ask(struct desk *d, const void *question, int64_t usec, void *answer, size_t max, size_t *ret_n)
{
	struct asked a = { .question = question, .answer = answer, .max = max };
	int rc = cond_init(&a.cond);

	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&d->lock);
	rc = d->n < DESK_MAX ? asked_wait(d, &a, usec) : SE_LIMIT;
	(void)pthread_mutex_unlock(&d->lock);
	(void)pthread_cond_destroy(&a.cond);
	if (rc >= 0)
		*ret_n = a.n;
	return rc;
}

/* --- life --- */

int
desk_new(struct loop *loop, desk_fn fn, void *arg, struct desk **ret)
{
	struct desk *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return -ENOMEM;
	*d = (struct desk){ .fn = fn, .arg = arg, .fd = -1 };
	if (pthread_mutex_init(&d->lock, NULL) != 0) {
		free(d);
		return -ENOMEM;
	}
	if ((d->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
	    (d->io = loop_io_add(loop, d->fd, LOOP_READ, on_questions, d)) == NULL) {
		(void)desk_free(d);
		return -ENOMEM;
	}
	*ret = d;
	return 0;
}

struct desk *
desk_free(struct desk *d)
{
	if (d == NULL)
		return NULL;
	(void)loop_io_del(d->io);
	fd_close(&d->fd);
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}
