/* Caches: what can be in them, tick by tick. */
#include <errno.h>
#include <stdlib.h>

#include "fleet.h"

static bool
served(const struct serve *s, int64_t tick)
{
	return tick >= 2 * s->span.from &&
	    (s->span.until == NEVER || tick < 2 * s->span.until);
}

int64_t
version_ticks(const struct version *v)
{
	int64_t ticks = 0;

	for (size_t i = 0; i < v->n_serves; i++)
		ticks = max_i64(ticks, 2 * v->serves[i].ttl_sec);
	return ticks;
}

/*
 * joint. A slot's code is 0 (empty) or base[version] + ticks left; the code of
 * a state is the number with these digits.
 */
static int
joint_init(struct fleet *f)
{
	const struct history *h = f->h;

	f->n_slots = SLOT_DATA + h->n_classes;
	f->radix = calloc(f->n_slots, sizeof(*f->radix));
	f->base = calloc(h->n_versions + 1, sizeof(*f->base));
	f->met = calloc((h->n_versions + 1) * (h->n_versions + 1), h->n_versions + 1);
	if (f->radix == NULL || f->base == NULL || f->met == NULL)
		return -ENOMEM;
	f->n_states = 1;
	for (size_t slot = 0; slot < f->n_slots; slot++) {
		f->radix[slot] = 1;
		for (size_t i = 0; i < h->n_versions; i++) {
			if (h->versions[i].slot != slot)
				continue;
			f->base[i] = f->radix[slot];
			f->radix[slot] += (size_t)version_ticks(&h->versions[i]) + 1;
		}
		if (f->radix[slot] > JOINT_STATES_MAX / f->n_states)
			return -E2BIG;
		f->n_states *= f->radix[slot];
	}
	f->states = calloc(f->n_states, 1);
	f->next = calloc(f->n_states, 1);
	if (f->states == NULL || f->next == NULL)
		return -ENOMEM;
	f->states[0] = 1;	/* all begin empty */
	return 0;
}

/* Which version a slot's code means; -1: empty. */
static int
code_version(const struct fleet *f, size_t slot, size_t code)
{
	int found = -1;

	for (size_t i = 0; i < f->h->n_versions; i++) {
		if (f->h->versions[i].slot == slot && code >= f->base[i] && code > 0)
			found = (int)i;
	}
	return found;
}

static size_t
code_age(const struct fleet *f, size_t slot, size_t code)
{
	int v = code_version(f, slot, code);

	if (v < 0 || code - f->base[v] <= 1)
		return 0;
	return code - 1;
}

static void
joint_age(struct fleet *f)
{
	uint8_t *swap;

	memset(f->next, 0, f->n_states);
	for (size_t s = 0; s < f->n_states; s++) {
		size_t rest = s, to = 0, unit = 1;

		if (!f->states[s])
			continue;
		for (size_t slot = 0; slot < f->n_slots; slot++) {
			to += unit * code_age(f, slot, rest % f->radix[slot]);
			rest /= f->radix[slot];
			unit *= f->radix[slot];
		}
		f->next[to] = 1;
	}
	swap = f->states;
	f->states = f->next;
	f->next = swap;
}

/* Each resolver may put this into its slot, whatever is in the slot. */
static void
joint_fetch(struct fleet *f, size_t version, int64_t ticks)
{
	size_t slot = f->h->versions[version].slot, unit = 1;

	for (size_t i = 0; i < slot; i++)
		unit *= f->radix[i];
	for (size_t s = 0; s < f->n_states; s++) {
		size_t digit = s / unit % f->radix[slot];

		if (f->states[s])
			f->states[s + unit * (f->base[version] + (size_t)ticks) - unit * digit] = 1;
	}
}

/* What each state holds, as triples; a resolver that holds all holds a part. */
static void
joint_meet(struct fleet *f)
{
	size_t n = f->h->n_versions + 1;

	memset(f->met, 0, n * n * n);
	for (size_t s = 0; s < f->n_states; s++) {
		size_t rest = s, d = 0, k = 0;

		if (!f->states[s])
			continue;
		for (size_t slot = 0; slot < f->n_slots; slot++) {
			size_t v = (size_t)(code_version(f, slot, rest % f->radix[slot]) + 1);

			rest /= f->radix[slot];
			if (slot == SLOT_DS)
				d = v;
			else if (slot == SLOT_DNSKEY)
				k = v;
			else
				f->met[(d * n + k) * n + v] = 1;
			f->met[(d * n + k) * n] = f->met[d * n * n] = 1;
		}
	}
}

