#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/exceptions.h"
#include "base/timefmt.h"
#include "cmd/rpki_diff_cause.h"
#include "out/escape.h"

#define POOL_MAX	(8 * 1024 * 1024)
#define LOOKUPS_MAX	10000	/* questions to the history; a difference costs one */
#define ROWS_MAX	1000	/* changes looked at for one prefix */

static const struct {
	const char	*name;
	const char	*text;		/* msgid */
	const char	*at;		/* msgid with one %s, when the time is known; or NULL */
} whys[WHY_MAX] = {
	[WHY_UNKNOWN] = { "unknown", N_("never seen here"), NULL },
	[WHY_EXPIRED] = { "expired", N_("expired"), N_("expired at %s") },
	[WHY_LOCAL] = { "local", N_("asserted locally"), NULL },
	[WHY_HELD] = { "held", N_("held by the drop guard"), N_("held by the drop guard since %s") },
	[WHY_OLDER] = { "older", N_("older data, its CA's newest cannot be used"), NULL },
	[WHY_NEW] = { "new", N_("new here"), N_("here since %s") },
	[WHY_CHANGED] = { "changed", N_("another here"), N_("so since %s") },
	[WHY_THERE] = { "good", N_("good here"), NULL },
	[WHY_FILTERED] = { "filtered", N_("filtered locally"), NULL },
	[WHY_GONE_EXPIRED] = { "gone-expired", N_("expired"), N_("expired at %s") },
	[WHY_GONE_FAILED] = { "gone-failed", N_("its CA failed"), N_("its CA failed at %s") },
	[WHY_GONE_SIGNED] = { "gone-signed", N_("its CA took it away"),
	    N_("its CA took it away at %s") },
	[WHY_GONE_LOCAL] = { "gone-local", N_("was asserted locally"),
	    N_("was asserted locally until %s") },
	[WHY_GONE_TA] = { "gone-ta", N_("its trust anchor was taken away"),
	    N_("its trust anchor was taken away at %s") },
	[WHY_NO_TA] = { "no-ta", N_("no such trust anchor here"), NULL },
};

struct diff_causes {
	const struct snapshot	*s, *older;
	int64_t			 now;
	struct history_reader	*h;		/* NULL: none */
	struct pool		*pool;		/* of fs; NULL: no filters */
	struct slurm		*slurm;		/* NULL: none */
	size_t			 n_lookups;
	struct history_filters	 filters;	/* in force in s, if there is an older */
};

struct diff_item
diff_item(enum history_kind kind, const void *p)
{
	struct diff_item x = { .kind = kind, .p = p };

	if (kind == HK_VRP) {
		const struct vrp *v = p;

		x.asn = v->asn, x.ca = v->ca, x.ta = v->ta, x.expires = v->expires;
	} else if (kind == HK_ASPA) {
		const struct aspa *a = p;

		x.asn = a->customer, x.ca = a->ca, x.ta = a->ta, x.expires = a->expires;
	} else {
		const struct router_key *k = p;

		x.asn = k->asn, x.ca = k->ca, x.ta = k->ta, x.expires = k->expires;
	}
	return x;
}

static void
say_nothing(void *arg UNUSED, const char *text UNUSED)
{
}

/* Filters of the configuration, as validation takes them. */
static void
slurm_load(struct diff_causes *c, const struct conf *conf)
{
	const struct complain complain = { say_nothing, NULL, LANG_EN };
	const struct conf_value *v = &conf->values[CONF_RPKI_SLURM];
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	const char *files[SLURM_FILES_MAX];
	struct findings fs;
	int64_t next;

	if ((c->pool = pool_new(POOL_MAX)) == NULL)
		return;
	findings_init(&fs, c->pool);
	for (size_t i = 0; i < v->n && i < ARRAY_LEN(files); i++)
		files[i] = v->items[i].text.p;
	exceptions_text(conf, &text);
	if (text.rc < 0 || exceptions_load(files, min_size(v->n, ARRAY_LEN(files)), buf_get(&text),
	    c->now, &fs, &complain, &c->slurm, &next) < 0)
		c->slurm = NULL;
}

