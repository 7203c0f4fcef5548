/* Routes, who may use them, and the headers of every answer. */
#include <stdlib.h>
#include <string.h>

#include "app/web_internal.h"

enum {
	ROUTE_OPEN = 1 << 0,	/* needs no token */
	ROUTE_PAGE = 1 << 1,	/* a link from another site may lead here */
};

static const struct route {
	const char	*path;
	web_route_fn	 fn;
	unsigned	 flags;
	const char	*params;	/* the names it takes, besides lang */
} routes[] = {
	{ "/metrics", web_metrics, 0, "" },
	{ "/healthz", web_healthz, ROUTE_OPEN, "" },
	{ "/api/v1/status", web_status, 0, "" },
	{ "/api/v1/findings", web_findings, 0, "severity,limit,ours" },
	{ "/api/v1/vrps", web_vrps, 0, "prefix,asn" },
	{ "/api/v1/routers", web_routers, 0, "" },
	{ "/api/v1/servers", web_servers, 0, "state,q,limit" },
	{ "/api/v1/history", web_history, 0, "" },
	{ "/api/v1/zones", web_zones, 0, "state,q,limit" },
	{ "/api/v1/zone", web_zone, 0, "name" },
	{ "/api/v1/mail", web_mail, 0, "" },
	{ "/zones.ics", web_calendar, 0, "zone" },
	{ "/api/v1/explain", web_explain, 0, "subject" },
	{ "/api/v1/strings", web_strings, ROUTE_OPEN, "" },
};

static const struct {
	unsigned	 status;
	const char	*code, *text;
} errors[WEB_ERROR_MAX] = {
	[WEB_BAD_HOST] = { 403, "bad_host",
	    N_("The Host header does not name the loopback of this machine; use http://localhost") },
	[WEB_CROSS_SITE] = { 403, "cross_site",
	    N_("Another web site sent this request; open the page itself") },
	[WEB_NO_TOKEN] = { 401, "token",
	    N_("This address needs the token of the file that web.token-file names in the configuration") },
	[WEB_NOT_FOUND] = { 404, "not_found",
	    N_("There is nothing at this address; the manual page sekisho-web(8) lists all") },
	[WEB_BAD_PARAM] = { 400, "bad_parameter",
	    N_("A parameter is unknown or has a value that is not allowed; see sekisho-web(8)") },
	[WEB_BAD_PREFIX] = { 400, "bad_prefix",
	    N_("This is not a prefix; write it as 192.0.2.0/24 or 2001:db8::/32, host bits zero") },
	[WEB_BAD_ASN] = { 400, "bad_asn",
	    N_("This is not an AS number; write it as AS64496 or 64496") },
	[WEB_BAD_SUBJECT] = { 400, "bad_subject",
	    N_("Type a prefix, a prefix and an AS number, an AS number, or the URI of an object") },
	[WEB_NO_DATA] = { 503, "no_data",
	    N_("There is no validated data yet; the first validation is still running or has failed") },
	[WEB_BUSY] = { 503, "busy",
	    N_("Too many questions are waiting; try again in a few seconds") },
	[WEB_TIMEOUT] = { 504, "timeout",
	    N_("The validator did not answer in time; it may be in the middle of a run") },
	[WEB_FAILED] = { 502, "failed",
	    N_("The validator gave no usable answer; the log says more") },
	[WEB_NOT_UNDERSTOOD] = { 400, "not_understood",
	    N_("Type a prefix, a prefix and an AS number, an AS number, or the URI of an object") },
	[WEB_NO_ZONE] = { 404, "no_zone",
	    N_("No zone of this name is signed here; the name ends with a dot") },
};

static const struct {
	const char	*name, *value;
} fixed_headers[] = {
	{ "Content-Security-Policy", "default-src 'none'; script-src 'self'; "
	    "style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Vary", "Accept-Language, Origin, Sec-Fetch-Site" },
};

static void
headers_fixed(struct http_res *res)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed_headers); i++)
		http_res_header(res, fixed_headers[i].name, fixed_headers[i].value);
}

static void
headers_json(struct http_res *res)
{
	headers_fixed(res);
	http_res_header(res, "Content-Type", "application/json; charset=utf-8");
	http_res_header(res, "Cache-Control", "no-store");
}

enum web_result
web_error_text(struct web_call *c, enum web_error e, const char *text)
{
	struct http_res *res = c->res;
	struct json j;

	http_res_done(res);
	res->status = errors[e].status;
	headers_json(res);
	if (res->status == 401)
		http_res_header(res, "WWW-Authenticate", "Bearer realm=\"sekisho\"");
	if (res->status == 503)
		http_res_header(res, "Retry-After", "5");
	j = json_on(&res->body, false);
	json_open(&j, '{');
	json_kv_str(&j, "error", errors[e].code);
	json_kv_str(&j, "text", text);
	json_close(&j, '}');
	buf_char(&res->body, '\n');
	return WEB_DONE;
}

