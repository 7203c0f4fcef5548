/* A plan as text for people, and as JSON. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "cmd/zone_plan.h"
#include "crypto/crypto.h"
#include "dnssec/dnssec.h"
#include "out/escape.h"
#include "out/table.h"

#define DS_DIGEST	2	/* SHA-256: what all registries take (RFC 9904) */

const char *
plan_action_word(enum ks_action act)
{
	static const char *const words[KS_ACT_MAX + 1] = {
		[KS_ACT_GENERATE] = "generate", [KS_ACT_BACKUP] = "backup",
		[KS_ACT_DNSKEY_PUBLISH] = "dnskey-publish", [KS_ACT_DNSKEY_WITHDRAW] = "dnskey-withdraw",
		[KS_ACT_SIGN_START] = "sign-start", [KS_ACT_SIGN_STOP] = "sign-stop",
		[KS_ACT_DS_SUBMIT] = "ds-submit", [KS_ACT_DS_WITHDRAW] = "ds-withdraw",
		[KS_ACT_CDS] = "cds", [KS_ACT_CDS_DELETE] = "cds-delete", [KS_ACT_NOTIFY] = "notify",
		[KS_ACT_TELL] = "ds-enter", [KS_ACT_DELETE] = "delete", [KS_ACT_MAX] = "ds-arrived",
	};

	return words[act];
}

const char *
plan_who_word(enum zone_plan_who who)
{
	static const char *const words[ZONE_PLAN_WHO_MAX] = { "sekisho", "parent", "person" };

	return words[who];
}

const char *
plan_who_text(enum zone_plan_who who)
{
	static const char *const texts[ZONE_PLAN_WHO_MAX] = { N_("Sekisho"), N_("the parent"), N_("a person") };

	return texts[who];
}

/* What happens; the last place is a key or a DS set. */
static const char *
event_text(enum ks_action act)
{
	static const char *const texts[KS_ACT_MAX + 1] = {
		[KS_ACT_GENERATE] = N_("makes the key %s"),
		[KS_ACT_BACKUP] = N_("backs up the key %s and says so; before that it is not used"),
		[KS_ACT_DNSKEY_PUBLISH] = N_("publishes the key %s in the DNSKEY set"),
		[KS_ACT_DNSKEY_WITHDRAW] = N_("takes the key %s out of the DNSKEY set"),
		[KS_ACT_SIGN_START] = N_("signs the data with %s"),
		[KS_ACT_SIGN_STOP] = N_("signs the data no longer with %s"),
		[KS_ACT_DS_SUBMIT] = N_("hands the wanted DS set over by EPP: %s"),
		[KS_ACT_DS_WITHDRAW] = N_("has the DS of %s withdrawn"),
		[KS_ACT_CDS] = N_("publishes CDS and CDNSKEY, which ask the parent for this DS set: %s"),
		[KS_ACT_CDS_DELETE] = N_("publishes the CDS and CDNSKEY that ask the parent to remove all DS; wanted: %s"),
		[KS_ACT_NOTIFY] = N_("notifies the parent that it may fetch these records; wanted: %s"),
		[KS_ACT_TELL] = N_("enters this DS set at the registrar: %s"),
		[KS_ACT_DELETE] = N_("may delete the key %s: nothing refers to it any more"),
		[KS_ACT_MAX] = N_("has this DS set on all its servers: %s"),
	};

	return texts[act];
}

/* --- keys --- */

void
plan_key_name(struct buf *b, uint32_t number)
{
	buf_printf(b, "k%u", number);
}

void
plan_key_print(const struct cmd_ctx *ctx, const struct zone_plan_key *k, struct buf *b)
{
	static const char *const roles[KS_ROLE_MAX] = { "KSK", "ZSK", "CSK" };
	const struct dnssec_alg *alg = dnssec_alg_find(k->alg);

	buf_printf(b, "k%u: %s", k->number, roles[k->role]);
	if (k->exists)
		buf_printf(b, " %u", k->tag);
	buf_printf(b, ", %s", alg == NULL ? "?" : alg->name);
	if (!k->exists)
		buf_str(b, tr(ctx->lang, N_(", to be made")));
}

