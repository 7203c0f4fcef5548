/*
 * The event loop of every role and of the standalone servers: a thin layer
 * over libevent, so that no other file includes it.
 */
#ifndef SYS_LOOP_H
#define SYS_LOOP_H

#include <stdint.h>

#include "base/util.h"

struct loop;
struct loop_io;
struct loop_timer;

enum {
	LOOP_READ = 1 << 0,
	LOOP_WRITE = 1 << 1,
};

typedef void (*loop_io_fn)(void *arg, int fd, unsigned what);
typedef void (*loop_fn)(void *arg);

struct loop	*loop_new(void);
struct loop	*loop_free(struct loop *);
/* Until loop_stop() or nothing is left to wait for. */
int		 loop_run(struct loop *);
void		 loop_stop(struct loop *);

/* Level-triggered. The fd stays the caller's. NULL: no memory. */
struct loop_io	*loop_io_add(struct loop *, int fd, unsigned what, loop_io_fn, void *arg);
int		 loop_io_set(struct loop_io *, unsigned what);	/* 0: pause */
struct loop_io	*loop_io_del(struct loop_io *);

/* Not armed until set. One shot. */
struct loop_timer *loop_timer_add(struct loop *, loop_fn, void *arg);
int		 loop_timer_set(struct loop_timer *, int64_t usec);
void		 loop_timer_stop(struct loop_timer *);
struct loop_timer *loop_timer_del(struct loop_timer *);

/* Signals arrive in the loop; they live as long as the loop. */
int		 loop_signal(struct loop *, int signo, loop_fn, void *arg);

#endif
