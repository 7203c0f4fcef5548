/*
 * Calls between two processes through shared memory: a fixed number of slots,
 * each with room for one question and its answer. For what is asked ten
 * thousand times a second and is too small for a frame's way through the
 * parent (validate asks verify for arithmetic).
 *
 * Neither side trusts the other: lengths are checked after they are read
 * once, and the server works on a private copy of the question, so that the
 * asker cannot change it under its hands. Whoever waits, waits with a limit.
 *
 * A slot belongs to one thread of the asker. States: idle, asked, worked on,
 * done. The memory is a memfd made by the parent for each life of the asker.
 */
#ifndef SYS_RING_H
#define SYS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

#define RING_SLOTS	64		/* PAR_JOBS_MAX */
#define RING_ASK_MAX	(128 * 1024)
#define RING_ANSWER_MAX	4096

struct ring;

/* New memory for a ring: a descriptor to send to both sides. */
int	 ring_make(int *ret_fd) MUST_USE;
/* Map it; -EINVAL if it is no ring's memory. The descriptor stays the caller's. */
int	 ring_open(int fd, struct ring **ret) MUST_USE;
struct ring *ring_free(struct ring *);
DEFINE_CLEANUP(struct ring, ring_free)

/* The asker: where the question of a slot is written (RING_ASK_MAX bytes). */
uint8_t	*ring_room(struct ring *, unsigned slot);
/*
 * Ask and wait. -ETIMEDOUT: nobody answered; the slot is not used again
 * (-EPIPE from then on). *ret_n bytes of answer are copied to answer.
 */
int	 ring_ask(struct ring *, unsigned slot, size_t n, uint8_t *answer,
	    size_t answer_max, size_t *ret_n, int msec) MUST_USE;

/*
 * The server: wait for a question, copy it to ask (RING_ASK_MAX bytes).
 * -EAGAIN: none came in msec.
 */
int	 ring_take(struct ring *, uint8_t *ask, size_t *ret_n, unsigned *ret_slot,
	    int msec) MUST_USE;
void	 ring_answer(struct ring *, unsigned slot, const uint8_t *answer, size_t n);

#endif
