/* The client's side: ask, collect, check; a set is changed at End of Data only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "rtr/client_internal.h"

struct rtr_client *
rtr_client_new(uint8_t version, struct findings *fs)
{
	struct rtr_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fs = fs;
	c->version = version;
	c->timers = RTR_TIMERS_DEFAULT;
	c->buf = malloc(RTR_PDU_MAX);
	if (c->buf == NULL || payloads_ta(&c->set, SV("-")) < 0)
		return rtr_client_free(c);
	return c;
}

static void
ops_forget(struct rtr_client *c)
{
	for (size_t i = 0; i < c->n_aspa_ops; i++)
		free(c->aspa_ops[i].providers);
	free(c->ops);
	free(c->aspa_ops);
	free(c->key_ops);
	c->ops = NULL;
	c->aspa_ops = NULL;
	c->key_ops = NULL;
	c->n_key_ops = c->cap_key_ops = 0;
	c->n_ops = c->cap_ops = c->n_aspa_ops = c->cap_aspa_ops = 0;
	c->n_providers = 0;
	c->n_disorder = 0;
	c->has_last = false;
	c->counting = (struct rtr_client_counts){ 0 };
}

static void
set_forget(struct rtr_client *c)
{
	payloads_done(&c->set);
	(void)payloads_ta(&c->set, SV("-"));
	c->held = false;
}

struct rtr_client *
rtr_client_free(struct rtr_client *c)
{
	if (c == NULL)
		return NULL;
	ops_forget(c);
	payloads_done(&c->set);
	free(c->buf);
	free(c);
	return NULL;
}

void
rtr_client_connect(struct rtr_client *c)
{
	ops_forget(c);
	c->len = 0;
	c->state = IDLE;
	c->negotiated = c->notified = false;
}

void
rtr_client_ask(struct rtr_client *c, struct wr *out)
{
	struct rtr_pdu q = {
		.head = { c->version, RTR_RESET_QUERY, 0, 0 },
		.serial = c->serial,
	};

	if (c->held) {
		q.head.type = RTR_SERIAL_QUERY;
		q.head.session = c->session;
	}
	c->asked_reset = !c->held;
	c->state = ASKED;
	rtr_pdu_write(out, &q);
}

/* --- faults --- */

/* Tell the peer (never about its own error report) and give up. */
static enum rtr_event
peer_fault(struct rtr_client *c, enum rtr_error_code code, const struct sv pdu, struct wr *out)
{
	struct rtr_pdu e = {
		.head = { c->version, RTR_ERROR_REPORT, (uint16_t)code, 0 },
		.inner = sv_take(pdu, RTR_INNER_MAX),
		.text = sv_str(rtr_error_name(code)),
	};

	if (!rtr_error_defined(c->version, code))
		e.head.session = RTR_ERR_CORRUPT;
	rtr_pdu_write(out, &e);
	ops_forget(c);
	set_forget(c);
	c->state = IDLE;
	return RTR_EV_FAILED;
}

static enum rtr_event
sequence_fault(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out)
{
	finding_add(c->fs, &rtr_findings[RTR_PDU_SEQUENCE], FA_U("type", p->head.type));
	return peer_fault(c, RTR_ERR_CORRUPT, p->raw, out);
}

static enum rtr_event
session_fault(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out)
{
	finding_add(c->fs, &rtr_findings[RTR_SESSION_MISMATCH], FA_U("session", p->head.session));
	return peer_fault(c, RTR_ERR_CORRUPT, p->raw, out);
}

enum rtr_event
rtr_client_vrp_fault(struct rtr_client *c, const struct vrp *v, enum rtr_finding f,
    enum rtr_error_code code, struct wr *out)
{
	struct ip_prefix px = { .len = v->len, .af = v->af };
	uint8_t pdu[RTR_IPV6_LEN];
	struct wr w = wr_mem(pdu, sizeof(pdu));

	memcpy(px.addr, v->addr, sizeof(px.addr));
	finding_add(c->fs, &rtr_findings[f], FA_PREFIX("payload", px), FA_ASN("asn", v->asn));
	vrp_pdu_write(&w, c->version, f == RTR_DUPLICATE, v);
	return peer_fault(c, code, (struct sv){ (const char *)pdu, w.len }, out);
}

