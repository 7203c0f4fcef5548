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
#include "base/hash.h"
#include "base/pool.h"
#include "dns/dns.h"
#include "dnssec/keystate.h"

#define ZONE_LIST_MAX		16384	/* zones: as many as a configuration has (CONF_TABLE_MAX) */
#define ZONE_LIST_SERVERS_MAX	400000	/* in the lists of all zones: two dozen for each */
/* Of all lines: 4 kB each, which a file of CONF_SIZE_MAX cannot ask for. */
#define ZONE_LIST_TEXT_MAX	((size_t)64 << 20)

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
	struct map		 by_name;
};

/* A line, with its end. */
void	 zone_list_put(struct buf *, const struct zone_list_entry *);
/* -EBADMSG: no such text; SE_LIMIT. The text is not needed any more after it. */
int	 zone_list_parse(struct sv text, struct sv state, struct zone_list *ret) MUST_USE;
/* The same of a sealed memfd, as the messages have it. */
int	 zone_list_read(int fd, struct sv state, struct zone_list *ret) MUST_USE;
void	 zone_list_done(struct zone_list *);
struct zone_list_entry *zone_list_find(const struct zone_list *, const struct dname *);
/* The folder of a path, to be named to the sandbox; "." has none before it. */
void	 zone_list_folder(const char *path, char *dst, size_t n);

/* Folders that were named, each once: thousands of zones have few. */
struct zone_folders {
	struct pool	*pool;
	struct map	 met;
};
/* The folder of this path ("": none) is given to fn where it is new; fn's code, or -ENOMEM. */
int	 zone_folders_add(struct zone_folders *, const char *path, int (*fn)(void *, const char *folder),
	    void *arg) MUST_USE;
void	 zone_folders_done(struct zone_folders *);

#endif
