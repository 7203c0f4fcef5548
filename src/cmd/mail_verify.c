/* sekisho mail verify: each check of a message, and the field that says so. */
#include "cmd/mail.h"
#include "cmd/zone.h"

static const struct cmd_opt opts[] = { MAIL_OPTS, { 0 } };

static void
text(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	if (ctx->verbose > 0 || findings_reject(&m->head_fs))
		zone_findings_print(ctx, &m->head_fs, b);
	mail_lines_print(ctx, m, b);
	if (ctx->verbose > 0)
		zone_findings_print(ctx, &m->fs, b);
	if (!ctx->quiet)
		mail_results_print(m, b);
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	return mail_run(ctx, state, argc, argv, text);
}

extern const struct cmd cmd_mail_verify;
const struct cmd cmd_mail_verify = {
	.area = "mail", .verb = "verify", .args = "[FILE|-]",
	.summary = N_("SPF, DKIM, ARC and DMARC of a message, as a receiver finds them"),
	.opts = opts, .opt = mail_opt, .state_size = sizeof(struct mail_case),
	.run = run, .done = mail_done, .verifies = true,
};
