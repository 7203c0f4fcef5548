#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "sys/conf.h"
#include "sys/file.h"

#define PATH_DEPTH_MAX	4	/* the deepest row has two parts */
#define KEY_MAX		64

struct reader {
	yaml_parser_t	 yaml;
	yaml_event_t	 ev;
	bool		 have;		/* ev is to be deleted */
	struct conf	*c;
	struct conf_error *err;
};

static const struct {
	const char	*name;
} types[CONF_TYPE_MAX] = {
	[CONF_STR] = { N_("a text") },
	[CONF_U32] = { N_("a number") },
	[CONF_SECONDS] = { N_("a time span such as 90, 15m, 2h or 1d") },
	[CONF_WORD] = { N_("one of the known words") },
	[CONF_PATH] = { N_("a path") },
	[CONF_ADDR] = { N_("an address and port such as 127.0.0.1:8282 or [::1]:8282") },
	[CONF_ASN] = { N_("an AS number") },
	[CONF_PREFIX] = { N_("an IP prefix without host bits") },
	[CONF_NAME] = { N_("a domain name") },
	[CONF_TIME] = { N_("a date such as 2026-12-31, or a time such as 2026-12-31T09:00:00Z") },
	[CONF_TABLE] = { N_("a list of entries (\"- key: value\", further keys indented below)") },
};

const char *
conf_type_name(enum conf_type t)
{
	return t < CONF_TYPE_MAX ? types[t].name : "?";
}

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
fail(struct conf_error *e, enum conf_errc code, unsigned line, unsigned col,
    struct sv found, const char *expected)
{
	e->code = code;
	e->rc = code == CONF_E_LIMIT ? SE_LIMIT : SE_SYNTAX;
	e->line = line;
	e->col = col;
	e->expected = expected;
	(void)snprintf(e->found, sizeof(e->found), "%.*s",
	    (int)min_size(found.n, sizeof(e->found) - 1), found.n > 0 ? found.p : "");
	for (char *p = e->found; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';	/* it goes to a terminal */
	return e->rc;
}

static int
fail_here(struct reader *r, enum conf_errc code, struct sv found,
    const char *expected)
{
	return fail(r->err, code, (unsigned)r->ev.start_mark.line + 1,
	    (unsigned)r->ev.start_mark.column + 1, found, expected);
}

/* How many letters must change; capped, for short words. */
static unsigned
distance(struct sv a, struct sv b)
{
	unsigned row[KEY_MAX + 1];

	if (a.n > KEY_MAX || b.n > KEY_MAX)
		return UINT32_MAX;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diag = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned up = row[j], cost = a.p[i - 1] != b.p[j - 1];
			unsigned best = diag + cost;

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diag = up;
		}
	}
	return row[b.n];
}

static void
meant_consider(struct conf_error *e, struct sv found, struct sv known,
    unsigned *best)
{
	unsigned d = distance(found, known);

	if (d >= *best || d > 1 + found.n / 3 || known.n >= sizeof(e->meant))
		return;
	*best = d;
	(void)snprintf(e->meant, sizeof(e->meant), "%.*s", SV_ARG(known));
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
			meant_consider(r->err, key, part, &best);
	}
	return fail_here(r, CONF_E_UNKNOWN, key, NULL);
}

/* --- one value --- */

