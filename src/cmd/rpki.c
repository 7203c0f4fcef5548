#include <stdio.h>
#include <string.h>

#include "app/conf.h"
#include "base/err.h"
#include "cmd/rpki.h"
#include "out/escape.h"
#include "sys/par.h"

#define STORE_TRIES	3
#define LOCAL_POOL_MAX	(8 * 1024 * 1024)	/* findings about local files */

static const struct {
	const char	*name;
	unsigned	 bit;
} tolerances[] = {
	{ "no-signing-time", RPKI_TOL_NO_SIGNING_TIME },
	{ "name-string", RPKI_TOL_NAME_STRING },
	{ "rfc8360", RPKI_TOL_RFC8360 },
};

static int
path_add(struct cmd_ctx *ctx, const char **list, size_t *n, size_t max, const char *path)
{
	if (*n == max)
		return cmd_usage(ctx, tr(ctx->lang, N_("there are more than %zu inputs of one kind")), max);
	list[(*n)++] = path;
	return 0;
}

static int
tolerance_set(struct cmd_ctx *ctx, const char *name, unsigned *bits)
{
	for (size_t i = 0; i < ARRAY_LEN(tolerances); i++)
		if (strcmp(name, tolerances[i].name) == 0) {
			*bits |= tolerances[i].bit;
			return 0;
		}
	return cmd_usage(ctx, tr(ctx->lang, N_("there is no tolerance \"%s\"")), name);
}

static int
out_add(struct cmd_ctx *ctx, struct rpki_inputs *in, const char *arg)
{
	struct buf b = BUF_INIT;
	int rc = 0;

	if (in->n_outs == ARRAY_LEN(in->outs) ||
	    routes_out_parse(arg, &in->outs[in->n_outs]) < 0) {
		routes_out_names(&b);
		rc = cmd_usage(ctx, tr(ctx->lang, N_("-o %s is not FORMAT=FILE; the formats are %.*s")),
		    arg, SV_ARG(buf_get(&b)));
		buf_done(&b);
	} else
		in->n_outs++;
	return rc;
}

int
rpki_inputs_opt(struct cmd_ctx *ctx, struct rpki_inputs *in,
    const struct cmd_opt *o, const char *arg)
{
	if (strcmp(o->name, "rrdp") == 0)
		return path_add(ctx, in->rrdp, &in->n_rrdp, ARRAY_LEN(in->rrdp), arg);
	if (strcmp(o->name, "tree") == 0)
		return path_add(ctx, in->trees, &in->n_trees, ARRAY_LEN(in->trees), arg);
	if (strcmp(o->name, "tal") == 0)
		return path_add(ctx, in->tals, &in->n_tals, ARRAY_LEN(in->tals), arg);
	if (strcmp(o->name, "slurm") == 0)
		return path_add(ctx, in->slurms, &in->n_slurms, ARRAY_LEN(in->slurms), arg);
	if (strcmp(o->name, "output") == 0)
		return out_add(ctx, in, arg);
	if (strcmp(o->name, "tolerate") == 0)
		return tolerance_set(ctx, arg, &in->tolerate_on);
	if (strcmp(o->name, "strict") == 0)
		return tolerance_set(ctx, arg, &in->tolerate_off);
	if (strcmp(o->name, "rfc8360") == 0)
		in->tolerate_on |= RPKI_TOL_RFC8360;
	else if (strcmp(o->name, "no-facts") == 0)
		in->no_facts = true;
	else if (strcmp(o->name, "nagios") == 0)
		in->nagios = true;
	else if (strcmp(o->name, "max-points") == 0) {
		if (num_u32(sv_str(arg), 1, UINT32_MAX, &in->points_max) < 0)
			return cmd_usage(ctx, tr(ctx->lang, N_("--max-points %s is not a number from 1 on")), arg);
	} else if (num_u32(sv_str(arg), 1, PAR_JOBS_MAX, &in->jobs) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("--jobs %s is not a number from 1 to %d")),
		    arg, PAR_JOBS_MAX);
	return 0;
}

