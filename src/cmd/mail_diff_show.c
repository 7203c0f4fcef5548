/* What mail diff prints for people: the verdict, the signatures, the changes, and what to do. */
#include "cmd/mail_diff.h"
#include "out/escape.h"
#include "out/table.h"

#define FATE_CELLS	15
#define KIND_CELLS	17
#define NAMES_SHOWN	8	/* of the changed fields under a signature, in one line */

/* --- the verdict --- */

static void
verdict_print(const struct cmd_ctx *ctx, const struct mail_diff *d, struct buf *b)
{
	size_t lost = mail_diff_lost(d), holds = d->n_fate[DIFF_HOLDS];

	if (lost > 0)
		buf_printf(b, tr(ctx->lang, N_("%zu of %zu signatures that held before were lost between the two places.\n")),
		    lost, lost + holds);
	else if (holds > 0)
		buf_printf(b, tr(ctx->lang, N_("No signature was broken; as many hold as before: %zu.\n")), holds);
	else
		buf_str(b, tr(ctx->lang, N_("There was no signature that could break.\n")));
}

static void
evidence_print(const struct mail_diff_evidence *e, struct buf *b)
{
	struct sv value;

	if (e->field == NULL) {
		buf_str(b, mail_diff_findings[e->code].code);
		return;
	}
	value = sv_trim(e->field->value);
	escape_term(b, e->field->name);
	buf_str(b, ": ");
	escape_term(b, sv_take(value, MAIL_DIFF_QUOTE_MAX / 2));
	buf_str(b, value.n > MAIL_DIFF_QUOTE_MAX / 2 ? "…" : "");
}

static void
program_print(const struct cmd_ctx *ctx, const struct mail_diff *d, struct buf *b)
{
	bool more = false;

	if (d->program == DIFF_BY_MAX) {
		buf_str(b, tr(ctx->lang, N_("Nothing tells which program was between them.\n")));
		return;
	}
	buf_printf(b, tr(ctx->lang, N_("Most likely between them: %s (")),
	    tr(ctx->lang, mail_diff_program_text(d->program)));
	for (size_t i = 0; i < d->n_evidence; i++)
		if (d->evidence[i].program == d->program) {
			buf_str(b, more ? "; " : "");
			evidence_print(&d->evidence[i], b);
			more = true;
		}
	buf_str(b, ")\n");
}

static void
dmarc_print(const struct cmd_ctx *ctx, const struct mail_diff_case *c, struct buf *b)
{
	const struct mail_case *of = &c->side[0];

	if (of->no_dns)
		return;
	buf_printf(b, tr(ctx->lang, N_("DMARC by DKIM alone: %s before, %s after.\n")),
	    mail_result_name(c->side[0].out.dmarc.now.result),
	    mail_result_name(c->side[1].out.dmarc.now.result));
}

/* --- signatures --- */

static const char *
fate_text(enum mail_diff_fate f)
{
	static const char *const texts[DIFF_FATE_MAX] = {
		[DIFF_HOLDS] = N_("holds"),
		[DIFF_BROKEN] = N_("BROKEN"),
		[DIFF_GONE] = N_("TAKEN OUT"),
		[DIFF_WAS_BROKEN] = N_("bad before"),
	};

	return texts[f];
}

static const char *
act_text(const struct mail_diff_name *n)
{
	if (n->is_shift)
		return N_("another one of that name took its place");
	if (n->act == DIFF_ADDED)
		return N_("added, and signed as absent");
	if (n->act == DIFF_REMOVED)
		return N_("taken out");
	return n->level == DIFF_FOLDED || n->level == DIFF_BLANKS ? N_("folded anew") :
	    n->level == DIFF_RECODED ? N_("encoded anew") : N_("changed");
}

static void
names_print(const struct cmd_ctx *ctx, const struct mail_diff_sig *s, struct buf *b)
{
	for (size_t i = 0; i < s->n_names && i < NAMES_SHOWN; i++) {
		buf_printf(b, "%*s", FATE_CELLS + 4, "");
		escape_term(b, s->names[i].name);
		buf_printf(b, ": %s\n", tr(ctx->lang, act_text(&s->names[i])));
	}
	if (s->n_names > NAMES_SHOWN)
		buf_printf(b, "%*s…\n", FATE_CELLS + 4, "");
}

static void
body_print(const struct cmd_ctx *ctx, const struct mail_diff_sig *s, struct buf *b)
{
	if (s->body_same)
		return;
	buf_printf(b, "%*s%s%s\n", FATE_CELLS + 4, "", tr(ctx->lang, N_("the body: changed")),
	    s->is_length_enough ?
	    tr(ctx->lang, N_(" at its end alone: l= would have borne that, and whatever else anybody adds")) : "");
}

