/* sekisho rpki check: what of ours wants attention now. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/alarm.h"
#include "app/conf.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/rpki_state.h"
#include "crypto/crypto.h"
#include "out/escape.h"
#include "store/objects.h"

#define POOL_MAX	((size_t)16 << 20)
#define WANTED_SEC	(26 * 3600)	/* a server that nobody asks any more */

struct check_work {
	struct cmd_ctx		*ctx;
	bool			 nagios;
	struct conf		*conf;
	struct pool		*pool;
	struct findings		 fs;
	struct alarm_conf	 ours;
	int64_t			 built, earliest;
	size_t			 n_sources;
	struct buf		 b;
};

static const struct cmd_opt opts[] = {
	{ "nagios", 0, NULL, N_("one line and the exit status of a monitoring plugin") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o UNUSED,
    const char *arg UNUSED)
{
	((struct check_work *)state)->nagios = true;
	return 0;
}

static int
conf_read(struct check_work *w)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT, asns = BUF_INIT, prefixes = BUF_INIT;
	struct conf_error err;

	if (app_conf_load(w->ctx->conf, w->ctx->state, &w->conf, &err) < 0) {
		conf_error_text(&err, w->ctx->lang, &text);
		cmd_err("%.*s", SV_ARG(buf_get(&text)));
		return EXIT_CANNOT;
	}
	app_conf_lines(w->conf, CONF_ORG_ASNS, &asns);
	app_conf_lines(w->conf, CONF_ORG_PREFIXES, &prefixes);
	w->ours = (struct alarm_conf){
		.expiry_warn = app_conf_u32(w->conf, CONF_ALARM_EXPIRY),
		.repository_age = app_conf_u32(w->conf, CONF_ALARM_REPOSITORY),
		.data_age = app_conf_u32(w->conf, CONF_ALARM_DATA),
	};
	if (asns.rc < 0 || prefixes.rc < 0)
		return EXIT_CANNOT;
	return alarm_conf_lists(w->pool, buf_get(&asns), buf_get(&prefixes), &w->ours) < 0 ?
	    EXIT_CANNOT : 0;
}

static int
snapshot_judge(struct check_work *w, const char *dir)
{
	struct state_snapshot s = { 0 };
	int rc = rpki_snapshot_open(dir, NULL, &s);

	if (rc < 0) {
		cmd_err(tr(w->ctx->lang, N_("%s: no snapshot: %s; is this the state directory of \"sekisho serve\"?")),
		    dir, err_str(rc));
		return EXIT_CANNOT;
	}
	w->built = s.snap.built;
	w->earliest = s.snap.earliest;
	rc = alarm_snapshot(&w->ours, &s.snap, w->ctx->now, &w->fs);
	rpki_snapshot_done(&s);
	return rc < 0 ? EXIT_CANNOT : 0;
}

static bool
on_source(void *arg, const struct objects_source *s)
{
	struct check_work *w = arg;

	if (s->wanted + WANTED_SEC < w->ctx->now)
		return true;
	w->n_sources++;
	alarm_source(&w->ours, s->key, s->checked, w->ctx->now, &w->fs);
	return true;
}

/* Without fetching there is no object store, and nothing to say of servers. */
static int
sources_judge(struct check_work *w, const char *dir)
{
	_cleanup_(objects_reader_freep) struct objects_reader *r = NULL;
	_cleanup_(objects_view_freep) struct objects_view *v = NULL;
	char folder[STATE_DIR_MAX + 16];
	int rc;

	(void)snprintf(folder, sizeof(folder), "%s/objects", dir);
	if ((rc = objects_reader_open(folder, crypto_sha256, &r)) == -ENOENT)
		return 0;
	if (rc == 0)
		rc = objects_view_new(r, &v);
	if (rc == 0)
		rc = objects_view_sources(v, on_source, w);
	/* store/objects.h: without a pin, what was read may be written over by then. */
	if (rc == 0 && objects_view_commits(v) >= 2)
		rc = -EAGAIN;
	if (rc == 0)
		return 0;
	cmd_err("%s: %s", folder, err_str(rc));
	return EXIT_CANNOT;
}

static int
changes_judge(struct check_work *w, const char *dir)
{
	_cleanup_(history_reader_freep) struct history_reader *r = NULL;
	int rc = rpki_history_open(w->ctx, dir, &r);

	if (rc != 0)
		return rc;
	if ((rc = alarm_changes(&w->ours, r, w->ctx->now, &w->fs)) == 0)
		return 0;
	cmd_err("%s/" HISTORY_FILE ": %s", dir, err_str(rc));
	return EXIT_CANNOT;
}

/* --- output --- */

