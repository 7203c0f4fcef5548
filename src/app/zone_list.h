/*
 * The zones of a configuration as the roles get them: a text with a line for
 * each, fields between TABs:
 *	NAME	FILE	OUTPUT	OPTION=NUMBER OPTION=NUMBER …	WORD PEER	WORD PEER …
 * FILE is empty where there are primaries. OUTPUT may be empty: below the
 * state directory then, or nowhere if somebody may have the zone by transfer.
 * Options are those of dnssec/policy.def that differ from their defaults. The
 * words are primary, notify, transfer, hear; peers as app/zone_peer.h has them.
 * Fields with other words are passed over.
 */
#ifndef APP_ZONE_LIST_H
#define APP_ZONE_LIST_H

#include "app/zone_peer.h"
#include "base/pool.h"
#include "dns/dns.h"
#include "dnssec/keystate.h"

#define ZONE_LIST_MAX		1000	/* zones; a line has 48 bytes at least (below) */
#define ZONE_LIST_TEXT_MAX	48000	/* as the messages have it (role/messages.def) */

struct zone_list_entry {
	struct dname		 name;		/* lower case */
	const char		*file;		/* "": it comes from the primaries */
	const char		*output;	/* "": not written as text */
	struct dnssec_policy	 policy;
	struct zone_peers	 primaries, notify;
	struct zone_peers	 transfer;	/* who may have the signed zone */
	struct zone_peers	 hear;		/* who may notify us; none: the primaries */
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
