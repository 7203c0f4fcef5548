/* sekisho rpki diff A B: two results, ours or a peer's. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/watch_compare.h"
#include "base/err.h"
#include "cmd/rpki_diff.h"

#define FINDINGS_POOL	(4 * 1024 * 1024)
#define STDOUT		1

static const struct cmd_opt opts[] = {
	{ "summary", 's', NULL, N_("only the counts") },
	{ "nagios", 0, NULL, N_("one line and the exit status of a monitoring plugin") },
	{ "warn", 0, "N", N_("with --nagios: warning from so many differences on (default 1)") },
	{ "crit", 0, "N", N_("with --nagios: critical from so many differences on (default: never)") },
	{ "out", 'o', "csv=FILE", N_("write the differing VRPs to this file, too") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct rpki_diff *d = state;
	int rc = 0;

	if (strcmp(o->name, "summary") == 0)
		d->summary = true;
	else if (strcmp(o->name, "nagios") == 0)
		d->nagios = true;
	else if (strcmp(o->name, "warn") == 0)
		rc = num_u32(sv_str(arg), 1, UINT32_MAX, &d->warn);
	else if (strcmp(o->name, "crit") == 0)
		rc = num_u32(sv_str(arg), 1, UINT32_MAX, &d->crit);
	else if (sv_starts(sv_str(arg), SV("csv=")) && arg[4] != '\0')
		d->csv = arg + 4;
	else
		rc = SE_SYNTAX;
	return rc == 0 ? 0 : cmd_usage(ctx, tr(ctx->lang,
	    N_("--%s: \"%s\" is not understood")), o->name, arg);
}

/* Why it could not be done: a monitoring system reads standard output. */
static int PRINTF(2, 3)
cannot(struct rpki_diff *d, const char *fmt, ...)
{
	char text[2 * STATE_DIR_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (d->nagios)
		buf_printf(&d->b, "RPKI-DIFF UNKNOWN - %s\n", text);
	else
		cmd_err("%s", text);
	return EXIT_CANNOT;
}

/* --- reading --- */

/* All kinds, whatever of them there is. */
static int
ours_take(struct rpki_diff *d, struct diff_result *r, const char *state)
{
	int rc;

	r->ours = true;
	r->info = (struct watch_source){ .format = "snapshot", .kinds = WATCH_KINDS_ALL };
	(void)snprintf(r->state, sizeof(r->state), "%s", state);
	if ((rc = snapshot_payloads(&r->s.snap, INT64_MIN, &r->p)) == 0)
		return 0;
	return cannot(d, "%s: %s", r->name, err_str(rc));
}

/* "42": of the state directory; "current": its newest. */
static int
serial_load(struct rpki_diff *d, struct diff_result *r, const uint32_t *serial)
{
	char dir[STATE_DIR_MAX];
	int rc = rpki_state_dir(d->ctx, dir);

	if (rc != 0)
		return d->nagios ? cannot(d, "%s", err_str(-ENOENT)) : rc;
	if ((rc = rpki_snapshot_open(dir, serial, &r->s)) < 0)
		return cannot(d, tr(d->ctx->lang, N_("%s/snapshots: serial %s: %s; rpki.snapshots says how many are kept")),
		    dir, r->name, err_str(rc));
	return ours_take(d, r, dir);
}

/* A state directory, maybe a copy of another machine's: its newest. */
static int
folder_load(struct rpki_diff *d, struct diff_result *r)
{
	int rc = rpki_snapshot_open(r->name, NULL, &r->s);

	if (rc < 0)
		return cannot(d, tr(d->ctx->lang, N_("%s/snapshots: %s; a folder must be a state directory of Sekisho")),
		    r->name, err_str(rc));
	return ours_take(d, r, r->name);
}

static int
list_failed(struct rpki_diff *d, const struct diff_result *r, int rc)
{
	enum lang lang = d->ctx->lang;

	if (rc == -ENOENT)
		return cannot(d, tr(lang, N_("%s: no such file; serials are numbers, the newest snapshot is \"current\"")),
		    r->name);
	if (rc == -EINVAL)
		return cannot(d, tr(lang, N_("%s: no regular file; write what comes from a pipe to a file first")),
		    r->name);
	if (rc != SE_SYNTAX && rc != SE_FORMAT)
		return cannot(d, "%s: %s", r->name, err_str(rc));
	return cannot(d, tr(lang, N_("%s, line %llu: %s; read are snapshots of Sekisho, and lists as JSON, CSV, SLURM or sets of OpenBGPD")),
	    r->name, (unsigned long long)r->info.line, err_str(rc));
}

/* Anybody's list; rows that are none are said, too. */
static int
list_load(struct rpki_diff *d, struct diff_result *r)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL);
	enum lang lang = d->ctx->lang;
	struct findings fs;
	int rc;

	if (pool == NULL)
		return cannot(d, "%s", err_str(-ENOMEM));
	findings_init(&fs, pool);
	if ((rc = watch_source_read(r->name, &fs, &r->p, &r->info)) < 0)
		return list_failed(d, r, rc);
	if (r->info.n_bad > 0 && !d->ctx->quiet && !d->nagios)
		cmd_err(tr(lang, N_("%s: %llu rows are no payloads and are left out")), r->name,
		    (unsigned long long)r->info.n_bad);
	if (r->info.n_filters > 0 && !d->ctx->quiet && !d->nagios)
		cmd_err(tr(lang, N_("%s: %llu filters are no payloads and do nothing here")), r->name,
		    (unsigned long long)r->info.n_filters);
	return 0;
}

