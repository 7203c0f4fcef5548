/* Shared by rtr_server.c (clients) and rtr_store.c (what they are served). */
#ifndef APP_RTR_SERVER_INTERNAL_H
#define APP_RTR_SERVER_INTERNAL_H

#include "app/rtr_server.h"

/* Bytes in a file or memfd that any number of clients are sent. */
struct rtr_body_ref {
	int		 fd;
	int64_t		 off;
	size_t		 len;
	int64_t		 expires;	/* wall clock; after it nobody gets more */
	unsigned	 refs;
};

/* A router that is further behind than this starts anew. */
#define STEPS_MAX	64
/* Composed deltas that are kept ready: serials × versions in use. */
#define READY_MAX	32

struct rtr_ready {
	struct rtr_body_ref *body;
	uint32_t	 from;
	uint8_t		 version;
};

struct rtr_store {
	int		 fd;		/* the snapshot; -1: none */
	struct snapshot_stamp stamp;
	int64_t		 built, earliest;
	size_t		 n_v4, n_v6, n_aspas;
	struct rtr_body_ref *full[RTR_VERSIONS];	/* NULL until asked for */
	struct delta	*steps[STEPS_MAX];	/* oldest first, without gaps */
	unsigned	 n_steps;
	struct rtr_ready ready[READY_MAX];
	unsigned	 n_ready, next_ready;
};

void	 rtr_store_init(struct rtr_store *);
void	 rtr_store_done(struct rtr_store *);
/* history: what is not newer than ours is passed over. */
int	 rtr_store_use(struct rtr_store *, int fd, bool history, bool *ret_replaced) MUST_USE;
bool	 rtr_store_delta_held(const struct rtr_store *, uint32_t from);
/* A new reference; -ENOENT: not held. */
int	 rtr_store_full(struct rtr_store *, uint8_t version, struct rtr_body_ref **ret) MUST_USE;
int	 rtr_store_delta(struct rtr_store *, uint8_t version, uint32_t from,
	    struct rtr_body_ref **ret) MUST_USE;
struct rtr_body_ref *rtr_body_unref(struct rtr_body_ref *);

#endif
