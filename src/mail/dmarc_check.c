/* From identifiers and records to a result: RFC 9989 sections 4.10.1 and 5.3, RFC 7489 section 6.6. */
#include <errno.h>

#include "mail/dmarc_internal.h"

const char *
dmarc_method_name(enum dmarc_method m)
{
	return m == DMARC_PSL ? "psl" : "treewalk";
}

struct judging {
	struct dmarc_book	*book;
	const struct dmarc_in	*in;
	const struct dname	*author;
	struct dmarc_view	*v;
};

/* --- which record --- */

static const struct dmarc_step *
step_find(const struct dmarc_walk *w, const struct dname *name)
{
	for (size_t i = 0; i < w->n_steps; i++)
		if (w->steps[i]->record != NULL && dname_eq(&w->steps[i]->name, name))
			return w->steps[i];
	return NULL;
}

/* "The Author Domain; the Organizational Domain …; the Public Suffix Domain" (section 4.10.1). */
static const struct dmarc_step *
step_policy(const struct dmarc_walk *w, const struct dname *author)
{
	const struct dmarc_step *step = step_find(w, author);

	if (step == NULL && w->has_org)
		step = step_find(w, &w->org);
	return step != NULL || !w->has_org ? step : w->psd;
}

static int
record_walk(struct judging *g)
{
	struct dmarc_walk w;
	const struct dmarc_step *step;
	int rc = dmarc_walk(g->book, g->author, &w);

	if (rc != 0)
		return rc;
	g->v->has_org = w.has_org;
	g->v->org = w.org;
	g->v->n_steps = w.n_steps;
	memcpy(g->v->steps, w.steps, sizeof(w.steps));
	step = step_policy(&w, g->author);
	if (step != NULL) {
		g->v->record = step->record;
		g->v->where = step->name;
	}
	return 0;
}

/* --- what it asks for --- */

/*
 * p= at the author's own domain; below it sp=, or np= where the author's domain does not
 * exist. It is sure where nobody knows whether it does, but the two are the same.
 */
static int
policy_choose(struct judging *g, bool *ret_applies)
{
	struct dmarc_view *v = g->v;
	bool legacy = v->method == DMARC_PSL;
	enum dmarc_tag want = dname_eq(&v->where, g->author) ? DMARC_P : DMARC_SP, tag;
	enum mail_rcode exists = MAIL_DNS_FOUND;
	enum dmarc_policy other;
	int rc;

	if (want == DMARC_SP && (v->record->has & 1u << DMARC_NP) != 0 &&
	    (rc = dmarc_exists(g->book, g->author, legacy, &exists)) != 0)
		return rc;
	if (exists == MAIL_DNS_NXDOMAIN)
		want = DMARC_NP;
	*ret_applies = dmarc_record_policy(v->record, want, legacy, &v->policy, &v->tag);
	v->is_sure = exists != MAIL_DNS_FAILED ||
	    (dmarc_record_policy(v->record, DMARC_NP, legacy, &other, &tag) && other == v->policy);
	return 0;
}

/* "the policy applied to any failing messages will be one level below" (section 4.7, "t"). */
static enum dmarc_policy
policy_asked(const struct dmarc_view *v)
{
	if (v->result != MAIL_FAIL)
		return DMARC_POLICY_NONE;
	if (v->method == DMARC_TREEWALK && v->record->testing && v->policy > DMARC_POLICY_NONE)
		return v->policy - 1;
	return v->policy;
}

/* --- the result --- */

static bool
align_unknown(const struct dmarc_view *v, size_t n_dkim)
{
	bool unknown = v->spf == DMARC_ALIGN_UNKNOWN;

	for (size_t i = 0; i < n_dkim; i++)
		unknown |= v->dkim[i] == DMARC_ALIGN_UNKNOWN;
	return unknown;
}

static enum mail_result
view_result(const struct judging *g)
{
	if (g->v->spf_aligned || g->v->dkim_aligned)
		return MAIL_PASS;
	return !g->v->is_sure || align_unknown(g->v, g->in->n_dkim) ? MAIL_TEMPERROR : MAIL_FAIL;
}

/* No record applies, or nobody knows whether one does. */
static int
view_without(struct judging *g, enum mail_result result)
{
	struct dmarc_view *v = g->v;

	v->record = NULL;
	v->result = result;
	v->spf = DMARC_ALIGN_UNCHECKED;
	v->spf_aligned = v->dkim_aligned = false;
	for (size_t i = 0; i < g->in->n_dkim; i++)
		v->dkim[i] = DMARC_ALIGN_UNCHECKED;
	return 0;
}

