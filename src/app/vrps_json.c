#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/vrps_json.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "rtr/rtr.h"

#define ROWS_MAX	(8 * 1024 * 1024)	/* as inr's limits */
#define EXPIRES_MAX	253402300799	/* 9999-12-31 */

struct reader {
	struct json_pull json;
	struct findings	*fs;
	struct payloads	*p;
	size_t		 cap_vrps, cap_aspas, cap_keys;
	struct vrps_info info;
	bool		 any;		/* vrps_json_read_any() */
};

/* --- values that mean something --- */

static bool
value_sv(const struct json_text *v, enum json_kind kind, struct sv *ret)
{
	*ret = (struct sv){ v->text, v->n };
	return v->kind == kind && !v->long_one;
}

static bool
value_asn(const struct json_text *v, uint32_t *ret)
{
	struct sv s;

	if (value_sv(v, JSON_STRING, &s))
		return asn_parse(s, ret) == 0;
	return value_sv(v, JSON_NUMBER, &s) && num_u32(s, 0, UINT32_MAX, ret) == 0;
}

static bool
value_expires(const struct json_text *v, int64_t *ret)
{
	struct sv s;
	uint64_t u;

	if (!value_sv(v, JSON_NUMBER, &s) || num_u64(s, 0, EXPIRES_MAX, &u) < 0)
		return false;
	*ret = (int64_t)u;
	return true;
}

static bool
value_ta(struct reader *r, const struct json_text *v, uint8_t *ret)
{
	struct sv s;
	int ta;

	if (!value_sv(v, JSON_STRING, &s) || (ta = payloads_ta(r->p, s)) < 0)
		return false;
	*ret = (uint8_t)ta;
	return true;
}

/* --- rows --- */

struct row {
	struct ip_prefix px;
	uint32_t	 asn, max_len;
	bool		 has_px, has_asn, has_max_len, has_ta, has_ski, long_key, bad;
	int64_t		 expires;
	uint8_t		 ta;
	uint32_t	*providers;
	size_t		 n_providers, cap_providers;
	struct router_key key;		/* ski and spki */
};

static bool
member_asn(struct reader *r UNUSED, struct row *row, const struct json_text *v)
{
	row->has_asn = true;
	return value_asn(v, &row->asn);
}

static bool
member_prefix(struct reader *r UNUSED, struct row *row, const struct json_text *v)
{
	struct sv s;

	row->has_px = true;
	return value_sv(v, JSON_STRING, &s) && ip_prefix_parse(s, &row->px) == 0;
}

static bool
member_max_len(struct reader *r UNUSED, struct row *row, const struct json_text *v)
{
	struct sv s;

	row->has_max_len = true;
	return value_sv(v, JSON_NUMBER, &s) && num_u32(s, 0, 128, &row->max_len) == 0;
}

static bool
member_ta(struct reader *r, struct row *row, const struct json_text *v)
{
	row->has_ta = true;
	return value_ta(r, v, &row->ta);
}

static bool
member_expires(struct reader *r UNUSED, struct row *row, const struct json_text *v)
{
	return value_expires(v, &row->expires);
}

/* In hex, or as SLURM and FORT write it: base64url without padding. */
static bool
member_ski(struct reader *r UNUSED, struct row *row, const struct json_text *v)
{
	uint8_t ski[JSON_TEXT_MAX];
	struct sv s;
	size_t n;

	row->has_ski = true;
	if (!value_sv(v, JSON_STRING, &s))
		return false;
	if (hex_decode(row->key.ski, sizeof(row->key.ski), s) == 0)
		return true;
	if (base64_room(s.n) > sizeof(ski) || base64url_decode(ski, s, &n) < 0 ||
	    n != sizeof(row->key.ski))
		return false;
	memcpy(row->key.ski, ski, n);
	return true;
}

