/*
 * The control socket: a unix socket on which the operator's commands talk to
 * the daemon. A request is one line of printable ASCII; the answer is lines
 * of JSON, then the end. Who may open the socket (0660) may ask.
 *
 * A client that sends anything else, or nothing for CTL_WAIT_MSEC, is closed;
 * there are at most CTL_CLIENTS_MAX.
 */
#ifndef SYS_CTL_H
#define SYS_CTL_H

#include "base/buf.h"
#include "base/sv.h"
#include "sys/loop.h"

#define CTL_LINE_MAX	3600	/* a verb, a zone's name, a key's, the zone's name again */
#define CTL_CLIENTS_MAX	16		/* people and monitoring, not traffic */
#define CTL_WAIT_MSEC	5000
#define CTL_USER_MAX	64		/* a user's name; a longer one is cut */
#define CTL_WHO_MAX	(CTL_USER_MAX + 48)
#define CTL_ANSWER_MAX	(16 * 1024 * 1024)	/* a page of zones has 2, and one more zone */

struct ctl;
struct ctl_client;

/* One complete line; answer now or later with ctl_answer(). */
typedef void (*ctl_fn)(void *arg, struct ctl_client *, struct sv line);

/* A socket file left by a dead daemon is replaced: the caller has the lock. */
int	 ctl_listen(struct loop *, const char *path, ctl_fn, void *arg,
	    struct ctl **ret) MUST_USE;
struct ctl *ctl_free(struct ctl *);		/* removes the socket file */
/*
 * Send it and close. A client that went away is remembered until its answer,
 * so that every line gets exactly one.
 */
void	 ctl_answer(struct ctl_client *, struct sv);

/* Who asks, for the audit log: "root (uid 0, pid 4711)". Printable ASCII that no sink need escape. */
const char *ctl_who(const struct ctl_client *, char buf[static CTL_WHO_MAX]);

/* The other side: ask and wait for the whole answer. SE_TIMEOUT, -ECONNREFUSED … */
int	 ctl_ask(const char *path, const char *line, int msec, struct buf *ret) MUST_USE;

#endif