void
plan_event_print(const struct cmd_ctx *ctx, const struct zone_plan_event *e, struct buf *b)
{
	_cleanup_(buf_done) struct buf what = BUF_INIT;

	if (e->key != 0)
		plan_key_name(&what, e->key);
	for (unsigned i = 0; i < e->n_ds; i++) {
		buf_str(&what, i == 0 ? "" : ", ");
		plan_key_name(&what, e->ds[i]);
	}
	if (e->key == 0 && e->n_ds == 0)
		buf_str(&what, tr(ctx->lang, N_("none")));
	buf_char(&what, '\0');
	if (what.rc == 0)
		buf_printf(b, tr(ctx->lang, event_text(e->act)), what.p);
}

/* --- what to enter at a registrar --- */

struct forms {
	char	ds[256], dnskey[1024];
};

static bool
forms_make(const struct plan_work *w, const struct zone_plan_key *k, struct forms *ret)
{
	const struct dnskey key = { .flags = DNSKEY_ZONE | DNSKEY_SEP, .protocol = 3, .alg = k->alg,
		.public_key = { (const char *)k->public_key, k->public_len } };
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	uint8_t rdata[DNSKEY_RDATA_MAX], ds[DS_RDATA_MAX];
	size_t n, n_ds;

	if (!k->exists || !w->has_apex || (n = dnskey_write(&key, rdata)) == 0 ||
	    ds_write(&w->apex, (struct sv){ (const char *)rdata, n }, DS_DIGEST, ds, &n_ds) < 0)
		return false;
	rdata_print(&text, RR_DS, (struct sv){ (const char *)ds, n_ds });
	(void)snprintf(ret->ds, sizeof(ret->ds), "%.*s", (int)text.len, text.p);
	text.len = 0;
	rdata_print(&text, RR_DNSKEY, (struct sv){ (const char *)rdata, n });
	(void)snprintf(ret->dnskey, sizeof(ret->dnskey), "%.*s", (int)text.len, text.p);
	return text.rc == 0;
}

static void
form_print(const struct cmd_ctx *ctx, const struct plan_work *w, const struct zone_plan_key *k, struct buf *b)
{
	struct forms f;

	if (forms_make(w, k, &f)) {
		buf_printf(b, "  k%u  DS      %s\n", k->number, f.ds);
		buf_printf(b, tr(ctx->lang, N_("      DNSKEY  %s  (registries that want the key itself)\n")), f.dnskey);
	} else if (!k->exists)
		buf_printf(b, tr(ctx->lang, N_("  k%u  does not exist yet. Plan again once it was made: then its DS record stands here.\n")), k->number);
	else
		buf_printf(b, tr(ctx->lang, N_("  k%u  say the zone's name (--zone) to see its DS record\n")), k->number);
}

static void
enter_print(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	char at[TIME_STRLEN];

	for (size_t i = 0; i < w->plan.n_events; i++) {
		const struct zone_plan_event *e = &w->plan.events[i];

		if (e->act != KS_ACT_TELL)
			continue;
		buf_printf(b, tr(ctx->lang, N_("\nWhat to enter at the registrar at %s:\n")), time_str(e->at, at));
		for (unsigned k = 0; k < e->n_ds; k++)
			form_print(ctx, w, zone_plan_key(&w->plan, e->ds[k]), b);
		buf_str(b, e->n_ds == 0 ? tr(ctx->lang, N_("  Nothing: remove all DS records of this zone.\n")) :
		    tr(ctx->lang, N_("  This is the whole set. Add what is missing first, then remove what is not in it.\n")));
	}
}

/* --- text --- */

void
plan_title_print(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	char name[DNAME_STRLEN];

	if (w->has_apex)
		escape_term(b, sv_str(dname_str(&w->apex, name)));
	else
		escape_term(b, sv_str(w->keystate));
	if (w->roll == NULL)
		buf_str(b, tr(ctx->lang, N_(": what the lifetimes of the keys bring")));
	else {
		buf_str(b, tr(ctx->lang, N_(": plan for ")));
		escape_term(b, sv_str(w->roll));
	}
}

