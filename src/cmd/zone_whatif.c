/* sekisho zone whatif: would a step made by hand break the zone for anybody? */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/zone_steps.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/zone_proof.h"
#include "out/escape.h"
#include "sys/file.h"

#define STEPS_MAX	16
#define HISTORY_MAX	((size_t)4 << 20)	/* bytes; the parser has the same limit */

enum when { WHEN_NOW, WHEN_TIME, WHEN_EARLIEST };

struct work {
	struct zone_today	 today;
	const char		*history, *steps[STEPS_MAX];
	size_t			 n_steps;
	enum when		 when;
	int64_t			 at;
	uint32_t		 delay, skew;
	bool			 delay_given, skew_given, lax, signatures_end;
	/* What is asked, and the answer. */
	struct timeline		*past, *edited;
	struct timeline_step	 step;
	struct timeline_verdict	 before, after;
	struct timeline_span	 window;
	struct findings		 story, answer, why, assumed;
	int64_t			 earliest;
	bool			 has_earliest, answered;
};

static const struct cmd_opt opts[] = {
	ZONE_TODAY_OPTS,
	{ "history", 0, "FILE", N_("the past as text, in the place of a zone file (sekisho-zone-plan(1))") },
	{ "step", 0, "STEP", N_("\"remove ds TAG\", \"withdraw key TAG\", \"stop signing with TAG\" …; may be repeated") },
	{ "when", 0, "now|TIME|earliest", N_("when the step is taken (now)") },
	{ "propagation", 0, "TIME", N_("how long the slowest server takes to follow a change (1h)") },
	{ "skew", 0, "TIME", N_("by how much clocks of resolvers may be wrong (1h)") },
	{ "lax", 0, NULL, N_("one good algorithm is enough; else each one of the DS set has to hold") },
	{ "signatures-end", 0, NULL, N_("signatures end as they say; else they are renewed in time") },
	{ "nagios", 0, NULL, N_("one line and 0, 1, 2 or 3 for a monitoring system") },
	{ 0 },
};

/* --- options --- */

static int
when_opt(const struct cmd_ctx *ctx, struct work *w, const struct cmd_opt *o, const char *arg)
{
	if (strcmp(arg, "now") == 0)
		w->when = WHEN_NOW;
	else if (strcmp(arg, "earliest") == 0)
		w->when = WHEN_EARLIEST;
	else {
		w->when = WHEN_TIME;
		return zone_time_opt(ctx, o, arg, &w->at);
	}
	return 0;
}

static int
step_opt(const struct cmd_ctx *ctx, struct work *w, const char *arg)
{
	if (w->n_steps == STEPS_MAX)
		return cmd_usage(ctx, tr(ctx->lang, N_("more than %u times --step")), STEPS_MAX);
	w->steps[w->n_steps++] = arg;
	return 0;
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct work *w = state;

	if (strcmp(o->name, "history") == 0)
		w->history = arg;
	else if (strcmp(o->name, "step") == 0)
		return step_opt(ctx, w, arg);
	else if (strcmp(o->name, "when") == 0)
		return when_opt(ctx, w, o, arg);
	else if (strcmp(o->name, "lax") == 0)
		w->lax = true;
	else if (strcmp(o->name, "signatures-end") == 0)
		w->signatures_end = true;
	else if (strcmp(o->name, "propagation") == 0) {
		w->delay_given = true;
		return zone_span_opt(ctx, o, arg, &w->delay);
	} else if (strcmp(o->name, "skew") == 0) {
		w->skew_given = true;
		return zone_span_opt(ctx, o, arg, &w->skew);
	} else
		return zone_today_opt(ctx, &w->today, o, arg);
	return 0;
}

/* --- the past, and the step --- */

