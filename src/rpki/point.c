/*
 * One publication point, from its manifest to its payloads: RFC 9286
 * section 6. See the essay in rpki.h.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "rpki/point.h"

struct sv
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

int
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

/* ret_known: it was found by its hash. Else that is still to be looked at. */
static int
listed_read(struct work *w, struct sv uri, const struct mft_file *mf, struct sv *ret,
    bool *ret_known, struct findings *fs)
{
	int rc;

	*ret_known = false;
	if (w->src->get_hash != NULL && mf->hash.n == SHA256_LEN) {
		rc = w->src->get_hash(w->src->arg, w->tmp, (const uint8_t *)mf->hash.p, ret);
		if (rc == -ENOMEM)
			return rc;
		if (rc == 0 && ret->n <= RPKI_OBJECT_SIZE_MAX) {
			*ret_known = true;
			return 0;
		}
	}
	return file_get(w, uri, ret, fs, F(RPKI_MFT_FILE_MISSING));
}

/* Bytes of another hash are not the file: *bytes is gone then. */
static void
hash_judge(const struct mft_file *mf, const uint8_t digest[static SHA256_LEN], struct sv *bytes,
    struct findings *fs)
{
	if (sv_eq(mf->hash, (struct sv){ (const char *)digest, SHA256_LEN }))
		return;
	finding_add(fs, F(RPKI_MFT_FILE_HASH), FA_SV("file", mf->name));
	*bytes = (struct sv){ NULL, 0 };
}

int
listed_get(struct work *w, struct sv uri, const struct mft_file *mf, struct sv *ret,
    struct findings *fs)
{
	uint8_t digest[SHA256_LEN];
	bool known;
	int rc = listed_read(w, uri, mf, ret, &known, fs);

	if (rc < 0 || known || ret->p == NULL)
		return rc;
	crypto_sha256(ret->p, ret->n, digest);
	hash_judge(mf, digest, ret, fs);
	return 0;
}

void
window_note(struct work *w, int64_t from, int64_t to)
{
	if (from > w->now)
		w->pt->until = min_i64(w->pt->until, from);
	if (to >= w->now)
		w->pt->until = min_i64(w->pt->until, to + 1);
}

int
point_verify(struct work *w, struct crypto_verify *v, const struct crypto_msg *m, size_t n)
{
	int rc;

	crypto_sha256_many(m, n);
	rc = w->src->verify != NULL ? w->src->verify(w->src->arg, v, n) : crypto_verify_batch(v, n);
	w->pt->n_verified += (uint32_t)n;
	return rc;
}

void
ca_verify_item(struct work *w, struct crypto_verify *v, struct crypto_msg *m, struct cert *c)
{
	cert_verify_item(v, m, c, w->key);
	v->modulus = w->ca->modulus;
	v->exponent = w->ca->exponent;
}

void
findings_begin(struct work *w, struct findings *fs, struct sv subject)
{
	findings_init(fs, w->pt->pool);
	fs->subject = subject;
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
		w->n_taks += f->o.type == RPKI_TAK;
		f->o.uri = uri_join(w->tmp, w->ca->repo_uri, mf->name);
		if (f->o.uri.p == NULL)
			return -ENOMEM;
		memcpy(f->o.hash, mf->hash.p, min_size(mf->hash.n, SHA256_LEN));
		findings_begin(w, &f->fs, f->o.uri);
		w->n_files++;
	}
	return 0;
}

#define HASHES		32		/* files at a time; pairs are enough, lanes want more */

/* Files whose hash is to be looked at: together, as that is faster (crypto/digest.h). */
struct hashing {
	size_t		 n;
	struct file	*file[HASHES];
	struct crypto_msg msg[HASHES];
	uint8_t		 digest[HASHES][SHA256_LEN];
};

static void
hashing_add(struct hashing *h, struct file *f)
{
	h->file[h->n] = f;
	h->msg[h->n] = (struct crypto_msg){ { f->bytes }, h->digest[h->n] };
	h->n++;
}

static void
failure_note(struct work *w, const struct file *f, size_t *n_failed)
{
	if (!findings_reject(&f->fs))
		return;
	w->pt->failed = true;
	(*n_failed)++;
}

