/* A point with one of everything that a point can give. */
#ifndef TESTS_UNIT_RPKI_ALL_H
#define TESTS_UNIT_RPKI_ALL_H

#include "kit.h"

static const struct roa_entry roa_v[] = {
	{ { .addr = { 10, 1 }, .len = 16, .af = IP_V4 }, 24 },
	{ { .addr = { 10, 1, 128 }, .len = 17, .af = IP_V4 }, 17 },
};
static const struct roa_spec roa = { 64500, roa_v, ARRAY_LEN(roa_v) };
static const uint32_t providers[] = { 64501, 64502, 4200000000 };
static const uint32_t nobody[] = { 0 };
static const struct aspa_spec aspas[] = {
	{ 64500, providers, ARRAY_LEN(providers) }, { 64501, nobody, 1 },
};

static inline void
ca_add(struct world *w, const char *name, unsigned key, bool inherits)
{
	static const struct write_ip_range some = { { 10, 1, 0, 1 }, { 10, 1, 2, 9 } };
	struct cert_spec c = spec_below(w, key, true);

	c.repo = pool_printf(w->pool, "%s%s/", HOST, name);
	c.mft = pool_printf(w->pool, "%s%s/x.mft", HOST, name);
	c.notify = inherits ? NULL : "https://rpki.example/notification.xml";
	if (inherits)
		c.res.ip[0].inherit = c.res.as.inherit = true;
	else {
		c.res.ip[0].v = &some;
		c.res.ip[1].v = &doc6;
		c.res.ip[0].n = c.res.ip[1].n = 1;
	}
	world_add(w, pool_printf(w->pool, "%s.cer", name), cert_make(w, &c, w->key, NULL));
}

static inline void
router_add(struct world *w)
{
	static const uint8_t point[65] = { 4 };
	struct cert_spec c = spec_below(w, 2, false);
	struct wr spki = wr_new(w->pool, 256);
	uint8_t *ski = pool_alloc(w->pool, SHA1_LEN);

	ec_spki_write(&spki, OID_P256, point, sizeof(point));
	crypto_sha1(point, sizeof(point), ski);
	c.subject = "ROUTER-0000FBF0";
	c.spki = wr_sv(&spki);
	c.ski = (struct sv){ (const char *)ski, SHA1_LEN };
	c.eku = OID_KP_ROUTER;
	c.res.as.v = &doc_as;		/* sixteen keys */
	c.res.as.n = 1;
	world_add(w, "r.cer", cert_make(w, &c, w->key, NULL));
}

static inline void
world_all(struct world *w)
{
	world_roa(w, "a.roa", &roa, NULL);
	world_aspa(w, "b.asa", &aspas[0], NULL);
	world_aspa(w, "c.asa", &aspas[1], NULL);
	ca_add(w, "d", 4, true);
	ca_add(w, "e", 5, false);
	router_add(w);
}

#endif
