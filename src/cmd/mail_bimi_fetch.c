/* A mark's files, fetched for a command: see cmd/mail_bimi_fetch.h. */
#include <errno.h>
#include <stdio.h>

#include "app/mail_mark_fetch.h"
#include "base/err.h"
#include "cmd/mail_bimi_fetch.h"

#define USER_AGENT	"sekisho/" SEKISHO_VERSION

struct waiting {
	struct loop	*loop;
	bool		 is_whole;
};

bool
bimi_fetch_host(struct bimi_fetch *f, const char *line)
{
	size_t at = strlen(f->hosts);
	int n = snprintf(f->hosts + at, sizeof(f->hosts) - at, "%s\n", line);

	return n > 0 && (size_t)n < sizeof(f->hosts) - at;
}

static void
fetched(void *arg, bool is_whole)
{
	struct waiting *w = arg;

	w->is_whole = is_whole;
	loop_stop(w->loop);
}

static int
files_take(const struct mail_mark_fetch *f, struct pool *pool, struct mail_bimi_in *in)
{
	in->svg = pool_sv(pool, mail_mark_fetch_image(f));
	in->pem = pool_sv(pool, mail_mark_fetch_evidence(f));
	return in->svg.p == NULL || in->pem.p == NULL ? -ENOMEM : 0;
}

static int
fetch_wait(struct loop *loop, struct fetcher *fetcher, const struct bimi_fetch *conf, struct pool *pool,
    struct findings *fs, struct mail_bimi_in *in)
{
	const struct bimi_record *r = in->out->record;
	const struct mail_mark_fetch_in what = { .location = r->location,
		.evidence = conf->wants_evidence ? r->evidence : SV("") };
	struct waiting w = { .loop = loop };
	struct mail_mark_fetch *f;
	int rc;

	if ((rc = mail_mark_fetch_new(fetcher, &what, fs, fetched, &w, &f)) < 0)
		return rc;
	rc = loop_run(loop);
	if (rc == 0 && w.is_whole)
		rc = files_take(f, pool, in);
	else if (rc == 0)
		rc = 1;
	(void)mail_mark_fetch_free(f);
	return rc;
}

int
bimi_fetch_run(const struct cmd_ctx *ctx, const struct bimi_fetch *conf, struct pool *pool, struct findings *fs,
    struct mail_bimi_in *in)
{
	const struct fetch_conf c = { .ca_file = conf->ca_file, .user_agent = USER_AGENT,
		.hosts = sv_str(conf->hosts) };
	struct fetcher *fetcher = NULL;
	struct loop *loop = loop_new();
	int rc = loop == NULL ? -ENOMEM : fetcher_new(loop, &c, &fetcher);

	if (rc == 0)
		rc = fetch_wait(loop, fetcher, conf, pool, fs, in);
	(void)fetcher_free(fetcher);
	(void)loop_free(loop);
	if (rc >= 0)
		return rc;
	cmd_err(tr(ctx->lang, N_("nothing can be fetched: %s")), err_str(rc));
	return EXIT_CANNOT;
}
