/*
 * RTR bytes from a stranger: as one PDU (parse, write, parse again), as what
 * a router says to our server, and as what a cache says to our client.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rtr/rtr.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
round_trip(struct sv raw)
{
	static uint8_t a[RTR_PDU_MAX], b[RTR_PDU_MAX];
	struct wr wa = wr_mem(a, sizeof(a)), wb = wr_mem(b, sizeof(b));
	struct rtr_pdu p, q;

	if (rtr_pdu_parse(raw, &p) != RTR_PDU_OK)
		return;
	rtr_pdu_write(&wa, &p);
	/* Reserved bits are ignored and written as zero, so: the second time. */
	if (!wr_done(&wa) || wa.len != raw.n ||
	    rtr_pdu_parse((struct sv){ (const char *)a, wa.len }, &q) != RTR_PDU_OK)
		abort();
	rtr_pdu_write(&wb, &q);
	if (wb.len != wa.len || memcmp(a, b, wa.len) != 0)
		abort();
}

static bool
delta_held(void *arg UNUSED, uint32_t from)
{
	return (from & 1) != 0;
}

/* All that we say must be PDUs; a closed session says nothing more. */
static void
reply_check(const struct rtr_session *s, const struct rtr_reply *r)
{
	struct rd head = rd_mem(r->head, r->head_len);
	struct rtr_head h;
	struct rtr_pdu p;

	while (rd_left(&head) > 0) {
		if (rd_left(&head) < RTR_HEAD_LEN)
			abort();
		rtr_head_parse(head.p, &h);
		if (rtr_pdu_parse(rd_slice(&head, h.len), &p) != RTR_PDU_OK)
			abort();
		if (h.type == RTR_ERROR_REPORT && !rtr_error_defined(h.version, h.session))
			abort();
	}
	if (r->close != s->closed)
		abort();
}

static void
to_server(const uint8_t *bytes, size_t n, size_t piece)
{
	struct rtr_view v = {
		.has_data = n % 3 != 0,
		.stamp = { 4, { 100, 200, 300 } },
		.timers = RTR_TIMERS_DEFAULT,
		.max_version = RTR_VERSION_MAX,
		.delta_held = delta_held,
	};
	struct rtr_session s;
	struct rtr_reply r;
	int64_t now = 0;

	rtr_session_init(&s, now);
	for (size_t at = 0; at < n; at += piece) {
		struct rd in = rd_mem(bytes + at, min_size(piece, n - at));

		while (rtr_session_input(&s, &v, ++now, &in, &r)) {
			reply_check(&s, &r);
			rtr_session_sent(&s, now);
		}
		if (!s.closed && rd_left(&in) > 0)
			abort();
		v.stamp.serial++;
		if (rtr_session_tick(&s, &v, now, &r)) {
			reply_check(&s, &r);
			rtr_session_sent(&s, now);
		}
	}
}

static void
to_client(const uint8_t *bytes, size_t n, uint8_t version, size_t piece)
{
	struct pool *pool = pool_new(1 << 20);
	uint8_t room[RTR_CLIENT_OUT];
	struct findings fs;
	struct rtr_client *c;
	struct wr out = wr_mem(room, sizeof(room));

	if (pool == NULL)
		abort();
	findings_init(&fs, pool);
	if ((c = rtr_client_new(version, &fs)) == NULL)
		abort();
	rtr_client_ask(c, &out);
	for (size_t at = 0; at < n; at += piece) {
		struct rd in = rd_mem(bytes + at, min_size(piece, n - at));
		int ev = RTR_EV_DATA;

		while (ev == RTR_EV_DATA || ev == RTR_EV_NOTIFY || ev == RTR_EV_RESET ||
		    ev == RTR_EV_NO_DATA) {
			out = wr_mem(room, sizeof(room));
			ev = rtr_client_input(c, &in, &out);
			if (!wr_done(&out))
				abort();
			if (ev != RTR_EV_MORE && ev >= 0 && ev != RTR_EV_FAILED) {
				out = wr_mem(room, sizeof(room));
				rtr_client_ask(c, &out);
			}
		}
		if (ev != RTR_EV_MORE)
			break;
	}
	(void)rtr_client_free(c);
	(void)pool_free(pool);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	round_trip((struct sv){ (const char *)bytes, n });
	to_server(bytes, n, 3);
	to_server(bytes, n, 1000);
	for (uint8_t v = 0; v <= RTR_VERSION_MAX; v++)
		to_client(bytes, n, v, v == 1 ? 5 : 100000);
	return 0;
}
