/* sekisho zone import: keys of another signer become ours; without --write they are only tried. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "app/key_import.h"
#include "app/zone_conf.h"
#include "app/zone_findings.h"
#include "app/zone_list.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/ctl_client.h"
#include "cmd/zone.h"
#include "cmd/zone_told.h"
#include "dnssec/dnssec.h"
#include "out/escape.h"
#include "sys/file.h"
#include "sys/proc.h"
#include "sys/tree.h"

#define ANSWER_MSEC	30000
#define PATH_LEN_MAX	4700

struct work {
	const char		*dir, *list, *published;
	struct hsm_opts		 hsm;
	bool			 write, partial, unpublished;
	/* */
	char			 written[PATH_LEN_MAX];	/* the folder; "": nothing was written */
	struct pool		*pool;
	struct findings		 fs;
	struct dname		 zone;
	struct file_map		 map[2];
	size_t			 n_maps;
	struct buf		 input;		/* standard input */
	struct key_list		 rows;
	struct hsm		*token;
	struct key_import	*keys;
	struct proc_user	 user;
	bool			 has_user, configured;
};

static const struct cmd_opt opts[] = {
	{ "from", 0, "DIR", N_("the folder with the key files: BIND's K*.private, or Knot's *.pem") },
	{ "list", 0, "FILE", N_("what \"keymgr ZONE list\" or \"ods-enforcer key list -v -p\" prints; - is standard input") },
	{ "published", 0, "FILE", N_("the signed zone as text, or dig's answer: which keys are in use; - is standard input") },
	{ "pkcs11", 0, "MODULE", N_("the PKCS#11 module (absolute path) of the token that has the keys") },
	{ "token", 0, "URI", N_("which token (pkcs11:token=…); else the only one") },
	{ "pin-file", 0, "FILE", N_("the token's PIN, one line that only its owner can read") },
	{ "unpublished", 0, NULL, N_("take keys that are not in the published zone, too") },
	{ "partial", 0, NULL, N_("write, although the zone has keys whose private half is not here") },
	{ "write", 0, NULL, N_("write what is taken; without it nothing is changed") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o, const char *arg)
{
	struct work *w = state;
	const struct {
		const char	 *name;
		const char	**text;
		bool		 *flag;
	} rows[] = {
		{ "from", &w->dir, NULL }, { "list", &w->list, NULL }, { "published", &w->published, NULL },
		{ "pkcs11", &w->hsm.module, NULL }, { "token", &w->hsm.token, NULL },
		{ "pin-file", &w->hsm.pin_file, NULL }, { "unpublished", NULL, &w->unpublished },
		{ "partial", NULL, &w->partial }, { "write", NULL, &w->write },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(o->name, rows[i].name) != 0)
			continue;
		if (rows[i].flag != NULL)
			*rows[i].flag = true;
		else
			*rows[i].text = arg;
	}
	return 0;
}

/* --- what is read --- */

static int
cannot(const char *what, int rc)
{
	cmd_err("%s: %s", what, err_str(rc));
	return EXIT_CANNOT;
}

/* A file, or (-) standard input, which may be a pipe. */
static int
text_read(struct work *w, const char *path, size_t max, struct sv *ret)
{
	char in[16384];
	size_t n;

	if (strcmp(path, "-") != 0) {
		int rc = file_map(path, max, &w->map[w->n_maps]);

		if (rc == 0)
			*ret = w->map[w->n_maps++].data;
		return rc;
	}
	while ((n = fread(in, 1, sizeof(in), stdin)) > 0) {
		buf_bytes(&w->input, in, n);
		if (w->input.rc < 0 || w->input.len > max)
			return w->input.rc < 0 ? w->input.rc : SE_LIMIT;
	}
	*ret = buf_get(&w->input);
	return ferror(stdin) ? -EIO : 0;
}

static int
list_read(const struct cmd_ctx *ctx, struct work *w)
{
	struct sv text;
	unsigned line;
	int rc = text_read(w, w->list, KEY_LIST_TEXT_MAX, &text);

	if (rc < 0)
		return cannot(w->list, rc);
	if (key_import_is_database(text, w->list, &w->zone, &w->fs))
		return EXIT_REJECTED;
	if ((rc = key_list_parse(text, &w->zone, &w->rows, &line)) == 0)
		return EXIT_GOOD;
	cmd_err(tr(ctx->lang, N_("%s, line %u: neither keymgr nor ods-enforcer prints this; give the whole output of \"keymgr -j ZONE list\" or \"ods-enforcer key list -v -p\"")),
	    w->list, line);
	return EXIT_CANNOT;
}

