/* What the files of the lab's mail share. */
#ifndef LAB_MAIL_INTERNAL_H
#define LAB_MAIL_INTERNAL_H

#include "crypto/dnskey.h"
#include "lab/mail.h"
#include "lab/mail_limits.h"
#include "mail/arc.h"

struct lab_mail_record {
	struct sv		 name, type, data;	/* name: "@", or below the domain */
	struct lab_mail_record	*next;
};

struct lab_mail_key {
	struct sv		 domain, selector;
	uint8_t			 alg;		/* 8, 15: crypto/dnskey.h */
	bool			 is_absent;	/* not in the DNS */
	bool			 is_revoked;	/* p= is empty */
	bool			 is_testing;	/* t=y */
	struct crypto_priv	*priv;		/* owned; after lab_mail_build() */
	struct lab_mail_key	*next;
};

struct lab_mail_domain {
	struct sv		 name;
	struct lab_mail_record	*records, **records_tail;
	struct lab_mail_domain	*next;
};

struct lab_mail_plan;			/* a flow while it becomes a message */

/* One thing that happens to a message; rest: what stands behind the word. */
struct lab_mail_step {
	int			(*fn)(struct lab_mail_plan *, struct sv rest);
	struct sv		 rest;
	struct lab_mail_step	*next;
};

struct lab_mail_row {
	struct lab_mail_flow	 flow;
	struct sv		 from, subject, date;
	bool			 has_expect;
	struct lab_mail_step	*steps, **steps_tail;
	struct lab_mail_row	*next;
};

struct lab_mail {
	struct pool		*pool;
	struct sv		 text;		/* the description */
	int64_t			 now;
	uint64_t		 seed;
	struct lab_mail_domain	*domains, **domains_tail;
	struct lab_mail_key	*keys, **keys_tail;
	struct lab_mail_row	*rows, **rows_tail;
	const struct lab_mail_row **index;	/* after lab_mail_parse() */
	size_t			 n_rows;
};

/* mail_world.c: NULL if there is none. */
struct lab_mail_key *lab_mail_key_find(const struct lab_mail *, struct sv domain,
    struct sv selector);
struct lab_mail_domain *lab_mail_domain_find(const struct lab_mail *, struct sv name);

/* mail_key.c */
int	 lab_mail_key_make(const struct lab_mail *, struct lab_mail_key *) MUST_USE;
/* "v=DKIM1; k=rsa; p=…" */
void	 lab_mail_key_record(const struct lab_mail_key *, struct buf *);

/* mail_step.c: NULL if there is no such word. */
struct lab_mail_word {
	const char	*name;
	int		(*fn)(struct lab_mail_plan *, struct sv rest);
	/* Is the rest one that fn can do something with? NULL: any is. A msgid, or NULL: it is. */
	const char	*(*check)(const struct lab_mail *, struct sv rest);
};
const struct lab_mail_word *lab_mail_word_find(struct sv name);

/* mail_conf.c: files of a lab of real programs. */
int	 lab_mail_conf_write(const struct lab_mail *, const struct lab_mail_folder *) MUST_USE;
/* mail_write.c */
int	 lab_mail_file(const char *dir, const char *name, const struct buf *) MUST_USE;

#endif
