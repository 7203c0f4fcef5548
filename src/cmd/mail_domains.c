/* sekisho mail domains: who sends to us authenticated, since when, how much, with what result. */
#include <stdio.h>
#include <string.h>

#include "cmd/mail_store.h"
#include "out/escape.h"
#include "out/table.h"

#define POOL_MAX	4096

struct domains_work {
	struct cmd_ctx		*ctx;
	uint32_t		 limit;
	struct reports_seen_wish wish;
	struct reports_seen_sum	 sum;
	uint64_t		 n;		/* shown */
	struct pool		*pool;
	struct mail_store	 store;
	struct buf		 b;
	struct json		 j;
};

static const struct cmd_opt opts[] = {
	{ "sort", 0, "KEY", N_("messages (the default), complaints, stopped, last, first: the largest first; or name") },
	{ "limit", 'n', "N", N_("so many of them (default 50)") },
	{ "since", 0, "TIME", N_("seen since this time (RFC 3339, or a date)") },
	{ "new-since", 0, "TIME", N_("seen for the first time since then") },
	{ 0 },
};

static const char *const sorts[REPORTS_SORT_MAX] = {
	[REPORTS_BY_MESSAGES] = "messages", [REPORTS_BY_COMPLAINTS] = "complaints",
	[REPORTS_BY_STOPPED] = "stopped", [REPORTS_BY_LAST] = "last", [REPORTS_BY_FIRST] = "first",
	[REPORTS_BY_NAME] = "name",
};

static int
sort_opt(const struct cmd_ctx *ctx, struct domains_work *w, const char *arg)
{
	for (unsigned i = 0; i < REPORTS_SORT_MAX; i++)
		if (strcmp(sorts[i], arg) == 0) {
			w->wish.sort = (enum reports_seen_sort)i;
			return 0;
		}
	return cmd_usage(ctx, tr(ctx->lang, N_("--sort %s: it is messages, complaints, stopped, last, first or name")), arg);
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	static const struct cmd_number numbers[] = {
		{ "limit", offsetof(struct domains_work, limit), 1, MAIL_STORE_LIST_MAX },
	};
	struct domains_work *w = state;

	if (strcmp(o->name, "sort") == 0)
		return sort_opt(ctx, w, arg);
	if (strcmp(o->name, "limit") == 0)
		return cmd_number_opt(ctx, numbers, ARRAY_LEN(numbers), state, o, arg);
	if (time_parse(sv_str(arg), o->name[0] == 's' ? &w->wish.last : &w->wish.first) == 0)
		return 0;
	return cmd_usage(ctx, tr(ctx->lang, N_("--%s: \"%s\" is not understood")), o->name, arg);
}

/* --- one domain --- */

/* Column for column; the domain is the last one, as nobody knows how long it is. */
static const struct {
	const char	*head;
	unsigned	 cells;
} columns[] = {
	{ N_("seen since"), 12 }, { N_("last seen"), 12 }, { N_("messages"), 10 }, { N_("passed"), 10 },
	{ N_("quarantined"), 13 }, { N_("rejected"), 10 }, { N_("complaints"), 12 },
};
#define DAYS	2	/* the first columns are days, the others numbers */

static void
head_put(struct domains_work *w)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		table_cell(&w->b, tr(w->ctx->lang, columns[i].head), columns[i].cells, i >= DAYS);
	buf_printf(&w->b, "  %s\n", tr(w->ctx->lang, N_("domain")));
}

static void
line_put(struct domains_work *w, const struct reports_seen *s)
{
	const int64_t days[DAYS] = { s->first, s->last };
	const uint64_t numbers[] = { s->n_messages, s->n_acts[REPORTS_PASSED],
	    s->n_acts[REPORTS_QUARANTINED], s->n_acts[REPORTS_REJECTED], s->n_complaints };
	char day[DAY_STRLEN];

	if (w->n == 0)
		head_put(w);
	for (size_t i = 0; i < DAYS; i++)
		table_cell(&w->b, mail_store_day(days[i], day), columns[i].cells, false);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		table_num(&w->b, numbers[i], columns[DAYS + i].cells);
	buf_str(&w->b, "  ");
	escape_term(&w->b, s->domain);
	buf_char(&w->b, '\n');
}

