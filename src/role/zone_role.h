/*
 * zone: has unsigned zones, has them signed, verifies what came of it, and
 * gives it to the store, which writes it, and to the name servers that may
 * have it. It has no key of a zone and writes nothing.
 *
 *	zone.c		configuration, keys
 *	zone_turn.c	whose turn it is
 *	zone_end.c	what came of a run
 *	zone_in.c	from primaries: SOA timers, NOTIFY, IXFR, AXFR (and zone_in.h)
 *	zone_work.c	a run beside the loop: read, sign, verify, print
 *	zone_load.c	… the one that reads what a former life left
 *	zone_put.c	to the store, and when all of it is on the disk
 *	zone_out.c	to secondaries: sockets and transfers
 *	zone_serve.c	… and what is answered to a question
 *	zone_notify.c	NOTIFY, when there is a new version
 *	zone_audit.c	all of each zone verified again, for ever, a slice at a time
 *	zone_tell.c	logs, status, metrics, the key role
 *
 * One zone at a time is worked on, on a thread beside the loop:
 *
 *	read	the source, where it changed: a file as a whole, a transfer as
 *		what it changes
 *	sign	only what changed and what ends soon (dnssec/dnssec.h); private
 *		keys are asked for signatures through a ring (zone_keys.c)
 *	verify	the whole first version, then each change (dnssec/audit.h)
 *	put	what changed to the store; it is in service when the store says so
 *
 * What fails on the way leaves the version in service as it is: a source with
 * an error waits for the next change, a key or a disk that is not there is
 * asked again. At the start comes what a former life left (role/zone_keep.h):
 * all of it is verified, then it is served; signatures that still serve stay.
 *
 * Versions (struct zone) are immutable and their counts atomic: the loop sends
 * one while the thread makes the next. All else that z->now holds changes in
 * the loop only, and only while no thread runs. A task that is under way has
 * what it needs in its struct zone_work.
 */
#ifndef ROLE_ZONE_ROLE_H
#define ROLE_ZONE_ROLE_H

#include <stdatomic.h>

#include "app/told_turn.h"
#include "app/zone_list.h"
#include "dns/wire.h"
#include "dnssec/audit.h"
#include "dnssec/dnssec.h"
#include "role/role.h"
#include "role/zone_keep.h"
#include "sys/net_udp.h"
#include "sys/ring.h"
#include "sys/task.h"

#define ZONE_WHY_MAX	400
#define ZONE_TEXT_MAX	((size_t)4 << 30)	/* of a signed zone: 16 million names */
#define ZONE_SAID_MAX	160	/* what a server did, in a line */

/* What signatures are asked with: the ring, and which slots are in use. */
struct key_line {
	struct ring		*ring;
	_Atomic uint64_t	 busy;		/* a bit per slot */
	_Atomic uint32_t	 n_lost;	/* slots that nobody answered */
	_Atomic uint64_t	 n_signed;
};

/* Of which key a struct sign_key is: its .arg. */
struct key_place {
	struct key_line		*line;
	const struct dname	*apex;
	uint32_t		 generation;
	uint16_t		 place;
	bool			 is_token;	/* it is in a token: few at a time, and patience */
};

/* The keys of a zone as key told them. */
struct zone_keys {
	bool			 told;
	uint32_t		 state;		/* enum key_set_state */
	uint32_t		 generation;
	bool			 cds_delete;
	size_t			 n;
	struct sign_key		*key;		/* two or three, of KEYSTATE_KEYS_MAX */
	struct key_place	*place;
	struct sv		 octets;	/* what the keys point into; on the heap */
};

/* A difference between two signed versions; counted in the loop only. */
struct zone_step {
	unsigned		 refs;
	uint32_t		 from, to;
	size_t			 octets;	/* of its journal entry */
	struct xfr_diff		*diff;
};

/* Oldest first, each going on where the one before ended; the last leads to now. */
#define ZONE_STEPS_MAX	256
struct zone_history {
	struct zone_step	**v;		/* room for ZONE_STEPS_MAX; NULL: there never was one */
	size_t			 n, octets;
};

/* How the files of the store stand, of one side. */
struct zone_kept {
	uint64_t		 epoch;		/* 0: there is no image */
	uint64_t		 image_octets;
	uint64_t		 journal_octets;	/* where the next entry goes */
};

struct zone_version {
	struct zone		*plain, *signed_zone;
	struct sign_state	*state;		/* NULL: of a former life */
	struct audit_result	*audit;
	uint64_t		 stamp;		/* of the file it came from */
	uint32_t		 ttl_max;
	uint32_t		 generation;	/* of the keys; 0: not known */
	int64_t			 horizon;	/* the first signature to end; 0: there is none */
};

