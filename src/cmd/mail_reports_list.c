/* Reports, newest first: a line for each of those whom one goes to. */
#include "cmd/mail_reports.h"
#include "out/escape.h"
#include "out/table.h"

#define ID_CELLS	8
#define DAY_CELLS	12
#define STATE_CELLS	12
#define WHEN_CELLS	22
#define TRIES_CELLS	6
#define DOMAIN_CELLS	28

const char *const mail_reports_states[REPORTS_WISHED_MAX] = {
	[REPORTS_DUE] = "due", [REPORTS_SENT] = "sent", [REPORTS_GIVEN_UP] = "given-up",
	[REPORTS_ASKING] = "asking", [REPORTS_NOBODY] = "nobody",
};

const char *
mail_reports_state_text(unsigned wished)
{
	static const char *const texts[REPORTS_WISHED_MAX] = {
		[REPORTS_DUE] = N_("is due"), [REPORTS_SENT] = N_("sent"), [REPORTS_GIVEN_UP] = N_("given up"),
		[REPORTS_ASKING] = N_("asking"), [REPORTS_NOBODY] = N_("for nobody"),
	};

	return texts[wished];
}

unsigned
mail_reports_state(const struct reports_listed *l)
{
	if (!l->is_addressed)
		return REPORTS_ASKING;
	return l->sending.address.n == 0 ? (unsigned)REPORTS_NOBODY : (unsigned)l->sending.state;
}

/* When it is tried next, or was over; else when it was made. Stores of old say 0. */
static int64_t
when(const struct reports_listed *l)
{
	return mail_reports_state(l) < REPORTS_STATE_MAX ? l->sending.next : l->sending.report.made;
}

struct listing {
	struct mail_reports_work *w;
	uint64_t		 n;
};

static void
head_put(struct mail_reports_work *w)
{
	enum lang lang = w->ctx->lang;

	table_cell(&w->b, tr(lang, N_("number")), ID_CELLS, true);
	buf_str(&w->b, "  ");
	table_cell(&w->b, tr(lang, N_("about")), DAY_CELLS, false);
	table_cell(&w->b, tr(lang, N_("state")), STATE_CELLS, false);
	table_cell(&w->b, tr(lang, N_("when")), WHEN_CELLS, false);
	table_cell(&w->b, tr(lang, N_("tries")), TRIES_CELLS, false);
	table_cell(&w->b, tr(lang, N_("domain")), DOMAIN_CELLS, false);
	buf_printf(&w->b, "%s\n", tr(lang, N_("to whom, and what was said last")));
}

static void
whom_put(struct buf *b, const struct reports_sending *s)
{
	buf_char(b, ' ');
	escape_term(b, s->address.n > 0 ? s->address : SV("-"));
	if (s->error.n > 0) {
		buf_str(b, ": ");
		escape_term(b, s->error);
	}
	buf_char(b, '\n');
}

static void
line_put(struct mail_reports_work *w, const struct reports_listed *l)
{
	const struct reports_sending *s = &l->sending;
	char day[DAY_STRLEN], at[TIME_STRLEN];
	struct buf *b = &w->b;

	table_num(b, s->report.id, ID_CELLS);
	buf_str(b, "  ");
	table_cell(b, mail_store_day(s->report.day * REPORTS_DAY_SEC, day), DAY_CELLS, false);
	table_cell(b, tr(w->ctx->lang, mail_reports_state_text(mail_reports_state(l))), STATE_CELLS,
	    false);
	table_cell(b, when(l) > 0 ? time_str(when(l), at) : "-", WHEN_CELLS, false);
	table_num(b, s->attempts, TRIES_CELLS - 2);
	buf_str(b, "  ");
	mail_store_cell(b, s->report.domain, DOMAIN_CELLS - 1);
	whom_put(b, s);
}

static void
line_json(struct json *j, const struct reports_listed *l)
{
	const struct reports_sending *s = &l->sending;

	json_open(j, '{');
	json_kv_u64(j, "id", s->report.id);
	json_kv_sv(j, "domain", s->report.domain);
	json_kv_i64(j, "day", s->report.day * REPORTS_DAY_SEC);
	json_kv_i64(j, "made", s->report.made);
	json_kv_str(j, "state", mail_reports_states[mail_reports_state(l)]);
	json_key(j, "address");
	if (s->address.n > 0)
		json_sv(j, s->address);
	else
		json_nil(j);
	json_kv_u64(j, "attempts", s->attempts);
	json_kv_end(j, "when", when(l) > 0 ? when(l) : TIME_NEVER);
	json_kv_sv(j, "error", s->error);
	json_close(j, '}');
}

static int
on_report(void *arg, const struct reports_listed *l)
{
	struct listing *list = arg;
	struct mail_reports_work *w = list->w;

	if (w->ctx->json)
		line_json(&w->j, l);
	else {
		if (list->n == 0)
			head_put(w);
		line_put(w, l);
	}
	list->n++;
	return w->b.rc;
}

static void
count_put(struct mail_reports_work *w, uint64_t n, bool is_all)
{
	enum lang lang = w->ctx->lang;

	if (n == 0)
		buf_printf(&w->b, "%s\n", tr(lang, is_all ? N_("no report is made yet") : N_("no such report")));
	else if (n == w->wish.max)
		buf_printf(&w->b, tr(lang, N_("the newest %llu are shown; -n shows more\n")), (unsigned long long)n);
}

int
mail_reports_list(struct mail_reports_work *w)
{
	bool is_all = w->wish.domain.n == 0 && w->wish.state < 0 && w->wish.day < 0 &&
	    w->wish.since == 0;
	struct listing l = { .w = w };
	int rc;

	if (w->ctx->json) {
		json_open(&w->j, '{');
		json_kv_i64(&w->j, "now", w->ctx->now);
		json_key(&w->j, "reports");
		json_open(&w->j, '[');
	}
	if ((rc = reports_list(w->store.reports, &w->wish, on_report, &l)) < 0)
		return rc;
	if (w->ctx->json)
		json_close(&w->j, ']');
	else
		count_put(w, l.n, is_all);
	if (is_all && (rc = mail_reports_queue(w)) < 0)
		return rc;
	if (w->ctx->json) {
		json_close(&w->j, '}');
		buf_char(&w->b, '\n');
	}
	return w->b.rc;
}
