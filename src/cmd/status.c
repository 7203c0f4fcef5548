/* sekisho status: what the daemon and its roles say of themselves. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "app/zone_told.h"
#include "base/timefmt.h"
#include "cmd/cmd.h"
#include "cmd/ctl_client.h"
#include "cmd/status_crypto.h"
#include "cmd/status_mail.h"
#include "cmd/status_report.h"
#include "out/escape.h"

#define ANSWER_MSEC	10000
#define FAILING_SHOWN	10	/* the page has all of them */
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

/* What it says now; NULL: nothing, though what it said before may be there. */
static const json_t *
role_answer(const json_t *all, const char *role)
{
	const json_t *d = json_object_get(json_object_get(all, "details"), role);

	return json_is_false(json_object_get(d, "answered")) ? NULL : role_status(all, role);
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

/* What a role says may hold the names of strangers. */
static void
put_escaped(const char *text)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	escape_term(&b, sv_str(text));
	if (b.rc == 0)
		(void)fwrite(b.p, 1, b.len, stdout);
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

		printf("  %-9s %-18s ", role, key);
		put_escaped(json_is_string(v) ? json_string_value(v) : text != NULL ? text : "?");
		putchar('\n');
		free(text);
	}
}

static void
data_text(const struct cmd_ctx *ctx, const json_t *all)
{
	const json_t *store = role_status(all, "store"), *validate = role_status(all, "validate");

	if (num(store, "vrps", -1) >= 0)
		printf(tr(ctx->lang, N_("%lld VRPs, %lld ASPAs, %lld router keys: serial %lld, validated %lld seconds ago; the first of them end %s\n")),
		    num(store, "vrps", 0), num(store, "aspas", 0), num(store, "router_keys", 0),
		    num(store, "serial", 0), num(store, "age_seconds", 0), str(store, "earliest_expiry"));
	else if (json_is_false(json_object_get(validate, "settled")) && num(role_status(all, "fetch"), "sources", 0) > 0)
		printf(tr(ctx->lang, N_("nothing is published yet: each publication server is asked once; if some do not answer, the first result comes at %s\n")),
		    str(validate, "next_by_time"));
	else
		printf("%s\n", tr(ctx->lang, N_("nothing is published yet")));
	if (json_is_false(json_object_get(validate, "last_good")) && num(validate, "failed", 0) > 0)
		printf("%s\n", tr(ctx->lang, N_("the last validation failed; the operator's log says why")));
	if (json_is_object(store) && !json_is_true(json_object_get(store, "disk_good")))
		printf("%s\n", tr(ctx->lang, N_("the last snapshot could not be stored; the operator's log says why")));
}

/* Is there such a role at all? */
static bool
has_role(const json_t *all, const char *role)
{
	return json_object_get(json_object_get(all, "details"), role) != NULL;
}

static const char	*when(const json_t *, const char *key, char buf[static TIME_STRLEN]);

static void
zone_text(const struct cmd_ctx *ctx, const json_t *z)
{
	char signs[TIME_STRLEN], ends[TIME_STRLEN], came[TIME_STRLEN];

	printf("  ");
	put_escaped(str(z, "zone"));
	if (!json_is_true(json_object_get(z, "served")))
		printf(" %s", tr(ctx->lang, N_("not in service yet")));
	else
		printf(tr(ctx->lang, N_(" serial %lld (unsigned: %lld), next signing %s, signatures hold until %s")),
		    num(z, "serial", 0), num(z, "serial_in", 0), when(z, "next_signing", signs), when(z, "horizon", ends));
	if (json_object_get(z, "transferred") != NULL)
		printf(tr(ctx->lang, N_(", primaries answered %s")), when(z, "transferred", came));
	if (json_object_get(z, "why") != NULL) {
		_cleanup_(buf_done) struct buf why = BUF_INIT;

		told_said(&why, str(z, "why"), ctx->lang);
		buf_char(&why, '\0');
		printf("\n    ");
		put_escaped(why.rc == 0 ? why.p : str(z, "why"));
	}
	putchar('\n');
}

