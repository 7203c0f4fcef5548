/* Registry, person and operator: slow, and at times wrong. */
#include <stdlib.h>

#include "play.h"

#define HOUR	3600
#define DAY	86400

static struct errand *
errand_add(struct play *p, int64_t at, void (*run)(struct play *, const struct errand *))
{
	for (size_t i = 0; i < ERRANDS_MAX; i++) {
		struct errand *e = &p->errands[i];

		if (e->run != NULL)
			continue;
		*e = (struct errand){ .at = at, .run = run };
		return e;
	}
	p->rc = -1;	/* more than anybody should ask for */
	return NULL;
}

static bool
errand_pending(const struct play *p, void (*run)(struct play *, const struct errand *),
    const struct keystate_action *a)
{
	for (size_t i = 0; i < ERRANDS_MAX; i++) {
		const struct errand *e = &p->errands[i];

		if (e->run == run && (a == NULL || (e->action.act == a->act &&
		    e->action.key == a->key && e->action.role == a->role && e->action.alg == a->alg)))
			return true;
	}
	return false;
}

/* Mostly at once, sometimes days later: a person, or a token that does not answer. */
static int64_t
soon_or_late(struct play *p, int64_t days)
{
	return dice_percent(&p->dice, 80) ? dice_in(&p->dice, 0, HOUR) : dice_in(&p->dice, 0, days * DAY);
}

/* --- keys --- */

static void
key_generate(struct play *p, const struct errand *e)
{
	char name[32];
	struct keystate_newkey key = {
		.role = e->action.role, .alg = e->action.alg, .bits = e->action.bits, .goal = e->action.goal,
		.flags = dice_percent(&p->dice, 30) ? KS_FLAG_BACKED_UP : 0,
		.tag = (uint16_t)dice_u64(&p->dice),
	};
	uint32_t number;
	int rc;

	snprintf(name, sizeof(name), "key %u of the play", ++p->counts.generated);
	key.public_key = sv_str(name);
	rc = keystate_add_key(&p->ks, &key, p->now, &number);
	if (rc < 0 || number >= PLAY_KEYS_MAX) {
		play_log(p, "no key: %d", rc);
		p->end = min_i64(p->end, p->now);	/* enough was played */
		return;
	}
	p->algs[number] = key.alg;
	play_log(p, "generate %s %u alg %u", keystate_role_name(key.role), number, key.alg);
}

static void
command(struct play *p, enum keystate_command cmd, uint32_t number)
{
	int rc = keystate_command(&p->ks, cmd, number, p->now);

	p->counts.commands++;
	if (cmd == KS_CMD_CANCEL || cmd == KS_CMD_COMPROMISED)
		p->mixed_until = p->now + MIXED_SEC;
	p->counts.refused += rc < 0;
	play_log(p, "command %d key %u: %d", (int)cmd, number, rc);
}

static void
key_backup(struct play *p, const struct errand *e)
{
	command(p, KS_CMD_BACKED_UP, e->action.key);
}

static void
key_delete(struct play *p, const struct errand *e)
{
	command(p, KS_CMD_DELETED, e->action.key);
	p->counts.deleted++;
}

static uint32_t
any_key(struct play *p)
{
	uint32_t found[KEYSTATE_KEYS_MAX], n = 0;

	for (size_t i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		if (p->ks.keys[i].number != 0)
			found[n++] = p->ks.keys[i].number;
	}
	return n == 0 ? 0 : found[dice_in(&p->dice, 0, (int64_t)n - 1)];
}

/* --- the parent --- */

void
parent_publish(struct play *p, struct numbers keys, bool foreign, bool mistake)
{
	struct content c = { .keys = keys, .foreign = foreign, .mistake = mistake };
	size_t *new, n;

	c.ttl_sec = p->policy.parent_ds_ttl;
	new = reallocarray(p->parent_issues, p->parent.n_issues + 1, sizeof(*new));
	if (new == NULL) {
		p->rc = -1;
		return;
	}
	p->parent_issues = new;
	new[p->parent.n_issues] = content_add(p, mistake ? 'x' : 'd', &c);
	p->rc |= zone_publish(&p->parent, &p->dice, p->now, &n);
	p->counts.ds_changes++;
	play_log(p, "parent has %08x %s%s", numbers_bits(&p->ks, &keys),
	    foreign ? "and another " : "", mistake ? "(a mistake)" : "");
}

static const struct content *
parent_newest(const struct play *p)
{
	return &p->contents[p->parent_issues[p->parent.n_issues - 1]];
}

static bool
parent_has(const struct play *p, const struct numbers *keys)
{
	const struct content *c = parent_newest(p);

	return !c->foreign && numbers_eq(&c->keys, keys);
}

static void
ds_enter(struct play *p, const struct errand *e)
{
	if (e->mistake || !parent_has(p, &e->ds))
		parent_publish(p, e->ds, e->foreign, e->mistake);
}

