/* What a change of payloads does to routes. */
#ifndef CMD_RPKI_WHATIF_H
#define CMD_RPKI_WHATIF_H

#include "base/json.h"
#include "cmd/cmd.h"
#include "inr/inr.h"

struct whatif_side {
	uint8_t		*bytes;
	struct snapshot	 s;
};

struct whatif {
	struct whatif_side	 before, after;
	uint64_t		 n[ROV_MAX][ROV_MAX];	/* routes, by state before and after */
};

/* The payloads as they are now, merged. -ENOMEM, -E2BIG. */
int	 whatif_side_make(struct whatif_side *, const struct payloads *, int64_t now) MUST_USE;
void	 whatif_done(struct whatif *);
/*
 * The routes of a file ("PREFIX ASN" a line, # begins a comment), judged by
 * both sides; those that change go to text or json, whichever is not NULL.
 * 0, or negative (it was said on stderr).
 */
int	 whatif_routes(struct whatif *, const struct cmd_ctx *, const char *file,
	    struct buf *text, struct json *json) MUST_USE;

#endif
