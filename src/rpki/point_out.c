/* What comes out of a publication point: children, payloads, objects kept. */
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "rpki/point.h"

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
child_add(struct work *w, struct file *f, bool lost)
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
		.own_expires = min_i64(w->pt->expires, x->not_after),
		.chain = w->ca->chain * 31 + hash_bytes(w->ca->ski.p, w->ca->ski.n),
		.lost = lost,
	};
	c->expires = min_i64(w->ca->expires, c->own_expires);
	if (c->notify_uri.p == NULL || c->mft_uri.p == NULL)
		return -ENOMEM;
	f->child = ++w->pt->n_children;
	return child_res(w, f, &c->res);
}

/* What is inherited hangs at the CA as it is now. */
static int
res_again(struct work *w, const struct resources *old, struct resources *r)
{
	const struct resources *base = &w->src->before->base, *ca = &w->ca->res;
	struct resources own = *old;
	int rc;

	if (old->v4.r == base->v4.r)
		own.v4.n = 0;
	if (old->v6.r == base->v6.r)
		own.v6.n = 0;
	if (old->as.r == base->as.r)
		own.as.n = 0;
	if ((rc = res_copy(w->pt->pool, &own)) < 0)
		return rc;
	*r = own;
	if (old->v4.r == base->v4.r)
		r->v4 = ca->v4;
	if (old->v6.r == base->v6.r)
		r->v6 = ca->v6;
	if (old->as.r == base->as.r)
		r->as = ca->as;
	return 0;
}

/* The same certificate under the same CA: what follows from the rest of the point is new. */
static int
child_again(struct work *w, struct file *f)
{
	struct pool *pool = w->pt->pool;
	struct rpki_ca *c = &w->pt->children[w->pt->n_children];
	struct sv *const texts[] = { &c->uri, &c->subject, &c->ski, &c->modulus, &c->repo_uri,
	    &c->mft_uri, &c->notify_uri };

	*c = *f->before;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if ((*texts[i] = pool_sv(pool, *texts[i])).p == NULL)
			return -ENOMEM;
	c->parent = (struct rpki_ca *)(uintptr_t)w->ca;
	c->own_expires = min_i64(w->pt->expires, c->not_after);
	c->expires = min_i64(w->ca->expires, c->own_expires);
	f->child = ++w->pt->n_children;
	return res_again(w, &f->before->res, &c->res);
}

static int
object_keep(struct work *w, struct file *f)
{
	struct pool *pool = w->pt->pool;
	struct rpki_object *o = &f->o;
	int rc;

	/* What is only named costs nothing: memory follows real files. */
	if (f->bytes.p == NULL && o->verdict != V_REJECTED)
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
	if ((rc = object_contents_copy(pool, o)) < 0)
		return rc;
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
	for (size_t i = 0; i < f->o.n_router_keys; i++) {
		f->o.router_keys[i].expires = expires;
		f->o.router_keys[i].ta = (uint8_t)w->ca->ta;
	}
}

static int
payloads_gather(struct work *w)
{
	struct rpki_point *pt = w->pt;
	size_t n_vrps = 0, n_aspas = 0, n_keys = 0;

	for (size_t i = 0; i < w->n_files; i++)
		if (w->files[i].o.verdict == V_VALID) {
			n_vrps += w->files[i].o.n_vrps;
			n_aspas += w->files[i].o.aspa != NULL;
			n_keys += w->files[i].o.n_router_keys;
		}
	pt->vrps = pool_calloc(pt->pool, n_vrps + 1, sizeof(*pt->vrps));
	pt->aspas = pool_calloc(pt->pool, n_aspas + 1, sizeof(*pt->aspas));
	if (n_keys > 0)
		pt->router_keys = pool_calloc(pt->pool, n_keys, sizeof(*pt->router_keys));
	if (pt->vrps == NULL || pt->aspas == NULL || (n_keys > 0 && pt->router_keys == NULL))
		return -ENOMEM;
	for (size_t i = 0; i < w->n_files; i++) {
		struct rpki_object *o = &w->files[i].o;

		if (o->verdict != V_VALID)
			continue;
		if (o->n_vrps > 0)
			memcpy(pt->vrps + pt->n_vrps, o->vrps, o->n_vrps * sizeof(*o->vrps));
		pt->n_vrps += o->n_vrps;
		for (size_t k = 0; k < o->n_router_keys; k++)
			pt->router_keys[pt->n_router_keys++] = o->router_keys[k];
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

/*
 * A certificate that is not valid is followed unless that could not end, or
 * its key identifier and places are none: the walk keys on them.
 */
bool
lost_followed(const struct work *w, const struct cert *c)
{
	if (w->ca->depth + 1 >= RPKI_DEPTH_MAX || c->ski.n != SHA1_LEN ||
	    !rsync_uri_valid(c->mft_uri) || !rsync_uri_valid(c->repo_uri))
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
	if (f->o.type != RPKI_CER || f->cert == NULL || f->cert->is_router)
		return false;
	return !*ret_lost || (w->opt->follow_lost && f->cert->mft_uri.n > 0 &&
	    lost_followed(w, f->cert));
}

static int
child_any(struct work *w, struct file *f)
{
	bool lost;

	if (f->again)
		return f->before != NULL ? child_again(w, f) : 0;
	return child_wanted(w, f, &lost) ? child_add(w, f, lost) : 0;
}

static bool
nothing_found(const struct rpki_point *pt)
{
	for (int s = 0; s < SEV_MAX; s++)
		if (pt->findings.n_by_severity[s] > 0)
			return false;
	return rpki_point_keepable(pt);
}

/* .thin: where nothing was found, objects are left to who asks for them. */
static int
objects_keep(struct work *w)
{
	struct rpki_point *pt = w->pt;
	struct rpki_object *heads = pt->objects;
	int rc = 0;

	if (!w->opt->keep_objects)
		return 0;
	if (w->opt->thin && nothing_found(pt)) {
		pt->objects = NULL;
		pt->n_objects = 0;
		pt->thin = true;
		return files_remember(w);
	}
	if (w->opt->thin && !w->ca->lost) {
		pt->objects = pool_calloc(pt->pool, w->n_files + pt->n_objects + 1, sizeof(*heads));
		if (pt->objects == NULL)
			return -ENOMEM;
		memcpy(pt->objects, heads, pt->n_objects * sizeof(*heads));
	}
	for (size_t i = 0; i < w->n_files && rc == 0; i++)
		rc = object_keep(w, &w->files[i]);
	return rc;
}

int
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

		if (findings_reject(&f->fs))
			f->o.verdict = V_REJECTED;
		else if (pt->failed)
			f->o.verdict = V_LOST;
		payload_stamp(w, f);
		pt->count[f->o.type][f->o.verdict]++;
		rc = child_any(w, f);
		findings_move(&pt->findings, &f->fs);
	}
	if (rc == 0)
		rc = objects_keep(w);
	return rc == 0 ? payloads_gather(w) : rc;
}
