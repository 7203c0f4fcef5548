/* sekisho zone keys: the keys of the zones that the service signs; and that they are backed up. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "app/conf.h"
#include "app/zone_conf.h"
#include "app/zone_file.h"
#include "app/zone_list.h"
#include "base/err.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/cmd.h"
#include "cmd/ctl_client.h"
#include "dnssec/dnssec.h"
#include "sys/file.h"

#define ANSWER_MSEC	30000
#define PATH_LEN_MAX	4700
#define POOL_MAX	((size_t)1 << 20)

struct work {
	bool	backed_up;
};

static const struct cmd_opt opts[] = {
	{ "backed-up", 0, NULL, N_("you have backed up the folder of this zone's keys: they may be used") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o UNUSED, const char *arg UNUSED)
{
	struct work *w = state;

	w->backed_up = true;
	return 0;
}

/* --- backed up: the daemon is told --- */

/* What the daemon may answer, for the table of translations. */
static const char *const answers[] = {
	N_("there is no such zone in the configuration"),
	N_("its keys cannot be used; see the log"),
	N_("the key role is not running; is the zone in the configuration?"),
};

static const char *
answer_text(enum lang lang, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (text != NULL && strcmp(text, answers[i]) == 0)
			return tr(lang, answers[i]);
	return text != NULL ? text : "?";
}

static int
backed_up(struct cmd_ctx *ctx, const struct dname *zone)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char line[DNAME_STRLEN + 16], name[DNAME_STRLEN];
	int rc = EXIT_REJECTED;
	json_t *j;

	(void)snprintf(line, sizeof(line), "backed-up %s", dname_str(zone, name));
	if (ctl_client_ask(ctx, line, ANSWER_MSEC, &b) < 0)
		return EXIT_CANNOT;
	if ((j = json_loadb(b.p, b.len, 0, NULL)) == NULL)
		return EXIT_CANNOT;
	if (json_is_true(json_object_get(j, "good"))) {
		rc = EXIT_GOOD;
		if (!ctx->quiet && !ctx->json)
			printf(tr(ctx->lang, N_("%s: %lld keys are now marked as backed up\n")), name,
			    (long long)json_integer_value(json_object_get(j, "keys")));
	} else
		cmd_err("%s", answer_text(ctx->lang, json_string_value(json_object_get(j, "text"))));
	if (ctx->json)
		(void)fwrite(b.p, 1, b.len, stdout);
	json_decref(j);
	return rc;
}

/* --- the state, from its file --- */

static int
state_read(const struct conf *c, const struct dname *zone, struct keystate *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	_cleanup_(buf_done) struct buf name = BUF_INIT;
	const char *keys = app_conf_str(c, CONF_DNS_KEYS);
	struct findings fs;
	char path[PATH_LEN_MAX];
	unsigned line;
	struct sv text;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	zone_file_name(&name, zone);
	(void)snprintf(path, sizeof(path), "%s%s/%.*s/state", keys[0] != '\0' ? keys :
	    app_conf_str(c, CONF_STATE), keys[0] != '\0' ? "" : "/keys", SV_ARG(buf_get(&name)));
	if ((rc = file_read(pool, FILE_CWD, path, KEYSTATE_TEXT_MAX, &text)) < 0)
		return rc;
	return keystate_parse(text, ret, &line, &fs);
}

static void
key_json(const struct keystate_key *k, struct json *j)
{
	json_open(j, '{');
	json_kv_u64(j, "number", k->number);
	json_kv_u64(j, "tag", k->tag);
	json_kv_str(j, "role", keystate_role_name(k->role));
	json_kv_u64(j, "algorithm", k->alg);
	json_kv_str(j, "goal", keystate_goal_name(k->goal));
	json_kv_bool(j, "backed_up", (k->flags & KS_FLAG_BACKED_UP) != 0);
	json_kv_i64(j, "created", k->created);
	json_kv_end(j, "active", k->active);
	for (int r = 0; r < KS_REC_MAX; r++)
		json_kv_str(j, keystate_record_name((enum ks_record)r),
		    keystate_state_name(k->records[r].state));
	json_close(j, '}');
}

