/* What is in signed objects, and CMS around it; see write.h. */
#include "rpki/write.h"

/* digestAlgorithm: parameters absent (RFC 5754 section 2). */
static void
digest_alg_write(struct wr *w)
{
	size_t at = wder_open(w, WDER_SEQ);

	wder_oid(w, OID_SHA256);
	wder_close(w, at);
}

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
		wder_addr(w, r->v[i].px.addr, r->v[i].px.len);
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

/* The only member of signerInfos (RFC 6488 section 2.1). */
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
	wder_alg(w, OID_RSA_ENCRYPTION);
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
