/* check_host() for one domain: its record, its terms in their order, include and redirect. */
#include "mail/spf_internal.h"

#include <errno.h>

int
spf_ask(struct spf_eval *ev, const struct dname *name, uint16_t type,
    const struct mail_answer **ret)
{
	int rc = mail_ask(ev->ask, name, type, ret);

	if (rc == 0 && !(*ret)->secure)
		ev->out->is_secure = false;
	return rc;
}

void
spf_failure_add(struct spf_eval *ev, struct sv name)
{
	finding_add(ev->fs, &spf_findings[SPF_DNS_FAILED], FA_SV("name", name));
}

/* Labels with dots, without a final one; .p is NULL without memory. */
struct sv
spf_name_text(struct spf_eval *ev, const struct dname *name)
{
	char *p = pool_alloc(ev->pool, name->len);
	size_t n = 0;

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	for (size_t i = 0; name->w[i] != 0; i += 1u + name->w[i]) {
		if (n > 0)
			p[n++] = '.';
		memcpy(p + n, name->w + i + 1, name->w[i]);
		n += name->w[i];
	}
	return (struct sv){ p, n };
}

static struct spf_step *
step_add(struct spf_eval *ev, const struct spf_frame *frame, struct sv text)
{
	struct spf_step *s = pool_alloc(ev->pool, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->depth = frame->depth;
	s->domain = frame->domain;
	s->text = text;
	*ev->tail = s;
	ev->tail = &s->next;
	return s;
}

static const struct finding_def *
row(enum spf_code code)
{
	return &spf_findings[code];
}

/* --- the record of a domain (sections 4.4 and 4.5) --- */

/* The one that is SPF; *ret_n says how many are. */
static struct sv
record_find(struct spf_eval *ev, const struct mail_answer *a, size_t *ret_n)
{
	struct sv found = { NULL, 0 };

	*ret_n = 0;
	for (size_t i = 0; i < a->n; i++)
		if (spf_is_record(a->rdata[i])) {
			found = a->rdata[i];
			++*ret_n;
		}
	return *ret_n == 1 ? mail_txt(ev->pool, found) : found;
}

static enum mail_result
record_failed(struct spf_step *s, enum mail_result result, const char *why)
{
	s->outcome = SPF_STEP_ERROR;
	s->why = why;
	return result;
}

/* 0 with *ret, or without and with the result in *ret_result. */
static int
record_get(struct spf_eval *ev, const struct spf_frame *frame, struct spf_record **ret,
    enum mail_result *ret_result)
{
	struct spf_step *step = step_add(ev, frame, (struct sv){ NULL, 0 });
	const struct mail_answer *a = NULL;
	struct sv text;
	size_t n;
	int rc;

	*ret = NULL;
	if (step == NULL)
		return -ENOMEM;
	if ((rc = spf_ask(ev, &frame->name, RR_TXT, &a)) != 0)
		return rc;
	step->is_record = true;
	step->asked = frame->domain;
	step->type = RR_TXT;
	step->rcode = a->rcode;
	step->outcome = SPF_STEP_GOES;
	if (a->rcode == MAIL_DNS_FAILED) {
		spf_failure_add(ev, frame->domain);
		*ret_result = record_failed(step, MAIL_TEMPERROR, NULL);
		return 0;
	}
	text = record_find(ev, a, &n);
	if (n == 0) {
		*ret_result = record_failed(step, MAIL_NONE, N_("no SPF record"));
		return 0;
	}
	if (n > 1) {
		finding_add(ev->fs, row(SPF_RECORDS_MULTIPLE), FA_U("count", n));
		*ret_result = record_failed(step, MAIL_PERMERROR, N_("more than one SPF record"));
		return 0;
	}
	if (text.p == NULL)
		return -ENOMEM;
	step->text = text;
	if ((rc = spf_record_parse(ev->pool, text, ev->fs, ret)) < 0)
		return rc;
	if (*ret == NULL)
		*ret_result = record_failed(step, MAIL_PERMERROR, N_("the record cannot be read"));
	return 0;
}

/* --- limits (section 4.6.4) --- */

static bool
lookup_count(struct spf_eval *ev, struct spf_step *step, struct spf_match *m)
{
	if (++ev->out->n_lookups <= ev->in->limits.n_lookups)
		return true;
	ev->out->n_lookups--;
	finding_add(ev->fs, row(SPF_LOOKUPS_LIMIT), FA_U("limit", ev->in->limits.n_lookups),
	    FA_SV("term", step->text));
	*m = (struct spf_match){ SPF_STEP_ERROR, MAIL_PERMERROR, false };
	step->why = N_("too many terms that ask the DNS");
	return false;
}

/* Who matches is not refused for other hosts of that "mx" that have no address. */
static void
void_count(struct spf_eval *ev, struct spf_step *step, struct spf_match *m)
{
	if (!m->is_void || m->outcome != SPF_STEP_NO || ++ev->out->n_void <= ev->in->limits.n_void)
		return;
	finding_add(ev->fs, row(SPF_VOID_LIMIT), FA_U("limit", ev->in->limits.n_void),
	    FA_SV("term", step->text));
	m->outcome = SPF_STEP_ERROR;
	m->error = MAIL_PERMERROR;
	step->why = N_("too many terms whose question finds nothing");
}

/* --- other records --- */

static bool
is_loop(const struct spf_frame *frame, const struct dname *name)
{
	for (; frame != NULL; frame = frame->up)
		if (dname_eq(&frame->name, name))
			return true;
	return false;
}

/*
 * The record of the domain that an include or redirect names. No record is MAIL_NONE, as is a
 * name that has no form in the DNS.
 */
static int
other_check(struct spf_eval *ev, const struct spf_frame *frame, struct sv spec,
    struct spf_step *step, struct spf_answer *ret)
{
	struct spf_frame child = { .up = frame, .depth = frame->depth + 1 };
	int rc = spf_expand_domain(ev, frame, spec, &child.domain);

	*ret = (struct spf_answer){ .result = MAIL_NONE };
	if (rc != 0)
		return rc;
	step->asked = child.domain;
	step->type = RR_TXT;
	if (child.domain.n == 0 || mail_name(child.domain, &child.name) < 0) {
		step->why = N_("no name that can be asked for");
		return 0;
	}
	if (is_loop(frame, &child.name)) {
		finding_add(ev->fs, row(SPF_LOOP), FA_SV("term", step->text),
		    FA_SV("name", child.domain));
		step->why = N_("this record is being evaluated already");
		ret->result = MAIL_PERMERROR;
		return 0;
	}
	rc = spf_domain_check(ev, &child, ret);
	ev->fs->subject = frame->domain;
	return rc;
}

/* Section 5.2: what check_host() said, and what that is to an include. */
static const struct spf_match included[MAIL_RESULT_MAX] = {
	[MAIL_NONE] = { SPF_STEP_ERROR, MAIL_PERMERROR, false },
	[MAIL_PASS] = { SPF_STEP_MATCH, MAIL_NONE, false },
	[MAIL_FAIL] = { SPF_STEP_NO, MAIL_NONE, false },
	[MAIL_SOFTFAIL] = { SPF_STEP_NO, MAIL_NONE, false },
	[MAIL_NEUTRAL] = { SPF_STEP_NO, MAIL_NONE, false },
	[MAIL_TEMPERROR] = { SPF_STEP_ERROR, MAIL_TEMPERROR, false },
	[MAIL_PERMERROR] = { SPF_STEP_ERROR, MAIL_PERMERROR, false },
};

static int
include_match(struct spf_eval *ev, const struct spf_frame *frame, const struct spf_term *term,
    struct spf_step *step, struct spf_match *ret)
{
	struct spf_answer other;
	int rc = other_check(ev, frame, term->domain, step, &other);

	if (rc != 0)
		return rc;
	*ret = included[other.result];
	if (other.result == MAIL_NONE) {
		finding_add(ev->fs, row(SPF_INCLUDE_NONE), FA_SV("term", term->text),
		    FA_SV("name", step->asked));
		step->why = N_("the domain has no SPF record");
	}
	return 0;
}

/* Section 6.1. The exp= of the record that redirects does not count. */
static int
redirect_check(struct spf_eval *ev, const struct spf_frame *frame, const struct spf_record *r,
    struct spf_answer *ret)
{
	struct spf_step *step = step_add(ev, frame, r->redirect_term);
	struct spf_match m = { .outcome = SPF_STEP_GOES };
	int rc = 0;

	if (step == NULL)
		return -ENOMEM;
	*ret = (struct spf_answer){ .result = MAIL_PERMERROR };
	if (lookup_count(ev, step, &m))
		rc = other_check(ev, frame, r->redirect, step, ret);
	if (rc != 0)
		return rc;
	step->outcome = m.outcome;
	if (ret->result == MAIL_NONE) {
		finding_add(ev->fs, row(SPF_REDIRECT_NONE), FA_SV("name", step->asked));
		step->outcome = SPF_STEP_ERROR;
		step->why = N_("the domain has no SPF record");
		ret->result = MAIL_PERMERROR;
	}
	return 0;
}

/* --- terms --- */

static int
term_try(struct spf_eval *ev, const struct spf_frame *frame, const struct spf_term *term,
    struct spf_match *ret)
{
	struct spf_step *step = step_add(ev, frame, term->text);
	int rc;

	if (step == NULL)
		return -ENOMEM;
	if (spf_term_asks(term) && !lookup_count(ev, step, ret)) {
		step->outcome = ret->outcome;
		return 0;
	}
	if (term->mechanism == SPF_INCLUDE)
		rc = include_match(ev, frame, term, step, ret);
	else
		rc = spf_match(ev, frame, term, step, ret);
	if (rc != 0)
		return rc;
	void_count(ev, step, ret);
	step->outcome = ret->outcome;
	return 0;
}

/* The term that decides, or an error. false: none did. */
static int
terms_try(struct spf_eval *ev, const struct spf_frame *frame, const struct spf_record *r,
    struct spf_answer *ret, bool *ret_decided)
{
	for (size_t i = 0; i < r->n; i++) {
		struct spf_match m;
		int rc = term_try(ev, frame, &r->terms[i], &m);

		if (rc == MAIL_WAIT)
			spf_ask_ahead(ev, frame, &r->terms[i + 1], r->n - i - 1);
		if (rc != 0)
			return rc;
		*ret_decided = m.outcome != SPF_STEP_NO;
		if (!*ret_decided)
			continue;
		ret->result = m.outcome == SPF_STEP_MATCH ? r->terms[i].result : m.error;
		ret->term = r->terms[i].text;
		return 0;
	}
	return 0;
}

int
spf_domain_check(struct spf_eval *ev, const struct spf_frame *frame, struct spf_answer *ret)
{
	struct spf_record *r;
	bool is_decided = false;
	int rc;

	*ret = (struct spf_answer){ .result = MAIL_NONE, .frame = *frame };
	ret->frame.up = NULL;
	ev->fs->subject = frame->domain;
	if ((rc = record_get(ev, frame, &r, &ret->result)) != 0 || r == NULL)
		return rc;
	if (ev->in->is_advice && frame->depth == 0)
		spf_record_advise(r, ev->fs);
	ret->exp = r->exp;
	if ((rc = terms_try(ev, frame, r, ret, &is_decided)) != 0 || is_decided)
		return rc;
	if (r->redirect.n > 0)
		return redirect_check(ev, frame, r, ret);
	ret->result = MAIL_NEUTRAL;		/* section 4.7 */
	return 0;
}