/* A transfer that is complete: one of the two. */
struct zone_got {
	struct zone_builder	*whole;
	struct xfr_diff		*diff;
	struct pool		*pool;		/* of what the builder found */
	struct findings		*fs;
};

enum zone_refusal {
	REFUSED_SOURCE,
	REFUSED_SIGNING,
	REFUSED_AUDIT,
	REFUSED_MAX
};

enum zone_phase {
	ZONE_IDLE,
	ZONE_RECALLING,		/* the store is asked for what is there */
	ZONE_WORKING,
	ZONE_PUTTING
};

enum zone_task {
	TASK_LOAD,
	TASK_SIGN,
	TASK_COMPACT,		/* the image anew, the journal cut */
	TASK_AUDIT		/* a slice of one */
};

struct zone_role;

/* A primary, and how it was when it was asked last. */
struct zone_primary {
	int64_t			 at;		/* 0: never */
	bool			 good, has_serial;
	uint32_t		 serial;
	char			 said[ZONE_SAID_MAX];
};

/* zone_in.c */
struct zone_in {
	struct zone_primary	*primaries;	/* as many as the zone has */
	struct zone_in_run	*run;		/* a transfer under way */
	struct zone_got		 got;		/* waits for its turn */
	bool			 has_got;
	bool			 again;		/* ask once more when this one has ended */
	bool			 whole;		/* a difference did not fit: AXFR */
	bool			 told_half, told_expired;	/* of the SOA's expire */
	size_t			 turn, tried;	/* which primary; how many in this round */
	size_t			 notified;	/* who said that there is something new, counted from 1; 0: nobody */
	unsigned		 n_failed;	/* rounds */
	int64_t			 next_at;
	int64_t			 good_at;	/* a primary said that this is what it has */
};

/* A server that is told of new versions. */
struct zone_told {
	struct zone_one		*z;
	const struct zone_peer	*peer;
	int			 fd;		/* -1: nothing is under way */
	struct loop_io		*io;
	struct tsig		 tsig;
	uint16_t		 id;
	unsigned		 n_tries;
	int64_t			 next_usec;
	uint32_t		 serial;
	bool			 waits;		/* for a socket */
	bool			 told, good;
	int64_t			 at;
	char			 said[ZONE_SAID_MAX];
	char			 heard[ZONE_SAID_MAX];	/* an answer that anybody may have sent */
};

struct zone_one {
	struct zone_role	*zr;
	const struct zone_list_entry *e;
	struct zone_version	 now;		/* in service */
	bool			 suspect;	/* … and did not pass when it was verified again */
	struct zone		*stale;		/* of a former life, not served: it does not hold any more */
	struct zone_history	 history;
	struct zone_kept	 kept[KEEP_SIDE_MAX];
	struct zone_keys	 keys;
	struct sign_policy	 policy;
	bool			 loaded;	/* what a former life left is known */
	uint64_t		 seen, tried;	/* stamps of the source */
	bool			 wanted;
	bool			 text_wanted;	/* the output is not what is in service */
	int64_t			 retry_at;
	unsigned		 n_failed;	/* in a row */
	int64_t			 compact_at;	/* not before: the last one failed */
	int64_t			 audited_at;	/* as a whole */
	uint64_t		 n_refused[REFUSED_MAX], n_signed;
	uint64_t		 sign_usec;	/* of the last run */
	uint64_t		 n_out;		/* transfers to secondaries */
	char			 why[ZONE_WHY_MAX];	/* "": all is well */
	int64_t			 why_since;
	struct zone_in		 in;
	struct zone_told	*told;		/* as many as e->notify */
};

/* One thing for the store. */
struct zone_piece {
	enum keep_side		 side;
	enum keep_kind		 kind;
	bool			 text;		/* the output instead */
	uint64_t		 at, octets;
	uint64_t		 epoch;
	int			 fd;
	bool			 done;
};
/* Octets of differences that are kept: as much, or half of an image. A larger one is not. */
#define ZONE_HISTORY_MIN ((size_t)2 << 20)
#define ZONE_FETCHES_MAX	128	/* transfers from primaries at a time; each has buffers of 200 kB */
#define ZONE_PIECES_MAX	6	/* image and journal of each side, text */

