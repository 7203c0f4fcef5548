/* Every limit on mail input, with its reason. "Today" is November 2026. */
#ifndef MAIL_LIMITS_H
#define MAIL_LIMITS_H

/* Questions that may be under way for one message at a time: 10 MX hosts with A and AAAA. */
#define MAIL_MISSING_MAX	32

/* --- message.h --- */
#define MAIL_POOL_MAX		(4 * 1024 * 1024) /* bytes of one message's values: its header twice, and results */
#define MAIL_HEADER_MAX		(1024 * 1024)	/* octets of all fields; Postfix takes 100 KB (header_size_limit) */
#define MAIL_FIELDS_MAX		2000		/* fields; a message through ten lists has some 150 */
#define MAIL_FIELD_MAX		(100 * 1024)	/* octets of one; Authentication-Results of a long chain are below 10 KB */
#define MAIL_NAME_FIELD_MAX	256		/* octets of a field's name; the longest in use have 40 */
#define MAIL_ADDRESSES_MAX	64		/* in one From: people use one */

/* --- tags.h --- */
#define MAIL_TAGS_MAX		64		/* tags of one list: DKIM has 14 */

/* --- authres.h --- */
#define AUTHRES_RESULTS_MAX	128		/* statements of one field; one a signature, and people have three */
#define AUTHRES_PROPERTIES_MAX	32		/* of one statement; the longest in use have six */
#define AUTHRES_VALUE_MAX	400		/* octets; an address has 320, and escaped twice that fits into a line */
#define AUTHRES_WORD_MAX	64		/* octets of a method, a property's name */
#define AUTHRES_LINE_MAX	78		/* columns of a line that we write: RFC 5322 section 2.1.1 */

/* --- dmarc.h --- */
#define DMARC_QUERIES_MAX	8		/* in one walk: RFC 9989 section 4.10 */
#define DMARC_WALKS_MAX		16		/* identifiers of the author's organization that passed; mail has two */
#define DMARC_AUTHORS_MAX	4		/* domains in From: people use one; each may cost a walk */
#define DMARC_URIS_MAX		10		/* addresses in rua or ruf; RFC 7489 section 6.3 wanted two */

#endif
