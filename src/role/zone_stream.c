#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "role/zone_stream.h"
#include "sys/file.h"
#include "sys/net_tcp.h"

int
zone_stream_init(struct zone_stream *s, int fd, size_t in_max, size_t out_max)
{
	*s = (struct zone_stream){ .fd = fd, .in_cap = in_max + 2, .out_cap = out_max };
	s->in = malloc(s->in_cap);
	s->out = malloc(out_max + 2);
	return s->in == NULL || s->out == NULL ? -ENOMEM : 0;
}

void
zone_stream_done(struct zone_stream *s)
{
	fd_close(&s->fd);
	free(s->in);
	free(s->out);
	s->in = s->out = NULL;
}

int
zone_stream_read(struct zone_stream *s)
{
	long n;

	if (s->in_at > 0) {
		s->in_len -= s->in_at;
		memmove(s->in, s->in + s->in_at, s->in_len);
		s->in_at = 0;
	}
	if (s->in_len == s->in_cap)
		return 0;
	n = tcp_read(s->fd, s->in + s->in_len, s->in_cap - s->in_len);
	if (n <= 0)
		return n == 0 ? -EPIPE : (int)n;
	s->in_len += (size_t)n;
	return 0;
}

int
zone_stream_next(struct zone_stream *s, struct sv *ret)
{
	struct rd r = rd_mem(s->in + s->in_at, s->in_len - s->in_at);
	size_t n = rd_be16(&r);

	if (r.bad)
		return 0;
	if (n + 2 > s->in_cap)
		return -E2BIG;
	*ret = rd_slice(&r, n);
	if (r.bad)
		return 0;
	s->in_at += n + 2;
	return 1;
}

uint8_t *
zone_stream_room(struct zone_stream *s)
{
	return s->out + 2;
}

void
zone_stream_put(struct zone_stream *s, size_t len)
{
	put_be16(s->out, (uint16_t)len);
	s->out_len = len + 2;
	s->out_at = 0;
}

int
zone_stream_flush(struct zone_stream *s)
{
	while (s->out_at < s->out_len) {
		long n = tcp_write(s->fd, s->out + s->out_at, s->out_len - s->out_at, false);

		if (n < 0)
			return (int)n;
		s->out_at += (size_t)n;
	}
	return 0;
}
