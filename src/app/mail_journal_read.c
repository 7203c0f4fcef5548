/* Segments of the milter's journal: their names, their octets, and what a crash leaves. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <zlib.h>

#include "app/mail_journal_internal.h"
#include "base/err.h"
#include "sys/file.h"
#include "sys/statedir.h"

#define MAGIC		"SKMROWS1"
#define NAME_DIGITS	20
#define NAMES_MAX	(4 * MAIL_JOURNAL_SEGMENTS_MAX)	/* damaged ones, too */

static const char *const endings[JOURNAL_NAME_MAX] = {
	[JOURNAL_ROWS] = ".rows", [JOURNAL_OPEN] = ".open", [JOURNAL_DAMAGED] = ".damaged",
};

/* --- names --- */

int
journal_path(const char *folder, uint64_t number, enum journal_name kind,
    char ret[static MAIL_JOURNAL_PATH_MAX])
{
	int n = snprintf(ret, MAIL_JOURNAL_PATH_MAX, "%s/%0*" PRIu64 "%s", folder, NAME_DIGITS,
	    number, endings[kind]);

	return n < 0 || n >= MAIL_JOURNAL_PATH_MAX ? SE_LIMIT : 0;
}

int
mail_journal_path(const char *folder, uint64_t number, char ret[static MAIL_JOURNAL_PATH_MAX])
{
	return journal_path(folder, number, JOURNAL_ROWS, ret);
}

bool
journal_name_parse(struct sv name, uint64_t *ret, enum journal_name *ret_kind)
{
	for (unsigned k = 0; k < JOURNAL_NAME_MAX && name.n > NAME_DIGITS; k++)
		if (sv_eq_str(sv_skip(name, NAME_DIGITS), endings[k])) {
			*ret_kind = k;
			return num_u64(sv_take(name, NAME_DIGITS), 0, UINT64_MAX - 1, ret) == 0;
		}
	return false;
}

