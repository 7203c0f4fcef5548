/*
 * mail/dkim: signatures of domains over messages (RFC 6376), verified and made.
 *
 * What enters to verify: a head (mail/message.h), its body in pieces, the
 * time, and answers of the DNS. What leaves is a verdict for each
 * DKIM-Signature field, with all that `explain` shows. Three steps:
 *
 *	dkim_begin()	fields become values; which digests of the body are wanted
 *	(the caller)	the body goes by once, for DKIM and ARC together
 *	dkim_check()	keys are asked for, and all signatures verified in a batch
 *
 * A verdict has a word of RFC 8601 section 2.7.1 and a code for why it is not
 * "pass". Of the words for what is no fault of the digests: "neutral" says
 * that the field could not be read ("contained syntax errors or were not
 * otherwise able to be processed"), "permerror" that RFC 6376 fails it for
 * good (PERMFAIL), "policy" that it verifies and we do not take it: expired,
 * from the future, one of too many. Which row has which word is a table in
 * dkim_findings.c.
 *
 * A signature whose body does not hold is verified all the same: "the body was
 * changed and the head was not" is how a mailing list looks, and costs one RSA
 * operation.
 *
 * Keys are RSA of 1024 to 4096 bits with SHA-256 (RFC 8301) and Ed25519 (RFC
 * 8463). SHA-1 is never computed. A key of RSA may be a SubjectPublicKeyInfo,
 * as all the world publishes, or the RSAPublicKey inside of it, as section
 * 3.6.1 says (erratum 3017 allows both).
 *
 * Names may be U-labels (RFC 8616); questions are A-labels.
 *
 * To sign: dkim_sign() makes one field from a head, the digest of its body and
 * a key. Fields are oversigned: named once more than they are there, so that
 * nobody adds another one (RFC 6376 section 8.15). Never with l=.
 *
 * What ARC shares (RFC 8617: its fields are DKIM's with other tags) is here
 * too: the field as a value, the record as a key, the digest of the head.
 *
 * RFCs: 6376, 8301, 8463, 8616; the words are RFC 8601's. Not here: ADSP, ATPS,
 * third-party signatures, g= of old keys (ignored), z= (ignored).
 */
#ifndef MAIL_DKIM_H
#define MAIL_DKIM_H

#include "crypto/crypto.h"
#include "crypto/dnskey.h"
#include "mail/message.h"
#include "mail/tags.h"

enum dkim_code {
#define F FINDING_ENUM_
#include "mail/dkim_findings.def"
#undef F
	DKIM_CODE_MAX
};
#define DKIM_FINE	DKIM_CODE_MAX	/* nothing is wrong */
extern const struct finding_def dkim_findings[DKIM_CODE_MAX];
/* What a signature is called for that reason; DKIM_FINE: "pass". */
enum mail_result dkim_result(enum dkim_code);

/* --- a signature as a value (dkim_sig.c) --- */

enum dkim_kind {
	DKIM_SIGNATURE,		/* DKIM-Signature */
	DKIM_ARC_MESSAGE,	/* ARC-Message-Signature: i= counts, no v= */
	DKIM_ARC_SEAL,		/* ARC-Seal: no h=, bh=, c=, l=; cv= */
	DKIM_KIND_MAX
};

enum dkim_alg {
	DKIM_NO_ALG,		/* not ours */
	DKIM_RSA_SHA1,		/* known by name only */
	DKIM_RSA_SHA256,
	DKIM_ED25519_SHA256,
	DKIM_ALG_MAX
};
/* "rsa-sha256" … */
const char *dkim_alg_name(enum dkim_alg);

struct dkim_sig {
	const struct mail_field	*field;
	enum dkim_code		 why;		/* what is wrong with the field; or DKIM_FINE */
	struct sv		 what;		/* the tag, or the value, that is wrong */
	enum dkim_alg		 alg;
	enum mail_canon		 head_canon, body_canon;
	struct sv		 alg_text, domain, selector;	/* a=, d=, s= as written */
	struct sv		 identity;	/* i=, decoded; empty: none */
	struct dname		 domain_name;	/* A-labels, lower case; len is 0: there is none */
	struct dname		 identity_name;	/* of what is behind "@" in i=, or domain_name */
	struct dname		 key_name;	/* selector._domainkey.domain; len is 0: none */
	const struct sv		*names;		/* h= */
	size_t			 n_names;
	bool			 signs_from;	/* "From" is one of them */
	struct sv		 b;		/* octets of the signature */
	size_t			 b_at, b_len;	/* what "b=" has in field->raw */
	bool			 has_length, has_time, has_expiry;
	uint64_t		 length;	/* l= */
	int64_t			 time, expiry;	/* t=, x= */
	uint32_t		 instance;	/* ARC's i= */
	struct sv		 chain;		/* ARC's cv=, as written */
	uint8_t			 bh[SHA256_LEN];
};
/*
 * Of a field's value; field lives as long as the pool. What is wrong stands in ->why, and what
 * could be read is there all the same. 0; -ENOMEM.
 */
int	 dkim_sig_parse(struct pool *, enum dkim_kind, const struct mail_field *,
	    struct dkim_sig *ret) MUST_USE;

