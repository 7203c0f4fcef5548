/* The keys that the house made, on the disk. */
#include <errno.h>
#include <stdio.h>

#include "app/mail_sign_file.h"
#include "app/mail_sign_keys.h"
#include "base/err.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/statedir.h"
#include "sys/tree.h"

#define POOL_MAX	(4 * MAIL_ROLL_TEXT_MAX)
#define RSA_BITS	2048		/* fits a string or two of a TXT record, and one UDP answer */
#define STRING_MAX	255

/* --- the table --- */

static void
table_path(const struct mail_keys *ks, char path[static MAIL_KEYS_PATH_MAX])
{
	(void)snprintf(path, MAIL_KEYS_PATH_MAX, "%s/table", ks->folder);
}

int
mail_keys_open(const char *folder, const struct proc_user *owner, struct mail_keys *ret)
{
	struct mail_keys ks = { .pool = pool_new(POOL_MAX), .folder = folder, .has_owner = owner != NULL };
	char path[MAIL_KEYS_PATH_MAX];
	struct sv text;
	int rc;

	if (ks.pool == NULL)
		return -ENOMEM;
	if (owner != NULL)
		ks.owner = *owner;
	table_path(&ks, path);
	ks.signature = file_signature(path, 0);
	rc = file_read(ks.pool, FILE_CWD, path, MAIL_ROLL_TEXT_MAX, &text);
	if (rc == 0)
		rc = mail_roll_parse(text, ks.pool, &ks.roll);
	if (rc < 0 && rc != -ENOENT) {
		mail_keys_done(&ks);
		return rc;
	}
	*ret = ks;
	return 0;
}

void
mail_keys_done(struct mail_keys *ks)
{
	ks->pool = pool_free(ks->pool);
}

/* --- files --- */

/* Whoever runs the command, role seal reads it. */
static int
own(const struct mail_keys *ks, const char *path)
{
	return ks->has_owner ? proc_user_own(&ks->owner, path) : 0;
}

static int
folder_there(const struct mail_keys *ks, const char *path)
{
	int rc = file_is_dir(path) ? 0 : tree_make(path);

	return rc < 0 ? rc : own(ks, path);
}

static int
secret_put(const struct mail_keys *ks, const char *path, struct sv text)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	int rc = atomicfile_open_secret(&f, path);

	if (rc < 0)
		return rc;
	if ((rc = fd_write_all(&f.fd, text.p, text.n)) < 0 || (rc = atomicfile_commit(&f)) < 0)
		return rc;
	return own(ks, path);
}

int
mail_keys_save(struct mail_keys *ks)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char path[MAIL_KEYS_PATH_MAX];
	int rc;

	mail_roll_write(&ks->roll, &b);
	if (b.rc < 0)
		return b.rc;
	table_path(ks, path);
	if (file_signature(path, 0) != ks->signature)
		return -EBUSY;
	if ((rc = folder_there(ks, ks->folder)) == 0 && (rc = secret_put(ks, path, buf_get(&b))) == 0)
		ks->signature = file_signature(path, 0);
	return rc;
}

/* --- a key --- */

void
mail_keys_name(const struct mail_roll_key *k, struct buf *b)
{
	buf_printf(b, "%.*s._domainkey.%.*s", SV_ARG(k->selector), SV_ARG(k->domain));
}

void
mail_keys_path(const struct mail_keys *ks, const struct mail_roll_key *k, char path[static MAIL_KEYS_PATH_MAX])
{
	(void)snprintf(path, MAIL_KEYS_PATH_MAX, "%s/%.*s/%.*s.pem", ks->folder, SV_ARG(k->domain),
	    SV_ARG(k->selector));
}

static int
key_write(const struct mail_keys *ks, const struct mail_roll_key *k, const struct crypto_priv *priv)
{
	_cleanup_(buf_wipe) struct buf pem = BUF_INIT;
	char path[MAIL_KEYS_PATH_MAX];
	int rc;

	if ((rc = folder_there(ks, ks->folder)) < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "%s/%.*s", ks->folder, SV_ARG(k->domain));
	if ((rc = folder_there(ks, path)) < 0 || (rc = crypto_priv_write(priv, &pem)) < 0)
		return rc;
	mail_keys_path(ks, k, path);
	/* A key whose row is gone may still be in a cache: its selector is used. */
	return file_signature(path, 0) != 0 ? -EEXIST : secret_put(ks, path, buf_get(&pem));
}

int
mail_keys_make(struct mail_keys *ks, struct sv domain, struct sv selector, enum dkim_alg alg, int64_t now,
    struct mail_roll_key **ret)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *priv = NULL;
	struct mail_roll_key k = { .alg = alg, .made = now, .domain = pool_sv(ks->pool, domain),
	    .selector = pool_sv(ks->pool, selector) };
	bool is_rsa = alg == DKIM_RSA_SHA256;
	int rc;

	if (k.domain.p == NULL || k.selector.p == NULL)
		return -ENOMEM;
	if (mail_roll_find(&ks->roll, domain, selector) != NULL)
		return -EEXIST;
	if ((rc = crypto_priv_generate(is_rsa ? 8 : 15, is_rsa ? RSA_BITS : 0, &priv)) < 0 ||
	    (rc = key_write(ks, &k, priv)) < 0 || (rc = mail_roll_add(&ks->roll, ks->pool, &k)) < 0)
		return rc;
	*ret = mail_roll_find(&ks->roll, domain, selector);
	return 0;
}

int
mail_keys_forget(const struct mail_keys *ks, const struct mail_roll_key *k)
{
	char path[MAIL_KEYS_PATH_MAX];

	mail_keys_path(ks, k, path);
	return file_remove(path);
}

int
mail_keys_record(const struct mail_keys *ks, const struct mail_roll_key *k, struct buf *b, const char **ret_why)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *priv = NULL;
	char path[MAIL_KEYS_PATH_MAX];
	int rc;

	mail_keys_path(ks, k, path);
	if ((rc = mail_sign_file_read(path, &priv, ret_why)) < 0)
		return rc;
	if ((rc = dkim_record_write(b, priv)) < 0)
		*ret_why = err_str(rc);
	return rc;
}

void
mail_keys_zone_line(struct sv name, struct sv text, struct buf *b)
{
	bool many = text.n > STRING_MAX;

	buf_printf(b, "%.*s. IN TXT%s", SV_ARG(name), many ? " (" : "");
	while (text.n > 0) {
		struct sv part = sv_take(text, min_size(text.n, STRING_MAX));

		buf_printf(b, "%s\"%.*s\"", many ? "\n\t" : " ", SV_ARG(part));
		text = sv_skip(text, part.n);
	}
	buf_str(b, many ? " )\n" : "\n");
}
