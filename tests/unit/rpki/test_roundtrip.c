/* What write.c writes the parsers read back, for random values of every field. */
#include "kit.h"

#define ROUNDS	300

static uint64_t seed;

static uint32_t
rnd(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static void
rnd_bytes(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rnd(256);
}

/* Positive, 1 to 20 octets as an INTEGER. */
static struct sv
rnd_serial(struct pool *pool)
{
	size_t n = rnd(20) + 1;
	uint8_t *p = pool_alloc(pool, n);

	assert_non_null(p);
	rnd_bytes(p, n);
	p[0] = (uint8_t)(rnd(127) + 1);
	return (struct sv){ (const char *)p, n };
}

/* Any second of 1950 to 2099, its ends more often. */
static int64_t
rnd_time(void)
{
	static const int64_t edges[] = { -631152000, 0, 2524607999, 2524608000, 951782399, 4102444799 };

	if (rnd(4) == 0)
		return edges[rnd(ARRAY_LEN(edges))];
	return -631152000 + (int64_t)(((uint64_t)rnd(1u << 31) << 2 | rnd(4)) % 4733596800u);
}

/* Sorted, disjoint, no neighbours: what a CA has to write. */
static size_t
rnd_ranges(struct pool *pool, uint8_t af, const struct write_ip_range **ret)
{
	size_t bytes = af == IP_V4 ? 4 : 16, n = rnd(8), k = 0;
	struct write_ip_range *r = pool_calloc(pool, n + 1, sizeof(*r));
	uint32_t at = rnd(1000);

	assert_non_null(r);
	for (size_t i = 0; i < n && at < 0xfff0; i++) {
		unsigned host = rnd((unsigned)bytes - 1);	/* bytes of host part */

		/* a 16-bit counter in front keeps order and distance */
		put_be16(r[k].min, (uint16_t)at);
		put_be16(r[k].max, (uint16_t)(at + rnd(3)));
		if (bytes > 2) {
			rnd_bytes(r[k].min + 2, bytes - 2);
			memset(r[k].min + bytes - min_size(host, bytes - 2), 0, min_size(host, bytes - 2));
			memset(r[k].max + 2, 0xff, bytes - 2);
			if (rnd(2) == 0)
				r[k].max[bytes - 1] = (uint8_t)rnd(256);
		}
		at += 4 + rnd(3000);
		k++;
	}
	*ret = r;
	return k;
}

static size_t
rnd_as(struct pool *pool, const struct write_as_range **ret)
{
	size_t n = rnd(8), k = 0;
	struct write_as_range *r = pool_calloc(pool, n + 1, sizeof(*r));
	uint64_t at = rnd(2) == 0 ? 0 : rnd(1u << 31);

	assert_non_null(r);
	for (; k < n && at < UINT32_MAX - 1000; k++) {
		r[k].min = (uint32_t)at;
		r[k].max = (uint32_t)at + (rnd(2) == 0 ? 0 : rnd(500));
		at = (uint64_t)r[k].max + 2 + rnd(1u << 30);
	}
	if (k > 0 && rnd(8) == 0)
		r[k - 1].max = UINT32_MAX;
	*ret = r;
	return k;
}

static void
res_equal(const struct write_res *w, const struct resources *r)
{
	const struct ip_res *ip[2] = { &r->v4, &r->v6 };

	for (int f = 0; f < 2; f++) {
		assert_int_equal(ip[f]->inherit, w->ip[f].inherit);
		assert_int_equal(ip[f]->present, w->ip[f].inherit || w->ip[f].n > 0);
		assert_int_equal(ip[f]->n, w->ip[f].inherit ? 0 : w->ip[f].n);
		for (size_t i = 0; i < ip[f]->n; i++) {
			assert_memory_equal(ip[f]->r[i].min, w->ip[f].v[i].min, 16);
			assert_memory_equal(ip[f]->r[i].max, w->ip[f].v[i].max, 16);
		}
	}
	assert_int_equal(r->as.inherit, w->as.inherit);
	assert_int_equal(r->as.n, w->as.inherit ? 0 : w->as.n);
	for (size_t i = 0; i < r->as.n; i++) {
		assert_int_equal(r->as.r[i].min, w->as.v[i].min);
		assert_int_equal(r->as.r[i].max, w->as.v[i].max);
	}
}

static void
spec_fill(struct pool *pool, const struct keys *k, struct cert_spec *c, enum cert_kind kind)
{
	unsigned key = rnd(KEYS);
	int64_t t1 = rnd_time(), t2 = rnd_time();

	*c = (struct cert_spec){ .serial = rnd_serial(pool), .issuer = "an issuer",
	    .subject = kind == CERT_TA ? "an issuer" : "subject", .not_before = min_i64(t1, t2),
	    .not_after = t1 < t2 ? t2 : t1, .spki = crypto_signer_spki(k->v[key]),
	    .ski = key_ski(k, key), .ca = kind != CERT_EE };
	if (kind != CERT_TA) {
		c->aki = key_ski(k, rnd(KEYS));
		c->crldp = CRL_URI;
		c->aia = TA_URI;
	}
	if (kind == CERT_EE)
		c->object = HOST "x.roa";
	else {
		c->repo = HOST;
		c->mft = MFT_URI;
		c->notify = rnd(2) == 0 ? "https://rpki.example/n.xml" : NULL;
	}
	for (int f = 0; f < 2; f++)
		if ((c->res.ip[f].inherit = rnd(4) == 0) == false)
			c->res.ip[f].n = rnd_ranges(pool, f == 0 ? IP_V4 : IP_V6, &c->res.ip[f].v);
	if ((c->res.as.inherit = rnd(4) == 0) == false)
		c->res.as.n = rnd_as(pool, &c->res.as.v);
	if (c->res.ip[0].n + c->res.ip[1].n + c->res.as.n == 0)
		c->res.as.inherit = true;
}

static void
certificates(void **state)
{
	const struct keys *keys = *state;
	struct kit k = kit_new();

	seed = 1;
	for (int i = 0; i < ROUNDS; i++) {
		enum cert_kind kind = (enum cert_kind)(i % 3);
		struct cert_spec spec;
		struct wr tbs, out;
		struct cert *c;

		kit_clear(&k);
		spec_fill(k.pool, keys, &spec, kind);
		tbs = wr_new(k.pool, 16384);
		out = wr_new(k.pool, 16384);
		cert_tbs_write(&tbs, &spec);
		signed_write(&out, wr_sv(&tbs), spec.spki);
		assert_int_equal(cert_parse(k.pool, wr_sv(&out), kind, 0, &k.fs, &c), 0);
		if (!only(&k.fs, RPKI_CODE_MAX))
			fail_msg("round %d", i);
		assert_true(sv_eq(c->tbs, wr_sv(&tbs)));
		assert_true(sv_eq(c->serial, spec.serial));
		assert_int_equal(c->not_before, spec.not_before);
		assert_int_equal(c->not_after, spec.not_after);
		assert_true(sv_eq(c->spki, spec.spki) && sv_eq(c->ski, spec.ski) && sv_eq(c->aki, spec.aki));
		assert_true(sv_eq(c->sig, spec.spki));
		assert_true(sv_eq(c->crl_uri, sv_str(spec.crldp)) && sv_eq(c->aia_uri, sv_str(spec.aia)));
		assert_true(sv_eq(c->mft_uri, sv_str(spec.mft)) && sv_eq(c->repo_uri, sv_str(spec.repo)));
		assert_true(sv_eq(c->notify_uri, sv_str(spec.notify)) && sv_eq(c->object_uri, sv_str(spec.object)));
		assert_int_equal(c->is_ca, kind != CERT_EE);
		assert_int_equal(sv_eq(c->issuer, c->subject), kind == CERT_TA);
		res_equal(&spec.res, &c->res);
	}
	kit_done(&k);
}

static void
manifests(void **state UNUSED)
{
	struct kit k = kit_new();

	seed = 2;
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = rnd(40);
		int64_t t = rnd_time();
		struct mft_spec spec = { .this_update = t, .next_update = t + 1 + rnd(1u << 30), .n_files = n };
		struct mft_entry *e;
		struct mft *m;
		struct wr w;

		kit_clear(&k);
		spec.number = rnd(8) == 0 ? SV("") : rnd_serial(k.pool);
		spec.files = e = pool_calloc(k.pool, n + 1, sizeof(*e));
		for (size_t f = 0; f < n; f++) {
			e[f].name = sv_str(pool_printf(k.pool, "%zu-%u.%s", f, rnd(1000), rnd(2) == 0 ? "roa" : "cer"));
			rnd_bytes(e[f].hash, 32);
		}
		w = wr_new(k.pool, 8192);
		mft_write(&w, &spec);
		assert_int_equal(mft_parse(k.pool, wr_sv(&w), &k.fs, &m), 0);
		assert_true(only(&k.fs, RPKI_CODE_MAX));
		assert_true(sv_eq(der_int_magnitude(m->number), spec.number.n == 0 ? SV("\0") : spec.number));
		assert_int_equal(m->this_update, spec.this_update);
		assert_int_equal(m->next_update, spec.next_update);
		assert_int_equal(m->n, n);
		for (size_t f = 0; f < n; f++) {
			assert_true(sv_eq(m->files[f].name, e[f].name));
			assert_memory_equal(m->files[f].hash.p, e[f].hash, 32);
		}
	}
	kit_done(&k);
}

