/* Objects of the RPKI as DER, unsigned; see write.h. */
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

/* AlgorithmIdentifier with NULL parameters. */
static void
alg_write(struct wr *w, const char *oid)
{
	size_t at = wder_open(w, WDER_SEQ);

	wder_oid(w, oid);
	wder_tlv(w, WDER_NULL, NULL, 0);
	wder_close(w, at);
}

/* digestAlgorithm: parameters absent (RFC 5754 section 2). */
static void
digest_alg_write(struct wr *w)
{
	size_t at = wder_open(w, WDER_SEQ);

	wder_oid(w, OID_SHA256);
	wder_close(w, at);
}

/* A name of one common name (RFC 6487 section 4.4). */
static void
name_write(struct wr *w, const char *cn)
{
	size_t name = wder_open(w, WDER_SEQ);
	size_t rdn = wder_open(w, WDER_SET);
	size_t atv = wder_open(w, WDER_SEQ);

	wder_oid(w, "2.5.4.3");
	wder_str(w, WDER_PRINTABLE, cn);
	wder_close(w, atv);
	wder_close(w, rdn);
	wder_close(w, name);
}

/* --- extensions --- */

struct ext {
	size_t	seq, octets;
};

static struct ext
ext_open(struct wr *w, const char *oid, bool critical)
{
	struct ext x = { .seq = wder_open(w, WDER_SEQ) };

	wder_oid(w, oid);
	if (critical)
		wder_tlv(w, WDER_BOOL, "\xff", 1);
	x.octets = wder_open(w, WDER_OCTETS);
	return x;
}

static void
ext_close(struct wr *w, struct ext x)
{
	wder_close(w, x.octets);
	wder_close(w, x.seq);
}

static void
ext_ski(struct wr *w, struct sv ski)
{
	struct ext x = ext_open(w, OID_EXT_SKI, false);

	wder_tlv(w, WDER_OCTETS, ski.p, ski.n);
	ext_close(w, x);
}

static void
ext_aki(struct wr *w, struct sv aki)
{
	struct ext x = ext_open(w, OID_EXT_AKI, false);
	size_t at = wder_open(w, WDER_SEQ);

	wder_tlv(w, WDER_CTX_PRIM(0), aki.p, aki.n);
	wder_close(w, at);
	ext_close(w, x);
}

/* keyCertSign and cRLSign for a CA, digitalSignature for an EE. */
static void
ext_usage(struct wr *w, bool ca)
{
	struct ext x;
	size_t at;

	if (ca) {
		x = ext_open(w, OID_EXT_BASIC, true);
		at = wder_open(w, WDER_SEQ);
		wder_tlv(w, WDER_BOOL, "\xff", 1);
		wder_close(w, at);
		ext_close(w, x);
	}
	x = ext_open(w, OID_EXT_KEY_USAGE, true);
	if (ca)
		wder_bits(w, "\x06", 1, 1);
	else
		wder_bits(w, "\x80", 1, 7);
	ext_close(w, x);
}

/* One AccessDescription; uri NULL: nothing. */
static void
access_write(struct wr *w, const char *oid, const char *uri)
{
	size_t at;

	if (uri == NULL)
		return;
	at = wder_open(w, WDER_SEQ);
	wder_oid(w, oid);
	wder_str(w, WDER_CTX_PRIM(6), uri);
	wder_close(w, at);
}

static void
ext_crldp(struct wr *w, const char *uri)
{
	struct ext x = ext_open(w, OID_EXT_CRLDP, false);
	size_t points = wder_open(w, WDER_SEQ);
	size_t point = wder_open(w, WDER_SEQ);
	size_t name = wder_open(w, WDER_CTX(0));
	size_t full = wder_open(w, WDER_CTX(0));

	wder_str(w, WDER_CTX_PRIM(6), uri);
	wder_close(w, full);
	wder_close(w, name);
	wder_close(w, point);
	wder_close(w, points);
	ext_close(w, x);
}