static void
json(struct check_work *w)
{
	struct json j = json_on(&w->b, false);
	char t[TIME_STRLEN];

	json_open(&j, '{');
	json_kv_str(&j, "built", time_str(w->built, t));
	json_kv_str(&j, "earliest_expiry", time_str(w->earliest, t));
	json_kv_u64(&j, "servers", w->n_sources);
	json_key(&j, "findings");
	json_open(&j, '[');
	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		finding_json(&j, f, w->ctx->lang);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_char(&w->b, '\n');
}

static void
text(struct check_work *w)
{
	enum lang lang = w->ctx->lang;
	char t[TIME_STRLEN];

	for (const struct finding *f = w->fs.head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		finding_text(&b, f, lang);
		buf_printf(&w->b, "%-6s %s  ", severity_name(f->def->severity), f->def->code);
		escape_term(&w->b, f->subject);
		buf_str(&w->b, "\n       ");
		escape_term(&w->b, buf_get(&b));
		buf_printf(&w->b, "\n       %s %s\n", tr(lang, N_("next:")), tr(lang, f->def->remedy));
	}
	buf_printf(&w->b, tr(lang, N_("data of %s; alarms: %llu, warnings: %llu, notes: %llu")),
	    time_str(w->built, t), (unsigned long long)w->fs.n_by_severity[SEV_REJECT],
	    (unsigned long long)w->fs.n_by_severity[SEV_WARN],
	    (unsigned long long)w->fs.n_by_severity[SEV_NOTE]);
	buf_char(&w->b, '\n');
	if (w->ours.n_asns + w->ours.n_prefixes == 0)
		buf_printf(&w->b, "%s\n", tr(lang, N_("nothing is known to be ours: name it in organisation: of the configuration")));
}

static int
nagios(struct check_work *w)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	const uint64_t *n = w->fs.n_by_severity;
	int code = n[SEV_REJECT] > 0 ? 2 : n[SEV_WARN] > 0 ? 1 : 0;
	const struct finding *worst = NULL;

	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		if (f->def->severity != SEV_NOTE &&
		    (worst == NULL || f->def->severity > worst->def->severity))
			worst = f;
	buf_printf(&w->b, "RPKI %s - ", words[code]);
	if (worst != NULL) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		finding_text(&b, worst, w->ctx->lang);
		/* "|" begins the figures. */
		for (size_t i = 0; i < b.len; i++)
			if (b.p[i] == '|')
				b.p[i] = '/';
		escape_term(&w->b, buf_get(&b));
		buf_char(&w->b, ' ');
	}
	buf_printf(&w->b, tr(w->ctx->lang, N_("(alarms: %llu, warnings: %llu)")),
	    (unsigned long long)n[SEV_REJECT], (unsigned long long)n[SEV_WARN]);
	buf_printf(&w->b, " | alarms=%llu warnings=%llu notes=%llu age=%llds servers=%zu\n",
	    (unsigned long long)n[SEV_REJECT], (unsigned long long)n[SEV_WARN],
	    (unsigned long long)n[SEV_NOTE], (long long)(w->ctx->now - w->built), w->n_sources);
	return code;
}

static int
work(struct check_work *w)
{
	const char *dir;
	int rc, code;

	if ((w->pool = pool_new(POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	findings_init(&w->fs, w->pool);
	if ((rc = conf_read(w)) != 0)
		return rc;
	dir = app_conf_str(w->conf, CONF_STATE);
	if ((rc = snapshot_judge(w, dir)) != 0 || (rc = sources_judge(w, dir)) != 0 ||
	    (rc = changes_judge(w, dir)) != 0)
		return rc;
	code = w->fs.n_by_severity[SEV_REJECT] + w->fs.n_by_severity[SEV_WARN] > 0 ?
	    EXIT_REJECTED : EXIT_GOOD;
	if (w->nagios)
		code = nagios(w);
	else if (w->ctx->json)
		json(w);
	else
		text(w);
	return w->b.rc < 0 || fwrite(w->b.p, 1, w->b.len, stdout) != w->b.len ?
	    EXIT_CANNOT : code;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv UNUSED)
{
	struct check_work *w = state;
	int code;

	w->ctx = ctx;
	if (argc != 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("this command takes no arguments")));
	code = work(w);
	buf_done(&w->b);
	w->conf = conf_free(w->conf);
	w->pool = pool_free(w->pool);
	return code;
}

extern const struct cmd cmd_rpki_check;
const struct cmd cmd_rpki_check = {
	.area = "rpki", .verb = "check", .args = "",
	.summary = N_("what of ours is gone, ends soon, or is not renewed; servers that do not answer"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct check_work),
	.run = run,
};
