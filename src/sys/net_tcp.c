#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sv.h"
#include "sys/file.h"
#include "sys/net_tcp.h"

#define BACKLOG		512	/* as many routers as may reconnect at once */
/* Not yet sent to a peer that reads slowly: what the kernel holds for it. */
#define UNSENT_MAX	(128 * 1024)

/* "host:port" into two C strings; brackets go. */
static int
address_split(const char *address, char host[static TCP_TEXT_MAX], char port[static 8])
{
	struct sv s = sv_str(address), h, p;
	size_t colon = sv_rfind(s, ':');
	uint32_t n;

	if (colon == s.n)
		return -EINVAL;
	h = sv_take(s, colon);
	p = sv_skip(s, colon + 1);
	if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = sv_take(sv_skip(h, 1), h.n - 2);
	else if (sv_find(h, ':') != h.n)
		return -EINVAL;		/* an IPv6 address wants brackets */
	if (h.n == 0 || h.n >= TCP_TEXT_MAX || num_u32(p, 0, 65535, &n) < 0)
		return -EINVAL;
	memcpy(host, h.p, h.n);
	host[h.n] = '\0';
	(void)snprintf(port, 8, "%u", n);
	return 0;
}

static int
address_resolve(const char *address, int flags, struct addrinfo **ret)
{
	const struct addrinfo hints = {
		.ai_flags = flags | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	char host[TCP_TEXT_MAX], port[8];
	int rc;

	if ((rc = address_split(address, host, port)) < 0)
		return rc;
	rc = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hints, ret);
	if (rc == EAI_SYSTEM)
		return -errno;
	if (rc == EAI_MEMORY)
		return -ENOMEM;
	return rc == 0 ? 0 : -EHOSTUNREACH;
}

struct ip_prefix
tcp_host_of(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	struct ip_prefix a = { 0 };

	if (ss->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
		a = (struct ip_prefix){ .af = IP_V6, .len = 128 };
		memcpy(a.addr, &sin6->sin6_addr, 16);
	} else if (ss->ss_family == AF_INET6) {
		a = (struct ip_prefix){ .af = IP_V4, .len = 32 };
		memcpy(a.addr, sin6->sin6_addr.s6_addr + 12, 4);
	} else if (ss->ss_family == AF_INET) {
		a = (struct ip_prefix){ .af = IP_V4, .len = 32 };
		memcpy(a.addr, &sin->sin_addr, 4);
	}
	return a;
}

void
tcp_name_of(const struct sockaddr_storage *ss, socklen_t len, struct tcp_name *ret)
{
	char host[TCP_TEXT_MAX - 10], port[8];

	ret->addr = tcp_host_of(ss);
	if (getnameinfo((const struct sockaddr *)ss, len, host, sizeof(host), port,
	    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		(void)snprintf(ret->text, sizeof(ret->text), "?");
		return;
	}
	(void)snprintf(ret->text, sizeof(ret->text),
	    ss->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

int
tcp_address(const char *address, struct sockaddr_storage *ret, unsigned *ret_len)
{
	struct addrinfo *ai = NULL;
	int rc = address_resolve(address, AI_PASSIVE, &ai);

	if (rc < 0)
		return rc == -EHOSTUNREACH ? -EINVAL : rc;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, ai->ai_addr, ai->ai_addrlen);
	*ret_len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return 0;
}

unsigned
tcp_address_of(const struct ip_prefix *host, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (host->af == IP_V4) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		memcpy(&sin->sin_addr, host->addr, 4);
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	memcpy(&sin6->sin6_addr, host->addr, 16);
	return sizeof(*sin6);
}

/* --- RFC 2385 --- */

static int
md5_address(int family, const struct ip_prefix *peers, struct sockaddr_storage *ret)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET && peers->af == IP_V4)
		memcpy(&sin->sin_addr, peers->addr, 4);
	else if (family == AF_INET6 && peers->af == IP_V6)
		memcpy(&sin6->sin6_addr, peers->addr, 16);
	else if (family == AF_INET6) {		/* IPv4 on a socket of both */
		memset(sin6->sin6_addr.s6_addr + 10, 0xff, 2);
		memcpy(sin6->sin6_addr.s6_addr + 12, peers->addr, 4);
	} else
		return -EAFNOSUPPORT;
	return 0;
}

int
tcp_md5(int fd, const struct tcp_secret *s)
{
	struct tcp_md5sig sig = { .tcpm_flags = TCP_MD5SIG_FLAG_PREFIX };
	socklen_t len = sizeof(int);
	int family = 0, rc;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0)
		return -errno;
	if ((rc = md5_address(family, &s->peers, &sig.tcpm_addr)) < 0)
		return rc;
	sig.tcpm_prefixlen = s->peers.len;
	sig.tcpm_keylen = s->len;
	memcpy(sig.tcpm_key, s->key, s->len);
	rc = setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &sig, sizeof(sig)) < 0 ? -errno : 0;
	explicit_bzero(&sig, sizeof(sig));
	return rc;
}

