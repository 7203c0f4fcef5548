#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/frame.h"

static const struct frame_def *
def_find(const struct frame_table *t, uint16_t type)
{
	for (unsigned i = 0; i < t->n_defs; i++)
		if (t->defs[i].type == type)
			return &t->defs[i];
	return NULL;
}

static unsigned
def_n_fds(const struct frame_def *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_fields; i++)
		n += d->fields[i].type == FRAME_FD;
	return n;
}

int
frame_head(const struct frame_table *t, struct sv whole, unsigned n_fds,
    struct frame *ret)
{
	struct rd r = rd_sv(whole);
	uint16_t type = rd_be16(&r);
	uint8_t from = rd_u8(&r), to = rd_u8(&r);
	uint32_t len = rd_be32(&r);
	struct sv payload = rd_slice(&r, len);
	const struct frame_def *d = def_find(t, type);

	if (!rd_done(&r) || d == NULL || whole.n > FRAME_MAX)
		return -EBADMSG;
	if (from >= t->n_peers || to >= t->n_peers ||
	    (d->from & 1U << from) == 0 || (d->to & 1U << to) == 0)
		return -EBADMSG;
	if (n_fds != def_n_fds(d))
		return -EBADMSG;
	ret->def = d;
	ret->from = from;
	ret->to = to;
	ret->payload = payload;
	ret->whole = whole;
	ret->n_fds = n_fds;
	return 0;
}

static bool
text_read(struct rd *r, const struct frame_field *f, struct sv *ret)
{
	uint32_t n = rd_be32(r);

	if (n > f->max)
		return false;
	*ret = rd_slice(r, n);
	if (r->bad)
		return false;
	return f->type != FRAME_STR || n == 0 || memchr(ret->p, 0, n) == NULL;
}

/* One field into its place; memcpy, because the struct's type is not known. */
static bool
field_read(struct rd *r, const struct frame_field *f, char *at, int *fd)
{
	uint32_t u32;
	uint64_t u64;
	struct sv s;

	switch (f->type) {
	case FRAME_U32:
		u32 = rd_be32(r);
		memcpy(at, &u32, sizeof(u32));
		return true;
	case FRAME_U64:
	case FRAME_I64:
		u64 = rd_be64(r);
		memcpy(at, &u64, sizeof(u64));
		return true;
	case FRAME_STR:
	case FRAME_BYTES:
		if (!text_read(r, f, &s))
			return false;
		memcpy(at, &s, sizeof(s));
		return true;
	case FRAME_FD:
		memcpy(at, fd, sizeof(*fd));
		return true;
	}
	return false;
}

int
frame_read(struct frame *f, void *msg)
{
	struct rd r = rd_sv(f->payload);
	unsigned fd = 0;

	memset(msg, 0, f->def->size);
	for (unsigned i = 0; i < f->def->n_fields; i++) {
		const struct frame_field *row = &f->def->fields[i];
		int none = -1, *at = &none;

		if (row->type == FRAME_FD && fd < f->n_fds)
			at = &f->fds[fd++];
		if (!field_read(&r, row, (char *)msg + row->offset, at))
			return -EBADMSG;
	}
	if (!rd_done(&r))
		return -EBADMSG;
	for (unsigned i = 0; i < f->n_fds; i++)
		f->fds[i] = -1;
	return 0;
}

static void
text_write(struct wr *w, const struct frame_field *f, struct sv s)
{
	if (s.n > f->max ||
	    (f->type == FRAME_STR && s.n > 0 && memchr(s.p, 0, s.n) != NULL)) {
		w->bad = true;
		return;
	}
	wr_be32(w, (uint32_t)s.n);
	wr_bytes(w, s.p, s.n);
}

static void
field_write(struct wr *w, const struct frame_field *f, const char *at,
    int fds[static FRAME_FDS_MAX], unsigned *n_fds)
{
	uint32_t u32;
	uint64_t u64;
	struct sv s;

	switch (f->type) {
	case FRAME_U32:
		memcpy(&u32, at, sizeof(u32));
		wr_be32(w, u32);
		break;
	case FRAME_U64:
	case FRAME_I64:
		memcpy(&u64, at, sizeof(u64));
		wr_be64(w, u64);
		break;
	case FRAME_STR:
	case FRAME_BYTES:
		memcpy(&s, at, sizeof(s));
		text_write(w, f, s);
		break;
	case FRAME_FD:
		if (*n_fds == FRAME_FDS_MAX) {
			w->bad = true;
			break;
		}
		memcpy(&fds[(*n_fds)++], at, sizeof(int));
		break;
	}
}

