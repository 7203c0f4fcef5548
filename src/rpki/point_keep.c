/*
 * A judged point as bytes, for who wants to know after a restart what was
 * judged before it. Only good points in which nothing was rejected are kept,
 * without their list of objects.
 *
 *	fingerprint	SHA-256 of the build, the CA and the switches
 *	manifest	SHA-256
 *	times		judged, until, expires, thisUpdate, nextUpdate, the CRL's
 *	counts		objects of each type, valid and not judged; signatures;
 *			children, VRPs, ASPAs, router keys
 *	AIA		of the manifest's signer
 *	children …	each what its certificate says, without what follows from
 *			the CA (depth, chain, name of the trust anchor)
 *	VRPs …, ASPAs …, router keys …
 *	findings …	and the objects that they speak of: point_keep_findings.c
 *	files, as they are in memory (point_files.c); none if they are too many
 *
 * Texts are written by how many octets they share with another one that both
 * sides know. The reader believes nothing: what it gives could have been judged,
 * for this CA, at the time that is said. What it cannot know is whether a
 * certificate or a ROA says so; so who keeps it has to forget it in time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "rpki/keep.h"
#include "rpki/point.h"

#define KEPT_AT_TIMES	(2 * SHA256_LEN)	/* where judged and until stand */
#define MODULUS_LEN	256			/* RFC 7935: 2048 bits; see rsa_key_parse() */
#define EXPONENT	65537

enum kept_res {
	KEPT_ABSENT,
	KEPT_INHERITED,		/* the CA's own list, by pointer */
	KEPT_OWN,
	KEPT_RES_MAX
};

/* --- writing --- */

static void
be16_add(struct buf *b, size_t v)
{
	uint8_t p[2];

	put_be16(p, (uint16_t)v);
	buf_bytes(b, p, sizeof(p));
}

void
kept_be32(struct buf *b, size_t v)
{
	uint8_t p[4];

	put_be32(p, (uint32_t)v);
	buf_bytes(b, p, sizeof(p));
}

void
kept_be64(struct buf *b, int64_t v)
{
	kept_be32(b, (uint64_t)v >> 32);
	kept_be32(b, (uint64_t)v & UINT32_MAX);
}

static size_t
shared_len(struct sv a, struct sv b)
{
	size_t n = 0, max = min_size(a.n, b.n);

	while (n < max && a.p[n] == b.p[n])
		n++;
	return n;
}

void
kept_text(struct buf *b, struct sv s, struct sv ref)
{
	size_t same = shared_len(s, ref);

	be16_add(b, same);
	be16_add(b, s.n - same);
	buf_sv(b, sv_skip(s, same));
}

static size_t
af_len(uint8_t af)
{
	return af == IP_V4 ? 4 : 16;
}

static void
ip_add(struct buf *b, const struct ip_res *r, const struct ip_res *ca, uint8_t af)
{
	char kind = r->r == ca->r ? KEPT_INHERITED : r->present ? KEPT_OWN : KEPT_ABSENT;

	buf_char(b, kind);
	if (kind != KEPT_OWN)
		return;
	kept_be32(b, r->n);
	for (size_t i = 0; i < r->n; i++) {
		buf_bytes(b, r->r[i].min, af_len(af));
		buf_bytes(b, r->r[i].max, af_len(af));
	}
}

static void
as_add(struct buf *b, const struct as_res *r, const struct as_res *ca)
{
	char kind = r->r == ca->r ? KEPT_INHERITED : r->present ? KEPT_OWN : KEPT_ABSENT;

	buf_char(b, kind);
	if (kind != KEPT_OWN)
		return;
	kept_be32(b, r->n);
	for (size_t i = 0; i < r->n; i++) {
		kept_be32(b, r->r[i].min);
		kept_be32(b, r->r[i].max);
	}
}

