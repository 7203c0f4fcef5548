/*
 * Whose turn it is: numbers from 0 to n - 1, each of them at most once, first
 * come, first served. Nothing is allocated after the start.
 */
#ifndef APP_TURN_QUEUE_H
#define APP_TURN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

struct turn_queue {
	uint32_t	*v;		/* a ring of n */
	bool		*in;		/* is this number in it? */
	size_t		 n, first, n_in;
};

/* -ENOMEM. */
int	 turn_queue_init(struct turn_queue *, size_t n) MUST_USE;
void	 turn_queue_done(struct turn_queue *);
/* One that is in it stays where it is. */
void	 turn_queue_add(struct turn_queue *, size_t number);
/* false: nobody waits. */
bool	 turn_queue_take(struct turn_queue *, size_t *ret_number);

#endif
