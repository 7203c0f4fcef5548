/* Bytes from the plan: write, edit, hash, sign; manifests last. */
#include <errno.h>
#include <stdlib.h>

#include "lab/internal.h"
#include "sys/par.h"

struct bytes {
	uint8_t	*p;
	size_t	 n;
};

static void
bytes_done(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ 0 };
}

static struct sv
bytes_get(const struct bytes *b)
{
	return (struct sv){ (const char *)b->p, b->n };
}

static struct wr
bytes_room(struct bytes *b, size_t cap)
{
	b->p = malloc(cap);
	return wr_mem(b->p, b->p == NULL ? 0 : cap);
}

/* Take over what was written, and do this stage's edits to it. */
static int
bytes_finish(struct bytes *b, const struct wr *w, const struct lab_obj *o, enum lab_stage stage)
{
	if (!wr_done(w))
		return b->p == NULL ? -ENOMEM : -E2BIG;
	b->n = w->len;
	return lab_edit(o->edits, stage, &b->p, &b->n);
}

/* More than enough for the object's lists. */
static size_t
room_for(const struct lab_obj *o, size_t n_files)
{
	return 16384 + n_files * 384 + 64 * (o->roa.n + o->aspa.n_providers +
	    o->crl.n_revoked + o->cert.res.ip[0].n + o->cert.res.ip[1].n + o->cert.res.as.n) +
	    o->filler;
}

/* The signed form of a TBS: certificate or CRL. */
static int
sign_tbs(const struct lab_obj *o, const struct bytes *tbs, const struct crypto_signer *key,
    enum lab_stage stage, struct bytes *ret)
{
	uint8_t digest[SHA256_LEN], sig[CRYPTO_SIG_MAX];
	size_t n = 0;
	struct wr w;
	int rc;

	crypto_sha256(tbs->p, tbs->n, digest);
	if ((rc = crypto_sign(key, digest, sig, &n)) < 0)
		return rc;
	w = bytes_room(ret, tbs->n + 512);
	signed_write(&w, bytes_get(tbs), (struct sv){ (const char *)sig, n });
	return bytes_finish(ret, &w, o, stage);
}

static int
make_cert(const struct lab_obj *o, struct bytes *ret)
{
	_cleanup_(bytes_done) struct bytes tbs = { 0 };
	bool ca = o->kind == LAB_CER || o->kind == LAB_ROUTER;	/* a file of its own */
	struct wr w = bytes_room(&tbs, room_for(o, 0));
	int rc;

	cert_tbs_write(&w, &o->cert);
	rc = bytes_finish(&tbs, &w, o, ca ? LAB_AT_TBS : LAB_AT_EE_TBS);
	if (rc < 0)
		return rc;
	return sign_tbs(o, &tbs, o->cert_signer, ca ? LAB_AT_OBJECT : LAB_AT_EE, ret);
}

static int
make_crl(const struct lab_obj *o, struct bytes *ret)
{
	_cleanup_(bytes_done) struct bytes tbs = { 0 };
	struct wr w = bytes_room(&tbs, room_for(o, 0));
	int rc;

	crl_tbs_write(&w, &o->crl);
	if ((rc = bytes_finish(&tbs, &w, o, LAB_AT_TBS)) < 0)
		return rc;
	return sign_tbs(o, &tbs, o->cert_signer, LAB_AT_OBJECT, ret);
}

/* A vCard of RFC 6493 section 5; filler makes it as large as a fault wants. */
static void
gbr_write(struct wr *w, const struct lab_obj *o)
{
	static const char head[] = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Sekisho lab\r\n"
	    "EMAIL:noc@example.net\r\n";
	static const char tail[] = "END:VCARD\r\n";
	uint8_t *p;

	wr_bytes(w, head, sizeof(head) - 1);
	if (o->filler > 0 && (p = wr_reserve(w, o->filler)) != NULL)
		memset(p, 'x', o->filler);
	wr_bytes(w, tail, sizeof(tail) - 1);
}

static int
make_content(const struct lab_obj *o, size_t n_files, struct bytes *ret)
{
	struct wr w = bytes_room(ret, room_for(o, n_files));

	switch (o->kind) {
	case LAB_MFT:
		mft_write(&w, &o->mft);
		break;
	case LAB_ROA:
		roa_write(&w, &o->roa);
		break;
	case LAB_ASPA:
		aspa_write(&w, &o->aspa);
		break;
	case LAB_TAK:
		tak_write(&w, &o->tak->spec);
		break;
	default:
		gbr_write(&w, o);
		break;
	}
	return bytes_finish(ret, &w, o, LAB_AT_CONTENT);
}

/* Signed attributes over the content, and the signature over them. */
static int
make_attrs(const struct lab_obj *o, const struct bytes *content, struct bytes *ret,
    uint8_t sig[static CRYPTO_SIG_MAX], size_t *ret_sig_len)
{
	uint8_t digest[SHA256_LEN];
	struct wr w = bytes_room(ret, 1024);
	int rc;

	crypto_sha256(content->p, content->n, digest);
	if (o->digest_wrong)
		digest[SHA256_LEN - 1] ^= 1;
	attrs_write(&w, o->attr_ctype, (struct sv){ (const char *)digest, sizeof(digest) },
	    o->signing_time);
	if ((rc = bytes_finish(ret, &w, o, LAB_AT_ATTRS)) < 0)
		return rc;
	crypto_sha256(ret->p, ret->n, digest);
	return crypto_sign(o->cms_signer, digest, sig, ret_sig_len);
}

