/* sekisho zone transfer --check: which steps of a run-book are done, and which may be taken now. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/zone.h"
#include "cmd/zone_transfer.h"
#include "out/escape.h"
#include "sys/atomicfile.h"
#include "sys/clock.h"
#include "sys/file.h"

enum step_state {
	STEP_DONE,
	STEP_NOW,		/* may be taken */
	STEP_WAITS,		/* for a time */
	STEP_BLOCKED,		/* for another step */
};

struct judged {
	enum step_state		 state;
	int64_t			 due;
	struct transfer_need	 need;
	struct transfer_lack	 lack;
};

/* --- the state file --- */

static int
state_error(const struct cmd_ctx *ctx, const struct transfer_work *w, int rc)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	if (rc != SE_SYNTAX || w->fs.head == NULL) {
		cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), w->check, err_str(rc));
		return EXIT_CANNOT;
	}
	finding_text(&b, w->fs.head, ctx->lang);
	buf_char(&b, '\0');
	cmd_err("%s: %s", w->check, b.p == NULL ? "" : b.p);
	return EXIT_USAGE;
}

/* What was given on the command line counts more than what is kept. */
static int
facts_merge(const struct cmd_ctx *ctx, struct transfer_work *w)
{
	for (size_t i = 0; i < w->n_facts; i++) {
		struct sv value = sv_str(w->facts[i]), name = sv_cut(&value, '=');
		const char *what = NULL;

		if (transfer_fact_set(&w->watch.facts, name, value, &what) < 0)
			return cmd_usage(ctx, "--fact %s: %s", w->facts[i], tr(ctx->lang, what));
	}
	w->f = w->watch.facts;
	return 0;
}

static int
state_read(const struct cmd_ctx *ctx, struct transfer_work *w)
{
	struct sv text;
	int rc = file_read(w->pool, FILE_CWD, w->check, TRANSFER_WATCH_TEXT_MAX, &text);

	if (rc == 0)
		rc = transfer_watch_parse(w->pool, text, &w->fs, &w->watch);
	if (rc == 0)
		return facts_merge(ctx, w);
	if (rc != -ENOENT)
		return state_error(ctx, w, rc);
	if (w->f.zone.n == 0 || dname_parse(w->f.zone, NULL, &w->watch.zone) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("%s is not there yet: say the facts, with zone NAME among them")), w->check);
	w->watch.facts = w->f;
	return 0;
}

static int
state_write(const struct cmd_ctx *ctx, const struct transfer_work *w)
{
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc;

	transfer_watch_print(&w->watch, &b);
	if ((rc = b.rc) < 0 || (rc = atomicfile_open(&f, w->check)) < 0 ||
	    (rc = fd_write_all(&f.fd, b.p, b.len)) < 0 || (rc = atomicfile_commit(&f)) < 0) {
		cmd_err(tr(ctx->lang, N_("cannot write %s: %s")), w->check, err_str(rc));
		return EXIT_CANNOT;
	}
	return 0;
}

/* --- judging --- */

static int
step_judge(const struct transfer_work *w, enum transfer_code code, const struct transfer_look *looks, size_t n,
    int64_t now, struct judged *ret)
{
	const struct transfer_watch *t = &w->watch;
	bool done;
	int rc;

	*ret = (struct judged){ .state = STEP_DONE };
	ret->due = transfer_due(&t->facts, &w->plan, t->seen, code, &ret->need);
	rc = transfer_step_done(t, &w->plan, code, looks, n, now, &done, &ret->lack);
	if (rc < 0 || t->seen[code] != 0)
		return rc;
	ret->state = ret->due == TIME_NEVER ? STEP_BLOCKED : ret->due > now ? STEP_WAITS : STEP_NOW;
	return 0;
}

