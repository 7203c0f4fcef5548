/* Shared by key_token*.c only. */
#ifndef ROLE_KEY_TOKEN_INTERNAL_H
#define ROLE_KEY_TOKEN_INTERNAL_H

#include <stdatomic.h>

#include "role/key_role.h"
#include "role/key_token.h"
#include "sys/crew.h"

#define TOKEN_WHY_MAX	300
#define TOKEN_KEYS_MAX	4096	/* as hsm/limits.h: HSM_KEYS_MAX */
#define TOKEN_MAKE_FACTOR 12	/* timeouts; RSA of 4096 bits: two minutes in small tokens */
#define TOKEN_DEATHS	3	/* within an hour: somebody is to know */
#define TOKEN_ID_MAX	64	/* octets, as hsm/limits.h: HSM_ID_MAX */
#define TOKEN_ID_HEX	(2 * TOKEN_ID_MAX + 1)
#define USEC		1000000LL

struct key_token_key {
	struct key_token	*kt;
	size_t			 zone;
	char			*name, *uri;
	struct sv		 rdata;		/* on the heap */
	/* Of the loop: */
	enum key_token_state	 state;
	char			 why[TOKEN_WHY_MAX];
	struct token_key	*opened;	/* kept until the end: a thread may be in it */
	bool			 asked;		/* a try is under way */
	int64_t			 next, probed;	/* monotonic: when it is tried again, and was last */
	bool			 changed, renew;	/* its zone is to be told */
	bool			 is_gone;	/* deleted by us */
	bool			 is_absent;	/* the token said so when it was tried last */
	char			 stays[TOKEN_WHY_MAX];	/* why it could not be deleted; "": it was not tried */
	unsigned		 n_stays;
	int64_t			 delete_next;
	/* What threads may sign with; NULL: not now. */
	_Atomic(struct token_key *) live;
};

/* A key that a zone wants. */
struct token_making {
	bool			 asked, is_made, changed;
	unsigned		 n_passed;	/* questions for another kind since it is made */
	uint8_t			 alg;
	unsigned		 bits;
	uint16_t		 flags;
	int64_t			 next;		/* after a failure */
	struct token_made	 made;
	char			 why[TOKEN_WHY_MAX];
};

struct key_token {
	struct role		*role;
	struct key_role		*kr;
	void			(*changed)(struct key_role *, size_t zone, bool renew);
	char			*module, *uri, *refused_file;
	uint64_t		 stamp;
	unsigned		 n_threads;
	int64_t			 timeout;	/* microseconds */
	struct hsm		*hsm;		/* NULL: .why */
	bool			 is_refused;	/* its PIN, and that is remembered */
	struct crew		*crew;
	struct key_worker	*workers;	/* one per thread of the crew */
	struct loop_timer	*timer;
	struct ring		*ring;		/* under the crew's lock, and its number */
	_Atomic uint32_t	 ring_no;
	/* The loop's: */
	char			 why[TOKEN_WHY_MAX];	/* "": it answers */
	int64_t			 away_since, look_at;
	struct hsm_apart_state	 apart;		/* as it was looked at last */
	int64_t			 died[TOKEN_DEATHS];	/* the last deaths of its process */
	char			 ill[TOKEN_WHY_MAX];	/* … are too many; "": they are not */
	int64_t			 list_next;	/* when its keys are listed again */
	bool			 listing;
	size_t			 n_orphans;	/* of the last list */
	uint64_t		 orphans, orphans_told;	/* hashes of them */
	struct key_token_key	*keys[TOKEN_KEYS_MAX];
	size_t			 n;
	struct token_making	*making;	/* one per zone */
	size_t			 n_zones;
	/* Of all threads: */
	atomic_bool		 away;
	_Atomic uint64_t	 n_signed;
};

enum token_job_kind {
	JOB_TRY,		/* open or probe */
	JOB_SIGN,
	JOB_MAKE,
	JOB_UNDO,
	JOB_DELETE,
	JOB_LIST,		/* the keys of the token, to find orphans */
	JOB_REMOVE		/* one of those */
};

struct token_job {
	struct crew_job		 job;
	enum token_job_kind	 kind;
	struct key_token	*kt;
	struct key_token_key	*key;		/* TRY, SIGN */
	struct token_key	*opened;	/* TRY: with which, or the answer */
	bool			 is_new;	/* TRY: opened is the answer */
	size_t			 zone;		/* MAKE */
	uint8_t			 alg;
	unsigned		 bits;
	uint16_t		 flags;
	char			 zone_name[DNAME_STRLEN];	/* … in its label */
	struct token_made	 made;		/* MAKE, UNDO */
	struct pool		*pool;		/* LIST */
	struct hsm_key_info	*list;
	size_t			 n_list;
	uint32_t		 req;		/* LIST, REMOVE: whom to answer; 0: nobody */
	char			 id[TOKEN_ID_HEX];	/* … of the key to be removed; "": none is */
	int			 rc;
	char			 why[TOKEN_WHY_MAX];	/* if rc < 0 */
	unsigned		 slot;		/* SIGN */
	uint32_t		 ring_no;
	unsigned		 thread;
	size_t			 answer_len;	/* in the thread's worker; 0: it was not begun */
	size_t			 len;
	uint8_t			 octets[];
};

/* key_token_job.c: to be given to the crew; NULL: no memory. */
struct token_job *token_job_new(struct key_token *, enum token_job_kind, size_t len);
/* -EBUSY: the job is gone. */
int	 token_job_add(struct token_job *) MUST_USE;

/* key_token.c: what came of a job, in the loop, with the crew's lock held. */
void	 token_job_late(struct token_job *);

/* key_token_orphan.c */
void	 token_orphans_tick(struct key_token *, int64_t now);
void	 token_list_over(struct token_job *);
void	 token_remove_over(struct token_job *);
/* Nothing came of it: whoever asked is told why. */
void	 token_orphan_failed(struct token_job *, const char *why);

#endif
