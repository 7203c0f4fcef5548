/* VRPs, router keys and ASPAs as values: order, soundness, merging. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inr/internal.h"

/* As memcmp() would; called for each payload many times in a run. */
static int
addr_cmp(const uint8_t x[static 16], const uint8_t y[static 16])
{
	uint64_t a = be64_at(x), b = be64_at(y);

	if (a == b) {
		a = be64_at(x + 8);
		b = be64_at(y + 8);
	}
	return a < b ? -1 : a > b;
}

int
vrp_cmp(const void *a, const void *b)
{
	const struct vrp *x = a, *y = b;
	int c;

	if (x->af != y->af)
		return x->af < y->af ? -1 : 1;
	if ((c = addr_cmp(x->addr, y->addr)) != 0)
		return c;
	if (x->max_len != y->max_len)
		return x->max_len < y->max_len ? -1 : 1;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	if (x->asn != y->asn)
		return x->asn < y->asn ? -1 : 1;
	return 0;
}

bool
vrp_is_sound(const struct vrp *v)
{
	if (v->af != IP_V4 && v->af != IP_V6)
		return false;
	if (v->len > v->max_len || v->max_len > ip_bits(v->af))
		return false;
	return ip_is_masked(v->addr, v->len);
}

int
router_key_cmp(const void *a, const void *b)
{
	const struct router_key *x = a, *y = b;
	int c;

	if ((c = memcmp(x->ski, y->ski, sizeof(x->ski))) != 0)
		return c;
	if (x->spki_len != y->spki_len)
		return x->spki_len < y->spki_len ? -1 : 1;
	if ((c = memcmp(x->spki, y->spki, x->spki_len)) != 0)
		return c;
	return u32_cmp(&x->asn, &y->asn);
}

int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
aspa_cmp(const void *a, const void *b)
{
	const struct aspa *x = a, *y = b;

	return u32_cmp(&x->customer, &y->customer);
}

void
payloads_done(struct payloads *p)
{
	for (size_t i = 0; i < p->n_aspas; i++)
		free((void *)p->aspas[i].providers);
	free(p->aspas);
	free(p->vrps);
	free(p->router_keys);
	free(p->cas);
	free(p->ca_text);
	memset(p, 0, sizeof(*p));
}

int
payloads_ta(struct payloads *p, struct sv name)
{
	if (name.n == 0 || name.n > TA_NAME_MAX || memchr(name.p, 0, name.n) != NULL)
		return -EINVAL;
	for (size_t i = 0; i < p->n_tas; i++)
		if (sv_eq_str(name, p->tas[i]))
			return (int)i;
	if (p->n_tas == TA_MAX)
		return -E2BIG;
	memcpy(p->tas[p->n_tas], name.p, name.n);
	p->tas[p->n_tas][name.n] = '\0';
	return (int)p->n_tas++;
}

/* Validators write sorted lists: look before qsort() asks for memory. */
static void
sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	const char *p = base;

	for (size_t i = 1; i < n; i++)
		if (cmp(p + (i - 1) * size, p + i * size) > 0) {
			qsort(base, n, size, cmp);
			return;
		}
}

static void
vrps_merge(struct payloads *p)
{
	size_t n = 0;

	sort(p->vrps, p->n_vrps, sizeof(*p->vrps), vrp_cmp);
	for (size_t i = 0; i < p->n_vrps; i++) {
		const struct vrp *v = &p->vrps[i];

		if (n == 0 || vrp_cmp(&p->vrps[n - 1], v) != 0)
			p->vrps[n++] = *v;
		else if (p->vrps[n - 1].expires < v->expires)
			p->vrps[n - 1] = *v;
	}
	p->n_vrps = n;
}

static void
router_keys_merge(struct payloads *p)
{
	size_t n = 0;

	sort(p->router_keys, p->n_router_keys, sizeof(*p->router_keys), router_key_cmp);
	for (size_t i = 0; i < p->n_router_keys; i++) {
		const struct router_key *k = &p->router_keys[i];

		if (n == 0 || router_key_cmp(&p->router_keys[n - 1], k) != 0)
			p->router_keys[n++] = *k;
		else if (p->router_keys[n - 1].expires < k->expires)
			p->router_keys[n - 1] = *k;
	}
	p->n_router_keys = n;
}

