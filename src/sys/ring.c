#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/ring.h"

enum state {
	IDLE,
	ASKED,
	WORKED_ON,
	DONE,
};

struct slot {
	_Atomic uint32_t state;
	_Atomic uint32_t ask_len, answer_len;
	uint8_t		 pad[52];		/* a cache line of its own */
	uint8_t		 ask[RING_ASK_MAX];
	uint8_t		 answer[RING_ANSWER_MAX];
};

struct memory {
	_Atomic uint32_t bell;			/* grows with every question */
	uint8_t		 pad[60];
	struct slot	 slots[RING_SLOTS];
};

struct ring {
	struct memory	*m;
	bool		 lost[RING_SLOTS];	/* of the asker: gave up on it */
};

int
ring_make(int *ret_fd)
{
	_cleanup_(fd_close) int fd = -1;
	int rc;

	if ((rc = memfd_new("ring", &fd)) < 0)
		return rc;
	/* Whoever has it may write, but not pull it away under the other. */
	if (ftruncate(fd, sizeof(struct memory)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
ring_open(int fd, struct ring **ret)
{
	_cleanup_(ring_freep) struct ring *r = calloc(1, sizeof(*r));
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW;
	struct stat st;
	void *p;

	if (r == NULL)
		return -ENOMEM;
	if ((fcntl(fd, F_GET_SEALS) & seals) != seals)
		return -EINVAL;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != (off_t)sizeof(struct memory))
		return -EINVAL;
	p = mmap(NULL, sizeof(struct memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->m = p;
	*ret = TAKE_PTR(r);
	return 0;
}

struct ring *
ring_free(struct ring *r)
{
	if (r == NULL)
		return NULL;
	if (r->m != NULL)
		(void)munmap(r->m, sizeof(*r->m));
	free(r);
	return NULL;
}

/* Until the word is no longer `value`, a wake-up, or the time is over. */
static void
word_wait(_Atomic uint32_t *w, uint32_t value, int64_t usec)
{
	struct timespec ts = { usec / 1000000, (usec % 1000000) * 1000 };

	(void)syscall(SYS_futex, w, FUTEX_WAIT, value, &ts, NULL, 0);
}

static void
word_wake(_Atomic uint32_t *w, int n)
{
	(void)syscall(SYS_futex, w, FUTEX_WAKE, n, NULL, NULL, 0);
}

uint8_t *
ring_room(struct ring *r, unsigned slot)
{
	return r->m->slots[slot % RING_SLOTS].ask;
}

int
ring_ask(struct ring *r, unsigned slot, size_t n, uint8_t *answer, size_t answer_max,
    size_t *ret_n, int msec)
{
	struct slot *s = &r->m->slots[slot % RING_SLOTS];
	int64_t end = clock_mono_usec() + (int64_t)msec * 1000, left;
	uint32_t state, len;

	if (r->lost[slot % RING_SLOTS])
		return -EPIPE;
	if (n > RING_ASK_MAX)
		return -E2BIG;
	atomic_store(&s->ask_len, (uint32_t)n);
	atomic_store(&s->state, ASKED);
	atomic_fetch_add(&r->m->bell, 1);
	word_wake(&r->m->bell, 1);
	while ((state = atomic_load(&s->state)) != DONE) {
		if ((left = end - clock_mono_usec()) <= 0) {
			r->lost[slot % RING_SLOTS] = true;
			return -ETIMEDOUT;
		}
		word_wait(&s->state, state, left);
	}
	len = atomic_load(&s->answer_len);
	if (len > RING_ANSWER_MAX || len > answer_max)
		return -EBADMSG;
	memcpy(answer, s->answer, len);
	atomic_store(&s->state, IDLE);
	*ret_n = len;
	return 0;
}

static bool
slot_take(struct memory *m, uint8_t *ask, size_t *ret_n, unsigned *ret_slot)
{
	for (unsigned i = 0; i < RING_SLOTS; i++) {
		struct slot *s = &m->slots[i];
		uint32_t asked = ASKED, n;

		if (!atomic_compare_exchange_strong(&s->state, &asked, WORKED_ON))
			continue;
		n = atomic_load(&s->ask_len);
		*ret_n = n > RING_ASK_MAX ? 0 : n;
		memcpy(ask, s->ask, *ret_n);
		*ret_slot = i;
		return true;
	}
	return false;
}

int
ring_take(struct ring *r, uint8_t *ask, size_t *ret_n, unsigned *ret_slot, int msec)
{
	uint32_t bell = atomic_load(&r->m->bell);

	if (slot_take(r->m, ask, ret_n, ret_slot))
		return 0;
	word_wait(&r->m->bell, bell, (int64_t)msec * 1000);
	return slot_take(r->m, ask, ret_n, ret_slot) ? 0 : -EAGAIN;
}

void
ring_answer(struct ring *r, unsigned slot, const uint8_t *answer, size_t n)
{
	struct slot *s = &r->m->slots[slot % RING_SLOTS];

	n = min_size(n, RING_ANSWER_MAX);
	memcpy(s->answer, answer, n);
	atomic_store(&s->answer_len, (uint32_t)n);
	atomic_store(&s->state, DONE);
	word_wake(&s->state, 1);
}