static int
history_read(const struct cmd_ctx *ctx, struct work *w)
{
	struct findings fs;
	struct sv text;
	int rc;

	if (w->today.args.pool == NULL && (w->today.args.pool = pool_new(ZONE_POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	if ((rc = file_read(w->today.args.pool, FILE_CWD, w->history, HISTORY_MAX, &text)) < 0) {
		cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), w->history, err_str(rc));
		return EXIT_CANNOT;
	}
	findings_init(&fs, w->today.args.pool);
	fs.subject = sv_str(w->history);
	if ((rc = timeline_parse(text, &fs, &w->past)) == 0)
		return 0;
	if (rc == SE_SYNTAX) {
		int fd = 2;
		struct buf b = BUF_SINK(fd_write_all, &fd);

		zone_findings_print(ctx, &fs, &b);
		(void)!buf_flush(&b);
		buf_done(&b);
		return EXIT_USAGE;
	}
	cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), w->history, err_str(rc));
	return EXIT_CANNOT;
}

static int
zone_read(const struct cmd_ctx *ctx, struct work *w, int argc, char **argv)
{
	struct zone_past_when when = { .now = ctx->now, .strict = !w->lax, .signatures_end = w->signatures_end,
		.delay_sec = w->delay, .skew_sec = w->skew };
	int rc = zone_today_read(ctx, &w->today, argc, argv);

	if (rc != 0)
		return rc;
	when.since = w->today.since;
	when.ds_ttl = w->today.ds_ttl;
	if ((rc = zone_past_timeline(&w->today.past, &when, &w->past)) == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("the zone's keys and signatures could not be taken in: %s")), err_str(rc));
	return EXIT_CANNOT;
}

static int
step_fault(const struct cmd_ctx *ctx, const char *step, int rc, const struct zone_steps_fault *f)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	for (unsigned i = 0; i < f->n_candidates; i++)
		buf_printf(&b, "%s%.*s", i == 0 ? "" : ", ", SV_ARG(f->candidates[i]));
	buf_char(&b, '\0');
	if (b.rc < 0)
		return EXIT_CANNOT;
	if (f->word.n == 0 && rc == -EEXIST)
		return cmd_usage(ctx, tr(ctx->lang, N_("--step \"%s\": of which key? There are: %s")), step, b.p);
	if (f->word.n == 0 && rc == -EINVAL)
		return cmd_usage(ctx, tr(ctx->lang, N_("--step \"%s\" is no step; sekisho-zone-plan(1) has all steps")), step);
	switch (rc) {
	case -EEXIST:
		return cmd_usage(ctx, tr(ctx->lang, N_("--step \"%s\": several keys have the tag %.*s: %s. A tag is no name; say which one by its name here")), step, SV_ARG(f->word), b.p);
	case -ENOENT:
		return cmd_usage(ctx, tr(ctx->lang, N_("--step \"%s\": no key is called %.*s, and none has this tag")), step, SV_ARG(f->word));
	case -EINVAL:
		return cmd_usage(ctx, tr(ctx->lang, N_("--step \"%s\" is not understood at \"%.*s\"; sekisho-zone-plan(1) has all steps")), step, SV_ARG(f->word));
	default:
		cmd_err("%s", err_str(rc));
		return EXIT_CANNOT;
	}
}

static int
steps_read(const struct cmd_ctx *ctx, struct work *w)
{
	_cleanup_(buf_done) struct buf edits = BUF_INIT;
	struct findings fs;
	int rc;

	for (size_t i = 0; i < w->n_steps; i++) {
		struct zone_steps_fault f;

		if ((rc = zone_steps_read(w->past, sv_str(w->steps[i]), &edits, &f)) < 0)
			return step_fault(ctx, w->steps[i], rc, &f);
	}
	findings_init(&fs, w->today.args.pool);
	if ((rc = timeline_step_parse(w->past, buf_get(&edits), &fs, &w->step)) == 0)
		return 0;
	if (rc != SE_SYNTAX) {
		cmd_err("%s", err_str(rc));
		return EXIT_CANNOT;
	}
	for (const struct finding *f = fs.head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;

		finding_text(&text, f, ctx->lang);
		cmd_err("--step: %.*s", (int)text.len, text.p);
	}
	return cmd_usage(ctx, "%s", tr(ctx->lang, N_("sekisho-zone-plan(1) has all steps")));
}

/* --- the answer --- */

static bool
is_safe(const struct work *w)
{
	if (w->when == WHEN_EARLIEST)
		return w->has_earliest && w->earliest != TIME_NEVER;
	return w->after.n_bads == 0;
}

