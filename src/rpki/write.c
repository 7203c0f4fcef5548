/* DER; see write.h. */
#include "base/timefmt.h"
#include "rpki/write.h"

#define SET_MAX		16	/* members of a SET OF that is sorted here */
#define OID_ARCS_MAX	32

size_t
wder_open(struct wr *w, uint8_t tag)
{
	wr_u8(w, tag);
	return w->len;
}

/* The length goes before content that is written already: move it up. */
void
wder_close(struct wr *w, size_t at)
{
	uint8_t head[5];
	size_t n = w->len - at, k = 0;

	if (w->bad)
		return;
	if (n > 0x7f) {
		size_t bytes = n > 0xffffff ? 4 : n > 0xffff ? 3 : n > 0xff ? 2 : 1;

		head[k++] = (uint8_t)(0x80 | bytes);
		while (bytes-- > 0)
			head[k++] = (uint8_t)(n >> (8 * bytes));
	} else
		head[k++] = (uint8_t)n;
	if (wr_reserve(w, k) == NULL)
		return;
	memmove(w->buf + at + k, w->buf + at, n);
	memcpy(w->buf + at, head, k);
}

/* The first TLV of what was just written here; lengths below 64 KB. */
static struct sv
tlv_cut(struct rd *r)
{
	const uint8_t *p = r->p;
	size_t n;

	(void)rd_u8(r);
	n = rd_u8(r);
	if (n == 0x81)
		n = rd_u8(r);
	else if (n == 0x82)
		n = rd_be16(r);
	(void)rd_bytes(r, n);
	return (struct sv){ (const char *)p, r->bad ? 0 : (size_t)(r->p - p) };
}

void
wder_close_set(struct wr *w, size_t at)
{
	struct rd r = rd_mem(w->buf + at, w->len - at);
	uint8_t tmp[2048];
	struct wr out = wr_mem(tmp, sizeof(tmp));
	struct sv v[SET_MAX];
	size_t n = 0;

	while (!w->bad && rd_left(&r) > 0 && n < SET_MAX) {
		struct sv x = tlv_cut(&r);
		size_t i = n++;

		for (; i > 0 && sv_cmp(x, v[i - 1]) < 0; i--)
			v[i] = v[i - 1];
		v[i] = x;
	}
	for (size_t i = 0; i < n; i++)
		wr_bytes(&out, v[i].p, v[i].n);
	if (!rd_done(&r) || !wr_done(&out)) {
		w->bad = true;
		return;
	}
	memcpy(w->buf + at, tmp, out.len);
	wder_close(w, at);
}

void
wder_tlv(struct wr *w, uint8_t tag, const void *p, size_t n)
{
	size_t at = wder_open(w, tag);

	wr_bytes(w, p, n);
	wder_close(w, at);
}

void
wder_str(struct wr *w, uint8_t tag, const char *s)
{
	wder_tlv(w, tag, s, strlen(s));
}

void
wder_uint_bytes(struct wr *w, struct sv v)
{
	size_t at = wder_open(w, WDER_INT);

	while (v.n > 0 && v.p[0] == 0)
		v = sv_skip(v, 1);
	if (v.n == 0 || (v.p[0] & 0x80) != 0)
		wr_u8(w, 0);
	wr_bytes(w, v.p, v.n);
	wder_close(w, at);
}

void
wder_uint(struct wr *w, uint64_t v)
{
	uint8_t b[8];

	put_be32(b, (uint32_t)(v >> 32));
	put_be32(b + 4, (uint32_t)v);
	wder_uint_bytes(w, (struct sv){ (const char *)b, sizeof(b) });
}

static void
oid_arc(struct wr *w, uint64_t v)
{
	for (unsigned shift = 56; shift > 0; shift -= 7)
		if (v >> shift != 0)
			wr_u8(w, (uint8_t)(0x80 | (v >> shift & 0x7f)));
	wr_u8(w, (uint8_t)(v & 0x7f));
}

void
wder_oid(struct wr *w, const char *dotted)
{
	struct sv s = sv_str(dotted);
	size_t at = wder_open(w, WDER_OID), n = 0;
	uint64_t arc[OID_ARCS_MAX] = { 0 };

	for (; s.n > 0 && n < OID_ARCS_MAX; n++)
		if (num_u64(sv_cut(&s, '.'), 0, UINT32_MAX, &arc[n]) < 0)
			w->bad = true;
	oid_arc(w, arc[0] * 40 + arc[1]);
	for (size_t i = 2; i < n; i++)
		oid_arc(w, arc[i]);
	wder_close(w, at);
}

void
wder_bits(struct wr *w, const void *p, size_t n, uint8_t unused)
{
	size_t at = wder_open(w, WDER_BITS);

	wr_u8(w, unused);
	wr_bytes(w, p, n);
	wder_close(w, at);
}

static void
digits2(struct wr *w, int v)
{
	wr_u8(w, (uint8_t)('0' + v / 10 % 10));
	wr_u8(w, (uint8_t)('0' + v % 10));
}

static void
time_write(struct wr *w, uint8_t tag, const struct civil *c)
{
	size_t at = wder_open(w, tag);

	if (tag == WDER_GENTIME)
		digits2(w, c->year / 100);
	digits2(w, c->year % 100);
	digits2(w, c->mon);
	digits2(w, c->day);
	digits2(w, c->hour);
	digits2(w, c->min);
	digits2(w, c->sec);
	wr_u8(w, 'Z');
	wder_close(w, at);
}

void
wder_gentime(struct wr *w, int64_t t)
{
	struct civil c;

	time_to_civil(t, &c);
	time_write(w, WDER_GENTIME, &c);
}

void
wder_time(struct wr *w, int64_t t)
{
	struct civil c;

	time_to_civil(t, &c);
	time_write(w, c.year >= 1950 && c.year <= 2049 ? WDER_UTCTIME : WDER_GENTIME, &c);
}

void
wder_alg(struct wr *w, const char *oid)
{
	size_t at = wder_open(w, WDER_SEQ);

	wder_oid(w, oid);
	wder_tlv(w, WDER_NULL, NULL, 0);
	wder_close(w, at);
}

void
wder_addr(struct wr *w, const uint8_t *a, unsigned len)
{
	uint8_t b[16] = { 0 };
	size_t n = (len + 7) / 8;

	memcpy(b, a, n);
	if (len % 8 != 0)
		b[n - 1] &= (uint8_t)(0xff << (8 - len % 8));
	wder_bits(w, b, n, (uint8_t)(n * 8 - len));
}
