/* The key of redaction: see app/mail_redact.h. */
#include <errno.h>

#include "app/mail_redact.h"
#include "base/hash.h"
#include "mail/mail.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/proc.h"

#define MADE_OCTETS	32		/* of randomness: as many as HMAC-SHA-256 has */

static int
key_make(const char *path)
{
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	char text[2 * MADE_OCTETS + 2];
	uint8_t key[MADE_OCTETS];
	int rc;

	if ((rc = random_fill(key, sizeof(key))) < 0)
		return rc;
	(void)hex_encode(text, key, sizeof(key));
	text[2 * MADE_OCTETS] = '\n';
	if ((rc = atomicfile_open_secret(&f, path)) < 0 ||
	    (rc = fd_write_all(&f.fd, text, 2 * MADE_OCTETS + 1)) < 0)
		return rc;
	return atomicfile_commit(&f);
}

int
mail_redact_key(const char *path, bool may_make, struct pool *pool, struct sv *ret)
{
	struct sv key;
	int rc = file_read(pool, FILE_CWD, path, MAIL_REDACT_KEY_MAX, &key);

	if (rc == -ENOENT && may_make && (rc = key_make(path)) == 0)
		rc = file_read(pool, FILE_CWD, path, MAIL_REDACT_KEY_MAX, &key);
	if (rc < 0)
		return rc;
	if (file_is_open_to_others(path))
		return -EPERM;
	key = sv_trim(key);
	if (key.n < REPORT_KEY_MIN)
		return -EINVAL;
	*ret = key;
	return 0;
}
