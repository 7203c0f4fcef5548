/* Between the files web_*.c only. */
#ifndef APP_WEB_INTERNAL_H
#define APP_WEB_INTERNAL_H

#include "app/web_api.h"
#include "base/json.h"

struct web_asset {
	const char	*path, *type, *etag;
	bool		 page;		/* has {{key}} places */
	struct sv	 data;
};

/* Made from www/ by tools/embed.py. */
extern const struct web_asset web_assets[];
extern const size_t web_n_assets;

enum web_error {
	WEB_BAD_HOST,
	WEB_CROSS_SITE,
	WEB_NO_TOKEN,
	WEB_NOT_FOUND,
	WEB_BAD_PARAM,
	WEB_BAD_PREFIX,
	WEB_BAD_ASN,
	WEB_BAD_SUBJECT,
	WEB_NO_DATA,
	WEB_BUSY,
	WEB_TIMEOUT,
	WEB_FAILED,
	WEB_NOT_UNDERSTOOD,
	WEB_NO_ZONE,
	WEB_ERROR_MAX
};

struct web_call {
	const struct web_ctx	*ctx;
	const struct http_req	*req;
	struct http_res		*res;
	enum lang		 lang;
	struct web_question	*question;
};

typedef enum web_result (*web_route_fn)(struct web_call *);

enum web_result web_error(struct web_call *, enum web_error);
/* With another text than the table's (of the validator). */
enum web_result web_error_text(struct web_call *, enum web_error, const char *text);

enum web_result web_status(struct web_call *);
enum web_result web_findings(struct web_call *);
enum web_result web_vrps(struct web_call *);
enum web_result web_routers(struct web_call *);
enum web_result web_servers(struct web_call *);
enum web_result web_history(struct web_call *);
enum web_result web_zones(struct web_call *);
enum web_result web_zone(struct web_call *);
enum web_result web_calendar(struct web_call *);
enum web_result web_mail(struct web_call *);
enum web_result web_strings(struct web_call *);
enum web_result web_metrics(struct web_call *);
enum web_result web_healthz(struct web_call *);
enum web_result web_explain(struct web_call *);

/* The page's file, with its texts filled in where it has places for them. */
void	 web_asset_write(struct web_call *, const struct web_asset *);
const struct web_asset *web_asset_find(struct sv path);

enum web_health {
	WEB_OK,
	WEB_HEALTH_NO_DATA,
	WEB_HEALTH_EXPIRED,
	WEB_HEALTH_OLD,
	WEB_HEALTH_ZONES,	/* a signature in service has ended */
};
/* All that is served here; and routes alone. */
enum web_health web_health(const struct web_ctx *);
enum web_health web_health_routes(const struct web_ctx *);
const char *web_health_name(enum web_health);	/* "ok", "no_data" … */

bool	 web_ours_asn(const struct web_conf *, uint32_t asn);
/* It overlaps with one of ours. */
bool	 web_ours_prefix(const struct web_conf *, const struct ip_prefix *);

struct web_guard {
	uint64_t	 held;
	int64_t		 until;		/* TIME_NEVER: the report does not say */
	const char	*hash;		/* hex; the report's */
};
/* Is anything held back? */
bool	 web_guard(const struct web_data *, struct web_guard *ret);

/* A server, judged; key and o are web_sources'. */
struct web_source {
	const char		*key;
	const json_t		*o;
	enum web_source_state	 state;
	bool			 is_ta;
};
struct web_source_list {
	struct web_source	*rows;		/* worst first */
	size_t			 n;
	uint64_t		 n_by_state[WEB_SOURCE_MAX];
};
/* A view of web_sources as it is now: -ENOMEM. */
int	 web_sources_sort(const struct web_sources *, struct web_source_list *ret) MUST_USE;
void	 web_source_list_done(struct web_source_list *);
/*
 * Findings by code, one row each: of the last validation, and of the last
 * attempt at each server. A new array; NULL: no memory.
 */
json_t	*web_findings_by_code(const struct web_ctx *);
void	 web_sources_count(const struct web_sources *, uint64_t n[static WEB_SOURCE_MAX]);
const char *web_source_state_name(enum web_source_state);

/* The member "zones" of the status. */
void	 web_zones_status(struct json *, const struct web_ctx *);
/* Has a signature of a zone in service ended? */
bool	 web_zones_expired(const struct web_ctx *);
/* No routes are validated here: zones or mail are all that is done. */
bool	 web_names_only(const struct web_ctx *);
struct metrics;
void	 web_zone_metrics(struct metrics *, const struct told *);
/* The member "mail" of the status. */
void	 web_mail_status(struct json *, const struct web_ctx *);
/* filter: of the mail filter, reports: of role report; each may be NULL. */
void	 web_mail_metrics(struct metrics *, const json_t *filter, const json_t *reports, int64_t now);
/* Does the house have this role? */
bool	 web_has_role(const struct web_ctx *, const char *name);
/* A member that is JSON already; null if it is absent. */
void	 web_raw(struct json *, const char *key, const json_t *);

/* Members of the report, forgiving: 0, NULL or an empty array if absent. */
uint64_t web_report_u64(const json_t *, const char *key);
json_t	*web_report_array(const struct web_data *, const char *key);

#endif
