/*
 * Transfers over real sockets, for test_xfr.py: the loop that the library
 * does not have. Blocking, loopback only, one process for each connection.
 *
 *	xfr_tool print ZONE FILE
 *	xfr_tool get PORT ZONE KEY SKEW [FILE]	IXFR from FILE's version, else AXFR
 *	xfr_tool serve PORT ZONE KEYS SKEW FILE...	versions, the last one is current
 *	xfr_tool notify PORT ZONE TYPE
 *	xfr_tool soa PORT ZONE KEY SKEW
 *
 * KEY is ALGORITHM:NAME:SECRET, or "-". KEYS is a file. SKEW is added to the
 * clock. What happened stands on stderr: result, number of messages, codes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "dns/wire.h"

#define SECONDS		20		/* no test waits longer for an octet */
#define VERSIONS_MAX	8

static struct pool *pool;
static struct findings fs;
static uint8_t room[DNS_RDATA_MAX];
static long skew;

static void __attribute__((noreturn))
die(const char *what, int rc)
{
	fprintf(stderr, "xfr_tool: %s: %d\n", what, rc);
	exit(3);
}

static int64_t
now(void)
{
	return (int64_t)time(NULL) + skew;
}

static void
say(const char *result, unsigned n)
{
	fprintf(stderr, "%s %u", result, n);
	for (const struct finding *f = fs.head; f != NULL; f = f->next) {
		fprintf(stderr, " %s", f->def->code);
		for (unsigned i = 0; i < f->n_args; i++)
			if (strcmp(f->args[i].key, "rcode") == 0)
				fprintf(stderr, "=%.*s", SV_ARG(f->args[i].s));
	}
	fprintf(stderr, "\n");
}

static struct dname
name_of(const char *text)
{
	struct dname n;

	if (dname_parse(sv_str(text), NULL, &n) < 0)
		die(text, -EINVAL);
	return n;
}

static long
number_of(const char *text)
{
	bool minus = text[0] == '-';
	uint32_t n;

	if (num_u32(sv_skip(sv_str(text), minus), 0, 1u << 30, &n) < 0)
		die(text, -EINVAL);
	return minus ? -(long)n : (long)n;
}

/* --- zones --- */

static int
file_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	*ret_n = fread(dst, 1, cap, arg);
	return ferror((FILE *)arg) ? -EIO : 0;
}

static struct zone *
zone_load(const struct dname *apex, const char *path)
{
	const struct zonefile_opts o = { .origin = *apex, .name = sv_str(path), .has_ttl = true, .ttl = 300 };
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(apex, &fs);
	_cleanup_(zonefile_freep) struct zonefile *z = NULL;
	FILE *f = fopen(path, "r");
	struct zone *ret;
	struct dns_rr rr;
	int rc;

	if (f == NULL || (z = zonefile_new(&o, file_read, f, &fs)) == NULL || b == NULL)
		die(path, -errno);
	while ((rc = zonefile_next(z, &rr)) > 0)
		if ((rc = zone_builder_add(b, &rr)) < 0)
			break;
	(void)fclose(f);
	if (rc < 0 || findings_reject(&fs) || (rc = zone_builder_done(b, &ret)) < 0) {
		say("LOAD", 0);
		die(path, rc);
	}
	return ret;
}

static void
zone_show(const struct zone *z)
{
	struct buf b = BUF_INIT;

	zone_print(&b, z, 0);
	if (fwrite(b.p, 1, b.len, stdout) != b.len || fflush(stdout) != 0)
		die("stdout", -errno);
	buf_done(&b);
}

/* --- sockets --- */

static struct sockaddr_in
loopback(const char *port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)number_of(port)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int
dial(const char *port, int type)
{
	const struct sockaddr_in to = loopback(port);
	const struct timeval limit = { .tv_sec = SECONDS };
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect", -errno);
	return fd;
}