static void
crls(void **state UNUSED)
{
	struct kit k = kit_new();

	seed = 3;
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = rnd(50);
		int64_t t = rnd_time();
		struct crl_item *items;
		struct crl_spec spec = { .issuer = "ta", .this_update = t, .next_update = t + rnd(1u << 30),
		    .n_revoked = n, .aki = SV("01234567890123456789") };
		struct wr tbs, out;
		struct crl *c;

		kit_clear(&k);
		spec.number = rnd_serial(k.pool);
		spec.revoked = items = pool_calloc(k.pool, n + 1, sizeof(*items));
		for (size_t r = 0; r < n; r++)
			items[r] = (struct crl_item){ rnd_serial(k.pool), rnd_time() };
		tbs = wr_new(k.pool, 8192);
		out = wr_new(k.pool, 8192);
		crl_tbs_write(&tbs, &spec);
		signed_write(&out, wr_sv(&tbs), SV("signature"));
		assert_int_equal(crl_parse(k.pool, wr_sv(&out), 0, &k.fs, &c), 0);
		assert_true(only(&k.fs, RPKI_CODE_MAX));
		assert_true(sv_eq(c->tbs, wr_sv(&tbs)) && sv_eq(c->aki, spec.aki) && sv_eq(c->sig, SV("signature")));
		assert_int_equal(c->this_update, spec.this_update);
		assert_int_equal(c->next_update, spec.next_update);
		assert_int_equal(c->n, n);
		for (size_t r = 0; r < n; r++)
			assert_non_null(crl_find(c, items[r].serial));
		for (size_t r = 1; r < n; r++)
			assert_true(c->entries[r - 1].serial.n <= c->entries[r].serial.n);
	}
	kit_done(&k);
}

