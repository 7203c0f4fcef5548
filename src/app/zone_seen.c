/* What was seen at name servers: written by role name, read by role key. */
#include <errno.h>

#include "app/zone_seen.h"
#include "base/err.h"

#define VERSION		1
#define SET_HEAD	(2 + 4 + 2 + 4)
#define FLAGS_ALL	(SEEN_EXCUSED | SEEN_HAS_SERIAL)

static const uint8_t magic[] = { 'S', 'E', 'E', 'N', VERSION };

const char *
seen_state_name(enum seen_state s)
{
	static const char *const names[SEEN_STATE_MAX] = {
		[SEEN_ANSWERED] = "answered",
		[SEEN_SILENT] = "silent",
		[SEEN_LAME] = "lame",
		[SEEN_BROKEN] = "broken",
		[SEEN_NO_ROUTE] = "no-route",
		[SEEN_NO_ADDRESS] = "no-address",
		[SEEN_UNKNOWN] = "unknown",
	};

	return s < SEEN_STATE_MAX ? names[s] : "?";
}

/* --- reading --- */

/* A name of n octets in lower case. */
static bool
name_of(struct rd *r, size_t n, struct dname *ret)
{
	struct rd in = rd_sub(r, n);
	struct dname low;

	dname_rd(&in, ret);
	if (!rd_done(&in))
		return false;
	low = *ret;
	dns_lower(low.w, low.len);
	return memcmp(low.w, ret->w, low.len) == 0;
}

static bool
name_read(struct rd *r, struct dname *ret)
{
	return name_of(r, rd_u8(r), ret);
}

/* Of no octets where it was not found; it stands above the zone. */
static bool
parent_read(struct rd *r, struct seen *s)
{
	size_t n = rd_u8(r);

	s->has_parent = n > 0;
	s->parent = DNAME_ROOT;
	if (n == 0)
		return true;
	return name_of(r, n, &s->parent) && dname_within(&s->zone, &s->parent) &&
	    s->zone.len != s->parent.len;
}

/* RFC 4034 section 6.3, and never the same one twice. */
static bool
order_ok(struct sv before, struct sv now)
{
	return sv_cmp(before, now) < 0;
}

static bool
set_read(struct rd *r, struct seen_set *s)
{
	struct sv before = { 0 }, one;
	struct rd in;
	size_t n;

	s->type = rd_be16(r);
	s->ttl = rd_be32(r);
	s->n = rd_be16(r);
	n = rd_be32(r);
	s->rrs = rd_slice(r, n);
	if (r->bad || (s->type != RR_DS && s->type != RR_DNSKEY) || s->n == 0 ||
	    s->n > SEEN_SET_RRS_MAX || s->ttl > INT32_MAX)
		return false;
	in = rd_sv(s->rrs);
	for (size_t i = 0; i < s->n; i++) {
		one = rd_slice(&in, rd_be16(&in));
		if (in.bad || !rdata_ok(s->type, one) || (i > 0 && !order_ok(before, one)))
			return false;
		before = one;
	}
	return rd_done(&in);
}

static struct seen_sig
sig_read(struct rd *r)
{
	struct seen_sig s;

	s.alg = rd_u8(r);
	s.tag = rd_be16(r);
	s.ttl = rd_be32(r);
	s.expires = rd_be32(r);
	s.begins = rd_be32(r);
	s.key = rd_be16(r);
	return s;
}

static bool
sigs_read(struct rd *r, struct seen_sigs *s)
{
	s->type = rd_be16(r);
	s->n = rd_be16(r);
	if (r->bad || (s->type != RR_DNSKEY && s->type != RR_SOA) || s->n == 0 ||
	    s->n > SEEN_SIG_ROWS_MAX)
		return false;
	s->rows = rd_slice(r, (size_t)s->n * SEEN_SIG_LEN);
	return !r->bad;
}

static bool
addr_read(struct rd *r, struct ip_prefix *a)
{
	const uint8_t *p;

	*a = (struct ip_prefix){ .af = rd_u8(r) };
	p = rd_bytes(r, sizeof(a->addr));
	if (p == NULL || (a->af != 0 && a->af != IP_V4 && a->af != IP_V6))
		return false;
	a->len = a->af == 0 ? 0 : ip_bits(a->af);
	memcpy(a->addr, p, sizeof(a->addr));
	return ip_is_masked(a->addr, a->len);
}

