#include <string.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "out/payloads_out.h"

/* Prefix text is most of the output; written by hand, without printf. */
static void
prefix_put(struct buf *b, const struct vrp *v)
{
	char tmp[IP_ADDR_STRLEN];

	if (v->af == IP_V4)
		for (int i = 0; i < 4; i++) {
			if (i > 0)
				buf_char(b, '.');
			buf_u64(b, v->addr[i]);
		}
	else
		buf_str(b, ip_addr_str(v->addr, v->af, tmp));
	buf_char(b, '/');
	buf_u64(b, v->len);
}

/* What has no end (it was asserted here) has no such member. */
static void
expires_put(struct buf *b, int64_t expires)
{
	if (expires == TIME_NEVER)
		return;
	buf_str(b, ", \"expires\": ");
	buf_u64(b, (uint64_t)expires);
}

/* --- rpki-client's JSON --- */

static void
meta_json(struct json *j, const struct payloads *p, const struct payloads_meta *m)
{
	char t[TIME_STRLEN];

	json_key(j, "metadata");
	json_open(j, '{');
	json_kv_str(j, "buildmachine", "sekisho");
	json_kv_str(j, "buildtime", time_str(m->built, t));
	json_kv_u64(j, "elapsedtime", m->elapsed_sec);
	json_kv_u64(j, "roas", m->n_roas + m->n_roas_bad);
	json_kv_u64(j, "failedroas", 0);
	json_kv_u64(j, "invalidroas", m->n_roas_bad);
	json_kv_u64(j, "aspas", m->n_aspas + m->n_aspas_bad);
	json_kv_u64(j, "failedaspas", 0);
	json_kv_u64(j, "invalidaspas", m->n_aspas_bad);
	json_kv_u64(j, "certificates", m->n_certs);
	json_kv_u64(j, "invalidcertificates", m->n_certs_bad);
	json_kv_u64(j, "nonfunctionalcas", m->n_nonfunc);
	json_kv_u64(j, "tals", p->n_tas);
	json_kv_u64(j, "manifests", m->n_mfts + m->n_mfts_bad);
	json_kv_u64(j, "failedmanifests", m->n_mfts_bad);
	json_kv_u64(j, "crls", m->n_crls);
	json_kv_u64(j, "vrps", m->n_vrps_all);
	json_kv_u64(j, "uniquevrps", p->n_vrps);
	json_kv_u64(j, "uniquevaps", p->n_aspas);
	json_close(j, '}');
}

static void
client_roas(struct buf *b, const struct payloads *p)
{
	buf_str(b, ",\n\t\"roas\": [");
	for (size_t i = 0; i < p->n_vrps; i++) {
		const struct vrp *v = &p->vrps[i];

		buf_str(b, i == 0 ? "\n\t\t{ \"asn\": " : ",\n\t\t{ \"asn\": ");
		buf_u64(b, v->asn);
		buf_str(b, ", \"prefix\": \"");
		prefix_put(b, v);
		buf_str(b, "\", \"maxLength\": ");
		buf_u64(b, v->max_len);
		buf_str(b, ", \"ta\": \"");
		buf_str(b, p->tas[v->ta]);
		buf_char(b, '"');
		expires_put(b, v->expires);
		buf_str(b, " }");
	}
	buf_str(b, "\n\t]");
}

static void
client_aspas(struct buf *b, const struct payloads *p)
{
	buf_str(b, ",\n\t\"aspas\": [");
	for (size_t i = 0; i < p->n_aspas; i++) {
		const struct aspa *a = &p->aspas[i];

		buf_str(b, i == 0 ? "\n\t\t{ \"customer_asid\": " : ",\n\t\t{ \"customer_asid\": ");
		buf_u64(b, a->customer);
		expires_put(b, a->expires);
		buf_str(b, ", \"providers\": [");
		for (size_t k = 0; k < a->n_providers; k++) {
			buf_str(b, k == 0 ? " " : ", ");
			buf_u64(b, a->providers[k]);
		}
		buf_str(b, " ] }");
	}
	buf_str(b, "\n\t]");
}

/* SKI in upper case, as the tools of others show it. */
static void
ski_put(struct buf *b, const struct router_key *k)
{
	char hex[2 * sizeof(k->ski) + 1];

	(void)hex_encode(hex, k->ski, sizeof(k->ski));
	for (size_t i = 0; hex[i] != '\0'; i++)
		buf_char(b, hex[i] >= 'a' ? (char)(hex[i] - 'a' + 'A') : hex[i]);
}

