#include <errno.h>
#include <stdlib.h>

#include "app/turn_queue.h"

int
turn_queue_init(struct turn_queue *q, size_t n)
{
	*q = (struct turn_queue){ .n = n, .v = calloc(n + 1, sizeof(*q->v)), .in = calloc(n + 1, sizeof(*q->in)) };
	if (q->v != NULL && q->in != NULL)
		return 0;
	turn_queue_done(q);
	return -ENOMEM;
}

void
turn_queue_done(struct turn_queue *q)
{
	free(q->v);
	free(q->in);
	*q = (struct turn_queue){ 0 };
}

void
turn_queue_add(struct turn_queue *q, size_t number)
{
	if (number >= q->n || q->in[number])
		return;
	q->v[(q->first + q->n_in) % q->n] = (uint32_t)number;
	q->in[number] = true;
	q->n_in++;
}

bool
turn_queue_take(struct turn_queue *q, size_t *ret_number)
{
	if (q->n_in == 0)
		return false;
	*ret_number = q->v[q->first];
	q->first = (q->first + 1) % q->n;
	q->in[*ret_number] = false;
	q->n_in--;
	return true;
}
