/*
 * The head of a publication point: manifest, its certificate, the CRL. If
 * any of them fails, so does the point (RFC 9286 section 6).
 */
#include <errno.h>
#include <string.h>

#include "base/timefmt.h"
#include "rpki/point.h"

/* Both are positive and minimal; one octet 0 may stand before a high bit. */
static int
number_cmp(struct sv a, struct sv b)
{
	a = sv_skip(a, a.n > 1 && a.p[0] == 0);
	b = sv_skip(b, b.n > 1 && b.p[0] == 0);
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return memcmp(a.p, b.p, a.n);
}

/*
 * "an RP has to reset its stored manifestNumber for a given CA if the CA
 * changes the filename of its manifest" and "MUST alert its operators" (RFC
 * 9981 section 2). Its time still has to be later: that protects from replays.
 */
static void
renamed_tell(struct work *w, struct findings *fs)
{
	finding_add(fs, F(RPKI_MFT_RENAMED), FA_SV("seen", w->src->seen->name), FA_SV("file",
	    sv_skip(w->ca->mft_uri, sv_rfind(w->ca->mft_uri, '/') + 1)));
}

/*
 * "Each RP MUST verify that a purported "new" manifest contains a higher
 * manifestNumber than previously validated manifests" (RFC 9286 section
 * 4.2.1), and a later thisUpdate.
 */
static void
seen_check(struct work *w, struct findings *fs)
{
	const struct rpki_seen *s = w->src->seen;

	if (s == NULL || memcmp(s->hash, w->pt->mft_hash, SHA256_LEN) == 0)
		return;
	if (s->name.n > 0)
		renamed_tell(w, fs);
	else if (number_cmp(w->mft->number, s->number) <= 0)
		finding_add(fs, F(RPKI_MFT_NUMBER_OLD), FA_HEX("number", w->mft->number.p,
		    w->mft->number.n), FA_HEX("seen", s->number.p, s->number.n));
	if (w->mft->this_update < s->this_update)
		finding_add(fs, F(RPKI_MFT_TIME_OLD), FA_TIME("this_update", w->mft->this_update),
		    FA_TIME("seen", s->this_update));
}

int
manifest_read(struct work *w, struct findings *fs)
{
	struct sv bytes = { NULL, 0 };
	int rc;

	rc = file_get(w, w->ca->mft_uri, &bytes, fs, F(RPKI_MFT_MISSING));
	if (rc < 0 || bytes.p == NULL)
		return rc;
	w->pt->mft_found = true;
	crypto_sha256(bytes.p, bytes.n, w->pt->mft_hash);
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
		window_note(w, w->mft->this_update, w->mft->next_update);
		seen_check(w, fs);
	}
	cert_check_time(w->cms->ee, w->now, fs);
	window_note(w, w->cms->ee->not_before, w->cms->ee->not_after);
	return 0;
}

/* RFC 9829 section 2: one CRL, the one the manifest's certificate names. */
static int
crl_on_manifest(struct work *w, struct findings *fs, const struct mft_file **ret)
{
	const struct mft_file *found = NULL;
	size_t n = 0;

	*ret = NULL;

	for (size_t i = 0; i < w->mft->n; i++)
		if (rpki_type_of(w->mft->files[i].name) == RPKI_CRL) {
			found = &w->mft->files[i];
			n++;
		}
	if (n == 1) {
		w->crl_uri = uri_join(w->pt->pool, w->ca->repo_uri, found->name);
		if (w->crl_uri.p == NULL)
			return -ENOMEM;
	}
	if (n != 1 || !sv_eq(w->crl_uri, w->cms->ee->crl_uri)) {
		finding_add0(fs, F(RPKI_CRL_MISSING));
		return 0;
	}
	*ret = found;
	return 0;
}

static int
crl_read(struct work *w, struct findings *mft_fs, struct findings *fs)
{
	const struct mft_file *mf;
	struct sv bytes = { NULL, 0 };
	int rc = crl_on_manifest(w, mft_fs, &mf);

	if (rc < 0 || mf == NULL)
		return rc;
	fs->subject = w->crl_uri;
	rc = listed_get(w, w->crl_uri, mf, &bytes, fs);
	if (rc < 0 || bytes.p == NULL)
		return rc;
	if ((rc = crl_parse(w->tmp, bytes, w->opt->tolerate, fs, &w->crl)) < 0 || w->crl == NULL)
		return rc;
	crl_check(w->crl, w->ca, w->now, fs);
	window_note(w, w->crl->this_update, w->crl->next_update);
	w->pt->crl_next = w->crl->next_update;
	w->pt->crl_uri = w->crl_uri;
	return 0;
}

/* The three signatures that a point stands on. */
static int
head_verify(struct work *w, struct findings *mft_fs, struct findings *crl_fs)
{
	struct crypto_verify v[3];
	struct crypto_msg m[3];
	uint8_t digest[SHA256_LEN];
	const struct crl_entry *e;
	size_t n = 2;
	int rc;

	if (w->cms == NULL)
		return 0;
	ca_verify_item(w, &v[0], &m[0], w->cms->ee);
	cms_verify_item(&v[1], &m[1], w->cms);
	if (w->crl != NULL) {
		m[2] = (struct crypto_msg){ { w->crl->tbs }, digest };
		v[2] = (struct crypto_verify){ .key = w->key, .sig = w->crl->sig,
		    .modulus = w->ca->modulus, .exponent = w->ca->exponent,
		    .tbs = { (const char *)digest, sizeof(digest) } };
		n = 3;
	}
	if ((rc = point_verify(w, v, m, n)) < 0)
		return rc;
	if (!v[0].ok)
		finding_add0(mft_fs, F(RPKI_CERT_SIGNATURE));
	if (!v[1].ok)
		finding_add0(mft_fs, F(RPKI_CMS_SIGNATURE));
	if (v[0].ok && v[1].ok)
		w->pt->mft_aia = pool_sv(w->pt->pool, w->cms->ee->aia_uri);
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
	pt->expires = TIME_NEVER;
	if (pt->failed)
		return;
	pt->expires = min_i64(w->mft->next_update, w->cms->ee->not_after);
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

int
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

		w->pt->objects = pool_calloc(w->opt->thin ? w->tmp : w->pt->pool, n,
		    sizeof(*w->pt->objects));
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