static void
child_add(struct buf *b, const struct rpki_point *pt, const struct rpki_ca *c)
{
	kept_text(b, c->uri, pt->ca->repo_uri);
	kept_text(b, c->repo_uri, pt->ca->repo_uri);
	kept_text(b, c->mft_uri, c->repo_uri);
	kept_text(b, c->notify_uri, pt->ca->notify_uri);
	kept_text(b, c->subject, pt->ca->subject);
	buf_sv(b, c->ski);
	buf_sv(b, c->modulus);
	kept_be64(b, c->not_before);
	kept_be64(b, c->not_after);
	ip_add(b, &c->res.v4, &pt->base.v4, IP_V4);
	ip_add(b, &c->res.v6, &pt->base.v6, IP_V6);
	as_add(b, &c->res.as, &pt->base.as);
}

static void
payloads_add(struct buf *b, const struct rpki_point *pt)
{
	for (size_t i = 0; i < pt->n_vrps; i++) {
		const struct vrp *v = &pt->vrps[i];
		const uint8_t head[3] = { v->af, v->len, v->max_len };

		buf_bytes(b, head, sizeof(head));
		kept_be32(b, v->asn);
		kept_be32(b, (size_t)(pt->expires - v->expires));
		buf_bytes(b, v->addr, (v->len + 7u) / 8);
	}
	for (size_t i = 0; i < pt->n_aspas; i++) {
		const struct aspa *a = &pt->aspas[i];

		kept_be32(b, a->customer);
		kept_be32(b, (size_t)(pt->expires - a->expires));
		kept_be32(b, a->n_providers);
		for (size_t k = 0; k < a->n_providers; k++)
			kept_be32(b, a->providers[k]);
	}
	for (size_t i = 0; i < pt->n_router_keys; i++) {
		const struct router_key *k = &pt->router_keys[i];

		kept_be32(b, k->asn);
		kept_be32(b, (size_t)(pt->expires - k->expires));
		buf_bytes(b, k->ski, sizeof(k->ski));
		buf_bytes(b, k->spki, k->spki_len);
	}
}

static void
head_add(struct buf *b, const struct rpki_point *pt, const uint8_t fingerprint[static SHA256_LEN])
{
	const int64_t times[] = { pt->judged, pt->until, pt->expires, pt->mft_this, pt->mft_next,
	    pt->crl_next };

	buf_bytes(b, fingerprint, SHA256_LEN);
	buf_bytes(b, pt->mft_hash, SHA256_LEN);
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		kept_be64(b, times[i]);
	for (int t = 0; t < RPKI_TYPE_MAX; t++) {
		kept_be32(b, pt->count[t][V_VALID]);
		kept_be32(b, pt->count[t][V_NOT_JUDGED]);
	}
	kept_be32(b, pt->n_verified);
	kept_be32(b, pt->n_children);
	kept_be32(b, pt->n_vrps);
	kept_be32(b, pt->n_aspas);
	kept_be32(b, pt->n_router_keys);
	kept_text(b, pt->mft_aia, pt->ca->uri);
	kept_text(b, pt->crl_uri, pt->ca->repo_uri);
}

/* How long after a payload the point ends has 32 bits: 136 years. */
static bool
delta_fits(const struct rpki_point *pt, int64_t expires)
{
	return expires <= pt->expires && expires >= pt->expires - UINT32_MAX;
}

static bool
payloads_fit(const struct rpki_point *pt)
{
	for (size_t i = 0; i < pt->n_vrps; i++)
		if (!delta_fits(pt, pt->vrps[i].expires))
			return false;
	for (size_t i = 0; i < pt->n_aspas; i++)
		if (!delta_fits(pt, pt->aspas[i].expires))
			return false;
	for (size_t i = 0; i < pt->n_router_keys; i++)
		if (!delta_fits(pt, pt->router_keys[i].expires))
			return false;
	return true;
}

bool
rpki_point_keepable(const struct rpki_point *pt)
{
	if (pt->failed || pt->retained || pt->ca->lost)
		return false;
	for (int t = 0; t < RPKI_TYPE_MAX; t++)
		if (pt->count[t][V_REJECTED] + pt->count[t][V_LOST] > 0)
			return false;
	return payloads_fit(pt) && kept_findings_fit(pt);
}

/* Without what is remembered of the files. */
static int
point_write(const struct rpki_point *pt, const uint8_t fingerprint[static SHA256_LEN],
    struct buf *b)
{
	size_t start = b->len;

