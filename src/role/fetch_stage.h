/*
 * A conversation with the store about one source, as both roles that bring
 * objects have it (fetch and rsync):
 *
 *	source_open  ->	source_opened		what is known of it
 *	batch …      ->	batch_done …		at most STAGE_UNDER_WAY at a time
 *	commit       ->	commit_done		after the last batch is answered
 *
 * Nothing here blocks. Whoever fills a stage asks stage_full() after each
 * piece, stops its source when it is, and goes on when room() is called. A
 * batch that the store refuses, or does not answer in STAGE_WAIT_MS, ends the
 * stage with that code: the store may have been started anew, and knows
 * nothing of the batches before.
 */
#ifndef ROLE_FETCH_STAGE_H
#define ROLE_FETCH_STAGE_H

#include "role/role.h"
#include "store/objects.h"

/* Of 8 MiB that a batch may have: 38 stages fill theirs at one time. */
#define STAGE_BATCH		((size_t)2 * 1024 * 1024)
#define STAGE_UNDER_WAY		2
/* The commit of a snapshot with 500,000 names takes some seconds. */
#define STAGE_WAIT_MS		120000
/* The same when the store has said that it lives anew: it answers at once, or never. */
#define STAGE_AGAIN_MS		5000

struct stage_ops {
	/* rc < 0: the store cannot; nothing follows. The state is copied by us. */
	void	(*opened)(void *arg, int rc, struct sv state, uint64_t names);
	/* It was full and is not any more. */
	void	(*room)(void *arg);
	/* Of a commit, or why there will be none; the source is open still. */
	void	(*done)(void *arg, int rc, uint64_t changed, uint64_t names);
};

struct stages;
struct stage;

struct stages	*stages_new(struct role *);
/* NULL: no memory. The callbacks come from the loop, never from the calls. */
struct stage	*stage_open(struct stages *, struct sv key, const struct stage_ops *, void *arg);
/* A new stage; replace: what is not published in it is gone at its commit. */
void		 stage_begin(struct stage *, bool replace);
/* old: the SHA-256 of what is replaced or withdrawn, or NULL. */
int		 stage_change(struct stage *, enum objects_op, struct sv uri, struct sv bytes,
		    const uint8_t *old) MUST_USE;
bool		 stage_full(struct stage *);
/* Ends in done(). */
void		 stage_commit(struct stage *, struct sv state);
/* What was staged is given up; the source stays open. */
void		 stage_drop(struct stage *);
/* No callback any more. */
struct stage	*stage_close(struct stage *);

/* Handlers for the role's table. */
int	 stages_on_opened(struct stages *, const struct msg_source_opened *);
int	 stages_on_batch(struct stages *, const struct msg_batch_done *);
int	 stages_on_commit(struct stages *, const struct msg_commit_done *);

#endif
