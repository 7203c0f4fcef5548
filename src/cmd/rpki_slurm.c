/* sekisho rpki slurm check|apply: SLURM files (RFC 8416), alone and on a result. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/vrps_feed.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd/rpki.h"
#include "cmd/rpki_whatif.h"
#include "out/escape.h"
#include "out/payloads_out.h"
#include "out/table.h"
#include "sys/atomicfile.h"
#include "sys/file.h"

#define OUTS_MAX	8
#define POOL_MAX	(16 * 1024 * 1024)

struct work {
	struct cmd_ctx	*ctx;
	const char	*in, *routes;		/* --in, --routes */
	struct whatif	 whatif;
	struct {
		const struct payloads_format *format;
		const char	*path;
	}		 outs[OUTS_MAX];
	unsigned	 n_outs;
	struct pool	*pool;
	struct findings	 fs;
	struct slurm	*s;
	struct payloads	 p;
	size_t		 n_before;		/* payloads of --in */
};

static const struct cmd_opt opts[] = {
	{ "in", 0, "RESULT.json", N_("a validator's JSON list: say what each entry does there, apply to it") },
	{ "routes", 0, "FILE", N_("check: routes, \"PREFIX ASN\" a line: say whose state would change (with --in)") },
	{ "output", 'o', "FORMAT=FILE", N_("apply: write json, routinator, csv, bird, openbgpd or slurm; may be repeated; - is standard output") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct work *w = state;
	struct sv path = sv_str(arg), name;

	if (strcmp(o->name, "output") != 0) {
		*(strcmp(o->name, "in") == 0 ? &w->in : &w->routes) = arg;
		return 0;
	}
	name = sv_cut(&path, '=');
	if (payloads_format_find(name) == NULL || path.n == 0 || w->n_outs == OUTS_MAX)
		return cmd_usage(ctx, tr(ctx->lang,
		    N_("-o %s is not FORMAT=FILE with a known format, or there are too many")), arg);
	w->outs[w->n_outs].format = payloads_format_find(name);
	w->outs[w->n_outs++].path = path.p;
	return 0;
}

static void
say(void *arg UNUSED, const char *text)
{
	cmd_err("%s", text);
}

/* --- reading --- */

struct source {
	struct sv	data;
};

static long
source_read(void *arg, void *to, size_t n)
{
	struct source *s = arg;

	n = min_size(n, s->data.n);
	if (n > 0)
		memcpy(to, s->data.p, n);
	s->data = sv_skip(s->data, n);
	return (long)n;
}

static int
result_read(struct work *w)
{
	struct vrps_info info = { 0 };
	struct file_map map;
	struct source src;
	size_t dropped;
	int rc = file_map(w->in, VRPS_JSON_MAX, &map);

	if (rc == 0) {
		src.data = map.data;
		rc = vrps_json_read(source_read, &src, &w->fs, &w->p, &info);
		file_unmap(&map);
	}
	if (rc == 0)
		rc = payloads_merge(&w->p, &dropped);
	if (rc < 0)
		cmd_err(tr(w->ctx->lang, N_("cannot read the result %s (line %llu): %s")), w->in,
		    (unsigned long long)info.line, err_str(rc));
	w->n_before = w->p.n_vrps + w->p.n_router_keys + w->p.n_aspas;
	return rc;
}

/* 0, EXIT_REJECTED (the findings say why) or EXIT_CANNOT. */
static int
files_read(struct work *w, int argc, char **argv)
{
	const struct complain c = { say, NULL, w->ctx->lang };
	int64_t next;

	w->fs.subject = sv_str(w->in != NULL ? w->in : "");
	if (w->in != NULL && result_read(w) < 0)
		return EXIT_CANNOT;
	if (exceptions_load((const char *const *)argv, (size_t)argc, SV(""), w->ctx->now, &w->fs,
	    &c, &w->s, &next) < 0)
		return EXIT_CANNOT;
	return w->s != NULL ? 0 : EXIT_REJECTED;
}

static int
effects_find(struct work *w)
{
	bool routes = w->routes != NULL;
	int rc = routes ? whatif_side_make(&w->whatif.before, &w->p, w->ctx->now) : 0;

	if (rc == 0)
		rc = slurm_apply(w->s, w->ctx->now, &w->p);
	if (rc == 0 && routes)
		rc = whatif_side_make(&w->whatif.after, &w->p, w->ctx->now);
	if (rc < 0)
		cmd_err("%s", err_str(rc));
	else
		slurm_effects(w->s, &w->fs);
	return rc < 0 ? EXIT_CANNOT : 0;
}

/* --- saying --- */

static void
effect_text(const struct work *w, const struct slurm_entry *e, struct buf *b)
{
	enum lang lang = w->ctx->lang;

	if (w->in == NULL)
		return;
	if (!slurm_is_filter(e->kind))
		buf_str(b, e->n_effect > 0 ? tr(lang, N_("adds one")) :
		    tr(lang, N_("is there already: no effect")));
	else if (e->n_effect == 0)
		buf_str(b, tr(lang, N_("matches nothing: no effect")));
	else
		buf_printf(b, tr(lang, N_("removes %llu")), (unsigned long long)e->n_effect);
}

static void
entries_text(const struct work *w, struct buf *b)
{
	for (size_t i = 0; i < w->s->n; i++) {
		const struct slurm_entry *e = &w->s->entries[i];
		_cleanup_(buf_done) struct buf what = BUF_INIT, effect = BUF_INIT;

		slurm_entry_print(&what, e);
		buf_char(&what, '\0');
		effect_text(w, e, &effect);
		buf_char(&effect, '\0');
		escape_term(b, sv_str(w->s->files[e->file]));
		buf_str(b, ": ");
		escape_term(b, e->where);
		buf_str(b, "  ");
		table_cell(b, what.rc == 0 ? what.p : "", 36, false);
		buf_printf(b, " %s", effect.rc == 0 ? effect.p : "");
		if (e->comment.n > 0) {
			buf_str(b, "  # ");
			escape_term(b, e->comment);
		}
		buf_char(b, '\n');
	}
}

static void
entries_json(const struct work *w, struct json *j)
{
	json_key(j, "entries");
	json_open(j, '[');
	for (size_t i = 0; w->s != NULL && i < w->s->n; i++) {
		const struct slurm_entry *e = &w->s->entries[i];
		_cleanup_(buf_done) struct buf what = BUF_INIT;

		slurm_entry_print(&what, e);
		json_open(j, '{');
		json_kv_str(j, "file", w->s->files[e->file]);
		json_kv_sv(j, "where", e->where);
		json_kv_str(j, "kind", slurm_kind_name(e->kind));
		json_kv_sv(j, "what", buf_get(&what));
		json_key(j, "comment");
		if (e->comment.p != NULL)
			json_sv(j, e->comment);
		else
			json_nil(j);
		json_key(j, "effect");
		if (w->in != NULL)
			json_u64(j, e->n_effect);
		else
			json_nil(j);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* Of all routes that change: "3 valid -> invalid". */
static void
changes_text(const struct work *w, struct buf *b)
{
	uint64_t same = 0;

	for (int x = 0; x < ROV_MAX; x++)
		for (int y = 0; y < ROV_MAX; y++)
			if (x == y)
				same += w->whatif.n[x][y];
			else if (w->whatif.n[x][y] > 0)
				buf_printf(b, "%llu %s -> %s\n", (unsigned long long)w->whatif.n[x][y],
				    rov_name((enum rov)x), rov_name((enum rov)y));
	buf_printf(b, tr(w->ctx->lang, N_("%llu routes stay as they are\n")), (unsigned long long)same);
}

static int
check_text(struct work *w, struct buf *b)
{
	int rc = 0;

	rpki_findings_show(w->ctx, &w->fs);
	if (w->s == NULL || w->ctx->quiet)
		return 0;
	entries_text(w, b);
	if (w->routes == NULL)
		return 0;
	buf_char(b, '\n');
	rc = whatif_routes(&w->whatif, w->ctx, w->routes, b, NULL);
	changes_text(w, b);
	return rc;
}

static int
check_json(struct work *w, struct buf *b)
{
	struct json j = json_on(b, false);
	int rc = 0;

	json_open(&j, '{');
	json_kv_bool(&j, "good", w->s != NULL);
	json_key(&j, "before");
	if (w->in != NULL)
		json_u64(&j, w->n_before);
	else
		json_nil(&j);
	json_key(&j, "after");
	if (w->in != NULL && w->s != NULL)
		json_u64(&j, w->p.n_vrps + w->p.n_router_keys + w->p.n_aspas);
	else
		json_nil(&j);
	entries_json(w, &j);
	json_key(&j, "findings");
	json_open(&j, '[');
	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		finding_json(&j, f, w->ctx->lang);
	json_close(&j, ']');
	if (w->routes != NULL && w->s != NULL) {
		json_key(&j, "routes");
		json_open(&j, '[');
		rc = whatif_routes(&w->whatif, w->ctx, w->routes, NULL, &j);
		json_close(&j, ']');
	}
	json_close(&j, '}');
	buf_char(b, '\n');
	return rc;
}

static int
check(struct work *w, int argc, char **argv)
{
	int fd = 1, rc;
	struct buf b = BUF_SINK(fd_write_all, &fd);

	if (w->routes != NULL && w->in == NULL)
		return cmd_usage(w->ctx, "%s", tr(w->ctx->lang, N_("--routes needs --in RESULT.json")));
	rc = files_read(w, argc, argv);
	if (rc == EXIT_CANNOT || (rc == 0 && w->in != NULL && effects_find(w) != 0))
		return EXIT_CANNOT;
	if ((w->ctx->json ? check_json(w, &b) : check_text(w, &b)) < 0 || buf_flush(&b) < 0)
		rc = EXIT_CANNOT;
	buf_done(&b);
	return rc;
}

/* --- applying --- */

static int
out_write(const struct work *w, const struct payloads_format *format, const char *path)
{
	_cleanup_(atomicfile_done) struct atomicfile file = { .fd = -1 };
	const struct payloads_meta meta = { .built = w->ctx->now };
	int rc = atomicfile_open(&file, path);

	if (rc == 0) {
		_cleanup_(buf_done) struct buf b = BUF_SINK(fd_write_all, &file.fd);

		format->write(&b, &w->p, &meta);
		rc = buf_flush(&b);
	}
	if (rc == 0)
		rc = atomicfile_commit(&file);
	if (rc < 0)
		cmd_err("%s: %s", path, err_str(rc));
	return rc;
}

static int
apply(struct work *w, int argc, char **argv)
{
	int rc;

	if (w->in == NULL)
		return cmd_usage(w->ctx, "%s", tr(w->ctx->lang, N_("apply needs --in RESULT.json")));
	if ((rc = files_read(w, argc, argv)) == 0)
		rc = effects_find(w);
	rpki_findings_show(w->ctx, &w->fs);
	if (rc != 0)
		return rc;
	if (w->n_outs == 0)
		return out_write(w, payloads_format_find(SV("json")), "-") < 0 ? EXIT_CANNOT : EXIT_GOOD;
	for (unsigned i = 0; i < w->n_outs && rc == 0; i++)
		rc = out_write(w, w->outs[i].format, w->outs[i].path);
	return rc < 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static const struct {
	const char	*name;
	int		(*run)(struct work *, int argc, char **argv);
} verbs[] = {
	{ "check", check },
	{ "apply", apply },
};

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct work *w = state;
	int rc = EXIT_CANNOT;
	size_t v;

	w->ctx = ctx;
	for (v = 0; v < ARRAY_LEN(verbs); v++)
		if (argc > 0 && strcmp(argv[0], verbs[v].name) == 0)
			break;
	if (v == ARRAY_LEN(verbs) || argc < 2)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say check or apply, and at least one SLURM file")));
	if ((w->pool = pool_new(POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	findings_init(&w->fs, w->pool);
	rc = verbs[v].run(w, argc - 1, argv + 1);
	w->s = slurm_free(w->s);
	payloads_done(&w->p);
	whatif_done(&w->whatif);
	w->pool = pool_free(w->pool);
	return rc;
}

extern const struct cmd cmd_rpki_slurm;
const struct cmd cmd_rpki_slurm = {
	.area = "rpki", .verb = "slurm", .args = "check|apply FILE …",
	.summary = N_("check SLURM files, say what they do to a result, or apply them"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run,
};
