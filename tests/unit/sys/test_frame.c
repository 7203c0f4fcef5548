#include "../tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "role/role.h"

static struct sv
bytes(const struct wr *w)
{
	return (struct sv){ (const char *)w->buf, w->len };
}

/* What is written is read, for a message with every type of field. */
static void
round_trip(void **state UNUSED)
{
	uint8_t out[FRAME_MAX];
	struct wr w = wr_mem(out, sizeof(out));
	const struct msg_store_conf a = { .state = SV("/var/lib/x"), .keep = 7,
	    .object_log = 5, .object_log_per_hour = UINT32_MAX };
	struct msg_store_conf b;
	struct frame f = { 0 };
	int fds[FRAME_FDS_MAX];
	unsigned n;

	assert_int_equal(frame_write(message_def(MSG_store_conf), ROLE_PARENT,
	    ROLE_STORE, &a, &w, fds, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(frame_head(&messages, bytes(&w), n, &f), 0);
	f.fds[0] = fds[0];
	assert_int_equal(frame_read(&f, &b), 0);
	assert_true(sv_eq(a.state, b.state));
	assert_int_equal(b.keep, 7);
	assert_int_equal(b.object_log, 5);
	assert_int_equal(b.object_log_per_hour, UINT32_MAX);
	assert_int_equal(f.fds[0], -1);
}

/* Every message of the table, all fields zero or empty, both ways. */
static void
every_message(void **state UNUSED)
{
	for (unsigned i = 0; i < messages.n_defs; i++) {
		const struct frame_def *d = &messages.defs[i];
		_Alignas(16) char msg[512] = { 0 };
		uint8_t out[FRAME_MAX], from = 0, to = 0;
		struct wr w = wr_mem(out, sizeof(out));
		struct frame f = { .fds = { -1, -1, -1, -1 } };
		int fds[FRAME_FDS_MAX];
		unsigned n;

		assert_true(d->size <= sizeof(msg));
		while ((d->from & 1U << from) == 0)
			from++;
		while ((d->to & 1U << to) == 0)
			to++;
		assert_int_equal(frame_write(d, from, to, msg, &w, fds, &n), 0);
		assert_int_equal(frame_head(&messages, bytes(&w), n, &f), 0);
		assert_ptr_equal(f.def, d);
		assert_int_equal(frame_read(&f, msg), 0);
		/* All that is longer or shorter is refused. */
		for (size_t k = 0; k < w.len; k++)
			assert_int_equal(frame_head(&messages,
			    (struct sv){ (char *)out, k }, n, &f), -EBADMSG);
		assert_int_equal(frame_head(&messages, bytes(&w), n + 1, &f), -EBADMSG);
	}
}

/* No number twice, no name twice, each field within its struct. */
static void
table_is_sound(void **state UNUSED)
{
	for (unsigned i = 0; i < messages.n_defs; i++) {
		const struct frame_def *d = &messages.defs[i];

		assert_true(d->from != 0 && d->to != 0);
		for (unsigned k = 0; k < i; k++) {
			assert_int_not_equal(d->type, messages.defs[k].type);
			assert_string_not_equal(d->name, messages.defs[k].name);
		}
		for (unsigned k = 0; k < d->n_fields; k++) {
			assert_true(d->fields[k].offset < d->size);
			if (d->fields[k].type == FRAME_STR || d->fields[k].type == FRAME_BYTES)
				assert_in_range(d->fields[k].max, 1, FRAME_MAX - 64);
		}
	}
}

/* Who may say what to whom. */
static void
routes_are_checked(void **state UNUSED)
{
	static const struct {
		enum msg_type	type;
		enum role_id	from, to;
		int		rc;
	} t[] = {
		{ MSG_ready, ROLE_RTR, ROLE_PARENT, 0 },
		{ MSG_ready, ROLE_RTR, ROLE_STORE, -EBADMSG },
		{ MSG_shutdown, ROLE_WEB, ROLE_STORE, -EBADMSG },
		{ MSG_shutdown, ROLE_PARENT, ROLE_STORE, 0 },
		{ MSG_snapshot_ask, ROLE_RTR, ROLE_STORE, 0 },
		{ MSG_snapshot_ask, ROLE_STORE, ROLE_RTR, -EBADMSG },
		{ MSG_validate_now, ROLE_WEB, ROLE_VALIDATE, -EBADMSG },
		{ MSG_ready, ROLE_MAX, ROLE_PARENT, -EBADMSG },
		{ MSG_ready, ROLE_RTR, ROLE_MAX, -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		uint8_t out[64];
		struct wr w = wr_mem(out, sizeof(out));
		struct frame f;
		bool ask = t[i].type == MSG_snapshot_ask;

		wr_be16(&w, (uint16_t)t[i].type);
		wr_u8(&w, (uint8_t)t[i].from);
		wr_u8(&w, (uint8_t)t[i].to);
		wr_be32(&w, ask ? 4 : 0);
		if (ask)
			wr_be32(&w, 1);
		assert_int_equal(frame_head(&messages, bytes(&w), 0, &f), t[i].rc);
	}
}

static void
bad_fields(void **state UNUSED)
{
	static const struct {
		const char	*what;
		uint32_t	 len;
		const char	*text;
		size_t		 n;
	} t[] = {
		{ "longer than the frame", 9, "12345678", 8 },
		{ "shorter: something is left", 7, "12345678", 8 },
		{ "a NUL", 3, "a\0b", 3 },
		{ "beyond its maximum", 3000, NULL, 3000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		uint8_t out[4096] = { 0 };
		struct wr w = wr_mem(out, sizeof(out));
		struct msg_log m;
		struct frame f = { 0 };
		char *text = calloc(1, t[i].n);

		memset(text, 'x', t[i].n);
		wr_be16(&w, MSG_log);
		wr_u8(&w, ROLE_RTR);
		wr_u8(&w, ROLE_PARENT);
		wr_be32(&w, (uint32_t)(4 + 4 + t[i].n));
		wr_be32(&w, 1);
		wr_be32(&w, t[i].len);
		wr_bytes(&w, t[i].text != NULL ? t[i].text : text, t[i].n);
		assert_int_equal(frame_head(&messages, bytes(&w), 0, &f), 0);
		assert_int_equal(frame_read(&f, &m), -EBADMSG);
		free(text);
	}
}

static void
too_big_to_write(void **state UNUSED)
{
	uint8_t out[FRAME_MAX];
	struct wr w = wr_mem(out, sizeof(out));
	char *text = calloc(1, 4001);
	struct msg_store_conf m = { .state = { text, 4001 } };
	int fds[FRAME_FDS_MAX];
	unsigned n;

	memset(text, 'x', 4001);
	assert_int_equal(frame_write(message_def(MSG_store_conf), ROLE_PARENT,
	    ROLE_STORE, &m, &w, fds, &n), -E2BIG);
	m.state = (struct sv){ "a\0b", 3 };
	w = wr_mem(out, sizeof(out));
	assert_int_equal(frame_write(message_def(MSG_store_conf), ROLE_PARENT,
	    ROLE_STORE, &m, &w, fds, &n), -E2BIG);
	free(text);
}

/* --- channels --- */

struct side {
	struct loop	*loop;
	unsigned	 n, stop_at;
	int		 closed;
	int		 rc;		/* of the frame function */
	int		 fd;
};

static int
side_frame(void *arg, struct frame *f)
{
	struct side *s = arg;

	if (f->def->type == MSG_objects) {
		struct msg_objects m;

		assert_int_equal(frame_read(f, &m), 0);
		s->fd = m.lines;
	}
	if (++s->n == s->stop_at)
		loop_stop(s->loop);
	return s->rc;
}

static void
side_closed(void *arg, int rc)
{
	struct side *s = arg;

	s->closed = rc;
	loop_stop(s->loop);
}

static void
pair(int sv[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, sv), 0);
}

/* More than the socket holds: queued, in order, all of it arrives. */
static void
queue(void **state UNUSED)
{
	struct side a = { .loop = loop_new(), .fd = -1 };
	struct side b = { .loop = a.loop, .stop_at = 300, .fd = -1 };
	static char text[16000];
	struct msg_status_answer m = { .id = 1, .json = { text, sizeof(text) } };
	struct chan *ca, *cb;
	int sv[2];

	memset(text, 'x', sizeof(text));
	pair(sv);
	ca = chan_new(a.loop, sv[0], &messages, side_frame, side_closed, &a);
	cb = chan_new(a.loop, sv[1], &messages, side_frame, side_closed, &b);
	for (int i = 0; i < 300; i++)
		assert_int_equal(chan_send(ca, message_def(MSG_status_answer), ROLE_RTR,
		    ROLE_PARENT, &m), 0);
	assert_false(chan_idle(ca));
	loop_run(a.loop);
	assert_int_equal(b.n, 300);
	chan_free(ca);
	chan_free(cb);
	loop_free(a.loop);
}

/* A peer that does not read costs bounded memory. */
static void
queue_is_bounded(void **state UNUSED)
{
	struct side a = { .loop = loop_new() };
	static char text[16000];
	struct msg_status_answer m = { .id = 1, .json = { text, sizeof(text) } };
	struct chan *ca;
	int sv[2], rc = 0, n = 0;

	memset(text, 'x', sizeof(text));
	pair(sv);
	ca = chan_new(a.loop, sv[0], &messages, side_frame, side_closed, &a);
	while ((rc = chan_send(ca, message_def(MSG_status_answer), ROLE_RTR,
	    ROLE_PARENT, &m)) == 0)
		n++;
	assert_int_equal(rc, -ENOBUFS);
	assert_in_range(n, CHAN_QUEUE_MAX, CHAN_QUEUE_MAX + 100);
	chan_free(ca);
	close(sv[1]);
	loop_free(a.loop);
}

static void
descriptor(void **state UNUSED)
{
	struct side a = { .loop = loop_new(), .fd = -1 };
	struct side b = { .loop = a.loop, .stop_at = 1, .fd = -1 };
	struct chan *ca, *cb;
	int sv[2], p[2];
	char c = 0;

	pair(sv);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	ca = chan_new(a.loop, sv[0], &messages, side_frame, side_closed, &a);
	cb = chan_new(a.loop, sv[1], &messages, side_frame, side_closed, &b);
	assert_int_equal(chan_send(ca, message_def(MSG_objects), ROLE_VALIDATE, ROLE_STORE,
	    &(struct msg_objects){ .lines = p[0] }), 0);
	loop_run(a.loop);
	assert_true(b.fd >= 0 && b.fd != p[0]);
	assert_int_equal(write(p[1], "y", 1), 1);
	assert_int_equal(read(b.fd, &c, 1), 1);
	assert_int_equal(c, 'y');
	close(b.fd);
	close(p[0]);
	close(p[1]);
	chan_free(ca);
	chan_free(cb);
	loop_free(a.loop);
}

static unsigned
fds_open(void)
{
	unsigned n = 0;

	for (int i = 0; i < 256; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

/* Rubbish closes the channel, and no descriptor stays behind. */
static void
rubbish(void **state UNUSED)
{
	struct side a = { .loop = loop_new() };
	struct chan *ca;
	unsigned before;
	int sv[2];

	pair(sv);
	ca = chan_new(a.loop, sv[0], &messages, side_frame, side_closed, &a);
	before = fds_open();
	{
		union {
			char		buf[CMSG_SPACE(sizeof(int) * 3)];
			struct cmsghdr	align;
		} ctl = { { 0 } };
		struct iovec iov = { "rubbish!", 8 };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		    .msg_control = ctl.buf, .msg_controllen = sizeof(ctl.buf) };
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		int fds[3] = { 0, 1, 2 };

		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(h), fds, sizeof(fds));
		assert_int_equal(sendmsg(sv[1], &m, 0), 8);
	}
	loop_run(a.loop);
	assert_int_equal(a.closed, -EBADMSG);
	assert_int_equal(a.n, 0);
	assert_int_equal(fds_open(), before);
	assert_int_equal(chan_send(ca, message_def(MSG_ready), ROLE_RTR, ROLE_PARENT,
	    &(struct msg_ready){ 0 }), -EPIPE);
	chan_free(ca);
	close(sv[1]);
	loop_free(a.loop);
}

static void
peer_gone(void **state UNUSED)
{
	struct side a = { .loop = loop_new() };
	struct chan *ca;
	int sv[2];

	pair(sv);
	ca = chan_new(a.loop, sv[0], &messages, side_frame, side_closed, &a);
	close(sv[1]);
	loop_run(a.loop);
	assert_int_equal(a.closed, -EPIPE);
	chan_free(ca);
	loop_free(a.loop);
}

/* --- relaying --- */

/* A hub with three peers: raw sockets on their side, as a hostile one has them. */
struct hub {
	struct loop		*loop;
	struct loop_timer	*timer;
	struct chan		*chan[3];
	int			 fd[3];
	enum role_id		 id[3];
	unsigned		 n_waits;
};

struct hub_peer {
	struct hub	*hub;
	int		 no;
};

static int
hub_frame(void *arg, struct frame *f)
{
	struct hub_peer *p = arg;
	bool waits = false;

	for (int i = 0; i < 3; i++)
		if (p->hub->id[i] == f->to)
			assert_int_equal(chan_relay(p->hub->chan[p->no], p->hub->chan[i], f, &waits), 0);
	p->hub->n_waits += waits;
	return 0;
}

static void
hub_closed(void *arg UNUSED, int rc UNUSED)
{
}

static void
hub_timer(void *arg)
{
	loop_stop(((struct hub *)arg)->loop);
}

static void
hub_init(struct hub *h, struct hub_peer peers[static 3], enum role_id third)
{
	*h = (struct hub){ .loop = loop_new(), .id = { ROLE_VALIDATE, ROLE_STORE, third } };
	h->timer = loop_timer_add(h->loop, hub_timer, h);
	for (int i = 0; i < 3; i++) {
		int sv[2];

		pair(sv);
		h->fd[i] = sv[1];
		peers[i] = (struct hub_peer){ h, i };
		h->chan[i] = chan_new(h->loop, sv[0], &messages, hub_frame, hub_closed, &peers[i]);
	}
}

static void
hub_done(struct hub *h)
{
	for (int i = 0; i < 3; i++) {
		chan_free(h->chan[i]);
		close(h->fd[i]);
	}
	(void)loop_timer_del(h->timer);
	loop_free(h->loop);
}

/* What is possible now. */
static void
hub_turn(struct hub *h)
{
	(void)loop_timer_set(h->timer, 0);
	loop_run(h->loop);
}

/* One frame that begins with a number; false: the socket is full. */
static bool
peer_say(struct hub *h, int from, int to, enum msg_type type, uint32_t n)
{
	const struct frame_def *d = message_def((uint16_t)type);
	uint8_t out[64] = { 0 };
	uint32_t len = 0;

	for (unsigned i = 0; i < d->n_fields; i++)
		len += d->fields[i].type == FRAME_U32 ? 4 : 8;
	put_be32(out, (uint32_t)type << 16 | (uint32_t)h->id[from] << 8 | (uint32_t)h->id[to]);
	put_be32(out + 4, len);
	put_be32(out + 8, n);
	return send(h->fd[from], out, 8 + len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)(8 + len);
}

/* The sender and the number of the next frame; -1: there is none. */
static int64_t
peer_hear(struct hub *h, int at, uint8_t *ret_from)
{
	uint8_t in[FRAME_MAX];
	ssize_t n = recv(h->fd[at], in, sizeof(in), MSG_DONTWAIT);
	struct rd r = rd_mem(in + FRAME_HEAD, 4);

	if (n < FRAME_HEAD + 4)
		return -1;
	*ret_from = in[2];
	return rd_be32(&r);
}

#define MANY	3000U

/* As much as the socket takes, of so many. */
static void
peer_flood(struct hub *h, int from, int to, enum msg_type type, uint32_t *n, uint32_t most)
{
	while (*n < most && peer_say(h, from, to, type, *n))
		(*n)++;
}

/* Who floods waits; nothing of it is lost, and third ones are not behind all of it. */
static void
flood_waits(void **state UNUSED)
{
	struct hub_peer peers[3];
	uint32_t sent = 0, got = 0, third = 0;
	uint8_t from = 0;
	struct hub h;
	int64_t n;

	hub_init(&h, peers, ROLE_RTR);
	for (int i = 0; i < 60; i++) {
		peer_flood(&h, 0, 1, MSG_pin, &sent, MANY);
		hub_turn(&h);
	}
	assert_in_range(sent, CHAN_SHARE, MANY - 1);
	assert_int_equal(h.n_waits, 1);
	assert_true(chan_oldest(h.chan[1]) != 0);
	assert_true(peer_say(&h, 2, 1, MSG_snapshot_ask, 0));
	for (int i = 0; i < 4000 && got < MANY; i++) {
		hub_turn(&h);
		peer_flood(&h, 0, 1, MSG_pin, &sent, MANY);
		for (int k = 0; k < 50 && (n = peer_hear(&h, 1, &from)) >= 0; k++) {
			if (from == ROLE_RTR)
				third = got;
			else
				assert_int_equal(n, got++);
		}
	}
	assert_int_equal(got, MANY);
	assert_in_range(third, 1, 600);		/* what the socket held, and a share */
	assert_int_equal(chan_oldest(h.chan[1]), 0);
	hub_done(&h);
}

/* Who asks and does not read the answers: it is not read, and who answers is. */
static void
unread(uint32_t most, int pause)
{
	struct hub_peer peers[3];
	uint32_t sent = 0, heard = 0, answered = 0;
	uint8_t from;
	struct hub h;
	int64_t n;

	hub_init(&h, peers, ROLE_FETCH);
	for (int i = 0; i < 300; i++) {
		peer_flood(&h, 0, 1, MSG_pin, &sent, most);
		hub_turn(&h);
		while (peer_hear(&h, 1, &from) >= 0)
			heard++;
		while (i % pause == 0 && answered < heard && peer_say(&h, 1, 0, MSG_pinned, answered))
			answered++;
	}
	assert_in_range(sent, CHAN_SHARE, MANY - 1);
	assert_true(chan_oldest(h.chan[0]) != 0);
	for (uint32_t i = 0; i < 3 * CHAN_SHARE; i++) {
		assert_true(peer_say(&h, 1, 2, MSG_batch_done, i));
		hub_turn(&h);
		assert_int_equal(peer_hear(&h, 2, &from), i);
		assert_int_equal(from, ROLE_STORE);
	}
	/* It reads at last: all answers are there. */
	for (uint32_t i = 0; i < answered; i++) {
		for (int k = 0; k < 20 && (n = peer_hear(&h, 0, &from)) < 0; k++)
			hub_turn(&h);
		assert_int_equal(n, i);
	}
	hub_turn(&h);
	assert_true(chan_oldest(h.chan[0]) == 0);
	hub_done(&h);
}

static void
answers_unread(void **state UNUSED)
{
	unread(MANY, 1);
	unread(900, 30);	/* … of one who reads all of it first, and answers late */
	unread(800, 1);		/* … and asks nothing more, once it is behind */
}

/* Two that flood each other and read go on, both. */
static void
both_flood(void **state UNUSED)
{
	struct hub_peer peers[3];
	uint32_t sent[2] = { 0 }, got[2] = { 0 };
	uint8_t from;
	struct hub h;
	int64_t n;

	hub_init(&h, peers, ROLE_RTR);
	for (int i = 0; i < 8000 && got[0] + got[1] < 2 * MANY; i++) {
		peer_flood(&h, 0, 1, MSG_pin, &sent[0], MANY);
		peer_flood(&h, 1, 0, MSG_pinned, &sent[1], MANY);
		hub_turn(&h);
		for (int at = 0; at < 2; at++)
			for (int k = 0; k < 20 && (n = peer_hear(&h, at, &from)) >= 0; k++)
				assert_int_equal(n, got[at]++);
	}
	assert_int_equal(got[0], MANY);
	assert_int_equal(got[1], MANY);
	hub_done(&h);
}

/* Two that flood each other and do not read: bounded, and seen. */
static void
nobody_reads(void **state UNUSED)
{
	struct hub_peer peers[3];
	uint32_t sent[2] = { 0 };
	struct hub h;

	hub_init(&h, peers, ROLE_RTR);
	for (int i = 0; i < 200; i++) {
		peer_flood(&h, 0, 1, MSG_pin, &sent[0], MANY);
		peer_flood(&h, 1, 0, MSG_pinned, &sent[1], MANY);
		hub_turn(&h);
	}
	assert_in_range(sent[0], CHAN_SHARE, MANY - 1);
	assert_in_range(sent[1], CHAN_SHARE, MANY - 1);
	assert_true(chan_oldest(h.chan[0]) != 0 && chan_oldest(h.chan[1]) != 0);
	hub_done(&h);
}

/* Who waited for one that has ended is read again. */
static void
receiver_ends(void **state UNUSED)
{
	struct hub_peer peers[3];
	uint32_t sent = 0, before;
	struct hub h;
	int sv[2];

	hub_init(&h, peers, ROLE_RTR);
	for (int i = 0; i < 200; i++) {
		peer_flood(&h, 0, 1, MSG_pin, &sent, MANY);
		hub_turn(&h);
	}
	assert_int_equal(h.n_waits, 1);
	before = sent;
	chan_free(h.chan[1]);
	close(h.fd[1]);
	pair(sv);
	h.fd[1] = sv[1];
	h.chan[1] = chan_new(h.loop, sv[0], &messages, hub_frame, hub_closed, &peers[1]);
	for (int i = 0; i < 1000 && sent < MANY; i++) {
		peer_flood(&h, 0, 1, MSG_pin, &sent, MANY);
		hub_turn(&h);
		while (peer_hear(&h, 1, &(uint8_t){ 0 }) >= 0)
			;
	}
	assert_true(before < MANY && sent == MANY);
	hub_done(&h);
}

/*
 * It said much and ended, while we had something for it that it never read:
 * all that it said is heard, also when writing to it has failed already.
 */
static void
last_words(void **state UNUSED)
{
	for (int i = 0; i < 2; i++) {
		bool failed = i == 1;
		struct side a = { .loop = loop_new() }, b = { .loop = a.loop };
		struct msg_log m = { .level = 1, .text = SV("why I end") };
		struct chan *ca, *cb;
		unsigned n = 0;
		int sv[2];

		pair(sv);
		ca = chan_new(a.loop, sv[0], &messages, side_frame, side_closed, &a);
		cb = chan_new(b.loop, sv[1], &messages, side_frame, side_closed, &b);
		while (chan_idle(ca))
			assert_int_equal(chan_send(ca, message_def(MSG_validate_now), ROLE_PARENT,
			    ROLE_VALIDATE, &(struct msg_validate_now){ 0 }), 0);
		for (; n < 100; n++)	/* more than one burst */
			assert_int_equal(chan_send(cb, message_def(MSG_log), ROLE_VALIDATE,
			    ROLE_PARENT, &m), 0);
		assert_true(chan_idle(cb));
		chan_free(cb);
		if (failed)
			loop_run(a.loop);
		assert_true(!failed || a.closed < 0);
		chan_rest(ca);
		assert_int_equal(a.n, n);
		chan_rest(ca);
		assert_int_equal(a.n, n);
		chan_free(ca);
		loop_free(a.loop);
	}
}

TESTS_MAIN("sys/frame", T(round_trip), T(every_message), T(table_is_sound),
    T(routes_are_checked), T(bad_fields), T(too_big_to_write), T(queue),
    T(queue_is_bounded), T(descriptor), T(rubbish), T(peer_gone), T(flood_waits),
    T(answers_unread), T(both_flood), T(nobody_reads),
    T(receiver_ends), T(last_words))
