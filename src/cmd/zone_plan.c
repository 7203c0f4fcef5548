/* sekisho zone plan: what will happen to the keys, when, and is it safe? */
#include "cmd/zone_plan.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "dnssec/dnssec.h"
#include "sys/file.h"

static const struct cmd_opt opts[] = {
	ZONE_TODAY_OPTS,
	{ "keystate", 0, "FILE", N_("a key state file, in the place of a zone file") },
	{ "roll", 0, "WHAT", N_("ksk, zsk, csk, algorithm=NAME, insecure, secure or emergency=TAG; without it, what lifetimes bring") },
	{ "until", 0, "TIME", N_("plan until then (until the roll is done; lifetimes: one year)") },
	{ "policy-option", 0, "NAME=VALUE", N_("an option of the policy, such as ds-handover=person; may be repeated") },
	{ "output", 'o', "KIND=FILE", N_("svg=FILE, ical=FILE, csv=FILE or history=FILE; may be repeated") },
	{ 0 },
};

/* --- options --- */

static int
output_opt(const struct cmd_ctx *ctx, struct plan_work *w, const char *arg)
{
	static const char *const kinds[PLAN_OUT_MAX] = { "svg=", "ical=", "csv=", "history=" };

	for (unsigned i = 0; i < PLAN_OUT_MAX; i++)
		if (sv_starts(sv_str(arg), sv_str(kinds[i])) && arg[strlen(kinds[i])] != '\0') {
			w->out[i] = arg + strlen(kinds[i]);
			return 0;
		}
	return cmd_usage(ctx, tr(ctx->lang, N_("-o %s is none of svg=FILE, ical=FILE, csv=FILE, history=FILE")), arg);
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct plan_work *w = state;

	if (strcmp(o->name, "keystate") == 0)
		w->keystate = arg;
	else if (strcmp(o->name, "roll") == 0)
		w->roll = arg;
	else if (strcmp(o->name, "until") == 0)
		return zone_time_opt(ctx, o, arg, &w->o.until);
	else if (strcmp(o->name, "output") == 0)
		return output_opt(ctx, w, arg);
	else if (strcmp(o->name, "policy-option") == 0) {
		if (w->n_options == PLAN_OPTIONS_MAX)
			return cmd_usage(ctx, tr(ctx->lang, N_("more than %u times --policy-option")), PLAN_OPTIONS_MAX);
		w->options[w->n_options++] = arg;
	} else
		return zone_today_opt(ctx, &w->today, o, arg);
	return 0;
}

/* '-' for '_' and '_' for '-': both are written. */
static bool
name_is(struct sv text, const char *name)
{
	if (text.n != strlen(name))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] == '_' ? '-' : text.p[i]) != (name[i] == '_' ? '-' : name[i]))
			return false;
	return true;
}

static int
policy_option(const struct cmd_ctx *ctx, const char *arg, struct dnssec_policy *p)
{
	struct sv value = sv_str(arg), name = sv_cut(&value, '=');
	const struct policy_row *rows;
	size_t n;
	uint32_t sec;
	int rc;

	rows = policy_rows(&n);
	for (size_t i = 0; i < n; i++) {
		if (!name_is(name, rows[i].name))
			continue;
		if (rows[i].type == POLICY_SECONDS && ttl_parse(value, &sec) == 0)
			rc = policy_set(p, &rows[i], sec);
		else
			rc = policy_set_text(p, &rows[i], value);
		if (rc == 0)
			return 0;
		if (rows[i].words != NULL)
			return cmd_usage(ctx, tr(ctx->lang, N_("--policy-option %s: the value is one of: %s")), arg, rows[i].words);
		return cmd_usage(ctx, tr(ctx->lang, N_("--policy-option %s: the value is %u to %u, or a time like 3d")), arg, rows[i].min, rows[i].max);
	}
	return cmd_usage(ctx, tr(ctx->lang, N_("--policy-option %s: the policy has no such option")), arg);
}

/* The options, and what a validator of policies says of them. */
static int
policy_ready(const struct cmd_ctx *ctx, struct plan_work *w, struct dnssec_policy *p)
{
	struct findings fs;
	struct buf b = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < w->n_options && rc == 0; i++)
		rc = policy_option(ctx, w->options[i], p);
	if (rc != 0)
		return rc;
	findings_init(&fs, w->today.args.pool);
	fs.subject = SV("policy");
	policy_check(p, &fs);
	if (!findings_reject(&fs))
		return 0;
	zone_findings_print(ctx, &fs, &b);
	buf_char(&b, '\0');
	cmd_err(tr(ctx->lang, N_("this policy cannot be used:\n%s")), b.p == NULL ? "" : b.p);
	buf_done(&b);
	return EXIT_REJECTED;
}

/* --- the state to begin with --- */

