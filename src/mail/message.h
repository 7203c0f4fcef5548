/*
 * mail/message: a message as those see it who sign and verify it.
 *
 * What enters: a whole message (a file: lines end in CRLF, or all in LF), or
 * its parts as a milter gets them (field by field, the body in pieces). What
 * leaves: fields in the order in which they stand, octets as they came, so
 * that a signature over them can be computed; the addresses of a From; and the
 * digests of the body, computed in one pass while it goes by.
 *
 * A field is never changed here. Where LF alone ended a line, the octets that
 * are hashed have CRLF, as all mail programs do before they send (RFC 5321
 * section 2.3.8: "only as end of line").
 *
 * Whoever attacks mail authentication seldom breaks a signature; he writes a
 * message that two programs read differently (Chen, Paxson, Jiang,
 * "Composition Kills", USENIX Security 2020). What is read differently
 * somewhere is therefore refused here, with a code (message_findings.def):
 * several From fields, none, or one with several authors; odd folds, NUL, a
 * CR or LF alone within a header; a name with a blank before its colon;
 * quoted or commented domains, encoded words where an address stands; an
 * address that another reader would cut elsewhere. What of this leads to a
 * refusal of the message is policy, and not decided here.
 */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include "mail/mail.h"

enum mail_code {
#define F FINDING_ENUM_
#include "mail/message_findings.def"
#undef F
	MAIL_CODE_MAX
};
extern const struct finding_def mail_findings[MAIL_CODE_MAX];

/*
 * What -ENOMEM of whoever used the pool means: 0 and MAIL_TOO_MUCH where the pool's cap was met,
 * for then it is the message that is too large, and who waits for memory waits for ever. The
 * pool has room to say so (MAIL_SPARE). Other codes stay.
 */
int	 mail_pool_check(struct pool *, struct findings *, int rc) MUST_USE;

/* --- fields --- */

struct mail_field {
	struct sv	raw;		/* all of it; CRLF in its folds, none at its end */
	struct sv	name;		/* before the colon; blanks behind it left off */
	struct sv	value;		/* all behind the colon */
};

struct mail_head {
	struct mail_field	*fields;	/* from the top */
	size_t			 n;
	bool			 is_full;	/* a limit was met, and said: no more is taken */
	/* private */
	struct pool		*pool;
	size_t			 cap, octets, n_odd;
};

/* An empty head in the pool. */
void	 mail_head_init(struct mail_head *, struct pool *);
/*
 * One field as a milter gives it: the value with LF or CRLF in its folds, and its leading
 * blank if it had one. Copied. 0; -ENOMEM. Limits are findings.
 */
int	 mail_head_add(struct mail_head *, struct sv name, struct sv value,
	    struct findings *) MUST_USE;
/*
 * The head of a whole message. *ret_body is what stands behind the empty line (.n is 0 where
 * there is none). Slices of text where its lines end in CRLF, copies where they do not.
 * 0; -ENOMEM. What cannot be read as a field is a finding, and is passed over.
 */
int	 mail_head_parse(struct mail_head *, struct sv text, struct sv *ret_body,
	    struct findings *) MUST_USE;
/* The n-th from the bottom (0: the last) of that name, letter case free; NULL: there is none. */
const struct mail_field *mail_head_last(const struct mail_head *, struct sv name, size_t n);
size_t	 mail_head_count(const struct mail_head *, struct sv name);
/* RFC 5322 and what attackers vary: findings on the head as a whole. */
void	 mail_head_check(const struct mail_head *, struct findings *);

/* --- addresses --- */

struct mail_address {
	struct sv	display;	/* decoded no further than its quotes; may be empty */
	struct sv	local;		/* quotes taken off */
	struct sv	domain;		/* as written */
	struct dname	name;		/* its name in the DNS: A-labels (RFC 5891), lower case */
};

/*
 * The mailboxes of a From, Sender, Reply-To (RFC 5322 section 3.4, groups of RFC 6854, UTF-8
 * of RFC 6532). 0 with what could be read without doubt, which may be none; -ENOMEM. What is
 * in doubt is a finding (REJECT), and then the list is empty.
 */
int	 mail_addresses(struct pool *, struct sv value, struct findings *,
	    struct mail_address **ret, size_t *ret_n) MUST_USE;
/*
 * An envelope's address, without its angle brackets (RFC 5321 section 4.1.2): -EINVAL, also for
 * a literal as a domain; the empty one is -ENOENT. A route before it is left out. Quotes are
 * taken off in the pool, all else are slices of text. -ENOMEM.
 */
int	 mail_envelope(struct pool *, struct sv text, struct mail_address *ret) MUST_USE;
/*
 * A domain of U-labels or A-labels as A-labels in lower case (RFC 5891, libidn2), strictly:
 * what UTS 46 would have to map first (but ASCII's letter case), and a final dot, are -EINVAL.
 * -ENOMEM.
 */
int	 mail_domain(struct sv text, struct dname *ret) MUST_USE;

/* --- canonical forms (RFC 6376 section 3.4) --- */

enum mail_canon {
	MAIL_SIMPLE,
	MAIL_RELAXED,
	MAIL_CANON_MAX
};
/* The field's canonical form without its CRLF is appended. */
void	 mail_field_canon(struct buf *, const struct mail_field *, enum mail_canon);

/* --- the body --- */

/* One digest that somebody needs: SHA-256 of the canonical body, or of its first octets (l=). */
struct mail_body_want {
	enum mail_canon	 canon;
	uint64_t	 max;		/* octets of the canonical body; UINT64_MAX: all */
	/* the answer */
	uint8_t		 digest[32];
	uint64_t	 n_hashed;	/* octets hashed; below max: the body is shorter */
	uint64_t	 n_canon;	/* octets of the whole canonical body */
};

struct mail_body;
/*
 * Computes all of wants in one pass: one canonical form each, one digest for each (form,
 * max), however often it is wanted. wants is the caller's, and is filled by mail_body_end().
 * -ENOMEM.
 */
int	 mail_body_new(struct mail_body_want *wants, size_t n, struct mail_body **ret) MUST_USE;
/* Pieces of any size; a line may be cut anywhere. LF alone counts as CRLF, CR alone as itself. */
void	 mail_body_feed(struct mail_body *, struct sv piece);
void	 mail_body_end(struct mail_body *);
struct mail_body *mail_body_free(struct mail_body *);
DEFINE_CLEANUP(struct mail_body, mail_body_free)

#endif
