/*
 * app/mail_sign_file: a file with a key that signs mail. PEM, not encrypted, of RSA (2048 bits or
 * more) or Ed25519, and nobody but its owner may read it.
 */
#ifndef APP_MAIL_SIGN_FILE_H
#define APP_MAIL_SIGN_FILE_H

#include "crypto/dnskey.h"
#include "mail/dkim.h"

/* RFC 8301 section 3.2: "Signers SHOULD use RSA keys of at least 2048 bits" */
#define MAIL_SIGN_RSA_BITS_MIN	2048

/*
 * 0; or negative, and *ret_why says what is wrong with the file and what to do: a msgid, one that
 * follows its name and a colon.
 */
int	 mail_sign_file_read(const char *path, struct crypto_priv **ret, const char **ret_why) MUST_USE;

#endif
