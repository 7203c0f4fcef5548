/* See sys/lend.h. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sys/lend.h"

struct lent {
	void		*thing;
	unsigned	 n;		/* who has it; the lender is one of them */
};

struct lend {
	pthread_mutex_t	 lock;
	struct lent	*now;
	void		(*done)(void *);
};

struct lend *
lend_new(void (*done)(void *))
{
	struct lend *l = calloc(1, sizeof(*l));

	if (l == NULL || pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		return NULL;
	}
	l->done = done;
	return l;
}

void
lend_back(struct lend *l, struct lent *t)
{
	bool last;

	if (t == NULL)
		return;
	(void)pthread_mutex_lock(&l->lock);
	last = --t->n == 0;
	(void)pthread_mutex_unlock(&l->lock);
	if (!last)
		return;
	l->done(t->thing);
	free(t);
}

struct lend *
lend_free(struct lend *l)
{
	if (l == NULL)
		return NULL;
	lend_back(l, l->now);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}

int
lend_set(struct lend *l, void *thing)
{
	struct lent *t = calloc(1, sizeof(*t)), *old;

	if (t == NULL)
		return -ENOMEM;
	*t = (struct lent){ .thing = thing, .n = 1 };
	(void)pthread_mutex_lock(&l->lock);
	old = l->now;
	l->now = t;
	(void)pthread_mutex_unlock(&l->lock);
	lend_back(l, old);
	return 0;
}

struct lent *
lend_take(struct lend *l)
{
	struct lent *t;

	(void)pthread_mutex_lock(&l->lock);
	if ((t = l->now) != NULL)
		t->n++;
	(void)pthread_mutex_unlock(&l->lock);
	return t;
}

void *
lent_thing(const struct lent *t)
{
	return t == NULL ? NULL : t->thing;
}
