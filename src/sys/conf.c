#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "sys/conf_internal.h"
#include "sys/file.h"

#define PATH_DEPTH_MAX	4	/* the deepest row has two parts */

struct reader {
	yaml_parser_t	 yaml;
	yaml_event_t	 ev;
	bool		 have;		/* ev is to be deleted */
	struct conf	*c;
	struct conf_error *err;
};

bool
conf_is_column(const struct conf_row *row)
{
	struct sv path = sv_str(row->path);

	return sv_find(path, '[') < path.n;
}

size_t
conf_columns(const struct conf_row *rows, size_t n_rows, size_t row)
{
	size_t n = 0;

	while (rows[row].type == CONF_TABLE && row + 1 + n < n_rows &&
	    conf_is_column(&rows[row + 1 + n]))
		n++;
	return n;
}

/* --- errors --- */

static int
fail_here(struct reader *r, enum conf_errc code, struct sv found,
    const char *expected)
{
	return conf_fail(r->err, code, (unsigned)r->ev.start_mark.line + 1,
	    (unsigned)r->ev.start_mark.column + 1, found, expected);
}

/* The next part of a row's path below `at` ("" or "rtr."), or empty. */
static struct sv
row_part(const struct conf_row *row, struct sv at)
{
	struct sv s = sv_str(row->path);

	if (!sv_starts(s, at))
		return (struct sv){ NULL, 0 };
	s = sv_skip(s, at.n);
	return sv_take(s, sv_find(s, '.'));
}

static int
fail_unknown(struct reader *r, struct sv at, struct sv key)
{
	unsigned best = UINT32_MAX;

	for (size_t i = 0; i < r->c->n_rows; i++) {
		struct sv part = row_part(&r->c->rows[i], at);

		if (part.n > 0 && sv_find(part, '[') == part.n)
			conf_meant(r->err, key, part, &best);
	}
	return fail_here(r, CONF_E_UNKNOWN, key, NULL);
}

/* --- events --- */

static int
next(struct reader *r)
{
	if (r->have)
		yaml_event_delete(&r->ev);
	r->have = false;
	if (yaml_parser_parse(&r->yaml, &r->ev) == 0)
		return conf_fail(r->err, CONF_E_YAML,
		    (unsigned)r->yaml.problem_mark.line + 1,
		    (unsigned)r->yaml.problem_mark.column + 1,
		    sv_str(r->yaml.problem != NULL ? r->yaml.problem : "?"), NULL);
	r->have = true;
	return 0;
}

static struct sv
scalar(const struct reader *r)
{
	return (struct sv){ (const char *)r->ev.data.scalar.value,
	    r->ev.data.scalar.length };
}

/* Nothing stands there: "key:" or "key: ~". */
static bool
is_null(const struct reader *r)
{
	return r->ev.type == YAML_SCALAR_EVENT &&
	    r->ev.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (r->ev.data.scalar.length == 0 || sv_eq_str(scalar(r), "~") ||
	    sv_eq_str(scalar(r), "null"));
}

/* Tags and anchors are refused wherever they stand. */
static int
plain(struct reader *r)
{
	const yaml_char_t *tag = NULL, *anchor = NULL;

	switch (r->ev.type) {
	case YAML_SCALAR_EVENT:
		tag = r->ev.data.scalar.tag;
		anchor = r->ev.data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		tag = r->ev.data.sequence_start.tag;
		anchor = r->ev.data.sequence_start.anchor;
		break;
	case YAML_MAPPING_START_EVENT:
		tag = r->ev.data.mapping_start.tag;
		anchor = r->ev.data.mapping_start.anchor;
		break;
	case YAML_ALIAS_EVENT:
		anchor = r->ev.data.alias.anchor;
		break;
	default:
		break;
	}
	if (tag == NULL && anchor == NULL)
		return 0;
	return fail_here(r, CONF_E_FANCY,
	    sv_str((const char *)(tag != NULL ? tag : anchor)),
	    N_("a plain value without tag, anchor or alias"));
}