static void
client_router_keys(struct buf *b, const struct payloads *p)
{
	char key[(ROUTER_SPKI_MAX + 2) / 3 * 4];

	buf_str(b, ",\n\t\"bgpsec_keys\": [");
	for (size_t i = 0; i < p->n_router_keys; i++) {
		const struct router_key *k = &p->router_keys[i];

		buf_str(b, i == 0 ? "\n\t\t{ \"asn\": " : ",\n\t\t{ \"asn\": ");
		buf_u64(b, k->asn);
		buf_str(b, ", \"ski\": \"");
		ski_put(b, k);
		buf_str(b, "\", \"pubkey\": \"");
		buf_bytes(b, key, base64_encode(key, k->spki, k->spki_len));
		buf_str(b, "\", \"ta\": \"");
		buf_str(b, p->tas[k->ta]);
		buf_char(b, '"');
		expires_put(b, k->expires);
		buf_str(b, " }");
	}
	buf_str(b, "\n\t]");
}

static void
client_nonfunc(struct buf *b, const struct payloads *p, const struct payloads_meta *m)
{
	buf_str(b, ",\n\t\"nonfunc_cas\": [");
	for (size_t i = 0; i < m->n_nonfunc; i++) {
		const struct payloads_nonfunc *n = &m->nonfunc[i];
		struct json j = json_on(b, false);
		char hex[128];

		buf_str(b, i == 0 ? "\n\t\t" : ",\n\t\t");
		json_open(&j, '{');
		json_kv_sv(&j, "location", n->location);
		json_kv_str(&j, "ta", p->tas[n->ta]);
		json_kv_sv(&j, "caRepository", n->repo);
		json_kv_sv(&j, "rpkiManifest", n->mft);
		json_kv_str(&j, "ski", hex_encode(hex, n->ski.p, min_size(n->ski.n, 20)));
		json_close(&j, '}');
	}
	buf_str(b, "\n\t]");
}

static void
client_write(struct buf *b, const struct payloads *p, const struct payloads_meta *m)
{
	struct json j = json_on(b, false);

	buf_str(b, "{\n\t");
	j.after_key = false;
	meta_json(&j, p, m);
	client_roas(b, p);
	client_router_keys(b, p);
	client_aspas(b, p);
	client_nonfunc(b, p, m);
	buf_str(b, "\n}\n");
}

/* --- Routinator's JSON --- */

static void
routinator_router_keys(struct buf *b, const struct payloads *p)
{
	char key[(ROUTER_SPKI_MAX + 2) / 3 * 4];

	buf_str(b, "\n  ],\n  \"routerKeys\": [");
	for (size_t i = 0; i < p->n_router_keys; i++) {
		const struct router_key *k = &p->router_keys[i];

		buf_str(b, i == 0 ? "\n    { \"asn\": \"AS" : ",\n    { \"asn\": \"AS");
		buf_u64(b, k->asn);
		buf_str(b, "\", \"SKI\": \"");
		ski_put(b, k);
		buf_str(b, "\", \"routerPublicKey\": \"");
		buf_bytes(b, key, base64url_encode(key, k->spki, k->spki_len));
		buf_str(b, "\", \"ta\": \"");
		buf_str(b, p->tas[k->ta]);
		buf_str(b, "\" }");
	}
	buf_str(b, "\n  ],\n  \"aspas\": [");
}

