/* sekisho zone roll: what an operator wants of a zone's keys, said to the service. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/timefmt.h"
#include "cmd/ctl_client.h"
#include "cmd/zone_told.h"
#include "out/escape.h"

#define ANSWER_MSEC	30000
#define LINE_MAX_OCTETS	3500	/* CTL_LINE_MAX, less the line's end */

/* Whom a command is about. */
enum about {
	ABOUT_ZONE,		/* no key */
	ABOUT_USED,		/* the key in use */
	ABOUT_ROLLED,		/* the one that comes, or the one that a roll was asked for */
	ABOUT_ANY
};

struct verb {
	const char	*option, *verb;
	enum about	 about;
	const char	*done;		/* a msgid; its %s is the key, or the zone */
};

static const struct verb verbs[] = {
	{ NULL, "roll", ABOUT_USED,
	    N_("%s: a successor is wanted now. It is made, published, and used when no cache can be without it; the old key leaves after that.\n") },
	{ "cancel", "cancel", ABOUT_ROLLED,
	    N_("%s: the roll is cancelled. What was published of the new key leaves by and by; the zone stays valid all the time.\n") },
	{ "compromised", "compromised", ABOUT_USED,
	    N_("%s: counts as compromised. Its successor comes at once and it leaves as soon as no cache needs it; until then the zone still depends on it.\n") },
	{ "lost", "lost", ABOUT_USED,
	    N_("%s: counts as lost. Nothing is signed with it; what it signed serves until it ends.\n") },
	{ "found", "found", ABOUT_ANY,
	    N_("%s: is there again, and may sign.\n") },
	{ "retire", "retire", ABOUT_ANY,
	    N_("%s: leaves the zone, its DS first.\n") },
	{ "hold", "hold", ABOUT_ZONE,
	    N_("%s: its keys stay as they are. Signatures are renewed all the same.\n") },
	{ "release", "release", ABOUT_ZONE,
	    N_("%s: its keys move on.\n") },
	{ "accept-ds", "accept-ds", ABOUT_ZONE,
	    N_("%s: the parent's DS set is accepted as it is.\n") },
	{ "override", "override", ABOUT_ZONE,
	    N_("%s: the next step is taken without proof. That is in the audit log, with the time.\n") },
};

struct work {
	const struct verb	*verb;
	const char		*role;		/* "KSK" … */
	const char		*key, *typed;
	bool			 twice;
};

