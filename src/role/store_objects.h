/*
 * The store role's other half: what publication servers publish
 * (store/objects.h), for those who bring it (fetch, rsync), who reads it
 * (validate) and who does arithmetic for it (verify).
 *
 * Whoever brings objects opens the source first, in each life of the store:
 * a stage that was begun before a restart is not continued by half, it gets
 * SE_STALE and begins again. One stage per source; its batches are numbered
 * from 0 and none may be missing.
 *
 * When the objects cannot be kept (a full disk at the start), snapshots are
 * served all the same; the opening is tried again, and who asks is told why.
 */
#ifndef ROLE_STORE_OBJECTS_H
#define ROLE_STORE_OBJECTS_H

#include "role/role.h"

struct store_objects;

/* In the configuration's handler, before the sandbox closes. */
int	 store_objects_new(struct role *, const struct msg_store_conf *,
	    struct store_objects **ret) MUST_USE;
struct store_objects *store_objects_free(struct store_objects *);
DEFINE_CLEANUP(struct store_objects, store_objects_free)
int	 store_objects_start(struct store_objects *) MUST_USE;
void	 store_objects_status(struct store_objects *, struct json *);

/* NULL: nothing is fetched. store.c knows where it stands in the role's state. */
struct store_objects *store_objects_of(struct role *);

int	 store_on_source_open(struct role *, enum role_id from, void *msg);
int	 store_on_batch(struct role *, enum role_id from, void *msg);
int	 store_on_commit(struct role *, enum role_id from, void *msg);
int	 store_on_stage_abort(struct role *, enum role_id from, void *msg);
int	 store_on_pin(struct role *, enum role_id from, void *msg);
int	 store_on_pin_keep(struct role *, enum role_id from, void *msg);
int	 store_on_unpin(struct role *, enum role_id from, void *msg);
int	 store_on_points(struct role *, enum role_id from, void *msg);
int	 store_on_holds(struct role *, enum role_id from, void *msg);
int	 store_on_facts(struct role *, enum role_id from, void *msg);
int	 store_on_facts_touch(struct role *, enum role_id from, void *msg);

#endif
