/* Keys, names, and every value of every object as the standards want it. */
#include <errno.h>
#include <stdlib.h>

#include "lab/internal.h"
#include "sys/par.h"

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
	[LAB_FILE] = { "", "file", NULL },
	[LAB_TA] = { ".cer", "ta", NULL },
};

const char *
lab_kind_name(enum lab_kind k)
{
	return kinds[k].name;
}

/* --- keys --- */

static void
prime_job(void *arg, size_t i)
{
	struct lab_world *w = arg;

	/* a failure shows as a key that cannot be made */
	if (crypto_primes_make(w->primes, i) < 0)
		return;
}

/*
 * The key of every router: P-256's base point, whose private key everybody
 * knows. Nothing is signed with it.
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

static void
key_job(void *arg, size_t i)
{
	struct lab_world *w = arg;
	struct lab_obj *o = w->objs[i];

	if (o->kind == LAB_ROUTER)
		crypto_sha1(router_spki + ROUTER_KEY_AT, sizeof(router_spki) - ROUTER_KEY_AT, o->ski);
	if (o->kind == LAB_CRL || o->kind == LAB_ROUTER || o->kind == LAB_FILE ||
	    o->same_key != NULL)
		return;
	o->own_key = o->odd_bits > 0 ?
	    crypto_signer_odd(w->seed + i, o->odd_bits, o->odd_e) :
	    crypto_signer_pooled(w->primes, i);
	if (o->own_key == NULL) {
		o->rc = -ENOMEM;
		return;
	}
	o->key = o->own_key;
	ski_set(o);
}

static void
objs_list(struct lab_world *w)
{
	size_t n = 0;

	for (struct lab_ca *ca = w->cas; ca != NULL; ca = ca->next) {
		if (ca->parent == NULL)
			w->objs[n++] = ca->cert;
		for (struct lab_obj *o = ca->objs; o != NULL; o = o->next)
			w->objs[n++] = o;
	}
	w->n_objs = n;
	for (size_t i = 0; i < n; i++)
		w->objs[i]->index = i;
}

int
lab_keys(struct lab_world *w)
{
	size_t n_primes = crypto_primes_for(w->n_objs);

	w->objs = pool_calloc(w->pool, w->n_objs, sizeof(w->objs[0]));
	if (w->objs == NULL)
		return -ENOMEM;
	objs_list(w);
	if ((w->primes = crypto_primes_new(n_primes, w->seed)) == NULL)
		return -ENOMEM;
	par_for(w->opts.jobs, n_primes, prime_job, w);
	par_for(w->opts.jobs, w->n_objs, key_job, w);
	for (size_t i = 0; i < w->n_objs; i++) {
		struct lab_obj *o = w->objs[i];

		if (o->rc < 0)
			return o->rc;
		if (o->same_key == NULL)
			continue;
		o->key = o->same_key->key;
		memcpy(o->ski, o->same_key->ski, sizeof(o->ski));
	}
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
file_name(struct lab_world *w, const struct lab_obj *o)
{
	const uint8_t *ski = o->ski;
	char b64[B64_LEN];

	if (o->kind == LAB_CRL || o->kind == LAB_MFT)
		ski = o->ca->cert->ski;
	/* a CA's first certificate is named by its key, as is its manifest */
	if (o->label != NULL && (o->kind != LAB_CER || o->ca == NULL || o->same_key != NULL))
		return pool_printf(w->pool, "%s%s", o->label, kinds[o->kind].ext);
	b64url(ski, b64);
	return pool_printf(w->pool, "%.*s%s", B64_LEN, b64, kinds[o->kind].ext);
}

static int
ca_names(struct lab_world *w, struct lab_ca *ca)
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
	ca->repo = pool_printf(w->pool, "rsync://%s/repo/%s/", w->host, ca->name);
	return ca->cn == NULL || ca->repo == NULL ? -ENOMEM : 0;
}

static int
obj_names(struct lab_world *w, struct lab_obj *o)
{
	if ((o->file = file_name(w, o)) == NULL)
		return -ENOMEM;
	o->uri = o->ca == NULL ? pool_printf(w->pool, "rsync://%s/ta/%s", w->host, o->file) :
	    pool_printf(w->pool, "%s%s", o->ca->repo, o->file);
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
}

