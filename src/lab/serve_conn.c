/*
 * One connection: bytes from TCP (through TLS) into a head, an answer's bytes
 * out, as fast or slow as the rules say. While an answer is under way nothing
 * is read; TCP holds the client back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "lab/serve.h"
#include "sys/clock.h"
#include "sys/file.h"

#define OUT_MAX		(32 * 1024)	/* plain bytes made and not yet sent */
#define RAW_MAX		(8 * 1024)	/* bytes from TCP at a time */
#define TURN_MAX	(512 * 1024)	/* for one client before the next has its turn */
#define ACCEPT_TURN	64
#define BURST_MSEC	100		/* slow answers come in drops of a tenth of a second */

struct serve_conn {
	struct serve_host	*host;
	struct serve_conn	*next, **prev;
	int			 fd;
	struct loop_io		*io;
	struct loop_timer	*timer;		/* for slow answers */
	struct tls		*tls;		/* NULL: plain */
	int64_t			 moved_usec;	/* when something last moved */
	int64_t			 until_usec;	/* of one that says nothing; 0: it talks */
	struct serve_strike	 mute;		/* tls-stall, tls-garbage */
	uint64_t		 handshake_sent;
	char			 in[SERVE_HEAD_MAX];
	size_t			 in_len;
	uint8_t			 out[OUT_MAX];
	size_t			 out_at, out_len;
	struct serve_answer	 answer;
	bool			 busy;		/* an answer is under way */
	bool			 answer_end;	/* all of it is in out */
	size_t			 head_at;	/* of the answer's head, taken into out */
	uint64_t		 answer_sent;	/* bytes of it, for reset and cut */
	int64_t			 slow_usec;	/* until when the bytes sent so far have to last */
	bool			 leaving;	/* all is said */
};

static void	conn_pump(struct serve_conn *);

static void
conn_free(struct serve_conn *c, bool abort)
{
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	c->host->serve->n_conns--;
	c->io = loop_io_del(c->io);
	c->timer = loop_timer_del(c->timer);
	c->tls = tls_free(c->tls);
	serve_answer_done(&c->answer);
	if (abort)
		tcp_abort(&c->fd);
	else
		fd_close(&c->fd);
	free(c);
}

/* --- out: from the answer to the kernel --- */

/* Is this a byte that a rule slows down? */
static bool
slow_applies(const struct serve_conn *c)
{
	const struct serve_strike *k = &c->answer.send;
	bool in_head = c->answer_sent < c->answer.head.len;

	return k->on && k->b == (in_head ? SERVE_B_SLOW_HEAD : SERVE_B_SLOW_BODY);
}

/* Not yet: what was sent last has to do for a while. */
static bool
slow_now(const struct serve_conn *c)
{
	return c->out_at < c->out_len && slow_applies(c) && clock_mono_usec() < c->slow_usec;
}

/* Fill out[] from the answer. */
static int
out_fill(struct serve_conn *c)
{
	struct serve_answer *a = &c->answer;
	long got;

	c->out_at = 0;
	if (c->head_at < a->head.len) {
		c->out_len = min_size(OUT_MAX, a->head.len - c->head_at);
		memcpy(c->out, a->head.p + c->head_at, c->out_len);
		c->head_at += c->out_len;
		return 1;
	}
	if ((got = serve_body_read(&a->body, c->out, OUT_MAX)) < 0)
		return (int)got;
	c->out_len = (size_t)got;
	c->answer_end = got == 0;
	return 1;
}

/* reset and cut: true when the connection has come to its end. */
static bool
conn_broken_off(struct serve_conn *c)
{
	const struct serve_strike *k = &c->answer.send;

	if (!k->on || (k->b != SERVE_B_RESET && k->b != SERVE_B_CUT) || c->answer_sent < k->number)
		return false;
	conn_free(c, k->b == SERVE_B_RESET);
	return true;
}