static bool
all_read(int fd, uint8_t *p, size_t n)
{
	for (ssize_t got; n > 0; p += got, n -= (size_t)got)
		if ((got = read(fd, p, n)) <= 0)
			return false;
	return true;
}

static bool
all_write(int fd, const uint8_t *p, size_t n)
{
	for (ssize_t put; n > 0; p += put, n -= (size_t)put)
		if ((put = write(fd, p, n)) <= 0)
			return false;
	return true;
}

/* A message by TCP; 0 at the end. */
static size_t
message_read(int fd, uint8_t *buf)
{
	uint8_t len[2];
	size_t n;

	if (!all_read(fd, len, sizeof(len)))
		return 0;
	n = (size_t)(len[0] << 8 | len[1]);
	return all_read(fd, buf, n) ? n : 0;
}

static bool
message_write(int fd, const uint8_t *buf, size_t n)
{
	uint8_t len[2];

	put_be16(len, (uint16_t)n);
	return all_write(fd, len, sizeof(len)) && all_write(fd, buf, n);
}

static uint16_t
random_id(void)
{
	return (uint16_t)(getpid() ^ time(NULL));
}

static void
key_begin(struct tsig *t, const char *text)
{
	static struct tsig_key key;

	if (strcmp(text, "-") != 0 && tsig_key_parse(sv_str(text), &fs, &key) < 0)
		die("key", -EINVAL);
	if (tsig_begin(t, strcmp(text, "-") != 0 ? &key : NULL) < 0)
		die("key", -ENOMEM);
}

/* --- a client --- */

struct taker {
	struct dname		 apex;
	struct zone_builder	*b;
};

static int
take_full(void *arg)
{
	struct taker *t = arg;

	(void)zone_builder_free(t->b);
	t->b = zone_builder_new(&t->apex, &fs);
	return t->b == NULL ? -ENOMEM : 0;
}

static int
take_add(void *arg, const struct dns_rr *rr)
{
	struct taker *t = arg;

	return zone_builder_add(t->b, rr);
}

static const char *const results[XFR_IN_MAX] = { "MORE", "FULL", "DIFF", "CURRENT", "TCP", "AXFR", "FAILED" };

/* Messages until the transfer ends and is signed to its end; how it went. */
static int
receive(int fd, struct xfr_in *x, struct tsig *t, unsigned *n)
{
	static uint8_t buf[DNS_MSG_MAX];
	int rc = XFR_IN_MORE, verdict = TSIG_OK;
	size_t len;

	while (rc == XFR_IN_MORE || verdict == TSIG_LATER) {
		if ((len = message_read(fd, buf)) == 0) {
			xfr_in_end(x);
			break;
		}
		++*n;
		verdict = tsig_answer(t, (struct sv){ (const char *)buf, len }, room, now(), &fs);
		if (verdict < 0 || verdict == TSIG_FAILED)
			return XFR_IN_FAILED;
		if (rc == XFR_IN_MORE)
			rc = xfr_in_message(x, (struct sv){ (const char *)buf, len });
	}
	return tsig_finish(t, &fs) && rc != XFR_IN_MORE ? rc : XFR_IN_FAILED;
}

static struct zone *
received(int rc, struct xfr_in *x, struct taker *take, struct zone *old)
{
	_cleanup_(xfr_diff_freep) struct xfr_diff *d = xfr_in_diff(x);
	_cleanup_(zone_edit_freep) struct zone_edit *e = NULL;
	struct zone *ret = NULL;
	int bad = 0;

	if (rc == XFR_IN_FULL) {
		bad = zone_builder_done(take->b, &ret);
	} else if (rc == XFR_IN_DIFF) {
		if ((e = zone_edit_new(old, &fs)) == NULL || (bad = xfr_diff_edit(d, e)) < 0 ||
		    (bad = zone_edit_done(e, &ret)) < 0)
			fprintf(stderr, "UNFIT %d\n", bad);
		return ret;
	}
	if (bad < 0)
		die("zone", bad);
	return ret;
}

