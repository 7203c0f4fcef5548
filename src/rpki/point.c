/*
 * One publication point, from its manifest to its payloads: RFC 9286
 * section 6. See the essay in rpki.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "rpki/internal.h"

/* One file of the manifest while it is judged. */
struct file {
	const struct mft_file	*mf;
	struct rpki_object	 o;
	struct findings		 fs;
	struct sv		 bytes;
	struct cms		*cms;		/* signed objects */
	struct cert		*cert;		/* the CA's, or cms->ee */
	struct resources	 res;		/* effective */
	size_t			 verify;	/* its first item in the batch */
	unsigned		 n_verify;
};

struct work {
	const struct rpki_ca	*ca;
	const struct rpki_source *src;
	const struct rpki_opt	*opt;
	struct rpki_point	*pt;
	struct pool		*tmp;		/* bytes and parsed values */
	struct crypto_rsa	*key;		/* the CA's, prepared */
	struct cms		*cms;		/* the manifest */
	struct mft		*mft;
	struct crl		*crl;
	struct sv		 crl_uri;
	struct file		*files;
	size_t			 n_files;
	int64_t			 now;
};

static struct sv
uri_join(struct pool *pool, struct sv base, struct sv name)
{
	bool slash = base.n > 0 && base.p[base.n - 1] == '/';
	struct sv r = { NULL, base.n + !slash + name.n };
	char *p = pool_alloc(pool, r.n + 1);

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	memcpy(p, base.p, base.n);
	if (!slash)
		p[base.n] = '/';
	memcpy(p + base.n + !slash, name.p, name.n);
	r.p = p;
	return r;
}

/* Fetch a file; what is absent or too large is a finding in fs. */
static int
file_get(struct work *w, struct sv uri, struct sv *ret, struct findings *fs,
    const struct finding_def *absent)
{
	struct sv name = sv_skip(uri, sv_rfind(uri, '/') + 1);
	int rc = w->src->get(w->src->arg, w->tmp, uri, ret);

	if (rc == -ENOMEM)
		return rc;
	if (rc == 0 && ret->n > RPKI_OBJECT_SIZE_MAX)
		rc = SE_LIMIT;
	if (rc == SE_LIMIT)
		finding_add(fs, F(RPKI_TOO_LARGE), FA_U("size", ret->n),
		    FA_U("limit", RPKI_OBJECT_SIZE_MAX));
	else if (rc < 0)
		finding_add(fs, absent, FA_SV("file", name));
	if (rc < 0)
		*ret = (struct sv){ NULL, 0 };
	return 0;
}

static bool
hash_matches(struct sv bytes, struct sv hash)
{
	uint8_t digest[SHA256_LEN];

	crypto_sha256(bytes.p, bytes.n, digest);
	return sv_eq(hash, (struct sv){ (const char *)digest, sizeof(digest) });
}

static void
findings_begin(struct work *w, struct findings *fs, struct sv subject)
{
	findings_init(fs, w->pt->pool);
	fs->subject = subject;
}

/* --- manifest and CRL --- */

static int
manifest_read(struct work *w, struct findings *fs)
{
	struct sv bytes = { NULL, 0 };
	int rc;

	rc = file_get(w, w->ca->mft_uri, &bytes, fs, F(RPKI_MFT_MISSING));
	if (rc < 0 || bytes.p == NULL)
		return rc;
	rc = cms_parse(w->tmp, bytes, RPKI_MFT, w->opt->tolerate, fs, &w->cms);
	if (rc < 0 || w->cms == NULL)
		return rc;
	if ((rc = mft_parse(w->tmp, w->cms->content, fs, &w->mft)) < 0)
		return rc;
	cms_check_digest(w->cms, fs);
	cert_check_issuer(w->cms->ee, w->ca, fs);
	if (w->cms->ee->object_uri.n > 0 &&
	    !sv_eq(w->cms->ee->object_uri, w->ca->mft_uri))
		finding_add(fs, F(RPKI_MFT_LOCATION), FA_SV("uri", w->cms->ee->object_uri));
	if (w->mft != NULL) {
		/* Before the certificate's time: "stale" says it more plainly. */
		mft_check(w->mft, w->cms->ee, w->now, fs);
		w->pt->mft_this = w->mft->this_update;
		w->pt->mft_next = w->mft->next_update;
	}
	cert_check_time(w->cms->ee, w->now, fs);
	return 0;
}

