/*
 * keystate: which keys a zone has, what the world may still hold of them, and
 * what is to be done next, as a function of (state, policy, observations, now).
 *
 * What enters: struct dnssec_policy, the keys (public halves and facts about
 * them), what was *seen* at the servers of the parent and of the zone, and the
 * time. What leaves: the new state, what the zone is to publish, a list of
 * actions (a key to generate, a DS set to hand over, words for a person), what
 * is waited for, and when to ask again. No key material, no clock, no file.
 *
 * The heart of the state is a list of *sets that some cache may hold*: DS
 * sets, DNSKEY sets with their signers, and data with its signers. A set is
 * alive while a server may give it out, and its TTL longer. Nothing is
 * believed to be gone before it was seen to be gone on all servers: sets of
 * ours carry a number (seq), and whoever observes says the oldest number that
 * any server still has. A DS set that was asked for may appear at any time
 * from then on, and one that was taken back may still appear for as long as
 * the registry may need; if it does, the wanted one is demanded anew.
 *
 * From the list come the four states of each key's four records (RFC 7583 has
 * the times, the literature on flexible rollovers the words):
 *
 *	hidden		in no set that is alive
 *	rumoured	in the newest set, but not in all that are alive
 *	omnipresent	in all of them
 *	unretentive	not in the newest set, but still in one that is alive
 *
 * A step (publish a DNSKEY, change who signs, ask for another DS set) passes
 * one gate: with every mix of sets that are alive and the new ones, is there a
 * path DS -> DNSKEY -> signature of the DNSKEY set -> signature of the data?
 * (No DS: no path is needed.) How strict about algorithms is policy: RFC 4035
 * section 2.2 asks that each algorithm of the DNSKEY set signs everything, so
 * that by default an algorithm comes in as RFC 6781 section 4.1.4 has it,
 * signatures first, and leaves with its signatures last. The gate knows nothing
 * of rolls, the rolls nothing of safety: methods only say which step is wanted.
 * So a roll that is cancelled, two at once, or goals that an operator edited
 * cost time at most.
 *
 * With nothing observed it waits, for ever, and says for what. (Policy can let
 * timers decide; for the parent that is off unless asked for.) It also holds
 * when the clock goes back, when a DS set appears that nobody asked for, when a
 * server gives out an older version than before, and when the state is not
 * trusted: a new import, or a file whose sum is wrong. Then the sets are taken
 * anew from what is seen, and the longest TTL has to pass.
 *
 * Many calls with the same arguments give the same answer; actions are said as
 * long as they are not seen to be done, so that a crash loses none (.since and
 * .ds tell one demand from the next). Write the state before acting upon it.
 *
 * RFCs: 4035, 6781 section 4, 6840 section 5.11, 7344 and 8078 (CDS), 7583,
 * 8901 (keys and servers of others), 9859. Not here: signature expiry (sign),
 * the second opinion (timeline), RFC 5011 (revoked keys count for nothing).
 */
#ifndef DNSSEC_KEYSTATE_H
#define DNSSEC_KEYSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/finding.h"
#include "base/sv.h"
#include "base/timefmt.h"
#include "base/util.h"
#include "dnssec/keystate_limits.h"

enum keystate_code {
#define F FINDING_ENUM_
#include "dnssec/keystate_findings.def"
#undef F
	KEYSTATE_CODE_MAX
};
extern const struct finding_def keystate_findings[KEYSTATE_CODE_MAX];

/* --- policy (policy.c) --- */

