/* Inside the parent: shared by parent*.c only. */
#ifndef ROLE_PARENT_H
#define ROLE_PARENT_H

#include "app/conf.h"
#include "app/rtr_auth.h"
#include "app/rtr_server.h"
#include "role/role.h"
#include "sys/ctl.h"
#include "sys/net_tcp.h"
#include "sys/proc.h"

#define LISTENERS_MAX	48	/* of all roles together; zones have two for each address */
#define TOKEN_MAX	255
#define BACKOFF_MIN_MS	100
#define BACKOFF_MAX_MS	30000
#define BACKOFF_WISH_MS	500	/* a role that ends by itself, with status 0 */
#define BACKOFF_GOOD_S	5	/* after so long a life the next death is a first one */
#define STOP_MS		3000	/* for a role that is asked to finish */
#define STATUS_MS	1500	/* validate may be at work */
#define HOOKS_MAX	8	/* programs of the operator at a time */

struct child {
	struct parent		*p;
	enum role_id		 id;
	pid_t			 pid;		/* 0: down */
	struct chan		*chan;
	bool			 ready, disliked, overdue;
	int64_t			 since;		/* of this life */
	int64_t			 since_mono;
	uint64_t		 restarts;
	uint32_t		 backoff_ms;
	struct loop_timer	*timer;		/* down: to start again; up: the end of its life */
	struct buf		 conf;		/* the payload of its configuration */
	int64_t			 told_minute;	/* of n_told: lines for our logs */
	uint32_t		 n_told;
	uint64_t		 n_slowed;	/* others were not quick enough for it */
	int64_t			 slowed_minute;	/* … told in our log */
	unsigned		 n_histories;	/* asked for in this life */
	bool			 asked;		/* for its status, not answered yet */
	struct buf		 status;	/* its last answer */
};

struct listener {
	enum role_id		 role;
	char			 asked[TCP_TEXT_MAX];	/* as configured */
	struct tcp_name		 bound;
	int			 fd;
	bool			 tls, udp;
};

/* A client that asked a role something; NULL: a free place. */
struct key_wait {
	uint32_t		 req;
	enum role_id		 role;		/* key or zone */
	struct ctl_client	*client;
};

struct parent_hook;

/* What authenticates RTR and transfers: read and judged before anything is changed. */
struct auth {
	struct rtr_tls_pems	 tls;
	struct tcp_secret	 md5[RTR_MD5_MAX];
	size_t			 n_md5;
	struct buf		 tsig;		/* dns.tsig-keys, for zone */
};

struct logs {
	int	op, object, audit;
	bool	journal;
};

enum stage {
	STAGE_UP,
	STAGE_READERS,		/* all but the store are asked to finish */
	STAGE_STORE,
	STAGE_DOWN,
};

struct parent {
	struct loop		*loop;
	const char		*conf_file, *state_opt;	/* NULL: none given */
	const char		*crypto_opt;		/* "": none given */
	enum lang		 lang;
	int64_t			 clock_offset;
	bool			 no_sandbox, verbose;
	char			 folder[4096];		/* of the role programs */
	struct conf		*conf;
	char			 token[TOKEN_MAX + 1];
	struct auth		 auth;
	struct logs		 logs;
	int			 lock;
	int			 ring;			/* validate's and verify's memory; -1 */
	int			 key_ring;		/* zone's and key's; -1 */
	struct listener		 listeners[LISTENERS_MAX];
	unsigned		 n_listeners;
	struct child		 children[ROLE_MAX];	/* [ROLE_PARENT] unused */
	struct ctl		*ctl;
	struct ctl_client	*status_client;		/* waits for the roles */
	struct ctl_client	*release_client;	/* waits for validate */
	uint32_t		 release_id;
	struct key_wait		 key_waits[CTL_CLIENTS_MAX];	/* for key */
	uint32_t		 keys_id;
	struct parent_hook	*hooks[HOOKS_MAX];	/* running; NULL: a free place */
	struct loop_timer	*status_timer;
	uint32_t		 status_id;
	enum stage		 stage;
	struct loop_timer	*stop_timer, *watch_timer;
	bool			 watching;	/* the timer runs */
	int64_t			 since;
	uint64_t		 reloads;
	int			 rc;
};

/* parent.c */
int64_t	 parent_now(const struct parent *);
void	 parent_log(struct parent *, enum log_level, const char *fmt, ...) PRINTF(3, 4);
void	 parent_audit(struct parent *, const char *event, const char *json);

