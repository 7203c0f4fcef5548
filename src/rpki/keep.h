/* What the two files of kept points share: point_keep*.c only. */
#ifndef RPKI_KEEP_H
#define RPKI_KEEP_H

#include "base/buf.h"
#include "rpki/internal.h"

/* --- writing --- */
void	 kept_be32(struct buf *, size_t);
void	 kept_be64(struct buf *, int64_t);
/* What of s is not the head of ref, and how much is. */
void	 kept_text(struct buf *, struct sv s, struct sv ref);

/* --- reading --- */
struct kept_reading {
	struct rd		 r;
	const struct rpki_ca	*ca;
	struct rpki_point	*pt;
	bool			 bad;	/* well-formed, but nobody can have judged so */
};

static inline void
want(struct kept_reading *k, bool what)
{
	k->bad = k->bad || !what;
}
/* A copy in the pool; empty if it is bad. */
struct sv	 kept_text_read(struct kept_reading *, struct sv ref, size_t max);
/* A count of what takes at least so much: no memory for what is not there. */
size_t		 kept_number(struct kept_reading *, size_t each);

/* --- point_keep_findings.c --- */
/* May it be kept with what was found in it? */
bool	 kept_findings_fit(const struct rpki_point *);
void	 kept_findings_add(struct buf *, const struct rpki_point *);
/* -ENOMEM. */
int	 kept_findings_read(struct kept_reading *) MUST_USE;

#endif