/* One run. What the loop put in, and what the thread made. */
struct zone_work {
	enum zone_task		 task;
	struct zone_one		*z;
	struct key_line		*line;
	unsigned		 jobs;
	int64_t			 at;
	struct zone_keys	 keys;
	bool			 read;		/* the source has changed */
	uint64_t		 stamp;
	struct zone_got		 got;
	int			 image[KEEP_SIDE_MAX], journal[KEEP_SIDE_MAX];	/* TASK_LOAD; -1 */
	/* */
	struct pool		*pool;
	struct findings		 fs;
	struct zone_version	 next;
	struct sign_stats	 stats;
	struct zone_history	 loaded;
	struct zone_step	*step;		/* from now to next */
	struct xfr_diff		*in_step;
	struct zone_kept	 kept[KEEP_SIDE_MAX];
	struct zone_piece	 piece[ZONE_PIECES_MAX];
	size_t			 n_pieces;
	uint64_t		 sign_usec;
	bool			 whole;		/* all of it was verified, not only a change */
	bool			 same;		/* what is in service is as it was */
	bool			 stale, text_wanted;	/* TASK_LOAD */
	bool			 unfit;		/* a difference is not one of our version */
	bool			 refused;	/* findings say why; else rc */
	enum zone_refusal	 by;
	const char		*what;		/* that failed */
	int			 rc;
};

/* The zone that is verified once more, and how far. */
struct zone_recheck {
	struct zone_one		*z;		/* NULL: none */
	struct zone		*zone;
	struct audit		*audit;
	struct audit_opts	 opts;
	size_t			 at, n;
	int			 rc;
	int64_t			 usec;		/* the last slice */
	int64_t			 next_usec;
};

struct zone_server;

struct zone_role {
	struct role		*role;
	struct zone_list	 list;
	struct zone_one		*zones;
	struct key_line		 line;
	struct tsig_keys	 tsig;
	struct tsig_seen	*seen;		/* who signed questions to us, and when */
	int64_t			 refusal_told;
	unsigned		 n_refusals_untold;
	unsigned		 jobs;
	enum zone_phase		 phase;
	struct zone_work	 work;
	struct zone_recheck	 recheck;
	struct task		*task;
	uint32_t		 req;		/* of the piece that was sent last */
	uint32_t		 first_req;	/* … and of the first of this run */
	struct turn_queue	 due;		/* there may be something to do for these */
	struct turn_queue	 fetches;	/* these wait to be fetched */
	size_t			 n_fetches;	/* under way */
	size_t			 n_notifies;	/* sockets that wait for an answer */
	size_t			 n_unloaded, load_turn;
	size_t			 look_turn;	/* at sources */
	uint32_t		*again;		/* looked at a second time: they have changed */
	size_t			 n_again;
	int64_t			 looked_usec;
	struct loop_timer	*timer;
	struct zone_server	*server;
	struct pool		*pool;		/* of one message */
	uint8_t			*room;		/* DNS_RDATA_MAX */
	uint64_t		 n_versions;
	struct told_turn	 telling;	/* web and store */
	uint64_t		 life;		/* another number than the life before had */
	int64_t			 told_at;
};

static inline struct sv
zone_wire(const struct zone_one *z)
{
	return (struct sv){ (const char *)z->e->name.w, z->e->name.len };
}

/* Does it come from primaries? */
static inline bool
zone_is_fed(const struct zone_one *z)
{
	return z->e->primaries.n > 0;
}

/* zone_keys.c */
int	 zone_keys_take(struct zone_one *, struct key_line *, const struct msg_key_set *) MUST_USE;
int	 zone_keys_copy(const struct zone_keys *, struct zone_keys *ret) MUST_USE;
void	 zone_keys_done(struct zone_keys *);
/* A sign_fn; the key's arg is a struct key_place. SE_STALE, -EPERM, -ETIMEDOUT … */
int	 zone_keys_sign(void *arg, const struct sign_key *, struct crypto_make *, size_t n);

/* zone_work.c */
void	 zone_policy(const struct dnssec_policy *, struct sign_policy *ret);
void	 zone_version_done(struct zone_version *);
void	 zone_got_done(struct zone_got *);
struct zone_step *zone_step_new(struct xfr_diff *, size_t octets);
struct zone_step *zone_step_unref(struct zone_step *);
/* The last one; old ones go when there are too many, or too large. */
void	 zone_history_add(struct zone_history *, struct zone_step *, size_t octets_max);
void	 zone_history_done(struct zone_history *);
/* On a thread. */
void	 zone_work(struct zone_work *);
void	 zone_work_done(struct zone_work *);
int	 zone_fail(struct zone_work *, const char *what, int rc);
int	 zone_verify(struct zone_work *);

/* zone_unsigned.c */
/* Is there something to publish: signed with these keys, or without any? */
bool	 zone_keys_serve(const struct zone_keys *);
bool	 zone_keys_unsigned(const struct zone_keys *);
bool	 zone_is_unsigned(const struct zone *);
int	 zone_unsigned(struct zone_work *, struct zone *last);
uint32_t zone_ttl_max(const struct zone *);

