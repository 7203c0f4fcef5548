/*
 * The mark of a message's author (BIMI): may it be shown, and is it known?
 *
 * draft-brand-indicators-for-message-identification-10 section 7.7 has "skipped" for "BIMI check
 * was not performed", and "temperror" for the DNS only. A mark that is still to be fetched is
 * therefore skipped: the message does not wait for a server that its sender has chosen. One that
 * could not be fetched is fail ("failure in Discovery or Validation steps").
 *
 * Nothing here may cost a message more than its mark: what cannot be done is temperror.
 */
#include <errno.h>

#include "app/mail_gate_internal.h"

struct marking {
	struct mail_gate			*g;
	const struct mail_gate_world		*w;
	const struct mail_judge_out		*found;
	struct pool				*pool;
	struct bimi_out				 out;
	struct mail_mark			 mark;
};

/* --- the record --- */

static int
round_run(struct marking *m, struct mail_ask *ask)
{
	const struct mail_gate *g = m->g;
	struct bimi_in in = { .dmarc = &m->found->dmarc };
	struct findings unsaid;
	int rc;

	pool_reset(m->pool);
	findings_init(&unsaid, m->pool);
	ask->n_missing = 0;
	if (g->judge.n_authors == 1)
		in.local = g->judge.authors[0].local;
	rc = bimi_selector_find(&g->head, &g->judge.dkim, m->found->dkim, &m->found->dmarc, m->pool,
	    &unsaid, &in.selector);
	return rc < 0 ? rc : bimi_check(&in, ask, m->pool, &unsaid, &m->out);
}

static int
record_find(struct marking *m)
{
	struct mail_ask ask = m->w->ask;
	int rc;

	for (unsigned i = 0; i < GATE_BIMI_ROUNDS_MAX; i++)
		if ((rc = round_run(m, &ask)) != MAIL_WAIT || (rc = m->w->fill(m->w->fill_arg, &ask)) < 0)
			return rc;
	return -EAGAIN;
}

/* --- the mark --- */

static void
result_set(struct marking *m, enum bimi_result result, const char *why)
{
	m->out.result = result;
	m->out.why = why;
}

/* 1: it is known; 0: it is not, and was asked for; negative: nobody would fetch that. */
static int
mark_find(struct marking *m)
{
	const struct dmarc_view *v = &m->found->dmarc.authors[0].now;
	const struct bimi_out *out = &m->out;
	const struct mail_mark_key key = {
		.org = mail_name_text(m->pool, v->has_org ? &v->org : &out->author),
		.author = mail_name_text(m->pool, &out->author), .domain = mail_name_text(m->pool, &out->domain),
		.selector = out->selector, .location = out->record->location, .evidence = out->record->evidence,
	};

	if (key.org.p == NULL || key.author.p == NULL || key.domain.p == NULL)
		return -ENOMEM;
	return mail_marks_find(m->w->marks, &key, m->w->now, m->pool, &m->mark);
}

static int
mark_take(struct marking *m)
{
	int rc;

	if (m->out.result != BIMI_PASS)
		return 0;
	/* Section 7.7: skipped, too, where "the MTA does not trust the sending domain". */
	if (m->g->conf->bimi == MAIL_GATE_BIMI_VOUCHED && m->out.record->evidence.n == 0) {
		result_set(m, BIMI_SKIPPED, N_("no evidence, which is asked for here"));
		return 0;
	}
	if ((rc = mark_find(m)) == -ENOMEM)
		return rc;
	if (rc < 0) {
		result_set(m, BIMI_FAIL, N_("the record is wrong"));
	} else if (rc == 0) {
		result_set(m, BIMI_SKIPPED, N_("the mark is not known yet"));
	} else if (m->mark.result != BIMI_PASS) {
		m->out.result = BIMI_FAIL;
		m->out.why = pool_printf(m->pool, "%.*s", SV_ARG(m->mark.why));
	}
	return 0;
}

/* --- what is said --- */

/* Each field as the gate adds fields: without the CRLF at its end. */
static int
fields_add(struct mail_gate *g, struct sv fields)
{
	int rc = 0;

	while (fields.n > 0 && rc == 0) {
		size_t end = 0;

		do {
			end += sv_find(sv_skip(fields, end), '\n') + 1;
		} while (end < fields.n && fields.p[end] == ' ');
		rc = gate_edits_add(g, sv_take(fields, end - 2));
		fields = sv_skip(fields, end);
	}
	return rc;
}

static int
mark_say(struct marking *m, struct authres *results, struct mail_gate_out *out)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc = bimi_say(&m->out, m->mark.authority, m->mark.svg, m->g->made, results);

	out->has_mark = m->out.result == BIMI_PASS;
	bimi_fields_write(&b, &m->out, m->mark.authority == BIMI_VOUCHED, m->mark.svg);
	if (rc < 0 || b.rc < 0)
		return rc < 0 ? rc : b.rc;
	return fields_add(m->g, buf_get(&b));
}

int
gate_bimi(struct mail_gate *g, const struct mail_gate_world *w, const struct mail_judge_out *found,
    struct authres *results, struct mail_gate_out *out)
{
	struct marking m = { .g = g, .w = w, .found = found, .mark = { .svg = SV("") } };
	int rc;

	if (g->conf->bimi == MAIL_GATE_BIMI_NONE || w->marks == NULL)
		return 0;
	/* Of its own, until the field is made: what a stranger's record fills takes nobody's room. */
	if ((m.pool = g->bimi = pool_new(MAIL_POOL_MAX)) == NULL)
		return -ENOMEM;
	if ((rc = record_find(&m)) < 0 || (rc = mark_take(&m)) < 0) {
		m.out = (struct bimi_out){ .result = BIMI_TEMPERROR, .why = N_("the DNS did not answer") };
		m.mark = (struct mail_mark){ .svg = SV("") };
	}
	return mark_say(&m, results, out);
}