static int
earliest_find(struct work *w, int64_t from)
{
	int rc = timeline_earliest(w->past, &w->step, from, w->window, &w->answer, &w->why, &w->earliest);

	w->has_earliest = rc == 0;
	return rc;
}

static int
judge(struct work *w, int64_t now)
{
	struct pool *pool = w->today.args.pool;
	int64_t x = w->when == WHEN_TIME ? w->at : now;
	int rc;

	findings_init(&w->story, pool);
	findings_init(&w->answer, pool);
	findings_init(&w->why, pool);
	findings_init(&w->assumed, pool);
	w->at = x;
	w->window = (struct timeline_span){ min_i64(x, now), TIME_NEVER };
	timeline_assumptions(w->past, &w->assumed);
	if ((rc = timeline_check(w->past, w->window, &w->before)) < 0)
		return rc;
	if (w->when == WHEN_EARLIEST)
		return earliest_find(w, x);
	if ((rc = timeline_apply(w->past, &w->step, x, &w->edited)) < 0 ||
	    (rc = timeline_check(w->edited, w->window, &w->after)) < 0)
		return rc;
	timeline_report(w->edited, &w->after, w->window, &w->story);
	return w->after.n_bads > 0 ? earliest_find(w, x) : 0;
}

/* --- as text --- */

static void
verdict_print(const struct cmd_ctx *ctx, const struct work *w, struct buf *b)
{
	char at[TIME_STRLEN], from[TIME_STRLEN], until[TIME_STRLEN];
	const struct timeline_bad *bad = w->after.n_merged > 0 ? &w->after.merged[0] : NULL;

	(void)time_str(w->at, at);
	if (bad == NULL) {
		buf_printf(b, tr(ctx->lang, N_("SAFE at %s: no resolver can find the zone bogus or insecure, whatever it has in its cache.\n")), at);
		return;
	}
	buf_printf(b, bad->ill == TIMELINE_INSECURE ?
	    tr(ctx->lang, N_("NOT SAFE at %s: resolvers would take the zone for unsigned, and verify nothing any more.\n")) :
	    tr(ctx->lang, N_("NOT SAFE at %s: some resolvers would take the zone for forged (bogus) and answer SERVFAIL.\n")), at);
	if (bad->at.until == TIME_NEVER)
		buf_printf(b, tr(ctx->lang, N_("It begins %s, and does not end by itself.\n")), time_str(bad->at.from, from));
	else
		buf_printf(b, tr(ctx->lang, N_("It begins %s, and lasts until %s.\n")), time_str(bad->at.from, from),
		    time_str(bad->at.until, until));
}

/* What the names in the story stand for. */
static void
names_print(const struct cmd_ctx *ctx, const struct work *w, struct buf *b)
{
	const int versions[] = { w->after.bads[0].ds, w->after.bads[0].dnskey, w->after.bads[0].data };

	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		const struct timeline_version *v = versions[i] < 0 ? NULL :
		    timeline_version(w->edited, (unsigned)versions[i]);

		if (v == NULL)
			continue;
		buf_printf(b, "  %.*s = %s: ", SV_ARG(v->id), tr(ctx->lang, zone_kind_text(v->kind)));
		zone_version_print(ctx, w->edited, v, b);
		buf_char(b, '\n');
	}
}

static void
remedy_print(const struct cmd_ctx *ctx, const struct work *w, struct buf *b)
{
	if (w->after.bads[0].ill == TIMELINE_INSECURE) {
		buf_str(b, tr(ctx->lang, N_("\nWhat to do: if the zone is to stay secure, publish the DS record of another key first. If it is to become insecure on purpose, say so: --step \"allow insecure\".\n")));
		return;
	}
	for (const struct finding *f = w->story.head; f != NULL; f = f->next)
		if (f->def->severity == SEV_REJECT) {
			buf_printf(b, tr(ctx->lang, N_("\nWhat to do: %s\n")), tr(ctx->lang, f->def->remedy));
			return;
		}
}