static int
get(char **argv)
{
	struct taker take = { .apex = name_of(argv[1]) };
	struct xfr_in_opts o = { .zone = take.apex, .id = random_id(), .full = take_full, .add = take_add,
	    .arg = &take };
	struct zone *old = argv[4] == NULL ? NULL : zone_load(&take.apex, argv[4]), *new;
	static uint8_t buf[DNS_MSG_MAX];
	unsigned n = 0;
	struct xfr_in *x;
	struct tsig t;
	size_t len;
	int fd, rc;

	skew = number_of(argv[3]);
	key_begin(&t, argv[2]);
	o.ixfr = o.has_serial = old != NULL && zone_serial(old, &o.serial);
	if ((x = xfr_in_new(&o, &fs)) == NULL)
		die("xfr_in", -ENOMEM);
	len = xfr_in_query(x, buf, sizeof(buf));
	if (len == 0 || tsig_sign(&t, buf, &len, sizeof(buf), now()) < 0)
		die("query", -ENOSPC);
	fd = dial(argv[0], SOCK_STREAM);
	if (!message_write(fd, buf, len))
		die("write", -errno);
	rc = receive(fd, x, &t, &n);
	if (rc < 0)
		die("receive", rc);
	say(results[rc], n);
	if ((new = received(rc, x, &take, old)) != NULL)
		zone_show(new);
	(void)close(fd);
	tsig_done(&t);
	(void)xfr_in_free(x);
	(void)zone_builder_free(take.b);
	(void)zone_unref(old);
	(void)zone_unref(new);
	return rc == XFR_IN_FAILED || ((rc == XFR_IN_FULL || rc == XFR_IN_DIFF) && new == NULL);
}

static int
notify_send(char **argv)
{
	const struct dname zone = name_of(argv[1]);
	uint16_t type, id = random_id();
	uint8_t buf[512];
	struct dmsg m;
	ssize_t got;
	size_t len;
	bool good;
	int fd;

	if (rrtype_parse(sv_str(argv[2]), &type) < 0)
		die(argv[2], -EINVAL);
	len = notify_write(buf, sizeof(buf), id, &zone, type, NULL);
	fd = dial(argv[0], SOCK_DGRAM);
	if (write(fd, buf, len) != (ssize_t)len || (got = read(fd, buf, sizeof(buf))) < 0)
		die("notify", -errno);
	good = dmsg_open(&m, (struct sv){ (const char *)buf, (size_t)got }, room) == 0 &&
	    dns_answer_check(&m, id, DNS_OP_NOTIFY, &zone, type, &fs);
	say(good ? "NOTIFIED" : "FAILED", 1);
	(void)close(fd);
	return !good;
}

static int
soa_ask(char **argv)
{
	const struct dname zone = name_of(argv[1]);
	uint16_t id = random_id();
	uint32_t serial = 0;
	uint8_t buf[1232];
	struct tsig t;
	ssize_t got;
	size_t len;
	int fd;

	skew = number_of(argv[3]);
	key_begin(&t, argv[2]);
	len = dns_query_write(buf, sizeof(buf), id, &zone, RR_SOA, NULL);
	if (tsig_sign(&t, buf, &len, sizeof(buf), now()) < 0)
		die("query", -ENOSPC);
	fd = dial(argv[0], SOCK_DGRAM);
	if (write(fd, buf, len) != (ssize_t)len || (got = read(fd, buf, sizeof(buf))) < 0)
		die("soa", -errno);
	if (tsig_answer(&t, (struct sv){ (const char *)buf, (size_t)got }, room, now(), &fs) == TSIG_FAILED ||
	    soa_answer_parse((struct sv){ (const char *)buf, (size_t)got }, room, id, &zone, &fs, &serial) < 0) {
		say("FAILED", 1);
		return 1;
	}
	say("SOA", serial);
	return 0;
}

/* --- a server --- */

