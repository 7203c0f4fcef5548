/*
 * mail/row: what is noted of one message, for reports and for one's own desk.
 *
 * What enters is a judgement and what was done about it; what leaves is a row
 * that needs nothing else to be reported (RFC 9990): the source, the domains,
 * the policy that was found and where its owner wants reports. No local part
 * of an address, no subject, no Message-ID: a report is about domains, and
 * what was never noted cannot leak.
 *
 * A row's identity is its node, its queue id there and its time: whoever gets
 * the same row twice keeps one. (The time, because an MTA's short queue ids
 * come again: Postfix makes them of a second's microseconds and an inode.)
 *
 * Its form on the disk and between processes is octets that mail_row_write()
 * makes and mail_row_parse() checks. They have three parts that stand for
 * themselves, so that a table can hold and compare them without knowing what
 * is in them: two rows of one policy that are to be summed up in a report
 * have the same octets as "alike".
 *
 *	row	version, time, node, queue id, results, and the parts:
 *	policy	version, the policy as it was found
 *	rua	version, where its owner wants reports
 *	alike	version, all else that a report says of a message
 *
 * A stranger's length never costs a row: texts that are too long are cut,
 * addresses that are too long left out (a part of one is another one).
 * Domains are written in lower case.
 */
#ifndef MAIL_ROW_H
#define MAIL_ROW_H

#include "base/rd.h"
#include "mail/report.h"

struct mail_row {
	struct sv		 node, queue_id;	/* neither empty nor too long (limits.h) */
	int64_t			 at;		/* of the verdict: Unix time */
	struct report_row	 row;		/* count is 1 */
	struct report_policy	 policy;	/* domain empty: none was found */
	const struct sv		*rua;		/* as published */
	size_t			 n_rua;
	enum mail_result	 dmarc, arc;
};

struct mail_row_parts {
	struct sv	policy, rua, alike;	/* slices of the row */
};

/* Octets, MAIL_ROW_MAX at most. -EINVAL: no row by which it can be known, or values out of range. */
int	 mail_row_write(struct wr *, const struct mail_row *) MUST_USE;
/* Texts point into the octets; lists are in the pool. -EBADMSG: they are no row; -ENOMEM. */
int	 mail_row_parse(struct sv, struct pool *, struct mail_row *ret,
	    struct mail_row_parts *ret_parts) MUST_USE;

/* The parts for themselves; the same codes. Of alike, count is left to the caller. */
int	 mail_row_policy_parse(struct sv, struct report_policy *ret) MUST_USE;
int	 mail_row_rua_parse(struct sv, struct pool *, const struct sv **ret,
	    size_t *ret_n) MUST_USE;
int	 mail_row_alike_parse(struct sv, struct pool *, struct report_row *ret) MUST_USE;

#endif
