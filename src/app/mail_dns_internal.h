/* What the files of app/mail_dns share. */
#ifndef APP_MAIL_DNS_INTERNAL_H
#define APP_MAIL_DNS_INTERNAL_H

#include "app/mail_cache.h"
#include "app/mail_dns.h"
#include "base/hash.h"

struct mail_dns {
	struct pool		*pool;
	struct map		 by_key;
	struct mail_dns_row	*rows, **tail;
	int			 rc;		/* sticky: find() cannot say it */
	struct zone		*zone;		/* from files; else: */
	struct loop		*loop;
	struct mail_dns_resolvers resolvers;
	struct mail_cache	*cache;		/* NULL: none */
	struct dns_stubs	 stubs;
	int64_t			 usec, end_usec; /* for all questions; 0: none was asked yet */
	unsigned		 n_waiting;
	uint8_t			*room;		/* DNS_RDATA_MAX octets, to read messages; NULL: none was */
};

/*
 * What the tree says (mail_dns_zone.c), in the pool. -ENOMEM. *ret_why: of MAIL_DNS_FAILED.
 */
int	 zone_answer(struct zone *, struct pool *, const struct mail_question *,
	    struct mail_answer *ret, const char **ret_why) MUST_USE;
/* The same of a resolver's message (mail_dns_read.c). -EBADMSG, -ENOMEM. */
int	 wire_answer(struct sv wire, uint8_t *room, struct pool *, const struct mail_question *,
	    struct mail_answer *ret, const char **ret_why) MUST_USE;
/* All that is missing, at the same time (mail_dns_live.c). */
int	 live_fill(struct mail_dns *, struct mail_dns_row *const *rows, size_t n) MUST_USE;

/* Data that are copied, one after the other. */
struct answer_room {
	struct pool		*pool;
	struct sv		*rdata;
	size_t			 n, cap;
};
int	 answer_room_init(struct answer_room *, struct pool *, size_t n) MUST_USE;
/* -ENOMEM; -EBADMSG: not well-formed data of the type. */
int	 answer_room_add(struct answer_room *, uint16_t type, struct sv rdata) MUST_USE;

#endif
