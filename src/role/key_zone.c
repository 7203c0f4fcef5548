/* One zone's keys: the steps that are taken. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_proof.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "role/key_role.h"

#define PROOF_POOL	((size_t)16 << 20)
#define STEPS_MAX	16	/* each makes a key; a policy asks for six at the most */
#define AGAIN_SEC	60	/* what failed here (a disk, a token) is tried again */
#define REFUSED_SEC	300	/* a TTL may have run out that the gate did not wait for */
#define TIMERS_LATE_MAX	31536000 /* seconds: a year that a zone was refused is not worth more */

/* The last key of the ring is the state's now. */
static int
key_made(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a, const char *name,
    int64_t now)
{
	const struct keyring_key *k = keyring_get(kz->ring, keyring_n(kz->ring) - 1);
	struct keystate_newkey new;
	char zone[DNAME_STRLEN];
	struct dnskey d;
	uint32_t number;
	int rc;

	if ((rc = dnskey_parse(k->rdata, &d)) < 0)
		return rc;
	new = (struct keystate_newkey){ .role = a->role, .alg = a->alg, .tag = dnskey_tag(k->rdata),
	    .bits = a->bits, .goal = a->goal, .public_key = d.public_key };
	role_log(kr->role, LOG_LEVEL_NOTICE, "%s: made key %s (%s)", key_zone_text(kz, zone), name,
	    keystate_role_name(a->role));
	if ((rc = keystate_add_key(&key_life(kz)->state, &new, now, &number)) == 0)
		key_audit(kr, kz, "key-made", "", &key_life(kz)->state.keys[keystate_find(&key_life(kz)->state, number)]);
	return rc;
}

/* -EINPROGRESS: the token is at it, and key_token.h's changed() comes when it is done. */
static int
key_make_token(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a, uint16_t flags,
    int64_t now)
{
	size_t zone = (size_t)(kz - kr->zones);
	struct token_made made;
	const char *name;
	struct dnskey d;
	int rc;

	if (kr->token == NULL)
		return -ENOTSUP;
	if ((rc = key_token_make(kr->token, zone, a->alg, a->bits, flags, &made)) < 0)
		return rc;
	if ((rc = dnskey_parse((struct sv){ (const char *)made.rdata, made.rdata_len }, &d)) == 0)
		rc = keyring_add(kz->ring, &d, made.uri.p, NULL, now, &name);
	if (rc < 0) {
		key_token_undo(kr->token, &made);
		return rc == -EEXIST ? key_make_token(kr, kz, a, flags, now) : rc;
	}
	key_token_adopt(kr->token, zone, keyring_get(kz->ring, keyring_n(kz->ring) - 1), &made);
	return key_made(kr, kz, a, name, now);
}

static int
key_make(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a, int64_t now)
{
	uint16_t flags = a->role == KS_ZSK ? DNSKEY_ZONE : DNSKEY_ZONE | DNSKEY_SEP;
	const struct keyring_key *k;
	const char *name;
	int rc;

	if (kz->e->policy.key_store == POLICY_STORE_TOKEN)
		return key_make_token(kr, kz, a, flags, now);
	if ((rc = keyring_generate(kz->ring, a->alg, a->bits, flags, now, &name)) < 0)
		return rc;
	k = keyring_get(kz->ring, keyring_n(kz->ring) - 1);
	if ((rc = key_probe(k->priv, k->rdata)) < 0)
		return rc;
	return key_made(kr, kz, a, name, now);
}

/* The keys that this step asks for; how many. */
static int
keys_make(struct key_role *kr, struct key_zone *kz, int64_t now, unsigned *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < key_life(kz)->step.n_actions; i++) {
		int rc = 0;

		if (key_life(kz)->step.actions[i].act != KS_ACT_GENERATE)
			continue;
		if ((rc = key_make(kr, kz, &key_life(kz)->step.actions[i], now)) < 0 && rc != -EINPROGRESS)
			return rc;
		*ret_n += rc == 0;
	}
	return 0;
}

/*
 * Where timers stand for eyes (timers_child), they run from when the zone was served with the sets
 * of now, not from when these were made: a zone that is refused for days reaches no server.
 */
