/*
 * A naive world for keystate: servers that take their time, a registry, an
 * operator, an observer, and every resolver at once. What is alive in caches
 * is kept here, from what servers really gave out, and judged by a check that
 * knows nothing of keystate's own. Keys are bits by their numbers.
 */
#ifndef TESTS_UNIT_DNSSEC_KEYSTATE_WORLD_H
#define TESTS_UNIT_DNSSEC_KEYSTATE_WORLD_H

#include <errno.h>

#include "../tap.h"

#include "base/err.h"
#include "base/finding.h"
#include "base/pool.h"
#include "dnssec/keystate.h"

#define T0	INT64_C(1800000000)
#define MINUTE	60
#define HOUR	3600
#define DAY	86400
#define YEAR	(365 * (int64_t)DAY)

#define SERVERS	2
#define SERVED_MAX	4096
#define EVENTS_MAX	512
#define LOG_MAX		4096

struct served {
	enum ks_kind	kind;
	uint64_t	keys, sigs;
	bool		stranger;
	int64_t		from, until;
	uint32_t	ttl;
};

struct publication {
	uint32_t	dnskey_seq, data_seq;
	uint64_t	dnskey, dnskey_sigs, zone_sigs;
	uint32_t	dnskey_ttl, data_ttl;
};

enum event_kind { EV_CHILD, EV_PARENT, EV_REGISTRY, EV_GENERATE, EV_BACKUP };

struct event {
	int64_t		at;
	enum event_kind	kind;
	int		server;
	uint64_t	ds;
	bool		add;
	unsigned	order;
	struct publication pub;
	struct keystate_action act;
};

struct logged {
	int64_t		at;
	enum ks_action	act;
	uint32_t	key;
	enum ks_role	role;
};

struct world {
	struct dnssec_policy	 policy;
	struct keystate		 st;
	struct keystate_step	 step;
	int64_t			 now;
	/* how slow they are */
	int64_t			 child_delay[SERVERS], parent_delay[SERVERS], registry_delay;
	int64_t			 generate_delay, backup_delay;
	int64_t			 registry_mid;	/* first adds, and removes so much later; 0: at once */
	bool			 child_blind, parent_blind;	/* nobody looks */
	bool			 no_person;	/* demands of DS sets go nowhere */
	bool			 registry_content;	/* it has nothing to do for what it has already */
	/* what they have */
	struct publication	 last, child[SERVERS];
	uint64_t		 ds[SERVERS];
	bool			 stranger[SERVERS];
	unsigned		 parent_order, parent_has[SERVERS];	/* versions of the parent */
	struct event		 events[EVENTS_MAX];
	size_t			 n_events;
	struct served		 served[SERVED_MAX];
	size_t			 n_served;
	uint8_t			 alg_of[64];
	int64_t			 ds_asked;
	uint64_t		 ds_registry, ds_asked_set;
	uint8_t			 next_byte;
	/* what came of it */
	struct logged		 log[LOG_MAX];
	size_t			 n_log;
	struct pool		*pool;
	struct findings		 fs;
	bool			 bad_allowed;	/* somebody did something unsafe on purpose */
	bool			 was_secure;
	size_t			 n_bogus;
	struct keystate_history	*history;
	unsigned		 n_calls;
};

/* --- every resolver --- */

static inline bool
alg_in(const struct world *w, uint64_t keys, uint8_t alg)
{
	for (unsigned n = 0; n < 64; n++)
		if ((keys >> n & 1) != 0 && w->alg_of[n] == alg)
			return true;
	return false;
}

/* Is there a path for each algorithm that has to hold? From RFC 4035, by brute force. */
static inline bool
resolver_happy(const struct world *w, const struct served *d, const struct served *k,
    const struct served *s)
{
	bool any_entry = false, any_data = false;

	if (d->keys == 0 && !d->stranger)
		return true;
	for (unsigned n = 0; n < 64; n++) {
		uint64_t bit = UINT64_C(1) << n;
		bool in_d = (d->keys & bit) != 0, in_k = (k->keys & bit) != 0;

		if (in_d && in_k && (k->sigs & bit) != 0)
			any_entry = true;
		if (in_k && (s->sigs & bit) != 0)
			any_data = true;
		if (in_d && w->policy.strict_algorithms != POLICY_STRICT_NONE &&
		    (!alg_in(w, d->keys & k->keys & k->sigs, w->alg_of[n]) ||
		    !alg_in(w, k->keys & s->sigs, w->alg_of[n])))
			return false;
		if (in_k && w->policy.strict_algorithms == POLICY_STRICT_DNSKEY &&
		    !alg_in(w, k->keys & s->sigs, w->alg_of[n]))
			return false;
	}
	return any_entry && any_data;
}

