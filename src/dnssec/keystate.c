/* keystate: keys, the sets that caches may hold, and the states that follow. */
#include "dnssec/keystate_internal.h"

#include <errno.h>

#include "base/err.h"

#define F FINDING_ROW_
const struct finding_def keystate_findings[KEYSTATE_CODE_MAX] = {
#include "dnssec/keystate_findings.def"
};
#undef F

void
keystate_init(struct keystate *st, int64_t now)
{
	*st = (struct keystate){ .now = now, .ds_done = true, .ds_since = now,
	    .next_number = 1, .next_seq = 3, .seq = { [KS_DNSKEY] = 1, [KS_DATA] = 2 } };
	for (int kind = 0; kind < KS_KIND_MAX; kind++)
		st->sets[st->n_sets++] = (struct keystate_set){ .kind = (enum ks_kind)kind,
		    .seq = st->seq[kind], .seen = true, .from = now,
		    .gone = TIME_NEVER, .until = TIME_NEVER };
}

int
keystate_find(const struct keystate *st, uint32_t number)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (number != 0 && st->keys[i].number == number)
			return i;
	return -1;
}

uint32_t
ks_mask_flags(const struct keystate *st, uint32_t flags)
{
	uint32_t mask = 0;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (st->keys[i].number != 0 && ks_is(&st->keys[i], flags))
			mask |= ks_bit(i);
	return mask;
}

/* --- adding --- */

static bool
public_known(const struct keystate *st, const struct keystate_newkey *new)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = &st->keys[i];

		if (k->number != 0 && k->alg == new->alg && k->public_len == new->public_key.n &&
		    memcmp(k->public_key, new->public_key.p, k->public_len) == 0)
			return true;
	}
	return false;
}

/* The newest in use that does the same work; one that is meant to go on, before others. */
static struct keystate_key *
predecessor_find(struct keystate *st, const struct keystate_newkey *new)
{
	struct keystate_key *best = NULL;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct keystate_key *k = &st->keys[i];
		bool same = k->role == new->role || k->role == KS_CSK || new->role == KS_CSK;

		bool stays = k->goal == KS_GOAL_OMNIPRESENT;

		if (k->number == 0 || !same || ks_is(k, KS_FLAG_EXTERNAL) || k->active == TIME_NEVER)
			continue;
		if (best == NULL || (stays && best->goal != KS_GOAL_OMNIPRESENT) ||
		    (stays == (best->goal == KS_GOAL_OMNIPRESENT) && k->number > best->number))
			best = k;
	}
	return best;
}

static int
place_free(const struct keystate *st)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (st->keys[i].number == 0)
			return i;
	return -1;
}

int
keystate_add_key(struct keystate *st, const struct keystate_newkey *new, int64_t now,
    uint32_t *ret_number)
{
	int place = place_free(st);
	struct keystate_key *k, *old = NULL;

	if (new->public_key.n == 0 || new->public_key.n > KEYSTATE_PUBLIC_MAX ||
	    new->role >= KS_ROLE_MAX || new->goal >= KS_GOAL_MAX)
		return -EINVAL;
	if (public_known(st, new))
		return -EEXIST;
	if (place < 0 || st->next_number == UINT32_MAX)
		return SE_LIMIT;
	if (new->goal == KS_GOAL_OMNIPRESENT && new->active == 0 &&
	    (new->flags & KS_FLAG_EXTERNAL) == 0)
		old = predecessor_find(st, new);
	k = &st->keys[place];
	*k = (struct keystate_key){ .number = st->next_number++, .role = new->role, .alg = new->alg,
	    .tag = new->tag, .bits = new->bits, .flags = new->flags, .goal = new->goal,
	    .created = now, .active = new->active != 0 ? new->active : TIME_NEVER, .end = new->end,
	    .public_len = (uint16_t)new->public_key.n };
	memcpy(k->public_key, new->public_key.p, new->public_key.n);
	for (int r = 0; r < KS_REC_MAX; r++)
		k->records[r].since = now;
	if (old != NULL) {
		k->predecessor = old->number;
		old->successor = k->number;
	}
	*ret_number = k->number;
	return 0;
}

/* The key of st that the number of the other state is; NULL. */
static struct keystate_key *
taken_find(struct keystate *st, const struct keystate *from, uint32_t number)
{
	int place = keystate_find(from, number);

	if (place < 0)
		return NULL;
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct keystate_key *k = &st->keys[i];

		if (k->number != 0 && k->alg == from->keys[place].alg &&
		    k->public_len == from->keys[place].public_len &&
		    memcmp(k->public_key, from->keys[place].public_key, k->public_len) == 0)
			return k;
	}
	return NULL;
}

