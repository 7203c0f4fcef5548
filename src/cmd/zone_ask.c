/* Questions to name servers over TCP: one connection each, all at once. */
#include "cmd/zone_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/rd.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/net_tcp.h"
#include "sys/par.h"
#include "sys/proc.h"

#define QUERY_MAX	512
#define TIMEOUT_MAX	120	/* seconds */
#define RESOLV_CONF	"/etc/resolv.conf"
#define RESOLV_CONF_MAX	65536	/* bytes */

/* --- options and addresses --- */

bool
ask_opt(const struct cmd_ctx *ctx, struct ask_opts *o, const struct cmd_opt *opt, const char *arg, int *ret_rc)
{
	bool server = strcmp(opt->name, "server") == 0, parent = strcmp(opt->name, "parent-server") == 0;

	*ret_rc = 0;
	if (server || parent) {
		size_t *n = server ? &o->n_server : &o->n_parent;

		if (*n == ASK_GIVEN_MAX)
			*ret_rc = cmd_usage(ctx, tr(ctx->lang, N_("--%s stands there more than %u times")), opt->name, ASK_GIVEN_MAX);
		else
			(server ? o->server : o->parent)[(*n)++] = arg;
	} else if (strcmp(opt->name, "resolver") == 0)
		o->resolver = arg;
	else if (strcmp(opt->name, "timeout") == 0) {
		if (num_u32(sv_str(arg), 1, TIMEOUT_MAX, &o->timeout_sec) < 0)
			*ret_rc = cmd_usage(ctx, tr(ctx->lang, N_("--%s takes a number from %u to %u")), "timeout", 1, TIMEOUT_MAX);
	} else
		return false;
	return true;
}

const char *
ask_address(struct pool *pool, const char *text)
{
	struct sv s = sv_str(text);
	size_t colon = sv_find(s, ':');
	bool bare6 = colon < s.n && s.p[0] != '[' && sv_find(sv_skip(s, colon + 1), ':') < s.n - colon - 1;
	bool port = s.n > 0 && s.p[s.n - 1] != ']' && !bare6 && colon < s.n;
	char room[TCP_TEXT_MAX + 300];
	struct sv copy;

	(void)snprintf(room, sizeof(room), "%s%.*s%s%s", bare6 ? "[" : "", (int)min_size(s.n, 290), s.p,
	    bare6 ? "]" : "", port ? "" : ":53");
	copy = pool_sv(pool, (struct sv){ room, strlen(room) + 1 });
	return copy.p;
}

static int
server_add(struct pool *pool, struct ask_servers *to, const char *name, const char *address)
{
	for (size_t i = 0; i < to->n; i++)
		if (strcmp(to->s[i].address, address) == 0)
			return 0;
	if (to->n == ASK_SERVERS_MAX)
		return SE_LIMIT;
	to->s[to->n].name = pool_sv(pool, (struct sv){ name, strlen(name) + 1 }).p;
	to->s[to->n].address = pool_sv(pool, (struct sv){ address, strlen(address) + 1 }).p;
	if (to->s[to->n].name == NULL || to->s[to->n].address == NULL)
		return -ENOMEM;
	to->n++;
	return 0;
}

int
ask_given(struct pool *pool, const char *const *given, size_t n, struct ask_servers *ret)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *address = ask_address(pool, given[i]);

		rc = address == NULL ? -ENOMEM : server_add(pool, ret, given[i], address);
	}
	return rc;
}

/* --- one question --- */

static int
left_msec(int64_t end)
{
	int64_t left = (end - clock_mono_usec()) / 1000;

	return left > 0 ? (int)left : 0;
}

