/*
 * app/mail_cache: answers of the DNS that many messages ask for, kept for as
 * long as they say, and shared by threads.
 *
 * A gate's neighbours send mail again and again: the same SPF record, the same
 * key, the same policy within a minute. A resolver on this machine knows them
 * too, but each question to it costs a round trip and some system calls.
 *
 * What is kept goes away by its TTL, between a minimum (records with zero
 * would be asked for in each message of a burst) and a maximum (a mistake that
 * was mended counts again soon). What was not answered is kept for seconds
 * only: asking a silent server in each of a thousand messages helps nobody.
 *
 * Who finds an answer gets a copy in his own pool, so it stays as it is for
 * his evaluation, whatever happens here (mail/mail.h: "the same answers give
 * the same result").
 *
 * WORKLOAD. Some 20 questions a message, nine of ten known; answers of some
 * 200 octets. Sets of eight places each, so that a place is found by looking
 * at eight; the one that was not asked for longest goes. Bytes are bounded
 * besides: a hand goes round and empties sets. Names in questions are chosen
 * by strangers, so the hash has a key (base/hash.h).
 */
#ifndef APP_MAIL_CACHE_H
#define APP_MAIL_CACHE_H

#include "mail/mail.h"

#define MAIL_CACHE_ENTRIES	65536		/* a busy host's hour: senders and their keys */
#define MAIL_CACHE_BYTES_MAX	((size_t)64 << 20)
#define MAIL_CACHE_ANSWER_MAX	((size_t)64 << 10)	/* larger ones are rare, and asked for again */
#define MAIL_CACHE_TTL_MIN	5
#define MAIL_CACHE_TTL_MAX	3600
#define MAIL_CACHE_TTL_NONE	60		/* NODATA, NXDOMAIN: a record that is made counts soon */
#define MAIL_CACHE_TTL_FAILED	10		/* RFC 9520 section 3.2: 1 s at least, 5 min at most */

struct mail_cache;
struct mail_cache_counts {
	uint64_t	found, missed, dropped;	/* dropped: before their time, for room */
	size_t		n, bytes;
};

/* entries: rounded up to sets. -ENOMEM. */
int	 mail_cache_new(size_t entries, size_t bytes, struct mail_cache **ret) MUST_USE;
struct mail_cache *mail_cache_free(struct mail_cache *);
DEFINE_CLEANUP(struct mail_cache, mail_cache_free)

/*
 * All below by any thread; now: seconds of a clock that only goes forward. 1: found, copied
 * into the pool; 0: not there; -ENOMEM. *ret_why: of MAIL_DNS_FAILED, a msgid, or NULL.
 */
int	 mail_cache_find(struct mail_cache *, const struct mail_question *, int64_t now,
	    struct pool *, struct mail_answer *ret, const char **ret_why) MUST_USE;
/* What finds no room, or no memory, is not kept. why: as above; it stays where it is. */
void	 mail_cache_add(struct mail_cache *, const struct mail_question *, int64_t now,
	    const struct mail_answer *, const char *why);
struct mail_cache_counts mail_cache_count(struct mail_cache *);

#endif
