/* sekisho rpki exceptions show|slurm|check: the exceptions of the configuration. */
#include <stdio.h>
#include <string.h>

#include "app/exceptions.h"
#include "base/err.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/rpki.h"
#include "out/escape.h"
#include "out/table.h"

#define POOL_MAX	(8 * 1024 * 1024)

struct work {
	struct cmd_ctx		*ctx;
	bool			 nagios;
	struct conf		*conf;
	struct pool		*pool;
	struct findings		 fs;
	struct exceptions	 xs;
	struct slurm		*s;	/* what works now; NULL: refused */
};

static const struct cmd_opt opts[] = {
	{ "nagios", 0, NULL, N_("check: one line and the exit status of a monitoring plugin") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o UNUSED,
    const char *arg UNUSED)
{
	((struct work *)state)->nagios = true;
	return 0;
}

static void
say(void *arg UNUSED, const char *text)
{
	cmd_err("%s", text);
}

/* --- reading --- */

static int
conf_read(struct work *w)
{
	struct conf_error err;
	struct buf b = BUF_INIT;

	if (app_conf_load(w->ctx->conf, w->ctx->state, &w->conf, &err) == 0)
		return 0;
	conf_error_text(&err, w->ctx->lang, &b);
	cmd_err("%.*s", SV_ARG(buf_get(&b)));
	buf_done(&b);
	return err.code == CONF_E_FILE || err.code == CONF_OK ? EXIT_CANNOT : EXIT_REJECTED;
}

/* The exceptions and the SLURM files beside them, as validation takes them. */
static int
all_read(struct work *w)
{
	const struct complain c = { say, NULL, w->ctx->lang };
	const struct conf_value *v = &w->conf->values[CONF_RPKI_SLURM];
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	const char *files[SLURM_FILES_MAX];
	int64_t next;
	int rc;

	for (size_t i = 0; i < v->n && i < ARRAY_LEN(files); i++)
		files[i] = v->items[i].text.p;
	exceptions_text(w->conf, &text);
	if ((rc = text.rc) == 0)
		rc = exceptions_parse(w->pool, buf_get(&text), &w->xs);
	if (rc == 0)
		rc = exceptions_load(files, min_size(v->n, ARRAY_LEN(files)), buf_get(&text),
		    w->ctx->now, &w->fs, &c, &w->s, &next);
	return rc < 0 ? EXIT_CANNOT : 0;
}

/* --- show --- */

static const char *
state_of(const struct work *w, const struct exception *x)
{
	if (x->entry.expires <= w->ctx->now)
		return "expired";
	return x->entry.expires - EXCEPTION_WARN_SEC <= w->ctx->now ? "ends" : "works";
}

static const char *
state_word(const char *state, enum lang lang)
{
	if (strcmp(state, "expired") == 0)
		return tr(lang, N_("expired"));
	return strcmp(state, "ends") == 0 ? tr(lang, N_("ends soon")) : tr(lang, N_("works"));
}

static void
show_json(const struct work *w, struct buf *b)
{
	struct json j = json_on(b, false);

	json_open(&j, '[');
	for (size_t i = 0; i < w->xs.n; i++) {
		const struct exception *x = &w->xs.v[i];
		_cleanup_(buf_done) struct buf what = BUF_INIT;
		char until[TIME_STRLEN];

		slurm_entry_print(&what, &x->entry);
		json_open(&j, '{');
		json_kv_u64(&j, "line", x->line);
		json_kv_str(&j, "action", slurm_is_filter(x->entry.kind) ? "filter" : "assert");
		json_kv_str(&j, "kind", slurm_kind_name(x->entry.kind));
		json_kv_sv(&j, "what", buf_get(&what));
		json_kv_str(&j, "state", state_of(w, x));
		json_kv_str(&j, "until", time_str(x->entry.expires, until));
		json_kv_sv(&j, "owner", x->owner);
		json_kv_sv(&j, "reason", x->reason);
		json_kv_sv(&j, "ticket", x->ticket);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	buf_char(b, '\n');
}

static void
show_text(const struct work *w, struct buf *b)
{
	for (size_t i = 0; i < w->xs.n; i++) {
		const struct exception *x = &w->xs.v[i];
		_cleanup_(buf_done) struct buf what = BUF_INIT;
		char until[TIME_STRLEN];

		buf_str(&what, slurm_is_filter(x->entry.kind) ? "filter " : "assert ");
		slurm_entry_print(&what, &x->entry);
		buf_char(&what, '\0');
		table_cell(b, state_word(state_of(w, x), w->ctx->lang), 10, false);
		buf_printf(b, " %s  ", time_str(x->entry.expires, until));
		table_cell(b, what.rc == 0 ? what.p : "", 44, false);
		buf_char(b, ' ');
		escape_term(b, x->owner);
		buf_str(b, ": ");
		escape_term(b, x->reason);
		if (x->ticket.n > 0) {
			buf_str(b, " (");
			escape_term(b, x->ticket);
			buf_char(b, ')');
		}
		buf_printf(b, "  [%u]\n", x->line);
	}
}

static int
show(struct work *w, struct buf *b)
{
	if (w->ctx->json)
		show_json(w, b);
	else
		show_text(w, b);
	return EXIT_GOOD;
}

/* --- slurm --- */

/* The exceptions alone: the files are SLURM already. */
static int
slurm(struct work *w, struct buf *b)
{
	_cleanup_(slurm_freep) struct slurm *s = slurm_new();
	int64_t next;

	if (s == NULL || exceptions_compile(&w->xs, w->ctx->now, s, &w->fs, &next) < 0)
		return EXIT_CANNOT;
	slurm_write(s, b);
	return EXIT_GOOD;
}

/* --- check --- */

static int
nagios(const struct work *w, struct buf *b)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	size_t n_expired = 0, n_ends = 0;
	int code = w->s == NULL ? 2 : w->fs.n_by_severity[SEV_WARN] > 0 ? 1 : 0;

	for (size_t i = 0; i < w->xs.n; i++) {
		n_expired += strcmp(state_of(w, &w->xs.v[i]), "expired") == 0;
		n_ends += strcmp(state_of(w, &w->xs.v[i]), "ends") == 0;
	}
	buf_printf(b, "EXCEPTIONS %s - ", words[code]);
	buf_printf(b, tr(w->ctx->lang, N_("%zu exceptions, %zu end within a week, %zu have expired, %llu rejections")),
	    w->xs.n, n_ends, n_expired, (unsigned long long)w->fs.n_by_severity[SEV_REJECT]);
	buf_printf(b, " | exceptions=%zu ending=%zu expired=%zu rejected=%llu\n", w->xs.n, n_ends,
	    n_expired, (unsigned long long)w->fs.n_by_severity[SEV_REJECT]);
	return code;
}

static int
check(struct work *w, struct buf *b)
{
	struct json j = json_on(b, false);

	if (w->nagios)
		return nagios(w, b);
	if (w->ctx->json) {
		json_open(&j, '[');
		for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
			finding_json(&j, f, w->ctx->lang);
		json_close(&j, ']');
		buf_char(b, '\n');
	} else
		rpki_findings_show(w->ctx, &w->fs);
	return w->s == NULL ? EXIT_REJECTED : EXIT_GOOD;
}

static const struct {
	const char	*name;
	int		(*run)(struct work *, struct buf *);
} verbs[] = {
	{ "show", show },
	{ "slurm", slurm },
	{ "check", check },
};

static int
work(struct work *w, size_t verb)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc;

	if ((w->pool = pool_new(POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	findings_init(&w->fs, w->pool);
	if ((rc = conf_read(w)) != 0 || (rc = all_read(w)) != 0)
		return w->nagios ? 3 : rc;
	rc = verbs[verb].run(w, &b);
	if (cmd_out(&b) != 0)
		return w->nagios ? 3 : EXIT_CANNOT;
	return rc;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct work *w = state;
	size_t v;
	int rc;

	w->ctx = ctx;
	for (v = 0; v < ARRAY_LEN(verbs); v++)
		if (argc == 1 && strcmp(argv[0], verbs[v].name) == 0)
			break;
	if (v == ARRAY_LEN(verbs))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say show, slurm or check")));
	rc = work(w, v);
	w->s = slurm_free(w->s);
	w->conf = conf_free(w->conf);
	w->pool = pool_free(w->pool);
	return rc;
}

extern const struct cmd cmd_rpki_exceptions;
const struct cmd cmd_rpki_exceptions = {
	.area = "rpki", .verb = "exceptions", .args = "show|slurm|check",
	.summary = N_("the exceptions of the configuration: what they do, until when, as SLURM"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run,
};
