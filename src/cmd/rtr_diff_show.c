#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/rtr_diff.h"
#include "cmd/rtr_show.h"
#include "out/table.h"

#define NAME_CELLS	32
#define NUM_CELLS	10

/* --- JSON --- */

static void
side_json(struct json *j, const struct rtr_diff *d, unsigned i)
{
	const struct diff_source *s = &d->sources[i];
	const struct watch_side *side = &d->diff.side[i];
	const struct payloads *p = diff_payloads(s);

	json_open(j, '{');
	json_kv_sv(j, "source", sv_str(s->name.p));
	json_kv_str(j, "kind", s->is_file ? "file" : "rtr");
	if (s->cache != NULL) {
		const struct watch_facts *f = watch_cache_facts(s->cache);

		json_kv_u64(j, "version", f->version);
		json_kv_u64(j, "session", f->session);
		json_kv_u64(j, "serial", f->serial);
		json_kv_u64(j, "lost", s->n_lost);
	}
	json_kv_u64(j, "vrps", side->n[WATCH_VRP]);
	json_kv_u64(j, "aspas", side->n[WATCH_ASPA]);
	json_kv_u64(j, "router_keys", side->n[WATCH_KEY]);
	json_kv_u64(j, "only_here", side->n_only);
	json_kv_u64(j, "missing_here", side->n_missing);
	json_key(j, "only_here_by_ta");
	json_open(j, '{');
	for (size_t t = 0; t < p->n_tas; t++)
		if (side->n_only_by_ta[t] > 0)
			json_kv_u64(j, p->tas[t], side->n_only_by_ta[t]);
	json_close(j, '}');
	json_close(j, '}');
}

/* "192.0.2.0/24-28", "AS64496 AS64497", or nothing. */
static void
value_text(struct buf *b, const struct watch_entry *e)
{
	struct ip_prefix px = { .len = e->vrp.len, .af = e->vrp.af };
	char text[IP_PREFIX_STRLEN];

	if (e->kind == WATCH_VRP) {
		for (size_t i = 0; i < sizeof(px.addr); i++)
			px.addr[i] = e->vrp.addr[i];
		buf_printf(b, "%s-%u", ip_prefix_str(&px, text), e->vrp.max_len);
	}
	for (uint32_t i = 0; e->aspa != NULL && i < e->aspa->n_providers; i++)
		buf_printf(b, "%sAS%u", i > 0 ? " " : "", e->aspa->providers[i]);
}

static void
entry_json(struct json *j, const struct rtr_diff *d, const struct watch_entry *e)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct payloads *p = diff_payloads(&d->sources[e->source]);

	value_text(&b, e);
	json_open(j, '{');
	json_kv_str(j, "kind", watch_kind_name(e->kind));
	json_kv_u64(j, "asn", e->asn);
	if (e->kind != WATCH_KEY)
		json_kv_sv(j, e->kind == WATCH_VRP ? "prefix" : "providers", buf_get(&b));
	if (e->kind == WATCH_VRP)
		json_kv_bool(j, "max_length_only", e->maxlen_only);
	if (e->kind == WATCH_ASPA)
		json_kv_bool(j, "other_providers", e->providers_differ);
	if (e->ta < p->n_tas)
		json_kv_str(j, "ta", p->tas[e->ta]);
	json_key(j, "in");
	json_open(j, '[');
	for (unsigned i = 0; i < d->n_sources; i++)
		if ((e->in >> i & 1) != 0)
			json_sv(j, sv_str(d->sources[i].name.p));
	json_close(j, ']');
	json_close(j, '}');
}

static void
lag_json(struct json *j, const struct rtr_diff *d, unsigned i)
{
	const struct watch_lag_stat *s = &d->sources[i].lag;

	json_open(j, '{');
	json_kv_sv(j, "source", sv_str(d->sources[i].name.p));
	json_kv_u64(j, "first", s->n_first);
	json_kv_u64(j, "later", s->n_later);
	json_kv_i64(j, "p50_usec", s->p50_usec);
	json_kv_i64(j, "max_usec", s->max_usec);
	json_kv_u64(j, "awaited", s->n_awaited);
	json_kv_i64(j, "awaited_usec", s->awaited_usec);
	json_close(j, '}');
}

