/*
 * transfer: a zone moves to another operator, another registrar, or both. Who
 * does what, when, and in which moments is the zone insecure or out of reach?
 *
 * What enters are the *facts* of the move: who changes, whether the losing
 * side helps and how, whether the zone is signed before and after, TTLs, and
 * how long each side takes until all of its servers follow. They can be read
 * from text, one "NAME VALUE" a line (transfer_facts_parse()); who says little
 * gets defaults that stand in transfer_facts.def. What leaves is a *plan*:
 * times in seconds from its start, the steps in order, and up to two windows.
 * No names are asked, no keys, no clock.
 *
 * The patterns, all for "in" and "out": the same move seen from either side.
 *
 *	REGISTRAR	name servers and keys stay; the registry keeps the DS, or
 *			the gaining registrar enters it again
 *	EXCHANGE	each side has the other's ZSK in its DNSKEY set, and both
 *			KSKs have a DS (RFC 8901 model 2; RFC 6781 section
 *			4.3.5.1). The losing side serves the new NS set, too, or it
 *			only imports the key; DS by registrar or by CDS
 *	SHARED		one KSK that is the owner's (RFC 8901 model 1)
 *	COPY		the losing side changes nothing, but hands over the signed
 *			zone, with the gaining NS records in it: the gaining
 *			servers serve its signatures first
 *	INSECURE	nobody helps: DS away, move, DS back (RFC 6781 section
 *			4.3.5.2). The shortest window that there is
 *	SIGN, UNSIGN, PLAIN	unsigned before, after, or both
 *
 * The gaining side serves from `ns` on; resolvers come to the losing servers
 * until `losing_end`, when no cache can hold the old delegation: an NS set of
 * the parent, fetched at the last moment, and behind it one of the losing
 * servers' own (RFC 2181 section 5.4.1), unless these name the new servers,
 * too. If they are switched off before (`losing-keeps`), the zone is out of
 * reach in between for who holds the old delegation.
 *
 * The times are not believed: transfer_history() writes down what each side
 * would serve and when, and transfer_prove() asks dnssec/timeline. A plan holds
 * if nothing is ever bogus, and if the zone is insecure in exactly the window
 * that the plan names. transfer_plan() hands out no other.
 *
 * Assumed: what timeline_assumptions() says, and that resolvers do not prolong
 * a delegation by what its own servers tell them again and again (the "ghost
 * domains" of 2012, mended in all that are kept up).
 *
 * Not here: asking servers whether a step is done, writing to a registry.
 *
 * RFCs: 6781 section 4.3.5, 8901, 7344 and 8078 (CDS), 5731 and 5910 (EPP).
 */
#ifndef DNSSEC_TRANSFER_H
#define DNSSEC_TRANSFER_H

#include "dnssec/timeline.h"

enum transfer_code {
#define F FINDING_ENUM_
#include "dnssec/transfer_findings.def"
#undef F
	TRANSFER_CODE_MAX
};
extern const struct finding_def transfer_findings[TRANSFER_CODE_MAX];

enum transfer_move {
	TRANSFER_MOVE_OPERATOR,
	TRANSFER_MOVE_REGISTRAR,	/* the name servers stay */
	TRANSFER_MOVE_BOTH,
	TRANSFER_MOVE_MAX
};

/* What the losing side is ready to do. */
enum transfer_help {
	TRANSFER_HELP_NONE,
	TRANSFER_HELP_COPY,		/* hands over the signed zone */
	TRANSFER_HELP_IMPORT,		/* takes the gaining side's ZSK into its DNSKEY set */
	TRANSFER_HELP_EXCHANGE,		/* and serves the gaining side's NS set */
	TRANSFER_HELP_CDS,		/* and publishes CDS for both KSKs */
	TRANSFER_HELP_SHARED,		/* as EXCHANGE, under one KSK of the owner */
	TRANSFER_HELP_MAX
};

/* Numbers: seconds, but for the two algorithms. */
enum transfer_number {
#define N(id, ...) TRANSFER_##id,
#include "dnssec/transfer_facts.def"
#undef N
	TRANSFER_NUMBER_MAX
};

#define TRANSFER_ALWAYS		UINT32_MAX	/* of LOSING_KEEPS: as long as they are asked */
#define TRANSFER_SEC_MAX	(366u * 86400)	/* no TTL and no delay is longer than a year */
#define TRANSFER_TEXT_MAX	65536		/* bytes of a facts file; it has 30 lines */
#define TRANSFER_NAME_MAX	255		/* of a zone or a server, as text */

struct transfer_facts {
	enum transfer_move	 move;
	enum transfer_help	 help;
	bool			 inward;		/* are we the gaining side? */
	bool			 signed_before, signed_after;
	bool			 common_alg;		/* can the gaining side sign with the losing side's? */
	bool			 ds_kept;		/* does the registry keep the DS when the registrar changes? */
	uint32_t		 number[TRANSFER_NUMBER_MAX];
	uint64_t		 given;			/* bit n: number n was said */
	struct sv		 zone, losing_server, gaining_server, parent_server;	/* for commands; may be empty */
};

