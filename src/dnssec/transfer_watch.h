/*
 * transfer_watch: a run-book that is being played. Which steps are done, since
 * when, and may the next one be taken?
 *
 * What enters are a plan (dnssec/transfer.h), what each server of the losing
 * side, the gaining side and the parent gives at this moment ("looks"), and
 * the time. What leaves is, for each step, when it was first seen done at all
 * of its servers, and from when on it may be taken. Nobody is asked here.
 *
 * A plan's times are reckoned from its facts: delays are assumed. Here they
 * are replaced by what was seen. What a step waits for are its *needs*: other
 * steps that must be visible at all servers, and TTLs that must have passed
 * since then. They stand in one table (transfer_needs.c); where every step is
 * seen just when the facts let one expect it, the table gives the plan's own,
 * proven times, and the tests hold it to that. Later sightings make later
 * times, never earlier ones.
 *
 * A server that gives no answer has not done its step. A step that was done
 * and is undone again counts no more, and its TTLs begin anew. A TTL that is
 * served larger than the facts say replaces the fact. Of the keys' roles the
 * SEP flag tells (a side without both kinds has keys that do both); that a
 * DNSKEY set is signed is verified; that data are signed by somebody is taken
 * from the SOA's RRSIGs, by tag and algorithm.
 *
 * The state has a text form, "NAME VALUE…" a line, so that it outlives the
 * process: transfer_watch_parse(), transfer_watch_print().
 *
 * Not here: whether registrars did their part where the DNS does not show it
 * (a person says so: transfer_watch_told()), and the proof of the plan itself.
 */
#ifndef DNSSEC_TRANSFER_WATCH_H
#define DNSSEC_TRANSFER_WATCH_H

#include "dnssec/intake.h"
#include "dnssec/transfer.h"

#define TRANSFER_WATCH_TEXT_MAX		(256 * 1024)	/* bytes: 5 sets of 32 keys */
#define TRANSFER_WATCH_SERVERS_MAX	16		/* of one side, remembered */

enum transfer_place {
	TRANSFER_AT_LOSING,
	TRANSFER_AT_GAINING,
	TRANSFER_AT_PARENT,
	TRANSFER_AT_MAX
};

struct transfer_set {
	struct sv	 rdata[INTAKE_RECORDS_MAX];
	size_t		 n;
	uint32_t	 ttl;		/* 0: not known */
};

/* What one server gave. */
struct transfer_look {
	enum transfer_place	 place;
	struct sv		 server;	/* as it is called */
	bool			 answered;	/* with authority; the parent: for its own zone */
	struct transfer_set	 keys, key_sigs, soa_sigs, ns, ds;
	uint32_t		 negative_ttl;	/* of the zone; the parent: of "no DS" */
};

struct transfer_watch {
	struct dname		 zone;
	struct transfer_facts	 facts;
	struct transfer_set	 keys[2], ns[2];	/* each side's own: TRANSFER_AT_LOSING, TRANSFER_AT_GAINING */
	struct transfer_set	 ds_first;		/* at the parent, when it began */
	struct sv		 server[TRANSFER_AT_MAX][TRANSFER_WATCH_SERVERS_MAX];
	size_t			 n_servers[TRANSFER_AT_MAX];
	int64_t			 begun, looked;		/* 0: not yet */
	int64_t			 seen[TRANSFER_CODE_MAX];	/* 0: not; by the step's code */
	bool			 told[TRANSFER_CODE_MAX];	/* … by a person */
};

/* --- what waits for what (transfer_needs.c) --- */

#define TRANSFER_NEEDS_MAX	8

struct transfer_need {
	enum transfer_code	 on;		/* a step of the plan */
	int64_t			 wait_sec;	/* … and so long behind it */
	const char		*why;		/* a msgid; NULL: only the step */
};
size_t	 transfer_needs(const struct transfer_facts *, const struct transfer_plan *, enum transfer_code,
	    struct transfer_need ret[static TRANSFER_NEEDS_MAX]);
/*
 * From when on a step may be taken, as the others were seen; TIME_NEVER: one of them was not.
 * *ret is what decides; .on == TRANSFER_CODE_MAX: nothing.
 */
int64_t	 transfer_due(const struct transfer_facts *, const struct transfer_plan *, const int64_t seen[],
	    enum transfer_code, struct transfer_need *ret);

/* --- looking (transfer_watch.c) --- */

/* Why a step is not done: a msgid, and at which server (may be empty). */
struct transfer_lack {
	const char	*what;
	struct sv	 server;
};
/* 0 with *ret_done; -ENOMEM. */
int	 transfer_step_done(const struct transfer_watch *, const struct transfer_plan *, enum transfer_code,
	    const struct transfer_look *, size_t n, int64_t now, bool *ret_done, struct transfer_lack *ret) MUST_USE;
/* Learns keys, names and TTLs that are not known yet, and notes what is seen. Findings: early, undone, TTLs. */
int	 transfer_watch_look(struct transfer_watch *, const struct transfer_plan *, const struct transfer_look *,
	    size_t n, int64_t now, struct findings *) MUST_USE;
/* A person says that a step is done: -EINVAL if the plan has it not, or the DNS shows it. */
int	 transfer_watch_told(struct transfer_watch *, const struct transfer_plan *, enum transfer_code,
	    int64_t now) MUST_USE;
bool	 transfer_step_is_told(enum transfer_code);
/* Raises facts to the TTLs that are served; true if any was. */
bool	 transfer_watch_ttls(struct transfer_watch *, const struct transfer_look *, size_t n, struct findings *);
/* Keys of a side that sign the keys, or that sign the data. */
bool	 transfer_key_is(const struct transfer_set *own, struct sv key, bool ksk);

/* --- the state as text (transfer_watch_text.c) --- */

/* SE_SYNTAX with a finding that says the line; -ENOMEM; SE_LIMIT. Values lie in the pool. */
int	 transfer_watch_parse(struct pool *, struct sv text, struct findings *, struct transfer_watch *) MUST_USE;
void	 transfer_watch_print(const struct transfer_watch *, struct buf *);

#endif
