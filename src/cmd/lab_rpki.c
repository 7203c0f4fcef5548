/* sekisho lab rpki: make a world of keys and signatures, whole or broken. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/cmd.h"
#include "inr/inr.h"
#include "lab/lab.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/par.h"

#define FAULTS_MAX	64		/* --fault options in one run */
#define TEXT_MAX	(64u << 20)
#define STEPS_MAX	1000
#define EVERY_MAX	(366u * 86400)

struct state {
	const char	*tree, *rrdp, *notification, *tal, *vrps, *scale;
	const char	*from_vrps, *servers, *rsync;
	const char	*faults[FAULTS_MAX];
	size_t		 n_faults;
	uint64_t	 seed;
	uint64_t	 take;
	bool		 seed_given, list_faults, steps_given, churn_given, every_given;
	uint32_t	 jobs, steps, churn, every;
};

static const struct cmd_opt opts[] = {
	{ "tree", 'o', "DIR", N_("write a file for every object below DIR/host/module") },
	{ "rrdp", 0, "FILE", N_("write an RRDP snapshot; compressed if FILE ends in .gz") },
	{ "notification", 0, "FILE", N_("write the RRDP notification, too (needs --rrdp)") },
	{ "tal", 0, "FILE", N_("write the trust anchor locator; into a folder if not named .tal") },
	{ "vrps", 0, "FILE", N_("write the payloads of the world without its faults (CSV)") },
	{ "fault", 0, "NAME[@PLACE]", N_("break it on purpose; may be repeated") },
	{ "list-faults", 0, NULL, N_("list all faults and the findings they cause") },
	{ "scale", 0, "CAS,ROAS", N_("no description: so many CAs with so many ROAs each") },
	{ "from-vrps", 0, "FILE", N_("no description: a world with the payloads of this list (JSON, .bz2)") },
	{ "take", 0, "N", N_("a sample of so many payloads of the list") },
	{ "servers", 0, "DIR", N_("write the folders of all publication servers below DIR") },
	{ "rsync", 0, "WHICH", N_("trees for rsync: all, none, or HOST,…; by default for small worlds") },
	{ "steps", 0, "N", N_("let the world move N times (needs --servers)") },
	{ "churn", 0, "PERMILLE", N_("of the ROAs, added, changed or withdrawn in each step") },
	{ "every", 0, "SECONDS", N_("between two steps; 600 by default") },
	{ "seed", 0, "N", N_("the same number makes the same keys") },
	{ "jobs", 'j', "N", N_("threads; by default one a processor") },
	{ 0 },
};

static int
fault_opt(struct cmd_ctx *ctx, struct state *s, const char *arg)
{
	if (s->n_faults == FAULTS_MAX)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("too many faults in one run")));
	s->faults[s->n_faults++] = arg;
	return 0;
}

static int
number_opt(struct cmd_ctx *ctx, struct state *s, const char *name, const char *arg)
{
	const struct {
		const char *name;
		uint32_t min, max, *to;
		bool *given;
	} small[] = {
		{ "jobs", 1, PAR_JOBS_MAX, &s->jobs, NULL },
		{ "steps", 0, STEPS_MAX, &s->steps, &s->steps_given },
		{ "churn", 0, 1000, &s->churn, &s->churn_given },
		{ "every", 1, EVERY_MAX, &s->every, &s->every_given },
	};
	int rc = 0;

	if (strcmp(name, "seed") == 0) {
		s->seed_given = true;
		rc = num_u64(sv_str(arg), 0, UINT64_MAX, &s->seed);
	} else if (strcmp(name, "take") == 0)
		rc = num_u64(sv_str(arg), 1, UINT64_MAX, &s->take);
	for (size_t i = 0; i < ARRAY_LEN(small) && rc == 0; i++) {
		if (strcmp(name, small[i].name) != 0)
			continue;
		rc = num_u32(sv_str(arg), small[i].min, small[i].max, small[i].to);
		if (small[i].given != NULL)
			*small[i].given = true;
	}
	if (rc < 0)
		return cmd_usage(ctx, tr(ctx->lang,
		    N_("--%s %s is not a number in the allowed range")), name, arg);
	return 0;
}

static int
lab_opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct state *s = state;
	const struct { const char *name, **to; } files[] = {
		{ "tree", &s->tree }, { "rrdp", &s->rrdp },
		{ "notification", &s->notification }, { "tal", &s->tal },
		{ "vrps", &s->vrps }, { "scale", &s->scale },
		{ "from-vrps", &s->from_vrps }, { "servers", &s->servers }, { "rsync", &s->rsync },
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (strcmp(o->name, files[i].name) == 0) {
			*files[i].to = arg;
			return 0;
		}
	if (strcmp(o->name, "fault") == 0)
		return fault_opt(ctx, s, arg);
	if (strcmp(o->name, "list-faults") == 0) {
		s->list_faults = true;
		return 0;
	}
	return number_opt(ctx, s, o->name, arg);
}

