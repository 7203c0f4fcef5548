/*
 * The faults, by the rule that each breaks. A row is what a person may plant;
 * tests/corpus/test_faults.py plants every one and expects its code.
 *
 * Bytes are hex digits of DER. Members by number: of a TBSCertificate 0
 * version, 1 serial, 2 algorithm, 3 issuer, 4 validity, 5 subject, 6 key, $
 * extensions; of a TBSCertList 0 version, 1 algorithm, 2 issuer, 3 and 4
 * times, 5 entries, $ extensions; of SignedData 0 version, 1 digest
 * algorithms, 2 content, 3 certificates, 4 signers.
 */
#include <errno.h>
#include <stdio.h>

#include "lab/internal.h"
#include "rpki/limits.h"

#define HOUR		3600
#define DAY		86400

/* Paths: an extension of a TBS, its value; SignedData, its only SignerInfo. */
#define EXT(oid)	"$/0/x:" oid
#define EXT_VALUE(oid)	EXT(oid) "/$/>"
#define SD		"1/0/"
#define SI		"1/0/4/0/"

/* --- changes of times --- */

static int
cert_expired(struct lab_world *w, struct lab_planted *p)
{
	p->obj->cert.not_after = lab_time(w, w->step) - HOUR;
	return 0;
}

static int
cert_future(struct lab_world *w, struct lab_planted *p)
{
	p->obj->cert.not_before = lab_time(w, w->step) + HOUR;
	return 0;
}

static int
crl_expired(struct lab_world *w, struct lab_planted *p)
{
	p->obj->crl.this_update = lab_time(w, w->step) - DAY;
	p->obj->crl.next_update = lab_time(w, w->step) - HOUR;
	return 0;
}

static int
crl_future(struct lab_world *w, struct lab_planted *p)
{
	p->obj->crl.this_update = lab_time(w, w->step) + HOUR;
	return 0;
}

/* The certificate stays valid: only the manifest's own times are wrong. */
static int
mft_times(struct lab_planted *p, int64_t this_update, int64_t next_update, int64_t now)
{
	p->obj->mft.this_update = this_update;
	p->obj->mft.next_update = next_update;
	p->obj->cert.not_before = min_i64(this_update, now - DAY);
	p->obj->cert.not_after = now + 2 * DAY;
	return 0;
}

static int
mft_stale(struct lab_world *w, struct lab_planted *p)
{
	return mft_times(p, lab_time(w, w->step) - DAY, lab_time(w, w->step) - HOUR, lab_time(w, w->step));
}

static int
mft_future(struct lab_world *w, struct lab_planted *p)
{
	return mft_times(p, lab_time(w, w->step) + HOUR, lab_time(w, w->step) + DAY, lab_time(w, w->step));
}

static int
mft_time_order(struct lab_world *w, struct lab_planted *p)
{
	return mft_times(p, lab_time(w, w->step), lab_time(w, w->step), lab_time(w, w->step));
}

static int
mft_ee_time(struct lab_world *w, struct lab_planted *p)
{
	p->obj->cert.not_after = lab_time(w, w->step) + HOUR;
	return 0;
}

/* --- what is published and listed --- */

static int
obj_hidden(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->hidden = true;
	return 0;
}

static int
obj_unlisted(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->unlisted = true;
	return 0;
}

static int
obj_listed_twice(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->listed_twice = true;
	return 0;
}

static int
obj_hash_wrong(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->hash_wrong = true;
	return 0;
}

static int
obj_name_wrong(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->listed_as = "../escape.roa";
	return 0;
}

/* A second CRL of the same CA, listed too. */
static int
crl_second(struct lab_world *w, struct lab_planted *p)
{
	struct lab_obj *o = lab_obj_new(w, p->ca, LAB_CRL);

	if (o == NULL)
		return -ENOMEM;
	o->label = "second";
	return 0;
}

/* --- keys --- */

static int
key_1024(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->odd_bits = 1024;
	p->obj->odd_e = 65537;
	return 0;
}

static int
key_e3(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->odd_bits = 2048;
	p->obj->odd_e = 3;
	return 0;
}

