/*
 * From a validator's JSON file to the RTR server, without validating: read,
 * drop what is expired, merge, make a snapshot, serve it; again when the file
 * changes, and when a payload expires in the meantime.
 *
 * With a state folder the snapshot is kept there (rtr-serve.snapshot), so
 * that session ids, serial and the routers' trust in them survive a restart.
 */
#ifndef APP_VRPS_FEED_H
#define APP_VRPS_FEED_H

#include "app/rtr_server.h"
#include "app/vrps_json.h"
#include "base/finding.h"

struct vrps_feed;

/* What a load came to; findings are in a pool of their own until the next. */
struct vrps_load {
	int			 rc;	/* vrps_json_read()'s, or the file's */
	struct vrps_info	 info;
	uint64_t		 n_expired;
	int64_t			 last_expiry;	/* of those */
	bool			 changed;	/* there is a new serial */
	const struct findings	*findings;
};

struct vrps_feed_conf {
	const char	*path;
	const char	*state;		/* folder, or NULL */
	int64_t		 clock_offset;
	struct rtr_server *server;
	/* After each load of the file; not for the first one. */
	void		(*loaded)(void *arg, const struct vrps_load *);
	void		*arg;
};

/* Strings must outlive it. NULL: no memory. */
struct vrps_feed *vrps_feed_new(struct loop *, const struct vrps_feed_conf *);
struct vrps_feed *vrps_feed_free(struct vrps_feed *);
/* Read the file now. Negative: the data before it, if any, stays in service. */
int	 vrps_feed_load(struct vrps_feed *, struct vrps_load *ret);

#endif
