/*
 * hsm: keys that never leave a token, through PKCS#11 (OASIS, version 2.40,
 * with EdDSA of 3.0). The only folder with p11-kit, and the only one that runs
 * somebody else's code in our process: therefore a module is named by one
 * absolute path, belongs to root, lies where root alone can replace it, and is
 * loaded before the sandbox closes.
 *
 * What enters: a module, a pkcs11: URI (RFC 7512) that says which token, a
 * file with its PIN; then what is to be signed, as bytes. What leaves: the
 * token's bytes as they are. DNSSEC is not known here: crypto/dnskey.h says
 * what a token is given (crypto_tbs(), crypto_digest_info()), and makes RRSIG
 * and DNSKEY octets of what it returns (crypto_sig_wire(), crypto_token_public()).
 *
 * Tokens fail: a cable, a daemon that was restarted, a partition that was
 * moved, a session that timed out. The caller need not care:
 *
 *	session gone		opened again
 *	not logged in		logged in again
 *	object handle gone	the key is found again, by its CKA_ID
 *	token, slot, device	the slot is looked for again (same serial number),
 *				at last after C_Finalize and C_Initialize
 *	a refused PIN		never tried again: tokens lock after three
 *
 * in HSM_TRIES attempts with growing pauses, whose length the caller may turn
 * into virtual time. After that the token is lost: calls return -ENODEV at
 * once, and the first one after its return works again, without a restart.
 * After a fork the child begins anew by itself.
 *
 * Sessions are a pool: as many threads sign at the same time as there are
 * sessions; others wait for at most HSM_WAIT_MSEC (SE_TIMEOUT). A module that
 * hangs within a call cannot be interrupted, and one that crashes takes its
 * process with it: so who runs long opens it apart, in a process of its own
 * (hsm_open_apart()). All calls are the same; what is asked and answered goes
 * over a socket for each session (wire.c, host.c, apart.c).
 *
 *	crash			a new process, at once the first time, then with
 *				growing pauses; what was asked is asked again
 *	no answer in time	the process is killed; then as above, but what
 *				was asked is not asked again
 *	a refused PIN		is given to no process any more
 *
 * A pair that was being made when the process died may be in the token:
 * hsm_list() shows it.
 *
 * What we do not trust: that the token signed what it was given, with the key
 * that was meant. A CKA_ID may be held by two keys (refused: HSM_KEY_MANY), a
 * token may be restored from the wrong backup, a card may have a broken
 * multiplier. Whoever signs through this door signs a probe first and verifies
 * it with the *published* DNSKEY, and verifies what is published. Key tags do
 * not occur here.
 *
 * What we do not do: keys that ask for a PIN before each signature
 * (CKA_ALWAYS_AUTHENTICATE), wrapping, import of private keys, one module for
 * two tokens at a time in one process (run a key role for each).
 */
#ifndef HSM_HSM_H
#define HSM_HSM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/finding.h"
#include "base/pool.h"
#include "base/sv.h"
#include "base/util.h"

#define HSM_SIG_MAX	512	/* RSA of 4096 bits */

enum hsm_finding {
#define F FINDING_ENUM_
#include "hsm/findings.def"
#undef F
	HSM_FINDING_MAX
};
extern const struct finding_def hsm_findings[HSM_FINDING_MAX];

struct hsm_opts {
	const char	*module;	/* absolute path */
	const char	*token;		/* a pkcs11: URI, of the token or of a key in it */
	const char	*pin_file;	/* 0600; NULL: the token wants no PIN */
	unsigned	 n_sessions;	/* 0: HSM_SESSIONS */
	unsigned	 wait_msec;	/* for a free session; 0: HSM_WAIT_MSEC */
	bool		 later;		/* the first call looks for the token: it may be away now */
	/* Waits between attempts; NULL: sleeps. */
	void		(*pause)(void *arg, unsigned msec);
	void		*pause_arg;
};

struct hsm;			/* one token, logged in; all calls from any thread */

/*
 * 0; *ret stays NULL where a finding says what is wrong with the module, the URI, the PIN
 * or the token. Negative: no memory. With .later only C_Initialize is called, and may fail.
 */
int	 hsm_open(const struct hsm_opts *, struct findings *, struct hsm **ret) MUST_USE;
struct hsm *hsm_free(struct hsm *);
DEFINE_CLEANUP(struct hsm, hsm_free)
/*
 * Why the last call that failed did so; false: the last one worked. The calls below return
 *	-ENODEV	the token is lost			HSM_LOST, HSM_TOKEN_ABSENT
 *	-EMLINK	several fit				HSM_TOKEN_MANY
 *	-EACCES	it refuses the PIN			HSM_PIN_REFUSED
 *	-ENOENT	the key is not in it			HSM_KEY_ABSENT
 *	-ENOTUNIQ	two are, under the same CKA_ID	HSM_KEY_MANY
 *	-ENOTSUP	its kind is none of hsm_kind		HSM_KEY_KIND
 *	-EIO	it refuses to do it			HSM_REFUSED
 *	SE_TIMEOUT	all sessions are in calls	HSM_BUSY
 * or -EINVAL (the URI), -ENOMEM, SE_LIMIT.
 */