/* RFC 9286 section 6.4: one CRL, the one the manifest's certificate names. */
static const struct mft_file *
crl_on_manifest(struct work *w, struct findings *fs)
{
	const struct mft_file *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < w->mft->n; i++)
		if (rpki_type_of(w->mft->files[i].name) == RPKI_CRL) {
			found = &w->mft->files[i];
			n++;
		}
	if (n == 1)
		w->crl_uri = uri_join(w->pt->pool, w->ca->repo_uri, found->name);
	if (n != 1 || !sv_eq(w->crl_uri, w->cms->ee->crl_uri)) {
		finding_add0(fs, F(RPKI_CRL_MISSING));
		return NULL;
	}
	return found;
}

static int
crl_read(struct work *w, struct findings *mft_fs, struct findings *fs)
{
	const struct mft_file *mf = crl_on_manifest(w, mft_fs);
	struct sv bytes = { NULL, 0 };
	int rc;

	if (mf == NULL)
		return 0;
	fs->subject = w->crl_uri;
	rc = file_get(w, w->crl_uri, &bytes, fs, F(RPKI_MFT_FILE_MISSING));
	if (rc < 0 || bytes.p == NULL)
		return rc;
	if (!hash_matches(bytes, mf->hash)) {
		finding_add(fs, F(RPKI_MFT_FILE_HASH), FA_SV("file", mf->name));
		return 0;
	}
	if ((rc = crl_parse(w->tmp, bytes, fs, &w->crl)) < 0 || w->crl == NULL)
		return rc;
	crl_check(w->crl, w->ca, w->now, fs);
	w->pt->crl_next = w->crl->next_update;
	return 0;
}

/* The three signatures that a point stands on. */
static int
head_verify(struct work *w, struct findings *mft_fs, struct findings *crl_fs)
{
	struct crypto_verify v[3];
	const struct crl_entry *e;
	size_t n = 2;
	int rc;

	if (w->cms == NULL)
		return 0;
	cert_verify_item(&v[0], w->cms->ee, w->key);
	cms_verify_item(&v[1], w->cms);
	if (w->crl != NULL) {
		v[2] = (struct crypto_verify){ .rsa = w->key, .sig = w->crl->sig };
		crypto_sha256(w->crl->tbs.p, w->crl->tbs.n, v[2].digest);
		n = 3;
	}
	if ((rc = crypto_verify_batch(v, n)) < 0)
		return rc;
	w->pt->n_verified += (uint32_t)n;
	if (!v[0].ok)
		finding_add0(mft_fs, F(RPKI_CERT_SIGNATURE));
	if (!v[1].ok)
		finding_add0(mft_fs, F(RPKI_CMS_SIGNATURE));
	if (n == 3 && !v[2].ok)
		finding_add0(crl_fs, F(RPKI_CRL_SIGNATURE));
	if (w->crl != NULL && (e = crl_find(w->crl, w->cms->ee->serial)) != NULL)
		finding_add(mft_fs, F(RPKI_CERT_REVOKED), FA_TIME("revoked", e->revoked));
	return 0;
}

static void
head_count(struct work *w, const struct findings *mft_fs, const struct findings *crl_fs)
{
	struct rpki_point *pt = w->pt;

	pt->count[RPKI_MFT][findings_reject(mft_fs) ? V_REJECTED : V_VALID]++;
	if (w->crl_uri.n > 0)
		pt->count[RPKI_CRL][findings_reject(crl_fs) ? V_REJECTED :
		    findings_reject(mft_fs) ? V_LOST : V_VALID]++;
	pt->failed = findings_reject(mft_fs) || findings_reject(crl_fs) ||
	    w->mft == NULL || w->crl == NULL;
	pt->expires = w->ca->expires;
	if (pt->failed)
		return;
	pt->expires = min_i64(pt->expires, w->mft->next_update);
	pt->expires = min_i64(pt->expires, w->cms->ee->not_after);
	pt->expires = min_i64(pt->expires, w->crl->next_update);
}