static int
told_take(const struct cmd_ctx *ctx, struct transfer_work *w, int64_t now)
{
	if (w->done == NULL)
		return 0;
	for (unsigned c = 0; c < TRANSFER_CODE_MAX; c++) {
		struct transfer_need need;

		if (strcmp(w->done, transfer_findings[c].code) != 0 ||
		    transfer_due(&w->watch.facts, &w->plan, w->watch.seen, c, &need) > now)
			continue;
		if (transfer_watch_told(&w->watch, &w->plan, c, now) == 0)
			return 0;
	}
	return cmd_usage(ctx, tr(ctx->lang, N_("--done %s: this is no step that a person has to tell, or it may not be taken yet")), w->done);
}

/* --- what is printed --- */

static size_t
number_of(const struct transfer_plan *p, enum transfer_code code)
{
	size_t i = 0;

	while (i < p->n_steps && p->steps[i].code != code)
		i++;
	return i + 1;
}

static void
lack_print(const struct cmd_ctx *ctx, const struct judged *g, struct buf *b)
{
	if (g->lack.what == NULL)
		return;
	buf_str(b, "    ");
	if (g->lack.server.n > 0) {
		escape_term(b, g->lack.server);
		buf_str(b, ": ");
	}
	buf_printf(b, "%s\n", tr(ctx->lang, g->lack.what));
}

static void
step_text(const struct cmd_ctx *ctx, const struct transfer_work *w, size_t i, const struct judged *g, struct buf *b)
{
	const struct transfer_step *s = &w->plan.steps[i];
	const struct finding_def *d = &transfer_findings[s->code];
	char at[TIME_STRLEN];

	buf_printf(b, "%2zu. %s  %s: ", i + 1, d->code, tr(ctx->lang, transfer_who_text(s->who)));
	switch (g->state) {
	case STEP_DONE:
		buf_printf(b, tr(ctx->lang, N_("done, seen at all servers at %s\n")), time_str(w->watch.seen[s->code], at));
		return;
	case STEP_WAITS:
		buf_printf(b, tr(ctx->lang, N_("not before %s: %s\n")), time_str(g->due, at),
		    tr(ctx->lang, g->need.why == NULL ? N_("the steps before have to be done at all servers") : g->need.why));
		return;
	case STEP_BLOCKED:
		buf_printf(b, tr(ctx->lang, N_("not before step %zu is done\n")), number_of(&w->plan, g->need.on));
		return;
	default:
		buf_printf(b, tr(ctx->lang, N_("NOW: %s\n")), tr(ctx->lang, d->text));
	}
	buf_printf(b, tr(ctx->lang, N_("    keep and mind: %s\n")), tr(ctx->lang, d->remedy));
	transfer_data_print(w, s->code, "    ", b);
	lack_print(ctx, g, b);
}

static void
step_json(const struct cmd_ctx *ctx, const struct transfer_work *w, size_t i, const struct judged *g, struct json *j)
{
	static const char *const names[] = { "done", "now", "waits", "blocked" };
	const struct transfer_step *s = &w->plan.steps[i];
	bool waits = g->state == STEP_WAITS || g->state == STEP_BLOCKED;

	json_open(j, '{');
	json_kv_str(j, "code", transfer_findings[s->code].code);
	json_kv_str(j, "who", transfer_who_name(s->who));
	json_kv_str(j, "state", names[g->state]);
	json_kv_i64(j, "seen", w->watch.seen[s->code]);
	json_kv_end(j, "due", g->due);
	json_kv_str(j, "need", waits ? transfer_findings[g->need.on].code : NULL);
	json_kv_str(j, "why", waits && g->need.why != NULL ? tr(ctx->lang, g->need.why) : NULL);
	json_kv_sv(j, "server", g->lack.server);
	json_kv_str(j, "lacks", g->lack.what == NULL ? NULL : tr(ctx->lang, g->lack.what));
	transfer_data_json(w, s->code, j);
	json_close(j, '}');
}

