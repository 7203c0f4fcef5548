/* sekisho zone orphans: keys in the token that no zone knows; and one of them removed. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/ctl_client.h"
#include "cmd/zone_told.h"
#include "out/escape.h"

#define ANSWER_MSEC	120000	/* a token that is listed; a small one is slow */
#define LINE_MAX_OCTETS	256

struct work {
	const char	*remove;
};

static const struct cmd_opt opts[] = {
	{ "remove", 0, "ID", N_("remove this one from the token, for ever") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o UNUSED, const char *arg)
{
	struct work *w = state;

	w->remove = arg;
	return 0;
}

/* Each line is an id, a tab, and a label. */
static void
list_print(const struct cmd_ctx *ctx, struct sv lines, long long n)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);
	long long shown = 0;
	struct sv line;

	if (ctx->json)
		json_open(&j, '[');
	for (; sv_line(&lines, &line); shown++) {
		struct sv id = sv_cut(&line, '\t');

		if (ctx->json) {
			json_open(&j, '{');
			json_kv_sv(&j, "id", id);
			json_kv_sv(&j, "label", line);
			json_close(&j, '}');
			continue;
		}
		escape_term(&b, id);
		buf_str(&b, "  ");
		escape_term(&b, line);
		buf_char(&b, '\n');
	}
	if (ctx->json) {
		json_close(&j, ']');
		buf_char(&b, '\n');
	} else if (n > shown)
		buf_printf(&b, tr(ctx->lang, N_("and %lld more; these come when others are removed\n")), n - shown);
	else if (n == 0 && !ctx->quiet)
		buf_printf(&b, "%s\n", tr(ctx->lang, N_("every key of ours in the token is known")));
	(void)cmd_out(&b);
}

static int
told(const struct cmd_ctx *ctx, const struct work *w, const json_t *j)
{
	const char *text = json_string_value(json_object_get(j, "text"));
	long long n = (long long)json_integer_value(json_object_get(j, "keys"));

	if (!json_is_true(json_object_get(j, "good"))) {
		zone_answer_err(ctx, NULL, text);
		return json_integer_value(json_object_get(j, "code")) == EXIT_CANNOT ? EXIT_CANNOT : EXIT_REJECTED;
	}
	if (w->remove == NULL) {
		list_print(ctx, sv_str(text), n);
		return n > 0 ? EXIT_REJECTED : EXIT_GOOD;
	}
	if (!ctx->quiet)
		printf(tr(ctx->lang, N_("%s: removed from the token\n")), w->remove);
	return EXIT_GOOD;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct work *w = state;
	char line[LINE_MAX_OCTETS];
	int rc = EXIT_CANNOT;
	json_t *j;

	if (argc > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("give no zone: a token has the keys of all")));
	if (w->remove != NULL && (strlen(w->remove) > 128 || !sv_graphic(sv_str(w->remove)) || w->remove[0] == '\0'))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("which key? its id, as \"sekisho zone orphans\" shows it")));
	(void)snprintf(line, sizeof(line), w->remove == NULL ? "key orphans - %s" : "key orphan-remove - %s",
	    w->remove == NULL ? "-" : w->remove);
	if (ctl_client_ask(ctx, line, ANSWER_MSEC, &b) < 0)
		return EXIT_CANNOT;
	if ((j = json_loadb(b.p, b.len, 0, NULL)) == NULL)
		return EXIT_CANNOT;
	rc = told(ctx, w, j);
	json_decref(j);
	return rc;
}

extern const struct cmd cmd_zone_orphans;
const struct cmd cmd_zone_orphans = {
	.area = "zone", .verb = "orphans", .args = "",
	.summary = N_("show keys in the token that no zone knows, and remove one"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run,
};
