/*
 * The report of a run as JSON: what the page, the metrics and `--json` show.
 * Texts are in every language, since the page chooses per request.
 *
 * {"filters":[{"kind":"vrp"|"key"|"aspa","prefix","asn","ski","hits"}],"filters_more",
 *					only if local filters are in force; first,
 *					in this form: store/history_filter.c cuts it out
 *  "built","at","duration_ms","earliest","verified","incomplete",
 *  "tas":[{"name","uri","ok","vrps4","vrps6","aspas","objects"}],
 *  "objects":[{"type","verdict","count"}],
 *  "findings_total":{"REJECT","WARN","NOTE"},
 *  "findings_by_code":[{"code","severity","count"}],
 *  "guard":{"held","until","hash"},		only if something is held
 *  "findings":[{"subject","code","severity","clause","args","text":{"en","ja"},
 *    "remedy":{"en","ja"},"ours"}]}	worst first, ours before others'
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/routes.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "store/history.h"
#include "sys/clock.h"

#define CODES_MAX	256	/* more than there are */

struct code_row {
	const struct finding_def *def;
	uint64_t		  n;
};

struct report {
	const struct routes	*r;
	const struct ours	*ours;
	struct json		 j;
	enum severity		 severity;	/* of this pass */
	bool			 want_ours;
	size_t			 n;
	struct code_row		 codes[CODES_MAX];
	size_t			 n_codes;
};

static bool
vrp_ours(const struct ours *o, const struct vrp *v)
{
	struct ip_prefix p = { .af = v->af, .len = v->len };

	memcpy(p.addr, v->addr, 16);
	return ours_asn(o, v->asn) || ours_prefix(o, &p);
}

/* By its arguments, or by what the object would have said. */
static bool
finding_ours(const struct report *rep, const struct finding *f)
{
	const struct routes_object *x;

	if (rep->ours == NULL || rep->ours->n_asns + rep->ours->n_prefixes == 0)
		return false;
	for (unsigned i = 0; i < f->n_args; i++)
		if ((f->args[i].type == FARG_ASN && ours_asn(rep->ours, (uint32_t)f->args[i].u)) ||
		    (f->args[i].type == FARG_PREFIX && ours_prefix(rep->ours, &f->args[i].px)))
			return true;
	if ((x = map_find(&rep->r->reported, f->subject)) == NULL)
		return false;
	for (size_t i = 0; i < x->o->n_vrps; i++)
		if (vrp_ours(rep->ours, &x->o->vrps[i]))
			return true;
	return x->o->aspa != NULL && ours_asn(rep->ours, x->o->aspa->customer);
}

static bool
code_add(void *arg, const struct finding *f)
{
	struct report *rep = arg;

	for (size_t i = 0; i < rep->n_codes; i++)
		if (rep->codes[i].def == f->def) {
			rep->codes[i].n++;
			return true;
		}
	if (rep->n_codes < CODES_MAX)
		rep->codes[rep->n_codes++] = (struct code_row){ f->def, 1 };
	return true;
}

static void
texts_put(struct json *j, const char *key, const struct finding *f, bool remedy)
{
	json_key(j, key);
	json_open(j, '{');
	for (int lang = 0; lang < LANG_MAX; lang++) {
		struct buf b = BUF_INIT;

		if (remedy)
			buf_str(&b, tr((enum lang)lang, f->def->remedy));
		else
			finding_text(&b, f, (enum lang)lang);
		json_kv_sv(j, lang_name((enum lang)lang), buf_get(&b));
		buf_done(&b);
	}
	json_close(j, '}');
}

static bool
finding_put(void *arg, const struct finding *f)
{
	struct report *rep = arg;
	struct json *j = &rep->j;
	bool ours;

	if (f->def->severity != rep->severity ||
	    (ours = finding_ours(rep, f)) != rep->want_ours)
		return true;
	if (rep->n++ == ROUTES_REPORT_FINDINGS_MAX)
		return false;
	json_open(j, '{');
	json_kv_sv(j, "subject", f->subject);
	json_kv_str(j, "code", f->def->code);
	json_kv_str(j, "severity", severity_name(f->def->severity));
	json_kv_str(j, "clause", f->def->clause);
	json_key(j, "args");
	json_open(j, '{');
	for (unsigned i = 0; i < f->n_args; i++) {
		struct buf b = BUF_INIT;

		farg_print(&b, &f->args[i]);
		json_kv_sv(j, f->args[i].key, buf_get(&b));
		buf_done(&b);
	}
	json_close(j, '}');
	texts_put(j, "text", f, false);
	texts_put(j, "remedy", f, true);
	json_kv_bool(j, "ours", ours);
	json_close(j, '}');
	return j->b->rc == 0;
}

static void
filter_put(struct json *j, const struct slurm_entry *e)
{
	static const char *const kinds[] = { [SLURM_PREFIX_FILTER] = "vrp",
		[SLURM_BGPSEC_FILTER] = "key", [SLURM_ASPA_FILTER] = "aspa" };
	char px[IP_PREFIX_STRLEN], hex[2 * sizeof(e->ski) + 1];

	json_open(j, '{');
	json_kv_str(j, "kind", kinds[e->kind]);
	if (e->kind == SLURM_PREFIX_FILTER && e->px.af != 0)
		json_kv_str(j, "prefix", ip_prefix_str(&e->px, px));
	if (e->has_asn || e->kind == SLURM_ASPA_FILTER)
		json_kv_u64(j, "asn", e->asn);
	if (e->has_ski)
		json_kv_str(j, "ski", hex_encode(hex, e->ski, sizeof(e->ski)));
	json_kv_u64(j, "hits", e->n_effect);
	json_close(j, '}');
}

