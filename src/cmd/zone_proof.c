#include "cmd/zone_proof.h"

#include <string.h>

#include "app/zone_jobs.h"
#include "base/err.h"
#include "dnssec/dnssec.h"
#include "out/escape.h"

#define DAY		86400
#define DS_TTL		DAY

/* --- options --- */

int
zone_span_opt(const struct cmd_ctx *ctx, const struct cmd_opt *o, const char *arg, uint32_t *ret)
{
	if (ttl_parse(sv_str(arg), ret) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("--%s %s is no time; say seconds, or 3d, 12h")), o->name, arg);
	return 0;
}

int
zone_time_opt(const struct cmd_ctx *ctx, const struct cmd_opt *o, const char *arg, int64_t *ret)
{
	if (time_parse(sv_str(arg), ret) < 0 || *ret < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("--%s %s is no time; write it like 2026-11-22T09:30:00Z")), o->name, arg);
	return 0;
}

int
zone_today_opt(const struct cmd_ctx *ctx, struct zone_today *t, const struct cmd_opt *o, const char *arg)
{
	if (strcmp(o->name, "no-ds") == 0) {
		t->no_ds = true;
		return 0;
	}
	if (strcmp(o->name, "ds-ttl") == 0) {
		t->ds_ttl_given = true;
		return zone_span_opt(ctx, o, arg, &t->ds_ttl);
	}
	if (strcmp(o->name, "served-since") == 0) {
		t->since_given = true;
		return zone_time_opt(ctx, o, arg, &t->since);
	}
	return zone_args_opt(ctx, &t->args, o, arg);
}

/* --- reading --- */

static size_t
n_ds(const struct zone_today *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->args.n_anchors; i++)
		n += t->args.anchor[i].type == RR_DS;
	return n;
}

/* Long enough ago that no cache has anything older. */
static int64_t
long_ago(const struct cmd_ctx *ctx, const struct zone_today *t)
{
	const struct zone_past *p = &t->past;
	uint32_t ttl = p->zone_ttl > p->dnskey_ttl ? p->zone_ttl : p->dnskey_ttl;

	ttl = t->ds_ttl > ttl ? t->ds_ttl : ttl;
	return max_i64(ctx->now - ttl - 30 * DAY, 0);
}

static int
past_read(const struct cmd_ctx *ctx, struct zone_today *t)
{
	_cleanup_(audit_result_freep) struct audit_result *r = NULL;
	int rc = zone_jobs_audit(NULL, NULL, t->zone, &(struct audit_opts){ .now = ctx->now }, t->args.jobs, &r);

	if (rc == 0) {
		t->zone_bad = r->state == AUDIT_BAD;
		rc = zone_past_read(t->zone, r, t->args.anchor, t->args.n_anchors, &t->past);
	}
	if (rc == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("the zone's keys and signatures could not be taken in: %s")), err_str(rc));
	return EXIT_CANNOT;
}

int
zone_today_read(const struct cmd_ctx *ctx, struct zone_today *t, int argc, char **argv)
{
	int rc = zone_args_read(ctx, &t->args, argc, argv, &t->zone);
	uint32_t serial;

	if (rc != 0)
		return rc;
	if (findings_reject(&t->args.fs)) {
		struct buf b = BUF_INIT;

		zone_findings_print(ctx, &t->args.fs, &b);
		buf_char(&b, '\0');
		cmd_err(tr(ctx->lang, N_("%s is not a zone file without errors:\n%s")), argv[0], b.p == NULL ? "" : b.p);
		buf_done(&b);
		return EXIT_REJECTED;
	}
	if (!zone_serial(t->zone, &serial)) {
		cmd_err(tr(ctx->lang, N_("%s is no zone: it has no SOA record")), argv[0]);
		return EXIT_REJECTED;
	}
	if (!t->ds_ttl_given)
		t->ds_ttl = DS_TTL;
	if ((rc = past_read(ctx, t)) != 0)
		return rc;
	if (t->no_ds && n_ds(t) > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--no-ds and DS records do not go together")));
	if (!t->no_ds && n_ds(t) == 0 && t->past.n_zone_keys > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say which DS records the parent has: --ds DATA, --anchor FILE, or --no-ds if there are none; \"dig +norecurse @PARENT-SERVER ZONE DS\" shows them")));
	if (!t->since_given)
		t->since = long_ago(ctx, t);
	if (t->since > ctx->now)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--served-since lies in the future")));
	return 0;
}