static void
hashing_end(struct work *w, struct hashing *h, size_t *n_failed)
{
	crypto_sha256_many(h->msg, h->n);
	for (size_t i = 0; i < h->n; i++) {
		struct file *f = h->file[i];

		if (*n_failed < RPKI_MFT_FAILED_MAX) {
			hash_judge(f->mf, h->digest[i], &f->bytes, &f->fs);
			failure_note(w, f, n_failed);
		} else {
			f->bytes = (struct sv){ NULL, 0 };
		}
	}
	h->n = 0;
}

/*
 * All are there, all have the hash; otherwise the point fails. After some
 * failures no more are looked for: a manifest can name more absent files
 * than anybody wants to read about.
 */
static int
files_get(struct work *w)
{
	struct hashing h = { .n = 0 };
	size_t n_failed = 0;

	for (size_t i = 0; i < w->n_files && n_failed < RPKI_MFT_FAILED_MAX; i++) {
		struct file *f = &w->files[i];
		bool known = true;
		int rc = 0;

		if (!f->again)
			rc = listed_read(w, f->o.uri, f->mf, &f->bytes, &known, &f->fs);
		if (rc < 0)
			return rc;
		if (!known && f->bytes.p != NULL)
			hashing_add(&h, f);
		else
			failure_note(w, f, &n_failed);
		if (h.n == HASHES)
			hashing_end(w, &h, &n_failed);
	}
	hashing_end(w, &h, &n_failed);
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
	if (f->cert != NULL && f->cert->is_router)	/* RFC 8209: another profile */
		return router_parse(w->tmp, f->bytes, w->opt->tolerate, &f->fs, &f->cert);
	findings_move(&f->fs, &fs);
	return 0;
}

/* What a signed object carries, by its type. */
static int	(*const content_parsers[RPKI_TYPE_MAX])(struct pool *, struct sv content,
		    struct findings *, struct rpki_object *) = {
	[RPKI_ROA] = roa_parse,
	[RPKI_ASA] = aspa_parse,
	[RPKI_GBR] = gbr_parse,
	[RPKI_TAK] = tak_parse,
};

static int
signed_parse(struct work *w, struct file *f)
{
	int rc = cms_parse(w->tmp, f->bytes, f->o.type, w->opt->tolerate, &f->fs, &f->cms);

	if (rc < 0 || f->cms == NULL)
		return rc;
	f->cert = f->cms->ee;
	cms_check_digest(f->cms, &f->fs);
	return content_parsers[f->o.type](w->tmp, f->cms->content, &f->fs, &f->o);
}

static int
file_parse(struct work *w, struct file *f)
{
	f->o.verdict = V_VALID;
	if (f->again || f->bytes.p == NULL)
		return 0;
	if (f->o.type == RPKI_CER)
		return cer_parse(w, f);
	if (content_parsers[f->o.type] != NULL)
		return signed_parse(w, f);
	f->o.verdict = V_NOT_JUDGED;
	finding_add(&f->fs, F(RPKI_NOT_JUDGED), FA_STR("type", rpki_type_name(f->o.type)));
	return 0;
}