static void
show_json(const struct rtr_diff *d)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	json_open(&j, '{');
	json_key(&j, "sources");
	json_open(&j, '[');
	for (unsigned i = 0; i < d->n_sources; i++)
		side_json(&j, d, i);
	json_close(&j, ']');
	json_key(&j, "compared");
	json_open(&j, '[');
	for (unsigned k = 0; k < WATCH_KIND_MAX; k++)
		if ((d->kinds >> k & 1) != 0)
			json_str(&j, watch_kind_name(k));
	json_close(&j, ']');
	json_kv_u64(&j, "common", d->diff.n_common);
	json_key(&j, "differ");
	json_open(&j, '{');
	for (unsigned k = 0; k < WATCH_KIND_MAX; k++)
		json_kv_u64(&j, watch_kind_name(k), d->diff.n_differ[k]);
	json_close(&j, '}');
	json_kv_u64(&j, "max_length_only", d->diff.n_maxlen);
	json_key(&j, "entries");
	json_open(&j, '[');
	for (size_t i = 0; i < d->diff.n_entries; i++)
		entry_json(&j, d, &d->diff.entries[i]);
	json_close(&j, ']');
	json_kv_u64(&j, "entries_left_out", watch_diff_count(&d->diff) - d->diff.n_entries);
	if (d->lag != NULL) {
		json_key(&j, "lag");
		json_open(&j, '[');
		for (unsigned i = 0; i < d->n_sources; i++)
			lag_json(&j, d, i);
		json_close(&j, ']');
		json_kv_u64(&j, "changes_not_followed", watch_lag_lost(d->lag));
	}
	rtr_watch_findings_json(&j, &d->findings, d->ctx->lang);
	json_close(&j, '}');
	if (b.rc == 0)
		printf("%.*s\n", SV_ARG(buf_get(&b)));
}

/* --- text --- */

static void
sides_text(const struct rtr_diff *d, struct buf *b)
{
	static const char *const heads[] = { N_("VRPs"), N_("ASPAs"), N_("keys"),
	    N_("only here"), N_("missing") };
	enum lang lang = d->ctx->lang;

	table_cell(b, tr(lang, N_("source")), NAME_CELLS, false);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		table_cell(b, tr(lang, heads[i]), NUM_CELLS, true);
	buf_char(b, '\n');
	for (unsigned i = 0; i < d->n_sources; i++) {
		const struct watch_side *s = &d->diff.side[i];

		table_cell(b, d->sources[i].name.p, NAME_CELLS, false);
		for (unsigned k = 0; k < WATCH_KIND_MAX; k++)
			table_num(b, s->n[k], NUM_CELLS);
		table_num(b, s->n_only, NUM_CELLS);
		table_num(b, s->n_missing, NUM_CELLS);
		buf_char(b, '\n');
	}
}

static void
entry_text(const struct rtr_diff *d, struct buf *b, const struct watch_entry *e)
{
	const char *sep = "";

	buf_printf(b, "  %s AS%u ", watch_kind_name(e->kind), e->asn);
	value_text(b, e);
	buf_printf(b, " %s ", tr(d->ctx->lang, N_("in:")));
	for (unsigned i = 0; i < d->n_sources; i++)
		if ((e->in >> i & 1) != 0) {
			buf_printf(b, "%s%s", sep, d->sources[i].name.p);
			sep = ", ";
		}
	if (e->maxlen_only)
		buf_printf(b, " (%s)", tr(d->ctx->lang, N_("elsewhere with another maximum length")));
	if (e->providers_differ)
		buf_printf(b, " (%s)", tr(d->ctx->lang, N_("elsewhere with other providers")));
	buf_char(b, '\n');
}

