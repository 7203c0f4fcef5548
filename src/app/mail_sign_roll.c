/* Which key signs when: states that follow from times. */
#include <errno.h>
#include <string.h>

#include "app/mail_sign_roll.h"
#include "base/err.h"
#include "base/tr.h"

/*
 * Clocks count whole seconds, those of caches, too: what was seen to be gone at 12.0 may have been
 * given at 12.9, and be remembered a second longer than its TTL.
 */
#define SLACK_SEC	2

const char *
mail_roll_state_name(enum mail_roll_state s)
{
	static const char *const names[MAIL_ROLL_STATE_MAX] = {
		[MAIL_ROLL_MADE] = N_("made"), [MAIL_ROLL_PUBLISHED] = N_("published"),
		[MAIL_ROLL_SEEN] = N_("seen"), [MAIL_ROLL_IN_USE] = N_("in use"),
		[MAIL_ROLL_RETIRED] = N_("retired"), [MAIL_ROLL_WITHDRAWN] = N_("withdrawn"),
	};

	return s < MAIL_ROLL_STATE_MAX ? names[s] : "";
}

/* --- at a time --- */

static int64_t
use_of(const struct mail_roll_key *k)
{
	return k->seen + k->ttl_sec + SLACK_SEC;
}

static bool
same_place(const struct mail_roll_key *a, const struct mail_roll_key *b)
{
	return a->alg == b->alg && sv_eq(a->domain, b->domain);
}

/* Since when, or from when on, a younger key signs instead; 0: none is on its way. */
static int64_t
retirement_of(const struct mail_roll *r, const struct mail_roll_key *k)
{
	int64_t at = 0;

	for (const struct mail_roll_key *o = k + 1; o < r->keys + r->n; o++)
		if (o->seen != 0 && same_place(o, k) && (at == 0 || use_of(o) < at))
			at = use_of(o);
	return at;
}

struct mail_roll_now
mail_roll_at(const struct mail_roll *r, const struct mail_roll_key *k, int64_t now)
{
	int64_t use = use_of(k), end = retirement_of(r, k);

	/* What was replaced once is not on its way to be used any more. */
	if (end != 0 && end <= now) {
		if (now < end + MAIL_ROLL_KEEP_SEC)
			return (struct mail_roll_now){ MAIL_ROLL_RETIRED, end, end + MAIL_ROLL_KEEP_SEC };
		return (struct mail_roll_now){ MAIL_ROLL_WITHDRAWN, end + MAIL_ROLL_KEEP_SEC, 0 };
	}
	if (k->seen != 0 && use <= now)
		return (struct mail_roll_now){ MAIL_ROLL_IN_USE, use, end };
	if (k->seen != 0)
		return (struct mail_roll_now){ MAIL_ROLL_SEEN, k->seen, use };
	if (k->published != 0)
		return (struct mail_roll_now){ MAIL_ROLL_PUBLISHED, k->published, end };
	return (struct mail_roll_now){ MAIL_ROLL_MADE, k->made, end };
}

int64_t
mail_roll_next(const struct mail_roll *r, int64_t now)
{
	int64_t next = 0;

	for (size_t i = 0; i < r->n; i++) {
		int64_t at = mail_roll_at(r, &r->keys[i], now).until;

		if (at > now && (next == 0 || at < next))
			next = at;
	}
	return next;
}

/* --- what was seen --- */

void
mail_roll_see(struct mail_roll_key *k, const struct mail_roll_look *l, int64_t now)
{
	uint32_t ttl = l->ttl_sec < MAIL_ROLL_TTL_MAX ? l->ttl_sec : MAIL_ROLL_TTL_MAX;

	if (l->n_has + l->n_other == 0)
		return;
	k->looked = now;
	if (l->n_other > 0)
		k->seen = 0;
	if (k->seen == 0 && ttl > k->ttl_sec)
		k->ttl_sec = ttl;
	if (l->n_has == 0)
		k->published = 0;
	else if (k->published == 0)
		k->published = now;
	/* Who gave no answer may have the old one: it is not seen before all have been. */
	if (l->n_other == 0 && l->n_silent == 0 && k->seen == 0)
		k->seen = now;
}

/* --- the list --- */

struct mail_roll_key *
mail_roll_find(const struct mail_roll *r, struct sv domain, struct sv selector)
{
	for (size_t i = 0; i < r->n; i++)
		if (sv_eq(r->keys[i].domain, domain) && sv_eq(r->keys[i].selector, selector))
			return &r->keys[i];
	return NULL;
}

int
mail_roll_add(struct mail_roll *r, struct pool *pool, const struct mail_roll_key *k)
{
	struct mail_roll_key *keys;

	if (mail_roll_find(r, k->domain, k->selector) != NULL)
		return -EEXIST;
	if (r->n == MAIL_ROLL_KEYS_MAX)
		return SE_LIMIT;
	if ((keys = pool_calloc(pool, r->n + 1, sizeof(*keys))) == NULL)
		return -ENOMEM;
	if (r->n > 0)
		memcpy(keys, r->keys, r->n * sizeof(*keys));
	keys[r->n] = *k;
	*r = (struct mail_roll){ keys, r->n + 1 };
	return 0;
}

void
mail_roll_del(struct mail_roll *r, struct mail_roll_key *k)
{
	size_t i = (size_t)(k - r->keys);

	memmove(k, k + 1, (r->n - i - 1) * sizeof(*k));
	r->n--;
}
