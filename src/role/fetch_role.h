/*
 * The inside of role fetch.
 *
 *	fetch.c		frames, configuration, the loop around app/fetch_plan
 *	fetch_run.c	one attempt at one place: what is common to all
 *	fetch_rrdp.c	… by RRDP: notification, plan, deltas or snapshot
 *	fetch_ta.c	… a trust anchor's certificate from its TAL's URIs
 *	fetch_stage.c	conversations with the store
 *	fetch_result.c	what is told of an attempt, and of the whole
 *	fetch_hook.c	alarms to the operator's webhook
 *
 * An attempt ("run") belongs to one place, has one deadline and one budget of
 * bytes, and ends in run_end(): the plan learns the outcome, validate and the
 * page learn the result. Nothing that a run does waits for another one.
 */
#ifndef ROLE_FETCH_ROLE_H
#define ROLE_FETCH_ROLE_H

#include "app/fetch_plan.h"
#include "net/net.h"
#include "role/fetch_stage.h"
#include "rpki/rpki.h"

/* A notification is small: who needs longer has no business to hold a slot. */
#define NOTIFICATION_MSEC	30000
/* Findings of an attempt; 300 deltas may each have some. */
#define RUN_POOL_MAX		((size_t)16 * 1024 * 1024)
/* The certificate of a trust anchor has some 2 KB. */
#define TA_CERT_MAX		((size_t)1024 * 1024)
/* rsync's own deadline is the keeper's; this is for a keeper that died. */
#define RSYNC_GRACE_MSEC	60000

struct run;

struct fetch_role {
	struct role		*role;
	struct fetch_plan	*plan;
	struct fetcher		*fetcher;
	struct stages		*stages;
	struct loop_timer	*timer;
	struct run		*runs;		/* under way */
	uint32_t		 timeout_sec, max_mb;
	uint32_t		 last_req;	/* of rsync */
	uint64_t		 n_ok, n_failed, bytes;	/* since the start */
	struct fetch_wanted	 wanted;
	uint64_t		 resolver;	/* signature of its files */
	struct stage		*forgetting;
	struct fetch		*hook;		/* a webhook that is being told */
	uint32_t		 hook_id;
};

/* How one kind of place is fetched. */
struct run_kind {
	const char	*via;
	void		(*start)(struct run *);
	void		(*stop)(struct run *);	/* what is under way ends, silently */
};
extern const struct run_kind run_rrdp, run_ta, run_rsync;

struct rrdp_run;

struct run {
	struct run		*next;
	struct fetch_role	*fr;
	struct fetch_place	*place;
	const struct run_kind	*kind;
	struct loop_timer	*deadline;
	int64_t			 began_ms;
	struct pool		*pool;
	struct findings		 findings;	/* their subject is the key */
	struct stage		*stage;
	struct fetch		*fetch;
	bool			 committing;	/* too late to stop */
	bool			 has_data;
	uint64_t		 bytes, wire, changed;
	uint32_t		 retry_after_sec;
	const char		*via;
	/* what the result tells */
	char			 session[RRDP_SESSION_LEN + 1];
	uint64_t		 serial;
	struct rrdp_run		*rrdp;
	/*
	 * Trust anchors: ours, because a new list of what is wanted replaces the
	 * place's while we are under way.
	 */
	const char		*uris[FETCH_URIS_MAX];
	unsigned		 n_uris;
	struct sv		 spki;
	unsigned		 uri;		/* the one that is tried */
	/* … and rsync */
	struct buf		 body;
	uint32_t		 req;
};

/* fetch.c */
int64_t	 fetch_mono_ms(void);
void	 fetch_schedule(struct fetch_role *);

/* fetch_hook.c */
int	 fetch_on_webhook(struct role *, enum role_id from, void *msg);

/* fetch_run.c */
int	 run_start(struct fetch_role *, struct fetch_place *);
/* The attempt is over; the run is gone. */
void	 run_end(struct run *, bool ok);
/* rc < 0 of ours or the store's: it failed, through no fault of the server. */
void	 run_cannot(struct run *, const char *what, int rc);
uint32_t run_left_msec(const struct run *);
/* A request with what is left of time and bytes. */
struct fetch_req run_request(const struct run *, struct sv url);
int	 run_fetch(struct run *, const struct fetch_req *, fetch_data_fn, fetch_done_fn);
/* The request is over: count it, keep its finding. true: it was good. */
bool	 run_fetched(struct run *, const struct fetch_result *);
/* Ask the keeper of rsync; its answer ends the run, or comes to the kind. */
void	 run_rsync_ask(struct run *, struct sv module, struct sv key, struct sv spki);
void	 runs_rsync_answer(struct fetch_role *, const struct msg_rsync_answer *);
void	 runs_stop(struct fetch_role *);

/* fetch_ta.c: a URI by rsync has failed, the next one. */
void	 run_ta_next(struct run *);
int	 run_ta_init(struct run *);
/* What this URI gave has another key: a finding. */
void	 run_ta_key(struct run *);

/* fetch_result.c */
void	 result_send(struct run *, bool ok);
/* One that is wanted and not followed has settled, too. */
void	 fetch_status_json(const struct fetch_role *, struct json *);

#endif