static const struct cmd_opt opts[] = {
	{ "ksk", 0, NULL, N_("the key-signing key in use") },
	{ "zsk", 0, NULL, N_("the zone-signing key in use") },
	{ "csk", 0, NULL, N_("the single key in use") },
	{ "key", 0, "TAG", N_("the key with this tag, or this file name") },
	{ "cancel", 0, NULL, N_("stop a roll: the old key stays in use, the new one leaves") },
	{ "compromised", 0, NULL, N_("somebody else may have the private key: roll it as fast as is safe") },
	{ "lost", 0, NULL, N_("nobody can sign with the private key any more") },
	{ "found", 0, NULL, N_("a lost private key is in its folder again") },
	{ "retire", 0, NULL, N_("a key of another provider leaves the zone") },
	{ "hold", 0, NULL, N_("nothing of this zone's keys moves until --release") },
	{ "release", 0, NULL, N_("the end of --hold") },
	{ "accept-ds", 0, NULL, N_("the DS set that the parent has now is the wanted one") },
	{ "override", 0, "ZONE", N_("take the next step although the proof forbids it; type the zone's name again") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o, const char *arg)
{
	static const char *const roles[][2] = { { "ksk", "KSK" }, { "zsk", "ZSK" }, { "csk", "CSK" } };
	struct work *w = state;

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (strcmp(o->name, roles[i][0]) == 0) {
			w->twice = w->twice || w->role != NULL || w->key != NULL;
			w->role = roles[i][1];
			return 0;
		}
	if (strcmp(o->name, "key") == 0) {
		w->twice = w->twice || w->role != NULL || w->key != NULL;
		w->key = arg;
		return 0;
	}
	for (size_t i = 1; i < ARRAY_LEN(verbs); i++)
		if (strcmp(o->name, verbs[i].option) == 0) {
			w->twice = w->twice || w->verb != NULL;
			w->verb = &verbs[i];
			w->typed = arg;
		}
	return 0;
}

/* --- which key --- */

static bool
has_flag(const struct told_key *k, const char *flag)
{
	for (size_t i = 0; i < k->flags.n; i++)
		if (strcmp(k->flags.v[i], flag) == 0)
			return true;
	return false;
}

static bool
fits(const struct work *w, const struct told_key *k)
{
	char tag[24];

	if (w->key != NULL) {
		(void)snprintf(tag, sizeof(tag), "%lld", (long long)k->tag);
		return strcmp(w->key, tag) == 0 || strcmp(w->key, k->name) == 0;
	}
	if (w->role != NULL && strcmp(k->role, w->role) != 0)
		return false;
	switch (w->verb->about) {
	case ABOUT_USED:
		return k->life == TOLD_KEY_ACTIVE || (k->life == TOLD_KEY_COMING && k->active != TOLD_NONE);
	case ABOUT_ROLLED:
		return has_flag(k, "asked") || k->life == TOLD_KEY_COMING || k->life == TOLD_KEY_WAITING;
	default:
		return k->life != TOLD_KEY_GONE;
	}
}

/* Its name to the service, or NULL after saying why there is none. */
static const struct told_key *
key_find(const struct cmd_ctx *ctx, const struct work *w, const struct told_zone *z)
{
	const struct told_key *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < z->n_keys; i++)
		if (fits(w, &z->keys[i])) {
			found = &z->keys[i];
			n++;
		}
	if (n == 1)
		return found;
	if (n == 0 && w->role != NULL && z->n_keys > 0)
		cmd_err(tr(ctx->lang, N_("%s has no %s in use: none is there, it is coming, or it leaves already; \"sekisho zone status %s\" shows them")),
		    z->name, w->role, z->name);
	else if (n == 0)
		cmd_err(tr(ctx->lang, N_("%s has no such key; \"sekisho zone status %s\" shows those that it has")),
		    z->name, z->name);
	else
		cmd_err(tr(ctx->lang, N_("%s has %zu such keys; say which, by --ksk, --zsk, --csk, or --key with a file name")),
		    z->name, n);
	return NULL;
}

/* A file's name is of one key; a tag may be of two. */
static void
key_name(const struct told_key *k, char *dst, size_t n)
{
	if (k->name[0] != '\0')
		(void)snprintf(dst, n, "%s", k->name);
	else
		(void)snprintf(dst, n, "%lld", (long long)k->number);
}

/* --- said --- */

static int
say(const struct cmd_ctx *ctx, const struct work *w, const char *zone, const char *key)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char line[LINE_MAX_OCTETS];
	int rc = EXIT_REJECTED, n;
	json_t *j;

	n = snprintf(line, sizeof(line), "key %s %s %s %s", w->verb->verb, zone, key[0] == '\0' ? "-" : key,
	    w->typed != NULL ? w->typed : "");
	if (n < 0 || (size_t)n >= sizeof(line))
		return EXIT_CANNOT;
	if (ctl_client_ask(ctx, line, ANSWER_MSEC, &b) < 0)
		return EXIT_CANNOT;
	if ((j = json_loadb(b.p, b.len, 0, NULL)) == NULL)
		return EXIT_CANNOT;
	if (json_is_true(json_object_get(j, "good")))
		rc = EXIT_GOOD;
	else {
		zone_answer_err(ctx, zone, json_string_value(json_object_get(j, "text")));
		if (json_integer_value(json_object_get(j, "code")) == EXIT_CANNOT)
			rc = EXIT_CANNOT;
	}
	json_decref(j);
	return rc;
}

