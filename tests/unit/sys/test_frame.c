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

TESTS_MAIN("sys/frame", T(round_trip), T(every_message), T(table_is_sound),
    T(routes_are_checked), T(bad_fields), T(too_big_to_write), T(queue),
    T(queue_is_bounded), T(descriptor), T(rubbish), T(peer_gone))
