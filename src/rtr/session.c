/* The server's side of one connection. */
#include <string.h>

#include "rtr/limits.h"
#include "rtr/rtr.h"

void
rtr_session_init(struct rtr_session *s, int64_t now)
{
	*s = (struct rtr_session){ .opened = now, .last_query = now };
}

/* --- replies --- */

static void
head_add(struct rtr_reply *r, const struct rtr_pdu *p)
{
	struct wr w = wr_mem(r->head, sizeof(r->head));

	w.len = r->head_len;
	rtr_pdu_write(&w, p);
	if (wr_done(&w))
		r->head_len = w.len;
}

static bool
reply_close(struct rtr_session *s, enum rtr_finding why, uint32_t detail, struct rtr_reply *r)
{
	s->closed = true;
	r->close = true;
	r->why = &rtr_findings[why];
	r->detail = detail;
	return true;
}

/* An Error Report about what is in s->in (nothing there: about nothing). */
static void
error_add(const struct rtr_session *s, uint8_t version, enum rtr_error_code code,
    struct rtr_reply *r)
{
	struct rtr_pdu p = {
		.head = { version, RTR_ERROR_REPORT, (uint16_t)code, 0 },
		.inner = { (const char *)s->in, s->in_len },
		.text = sv_str(rtr_error_name(code)),
	};

	if (rtr_error_defined(version, code))
		head_add(r, &p);
}

/* The version for errors: the agreed one, else the router's if we speak it. */
static uint8_t
error_version(const struct rtr_session *s, const struct rtr_view *v)
{
	if (s->negotiated)
		return s->version;
	if (s->in_len > 0 && s->in[0] >= v->min_version && s->in[0] < v->max_version)
		return s->in[0];
	return v->max_version;
}

static bool
reply_fault(struct rtr_session *s, const struct rtr_view *v, enum rtr_error_code code,
    enum rtr_finding why, uint32_t detail, struct rtr_reply *r)
{
	error_add(s, error_version(s, v), code, r);
	return reply_close(s, why, detail, r);
}

static void
response_add(struct rtr_session *s, const struct rtr_view *v, struct rtr_reply *r)
{
	uint16_t id = v->stamp.session[s->version];
	struct rtr_pdu first = { .head = { s->version, RTR_CACHE_RESPONSE, id, 0 } };
	struct rtr_pdu last = {
		.head = { s->version, RTR_END_OF_DATA, id, 0 },
		.serial = v->stamp.serial,
		.timers = v->timers,
	};
	struct wr w = wr_mem(r->tail, sizeof(r->tail));

	head_add(r, &first);
	rtr_pdu_write(&w, &last);
	r->tail_len = w.len;
	r->version = s->version;
	s->established = s->answering = true;
	s->session = id;
	s->told = v->stamp.serial;
}

static bool
answer_reset_query(struct rtr_session *s, const struct rtr_view *v, struct rtr_reply *r)
{
	response_add(s, v, r);
	r->body = RTR_BODY_FULL;
	return true;
}

/*
 * Section 5.3: an id that we agreed on and that is gone, or one of which we
 * cannot know (first contact), gets a Cache Reset; another one than the
 * agreed is a fault.
 */
static bool
answer_serial_query(struct rtr_session *s, const struct rtr_view *v,
    const struct rtr_pdu *q, struct rtr_reply *r)
{
	struct rtr_pdu reset = { .head = { s->version, RTR_CACHE_RESET, 0, 0 } };

	if (s->established && q->head.session != s->session)
		return reply_fault(s, v, RTR_ERR_CORRUPT, RTR_SESSION_MISMATCH,
		    q->head.session, r);
	if (q->head.session != v->stamp.session[s->version]) {
		head_add(r, &reset);
	} else if (q->serial == v->stamp.serial) {
		response_add(s, v, r);
	} else if (v->delta_held(v->arg, q->serial)) {
		response_add(s, v, r);
		r->body = RTR_BODY_DELTA;
		r->from = q->serial;
	} else {
		head_add(r, &reset);
	}
	return true;
}

