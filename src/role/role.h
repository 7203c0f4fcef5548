/*
 * role: the processes of `sekisho serve`.
 *
 * The parent (role/parent.c, run by cmd/serve.c) reads the configuration,
 * takes the state directory's lock, opens logs and listening sockets, drops
 * its privileges and starts one small binary per job:
 *
 *	store     the only one that writes: keeps and announces snapshots
 *	validate  reads what strangers wrote: repositories in, snapshots out
 *	rtr       talks to routers
 *	web       talks to browsers and to monitoring
 *	fetch     talks to publication servers (RRDP); decides when and what
 *	rsync     starts the rsync program in a box, hands over what came
 *	verify    does arithmetic for validate, and brings facts to the store
 *	mail      hands alarms to the sendmail program, in a box
 *	zone      reads zone files, signs with key's help, verifies the result
 *	key       holds the keys of zones; signs, and parses nothing
 *	name      looks at the servers of zones and of their parents, tells key
 *	milter    judges mail at the gate of an MTA
 *	seal      holds the keys that sign mail; signs digests, and parses nothing
 *	mark      fetches the marks that domains publish (BIMI), and judges them
 *	report    sums up what milter judged, sends reports to the domains' owners
 *
 * Each has one socket pair to the parent, on fd 3, and nothing else: an
 * empty environment, no other descriptors but stderr. The parent is the
 * middle of a star: it looks at the head of each frame, checks it against
 * the table role/messages.def (may this role send this, to that one?) and
 * passes it on unopened. A role that sends anything else is killed and
 * restarted; one that dies is restarted with backoff (0.1 s, doubling to
 * 30 s; short again after 5 s of good work). While a role is down, frames for
 * it are dropped: each is either asked for again at start (snapshot_ask) or
 * is of that moment only. A role that says more to another than that reads is
 * not read for a while (sys/frame.h: chan_relay()), and one that reads nothing
 * for 30 s is killed.
 *
 * The life of a role, all of it in role_main():
 *
 *	start       frame from the parent: clock offset, sandbox yes or no
 *	listen…     bound sockets, if it has any
 *	XXX_conf    the handler opens what it needs and names the paths that it
 *	            must reach later with role_path(); when it returns, the
 *	            sandbox closes
 *	def->start  first code inside the sandbox: add timers, ask for the
 *	            history; then `ready` goes to the parent
 *	…           frames and events, until `shutdown`, SIGTERM, or the end of
 *	            fd 3 (the parent is gone): def->stop, exit
 *
 * So a role's file is: a struct with its state, a table of handlers, and a
 * `struct role_def`:
 *
 *	static int
 *	on_use(struct role *r, enum role_id from, void *msg)
 *	{
 *		struct msg_snapshot_use *m = msg;
 *		struct rtr_state *st = r->state;
 *		…keep m->snapshot: set it to -1, or it is closed after return…
 *		return 0;
 *	}
 *
 *	static const struct role_handler handlers[] = {
 *		{ MSG_snapshot_use, on_use },
 *	};
 *
 *	int
 *	main(void)
 *	{
 *		static const struct role_def def = { .id = ROLE_RTR, … };
 *		return role_main(&def);
 *	}
 *
 * Texts in a message point into the frame: copy what is to stay. A handler
 * that returns a negative code ends the role (logged); the parent restarts
 * it. Nothing in a role blocks for long, except validate, which works.
 *
 * kill -9 of any of them, the parent included, loses nothing: the store's
 * last good snapshot is on the disk, checked, and is announced again.
 */
#ifndef ROLE_ROLE_H
#define ROLE_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/sv.h"
#include "base/util.h"
#include "sys/frame.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys/sandbox.h"

enum role_id {
	ROLE_PARENT,
	ROLE_STORE,
	ROLE_VALIDATE,
	ROLE_RTR,
	ROLE_WEB,
	ROLE_FETCH,
	ROLE_RSYNC,
	ROLE_VERIFY,
	ROLE_MAIL,
	ROLE_ZONE,
	ROLE_KEY,
	ROLE_NAME,
	ROLE_SEAL,
	ROLE_MILTER,
	ROLE_REPORT,
	ROLE_MARK,
	ROLE_MAX
};

