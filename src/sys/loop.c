#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/time.h>

#include "sys/loop.h"

#define SIGNALS_MAX	8

struct loop {
	struct event_base	*base;
	struct {
		struct event	*ev;
		loop_fn		 fn;
		void		*arg;
	} sig[SIGNALS_MAX];
	unsigned		 n_sig;
};

struct loop_io {
	struct event	*ev;
	struct loop	*loop;
	int		 fd;
	unsigned	 what;
	loop_io_fn	 fn;
	void		*arg;
};

struct loop_timer {
	struct event	*ev;
	loop_fn		 fn;
	void		*arg;
};

struct loop *
loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	if ((l->base = event_base_new()) == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

struct loop *
loop_free(struct loop *l)
{
	if (l == NULL)
		return NULL;
	for (unsigned i = 0; i < l->n_sig; i++)
		event_free(l->sig[i].ev);
	event_base_free(l->base);
	free(l);
	return NULL;
}

int
loop_run(struct loop *l)
{
	return event_base_dispatch(l->base) < 0 ? -EIO : 0;
}

void
loop_stop(struct loop *l)
{
	(void)event_base_loopbreak(l->base);
}

static void
io_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;
	unsigned w = 0;

	if (what & EV_READ)
		w |= LOOP_READ;
	if (what & EV_WRITE)
		w |= LOOP_WRITE;
	io->fn(io->arg, fd, w);
}

static short
io_flags(unsigned what)
{
	short f = EV_PERSIST;

	if (what & LOOP_READ)
		f |= EV_READ;
	if (what & LOOP_WRITE)
		f |= EV_WRITE;
	return f;
}

struct loop_io *
loop_io_add(struct loop *l, int fd, unsigned what, loop_io_fn fn, void *arg)
{
	struct loop_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return NULL;
	io->loop = l;
	io->fd = fd;
	io->what = what;
	io->fn = fn;
	io->arg = arg;
	io->ev = event_new(l->base, fd, io_flags(what), io_event, io);
	if (io->ev == NULL || (what != 0 && event_add(io->ev, NULL) < 0))
		return loop_io_del(io);
	return io;
}

int
loop_io_set(struct loop_io *io, unsigned what)
{
	if (what == io->what)
		return 0;
	(void)event_del(io->ev);
	io->what = what;
	if (event_assign(io->ev, io->loop->base, io->fd, io_flags(what),
	    io_event, io) < 0)
		return -EIO;
	return what != 0 && event_add(io->ev, NULL) < 0 ? -EIO : 0;
}

struct loop_io *
loop_io_del(struct loop_io *io)
{
	if (io == NULL)
		return NULL;
	if (io->ev != NULL)
		event_free(io->ev);
	free(io);
	return NULL;
}

static void
timer_event(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct loop_timer *t = arg;

	t->fn(t->arg);
}

struct loop_timer *
loop_timer_add(struct loop *l, loop_fn fn, void *arg)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	if ((t->ev = evtimer_new(l->base, timer_event, t)) == NULL)
		return loop_timer_del(t);
	return t;
}

int
loop_timer_set(struct loop_timer *t, int64_t usec)
{
	struct timeval tv;

	if (usec < 0)
		usec = 0;
	tv = (struct timeval){ usec / 1000000, usec % 1000000 };
	return evtimer_add(t->ev, &tv) < 0 ? -EIO : 0;
}

void
loop_timer_stop(struct loop_timer *t)
{
	(void)evtimer_del(t->ev);
}

struct loop_timer *
loop_timer_del(struct loop_timer *t)
{
	if (t == NULL)
		return NULL;
	if (t->ev != NULL)
		event_free(t->ev);
	free(t);
	return NULL;
}

static void
signal_event(evutil_socket_t signo, short what UNUSED, void *arg)
{
	struct loop *l = arg;

	for (unsigned i = 0; i < l->n_sig; i++)
		if (event_get_signal(l->sig[i].ev) == signo)
			l->sig[i].fn(l->sig[i].arg);
}

int
loop_signal(struct loop *l, int signo, loop_fn fn, void *arg)
{
	struct event *ev;

	if (l->n_sig == SIGNALS_MAX)
		return -E2BIG;
	if ((ev = evsignal_new(l->base, signo, signal_event, l)) == NULL)
		return -ENOMEM;
	l->sig[l->n_sig].ev = ev;
	l->sig[l->n_sig].fn = fn;
	l->sig[l->n_sig].arg = arg;
	l->n_sig++;
	return event_add(ev, NULL) < 0 ? -EIO : 0;
}
