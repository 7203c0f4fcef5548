/* Asking the service how zones are, and reading its files where there is none. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "app/key_told.h"
#include "app/zone_conf.h"
#include "app/zone_file.h"
#include "app/zone_list.h"
#include "base/err.h"
#include "cmd/ctl_client.h"
#include "cmd/zone_told.h"

#define ANSWER_MSEC	30000
#define PATH_LEN_MAX	4700

/* --- words of the roles --- */

static const char *const answers[] = {
	N_("there is no such zone in the configuration"),
	N_("its keys cannot be used; see the log"),
	N_("the key role is not running; is the zone in the configuration?"),
	N_("there is no such key; the keys of the zone are"),
	N_("that means several keys; say its file name"),
	N_("not now: that key is not in a state in which this could be done"),
	N_("the private key of the older one is not there any more"),
	N_("its private key is not in the folder"),
	N_("no step of this zone is refused"),
	N_("the step could not be taken; see the log"),
};

/* What a list of keys follows is translated up to its colon. */
static const char *
answer_find(const char *text, size_t *ret_n)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		*ret_n = strlen(answers[i]);
		if (strncmp(text, answers[i], *ret_n) == 0 && (text[*ret_n] == '\0' || text[*ret_n] == ':'))
			return answers[i];
	}
	return NULL;
}

void
zone_answer_err(const struct cmd_ctx *ctx, const char *zone, const char *text)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	size_t n = 0;
	const char *known = text == NULL ? NULL : answer_find(text, &n);

	if (zone != NULL)
		buf_printf(&b, "%s: ", zone);
	buf_str(&b, known != NULL ? tr(ctx->lang, known) : text != NULL ? text : "?");
	buf_str(&b, known != NULL ? text + n : "");
	cmd_err("%.*s", SV_ARG(buf_get(&b)));
}

/* --- the service --- */

