/* What is noted of a message that was judged: a row for the reports of its author's domain. */
#include <errno.h>

#include "app/mail_gate_internal.h"

/* --- what was published --- */

static void
policy_take(const struct dmarc_view *v, struct report_policy *p)
{
	const struct dmarc_record *r = v->record;
	enum dmarc_policy says[DMARC_TAG_MAX];

	/*
	 * Where the record is silent, p is none, sp is p, np is sp (RFC 9989 section 4.7); one of
	 * them that is no policy makes all of it "none" (section 4.10.1).
	 */
	for (unsigned t = DMARC_P; t < DMARC_TAG_MAX; t++)
		if (r->bad == 0 && (r->has & 1u << t) != 0)
			says[t] = r->says[t];
		else
			says[t] = t == DMARC_P ? DMARC_POLICY_NONE : says[t - 1];
	*p = (struct report_policy){ .domain = p->domain, .method = v->method, .p = says[DMARC_P],
		.sp = says[DMARC_SP], .np = says[DMARC_NP], .fo = r->fo, .strict_dkim = r->strict_dkim,
		.strict_spf = r->strict_spf, .testing = r->testing, .pct = r->has_pct ? r->pct : 100 };
}

/* The list of rua=, as it stands in the record; an empty one is no tag (RFC 9989 section 4.8). */
static struct sv
rua_text(struct sv record)
{
	while (record.n > 0) {
		struct sv value = sv_cut(&record, ';'), name = sv_cut(&value, '=');

		if (sv_eq_str(sv_trim(name), "rua") && sv_trim(value).n > 0)
			return value;
	}
	return SV("");
}

static int
rua_take(struct pool *pool, const struct dmarc_record *r, struct mail_row *row)
{
	struct sv left = rua_text(r->text), *rua;

	if (r->n_rua == 0)
		return 0;
	if ((rua = pool_calloc(pool, DMARC_URIS_MAX, sizeof(*rua))) == NULL)
		return -ENOMEM;
	while (left.n > 0 && row->n_rua < DMARC_URIS_MAX) {
		struct sv uri = sv_trim(sv_cut(&left, ','));

		if (uri.n > 0)
			rua[row->n_rua++] = uri;
	}
	row->rua = rua;
	return 0;
}

static int
published_take(struct pool *pool, const struct dmarc_view *v, struct mail_row *row)
{
	if (v->record == NULL || v->is_void)
		return 0;
	if ((row->policy.domain = mail_name_text(pool, &v->where)).p == NULL)
		return -ENOMEM;
	policy_take(v, &row->policy);
	return rua_take(pool, v->record, row);
}

/* --- what was found --- */

#define RANKS	4

/*
 * The order in which signatures are told: of the author's domain, of its organization, those
 * that passed, the others (RFC 9990 section 3.1.3).
 */
static unsigned
rank(const struct mail_judge_out *found, const struct dmarc_view *v, size_t i)
{
	if (v->dkim != NULL && dmarc_aligned(v->dkim[i]))
		return v->dkim[i] == DMARC_ALIGN_SAME ? 0 : 1;
	return found->dkim[i].result == MAIL_PASS ? 2 : 3;
}

static int
dkim_add(struct pool *pool, const struct dkim_verdict *v, struct report_dkim *ret)
{
	*ret = (struct report_dkim){ .domain = mail_name_text(pool, &v->sig->domain_name),
		.selector = v->sig->selector, .result = v->result, .human = SV("") };
	if (v->why < DKIM_CODE_MAX)
		ret->human = sv_str(dkim_findings[v->why].code);
	return ret->domain.p == NULL ? -ENOMEM : 0;
}

static int
dkim_take(struct pool *pool, const struct mail_judge_out *found, const struct dmarc_view *view,
    struct report_row *row)
{
	struct report_dkim *all = pool_calloc(pool, found->n_dkim + 1, sizeof(*all));

	if (all == NULL)
		return -ENOMEM;
	for (unsigned r = 0; r < RANKS; r++)
		for (size_t i = 0; i < found->n_dkim; i++) {
			const struct dkim_verdict *v = &found->dkim[i];
			int rc;

			/* A field without a domain and a selector speaks for nobody. */
			if (rank(found, view, i) != r || v->sig->domain_name.len == 0 ||
			    v->sig->selector.n == 0)
				continue;
			if ((rc = dkim_add(pool, v, &all[row->n_dkim])) < 0)
				return rc;
			row->n_dkim++;
		}
	row->dkim = all;
	return 0;
}

/* What is no address has no domain: SPF took all of it for one, and it may be somebody's name. */
static int
spf_take(struct pool *pool, const struct mail_judge_out *found, struct report_row *row)
{
	row->spf_helo = found->spf.identity == SPF_HELO;
	if (!found->has_spf || found->spf.name.len == 0 ||
	    (!row->spf_helo && !row->has_envelope_from))
		return 0;
	row->spf_domain = mail_name_text(pool, &found->spf.name);
	row->spf = found->spf.result;
	return row->spf_domain.p == NULL ? -ENOMEM : 0;
}

/* Domains only: who wrote to whom is nobody's business. */
static int
envelope_take(struct pool *pool, const struct mail_gate *g, struct report_row *row)
{
	struct mail_address a;
	int rc = mail_envelope(pool, g->in.sender, &a);

	row->envelope_to = g->envelope_to;
	row->envelope_from = SV("");
	row->has_envelope_from = rc == 0 || rc == -ENOENT;
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	row->envelope_from = mail_name_text(pool, &a.name);
	return row->envelope_from.p == NULL ? -ENOMEM : 0;
}

static int
report_take(const struct mail_gate *g, const struct mail_judge_out *found,
    const struct mail_decision *d, struct report_row *row)
{
	const struct dmarc_view *v = &found->dmarc.now.author->now;
	int rc;

	*row = (struct report_row){ .source = g->in.client, .count = 1, .disposition = d->disposition,
		.dkim_aligned = v->dkim_aligned, .spf_aligned = v->spf_aligned, .reasons = d->reasons,
		.n_reasons = d->n_reasons,
		.header_from = mail_name_text(g->made, &found->dmarc.now.author->name),
		.spf_domain = SV(""), .spf_human = SV("") };
	if (row->header_from.p == NULL)
		return -ENOMEM;
	if ((rc = dkim_take(g->made, found, v, row)) < 0 || (rc = envelope_take(g->made, g, row)) < 0)
		return rc;
	return spf_take(g->made, found, row);
}

int
gate_row(const struct mail_gate *g, const struct mail_gate_world *w, const struct mail_judge_out *found,
    const struct mail_decision *d, struct mail_gate_out *out)
{
	struct mail_row row = { .node = g->conf->node, .queue_id = g->queue_id, .at = w->now,
		.policy = { .domain = SV("") }, .dmarc = found->dmarc.now.result, .arc = found->arc.result };
	int rc;

	if (found->dmarc.now.author == NULL)	/* nobody's: there is no domain to tell */
		return 0;
	if ((rc = report_take(g, found, d, &row.row)) < 0 ||
	    (rc = published_take(g->made, &found->dmarc.now.author->now, &row)) < 0)
		return rc;
	out->row = row;
	out->has_row = true;
	return 0;
}
