#include "../tap.h"
#include "world.h"

static void
vrps_unique(void **state UNUSED)
{
	struct payloads p = { 0 };
	size_t dropped;

	world_vrp(&p, "198.51.100.0/24", 24, 64496, 50);
	world_vrp(&p, "192.0.2.0/24", 24, 64496, 10);
	world_vrp(&p, "192.0.2.0/24", 24, 64496, 30);
	world_vrp(&p, "192.0.2.0/24", 24, 64496, 20);
	world_vrp(&p, "2001:db8::/32", 48, 64496, 20);
	world_vrp(&p, "192.0.2.0/24", 25, 64496, 20);
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	assert_int_equal(p.n_vrps, 4);
	assert_int_equal(p.vrps[0].expires, 30);	/* the one that lives longest */
	assert_int_equal(p.vrps[1].max_len, 25);
	assert_int_equal(p.vrps[3].af, IP_V6);
	for (size_t i = 1; i < p.n_vrps; i++)
		assert_true(vrp_cmp(&p.vrps[i - 1], &p.vrps[i]) < 0);
	payloads_done(&p);
}

static void
order(void **state UNUSED)
{
	/* Each row is below the next: family, addr, max_len, len, asn. */
	static const struct {
		const char	*px;
		uint8_t		 max_len;
		uint32_t	 asn;
	} rows[] = {
		{ "10.0.0.0/16", 16, 2 },
		{ "10.0.0.0/8", 24, 9 },
		{ "10.0.0.0/16", 24, 0 },
		{ "10.0.0.0/16", 24, 1 },
		{ "11.0.0.0/8", 8, 1 },
		{ "200.0.0.0/8", 8, 1 },
		{ "::/0", 0, 1 },
	};
	struct payloads p = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		world_vrp(&p, rows[i].px, rows[i].max_len, rows[i].asn, 0);
	for (size_t i = 1; i < p.n_vrps; i++) {
		assert_true(vrp_cmp(&p.vrps[i - 1], &p.vrps[i]) < 0);
		assert_true(vrp_cmp(&p.vrps[i], &p.vrps[i - 1]) > 0);
		assert_int_equal(vrp_cmp(&p.vrps[i], &p.vrps[i]), 0);
	}
	payloads_done(&p);
}

static void
sound(void **state UNUSED)
{
	struct vrp v = { .addr = { 192, 0, 2 }, .len = 24, .max_len = 24, .af = IP_V4 };

	assert_true(vrp_is_sound(&v));
	v.max_len = 23;
	assert_false(vrp_is_sound(&v));
	v.max_len = 33;
	assert_false(vrp_is_sound(&v));
	v.max_len = 24;
	v.addr[3] = 1;
	assert_false(vrp_is_sound(&v));
	v.addr[3] = 0;
	v.addr[15] = 1;
	assert_false(vrp_is_sound(&v));
	v.addr[15] = 0;
	v.af = 5;
	assert_false(vrp_is_sound(&v));
}

static void
aspas_union(void **state UNUSED)
{
	struct payloads p = { 0 };
	size_t dropped;

	world_aspa(&p, 20, WORLD_LIST(0), 90);
	world_aspa(&p, 10, WORLD_LIST(5, 7), 50);
	world_aspa(&p, 10, WORLD_LIST(0), 40);
	world_aspa(&p, 10, WORLD_LIST(7, 6), 60);
	world_aspa(&p, 30, WORLD_LIST(1, 2), 10);
	world_aspa(&p, 30, WORLD_LIST(1, 2), 20);
	world_aspa(&p, 40, WORLD_LIST(9, 0, 9, 8), 20);
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	assert_int_equal(dropped, 0);
	assert_int_equal(p.n_aspas, 4);
	assert_int_equal(p.aspas[0].n_providers, 3);
	assert_int_equal(p.aspas[0].providers[0], 5);
	assert_int_equal(p.aspas[0].providers[2], 7);
	assert_int_equal(p.aspas[0].expires, 40);	/* they differ: the first to go */
	assert_int_equal(p.aspas[1].n_providers, 1);	/* AS 0 alone stays */
	assert_int_equal(p.aspas[1].providers[0], 0);
	assert_int_equal(p.aspas[2].expires, 20);	/* the same: the last to go */
	assert_int_equal(p.aspas[3].n_providers, 2);	/* untidy input is tidied */
	assert_int_equal(p.aspas[3].providers[0], 8);
	payloads_done(&p);
}