/* --- input --- */

static bool
is_query(const struct rtr_head *h)
{
	return (h->type == RTR_SERIAL_QUERY && h->len == 12) ||
	    (h->type == RTR_RESET_QUERY && h->len == 8);
}

/* Section 7: too high may ask again (on this connection), too low may not. */
static bool
refuse_version(struct rtr_session *s, const struct rtr_view *v, const struct rtr_head *h,
    struct rtr_reply *r)
{
	if (h->version < v->min_version || !is_query(h) || ++s->refused >= REFUSED_MAX)
		return reply_fault(s, v, RTR_ERR_VERSION, RTR_VERSION_UNKNOWN, h->version, r);
	error_add(s, v->max_version, RTR_ERR_VERSION, r);
	r->why = &rtr_findings[RTR_VERSION_UNKNOWN];
	r->detail = h->version;
	return true;
}

static bool
version_spoken(const struct rtr_session *s, const struct rtr_view *v, uint8_t version)
{
	if (s->negotiated)
		return version == s->version;
	return version >= v->min_version && version <= v->max_version;
}

/* Is the head of a PDU the end of the talk? It is one that we shall not read on. */
static bool
head_fault(struct rtr_session *s, const struct rtr_view *v, const struct rtr_head *h,
    struct rtr_reply *r)
{
	if (h->type == RTR_ERROR_REPORT)	/* never answered: section 5.11 */
		return reply_close(s, RTR_ERROR_REPORT_RECEIVED, h->session, r);
	if (!version_spoken(s, v, h->version)) {
		if (s->negotiated)
			return reply_fault(s, v,
			    s->version == 0 ? RTR_ERR_VERSION : RTR_ERR_VERSION_CHANGED,
			    RTR_VERSION_CHANGED, h->version, r);
		/* A query is taken whole, so that the next one can be read. */
		return is_query(h) ? false : refuse_version(s, v, h, r);
	}
	switch (rtr_head_check(h)) {
	case RTR_PDU_OK:
		break;
	case RTR_PDU_BAD_TYPE:
		return reply_fault(s, v, RTR_ERR_TYPE, RTR_PDU_TYPE, h->type, r);
	default:
		return reply_fault(s, v, RTR_ERR_CORRUPT, RTR_PDU_LENGTH, h->len, r);
	}
	if (!is_query(h))
		return reply_fault(s, v, RTR_ERR_REQUEST, RTR_PDU_SEQUENCE, h->type, r);
	return false;
}

/* A whole query lies in s->in. */
static bool
query_answer(struct rtr_session *s, const struct rtr_view *v, int64_t now,
    const struct rtr_head *h, struct rtr_reply *r)
{
	struct rtr_pdu q;

	if (!version_spoken(s, v, h->version))
		return refuse_version(s, v, h, r);
	if (rtr_pdu_parse((struct sv){ (const char *)s->in, s->in_len }, &q) != RTR_PDU_OK)
		return reply_fault(s, v, RTR_ERR_CORRUPT, RTR_PDU_LENGTH, h->len, r);
	s->negotiated = true;
	s->version = h->version;
	s->last_query = now;
	s->n_queries++;
	if (!v->has_data) {
		error_add(s, s->version, RTR_ERR_NO_DATA, r);
		return true;
	}
	if (h->type == RTR_RESET_QUERY)
		return answer_reset_query(s, v, r);
	return answer_serial_query(s, v, &q, r);
}

static bool
in_fill(struct rtr_session *s, struct rd *in, size_t want)
{
	size_t n = min_size(want - s->in_len, rd_left(in));
	const uint8_t *p = rd_bytes(in, n);

	if (n > 0)
		memcpy(s->in + s->in_len, p, n);
	s->in_len += n;
	return s->in_len == want;
}