struct server {
	struct dname		 zone;
	struct tsig_keys	 keys;
	struct zone		*versions[VERSIONS_MAX];
	struct xfr_diff		*diffs[VERSIONS_MAX];	/* from the version before */
	size_t			 n;
};

struct reply {
	struct tsig		 t;
	struct dns_query	 q;
	unsigned		 rcode;
	struct xfr_out		*out;
	uint8_t			 buf[DNS_MSG_MAX];
	size_t			 len;
};

static struct zone *
current(struct server *s)
{
	return s->versions[s->n - 1];
}

/* The differences since the serial that was asked for, or all of it. */
static struct xfr_out *
transfer(struct server *s, const struct dns_query *q)
{
	struct xfr_out *out = NULL;
	uint32_t serial;

	for (size_t i = 0; q->q.type == RR_IXFR && i < s->n; i++)
		if (zone_serial(s->versions[i], &serial) && serial == q->serial &&
		    xfr_out_ixfr(q, current(s), (const struct xfr_diff *const *)(s->diffs + i + 1),
		    s->n - i - 1, &out) == 0)
			return out;
	return xfr_out_axfr(q, current(s));
}

static void
answer_soa(struct server *s, struct reply *r, size_t cap)
{
	struct dmsg_wr w;
	struct zrrset set;
	struct sv rest, data;
	struct dns_rr rr = { .owner = &s->zone, .type = RR_SOA, .class = DNS_CLASS_IN };

	dns_answer_begin(&w, r->buf, cap, &r->q, DNS_AA, tsig_room(&r->t));
	if (r->rcode == 0 && r->q.head.opcode == DNS_OP_QUERY &&
	    znode_find(zone_apex_node(current(s)), RR_SOA, &set)) {
		rest = set.rrs;
		rr.ttl = set.ttl;
		if (zdata_next(&rest, &data)) {
			rr.rdata = data;
			if (dmsg_put(&w, DNS_ANSWER, &rr) < 0)
				dmsg_truncate(&w);
		}
	}
	r->len = dns_answer_end(&w, &r->q, r->rcode, (struct sv){ NULL, 0 });
}

/* false: nothing is answered. With .out set the messages are still to come. */
static bool
judge(struct server *s, struct reply *r, struct sv wire)
{
	uint16_t rcode;
	int verdict;

	if (dns_query_parse(wire, room, &r->q) < 0)
		return false;
	findings_init(&fs, pool);
	verdict = tsig_request(&r->t, &s->keys, wire, room, now(), &fs, &rcode);
	r->rcode = verdict == TSIG_FAILED ? rcode : r->q.rcode;
	if (r->rcode == 0 && !dname_eq(&r->q.q.name, &s->zone))
		r->rcode = DNS_NOTAUTH;
	if (r->rcode == 0 && (r->q.q.type == RR_AXFR || r->q.q.type == RR_IXFR)) {
		if (verdict != TSIG_OK)
			r->rcode = DNS_REFUSED;
		else
			r->out = transfer(s, &r->q);
	}
	say("ASKED", r->q.q.type);
	return true;
}

static void
serve_tcp(struct server *s, int fd)
{
	static uint8_t in[DNS_MSG_MAX];
	struct reply *r = calloc(1, sizeof(*r));
	size_t n;

	while (r != NULL && (n = message_read(fd, in)) > 0) {
		if (!judge(s, r, (struct sv){ (const char *)in, n }))
			return;
		if (r->out == NULL) {
			answer_soa(s, r, sizeof(r->buf));
			if (tsig_sign(&r->t, r->buf, &r->len, sizeof(r->buf), now()) < 0 ||
			    !message_write(fd, r->buf, r->len))
				return;
		}
		/* Small messages, so that there are many. */
		while (r->out != NULL && xfr_out_next(r->out, r->buf, 2000, tsig_room(&r->t), &r->len) > 0)
			if (tsig_sign(&r->t, r->buf, &r->len, sizeof(r->buf), now()) < 0 ||
			    !message_write(fd, r->buf, r->len))
				return;
		r->out = xfr_out_free(r->out);
		tsig_done(&r->t);
	}
}

