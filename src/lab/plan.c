/* Keys, names, and every value of every object as the standards want it. */
#include <errno.h>
#include <stdlib.h>

#include "lab/internal.h"

#define EXT_LEN		4	/* ".roa" */
#define B64_LEN		27	/* 20 bytes in base64url without padding */

static const struct kind_row {
	const char	*ext, *name, *ctype;
} kinds[LAB_KIND_MAX] = {
	[LAB_CER] = { ".cer", "ca", NULL },
	[LAB_CRL] = { ".crl", "crl", NULL },
	[LAB_MFT] = { ".mft", "manifest", OID_CT_MFT },
	[LAB_ROA] = { ".roa", "roa", OID_CT_ROA },
	[LAB_ASPA] = { ".asa", "aspa", OID_CT_ASPA },
	[LAB_GBR] = { ".gbr", "ghostbusters", OID_CT_GBR },
	[LAB_ROUTER] = { ".cer", "router", NULL },
	[LAB_TAK] = { ".tak", "tak", OID_CT_TAK },
	[LAB_FILE] = { "", "file", NULL },
	[LAB_TA] = { ".cer", "ta", NULL },
};

const char *
lab_kind_name(enum lab_kind k)
{
	return kinds[k].name;
}

/* --- keys --- */

/*
 * The key of a router of which no other is known: P-256's base point, whose
 * private key everybody knows. Nothing is signed with it.
 */
static const uint8_t router_spki[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
	0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4,
	0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45,
	0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7,
	0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
	0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};
#define ROUTER_KEY_AT	26	/* the bits of subjectPublicKey */
_Static_assert(sizeof(router_spki) == LAB_ROUTER_SPKI_LEN, "P-256, not compressed");

/* SHA-1 of the bits of subjectPublicKey (RFC 6487 section 4.8.2). */
static void
ski_set(struct lab_obj *o)
{
	struct sv spki = crypto_signer_spki(o->key);
	/* both headers have the same number of length octets, alg has 15 bytes */
	size_t head = (uint8_t)spki.p[1] == 0x82 ? 4 : (uint8_t)spki.p[1] == 0x81 ? 3 : 2;
	struct sv bits = sv_skip(spki, head + 15 + head + 1);

	crypto_sha1(bits.p, bits.n, o->ski);
}

static struct sv
router_key(const struct lab_obj *o)
{
	return o->router_spki.n == 0 ? (struct sv){ (const char *)router_spki, sizeof(router_spki) } :
	    o->router_spki;
}

int
lab_obj_key(struct lab_world *w, struct lab_obj *o)
{
	struct sv bits = sv_skip(router_key(o), ROUTER_KEY_AT);

	if (o->kind == LAB_ROUTER)
		crypto_sha1(bits.p, bits.n, o->ski);
	if (o->kind == LAB_CRL || o->kind == LAB_ROUTER || o->kind == LAB_FILE ||
	    o->same_key != NULL || o->own_key != NULL)
		return 0;
	o->own_key = o->odd_bits > 0 ?
	    crypto_signer_odd(w->seed + o->key_no, o->odd_bits, o->odd_e) :
	    crypto_signer_pooled(w->primes, o->key_no);
	if (o->own_key == NULL)
		return -ENOMEM;
	o->key = o->own_key;
	ski_set(o);
	return 0;
}

/* --- names --- */

static void
b64url(const uint8_t in[static SHA1_LEN], char out[static B64_LEN])
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (unsigned i = 0; i < B64_LEN; i++) {
		unsigned bit = i * 6, v = (unsigned)in[bit / 8] << 8;

		if (bit / 8 + 1 < SHA1_LEN)
			v |= in[bit / 8 + 1];
		out[i] = abc[v >> (10 - bit % 8) & 0x3f];
	}
}

/* A label given in the text, or the key identifier as most CAs do it. */
static const char *
file_name(struct pool *pool, const struct lab_obj *o)
{
	const uint8_t *ski = o->ski;
	char b64[B64_LEN];

	if (o->kind == LAB_CRL || o->kind == LAB_MFT)
		ski = o->ca->cert->ski;
	/* a CA's first certificate is named by its key, as is its manifest */
	if (o->label != NULL && (o->kind != LAB_CER || o->ca == NULL || o->same_key != NULL))
		return pool_printf(pool, "%s%s", o->label, kinds[o->kind].ext);
	b64url(ski, b64);
	return pool_printf(pool, "%.*s%s", B64_LEN, b64, kinds[o->kind].ext);
}