/* What is so now, and what comes next. */
static int
aftermath(const struct cmd_ctx *ctx, const struct work *w, const struct dname *zone, const char *key)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);
	char name[DNAME_STRLEN];
	const struct told_zone *z;
	struct zone_report r;
	int rc = zone_report_read(ctx, zone, &r);

	(void)dname_str(zone, name);
	z = rc == EXIT_GOOD ? told_find(&r.told, sv_str(name)) : NULL;
	if (z != NULL && ctx->json) {
		json_open(&j, '{');
		json_kv_bool(&j, "good", true);
		json_kv_str(&j, "verb", w->verb->verb);
		json_kv_str(&j, "key", key[0] == '\0' ? NULL : key);
		json_key(&j, "zone");
		json_open(&j, '{');
		told_json(&j, z, ctx->now, true, ctx->lang);
		json_close(&j, '}');
		json_close(&j, '}');
		buf_char(&b, '\n');
	} else if (z != NULL && !ctx->quiet) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_printf(&b, tr(ctx->lang, w->verb->done), key[0] == '\0' ? name : key);
#pragma GCC diagnostic pop
		zone_status_print(ctx, z, &r, &b);
	}
	zone_report_done(&r);
	return rc == EXIT_GOOD && cmd_out(&b) != 0 ? EXIT_CANNOT : rc;
}

static int
order(const struct cmd_ctx *ctx, const struct work *w, const struct dname *zone)
{
	char name[DNAME_STRLEN], key[DNAME_STRLEN + 32] = "";
	const struct told_key *k = NULL;
	const struct told_zone *z;
	struct zone_report r;
	int rc = zone_report_read(ctx, zone, &r);

	(void)dname_str(zone, name);
	if (rc == EXIT_GOOD && r.from_files) {
		cmd_err("%s", tr(ctx->lang, N_("no service is running; keys are moved by \"sekisho serve\" only")));
		rc = EXIT_CANNOT;
	}
	z = rc == EXIT_GOOD ? told_find(&r.told, sv_str(name)) : NULL;
	/* After a start or a reload. */
	if (z != NULL && (r.no_keys || (z->n_keys == 0 && z->keys_state[0] == '\0'))) {
		cmd_err(tr(ctx->lang, N_("the service has not read the keys of %s yet; try again in a moment")), name);
		rc = EXIT_CANNOT;
	}
	if (rc == EXIT_GOOD && w->verb->about != ABOUT_ZONE &&
	    (z == NULL || (k = key_find(ctx, w, z)) == NULL))
		rc = EXIT_REJECTED;
	if (k != NULL)
		key_name(k, key, sizeof(key));
	zone_report_done(&r);
	if (rc == EXIT_GOOD)
		rc = say(ctx, w, name, key);
	return rc == EXIT_GOOD ? aftermath(ctx, w, zone, key) : rc;
}

/* The name typed out is the seat belt: a line of the shell's history is not enough. */
static bool
typed_well(const struct work *w, const struct dname *zone)
{
	struct dname typed;

	return w->typed == NULL ||
	    (dname_parse(sv_str(w->typed), NULL, &typed) == 0 && dname_eq(&typed, zone));
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct work *w = state;
	struct dname zone;

	if (w->verb == NULL)
		w->verb = &verbs[0];
	if (argc != 1 || w->twice)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("give one zone, one key at most, and one thing to do")));
	if (dname_parse(sv_str(argv[0]), NULL, &zone) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("%s is no domain name")), argv[0]);
	dns_lower(zone.w, zone.len);
	if (w->verb->about == ABOUT_ZONE && (w->role != NULL || w->key != NULL))
		return cmd_usage(ctx, tr(ctx->lang, N_("--%s is about the whole zone, not about one key")), w->verb->option);
	if (!typed_well(w, &zone))
		return cmd_usage(ctx, tr(ctx->lang, N_("--override wants the zone's name typed out: %s")), argv[0]);
	return order(ctx, w, &zone);
}

extern const struct cmd cmd_zone_roll;
const struct cmd cmd_zone_roll = {
	.area = "zone", .verb = "roll", .args = "ZONE",
	.summary = N_("roll a key of a signed zone now, or stop, hold or correct a roll"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run,
};