bool	 hsm_trouble(struct hsm *, struct findings *);

/* --- in a process of its own --- */

struct hsm_apart_opts {
	struct hsm_opts	 hsm;		/* .later, .pause and .pause_arg are not looked at */
	unsigned	 call_msec;	/* one call of the module that takes longer does not return */
	unsigned	 make_msec;	/* … making a pair; 0: the same */
	/* In that process, before the module is loaded, and when it is; negative: it ends. */
	int		(*before)(void *arg);
	int		(*after)(void *arg);
	void		*arg;
};
/*
 * As hsm_open() with .later, while this process has no threads and no sandbox yet (sys/cell.h).
 * Only the path and the URI are looked at here; the rest is what calls say: HSM_MODULE_LOAD,
 * HSM_PIN_FILE, HSM_CRASHED and HSM_HUNG are -ENODEV.
 */
int	 hsm_open_apart(const struct hsm_apart_opts *, struct findings *, struct hsm **ret) MUST_USE;
/* The next call finds a new process. */
void	 hsm_apart_renew(struct hsm *);

struct hsm_apart_state {
	uint64_t	 n_crashed, n_hung;	/* processes that ended so */
	bool		 is_over;		/* none can be made any more */
};
void	 hsm_apart_look(struct hsm *, struct hsm_apart_state *ret);

/* --- keys --- */

enum hsm_kind {
	HSM_RSA,
	HSM_P256,
	HSM_P384,
	HSM_ED25519,
	HSM_ED448,
	HSM_KIND_MAX
};

struct hsm_key_info {
	struct sv	 id, label;	/* CKA_ID, CKA_LABEL */
	enum hsm_kind	 kind;		/* HSM_KIND_MAX: none that DNSSEC uses */
	bool		 may_leave;	/* extractable, or not sensitive */
};
/* All private keys of the token, in the pool. */
int	 hsm_list(struct hsm *, struct pool *, struct hsm_key_info **ret, size_t *ret_n) MUST_USE;

/* What the token says of the public half; empty: nothing. As struct crypto_token_key. */
struct hsm_public {
	struct sv	 modulus, exponent, point;
};

/* Which key a URI means, in the pool; empty: it does not say. -EINVAL, SE_LIMIT, -ENOMEM. */
int	 hsm_uri_key(const char *uri, struct pool *, struct sv *ret_id, struct sv *ret_label) MUST_USE;

struct hsm_key;			/* immutable for the caller; any thread */
/* By the id and object (the label) of a pkcs11: URI; exactly one private key must fit. */
int	 hsm_key_open(struct hsm *, const char *uri, struct hsm_key **ret) MUST_USE;
/*
 * A new pair that cannot leave the token, with a CKA_ID that nobody could have guessed.
 * bits: of RSA only.
 */
int	 hsm_generate(struct hsm *, enum hsm_kind, unsigned bits, struct sv label,
	    struct hsm_key **ret) MUST_USE;
/* Out of the token, both halves, for ever; the handle is to be freed all the same. */
int	 hsm_key_delete(struct hsm *, struct hsm_key *) MUST_USE;
struct hsm_key *hsm_key_free(struct hsm_key *);
DEFINE_CLEANUP(struct hsm_key, hsm_key_free)
/* Owned by the key. */
const struct hsm_key_info *hsm_key_info(const struct hsm_key *);
const struct hsm_public *hsm_key_public(const struct hsm_key *);
/* HSM_KEY_LEAVES. */
void	 hsm_key_check(const struct hsm_key *, struct findings *);
/* "pkcs11:token=…;serial=…;id=…;type=private": finds this key again. */
void	 hsm_key_uri(const struct hsm *, const struct hsm_key *, struct buf *);

/* --- signing --- */

struct hsm_make {
	struct sv	 data;		/* RSA: DigestInfo and digest; ECDSA: digest; EdDSA: all of it */
	uint8_t		*sig;		/* room for HSM_SIG_MAX */
	size_t		 sig_len;	/* the answer */
};
/* In one session. All or nothing: 0, or negative and no signature is to be used. */
int	 hsm_sign(struct hsm *, struct hsm_key *, struct hsm_make *, size_t n) MUST_USE;

#endif
