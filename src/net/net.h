/*
 * net: the folder for other people's network libraries. Today one lives
 * here, libmicrohttpd, for the page, the API and the metrics.
 *
 * What enters: a listening socket that somebody else opened (the parent, so
 * that the role needs no right to bind), and a handler. What leaves: for each
 * request a struct http_req of slices, for each answer a struct http_res. The
 * handler never sees a type of the library, so the routes are plain functions
 * that a test calls without a socket.
 *
 * The library runs in the role's own loop, without threads: it keeps its
 * sockets in one epoll descriptor, which the loop watches, and says when it
 * wants to be woken (its idle timeouts), for which the loop keeps a timer.
 *
 * A handler answers at once (HTTP_DONE) or keeps the request (HTTP_HOLD) and
 * answers it later with httpd_reply(): a question to another process does
 * not block the others. A held request is not timed by the library; whoever
 * holds it keeps the deadline. The slices of a held request are gone after
 * the handler has returned.
 *
 * Before the handler sees a request it is known that: the method is GET or
 * HEAD (else 405), there is no body (else 400), path and query values have no
 * NUL, are UTF-8 and within limits.h (else 400 or 414), no parameter or
 * security-relevant header is given twice (else 400). Everything above that
 * - Host, Origin, token, routes - is policy and is judged by the handler.
 *
 * TLS is not done here: a reverse proxy does it (sekisho-web(8)).
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"
#include "net/limits.h"
#include "sys/loop.h"

struct http_param {
	struct sv	key, value;		/* percent-decoded */
};

enum http_header {
	HTTP_HOST,
	HTTP_ORIGIN,
	HTTP_FETCH_SITE,
	HTTP_FETCH_MODE,
	HTTP_AUTHORIZATION,
	HTTP_ACCEPT_LANGUAGE,
	HTTP_IF_NONE_MATCH,
	HTTP_HEADER_MAX
};

struct http_req {
	bool			head;		/* HEAD: the body is not sent */
	struct sv		path;		/* percent-decoded, starts with "/" */
	struct http_param	query[HTTP_QUERY_MAX];
	unsigned		n_query;
	struct sv		headers[HTTP_HEADER_MAX];	/* p NULL: absent */
};

struct http_res {
	unsigned	 status;
	struct buf	 body;			/* owned; or: */
	struct sv	 fixed;			/* constant for ever, not copied */
	struct {
		const char	*name;
		const char	*value;		/* constant for ever */
	} headers[HTTP_HEADERS_MAX];
	unsigned	 n_headers;
};

enum http_verdict {
	HTTP_DONE,
	HTTP_HOLD,
};

struct httpd;
struct http_conn;

typedef enum http_verdict (*http_fn)(void *arg, struct http_conn *,
    const struct http_req *, struct http_res *);

/* -Exxx; the listening socket is the daemon's from then on. */
int	 httpd_new(struct loop *, int listen_fd, http_fn, void *arg,
	    struct httpd **ret) MUST_USE;
/* Held requests are closed without an answer. */
struct httpd *httpd_free(struct httpd *);
/* Answer a held request; takes the body's memory over. */
void	 httpd_reply(struct http_conn *, struct http_res *);

/* The value of a parameter; p NULL: absent. */
struct sv http_query(const struct http_req *, const char *key);
/* Dropped when HTTP_HEADERS_MAX are set, which is a bug a test would see. */
void	 http_res_header(struct http_res *, const char *name, const char *value);
void	 http_res_done(struct http_res *);

#endif