static inline bool
in_cache(const struct served *s, int64_t now)
{
	return s->from <= now && (s->until == TIME_NEVER || now < s->until + s->ttl);
}

static inline void
world_judge(struct world *w)
{
	bool none = false, some = false;

	for (size_t d = 0; d < w->n_served; d++) {
		if (w->served[d].kind != KS_DS || !in_cache(&w->served[d], w->now))
			continue;
		none = none || w->served[d].keys == 0;
		some = some || w->served[d].keys != 0;
		for (size_t k = 0; k < w->n_served; k++) {
			if (w->served[k].kind != KS_DNSKEY || !in_cache(&w->served[k], w->now))
				continue;
			for (size_t s = 0; s < w->n_served; s++)
				if (w->served[s].kind == KS_DATA && in_cache(&w->served[s], w->now) &&
				    !resolver_happy(w, &w->served[d], &w->served[k], &w->served[s]))
					w->n_bogus++;
		}
	}
	if (!w->bad_allowed && w->n_bogus > 0)
		fail_msg("bogus at %lld", (long long)(w->now - T0));
	if (some && !none && w->policy.secure)
		w->was_secure = true;
	if (w->was_secure && none && w->policy.secure && !w->bad_allowed)
		fail_msg("silently insecure at %lld", (long long)(w->now - T0));
}

/* --- servers --- */

static inline void
serve_end(struct world *w, const struct served *what)
{
	for (size_t i = 0; i < w->n_served; i++) {
		struct served *s = &w->served[i];

		if (s->kind == what->kind && s->keys == what->keys && s->sigs == what->sigs &&
		    s->stranger == what->stranger && s->until == TIME_NEVER)
			s->until = w->now;
	}
}

/* What all servers give out now is served; what none does has ended. */
static inline void
serve_all(struct world *w)
{
	struct served now[3 * SERVERS];
	size_t n = 0;

	for (int i = 0; i < SERVERS; i++) {
		now[n++] = (struct served){ KS_DS, w->ds[i], 0, w->stranger[i], w->now, TIME_NEVER,
		    w->policy.parent_ds_ttl };
		now[n++] = (struct served){ KS_DNSKEY, w->child[i].dnskey, w->child[i].dnskey_sigs,
		    false, w->now, TIME_NEVER, w->child[i].dnskey_ttl };
		now[n++] = (struct served){ KS_DATA, 0, w->child[i].zone_sigs, false, w->now,
		    TIME_NEVER, w->child[i].data_ttl };
	}
	for (size_t i = 0; i < w->n_served; i++) {
		bool still = false;

		for (size_t j = 0; j < n; j++)
			still = still || (w->served[i].kind == now[j].kind &&
			    w->served[i].keys == now[j].keys && w->served[i].sigs == now[j].sigs &&
			    w->served[i].stranger == now[j].stranger);
		if (!still && w->served[i].until == TIME_NEVER)
			serve_end(w, &w->served[i]);
	}
	for (size_t j = 0; j < n; j++) {
		bool known = false;

		for (size_t i = 0; i < w->n_served; i++)
			known = known || (w->served[i].kind == now[j].kind && w->served[i].until == TIME_NEVER &&
			    w->served[i].keys == now[j].keys && w->served[i].sigs == now[j].sigs &&
			    w->served[i].stranger == now[j].stranger);
		if (known)
			continue;
		/* What is in no cache any more makes room. */
		size_t m = 0;

		for (size_t i = 0; i < w->n_served; i++)
			if (in_cache(&w->served[i], w->now))
				w->served[m++] = w->served[i];
		w->n_served = m;
		assert_true(w->n_served < SERVED_MAX);
		w->served[w->n_served++] = now[j];
	}
}

