/*
 * app/mail_failure: what a milter hands on of a message of which its domain's
 * owner wants to hear at once (RFC 9991): a failure report without its frame.
 *
 * The gate writes it while it has the message: redacted, without a body, without
 * a subject unless that is asked for (mail/report.h). Role report reads it,
 * finds out who may get it, and sends it (app/mail_failures.h). On its way it is
 * octets in a journal (app/mail_journal.h), as a row is, in a folder of its own.
 *
 * Its identity is that of the row: node, queue id and time. alike is a digest of
 * what makes two failures one path: the policy domain, the network of the client
 * (a /24 or /48: those who send in great numbers have many addresses), what
 * failed, and by which keys.
 *
 * Not reported: what has the null sender or says that a program wrote it (no
 * report about a report), what comes in the name of a public suffix ("Report
 * generators MUST NOT consider "ruf" tags in DMARC Policy Records having a
 * "psd=y" tag"), what is put off, and what hangs on a DNS that did not answer.
 *
 * Octets are a version, the fields in their order, each behind its length.
 */
#ifndef APP_MAIL_FAILURE_H
#define APP_MAIL_FAILURE_H

#include "base/rd.h"
#include "mail/report.h"

#define MAIL_FAILURE_ALIKE_LEN	16
#define MAIL_FAILURE_OCTETS_MAX	(32 * 1024)	/* MAIL_JOURNAL_ROW_MAX; REPORT_FAILURE_MAX, and addresses */

struct mail_failure {
	struct sv	node, queue_id;
	int64_t		at;
	struct sv	domain;			/* at which the record stands; A-labels */
	struct sv	alike;			/* MAIL_FAILURE_ALIKE_LEN octets */
	struct sv	to[DMARC_URIS_MAX];	/* ruf=, as "local@domain" */
	size_t		n_to;
	struct sv	feedback, head;		/* of report_failure_write() */
};

/* -EINVAL: it cannot be known, nobody wants it, or it is too long. */
int	 mail_failure_write(struct wr *, const struct mail_failure *) MUST_USE;
/* Texts point into the octets. -EBADMSG: they are none. */
int	 mail_failure_parse(struct sv, struct mail_failure *ret) MUST_USE;

#endif
