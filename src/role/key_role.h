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
 * Each key signs a probe when it is read or made, which is verified against
 * the public key of its DNSKEY record: a key that does not fit is never used.
 *
 * Sets and tables are kept until the end of this life: they change a few times
 * a year, and a thread may be reading them.
 */
#ifndef ROLE_KEY_ROLE_H
#define ROLE_KEY_ROLE_H

#include <stdatomic.h>

#include "app/keyring.h"
#include "app/sign_ask.h"
#include "app/zone_list.h"
#include "dnssec/dnssec.h"
#include "dnssec/keystate.h"
#include "role/role.h"
#include "sys/par.h"
#include "sys/ring.h"
#include "sys/task.h"

enum key_set_state {
	KEY_SET_READY,
	KEY_SET_WAITS,		/* for a backup, mostly: no key may be used yet */
	KEY_SET_CANNOT,		/* .why; what is published stays */
	KEY_SET_STATE_MAX
};

#define KEY_SET_KEYS_MAX	24000	/* octets, as the message has it */
#define KEY_SET_WHY_MAX		500

struct set_key {
	struct sv			 rdata;		/* DNSKEY */
	const struct crypto_priv	*priv;
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
	size_t			 n;
	struct set_key		 key[KEYSTATE_KEYS_MAX];
	char			 why[KEY_SET_WHY_MAX];
};

struct key_table {
	size_t			 n;
	const struct key_set	*sets[];
};

struct key_zone {
	const struct zone_list_entry *e;
	struct keyring		*ring;		/* NULL: it cannot be used, .set says why */
	struct keystate		 state;
	struct keystate_step	 step;
	struct buf		 written;	/* the state's text on the disk */
	struct key_set		*set;		/* what zone was told last */
	int64_t			 next;
	uint64_t		 told;		/* hash of what the log said last */
};

struct key_worker {
	struct key_role		*kr;
	struct task		*task;
	uint8_t			 octets[RING_ASK_MAX];
	struct sign_ask		 ask;
	uint8_t			 text[64 * 1024];	/* an apex set: 32 keys of 4096 bits */
	uint8_t			 head[18 + DNS_NAME_MAX];
	uint8_t			 answer[RING_ANSWER_MAX];
};

struct key_role {
	struct role		*role;
	char			 folder[4096];
	struct zone_list	 list;
	struct key_zone		*zones;		/* one per entry of the list */
	uint32_t		 next_generation;
	_Atomic(const struct key_table *) table;
	struct ring		*ring;
	struct key_worker	*workers;
	unsigned		 jobs;
	atomic_bool		 stop;
	_Atomic uint64_t	 n_signed, n_refused;
	struct loop_timer	*timer;
};

/* key_zone.c. Negative codes are of this machine; what is wrong with a zone is in its set. */
int	 key_zone_load(struct key_role *, struct key_zone *) MUST_USE;
/* Move on in time; a new set is put in force and told. */
int	 key_zone_step(struct key_role *, struct key_zone *) MUST_USE;
int	 key_zone_tell(struct key_role *, const struct key_zone *);
/* All keys that are there now; their number. */
int	 key_zone_backed_up(struct key_role *, struct key_zone *, unsigned *ret_n) MUST_USE;

/* key_sign.c */
int	 key_table_publish(struct key_role *) MUST_USE;
/* Does the private key make signatures that the public one takes? 0 or negative. */
int	 key_probe(const struct crypto_priv *, struct sv rdata) MUST_USE;
/* On a thread of its own until kr->stop. */
void	 key_work(void *worker);

#endif