static int
keystate_file_read(const struct cmd_ctx *ctx, struct plan_work *w, struct keystate *st)
{
	struct sv text;
	unsigned line = 0;
	int rc = file_read(w->today.args.pool, FILE_CWD, w->keystate, KEYSTATE_TEXT_MAX, &text);

	if (rc < 0) {
		cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), w->keystate, err_str(rc));
		return EXIT_CANNOT;
	}
	rc = keystate_parse(text, st, &line, &w->today.args.fs);
	if (rc == SE_SYNTAX)
		cmd_err(tr(ctx->lang, N_("%s, line %u: this is not a key state file")), w->keystate, line);
	else if (rc < 0)
		cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), w->keystate, err_str(rc));
	if (rc < 0)
		return EXIT_CANNOT;
	w->has_apex = w->today.args.has_apex;
	w->apex = w->today.args.apex;
	if (st->now > ctx->now)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("the key state is from the future; is the clock right, or --at?")));
	return 0;
}

static bool
has_keys(const struct keystate *st)
{
	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (st->keys[i].number != 0 && st->keys[i].goal != KS_GOAL_HIDDEN)
			return true;
	return false;
}

static int
state_from_file(const struct cmd_ctx *ctx, struct plan_work *w, struct keystate *st)
{
	int rc = keystate_file_read(ctx, w, st);

	if (rc != 0)
		return rc;
	w->o.policy.secure = has_keys(st);
	if ((rc = policy_ready(ctx, w, &w->o.policy)) != 0)
		return rc;
	w->o.before = w->o.policy;
	return 0;
}

static int
state_from_zone(const struct cmd_ctx *ctx, struct plan_work *w, int argc, char **argv, struct keystate *st)
{
	struct findings fs;
	int rc = zone_today_read(ctx, &w->today, argc, argv);

	if (rc != 0)
		return rc;
	w->has_apex = true;
	w->apex = w->today.past.apex;
	w->o.policy.secure = w->today.past.n_zone_keys > 0;
	zone_past_policy(&w->today.past, w->today.ds_ttl, &w->o.policy);
	/* Before now nothing was rolled: how old the keys are, the zone does not say. */
	w->o.before = w->o.policy;
	w->o.before.ksk_lifetime = w->o.before.zsk_lifetime = w->o.before.csk_lifetime = 0;
	if ((rc = policy_ready(ctx, w, &w->o.policy)) != 0)
		return rc;
	findings_init(&fs, w->today.args.pool);
	if ((rc = zone_past_keystate(&w->today.past, &w->o.before, w->today.since,
	    w->today.since_given ? w->today.since : ctx->now, &fs, st)) == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("the zone's keys and signatures could not be taken in: %s")), err_str(rc));
	return EXIT_CANNOT;
}

/* --- the roll --- */

/* A tag, if only one key has it; or a name of the plan, "k3". */
static int
key_choose(const struct cmd_ctx *ctx, const struct keystate *st, const char *arg, uint32_t *ret)
{
	_cleanup_(buf_done) struct buf all = BUF_INIT;
	unsigned n = 0;
	uint32_t v;

	if (arg[0] == 'k' && num_u32(sv_str(arg + 1), 1, UINT32_MAX, &v) == 0 && keystate_find(st, v) >= 0) {
		*ret = v;
		return 0;
	}
	if (num_u32(sv_str(arg), 0, UINT16_MAX, &v) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("--roll emergency=%s: no key has this tag or name")), arg);
	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (st->keys[i].number != 0 && st->keys[i].tag == v) {
			buf_printf(&all, "%sk%u (%s)", n++ == 0 ? "" : ", ", st->keys[i].number,
			    keystate_role_name(st->keys[i].role));
			*ret = st->keys[i].number;
		}
	buf_char(&all, '\0');
	if (n == 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("--roll emergency=%s: no key has this tag or name")), arg);
	if (n > 1)
		return cmd_usage(ctx, tr(ctx->lang, N_("--roll emergency=%s: several keys have this tag: %s. Say which one, like emergency=k1")), arg, all.p == NULL ? "" : all.p);
	return 0;
}

