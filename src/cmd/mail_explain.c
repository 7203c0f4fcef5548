/* sekisho mail explain: the whole chain of evidence, the likely story, and what to do. */
#include <stdio.h>

#include "base/hash.h"
#include "base/timefmt.h"
#include "cmd/mail.h"
#include "out/escape.h"
#include "out/table.h"

#define LABEL_COLUMN	17	/* what stands behind a label begins there */
#define NAMES_COLUMN	76	/* h= is folded there */
#define HEX_SHOWN	8	/* octets of a digest: enough to see that two differ */

static const struct cmd_opt opts[] = { MAIL_OPTS, { 0 } };

/* --- pieces --- */

static void
indent(struct buf *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_str(b, "  ");
}

static void
heading(const struct cmd_ctx *ctx, const char *text, struct buf *b)
{
	buf_printf(b, "\n%s\n", tr(ctx->lang, text));
}

/* "  key         …": a label of ours, in a column. */
static void
label(const struct cmd_ctx *ctx, const char *text, struct buf *b)
{
	buf_str(b, "  ");
	table_cell(b, tr(ctx->lang, text), LABEL_COLUMN - 2, false);
}

static void
remedy_print(const struct cmd_ctx *ctx, const struct finding *f, struct buf *b)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	finding_remedy(&text, f, ctx->lang);
	buf_str(b, "    ");
	escape_term(b, buf_get(&text));
	buf_char(b, '\n');
}

/* Findings of one engine: those whose rows stand in its table. */
static void
findings_of(const struct cmd_ctx *ctx, const struct findings *fs, const struct finding_def *table,
    size_t n, struct buf *b)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;

		if (f->def < table || f->def >= table + n ||
		    (f->def->severity == SEV_NOTE && ctx->quiet))
			continue;
		finding_text(&text, f, ctx->lang);
		buf_printf(b, "  %s %s: ", severity_name(f->def->severity), f->def->code);
		escape_term(b, buf_get(&text));
		buf_char(b, '\n');
		if (f->def->severity != SEV_NOTE)
			remedy_print(ctx, f, b);
	}
}

/* --- 1: the message --- */

static void
message_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	heading(ctx, N_("1. Who says that he wrote it (From)"), b);
	for (size_t i = 0; i < m->judge.n_authors; i++) {
		const struct mail_address *a = &m->judge.authors[i];

		label(ctx, N_("author"), b);
		escape_term(b, a->local);
		buf_char(b, '@');
		escape_term(b, a->domain);
		if (a->display.n > 0) {
			buf_str(b, tr(ctx->lang, N_(", shown as \"")));
			escape_term(b, a->display);
			buf_char(b, '"');
		}
		buf_char(b, '\n');
	}
	if (m->judge.n_authors == 0)
		buf_str(b, tr(ctx->lang, N_("  nobody whose address all programs would read in the same way\n")));
	label(ctx, N_("envelope"), b);
	if (!m->in.has_sender)
		buf_str(b, tr(ctx->lang, N_("the sender is not known (no Return-Path, no --sender)")));
	else if (m->in.sender.n == 0)
		buf_str(b, tr(ctx->lang, N_("the null sender, as of a bounce")));
	else
		escape_term(b, m->in.sender);
	buf_char(b, '\n');
	findings_of(ctx, &m->head_fs, mail_findings, MAIL_CODE_MAX, b);
}

/* --- 2: SPF --- */

static void
asked_print(const struct cmd_ctx *ctx, struct sv name, uint16_t type, enum mail_rcode rcode,
    struct buf *b)
{
	char word[RRTYPE_STRLEN];

	escape_term(b, name);
	buf_printf(b, " %s: %s", rrtype_str(type, word), tr(ctx->lang, mail_rcode_name(rcode)));
}

static void
spf_step_print(const struct cmd_ctx *ctx, const struct spf_step *s, struct buf *b)
{
	indent(b, s->depth + 1 + !s->is_record);
	if (s->is_record) {
		escape_term(b, s->domain);
		if (s->text.n == 0)
			buf_printf(b, " TXT: %s", tr(ctx->lang, mail_rcode_name(s->rcode)));
		else {
			buf_str(b, " \"");
			escape_term(b, s->text);
			buf_char(b, '"');
		}
	} else {
		escape_term(b, s->text);
		buf_printf(b, ": %s", tr(ctx->lang, spf_outcome_name(s->outcome)));
		if (s->asked.n > 0) {
			buf_str(b, " (");
			asked_print(ctx, s->asked, s->type, s->rcode, b);
			buf_char(b, ')');
		}
	}
	if (s->found.n > 0) {
		buf_str(b, " = ");
		escape_term(b, s->found);
	}
	if (s->why != NULL)
		buf_printf(b, " [%s]", tr(ctx->lang, s->why));
	buf_char(b, '\n');
}

