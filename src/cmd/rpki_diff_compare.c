/* rpki diff: three merges of sorted lists. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/watch_compare.h"
#include "cmd/rpki_diff.h"

/* The readers' kinds are the history's. */
_Static_assert((int)WATCH_VRP == (int)HK_VRP && (int)WATCH_ASPA == (int)HK_ASPA &&
    (int)WATCH_KEY == (int)HK_KEY, "one order of kinds");

static int
aspa_cmp(const void *va, const void *vb)
{
	const struct aspa *a = va, *b = vb;

	return a->customer < b->customer ? -1 : a->customer > b->customer;
}

static bool
aspa_same(const void *va, const void *vb)
{
	const struct aspa *a = va, *b = vb;

	return a->n_providers == b->n_providers && (a->n_providers == 0 || memcmp(a->providers,
	    b->providers, a->n_providers * sizeof(*a->providers)) == 0);
}

static const struct kind {
	size_t	 items, n, size;	/* where in struct payloads; of one */
	int	 (*cmp)(const void *, const void *);	/* the order of the list */
	bool	 (*same)(const void *, const void *);	/* NULL: those that cmp finds equal are */
} kinds[DIFF_KINDS] = {
	[HK_VRP] = { offsetof(struct payloads, vrps), offsetof(struct payloads, n_vrps),
	    sizeof(struct vrp), vrp_cmp, NULL },
	[HK_ASPA] = { offsetof(struct payloads, aspas), offsetof(struct payloads, n_aspas),
	    sizeof(struct aspa), aspa_cmp, aspa_same },
	[HK_KEY] = { offsetof(struct payloads, router_keys),
	    offsetof(struct payloads, n_router_keys), sizeof(struct router_key),
	    router_key_cmp, NULL },
};

/* The i-th, or NULL behind the last. */
static const void *
item(const struct kind *k, const struct payloads *p, size_t i)
{
	const char *at = (const char *)p, *items;
	size_t n;

	memcpy(&items, at + k->items, sizeof(items));
	memcpy(&n, at + k->n, sizeof(n));
	return i < n ? items + i * k->size : NULL;
}

static int
entry_add(struct diff_list *l, const void *a, const void *b)
{
	size_t cap = l->cap == 0 ? 1024 : 2 * l->cap;
	struct diff_entry *more;

	if (l->n == l->cap) {
		if ((more = reallocarray(l->e, cap, sizeof(*more))) == NULL)
			return -ENOMEM;
		l->e = more;
		l->cap = cap;
	}
	l->e[l->n++] = (struct diff_entry){ { a, b } };
	return 0;
}

static int
lists_merge(const struct kind *k, const struct payloads *pa, const struct payloads *pb,
    struct diff_list *l)
{
	size_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0) {
		const void *a = item(k, pa, i), *b = item(k, pb, j);
		int cmp;

		if (a == NULL && b == NULL)
			break;
		cmp = a == NULL ? 1 : b == NULL ? -1 : k->cmp(a, b);
		i += cmp <= 0;
		j += cmp >= 0;
		if (cmp == 0 && (k->same == NULL || k->same(a, b)))
			l->n_equal++;
		else
			rc = entry_add(l, cmp <= 0 ? a : NULL, cmp >= 0 ? b : NULL);
	}
	return rc;
}

/* --- VRPs that differ in length alone --- */

static int
route_cmp(const struct vrp *a, const struct vrp *b)
{
	int c = memcmp(a->addr, b->addr, sizeof(a->addr));

	if (a->af != b->af)
		return a->af < b->af ? -1 : 1;
	if (c != 0)
		return c;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->asn < b->asn ? -1 : a->asn > b->asn;
}

/* Prefix and AS first, so that what differs in length alone lies together; A before B. */
static int
entry_cmp(const void *va, const void *vb)
{
	const struct diff_entry *x = va, *y = vb;
	const struct vrp *a = diff_payload(x), *b = diff_payload(y);
	int c = route_cmp(a, b);

	if (c != 0)
		return c;
	if (diff_side(x) != diff_side(y))
		return diff_side(x) < diff_side(y) ? -1 : 1;
	return (int)a->max_len - (int)b->max_len;
}

/* One of A and one of B become one entry; in order, if there are several. */
static void
lengths_pair(struct diff_list *l)
{
	size_t n = 0;

	if (l->n > 0)
		qsort(l->e, l->n, sizeof(*l->e), entry_cmp);
	for (size_t i = 0, end; i < l->n; i = end) {
		size_t b = i, pairs;

		for (end = i; end < l->n &&
		    route_cmp(diff_payload(&l->e[i]), diff_payload(&l->e[end])) == 0; end++)
			b += diff_side(&l->e[end]) == DIFF_ONLY_A;
		pairs = min_size(b - i, end - b);
		for (size_t k = 0; k < pairs; k++)
			l->e[i + k].in[1] = l->e[b + k].in[1];
		for (size_t k = i; k < end; k++)
			if (k < b || k >= b + pairs)
				l->e[n++] = l->e[k];
	}
	l->n = n;
}

int
rpki_diff_compare(struct rpki_diff *d)
{
	unsigned told = d->r[0].info.kinds & d->r[1].info.kinds;

	for (size_t k = 0; k < DIFF_KINDS; k++) {
		struct diff_list *l = &d->lists[k];
		int rc;

		l->compared = (told >> k & 1) != 0;
		if (!l->compared)
			continue;
		if ((rc = lists_merge(&kinds[k], &d->r[0].p, &d->r[1].p, l)) < 0)
			return rc;
		if (k == HK_VRP)
			lengths_pair(l);
		for (size_t i = 0; i < l->n; i++)
			l->n_side[diff_side(&l->e[i])]++;
	}
	return 0;
}

void
rpki_diff_lists_done(struct rpki_diff *d)
{
	for (size_t k = 0; k < DIFF_KINDS; k++)
		free(d->lists[k].e);
}

size_t
rpki_diff_count(const struct rpki_diff *d)
{
	size_t n = 0;

	for (size_t k = 0; k < DIFF_KINDS; k++)
		n += d->lists[k].n;
	return n;
}