/* Where trust anchors are known: of which one is what only this one has. */
static void
tas_text(const struct rtr_diff *d, struct buf *b)
{
	for (unsigned i = 0; i < d->n_sources; i++) {
		const struct payloads *p = diff_payloads(&d->sources[i]);

		for (size_t t = 0; t < p->n_tas; t++) {
			size_t n = d->diff.side[i].n_only_by_ta[t];

			if (n == 0 || sv_eq_str(sv_str(p->tas[t]), "-"))
				continue;
			buf_printf(b, tr(d->ctx->lang, N_("  only in %s, of trust anchor %s: %zu\n")),
			    d->sources[i].name.p, p->tas[t], n);
		}
	}
}

static void
lags_text(const struct rtr_diff *d, struct buf *b)
{
	for (unsigned i = 0; d->lag != NULL && i < d->n_sources; i++) {
		const struct watch_lag_stat *s = &d->sources[i].lag;

		buf_printf(b, tr(d->ctx->lang, N_("%s: first with %zu changes, later with %zu (half of them within %lld s, all within %lld s), still without %zu\n")),
		    d->sources[i].name.p, s->n_first, s->n_later, (long long)s->p50_usec / 1000000,
		    (long long)s->max_usec / 1000000, s->n_awaited);
	}
}

static void
show_text(const struct rtr_diff *d)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	size_t n = watch_diff_count(&d->diff);

	sides_text(d, &b);
	buf_printf(&b, tr(d->ctx->lang, N_("in all: %zu; not in all: %zu (VRPs %zu, ASPAs %zu, router keys %zu); of these only the maximum length differs: %zu\n")),
	    d->diff.n_common, n, d->diff.n_differ[WATCH_VRP], d->diff.n_differ[WATCH_ASPA],
	    d->diff.n_differ[WATCH_KEY], d->diff.n_maxlen);
	if (d->kinds != WATCH_KINDS_ALL)
		buf_str(&b, tr(d->ctx->lang, N_("not compared: what not all of the sources can tell (ASPAs, or router keys as well)\n")));
	tas_text(d, &b);
	for (size_t i = 0; i < d->diff.n_entries; i++)
		entry_text(d, &b, &d->diff.entries[i]);
	if (n > d->diff.n_entries && d->diff.n_entries > 0)
		buf_printf(&b, tr(d->ctx->lang, N_("  and %zu more (--list N)\n")),
		    n - d->diff.n_entries);
	lags_text(d, &b);
	if (b.rc == 0)
		printf("%.*s", SV_ARG(buf_get(&b)));
}

/* --- monitoring --- */

static bool
has_lag(const struct rtr_diff *d)
{
	for (const struct finding *f = d->findings.head; f != NULL; f = f->next)
		if (f->def == &watch_findings[WATCH_LAG])
			return true;
	return false;
}

static int
show_nagios(const struct rtr_diff *d)
{
	size_t n = watch_diff_count(&d->diff);
	enum watch_state s = WATCH_OK;
	int64_t worst = 0;

	if (n >= d->warn)
		s = WATCH_WARNING;
	if (has_lag(d) || (d->crit > 0 && n >= d->crit))
		s = WATCH_CRITICAL;
	for (unsigned i = 0; i < d->n_sources; i++)
		if (d->sources[i].lag.max_usec > worst)
			worst = d->sources[i].lag.max_usec;
	printf("RTR %s - ", rtr_watch_state_name(s));
	printf(tr(d->ctx->lang, N_("%u sources, %zu entries differ")), d->n_sources, n);
	printf(" | differ=%zu;%u;", n, d->warn);
	if (d->crit > 0)
		printf("%u", d->crit);
	for (unsigned i = 0; i < d->n_sources; i++)
		printf(" vrps%u=%zu", i + 1, d->diff.side[i].n[WATCH_VRP]);
	if (d->lag != NULL)
		printf(" lag=%llds", (long long)worst / 1000000);
	printf("\n");
	return (int)s;
}

int
diff_show(struct rtr_diff *d)
{
	unsigned shown = 0;

	if (d->nagios)
		return show_nagios(d);
	if (d->ctx->json)
		show_json(d);
	else {
		if (!d->ctx->quiet)
			show_text(d);
		rtr_findings_show(d->ctx, &d->findings, &shown);
	}
	return findings_reject(&d->findings) ? EXIT_REJECTED : EXIT_GOOD;
}
