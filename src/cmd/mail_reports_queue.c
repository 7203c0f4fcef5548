/* How it stands now: what is to be sent, what is not known, what was counted, who gets none. */
#include "app/mail_reports.h"
#include "cmd/mail_reports.h"
#include "out/escape.h"
#include "store/reports_mails.h"

#define DEAD_SHOWN	20

#define ULL(v)	((unsigned long long)(v))

struct queue {
	struct reports_now	 now;
	uint64_t		 totals[REPORTS_N_MAX];
	struct reports_mails_now mails;
};

/* Members as in app/mail_reports_told.h. */
static const char *const happened[REPORTS_N_MAX] = {
	[REPORTS_N_ROWS] = "rows", [REPORTS_N_MADE] = "made", [REPORTS_N_NO_ADDRESS] = "no_address",
	[REPORTS_N_SENT] = "sent", [REPORTS_N_FAILED] = "failed", [REPORTS_N_GIVEN_UP] = "given_up",
};

/* --- text --- */

static void
waiting_put(const struct cmd_ctx *ctx, const struct reports_now *n, struct buf *b)
{
	char at[TIME_STRLEN], day[DAY_STRLEN];

	if (n->n_due > 0)
		buf_printf(b, tr(ctx->lang, N_("to be sent: %llu mails; the oldest report among them was made %s\n")),
		    ULL(n->n_due), time_str(n->due_made, at));
	if (n->n_unaddressed > 0)
		buf_printf(b, tr(ctx->lang, N_("reports of which it is not known yet to whom they go, as the DNS is asked: %llu\n")),
		    ULL(n->n_unaddressed));
	if (n->waiting_day >= 0)
		buf_printf(b, tr(ctx->lang, N_("rows since %s wait for their reports, which are made the day after, for each domain at a time of its own (--waiting)\n")),
		    mail_store_day(n->waiting_day * REPORTS_DAY_SEC, day));
}

static void
counts_put(const struct cmd_ctx *ctx, const struct queue *q, struct buf *b)
{
	const struct reports_mails_now *m = &q->mails;

	buf_printf(b, tr(ctx->lang, N_("all in all: %llu rows, %llu reports made, %llu of them for nobody; %llu mails sent, %llu put off, %llu given up\n")),
	    ULL(q->totals[REPORTS_N_ROWS]), ULL(q->totals[REPORTS_N_MADE]),
	    ULL(q->totals[REPORTS_N_NO_ADDRESS]), ULL(q->totals[REPORTS_N_SENT]),
	    ULL(q->totals[REPORTS_N_FAILED]), ULL(q->totals[REPORTS_N_GIVEN_UP]));
	if (m->n_gathering + m->n_due + m->n_sent + m->n_given_up > 0)
		buf_printf(b, tr(ctx->lang, N_("failure reports and complaints: %llu gather, %llu are to be sent, %llu sent, %llu given up\n")),
		    ULL(m->n_gathering), ULL(m->n_due), ULL(m->n_sent), ULL(m->n_given_up));
}

/* --- JSON --- */

static void
or_null(struct json *j, const char *key, int64_t at)
{
	json_kv_end(j, key, at < 0 ? TIME_NEVER : at);
}

static void
queue_json(struct json *j, const struct queue *q)
{
	json_key(j, "queue");
	json_open(j, '{');
	json_kv_u64(j, "due", q->now.n_due);
	or_null(j, "oldest", q->now.due_made);
	json_kv_u64(j, "unaddressed", q->now.n_unaddressed);
	or_null(j, "waiting_since", q->now.waiting_day < 0 ? -1 : q->now.waiting_day * REPORTS_DAY_SEC);
	json_close(j, '}');
	json_key(j, "totals");
	json_open(j, '{');
	for (unsigned i = 0; i < REPORTS_N_MAX; i++)
		json_kv_u64(j, happened[i], q->totals[i]);
	json_close(j, '}');
	json_key(j, "failure_reports");
	json_open(j, '{');
	json_kv_u64(j, "gathering", q->mails.n_gathering);
	json_kv_u64(j, "due", q->mails.n_due);
	json_kv_u64(j, "sent", q->mails.n_sent);
	json_kv_u64(j, "given_up", q->mails.n_given_up);
	json_close(j, '}');
}

/* --- addresses that get none --- */

static int
dead_put(void *arg, struct sv address, uint64_t failures, int64_t at)
{
	struct mail_reports_work *w = arg;
	char t[TIME_STRLEN];

	if (w->ctx->json) {
		json_open(&w->j, '{');
		json_kv_sv(&w->j, "address", address);
		json_kv_u64(&w->j, "failures", failures);
		json_kv_i64(&w->j, "at", at);
		json_close(&w->j, '}');
		return w->b.rc;
	}
	buf_printf(&w->b, tr(w->ctx->lang, N_("gets no new report until %s, as it refused %llu in a row for good: ")),
	    time_str(at + MAIL_REPORTS_DEAD_SEC, t), ULL(failures));
	escape_term(&w->b, address);
	buf_char(&w->b, '\n');
	return w->b.rc;
}

static int
dead_list(struct mail_reports_work *w)
{
	int rc;

	if (w->ctx->json) {
		json_key(&w->j, "dead");
		json_open(&w->j, '[');
	}
	rc = reports_failing(w->store.reports, MAIL_REPORTS_DEAD_MAX, w->ctx->now - MAIL_REPORTS_DEAD_SEC + 1,
	    w->ctx->json ? w->wish.max : DEAD_SHOWN, dead_put, w);
	if (w->ctx->json)
		json_close(&w->j, ']');
	return rc;
}

int
mail_reports_queue(struct mail_reports_work *w)
{
	struct queue q;
	int rc;

	if ((rc = reports_now(w->store.reports, &q.now)) < 0 ||
	    (rc = reports_totals(w->store.reports, q.totals)) < 0 ||
	    (rc = reports_mails_now(w->store.reports, &q.mails)) < 0)
		return rc;
	if (w->ctx->json)
		queue_json(&w->j, &q);
	else {
		waiting_put(w->ctx, &q.now, &w->b);
		counts_put(w->ctx, &q, &w->b);
	}
	return dead_list(w);
}
