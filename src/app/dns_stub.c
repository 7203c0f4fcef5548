/* Questions to a recursive resolver, repeated until they are answered. */
#include <errno.h>

#include "app/dns_stub.h"
#include "base/err.h"
#include "sys/file.h"
#include "sys/proc.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define RESOLV_MAX	(64 * 1024)

/* --- messages --- */

uint16_t
question_id(void)
{
	uint16_t id = 0;

	/* It fails where the kernel has no getrandom(): no such kernel runs our sandbox. */
	if (random_fill(&id, sizeof(id)) < 0)
		id = 0;
	return id;
}

size_t
question_write(uint8_t *buf, size_t cap, uint16_t id, const struct dname *name, uint16_t type,
    uint16_t flags, bool dnssec_ok)
{
	const struct edns e = { .present = true, .dnssec_ok = dnssec_ok, .udp_size = 1232 };
	struct dmsg_wr w;

	dmsg_begin(&w, buf, cap, &(struct dns_head){ .id = id, .flags = flags });
	if (dmsg_put_question(&w, name, type) < 0 || dmsg_put_edns(&w, &e) < 0)
		return 0;
	return dmsg_end(&w);
}

int
answer_head(struct sv wire, struct dns_head *ret)
{
	uint8_t none[1];
	struct dmsg m;

	if (dmsg_open(&m, wire, none) < 0)
		return -EBADMSG;
	*ret = m.head;
	return 0;
}

bool
answer_is(struct sv wire, uint8_t *room, uint16_t id, enum dns_opcode op, const struct dname *name,
    uint16_t type)
{
	struct dns_question q;
	struct dmsg m;

	if (dmsg_open(&m, wire, room) < 0 || m.head.id != id || m.head.opcode != op ||
	    (m.head.flags & DNS_QR) == 0)
		return false;
	/* Errors often come without their question. */
	if (m.head.n[DNS_QUESTION] == 0)
		return m.head.rcode != DNS_NOERROR;
	return m.head.n[DNS_QUESTION] == 1 && dmsg_question(&m, &q) == 1 && q.type == type &&
	    q.class == DNS_CLASS_IN && dname_eq(&q.name, name);
}

/* --- one question --- */

static bool
match(void *arg, struct sv wire)
{
	struct stub *s = arg;

	return answer_is(wire, s->all->room, s->id, DNS_OP_QUERY, &s->name, s->type);
}

static void	answered(void *arg, int rc, struct sv wire);

static uint16_t
stub_flags(const struct stub *s)
{
	return (uint16_t)(DNS_RD | (s->cd ? DNS_CD : 0) | (s->mode == DNS_STUB_SHORT ? DNS_AD : 0));
}

static int
send_it(struct stub *s)
{
	uint8_t msg[DNSASK_MESSAGE_MAX];
	struct dnsask_question q = { .to = s->all->resolver[s->tries % s->all->n_resolvers],
		.tcp = s->tcp, .msec = DNS_STUB_MSEC, .match = match, .done = answered, .arg = s };
	int rc;

	s->id = question_id();
	q.message = (struct sv){ (const char *)msg, question_write(msg, sizeof(msg), s->id, &s->name,
	    s->type, stub_flags(s), s->mode != DNS_STUB_SHORT) };
	rc = dnsask_ask(s->all->asker, &q, &s->talk);
	if (rc < 0)
		s->talk = NULL;
	return rc;
}

/* What cannot be sent there (no such family of addresses here) may be sent elsewhere. */
static int
send_somewhere(struct stub *s)
{
	int rc;

	while ((rc = send_it(s)) < 0 && rc != SE_LIMIT && s->all->n_resolvers > 1 &&
	    ++s->tries < DNS_STUB_TRIES)
		;
	return rc;
}

/* Is there another way to ask? Then it was taken. */
static bool
other_way(struct stub *s, int rc, const struct dns_head *h)
{
	/* Cut off, or somebody guesses: by TCP. */
	if (!s->tcp && (rc == SE_PEER || (rc == 0 && (h->flags & DNS_TC) != 0)))
		return s->tcp = true;
	/* It may be that it does not validate: the more reason to look. */
	if (rc == 0 && h->rcode == DNS_SERVFAIL && !s->cd && s->mode == DNS_STUB_BOGUS_TOO)
		return s->cd = true;
	return ++s->tries < DNS_STUB_TRIES;
}

static void
answered(void *arg, int rc, struct sv wire)
{
	struct dns_head h = { .rcode = DNS_SERVFAIL };
	struct stub *s = arg;

	s->talk = NULL;
	if (rc == 0)
		rc = answer_head(wire, &h);
	if (rc == 0 && (h.rcode == DNS_NOERROR || h.rcode == DNS_NXDOMAIN) && (h.flags & DNS_TC) == 0) {
		s->done(s->arg, 0, wire);
		return;
	}
	s->rcode = h.rcode;
	if (other_way(s, rc, &h) && (rc = send_somewhere(s)) == 0)
		return;
	s->all->n_failed++;
	s->done(s->arg, rc < 0 ? rc : SE_PEER, SV(""));
}

int
stub_ask(struct stub *s, struct dns_stubs *all, const struct dname *name, uint16_t type,
    enum dns_stub_mode mode, stub_fn done, void *arg)
{
	*s = (struct stub){ .all = all, .name = *name, .type = type, .mode = mode, .done = done,
	    .arg = arg };
	return send_somewhere(s);
}

void
stub_cancel(struct stub *s)
{
	dnsask_cancel(s->talk);
	s->talk = NULL;
}

/* --- whom to ask --- */

int
stubs_resolvers_read(struct dns_stubs *all, unsigned max)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(RESOLV_MAX + 4096);
	struct sv text = SV(""), line, word;
	unsigned n = 0;

	if (pool == NULL || dnsask_to_parse(SV("127.0.0.1"), &all->resolver[0]) < 0)
		return -ENOMEM;
	if (file_read(pool, FILE_CWD, RESOLV_CONF, RESOLV_MAX, &text) < 0)
		text = SV("");
	while (n < max && n < DNS_STUB_RESOLVERS_MAX && sv_line(&text, &line))
		n += sv_word(&line, &word) && sv_eq(word, SV("nameserver")) && sv_word(&line, &word) &&
		    dnsask_to_parse(word, &all->resolver[n]) == 0;
	all->n_resolvers = n == 0 ? 1 : n;
	return 0;
}
