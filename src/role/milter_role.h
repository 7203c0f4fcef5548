/*
 * milter: judges mail for Postfix and Sendmail while they take it in, by
 * libmilter's protocol: they tell it the connection, the envelope, the fields
 * and the body, and do what it says (app/mail_gate.h has what that is).
 *
 *	milter.c	the role: configuration, counts, what the log is told
 *	milter_mta.c	libmilter: its callbacks, and the threads that it makes
 *	milter_mail.c	one message in a thread: a gate, the DNS, its row
 *	milter_sign.c	the table of keys, and from threads to role seal and back
 *	milter_failure.c	failure reports, from threads to a journal of their own
 *
 * THREADS. libmilter blocks in smfi_main() and calls back on threads of its
 * own: one for each connection, or, as Debian builds it, whichever of a pool
 * is free, so that one message may see several, one after the other. All the
 * rest of this house has a loop, so smfi_main() runs on a task beside the
 * role's (sys/task.h). Threads see struct milter_hall, of which they change
 * nothing but counts; they neither log nor send frames, as those belong to the
 * loop: it looks at the counts once in a while, and says of each kind of
 * trouble one line a minute.
 *
 * That pool makes a thread when it believes that none is idle. Where many
 * messages come to their end at the same moment and wait for the DNS, some are
 * left unread until one of these has ended (2026-11-23, libmilter 8.17.1: 180
 * at once and a silent resolver, 48 threads; the others waited 9 seconds). Who
 * stops in the middle of a packet holds a thread likewise: no MTA does.
 *
 * When the role ends, it just ends: smfi_stop() waits for the lock that the
 * listener holds while it polls, up to five seconds (libmilter 8.17). Who is in
 * the middle of a message finds the connection closed, as after a kill.
 *
 * NO MAIL IS LOST. What cannot be judged (no memory, too much at a time, a
 * fault of ours) is let in or asked for again later, as the configuration
 * chose (mail.on-failure); it is never refused. When this process is not
 * there, the MTA does what its own configuration says (Postfix:
 * milter_default_action), so a kill in the middle of a message delays it and
 * no more.
 */
#ifndef ROLE_MILTER_ROLE_H
#define ROLE_MILTER_ROLE_H

#include <stdatomic.h>

#include "app/mail_cache.h"
#include "app/mail_dns.h"
#include "app/mail_failure_box.h"
#include "app/mail_gate.h"
#include "app/mail_journal.h"
#include "role/role.h"
#include "sys/desk.h"
#include "sys/lend.h"

#define MILTER_CONNECTIONS_MAX	2000		/* each is a thread; Postfix has 100 smtpd by default */
#define MILTER_RECIPIENTS_MAX	1000		/* of a message: Postfix's smtpd_recipient_limit */
#define MILTER_ENVELOPE_MAX	((size_t)3 << 20) /* octets of an envelope: as many addresses, as long as may be */
#define MILTER_STACK		((size_t)1 << 20) /* of a thread: address space, a tenth of it is touched */
#define MILTER_DNS_SEC		30		/* for all questions of a message; RFC 7208 section 4.6.4: 20 */
#define MILTER_SIGN_USEC	5000000		/* for an answer of role seal, which takes a millisecond */
#define MILTER_SEGMENT		((uint64_t)4 << 20) /* octets of rows that are handed on together … */
#define MILTER_SEGMENT_SEC	10		/* … or what has come in so long: role report takes them in */
#define MILTER_IDLE_SEC		3600		/* an MTA says nothing for so long: it is gone */
#define MILTER_BACKLOG		200		/* connections that wait to be taken */
#define MILTER_ADDRESS_MAX	2000		/* octets of an address; RFC 5321 has 256 */

/* What has happened since the role began. */
struct milter_counts {
	atomic_uint_fast64_t	messages, accepted, rejected, deferred, quarantined;
	atomic_uint_fast64_t	own, relayed, signed_, sealed, changed;	/* fields removed and added */
	atomic_uint_fast64_t	marked;		/* with a mark (BIMI) */
	atomic_uint_fast64_t	nameless;	/* without a queue id */
	/* trouble, each with a line for the log (milter.c) */
	atomic_uint_fast64_t	crowded;	/* more than mail.max-messages at a time */
	atomic_uint_fast64_t	failed;		/* could not be judged */
	atomic_uint_fast64_t	unkept;		/* rows that could not be kept */
	atomic_uint_fast64_t	unsigned_;	/* signatures that could not be had */
	atomic_uint_fast64_t	odd;		/* an MTA that cannot do what we need */
	atomic_uint_fast64_t	unreported;	/* failure reports that could not be kept, or were too many */
	atomic_uint_fast64_t	reported;	/* failure reports */
	/* now */
	atomic_uint		connections, judging;
};

/* What all threads share. */
struct milter_hall {
	struct role		*role;		/* for its clock, nothing else */
	struct mail_gate_conf	 gate;		/* but for the table of keys */
	struct lend		*signs;		/* struct mail_sign_table */
	struct mail_signer	 signer;
	struct desk		*desk;
	struct mail_dns_resolvers resolvers;
	struct mail_cache	*cache;
	struct dkim_pubs	*pubs;
	struct mail_marks	*marks;		/* NULL: none are shown */
	struct mail_journal	*journal;	/* NULL: no reports are made of what comes in */
	struct mail_failure_box	*failures;	/* NULL: no failure reports are */
	uint32_t		 max_messages;
	struct milter_counts	 n;
};

/* --- keys and signatures (milter_sign.c); all but the signer in the loop --- */

int	 milter_sign_init(struct milter_hall *, struct role *) MUST_USE;
/* A table of role seal's. */
int	 milter_sign_table(struct milter_hall *, int fd) MUST_USE;
void	 milter_sign_answer(struct milter_hall *, const struct msg_seal_answer *);

/* --- failure reports (milter_failure.c); all but put in the loop --- */

struct milter_failures;
/* Folder and key. key: in the pool. */
int	 milter_failures_init(struct milter_hall *, struct role *, const struct msg_milter_conf *,
	    struct pool *, struct milter_failures **ret) MUST_USE;
/* By any thread, and never in the way of a verdict. */
void	 milter_failures_put(struct milter_hall *, const struct mail_failure *, int64_t now);
/* Now and then: from the box to the disk. */
void	 milter_failures_turn(struct milter_failures *);

/* --- one message (milter_mail.c) --- */

struct milter_mail;
/* Texts are copied. */
int	 milter_mail_new(struct milter_hall *, const struct mail_gate_mail *,
	    struct milter_mail **ret) MUST_USE;
struct milter_mail *milter_mail_free(struct milter_mail *);
void	 milter_mail_field(struct milter_mail *, struct sv name, struct sv value);
void	 milter_mail_head_end(struct milter_mail *);
void	 milter_mail_body(struct milter_mail *, struct sv piece);
/* *ret lives as long as the mail. */
void	 milter_mail_end(struct milter_mail *, struct sv queue_id, struct mail_gate_out *ret);

/* --- libmilter (milter_mta.c) --- */

/* Before the sandbox closes. -EINVAL: no such place; -EIO: it cannot listen there. */
int	 milter_mta_open(struct milter_hall *, struct sv listen, unsigned mode) MUST_USE;
/* Serve, on a thread of its own. Returns where libmilter gives up. */
void	 milter_mta_run(void);

#endif
