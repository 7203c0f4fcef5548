/*
 * The answers of the DNS that judgements of mail ask for (mail/mail.h): each
 * question is asked once, and kept for as long as this lives: that of one
 * command. They come from zone files, or from recursive resolvers.
 *
 * Zone files are what somebody says that the whole DNS is: of names that
 * stand nowhere there is none. All files together are one tree; wildcards
 * and empty names between others count as they do in one zone (RFC 4592), and
 * aliases are followed. So a case of a help desk, or of a test, is one file.
 *
 * Resolvers: those of resolv.conf(5), or the one that is given, asked for all
 * that is missing at the same time (app/dns_stub.h). That an answer was
 * validated is believed of a resolver on this machine only: else anybody on
 * the path may have said so (RFC 6840 section 5.8, RFC 4035 section 4.9.3).
 */
#ifndef APP_MAIL_DNS_H
#define APP_MAIL_DNS_H

#include "app/dns_stub.h"
#include "mail/mail.h"

#define MAIL_DNS_FILES_MAX	16	/* --dns */
#define MAIL_DNS_FILE_TTL	3600	/* of records in files without one */
#define MAIL_DNS_ALIASES_MAX	11	/* CNAMEs in a row; resolvers follow 8 to 16 */
#define MAIL_DNS_SEC		30	/* for all questions; RFC 7208 section 4.6.4: 20 at least */
#define MAIL_DNS_POOL_MAX	((size_t)32 << 20) /* 300 answers of 64 KiB; a message has some 20 of 1 */

/* A question that was asked, in the order of asking. */
struct mail_dns_row {
	struct mail_question	 q;
	struct mail_answer	 answer;
	const char		*why;		/* MAIL_DNS_FAILED: a msgid; else NULL */
	uint8_t			 key[DNS_NAME_MAX + 2];
	struct mail_dns_row	*next;
};

struct mail_dns;
struct mail_dns	*mail_dns_free(struct mail_dns *);
DEFINE_CLEANUP(struct mail_dns, mail_dns_free)
/*
 * From zone files. What is wrong in them are findings, and *ret is NULL if one is a REJECT.
 * Negative: *ret_bad of them cannot be read, or no memory.
 */
int	 mail_dns_files(const char *const *paths, size_t n, struct findings *, size_t *ret_bad,
	    struct mail_dns **ret) MUST_USE;
/* Whom to ask. */
struct mail_dns_resolvers {
	struct dnsask_to	to[DNS_STUB_RESOLVERS_MAX];
	unsigned		n;
	bool			here;		/* all on this machine: what they validated is believed */
};
/* A resolver ("192.0.2.1:53"), or those of /etc/resolv.conf. -EINVAL: not an address. */
int	 mail_dns_resolvers_read(struct sv resolver, struct mail_dns_resolvers *ret) MUST_USE;
/* Of them, sec seconds for all questions together. Opens nothing before the first one. */
int	 mail_dns_live_of(const struct mail_dns_resolvers *, uint32_t sec, struct mail_dns **ret) MUST_USE;
/* The same in one go, for who judges one message. */
int	 mail_dns_live(struct sv resolver, uint32_t sec, struct mail_dns **ret) MUST_USE;
/*
 * What it learns is shared by this cache from now on, which lives longer; what is in there is
 * found as if it had been asked for already.
 */
struct mail_cache;
void	 mail_dns_share(struct mail_dns *, struct mail_cache *);

/* How an evaluation asks; nothing is missing. */
struct mail_ask mail_dns_ask(struct mail_dns *);
/*
 * After MAIL_WAIT: all that is missing is asked for, and waited for. What is not answered is
 * an answer, too (MAIL_DNS_FAILED). Negative: no memory, no sockets.
 */
int	 mail_dns_fill(struct mail_dns *, struct mail_ask *) MUST_USE;
const struct mail_dns_row *mail_dns_rows(const struct mail_dns *);

#endif
