/* Two judged points, field by field; the second one has no more objects than it needs. */
#ifndef TESTS_UNIT_RPKI_SAME_H
#define TESTS_UNIT_RPKI_SAME_H

#include "../tap.h"

#include "rpki/rpki.h"

static inline void
same_sv(struct sv a, struct sv b)
{
	assert_int_equal(a.n, b.n);
	assert_true(a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline void
same_bytes(const void *a, const void *b, size_t n)
{
	assert_true(n == 0 || memcmp(a, b, n) == 0);
}

/* Also: is what is shared with the issuer shared in both? */
static inline void
same_res(const struct resources *a, const struct resources *b, const struct resources *ca)
{
	const struct ip_res *x[2] = { &a->v4, &a->v6 }, *y[2] = { &b->v4, &b->v6 };
	const struct ip_res *z[2] = { &ca->v4, &ca->v6 };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(x[i]->present, y[i]->present);
		assert_int_equal(x[i]->inherit, y[i]->inherit);
		assert_int_equal(x[i]->n, y[i]->n);
		same_bytes(x[i]->r, y[i]->r, x[i]->n * sizeof(*x[i]->r));
		assert_int_equal(x[i]->r == z[i]->r, y[i]->r == z[i]->r);
	}
	assert_int_equal(a->as.present, b->as.present);
	assert_int_equal(a->as.inherit, b->as.inherit);
	assert_int_equal(a->as.n, b->as.n);
	same_bytes(a->as.r, b->as.r, a->as.n * sizeof(*a->as.r));
	assert_int_equal(a->as.r == ca->as.r, b->as.r == ca->as.r);
}

static inline void
same_child(const struct rpki_ca *a, const struct rpki_ca *b)
{
	const struct sv x[] = { a->uri, a->subject, a->ski, a->modulus, a->repo_uri, a->mft_uri,
	    a->notify_uri };
	const struct sv y[] = { b->uri, b->subject, b->ski, b->modulus, b->repo_uri, b->mft_uri,
	    b->notify_uri };

	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		same_sv(x[i], y[i]);
	assert_ptr_equal(a->parent, b->parent);
	same_res(&a->res, &b->res, &a->parent->res);
	assert_int_equal(a->depth, b->depth);
	assert_int_equal(a->ta, b->ta);
	assert_int_equal(a->exponent, b->exponent);
	assert_int_equal(a->not_before, b->not_before);
	assert_int_equal(a->not_after, b->not_after);
	assert_int_equal(a->own_expires, b->own_expires);
	assert_int_equal(a->expires, b->expires);
	assert_int_equal(a->chain, b->chain);
	assert_int_equal(a->lost, b->lost);
	assert_true(rpki_ca_same(a, b));
}

static inline void
same_payloads(const struct rpki_point *a, const struct rpki_point *b)
{
	assert_int_equal(a->n_vrps, b->n_vrps);
	same_bytes(a->vrps, b->vrps, a->n_vrps * sizeof(*a->vrps));
	assert_int_equal(a->n_aspas, b->n_aspas);
	for (size_t i = 0; i < a->n_aspas; i++) {
		struct aspa x = a->aspas[i], y = b->aspas[i];

		assert_int_equal(x.n_providers, y.n_providers);
		same_bytes(x.providers, y.providers, x.n_providers * sizeof(*x.providers));
		assert_int_equal(x.customer, y.customer);
		assert_int_equal(x.expires, y.expires);
		assert_int_equal(x.ta, y.ta);
		assert_int_equal(x.ca, y.ca);
	}
	assert_int_equal(a->n_router_keys, b->n_router_keys);
	same_bytes(a->router_keys, b->router_keys, a->n_router_keys * sizeof(*a->router_keys));
}

static inline void
same_arg(const struct farg *a, const struct farg *b)
{
	assert_string_equal(a->key, b->key);
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->u, b->u);
	same_sv(a->s, b->s);
	assert_int_equal(a->px.af, b->px.af);
	assert_int_equal(a->px.len, b->px.len);
	same_bytes(a->px.addr, b->px.addr, sizeof(a->px.addr));
}

static inline void
same_findings(const struct findings *a, const struct findings *b)
{
	const struct finding *x = a->head, *y = b->head;

	assert_int_equal(a->n_kept, b->n_kept);
	assert_int_equal(a->n_dropped, b->n_dropped);
	same_bytes(a->n_by_severity, b->n_by_severity, sizeof(a->n_by_severity));
	for (; x != NULL && y != NULL; x = x->next, y = y->next) {
		assert_ptr_equal(x->def, y->def);
		same_sv(x->subject, y->subject);
		assert_int_equal(x->n_args, y->n_args);
		for (unsigned i = 0; i < x->n_args; i++)
			same_arg(&x->args[i], &y->args[i]);
	}
	assert_ptr_equal(x, y);		/* both at their end */
}

/* b has what findings speak of, and of each what it gave. */
static inline void
same_reported(const struct rpki_point *a, const struct rpki_point *b)
{
	for (size_t i = 0; i < b->n_objects; i++) {
		const struct rpki_object *y = &b->objects[i], *x = NULL;

		for (size_t k = 0; k < a->n_objects && x == NULL; k++)
			if (sv_eq(a->objects[k].uri, y->uri))
				x = &a->objects[k];
		assert_non_null(x);
		assert_int_equal(x->type, y->type);
		assert_int_equal(x->verdict, y->verdict);
		assert_int_equal(x->n_vrps, y->n_vrps);
		same_bytes(x->vrps, y->vrps, x->n_vrps * sizeof(*x->vrps));
		assert_int_equal(x->aspa == NULL, y->aspa == NULL);
		if (x->aspa != NULL)
			assert_int_equal(x->aspa->customer, y->aspa->customer);
	}
}

static inline void
same_point(const struct rpki_point *a, const struct rpki_point *b)
{
	assert_ptr_equal(a->ca, b->ca);
	assert_int_equal(a->failed, b->failed);
	assert_int_equal(a->mft_found, b->mft_found);
	assert_int_equal(a->retained, b->retained);
	assert_int_equal(a->expires, b->expires);
	assert_int_equal(a->judged, b->judged);
	assert_int_equal(a->until, b->until);
	assert_int_equal(a->mft_this, b->mft_this);
	assert_int_equal(a->mft_next, b->mft_next);
	assert_int_equal(a->crl_next, b->crl_next);
	assert_int_equal(a->n_verified, b->n_verified);
	same_sv(a->mft_aia, b->mft_aia);
	same_bytes(a->mft_hash, b->mft_hash, SHA256_LEN);
	same_bytes(a->count, b->count, sizeof(a->count));
	same_res(&a->base, &b->base, &a->ca->res);
	assert_int_equal(a->n_children, b->n_children);
	for (size_t i = 0; i < a->n_children; i++)
		same_child(&a->children[i], &b->children[i]);
	same_payloads(a, b);
	same_findings(&a->findings, &b->findings);
	same_reported(a, b);
}

#endif