static int
load(struct rpki_diff *d, struct diff_result *r)
{
	struct sv name = sv_str(r->name);
	uint32_t serial;
	int rc;

	if (num_u32(name, 0, UINT32_MAX, &serial) == 0)
		return serial_load(d, r, &serial);
	if (sv_eq_str(name, "current"))
		return serial_load(d, r, NULL);
	if (file_is_dir(r->name))
		return folder_load(d, r);
	rc = rpki_snapshot_file(r->name, &r->s);
	if (rc == 0)
		return ours_take(d, r, "");
	/* SE_FORMAT: no snapshot, so a list; what cannot be opened, it cannot be either. */
	if (rc == SE_FORMAT || rc == -ENOENT || rc == -EINVAL)
		return list_load(d, r);
	return cannot(d, "%s: %s", r->name, err_str(rc));
}

/* --- causes --- */

/* If both are ours, the newer one speaks: by its time, and by its serial. */
static int
causes_init(struct rpki_diff *d)
{
	const struct snapshot *s[2] = { &d->r[0].s.snap, &d->r[1].s.snap };
	bool both = d->r[0].ours && d->r[1].ours;

	if (!d->r[0].ours && !d->r[1].ours)
		return 0;
	d->ours = d->r[0].ours ? 0 : 1;
	if (both)
		d->ours = s[0]->built > s[1]->built || (s[0]->built == s[1]->built &&
		    (int32_t)(s[0]->stamp.serial - s[1]->stamp.serial) > 0) ? 0 : 1;
	d->causes = diff_causes_new(d->ctx, s[d->ours], both ? s[1 - d->ours] : NULL,
	    d->r[d->ours].state);
	return d->causes == NULL ? -ENOMEM : 0;
}

/* --- the command --- */

static int
show(struct rpki_diff *d)
{
	int code = rpki_diff_count(d) > 0 ? EXIT_REJECTED : EXIT_GOOD;

	if (d->nagios)
		return rpki_diff_nagios(d);
	if (d->ctx->json)
		rpki_diff_json(d);
	else if (!d->ctx->quiet)
		rpki_diff_text(d);
	return code;
}

static int
diff(struct rpki_diff *d)
{
	int code, rc;

	if ((code = load(d, &d->r[0])) != 0 || (code = load(d, &d->r[1])) != 0)
		return code;
	if ((rc = rpki_diff_compare(d)) < 0 || (rc = causes_init(d)) < 0)
		return cannot(d, "%s", err_str(rc));
	if ((d->r[0].info.kinds & d->r[1].info.kinds) == 0)
		return cannot(d, tr(d->ctx->lang, N_("%s (%s) and %s (%s) have nothing that could be compared")),
		    d->r[0].name, d->r[0].info.format, d->r[1].name, d->r[1].info.format);
	if (d->csv != NULL && (rc = rpki_diff_csv(d, d->csv)) < 0)
		return cannot(d, "%s: %s", d->csv, err_str(rc));
	return show(d);
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct rpki_diff *d = state;
	int code, rc;

	d->ctx = ctx;
	if (argc != 2)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("give two results: files, state directories, serials of the state directory, or \"current\"")));
	d->out = STDOUT;
	d->b = (struct buf)BUF_SINK(fd_write_all, &d->out);
	for (int i = 0; i < 2; i++)
		d->r[i].name = argv[i];
	code = diff(d);
	if ((rc = buf_flush(&d->b)) < 0) {
		cmd_err("%s: %s", tr(ctx->lang, N_("standard output")), err_str(rc));
		code = EXIT_CANNOT;
	}
	d->causes = diff_causes_free(d->causes);
	rpki_diff_lists_done(d);
	for (int i = 0; i < 2; i++) {
		payloads_done(&d->r[i].p);
		rpki_snapshot_done(&d->r[i].s);
	}
	buf_done(&d->b);
	return code;
}

extern const struct cmd cmd_rpki_diff;
const struct cmd cmd_rpki_diff = {
	.area = "rpki", .verb = "diff", .args = "A B",
	.summary = N_("compare two lists of payloads: ours, or other validators'"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct rpki_diff),
	.run = run,
};