void	 transfer_facts_init(struct transfer_facts *);
/* One fact, as in the text form: 0; -EINVAL with *ret_what (a msgid). Values are not copied. */
int	 transfer_fact_set(struct transfer_facts *, struct sv name, struct sv value,
	    const char **ret_what) MUST_USE;
/* A line a fact; "#" begins a comment. SE_SYNTAX with a TRANSFER_FACT finding (REJECT). */
int	 transfer_facts_parse(struct sv text, struct findings *, struct transfer_facts *) MUST_USE;
const char *transfer_number_name(enum transfer_number);	/* "ttl-ds" … */
const char *transfer_number_text(enum transfer_number);	/* a msgid */
/* All facts, as text that can be read again; those that nobody gave are marked. */
void	 transfer_facts_print(const struct transfer_facts *, struct buf *);

enum transfer_pattern {
	TRANSFER_REGISTRAR,
	TRANSFER_EXCHANGE,
	TRANSFER_SHARED,
	TRANSFER_COPY,
	TRANSFER_INSECURE,
	TRANSFER_SIGN,
	TRANSFER_UNSIGN,
	TRANSFER_PLAIN,
	TRANSFER_PATTERN_MAX
};

enum transfer_who {
	TRANSFER_LOSING_OPERATOR,
	TRANSFER_GAINING_OPERATOR,
	TRANSFER_THE_OPERATOR,		/* it does not change */
	TRANSFER_LOSING_REGISTRAR,
	TRANSFER_GAINING_REGISTRAR,
	TRANSFER_THE_REGISTRAR,		/* it does not change */
	TRANSFER_BOTH_OPERATORS,
	TRANSFER_EVERYONE,
	TRANSFER_WHO_MAX
};
const char *transfer_who_name(enum transfer_who);		/* "losing-operator" … */
const char *transfer_who_text(enum transfer_who);		/* a msgid */
const char *transfer_pattern_name(enum transfer_pattern);	/* "exchange" … */
const char *transfer_pattern_text(enum transfer_pattern);	/* a msgid */

/* Seconds from the plan's start; TIME_NEVER: does not happen. */
struct transfer_times {
	int64_t	load;		/* the gaining servers have the zone; nobody asks them yet */
	int64_t	join;		/* the gaining ZSK comes into the losing DNSKEY set */
	int64_t	ds_del, ds_add;	/* the old DS goes, the new one comes */
	int64_t	ns;		/* the delegation changes */
	int64_t	losing_end;	/* nobody asks the losing servers from then on */
	int64_t	stop;		/* they serve until then */
	int64_t	swap, sign;	/* COPY: the gaining DNSKEY set, then the gaining signatures */
	int64_t	clean;		/* the losing ZSK leaves the gaining DNSKEY set */
	int64_t	registrar;	/* the registrar transfer is asked for */
	int64_t	lost, again;	/* … and the DS went with it, and came back */
	int64_t	end;		/* nothing of the old is in any cache */
};

#define TRANSFER_STEPS_MAX	20

struct transfer_step {
	enum transfer_code	 code;
	enum transfer_who	 who;
	int64_t			 at;
	const char		*why;		/* a msgid: what it waits for; NULL: nothing */
	int64_t			 wait;		/* … and for how many seconds since the step before */
};

struct transfer_plan {
	enum transfer_pattern	 pattern;
	struct transfer_times	 t;
	bool			 same_keys;	/* the zone keeps its keys */
	bool			 borrowed;	/* the gaining DNSKEY set has the losing ZSK for a while */
	uint8_t			 gaining_alg;	/* during the move */
	struct timeline_span	 insecure, unreachable;	/* from == until: none */
	struct transfer_step	 steps[TRANSFER_STEPS_MAX];
	size_t			 n_steps;
};

/* 0 with a plan that holds; -EPROTO: it would not (TRANSFER_UNPROVEN); -ENOMEM, SE_LIMIT. */
int	 transfer_plan(const struct transfer_facts *, struct findings *, struct transfer_plan *ret) MUST_USE;

/* What all servers serve if the plan begins at `start`; that must be TRANSFER_START_MIN or later. */
#define TRANSFER_START_MIN	1
int	 transfer_history(const struct transfer_facts *, const struct transfer_plan *, int64_t start,
	    struct timeline **ret) MUST_USE;
/* Never bogus, and insecure in the plan's window only? *ret_holds; TRANSFER_UNPROVEN and the story if not. */
int	 transfer_prove(const struct transfer_facts *, const struct transfer_plan *, struct findings *,
	    bool *ret_holds) MUST_USE;

#endif
