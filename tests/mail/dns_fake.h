/*
 * A DNS out of rows, for tests of src/mail: names, types, data in; struct
 * mail_answer out, CNAMEs followed, as a resolver would give them.
 *
 *	_cleanup_(dns_fake_freep) struct dns_fake *d = dns_fake_new();
 *	dns_fake_add(d, "example.com", "TXT", "\"v=spf1 mx -all\"");
 *	struct mail_ask ask = { .find = dns_fake_find, .arg = d };
 *
 * A slow one (is_slow) knows an answer only after dns_fake_learn() was given
 * the question, so that evaluations meet MAIL_WAIT:
 *
 *	while ((rc = spf_check(&in, &ask, pool, fs, &out)) == MAIL_WAIT)
 *		dns_fake_learn(d, &ask);	and reset the pool
 *
 * What is said of a name that is not there: NXDOMAIN, or NODATA where names
 * stand below it. A name that was made to fail answers with MAIL_DNS_FAILED to
 * all types of which it has no data.
 */
#ifndef TESTS_MAIL_DNS_FAKE_H
#define TESTS_MAIL_DNS_FAKE_H

#include "mail/mail.h"

struct dns_fake;

struct dns_fake *dns_fake_new(void);
struct dns_fake *dns_fake_free(struct dns_fake *);
DEFINE_CLEANUP(struct dns_fake, dns_fake_free)

/*
 * Data in presentation form (quoted strings for TXT). The name as mail_name() reads it.
 * 0; -EINVAL; -ENOMEM.
 */
int	 dns_fake_add(struct dns_fake *, const char *name, const char *type, const char *text);
/* Data in wire form. */
int	 dns_fake_add_wire(struct dns_fake *, struct sv name, uint16_t type, struct sv rdata);
/* TXT of any octets: cut into strings of 255. */
int	 dns_fake_add_txt(struct dns_fake *, struct sv name, struct sv text);
int	 dns_fake_fail(struct dns_fake *, struct sv name);
/* All answers from now on are (not) validated with DNSSEC. */
void	 dns_fake_secure(struct dns_fake *, bool is_secure);
void	 dns_fake_slow(struct dns_fake *, bool is_slow);
/* What is missing is known from now on; forgotten in ask. */
void	 dns_fake_learn(struct dns_fake *, struct mail_ask *);
/* Forget what was learned: the next evaluation begins with nothing known. */
void	 dns_fake_forget(struct dns_fake *);
/* Questions learned since the beginning, and the n-th of them. */
size_t	 dns_fake_learned(const struct dns_fake *);
const struct mail_question *dns_fake_question(const struct dns_fake *, size_t n);
bool	 dns_fake_has(const struct dns_fake *, struct sv name, uint16_t type);

/* For struct mail_ask. */
const struct mail_answer *dns_fake_find(void *dns_fake, const struct mail_question *);

#endif
