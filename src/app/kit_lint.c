/* The judge's findings about a whole configuration. */
#include <errno.h>
#include <string.h>

#include "app/kit_internal.h"
#include "base/err.h"

#define REFRESH_MAX	3600	/* RFC 8210 section 6: the recommended default */
#define RFC_EXPIRE_MIN	600	/* … and the lowest; a timer with it is RTR's own */

const struct finding_def kit_findings[KIT_CODE_MAX] = {
#define F FINDING_ROW_
#include "app/kit_findings.def"
#undef F
};

#define DEF(code)	(&kit_findings[code])

struct lint {
	const struct kit_vendor	*v;
	struct kit_model	 m;
	struct findings		*fs;
	uint32_t		 outage;
};

/* --- caches --- */

static uint32_t
seconds(const struct lint *l, const struct kit_cache *c, enum kit_time t, unsigned *ret_line)
{
	bool own = c->sec[t] != 0;

	*ret_line = own || l->m.sec_line[t] == 0 ? c->line : l->m.sec_line[t];
	return own ? c->sec[t] : l->m.sec[t];
}

static void
range_check(struct lint *l, const struct kit_cache *c, const struct kit_timer *t)
{
	unsigned line;
	uint32_t s = seconds(l, c, t->time, &line);

	if (s == 0 || (s >= t->min && s <= t->max))
		return;
	finding_add(l->fs, DEF(KIT_TIMER_RANGE), FA_U("line", line), FA_STR("timer", t->word),
	    FA_U("seconds", s == UINT32_MAX ? 0 : s), FA_U("min", t->min), FA_U("max", t->max));
}

static void
expire_check(struct lint *l, const struct kit_cache *c, const struct kit_timer *t)
{
	unsigned line, other_line;
	uint32_t s = seconds(l, c, KIT_EXPIRE, &line);
	uint32_t other = seconds(l, c, KIT_REFRESH, &other_line);
	uint32_t retry = seconds(l, c, KIT_RETRY, &other_line);

	if (s == 0 || s == UINT32_MAX)
		return;
	if (s < l->outage && s < t->max)
		finding_add(l->fs, DEF(KIT_EXPIRE_SHORT), FA_U("line", line), FA_U("seconds", s),
		    FA_U("outage", l->outage));
	other = other > retry ? other : retry;
	/* Those of other vendors begin when a session is lost. */
	if (t->min == RFC_EXPIRE_MIN && s <= other)
		finding_add(l->fs, DEF(KIT_TIMER_ORDER), FA_U("line", line), FA_U("seconds", s),
		    FA_U("other", other));
}

static void
refresh_check(struct lint *l, const struct kit_cache *c)
{
	unsigned line;
	uint32_t s = seconds(l, c, KIT_REFRESH, &line);

	if (s > REFRESH_MAX && s != UINT32_MAX)
		finding_add(l->fs, DEF(KIT_REFRESH_LONG), FA_U("line", line), FA_U("seconds", s),
		    FA_U("limit", REFRESH_MAX));
}

/* Timers that all caches share are told once. */
static bool
is_shared(const struct lint *l, const struct kit_cache *c)
{
	for (unsigned i = 0; i < KIT_TIME_MAX; i++)
		if (c->sec[i] != 0)
			return false;
	return c != l->m.caches;
}

static void
timers_check(struct lint *l, const struct kit_cache *c)
{
	const struct kit_timer *expire = kit_timer_find(l->v, KIT_EXPIRE);

	if (is_shared(l, c))
		return;
	for (size_t i = 0; i < l->v->n_timers; i++)
		range_check(l, c, &l->v->timers[i]);
	if (expire != NULL)
		expire_check(l, c, expire);
	refresh_check(l, c);
}

static bool
is_local(struct sv addr)
{
	struct kit_host h;

	return sv_eq(addr, SV("localhost")) || (kit_host_parse(addr, &h) == 0 && h.loopback);
}

static void
caches_check(struct lint *l)
{
	const struct kit_timer *expire = kit_timer_find(l->v, KIT_EXPIRE);
	unsigned plain = 0, first = 0;

	if (l->m.caches == NULL) {
		finding_add0(l->fs, DEF(KIT_NO_CACHE));
		return;
	}
	if (l->m.caches->next == NULL)
		finding_add(l->fs, DEF(KIT_ONE_CACHE), FA_U("line", l->m.caches->line),
		    FA_SV("cache", l->m.caches->addr));
	for (const struct kit_cache *c = l->m.caches; c != NULL; c = c->next) {
		timers_check(l, c);
		if (!c->secure && !is_local(c->addr) && plain++ == 0)
			first = c->line;
	}
	if (expire != NULL && expire->max < l->outage)
		finding_add(l->fs, DEF(KIT_EXPIRE_VENDOR), FA_U("seconds", expire->max),
		    FA_U("outage", l->outage));
	if (plain > 0)
		finding_add(l->fs, DEF(KIT_PLAIN_TCP), FA_U("n", plain), FA_U("line", first));
}

/* --- sessions --- */

struct names {
	struct buf	 b;
	unsigned	 n;
};

static void
name_add(struct names *ns, const struct kit_session *s)
{
	if (ns->n++ < KIT_LISTED_MAX) {
		buf_str(&ns->b, ns->n > 1 ? ", " : "");
		buf_sv(&ns->b, s->name);
	} else if (ns->n == KIT_LISTED_MAX + 1) {
		buf_str(&ns->b, " …");
	}
}

enum list {
	L_NONE, L_SAME, L_UNSURE, L_OFF, L_LOST, L_MAX
};