enum web_result
web_error(struct web_call *c, enum web_error e)
{
	return web_error_text(c, e, tr(c->lang, errors[e].text));
}

/* --- language --- */

/* The weight in thousandths of ";q=0.8" and the like; no weight is 1000. */
static unsigned
weight(struct sv params)
{
	struct sv q = sv_trim(params), frac;
	uint32_t v = 0, scale = 100;

	if (!sv_starts(q, SV("q=")))
		return 1000;
	q = sv_skip(q, 2);
	if (q.n > 0 && q.p[0] == '1')
		return 1000;
	frac = sv_take(sv_skip(q, 2), 3);
	for (size_t i = 0; i < frac.n; i++, scale /= 10)
		if (frac.p[i] >= '0' && frac.p[i] <= '9')
			v += (uint32_t)(frac.p[i] - '0') * scale;
	return v;
}

static enum lang
accept_language(struct sv header)
{
	enum lang best = LANG_EN;
	unsigned best_q = 0;

	while (header.n > 0) {
		struct sv item = sv_cut(&header, ',');
		struct sv tag = sv_trim(sv_cut(&item, ';'));
		unsigned q = weight(item);

		if (q <= best_q)
			continue;
		if (lang_parse(tag) == LANG_JA || sv_starts(tag, SV("en"))) {
			best = lang_parse(tag);
			best_q = q;
		}
	}
	return best;
}

static enum lang
req_lang(const struct http_req *req)
{
	struct sv given = http_query(req, "lang");

	if (given.p != NULL && lang_known(given))
		return lang_parse(given);
	return accept_language(req->headers[HTTP_ACCEPT_LANGUAGE]);
}

/* --- who may ask --- */

/* The time it takes does not tell how much of the token was right. */
static bool
token_eq(struct sv got, struct sv want)
{
	unsigned char diff = got.n != want.n;

	for (size_t i = 0; i < want.n; i++)
		diff |= (unsigned char)(want.p[i] ^ (i < got.n ? got.p[i] : 0));
	return diff == 0;
}

static bool
token_given(const struct web_conf *conf, const struct http_req *req)
{
	struct sv a = req->headers[HTTP_AUTHORIZATION];

	return sv_caseeq(sv_take(a, 7), SV("Bearer ")) &&
	    token_eq(sv_skip(a, 7), sv_str(conf->token));
}

/* "localhost", "127.0.0.1" or "[::1]", with or without a port. */
static bool
host_is_loopback(struct sv host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct sv name = sv_str(names[i]), rest = sv_skip(host, name.n);
		uint32_t port;

		if (!sv_caseeq(sv_take(host, name.n), name))
			continue;
		if (rest.n == 0 || (rest.p[0] == ':' &&
		    num_u32(sv_skip(rest, 1), 1, 65535, &port) == 0))
			return true;
	}
	return false;
}

static bool
origin_is_host(struct sv origin, struct sv host)
{
	if (sv_starts(origin, SV("http://")))
		return sv_caseeq(sv_skip(origin, 7), host);
	if (sv_starts(origin, SV("https://")))
		return sv_caseeq(sv_skip(origin, 8), host);
	return false;
}

/* A browser says that another site is behind it. */
static bool
is_cross_site(const struct http_req *req, bool page)
{
	struct sv site = req->headers[HTTP_FETCH_SITE];
	struct sv origin = req->headers[HTTP_ORIGIN];

	if (page && sv_eq(req->headers[HTTP_FETCH_MODE], SV("navigate")))
		return false;
	if (site.p != NULL && !sv_eq(site, SV("same-origin")) && !sv_eq(site, SV("none")))
		return true;
	return origin.p != NULL && !origin_is_host(origin, req->headers[HTTP_HOST]);
}

/* WEB_ERROR_MAX: allowed. */
static enum web_error
guard(const struct web_ctx *ctx, const struct http_req *req, unsigned flags)
{
	const struct web_conf *conf = ctx->conf;
	bool has_token = conf->token[0] != '\0';

	if (is_cross_site(req, flags & ROUTE_PAGE))
		return WEB_CROSS_SITE;
	if (!has_token && !ctx->loopback)
		return WEB_NO_TOKEN;
	if (!has_token && !host_is_loopback(req->headers[HTTP_HOST]))
		return WEB_BAD_HOST;
	if (has_token && !(flags & ROUTE_OPEN) && !token_given(conf, req))
		return WEB_NO_TOKEN;
	return WEB_ERROR_MAX;
}