/* A replaced ROA keeps its file's name, though its key is another. */
int
lab_obj_label(struct lab_world *w, struct lab_obj *o)
{
	char b64[B64_LEN];

	if (o->label != NULL)
		return 0;
	b64url(o->ski, b64);
	o->label = pool_printf(w->pool, "%.*s", B64_LEN, b64);
	return o->label == NULL ? -ENOMEM : 0;
}

int
lab_ca_names(struct lab_world *w, struct lab_ca *ca)
{
	char hex[2 * SHA1_LEN + 1];

	for (unsigned i = 0; i < SHA1_LEN; i++) {
		static const char digit[] = "0123456789ABCDEF";

		hex[2 * i] = digit[ca->cert->ski[i] >> 4];
		hex[2 * i + 1] = digit[ca->cert->ski[i] & 15];
	}
	hex[sizeof(hex) - 1] = '\0';
	ca->cn = ca->parent == NULL ? ca->name : pool_strdup(w->pool, hex);
	ca->tal_spki = crypto_signer_spki(ca->cert->key);
	if (ca->notify == NULL && ca->server->named)
		ca->notify = ca->server->notify;
	else if (ca->notify != NULL && ca->notify[0] == '\0')
		ca->notify = NULL;
	ca->repo = pool_printf(w->pool, "rsync://%s/repo/%s/", ca->server->host, ca->name);
	return ca->cn == NULL || ca->repo == NULL ? -ENOMEM : 0;
}

/* RFC 8630 section 2.2: in the order of preference */
static int
ta_uris(struct lab_world *w, struct lab_obj *o)
{
	struct lab_ca *ta = o->subject;

	o->uri = pool_printf(w->pool, "rsync://%s/ta/%s", ta->server->host, o->file);
	if (ta->server->named)
		ta->uris[ta->n_uris++] = pool_printf(w->pool, "https://%s/ta/%s",
		    ta->server->host, o->file);
	ta->uris[ta->n_uris++] = o->uri;
	return o->uri == NULL || ta->uris[0] == NULL ? -ENOMEM : 0;
}

int
lab_obj_names(struct lab_world *w, struct lab_obj *o)
{
	bool lasting = o->kind == LAB_CER || o->kind == LAB_CRL || o->kind == LAB_MFT;
	struct pool *pool = lasting ? w->pool : w->scratch;

	if (lasting && o->uri != NULL)
		return 0;
	if ((o->file = file_name(pool, o)) == NULL)
		return -ENOMEM;
	if (o->ca == NULL)
		return ta_uris(w, o);
	o->uri = pool_printf(pool, "%s%s", o->ca->repo, o->file);
	return o->uri == NULL ? -ENOMEM : 0;
}

/* --- values --- */

static struct sv
bytes_sv(const uint8_t *p, size_t n)
{
	return (struct sv){ (const char *)p, n };
}

void
lab_plan_res(struct lab_obj *o)
{
	lab_res_merge(&o->res);
	o->cert.res = lab_res_get(&o->res, o->ca);
	/*
	 * What CAs of the real world write, also where they hold none of a kind; and
	 * rpki-client 8.2 fails a manifest that leaves one out.
	 */
	if (o->kind == LAB_MFT && o->res.inherit)
		o->cert.res.ip[0].inherit = o->cert.res.ip[1].inherit = o->cert.res.as.inherit = true;
}

/* What both kinds of certificates have. ca NULL: a trust anchor. */
static void
plan_cert_common(struct lab_world *w, struct lab_obj *o)
{
	struct cert_spec *c = &o->cert;
	struct lab_ca *ca = o->ca;

	lab_serial(w, "cert", o->key_no, o->serial);
	c->serial = bytes_sv(o->serial, sizeof(o->serial));
	c->spki = o->kind == LAB_ROUTER ? router_key(o) : crypto_signer_spki(o->key);
	c->ski = bytes_sv(o->ski, sizeof(o->ski));
	lab_plan_res(o);
	o->cert_signer = ca == NULL ? o->key : ca->cert->key;
	if (ca == NULL)
		return;
	c->issuer = ca->cn;
	c->aki = bytes_sv(ca->cert->ski, sizeof(ca->cert->ski));
	c->crldp = ca->crl->uri;
	c->aia = ca->cert->uri;
}

