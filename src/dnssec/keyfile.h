/*
 * dnssec/keyfile: the private key files of others, as values.
 *
 * BIND's tools (dnssec-keygen, and ldns-keygen in the same form) keep a key as
 * two files. X.key is zone text: one DNSKEY record, and comments. X.private,
 * read here, is lines of "Field: value":
 *
 *	Private-key-format: v1.3
 *	Algorithm: 13 (ECDSAP256SHA256)
 *	PrivateKey: base64
 *	Created: 20261122141718
 *
 * RSA has the eight numbers of RFC 8017's private key, each in base64. Of
 * version 1.2 there are no times. A key in a token has "Engine:" and "Label:"
 * (or a PKCS#11 URI there) in place of numbers. Fields that we do not know are
 * passed over: later minor versions may add some, and the format says so.
 *
 * What enters is the file's text; what leaves are numbers for
 * crypto_priv_import() and times. Whether the numbers fit together, and fit
 * the X.key beside them, is the caller's question: crypto tells the first, and
 * the public keys are compared for the second. Nothing is kept: the struct
 * holds the secret in a room of its own, wiped by keyfile_done().
 *
 * A key of a dnssec-policy has a third file, X.state (bind_state_parse()): the
 * same times, and how far each of its records has come. What it says is a plan
 * and a claim; what is true is what servers give out.
 *
 * Knot keeps PKCS#8 (PEM), which crypto_priv_parse() reads; OpenDNSSEC keeps
 * all private keys in tokens.
 */
#ifndef DNSSEC_KEYFILE_H
#define DNSSEC_KEYFILE_H

#include "base/finding.h"
#include "crypto/dnskey.h"

#define KEYFILE_SIZE_MAX	(16 * 1024)	/* bytes; RSA of 4096 bits takes 3,200 */
#define KEYFILE_LINES_MAX	200		/* about 20 are written */
#define KEYFILE_ROOM		(8 * (CRYPTO_DNSSIG_MAX + 8))

/* The times that BIND keeps; each may be absent. */
enum keyfile_time {
	KEYFILE_CREATED,
	KEYFILE_PUBLISH,
	KEYFILE_ACTIVATE,
	KEYFILE_REVOKE,
	KEYFILE_INACTIVE,
	KEYFILE_DELETE,
	KEYFILE_DS_PUBLISH,
	KEYFILE_SYNC_PUBLISH,
	KEYFILE_SYNC_DELETE,
	KEYFILE_TIME_MAX
};

struct keyfile {
	uint8_t			 alg;
	struct crypto_numbers	 numbers;		/* in room */
	struct sv		 engine, label;		/* in the text; a token's key has them */
	int64_t			 time[KEYFILE_TIME_MAX];	/* TIME_NEVER: absent */
	size_t			 n_room;
	uint8_t			 room[KEYFILE_ROOM];
};

/* 0, or -EBADMSG with a REJECT finding that says the line. */
int	 keyfile_parse(struct sv text, struct findings *, struct keyfile *ret) MUST_USE;
/* Wipes it. */
void	 keyfile_done(struct keyfile *);

/* --- X.state --- */

enum bind_word {
	BIND_NA,		/* nothing is said */
	BIND_HIDDEN,
	BIND_RUMOURED,
	BIND_OMNIPRESENT,
	BIND_UNRETENTIVE,
	BIND_STATE_MAX
};

struct bind_state {
	uint32_t	 alg, lifetime;			/* seconds; 0: for ever */
	uint32_t	 predecessor, successor;	/* tags; 0: none */
	int64_t		 published, active, retired, removed;	/* TIME_NEVER: absent */
	int64_t		 data_change;			/* when .data became what it is */
	enum bind_word	 dnskey, keysig, data, ds, goal;
};

/* 0, or -EBADMSG with the line (from 1). */
int	 bind_state_parse(struct sv text, struct bind_state *ret, unsigned *ret_line) MUST_USE;

#endif
