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

#include "base/ip.h"
#include "base/sv.h"
#include "base/util.h"

#define TCP_TEXT_MAX	80	/* "[" address "%" interface "]:" port */
#define TCP_MD5_MAX	80	/* bytes of a secret: TCP_MD5SIG_MAXKEYLEN */

/* One end of a connection: where we listen, who connected. */
struct tcp_name {
	char		 text[TCP_TEXT_MAX];
	struct ip_prefix addr;	/* a host; IPv4-mapped IPv6 is IPv4; af 0: unknown */
};

/* Who must sign with what (RFC 2385); len 0: nothing. */
struct tcp_secret {
	struct ip_prefix peers;
	uint8_t		 len;
	char		 key[TCP_MD5_MAX];
};

/* -EINVAL: not an address; else the system's code. */
int	 tcp_listen(const char *address, int *ret_fd, struct tcp_name *ret) MUST_USE;
/* The same with secrets that count before the first connection is taken. */
int	 tcp_listen_md5(const char *address, const struct tcp_secret *, size_t n, int *ret_fd,
	    struct tcp_name *ret) MUST_USE;
/*
 * -EAGAIN: nobody is waiting. keepalive finds routers that vanished; the
 * kernel sends at once what we give it (we write whole answers), and takes
 * no more than 128 kB ahead of what the peer's window lets it send.
 */
int	 tcp_accept(int fd, int *ret_fd, struct tcp_name *ret) MUST_USE;
/* Resolve and connect, waiting at most msec. -EHOSTUNREACH: no such host. */
int	 tcp_connect(const char *address, int msec, int *ret_fd) MUST_USE;
/* The same with every segment signed (RFC 2385); an empty secret: not signed. */
int	 tcp_connect_md5(const char *address, int msec, struct sv secret, int *ret_fd) MUST_USE;

/*
 * Begin to connect to a host; nothing is looked up and nothing waits. When the socket can
 * be written, tcp_dialled() says what came of it.
 */
int	 tcp_dial(const struct ip_prefix *host, uint16_t port, int *ret_fd) MUST_USE;
int	 tcp_dialled(int fd) MUST_USE;

/* For sys/: between texts, hosts and what the kernel takes. */
struct sockaddr_storage;
struct ip_prefix tcp_host_of(const struct sockaddr_storage *);
/* The same of what a library gives, NULL or of another family: af 0. */
struct sockaddr;
struct ip_prefix tcp_host_from(const struct sockaddr *);
void	 tcp_name_of(const struct sockaddr_storage *, unsigned len, struct tcp_name *ret);
int	 tcp_address(const char *, struct sockaddr_storage *ret, unsigned *ret_len) MUST_USE;
unsigned tcp_address_of(const struct ip_prefix *host, uint16_t port, struct sockaddr_storage *ret);

/*
 * From now on the kernel drops what comes from these addresses without this
 * signature (RFC 2385), and signs what goes there; an empty secret ends that
 * (-ENOENT: there was none). On a listening socket it is for connections to
 * come. Linux only; no privilege is needed. -EAFNOSUPPORT: the socket is of
 * the other family.
 */
int	 tcp_md5(int fd, const struct tcp_secret *) MUST_USE;
/* All of them, without those of another family than the socket's. */
int	 tcp_md5_all(int fd, const struct tcp_secret *, size_t n) MUST_USE;
/* Have room for so many open descriptors, as far as the system lets us. */
void	 tcp_files(unsigned n);

/* Until there is something to read (or room to write), or -ETIMEDOUT. */
int	 tcp_wait(int fd, bool to_write, int msec) MUST_USE;
/* Bytes, 0 at the end, -EAGAIN, or the code of the socket. */
long	 tcp_read(int fd, void *, size_t);
/* Octets that the other side's system has had of us; 0: ours does not say. (net_tcp_info.c) */
uint64_t tcp_taken(int fd);
/* Bytes sent, -EAGAIN …; more: what follows may share a packet. */
long	 tcp_write(int fd, const void *, size_t, bool more);
/* From a file or memfd at *off, which moves on; never more than n. */
long	 tcp_sendfile(int fd, int from, int64_t *off, size_t n);
/* No more will be sent; the peer reads what is there, then the end. */
void	 tcp_finish(int fd);
/* Close at once, throwing away what the peer did not take. */
void	 tcp_abort(int *fd);

#endif
