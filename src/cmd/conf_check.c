/* sekisho conf check: read the configuration as serve would, and say so. */
#include <errno.h>
#include <stdio.h>

#include "app/conf.h"
#include "app/mail_sign_file.h"
#include "app/zone_tsig.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "sys/file.h"

/* What serve reads; it may be another user's, who can. */
static const enum app_conf_row files[] = { CONF_RPKI_TALS, CONF_RPKI_TREE, CONF_RPKI_RRDP, CONF_RPKI_SLURM,
	CONF_FETCH_CA_FILE, CONF_RTR_TLS_CERT, CONF_RTR_TLS_KEY, CONF_RTR_TLS_CA, CONF_WEB_TOKEN_FILE,
	CONF_DNS_DS_HOOK, CONF_DNS_PKCS11_MODULE, CONF_DNS_PKCS11_PIN_FILE, CONF_BIMI_ROOTS };

/* Warnings go to one who prints or keeps them. */
struct sink {
	const struct conf	*c;
	enum lang		 lang;
	void			(*put)(struct sink *, const char *option, const char *text);
	void			*arg;		/* of put */
};

static void
missing_put(struct sink *s, const char *option, struct sv path)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT, text = BUF_INIT;

	buf_printf(&b, "%.*s%c", SV_ARG(path), '\0');
	if (b.rc < 0 || path.n == 0 || file_signature(b.p, 0) != 0)
		return;
	buf_printf(&text, tr(s->lang, N_("%s is not there, or you may not look at it")), b.p);
	buf_char(&text, '\0');
	s->put(s, option, text.rc == 0 ? text.p : b.p);
}

/* Nobody misses the usual trust anchors who has zones only. */
static bool
is_of_nobody(const struct conf *c, enum app_conf_row row)
{
	return row == CONF_RPKI_TALS && c->values[row].line == 0 && c->values[CONF_DNS_ZONES].n > 0;
}

static void
files_put(struct sink *s)
{
	for (size_t k = 0; k < ARRAY_LEN(files); k++) {
		_cleanup_(buf_done) struct buf all = BUF_INIT;
		struct sv text, line;

		if (is_of_nobody(s->c, files[k]))
			continue;
		app_conf_lines(s->c, files[k], &all);
		text = buf_get(&all);
		while (sv_line(&text, &line))
			missing_put(s, s->c->rows[files[k]].path, line);
	}
}

static void
zones_put(struct sink *s)
{
	const struct conf_value *zones = &s->c->values[CONF_DNS_ZONES];
	const char *keys = app_conf_str(s->c, CONF_DNS_KEYS);

	for (size_t i = 0; i < zones->n; i++) {
		const struct conf_value *file = &zones->items[i].cols[CONF_ZONE_FILE - CONF_DNS_ZONES - 1];

		if (file->n > 0)
			missing_put(s, s->c->rows[CONF_ZONE_FILE].path, file->items[0].text);
	}
	if (keys[0] != '\0' && file_is_open_to_others(keys)) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		buf_printf(&b, tr(s->lang, N_("others may read this folder of keys; chmod 700 %s")), keys);
		buf_char(&b, '\0');
		s->put(s, s->c->rows[CONF_DNS_KEYS].path, b.rc == 0 ? b.p : keys);
	}
}

/* Keys that role seal would not use. Whose files they are may be another user: then he is to look. */
static void
signs_put(struct sink *s)
{
	const struct conf_value *signs = &s->c->values[CONF_MAIL_SIGN];

	for (size_t i = 0; i < signs->n; i++) {
		const struct conf_value *key = &signs->items[i].cols[CONF_SIGN_KEY - CONF_MAIL_SIGN - 1];
		_cleanup_(crypto_priv_freep) struct crypto_priv *priv = NULL;
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		const char *why;
		int rc = mail_sign_file_read(key->items[0].text.p, &priv, &why);

		if (rc == 0 || rc == -EACCES)
			continue;
		buf_printf(&b, "%s: %s", key->items[0].text.p, tr(s->lang, why));
		buf_char(&b, '\0');
		s->put(s, s->c->rows[CONF_SIGN_KEY].path, b.rc == 0 ? b.p : why);
	}
}

static void
warnings_put(struct sink *s)
{
	const char *row, *text;

	for (unsigned i = 0; (text = app_conf_warning(s->c, i, &row)) != NULL; i++)
		s->put(s, row, tr(s->lang, text));
	files_put(s);
	zones_put(s);
	signs_put(s);
}

static void
json_put(struct sink *s, const char *option, const char *text)
{
	json_open(s->arg, '{');
	json_kv_str(s->arg, "option", option);
	json_kv_str(s->arg, "text", text);
	json_close(s->arg, '}');
}

/* arg: the configuration's name. */
static void
err_put(struct sink *s, const char *option, const char *text)
{
	cmd_err(tr(s->lang, N_("%s: warning: %s: %s")), (const char *)s->arg, option, text);
}

static void
warnings_json(struct json *j, const struct conf *c, enum lang lang)
{
	struct sink s = { .c = c, .lang = lang, .put = json_put, .arg = j };

	json_key(j, "warnings");
	json_open(j, '[');
	warnings_put(&s);
	json_close(j, ']');
}

/* Secrets that serve would refuse. Whose files they are may be another user: then he is to look. */
static int
tsig_check(const struct conf *c, enum lang lang, struct buf *err)
{
	_cleanup_(buf_wipe) struct buf text = BUF_INIT;
	int rc = zone_tsig_read(c, lang, &text, err);

	return rc == -EACCES ? 0 : rc;
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
	if (rc < 0)
		conf_error_text(&e, ctx->lang, &b);
	else if ((rc = tsig_check(c, ctx->lang, &b)) < 0) {
		e = (struct conf_error){ .code = CONF_E_RULE };
		(void)snprintf(e.file, sizeof(e.file), "%s", file);
	}
	if (rc < 0)
		buf_char(&b, '\0');
	if (ctx->json)
		check_json(c, &e, rc < 0 ? b.p : NULL, ctx->lang);
	else if (rc < 0)
		cmd_err("%s", b.rc == 0 ? b.p : file);
	else if (!ctx->quiet)
		printf(tr(ctx->lang, N_("%s is good\n")), file);
	if (rc == 0 && !ctx->json)
		warnings_put(&(struct sink){ .c = c, .lang = ctx->lang, .put = err_put,
		    .arg = (void *)(uintptr_t)file });
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
