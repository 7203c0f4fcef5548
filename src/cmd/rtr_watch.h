/* What rtr check and rtr diff share: addresses, dialling, why it failed. */
#ifndef CMD_RTR_WATCH_H
#define CMD_RTR_WATCH_H

#include "app/watch_cache.h"
#include "base/json.h"
#include "cmd/rtr_dial.h"

/* HOST, HOST:PORT, [ADDRESS]:PORT; without a port the standard's, 323 or 324. */
void	 rtr_watch_address(struct buf *ret, const char *text, bool tls);
/* To this machine itself? */
bool	 rtr_watch_is_local(const char *address);

struct rtr_watch_dial {
	const struct cmd_ctx	*ctx;
	const struct rtr_dial	*dial;
};
/* For struct watch_conf; arg is a struct rtr_watch_dial. */
int	 rtr_watch_dial(void *arg, const char *address, int msec, struct link *ret);

/* Why it failed, in words; w may be NULL. */
void	 rtr_watch_why(const struct cmd_ctx *, const struct watch_cache *w, int rc, struct buf *ret);
void	 rtr_watch_findings_json(struct json *, const struct findings *, enum lang);

/* The states of monitoring's plug-ins, which are their exit codes. */
enum watch_state { WATCH_OK, WATCH_WARNING, WATCH_CRITICAL, WATCH_UNKNOWN };
const char *rtr_watch_state_name(enum watch_state);
enum watch_state rtr_watch_state(const struct findings *);

#endif
