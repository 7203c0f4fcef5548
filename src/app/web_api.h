/*
 * The page, the API and the metrics as one pure function: web_handle() gets
 * a request and what the role knows, and fills an answer. No socket, clock
 * or log is touched here, so a test (and a fuzzer) calls it directly.
 *
 *	/, /app.js …		the page; its texts are in the reader's language
 *	/metrics		OpenMetrics (out/metrics.def)
 *	/healthz		200 "ok", or 503 and why
 *	/api/v1/status		counts, times, what is ours
 *	/api/v1/findings	?severity=REJECT|WARN|NOTE &ours=1 &limit=N
 *	/api/v1/vrps		?prefix= &asn=: what the snapshot says
 *	/api/v1/routers		who is connected
 *	/api/v1/servers		publication servers, worst first
 *				?state=good|failing|never &q=PART &limit=N
 *	/api/v1/history		counts and ages over time, changes of what is ours
 *	/api/v1/zones		zones that are signed here, worst first
 *				?state=STATE &q=PART &limit=N
 *	/api/v1/zone		?name=: its keys, what is waited for, what is to be done
 *	/zones.ics		?zone=: what comes, as a calendar
 *	/api/v1/mail		what the mail filter did, results over time, reports
 *	/api/v1/explain		?subject=: asked of the validator (WEB_ASK)
 *	/api/v1/strings		the page's texts
 *
 * Every API route takes ?lang=en|ja; without it, Accept-Language decides.
 * An unknown parameter is an error, so that a typing error is seen.
 *
 * Who may ask. On a loopback address without a token: only a request whose
 * Host names the loopback, so that a stranger's name that resolves to
 * 127.0.0.1 (DNS rebinding) finds nothing. With a token, every API route and
 * the metrics want it; Host is free then, since another site has no token.
 * On any other address a token is a must: without one, all is refused. In
 * both cases a request that a browser sent on behalf of another site (Origin,
 * Sec-Fetch-Site) is refused, except a plain link to the page. The page's
 * files carry no data and need no token; the page asks the reader for it.
 */
#ifndef APP_WEB_API_H
#define APP_WEB_API_H

#include <jansson.h>

#include "app/zone_told.h"
#include "base/tr.h"
#include "inr/inr.h"
#include "net/net.h"

#define WEB_ORG_MAX		2000	/* AS numbers, and prefixes, of one organisation */
#define WEB_REPORT_MAX		(8u * 1024 * 1024) /* 500 findings of 16 KiB */
#define WEB_FINDINGS_MAX	500	/* the producer's cap */
#define WEB_FINDINGS_DEFAULT	100
#define WEB_VRPS_MAX		1000	/* rows of one answer; the count is exact */
#define WEB_CODES_MAX		256	/* values of the metric label "code" */
#define WEB_SUBJECT_MAX		2048	/* as in messages.def */
#define WEB_ROUTERS_MAX		2000	/* rows shown */
#define WEB_ZONES_DEFAULT	100	/* what a reader looks at */
/*
 * Data older than this is called stale even if nothing in it has expired:
 * manifests are mostly good for a day, so a third of that is alarming.
 */
#define WEB_AGE_MAX_SEC		(8 * 3600)

struct web_conf {
	char		*token;		/* "": none */
	char		*org_name;
	uint32_t	*asns;
	size_t		 n_asns;
	struct ip_prefix *prefixes;
	size_t		 n_prefixes;
};

/* Lists have one entry a line; an entry that does not parse is -EINVAL. */
int	 web_conf_init(struct web_conf *, struct sv token, struct sv org_name,
	    struct sv asns, struct sv prefixes) MUST_USE;
void	 web_conf_done(struct web_conf *);

/* One snapshot with what the page needs of it at hand. */
struct web_data {
	struct snapshot	 snap;		/* the mapping is the caller's */
	json_t		*report;	/* an object, maybe empty */
	struct {
		uint64_t	v4, v6, aspas, keys;
	}		 tas[TA_MAX];
};

/* The codes of snapshot_open(); a report that is no JSON object counts as none. */
int	 web_data_new(const void *map, size_t size, snapshot_digest_fn,
	    struct web_data **ret) MUST_USE;
struct web_data *web_data_free(struct web_data *);
DEFINE_CLEANUP(struct web_data, web_data_free)

enum web_explained {
	WEB_EXPLAIN_OK,
	WEB_EXPLAIN_BUSY,
	WEB_EXPLAIN_TIMEOUT,
	WEB_EXPLAIN_FAILED,
	WEB_EXPLAIN_MAX
};

