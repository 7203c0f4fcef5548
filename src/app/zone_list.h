/*
 * The zones of a configuration as the roles get them: a text with a line for
 * each, fields between TABs:
 *	NAME	FILE	OUTPUT	OPTION=NUMBER OPTION=NUMBER …
 * OUTPUT may be empty (below the state directory, then); options are those of
 * dnssec/policy.def that differ from their defaults.
 */
#ifndef APP_ZONE_LIST_H
#define APP_ZONE_LIST_H

#include "base/pool.h"
#include "dns/dns.h"
#include "dnssec/keystate.h"

#define ZONE_LIST_MAX		1000	/* zones; a line has 48 bytes at least (below) */
#define ZONE_LIST_TEXT_MAX	48000	/* as the messages have it (role/messages.def) */

struct zone_list_entry {
	struct dname		 name;		/* lower case */
	const char		*file;
	const char		*output;
	struct dnssec_policy	 policy;
};

struct zone_list {
	struct pool		*pool;
	struct zone_list_entry	*v;
	size_t			 n;
};

/* A line, with its end. */
void	 zone_list_put(struct buf *, const struct zone_list_entry *);
/* -EBADMSG: no such text; SE_LIMIT. */
int	 zone_list_parse(struct sv text, struct sv state, struct zone_list *ret) MUST_USE;
void	 zone_list_done(struct zone_list *);
struct zone_list_entry *zone_list_find(const struct zone_list *, const struct dname *);
/* The folder of a path, to be named to the sandbox; "." has none before it. */
void	 zone_list_folder(const char *path, char *dst, size_t n);

#endif