/* Those that took something out come first: of them the history asks most. */
static void
filters_put(struct report *rep)
{
	const struct slurm *s = rep->r->slurm;
	size_t n = 0;

	for (int idle = 0; s != NULL && idle < 2; idle++)
		for (size_t i = 0; i < s->n; i++) {
			const struct slurm_entry *e = &s->entries[i];

			if (!slurm_is_filter(e->kind) || e->expires <= rep->r->now ||
			    (e->n_effect == 0) != (idle == 1) || n++ >= HISTORY_FILTERS_MAX)
				continue;
			if (n == 1) {
				json_key(&rep->j, "filters");
				json_open(&rep->j, '[');
			}
			filter_put(&rep->j, e);
		}
	if (n == 0)
		return;
	json_close(&rep->j, ']');
	json_kv_u64(&rep->j, "filters_more", n - min_size(n, HISTORY_FILTERS_MAX));
}

static void
head_put(struct report *rep)
{
	const struct routes *r = rep->r;
	struct json *j = &rep->j;

	json_kv_i64(j, "built", clock_now());
	json_kv_i64(j, "at", r->now);
	json_kv_i64(j, "duration_ms", r->duration_usec / 1000);
	json_key(j, "earliest");
	if (r->earliest == TIME_NEVER)
		json_nil(j);
	else
		json_i64(j, r->earliest);
	json_kv_u64(j, "verified", r->n_verified);
	json_kv_bool(j, "incomplete", r->incomplete || r->n_unreadable > 0);
	json_key(j, "tas");
	json_open(j, '[');
	for (size_t i = 0; i < r->n_tas; i++) {
		const struct routes_ta *t = &r->tas[i];

		json_open(j, '{');
		json_kv_str(j, "name", t->tal.name);
		json_kv_sv(j, "uri", t->uri);
		json_kv_bool(j, "ok", t->ok);
		json_kv_u64(j, "vrps4", t->n_v4);
		json_kv_u64(j, "vrps6", t->n_v6);
		json_kv_u64(j, "aspas", t->n_aspas);
		json_kv_u64(j, "objects", t->n_objects);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
counts_put(struct report *rep)
{
	const struct routes *r = rep->r;
	struct json *j = &rep->j;

	json_key(j, "objects");
	json_open(j, '[');
	for (int t = 0; t < RPKI_TYPE_MAX; t++)
		for (int v = 0; v < V_MAX; v++) {
			if (r->count[t][v] == 0)
				continue;
			json_open(j, '{');
			json_kv_str(j, "type", rpki_type_name((enum rpki_type)t));
			json_kv_str(j, "verdict", rpki_verdict_name((enum rpki_verdict)v));
			json_kv_u64(j, "count", r->count[t][v]);
			json_close(j, '}');
		}
	json_close(j, ']');
	json_key(j, "findings_total");
	json_open(j, '{');
	for (int s = SEV_MAX; s-- > 0;)
		json_kv_u64(j, severity_name((enum severity)s), r->n_by_severity[s]);
	json_close(j, '}');
	routes_findings(r, code_add, rep);
	json_key(j, "findings_by_code");
	json_open(j, '[');
	for (size_t i = 0; i < rep->n_codes; i++) {
		json_open(j, '{');
		json_kv_str(j, "code", rep->codes[i].def->code);
		json_kv_str(j, "severity", severity_name(rep->codes[i].def->severity));
		json_kv_u64(j, "count", rep->codes[i].n);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
guard_put(struct report *rep)
{
	const struct guard_decision *d = &rep->r->guard;
	char hex[2 * SNAPSHOT_SUM_LEN + 1], when[TIME_STRLEN];

	if (d->n_held == 0)
		return;
	json_key(&rep->j, "guard");
	json_open(&rep->j, '{');
	json_kv_u64(&rep->j, "held", d->n_held);
	json_kv_str(&rep->j, "until", time_str(d->until, when));
	json_kv_str(&rep->j, "hash", hex_encode(hex, d->hash, sizeof(d->hash)));
	json_close(&rep->j, '}');
}

int
routes_report(struct routes *r, const struct ours *ours, struct buf *b)
{
	struct report *rep = calloc(1, sizeof(*rep));
	int rc = 0;

	if (ours != NULL && ours->n_asns + ours->n_prefixes > 0)
		rc = routes_index_reported(r);
	if (rep == NULL || rc < 0) {
		free(rep);
		return -ENOMEM;
	}
	rep->r = r;
	rep->ours = ours;
	rep->j = json_on(b, false);
	json_open(&rep->j, '{');
	filters_put(rep);
	head_put(rep);
	counts_put(rep);
	guard_put(rep);
	json_key(&rep->j, "findings");
	json_open(&rep->j, '[');
	for (int s = SEV_MAX; s-- > 0;)
		for (int mine = 1; mine >= 0; mine--) {
			rep->severity = (enum severity)s;
			rep->want_ours = mine;
			if (rep->n <= ROUTES_REPORT_FINDINGS_MAX)
				routes_findings(r, finding_put, rep);
		}
	json_close(&rep->j, ']');
	json_close(&rep->j, '}');
	rc = b->rc;
	free(rep);
	return rc;
}
