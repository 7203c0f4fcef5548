/* Questions to name servers; see net/dnsask.h. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/rd.h"
#include "net/dnsask.h"
#include "sys/file.h"

struct dnsask_talk {
	struct dnsask		*a;
	struct dnsask_talk	*next;		/* free ones */
	struct dnsask_question	 q;
	struct loop_timer	*timer;		/* made once for each place */
	struct loop_io		*io;
	int			 fd;		/* -1: this place is free */
	bool			 connected;
	bool			 again;		/* not the first question of this connection */
	bool			 more;		/* dnsask_more() was called */
	unsigned		 n_strays;	/* UDP: what was not the answer */
	uint8_t			 out[2 + DNSASK_MESSAGE_MAX];
	size_t			 out_len, out_done;
	uint8_t			 head[2];	/* TCP: length */
	uint8_t			*in;
	size_t			 in_len, in_done;	/* head included */
};

struct dnsask {
	struct loop		*loop;
	unsigned		 max, n_busy, n_map;
	struct dnsask_talk	*talks, *free;
	struct {
		struct ip_prefix	from;
		struct dnsask_to	to;
	} map[DNSASK_MAP_MAX];
	uint8_t			 room[65536];	/* a datagram */
};

/* --- addresses --- */

const char *
dnsask_to_str(const struct dnsask_to *to, char dst[static DNSASK_TO_STRLEN])
{
	char addr[IP_ADDR_STRLEN];
	bool v6 = to->addr.af == IP_V6;

	(void)ip_addr_str(to->addr.addr, to->addr.af, addr);
	if (to->port == DNSASK_PORT)
		(void)snprintf(dst, DNSASK_TO_STRLEN, "%s", addr);
	else
		(void)snprintf(dst, DNSASK_TO_STRLEN, "%s%s%s:%u", v6 ? "[" : "", addr,
		    v6 ? "]" : "", to->port);
	return dst;
}

static int
host_parse(struct sv s, struct ip_prefix *ret)
{
	return sv_find(s, '/') < s.n ? -EINVAL : ip_prefix_parse_host(s, ret);
}

int
dnsask_to_parse(struct sv s, struct dnsask_to *ret)
{
	struct dnsask_to to = { .port = DNSASK_PORT };
	size_t colon = sv_rfind(s, ':');
	struct sv host = sv_take(s, colon);
	uint32_t port;

	if (host_parse(s, &to.addr) == 0) {
		*ret = to;
		return 0;
	}
	if (colon == s.n || num_u32(sv_skip(s, colon + 1), 1, 65535, &port) < 0)
		return -EINVAL;
	to.port = (uint16_t)port;
	if (sv_starts(host, SV("[")) && sv_ends(host, SV("]"))) {
		host = sv_skip(sv_take(host, host.n - 1), 1);
		if (host_parse(host, &to.addr) < 0 || to.addr.af != IP_V6)
			return -EINVAL;
	} else if (host_parse(host, &to.addr) < 0 || to.addr.af != IP_V4)
		return -EINVAL;
	*ret = to;
	return 0;
}

/* RFC 1122 section 3.2.1.3, RFC 4291 sections 2.5 and 2.7; IPv4 in IPv6 is no place of its own. */
bool
dnsask_addr_is_place(const struct ip_prefix *a)
{
	static const char *const not[] = { "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16",
		"224.0.0.0/3", "::/96", "::ffff:0:0/96", "fe80::/10", "ff00::/8" };
	struct ip_prefix p;

	for (size_t i = 0; i < ARRAY_LEN(not); i++)
		if (ip_prefix_parse(sv_str(not[i]), &p) == 0 && ip_prefix_covers(&p, a))
			return false;
	return a->af != 0;
}

int
dnsask_map_parse(struct sv line, struct ip_prefix *ret_from, struct dnsask_to *ret)
{
	struct sv from = sv_cut(&line, '=');

	return host_parse(sv_trim(from), ret_from) < 0 ? -EINVAL : dnsask_to_parse(sv_trim(line), ret);
}

int
dnsask_map_add(struct dnsask *a, struct sv line)
{
	if (a->n_map == DNSASK_MAP_MAX)
		return SE_LIMIT;
	if (dnsask_map_parse(line, &a->map[a->n_map].from, &a->map[a->n_map].to) < 0)
		return -EINVAL;
	a->n_map++;
	return 0;
}