/* Signed by the CA above the right one; for a TA: by a CA below. */
static int
cert_other_signer(struct lab_world *w, struct lab_planted *p)
{
	struct lab_ca *issuer = p->obj->ca;

	if (issuer == NULL)
		return -ENOENT;
	if (issuer->parent != NULL)
		p->obj->cert_signer = issuer->parent->cert->key;
	else
		p->obj->cert_signer = w->cas->cert == issuer->cert ?
		    w->cas->next->cert->key : w->cas->cert->key;
	return 0;
}

static int
cms_other_signer(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cms_signer = p->obj->ca->cert->key;
	return 0;
}

static int
digest_wrong(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->digest_wrong = true;
	return 0;
}

/* The last byte is another one. */
static struct sv
id_other(struct lab_world *w, struct sv id)
{
	struct sv copy = pool_sv(w->pool, id);

	if (copy.p != NULL)
		((char *)(uintptr_t)copy.p)[copy.n - 1] ^= 1;
	return copy;
}

static int
ski_wrong(struct lab_world *w, struct lab_planted *p)
{
	p->obj->cert.ski = id_other(w, p->obj->cert.ski);
	return p->obj->cert.ski.p == NULL ? -ENOMEM : 0;
}

static int
aki_wrong(struct lab_world *w, struct lab_planted *p)
{
	p->obj->cert.aki = id_other(w, p->obj->cert.aki);
	return p->obj->cert.aki.p == NULL ? -ENOMEM : 0;
}

static int
crl_aki_wrong(struct lab_world *w, struct lab_planted *p)
{
	p->obj->crl.aki = id_other(w, p->obj->crl.aki);
	return p->obj->crl.aki.p == NULL ? -ENOMEM : 0;
}

static int
issuer_wrong(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.issuer = p->obj->crl.issuer = "somebody-else";
	return 0;
}

static int
revoked(struct lab_world *w, struct lab_planted *p)
{
	struct lab_ca *ca = p->obj->ca;
	struct crl_item *v;

	if (ca == NULL)
		return -ENOENT;
	if ((v = pool_calloc(w->pool, ca->n_revoked + 1, sizeof(*v))) == NULL)
		return -ENOMEM;
	memcpy(v, ca->revoked, ca->n_revoked * sizeof(*v));
	v[ca->n_revoked++] = (struct crl_item){ p->obj->cert.serial, ca->crl_time[0] - HOUR };
	ca->revoked = v;
	ca->crl->crl.revoked = v;
	ca->crl->crl.n_revoked = ca->n_revoked;
	return 0;
}

/* --- URIs --- */

static int
crldp_http(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.crldp = "https://lab.example/edo.crl";
	return 0;
}

static int
crldp_other(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.crldp = "rsync://lab.example/repo/old/old.crl";
	return 0;
}

static int
aia_http(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.aia = "https://lab.example/ta.cer";
	return 0;
}

static int
sia_no_manifest(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.mft = NULL;
	return 0;
}

static int
sia_object_http(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.object = "https://lab.example/x.roa";
	return 0;
}

static int
sia_other_place(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.object = p->obj->kind == LAB_MFT ?
	    "rsync://lab.example/repo/elsewhere/x.mft" : "rsync://lab.example/repo/elsewhere/x.roa";
	return 0;
}

static int
sia_escape(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.repo = "rsync://lab.example/repo/../etc/";
	return 0;
}

/* --- resources --- */

static int
res_add(struct lab_world *w, struct lab_planted *p, const char *word)
{
	int rc = lab_res_word(w->pool, &p->obj->res, sv_str(word));

	if (rc == 0)
		lab_plan_res(p->obj);
	return rc;
}

static int
overclaim_v4(struct lab_world *w, struct lab_planted *p)
{
	return res_add(w, p, "233.252.0.0/24");
}

static int
overclaim_v6(struct lab_world *w, struct lab_planted *p)
{
	return res_add(w, p, "2001:db9::/32");
}

static int
overclaim_as(struct lab_world *w, struct lab_planted *p)
{
	return res_add(w, p, "AS65551");
}

