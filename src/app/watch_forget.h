/*
 * What routers hold, and when they forget it, after a cache has gone: a pure
 * function of timers. RFC 8210 section 6 says how it should be: a router
 * keeps what it has for the expire interval from the last End of Data on,
 * and asks again each retry interval. What routers do in fact is a table of
 * their software, each row with the source of what it says.
 *
 * Seconds count from the moment at which the cache went. Most answers are a
 * first and a last moment: nobody knows how long before it the router had
 * asked, unless somebody says so (synced_sec).
 */
#ifndef APP_WATCH_FORGET_H
#define APP_WATCH_FORGET_H

#include "rtr/rtr.h"

enum watch_from {
	WATCH_FROM_DATA,	/* the last End of Data */
	WATCH_FROM_LOSS,	/* the end of the session */
	WATCH_FROM_MAX
};

struct watch_vendor {
	const char	*name, *title;
	enum watch_from	 from;
	bool		 takes_timers;	/* those of the cache's End of Data, from version 1 on */
	struct rtr_timers timers;	/* its own; expire: what it calls purge, stale, lifetime */
	uint32_t	 notice_sec;	/* a cache that falls silent is seen after this, at most */
	bool		 late;		/* looks for what has expired only when it tries again */
	bool		 tried;		/* tests/peer/test_rtr_watch.py sees it do so */
	const char	*source;	/* of all this */
};

const struct watch_vendor *watch_vendors(size_t *ret_n);
const struct watch_vendor *watch_vendor_find(struct sv name);

struct watch_outage {
	struct rtr_timers timers;	/* of the cache */
	uint8_t		 version;	/* 0: it does not tell them */
	struct rtr_timers own;		/* set on the router, for the vendor's own; 0: not set */
	bool		 silent;	/* the path or the machine died: TCP says nothing */
	int64_t		 synced_sec;	/* End of Data came so long before; -1: unknown */
};

struct watch_forecast {
	struct rtr_timers timers;	/* in force on the router */
	int64_t		 ask_first, ask_last;		/* tries the cache again */
	int64_t		 forget_first, forget_last;	/* with no other cache */
};

void	 watch_forget(const struct watch_vendor *, const struct watch_outage *,
	    struct watch_forecast *ret);

#endif
