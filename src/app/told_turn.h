/*
 * What role zone and role key tell of their zones: all of them once, then what
 * changes, a page at a time. Who hears it (app/zone_told.h) knows by two
 * members what a page is:
 *
 *	"more"	true: what was told before stands, but for the zones of this
 *		page. Absent: all of them are told anew, from here on.
 *	"left"	so many zones come in pages after this one, before all are told,
 *		from the one with the number "next" on.
 *
 * Zones are numbers here, from 0 to n - 1. Cost follows what changes.
 */
#ifndef APP_TOLD_TURN_H
#define APP_TOLD_TURN_H

#include "app/turn_queue.h"
#include "base/json.h"

#define TOLD_PAGE_ZONES		256
#define TOLD_PAGE_OCTETS	((size_t)2 << 20)	/* then it ends, with one zone more */

struct told_turn {
	size_t		 n;
	size_t		 at;		/* of all: the next one; n: all were told */
	struct turn_queue changed;
	size_t		 n_page;	/* in the page that is open */
};

/* A page for who asks for it: from that zone on, and nothing is remembered of it. n is not changed. */
#define TOLD_TURN_FROM(n, from)	((struct told_turn){ (n), (from) < (n) ? (from) : (n), { 0 }, 0 })

/* All are to be told. -ENOMEM. */
int	 told_turn_init(struct told_turn *, size_t n) MUST_USE;
void	 told_turn_done(struct told_turn *);
void	 told_turn_all(struct told_turn *);
void	 told_turn_changed(struct told_turn *, size_t zone);
/* Is there anything to be told? */
bool	 told_turn_waits(const struct told_turn *);

/* The members of a page's object that say what it is … */
void	 told_turn_begin(struct told_turn *, struct json *);
/* … its zones, one after the other; false: no more of them … */
bool	 told_turn_next(struct told_turn *, const struct json *, size_t *ret_zone);
/* … and what comes after it. */
void	 told_turn_end(const struct told_turn *, struct json *);

#endif
