/*
 * net: the folder for other people's network libraries. Two live here:
 * libmicrohttpd, for the page, the API and the metrics, and libcurl, which
 * fetches what strangers publish.
 *
 * THE SERVER (httpd.c). What enters: a listening socket that somebody else opened (the parent, so
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
 * TLS of the server is not done here: a reverse proxy does it (sekisho-web(8)).
 *
 * THE CLIENT (fetch*.c). What enters: an https URL that a stranger may have
 * named, and limits. What leaves: the body in pieces as they arrive, and at
 * the end exactly one struct fetch_result: the status, the headers that are
 * wanted, and, where it went wrong, one finding (src/net/findings.def).
 * libcurl's multi interface runs in the role's loop. Its resolver works in a
 * thread of libcurl's own, one for each look-up (the only threads of ours
 * that fetch; the sandbox allows them and nothing else that clones). The
 * resolver's files stay readable (sandbox_resolver_files); glibc's own
 * sources, files and dns, are in libc since 2.34, others of nsswitch.conf
 * cannot be loaded inside and are passed over.
 *
 * What is judged here, because the library would judge it otherwise:
 *
 *  - the address: libcurl asks before it makes a socket, and what it asks
 *    about is the very address that it connects to. Whatever is not global
 *    unicast (IANA's special-purpose registries, IPv4 within IPv6 included)
 *    is refused there, so a name that changes its answer between two
 *    questions (DNS rebinding) gains nothing: there is no second question.
 *    Only what the hosts mapping names goes elsewhere (the lab).
 *  - redirects: libcurl follows none. Each is judged here: https, at most
 *    FETCH_REDIRECTS_MAX, and the same origin where the caller says so
 *    (RFC 9674); its address is judged as any other.
 *  - gzip: inflated here, piece by piece, with limits on both sides, so a
 *    bomb ends at its limit and never lies in memory.
 *  - time: to connect, in all, and a least rate over a window (slow loris).
 *
 * TLS: 1.2 or later, chain and name verified against the CA file, which is
 * read into memory before the sandbox closes. HTTP/1.1 only: a second
 * protocol stack is attack surface without use here (few, large files).
 * Nothing comes from the environment (proxies, .netrc, .curlrc), no cookies,
 * no credentials, no other protocol than https.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/finding.h"
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

/* --- the client --- */

enum fetch_code {
#define F FINDING_ENUM_
#include "net/findings.def"
#undef F
	FETCH_CODE_MAX
};
extern const struct finding_def fetch_findings[FETCH_CODE_MAX];

struct fetcher;
struct fetch;

struct fetch_conf {
	const char	*ca_file;		/* PEM; NULL or "": the system's */
	const char	*user_agent;
	/*
	 * "NAME:PORT=ADDRESS:PORT", one a line, an IPv6 address in brackets;
	 * what is named there is reached there, whatever the address. The
	 * certificate must still be NAME's.
	 */
	struct sv	 hosts;
	unsigned	 max_conns;		/* 0: FETCH_CONNS_MAX */
};

struct fetch_limits {			/* 0: the default of limits.h */
	uint64_t	max_wire;		/* bytes of the body as sent */
	uint64_t	max_bytes;		/* and after inflating */
	uint32_t	connect_msec;		/* name, TCP and TLS */
	uint32_t	total_msec;		/* redirects included, pauses not */
	uint32_t	rate_bytes;		/* on the wire, … */
	uint32_t	rate_msec;		/* … in each window of so long */
};

struct fetch_req {
	struct sv		url;
	struct sv		etag, modified;	/* as they came; empty: not conditional */
	bool			same_origin;	/* redirects stay at the origin of … */
	struct sv		origin;		/* … this URL (empty: of url) */
	struct fetch_limits	limits;
	/*
	 * Not empty: sent by POST as application/json. Any 2xx is good, a redirect
	 * is not followed, and what is answered beside 200 is not read.
	 */
	struct sv		post;
};

#define FETCH_HEADER_MAX	512		/* of an ETag or date that is kept */

/* Slices live until the done callback returns. */
struct fetch_result {
	/*
	 * NULL: good, the whole body came (200), or it has not changed (304).
	 * Otherwise what was wrong, with its arguments; a body that came in
	 * part is worth nothing.
	 */
	const struct finding_def *why;
	struct farg		 args[FARG_PER_FINDING_MAX];
	unsigned		 n_args;
	int			 rc;		/* what the data callback said; -ENOMEM; 0 */
	unsigned		 status;	/* 0: none came */
	struct sv		 url;		/* the last one, after redirects */
	struct sv		 etag, modified;
	struct sv		 type;		/* Content-Type, as it came; empty: not said */
	uint32_t		 retry_after_sec; /* 0: not said */
	uint64_t		 wire, bytes;
	int64_t			 msec;
};

/*
 * A piece of a body of status 200, inflated. Negative ends the fetch (.rc,
 * why NULL is then no success); FETCH_PAUSE: this piece was taken, the next
 * one waits for fetch_resume().
 */
#define FETCH_PAUSE	1
typedef int	(*fetch_data_fn)(void *arg, const void *, size_t n);
/* Once for each fetch, from the loop, never from fetch_start(). */
typedef void	(*fetch_done_fn)(void *arg, const struct fetch_result *);

/* -Exxx, SE_SYNTAX (hosts), -ENOENT … (the CA file). Before the sandbox closes. */
int	 fetcher_new(struct loop *, const struct fetch_conf *, struct fetcher **ret) MUST_USE;
/* Fetches under way end without their callbacks. */
struct fetcher *fetcher_free(struct fetcher *);
DEFINE_CLEANUP(struct fetcher, fetcher_free)
/* Beyond max_conns they wait; the time to connect counts from their turn. */
int	 fetch_start(struct fetcher *, const struct fetch_req *, fetch_data_fn,
	    fetch_done_fn, void *arg, struct fetch **ret) MUST_USE;
void	 fetch_resume(struct fetch *);
/* No callback any more. Not from within its own callbacks. */
void	 fetch_cancel(struct fetch *);
/* .rc == 0 and nothing was wrong. */
static inline bool
fetch_result_good(const struct fetch_result *r)
{
	return r->rc == 0 && r->why == NULL;
}
/* As a finding; the caller sets the subject. Nothing if why is NULL. */
void	 fetch_result_report(const struct fetch_result *, struct findings *);

/*
 * May a stranger send us there? Global unicast, IPv4 (4 bytes) or IPv6 (16).
 * *ret_block names the special-purpose block otherwise.
 */
bool	 fetch_addr_global(const uint8_t *addr, size_t n, const char **ret_block);

#endif
