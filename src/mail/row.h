/*
 * mail/row: what is noted of one message, for reports and for one's own desk.
 *
 * What enters is a judgement and what was done about it; what leaves is a row
 * that needs nothing else to be reported (RFC 9990): the source, the domains,
 * the policy that was found and where its owner wants reports. No local part
 * of an address, no subject, no Message-ID: a report is about domains, and
 * what was never noted cannot leak.
 *
 * A row's identity is its node and its queue id there: whoever gets the same
 * row twice keeps one. Its form on the disk and between processes is octets
 * that mail_row_write() makes and mail_row_read() checks.
 */
#ifndef MAIL_ROW_H
#define MAIL_ROW_H

#include "mail/report.h"

struct mail_row {
	struct sv		 node, queue_id;
	int64_t			 at;		/* of the verdict: Unix time */
	struct report_row	 row;		/* count is 1 */
	struct report_policy	 policy;	/* domain empty: none was found */
	const struct sv		*rua;		/* as published */
	size_t			 n_rua;
	enum mail_result	 dmarc, arc;
};

#endif
