/* May a mark be shown, and which: draft-brand-indicators-for-message-identification-10 section 7. */
#include <errno.h>

#include "mail/bimi_internal.h"

const struct finding_def bimi_findings[BIMI_CODE_MAX] = {
#define F FINDING_ROW_
#include "mail/bimi_findings.def"
#undef F
};

/* What stands at one name. */
struct found {
	enum mail_rcode		 rcode;
	size_t			 n;
	struct bimi_record	*record;	/* the last of n */
};

struct search {
	const struct bimi_in	*in;
	struct mail_ask		*ask;
	struct pool		*pool;
	struct findings		*fs;
	struct bimi_out		*out;
};

/* --- the policy: section 7.1 --- */

/* What keeps it from being enforced; NULL: nothing. */
static const char *
record_fault(const struct dmarc_record *r)
{
	bool has_p = (r->has & 1u << DMARC_P) != 0 && (r->bad & 1u << DMARC_P) == 0;
	bool has_sp = (r->has & 1u << DMARC_SP) != 0 && (r->bad & 1u << DMARC_SP) == 0;

	if (!has_p || r->says[DMARC_P] == DMARC_POLICY_NONE)
		return N_("p=none");
	if (has_sp && r->says[DMARC_SP] == DMARC_POLICY_NONE)
		return N_("sp=none");
	if (r->says[DMARC_P] == DMARC_POLICY_QUARANTINE && r->has_pct && r->pct < 100)
		return N_("p=quarantine with pct= below 100");
	if (r->says[DMARC_P] == DMARC_POLICY_QUARANTINE && r->testing)
		return N_("p=quarantine with t=y");
	return NULL;
}

/* "for the Author Domain or Author Organizational Domain": both are looked at. */
static const char *
policy_fault(struct search *s, const struct dmarc_author *a)
{
	const char *fault = a->now.record == NULL ? N_("no DMARC policy") : NULL;
	const struct dname *at = &a->name;

	for (size_t i = 0; i < a->now.n_steps && fault == NULL; i++) {
		const struct dmarc_step *step = a->now.steps[i];

		if (step->record == NULL || (!dname_eq(&step->name, &a->name) &&
		    (!a->now.has_org || !dname_eq(&step->name, &a->now.org))))
			continue;
		fault = record_fault(step->record);
		at = &step->name;
	}
	if (fault != NULL)
		finding_add(s->fs, &bimi_findings[BIMI_POLICY], FA_SV("domain", mail_name_text(s->pool, at)),
		    FA_MSG("what", fault));
	return fault;
}

/* true: it ends here, and the result is said. */
static bool
result_set(struct search *s, enum bimi_result result, const char *why)
{
	s->out->result = result;
	s->out->why = why;
	return true;
}

static bool
is_skipped(struct search *s)
{
	const struct dmarc_out *d = s->in->dmarc;

	if (d->n_authors != 1 || d->now.result == MAIL_PERMERROR)
		return result_set(s, BIMI_SKIPPED, N_("not one author"));
	s->out->author = d->authors[0].name;
	if (d->authors[0].now.result == MAIL_TEMPERROR)
		return result_set(s, BIMI_TEMPERROR, N_("the DNS did not answer"));
	if (!s->in->is_preview && d->authors[0].now.result != MAIL_PASS)
		return result_set(s, BIMI_SKIPPED, N_("DMARC did not pass"));
	if (policy_fault(s, &d->authors[0]) != NULL)
		return result_set(s, BIMI_SKIPPED, N_("the DMARC policy is not enforced"));
	return false;
}

/* --- the record: section 7.2 --- */

static int
records_read(struct search *s, const struct mail_answer *a, struct found *ret)
{
	for (size_t i = 0; i < a->n; i++) {
		struct sv text = mail_txt(s->pool, a->rdata[i]);
		struct bimi_record *r = NULL;

		if (text.p == NULL || bimi_record_parse(s->pool, text, s->fs, &r) < 0)
			return -ENOMEM;
		if (r == NULL)
			continue;
		ret->record = r;
		ret->n++;
	}
	return 0;
}

/* A name that cannot be is one that does not exist. */
static int
name_look(struct search *s, struct sv selector, const struct dname *domain, struct found *ret)
{
	struct sv at = mail_name_text(s->pool, domain), text;
	const struct mail_answer *a = NULL;
	struct dname name;
	char *p;
	int rc;

	*ret = (struct found){ .rcode = MAIL_DNS_NXDOMAIN };
	if (at.p == NULL || (p = pool_printf(s->pool, "%.*s._bimi.%.*s", SV_ARG(selector), SV_ARG(at))) == NULL)
		return -ENOMEM;
	text = sv_str(p);
	if (mail_name(text, &name) < 0)
		return 0;
	if ((rc = mail_ask(s->ask, &name, RR_TXT, &a)) != 0)
		return rc;
	ret->rcode = a->rcode;
	s->fs->subject = text;
	if (a->rcode == MAIL_DNS_FAILED)
		finding_add0(s->fs, &bimi_findings[BIMI_DNS]);
	return a->rcode == MAIL_DNS_FOUND ? records_read(s, a, ret) : 0;
}

