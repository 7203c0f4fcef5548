/*
 * dnssec/epp: what a registrar's EPP client sends so that the parent's DS set
 * follows: a <domain:update> with the extension secDNS-1.1 (RFC 5910), as XML.
 *
 * What enters: a zone's name, the keys that shall have a DS, those that may
 * have one now, the DS records that the parent was seen to give, and what this
 * registry takes. What leaves: one command, complete, for the standard input of
 * the operator's program (dns.ds-hook), which has the session with the registry,
 * its certificate and its password; we have none of them.
 *
 * The registry takes either DS records or DNSKEY records, never both in one
 * command (section 4): the caller knows which. With DS records the key may stand
 * inside of each, for the registry to check (section 4.1). A record to be removed
 * is told with all of its fields, never by its key tag alone (section 5.2.5).
 * What is to go stands before what is to come, as the schema has it, and the
 * server does it in that order, in one transaction: nobody sees the moment
 * between. So a change may name both; two commands would open a gap.
 *
 * Two ways to change a set: to replace it (remove all, add all; said twice, it is
 * the same), or to name the difference from what the parent was seen to give.
 * Where that cannot be named exactly (the parent was not seen yet, or has a DS
 * whose key nobody here knows and the registry takes keys), the set is replaced.
 *
 * Names and transaction identifiers are escaped: a label may hold any octet,
 * and the program on the other side is not to be the one who finds out.
 *
 * Not here: the session, answers. Whether the set is a good one is keystate's
 * and timeline's question.
 */
#ifndef DNSSEC_EPP_H
#define DNSSEC_EPP_H

#include "base/buf.h"
#include "base/pool.h"
#include "base/sv.h"
#include "dns/dns.h"

enum epp_form {
	EPP_DS,			/* section 4.1, the DS data interface */
	EPP_DNSKEY,		/* section 4.2, the key data interface */
	EPP_DS_KEY,		/* section 4.1, with the key inside of each DS */
	EPP_FORM_MAX
};

/* Of one command. A registry allows fewer; two rolls at a time have eight. */
#define EPP_RECORDS_MAX	64
/* Section 3.3 has a signed number of 32 bits; nobody signs for longer than ten years. */
#define EPP_SIG_LIFE_MAX	315360000

/* rdata. .ds: EPP_DS, EPP_DS_KEY; .key: EPP_DNSKEY, and with EPP_DS_KEY where it is known. */
struct epp_record {
	struct sv	ds, key;
};

struct epp_update {
	const struct dname	*zone;
	enum epp_form		 form;
	bool			 rem_all;	/* then .rem is empty */
	const struct epp_record	*rem, *add;
	size_t			 n_rem, n_add;
	uint32_t		 max_sig_life;	/* seconds, of the parent's RRSIG over the DS set; 0: not said */
	bool			 urgent;	/* a server that does not know it answers 2102 */
	struct sv		 trid;		/* the client's transaction: 3 to 64 characters */
};

/*
 * The whole command, one element a line. -EINVAL: the root, nothing to change, a transaction
 * identifier that is too short or too long, rdata of another type or not of the key beside it;
 * nothing is written then.
 */
int	 epp_update_write(struct buf *, const struct epp_update *) MUST_USE;
/*
 * The <extension> element of a <domain:create> that somebody else writes: a new name comes with
 * the records in .add. -EINVAL as above, and where something is to be removed.
 */
int	 epp_create_write(struct buf *, const struct epp_update *) MUST_USE;

/* --- which records (epp_change.c) --- */

struct epp_wish {
	const struct dname	*zone;
	enum epp_form		 form;
	unsigned		 digests;	/* bit n: a DS with digest type n of each key */
	bool			 difference;	/* else the set is replaced */
	const struct sv		*want;		/* DNSKEY rdata of the keys that shall have a DS */
	size_t			 n_want;
	const struct sv		*known;		/* of all keys that may have one, those wanted or not */
	size_t			 n_known;
	bool			 seen;		/* the parent was; then .standing is what it gave */
	const struct sv		*standing;	/* DS rdata */
	size_t			 n_standing;
};

/*
 * Fills .form, .rem_all, .rem and .add; records lie in the pool, keys where they were. Where the
 * parent has it already, nothing is in it. -ENOTSUP: a digest type that we cannot make; SE_LIMIT:
 * more than EPP_RECORDS_MAX; -ENOMEM.
 */
int	 epp_change(const struct epp_wish *, struct pool *, struct epp_update *ret) MUST_USE;

#endif