/* Does the reference lead to a set (or list) of that type, or nowhere? */
static bool
set_fits(const struct seen *s, uint16_t i, uint16_t type)
{
	return i == SEEN_NONE || (i < s->n_sets && s->sets[i].type == type);
}

static bool
sigs_fit(const struct seen *s, const struct seen_server *v, uint16_t i, uint16_t type)
{
	size_t n_keys = v->set == SEEN_NONE ? 0 : s->sets[v->set].n;
	struct seen_sig sig;
	struct sv rows;

	if (i == SEEN_NONE)
		return true;
	if (v->side != SEEN_ZONE || i >= s->n_sigs || s->sigs[i].type != type)
		return false;
	rows = s->sigs[i].rows;
	while (seen_sig_next(&rows, &sig))
		if (sig.key != SEEN_NONE && sig.key >= n_keys)
			return false;
	return true;
}

/* What a server can have given only if it answered. */
static bool
server_ok(const struct seen *s, const struct seen_server *v)
{
	bool gave = (v->flags & SEEN_HAS_SERIAL) != 0;

	if (!set_fits(s, v->set, v->side == SEEN_PARENT ? RR_DS : RR_DNSKEY) ||
	    !sigs_fit(s, v, v->dnskey_sigs, RR_DNSKEY) || !sigs_fit(s, v, v->soa_sigs, RR_SOA))
		return false;
	if (v->state != SEEN_ANSWERED)
		return !gave && v->set == SEEN_NONE && v->dnskey_sigs == SEEN_NONE &&
		    v->soa_sigs == SEEN_NONE;
	return v->addr.af != 0 && gave == (v->side == SEEN_ZONE);
}

static bool
server_read(struct rd *r, const struct seen *s, struct seen_server *v)
{
	uint8_t side = rd_u8(r), state = rd_u8(r);

	v->flags = rd_u8(r);
	if (side >= SEEN_SIDE_MAX || state >= SEEN_STATE_MAX || (v->flags & ~(unsigned)FLAGS_ALL) != 0)
		return false;
	v->side = (enum seen_side)side;
	v->state = (enum seen_state)state;
	if (!addr_read(r, &v->addr) || !name_read(r, &v->name))
		return false;
	v->serial = rd_be32(r);
	v->set = rd_be16(r);
	v->dnskey_sigs = rd_be16(r);
	v->soa_sigs = rd_be16(r);
	return !r->bad && server_ok(s, v) && ((v->flags & SEEN_HAS_SERIAL) != 0 || v->serial == 0);
}

static bool
lists_read(struct rd *r, struct seen *s)
{
	s->n_sets = rd_be16(r);
	if (s->n_sets > SEEN_SETS_MAX)
		return false;
	for (size_t i = 0; i < s->n_sets; i++)
		if (!set_read(r, &s->sets[i]))
			return false;
	s->n_sigs = rd_be16(r);
	if (s->n_sigs > SEEN_SIGS_MAX)
		return false;
	for (size_t i = 0; i < s->n_sigs; i++)
		if (!sigs_read(r, &s->sigs[i]))
			return false;
	s->n_servers = rd_be16(r);
	if (s->n_servers > SEEN_SERVERS_MAX)
		return false;
	for (size_t i = 0; i < s->n_servers; i++)
		if (!server_read(r, s, &s->servers[i]))
			return false;
	return true;
}

/* Complete is what has a server that answered, and none that did not. */
static bool
complete_ok(const struct seen *s, enum seen_side side)
{
	bool any = false;

	for (size_t i = 0; i < s->n_servers; i++) {
		const struct seen_server *v = &s->servers[i];

		if (v->side != side)
			continue;
		any = any || v->state == SEEN_ANSWERED;
		if (v->state != SEEN_ANSWERED && (v->flags & SEEN_EXCUSED) == 0)
			return false;
	}
	return any;
}