/* 1: it is new. */
static int
key_take(struct keystate *st, const struct keystate_key *k, int64_t now)
{
	const struct keystate_newkey new = { .role = k->role, .alg = k->alg, .tag = k->tag, .bits = k->bits,
	    .flags = k->flags, .goal = k->goal, .active = k->active, .end = k->end,
	    .public_key = { (const char *)k->public_key, k->public_len } };
	uint32_t number;
	int rc = keystate_add_key(st, &new, now, &number);

	return rc == -EEXIST ? 0 : rc < 0 ? rc : 1;
}

int
keystate_take(struct keystate *st, const struct keystate *from, int64_t now, unsigned *ret_n)
{
	struct keystate work = *st;
	uint32_t first = work.next_number;
	unsigned n = 0;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		int rc = from->keys[i].number == 0 ? 0 : key_take(&work, &from->keys[i], now);

		if (rc < 0)
			return rc;
		n += (unsigned)rc;
	}
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct keystate_key *old = taken_find(&work, from, from->keys[i].number), *next;

		if (old == NULL || (next = taken_find(&work, from, from->keys[i].successor)) == NULL ||
		    next->number < first)
			continue;
		old->successor = next->number;
		next->predecessor = old->number;
	}
	*st = work;
	*ret_n = n;
	return 0;
}

void
keystate_distrust(struct keystate *st)
{
	st->unproven = true;
}

/* --- sets --- */

const struct keystate_set *
ks_current(const struct keystate *st, enum ks_kind kind)
{
	static const struct keystate_set nothing = { .gone = TIME_NEVER, .until = TIME_NEVER };

	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == kind && st->sets[i].seq != 0 &&
		    st->sets[i].seq == st->seq[kind])
			return &st->sets[i];
	return &nothing;
}

int
ks_set_add(struct keystate *st, const struct keystate_set *s)
{
	if (st->n_sets == KEYSTATE_SETS_MAX)
		return SE_LIMIT;
	st->sets[st->n_sets++] = *s;
	return 0;
}

void
ks_sets_purge(struct keystate *st, int64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < st->n_sets; i++)
		if (ks_alive(&st->sets[i], now))
			st->sets[n++] = st->sets[i];
	for (size_t i = n; i < st->n_sets; i++)
		st->sets[i] = (struct keystate_set){ 0 };
	st->n_sets = n;
}

/* --- the four states --- */

static const struct {
	enum ks_kind	kind;
	bool		of_sigs;
} record_of[KS_REC_MAX] = {
	[KS_REC_DNSKEY] = { KS_DNSKEY, false },
	[KS_REC_KEYSIG] = { KS_DNSKEY, true },
	[KS_REC_ZONESIG] = { KS_DATA, true },
	[KS_REC_DS] = { KS_DS, false },
};

static uint32_t
newest(const struct keystate *st, enum ks_record r)
{
	const struct keystate_set *cur;

	if (r == KS_REC_DS)
		return st->ds_want;
	cur = ks_current(st, record_of[r].kind);
	return record_of[r].of_sigs ? cur->sigs : cur->keys;
}

enum ks_state
ks_record_state(const struct keystate *st, int place, enum ks_record r, int64_t now)
{
	bool in_some = false, in_all = true;

	for (size_t i = 0; i < st->n_sets; i++) {
		const struct keystate_set *s = &st->sets[i];
		uint32_t mask = record_of[r].of_sigs ? s->sigs : s->keys;

		if (s->kind != record_of[r].kind || !ks_alive(s, now))
			continue;
		if ((mask & ks_bit(place)) != 0)
			in_some = true;
		else
			in_all = false;
	}
	if ((newest(st, r) & ks_bit(place)) != 0)
		return in_all ? KS_OMNIPRESENT : KS_RUMOURED;
	return in_some ? KS_UNRETENTIVE : KS_HIDDEN;
}

void
ks_records_update(struct keystate *st, int64_t now)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		for (int r = 0; r < KS_REC_MAX && st->keys[i].number != 0; r++) {
			enum ks_state s = ks_record_state(st, i, (enum ks_record)r, now);

			if (s == st->keys[i].records[r].state)
				continue;
			st->keys[i].records[r].state = s;
			st->keys[i].records[r].since = now;
		}
}

/* --- the call --- */

int
keystate_next(struct keystate *st, const struct dnssec_policy *policy,
    const struct keystate_observations *seen, int64_t now, struct findings *fs,
    struct keystate_step *ret)
{
	struct keystate work = *st;
	struct ks_run run = { .st = &work, .policy = policy, .fs = fs, .now = now, .step = ret };
	int rc = 0;

	*ret = (struct keystate_step){ .next = TIME_NEVER };
	ret->held = !ks_observe(&run, seen);
	if (!ret->held) {
		ks_manage(&run);
		rc = ks_steps(&run);
	}
	if (rc < 0)
		return rc;
	ks_records_update(&work, work.now);
	ks_tell(&run);
	*st = work;
	return 0;
}