static void
zones_text(const struct cmd_ctx *ctx, const json_t *all)
{
	const json_t *zone = role_status(all, "zone"), *list = json_object_get(zone, "list");

	if (!json_is_object(zone))
		return;
	printf(tr(ctx->lang, N_("zones in service: %lld, of them in order: %lld; \"sekisho zone status\" tells more\n")),
	    num(zone, "served", 0), num(zone, "good", 0));
	for (size_t i = 0; i < json_array_size(list); i++)
		zone_text(ctx, json_array_get(list, i));
	if (num(zone, "zones", 0) > (long long)json_array_size(list))
		printf(tr(ctx->lang, N_("  and %lld more\n")), num(zone, "zones", 0) - (long long)json_array_size(list));
}

/* The token with keys of zones, if it does not answer, or somebody is to look at it. */
static void
token_text(const struct cmd_ctx *ctx, const json_t *all)
{
	const json_t *token = json_object_get(role_status(all, "key"), "token");

	if (!json_is_object(token))
		return;
	if (json_is_false(json_object_get(token, "answers"))) {
		printf("%s", tr(ctx->lang, N_("the token with keys of zones does not answer: ")));
		put_escaped(str(token, "why"));
		printf("\n");
	} else if (num(token, "bad", 0) > 0) {
		printf(tr(ctx->lang, N_("keys of zones that are not in the token, or are others there: %lld; the operator's log says which\n")),
		    num(token, "bad", 0));
	}
	if (num(token, "orphans", 0) > 0)
		printf(tr(ctx->lang, N_("keys in the token that no zone knows: %lld (sekisho zone orphans)\n")),
		    num(token, "orphans", 0));
	if (num(token, "crashed", 0) + num(token, "hung", 0) > 0)
		printf(tr(ctx->lang, N_("the process of the token's module has ended and was started again, times: %lld\n")),
		    num(token, "crashed", 0) + num(token, "hung", 0));
}

/* Servers of zones and of their parents: those that do not answer, or are behind. */
static void
names_text(const struct cmd_ctx *ctx, const json_t *all)
{
	const json_t *name = role_status(all, "name"), *list = json_object_get(name, "list");
	size_t n = 0;

	if (!json_is_object(name))
		return;
	printf(tr(ctx->lang, N_("zones whose name servers, and those of their parents, all answer: %lld of %lld\n")),
	    num(name, "complete", 0), num(name, "zones", 0));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *z = json_array_get(list, i), *failed = json_object_get(z, "failed");

		for (size_t k = 0; k < json_array_size(failed) && n < FAILING_SHOWN; k++, n++) {
			const json_t *s = json_array_get(failed, k);

			printf("  ");
			put_escaped(str(z, "zone"));
			printf(" %s ", str(s, "address"));
			put_escaped(str(s, "name"));
			printf(": %s\n", json_is_true(json_object_get(s, "behind")) ? "behind" : str(s, "state"));
		}
	}
}

/* What the mail filter did since it was started, and what did not work. */
static void
mail_text(const struct cmd_ctx *ctx, const json_t *all)
{
	const json_t *m = role_status(all, "milter");
	long long bad = num(m, "not_judged", 0) + num(m, "crowded", 0) + num(m, "not_signed", 0) +
	    num(m, "rows_lost", 0);

	if (!json_is_object(m))
		return;
	printf(tr(ctx->lang, N_("mail: %lld let in, %lld refused, %lld held, %lld asked for again; of our own: %lld\n")),
	    num(m, "accepted", 0), num(m, "rejected", 0), num(m, "quarantined", 0), num(m, "deferred", 0),
	    num(m, "own", 0));
	if (bad > 0)
		printf(tr(ctx->lang, N_("  not judged: %lld, too many at a time: %lld, not signed: %lld, rows lost: %lld; the operator's log says why\n")),
		    num(m, "not_judged", 0), num(m, "crowded", 0), num(m, "not_signed", 0), num(m, "rows_lost", 0));
}

static const char *
when(const json_t *j, const char *key, char buf[static TIME_STRLEN])
{
	long long at = num(j, key, 0);

	return at > 0 ? time_str(at, buf) : "-";
}

