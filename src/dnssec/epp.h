/*
 * dnssec/epp: what a registrar's EPP client sends so that the parent's DS set
 * follows: a <domain:update> with the extension secDNS-1.1 (RFC 5910), as XML.
 *
 * What enters: a zone's name, which records are to go and which are to come,
 * as rdata. What leaves: one command, complete, for the standard input of the
 * operator's program (dns.ds-hook), which has the session with the registry,
 * its certificate and its password; we have none of them.
 *
 * The registry takes either DS records or DNSKEY records, never both in one
 * domain (section 4): the caller knows which. A record to be removed is told
 * with all of its fields, never by its key tag alone (section 5.2.5). What is
 * to go stands before what is to come, as the schema has it, and the server
 * does it in that order, in one transaction: nobody sees the moment between.
 * So a change may name both; two commands would open a gap.
 *
 * Names and transaction identifiers are escaped: a label may hold any octet,
 * and the program on the other side is not to be the one who finds out.
 *
 * Not here: <secDNS:chg> and maxSigLife (the signer decides how long signatures
 * live), "urgent", the session, answers. Whether the set is a good one is
 * keystate's and timeline's question.
 */
#ifndef DNSSEC_EPP_H
#define DNSSEC_EPP_H

#include "base/buf.h"
#include "base/sv.h"
#include "dns/dns.h"

enum epp_form {
	EPP_DS,			/* section 4.1, the DS data interface */
	EPP_DNSKEY		/* section 4.2, the key data interface */
};

/* Of one command. A registry allows fewer; two rolls at a time have eight. */
#define EPP_RECORDS_MAX	64

struct epp_update {
	const struct dname	*zone;
	enum epp_form		 form;
	bool			 rem_all;	/* then .rem is empty */
	const struct sv		*rem, *add;	/* rdata of DS, or of DNSKEY */
	size_t			 n_rem, n_add;
	struct sv		 trid;		/* the client's transaction: 3 to 64 characters */
};

/*
 * The whole command, one element a line. -EINVAL: the root, nothing to change, a transaction
 * identifier that is too short or too long, rdata of another type; nothing is written then.
 */
int	 epp_update_write(struct buf *, const struct epp_update *) MUST_USE;
/*
 * The <extension> element of a <domain:create> that somebody else writes: a new name comes with
 * these records. -EINVAL as above.
 */
int	 epp_create_write(struct buf *, enum epp_form, const struct sv *records, size_t n) MUST_USE;

#endif