static void
aspas_too_long(void **state UNUSED)
{
	size_t n = ASPA_PROVIDERS_MAX + 1, dropped;
	uint32_t *list = calloc(n + 1, sizeof(*list));
	struct payloads p = { 0 };

	for (size_t i = 0; i < n; i++)
		list[i] = (uint32_t)i + 1;
	list[n] = UINT32_MAX;
	world_aspa(&p, 10, list, 90);
	list[n - 1] = UINT32_MAX;
	world_aspa(&p, 11, list, 90);
	world_aspa(&p, 12, (const uint32_t[]){ UINT32_MAX }, 90);
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	assert_int_equal(dropped, 2);
	assert_int_equal(p.n_aspas, 1);
	assert_int_equal(p.aspas[0].customer, 11);
	free(list);
	payloads_done(&p);
}

static void
anchors(void **state UNUSED)
{
	struct payloads p = { 0 };
	char name[TA_NAME_MAX + 2];

	assert_int_equal(payloads_ta(&p, SV("ripe")), 0);
	assert_int_equal(payloads_ta(&p, SV("arin")), 1);
	assert_int_equal(payloads_ta(&p, SV("ripe")), 0);
	assert_true(payloads_ta(&p, SV("")) < 0);
	memset(name, 'x', sizeof(name));
	assert_true(payloads_ta(&p, (struct sv){ name, sizeof(name) }) < 0);
	for (char i = 2; i < TA_MAX; i++)
		assert_int_equal(payloads_ta(&p, (struct sv){ &i, 1 }), i);
	assert_true(payloads_ta(&p, SV("one more")) < 0);
}

static void
router_keys_unique(void **state UNUSED)
{
	struct payloads p = { 0 };
	size_t dropped;

	world_router_key(&p, 5, 2, 10);
	world_router_key(&p, 5, 1, 10);
	world_router_key(&p, 4, 9, 10);
	world_router_key(&p, 5, 1, 30);
	world_router_key(&p, 5, 0, 10);
	p.router_keys[4].spki_len = 90;		/* a shorter key comes first */
	p.router_keys[4].asn = 7;
	(void)world_ca(&p, 1, PAYLOAD_CA_NONE, PCA_GOOD, "", "");
	p.router_keys[3].ca = 0;
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	assert_int_equal(p.n_router_keys, 4);
	assert_int_equal(p.router_keys[0].asn, 9);
	assert_int_equal(p.router_keys[1].asn, 7);
	assert_int_equal(p.router_keys[2].asn, 1);
	assert_int_equal(p.router_keys[2].expires, 30);	/* the one that lives longest … */
	assert_int_equal(p.router_keys[2].ca, 0);	/* … with its CA */
	assert_int_equal(p.router_keys[3].asn, 2);
	payloads_done(&p);
}

/* One point met twice is one row, as good as at its best. */
static void
cas_joined(void **state UNUSED)
{
	struct payloads p = { 0 };
	uint32_t root, mid, low;
	size_t dropped;

	root = world_ca(&p, 900, PAYLOAD_CA_NONE, PCA_GOOD, "r", "");
	mid = world_ca(&p, 500, root, PCA_FAILED, "m", "WHY");
	low = world_ca(&p, 700, mid, PCA_LOST, "l", "WHY");
	(void)world_ca(&p, 500, low, PCA_RETAINED, "m", "BECAUSE");	/* a ring, if it had its way */
	world_vrp(&p, "192.0.2.0/24", 24, 1, 10);
	p.vrps[0].ca = 3;
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	assert_int_equal(p.n_cas, 3);
	assert_int_equal(p.cas[0].id, 500);
	assert_int_equal(p.cas[0].state, PCA_RETAINED);
	assert_true(sv_eq_str(p.cas[0].code, "BECAUSE"));
	assert_int_equal(p.cas[0].parent, 2);
	assert_int_equal(p.cas[1].parent, 0);
	assert_int_equal(p.cas[2].parent, PAYLOAD_CA_NONE);
	assert_int_equal(p.vrps[0].ca, 0);
	assert_int_equal(payload_ca_find(&p, 700), 1);
	assert_int_equal(payload_ca_find(&p, 701), PAYLOAD_CA_NONE);
	assert_string_equal(payload_ca_state_name(PCA_RETAINED), "retained");
	payloads_done(&p);
}