static inline void
event_add(struct world *w, const struct event *e)
{
	assert_true(w->n_events < EVENTS_MAX);
	w->events[w->n_events++] = *e;
}

/* --- bits of places to bits of numbers, and back --- */

static inline uint64_t
by_number(const struct keystate *st, uint32_t mask)
{
	uint64_t out = 0;

	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if ((mask >> i & 1) != 0)
			out |= UINT64_C(1) << st->keys[i].number;
	return out;
}

static inline uint32_t
by_place(const struct keystate *st, uint64_t numbers)
{
	uint32_t out = 0;

	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (st->keys[i].number != 0 && (numbers >> st->keys[i].number & 1) != 0)
			out |= UINT32_C(1) << i;
	return out;
}

/* --- people --- */

static inline uint32_t
world_key(struct world *w, enum ks_role role, uint8_t alg, enum ks_goal goal, uint32_t flags, int64_t active)
{
	char public[2] = { 'K', (char)++w->next_byte };
	struct keystate_newkey new = { .role = role, .alg = alg, .tag = (uint16_t)(1000 + w->next_byte),
	    .bits = 2048, .flags = flags, .goal = goal, .public_key = { public, 2 }, .active = active };
	uint32_t number = 0;

	assert_int_equal(keystate_add_key(&w->st, &new, w->now, &number), 0);
	assert_true(number < 64);
	w->alg_of[number] = alg;
	return number;
}

static inline void
world_event(struct world *w, const struct event *e)
{
	struct event next = *e;

	switch (e->kind) {
	case EV_CHILD:		/* a transfer that was overtaken is not taken */
		if (e->pub.dnskey_seq >= w->child[e->server].dnskey_seq &&
		    e->pub.data_seq >= w->child[e->server].data_seq)
			w->child[e->server] = e->pub;
		break;
	case EV_PARENT:
		if (e->order < w->parent_has[e->server])
			break;
		w->parent_has[e->server] = e->order;
		w->ds[e->server] = e->ds;
		break;
	case EV_REGISTRY:
		w->ds_registry = e->add ? w->ds_registry | e->ds : e->ds;
		next.ds = w->ds_registry;
		next.kind = EV_PARENT;
		next.order = ++w->parent_order;
		for (int i = 0; i < SERVERS; i++) {
			next.server = i;
			next.at = w->now + w->parent_delay[i];
			event_add(w, &next);
		}
		break;
	case EV_GENERATE:
		(void)world_key(w, e->act.role, e->act.alg, e->act.goal,
		    w->backup_delay == 0 ? KS_FLAG_BACKED_UP : 0, 0);
		break;
	case EV_BACKUP:
		(void)!keystate_command(&w->st, KS_CMD_BACKED_UP, e->act.key, w->now);
		break;
	}
}

/* One registry command is one version of the parent; or an addition, then a removal. */
static inline void
registry_ask(struct world *w, const struct keystate_action *a)
{
	uint64_t want = by_number(&w->st, a->ds);

	if ((a->since == w->ds_asked && want == w->ds_asked_set) || w->no_person)
		return;
	w->ds_asked = a->since;
	w->ds_asked_set = want;
	if (w->registry_content && want == w->ds_registry)
		return;
	if (w->registry_mid != 0 && w->ds_registry != 0)
		event_add(w, &(struct event){ .kind = EV_REGISTRY, .ds = want, .add = true,
		    .at = w->now + w->registry_delay - w->registry_mid });
	event_add(w, &(struct event){ .kind = EV_REGISTRY, .ds = want, .at = w->now + w->registry_delay });
}

static inline bool
asked(const struct world *w, enum event_kind kind, const struct keystate_action *a)
{
	for (size_t i = 0; i < w->n_events; i++)
		if (w->events[i].kind == kind && w->events[i].act.role == a->role &&
		    w->events[i].act.goal == a->goal && w->events[i].act.key == a->key)
			return true;
	return false;
}