static int
roll_parse(const struct cmd_ctx *ctx, struct plan_work *w, const struct keystate *st)
{
	static const char *const words[] = { NULL, "ksk", "zsk", "csk", NULL, "insecure", "secure" };
	struct sv value = sv_str(w->roll), name;
	const struct dnssec_alg *alg;

	if (w->roll == NULL)
		return 0;
	name = sv_cut(&value, '=');
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (words[i] != NULL && strcmp(w->roll, words[i]) == 0) {
			w->o.roll = (enum zone_plan_roll)i;
			if (i >= ZONE_PLAN_INSECURE)
				w->o.policy.secure = i == ZONE_PLAN_SECURE;
			return 0;
		}
	if (sv_eq(name, SV("emergency"))) {
		w->o.roll = ZONE_PLAN_EMERGENCY;
		return key_choose(ctx, st, value.p == NULL ? "" : value.p, &w->o.key);
	}
	if (!sv_eq(name, SV("algorithm")))
		return cmd_usage(ctx, tr(ctx->lang, N_("--roll %s is none of ksk, zsk, csk, algorithm=NAME, insecure, secure, emergency=TAG")), w->roll);
	if ((alg = dnssec_alg_parse(value)) == NULL || alg->use_sign == ALG_MUST_NOT || !crypto_dns_alg(alg->number))
		return cmd_usage(ctx, tr(ctx->lang, N_("--roll %s: no algorithm that zones are signed with; take ECDSAP256SHA256 or ED25519")), w->roll);
	w->o.roll = ZONE_PLAN_ALGORITHM;
	w->o.policy.algorithm = alg->number;
	return 0;
}

static int
plan_fault(const struct cmd_ctx *ctx, const struct plan_work *w, int rc)
{
	if (rc == -ENOENT)
		return cmd_usage(ctx, tr(ctx->lang, N_("--roll %s: no such key is in use in this zone; one key for everything is a csk")), w->roll);
	if (rc == -EBUSY)
		return cmd_usage(ctx, tr(ctx->lang, N_("--roll %s: this key cannot be rolled now; it is on its way out, or not ours")), w->roll);
	cmd_err(tr(ctx->lang, N_("the plan could not be made: %s")), err_str(rc));
	return EXIT_CANNOT;
}

/* --- the proof --- */

/* Written apart from the engine: a second opinion on what it would publish. */
static int
prove(struct plan_work *w)
{
	struct timeline_span window = { w->plan.from, TIME_NEVER };
	struct findings fs;
	int rc;

	findings_init(&fs, w->today.args.pool);
	findings_init(&w->story, w->today.args.pool);
	findings_init(&w->assumed, w->today.args.pool);
	if ((rc = timeline_parse(buf_get(&w->plan.history), &fs, &w->proof)) < 0)
		return rc;
	/* Beyond its end nothing is planned: signatures end, and that means nothing. */
	window.until = w->plan.end + 1;
	if ((rc = timeline_check(w->proof, window, &w->verdict)) < 0)
		return rc;
	timeline_report(w->proof, &w->verdict, window, &w->story);
	timeline_assumptions(w->proof, &w->assumed);
	return 0;
}

static int
report(const struct cmd_ctx *ctx, const struct plan_work *w)
{
	int fd = 1, rc = !plan_is_proven(w) || w->plan.stuck != KS_WAIT_NOTHING ? EXIT_REJECTED : EXIT_GOOD;
	struct buf b = BUF_SINK(fd_write_all, &fd);

	if (ctx->json)
		plan_json(ctx, w, &b);
	else
		plan_text(ctx, w, &b);
	if (buf_flush(&b) < 0)
		rc = EXIT_CANNOT;
	buf_done(&b);
	return rc;
}

static int
plan(const struct cmd_ctx *ctx, struct plan_work *w, int argc, char **argv)
{
	struct keystate st;
	int rc, wrote;

	if (w->keystate != NULL && argc > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("a zone file or --keystate, not both")));
	rc = w->keystate != NULL ? state_from_file(ctx, w, &st) : state_from_zone(ctx, w, argc, argv, &st);
	if (rc != 0 || (rc = roll_parse(ctx, w, &st)) != 0)
		return rc;
	w->o.now = ctx->now;
	if (w->o.until <= ctx->now)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--until lies in the past")));
	if ((rc = zone_plan_make(&st, &w->o, w->today.args.pool, &w->plan)) < 0 || (rc = prove(w)) < 0)
		return plan_fault(ctx, w, rc);
	if ((wrote = plan_files_write(ctx, w)) != 0)
		return wrote;
	return report(ctx, w);
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct plan_work *w = state;
	int rc;

	if (w->today.args.pool == NULL) {
		if ((w->today.args.pool = pool_new(ZONE_POOL_MAX)) == NULL)
			return EXIT_CANNOT;
		findings_init(&w->today.args.fs, w->today.args.pool);
	}
	if (w->o.until == 0)
		w->o.until = TIME_NEVER;
	w->o.policy = policy_default();
	rc = plan(ctx, w, argc, argv);
	timeline_verdict_done(&w->verdict);
	w->proof = timeline_free(w->proof);
	zone_plan_done(&w->plan);
	return rc;
}

extern const struct cmd cmd_zone_plan;
const struct cmd cmd_zone_plan = {
	.area = "zone", .verb = "plan", .args = "[ZONEFILE]",
	.summary = N_("what will happen to the zone's keys and when, proven to be safe"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct plan_work),
	.run = run, .verifies = true, .done = zone_today_done,
};