/* --- the list of faults --- */

static int
faults_print(const struct cmd_ctx *ctx)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);

	if (ctx->json)
		json_open(&j, '[');
	for (size_t i = 0; i < lab_n_faults(); i++) {
		struct lab_fault_info f = lab_fault_info(i);

		if (!ctx->json) {
			buf_printf(&b, "%-26s %-12s %-26s %s\n", f.name, f.place,
			    f.code != NULL ? f.code : "-", tr(ctx->lang, f.text));
			continue;
		}
		json_open(&j, '{');
		json_kv_str(&j, "fault", f.name);
		json_kv_str(&j, "place", f.place);
		json_kv_str(&j, "code", f.code);
		json_kv_str(&j, "text", tr(ctx->lang, f.text));
		json_close(&j, '}');
	}
	if (ctx->json) {
		json_close(&j, ']');
		buf_char(&b, '\n');
	}
	return cmd_out(&b);
}

/* --- the world --- */

static int
cannot_write(const struct cmd_ctx *ctx, const char *path, int rc)
{
	cmd_err(tr(ctx->lang, N_("cannot write %s: %s; check the folder, its owner and the free space")),
	    path, err_str(rc));
	return EXIT_CANNOT;
}

static int
cannot_make(const struct cmd_ctx *ctx, const char *what, int rc)
{
	cmd_err(tr(ctx->lang, N_("%s: the world could not be made: %s; try a smaller one")),
	    what, err_str(rc));
	return EXIT_CANNOT;
}

static int
refused(const struct cmd_ctx *ctx, const char *file, const struct lab_error *e, int rc)
{
	if (e->msg == NULL)
		return cannot_make(ctx, file, rc);
	if (e->line > 0)
		cmd_err("%s:%u: %.*s %s", file, e->line, SV_ARG(e->word), tr(ctx->lang, e->msg));
	else if (e->word.n > 0)
		cmd_err("%s: %.*s %s", file, SV_ARG(e->word), tr(ctx->lang, e->msg));
	else
		cmd_err("%s: %s", file, tr(ctx->lang, e->msg));
	return EXIT_USAGE;
}

/* The description: a file, or made by --scale. */
static int
text_get(struct cmd_ctx *ctx, const struct state *s, struct pool *pool, const char *file,
    struct buf *scale, struct sv *ret)
{
	struct sv roas = sv_str(s->scale), cas;
	uint32_t n_cas, n_roas;
	int rc;

	if (s->scale == NULL) {
		rc = file_read(pool, FILE_CWD, file, TEXT_MAX, ret);
		if (rc == 0)
			return 0;
		cmd_err(tr(ctx->lang, N_("cannot read the description %s: %s; see sekisho-lab(5)")),
		    file, err_str(rc));
		return EXIT_CANNOT;
	}
	cas = sv_cut(&roas, ',');
	if (num_u32(cas, 1, 100000, &n_cas) < 0 || num_u32(roas, 1, 10000, &n_roas) < 0 ||
	    (uint64_t)n_cas * n_roas > 1000000)
		return cmd_usage(ctx, tr(ctx->lang,
		    N_("--scale %s: write CAS,ROAS; together at most a million ROAs")), s->scale);
	lab_scale(scale, n_cas, n_roas);
	*ret = buf_get(scale);
	return scale->rc < 0 ? cannot_make(ctx, "--scale", scale->rc) : 0;
}

static int
faults_add(const struct cmd_ctx *ctx, const struct state *s, struct lab_world *w)
{
	for (size_t i = 0; i < s->n_faults; i++) {
		struct lab_error e = { 0 };
		struct sv at = sv_str(s->faults[i]), name = sv_cut(&at, '@');
		int rc = lab_fault_add(w, name, at, &e);

		if (rc < 0)
			return refused(ctx, "--fault", &e, rc);
	}
	return 0;
}

/* --- writing --- */

static int
buf_file(const struct cmd_ctx *ctx, const char *path, const struct buf *b)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	int rc = atomicfile_open(&f, path);

	if (rc == 0)
		rc = b->rc;
	if (rc == 0)
		rc = fd_write_all(&f.fd, b->p, b->len);
	if (rc == 0)
		rc = atomicfile_commit(&f);
	return rc < 0 ? cannot_write(ctx, path, rc) : 0;
}

