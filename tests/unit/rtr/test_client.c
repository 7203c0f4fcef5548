#include "../tap.h"
#include "rtr/rtr.h"

struct talk {
	struct pool		*pool;
	struct findings		 fs;
	struct rtr_client	*c;
	uint8_t			 in[4096], out[RTR_CLIENT_OUT];
	struct wr		 w, said;
};

static void
begin(struct talk *t, uint8_t version)
{
	memset(t, 0, sizeof(*t));
	t->pool = pool_new(1 << 20);
	findings_init(&t->fs, t->pool);
	t->c = rtr_client_new(version, &t->fs);
	assert_non_null(t->c);
	t->said = wr_mem(t->out, sizeof(t->out));
	rtr_client_ask(t->c, &t->said);
	t->w = wr_mem(t->in, sizeof(t->in));
}

static void
end(struct talk *t)
{
	t->c = rtr_client_free(t->c);
	(void)pool_free(t->pool);
}

/* --- what the cache says --- */

static void
pdu(struct talk *t, uint8_t version, uint8_t type, uint16_t session, uint32_t serial)
{
	const struct rtr_pdu p = { .head = { version, type, session, 0 }, .serial = serial,
	    .timers = RTR_TIMERS_DEFAULT };

	rtr_pdu_write(&t->w, &p);
}

static void
prefix(struct talk *t, uint8_t version, bool announce, uint8_t octet, uint32_t asn)
{
	const struct vrp v = { .addr = { 10, octet }, .len = 16, .max_len = 16, .af = IP_V4,
	    .asn = asn };

	vrp_pdu_write(&t->w, version, announce, &v);
}

static void
aspa(struct talk *t, bool announce, uint32_t customer, const uint32_t *list, uint32_t n)
{
	aspa_pdu_write(&t->w, 2, announce, customer, list, n);
}

static void
router_key(struct talk *t, uint8_t version, bool announce, uint8_t key, uint32_t asn)
{
	struct router_key k = { .asn = asn, .spki_len = 91 };

	memset(k.ski, key, sizeof(k.ski));
	memset(k.spki, key, k.spki_len);
	router_key_pdu_write(&t->w, version, announce, &k);
}

static void
error(struct talk *t, uint8_t version, uint16_t code)
{
	const struct rtr_pdu p = { .head = { version, RTR_ERROR_REPORT, code, 0 } };

	rtr_pdu_write(&t->w, &p);
}

/* Hand it over in pieces of n bytes; the first event that is one. */
static int
hear(struct talk *t, size_t n)
{
	int ev = RTR_EV_MORE;

	t->said = wr_mem(t->out, sizeof(t->out));
	for (size_t at = 0; at < t->w.len && ev == RTR_EV_MORE; at += n) {
		struct rd in = rd_mem(t->in + at, min_size(n, t->w.len - at));

		ev = rtr_client_input(t->c, &in, &t->said);
	}
	t->w = wr_mem(t->in, sizeof(t->in));
	return ev;
}

static bool
found(const struct talk *t, enum rtr_finding code)
{
	for (const struct finding *f = t->fs.head; f != NULL; f = f->next)
		if (f->def == &rtr_findings[code])
			return true;
	return false;
}

static int
said_error(const struct talk *t)
{
	struct rtr_pdu p;

	if (rtr_pdu_parse((struct sv){ (const char *)t->out, t->said.len }, &p) != RTR_PDU_OK ||
	    p.head.type != RTR_ERROR_REPORT)
		return -1;
	return p.head.session;
}

static void
full(struct talk *t, uint8_t version)
{
	begin(t, version);
	pdu(t, version, RTR_CACHE_RESPONSE, 7, 0);
	prefix(t, version, true, 9, 1);
	prefix(t, version, true, 8, 2);
	prefix(t, version, true, 8, 1);
	if (version >= 1) {
		router_key(t, version, true, 4, 64496);
		router_key(t, version, true, 4, 64497);
		router_key(t, version, true, 6, 1);
	}
	if (version == 2) {
		aspa(t, true, 10, (const uint32_t[]){ 1, 2 }, 2);
		aspa(t, true, 20, (const uint32_t[]){ 0 }, 1);
	}
	pdu(t, version, RTR_END_OF_DATA, 7, 5);
	assert_int_equal(hear(t, 7), RTR_EV_DATA);
	assert_null(t->fs.head);
}

