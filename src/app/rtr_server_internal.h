/* Shared by rtr_server.c (clients), rtr_store.c (what they are served), rtr_peers.c (who they are). */
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
	struct snapshot	 served;	/* what it says; .map is gone */
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

/* --- who may come --- */

struct rtr_access {
	struct ip_prefix *allow, *md5;
	size_t		 n_allow, n_md5;
};

int	 rtr_access_set(struct rtr_access *, const struct rtr_admission *) MUST_USE;
void	 rtr_access_done(struct rtr_access *);
bool	 rtr_access_allows(const struct rtr_access *, const struct ip_prefix *host, bool tls);
bool	 rtr_access_signed(const struct rtr_access *, const struct ip_prefix *host);

/* --- who came: one row an address, kept when its connections end --- */

struct rtr_peer_now {
	uint32_t	 n[RTR_OVER_MAX];
	uint64_t	 sent, received;
	int64_t		 since;
	uint32_t	 serial;
	uint8_t		 version;
	bool		 established;
};

struct rtr_peer {
	struct ip_prefix host;
	uint32_t	 n_now;			/* connections */
	uint64_t	 n_accepted, n_errors;
	uint64_t	 sent, received;	/* of connections that ended */
	int64_t		 last;			/* monotonic */
	struct rtr_peer_now now;		/* while JSON is written */
};

struct rtr_peers {
	struct rtr_peer	*list;			/* RTR_PEERS_MAX, when the first comes */
	size_t		 n;
};

/* NULL: as many addresses are connected at this moment as there are rows. */
struct rtr_peer *rtr_peers_join(struct rtr_peers *, const struct ip_prefix *host, int64_t now);
void	 rtr_peer_leave(struct rtr_peer *, uint64_t sent, uint64_t received, int64_t now);
void	 rtr_peers_done(struct rtr_peers *);

/* --- what was said of strangers --- */

#define TOLD_MAX	128		/* lines an hour */
#define TOLD_SEC	3600

struct rtr_told {
	struct ip_prefix hosts[TOLD_MAX];	/* of IPv6 the /64: one machine has them all */
	unsigned	n;
	int64_t		since;		/* the hour that they are of */
};

enum rtr_tell {
	RTR_TELL_NOT,
	RTR_TELL,
	RTR_TELL_LAST,		/* only that there are too many */
};
enum rtr_tell rtr_told_ask(struct rtr_told *, const struct ip_prefix *host, int64_t now);

#endif