/* What both kinds of certificates have. ca NULL: a trust anchor. */
static void
plan_cert_common(struct lab_world *w, struct lab_obj *o)
{
	struct cert_spec *c = &o->cert;
	struct lab_ca *ca = o->ca;

	lab_serial(w, "cert", o->index, o->serial);
	c->serial = bytes_sv(o->serial, sizeof(o->serial));
	c->spki = o->kind == LAB_ROUTER ? bytes_sv(router_spki, sizeof(router_spki)) :
	    crypto_signer_spki(o->key);
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
	o->cert.subject = pool_strdup(w->pool, hex);
	o->cert.object = o->uri;
	o->cert.not_before = w->now - 7 * 86400;
	o->cert.not_after = o->ca->valid[1];
	o->cms_signer = o->key;
	o->ctype = o->attr_ctype = kinds[o->kind].ctype;
	o->signing_time = o->cert.not_before;
	return o->cert.subject == NULL ? -ENOMEM : 0;
}

static struct sv
number_sv(struct lab_world *w, uint64_t n)
{
	uint8_t *p = pool_alloc(w->pool, 8);

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
	if (plan_ee(w, o) < 0)
		return -ENOMEM;
	o->cert.subject = pool_printf(w->pool, "ROUTER-%08X", o->asn);
	o->cert.object = NULL;
	o->cert.eku = OID_KP_ROUTER;
	return o->cert.subject == NULL ? -ENOMEM : 0;
}

static int
plan_mft(struct lab_world *w, struct lab_obj *o)
{
	o->res.inherit = true;
	if (plan_ee(w, o) < 0)
		return -ENOMEM;
	o->mft.number = number_sv(w, o->ca->number);
	o->mft.this_update = o->ca->mft_time[0];
	o->mft.next_update = o->ca->mft_time[1];
	o->cert.not_before = o->signing_time = o->mft.this_update;
	o->cert.not_after = o->mft.next_update;
	return 0;
}

/* Two certificates that were revoked long ago, as every CA's list has. */
static int
plan_crl(struct lab_world *w, struct lab_obj *o)
{
	struct lab_ca *ca = o->ca;

	ca->n_revoked = 2;
	if ((ca->revoked = pool_calloc(w->pool, ca->n_revoked, sizeof(ca->revoked[0]))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ca->n_revoked; i++) {
		uint8_t *p = pool_alloc(w->pool, 8);

		if (p == NULL)
			return -ENOMEM;
		lab_serial(w, "revoked", 2 * o->index + i, p);
		ca->revoked[i].serial = bytes_sv(p, 8);
		ca->revoked[i].when = ca->crl_time[0] - (int64_t)(i + 1) * 86400;
	}
	o->crl = (struct crl_spec){
		.issuer = ca->cn,
		.this_update = ca->crl_time[0],
		.next_update = ca->crl_time[1],
		.revoked = ca->revoked,
		.n_revoked = ca->n_revoked,
		.aki = bytes_sv(ca->cert->ski, sizeof(ca->cert->ski)),
		.number = number_sv(w, ca->number),
	};
	o->cert_signer = ca->cert->key;
	return 0;
}

static int
plan_obj(struct lab_world *w, struct lab_obj *o)
{
	switch (o->kind) {
	case LAB_CER:
		plan_ca(w, o);
		return 0;
	case LAB_CRL:
		return plan_crl(w, o);
	case LAB_MFT:
		return plan_mft(w, o);
	case LAB_ROA:
		o->roa = (struct roa_spec){ o->asn, o->pfx, o->n_pfx };
		return plan_ee(w, o);
	case LAB_ASPA:
		o->aspa = (struct aspa_spec){ o->asn, o->providers, o->n_providers };
		return plan_ee(w, o);
	case LAB_ROUTER:
		return plan_router(w, o);
	case LAB_FILE:
		return 0;
	default:
		return plan_ee(w, o);
	}
}

int
lab_plan(struct lab_world *w)
{
	int rc = 0;

	for (struct lab_ca *ca = w->cas; ca != NULL && rc == 0; ca = ca->next)
		rc = ca_names(w, ca);
	for (size_t i = 0; i < w->n_objs && rc == 0; i++)
		rc = obj_names(w, w->objs[i]);
	for (size_t i = 0; i < w->n_objs && rc == 0; i++)
		rc = plan_obj(w, w->objs[i]);
	return rc;
}
