/*
 * Names wait until there are enough to be hashed side by side (crypto/digest.h).
 * With iterations the hashes are most of an audit's work, and an audit takes
 * other people's zones, which may have 2500.
 */
#include <errno.h>
#include <stdlib.h>

#include "dnssec/audit_internal.h"

void
nsec3_hash_key(const struct audit *a, struct sv key, uint8_t ret[static NSEC3_HASH_LEN])
{
	const struct chain *c = &a->denial.chains[0];
	struct dname name;

	dkey_name((const uint8_t *)key.p, key.n, &a->apex, &name);
	nsec3_hash(&name, c->salt, c->iterations, ret);
}

static void
chain_places(struct worker *w, const struct chain *c)
{
	uint8_t hashes[AUDIT_HASHES][NSEC3_HASH_LEN];
	struct hashwork *h = w->h;

	nsec3_hash_many(h->name, h->n, c->salt, c->iterations, hashes);
	for (size_t i = 0; i < h->n; i++) {
		struct place *p = &h->place[i];

		p->chain = c;
		memcpy(p->hash, hashes[i], sizeof(p->hash));
		w->name = h->name[i];
		nsec3_place(w, p);
	}
}

/* The walk stands at another name by now, and goes on from there. */
void
nsec3_flush(struct worker *w)
{
	const struct denial *d = &w->a->denial;
	struct dname at = w->name;

	if (w->h == NULL || w->h->n == 0)
		return;
	for (unsigned i = 0; i < d->n_chains; i++)
		if (d->chains[i].hashable)
			chain_places(w, &d->chains[i]);
	w->h->n = 0;
	w->name = at;
}

void
nsec3_name(struct worker *w, const struct znode *node, struct sv key, enum name_kind kind)
{
	struct hashwork *h = w->h;

	w->out->counts.n_ents += kind == NAME_ENT && !w->collect;
	if (h == NULL) {
		if ((h = w->h = malloc(sizeof(*h))) == NULL) {
			w->out->rc = -ENOMEM;
			return;
		}
		h->n = 0;
	}
	h->name[h->n] = w->name;
	h->place[h->n++] = (struct place){ .node = node, .key = key, .kind = kind };
	if (h->n == AUDIT_HASHES)
		nsec3_flush(w);
}