/* zone_load.c, on a thread */
void	 zone_load(struct zone_work *);

/* zone_put.c */
/* On a thread: pieces for the store. */
int	 zone_pieces(struct zone_work *) MUST_USE;
int	 zone_pieces_compact(struct zone_work *) MUST_USE;
/* In the loop: send them; ask for those of a side. */
void	 zone_put_begin(struct zone_role *);
/* 1: all are on the disk; 0: not yet; negative: one could not be written. */
int	 zone_put_answer(struct zone_role *, const struct msg_zone_kept *);
bool	 zone_compact_due(const struct zone_one *, int64_t now);
/* Later, then; what is in service is as it was. */
void	 zone_compact_failed(struct zone_one *, int rc);

/* zone_turn.c */
int	 zone_turns_init(struct zone_role *) MUST_USE;
/* Look for something to do, soon. */
void	 zone_stir(struct zone_role *);
/* There may be something to do for this one. */
void	 zone_wake(struct zone_one *);
void	 zone_source_look(struct zone_one *);
/* Each second, and when stirred; its argument is the struct zone_role. */
void	 zone_on_timer(void *);
int	 zone_on_recalled(struct role *, enum role_id from, void *msg);

/* zone_end.c */
/* A task's thread has ended; its argument is the struct zone_role. */
void	 zone_work_ended(void *);
int	 zone_on_kept(struct role *, enum role_id from, void *msg);

/* zone_in.c */
int	 zone_in_init(struct zone_one *) MUST_USE;
/* Each second. */
void	 zone_in_look(struct zone_one *, int64_t now);
/* from NULL: not known. */
void	 zone_in_notified(struct zone_one *, const struct ip_prefix *from, bool has_serial, uint32_t serial);
/* What became of what came: fetched again where it did not fit, or was lost on our side. */
enum zone_in_fate {
	IN_TAKEN,
	IN_REFUSED,
	IN_UNFIT,
	IN_LOST
};
void	 zone_in_taken(struct zone_one *, enum zone_in_fate);
/* Is that what is wrong with it? A version that is signed anew mends nothing then. */
bool	 zone_in_is_why(const struct zone_one *);
/* brief: only servers that fail. */
void	 zone_in_json(const struct zone_one *, bool brief, struct json *);

/* zone_serve.c */
struct zone_question {
	struct zone_role	*zr;
	const struct ip_prefix	*from;
	bool			 udp;
	struct tsig		 tsig;
	struct dns_query	 q;
	struct zone_one		*z;
	uint16_t		 rcode;
	int			 ede;		/* -1: none */
	struct xfr_out		*out;		/* a transfer is the answer */
	struct zone_step	**steps;	/* … of these */
	const struct xfr_diff	**diffs;
	size_t			 n_steps;
};
/* false: nothing is to be answered. */
bool	 zone_question_judge(struct zone_question *, struct sv wire);
/* A message of the answer, signed: 1, 0 when all was said, or negative. */
int	 zone_question_answer(struct zone_question *, uint8_t *buf, size_t cap, size_t *ret_len);
void	 zone_question_done(struct zone_question *);

/* zone_out.c */
int	 zone_out_init(struct zone_role *) MUST_USE;
int	 zone_out_listen(struct zone_role *, const struct msg_listen *) MUST_USE;
/* Each second: who is too slow goes. */
void	 zone_out_look(struct zone_role *);
void	 zone_out_json(const struct zone_role *, struct json *);

/* zone_notify.c */
int	 zone_notify_init(struct zone_one *) MUST_USE;
void	 zone_notify_all(struct zone_one *);
void	 zone_notify_look(struct zone_one *);
void	 zone_notify_json(const struct zone_one *, bool brief, struct json *);

/* zone_audit.c */
bool	 zone_audit_due(struct zone_role *, int64_t now);
int	 zone_audit_begin(struct zone_role *) MUST_USE;
/* On a thread. */
void	 zone_audit_slice(struct zone_role *);
void	 zone_audit_ended(struct zone_role *);

/* zone_tell.c */
const char *zone_name(const struct zone_one *, char dst[static DNAME_STRLEN]);
void	 zone_findings_tell(struct zone_role *, const struct zone_one *, const struct findings *, enum log_level);
/* The same thing is said once. */
void	 zone_why(struct zone_one *, const char *what, const char *more);
void	 zone_published_tell(struct zone_one *);
void	 zone_web_tell(struct zone_role *, int64_t now);
/* It is told anew. */
void	 zone_changed(struct zone_one *);
int	 zone_on_show(struct role *, enum role_id from, void *msg);
/* The status: so many zones at most. */
void	 zones_json(const struct zone_role *, size_t max, struct json *);

#endif
