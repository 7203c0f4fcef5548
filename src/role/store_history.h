/*
 * The store role's third part: the history (store/history.h), written after
 * a snapshot was announced, in slices between other work.
 *
 * From what was recorded last to what is newer, one after the other; at the
 * start from the snapshots that are kept. When the disk fails, the next
 * attempt leads from the same point to the newest: nothing is skipped.
 */
#ifndef ROLE_STORE_HISTORY_H
#define ROLE_STORE_HISTORY_H

#include "role/role.h"
#include "store/store.h"

struct store_history;

/* In the configuration's handler, before the sandbox closes. A disk that fails is logged. */
int	 store_history_new(struct role *, const struct msg_store_conf *, const struct store *,
	    struct store_history **ret) MUST_USE;
void	 store_history_conf(struct store_history *, const struct msg_store_conf *);
struct store_history *store_history_free(struct store_history *);
DEFINE_CLEANUP(struct store_history, store_history_free)
/* All of these take NULL: there is no history. */
int	 store_history_start(struct store_history *) MUST_USE;
/* A snapshot is current now; changed: it has a new serial. */
void	 store_history_stored(struct store_history *, bool changed);
/* A run's findings; takes the descriptor. */
void	 store_history_findings(struct store_history *, int *lines);
/* How a publication server did. */
void	 store_history_source(struct store_history *, const struct msg_source_result *);
/* Zones are signed here; and what zone (or key) tells of them. -EBADMSG: no JSON. */
void	 store_history_expect_zones(struct store_history *);
int	 store_history_told(struct store_history *, bool by_key, struct sv json) MUST_USE;
/* Keys that sign mail (messages.def: seal_told). -ENOMEM. */
int	 store_history_mail_keys(struct store_history *, struct sv lines) MUST_USE;
/* Reports of mail (report_health). */
int	 store_history_mail_reports(struct store_history *, struct sv lines) MUST_USE;
int	 store_history_hooked(struct store_history *, const struct msg_webhook_done *) MUST_USE;
void	 store_history_mailed(struct store_history *, const struct msg_mail_done *);
/* The page wants counts and changes, now and when there is more. */
int	 store_on_history_ask(struct store_history *) MUST_USE;
void	 store_history_status(const struct store_history *, struct json *);

#endif