/* Whoever obeys any of them, and to the letter, does nothing wrong. */
static inline void
ds_whole(const struct world *w, const struct keystate_action *a)
{
	switch (a->act) {
	case KS_ACT_DS_SUBMIT:
	case KS_ACT_DS_WITHDRAW:
	case KS_ACT_CDS:
	case KS_ACT_CDS_DELETE:
	case KS_ACT_NOTIFY:
	case KS_ACT_TELL:
		assert_int_equal(a->ds, w->st.ds_want);
		assert_int_equal(a->ds_add & ~a->ds, 0);
		assert_int_equal(a->ds_del & a->ds, 0);
		assert_true(a->ds != 0 || !w->policy.secure);
		return;
	default:
		return;
	}
}

static inline void
world_act(struct world *w, const struct keystate_action *a)
{
	struct event e = { .act = *a, .at = w->now };

	ds_whole(w, a);
	if (a->fresh) {
		assert_true(w->n_log < LOG_MAX);
		w->log[w->n_log++] = (struct logged){ w->now, a->act, a->key, a->role };
	}
	switch (a->act) {
	case KS_ACT_GENERATE:
		e.kind = EV_GENERATE;
		e.at += w->generate_delay;
		if (!asked(w, EV_GENERATE, a))
			event_add(w, &e);
		return;
	case KS_ACT_BACKUP:
		e.kind = EV_BACKUP;
		e.at += w->backup_delay;
		if (!asked(w, EV_BACKUP, a))
			event_add(w, &e);
		return;
	case KS_ACT_NOTIFY:
	case KS_ACT_TELL:
		registry_ask(w, a);
		return;
	case KS_ACT_DS_SUBMIT:
		if (a->key == 0)
			registry_ask(w, a);
		return;
	case KS_ACT_DELETE:
		if (keystate_command(&w->st, KS_CMD_DELETED, a->key, w->now) == 0)
			w->log[w->n_log++] = (struct logged){ w->now, a->act, a->key, a->role };
		return;
	default:
		return;
	}
}

/* --- the zone --- */

static inline void
world_publish(struct world *w)
{
	const struct keystate_publication *p = &w->step.pub;
	struct publication pub = { p->dnskey_seq, p->data_seq, by_number(&w->st, p->dnskey),
	    by_number(&w->st, p->dnskey_sigs), by_number(&w->st, p->zone_sigs),
	    w->policy.dnskey_ttl, w->policy.max_zone_ttl };

	if (!p->valid || (pub.dnskey_seq == w->last.dnskey_seq && pub.data_seq == w->last.data_seq))
		return;
	w->last = pub;
	for (int i = 0; i < SERVERS; i++)
		event_add(w, &(struct event){ .kind = EV_CHILD, .server = i, .pub = pub,
		    .at = w->now + w->child_delay[i] });
}

static inline void
world_look(struct world *w, struct keystate_child *c, struct keystate_parent *p, bool contents)
{
	*c = (struct keystate_child){ .at = w->now, .complete = !w->child_blind,
	    .dnskey_oldest = UINT32_MAX, .data_oldest = UINT32_MAX };
	*p = (struct keystate_parent){ .at = w->now, .complete = !w->parent_blind };
	for (int i = 0; i < SERVERS; i++) {
		struct keystate_seen d = { .keys = by_place(&w->st, w->ds[i]),
		    .ttl_sec = w->policy.parent_ds_ttl, .foreign = w->stranger[i] };

		if (w->child[i].dnskey_seq < c->dnskey_oldest)
			c->dnskey_oldest = w->child[i].dnskey_seq;
		if (w->child[i].data_seq < c->data_oldest)
			c->data_oldest = w->child[i].data_seq;
		if (i == 0 || w->ds[i] != w->ds[0] || w->stranger[i] != w->stranger[0])
			p->ds[p->n_ds++] = d;
	}
	if (!contents)
		return;
	c->dnskey[c->n_dnskey++] = (struct keystate_seen){ by_place(&w->st, w->child[0].dnskey),
	    by_place(&w->st, w->child[0].dnskey_sigs), w->child[0].dnskey_ttl, false };
	c->data[c->n_data++] = (struct keystate_seen){ 0, by_place(&w->st, w->child[0].zone_sigs),
	    w->child[0].data_ttl, false };
}

