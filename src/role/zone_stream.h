/* DNS messages over a TCP socket (RFC 1035 section 4.2.2): a length before each. */
#ifndef ROLE_ZONE_STREAM_H
#define ROLE_ZONE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

struct zone_stream {
	int	 fd;
	uint8_t	*in, *out;
	size_t	 in_cap, out_cap;
	size_t	 in_len, in_at;		/* what was read; what of it was taken */
	size_t	 out_len, out_at;
};

/* The largest message that is read has in_max octets. -ENOMEM. */
int	 zone_stream_init(struct zone_stream *, int fd, size_t in_max, size_t out_max) MUST_USE;
/* Closes. */
void	 zone_stream_done(struct zone_stream *);
/* More octets: 0; -EAGAIN, -EPIPE at the end, or the socket's code. */
int	 zone_stream_read(struct zone_stream *) MUST_USE;
/* 1 and the next message, valid until zone_stream_read(); 0; -E2BIG. */
int	 zone_stream_next(struct zone_stream *, struct sv *ret) MUST_USE;
/* Where a message is to be written (out_max octets), then how long it is. */
uint8_t	*zone_stream_room(struct zone_stream *);
void	 zone_stream_put(struct zone_stream *, size_t len);
/* 0: all has left; -EAGAIN; the socket's code. */
int	 zone_stream_flush(struct zone_stream *) MUST_USE;

#endif