static void
timers_limit(const struct key_zone *kz, const struct keystate *st, struct dnssec_policy *p)
{
	const struct key_serial *last = kz->serials.n == 0 ? NULL : &kz->serials.v[kz->serials.n - 1];
	int64_t from = INT64_MAX;

	if (!p->timers_child)
		return;
	if (last == NULL || last->dnskey_seq != st->seq[KS_DNSKEY] || last->data_seq != st->seq[KS_DATA]) {
		p->timers_child = 0;
		return;
	}
	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind != KS_DS && st->sets[i].seq == st->seq[st->sets[i].kind])
			from = min_i64(from, st->sets[i].from);
	if (kz->serials.served > from)
		p->child_propagation += (uint32_t)min_i64(kz->serials.served - from, TIMERS_LATE_MAX);
}

/* The engine, which an operator's hold and ours stop in the same way. */
static int
engine(struct keystate *st, const struct key_zone *kz, const struct key_seen *seen, bool hold, int64_t now,
    struct findings *fs, struct keystate_step *step)
{
	const struct keystate_observations o = {
		.child = seen != NULL && seen->has_child ? &seen->child : NULL,
		.parent = seen != NULL && seen->has_parent ? &seen->parent : NULL };
	struct dnssec_policy policy = kz->e->policy;
	bool was = st->hold;
	int rc;

	timers_limit(kz, st, &policy);
	st->hold = was || hold;
	rc = keystate_next(st, &policy, &o, now, fs, step);
	st->hold = was;
	return rc;
}

/* Whole lines of it: cut, half a letter could be the last. */
static void
story_write(const struct findings *fs, enum lang lang, char dst[static KEY_STORY_MAX])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv rest, line;
	size_t n = 0;

	timeline_story_text(&b, fs, lang);
	rest = buf_get(&b);
	while (sv_line(&rest, &line) && n + line.n + 2 <= KEY_STORY_MAX)
		n += (size_t)snprintf(dst + n, KEY_STORY_MAX - n, "%s%.*s", n > 0 ? "\n" : "", SV_ARG(line));
	dst[n] = '\0';
}

/* Each moment tells the story with its own dates; it is news only where something else would fail. */
static uint64_t
story_cause(const struct findings *fs)
{
	uint64_t h = 1;

	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		h = h * 31 + hash_bytes(f->def->code, strlen(f->def->code));
		for (unsigned i = 0; i < f->n_args; i++)
			if (f->args[i].type == FARG_STR || f->args[i].type == FARG_MSG)
				h = h * 31 + hash_bytes(f->args[i].s.p, f->args[i].s.n);
	}
	return h;
}

static void
refuse(struct key_role *kr, struct key_zone *kz, const struct findings *fs, int64_t now)
{
	struct key_refusal *r = &kz->refusal;
	uint64_t cause = story_cause(fs);
	bool known = r->is && r->cause == cause;
	char zone[DNAME_STRLEN];

	for (int lang = 0; lang < LANG_MAX; lang++)
		story_write(fs, (enum lang)lang, r->story[lang]);
	kr->n_held++;
	r->cause = cause;
	if (!r->is)
		r->since = now;
	r->is = true;
	key_told_soon(kr, kz);
	if (known)
		return;
	role_log(kr->role, LOG_LEVEL_ERROR, "%s: the next step of its keys is not taken: some resolver would "
	    "fail", key_zone_text(kz, zone));
	for (struct sv rest = sv_str(r->story[LANG_EN]), line; sv_line(&rest, &line); )
		role_log(kr->role, LOG_LEVEL_ERROR, "%s: %.*s", key_zone_text(kz, zone), SV_ARG(line));
	key_audit(kr, kz, "key-step-refused", "", NULL);
}

/* May the state go on from held to work? */
static int
prove(struct key_role *kr, struct key_zone *kz, const struct keystate *held, const struct keystate *work,
    int64_t now, bool *ret_pass)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(PROOF_POOL);
	struct findings fs;
	bool safe = false;
	int rc;

	*ret_pass = true;
	if (!zone_proof_is_step(held, work)) {
		kz->refusal.is = kz->refusal.overridden = false;
		return 0;
	}
	if (kz->refusal.overridden)
		return 0;
	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	if ((rc = zone_proof_step(held, work, &kz->e->policy, now, &fs, &safe)) == -ENOMEM)
		return rc;
	/* What cannot be proven is not taken. */
	if (rc < 0)
		finding_add(&fs, &roll_findings[ROLL_UNPROVEN], FA_MSG("why", err_str(rc)));
	*ret_pass = rc == 0 && safe;
	if (!*ret_pass)
		refuse(kr, kz, &fs, now);
	return 0;
}

