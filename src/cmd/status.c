/* sekisho status: what the daemon and its roles say of themselves. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/ctl_client.h"

#define ANSWER_MSEC	10000
/* Between two runs lie ten minutes by default; an hour means that runs fail. */
#define AGE_WARN	3600
#define AGE_CRITICAL	(4 * 3600)

struct status_opts {
	bool	nagios;
};

static const struct cmd_opt opts[] = {
	{ "nagios", 0, NULL, N_("one line and an exit status for monitoring") },
	{ NULL, 0, NULL, NULL },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o, const char *arg UNUSED)
{
	struct status_opts *so = state;

	if (strcmp(o->name, "nagios") == 0)
		so->nagios = true;
	return 0;
}

/* {"house": first line, "roles": {name: status}}; NULL: not what we expect. */
static json_t *
answer_parse(struct sv text)
{
	json_t *all = json_object(), *roles = json_object();
	struct sv line;

	(void)json_object_set_new(all, "details", roles);
	while (sv_line(&text, &line)) {
		json_t *j = json_loadb(line.p, line.n, 0, NULL);
		const char *role = json_string_value(json_object_get(j, "role"));

		if (j == NULL)
			continue;	/* a role that speaks in riddles */
		if (role == NULL)
			(void)json_object_set(all, "house", j);
		else
			(void)json_object_set(roles, role, j);
		json_decref(j);
	}
	if (json_object_get(json_object_get(all, "house"), "roles") != NULL)
		return all;
	json_decref(all);
	return NULL;
}

static long long
num(const json_t *j, const char *key, long long none)
{
	const json_t *v = json_object_get(j, key);

	return json_is_integer(v) ? (long long)json_integer_value(v) : none;
}

static const char *
str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "-";
}

static const json_t *
role_status(const json_t *all, const char *role)
{
	return json_object_get(json_object_get(json_object_get(all, "details"), role),
	    "status");
}

static bool
all_ready(const json_t *all)
{
	const json_t *roles = json_object_get(json_object_get(all, "house"), "roles");

	for (size_t i = 0; i < json_array_size(roles); i++)
		if (!json_is_true(json_object_get(json_array_get(roles, i), "ready")))
			return false;
	return true;
}

static void
details_text(const struct cmd_ctx *ctx, const char *role, const json_t *st)
{
	const char *key;
	json_t *v;

	if (!json_is_object(st)) {
		printf("  %-9s %s\n", role, tr(ctx->lang, N_("is at work, or down: no answer")));
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)st, key, v) {
		char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

		printf("  %-9s %-18s %s\n", role, key, json_is_string(v) ?
		    json_string_value(v) : text != NULL ? text : "?");
		free(text);
	}
}

static void
status_text(const struct cmd_ctx *ctx, const json_t *all)
{
	const json_t *house = json_object_get(all, "house");
	const json_t *roles = json_object_get(house, "roles");
	const json_t *listen = json_object_get(house, "listen");

	printf(tr(ctx->lang, N_("sekisho %s, process %lld, since %s, reloads: %lld, sandboxes: %s\n")),
	    str(house, "version"), num(house, "pid", 0), str(house, "since"),
	    num(house, "reloads", 0), json_is_true(json_object_get(house, "sandbox")) ?
	    tr(ctx->lang, N_("closed")) : tr(ctx->lang, N_("OFF")));
	for (size_t i = 0; i < json_array_size(roles); i++) {
		const json_t *r = json_array_get(roles, i);

		printf(tr(ctx->lang, N_("  %-9s %-8s process %lld, since %s, restarts: %lld\n")),
		    str(r, "name"), json_is_true(json_object_get(r, "ready")) ?
		    tr(ctx->lang, N_("ready")) : tr(ctx->lang, N_("down")),
		    num(r, "pid", 0), str(r, "since"), num(r, "restarts", 0));
	}
	for (size_t i = 0; i < json_array_size(listen); i++)
		printf(tr(ctx->lang, N_("  %-9s listens on %s\n")),
		    str(json_array_get(listen, i), "role"),
		    str(json_array_get(listen, i), "address"));
	for (size_t i = 0; i < json_array_size(roles); i++) {
		const char *name = str(json_array_get(roles, i), "name");

		details_text(ctx, name, role_status(all, name));
	}
}

/* nagios plugins: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. */
static int
status_nagios(const json_t *all)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
	const json_t *store = role_status(all, "store");
	long long vrps = num(store, "vrps", -1), age = num(store, "age_seconds", -1);
	int state = 0;
	const char *why = "";

	if (!json_is_object(store)) {
		state = 2;
		why = ", the store does not answer";
	} else if (vrps < 0) {
		state = 2;
		why = ", no data yet";
	} else if (age > AGE_CRITICAL) {
		state = 2;
		why = ", the data is old";
	} else if (!all_ready(all)) {
		state = 1;
		why = ", a role is down";
	} else if (age > AGE_WARN) {
		state = 1;
		why = ", the data is old";
	} else if (!json_is_true(json_object_get(store, "disk_good"))) {
		state = 1;
		why = ", the last snapshot could not be stored";
	}
	printf("SEKISHO %s - %lld VRPs, %lld s old%s | vrps=%lld age=%llds\n",
	    words[state], vrps < 0 ? 0 : vrps, age < 0 ? 0 : age, why,
	    vrps < 0 ? 0 : vrps, age < 0 ? 0 : age);
	return state;
}

static int
status_print(const struct cmd_ctx *ctx, const struct status_opts *so, const json_t *all)
{
	if (so->nagios)
		return status_nagios(all);
	if (ctx->json) {
		if (json_dumpf(all, stdout, JSON_INDENT(2)) < 0)
			return EXIT_CANNOT;
		putchar('\n');
	} else
		status_text(ctx, all);
	return all_ready(all) ? EXIT_GOOD : EXIT_REJECTED;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct status_opts *so = state;
	json_t *all;
	int rc;

	if (argc > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("status takes no words, only options")));
	if (ctl_client_ask(ctx, "status", ANSWER_MSEC, &b) < 0) {
		if (so->nagios)
			printf("SEKISHO UNKNOWN - no answer\n");
		return EXIT_CANNOT;
	}
	if ((all = answer_parse(buf_get(&b))) == NULL) {
		cmd_err("%s", tr(ctx->lang,
		    N_("the daemon is busy with another question; ask again")));
		return EXIT_CANNOT;
	}
	rc = status_print(ctx, so, all);
	json_decref(all);
	return rc;
}

const struct cmd cmd_status = {
	.area = "status",
	.summary = N_("how the running daemon is"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct status_opts),
	.run = run,
};
