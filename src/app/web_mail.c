/* Mail: what the filter did, results over time, reports, and what is wrong. */
#include "app/mail_health.h"
#include "app/web_internal.h"

static bool
is_there(const struct web_ctx *ctx)
{
	return ctx->mail != NULL || ctx->reports != NULL || web_has_role(ctx, "milter");
}

/* mail.reports: what was found is kept. */
static bool
is_kept(const struct web_ctx *ctx)
{
	return ctx->reports != NULL || web_has_role(ctx, "report");
}

static int64_t
time_of(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	return json_is_integer(v) ? json_integer_value(v) : -1;
}

/* Since yesterday began, of the days that role report tells. */
static void
days_count(const json_t *days, struct mail_health_facts *f)
{
	size_t i;
	json_t *d;

	json_array_foreach(days, i, d)
		if (time_of(d, "day") >= f->now - f->now % 86400 - 86400) {
			f->n_sent += web_report_u64(d, "sent");
			f->n_given_up += web_report_u64(d, "given_up");
		}
}

static struct mail_health_facts
facts_of(const struct web_ctx *ctx)
{
	const json_t *queue = json_object_get(ctx->reports, "queue");
	struct mail_health_facts f = { .now = ctx->now,
		.told_at = time_of(ctx->reports, "now"),
		.journal_at = time_of(ctx->reports, "journal_since"),
		.rows_day = time_of(queue, "waiting_since"), .due_made = time_of(queue, "oldest") };

	days_count(json_object_get(ctx->reports, "reports"), &f);
	return f;
}

static const char *
now_of(const struct web_ctx *ctx, const char *key)
{
	return json_string_value(json_object_get(json_object_get(ctx->reports, "trouble"), key));
}

/* What does not work at this moment; its words are somebody else's. */
static void
now_put(struct json *j, const struct web_call *c)
{
	const char *of = now_of(c->ctx, "of"), *what = now_of(c->ctx, "what");

	if (of == NULL)
		return;
	json_open(j, '{');
	json_kv_str(j, "what", of);
	json_kv_bool(j, "bad", false);
	json_kv_str(j, "text", tr(c->lang, mail_trouble_text(of)));
	json_kv_str(j, "remedy", "");
	json_kv_str(j, "said", what == NULL ? "" : what);
	json_close(j, '}');
}

/* [{"what","bad","text","remedy","said"}…] */
static void
trouble_put(struct json *j, const struct web_call *c)
{
	const struct mail_health_facts f = facts_of(c->ctx);

	json_key(j, "trouble");
	json_open(j, '[');
	for (unsigned i = 0; i < MAIL_HEALTH_MAX; i++) {
		enum mail_health_what w = (enum mail_health_what)i;
		enum mail_health h = mail_health(&f, w);

		if (h == MAIL_HEALTH_GOOD)
			continue;
		json_open(j, '{');
		json_kv_str(j, "what", mail_health_word(w));
		json_kv_bool(j, "bad", h == MAIL_HEALTH_BAD);
		json_kv_str(j, "text", tr(c->lang, mail_health_text(w)));
		json_kv_str(j, "remedy", tr(c->lang, mail_health_remedy(w)));
		json_kv_str(j, "said", "");
		json_close(j, '}');
	}
	now_put(j, c);
	json_close(j, ']');
}

/* Of the status: null where no mail is judged. */
void
web_mail_status(struct json *j, const struct web_ctx *ctx)
{
	const struct mail_health_facts f = facts_of(ctx);
	uint64_t n = now_of(ctx, "of") != NULL;

	json_key(j, "mail");
	if (!is_there(ctx)) {
		json_nil(j);
		return;
	}
	for (unsigned i = 0; i < MAIL_HEALTH_MAX; i++)
		n += mail_health(&f, (enum mail_health_what)i) != MAIL_HEALTH_GOOD;
	json_open(j, '{');
	json_kv_u64(j, "trouble", n);
	json_kv_bool(j, "kept", is_kept(ctx));
	json_close(j, '}');
}

enum web_result
web_mail(struct web_call *c)
{
	struct json j = json_on(&c->res->body, false);

	json_open(&j, '{');
	json_kv_i64(&j, "now", c->ctx->now);
	json_kv_bool(&j, "kept", is_kept(c->ctx));
	web_raw(&j, "filter", c->ctx->mail);
	web_raw(&j, "reports", c->ctx->reports);
	trouble_put(&j, c);
	json_close(&j, '}');
	buf_char(&c->res->body, '\n');
	return WEB_DONE;
}
