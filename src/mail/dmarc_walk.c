/* Names, what stands at them, and the walk from one to its organizational domain: RFC 9989 section 4.10. */
#include <errno.h>

#include "mail/dmarc_internal.h"

/* --- what stands at a name --- */

/* "_dmarc." before it; -E2BIG: there can be no such name. */
static int
name_ask(struct mail_ask *ask, const struct dname *name, const struct mail_answer **ret)
{
	struct dname at;
	int rc = dname_prepend(SV("_dmarc"), name, &at);

	return rc < 0 ? rc : mail_ask(ask, &at, RR_TXT, ret);
}

/* Does it look as if somebody had meant a DMARC record? */
static bool
record_almost(struct sv text)
{
	for (size_t i = 0; i + 6 <= text.n; i++)
		if (sv_caseeq(sv_take(sv_skip(text, i), 6), SV("DMARC1")))
			return true;
	return false;
}

/* "If multiple DMARC Policy Records are returned for a single target, they are all discarded." */
static int
records_read(struct dmarc_book *b, const struct mail_answer *a, struct dmarc_step *step)
{
	struct dmarc_record *r = NULL;
	struct sv found = { NULL, 0 };
	bool said = false;

	for (size_t i = 0; i < a->n; i++) {
		struct sv text = mail_txt(b->pool, a->rdata[i]);

		if (text.p == NULL)
			return -ENOMEM;
		if (dmarc_record_is(text)) {
			step->n_records++;
			found = text;
		} else if (!said && record_almost(text)) {
			finding_add(b->fs, &dmarc_findings[DMARC_VERSION], FA_SV("text", text));
			said = true;
		}
	}
	if (step->n_records > 1)
		finding_add(b->fs, &dmarc_findings[DMARC_RECORDS], FA_U("n", step->n_records));
	if (step->n_records == 1 && dmarc_record_parse(b->pool, found, b->fs, &r) < 0)
		return -ENOMEM;
	step->record = r;
	return 0;
}

/* Faults in records are findings on the name where they stand. */
static int
page_fill(struct dmarc_book *b, const struct mail_answer *a, struct dmarc_step *step)
{
	struct sv before = b->fs->subject;
	char text[DNAME_STRLEN];
	int rc;

	b->fs->subject = mail_name_str(&step->name, text);
	step->rcode = a->rcode;
	if (a->rcode == MAIL_DNS_FAILED)
		finding_add0(b->fs, &dmarc_findings[DMARC_DNS]);
	rc = a->rcode == MAIL_DNS_FOUND ? records_read(b, a, step) : 0;
	b->fs->subject = before;
	return rc;
}

int
dmarc_book_find(struct dmarc_book *b, const struct dname *name, const struct dmarc_step **ret)
{
	static const struct mail_answer no_name = { .rcode = MAIL_DNS_NXDOMAIN };
	const struct mail_answer *a = &no_name;
	struct dmarc_page *p;
	int rc;

	for (p = b->pages; p != NULL; p = p->next)
		if (dname_eq(&p->step.name, name)) {
			*ret = &p->step;
			return 0;
		}
	rc = name_ask(b->ask, name, &a);
	if (rc == MAIL_WAIT)
		return MAIL_WAIT;
	p = pool_calloc(b->pool, 1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->step.name = *name;
	if ((rc = page_fill(b, a, &p->step)) < 0)
		return rc;
	p->next = b->pages;
	b->pages = p;
	*ret = &p->step;
	return 0;
}

void
dmarc_book_want(struct dmarc_book *b, const struct dname *start)
{
	struct dname names[DMARC_QUERIES_MAX];
	size_t n = dmarc_walk_names(start, names);

	for (size_t i = 0; i < n; i++) {
		const struct mail_answer *a;

		(void)name_ask(b->ask, &names[i], &a);
	}
}

/*
 * "if the response code received for a query for a domain name is NXDOMAIN, then the domain
 * name and any possible subdomains do not exist" (section 3.2.13): one type will do. RFC 9091
 * section 2.7 wants "NXDOMAIN or NODATA" for A, AAAA and MX.
 */
int
dmarc_exists(struct dmarc_book *b, const struct dname *name, bool legacy, enum mail_rcode *ret)
{
	static const uint16_t types[] = { RR_A, RR_AAAA, RR_MX };
	const struct mail_answer *a[ARRAY_LEN(types)];
	size_t n = legacy ? ARRAY_LEN(types) : 1;
	enum mail_rcode found = MAIL_DNS_NXDOMAIN;
	bool wait = false;

	for (size_t i = 0; i < n; i++)
		wait |= mail_ask(b->ask, name, types[i], &a[i]) == MAIL_WAIT;
	if (wait)
		return MAIL_WAIT;
	for (size_t i = 0; i < n; i++) {
		if (a[i]->rcode == MAIL_DNS_FOUND || (!legacy && a[i]->rcode == MAIL_DNS_NODATA)) {
			*ret = MAIL_DNS_FOUND;
			return 0;
		}
		if (a[i]->rcode == MAIL_DNS_FAILED)
			found = MAIL_DNS_FAILED;
	}
	*ret = found;
	return 0;
}

/* --- the walk --- */

struct dname
dmarc_tail(const struct dname *name, unsigned n)
{
	struct dname tail = *name;

	for (unsigned left = dname_labels(name->w); left > n; left--)
		(void)!dname_parent(&tail, &tail);
	return tail;
}

size_t
dmarc_walk_names(const struct dname *start, struct dname ret[static DMARC_QUERIES_MAX])
{
	unsigned left = dname_labels(start->w);
	size_t n = 0;

	if (left > 0)
		ret[n++] = *start;
	/* "If x >= 8, remove the left-most labels … until 7 labels remain." */
	left = left < DMARC_QUERIES_MAX ? left : DMARC_QUERIES_MAX;
	while (left > 1)
		ret[n++] = dmarc_tail(start, --left);
	return n;
}

/* Section 4.10.2, from the longest name to the shortest. true: the walk ends here. */
static bool
step_select(const struct dmarc_step *step, bool is_start, struct dmarc_walk *w)
{
	if (step->record == NULL)
		return false;
	if (step->record->psd == DMARC_PSD_YES && !is_start) {
		w->psd = step;
		w->org = dmarc_tail(&w->steps[0]->name, dname_labels(step->name.w) + 1);
		return true;
	}
	w->org = step->name;		/* the fewest labels so far */
	return step->record->psd != DMARC_PSD_UNKNOWN;
}

int
dmarc_walk(struct dmarc_book *b, const struct dname *start, struct dmarc_walk *ret)
{
	struct dname names[DMARC_QUERIES_MAX];
	struct dmarc_walk w = { .has_org = true, .org = *start };
	size_t n = dmarc_walk_names(start, names);

	dmarc_book_want(b, start);
	for (size_t i = 0; i < n; i++) {
		const struct dmarc_step *step;
		int rc = dmarc_book_find(b, &names[i], &step);

		if (rc != 0)
			return rc;
		w.steps[w.n_steps++] = step;
		if (step->rcode == MAIL_DNS_FAILED) {
			w.has_org = false;
			break;
		}
		if (step_select(step, i == 0, &w))
			break;
	}
	*ret = w;
	return 0;
}