static void
ext_access(struct wr *w, const struct cert_spec *c)
{
	struct ext x;
	size_t at;

	if (c->aia != NULL) {
		x = ext_open(w, OID_EXT_AIA, false);
		at = wder_open(w, WDER_SEQ);
		access_write(w, "1.3.6.1.5.5.7.48.2", c->aia);
		wder_close(w, at);
		ext_close(w, x);
	}
	if (c->repo == NULL && c->mft == NULL && c->object == NULL)
		return;
	x = ext_open(w, OID_EXT_SIA, false);
	at = wder_open(w, WDER_SEQ);
	access_write(w, "1.3.6.1.5.5.7.48.5", c->repo);
	access_write(w, "1.3.6.1.5.5.7.48.10", c->mft);
	access_write(w, "1.3.6.1.5.5.7.48.13", c->notify);
	access_write(w, "1.3.6.1.5.5.7.48.11", c->object);
	wder_close(w, at);
	ext_close(w, x);
}

static void
ext_eku(struct wr *w, const char *oid)
{
	struct ext x = ext_open(w, OID_EXT_EKU, false);
	size_t at = wder_open(w, WDER_SEQ);

	wder_oid(w, oid);
	wder_close(w, at);
	ext_close(w, x);
}

static void
ext_policy(struct wr *w)
{
	struct ext x = ext_open(w, OID_EXT_POLICIES, true);
	size_t list = wder_open(w, WDER_SEQ);
	size_t info = wder_open(w, WDER_SEQ);

	wder_oid(w, OID_CP);
	wder_close(w, info);
	wder_close(w, list);
	ext_close(w, x);
}

/* --- resources (RFC 3779) --- */

static bool
addr_bit(const uint8_t *a, unsigned i)
{
	return (a[i / 8] >> (7 - i % 8) & 1) != 0;
}

/* The first len bits as BIT STRING, unused bits zero. */
static void
addr_write(struct wr *w, const uint8_t *a, unsigned len)
{
	uint8_t b[16] = { 0 };
	size_t n = (len + 7) / 8;

	memcpy(b, a, n);
	if (len % 8 != 0)
		b[n - 1] &= (uint8_t)(0xff << (8 - len % 8));
	wder_bits(w, b, n, (uint8_t)(n * 8 - len));
}

/* The bits left when the equal ones at the end are dropped. */
static unsigned
addr_strip(const uint8_t *a, unsigned bits, bool bit)
{
	while (bits > 0 && addr_bit(a, bits - 1) == bit)
		bits--;
	return bits;
}

/* A prefix where the range is one, else min and max (section 2.2.3.7). */
static void
range_write(struct wr *w, const struct write_ip_range *r, unsigned bits)
{
	unsigned same = 0, lo, hi;
	size_t at;

	while (same < bits && addr_bit(r->min, same) == addr_bit(r->max, same))
		same++;
	lo = addr_strip(r->min, bits, false);
	hi = addr_strip(r->max, bits, true);
	if (lo <= same && hi <= same) {
		addr_write(w, r->min, same);
		return;
	}
	at = wder_open(w, WDER_SEQ);
	addr_write(w, r->min, lo);
	addr_write(w, r->max, hi);
	wder_close(w, at);
}

static void
family_write(struct wr *w, const struct write_res *res, unsigned fam)
{
	size_t at, list;

	if (res->ip[fam].n == 0 && !res->ip[fam].inherit)
		return;
	at = wder_open(w, WDER_SEQ);
	wder_tlv(w, WDER_OCTETS, fam == 0 ? "\0\1" : "\0\2", 2);
	if (res->ip[fam].inherit)
		wder_tlv(w, WDER_NULL, NULL, 0);
	else {
		list = wder_open(w, WDER_SEQ);
		for (size_t i = 0; i < res->ip[fam].n; i++)
			range_write(w, &res->ip[fam].v[i], fam == 0 ? 32 : 128);
		wder_close(w, list);
	}
	wder_close(w, at);
}

static void
ext_ip(struct wr *w, const struct write_res *res)
{
	struct ext x = ext_open(w, OID_EXT_IP, true);
	size_t at = wder_open(w, WDER_SEQ);

	family_write(w, res, 0);
	family_write(w, res, 1);
	wder_close(w, at);
	ext_close(w, x);
}