void
zone_today_done(void *state)
{
	struct zone_today *t = state;

	t->zone = zone_unref(t->zone);
	zone_state_done(state);
}

/* --- what was read, for people and programs --- */

static void
uses_print(const struct cmd_ctx *ctx, const struct zone_past *p, unsigned i, struct buf *b)
{
	const char *uses[4];
	unsigned n = 0;

	if (i < p->n_zone_keys)
		uses[n++] = tr(ctx->lang, N_("in the DNSKEY set"));
	else
		uses[n++] = tr(ctx->lang, N_("not in the DNSKEY set"));
	if ((p->dnskey_sigs >> i & 1) != 0)
		uses[n++] = tr(ctx->lang, N_("signs the keys"));
	if (zone_past_signs_data(p, i))
		uses[n++] = tr(ctx->lang, N_("signs the data"));
	if (p->keys[i].has_ds)
		uses[n++] = tr(ctx->lang, N_("has a DS at the parent"));
	for (unsigned k = 0; k < n; k++) {
		buf_str(b, k == 0 ? "" : tr(ctx->lang, N_(", ")));
		buf_str(b, uses[k]);
	}
}

void
zone_today_print(const struct cmd_ctx *ctx, const struct zone_today *t, struct buf *b)
{
	const struct zone_past *p = &t->past;

	buf_str(b, tr(ctx->lang, N_("What is published today:\n")));
	for (unsigned i = 0; i < p->n_keys; i++) {
		const struct dnssec_alg *alg = dnssec_alg_find(p->keys[i].alg);

		buf_printf(b, "  %-12s %s: ", p->keys[i].name, alg == NULL ? "?" : alg->name);
		uses_print(ctx, p, i, b);
		buf_char(b, '\n');
	}
	if (p->n_keys == 0)
		buf_str(b, tr(ctx->lang, N_("  no keys, no signatures, no DS\n")));
	buf_printf(b, tr(ctx->lang, N_("  TTLs in seconds: DS %u, DNSKEY %u, the longest of the data %u\n")), t->ds_ttl,
	    p->dnskey_ttl, p->zone_ttl);
	if (p->shared_tags)
		buf_str(b, tr(ctx->lang, N_("  Two keys share a tag and both sign; each signature is taken to be of one or of the other.\n")));
	if (t->zone_bad)
		buf_str(b, tr(ctx->lang, N_("  The zone has faults already; \"sekisho zone verify\" tells them. Mend them first.\n")));
}