static bool
inherits(const struct kit_model *m, const struct kit_session *s, bool keeps)
{
	for (unsigned i = 0; s != NULL && i < 8; i++, s = kit_parent(m, s))
		if (keeps ? s->keeps : s->checks)
			return true;
	return false;
}

static void
external_check(struct lint *l, const struct kit_session *s, struct names ns[L_MAX])
{
	struct kit_report *r = l->m.report;
	enum kit_fate fate = kit_judge(&l->m, s);

	r->n_external++;
	if (fate == KIT_FATE_NONE) {
		name_add(&ns[L_NONE], s);
		return;
	}
	if (fate == KIT_FATE_UNSURE) {
		r->n_unsure++;
		name_add(&ns[L_UNSURE], s);
		return;
	}
	if (l->v->needs_check && !l->m.checks && !inherits(&l->m, s, false)) {
		name_add(&ns[L_OFF], s);
		return;
	}
	r->n_covered++;
	if (fate == KIT_FATE_SAME)
		name_add(&ns[L_SAME], s);
	if (fate == KIT_FATE_GONE && !l->v->keeps_routes && !inherits(&l->m, s, true))
		name_add(&ns[L_LOST], s);
}

static void
internal_check(struct lint *l, const struct kit_session *s)
{
	enum kit_fate fate;

	/* One of them tells enough about all; a large file must not fill the list. */
	if (++l->m.report->n_internal > KIT_LISTED_MAX)
		return;
	fate = kit_judge(&l->m, s);
	if (fate == KIT_FATE_GONE || fate == KIT_FATE_LESS)
		finding_add(l->fs, DEF(KIT_IBGP_POLICY), FA_U("line", s->line), FA_SV("session", s->name));
}

static void
coverage_report(struct lint *l, struct names ns[L_MAX])
{
	const struct kit_report *r = l->m.report;

	if (ns[L_NONE].n > 0 && ns[L_NONE].n == r->n_external)
		finding_add(l->fs, DEF(KIT_POLICY_MISSING), FA_U("n", r->n_external),
		    FA_SV("sessions", buf_get(&ns[L_NONE].b)));
	else if (ns[L_NONE].n > 0)
		finding_add(l->fs, DEF(KIT_POLICY_PARTIAL), FA_U("covered", r->n_covered),
		    FA_U("n", r->n_external), FA_U("percent", 100u * r->n_covered / r->n_external),
		    FA_SV("sessions", buf_get(&ns[L_NONE].b)));
}

static const struct {
	enum list	 list;
	enum kit_code	 code;
} lists[] = {
	{ L_OFF, KIT_VALIDATION_OFF },
	{ L_UNSURE, KIT_POLICY_UNSURE },
	{ L_SAME, KIT_INVALID_ACCEPTED_SAME_PREFERENCE },
	{ L_LOST, KIT_NO_ADJ_RIB_IN },
};

static void
sessions_check(struct lint *l)
{
	struct names ns[L_MAX] = { 0 };

	for (const struct kit_session *s = l->m.sessions; s != NULL; s = s->next) {
		enum kit_side side = kit_side_of(&l->m, s);

		if (s->is_group)
			continue;
		if (side == KIT_EXTERNAL)
			external_check(l, s, ns);
		else if (side == KIT_INTERNAL)
			internal_check(l, s);
		else
			kit_unread(&l->m, s->line);	/* whose it is, is not known */
	}
	coverage_report(l, ns);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (ns[lists[i].list].n > 0)
			finding_add(l->fs, DEF(lists[i].code), FA_U("n", ns[lists[i].list].n),
			    FA_SV("sessions", buf_get(&ns[lists[i].list].b)));
	for (unsigned i = 0; i < L_MAX; i++)
		buf_done(&ns[i].b);
}

/* --- the whole --- */

static void
all_check(struct lint *l, int rc)
{
	const struct kit_report *r = l->m.report;

	if (rc < 0)
		finding_add(l->fs, DEF(KIT_TOO_LARGE), FA_MSG("what", N_("sections in sections")));
	else if (l->m.n_sessions > KIT_SESSIONS_MAX)
		finding_add(l->fs, DEF(KIT_TOO_LARGE), FA_MSG("what", N_("sessions")));
	else if (pool_has_failed(l->m.pool))
		finding_add(l->fs, DEF(KIT_TOO_LARGE), FA_MSG("what", N_("statements")));
	if (r->n_read == 0) {
		finding_add(l->fs, DEF(KIT_NOTHING_READ), FA_STR("vendor", l->v->title));
		return;
	}
	caches_check(l);
	sessions_check(l);
	if (r->n_unread > 0)
		finding_add(l->fs, DEF(KIT_UNREAD), FA_U("n", r->n_unread), FA_U("line", r->first_unread));
}

int
kit_lint(const struct kit_vendor *v, struct sv text, uint32_t outage_sec, struct findings *fs,
    struct kit_report *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(KIT_POOL_MAX);
	struct kit_report report = { 0 };
	struct lint l = { .v = v, .fs = fs, .outage = outage_sec };
	int rc;

	if (text.n > KIT_FILE_MAX)
		return SE_LIMIT;
	if (pool == NULL)
		return -ENOMEM;
	l.m.pool = pool;
	l.m.report = &report;
	l.m.vendor = v;
	l.m.cache_tail = &l.m.caches;
	l.m.rule_tail = &l.m.rules;
	l.m.session_tail = &l.m.sessions;
	rc = v->read(&l.m, text);
	all_check(&l, rc);
	*ret = report;
	return 0;
}