/* base64 (rpki-client) or base64url without padding (Routinator, as SLURM). */
static bool
member_key(struct reader *r UNUSED, struct row *row, const struct json_text *v)
{
	uint8_t key[JSON_TEXT_MAX];
	struct sv s;
	size_t n;

	if (v->kind == JSON_STRING && v->long_one) {
		row->long_key = true;
		return true;
	}
	if (!value_sv(v, JSON_STRING, &s) || base64_room(s.n) > sizeof(key) ||
	    (base64_decode(key, s, &n) < 0 && base64url_decode(key, s, &n) < 0))
		return false;
	row->long_key = n > ROUTER_SPKI_MAX;
	if (row->long_key || n == 0)
		return n > 0;
	memcpy(row->key.spki, key, n);
	row->key.spki_len = (uint8_t)n;
	return true;
}

static const struct member {
	const char	*name;
	bool		(*take)(struct reader *, struct row *, const struct json_text *);
} roa_members[] = {
	{ "asn", member_asn },
	{ "prefix", member_prefix },
	{ "maxLength", member_max_len },
	{ "maxPrefixLength", member_max_len },		/* SLURM */
	{ "ta", member_ta },
	{ "expires", member_expires },
}, aspa_members[] = {
	{ "customer_asid", member_asn },
	{ "customer", member_asn },
	{ "customerAsn", member_asn },			/* SLURM */
	{ "ta", member_ta },
	{ "expires", member_expires },
}, key_members[] = {
	{ "asn", member_asn },
	{ "ski", member_ski },
	{ "SKI", member_ski },
	{ "pubkey", member_key },
	{ "routerPublicKey", member_key },
	{ "spki", member_key },				/* FORT */
	{ "ta", member_ta },
	{ "expires", member_expires },
};

static void
providers_read(struct reader *r, struct row *row)
{
	struct json_text v;
	bool first = true;

	if (json_peek(&r->json) != '[') {
		json_value(&r->json, &v);
		row->bad = true;
		return;
	}
	if (!json_enter(&r->json, '['))
		return;
	while (json_next_item(&r->json, ']', &first)) {
		uint32_t as, *p;

		json_value(&r->json, &v);
		if (!value_asn(&v, &as) || row->n_providers >= ASPA_PROVIDERS_MAX) {
			row->bad = true;
			continue;
		}
		if (row->n_providers == row->cap_providers) {
			row->cap_providers = row->cap_providers == 0 ? 16 : row->cap_providers * 2;
			p = reallocarray(row->providers, row->cap_providers, sizeof(*p));
			if (p == NULL) {
				(void)json_fail(&r->json, -ENOMEM);
				return;
			}
			row->providers = p;
		}
		row->providers[row->n_providers++] = as;
	}
}

static void
row_read(struct reader *r, struct row *row, const struct member *m, size_t n_m)
{
	struct json_text key, v;
	bool first = true;

	*row = (struct row){ .expires = TIME_NEVER };
	if (json_peek(&r->json) != '{') {
		json_value(&r->json, &v);
		row->bad = true;
		return;
	}
	if (!json_enter(&r->json, '{'))
		return;
	while (json_next_key(&r->json, &first, &key)) {
		struct sv k = { key.text, key.n };

		if (m == aspa_members && (sv_eq(k, SV("providers")) ||
		    sv_eq(k, SV("providerAsns")))) {
			providers_read(r, row);
			continue;
		}
		json_value(&r->json, &v);
		for (size_t i = 0; i < n_m && r->json.rc == 0; i++)
			if (sv_eq_str(k, m[i].name) && !m[i].take(r, row, &v))
				row->bad = true;
	}
}

/* Rows without an anchor are of "-". */
static void
row_ta(struct reader *r, struct row *row)
{
	int ta = row->has_ta ? row->ta : payloads_ta(r->p, SV("-"));

	row->bad = row->bad || ta < 0;
	row->ta = (uint8_t)ta;
}

static void
row_bad(struct reader *r, const char *list, uint64_t no)
{
	r->info.n_bad++;
	finding_add(r->fs, &rtr_findings[RTR_VRPS_ROW], FA_STR("list", list), FA_U("row", no));
}

