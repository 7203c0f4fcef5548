/* sekisho rtr lint: what is missing or unsafe in a router's configuration. */
#include <stdio.h>
#include <string.h>

#include "app/kit.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "out/escape.h"
#include "sys/file.h"

#define POOL_MAX	((size_t)32 * 1024 * 1024)	/* the file, and its findings */
#define OUTAGE_DEFAULT	3600	/* a machine is updated and validates anew */

struct work {
	struct cmd_ctx		*ctx;
	const struct kit_vendor	*vendor;
	uint32_t		 outage;
	bool			 nagios;
	struct pool		*pool;
	struct findings		 fs;
	struct kit_report	 report;
};

static const struct cmd_opt opts[] = {
	{ "vendor", 0, "NAME", N_("ios-xr, junos, eos, sros, sros-md, frr, bird or openbgpd") },
	{ "outage", 0, "SECONDS", N_("how long a cache may be away without being forgotten (3600)") },
	{ "nagios", 0, NULL, N_("one line and 0, 1, 2 or 3 for a monitoring system") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct work *w = state;

	if (strcmp(o->name, "nagios") == 0) {
		w->nagios = true;
		return 0;
	}
	if (strcmp(o->name, "outage") == 0) {
		if (num_u32(sv_str(arg), 1, 172800, &w->outage) < 0)
			return cmd_usage(ctx, tr(ctx->lang, N_("--outage %s is not 1 to 172800 seconds")), arg);
		return 0;
	}
	if ((w->vendor = kit_vendor_find(sv_str(arg))) == NULL)
		return cmd_usage(ctx, tr(ctx->lang,
		    N_("--vendor %s is unknown; known are ios-xr, junos, eos, sros, sros-md, frr, bird and openbgpd")), arg);
	return 0;
}

static bool
is_good(const struct work *w)
{
	return w->fs.n_by_severity[SEV_WARN] + w->fs.n_by_severity[SEV_REJECT] == 0;
}

static void
finding_line(const struct work *w, const struct finding *f, struct buf *b)
{
	_cleanup_(buf_done) struct buf t = BUF_INIT;

	finding_text(&t, f, w->ctx->lang);
	buf_printf(b, "%s %s: ", severity_name(f->def->severity), f->def->code);
	if (t.rc == 0)
		escape_term(b, buf_get(&t));
	buf_char(b, '\n');
	if (f->def->severity != SEV_NOTE && !w->ctx->quiet)
		buf_printf(b, "  %s\n", tr(w->ctx->lang, f->def->remedy));
}

static void
text_print(const struct work *w, struct buf *b)
{
	const struct kit_report *r = &w->report;

	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		finding_line(w, f, b);
	if (w->ctx->quiet)
		return;
	buf_printf(b, tr(w->ctx->lang,
	    N_("%u caches, %u policies, %u external sessions (%u with a policy for invalid routes), %u internal\n")),
	    r->n_caches, r->n_policies, r->n_external, r->n_covered, r->n_internal);
	buf_printf(b, tr(w->ctx->lang,
	    N_("%u statements: %u read, %u of other things, %u not understood\n")),
	    r->n_lines, r->n_read, r->n_lines - r->n_read - (r->n_unread < r->n_lines - r->n_read ?
	    r->n_unread : r->n_lines - r->n_read), r->n_unread);
}

static void
json_print(const struct work *w, const char *file, struct buf *b)
{
	const struct kit_report *r = &w->report;
	struct json j = json_on(b, true);

	json_open(&j, '{');
	json_kv_str(&j, "file", file);
	json_kv_str(&j, "vendor", kit_vendor_name(w->vendor));
	json_kv_bool(&j, "good", is_good(w));
	json_kv_u64(&j, "caches", r->n_caches);
	json_kv_u64(&j, "policies", r->n_policies);
	json_kv_u64(&j, "external_sessions", r->n_external);
	json_kv_u64(&j, "covered", r->n_covered);
	json_kv_u64(&j, "unsure", r->n_unsure);
	json_kv_u64(&j, "internal_sessions", r->n_internal);
	json_kv_u64(&j, "statements", r->n_lines);
	json_kv_u64(&j, "read", r->n_read);
	json_kv_u64(&j, "not_understood", r->n_unread);
	json_key(&j, "findings");
	json_open(&j, '[');
	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		finding_json(&j, f, w->ctx->lang);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_char(b, '\n');
}

static int
nagios_print(const struct work *w, struct buf *b)
{
	const struct kit_report *r = &w->report;
	int rc = findings_reject(&w->fs) ? 2 : is_good(w) ? 0 : 1;
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };

	buf_printf(b, "KIT %s: ", words[rc]);
	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		if (f->def->severity != SEV_NOTE)
			buf_printf(b, "%s ", f->def->code);
	buf_printf(b, "| caches=%u external=%u covered=%u\n", r->n_caches, r->n_external, r->n_covered);
	return rc;
}

/* Exit code. */
static int
report(const struct work *w, const char *file)
{
	int fd = 1, rc = is_good(w) ? EXIT_GOOD : EXIT_REJECTED;
	struct buf b = BUF_SINK(fd_write_all, &fd);

	if (w->nagios)
		rc = nagios_print(w, &b);
	else if (w->ctx->json)
		json_print(w, file, &b);
	else
		text_print(w, &b);
	if (buf_flush(&b) < 0)
		rc = EXIT_CANNOT;
	buf_done(&b);
	return rc;
}

static int
cannot(const struct work *w, const char *file, int rc)
{
	if (w->nagios)
		printf("KIT UNKNOWN: %s\n", err_str(rc));
	else
		cmd_err(tr(w->ctx->lang, N_("cannot read %s: %s")), file, err_str(rc));
	return EXIT_CANNOT;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct work *w = state;
	struct sv text;
	int rc;

	w->ctx = ctx;
	if (w->vendor == NULL)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say the router's --vendor")));
	if (argc != 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one file with the router's configuration")));
	if (w->outage == 0)
		w->outage = OUTAGE_DEFAULT;
	if ((w->pool = pool_new(POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	findings_init(&w->fs, w->pool);
	w->fs.subject = sv_str(argv[0]);
	rc = file_read(w->pool, FILE_CWD, argv[0], KIT_FILE_MAX, &text);
	if (rc == 0)
		rc = kit_lint(w->vendor, text, w->outage, &w->fs, &w->report);
	rc = rc < 0 ? cannot(w, argv[0], rc) : report(w, argv[0]);
	w->pool = pool_free(w->pool);
	return rc;
}

extern const struct cmd cmd_rtr_lint;
const struct cmd cmd_rtr_lint = {
	.area = "rtr", .verb = "lint", .args = "FILE",
	.summary = N_("say what is missing or unsafe in a router's configuration"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run,
};