	head_add(b, pt, fingerprint);
	for (size_t i = 0; i < pt->n_children && b->len - start <= RPKI_KEPT_MAX; i++)
		child_add(b, pt, &pt->children[i]);
	payloads_add(b, pt);
	kept_findings_add(b, pt);
	if (b->rc == 0 && b->len - start > RPKI_KEPT_MAX) {
		b->len = start;
		return SE_LIMIT;
	}
	return b->rc;
}

static void
whole_add(struct buf *b, struct sv s)
{
	kept_be32(b, s.n);
	buf_sv(b, s);
}

int
rpki_point_write(const struct rpki_point *pt, const uint8_t fingerprint[static SHA256_LEN],
    struct buf *b)
{
	size_t start = b->len;
	int rc = point_write(pt, fingerprint, b);
	struct sv files = pt->files;

	if (rc < 0)
		return rc;
	if (b->len - start + 4 + files.n > RPKI_KEPT_MAX)
		files.n = 0;
	whole_add(b, files);
	return b->rc;
}

/* --- under what it was judged --- */

static void
res_add(struct buf *b, const struct resources *r)
{
	const struct ip_res *ip[2] = { &r->v4, &r->v6 };

	for (int i = 0; i < 2; i++) {
		buf_char(b, ip[i]->present);
		kept_be32(b, ip[i]->n);
		buf_bytes(b, ip[i]->r, ip[i]->n * sizeof(*ip[i]->r));
	}
	buf_char(b, r->as.present);
	kept_be32(b, r->as.n);
	for (size_t i = 0; i < r->as.n; i++) {
		kept_be32(b, r->as.r[i].min);
		kept_be32(b, r->as.r[i].max);
	}
}

int
rpki_point_fingerprint(const struct rpki_ca *ca, const struct rpki_opt *opt, struct sv build,
    uint8_t ret[static SHA256_LEN])
{
	const struct sv texts[] = { build, ca->uri, ca->subject, ca->ski, ca->modulus,
	    ca->repo_uri, ca->mft_uri, ca->notify_uri };
	struct buf b = BUF_INIT;
	int rc;

	kept_be32(&b, opt->tolerate);
	kept_be64(&b, (int64_t)opt->pool_max);
	kept_be32(&b, ca->depth);
	kept_be32(&b, ca->ta);
	kept_be32(&b, ca->exponent);
	buf_char(&b, ca->lost);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		whole_add(&b, texts[i]);
	res_add(&b, &ca->res);
	/* As .chain, which is another number in each process. */
	for (const struct rpki_ca *a = ca->parent; a != NULL; a = a->parent)
		whole_add(&b, a->ski);
	if ((rc = b.rc) == 0)
		crypto_sha256(b.p, b.len, ret);
	buf_done(&b);
	return rc;
}

/* --- reading --- */

struct sv
kept_text_read(struct kept_reading *k, struct sv ref, size_t max)
{
	size_t same = rd_be16(&k->r), n = rd_be16(&k->r);
	struct sv rest = rd_slice(&k->r, n), s = { NULL, same + rest.n };
	char *p;

	if (k->r.bad || same > ref.n || s.n > max ||
	    shared_len(rest, sv_skip(ref, same)) > 0) {
		k->bad = true;
		return (struct sv){ NULL, 0 };
	}
	if ((p = pool_alloc(k->pt->pool, s.n + 1)) == NULL)
		return (struct sv){ NULL, 0 };
	if (same > 0)
		memcpy(p, ref.p, same);
	if (rest.n > 0)
		memcpy(p + same, rest.p, rest.n);
	s.p = p;
	return s;
}

static struct sv
copy_read(struct kept_reading *k, size_t n)
{
	return pool_sv(k->pt->pool, rd_slice(&k->r, n));
}

static enum kept_res
kind_read(struct kept_reading *k)
{
	uint8_t kind = rd_u8(&k->r);

	want(k, kind < KEPT_RES_MAX);
	return kind;
}

