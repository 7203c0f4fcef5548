/*
 * TCP sockets: all of them non-blocking and close-on-exec. Addresses are
 * texts, "192.0.2.1:323", "[2001:db8::1]:323", "localhost:8282"; port 0 asks
 * the kernel for a free one.
 */
#ifndef SYS_NET_TCP_H
#define SYS_NET_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

#define TCP_TEXT_MAX	80	/* "[" address "%" interface "]:" port */

/* The end of a text address: where we listen, who connected. */
struct tcp_name {
	char	text[TCP_TEXT_MAX];
};

/* -EINVAL: not an address; else the system's code. */
int	 tcp_listen(const char *address, int *ret_fd, struct tcp_name *ret) MUST_USE;
/*
 * -EAGAIN: nobody is waiting. keepalive finds routers that vanished; the
 * kernel sends at once what we give it (we write whole answers).
 */
int	 tcp_accept(int fd, int *ret_fd, struct tcp_name *ret) MUST_USE;
/* Resolve and connect, waiting at most msec. -EHOSTUNREACH: no such host. */
int	 tcp_connect(const char *address, int msec, int *ret_fd) MUST_USE;

/* Until there is something to read (or room to write), or -ETIMEDOUT. */
int	 tcp_wait(int fd, bool to_write, int msec) MUST_USE;
/* Bytes, 0 at the end, -EAGAIN, or the code of the socket. */
long	 tcp_read(int fd, void *, size_t);
/* Bytes sent, -EAGAIN …; more: what follows may share a packet. */
long	 tcp_write(int fd, const void *, size_t, bool more);
/* From a file or memfd at *off, which moves on; never more than n. */
long	 tcp_sendfile(int fd, int from, int64_t *off, size_t n);
/* No more will be sent; the peer reads what is there, then the end. */
void	 tcp_finish(int fd);
/* Close at once, throwing away what the peer did not take. */
void	 tcp_abort(int *fd);

#endif
