/* sekisho lab mail: a world of mail, written into a folder, and sent. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/lab_mail.h"
#include "sys/file.h"
#include "sys/par.h"
#include "sys/proc.h"

#define TEXT_MAX	(16u << 20)	/* of a description */
#define PATH_LEN	4096
#define FIRST_PORT	2525

static const struct cmd_opt opts[] = {
	{ "world", 0, "FILE", N_("a description instead of the one that is built in; see sekisho-lab-mail(5)") },
	{ "seed", 0, "N", N_("the same number makes the same keys and messages") },
	{ "send", 0, "HOST:PORT", N_("send messages of the world in DIR there by SMTP, with PROXY lines") },
	{ "count", 0, "N", N_("so many of them; else one of each flow") },
	{ "rate", 0, "N", N_("so many a second, at most") },
	{ "parallel", 0, "N", N_("so many at a time (10)") },
	{ "variants", 0, "N", N_("so many of each flow are signed in advance and sent in turn (100)") },
	{ "beyond-loopback", 0, NULL, N_("send to a host that is not this one") },
	{ "first-port", 0, "PORT", N_("the lab's programs use five ports from here on (2525)") },
	{ "jobs", 'j', "N", N_("threads; by default one a processor") },
	{ 0 },
};

static const struct cmd_number numbers[] = {
	{ "jobs", offsetof(struct lab_mail_state, jobs), 1, PAR_JOBS_MAX },
	{ "first-port", offsetof(struct lab_mail_state, first_port), 1024, 65530 },
	{ "count", offsetof(struct lab_mail_state, count), 1, 100000000 },
	{ "rate", offsetof(struct lab_mail_state, rate), 1, 1000000 },
	{ "parallel", offsetof(struct lab_mail_state, parallel), 1, LAB_MAIL_WAYS_MAX },
	{ "variants", offsetof(struct lab_mail_state, variants), 1, 10000 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct lab_mail_state *s = state;

	if (strcmp(o->name, "world") == 0)
		s->world = arg;
	else if (strcmp(o->name, "send") == 0)
		s->send = arg;
	else if (strcmp(o->name, "beyond-loopback") == 0)
		s->anywhere = true;
	else if (strcmp(o->name, "seed") == 0) {
		s->seed_given = true;
		if (num_u64(sv_str(arg), 0, UINT64_MAX, &s->seed) < 0)
			return cmd_usage(ctx, tr(ctx->lang,
			    N_("--%s %s is not a number in the allowed range")),
			    o->name, arg);
	} else
		return cmd_number_opt(ctx, numbers, ARRAY_LEN(numbers), state, o, arg);
	return 0;
}

static int
text_read(const struct cmd_ctx *ctx, const struct lab_mail_state *s, struct pool *pool,
    struct sv *ret)
{
	int rc;

	*ret = SV("");
	if (s->world == NULL)
		return 0;
	rc = file_read(pool, FILE_CWD, s->world, TEXT_MAX, ret);
	if (rc == 0 && ret->n == 0)
		*ret = SV("\n");	/* the empty one is the built-in world */
	if (rc == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("cannot read the description %s: %s; see sekisho-lab-mail(5)")),
	    s->world, err_str(rc));
	return EXIT_CANNOT;
}

static int
refused(const struct cmd_ctx *ctx, const struct lab_mail_state *s, const struct lab_error *e,
    int rc)
{
	const char *name = s->world != NULL ? s->world : "mail.lab";

	if (e->msg == NULL) {
		cmd_err("%s: %s", name, err_str(rc));
		return EXIT_CANNOT;
	}
	cmd_err("%s:%u: %.*s %s", name, e->line, SV_ARG(e->word), tr(ctx->lang, e->msg));
	return EXIT_USAGE;
}

/* What is sent is the world that was written there: with its keys. */
static const char *
world_of(struct pool *pool, const char *dir)
{
	return pool_printf(pool, "%s/world.lab", dir);
}

static int
world_write(const struct cmd_ctx *ctx, const struct lab_mail_state *s, const struct lab_mail *w,
    const char *dir)
{
	char path[PATH_LEN], at[TIME_STRLEN];
	int rc = proc_absolute(dir, path, sizeof(path));

	if (rc == 0)
		rc = lab_mail_write(w, &(struct lab_mail_folder){
			.dir = path, .jobs = s->jobs,
			.first_port = s->first_port > 0 ? s->first_port : FIRST_PORT });
	if (rc < 0) {
		cmd_err(tr(ctx->lang,
		    N_("cannot write %s: %s; check the folder, its owner and the free space")),
		    dir, err_str(rc));
		return EXIT_CANNOT;
	}
	if (!ctx->quiet && !ctx->json)
		printf(tr(ctx->lang, N_("%zu flows in %s, current at %s\n")), lab_mail_n_flows(w),
		    dir,
		    time_str(lab_mail_now(w), at));
	return 0;
}

static int
json_out(const struct lab_mail *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);

	lab_mail_json(w, &j);
	buf_char(&b, '\n');
	return cmd_out(&b);
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(2 * TEXT_MAX);
	_cleanup_(lab_mail_freep) struct lab_mail *w = NULL;
	struct lab_mail_state *s = state;
	struct lab_opts lo = {
		.now = ctx->now, .now_given = ctx->now_given, .seed = s->seed, .seed_given =
		    s->seed_given,
	};
	struct lab_error e = { 0 };
	struct sv text;
	int rc;

	if (argc != 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name the folder of the world")));
	if (pool == NULL)
		return EXIT_CANNOT;
	s->jobs = s->jobs > 0 ? s->jobs : par_cpus();
	if (s->send != NULL && s->world == NULL && (s->world = world_of(pool, argv[0])) == NULL)
		return EXIT_CANNOT;
	if ((rc = text_read(ctx, s, pool, &text)) != 0)
		return rc;
	if ((rc = lab_mail_parse(text, &lo, &e, &w)) < 0 || (rc = lab_mail_build(w)) < 0)
		return refused(ctx, s, &e, rc);
	if (s->send != NULL)
		return lab_mail_send(ctx, s, w);
	if ((rc = world_write(ctx, s, w, argv[0])) != 0)
		return rc;
	return ctx->json ? json_out(w) : EXIT_GOOD;
}

extern const struct cmd cmd_lab_mail;
const struct cmd cmd_lab_mail = {
	.area = "lab", .verb = "mail", .args = "DIR",
	.summary = N_("make a world of mail: domains, keys, flows with labels; and send it"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct lab_mail_state), .run = run,
};
