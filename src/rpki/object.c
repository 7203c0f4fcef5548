/* One object by itself, without the chain above it. */
#include <errno.h>
#include <string.h>

#include "rpki/internal.h"

struct alone {
	struct pool		*pool;
	const struct rpki_opt	*opt;
	struct findings		*fs;
	struct rpki_object	*o;
	struct cert		*cert;
};

/* Is it self-issued, and so a trust anchor's? */
static bool
cert_is_self_issued(struct pool *pool, struct sv bytes, struct cert **ret)
{
	struct findings fs;

	findings_init(&fs, pool);
	return cert_parse(pool, bytes, CERT_TA, 0, &fs, ret) == 0 && *ret != NULL &&
	    sv_eq((*ret)->issuer, (*ret)->subject);
}

bool
rpki_cert_is_anchor(struct pool *pool, struct sv bytes, struct sv spki)
{
	struct cert *c;

	return cert_is_self_issued(pool, bytes, &c) && sv_eq(c->spki, spki);
}

/* Its own list of AS numbers: what its issuer holds is unknown here. */
static int
router_alone(struct alone *a, struct sv bytes)
{
	int rc = router_parse(a->pool, bytes, a->opt->tolerate, a->fs, &a->cert);

	if (rc < 0 || a->cert == NULL)
		return rc;
	return router_check(a->pool, a->o, a->cert, &a->cert->res, a->fs);
}

static int
cer_alone(struct alone *a, struct sv bytes)
{
	struct cert *c;
	enum cert_kind kind = cert_is_self_issued(a->pool, bytes, &c) ? CERT_TA : CERT_CA;
	struct findings own;
	int rc;

	findings_init(&own, a->pool);
	own.subject = a->fs->subject;
	rc = cert_parse(a->pool, bytes, kind, a->opt->tolerate, &own, &a->cert);
	if (rc == 0 && a->cert != NULL && a->cert->is_router)
		return router_alone(a, bytes);
	findings_move(a->fs, &own);
	return rc;
}

static int
crl_alone(struct alone *a, struct sv bytes)
{
	struct crl *c;
	int rc = crl_parse(a->pool, bytes, a->opt->tolerate, a->fs, &c);

	if (rc < 0 || c == NULL)
		return rc;
	a->o->not_before = c->this_update;
	a->o->not_after = c->next_update;
	if (a->opt->now < c->this_update)
		finding_add(a->fs, F(RPKI_CRL_NOT_YET), FA_TIME("this_update", c->this_update));
	if (a->opt->now > c->next_update)
		finding_add(a->fs, F(RPKI_CRL_STALE), FA_TIME("next_update", c->next_update));
	return 0;
}

static int
content_alone(struct alone *a, const struct cms *c)
{
	struct mft *m;
	int rc;

	switch (a->o->type) {
	case RPKI_MFT:
		if ((rc = mft_parse(a->pool, c->content, a->fs, &m)) == 0 && m != NULL)
			mft_check(m, c->ee, a->opt->now, a->fs);
		return rc;
	case RPKI_ROA:
		/* Its certificate's own list: what it inherits is unknown here. */
		if ((rc = roa_parse(a->pool, c->content, a->fs, a->o)) == 0)
			roa_check(a->o, c->ee, &c->ee->res, a->fs);
		return rc;
	case RPKI_ASA:
		if ((rc = aspa_parse(a->pool, c->content, a->fs, a->o)) == 0)
			aspa_check(a->o, c->ee, &c->ee->res, a->fs);
		return rc;
	case RPKI_GBR:
		if ((rc = gbr_parse(a->pool, c->content, a->fs, a->o)) == 0)
			gbr_check(c->ee, a->fs);
		return rc;
	case RPKI_TAK:
		if ((rc = tak_parse(a->pool, c->content, a->fs, a->o)) == 0)
			tak_check(a->o, c->ee, NULL, 1, a->fs);
		return rc;
	default:
		return 0;
	}
}