/* --- routes --- */

static bool
params_known(const struct http_req *req, const char *names)
{
	for (unsigned i = 0; i < req->n_query; i++) {
		struct sv list = sv_str(names), key = req->query[i].key;
		bool known = sv_eq(key, SV("lang")) && lang_known(req->query[i].value);

		while (!known && list.n > 0)
			known = sv_eq(sv_cut(&list, ','), key);
		if (!known)
			return false;
	}
	return true;
}

static const struct route *
route_find(struct sv path)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (sv_eq_str(path, routes[i].path))
			return &routes[i];
	return NULL;
}

static enum web_result
asset_handle(struct web_call *c, const struct web_asset *a)
{
	headers_fixed(c->res);
	http_res_header(c->res, "Content-Type", a->type);
	http_res_header(c->res, "Cache-Control", "no-cache");
	if (!a->page)
		http_res_header(c->res, "ETag", a->etag);
	if (!a->page && sv_eq_str(c->req->headers[HTTP_IF_NONE_MATCH], a->etag)) {
		c->res->status = 304;
		return WEB_DONE;
	}
	c->res->status = 200;
	web_asset_write(c, a);
	return WEB_DONE;
}

enum web_result
web_handle(const struct web_ctx *ctx, const struct http_req *req,
    struct http_res *res, struct web_question *question)
{
	struct web_call c = { ctx, req, res, req_lang(req), question };
	const struct route *r = route_find(req->path);
	const struct web_asset *a = r == NULL ? web_asset_find(req->path) : NULL;
	unsigned flags = 0;
	enum web_error e;
	enum web_result rc;

	if (r != NULL)
		flags = r->flags;
	else if (a != NULL)
		flags = ROUTE_OPEN | (a->page ? ROUTE_PAGE : 0);
	if ((e = guard(ctx, req, flags)) != WEB_ERROR_MAX)
		return web_error(&c, e);
	if (r == NULL && a == NULL)
		return web_error(&c, WEB_NOT_FOUND);
	if (a != NULL)
		return asset_handle(&c, a);
	if (!params_known(req, r->params))
		return web_error(&c, WEB_BAD_PARAM);
	res->status = 200;
	rc = r->fn(&c);
	if (rc == WEB_DONE && res->n_headers == 0)
		headers_json(res);
	return rc;
}

/* --- explain --- */

enum web_result
web_explain(struct web_call *c)
{
	struct sv subject = sv_trim(http_query(c->req, "subject"));

	if (subject.n == 0 || subject.n > WEB_SUBJECT_MAX)
		return web_error(c, WEB_BAD_SUBJECT);
	for (size_t i = 0; i < subject.n; i++)
		if ((unsigned char)subject.p[i] < 0x20 || subject.p[i] == 0x7f)
			return web_error(c, WEB_BAD_SUBJECT);
	*c->question = (struct web_question){ subject, c->lang };
	return WEB_ASK;
}

void
web_explain_error(struct http_res *res, enum lang lang, enum web_explained how)
{
	static const enum web_error rows[WEB_EXPLAIN_MAX] = {
		[WEB_EXPLAIN_OK] = WEB_FAILED,
		[WEB_EXPLAIN_BUSY] = WEB_BUSY,
		[WEB_EXPLAIN_TIMEOUT] = WEB_TIMEOUT,
		[WEB_EXPLAIN_FAILED] = WEB_FAILED,
	};
	struct web_call c = { .res = res, .lang = lang };

	(void)web_error(&c, rows[how]);
}

void
web_explained(struct http_res *res, enum lang lang, uint32_t code, struct sv text)
{
	struct web_call c = { .res = res, .lang = lang };
	json_t *j = NULL;
	const char *said;

	if (text.n > 0 && text.n <= WEB_REPORT_MAX)
		j = json_loadb(text.p, text.n, 0, NULL);
	said = json_string_value(json_object_get(j, "error"));
	if (code <= 1 && json_is_object(j)) {
		res->status = 200;
		headers_json(res);
		buf_sv(&res->body, text);
	} else if (code == 2 && said != NULL)
		(void)web_error_text(&c, WEB_NOT_UNDERSTOOD, said);
	else if (said != NULL)
		(void)web_error_text(&c, WEB_FAILED, said);
	else
		(void)web_error(&c, code == 2 ? WEB_NOT_UNDERSTOOD : WEB_FAILED);
	json_decref(j);
}
