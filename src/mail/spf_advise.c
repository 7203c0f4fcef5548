/* What the owner of a record should mend, though it can be read. */
#include "mail/spf_internal.h"

#define TYPE_SPF	99

static const struct finding_def *
row(enum spf_code code)
{
	return &spf_findings[code];
}

static void
term_advise(const struct spf_term *t, struct findings *fs)
{
	if (t->mechanism == SPF_PTR)
		finding_add(fs, row(SPF_PTR_USED), FA_SV("term", t->text));
	if (t->mechanism == SPF_ALL && t->result == MAIL_PASS)
		finding_add(fs, row(SPF_PLUS_ALL), FA_SV("term", t->text));
}

/* Behind "all" nothing is tried (section 5.1). */
static void
order_advise(const struct spf_record *r, struct findings *fs)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->terms[i].mechanism != SPF_ALL)
			continue;
		if (i + 1 < r->n)
			finding_add(fs, row(SPF_AFTER_ALL), FA_SV("term", r->terms[i + 1].text));
		if (r->redirect.n > 0)
			finding_add(fs, row(SPF_REDIRECT_UNUSED), FA_SV("name", r->redirect));
		return;
	}
	if (r->redirect.n == 0)
		finding_add0(fs, row(SPF_NO_DEFAULT));
}

static size_t
lookups_count(const struct spf_record *r)
{
	size_t n = r->redirect.n > 0;

	for (size_t i = 0; i < r->n; i++)
		n += spf_term_asks(&r->terms[i]);
	return n;
}

void
spf_record_advise(const struct spf_record *r, struct findings *fs)
{
	for (size_t i = 0; i < r->n; i++)
		term_advise(&r->terms[i], fs);
	order_advise(r, fs);
	if (r->text.n > SPF_RECORD_ADVISED)
		finding_add(fs, row(SPF_RECORD_LONG), FA_U("size", r->text.n),
		    FA_U("limit", SPF_RECORD_ADVISED));
	if (r->n_unknown > 0)
		finding_add(fs, row(SPF_MODIFIER_UNKNOWN), FA_SV("name", r->unknown));
	if (lookups_count(r) > SPF_LOOKUPS_MAX)
		finding_add(fs, row(SPF_LOOKUPS_OWN), FA_U("count", lookups_count(r)),
		    FA_U("limit", SPF_LOOKUPS_MAX));
}

int
spf_type99_advise(struct spf_eval *ev, const struct dname *name)
{
	const struct mail_answer *a = NULL;
	int rc = mail_ask(ev->ask, name, TYPE_SPF, &a);

	if (rc == 0 && a->rcode == MAIL_DNS_FOUND)
		finding_add0(ev->fs, row(SPF_TYPE99));
	return rc;
}

void
spf_lookups_advise(struct spf_eval *ev)
{
	if (ev->out->n_lookups >= SPF_LOOKUPS_NEAR && ev->out->result != MAIL_PERMERROR)
		finding_add(ev->fs, row(SPF_LOOKUPS_NEAR_LIMIT), FA_U("count", ev->out->n_lookups),
		    FA_U("limit", ev->in->limits.n_lookups));
}