static int
array_room(void **p, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap == 0 ? 1024 : *cap * 2;
	void *q;

	if (n < *cap)
		return 0;
	if (n >= ROWS_MAX)
		return SE_LIMIT;
	if ((q = reallocarray(*p, want, size)) == NULL)
		return -ENOMEM;
	*p = q;
	*cap = want;
	return 0;
}

static void
roa_read(struct reader *r, uint64_t no)
{
	void *vrps = r->p->vrps;
	struct vrp v = { 0 };
	struct row row;
	int rc;

	row_read(r, &row, roa_members, ARRAY_LEN(roa_members));
	if (r->json.rc < 0)
		return;
	row_ta(r, &row);
	memcpy(v.addr, row.px.addr, sizeof(v.addr));
	v.af = row.px.af;
	v.len = row.px.len;
	v.max_len = row.has_max_len ? (uint8_t)row.max_len : row.px.len;
	v.asn = row.asn;
	v.ta = row.ta;
	v.expires = row.expires;
	if (row.bad || !row.has_px || !row.has_asn || !vrp_is_sound(&v)) {
		row_bad(r, "roas", no);
		return;
	}
	rc = array_room(&vrps, r->p->n_vrps, &r->cap_vrps, sizeof(v));
	r->p->vrps = vrps;
	if (rc < 0)
		(void)json_fail(&r->json, rc);
	else
		r->p->vrps[r->p->n_vrps++] = v;
}

static void
aspa_read(struct reader *r, uint64_t no)
{
	void *aspas = r->p->aspas;
	struct row row;
	int rc;

	row_read(r, &row, aspa_members, ARRAY_LEN(aspa_members));
	if (r->json.rc == 0)
		row_ta(r, &row);
	if (r->json.rc == 0 && (row.bad || !row.has_asn || row.n_providers == 0)) {
		row_bad(r, "aspas", no);
		free(row.providers);
		return;
	}
	rc = array_room(&aspas, r->p->n_aspas, &r->cap_aspas, sizeof(struct aspa));
	r->p->aspas = aspas;
	if (rc < 0)
		(void)json_fail(&r->json, rc);
	if (r->json.rc < 0) {
		free(row.providers);
		return;
	}
	r->p->aspas[r->p->n_aspas++] = (struct aspa){ row.asn, (uint32_t)row.n_providers,
	    row.providers, row.expires, row.ta, PAYLOAD_CA_NONE };
}

static void
router_key_read(struct reader *r, uint64_t no)
{
	void *keys = r->p->router_keys;
	struct row row;
	int rc;

	row_read(r, &row, key_members, ARRAY_LEN(key_members));
	if (r->json.rc < 0)
		return;
	row_ta(r, &row);
	if (row.bad || !row.has_asn || !row.has_ski ||
	    (row.key.spki_len == 0 && !row.long_key)) {
		row_bad(r, "router keys", no);
		return;
	}
	if (row.long_key) {
		r->info.n_bad++;
		r->info.n_long_keys++;
		return;
	}
	row.key.asn = row.asn;
	row.key.ta = row.ta;
	row.key.ca = PAYLOAD_CA_NONE;
	row.key.expires = row.expires;
	rc = array_room(&keys, r->p->n_router_keys, &r->cap_keys, sizeof(row.key));
	r->p->router_keys = keys;
	if (rc < 0)
		(void)json_fail(&r->json, rc);
	else
		r->p->router_keys[r->p->n_router_keys++] = row.key;
}

static void
filter_read(struct reader *r, uint64_t no UNUSED)
{
	struct json_text v;

	json_value(&r->json, &v);
	r->info.n_filters++;
}

/* What an object has: lists of rows, or objects of such lists. A row without a name ends it. */
struct list {
	const char		*name;
	unsigned		 told;	/* bits of info.lists */
	void			(*row)(struct reader *, uint64_t no);
	const struct list	*inner;
};

