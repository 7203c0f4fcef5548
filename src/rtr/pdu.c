/*
 * The PDUs as a table: for each type its name, the versions that have it,
 * its exact lengths, and how its body is read and written.
 */
#include <errno.h>
#include <string.h>

#include "rtr/rtr.h"

struct pdu_row {
	uint8_t		 type, min_version, max_version;
	uint32_t	 min_len, max_len;
	const char	*name;
	int		(*parse)(struct rd *, struct rtr_pdu *);
	void		(*write)(struct wr *, const struct rtr_pdu *);
};

static int
none_parse(struct rd *r UNUSED, struct rtr_pdu *p UNUSED)
{
	return 0;
}

static void
none_write(struct wr *w UNUSED, const struct rtr_pdu *p UNUSED)
{
}

static int
serial_parse(struct rd *r, struct rtr_pdu *p)
{
	p->serial = rd_be32(r);
	return 0;
}

static void
serial_write(struct wr *w, const struct rtr_pdu *p)
{
	wr_be32(w, p->serial);
}

static int
eod_parse(struct rd *r, struct rtr_pdu *p)
{
	p->serial = rd_be32(r);
	p->has_timers = true;
	p->timers.refresh_sec = rd_be32(r);
	p->timers.retry_sec = rd_be32(r);
	p->timers.expire_sec = rd_be32(r);
	return 0;
}

static void
eod_write(struct wr *w, const struct rtr_pdu *p)
{
	wr_be32(w, p->serial);
	wr_be32(w, p->timers.refresh_sec);
	wr_be32(w, p->timers.retry_sec);
	wr_be32(w, p->timers.expire_sec);
}

static int
prefix_parse(struct rd *r, struct rtr_pdu *p)
{
	int rc = vrp_pdu_parse(r, p->head.type, &p->vrp, &p->announce);

	p->vrp.expires = INT64_MAX;
	return rc;
}

/* inr writes the whole PDU; its head is there already. */
static void
prefix_write(struct wr *w, const struct rtr_pdu *p)
{
	uint8_t pdu[RTR_IPV6_LEN];
	struct wr one = wr_mem(pdu, sizeof(pdu));

	vrp_pdu_write(&one, p->head.version, p->announce, &p->vrp);
	wr_bytes(w, pdu + RTR_HEAD_LEN, one.len - RTR_HEAD_LEN);
}

static int
router_key_parse(struct rd *r, struct rtr_pdu *p)
{
	struct router_key key;
	struct rd body;

	p->announce = (p->head.session >> 8 & 1) != 0;
	p->inner = rd_slice(r, rd_left(r));
	body = rd_sv(p->inner);
	return router_key_pdu_parse(&body, &key);
}

static void
inner_write(struct wr *w, const struct rtr_pdu *p)
{
	wr_bytes(w, p->inner.p, p->inner.n);
}

static int
error_parse(struct rd *r, struct rtr_pdu *p)
{
	p->inner = rd_slice(r, rd_be32(r));
	p->text = rd_slice(r, rd_be32(r));
	return 0;
}

static void
error_write(struct wr *w, const struct rtr_pdu *p)
{
	wr_be32(w, (uint32_t)p->inner.n);
	wr_bytes(w, p->inner.p, p->inner.n);
	wr_be32(w, (uint32_t)p->text.n);
	wr_bytes(w, p->text.p, p->text.n);
}

static int
aspa_parse(struct rd *r, struct rtr_pdu *p)
{
	p->announce = (p->head.session >> 8 & 1) != 0;
	p->customer = rd_be32(r);
	if (rd_left(r) % 4 != 0)
		return -EBADMSG;
	p->providers = rd_sub(r, rd_left(r));
	return 0;
}

static void
aspa_write(struct wr *w, const struct rtr_pdu *p)
{
	struct rd r = p->providers;
	size_t n = rd_left(&r);

	wr_be32(w, p->customer);
	if (n > 0)
		wr_bytes(w, rd_bytes(&r, n), n);
}

#define V	RTR_VERSION_MAX
static const struct pdu_row rows[] = {
	{ RTR_SERIAL_NOTIFY, 0, V, 12, 12, "Serial Notify", serial_parse, serial_write },
	{ RTR_SERIAL_QUERY, 0, V, 12, 12, "Serial Query", serial_parse, serial_write },
	{ RTR_RESET_QUERY, 0, V, 8, 8, "Reset Query", none_parse, none_write },
	{ RTR_CACHE_RESPONSE, 0, V, 8, 8, "Cache Response", none_parse, none_write },
	{ RTR_IPV4_PREFIX, 0, V, RTR_IPV4_LEN, RTR_IPV4_LEN, "IPv4 Prefix",
	    prefix_parse, prefix_write },
	{ RTR_IPV6_PREFIX, 0, V, RTR_IPV6_LEN, RTR_IPV6_LEN, "IPv6 Prefix",
	    prefix_parse, prefix_write },
	{ RTR_END_OF_DATA, 0, 0, 12, 12, "End of Data", serial_parse, serial_write },
	{ RTR_END_OF_DATA, 1, V, 24, 24, "End of Data", eod_parse, eod_write },
	{ RTR_CACHE_RESET, 0, V, 8, 8, "Cache Reset", none_parse, none_write },
	{ RTR_ROUTER_KEY, RTR_KEY_VERSION, V, RTR_KEY_MIN + 1, RTR_PDU_MAX, "Router Key", router_key_parse, inner_write },
	{ RTR_ERROR_REPORT, 0, V, 16, RTR_PDU_MAX, "Error Report", error_parse, error_write },
	{ RTR_ASPA, RTR_ASPA_VERSION, V, RTR_ASPA_MIN, RTR_PDU_MAX, "ASPA", aspa_parse, aspa_write },
};
#undef V