/* --- the tests --- */

static void
all_versions(void **state UNUSED)
{
	for (uint8_t v = 0; v <= RTR_VERSION_MAX; v++) {
		const struct payloads *p;
		struct talk t;

		full(&t, v);
		p = rtr_client_payloads(t.c);
		assert_int_equal(p->n_vrps, 3);
		assert_int_equal(p->n_aspas, v == 2 ? 2 : 0);
		assert_int_equal(p->n_router_keys, v >= 1 ? 3 : 0);
		if (v >= 1) {
			assert_int_equal(p->router_keys[1].asn, 64497);
			assert_int_equal(p->router_keys[2].spki[90], 6);
			assert_int_equal(rtr_client_counts(t.c)->n_key_announce, 3);
		}
		assert_int_equal(p->vrps[0].asn, 1);
		assert_int_equal(p->vrps[2].addr[1], 9);
		assert_string_equal(p->tas[0], "-");
		assert_int_equal(rtr_client_serial(t.c), 5);
		assert_int_equal(rtr_client_session(t.c), 7);
		assert_int_equal(rtr_client_version(t.c), v);
		end(&t);
	}
}

static void
follows(void **state UNUSED)
{
	const struct payloads *p;
	struct rtr_pdu q;
	struct talk t;

	full(&t, 2);
	pdu(&t, 2, RTR_SERIAL_NOTIFY, 7, 6);
	assert_int_equal(hear(&t, 100), RTR_EV_NOTIFY);
	t.said = wr_mem(t.out, sizeof(t.out));
	rtr_client_ask(t.c, &t.said);
	assert_int_equal(rtr_pdu_parse((struct sv){ (const char *)t.out, t.said.len }, &q),
	    RTR_PDU_OK);
	assert_int_equal(q.head.type, RTR_SERIAL_QUERY);
	assert_int_equal(q.head.session, 7);
	assert_int_equal(q.serial, 5);
	pdu(&t, 2, RTR_CACHE_RESPONSE, 7, 0);
	prefix(&t, 2, true, 7, 1);
	prefix(&t, 2, false, 8, 1);
	router_key(&t, 2, true, 5, 7);
	router_key(&t, 2, false, 4, 64496);
	aspa(&t, true, 10, (const uint32_t[]){ 3 }, 1);	/* replaces */
	aspa(&t, false, 20, NULL, 0);
	pdu(&t, 2, RTR_END_OF_DATA, 7, 6);
	assert_int_equal(hear(&t, 1), RTR_EV_DATA);
	p = rtr_client_payloads(t.c);
	assert_int_equal(p->n_vrps, 3);
	assert_int_equal(p->n_aspas, 1);
	assert_int_equal(p->aspas[0].providers[0], 3);
	assert_int_equal(p->n_router_keys, 3);
	assert_int_equal(p->router_keys[0].asn, 64497);
	assert_int_equal(p->router_keys[1].asn, 7);
	assert_int_equal(rtr_client_counts(t.c)->n_key_withdraw, 1);
	assert_int_equal(rtr_client_counts(t.c)->n_withdraw, 1);
	assert_int_equal(rtr_client_serial(t.c), 6);
	assert_null(t.fs.head);
	end(&t);
}

/* The set stays until the new one is whole. */
static void
cache_reset(void **state UNUSED)
{
	struct talk t;

	full(&t, 1);
	rtr_client_ask(t.c, &t.said);
	pdu(&t, 1, RTR_CACHE_RESET, 0, 0);
	assert_int_equal(hear(&t, 100), RTR_EV_RESET);
	rtr_client_ask(t.c, &t.said);
	assert_int_equal(t.out[t.said.len - 7], RTR_RESET_QUERY);
	assert_int_equal(rtr_client_payloads(t.c)->n_vrps, 3);
	pdu(&t, 1, RTR_CACHE_RESPONSE, 8, 0);
	prefix(&t, 1, true, 1, 1);
	assert_int_equal(hear(&t, 100), RTR_EV_MORE);
	assert_int_equal(rtr_client_payloads(t.c)->n_vrps, 3);
	pdu(&t, 1, RTR_END_OF_DATA, 8, 1);
	assert_int_equal(hear(&t, 100), RTR_EV_DATA);
	assert_int_equal(rtr_client_payloads(t.c)->n_vrps, 1);
	assert_int_equal(rtr_client_session(t.c), 8);
	end(&t);
}

