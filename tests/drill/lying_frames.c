/*
 * Frames that a true validate never sends: ones that only others may send,
 * ones that are none, the largest of each kind, and too many.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rd.h"
#include "lying.h"
#include "sys/clock.h"
#include "sys/memfd.h"

#define PARENT_FD	3
#define FLOOD		30000
#define FLOOD_SEC	3
/* As much as the store reads of a list (LIST_BYTES_MAX of role/store_objects.c). */
#define LARGEST		((size_t)128 << 20)

void
u32_put(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* So many copies of one descriptor beside a frame. */
union beside {
	struct cmsghdr	head;
	char		room[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))];
};

static void
fds_put(struct msghdr *m, union beside *b, int fd, unsigned n_fds)
{
	struct cmsghdr *c;

	if (n_fds == 0)
		return;
	memset(b, 0, sizeof(*b));
	m->msg_control = b->room;
	m->msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	for (unsigned i = 0; i < n_fds; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(int));
}

/* A frame as the parent reads it, whatever stands in it. */
static int
raw_send_fds(uint16_t type, uint8_t from, uint8_t to, const void *payload, size_t n,
    int fd, unsigned n_fds)
{
	uint8_t *b = malloc(8 + n);
	struct iovec iov = { b, 8 + n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union beside beside;
	ssize_t sent;

	if (b == NULL)
		return -ENOMEM;
	b[0] = (uint8_t)(type >> 8);
	b[1] = (uint8_t)type;
	b[2] = from;
	b[3] = to;
	u32_put(b + 4, (uint32_t)n);
	if (n > 0)
		memcpy(b + 8, payload, n);
	fds_put(&m, &beside, fd, n_fds);
	sent = sendmsg(PARENT_FD, &m, MSG_NOSIGNAL);
	free(b);
	return sent < 0 ? -errno : 0;
}

static int
raw_send(uint16_t type, uint8_t from, uint8_t to, const void *payload, size_t n)
{
	return raw_send_fds(type, from, to, payload, n, -1, 0);
}

/* --- what only others may say --- */

/* A batch of facts, as if this role had it. */
static int
facts_send(struct role *r, uint8_t from)
{
	uint8_t b[4 + 320] = { 0 };

	u32_put(b, 320);
	noise(r->state, b + 4, 320);
	return raw_send(MSG_facts, from, ROLE_STORE, b, sizeof(b));
}

int
lie_facts(struct role *r)
{
	return facts_send(r, ROLE_VALIDATE);
}

int
lie_as_verify(struct role *r)
{
	return facts_send(r, ROLE_VERIFY);
}

int
lie_garbage(struct role *r)
{
	uint8_t b[60000];

	noise(r->state, b, sizeof(b));
	return raw_send(9999, 77, 88, b, sizeof(b));
}

int
lie_short(struct role *r UNUSED)
{
	return raw_send(MSG_pin, ROLE_VALIDATE, ROLE_STORE, "x", 1);
}

/* --- the largest of everything --- */

/* A payload with all that its fields can hold (or, the second time, the least). */
static size_t
payload_extreme(const struct frame_def *d, bool most, uint8_t *b, size_t cap)
{
	struct wr w = wr_mem(b, cap);
	char *x = malloc(FRAME_MAX);
	size_t n;

	if (x == NULL)
		return 0;
	memset(x, 'x', FRAME_MAX);
	for (unsigned i = 0; i < d->n_fields; i++) {
		const struct frame_field *f = &d->fields[i];

		if (f->type == FRAME_U32)
			wr_be32(&w, most ? UINT32_MAX : 0);
		else if (f->type == FRAME_U64)
			wr_be64(&w, most ? UINT64_MAX : 0);
		else if (f->type == FRAME_I64)
			wr_be64(&w, most ? (uint64_t)INT64_MAX : (uint64_t)INT64_MIN);
		else if (f->type != FRAME_FD) {
			n = most ? f->max : 0;
			wr_be32(&w, (uint32_t)n);
			wr_bytes(&w, x, n);
		}
	}
	free(x);
	return wr_done(&w) ? w.len : 0;
}

static unsigned
fds_of(const struct frame_def *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_fields; i++)
		n += d->fields[i].type == FRAME_FD;
	return n;
}