#define R_PARENT	(1U << ROLE_PARENT)
#define R_STORE		(1U << ROLE_STORE)
#define R_VALIDATE	(1U << ROLE_VALIDATE)
#define R_RTR		(1U << ROLE_RTR)
#define R_WEB		(1U << ROLE_WEB)
#define R_FETCH		(1U << ROLE_FETCH)
#define R_RSYNC		(1U << ROLE_RSYNC)
#define R_VERIFY	(1U << ROLE_VERIFY)
#define R_MAIL		(1U << ROLE_MAIL)
#define R_ZONE		(1U << ROLE_ZONE)
#define R_KEY		(1U << ROLE_KEY)
#define R_NAME		(1U << ROLE_NAME)
#define R_SEAL		(1U << ROLE_SEAL)
#define R_MILTER	(1U << ROLE_MILTER)
#define R_REPORT	(1U << ROLE_REPORT)
#define R_MARK		(1U << ROLE_MARK)
#define R_ALL		(R_STORE | R_VALIDATE | R_RTR | R_WEB | R_FETCH | R_RSYNC | R_VERIFY | \
	R_MAIL | R_ZONE | R_KEY | R_NAME | R_SEAL | R_MILTER | R_REPORT | R_MARK)

const char	*role_name(enum role_id);	/* "store" … */

/* MSG_start, … : the numbers on the wire. */
#define MSG_BEGIN(name, no, from, to)	MSG_##name = (no),
#define U32(name, f)
#define U64(name, f)
#define I64(name, f)
#define FD(name, f)
#define STR(name, f, max)
#define BYTES(name, f, max)
#define MSG_END(name)
enum msg_type {
#include "role/messages.def"
};

/* struct msg_start { int64_t clock_offset; … }; … */
#define MSG_BEGIN(name, no, from, to)	struct msg_##name {
#define U32(name, f)			uint32_t f;
#define U64(name, f)			uint64_t f;
#define I64(name, f)			int64_t f;
#define FD(name, f)			int f;
#define STR(name, f, max)		struct sv f;
#define BYTES(name, f, max)		struct sv f;
#define MSG_END(name)			char end_; };
#include "role/messages.def"

extern const struct frame_table messages;
/* The row of a type; NULL if there is none. */
const struct frame_def *message_def(uint16_t type);

struct role;

/* Of a role that verifies signatures: role/crypto.h. */
struct role_crypto {
	int		(*take)(struct sv wish);
	void		(*status)(struct json *);	/* a member of an open object */
};

struct role_handler {
	enum msg_type	type;
	int		(*fn)(struct role *, enum role_id from, void *msg);
};

struct role_def {
	enum role_id			 id;
	const struct role_handler	*handlers;
	size_t				 n_handlers;
	enum msg_type			 conf;		/* its configuration's message */
	size_t				 state_size;	/* zeroed, r->state */
	const struct sandbox_profile	*sandbox;
	const struct role_crypto	*crypto;	/* NULL: it verifies none */
	int		(*start)(struct role *);	/* inside the sandbox */
	void		(*status)(struct role *, struct json *); /* members of an open object */
	void		(*stop)(struct role *);
};

struct role {
	const struct role_def	*def;
	struct loop		*loop;
	void			*state;
	struct role_priv	*priv;
};

int		 role_main(const struct role_def *);

int64_t		 role_now(const struct role *);	/* seconds, offset applied */
/* To the operator's log; rate-limited by nobody: say a thing once. */
void		 role_log(struct role *, enum log_level, const char *fmt, ...) PRINTF(3, 4);
/* To the audit log; json is an object with the details, or empty. */
void		 role_audit(struct role *, const char *event, struct sv json);
/* Another sandbox than the definition's, copied; only before it closes. */
int		 role_sandbox(struct role *, const struct sandbox_profile *) MUST_USE;
/* Has all that was said left? Who has much to say waits for it; what finds no room is lost. */
bool		 role_is_heard(const struct role *);
/* A path that stays reachable inside the sandbox; only before it closes. */
int		 role_path(struct role *, const char *path, enum sandbox_access) MUST_USE;
/*
 * The files of the system's resolver, likewise; one that is not there is no error. What can be
 * read inside are the files of now: *ret tells others from them. Where they have changed the
 * role ends in good order, as its next life has the new ones.
 */
int		 role_resolver(struct role *, uint64_t *ret) MUST_USE;
bool		 role_resolver_changed(struct role *, uint64_t was);
/* The operator's word (--no-sandbox), for a role that makes boxes of its own. */
bool		 role_no_sandbox(const struct role *);
/* The loop ends, role_main returns; rc < 0: as a failure. */
void		 role_stop(struct role *, int rc);

/* Through msg_NAME_send() below; a receiver that is down loses it. */
int		 role_send(struct role *, enum msg_type, enum role_id to, const void *msg);

/* int msg_NAME_send(struct role *, enum role_id to, const struct msg_NAME *); */
#define MSG_BEGIN(name, no, from, to)					\
static inline int							\
msg_##name##_send(struct role *r, enum role_id dst, const struct msg_##name *m)	\
{									\
	return role_send(r, MSG_##name, dst, m);			\
}
#define U32(name, f)
#define U64(name, f)
#define I64(name, f)
#define FD(name, f)
#define STR(name, f, max)
#define BYTES(name, f, max)
#define MSG_END(name)
#include "role/messages.def"

#endif