static int
sources_read(const struct cmd_ctx *ctx, struct work *w)
{
	struct import_opts o = { .zone = &w->zone, .dir = w->dir, .unpublished = w->unpublished, .now = ctx->now };
	int rc;

	if (w->list != NULL && (rc = list_read(ctx, w)) != EXIT_GOOD)
		return rc;
	if (w->published != NULL &&
	    (rc = text_read(w, w->published, KEY_IMPORT_ZONE_MAX, &o.published)) < 0)
		return cannot(w->published, rc);
	if (w->hsm.module != NULL) {
		if (w->hsm.token == NULL)
			w->hsm.token = "pkcs11:";
		if ((rc = hsm_open(&w->hsm, &w->fs, &w->token)) < 0)
			return cannot(w->hsm.module, rc);
		if (w->token == NULL)
			return EXIT_REJECTED;	/* findings say why */
	}
	o.list = w->list != NULL ? &w->rows : NULL;
	o.list_name = w->list;
	o.hsm = w->token;
	rc = key_import_read(&o, &w->fs, &w->keys);
	if (rc == -EBADMSG)
		return EXIT_REJECTED;		/* findings say where */
	return rc < 0 ? cannot(w->dir != NULL ? w->dir : w->hsm.module, rc) : EXIT_GOOD;
}

/* --- the report --- */

static size_t
taken(const struct work *w)
{
	size_t n = 0;

	for (size_t i = 0; w->keys != NULL && i < key_import_n(w->keys); i++)
		n += key_import_get(w->keys, i)->verdict == IMPORT_TAKEN;
	return n;
}

/* Not that a key is old: that something is wrong with one. */
static bool
is_fault(enum import_verdict v)
{
	return v == IMPORT_TAG || v == IMPORT_UNREADABLE || v == IMPORT_PROBE;
}

static bool
has_fault(const struct work *w)
{
	for (size_t i = 0; i < key_import_n(w->keys); i++)
		if (is_fault(key_import_get(w->keys, i)->verdict))
			return true;
	return false;
}

static bool
may_write(const struct work *w)
{
	if (taken(w) == 0 || key_import_refused(w->keys))
		return false;
	return w->partial || (key_import_n_missing(w->keys) == 0 && !has_fault(w) && !findings_reject(&w->fs));
}

/* What becomes of it here. */
static void
plan_text(const struct cmd_ctx *ctx, const struct import_key *k, struct buf *b)
{
	char at[TIME_STRLEN];

	if (k->retired)
		buf_printf(b, "; %s", tr(ctx->lang, N_("on its way out")));
	else if (k->coming || k->standby)
		buf_printf(b, "; %s", tr(ctx->lang, N_("not used yet")));
	if (!k->retired && k->end != TIME_NEVER) {
		buf_str(b, "; ");
		buf_printf(b, tr(ctx->lang, N_("to be rolled %s")), time_str(k->end, at));
	}
}

static void
key_text(const struct cmd_ctx *ctx, const struct work *w, size_t i, struct buf *b)
{
	const struct import_key *k = key_import_get(w->keys, i);
	const struct dnssec_alg *alg = k->rdata.n < 4 ? NULL : dnssec_alg_find((uint8_t)k->rdata.p[3]);

	buf_str(b, "  ");
	if (k->rdata.n > 4)
		buf_printf(b, "%5u %s %s  ", dnskey_tag(k->rdata), k->verdict != IMPORT_TAKEN ? "-" :
		    keystate_role_name(key_import_role(w->keys, i)), alg == NULL ? "?" : alg->name);
	escape_term(b, sv_str(k->from));
	buf_printf(b, "%s%s", k->from[0] == '\0' ? "" : ": ", tr(ctx->lang, import_verdict_text(k->verdict)));
	if (k->published)
		buf_printf(b, "; %s", tr(ctx->lang, N_("published")));
	if (k->signs_keys)
		buf_printf(b, ", %s", tr(ctx->lang, N_("signs keys")));
	if (k->signs_data)
		buf_printf(b, ", %s", tr(ctx->lang, N_("signs data")));
	if (k->verdict == IMPORT_TAKEN)
		plan_text(ctx, k, b);
	buf_char(b, '\n');
}

static void
key_json(const struct cmd_ctx *ctx, const struct work *w, size_t i, struct json *j)
{
	const struct import_key *k = key_import_get(w->keys, i);

	json_open(j, '{');
	json_kv_str(j, "from", k->from);
	if (k->rdata.n > 4) {
		json_kv_u64(j, "tag", dnskey_tag(k->rdata));
		json_kv_u64(j, "algorithm", (uint8_t)k->rdata.p[3]);
	}
	if (k->verdict == IMPORT_TAKEN)
		json_kv_str(j, "role", keystate_role_name(key_import_role(w->keys, i)));
	json_kv_str(j, "verdict", import_verdict_word(k->verdict));
	json_kv_str(j, "text", tr(ctx->lang, import_verdict_text(k->verdict)));
	json_kv_bool(j, "published", k->published);
	json_kv_bool(j, "signs_keys", k->signs_keys);
	json_kv_bool(j, "signs_data", k->signs_data);
	if (k->verdict == IMPORT_TAKEN) {
		json_kv_str(j, "use", k->retired ? "leaving" : k->standby ? "standby" : k->coming ? "coming" : "used");
		json_kv_end(j, "active", k->active);
		json_kv_end(j, "end", k->end);
	}
	json_kv_str(j, "private", k->uri != NULL ? "token" : k->priv != NULL ? "file" : "none");
	json_close(j, '}');
}