/* Whether the author's domain exists decides between sp= and np=, and nobody said. */
static void
exists_finding(const struct judging *g)
{
	struct sv before = g->book->fs->subject;
	char text[DNAME_STRLEN];

	g->book->fs->subject = mail_name_str(g->author, text);
	finding_add0(g->book->fs, &dmarc_findings[DMARC_DNS]);
	g->book->fs->subject = before;
}

static bool
step_failed(const struct dmarc_view *v)
{
	return v->n_steps > 0 && v->steps[v->n_steps - 1]->rcode == MAIL_DNS_FAILED;
}

static int
view_judge(struct judging *g)
{
	bool applies = false;
	int rc, wait;

	rc = g->v->method == DMARC_TREEWALK ? record_walk(g) :
	    dmarc_psl_find(g->book, g->in->psl, g->author, g->v);
	if (rc != 0)
		return rc;
	if (g->v->record == NULL)
		return view_without(g, step_failed(g->v) ? MAIL_TEMPERROR : MAIL_NONE);
	wait = policy_choose(g, &applies);
	if (wait < 0)
		return wait;
	g->v->is_void = wait == 0 && !applies;
	if (g->v->is_void)
		return view_without(g, MAIL_NONE);
	if ((rc = dmarc_align(g->book, g->in, g->author, g->v)) != 0 || wait != 0)
		return rc < 0 ? rc : MAIL_WAIT;
	g->v->result = view_result(g);
	g->v->disposition = policy_asked(g->v);
	if (!g->v->is_sure && g->v->result == MAIL_TEMPERROR && g->v->method == DMARC_TREEWALK)
		exists_finding(g);
	return 0;
}

static int
view_init(struct judging *g, enum dmarc_method method)
{
	*g->v = (struct dmarc_view){ .method = method };
	g->v->dkim = pool_calloc(g->book->pool, g->in->n_dkim + 1, sizeof(*g->v->dkim));
	return g->v->dkim == NULL ? -ENOMEM : 0;
}

static int
author_judge(struct dmarc_book *b, const struct dmarc_in *in, struct dmarc_author *a)
{
	struct judging now = { b, in, &a->name, &a->now }, legacy = { b, in, &a->name, &a->legacy };
	int rc, rc2 = 0;

	if ((rc = view_init(&now, DMARC_TREEWALK)) < 0 || (rc = view_init(&legacy, DMARC_PSL)) < 0)
		return rc;
	rc = view_judge(&now);
	if (rc >= 0 && in->psl != NULL)
		rc2 = view_judge(&legacy);
	if (rc < 0 || rc2 < 0)
		return -ENOMEM;
	return rc != 0 || rc2 != 0 ? MAIL_WAIT : 0;
}

/* --- over all authors --- */

static int
view_rank(const struct dmarc_view *v)
{
	static const int ranks[MAIL_RESULT_MAX] = {
		[MAIL_PASS] = 0, [MAIL_NONE] = 1, [MAIL_TEMPERROR] = 2, [MAIL_FAIL] = 3
	};

	return ranks[v->result] + (int)v->disposition;
}

/* "apply the most strict policy selected among the checks that fail" (section 11.5). */
static void
verdict_add(struct dmarc_verdict *d, const struct dmarc_author *a, const struct dmarc_view *v)
{
	const struct dmarc_view *old = d->author == NULL ? NULL :
	    v->method == DMARC_PSL ? &d->author->legacy : &d->author->now;

	if (old == NULL || view_rank(v) > view_rank(old))
		*d = (struct dmarc_verdict){ v->result, v->disposition, a };
}

static void
fail_finding(const struct dmarc_view *v, struct findings *fs)
{
	char where[DNAME_STRLEN];

	if (v->record->testing && v->policy > DMARC_POLICY_NONE)
		finding_add(fs, &dmarc_findings[DMARC_TESTING], FA_STR("policy", dmarc_policy_name(v->policy)));
	if (v->disposition == DMARC_POLICY_NONE)
		finding_add0(fs, &dmarc_findings[DMARC_FAIL]);
	else
		finding_add(fs, &dmarc_findings[DMARC_FAIL_ASKED],
		    FA_STR("policy", dmarc_policy_name(v->disposition)),
		    FA_STR("tag", dmarc_tag_name(v->tag)), FA_SV("name", mail_name_str(&v->where, where)));
}

