/*
 * FRR and EOS: a statement a line, in sections that a keyword opens. Lines
 * that begin at the margin and are of none of our sections close them.
 */
#include "app/kit_internal.h"

enum section {
	S_NONE,
	S_RPKI,			/* FRR: "rpki" */
	S_MAP,			/* "route-map NAME permit 10" */
	S_BGP,
	S_CACHE,		/* EOS: "rpki cache NAME" */
	S_ORIGIN,		/* EOS: "rpki origin-validation" */
};

struct lines {
	struct kit_model	*m;
	unsigned		 line;
	enum section		 section;
	struct kit_rule		*rule;
	struct kit_entry	*entry;
	uint32_t		 sec[KIT_TIME_MAX];	/* EOS: before "host" */
	struct kit_cache	*cache;
};

typedef bool	section_reader(struct lines *, const struct kit_words *);

static const struct {
	const char	*word;
	enum kit_time	 time;
} times[] = {
	{ "polling_period", KIT_REFRESH },
	{ "retry_interval", KIT_RETRY },
	{ "expire_interval", KIT_EXPIRE },
	{ "refresh-interval", KIT_REFRESH },
	{ "retry-interval", KIT_RETRY },
	{ "expire-interval", KIT_EXPIRE },
};

static bool
time_read(uint32_t sec[KIT_TIME_MAX], const struct kit_words *w, unsigned i)
{
	for (size_t k = 0; k < ARRAY_LEN(times); k++)
		if (kit_is(w, i, times[k].word)) {
			kit_sec_set(&sec[times[k].time], kit_word(w, i + 1));
			return true;
		}
	return false;
}

/* "rpki cache [tcp|ssh] ADDRESS PORT [USER KEY …] preference N" */
static bool
rpki_read(struct lines *r, const struct kit_words *w)
{
	unsigned at = kit_is(w, 2, "tcp") || kit_is(w, 2, "ssh") ? 3 : 2;
	struct kit_cache *c;

	if (!kit_is(w, 0, "rpki"))
		return kit_is(w, 0, "exit") || kit_is(w, 0, "no");
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (kit_is(w, 1, times[i].word))
			r->m->sec_line[times[i].time] = r->line;
	if (time_read(r->m->sec, w, 1))
		return true;
	if (!kit_is(w, 1, "cache") || w->n < at + 2)
		return kit_is(w, 1, "initial-synchronisation-timeout");
	if ((c = kit_cache_get(r->m, kit_word(w, at), r->line)) != NULL)
		c->secure = kit_is(w, 2, "ssh") || (at == 2 && w->n > 4 &&
		    !kit_is(w, 4, "preference") && !kit_is(w, 4, "source"));
	return true;
}

/* Entries stand in the order of their numbers, whatever that of the file is. */
static struct kit_entry *
entry_numbered(struct kit_model *m, struct kit_rule *rule, uint32_t seq, unsigned line)
{
	struct kit_entry **p, *e;

	if (rule == NULL)
		return NULL;
	for (p = &rule->head; *p != NULL && (*p)->seq <= seq; p = &(*p)->next)
		if ((*p)->seq == seq)
			return *p;
	if ((e = pool_calloc(m->pool, 1, sizeof(*e))) == NULL)
		return NULL;
	e->seq = seq;
	e->line = line;
	e->next = *p;
	*p = e;
	return e;
}

static void
map_open(struct lines *r, const struct kit_words *w)
{
	uint32_t seq = 10;

	r->section = S_MAP;
	r->entry = NULL;
	if ((r->rule = kit_rule_get(r->m, kit_word(w, 1), r->line)) == NULL)
		return;
	r->rule->end_refuses = r->rule->call_returns = true;
	if (w->n > 3 && num_u32(kit_word(w, 3), 0, UINT32_MAX, &seq) < 0)
		kit_unread(r->m, r->line);
	if ((r->entry = entry_numbered(r->m, r->rule, seq, r->line)) != NULL)
		r->entry->act = kit_is(w, 2, "deny") ? KIT_REFUSE : KIT_TAKE;
}