static const struct pdu_row *
row_find(uint8_t version, uint8_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].type == type && version >= rows[i].min_version &&
		    version <= rows[i].max_version)
			return &rows[i];
	return NULL;
}

void
rtr_head_parse(const uint8_t p[static RTR_HEAD_LEN], struct rtr_head *ret)
{
	struct rd r = rd_mem(p, RTR_HEAD_LEN);

	ret->version = rd_u8(&r);
	ret->type = rd_u8(&r);
	ret->session = rd_be16(&r);
	ret->len = rd_be32(&r);
}

enum rtr_pdu_fault
rtr_head_check(const struct rtr_head *h)
{
	const struct pdu_row *row;

	if (h->version > RTR_VERSION_MAX)
		return RTR_PDU_BAD_VERSION;
	if ((row = row_find(h->version, h->type)) == NULL)
		return RTR_PDU_BAD_TYPE;
	if (h->len < row->min_len || h->len > row->max_len)
		return RTR_PDU_BAD_LENGTH;
	return RTR_PDU_OK;
}

enum rtr_pdu_fault
rtr_pdu_parse(struct sv raw, struct rtr_pdu *ret)
{
	struct rd r = rd_sv(raw);
	const uint8_t *head = rd_bytes(&r, RTR_HEAD_LEN);
	struct rtr_pdu p = { .raw = raw };
	enum rtr_pdu_fault fault;

	if (head == NULL)
		return RTR_PDU_BAD_LENGTH;
	rtr_head_parse(head, &p.head);
	if ((fault = rtr_head_check(&p.head)) != RTR_PDU_OK)
		return fault;
	if (p.head.len != raw.n)
		return RTR_PDU_BAD_LENGTH;
	if (row_find(p.head.version, p.head.type)->parse(&r, &p) < 0)
		return RTR_PDU_BAD_VALUE;
	if (!rd_done(&r))
		return RTR_PDU_BAD_LENGTH;
	*ret = p;
	return RTR_PDU_OK;
}

void
rtr_pdu_write(struct wr *w, const struct rtr_pdu *p)
{
	const struct pdu_row *row = row_find(p->head.version, p->head.type);
	size_t start = w->len;
	uint8_t *head = wr_reserve(w, RTR_HEAD_LEN);

	if (row == NULL || head == NULL) {
		w->bad = true;
		return;
	}
	head[0] = p->head.version;
	head[1] = p->head.type;
	put_be16(head + 2, p->head.session);
	row->write(w, p);
	put_be32(head + 4, (uint32_t)(w->len - start));
}

const char *
rtr_type_name(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].type == type)
			return rows[i].name;
	return "unknown";
}

/* 8210bis section 12; the first version that has each. */
static const struct {
	const char	*name;
	uint8_t		 min_version;
} errors[RTR_ERR_MAX] = {
	[RTR_ERR_CORRUPT] = { "Corrupt Data", 0 },
	[RTR_ERR_INTERNAL] = { "Internal Error", 0 },
	[RTR_ERR_NO_DATA] = { "No Data Available", 0 },
	[RTR_ERR_REQUEST] = { "Invalid Request", 0 },
	[RTR_ERR_VERSION] = { "Unsupported Protocol Version", 0 },
	[RTR_ERR_TYPE] = { "Unsupported PDU Type", 0 },
	[RTR_ERR_WITHDRAWAL] = { "Withdrawal of Unknown Record", 0 },
	[RTR_ERR_DUPLICATE] = { "Duplicate Announcement Received", 0 },
	[RTR_ERR_VERSION_CHANGED] = { "Unexpected Protocol Version", 1 },
	[RTR_ERR_ASPA] = { "ASPA Provider List Error", 2 },
	[RTR_ERR_TRANSPORT] = { "Transport Error", 2 },
	[RTR_ERR_ORDER] = { "Ordering Error", 2 },
	[RTR_ERR_RESTART] = { "Cache Restart", 2 },
	[RTR_ERR_SHUTDOWN] = { "Cache Shutdown", 2 },
};

const char *
rtr_error_name(unsigned code)
{
	return code < RTR_ERR_MAX ? errors[code].name : "unknown";
}

bool
rtr_error_defined(uint8_t version, unsigned code)
{
	return code < RTR_ERR_MAX && version >= errors[code].min_version;
}

static bool
in_range(uint32_t v, uint32_t min, uint32_t max)
{
	return v >= min && v <= max;
}

bool
rtr_timers_ok(const struct rtr_timers *t)
{
	return in_range(t->refresh_sec, 1, 86400) && in_range(t->retry_sec, 1, 7200) &&
	    in_range(t->expire_sec, 600, 172800) &&
	    t->expire_sec > t->refresh_sec && t->expire_sec > t->retry_sec;
}