static void
plan_ca(struct lab_world *w, struct lab_obj *o)
{
	struct lab_ca *s = o->subject;

	plan_cert_common(w, o);
	if (o->ca == NULL)
		o->cert.issuer = s->cn;
	o->cert.subject = s->cn;
	o->cert.ca = true;
	o->cert.not_before = s->valid[0];
	o->cert.not_after = s->valid[1];
	o->cert.repo = s->repo;
	o->cert.mft = s->mft->uri;
	o->cert.notify = s->notify;
}

static int
plan_ee(struct lab_world *w, struct lab_obj *o)
{
	char hex[2 * sizeof(o->serial) + 1];

	plan_cert_common(w, o);
	for (unsigned i = 0; i < sizeof(o->serial); i++) {
		static const char digit[] = "0123456789abcdef";

		hex[2 * i] = digit[o->serial[i] >> 4];
		hex[2 * i + 1] = digit[o->serial[i] & 15];
	}
	hex[sizeof(hex) - 1] = '\0';
	o->cert.subject = pool_strdup(w->scratch, hex);
	o->cert.object = o->uri;
	o->cert.not_before = lab_time(w, o->born) - 7 * 86400;
	o->cert.not_after = o->ca->valid[1];
	o->cms_signer = o->key;
	o->ctype = o->attr_ctype = kinds[o->kind].ctype;
	o->signing_time = o->cert.not_before;
	return o->cert.subject == NULL ? -ENOMEM : 0;
}

static struct sv
number_sv(struct lab_world *w, uint64_t n)
{
	uint8_t *p = pool_alloc(w->scratch, 8);

	if (p == NULL)
		return SV("");
	put_be32(p, (uint32_t)(n >> 32));
	put_be32(p + 4, (uint32_t)n);
	return bytes_sv(p, 8);
}

/* RFC 8209 section 3: AS numbers, no place of its own, its own key usage. */
static int
plan_router(struct lab_world *w, struct lab_obj *o)
{
	if (lab_res_as(w->scratch, &o->res, o->asn, o->asn) < 0 || plan_ee(w, o) < 0)
		return -ENOMEM;
	o->cert.subject = pool_printf(w->scratch, "ROUTER-%08X", o->asn);
	o->cert.object = NULL;
	o->cert.eku = OID_KP_ROUTER;
	return o->cert.subject == NULL ? -ENOMEM : 0;
}

static int
plan_mft(struct lab_world *w, struct lab_obj *o)
{
	if (plan_ee(w, o) < 0)
		return -ENOMEM;
	o->mft.number = number_sv(w, o->ca->number);
	o->mft.this_update = o->ca->mft_time[0] + o->ca->issued * w->every;
	o->mft.next_update = o->ca->mft_time[1] + o->ca->issued * w->every;
	o->cert.not_before = o->signing_time = o->mft.this_update;
	o->cert.not_after = o->mft.next_update;
	return 0;
}

static int
revoked_add(struct lab_world *w, struct lab_ca *ca, const uint8_t serial[static 8], int64_t when)
{
	struct sv copy = pool_sv(w->scratch, bytes_sv(serial, 8));

	ca->revoked[ca->n_revoked++] = (struct crl_item){ copy, when };
	return copy.p == NULL ? -ENOMEM : 0;
}

/* Two certificates that were revoked long ago, as every CA's list has; and the steps'. */
static int
plan_revoked(struct lab_world *w, struct lab_obj *o)
{
	struct lab_ca *ca = o->ca;
	uint8_t serial[8];

	ca->n_revoked = 0;
	ca->revoked = pool_calloc(w->scratch, 2 + ca->n_gone, sizeof(ca->revoked[0]));
	if (ca->revoked == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < 2; i++) {
		lab_serial(w, "revoked", 2 * o->index + i, serial);
		if (revoked_add(w, ca, serial, ca->crl_time[0] - (int64_t)(i + 1) * 86400) < 0)
			return -ENOMEM;
	}
	for (const struct lab_gone *g = ca->gone; g != NULL; g = g->next)
		if (revoked_add(w, ca, g->serial, g->when) < 0)
			return -ENOMEM;
	return 0;
}