static void
conf_paths(const struct conf_value *v, const char **list, size_t *n, size_t max)
{
	for (size_t i = 0; i < v->n && *n < max; i++)
		if (v->items[i].text.n > 0)
			list[(*n)++] = v->items[i].text.p;
}

static void
conf_ours(struct rpki_inputs *in)
{
	const struct conf_value *a = &in->conf->values[CONF_ORG_ASNS];
	const struct conf_value *p = &in->conf->values[CONF_ORG_PREFIXES];

	in->ours = (struct ours){ in->asns, 0, in->prefixes, 0 };
	for (size_t i = 0; i < a->n && i < RPKI_OURS_MAX; i++)
		in->asns[in->ours.n_asns++] = a->items[i].u;
	for (size_t i = 0; i < p->n && i < RPKI_OURS_MAX; i++)
		in->prefixes[in->ours.n_prefixes++] = p->items[i].px;
}

/* What the command line leaves open comes from -c FILE, if there is one. */
static int
conf_fill(struct cmd_ctx *ctx, struct rpki_inputs *in)
{
	const struct conf_value *v;
	struct conf_error err;

	if (ctx->conf == NULL)
		return 0;
	if (app_conf_load(ctx->conf, ctx->state, &in->conf, &err) < 0) {
		struct buf b = BUF_INIT;

		conf_error_text(&err, ctx->lang, &b);
		cmd_err("%.*s", SV_ARG(buf_get(&b)));
		buf_done(&b);
		return EXIT_CANNOT;
	}
	v = in->conf->values;
	if (in->n_tals == 0)
		conf_paths(&v[CONF_RPKI_TALS], in->tals, &in->n_tals, ARRAY_LEN(in->tals));
	if (in->n_rrdp + in->n_trees == 0) {
		conf_paths(&v[CONF_RPKI_RRDP], in->rrdp, &in->n_rrdp, ARRAY_LEN(in->rrdp));
		conf_paths(&v[CONF_RPKI_TREE], in->trees, &in->n_trees, ARRAY_LEN(in->trees));
	}
	if (in->n_slurms == 0)
		conf_paths(&v[CONF_RPKI_SLURM], in->slurms, &in->n_slurms, ARRAY_LEN(in->slurms));
	if (in->jobs == 0)
		in->jobs = app_conf_u32(in->conf, CONF_RPKI_JOBS);
	conf_ours(in);
	return 0;
}

static void
say(void *arg UNUSED, const char *text)
{
	cmd_err("%s", text);
}

static void
progress(void *arg, size_t n, size_t known)
{
	const struct cmd_ctx *ctx = arg;

	fprintf(stderr, tr(ctx->lang, N_("\r%zu of %zu publication points so far")), n, known);
}

void
rpki_findings_show(const struct cmd_ctx *ctx, const struct findings *fs)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf text = BUF_INIT, b = BUF_INIT;

		finding_text(&text, f, ctx->lang);
		escape_term(&b, f->subject);
		buf_printf(&b, ": %s %s: ", severity_name(f->def->severity), f->def->code);
		escape_term(&b, buf_get(&text));
		if (text.rc == 0 && b.rc == 0)
			cmd_err("%.*s", SV_ARG(buf_get(&b)));
	}
	if (fs->n_dropped > 0)
		cmd_err(tr(ctx->lang, N_("%llu findings more")), (unsigned long long)fs->n_dropped);
}