enum { POLICY_SPLIT, POLICY_CSK };
enum { POLICY_ZSK_PREPUBLISH, POLICY_ZSK_DOUBLE_SIGNATURE };
enum { POLICY_KSK_DOUBLE_KSK, POLICY_KSK_DOUBLE_DS };
enum { POLICY_CSK_PREPUBLISH, POLICY_CSK_DOUBLE_SIGNATURE };
enum { POLICY_CDS_ROLLOVER, POLICY_CDS_ALWAYS, POLICY_CDS_NEVER };
enum { POLICY_BY_CDS, POLICY_BY_EPP, POLICY_BY_PERSON };
enum { POLICY_DS_REGISTRY, POLICY_DS_DS, POLICY_DS_KEY, POLICY_DS_BOTH };
enum { POLICY_DIGEST_SHA256, POLICY_DIGEST_SHA384, POLICY_DIGEST_BOTH };
enum { POLICY_EPP_REPLACE, POLICY_EPP_DIFFERENCE };
enum { POLICY_URGENT_NEVER, POLICY_URGENT_COMPROMISED, POLICY_URGENT_ALWAYS };
enum { POLICY_NSEC, POLICY_NSEC3, POLICY_NSEC3_OPTOUT };
enum { POLICY_SERIAL_INCREMENT, POLICY_SERIAL_UNIXTIME, POLICY_SERIAL_DATE, POLICY_SERIAL_KEEP };
enum { POLICY_STORE_FILE, POLICY_STORE_TOKEN };
/* Whose algorithms have to hold on every path. */
enum { POLICY_STRICT_DNSKEY, POLICY_STRICT_DS, POLICY_STRICT_NONE };

/* One number a row of the table below, words as their place in the row. */
struct dnssec_policy {
#define P(name, ...)	uint32_t name;
#include "dnssec/policy.def"
#undef P
};

enum policy_type {
	POLICY_U32,
	POLICY_SECONDS,
	POLICY_BOOL,
	POLICY_WORD
};

struct policy_row {
	const char	*name;		/* as in the configuration: '-' for '_' */
	enum policy_type type;
	uint32_t	 min, max;
	const char	*words;		/* of WORD, in the order of their numbers */
	uint32_t	 value;		/* the default */
	size_t		 off;		/* in struct dnssec_policy */
	const char	*help;		/* msgid: what it is, and why this default */
};

const struct policy_row *policy_rows(size_t *ret_n);
uint32_t policy_get(const struct dnssec_policy *, const struct policy_row *);
/* -ERANGE: outside of the row's bounds. */
int	 policy_set(struct dnssec_policy *, const struct policy_row *, uint32_t) MUST_USE;
/* From text: a number, a word of the row, yes or no. -EINVAL, -ERANGE. */
int	 policy_set_text(struct dnssec_policy *, const struct policy_row *, struct sv) MUST_USE;
struct dnssec_policy policy_default(void);
/* Findings POLICY_*; a REJECT among them: it is not to be used. */
void	 policy_check(const struct dnssec_policy *, struct findings *);

enum ks_role {
	KS_KSK,
	KS_ZSK,
	KS_CSK,
	KS_ROLE_MAX
};

/* Seconds: 0 is for ever. */
uint32_t policy_lifetime(const struct dnssec_policy *, enum ks_role);
/* The digest types of DS records: bit n is type n. */
unsigned policy_ds_digests(const struct dnssec_policy *);
/* How long before the end of a key's life its successor is needed. */
uint32_t policy_lead(const struct dnssec_policy *, enum ks_role);
/* How long a roll takes when everybody needs as long as allowed. */
uint32_t policy_roll_time(const struct dnssec_policy *, enum ks_role);

/* --- the state --- */

enum ks_kind {
	KS_DS,
	KS_DNSKEY,
	KS_DATA,
	KS_KIND_MAX
};

enum ks_record {
	KS_REC_DNSKEY,
	KS_REC_KEYSIG,		/* its signature over the DNSKEY set */
	KS_REC_ZONESIG,		/* its signatures over data */
	KS_REC_DS,
	KS_REC_MAX
};

enum ks_state {
	KS_HIDDEN,
	KS_RUMOURED,
	KS_OMNIPRESENT,
	KS_UNRETENTIVE,
	KS_STATE_MAX
};

enum ks_goal {
	KS_GOAL_HIDDEN,
	KS_GOAL_OMNIPRESENT,
	KS_GOAL_STANDBY,	/* as far as its method goes without using it */
	KS_GOAL_MAX
};

/* What a key is, besides its states; KS_FLAG_* of .flags. */
enum {
	KS_FLAG_BACKED_UP = 1 << 0,
	KS_FLAG_REVOKED = 1 << 1,	/* RFC 5011: no path goes through it */
	KS_FLAG_EXTERNAL = 1 << 2,	/* another provider's: we never sign with it */
	KS_FLAG_LOST = 1 << 3,		/* nobody can sign with it any more */
	KS_FLAG_COMPROMISED = 1 << 4,
	KS_FLAG_NO_ROLL = 1 << 5,	/* an operator cancelled its roll */
	KS_FLAG_ASKED = 1 << 6,		/* an operator wants it rolled now */
};

