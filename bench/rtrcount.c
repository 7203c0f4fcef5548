/*
 * A raw RTR client that only counts: the same one against every server, so
 * that what differs is the server. N connections are opened, then a Reset
 * Query is sent on each, and bytes are read until End of Data came on all.
 *
 *	rtrcount PORT VERSION N [hold]
 *
 * prints a JSON object: seconds from the first query to the last End of Data,
 * to the first connection's End of Data, bytes, payload PDUs, and the PDUs of
 * each type. With "hold" the connections stay open until standard input ends,
 * so that the server's memory can be measured with its routers connected.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX	4096
#define BUF_LEN		(256 * 1024)
#define HEADER_LEN	8
#define PDU_MAX		65535		/* 8210bis section 5.1 */
#define STALL_MSEC	60000		/* a server that sends nothing for so long hangs */

#define RTR_RESET_QUERY	2
#define RTR_END		7
#define RTR_ERROR	10
#define TYPES		16

struct conn {
	int		 fd;
	uint8_t		 head[HEADER_LEN];	/* of the PDU under way */
	size_t		 head_len, left;	/* gathered; octets of it to come */
	uint64_t	 bytes, pdus[TYPES];
	double		 end;			/* of End of Data; 0: not yet */
	bool		 done, bad;
};

static void
die(const char *what)
{
	fprintf(stderr, "rtrcount: %s: %s\n", what, strerror(errno));
	exit(3);
}

static double
now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		die("clock_gettime");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static unsigned long
number(const char *s, unsigned long max)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*s == '\0' || *end != '\0' || v > max) {
		fprintf(stderr, "rtrcount: %s is not a number up to %lu\n", s, max);
		exit(2);
	}
	return v;
}

static int
conn_open(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die("connect");
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
		die("setsockopt");
	return fd;
}

/* The header in c->head is whole: count it, and know how much follows. */
static void
conn_pdu(struct conn *c)
{
	uint32_t len = (uint32_t)c->head[4] << 24 | (uint32_t)c->head[5] << 16 |
	    (uint32_t)c->head[6] << 8 | c->head[7];
	uint8_t type = c->head[1];

	if (len < HEADER_LEN || len > PDU_MAX || type >= TYPES || type == RTR_ERROR) {
		c->bad = c->done = true;
		return;
	}
	c->pdus[type]++;
	c->head_len = 0;
	c->left = len - HEADER_LEN;
	if (type == RTR_END)
		c->done = true;
}

static void
conn_feed(struct conn *c, const uint8_t *p, size_t n)
{
	c->bytes += n;
	while (n > 0 && !c->done) {
		size_t take;

		if (c->left > 0) {
			take = c->left < n ? c->left : n;
			c->left -= take;
		} else {
			take = HEADER_LEN - c->head_len;
			take = take < n ? take : n;
			memcpy(c->head + c->head_len, p, take);
			c->head_len += take;
			if (c->head_len == HEADER_LEN)
				conn_pdu(c);
		}
		p += take;
		n -= take;
	}
}

/* Read what is there; true when this connection needs no more. */
static bool
conn_read(struct conn *c, uint8_t *buf)
{
	ssize_t n = recv(c->fd, buf, BUF_LEN, MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		c->bad = c->done = true;
		return true;
	}
	conn_feed(c, buf, (size_t)n);
	if (c->done && c->end == 0)
		c->end = now();
	return c->done;
}

static void
query_all(struct conn *conns, size_t n, uint8_t version)
{
	const uint8_t query[HEADER_LEN] = { version, RTR_RESET_QUERY, 0, 0, 0, 0, 0, HEADER_LEN };

	for (size_t i = 0; i < n; i++)
		if (send(conns[i].fd, query, sizeof(query), MSG_NOSIGNAL) != sizeof(query))
			die("send");
}

static void
read_all(struct conn *conns, size_t n)
{
	struct pollfd *fds = calloc(n, sizeof(*fds));
	uint8_t *buf = malloc(BUF_LEN);
	size_t open = n;

	if (fds == NULL || buf == NULL)
		die("malloc");
	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = conns[i].fd, .events = POLLIN };
	while (open > 0) {
		int ready = poll(fds, (nfds_t)n, STALL_MSEC);

		if (ready == 0) {
			fprintf(stderr, "rtrcount: the server stalls\n");
			exit(3);
		}
		for (size_t i = 0; i < n; i++) {
			if (fds[i].fd == -1 || fds[i].revents == 0)
				continue;
			if (conn_read(&conns[i], buf)) {
				fds[i].fd = -1;
				open--;
			}
		}
	}
	free(fds);
	free(buf);
}

static int
report(const struct conn *conns, size_t n, double begin, double connected)
{
	double first = 1e18, last = 0;
	uint64_t bytes = 0, pdus[TYPES] = { 0 };
	bool same = true;
	size_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		bytes += conns[i].bytes;
		bad += conns[i].bad ? 1 : 0;
		same = same && memcmp(conns[i].pdus, conns[0].pdus, sizeof(pdus)) == 0;
		for (size_t t = 0; t < TYPES; t++)
			pdus[t] += conns[i].pdus[t];
		if (conns[i].end < first)
			first = conns[i].end;
		if (conns[i].end > last)
			last = conns[i].end;
	}
	printf("{\"connections\": %zu, \"failed\": %zu, \"same\": %s, \"bytes\": %llu, "
	    "\"connect\": %.4f, \"first\": %.4f, \"seconds\": %.4f, \"pdus\": {",
	    n, bad, same ? "true" : "false", (unsigned long long)bytes,
	    connected, first - begin, last - begin);
	for (size_t t = 0, some = 0; t < TYPES; t++)
		if (pdus[t] != 0)
			printf("%s\"%zu\": %llu", some++ > 0 ? ", " : "", t,
			    (unsigned long long)pdus[t]);
	printf("}}\n");
	fflush(stdout);
	return bad == 0 && same ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct conn *conns;
	unsigned long port, version, n;
	double start, begin;
	int rc;

	if (argc != 4 && !(argc == 5 && strcmp(argv[4], "hold") == 0)) {
		fprintf(stderr, "usage: rtrcount PORT VERSION N [hold]\n");
		return 2;
	}
	port = number(argv[1], 65535);
	version = number(argv[2], 255);
	n = number(argv[3], CONNS_MAX);
	if (n == 0 || (conns = calloc(n, sizeof(*conns))) == NULL)
		die("calloc");
	start = now();
	for (size_t i = 0; i < n; i++)
		conns[i].fd = conn_open((uint16_t)port);
	begin = now();
	query_all(conns, n, (uint8_t)version);
	read_all(conns, n);
	rc = report(conns, n, begin, begin - start);
	while (argc == 5 && getchar() != EOF)
		continue;
	return rc;
}