static int
plan_crl(struct lab_world *w, struct lab_obj *o)
{
	struct lab_ca *ca = o->ca;

	if (plan_revoked(w, o) < 0)
		return -ENOMEM;
	o->crl = (struct crl_spec){
		.issuer = ca->cn,
		.this_update = ca->crl_time[0] + ca->issued * w->every,
		.next_update = ca->crl_time[1] + ca->issued * w->every,
		.revoked = ca->revoked,
		.n_revoked = ca->n_revoked,
		.aki = bytes_sv(ca->cert->ski, sizeof(ca->cert->ski)),
		.number = number_sv(w, ca->number),
	};
	o->cert_signer = ca->cert->key;
	return 0;
}

static int
plan_roa(struct lab_world *w, struct lab_obj *o)
{
	o->roa = (struct roa_spec){ o->asn, o->pfx, o->n_pfx };
	for (size_t i = 0; i < o->n_pfx; i++)
		if (lab_res_prefix(w->scratch, &o->res, &o->pfx[i].px) < 0)
			return -ENOMEM;
	return plan_ee(w, o);
}

static int
plan_aspa(struct lab_world *w, struct lab_obj *o)
{
	o->aspa = (struct aspa_spec){ o->asn, o->providers, o->n_providers };
	if (lab_res_as(w->scratch, &o->res, o->asn, o->asn) < 0)
		return -ENOMEM;
	return plan_ee(w, o);
}

static int
plan_tak(struct lab_world *w, struct lab_obj *o)
{
	struct lab_tak *t = o->tak;

	for (size_t i = 0; i < LAB_TAK_KEYS; i++) {
		const struct lab_ca *ta = t->ta[i];

		if (ta != NULL)
			t->key[i] = (struct tak_key_spec){ &ta->name, ta->uris, 1, ta->n_uris,
			    crypto_signer_spki(ta->cert->key) };
	}
	t->spec = (struct tak_spec){
		.current = &t->key[LAB_TAK_CURRENT],
		.predecessor = t->ta[LAB_TAK_PREDECESSOR] == NULL ? NULL : &t->key[LAB_TAK_PREDECESSOR],
		.successor = t->ta[LAB_TAK_SUCCESSOR] == NULL ? NULL : &t->key[LAB_TAK_SUCCESSOR],
	};
	return plan_ee(w, o);
}

/*
 * As if it had never been planned: an earlier step may have had a fault. What
 * an EE certificate claims follows from the payload; what a CA holds was said.
 */
static int
plan_reset(struct lab_world *w, struct lab_obj *o)
{
	int rc = 0;

	o->edits = NULL;
	o->hidden = o->unlisted = o->listed_twice = o->hash_wrong = o->digest_wrong = false;
	o->listed_as = NULL;
	o->n_extra = 0;
	o->cert = (struct cert_spec){ 0 };
	if (o->kind != LAB_CER)
		o->res = (struct lab_res){ .inherit = o->kind == LAB_MFT || o->kind == LAB_GBR ||
		    o->kind == LAB_TAK };
	else if (o->faulty && !o->planned)
		rc = lab_res_copy(w->pool, &o->res, &o->res_said);
	else if (o->faulty)
		rc = lab_res_copy(w->pool, &o->res_said, &o->res);
	o->planned = true;
	return rc;
}

int
lab_plan_obj(struct lab_world *w, struct lab_obj *o)
{
	int rc = plan_reset(w, o);

	if (rc < 0)
		return rc;
	switch (o->kind) {
	case LAB_CER:
		plan_ca(w, o);
		return 0;
	case LAB_CRL:
		return plan_crl(w, o);
	case LAB_MFT:
		return plan_mft(w, o);
	case LAB_ROA:
		return plan_roa(w, o);
	case LAB_ASPA:
		return plan_aspa(w, o);
	case LAB_ROUTER:
		return plan_router(w, o);
	case LAB_TAK:
		return plan_tak(w, o);
	case LAB_FILE:
		return 0;
	default:
		return plan_ee(w, o);
	}
}
