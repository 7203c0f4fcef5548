/* sekisho zone transfer: what its files share. */
#ifndef CMD_ZONE_TRANSFER_H
#define CMD_ZONE_TRANSFER_H

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/zone_ask.h"
#include "dnssec/transfer_watch.h"

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
	/* --check, and what the run-books' data come from. */
	const char		*check, *done, *zone_file[2];	/* by side, enum transfer_place */
	struct ask_opts		 ask;
	const char		*server[TRANSFER_AT_MAX][ASK_GIVEN_MAX];
	size_t			 n_server[TRANSFER_AT_MAX];
	struct transfer_watch	 watch;
};

/* All names of facts, with what they are: a file to begin with. */
void	 transfer_names_print(const struct cmd_ctx *, struct buf *);
void	 transfer_text_print(const struct cmd_ctx *, const struct transfer_work *, struct buf *);
void	 transfer_json_print(const struct cmd_ctx *, const struct transfer_work *, struct buf *);
/* The commands of a step with the names that the facts have. */
void	 transfer_command_print(const struct transfer_work *, const char *text, struct buf *);

/* --- data to enter (zone_transfer_data.c) --- */

/* Keys and name servers of both sides out of zone files: 0 or an exit code. */
int	 transfer_files_read(const struct cmd_ctx *, struct transfer_work *);
/* What a step enters or takes away, where it is known: each record with "add" or "remove" before it. */
void	 transfer_data_print(const struct transfer_work *, enum transfer_code, const char *head, struct buf *);
void	 transfer_data_json(const struct transfer_work *, enum transfer_code, struct json *);

/* --- checking the steps (zone_transfer_check.c, zone_transfer_look.c) --- */

int	 transfer_check(const struct cmd_ctx *, struct transfer_work *, struct buf *);
/* Asks all servers. 0 with looks in the pool; -ENOENT: nobody answered. */
int	 transfer_look(struct transfer_work *, struct transfer_look **ret, size_t *ret_n) MUST_USE;

#endif