static void
spf_one_print(const struct cmd_ctx *ctx, const struct mail_case *m, const struct spf_out *s,
    struct buf *b)
{
	char addr[IP_ADDR_STRLEN];

	buf_str(b, "  ");
	escape_term(b, s->domain.n > 0 ? s->domain : SV("-"));
	buf_printf(b, tr(ctx->lang, N_(" (%s), by the client %s\n")), s->identity == SPF_HELO ?
	    tr(ctx->lang, N_("HELO")) : tr(ctx->lang, N_("envelope sender")),
	    ip_addr_str(m->in.client.addr, m->in.client.af, addr));
	for (const struct spf_step *st = s->steps; st != NULL; st = st->next)
		spf_step_print(ctx, st, b);
	label(ctx, N_("result"), b);
	buf_str(b, mail_result_name(s->result));
	if (s->term.n > 0) {
		buf_str(b, tr(ctx->lang, N_(", by ")));
		escape_term(b, s->term);
		buf_str(b, tr(ctx->lang, N_(" of ")));
		escape_term(b, s->term_domain);
	}
	buf_printf(b, tr(ctx->lang, N_("; %u of %u terms that ask the DNS, %u of %u that found nothing\n")),
	    s->n_lookups, SPF_LOOKUPS_MAX, s->n_void, SPF_VOID_MAX);
	if (s->explanation.n > 0) {
		label(ctx, N_("its owner says"), b);
		escape_term(b, s->explanation);
		buf_char(b, '\n');
	}
}

static void
spf_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	heading(ctx, N_("2. SPF: may this client send for the envelope's domain?"), b);
	if (!m->out.has_spf) {
		buf_str(b, tr(ctx->lang, N_("  not checked: say with --client who delivered it\n")));
		return;
	}
	spf_one_print(ctx, m, &m->out.spf, b);
	if (m->out.has_helo)
		spf_one_print(ctx, m, &m->out.helo, b);
	findings_of(ctx, &m->fs, spf_findings, SPF_CODE_MAX, b);
}

/* --- 3: DKIM --- */

static void
digest_print(struct buf *b, const uint8_t *d)
{
	char hex[2 * HEX_SHOWN + 1];

	buf_printf(b, "%s…", hex_encode(hex, d, HEX_SHOWN));
}

static void
dkim_key_print(const struct cmd_ctx *ctx, const struct dkim_verdict *v, struct buf *b)
{
	label(ctx, N_("key"), b);
	mail_name_print(b, &v->sig->key_name);
	buf_printf(b, " TXT: %s", tr(ctx->lang, mail_rcode_name(v->rcode)));
	if (v->key_bits > 0)
		buf_printf(b, tr(ctx->lang, N_(", %u bits")), v->key_bits);
	if (v->is_testing)
		buf_str(b, tr(ctx->lang, N_(", its owner still tests (t=y)")));
	if (v->secure)
		buf_str(b, tr(ctx->lang, N_(", validated with DNSSEC")));
	buf_char(b, '\n');
}

static void
dkim_body_print(const struct cmd_ctx *ctx, const struct dkim_verdict *v, struct buf *b)
{
	label(ctx, N_("body"), b);
	if (v->body_holds)
		buf_str(b, tr(ctx->lang, N_("as it was signed")));
	else {
		buf_str(b, tr(ctx->lang, N_("CHANGED since it was signed: its digest was ")));
		digest_print(b, v->sig->bh);
		buf_str(b, tr(ctx->lang, N_(" and is ")));
		digest_print(b, v->body->digest);
	}
	if (v->sig->has_length)
		buf_printf(b, tr(ctx->lang, N_("; only %llu octets are signed (l=), %llu follow")),
		    (unsigned long long)v->sig->length, (unsigned long long)v->n_surplus);
	buf_char(b, '\n');
}

