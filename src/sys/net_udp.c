#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/file.h"
#include "sys/net_udp.h"

#define RECEIVE_BYTES	(512 * 1024)	/* of questions that wait: a burst of NOTIFY */

/* For the answer to leave from where the question came to. */
static int
told_where(int fd, int family)
{
	int on = 1, rc;

	rc = family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) :
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	return rc < 0 ? -errno : 0;
}

int
udp_listen(const char *address, int *ret_fd, struct tcp_name *ret)
{
	_cleanup_(fd_close) int fd = -1;
	struct sockaddr_storage ss;
	int bytes = RECEIVE_BYTES, rc;
	socklen_t len;

	if ((rc = tcp_address(address, &ss, &len)) < 0)
		return rc;
	if ((fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if ((rc = told_where(fd, ss.ss_family)) < 0)
		return rc;
	if (bind(fd, (const struct sockaddr *)&ss, len) < 0)
		return -errno;
	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		tcp_name_of(&ss, len, ret);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

long
udp_receive(int fd, void *p, size_t n, struct udp_peer *ret)
{
	struct sockaddr_storage ss = { 0 };
	struct iovec io = { p, n };
	struct msghdr m = { .msg_name = &ss, .msg_namelen = sizeof(ss), .msg_iov = &io, .msg_iovlen = 1,
		.msg_control = ret->control, .msg_controllen = sizeof(ret->control) };
	ssize_t got = recvmsg(fd, &m, 0);

	if (got < 0)
		return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
	ret->control_len = (uint32_t)m.msg_controllen;
	ret->raw_len = (uint32_t)min_size(m.msg_namelen, sizeof(ret->raw));
	memcpy(ret->raw, &ss, ret->raw_len);
	ret->addr = tcp_host_of(&ss);
	return got;
}

int
udp_answer(int fd, const void *p, size_t n, const struct udp_peer *to)
{
	struct iovec io = { (void *)(uintptr_t)p, n };
	struct msghdr m = { .msg_name = (void *)(uintptr_t)to->raw, .msg_namelen = to->raw_len,
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = (void *)(uintptr_t)to->control,
		.msg_controllen = to->control_len };

	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int
udp_connect(const struct ip_prefix *host, uint16_t port, int *ret_fd)
{
	struct sockaddr_storage ss;
	socklen_t len = tcp_address_of(host, port, &ss);
	_cleanup_(fd_close) int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&ss, len) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}
