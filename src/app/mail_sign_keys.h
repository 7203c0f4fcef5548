/*
 * app/mail_sign_keys: the folder of the keys that the house makes itself: "table", the list of
 * app/mail_sign_roll.h, and for each key DOMAIN/SELECTOR.pem. Commands and role seal write it;
 * nobody else may. Each file is replaced as a whole. Of two commands at a time the later one is
 * refused: it has not seen what the other one wrote.
 */
#ifndef APP_MAIL_SIGN_KEYS_H
#define APP_MAIL_SIGN_KEYS_H

#include "app/mail_sign_roll.h"
#include "sys/proc.h"

#define MAIL_KEYS_PATH_MAX	4700

struct mail_keys {
	struct pool		*pool;
	const char		*folder;
	struct proc_user	 owner;		/* of what is made; as root only */
	bool			 has_owner;
	struct mail_roll	 roll;
	uint64_t		 signature;	/* of the table, as it was read */
};

/* folder stays the caller's; not there: no keys. owner: NULL, or whose all of it is. */
int	 mail_keys_open(const char *folder, const struct proc_user *owner, struct mail_keys *ret) MUST_USE;
void	 mail_keys_done(struct mail_keys *);
/* The table, as it is now. -EBUSY: somebody else has written it since. */
int	 mail_keys_save(struct mail_keys *) MUST_USE;

/*
 * Make a key and put it into the table, which is to be saved. Names are A-labels in lower case.
 * -EEXIST: there is or was one of that selector.
 */
int	 mail_keys_make(struct mail_keys *, struct sv domain, struct sv selector, enum dkim_alg,
	    int64_t now, struct mail_roll_key **ret) MUST_USE;
/* Its file is gone after it; it stays in the table. */
int	 mail_keys_forget(const struct mail_keys *, const struct mail_roll_key *);
/* The text of its record. *ret_why as of mail_sign_file_read(). */
int	 mail_keys_record(const struct mail_keys *, const struct mail_roll_key *, struct buf *,
	    const char **ret_why) MUST_USE;
/* "SELECTOR._domainkey.DOMAIN", without a dot at its end. */
void	 mail_keys_name(const struct mail_roll_key *, struct buf *);
void	 mail_keys_path(const struct mail_keys *, const struct mail_roll_key *, char ret[static MAIL_KEYS_PATH_MAX]);

/* A record as a line of a zone file: strings of 255 octets at most (RFC 1035 section 3.3). */
void	 mail_keys_zone_line(struct sv name, struct sv text, struct buf *);

#endif
