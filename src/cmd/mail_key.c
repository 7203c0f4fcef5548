/* sekisho mail key: make keys that sign mail, publish them, see them, use them, withdraw them. */
#include <errno.h>
#include <stdio.h>

#include "app/mail_sign_conf.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/mail_key.h"
#include "sys/clock.h"

#define SELECTOR_TRIES	26	/* of one day */

static const struct cmd_opt opts[] = {
	{ "algorithm", 0, "rsa|ed25519", N_("of the new key (rsa); Ed25519 beside RSA only, as many receivers cannot verify it") },
	{ "selector", 0, "NAME", N_("of the new key (the day of its making); else: only this key") },
	{ "server", 0, "ADDR[:PORT]", N_("ask this server of the zone, and no others; may be repeated") },
	{ "resolver", 0, "ADDR[:PORT]", N_("ask this resolver for servers and their addresses (that of /etc/resolv.conf)") },
	{ "timeout", 0, "SECONDS", N_("how long to wait for a server (5)") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct mail_key_work *w = state;
	int rc;

	if (ask_opt(ctx, &w->ask, o, arg, &rc))
		return rc;
	if (strcmp(o->name, "selector") == 0) {
		w->selector = arg;
		return mail_sign_selector_sound(sv_str(arg)) && strchr(arg, '.') == NULL && strlen(arg) <= 63 ? 0 :
		    cmd_usage(ctx, tr(ctx->lang, N_("--selector %s: letters, digits and hyphens, 63 at most")), arg);
	}
	w->alg = strcmp(arg, "rsa") == 0 ? DKIM_RSA_SHA256 : strcmp(arg, "ed25519") == 0 ? DKIM_ED25519_SHA256 : DKIM_NO_ALG;
	return w->alg != DKIM_NO_ALG ? 0 :
	    cmd_usage(ctx, tr(ctx->lang, N_("--algorithm %s: it is rsa or ed25519")), arg);
}

/* --- what all of them need --- */

static int
conf_open(struct cmd_ctx *ctx, struct mail_key_work *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct conf_error e;

	if (ctx->state != NULL && ctx->conf == NULL) {
		(void)snprintf(w->folder, sizeof(w->folder), "%s/mail-keys", ctx->state);
		return EXIT_GOOD;
	}
	if (app_conf_load(ctx->conf, ctx->state, &w->conf, &e) < 0) {
		conf_error_text(&e, ctx->lang, &b);
		cmd_err("%.*s", SV_ARG(buf_get(&b)));
		return EXIT_CANNOT;
	}
	(void)snprintf(w->folder, sizeof(w->folder), "%s/mail-keys", app_conf_str(w->conf, CONF_STATE));
	return EXIT_GOOD;
}

/* Whoever runs this, the service reads what it writes. */
static int
keys_open(const struct cmd_ctx *ctx, struct mail_key_work *w)
{
	const char *name = w->conf == NULL ? "" : app_conf_str(w->conf, CONF_USER);
	bool other = name[0] != '\0' && proc_is_root();
	struct proc_user owner;
	int rc;

	if (other && proc_user_find(name, &owner) < 0) {
		cmd_err(tr(ctx->lang, N_("there is no user \"%s\"; create it, "
		    "or change \"user\" in the configuration")), name);
		return EXIT_CANNOT;
	}
	if ((rc = mail_keys_open(w->folder, other ? &owner : NULL, &w->keys)) == 0)
		return EXIT_GOOD;
	cmd_err("%s/table: %s", w->folder, err_str(rc));
	return EXIT_CANNOT;
}

/* A-labels in lower case, without the root's dot. */
static int
domain_take(const struct cmd_ctx *ctx, struct mail_key_work *w, const char *text)
{
	struct dname name;
	struct sv labels;

	if (mail_domain(sv_str(text), &name) == 0) {
		labels = mail_name_text(w->keys.pool, &name);
		if (labels.p != NULL && mail_sign_domain_sound(labels)) {
			w->domain = labels;
			return EXIT_GOOD;
		}
	}
	return cmd_usage(ctx, tr(ctx->lang, N_("%s is no domain of mail; write it as in an address, without a dot at its end")), text);
}

/* --- new --- */

/* "s20261123", and with a letter behind it if there is one of that day. */
static int
selector_make(const struct cmd_ctx *ctx, struct mail_key_work *w, struct mail_roll_key **ret)
{
	bool is_rsa = w->alg == DKIM_RSA_SHA256;
	int rc = -EEXIST;
	struct civil day;
	char name[32];

	time_to_civil(ctx->now, &day);
	for (int i = 0; rc == -EEXIST && i < SELECTOR_TRIES; i++) {
		(void)snprintf(name, sizeof(name), "%s%04d%02d%02d%c", is_rsa ? "s" : "e", (int)day.year,
		    (int)day.mon, (int)day.day, i == 0 ? '\0' : 'a' + i);
		rc = mail_keys_make(&w->keys, w->domain, sv_str(name), w->alg, ctx->now, ret);
	}
	return rc;
}

static int
selector_given(const struct cmd_ctx *ctx, struct mail_key_work *w, struct mail_roll_key **ret)
{
	struct sv s = pool_sv(w->keys.pool, sv_str(w->selector));

	if (s.p == NULL)
		return -ENOMEM;
	dns_lower((uint8_t *)(uintptr_t)s.p, s.n);
	return mail_keys_make(&w->keys, w->domain, s, w->alg, ctx->now, ret);
}

static int
key_new(const struct cmd_ctx *ctx, struct mail_key_work *w, struct buf *b)
{
	struct mail_roll_key *k;
	struct json j = json_on(b, true);
	int rc;

	if (w->domain.n == 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("for which domain? sekisho mail key new DOMAIN")));
	if (w->alg == DKIM_NO_ALG)
		w->alg = DKIM_RSA_SHA256;
	rc = w->selector == NULL ? selector_make(ctx, w, &k) : selector_given(ctx, w, &k);
	if (rc == -EEXIST) {
		cmd_err("%s", tr(ctx->lang, N_("there is a key of that selector, or was one; take another, as caches may know it")));
		return EXIT_REJECTED;
	}
	if (rc < 0) {
		cmd_err("%s: %s", w->folder, err_str(rc));
		return EXIT_CANNOT;
	}
	if ((rc = mail_key_save(ctx, w)) != EXIT_GOOD)
		return rc;
	if (ctx->json) {
		mail_key_json(ctx, w, k, NULL, &j);
		buf_char(b, '\n');
	} else {
		mail_key_print(ctx, w, k, NULL, true, b);
		mail_key_advise(ctx, w, b);
	}
	return EXIT_GOOD;
}

