#include "cmd/rtr_show.h"

#include "out/escape.h"

#define SHOWN_MAX	5

void
rtr_findings_show(const struct cmd_ctx *ctx, const struct findings *fs, unsigned *done)
{
	unsigned n = 0;

	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf b = BUF_INIT, t = BUF_INIT;

		if (n++ < *done || (n > SHOWN_MAX && ctx->verbose == 0))
			continue;
		finding_text(&t, f, ctx->lang);
		escape_term(&b, buf_get(&t));
		if (t.rc == 0 && b.rc == 0)
			cmd_err("rtr: %s %s: %.*s", severity_name(f->def->severity),
			    f->def->code, SV_ARG(buf_get(&b)));
	}
	*done = n;
}
