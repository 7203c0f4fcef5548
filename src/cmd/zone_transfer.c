/* sekisho zone transfer: the run-books of a move, proven before they are printed. */
#include "cmd/zone_transfer.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/zone.h"
#include "sys/atomicfile.h"
#include "sys/file.h"

static const struct cmd_opt opts[] = {
	{ "fact", 'f', "NAME=VALUE", N_("a fact of the move, such as help=exchange; may be repeated") },
	{ "start", 0, "TIME", N_("when the plan begins: the run-books get dates (else they count from the start)") },
	{ "history", 0, NULL, N_("print what all servers serve and when, as sekisho zone whatif reads it") },
	{ "output", 'o', "FILE", N_("write to this file (standard output)") },
	{ "losing-zone", 0, "FILE", N_("the losing side's zone file: its keys and name servers stand in the run-books") },
	{ "gaining-zone", 0, "FILE", N_("the same of the gaining side") },
	{ "check", 0, "FILE", N_("look at all servers which steps are done, and say which may be taken now; keep it in this file") },
	{ "done", 0, "STEP", N_("with --check: this step, which no server shows, is done (TRANSFER_REGISTRAR_ASK)") },
	{ "losing", 0, "ADDR[:PORT]", N_("with --check: a server of the losing side; may be repeated") },
	{ "gaining", 0, "ADDR[:PORT]", N_("with --check: a server of the gaining side; may be repeated") },
	{ "parent", 0, "ADDR[:PORT]", N_("with --check: a server of the parent; may be repeated") },
	{ "resolver", 0, "ADDR[:PORT]", N_("ask this resolver for servers and their addresses (that of /etc/resolv.conf)") },
	{ "timeout", 0, "SECONDS", N_("how long to wait for a server (5)") },
	{ 0 },
};

/* --losing, --gaining, --parent: was it one of them? */
static bool
server_opt(const struct cmd_ctx *ctx, struct transfer_work *w, const char *name, const char *arg, int *ret_rc)
{
	static const char *const places[TRANSFER_AT_MAX] = { "losing", "gaining", "parent" };

	*ret_rc = 0;
	for (unsigned i = 0; i < TRANSFER_AT_MAX; i++) {
		if (strcmp(name, places[i]) != 0)
			continue;
		if (w->n_server[i] == ASK_GIVEN_MAX)
			*ret_rc = cmd_usage(ctx, tr(ctx->lang, N_("--%s stands there more than %u times")), name, ASK_GIVEN_MAX);
		else
			w->server[i][w->n_server[i]++] = arg;
		return true;
	}
	return false;
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct transfer_work *w = state;
	int rc;

	if (server_opt(ctx, w, o->name, arg, &rc) || ask_opt(ctx, &w->ask, o, arg, &rc))
		return rc;
	if (strcmp(o->name, "check") == 0)
		w->check = arg;
	else if (strcmp(o->name, "done") == 0)
		w->done = arg;
	else if (strcmp(o->name, "losing-zone") == 0)
		w->zone_file[TRANSFER_AT_LOSING] = arg;
	else if (strcmp(o->name, "gaining-zone") == 0)
		w->zone_file[TRANSFER_AT_GAINING] = arg;
	else if (strcmp(o->name, "history") == 0)
		w->history = true;
	else if (strcmp(o->name, "output") == 0)
		w->output = arg;
	else if (strcmp(o->name, "start") == 0) {
		if (time_parse(sv_str(arg), &w->start) < 0 || w->start < TRANSFER_START_MIN)
			return cmd_usage(ctx, tr(ctx->lang, N_("--%s %s is no time; write it like 2026-11-22T09:30:00Z")), o->name, arg);
	} else {
		if (w->n_facts == TRANSFER_FACTS_MAX)
			return cmd_usage(ctx, tr(ctx->lang, N_("more than %u times --fact")), TRANSFER_FACTS_MAX);
		w->facts[w->n_facts++] = arg;
	}
	return 0;
}