/* The names of h=; those that were there no more in brackets. */
static void
dkim_fields_print(const struct cmd_ctx *ctx, const struct dkim_verdict *v, struct buf *b)
{
	unsigned column = LABEL_COLUMN;
	bool any_absent = false;

	label(ctx, N_("signed fields"), b);
	for (size_t i = 0; i < v->sig->n_names; i++) {
		bool absent = v->fields != NULL && v->fields[i] == NULL;
		unsigned n = text_cells(v->sig->names[i]) + 1 + 2 * absent;

		if (column + n > NAMES_COLUMN && i > 0) {
			buf_printf(b, "\n%*s", LABEL_COLUMN, "");
			column = LABEL_COLUMN;
		} else if (i > 0)
			buf_char(b, ' ');
		column += n;
		buf_str(b, absent ? "[" : "");
		escape_term(b, v->sig->names[i]);
		buf_str(b, absent ? "]" : "");
		any_absent |= absent;
	}
	if (any_absent)
		buf_printf(b, "\n%*s%s", LABEL_COLUMN, "",
		    tr(ctx->lang, N_("(in brackets: no such field, or no further one, is there; signed so that nobody can add it)")));
	buf_char(b, '\n');
}

static void
dkim_times_print(const struct cmd_ctx *ctx, const struct dkim_sig *s, struct buf *b)
{
	char text[TIME_STRLEN];

	if (!s->has_time && !s->has_expiry)
		return;
	label(ctx, N_("times"), b);
	if (s->has_time)
		buf_printf(b, tr(ctx->lang, N_("signed %s")), time_str(s->time, text));
	if (s->has_time && s->has_expiry)
		buf_str(b, tr(ctx->lang, N_(", ")));
	if (s->has_expiry)
		buf_printf(b, tr(ctx->lang, N_("good until %s")), time_str(s->expiry, text));
	buf_char(b, '\n');
}

static void
dkim_one_print(const struct cmd_ctx *ctx, const struct dkim_verdict *v, size_t i, struct buf *b)
{
	static const char *const canons[] = { "simple", "relaxed" };
	const struct dkim_sig *s = v->sig;

	buf_printf(b, tr(ctx->lang, N_("  Signature %zu from the top: ")), i + 1);
	escape_term(b, s->domain.n > 0 ? s->domain : SV("-"));
	buf_str(b, tr(ctx->lang, N_(", selector ")));
	escape_term(b, s->selector.n > 0 ? s->selector : SV("-"));
	buf_printf(b, tr(ctx->lang, N_(", %s, %s/%s\n")), s->alg == DKIM_NO_ALG ? "-" : dkim_alg_name(s->alg),
	    canons[s->head_canon], canons[s->body_canon]);
	if (v->is_asked)
		dkim_key_print(ctx, v, b);
	if (v->body != NULL)
		dkim_body_print(ctx, v, b);
	if (v->has_key) {
		label(ctx, N_("header"), b);
		buf_printf(b, "%s\n", tr(ctx->lang, v->head_holds ? N_("as it was signed") :
		    N_("CHANGED since it was signed, or another key signed it")));
	}
	if (s->n_names > 0)
		dkim_fields_print(ctx, v, b);
	dkim_times_print(ctx, s, b);
	label(ctx, N_("result"), b);
	buf_printf(b, "%s\n", mail_result_name(v->result));
}

static void
dkim_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	heading(ctx, N_("3. DKIM: which domains signed it, and is it still what they signed?"), b);
	for (size_t i = 0; i < m->out.n_dkim; i++)
		dkim_one_print(ctx, &m->out.dkim[i], i, b);
	if (m->out.n_dkim == 0)
		buf_str(b, tr(ctx->lang, N_("  no signature\n")));
	findings_of(ctx, &m->fs, dkim_findings, DKIM_CODE_MAX, b);
}

/* --- 4: ARC --- */

static void
arc_part_print(const struct cmd_ctx *ctx, const char *what, const struct arc_signature *s,
    struct buf *b)
{
	label(ctx, what, b);
	buf_str(b, s->why == ARC_FINE ? tr(ctx->lang, N_("holds")) : tr(ctx->lang, N_("BROKEN")));
	if (s->sig != NULL) {
		buf_str(b, tr(ctx->lang, N_(", ")));
		escape_term(b, s->sig->domain);
		buf_str(b, tr(ctx->lang, N_(", selector ")));
		escape_term(b, s->sig->selector);
	}
	if (s->is_asked)
		buf_printf(b, " (TXT: %s)", tr(ctx->lang, mail_rcode_name(s->rcode)));
	if (s->body != NULL && !s->body_holds)
		buf_str(b, tr(ctx->lang, N_("; the body was changed since")));
	if (s->why != ARC_FINE)
		buf_printf(b, " [%s]", arc_findings[s->why].code);
	buf_char(b, '\n');
}

