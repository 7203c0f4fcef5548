/* Marks as files: see role/mark_role.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "role/mark_role.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/statedir.h"
#include "sys/tree.h"

#define NAME_LEN	(2 * SHA256_LEN)
#define PATH_MAX_	4200
#define LIST_POOL	((size_t)4 << 20)	/* names in the folder, thrice what we leave there */
#define LIST_MAX	(3 * MARK_KEPT_MAX)
#define READ_POOL	(2 * MAIL_MARK_MAX)

static void
path_of(const struct mark_keep *k, const uint8_t id[static SHA256_LEN], char ret[static PATH_MAX_])
{
	char name[NAME_LEN + 1];

	(void)snprintf(ret, PATH_MAX_, "%s/%s", k->folder, hex_encode(name, id, SHA256_LEN));
}

static struct mark_kept *
kept_find(const struct mark_keep *k, const uint8_t id[static SHA256_LEN])
{
	for (size_t i = 0; i < k->n; i++)
		if (memcmp(k->list[i].id, id, SHA256_LEN) == 0)
			return &k->list[i];
	return NULL;
}

/* What cannot be removed is tried again at the next start. */
static void
kept_del(struct mark_keep *k, struct mark_kept *e)
{
	char path[PATH_MAX_];

	path_of(k, e->id, path);
	(void)file_remove(path);
	k->bytes -= e->n;
	*e = k->list[--k->n];
}

static void
oldest_del(struct mark_keep *k)
{
	struct mark_kept *oldest = &k->list[0];

	for (size_t i = 1; i < k->n; i++)
		if (k->list[i].made < oldest->made)
			oldest = &k->list[i];
	kept_del(k, oldest);
}

static void
kept_add(struct mark_keep *k, const uint8_t id[static SHA256_LEN], int64_t made, size_t n)
{
	struct mark_kept e = { .made = made, .n = (uint32_t)n };

	while (k->n > 0 && (k->n == MARK_KEPT_MAX || k->bytes + n > MARK_KEPT_BYTES_MAX))
		oldest_del(k);
	memcpy(e.id, id, SHA256_LEN);
	k->list[k->n++] = e;
	k->bytes += n;
}

/* --- at the start --- */

/* A file that was there: ours, whole, and good for some time? */
static int
file_take(struct mark_keep *k, struct sv name, int64_t now)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(READ_POOL);
	struct mail_mark_key key;
	struct mail_mark mark;
	char path[PATH_MAX_];
	struct sv octets;
	uint8_t id[SHA256_LEN];

	if (pool == NULL)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "%s/%.*s", k->folder, SV_ARG(name));
	if (name.n == NAME_LEN && hex_decode(id, SHA256_LEN, name) == 0 &&
	    file_read(pool, FILE_CWD, path, MAIL_MARK_MAX, &octets) == 0 &&
	    mail_mark_read(octets, &key, &mark) == 0) {
		/* A clock may have been set back a little; what lives longer than any was made in the future. */
		if (mark.until > now && mark.until - now <= MARK_GOOD_SEC + MARK_AHEAD_SEC) {
			kept_add(k, id, mark.made, octets.n);
			return 0;
		}
	} else {
		k->n_damaged++;
	}
	(void)file_remove(path);
	return 0;
}

int
mark_keep_open(struct mark_keep *k, struct sv folder, int64_t now)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LIST_POOL);
	struct sv *names;
	size_t n;
	int rc;

	if (pool == NULL || (k->folder = sv_dup(folder)) == NULL ||
	    (k->list = calloc(MARK_KEPT_MAX, sizeof(*k->list))) == NULL)
		return -ENOMEM;
	if ((rc = tree_make(k->folder)) < 0 || (rc = dir_list(pool, k->folder, LIST_MAX, &names, &n)) < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		if ((rc = file_take(k, names[i], now)) < 0)
			return rc;
	return 0;
}

void
mark_keep_sweep(struct mark_keep *k, int64_t now)
{
	for (size_t i = k->n; i-- > 0;)
		if (now - k->list[i].made >= MARK_GOOD_SEC)
			kept_del(k, &k->list[i]);
}

void
mark_keep_done(struct mark_keep *k)
{
	free(k->folder);
	free(k->list);
	*k = (struct mark_keep){ .folder = NULL };
}

/* --- while it lives --- */

int
mark_keep_read(const struct mark_keep *k, struct sv key, struct pool *pool, struct sv *ret)
{
	uint8_t id[SHA256_LEN];
	char path[PATH_MAX_];

	crypto_sha256(key.p, key.n, id);
	if (kept_find(k, id) == NULL)
		return -ENOENT;
	path_of(k, id, path);
	return file_read(pool, FILE_CWD, path, MAIL_MARK_MAX, ret);
}

int
mark_keep_put(struct mark_keep *k, struct sv key, struct sv octets, int64_t made)
{
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	struct mark_kept *e;
	uint8_t id[SHA256_LEN];
	char path[PATH_MAX_];
	int rc;

	crypto_sha256(key.p, key.n, id);
	path_of(k, id, path);
	if ((rc = atomicfile_open(&f, path)) < 0 || (rc = fd_write_all(&f.fd, octets.p, octets.n)) < 0 ||
	    (rc = atomicfile_commit(&f)) < 0)
		return rc;
	if ((e = kept_find(k, id)) != NULL) {
		k->bytes += octets.n - e->n;
		e->made = made;
		e->n = (uint32_t)octets.n;
		return 0;
	}
	kept_add(k, id, made, octets.n);
	return 0;
}
