#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/task.h"

struct task {
	pthread_t	 thread;
	int		 fd;		/* an eventfd: the work has ended */
	struct loop_io	*io;
	void		(*fn)(void *);
	void		(*done)(void *);
	void		*arg;
};

static void *
task_thread(void *arg)
{
	struct task *t = arg;
	uint64_t one = 1;

	t->fn(t->arg);
	while (write(t->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

static void
task_ended(void *arg, int fd UNUSED, unsigned what UNUSED)
{
	struct task *t = arg;

	(void)loop_io_set(t->io, 0);
	t->done(t->arg);
}

struct task *
task_start(struct loop *loop, void (*fn)(void *), void (*done)(void *), void *arg)
{
	struct task *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	*t = (struct task){ .fn = fn, .done = done, .arg = arg };
	if ((t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0 &&
	    (t->io = loop_io_add(loop, t->fd, LOOP_READ, task_ended, t)) != NULL &&
	    pthread_create(&t->thread, NULL, task_thread, t) == 0)
		return t;
	(void)loop_io_del(t->io);
	fd_close(&t->fd);
	free(t);
	return NULL;
}

bool
task_wait(const struct task *t, int64_t usec)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };

	return poll(&p, 1, (int)min_i64(usec / 1000, INT32_MAX)) > 0;
}

struct task *
task_free(struct task *t)
{
	if (t == NULL)
		return NULL;
	(void)pthread_join(t->thread, NULL);
	(void)loop_io_del(t->io);
	fd_close(&t->fd);
	free(t);
	return NULL;
}

int
task_stack(size_t n)
{
	pthread_attr_t a;
	int rc = pthread_attr_init(&a);

	if (rc != 0)
		return -rc;
	if ((rc = pthread_attr_setstacksize(&a, n)) == 0)
		rc = pthread_setattr_default_np(&a);
	(void)pthread_attr_destroy(&a);
	return -rc;
}