void
zone_today_json(const struct zone_today *t, struct json *j)
{
	const struct zone_past *p = &t->past;
	char name[DNAME_STRLEN];

	json_kv_str(j, "zone", dname_str(&p->apex, name));
	json_kv_bool(j, "zone_verifies", !t->zone_bad);
	json_kv_bool(j, "tags_shared", p->shared_tags);
	json_kv_u64(j, "ds_ttl", t->ds_ttl);
	json_kv_u64(j, "dnskey_ttl", p->dnskey_ttl);
	json_kv_u64(j, "data_ttl", p->zone_ttl);
	json_kv_i64(j, "served_since", t->since);
	json_key(j, "published");
	json_open(j, '[');
	for (unsigned i = 0; i < p->n_keys; i++) {
		json_open(j, '{');
		json_kv_str(j, "name", p->keys[i].name);
		json_kv_u64(j, "tag", p->keys[i].tag);
		json_kv_u64(j, "algorithm", p->keys[i].alg);
		json_kv_bool(j, "dnskey", i < p->n_zone_keys);
		json_kv_bool(j, "signs_keys", (p->dnskey_sigs >> i & 1) != 0);
		json_kv_bool(j, "signs_data", zone_past_signs_data(p, i));
		json_kv_bool(j, "ds", p->keys[i].has_ds);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* --- versions --- */

const char *
zone_kind_text(enum timeline_kind kind)
{
	static const char *const texts[TIMELINE_KIND_MAX] = { N_("DS set at the parent"),
	    N_("DNSKEY set of the zone"), N_("Data of the zone") };

	return texts[kind];
}

/* The next name behind the last one: shorter ones first, so that k2 stands before k10. */
static int
name_cmp(struct sv a, struct sv b)
{
	return a.n != b.n ? (a.n > b.n) - (a.n < b.n) : sv_cmp(a, b);
}

static void
names_print(const struct timeline *h, const unsigned *keys, const struct timeline_sig *sigs, size_t n, struct buf *b)
{
	struct sv last = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct sv next = { 0 };

		for (size_t k = 0; k < n; k++) {
			struct sv name = timeline_key(h, keys != NULL ? keys[k] : sigs[k].key)->name;

			if ((i == 0 || name_cmp(name, last) > 0) && (next.p == NULL || name_cmp(name, next) < 0))
				next = name;
		}
		if (next.p == NULL)
			return;
		buf_str(b, i == 0 ? "" : " + ");
		buf_sv(b, next);
		last = next;
	}
}

void
zone_version_print(const struct cmd_ctx *ctx, const struct timeline *h, const struct timeline_version *v,
    struct buf *b)
{
	_cleanup_(buf_done) struct buf by = BUF_INIT;
	bool data = v->kind == TIMELINE_DATA;

	if (!data && v->n_keys == 0)
		buf_str(b, tr(ctx->lang, N_("none")));
	else if (!data)
		names_print(h, v->keys, NULL, v->n_keys, b);
	if (data && v->n_sigs == 0)
		buf_str(b, tr(ctx->lang, N_("unsigned")));
	names_print(h, NULL, v->sigs, v->n_sigs, &by);
	buf_char(&by, '\0');
	if (v->n_sigs > 0 && by.rc == 0)
		buf_printf(b, tr(ctx->lang, data ? N_("signed by %s") : N_(", signed by %s")), by.p);
}

/* --- time and stories --- */

void
zone_left_print(const struct cmd_ctx *ctx, int64_t sec, struct buf *b)
{
	static const struct {
		int64_t		 sec;
		const char	*one, *many;
	} units[] = {
		{ DAY, N_("%lld day"), N_("%lld days") },
		{ 3600, N_("%lld hour"), N_("%lld hours") },
		{ 60, N_("%lld minute"), N_("%lld minutes") },
		{ 1, N_("%lld second"), N_("%lld seconds") },
	};
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(units) && n < 2; i++) {
		int64_t v = sec / units[i].sec;

		if (v == 0 && (n > 0 || i + 1 < ARRAY_LEN(units)))
			continue;
		buf_str(b, n++ == 0 || ctx->lang == LANG_JA ? "" : " ");
		buf_printf(b, tr(ctx->lang, v == 1 ? units[i].one : units[i].many), (long long)v);
		sec %= units[i].sec;
		if (sec == 0)
			return;
	}
}

void
zone_story_print(const struct cmd_ctx *ctx, const struct findings *fs, struct buf *b)
{
	unsigned n = 0;

	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;

		finding_text(&text, f, ctx->lang);
		buf_printf(b, "  %u. ", ++n);
		escape_term(b, buf_get(&text));
		buf_char(b, '\n');
	}
}

void
zone_story_json(const struct cmd_ctx *ctx, struct json *j, const char *key, const struct findings *fs)
{
	json_key(j, key);
	json_open(j, '[');
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		finding_json(j, f, ctx->lang);
	json_close(j, ']');
}