static int
files_verify(struct work *w)
{
	struct crypto_verify *v = pool_calloc(w->tmp, 2 * w->n_files + 1, sizeof(*v));
	struct crypto_msg *m = pool_calloc(w->tmp, 2 * w->n_files + 1, sizeof(*m));
	size_t n = 0;
	int rc;

	if (v == NULL || m == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_files; i++) {
		struct file *f = &w->files[i];

		/* What is rejected already is not worth the arithmetic. */
		if (f->cert == NULL || findings_reject(&f->fs))
			continue;
		f->verify = n;
		ca_verify_item(w, &v[n], &m[n], f->cert);
		n++;
		if (f->cms != NULL) {
			cms_verify_item(&v[n], &m[n], f->cms);
			n++;
		}
		f->n_verify = (unsigned)(n - f->verify);
	}
	if ((rc = point_verify(w, v, m, n)) < 0)
		return rc;
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

static int
content_check(struct work *w, struct file *f)
{
	switch (f->o.type) {
	case RPKI_CER:
		if (f->cert->is_router)
			return router_check(w->tmp, &f->o, f->cert, &f->res, &f->fs);
		chain_check(w, f);
		return 0;
	case RPKI_ROA:
		roa_check(&f->o, f->cert, &f->res, &f->fs);
		return 0;
	case RPKI_ASA:
		aspa_check(&f->o, f->cert, &f->res, &f->fs);
		return 0;
	case RPKI_GBR:
		gbr_check(f->cert, &f->fs);
		return 0;
	case RPKI_TAK:
		tak_check(&f->o, f->cert, w->ca, w->n_taks, &f->fs);
		return 0;
	default:
		return 0;
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
	window_note(w, f->cert->not_before, f->cert->not_after);
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
	return content_check(w, f);
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
	if (!w->pt->failed && w->again && (rc = files_again(w)) < 0)
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

/*
 * The check ended early: nothing of the point may be used. If it was the
 * point's own size, that is a finding; otherwise our trouble.
 */
static int
point_undone(struct rpki_point *pt, int rc, bool full)
{
	const struct rpki_ca *ca = pt->ca;

	(void)pool_free(pt->pool);
	*pt = (struct rpki_point){ .ca = ca, .base = ca->res, .failed = true, .pool = pool_new(RPKI_POINT_POOL_MAX),
	    .judged = pt->judged, .until = pt->until };
	if (pt->pool == NULL)
		return -ENOMEM;
	findings_init(&pt->findings, pt->pool);
	pt->count[RPKI_MFT][V_REJECTED] = 1;
	if (!full)
		return rc;
	pt->findings.subject = ca->mft_uri;
	finding_add(&pt->findings, F(RPKI_POINT_LARGE), FA_U("limit", RPKI_POINT_POOL_MAX));
	return 0;
}

static int
point_check(struct work *w)
{
	struct rpki_point *pt = w->pt;
	const struct rpki_ca *ca = w->ca;
	bool full;
	int rc;

	memset(pt, 0, sizeof(*pt));
	pt->ca = ca;
	pt->base = ca->res;
	pt->judged = w->now;
	pt->until = TIME_NEVER;
	pt->pool = pool_new(RPKI_POINT_POOL_MAX);
	w->tmp = pool_new(w->opt->pool_max > 0 ? w->opt->pool_max : RPKI_POINT_POOL_MAX);
	if (pt->pool == NULL || w->tmp == NULL) {
		(void)pool_free(w->tmp);
		return -ENOMEM;
	}
	findings_init(&pt->findings, pt->pool);
	/* NULL for a key no signature can be made with: all of them fail then. */
	if ((rc = crypto_pub_rsa(ca->modulus, ca->exponent, &w->key)) == -EINVAL)
		rc = 0;
	if (rc == 0 && ca->lost)
		rc = lost_point(w);
	else if (rc == 0 && (rc = head_check(w)) == 0)
		rc = files_check(w);
	/* A short list or a missing name is not what the object said. */
	full = pool_is_full(w->tmp) || pool_is_full(pt->pool);
	if (rc == 0 && (pool_has_failed(w->tmp) || pool_has_failed(pt->pool)))
		rc = -ENOMEM;
	(void)crypto_pub_free(w->key);
	(void)pool_free(w->tmp);
	return rc < 0 ? point_undone(pt, rc, full) : 0;
}

/*
 * With files that are as they were only if nothing is found about any: who is
 * told about a file wants to see all of it.
 */
int
rpki_point_check(const struct rpki_ca *ca, const struct rpki_source *src,
    const struct rpki_opt *opt, struct rpki_point *pt)
{
	struct work w = { .ca = ca, .src = src, .opt = opt, .pt = pt, .now = opt->now };
	int rc;

	if (opt->thin && src->before != NULL && src->before->files.n > 0 && !ca->lost) {
		w.again = true;
		if ((rc = point_check(&w)) == 0 && pt->thin)
			return 0;
		rpki_point_done(pt);
		w = (struct work){ .ca = ca, .src = src, .opt = opt, .pt = pt, .now = opt->now };
	}
	return point_check(&w);
}

void
rpki_point_done(struct rpki_point *pt)
{
	pt->pool = pool_free(pt->pool);
	pt->more = pool_free(pt->more);
}
