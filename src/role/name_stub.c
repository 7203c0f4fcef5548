/* Questions to the resolver, repeated until they are answered; see role/name_role.h. */
#include <errno.h>

#include "base/err.h"
#include "role/name_role.h"
#include "sys/proc.h"

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
    uint16_t flags)
{
	const struct edns e = { .present = true, .dnssec_ok = true, .udp_size = 1232 };
	struct dmsg_wr w;

	dmsg_begin(&w, buf, cap, &(struct dns_head){ .id = id, .flags = flags });
	if (dmsg_put_question(&w, name, type) < 0 || dmsg_put_edns(&w, &e) < 0)
		return 0;
	return dmsg_end(&w);
}

static bool
match(void *arg, struct sv wire)
{
	struct stub *s = arg;

	return answer_is(wire, s->nr->room, s->id, DNS_OP_QUERY, &s->name, s->type);
}

static void	answered(void *arg, int rc, struct sv wire);

static int
send_it(struct stub *s)
{
	uint8_t msg[DNSASK_MESSAGE_MAX];
	struct dnsask_question q = { .to = s->nr->resolver, .tcp = s->tcp, .msec = NAME_STUB_MSEC,
		.match = match, .done = answered, .arg = s };
	int rc;

	s->id = question_id();
	q.message = (struct sv){ (const char *)msg, question_write(msg, sizeof(msg), s->id, &s->name,
	    s->type, (uint16_t)(DNS_RD | (s->cd ? DNS_CD : 0))) };
	rc = dnsask_ask(s->nr->asker, &q, &s->talk);
	if (rc < 0)
		s->talk = NULL;
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
	if (rc == 0 && h->rcode == DNS_SERVFAIL && !s->cd && !s->strict)
		return s->cd = true;
	return ++s->tries < NAME_STUB_TRIES;
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
	if (other_way(s, rc, &h) && (rc = send_it(s)) == 0)
		return;
	s->nr->n_stub_failed++;
	s->done(s->arg, rc < 0 ? rc : SE_PEER, SV(""));
}

int
stub_ask(struct stub *s, struct name_role *nr, const struct dname *name, uint16_t type, bool strict,
    stub_fn done, void *arg)
{
	*s = (struct stub){ .nr = nr, .name = *name, .type = type, .strict = strict, .done = done,
	    .arg = arg };
	return send_it(s);
}

void
stub_cancel(struct stub *s)
{
	dnsask_cancel(s->talk);
	s->talk = NULL;
}
