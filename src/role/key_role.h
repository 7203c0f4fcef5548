/*
 * key: the process that holds the keys of zones. It parses frames, questions
 * in a ring (app/sign_ask.h) and files that it wrote itself, nothing else.
 *
 * A zone has a folder of its own below the keys' folder (0700): its keys
 * (app/keyring.h; private ones PKCS#8, 0600) and "state" (dnssec/keystate.h).
 * key_zone.c runs the state: at start, and whenever it says that it is due. A
 * key that is asked for is made; the state is on the disk before anybody hears
 * of what came of it. What the zone role gets is a *set*: an immutable list of
 * keys and what each does, with a generation. key_sign.c answers its questions
 * on threads of their own, out of the sets that are in force.
 *
 * What servers really give out comes from role name (app/zone_seen.h), the
 * serials that were published from zone; app/key_seen.h makes of both what the
 * state wants to know. Waiting steps ask name to look again soon. A step that
 * changes what the world is given passes keystate's gate, and is then judged a
 * second time (app/zone_proof.h): if dnssec/timeline finds a cache for which it
 * is wrong, it is not taken, and waits until that is over or an operator
 * overrides it. Demands (NOTIFY, the hook, words for a person) are in key_act.c,
 * an operator's commands in key_command.c, what others are told in key_told.c.
 *
 * Each key signs a probe when it is read or made, which is verified against
 * the public key of its DNSKEY record: a key that does not fit is never used.
 *
 * Sets are kept until the end of this life: they change a few times a year, and
 * a thread may be reading them.
 */
#ifndef ROLE_KEY_ROLE_H
#define ROLE_KEY_ROLE_H

#include <stdatomic.h>

#include "app/key_seen.h"
#include "app/key_serials.h"
#include "app/keyring.h"
#include "app/sign_ask.h"
#include "app/told_turn.h"
#include "app/zone_list.h"
#include "base/tr.h"
#include "crypto/crypto.h"
#include "dnssec/dnssec.h"
#include "dnssec/keystate.h"
#include "role/key_token.h"
#include "role/role.h"
#include "sys/par.h"
#include "sys/ring.h"
#include "sys/task.h"

enum key_set_state {
	KEY_SET_READY,
	KEY_SET_WAITS,		/* for a backup, mostly: no key may be used yet */
	KEY_SET_CANNOT,		/* .why; what is published stays */
	KEY_SET_UNSIGNED,	/* the zone is published without keys and signatures */
	KEY_SET_STATE_MAX
};

#define KEY_SET_KEYS_MAX	24000	/* octets, as the message has it */
#define KEY_SET_WHY_MAX		500
#define KEY_TEXT_MAX		500	/* what a program or a server answered */
#define KEY_STORY_MAX		4000	/* of a refused step */

struct set_key {
	struct sv			 rdata;		/* DNSKEY */
	const struct crypto_priv	*priv;
	struct key_token_key		*token;		/* NULL: it is a file */
	unsigned			 uses;		/* enum sign_use */
	uint8_t				 alg;
	uint16_t			 tag;
	size_t				 sig_len;
};

struct key_set {
	struct dname		 apex;
	uint32_t		 generation;
	enum key_set_state	 state;
	uint32_t		 life_max;	/* seconds: no signature is longer */
	bool			 cds_delete;
	uint32_t		 dnskey_seq, data_seq;	/* of the state; 0: nobody knows yet */
	size_t			 n;
	struct set_key		 key[KEYSTATE_KEYS_MAX];
	char			 why[KEY_SET_WHY_MAX];
	const struct key_set	*before;	/* the one that was told before it */
};

/* Sets in force, by their generations: those of this life are numbered from the first on. */
#define KEY_CHUNK_SETS		4096u
#define KEY_CHUNKS		4096u	/* 16 million sets: ten thousand zones for some decades */
struct key_chunk {
	_Atomic(const struct key_set *) sets[KEY_CHUNK_SETS];
};

/* A demand that is handed over: to name (NOTIFY), or to the hook. */
struct key_demand {
	int64_t			 since;		/* keystate's; 0: none */
	uint32_t		 id;		/* of the message that is out; 0: none is */
	unsigned		 n_failed;
	int64_t			 next;		/* not before */
	char			 why[KEY_TEXT_MAX];	/* it failed; "": it did not */
};

/* A step that dnssec/timeline does not let pass. */
struct key_refusal {
	bool			 is;
	bool			 overridden;	/* the next step is taken without the proof */
	int64_t			 since;
	uint64_t		 cause;		/* of the story without its dates */
	char			 story[LANG_MAX][KEY_STORY_MAX];
};

/* What key_life() gives: of few zones at a time (key_life.c). */
struct key_life {
	struct keystate		 state;
	struct keystate_step	 step;
};
#define KEY_LIVES_OPEN	64