int
seen_parse(struct sv octets, struct seen *ret)
{
	struct rd r = rd_sv(octets);
	const uint8_t *m = rd_bytes(&r, sizeof(magic));
	uint64_t at;
	uint8_t bits;

	if (octets.n > SEEN_OCTETS_MAX || m == NULL || memcmp(m, magic, sizeof(magic)) != 0 ||
	    !name_read(&r, &ret->zone) || !parent_read(&r, ret))
		return -EBADMSG;
	at = rd_be64(&r);
	ret->took_sec = rd_be32(&r);
	bits = rd_u8(&r);
	if (r.bad || at > INT64_MAX || bits >= 1 << SEEN_SIDE_MAX || !lists_read(&r, ret))
		return -EBADMSG;
	ret->at = (int64_t)at;
	for (unsigned i = 0; i < SEEN_SIDE_MAX; i++) {
		ret->complete[i] = (bits & 1U << i) != 0;
		if (ret->complete[i] && !complete_ok(ret, (enum seen_side)i))
			return -EBADMSG;
	}
	if (ret->complete[SEEN_PARENT] && !ret->has_parent)
		return -EBADMSG;
	return rd_done(&r) ? 0 : -EBADMSG;
}

bool
seen_sig_next(struct sv *rows, struct seen_sig *ret)
{
	struct rd r = rd_sv(*rows);

	if (rows->n < SEEN_SIG_LEN)
		return false;
	*ret = sig_read(&r);
	*rows = sv_skip(*rows, SEEN_SIG_LEN);
	return true;
}

/* --- writing --- */

void
seen_sig_write(struct wr *w, const struct seen_sig *s)
{
	wr_u8(w, s->alg);
	wr_be16(w, s->tag);
	wr_be32(w, s->ttl);
	wr_be32(w, s->expires);
	wr_be32(w, s->begins);
	wr_be16(w, s->key);
}

static void
name_write(struct buf *b, const struct dname *d)
{
	buf_bytes(b, &d->len, 1);
	buf_bytes(b, d->w, d->len);
}

/* A head of fixed fields, which is then in the buffer. */
static void
head_put(struct buf *b, const struct wr *w)
{
	buf_bytes(b, w->buf, w->len);
}

static void
count_write(struct buf *b, size_t n)
{
	uint8_t p[2];

	put_be16(p, (uint16_t)n);
	buf_bytes(b, p, sizeof(p));
}

static void
set_write(struct buf *b, const struct seen_set *s)
{
	uint8_t room[SET_HEAD];
	struct wr w = wr_mem(room, sizeof(room));

	wr_be16(&w, s->type);
	wr_be32(&w, s->ttl);
	wr_be16(&w, s->n);
	wr_be32(&w, (uint32_t)s->rrs.n);
	head_put(b, &w);
	buf_sv(b, s->rrs);
}

static void
server_write(struct buf *b, const struct seen_server *v)
{
	uint8_t room[4 + 16];
	struct wr w = wr_mem(room, sizeof(room));

	wr_u8(&w, (uint8_t)v->side);
	wr_u8(&w, (uint8_t)v->state);
	wr_u8(&w, (uint8_t)v->flags);
	wr_u8(&w, v->addr.af);
	wr_bytes(&w, v->addr.addr, sizeof(v->addr.addr));
	head_put(b, &w);
	name_write(b, &v->name);
	w.len = 0;
	wr_be32(&w, v->serial);
	wr_be16(&w, v->set);
	wr_be16(&w, v->dnskey_sigs);
	wr_be16(&w, v->soa_sigs);
	head_put(b, &w);
}

int
seen_write(const struct seen *s, struct buf *b)
{
	uint8_t room[8 + 4 + 1];
	struct wr w = wr_mem(room, sizeof(room));

	buf_bytes(b, magic, sizeof(magic));
	name_write(b, &s->zone);
	if (s->has_parent)
		name_write(b, &s->parent);
	else
		buf_bytes(b, "", 1);
	wr_be64(&w, (uint64_t)s->at);
	wr_be32(&w, s->took_sec);
	wr_u8(&w, (uint8_t)(s->complete[SEEN_PARENT] | s->complete[SEEN_ZONE] << SEEN_ZONE));
	head_put(b, &w);
	count_write(b, s->n_sets);
	for (size_t i = 0; i < s->n_sets; i++)
		set_write(b, &s->sets[i]);
	count_write(b, s->n_sigs);
	for (size_t i = 0; i < s->n_sigs; i++) {
		count_write(b, s->sigs[i].type);
		count_write(b, s->sigs[i].n);
		buf_sv(b, s->sigs[i].rows);
	}
	count_write(b, s->n_servers);
	for (size_t i = 0; i < s->n_servers; i++)
		server_write(b, &s->servers[i]);
	if (b->rc < 0)
		return b->rc;
	return b->len > SEEN_OCTETS_MAX ? SE_LIMIT : 0;
}