static void
routinator_write(struct buf *b, const struct payloads *p, const struct payloads_meta *m)
{
	char t[TIME_STRLEN];

	buf_printf(b, "{\n  \"metadata\": {\n    \"generated\": %lld,\n    \"generatedTime\": \"%s\"\n  },\n",
	    (long long)m->built, time_str(m->built, t));
	buf_str(b, "  \"roas\": [");
	for (size_t i = 0; i < p->n_vrps; i++) {
		const struct vrp *v = &p->vrps[i];

		buf_str(b, i == 0 ? "\n    { \"asn\": \"AS" : ",\n    { \"asn\": \"AS");
		buf_u64(b, v->asn);
		buf_str(b, "\", \"prefix\": \"");
		prefix_put(b, v);
		buf_str(b, "\", \"maxLength\": ");
		buf_u64(b, v->max_len);
		buf_str(b, ", \"ta\": \"");
		buf_str(b, p->tas[v->ta]);
		buf_str(b, "\" }");
	}
	routinator_router_keys(b, p);
	for (size_t i = 0; i < p->n_aspas; i++) {
		const struct aspa *a = &p->aspas[i];

		buf_str(b, i == 0 ? "\n    { \"customer\": \"AS" : ",\n    { \"customer\": \"AS");
		buf_u64(b, a->customer);
		buf_str(b, "\", \"providers\": [");
		for (size_t k = 0; k < a->n_providers; k++) {
			buf_str(b, k == 0 ? "\"AS" : ", \"AS");
			buf_u64(b, a->providers[k]);
			buf_char(b, '"');
		}
		buf_str(b, "], \"ta\": \"");
		buf_str(b, p->tas[a->ta]);
		buf_str(b, "\" }");
	}
	buf_str(b, "\n  ]\n}\n");
}

/* --- CSV and BIRD --- */

static void
csv_write(struct buf *b, const struct payloads *p, const struct payloads_meta *m UNUSED)
{
	buf_str(b, "ASN,IP Prefix,Max Length,Trust Anchor\n");
	for (size_t i = 0; i < p->n_vrps; i++) {
		const struct vrp *v = &p->vrps[i];

		buf_str(b, "AS");
		buf_u64(b, v->asn);
		buf_char(b, ',');
		prefix_put(b, v);
		buf_char(b, ',');
		buf_u64(b, v->max_len);
		buf_char(b, ',');
		buf_str(b, p->tas[v->ta]);
		buf_char(b, '\n');
	}
}

static void
bird_family(struct buf *b, const struct payloads *p, uint8_t af)
{
	buf_printf(b, "\nroa%c table ROAS%c;\n\nprotocol static {\n\troa%c { table ROAS%c; };\n\n",
	    af == IP_V4 ? '4' : '6', af == IP_V4 ? '4' : '6',
	    af == IP_V4 ? '4' : '6', af == IP_V4 ? '4' : '6');
	for (size_t i = 0; i < p->n_vrps; i++) {
		const struct vrp *v = &p->vrps[i];

		if (v->af != af)
			continue;
		buf_str(b, "\troute ");
		prefix_put(b, v);
		buf_str(b, " max ");
		buf_u64(b, v->max_len);
		buf_str(b, " as ");
		buf_u64(b, v->asn);
		buf_str(b, ";\n");
	}
	buf_str(b, "}\n");
}

static void
bird_write(struct buf *b, const struct payloads *p, const struct payloads_meta *m)
{
	/* BIRD reloads a static protocol only if the configuration differs. */
	buf_printf(b, "define force_roa_table_update = %lld;\n", (long long)m->built);
	bird_family(b, p, IP_V4);
	bird_family(b, p, IP_V6);
}

/* --- OpenBGPD --- */

/* What came over RTR has no end that we know, what was asserted here has none. */
static void
bgpd_expires(struct buf *b, int64_t expires)
{
	if (expires <= 0 || expires == TIME_NEVER)
		return;
	buf_str(b, " expires ");
	buf_u64(b, (uint64_t)expires);
}

static void
bgpd_roas(struct buf *b, const struct payloads *p)
{
	buf_str(b, "roa-set {\n");
	for (size_t i = 0; i < p->n_vrps; i++) {
		const struct vrp *v = &p->vrps[i];

		buf_char(b, '\t');
		prefix_put(b, v);
		if (v->max_len > v->len) {
			buf_str(b, " maxlen ");
			buf_u64(b, v->max_len);
		}
		buf_str(b, " source-as ");
		buf_u64(b, v->asn);
		bgpd_expires(b, v->expires);
		buf_char(b, '\n');
	}
	buf_str(b, "}\n");
}

static void
bgpd_aspas(struct buf *b, const struct payloads *p)
{
	buf_str(b, "\naspa-set {\n");
	for (size_t i = 0; i < p->n_aspas; i++) {
		const struct aspa *a = &p->aspas[i];

		buf_str(b, "\tcustomer-as ");
		buf_u64(b, a->customer);
		bgpd_expires(b, a->expires);
		buf_str(b, " provider-as {");
		for (size_t k = 0; k < a->n_providers; k++) {
			buf_str(b, k == 0 ? " " : ", ");
			buf_u64(b, a->providers[k]);
		}
		buf_str(b, " }\n");
	}
	buf_str(b, "}\n");
}