int
frame_write(const struct frame_def *d, uint8_t from, uint8_t to,
    const void *msg, struct wr *w, int fds[static FRAME_FDS_MAX],
    unsigned *ret_n_fds)
{
	uint8_t *len;
	size_t start;
	unsigned n_fds = 0;

	wr_be16(w, d->type);
	wr_u8(w, from);
	wr_u8(w, to);
	len = wr_reserve(w, 4);
	start = w->len;
	for (unsigned i = 0; i < d->n_fields; i++)
		field_write(w, &d->fields[i],
		    (const char *)msg + d->fields[i].offset, fds, &n_fds);
	if (!wr_done(w))
		return -E2BIG;
	put_be32(len, (uint32_t)(w->len - start));
	*ret_n_fds = n_fds;
	return 0;
}

void
frame_msg_close(const struct frame_def *d, void *msg)
{
	for (unsigned i = 0; i < d->n_fields; i++) {
		char *at = (char *)msg + d->fields[i].offset;
		int fd, none = -1;

		if (d->fields[i].type != FRAME_FD)
			continue;
		memcpy(&fd, at, sizeof(fd));
		if (fd >= 0)
			(void)close(fd);
		memcpy(at, &none, sizeof(none));
	}
}

void
frame_close(struct frame *f)
{
	for (unsigned i = 0; i < f->n_fds; i++)
		if (f->fds[i] >= 0) {
			(void)close(f->fds[i]);
			f->fds[i] = -1;
		}
}

/* --- channels --- */

struct packet {
	struct packet	*next;
	int64_t		 since;
	unsigned	 n_fds;
	int		 fds[FRAME_FDS_MAX];	/* duplicates, ours */
	size_t		 n;
	uint8_t		 bytes[];
};

/* What a channel knows of one sender of its frames. */
struct share {
	unsigned			 n, n_fds;	/* queued */
	size_t				 bytes;
	int64_t				 owed;		/* said to it, less what was heard of it */
	int64_t				 last;		/* … changed then */
	struct chan			*waits;		/* not read until n is low */
};

struct chan {
	int				 fd;
	struct loop_io			*io;
	const struct frame_table	*table;
	chan_frame_fn			 frame;
	chan_closed_fn			 closed;
	void				*arg;
	struct packet			*head, **tail;
	struct share			 shares[FRAME_PEERS_MAX];
	struct chan			*waits_for;	/* as shares[].waits there */
	unsigned			 unheard;	/* relayed while nobody read what is queued */
	bool				 deaf;
	bool				 dead;		/* closed() was called */
	bool				 busy, freed;	/* free after the callback */
	uint8_t				 in[FRAME_MAX];
};

static void
packet_free(struct packet *p)
{
	for (unsigned i = 0; i < p->n_fds; i++)
		(void)close(p->fds[i]);
	free(p);
}

/* --- who is read --- */

static int
flags_set(struct chan *c)
{
	unsigned what = c->head != NULL ? LOOP_WRITE : 0;

	if (c->waits_for == NULL && !c->deaf)
		what |= LOOP_READ;
	return loop_io_set(c->io, c->dead ? 0 : what);
}

static int
share_wake(struct share *s)
{
	struct chan *sender = s->waits;

	if (sender == NULL)
		return 0;
	s->waits = NULL;
	sender->waits_for = NULL;
	return flags_set(sender);
}

/* It waits for nobody, and nobody for it. */
static void
waits_end(struct chan *c)
{
	for (unsigned i = 0; i < FRAME_PEERS_MAX; i++) {
		if (c->waits_for != NULL && c->waits_for->shares[i].waits == c)
			c->waits_for->shares[i].waits = NULL;
		(void)share_wake(&c->shares[i]);
	}
	c->waits_for = NULL;
}

/* Not all frames are questions or answers: what is long ago does not count. */
static void
share_owe(struct share *s, int more)
{
	int64_t now = clock_mono_usec();

	if (s->n == 0 && now - s->last > CHAN_QUIET_SEC * 1000000LL)
		s->owed = 0;
	s->owed += more;
	s->last = now;
}

static bool
share_full(const struct share *s)
{
	int64_t more = s->owed < 0 ? 0 : min_i64(s->owed, CHAN_OWED_MAX);

	return s->n >= CHAN_SHARE + more || s->n_fds >= CHAN_SHARE_FDS ||
	    s->bytes >= CHAN_SHARE_BYTES;
}

