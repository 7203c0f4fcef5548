/* Inside the role validate: shared by validate*.c. */
#ifndef ROLE_VALIDATE_H
#define ROLE_VALIDATE_H

#include "app/exceptions.h"
#include "app/live.h"
#include "app/routes.h"
#include "role/role.h"
#include "sys/memfd.h"
#include "sys/ring.h"
#include "sys/task.h"

#define VALIDATE_PATHS_MAX	64	/* as the sandbox */
#define QUESTIONS_MAX		16	/* that wait while a run works */

struct question {
	uint32_t	 id;
	enum lang	 lang;
	enum role_id	 from;
	bool		 taken;		/* by a run, which brings what it needs */
	char		 subject[2049];
};

/*
 * One validation with all that it leads to, ready to be sent. It is filled on
 * a thread of its own when the daemon is live; nothing in it is shared.
 */
struct run {
	/* what goes in */
	struct routes_conf	 conf;
	const struct ours	*ours;
	struct live		*live;		/* NULL: files */
	const struct snapshot	*published;	/* for the guard; NULL: none yet */
	struct guard_limits	 limits;	/* .share_permille 0: no guard */
	bool			 has_released;
	uint8_t			 released[SNAPSHOT_SUM_LEN];	/* the hash that was let go */
	const char *const	*slurm;		/* files */
	size_t			 n_slurm;
	struct sv		 exceptions;	/* exceptions_text() */
	struct slurm		*local_before;	/* in force now, for when the new is refused; the role's */
	bool			 may_publish;	/* false: only if it has settled */
	bool			 is_first;	/* nothing was published before */
	bool			(*known)(void *arg, struct sv key);
	void			*known_arg;
	const struct question	*questions;	/* that wait for objects of thin points */
	size_t			 n_questions;
	/* what comes out; -1: nothing to send */
	int			 rc;
	struct routes		*routes;
	struct slurm		*local;		/* in force; used by routes */
	bool			 local_kept;	/* the new set was refused */
	struct guard_decision	 guard;
	bool			 settled;
	int64_t			 next;		/* time changes something then */
	struct live_counts	 counts;
	int			 snapshot, findings, wants, points, holds, touched;
	struct buf		 complaints;	/* lines for the log */
};

void	 run_init(struct run *);
/* All of it; .rc says how it went. */
void	 run_work(struct run *);
/* Everything that was not sent or taken over. */
void	 run_done(struct run *);

struct validate_role {
	struct pool		*pool;		/* of the configuration */
	const char		*tals;
	const char		**trees, **rrdp;
	size_t			 n_trees, n_rrdp;
	struct ours		 ours;
	int64_t			 interval;
	unsigned		 jobs;
	struct {
		const char	*path;		/* a folder */
		uint64_t	 identity;	/* at the start; 0: it was not there */
	}			 held[VALIDATE_PATHS_MAX];
	size_t			 n_held, n_held_local;	/* the first are SLURM files */
	const char		**slurm;
	size_t			 n_slurm;
	struct sv		 exceptions;
	struct routes		*last;
	struct slurm		*local;		/* in force in the last run */
	uint64_t		 local_signature;	/* of the SLURM files then */
	int64_t			 local_next;	/* files: an exception begins to end, or ends */
	struct loop_timer	*timer;
	int64_t			 ran_at;
	bool			 failed, complained;
	uint64_t		 n_runs, n_failed;

	/* files: validate.c */
	uint64_t		 signature;	/* of the inputs of the last run */
	int64_t			 next;		/* run then, whatever happens */
	unsigned		 n_unsettled;

	/* the object store: validate_live.c */
	bool			 is_live;
	struct vlive		*vlive;
	struct ring		*ring;
	struct guard_limits	 limits;
	int64_t			 settle_sec;
	const char		*objects;
	bool			 facts;
	struct question		 questions[QUESTIONS_MAX];
	size_t			 n_questions;
};

/* validate.c */
/* What is local goes into a run, and the set in force comes back from a good one. */
void	 run_local_give(struct validate_role *, struct run *);
void	 run_local_take(struct validate_role *, struct run *);
/* Is another SLURM file there than at the last run? */
bool	 run_local_changed(const struct validate_role *);
/* Is an input out of reach of the sandbox? Then the role has been told to stop. */
bool	 inputs_moved(struct role *);
/* Do objects have to be read for it? Not those of files: they are all there. */
bool	 question_waits(const struct validate_role *, const struct question *);
void	 question_answer(struct role *, const struct question *);
void	 run_logged(struct role *, int rc);

/* validate_live.c: handlers and life of the live mode */
int	 vlive_start(struct role *);
void	 vlive_now(struct role *);
bool	 vlive_busy(const struct validate_role *);
void	 vlive_status(const struct validate_role *, struct json *);
int	 vlive_on_changed(struct role *, enum role_id, void *);
int	 vlive_on_result(struct role *, enum role_id, void *);
int	 vlive_on_ask(struct role *, enum role_id, void *msg);
int	 vlive_on_pinned(struct role *, enum role_id, void *);
int	 vlive_on_unpinned(struct role *, enum role_id, void *);
int	 vlive_on_use(struct role *, enum role_id, void *);
int	 vlive_on_release(struct role *, enum role_id, void *);
int	 vlive_on_ring(struct role *, enum role_id, void *);

#endif
