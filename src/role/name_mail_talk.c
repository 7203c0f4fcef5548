/* What one server gives for the record of a key of mail: see role/name_mail.h. */
#include <errno.h>

#include "base/err.h"
#include "base/tr.h"
#include "mail/dkim.h"
#include "role/name_mail.h"

static const uint16_t steps[] = { RR_TXT, RR_SOA };

static struct key_server *
server_of(const struct key_ask *a)
{
	return &a->look->servers[a->index];
}

static const struct dname *
name_of(const struct key_ask *a)
{
	return steps[server_of(a)->step] == RR_TXT ? &a->look->name : &a->look->zone;
}

/* --- what it says --- */

/* Tags that do not change the key may differ. */
static bool
is_same(struct pool *pool, struct sv text, struct sv record)
{
	struct dkim_key got, want;

	if (record.n == 0)
		return true;
	return text.p != NULL && dkim_key_parse(pool, text, &got) == 0 &&
	    dkim_key_parse(pool, record, &want) == 0 && got.why == DKIM_FINE &&
	    want.why == DKIM_FINE && got.type == want.type && sv_eq(got.public_key, want.public_key);
}

/* RFC 6376 section 3.6.2.2: "TXT RRs MUST be unique for a particular selector name". */
static void
record_judge(struct key_server *s, const struct key_look *l, struct pool *pool,
    const struct answer_set *set)
{
	s->at = KEY_AT_OTHER;
	s->ttl = set->ttl;
	if (set->n == 0)
		s->why = N_("no such record");
	else if (set->n > 1)
		s->why = N_("several records; there may be one");
	else if (!is_same(pool, mail_txt(pool, sv_skip(set->rrs, 2)), l->record))
		s->why = N_("another record");
	else {
		s->at = KEY_AT_HAS;
		s->why = NULL;
		s->ttl = 0;		/* what is remembered of it is right */
	}
}

/* An alias leads to another zone, whose servers are not asked. */
static bool
is_alias(const struct key_ask *a, struct sv wire)
{
	struct name_role *nr = a->look->nr;
	struct wr w = wr_mem(nr->out, sizeof(nr->out));
	struct answer_set set;

	return answer_set(wire, nr->room, &a->look->name, RR_CNAME, &w, &set) == 0 && set.n > 0;
}

/* false: it says nothing that counts. */
static bool
record_answered(struct key_ask *a, struct sv wire)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(KEY_POOL_MAX);
	struct key_server *s = server_of(a);
	struct name_role *nr = a->look->nr;
	struct wr w = wr_mem(nr->out, sizeof(nr->out));
	struct answer_set set;

	if (pool == NULL)
		return false;
	if (is_alias(a, wire)) {
		s->why = N_("an alias; what it leads to is not looked at");
		return false;
	}
	if (answer_set(wire, nr->room, &a->look->name, RR_TXT, &w, &set) < 0) {
		s->why = N_("an answer that cannot be read");
		return false;
	}
	record_judge(s, a->look, pool, &set);
	return true;
}

/* RFC 2308 section 5: the lesser of the SOA's MINIMUM and TTL. */
static bool
negative_ttl(const struct key_ask *a, struct sv wire, uint32_t *ret)
{
	enum dns_section section;
	struct dns_rr rr;
	struct dmsg m;
	struct rd r;

	if (dmsg_open(&m, wire, a->look->nr->room) < 0)
		return false;
	while (dmsg_next(&m, &section, &rr) > 0) {
		if (rr.type != RR_SOA || section == DNS_ADDITIONAL || !rdata_ok(RR_SOA, rr.rdata))
			continue;
		r = rd_sv(sv_skip(rr.rdata, rr.rdata.n - 4));
		*ret = (uint32_t)min_i64(rd_be32(&r), rr.ttl);
		return true;
	}
	return false;
}

static void
soa_answered(struct key_ask *a, struct sv wire)
{
	struct key_server *s = server_of(a);
	uint32_t ttl;

	if (!negative_ttl(a, wire, &ttl)) {
		s->at = KEY_AT_SILENT;
		s->why = N_("no SOA; how long answers are kept is not known");
	} else if (ttl > s->ttl)
		s->ttl = ttl;
}

/* true: and now the next question. */
static bool
step_answered(struct key_ask *a, struct sv wire)
{
	if (steps[server_of(a)->step] == RR_TXT)
		return record_answered(a, wire);
	soa_answered(a, wire);
	return false;
}

/* --- the talk --- */

static bool
match(void *arg, struct sv wire)
{
	const struct key_ask *a = arg;

	return answer_is(wire, a->look->nr->room, a->id, DNS_OP_QUERY, name_of(a),
	    steps[server_of(a)->step]);
}

static size_t
step_write(struct key_ask *a, uint8_t *buf, size_t cap)
{
	a->id = question_id();
	return question_write(buf, cap, a->id, name_of(a), steps[server_of(a)->step], 0, false);
}

static void
over(struct key_ask *a)
{
	a->busy = false;
	a->talk = NULL;
	server_of(a)->phase = LOOK_DONE;
}

/* Once more from the beginning, or it is silent. */
static void
failed(struct key_ask *a)
{
	struct key_server *s = server_of(a);

	over(a);
	s->at = KEY_AT_SILENT;
	s->step = 0;
	if (++s->tries < NAME_ASK_TRIES)
		s->phase = LOOK_NOT_YET;
	else
		s->why = N_("no answer");
}

static bool
has_authority(struct sv wire, struct key_server *s)
{
	struct dns_head h;

	if (answer_head(wire, &h) == 0 && (h.flags & DNS_AA) != 0 && (h.flags & DNS_TC) == 0 &&
	    (h.rcode == DNS_NOERROR || h.rcode == DNS_NXDOMAIN))
		return true;
	s->at = KEY_AT_SILENT;
	s->why = N_("it does not serve the zone");
	return false;
}

static void
answered(void *arg, int rc, struct sv wire)
{
	struct key_ask *a = arg;
	struct key_server *s = server_of(a);
	uint8_t msg[DNSASK_MESSAGE_MAX];
	struct key_look *l = a->look;

	if (rc < 0)
		failed(a);
	else if (!has_authority(wire, s) || !step_answered(a, wire))
		over(a);
	else {
		s->step++;
		if (dnsask_more(a->talk, (struct sv){ (const char *)msg, step_write(a, msg, sizeof(msg)) }) < 0)
			failed(a);
	}
	key_look_pump(l);
}

void
key_server_ask(struct key_ask *a)
{
	struct key_server *s = server_of(a);
	uint8_t msg[DNSASK_MESSAGE_MAX];
	struct dnsask_question q = { .to = { s->addr, DNSASK_PORT }, .tcp = true, .msec = NAME_ASK_MSEC,
		.match = match, .done = answered, .arg = a };
	int rc;

	q.message = (struct sv){ (const char *)msg, step_write(a, msg, sizeof(msg)) };
	if ((rc = dnsask_ask(a->look->nr->stubs.asker, &q, &a->talk)) < 0) {
		over(a);
		s->no_route = rc == -ENETUNREACH;
		if (s->no_route)
			s->why = N_("no route to it");
		return;
	}
	a->busy = true;
	s->phase = LOOK_ASKED;
}
