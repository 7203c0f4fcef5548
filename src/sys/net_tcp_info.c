/* What Linux knows of a connection. Apart: <linux/tcp.h> and <netinet/tcp.h> declare the same names. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "sys/net_tcp.h"

uint64_t
tcp_taken(int fd)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) < 0 ||
	    len < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(i.tcpi_bytes_acked))
		return 0;
	return i.tcpi_bytes_acked;
}