static void
duplicate(void **state UNUSED)
{
	struct talk t;

	begin(&t, 1);
	pdu(&t, 1, RTR_CACHE_RESPONSE, 7, 0);
	prefix(&t, 1, true, 8, 1);
	prefix(&t, 1, true, 8, 1);
	pdu(&t, 1, RTR_END_OF_DATA, 7, 5);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_true(found(&t, RTR_DUPLICATE));
	assert_int_equal(said_error(&t), RTR_ERR_DUPLICATE);
	end(&t);
}

/* Withdrawn and announced again in one answer is no fault (5.3). */
static void
there_and_back(void **state UNUSED)
{
	struct talk t;

	full(&t, 1);
	rtr_client_ask(t.c, &t.said);
	pdu(&t, 1, RTR_CACHE_RESPONSE, 7, 0);
	prefix(&t, 1, false, 8, 1);
	prefix(&t, 1, true, 8, 1);
	pdu(&t, 1, RTR_END_OF_DATA, 7, 6);
	assert_int_equal(hear(&t, 100), RTR_EV_DATA);
	assert_int_equal(rtr_client_payloads(t.c)->n_vrps, 3);
	end(&t);
}

static void
withdraw_unknown(void **state UNUSED)
{
	struct talk t;

	full(&t, 1);
	rtr_client_ask(t.c, &t.said);
	pdu(&t, 1, RTR_CACHE_RESPONSE, 7, 0);
	prefix(&t, 1, false, 77, 1);
	pdu(&t, 1, RTR_END_OF_DATA, 7, 6);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_true(found(&t, RTR_WITHDRAW_UNKNOWN));
	assert_int_equal(said_error(&t), RTR_ERR_WITHDRAWAL);
	assert_int_equal(rtr_client_payloads(t.c)->n_vrps, 0);	/* flushed */
	end(&t);
}