static int
res_of(struct lab_world *w, struct lab_obj *o, const struct ip_prefix *px)
{
	o->res = (struct lab_res){ 0 };
	if (px != NULL && lab_res_prefix(w->pool, &o->res, px) < 0)
		return -ENOMEM;
	lab_plan_res(o);
	return 0;
}

static int
res_none(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.res = (struct write_res){ 0 };
	return 0;
}

/* Half of the first prefix only. */
static int
roa_res_half(struct lab_world *w, struct lab_planted *p)
{
	struct ip_prefix px = p->obj->pfx[0].px;

	if (px.len == ip_bits(px.af))
		return -ENOENT;
	px.len++;
	return res_of(w, p->obj, &px);
}

static int
ee_inherits(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->res = (struct lab_res){ .inherit = true };
	lab_plan_res(p->obj);
	if (p->obj->kind == LAB_ASPA)
		p->obj->cert.res.ip[0].inherit = p->obj->cert.res.ip[1].inherit = false;
	else
		p->obj->cert.res.as.inherit = false;
	return 0;
}

/* The ROA's own AS number. */
static int
ee_as_added(struct lab_world *w, struct lab_planted *p)
{
	if (lab_res_as(w->pool, &p->obj->res, p->obj->asn, p->obj->asn) < 0)
		return -ENOMEM;
	lab_plan_res(p->obj);
	return 0;
}

static int
ee_ip_added(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.res.ip[0].inherit = true;
	return 0;
}

static int
aspa_no_as(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.res = (struct write_res){ 0 };
	p->obj->cert.res.ip[0].inherit = true;
	return 0;
}

static int
ee_explicit(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->cert.res = p->ca->cert->cert.res;
	return p->ca->cert->res.inherit ? -ENOENT : 0;
}

static int
aspa_other_as(struct lab_world *w, struct lab_planted *p)
{
	const struct lab_res *have = &p->ca->cert->res;
	uint32_t as = p->obj->asn;

	if (have->n_as == 0)
		return -ENOENT;
	as = as == have->as[0].min ? have->as[0].max : have->as[0].min;
	p->obj->res = (struct lab_res){ 0 };
	if (as == p->obj->asn)
		return -ENOENT;
	if (lab_res_as(w->pool, &p->obj->res, as, as) < 0)
		return -ENOMEM;
	lab_plan_res(p->obj);
	return 0;
}

