/*
 * To other name servers: questions by UDP and TCP, answered as zone_serve.c
 * says. A whole zone is sent a message at a time, whenever the socket takes
 * one, and a bounded number of them before the loop looks at others; the
 * version that is sent lives as long as that takes, so who is too slow goes.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/zone_role.h"
#include "role/zone_stream.h"
#include "sys/clock.h"
#include "sys/file.h"

#define LISTENERS_MAX	32
#define CONNS_MAX	256	/* secondaries have one or two each */
#define HOST_CONNS_MAX	32
#define QUESTION_MAX	4096	/* octets by TCP: names, a SOA, TSIG */
#define UDP_BATCH	64	/* questions before the loop looks at others */
#define SEND_BATCH	4	/* messages, the same */
#define IDLE_SEC	30	/* without a question, or without taking an octet */
#define SLOW_SEC	120	/* from when on it must have taken … */
#define SLOW_OCTETS	2000	/* … so many in each second */

struct conn {
	struct zone_server	*s;
	struct conn		*next, **prev;
	struct zone_stream	 stream;
	struct loop_io		*io;
	struct tcp_name		 name;
	struct zone_question	 q;
	bool			 busy;		/* q is being answered */
	int64_t			 since, moved;	/* of the answer; of the last octet: monotonic */
	uint64_t		 taken_first, taken;	/* tcp_taken(), then and when it moved */
};

struct place {
	struct zone_server	*s;
	struct loop_io		*io;
	int			 fd;
};

struct zone_server {
	struct zone_role	*zr;
	struct place		 places[LISTENERS_MAX];
	unsigned		 n_places;
	struct conn		*conns;
	unsigned		 n_conns;
	uint64_t		 n_questions, n_refused, n_dropped, n_octets;
	uint8_t			 in[DNS_MSG_MAX], out[DNS_MSG_MAX];	/* UDP */
};

/* --- UDP --- */

static void
udp_question(struct zone_server *s, int fd, size_t n, const struct udp_peer *from)
{
	struct zone_question q = { .zr = s->zr, .from = &from->addr, .udp = true };
	size_t len;

	s->n_questions++;
	if (zone_question_judge(&q, (struct sv){ (const char *)s->in, n })) {
		s->n_refused += q.rcode != 0;
		if (zone_question_answer(&q, s->out, sizeof(s->out), &len) == 1 &&
		    udp_answer(fd, s->out, len, from) == 0)
			s->n_octets += len;
	}
	zone_question_done(&q);
}

static void
udp_ready(void *arg, int fd, unsigned what UNUSED)
{
	struct place *p = arg;
	struct udp_peer from;
	long n;

	for (unsigned i = 0; i < UDP_BATCH; i++) {
		if ((n = udp_receive(fd, p->s->in, sizeof(p->s->in), &from)) < 0)
			return;
		udp_question(p->s, fd, (size_t)n, &from);
	}
}

/* --- TCP --- */

static void
conn_free(struct conn *c)
{
	struct zone_server *s = c->s;

	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	s->n_conns--;
	c->io = loop_io_del(c->io);
	zone_question_done(&c->q);
	zone_stream_done(&c->stream);
	free(c);
}

/* Messages of the answer until the socket is full: 1 when all was said; 0; negative. */
static int
conn_send(struct conn *c)
{
	size_t len;
	int rc;

	for (unsigned i = 0; i < SEND_BATCH; i++) {
		rc = zone_stream_flush(&c->stream);
		if (rc < 0)
			return rc == -EAGAIN ? 0 : rc;
		if (!c->busy)
			return 1;
		rc = zone_question_answer(&c->q, zone_stream_room(&c->stream), c->stream.out_cap, &len);
		if (rc < 0)
			return rc;
		c->busy = rc > 0 && c->q.out != NULL;
		if (rc == 0)
			continue;
		zone_stream_put(&c->stream, len);
		c->s->n_octets += len;
	}
	return 0;
}

/* 1: there was a question; 0: not yet; negative. */
static int
conn_question(struct conn *c)
{
	struct sv wire;
	int rc = zone_stream_next(&c->stream, &wire);

	if (rc <= 0)
		return rc;
	zone_question_done(&c->q);
	c->s->n_questions++;
	c->since = c->moved = clock_mono_usec();
	c->taken_first = c->taken = tcp_taken(c->stream.fd);
	if (!zone_question_judge(&c->q, wire))
		return -EBADMSG;
	c->s->n_refused += c->q.rcode != 0;
	c->busy = true;
	return 1;
}

/* Questions one after the other: the next is read when the last was answered. 1: there are more. */
static int
conn_work(struct conn *c)
{
	int rc;

	for (unsigned i = 0; i < SEND_BATCH; i++) {
		if ((rc = conn_send(c)) <= 0)
			return rc;
		zone_question_done(&c->q);	/* its version may go */
		if ((rc = conn_question(c)) <= 0)
			return rc;
	}
	return 1;
}

static void
conn_ready(void *arg, int fd UNUSED, unsigned what)
{
	struct conn *c = arg;
	int rc = 0;

	if ((what & LOOP_READ) != 0 && !c->busy)
		rc = zone_stream_read(&c->stream);
	if (rc == 0 || rc == -EAGAIN)
		rc = conn_work(c);
	if (rc < 0) {
		conn_free(c);
		return;
	}
	(void)loop_io_set(c->io, rc > 0 || c->busy || c->stream.out_at < c->stream.out_len ? LOOP_WRITE : LOOP_READ);
}

