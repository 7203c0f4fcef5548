/* Certificates and CRLs as DER, unsigned; see write.h. */
#include "rpki/write.h"

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
		wder_addr(w, r->min, same);
		return;
	}
	at = wder_open(w, WDER_SEQ);
	wder_addr(w, r->min, lo);
	wder_addr(w, r->max, hi);
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
	wder_alg(w, OID_SHA256_RSA);
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
	wder_alg(w, OID_SHA256_RSA);
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
	wder_alg(w, OID_SHA256_RSA);
	wder_bits(w, sig.p, sig.n, 0);
	wder_close(w, at);
}