size_t
kept_number(struct kept_reading *k, size_t each)
{
	size_t n = rd_be32(&k->r);

	if (n <= rd_left(&k->r) / each)
		return n;
	k->bad = true;
	return 0;
}

static void
ip_read(struct kept_reading *k, const struct ip_res *ca, uint8_t af, struct ip_res *ret)
{
	enum kept_res kind = kind_read(k);
	struct ip_range *v;
	size_t n;

	*ret = (struct ip_res){ .present = false };
	if (kind == KEPT_INHERITED)
		*ret = *ca;
	n = kind == KEPT_OWN ? kept_number(k, 2 * af_len(af)) : 0;
	want(k, n <= RPKI_RES_MAX);
	if (kind == KEPT_INHERITED || k->bad ||
	    (v = pool_calloc(k->pt->pool, n + 1, sizeof(*v))) == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *min = rd_bytes(&k->r, af_len(af)), *max = rd_bytes(&k->r, af_len(af));

		if (max == NULL)
			return;
		memcpy(v[i].min, min, af_len(af));
		memcpy(v[i].max, max, af_len(af));
		want(k, memcmp(v[i].min, v[i].max, 16) <= 0 &&
		    (i == 0 || memcmp(v[i - 1].max, v[i].min, 16) < 0) &&
		    ip_res_covers(ca, v[i].min, v[i].max));
	}
	*ret = (struct ip_res){ .present = kind == KEPT_OWN, .n = n, .r = v };
}

static void
as_read(struct kept_reading *k, const struct as_res *ca, struct as_res *ret)
{
	enum kept_res kind = kind_read(k);
	struct as_range *v;
	size_t n;

	*ret = (struct as_res){ .present = false };
	if (kind == KEPT_INHERITED)
		*ret = *ca;
	n = kind == KEPT_OWN ? kept_number(k, 8) : 0;
	want(k, n <= RPKI_RES_MAX);
	if (kind == KEPT_INHERITED || k->bad ||
	    (v = pool_calloc(k->pt->pool, n + 1, sizeof(*v))) == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		v[i].min = rd_be32(&k->r);
		v[i].max = rd_be32(&k->r);
		want(k, v[i].min <= v[i].max && (i == 0 || v[i - 1].max < v[i].min) &&
		    as_res_covers(ca, v[i].min, v[i].max));
	}
	*ret = (struct as_res){ .present = kind == KEPT_OWN, .n = n, .r = v };
}

/* "…/name" of the CA's own place. */
static bool
is_file_of(const struct rpki_ca *ca, struct sv uri, enum rpki_type type)
{
	size_t n = ca->repo_uri.n;
	bool slash = n > 0 && ca->repo_uri.p[n - 1] == '/';
	struct sv name = sv_skip(uri, n + !slash);

	return sv_starts(uri, ca->repo_uri) && (slash || sv_starts(sv_skip(uri, n), SV("/"))) &&
	    name.n <= RPKI_FILE_NAME_MAX && rpki_type_of(name) == type &&
	    sv_find(name, '/') == name.n && rsync_uri_valid(uri);
}

static bool
is_name(struct sv subject)
{
	struct der_doc doc;
	struct der d = der_on(&doc, subject);
	bool printable;
	struct sv whole;

	return name_parse(&d, &printable, &whole) && der_ok(&d) && der_peek(&d) == 0;
}

/* Also what ends every walk: no key of a CA above, no chain without an end. */
static void
child_check(struct kept_reading *k, const struct rpki_ca *c)
{
	const struct rpki_point *pt = k->pt;

	want(k, is_file_of(k->ca, c->uri, RPKI_CER) && rsync_uri_valid(c->repo_uri) &&
	    rsync_uri_valid(c->mft_uri) && (c->notify_uri.n == 0 || https_uri_valid(c->notify_uri)));
	want(k, is_name(c->subject) && c->ski.n == SHA1_LEN && c->modulus.n == MODULUS_LEN &&
	    ((uint8_t)c->modulus.p[0] & 0x80) != 0);
	want(k, c->not_before <= pt->judged && c->not_after >= pt->until - 1);
	want(k, c->depth < RPKI_DEPTH_MAX);
	for (const struct rpki_ca *a = k->ca; a != NULL; a = a->parent)
		want(k, !sv_eq(a->ski, c->ski));
}

