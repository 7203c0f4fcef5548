/* seal: see role/seal_role.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_sign.h"
#include "base/err.h"
#include "role/seal_role.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/tree.h"

#define ROWS_POOL	((size_t)64 << 20)
#define LOOK_USEC	3000000		/* at the list of the house's keys: a stat(2) */

/* --- what signs --- */

/* NULL: no such key, or it cannot be used. */
static const struct crypto_priv *
key_find(const struct seal_role *s, uint32_t key)
{
	const struct seal_rows *const all[] = { &s->rows, &s->house, &s->before };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (key - all[i]->first < all[i]->n)
			return all[i]->v[key - all[i]->first].file->priv;
	return NULL;
}

static void
rows_write(const struct seal_rows *rows, struct buf *b)
{
	for (uint32_t i = 0; i < rows->n; i++) {
		const struct seal_row *row = &rows->v[i];
		struct mail_sign_key k = { .key = rows->first + i, .selector = sv_str(row->selector) };
		bool is_below = row->domain[0] == '.';

		if (row->file->priv == NULL)
			continue;
		k.domain = sv_str(row->domain + is_below);
		k.alg = dkim_signer_of(row->file->priv).alg;
		mail_sign_key_put(b, &k, is_below);
	}
}

/* What the operator configured comes first, and wins. */
static void
table_write(const struct seal_role *s, struct buf *b)
{
	rows_write(&s->rows, b);
	rows_write(&s->house, b);
}

static int
table_tell(struct seal_role *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct msg_seal_keys m = { .table = -1 };
	int rc;

	table_write(s, &b);
	if (b.rc < 0)
		return b.rc;
	if ((rc = memfd_of("seal-keys", buf_get(&b), &m.table)) == 0)
		rc = msg_seal_keys_send(s->role, ROLE_MILTER, &m);
	fd_close(&m.table);
	return rc;
}

static int
on_keys_ask(struct role *r, enum role_id from UNUSED, void *msg UNUSED)
{
	return table_tell(r->state);
}

/* Other numbers than those of the life before. */
static int
number_first(struct seal_role *s)
{
	uint32_t chance;
	int rc = crypto_random(&chance, sizeof(chance));

	if (rc == 0)
		s->next_number = chance & 0x7fff0000;
	return rc;
}

static void
on_timer(void *arg)
{
	struct seal_role *s = arg;
	int rc = seal_house_look(s);

	if (rc > 0 && (rc = table_tell(s)) == 0)
		rc = seal_watch_make(s);
	if (rc == 0 && (rc = seal_look_turn(s)) == 0)
		rc = seal_watch_tell(s);
	if (rc == 0)
		rc = loop_timer_set(s->timer, LOOK_USEC);
	if (rc < 0)
		role_stop(s->role, rc);
}

/* --- signing --- */

static int
digest_sign(struct seal_role *s, const struct msg_seal_ask *m, uint8_t b[static CRYPTO_DNSSIG_MAX],
    size_t *ret_n)
{
	const struct crypto_priv *priv = key_find(s, m->key);
	struct crypto_make_tbs one = { .tbs = m->digest, .sig = b };
	int rc;

	if (priv == NULL)
		return -ENOENT;
	if (m->digest.n != SHA256_LEN)
		return -EBADMSG;
	if ((rc = crypto_make_tbs_batch(priv, &one, 1)) == 0)
		*ret_n = crypto_priv_sig_len(priv);
	return rc;
}

static int
on_ask(struct role *r, enum role_id from, void *msg)
{
	struct seal_role *s = r->state;
	const struct msg_seal_ask *m = msg;
	uint8_t b[CRYPTO_DNSSIG_MAX];
	size_t n = 0;
	struct msg_seal_answer a = { .id = m->id, .code = digest_sign(s, m, b, &n) };

	a.b = (struct sv){ (const char *)b, n };
	if (a.code < 0)
		s->n_refused++;
	else
		s->n_signed++;
	return msg_seal_answer_send(r, from, &a);
}

static int
on_looked(struct role *r, enum role_id from UNUSED, void *msg)
{
	return seal_look_end(r->state, msg);
}

/* --- life --- */

