/*
 * What can be seen coming: while one term waits for its answer, the terms behind it ask their
 * first question too, so that a record of five includes waits once and not five times. Nothing
 * is decided here, and no more is asked than the limit of terms lets the evaluation ask itself.
 */
#include "mail/spf_internal.h"

/* 0: none that is known without an answer. */
static uint16_t
first_question(const struct spf_eval *ev, enum spf_mechanism mechanism)
{
	switch (mechanism) {
	case SPF_INCLUDE:
		return RR_TXT;
	case SPF_MX:
		return RR_MX;
	case SPF_A:
		return spf_address_type(ev);
	case SPF_EXISTS:
		return RR_A;
	default:
		return 0;
	}
}

static void
term_ask(struct spf_eval *ev, const struct spf_frame *frame, const struct spf_term *t)
{
	uint16_t type = first_question(ev, t->mechanism);
	const struct mail_answer *a;
	struct dname name = frame->name;
	struct sv text;

	if (type == 0)
		return;
	if (t->domain.n > 0 && (spf_expand_domain(ev, frame, t->domain, &text) != 0 ||
	    mail_name(text, &name) < 0))
		return;
	if (mail_ask(ev->ask, &name, type, &a) < 0)
		return;
}

void
spf_ask_ahead(struct spf_eval *ev, const struct spf_frame *frame, const struct spf_term *terms,
    size_t n)
{
	unsigned n_left = ev->in->limits.n_lookups - ev->out->n_lookups;

	for (size_t i = 0; i < n && n_left > 0 && terms[i].mechanism != SPF_ALL; i++)
		if (spf_term_asks(&terms[i])) {
			term_ask(ev, frame, &terms[i]);
			n_left--;
		}
}