static void
as_list_write(struct wr *w, const struct write_res *res)
{
	size_t list = wder_open(w, WDER_SEQ);

	for (size_t i = 0; i < res->as.n; i++) {
		const struct write_as_range *r = &res->as.v[i];
		size_t at;

		if (r->min == r->max) {
			wder_uint(w, r->min);
			continue;
		}
		at = wder_open(w, WDER_SEQ);
		wder_uint(w, r->min);
		wder_uint(w, r->max);
		wder_close(w, at);
	}
	wder_close(w, list);
}

static void
ext_as(struct wr *w, const struct write_res *res)
{
	struct ext x = ext_open(w, OID_EXT_AS, true);
	size_t at = wder_open(w, WDER_SEQ);
	size_t asnum = wder_open(w, WDER_CTX(0));

	if (res->as.inherit)
		wder_tlv(w, WDER_NULL, NULL, 0);
	else
		as_list_write(w, res);
	wder_close(w, asnum);
	wder_close(w, at);
	ext_close(w, x);
}

static void
ext_res(struct wr *w, const struct write_res *res)
{
	bool ip = false;

	for (unsigned f = 0; f < 2; f++)
		ip |= res->ip[f].n > 0 || res->ip[f].inherit;
	if (ip)
		ext_ip(w, res);
	if (res->as.n > 0 || res->as.inherit)
		ext_as(w, res);
}

static void
exts_write(struct wr *w, const struct cert_spec *c)
{
	size_t tagged = wder_open(w, WDER_CTX(3));
	size_t at = wder_open(w, WDER_SEQ);

	ext_ski(w, c->ski);
	if (c->aki.n > 0)
		ext_aki(w, c->aki);
	ext_usage(w, c->ca);
	if (c->eku != NULL)
		ext_eku(w, c->eku);
	if (c->crldp != NULL)
		ext_crldp(w, c->crldp);
	ext_access(w, c);
	ext_policy(w);
	ext_res(w, &c->res);
	wder_close(w, at);
	wder_close(w, tagged);
}

void
cert_tbs_write(struct wr *w, const struct cert_spec *c)
{
	size_t tbs = wder_open(w, WDER_SEQ), at;

	at = wder_open(w, WDER_CTX(0));
	wder_uint(w, 2);				/* v3 */
	wder_close(w, at);
	wder_uint_bytes(w, c->serial);
	alg_write(w, OID_SHA256_RSA);
	name_write(w, c->issuer);
	at = wder_open(w, WDER_SEQ);
	wder_time(w, c->not_before);
	wder_time(w, c->not_after);
	wder_close(w, at);
	name_write(w, c->subject);
	wr_bytes(w, c->spki.p, c->spki.n);
	exts_write(w, c);
	wder_close(w, tbs);
}

static void
crl_exts_write(struct wr *w, const struct crl_spec *c)
{
	size_t tagged = wder_open(w, WDER_CTX(0));
	size_t at = wder_open(w, WDER_SEQ);
	struct ext x;

	ext_aki(w, c->aki);
	x = ext_open(w, OID_EXT_CRL_NUMBER, false);
	wder_uint_bytes(w, c->number);
	ext_close(w, x);
	wder_close(w, at);
	wder_close(w, tagged);
}

void
crl_tbs_write(struct wr *w, const struct crl_spec *c)
{
	size_t tbs = wder_open(w, WDER_SEQ), list, at;

	wder_uint(w, 1);				/* v2 */
	alg_write(w, OID_SHA256_RSA);
	name_write(w, c->issuer);
	wder_time(w, c->this_update);
	wder_time(w, c->next_update);
	if (c->n_revoked > 0) {			/* an empty list is left out */
		list = wder_open(w, WDER_SEQ);
		for (size_t i = 0; i < c->n_revoked; i++) {
			at = wder_open(w, WDER_SEQ);
			wder_uint_bytes(w, c->revoked[i].serial);
			wder_time(w, c->revoked[i].when);
			wder_close(w, at);
		}
		wder_close(w, list);
	}
	crl_exts_write(w, c);
	wder_close(w, tbs);
}

