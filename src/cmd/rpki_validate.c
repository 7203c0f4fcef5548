/* sekisho rpki validate: check a repository, publish what is valid. */
#include <stdio.h>
#include <string.h>

#include "cmd/rpki.h"
#include "sys/file.h"

static int
validate_opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	return rpki_inputs_opt(ctx, state, o, arg);
}

static int
print_stdout(const struct cmd_ctx *ctx, struct routes *r, const struct ours *ours)
{
	int fd = 1;
	struct buf b = BUF_SINK(fd_write_all, &fd);
	int rc = 0;

	if (ctx->json) {
		rc = routes_report(r, ours, &b);
		buf_char(&b, '\n');
	} else
		routes_summary(r, ours, ctx->lang, &b);
	if (rc == 0)
		rc = buf_flush(&b);
	buf_done(&b);
	return rc;
}

/* One line for a monitoring system; its exit codes. */
static int
nagios(const struct routes *r, enum lang lang)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	int code = r->payloads.n_vrps == 0 || r->incomplete || r->n_unreadable > 0 ? 2 :
	    r->n_by_severity[SEV_REJECT] > 0 ? 1 : 0;

	printf("RPKI %s - ", words[code]);
	printf(tr(lang, N_("%zu VRPs, %zu ASPAs, %llu rejections")), r->payloads.n_vrps,
	    r->payloads.n_aspas, (unsigned long long)r->n_by_severity[SEV_REJECT]);
	printf(" | vrps=%zu aspas=%zu rejected=%llu warned=%llu\n", r->payloads.n_vrps,
	    r->payloads.n_aspas, (unsigned long long)r->n_by_severity[SEV_REJECT],
	    (unsigned long long)r->n_by_severity[SEV_WARN]);
	return code;
}

static int
validate(struct cmd_ctx *ctx, struct rpki_inputs *in)
{
	_cleanup_(routes_freep) struct routes *r = NULL;
	struct routes_conf conf;
	int rc = rpki_inputs_finish(ctx, in, &conf), bad = 0;

	if (rc != 0)
		return rc;
	if (rpki_inputs_run(ctx, in, &conf, &r) < 0)
		return in->nagios ? 3 : EXIT_CANNOT;
	if (conf.progress != NULL)
		fputs("\r\033[K", stderr);
	if (rpki_local_apply(in, r, &conf.complain) < 0)
		return in->nagios ? 3 : EXIT_CANNOT;
	for (size_t i = 0; i < in->n_outs; i++)
		bad |= routes_out_write(r, &in->ours, &in->outs[i], &conf.complain);
	if (in->nagios)
		return nagios(r, ctx->lang);
	if ((in->n_outs == 0 || ctx->json) && !ctx->quiet)
		bad |= print_stdout(ctx, r, &in->ours);
	if (bad < 0 || r->incomplete || r->n_unreadable > 0)
		return EXIT_CANNOT;
	return r->n_by_severity[SEV_REJECT] > 0 ? EXIT_REJECTED : EXIT_GOOD;
}

static int
validate_run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct rpki_inputs *in = state;
	int rc;

	if (argc > 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("\"%s\" is no option; inputs are given by --rrdp, --tree and --tal")), argv[0]);
	rc = validate(ctx, in);
	rpki_inputs_done(in);
	return rc;
}

static const struct cmd_opt opts[] = {
	RPKI_INPUT_OPTS,
	{ "output", 'o', "FORMAT=FILE", N_("write json, routinator, csv, bird, openbgpd, slurm, findings or summary; may be repeated; - is standard output") },
	{ "nagios", 0, NULL, N_("one line and the exit status of a monitoring plugin") },
	{ NULL, 0, NULL, NULL },
};

extern const struct cmd cmd_rpki_validate;
const struct cmd cmd_rpki_validate = {
	.area = "rpki",
	.verb = "validate",
	.args = "",
	.summary = N_("validate a repository; print or write the validated payloads"),
	.opts = opts,
	.opt = validate_opt,
	.state_size = sizeof(struct rpki_inputs),
	.run = validate_run,
	.verifies = true,
};