static void
head_object(struct work *w, struct sv uri, enum rpki_type type,
    const struct findings *fs, int64_t from, int64_t to)
{
	struct rpki_object *o;

	if (!w->opt->keep_objects || uri.n == 0)
		return;
	o = &w->pt->objects[w->pt->n_objects++];
	o->uri = pool_sv(w->pt->pool, uri);
	o->type = type;
	o->verdict = findings_reject(fs) ? V_REJECTED :
	    w->pt->failed && type == RPKI_CRL ? V_LOST : V_VALID;
	o->not_before = from;
	o->not_after = to;
}

static int
head_check(struct work *w)
{
	struct findings mft_fs, crl_fs;
	int rc;

	findings_begin(w, &mft_fs, w->ca->mft_uri);
	findings_begin(w, &crl_fs, w->ca->mft_uri);
	if ((rc = manifest_read(w, &mft_fs)) < 0)
		return rc;
	if (w->mft != NULL && (rc = crl_read(w, &mft_fs, &crl_fs)) < 0)
		return rc;
	if ((rc = head_verify(w, &mft_fs, &crl_fs)) < 0)
		return rc;
	head_count(w, &mft_fs, &crl_fs);
	if (w->opt->keep_objects) {
		size_t n = (w->mft != NULL ? w->mft->n : 0) + 2;

		w->pt->objects = pool_calloc(w->pt->pool, n, sizeof(*w->pt->objects));
		if (w->pt->objects == NULL)
			return -ENOMEM;
		head_object(w, w->ca->mft_uri, RPKI_MFT, &mft_fs, w->pt->mft_this, w->pt->mft_next);
		head_object(w, w->crl_uri, RPKI_CRL, &crl_fs,
		    w->crl != NULL ? w->crl->this_update : 0, w->pt->crl_next);
	}
	findings_move(&w->pt->findings, &mft_fs);
	findings_move(&w->pt->findings, &crl_fs);
	return 0;
}

/* --- the listed files --- */