static uint8_t
sender_of(const uint8_t *frame)
{
	return frame[2] % FRAME_PEERS_MAX;	/* as frame_head() reads it */
}

static struct chan *
chan_free_now(struct chan *c)
{
	struct packet *p, *next;

	waits_end(c);

	for (p = c->head; p != NULL; p = next) {
		next = p->next;
		packet_free(p);
	}
	loop_io_del(c->io);
	(void)close(c->fd);
	free(c);
	return NULL;
}

struct chan *
chan_free(struct chan *c)
{
	if (c == NULL)
		return NULL;
	if (c->busy) {
		c->freed = true;
		return NULL;
	}
	return chan_free_now(c);
}

static void
chan_die(struct chan *c, int rc)
{
	if (c->dead)
		return;
	c->dead = true;
	waits_end(c);
	(void)loop_io_set(c->io, 0);
	c->closed(c->arg, rc);
}

static int
packet_send(int fd, const void *bytes, size_t n, const int *fds, unsigned n_fds)
{
	union {
		char		buf[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
		struct cmsghdr	align;
	} ctl;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds > 0) {
		struct cmsghdr *h;

		memset(&ctl, 0, sizeof(ctl));
		m.msg_control = ctl.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * n_fds);
	}
	if (sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

static bool
would_block(int rc)
{
	/* ENOBUFS, ETOOMANYREFS: descriptors in flight; they will be read. */
	return rc == -EAGAIN || rc == -EINTR || rc == -ENOBUFS ||
	    rc == -ETOOMANYREFS;
}

static int
chan_queue(struct chan *c, const void *bytes, size_t n, const int *fds,
    unsigned n_fds)
{
	struct share *s = &c->shares[sender_of(bytes)];
	struct packet *p;

	if ((p = calloc(1, sizeof(*p) + n)) == NULL)
		return -ENOMEM;
	p->n = n;
	p->since = clock_mono_usec();
	memcpy(p->bytes, bytes, n);
	for (unsigned i = 0; i < n_fds; i++) {
		if ((p->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0)) < 0) {
			int rc = -errno;

			packet_free(p);
			return rc;
		}
		p->n_fds++;
	}
	*c->tail = p;
	c->tail = &p->next;
	s->n++;
	s->n_fds += n_fds;
	s->bytes += n;
	return flags_set(c);
}

static int
chan_put(struct chan *c, const void *bytes, size_t n, const int *fds,
    unsigned n_fds)
{
	int rc;

	if (c->dead)
		return -EPIPE;
	if (c->head != NULL)
		return chan_queue(c, bytes, n, fds, n_fds);
	rc = packet_send(c->fd, bytes, n, fds, n_fds);
	if (would_block(rc))
		return chan_queue(c, bytes, n, fds, n_fds);
	share_owe(&c->shares[sender_of(bytes)], -1);
	return rc;
}

int
chan_send(struct chan *c, const struct frame_def *d, uint8_t from, uint8_t to,
    const void *msg)
{
	uint8_t out[FRAME_MAX];
	struct wr w = wr_mem(out, sizeof(out));
	int fds[FRAME_FDS_MAX];
	unsigned n_fds;
	int rc;

	if ((rc = frame_write(d, from, to, msg, &w, fds, &n_fds)) < 0)
		return rc;
	if (c->shares[sender_of(out)].n >= CHAN_QUEUE_MAX)
		return -ENOBUFS;
	return chan_put(c, out, w.len, fds, n_fds);
}

/* It has sent one more; does it hear what others say to it? */
static int
deaf_judge(struct chan *c)
{
	if (c->head == NULL || ++c->unheard < CHAN_SHARE || c->deaf)
		return 0;
	c->deaf = true;
	return flags_set(c);
}

int
chan_relay(struct chan *from, struct chan *to, const struct frame *f, bool *ret_waits)
{
	struct share *s = &to->shares[f->from % FRAME_PEERS_MAX];
	struct share *back = &from->shares[f->to % FRAME_PEERS_MAX];
	int rc = chan_put(to, f->whole.p, f->whole.n, f->fds, f->n_fds);

	*ret_waits = false;
	share_owe(back, 1);
	if (rc == 0)
		rc = deaf_judge(from);
	if (rc < 0 || from->dead || from->waits_for != NULL || !share_full(s))
		return rc;
	s->waits = from;
	from->waits_for = to;
	*ret_waits = true;
	return flags_set(from);
}

int64_t
chan_oldest(const struct chan *c)
{
	return c->head == NULL ? 0 : c->head->since;
}

