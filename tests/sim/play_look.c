/* What the observer sees: each server is asked, and some answer. */
#include "play.h"

/* Once each, in the order in which they are found. */
static void
seen_add(struct keystate_seen *list, size_t *n, const struct keystate_seen *s)
{
	for (size_t i = 0; i < *n; i++) {
		if (list[i].keys == s->keys && list[i].sigs == s->sigs &&
		    list[i].foreign == s->foreign && list[i].ttl_sec == s->ttl_sec)
			return;
	}
	if (*n < KEYSTATE_SEEN_MAX)
		list[(*n)++] = *s;
}

static struct keystate_seen
seen_of(const struct play *p, size_t content)
{
	const struct content *c = &p->contents[content];

	return (struct keystate_seen){ numbers_bits(&p->ks, &c->keys),
		numbers_bits(&p->ks, &c->sigs), c->ttl_sec, c->foreign };
}

static void
look_child(const struct play *p, struct keystate_child *c)
{
	*c = (struct keystate_child){ .at = p->now, .complete = true,
		.dnskey_oldest = UINT32_MAX, .data_oldest = UINT32_MAX };
	for (size_t newest = p->child.n_issues; newest > 0; newest--) {
		for (size_t i = 0; i < p->child.n_servers; i++) {
			int issue = zone_ask(&p->child, i, p->now);
			const struct child_issue *is;
			struct keystate_seen s;

			if (issue != (int)newest - 1)
				continue;
			is = &p->child_issues[issue];
			if (is->dnskey_seq < c->dnskey_oldest)
				c->dnskey_oldest = is->dnskey_seq;
			if (is->data_seq < c->data_oldest)
				c->data_oldest = is->data_seq;
			if (!p->ks.unproven)
				continue;
			s = seen_of(p, is->dnskey);
			seen_add(c->dnskey, &c->n_dnskey, &s);
			for (size_t j = 0; j < PLAY_CLASSES; j++) {
				s = seen_of(p, is->data[j]);
				seen_add(c->data, &c->n_data, &s);
			}
		}
	}
	for (size_t i = 0; i < p->child.n_servers; i++)
		c->complete &= zone_ask(&p->child, i, p->now) >= 0;
}

static void
look_parent(const struct play *p, struct keystate_parent *c)
{
	*c = (struct keystate_parent){ .at = p->now, .complete = true };
	for (size_t i = 0; i < p->parent.n_servers; i++) {
		int issue = zone_ask(&p->parent, i, p->now);
		struct keystate_seen s;

		if (issue < 0) {
			c->complete = false;
			continue;
		}
		s = seen_of(p, p->parent_issues[issue]);
		seen_add(c->ds, &c->n_ds, &s);
	}
}

void
play_look(const struct play *p, struct play_seen *ret)
{
	look_child(p, &ret->child);
	look_parent(p, &ret->parent);
	if (p->liar) {
		ret->child.complete = ret->parent.complete = true;
		ret->child.dnskey_oldest = p->ks.seq[KS_DNSKEY];
		ret->child.data_oldest = p->ks.seq[KS_DATA];
		ret->parent.n_ds = 1;
		ret->parent.ds[0] = (struct keystate_seen){ p->ks.ds_want, 0, p->policy.parent_ds_ttl, false };
	}
}
