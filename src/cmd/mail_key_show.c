/* Keys of the house as text and JSON, and what is to be done now. */
#include <stdio.h>

#include "base/timefmt.h"
#include "cmd/mail_key.h"
#include "out/escape.h"
#include "sys/clock.h"

static struct mail_roll_now
at(const struct cmd_ctx *ctx, const struct mail_key_work *w, const struct mail_roll_key *k)
{
	return mail_roll_at(&w->keys.roll, k, ctx->now_given ? ctx->now : clock_now());
}

/* --- what to do --- */

static const char *const next[MAIL_ROLL_STATE_MAX] = {
	[MAIL_ROLL_MADE] = N_("publish its record, then: sekisho mail key check"),
	[MAIL_ROLL_PUBLISHED] = N_("not all servers have its record; wait, then: sekisho mail key check"),
	[MAIL_ROLL_SEEN] = N_("nothing to do; it signs from %s on"),
	[MAIL_ROLL_IN_USE] = N_("nothing to do; it signs"),
	[MAIL_ROLL_RETIRED] = N_("leave its record in the DNS until %s, for the mail that is under way"),
	[MAIL_ROLL_WITHDRAWN] = N_("take its record out of the DNS, then: sekisho mail key check"),
};

static void
next_write(const struct cmd_ctx *ctx, const struct mail_roll_now *n, struct buf *b)
{
	char when[TIME_STRLEN];

	if (n->state == MAIL_ROLL_IN_USE && n->until != 0)
		buf_printf(b, tr(ctx->lang, N_("nothing to do; a younger key signs from %s on")), time_str(n->until, when));
	else if (n->state == MAIL_ROLL_SEEN || n->state == MAIL_ROLL_RETIRED) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_printf(b, tr(ctx->lang, next[n->state]), time_str(n->until, when));
#pragma GCC diagnostic pop
	} else
		buf_str(b, tr(ctx->lang, next[n->state]));
}

void
mail_key_next_print(const struct cmd_ctx *ctx, const struct mail_key_work *w, const struct mail_roll_key *k,
    struct buf *b)
{
	struct mail_roll_now n = at(ctx, w, k);

	mail_keys_name(k, b);
	buf_str(b, ": ");
	next_write(ctx, &n, b);
	buf_char(b, '\n');
}

/* RFC 8463 section 3: who knows no Ed25519 takes such a signature for none. */
static bool
has_rsa(const struct mail_roll *r, struct sv domain)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->keys[i].alg == DKIM_RSA_SHA256 && sv_eq(r->keys[i].domain, domain))
			return true;
	return false;
}

void
mail_key_advise(const struct cmd_ctx *ctx, const struct mail_key_work *w, struct buf *b)
{
	const struct mail_roll *r = &w->keys.roll;

	for (size_t i = 0; i < r->n; i++)
		if (mail_key_is_meant(w, &r->keys[i]) && !has_rsa(r, r->keys[i].domain))
			buf_printf(b, tr(ctx->lang, N_("%.*s: add an RSA key, too (sekisho mail key new %.*s); many receivers cannot verify Ed25519\n")),
			    SV_ARG(r->keys[i].domain), SV_ARG(r->keys[i].domain));
}

/* --- text --- */

static void
record_print(const struct cmd_ctx *ctx, const struct mail_key_work *w, const struct mail_roll_key *k, struct buf *b)
{
	_cleanup_(buf_done) struct buf name = BUF_INIT, text = BUF_INIT;
	const char *why;

	mail_keys_name(k, &name);
	if (mail_keys_record(&w->keys, k, &text, &why) < 0)
		buf_printf(b, "; %s\n", tr(ctx->lang, why));
	else
		mail_keys_zone_line(buf_get(&name), buf_get(&text), b);
}

static void
servers_print(const struct cmd_ctx *ctx, const struct mail_key_look *l, struct buf *b)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct mail_key_server *s = &l->v[i];

		buf_str(b, "  ");
		escape_term(b, sv_str(s->server->name));
		buf_printf(b, " (%s): %s\n", s->server->address,
		    tr(ctx->lang, s->why == NULL ? N_("has our key") : s->why));
	}
}

void
mail_key_print(const struct cmd_ctx *ctx, const struct mail_key_work *w, const struct mail_roll_key *k,
    const struct mail_key_look *l, bool has_record, struct buf *b)
{
	struct mail_roll_now n = at(ctx, w, k);
	char since[TIME_STRLEN];

	mail_keys_name(k, b);
	buf_printf(b, tr(ctx->lang, N_(": %s, %s since %s\n  ")), dkim_alg_name(k->alg),
	    tr(ctx->lang, mail_roll_state_name(n.state)), time_str(n.since, since));
	next_write(ctx, &n, b);
	buf_char(b, '\n');
	if (l != NULL)
		servers_print(ctx, l, b);
	if (has_record && n.state != MAIL_ROLL_WITHDRAWN)
		record_print(ctx, w, k, b);
}

/* --- JSON --- */

static void
servers_json(const struct mail_key_look *l, struct json *j)
{
	static const char *const words[] = { "has", "other", "silent" };

	json_key(j, "servers");
	json_open(j, '[');
	for (size_t i = 0; i < l->n; i++) {
		json_open(j, '{');
		json_kv_str(j, "name", l->v[i].server->name);
		json_kv_str(j, "address", l->v[i].server->address);
		json_kv_str(j, "key", words[l->v[i].at]);
		if (l->v[i].why != NULL)
			json_kv_str(j, "why", l->v[i].why);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
kv_time(struct json *j, const char *key, int64_t t)
{
	char text[TIME_STRLEN];

	if (t != 0)
		json_kv_str(j, key, time_str(t, text));
}

void
mail_key_json(const struct cmd_ctx *ctx, const struct mail_key_work *w, const struct mail_roll_key *k,
    const struct mail_key_look *l, struct json *j)
{
	_cleanup_(buf_done) struct buf name = BUF_INIT, record = BUF_INIT, todo = BUF_INIT;
	struct mail_roll_now n = at(ctx, w, k);
	const char *why;

	json_open(j, '{');
	mail_keys_name(k, &name);
	json_kv_sv(j, "name", buf_get(&name));
	json_kv_sv(j, "domain", k->domain);
	json_kv_sv(j, "selector", k->selector);
	json_kv_str(j, "algorithm", dkim_alg_name(k->alg));
	json_kv_str(j, "state", mail_roll_state_name(n.state));
	kv_time(j, "since", n.since);
	kv_time(j, "until", n.until);
	kv_time(j, "made", k->made);
	kv_time(j, "looked", k->looked);
	json_kv_u64(j, "ttl", k->ttl_sec);
	next_write(ctx, &n, &todo);
	json_kv_sv(j, "next", buf_get(&todo));
	if (mail_keys_record(&w->keys, k, &record, &why) == 0)
		json_kv_sv(j, "record", buf_get(&record));
	if (l != NULL)
		servers_json(l, j);
	json_close(j, '}');
}