static int
report(const struct cmd_ctx *ctx, const struct work *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);
	size_t n = w->keys == NULL ? 0 : key_import_n(w->keys);
	char name[DNAME_STRLEN];

	(void)dname_str(&w->zone, name);
	if (ctx->json) {
		json_open(&j, '{');
		json_kv_str(&j, "zone", name);
		json_kv_bool(&j, "written", w->written[0] != '\0');
		json_key(&j, "keys");
		json_open(&j, '[');
	} else
		buf_printf(&b, "%s\n", name);
	for (size_t i = 0; i < n; i++)
		if (ctx->json)
			key_json(ctx, w, i, &j);
		else
			key_text(ctx, w, i, &b);
	if (ctx->json) {
		json_close(&j, ']');
		zone_findings_json(ctx, &w->fs, &j);
		json_close(&j, '}');
		buf_char(&b, '\n');
	} else if (ctx->quiet)
		b.len = 0;
	else
		zone_findings_print(ctx, &w->fs, &b);
	return cmd_out(&b);
}

/* --- written --- */

static int
own(void *arg, const char *path)
{
	const struct work *w = arg;

	return w->has_user ? proc_user_own(&w->user, path) : 0;
}

/* Root writes for the user that the service runs as. */
static int
user_find(const struct cmd_ctx *ctx, struct work *w, const struct conf *c)
{
	const char *name = app_conf_str(c, CONF_USER);

	if (name[0] == '\0' || !proc_is_root())
		return EXIT_GOOD;
	if (proc_user_find(name, &w->user) < 0) {
		cmd_err(tr(ctx->lang, N_("there is no user \"%s\"; create it, or change \"user\" in the configuration")), name);
		return EXIT_CANNOT;
	}
	w->has_user = true;
	return EXIT_GOOD;
}

/* Is it in the configuration? Then its policy is looked at, too. */
static void
zone_look(struct work *w, const struct conf *c)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	const struct zone_list_entry *e;
	struct zone_list l;

	zone_conf_text(c, &text);
	if (text.rc < 0 || zone_list_parse(buf_get(&text), sv_str(app_conf_str(c, CONF_STATE)), &l) < 0) {
		w->configured = true;
		return;
	}
	e = zone_list_find(&l, &w->zone);
	w->configured = e != NULL;
	if (e != NULL)
		key_import_policy(w->keys, &e->policy, &w->fs);
	zone_list_done(&l);
}

/* 1: a service runs and has this zone; 0: none does; else an exit code below zero. */
static int
service_has(const struct cmd_ctx *ctx, const struct work *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char line[DNAME_STRLEN + 16], name[DNAME_STRLEN];
	json_t *j;
	int rc;

	(void)snprintf(line, sizeof(line), "key-show %s", dname_str(&w->zone, name));
	if ((rc = ctl_client_try(ctx, line, ANSWER_MSEC, &b)) < 0)
		return rc == -ENOENT ? 0 : -EXIT_CANNOT;
	j = json_loadb(b.p, b.len, 0, NULL);
	rc = json_is_true(json_object_get(j, "good"));
	/* It runs, and the role that has the keys does not: two would write one state. */
	if (rc == 0 && json_integer_value(json_object_get(j, "code")) != EXIT_REJECTED && w->configured) {
		zone_answer_err(ctx, name, json_string_value(json_object_get(j, "text")));
		rc = -EXIT_CANNOT;
	}
	json_decref(j);
	return rc;
}

/* The service reads its folder again: it takes nothing but files of its own form. */
static int
service_tell(const struct cmd_ctx *ctx, const struct work *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char line[DNAME_STRLEN + 32], name[DNAME_STRLEN];
	int rc = EXIT_GOOD;
	json_t *j;

	(void)snprintf(line, sizeof(line), "key import-done %s -", dname_str(&w->zone, name));
	if (ctl_client_ask(ctx, line, ANSWER_MSEC, &b) < 0)
		return EXIT_CANNOT;
	j = json_loadb(b.p, b.len, 0, NULL);
	if (!json_is_true(json_object_get(j, "good"))) {
		zone_answer_err(ctx, name, json_string_value(json_object_get(j, "text")));
		rc = EXIT_REJECTED;
	}
	json_decref(j);
	return rc;
}