struct keystate_key {
	uint32_t	 number;	/* its name in this state, never used twice; 0: a free place */
	enum ks_role	 role;
	uint8_t		 alg;
	uint16_t	 tag;
	uint32_t	 bits;
	uint32_t	 flags;
	enum ks_goal	 goal;
	uint32_t	 predecessor, successor;	/* numbers; 0: none */
	int64_t		 created;
	int64_t		 active;	/* first used; TIME_NEVER: not yet */
	int64_t		 end;		/* of its life, as the signer before us planned; 0: policy says */
	uint16_t	 public_len;
	uint8_t		 public_key[KEYSTATE_PUBLIC_MAX];
	struct {
		enum ks_state	state;
		int64_t		since;
	} records[KS_REC_MAX];
};

/* Keys as bits: 1 << place in keystate.keys. */
struct keystate_set {
	enum ks_kind	 kind;
	uint32_t	 keys;		/* DS, DNSKEY: what is in it */
	uint32_t	 sigs;		/* DNSKEY, DATA: who signs; DATA of 0: unsigned */
	uint32_t	 seq;		/* of ours: which publication; 0: not ours */
	uint32_t	 ttl_sec;
	bool		 foreign;	/* DS: has records of no key that we know */
	bool		 seen;		/* DS: a server gave it out since it was asked for */
	bool		 again;		/* DS: it was there when it was asked for: seeing it proves nothing */
	int64_t		 from;
	int64_t		 gone;		/* not served from here on; TIME_NEVER: it may be */
	int64_t		 until;		/* no cache has it from here on */
};

struct keystate {
	int64_t		 now;		/* the newest time that it was told */
	int64_t		 child_at, parent_at; /* of the last complete observations; 0: none */
	int64_t		 hold_until;
	bool		 hold;		/* an operator's */
	bool		 unproven;	/* to be taken from what is seen */
	bool		 ds_alarm;
	bool		 ds_done;	/* all servers of the parent have ds_want */
	bool		 ds_none_ok;	/* no DS at all is expected, too */
	uint32_t	 ds_want;
	uint32_t	 ds_before;	/* may be seen until ds_want is everywhere */
	int64_t		 ds_since;
	uint32_t	 next_number, next_seq;
	uint32_t	 seq[KS_KIND_MAX];	/* the newest of ours */
	struct keystate_key keys[KEYSTATE_KEYS_MAX];
	struct keystate_set sets[KEYSTATE_SETS_MAX];
	size_t		 n_sets;
};

/* A zone without keys and signatures, of which the parent knows nothing. */
void	 keystate_init(struct keystate *, int64_t now);

struct keystate_newkey {
	enum ks_role	 role;
	uint8_t		 alg;
	uint16_t	 tag;
	uint32_t	 bits;
	uint32_t	 flags;
	enum ks_goal	 goal;
	struct sv	 public_key;
	int64_t		 active;	/* of an imported key; 0 for a new one */
	int64_t		 end;		/* of an imported key; 0: its policy's lifetime counts */
};

/*
 * A key that was generated or imported. It becomes the successor of the
 * newest key of its role. -EEXIST: the same public key; SE_LIMIT; -EINVAL.
 */
int	 keystate_add_key(struct keystate *, const struct keystate_newkey *, int64_t now,
	    uint32_t *ret_number) MUST_USE;
/*
 * The keys of another state, in its order: with goals, times, and who follows whom among
 * them. Those that are there stay as they are; *ret_n are new. Nothing is changed on failure.
 */
int	 keystate_take(struct keystate *, const struct keystate *from, int64_t now,
	    unsigned *ret_n) MUST_USE;
/* The place of a number, -1. */
int	 keystate_find(const struct keystate *, uint32_t number);
/*
 * After an import: what is seen next is believed, nothing before. While the
 * parent has DS records of keys that are not known only, that is not believed
 * either, unless policy says secure: no. It is an alarm, and all waits.
 */
void	 keystate_distrust(struct keystate *);

