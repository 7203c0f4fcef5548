#include <errno.h>
#include <stdio.h>

#include "app/conf.h"
#include "base/err.h"
#include "cmd/ctl_client.h"
#include "sys/ctl.h"

static int
socket_path(const struct cmd_ctx *ctx, char *path, size_t n)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct conf_error e;
	int rc;

	if (ctx->state != NULL) {
		(void)snprintf(path, n, "%s/control", ctx->state);
		return 0;
	}
	if ((rc = app_conf_load(ctx->conf, NULL, &c, &e)) < 0) {
		conf_error_text(&e, ctx->lang, &b);
		cmd_err("%.*s", SV_ARG(buf_get(&b)));
		return rc;
	}
	(void)snprintf(path, n, "%s/control", app_conf_str(c, CONF_STATE));
	return 0;
}

static int
ask(const struct cmd_ctx *ctx, bool quiet, const char *line, int msec, struct buf *ret)
{
	char path[4200];
	int rc = socket_path(ctx, path, sizeof(path));

	if (rc < 0)
		return SE_USAGE;	/* told; not "nobody answers" */
	rc = ctl_ask(path, line, msec, ret);
	if (rc == -ENOENT || rc == -ECONNREFUSED) {
		if (!quiet)
			cmd_err(tr(ctx->lang, N_("no sekisho serve answers at %s; is it started, "
			    "with this state directory?")), path);
		return -ENOENT;
	}
	if (rc < 0)
		cmd_err("%s: %s", path, err_str(rc));
	return rc;
}

int
ctl_client_ask(const struct cmd_ctx *ctx, const char *line, int msec, struct buf *ret)
{
	return ask(ctx, false, line, msec, ret);
}

int
ctl_client_try(const struct cmd_ctx *ctx, const char *line, int msec, struct buf *ret)
{
	return ask(ctx, true, line, msec, ret);
}