/* One message to each role that may get it from us. */
static int
extreme_send(const struct frame_def *d, bool most, int fd)
{
	_Alignas(8) static uint8_t b[FRAME_MAX];
	size_t n = payload_extreme(d, most, b, FRAME_MAX - FRAME_HEAD);
	int rc = 0;

	for (uint8_t to = 0; to < ROLE_MAX && rc == 0; to++)
		if ((d->to & 1U << to) != 0)
			rc = raw_send_fds(d->type, ROLE_VALIDATE, to, b, n, fd, fds_of(d));
	return rc;
}

/* Every message of ours; the longest list is as long as somebody reads. */
int
lie_maxima(struct role *r UNUSED)
{
	uint8_t *map;
	int fd[2], rc;

	if ((rc = memfd_room("zeros", LARGEST, &fd[0], &map)) < 0 ||
	    (rc = memfd_room_done(fd[0], map, LARGEST)) < 0 ||
	    (rc = memfd_of("nothing", (struct sv){ "", 0 }, &fd[1])) < 0)
		return rc;
	for (unsigned i = 0; i < messages.n_defs && (rc == 0 || rc == -EAGAIN); i++)
		for (unsigned k = 0; k < 2; k++) {
			const struct frame_def *d = &messages.defs[i];

			if ((d->from & 1U << ROLE_VALIDATE) == 0)
				continue;
			while ((rc = extreme_send(d, k == 0, fd[k])) == -EAGAIN)
				(void)usleep(1000);
		}
	return rc;
}

/* A text that says that it is longer than anything. */
int
lie_lengths(struct role *r UNUSED)
{
	uint8_t b[8 + 10] = { 0 };

	u32_put(b, LOG_LEVEL_ERROR);
	u32_put(b + 4, UINT32_MAX);
	return raw_send(MSG_log, ROLE_VALIDATE, ROLE_PARENT, b, sizeof(b));
}

/* More of them than the message has. */
int
lie_descriptors(struct role *r UNUSED)
{
	uint8_t b[4] = { 0 };

	return raw_send_fds(MSG_pin, ROLE_VALIDATE, ROLE_STORE, b, sizeof(b), PARENT_FD, FRAME_FDS_MAX);
}

/* --- too much --- */

/* As fast as it goes, for FLOOD_SEC or FLOOD frames. */
static int
flood(struct role *r UNUSED, uint16_t type, uint8_t to, const void *b, size_t n)
{
	int64_t until = clock_mono_usec() + FLOOD_SEC * 1000000LL;
	unsigned i = 0;
	int rc = 0;

	while (i < FLOOD && (rc == 0 || rc == -EAGAIN) && clock_mono_usec() < until) {
		if ((rc = raw_send(type, ROLE_VALIDATE, to, b, n)) == -EAGAIN)
			(void)usleep(1000);
		else
			i++;
	}
	return rc == -EAGAIN ? 0 : rc;
}

int
lie_pins(struct role *r)
{
	uint8_t b[4] = { 0 };

	return flood(r, MSG_pin, ROLE_STORE, b, sizeof(b));
}

/* As pins, and for ever: nothing is read meanwhile. */
int
lie_deaf(struct role *r)
{
	int rc = 0;

	while (rc == 0)
		rc = lie_pins(r);
	return rc;
}

int
lie_log(struct role *r)
{
	uint8_t b[8 + 1900];

	memset(b, 'x', sizeof(b));
	u32_put(b, LOG_LEVEL_ERROR);
	u32_put(b + 4, 1900);
	return flood(r, MSG_log, ROLE_PARENT, b, sizeof(b));
}

int
lie_audit(struct role *r)
{
	uint8_t b[4 + 3 + 4 + 2];

	u32_put(b, 3);
	memcpy(b + 4, "lie", 3);
	u32_put(b + 7, 2);
	memcpy(b + 11, "{}", 2);
	return flood(r, MSG_audit, ROLE_PARENT, b, sizeof(b));
}

/* One question, sixteen long answers each time. */
int
lie_histories(struct role *r)
{
	uint8_t b[4];

	u32_put(b, 1);
	return flood(r, MSG_snapshot_ask, ROLE_STORE, b, sizeof(b));
}