enum keystate_command {
	KS_CMD_ROLL,		/* the key's successor is wanted now */
	KS_CMD_CANCEL,		/* of a roll: the key is the new one, or the old one */
	KS_CMD_BACKED_UP,
	KS_CMD_COMPROMISED,
	KS_CMD_LOST,
	KS_CMD_FOUND,		/* a lost one is there again */
	KS_CMD_DELETED,		/* KS_ACT_DELETE was done */
	KS_CMD_HOLD,		/* no key: nothing moves */
	KS_CMD_RELEASE,
	KS_CMD_ACCEPT_DS,	/* what the parent has now is what is wanted */
	KS_CMD_RETIRE,		/* an external key: its provider leaves */
	KS_CMD_MAX
};

/* -ENOENT: no such key; -EBUSY: not now (in use, nothing to cancel). */
int	 keystate_command(struct keystate *, enum keystate_command, uint32_t number,
	    int64_t now) MUST_USE;

/* --- what was seen --- */

struct keystate_seen {
	uint32_t	 keys, sigs;
	uint32_t	 ttl_sec;
	bool		 foreign;
};

/*
 * The servers of the zone. at: when the round of questions began. complete:
 * each server answered. oldest: the smallest seq that any still gives out
 * (only where complete); 0 if one gives out a version from before the state
 * began, or of no known number: then nothing is proven to be gone. The lists are contents: of servers that are not ours
 * (RFC 8901), always; of all servers, ours first and the newest first, while
 * the state is not proven.
 */
struct keystate_child {
	int64_t			 at;
	bool			 complete;
	uint32_t		 dnskey_oldest, data_oldest;
	uint32_t		 ttl_max;	/* the longest TTL in the zone, if it is known */
	size_t			 n_dnskey, n_data;
	struct keystate_seen	 dnskey[KEYSTATE_SEEN_MAX], data[KEYSTATE_SEEN_MAX];
};

/* The servers of the parent: each DS set that one gave out (keys 0, not foreign: none). */
struct keystate_parent {
	int64_t			 at;
	bool			 complete;
	size_t			 n_ds;
	struct keystate_seen	 ds[KEYSTATE_SEEN_MAX];
};

struct keystate_observations {
	const struct keystate_child	*child;		/* NULL: nobody looked */
	const struct keystate_parent	*parent;
};

/* --- what is next --- */

enum ks_action {
	KS_ACT_GENERATE,	/* .role, .alg, .bits, .goal; .key is the predecessor */
	KS_ACT_BACKUP,		/* .key waits for it */
	KS_ACT_DNSKEY_PUBLISH, KS_ACT_DNSKEY_WITHDRAW,
	KS_ACT_SIGN_START, KS_ACT_SIGN_STOP,		/* data */
	/*
	 * Each action about DS has in .ds the whole set that the parent is to have,
	 * and how it differs from the last one. Of .key: that its DS comes or goes, said
	 * once, for a log. Without .key (SUBMIT only): hand it over by EPP. An empty set
	 * is demanded only where policy says secure: no.
	 */
	KS_ACT_DS_SUBMIT, KS_ACT_DS_WITHDRAW,
	KS_ACT_CDS,		/* publish .ds as CDS and CDNSKEY */
	KS_ACT_CDS_DELETE,	/* RFC 8078 section 4 */
	KS_ACT_NOTIFY,		/* NOTIFY(CDS), once all servers have it */
	KS_ACT_TELL,		/* a person: make the DS set .ds (add .ds_add, then remove .ds_del) */
	KS_ACT_DELETE,		/* .key is in no cache any more */
	KS_ACT_MAX
};

struct keystate_action {
	enum ks_action	 act;
	bool		 fresh;		/* decided by this call */
	int64_t		 since;
	uint32_t	 key;		/* number; 0: none */
	enum ks_role	 role;
	uint8_t		 alg;
	uint32_t	 bits;
	enum ks_goal	 goal;
	uint32_t	 ds, ds_add, ds_del;	/* bits: the whole set, not a part; and what differs */
};

enum ks_wait {
	KS_WAIT_NOTHING,
	KS_WAIT_CACHES,		/* .until: a TTL runs */
	KS_WAIT_CHILD,		/* until all servers of the zone have the newest version */
	KS_WAIT_PARENT,		/* until all servers of the parent have the DS set that is wanted */
	KS_WAIT_STEP,		/* another step comes first */
	KS_WAIT_LIFETIME,	/* .until */
	KS_WAIT_KEY,		/* to be generated */
	KS_WAIT_BACKUP,
	KS_WAIT_CLOCK,		/* it went back */
	KS_WAIT_SETTLE,		/* .until: what was before is not known */
	KS_WAIT_DS_ALARM,	/* the parent has a DS set that nobody asked for */
	KS_WAIT_OPERATOR,	/* who holds it */
	KS_WAIT_PROOF,		/* until parent and child were seen, with contents */
	KS_WAIT_MAX
};