static void
arc_set_print(const struct cmd_ctx *ctx, const struct mail_case *m, uint32_t i, struct buf *b)
{
	const struct arc_set *s = &m->judge.arc.sets[i];
	struct sv rest = s->payload, line;

	buf_printf(b, tr(ctx->lang, N_("  Set %u\n")), i + 1);
	label(ctx, N_("says"), b);
	for (bool first = true; sv_line(&rest, &line); first = false) {
		buf_str(b, first ? "" : " ");
		escape_term(b, sv_trim(line));
	}
	buf_char(b, '\n');
	if (m->out.arc.ams != NULL)
		arc_part_print(ctx, N_("message"), &m->out.arc.ams[i], b);
	if (m->out.arc.seals != NULL)
		arc_part_print(ctx, N_("seal"), &m->out.arc.seals[i], b);
}

static void
arc_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	heading(ctx, N_("4. ARC: who handed it on, and what do they say that they found?"), b);
	if (!m->judge.arc.is_there) {
		buf_str(b, tr(ctx->lang, N_("  no chain\n")));
		return;
	}
	for (uint32_t i = 0; i < m->judge.arc.n; i++)
		arc_set_print(ctx, m, i, b);
	label(ctx, N_("result"), b);
	buf_printf(b, "%s\n", mail_result_name(m->out.arc.result));
	findings_of(ctx, &m->fs, arc_findings, ARC_CODE_MAX, b);
}

/* --- 5: DMARC --- */

static void
walk_print(const struct cmd_ctx *ctx, const struct dmarc_view *v, struct buf *b)
{
	for (size_t i = 0; i < v->n_steps; i++) {
		const struct dmarc_step *s = v->steps[i];

		buf_str(b, "    _dmarc.");
		mail_name_print(b, &s->name);
		if (s->record != NULL) {
			buf_str(b, " \"");
			escape_term(b, s->record->text);
			buf_char(b, '"');
		} else if (s->n_records > 1)
			buf_printf(b, tr(ctx->lang, N_(": %u records, so none counts")), s->n_records);
		else if (s->rcode == MAIL_DNS_FOUND)
			buf_printf(b, ": %s", tr(ctx->lang, N_("no DMARC record")));
		else
			buf_printf(b, ": %s", tr(ctx->lang, mail_rcode_name(s->rcode)));
		buf_char(b, '\n');
	}
}

static void
ident_print(const struct cmd_ctx *ctx, const char *method, const struct dname *name,
    enum mail_result r, enum dmarc_align align, struct buf *b)
{
	buf_printf(b, "    %-5s ", method);
	if (name->len > 0)
		mail_name_print(b, name);
	else
		buf_char(b, '-');
	buf_printf(b, ": %s; ", mail_result_name(r));
	buf_printf(b, dmarc_aligned(align) ? tr(ctx->lang, N_("speaks for the author: %s\n")) :
	    tr(ctx->lang, N_("does not speak for the author: %s\n")), tr(ctx->lang, dmarc_align_name(align)));
}

static void
idents_print(const struct cmd_ctx *ctx, const struct mail_case *m, const struct dmarc_view *v,
    struct buf *b)
{
	if (m->out.has_spf && m->out.spf.name.len > 0)
		ident_print(ctx, "spf", &m->out.spf.name, m->out.spf.result, v->spf, b);
	for (size_t i = 0; i < m->out.n_dkim; i++)
		ident_print(ctx, "dkim", &m->out.dkim[i].sig->domain_name, m->out.dkim[i].result,
		    v->dkim[i], b);
}

