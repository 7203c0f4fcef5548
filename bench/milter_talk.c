/* A mail server's side of the milter protocol: see milter_talk.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "milter_talk.h"

#define FLUSH_LEN	65536		/* octets that travel together at the most */
#define READ_LEN	65536
#define FRAME_MAX	(1 << 20)	/* of an answer */
#define ACTIONS		0x1ffU		/* all that version 6 has: adding, changing, holding … */
#define STEPS		0x1fffffU

static __attribute__((noreturn)) void
die(const char *what)
{
	fprintf(stderr, "milter_load: %s: %s\n", what, errno != 0 ? strerror(errno) : "it ended");
	exit(3);
}

void
octets_put(struct octets *o, const void *p, size_t n)
{
	while (o->n + n > o->cap) {
		o->cap = o->cap == 0 ? 4096 : o->cap * 2;
		if ((o->p = realloc(o->p, o->cap)) == NULL)
			die("memory");
	}
	if (n > 0)
		memcpy(o->p + o->n, p, n);
	o->n += n;
}

/* --- frames --- */

static uint32_t
be32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return ntohl(v);
}

static void
put_be32(struct octets *o, uint32_t v)
{
	v = htonl(v);
	octets_put(o, &v, sizeof(v));
}

static void
flush(struct talk *t)
{
	size_t at = 0;

	while (at < t->out.n) {
		ssize_t n = send(t->fd, t->out.p + at, t->out.n - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			die("send");
		at += n > 0 ? (size_t)n : 0;
	}
	t->out.n = 0;
}

static void
frame_begin(struct talk *t, char cmd, size_t len)
{
	if (t->out.n > 0 && t->out.n + len > FLUSH_LEN)
		flush(t);
	put_be32(&t->out, (uint32_t)len + 1);
	octets_put(&t->out, &cmd, 1);
}

static void
frame(struct talk *t, char cmd, const void *p, size_t len)
{
	frame_begin(t, cmd, len);
	octets_put(&t->out, p, len);
}

/* So many octets stand at in.p + in_at afterwards. */
static void
want(struct talk *t, size_t n)
{
	struct octets *in = &t->in;

	if (t->in_at == in->n)
		t->in_at = in->n = 0;
	while (in->n - t->in_at < n) {
		char room[READ_LEN];
		ssize_t got = recv(t->fd, room, sizeof(room), 0);

		if (got == 0)
			errno = 0;
		if (got == 0 || (got < 0 && errno != EINTR))
			die("the filter's answer");
		octets_put(in, room, got > 0 ? (size_t)got : 0);
	}
}

/* The next answer; it stands until the one after. */
static char
answer(struct talk *t, const char **ret, size_t *ret_n)
{
	uint32_t len;
	char cmd;

	want(t, 4);
	len = be32(t->in.p + t->in_at);
	errno = EBADMSG;
	if (len == 0 || len > FRAME_MAX)
		die("the length of an answer");
	want(t, 4 + len);
	cmd = t->in.p[t->in_at + 4];
	*ret = t->in.p + t->in_at + 5;
	*ret_n = len - 1;
	t->in_at += 4 + len;
	return cmd;
}

static void
added_put(struct talk *t, const char *p, size_t n)
{
	struct octets before = t->added;

	t->added = (struct octets){ 0 };
	octets_put(&t->added, p, n);
	octets_put(&t->added, before.p, before.n);
	free(before.p);
}

/* The answer that ends a step; what comes before it is done, as far as it adds fields. */
static char
step_end(struct talk *t)
{
	const char *p;
	size_t n;

	flush(t);
	for (;;) {
		char cmd = answer(t, &p, &n);

		if (cmd == SMFIR_INSHEADER && n > 4)
			added_put(t, p + 4, n - 4);
		else if (cmd == SMFIR_ADDHEADER)
			added_put(t, p, n);
		else if (strchr("achmprqtyd4s", cmd) == NULL || cmd == '\0')
			die("an answer of the filter's");
		if (strchr("acrtyd4s", cmd) != NULL)
			return cmd;
	}
}

/* --- steps --- */

/* 0: it is not asked, or does not say. */
static char
step(struct talk *t, char cmd, uint32_t not_asked, uint32_t not_said, const void *p, size_t n)
{
	if ((t->steps & not_asked) != 0)
		return 0;
	frame(t, cmd, p, n);
	return (t->steps & not_said) != 0 ? 0 : step_end(t);
}

static void
macros(struct talk *t, char of, const char *const *all, size_t n)
{
	struct octets o = { 0 };

	octets_put(&o, &of, 1);
	for (size_t i = 0; i < n; i++)
		octets_put(&o, all[i], strlen(all[i]) + 1);
	frame(t, SMFIC_MACRO, o.p, o.n);
	free(o.p);
}

#define MACROS(t, of, ...)						\
	do {								\
		const char *const all_[] = { __VA_ARGS__ };		\
		macros(t, of, all_, sizeof(all_) / sizeof(all_[0]));	\
	} while (0)

/* In front of each part of a message: its number, again and again (seen of Postfix 3.7). */
static void
number_send(struct talk *t, char of)
{
	MACROS(t, of, "i", t->queue_id);
}

static void
agree(struct talk *t)
{
	struct octets o = { 0 };
	const char *p;
	size_t n;

	put_be32(&o, SMFI_PROT_VERSION);
	put_be32(&o, ACTIONS);
	put_be32(&o, STEPS);
	frame(t, SMFIC_OPTNEG, o.p, o.n);
	free(o.p);
	flush(t);
	errno = EPROTO;
	if (answer(t, &p, &n) != SMFIC_OPTNEG || n < 12)
		die("negotiation");
	t->steps = be32(p + 8);
}

static int
tcp_open(const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die(port);
	return fd;
}

static int
unix_open(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		die(path);
	return fd;
}

void
talk_open(struct talk *t, const char *where)
{
	t->fd = strncmp(where, "unix:", 5) == 0 ? unix_open(where + 5) : tcp_open(where + 5);
	t->in.n = t->in_at = t->out.n = 0;
	agree(t);
}

void
talk_close(struct talk *t)
{
	frame(t, SMFIC_QUIT, NULL, 0);
	flush(t);
	(void)close(t->fd);
}

/* --- a message --- */

void
talk_client(struct talk *t)
{
	static const char who[] = "mx.example.jp\0004\x30\x39" "192.0.2.1", helo[] = "mx.example.jp";

	MACROS(t, SMFIC_CONNECT, "j", "here.test", "{daemon_name}", "here.test", "{daemon_addr}", "127.0.0.1",
	    "v", "Postfix 3.7.11");
	(void)step(t, SMFIC_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN, who, sizeof(who));
	macros(t, SMFIC_HELO, NULL, 0);
	(void)step(t, SMFIC_HELO, SMFIP_NOHELO, SMFIP_NR_HELO, helo, sizeof(helo));
}

bool
talk_envelope(struct talk *t, const char *queue_id)
{
	static const char from[] = "<taro@example.jp>", to[] = "<y@here.test>";
	char said;

	(void)snprintf(t->queue_id, sizeof(t->queue_id), "%s", queue_id);
	t->added.n = 0;
	MACROS(t, SMFIC_MAIL, "{mail_addr}", "taro@example.jp", "{mail_host}", "example.jp",
	    "{mail_mailer}", "smtp");
	(void)step(t, SMFIC_MAIL, SMFIP_NOMAIL, SMFIP_NR_MAIL, from, sizeof(from));
	MACROS(t, SMFIC_RCPT, "{rcpt_addr}", "y@here.test", "{rcpt_host}", "here.test",
	    "{rcpt_mailer}", "local");
	(void)step(t, SMFIC_RCPT, SMFIP_NORCPT, SMFIP_NR_RCPT, to, sizeof(to));
	number_send(t, SMFIC_DATA);
	said = step(t, SMFIC_DATA, SMFIP_NODATA, SMFIP_NR_DATA, NULL, 0);
	t->verdict = said;
	return said == 0 || said == SMFIR_CONTINUE;
}

static void
field_send(struct talk *t, const char *name, const char *value)
{
	size_t n = strlen(name) + 1, m;

	if ((t->steps & SMFIP_NOHDRS) != 0)
		return;
	if ((t->steps & SMFIP_HDR_LEADSPC) == 0 && *value == ' ')
		value++;
	m = strlen(value) + 1;
	number_send(t, SMFIC_HEADER);
	frame_begin(t, SMFIC_HEADER, n + m);
	octets_put(&t->out, name, n);
	octets_put(&t->out, value, m);
	if ((t->steps & SMFIP_NR_HDR) == 0)
		(void)step_end(t);
}

void
talk_message(struct talk *t, const struct octets *on_top, const struct mail *m)
{
	const char *end = on_top->p + on_top->n;
	bool skip = (t->steps & SMFIP_NOBODY) != 0;

	for (const char *p = on_top->p; p != end && on_top->n > 0; ) {
		const char *value = p + strlen(p) + 1;

		field_send(t, p, value);
		p = value + strlen(value) + 1;
	}
	for (size_t i = 0; i < m->n_fields; i++)
		field_send(t, m->fields[i].name, m->fields[i].value);
	number_send(t, SMFIC_EOH);
	(void)step(t, SMFIC_EOH, SMFIP_NOEOH, SMFIP_NR_EOH, NULL, 0);
	for (size_t at = 0; at < m->n_body && !skip; at += CHUNK_MAX) {
		size_t n = m->n_body - at < CHUNK_MAX ? m->n_body - at : CHUNK_MAX;

		number_send(t, SMFIC_BODY);
		skip = step(t, SMFIC_BODY, 0, SMFIP_NR_BODY, m->body + at, n) == SMFIR_SKIP;
	}
}

void
talk_end(struct talk *t)
{
	number_send(t, SMFIC_BODYEOB);
	frame(t, SMFIC_BODYEOB, NULL, 0);
	t->verdict = step_end(t);
}

void
talk_abort(struct talk *t)
{
	frame(t, SMFIC_ABORT, NULL, 0);
	flush(t);
}

/* --- a file of a message --- */

static char *
file_read(const char *path, size_t *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *p;

	if (fd < 0 || fstat(fd, &st) != 0 || (p = malloc((size_t)st.st_size + 1)) == NULL ||
	    read(fd, p, (size_t)st.st_size) != st.st_size)
		die(path);
	(void)close(fd);
	p[st.st_size] = '\0';
	*ret = (size_t)st.st_size;
	return p;
}

/* CRLF becomes LF within a field, and NUL at its end; the field behind it. */
static char *
field_cut(char *p, struct field *f)
{
	char *to = strchr(p, ':'), *from;

	if (to == NULL)
		die("a field without a colon");
	*to++ = '\0';
	*f = (struct field){ .name = p, .value = to };
	for (from = to; *from != '\0'; from++) {
		if (from[0] == '\r' && from[1] == '\n' && from[2] != ' ' && from[2] != '\t')
			break;
		if (*from != '\r')
			*to++ = *from;
	}
	from += *from == '\0' ? 0 : 2;
	*to = '\0';
	return from;
}

void
mail_read(const char *path, struct mail *ret)
{
	size_t n;
	char *all = file_read(path, &n), *p = all;

	*ret = (struct mail){ .n_fields = 0 };
	errno = EBADMSG;
	while (*p != '\0' && *p != '\r' && ret->n_fields < FIELDS_MAX)
		p = field_cut(p, &ret->fields[ret->n_fields++]);
	if (*p == '\r')
		p += 2;
	ret->body = p;
	ret->n_body = n - (size_t)(p - all);
}