/* All matches of an entry must hold: one that is not known makes it "maybe". */
static void
match_read(struct kit_entry *e, const struct kit_words *w)
{
	bool rpki = kit_is(w, 1, "rpki");
	bool eos = kit_is(w, 1, "origin-as") && kit_is(w, 2, "validity");
	unsigned at = rpki ? 2 : 3;

	if (!rpki && !eos) {
		e->mentions |= e->cond == KIT_INVALID;
		if (e->cond != KIT_OTHER)
			e->cond = KIT_MAYBE;
	} else if (!kit_is(w, at, "invalid")) {
		e->cond = KIT_OTHER;
	} else if (e->cond == KIT_ALL) {
		e->cond = KIT_INVALID;
	} else {
		e->mentions = true;
	}
}

static bool
map_read(struct lines *r, const struct kit_words *w)
{
	struct kit_entry *e = r->entry;

	if (e == NULL)
		return false;
	if (kit_is(w, 0, "match"))
		match_read(e, w);
	else if (kit_is(w, 0, "set") && kit_is(w, 1, "local-preference"))
		return kit_lp_set(e, kit_word(w, 2));
	else if (kit_is(w, 0, "call"))
		e->callee = kit_word(w, 1);
	else if (kit_is(w, 0, "on-match") || kit_is(w, 0, "continue"))
		e->act = e->act == KIT_TAKE ? KIT_GO_ON : e->act;
	else
		return kit_is(w, 0, "set") || kit_is(w, 0, "description") || kit_is(w, 0, "exit");
	/* Where it goes on is known only when it is the next entry. */
	if (w->n > 1 && (kit_is(w, 1, "goto") || kit_is(w, 0, "continue")))
		return kit_is(w, 0, "continue") && w->n == 1;
	return true;
}

static void
side_read(struct kit_session *s, struct sv asn)
{
	if (sv_eq(asn, SV("external")))
		s->side = KIT_EXTERNAL;
	else if (sv_eq(asn, SV("internal")))
		s->side = KIT_INTERNAL;
	else if (asn_parse(asn, &s->asn) < 0)
		s->unsure = true;
}

static bool
neighbor_read(struct lines *r, const struct kit_words *w)
{
	struct sv name = kit_word(w, 1);
	/* EOS writes "peer group", FRR "peer-group". */
	unsigned at = kit_is(w, 2, "peer") && kit_is(w, 3, "group") ? 3 : 2;
	bool group = kit_is(w, at, at == 3 ? "group" : "peer-group");
	struct kit_session *s, *g = NULL;

	if (w->n < 3)
		return false;
	if (group && w->n == at + 1)
		return kit_session_get(r->m, name, true, r->line) != NULL;
	for (s = r->m->sessions; s != NULL; s = s->next)
		if (s->is_group && sv_eq(s->name, name))
			g = s;
	s = g != NULL ? g : kit_session_get(r->m, name, false, r->line);
	if (s == NULL)
		return true;
	/* "neighbor eth0 interface remote-as external" */
	if (kit_is(w, 2, "interface") && kit_is(w, 3, "remote-as"))
		side_read(s, kit_word(w, 4));
	else if (kit_is(w, 2, "interface") && kit_is(w, 3, "peer-group"))
		s->group = kit_word(w, 4);
	else if (group)
		s->group = kit_word(w, at + 1);
	else if (kit_is(w, 2, "remote-as"))
		side_read(s, kit_word(w, 3));
	else if (kit_is(w, 2, "route-map") && kit_is(w, 4, "in"))
		kit_ref_add(s, kit_word(w, 3));
	else if (kit_is(w, 2, "soft-reconfiguration"))
		s->keeps = true;
	else if (kit_is(w, 2, "rcf") && kit_is(w, 3, "in"))
		s->unsure = true;
	return true;
}