struct web_stats {
	uint64_t	by_class[6];		/* 2xx at 2 … */
	uint64_t	explained[WEB_EXPLAIN_MAX];
};

/* --- publication servers --- */

#define WEB_SOURCES_MAX		4096	/* more than the fetcher follows (FETCH_PLACES_MAX) */
#define WEB_SOURCES_DEFAULT	200	/* what a reader looks at */
/* Nobody has asked it for so long: it is not wanted any more (FETCH_FORGET_MS, and a rest). */
#define WEB_SOURCE_FORGET_SEC	(26 * 3600)

/* Worst first: what worked and does not may soon cost data that are in service. */
enum web_source_state {
	WEB_SOURCE_FAILING,	/* what it gave before is used */
	WEB_SOURCE_NEVER,	/* it has never given anything */
	WEB_SOURCE_GOOD,
	WEB_SOURCE_MAX
};

struct web_sources {
	json_t		*by_key;	/* NULL before the first */
	json_t		*by_code;	/* code -> attempts that failed by it */
	uint64_t	 n_attempts[2];	/* failed, good */
	uint64_t	 bytes;
};

/* How an attempt went; json as in MSG_source_result. -EBADMSG: it is not that. */
int	 web_sources_put(struct web_sources *, struct sv key, bool ok, int64_t at,
	    struct sv json) MUST_USE;
/* Forget those that nobody has asked for long. */
void	 web_sources_prune(struct web_sources *, int64_t now);
void	 web_sources_done(struct web_sources *);

/* --- counts over time --- */

#define WEB_POINT_SEC		60
#define WEB_POINTS_MAX		1500	/* a day of minutes; older ones get thinner */
#define WEB_CHANGES_MAX		200	/* rows that are told */
#define WEB_HISTORY_MAX		(4u * 1024 * 1024) /* 2000 points of 100 bytes, changes */

enum web_point_value {			/* in the order of web_history.c's columns */
	WP_V4, WP_V6, WP_ASPAS, WP_KEYS,
	WP_REJECT, WP_WARN, WP_NOTE,
	WP_HELD,			/* by the drop guard */
	WP_AGE,				/* of the data, seconds */
	WP_GOOD, WP_FAILING, WP_NEVER,	/* servers */
	WP_MAX
};

struct web_point {
	int64_t		at;
	uint32_t	span;		/* seconds that it stands for */
	uint32_t	serial;
	uint64_t	n[WP_MAX];
};

struct web_points {
	size_t			n;
	struct web_point	p[WEB_POINTS_MAX];	/* by time */
};

/* How it is now; without data there is nothing to note. */
void	 web_points_add(struct web_points *, int64_t now, const struct web_data *,
	    const struct web_sources *);

struct web_ctx {
	int64_t			 now;
	bool			 loopback;	/* it came over a loopback listener */
	const struct web_conf	*conf;
	const struct web_data	*data;		/* NULL: none yet */
	json_t			*routers;	/* of the rtr role, or NULL */
	json_t			*house;		/* of the parent, or NULL */
	json_t			*validate;	/* of its last run, or NULL */
	json_t			*mail;		/* of the mail filter, or NULL */
	json_t			*reports;	/* of role report, or NULL */
	const struct told	*names;		/* zones that are signed here; maybe none */
	json_t			*history;	/* of the store, or NULL */
	uint64_t		 n_histories;	/* how many came: the page sees a new one */
	const struct web_sources *sources;
	const struct web_points	*points;
	const struct web_stats	*stats;
};

enum web_result {
	WEB_DONE,		/* res is the answer */
	WEB_ASK,		/* ask the validator; res is untouched */
};

struct web_question {
	struct sv	subject;	/* a slice of the request */
	enum lang	lang;
};

enum web_result web_handle(const struct web_ctx *, const struct http_req *,
	    struct http_res *, struct web_question *);

/*
 * The answer to WEB_ASK. code as in MSG_explain_answer; json may be anything:
 * what is no JSON object becomes an error.
 */
void	 web_explained(struct http_res *, enum lang, uint32_t code, struct sv json);
/* "Busy" or "no answer in time", in the language. */
void	 web_explain_error(struct http_res *, enum lang, enum web_explained);

/* Does the loopback hold this address ("127.0.0.1:8323", "[::1]:80")? */
bool	 web_is_loopback(struct sv address);

#endif
