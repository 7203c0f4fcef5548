/*
 * Servers of one zone as they are in life: each takes a new version when its
 * own delay is over, some stop taking them for a while, some do not answer.
 * Outages are drawn in advance; so, where a version is at any time is known
 * as soon as it is published.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "history.h"
#include "random.h"

#define SERVERS_MAX	8

/* What an outage is; together, too. */
enum {
	OUTAGE_SILENT = 1 << 0,	/* answers nobody */
	OUTAGE_UNSEEN = 1 << 1,	/* answers resolvers, but not those who observe */
	OUTAGE_STUCK = 1 << 2,	/* takes nothing new; behind it comes the usual delay */
};

struct outage {
	unsigned	 kind;
	struct span	 span;
};

struct server {
	int64_t		 delay_min, delay_max;
	struct outage	*outages;		/* by time, none overlap */
	size_t		 n_outages;
};

/* What is published, and when it is at each server. */
struct issue {
	int64_t		 published;
	int64_t		 at[SERVERS_MAX];
};

struct zone {
	struct server	 servers[SERVERS_MAX];
	size_t		 n_servers;
	struct issue	*issues;
	size_t		 n_issues;
};

struct zone_plan {
	int64_t		 until;			/* outages are drawn up to here */
	int64_t		 delay_max;		/* of a server that works */
	int64_t		 stuck_max, silent_max;	/* how long an outage lasts at most; 0: none */
	int64_t		 every;			/* about one outage in so many seconds, a server */
};

/* Draw servers and their outages. -ENOMEM. */
int	 zone_init(struct zone *, struct dice *, size_t n_servers, const struct zone_plan *) MUST_USE;
void	 zone_done(struct zone *);
/* -ENOMEM; *ret: the issue's number. */
int	 zone_publish(struct zone *, struct dice *, int64_t now, size_t *ret) MUST_USE;
/* What a server says to an observer; -1: nothing. */
int	 zone_ask(const struct zone *, size_t server, int64_t now);
/* When the last server has taken this issue or a later one. */
int64_t	 zone_everywhere(const struct zone *, size_t issue);
/* Each time at which a server begins or ends to give out an issue. */
void	 zone_spans(const struct zone *, size_t issue,
	    void (*span)(void *arg, size_t issue, struct span), void *arg);

#endif
