/*
 * mail/arc: the Authenticated Received Chain (RFC 8617), validated and made longer.
 *
 * Each of those who handed a message on can add a set of three fields: what
 * it found when the message came in (ARC-Authentication-Results), a signature over
 * the message as it went out (ARC-Message-Signature), and a seal over all sets
 * so far (ARC-Seal). Whoever trusts them all can see why a signature of the author
 * does not hold any more. The chain says who handled the message and what they
 * say; whether they are believed is policy, and not decided here.
 *
 * What enters to validate is a head, its body in pieces, the time, and answers
 * of the DNS; what leaves is one result, and for each set what holds of it.
 *
 *	arc_begin()	fields become sets; the structure is judged; which digests
 *			of the body are wanted
 *	(the caller)	the body goes by once, for DKIM and ARC together
 *	arc_check()	keys are asked for, all signatures verified in a batch, and
 *			judged by the steps of section 5.2 in their order
 *
 * A result is "none", "pass" or "fail", and "fail" has one code, that of the first
 * step at which it failed. There is no "temperror" (section 5.2.1: "All errors,
 * including DNS failures, become unrecoverable and are considered permanent"): who
 * would rather ask later sees ARC_KEY_DNS. All that holds or does not is told in any
 * case, as a broken chain has to be explained, and costs no more.
 *
 * Where no step says it, this is how we read the standard:
 *
 *   - a broken AMS of an older set says only where the message was changed
 *     (oldest-pass); a broken seal of any set breaks the chain
 *   - an AMS that ran out (x=) does not verify: DKIM would not take it either
 *   - an AMS that signs an ARC-Seal is broken; one that signs the other fields that
 *     section 4.1.2 forbids is not, as early software signed them
 *   - cv= is free in letter case, as literals of ABNF are; tags are not
 *   - the payload of an ARC-Authentication-Results may be anything (section 3.4)
 *
 * To seal: arc_seal() makes a set of what was found when the message came (struct
 * authres) and of the message as it goes. A chain that failed gets one more set, which
 * says so and covers itself alone (section 5.1.2); behind that there is none.
 *
 * A signature, its key and its digest are DKIM's (mail/dkim.h). Work is bounded: 50 sets,
 * each two signatures and two keys; the head is hashed once for each AMS, the sets once for
 * each seal.
 */
#ifndef MAIL_ARC_H
#define MAIL_ARC_H

#include "mail/authres.h"
#include "mail/dkim.h"

enum arc_code {
#define F FINDING_ENUM_
#include "mail/arc_findings.def"
#undef F
	ARC_CODE_MAX
};
#define ARC_FINE	ARC_CODE_MAX	/* nothing is wrong */
extern const struct finding_def arc_findings[ARC_CODE_MAX];

/* --- sets (arc_set.c) --- */

enum arc_part {
	ARC_RESULTS,		/* ARC-Authentication-Results */
	ARC_MESSAGE,		/* ARC-Message-Signature */
	ARC_SEAL,		/* ARC-Seal */
	ARC_PART_MAX
};
/* The field's name. */
const char *arc_part_name(enum arc_part);

struct arc_set {
	const struct mail_field	*field[ARC_PART_MAX];	/* NULL: not there */
	struct sv		 payload;		/* of the results, behind "i=1;": for authres_parse() */
	const struct dkim_sig	*ams, *seal;		/* NULL: not there */
};

struct arc {
	const struct mail_head	*head;
	struct arc_set		*sets;		/* set i is sets[i - 1] */
	uint32_t		 n;		/* the highest instance; 0: no chain */
	bool			 is_there;	/* any field of ARC, readable or not */
	enum arc_code		 why;		/* ARC_FINE, or how the structure is broken (steps 1 to 3) */
	uint32_t		 at;		/* in which set; 0: in none that has a number */
	enum arc_part		 part;
	/*
	 * For mail_body_new(): one for each AMS that could be read. Who has others in the same
	 * pass copies them there, and points this to the copy.
	 */
	struct mail_body_want	*wants;
	size_t			 n_wants;
	/* private: an AMS and a seal of each set; filled while they are checked */
	struct dkim_memo	*memos;
};
/* 0; -ENOMEM. head must stay. */
int	 arc_begin(struct pool *, const struct mail_head *, struct arc *ret) MUST_USE;

