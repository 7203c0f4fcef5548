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
	const char	*name, *text;	/* msgid; has one %s if with_time */
	bool		 with_time;
} whys[WHY_MAX] = {
	[WHY_UNKNOWN] = { "unknown", N_("never seen here"), false },
	[WHY_EXPIRED] = { "expired", N_("expired at %s"), true },
	[WHY_LOCAL] = { "local", N_("asserted locally"), false },
	[WHY_HELD] = { "held", N_("held by the drop guard since %s"), true },
	[WHY_OLDER] = { "older", N_("older data, its CA's newest cannot be used"), false },
	[WHY_NEW] = { "new", N_("here since %s"), true },
	[WHY_THERE] = { "good", N_("good here"), false },
	[WHY_FILTERED] = { "filtered", N_("filtered locally"), false },
	[WHY_GONE_EXPIRED] = { "gone-expired", N_("expired at %s"), true },
	[WHY_GONE_FAILED] = { "gone-failed", N_("its CA failed at %s"), true },
	[WHY_GONE_SIGNED] = { "gone-signed", N_("its CA took it away at %s"), true },
	[WHY_GONE_LOCAL] = { "gone-local", N_("was asserted locally until %s"), true },
	[WHY_GONE_TA] = { "gone-ta", N_("its trust anchor was taken away at %s"), true },
	[WHY_NO_TA] = { "no-ta", N_("no such trust anchor here"), false },
};

struct diff_causes {
	const struct snapshot	*s;
	int64_t			 now;
	struct history_reader	*h;		/* NULL: none */
	struct pool		*pool;		/* of fs; NULL: no filters */
	struct slurm		*slurm;		/* NULL: none */
	size_t			 n_lookups;
};

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
diff_causes_new(const struct cmd_ctx *ctx, const struct snapshot *s)
{
	struct diff_causes *c = calloc(1, sizeof(*c));
	char path[STATE_DIR_MAX + 32];
	struct conf_error err;
	struct conf *conf = NULL;

	if (c == NULL)
		return NULL;
	c->s = s;
	c->now = ctx->now;
	if (app_conf_load(ctx->conf, ctx->state, &conf, &err) < 0)
		conf = NULL;
	if (conf != NULL || ctx->state != NULL) {
		(void)snprintf(path, sizeof(path), "%s/" HISTORY_FILE,
		    conf != NULL ? app_conf_str(conf, CONF_STATE) : ctx->state);
		if (history_reader_open(path, &c->h) < 0)
			c->h = NULL;
	}
	if (conf != NULL)
		slurm_load(c, conf);
	(void)conf_free(conf);
	return c;
}

struct diff_causes *
diff_causes_free(struct diff_causes *c)
{
	if (c == NULL)
		return NULL;
	(void)history_reader_free(c->h);
	(void)slurm_free(c->slurm);
	(void)pool_free(c->pool);
	free(c);
	return NULL;
}

/* --- the history --- */

/* The last that happened to this very payload, not after our snapshot. */
struct newest {
	const struct diff_causes	*c;
	const struct vrp		*v;
	struct diff_cause		*ret;
	bool				 found, announce;
};

static bool
on_change(void *arg, const struct history_change *x)
{
	static const enum diff_why gone[HC_MAX] = {
		[HC_SIGNED] = WHY_GONE_SIGNED, [HC_EXPIRED] = WHY_GONE_EXPIRED,
		[HC_FAILED] = WHY_GONE_FAILED, [HC_LOCAL] = WHY_GONE_LOCAL, [HC_TA] = WHY_GONE_TA,
	};
	struct newest *n = arg;

	if (x->kind != HK_VRP || x->asn != n->v->asn || x->max_len != n->v->max_len ||
	    x->prefix.af != n->v->af || x->prefix.len != n->v->len ||
	    memcmp(x->prefix.addr, n->v->addr, sizeof(n->v->addr)) != 0 ||
	    (int32_t)(x->serial - n->c->s->stamp.serial) > 0)
		return true;
	n->found = true;
	n->announce = x->announce;
	n->ret->at = x->at;
	n->ret->why = x->announce ? WHY_NEW : x->cause < HC_MAX ? gone[x->cause] : WHY_UNKNOWN;
	(void)snprintf(n->ret->code, sizeof(n->ret->code), "%.*s", SV_ARG(x->code));
	(void)snprintf(n->ret->speaker, sizeof(n->ret->speaker), "%.*s", SV_ARG(x->speaker));
	return false;
}

