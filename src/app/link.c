#include "app/link.h"

#include <errno.h>

#include "base/err.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/net_tcp.h"
#include "sys/stream.h"

/* "host:port", "[2001:db8::1]:323": the host. */
static struct sv
host_of(const char *address)
{
	struct sv s = sv_str(address), h = sv_take(s, sv_rfind(s, ':'));

	if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = sv_take(sv_skip(h, 1), h.n - 2);
	return h;
}

static int
shake_wait(struct link *l, int64_t until)
{
	int rc = 0;

	while (rc == 0) {
		int64_t left = (until - clock_mono_usec()) / 1000;

		if ((rc = link_shake(l)) != 0)
			break;
		if (left <= 0)
			return -ETIMEDOUT;
		rc = link_wait(l, false, (int)left);
		rc = rc == -EAGAIN ? 0 : rc;
	}
	return rc < 0 ? rc : 0;
}

int
link_dial(struct link *l, const struct link_dial *d, int msec)
{
	int64_t until = clock_mono_usec() + (int64_t)msec * 1000;
	int rc;

	*l = (struct link)LINK_INIT;
	if ((rc = tcp_connect_md5(d->address, msec, d->secret, &l->fd)) < 0 || d->ctx == NULL)
		return rc;
	l->tls = tls_new(d->ctx, d->name.n > 0 ? d->name : host_of(d->address), d->now);
	return l->tls == NULL ? SE_SYNTAX : shake_wait(l, until);
}

int
link_wait(struct link *l, bool to_write, int msec)
{
	int rc = link_flush(l);

	if (rc < 0)
		return rc;
	if (!to_write && link_held(l))
		return 0;
	return tcp_wait(l->fd, to_write || rc == 0, msec);
}

int
link_flush(struct link *l)
{
	struct sv out;

	if (l->tls == NULL)
		return 1;
	while ((out = tls_out(l->tls)).n > 0) {
		long n = tcp_write(l->fd, out.p, out.n, false);

		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		tls_sent(l->tls, (size_t)n);
		l->n_sent += (uint64_t)n;
	}
	return 1;
}

/* From the socket into the engine. 1: something came; else as link_read(). */
static long
fill(struct link *l)
{
	uint8_t in[TLS_IN_MAX];
	size_t room = tls_room(l->tls);
	long n;

	if (room == 0)		/* it waits for room to answer */
		return -EAGAIN;
	n = tcp_read(l->fd, in, min_size(room, sizeof(in)));
	if (n < 0)
		return n;
	if (n == 0) {
		tls_feed_end(l->tls);
		return 1;
	}
	l->n_received += (uint64_t)n;
	return tls_feed(l->tls, in, (size_t)n) == (size_t)n ? 1 : SE_PEER;
}

int
link_shake(struct link *l)
{
	while (l->tls != NULL && tls_state(l->tls) == TLS_HANDSHAKE) {
		int sent = link_flush(l);
		long rc = sent < 0 ? sent : fill(l);

		if (rc == -EAGAIN)
			return 0;
		if (rc < 0)
			return (int)rc;
	}
	if (l->tls == NULL)
		return 1;
	/* Our last words of the handshake, or the alert. */
	if (link_flush(l) < 0 || tls_state(l->tls) == TLS_FAILED)
		return SE_PEER;
	return 1;
}

long
link_read(struct link *l, void *p, size_t n)
{
	long got, rc;

	if (l->tls == NULL) {
		got = tcp_read(l->fd, p, n);
		l->n_received += got > 0 ? (uint64_t)got : 0;
		return got;
	}
	while ((got = tls_read(l->tls, p, n)) == -EAGAIN) {
		if ((rc = link_flush(l)) < 0)
			return rc;
		if ((rc = fill(l)) < 0)
			return rc;
	}
	if (got == SE_PEER)
		(void)link_flush(l);	/* the alert */
	return got;
}

long
link_write(struct link *l, const void *p, size_t n, bool more)
{
	long sent;
	int rc;

	if (l->tls == NULL) {
		sent = tcp_write(l->fd, p, n, more);
		l->n_sent += sent > 0 ? (uint64_t)sent : 0;
		return sent;
	}
	if ((rc = link_flush(l)) <= 0)
		return rc == 0 ? -EAGAIN : rc;
	if ((sent = tls_write(l->tls, p, n)) < 0)
		return sent;
	rc = link_flush(l);
	return rc < 0 ? rc : sent;
}

int
link_write_all(struct link *l, const void *p, size_t len, int msec)
{
	const uint8_t *bytes = p;
	size_t at = 0;

	while (at < len) {
		long n = link_write(l, bytes + at, len - at, false);
		int rc = n == -EAGAIN ? link_wait(l, true, msec) : 0;

		if (n < 0 && n != -EAGAIN)
			return (int)n;
		if (rc < 0 && rc != -EAGAIN)
			return rc;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

long
link_sendfile(struct link *l, int from, int64_t *off, size_t n)
{
	uint8_t record[TLS_WRITE_MAX];
	long got, sent;
	int rc;

	if (l->tls == NULL) {
		sent = tcp_sendfile(l->fd, from, off, n);
		l->n_sent += sent > 0 ? (uint64_t)sent : 0;
		return sent;
	}
	/* Before reading: a peer that takes nothing shall cost no reading. */
	if ((rc = link_flush(l)) <= 0)
		return rc == 0 ? -EAGAIN : rc;
	if ((got = stream_read_at(from, *off, record, min_size(n, sizeof(record)))) <= 0)
		return got;
	if ((sent = link_write(l, record, (size_t)got, true)) > 0)
		*off += sent;
	return sent;
}

bool
link_held(const struct link *l)
{
	return l->tls != NULL && tls_pending(l->tls);
}

void
link_finish(struct link *l)
{
	if (l->tls != NULL) {
		(void)tls_close(l->tls);
		(void)link_flush(l);
	}
	tcp_finish(l->fd);
}

void
link_done(struct link *l, bool abort)
{
	l->tls = tls_free(l->tls);
	if (abort)
		tcp_abort(&l->fd);
	else
		fd_close(&l->fd);
}