/* The role zone's part of "status", which is a line a role. */
static int
zones_take(struct sv text, struct told *t)
{
	struct sv line;

	while (sv_line(&text, &line)) {
		json_t *j = json_loadb(line.p, line.n, 0, NULL);
		const char *role = json_string_value(json_object_get(j, "role"));
		json_t *status = json_object_get(j, "status");
		char *one = NULL;
		int rc = 0;

		if (role != NULL && strcmp(role, "zone") == 0 && json_is_object(status) &&
		    (one = json_dumps(status, JSON_COMPACT)) != NULL)
			rc = told_zones(t, sv_str(one));
		free(one);
		json_decref(j);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
keys_take(const struct cmd_ctx *ctx, struct sv text, struct zone_report *r)
{
	json_t *j = json_loadb(text.p, text.n, 0, NULL);
	json_t *told = json_object_get(j, "told");
	int rc = EXIT_GOOD;

	if (told != NULL) {
		char *doc = json_dumps(told, JSON_COMPACT);

		if (doc == NULL || told_keys(&r->told, sv_str(doc)) < 0)
			rc = EXIT_CANNOT;
		free(doc);
		r->doc = json_incref(told);
	} else if (json_integer_value(json_object_get(j, "code")) == EXIT_CANNOT)
		r->no_keys = true;
	else {
		zone_answer_err(ctx, NULL, json_string_value(json_object_get(j, "text")));
		rc = EXIT_REJECTED;
	}
	json_decref(j);
	return rc;
}

/* -ENOENT: there is none. Else an exit code. */
static int
service_read(const struct cmd_ctx *ctx, const struct dname *only, struct zone_report *r)
{
	_cleanup_(buf_done) struct buf keys = BUF_INIT, zones = BUF_INIT;
	char line[DNAME_STRLEN + 16], name[DNAME_STRLEN];
	int rc;

	(void)snprintf(line, sizeof(line), "key-show%s%s", only == NULL ? "" : " ",
	    only == NULL ? "" : dname_str(only, name));
	if ((rc = ctl_client_try(ctx, line, ANSWER_MSEC, &keys)) < 0)
		return rc == -ENOENT ? rc : EXIT_CANNOT;
	if ((rc = keys_take(ctx, buf_get(&keys), r)) != EXIT_GOOD)
		return rc;
	if (ctl_client_ask(ctx, "status", ANSWER_MSEC, &zones) < 0 ||
	    zones_take(buf_get(&zones), &r->told) < 0)
		return EXIT_CANNOT;
	return EXIT_GOOD;
}

/* --- its files --- */

void
zone_keys_folder(const struct conf *c, const struct dname *zone, char *dst, size_t n)
{
	_cleanup_(buf_done) struct buf name = BUF_INIT;
	const char *keys = app_conf_str(c, CONF_DNS_KEYS);

	zone_file_name(&name, zone);
	(void)snprintf(dst, n, "%s%s/%.*s", keys[0] != '\0' ? keys : app_conf_str(c, CONF_STATE),
	    keys[0] != '\0' ? "" : "/keys", SV_ARG(buf_get(&name)));
}

int
zone_conf_load(const struct cmd_ctx *ctx, struct conf **ret)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct conf_error e;

	if (app_conf_load(ctx->conf, ctx->state, ret, &e) == 0)
		return EXIT_GOOD;
	conf_error_text(&e, ctx->lang, &b);
	cmd_err("%.*s", SV_ARG(buf_get(&b)));
	return EXIT_CANNOT;
}

/* One zone's document, without its frame: {"zones":[X]} gives X. */
static int
file_add(const struct cmd_ctx *ctx, const struct conf *c, const struct zone_list_entry *e, struct json *all)
{
	_cleanup_(buf_done) struct buf one = BUF_INIT;
	struct json j = json_on(&one, false);
	char folder[PATH_LEN_MAX], name[DNAME_STRLEN];
	int rc;

	zone_keys_folder(c, &e->name, folder, sizeof(folder));
	if ((rc = key_told_files(folder, &e->name, &e->policy, &j)) == 0) {
		json_raw(all, sv_take(sv_skip(buf_get(&one), SV("{\"zones\":[").n),
		    one.len - SV("{\"zones\":[]}").n));
		return EXIT_GOOD;
	}
	(void)dname_str(&e->name, name);
	cmd_err(tr(ctx->lang, N_("%s: its keys cannot be read: %s; are you the user that \"sekisho serve\" runs as?")),
	    name, err_str(rc));
	return EXIT_CANNOT;
}

static int
files_add(const struct cmd_ctx *ctx, const struct conf *c, const struct zone_list *l,
    const struct dname *only, struct json *all)
{
	int rc = EXIT_GOOD, one;

	if (only != NULL && zone_list_find(l, only) == NULL) {
		cmd_err("%s", tr(ctx->lang, answers[0]));
		return EXIT_REJECTED;
	}
	for (size_t i = 0; i < l->n; i++)
		if ((only == NULL || dname_eq(&l->v[i].name, only)) &&
		    (one = file_add(ctx, c, &l->v[i], all)) != EXIT_GOOD)
			rc = one;
	return rc;
}

static int
files_read(const struct cmd_ctx *ctx, const struct dname *only, struct zone_report *r)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	_cleanup_(buf_done) struct buf text = BUF_INIT, doc = BUF_INIT;
	struct json j = json_on(&doc, false);
	struct zone_list l;
	int rc;

	if ((rc = zone_conf_load(ctx, &c)) != EXIT_GOOD)
		return rc;
	zone_conf_text(c, &text);
	if (text.rc < 0 || zone_list_parse(buf_get(&text), sv_str(app_conf_str(c, CONF_STATE)), &l) < 0)
		return EXIT_CANNOT;
	json_open(&j, '{');
	json_key(&j, "zones");
	json_open(&j, '[');
	rc = files_add(ctx, c, &l, only, &j);
	json_close(&j, ']');
	json_close(&j, '}');
	zone_list_done(&l);
	r->from_files = true;
	if (rc == EXIT_GOOD && (doc.rc < 0 || told_keys(&r->told, buf_get(&doc)) < 0))
		rc = EXIT_CANNOT;
	return rc;
}

int
zone_report_read(const struct cmd_ctx *ctx, const struct dname *only, struct zone_report *ret)
{
	int rc;

	*ret = (struct zone_report){ 0 };
	rc = service_read(ctx, only, ret);
	return rc == -ENOENT ? files_read(ctx, only, ret) : rc;
}

void
zone_report_done(struct zone_report *r)
{
	told_done(&r->told);
	json_decref(r->doc);
}

const char *
zone_report_story(const struct zone_report *r, const char *zone)
{
	const json_t *list = json_object_get(r->doc, "zones");
	size_t i;
	json_t *z;

	json_array_foreach(list, i, z) {
		const char *name = json_string_value(json_object_get(z, "zone"));

		if (name != NULL && strcmp(name, zone) == 0)
			return json_string_value(json_object_get(z, "story"));
	}
	return NULL;
}