struct keystate_wait {
	enum ks_wait	 why;
	enum ks_record	 record;	/* the step that waits, of .key */
	uint32_t	 key;		/* 0: all of it */
	int64_t		 until;		/* TIME_NEVER: not by time alone */
};

/* What the zone says from now on; bits. */
struct keystate_publication {
	bool		 valid;		/* false: leave the zone as it is */
	uint32_t	 dnskey_seq, data_seq;
	uint32_t	 dnskey, dnskey_sigs;
	uint32_t	 zone_sigs;	/* 0: unsigned */
	uint32_t	 cds;		/* CDS and CDNSKEY for these */
	bool		 cds_delete;
	uint32_t	 cds_sigs;	/* RFC 7344 section 4.1: in DNSKEY and DS sets */
	uint32_t	 denial;	/* POLICY_NSEC … */
};

struct keystate_step {
	struct keystate_publication pub;
	struct keystate_action	 actions[KEYSTATE_ACTIONS_MAX];
	size_t			 n_actions;
	struct keystate_wait	 waits[KEYSTATE_WAITS_MAX];
	size_t			 n_waits;
	bool			 held;
	int64_t			 next;		/* ask again; TIME_NEVER: when something was seen */
	enum ks_wait		 next_why;
};

/*
 * One step of time. Findings KEY_*. now may be far behind the last call's:
 * then all is held. 0; SE_LIMIT: too many sets are alive, nothing was changed.
 */
int	 keystate_next(struct keystate *, const struct dnssec_policy *,
	    const struct keystate_observations *, int64_t now, struct findings *,
	    struct keystate_step *ret) MUST_USE;

/* A step by hand: sets that would be published at now, beside all that is alive. */
struct keystate_hand {
	uint32_t	 dnskey, dnskey_sigs, zone_sigs, ds;
	bool		 no_dnskey, no_data, no_ds;	/* these stay as they are */
};

struct keystate_break {
	bool		 broken;
	int64_t		 until;		/* some resolver fails until then; TIME_NEVER: no end in sight */
	struct keystate_set ds, dnskey, data;	/* of the longest one */
};

void	 keystate_whatif(const struct keystate *, const struct dnssec_policy *,
	    const struct keystate_hand *, int64_t now, struct keystate_break *ret);

/* Words of the state file, the same in all languages; and msgids for people. */
const char *keystate_role_name(enum ks_role);
const char *keystate_record_name(enum ks_record);
const char *keystate_state_name(enum ks_state);
const char *keystate_goal_name(enum ks_goal);
const char *keystate_wait_text(enum ks_wait);		/* msgid */
const char *keystate_action_text(enum ks_action);	/* msgid */

/* --- as text (keystate_text.c): a line a fact, a sum at the end --- */

void	 keystate_write(const struct keystate *, struct buf *);
/*
 * Strict: SE_FORMAT for another version, SE_SYNTAX with the line (from 1). A
 * text that is well-formed but whose sum is wrong was edited: it is taken, and
 * distrusted (KEY_STATE_EDITED).
 */
int	 keystate_parse(struct sv, struct keystate *ret, unsigned *ret_line,
	    struct findings *) MUST_USE;

/* --- for the proof (keystate_history.c) --- */

struct keystate_history;
/* NULL: no memory. */
struct keystate_history *keystate_history_new(void);
struct keystate_history *keystate_history_free(struct keystate_history *);
DEFINE_CLEANUP(struct keystate_history, keystate_history_free)
/* After each keystate_next(). */
int	 keystate_history_add(struct keystate_history *, const struct keystate *) MUST_USE;
/*
 * What was played, in the text form of dnssec/timeline.h. Signatures are as
 * the policy has them made anew: validity, refresh and propagation. Times are
 * counted from origin.
 */
int	 keystate_history_write(const struct keystate_history *, const struct dnssec_policy *,
	    int64_t origin, struct buf *) MUST_USE;

#endif