static void
rings_cut(void **state UNUSED)
{
	struct payloads p = { 0 };
	size_t dropped;

	for (uint32_t i = 0; i < 200; i++)
		(void)world_ca(&p, i + 1, (i + 1) % 200, PCA_GOOD, "", "");
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	for (uint32_t i = 0; i < 200; i++) {
		unsigned steps = 0;

		for (uint32_t ca = i; ca != PAYLOAD_CA_NONE; ca = p.cas[ca].parent)
			assert_true(steps++ < PAYLOAD_CA_DEPTH_MAX);
	}
	payloads_done(&p);
}

static void
appended(void **state UNUSED)
{
	struct payloads a = { 0 }, b = { 0 };
	size_t dropped;

	(void)payloads_ta(&a, SV("first"));
	world_vrp(&a, "10.0.0.0/8", 8, 1, 5);
	a.vrps[0].ca = 1;		/* stands for none: a has one row */
	(void)world_ca(&a, 5, PAYLOAD_CA_NONE, PCA_GOOD, "five", "");
	(void)payloads_ta(&b, SV("unused"));
	world_vrp(&b, "11.0.0.0/8", 8, 1, 5);
	world_aspa(&b, 1, WORLD_LIST(2), 5);
	world_router_key(&b, 1, 1, 5);
	b.vrps[0].ca = 0;
	b.aspas[0].ca = 1;
	b.router_keys[0].ca = 1;
	(void)world_ca(&b, 3, 1, PCA_LOST, "three", "WHY");
	(void)world_ca(&b, 5, PAYLOAD_CA_NONE, PCA_LOST, "", "WHY");
	b.cas[1].held_since = 9;
	assert_int_equal(payloads_append(&a, &b), 0);
	assert_int_equal(b.n_vrps + b.n_aspas + b.n_cas + b.n_tas, 0);
	assert_int_equal(payloads_merge(&a, &dropped), 0);
	assert_int_equal(a.n_tas, 2);		/* "first", "lab" */
	assert_int_equal(a.n_cas, 2);
	assert_int_equal(a.vrps[0].ca, PAYLOAD_CA_NONE);
	assert_int_equal(a.vrps[1].ca, 0);
	assert_int_equal(a.vrps[1].ta, 1);
	assert_int_equal(a.aspas[0].ca, 1);
	assert_int_equal(a.router_keys[0].ca, 1);
	assert_int_equal(a.cas[0].parent, 1);
	assert_int_equal(a.cas[1].state, PCA_GOOD);
	assert_int_equal(a.cas[1].held_since, 9);
	assert_true(sv_eq_str(a.cas[0].uri, "three"));
	assert_true(sv_eq_str(a.cas[1].uri, "five"));
	payloads_done(&a);
}

/* The CA of a union is the one that says how long it lives. */
static void
aspas_issuer(void **state UNUSED)
{
	struct payloads p = { 0 };
	size_t dropped;

	for (uint32_t i = 0; i < 4; i++)
		(void)world_ca(&p, i + 1, PAYLOAD_CA_NONE, PCA_GOOD, "", "");
	world_aspa(&p, 10, WORLD_LIST(5), 50);
	world_aspa(&p, 10, WORLD_LIST(6), 40);
	world_aspa(&p, 30, WORLD_LIST(1), 10);
	world_aspa(&p, 30, WORLD_LIST(1), 20);
	for (uint32_t i = 0; i < 4; i++)
		p.aspas[i].ca = i;
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	assert_int_equal(p.aspas[0].ca, 1);
	assert_int_equal(p.aspas[1].ca, 3);
	payloads_done(&p);
}

TESTS_MAIN("inr payloads", T(vrps_unique), T(order), T(sound), T(aspas_union),
    T(aspas_too_long), T(anchors), T(router_keys_unique), T(cas_joined), T(rings_cut),
    T(appended), T(aspas_issuer))