/* How many bytes of out may go now. 0: none of these, or not before slow_usec. */
static size_t
out_share(const struct serve_conn *c)
{
	const struct serve_strike *k = &c->answer.send;
	size_t n = c->out_len - c->out_at;

	if (k->on && (k->b == SERVE_B_RESET || k->b == SERVE_B_CUT))
		return k->number - c->answer_sent < n ? (size_t)(k->number - c->answer_sent) : n;
	if (!slow_applies(c))
		return n;
	if (slow_now(c))
		return 0;
	return min_size(n, max_size(1, min_size((size_t)(k->number * BURST_MSEC / 1000), OUT_MAX)));
}

static void
out_sent(struct serve_conn *c, size_t n)
{
	uint64_t rate = c->answer.send.number;

	if (slow_applies(c))
		c->slow_usec = clock_mono_usec() +
		    (rate == 0 ? 3600000000ll : (int64_t)(n * 1000000 / rate));
	c->out_at += n;
	c->answer_sent += n;
	c->host->stat.bytes += n;
	c->moved_usec = clock_mono_usec();
}

/* Ciphertext to the kernel: 1 all gone, 0 later, <0 broken. */
static int
tls_flush(struct serve_conn *c)
{
	struct sv o;
	long n;

	while ((o = tls_out(c->tls)).n > 0) {
		if (c->mute.on && c->mute.b == SERVE_B_TLS_STALL) {
			if (c->handshake_sent >= c->mute.number)
				return 0;
			o.n = min_size(o.n, (size_t)(c->mute.number - c->handshake_sent));
		}
		if ((n = tcp_write(c->fd, o.p, o.n, false)) < 0)
			return n == -EAGAIN ? 0 : (int)n;
		c->handshake_sent += (size_t)n;
		c->moved_usec = clock_mono_usec();
		tls_sent(c->tls, (size_t)n);
	}
	return 1;
}

/* out[] to the kernel: 1 all gone, 0 later, <0 broken. */
static int
out_flush(struct serve_conn *c)
{
	size_t share;
	long n;
	int rc;

	for (;;) {
		if (c->tls != NULL && (rc = tls_flush(c)) <= 0)
			return rc;
		if ((share = out_share(c)) == 0)
			return slow_now(c) ? 0 : 1;
		n = c->tls != NULL ? tls_write(c->tls, c->out + c->out_at, share) :
		    tcp_write(c->fd, c->out + c->out_at, share, false);
		if (n == -EAGAIN)
			return c->tls == NULL || tls_out(c->tls).n > 0 ? 0 : -EIO;
		if (n < 0)
			return (int)n;
		out_sent(c, (size_t)n);
	}
}

/* The answer is out: wait for the next request, or leave. False: it is over. */
static bool
answer_end(struct serve_conn *c)
{
	bool close = c->answer.close;

	serve_answer_done(&c->answer);
	c->answer = (struct serve_answer){ .body = SERVE_BODY_INIT };
	c->busy = false;
	if (!close)
		return true;
	c->leaving = true;
	if (c->tls != NULL && tls_close(c->tls) == 0)
		(void)!tls_flush(c);
	tcp_finish(c->fd);
	(void)loop_io_set(c->io, LOOP_READ);
	return false;
}

/* --- in: from the kernel to an answer --- */

static int
answer_begin(struct serve_conn *c, struct sv head)
{
	struct serve_req req;

	if (head.n == 0)
		req = (struct serve_req){ .bad = 431, .if_modified_since = -1 };
	else
		serve_req_parse(head, &req);
	c->busy = true;
	c->answer_end = false;
	c->head_at = c->out_at = c->out_len = 0;
	c->answer_sent = 0;
	c->slow_usec = 0;
	return serve_answer_make(c->host, &req, &c->answer);
}

