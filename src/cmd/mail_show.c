/* What the commands of area "mail" print: one line a check. */
#include <stdio.h>

#include "cmd/mail.h"
#include "out/escape.h"
#include "out/table.h"

#define METHOD_CELLS	7
#define RESULT_CELLS	11
#define NAME_COLUMN	23	/* of "Authentication-Results:" */

void
mail_name_print(struct buf *b, const struct dname *name)
{
	char text[DNAME_STRLEN];

	escape_term(b, mail_name_str(name, text));
}

static void
line_begin(struct buf *b, const char *method, enum mail_result r)
{
	table_cell(b, method, METHOD_CELLS, false);
	table_cell(b, mail_result_name(r), RESULT_CELLS, false);
}

/* --- SPF --- */

static void
spf_line(const struct cmd_ctx *ctx, const struct spf_out *s, struct buf *b)
{
	line_begin(b, "spf", s->result);
	escape_term(b, s->domain.n > 0 ? s->domain : SV("-"));
	buf_printf(b, " (%s)", s->identity == SPF_HELO ? tr(ctx->lang, N_("HELO")) :
	    tr(ctx->lang, N_("envelope sender")));
	if (s->term.n > 0) {
		buf_str(b, tr(ctx->lang, N_(", by ")));
		escape_term(b, s->term);
	}
	if (s->term.n > 0 && s->term_domain.n > 0 && !sv_caseeq(s->term_domain, s->domain)) {
		buf_str(b, tr(ctx->lang, N_(" of ")));
		escape_term(b, s->term_domain);
	}
	buf_char(b, '\n');
}

static void
spf_lines(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	if (!m->out.has_spf) {
		line_begin(b, "spf", MAIL_NONE);
		buf_str(b, tr(ctx->lang, N_("not checked: say with --client who delivered it\n")));
		return;
	}
	spf_line(ctx, &m->out.spf, b);
	if (m->out.has_helo)
		spf_line(ctx, &m->out.helo, b);
}

/* --- DKIM --- */

static void
dkim_line(const struct cmd_ctx *ctx, const struct dkim_verdict *v, struct buf *b)
{
	const struct dkim_sig *s = v->sig;

	line_begin(b, "dkim", v->result);
	escape_term(b, s->domain.n > 0 ? s->domain : SV("-"));
	if (s->selector.n > 0) {
		buf_str(b, tr(ctx->lang, N_(", selector ")));
		escape_term(b, s->selector);
	}
	if (s->alg != DKIM_NO_ALG)
		buf_printf(b, tr(ctx->lang, N_(", %s")), dkim_alg_name(s->alg));
	if (v->key_bits > 0 && s->alg == DKIM_RSA_SHA256)
		buf_printf(b, tr(ctx->lang, N_(", %u bits")), v->key_bits);
	if (v->why != DKIM_FINE)
		buf_printf(b, " (%s)", dkim_findings[v->why].code);
	buf_char(b, '\n');
}

/* Ten lines of a thousand look like all of them. */
static void
dkim_more_line(const struct cmd_ctx *ctx, size_t n_more, struct buf *b)
{
	table_cell(b, "dkim", METHOD_CELLS, false);
	table_cell(b, "-", RESULT_CELLS, false);
	buf_printf(b, tr(ctx->lang, N_("signatures that were not looked at: %zu; the first %u count\n")), n_more,
	    DKIM_SIGS_MAX);
}

/* --- ARC --- */

static void
arc_line(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	const struct arc *a = &m->judge.arc;
	const struct arc_verdict *v = &m->out.arc;

	line_begin(b, "arc", v->result);
	if (!a->is_there) {
		buf_str(b, tr(ctx->lang, N_("no chain\n")));
		return;
	}
	buf_printf(b, tr(ctx->lang, N_("a chain, sets: %u")), a->n);
	if (a->n > 0 && a->sets[a->n - 1].seal != NULL) {
		buf_str(b, tr(ctx->lang, N_(", the last sealed by ")));
		escape_term(b, a->sets[a->n - 1].seal->domain);
	}
	if (v->at > 0)
		buf_printf(b, tr(ctx->lang, N_(", broken at set %u")), v->at);
	if (v->why != ARC_FINE)
		buf_printf(b, " (%s)", arc_findings[v->why].code);
	buf_char(b, '\n');
}

/* --- DMARC --- */

/* "reject by sp= at example.com; aligned: spf, dkim" */
static void
view_print(const struct cmd_ctx *ctx, const struct dmarc_view *v, struct buf *b)
{
	if (v->record == NULL) {
		buf_str(b, v->result == MAIL_TEMPERROR ? tr(ctx->lang, N_(": the DNS did not answer")) :
		    tr(ctx->lang, N_(": no record")));
		return;
	}
	buf_printf(b, ": %s=%s (", dmarc_tag_name(v->tag), dmarc_policy_name(v->policy));
	mail_name_print(b, &v->where);
	buf_char(b, ')');
	if (v->spf_aligned || v->dkim_aligned)
		buf_printf(b, "%s%s%s%s", tr(ctx->lang, N_(", aligned: ")), v->dkim_aligned ? "dkim" : "",
		    v->dkim_aligned && v->spf_aligned ? ", " : "", v->spf_aligned ? "spf" : "");
	else if (v->result == MAIL_FAIL)
		buf_printf(b, tr(ctx->lang, N_(", nothing aligned; asked for: %s")),
		    dmarc_policy_name(v->disposition));
}

static void
dmarc_line(const struct cmd_ctx *ctx, const struct dmarc_verdict *d, bool legacy, struct buf *b)
{
	line_begin(b, "dmarc", d->result);
	if (d->author == NULL)
		buf_str(b, tr(ctx->lang, N_("From has no author that can be judged")));
	else {
		mail_name_print(b, &d->author->name);
		view_print(ctx, legacy ? &d->author->legacy : &d->author->now, b);
	}
	if (legacy)
		buf_str(b, tr(ctx->lang, N_(" [by RFC 7489 and public suffixes]")));
	buf_char(b, '\n');
}

void
mail_lines_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	spf_lines(ctx, m, b);
	for (size_t i = 0; i < m->out.n_dkim; i++)
		dkim_line(ctx, &m->out.dkim[i], b);
	if (m->judge.dkim.n_more > 0)
		dkim_more_line(ctx, m->judge.dkim.n_more, b);
	if (m->out.n_dkim == 0) {
		line_begin(b, "dkim", MAIL_NONE);
		buf_str(b, tr(ctx->lang, N_("no signature\n")));
	}
	arc_line(ctx, m, b);
	dmarc_line(ctx, &m->out.dmarc.now, false, b);
	if (m->out.dmarc.has_legacy && m->out.dmarc.differs)
		dmarc_line(ctx, &m->out.dmarc.legacy, true, b);
}

/* --- the field --- */

void
mail_results_print(const struct mail_case *m, struct buf *b)
{
	_cleanup_(buf_done) struct buf value = BUF_INIT;
	struct sv rest, line;

	authres_write(&value, &m->results, NAME_COLUMN, false);
	rest = buf_get(&value);
	buf_str(b, "\nAuthentication-Results:");
	for (bool first = true; sv_line(&rest, &line); first = false) {
		if (!first && line.n > 0 && line.p[0] == '\t') {
			buf_str(b, "\t");
			line = sv_skip(line, 1);
		}
		escape_term(b, line);
		buf_char(b, '\n');
	}
}
