/*
 * app/mail_redact: the key by which people become words in what others get to
 * see of mail (RFC 6590). The same key makes the same word of a person in all
 * reports, so it is made once and kept; who has it can try names, so only its
 * owner may read it.
 */
#ifndef APP_MAIL_REDACT_H
#define APP_MAIL_REDACT_H

#include "base/pool.h"
#include "base/sv.h"
#include "base/util.h"

#define MAIL_REDACT_KEY_MAX	256		/* octets; one that we make has 64 letters */
#define MAIL_REDACT_FILE	"mail-redact.key"	/* in the state directory */

/*
 * The key of that file, in the pool. Where there is no such file and may_make is set, one is made
 * (0600). -ENOENT; -EINVAL: shorter than REPORT_KEY_MIN; -EPERM: others may read it.
 */
int	 mail_redact_key(const char *path, bool may_make, struct pool *, struct sv *ret) MUST_USE;

#endif
