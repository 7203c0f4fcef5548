/* The store of reports (store/reports.h), opened only to look: for sekisho mail domains and reports. */
#ifndef CMD_MAIL_STORE_H
#define CMD_MAIL_STORE_H

#include "app/conf.h"
#include "base/json.h"
#include "base/pool.h"
#include "cmd/cmd.h"
#include "store/reports.h"

#define MAIL_STORE_PATH_MAX	4200
#define MAIL_STORE_LIST		50	/* what a reader looks at */
#define MAIL_STORE_LIST_MAX	1000000

struct mail_store {
	struct conf	*conf;
	struct reports	*reports;
	bool		 is_server;
	char		 where[MAIL_STORE_PATH_MAX];
};

/* What the configuration names: 0, or an exit code after saying what is to be done. */
int	 mail_store_open(const struct cmd_ctx *, struct mail_store *ret) MUST_USE;
void	 mail_store_done(struct mail_store *);
/* A question to it failed: EXIT_CANNOT, told. */
int	 mail_store_fail(const struct cmd_ctx *, const struct mail_store *, int rc);

/* A domain as rows have it: A-labels, small letters, no final dot. 0 or EXIT_USAGE. */
int	 mail_store_domain(const struct cmd_ctx *, struct pool *, const char *word, struct sv *ret) MUST_USE;

/* "2026-11-22". */
#define DAY_STRLEN	11
const char *mail_store_day(int64_t at, char ret[static DAY_STRLEN]);
/* Strangers' words, filled up to so many cells. */
void	 mail_store_cell(struct buf *, struct sv, unsigned cells);

#endif