int
mail_journal_list(const char *folder, struct pool *pool, uint64_t **ret, size_t *ret_n)
{
	enum journal_name kind;
	struct sv *names;
	size_t n_names, n = 0;
	uint64_t *a;
	int rc = dir_list(pool, folder, NAMES_MAX, &names, &n_names);

	if (rc < 0)
		return rc;
	if ((a = pool_calloc(pool, n_names + 1, sizeof(*a))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n_names; i++)		/* sorted: the digits are as many in all */
		if (journal_name_parse(names[i], &a[n], &kind) && kind == JOURNAL_ROWS)
			n++;
	*ret = a;
	*ret_n = n;
	return 0;
}

int
mail_journal_remove(const char *folder, uint64_t number)
{
	char path[MAIL_JOURNAL_PATH_MAX];
	int rc = journal_path(folder, number, JOURNAL_ROWS, path);

	return rc < 0 ? rc : file_remove(path);
}

int
mail_journal_damaged(const char *folder, uint64_t number)
{
	char from[MAIL_JOURNAL_PATH_MAX], to[MAIL_JOURNAL_PATH_MAX];
	int rc = journal_path(folder, number, JOURNAL_ROWS, from);

	if (rc < 0 || (rc = journal_path(folder, number, JOURNAL_DAMAGED, to)) < 0)
		return rc;
	return file_rename(from, to);
}

/* --- octets --- */

void
journal_head(uint8_t head[static JOURNAL_HEAD_LEN], uint64_t number)
{
	struct wr w = wr_mem(head, JOURNAL_HEAD_LEN);

	wr_bytes(&w, MAGIC, 8);
	wr_be64(&w, number);
}

/* The number is in it: a block of another file that turns up here is no row. */
static uint32_t
frame_sum(uint64_t number, struct sv row)
{
	uint8_t n[8];
	uLong sum;

	put_be32(n, (uint32_t)(number >> 32));
	put_be32(n + 4, (uint32_t)number);
	sum = crc32(crc32(0, NULL, 0), n, sizeof(n));
	return (uint32_t)crc32(sum, (const Bytef *)row.p, (uInt)row.n);
}

void
journal_frame(struct buf *b, uint64_t number, struct sv row)
{
	uint8_t head[JOURNAL_FRAME_LEN];

	put_be32(head, (uint32_t)row.n);
	put_be32(head + 4, frame_sum(number, row));
	buf_bytes(b, head, sizeof(head));
	buf_sv(b, row);
}

static bool
frame_next(struct rd *r, uint64_t number, struct sv *ret)
{
	uint32_t len = rd_be32(r), sum = rd_be32(r);

	if (len == 0 || len > MAIL_JOURNAL_ROW_MAX)	/* zeros are what a file has where nothing came */
		return false;
	*ret = rd_slice(r, len);
	return !r->bad && frame_sum(number, *ret) == sum;
}

int
mail_journal_read(struct sv octets, mail_journal_fn fn, void *arg, uint64_t *ret_lost)
{
	struct rd r = rd_sv(octets);
	struct sv magic = rd_slice(&r, 8), row;
	uint64_t number = rd_be64(&r);
	int rc;

	if (r.bad || !sv_eq_str(magic, MAGIC))
		return -EBADMSG;
	*ret_lost = 0;
	while (rd_left(&r) > 0) {
		size_t before = rd_left(&r);

		if (!frame_next(&r, number, &row)) {
			*ret_lost = before;
			return 0;
		}
		if ((rc = fn(arg, row)) != 0)
			return rc;
	}
	return 0;
}

/* --- after a crash --- */

static int
row_count(void *arg, struct sv row)
{
	(void)row;
	(*(uint64_t *)arg)++;
	return 0;
}

/* What is known of one that was being written; *ret_len: how much of it is whole. */
static int
open_look(const char *path, uint64_t *ret_len, uint64_t *ret_lost, uint64_t *ret_rows)
{
	struct file_map map;
	int rc = file_map(path, (size_t)2 * MAIL_JOURNAL_SEGMENT_MAX, &map);

	if (rc < 0)
		return rc;
	rc = mail_journal_read(map.data, row_count, ret_rows, ret_lost);
	if (rc == 0)
		*ret_len = map.data.n - *ret_lost;
	file_unmap(&map);
	return rc;
}

/* Seal it, without its torn end; what holds no row is nothing. */
static int
open_mend(const char *folder, uint64_t number, struct mail_journal_found *found)
{
	char from[MAIL_JOURNAL_PATH_MAX], to[MAIL_JOURNAL_PATH_MAX];
	uint64_t len = 0, lost = 0, rows = 0;
	int rc;

	if ((rc = journal_path(folder, number, JOURNAL_OPEN, from)) < 0)
		return rc;
	rc = open_look(from, &len, &lost, &rows);
	if (rc == -EBADMSG) {
		found->n_damaged++;
		rc = journal_path(folder, number, JOURNAL_DAMAGED, to);
		return rc < 0 ? rc : file_rename(from, to);
	}
	if (rc < 0)
		return rc;
	found->n_cut += lost > 0;
	found->cut_len += lost;
	if (rows == 0)
		return file_remove(from);
	if ((lost > 0 && (rc = file_append(from, len, SV(""))) < 0) ||
	    (rc = journal_path(folder, number, JOURNAL_ROWS, to)) < 0)
		return rc;
	found->n_waiting++;
	return file_rename(from, to);
}

int
journal_recover(const char *folder, uint64_t *ret_next, struct mail_journal_found *found)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new((size_t)NAMES_MAX * 128);
	enum journal_name kind;
	struct sv *names;
	uint64_t number;
	size_t n;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if ((rc = dir_list(pool, folder, NAMES_MAX, &names, &n)) < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (!journal_name_parse(names[i], &number, &kind))
			continue;
		if (number >= *ret_next)
			*ret_next = number + 1;
		found->n_waiting += kind == JOURNAL_ROWS;
		if (kind == JOURNAL_OPEN && (rc = open_mend(folder, number, found)) < 0)
			return rc;
	}
	return 0;
}