static int
files_prepare(struct work *w)
{
	size_t n = w->mft->n;

	if ((w->files = pool_calloc(w->tmp, n + 1, sizeof(*w->files))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct mft_file *mf = &w->mft->files[i];
		struct file *f = &w->files[w->n_files];

		f->o.type = rpki_type_of(mf->name);
		if (f->o.type == RPKI_CRL)
			continue;		/* judged with the manifest */
		f->mf = mf;
		f->o.uri = uri_join(w->tmp, w->ca->repo_uri, mf->name);
		if (f->o.uri.p == NULL)
			return -ENOMEM;
		memcpy(f->o.hash, mf->hash.p, min_size(mf->hash.n, SHA256_LEN));
		findings_begin(w, &f->fs, f->o.uri);
		w->n_files++;
	}
	return 0;
}

/*
 * All are there, all have the hash; otherwise the point fails. After some
 * failures no more are looked for: a manifest can name more absent files
 * than anybody wants to read about.
 */
static int
files_get(struct work *w)
{
	size_t n_failed = 0;

	for (size_t i = 0; i < w->n_files && n_failed < RPKI_MFT_FAILED_MAX; i++) {
		struct file *f = &w->files[i];
		int rc = file_get(w, f->o.uri, &f->bytes, &f->fs, F(RPKI_MFT_FILE_MISSING));

		if (rc < 0)
			return rc;
		if (f->bytes.p != NULL && !hash_matches(f->bytes, f->mf->hash))
			finding_add(&f->fs, F(RPKI_MFT_FILE_HASH), FA_SV("file", f->mf->name));
		if (findings_reject(&f->fs)) {
			w->pt->failed = true;
			n_failed++;
		}
	}
	return 0;
}

static int
cer_parse(struct work *w, struct file *f)
{
	struct findings fs;
	int rc;

	findings_begin(w, &fs, f->o.uri);
	rc = cert_parse(w->tmp, f->bytes, CERT_CA, w->opt->tolerate, &fs, &f->cert);
	if (rc < 0)
		return rc;
	if (f->cert != NULL && f->cert->is_router) {
		f->cert = NULL;		/* RFC 8209: another profile, not judged */
		f->o.verdict = V_NOT_JUDGED;
		finding_add(&f->fs, F(RPKI_NOT_JUDGED), FA_STR("type", "BGPsec router certificate"));
		return 0;
	}
	findings_move(&f->fs, &fs);
	return 0;
}

static int
signed_parse(struct work *w, struct file *f)
{
	int rc = cms_parse(w->tmp, f->bytes, f->o.type, w->opt->tolerate, &f->fs, &f->cms);

	if (rc < 0 || f->cms == NULL)
		return rc;
	f->cert = f->cms->ee;
	cms_check_digest(f->cms, &f->fs);
	if (f->o.type == RPKI_ROA)
		return roa_parse(w->tmp, f->cms->content, &f->fs, &f->o);
	return aspa_parse(w->tmp, f->cms->content, &f->fs, &f->o);
}

static int
file_parse(struct work *w, struct file *f)
{
	f->o.verdict = V_VALID;
	if (f->bytes.p == NULL)
		return 0;
	switch (f->o.type) {
	case RPKI_CER:
		return cer_parse(w, f);
	case RPKI_ROA:
	case RPKI_ASA:
		return signed_parse(w, f);
	default:
		f->o.verdict = V_NOT_JUDGED;
		finding_add(&f->fs, F(RPKI_NOT_JUDGED),
		    FA_STR("type", rpki_type_name(f->o.type)));
		return 0;
	}
}

static int
files_verify(struct work *w)
{
	struct crypto_verify *v;
	size_t n = 0;
	int rc;

	if ((v = pool_calloc(w->tmp, 2 * w->n_files + 1, sizeof(*v))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_files; i++) {
		struct file *f = &w->files[i];

		/* What is rejected already is not worth the arithmetic. */
		if (f->cert == NULL || findings_reject(&f->fs))
			continue;
		f->verify = n;
		cert_verify_item(&v[n++], f->cert, w->key);
		if (f->cms != NULL)
			cms_verify_item(&v[n++], f->cms);
		f->n_verify = (unsigned)(n - f->verify);
	}
	if ((rc = crypto_verify_batch(v, n)) < 0)
		return rc;
	w->pt->n_verified += (uint32_t)n;
	for (size_t i = 0; i < w->n_files; i++) {
		struct file *f = &w->files[i];

		if (f->n_verify > 0 && !v[f->verify].ok)
			finding_add0(&f->fs, F(RPKI_CERT_SIGNATURE));
		if (f->n_verify > 1 && !v[f->verify + 1].ok)
			finding_add0(&f->fs, F(RPKI_CMS_SIGNATURE));
	}
	return 0;
}

static void
chain_check(struct work *w, struct file *f)
{
	if (w->ca->depth + 1 >= RPKI_DEPTH_MAX)
		finding_add(&f->fs, F(RPKI_DEPTH), FA_U("limit", RPKI_DEPTH_MAX));
	for (const struct rpki_ca *a = w->ca; a != NULL; a = a->parent)
		if (sv_eq(a->ski, f->cert->ski)) {
			finding_add0(&f->fs, F(RPKI_LOOP));
			return;
		}
}

/* Everything about a parsed file that depends on who issued it. */
static int
file_judge(struct work *w, struct file *f)
{
	const struct crl_entry *e;
	int rc;

	if (f->cert == NULL)
		return 0;
	f->o.not_before = f->cert->not_before;
	f->o.not_after = f->cert->not_after;
	f->o.res = f->cert->res;
	cert_check_issuer(f->cert, w->ca, &f->fs);
	cert_check_time(f->cert, w->now, &f->fs);
	if (f->cert->crl_uri.n > 0 && !sv_eq(f->cert->crl_uri, w->crl_uri))
		finding_add(&f->fs, F(RPKI_CERT_CRL_OTHER), FA_SV("crl", f->cert->crl_uri));
	if ((e = crl_find(w->crl, f->cert->serial)) != NULL)
		finding_add(&f->fs, F(RPKI_CERT_REVOKED), FA_TIME("revoked", e->revoked));
	rc = resources_effective(w->tmp, &f->cert->res, &w->ca->res,
	    f->cert->policy_v2 && (w->opt->tolerate & RPKI_TOL_RFC8360), &f->fs, &f->res);
	if (rc < 0)
		return rc;
	if (f->cms != NULL && f->cert->object_uri.n > 0 &&
	    !sv_eq(f->cert->object_uri, f->o.uri))
		finding_add(&f->fs, F(RPKI_CERT_LOCATION), FA_SV("uri", f->cert->object_uri));
	if (f->o.type == RPKI_CER)
		chain_check(w, f);
	else if (f->o.type == RPKI_ROA)
		roa_check(&f->o, f->cert, &f->res, &f->fs);
	else if (f->o.type == RPKI_ASA)
		aspa_check(&f->o, f->cert, &f->fs);
	return 0;
}

/* --- what comes out --- */

static int
res_copy(struct pool *pool, struct resources *r)
{
	struct ip_res *ip[2] = { &r->v4, &r->v6 };

	for (int i = 0; i < 2; i++) {
		struct ip_range *c = pool_calloc(pool, ip[i]->n + 1, sizeof(*c));

		if (c == NULL)
			return -ENOMEM;
		if (ip[i]->n > 0)
			memcpy(c, ip[i]->r, ip[i]->n * sizeof(*c));
		ip[i]->r = c;
	}
	struct as_range *c = pool_calloc(pool, r->as.n + 1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	if (r->as.n > 0)
		memcpy(c, r->as.r, r->as.n * sizeof(*c));
	r->as.r = c;
	return 0;
}

/* An inherited list belongs to the parent, which lives longer: no copy. */
static int
child_res(struct work *w, const struct file *f, struct resources *r)
{
	struct resources own = f->res;
	int rc;

	if (f->cert->res.v4.inherit)
		own.v4.n = 0;
	if (f->cert->res.v6.inherit)
		own.v6.n = 0;
	if (f->cert->res.as.inherit)
		own.as.n = 0;
	if ((rc = res_copy(w->pt->pool, &own)) < 0)
		return rc;
	*r = f->res;
	if (!f->cert->res.v4.inherit)
		r->v4.r = own.v4.r;
	if (!f->cert->res.v6.inherit)
		r->v6.r = own.v6.r;
	if (!f->cert->res.as.inherit)
		r->as.r = own.as.r;
	return 0;
}

static int
child_add(struct work *w, const struct file *f, bool lost)
{
	struct pool *pool = w->pt->pool;
	struct rpki_ca *c = &w->pt->children[w->pt->n_children];
	const struct cert *x = f->cert;

	*c = (struct rpki_ca){
		/* Parents are kept by the walk, which owns their memory. */
		.parent = (struct rpki_ca *)(uintptr_t)w->ca,
		.depth = w->ca->depth + 1,
		.ta = w->ca->ta,
		.uri = pool_sv(pool, f->o.uri),
		.subject = pool_sv(pool, x->subject),
		.ski = pool_sv(pool, x->ski),
		.modulus = pool_sv(pool, x->modulus),
		.exponent = x->exponent,
		.repo_uri = pool_sv(pool, x->repo_uri),
		.mft_uri = pool_sv(pool, x->mft_uri),
		.notify_uri = pool_sv(pool, x->notify_uri),
		.not_before = x->not_before,
		.not_after = x->not_after,
		.expires = min_i64(w->pt->expires, x->not_after),
		.lost = lost,
	};
	if (c->notify_uri.p == NULL || c->mft_uri.p == NULL)
		return -ENOMEM;
	w->pt->n_children++;
	return child_res(w, f, &c->res);
}

static int
object_keep(struct work *w, struct file *f)
{
	struct pool *pool = w->pt->pool;
	struct rpki_object *o = &f->o;
	int rc;

	/* What is only named costs nothing: memory follows real files. */
	if (!w->opt->keep_objects || (f->bytes.p == NULL && !findings_reject(&f->fs)))
		return 0;
	if ((o->uri = pool_sv(pool, o->uri)).p == NULL)
		return -ENOMEM;
	if ((rc = res_copy(pool, &o->res)) < 0)
		return rc;
	if (o->n_vrps > 0) {
		struct vrp *v = pool_calloc(pool, o->n_vrps, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		o->vrps = memcpy(v, o->vrps, o->n_vrps * sizeof(*v));
	}
	if (o->aspa != NULL) {
		struct aspa *a = pool_alloc(pool, sizeof(*a));
		uint32_t *p = pool_calloc(pool, o->aspa->n_providers + 1, sizeof(*p));

		if (a == NULL || p == NULL)
			return -ENOMEM;
		*a = *o->aspa;
		if (a->n_providers > 0)
			memcpy(p, a->providers, a->n_providers * sizeof(*p));
		a->providers = p;
		o->aspa = a;
	}
	w->pt->objects[w->pt->n_objects++] = *o;
	return 0;
}

static void
payload_stamp(struct work *w, struct file *f)
{
	int64_t expires = min_i64(w->pt->expires, f->o.not_after);

	for (size_t i = 0; i < f->o.n_vrps; i++) {
		f->o.vrps[i].expires = expires;
		f->o.vrps[i].ta = (uint8_t)w->ca->ta;
	}
	if (f->o.aspa != NULL) {
		f->o.aspa->expires = expires;
		f->o.aspa->ta = (uint8_t)w->ca->ta;
	}
}

static int
payloads_gather(struct work *w)
{
	struct rpki_point *pt = w->pt;
	size_t n_vrps = 0, n_aspas = 0;

	for (size_t i = 0; i < w->n_files; i++)
		if (w->files[i].o.verdict == V_VALID) {
			n_vrps += w->files[i].o.n_vrps;
			n_aspas += w->files[i].o.aspa != NULL;
		}
	pt->vrps = pool_calloc(pt->pool, n_vrps + 1, sizeof(*pt->vrps));
	pt->aspas = pool_calloc(pt->pool, n_aspas + 1, sizeof(*pt->aspas));
	if (pt->vrps == NULL || pt->aspas == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_files; i++) {
		struct rpki_object *o = &w->files[i].o;

		if (o->verdict != V_VALID)
			continue;
		if (o->n_vrps > 0)
			memcpy(pt->vrps + pt->n_vrps, o->vrps, o->n_vrps * sizeof(*o->vrps));
		pt->n_vrps += o->n_vrps;
		if (o->aspa != NULL) {
			uint32_t *p = pool_calloc(pt->pool, o->aspa->n_providers + 1, sizeof(*p));

			if (p == NULL)
				return -ENOMEM;
			memcpy(p, o->aspa->providers, o->aspa->n_providers * sizeof(*p));
			pt->aspas[pt->n_aspas] = *o->aspa;
			pt->aspas[pt->n_aspas++].providers = p;
		}
	}
	return 0;
}

/* A certificate that is not valid is followed unless that could not end. */
static bool
lost_followed(const struct work *w, const struct cert *c)
{
	if (w->ca->depth + 1 >= RPKI_DEPTH_MAX)
		return false;
	for (const struct rpki_ca *a = w->ca; a != NULL; a = a->parent)
		if (sv_eq(a->ski, c->ski))
			return false;
	return true;
}

/* Do the CA's own objects have to be read, and as what? */
static bool
child_wanted(const struct work *w, const struct file *f, bool *ret_lost)
{
	*ret_lost = f->o.verdict != V_VALID;
	if (f->o.type != RPKI_CER || f->cert == NULL)
		return false;
	return !*ret_lost || (w->opt->follow_lost && f->cert->mft_uri.n > 0 &&
	    lost_followed(w, f->cert));
}

static int
files_finish(struct work *w)
{
	struct rpki_point *pt = w->pt;
	size_t n_cer = 0;
	int rc = 0;

	for (size_t i = 0; i < w->n_files; i++)
		n_cer += w->files[i].o.type == RPKI_CER;
	pt->children = pool_calloc(pt->pool, n_cer + 1, sizeof(*pt->children));
	if (pt->children == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_files && rc == 0; i++) {
		struct file *f = &w->files[i];
		bool lost;

		if (findings_reject(&f->fs))
			f->o.verdict = V_REJECTED;
		else if (pt->failed)
			f->o.verdict = V_LOST;
		payload_stamp(w, f);
		pt->count[f->o.type][f->o.verdict]++;
		if (child_wanted(w, f, &lost))
			rc = child_add(w, f, lost);
		if (rc == 0)
			rc = object_keep(w, f);
		findings_move(&pt->findings, &f->fs);
	}
	return rc == 0 ? payloads_gather(w) : rc;
}

static int
lost_read(struct work *w, struct file *f, struct findings *fs)
{
	int rc = 0;

	if (f->bytes.p == NULL)
		rc = file_get(w, f->o.uri, &f->bytes, fs, F(RPKI_MFT_FILE_MISSING));
	if (rc == 0)
		rc = file_parse(w, f);
	if (rc < 0 || f->cert == NULL)
		return rc;
	f->o.not_before = f->cert->not_before;
	f->o.not_after = f->cert->not_after;
	f->o.res = f->cert->res;
	rc = resources_effective(w->tmp, &f->cert->res, &w->ca->res, false, fs, &f->res);
	if (f->o.type == RPKI_CER && !lost_followed(w, f->cert))
		f->cert = NULL;
	return rc;
}

/*
 * The point failed: its files are read only to say what is lost by it. Their
 * own findings would bury the one that matters and are dropped.
 */
static int
files_lost(struct work *w)
{
	int rc = 0;

	for (size_t i = 0; i < w->n_files && rc == 0 && w->opt->follow_lost; i++) {
		struct file *f = &w->files[i];
		struct findings kept = f->fs;

		findings_begin(w, &f->fs, f->o.uri);
		rc = lost_read(w, f, &f->fs);
		f->fs = kept;
	}
	return rc;
}

static void
failed_note(struct work *w)
{
	struct findings fs;
	size_t n = w->n_files;

	findings_begin(w, &fs, w->ca->mft_uri);
	finding_add(&fs, F(RPKI_POINT_FAILED), FA_U("count", n));
	findings_move(&w->pt->findings, &fs);
}

static int
files_check(struct work *w)
{
	int rc = 0;

	if (w->mft != NULL && (rc = files_prepare(w)) < 0)
		return rc;
	if (!w->pt->failed && (rc = files_get(w)) < 0)
		return rc;
	if (w->pt->failed) {
		failed_note(w);
		if ((rc = files_lost(w)) < 0)
			return rc;
		return files_finish(w);
	}
	for (size_t i = 0; i < w->n_files && rc == 0; i++)
		rc = file_parse(w, &w->files[i]);
	if (rc == 0)
		rc = files_verify(w);
	for (size_t i = 0; i < w->n_files && rc == 0; i++)
		rc = file_judge(w, &w->files[i]);
	return rc == 0 ? files_finish(w) : rc;
}

/* Below a failed point: nothing is judged, only read (see follow_lost). */
static int
lost_point(struct work *w)
{
	struct findings fs;
	int rc;

	findings_begin(w, &fs, w->ca->mft_uri);
	if ((rc = manifest_read(w, &fs)) < 0)
		return rc;
	w->pt->failed = true;
	w->pt->count[RPKI_MFT][V_LOST]++;
	if (w->mft == NULL)
		return 0;
	w->pt->objects = pool_calloc(w->pt->pool, w->mft->n + 1, sizeof(*w->pt->objects));
	if (w->pt->objects == NULL)
		return -ENOMEM;
	if ((rc = files_prepare(w)) < 0 || (rc = files_lost(w)) < 0)
		return rc;
	return files_finish(w);
}

int
rpki_point_check(const struct rpki_ca *ca, const struct rpki_source *src,
    const struct rpki_opt *opt, struct rpki_point *pt)
{
	struct work w = { .ca = ca, .src = src, .opt = opt, .pt = pt, .now = opt->now };
	int rc;

	memset(pt, 0, sizeof(*pt));
	pt->ca = ca;
	pt->pool = pool_new(RPKI_POINT_POOL_MAX);
	w.tmp = pool_new(RPKI_POINT_POOL_MAX);
	if (pt->pool == NULL || w.tmp == NULL) {
		(void)pool_free(w.tmp);
		return -ENOMEM;
	}
	findings_init(&pt->findings, pt->pool);
	/* NULL for a key no signature can be made with: all of them fail then. */
	w.key = crypto_rsa_new(ca->modulus, ca->exponent);
	if (ca->lost)
		rc = lost_point(&w);
	else {
		rc = head_check(&w);
		if (rc == 0)
			rc = files_check(&w);
	}
	(void)crypto_rsa_free(w.key);
	(void)pool_free(w.tmp);
	return rc;
}

void
rpki_point_done(struct rpki_point *pt)
{
	pt->pool = pool_free(pt->pool);
}