static void
steps_print(const struct cmd_ctx *ctx, const struct transfer_work *w, const struct judged *g, struct buf *b)
{
	struct json j = json_on(b, true);
	char name[DNAME_STRLEN];

	if (!ctx->json) {
		buf_printf(b, "%s %s\n", dname_str(&w->watch.zone, name), tr(ctx->lang, transfer_pattern_text(w->plan.pattern)));
		zone_findings_print(ctx, &w->fs, b);
		for (size_t i = 0; i < w->plan.n_steps; i++)
			step_text(ctx, w, i, &g[i], b);
		return;
	}
	json_open(&j, '{');
	json_kv_str(&j, "zone", dname_str(&w->watch.zone, name));
	json_kv_str(&j, "pattern", transfer_pattern_name(w->plan.pattern));
	json_kv_i64(&j, "begun", w->watch.begun);
	json_kv_i64(&j, "looked", w->watch.looked);
	json_key(&j, "steps");
	json_open(&j, '[');
	for (size_t i = 0; i < w->plan.n_steps; i++)
		step_json(ctx, w, i, &g[i], &j);
	json_close(&j, ']');
	zone_findings_json(ctx, &w->fs, &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}

/* --- the whole --- */

static int
checked(const struct cmd_ctx *ctx, struct transfer_work *w, const struct transfer_look *looks, size_t n, int64_t now,
    struct buf *b)
{
	struct judged g[TRANSFER_STEPS_MAX];
	bool go = w->watch.seen[TRANSFER_DONE] != 0;
	int rc;

	for (size_t i = 0; i < w->plan.n_steps; i++) {
		if ((rc = step_judge(w, w->plan.steps[i].code, looks, n, now, &g[i])) < 0) {
			cmd_err(tr(ctx->lang, N_("the steps could not be checked: %s")), err_str(rc));
			return EXIT_CANNOT;
		}
		go |= g[i].state == STEP_NOW;
	}
	steps_print(ctx, w, g, b);
	return findings_reject(&w->fs) || !go ? EXIT_REJECTED : EXIT_GOOD;
}

static int
plan_again(const struct cmd_ctx *ctx, struct transfer_work *w)
{
	/* Windows and algorithms were told by the run-book; here the play counts. */
	struct findings quiet;
	int rc;

	findings_init(&quiet, w->pool);
	w->f = w->watch.facts;
	rc = transfer_plan(&w->f, &quiet, &w->plan);
	if (rc == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("the plan could not be made: %s")), err_str(rc));
	return EXIT_CANNOT;
}

int
transfer_check(const struct cmd_ctx *ctx, struct transfer_work *w, struct buf *b)
{
	struct transfer_look *looks;
	int64_t now;
	size_t n;
	int rc;

	if ((rc = state_read(ctx, w)) != 0 || (rc = transfer_files_read(ctx, w)) != 0)
		return rc;
	w->fs.subject = w->f.zone;
	if ((rc = transfer_look(w, &looks, &n)) < 0) {
		if (rc == -ENOENT)
			cmd_err("%s", tr(ctx->lang, N_("no server of either side or of the parent answered; nothing is noted")));
		else if (rc == -EINVAL)
			return cmd_usage(ctx, "%s", tr(ctx->lang, N_("a server is an address: 192.0.2.1, 192.0.2.1:5353, [2001:db8::1]:5353")));
		else
			cmd_err(tr(ctx->lang, N_("the servers could not be asked: %s; is the resolver well? --resolver names another, --parent and --losing name servers")), err_str(rc));
		return EXIT_CANNOT;
	}
	/* What was seen in this second may have come at its end. */
	now = ctx->now_given ? ctx->now : clock_now() + 1;
	(void)transfer_watch_ttls(&w->watch, looks, n, &w->fs);
	if ((rc = plan_again(ctx, w)) != 0 || (rc = told_take(ctx, w, now)) != 0)
		return rc;
	if ((rc = transfer_watch_look(&w->watch, &w->plan, looks, n, now, &w->fs)) < 0) {
		cmd_err(tr(ctx->lang, N_("the steps could not be checked: %s")), err_str(rc));
		return EXIT_CANNOT;
	}
	if ((rc = state_write(ctx, w)) != 0)
		return rc;
	return checked(ctx, w, looks, n, now, b);
}