/* Who has waited longest without a question: of a host, or of all. NULL: all are being answered. */
static struct conn *
conn_idlest(struct zone_server *s, const struct ip_prefix *host)
{
	struct conn *found = NULL;

	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (!c->busy && (host == NULL || ip_prefix_cmp(&c->name.addr, host) == 0) &&
		    (found == NULL || c->moved < found->moved))
			found = c;
	return found;
}

/* Anybody may connect: who asks nothing makes room for who may. */
static bool
room_make(struct zone_server *s, const struct ip_prefix *host)
{
	struct conn *idle;
	unsigned n = 0;

	for (const struct conn *c = s->conns; c != NULL; c = c->next)
		n += ip_prefix_cmp(&c->name.addr, host) == 0;
	if (n < HOST_CONNS_MAX && s->n_conns < CONNS_MAX)
		return true;
	if ((idle = conn_idlest(s, n < HOST_CONNS_MAX ? NULL : host)) == NULL)
		return false;
	conn_free(idle);
	s->n_dropped++;
	return true;
}

static int
conn_new(struct zone_server *s, int fd, const struct tcp_name *name)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		fd_close(&fd);
		return -ENOMEM;
	}
	c->s = s;
	c->name = *name;
	c->q = (struct zone_question){ .zr = s->zr, .from = &c->name.addr };
	c->since = c->moved = clock_mono_usec();
	if (zone_stream_init(&c->stream, fd, QUESTION_MAX, DNS_MSG_MAX) < 0 ||
	    (c->io = loop_io_add(s->zr->role->loop, fd, LOOP_READ, conn_ready, c)) == NULL) {
		zone_stream_done(&c->stream);
		free(c);
		return -ENOMEM;
	}
	c->next = s->conns;
	c->prev = &s->conns;
	if (c->next != NULL)
		c->next->prev = &c->next;
	s->conns = c;
	s->n_conns++;
	return 0;
}

static void
tcp_ready(void *arg, int fd, unsigned what UNUSED)
{
	struct place *p = arg;
	struct tcp_name name;
	int c;

	for (unsigned i = 0; i < UDP_BATCH && tcp_accept(fd, &c, &name) == 0; i++) {
		if (room_make(p->s, &name.addr)) {
			if (conn_new(p->s, c, &name) < 0)
				return;
			continue;
		}
		p->s->n_dropped++;
		tcp_abort(&c);
	}
}

/* --- life --- */

/* Not what waits in our system's buffers: those empty in leaps, and hide who takes nothing. */
static bool
conn_is_slow(struct conn *c, int64_t now)
{
	uint64_t taken = tcp_taken(c->stream.fd);
	int64_t sec = (now - c->since) / 1000000;

	if (taken != c->taken) {
		c->taken = taken;
		c->moved = now;
	}
	if (now - c->moved > IDLE_SEC * INT64_C(1000000))
		return true;
	return c->busy && sec > SLOW_SEC && taken > 0 && (taken - c->taken_first) / (uint64_t)sec < SLOW_OCTETS;
}

void
zone_out_look(struct zone_role *zr)
{
	struct zone_server *s = zr->server;
	int64_t now = clock_mono_usec();

	for (struct conn *c = s->conns, *next; c != NULL; c = next) {
		next = c->next;
		if (!conn_is_slow(c, now))
			continue;
		if (c->busy) {
			s->n_dropped++;
			role_log(zr->role, LOG_LEVEL_WARN, "%s takes a zone too slowly, connection closed",
			    c->name.text);
		}
		conn_free(c);
	}
}

void
zone_out_json(const struct zone_role *zr, struct json *j)
{
	const struct zone_server *s = zr->server;

	json_key(j, "transfer");
	json_open(j, '{');
	json_kv_u64(j, "connections", s->n_conns);
	json_kv_u64(j, "questions", s->n_questions);
	json_kv_u64(j, "refused", s->n_refused);
	json_kv_u64(j, "dropped", s->n_dropped);
	json_kv_u64(j, "octets", s->n_octets);
	json_close(j, '}');
}

int
zone_out_init(struct zone_role *zr)
{
	if (zr->server != NULL)
		return 0;
	if ((zr->server = calloc(1, sizeof(*zr->server))) == NULL || (zr->seen = tsig_seen_new()) == NULL)
		return -ENOMEM;
	zr->server->zr = zr;
	return 0;
}

/* The socket is ours from then on. */
int
zone_out_listen(struct zone_role *zr, const struct msg_listen *m)
{
	struct zone_server *s = zr->server;
	struct place *p = &s->places[s->n_places];

	if (s->n_places == LISTENERS_MAX)
		return SE_LIMIT;
	*p = (struct place){ .s = s, .fd = m->sock };
	p->io = loop_io_add(zr->role->loop, p->fd, LOOP_READ, m->udp != 0 ? udp_ready : tcp_ready, p);
	if (p->io == NULL)
		return -ENOMEM;
	s->n_places++;
	return 0;
}