int
tcp_md5_all(int fd, const struct tcp_secret *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = tcp_md5(fd, &s[i]);

		if (rc < 0 && rc != -EAFNOSUPPORT)
			return rc;
	}
	return 0;
}

static int
listen_on(const struct addrinfo *ai, const struct tcp_secret *secrets, size_t n, int *ret_fd)
{
	_cleanup_(fd_close) int fd = -1;
	int on = 1, rc;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		return -errno;
	if ((rc = tcp_md5_all(fd, secrets, n)) < 0)
		return rc;
	if (listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
tcp_listen(const char *address, int *ret_fd, struct tcp_name *ret)
{
	return tcp_listen_md5(address, NULL, 0, ret_fd, ret);
}

int
tcp_listen_md5(const char *address, const struct tcp_secret *secrets, size_t n, int *ret_fd,
    struct tcp_name *ret)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addrinfo *ai = NULL;
	int rc = address_resolve(address, AI_PASSIVE, &ai);

	if (rc < 0)
		return rc == -EHOSTUNREACH ? -EINVAL : rc;
	rc = listen_on(ai, secrets, n, ret_fd);
	freeaddrinfo(ai);
	if (rc < 0)
		return rc;
	if (getsockname(*ret_fd, (struct sockaddr *)&ss, &len) == 0)
		tcp_name_of(&ss, len, ret);
	return 0;
}

int
tcp_accept(int fd, int *ret_fd, struct tcp_name *ret)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int on = 1, unsent = UNSENT_MAX, c;

	c = accept4(fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c < 0)
		return errno == EINTR || errno == ECONNABORTED ? -EAGAIN : -errno;
	(void)setsockopt(c, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(c, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	tcp_name_of(&ss, len, ret);
	*ret_fd = c;
	return 0;
}

static int
md5_peer(int fd, const struct addrinfo *ai, struct sv secret)
{
	struct sockaddr_storage ss = { 0 };
	struct tcp_secret s = { .len = (uint8_t)secret.n };
	int rc;

	if (secret.n == 0)
		return 0;
	if (secret.n > TCP_MD5_MAX)
		return SE_LIMIT;
	memcpy(&ss, ai->ai_addr, ai->ai_addrlen);
	s.peers = tcp_host_of(&ss);
	memcpy(s.key, secret.p, secret.n);
	rc = tcp_md5(fd, &s);
	explicit_bzero(&s, sizeof(s));
	return rc;
}

void
tcp_files(unsigned n)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= n)
		return;
	l.rlim_cur = l.rlim_max < n ? l.rlim_max : n;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

static int
connect_to(const struct addrinfo *ai, int msec, struct sv secret, int *ret_fd)
{
	_cleanup_(fd_close) int fd = -1;
	struct pollfd pfd = { .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if ((err = md5_peer(fd, ai, secret)) < 0)
		return err;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		pfd.fd = fd;
		if (poll(&pfd, 1, msec) <= 0)
			return -ETIMEDOUT;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
			return -errno;
		if (err != 0)
			return -err;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
tcp_connect(const char *address, int msec, int *ret_fd)
{
	return tcp_connect_md5(address, msec, (struct sv){ 0 }, ret_fd);
}

int
tcp_connect_md5(const char *address, int msec, struct sv secret, int *ret_fd)
{
	struct addrinfo *all = NULL;
	int rc = address_resolve(address, 0, &all);

	if (rc < 0)
		return rc;
	rc = -EHOSTUNREACH;
	for (struct addrinfo *ai = all; ai != NULL && rc < 0; ai = ai->ai_next)
		rc = connect_to(ai, msec, secret, ret_fd);
	freeaddrinfo(all);
	return rc;
}

int
tcp_dial(const struct ip_prefix *host, uint16_t port, int *ret_fd)
{
	struct sockaddr_storage ss;
	socklen_t len = tcp_address_of(host, port, &ss);
	_cleanup_(fd_close) int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
tcp_dialled(int fd)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return -err;
}

int
tcp_wait(int fd, bool to_write, int msec)
{
	struct pollfd pfd = { .fd = fd, .events = to_write ? POLLOUT : POLLIN };
	int n = poll(&pfd, 1, msec);

	if (n < 0 && errno != EINTR)
		return -errno;
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -EAGAIN;
}

static long
result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

long
tcp_read(int fd, void *p, size_t n)
{
	return result(recv(fd, p, n, 0));
}

long
tcp_write(int fd, const void *p, size_t n, bool more)
{
	return result(send(fd, p, n, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}

long
tcp_sendfile(int fd, int from, int64_t *off, size_t n)
{
	off_t o = (off_t)*off;
	long r = result(sendfile(fd, from, &o, n));

	*off = o;
	return r;
}

void
tcp_finish(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}

void
tcp_abort(int *fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (*fd >= 0)
		(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	fd_close(fd);
}

struct ip_prefix
tcp_host_from(const struct sockaddr *sa)
{
	struct sockaddr_storage ss = { 0 };

	if (sa == NULL || (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
		return (struct ip_prefix){ 0 };
	memcpy(&ss, sa, sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) :
	    sizeof(struct sockaddr_in6));
	return tcp_host_of(&ss);
}
