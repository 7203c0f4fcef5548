/* sekisho mail key check: what the DNS serves is noted, and what follows from it is done. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/mail_key.h"
#include "sys/clock.h"

#define POOL_MAX	((size_t)64 << 20)	/* answers of 64 KiB of some dozen servers */

bool
mail_key_is_meant(const struct mail_key_work *w, const struct mail_roll_key *k)
{
	return (w->domain.n == 0 || sv_eq(k->domain, w->domain)) &&
	    (w->selector == NULL || sv_caseeq(k->selector, sv_str(w->selector)));
}

int
mail_key_save(const struct cmd_ctx *ctx, struct mail_key_work *w)
{
	int rc = mail_keys_save(&w->keys);

	if (rc == 0)
		return EXIT_GOOD;
	if (rc == -EBUSY)
		cmd_err(tr(ctx->lang, N_("%s/table: another command has just written it; run this one again")), w->folder);
	else
		cmd_err("%s/table: %s", w->folder, err_str(rc));
	return EXIT_CANNOT;
}

/* Its text; of one that is withdrawn the file may be gone: empty. */
static int
record_of(const struct cmd_ctx *ctx, const struct mail_key_work *w, const struct mail_roll_key *k,
    enum mail_roll_state state, struct buf *record)
{
	char path[MAIL_KEYS_PATH_MAX];
	const char *why;
	int rc = mail_keys_record(&w->keys, k, record, &why);

	if (rc == 0 || (rc == -ENOENT && state == MAIL_ROLL_WITHDRAWN))
		return EXIT_GOOD;
	mail_keys_path(&w->keys, k, path);
	cmd_err("%s: %s", path, tr(ctx->lang, why));
	return EXIT_CANNOT;
}

/* The private key goes as soon as nothing is signed with it; the row when nobody serves its record. */
static void
withdraw(struct mail_key_work *w, struct mail_roll_key *k, const struct mail_roll_look *l, bool *ret_gone)
{
	*ret_gone = l->n_has == 0 && l->n_silent == 0 && l->n_other > 0;
	(void)!mail_keys_forget(&w->keys, k);
}

static int64_t
now_of(const struct cmd_ctx *ctx)
{
	/* What was given in this second may have come at its end. */
	return ctx->now_given ? ctx->now : clock_now() + 1;
}

static int
look_fail(const struct cmd_ctx *ctx, const struct mail_roll_key *k, int rc)
{
	cmd_err(tr(ctx->lang, N_("%.*s: its servers could not be asked: %s; is the resolver well? --resolver names another, --server a server of the zone")),
	    SV_ARG(k->domain), err_str(rc));
	return EXIT_CANNOT;
}

static bool
was_everywhere(enum mail_roll_state s)
{
	return s == MAIL_ROLL_SEEN || s == MAIL_ROLL_IN_USE;
}

/* One key. *ret_gone: it is to leave the table. */
static int
key_check(const struct cmd_ctx *ctx, struct mail_key_work *w, struct mail_roll_key *k, struct json *j,
    struct buf *b, bool *ret_gone)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	_cleanup_(buf_done) struct buf record = BUF_INIT;
	enum mail_roll_state before = mail_roll_at(&w->keys.roll, k, now_of(ctx)).state;
	struct mail_key_look l;
	int rc = pool == NULL ? EXIT_CANNOT : record_of(ctx, w, k, before, &record);

	if (rc != EXIT_GOOD)
		return rc;
	if ((rc = mail_key_look(pool, &w->ask, k, buf_get(&record), &l)) < 0)
		return look_fail(ctx, k, rc);
	mail_roll_see(k, &l.roll, now_of(ctx));
	if (before == MAIL_ROLL_WITHDRAWN)
		withdraw(w, k, &l.roll, ret_gone);
	if (ctx->json)
		mail_key_json(ctx, w, k, &l, j);
	else
		mail_key_print(ctx, w, k, &l, false, b);
	if (l.n == 0 || l.roll.n_has + l.roll.n_other == 0)
		return EXIT_CANNOT;
	return l.roll.n_other > 0 && was_everywhere(before) ? EXIT_REJECTED : EXIT_GOOD;
}

/* The worst of both. */
static int
worse(int a, int b)
{
	return a > b ? a : b;
}

int
mail_key_check(const struct cmd_ctx *ctx, struct mail_key_work *w, struct buf *b)
{
	struct json j = json_on(b, true);
	int rc = EXIT_GOOD;

	if (ctx->json)
		json_open(&j, '[');
	for (size_t i = 0; i < w->keys.roll.n;) {
		struct mail_roll_key *k = &w->keys.roll.keys[i];
		bool gone = false;

		if (mail_key_is_meant(w, k))
			rc = worse(rc, key_check(ctx, w, k, &j, b, &gone));
		if (gone)
			mail_roll_del(&w->keys.roll, k);
		else
			i++;
	}
	if (ctx->json) {
		json_close(&j, ']');
		buf_char(b, '\n');
	} else if (b->len == 0 && rc == EXIT_GOOD)
		buf_str(b, tr(ctx->lang, N_("There is no key here; sekisho mail key new DOMAIN makes one.\n")));
	return worse(rc, mail_key_save(ctx, w));
}