static void
serve_udp(struct server *s, int fd)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t in[1500];
	ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &from_len);
	struct reply *r = calloc(1, sizeof(*r));
	size_t cap = 512;

	if (r == NULL || n < 0 || !judge(s, r, (struct sv){ (const char *)in, (size_t)n }))
		return;
	if (r->q.edns.present && r->q.edns.udp_size > cap)
		cap = min_size(r->q.edns.udp_size, 1232);
	if (r->out == NULL)
		answer_soa(s, r, cap);
	else if (xfr_out_udp(r->out, r->buf, cap, tsig_room(&r->t), &r->len) < 0)
		return;
	if (tsig_sign(&r->t, r->buf, &r->len, sizeof(r->buf), now()) == 0)
		(void)sendto(fd, r->buf, r->len, 0, (struct sockaddr *)&from, from_len);
	(void)xfr_out_free(r->out);
	tsig_done(&r->t);
	free(r);
}

static int
bound(const char *port, int type)
{
	const struct sockaddr_in at = loopback(port);
	int fd = socket(AF_INET, type, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 16) < 0))
		die("bind", -errno);
	return fd;
}

static void
serve_load(struct server *s, char **argv)
{
	static char text[65536];
	FILE *f = fopen(argv[2], "r");
	size_t n;

	s->zone = name_of(argv[1]);
	if (f == NULL)
		die(argv[2], -errno);
	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	if (tsig_keys_parse((struct sv){ text, n }, sv_str(argv[2]), &fs, &s->keys) < 0)
		die(argv[2], -EINVAL);
	for (char **path = argv + 4; *path != NULL && s->n < VERSIONS_MAX; path++, s->n++) {
		s->versions[s->n] = zone_load(&s->zone, *path);
		if (s->n > 0 && xfr_diff_zones(s->versions[s->n - 1], s->versions[s->n], 0,
		    &s->diffs[s->n]) < 0)
			die("diff", -1);
	}
}

static int
serve(char **argv)
{
	static struct server s;
	struct pollfd p[2];

	skew = number_of(argv[3]);
	serve_load(&s, argv);
	(void)signal(SIGCHLD, SIG_IGN);
	p[0] = (struct pollfd){ .fd = bound(argv[0], SOCK_DGRAM), .events = POLLIN };
	p[1] = (struct pollfd){ .fd = bound(argv[0], SOCK_STREAM), .events = POLLIN };
	say("READY", (unsigned)s.n);
	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents != 0)
			serve_udp(&s, p[0].fd);
		if (p[1].revents != 0) {
			const struct timeval limit = { .tv_sec = SECONDS };
			int fd = accept(p[1].fd, NULL, NULL);

			if (fd >= 0 && fork() == 0) {
				(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
				serve_tcp(&s, fd);
				_exit(0);
			}
			(void)close(fd);
		}
	}
}

int
main(int argc, char **argv)
{
	if ((pool = pool_new(64 << 20)) == NULL)
		die("pool", -ENOMEM);
	findings_init(&fs, pool);
	if (argc == 4 && strcmp(argv[1], "print") == 0) {
		const struct dname apex = name_of(argv[2]);

		zone_show(zone_load(&apex, argv[3]));
		return 0;
	}
	if ((argc == 6 || argc == 7) && strcmp(argv[1], "get") == 0)
		return get(argv + 2);
	if (argc >= 7 && strcmp(argv[1], "serve") == 0)
		return serve(argv + 2);
	if (argc == 5 && strcmp(argv[1], "notify") == 0)
		return notify_send(argv + 2);
	if (argc == 6 && strcmp(argv[1], "soa") == 0)
		return soa_ask(argv + 2);
	fprintf(stderr, "usage: xfr_tool print|get|serve|notify|soa ...\n");
	return 2;
}
