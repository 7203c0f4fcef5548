/*
 * One connection to a peer, as bytes: over TCP as it is, or through a TLS
 * engine (crypto/tls.h) that its user gave it. RTR's server and client speak
 * through it and do not know which it is. The socket is non-blocking; -EAGAIN
 * says that the socket is to be waited for: to be readable, and to be
 * writable as well while link_flush() is not 1.
 *
 * Over TCP a body is a sendfile(); over TLS it is copied through one record's
 * room on the stack. Either way memory does not grow with what is sent.
 */
#ifndef APP_LINK_H
#define APP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "crypto/tls.h"

struct link {
	int		 fd;
	struct tls	*tls;		/* owned; NULL: TCP as it is */
	uint64_t	 n_sent, n_received;	/* on the wire */
};

#define LINK_INIT	{ .fd = -1 }

/*
 * Connect as a client and wait, at most msec, until plaintext may flow.
 * secret: of RFC 2385, empty: none. ctx NULL: TCP as it is; else name is whom
 * the certificate must be for (empty: the host of the address). Codes of
 * tcp_connect(), or SE_PEER when TLS failed: then the link is kept for
 * tls_why(). Whatever happens, link_done() it.
 */
struct link_dial {
	const char	*address;
	struct sv	 secret;
	struct tls_ctx	*ctx;
	struct sv	 name;
	int64_t		 now;		/* at which certificates are judged */
};
int	 link_dial(struct link *, const struct link_dial *, int msec) MUST_USE;
/*
 * Until a read may succeed (or, to_write, a write), at most msec; -EAGAIN:
 * woken early; -ETIMEDOUT.
 */
int	 link_wait(struct link *, bool to_write, int msec) MUST_USE;

/*
 * The handshake: 1 done (also over TCP), 0 wait, negative: SE_PEER (then
 * tls_why() says why; what we had to say is sent as far as possible) or the
 * code of the socket.
 */
int	 link_shake(struct link *);
/* Bytes, 0 at the end, -EAGAIN; SE_PEER when TLS failed; the code of the socket. */
long	 link_read(struct link *, void *, size_t n);
/* Bytes taken, -EAGAIN (offer the same again) …; more: what follows may share a packet. */
long	 link_write(struct link *, const void *, size_t n, bool more);
/* All of it, blocking: each wait takes at most msec. */
int	 link_write_all(struct link *, const void *, size_t n, int msec);
/* From a file or memfd at *off, which moves on; never more than n. */
long	 link_sendfile(struct link *, int from, int64_t *off, size_t n);
/* 1: the socket has all that was written; 0: wait for it to be writable. */
int	 link_flush(struct link *);
/* Could a read succeed although the socket is quiet? */
bool	 link_held(const struct link *);
/* No more will be sent; the peer reads what is there, then the end. */
void	 link_finish(struct link *);
/* Close; abort: throw away what the peer did not take. */
void	 link_done(struct link *, bool abort);

#endif
