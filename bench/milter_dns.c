/*
 * A DNS that answers at once: rows out of a file, by UDP, nothing to look for
 * and nothing to wait for.
 *
 *	milter_dns serve ADDRESS PORT FILE	lines "name type rdata", rdata in hex
 *	milter_dns ask ADDRESS PORT NAME SECONDS
 *
 * ask: how many questions for that TXT it answers in a second, one after the
 * other, so that a bench can say what it costs who asks it. Names that are not
 * there do not exist, but for those above others (RFC 8020).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#define ROWS_MAX	200
#define RDATA_MAX	1000
#define MESSAGE_MAX	4096
#define HEAD_LEN	12
#define TTL		3600
#define QR_AA_RD_RA	0x8580
#define NXDOMAIN	3
#define TXT		16

struct row {
	char		 name[256];
	unsigned	 type;
	uint8_t		 rdata[RDATA_MAX];
	size_t		 n;
};
struct rows {
	struct row	 v[ROWS_MAX];
	size_t		 n;
};

static __attribute__((noreturn)) void
die(const char *what)
{
	perror(what);
	exit(3);
}

static uint8_t *
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static void
rows_read(const char *path, struct rows *rows)
{
	FILE *f = fopen(path, "re");
	char hex[2 * RDATA_MAX + 1];

	if (f == NULL)
		die(path);
	while (rows->n < ROWS_MAX) {
		struct row *r = &rows->v[rows->n];

		if (fscanf(f, "%255s %u %2000s", r->name, &r->type, hex) != 3)
			break;
		for (const char *p = hex; p[0] != '\0' && p[1] != '\0'; p += 2) {
			char two[3] = { p[0], p[1], '\0' };

			r->rdata[r->n++] = (uint8_t)strtoul(two, NULL, 16);
		}
		rows->n++;
	}
	fclose(f);
}

/* --- an answer --- */

/* The question's name as text; its length in the message, 0: none. */
static size_t
name_read(const uint8_t *m, size_t n, char text[static 256])
{
	size_t at = HEAD_LEN, len = 0;

	while (at < n && m[at] != 0) {
		size_t label = m[at++];

		if (label > 63 || at + label > n || len + label + 1 > 255)
			return 0;
		if (len > 0)
			text[len++] = '.';
		memcpy(text + len, m + at, label);
		len += label;
		at += label;
	}
	text[len] = '\0';
	return at + 5 <= n ? at + 1 - HEAD_LEN : 0;
}

static bool
is_above(const char *name, const char *other)
{
	size_t n = strlen(name), m = strlen(other);

	return m > n && other[m - n - 1] == '.' && strcasecmp(other + m - n, name) == 0;
}

static size_t
answer(const struct rows *rows, uint8_t *m, size_t n)
{
	char name[256];
	size_t len = n < HEAD_LEN ? 0 : name_read(m, n, name);
	unsigned type, found = 0;
	uint8_t *p = m + HEAD_LEN + len + 4;
	bool is_there = false;

	if (len == 0)
		return 0;
	type = (unsigned)p[-4] << 8 | p[-3];
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->v[i];
		bool same = strcasecmp(r->name, name) == 0;

		is_there |= same || is_above(name, r->name);
		if (!same || r->type != type || (size_t)(p - m) + r->n + 12 > MESSAGE_MAX)
			continue;
		p = put16(put16(put16(p, 0xc000 | HEAD_LEN), type), 1);
		p = put16(put16(put16(p, 0), TTL), (unsigned)r->n);
		memcpy(p, r->rdata, r->n);
		p += r->n;
		found++;
	}
	(void)put16(put16(put16(put16(put16(m + 2, QR_AA_RD_RA | (is_there ? 0 : NXDOMAIN)), 1), found), 0), 0);
	return (size_t)(p - m);
}

static int
bound(const char *address, const char *port, struct sockaddr_in *sin)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*sin = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	if (fd < 0 || inet_pton(AF_INET, address, &sin->sin_addr) != 1)
		die(address);
	return fd;
}

static __attribute__((noreturn)) void
serve(const char *address, const char *port, const char *path)
{
	static struct rows rows;
	struct sockaddr_in sin, from;
	int fd = bound(address, port, &sin);
	uint8_t m[MESSAGE_MAX];

	rows_read(path, &rows);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die("bind");
	puts("ready");
	fflush(stdout);
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, m, sizeof(m), 0, (struct sockaddr *)&from, &len);
		size_t out = n > 0 ? answer(&rows, m, (size_t)n) : 0;

		if (out > 0)
			(void)sendto(fd, m, out, 0, (struct sockaddr *)&from, len);
	}
}

/* --- its rate --- */

static size_t
question(uint8_t *m, const char *name)
{
	uint8_t *p = m + HEAD_LEN;

	memset(m, 0, HEAD_LEN);
	m[2] = 1;	/* RD */
	m[5] = 1;
	while (*name != '\0') {
		size_t n = strcspn(name, ".");

		*p++ = (uint8_t)n;
		memcpy(p, name, n);
		p += n;
		name += n + (name[n] == '.');
	}
	*p++ = 0;
	return (size_t)(put16(put16(p, TXT), 1) - m);
}

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
ask(const char *address, const char *port, const char *name, double seconds)
{
	struct sockaddr_in sin;
	int fd = bound(address, port, &sin);
	uint8_t q[512], m[MESSAGE_MAX];
	size_t n = question(q, name);
	double begin = now();
	unsigned long asked = 0;

	if (strlen(name) > 255 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die("connect");
	for (; now() - begin < seconds; asked++)
		if (send(fd, q, n, 0) < 0 || recv(fd, m, sizeof(m), 0) < 0)
			die("no answer");
	printf("%.0f\n", (double)asked / (now() - begin));
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		serve(argv[2], argv[3], argv[4]);
	if (argc == 6 && strcmp(argv[1], "ask") == 0)
		return ask(argv[2], argv[3], argv[4], atof(argv[5]));
	fprintf(stderr, "usage: milter_dns serve ADDRESS PORT FILE | ask ADDRESS PORT NAME SECONDS\n");
	return 2;
}