static int
make_cms(const struct lab_obj *o, size_t n_files, struct bytes *ret)
{
	_cleanup_(bytes_done) struct bytes content = { 0 }, cert = { 0 }, attrs = { 0 };
	uint8_t sig[CRYPTO_SIG_MAX];
	size_t sig_len = 0;
	struct wr w;
	int rc;

	if ((rc = make_content(o, n_files, &content)) < 0 ||
	    (rc = make_cert(o, &cert)) < 0 ||
	    (rc = make_attrs(o, &content, &attrs, sig, &sig_len)) < 0)
		return rc;
	w = bytes_room(ret, content.n + cert.n + attrs.n + 2048);
	cms_write(&w, &(struct cms_spec){
		.ctype = o->ctype,
		.econtent = bytes_get(&content),
		.cert = bytes_get(&cert),
		.ski = o->cert.ski,
		.attrs = bytes_get(&attrs),
		.sig = { (const char *)sig, sig_len },
	});
	return bytes_finish(ret, &w, o, LAB_AT_OBJECT);
}

/* --- manifests --- */

static int
mft_entry_cmp(const void *a, const void *b)
{
	return sv_cmp(((const struct mft_entry *)a)->name, ((const struct mft_entry *)b)->name);
}

static size_t
mft_list(const struct lab_world *w, const struct lab_obj *mft, struct mft_entry *v)
{
	size_t n = 0;

	for (; n < mft->n_extra; n++)
		v[n].name = sv_str(mft->extra[n]);
	for (const struct lab_obj *o = mft->ca->objs; o != NULL; o = o->next) {
		if (o->kind == LAB_MFT || o->unlisted || !lab_alive(w, o))
			continue;
		v[n].name = sv_str(o->listed_as != NULL ? o->listed_as : o->file);
		memcpy(v[n].hash, o->hash, sizeof(v[n].hash));
		if (o->hash_wrong)
			v[n].hash[SHA256_LEN - 1] ^= 1;
		n++;
		if (o->listed_twice) {
			v[n] = v[n - 1];
			n++;
		}
	}
	qsort(v, n, sizeof(v[0]), mft_entry_cmp);
	return n;
}

static int
make_mft(const struct lab_world *w, struct lab_obj *o, struct bytes *ret)
{
	/* each file at most twice */
	struct mft_entry *v = calloc(2 * o->ca->n_objs + o->n_extra, sizeof(*v));
	int rc;

	if (v == NULL)
		return -ENOMEM;
	o->mft.files = v;
	o->mft.n_files = mft_list(w, o, v);
	rc = make_cms(o, o->mft.n_files, ret);
	o->mft.files = NULL;
	free(v);
	return rc;
}

/* --- all --- */

static int
make_file(const struct lab_obj *o, struct bytes *ret)
{
	struct wr w = bytes_room(ret, 64);

	wr_bytes(&w, "sekisho lab\n", sizeof("sekisho lab\n") - 1);
	return bytes_finish(ret, &w, o, LAB_AT_OBJECT);
}

static int
make_obj(const struct lab_world *w, struct lab_obj *o, struct bytes *ret)
{
	switch (o->kind) {
	case LAB_CER:
	case LAB_ROUTER:
		return make_cert(o, ret);
	case LAB_FILE:
		return make_file(o, ret);
	case LAB_CRL:
		return make_crl(o, ret);
	case LAB_MFT:
		return make_mft(w, o, ret);
	default:
		return make_cms(o, 0, ret);
	}
}

#define PROGRESS_EVERY	256

struct job {
	struct lab_world	*w;
	struct lab_obj		**v;
	bool			 manifests;
};

static void
job_run(void *arg, size_t i)
{
	const struct job *j = arg;
	struct lab_world *w = j->w;
	struct lab_obj *o = j->v[i];
	struct bytes b = { 0 };
	size_t n;

	if (!o->in_batch || (o->kind == LAB_MFT) != j->manifests)
		return;
	o->rc = make_obj(w, o, &b);
	free(o->bytes);
	o->bytes = b.p;
	o->n_bytes = b.n;
	if (o->rc == 0)
		crypto_sha256(b.p, b.n, o->hash);
	/* an EE key signs once */
	if (o->kind != LAB_CER)
		o->own_key = crypto_signer_free(o->own_key);
	n = atomic_fetch_add(&w->n_made, 1) + 1;
	if (w->opts.progress != NULL && n % PROGRESS_EVERY == 0)
		w->opts.progress(w->opts.progress_arg, n, w->n_objs);
}

int
lab_make(struct lab_world *w, struct lab_obj **v, size_t n)
{
	struct job j = { w, v, false };

	par_for(w->opts.jobs, n, job_run, &j);
	for (size_t i = 0; i < n; i++)
		if (v[i]->in_batch && v[i]->rc < 0)
			return v[i]->rc;
	j.manifests = true;
	par_for(w->opts.jobs, n, job_run, &j);
	for (size_t i = 0; i < n; i++)
		if (v[i]->in_batch && v[i]->rc < 0)
			return v[i]->rc;
	return 0;
}
