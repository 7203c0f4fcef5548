/* Every limit on mail input, with its reason. "Today" is November 2026. */
#ifndef MAIL_LIMITS_H
#define MAIL_LIMITS_H

/* Questions that may be under way for one message at a time: 10 MX hosts with A and AAAA. */
#define MAIL_MISSING_MAX	32

/* --- message.h --- */
#define MAIL_POOL_MAX		(4 * 1024 * 1024) /* bytes of one message's values: its header twice, and results */
#define MAIL_SPARE		(512 * 1024)	/* bytes beyond that, to say what was found */
#define MAIL_HEADER_MAX		(1024 * 1024)	/* octets of all fields; Postfix takes 100 KB (header_size_limit) */
#define MAIL_FIELDS_MAX		2000		/* fields; a message through ten lists has some 150 */
#define MAIL_FIELD_MAX		(100 * 1024)	/* octets of one; Authentication-Results have some KB */
#define MAIL_NAME_FIELD_MAX	256		/* octets of a field's name; the longest in use have 40 */
#define MAIL_ADDRESSES_MAX	64		/* in one From: people use one */

/* --- mime.h --- */
#define MIME_DEPTH_MAX		8		/* multiparts within each other; people's mail has 3 */
#define MIME_PARTS_MAX		200		/* parts; a digest of a list has some 50 */
#define MIME_BOUNDARY_MAX	200		/* octets; RFC 2046 section 5.1.1 has 70 */

/* --- bimi.h --- */
#define BIMI_URI_MAX		1000		/* octets; as long as a line of a field may be */
#define BIMI_SELECTOR_MAX	63		/* octets: a label, though dots are allowed */
#define BIMI_PEM_MAX		(256 * 1024)	/* octets: four certificates, one with an image in base64, twice */
#define BIMI_CERTS_MAX		8		/* of one chain; there are three or four */
#define BIMI_ROOTS_MAX		64		/* that vouch for marks; today there are some five */

/* --- feedback.h --- */
#define FEEDBACK_REPORT_MAX	(64 * 1024)	/* octets of message/feedback-report; real ones have 1 KB */
#define FEEDBACK_ORIGINAL_MAX	(256 * 1024)	/* octets of the message complained of: its head is all that is read */
#define FEEDBACK_VALUE_MAX	1000		/* octets of a field: one line of RFC 5322 section 2.1.1 */
#define FEEDBACK_CFBL_MAX	8		/* addresses of one message: its sender's, and who sends for him */
#define FEEDBACK_LIST_MAX	16		/* fields of one name; a complaint has one message */

/* --- tags.h --- */
#define MAIL_TAGS_MAX		64		/* tags of one list: DKIM has 14 */

/* --- dkim.h --- */
#define DKIM_SIGS_MAX		10		/* signatures looked at, from the top; most messages have 1 to 3 */
#define DKIM_NAMES_MAX		256		/* names in h=; with oversigning some 60 are in use */
#define DKIM_BASE64_MAX		2048		/* octets of b= and bh= as written: RSA-4096 needs 684, and folds */
#define DKIM_RECORD_MAX		4096		/* octets of a key record: RSA-4096 needs some 750 */
#define DKIM_RECORDS_MAX	16		/* TXT records looked at under a key's name: there should be one */
#define DKIM_KEYS_MAX		4		/* keys tried for a signature: one, or two while they are replaced */
#define DKIM_PUBS_MAX		1024		/* keys made ready and kept, of 2 KB each: few sign most mail */
#define DKIM_RSA_BITS_MIN	1024		/* RFC 8301 section 3.2 */
#define DKIM_RSA_BITS_MAX	4096		/* the same: must be possible; above, it costs too much */
#define DKIM_IDENTITY_MAX	320		/* octets of the i= that we write (RFC 5321 section 4.5.3.1) */
#define DKIM_QUOTE_MAX		64		/* octets of a bad value that a finding shows */
#define DKIM_SKEW_SEC		300		/* clocks differ: t= may be that far ahead */

/* --- dmarc.h --- */
#define DMARC_QUERIES_MAX	8		/* in one walk: RFC 9989 section 4.10 */
#define DMARC_WALKS_MAX		16		/* identifiers of the author's organization that passed */
#define DMARC_AUTHORS_MAX	4		/* domains in From: people use one; each may cost a walk */
#define DMARC_ODD_MAX		8		/* parts of a record that are told of: who mends one looks again */
#define DMARC_URIS_MAX		10		/* addresses in rua or ruf; RFC 7489 section 6.3 wanted two */