/* The folder above the zones': made as the service makes it, where there is none yet. */
static int
root_make(struct work *w, const struct conf *c, const char *folder)
{
	char root[PATH_LEN_MAX];
	int rc;

	(void)snprintf(root, sizeof(root), "%.*s", (int)sv_rfind(sv_str(folder), '/'), folder);
	if (!file_is_dir(app_conf_str(c, CONF_STATE)) &&
	    ((rc = dir_make(app_conf_str(c, CONF_STATE))) < 0 || (rc = own(w, app_conf_str(c, CONF_STATE))) < 0))
		return rc;
	if (file_is_dir(root))
		return 0;
	rc = tree_make(root);
	return rc < 0 ? rc : own(w, root);
}

static int
keys_write(const struct cmd_ctx *ctx, struct work *w)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	char folder[PATH_LEN_MAX];
	unsigned n = 0;
	int rc, running;

	if ((rc = zone_conf_load(ctx, &c)) != EXIT_GOOD || (rc = user_find(ctx, w, c)) != EXIT_GOOD)
		return rc;
	zone_look(w, c);
	if ((running = service_has(ctx, w)) < 0)
		return -running;
	zone_keys_folder(c, &w->zone, folder, sizeof(folder));
	if ((rc = root_make(w, c, folder)) < 0 || (rc = key_import_write(w->keys, folder, own, w)) < 0)
		return cannot(folder, rc);
	rc = running == 0 ? key_import_state(w->keys, folder, own, w, &n) :
	    key_import_offer(w->keys, folder, own, w);
	if (rc < 0)
		return cannot(folder, rc);
	if (running == 1 && (rc = service_tell(ctx, w)) != EXIT_GOOD)
		return rc;
	(void)snprintf(w->written, sizeof(w->written), "%s", folder);
	return EXIT_GOOD;
}

static int
verdict(const struct cmd_ctx *ctx, const struct work *w)
{
	if (key_import_n_missing(w->keys) > 0 && !w->partial)
		cmd_err(tr(ctx->lang, N_("the zone has %zu keys whose private half is not here; find them, or add --partial to take the others")),
		    key_import_n_missing(w->keys));
	else if (taken(w) == 0)
		cmd_err("%s", tr(ctx->lang, N_("no key can be taken")));
	else if (w->written[0] != '\0' && !ctx->quiet && !ctx->json)
		printf(tr(ctx->lang, N_("written to %s. Nothing is believed of these keys before the servers of the zone and of its parent were seen; until then the zone stays as it is. Back the folder up.\n")), w->written);
	else if (!w->write && !ctx->quiet && !ctx->json)
		printf("%s\n", tr(ctx->lang, N_("nothing was written; add --write to take these keys")));
	if (has_fault(w))
		return EXIT_REJECTED;
	return may_write(w) && !findings_reject(&w->fs) ? EXIT_GOOD : EXIT_REJECTED;
}

static int
import(const struct cmd_ctx *ctx, struct work *w)
{
	int rc = sources_read(ctx, w), end;

	if (w->keys == NULL) {
		if (rc == EXIT_REJECTED)
			(void)report(ctx, w);
		return rc;
	}
	if (rc == EXIT_GOOD && w->write && may_write(w) && (rc = keys_write(ctx, w)) != EXIT_GOOD)
		return rc;
	if (report(ctx, w) != 0)
		return EXIT_CANNOT;
	end = verdict(ctx, w);
	return rc != EXIT_GOOD ? rc : end;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct work *w = state;
	int rc;

	if (argc != 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one zone")));
	if (dname_parse(sv_str(argv[0]), NULL, &w->zone) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("%s is no domain name")), argv[0]);
	if (w->dir == NULL && w->hsm.module == NULL)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say where the keys are: --from a folder, or --pkcs11 a token")));
	if (w->list != NULL && w->published != NULL && strcmp(w->list, w->published) == 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--list and --published are two files")));
	if (w->hsm.module != NULL && w->list == NULL && w->published == NULL)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("a token has keys of many zones: say which are this zone's, by --list or --published")));
	dns_lower(w->zone.w, w->zone.len);
	if ((w->pool = pool_new(ZONE_POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	findings_init(&w->fs, w->pool);
	rc = import(ctx, w);
	w->keys = key_import_free(w->keys);
	w->token = hsm_free(w->token);
	while (w->n_maps > 0)
		file_unmap(&w->map[--w->n_maps]);
	buf_done(&w->input);
	w->pool = pool_free(w->pool);
	return rc;
}

extern const struct cmd cmd_zone_import;
const struct cmd cmd_zone_import = {
	.area = "zone", .verb = "import", .args = "ZONE",
	.summary = N_("take over the keys of a zone from BIND, Knot, OpenDNSSEC or a token"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run, .verifies = true,
};
