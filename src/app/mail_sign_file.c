/* A key from its file, or why there is none. */
#include <errno.h>
#include <string.h>

#include "app/mail_sign_file.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/tr.h"
#include "sys/file.h"

#define FILE_MAX	((size_t)8 * 1024)	/* RSA of 4096 bits: 3.3 KiB */
#define POOL_MAX	((size_t)32 * 1024)

static const uint8_t algs[] = { 8, 15 };	/* RSA/SHA-256, Ed25519 (crypto/dnskey.h) */

static bool
text_has(struct sv text, struct sv what)
{
	for (size_t i = 0; i + what.n <= text.n; i++)
		if (memcmp(text.p + i, what.p, what.n) == 0)
			return true;
	return false;
}

static const char *
why_not(struct sv pem)
{
	if (text_has(pem, SV("ENCRYPTED")))
		return N_("it is encrypted; write it without a pass phrase: openssl pkey -in OLD -out NEW");
	if (text_has(pem, SV("BEGIN PUBLIC KEY")) || text_has(pem, SV("BEGIN RSA PUBLIC KEY")))
		return N_("it is the public key; give the file with the private one");
	return N_("no private key of RSA or Ed25519 in PEM; sekisho mail key new DOMAIN makes one");
}

static int
key_parse(struct sv pem, struct crypto_priv **ret, const char **ret_why)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *k = NULL;
	int rc = -EINVAL;

	for (size_t i = 0; i < ARRAY_LEN(algs) && rc == -EINVAL; i++)
		rc = crypto_priv_parse(algs[i], pem, &k);
	if (rc < 0) {
		*ret_why = rc == -EINVAL ? why_not(pem) : err_str(rc);
		return rc;
	}
	if (crypto_priv_alg(k) == algs[0] && 8 * crypto_priv_sig_len(k) < MAIL_SIGN_RSA_BITS_MIN) {
		*ret_why = N_("RSA of less than 2048 bits is not used any more (RFC 8301 section 3.2); "
		    "sekisho mail key new DOMAIN makes another key");
		return SE_LIMIT;
	}
	*ret = TAKE_PTR(k);
	return 0;
}

int
mail_sign_file_read(const char *path, struct crypto_priv **ret, const char **ret_why)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	struct sv pem;
	int rc = pool == NULL ? -ENOMEM : file_read(pool, FILE_CWD, path, FILE_MAX, &pem);

	if (rc < 0) {
		*ret_why = err_str(rc);
		return rc;
	}
	if (file_is_open_to_others(path)) {
		*ret_why = N_("others may read this key; chmod 600, and make a new one if they may have");
		rc = SE_USAGE;
	} else
		rc = key_parse(pem, ret, ret_why);
	explicit_bzero((void *)(uintptr_t)pem.p, pem.n);
	return rc;
}