/* --- show, next --- */

static int
list(const struct cmd_ctx *ctx, struct mail_key_work *w, bool only_next, struct buf *b)
{
	struct json j = json_on(b, true);

	if (ctx->json)
		json_open(&j, '[');
	for (size_t i = 0; i < w->keys.roll.n; i++) {
		const struct mail_roll_key *k = &w->keys.roll.keys[i];

		if (!mail_key_is_meant(w, k))
			continue;
		if (ctx->json)
			mail_key_json(ctx, w, k, NULL, &j);
		else if (only_next)
			mail_key_next_print(ctx, w, k, b);
		else
			mail_key_print(ctx, w, k, NULL, true, b);
	}
	if (ctx->json) {
		json_close(&j, ']');
		buf_char(b, '\n');
	} else {
		mail_key_advise(ctx, w, b);
		if (b->len == 0)
			buf_str(b, tr(ctx->lang, N_("There is no key here; sekisho mail key new DOMAIN makes one.\n")));
	}
	return EXIT_GOOD;
}

static int
key_show(const struct cmd_ctx *ctx, struct mail_key_work *w, struct buf *b)
{
	return list(ctx, w, false, b);
}

static int
key_next(const struct cmd_ctx *ctx, struct mail_key_work *w, struct buf *b)
{
	return list(ctx, w, true, b);
}

/* --- the command --- */

static const struct {
	const char	*word;
	int		(*run)(const struct cmd_ctx *, struct mail_key_work *, struct buf *);
} actions[] = {
	{ "new", key_new },
	{ "show", key_show },
	{ "check", mail_key_check },
	{ "next", key_next },
};

static int
action_run(const struct cmd_ctx *ctx, struct mail_key_work *w, const char *word)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc = EXIT_USAGE;
	size_t i = 0;

	while (i < ARRAY_LEN(actions) && strcmp(actions[i].word, word) != 0)
		i++;
	if (i == ARRAY_LEN(actions))
		return cmd_usage(ctx, tr(ctx->lang, N_("%s? it is new, show, check or next")), word);
	rc = actions[i].run(ctx, w, &b);
	return cmd_out(&b) != 0 ? EXIT_CANNOT : rc;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct mail_key_work *w = state;
	int rc;

	if (argc < 1 || argc > 2)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("what is to be done? new DOMAIN, show, check or next")));
	if ((rc = conf_open(ctx, w)) != EXIT_GOOD || (rc = keys_open(ctx, w)) != EXIT_GOOD)
		return rc;
	if (argc == 2 && (rc = domain_take(ctx, w, argv[1])) != EXIT_GOOD)
		return rc;
	return action_run(ctx, w, argv[0]);
}

static void
done(void *state)
{
	struct mail_key_work *w = state;

	if (w->keys.pool != NULL)
		mail_keys_done(&w->keys);
	(void)conf_free(w->conf);
}

const struct cmd cmd_mail_key = {
	.area = "mail", .verb = "key", .args = "new DOMAIN | show|check|next [DOMAIN]",
	.summary = N_("keys that sign mail: make one, its record, what the DNS serves of it, what to do now"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct mail_key_work),
	.run = run, .done = done,
};