static void
aspa_lists(void **state UNUSED)
{
	static const struct {
		bool		announce;
		uint32_t	list[3], n;
	} rows[] = {
		{ true, { 0 }, 0 }, { true, { 2, 1 }, 2 }, { true, { 1, 1 }, 2 },
		{ true, { 0, 1 }, 2 }, { false, { 1 }, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct talk t;

		begin(&t, 2);
		pdu(&t, 2, RTR_CACHE_RESPONSE, 7, 0);
		aspa(&t, rows[i].announce, 10, rows[i].list, rows[i].n);
		assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
		assert_true(found(&t, RTR_ASPA_PROVIDERS));
		assert_int_equal(said_error(&t), RTR_ERR_ASPA);
		end(&t);
	}
}

static void
aspa_twice(void **state UNUSED)
{
	struct talk t;

	begin(&t, 2);
	pdu(&t, 2, RTR_CACHE_RESPONSE, 7, 0);
	aspa(&t, true, 10, (const uint32_t[]){ 1 }, 1);
	aspa(&t, true, 10, (const uint32_t[]){ 2 }, 1);
	pdu(&t, 2, RTR_END_OF_DATA, 7, 5);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_int_equal(said_error(&t), RTR_ERR_DUPLICATE);
	assert_true(found(&t, RTR_DUPLICATE));
	end(&t);
	begin(&t, 2);
	pdu(&t, 2, RTR_CACHE_RESPONSE, 7, 0);
	aspa(&t, false, 10, NULL, 0);
	pdu(&t, 2, RTR_END_OF_DATA, 7, 5);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_int_equal(said_error(&t), RTR_ERR_WITHDRAWAL);
	assert_true(found(&t, RTR_WITHDRAW_UNKNOWN));
	end(&t);
}

static void
router_key_faults(void **state UNUSED)
{
	struct talk t;

	begin(&t, 1);
	pdu(&t, 1, RTR_CACHE_RESPONSE, 7, 0);
	router_key(&t, 1, true, 4, 1);
	router_key(&t, 1, true, 4, 1);
	pdu(&t, 1, RTR_END_OF_DATA, 7, 5);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_int_equal(said_error(&t), RTR_ERR_DUPLICATE);
	assert_true(found(&t, RTR_DUPLICATE));
	end(&t);
	full(&t, 2);
	rtr_client_ask(t.c, &t.said);
	pdu(&t, 2, RTR_CACHE_RESPONSE, 7, 0);
	router_key(&t, 2, false, 4, 1);
	pdu(&t, 2, RTR_END_OF_DATA, 7, 6);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_int_equal(said_error(&t), RTR_ERR_WITHDRAWAL);
	assert_true(found(&t, RTR_WITHDRAW_UNKNOWN));
	assert_int_equal(rtr_client_payloads(t.c)->n_router_keys, 0);	/* flushed */
	end(&t);
	full(&t, 1);		/* withdrawn and back again is no fault */
	rtr_client_ask(t.c, &t.said);
	pdu(&t, 1, RTR_CACHE_RESPONSE, 7, 0);
	router_key(&t, 1, false, 4, 64496);
	router_key(&t, 1, true, 4, 64496);
	pdu(&t, 1, RTR_END_OF_DATA, 7, 6);
	assert_int_equal(hear(&t, 100), RTR_EV_DATA);
	assert_int_equal(rtr_client_payloads(t.c)->n_router_keys, 3);
	end(&t);
}

static void
router_key_order(void **state UNUSED)
{
	struct talk t;

	begin(&t, 2);
	pdu(&t, 2, RTR_CACHE_RESPONSE, 7, 0);
	router_key(&t, 2, true, 4, 2);
	router_key(&t, 2, true, 4, 1);
	pdu(&t, 2, RTR_END_OF_DATA, 7, 5);
	assert_int_equal(hear(&t, 100), RTR_EV_DATA);
	assert_true(found(&t, RTR_ORDER));
	end(&t);
	begin(&t, 2);
	pdu(&t, 2, RTR_CACHE_RESPONSE, 7, 0);
	router_key(&t, 2, true, 4, 2);
	prefix(&t, 2, true, 8, 1);
	pdu(&t, 2, RTR_END_OF_DATA, 7, 5);
	assert_int_equal(hear(&t, 100), RTR_EV_DATA);
	assert_true(found(&t, RTR_ORDER));
	end(&t);
}

static void
order(void **state UNUSED)
{
	struct talk t;

	begin(&t, 2);
	pdu(&t, 2, RTR_CACHE_RESPONSE, 7, 0);
	prefix(&t, 2, true, 8, 1);
	prefix(&t, 2, true, 9, 1);
	pdu(&t, 2, RTR_END_OF_DATA, 7, 5);
	assert_int_equal(hear(&t, 100), RTR_EV_DATA);	/* a warning: it is taken */
	assert_true(found(&t, RTR_ORDER));
	end(&t);
}

static void
intervals(void **state UNUSED)
{
	const struct rtr_pdu p = { .head = { 1, RTR_END_OF_DATA, 7, 0 }, .serial = 5,
	    .timers = { 3600, 600, 60 } };
	struct talk t;

	begin(&t, 1);
	pdu(&t, 1, RTR_CACHE_RESPONSE, 7, 0);
	rtr_pdu_write(&t.w, &p);
	assert_int_equal(hear(&t, 100), RTR_EV_DATA);
	assert_true(found(&t, RTR_TIMERS));
	end(&t);
}

static void
sessions(void **state UNUSED)
{
	struct talk t;

	begin(&t, 1);
	pdu(&t, 1, RTR_CACHE_RESPONSE, 7, 0);
	pdu(&t, 1, RTR_END_OF_DATA, 8, 5);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_true(found(&t, RTR_SESSION_MISMATCH));
	assert_int_equal(said_error(&t), RTR_ERR_CORRUPT);
	end(&t);
	full(&t, 1);
	pdu(&t, 1, RTR_SERIAL_NOTIFY, 8, 9);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	end(&t);
}

static void
out_of_sequence(void **state UNUSED)
{
	struct talk t;

	begin(&t, 1);
	prefix(&t, 1, true, 8, 1);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_true(found(&t, RTR_PDU_SEQUENCE));
	end(&t);
	begin(&t, 1);
	pdu(&t, 1, RTR_RESET_QUERY, 0, 0);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	end(&t);
	begin(&t, 1);			/* we asked for all: no reset can come */
	pdu(&t, 1, RTR_CACHE_RESET, 0, 0);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	end(&t);
}

static void
broken(void **state UNUSED)
{
	static const struct {
		uint8_t			bytes[20];
		size_t			n;
		enum rtr_finding	want;
		int			code;
	} rows[] = {
		{ { 1, 3, 0, 7, 0, 0, 0, 9 }, 8, RTR_PDU_LENGTH, RTR_ERR_CORRUPT },
		{ { 1, 11, 0, 7, 0, 0, 0, 12 }, 8, RTR_PDU_TYPE, RTR_ERR_TYPE },
		{ { 1, 4, 0, 0, 0, 0, 0, 20, 1, 33, 33, 0, 10, 0, 0, 0, 0, 0, 0, 1 }, 20,
		    RTR_PDU_VALUE, RTR_ERR_CORRUPT },
		{ { 2, 4, 0, 0, 0, 0, 0, 20 }, 8, RTR_VERSION_CHANGED, RTR_ERR_VERSION_CHANGED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct talk t;

		begin(&t, 1);
		pdu(&t, 1, RTR_CACHE_RESPONSE, 7, 0);
		wr_bytes(&t.w, rows[i].bytes, rows[i].n);
		assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
		assert_true(found(&t, rows[i].want));
		assert_int_equal(said_error(&t), rows[i].code);
		end(&t);
	}
}

static void
downgrade(void **state UNUSED)
{
	struct talk t;

	begin(&t, 2);
	pdu(&t, 0, RTR_SERIAL_NOTIFY, 3, 3);	/* section 7: ignored, whatever version */
	error(&t, 1, RTR_ERR_VERSION);
	assert_int_equal(hear(&t, 100), RTR_EV_DOWNGRADE);
	assert_int_equal(rtr_client_version(t.c), 1);
	rtr_client_connect(t.c);
	assert_int_equal(rtr_client_closed(t.c), RTR_EV_DOWNGRADE);	/* it hung up */
	assert_int_equal(rtr_client_version(t.c), 0);
	assert_int_equal(rtr_client_closed(t.c), RTR_EV_FAILED);
	end(&t);
	begin(&t, 2);				/* an answer in a lower version */
	pdu(&t, 0, RTR_CACHE_RESPONSE, 7, 0);
	prefix(&t, 0, true, 8, 1);
	pdu(&t, 0, RTR_END_OF_DATA, 7, 5);
	assert_int_equal(hear(&t, 100), RTR_EV_DATA);
	assert_int_equal(rtr_client_version(t.c), 0);
	end(&t);
	begin(&t, 1);				/* a higher one than asked for */
	error(&t, 2, RTR_ERR_VERSION);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_true(found(&t, RTR_ERROR_REPORT_RECEIVED));
	assert_int_equal(t.said.len, 0);	/* never an error about an error */
	end(&t);
}

static void
other_errors(void **state UNUSED)
{
	struct talk t;

	begin(&t, 2);
	error(&t, 2, RTR_ERR_NO_DATA);
	assert_int_equal(hear(&t, 100), RTR_EV_NO_DATA);
	end(&t);
	full(&t, 2);
	error(&t, 2, RTR_ERR_RESTART);
	assert_int_equal(hear(&t, 100), RTR_EV_GOING);
	assert_int_equal(rtr_client_payloads(t.c)->n_vrps, 3);
	end(&t);
	full(&t, 2);
	error(&t, 2, RTR_ERR_SHUTDOWN);
	assert_int_equal(hear(&t, 100), RTR_EV_GOING);
	assert_int_equal(rtr_client_payloads(t.c)->n_vrps, 0);
	end(&t);
	full(&t, 2);
	error(&t, 2, RTR_ERR_INTERNAL);
	assert_int_equal(hear(&t, 100), RTR_EV_FAILED);
	assert_int_equal(t.said.len, 0);
	end(&t);
}

TESTS_MAIN("rtr client", T(all_versions), T(follows), T(cache_reset), T(duplicate),
    T(there_and_back), T(withdraw_unknown), T(aspa_lists), T(aspa_twice), T(order), T(router_key_faults), T(router_key_order),
    T(intervals), T(sessions), T(out_of_sequence), T(broken), T(downgrade), T(other_errors))