static int
fail_kind(struct reader *r, const char *expected)
{
	const char *found = r->ev.type == YAML_MAPPING_START_EVENT ? "{…}" :
	    r->ev.type == YAML_SEQUENCE_START_EVENT ? "[…]" : "";

	return fail_here(r, CONF_E_TYPE,
	    r->ev.type == YAML_SCALAR_EVENT ? scalar(r) : sv_str(found), expected);
}

static int
item_read(struct reader *r, size_t row)
{
	int rc = plain(r);

	if (rc < 0)
		return rc;
	if (r->ev.type != YAML_SCALAR_EVENT || is_null(r)) {
		conf_range_text(&r->c->rows[row], r->err->range, sizeof(r->err->range));
		return fail_kind(r, conf_type_name(r->c->rows[row].type));
	}
	return conf_value_add(r->c, row, scalar(r),
	    (unsigned)r->ev.start_mark.line + 1,
	    (unsigned)r->ev.start_mark.column + 1, r->err);
}

static int
value_read(struct reader *r, size_t row, unsigned line, unsigned col)
{
	struct conf_value *v = &r->c->values[row];
	int rc;

	*v = (struct conf_value){ .line = line, .col = col };
	if ((rc = next(r)) < 0 || (rc = plain(r)) < 0)
		return rc;
	if (r->c->rows[row].list && is_null(r))
		return 0;
	if (!r->c->rows[row].list || r->ev.type != YAML_SEQUENCE_START_EVENT)
		return item_read(r, row);
	while ((rc = next(r)) == 0 && r->ev.type != YAML_SEQUENCE_END_EVENT)
		if ((rc = item_read(r, row)) < 0)
			return rc;
	return rc;
}

/* --- tables --- */

static struct sv
column_name(const struct conf_row *row)
{
	struct sv path = sv_str(row->path);

	return sv_skip(path, sv_rfind(path, '.') + 1);
}

/* One key of an entry; its value goes to the column's row for the moment. */
static int
column_read(struct reader *r, size_t table, size_t n_cols)
{
	const struct conf_row *rows = r->c->rows;
	struct sv key = scalar(r), path = sv_str(rows[table + 1].path);

	for (size_t i = table + 1; i <= table + n_cols; i++) {
		if (!sv_eq(column_name(&rows[i]), key))
			continue;
		if (r->c->values[i].line != 0)
			return fail_here(r, CONF_E_DUPLICATE, key, NULL);
		return value_read(r, i, (unsigned)r->ev.start_mark.line + 1,
		    (unsigned)r->ev.start_mark.column + 1);
	}
	return fail_unknown(r, sv_take(path, sv_rfind(path, '.') + 1), sv_take(key, CONF_KEY_MAX));
}

