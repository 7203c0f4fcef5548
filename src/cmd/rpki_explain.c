/* sekisho rpki explain: why an object, a route or a prefix is as it is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cmd/rpki.h"
#include "sys/file.h"

static int
explain_opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	return rpki_inputs_opt(ctx, state, o, arg);
}

static int
print(const struct cmd_ctx *ctx, struct sv json)
{
	int fd = 1;
	struct buf b = BUF_SINK(fd_write_all, &fd);
	bool good = true;
	int rc;

	if (ctx->json) {
		struct buf none = BUF_INIT;

		buf_sv(&b, json);
		buf_char(&b, '\n');
		rc = routes_explain_text(json, ctx->lang, &none, &good);
		buf_done(&none);
	} else
		rc = routes_explain_text(json, ctx->lang, &b, &good);
	if (rc == 0)
		rc = buf_flush(&b);
	buf_done(&b);
	if (rc < 0) {
		cmd_err("%s", err_str(rc));
		return EXIT_CANNOT;
	}
	return good ? EXIT_GOOD : EXIT_REJECTED;
}

static void
say(void *arg UNUSED, const char *text)
{
	cmd_err("%s", text);
}

/* A path that is no URI and no prefix: the object alone. */
static int
explain_file(struct cmd_ctx *ctx, const struct rpki_inputs *in, const char *path)
{
	struct rpki_opt opt = { .now = ctx->now,
	    .tolerate = (RPKI_TOL_DEFAULT | in->tolerate_on) & ~in->tolerate_off };
	struct complain c = { say, NULL, ctx->lang };
	struct buf json = BUF_INIT;
	int code = EXIT_CANNOT;

	if (routes_explain_file(path, &opt, &c, ctx->lang, &json) == 0)
		code = print(ctx, buf_get(&json));
	buf_done(&json);
	return code;
}

static bool
is_question(struct sv s)
{
	struct ip_prefix px;
	uint32_t asn;

	return sv_starts(s, SV("rsync://")) || sv_starts(s, SV("https://")) ||
	    ip_prefix_parse_host(s, &px) == 0 || asn_parse(s, &asn) == 0;
}

static int
explain_subject(struct cmd_ctx *ctx, struct rpki_inputs *in, struct sv subject)
{
	_cleanup_(routes_freep) struct routes *r = NULL;
	struct routes_conf conf;
	struct buf json = BUF_INIT;
	int code = rpki_inputs_finish(ctx, in, &conf), rc;

	if (code != 0)
		return code;
	conf.keep = true;
	if (rpki_inputs_run(ctx, in, &conf, &r) < 0)
		return EXIT_CANNOT;
	if (conf.progress != NULL)
		fputs("\r\033[K", stderr);
	if (rpki_local_apply(in, r, &conf.complain) < 0)
		return EXIT_CANNOT;
	rc = routes_explain(r, &in->ours, subject, ctx->lang, &json);
	if (rc == -EINVAL)
		code = cmd_usage(ctx, tr(ctx->lang,
		    N_("\"%.*s\" is no URI, prefix, PREFIX ASN, or AS number")), SV_ARG(subject));
	else if (rc < 0) {
		cmd_err("%s", err_str(rc));
		code = EXIT_CANNOT;
	} else
		code = print(ctx, buf_get(&json));
	buf_done(&json);
	return code;
}

static int
explain_run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct rpki_inputs *in = state;
	char subject[RPKI_URI_MAX + 1];
	int code;

	if (argc < 1 || argc > 2)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("give one subject: a URI, a file, or PREFIX [ASN]")));
	if (snprintf(subject, sizeof(subject), "%s%s%s", argv[0], argc > 1 ? " " : "",
	    argc > 1 ? argv[1] : "") >= (int)sizeof(subject))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("the subject is too long")));
	if (argc == 1 && !is_question(sv_str(argv[0])))
		code = explain_file(ctx, in, argv[0]);
	else
		code = explain_subject(ctx, in, sv_str(subject));
	rpki_inputs_done(in);
	return code;
}

static const struct cmd_opt opts[] = {
	RPKI_INPUT_OPTS,
	{ NULL, 0, NULL, NULL },
};

extern const struct cmd cmd_rpki_explain;
const struct cmd cmd_rpki_explain = {
	.area = "rpki",
	.verb = "explain",
	.args = "URI | FILE | PREFIX [ASN] | ASN",
	.summary = N_("say why an object or a route is judged as it is, with the whole chain"),
	.opts = opts,
	.opt = explain_opt,
	.state_size = sizeof(struct rpki_inputs),
	.run = explain_run,
	.verifies = true,
};
