/*
 * A zone as bytes, to be read back by ourselves. A row of pieces, all numbers
 * big-endian:
 *
 *	4	"SKZ1"
 *	4	octets of the body
 *	body	its first octet says which
 *	16	the head of the SHA-256 of all this
 *
 *	'B'	8 the caller's number, name of the zone: the first piece
 *	'R'	records: name, or the octet 255 for the owner of the record before;
 *		2 type; 4 TTL; 2 octets of the data, and the data
 *	'E'	8 number of the records: the last piece
 *
 * The sums are against broken disks, as those of xfr_journal.c are.
 */
#include <errno.h>

#include "base/err.h"
#include "crypto/crypto.h"
#include "dns/wire_internal.h"
#include "dns/zone_internal.h"

#define MAGIC		UINT32_C(0x534b5a31)
#define HEAD_LEN	8
#define SUM_LEN		16
#define SAME_OWNER	255
#define PIECE_FULL	((size_t)256 << 10)	/* a piece is closed when it has so many octets */
#define PIECE_MAX	(PIECE_FULL + DNS_RDATA_MAX + 512)

struct writer {
	struct buf	*out;
	struct buf	 body;
	struct dname	 owner, before;
	uint64_t	 n;
};

static void
put_u64(struct buf *b, uint64_t v)
{
	put_u32(b, (uint32_t)(v >> 32));
	put_u32(b, (uint32_t)v);
}

static void
piece_write(struct writer *w)
{
	uint8_t head[HEAD_LEN], sum[SHA256_LEN];

	if (w->body.rc < 0) {
		if (w->out->rc == 0)
			w->out->rc = w->body.rc;
		return;
	}
	put_be32(head, MAGIC);
	put_be32(head + 4, (uint32_t)w->body.len);
	crypto_sha256_2(head, sizeof(head), w->body.p, w->body.len, sum);
	buf_bytes(w->out, head, sizeof(head));
	buf_bytes(w->out, w->body.p, w->body.len);
	buf_bytes(w->out, sum, SUM_LEN);
	w->body.len = 0;
	w->before.len = 0;
}

static void
list_write(struct writer *w, uint16_t type, uint32_t ttl, struct sv rest)
{
	struct sv rdata;

	while (zdata_next(&rest, &rdata)) {
		if (w->body.len >= PIECE_FULL)
			piece_write(w);
		if (w->body.len == 0)
			buf_char(&w->body, 'R');
		if (w->before.len == w->owner.len && memcmp(w->before.w, w->owner.w, w->owner.len) == 0)
			buf_char(&w->body, (char)SAME_OWNER);
		else
			buf_bytes(&w->body, w->owner.w, w->owner.len);
		w->before = w->owner;
		put_u16(&w->body, type);
		put_u32(&w->body, ttl);
		put_u16(&w->body, (uint16_t)rdata.n);
		buf_sv(&w->body, rdata);
		w->n++;
	}
}

static void
part_write(struct writer *w, const struct zone *z, enum zone_part part)
{
	struct zone_it it = zone_begin(z, part);
	const struct znode *n;
	struct zrrset s;

	while ((n = zone_next(&it)) != NULL && w->out->rc == 0) {
		size_t pos = 0;

		znode_name(z, part, n, &w->owner);
		while (znode_next(n, &pos, &s)) {
			list_write(w, s.type, s.ttl, s.rrs);
			list_write(w, RR_RRSIG, s.sig_ttl, s.sigs);
		}
	}
}

int
zone_image_write(struct buf *b, const struct zone *z, uint64_t number)
{
	struct writer w = { .out = b, .body = BUF_INIT };

	buf_char(&w.body, 'B');
	put_u64(&w.body, number);
	buf_bytes(&w.body, zone_apex(z)->w, zone_apex(z)->len);
	piece_write(&w);
	for (unsigned part = 0; part < ZONE_PART_MAX; part++)
		part_write(&w, z, part);
	if (w.body.len > 0)
		piece_write(&w);
	buf_char(&w.body, 'E');
	put_u64(&w.body, w.n);
	piece_write(&w);
	buf_done(&w.body);
	return b->rc;
}

/* --- reading --- */

struct reader {
	struct zone_builder	*b;
	const struct dname	*zone;
	struct findings		*fs;
	uint64_t		 number, n;
	bool			 begun, ended;
};

static int
records_rd(struct reader *x, struct rd *r)
{
	struct dname owner = { .len = 0 };
	struct dns_rr rr = { .owner = &owner, .class = DNS_CLASS_IN };
	int rc;

	while (rd_left(r) > 0 && !r->bad) {
		struct rd ahead = *r;

		if (rd_u8(&ahead) == SAME_OWNER)
			*r = ahead;
		else
			dname_rd(r, &owner);
		rr.type = rd_be16(r);
		rr.ttl = rd_be32(r);
		rr.rdata = rd_slice(r, rd_be16(r));
		if (r->bad || owner.len == 0)
			return SE_FORMAT;
		if ((rc = zone_builder_add(x->b, &rr)) < 0)
			return rc;
		x->n++;
	}
	return rd_done(r) ? 0 : SE_FORMAT;
}

static int
body_rd(struct reader *x, struct rd *r)
{
	uint8_t kind = rd_u8(r);
	struct dname zone = { .len = 0 };

	if (x->ended || (kind == 'B') == x->begun)
		return SE_FORMAT;
	switch (kind) {
	case 'B':
		x->number = rd_be64(r);
		dname_rd(r, &zone);
		x->begun = true;
		return rd_done(r) && dname_eq(&zone, x->zone) ? 0 : SE_FORMAT;
	case 'R':
		return records_rd(x, r);
	case 'E':
		x->ended = true;
		return rd_be64(r) == x->n && rd_done(r) ? 0 : SE_FORMAT;
	default:
		return SE_FORMAT;
	}
}

static int
piece_rd(struct reader *x, struct rd *r)
{
	const uint8_t *at = r->p, *sum;
	uint8_t want[SHA256_LEN];
	uint32_t magic = rd_be32(r), len = rd_be32(r);
	struct rd body;

	if (!r->bad && (magic != MAGIC || len > PIECE_MAX))
		return SE_FORMAT;
	body = rd_sub(r, len);
	sum = rd_bytes(r, SUM_LEN);
	if (r->bad)
		return SE_SUM;
	crypto_sha256(at, HEAD_LEN + (size_t)len, want);
	if (memcmp(sum, want, SUM_LEN) != 0)
		return SE_SUM;
	return body_rd(x, &body);
}

int
zone_image_read(struct sv data, const struct dname *zone, struct findings *fs, uint64_t *ret_number,
    struct zone **ret)
{
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(zone, fs);
	struct reader x = { .b = b, .zone = zone, .fs = fs };
	struct rd r = rd_sv(data);
	int rc;

	if (b == NULL)
		return -ENOMEM;
	while (!x.ended)
		if ((rc = piece_rd(&x, &r)) < 0)
			return rc;
	if (!rd_done(&r) || findings_reject(fs))
		return SE_FORMAT;
	if ((rc = zone_builder_done(b, ret)) == 0)
		*ret_number = x.number;
	return rc;
}