struct diff_causes *
diff_causes_new(const struct cmd_ctx *ctx, const struct snapshot *snap,
    const struct snapshot *older, const char *state)
{
	struct diff_causes *c = calloc(1, sizeof(*c));
	char path[STATE_DIR_MAX + 32];
	struct conf_error err;
	struct conf *conf;

	if (c == NULL)
		return NULL;
	c->s = snap;
	c->older = older;
	c->now = ctx->now;
	if (older != NULL && history_filters_read(snapshot_report(snap), &c->filters) < 0)
		return diff_causes_free(c);
	(void)snprintf(path, sizeof(path), "%s/" HISTORY_FILE, state);
	if (state[0] == '\0' || history_reader_open(path, &c->h) < 0)
		c->h = NULL;
	if (app_conf_load(ctx->conf, ctx->state, &conf, &err) == 0) {
		slurm_load(c, conf);
		(void)conf_free(conf);
	}
	return c;
}

struct diff_causes *
diff_causes_free(struct diff_causes *c)
{
	if (c == NULL)
		return NULL;
	(void)history_reader_free(c->h);
	history_filters_done(&c->filters);
	(void)slurm_free(c->slurm);
	(void)pool_free(c->pool);
	free(c);
	return NULL;
}

/* --- the history --- */

/* The last that happened to this very payload, not after our snapshot. */
struct newest {
	const struct diff_causes	*c;
	const struct diff_item		*x;
	struct diff_cause		*ret;
	bool				 found, announce;
};

static bool
same_payload(const struct diff_item *x, const struct history_change *c)
{
	const struct sv ski = c->announce ? c->after : c->before;

	if (x->kind != c->kind || x->asn != c->asn)
		return false;
	if (x->kind == HK_VRP) {
		const struct vrp *v = x->p;

		return c->max_len == v->max_len && c->prefix.af == v->af &&
		    c->prefix.len == v->len &&
		    memcmp(c->prefix.addr, v->addr, sizeof(v->addr)) == 0;
	}
	if (x->kind == HK_KEY) {
		const struct router_key *k = x->p;

		return ski.n == sizeof(k->ski) && memcmp(ski.p, k->ski, ski.n) == 0;
	}
	return true;		/* an ASPA is its customer's */
}

static const enum diff_why whys_gone[HC_MAX] = {	/* HC_NONE: unknown */
	[HC_SIGNED] = WHY_GONE_SIGNED, [HC_EXPIRED] = WHY_GONE_EXPIRED,
	[HC_FAILED] = WHY_GONE_FAILED, [HC_LOCAL] = WHY_GONE_LOCAL, [HC_TA] = WHY_GONE_TA,
};

static enum diff_why
why_of(const struct history_change *c)
{
	if (c->announce)
		return c->kind == HK_ASPA && c->had && c->has ? WHY_CHANGED : WHY_NEW;
	if (c->cause == HC_LOCAL && c->ca.n > 0)
		return WHY_FILTERED;
	return c->cause < HC_MAX ? whys_gone[c->cause] : WHY_UNKNOWN;
}

static bool
on_change(void *arg, const struct history_change *c)
{
	struct newest *n = arg;

	if (!same_payload(n->x, c) || (int32_t)(c->serial - n->c->s->stamp.serial) > 0)
		return true;
	/* Of two that are ours, only what lies between them matters. */
	if (n->c->older != NULL && (int32_t)(c->serial - n->c->older->stamp.serial) <= 0)
		return false;
	n->found = true;
	n->announce = c->announce;
	n->ret->at = c->at;
	n->ret->why = why_of(c);
	(void)snprintf(n->ret->code, sizeof(n->ret->code), "%.*s", SV_ARG(c->code));
	(void)snprintf(n->ret->speaker, sizeof(n->ret->speaker), "%.*s", SV_ARG(c->speaker));
	return false;
}