/* announce: did it come, or did it go? false: the history does not say so. */
static bool
history_find(struct diff_causes *c, const struct vrp *v, bool announce, struct diff_cause *ret)
{
	struct history_query q = { .by_prefix = true, .until = TIME_NEVER, .limit = ROWS_MAX };
	struct diff_cause got = { 0 };
	struct newest n = { .c = c, .v = v, .ret = &got };

	if (c->h == NULL || c->n_lookups++ >= LOOKUPS_MAX)
		return false;
	q.prefix = (struct ip_prefix){ .af = v->af, .len = v->len };
	memcpy(q.prefix.addr, v->addr, sizeof(q.prefix.addr));
	if (history_changes(c->h, &q, on_change, &n) < 0 || !n.found || n.announce != announce)
		return false;
	*ret = got;
	return true;
}

/* --- ours has it not --- */

static bool
filter_find(const struct diff_causes *c, const struct vrp *v, struct diff_cause *ret)
{
	for (size_t i = 0; c->slurm != NULL && i < c->slurm->n; i++) {
		const struct slurm_entry *e = &c->slurm->entries[i];

		if (!slurm_filters_vrp(e, c->now, v))
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
	for (size_t i = 0; i < c->s->n_tas; i++)
		if (sv_caseeq(sv_str(c->s->tas[i]), sv_str(ta)))
			return true;
	return ta[0] == '\0';
}

void
diff_cause_missing(struct diff_causes *c, const struct vrp *v, const char *ta,
    struct diff_cause *ret)
{
	*ret = (struct diff_cause){ .why = WHY_UNKNOWN };
	if (filter_find(c, v, ret) || history_find(c, v, false, ret))
		return;
	if (!ta_known(c, ta))
		ret->why = WHY_NO_TA;
}

/* --- ours has it --- */

static void
ca_tell(const struct snapshot_ca *ca, enum diff_why why, struct diff_cause *ret)
{
	ret->why = why;
	(void)snprintf(ret->code, sizeof(ret->code), "%.*s", SV_ARG(ca->ca.code));
	(void)snprintf(ret->speaker, sizeof(ret->speaker), "%.*s", SV_ARG(ca->ca.uri));
}

void
diff_cause_extra(struct diff_causes *c, const struct vrp *v, struct diff_cause *ret)
{
	struct snapshot_ca ca = { 0 };
	bool has_ca = v->ca < c->s->n_cas;

	*ret = (struct diff_cause){ .why = WHY_THERE };
	if (has_ca)
		snapshot_ca(c->s, v->ca, &ca);
	if (v->expires <= c->now) {
		ret->why = WHY_EXPIRED;
		ret->at = v->expires;
	} else if (!has_ca) {
		ret->why = WHY_LOCAL;
		(void)snprintf(ret->text, sizeof(ret->text), "%s",
		    v->ta < c->s->n_tas ? c->s->tas[v->ta] : "");
	} else if (ca.ca.held_since != 0) {
		ca_tell(&ca, WHY_HELD, ret);
		ret->at = ca.ca.held_since;
	} else if (ca.ca.state != PCA_GOOD)
		ca_tell(&ca, WHY_OLDER, ret);
	else
		(void)history_find(c, v, true, ret);
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
	const char *words = tr(lang, whys[c->why].text);
	char t[TIME_STRLEN];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (whys[c->why].with_time)
		buf_printf(b, words, time_str(c->at, t));
	else
		buf_str(b, words);
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
	if (c->code[0] != '\0')
		json_kv_str(j, "code", c->code);
	if (c->speaker[0] != '\0')
		json_kv_str(j, "speaker", c->speaker);
	if (c->text[0] != '\0')
		json_kv_str(j, "who", c->text);
}
