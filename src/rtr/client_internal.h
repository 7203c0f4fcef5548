/* The client's own: what its two files share. */
#ifndef RTR_CLIENT_INTERNAL_H
#define RTR_CLIENT_INTERNAL_H

#include "rtr/limits.h"
#include "rtr/rtr.h"

enum state {
	IDLE,			/* nothing asked */
	ASKED,			/* waiting for Cache Response, Reset or error */
	RECEIVING,		/* between Cache Response and End of Data */
};

/* One payload PDU of the answer in hand. */
struct op {
	struct vrp	 vrp;
	uint32_t	 seq;		/* place in the answer */
	bool		 announce;
};

struct key_op {
	struct router_key key;
	uint32_t	 seq;
	bool		 announce;
};

struct aspa_op {
	uint32_t	 customer, seq, n;
	uint32_t	*providers;	/* heap; moves into the set */
	bool		 announce;
};

struct rtr_client {
	struct findings		*fs;
	uint8_t			*buf;		/* RTR_PDU_MAX */
	size_t			 len;
	enum state		 state;
	uint8_t			 version;
	bool			 negotiated, held, asked_reset, notified;
	uint16_t		 session;
	uint32_t		 serial;
	struct rtr_timers	 timers;
	struct rtr_client_counts counts, counting;
	struct payloads		 set;
	struct op		*ops;
	size_t			 n_ops, cap_ops;
	struct aspa_op		*aspa_ops;
	size_t			 n_aspa_ops, cap_aspa_ops, n_providers;
	struct key_op		*key_ops;
	size_t			 n_key_ops, cap_key_ops;
	uint32_t		 n_disorder;
	struct rtr_pdu		 last;		/* of this answer, for the order */
	struct router_key	 last_key;	/* … if it was one */
	bool			 has_last;
};

/* client.c: findings about what came */
enum rtr_event	 rtr_client_vrp_fault(struct rtr_client *c, const struct vrp *v,
	    enum rtr_finding f, enum rtr_error_code code, struct wr *out);
enum rtr_event	 rtr_client_aspa_fault(struct rtr_client *c, uint32_t customer,
	    enum rtr_finding f, enum rtr_error_code code, struct wr *out);
enum rtr_event	 rtr_client_key_fault(struct rtr_client *c, const struct router_key *k,
	    enum rtr_finding f, enum rtr_error_code code, struct wr *out);
/* client_apply.c: the set and what came become one, at End of Data */
int	 rtr_client_vrps_commit(struct rtr_client *c, struct wr *out) MUST_USE;
int	 rtr_client_keys_commit(struct rtr_client *c, struct wr *out) MUST_USE;
int	 rtr_client_aspas_commit(struct rtr_client *c, struct wr *out) MUST_USE;

#endif
