/* sekisho mail privacy: what this configuration does with messages, and the text for who agrees to it. */
#include "app/mail_privacy.h"
#include "base/json.h"
#include "cmd/cmd.h"

/* --- acts --- */

static void
acts_put(struct buf *b, unsigned acts)
{
	bool more = false;

	for (unsigned act = 1; act < PRIVACY_ACT_END; act <<= 1)
		if ((acts & act) != 0) {
			buf_printf(b, "%s%s", more ? ", " : "", privacy_act_name(act));
			more = true;
		}
}

static void
options_put(const struct cmd_ctx *ctx, const struct conf *c, struct buf *b)
{
	buf_printf(b, "%s\n", tr(ctx->lang, N_("Acts that the configuration performs:")));
	for (size_t i = 0; i < privacy_n_options; i++) {
		const struct privacy_option *o = &privacy_options[i];

		if (!privacy_is_on(c, o))
			continue;
		buf_printf(b, "  %s: ", o->path);
		acts_put(b, o->acts);
		buf_printf(b, "\n    %s\n", tr(ctx->lang, o->what));
	}
}

static void
line_put(const struct cmd_ctx *ctx, struct buf *b, const char *label, const char *text)
{
	buf_printf(b, "    %s: %s\n", tr(ctx->lang, label), tr(ctx->lang, text));
}

static void
data_put(const struct cmd_ctx *ctx, const struct conf *c, struct buf *b)
{
	const struct privacy_data *d;

	buf_printf(b, "\n%s\n", tr(ctx->lang, N_("Data:")));
	for (size_t i = 0; (d = privacy_data(c, i)) != NULL; i++) {
		buf_printf(b, "  %s\n", tr(ctx->lang, d->what));
		line_put(ctx, b, N_("why"), d->why);
		buf_printf(b, "    %s: ", tr(ctx->lang, N_("how long")));
		privacy_how_long(c, d, ctx->lang, b);
		buf_char(b, '\n');
		line_put(ctx, b, N_("to whom"), d->whom);
	}
}

/* Those who agree may read either language, whoever runs the command. */
static void
consent_put(const struct conf *c, enum lang lang, struct buf *b)
{
	const char *text;

	for (size_t i = 0; (text = privacy_consent(c, i)) != NULL; i++)
		buf_printf(b, "\n%s\n", tr(lang, text));
}

static void
text_put(const struct cmd_ctx *ctx, const struct conf *c, struct buf *b)
{
	unsigned acts = privacy_acts(c);

	if (acts == 0) {
		buf_printf(b, "%s\n", tr(ctx->lang,
		    N_("No mail passes: mail.milter.listen is empty. Nothing is read, kept or sent.")));
		return;
	}
	options_put(ctx, c, b);
	data_put(ctx, c, b);
	buf_printf(b, "\n%s\n", tr(ctx->lang,
	    N_("Text for the agreement with users, to be adapted and looked at by a lawyer:")));
	consent_put(c, LANG_JA, b);
	consent_put(c, LANG_EN, b);
}

/* --- the same as JSON --- */

static void
acts_json(struct json *j, unsigned acts)
{
	json_key(j, "acts");
	json_open(j, '[');
	for (unsigned act = 1; act < PRIVACY_ACT_END; act <<= 1)
		if ((acts & act) != 0)
			json_sv(j, sv_str(privacy_act_name(act)));
	json_close(j, ']');
}

static void
options_json(const struct cmd_ctx *ctx, const struct conf *c, struct json *j)
{
	json_key(j, "options");
	json_open(j, '[');
	for (size_t i = 0; i < privacy_n_options; i++) {
		json_open(j, '{');
		json_kv_str(j, "path", privacy_options[i].path);
		json_kv_bool(j, "on", privacy_is_on(c, &privacy_options[i]));
		acts_json(j, privacy_options[i].acts);
		json_kv_str(j, "what", privacy_options[i].what[0] == '\0' ? "" : tr(ctx->lang, privacy_options[i].what));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
data_json(const struct cmd_ctx *ctx, const struct conf *c, struct json *j)
{
	const struct privacy_data *d;

	json_key(j, "data");
	json_open(j, '[');
	for (size_t i = 0; (d = privacy_data(c, i)) != NULL; i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		json_open(j, '{');
		json_kv_str(j, "option", d->path);
		json_kv_str(j, "what", tr(ctx->lang, d->what));
		json_kv_str(j, "why", tr(ctx->lang, d->why));
		privacy_how_long(c, d, ctx->lang, &b);
		json_kv_sv(j, "how_long", buf_get(&b));
		json_kv_str(j, "to_whom", tr(ctx->lang, d->whom));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
consent_json(const struct conf *c, enum lang lang, const char *key, struct json *j)
{
	const char *text;

	json_key(j, key);
	json_open(j, '[');
	for (size_t i = 0; (text = privacy_consent(c, i)) != NULL; i++)
		json_sv(j, sv_str(tr(lang, text)));
	json_close(j, ']');
}

static void
json_put(const struct cmd_ctx *ctx, const struct conf *c, struct buf *b)
{
	struct json j = json_on(b, true);
	unsigned acts = privacy_acts(c);

	json_open(&j, '{');
	acts_json(&j, acts);
	options_json(ctx, c, &j);
	data_json(ctx, c, &j);
	consent_json(c, LANG_JA, "consent_ja", &j);
	consent_json(c, LANG_EN, "consent_en", &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}

static int
run(struct cmd_ctx *ctx, void *state UNUSED, int argc, char **argv)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	_cleanup_(conf_freep) struct conf *c = NULL;
	struct conf_error e;

	if (app_conf_load(argc > 0 ? argv[0] : ctx->conf, ctx->state, &c, &e) < 0) {
		conf_error_text(&e, ctx->lang, &b);
		cmd_err("%.*s", SV_ARG(buf_get(&b)));
		return e.code == CONF_E_FILE || e.code == CONF_OK ? EXIT_CANNOT : EXIT_REJECTED;
	}
	(ctx->json ? json_put : text_put)(ctx, c, &b);
	return cmd_out(&b) != 0 ? EXIT_CANNOT : EXIT_GOOD;
}

extern const struct cmd cmd_mail_privacy;
const struct cmd cmd_mail_privacy = {
	.area = "mail", .verb = "privacy", .args = N_("[FILE]"),
	.summary = N_("what the configuration does with messages and their data, and the text for users to agree to"),
	.run = run,
};
