/*
 * app/mail_failure_box: failure reports between the threads of a milter, which
 * put them in and go on, and the loop, which takes them out and writes them
 * into the journal. So no verdict waits for a report's fdatasync; what lies in
 * the box when the process is killed, a second's worth, is not reported.
 *
 * A flood in one name is not written down one by one: of a domain there are
 * MAIL_FAILURE_BOX_HOUR in an hour (the tables join like ones, and have their
 * own limits), and the box holds MAIL_FAILURE_BOX_MAX. What is beyond is
 * dropped, and counted by the caller.
 */
#ifndef APP_MAIL_FAILURE_BOX_H
#define APP_MAIL_FAILURE_BOX_H

#include "app/mail_failure.h"

#define MAIL_FAILURE_BOX_MAX	64		/* that wait for the loop: a second of them, 2 MB at most */
#define MAIL_FAILURE_BOX_HOUR	60		/* of one domain, by a digest: some share their number */
#define MAIL_FAILURE_BOX_SLOTS	1024

struct mail_failure_box;
int	 mail_failure_box_new(struct mail_failure_box **ret) MUST_USE;
struct mail_failure_box *mail_failure_box_free(struct mail_failure_box *);
DEFINE_CLEANUP(struct mail_failure_box, mail_failure_box_free)
/* By any thread. false: there are too many, or no memory. */
bool	 mail_failure_box_put(struct mail_failure_box *, const struct mail_failure *, int64_t now);
/* By one thread: all that is there, in its order; until fn says something else than 0. */
typedef int (*mail_failure_box_fn)(void *arg, struct sv octets);
int	 mail_failure_box_take(struct mail_failure_box *, mail_failure_box_fn, void *arg) MUST_USE;

#endif
