/* Who does what at the times of a plan. */
#include "dnssec/transfer_internal.h"

static const struct {
	const char	*name, *text;
} whos[TRANSFER_WHO_MAX] = {
	[TRANSFER_LOSING_OPERATOR] = { "losing-operator", N_("losing DNS operator") },
	[TRANSFER_GAINING_OPERATOR] = { "gaining-operator", N_("gaining DNS operator") },
	[TRANSFER_THE_OPERATOR] = { "operator", N_("DNS operator") },
	[TRANSFER_LOSING_REGISTRAR] = { "losing-registrar", N_("losing registrar") },
	[TRANSFER_GAINING_REGISTRAR] = { "gaining-registrar", N_("gaining registrar") },
	[TRANSFER_THE_REGISTRAR] = { "registrar", N_("registrar") },
	[TRANSFER_BOTH_OPERATORS] = { "both-operators", N_("both DNS operators") },
	[TRANSFER_EVERYONE] = { "everyone", N_("everyone") },
};

const char *
transfer_who_name(enum transfer_who w)
{
	return w < TRANSFER_WHO_MAX ? whos[w].name : "?";
}

const char *
transfer_who_text(enum transfer_who w)
{
	return w < TRANSFER_WHO_MAX ? whos[w].text : "?";
}

static void
add(struct transfer_plan *p, enum transfer_code code, enum transfer_who who, int64_t at,
    const char *why)
{
	if (at == TIME_NEVER || p->n_steps == TRANSFER_STEPS_MAX)
		return;
	p->steps[p->n_steps++] = (struct transfer_step){ .code = code, .who = who, .at = at, .why = why };
}

/* In the order of time; what is added first stays first. */
static void
sort(struct transfer_plan *p)
{
	for (size_t i = 1; i < p->n_steps; i++) {
		struct transfer_step s = p->steps[i];
		size_t k = i;

		for (; k > 0 && p->steps[k - 1].at > s.at; k--)
			p->steps[k] = p->steps[k - 1];
		p->steps[k] = s;
	}
	for (size_t i = 0; i < p->n_steps; i++)
		p->steps[i].wait = p->steps[i].at - (i == 0 ? 0 : p->steps[i - 1].at);
}

/* Who writes to the registry before and after the registrar changes. */
static enum transfer_who
sponsor(const struct transfer_facts *f, const struct transfer_plan *p, int64_t at)
{
	if (f->move == TRANSFER_MOVE_OPERATOR)
		return TRANSFER_THE_REGISTRAR;
	if (at < transfer_add(p->t.registrar, transfer_sec(f, TRANSFER_TRANSFER_SEC)))
		return TRANSFER_LOSING_REGISTRAR;
	return TRANSFER_GAINING_REGISTRAR;
}

static void
load_add(const struct transfer_facts *f, struct transfer_plan *p)
{
	enum transfer_code code = TRANSFER_LOAD;

	if (p->pattern == TRANSFER_COPY)
		code = TRANSFER_LOAD_COPY;
	else if (p->pattern == TRANSFER_SHARED)
		code = TRANSFER_LOAD_SHARED;
	else if (p->borrowed)
		code = TRANSFER_LOAD_JOINED;
	else if (f->signed_after)
		code = TRANSFER_LOAD_SIGNED;
	add(p, code, TRANSFER_GAINING_OPERATOR, p->t.load, NULL);
}

static void
parent_add(const struct transfer_facts *f, struct transfer_plan *p, const struct transfer_whys *w)
{
	const struct transfer_times *t = &p->t;
	bool cds = p->pattern == TRANSFER_EXCHANGE && f->help == TRANSFER_HELP_CDS;
	bool none = t->ds_add == TIME_NEVER || t->ds_del < t->ds_add;

	if (cds) {
		add(p, TRANSFER_CDS_ADD, TRANSFER_BOTH_OPERATORS, t->ds_add, w->ds_add.why);
		add(p, TRANSFER_CDS_DEL, TRANSFER_GAINING_OPERATOR, t->ds_del, w->ds_del.why);
		return;
	}
	add(p, t->ds_add < t->ds_del && t->ds_del != TIME_NEVER ? TRANSFER_DS_ADD : TRANSFER_DS_NEW,
	    sponsor(f, p, t->ds_add), t->ds_add, w->ds_add.why);
	add(p, none ? TRANSFER_DS_NONE : TRANSFER_DS_DEL, sponsor(f, p, t->ds_del), t->ds_del, w->ds_del.why);
}

/* Signatures come or go where the zone is; or the delegation changes. */
static void
move_add(const struct transfer_facts *f, struct transfer_plan *p, const struct transfer_whys *w)
{
	static const char keeps_why[] = N_("the losing servers are kept so long");
	static const char ns_why[] = N_("the old delegation is still in caches");
	const struct transfer_times *t = &p->t;

	if (f->move == TRANSFER_MOVE_REGISTRAR) {
		add(p, f->signed_after ? TRANSFER_SIGN_HERE : TRANSFER_UNSIGN_HERE,
		    TRANSFER_THE_OPERATOR, t->ns, w->ns.why);
		return;
	}
	add(p, TRANSFER_NS, sponsor(f, p, t->ns), t->ns, w->ns.why);
	if (f->help >= TRANSFER_HELP_EXCHANGE)
		add(p, TRANSFER_NS_LOSING, TRANSFER_LOSING_OPERATOR, t->ns, NULL);
	add(p, TRANSFER_STOP, TRANSFER_LOSING_OPERATOR, t->stop, t->stop < t->losing_end ? keeps_why : ns_why);
}

void
transfer_steps_make(const struct transfer_facts *f, struct transfer_plan *p,
    const struct transfer_whys *w)
{
	static const char data_why[] = N_("data with the losing side's signatures are still in caches");
	static const char end_why[] = N_("the last old records leave the caches");
	static const char before_why[] = N_("the steps before have to be done at all servers");
	const struct transfer_times *t = &p->t;

	load_add(f, p);
	add(p, TRANSFER_JOIN, TRANSFER_LOSING_OPERATOR, t->join, NULL);
	parent_add(f, p, w);
	add(p, TRANSFER_REGISTRAR_ASK, TRANSFER_GAINING_REGISTRAR, t->registrar, t->registrar > 0 ? before_why : NULL);
	move_add(f, p, w);
	add(p, TRANSFER_SWAP, TRANSFER_GAINING_OPERATOR, t->swap, w->swap.why);
	add(p, TRANSFER_OWN_SIGS, TRANSFER_GAINING_OPERATOR, t->sign, w->sign.why);
	add(p, TRANSFER_CLEAN, TRANSFER_GAINING_OPERATOR, t->clean, data_why);
	add(p, TRANSFER_DS_AGAIN, TRANSFER_GAINING_REGISTRAR, t->again,
	    N_("the registrar transfer removed the DS; this is when it is entered again"));
	add(p, TRANSFER_DONE, TRANSFER_EVERYONE, t->end, end_why);
	sort(p);
}