/* parent_child.c: starting, routing, restarting, stopping */
int	 children_setup(struct parent *);
void	 child_start(struct child *);
void	 child_restart(struct child *, const char *why);
/* A reload no longer needs it, or needs one that is down. */
void	 child_retire(struct child *);
void	 child_start_soon(struct child *);
void	 children_reaped(struct parent *);
void	 children_stop(struct parent *);
bool	 children_gone(const struct parent *);
int	 child_send(struct child *, enum msg_type, const void *msg);

/* parent_listen.c: sockets, and what authenticates RTR */
int	 conf_listeners(struct parent *, const struct conf *, const struct auth *,
	    struct buf *err);
/* Are a role's sockets no longer those of old? */
bool	 listeners_changed(const struct parent *, const struct listener *old, unsigned n_old,
	    enum role_id);
/* Certificates, keys and secrets of this configuration. */
int	 conf_auth(struct parent *, const struct conf *, struct auth *ret, struct buf *err);
void	 auth_done(struct auth *);

/* parent_tell.c: what the roles are told */
/* Are repositories fetched from the network? */
bool	 conf_live(const struct conf *);
/* Does this configuration need that role? */
bool	 conf_wants(const struct conf *, enum role_id);
/* The configuration of a role as its parent would send it now. */
int	 conf_send(struct child *);
/* Is that another one than it was sent last? */
bool	 conf_changed(struct child *);

/* parent_conf.c: logs, the token, reload */
int	 conf_logs(struct parent *, const struct conf *, const struct proc_user *,
	    struct buf *err);
int	 conf_token(const struct conf *, char token[static TOKEN_MAX + 1], struct buf *err);
/* Read it anew; negative: *err says why and everything stays as it was. */
int	 conf_reload(struct parent *, struct buf *err);

/* parent_crypto.c: how signatures are verified */
/* As the command line or the configuration wishes it. */
struct sv crypto_wish(const struct parent *);
/* What a role is told of it; false: it verifies none. */
bool	 crypto_fill(const struct parent *, enum role_id, struct msg_crypto *ret);
/* To the operator's log: a wish that can be had, or cannot. Nothing of "auto". */
void	 crypto_log(struct parent *);

/* parent_tsig.c: the keys of zone transfers */
int	 tsig_read(struct parent *, const struct conf *, struct buf *ret, struct buf *err);
/* What changes when they do; the same of any text. */
void	 tsig_mark(const struct parent *, struct buf *);
void	 conf_mark(struct sv text, struct buf *);
int	 tsig_send(struct child *);

/* parent_ctl.c: what the control socket and the page get to know */
void	 ctl_line(void *arg, struct ctl_client *, struct sv line);
void	 status_answered(struct parent *);
void	 house_send(struct parent *);
void	 status_timeout(void *arg);
/* validate's word on "release HASH", or NULL: it is down. */
void	 release_answered(struct parent *, const struct msg_guard_answer *);
void	 parent_hup(void *arg);		/* SIGHUP: reload */

/* parent_keys.c: what is asked of key */
void	 keys_backed_up(struct parent *, struct ctl_client *, struct sv zone);
/* "VERB ZONE KEY DETAIL", "-" for what is not given. */
void	 keys_command(struct parent *, struct ctl_client *, struct sv words);
/* "ZONE", or "from NUMBER": a page of all. */
void	 keys_show(struct parent *, struct ctl_client *, struct sv words);
void	 zones_show(struct parent *, struct ctl_client *, struct sv words);
/* Names of domains between blanks, for role report. */
void	 complaint_note(struct parent *, struct ctl_client *, struct sv names);
/* It is down, and nobody waits for it any longer. */
void	 waits_drop(struct parent *, enum role_id);
/* Its word. */
void	 keys_answered(struct parent *, const struct msg_key_answer *);
void	 keys_shown(struct parent *, const struct msg_key_shown *);
void	 zones_shown(struct parent *, const struct msg_zone_shown *);
void	 complaint_answered(struct parent *, const struct msg_report_complained *);

/* parent_hook.c: the operator's program for DS changes */
void	 hook_asked(struct parent *, const struct msg_hook_run *);
bool	 hooks_reaped(struct parent *, pid_t, const char *how);
void	 hooks_stop(struct parent *);

#endif