static void
bgpd_write(struct buf *b, const struct payloads *p, const struct payloads_meta *m UNUSED)
{
	bgpd_roas(b, p);
	if (p->n_aspas > 0)
		bgpd_aspas(b, p);
}

/* Before version 8.0, bgpd stops at "aspa-set". */
static void
bgpd7_write(struct buf *b, const struct payloads *p, const struct payloads_meta *m UNUSED)
{
	bgpd_roas(b, p);
}

/* --- SLURM: all of it as local assertions --- */

static void
slurm_vrps(struct json *j, const struct payloads *p)
{
	char px[IP_PREFIX_STRLEN];

	json_key(j, "prefixAssertions");
	json_open(j, '[');
	for (size_t i = 0; i < p->n_vrps; i++) {
		const struct vrp *v = &p->vrps[i];
		struct ip_prefix x = { .len = v->len, .af = v->af };

		memcpy(x.addr, v->addr, sizeof(x.addr));
		json_open(j, '{');
		json_kv_u64(j, "asn", v->asn);
		json_kv_str(j, "prefix", ip_prefix_str(&x, px));
		json_kv_u64(j, "maxPrefixLength", v->max_len);
		json_kv_str(j, "comment", p->tas[v->ta]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
slurm_router_keys(struct json *j, const struct payloads *p)
{
	char text[(ROUTER_SPKI_MAX + 2) / 3 * 4];

	json_key(j, "bgpsecAssertions");
	json_open(j, '[');
	for (size_t i = 0; i < p->n_router_keys; i++) {
		const struct router_key *k = &p->router_keys[i];

		json_open(j, '{');
		json_kv_u64(j, "asn", k->asn);
		json_kv_sv(j, "SKI", (struct sv){ text, base64url_encode(text, k->ski, sizeof(k->ski)) });
		json_kv_sv(j, "routerPublicKey",
		    (struct sv){ text, base64url_encode(text, k->spki, k->spki_len) });
		json_kv_str(j, "comment", p->tas[k->ta]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
slurm_aspas(struct json *j, const struct payloads *p)
{
	json_key(j, "aspaAssertions");
	json_open(j, '[');
	for (size_t i = 0; i < p->n_aspas; i++) {
		const struct aspa *a = &p->aspas[i];

		json_open(j, '{');
		json_kv_u64(j, "customerAsn", a->customer);
		json_kv_u32s(j, "providerAsns", a->providers, a->n_providers);
		json_kv_str(j, "comment", p->tas[a->ta]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* Version 1 is an RFC, version 2 a draft: without ASPAs the RFC will do. */
static void
slurm_write(struct buf *b, const struct payloads *p, const struct payloads_meta *m UNUSED)
{
	struct json j = json_on(b, true);
	bool aspas = p->n_aspas > 0;

	json_open(&j, '{');
	json_kv_u64(&j, "slurmVersion", aspas ? 2 : 1);
	json_key(&j, "validationOutputFilters");
	json_raw(&j, aspas ? SV("{ \"prefixFilters\": [], \"bgpsecFilters\": [], \"aspaFilters\": [] }") :
	    SV("{ \"prefixFilters\": [], \"bgpsecFilters\": [] }"));
	json_key(&j, "locallyAddedAssertions");
	json_open(&j, '{');
	slurm_vrps(&j, p);
	slurm_router_keys(&j, p);
	if (aspas)
		slurm_aspas(&j, p);
	json_close(&j, '}');
	json_close(&j, '}');
	buf_char(b, '\n');
}

const struct payloads_format payloads_formats[] = {
	{ "json", client_write },
	{ "routinator", routinator_write },
	{ "csv", csv_write },
	{ "bird", bird_write },
	{ "openbgpd", bgpd_write },
	{ "openbgpd7", bgpd7_write },
	{ "slurm", slurm_write },
};
const size_t payloads_n_formats = ARRAY_LEN(payloads_formats);

const struct payloads_format *
payloads_format_find(struct sv name)
{
	for (size_t i = 0; i < ARRAY_LEN(payloads_formats); i++)
		if (sv_eq_str(name, payloads_formats[i].name))
			return &payloads_formats[i];
	return NULL;
}