/* The mapping has begun. */
static int
entry_read(struct reader *r, size_t table, size_t n_cols)
{
	struct conf_value *v = &r->c->values[table], *cols = &r->c->values[table + 1];
	struct conf_item *it = v->n < CONF_TABLE_MAX ? conf_item_room(r->c, v) : NULL;
	int rc;

	if (it == NULL || (it->cols = pool_calloc(r->c->pool, n_cols, sizeof(*cols))) == NULL)
		return fail_here(r, CONF_E_LIMIT, sv_str(r->c->rows[table].path), NULL);
	it->text = SV("");
	it->line = (unsigned)r->ev.start_mark.line + 1;
	it->col = (unsigned)r->ev.start_mark.column + 1;
	while ((rc = next(r)) == 0 && r->ev.type != YAML_MAPPING_END_EVENT) {
		if ((rc = plain(r)) < 0)
			return rc;
		if (r->ev.type != YAML_SCALAR_EVENT)
			return fail_kind(r, N_("a key"));
		if ((rc = column_read(r, table, n_cols)) < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	memcpy(it->cols, cols, n_cols * sizeof(*cols));
	memset(cols, 0, n_cols * sizeof(*cols));
	v->n++;
	return 0;
}

/* A list of mappings, or one mapping. */
static int
table_read(struct reader *r, size_t table, unsigned line, unsigned col)
{
	size_t n_cols = conf_columns(r->c->rows, r->c->n_rows, table);
	int rc;

	r->c->values[table] = (struct conf_value){ .line = line, .col = col };
	if ((rc = next(r)) < 0 || (rc = plain(r)) < 0)
		return rc;
	if (is_null(r))
		return 0;
	if (r->ev.type == YAML_MAPPING_START_EVENT)
		return entry_read(r, table, n_cols);
	if (r->ev.type != YAML_SEQUENCE_START_EVENT)
		return fail_kind(r, conf_type_name(CONF_TABLE));
	while ((rc = next(r)) == 0 && r->ev.type != YAML_SEQUENCE_END_EVENT) {
		if ((rc = plain(r)) < 0)
			return rc;
		if (r->ev.type != YAML_MAPPING_START_EVENT)
			return fail_kind(r, conf_type_name(CONF_TABLE));
		if ((rc = entry_read(r, table, n_cols)) < 0)
			return rc;
	}
	return rc;
}

/* --- sections --- */

static int	section_read(struct reader *, struct sv at, unsigned depth);

/* A key has been read: find its row, or the rows below it. */
static int
key_read(struct reader *r, struct sv at, unsigned depth)
{
	char path[CONF_KEY_MAX * PATH_DEPTH_MAX];
	unsigned line = (unsigned)r->ev.start_mark.line + 1;
	unsigned col = (unsigned)r->ev.start_mark.column + 1;
	struct sv key = scalar(r), sub;
	bool section = false;
	int n;

	if (key.n >= CONF_KEY_MAX || key.n == 0)
		return fail_unknown(r, at, sv_take(key, 40));
	n = snprintf(path, sizeof(path), "%.*s%.*s.", SV_ARG(at), SV_ARG(key));
	if (n < 0 || (size_t)n >= sizeof(path))
		return fail_unknown(r, at, key);
	sub = (struct sv){ path, (size_t)n };
	for (size_t i = 0; i < r->c->n_rows; i++) {
		struct sv p = sv_str(r->c->rows[i].path);

		if (conf_is_column(&r->c->rows[i]))
			continue;
		if (sv_eq(p, sv_take(sub, sub.n - 1))) {
			if (r->c->values[i].line != 0)
				return fail_here(r, CONF_E_DUPLICATE, key, NULL);
			return r->c->rows[i].type == CONF_TABLE ?
			    table_read(r, i, line, col) : value_read(r, i, line, col);
		}
		section = section || sv_starts(p, sub);
	}
	if (!section)
		return fail_unknown(r, at, key);
	return section_read(r, sub, depth + 1);
}

#define SECTIONS_SEEN_MAX	32	/* keys of one mapping that open a section */

static int
section_read(struct reader *r, struct sv at, unsigned depth)
{
	struct { char key[CONF_KEY_MAX]; } seen[SECTIONS_SEEN_MAX];
	size_t n_seen = 0;
	int rc;

	if (depth > PATH_DEPTH_MAX)
		return fail_here(r, CONF_E_LIMIT, at, NULL);
	if ((rc = next(r)) < 0 || (rc = plain(r)) < 0)
		return rc;
	if (is_null(r))
		return 0;
	if (r->ev.type != YAML_MAPPING_START_EVENT)
		return fail_kind(r, N_("a section (indented lines of \"key: value\")"));
	while ((rc = next(r)) == 0 && r->ev.type != YAML_MAPPING_END_EVENT) {
		if ((rc = plain(r)) < 0)
			return rc;
		if (r->ev.type != YAML_SCALAR_EVENT)
			return fail_kind(r, N_("a key"));
		for (size_t i = 0; i < n_seen; i++)
			if (sv_eq_str(scalar(r), seen[i].key))
				return fail_here(r, CONF_E_DUPLICATE, scalar(r), NULL);
		if (n_seen < SECTIONS_SEEN_MAX && scalar(r).n < CONF_KEY_MAX)
			(void)snprintf(seen[n_seen++].key, CONF_KEY_MAX, "%.*s",
			    SV_ARG(scalar(r)));
		if ((rc = key_read(r, at, depth)) < 0)
			return rc;
	}
	return rc;
}

static int
document_read(struct reader *r)
{
	int rc;

	if ((rc = next(r)) < 0 || (rc = next(r)) < 0)	/* stream, document */
		return rc;
	if (r->ev.type == YAML_STREAM_END_EVENT)
		return 0;				/* an empty file */
	if ((rc = section_read(r, SV(""), 0)) < 0 ||
	    (rc = next(r)) < 0 || (rc = next(r)) < 0)
		return rc;
	if (r->ev.type != YAML_STREAM_END_EVENT)
		return fail_here(r, CONF_E_FANCY, SV("---"),
		    N_("the end of the file: one document only"));
	return 0;
}

static int
yaml_read(struct conf *c, struct sv text, struct conf_error *err)
{
	struct reader r = { .c = c, .err = err };
	int rc;

	if (yaml_parser_initialize(&r.yaml) == 0)
		return -ENOMEM;
	yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text.p, text.n);
	rc = document_read(&r);
	if (r.have)
		yaml_event_delete(&r.ev);
	yaml_parser_delete(&r.yaml);
	return rc;
}

static int
defaults_add(struct conf *c, struct conf_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < c->n_rows && rc == 0; i++)
		if (c->values[i].line == 0 && c->rows[i].value != NULL)
			rc = conf_value_add(c, i, sv_str(c->rows[i].value), 0, 0, err);
	return rc;
}