/* The snapshot goes straight to the file: it may be large. */
static int
rrdp_out(const struct cmd_ctx *ctx, const struct state *s, const struct lab_world *w)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	_cleanup_(buf_done) struct buf b = BUF_SINK(fd_write_all, &f.fd);
	_cleanup_(buf_done) struct buf n = BUF_INIT;
	uint8_t hash[32];
	int rc = atomicfile_open(&f, s->rrdp);

	if (rc == 0)
		rc = lab_rrdp_write(w, &b, sv_ends(sv_str(s->rrdp), SV(".gz")), hash);
	if (rc == 0)
		rc = buf_flush(&b);
	if (rc == 0)
		rc = atomicfile_commit(&f);
	if (rc < 0)
		return cannot_write(ctx, s->rrdp, rc);
	if (s->notification == NULL)
		return 0;
	lab_notification_write(w, &n, hash);
	return buf_file(ctx, s->notification, &n);
}

static int
tal_out(const struct cmd_ctx *ctx, const struct state *s, const struct lab_world *w, size_t i)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT, path = BUF_INIT;

	lab_tal_write(w, i, &b);
	if (sv_ends(sv_str(s->tal), SV(".tal")) || strcmp(s->tal, "-") == 0)
		return buf_file(ctx, s->tal, &b);
	buf_printf(&path, "%s/%s.tal", s->tal, lab_ta_name(w, i));
	buf_char(&path, '\0');
	return path.rc < 0 ? cannot_write(ctx, s->tal, path.rc) : buf_file(ctx, path.p, &b);
}

static int
tals_out(const struct cmd_ctx *ctx, const struct state *s, const struct lab_world *w)
{
	size_t n = lab_n_tas(w);
	int rc;

	if (sv_ends(sv_str(s->tal), SV(".tal"))) {
		if (n > 1)
			return cmd_usage(ctx, tr(ctx->lang,
			    N_("--tal %s: the world has several trust anchors; name a folder")), s->tal);
	} else if (strcmp(s->tal, "-") != 0 && (rc = dir_make(s->tal)) < 0)
		return cannot_write(ctx, s->tal, rc);
	for (size_t i = 0; i < n; i++)
		if ((rc = tal_out(ctx, s, w, i)) != 0)
			return rc;
	return 0;
}

static int
vrps_out(const struct cmd_ctx *ctx, const struct state *s, const struct lab_world *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	lab_vrps_csv(w, &b);
	return buf_file(ctx, s->vrps, &b);
}

static int
summary_out(const struct cmd_ctx *ctx, const struct state *s, const struct lab_world *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);
	char now[TIME_STRLEN];

	if (!ctx->json) {
		if (!ctx->quiet && lab_n_servers(w) > 1)
			printf(tr(ctx->lang, N_("%zu publication servers, %zu CAs\n")),
			    lab_n_servers(w), lab_n_cas(w));
		if (!ctx->quiet)
			printf(tr(ctx->lang, N_("%zu objects, %zu trust anchors, current at %s\n")),
			    lab_n_objects(w), lab_n_tas(w), time_str(lab_now(w), now));
		return 0;
	}
	if (s->servers != NULL)
		lab_servers_json(w, &j);
	else
		lab_json(w, &j);
	buf_char(&b, '\n');
	return cmd_out(&b);
}

static int
all_out(const struct cmd_ctx *ctx, const struct state *s, const struct lab_world *w)
{
	int rc = 0;

	if (s->tree != NULL && (rc = lab_tree_write(w, s->tree)) < 0)
		return cannot_write(ctx, s->tree, rc);
	if (s->rrdp != NULL)
		rc = rrdp_out(ctx, s, w);
	if (rc == 0 && s->tal != NULL)
		rc = tals_out(ctx, s, w);
	if (rc == 0 && s->vrps != NULL)
		rc = vrps_out(ctx, s, w);
	return rc != 0 ? rc : summary_out(ctx, s, w);
}

static void
progress(void *arg, size_t n, size_t all)
{
	const struct cmd_ctx *ctx = arg;

	fprintf(stderr, tr(ctx->lang, N_("\r%zu of %zu objects so far")), n, all);
}

/* --- from a description or a list to a world --- */

static int
list_refused(const struct cmd_ctx *ctx, const char *file, int rc, uint64_t line)
{
	if (rc == SE_SYNTAX || rc == SE_FORMAT) {
		cmd_err(tr(ctx->lang, N_("%s:%llu: no list of payloads in JSON; give what rpki-client -j writes, or that compressed by bzip2")),
		    file, (unsigned long long)line);
		return EXIT_USAGE;
	}
	cmd_err(tr(ctx->lang, N_("cannot read the list %s: %s; see sekisho-lab(1)")), file, err_str(rc));
	return EXIT_CANNOT;
}