/* announce: did it come, or did it go? false: the history does not say so. */
static bool
history_find(struct diff_causes *c, const struct diff_item *x, bool announce,
    struct diff_cause *ret)
{
	struct history_query q = { .until = TIME_NEVER, .limit = ROWS_MAX,
	    .kinds = 1u << x->kind };
	struct diff_cause got = { 0 };
	struct newest n = { .c = c, .x = x, .ret = &got };

	if (c->h == NULL || c->n_lookups++ >= LOOKUPS_MAX)
		return false;
	q.by_prefix = x->kind == HK_VRP;
	q.by_asn = !q.by_prefix;
	q.asn = x->asn;
	if (x->kind == HK_VRP) {
		const struct vrp *v = x->p;

		q.prefix = (struct ip_prefix){ .af = v->af, .len = v->len };
		memcpy(q.prefix.addr, v->addr, sizeof(q.prefix.addr));
	}
	if (history_changes(c->h, &q, on_change, &n) < 0 || !n.found || n.announce != announce)
		return false;
	*ret = got;
	return true;
}

/* --- ours has it not --- */

static bool
filter_find(const struct diff_causes *c, const struct diff_item *x, struct diff_cause *ret)
{
	for (size_t i = 0; c->slurm != NULL && i < c->slurm->n; i++) {
		const struct slurm_entry *e = &c->slurm->entries[i];

		if (!(x->kind == HK_VRP ? slurm_filters_vrp(e, c->now, x->p) :
		    x->kind == HK_KEY ? slurm_filters_key(e, c->now, x->p) :
		    slurm_filters_aspa(e, c->now, x->asn)))
			continue;
		ret->why = WHY_FILTERED;
		(void)snprintf(ret->text, sizeof(ret->text), "%s %.*s%s%.*s", c->slurm->files[e->file],
		    SV_ARG(e->where), e->comment.n > 0 ? ": " : "", SV_ARG(e->comment));
		return true;
	}
	return false;
}

static bool
ta_known(const struct diff_causes *c, const char *ta)
{
	/* "-": a list that does not say. */
	if (ta[0] == '\0' || strcmp(ta, "-") == 0)
		return true;
	for (size_t i = 0; i < c->s->n_tas; i++)
		if (sv_caseeq(sv_str(c->s->tas[i]), sv_str(ta)))
			return true;
	return false;
}

static void
missing(struct diff_causes *c, const struct diff_item *x, const char *ta,
    struct diff_cause *ret)
{
	if (filter_find(c, x, ret) || history_find(c, x, false, ret))
		return;
	ret->why = ta_known(c, ta) ? WHY_UNKNOWN : WHY_NO_TA;
}

static void
ca_tell(const struct snapshot_ca *ca, enum diff_why why, struct diff_cause *ret)
{
	ret->why = why;
	ret->state = payload_ca_state_name((enum payload_ca_state)ca->ca.state);
	(void)snprintf(ret->code, sizeof(ret->code), "%.*s", SV_ARG(ca->ca.code));
	(void)snprintf(ret->speaker, sizeof(ret->speaker), "%.*s", SV_ARG(ca->ca.uri));
}

/* By a filter that was in force in ours; the configuration may be another by now. */
static bool
was_filtered(const struct diff_causes *c, const struct diff_item *x)
{
	struct history_payload p = { .kind = x->kind, .asn = x->asn };

	if (x->kind == HK_VRP) {
		const struct vrp *v = x->p;

		p.prefix = (struct ip_prefix){ .af = v->af, .len = v->len };
		memcpy(p.prefix.addr, v->addr, sizeof(p.prefix.addr));
	} else if (x->kind == HK_KEY)
		p.ski = ((const struct router_key *)x->p)->ski;
	return history_filtered(&c->filters, true, &p);
}

