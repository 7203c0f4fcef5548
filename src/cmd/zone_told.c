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
	N_("the zone role is not running; is the zone in the configuration?"),
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

/* What one of the roles is asked, a page after the other. */
struct asking {
	const char	*verb;		/* of the control socket */
	int		(*take)(struct told *, struct sv);
	struct told	*told;
	bool		 down;		/* the role does not run */
	json_t		*doc;		/* all pages in one */
	const char	*list;		/* the member with its zones */
	json_int_t	 life, next, left;
};

#define LIVES_MAX	3	/* a reload between two pages: from the beginning */

static int
page_keep(struct asking *a, json_t *page)
{
	char *doc = json_dumps(page, JSON_COMPACT);
	int rc = doc == NULL ? -ENOMEM : a->take(a->told, sv_str(doc));

	free(doc);
	a->left = json_integer_value(json_object_get(page, "left"));
	a->next = json_integer_value(json_object_get(page, "next"));
	a->life = json_integer_value(json_object_get(page, "life"));
	if (json_is_true(json_object_get(page, "more")))
		(void)json_array_extend(json_object_get(a->doc, a->list), json_object_get(page, a->list));
	else {
		json_decref(a->doc);
		a->doc = json_incref(page);
	}
	return rc < 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static int
page_take(const struct cmd_ctx *ctx, struct asking *a, struct sv text)
{
	json_t *j = json_loadb(text.p, text.n, 0, NULL), *page = json_object_get(j, "told");
	int rc = EXIT_GOOD;

	a->left = 0;
	if (page != NULL)
		rc = page_keep(a, page);
	else if (json_integer_value(json_object_get(j, "code")) == EXIT_CANNOT)
		a->down = true;
	else {
		zone_answer_err(ctx, NULL, json_string_value(json_object_get(j, "text")));
		rc = EXIT_REJECTED;
	}
	json_decref(j);
	return rc;
}

static int
page_ask(const struct cmd_ctx *ctx, struct asking *a, const char *words)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char line[DNAME_STRLEN + 16];
	int rc;

	(void)snprintf(line, sizeof(line), "%s %s", a->verb, words);
	if ((rc = ctl_client_try(ctx, line, ANSWER_MSEC, &b)) < 0)
		return rc == -ENOENT ? rc : EXIT_CANNOT;
	return page_take(ctx, a, buf_get(&b));
}

/* -ENOENT: there is no service. Else an exit code. */
static int
pages_ask(const struct cmd_ctx *ctx, struct asking *a, const struct dname *only)
{
	char words[DNAME_STRLEN];
	json_int_t life;
	int rc;

	if (only != NULL)
		return page_ask(ctx, a, dname_str(only, words));
	for (unsigned lives = 0; lives < LIVES_MAX; lives++) {
		if ((rc = page_ask(ctx, a, "from 0")) != EXIT_GOOD)
			return rc;
		life = a->life;
		while (a->left > 0 && a->life == life) {
			(void)snprintf(words, sizeof(words), "from %lld", (long long)a->next);
			if ((rc = page_ask(ctx, a, words)) != EXIT_GOOD)
				return rc;
		}
		if (a->life == life || a->down)
			return EXIT_GOOD;
	}
	return EXIT_CANNOT;
}

/* Of both; what the role zone does not say while it is down is missing. */
static int
service_read(const struct cmd_ctx *ctx, const struct dname *only, struct zone_report *r)
{
	struct asking keys = { .verb = "key-show", .take = told_keys, .told = &r->told, .list = "zones" };
	struct asking zones = { .verb = "zone-show", .take = told_zones, .told = &r->told, .list = "list" };
	int rc = pages_ask(ctx, &keys, only);

	r->doc = keys.doc;
	r->no_keys = keys.down;
	if (rc == EXIT_GOOD && (rc = pages_ask(ctx, &zones, only)) == -ENOENT)
		rc = EXIT_CANNOT;
	json_decref(zones.doc);
	return rc;
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
zone_report_story(const struct zone_report *r, const char *zone, enum lang lang)
{
	const json_t *list = json_object_get(r->doc, "zones"), *story;
	size_t i;
	json_t *z;

	json_array_foreach(list, i, z) {
		const char *name = json_string_value(json_object_get(z, "zone"));

		if (name == NULL || strcmp(name, zone) != 0)
			continue;
		story = lang == LANG_JA ? json_object_get(z, "story_ja") : NULL;
		return json_string_value(story != NULL ? story : json_object_get(z, "story"));
	}
	return NULL;
}