static int
seconds_parse(struct sv s, uint32_t *ret)
{
	static const struct {
		char	 unit;
		uint32_t n;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	uint32_t v, mul = 1;

	for (size_t i = 0; i < ARRAY_LEN(units) && s.n > 0; i++)
		if (s.p[s.n - 1] == units[i].unit) {
			mul = units[i].n;
			s.n--;
			break;
		}
	if (num_u32(s, 0, UINT32_MAX / mul, &v) < 0)
		return -EINVAL;
	*ret = v * mul;
	return 0;
}

static int
addr_port_parse(struct sv s, struct conf_item *it)
{
	size_t colon = sv_rfind(s, ':');
	struct sv host = sv_take(s, colon), port = sv_skip(s, colon + 1);

	if (colon == s.n || num_u32(port, 0, 65535, &it->u) < 0)
		return -EINVAL;
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = sv_take(sv_skip(host, 1), host.n - 2);
	else if (sv_find(host, ':') < host.n)
		return -EINVAL;
	if (sv_find(host, '/') < host.n)
		return -EINVAL;
	return ip_prefix_parse_host(host, &it->px);
}

/* The port may be left out where the row has one: min. The text gets it, then. */
static int
addr_parse(struct conf *c, const struct conf_row *row, struct sv s, struct conf_item *it)
{
	struct sv text = s;
	char *whole;

	if (row->min != 0 && s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = sv_take(sv_skip(s, 1), s.n - 2);
	if (row->min == 0 || sv_find(s, '/') < s.n || ip_prefix_parse_host(s, &it->px) < 0)
		return addr_port_parse(text, it);
	it->u = row->min;
	whole = it->px.af == IP_V6 ? pool_printf(c->pool, "[%.*s]:%u", SV_ARG(s), row->min) :
	    pool_printf(c->pool, "%.*s:%u", SV_ARG(s), row->min);
	if (whole == NULL)
		return -ENOMEM;
	it->text = sv_str(whole);
	return 0;
}

static bool
name_ok(struct sv s)
{
	if (s.n == 0 || s.n > 253)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '/' || s.p[i] == '@')
			return false;
	return true;
}

static bool
word_known(struct sv words, struct sv w, struct conf_error *e)
{
	unsigned best = UINT32_MAX;
	struct sv known;

	while (sv_word(&words, &known)) {
		if (sv_eq(known, w))
			return true;
		meant_consider(e, w, known, &best);
	}
	return false;
}

/* A number may have a name: "NAME=NUMBER …". */
static bool
number_named(struct sv words, struct sv w, uint32_t *ret)
{
	struct sv pair;

	while (sv_word(&words, &pair)) {
		struct sv name = sv_cut(&pair, '=');

		if (sv_caseeq(name, w))
			return num_u32(pair, 0, UINT32_MAX, ret) == 0;
	}
	return false;
}

static char *
path_abs(struct conf *c, struct sv s)
{
	struct sv file = sv_str(c->file);
	size_t slash = sv_rfind(file, '/');

	if (s.n == 0 || s.p[0] == '/' || slash == file.n)
		return pool_printf(c->pool, "%.*s", SV_ARG(s));
	return pool_printf(c->pool, "%.*s/%.*s", (int)slash, file.p, SV_ARG(s));
}

/* "Until the 31st" means that the 31st still counts. */
static int
until_parse(struct sv s, int64_t *ret)
{
	int rc = time_parse(s, ret);

	if (rc == 0 && s.n == strlen("2026-12-31") && s.p[0] != '@')
		*ret += 86400;
	return rc;
}

/* CONF_OK, or what is wrong with it. */
static enum conf_errc
item_parse(struct conf *c, const struct conf_row *row, struct sv s,
    struct conf_item *it, struct conf_error *e)
{
	bool ok = true;

	it->text = row->type == CONF_PATH ? sv_str(path_abs(c, s)) :
	    pool_sv(c->pool, s);
	if (it->text.p == NULL)
		return CONF_E_LIMIT;
	switch (row->type) {
	case CONF_U32:
		ok = num_u32(s, 0, UINT32_MAX, &it->u) == 0 ||
		    (row->words != NULL && number_named(sv_str(row->words), s, &it->u));
		break;
	case CONF_SECONDS:
		ok = seconds_parse(s, &it->u) == 0;
		break;
	case CONF_WORD:
		ok = word_known(sv_str(row->words), s, e);
		break;
	case CONF_ADDR:
		ok = addr_parse(c, row, s, it) == 0;
		break;
	case CONF_ASN:
		ok = asn_parse(s, &it->u) == 0;
		break;
	case CONF_PREFIX:
		ok = ip_prefix_parse(s, &it->px) == 0;
		break;
	case CONF_NAME:
		ok = name_ok(s);
		break;
	case CONF_TIME:
		ok = until_parse(s, &it->t) == 0;
		break;
	case CONF_STR:
	case CONF_PATH:
	case CONF_TABLE:
	case CONF_TYPE_MAX:
		break;
	}
	if (!ok)
		return CONF_E_TYPE;
	if ((row->type == CONF_U32 || row->type == CONF_SECONDS) &&
	    (it->u < row->min || it->u > row->max))
		return CONF_E_RANGE;
	return CONF_OK;
}

static void
range_text(const struct conf_row *row, char *buf, size_t n)
{
	if (row->type == CONF_WORD)
		(void)snprintf(buf, n, "%s", row->words);
	else if (row->type == CONF_U32 || row->type == CONF_SECONDS)
		(void)snprintf(buf, n, "%u - %u%s%s", row->min, row->max, row->words == NULL ? "" : "; ",
		    row->words == NULL ? "" : row->words);
}

/* Room for one more; NULL without memory. */
static struct conf_item *
item_room(struct conf *c, struct conf_value *v)
{
	/* Doubling in a pool wastes at most what it holds. */
	if ((v->n & (v->n - 1)) == 0) {
		struct conf_item *bigger = pool_calloc(c->pool,
		    v->n == 0 ? 1 : 2 * v->n, sizeof(*bigger));

		if (bigger == NULL)
			return NULL;
		if (v->n > 0)
			memcpy(bigger, v->items, v->n * sizeof(*bigger));
		v->items = bigger;
	}
	return &v->items[v->n];
}

static int
value_add(struct conf *c, size_t row, struct sv s, unsigned line, unsigned col,
    struct conf_error *e)
{
	struct conf_value *v = &c->values[row];
	const struct conf_row *rw = &c->rows[row];
	size_t cap = rw->list ? CONF_LIST_MAX : 1;
	enum conf_errc code;

	if (s.n > CONF_TEXT_MAX || v->n == cap || item_room(c, v) == NULL)
		return fail(e, CONF_E_LIMIT, line, col, sv_take(s, 40), NULL);
	code = memchr(s.n > 0 ? s.p : "x", 0, s.n > 0 ? s.n : 1) != NULL ?
	    CONF_E_TYPE : item_parse(c, rw, s, &v->items[v->n], e);
	if (code != CONF_OK) {
		range_text(rw, e->range, sizeof(e->range));
		return fail(e, code, line, col, s, types[rw->type].name);
	}
	v->n++;
	return 0;
}

/* --- events --- */

static int
next(struct reader *r)
{
	if (r->have)
		yaml_event_delete(&r->ev);
	r->have = false;
	if (yaml_parser_parse(&r->yaml, &r->ev) == 0)
		return fail(r->err, CONF_E_YAML,
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
		range_text(&r->c->rows[row], r->err->range, sizeof(r->err->range));
		return fail_kind(r, types[r->c->rows[row].type].name);
	}
	return value_add(r->c, row, scalar(r),
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
	return fail_unknown(r, sv_take(path, sv_rfind(path, '.') + 1), sv_take(key, KEY_MAX));
}

/* The mapping has begun. */
static int
entry_read(struct reader *r, size_t table, size_t n_cols)
{
	struct conf_value *v = &r->c->values[table], *cols = &r->c->values[table + 1];
	struct conf_item *it = v->n < CONF_TABLE_MAX ? item_room(r->c, v) : NULL;
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
		return fail_kind(r, types[CONF_TABLE].name);
	while ((rc = next(r)) == 0 && r->ev.type != YAML_SEQUENCE_END_EVENT) {
		if ((rc = plain(r)) < 0)
			return rc;
		if (r->ev.type != YAML_MAPPING_START_EVENT)
			return fail_kind(r, types[CONF_TABLE].name);
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
	char path[KEY_MAX * PATH_DEPTH_MAX];
	unsigned line = (unsigned)r->ev.start_mark.line + 1;
	unsigned col = (unsigned)r->ev.start_mark.column + 1;
	struct sv key = scalar(r), sub;
	bool section = false;
	int n;

	if (key.n >= KEY_MAX || key.n == 0)
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
	struct { char key[KEY_MAX]; } seen[SECTIONS_SEEN_MAX];
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
		if (n_seen < SECTIONS_SEEN_MAX && scalar(r).n < KEY_MAX)
			(void)snprintf(seen[n_seen++].key, KEY_MAX, "%.*s",
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
			rc = value_add(c, i, sv_str(c->rows[i].value), 0, 0, err);
	return rc;
}

static void
error_init(struct conf_error *err, const char *file)
{
	*err = (struct conf_error){ 0 };
	(void)snprintf(err->file, sizeof(err->file), "%s", file);
}

int
conf_parse(struct sv text, const char *file, const struct conf_row *rows,
    size_t n_rows, struct conf **ret, struct conf_error *err)
{
	_cleanup_(conf_freep) struct conf *c = calloc(1, sizeof(*c));
	int rc = 0;

	error_init(err, file);
	if (c == NULL || (c->pool = pool_new(CONF_POOL_MAX)) == NULL)
		return err->rc = -ENOMEM;
	c->rows = rows;
	c->n_rows = n_rows;
	c->file = pool_strdup(c->pool, file);
	c->values = pool_calloc(c->pool, n_rows, sizeof(*c->values));
	if (c->file == NULL || c->values == NULL)
		return err->rc = -ENOMEM;
	if (text.n > CONF_SIZE_MAX)
		return fail(err, CONF_E_LIMIT, 1, 1, SV(""), NULL);
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

	error_init(err, file);
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

	error_init(err, c->rows[row].path);
	c->values[row] = (struct conf_value){ 0 };
	c->file = "";		/* a path of the command line is not the file's */
	rc = value_add(c, row, text, 0, 0, err);
	c->file = file;
	return rc;
}

/* --- texts --- */

static const char *const texts[] = {
	[CONF_OK] = "",
	[CONF_E_YAML] = N_("not YAML: %s"),
	[CONF_E_UNKNOWN] = N_("unknown key \"%s\""),
	[CONF_E_DUPLICATE] = N_("the key \"%s\" stands here a second time"),
	[CONF_E_TYPE] = N_("found \"%s\""),
	[CONF_E_RANGE] = N_("\"%s\" is out of range"),
	[CONF_E_FANCY] = N_("found \"%s\""),
	[CONF_E_LIMIT] = N_("too large or too many: \"%s\""),
	[CONF_E_RULE] = N_("this does not fit: %s"),
	[CONF_E_FILE] = N_("cannot read it: %s"),
	[CONF_E_MISSING] = N_("this entry has no \"%s\""),
};

void
conf_error_text(const struct conf_error *e, enum lang lang, struct buf *b)
{
	const char *found = e->found;

	if (e->code == CONF_E_FILE || e->code == CONF_OK)
		found = err_str(e->rc);
	buf_str(b, e->file);
	if (e->line > 0)
		buf_printf(b, ":%u:%u", e->line, e->col);
	buf_str(b, ": ");
	if (e->code == CONF_OK) {
		buf_str(b, found);
		return;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_printf(b, tr(lang, texts[e->code]), found);
#pragma GCC diagnostic pop
	if (e->expected != NULL) {
		buf_str(b, "; ");
		buf_printf(b, tr(lang, N_("expected: %s")), tr(lang, e->expected));
		if (e->range[0] != '\0')
			buf_printf(b, " (%s)", e->range);
	}
	if (e->meant[0] != '\0') {
		buf_str(b, "; ");
		buf_printf(b, tr(lang, N_("did you mean \"%s\"?")), e->meant);
	}
}