/* RFC 8416 section 4.1: all of it has an effect, or nothing of it. */
static int
local_load(struct cmd_ctx *ctx, struct rpki_inputs *in)
{
	const struct complain c = { say, NULL, ctx->lang };
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	int64_t next;

	if (in->conf != NULL)
		exceptions_text(in->conf, &text);
	if (text.rc == 0 && text.len == 0 && in->n_slurms == 0)
		return EXIT_GOOD;
	if (text.rc < 0 || (in->pool = pool_new(LOCAL_POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	findings_init(&in->findings, in->pool);
	if (exceptions_load(in->slurms, in->n_slurms, buf_get(&text), ctx->now, &in->findings, &c,
	    &in->local, &next) < 0)
		return EXIT_CANNOT;
	if (in->local != NULL)
		return EXIT_GOOD;
	rpki_findings_show(ctx, &in->findings);
	cmd_err("%s", tr(ctx->lang,
	    N_("the local filters and assertions cannot be used; nothing was done")));
	return EXIT_REJECTED;
}

int
rpki_local_apply(struct rpki_inputs *in, struct routes *r, const struct complain *c)
{
	int rc = in->local == NULL ? 0 : routes_slurm(r, in->local, &in->findings);

	if (rc < 0)
		complain(c, tr(c->lang, N_("the local filters and assertions could not be applied: %s")),
		    err_str(rc));
	return rc;
}

/* No files: what the daemon of this state directory has fetched. */
static int
store_use(struct cmd_ctx *ctx, struct rpki_inputs *in)
{
	const char *state = ctx->state != NULL ? ctx->state :
	    in->conf != NULL ? app_conf_str(in->conf, CONF_STATE) : NULL;
	struct live_conf conf = { .objects = in->objects, .facts = !in->no_facts };

	if (state == NULL)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("no repository: give --rrdp FILE or --tree DIR, or --state DIR (or -c FILE) of a daemon that fetches")));
	(void)snprintf(in->objects, sizeof(in->objects), "%s/objects", state);
	if ((in->live = live_new(&conf)) == NULL)
		return EXIT_CANNOT;
	return 0;
}

int
rpki_inputs_run(struct cmd_ctx *ctx, struct rpki_inputs *in, struct routes_conf *conf,
    struct routes **ret)
{
	int rc = SE_STALE;

	if (in->live == NULL)
		return routes_run(conf, ret);
	conf->backend = live_backend(in->live);
	for (int i = 0; i < STORE_TRIES && rc == SE_STALE; i++) {
		if ((rc = live_begin(in->live)) < 0) {
			cmd_err(tr(ctx->lang, N_("cannot read the object store %s: %s; is this the state directory of a daemon that fetches?")),
			    in->objects, err_str(rc));
			return rc;
		}
		rc = routes_run(conf, ret);
		if (rc == 0 && !live_whole(in->live)) {
			*ret = routes_free(*ret);
			rc = SE_STALE;
		}
		live_end(in->live);
	}
	if (rc == SE_STALE)
		cmd_err(tr(ctx->lang, N_("%s: the daemon writes faster than this can read; ask the daemon (sekisho status), or try again later")),
		    in->objects);
	return rc;
}

int
rpki_inputs_finish(struct cmd_ctx *ctx, struct rpki_inputs *in,
    struct routes_conf *ret)
{
	int rc = conf_fill(ctx, in);

	if (rc != 0)
		return rc;
	if (in->n_tals == 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("no trust anchor: give --tal FILE, or -c FILE with rpki.tals")));
	if (in->n_rrdp + in->n_trees == 0 && (rc = store_use(ctx, in)) != 0)
		return rc;
	*ret = (struct routes_conf){
		.trees = in->trees, .n_trees = in->n_trees,
		.rrdp = in->rrdp, .n_rrdp = in->n_rrdp,
		.tals = in->tals, .n_tals = in->n_tals,
		.now = ctx->now,
		.points_max = in->points_max,
		.jobs = in->jobs > 0 ? in->jobs : par_cpus(),
		.tolerate = (RPKI_TOL_DEFAULT | in->tolerate_on) & ~in->tolerate_off,
		.complain = { say, NULL, ctx->lang },
		.progress = ctx->progress && !ctx->quiet ? progress : NULL,
		.progress_arg = ctx,
	};
	return local_load(ctx, in);
}

void
rpki_inputs_done(struct rpki_inputs *in)
{
	in->live = live_free(in->live);
	in->conf = conf_free(in->conf);
	in->local = slurm_free(in->local);
	in->pool = pool_free(in->pool);
}
