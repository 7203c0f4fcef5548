/*
 * A run's results as files: the payload formats of out/, and those that need
 * the run itself (findings, summary).
 */
#ifndef APP_ROUTES_OUT_H
#define APP_ROUTES_OUT_H

#include "app/routes.h"

/* "json=FILE": an output asked for; FILE "-" is standard output. */
struct routes_out {
	struct sv	 format;
	const char	*file;
};

/* "FORMAT=FILE"; -EINVAL. *ret points into arg. */
int	 routes_out_parse(const char *arg, struct routes_out *ret) MUST_USE;
/* "json routinator csv bird findings summary", for usage texts. */
void	 routes_out_names(struct buf *);
/* Write it, replacing the file atomically; complains. */
int	 routes_out_write(const struct routes *, const struct ours *,
	    const struct routes_out *, const struct complain *) MUST_USE;
/* The summary in the complaint's language. */
void	 routes_summary(const struct routes *, const struct ours *, enum lang, struct buf *);

#endif