static void
servers_text(const struct cmd_ctx *ctx, const json_t *fetch)
{
	const json_t *servers = json_object_get(fetch, "servers");
	char ok[TIME_STRLEN], next[TIME_STRLEN];
	size_t n = 0;

	if (!json_is_object(fetch))
		return;
	printf(tr(ctx->lang, N_("publication servers: %lld work, %lld fail, %lld not asked yet\n")),
	    num(fetch, "good", 0), num(fetch, "failing", 0), num(fetch, "new", 0));
	for (size_t i = 0; i < json_array_size(servers) && n < FAILING_SHOWN; i++) {
		const json_t *s = json_array_get(servers, i);

		if (num(s, "failures", 0) == 0)
			continue;
		n++;
		printf("  ");
		put_escaped(str(s, "key"));
		printf(tr(ctx->lang, N_(": %lld failures in a row; last good %s, next try %s\n")),
		    num(s, "failures", 0), when(s, "ok", ok), when(s, "next", next));
	}
	if (n > 0)
		printf("  %s\n", tr(ctx->lang, N_("why: see the page, or objects.jsonl in the state directory")));
}

static void
guard_text(const struct cmd_ctx *ctx, const json_t *guard)
{
	if (num(guard, "held", 0) > 0)
		printf(tr(ctx->lang, N_("the drop guard holds back %lld payloads until %s; to let them go: sekisho rpki release %s\n")),
		    num(guard, "held", 0), str(guard, "until"), str(guard, "hash"));
}

/* The answer to "is all well?"; the rest is for those who look for a fault. */
static void
summary_text(const struct cmd_ctx *ctx, const json_t *all)
{
	const json_t *store = role_status(all, "store");

	if (has_role(all, "zone"))
		zones_text(ctx, all);
	if (has_role(all, "key"))
		token_text(ctx, all);
	names_text(ctx, all);
	if (has_role(all, "milter"))
		mail_text(ctx, all);
	if (has_role(all, "report"))
		status_report_print(ctx, role_status(all, "report"));
	if (!has_role(all, "validate"))
		return;
	data_text(ctx, all);
	servers_text(ctx, role_status(all, "fetch"));
	guard_text(ctx, json_object_get(role_status(all, "validate"), "guard"));
	if (num(store, "alarms", 0) > 0)
		printf(tr(ctx->lang, N_("alarms: %lld; \"sekisho rpki check\" tells them\n")), num(store, "alarms", 0));
	printf(tr(ctx->lang, N_("routers connected: %lld\n")), num(role_status(all, "rtr"), "clients", 0));
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
	summary_text(ctx, all);
	status_crypto_print(ctx, house, json_object_get(all, "details"));
	for (size_t i = 0; i < json_array_size(roles); i++) {
		const json_t *r = json_array_get(roles, i);

		printf(tr(ctx->lang, N_("  %-9s %-8s process %lld, since %s, restarts: %lld\n")),
		    str(r, "name"), json_is_true(json_object_get(r, "ready")) ?
		    tr(ctx->lang, N_("ready")) : tr(ctx->lang, N_("down")),
		    num(r, "pid", 0), str(r, "since"), num(r, "restarts", 0));
	}
	for (size_t i = 0; i < json_array_size(listen); i++) {
		const json_t *l = json_array_get(listen, i);

		/* UDP and TCP of one address are one line. */
		if (i > 0 && json_equal(l, json_array_get(listen, i - 1)))
			continue;
		printf(tr(ctx->lang, N_("  %-9s listens on %s\n")), str(l, "role"), str(l, "address"));
	}
	for (size_t i = 0; ctx->verbose > 0 && i < json_array_size(roles); i++) {
		const char *name = str(json_array_get(roles, i), "name");

		details_text(ctx, name, role_status(all, name));
	}
}

/* Mail beside routes or zones: what is worse is told. */
static int
mail_join(const json_t *all, int state, const char **why)
{
	const char *of_mail;
	int worst;

	if (!has_role(all, "milter"))
		return state;
	worst = status_mail_worst(role_answer(all, "milter"), role_answer(all, "report"), &of_mail);
	if (worst == 0 && has_role(all, "report") && !json_is_object(role_answer(all, "report"))) {
		worst = 1;
		of_mail = "the role of reports does not answer";
	}
	if (worst <= state)
		return state;
	*why = of_mail;
	return worst;
}

