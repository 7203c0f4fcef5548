/*
 * How the keys of a zone are, as JSON: what role key tells (MSG_key_told), and
 * what a command makes of the files where no service runs. Read by
 * app/zone_told.h. The members are public: more may come, none is renamed.
 */
#ifndef APP_KEY_TOLD_H
#define APP_KEY_TOLD_H

#include "app/keyring.h"
#include "base/json.h"
#include "dnssec/keystate.h"

/* A demand on the parent that goes out by itself; since 0: there is none. */
struct key_told_handed {
	const char			*name;		/* "notify", "hook" */
	int64_t				 since;
	bool				 done;
	unsigned			 n_failed;	/* in a row */
	const char			*why;
};

struct key_told {
	const struct dname		*zone;
	const char			*state, *why;	/* "ready", "waits", "cannot" */
	bool				 is_unsigned;
	const struct keystate		*st;		/* NULL: its keys cannot be read */
	const struct keystate_step	*step;		/* of it, at its last time */
	const struct dnssec_policy	*policy;
	const struct keyring		*ring;		/* NULL: private halves are not known */
	/* What only the service knows. */
	const char			*token;		/* why a token does not serve; NULL: it does */
	const char			*story;		/* of a refused step; NULL: none was */
	const char			*story_ja;	/* the same in Japanese, with a story */
	int64_t				 refused_since;
	size_t				 n_doubt;	/* servers whose serial and keys do not go together */
	struct key_told_handed		 handed[2];
	size_t				 n_handed;
};

/* One object, opened and closed. */
void	 key_told_json(struct json *, const struct key_told *);

/*
 * From the files of a zone, as the service left them: a whole document with this one zone.
 * -ENOENT: there is no state; others of the system, of keystate_parse() and keyring_read().
 */
int	 key_told_files(const char *folder, const struct dname *zone, const struct dnssec_policy *,
	    struct json *) MUST_USE;

#endif
