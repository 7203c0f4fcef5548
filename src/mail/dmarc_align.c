/* Does what passed belong to the author's organization? RFC 9989 section 4.10.2, RFC 7489 section 3.1. */
#include <errno.h>

#include "mail/dmarc_internal.h"

static const char *const aligns[DMARC_ALIGN_MAX] = {
	[DMARC_ALIGN_SAME] = N_("the same domain"),
	[DMARC_ALIGN_ORG] = N_("the same organizational domain"),
	[DMARC_ALIGN_STRICT] = N_("not the same domain, which the record demands"),
	[DMARC_ALIGN_OTHER] = N_("another organizational domain"),
	[DMARC_ALIGN_FAILED] = N_("did not pass"),
	[DMARC_ALIGN_UNKNOWN] = N_("the DNS did not answer"),
	[DMARC_ALIGN_UNCHECKED] = N_("not compared"),
};

const char *
dmarc_align_name(enum dmarc_align a)
{
	return a < DMARC_ALIGN_MAX ? aligns[a] : "?";
}

struct aligning {
	struct dmarc_book		*book;
	const struct dmarc_in		*in;
	const struct dname		*author;
	const struct dmarc_view		*view;
	size_t				 n_walks;	/* those that may have cost questions */
	bool				 is_cut;	/* one more would have been needed */
};

static bool
tail_shared(const struct dname *a, const struct dname *b, unsigned labels)
{
	struct dname tail = dmarc_tail(b, labels);

	return dname_labels(a->w) >= labels && dname_labels(b->w) >= labels && dname_within(a, &tail);
}

/* The identifier's own organizational domain is the author's: 0 with the answer; MAIL_WAIT; -ENOMEM. */
static int
org_compare(struct aligning *g, const struct dname *name, enum dmarc_align *ret)
{
	struct dmarc_walk w = { .has_org = true };
	int rc = 0;

	if (g->view->method == DMARC_PSL)
		dmarc_psl_org(g->in->psl, name, &w.org);
	else
		rc = dmarc_walk(g->book, name, &w);
	if (rc != 0)
		return rc;
	if (!w.has_org || (!g->view->has_org && dname_within(g->author, &w.org)))
		*ret = DMARC_ALIGN_UNKNOWN;
	else if (!g->view->has_org)	/* wherever the author's is, it is another */
		*ret = DMARC_ALIGN_OTHER;
	else
		*ret = dname_eq(&w.org, &g->view->org) ? DMARC_ALIGN_ORG : DMARC_ALIGN_OTHER;
	return 0;
}

/* An organizational domain is a tail of its name: most identifiers need no question. */
static int
ident_align(struct aligning *g, const struct dmarc_ident *id, bool strict, enum dmarc_align *ret)
{
	const struct dmarc_view *v = g->view;

	if (id->result != MAIL_PASS && id->result != MAIL_TEMPERROR)
		*ret = DMARC_ALIGN_FAILED;
	else if (dname_eq(&id->name, g->author))
		*ret = DMARC_ALIGN_SAME;
	else if (strict)
		*ret = DMARC_ALIGN_STRICT;
	else if (!tail_shared(&id->name, g->author, 1) ||
	    (v->has_org && !dname_within(&id->name, &v->org)))
		*ret = DMARC_ALIGN_OTHER;
	else if (g->n_walks == DMARC_WALKS_MAX) {
		g->is_cut = true;
		*ret = DMARC_ALIGN_UNCHECKED;
	} else {
		g->n_walks += v->method == DMARC_TREEWALK;
		return org_compare(g, &id->name, ret);
	}
	return 0;
}

/*
 * "If one or more DNS queries required to perform DMARC validation on the message do not complete
 * …, the message cannot be considered to pass or fail" (section 5.3.6; RFC 7489 section 6.6.2 names
 * SPF's and DKIM's): what would have been aligned, had it passed, is unknown.
 */
static int
ident_judge(struct aligning *g, const struct dmarc_ident *id, bool strict, enum dmarc_align *ret)
{
	int rc = ident_align(g, id, strict, ret);

	if (rc != 0 || id->result != MAIL_TEMPERROR)
		return rc;
	if (dmarc_aligned(*ret))
		*ret = DMARC_ALIGN_UNKNOWN;
	else if (*ret == DMARC_ALIGN_STRICT || *ret == DMARC_ALIGN_OTHER)
		*ret = DMARC_ALIGN_FAILED;
	return 0;
}

/* Asked for before the first look at an answer; two labels in common are what organizations share. */
static void
idents_want(struct dmarc_book *b, const struct dmarc_in *in, const struct dname *author)
{
	size_t n_walks = 0;

	for (size_t i = 0; i < in->n_dkim + 1 && n_walks < DMARC_WALKS_MAX; i++) {
		const struct dmarc_ident *id = i == 0 ? in->spf : &in->dkim[i - 1];

		if (id == NULL || (id->result != MAIL_PASS && id->result != MAIL_TEMPERROR) ||
		    !tail_shared(&id->name, author, 2))
			continue;
		dmarc_book_want(b, &id->name);
		n_walks++;
	}
}

void
dmarc_align_want(struct dmarc_book *b, const struct dmarc_in *in, const struct dname *author)
{
	dmarc_book_want(b, author);
	idents_want(b, in, author);
}

int
dmarc_align(struct dmarc_book *b, const struct dmarc_in *in, const struct dname *author,
    struct dmarc_view *v)
{
	struct aligning g = { b, in, author, v, 0, false };
	bool wait = false;
	int rc;

	v->spf = DMARC_ALIGN_FAILED;
	if (in->spf != NULL && (rc = ident_judge(&g, in->spf, v->record->strict_spf, &v->spf)) != 0) {
		if (rc < 0)
			return rc;
		wait = true;
	}
	v->spf_aligned = dmarc_aligned(v->spf);
	for (size_t i = 0; i < in->n_dkim; i++) {
		if ((rc = ident_judge(&g, &in->dkim[i], v->record->strict_dkim, &v->dkim[i])) < 0)
			return rc;
		wait |= rc == MAIL_WAIT;
		v->dkim_aligned |= dmarc_aligned(v->dkim[i]);
	}
	if (g.is_cut)
		finding_add(b->fs, &dmarc_findings[DMARC_IDENTS], FA_U("limit", DMARC_WALKS_MAX));
	return wait ? MAIL_WAIT : 0;
}