void
signed_write(struct wr *w, struct sv tbs, struct sv sig)
{
	size_t at = wder_open(w, WDER_SEQ);

	wr_bytes(w, tbs.p, tbs.n);
	alg_write(w, OID_SHA256_RSA);
	wder_bits(w, sig.p, sig.n, 0);
	wder_close(w, at);
}

/* --- signed objects --- */

void
mft_write(struct wr *w, const struct mft_spec *m)
{
	size_t top = wder_open(w, WDER_SEQ), list, at;

	wder_uint_bytes(w, m->number);
	wder_gentime(w, m->this_update);
	wder_gentime(w, m->next_update);
	wder_oid(w, OID_SHA256);
	list = wder_open(w, WDER_SEQ);
	for (size_t i = 0; i < m->n_files; i++) {
		at = wder_open(w, WDER_SEQ);
		wder_tlv(w, WDER_IA5, m->files[i].name.p, m->files[i].name.n);
		wder_bits(w, m->files[i].hash, sizeof(m->files[i].hash), 0);
		wder_close(w, at);
	}
	wder_close(w, list);
	wder_close(w, top);
}

static void
roa_family_write(struct wr *w, const struct roa_spec *r, uint8_t af)
{
	size_t at = wder_open(w, WDER_SEQ), list, one;

	wder_tlv(w, WDER_OCTETS, af == IP_V4 ? "\0\1" : "\0\2", 2);
	list = wder_open(w, WDER_SEQ);
	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].px.af != af)
			continue;
		one = wder_open(w, WDER_SEQ);
		addr_write(w, r->v[i].px.addr, r->v[i].px.len);
		if (r->v[i].max_len != r->v[i].px.len)
			wder_uint(w, r->v[i].max_len);
		wder_close(w, one);
	}
	wder_close(w, list);
	wder_close(w, at);
}

void
roa_write(struct wr *w, const struct roa_spec *r)
{
	size_t top = wder_open(w, WDER_SEQ), blocks;
	bool has[2] = { false, false };

	for (size_t i = 0; i < r->n; i++)
		has[r->v[i].px.af == IP_V6] = true;
	wder_uint(w, r->asn);
	blocks = wder_open(w, WDER_SEQ);
	if (has[0])
		roa_family_write(w, r, IP_V4);
	if (has[1])
		roa_family_write(w, r, IP_V6);
	wder_close(w, blocks);
	wder_close(w, top);
}

void
aspa_write(struct wr *w, const struct aspa_spec *a)
{
	size_t top = wder_open(w, WDER_SEQ), at;

	at = wder_open(w, WDER_CTX(0));
	wder_uint(w, 1);
	wder_close(w, at);
	wder_uint(w, a->customer);
	at = wder_open(w, WDER_SEQ);
	for (size_t i = 0; i < a->n_providers; i++)
		wder_uint(w, a->providers[i]);
	wder_close(w, at);
	wder_close(w, top);
}

static void
line_write(struct wr *w, const char *name, const char *value)
{
	if (value == NULL)
		return;
	wr_bytes(w, name, strlen(name));
	wr_bytes(w, value, strlen(value));
	wr_bytes(w, "\r\n", 2);
}

void
vcard_write(struct wr *w, const struct vcard_spec *v)
{
	line_write(w, "BEGIN:", "VCARD");
	line_write(w, "VERSION:", "4.0");
	line_write(w, "FN:", v->fn);
	line_write(w, "ORG:", v->org);
	line_write(w, "ADR:", v->adr);
	line_write(w, "TEL:", v->tel);
	line_write(w, "EMAIL:", v->email);
	line_write(w, "", v->other);
	line_write(w, "END:", "VCARD");
}

static void
tak_key_write(struct wr *w, const struct tak_key_spec *k)
{
	size_t seq = wder_open(w, WDER_SEQ), list;

	list = wder_open(w, WDER_SEQ);
	for (size_t i = 0; i < k->n_comments; i++)
		wder_str(w, WDER_UTF8, k->comments[i]);
	wder_close(w, list);
	list = wder_open(w, WDER_SEQ);
	for (size_t i = 0; i < k->n_uris; i++)
		wder_str(w, WDER_IA5, k->uris[i]);
	wder_close(w, list);
	wr_bytes(w, k->spki.p, k->spki.n);
	wder_close(w, seq);
}

