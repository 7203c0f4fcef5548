/*
 * sekisho mail key: the keys that sign mail and that the house makes itself
 * (app/mail_sign_roll.h), what servers give of them, and what is to be done now.
 *
 *	mail_key.c	the command, and making a key
 *	mail_key_check.c	looking, and what follows
 *	mail_key_look.c	what the servers of a zone give
 *	mail_key_show.c	text and JSON
 */
#ifndef CMD_MAIL_KEY_H
#define CMD_MAIL_KEY_H

#include "app/conf.h"
#include "app/mail_sign_keys.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/zone_ask.h"

struct mail_key_work {
	const char	*selector;	/* --selector */
	enum dkim_alg	 alg;
	struct ask_opts	 ask;
	struct conf	*conf;
	char		 folder[4200];
	struct sv	 domain;	/* A-labels; empty: all */
	struct mail_keys keys;
};

/* --- mail_key_look.c --- */

enum mail_key_at {
	MAIL_KEY_AT_HAS,
	MAIL_KEY_AT_OTHER,		/* none, or another record */
	MAIL_KEY_AT_SILENT
};

struct mail_key_server {
	const struct ask_server	*server;
	enum mail_key_at	 at;
	const char		*why;		/* a msgid; NULL: it has our key */
};

struct mail_key_look {
	struct mail_roll_look	 roll;
	struct mail_key_server	 v[ASK_SERVERS_MAX];
	size_t			 n;
};

/*
 * All servers of the zone that the record stands in. record: the text it should have; empty: any
 * is ours. -ENOENT: no server of it is to be found; -ENOMEM.
 */
int	 mail_key_look(struct pool *, const struct ask_opts *, const struct mail_roll_key *, struct sv record,
	    struct mail_key_look *ret) MUST_USE;

/* --- mail_key_show.c --- */

/* What a command has to say of a key; look NULL: nobody was asked. */
void	 mail_key_print(const struct cmd_ctx *, const struct mail_key_work *, const struct mail_roll_key *,
	    const struct mail_key_look *, bool has_record, struct buf *);
void	 mail_key_json(const struct cmd_ctx *, const struct mail_key_work *, const struct mail_roll_key *,
	    const struct mail_key_look *, struct json *);
/* "example.jp: " and what to do now, a line. */
void	 mail_key_next_print(const struct cmd_ctx *, const struct mail_key_work *, const struct mail_roll_key *,
	    struct buf *);
/* Domains whose keys are all of Ed25519. */
void	 mail_key_advise(const struct cmd_ctx *, const struct mail_key_work *, struct buf *);

/* --- mail_key_check.c --- */

int	 mail_key_check(const struct cmd_ctx *, struct mail_key_work *, struct buf *);
/* Is it among those that the command is about? */
bool	 mail_key_is_meant(const struct mail_key_work *, const struct mail_roll_key *);
/* The table; EXIT_CANNOT is told. */
int	 mail_key_save(const struct cmd_ctx *, struct mail_key_work *);

#endif
