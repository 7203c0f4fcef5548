/*
 * SLURM: what this operator knows better than the RPKI. Values, the check of
 * several files against each other, filters and assertions, and writing.
 * Reading the JSON is app's business.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "rpki/rpki.h"

#define TA_DEFAULT	"slurm"

static const struct {
	const char	*name;
	unsigned	 version;	/* of the first file format that has it */
} kinds[SLURM_KIND_MAX] = {
	[SLURM_PREFIX_FILTER] = { "prefixFilters", 1 },
	[SLURM_BGPSEC_FILTER] = { "bgpsecFilters", 1 },
	[SLURM_ASPA_FILTER] = { "aspaFilters", 2 },
	[SLURM_PREFIX_ASSERTION] = { "prefixAssertions", 1 },
	[SLURM_BGPSEC_ASSERTION] = { "bgpsecAssertions", 1 },
	[SLURM_ASPA_ASSERTION] = { "aspaAssertions", 2 },
};

const char *
slurm_kind_name(enum slurm_kind k)
{
	return k < SLURM_KIND_MAX ? kinds[k].name : "?";
}

struct slurm *
slurm_new(void)
{
	struct slurm *s = calloc(1, sizeof(*s));

	if (s != NULL && (s->pool = pool_new(SLURM_POOL_MAX)) == NULL)
		return slurm_free(s);
	return s;
}

struct slurm *
slurm_free(struct slurm *s)
{
	if (s == NULL)
		return NULL;
	(void)pool_free(s->pool);
	free(s->entries);
	free(s);
	return NULL;
}

int
slurm_file(struct slurm *s, const char *name)
{
	if (s->n_files == SLURM_FILES_MAX)
		return -E2BIG;
	if ((s->files[s->n_files] = pool_strdup(s->pool, name)) == NULL)
		return -ENOMEM;
	return (int)s->n_files++;
}

int
slurm_add(struct slurm *s, const struct slurm_entry *e)
{
	size_t cap = s->cap == 0 ? 64 : s->cap * 2;
	struct slurm_entry *p;

	if (s->n == SLURM_ENTRIES_MAX)
		return -E2BIG;
	if (s->n == s->cap) {
		if ((p = reallocarray(s->entries, cap, sizeof(*p))) == NULL)
			return -ENOMEM;
		s->entries = p;
		s->cap = cap;
	}
	s->entries[s->n++] = *e;
	return 0;
}

bool
slurm_key_sound(struct sv spki)
{
	/* id-ecPublicKey, secp256r1, and an uncompressed point follows. */
	static const uint8_t head[] = {
		0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
		0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
	};

	return spki.n == sizeof(head) + 64 && memcmp(spki.p, head, sizeof(head)) == 0;
}

/* --- several files (section 4.2) --- */

/* Entries in the order of what they speak about. */
struct index {
	const struct slurm_entry **v;
	size_t			   n;
};

static int
by_prefix(const void *a, const void *b)
{
	const struct slurm_entry *const *x = a, *const *y = b;

	return ip_prefix_cmp(&(*x)->px, &(*y)->px);
}

static int
by_asn(const void *a, const void *b)
{
	const struct slurm_entry *const *x = a, *const *y = b;

	return ((*x)->asn > (*y)->asn) - ((*x)->asn < (*y)->asn);
}

static int
by_ski(const void *a, const void *b)
{
	const struct slurm_entry *const *x = a, *const *y = b;

	return memcmp((*x)->ski, (*y)->ski, SHA1_LEN);
}

static bool
about_prefix(const struct slurm_entry *e)
{
	return e->px.af != 0;
}

static bool
about_router(const struct slurm_entry *e)
{
	return (e->kind == SLURM_BGPSEC_FILTER || e->kind == SLURM_BGPSEC_ASSERTION) && e->has_asn;
}

static bool
about_customer(const struct slurm_entry *e)
{
	return e->kind == SLURM_ASPA_FILTER || e->kind == SLURM_ASPA_ASSERTION;
}

