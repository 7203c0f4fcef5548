/* sekisho conf check: read the configuration as serve would, and say so. */
#include <stdio.h>

#include "app/conf.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "sys/file.h"

/* What serve reads; it may be another user's, who can. */
static const enum app_conf_row files[] = { CONF_RPKI_TALS, CONF_RPKI_TREE, CONF_RPKI_RRDP, CONF_RPKI_SLURM,
	CONF_FETCH_CA_FILE, CONF_RTR_TLS_CERT, CONF_RTR_TLS_KEY, CONF_RTR_TLS_CA, CONF_WEB_TOKEN_FILE };

/* The i-th file that is not there: its row; the path is left in b. NULL: no more. */
static const char *
file_missing(const struct conf *c, unsigned i, struct buf *b)
{
	for (size_t k = 0; k < ARRAY_LEN(files); k++) {
		_cleanup_(buf_done) struct buf all = BUF_INIT;
		struct sv text, line;

		app_conf_lines(c, files[k], &all);
		text = buf_get(&all);
		while (sv_line(&text, &line)) {
			b->len = 0;
			buf_sv(b, line);
			buf_char(b, '\0');
			if (b->rc == 0 && line.n > 0 && file_signature(b->p, 0) == 0 && i-- == 0)
				return c->rows[files[k]].path;
		}
	}
	return NULL;
}

static void
missing_text(struct buf *b, const char *path, enum lang lang)
{
	buf_printf(b, tr(lang, N_("%s is not there, or you may not look at it")), path);
	buf_char(b, '\0');
}

static void
warnings_json(struct json *j, const struct conf *c, enum lang lang)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	const char *row, *text;

	json_key(j, "warnings");
	json_open(j, '[');
	for (unsigned i = 0; (text = app_conf_warning(c, i, &row)) != NULL; i++) {
		json_open(j, '{');
		json_kv_str(j, "option", row);
		json_kv_str(j, "text", tr(lang, text));
		json_close(j, '}');
	}
	for (unsigned i = 0; (row = file_missing(c, i, &path)) != NULL; i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		missing_text(&b, path.p, lang);
		json_open(j, '{');
		json_kv_str(j, "option", row);
		json_kv_str(j, "text", b.rc == 0 ? b.p : path.p);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
warnings_show(const struct cmd_ctx *ctx, const struct conf *c, const char *file)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	const char *row, *text;

	for (unsigned i = 0; (text = app_conf_warning(c, i, &row)) != NULL; i++)
		cmd_err(tr(ctx->lang, N_("%s: warning: %s: %s")), file, row, tr(ctx->lang, text));
	for (unsigned i = 0; (row = file_missing(c, i, &path)) != NULL; i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		missing_text(&b, path.p, ctx->lang);
		cmd_err(tr(ctx->lang, N_("%s: warning: %s: %s")), file, row, b.rc == 0 ? b.p : path.p);
	}
}

static void
check_json(const struct conf *c, const struct conf_error *e, const char *text, enum lang lang)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);

	json_open(&j, '{');
	json_kv_bool(&j, "good", text == NULL);
	json_kv_str(&j, "file", e->file);
	if (text != NULL) {
		json_kv_u64(&j, "code", e->code);
		json_kv_u64(&j, "line", e->line);
		json_kv_u64(&j, "column", e->col);
		json_kv_str(&j, "found", e->found);
		json_kv_str(&j, "did_you_mean", e->meant[0] != '\0' ? e->meant : NULL);
		json_kv_str(&j, "text", text);
	} else {
		warnings_json(&j, c, lang);
	}
	json_close(&j, '}');
	buf_char(&b, '\n');
	if (b.rc == 0)
		(void)fwrite(b.p, 1, b.len, stdout);
}

static int
run(struct cmd_ctx *ctx, void *state UNUSED, int argc, char **argv)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	_cleanup_(conf_freep) struct conf *c = NULL;
	const char *file = argc > 0 ? argv[0] :
	    ctx->conf != NULL ? ctx->conf : APP_CONF_FILE;
	struct conf_error e;
	int rc;

	if (argc > 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("one file at a time, please")));
	rc = app_conf_load(file, ctx->state, &c, &e);
	if (rc < 0) {
		conf_error_text(&e, ctx->lang, &b);
		buf_char(&b, '\0');
	}
	if (ctx->json)
		check_json(c, &e, rc < 0 ? b.p : NULL, ctx->lang);
	else if (rc < 0)
		cmd_err("%s", b.rc == 0 ? b.p : file);
	else if (!ctx->quiet)
		printf(tr(ctx->lang, N_("%s is good\n")), file);
	if (rc == 0 && !ctx->json)
		warnings_show(ctx, c, file);
	if (rc == 0)
		return EXIT_GOOD;
	/* A file that cannot be read was not judged. */
	return e.code == CONF_E_FILE || e.code == CONF_OK ? EXIT_CANNOT : EXIT_REJECTED;
}

const struct cmd cmd_conf_check = {
	.area = "conf", .verb = "check", .args = N_("[FILE]"),
	.summary = N_("check the configuration file"),
	.run = run,
};