void
tak_write(struct wr *w, const struct tak_spec *t)
{
	const struct tak_key_spec *others[] = { t->predecessor, t->successor };
	size_t top = wder_open(w, WDER_SEQ), tagged;

	tak_key_write(w, t->current);
	for (unsigned i = 0; i < 2; i++) {
		if (others[i] == NULL)
			continue;
		tagged = wder_open(w, WDER_CTX(i));
		tak_key_write(w, others[i]);
		wder_close(w, tagged);
	}
	wder_close(w, top);
}

void
ec_spki_write(struct wr *w, const char *curve, const void *point, size_t n)
{
	size_t top = wder_open(w, WDER_SEQ), alg = wder_open(w, WDER_SEQ);

	wder_oid(w, OID_EC_PUBLIC_KEY);
	wder_oid(w, curve);
	wder_close(w, alg);
	wder_bits(w, point, n, 0);
	wder_close(w, top);
}

struct attr {
	size_t	seq, set;
};

static struct attr
attr_open(struct wr *w, const char *oid)
{
	struct attr a = { .seq = wder_open(w, WDER_SEQ) };

	wder_oid(w, oid);
	a.set = wder_open(w, WDER_SET);
	return a;
}

static void
attr_close(struct wr *w, struct attr a)
{
	wder_close(w, a.set);
	wder_close(w, a.seq);
}

void
attrs_write(struct wr *w, const char *ctype, struct sv digest, int64_t signing_time)
{
	size_t at = wder_open(w, WDER_SET);
	struct attr a;

	a = attr_open(w, OID_ATTR_CTYPE);
	wder_oid(w, ctype);
	attr_close(w, a);
	a = attr_open(w, OID_ATTR_TIME);
	wder_time(w, signing_time);
	attr_close(w, a);
	a = attr_open(w, OID_ATTR_DIGEST);
	wder_tlv(w, WDER_OCTETS, digest.p, digest.n);
	attr_close(w, a);
	wder_close_set(w, at);
}

/* The only member of signerInfos (RFC 6488 section 2.1.6). */
static void
signer_write(struct wr *w, const struct cms_spec *c)
{
	size_t set = wder_open(w, WDER_SET);
	size_t at = wder_open(w, WDER_SEQ);

	wder_uint(w, 3);
	wder_tlv(w, WDER_CTX_PRIM(0), c->ski.p, c->ski.n);
	digest_alg_write(w);
	wr_u8(w, WDER_CTX(0));			/* the SET OF under its implicit tag */
	wr_bytes(w, sv_skip(c->attrs, 1).p, sv_skip(c->attrs, 1).n);
	alg_write(w, OID_RSA_ENCRYPTION);
	wder_tlv(w, WDER_OCTETS, c->sig.p, c->sig.n);
	wder_close(w, at);
	wder_close(w, set);
}

static void
encap_write(struct wr *w, const struct cms_spec *c)
{
	size_t at = wder_open(w, WDER_SEQ), tagged;

	wder_oid(w, c->ctype);
	tagged = wder_open(w, WDER_CTX(0));
	wder_tlv(w, WDER_OCTETS, c->econtent.p, c->econtent.n);
	wder_close(w, tagged);
	wder_close(w, at);
}

void
cms_write(struct wr *w, const struct cms_spec *c)
{
	size_t info = wder_open(w, WDER_SEQ), tagged, data, at;

	wder_oid(w, OID_SIGNED_DATA);
	tagged = wder_open(w, WDER_CTX(0));
	data = wder_open(w, WDER_SEQ);
	wder_uint(w, 3);
	at = wder_open(w, WDER_SET);
	digest_alg_write(w);
	wder_close(w, at);
	encap_write(w, c);
	wder_tlv(w, WDER_CTX(0), c->cert.p, c->cert.n);
	signer_write(w, c);
	wder_close(w, data);
	wder_close(w, tagged);
	wder_close(w, info);
}