bool
chan_idle(const struct chan *c)
{
	return c->head == NULL;
}

/* One was read: what else that allows. */
static int
packet_gone(struct chan *c, struct packet *p)
{
	struct share *s = &c->shares[sender_of(p->bytes)];

	if ((c->head = p->next) == NULL)
		c->tail = &c->head;
	s->n--;
	s->n_fds -= p->n_fds;
	s->bytes -= p->n;
	share_owe(s, -1);
	packet_free(p);
	c->unheard = 0;
	return s->n <= CHAN_SHARE_LOW ? share_wake(s) : 0;
}

static bool
is_low(const struct chan *c)
{
	for (unsigned i = 0; i < FRAME_PEERS_MAX; i++)
		if (c->shares[i].n > CHAN_SHARE_LOW)
			return false;
	return true;
}

static int
chan_flush(struct chan *c)
{
	while (c->head != NULL) {
		struct packet *p = c->head;
		int rc = packet_send(c->fd, p->bytes, p->n, p->fds, p->n_fds);

		if (would_block(rc))
			break;
		if (rc < 0 || (rc = packet_gone(c, p)) < 0)
			return rc;
	}
	if (is_low(c))
		c->deaf = false;
	return flags_set(c);
}

void
chan_drain(struct chan *c, int msec)
{
	int64_t until = clock_mono_usec() + (int64_t)msec * 1000;

	while (!c->dead && c->head != NULL && clock_mono_usec() < until) {
		struct pollfd p = { .fd = c->fd, .events = POLLOUT };

		(void)poll(&p, 1, 20);
		if (chan_flush(c) < 0)
			return;
	}
}

/* Descriptors that came with a packet. */
static unsigned
fds_take(struct msghdr *m, int fds[static FRAME_FDS_MAX])
{
	unsigned n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		size_t k;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		k = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < k; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (n < FRAME_FDS_MAX)
				fds[n++] = fd;
			else
				(void)close(fd);
		}
	}
	return n;
}

/* One packet: 1 when a frame was handled, 0 when there is none, or negative. */
static int
chan_read(struct chan *c)
{
	union {
		char		buf[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
		struct cmsghdr	align;
	} ctl;
	struct iovec iov = { .iov_base = c->in, .iov_len = sizeof(c->in) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = ctl.buf, .msg_controllen = sizeof(ctl.buf) };
	struct frame f = { 0 };
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int rc;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	f.n_fds = fds_take(&m, f.fds);
	if (n == 0 && f.n_fds == 0)
		return -EPIPE;
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		rc = -EBADMSG;
	else
		rc = frame_head(c->table, (struct sv){ (char *)c->in, (size_t)n },
		    f.n_fds, &f);
	if (rc == 0)
		rc = c->frame(c->arg, &f);
	frame_close(&f);
	return rc < 0 ? rc : 1;
}

/* A few packets at a time, so that one peer cannot keep the loop. */
#define CHAN_BURST	16

static void
chan_event(void *arg, int fd UNUSED, unsigned what)
{
	struct chan *c = arg;
	int rc = 0;

	c->busy = true;
	if (what & LOOP_WRITE)
		rc = chan_flush(c);
	for (int i = 0; rc >= 0 && i < CHAN_BURST && (what & LOOP_READ) != 0 &&
	    !c->dead && !c->freed && c->waits_for == NULL && !c->deaf; i++)
		if ((rc = chan_read(c)) == 0)
			break;
	if (rc < 0 && !c->freed)
		chan_die(c, rc);
	c->busy = false;
	if (c->freed)
		(void)chan_free_now(c);
}

void
chan_rest(struct chan *c)
{
	int rc = 1;

	if (c->busy)	/* in a callback of its own */
		return;
	c->busy = true;
	/* If it ended with something unread, the kernel says so first, and once. */
	for (int i = 0; i < CHAN_REST_MAX && !c->freed && (rc > 0 || rc == -ECONNRESET); i++)
		rc = chan_read(c);
	c->busy = false;
	if (c->freed)
		(void)chan_free_now(c);
}

struct chan *
chan_new(struct loop *l, int fd, const struct frame_table *t,
    chan_frame_fn frame, chan_closed_fn closed, void *arg)
{
	struct chan *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = fd;
	c->table = t;
	c->frame = frame;
	c->closed = closed;
	c->arg = arg;
	c->tail = &c->head;
	if ((c->io = loop_io_add(l, fd, LOOP_READ, chan_event, c)) == NULL) {
		free(c);
		return NULL;
	}
	return c;
}