static bool
providers_same(const struct aspa *a, const struct aspa *b)
{
	return a->n_providers == b->n_providers &&
	    memcmp(a->providers, b->providers, a->n_providers * sizeof(uint32_t)) == 0;
}

static bool
providers_sound(const struct aspa *a)
{
	for (size_t i = 1; i < a->n_providers; i++)
		if (a->providers[i - 1] == 0 || a->providers[i - 1] >= a->providers[i])
			return false;
	return true;
}

/* Sort, make unique, drop AS 0 unless it is alone. */
static uint32_t
providers_tidy(uint32_t *p, size_t n)
{
	size_t m = 0;

	qsort(p, n, sizeof(*p), u32_cmp);
	for (size_t i = 0; i < n; i++)
		if (m == 0 || p[m - 1] != p[i])
			p[m++] = p[i];
	if (m > 1 && p[0] == 0)
		memmove(p, p + 1, --m * sizeof(*p));
	return (uint32_t)m;
}

/*
 * a[0] becomes the union of n ASPAs of one customer. If they differ it lives
 * only as long as the first of them: what is left then is for the validator
 * to say. It is the work of the CA whose ASPA decides how long it lives.
 */
static int
aspas_union(struct aspa *a, size_t n)
{
	const struct aspa *first = &a[0], *last = &a[0];
	size_t sum = 0, at = 0;
	struct aspa whole;
	bool same = true;
	uint32_t *all;

	for (size_t i = 0; i < n; i++) {
		sum += a[i].n_providers;
		same = same && providers_same(&a[0], &a[i]);
		first = a[i].expires < first->expires ? &a[i] : first;
		last = a[i].expires > last->expires ? &a[i] : last;
	}
	whole = same ? *last : *first;
	if ((all = calloc(sum + 1, sizeof(*all))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (a[i].n_providers > 0)
			memcpy(all + at, a[i].providers, a[i].n_providers * sizeof(*all));
		at += a[i].n_providers;
		free((void *)a[i].providers);
		a[i].providers = NULL;
		a[i].n_providers = 0;
	}
	whole.providers = all;
	whole.n_providers = providers_tidy(all, sum);
	a[0] = whole;
	return 0;
}

static int
aspas_merge(struct payloads *p, size_t *ret_n_dropped)
{
	size_t n = 0, same;
	int rc = 0;

	sort(p->aspas, p->n_aspas, sizeof(*p->aspas), aspa_cmp);
	for (size_t i = 0; i < p->n_aspas; i += same) {
		struct aspa *a = &p->aspas[i];

		for (same = 1; i + same < p->n_aspas; same++)
			if (a[same].customer != a->customer)
				break;
		if (rc == 0 && (same > 1 || !providers_sound(a)))
			rc = aspas_union(a, same);
		if (rc == 0 && (a->n_providers == 0 || a->n_providers > ASPA_PROVIDERS_MAX)) {
			free((void *)a->providers);
			a->providers = NULL;
			(*ret_n_dropped)++;
			continue;
		}
		if (rc < 0)	/* keep all of them for payloads_done() */
			same = 1;
		p->aspas[n++] = *a;
	}
	p->n_aspas = n;
	return rc;
}

int
payloads_merge(struct payloads *p, size_t *ret_n_dropped)
{
	int rc;

	*ret_n_dropped = 0;
	if ((rc = cas_merge(p)) < 0)
		return rc;
	vrps_merge(p);
	router_keys_merge(p);
	return aspas_merge(p, ret_n_dropped);
}

/* --- one set into another --- */

static int
array_room(void **p, size_t n, size_t more, size_t size)
{
	void *q = reallocarray(*p, n + more + 1, size);

	if (q == NULL)
		return -ENOMEM;
	*p = q;
	return 0;
}

#define ROOM(to, from, field, n) \
	array_room((void **)&(to)->field, (to)->n, (from)->n, sizeof(*(to)->field))

static int
rooms_make(struct payloads *to, const struct payloads *from)
{
	int rc;

	if ((rc = ROOM(to, from, vrps, n_vrps)) < 0 ||
	    (rc = ROOM(to, from, aspas, n_aspas)) < 0 ||
	    (rc = ROOM(to, from, router_keys, n_router_keys)) < 0)
		return rc;
	return ROOM(to, from, cas, n_cas);
}

/* A trust anchor that nothing needs does not come along. */
static int
tas_map(struct payloads *to, const struct payloads *from, uint8_t map[static UINT8_MAX + 1])
{
	bool used[UINT8_MAX + 1] = { false };

	for (size_t i = 0; i < from->n_vrps; i++)
		used[from->vrps[i].ta] = true;
	for (size_t i = 0; i < from->n_aspas; i++)
		used[from->aspas[i].ta] = true;
	for (size_t i = 0; i < from->n_router_keys; i++)
		used[from->router_keys[i].ta] = true;
	for (size_t i = 0; i < from->n_cas; i++)
		used[from->cas[i].ta] = true;
	for (size_t i = 0; i < from->n_tas; i++) {
		int ta = used[i] ? payloads_ta(to, sv_str(from->tas[i])) : 0;

		if (ta < 0)
			return ta;
		map[i] = (uint8_t)ta;
	}
	return 0;
}

static uint32_t
ca_shifted(uint32_t ca, const struct payloads *from, size_t by)
{
	return ca < from->n_cas ? ca + (uint32_t)by : PAYLOAD_CA_NONE;
}

/* An index of the old table that was out of range must not come to life. */
static void
strays_forget(struct payloads *to)
{
	for (size_t i = 0; i < to->n_vrps; i++)
		to->vrps[i].ca = ca_or_none(to->vrps[i].ca, to->n_cas);
	for (size_t i = 0; i < to->n_aspas; i++)
		to->aspas[i].ca = ca_or_none(to->aspas[i].ca, to->n_cas);
	for (size_t i = 0; i < to->n_router_keys; i++)
		to->router_keys[i].ca = ca_or_none(to->router_keys[i].ca, to->n_cas);
	for (size_t i = 0; i < to->n_cas; i++)
		to->cas[i].parent = ca_or_none(to->cas[i].parent, to->n_cas);
}

static void
rows_move(struct payloads *to, struct payloads *from,
    const uint8_t map[static UINT8_MAX + 1])
{
	size_t by = to->n_cas;

	for (size_t i = 0; i < from->n_vrps; i++) {
		struct vrp *v = &to->vrps[to->n_vrps++];

		*v = from->vrps[i];
		v->ta = map[v->ta];
		v->ca = ca_shifted(v->ca, from, by);
	}
	for (size_t i = 0; i < from->n_aspas; i++) {
		struct aspa *a = &to->aspas[to->n_aspas++];

		*a = from->aspas[i];
		a->ta = map[a->ta];
		a->ca = ca_shifted(a->ca, from, by);
	}
	for (size_t i = 0; i < from->n_router_keys; i++) {
		struct router_key *k = &to->router_keys[to->n_router_keys++];

		*k = from->router_keys[i];
		k->ta = map[k->ta];
		k->ca = ca_shifted(k->ca, from, by);
	}
	for (size_t i = 0; i < from->n_cas; i++) {
		struct payload_ca *ca = &to->cas[to->n_cas++];

		*ca = from->cas[i];
		ca->ta = map[ca->ta];
		ca->parent = ca_shifted(ca->parent, from, by);
	}
}

int
payloads_append(struct payloads *to, struct payloads *from)
{
	uint8_t map[UINT8_MAX + 1] = { 0 };
	char *text;
	int rc;

	if ((rc = rooms_make(to, from)) < 0 || (rc = tas_map(to, from, map)) < 0)
		return rc;
	if ((text = malloc(cas_text_len(to) + cas_text_len(from) + 1)) == NULL)
		return -ENOMEM;
	strays_forget(to);
	rows_move(to, from, map);
	cas_text_own(to, text);
	from->n_aspas = 0;	/* the lists of providers moved */
	payloads_done(from);
	return 0;
}