struct key_zone {
	const struct zone_list_entry *e;
	bool			 begun;		/* its folder was read */
	struct keyring		*ring;		/* NULL: it cannot be used, .set says why */
	struct key_role		*kr;
	struct key_life		*life;		/* open; else packed, or never opened: see key_life() */
	uint8_t			*packed;
	uint8_t			 written[SHA256_LEN];	/* of the state's text on the disk */
	struct key_set		*set;		/* what zone was told last */
	int64_t			 next;
	uint64_t		 told;		/* hash of what the log said last */
	struct key_serials	 serials;
	int64_t			 serials_at;	/* when they were written */
	bool			 has_cds_serial;	/* from which on all versions have the CDS set of now */
	uint32_t		 cds_serial;
	bool			 cds_everywhere;
	struct key_demand	 demands[KEY_HANDED_MAX];
	struct key_refusal	 refusal;
	int64_t			 looked, wanted;	/* the last observation; the last time we asked for one */
	int64_t			 moved;		/* the last change of what is waited for */
	bool			 parent_looked;	/* some server of the parent answered in this life */
	bool			 has_parent_ds;	/* the last look found all of what is there */
	struct buf		 parent_ds;	/* DS data that its servers gave then: n times u16 length, data */
	uint64_t		 waits;		/* hash of it */
	bool			 has_eyes;	/* among those that wait for what name sees */
	int64_t			 person_told;	/* the demand that the log has */
	size_t			 n_doubt;	/* servers whose serial and keys do not go together */
};

struct key_worker {
	struct key_role		*kr;
	struct task		*task;
	uint8_t			 octets[RING_ASK_MAX];
	struct sign_ask		 ask;
	uint8_t			 text[64 * 1024];	/* an apex set: 32 keys of 4096 bits */
	uint8_t			 head[18 + DNS_NAME_MAX];
	uint8_t			 answer[RING_ANSWER_MAX];
	unsigned		 slot;		/* of the question */
	bool			 on_token;	/* a thread of the token */
	int			 token_rc;	/* … and what the token said */
};

struct key_role {
	struct role		*role;
	char			 folder[4096];
	struct zone_list	 list;
	struct key_zone		*zones;		/* one per entry of the list */
	size_t			 n_begun, turn;
	int64_t			 soonest;	/* no zone is due before */
	int64_t			 armed_usec;	/* the timer; 0: it does not run */
	uint32_t		 first_generation, next_generation;
	_Atomic(struct key_chunk *) chunks[KEY_CHUNKS];
	struct key_zone		*open[KEY_LIVES_OPEN];
	size_t			 open_turn;
	struct turn_queue	 untold;	/* whose sets found no room on their way to zone */
	struct told_turn	 telling;	/* web and store */
	bool			 told_is_armed;
	int64_t			 n_eyes;	/* zones that wait for what name sees */
	struct ring		*ring;
	struct key_token	*token;		/* NULL: none is configured */
	struct key_worker	*workers;
	unsigned		 jobs;
	atomic_bool		 stop;
	_Atomic uint64_t	 n_signed, n_refused;
	struct loop_timer	*timer, *told_timer;
	struct seen		*seen;		/* room for one */
	bool			 looks;		/* role name tells what it sees */
	uint32_t		 next_id;	/* of demands */
	uint64_t		 n_seen, n_held;	/* observations; steps that the proof refused */
};

/* --- key_zone.c. Negative codes are of this machine; what is wrong with a zone is in its set. */

/* Once: load it, and take its first steps. */
int	 key_zone_begin(struct key_role *, struct key_zone *) MUST_USE;
/* Move on in time, by what was seen (NULL: nothing); a new set is put in force and told. */
int	 key_zone_step(struct key_role *, struct key_zone *, const struct key_seen *) MUST_USE;
/*
 * Nothing was ever published, and the parent was not seen yet: it may have DS
 * records of another signer's keys, with which ours would be bogus.
 */
bool	 key_zone_is_new(const struct key_role *, const struct key_zone *);

/* --- key.c */

struct key_zone *key_zone_find(struct key_role *, const struct dname *);
/* The clock that leads to the next step of any zone. */
void	 key_timer_arm(struct key_role *);
/* The time of its next step has changed. Outside of a turn, key_timer_arm() has to follow. */
void	 key_zone_due(struct key_role *, const struct key_zone *);

/* --- key_folder.c */

#define KEY_PATH_MAX		4600
#define KEY_FINDINGS_POOL	((size_t)256 * 1024)
#define KEY_FOLDER_POOL		(KEY_FINDINGS_POOL + KEYSTATE_TEXT_MAX + KEY_SERIALS_TEXT_MAX)
int	 key_zone_path(const struct key_role *, const struct key_zone *, const char *file,
	    char dst[static KEY_PATH_MAX]) MUST_USE;