static const struct dnsask_to *
map_find(const struct dnsask *a, const struct ip_prefix *host)
{
	for (unsigned i = 0; i < a->n_map; i++)
		if (ip_prefix_cmp(&a->map[i].from, host) == 0)
			return &a->map[i].to;
	return NULL;
}

bool
dnsask_is_mapped(const struct dnsask *a, const struct ip_prefix *host)
{
	return map_find(a, host) != NULL;
}

static socklen_t
sockaddr_of(const struct dnsask_to *to, struct sockaddr_storage *ret)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(to->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(to->port) };

	if (to->addr.af == IP_V4) {
		memcpy(&v4.sin_addr, to->addr.addr, 4);
		memcpy(ret, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(&v6.sin6_addr, to->addr.addr, 16);
	memcpy(ret, &v6, sizeof(v6));
	return sizeof(v6);
}

/* --- life of an exchange --- */

static void	on_io(void *arg, int fd, unsigned what);
static void	on_time(void *arg);

static void
conn_close(struct dnsask_talk *t)
{
	t->io = loop_io_del(t->io);
	fd_close(&t->fd);
	t->fd = -1;
	t->connected = false;
}

static void
in_reset(struct dnsask_talk *t)
{
	free(t->in);
	t->in = NULL;
	t->in_len = t->in_done = 0;
}

static void
talk_release(struct dnsask_talk *t)
{
	loop_timer_stop(t->timer);
	conn_close(t);
	in_reset(t);
	t->next = t->a->free;
	t->a->free = t;
	t->a->n_busy--;
}

/* "No route" is what the kernel says at once, not what some router says later. */
static int
no_route(int err, bool v6)
{
	if (err == ENETUNREACH || err == EAFNOSUPPORT || (v6 && err == EADDRNOTAVAIL))
		return -ENETUNREACH;
	return -err;
}

static int
conn_open(struct dnsask_talk *t)
{
	const struct dnsask_to *mapped = map_find(t->a, &t->q.to.addr);
	const struct dnsask_to *to = mapped != NULL ? mapped : &t->q.to;
	int kind = t->q.tcp ? SOCK_STREAM : SOCK_DGRAM, on = 1;
	bool v6 = to->addr.af == IP_V6;
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_of(to, &ss);

	t->fd = socket(v6 ? AF_INET6 : AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return no_route(errno, v6);
	if (t->q.tcp)
		(void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(t->fd, (const struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS)
		return no_route(errno, v6);
	t->connected = !t->q.tcp;
	t->out_done = 0;
	t->io = loop_io_add(t->a->loop, t->fd, LOOP_WRITE, on_io, t);
	return t->io == NULL ? -ENOMEM : 0;
}

static int
message_set(struct dnsask_talk *t, struct sv m)
{
	size_t prefix = t->q.tcp ? 2 : 0;

	if (m.n == 0 || m.n > DNSASK_MESSAGE_MAX)
		return SE_LIMIT;
	put_be16(t->out, (uint16_t)m.n);
	memcpy(t->out + prefix, m.p, m.n);
	t->out_len = prefix + m.n;
	t->out_done = 0;
	return 0;
}

int
dnsask_ask(struct dnsask *a, const struct dnsask_question *q, struct dnsask_talk **ret)
{
	struct dnsask_talk *t = a->free;
	int rc;

	if (t == NULL)
		return SE_LIMIT;
	if (t->timer == NULL && (t->timer = loop_timer_add(a->loop, on_time, t)) == NULL)
		return -ENOMEM;
	a->free = t->next;
	a->n_busy++;
	t->q = *q;
	t->again = t->more = false;
	t->n_strays = 0;
	if ((rc = message_set(t, q->message)) < 0 || (rc = conn_open(t)) < 0 ||
	    (rc = loop_timer_set(t->timer, (int64_t)q->msec * 1000)) < 0) {
		talk_release(t);
		return rc;
	}
	t->q.message = SV("");
	*ret = t;
	return 0;
}

int
dnsask_more(struct dnsask_talk *t, struct sv message)
{
	int rc;

	if (!t->q.tcp || (rc = message_set(t, message)) < 0)
		return -EINVAL;
	t->more = true;
	return 0;
}

void
dnsask_cancel(struct dnsask_talk *t)
{
	if (t != NULL && t->fd >= 0)
		talk_release(t);
}

unsigned
dnsask_busy(const struct dnsask *a)
{
	return a->n_busy;
}

/* The end, unless the callback has more to ask. */
static void
talk_done(struct dnsask_talk *t, int rc, struct sv answer)
{
	loop_timer_stop(t->timer);
	t->more = false;
	t->q.done(t->q.arg, rc == -ENETUNREACH ? -EHOSTUNREACH : rc, answer);
	if (!t->more || rc < 0 || loop_timer_set(t->timer, (int64_t)t->q.msec * 1000) < 0) {
		talk_release(t);
		return;
	}
	in_reset(t);
	t->again = true;
	(void)loop_io_set(t->io, LOOP_WRITE);
}

static void
on_time(void *arg)
{
	talk_done(arg, -ETIMEDOUT, SV(""));
}

/* A connection that was good for one answer may be closed before the next question. */
static void
conn_lost(struct dnsask_talk *t, int rc)
{
	if (t->again && t->in_done == 0) {
		t->again = false;
		conn_close(t);
		if (conn_open(t) == 0)
			return;
	}
	talk_done(t, rc, SV(""));
}

/* --- input and output --- */

static int
connect_result(int fd)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return -err;
}

static void
write_on(struct dnsask_talk *t)
{
	ssize_t n;
	int rc;

	if (!t->connected && (rc = connect_result(t->fd)) < 0) {
		conn_lost(t, rc);
		return;
	}
	t->connected = true;
	n = send(t->fd, t->out + t->out_done, t->out_len - t->out_done, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		conn_lost(t, -errno);
		return;
	}
	t->out_done += (size_t)n;
	if (t->out_done == t->out_len)
		(void)loop_io_set(t->io, LOOP_READ);
}

static void
datagram_read(struct dnsask_talk *t)
{
	ssize_t n = recv(t->fd, t->a->room, sizeof(t->a->room), 0);
	struct sv got = { (const char *)t->a->room, n > 0 ? (size_t)n : 0 };

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		talk_done(t, -errno, SV(""));
	else if (t->q.match(t->q.arg, got))
		talk_done(t, 0, got);
	else if (++t->n_strays == DNSASK_STRAYS_MAX)
		talk_done(t, SE_PEER, SV(""));
}

/* 0: there is more to come; 1: the answer is whole. */
static int
stream_take(struct dnsask_talk *t)
{
	bool head = t->in_done < sizeof(t->head);
	uint8_t *to = head ? t->head + t->in_done : t->in + (t->in_done - sizeof(t->head));
	size_t want = head ? sizeof(t->head) - t->in_done : t->in_len + sizeof(t->head) - t->in_done;
	ssize_t n = recv(t->fd, to, want, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return SE_CLOSED;
	t->in_done += (size_t)n;
	if (head && t->in_done == sizeof(t->head)) {
		t->in_len = (size_t)t->head[0] << 8 | t->head[1];
		if (t->in_len == 0)
			return SE_PEER;
		if ((t->in = malloc(t->in_len)) == NULL)
			return -ENOMEM;
	}
	return t->in != NULL && t->in_done == sizeof(t->head) + t->in_len;
}

static void
stream_read(struct dnsask_talk *t)
{
	int rc = stream_take(t);
	struct sv got = { (const char *)t->in, t->in_len };

	if (rc == 0)
		return;
	if (rc < 0)
		conn_lost(t, rc);
	else if (t->q.match(t->q.arg, got))
		talk_done(t, 0, got);
	else
		talk_done(t, SE_PEER, SV(""));
}

static void
on_io(void *arg, int fd UNUSED, unsigned what)
{
	struct dnsask_talk *t = arg;

	if ((what & LOOP_WRITE) != 0)
		write_on(t);
	else if (t->q.tcp)
		stream_read(t);
	else
		datagram_read(t);
}

/* --- all of them --- */

int
dnsask_new(struct loop *loop, unsigned max, struct dnsask **ret)
{
	struct dnsask *a = calloc(1, sizeof(*a));

	if (a == NULL || (a->talks = calloc(max, sizeof(*a->talks))) == NULL) {
		free(a);
		return -ENOMEM;
	}
	a->loop = loop;
	a->max = max;
	for (unsigned i = max; i > 0; i--) {
		struct dnsask_talk *t = &a->talks[i - 1];

		t->a = a;
		t->fd = -1;
		t->next = a->free;
		a->free = t;
	}
	*ret = a;
	return 0;
}

struct dnsask *
dnsask_free(struct dnsask *a)
{
	if (a == NULL)
		return NULL;
	for (unsigned i = 0; i < a->max; i++) {
		dnsask_cancel(&a->talks[i]);
		a->talks[i].timer = loop_timer_del(a->talks[i].timer);
	}
	free(a->talks);
	free(a);
	return NULL;
}