enum rtr_event
rtr_client_aspa_fault(struct rtr_client *c, uint32_t customer, enum rtr_finding f,
    enum rtr_error_code code, struct wr *out)
{
	uint8_t pdu[RTR_ASPA_MIN];
	struct wr w = wr_mem(pdu, sizeof(pdu));

	finding_add(c->fs, &rtr_findings[f], FA_STR("payload", "ASPA"), FA_ASN("asn", customer));
	aspa_pdu_write(&w, c->version, f == RTR_DUPLICATE, customer, NULL, 0);
	return peer_fault(c, code, (struct sv){ (const char *)pdu, w.len }, out);
}

enum rtr_event
rtr_client_key_fault(struct rtr_client *c, const struct router_key *k, enum rtr_finding f,
    enum rtr_error_code code, struct wr *out)
{
	uint8_t pdu[RTR_KEY_MIN + ROUTER_SPKI_MAX];
	struct wr w = wr_mem(pdu, sizeof(pdu));

	finding_add(c->fs, &rtr_findings[f], FA_STR("payload", "Router Key"),
	    FA_ASN("asn", k->asn));
	router_key_pdu_write(&w, c->version, f == RTR_DUPLICATE, k);
	return peer_fault(c, code, (struct sv){ (const char *)pdu, w.len }, out);
}

/* --- order: 8210bis section 11.2 --- */

static int
customer_cmp(const struct rtr_pdu *a, const struct rtr_pdu *b)
{
	return a->customer < b->customer ? -1 : a->customer > b->customer;
}

/* Below 0: what came last precedes b (with its key), as it should. */
static int
order_cmp(const struct rtr_client *client, const struct rtr_pdu *b, const struct router_key *key)
{
	const struct rtr_pdu *a = &client->last;
	int c;

	if (a->head.type != b->head.type)
		return a->head.type < b->head.type ? -1 : 1;
	if (a->announce != b->announce)
		return a->announce ? -1 : 1;
	if (a->head.type == RTR_ASPA)
		return customer_cmp(a, b);
	if (a->head.type == RTR_ROUTER_KEY)
		return router_key_cmp(&client->last_key, key);
	c = vrp_cmp(&a->vrp, &b->vrp);
	return a->announce ? -c : c;
}

/* NULL: what came is no router key. */
static const struct router_key *
key_of(const struct rtr_pdu *p, struct router_key *room)
{
	struct rd body = rd_sv(p->inner);

	if (p->head.type != RTR_ROUTER_KEY || router_key_pdu_parse(&body, room) < 0)
		return NULL;
	return room;
}

static void
order_check(struct rtr_client *c, const struct rtr_pdu *p)
{
	struct router_key room;
	const struct router_key *key = key_of(p, &room);

	if (c->version == RTR_VERSION_MAX && c->has_last && order_cmp(c, p, key) >= 0)
		c->n_disorder++;
	if (key != NULL)
		c->last_key = *key;
	c->last = *p;
	c->has_last = true;
}

/* --- payloads as they come --- */

static int
array_room(void **p, size_t n, size_t *cap, size_t size, size_t max)
{
	size_t want = *cap == 0 ? 1024 : *cap * 2;
	void *q;

	if (n < *cap)
		return 0;
	if (n >= max)
		return -E2BIG;
	if ((q = reallocarray(*p, want, size)) == NULL)
		return -ENOMEM;
	*p = q;
	*cap = want;
	return 0;
}

static int
prefix_take(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out UNUSED)
{
	void *ops = c->ops;
	int rc = array_room(&ops, c->n_ops, &c->cap_ops, sizeof(*c->ops), 2 * CLIENT_VRPS_MAX);

	c->ops = ops;
	if (rc < 0)
		return rc;
	c->ops[c->n_ops] = (struct op){ p->vrp, (uint32_t)c->n_ops, p->announce };
	c->n_ops++;
	c->counting.n_announce += p->announce;
	c->counting.n_withdraw += !p->announce;
	return RTR_EV_MORE;
}