/* --- what was signed (dkim_hash.c) --- */

/* The canonical form, without CRLF, of the signature's own field with "b=" emptied. -ENOMEM. */
int	 dkim_self_canon(struct buf *, const struct dkim_sig *, enum mail_canon) MUST_USE;
/*
 * RFC 6376 sections 3.7 and 5.4.2: the fields that h= names, each name's from the bottom up,
 * then the signature's own. ret_fields (NULL, or room for n_names): which they were, NULL
 * where there is no such field (any more). 0; -ENOMEM.
 */
int	 dkim_head_digest(const struct mail_head *, const struct dkim_sig *,
	    const struct mail_field **ret_fields, uint8_t ret[static SHA256_LEN]) MUST_USE;

/* --- keys (dkim_key.c) --- */

enum dkim_key_type {
	DKIM_KEY_RSA,
	DKIM_KEY_ED25519,
	DKIM_KEY_OTHER		/* k= of none of ours */
};

struct dkim_key {
	enum dkim_code	 why;		/* DKIM_FINE: it can be used */
	struct sv	 what;		/* the tag, or the value, that is wrong */
	enum dkim_key_type type;
	unsigned	 bits;
	struct sv	 public_key;	/* as RFC 3110 or RFC 8080 have it */
	bool		 is_testing;	/* t=y */
	bool		 is_strict;	/* t=s: i= may not be below d= */
	bool		 has_sha256;	/* h= allows it */
};
/* A key record's text (mail_txt()). 0; -ENOMEM. */
int	 dkim_key_parse(struct pool *, struct sv text, struct dkim_key *ret) MUST_USE;
/* DER of SubjectPublicKeyInfo or RSAPublicKey as RFC 3110 has it. -EINVAL; -ENOMEM. */
int	 dkim_key_rsa(struct pool *, struct sv der, struct sv *ret_key,
	    unsigned *ret_bits) MUST_USE;

/* What an answer has for a signature: RFC 6376 section 6.1.2. */
struct dkim_keys {
	enum dkim_code	 why;		/* DKIM_FINE: key[0] at least fits */
	struct sv	 what;
	size_t		 n_records;	/* that are keys, good or bad */
	size_t		 n;
	struct dkim_key	 key[DKIM_KEYS_MAX];	/* those that fit; or one that does not */
};
/* 0; -ENOMEM. */
int	 dkim_keys_find(struct pool *, const struct mail_answer *, const struct dkim_sig *,
	    struct dkim_keys *ret) MUST_USE;

/* --- arithmetic (dkim_jobs.c) --- */

/*
 * What was computed of a signature: it stays, however often the DNS has to be waited for. Which
 * keys were tried is told by their SHA-256.
 */
struct dkim_memo {
	bool			  is_hashed;
	uint8_t			  digest[SHA256_LEN];
	const struct mail_field	**fields;	/* that h= chose; NULL: it has none */
	size_t			  n_tried;
	struct {
		uint8_t		  key[SHA256_LEN];
		bool		  ok;
	}			  tried[DKIM_KEYS_MAX];
};

struct dkim_job {
	const struct dkim_keys	*keys;		/* any of them will do */
	struct dkim_memo	*memo;		/* hashed, where there are keys */
	struct sv		 b;
	bool			 ok;
};
/* Keys made ready, for who judges many messages; threads may share them. NULL: no memory. */
struct dkim_pubs;
struct dkim_pubs_counts {
	uint64_t	found, missed;
	size_t		n;		/* kept now */
};
struct dkim_pubs *dkim_pubs_new(size_t max);
struct dkim_pubs *dkim_pubs_free(struct dkim_pubs *);
DEFINE_CLEANUP(struct dkim_pubs, dkim_pubs_free)
struct dkim_pubs_counts dkim_pubs_count(struct dkim_pubs *);

/*
 * All of them in one batch, but what the memos know. pubs may be NULL. 0; negative: the
 * arithmetic could not be done.
 */
int	 dkim_jobs_verify(struct dkim_job *, size_t n, struct dkim_pubs *pubs) MUST_USE;

/* --- a message --- */

struct dkim {
	const struct mail_head	*head;
	struct dkim_sig		*sigs;		/* from the top */
	size_t			 n;
	size_t			 n_more;	/* fields beyond DKIM_SIGS_MAX: not looked at */
	/*
	 * For mail_body_new(): one for each signature that could be read. Who has others in the
	 * same pass copies them there, and points this to the copy.
	 */
	struct mail_body_want	*wants;
	size_t			 n_wants;
	struct dkim_pubs	*pubs;		/* the caller's for dkim_check(), or NULL */
	/* private: one for each signature; filled while it is checked */
	struct dkim_memo	*memos;
};
/* 0; -ENOMEM. head must stay. */
int	 dkim_begin(struct pool *, const struct mail_head *, struct dkim *ret) MUST_USE;