static void
events_print(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	int64_t last = w->plan.from;
	char at[TIME_STRLEN];

	for (size_t i = 0; i < w->plan.n_events; i++) {
		const struct zone_plan_event *e = &w->plan.events[i];

		if (e->at != last && e->waited != KS_WAIT_NOTHING) {
			buf_str(b, "    ");
			buf_str(b, tr(ctx->lang, N_("wait ")));
			zone_left_print(ctx, e->at - last, b);
			buf_printf(b, ": %s\n", tr(ctx->lang, keystate_wait_text(e->waited)));
		}
		if (e->at != last || i == 0)
			buf_printf(b, "%s\n", time_str(e->at, at));
		buf_str(b, "    ");
		table_cell(b, tr(ctx->lang, plan_who_text(e->who)), 12, false);
		plan_event_print(ctx, e, b);
		buf_char(b, '\n');
		last = e->at;
	}
	if (w->plan.n_events == 0)
		buf_str(b, tr(ctx->lang, N_("    nothing is to be done\n")));
}

static void
end_print(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	char at[TIME_STRLEN];

	if (w->plan.stuck != KS_WAIT_NOTHING)
		buf_printf(b, tr(ctx->lang, N_("Here the plan stops. It waits %s.\n")),
		    tr(ctx->lang, keystate_wait_text(w->plan.stuck)));
	else if (!w->plan.finished && w->roll != NULL)
		buf_printf(b, tr(ctx->lang, N_("%s  the roll is not done yet; --until ends the plan here\n")), time_str(w->plan.end, at));
	else if (w->plan.finished && w->roll != NULL)
		buf_printf(b, tr(ctx->lang, N_("%s  done; this takes ")), time_str(w->plan.end, at));
	if (w->plan.stuck == KS_WAIT_NOTHING && w->plan.finished && w->roll != NULL) {
		zone_left_print(ctx, w->plan.end - w->plan.from, b);
		buf_char(b, '\n');
	}
}

static void
proof_print(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	if (w->plan.state.unproven) {
		buf_str(b, tr(ctx->lang, N_("\nNothing is proven: the key state was edited or imported, and what the servers have was not seen since. Let the service look at them first.\n")));
		return;
	}
	if (plan_is_proven(w)) {
		buf_str(b, tr(ctx->lang, N_("\nProven: at no time of this plan can a resolver find the zone bogus, or insecure while it is meant to be secure.\n")));
		return;
	}
	buf_str(b, tr(ctx->lang, N_("\nNOT PROVEN. Do not follow this plan; some resolvers would fail:\n")));
	zone_story_print(ctx, &w->story, b);
}

static void
assumed_print(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	const struct dnssec_policy *p = &w->o.policy;

	buf_str(b, tr(ctx->lang, N_("\nThe dates are right if:\n")));
	buf_printf(b, tr(ctx->lang, N_("  - all servers of the zone follow within %u s (child-propagation)\n")), p->child_propagation);
	buf_printf(b, tr(ctx->lang, N_("  - the parent has a new DS set %u s after it was asked (registration-delay, parent-propagation)\n")),
	    p->registration_delay + p->parent_propagation);
	buf_str(b, tr(ctx->lang, N_("  - people do at once what they are asked to\n")));
	if (w->keystate == NULL && !w->today.since_given)
		buf_str(b, tr(ctx->lang, N_("  - the lives of the keys begin today: their age is not in the zone file (--served-since)\n")));
	buf_str(b, tr(ctx->lang, N_("Whoever is slower makes it later, never unsafe: Sekisho waits for what it sees.\n")));
	buf_str(b, tr(ctx->lang, N_("The proof holds if:\n")));
	zone_story_print(ctx, &w->assumed, b);
}

/* The engine says it at each step for as long as it holds. */
static bool
is_said(const struct findings *fs, const struct finding *f)
{
	for (const struct finding *g = fs->head; g != f; g = g->next)
		if (g->def == f->def && g->n_args > 0 && f->n_args > 0 && g->args[0].u == f->args[0].u)
			return true;
	return false;
}

static void
engine_print(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	for (const struct finding *f = w->plan.fs.head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;

		/* It asks for a backup at each new key: that is in the plan. */
		if (f->def->severity == SEV_NOTE || f->def == &keystate_findings[KEY_NOT_BACKED_UP] ||
		    is_said(&w->plan.fs, f))
			continue;
		finding_text(&text, f, ctx->lang);
		buf_printf(b, "%s %s: ", severity_name(f->def->severity), f->def->code);
		escape_term(b, buf_get(&text));
		buf_char(b, '\n');
	}
}

