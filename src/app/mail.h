/*
 * app/mail: a mail of ours to the operator, as bytes for the sendmail program.
 *
 * In: addresses of the configuration, a subject and a body that may quote
 * strangers' URIs. Out: RFC 5322 lines that end in LF, as sendmail(8) reads
 * them; Auto-Submitted (RFC 3834), so that no auto-responder answers; Date,
 * and a Message-ID that stays the same when the same mail is tried again.
 *
 * What makes a header ours alone: addresses are refused unless they are
 * dot-atoms (RFC 5321 section 4.1.2), without quotes and comments, and cannot
 * begin with '-'. A subject that is not plain ASCII becomes encoded words
 * (RFC 2047), each with whole characters; control characters become '?'. The
 * body is UTF-8, quoted-printable (RFC 2045), so it has no line that ends a
 * header, no lone dot, and no long line.
 *
 * Pure: the time is an argument.
 */
#ifndef APP_MAIL_H
#define APP_MAIL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"
#include "base/util.h"

#define MAIL_ADDRESS_MAX	254	/* RFC 5321 section 4.5.3.1.3, without <> */
#define MAIL_TO_MAX		32
#define MAIL_SUBJECT_MAX	400	/* bytes; what is longer is cut */
/* Quoted-printable makes three of a byte at most; all of it is one packet of sys/box.h. */
#define MAIL_BODY_MAX		12000
#define MAIL_MAX		(46 * 1024)

struct mail {
	struct sv	from;
	const struct sv	*to;
	size_t		n_to;
	struct sv	id;		/* left of the @; letters, digits, ".-" */
	struct sv	subject, body;	/* UTF-8 */
	int64_t		at;
};

/* One address, as it goes to argv and headers. -EINVAL: it is none. */
int	 mail_address_check(struct sv) MUST_USE;
/* -EINVAL for an address or id that is none, -E2BIG for what is too long. */
int	 mail_write(const struct mail *, struct buf *) MUST_USE;

#endif