int
conf_parse(struct sv text, const char *file, const struct conf_row *rows,
    size_t n_rows, struct conf **ret, struct conf_error *err)
{
	_cleanup_(conf_freep) struct conf *c = calloc(1, sizeof(*c));
	int rc = 0;

	conf_error_init(err, file);
	if (c == NULL || (c->pool = pool_new(CONF_POOL_MAX)) == NULL)
		return err->rc = -ENOMEM;
	c->rows = rows;
	c->n_rows = n_rows;
	c->file = pool_strdup(c->pool, file);
	c->values = pool_calloc(c->pool, n_rows, sizeof(*c->values));
	if (c->file == NULL || c->values == NULL)
		return err->rc = -ENOMEM;
	if (text.n > CONF_SIZE_MAX)
		return conf_fail(err, CONF_E_LIMIT, 1, 1, SV(""), NULL);
	if (text.p != NULL)
		rc = yaml_read(c, text, err);
	if (rc == 0)
		rc = defaults_add(c, err);
	if (rc < 0) {
		err->rc = rc;
		return rc;
	}
	*ret = TAKE_PTR(c);
	return 0;
}

int
conf_load(const char *file, const struct conf_row *rows, size_t n_rows,
    struct conf **ret, struct conf_error *err)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(CONF_SIZE_MAX + 4096);
	struct sv text;
	int rc;

	conf_error_init(err, file);
	if (pool == NULL)
		return err->rc = -ENOMEM;
	if ((rc = file_read(pool, FILE_CWD, file, CONF_SIZE_MAX, &text)) < 0) {
		err->code = CONF_E_FILE;
		return err->rc = rc;
	}
	return conf_parse(text.p == NULL ? SV("") : text, file, rows, n_rows, ret, err);
}

struct conf *
conf_free(struct conf *c)
{
	if (c == NULL)
		return NULL;
	pool_free(c->pool);
	free(c);
	return NULL;
}

int
conf_override(struct conf *c, size_t row, struct sv text, struct conf_error *err)
{
	const char *file = c->file;
	int rc;

	conf_error_init(err, c->rows[row].path);
	c->values[row] = (struct conf_value){ 0 };
	c->file = "";		/* a path of the command line is not the file's */
	rc = conf_value_add(c, row, text, 0, 0, err);
	c->file = file;
	return rc;
}