static int
send_all(int fd, const uint8_t *p, size_t n, int64_t end)
{
	while (n > 0) {
		long k = tcp_write(fd, p, n, false);
		int rc;

		if (k == -EAGAIN) {
			if ((rc = tcp_wait(fd, true, left_msec(end))) < 0)
				return rc;
			continue;
		}
		if (k < 0)
			return (int)k;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int
read_all(int fd, uint8_t *p, size_t n, int64_t end)
{
	while (n > 0) {
		long k = tcp_read(fd, p, n);
		int rc;

		if (k == -EAGAIN) {
			if ((rc = tcp_wait(fd, false, left_msec(end))) < 0)
				return rc;
			continue;
		}
		if (k <= 0)
			return k == 0 ? -ECONNRESET : (int)k;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static size_t
query_write(const struct ask *a, uint8_t dst[static QUERY_MAX])
{
	const struct edns e = { .present = true, .dnssec_ok = true, .udp_size = 1232 };
	size_t n = dns_query_write(dst + 2, QUERY_MAX - 2, a->id, &a->name, a->type, &e);
	struct wr w = wr_mem(dst, 2);

	if (n == 0)
		return 0;
	wr_be16(&w, (uint16_t)n);
	/* To a resolver: recursion desired, and no judgement, as a zone may be bogus already. */
	if (a->recurse) {
		dst[4] |= DNS_RD >> 8;
		dst[5] |= DNS_CD;
	}
	return n + 2;
}

static int
exchange(struct ask *a, int fd, int64_t end)
{
	uint8_t query[QUERY_MAX], head[2];
	size_t n = query_write(a, query);
	struct rd r = rd_mem(head, sizeof(head));
	int rc;

	if (n == 0)
		return -EMSGSIZE;
	if ((rc = send_all(fd, query, n, end)) < 0 || (rc = read_all(fd, head, sizeof(head), end)) < 0)
		return rc;
	a->len = rd_be16(&r);
	if ((a->wire = malloc(a->len + 1)) == NULL)
		return -ENOMEM;
	return read_all(fd, a->wire, a->len, end);
}

/* Is it the answer to the question? */
static int
answer_open(struct ask *a)
{
	uint8_t room[DNS_RDATA_MAX];
	struct dns_question q;
	struct dmsg m;

	if (dmsg_open(&m, (struct sv){ (const char *)a->wire, a->len }, room) < 0 || m.head.id != a->id ||
	    (m.head.flags & DNS_QR) == 0 || dmsg_question(&m, &q) != 1 || q.type != a->type ||
	    !dname_eq(&q.name, &a->name))
		return -EBADMSG;
	a->rcode = m.head.rcode;
	a->aa = (m.head.flags & DNS_AA) != 0;
	return 0;
}

struct batch {
	struct ask	*asks;
	int		 msec;
};

static void
ask_one(void *arg, size_t i)
{
	const struct batch *b = arg;
	struct ask *a = &b->asks[i];
	int64_t end = clock_mono_usec() + (int64_t)b->msec * 1000;
	_cleanup_(fd_close) int fd = -1;

	a->rc = tcp_connect(a->server->address, b->msec, &fd);
	if (a->rc == 0)
		a->rc = exchange(a, fd, end);
	if (a->rc == 0)
		a->rc = answer_open(a);
}

void
ask_all(struct ask *asks, size_t n, const struct ask_opts *o)
{
	struct batch b = { asks, o->timeout_sec > 0 ? (int)o->timeout_sec * 1000 : ASK_MSEC };

	for (size_t i = 0; i < n; i++)
		if (random_fill(&asks[i].id, sizeof(asks[i].id)) < 0)
			asks[i].id = (uint16_t)i;
	par_for((unsigned)min_size(n, PAR_JOBS_MAX), n, ask_one, &b);
}

void
ask_done(struct ask *asks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(asks[i].wire);
		asks[i].wire = NULL;
	}
}

int
ask_records(struct pool *pool, const struct ask *a, enum dns_section want, const struct dname *owner,
    uint16_t type, struct ask_rrs *ret)
{
	uint8_t room[DNS_RDATA_MAX];
	enum dns_section section;
	struct dns_rr rr;
	struct dmsg m;
	int rc;

	*ret = (struct ask_rrs){ .n = 0 };
	if (a->rc < 0 || dmsg_open(&m, (struct sv){ (const char *)a->wire, a->len }, room) < 0)
		return -EBADMSG;
	while ((rc = dmsg_next(&m, &section, &rr)) == 1) {
		if (section != want || rr.type != type || rr.class != DNS_CLASS_IN ||
		    (owner != NULL && !dname_eq(rr.owner, owner)) || !rdata_ok(type, rr.rdata))
			continue;
		if (ret->n == ASK_RRS_MAX)
			return SE_LIMIT;
		ret->ttl = rr.ttl;
		ret->rdata[ret->n] = pool_sv(pool, rr.rdata);
		if (ret->rdata[ret->n++].p == NULL)
			return -ENOMEM;
	}
	return rc;
}

const char *
ask_why(const struct ask *a)
{
	static const char *const rcodes[] = { NULL, "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };

	if (a->rc < 0)
		return err_str(a->rc);
	if (a->rcode != 0)
		return a->rcode < ARRAY_LEN(rcodes) ? rcodes[a->rcode] : N_("an error code");
	return N_("the answer is not authoritative");
}

bool
ask_is_unreachable(const struct ask *a)
{
	return a->rc == -ENETUNREACH || a->rc == -EADDRNOTAVAIL || a->rc == -EAFNOSUPPORT;
}

/* --- who serves --- */

static const char *
resolver_find(struct pool *pool, const struct ask_opts *o)
{
	struct sv text, line, word;
	char room[TCP_TEXT_MAX];

	if (o->resolver != NULL)
		return ask_address(pool, o->resolver);
	if (file_read(pool, FILE_CWD, RESOLV_CONF, RESOLV_CONF_MAX, &text) < 0)
		return NULL;
	while (sv_line(&text, &line)) {
		if (!sv_word(&line, &word) || !sv_eq_str(word, "nameserver") || !sv_word(&line, &word) ||
		    word.n >= sizeof(room))
			continue;
		memcpy(room, word.p, word.n);
		room[word.n] = '\0';
		return ask_address(pool, room);
	}
	return NULL;
}

/* An address of A or AAAA data. */
static int
address_add(struct pool *pool, struct sv rdata, const char *name, struct ask_servers *to)
{
	char text[IP_ADDR_STRLEN], with[TCP_TEXT_MAX];
	uint8_t addr[16] = { 0 };

	memcpy(addr, rdata.p, min_size(rdata.n, sizeof(addr)));
	if (rdata.n == 4)
		(void)snprintf(with, sizeof(with), "%s:53", ip_addr_str(addr, IP_V4, text));
	else
		(void)snprintf(with, sizeof(with), "[%s]:53", ip_addr_str(addr, IP_V6, text));
	return server_add(pool, to, name, with);
}

static int
addresses_take(struct pool *pool, const struct ask *a, struct ask_servers *to)
{
	char name[DNAME_STRLEN];
	struct ask_rrs rrs;
	int rc;

	if (a->rc < 0 || ask_records(pool, a, DNS_ANSWER, NULL, a->type, &rrs) < 0)
		return 0;
	for (size_t i = 0; i < rrs.n; i++)
		if ((rc = address_add(pool, rrs.rdata[i], dname_str(&a->name, name), to)) < 0)
			return rc;
	return 0;
}

int
ask_addresses(struct pool *pool, const struct ask_opts *o, const struct ask_rrs *names, struct ask_servers *ret)
{
	struct ask_server resolver = { "resolver", resolver_find(pool, o) };
	struct ask *asks = pool_alloc(pool, 2 * ASK_RRS_MAX * sizeof(*asks));
	size_t n = 0;
	int rc = 0;

	if (asks == NULL)
		return -ENOMEM;
	if (resolver.address == NULL)
		return -ENOENT;
	for (size_t i = 0; i < names->n; i++)
		for (unsigned six = 0; six < 2; six++) {
			struct rd r = rd_mem(names->rdata[i].p, names->rdata[i].n);

			asks[n] = (struct ask){ .server = &resolver, .recurse = true, .type = six ? RR_AAAA : RR_A };
			dname_rd(&r, &asks[n++].name);
		}
	ask_all(asks, n, o);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = addresses_take(pool, &asks[i], ret);
	ask_done(asks, n);
	return rc;
}

/* The NS set of a name that is a zone, by the resolver. */
static int
names_find(struct pool *pool, const struct ask_opts *o, const struct dname *zone, struct ask_rrs *ret)
{
	struct ask_server resolver = { "resolver", resolver_find(pool, o) };
	struct ask a = { .server = &resolver, .recurse = true, .name = *zone, .type = RR_NS };
	int rc;

	if (resolver.address == NULL)
		return -ENOENT;
	ask_all(&a, 1, o);
	rc = a.rc < 0 ? a.rc : ask_records(pool, &a, DNS_ANSWER, zone, RR_NS, ret);
	ask_done(&a, 1);
	return rc < 0 ? rc : ret->n > 0 ? 0 : -ENOENT;
}

int
ask_parents(struct pool *pool, const struct ask_opts *o, const struct dname *zone, struct ask_servers *ret)
{
	struct dname up, at = *zone;
	struct ask_rrs names;
	int rc;

	if (o->n_parent > 0)
		return ask_given(pool, o->parent, o->n_parent, ret);
	while (dname_parent(&at, &up) == 0) {
		at = up;
		rc = names_find(pool, o, &at, &names);
		if (rc == 0)
			rc = ask_addresses(pool, o, &names, ret);
		if (rc != -ENOENT)
			return rc < 0 ? rc : ret->n > 0 ? 0 : -ENOENT;
	}
	return -ENOENT;
}

/* Names of the delegation, each once. */
static void
names_add(struct pool *pool, const struct ask *a, struct ask_rrs *to)
{
	struct ask_rrs names;

	if (a->rc < 0 || ask_records(pool, a, a->aa ? DNS_ANSWER : DNS_AUTHORITY, &a->name, RR_NS, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		size_t k = 0;

		while (k < to->n && !sv_eq(to->rdata[k], names.rdata[i]))
			k++;
		if (k == to->n && to->n < ASK_RRS_MAX)
			to->rdata[to->n++] = names.rdata[i];
	}
}

/* The delegation, as the parent's servers have it. */
static int
delegation_find(struct pool *pool, const struct ask_opts *o, const struct dname *zone,
    const struct ask_servers *parents, struct ask_servers *ret)
{
	struct ask asks[ASK_SERVERS_MAX];
	struct ask_rrs all = { .n = 0 };

	for (size_t i = 0; i < parents->n; i++)
		asks[i] = (struct ask){ .server = &parents->s[i], .name = *zone, .type = RR_NS };
	ask_all(asks, parents->n, o);
	for (size_t i = 0; i < parents->n; i++)
		names_add(pool, &asks[i], &all);
	ask_done(asks, parents->n);
	return ask_addresses(pool, o, &all, ret);
}

int
ask_servers(struct pool *pool, const struct ask_opts *o, const struct dname *zone,
    const struct ask_servers *parents, struct ask_servers *ret)
{
	struct ask_rrs names;
	int rc;

	if (o->n_server > 0)
		return ask_given(pool, o->server, o->n_server, ret);
	if (names_find(pool, o, zone, &names) == 0 && (rc = ask_addresses(pool, o, &names, ret)) < 0)
		return rc;
	if ((rc = delegation_find(pool, o, zone, parents, ret)) < 0)
		return rc;
	return ret->n > 0 ? 0 : -ENOENT;
}
