/* What happens to an invalid route at a session: its policies, walked. */
#include "app/kit_internal.h"

#define LOCAL_PREF_DEFAULT	100
#define PARENTS_MAX		8	/* groups in groups */

enum verdict {
	V_GO_ON,
	V_TAKEN,
	V_REFUSED,
};

struct walk {
	const struct kit_model	*m;
	const struct kit_session *s;
	enum kit_side		 side;
	unsigned		 steps, calls;
	bool			 saw;		/* an entry that tests for invalid */
	bool			 mentions;	/* … in a way that is not certain */
	bool			 unsure, passed;
	bool			 has_lp;
	uint32_t		 lp;
};

const struct kit_session *
kit_parent(const struct kit_model *m, const struct kit_session *s)
{
	if (s->group.n == 0)
		return NULL;
	for (const struct kit_session *g = m->sessions; g != NULL; g = g->next)
		if (g->is_group && g != s && sv_eq(g->name, s->group))
			return g;
	return NULL;
}

enum kit_side
kit_side_of(const struct kit_model *m, const struct kit_session *s)
{
	for (unsigned i = 0; s != NULL && i < PARENTS_MAX; i++, s = kit_parent(m, s)) {
		if (s->side != KIT_SIDE_UNKNOWN)
			return s->side;
		if (s->asn != 0)
			return s->asn == m->asn ? KIT_INTERNAL : KIT_EXTERNAL;
	}
	return KIT_SIDE_UNKNOWN;
}

/* Is the session, or a group of it, called so? */
static bool
is_named(const struct walk *w, struct sv name)
{
	const struct kit_session *s = w->s;

	for (unsigned i = 0; s != NULL && i < PARENTS_MAX; i++, s = kit_parent(w->m, s))
		if (sv_eq(s->name, name))
			return true;
	return false;
}

static bool
is_from(const struct walk *w, const struct kit_entry *e)
{
	switch (e->from) {
	case KIT_FROM_EBGP:
		return w->side != KIT_INTERNAL;
	case KIT_FROM_IBGP:
		return w->side == KIT_INTERNAL;
	case KIT_FROM_NAMED:
		return is_named(w, e->from_name);
	case KIT_FROM_AS:
		return w->s->asn == e->from_asn;
	default:
		return true;
	}
}

static enum verdict	rule_walk(struct walk *, const struct kit_rule *);

static enum verdict
call(struct walk *w, struct sv name)
{
	const struct kit_rule *r = kit_rule_find(w->m, name);
	enum verdict v;

	if (r == NULL || w->calls == KIT_CALLS_MAX) {
		w->unsure = w->mentions = true;
		return V_GO_ON;
	}
	w->calls++;
	v = rule_walk(w, r);
	w->calls--;
	return v == V_TAKEN && r->call_returns ? V_GO_ON : v;
}

/* An entry that an invalid route meets for certain. */
static enum verdict
entry_walk(struct walk *w, const struct kit_entry *e)
{
	enum verdict v = V_GO_ON;

	w->saw |= e->cond == KIT_INVALID;
	if (e->callee.n > 0)
		v = call(w, e->callee);
	if (v != V_GO_ON)
		return v;
	if (e->has_lp) {
		w->has_lp = true;
		w->lp = e->lp;
	}
	w->passed |= e->act == KIT_PASS;
	if (e->act == KIT_TAKE)
		return V_TAKEN;
	return e->act == KIT_REFUSE ? V_REFUSED : V_GO_ON;
}

/* One of which only the router knows whether the route meets it. */
static void
entry_maybe(struct walk *w, const struct kit_entry *e)
{
	w->mentions |= e->mentions;
	if (e->mentions || e->callee.n > 0 || e->act == KIT_TAKE)
		w->unsure = true;
}

/* The last that matches decides, unless it is final. */
static enum verdict
rule_last(struct walk *w, const struct kit_rule *r)
{
	enum verdict v = V_GO_ON;

	for (const struct kit_entry *e = r->head; e != NULL; e = e->next) {
		enum verdict now;

		if (e->cond == KIT_OTHER || !is_from(w, e))
			continue;
		if (e->cond == KIT_MAYBE) {
			if (e->act == KIT_TAKE && v == V_REFUSED)
				w->unsure = true;
			w->mentions |= e->mentions;
			w->unsure |= e->mentions;
			continue;
		}
		if ((now = entry_walk(w, e)) == V_GO_ON)
			continue;
		v = now;
		w->unsure = false;
		if (e->final)
			break;
	}
	return v;
}

static enum verdict
rule_walk(struct walk *w, const struct kit_rule *r)
{
	if (r->last_wins)
		return rule_last(w, r);
	for (const struct kit_entry *e = r->head; e != NULL; e = e->next) {
		enum verdict v;

		if (w->steps++ > KIT_STEPS_MAX) {
			w->unsure = w->mentions = true;
			return V_TAKEN;
		}
		if (e->cond == KIT_OTHER)
			continue;
		if (e->cond == KIT_MAYBE) {
			entry_maybe(w, e);
			continue;
		}
		if ((v = entry_walk(w, e)) != V_GO_ON)
			return v;
		if (e->act == KIT_LEAVE)
			return V_GO_ON;
	}
	if (!r->end_refuses)
		return V_GO_ON;
	/* At the top, what was not passed is refused; a called one returns. */
	return w->passed || (w->calls > 1 && !r->call_returns) ? V_GO_ON : V_REFUSED;
}

/* The session whose imports count: the nearest that has any. */
static const struct kit_session *
importer(const struct kit_model *m, const struct kit_session *s)
{
	for (unsigned i = 0; s != NULL && i < PARENTS_MAX; i++, s = kit_parent(m, s))
		if (s->n_refs > 0 || s->unsure)
			return s;
	return NULL;
}

enum kit_fate
kit_judge(const struct kit_model *m, const struct kit_session *s)
{
	struct walk w = { .m = m, .s = s, .side = kit_side_of(m, s) };
	const struct kit_session *from = importer(m, s);
	enum verdict v = V_GO_ON;

	if (from == NULL)
		return KIT_FATE_NONE;
	w.unsure = w.mentions = from->unsure;
	for (unsigned i = 0; i < from->n_refs && v == V_GO_ON; i++) {
		w.passed = false;
		v = call(&w, from->refs[i]);
	}
	if (v == V_REFUSED && !w.unsure)
		return KIT_FATE_GONE;
	if (!w.saw && !w.mentions)
		return KIT_FATE_NONE;
	if (w.unsure)
		return KIT_FATE_UNSURE;
	return w.has_lp && w.lp < LOCAL_PREF_DEFAULT ? KIT_FATE_LESS : KIT_FATE_SAME;
}
