/*
 * mail: who may speak for a domain in a message's envelope and header.
 *
 * What enters is a message (its fields, and its body in pieces as they come),
 * the envelope, the time, and the answers of a resolver; what leaves are the
 * results of RFC 8601 with the evidence behind them, and findings. Nothing
 * here opens a socket or a file, looks at a clock or logs.
 *
 *	mail/mail.h	results, questions and answers of the DNS (this file)
 *	mail/message.h	fields, addresses, canonical forms, digests of the body
 *	mail/tags.h	the tag=value lists of DKIM, ARC and DMARC
 *	mail/spf.h	RFC 7208
 *	mail/dkim.h	RFC 6376, 8301, 8463, 8616: verify and sign
 *	mail/arc.h	RFC 8617: verify and seal
 *	mail/dmarc.h	RFC 9989, and RFC 7489's answer beside it
 *	mail/authres.h	RFC 8601, and Received-SPF
 *	mail/judge.h	a whole message by all of these
 *	mail/story.h	what most likely happened to it
 *	mail/row.h	what is noted of it
 *	mail/mime.h	its parts
 *	mail/feedback.h	RFC 5965: complaints, in and out
 *	mail/bimi.h	the mark of a domain, and its evidence
 *	mail/report.h	RFC 9990 and 9991: reports as they are sent
 *
 * THE DNS. Who evaluates a policy does not know what it will ask next, yet
 * must not wait in the middle: a milter has a thousand messages at a time,
 * and a test has no network. So each evaluation is a plain function that asks
 * with mail_ask() as if every answer were there. Where one is not, the
 * question is noted and the function returns MAIL_WAIT; whoever called it
 * finds the answers to all that is noted, and calls again from the start.
 * Evaluating costs microseconds and a question milliseconds, so what is done
 * twice is nothing; and the same answers give the same result always, which
 * is what `explain` and the tests live on. A function that can see several
 * questions coming asks all of them before it returns, so that they are under
 * way at the same time.
 *
 * What was made before MAIL_WAIT (in the pool, among the findings) is worth
 * nothing: give a pool that was reset, and an empty list, each time. Counts
 * that the standards limit (look-ups, void look-ups) are those of the one
 * evaluation that ended.
 *
 * Names in questions are wire form (dns/dns.h); A-labels, made of U-labels
 * where the standards allow those. Answers have followed CNAMEs.
 *
 * Pools: a message has one, with a cap (limits.h). Whatever is returned lives
 * in it and points into it.
 *
 * What is not here: transport, MIME beyond what reports need, spam scores.
 */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/finding.h"
#include "base/pool.h"
#include "base/sv.h"
#include "base/util.h"
#include "dns/dns.h"
#include "mail/limits.h"

/* --- results: the words of RFC 8601 section 2.7 --- */

enum mail_result {
	MAIL_NONE,
	MAIL_PASS,
	MAIL_FAIL,
	MAIL_SOFTFAIL,		/* SPF only */
	MAIL_POLICY,
	MAIL_NEUTRAL,
	MAIL_TEMPERROR,
	MAIL_PERMERROR,
	MAIL_RESULT_MAX
};
/* "none", "pass" … */
const char *mail_result_name(enum mail_result);
/* Letter case free. -EINVAL. */
int	 mail_result_parse(struct sv, enum mail_result *ret) MUST_USE;

/* --- questions and answers --- */

enum mail_rcode {
	MAIL_DNS_FOUND,
	MAIL_DNS_NODATA,	/* the name is there, the type is not */
	MAIL_DNS_NXDOMAIN,
	MAIL_DNS_FAILED,	/* time-out, SERVFAIL, bogus: "temperror" to all of them */
	MAIL_DNS_MAX
};
/* "found", "no data" …: a msgid */
const char *mail_rcode_name(enum mail_rcode);

struct mail_answer {
	enum mail_rcode	 rcode;
	bool		 secure;	/* validated with DNSSEC */
	uint32_t	 ttl_sec;
	size_t		 n;
	const struct sv	*rdata;		/* of the type that was asked for, well-formed (rdata_ok()) */
};

struct mail_question {
	struct dname	 name;
	uint16_t	 type;		/* enum rrtype */
};

struct mail_ask {
	/* NULL: not known yet. The answer stays as it is until the evaluation has ended. */
	const struct mail_answer *(*find)(void *arg, const struct mail_question *);
	void			*arg;
	size_t			 n_missing;
	struct mail_question	 missing[MAIL_MISSING_MAX];
};

#define MAIL_WAIT	1
/*
 * 0: *ret is the answer. MAIL_WAIT: it is not there yet, and noted (once; when there is no
 * more room it is asked for the next time).
 */
int	 mail_ask(struct mail_ask *, const struct dname *, uint16_t type,
	    const struct mail_answer **ret) MUST_USE;

/*
 * A name as policies write it: labels between dots, a final dot allowed, no escapes, any
 * octet within a label. -EINVAL: an empty or too long label, or too long a name.
 */
int	 mail_name(struct sv text, struct dname *ret) MUST_USE;
/* A name as text, without its final dot; the root is ".". In room, or in the pool (.p is NULL: no memory). */
struct sv mail_name_str(const struct dname *, char room[static DNAME_STRLEN]);
struct sv mail_name_text(struct pool *, const struct dname *);
/* The strings of a TXT record as one. .p is NULL without memory. */
struct sv mail_txt(struct pool *, struct sv rdata);

#endif
