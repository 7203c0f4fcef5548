/* Publication servers: how they did last, worst first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/web_internal.h"
#include "out/findings_registry.h"

static int64_t
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static struct sv
word(const json_t *o, const char *key)
{
	return sv_str(json_string_value(json_object_get(o, key)));
}

/* --- keeping --- */

void
web_sources_done(struct web_sources *s)
{
	json_decref(s->by_key);
	json_decref(s->by_code);
	*s = (struct web_sources){ 0 };
}

static int
sources_init(struct web_sources *s)
{
	if (s->by_key == NULL)
		s->by_key = json_object();
	if (s->by_code == NULL)
		s->by_code = json_object();
	return s->by_key == NULL || s->by_code == NULL ? -ENOMEM : 0;
}

/* Codes are those of our own tables, so that nobody can invent labels. */
static void
attempt_count(struct web_sources *s, const json_t *o, bool ok)
{
	const struct finding_def *d = findings_lookup(word(o, "code"));

	s->n_attempts[ok ? 1 : 0]++;
	s->bytes += web_report_u64(o, "bytes");
	if (!ok && d != NULL)
		(void)json_object_set_new(s->by_code, d->code, json_integer(
		    number(s->by_code, d->code) + 1));
}

/* What this attempt tells, with what is remembered of those before it. */
static void
attempt_stamp(json_t *o, const json_t *old, bool ok, int64_t at)
{
	json_t *good = json_object_get(old, "good_at");
	bool same = old != NULL && json_is_true(json_object_get(old, "ok")) == ok;

	if (good == NULL)
		good = json_null();
	(void)json_object_set_new(o, "ok", json_boolean(ok));
	(void)json_object_set_new(o, "at", json_integer(at));
	(void)json_object_set_new(o, "since", json_integer(same ? number(old, "since") : at));
	(void)json_object_set_new(o, "good_at", ok ? json_integer(at) : json_incref(good));
}

