/* The signer of the play: it publishes what the engine says, and signs anew in time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "play.h"

bool
numbers_has(const struct numbers *n, uint32_t i)
{
	return n->w[i / 64] >> i % 64 & 1;
}

void
numbers_add(struct numbers *n, uint32_t i)
{
	n->w[i / 64] |= (uint64_t)1 << i % 64;
}

bool
numbers_eq(const struct numbers *a, const struct numbers *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool
numbers_none(const struct numbers *n)
{
	const struct numbers none = { 0 };

	return numbers_eq(n, &none);
}

struct numbers
numbers_of(const struct keystate *ks, uint32_t bits)
{
	struct numbers n = { 0 };

	for (uint32_t i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		if (bits >> i & 1 && ks->keys[i].number < PLAY_KEYS_MAX)
			numbers_add(&n, ks->keys[i].number);
	}
	return n;
}

uint32_t
numbers_bits(const struct keystate *ks, const struct numbers *n)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		uint32_t number = ks->keys[i].number;

		if (number != 0 && number < PLAY_KEYS_MAX && numbers_has(n, number))
			bits |= (uint32_t)1 << i;
	}
	return bits;
}

size_t
content_add(struct play *p, char kind, const struct content *c)
{
	struct content *new = reallocarray(p->contents, p->n_contents + 1, sizeof(*new));

	if (new == NULL) {
		p->rc = -ENOMEM;
		return 0;
	}
	p->contents = new;
	new += p->n_contents;
	*new = *c;
	snprintf(new->id, sizeof(new->id), "%c%zu", kind, p->n_contents);
	return p->n_contents++;
}

/* Signed now, by these. */
static size_t
sign(struct play *p, char kind, struct numbers keys, struct numbers sigs, uint32_t ttl)
{
	struct content c = { .keys = keys, .sigs = sigs, .ttl_sec = ttl };

	c.inc = p->now - p->policy.clock_skew;
	c.exp = p->now + p->policy.validity - dice_in(&p->dice, 0, p->policy.jitter);
	return content_add(p, kind, &c);
}

/* That there are none is a negative answer, with a TTL as the zone has them. */
static uint32_t
dnskey_ttl(const struct play *p, const struct numbers *keys)
{
	return numbers_none(keys) ? p->policy.max_zone_ttl : p->policy.dnskey_ttl;
}

static bool
due(const struct play *p, size_t content)
{
	const struct content *c = &p->contents[content];

	return !numbers_none(&c->sigs) && c->exp - p->now <= p->policy.refresh;
}

static void
publish(struct play *p, const struct child_issue *issue)
{
	struct child_issue *new;
	size_t n;

	new = reallocarray(p->child_issues, p->child.n_issues + 1, sizeof(*new));
	if (new == NULL) {
		p->rc = -ENOMEM;
		return;
	}
	p->child_issues = new;
	new[p->child.n_issues] = *issue;
	if (zone_publish(&p->child, &p->dice, p->now, &n) < 0)
		p->rc = -ENOMEM;
}

/* The first issue: neither keys nor signatures. */
static void
publish_first(struct play *p)
{
	struct numbers none = { 0 };
	/* The engine's first numbers mean what was there before it. */
	struct child_issue is = { .dnskey_seq = p->ks.seq[KS_DNSKEY], .data_seq = p->ks.seq[KS_DATA] };

	p->pub.dnskey_seq = is.dnskey_seq;
	p->pub.data_seq = is.data_seq;
	is.dnskey = sign(p, 'k', none, none, p->policy.max_zone_ttl);
	for (size_t i = 0; i < PLAY_CLASSES; i++)
		is.data[i] = sign(p, 's', none, none, p->policy.max_zone_ttl);
	publish(p, &is);
	/* It was there long before, everywhere. */
	for (size_t i = 0; i < p->child.n_servers; i++)
		p->child.issues[0].at[i] = 0;
}

static bool
dnskey_changed(const struct keystate_publication *a, const struct keystate_publication *b)
{
	return a->dnskey_seq != b->dnskey_seq || a->dnskey != b->dnskey ||
	    a->dnskey_sigs != b->dnskey_sigs;
}

static bool
cds_changed(const struct keystate_publication *a, const struct keystate_publication *b)
{
	return a->cds != b->cds || a->cds_delete != b->cds_delete;
}

/* A new issue, if there is a reason for one. */
void
signer_step(struct play *p)
{
	const struct keystate_publication *pub = p->step.pub.valid ? &p->step.pub : &p->pub;
	struct numbers keys = numbers_of(&p->ks, pub->dnskey), sigs = numbers_of(&p->ks, pub->dnskey_sigs);
	struct numbers zone_sigs = numbers_of(&p->ks, pub->zone_sigs), none = { 0 };
	struct child_issue is;
	bool any = false;

	if (p->child.n_issues == 0) {
		publish_first(p);
		return;
	}
	is = p->child_issues[p->child.n_issues - 1];
	if (dnskey_changed(pub, &p->pub) || due(p, is.dnskey)) {
		is.dnskey = sign(p, 'k', keys, sigs, dnskey_ttl(p, &keys));
		any = true;
	}
	for (size_t i = 0; i < PLAY_CLASSES; i++) {
		if (pub->data_seq != p->pub.data_seq || pub->zone_sigs != p->pub.zone_sigs ||
		    due(p, is.data[i])) {
			is.data[i] = sign(p, 's', none, zone_sigs, p->policy.max_zone_ttl);
			any = true;
		}
	}
	any |= cds_changed(pub, &p->pub);
	is.cds = numbers_of(&p->ks, pub->cds);
	is.cds_delete = pub->cds_delete;
	is.dnskey_seq = pub->dnskey_seq;
	is.data_seq = pub->data_seq;
	if (dnskey_changed(pub, &p->pub) || pub->data_seq != p->pub.data_seq ||
	    cds_changed(pub, &p->pub)) {
		p->counts.publications++;
		play_log(p, "publish dnskey %08x by %08x, data by %08x, cds %08x%s", pub->dnskey,
		    pub->dnskey_sigs, pub->zone_sigs, pub->cds, pub->cds_delete ? " delete" : "");
	}
	p->pub = *pub;
	if (any)
		publish(p, &is);
}