static void
child_read(struct kept_reading *k, struct rpki_ca *c)
{
	const struct rpki_ca *ca = k->ca;

	*c = (struct rpki_ca){
		.parent = (struct rpki_ca *)(uintptr_t)ca,
		.depth = ca->depth + 1,
		.ta = ca->ta,
		.exponent = EXPONENT,
		.chain = ca->chain * 31 + hash_bytes(ca->ski.p, ca->ski.n),
	};
	c->uri = kept_text_read(k, ca->repo_uri, RPKI_URI_MAX);
	c->repo_uri = kept_text_read(k, ca->repo_uri, RPKI_URI_MAX);
	c->mft_uri = kept_text_read(k, c->repo_uri, RPKI_URI_MAX);
	c->notify_uri = kept_text_read(k, ca->notify_uri, RPKI_URI_MAX);
	c->subject = kept_text_read(k, ca->subject, RPKI_KEPT_NAME_MAX);
	c->ski = copy_read(k, SHA1_LEN);
	c->modulus = copy_read(k, MODULUS_LEN);
	c->not_before = (int64_t)rd_be64(&k->r);
	c->not_after = (int64_t)rd_be64(&k->r);
	ip_read(k, &ca->res.v4, IP_V4, &c->res.v4);
	ip_read(k, &ca->res.v6, IP_V6, &c->res.v6);
	as_read(k, &ca->res.as, &c->res.as);
	c->own_expires = min_i64(k->pt->expires, c->not_after);
	c->expires = min_i64(ca->expires, c->own_expires);
	if (!k->r.bad && !k->bad && !pool_has_failed(k->pt->pool))
		child_check(k, c);
}

/* A payload may end before the point does, not before it is judged again. */
static int64_t
expires_read(struct kept_reading *k)
{
	int64_t expires = k->pt->expires - rd_be32(&k->r);

	want(k, expires >= k->pt->until - 1);
	return expires;
}

static void
vrp_read(struct kept_reading *k, struct vrp *v)
{
	struct ip_prefix px;
	const uint8_t *addr;
	size_t n;

	*v = (struct vrp){ .af = rd_u8(&k->r) };
	v->len = rd_u8(&k->r);
	v->max_len = rd_u8(&k->r);
	v->asn = rd_be32(&k->r);
	v->expires = expires_read(k);
	v->ta = (uint8_t)k->ca->ta;
	n = (v->len + 7u) / 8;
	addr = rd_bytes(&k->r, n);
	if (addr == NULL || n > sizeof(v->addr)) {
		k->bad = true;
		return;
	}
	memcpy(v->addr, addr, n);
	want(k, vrp_is_sound(v));
	if (k->bad)
		return;
	px = (struct ip_prefix){ .af = v->af, .len = v->len };
	memcpy(px.addr, v->addr, sizeof(px.addr));
	want(k, ip_res_covers_prefix(&k->ca->res, &px));
}

static void
aspa_read(struct kept_reading *k, struct aspa *a)
{
	uint32_t *p;
	size_t n;

	*a = (struct aspa){ .customer = rd_be32(&k->r) };
	a->expires = expires_read(k);
	a->ta = (uint8_t)k->ca->ta;
	n = kept_number(k, 4);
	want(k, n > 0 && n <= RPKI_ASPA_PROVIDERS_MAX &&
	    as_res_covers(&k->ca->res.as, a->customer, a->customer));
	if (k->bad || (p = pool_calloc(k->pt->pool, n + 1, sizeof(*p))) == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		p[i] = rd_be32(&k->r);
		want(k, p[i] != a->customer && (i == 0 || (p[i] > p[i - 1] && p[0] != 0)));
	}
	a->providers = p;
	a->n_providers = (uint32_t)n;
}

