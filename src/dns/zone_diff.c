/* What two versions do not share. */
#include "dns/zone_internal.h"

struct side {
	const struct zpart	*p;
	size_t			 block;
	uint32_t		 i;
};

static const struct znode *
side_node(const struct side *s)
{
	return s->block < s->p->n_blk ? s->p->blk[s->block]->node[s->i] : NULL;
}

static void
side_step(struct side *s)
{
	if (++s->i == s->p->blk[s->block]->n) {
		s->block++;
		s->i = 0;
	}
}

/* Both at the beginning of the same block: nothing in it differs. */
static bool
sides_share(const struct side *a, const struct side *b)
{
	return a->i == 0 && b->i == 0 && a->block < a->p->n_blk && b->block < b->p->n_blk &&
	    a->p->blk[a->block] == b->p->blk[b->block];
}

/* The difference of the two keys that come next; one that has ended is behind all. */
static int
sides_cmp(const struct znode *a, const struct znode *b)
{
	if (a == NULL || b == NULL)
		return a == NULL ? 1 : -1;
	return znode_cmp_key(a, znode_key(b));
}

static int
part_diff(const struct zpart *old, const struct zpart *new, enum zone_part part,
    int (*fn)(void *, enum zone_part, const struct znode *, const struct znode *), void *arg)
{
	struct side a = { .p = old }, b = { .p = new };

	for (;;) {
		const struct znode *x, *y;
		int d, rc = 0;

		if (sides_share(&a, &b)) {
			a.block++;
			b.block++;
			continue;
		}
		x = side_node(&a);
		y = side_node(&b);
		if (x == NULL && y == NULL)
			return 0;
		d = sides_cmp(x, y);
		if (d <= 0)
			side_step(&a);
		if (d >= 0)
			side_step(&b);
		if (x != y)
			rc = fn(arg, part, d <= 0 ? x : NULL, d >= 0 ? y : NULL);
		if (rc < 0)
			return rc;
	}
}

int
zone_diff(const struct zone *old, const struct zone *new,
    int (*fn)(void *, enum zone_part, const struct znode *, const struct znode *), void *arg)
{
	for (unsigned i = 0; i < ZONE_PART_MAX; i++) {
		int rc = part_diff(&old->part[i], &new->part[i], i, fn, arg);

		if (rc < 0)
			return rc;
	}
	return 0;
}