static int
signed_alone(struct alone *a, struct sv bytes)
{
	struct crypto_verify v;
	struct crypto_msg m;
	struct cms *c;
	int rc;

	rc = cms_parse(a->pool, bytes, a->o->type, a->opt->tolerate, a->fs, &c);
	if (rc < 0 || c == NULL)
		return rc;
	a->cert = c->ee;
	cms_check_digest(c, a->fs);
	cms_verify_item(&v, &m, c);
	crypto_sha256_many(&m, 1);
	if ((rc = crypto_verify_batch(&v, 1)) < 0)
		return rc;
	if (!v.ok)
		finding_add0(a->fs, F(RPKI_CMS_SIGNATURE));
	return content_alone(a, c);
}

static bool
sv_copy(struct pool *pool, struct sv *s)
{
	if (s->n == 0)
		return true;
	*s = pool_sv(pool, *s);
	return s->p != NULL;
}

static bool
gbr_copy(struct pool *pool, struct rpki_object *o)
{
	struct gbr *g = pool_alloc(pool, sizeof(*g));

	if (g == NULL)
		return false;
	*g = *o->gbr;
	o->gbr = g;
	return sv_copy(pool, &g->fn) && sv_copy(pool, &g->org) && sv_copy(pool, &g->adr) &&
	    sv_copy(pool, &g->tel) && sv_copy(pool, &g->email);
}

static bool
tak_key_copy(struct pool *pool, struct tak_key *k)
{
	bool good = sv_copy(pool, &k->spki) && sv_copy(pool, &k->modulus);

	for (size_t i = 0; i < k->n_uris; i++)
		good = good && sv_copy(pool, &k->uris[i]);
	return good;
}

static bool
tak_copy(struct pool *pool, struct rpki_object *o)
{
	struct tak *t = pool_alloc(pool, sizeof(*t));

	if (t == NULL)
		return false;
	*t = *o->tak;
	o->tak = t;
	return tak_key_copy(pool, &t->current) && tak_key_copy(pool, &t->predecessor) &&
	    tak_key_copy(pool, &t->successor);
}

int
object_contents_copy(struct pool *pool, struct rpki_object *o)
{
	if (o->n_router_keys > 0) {
		struct router_key *k = pool_calloc(pool, o->n_router_keys, sizeof(*k));

		if (k == NULL)
			return -ENOMEM;
		o->router_keys = memcpy(k, o->router_keys, o->n_router_keys * sizeof(*k));
	}
	if ((o->gbr != NULL && !gbr_copy(pool, o)) || (o->tak != NULL && !tak_copy(pool, o)))
		return -ENOMEM;
	return 0;
}

int
rpki_object_check(struct pool *pool, struct sv uri, struct sv bytes,
    const struct rpki_opt *opt, struct findings *fs, struct rpki_object *o,
    struct sv *ret_ski, struct sv *ret_aki, struct sv *ret_aia)
{
	struct alone a = { .pool = pool, .opt = opt, .fs = fs, .o = o };
	int rc;

	*o = (struct rpki_object){ .uri = uri, .type = rpki_type_of(uri) };
	fs->subject = uri;
	crypto_sha256(bytes.p, bytes.n, o->hash);
	if (o->type == RPKI_CER)
		rc = cer_alone(&a, bytes);
	else if (o->type == RPKI_CRL)
		rc = crl_alone(&a, bytes);
	else if (o->type <= RPKI_TAK)
		rc = signed_alone(&a, bytes);
	else {
		o->verdict = V_NOT_JUDGED;
		finding_add(fs, F(RPKI_NOT_JUDGED), FA_STR("type", rpki_type_name(o->type)));
		return 0;
	}
	if (rc < 0)
		return rc;
	if (a.cert != NULL) {
		cert_check_time(a.cert, opt->now, fs);
		o->not_before = a.cert->not_before;
		o->not_after = a.cert->not_after;
		o->res = a.cert->res;
		*ret_ski = a.cert->ski;
		*ret_aki = a.cert->aki;
		*ret_aia = a.cert->aia_uri;
	}
	if (findings_reject(fs))
		o->verdict = V_REJECTED;
	return 0;
}