static inline void
world_call(struct world *w)
{
	struct keystate_child c;
	struct keystate_parent p;
	struct keystate_observations seen = { w->child_blind ? NULL : &c, w->parent_blind ? NULL : &p };
	bool contents = w->st.unproven;

	world_look(w, &c, &p, contents);
	w->pool = pool_free(w->pool);
	w->pool = pool_new(1 << 20);
	findings_init(&w->fs, w->pool);
	assert_int_equal(keystate_next(&w->st, &w->policy, &seen, w->now, &w->fs, &w->step), 0);
	w->n_calls++;
	if (w->history != NULL)
		assert_int_equal(keystate_history_add(w->history, &w->st), 0);
	if (contents && !w->st.unproven) {	/* what is served has a number again */
		w->last.dnskey_seq = w->st.seq[KS_DNSKEY];
		w->last.data_seq = w->st.seq[KS_DATA];
		for (int i = 0; i < SERVERS; i++) {
			w->child[i].dnskey_seq = w->st.seq[KS_DNSKEY];
			w->child[i].data_seq = w->st.seq[KS_DATA];
		}
	}
	for (size_t i = 0; i < w->step.n_actions; i++)
		world_act(w, &w->step.actions[i]);
	world_publish(w);
}

/* Everything that is due, in order; then a look and a call, until nothing is due. */
static inline void
world_now(struct world *w)
{
	bool due;

	do {
		due = false;
		for (size_t i = 0; i < w->n_events;) {
			struct event e = w->events[i];

			if (e.at > w->now) {
				i++;
				continue;
			}
			memmove(&w->events[i], &w->events[i + 1], (--w->n_events - i) * sizeof(e));
			world_event(w, &e);
			due = true;
			i = 0;
		}
		serve_all(w);
		world_judge(w);
		world_call(w);
		for (size_t i = 0; i < w->n_events; i++)
			due = due || w->events[i].at <= w->now;
	} while (due);
}

/* On to until, from event to event. */
static inline void
world_run(struct world *w, int64_t until)
{
	world_now(w);
	while (w->now < until) {
		int64_t next = until;

		for (size_t i = 0; i < w->n_events; i++)
			next = w->events[i].at < next ? w->events[i].at : next;
		if (w->step.next > w->now && w->step.next < next)
			next = w->step.next;
		w->now = next;
		world_now(w);
	}
}

static inline void
world_init(struct world *w)
{
	struct publication none = { .dnskey_seq = 1, .data_seq = 2 };

	*w = (struct world){ .policy = policy_default(), .now = T0, .child_delay = { 10, 60 },
	    .parent_delay = { 0, 100 }, .registry_delay = 1000, .last = none };
	w->policy.backup_required = 1;
	keystate_init(&w->st, T0);
	w->policy.keys = POLICY_SPLIT;
	w->policy.dnskey_ttl = HOUR;
	w->policy.max_zone_ttl = DAY;
	w->policy.publish_safety = w->policy.retire_safety = HOUR;
	w->policy.zsk_lifetime = 0;
	none.dnskey_ttl = none.data_ttl = DAY;
	for (int i = 0; i < SERVERS; i++)
		w->child[i] = none;
	w->pool = pool_new(1 << 20);
	findings_init(&w->fs, w->pool);
}

static inline void
world_done(struct world *w)
{
	w->pool = pool_free(w->pool);
	w->history = keystate_history_free(w->history);
}

/* --- asking --- */

/* When it was first done to the key (0: any) at or after t; relative to T0, -1: never. */
static inline int64_t
when(const struct world *w, enum ks_action act, uint32_t key, int64_t after)
{
	for (size_t i = 0; i < w->n_log; i++)
		if (w->log[i].act == act && (key == 0 || w->log[i].key == key) &&
		    w->log[i].at - T0 >= after)
			return w->log[i].at - T0;
	return -1;
}

static inline enum ks_state
state_of(const struct world *w, uint32_t number, enum ks_record r)
{
	return w->st.keys[keystate_find(&w->st, number)].records[r].state;
}

static inline bool
found(const struct world *w, enum keystate_code code)
{
	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		if (f->def == &keystate_findings[code])
			return true;
	return false;
}

static inline bool
waits(const struct world *w, enum ks_wait why)
{
	for (size_t i = 0; i < w->step.n_waits; i++)
		if (w->step.waits[i].why == why)
			return true;
	return false;
}

#endif