const char *key_zone_text(const struct key_zone *, char dst[static DNAME_STRLEN]);
int	 key_zone_load(struct key_role *, struct key_zone *) MUST_USE;
/* The state as it is, on the disk. */
int	 key_state_write(struct key_role *, struct key_zone *) MUST_USE;
int	 key_serials_save(struct key_role *, struct key_zone *) MUST_USE;
/* The keys that are there, probed. ret_what: at what it failed. */
int	 key_ring_read(struct key_role *, struct key_zone *, struct findings *, struct keyring **ret,
	    const char **ret_what) MUST_USE;
/* A zone that could not be used until now: its state, or a new one. */
int	 key_state_find(struct key_role *, struct key_zone *, struct findings *) MUST_USE;
/* To the log, once as long as they stay the same. */
void	 key_findings_tell(struct key_role *, struct key_zone *, const struct findings *);

/* --- key_adopt.c */

/* The folder, read anew: keys that it has and the state has not are imported; so many. */
int	 key_zone_import(struct key_role *, struct key_zone *, unsigned *ret_n, char *why, size_t why_n) MUST_USE;

/* --- key_life.c */

/* The state and the last step. It stays where it is until KEY_LIVES_OPEN other zones were asked for theirs. */
struct key_life	*key_life(const struct key_zone *);

/* --- key_set.c */

/* The key of the folder that a key of the state is; NULL: it is not there. */
const struct keyring_key *key_ring_find(const struct keyring *, const struct keystate_key *);
/* What the step says, in force and told; later, where the token was not asked yet. */
int	 key_set_make(struct key_role *, struct key_zone *) MUST_USE;
int	 key_set_cannot(struct key_role *, struct key_zone *, const char *what, const char *why) MUST_USE;
int	 key_zone_tell(struct key_role *, const struct key_zone *);
const struct key_set *key_set_of(const struct key_zone *, uint32_t generation);
bool	 key_set_same_cds(const struct key_set *, const struct key_set *);
/* Zone tries again what failed: the same set under another generation. */
int	 key_set_renew(struct key_role *, struct key_zone *) MUST_USE;
/* The token's part of a key of the ring (NULL: none), and how it is. */
struct key_token_key *key_zone_token(struct key_role *, const struct key_zone *,
	    const struct keyring_key *);
enum key_token_state key_zone_token_state(struct key_role *, const struct key_zone *,
	    const struct keyring_key *, const char **ret_why);

/* --- key_act.c */

/* What the step demands: demands handed over, keys deleted, the log and the audit log told. */
int	 key_act(struct key_role *, struct key_zone *) MUST_USE;
void	 key_look_want(struct key_role *, struct key_zone *);
/* All files of a key of the ring, the private one first. */
int	 key_files_remove(struct key_role *, const struct key_zone *, const struct keyring_key *) MUST_USE;
int	 key_on_notify_done(struct role *, enum role_id, void *msg);
int	 key_on_hook_done(struct role *, enum role_id, void *msg);
/* An entry of the audit log: of a zone, and of a key of it (NULL: none). */
void	 key_audit(struct key_role *, const struct key_zone *, const char *event, const char *what,
	    const struct keystate_key *);

/* --- key_epp.c */

/* What the parent's servers gave, kept for a command that names the difference. */
void	 key_epp_seen(struct key_zone *, const struct seen *);
/* A difference can only be named once the parent was looked at in this life. */
bool	 key_epp_ready(const struct key_role *, const struct key_zone *);
/*
 * The command for a demand, as policy and what is known of the registry have it (dnssec/epp.h).
 * 1: the parent has it already, there is nothing to send.
 */
int	 key_epp_write(struct key_role *, const struct key_zone *, const struct keystate_action *,
	    struct buf *) MUST_USE;

/* --- key_command.c */

int	 key_on_command(struct role *, enum role_id, void *msg);
int	 key_on_backed_up(struct role *, enum role_id, void *msg);

/* --- key_told.c */

int	 key_on_show(struct role *, enum role_id, void *msg);
/* It has changed: it is told soon. */
void	 key_told_soon(struct key_role *, const struct key_zone *);
int	 key_on_told_ask(struct role *, enum role_id, void *msg);
void	 key_told_timer(void *key_role);

/* --- key_sign.c */

/* The set is in force, the one before it is not any more. -ENOSPC: another life has room. */
int	 key_table_put(struct key_role *, const struct key_set *) MUST_USE;
/* Does the private key make signatures that the public one takes? 0 or negative. */
int	 key_probe(const struct crypto_priv *, struct sv rdata) MUST_USE;
/* What is in the worker's octets: the verdict, and the signatures in its answer. */
enum sign_verdict key_answer(struct key_worker *, size_t len, size_t *ret_sigs);
/* On a thread of its own until kr->stop. */
void	 key_work(void *worker);

#endif