static void
key_text(const struct cmd_ctx *ctx, const struct keystate_key *k)
{
	const struct dnssec_alg *alg = dnssec_alg_find(k->alg);
	char when[TIME_STRLEN];

	printf("  %5u  %s  %s  %s", k->tag, keystate_role_name(k->role), alg == NULL ? "?" : alg->name,
	    time_str(k->created, when));
	for (int r = 0; r < KS_REC_MAX; r++)
		printf("  %s %s", keystate_record_name((enum ks_record)r),
		    keystate_state_name(k->records[r].state));
	printf("%s\n", (k->flags & (KS_FLAG_BACKED_UP | KS_FLAG_EXTERNAL)) != 0 ? "" :
	    tr(ctx->lang, N_("  not backed up")));
}

static int
zone_show(const struct cmd_ctx *ctx, const struct conf *c, const struct dname *zone, struct json *j)
{
	struct keystate st;
	char name[DNAME_STRLEN];
	int rc = state_read(c, zone, &st);

	(void)dname_str(zone, name);
	if (rc < 0) {
		cmd_err(tr(ctx->lang, N_("%s: its keys cannot be read: %s; are you the user that \"sekisho serve\" runs as?")),
		    name, err_str(rc));
		return EXIT_CANNOT;
	}
	if (ctx->json) {
		json_key(j, name);
		json_open(j, '[');
	} else
		printf("%s\n", name);
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		if (st.keys[i].number == 0)
			continue;
		if (ctx->json)
			key_json(&st.keys[i], j);
		else
			key_text(ctx, &st.keys[i]);
	}
	if (ctx->json)
		json_close(j, ']');
	return EXIT_GOOD;
}

/* One zone, or all. */
static int
show(const struct cmd_ctx *ctx, const struct conf *c, const struct dname *only)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT, out = BUF_INIT;
	struct json j = json_on(&out, true);
	struct zone_list l;
	int rc = EXIT_GOOD, one;

	zone_conf_text(c, &text);
	if (text.rc < 0 || zone_list_parse(buf_get(&text), sv_str(app_conf_str(c, CONF_STATE)), &l) < 0)
		return EXIT_CANNOT;
	if (ctx->json)
		json_open(&j, '{');
	if (only != NULL && zone_list_find(&l, only) == NULL) {
		cmd_err("%s", tr(ctx->lang, answers[0]));
		rc = EXIT_REJECTED;
	}
	for (size_t i = 0; i < l.n; i++)
		if ((only == NULL || dname_eq(&l.v[i].name, only)) &&
		    (one = zone_show(ctx, c, &l.v[i].name, &j)) != EXIT_GOOD)
			rc = one;
	zone_list_done(&l);
	if (ctx->json) {
		json_close(&j, '}');
		buf_char(&out, '\n');
		(void)fwrite(out.p, 1, out.len, stdout);
	}
	return rc;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct work *w = state;
	struct conf_error e;
	struct dname zone;

	if (argc > 1 || (w->backed_up && argc != 1))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("give one zone; without --backed-up, none shows all")));
	if (argc == 1 && dname_parse(sv_str(argv[0]), NULL, &zone) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("%s is no domain name")), argv[0]);
	if (w->backed_up)
		return backed_up(ctx, &zone);
	if (app_conf_load(ctx->conf, ctx->state, &c, &e) < 0) {
		conf_error_text(&e, ctx->lang, &b);
		cmd_err("%.*s", SV_ARG(buf_get(&b)));
		return EXIT_CANNOT;
	}
	return show(ctx, c, argc == 1 ? &zone : NULL);
}

extern const struct cmd cmd_zone_keys;
const struct cmd cmd_zone_keys = {
	.area = "zone", .verb = "keys", .args = "[ZONE]",
	.summary = N_("show the keys of zones that the service signs; say that they are backed up"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run,
};