static bool
providers_ok(const struct rtr_pdu *p)
{
	struct rd r = p->providers;
	size_t n = rd_left(&r) / 4;
	uint32_t last = 0;

	if (!p->announce)
		return n == 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t as = rd_be32(&r);

		if ((i > 0 && as <= last) || (as == 0 && n > 1))
			return false;
		last = as;
	}
	return n > 0;
}

static int
aspa_take(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out)
{
	struct rd r = p->providers;
	struct aspa_op op = { p->customer, (uint32_t)c->n_aspa_ops,
	    (uint32_t)(rd_left(&r) / 4), NULL, p->announce };
	void *ops = c->aspa_ops;
	int rc;

	if (!providers_ok(p)) {
		finding_add(c->fs, &rtr_findings[RTR_ASPA_PROVIDERS],
		    FA_ASN("customer", p->customer));
		return (int)peer_fault(c, RTR_ERR_ASPA, p->raw, out);
	}
	rc = array_room(&ops, c->n_aspa_ops, &c->cap_aspa_ops, sizeof(*c->aspa_ops),
	    2 * CLIENT_ASPAS_MAX);
	c->aspa_ops = ops;
	if (rc < 0)
		return rc;
	if ((c->n_providers += op.n) > CLIENT_PROVIDERS_MAX)
		return -E2BIG;
	if ((op.providers = calloc((size_t)op.n + 1, sizeof(*op.providers))) == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < op.n; i++)
		op.providers[i] = rd_be32(&r);
	c->aspa_ops[c->n_aspa_ops++] = op;
	c->counting.n_aspa_announce += op.announce;
	c->counting.n_aspa_withdraw += !op.announce;
	return RTR_EV_MORE;
}

static int
router_key_take(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out UNUSED)
{
	struct key_op op = { .seq = (uint32_t)c->n_key_ops, .announce = p->announce };
	struct rd body = rd_sv(p->inner);
	void *ops = c->key_ops;
	int rc = array_room(&ops, c->n_key_ops, &c->cap_key_ops, sizeof(*c->key_ops),
	    2 * CLIENT_KEYS_MAX);

	c->key_ops = ops;
	if (rc < 0 || (rc = router_key_pdu_parse(&body, &op.key)) < 0)
		return rc;
	op.key.expires = TIME_NEVER;
	c->key_ops[c->n_key_ops++] = op;
	c->counting.n_key_announce += op.announce;
	c->counting.n_key_withdraw += !op.announce;
	return RTR_EV_MORE;
}

/* --- PDU by PDU --- */

static int
eod_take(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out)
{
	int rc;

	if (p->head.session != c->session)
		return (int)session_fault(c, p, out);
	if (c->n_disorder > 0)
		finding_add(c->fs, &rtr_findings[RTR_ORDER], FA_U("count", c->n_disorder));
	if (p->has_timers) {
		c->timers = p->timers;
		if (!rtr_timers_ok(&p->timers))
			finding_add(c->fs, &rtr_findings[RTR_TIMERS],
			    FA_U("refresh", p->timers.refresh_sec),
			    FA_U("retry", p->timers.retry_sec),
			    FA_U("expire", p->timers.expire_sec));
	}
	if (c->asked_reset)
		set_forget(c);
	if ((rc = rtr_client_vrps_commit(c, out)) != RTR_EV_MORE ||
	    (rc = rtr_client_keys_commit(c, out)) != RTR_EV_MORE ||
	    (rc = rtr_client_aspas_commit(c, out)) != RTR_EV_MORE)
		return rc;
	c->counts = c->counting;
	c->serial = p->serial;
	c->held = true;
	ops_forget(c);
	c->state = IDLE;
	return RTR_EV_DATA;
}

static int
response_take(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out)
{
	if (!c->asked_reset && p->head.session != c->session)
		return (int)session_fault(c, p, out);
	c->session = p->head.session;
	c->negotiated = true;
	c->state = RECEIVING;
	ops_forget(c);
	return RTR_EV_MORE;
}

