/* sekisho mail reports: which reports went to whom, what became of them, what waits and why. */
#include "cmd/mail_reports.h"

#include <errno.h>
#include <string.h>

#define POOL_MAX	((size_t)256 << 20)	/* --waiting: names of a million domains */

static const struct cmd_opt opts[] = {
	{ "only", 0, "STATE", N_("those that are due, sent, given-up, asking (it is not known yet to whom), or for nobody") },
	{ "day", 0, "DATE", N_("only those about this day (UTC)") },
	{ "since", 0, "DATE", N_("only those about this day and later") },
	{ "limit", 'n', "N", N_("so many of the newest (default 50)") },
	{ "waiting", 0, NULL, N_("what is not made yet: rows of which domain wait, and until when") },
	{ "show", 0, "ID", N_("all that is known of this report") },
	{ "xml", 0, "ID", N_("its text, as it is sent") },
	{ "part", 0, "N", N_("of a report too large for one mail, with --xml (the first)") },
	{ 0 },
};

/* --- options --- */

static int
only_opt(const struct cmd_ctx *ctx, struct mail_reports_work *w, const char *arg)
{
	for (int i = 0; i < REPORTS_WISHED_MAX; i++)
		if (strcmp(mail_reports_states[i], arg) == 0) {
			w->wish.state = i + 1;		/* 0: not given */
			return 0;
		}
	return cmd_usage(ctx, tr(ctx->lang, N_("--only %s: it is due, sent, given-up, asking or nobody")), arg);
}

static int
day_opt(const struct cmd_ctx *ctx, const struct cmd_opt *o, const char *arg, int64_t *ret)
{
	int64_t at;

	/* The first day is 1970-01-02: 0 is "not given". */
	if (time_parse(sv_str(arg), &at) < 0 || at < REPORTS_DAY_SEC)
		return cmd_usage(ctx, tr(ctx->lang, N_("--%s: \"%s\" is not understood")), o->name, arg);
	*ret = reports_day(at);
	return 0;
}

static int
id_opt(const struct cmd_ctx *ctx, struct mail_reports_work *w, const struct cmd_opt *o,
    const char *arg)
{
	*(o->name[0] == 'x' ? &w->is_xml : &w->is_show) = true;
	if (num_u64(sv_str(arg), 1, INT64_MAX, &w->id) == 0)
		return 0;
	return cmd_usage(ctx, tr(ctx->lang, N_("--%s %s: it is the number of a report, as in the list")), o->name, arg);
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	static const struct cmd_number numbers[] = {
		{ "limit", offsetof(struct mail_reports_work, limit), 1, MAIL_STORE_LIST_MAX },
		{ "part", offsetof(struct mail_reports_work, part), 1, 1000 },
	};
	struct mail_reports_work *w = state;

	if (strcmp(o->name, "only") == 0)
		return only_opt(ctx, w, arg);
	if (strcmp(o->name, "day") == 0)
		return day_opt(ctx, o, arg, &w->wish.day);
	if (strcmp(o->name, "since") == 0)
		return day_opt(ctx, o, arg, &w->wish.since);
	if (strcmp(o->name, "show") == 0 || strcmp(o->name, "xml") == 0)
		return id_opt(ctx, w, o, arg);
	if (strcmp(o->name, "waiting") == 0) {
		w->is_waiting = true;
		return 0;
	}
	return cmd_number_opt(ctx, numbers, ARRAY_LEN(numbers), state, o, arg);
}

/* What goes with what. */
static int
usage_check(const struct mail_reports_work *w, int argc)
{
	const struct cmd_ctx *ctx = w->ctx;
	bool is_one = w->is_show || w->is_xml;
	bool is_filter = w->wish.state != 0 || w->wish.day != 0 || w->wish.since != 0;

	if (argc > 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("give one domain, or none")));
	if (is_one + w->is_waiting + (w->is_show && w->is_xml) > 1 || (is_one && argc > 0) ||
	    ((is_one || w->is_waiting) && is_filter))
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("--show, --xml and --waiting exclude each other, and go with no --only, --day, --since")));
	if (w->wish.day != 0 && w->wish.since != 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--day and --since exclude each other")));
	if (w->part != 0 && !w->is_xml)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--part goes with --xml")));
	return 0;
}

/* From "0 is not given" to what the store asks for. */
static void
wish_settle(struct mail_reports_work *w)
{
	w->wish.state--;
	w->wish.day = w->wish.day == 0 ? -1 : w->wish.day;
	w->wish.max = w->limit != 0 ? w->limit : MAIL_STORE_LIST;
}

/* --- all of it --- */

static int
tell(struct mail_reports_work *w)
{
	int rc = (w->is_waiting ? mail_reports_waiting : w->is_show ? mail_reports_show :
	    mail_reports_list)(w);

	if (rc == -ENOENT && w->is_show) {
		cmd_err(tr(w->ctx->lang, N_("there is no report %llu (any more)")), (unsigned long long)w->id);
		return EXIT_REJECTED;
	}
	if (rc < 0)
		return mail_store_fail(w->ctx, &w->store, rc);
	mail_store_done(&w->store);	/* whoever reads our output slowly holds up no writer */
	return cmd_out(&w->b) != 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct mail_reports_work *w = state;
	int rc;

	w->ctx = ctx;
	w->j = json_on(&w->b, false);
	if ((w->pool = pool_new(POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	if ((rc = usage_check(w, argc)) != 0 ||
	    (argc == 1 && (rc = mail_store_domain(ctx, w->pool, argv[0], &w->wish.domain)) != 0))
		return rc;
	wish_settle(w);
	if ((rc = mail_store_open(ctx, &w->store)) != 0)
		return rc;
	return w->is_xml ? mail_reports_xml(w) : tell(w);
}

static void
done(void *state)
{
	struct mail_reports_work *w = state;

	mail_store_done(&w->store);
	w->pool = pool_free(w->pool);
	buf_done(&w->b);
}

extern const struct cmd cmd_mail_reports;
const struct cmd cmd_mail_reports = {
	.area = "mail", .verb = "reports", .args = N_("[DOMAIN]"),
	.summary = N_("which reports went to whom, what became of them, what waits and why"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct mail_reports_work),
	.run = run, .done = done,
};
