/* sekisho reload: let the daemon read its configuration again. */
#include <jansson.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/ctl_client.h"

#define ANSWER_MSEC	20000

static int
run(struct cmd_ctx *ctx, void *state UNUSED, int argc, char **argv UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const char *why;
	json_t *j;
	int rc = EXIT_REJECTED;

	if (argc > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("reload takes no words, only options")));
	if (ctl_client_ask(ctx, "reload", ANSWER_MSEC, &b) < 0)
		return EXIT_CANNOT;
	if ((j = json_loadb(b.p, b.len, 0, NULL)) == NULL)
		return EXIT_CANNOT;
	why = json_string_value(json_object_get(j, "error"));
	if (json_is_true(json_object_get(j, "good"))) {
		rc = EXIT_GOOD;
		if (!ctx->quiet && !ctx->json)
			printf("%s\n", tr(ctx->lang, N_("the configuration is reloaded")));
	} else
		cmd_err(tr(ctx->lang, N_("%s; the old configuration stays")),
		    why != NULL ? why : "?");
	if (ctx->json)
		(void)fwrite(b.p, 1, b.len, stdout);
	json_decref(j);
	return rc;
}

const struct cmd cmd_reload = {
	.area = "reload",
	.summary = N_("let the running daemon read its configuration again"),
	.run = run,
};