int
web_sources_put(struct web_sources *s, struct sv key, bool ok, int64_t at, struct sv json)
{
	char k[WEB_SUBJECT_MAX + 1];
	json_t *o, *old;

	if (sources_init(s) < 0)
		return -ENOMEM;
	if (key.n >= sizeof(k) || json.n == 0 ||
	    (o = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		return -EBADMSG;
	memcpy(k, key.p, key.n);
	k[key.n] = '\0';
	old = json_object_get(s->by_key, k);
	if (!json_is_object(o)) {
		json_decref(o);
		return -EBADMSG;
	}
	attempt_count(s, o, ok);
	if (old == NULL && json_object_size(s->by_key) >= WEB_SOURCES_MAX) {
		json_decref(o);
		return 0;
	}
	attempt_stamp(o, old, ok, at);
	return json_object_set_new(s->by_key, k, o) < 0 ? -EBADMSG : 0;
}

void
web_sources_prune(struct web_sources *s, int64_t now)
{
	const char *key;
	json_t *o;
	void *next;

	json_object_foreach_safe(s->by_key, next, key, o)
		if (number(o, "at") < now - WEB_SOURCE_FORGET_SEC)
			(void)json_object_del(s->by_key, key);
}

/* --- judging and sorting --- */

static const char *const state_names[WEB_SOURCE_MAX] = {
	[WEB_SOURCE_FAILING] = "failing",
	[WEB_SOURCE_NEVER] = "never",
	[WEB_SOURCE_GOOD] = "good",
};

const char *
web_source_state_name(enum web_source_state st)
{
	return state_names[st];
}

/* "data": what it gave in an earlier life of ours is still in the store. */
static enum web_source_state
source_state(const json_t *o)
{
	if (json_is_true(json_object_get(o, "ok")))
		return WEB_SOURCE_GOOD;
	if (json_is_integer(json_object_get(o, "good_at")) ||
	    json_is_true(json_object_get(o, "data")))
		return WEB_SOURCE_FAILING;
	return WEB_SOURCE_NEVER;
}

/* A trust anchor's certificate stands above all servers. */
static int
source_cmp(const void *pa, const void *pb)
{
	const struct web_source *a = pa, *b = pb;
	int64_t x = a->state == WEB_SOURCE_GOOD ? number(a->o, "good_at") : number(a->o, "since");
	int64_t y = b->state == WEB_SOURCE_GOOD ? number(b->o, "good_at") : number(b->o, "since");

	if (a->state != b->state)
		return a->state < b->state ? -1 : 1;
	if (a->is_ta != b->is_ta)
		return a->is_ta ? -1 : 1;
	if (x != y)
		return x < y ? -1 : 1;
	return strcmp(a->key, b->key);
}

int
web_sources_sort(const struct web_sources *s, struct web_source_list *ret)
{
	size_t n = 0, size = json_object_size(s->by_key);
	struct web_source *rows;
	const char *key;
	json_t *o;

	*ret = (struct web_source_list){ 0 };
	if (size == 0)
		return 0;
	if ((rows = calloc(size, sizeof(*rows))) == NULL)
		return -ENOMEM;
	json_object_foreach(s->by_key, key, o) {
		rows[n] = (struct web_source){ key, o, source_state(o),
		    sv_eq(word(o, "kind"), SV("ta")) };
		ret->n_by_state[rows[n++].state]++;
	}
	qsort(rows, n, sizeof(*rows), source_cmp);
	ret->rows = rows;
	ret->n = n;
	return 0;
}

void
web_source_list_done(struct web_source_list *l)
{
	free(l->rows);
	*l = (struct web_source_list){ 0 };
}

/* Codes of our own tables only, as above. */
static void
findings_count(json_t *by_code, const json_t *o)
{
	json_t *list = json_object_get(o, "findings"), *f;
	size_t i;

	json_array_foreach(list, i, f) {
		const struct finding_def *d = findings_lookup(word(f, "code"));
		json_t *row = d == NULL ? NULL : json_object_get(by_code, d->code);

		if (row != NULL)
			(void)json_object_set_new(row, "count", json_integer(number(row, "count") + 1));
		else if (d != NULL)
			(void)json_object_set_new(by_code, d->code, json_pack("{s:s, s:s, s:i}",
			    "code", d->code, "severity", severity_name(d->severity), "count", 1));
	}
}

json_t *
web_findings_by_code(const struct web_ctx *ctx)
{
	json_t *by_code = json_object(), *ret = json_array(), *row, *o;
	const char *key;
	size_t i;

	if (ctx->data != NULL)
		json_array_foreach(web_report_array(ctx->data, "findings_by_code"), i, row)
			if (i < WEB_CODES_MAX && word(row, "code").n > 0)
				(void)json_object_set_new(by_code,
				    json_string_value(json_object_get(row, "code")), json_copy(row));
	json_object_foreach(ctx->sources->by_key, key, o)
		findings_count(by_code, o);
	json_object_foreach(by_code, key, row)
		(void)json_array_append(ret, row);
	json_decref(by_code);
	return ret;
}

void
web_sources_count(const struct web_sources *s, uint64_t n[static WEB_SOURCE_MAX])
{
	const char *key;
	json_t *o;

	memset(n, 0, WEB_SOURCE_MAX * sizeof(n[0]));
	json_object_foreach(s->by_key, key, o)
		n[source_state(o)]++;
}

/* --- telling --- */

/* The code's text in the reader's language; strangers' words stay theirs. */
static void
reason_text(struct json *j, const struct finding_def *d, json_t *args, enum lang lang)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct farg fa[FARG_PER_FINDING_MAX];
	struct finding f = { .def = d, .args = fa };
	const char *key;
	json_t *v;

	json_object_foreach(args, key, v) {
		if (f.n_args == FARG_PER_FINDING_MAX)
			break;
		if (json_is_integer(v))
			fa[f.n_args++] = FA_U(key, json_integer_value(v));
		else if (json_is_string(v))
			fa[f.n_args++] = FA_MSG(key, json_string_value(v));
	}
	finding_text(&b, &f, lang);
	json_kv_sv(j, "text", buf_get(&b));
}

/* {"code","severity","clause","text","remedy"} of {"code","args"}. */
static void
reason_put(struct json *j, const json_t *o, enum lang lang)
{
	struct sv code = word(o, "code");
	const struct finding_def *d = findings_lookup(code);

	json_kv_sv(j, "code", code);
	if (d == NULL)
		return;
	json_kv_str(j, "severity", severity_name(d->severity));
	json_kv_str(j, "clause", d->clause);
	reason_text(j, d, json_object_get(o, "args"), lang);
	json_kv_str(j, "remedy", tr(lang, d->remedy));
}

/* What else it found; the reason itself is told already. */
static void
others_put(struct json *j, const json_t *o, enum lang lang)
{
	json_t *list = json_object_get(o, "findings"), *f;
	size_t i;

	json_key(j, "findings");
	json_open(j, '[');
	json_array_foreach(list, i, f) {
		if (sv_eq(word(f, "code"), word(o, "code")))
			continue;
		json_open(j, '{');
		reason_put(j, f, lang);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
source_put(struct json *j, const struct web_source *row, enum lang lang)
{
	static const char *const words[] = { "kind", "uri", "via" };
	static const char *const numbers[] = {
		"serial", "bytes", "msec", "at", "since", "good_at", "next", "failures",
	};

	json_open(j, '{');
	json_kv_str(j, "key", row->key);
	json_kv_str(j, "state", state_names[row->state]);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		json_kv_sv(j, words[i], word(row->o, words[i]));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		json_key(j, numbers[i]);
		if (json_is_integer(json_object_get(row->o, numbers[i])))
			json_i64(j, number(row->o, numbers[i]));
		else
			json_nil(j);
	}
	reason_put(j, row->o, lang);
	others_put(j, row->o, lang);
	json_close(j, '}');
}

struct source_filter {
	struct sv	state, q;	/* p NULL: any */
	uint32_t	limit;
};

static int
source_filter_parse(const struct http_req *req, struct source_filter *ret)
{
	struct sv limit = http_query(req, "limit");

	*ret = (struct source_filter){ http_query(req, "state"),
	    sv_trim(http_query(req, "q")), WEB_SOURCES_DEFAULT };
	if (limit.p != NULL && num_u32(limit, 1, WEB_SOURCES_MAX, &ret->limit) < 0)
		return -1;
	if (ret->q.n > WEB_SUBJECT_MAX)
		return -1;
	for (size_t i = 0; i < WEB_SOURCE_MAX; i++)
		if (ret->state.p == NULL || sv_eq_str(ret->state, state_names[i]))
			return 0;
	return -1;
}

static bool
holds(struct sv text, struct sv part)
{
	for (size_t i = 0; i + part.n <= text.n; i++)
		if (sv_caseeq(sv_take(sv_skip(text, i), part.n), part))
			return true;
	return false;
}

static bool
source_pass(const struct source_filter *f, const struct web_source *row)
{
	if (f->state.p != NULL && !sv_eq_str(f->state, state_names[row->state]))
		return false;
	return f->q.n == 0 || holds(sv_str(row->key), f->q) ||
	    holds(word(row->o, "uri"), f->q) || holds(word(row->o, "code"), f->q);
}

enum web_result
web_servers(struct web_call *c)
{
	struct json j = json_on(&c->res->body, false);
	struct source_filter filter;
	struct web_source_list list;
	uint64_t matched = 0;

	if (source_filter_parse(c->req, &filter) < 0)
		return web_error(c, WEB_BAD_PARAM);
	if (web_sources_sort(c->ctx->sources, &list) < 0)
		return web_error(c, WEB_BUSY);
	json_open(&j, '{');
	json_kv_i64(&j, "now", c->ctx->now);
	json_key(&j, "counts");
	json_open(&j, '{');
	for (size_t i = 0; i < WEB_SOURCE_MAX; i++)
		json_kv_u64(&j, state_names[i], list.n_by_state[i]);
	json_close(&j, '}');
	json_kv_u64(&j, "total", list.n);
	json_key(&j, "servers");
	json_open(&j, '[');
	for (size_t i = 0; i < list.n; i++)
		if (source_pass(&filter, &list.rows[i]) && matched++ < filter.limit)
			source_put(&j, &list.rows[i], c->lang);
	json_close(&j, ']');
	json_kv_u64(&j, "matched", matched);
	json_close(&j, '}');
	buf_char(&c->res->body, '\n');
	web_source_list_done(&list);
	return WEB_DONE;
}
