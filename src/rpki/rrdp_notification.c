/*
 * The Update Notification File (RFC 8182 section 3.5.1): where the snapshot
 * and the deltas are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rpki/rrdp.h"

static void
memory_fail(struct rrdp_parser *p)
{
	if (pool_is_full(p->pool))
		rrdp_fail(p, SE_LIMIT, RRDP_TOO_LARGE, N_("too many bytes"));
	else
		rrdp_fail(p, -ENOMEM, RRDP_CODE_MAX, N_("there is not enough memory"));
}

/*
 * RFC 9674 section 3.2: what the notification names lies at its own origin,
 * else it is not fetched.
 */
static bool
link_read(struct rrdp_parser *p, const struct sv attrs[static RRDP_ATTR_MAX],
    struct rrdp_link *ret)
{
	struct sv uri = attrs[RRDP_ATTR_URI];

	p->scope = RRDP_IN_EMPTY;
	if (!https_uri_valid(uri)) {
		rrdp_fail_schema(p, N_("a URI is no valid https URI"));
		return false;
	}
	if (!https_same_origin(uri, p->origin)) {
		memcpy(p->foreign, uri.p, uri.n + 1);
		rrdp_fail(p, SE_SYNTAX, RRDP_ORIGIN, N_("a URI is at another origin"));
		return false;
	}
	if (!rrdp_hash_parse(attrs[RRDP_ATTR_HASH], ret->hash)) {
		rrdp_fail_schema(p, N_("a hash has not 64 digits"));
		return false;
	}
	if ((ret->uri = pool_sv(p->pool, uri)).p == NULL) {
		memory_fail(p);
		return false;
	}
	return true;
}

void
rrdp_snapshot_link(struct rrdp_parser *p, const struct sv attrs[static RRDP_ATTR_MAX])
{
	if (p->have_snapshot)
		return rrdp_fail_schema(p, N_("an element stands where it does not belong"));
	p->have_snapshot = link_read(p, attrs, &p->note.snapshot);
}

void
rrdp_delta_link(struct rrdp_parser *p, const struct sv attrs[static RRDP_ATTR_MAX])
{
	struct rrdp_link link = { 0 };

	if (!p->have_snapshot)
		return rrdp_fail_schema(p, N_("an element stands where it does not belong"));
	if (p->n_links == RRDP_DELTAS_LISTED_MAX)
		return rrdp_fail(p, SE_LIMIT, RRDP_TOO_LARGE, N_("too many deltas"));
	if (num_u64(attrs[RRDP_ATTR_SERIAL], 1, p->serial, &link.serial) < 0)
		return rrdp_fail_schema(p, N_("the serial of a delta is no positive number up to that of the notification"));
	if (!link_read(p, attrs, &link))
		return;
	if (p->n_links == p->links_cap) {
		size_t cap = p->links_cap * 2 + 64;
		struct rrdp_link *l = reallocarray(p->links, cap, sizeof(*l));

		if (l == NULL)
			return memory_fail(p);
		p->links = l;
		p->links_cap = cap;
	}
	p->links[p->n_links++] = link;
}

static int
link_cmp(const void *a, const void *b)
{
	uint64_t x = ((const struct rrdp_link *)a)->serial, y = ((const struct rrdp_link *)b)->serial;

	return x < y ? -1 : x > y;
}

/* All steps up, or all down. */
static bool
links_sorted(const struct rrdp_link *l, size_t n)
{
	size_t up = 0, down = 0;

	for (size_t i = 1; i < n; i++) {
		up += l[i - 1].serial < l[i].serial;
		down += l[i - 1].serial > l[i].serial;
	}
	return n < 2 || up == n - 1 || down == n - 1;
}

void
rrdp_notification_end(struct rrdp_parser *p)
{
	struct rrdp_notification *note = &p->note;
	struct rrdp_link *l = p->links;
	size_t n = p->n_links, from = n;

	if (!p->have_snapshot)
		return rrdp_fail_schema(p, N_("there is no snapshot element"));
	memcpy(note->session, p->session, sizeof(note->session));
	note->serial = p->serial;
	note->snapshot.serial = p->serial;
	note->n_listed = n;
	if (n == 0)
		return;
	note->unsorted = !links_sorted(l, n);
	qsort(l, n, sizeof(*l), link_cmp);
	for (size_t i = 1; i < n; i++)
		if (l[i - 1].serial == l[i].serial)
			return rrdp_fail_schema(p, N_("two deltas have the same serial"));
	/* From the newest down, as long as no step is missing. */
	while (from > 0 && l[from - 1].serial == p->serial - (n - from))
		from--;
	if (from > 0)
		note->gap = p->serial - (n - from);
	note->n_deltas = n - from;
	if (note->n_deltas == 0)
		return;
	note->deltas = pool_calloc(p->pool, note->n_deltas, sizeof(*l));
	if (note->deltas == NULL)
		return memory_fail(p);
	memcpy(note->deltas, l + from, note->n_deltas * sizeof(*l));
}

const struct rrdp_notification *
rrdp_parser_notification(const struct rrdp_parser *p)
{
	return p->kind == RRDP_KIND_NOTIFICATION && p->complete ? &p->note : NULL;
}