static void
router_key_read(struct kept_reading *k, struct router_key *x)
{
	const size_t spki_len = 91;	/* P-256: slurm_key_sound() */
	const uint8_t *ski, *spki;

	*x = (struct router_key){ .asn = rd_be32(&k->r), .ca = PAYLOAD_CA_NONE };
	x->expires = expires_read(k);
	x->ta = (uint8_t)k->ca->ta;
	ski = rd_bytes(&k->r, sizeof(x->ski));
	spki = rd_bytes(&k->r, spki_len);
	if (ski == NULL || spki == NULL)
		return;
	memcpy(x->ski, ski, sizeof(x->ski));
	memcpy(x->spki, spki, spki_len);
	x->spki_len = (uint8_t)spki_len;
	want(k, slurm_key_sound((struct sv){ (const char *)spki, spki_len }) &&
	    as_res_covers(&k->ca->res.as, x->asn, x->asn));
}

static void
counts_read(struct kept_reading *k)
{
	struct rpki_point *pt = k->pt;
	uint64_t sum = 0;

	for (int t = 0; t < RPKI_TYPE_MAX; t++) {
		sum += pt->count[t][V_VALID] = rd_be32(&k->r);
		sum += pt->count[t][V_NOT_JUDGED] = rd_be32(&k->r);
		/* What is judged is judged, and what is not is not. */
		want(k, pt->count[t][t < RPKI_SPL ? V_NOT_JUDGED : V_VALID] == 0);
	}
	want(k, sum <= RPKI_MFT_FILES_MAX + 1 && pt->count[RPKI_MFT][V_VALID] == 1 &&
	    pt->count[RPKI_CRL][V_VALID] == 1);
	pt->n_verified = rd_be32(&k->r);
}

static int
lists_read(struct kept_reading *k)
{
	struct rpki_point *pt = k->pt;
	size_t n_children = rd_be32(&k->r), n_vrps = rd_be32(&k->r), n_aspas = rd_be32(&k->r);
	size_t n_keys = rd_be32(&k->r), each = SHA1_LEN + MODULUS_LEN, left = rd_left(&k->r);

	want(k, n_children <= pt->count[RPKI_CER][V_VALID] && n_children <= left / each);
	want(k, n_vrps <= left / 11 && n_aspas == pt->count[RPKI_ASA][V_VALID] &&
	    n_aspas <= left / 16 && n_keys <= left / (28 + SHA1_LEN));
	want(k, pt->count[RPKI_ROA][V_VALID] > 0 || n_vrps == 0);
	if (k->r.bad || k->bad)
		return 0;
	pt->mft_aia = kept_text_read(k, k->ca->uri, RPKI_URI_MAX);
	want(k, pt->mft_aia.n == 0 || rsync_uri_valid(pt->mft_aia));
	pt->crl_uri = kept_text_read(k, k->ca->repo_uri, RPKI_URI_MAX);
	want(k, is_file_of(k->ca, pt->crl_uri, RPKI_CRL));
	pt->children = pool_calloc(pt->pool, n_children + 1, sizeof(*pt->children));
	pt->vrps = pool_calloc(pt->pool, n_vrps + 1, sizeof(*pt->vrps));
	pt->aspas = pool_calloc(pt->pool, n_aspas + 1, sizeof(*pt->aspas));
	if (n_keys > 0)
		pt->router_keys = pool_calloc(pt->pool, n_keys, sizeof(*pt->router_keys));
	if (pool_has_failed(pt->pool))
		return -ENOMEM;
	for (; pt->n_children < n_children && !k->bad; pt->n_children++)
		child_read(k, &pt->children[pt->n_children]);
	for (; pt->n_vrps < n_vrps && !k->bad; pt->n_vrps++)
		vrp_read(k, &pt->vrps[pt->n_vrps]);
	for (; pt->n_aspas < n_aspas && !k->bad; pt->n_aspas++)
		aspa_read(k, &pt->aspas[pt->n_aspas]);
	for (; pt->n_router_keys < n_keys && !k->bad; pt->n_router_keys++)
		router_key_read(k, &pt->router_keys[pt->n_router_keys]);
	if (k->bad || k->r.bad)
		return 0;
	if (pool_has_failed(pt->pool) || kept_findings_read(k) < 0)
		return -ENOMEM;
	pt->files = copy_read(k, rd_be32(&k->r));
	want(k, point_files_sound(pt->files, pt));
	return pool_has_failed(pt->pool) ? -ENOMEM : 0;
}