/* A step that was waited for is taken, with or without the proof. */
static void
refusal_over(struct key_role *kr, struct key_zone *kz)
{
	if (kz->refusal.overridden)
		key_audit(kr, kz, "key-step-overridden", "", NULL);
	if (kz->refusal.is)
		key_told_soon(kr, kz);
	kz->refusal.is = kz->refusal.overridden = false;
}

bool
key_zone_is_new(const struct key_role *kr, const struct key_zone *kz)
{
	const struct keystate *st = &key_life(kz)->state;

	return kr->looks && !kz->parent_looked && st->seq[KS_DNSKEY] == 1 && st->seq[KS_DATA] == 2 &&
	    st->next_seq == 3;
}

/* One call: what was seen counts in any case, the step only if it is proven. */
static int
step_take(struct key_role *kr, struct key_zone *kz, const struct key_seen *seen, int64_t now, struct findings *fs)
{
	struct keystate held = key_life(kz)->state, work = key_life(kz)->state;
	struct keystate_step step, held_step;
	struct findings quiet;
	bool pass;
	int rc;

	findings_init(&quiet, fs->pool);
	if ((rc = engine(&held, kz, seen, true, now, &quiet, &held_step)) < 0 ||
	    (rc = engine(&work, kz, seen, key_zone_is_new(kr, kz), now, fs, &step)) < 0 ||
	    (rc = prove(kr, kz, &held, &work, now, &pass)) < 0)
		return rc;
	if (pass && zone_proof_is_step(&held, &work))
		refusal_over(kr, kz);
	key_life(kz)->state = pass ? work : held;
	key_life(kz)->step = pass ? step : held_step;
	return 0;
}

/* A key that cannot be made (a full disk, a token) holds up nothing but itself. */
static int
steps(struct key_role *kr, struct key_zone *kz, const struct key_seen *seen, int64_t now, struct findings *fs,
    bool *ret_again)
{
	char zone[DNAME_STRLEN];
	unsigned made = 1;
	int rc = 0;

	for (unsigned i = 0; i < STEPS_MAX && made > 0; i++) {
		if ((rc = step_take(kr, kz, i == 0 ? seen : NULL, now, fs)) < 0)
			return rc;
		rc = keys_make(kr, kz, now, &made);
		if (rc == -ENOMEM)
			return rc;
		if (rc >= 0)
			continue;
		role_log(kr->role, LOG_LEVEL_ERROR, "%s: a key cannot be made: %s", key_zone_text(kz, zone), err_str(rc));
		*ret_again = true;
		break;
	}
	/* Before anybody hears of it. */
	return key_state_write(kr, kz);
}

int
key_zone_step(struct key_role *kr, struct key_zone *kz, const struct key_seen *seen)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(KEY_FINDINGS_POOL);
	int64_t now = role_now(kr->role);
	struct findings fs;
	bool again = false;
	int rc;

	if (kz->ring == NULL)
		return 0;
	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	rc = steps(kr, kz, seen, now, &fs, &again);
	key_findings_tell(kr, kz, &fs);
	kz->next = rc < 0 || again ? now + AGAIN_SEC : key_life(kz)->step.next;
	if (kz->refusal.is)
		kz->next = min_i64(kz->next, now + REFUSED_SEC);
	key_zone_due(kr, kz);
	/* A full disk: what was told stays true. */
	if (rc < 0)
		return kz->set != NULL && kz->set->state == KEY_SET_READY ? 0 :
		    key_set_cannot(kr, kz, "its keys", err_str(rc));
	if ((rc = key_set_make(kr, kz)) < 0)
		return rc;
	rc = key_act(kr, kz);
	key_zone_due(kr, kz);
	return rc;
}

int
key_zone_begin(struct key_role *kr, struct key_zone *kz)
{
	int rc;

	if (kz->begun)
		return 0;
	kr->n_begun++;
	if ((rc = key_zone_load(kr, kz)) < 0)
		return rc;
	return key_zone_step(kr, kz, NULL);
}