static void
earliest_print(const struct cmd_ctx *ctx, const struct work *w, int64_t now, struct buf *b)
{
	char at[TIME_STRLEN];

	if (!w->has_earliest)
		return;
	if (w->earliest == TIME_NEVER) {
		buf_str(b, tr(ctx->lang, N_("\nThere is no time at which this step alone is safe. Something has to come before it: mostly a key, a signature or a DS record that takes over.\n")));
		if (w->when == WHEN_EARLIEST) {		/* else that story was told already */
			buf_str(b, tr(ctx->lang, N_("What stands in the way:\n")));
			zone_story_print(ctx, &w->why, b);
		}
		return;
	}
	buf_printf(b, tr(ctx->lang, N_("\nEarliest safe time: %s")), time_str(w->earliest, at));
	if (w->earliest > now) {
		buf_str(b, tr(ctx->lang, N_(" (in ")));
		zone_left_print(ctx, w->earliest - now, b);
		buf_str(b, tr(ctx->lang, N_(")")));
	}
	buf_char(b, '\n');
	if (w->earliest > now)
		buf_str(b, tr(ctx->lang, N_("Wait until then, and ask once more just before: what is published may have changed.\n")));
	if (w->when == WHEN_EARLIEST && w->why.head != NULL && w->earliest > w->at) {
		buf_str(b, tr(ctx->lang, N_("\nOne second earlier this would happen:\n")));
		zone_story_print(ctx, &w->why, b);
	}
}

static void
assumed_print(const struct cmd_ctx *ctx, const struct work *w, struct buf *b)
{
	buf_str(b, tr(ctx->lang, N_("\nThis holds if:\n")));
	zone_story_print(ctx, &w->assumed, b);
	if (w->history != NULL)
		return;
	buf_str(b, tr(ctx->lang, N_("  - the zone file and the DS records are what all servers have; ask each of them\n")));
	buf_printf(b, tr(ctx->lang, N_("  - every server follows a change within %u s (--propagation); this is counted with the TTLs\n")), w->delay);
	if (!w->signatures_end)
		buf_str(b, tr(ctx->lang, N_("  - signatures are renewed in time, as now (--signatures-end: they are not)\n")));
}

static void
text_print(const struct cmd_ctx *ctx, const struct work *w, struct buf *b)
{
	for (size_t i = 0; i < w->n_steps; i++) {
		buf_str(b, i == 0 ? tr(ctx->lang, N_("Step: ")) : tr(ctx->lang, N_("and:  ")));
		escape_term(b, sv_str(w->steps[i]));
		buf_char(b, '\n');
	}
	if (w->before.n_bads > 0)
		buf_str(b, tr(ctx->lang, N_("Even without the step the zone does not stay good; mend that first.\n")));
	if (w->when != WHEN_EARLIEST)
		verdict_print(ctx, w, b);
	if (ctx->quiet)
		return;
	if (w->after.n_bads > 0) {
		buf_str(b, tr(ctx->lang, N_("\nWhat would happen to such a resolver:\n")));
		zone_story_print(ctx, &w->story, b);
		names_print(ctx, w, b);
		remedy_print(ctx, w, b);
	}
	earliest_print(ctx, w, ctx->now, b);
	if (w->history == NULL) {
		buf_char(b, '\n');
		zone_today_print(ctx, &w->today, b);
	}
	assumed_print(ctx, w, b);
}

/* --- as JSON, and for monitoring --- */