static int
reset_take(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out)
{
	if (c->asked_reset)
		return (int)sequence_fault(c, p, out);
	c->held = false;		/* ask for all; the set stays until it has come */
	c->negotiated = true;
	c->state = IDLE;
	return RTR_EV_RESET;
}

static int
notify_take(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out)
{
	if (!c->negotiated)		/* section 7: of no use yet */
		return RTR_EV_MORE;
	if (p->head.session != c->session)
		return (int)session_fault(c, p, out);
	if (c->state != IDLE) {
		c->notified = true;
		return RTR_EV_MORE;
	}
	return p->serial == c->serial ? RTR_EV_MORE : RTR_EV_NOTIFY;
}

static int
error_take(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out UNUSED)
{
	uint16_t code = p->head.session;

	if (code == RTR_ERR_NO_DATA) {
		c->negotiated = true;
		c->state = IDLE;
		return RTR_EV_NO_DATA;
	}
	if (code == RTR_ERR_VERSION && !c->negotiated && p->head.version < c->version) {
		c->version = p->head.version;
		set_forget(c);
		return RTR_EV_DOWNGRADE;
	}
	finding_add(c->fs, &rtr_findings[RTR_ERROR_REPORT_RECEIVED], FA_U("code", code),
	    FA_STR("name", rtr_error_name(code)), FA_SV("text", p->text));
	if (code == RTR_ERR_RESTART || code == RTR_ERR_SHUTDOWN) {
		if (code == RTR_ERR_SHUTDOWN)
			set_forget(c);
		return RTR_EV_GOING;
	}
	if (code != RTR_ERR_VERSION)
		set_forget(c);
	return RTR_EV_FAILED;
}

/* In which states a PDU may come, and what is done with it. */
static const struct take_row {
	uint8_t	 type;
	uint8_t	 states;
	bool	 is_payload;
	int	(*take)(struct rtr_client *, const struct rtr_pdu *, struct wr *out);
} takes[] = {
	{ RTR_SERIAL_NOTIFY, 1 << IDLE | 1 << ASKED | 1 << RECEIVING, false, notify_take },
	{ RTR_CACHE_RESPONSE, 1 << ASKED, false, response_take },
	{ RTR_CACHE_RESET, 1 << ASKED, false, reset_take },
	{ RTR_IPV4_PREFIX, 1 << RECEIVING, true, prefix_take },
	{ RTR_IPV6_PREFIX, 1 << RECEIVING, true, prefix_take },
	{ RTR_ROUTER_KEY, 1 << RECEIVING, true, router_key_take },
	{ RTR_ASPA, 1 << RECEIVING, true, aspa_take },
	{ RTR_END_OF_DATA, 1 << RECEIVING, false, eod_take },
	{ RTR_ERROR_REPORT, 1 << IDLE | 1 << ASKED | 1 << RECEIVING, false, error_take },
};

static int
pdu_take(struct rtr_client *c, const struct rtr_pdu *p, struct wr *out)
{
	for (size_t i = 0; i < ARRAY_LEN(takes); i++) {
		const struct take_row *t = &takes[i];

		if (t->type != p->head.type)
			continue;
		if ((t->states & 1 << c->state) == 0)
			break;
		if (t->is_payload)
			order_check(c, p);
		return t->take(c, p, out);
	}
	return (int)sequence_fault(c, p, out);
}

static enum rtr_event
bad_pdu(struct rtr_client *c, enum rtr_pdu_fault fault, const struct rtr_head *h, struct wr *out)
{
	struct sv raw = { (const char *)c->buf, c->len };

	switch (fault) {
	case RTR_PDU_BAD_TYPE:
		finding_add(c->fs, &rtr_findings[RTR_PDU_TYPE], FA_U("type", h->type),
		    FA_U("version", h->version));
		return peer_fault(c, RTR_ERR_TYPE, raw, out);
	case RTR_PDU_BAD_VALUE:
		finding_add(c->fs, &rtr_findings[RTR_PDU_VALUE], FA_U("type", h->type));
		return peer_fault(c, RTR_ERR_CORRUPT, raw, out);
	default:
		finding_add(c->fs, &rtr_findings[RTR_PDU_LENGTH], FA_U("type", h->type),
		    FA_U("length", h->len));
		return peer_fault(c, RTR_ERR_CORRUPT, raw, out);
	}
}

