/* The keys that the house made: which of them are in use now. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "role/seal_role.h"
#include "sys/file.h"

#define POOL_MAX	(4 * MAIL_ROLL_TEXT_MAX)

static int
table_read(struct seal_role *s, struct pool *pool, struct mail_roll *ret)
{
	char path[SEAL_PATH_MAX];
	struct sv text;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/table", s->folder);
	if ((rc = file_read(pool, FILE_CWD, path, MAIL_ROLL_TEXT_MAX, &text)) == -ENOENT)
		return 0;
	return rc < 0 ? rc : mail_roll_parse(text, pool, ret);
}

static int
row_add(struct seal_role *s, struct seal_rows *rows, const struct mail_roll_key *k)
{
	struct seal_row row;
	char path[SEAL_PATH_MAX];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%.*s/%.*s.pem", s->folder, SV_ARG(k->domain), SV_ARG(k->selector));
	if ((row.domain = pool_sv(rows->pool, k->domain).p) == NULL ||
	    (row.selector = pool_sv(rows->pool, k->selector).p) == NULL)
		return -ENOMEM;
	if ((rc = seal_file_take(s, path, row.domain, &row.file)) == 0 && row.file->priv != NULL)
		rows->v[rows->n++] = row;
	return rc;
}

static int
rows_make(struct seal_role *s, const struct mail_roll *r, struct seal_rows *rows)
{
	int64_t now = role_now(s->role);
	int rc = 0;

	if ((rows->pool = pool_new(POOL_MAX)) == NULL ||
	    (rows->v = pool_calloc(rows->pool, r->n + 1, sizeof(*rows->v))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n && rc == 0; i++)
		if (mail_roll_at(r, &r->keys[i], now).state == MAIL_ROLL_IN_USE)
			rc = row_add(s, rows, &r->keys[i]);
	s->next = mail_roll_next(r, now);
	return rc;
}

static int
house_read(struct seal_role *s)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	struct mail_roll r = { .n = 0 };
	struct seal_rows rows = { .n = 0 };
	int rc = pool == NULL ? -ENOMEM : table_read(s, pool, &r);

	if (rc == 0)
		rc = rows_make(s, &r, &rows);
	if (rc < 0) {
		(void)pool_free(rows.pool);
		return rc;
	}
	rows.first = s->next_number;
	s->next_number += (uint32_t)rows.n;
	(void)pool_free(s->before.pool);
	s->before = s->house;
	s->house = rows;
	return 0;
}

int
seal_house_look(struct seal_role *s)
{
	char path[SEAL_PATH_MAX];
	uint64_t signature;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/table", s->folder);
	signature = file_signature(path, 0);
	if (signature == s->signature && (s->next == 0 || role_now(s->role) < s->next))
		return 0;
	s->signature = signature;
	if ((rc = house_read(s)) == -ENOMEM)
		return rc;
	if (rc < 0)
		role_log(s->role, LOG_LEVEL_ERROR, "%s: %s; mail is signed with the keys as they were, until "
		    "sekisho mail key check has written it anew", path, err_str(rc));
	return rc < 0 ? 0 : 1;
}
