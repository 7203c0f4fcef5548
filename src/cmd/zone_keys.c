/* sekisho zone keys: the keys of the zones that the service signs, what to enter for them; that they are backed up. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/cmd.h"
#include "cmd/ctl_client.h"
#include "cmd/zone_told.h"
#include "out/escape.h"

#define ANSWER_MSEC	30000

struct work {
	bool	backed_up, enter;
};

static const struct cmd_opt opts[] = {
	{ "backed-up", 0, NULL, N_("you have backed up the folder of this zone's keys: they may be used") },
	{ "enter", 0, NULL, N_("show what stands at the parent when all is well, field by field, as its registry wants it") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o, const char *arg UNUSED)
{
	struct work *w = state;

	*(strcmp(o->name, "enter") == 0 ? &w->enter : &w->backed_up) = true;
	return 0;
}

/* --- backed up: the daemon is told --- */

static void
backed_up_say(const struct cmd_ctx *ctx, const char *zone, long long n)
{
	if (n == 0)
		printf(tr(ctx->lang, N_("%s: no key waited for a backup\n")), zone);
	else
		printf(tr(ctx->lang, n == 1 ? N_("%s: %lld key is now marked as backed up\n") :
		    N_("%s: %lld keys are now marked as backed up\n")), zone, n);
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
			backed_up_say(ctx, name, (long long)json_integer_value(json_object_get(j, "keys")));
	} else
		zone_answer_err(ctx, NULL, json_string_value(json_object_get(j, "text")));
	if (ctx->json)
		(void)fwrite(b.p, 1, b.len, stdout);
	json_decref(j);
	return rc;
}

/* --- shown --- */

static void
key_json(const struct told_key *k, struct json *j)
{
	json_open(j, '{');
	json_kv_i64(j, "number", k->number);
	json_kv_i64(j, "tag", k->tag);
	json_kv_str(j, "role", k->role);
	json_kv_i64(j, "algorithm", k->alg);
	json_kv_str(j, "goal", k->goal);
	json_kv_bool(j, "backed_up", k->backed_up);
	json_kv_i64(j, "created", k->created == TOLD_NONE ? 0 : k->created);
	json_kv_end(j, "active", k->active == TOLD_NONE ? TIME_NEVER : k->active);
	for (int r = 0; r < TOLD_RECORD_MAX; r++)
		json_kv_str(j, told_record_word((enum told_record)r), k->records[r].state);
	json_close(j, '}');
}

static void
zone_show(const struct cmd_ctx *ctx, const struct told_zone *z, struct json *j, struct buf *b)
{
	if (ctx->json) {
		json_key(j, z->name);
		json_open(j, '[');
		for (size_t i = 0; i < z->n_keys; i++)
			key_json(&z->keys[i], j);
		json_close(j, ']');
		return;
	}
	buf_str(b, b->len == 0 ? "" : "\n");
	escape_term(b, sv_str(z->name));
	buf_str(b, z->n_keys == 0 ? tr(ctx->lang, N_("  has no keys yet; \"sekisho zone status\" says why")) : "");
	buf_char(b, '\n');
	zone_keys_print(ctx, z, b);
}

static void
told_show(const struct cmd_ctx *ctx, const struct work *w, const struct told_zone *z, struct json *j, struct buf *b)
{
	if (w->enter)
		zone_enter_print(ctx, z, j, b);
	else
		zone_show(ctx, z, j, b);
}

/* One zone, or all: as the service says, or its files where there is none. */
static int
show(const struct cmd_ctx *ctx, const struct work *w, const struct dname *only)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);
	struct zone_report r;
	char name[DNAME_STRLEN];
	int rc = zone_report_read(ctx, only, &r);

	if (rc == EXIT_GOOD && r.no_keys) {
		cmd_err("%s", tr(ctx->lang, N_("the role key is not running; its log says why")));
		rc = EXIT_CANNOT;
	}
	if (ctx->json)
		json_open(&j, '{');
	for (size_t i = 0; rc == EXIT_GOOD && i < r.told.n; i++)
		if (only == NULL || strcmp(r.told.v[i].name, dname_str(only, name)) == 0)
			told_show(ctx, w, &r.told.v[i], &j, &b);
	if (ctx->json) {
		json_close(&j, '}');
		buf_char(&b, '\n');
	}
	zone_report_done(&r);
	if (cmd_out(&b) != 0)
		return EXIT_CANNOT;
	return rc;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	const struct work *w = state;
	struct dname zone;

	if (argc > 1 || (w->backed_up && (argc != 1 || w->enter)))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("give one zone; without --backed-up, none shows all")));
	if (argc == 1 && dname_parse(sv_str(argv[0]), NULL, &zone) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("%s is no domain name")), argv[0]);
	if (argc == 1)
		dns_lower(zone.w, zone.len);
	if (w->backed_up)
		return backed_up(ctx, &zone);
	return show(ctx, w, argc == 1 ? &zone : NULL);
}

extern const struct cmd cmd_zone_keys;
const struct cmd cmd_zone_keys = {
	.area = "zone", .verb = "keys", .args = "[ZONE]",
	.summary = N_("show the keys of zones that the service signs, and what to enter for them; say that they are backed up"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run,
};