/* .v is the caller's to free. */
static int
index_make(const struct slurm *s, bool (*about)(const struct slurm_entry *),
    int (*cmp)(const void *, const void *), struct index *ret)
{
	*ret = (struct index){ calloc(s->n + 1, sizeof(*ret->v)), 0 };
	if (ret->v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		if (about(&s->entries[i]))
			ret->v[ret->n++] = &s->entries[i];
	qsort(ret->v, ret->n, sizeof(*ret->v), cmp);
	return 0;
}

static void
overlap_add(const struct slurm *s, const struct slurm_entry *a, const struct slurm_entry *b,
    const char *what, struct findings *fs)
{
	fs->subject = sv_str(s->files[a->file]);
	finding_add(fs, &rpki_findings[RPKI_SLURM_OVERLAP], FA_SV("where", a->where),
	    FA_STR("file", s->files[a->file]), FA_SV("other", b->where),
	    FA_STR("other_file", s->files[b->file]), FA_MSG("what", what));
}

#define NEST_MAX	130	/* prefixes that contain each other, and one more */

/*
 * Prefixes lie apart or inside each other, so those that are open when one is
 * met are exactly those that contain it. One of a file stands for its twins.
 */
static int
prefixes_check(const struct slurm *s, struct findings *fs)
{
	const struct slurm_entry *open[NEST_MAX];
	struct index x;
	size_t n = 0;
	int rc = index_make(s, about_prefix, by_prefix, &x);

	for (size_t i = 0; i < x.n; i++) {
		const struct slurm_entry *e = x.v[i], *other = NULL;

		while (n > 0 && !ip_prefix_covers(&open[n - 1]->px, &e->px))
			n--;
		for (size_t k = 0; k < n && other == NULL; k++)
			if (open[k]->file != e->file)
				other = open[k];
		if (other != NULL)
			overlap_add(s, e, other, N_("addresses"), fs);
		if (n == 0 || (n < NEST_MAX && ip_prefix_cmp(&open[n - 1]->px, &e->px) != 0))
			open[n++] = e;
	}
	free(x.v);
	return rc;
}

static int
asns_check(const struct slurm *s, bool (*about)(const struct slurm_entry *),
    const char *what, struct findings *fs)
{
	const struct slurm_entry *first = NULL;
	struct index x;
	int rc = index_make(s, about, by_asn, &x);

	for (size_t i = 0; i < x.n; i++) {
		if (first == NULL || first->asn != x.v[i]->asn)
			first = x.v[i];
		else if (first->file != x.v[i]->file)
			overlap_add(s, x.v[i], first, what, fs);
	}
	free(x.v);
	return rc;
}

int
slurm_check(const struct slurm *s, struct findings *fs)
{
	int rc;

	if ((rc = prefixes_check(s, fs)) < 0 ||
	    (rc = asns_check(s, about_router, N_("router keys"), fs)) < 0)
		return rc;
	/* The draft is silent about several files; the same reason holds. */
	return asns_check(s, about_customer, N_("customer"), fs);
}

/* --- filters (section 3.3) --- */

struct work {
	struct slurm	*s;
	struct payloads	*p;
	int64_t		 now;
	bool		*gone;
};

static bool
works(const struct work *w, const struct slurm_entry *e, enum slurm_kind k)
{
	return e->kind == k && e->expires > w->now;
}

static struct ip_prefix
vrp_px(const struct vrp *v)
{
	struct ip_prefix px = { .len = v->len, .af = v->af };

	memcpy(px.addr, v->addr, sizeof(px.addr));
	return px;
}

/* The first VRP whose address is not below the prefix's. */
static size_t
vrp_from(const struct payloads *p, const struct ip_prefix *px)
{
	size_t lo = 0, hi = p->n_vrps;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct vrp *v = &p->vrps[mid];

		if (v->af < px->af || (v->af == px->af && memcmp(v->addr, px->addr, 16) < 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Section 3.3.1: a VRP matches if its prefix is equal to or covered by the
 * filter's, its AS number equal to the filter's, or both if both are given.
 */
static void
prefix_filter(const struct work *w, struct slurm_entry *e)
{
	for (size_t i = vrp_from(w->p, &e->px); i < w->p->n_vrps; i++) {
		const struct vrp *v = &w->p->vrps[i];
		struct ip_prefix px = vrp_px(v), host = px;

		host.len = ip_bits(v->af);
		if (!ip_prefix_covers(&e->px, &host))
			return;
		if (!ip_prefix_covers(&e->px, &px) || (e->has_asn && e->asn != v->asn))
			continue;
		w->gone[i] = true;
		e->n_effect++;
	}
}

static bool
about_origin(const struct slurm_entry *e)
{
	return e->kind == SLURM_PREFIX_FILTER && e->px.af == 0 && e->has_asn;
}

static bool
about_ski(const struct slurm_entry *e)
{
	return e->kind == SLURM_BGPSEC_FILTER && !e->has_asn && e->has_ski;
}

static bool
about_router_filter(const struct slurm_entry *e)
{
	return e->kind == SLURM_BGPSEC_FILTER && e->has_asn;
}

/* The first that is not below the key, which is an entry, too. */
static size_t
index_from(const struct index *x, const struct slurm_entry *key,
    int (*cmp)(const void *, const void *))
{
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp(&x->v[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Each entry of the index that says the same as the key, and still works. */
static bool
index_hit(const struct work *w, const struct index *x, const struct slurm_entry *key,
    int (*cmp)(const void *, const void *))
{
	bool hit = false;

	for (size_t i = index_from(x, key, cmp); i < x->n && cmp(&x->v[i], &key) == 0; i++) {
		/* The index is of w->s's own entries. */
		struct slurm_entry *e = &w->s->entries[x->v[i] - w->s->entries];

		if (e->expires <= w->now ||
		    (e->has_ski && memcmp(e->ski, key->ski, SHA1_LEN) != 0))
			continue;
		e->n_effect++;
		hit = true;
	}
	return hit;
}

static int
vrps_filter(const struct work *w)
{
	struct index x;
	size_t n = 0;
	int rc = index_make(w->s, about_origin, by_asn, &x);

	for (size_t i = 0; i < w->s->n; i++)
		if (works(w, &w->s->entries[i], SLURM_PREFIX_FILTER) && w->s->entries[i].px.af != 0)
			prefix_filter(w, &w->s->entries[i]);
	for (size_t i = 0; i < w->p->n_vrps && x.n > 0; i++) {
		const struct slurm_entry key = { .asn = w->p->vrps[i].asn };

		if (index_hit(w, &x, &key, by_asn))
			w->gone[i] = true;
	}
	free(x.v);
	for (size_t i = 0; i < w->p->n_vrps && rc == 0; i++)
		if (!w->gone[i])
			w->p->vrps[n++] = w->p->vrps[i];
	if (rc == 0)
		w->p->n_vrps = n;
	return rc;
}

/* Section 3.3.2: by AS number, by key identifier, or by both. */
static int
keys_filter(const struct work *w)
{
	struct index asns = { 0 }, skis = { 0 };
	size_t n = 0;
	int rc;

	if ((rc = index_make(w->s, about_router_filter, by_asn, &asns)) == 0)
		rc = index_make(w->s, about_ski, by_ski, &skis);
	for (size_t i = 0; i < w->p->n_router_keys && rc == 0; i++) {
		struct slurm_entry key = { .asn = w->p->router_keys[i].asn };
		bool a, b;

		memcpy(key.ski, w->p->router_keys[i].ski, SHA1_LEN);
		a = index_hit(w, &asns, &key, by_asn);
		b = index_hit(w, &skis, &key, by_ski);
		if (!a && !b)
			w->p->router_keys[n++] = w->p->router_keys[i];
	}
	if (rc == 0)
		w->p->n_router_keys = n;
	free(asns.v);
	free(skis.v);
	return rc;
}

static bool
about_aspa_filter(const struct slurm_entry *e)
{
	return e->kind == SLURM_ASPA_FILTER;
}

static int
aspas_filter(const struct work *w)
{
	struct index x;
	size_t n = 0;
	int rc = index_make(w->s, about_aspa_filter, by_asn, &x);

	for (size_t i = 0; i < w->p->n_aspas && rc == 0; i++) {
		struct aspa *a = &w->p->aspas[i];
		const struct slurm_entry key = { .asn = a->customer };

		if (!index_hit(w, &x, &key, by_asn))
			w->p->aspas[n++] = *a;
		else
			free((void *)(uintptr_t)a->providers);
	}
	if (rc == 0)
		w->p->n_aspas = n;
	free(x.v);
	return rc;
}

bool
slurm_filters_vrp(const struct slurm_entry *e, int64_t now, const struct vrp *v)
{
	const struct ip_prefix px = vrp_px(v);

	if (e->kind != SLURM_PREFIX_FILTER || e->expires <= now)
		return false;
	return (e->px.af == 0 || ip_prefix_covers(&e->px, &px)) &&
	    (!e->has_asn || e->asn == v->asn);
}

bool
slurm_filters_key(const struct slurm_entry *e, int64_t now, const struct router_key *k)
{
	return e->kind == SLURM_BGPSEC_FILTER && e->expires > now &&
	    (!e->has_asn || e->asn == k->asn) &&
	    (!e->has_ski || memcmp(e->ski, k->ski, SHA1_LEN) == 0);
}

bool
slurm_filters_aspa(const struct slurm_entry *e, int64_t now, uint32_t customer)
{
	return e->kind == SLURM_ASPA_FILTER && e->expires > now && e->asn == customer;
}

/* --- assertions (section 3.4) --- */

static int
ta_of(const struct work *w, const struct slurm_entry *e)
{
	int ta = payloads_ta(w->p, sv_str(e->ta != NULL ? e->ta : TA_DEFAULT));

	return ta < 0 ? payloads_ta(w->p, SV(TA_DEFAULT)) : ta;
}

static struct vrp
vrp_of(const struct slurm_entry *e, int ta)
{
	struct vrp v = { .len = e->px.len, .af = e->px.af, .ta = (uint8_t)ta, .asn = e->asn,
	    .max_len = e->has_max_len ? e->max_len : e->px.len,
	    .ca = PAYLOAD_CA_NONE, .expires = e->expires };

	memcpy(v.addr, e->px.addr, sizeof(v.addr));
	return v;
}

static struct router_key
key_of(const struct slurm_entry *e, int ta)
{
	struct router_key k = { .asn = e->asn, .ca = PAYLOAD_CA_NONE, .ta = (uint8_t)ta,
	    .spki_len = (uint8_t)min_size(e->spki.n, ROUTER_SPKI_MAX), .expires = e->expires };

	memcpy(k.ski, e->ski, sizeof(k.ski));
	memcpy(k.spki, e->spki.p, k.spki_len);
	return k;
}

/* Are all of its providers there already? The first n ASPAs are merged. */
static bool
aspa_known(const struct payloads *p, size_t n, const struct slurm_entry *e)
{
	size_t lo = 0, hi = n, k = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->aspas[mid].customer < e->asn)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == n || p->aspas[lo].customer != e->asn)
		return false;
	for (uint32_t i = 0; i < p->aspas[lo].n_providers && k < e->n_providers; i++)
		k += p->aspas[lo].providers[i] == e->providers[k];
	return k == e->n_providers;
}

static int
aspa_of(const struct slurm_entry *e, int ta, struct aspa *ret)
{
	uint32_t *providers = calloc((size_t)e->n_providers + 1, sizeof(*providers));

	if (providers == NULL)
		return -ENOMEM;
	memcpy(providers, e->providers, e->n_providers * sizeof(*providers));
	*ret = (struct aspa){ .customer = e->asn, .n_providers = e->n_providers,
	    .providers = providers, .expires = e->expires, .ta = (uint8_t)ta,
	    .ca = PAYLOAD_CA_NONE };
	return 0;
}

static int
rooms_make(const struct work *w)
{
	struct payloads *p = w->p;
	size_t n[SLURM_KIND_MAX] = { 0 };
	void *vrps, *keys, *aspas;

	for (size_t i = 0; i < w->s->n; i++)
		n[w->s->entries[i].kind]++;
	vrps = reallocarray(p->vrps, p->n_vrps + n[SLURM_PREFIX_ASSERTION] + 1, sizeof(*p->vrps));
	if (vrps != NULL)
		p->vrps = vrps;
	keys = reallocarray(p->router_keys, p->n_router_keys + n[SLURM_BGPSEC_ASSERTION] + 1,
	    sizeof(*p->router_keys));
	if (keys != NULL)
		p->router_keys = keys;
	aspas = reallocarray(p->aspas, p->n_aspas + n[SLURM_ASPA_ASSERTION] + 1, sizeof(*p->aspas));
	if (aspas != NULL)
		p->aspas = aspas;
	return vrps == NULL || keys == NULL || aspas == NULL ? -ENOMEM : 0;
}

/* n: how many payloads were there before; those are in order. */
static int
assertion_add(const struct work *w, struct slurm_entry *e, const size_t n[static 3])
{
	struct payloads *p = w->p;
	int ta = ta_of(w, e);

	if (ta < 0)
		return ta;
	if (e->kind == SLURM_PREFIX_ASSERTION) {
		struct vrp v = vrp_of(e, ta);

		e->n_effect = n[0] == 0 || bsearch(&v, p->vrps, n[0], sizeof(v), vrp_cmp) == NULL;
		p->vrps[p->n_vrps++] = v;
	} else if (e->kind == SLURM_BGPSEC_ASSERTION) {
		struct router_key k = key_of(e, ta);

		e->n_effect = n[1] == 0 || bsearch(&k, p->router_keys, n[1], sizeof(k), router_key_cmp) == NULL;
		p->router_keys[p->n_router_keys++] = k;
	} else {
		int rc = aspa_of(e, ta, &p->aspas[p->n_aspas]);

		if (rc < 0)
			return rc;
		e->n_effect = !aspa_known(p, n[2], e);
		p->n_aspas++;
	}
	return 0;
}

static int
assertions_add(const struct work *w)
{
	const size_t n[3] = { w->p->n_vrps, w->p->n_router_keys, w->p->n_aspas };
	int rc = rooms_make(w);

	for (size_t i = 0; i < w->s->n && rc == 0; i++) {
		struct slurm_entry *e = &w->s->entries[i];

		if (!slurm_is_filter(e->kind) && e->expires > w->now)
			rc = assertion_add(w, e, n);
	}
	return rc;
}

int
slurm_apply(struct slurm *s, int64_t now, struct payloads *p)
{
	struct work w = { s, p, now, calloc(p->n_vrps + 1, sizeof(bool)) };
	size_t dropped;
	int rc = -ENOMEM;

	if (w.gone == NULL)
		return rc;
	for (size_t i = 0; i < s->n; i++)
		s->entries[i].n_effect = 0;
	if ((rc = vrps_filter(&w)) == 0 && (rc = keys_filter(&w)) == 0 &&
	    (rc = aspas_filter(&w)) == 0 && (rc = assertions_add(&w)) == 0)
		rc = payloads_merge(p, &dropped);
	free(w.gone);
	return rc;
}

void
slurm_effects(const struct slurm *s, struct findings *fs)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct slurm_entry *e = &s->entries[i];

		if (e->n_effect > 0)
			continue;
		fs->subject = sv_str(s->files[e->file]);
		finding_add(fs, &rpki_findings[RPKI_SLURM_IDLE], FA_SV("where", e->where));
	}
}

/* --- writing --- */

void
slurm_entry_print(struct buf *b, const struct slurm_entry *e)
{
	char px[IP_PREFIX_STRLEN], asn[ASN_STRLEN], hex[2 * SHA1_LEN + 1];

	if (e->px.af != 0)
		buf_str(b, ip_prefix_str(&e->px, px));
	if (e->has_max_len)
		buf_printf(b, "-%u", e->max_len);
	if (e->has_asn)
		buf_printf(b, "%s%s", e->px.af != 0 ? " " : "", asn_str(e->asn, asn));
	if (e->has_ski)
		buf_printf(b, "%s%s", e->has_asn ? " " : "", hex_encode(hex, e->ski, SHA1_LEN));
	for (uint32_t i = 0; i < e->n_providers; i++)
		buf_printf(b, "%s%s", i == 0 ? ": " : ", ", asn_str(e->providers[i], asn));
}

static void
base64_put(struct json *j, const char *key, const void *p, size_t n)
{
	char text[(ROUTER_SPKI_MAX + 2) / 3 * 4];

	n = min_size(n, ROUTER_SPKI_MAX);
	json_kv_sv(j, key, (struct sv){ text, base64url_encode(text, p, n) });
}

static void
aspa_put(struct json *j, const struct slurm_entry *e)
{
	json_kv_u64(j, "customerAsn", e->asn);
	if (slurm_is_filter(e->kind))
		return;
	json_key(j, "providerAsns");
	json_open(j, '[');
	for (uint32_t i = 0; i < e->n_providers; i++)
		json_u64(j, e->providers[i]);
	json_close(j, ']');
}

static void
entry_put(struct json *j, const struct slurm_entry *e)
{
	char px[IP_PREFIX_STRLEN];

	json_open(j, '{');
	if (about_customer(e))
		aspa_put(j, e);
	else if (e->has_asn)
		json_kv_u64(j, "asn", e->asn);
	if (e->px.af != 0)
		json_kv_str(j, "prefix", ip_prefix_str(&e->px, px));
	if (e->has_max_len)
		json_kv_u64(j, "maxPrefixLength", e->max_len);
	if (e->has_ski)
		base64_put(j, "SKI", e->ski, SHA1_LEN);
	if (e->spki.n > 0)
		base64_put(j, "routerPublicKey", e->spki.p, e->spki.n);
	if (e->comment.p != NULL)
		json_kv_sv(j, "comment", e->comment);
	json_close(j, '}');
}

static void
kinds_put(const struct slurm *s, unsigned version, bool filters, struct json *j)
{
	json_open(j, '{');
	for (int k = 0; k < SLURM_KIND_MAX; k++) {
		if (slurm_is_filter((enum slurm_kind)k) != filters || kinds[k].version > version)
			continue;
		json_key(j, kinds[k].name);
		json_open(j, '[');
		for (size_t i = 0; i < s->n; i++)
			if (s->entries[i].kind == (enum slurm_kind)k)
				entry_put(j, &s->entries[i]);
		json_close(j, ']');
	}
	json_close(j, '}');
}

void
slurm_write(const struct slurm *s, struct buf *b)
{
	struct json j = json_on(b, true);
	unsigned version = 1;

	for (size_t i = 0; i < s->n; i++)
		if (kinds[s->entries[i].kind].version > version)
			version = kinds[s->entries[i].kind].version;
	json_open(&j, '{');
	json_kv_u64(&j, "slurmVersion", version);
	json_key(&j, "validationOutputFilters");
	kinds_put(s, version, true, &j);
	json_key(&j, "locallyAddedAssertions");
	kinds_put(s, version, false, &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}
