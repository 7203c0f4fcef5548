/*
 * app/mail_marks: marks (BIMI) that are known, shared by threads, and those
 * that somebody looked for.
 *
 * A message does not wait for a mark: it takes what is known. What is not is
 * noted, and whoever owns this asks for it in the background (role mark, which
 * fetches): the next message of that domain finds it. One that will end within
 * MAIL_MARKS_AHEAD_SEC is found and asked for as well.
 *
 * WORKLOAD. Written once an hour and domain, read with each message that DMARC
 * lets pass: readers share a lock, and copy what they found (some 5 kB). Places
 * are MAIL_MARKS_MAX, of MAIL_MARK_MAX octets at most, so memory has a bound;
 * the one that was not looked for longest goes. What is wanted has a bound, too,
 * and is wanted once within MAIL_MARKS_ASK_SEC, however many messages come.
 */
#ifndef APP_MAIL_MARKS_H
#define APP_MAIL_MARKS_H

#include "app/mail_mark.h"

#define MAIL_MARKS_MAX		1024	/* domains with a mark that a busy host sees in an hour */
#define MAIL_MARKS_WANTED_MAX	64	/* between two looks of a second; what is beyond comes again */
#define MAIL_MARKS_ASK_SEC	60
#define MAIL_MARKS_AHEAD_SEC	3600

struct mail_marks;
struct mail_marks_counts {
	uint64_t	found, missed, asked;
	size_t		n;
};

/* NULL: no memory. */
struct mail_marks *mail_marks_new(void);
struct mail_marks *mail_marks_free(struct mail_marks *);
DEFINE_CLEANUP(struct mail_marks, mail_marks_free)

/*
 * By any thread. 1: found, copied into the pool; 0: not known, and noted where it could be
 * fetched; -E2BIG: nobody would fetch that; -ENOMEM.
 */
int	 mail_marks_find(struct mail_marks *, const struct mail_mark_key *, int64_t now,
	    struct pool *, struct mail_mark *ret) MUST_USE;
/* Octets of mail_mark_write(). SE_SYNTAX, -ENOMEM. */
int	 mail_marks_add(struct mail_marks *, struct sv octets, int64_t now) MUST_USE;
/* 1: *ret is the key (octets) of one that is wanted; 0: there are no more; -ENOMEM. */
int	 mail_marks_next(struct mail_marks *, struct pool *, struct sv *ret) MUST_USE;
struct mail_marks_counts mail_marks_count(struct mail_marks *);

#endif
