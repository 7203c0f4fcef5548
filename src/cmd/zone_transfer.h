/* sekisho zone transfer: what its two files share. */
#ifndef CMD_ZONE_TRANSFER_H
#define CMD_ZONE_TRANSFER_H

#include "cmd/cmd.h"
#include "dnssec/transfer.h"

#define TRANSFER_FACTS_MAX	64	/* --fact: there are 27 of them */

struct transfer_work {
	const char		*facts[TRANSFER_FACTS_MAX], *output;
	size_t			 n_facts;
	int64_t			 start;		/* 0: times count from the plan's start */
	bool			 history;
	struct pool		*pool;
	struct findings		 fs;
	struct transfer_facts	 f;
	struct transfer_plan	 plan;
};

/* All names of facts, with what they are: a file to begin with. */
void	 transfer_names_print(const struct cmd_ctx *, struct buf *);
void	 transfer_text_print(const struct cmd_ctx *, const struct transfer_work *, struct buf *);
void	 transfer_json_print(const struct cmd_ctx *, const struct transfer_work *, struct buf *);

#endif
