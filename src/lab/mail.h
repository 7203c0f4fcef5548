/*
 * lab/mail: a world of mail, made from a short text: domains with keys and
 * policies, and the ways by which mail really comes.
 *
 * What enters is a description (sekisho-lab-mail(5)), or the one that is built
 * in (etc/lab/mail.lab): domains with their records and keys; and flows, each
 * one kind of message with a label: who wrote it, who signed it, what was done
 * to it on its way (a list's footer, a forwarder's envelope, a seal of ARC),
 * from which address it comes, and what has to be said of it. What leaves is
 * the DNS of this world as one zone file, the messages, their keys, and a list of what
 * is expected.
 *
 * What is expected is written by people into the description, and never
 * computed by what it is there to test. That a spoof's DMARC is "fail" is true
 * because of how the message was made.
 *
 *	text	lab_mail_parse(): domains and flows, no bytes yet
 *	keys	lab_mail_build(): RSA of 2048 bits and Ed25519, from the seed
 *	flows	lab_mail_message(): the bytes of one, by its steps from the bottom
 *		up, as a message grows on its way; signed with mail/dkim.h, sealed
 *		with mail/arc.h. From several threads at a time.
 *
 * The same text, time and seed give the same bytes. A flow has any number of
 * variants: other Message-IDs and times, signed anew, so that who is tried
 * with many messages has nothing to remember.
 *
 * Keys come from numbers that everybody can compute: they are the lab's, and
 * no secret. Domains are below .example, addresses those of documentation
 * (RFC 2606, 5737, 3849), so no message of this world can be taken for a real one.
 *
 * lab_mail_write() writes all of it into a folder, with what a lab of real
 * programs needs beside it: Postfix (lab/mail_conf.c), a resolver that has this world's
 * DNS, and the configuration of sekisho.
 */
#ifndef LAB_MAIL_H
#define LAB_MAIL_H

#include "base/ip.h"
#include "lab/lab.h"

struct lab_mail;

/* text must outlive it; .n is 0: the one that is built in. -EINVAL with *err filled; -ENOMEM. */
int	 lab_mail_parse(struct sv text, const struct lab_opts *, struct lab_error *err,
	    struct lab_mail **ret) MUST_USE;
struct sv lab_mail_builtin(void);
/* All keys. */
int	 lab_mail_build(struct lab_mail *) MUST_USE;
struct lab_mail *lab_mail_free(struct lab_mail *);
DEFINE_CLEANUP(struct lab_mail, lab_mail_free)
int64_t	 lab_mail_now(const struct lab_mail *);

/* What has to be said of a flow's messages; words as RFC 8601 and mail/story.h have them. */
struct lab_mail_expect {
	struct sv	spf, arc, dmarc, disposition, story;
	struct sv	dkim;		/* of each signature from the top: "pass,fail"; or "-" */
	struct sv	policy;		/* the domain whose policy was found, or "-" */
	struct sv	aligned;	/* "dkim,spf", or "-" */
	bool		refused;	/* by who does what policies ask for */
};

#define LAB_MAIL_TO_MAX	4		/* recipients of a flow */
struct lab_mail_flow {
	struct sv		 label;
	struct ip_prefix	 client;	/* a host */
	struct sv		 helo, sender;	/* sender empty: the null sender */
	struct sv		 to[LAB_MAIL_TO_MAX];
	size_t			 n_to;
	uint32_t		 weight;	/* how often, beside the others */
	struct lab_mail_expect	 expect;
};
size_t	 lab_mail_n_flows(const struct lab_mail *);
const struct lab_mail_flow *lab_mail_flow(const struct lab_mail *, size_t i);
/* After lab_mail_build(): a variant of it, with CRLF. Variant 0 is the one that is written. */
int	 lab_mail_message(const struct lab_mail *, size_t flow, uint32_t variant,
    struct buf *) MUST_USE;

/* The whole DNS as one zone file. */
void	 lab_mail_zone(const struct lab_mail *, struct buf *);
/* All flows, as flows.json has them. */
void	 lab_mail_json(const struct lab_mail *, struct json *);
/* What an aggregate report of one message of each flow has to say (RFC 9990). */
void	 lab_mail_report_json(const struct lab_mail *, struct json *);
/*
 * world.lab (the description, with its seed), world.zone, keys, flows, flows.json,
 * expected-report.json, and the lab's configurations.
 */
struct lab_mail_folder {
	const char	*dir;		/* absolute */
	unsigned	 jobs;
	uint32_t	 first_port;	/* of LAB_MAIL_PORTS on loopback */
};
#define LAB_MAIL_PORTS	5
int	 lab_mail_write(const struct lab_mail *, const struct lab_mail_folder *) MUST_USE;

#endif
