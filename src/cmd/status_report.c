/* Rows and reports, in words of a person: what waits, what went out, what does not work. */
#include <stdio.h>

#include "base/timefmt.h"
#include "cmd/status_report.h"
#include "out/escape.h"

static long long
num(const json_t *j, const char *key)
{
	return (long long)json_integer_value(json_object_get(j, key));
}

/* Strangers' words. */
static void
text_print(const json_t *j, const char *key)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	escape_term(&b, sv_str(json_string_value(json_object_get(j, key))));
	printf("%.*s", SV_ARG(buf_get(&b)));
}

static void
troubles_print(const struct cmd_ctx *ctx, const json_t *list)
{
	char at[TIME_STRLEN];

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *x = json_array_get(list, i);

		printf(tr(ctx->lang, N_("  does not work since %s: ")), time_str(num(x, "since"), at));
		text_print(x, "what");
		printf("\n");
	}
}

static void
waiting_print(const struct cmd_ctx *ctx, const json_t *s)
{
	char at[TIME_STRLEN];

	if (num(s, "segments") > 0)
		printf(tr(ctx->lang, N_("  files of rows that wait to be taken in: %lld\n")), num(s, "segments"));
	if (num(s, "unaddressed") > 0)
		printf(tr(ctx->lang, N_("  reports of which it is not known yet where they go: %lld\n")),
		    num(s, "unaddressed"));
	if (num(s, "error_at") > 0) {
		printf(tr(ctx->lang, N_("  last refused or put off, %s: ")), time_str(num(s, "error_at"), at));
		text_print(s, "error");
		printf("\n");
	}
}

void
status_report_print(const struct cmd_ctx *ctx, const json_t *s)
{
	const json_t *troubles = json_object_get(s, "troubles");

	if (!json_is_object(s))
		return;
	if (json_is_true(json_object_get(s, "sends")))
		printf(tr(ctx->lang, N_("reports: %lld rows taken in, %lld reports made, %lld mails sent, %lld put off, %lld refused; to be sent: %lld\n")),
		    num(s, "rows"), num(s, "made"), num(s, "sent"), num(s, "later"), num(s, "refused"), num(s, "due"));
	else if (json_array_size(troubles) > 0)
		printf(tr(ctx->lang, N_("reports: %lld rows taken in; none are made and sent now\n")), num(s, "rows"));
	else
		printf(tr(ctx->lang, N_("reports: %lld rows taken in; they are made and sent by another node of the store\n")),
		    num(s, "rows"));
	waiting_print(ctx, s);
	troubles_print(ctx, troubles);
}