/* A complete head in in[] becomes an answer. 1: it does; 0: not yet; <0: broken. */
static int
request_next(struct serve_conn *c)
{
	size_t n = serve_head_len((struct sv){ c->in, c->in_len });
	int rc;

	if (n == 0 && c->in_len < sizeof(c->in))
		return 0;
	rc = answer_begin(c, (struct sv){ c->in, n });
	if (n == 0)
		n = c->in_len;
	memmove(c->in, c->in + n, c->in_len - n);
	c->in_len -= n;
	return rc < 0 ? rc : 1;
}

/* Plain bytes that TLS holds, as far as there is room. */
static int
tls_drain(struct serve_conn *c)
{
	long n;

	while (c->in_len < sizeof(c->in)) {
		n = tls_read(c->tls, c->in + c->in_len, sizeof(c->in) - c->in_len);
		if (n == -EAGAIN)
			return 0;
		if (n <= 0)
			return n == 0 ? SE_CLOSED : (int)n;
		c->in_len += (size_t)n;
	}
	return 0;
}

static int
tls_take(struct serve_conn *c, const uint8_t *p, size_t n)
{
	while (n > 0) {
		size_t took = tls_feed(c->tls, p, n);
		int rc = tls_drain(c);

		if (rc < 0) {
			if (rc == SE_PEER && tls_version(c->tls)[0] == '\0')
				c->host->stat.tls_failed++;
			(void)!tls_flush(c);	/* the alert says why */
			return rc;
		}
		if (took == 0)
			return -EPROTO;		/* it neither takes nor gives */
		p += took;
		n -= took;
	}
	return 0;
}

/* tls-garbage: whatever came, this is what comes back. */
static int
garbage_send(struct serve_conn *c)
{
	const struct sv text = SV("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nplain HTTP here\n");

	(void)tcp_write(c->fd, text.p, text.n, false);
	return SE_CLOSED;
}

/* 0, or the connection is over. */
static int
conn_take(struct serve_conn *c)
{
	uint8_t raw[RAW_MAX];
	size_t room = c->tls != NULL ? sizeof(raw) : min_size(sizeof(raw), sizeof(c->in) - c->in_len);
	long n = tcp_read(c->fd, raw, room);

	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return n == 0 ? SE_CLOSED : (int)n;
	c->moved_usec = clock_mono_usec();
	if (c->leaving || c->until_usec != 0)
		return 0;
	if (c->mute.on && c->mute.b == SERVE_B_TLS_GARBAGE)
		return garbage_send(c);
	if (c->tls != NULL)
		return tls_take(c, raw, (size_t)n);
	memcpy(c->in + c->in_len, raw, (size_t)n);
	c->in_len += (size_t)n;
	return 0;
}

/* --- both --- */

static void
conn_wait(struct serve_conn *c)
{
	bool pending = c->busy || (c->tls != NULL && tls_out(c->tls).n > 0);

	if (c->mute.on && c->mute.b == SERVE_B_TLS_STALL && c->handshake_sent >= c->mute.number)
		pending = false;
	if (slow_now(c)) {
		(void)loop_timer_set(c->timer, c->slow_usec - clock_mono_usec());
		(void)loop_io_set(c->io, 0);
	} else
		(void)loop_io_set(c->io, pending ? LOOP_WRITE : LOOP_READ);
}

/* One step; 1: go on; 0: wait; 2: the connection is gone. */
static int
pump_step(struct serve_conn *c)
{
	int rc = out_flush(c);

	if (rc > 0 && conn_broken_off(c))
		return 2;
	if (rc > 0 && c->busy)
		rc = c->answer_end ? 1 : out_fill(c);
	else if (rc > 0 && (rc = request_next(c)) == 0 && c->tls != NULL && (rc = tls_drain(c)) == 0)
		rc = c->in_len > 0 && serve_head_len((struct sv){ c->in, c->in_len }) > 0;
	if (rc < 0) {
		conn_free(c, false);
		return 2;
	}
	if (rc > 0 && c->busy && c->answer_end)
		return answer_end(c) ? 1 : 2;
	return rc;
}

