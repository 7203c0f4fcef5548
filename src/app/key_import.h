/*
 * Keys of another signer, found, tried, and written as our own.
 *
 * Which key a file is, nobody guesses: the public half that a private key has
 * is compared, bit for bit, with a DNSKEY record that somebody gave (BIND's
 * X.key, the published zone, or the flags and algorithm of a list for the key
 * itself), and each key signs a probe that is verified with that record. Names
 * of files, ids in tokens and key tags only say where to look.
 *
 *	BIND		a folder with X.key beside X.private (or X.pem), and
 *			X.state where a dnssec-policy has it
 *	Knot		a folder with ID.pem, and what `keymgr ZONE list` prints
 *	OpenDNSSEC	a token, and what `ods-enforcer key list -v -p` prints
 *	any		a folder with *.pem, or a token, and the published zone
 *
 * What is taken is what is in use. When the old signer meant to roll a key is
 * kept as the end of its life; a key that was made to follow another one does
 * so here (key_import_judge.c). The state that is written is distrusted
 * (dnssec/keystate.h): nothing before the first observation is believed.
 *
 * Observation shows DNSKEY and DS sets and who signs them, and who signs the
 * data, by a sample. So every state of a roll can be gone on from but one:
 * signatures that are replaced one by one, with some of each in the zone. That
 * is refused, with the time at which it will be over.
 */
#ifndef APP_KEY_IMPORT_H
#define APP_KEY_IMPORT_H

#include "app/key_list.h"
#include "app/keyring.h"
#include "dnssec/keystate.h"
#include "hsm/hsm.h"

#define KEY_IMPORT_MAX		512	/* of one zone, in all places together */
#define KEY_IMPORT_ZONE_MAX	((size_t)4 << 30)	/* the published zone as text */

enum import_finding {
#define F FINDING_ENUM_
#include "app/key_import_findings.def"
#undef F
	IMPORT_FINDING_MAX
};
extern const struct finding_def import_findings[IMPORT_FINDING_MAX];

enum import_verdict {
	IMPORT_TAKEN,
	IMPORT_UNPUBLISHED,
	IMPORT_REMOVED,
	IMPORT_NO_PRIVATE,
	IMPORT_NO_RECORD,
	IMPORT_TAG,
	IMPORT_UNREADABLE,
	IMPORT_PROBE,
	IMPORT_VERDICT_MAX
};

struct import_key {
	const char		*from;		/* the file, the token's id, or "" (the zone says so) */
	struct sv		 rdata;		/* DNSKEY; empty: not known */
	const struct crypto_priv *priv;		/* or */
	const char		*uri;
	bool			 published, signs_keys, signs_data;
	int64_t			 active;	/* TIME_NEVER: nobody says */
	int64_t			 end;		/* of its life, as it was planned; TIME_NEVER: nobody says */
	bool			 coming;	/* made for later */
	bool			 standby;	/* … for a day that has no date */
	bool			 retired;	/* no longer to be used, but still published */
	bool			 mixing;	/* others replace its signatures one by one */
	int64_t			 again;		/* … until then; TIME_NEVER: nobody says */
	size_t			 follows;	/* place + 1 of the key whose successor it is; 0: none */
	enum import_verdict	 verdict;
};

struct import_opts {
	const struct dname	*zone;
	const char		*dir;		/* NULL: none */
	const struct key_list	*list;		/* NULL: none */
	const char		*list_name;	/* for findings */
	struct sv		 published;	/* zone text with DNSKEY and RRSIG; empty: none */
	struct hsm		*hsm;		/* NULL: none */
	bool			 unpublished;	/* take keys that are not in the zone, too */
	int64_t			 now;
};

struct key_import;
/*
 * Findings say what is wrong: KEYRING_* and HSM_* with a single key, IMPORT_* with the whole,
 * which is then not to be written. Negative: nothing could be read.
 */
int	 key_import_read(const struct import_opts *, struct findings *, struct key_import **ret) MUST_USE;
struct key_import *key_import_free(struct key_import *);
DEFINE_CLEANUP(struct key_import, key_import_free)
/* A text that is a database is told (IMPORT_DATABASE). */
bool	 key_import_is_database(struct sv text, const char *name, const struct dname *zone, struct findings *);
size_t	 key_import_n(const struct key_import *);
const struct import_key *key_import_get(const struct key_import *, size_t i);
/* Keys that the zone has and whose private half was not found. */
size_t	 key_import_n_missing(const struct key_import *);
/* May this be taken over at all? No: an IMPORT_* finding says why. */
bool	 key_import_refused(const struct key_import *);
/* A KSK, ZSK or CSK: by its flags, and whether there are taken ones of the other kind. */
enum ks_role key_import_role(const struct key_import *, size_t i);
/* IMPORT_POLICY, where the policy would roll what is taken. */
void	 key_import_policy(const struct key_import *, const struct dnssec_policy *, struct findings *);

const char *import_verdict_word(enum import_verdict);
const char *import_verdict_text(enum import_verdict);	/* msgid */

/*
 * The keys that are taken as X.pem (or X.uri) and X.key into the folder, each name told to
 * fn. A key that is there already is left as it is. The folder is made (0700).
 */
typedef int (*import_fn)(void *arg, const char *path);
int	 key_import_write(const struct key_import *, const char *folder, import_fn, void *arg) MUST_USE;
/* Into the folder's state, made if there is none; then it is distrusted. *ret_n: so many are new. */
int	 key_import_state(const struct key_import *, const char *folder, import_fn, void *arg,
	    unsigned *ret_n) MUST_USE;
/*
 * The same for a service that keeps the state itself: a state of these keys alone, as
 * KEY_IMPORT_FILE, which it takes at "import-done".
 */
int	 key_import_offer(const struct key_import *, const char *folder, import_fn, void *arg) MUST_USE;

#endif
