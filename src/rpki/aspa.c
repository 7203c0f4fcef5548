/* Autonomous system provider authorizations (RPKI_ASPA_DRAFT). */
#include <errno.h>

#include "rpki/internal.h"

static const char *
providers_parse(struct der *list, uint32_t customer, uint32_t *p, size_t *n)
{
	const char *why = NULL;

	while (der_peek(list) != 0) {
		p[*n] = der_u32(list);
		if (!der_ok(list))
			return NULL;
		if (p[*n] == customer)
			why = N_("the customer is its own provider");
		else if (*n > 0 && p[*n] == p[*n - 1])
			why = N_("a provider stands twice");
		else if (*n > 0 && p[*n] < p[*n - 1])
			why = N_("the providers are not in ascending order");
		(*n)++;
	}
	if (*n == 0)
		why = N_("the list is empty");
	else if (*n > 1 && p[0] == 0)
		why = N_("AS0 stands beside other providers");
	return why;
}

int
aspa_parse(struct pool *pool, struct sv content, struct findings *fs,
    struct rpki_object *o)
{
	struct aspa *a = pool_alloc(pool, sizeof(*a));
	struct der_doc doc;
	struct der d = der_on(&doc, content), seq, version, list;
	size_t max = content.n / 3 + 1, n = 0;	/* a provider takes three bytes */
	const char *why;
	bool v1 = false;
	uint32_t *p;

	if (max > RPKI_ASPA_PROVIDERS_MAX * 2) {
		finding_add(fs, F(RPKI_ASPA_MANY), FA_U("count", max),
		    FA_U("limit", RPKI_ASPA_PROVIDERS_MAX));
		return 0;
	}
	if (a == NULL || (p = pool_calloc(pool, max, sizeof(*p))) == NULL)
		return -ENOMEM;
	der_at(&d, "ASProviderAttestation");
	seq = der_enter(&d, DER_SEQUENCE);
	der_end(&d);
	if (der_peek(&seq) == DER_CTX_C(0)) {
		version = der_enter(&seq, DER_CTX_C(0));
		v1 = der_u32(&version) == 1;
		der_end(&version);
	}
	if (der_ok(&d) && !v1) {
		finding_add0(fs, F(RPKI_ASPA_VERSION));
		return 0;		/* older drafts lie differently */
	}
	der_at(&d, "customerASID");
	a->customer = der_u32(&seq);
	der_at(&d, "providers");
	list = der_enter(&seq, DER_SEQUENCE);
	why = providers_parse(&list, a->customer, p, &n);
	der_end(&seq);
	if (der_report(&doc, fs))
		return 0;
	if (why != NULL)
		finding_add(fs, F(RPKI_ASPA_PROVIDERS), FA_MSG("why", why));
	if (n > RPKI_ASPA_PROVIDERS_MAX) {
		finding_add(fs, F(RPKI_ASPA_MANY), FA_U("count", n),
		    FA_U("limit", RPKI_ASPA_PROVIDERS_MAX));
		return 0;
	}
	a->providers = p;
	a->n_providers = (uint32_t)n;
	o->aspa = a;
	return 0;
}

void
aspa_check(const struct rpki_object *o, const struct cert *ee,
    const struct resources *ee_res, struct findings *fs)
{
	const struct resources *r = &ee->res;

	if (r->v4.present || r->v6.present)
		finding_add(fs, F(RPKI_ASPA_EE), FA_MSG("why", N_("it has IP addresses")));
	else if (!r->as.present)
		finding_add(fs, F(RPKI_ASPA_EE), FA_MSG("why", N_("it has no AS numbers")));
	else if (r->as.inherit)
		finding_add(fs, F(RPKI_ASPA_EE), FA_MSG("why", N_("it inherits AS numbers")));
	else if (o->aspa != NULL && (r->as.n != 1 ||
	    r->as.r[0].min != o->aspa->customer || r->as.r[0].max != o->aspa->customer))
		finding_add(fs, F(RPKI_ASPA_CUSTOMER), FA_ASN("customer", o->aspa->customer));
	else if (o->aspa != NULL && !as_res_covers(&ee_res->as, o->aspa->customer, o->aspa->customer))
		/* Cut away under RFC 8360: written there, but not held. */
		finding_add(fs, F(RPKI_ASPA_CUSTOMER), FA_ASN("customer", o->aspa->customer));
}
