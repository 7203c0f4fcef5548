/* VRPs and ASPAs as values: order, soundness, merging. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inr/internal.h"

int
vrp_cmp(const void *a, const void *b)
{
	const struct vrp *x = a, *y = b;
	int c;

	if (x->af != y->af)
		return x->af < y->af ? -1 : 1;
	if ((c = memcmp(x->addr, y->addr, sizeof(x->addr))) != 0)
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
 * to say.
 */
static int
aspas_union(struct aspa *a, size_t n)
{
	size_t sum = 0, at = 0;
	bool same = true;
	int64_t first = a[0].expires, last = a[0].expires;
	uint32_t *all;

	for (size_t i = 0; i < n; i++) {
		sum += a[i].n_providers;
		same = same && providers_same(&a[0], &a[i]);
		first = min_i64(first, a[i].expires);
		last = a[i].expires > last ? a[i].expires : last;
	}
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
	a[0].providers = all;
	a[0].n_providers = providers_tidy(all, sum);
	a[0].expires = same ? last : first;
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
	*ret_n_dropped = 0;
	vrps_merge(p);
	return aspas_merge(p, ret_n_dropped);
}