/* nagios plugins: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. */
static int
status_nagios(const json_t *all)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
	const json_t *store = role_status(all, "store"), *fetch = role_status(all, "fetch");
	long long vrps = num(store, "vrps", -1), age = num(store, "age_seconds", -1);
	long long held = num(json_object_get(role_status(all, "validate"), "guard"), "held", 0);
	long long failing = num(fetch, "failing", 0);
	int state = 0;
	const char *why = "";

	if (!json_is_object(store)) {
		state = 2;
		why = "the store does not answer";
	} else if (vrps < 0) {
		state = 2;
		why = "no data yet";
	} else if (age > AGE_CRITICAL) {
		state = 2;
		why = "the data is old";
	} else if (!all_ready(all)) {
		state = 1;
		why = "a role is down";
	} else if (age > AGE_WARN) {
		state = 1;
		why = "the data is old";
	} else if (!json_is_true(json_object_get(store, "disk_good"))) {
		state = 1;
		why = "the last snapshot could not be stored";
	} else if (held > 0) {
		state = 1;
		why = "the drop guard holds losses back";
	} else if (failing > 0 && num(fetch, "good", 0) == 0) {
		state = 1;
		why = "no publication server answers";
	}
	state = mail_join(all, state, &why);
	printf("SEKISHO %s - %lld VRPs, %lld s old%s%s | vrps=%lld age=%llds held=%lld servers_failing=%lld\n",
	    words[state], vrps < 0 ? 0 : vrps, age < 0 ? 0 : age, *why != '\0' ? ", " : "", why,
	    vrps < 0 ? 0 : vrps, age < 0 ? 0 : age, held, failing);
	return state;
}

/* A house that signs zones and has nothing to do with routes. */
static int
zones_nagios(const json_t *all)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	const json_t *zone = role_status(all, "zone");
	/* The list has room for some; the counts are of all. */
	long long n = num(zone, "zones", (long long)json_array_size(json_object_get(zone, "list")));
	long long served = num(zone, "served", 0), good = num(zone, "good", 0);
	int state = !json_is_object(zone) || served < n ? 2 : good < n || !all_ready(all) ? 1 : 0;
	const char *why = !json_is_object(zone) ? "the zone role does not answer" :
	    served < n ? "a zone is not served" : good < n ? "a zone is not in order" :
	    !all_ready(all) ? "a role is down" : "";

	state = mail_join(all, state, &why);
	printf("SEKISHO %s - %lld zones, %lld in order%s%s | zones=%lld served=%lld good=%lld\n",
	    words[state], n, good, *why != '\0' ? ", " : "", why, n, served, good);
	return state;
}

/* A house that judges mail, and has neither routes nor zones. */
static int
mail_nagios(const json_t *all)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	const json_t *m = role_status(all, "milter"), *report = role_status(all, "report");
	const char *why = all_ready(all) ? "" : "a role is down";
	int state = mail_join(all, all_ready(all) ? 0 : 1, &why);

	printf("SEKISHO %s - %lld messages, %lld refused%s%s | messages=%lldc rejected=%lldc not_judged=%lldc rows_lost=%lldc",
	    words[state], num(m, "messages", 0), num(m, "rejected", 0), *why != '\0' ? ", " : "", why,
	    num(m, "messages", 0), num(m, "rejected", 0), num(m, "not_judged", 0), num(m, "rows_lost", 0));
	if (json_is_object(report))
		printf(" reports_due=%lld reports_sent=%lldc", num(report, "due", 0), num(report, "sent", 0));
	putchar('\n');
	return state;
}

static int
status_print(const struct cmd_ctx *ctx, const struct status_opts *so, const json_t *all)
{
	if (so->nagios)
		return has_role(all, "validate") ? status_nagios(all) : has_role(all, "zone") ?
		    zones_nagios(all) : mail_nagios(all);
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
