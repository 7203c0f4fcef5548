/* BGPsec router certificates (RFC 8209) and what they say. */
#include <errno.h>
#include <string.h>

#include "rpki/internal.h"

int
router_parse(struct pool *pool, struct sv der, unsigned tolerate, struct findings *fs,
    struct cert **ret)
{
	return cert_parse(pool, der, CERT_ROUTER, tolerate, fs, ret);
}

/* The AS numbers of all ranges, or RPKI_ROUTER_ASNS_MAX + 1 if they are more. */
static size_t
asns_count(const struct as_res *as)
{
	uint64_t n = 0;

	for (size_t i = 0; i < as->n && n <= RPKI_ROUTER_ASNS_MAX; i++)
		n += (uint64_t)as->r[i].max - as->r[i].min + 1;
	return n > RPKI_ROUTER_ASNS_MAX ? RPKI_ROUTER_ASNS_MAX + 1 : (size_t)n;
}

static void
keys_fill(struct rpki_object *o, const struct cert *c, const struct as_res *as)
{
	for (size_t i = 0; i < as->n; i++)
		for (uint64_t asn = as->r[i].min; asn <= as->r[i].max; asn++) {
			struct router_key *k = &o->router_keys[o->n_router_keys++];

			memcpy(k->ski, c->ski.p, sizeof(k->ski));
			memcpy(k->spki, c->spki.p, c->spki.n);
			k->spki_len = (uint8_t)c->spki.n;
			k->asn = (uint32_t)asn;
			k->ca = PAYLOAD_CA_NONE;
		}
}

/*
 * RFC 8209 section 3.1.3.5: AS numbers, one or more, none of them inherited.
 * An AS number that is written but not held was reported with the resources;
 * res has what is held.
 */
int
router_check(struct pool *pool, struct rpki_object *o, const struct cert *c,
    const struct resources *res, struct findings *fs)
{
	size_t n;

	if (c->res.as.inherit || !c->res.as.present || c->res.as.n == 0) {
		finding_add(fs, F(RPKI_ROUTER_AS), FA_MSG("why", c->res.as.inherit ?
		    N_("it inherits AS numbers") : N_("it has no AS numbers")));
		return 0;
	}
	if ((n = asns_count(&c->res.as)) > RPKI_ROUTER_ASNS_MAX) {
		finding_add(fs, F(RPKI_ROUTER_MANY), FA_U("limit", RPKI_ROUTER_ASNS_MAX));
		return 0;
	}
	if (c->ski.n != SHA1_LEN || c->spki.n == 0 || c->spki.n > ROUTER_SPKI_MAX)
		return 0;		/* reported when it was read */
	n = asns_count(&res->as);
	if (n > RPKI_ROUTER_ASNS_MAX)
		return 0;
	if ((o->router_keys = pool_calloc(pool, n + 1, sizeof(*o->router_keys))) == NULL)
		return -ENOMEM;
	keys_fill(o, c, &res->as);
	return 0;
}