bool
rtr_session_input(struct rtr_session *s, const struct rtr_view *v, int64_t now,
    struct rd *in, struct rtr_reply *ret)
{
	struct rtr_head h;
	bool more;

	memset(ret, 0, sizeof(*ret));
	if (s->closed || s->sending)
		return false;
	if (s->in_len < RTR_HEAD_LEN && !in_fill(s, in, RTR_HEAD_LEN))
		return false;
	rtr_head_parse(s->in, &h);
	/* What has come of it is sent back with an error; nobody waits for more. */
	if (h.len > s->in_len && s->in_len < RTR_INNER_MAX)
		(void)in_fill(s, in, min_size(h.len, RTR_INNER_MAX));
	if (head_fault(s, v, &h, ret)) {
		more = true;
	} else {
		if (s->in_len < h.len)
			return false;
		more = query_answer(s, v, now, &h, ret);
	}
	s->in_len = 0;
	s->sending = ret->head_len > 0;
	s->send_began = s->last_progress = now;
	return more;
}

void
rtr_session_progress(struct rtr_session *s, int64_t now)
{
	s->last_progress = now;
}

void
rtr_session_sent(struct rtr_session *s, int64_t now)
{
	if (s->answering)
		s->serial = s->told;
	s->sending = s->answering = false;
	s->last_progress = now;
}

/* --- time --- */

static bool
tick_stalled(struct rtr_session *s, const struct rtr_view *v, int64_t now,
    struct rtr_reply *r)
{
	/* In the midst of a PDU no Error Report can be sent. */
	if (now - s->last_progress > (int64_t)STALL_RETRIES * v->timers.retry_sec)
		return reply_close(s, RTR_ROUTER_STALLED,
		    (uint32_t)(now - s->last_progress), r);
	/* A trickle does not help: by now the router has thrown its data away. */
	if (now - s->send_began > v->timers.expire_sec)
		return reply_close(s, RTR_ROUTER_STALLED,
		    (uint32_t)(now - s->send_began), r);
	return false;
}

static bool
tick_notify(struct rtr_session *s, const struct rtr_view *v, int64_t now,
    struct rtr_reply *r)
{
	struct rtr_pdu p = {
		.head = { s->version, RTR_SERIAL_NOTIFY, s->session, 0 },
		.serial = v->stamp.serial,
	};

	if (!s->established || !v->has_data || v->stamp.serial == s->told)
		return false;
	/* Serials of another session say nothing; a Cache Reset will tell. */
	if (v->stamp.session[s->version] != s->session)
		return false;
	if (s->notified && now - s->last_notify < NOTIFY_SEC)
		return false;
	head_add(r, &p);
	s->notified = true;
	s->last_notify = now;
	s->told = v->stamp.serial;
	s->sending = true;
	s->send_began = s->last_progress = now;
	return true;
}

bool
rtr_session_tick(struct rtr_session *s, const struct rtr_view *v, int64_t now,
    struct rtr_reply *ret)
{
	int64_t silent = now - s->last_query, limit = FIRST_QUERY_SEC;

	memset(ret, 0, sizeof(*ret));
	if (s->closed)
		return false;
	if (s->sending)
		return tick_stalled(s, v, now, ret);
	if (s->negotiated)
		limit = (int64_t)v->timers.expire_sec + v->timers.refresh_sec;
	if (silent > limit)
		return reply_close(s, RTR_ROUTER_SILENT, (uint32_t)silent, ret);
	return tick_notify(s, v, now, ret);
}

bool
rtr_session_end(struct rtr_session *s, enum rtr_error_code code, struct rtr_reply *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (s->closed)
		return false;
	s->in_len = 0;			/* it is not about what the router said */
	if (s->negotiated && !s->sending)
		error_add(s, s->version, code, ret);
	s->closed = true;
	ret->close = true;
	return true;
}