/* From the older of two snapshots to the newer: they say why, the history when. */
static void
gone(struct diff_causes *c, const struct diff_item *x, struct diff_cause *ret)
{
	int64_t at = c->s->built == c->older->built ? c->now : c->s->built;
	struct history_why w = history_why_gone(c->older, c->s, at,
	    &(struct history_gone){ x->ca, x->ta, x->expires, was_filtered(c, x) });
	bool filtered = w.cause == HC_LOCAL && x->ca < c->older->n_cas;
	struct diff_cause when;

	if ((filtered || w.cause == HC_SIGNED) && filter_find(c, x, ret))
		return;
	ret->why = filtered ? WHY_FILTERED : whys_gone[w.cause];
	if (w.spoken)
		ca_tell(&w.speaker, ret->why, ret);
	if (w.cause == HC_EXPIRED)
		ret->at = x->expires;
	else if (history_find(c, x, false, &when))
		ret->at = when.at;
}

/* --- ours has it --- */

static void
extra(struct diff_causes *c, const struct diff_item *x, struct diff_cause *ret)
{
	struct snapshot_ca ca = { 0 };
	bool has_ca = x->ca < c->s->n_cas;

	if (c->older != NULL)
		ret->why = x->both ? WHY_CHANGED : WHY_NEW;
	if (has_ca)
		snapshot_ca(c->s, x->ca, &ca);
	if (c->older == NULL && x->expires <= c->now) {
		ret->why = WHY_EXPIRED;
		ret->at = x->expires;
	} else if (!has_ca) {
		ret->why = WHY_LOCAL;
		(void)snprintf(ret->text, sizeof(ret->text), "%s",
		    x->ta < c->s->n_tas ? c->s->tas[x->ta] : "");
	} else if (ca.ca.held_since != 0) {
		ca_tell(&ca, WHY_HELD, ret);
		ret->at = ca.ca.held_since;
	} else if (ca.ca.state != PCA_GOOD)
		ca_tell(&ca, WHY_OLDER, ret);
	else
		(void)history_find(c, x, true, ret);
}

void
diff_cause_find(struct diff_causes *c, const struct diff_item *x, bool here, const char *ta,
    struct diff_cause *ret)
{
	*ret = (struct diff_cause){ .why = here ? WHY_THERE : WHY_UNKNOWN };
	if (here)
		extra(c, x, ret);
	else if (c->older != NULL)
		gone(c, x, ret);
	else
		missing(c, x, ta, ret);
}

/* --- output --- */

const char *
diff_why_name(enum diff_why w)
{
	return w < WHY_MAX ? whys[w].name : "?";
}

void
diff_cause_text(struct buf *b, const struct diff_cause *c, enum lang lang)
{
	const char *at = c->at != 0 ? whys[c->why].at : NULL;
	char t[TIME_STRLEN];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (at != NULL)
		buf_printf(b, tr(lang, at), time_str(c->at, t));
	else
		buf_str(b, tr(lang, whys[c->why].text));
#pragma GCC diagnostic pop
	if (c->code[0] != '\0') {
		buf_char(b, ' ');
		escape_term(b, sv_str(c->code));
	}
	if (c->text[0] != '\0') {
		buf_str(b, ": ");
		escape_term(b, sv_str(c->text));
	}
}

void
diff_cause_json(struct json *j, const struct diff_cause *c)
{
	char t[TIME_STRLEN];

	json_kv_str(j, "cause", diff_why_name(c->why));
	if (c->at != 0)
		json_kv_str(j, "time", time_str(c->at, t));
	if (c->state != NULL)
		json_kv_str(j, "state", c->state);
	if (c->code[0] != '\0')
		json_kv_str(j, "code", c->code);
	if (c->speaker[0] != '\0')
		json_kv_str(j, "speaker", c->speaker);
	if (c->text[0] != '\0')
		json_kv_str(j, "who", c->text);
}