static int
list_world(const struct cmd_ctx *ctx, const struct state *s, const struct lab_opts *lo,
    struct lab_world **ret)
{
	struct payloads p = { 0 };
	struct lab_error e = { 0 };
	uint64_t line, bad;
	int rc = lab_list_file(s->from_vrps, &p, &line, &bad);

	if (rc < 0)
		rc = list_refused(ctx, s->from_vrps, rc, line);
	else if ((rc = lab_from_vrps(&p, s->take, lo, &e, ret)) < 0)
		rc = refused(ctx, s->from_vrps, &e, rc);
	else if (bad > 0)
		cmd_err(tr(ctx->lang, N_("%s: %llu entries are no payloads; they are left out")),
		    s->from_vrps, (unsigned long long)bad);
	payloads_done(&p);
	return rc;
}

static int
text_world(struct cmd_ctx *ctx, const struct state *s, struct pool *pool, const char *file,
    const struct lab_opts *lo, struct buf *scale, struct lab_world **ret)
{
	struct lab_error e = { 0 };
	struct sv text;
	int rc;

	if ((rc = text_get(ctx, s, pool, file, scale, &text)) != 0)
		return rc;
	rc = lab_text_parse(text, lo, &e, ret);
	return rc < 0 ? refused(ctx, s->scale != NULL ? "--scale" : file, &e, rc) : 0;
}

static int
world_build(const struct cmd_ctx *ctx, const struct state *s, struct lab_world *w,
    const char *file)
{
	struct lab_servers to = { s->servers, s->rsync };
	struct lab_error e = { 0 };
	int rc;

	if (s->steps_given)
		lab_steps_set(w, s->steps);
	if (s->churn_given)
		lab_churn_set(w, s->churn);
	if (s->every_given)
		lab_every_set(w, s->every);
	rc = s->servers != NULL ? lab_servers_write(w, &to, &e) : lab_build(w, &e);
	if (ctx->progress && !ctx->quiet)
		fputs("\r\033[K", stderr);
	if (rc == 0)
		return 0;
	if (e.msg == NULL && s->servers != NULL)
		return cannot_write(ctx, s->servers, rc);
	return refused(ctx, file, &e, rc);
}

static int
world_run(struct cmd_ctx *ctx, const struct state *s, struct pool *pool, const char *file)
{
	_cleanup_(buf_done) struct buf scale = BUF_INIT;
	_cleanup_(lab_freep) struct lab_world *w = NULL;
	struct lab_opts lo = {
		.now = ctx->now, .now_given = ctx->now_given,
		.seed = s->seed, .seed_given = s->seed_given,
		.jobs = s->jobs > 0 ? s->jobs : par_cpus(),
		.progress = ctx->progress && !ctx->quiet ? progress : NULL,
		.progress_arg = ctx,
	};
	int rc = s->from_vrps != NULL ? list_world(ctx, s, &lo, &w) :
	    text_world(ctx, s, pool, file, &lo, &scale, &w);

	if (rc != 0 || (rc = faults_add(ctx, s, w)) != 0)
		return rc;
	if (s->from_vrps != NULL || s->scale != NULL)
		file = s->from_vrps != NULL ? s->from_vrps : "--scale";
	rc = world_build(ctx, s, w, file);
	return rc != 0 ? rc : all_out(ctx, s, w);
}

static int
lab_run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(pool_freep) struct pool *pool = NULL;
	struct state *s = state;

	if (s->list_faults)
		return faults_print(ctx);
	if ((s->scale != NULL) + (s->from_vrps != NULL) + argc != 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("name one description, or give --scale or --from-vrps")));
	if (s->servers == NULL && (s->steps > 0 || s->rsync != NULL))
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("--steps and --rsync need --servers")));
	if (s->from_vrps == NULL && s->take > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--take needs --from-vrps")));
	if (s->notification != NULL && s->rrdp == NULL)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--notification needs --rrdp")));
	if ((pool = pool_new(2 * (size_t)TEXT_MAX)) == NULL)
		return cannot_make(ctx, "lab", -ENOMEM);
	return world_run(ctx, s, pool, argc == 1 ? argv[0] : NULL);
}

const struct cmd cmd_lab_rpki = {
	.area = "lab", .verb = "rpki", .args = "[DESCRIPTION]",
	.summary = N_("make an RPKI repository from a description, and break it on purpose"),
	.opts = opts, .opt = lab_opt, .state_size = sizeof(struct state), .run = lab_run,
};