/* --- the chain (arc_check.c) --- */

/* What holds of an AMS or a seal. */
struct arc_signature {
	const struct dkim_sig	*sig;
	enum arc_code		 why;		/* ARC_FINE: it verifies */
	enum dkim_code		 dkim;		/* what its field or its key lacks; else DKIM_FINE */
	struct sv		 what;		/* the tag, or the value, that is wrong */
	bool			 is_asked;	/* for its key */
	enum mail_rcode		 rcode;		/* of the question */
	bool			 secure;
	unsigned		 key_bits;
	bool			 head_holds, body_holds;	/* a seal has no body: true */
	const struct mail_body_want *body;	/* what was found (wanted: sig->bh); NULL: not read, or a seal */
	const struct mail_field	**fields;	/* that h= chose; NULL: a seal, or not computed */
};

struct arc_verdict {
	enum mail_result	 result;	/* MAIL_NONE, MAIL_PASS, MAIL_FAIL */
	enum arc_code		 why;		/* of a failure; else ARC_FINE */
	uint32_t		 at;		/* the set that failed, or 0 */
	/*
	 * Section 5.2 step 5: the oldest set whose AMS and all behind verify, 0 where that is all of
	 * them. Only with a newest AMS that verifies.
	 */
	uint32_t		 oldest_pass;
	bool			 has_oldest_pass;
	struct arc_signature	*ams, *seals;	/* one a set; NULL where the structure is broken */
};
/*
 * After mail_body_end(). 0 with a verdict and findings; MAIL_WAIT: ask->missing, then once more
 * from a pool that was reset; negative: it could not be done. now: Unix time.
 */
int	 arc_check(const struct arc *, int64_t now, struct pool *, struct mail_ask *, struct findings *,
	    struct arc_verdict *ret) MUST_USE;
/*
 * The verdict as a result for our own field: arc=…, header.oldest-pass, smtp.remote-ip (section
 * 6; client's .p may be NULL). -ENOMEM; SE_LIMIT.
 */
int	 arc_verdict_add(struct authres *, const struct arc_verdict *, struct sv client) MUST_USE;

/* --- sealing (arc_seal.c) --- */

struct arc_sealer {
	struct sv			 domain, selector;	/* d=, s= */
	struct dkim_signer		 by;
	int64_t				 time;			/* t= */
	const struct dkim_sign_name	*names;			/* to sign; NULL: DKIM's, and DKIM-Signature */
	size_t				 n_names;
	bool				 is_utf8;		/* the message is internationalised */
	/* Tags in the order in which they are written; NULL: i= first and b= last. */
	const char			*ams_order, *seal_order;
};

struct arc_sealed {
	bool		 is_made;	/* false: behind this chain there is no further set */
	uint32_t	 instance;
	/* "Name: …", without CRLF at their ends; to be put on top, the seal uppermost. */
	struct sv	 results, ams, seal;
};
/*
 * arc: of the head as it goes out. chain: the result over the message as it came in. body:
 * SHA-256 of its relaxed form as it goes out. 0; -EINVAL: a domain or selector that cannot stand
 * there, names that an AMS may not sign, RSA of less than 1024 bits, no From, or a chain that is
 * not as chain says; -ENOTSUP: another algorithm; other negatives: it could not be signed.
 */
int	 arc_seal(struct pool *, const struct arc *, enum mail_result chain, const struct authres *found,
	    const uint8_t body[static SHA256_LEN], const struct arc_sealer *, struct arc_sealed *ret) MUST_USE;

#endif
