/*
 * A difference as bytes. All numbers are big-endian.
 *
 *	4	"SKX1"
 *	4	octets of the body
 *	body:
 *	  name	the zone
 *	  4, 4	the serials it leads from and to
 *	  4, 4	records that go, records that come
 *	  records, those that go first; the SOA is the first of each side:
 *	    name, or the octet 255: the owner of the record before
 *	    2	type
 *	    4	TTL
 *	    2	octets of the data, and the data
 *	16	the head of the SHA-256 of all this
 *
 * The sum is against broken disks and writes that were cut off, not against
 * people: who can write the journal can write the zone.
 */
#include <errno.h>

#include "crypto/crypto.h"
#include "dns/wire.h"
#include "dns/wire_internal.h"

#define MAGIC		UINT32_C(0x534b5831)
#define HEAD_LEN	8
#define SUM_LEN		16
#define SAME_OWNER	255		/* no label is so long */

static void
side_write(struct buf *b, const struct xfr_diff *d, bool add)
{
	struct xfr_diff_it it = xfr_diff_begin(d, add);
	struct dname before = { .len = 0 };
	struct dns_rr rr;

	while (xfr_diff_next(&it, &rr)) {
		if (rr.owner->len == before.len && memcmp(rr.owner->w, before.w, before.len) == 0)
			buf_char(b, (char)SAME_OWNER);
		else
			buf_bytes(b, rr.owner->w, rr.owner->len);
		before.len = rr.owner->len;
		memcpy(before.w, rr.owner->w, before.len);
		put_u16(b, rr.type);
		put_u32(b, rr.ttl);
		put_u16(b, (uint16_t)rr.rdata.n);
		buf_sv(b, rr.rdata);
	}
}

static void
buf_donep(struct buf *b)
{
	buf_done(b);
}

int
xfr_diff_write(struct buf *b, const struct xfr_diff *d)
{
	_cleanup_(buf_donep) struct buf body = BUF_INIT;
	const struct dname *zone = xfr_diff_zone(d);
	uint8_t head[HEAD_LEN], sum[SHA256_LEN];
	uint32_t from, to;

	if (!xfr_diff_serials(d, &from, &to))
		return -EINVAL;
	buf_bytes(&body, zone->w, zone->len);
	put_u32(&body, from);
	put_u32(&body, to);
	put_u32(&body, (uint32_t)xfr_diff_n_del(d));
	put_u32(&body, (uint32_t)xfr_diff_n_add(d));
	side_write(&body, d, false);
	side_write(&body, d, true);
	if (body.rc < 0 || body.len > UINT32_MAX)
		return body.rc < 0 ? body.rc : SE_LIMIT;
	put_be32(head, MAGIC);
	put_be32(head + 4, (uint32_t)body.len);
	crypto_sha256_2(head, sizeof(head), body.p, body.len, sum);
	buf_bytes(b, head, sizeof(head));
	buf_bytes(b, body.p, body.len);
	buf_bytes(b, sum, SUM_LEN);
	return b->rc;
}

/* The owner of the next record, in place of the one before. */
static void
owner_rd(struct rd *r, struct dname *owner)
{
	struct rd ahead = *r;

	if (rd_u8(&ahead) != SAME_OWNER) {
		dname_rd(r, owner);
		return;
	}
	*r = ahead;
	r->bad |= owner->len == 0;
}

/* Nothing that a zone could not hold: then it was not we who wrote it. */
static bool
rr_fits(const struct dns_rr *rr, const struct dname *zone, bool first)
{
	bool is_soa = rr->type == RR_SOA && dname_eq(rr->owner, zone);

	return dname_within(rr->owner, zone) && !rrtype_is_meta(rr->type) &&
	    rdata_ok(rr->type, rr->rdata) && is_soa == first;
}

static int
side_rd(struct rd *r, struct xfr_diff *d, uint32_t n, bool add)
{
	struct dname owner = { .len = 0 };
	struct dns_rr rr = { .owner = &owner, .class = DNS_CLASS_IN };
	int rc;

	for (uint32_t i = 0; i < n; i++) {
		owner_rd(r, &owner);
		rr.type = rd_be16(r);
		rr.ttl = rd_be32(r);
		rr.rdata = rd_slice(r, rd_be16(r));
		if (r->bad || !rr_fits(&rr, xfr_diff_zone(d), i == 0))
			return SE_FORMAT;
		rc = add ? xfr_diff_add(d, &rr) : xfr_diff_del(d, &rr);
		if (rc < 0)
			return rc == -EEXIST || rc == -ENOENT || rc == -EINVAL ? SE_FORMAT : rc;
	}
	return 0;
}

static int
body_parse(struct rd *r, struct xfr_diff *d)
{
	uint32_t from, to, n_del, n_add, got_from, got_to;
	struct dname zone;
	int rc;

	dname_rd(r, &zone);
	from = rd_be32(r);
	to = rd_be32(r);
	n_del = rd_be32(r);
	n_add = rd_be32(r);
	if (r->bad || !dname_eq(&zone, xfr_diff_zone(d)))
		return SE_FORMAT;
	if ((rc = side_rd(r, d, n_del, false)) < 0 || (rc = side_rd(r, d, n_add, true)) < 0)
		return rc;
	/* A record that both went and came would cancel, and the counts would show it. */
	if (!rd_done(r) || xfr_diff_n_del(d) != n_del || xfr_diff_n_add(d) != n_add ||
	    !xfr_diff_serials(d, &got_from, &got_to) || got_from != from || got_to != to)
		return SE_FORMAT;
	return 0;
}

/* The body of an entry whose sum is right. */
static int
entry_rd(struct rd *r, struct rd *ret_body)
{
	const uint8_t *at = r->p, *sum;
	uint8_t want[SHA256_LEN];
	uint32_t magic = rd_be32(r), len = rd_be32(r);
	struct rd body;

	if (!r->bad && magic != MAGIC)
		return SE_FORMAT;
	body = rd_sub(r, len);
	sum = rd_bytes(r, SUM_LEN);
	if (r->bad)
		return SE_SUM;
	crypto_sha256(at, HEAD_LEN + (size_t)len, want);
	if (memcmp(sum, want, SUM_LEN) != 0)
		return SE_SUM;
	*ret_body = body;
	return 0;
}

int
xfr_diff_parse(struct rd *r, const struct dname *zone, size_t max, struct xfr_diff **ret)
{
	_cleanup_(xfr_diff_freep) struct xfr_diff *d = NULL;
	struct rd start = *r, body;
	int rc;

	if (!r->bad && rd_left(r) == 0)
		return 0;
	rc = entry_rd(r, &body);
	if (rc == 0 && (d = xfr_diff_new(zone, max)) == NULL)
		rc = -ENOMEM;
	if (rc == 0)
		rc = body_parse(&body, d);
	if (rc < 0) {
		*r = start;
		return rc;
	}
	*ret = TAKE_PTR(d);
	return 1;
}