/* Prefixes of both families in canonical order, with and without maxLength. */
static size_t
rnd_prefixes(struct pool *pool, const struct roa_entry **ret)
{
	size_t n = rnd(20) + 1;
	struct roa_entry *e = pool_calloc(pool, n, sizeof(*e));
	size_t n4 = rnd((uint32_t)n + 1);

	assert_non_null(e);
	for (size_t i = 0; i < n; i++) {
		uint8_t af = i < n4 ? IP_V4 : IP_V6;
		unsigned len = rnd(ip_bits(af) - 8) + 9;

		e[i].px.af = af;
		e[i].px.len = (uint8_t)len;
		rnd_bytes(e[i].px.addr, af == IP_V4 ? 4 : 16);
		e[i].px.addr[0] = (uint8_t)(i < n4 ? i : i - n4);	/* ascending */
		ip_mask(e[i].px.addr, len);
		e[i].max_len = (uint8_t)(len + (rnd(2) == 0 ? 0 : rnd(ip_bits(af) - len + 1)));
	}
	*ret = e;
	return n;
}

static void
roas(void **state UNUSED)
{
	static const uint32_t asns[] = { 0, 1, 23456, 65535, 65536, UINT32_MAX };
	struct kit k = kit_new();

	seed = 4;
	for (int i = 0; i < ROUNDS; i++) {
		struct roa_spec spec = { .asn = rnd(2) == 0 ? asns[rnd(ARRAY_LEN(asns))] : rnd(1u << 31) };
		struct rpki_object o = { 0 };
		struct wr w;

		kit_clear(&k);
		spec.n = rnd_prefixes(k.pool, &spec.v);
		w = wr_new(k.pool, 8192);
		roa_write(&w, &spec);
		assert_int_equal(roa_parse(k.pool, wr_sv(&w), &k.fs, &o), 0);
		assert_true(only(&k.fs, RPKI_CODE_MAX));
		assert_int_equal(o.n_vrps, spec.n);
		for (size_t p = 0; p < spec.n; p++) {
			assert_int_equal(o.vrps[p].asn, spec.asn);
			assert_int_equal(o.vrps[p].af, spec.v[p].px.af);
			assert_int_equal(o.vrps[p].len, spec.v[p].px.len);
			assert_int_equal(o.vrps[p].max_len, spec.v[p].max_len);
			assert_memory_equal(o.vrps[p].addr, spec.v[p].px.addr, 16);
			assert_true(vrp_is_sound(&o.vrps[p]));
		}
	}
	kit_done(&k);
}

