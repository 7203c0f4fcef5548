/*
 * UDP sockets: non-blocking and close-on-exec. A server answers from the
 * address that was asked, also where it is bound to all of them; a client has
 * one socket for one server, so that the kernel drops what others send, and a
 * port that the kernel chose.
 */
#ifndef SYS_NET_UDP_H
#define SYS_NET_UDP_H

#include "sys/net_tcp.h"

#define UDP_ADDRESS_MAX	28	/* struct sockaddr_in6 */

/* Who asked, and which of our addresses: for the answer. */
struct udp_peer {
	struct ip_prefix addr;
	uint8_t		 raw[UDP_ADDRESS_MAX];
	uint32_t	 raw_len;
	uint8_t		 control[64];
	uint32_t	 control_len;
};

/* The address is one that tcp_listen() takes. */
int	 udp_listen(const char *address, int *ret_fd, struct tcp_name *ret) MUST_USE;
/* Octets; -EAGAIN: nobody asks. A longer datagram is cut off. */
long	 udp_receive(int fd, void *, size_t, struct udp_peer *ret);
/* 0, or the socket's code; a full buffer loses it, as networks do. */
int	 udp_answer(int fd, const void *, size_t, const struct udp_peer *);

/* Host and port; then tcp_read() and tcp_write() send and receive datagrams. */
int	 udp_connect(const struct ip_prefix *host, uint16_t port, int *ret_fd) MUST_USE;

#endif
