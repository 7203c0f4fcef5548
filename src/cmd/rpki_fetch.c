/*
 * sekisho rpki fetch [URI]: let the running daemon ask its publication
 * servers now. The daemon takes any word for a server's name and asks those
 * that have it, so who is followed is looked up first, in what it says of
 * itself.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/ctl_client.h"
#include "out/escape.h"
#include "sys/ctl.h"

#define ANSWER_MSEC	10000
#define WORD		"fetch"

struct fetch_work {
	struct cmd_ctx	*ctx;
	const char	*uri;		/* NULL: all */
	json_t		*status;	/* of the fetcher */
	size_t		 n_listed;	/* asked, of those that are listed */
	struct buf	 b;
};

/* The line of a role; a new reference, or NULL: it has none. */
static json_t *
role_line(struct sv text, const char *role)
{
	struct sv line;

	while (sv_line(&text, &line)) {
		json_t *j = json_loadb(line.p, line.n, 0, NULL);
		const char *name = json_string_value(json_object_get(j, "role"));

		if (name != NULL && strcmp(name, role) == 0)
			return j;
		json_decref(j);
	}
	return NULL;
}

static int
cannot(const struct fetch_work *w, const char *text)
{
	cmd_err("%s", tr(w->ctx->lang, text));
	return EXIT_CANNOT;
}

/* What the fetcher says of its servers. */
static int
servers_read(struct fetch_work *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	json_t *line;

	if (ctl_client_ask(w->ctx, "status", ANSWER_MSEC, &b) < 0)
		return EXIT_CANNOT;
	if (sv_starts(buf_get(&b), SV("{\"error\"")))
		return cannot(w, N_("the daemon answers somebody else now; try again"));
	if ((line = role_line(buf_get(&b), "fetch")) == NULL)
		return cannot(w, N_("this daemon fetches nothing: fetch.mode of its configuration is off"));
	w->status = json_incref(json_object_get(line, "status"));
	json_decref(line);
	if (!json_is_array(json_object_get(w->status, "servers")))
		return cannot(w, N_("the fetcher is starting; try again soon"));
	return EXIT_GOOD;
}

static const char *
key_of(const json_t *server)
{
	return json_string_value(json_object_get(server, "key"));
}

static bool
is_meant(const struct fetch_work *w, const char *key)
{
	return key != NULL && (w->uri == NULL || strcmp(key, w->uri) == 0);
}

/* A status of many servers names the first of them only. */
static int
known_check(struct fetch_work *w)
{
	const json_t *servers = json_object_get(w->status, "servers");

	for (size_t i = 0; i < json_array_size(servers); i++)
		w->n_listed += is_meant(w, key_of(json_array_get(servers, i)));
	if (w->n_listed > 0 || json_is_false(json_object_get(w->status, "servers_all")))
		return EXIT_GOOD;
	if (w->uri == NULL)
		return cannot(w, N_("no publication server is followed yet; \"sekisho status\" shows what is waited for"));
	cmd_err(tr(w->ctx->lang, N_("\"%s\" is no server that is followed; \"sekisho status -v\" names them: an RRDP notification file, an rsync module, or ta:NAME")),
	    w->uri);
	return EXIT_CANNOT;
}

static int
ask(struct fetch_work *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char line[CTL_LINE_MAX];
	json_t *j;
	bool good;

	(void)snprintf(line, sizeof(line), w->uri == NULL ? WORD "%s" : WORD " %s",
	    w->uri == NULL ? "" : w->uri);
	if (ctl_client_ask(w->ctx, line, ANSWER_MSEC, &b) < 0)
		return EXIT_CANNOT;
	j = json_loadb(b.p, b.len, 0, NULL);
	good = json_is_true(json_object_get(j, "good"));
	json_decref(j);
	return good ? EXIT_GOOD : cannot(w, N_("the fetcher is starting; try again soon"));
}

static size_t
asked_count(const struct fetch_work *w)
{
	return w->uri != NULL ? 1 :
	    (size_t)json_integer_value(json_object_get(w->status, "sources"));
}

static void
asked_text(struct fetch_work *w)
{
	const json_t *servers = json_object_get(w->status, "servers");
	enum lang lang = w->ctx->lang;

	for (size_t i = 0; i < json_array_size(servers); i++) {
		const char *key = key_of(json_array_get(servers, i));

		if (!is_meant(w, key))
			continue;
		escape_term(&w->b, sv_str(key));
		buf_char(&w->b, '\n');
	}
	if (w->uri != NULL && w->n_listed == 0)
		buf_printf(&w->b, tr(lang, N_("%s, if it is followed: there are more servers than the daemon lists\n")),
		    w->uri);
	buf_printf(&w->b, tr(lang, N_("servers asked now: %zu; what comes of it: \"sekisho status\"\n")),
	    asked_count(w));
}

static void
asked_json(struct fetch_work *w)
{
	const json_t *servers = json_object_get(w->status, "servers");
	struct json j = json_on(&w->b, false);

	json_open(&j, '{');
	json_kv_u64(&j, "count", asked_count(w));
	json_key(&j, "asked");
	json_open(&j, '[');
	for (size_t i = 0; i < json_array_size(servers); i++) {
		const char *key = key_of(json_array_get(servers, i));

		if (is_meant(w, key))
			json_str(&j, key);
	}
	json_close(&j, ']');
	json_kv_bool(&j, "all_listed", w->n_listed == asked_count(w));
	json_close(&j, '}');
	buf_char(&w->b, '\n');
}

/* One line of printable ASCII is what the control socket takes. */
static bool
is_word(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n > 0 && s.n < CTL_LINE_MAX - sizeof(WORD) - 1;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct fetch_work *w = state;
	int rc;

	w->ctx = ctx;
	if (argc > 1 || (argc == 1 && !is_word(sv_str(argv[0]))))
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("give one server by its URI, as \"sekisho status -v\" names it, or none for all")));
	w->uri = argc == 1 ? argv[0] : NULL;
	rc = servers_read(w);
	if (rc == EXIT_GOOD)
		rc = known_check(w);
	if (rc == EXIT_GOOD)
		rc = ask(w);
	if (rc == EXIT_GOOD && ctx->json)
		asked_json(w);
	else if (rc == EXIT_GOOD && !ctx->quiet)
		asked_text(w);
	if (rc == EXIT_GOOD)
		rc = cmd_out(&w->b);
	buf_done(&w->b);
	json_decref(w->status);
	return rc;
}

const struct cmd cmd_rpki_fetch = {
	.area = "rpki", .verb = "fetch", .args = "[URI]",
	.summary = N_("let the running daemon ask its publication servers, or one, now"),
	.state_size = sizeof(struct fetch_work),
	.run = run,
};