struct dkim_verdict {
	const struct dkim_sig	*sig;
	enum mail_result	 result;
	enum dkim_code		 why;		/* DKIM_FINE where it passed */
	bool			 is_asked;	/* for its key: the field could be read */
	bool			 has_key;	/* and the arithmetic was done */
	bool			 body_holds;	/* the digest of the body is bh= */
	bool			 head_holds;	/* the signature over the head is the key's */
	bool			 is_testing;
	enum mail_rcode		 rcode;		/* of the key's question */
	bool			 secure;	/* and its answer was validated */
	unsigned		 key_bits;
	uint64_t		 n_surplus;	/* octets of the body that l= leaves out */
	const struct mail_body_want *body;	/* found (wanted: sig->bh); NULL: not read */
	const struct mail_field	**fields;	/* that h= chose; NULL: not there, or no more */
};
/*
 * After mail_body_end(). 0 with d->n verdicts and findings; MAIL_WAIT: ask->missing, then once
 * more from a pool that was reset; negative: it could not be done. now: Unix time.
 */
int	 dkim_check(const struct dkim *, int64_t now, struct pool *, struct mail_ask *,
	    struct findings *, struct dkim_verdict **ret) MUST_USE;

/* --- signing (dkim_sign.c) --- */

/* Is a field named once more than it is there, so that a further one breaks the signature? */
enum dkim_over {
	DKIM_OVER_NEVER,
	DKIM_OVER_THERE,	/* where there is one */
	DKIM_OVER_ALWAYS
};
struct dkim_sign_name {
	struct sv	name;
	enum dkim_over	over;
};
/* RFC 6376 section 5.4.1, and what attackers add or replace. */
const struct dkim_sign_name *dkim_sign_names(size_t *ret_n);

/*
 * Who makes the octets of a signature: a key that is at hand (dkim_signer_of()), or another process
 * that has it and gets no more than a digest.
 */
struct dkim_signer {
	enum dkim_alg	 alg;		/* DKIM_RSA_SHA256 or DKIM_ED25519_SHA256; else: none */
	/* In the pool. 0; negative: it could not be signed. */
	int		(*sign)(void *arg, const uint8_t digest[static SHA256_LEN], struct pool *,
			    struct sv *ret_b);
	void		*arg;
};
/* The key, of algorithm 8 or 15, stays the caller's, and as long as the signer. */
struct dkim_signer dkim_signer_of(const struct crypto_priv *);

struct dkim_sign {
	struct sv			 domain, selector;	/* d=, s= */
	struct sv			 identity;		/* i=, or empty */
	struct dkim_signer		 by;
	enum mail_canon			 head_canon, body_canon;
	const struct dkim_sign_name	*names;			/* NULL: dkim_sign_names() */
	size_t				 n_names;
	int64_t				 time, expiry;		/* t=, x=; 0: none */
};
/*
 * The field, folded at 78 columns: "DKIM-Signature: v=1; …", no CRLF at its end; to be put on
 * top. body: the digest of all of it in the form that was chosen. 0; -EINVAL: a domain,
 * selector, identity or time that cannot stand there, RSA of less than 1024 bits, or no From;
 * -ENOTSUP: another algorithm; SE_LIMIT: too many fields; other negatives: it could not be signed.
 */
int	 dkim_sign(struct pool *, const struct mail_head *, const uint8_t body[static SHA256_LEN],
	    const struct dkim_sign *, struct sv *ret_field) MUST_USE;

/*
 * The text of the key's record in the DNS (dkim_record.c): "v=DKIM1; k=rsa; p=…". -ENOTSUP: neither
 * RSA nor Ed25519.
 */
int	 dkim_record_write(struct buf *, const struct crypto_priv *) MUST_USE;

/* --- fields as text, for ARC too (dkim_fold.c) --- */

struct dkim_fold {
	struct buf	*out;
	size_t		 column;
};
/* "Name:" */
void	 dkim_fold_init(struct dkim_fold *, struct buf *, const char *field);
/* Each behind a blank or a fold (CRLF and a tab), with a ";" behind it. */
void	 dkim_fold_tag(struct dkim_fold *, const char *name, struct sv value);
void	 dkim_fold_number(struct dkim_fold *, const char *name, int64_t);
void	 dkim_fold_octets(struct dkim_fold *, const char *name, const void *, size_t n);
/* What is signed: each name as often as it is there and once more where that is wanted. */
void	 dkim_fold_names(struct dkim_fold *, const char *name, const struct sv *names, size_t n);
/* "b=", the last one: what stands up to here is signed. Then its octets, folded anywhere. */
void	 dkim_fold_b(struct dkim_fold *);
void	 dkim_fold_b_octets(struct dkim_fold *, const void *, size_t n);

/*
 * RSA/SHA-256 or Ed25519 over a digest, as the key is; the octets are in the pool. -ENOTSUP:
 * another algorithm; -EINVAL: RSA of less than 1024 bits.
 */
int	 dkim_digest_sign(struct pool *, const struct crypto_priv *,
	    const uint8_t digest[static SHA256_LEN], struct sv *ret_b) MUST_USE;
/* h= for a head: in the pool. SE_LIMIT; -ENOMEM. */
int	 dkim_names_choose(struct pool *, const struct mail_head *, const struct dkim_sign_name *,
	    size_t n, const struct sv **ret, size_t *ret_n) MUST_USE;

#endif
