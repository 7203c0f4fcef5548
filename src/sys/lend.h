/*
 * Something immutable that threads borrow while another one takes its place:
 * the last who gives the old one back ends it.
 */
#ifndef SYS_LEND_H
#define SYS_LEND_H

#include "base/util.h"

struct lend;
struct lent;

/* done ends what was replaced, in whatever thread that happens. NULL: no memory. */
struct lend	*lend_new(void (*done)(void *));
struct lend	*lend_free(struct lend *);
/* What is lent from now on. -ENOMEM: the old one stays, and thing is the caller's. */
int		 lend_set(struct lend *, void *thing) MUST_USE;
/* NULL: there is nothing. */
struct lent	*lend_take(struct lend *);
void		*lent_thing(const struct lent *);
void		 lend_back(struct lend *, struct lent *);

#endif
