/*
 * A play: dnssec/keystate runs a zone for years, with servers, a registry, an
 * operator and a signer as in life, that is: slow, at times silent or stuck,
 * at times wrong. What was *really* served is written in the text form of
 * history.h, and the simulator says whether any resolver could have suffered.
 *
 * The world keeps to what the policy was told of it: signatures are made anew
 * in time for the longest outage, and what a registry was asked for comes within
 * registration_delay or not at all. Beyond that, only what somebody else did
 * wrong is excused: DS sets that nobody asked for have names that begin with
 * 'x', and a bad state with one of them is not held against the engine. That it
 * makes nothing worse shows when the right DS set is back.
 */
#ifndef TESTS_SIM_PLAY_H
#define TESTS_SIM_PLAY_H

#include "base/buf.h"
#include "dnssec/keystate.h"
#include "sim.h"
#include "world.h"

struct play;

#define PLAY_START	((int64_t)1000000)
#define PLAY_KEYS_MAX	256		/* numbers of keys in one play */
#define PLAY_CLASSES	2		/* of data, each signed at its own times */

struct numbers {			/* of keys, as bits */
	uint64_t	 w[PLAY_KEYS_MAX / 64];
};

/* One version of DS, DNSKEY or data. */
struct content {
	struct numbers	 keys, sigs;
	bool		 foreign, mistake;	/* DS */
	int64_t		 inc, exp;
	uint32_t	 ttl_sec;
	char		 id[16];
};

/* What one issue of the zone has, as places in play.contents. */
struct child_issue {
	size_t		 dnskey, data[PLAY_CLASSES];
	uint32_t	 dnskey_seq, data_seq;
	struct numbers	 cds;
	bool		 cds_delete;
};

/* Something that will happen: a key is generated, a DS set entered … */
struct errand {
	int64_t		 at;			/* NEVER: a free place */
	void		(*run)(struct play *, const struct errand *);
	struct keystate_action action;
	struct numbers	 ds;
	bool		 foreign, mistake;
};

#define ERRANDS_MAX	64

/* What the lateness check knows to be somewhere (play_late.c). */
struct known {
	enum ks_kind	 kind;
	struct numbers	 keys, sigs;
	uint32_t	 seq;
	int64_t		 until;			/* nobody has it from here on; NEVER: not known */
};

#define KNOWN_MAX	128
/* Rolls that somebody turned around are over by then. */
#define MIXED_SEC	((int64_t)60 * 86400)

struct play_counts {
	unsigned	 calls, publications, ds_changes, generated, deleted, mistakes, commands,
			 refused, alarms, judged, late, busy_days;
};

struct play {
	struct dice		 dice;
	bool			 verbose;
	/*
	 * What must not be, to see that it is noticed: an observer who says that all
	 * servers have everything; an engine whose margins are a day too long.
	 */
	bool			 liar, sleepy;
	int64_t			 gap_sec;	/* between observations */
	int64_t			 scan_sec;	/* of the registry, for CDS */
	int64_t			 entry_sec;	/* the registry's own time */
	bool			 calm;		/* no server ever fails */
	int64_t			 trouble_every;	/* seconds; 0: nobody does anything wrong */

	struct dnssec_policy	 policy;
	struct keystate		 ks;
	struct keystate_step	 step;
	struct keystate_history	*own;		/* what the engine believes was served; NULL: not asked */
	int64_t			 now, end;
	int64_t			 idle_at;	/* when it last had nothing to wait for */
	int64_t			 next_look, next_scan, next_trouble;

	struct zone		 child, parent;
	struct child_issue	*child_issues;	/* as many as child.issues */
	size_t			*parent_issues;	/* contents; as many as parent.issues */
	struct content		*contents;
	size_t			 n_contents;
	struct keystate_publication pub;	/* of the newest issue */
	struct errand		 errands[ERRANDS_MAX];
	uint8_t			 algs[PLAY_KEYS_MAX];	/* by number; 0: none */
	struct span		 secure[64];
	size_t			 n_secure;
	bool			 secure_open;
	struct known		 known[KNOWN_MAX];
	size_t			 n_known;
	struct numbers		 ds_want;
	struct keystate_step	 before;	/* what the call before said */
	int64_t			 before_at;
	bool			 disturbed;	/* something happened since, besides time */
	int64_t			 mixed_until;	/* a roll may be half of one method, half of another */
	struct play_counts	 counts;
	struct buf		 log;
	int			 rc;		/* sticky */
};

int	 play_init(struct play *, uint64_t seed, int64_t years, bool verbose) MUST_USE;
void	 play_done(struct play *);
void	 play_run(struct play *);
/* What was served, as text. */
void	 play_history(const struct play *, struct buf *);
void	 play_log(struct play *, const char *, ...) PRINTF(2, 3);

/* play_world.c: registry, operator, outages */
void	 world_step(struct play *);
int64_t	 world_next(const struct play *);
void	 world_obey(struct play *);		/* the actions of play.step */
/* A DS set is entered at the parent. */
void	 parent_publish(struct play *, struct numbers, bool foreign, bool mistake);

/* play_sign.c: the signer */
void	 signer_step(struct play *);
size_t	 content_add(struct play *, char kind, const struct content *);

/* play_look.c: observations */
struct play_seen {
	struct keystate_child	 child;
	struct keystate_parent	 parent;
};
void	 play_look(const struct play *, struct play_seen *);

/* play_late.c */
void	 late_init(struct play *);
void	 late_seen(struct play *, const struct keystate_child *, const struct keystate_parent *);
void	 late_judge(struct play *);

/* numbers */
bool	 numbers_has(const struct numbers *, uint32_t);
void	 numbers_add(struct numbers *, uint32_t);
bool	 numbers_eq(const struct numbers *, const struct numbers *);
bool	 numbers_none(const struct numbers *);
struct numbers numbers_of(const struct keystate *, uint32_t bits);
/* Places of those that are still in the state. */
uint32_t numbers_bits(const struct keystate *, const struct numbers *);

#endif
