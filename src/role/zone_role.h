/*
 * zone: reads unsigned zones, has them signed, verifies what came of it, and
 * gives it to the store, which writes it. It has no key and writes nothing.
 *
 * One zone at a time is worked on, on a thread beside the loop (zone_work.c):
 *
 *	read	the source, where it changed
 *	sign	only what changed and what ends soon (dnssec/dnssec.h); private
 *		keys are asked for signatures through a ring (zone_keys.c)
 *	verify	the whole first version, then each change (dnssec/audit.h)
 *	put	the text to the store; it is in service when the store says so
 *
 * What fails on the way leaves the version in service as it is: a source with
 * an error waits for the next change of the file, a key or a disk that is not
 * there is asked again. After a start the published file is the last version:
 * signatures of it that still serve are kept, and all of it is verified.
 *
 * Versions (struct zone) are made and freed by one thread: while a task runs,
 * the loop leaves them alone.
 */
#ifndef ROLE_ZONE_ROLE_H
#define ROLE_ZONE_ROLE_H

#include <stdatomic.h>

#include "app/zone_list.h"
#include "dnssec/audit.h"
#include "dnssec/dnssec.h"
#include "role/role.h"
#include "sys/ring.h"
#include "sys/task.h"

#define ZONE_WHY_MAX	400
#define ZONE_TEXT_MAX	((size_t)4 << 30)	/* of a signed zone: 16 million names */

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
	struct sign_key		 key[KEYSTATE_KEYS_MAX];
	struct key_place	 place[KEYSTATE_KEYS_MAX];
	struct sv		 octets;	/* what the keys point into; on the heap */
};

struct zone_version {
	struct zone		*plain, *signed_zone;
	struct sign_state	*state;
	struct audit_result	*audit;
	uint64_t		 stamp;		/* of the source */
};

enum zone_phase {
	ZONE_IDLE,
	ZONE_WORKING,
	ZONE_PUTTING
};

struct zone_one {
	const struct zone_list_entry *e;
	struct zone_version	 now;		/* in service */
	struct zone_keys	 keys;
	struct sign_policy	 policy;
	uint64_t		 seen, tried;	/* stamps of the source */
	bool			 wanted;
	int64_t			 retry_at;
	unsigned		 n_failed;	/* in a row */
	int64_t			 audited_at;	/* as a whole */
	uint64_t		 n_refused, n_signed;
	char			 why[ZONE_WHY_MAX];	/* "": all is well */
};

/* One run. What the loop put in, and what the thread made. */
struct zone_work {
	struct zone_one		*z;
	struct key_line		*line;
	unsigned		 jobs;
	int64_t			 at;
	struct zone_keys	 keys;
	bool			 read;		/* the source has changed */
	uint64_t		 stamp;
	/* */
	struct pool		*pool;
	struct findings		 fs;
	struct zone_version	 next;
	struct sign_stats	 stats;
	bool			 whole;		/* all of it was verified, not only a change */
	bool			 published;	/* the file holds it already */
	bool			 refused;	/* findings say why; else rc */
	const char		*what;		/* that failed */
	int			 rc;
	int			 text;		/* sealed, to the store; -1 */
};

struct zone_role {
	struct role		*role;
	struct zone_list	 list;
	struct zone_one		*zones;
	struct key_line		 line;
	unsigned		 jobs;
	enum zone_phase		 phase;
	struct zone_work	 work;
	struct task		*task;
	uint32_t		 req;		/* of the zone that is being put */
	size_t			 turn;		/* whose turn it is */
	struct loop_timer	*timer;
	uint64_t		 n_versions;
	bool			 told;		/* web knows how it is */
	int64_t			 told_at;
};

/* zone_keys.c */
int	 zone_keys_take(struct zone_one *, struct key_line *, const struct msg_key_set *) MUST_USE;
int	 zone_keys_copy(const struct zone_keys *, struct zone_keys *ret) MUST_USE;
void	 zone_keys_done(struct zone_keys *);
/* A sign_fn; the key's arg is a struct key_place. SE_STALE, -EPERM, -ETIMEDOUT … */
int	 zone_keys_sign(void *arg, const struct sign_key *, struct crypto_make *, size_t n);

/* zone_work.c */
void	 zone_policy(const struct dnssec_policy *, struct sign_policy *ret);
void	 zone_version_done(struct zone_version *);
/* On a thread. */
void	 zone_work(struct zone_work *);
void	 zone_work_done(struct zone_work *);

#endif