static void
aspas(void **state UNUSED)
{
	struct kit k = kit_new();

	seed = 5;
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = rnd(100) + 1;
		struct aspa_spec spec = { .customer = rnd(1000), .n_providers = n };
		struct rpki_object o = { 0 };
		uint32_t *p, at = 1000;
		struct wr w;

		kit_clear(&k);
		spec.providers = p = pool_calloc(k.pool, n, sizeof(*p));
		for (size_t x = 0; x < n; x++)
			p[x] = at += 1 + rnd(x == 0 ? 1u << 30 : 1u << 20);
		if (rnd(4) == 0)
			p[n - 1] = UINT32_MAX;
		w = wr_new(k.pool, 8192);
		aspa_write(&w, &spec);
		assert_int_equal(aspa_parse(k.pool, wr_sv(&w), &k.fs, &o), 0);
		assert_true(only(&k.fs, RPKI_CODE_MAX));
		assert_int_equal(o.aspa->customer, spec.customer);
		assert_int_equal(o.aspa->n_providers, n);
		assert_memory_equal(o.aspa->providers, p, n * sizeof(*p));
	}
	kit_done(&k);
}

/* Signed objects with contents of all sizes: lengths of one to four octets. */
static void
signed_objects(void **state)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 1 << 20 };
	struct kit k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct cert_spec c;
		struct world w;
		struct sv content, cert, whole;
		struct cms *cms;
		struct crypto_verify v;
		struct crypto_msg m;

		kit_clear(&k);
		world_init(&w, *state, k.pool);
		c = spec_below(&w, 2, false);
		c.object = HOST "x.roa";
		c.res.as.inherit = true;
		cert = cert_make(&w, &c, 0, NULL);
		content = (struct sv){ pool_alloc(k.pool, sizes[i] + 1), sizes[i] };
		whole = cms_make(&w, OID_CT_ROA, content, cert, 2);
		assert_int_equal(cms_parse(k.pool, whole, RPKI_ROA, 0, &k.fs, &cms), 0);
		assert_true(only(&k.fs, RPKI_CODE_MAX));
		assert_true(sv_eq(cms->content, content));
		assert_int_equal(cms->signing_time, NOW - 60);
		assert_true(sv_eq(cms->ee->ski, key_ski(*state, 2)));
		cms_check_digest(cms, &k.fs);
		assert_true(only(&k.fs, RPKI_CODE_MAX));
		cms_verify_item(&v, &m, cms);
		crypto_sha256_many(&m, 1);
		assert_int_equal(crypto_verify_batch(&v, 1), 0);
		assert_true(v.ok);
	}
	kit_done(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(certificates), T(manifests), T(crls), T(roas), T(aspas), T(signed_objects),
	};

	return cmocka_run_group_tests_name("rpki round trip", tests, keys_setup, keys_teardown);
}