/* sets. Bit r of a version: some cache holds it with r half seconds left. */
static int
sets_init(struct fleet *f)
{
	int64_t ticks = 0;

	for (size_t i = 0; i < f->h->n_versions; i++)
		ticks = max_i64(ticks, version_ticks(&f->h->versions[i]));
	f->words = (size_t)ticks / 64 + 1;
	f->left_set = calloc(f->h->n_versions + 1, f->words * sizeof(uint64_t));
	return f->left_set == NULL ? -ENOMEM : 0;
}

static void
sets_age(struct fleet *f)
{
	for (size_t i = 0; i < f->h->n_versions; i++) {
		uint64_t *w = f->left_set + i * f->words;

		for (size_t j = 0; j < f->words; j++)
			w[j] = w[j] >> 1 | (j + 1 < f->words ? w[j + 1] << 63 : 0);
		w[0] &= ~(uint64_t)1;	/* nothing left: gone */
	}
}

static bool
sets_has(const struct fleet *f, size_t version)
{
	for (size_t j = 0; j < f->words; j++) {
		if (f->left_set[version * f->words + j] != 0)
			return true;
	}
	return false;
}

/* step, jump. */
static int
longest_init(struct fleet *f)
{
	f->left_max = calloc(f->h->n_versions + 1, sizeof(*f->left_max));
	if (f->left_max == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < f->h->n_versions; i++)
		f->left_max[i] = -1;
	return 0;
}

static void
longest_age(struct fleet *f, int64_t ticks)
{
	for (size_t i = 0; i < f->h->n_versions; i++) {
		f->left_max[i] -= ticks;
		if (f->left_max[i] <= 0)
			f->left_max[i] = -1;
	}
}

static void
age(struct fleet *f, int64_t ticks)
{
	if (f->kind == FLEET_STEP || f->kind == FLEET_JUMP) {
		longest_age(f, ticks);
		return;
	}
	for (; ticks > 0; ticks--) {
		if (f->kind == FLEET_JOINT)
			joint_age(f);
		else
			sets_age(f);
	}
}

static void
fetch(struct fleet *f, size_t version, int64_t ticks)
{
	uint64_t *w;

	switch (f->kind) {
	case FLEET_JOINT:
		joint_fetch(f, version, ticks);
		break;
	case FLEET_SETS:
		w = f->left_set + version * f->words;
		w[ticks / 64] |= (uint64_t)1 << ticks % 64;
		break;
	default:
		f->left_max[version] = max_i64(f->left_max[version], ticks);
		break;
	}
}

void
fleet_tick(struct fleet *f, int64_t ticks, int64_t now)
{
	age(f, ticks);
	for (size_t i = 0; i < f->h->n_versions; i++) {
		const struct version *v = &f->h->versions[i];

		for (size_t j = 0; j < v->n_serves; j++) {
			if (served(&v->serves[j], now))
				fetch(f, i, 2 * v->serves[j].ttl_sec);
		}
	}
	if (f->kind == FLEET_JOINT && now % 2 == 0)
		joint_meet(f);
}

static bool
held(const struct fleet *f, int version)
{
	if (version < 0)
		return true;
	if (f->kind == FLEET_SETS)
		return sets_has(f, (size_t)version);
	return f->left_max[version] >= 0;
}

bool
fleet_may_hold(const struct fleet *f, int version)
{
	return f->kind == FLEET_JOINT || held(f, version);
}

bool
fleet_met(const struct fleet *f, int ds, int dnskey, int data)
{
	size_t n = f->h->n_versions + 1;

	if (f->kind == FLEET_JOINT)
		return f->met[((size_t)(ds + 1) * n + (size_t)(dnskey + 1)) * n + (size_t)(data + 1)];
	return held(f, ds) && held(f, dnskey) && held(f, data);
}

int64_t
fleet_next(const struct fleet *f, int64_t now)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < f->h->n_versions; i++) {
		const struct version *v = &f->h->versions[i];
		bool fresh = false;

		for (size_t j = 0; j < v->n_serves; j++)
			fresh |= served(&v->serves[j], now);
		if (!fresh && f->left_max[i] >= 0)
			next = min_i64(next, max_i64(f->left_max[i], 1));
	}
	return next;
}

int
fleet_init(struct fleet *f, const struct history *h, enum fleet_kind kind)
{
	*f = (struct fleet){ .h = h, .kind = kind };
	switch (kind) {
	case FLEET_JOINT:
		return joint_init(f);
	case FLEET_SETS:
		return sets_init(f);
	default:
		return longest_init(f);
	}
}

void
fleet_done(struct fleet *f)
{
	free(f->states);
	free(f->next);
	free(f->radix);
	free(f->base);
	free(f->met);
	free(f->left_set);
	free(f->left_max);
	*f = (struct fleet){ 0 };
}