/*
 * The version of what came, against ours. While nothing is agreed a lower
 * one that we speak is a downgrade, and a Serial Notify or an Error Report
 * may carry any.
 */
static bool
version_ok(struct rtr_client *c, const struct rtr_head *h)
{
	if (h->version > RTR_VERSION_MAX)
		return false;
	if (h->version == c->version || h->type == RTR_ERROR_REPORT)
		return true;
	if (c->negotiated)
		return false;
	if (h->type == RTR_SERIAL_NOTIFY)
		return true;
	if (h->version > c->version || h->type != RTR_CACHE_RESPONSE)
		return false;
	c->version = h->version;
	return true;
}

static enum rtr_event
bad_version(struct rtr_client *c, const struct rtr_head *h, struct wr *out)
{
	struct sv raw = { (const char *)c->buf, c->len };

	finding_add(c->fs, &rtr_findings[RTR_VERSION_CHANGED], FA_U("version", h->version));
	return peer_fault(c, c->version == 0 ? RTR_ERR_VERSION : RTR_ERR_VERSION_CHANGED,
	    raw, out);
}

static bool
buf_fill(struct rtr_client *c, struct rd *in, size_t want)
{
	size_t n = c->len < want ? min_size(want - c->len, rd_left(in)) : 0;

	if (n > 0)
		memcpy(c->buf + c->len, rd_bytes(in, n), n);
	c->len += n;
	return c->len >= want;
}

/* One PDU; RTR_EV_MORE with bytes left means "go on". */
static int
one_pdu(struct rtr_client *c, struct rd *in, struct wr *out, bool *ret_starved)
{
	enum rtr_pdu_fault fault;
	struct rtr_head h;
	struct rtr_pdu p;
	int ev;

	*ret_starved = true;
	if (!buf_fill(c, in, RTR_HEAD_LEN))
		return RTR_EV_MORE;
	rtr_head_parse(c->buf, &h);
	if (!version_ok(c, &h))
		return (int)bad_version(c, &h, out);
	if ((fault = rtr_head_check(&h)) != RTR_PDU_OK)
		return (int)bad_pdu(c, fault, &h, out);
	if (!buf_fill(c, in, h.len))
		return RTR_EV_MORE;
	*ret_starved = false;
	fault = rtr_pdu_parse((struct sv){ (const char *)c->buf, c->len }, &p);
	if (fault != RTR_PDU_OK && h.type == RTR_ERROR_REPORT)
		return RTR_EV_FAILED;	/* section 5.11: no answer to that */
	ev = fault != RTR_PDU_OK ? (int)bad_pdu(c, fault, &h, out) : pdu_take(c, &p, out);
	c->len = 0;
	return ev;
}

int
rtr_client_input(struct rtr_client *c, struct rd *in, struct wr *out)
{
	bool starved = false;
	int ev = RTR_EV_MORE;

	if (c->state == IDLE && c->notified) {
		c->notified = false;
		return RTR_EV_NOTIFY;
	}
	while (ev == RTR_EV_MORE && !starved)
		ev = one_pdu(c, in, out, &starved);
	return ev;
}

enum rtr_event
rtr_client_closed(struct rtr_client *c)
{
	if (c->negotiated || c->version == 0)
		return RTR_EV_FAILED;
	c->version--;
	set_forget(c);
	return RTR_EV_DOWNGRADE;
}

uint8_t
rtr_client_version(const struct rtr_client *c)
{
	return c->version;
}

uint16_t
rtr_client_session(const struct rtr_client *c)
{
	return c->session;
}

uint32_t
rtr_client_serial(const struct rtr_client *c)
{
	return c->serial;
}

const struct rtr_timers *
rtr_client_timers(const struct rtr_client *c)
{
	return &c->timers;
}

const struct rtr_client_counts *
rtr_client_counts(const struct rtr_client *c)
{
	return &c->counts;
}

const struct payloads *
rtr_client_payloads(const struct rtr_client *c)
{
	return &c->set;
}
