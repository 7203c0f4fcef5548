/* sekisho conf show: every option's value in force, and where it comes from. */
#include <stdio.h>
#include <string.h>

#include "app/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd/cmd.h"

static struct sv
column_name(const struct conf_row *row)
{
	struct sv path = sv_str(row->path);

	return sv_skip(path, sv_rfind(path, '.') + 1);
}

/* "file:12", "--state", or "default". */
static void
origin(const struct cmd_ctx *ctx, const struct conf *c, size_t row, struct buf *b)
{
	if (c->values[row].line > 0)
		buf_printf(b, "%s:%u", c->file, c->values[row].line);
	else if (row == CONF_STATE && ctx->state != NULL)
		buf_str(b, "--state");
	else
		buf_str(b, ctx->json ? "default" : tr(ctx->lang, N_("default")));
}

static void	value_json(const struct conf *, size_t row, const struct conf_value *, struct json *);

/* An entry of a table: what is given in it. */
static void
entry_json(const struct conf *c, size_t table, const struct conf_item *it, struct json *j)
{
	size_t n = conf_columns(c->rows, c->n_rows, table);

	json_open(j, '{');
	for (size_t k = 0; k < n; k++) {
		if (it->cols[k].line == 0)
			continue;
		json_key_sv(j, column_name(&c->rows[table + 1 + k]));
		value_json(c, table + 1 + k, &it->cols[k], j);
	}
	json_close(j, '}');
}

static void
value_json(const struct conf *c, size_t row, const struct conf_value *v, struct json *j)
{
	if (c->rows[row].list)
		json_open(j, '[');
	else if (v->n == 0)
		json_nil(j);
	for (size_t k = 0; k < v->n; k++)
		if (c->rows[row].type == CONF_TABLE)
			entry_json(c, row, &v->items[k], j);
		else
			json_sv(j, v->items[k].text);
	if (c->rows[row].list)
		json_close(j, ']');
}

static void
show_json(const struct cmd_ctx *ctx, const struct conf *c, struct buf *b)
{
	struct json j = json_on(b, true);

	json_open(&j, '[');
	for (size_t i = 0; i < c->n_rows; i++) {
		_cleanup_(buf_done) struct buf from = BUF_INIT;

		if (conf_is_column(&c->rows[i]))
			continue;
		origin(ctx, c, i, &from);
		json_open(&j, '{');
		json_kv_str(&j, "path", c->rows[i].path);
		json_key(&j, "value");
		value_json(c, i, &c->values[i], &j);
		json_kv_sv(&j, "from", buf_get(&from));
		json_kv_str(&j, "help", tr(ctx->lang, c->rows[i].help));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	buf_char(b, '\n');
}

/* As YAML that conf check would take again. */
static void
quote(struct buf *b, struct sv s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, (unsigned char)s.p[i] < 0x20 ? '?' : s.p[i]);
	}
	buf_char(b, '"');
}

static void	value_yaml(const struct conf *, size_t row, const struct conf_value *, struct buf *);

static void
entry_yaml(const struct conf *c, size_t table, const struct conf_item *it, struct buf *b)
{
	size_t n = conf_columns(c->rows, c->n_rows, table);
	bool more = false;

	buf_str(b, "\n    {");
	for (size_t k = 0; k < n; k++) {
		if (it->cols[k].line == 0)
			continue;
		buf_printf(b, "%s%.*s: ", more ? ", " : "", SV_ARG(column_name(&c->rows[table + 1 + k])));
		value_yaml(c, table + 1 + k, &it->cols[k], b);
		more = true;
	}
	buf_char(b, '}');
}

static void
value_yaml(const struct conf *c, size_t row, const struct conf_value *v, struct buf *b)
{
	bool bare = c->rows[row].type == CONF_U32 || c->rows[row].type == CONF_SECONDS;

	if (c->rows[row].list)
		buf_char(b, '[');
	for (size_t k = 0; k < v->n; k++) {
		if (k > 0)
			buf_str(b, c->rows[row].type == CONF_TABLE ? "," : ", ");
		if (c->rows[row].type == CONF_TABLE)
			entry_yaml(c, row, &v->items[k], b);
		else if (bare)
			buf_sv(b, v->items[k].text);
		else
			quote(b, v->items[k].text);
	}
	if (c->rows[row].list)
		buf_char(b, ']');
	else if (v->n == 0)
		buf_str(b, "\"\"");
}

/* One value that there is none of, nor a word for that: a comment. */
static bool
is_unset(const struct conf *c, size_t row)
{
	return c->values[row].n == 0 && !c->rows[row].list;
}

static void
show_yaml(const struct cmd_ctx *ctx, const struct conf *c, struct buf *b)
{
	struct sv section = { NULL, 0 };

	for (size_t i = 0; i < c->n_rows; i++) {
		struct sv path = sv_str(c->rows[i].path);
		size_t dot = sv_find(path, '.');
		struct sv head = dot < path.n ? sv_take(path, dot) : (struct sv){ NULL, 0 };

		if (conf_is_column(&c->rows[i]))
			continue;
		if (head.n > 0 && !sv_eq(head, section))
			buf_printf(b, "%.*s:\n", SV_ARG(head));
		section = head;
		buf_printf(b, "%s%s%.*s: ", head.n > 0 ? "  " : "", is_unset(c, i) ? "# " : "",
		    SV_ARG(head.n > 0 ? sv_skip(path, dot + 1) : path));
		value_yaml(c, i, &c->values[i], b);
		buf_str(b, "  # ");
		origin(ctx, c, i, b);
		if (ctx->verbose > 0)
			buf_printf(b, ": %s", tr(ctx->lang, c->rows[i].help));
		buf_char(b, '\n');
	}
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
		return e.code == CONF_E_FILE || e.code == CONF_OK ?
		    EXIT_CANNOT : EXIT_REJECTED;
	}
	if (ctx->json)
		show_json(ctx, c, &b);
	else
		show_yaml(ctx, c, &b);
	if (cmd_out(&b) != 0)
		return EXIT_CANNOT;
	return EXIT_GOOD;
}

const struct cmd cmd_conf_show = {
	.area = "conf", .verb = "show", .args = N_("[FILE]"),
	.summary = N_("print every option, its value and where it comes from"),
	.run = run,
};