/* The first IPv4 range as two neighbours. */
static int
res_split(struct lab_world *w, struct lab_planted *p)
{
	const struct lab_res *have = &p->obj->res;
	struct write_ip_range *v = pool_calloc(w->pool, have->n_ip[0] + 1, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	if (have->n_ip[0] == 0)
		return -ENOENT;
	memcpy(v + 1, have->ip[0], have->n_ip[0] * sizeof(*v));
	v[0] = v[1];
	memcpy(v[0].max, v[0].min, sizeof(v[0].max));
	v[1].min[3] |= 1;
	p->obj->cert.res.ip[0].v = v;
	p->obj->cert.res.ip[0].n = have->n_ip[0] + 1;
	return 0;
}

/* --- payloads --- */

static struct roa_entry *
roa_copy(struct lab_world *w, struct lab_obj *o, size_t n)
{
	struct roa_entry *v = pool_calloc(w->pool, n, sizeof(*v));

	if (v == NULL)
		return NULL;
	memcpy(v, o->pfx, min_size(n, o->n_pfx) * sizeof(*v));
	o->roa.v = v;
	o->roa.n = n;
	return v;
}

static int
roa_max_short(struct lab_world *w, struct lab_planted *p)
{
	struct roa_entry *v = roa_copy(w, p->obj, p->obj->n_pfx);

	if (v == NULL)
		return -ENOMEM;
	v[0].max_len = (uint8_t)(v[0].px.len - 1);
	return 0;
}

static int
roa_max_long(struct lab_world *w, struct lab_planted *p)
{
	struct roa_entry *v = roa_copy(w, p->obj, p->obj->n_pfx);

	if (v == NULL)
		return -ENOMEM;
	v[0].max_len = (uint8_t)(ip_bits(v[0].px.af) + 1);
	return 0;
}

static int
roa_many(struct lab_world *w, struct lab_planted *p)
{
	size_t n = RPKI_ROA_PREFIXES_MAX + 1;
	struct roa_entry *v = roa_copy(w, p->obj, n);

	if (v == NULL)
		return -ENOMEM;
	for (size_t i = p->obj->n_pfx; i < n; i++)
		v[i] = v[p->obj->n_pfx - 1];
	return 0;
}

static int
providers_set(struct lab_obj *o, uint32_t *v, size_t n)
{
	if (v == NULL)
		return -ENOMEM;
	o->aspa.providers = v;
	o->aspa.n_providers = n;
	return 0;
}

static int
aspa_self(struct lab_world *w, struct lab_planted *p)
{
	size_t n = p->obj->n_providers, i = 0, k = 0;
	uint32_t *v = pool_calloc(w->pool, n + 1, sizeof(*v));

	for (; v != NULL && i < n && p->obj->providers[i] < p->obj->asn; i++)
		v[k++] = p->obj->providers[i];
	if (v != NULL)
		v[k++] = p->obj->asn;
	for (; v != NULL && i < n; i++)
		v[k++] = p->obj->providers[i];
	return providers_set(p->obj, v, n + 1);
}

static int
aspa_many(struct lab_world *w, struct lab_planted *p)
{
	size_t n = RPKI_ASPA_PROVIDERS_MAX + 1;
	uint32_t *v = pool_calloc(w->pool, n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < n; i++)
		v[i] = 4200000000u + (uint32_t)i;
	return providers_set(p->obj, v, n);
}

static int
attr_type_other(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->attr_ctype = OID_CT_GBR;
	return 0;
}

static int
content_type_other(struct lab_world *w UNUSED, struct lab_planted *p)
{
	p->obj->ctype = p->obj->attr_ctype = OID_CT_GBR;
	return 0;
}

static int
gbr_huge(struct lab_world *w, struct lab_planted *p)
{
	struct lab_obj *o = lab_obj_new(w, p->ca, LAB_GBR);

	if (o == NULL)
		return -ENOMEM;
	o->res.inherit = true;
	o->filler = RPKI_OBJECT_SIZE_MAX + 1;
	p->obj = o;
	return 0;
}

/* --- the tree --- */

/* More certificates for one CA than anybody follows. */
static int
ca_repeated(struct lab_world *w, struct lab_planted *p)
{
	struct lab_obj *first = p->ca->cert;

	for (unsigned i = 0; i < RPKI_POINT_VISITS_MAX; i++) {
		struct lab_obj *o;

		if (p->ca->parent == NULL)
			return -ENOENT;
		if ((o = lab_obj_new(w, p->ca->parent, LAB_CER)) == NULL)
			return -ENOMEM;
		o->subject = p->ca;
		o->same_key = first;
		o->res = first->res;
		o->label = pool_printf(w->pool, "%s-again%u", p->ca->name, i);
		if (o->label == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* More elements than a manifest may have; each is as small as can be. */
static int
mft_many(struct lab_world *w, struct lab_planted *p)
{
	static const char one[] = "3000";
	size_t n = RPKI_MFT_FILES_MAX + 1;
	char *hex = pool_alloc(w->pool, n * (sizeof(one) - 1) + 1);
	struct lab_edit *e = pool_calloc(w->pool, 1, sizeof(*e));

	if (hex == NULL || e == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		memcpy(hex + i * (sizeof(one) - 1), one, sizeof(one) - 1);
	*e = (struct lab_edit){ LAB_AT_CONTENT, LAB_VALUE, "4", hex };
	return lab_edits_add(w, p->obj, e);
}

/* Names of files that are nowhere, all with a hash of zeros. */
static int
mft_extra(struct lab_world *w, struct lab_planted *p, size_t n)
{
	char (*v)[LAB_EXTRA_LEN] = pool_calloc(w->pool, n, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		(void)snprintf(v[i], sizeof(v[i]), "x%07zu.roa", i);
	p->obj->extra = v;
	p->obj->n_extra = n;
	return 0;
}

static int
mft_absent(struct lab_world *w, struct lab_planted *p)
{
	return mft_extra(w, p, 100000);
}

/* Some 51 bytes an entry, and less entries than a manifest may have. */
static int
mft_huge(struct lab_world *w, struct lab_planted *p)
{
	return mft_extra(w, p, RPKI_OBJECT_SIZE_MAX / 48);
}

/* All that the CA signs now; what it signed earlier was signed in time. */
static int
clock_ahead(struct lab_world *w, struct lab_planted *p)
{
	int64_t now = lab_time(w, w->step);

	p->ca->crl->crl.this_update = now + 2 * HOUR;
	p->ca->crl->crl.next_update = now + 2 * DAY;
	p->obj->mft.this_update = p->obj->signing_time = now + 2 * HOUR;
	p->obj->mft.next_update = now + 2 * DAY;
	p->obj->cert.not_before = now + 2 * HOUR;
	p->obj->cert.not_after = now + 2 * DAY;
	return 0;
}

/* A CA below the given one that inherits all. */
static struct lab_ca *
ca_below(struct lab_world *w, struct lab_ca *above, const char *name)
{
	struct lab_ca *ca = lab_ca_new(w, above, name);

	if (ca == NULL)
		return NULL;
	ca->cert->res.inherit = true;
	memcpy(ca->valid, above->valid, sizeof(ca->valid));
	memcpy(ca->crl_time, above->crl_time, sizeof(ca->crl_time));
	memcpy(ca->mft_time, above->mft_time, sizeof(ca->mft_time));
	return ca;
}

static int
loop_closed(struct lab_world *w, struct lab_planted *p)
{
	struct lab_ca *ca = ca_below(w, p->ca, "loop");

	if (ca == NULL)
		return -ENOMEM;
	ca->cert->same_key = p->ca->parent != NULL ? p->ca->parent->cert : p->ca->cert;
	p->obj = ca->cert;
	return 0;
}

static int
chain_deep(struct lab_world *w, struct lab_planted *p)
{
	struct lab_ca *ca = p->ca;

	for (unsigned i = 0; i <= RPKI_DEPTH_MAX; i++) {
		const char *name = pool_printf(w->pool, "deep%u", i);

		if (name == NULL || (ca = ca_below(w, ca, name)) == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* The list of the trust anchor's keys, published by a CA below it. */
static int
tak_below(struct lab_world *w, struct lab_planted *p)
{
	p->obj = lab_tak_new(w, p->ca);
	return p->obj == NULL ? -ENOMEM : 0;
}

/* Another modulus. */
static struct sv
spki_other(struct lab_world *w, struct sv spki)
{
	struct sv copy = pool_sv(w->pool, spki);

	if (copy.p != NULL)
		((char *)(uintptr_t)copy.p)[copy.n / 2] ^= 1;
	return copy;
}

static int
tak_key_other(struct lab_world *w, struct lab_planted *p)
{
	struct tak_key_spec *k = &p->obj->tak->key[LAB_TAK_CURRENT];

	k->spki = spki_other(w, k->spki);
	return k->spki.p == NULL ? -ENOMEM : 0;
}

/* The TAL names another modulus. */
static int
ta_key_other(struct lab_world *w, struct lab_planted *p)
{
	p->ca->tal_spki = spki_other(w, p->ca->tal_spki);
	return p->ca->tal_spki.p == NULL ? -ENOMEM : 0;
}

static int
ta_inherits(struct lab_world *w UNUSED, struct lab_planted *p)
{
	struct write_res *r = &p->obj->cert.res;

	*r = (struct write_res){ 0 };
	r->ip[0].inherit = r->ip[1].inherit = r->as.inherit = true;
	return 0;
}

#define SHAPE(fn)	.shape = fn
#define PLAN(fn)	.plan = fn
#define EDIT(...)	.edits = { __VA_ARGS__ }
#define ROW(name_, kind_, code_, text_, ...) \
	{ .name = name_, .text = text_, .code = code_, .kind = kind_, __VA_ARGS__ }

const struct lab_fault lab_faults[] = {
#include "lab/faults.def"
};

const size_t lab_n_fault_rows = ARRAY_LEN(lab_faults);
