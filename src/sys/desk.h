/*
 * A desk between threads of a library and the loop: a thread puts a question
 * down and waits; the loop takes it, finds the answer in its own time, and
 * gives it back. For roles whose library has threads of its own, as frames to
 * other roles belong to the loop (role/milter_role.h).
 */
#ifndef SYS_DESK_H
#define SYS_DESK_H

#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "sys/loop.h"

#define DESK_MAX	4096		/* questions that wait; a thread has one */

struct desk;
/* In the loop. Negative: it is the answer's code, and there is no other. */
typedef int (*desk_fn)(void *arg, uint64_t id, const void *question);

int	 desk_new(struct loop *, desk_fn, void *arg, struct desk **ret) MUST_USE;
/* Nobody may be waiting. */
struct desk *desk_free(struct desk *);
/*
 * By any other thread. The code that was answered, its octets in answer (max at most);
 * -ETIMEDOUT: not in usec; SE_LIMIT.
 */
int	 desk_ask(struct desk *, const void *question, int64_t usec, void *answer, size_t max,
	    size_t *ret_n) MUST_USE;
/* In the loop. An answer that nobody waits for any more is dropped. */
void	 desk_answer(struct desk *, uint64_t id, int code, const void *, size_t n);

#endif
