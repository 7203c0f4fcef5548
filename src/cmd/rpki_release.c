/* sekisho rpki release HASH: let go what the drop guard holds. */
#include <jansson.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/ctl_client.h"

#define ANSWER_MSEC	60000	/* a validation may be under way */
#define HASH_LETTERS	64

/* What the daemon may answer, for the table of translations. */
static const char *const answers[] = {
	N_("nothing is held"),
	N_("another set is held now; see \"sekisho status\""),
	N_("the validator is starting; try again soon"),
};

/* The daemon speaks English; only what it is known to say is translated. */
static const char *
answer_text(enum lang lang, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (text != NULL && sv_eq_str(sv_str(text), answers[i]))
			return tr(lang, answers[i]);
	return text != NULL ? text : "?";
}

static bool
is_hash(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.n == HASH_LETTERS;
}

static int
run(struct cmd_ctx *ctx, void *state UNUSED, int argc, char **argv)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const char *text;
	char line[HASH_LETTERS + 16];
	json_t *j;
	int rc = EXIT_REJECTED;

	if (argc != 1 || !is_hash(sv_str(argv[0])))
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("give the hash of the set that is held (64 hexadecimal digits); \"sekisho status\" shows it")));
	(void)snprintf(line, sizeof(line), "release %s", argv[0]);
	if (ctl_client_ask(ctx, line, ANSWER_MSEC, &b) < 0)
		return EXIT_CANNOT;
	if ((j = json_loadb(b.p, b.len, 0, NULL)) == NULL)
		return EXIT_CANNOT;
	text = json_string_value(json_object_get(j, "text"));
	if (json_is_true(json_object_get(j, "good"))) {
		rc = EXIT_GOOD;
		if (!ctx->quiet && !ctx->json)
			printf("%s\n", tr(ctx->lang, N_("released; routers get to know within seconds")));
	} else
		cmd_err("%s", answer_text(ctx->lang, text));
	if (ctx->json)
		(void)fwrite(b.p, 1, b.len, stdout);
	json_decref(j);
	return rc;
}

const struct cmd cmd_rpki_release = {
	.area = "rpki",
	.verb = "release",
	.args = "HASH",
	.summary = N_("let go what the drop guard holds back"),
	.run = run,
};