static void
bads_json(const struct work *w, struct json *j)
{
	json_key(j, "intervals");
	json_open(j, '[');
	for (size_t i = 0; i < w->after.n_merged; i++) {
		const struct timeline_bad *bad = &w->after.merged[i];

		json_open(j, '{');
		json_kv_str(j, "kind", timeline_ill_name(bad->ill));
		json_kv_i64(j, "from", bad->at.from);
		json_kv_end(j, "until", bad->at.until);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
json_print(const struct cmd_ctx *ctx, const struct work *w, struct buf *b)
{
	struct json j = json_on(b, true);

	json_open(&j, '{');
	json_kv_i64(&j, "at", ctx->now);
	json_key(&j, "steps");
	json_open(&j, '[');
	for (size_t i = 0; i < w->n_steps; i++)
		json_str(&j, w->steps[i]);
	json_close(&j, ']');
	json_kv_bool(&j, "safe", is_safe(w));
	json_kv_bool(&j, "good_without_the_step", w->before.n_bads == 0);
	if (w->when != WHEN_EARLIEST)
		json_kv_i64(&j, "when", w->at);
	if (w->has_earliest)
		json_kv_end(&j, "earliest", w->earliest);
	bads_json(w, &j);
	zone_story_json(ctx, &j, "story", &w->story);
	zone_story_json(ctx, &j, "answer", &w->answer);
	zone_story_json(ctx, &j, "why_not_earlier", &w->why);
	zone_story_json(ctx, &j, "assumptions", &w->assumed);
	if (w->history == NULL) {
		json_kv_u64(&j, "propagation", w->delay);
		json_kv_bool(&j, "signatures_renewed", !w->signatures_end);
		zone_today_json(&w->today, &j);
	}
	json_close(&j, '}');
	buf_char(b, '\n');
}

static int
nagios_print(const struct cmd_ctx *ctx, const struct work *w, struct buf *b)
{
	char at[TIME_STRLEN];

	if (is_safe(w) && (w->when != WHEN_EARLIEST || w->earliest <= ctx->now)) {
		buf_printf(b, tr(ctx->lang, N_("ZONE OK - the step is safe at %s\n")), time_str(w->at, at));
		return 0;
	}
	if (w->earliest == TIME_NEVER) {
		buf_str(b, tr(ctx->lang, N_("ZONE CRITICAL - the step is never safe as it stands\n")));
		return 2;
	}
	buf_printf(b, tr(ctx->lang, N_("ZONE CRITICAL - the step is not safe before %s | wait=%llds\n")),
	    time_str(w->earliest, at), (long long)(w->earliest - ctx->now));
	return 2;
}

static int
report(const struct cmd_ctx *ctx, const struct work *w)
{
	int fd = 1, rc = is_safe(w) ? EXIT_GOOD : EXIT_REJECTED;
	struct buf b = BUF_SINK(fd_write_all, &fd);

	if (w->today.args.nagios)
		rc = nagios_print(ctx, w, &b);
	else if (ctx->json)
		json_print(ctx, w, &b);
	else
		text_print(ctx, w, &b);
	if (buf_flush(&b) < 0)
		rc = EXIT_CANNOT;
	buf_done(&b);
	return rc;
}

static int
answer(const struct cmd_ctx *ctx, struct work *w, int argc, char **argv)
{
	int rc;

	if (w->n_steps == 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("no --step; for example --step \"remove ds 12345\"")));
	if (w->history != NULL && argc > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("a zone file or --history, not both")));
	rc = w->history != NULL ? history_read(ctx, w) : zone_read(ctx, w, argc, argv);
	if (rc != 0)
		return rc;
	if ((rc = steps_read(ctx, w)) != 0)
		return rc;
	if ((rc = judge(w, ctx->now)) == 0) {
		w->answered = true;
		return report(ctx, w);
	}
	cmd_err(tr(ctx->lang, N_("the step could not be judged: %s")), err_str(rc));
	return EXIT_CANNOT;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct work *w = state;
	int rc;

	if (!w->delay_given)
		w->delay = 3600;
	if (!w->skew_given)
		w->skew = 3600;
	rc = answer(ctx, w, argc, argv);
	if (w->today.args.nagios && !w->answered) {
		printf("ZONE UNKNOWN - %s\n", tr(ctx->lang, N_("the step could not be judged")));
		rc = 3;
	}
	timeline_verdict_done(&w->before);
	timeline_verdict_done(&w->after);
	w->edited = timeline_free(w->edited);	/* before what it refers to */
	w->past = timeline_free(w->past);
	return rc;
}

extern const struct cmd cmd_zone_whatif;
const struct cmd cmd_zone_whatif = {
	.area = "zone", .verb = "whatif", .args = "[ZONEFILE]",
	.summary = N_("would a step made by hand break the zone for anybody? When is it safe?"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run, .verifies = true, .done = zone_today_done,
};