static void
view_print(const struct cmd_ctx *ctx, const struct mail_case *m, const struct dmarc_view *v,
    struct buf *b)
{
	walk_print(ctx, v, b);
	if (v->has_org) {
		label(ctx, N_("organization"), b);
		mail_name_print(b, &v->org);
		buf_char(b, '\n');
	}
	if (v->record != NULL) {
		label(ctx, N_("policy"), b);
		buf_printf(b, "%s=%s (", dmarc_tag_name(v->tag), dmarc_policy_name(v->policy));
		mail_name_print(b, &v->where);
		buf_str(b, ")\n");
		idents_print(ctx, m, v, b);
	}
	label(ctx, N_("result"), b);
	buf_str(b, mail_result_name(v->result));
	if (v->result == MAIL_FAIL)
		buf_printf(b, tr(ctx->lang, N_("; the owner asks for: %s")), dmarc_policy_name(v->disposition));
	buf_char(b, '\n');
}

static void
dmarc_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	const struct dmarc_out *d = &m->out.dmarc;

	heading(ctx, N_("5. DMARC: does what passed speak for the author's domain?"), b);
	for (size_t i = 0; i < d->n_authors; i++) {
		buf_str(b, "  ");
		mail_name_print(b, &d->authors[i].name);
		buf_str(b, tr(ctx->lang, N_(", by RFC 9989:\n")));
		view_print(ctx, m, &d->authors[i].now, b);
		if (!d->has_legacy || !d->differs)
			continue;
		buf_str(b, tr(ctx->lang, N_("  and by RFC 7489, as many receivers still do it:\n")));
		view_print(ctx, m, &d->authors[i].legacy, b);
	}
	if (d->n_authors == 0) {
		label(ctx, N_("result"), b);
		buf_printf(b, "%s\n", mail_result_name(d->now.result));
	}
	findings_of(ctx, &m->fs, dmarc_findings, DMARC_CODE_MAX, b);
}

/* --- 6: the story --- */

static void
evidence_print(const struct cmd_ctx *ctx, const struct mail_story *s, bool against, struct buf *b)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct mail_evidence *e = &s->evidence[i];
		int w = mail_evidence_weight(e->code, s->kind);

		if (w == 0 || (w < 0) != against)
			continue;
		buf_printf(b, "  %c %s", against ? '-' : '+',
		    tr(ctx->lang, mail_evidence_text(e->code)));
		if (e->what.n > 0) {
			buf_str(b, ": ");
			escape_term(b, e->what);
		}
		buf_char(b, '\n');
	}
}

/* What the DNS did not say, and why: of those that were asked. */
static void
failed_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	for (const struct mail_dns_row *r = mail_dns_rows(m->source); r != NULL; r = r->next) {
		char type[RRTYPE_STRLEN];

		if (r->answer.rcode != MAIL_DNS_FAILED)
			continue;
		buf_str(b, "  ! ");
		mail_name_print(b, &r->q.name);
		buf_printf(b, " %s: %s\n", rrtype_str(r->q.type, type),
		    tr(ctx->lang, r->why != NULL ? r->why : mail_rcode_name(MAIL_DNS_FAILED)));
	}
}

static void
story_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	const struct mail_story *s = &m->story;
	const char *step = mail_story_step(s, s->kind), *other = mail_story_step(s, s->other);

	heading(ctx, N_("6. What most likely happened"), b);
	buf_printf(b, "  %s\n", tr(ctx->lang, mail_story_text(s->kind)));
	evidence_print(ctx, s, false, b);
	evidence_print(ctx, s, true, b);
	failed_print(ctx, m, b);
	if (s->has_other)
		buf_printf(b, tr(ctx->lang, N_("  As likely: %s\n")), tr(ctx->lang, mail_story_text(s->other)));
	heading(ctx, N_("Next step"), b);
	buf_printf(b, "  %s\n", tr(ctx->lang, step));
	if (s->has_other && other != step)
		buf_printf(b, "  %s\n", tr(ctx->lang, other));
}

void
mail_explain_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	mail_lines_print(ctx, m, b);
	message_print(ctx, m, b);
	spf_print(ctx, m, b);
	dkim_print(ctx, m, b);
	arc_print(ctx, m, b);
	dmarc_print(ctx, m, b);
	story_print(ctx, m, b);
	if (!ctx->quiet)
		mail_results_print(m, b);
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	return mail_run(ctx, state, argc, argv, mail_explain_print);
}

extern const struct cmd cmd_mail_explain;
const struct cmd cmd_mail_explain = {
	.area = "mail", .verb = "explain", .args = "[FILE|-]",
	.summary = N_("why a message passed or failed, what most likely happened, and what to do"),
	.opts = opts, .opt = mail_opt, .state_size = sizeof(struct mail_case),
	.run = run, .done = mail_done, .verifies = true,
};