/* Second thoughts, while the registry is at work. */
static void
regret(struct play *p, const struct errand *e)
{
	(void)e;
	p->mixed_until = p->now + MIXED_SEC;
	if (dice_percent(&p->dice, 30))
		p->policy.secure = !p->policy.secure;
	else
		command(p, dice_percent(&p->dice, 70) ? KS_CMD_CANCEL : KS_CMD_ROLL, any_key(p));
}

/* From the moment at which the registry knows, it takes its own time. */
static void
ds_submit(struct play *p, struct numbers keys)
{
	struct errand *e;

	if (parent_has(p, &keys) || errand_pending(p, ds_enter, NULL))
		return;
	e = errand_add(p, p->now + dice_in(&p->dice, 0, p->entry_sec), ds_enter);
	if (e != NULL)
		e->ds = keys;
	if (p->trouble_every > 0 && dice_percent(&p->dice, 25))
		errand_add(p, p->now + dice_in(&p->dice, 0, p->entry_sec), regret);
	play_log(p, "the registry is asked for %08x", numbers_bits(&p->ks, &keys));
}

/* A person finds the mail, and does what is wanted now. */
static void
ds_person(struct play *p, const struct errand *e)
{
	(void)e;
	ds_submit(p, numbers_of(&p->ks, p->ks.ds_want));
}

/* RFC 9975: all servers must answer, and say the same. */
static void
cds_scan(struct play *p)
{
	const struct child_issue *first = NULL;

	p->next_scan = p->now + p->scan_sec;
	if (p->policy.ds_handover != POLICY_BY_CDS)
		return;
	for (size_t i = 0; i < p->child.n_servers; i++) {
		int issue = zone_ask(&p->child, i, p->now);
		const struct child_issue *is;

		if (issue < 0)
			return;
		is = &p->child_issues[issue];
		if (first == NULL)
			first = is;
		if (!numbers_eq(&first->cds, &is->cds) || first->cds_delete != is->cds_delete)
			return;
	}
	if (first != NULL && (first->cds_delete || !numbers_none(&first->cds)))
		ds_submit(p, first->cds);
}

/* What is repaired is what is wanted by then. */
static void
ds_mend(struct play *p, const struct errand *e)
{
	struct numbers want = numbers_of(&p->ks, p->ks.ds_want);

	(void)e;
	/* Nobody mends by removing, unless that is what the policy wants. */
	if (numbers_none(&want) && p->policy.secure)
		errand_add(p, p->now + DAY, ds_mend);
	else if (!parent_has(p, &want))
		parent_publish(p, want, false, false);
}

static void
ds_mistake(struct play *p)
{
	struct numbers keys = { 0 };
	bool remove = dice_percent(&p->dice, 40);

	if (errand_pending(p, ds_mend, NULL) || errand_pending(p, ds_enter, NULL) ||
	    numbers_none(&parent_newest(p)->keys))
		return;
	if (!remove && dice_percent(&p->dice, 40))
		keys = parent_newest(p)->keys;	/* the right one, and a stranger's */
	p->counts.mistakes++;
	parent_publish(p, keys, !remove, true);
	errand_add(p, p->now + dice_in(&p->dice, HOUR, 10 * DAY), ds_mend);
}

/* --- the operator --- */

static void
release(struct play *p, const struct errand *e)
{
	(void)e;
	command(p, KS_CMD_RELEASE, 0);
}

static void
policy_change(struct play *p)
{
	static const uint32_t algs[] = { 13, 13, 15, 8 };
	struct dnssec_policy *pol = &p->policy;

	switch (dice_in(&p->dice, 0, 5)) {
	case 0:
		pol->secure = !pol->secure;
		break;
	case 1:
		pol->keys = !pol->keys;
		break;
	case 2:
		pol->algorithm = algs[dice_in(&p->dice, 0, (int64_t)ARRAY_LEN(algs) - 1)];
		break;
	case 3:
		pol->zsk_roll = !pol->zsk_roll;
		break;
	case 4:
		pol->ksk_roll = !pol->ksk_roll;
		break;
	default:
		pol->csk_roll = !pol->csk_roll;
		break;
	}
	p->mixed_until = p->now + MIXED_SEC;
	play_log(p, "a new policy: secure %u keys %u algorithm %u zsk-roll %u ksk-roll %u csk-roll %u",
	    pol->secure, pol->keys, pol->algorithm, pol->zsk_roll, pol->ksk_roll, pol->csk_roll);
}

/* The state is written and read again, as after a crash. */
static void
restart(struct play *p)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct findings fs;
	unsigned line;

	findings_init(&fs, pool);
	keystate_write(&p->ks, &text);
	if (text.rc < 0 || keystate_parse(buf_get(&text), &p->ks, &line, &fs) < 0)
		p->rc = -1;
	play_log(p, "restart");
}

