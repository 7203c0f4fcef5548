/*
 * seal: holds the keys that sign mail. It gets digests and gives signatures, and parses nothing of
 * strangers: what it reads are frames of the house, the operator's key files, and the list of keys
 * that the house made (app/mail_sign_roll.h).
 *
 * Keys of the configuration are read before the sandbox closes. Those of the house are in its own
 * folder, which stays readable: a command makes them while this runs, and time puts them to use.
 * The list is looked at every few seconds, and when time changes a state.
 *
 * The table of what signs goes to milter when that asks and when it changes. Numbers of keys begin
 * with a random one in each life, and none is given twice, so that none of a table of before is ever
 * another key. What was asked by the last table is answered all the same.
 *
 * Whether the DNS has the records of the keys is what role name looks at, each hour, since that has
 * a network and no key; what it hears of servers comes here as numbers. They move the keys of the
 * house on, by the rules of app/mail_sign_roll.h and no others, as `sekisho mail key check` does. A key
 * that signs and whose record some server does not have is an alarm.
 */
#ifndef ROLE_SEAL_ROLE_H
#define ROLE_SEAL_ROLE_H

#include "app/mail_sign_roll.h"
#include "base/hash.h"
#include "crypto/dnskey.h"
#include "role/role.h"

#define SEAL_PATH_MAX	4700

/* A key that was read, whoever uses it. */
struct seal_file {
	char			*path;
	struct crypto_priv	*priv;		/* NULL: it cannot be used, and that was told */
};

/* A line of the table. */
struct seal_row {
	const char		*domain, *selector;	/* domain may have a dot before it */
	const struct seal_file	*file;
};

struct seal_rows {
	struct pool	*pool;
	struct seal_row	*v;
	size_t		 n;
	uint32_t	 first;		/* the number of the first key */
};

#define SEAL_WORD_MAX	120	/* what is kept of a server's name, and of its answer */

/* A key whose record is looked at. */
struct seal_watch {
	const char	*name;			/* "s._domainkey.example.jp" */
	const char	*domain, *selector, *path;
	bool		 is_house;
	int64_t		 due;			/* when it is looked at next */
	int64_t		 asked;			/* 0: no look is under way */
	int64_t		 seen;			/* the last look that had answers; 0: none yet */
	bool		 has_all;		/* in it every server had the record */
	int64_t		 bad;			/* since when it signs and is not there; 0: it is */
	char		 server[SEAL_WORD_MAX], why[SEAL_WORD_MAX];
};

struct seal_watches {
	struct pool		*pool;
	struct seal_watch	*v;
	size_t			 n;
	struct map		 by_name;
};

struct seal_role {
	struct role		*role;
	char			 folder[4000];
	struct map		 files;		/* by path */
	struct seal_file	**list;		/* the same, to be freed */
	size_t			 n_files, cap_files;
	struct seal_rows	 rows;		/* of the configuration */
	struct seal_rows	 house, before;	/* of the house, those in use; of its last table */
	size_t			 n_bad;		/* files that cannot be used */
	uint32_t		 next_number;
	uint64_t		 signature;	/* of the list of the house's keys, as it was read */
	int64_t			 next;		/* when time changes what signs; 0: never */
	struct seal_watches	 watches;
	size_t			 place;		/* among them: whose turn it is */
	int64_t			 told;		/* when the alarms were */
	bool			 news;
	struct loop_timer	*timer;
	uint64_t		 n_signed, n_refused;
};

/*
 * seal_watch.c: which keys are looked at, and how they are. seal_look.c: role name is asked about
 * them, and what it saw is noted in the house's list, which alone moves a key on.
 */
int	 seal_watch_make(struct seal_role *) MUST_USE;
struct seal_watch *seal_watch_find(struct seal_role *, struct sv name);
void	 seal_watch_free(struct seal_role *);
/* How they are: for status; to the alarms, where that is due. */
void	 seal_watch_json(const struct seal_role *, struct json *);
int	 seal_watch_tell(struct seal_role *) MUST_USE;

int	 seal_look_turn(struct seal_role *) MUST_USE;
int	 seal_look_end(struct seal_role *, const struct msg_seal_looked *) MUST_USE;

/* seal_file.c: the file of that path, read once. -ENOMEM, or another way in which we cannot go on. */
int	 seal_file_take(struct seal_role *, const char *path, const char *whose,
	    const struct seal_file **ret) MUST_USE;
void	 seal_files_free(struct seal_role *);

/* seal_house.c: keys that the house rolls. 1: what signs may have changed; 0; negative. */
int	 seal_house_look(struct seal_role *);

#endif
