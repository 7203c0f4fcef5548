/*
 * The web server as a part of a role: listeners, the state that web_handle()
 * looks at, and the queue of questions to the validator. Questions are
 * costly, so one is out at a time, a few wait, and each has a deadline; the
 * page and the metrics are answered meanwhile. Every minute, and with each
 * snapshot, counts and ages are noted for the plots.
 */
#ifndef APP_WEB_SERVER_H
#define APP_WEB_SERVER_H

#include "app/web_api.h"

#define WEB_LISTENERS_MAX	4	/* both families, a second address each */
#define WEB_QUEUE_MAX		16	/* more people than that wait for seconds */
#define WEB_ASK_SEC		20	/* an answer takes far less than one */

struct web_server_ops {
	int64_t	(*now)(void *arg);
	/* Send the question on; negative: nobody is there to answer. */
	int	(*ask)(void *arg, uint32_t id, enum lang, struct sv subject);
	void	*arg;
	int64_t	 ask_usec;	/* how long a question may take; 0: WEB_ASK_SEC */
};

struct web_server;

int	 web_server_new(struct loop *, const struct web_server_ops *,
	    struct web_server **ret) MUST_USE;
struct web_server *web_server_free(struct web_server *);
/* Serve on this socket, too; takes it over on success. */
int	 web_server_listen(struct web_server *, int fd, struct sv address) MUST_USE;
/* These take over what they are given; the old one is freed. */
void	 web_server_conf(struct web_server *, struct web_conf *);
void	 web_server_data(struct web_server *, struct web_data *);
/* JSON objects of other roles; what is none is ignored (-EBADMSG). */
int	 web_server_routers(struct web_server *, struct sv json);
int	 web_server_house(struct web_server *, struct sv json);
int	 web_server_validate(struct web_server *, struct sv json);
int	 web_server_mail(struct web_server *, struct sv json);
int	 web_server_reports(struct web_server *, struct sv json);
int	 web_server_zones(struct web_server *, struct sv json);
int	 web_server_keys(struct web_server *, struct sv json);
/*
 * Of the store: {"points":[[at, span, serial, IPv4, IPv6, ASPAs, router keys,
 * REJECT, WARN, NOTE, held]…], "changes":[{"at","serial","kind","announce",
 * "prefix","maxLength","asn","before","after","ski","ta","cause","code","ca",
 * "speaker"}…], "recorded_since"}. Points by time, changes newest first.
 */
int	 web_server_history(struct web_server *, struct sv json);
/*
 * How it went with one publication server; one entry a key, at most
 * WEB_SOURCES_MAX. One that has been good again is good again.
 */
int	 web_server_source(struct web_server *, struct sv key, bool ok, int64_t at,
	    struct sv json);
/* The validator's answer; one that came too late is ignored. */
void	 web_server_answer(struct web_server *, uint32_t id, uint32_t code,
	    struct sv json);

#endif