/* --- spf.h --- */
#define SPF_LOOKUPS_MAX		10		/* terms that ask the DNS: RFC 7208 section 4.6.4 */
#define SPF_LOOKUPS_NEAR	8		/* worth a note: the next service brings two or three */
#define SPF_VOID_MAX		2		/* terms that find nothing, there */
#define SPF_NAMES_MAX		10		/* hosts of one "mx", names of one "ptr", there */
#define SPF_RECORD_MAX		(16 * 1024)	/* octets; an answer has 64 KB, the longest records seen have 4 KB */
#define SPF_RECORD_ADVISED	450		/* octets: section 3.4 */
#define SPF_TERMS_MAX		500		/* of one record; lists of networks have some 100 */
#define SPF_ERRORS_MAX		20		/* told of one record; more tell nothing new */
#define SPF_SPEC_MAX		512		/* octets of a domain with macros; a name has 253 */
#define SPF_VALUE_MAX		320		/* octets of a macro's value: a local part has 64, a domain 255 */
#define SPF_EXPLANATION_MAX	1000		/* octets: two lines of an SMTP reply */

/* --- report.h --- */
#define REPORT_DKIM_MAX		100		/* signatures of one row: RFC 9990 section 3.1.3 */
#define REPORT_ID_MAX		64		/* letters of an identifier: a UUID has 32; it bounds parts, too */
#define REPORT_KEY_MIN		16		/* octets: a key that can be guessed redacts nothing */
#define REPORT_FIELDS_MAX	200		/* of a head, from the top, for a failure report */
#define REPORT_FAILURE_MAX	(24 * 1024)	/* octets of one: a journal's row has 32 KB (app/mail_journal.h) */
#define REPORT_FAILURE_HEAD_MAX	(10 * 1024)	/* of them, of fields as they are; names of others, 34 each, stay */
#define REPORT_RESULTS_MAX	3072		/* octets of results: ten signatures have 1.5 KB */
#define MAIL_LINE_SENT_MAX	998		/* octets of a line of a mail of ours: RFC 5322 section 2.1.1 */
#define REPORT_RECORD_MAX	1024		/* octets of an SPF record in one; escaped they are twice as many */

/* --- row.h --- */
#define MAIL_ROW_NODE_MAX	255		/* octets of a node's name: a host's */
#define MAIL_ROW_QUEUE_MAX	128		/* octets of a queue id; the long ones in use have 14 to 20 */
#define MAIL_ROW_DOMAIN_MAX	255		/* octets of a domain as text; HELO may be anything, and is cut */
#define MAIL_ROW_TEXT_MAX	400		/* octets of a comment: as MAIL_POLICY_COMMENT_MAX */
#define MAIL_ROW_URI_MAX	512		/* octets of an address in rua=: percent signs make three of one */
#define MAIL_ROW_REASONS_MAX	8		/* overrides of one message; there are five kinds */
#define MAIL_ROW_MAX		(24 * 1024)	/* octets of a row: all of the above at their most make 20 KB */

/* --- policy.h --- */
#define MAIL_POLICY_TEXT_MAX	400		/* octets: a reply has 512 with its codes (RFC 5321) */
#define MAIL_POLICY_HELP_MAX	120		/* of them, for where to look: a link or an address */
#define MAIL_POLICY_SHOWN_MAX	64		/* of a domain in them; its end is shown */
#define MAIL_POLICY_COMMENT_MAX	400		/* octets of a report's comment: six sets of ARC */

/* --- authres.h --- */
#define AUTHRES_RESULTS_MAX	128		/* statements of one field; one a signature, and people have three */
#define AUTHRES_PROPERTIES_MAX	32		/* of one statement; the longest in use have six */
#define AUTHRES_VALUE_MAX	400		/* octets; an address has 320, and twice that fits into a line */
#define AUTHRES_WORD_MAX	64		/* octets of a method, a property's name */
#define AUTHRES_LINE_MAX	78		/* columns of a line that we write: RFC 5322 section 2.1.1 */

/* --- arc.h --- */
#define ARC_SETS_MAX		50		/* RFC 8617 section 4.2.1 */

/* --- diff.h --- */
#define MAIL_DIFF_PARTS_MAX	100		/* leaves of MIME in each, each beside each; 30 attachments are rare */
#define MAIL_DIFF_DECODED_MAX	((size_t)192 << 20) /* octets of all parts as they read: two messages of 30 MB */
#define MAIL_DIFF_QUOTE_MAX	120		/* octets of a text that a finding shows */
#define MAIL_DIFF_TOLD_MAX	20		/* fields, and parts, with a finding each; the list has all */
#define MAIL_DIFF_EVIDENCE_MAX	64		/* rows of diff_program.def */

#endif
