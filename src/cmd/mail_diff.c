/* sekisho mail diff: one message at two places: what changed, what that broke, who did it. */
#include "cmd/mail_diff.h"

#include "base/err.h"

static const struct cmd_opt opts[] = {
	MAIL_DNS_OPTS,
	{ "no-dns", 0, NULL, N_("ask nobody: say what changed, and take signatures to have held before") },
	{ 0 }
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct mail_diff_case *c = state;

	return mail_opt(ctx, &c->side[0], o, arg);
}

static void
done(void *state)
{
	struct mail_diff_case *c = state;

	mail_done(&c->side[0]);
	mail_done(&c->side[1]);
	c->pool = pool_free(c->pool);
}

static int
compare(const struct cmd_ctx *ctx, struct mail_diff_case *c)
{
	struct mail_diff_side side[2];
	int rc;

	if ((c->pool = pool_new(2 * MAIL_POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	findings_init(&c->fs, c->pool);
	c->fs.subject = sv_str(c->side[1].name);
	for (unsigned i = 0; i < 2; i++)
		side[i] = (struct mail_diff_side){ &c->side[i].judge, &c->side[i].out, c->side[i].text,
			c->side[i].body };
	if ((rc = mail_diff(c->pool, &side[0], &side[1], &c->fs, &c->d)) == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("the two could not be compared: %s")), err_str(rc));
	return EXIT_CANNOT;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct mail_diff_case *c = state;
	int rc;

	if (argc != 2 || (sv_eq_str(SV("-"), argv[0]) && sv_eq_str(SV("-"), argv[1])))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name two messages: before and after; one of them may be -")));
	for (unsigned i = 0; i < 2; i++) {
		c->side[i].psl_path = "none";
		c->side[i].dns_of = i == 0 ? NULL : &c->side[0];
		if ((rc = mail_take(ctx, &c->side[i], argv[i])) != 0)
			return rc;
	}
	if ((rc = compare(ctx, c)) != 0)
		return rc;
	if (ctx->json)
		mail_diff_json(ctx, c, &b);
	else
		mail_diff_print(ctx, c, &b);
	if (cmd_out(&b) != 0)
		return EXIT_CANNOT;
	return mail_diff_lost(&c->d) > 0 ? EXIT_REJECTED : EXIT_GOOD;
}

extern const struct cmd cmd_mail_diff;
const struct cmd cmd_mail_diff = {
	.area = "mail", .verb = "diff", .args = "BEFORE AFTER",
	.summary = N_("one message at two places: what changed, which signature that broke, and who did it"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct mail_diff_case),
	.run = run, .done = done, .verifies = true,
};
