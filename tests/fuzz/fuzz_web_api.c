/*
 * A request and the report it is answered from. The input is text: the path;
 * lines "?key=value" and "!N header"; an empty line; the report.
 */
#include <errno.h>
#include <stdlib.h>

#include "app/web_api.h"

#define NOW	1795000000

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
digest(const void *p, size_t n, uint8_t ret[static SNAPSHOT_SUM_LEN])
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = h * 31 + ((const uint8_t *)p)[i];
	memset(ret, 0, SNAPSHOT_SUM_LEN);
	memcpy(ret, &h, sizeof(h));
}

static struct sv
req_read(struct sv in, struct http_req *req)
{
	struct sv line;

	*req = (struct http_req){ 0 };
	req->headers[HTTP_HOST] = SV("localhost");
	if (sv_line(&in, &line))
		req->path = line;
	while (sv_line(&in, &line) && line.n > 0) {
		char kind = line.p[0];

		line = sv_skip(line, 1);
		if (kind == '?' && req->n_query < HTTP_QUERY_MAX) {
			struct sv key = sv_cut(&line, '=');

			req->query[req->n_query++] = (struct http_param){ key, line };
		} else if (kind == '!' && line.n > 1 && line.p[0] >= '0' &&
		    line.p[0] < '0' + HTTP_HEADER_MAX)
			req->headers[line.p[0] - '0'] = sv_skip(line, 2);
	}
	return in;
}

static struct web_data *
data_make(struct sv report, uint8_t **ret_map)
{
	struct vrp v = { .addr = { 192, 0, 2 }, .len = 24, .max_len = 24, .af = IP_V4,
	    .asn = 64496, .expires = NOW + 10 };
	struct payloads p = { .vrps = &v, .n_vrps = 1, .tas = { "ta" }, .n_tas = 1 };
	struct snapshot_stamp stamp = { 1, { 1, 2, 3 } };
	struct web_data *data = NULL;
	size_t size;

	if (snapshot_size(&p, report.n, &size) < 0 || (*ret_map = calloc(1, size)) == NULL ||
	    snapshot_build(&p, NOW, &stamp, report, digest, *ret_map, size) < 0 ||
	    web_data_new(*ret_map, size, digest, &data) < 0)
		abort();
	return data;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct http_req req;
	struct sv report = req_read((struct sv){ (const char *)p, n }, &req);
	struct web_conf conf;
	struct web_stats stats = { 0 };
	struct http_res res = { 0 };
	struct web_question q;
	uint8_t *map = NULL;
	struct web_points points = { 0 };
	struct web_sources sources = { 0 };
	struct told names = { 0 };
	struct web_ctx ctx = { .now = NOW, .loopback = true, .conf = &conf, .stats = &stats,
	    .sources = &sources, .points = &points, .names = &names };

	if (web_conf_init(&conf, SV(""), SV("Org"), SV("AS64496"), SV("192.0.2.0/24")) < 0)
		abort();
	ctx.data = data_make(report, &map);
	/* Of any shape, too. */
	ctx.routers = ctx.house = ctx.history = ctx.mail = ctx.reports = ctx.data->report;
	if (web_sources_put(&sources, req.path, n % 2 != 0, NOW - 7, report) == -ENOMEM)
		abort();
	if (told_zones(&names, report) == -ENOMEM || told_keys(&names, report) == -ENOMEM)
		abort();
	web_points_add(&points, NOW - 1, ctx.data, &sources);
	if (web_handle(&ctx, &req, &res, &q) == WEB_ASK)
		web_explained(&res, q.lang, (uint32_t)(n % 4), report);
	if (res.status < 200 || res.status > 599 || res.n_headers >= HTTP_HEADERS_MAX)
		abort();
	http_res_done(&res);
	(void)web_data_free((struct web_data *)(uintptr_t)ctx.data);
	web_sources_done(&sources);
	told_done(&names);
	web_conf_done(&conf);
	free(map);
	return 0;
}