static bool
author_differs(const struct dmarc_author *a)
{
	return a->now.result != a->legacy.result || a->now.disposition != a->legacy.disposition;
}

static void
differs_finding(const struct dmarc_author *a, struct findings *fs)
{
	char now[DNAME_STRLEN], then[DNAME_STRLEN];

	finding_add(fs, &dmarc_findings[DMARC_DIFFERS],
	    FA_STR("result", mail_result_name(a->now.result)),
	    FA_STR("policy", dmarc_policy_name(a->now.disposition)),
	    FA_SV("org", mail_name_str(&a->now.org, now)),
	    FA_STR("old_result", mail_result_name(a->legacy.result)),
	    FA_STR("old_policy", dmarc_policy_name(a->legacy.disposition)),
	    FA_SV("old_org", mail_name_str(&a->legacy.org, then)));
}

static void
author_findings(const struct dmarc_author *a, struct dmarc_out *out, struct findings *fs)
{
	struct sv before = fs->subject;
	char text[DNAME_STRLEN];

	fs->subject = mail_name_str(&a->name, text);
	if (a->now.result == MAIL_NONE && !a->now.is_void)
		finding_add0(fs, &dmarc_findings[DMARC_NO_RECORD]);
	if (a->now.result == MAIL_FAIL)
		fail_finding(&a->now, fs);
	if (out->has_legacy && author_differs(a))
		differs_finding(a, fs);
	fs->subject = before;
}

/* Different ones, the first DMARC_AUTHORS_MAX of them; all are counted. */
static int
authors_take(const struct dmarc_in *in, struct pool *pool, struct dmarc_out *out, size_t *ret_n)
{
	size_t n = 0;

	out->authors = pool_calloc(pool, DMARC_AUTHORS_MAX, sizeof(*out->authors));
	if (out->authors == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_authors; i++) {
		bool known = in->authors[i].len <= 1;

		for (size_t j = 0; j < out->n_authors; j++)
			known |= dname_eq(&out->authors[j].name, &in->authors[i]);
		if (known)
			continue;
		if (out->n_authors < DMARC_AUTHORS_MAX)
			out->authors[out->n_authors++].name = in->authors[i];
		n++;
	}
	*ret_n = n;
	return 0;
}

/* "If not all Author Domains are processed, then the DMARC evaluation is incomplete." */
static void
verdict_none(struct dmarc_out *out)
{
	out->n_authors = 0;
	out->now = out->legacy = (struct dmarc_verdict){ MAIL_PERMERROR, DMARC_POLICY_NONE, NULL };
}

static int
authors_judge(struct dmarc_book *b, const struct dmarc_in *in, struct dmarc_out *out)
{
	bool wait = false;

	for (size_t i = 0; i < out->n_authors; i++)
		dmarc_align_want(b, in, &out->authors[i].name);
	for (size_t i = 0; i < out->n_authors; i++) {
		int rc = author_judge(b, in, &out->authors[i]);

		if (rc < 0)
			return rc;
		wait |= rc == MAIL_WAIT;
	}
	return wait ? MAIL_WAIT : 0;
}

int
dmarc_check(const struct dmarc_in *in, struct mail_ask *ask, struct pool *pool, struct findings *fs,
    struct dmarc_out *ret)
{
	struct dmarc_book b = { .ask = ask, .pool = pool, .fs = fs };
	struct dmarc_out out = { .has_legacy = in->psl != NULL };
	size_t n;
	int rc = authors_take(in, pool, &out, &n);

	if (rc < 0)
		return rc;
	if (n == 0)
		finding_add0(fs, &dmarc_findings[DMARC_AUTHOR_NONE]);
	if (n > 1)
		finding_add(fs, &dmarc_findings[DMARC_AUTHORS], FA_U("n", n), FA_U("limit", DMARC_AUTHORS_MAX));
	if (n == 0 || n > DMARC_AUTHORS_MAX)
		verdict_none(&out);
	if ((rc = authors_judge(&b, in, &out)) != 0)
		return rc;
	for (size_t i = 0; i < out.n_authors; i++) {
		verdict_add(&out.now, &out.authors[i], &out.authors[i].now);
		if (out.has_legacy)
			verdict_add(&out.legacy, &out.authors[i], &out.authors[i].legacy);
		author_findings(&out.authors[i], &out, fs);
	}
	out.differs = out.has_legacy && (out.now.result != out.legacy.result ||
	    out.now.disposition != out.legacy.disposition);
	*ret = out;
	return 0;
}