static void
trouble(struct play *p)
{
	int64_t dice = dice_in(&p->dice, 0, 99);

	if (dice < 25) {
		command(p, KS_CMD_ROLL, any_key(p));
	} else if (dice < 32) {
		command(p, KS_CMD_CANCEL, any_key(p));
	} else if (dice < 40) {
		command(p, KS_CMD_HOLD, 0);
		errand_add(p, p->now + dice_in(&p->dice, HOUR, 20 * DAY), release);
	} else if (dice < 60) {
		policy_change(p);
	} else if (dice < 80) {
		ds_mistake(p);
	} else if (dice < 84) {
		command(p, KS_CMD_COMPROMISED, any_key(p));
	} else if (dice < 88) {
		keystate_distrust(&p->ks);
		play_log(p, "distrust");
	} else {
		restart(p);
	}
}

/* --- all of them --- */

/* Of those that speak of DS: none may take the last one away unless that is the policy. */
static bool
removes(const struct play *p, const struct keystate_action *a)
{
	switch (a->act) {
	case KS_ACT_DS_SUBMIT:
	case KS_ACT_DS_WITHDRAW:
	case KS_ACT_NOTIFY:
	case KS_ACT_TELL:
		return a->ds == 0 && p->policy.secure;
	default:
		return a->act == KS_ACT_CDS_DELETE && p->policy.secure;
	}
}

static void
obey(struct play *p, const struct keystate_action *a)
{
	struct errand *e = NULL;

	if (removes(p, a)) {
		play_log(p, "told to remove the DS of a zone that is to be secure");
		p->rc = -1;
	}
	switch (a->act) {
	case KS_ACT_GENERATE:
		if (!errand_pending(p, key_generate, a))
			e = errand_add(p, p->now + soon_or_late(p, 5), key_generate);
		break;
	case KS_ACT_BACKUP:
		if (!errand_pending(p, key_backup, a))
			e = errand_add(p, p->now + soon_or_late(p, 3), key_backup);
		break;
	case KS_ACT_DELETE:
		if (!errand_pending(p, key_delete, a))
			e = errand_add(p, p->now + soon_or_late(p, 30), key_delete);
		break;
	case KS_ACT_DS_SUBMIT:
	case KS_ACT_DS_WITHDRAW:
		/* A naive hook: whatever is said of DS, .ds is the whole set. */
		if (p->policy.ds_handover == POLICY_BY_EPP)
			ds_submit(p, numbers_of(&p->ks, a->ds));
		break;
	case KS_ACT_TELL:
		if (!errand_pending(p, ds_person, NULL))
			e = errand_add(p, p->now + soon_or_late(p, 15), ds_person);
		break;
	case KS_ACT_NOTIFY:
		p->next_scan = min_i64(p->next_scan, p->now + dice_in(&p->dice, 1, 600));
		break;
	default:
		break;
	}
	if (e != NULL)
		e->action = *a;
}

void
world_obey(struct play *p)
{
	for (size_t i = 0; i < p->step.n_actions; i++)
		obey(p, &p->step.actions[i]);
}

/* Security is wanted from when it is there for all, until the operator says no. */
static void
secure_track(struct play *p)
{
	const struct content *c = parent_newest(p);

	if (p->secure_open && !p->policy.secure) {
		p->secure[p->n_secure++].until = p->now;
		p->secure_open = false;
	}
	/* Idle: no removal that was asked for before is on its way any more. */
	if (!p->secure_open && p->policy.secure && p->idle_at == p->before_at && !c->mistake && !numbers_none(&c->keys) &&
	    zone_everywhere(&p->parent, p->parent.n_issues - 1) + c->ttl_sec <= p->now &&
	    p->n_secure < ARRAY_LEN(p->secure)) {
		p->secure[p->n_secure] = (struct span){ p->now, NEVER };
		p->secure_open = true;
	}
}

void
world_step(struct play *p)
{
	for (size_t i = 0; i < ERRANDS_MAX; i++) {
		struct errand e = p->errands[i];

		if (e.run == NULL || e.at > p->now)
			continue;
		p->errands[i].run = NULL;
		p->disturbed |= e.run != ds_enter;
		e.run(p, &e);
	}
	if (p->next_scan <= p->now)
		cds_scan(p);
	if (p->next_trouble <= p->now && p->trouble_every > 0) {
		p->next_trouble = p->now + dice_in(&p->dice, 1, 2 * p->trouble_every);
		trouble(p);
		p->disturbed = true;
	}
	secure_track(p);
}

int64_t
world_next(const struct play *p)
{
	int64_t next = min_i64(p->next_scan, p->next_trouble);

	for (size_t i = 0; i < ERRANDS_MAX; i++) {
		if (p->errands[i].run != NULL)
			next = min_i64(next, p->errands[i].at);
	}
	return next;
}
