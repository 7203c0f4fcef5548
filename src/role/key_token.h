/*
 * key_token: keys in a PKCS#11 token, within the key role.
 *
 * The module is somebody else's code. It runs in a process of its own, in a
 * sandbox of its own, which has neither the keys that are files nor their folder
 * (hsm/hsm.h, hsm_open_apart()): a crash, or a call that does not return within
 * dns.pkcs11.timeout, costs that process, and what was asked is asked again. Its
 * PIN is read there, too. Calls are made on threads only (sys/crew.h): the loop
 * and the keys that are files never wait for them.
 *
 * Each key of a ring whose private half is in the token is tried (app/token_key.h:
 * its probe is verified with the published DNSKEY data) at the start, when it is
 * new, every few minutes, and within seconds after it signed. A key is
 *
 *	new	not tried yet: its zone waits
 *	good	questions in the ring with zone are handed to a thread, which answers
 *	away	the token does not answer: questions are answered with "later", at
 *		once; one call every few seconds sees whether it is back
 *	bad	it is not in the token, or is another one: never used, tried again
 *
 * A PIN that was refused is not tried again by this process or a later one, as
 * tokens lock after three: a file in the keys' folder remembers it, until the
 * PIN file changes.
 */
#ifndef ROLE_KEY_TOKEN_H
#define ROLE_KEY_TOKEN_H

#include "app/keyring.h"
#include "app/token_key.h"
#include "base/json.h"
#include "role/role.h"
#include "sys/ring.h"

struct key_role;
struct key_worker;
struct key_token;
struct key_token_key;

/* Before the sandbox closes. *ret stays NULL where no module is configured. */
int	 key_token_open(struct role *, const struct msg_key_conf *, size_t n_zones,
	    struct key_token **ret) MUST_USE;
/*
 * Within it. changed is called in the loop, when the keys of this zone are other than before;
 * renew: one that was away signs again.
 */
int	 key_token_start(struct key_token *, struct key_role *,
	    void (*changed)(struct key_role *, size_t zone, bool renew)) MUST_USE;
void	 key_token_stop(struct key_token *);
/* The ring from now on; NULL: none. What was asked in another is not answered there any more. */
void	 key_token_ring(struct key_token *, struct ring *);
void	 key_token_json(const struct key_token *, struct json *);
/* What an operator is to know, although keys sign; NULL: nothing. */
const char *key_token_ill(const struct key_token *);

/* --- keys --- */

enum key_token_state {
	KEY_TOKEN_NONE,		/* it is not in a token */
	KEY_TOKEN_NEW,
	KEY_TOKEN_GOOD,
	KEY_TOKEN_AWAY,
	KEY_TOKEN_BAD
};

/* The key of this zone's ring, which is known from now on. NULL: it is no key of a token. */
struct key_token_key *key_token_key(struct key_token *, size_t zone, const struct keyring_key *);
/* kt may be NULL: a key with a URI is bad then. *ret_why: a sentence without its end, or "". */
enum key_token_state key_token_state(const struct key_token *, const struct key_token_key *,
	    const struct keyring_key *, const char **ret_why);

/* --- signing: on threads of the ring, and of the token --- */

/*
 * Answer what is in the worker's octets later, on another thread. false: nobody will, as the
 * token is away.
 */
bool	 key_token_ask(struct key_token_key *, const struct key_worker *, size_t len);
int	 key_token_sign(struct key_token_key *, struct crypto_make *, size_t n) MUST_USE;
int	 key_token_sign_tbs(struct key_token_key *, struct crypto_make_tbs *, size_t n) MUST_USE;

/* --- new keys --- */

/*
 * 0: one is made, *ret is the caller's. -EINPROGRESS: it is being made, or what failed is tried
 * later; changed() is called then.
 */
int	 key_token_make(struct key_token *, size_t zone, uint8_t alg, unsigned bits, uint16_t flags,
	    struct token_made *ret) MUST_USE;
/* What was made is this key of the ring now; or nobody wants it (its tag is taken). */
void	 key_token_adopt(struct key_token *, size_t zone, const struct keyring_key *,
	    struct token_made *);
void	 key_token_undo(struct key_token *, struct token_made *);
/*
 * A key that nobody needs any more goes out of the token. 0: it is gone; -EINPROGRESS:
 * changed() is called when it is. What fails is told, and tried again.
 */
int	 key_token_delete(struct key_token *, struct key_token_key *) MUST_USE;
/* Why it is there still; NULL: nothing is known against it. */
const char *key_token_stays(const struct key_token_key *);
/* Why a key of this zone is not made yet; "": none is being made. */
const char *key_token_making(const struct key_token *, size_t zone);

/* --- orphans: keys in the token with a label of ours that no state knows (key_token_orphan.c) --- */

/*
 * "orphans", "orphan-remove" (word: the id in hexadecimal digits); false: no such verb. It is
 * answered (key_answer) when the token has answered, or at once with a reason.
 */
bool	 key_token_orphan_command(struct key_role *, uint32_t req, struct sv verb, struct sv word);

#endif
