/*
 * sekisho serve: find the parent of the roles and become it. It reads the
 * configuration itself; what was said on the command line goes along.
 */
#include <stdio.h>
#include <string.h>

#include "app/conf.h"
#include "base/err.h"
#include "cmd/cmd.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/proc.h"

#define PATH_BYTES	4096

struct serve_opts {
	bool	no_sandbox;
};

static const struct cmd_opt opts[] = {
	{ "no-sandbox", 0, NULL, N_("run the roles without their sandboxes (goes to the audit log)") },
	{ NULL, 0, NULL, NULL },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o, const char *arg UNUSED)
{
	struct serve_opts *so = state;

	if (strcmp(o->name, "no-sandbox") == 0)
		so->no_sandbox = true;
	return 0;
}

/* Beside this program in a build folder, or where it was installed. */
static int
parent_find(char *path, size_t n)
{
	char folder[4000];
	int rc = proc_folder(folder, sizeof(folder));

	if (rc < 0)
		return rc;
	(void)snprintf(path, n, "%s/src/role/sekisho-parent", folder);
	if (proc_can_run(path))
		return 0;
	(void)snprintf(path, n, "%s/sekisho-parent", SEKISHO_LIBEXEC);
	return proc_can_run(path) ? 0 : -2 /* ENOENT */;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv UNUSED)
{
	const struct serve_opts *so = state;
	char path[4200], conf[PATH_BYTES], dir[PATH_BYTES], offset[24], flags[4], lang[4], crypto[32];
	char *words[] = { path, conf, dir, lang, offset, flags, crypto, NULL };
	int rc;

	if (argc > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("serve takes no words, only options")));
	(void)snprintf(offset, sizeof(offset), "%lld",
	    ctx->now_given ? (long long)(ctx->now - clock_now()) : 0LL);
	(void)snprintf(flags, sizeof(flags), "%s%s", so->no_sandbox ? "s" : "",
	    ctx->verbose > 0 ? "v" : "");
	(void)snprintf(lang, sizeof(lang), "%s", lang_name(ctx->lang));
	(void)snprintf(crypto, sizeof(crypto), "%s", ctx->crypto != NULL ? ctx->crypto : "");
	/* What the roles start works in other folders than this one. */
	if ((rc = proc_absolute(ctx->conf != NULL ? ctx->conf : "", conf, sizeof(conf))) < 0 ||
	    (rc = proc_absolute(ctx->state != NULL ? ctx->state : "", dir, sizeof(dir))) < 0) {
		cmd_err("%s: %s", ctx->conf != NULL ? ctx->conf : ctx->state, err_str(rc));
		return EXIT_CANNOT;
	}
	rc = parent_find(path, sizeof(path));
	if (rc == 0)
		rc = proc_exec(path, words);
	cmd_err(tr(ctx->lang, N_("cannot start %s: %s")), path, err_str(rc));
	return EXIT_CANNOT;
}

const struct cmd cmd_serve = {
	.area = "serve",
	.summary = N_("validate, serve routers and the page, all the time"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct serve_opts),
	.run = run, .verifies = true,
};