static const struct list slurm_assertions[] = {
	{ "prefixAssertions", VRPS_ROAS, roa_read, NULL },
	{ "bgpsecAssertions", VRPS_KEYS, router_key_read, NULL },
	{ "aspaAssertions", VRPS_ASPAS, aspa_read, NULL },
	{ 0 },
}, slurm_filters[] = {
	{ "prefixFilters", 0, filter_read, NULL },
	{ "bgpsecFilters", 0, filter_read, NULL },
	{ "aspaFilters", 0, filter_read, NULL },
	{ 0 },
}, lists[] = {
	{ "roas", VRPS_ROAS, roa_read, NULL },
	{ "aspas", VRPS_ASPAS, aspa_read, NULL },
	{ "bgpsec_keys", VRPS_KEYS, router_key_read, NULL },
	{ "routerKeys", VRPS_KEYS, router_key_read, NULL },
	{ 0 },
}, more_lists[] = {		/* vrps_json_read_any() */
	{ "router-keys", VRPS_KEYS, router_key_read, NULL },
	{ "locallyAddedAssertions", VRPS_SLURM, NULL, slurm_assertions },
	{ "validationOutputFilters", VRPS_SLURM, NULL, slurm_filters },
	{ 0 },
};

static const struct list *
list_find(const struct list *l, const struct json_text *key)
{
	while (l->name != NULL && !sv_eq_str((struct sv){ key->text, key->n }, l->name))
		l++;
	return l;
}

static void
list_read(struct reader *r, const struct list *l)
{
	struct json_text v;
	uint64_t no = 0;
	bool first = true;

	if (json_peek(&r->json) != '[') {
		json_value(&r->json, &v);
		return;
	}
	if (!json_enter(&r->json, '['))
		return;
	r->info.lists |= l->told;
	while (json_next_item(&r->json, ']', &first)) {
		l->row(r, no++);
		r->info.n_rows++;
	}
}

static void
object_read(struct reader *r, const struct list *known)
{
	struct json_text key, v;
	bool first = true;

	if (!json_enter(&r->json, '{'))
		return;
	while (json_next_key(&r->json, &first, &key)) {
		const struct list *l = list_find(known, &key);

		if (l->name == NULL && r->any && known == lists)
			l = list_find(more_lists, &key);
		if (l->row != NULL) {
			list_read(r, l);
		} else if (l->inner != NULL && json_peek(&r->json) == '{') {
			r->info.lists |= l->told;
			object_read(r, l->inner);
		} else {
			json_value(&r->json, &v);
		}
	}
}

static int
document_read(json_read_fn read, void *arg, bool any, struct findings *fs,
    struct payloads *ret, struct vrps_info *ret_info)
{
	struct reader r = { .any = any, .fs = fs, .p = ret };
	unsigned need = VRPS_ROAS | (any ? VRPS_ASPAS | VRPS_KEYS : 0);
	int rc;

	memset(ret, 0, sizeof(*ret));
	if ((rc = json_pull_init(&r.json, read, arg)) < 0)
		return rc;
	object_read(&r, lists);
	if (r.json.rc == 0 && json_peek(&r.json) != -1)
		(void)json_fail(&r.json, SE_SYNTAX);
	json_pull_done(&r.json);
	if ((rc = r.json.rc) == 0 && (r.info.lists & need) == 0)
		rc = SE_FORMAT;
	if (r.info.n_long_keys > 0)
		finding_add(fs, &rtr_findings[RTR_VRPS_SKIPPED],
		    FA_U("count", r.info.n_long_keys));
	r.info.line = r.json.line;
	*ret_info = r.info;
	return rc;
}

int
vrps_json_read(json_read_fn read, void *arg, struct findings *fs, struct payloads *ret,
    struct vrps_info *ret_info)
{
	return document_read(read, arg, false, fs, ret, ret_info);
}

int
vrps_json_read_any(json_read_fn read, void *arg, struct findings *fs, struct payloads *ret,
    struct vrps_info *ret_info)
{
	return document_read(read, arg, true, fs, ret, ret_info);
}