static void
conn_pump(struct serve_conn *c)
{
	uint64_t before = c->host->stat.bytes;
	int rc;

	if (c->leaving || c->until_usec != 0)
		return;
	while ((rc = pump_step(c)) == 1)
		if (c->host->stat.bytes - before > TURN_MAX)
			break;
	if (rc < 2)
		conn_wait(c);
}

static void
conn_event(void *arg, int fd UNUSED, unsigned what)
{
	struct serve_conn *c = arg;

	if ((what & LOOP_READ) != 0 && conn_take(c) < 0) {
		conn_free(c, false);
		return;
	}
	conn_pump(c);
}

static void
conn_due(void *arg)
{
	conn_pump(arg);
}

/* --- life --- */

/* Certificates right or wrong, or none at all. */
static int
conn_tls(struct serve_conn *c)
{
	struct serve_host *h = c->host;
	struct tls_ctx *ctx = h->tls;
	struct serve_strike k;

	if (h->serve->conf.plain)
		return 0;
	k = serve_strike(h, SERVE_AT_TLS, (struct sv){ "", 0 }, SERVE_ANY);
	if (k.on && (k.b == SERVE_B_TLS_STALL || k.b == SERVE_B_TLS_GARBAGE))
		c->mute = k;
	else if (k.on)
		ctx = serve_tls_wrong(h->serve->ca, h, &k);
	if (ctx == NULL)
		return -ENOMEM;
	c->tls = tls_new(ctx, (struct sv){ "", 0 }, clock_now());
	return c->tls == NULL ? -ENOMEM : 0;
}

static struct serve_conn *
conn_new(struct serve_host *h, int fd)
{
	struct lab_serve *s = h->serve;
	struct serve_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->host = h;
	c->fd = fd;
	c->answer.body.fd = -1;
	c->moved_usec = clock_mono_usec();
	c->io = loop_io_add(s->loop, fd, LOOP_READ, conn_event, c);
	c->timer = loop_timer_add(s->loop, conn_due, c);
	c->next = s->conns;
	c->prev = &s->conns;
	if (s->conns != NULL)
		s->conns->prev = &c->next;
	s->conns = c;
	s->n_conns++;
	if (c->io == NULL || c->timer == NULL || conn_tls(c) < 0) {
		conn_free(c, true);
		return NULL;
	}
	return c;
}

void
serve_conn_accept(struct serve_host *h)
{
	struct lab_serve *s = h->serve;
	struct tcp_name name;

	for (unsigned i = 0; i < ACCEPT_TURN; i++) {
		struct serve_strike k;
		struct serve_conn *c;
		int fd;

		if (tcp_accept(h->fd[0], &fd, &name) < 0)
			return;
		h->stat.connections++;
		k = serve_strike(h, SERVE_AT_CONNECT, (struct sv){ "", 0 }, SERVE_ANY);
		if (s->n_conns >= SERVE_CONNS_MAX || (k.on && k.b == SERVE_B_CONN_RESET)) {
			tcp_abort(&fd);
			continue;
		}
		if ((c = conn_new(h, fd)) != NULL && k.on && k.b == SERVE_B_STALL)
			c->until_usec = clock_mono_usec() + (int64_t)k.number * 1000000;
	}
}

/* Each second: close what does not move, and those who have been mute long enough. */
void
serve_conns_tick(struct lab_serve *s)
{
	int64_t now = clock_mono_usec();

	for (struct serve_conn *c = s->conns, *next; c != NULL; c = next) {
		int64_t limit = c->mute.on || c->answer.send.on ? SERVE_MUTE_SEC : SERVE_IDLE_SEC;

		next = c->next;
		if (c->until_usec != 0 ? now >= c->until_usec :
		    now - c->moved_usec > limit * 1000000)
			conn_free(c, true);
	}
}

void
serve_conns_free(struct lab_serve *s)
{
	while (s->conns != NULL)
		conn_free(s->conns, true);
}