/* LINE	DOMAIN	SELECTOR	FILE (app/mail_sign_conf.h). */
static int
line_take(struct seal_role *s, struct sv line)
{
	struct sv number = sv_cut(&line, '\t'), domain = sv_cut(&line, '\t'), selector = sv_cut(&line, '\t');
	struct seal_row *row = &s->rows.v[s->rows.n];
	const char *path = pool_sv(s->rows.pool, line).p;
	char whose[400];

	row->domain = pool_sv(s->rows.pool, domain).p;
	row->selector = pool_sv(s->rows.pool, selector).p;
	if (path == NULL || row->domain == NULL || row->selector == NULL)
		return -ENOMEM;
	if (domain.n == 0 || selector.n == 0 || line.n == 0)
		return -EBADMSG;
	s->rows.n++;
	(void)snprintf(whose, sizeof(whose), "mail.sign in line %.*s (%s)", SV_ARG(number), row->domain);
	return seal_file_take(s, path, whose, &row->file);
}

static int
rows_take(struct seal_role *s, struct sv text)
{
	struct sv rest = text, line;
	size_t n = 0;
	int rc = 0;

	while (sv_line(&rest, &line))
		n++;
	if (n > MAIL_SIGN_ROWS_MAX)
		return SE_LIMIT;
	if ((s->rows.pool = pool_new(ROWS_POOL)) == NULL ||
	    (s->rows.v = pool_calloc(s->rows.pool, n + 1, sizeof(*s->rows.v))) == NULL)
		return -ENOMEM;
	while (rc == 0 && sv_line(&text, &line))
		rc = line_take(s, line);
	s->rows.first = s->next_number;
	s->next_number += (uint32_t)s->rows.n;
	return rc;
}

/* Of the house's keys; it is there before the sandbox closes, as a command may make the first one any time. */
static int
folder_open(struct seal_role *s)
{
	int rc = tree_make(s->folder);

	if (rc == 0)
		rc = role_path(s->role, s->folder, SANDBOX_WRITE);
	if (rc < 0)
		role_log(s->role, LOG_LEVEL_ERROR, "%s: %s", s->folder, err_str(rc));
	return rc;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct seal_role *s = r->state;
	const struct msg_seal_conf *m = msg;
	struct file_map map;
	int rc;

	if (s->role != NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	s->role = r;
	(void)snprintf(s->folder, sizeof(s->folder), "%.*s", SV_ARG(m->folder));
	if ((rc = crypto_wipe_freed()) < 0 || (rc = number_first(s)) < 0 || (rc = folder_open(s)) < 0 ||
	    (rc = memfd_map(m->rows, false, MAIL_SIGN_TEXT_MAX, &map)) < 0)
		return rc;
	rc = rows_take(s, map.data);
	file_unmap(&map);
	if (rc == 0 && (s->timer = loop_timer_add(r->loop, on_timer, s)) == NULL)
		rc = -ENOMEM;
	return rc;
}

static int
start(struct role *r)
{
	struct seal_role *s = r->state;
	int rc = seal_house_look(s);

	if (file_is_open_to_others(s->folder))
		role_log(r, LOG_LEVEL_WARN, "%s can be read by others than its owner: chmod 700", s->folder);
	if (rc >= 0 && (rc = table_tell(s)) == 0)
		rc = seal_watch_make(s);
	return rc < 0 ? rc : loop_timer_set(s->timer, 1);
}

static void
status(struct role *r, struct json *j)
{
	const struct seal_role *s = r->state;

	json_kv_u64(j, "keys", s->rows.n + s->house.n);
	json_kv_u64(j, "unusable", s->n_bad);
	json_kv_u64(j, "signatures", s->n_signed);
	json_kv_u64(j, "refused", s->n_refused);
	seal_watch_json(s, j);
}

static void
stop(struct role *r)
{
	struct seal_role *s = r->state;

	seal_files_free(s);
	seal_watch_free(s);
	(void)pool_free(s->rows.pool);
	(void)pool_free(s->house.pool);
	(void)pool_free(s->before.pool);
}

static const struct role_handler handlers[] = {
	{ MSG_seal_conf, on_conf },
	{ MSG_seal_keys_ask, on_keys_ask },
	{ MSG_seal_ask, on_ask },
	{ MSG_seal_looked, on_looked },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_SEAL,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_seal_conf,
		.state_size = sizeof(struct seal_role),
		.sandbox = &sandbox_seal,
		.start = start, .status = status, .stop = stop,
	};

	return role_main(&def);
}