static bool
bgp_read(struct lines *r, const struct kit_words *w)
{
	struct kit_session *s;

	if (kit_is(w, 0, "neighbor"))
		return neighbor_read(r, w);
	if (kit_is(w, 0, "bgp") && kit_is(w, 1, "listen") && kit_is(w, 2, "range")) {
		s = kit_session_get(r->m, kit_word(w, 3), false, r->line);
		if (s != NULL)
			s->group = kit_word(w, 5);
		return true;
	}
	if (kit_is(w, 0, "rpki") && kit_is(w, 1, "cache")) {
		r->section = S_CACHE;
		r->cache = NULL;
		for (unsigned i = 0; i < KIT_TIME_MAX; i++)
			r->sec[i] = 0;
		return true;
	}
	if (kit_is(w, 0, "rpki") && kit_is(w, 1, "origin-validation")) {
		r->section = S_ORIGIN;
		return true;
	}
	return !kit_is(w, 0, "rpki");
}

static bool
cache_read(struct lines *r, const struct kit_words *w)
{
	static const char *const known[] = { "local-interface", "preference", "transport", "exit", "vrf" };

	if (kit_is(w, 0, "host") && w->n > 1)
		r->cache = kit_cache_get(r->m, kit_word(w, 1), r->line);
	else if (!time_read(r->sec, w, 0)) {
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			if (kit_is(w, 0, known[i]))
				return true;
		r->section = S_BGP;
		return bgp_read(r, w);
	}
	for (unsigned i = 0; r->cache != NULL && i < KIT_TIME_MAX; i++)
		r->cache->sec[i] = r->sec[i];
	return true;
}

static bool
origin_read(struct lines *r, const struct kit_words *w)
{
	if (kit_is(w, 0, "ebgp")) {
		r->m->checks |= kit_is(w, 1, "local");
		return true;
	}
	if (kit_is(w, 0, "ibgp") || kit_is(w, 0, "redistributed") || kit_is(w, 0, "send"))
		return true;
	r->section = S_BGP;
	return bgp_read(r, w);
}

static section_reader *const readers[] = {
	[S_RPKI] = rpki_read,
	[S_MAP] = map_read,
	[S_BGP] = bgp_read,
	[S_CACHE] = cache_read,
	[S_ORIGIN] = origin_read,
};

static bool
section_open(struct lines *r, const struct kit_words *w)
{
	if (kit_is(w, 0, "route-map") && w->n >= 3) {
		map_open(r, w);
		return true;
	}
	if (kit_is(w, 0, "router") && kit_is(w, 1, "bgp")) {
		r->section = S_BGP;
		kit_asn_set(r->m, kit_word(w, 2), r->line);
		return true;
	}
	if (kit_is(w, 0, "rpki") && w->n == 1) {
		r->section = S_RPKI;
		return true;
	}
	return false;
}

static void
line_read(struct lines *r, struct sv line)
{
	struct kit_words w;
	unsigned indent = kit_words_split(line, &w);

	if (w.n == 0 || w.w[0].n == 0 || w.w[0].p[0] == '!' || w.w[0].p[0] == '#')
		return;
	r->m->report->n_lines++;
	if (section_open(r, &w) || (r->section != S_NONE && readers[r->section](r, &w))) {
		kit_read_one(r->m);
		return;
	}
	if (indent == 0) {		/* something else begins */
		r->section = S_NONE;
		return;
	}
	if (r->section != S_NONE)
		kit_unread(r->m, r->line);
}

static int
lines_read(struct kit_model *m, struct sv text)
{
	struct lines r = { .m = m };
	struct sv line;

	while (sv_line(&text, &line)) {
		r.line++;
		line_read(&r, line);
	}
	return 0;
}

int
kit_read_frr(struct kit_model *m, struct sv text)
{
	return lines_read(m, text);
}

int
kit_read_eos(struct kit_model *m, struct sv text)
{
	return lines_read(m, text);
}