/* A fault in a file is a finding; the finding's text says where. */
static int
file_facts(const struct cmd_ctx *ctx, struct transfer_work *w, const char *path)
{
	struct sv text;
	struct buf b = BUF_INIT;
	int rc = file_read(w->pool, FILE_CWD, path, TRANSFER_TEXT_MAX, &text);

	if (rc == 0)
		rc = transfer_facts_parse(text, &w->fs, &w->f);
	if (rc == 0)
		return 0;
	if (rc != SE_SYNTAX) {
		cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), path, zone_read_why(ctx, rc));
		return EXIT_CANNOT;
	}
	finding_text(&b, w->fs.head, ctx->lang);
	buf_char(&b, '\0');
	cmd_err("%s: %s", path, b.p == NULL ? "" : b.p);
	buf_done(&b);
	return EXIT_USAGE;
}

static int
facts_read(const struct cmd_ctx *ctx, struct transfer_work *w, int argc, char **argv)
{
	int rc = argc == 0 ? 0 : file_facts(ctx, w, argv[0]);

	for (size_t i = 0; i < w->n_facts && rc == 0; i++) {
		struct sv value = sv_str(w->facts[i]), name = sv_cut(&value, '=');
		const char *what = NULL;

		if (transfer_fact_set(&w->f, name, value, &what) < 0)
			rc = cmd_usage(ctx, "--fact %s: %s", w->facts[i], tr(ctx->lang, what));
	}
	return rc;
}

static int
history_print(const struct transfer_work *w, struct buf *b)
{
	_cleanup_(timeline_freep) struct timeline *h = NULL;
	int rc = transfer_history(&w->f, &w->plan, w->start > 0 ? w->start : TRANSFER_START_MIN, &h);

	if (rc < 0)
		return rc;
	timeline_print(h, b);
	return 0;
}

static int
out(const struct cmd_ctx *ctx, const struct transfer_work *w, const struct buf *b)
{
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	int rc;

	if (w->output == NULL)
		return cmd_out(b);
	if (b->rc < 0 || (rc = atomicfile_open(&f, w->output)) < 0 ||
	    (rc = fd_write_all(&f.fd, b->p, b->len)) < 0 || (rc = atomicfile_commit(&f)) < 0) {
		cmd_err(tr(ctx->lang, N_("cannot write %s: %s")), w->output, err_str(b->rc < 0 ? b->rc : rc));
		return EXIT_CANNOT;
	}
	return 0;
}

static int
plan(const struct cmd_ctx *ctx, struct transfer_work *w, struct buf *b)
{
	int rc = transfer_plan(&w->f, &w->fs, &w->plan);

	if (rc == -EPROTO) {
		zone_findings_print(ctx, &w->fs, b);
		return EXIT_REJECTED;
	}
	if (rc == 0 && w->history)
		rc = history_print(w, b);
	else if (rc == 0 && ctx->json)
		transfer_json_print(ctx, w, b);
	else if (rc == 0)
		transfer_text_print(ctx, w, b);
	if (rc < 0) {
		cmd_err(tr(ctx->lang, N_("the plan could not be made: %s")), err_str(rc));
		return EXIT_CANNOT;
	}
	return w->fs.n_by_severity[SEV_WARN] > 0 ? EXIT_REJECTED : EXIT_GOOD;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new((size_t)16 << 20);
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct transfer_work *w = state;
	int rc = 0, wrote;

	if (argc > 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one file of facts")));
	if ((w->pool = pool) == NULL)
		return EXIT_CANNOT;
	findings_init(&w->fs, pool);
	transfer_facts_init(&w->f);
	if ((rc = facts_read(ctx, w, argc, argv)) != 0)
		return rc;
	w->fs.subject = w->f.zone.n > 0 ? w->f.zone : SV("transfer");
	if (w->check != NULL)
		rc = transfer_check(ctx, w, &b);
	else if (argc == 0 && w->n_facts == 0)
		transfer_names_print(ctx, &b);
	else if ((rc = transfer_files_read(ctx, w)) == 0)
		rc = plan(ctx, w, &b);
	wrote = rc == EXIT_CANNOT || rc == EXIT_USAGE ? 0 : out(ctx, w, &b);
	return wrote != 0 ? EXIT_CANNOT : rc;
}

extern const struct cmd cmd_zone_transfer;
const struct cmd cmd_zone_transfer = {
	.area = "zone", .verb = "transfer", .args = "[FACTS]",
	.summary = N_("write the run-books of a zone's move to another operator or registrar"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct transfer_work),
	.run = run, .verifies = true,
};