/* Section 4.5: "_" and "." are "-", one for several; nothing behind "+". .n is 0: none can be made. */
static struct sv
local_normal(struct pool *pool, struct sv local)
{
	struct sv s = sv_take(local, sv_find(local, '+'));
	char *p = pool_alloc(pool, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; p != NULL && i < s.n; i++) {
		char c = s.p[i];

		if (c == '_' || c == '.')
			c = '-';
		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-')
			return (struct sv){ NULL, 0 };
		if (c != '-' || (n > 0 && p[n - 1] != '-'))
			p[n++] = c;
	}
	if (n > 0 && p[n - 1] == '-')
		n--;
	return (struct sv){ p, n > 63 ? 0 : n };
}

/* "if not then the BIMI record retrieved in step 3 MUST be used instead" */
static int
local_look(struct search *s, struct found *f)
{
	struct sv selector = local_normal(s->pool, s->in->local);
	struct found own;
	int rc;

	if (selector.n == 0 || sv_caseeq(selector, s->out->selector))
		return 0;
	if ((rc = name_look(s, selector, &s->out->domain, &own)) != 0)
		return rc;
	if (own.n == 1 && !own.record->is_bad) {
		*f = own;
		s->out->selector = selector;
	}
	return 0;
}

/* At the author's domain, else at its organizational domain; both are asked at the same time. */
static int
record_find(struct search *s, struct found *ret)
{
	const struct dmarc_view *v = &s->in->dmarc->authors[0].now;
	bool has_two = v->has_org && !dname_eq(&v->org, &s->out->author);
	struct found upper = { .rcode = MAIL_DNS_NXDOMAIN };
	int rc, rc2 = 0;

	s->out->domain = s->out->author;
	if ((rc = name_look(s, s->out->selector, &s->out->author, ret)) < 0)
		return rc;
	if (has_two && (rc == MAIL_WAIT || (ret->n == 0 && ret->rcode != MAIL_DNS_FAILED)))
		rc2 = name_look(s, s->out->selector, &v->org, &upper);
	if (rc != 0 || rc2 != 0)
		return rc2 < 0 ? rc2 : MAIL_WAIT;
	if (ret->n == 0 && ret->rcode != MAIL_DNS_FAILED && has_two) {
		*ret = upper;
		s->out->domain = v->org;
	}
	return ret->n == 1 && ret->record->by_local_part ? local_look(s, ret) : 0;
}

static void
found_judge(struct search *s, const struct found *f)
{
	if (f->rcode == MAIL_DNS_FAILED) {
		(void)result_set(s, BIMI_TEMPERROR, N_("the DNS did not answer"));
	} else if (f->n == 0) {
		finding_add0(s->fs, &bimi_findings[BIMI_NONE]);
		(void)result_set(s, BIMI_NONE_FOUND, NULL);
	} else if (f->n > 1) {
		finding_add(s->fs, &bimi_findings[BIMI_RECORDS], FA_U("n", f->n));
		(void)result_set(s, BIMI_FAIL, N_("several records"));
	} else {
		s->out->record = f->record;
		if (f->record->is_bad) {
			(void)result_set(s, BIMI_FAIL, N_("the record is wrong"));
		} else if (f->record->location.n > 0) {
			(void)result_set(s, BIMI_PASS, NULL);
		} else if (f->record->evidence.n > 0) {
			(void)result_set(s, BIMI_FAIL, N_("no address of an image"));
		} else {
			finding_add0(s->fs, &bimi_findings[BIMI_REFUSED]);
			(void)result_set(s, BIMI_DECLINED, NULL);
		}
	}
}

int
bimi_check(const struct bimi_in *in, struct mail_ask *ask, struct pool *pool, struct findings *fs,
    struct bimi_out *ret)
{
	struct bimi_out out = { .selector = in->selector.n > 0 ? in->selector : SV("default") };
	struct search s = { in, ask, pool, fs, &out };
	struct sv before = fs->subject;
	struct found f;
	int rc = 0;

	if (!is_skipped(&s)) {
		if ((rc = record_find(&s, &f)) == 0)
			found_judge(&s, &f);
		fs->subject = before;
	}
	if (rc == 0)
		*ret = out;
	return rc;
}