static void
sig_print(const struct cmd_ctx *ctx, const struct mail_diff_sig *s, struct buf *b)
{
	buf_str(b, "  ");
	table_cell(b, tr(ctx->lang, fate_text(s->fate)), FATE_CELLS, false);
	table_cell(b, tr(ctx->lang, mail_diff_kind_text(s->kind)), KIND_CELLS, false);
	escape_term(b, s->sig->domain.n > 0 ? s->sig->domain : SV("-"));
	buf_str(b, tr(ctx->lang, N_(", selector ")));
	escape_term(b, s->sig->selector.n > 0 ? s->sig->selector : SV("-"));
	if (s->kind != DKIM_SIGNATURE)
		buf_printf(b, tr(ctx->lang, N_(", set %u")), s->sig->instance);
	buf_str(b, s->is_verified || s->fate == DIFF_WAS_BROKEN ? "" :
	    tr(ctx->lang, N_(" (its key is not known)")));
	buf_char(b, '\n');
	if (s->fate == DIFF_HOLDS || s->fate == DIFF_WAS_BROKEN)
		return;
	names_print(ctx, s, b);
	body_print(ctx, s, b);
}

static void
sigs_print(const struct cmd_ctx *ctx, const struct mail_diff_case *c, struct buf *b)
{
	const struct mail_diff *d = &c->d;
	size_t n_more = c->side[0].judge.dkim.n_more;

	if (d->n_sigs == 0)
		return;
	buf_printf(b, "\n%s\n", tr(ctx->lang, N_("Signatures of the first")));
	for (size_t i = 0; i < d->n_sigs; i++)
		sig_print(ctx, &d->sigs[i], b);
	if (n_more > 0) {
		buf_str(b, "  ");
		buf_printf(b, tr(ctx->lang, N_("signatures that were not looked at: %zu; the first %u count\n")), n_more,
		    DKIM_SIGS_MAX);
	}
}

/* --- changes --- */

static enum mail_diff_code
code_of(const struct finding *f)
{
	return (enum mail_diff_code)(f->def - mail_diff_findings);
}

static void
remedy_print(const struct cmd_ctx *ctx, const struct mail_diff *d, const struct finding *f,
    struct buf *b)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	const char *setting = mail_diff_setting(d->program, code_of(f));

	finding_remedy(&text, f, ctx->lang);
	buf_str(b, "    ");
	escape_term(b, buf_get(&text));
	buf_char(b, '\n');
	if (setting != NULL)
		buf_printf(b, "    -> %s\n", tr(ctx->lang, setting));
}

static void
finding_print(const struct cmd_ctx *ctx, const struct mail_diff *d, const struct finding *f,
    struct buf *b)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	finding_text(&text, f, ctx->lang);
	buf_printf(b, "  %s %s: ", severity_name(f->def->severity), f->def->code);
	escape_term(b, buf_get(&text));
	buf_char(b, '\n');
	if (f->def->severity != SEV_NOTE && !ctx->quiet)
		remedy_print(ctx, d, f, b);
}

static void
findings_print(const struct cmd_ctx *ctx, const struct mail_diff_case *c, bool of_signatures,
    const char *heading, struct buf *b)
{
	const char *title = heading;

	for (const struct finding *f = c->fs.head; f != NULL; f = f->next) {
		if ((code_of(f) < MAIL_DIFF_OTHER) != of_signatures ||
		    (f->def->severity == SEV_NOTE && ctx->quiet))
			continue;
		if (title != NULL)
			buf_printf(b, "\n%s\n", tr(ctx->lang, title));
		title = NULL;
		finding_print(ctx, &c->d, f, b);
	}
}

/* -v: each field that is not as it was. */
static void
fields_print(const struct cmd_ctx *ctx, const struct mail_diff *d, struct buf *b)
{
	buf_printf(b, "\n%s\n", tr(ctx->lang, N_("Fields")));
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct mail_diff_field *f = &d->fields[i];
		const struct mail_field *any = f->after != NULL ? f->after : f->before;

		if (f->act == DIFF_KEPT)
			continue;
		buf_str(b, "  ");
		table_cell(b, mail_diff_act_name(f->act), FATE_CELLS, false);
		escape_term(b, any->name);
		if (f->act == DIFF_CHANGED)
			buf_printf(b, " (%s)", mail_diff_level_name(f->level));
		buf_char(b, '\n');
	}
}

void
mail_diff_print(const struct cmd_ctx *ctx, const struct mail_diff_case *c, struct buf *b)
{
	verdict_print(ctx, &c->d, b);
	program_print(ctx, &c->d, b);
	dmarc_print(ctx, c, b);
	sigs_print(ctx, c, b);
	findings_print(ctx, c, false, N_("What was changed"), b);
	findings_print(ctx, c, true, N_("What follows"), b);
	if (ctx->verbose > 0)
		fields_print(ctx, &c->d, b);
}