static void
times_read(struct kept_reading *k)
{
	struct rpki_point *pt = k->pt;
	int64_t *const times[] = { &pt->judged, &pt->until, &pt->expires, &pt->mft_this,
	    &pt->mft_next, &pt->crl_next };

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		*times[i] = (int64_t)rd_be64(&k->r);
		/* What RFC 5280 can say: sums of two do not overflow. */
		want(k, *times[i] >= RPKI_KEPT_TIME_MIN && *times[i] <= RPKI_KEPT_TIME_MAX);
	}
	want(k, pt->judged < pt->until && pt->mft_this <= pt->judged &&
	    pt->until - 1 <= pt->expires && pt->expires <= pt->mft_next &&
	    pt->expires <= pt->crl_next);
}

static int
point_read(struct kept_reading *k, const uint8_t fingerprint[static SHA256_LEN])
{
	struct rpki_point *pt = k->pt;
	struct sv print = rd_slice(&k->r, SHA256_LEN), hash = rd_slice(&k->r, SHA256_LEN);

	if (hash.p == NULL || memcmp(print.p, fingerprint, SHA256_LEN) != 0) {
		k->bad = true;
		return 0;
	}
	memcpy(pt->mft_hash, hash.p, SHA256_LEN);
	times_read(k);
	counts_read(k);
	return k->bad ? 0 : lists_read(k);
}

int
rpki_point_read(const struct rpki_ca *ca, struct sv bytes,
    const uint8_t fingerprint[static SHA256_LEN], struct rpki_point *ret, bool *ret_ok)
{
	struct kept_reading k = { .r = rd_sv(bytes), .ca = ca, .pt = ret };
	int rc;

	*ret_ok = false;
	if (bytes.n > RPKI_KEPT_MAX)
		return 0;
	*ret = (struct rpki_point){ .ca = ca, .base = ca->res, .mft_found = true, .thin = true };
	if ((ret->pool = pool_new(RPKI_POINT_POOL_MAX)) == NULL)
		return -ENOMEM;
	findings_init(&ret->findings, ret->pool);
	rc = point_read(&k, fingerprint);
	*ret_ok = rc == 0 && !k.bad && rd_done(&k.r);
	if (!*ret_ok)
		rpki_point_done(ret);
	return rc;
}

bool
rpki_point_kept_times(struct sv bytes, int64_t *ret_judged, int64_t *ret_until)
{
	struct rd r = rd_sv(bytes);

	(void)rd_bytes(&r, KEPT_AT_TIMES);
	*ret_judged = (int64_t)rd_be64(&r);
	*ret_until = (int64_t)rd_be64(&r);
	return !r.bad;
}

/* --- objects, when somebody asks for them --- */

static bool
kept_same(struct buf *a, struct buf *b)
{
	const size_t times = KEPT_AT_TIMES + 2 * sizeof(int64_t);

	return a->len == b->len && a->len >= times &&
	    memcmp(a->p, b->p, KEPT_AT_TIMES) == 0 &&
	    memcmp(a->p + times, b->p + times, a->len - times) == 0;
}

int
rpki_point_same(const struct rpki_point *a, const struct rpki_point *b, bool *ret)
{
	static const uint8_t none[SHA256_LEN];
	struct buf x = BUF_INIT, y = BUF_INIT;
	int rc = 0;

	*ret = false;
	if (rpki_point_keepable(a) && rpki_point_keepable(b) &&
	    (rc = point_write(a, none, &x)) == 0 && (rc = point_write(b, none, &y)) == 0)
		*ret = kept_same(&x, &y);
	buf_done(&x);
	buf_done(&y);
	return rc;
}

void
rpki_point_thicken(struct rpki_point *pt, struct rpki_point *full)
{
	pt->objects = full->objects;
	pt->n_objects = full->n_objects;
	pt->more = full->pool;
	pt->thin = false;
	full->pool = NULL;
	rpki_point_done(full);
}