static void
numbers_json(struct json *j, const struct reports_seen *s)
{
	json_kv_u64(j, "messages", s->n_messages);
	json_kv_u64(j, "passed", s->n_acts[REPORTS_PASSED]);
	json_kv_u64(j, "quarantined", s->n_acts[REPORTS_QUARANTINED]);
	json_kv_u64(j, "rejected", s->n_acts[REPORTS_REJECTED]);
	json_kv_u64(j, "complaints", s->n_complaints);
	json_close(j, '}');
}

static int
on_domain(void *arg, const struct reports_seen *s)
{
	struct domains_work *w = arg;

	if (w->ctx->json) {
		json_open(&w->j, '{');
		json_kv_sv(&w->j, "domain", s->domain);
		json_kv_i64(&w->j, "first", s->first);
		json_kv_i64(&w->j, "last", s->last);
		numbers_json(&w->j, s);
	} else
		line_put(w, s);
	w->n++;
	return w->b.rc;
}

/* --- all of them --- */

static void
end_text(struct domains_work *w)
{
	enum lang lang = w->ctx->lang;
	bool is_all = w->wish.below.n == 0 && w->wish.first == 0 && w->wish.last == 0;

	if (w->sum.n == 0) {
		buf_printf(&w->b, "%s\n", tr(lang, is_all ? N_("no domain is known yet: none was seen authenticated since rows are kept (mail.reports)") :
		    N_("no such domain was seen authenticated")));
		return;
	}
	buf_printf(&w->b, tr(lang, N_("%llu domains, %llu complaints; a message counts for each domain that it was authenticated by\n")),
	    (unsigned long long)w->sum.n, (unsigned long long)w->sum.seen.n_complaints);
	if (w->n < w->sum.n)
		buf_printf(&w->b, tr(lang, N_("%llu of them are shown; -n shows more\n")), (unsigned long long)w->n);
}

static void
end_json(struct domains_work *w)
{
	json_close(&w->j, ']');
	json_kv_u64(&w->j, "domains_total", w->sum.n);
	json_key(&w->j, "sums");
	json_open(&w->j, '{');
	numbers_json(&w->j, &w->sum.seen);
	json_close(&w->j, '}');
	buf_char(&w->b, '\n');
}

static int
list(struct domains_work *w)
{
	int rc;

	w->j = json_on(&w->b, false);
	if (w->ctx->json) {
		json_open(&w->j, '{');
		json_kv_i64(&w->j, "now", w->ctx->now);
		json_key(&w->j, "domains");
		json_open(&w->j, '[');
	}
	rc = reports_seen_list(w->store.reports, &w->wish, &w->sum, on_domain, w);
	if (rc < 0)
		return mail_store_fail(w->ctx, &w->store, rc);
	(w->ctx->json ? end_json : end_text)(w);
	return 0;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct domains_work *w = state;
	int rc;

	w->ctx = ctx;
	w->wish.max = w->limit != 0 ? w->limit : MAIL_STORE_LIST;
	if ((w->pool = pool_new(POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	if (argc > 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("give one domain, or none")));
	if ((argc == 1 && (rc = mail_store_domain(ctx, w->pool, argv[0], &w->wish.below)) != 0) ||
	    (rc = mail_store_open(ctx, &w->store)) != 0 || (rc = list(w)) != 0)
		return rc;
	mail_store_done(&w->store);	/* whoever reads our output slowly holds up no writer */
	return cmd_out(&w->b) != 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static void
done(void *state)
{
	struct domains_work *w = state;

	mail_store_done(&w->store);
	w->pool = pool_free(w->pool);
	buf_done(&w->b);
}

extern const struct cmd cmd_mail_domains;
const struct cmd cmd_mail_domains = {
	.area = "mail", .verb = "domains", .args = N_("[DOMAIN]"),
	.summary = N_("who sends to us authenticated: since when, how much, with what result"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct domains_work),
	.run = run, .done = done,
};
