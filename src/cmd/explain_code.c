/* sekisho explain CODE: everything a finding's row says. */
#include <stdio.h>

#include "base/finding.h"
#include "cmd/cmd.h"
#include "out/findings_registry.h"

struct column {
	const char	*key;		/* of the JSON object */
	const char	*label;		/* msgid */
	size_t		 offset;
	bool		 is_msgid;
};

#define COL(key, label, field, is_msgid) \
	{ key, label, offsetof(struct finding_def, field), is_msgid }

static const struct column columns[] = {
	COL("clause", N_("clause"), clause, false),
	COL("text", N_("text"), text, true),
	COL("remedy", N_("remedy"), remedy, true),
	COL("by_hand", N_("by hand"), by_hand, false),
	COL("good", N_("good"), good, true),
	COL("bad", N_("bad"), bad, true),
};

static const char *const severity_meaning[SEV_MAX] = {
	[SEV_NOTE] = N_("worth knowing; nothing is lost"),
	[SEV_WARN] = N_("accepted, but should be mended"),
	[SEV_REJECT] = N_("the object may not be used"),
};

static const char *
column_text(const struct finding_def *d, const struct column *c, enum lang lang)
{
	const char *s = *(const char *const *)((const char *)d + c->offset);

	return c->is_msgid ? tr(lang, s) : s;
}

/* Indented under its label, however many lines it has. */
static void
print_block(const char *label, const char *text)
{
	struct sv rest = sv_str(text), line;

	printf("\n%s\n", label);
	while (sv_line(&rest, &line))
		printf("    %.*s\n", SV_ARG(line));
}

static void
print_text(const struct finding_def *d, enum lang lang)
{
	printf("%s  %s: %s\n", d->code, severity_name(d->severity),
	    tr(lang, severity_meaning[d->severity]));
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		print_block(tr(lang, columns[i].label),
		    column_text(d, &columns[i], lang));
}

static void
row_json(struct json *j, const struct finding_def *d, enum lang lang)
{
	json_open(j, '{');
	json_kv_str(j, "code", d->code);
	json_kv_str(j, "severity", severity_name(d->severity));
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		json_kv_str(j, columns[i].key, column_text(d, &columns[i], lang));
	json_close(j, '}');
}

static int
to_stdout(void *arg UNUSED, const void *p, size_t n)
{
	return fwrite(p, 1, n, stdout) == n ? 0 : -1;
}

static int
print_json(const struct finding_def *d, enum lang lang)
{
	struct buf b = BUF_SINK(to_stdout, NULL);
	struct json j = json_on(&b, true);
	int rc;

	row_json(&j, d, lang);
	buf_char(&b, '\n');
	rc = buf_flush(&b);
	buf_done(&b);
	return rc;
}

/* Without a code: one line for each. */
static int
print_list(const struct cmd_ctx *ctx)
{
	const struct findings_module *m;
	struct buf b = BUF_SINK(to_stdout, NULL);
	struct json j = json_on(&b, true);
	size_t n;
	int rc;

	m = findings_modules(&n);
	if (ctx->json)
		json_open(&j, '[');
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m[i].n_rows; k++) {
			const struct finding_def *d = &m[i].rows[k];

			if (ctx->json)
				row_json(&j, d, ctx->lang);
			else
				buf_printf(&b, "%-6s  %-32s  %s\n",
				    severity_name(d->severity), d->code,
				    tr(ctx->lang, d->text));
		}
	if (ctx->json) {
		json_close(&j, ']');
		buf_char(&b, '\n');
	}
	rc = buf_flush(&b);
	buf_done(&b);
	return rc < 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static int
explain_run(struct cmd_ctx *ctx, void *state UNUSED, int argc, char **argv)
{
	const struct finding_def *d, *near;

	if (argc == 0)
		return print_list(ctx);
	if (argc > 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("explain takes one code")));
	if ((d = findings_lookup(sv_str(argv[0]))) == NULL) {
		if ((near = findings_nearest(sv_str(argv[0]))) == NULL)
			return cmd_usage(ctx, tr(ctx->lang,
			    N_("no finding has the code %s")), argv[0]);
		return cmd_usage(ctx, tr(ctx->lang,
		    N_("no finding has the code %s (is it %s?)")),
		    argv[0], near->code);
	}
	if (!ctx->json)
		print_text(d, ctx->lang);
	else if (print_json(d, ctx->lang) < 0)
		return EXIT_CANNOT;
	return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_CANNOT;
}

extern const struct cmd cmd_explain;
const struct cmd cmd_explain = {
	.area = "explain",
	.args = "[CODE]",
	.summary = N_("say what a finding means and what to do about it"),
	.run = explain_run,
};
