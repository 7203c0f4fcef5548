#include "net/net.h"

struct sv
http_query(const struct http_req *req, const char *key)
{
	for (unsigned i = 0; i < req->n_query; i++)
		if (sv_eq_str(req->query[i].key, key))
			return req->query[i].value;
	return (struct sv){ 0 };
}

void
http_res_header(struct http_res *res, const char *name, const char *value)
{
	if (res->n_headers >= HTTP_HEADERS_MAX)
		return;
	res->headers[res->n_headers].name = name;
	res->headers[res->n_headers++].value = value;
}

void
http_res_done(struct http_res *res)
{
	buf_done(&res->body);
	*res = (struct http_res){ 0 };
}