void
plan_text(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	plan_title_print(ctx, w, b);
	buf_char(b, '\n');
	for (size_t i = 0; i < w->plan.n_keys; i++) {
		buf_str(b, "  ");
		plan_key_print(ctx, &w->plan.keys[i], b);
		buf_char(b, '\n');
	}
	buf_char(b, '\n');
	events_print(ctx, w, b);
	end_print(ctx, w, b);
	engine_print(ctx, w, b);
	enter_print(ctx, w, b);
	proof_print(ctx, w, b);
	if (!ctx->quiet)
		assumed_print(ctx, w, b);
}

/* --- JSON --- */

static void
keys_json(const struct plan_work *w, struct json *j)
{
	char name[16];

	json_key(j, "keys");
	json_open(j, '[');
	for (size_t i = 0; i < w->plan.n_keys; i++) {
		const struct zone_plan_key *k = &w->plan.keys[i];
		struct forms f;

		snprintf(name, sizeof(name), "k%u", k->number);
		json_open(j, '{');
		json_kv_str(j, "name", name);
		json_kv_str(j, "role", keystate_role_name(k->role));
		json_kv_u64(j, "algorithm", k->alg);
		json_kv_bool(j, "exists", k->exists);
		if (k->exists)
			json_kv_u64(j, "tag", k->tag);
		if (k->role != KS_ZSK && forms_make(w, k, &f)) {
			json_kv_str(j, "ds", f.ds);
			json_kv_str(j, "dnskey", f.dnskey);
		}
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
event_json(const struct cmd_ctx *ctx, const struct zone_plan_event *e, struct json *j)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	char name[16];

	plan_event_print(ctx, e, &text);
	json_open(j, '{');
	json_kv_i64(j, "at", e->at);
	json_kv_str(j, "who", plan_who_word(e->who));
	json_kv_str(j, "action", plan_action_word(e->act));
	snprintf(name, sizeof(name), "k%u", e->key);
	if (e->key != 0)
		json_kv_str(j, "key", name);
	json_key(j, "ds");
	json_open(j, '[');
	for (unsigned i = 0; i < e->n_ds; i++) {
		snprintf(name, sizeof(name), "k%u", e->ds[i]);
		json_str(j, name);
	}
	json_close(j, ']');
	json_kv_str(j, "waited", tr(ctx->lang, keystate_wait_text(e->waited)));
	json_kv_sv(j, "text", buf_get(&text));
	json_close(j, '}');
}

static void
policy_json(const struct dnssec_policy *p, struct json *j)
{
	size_t n;
	const struct policy_row *rows = policy_rows(&n);

	json_key(j, "policy");
	json_open(j, '{');
	for (size_t i = 0; i < n; i++)
		json_kv_u64(j, rows[i].name, policy_get(p, &rows[i]));
	json_close(j, '}');
}

void
plan_json(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	struct json j = json_on(b, true);
	char name[DNAME_STRLEN];

	json_open(&j, '{');
	if (w->keystate == NULL)
		zone_today_json(&w->today, &j);
	else if (w->has_apex)
		json_kv_str(&j, "zone", dname_str(&w->apex, name));
	json_kv_str(&j, "roll", w->roll);
	json_kv_i64(&j, "from", w->plan.from);
	json_kv_i64(&j, "end", w->plan.end);
	json_kv_bool(&j, "finished", w->plan.finished);
	json_kv_str(&j, "stuck", w->plan.stuck == KS_WAIT_NOTHING ? NULL : tr(ctx->lang, keystate_wait_text(w->plan.stuck)));
	keys_json(w, &j);
	json_key(&j, "events");
	json_open(&j, '[');
	for (size_t i = 0; i < w->plan.n_events; i++)
		event_json(ctx, &w->plan.events[i], &j);
	json_close(&j, ']');
	json_kv_bool(&j, "proven", plan_is_proven(w));
	zone_story_json(ctx, &j, "proof", &w->story);
	zone_story_json(ctx, &j, "assumptions", &w->assumed);
	zone_story_json(ctx, &j, "findings", &w->plan.fs);
	policy_json(&w->o.policy, &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}
