/* A record: which of a name's TXT it is, its terms and modifiers (RFC 7208 sections 4.5, 4.6). */
#include "mail/spf_internal.h"

#include <errno.h>

#include "base/rd.h"

#define VERSION		SV("v=spf1")

#define F FINDING_ROW_
const struct finding_def spf_findings[SPF_CODE_MAX] = {
#include "mail/spf_findings.def"
};
#undef F

/*
 * "v=spf1" may be cut anywhere by the strings of the TXT, and what is no SPF is not worth
 * putting together: keys and proofs of ownership, many of them.
 */
bool
spf_is_record(struct sv rdata)
{
	struct rd r = rd_sv(rdata);
	char head[7];
	size_t n = 0;

	while (n < sizeof(head) && rd_left(&r) > 0) {
		struct sv s = sv_take(rd_slice(&r, rd_u8(&r)), sizeof(head) - n);

		if (s.n > 0)
			memcpy(head + n, s.p, s.n);
		n += s.n;
	}
	return sv_caseeq((struct sv){ head, min_size(n, VERSION.n) }, VERSION) &&
	    (n == VERSION.n || head[VERSION.n] == ' ');
}

/* --- what is wrong --- */

static void
fault_add(struct findings *fs, const struct spf_record *r, struct sv term,
    const struct spf_fault *f)
{
	finding_add(fs, &spf_findings[SPF_SYNTAX], FA_SV("term", term),
	    FA_U("position", (size_t)(f->at.p - r->text.p) + 1), FA_MSG("why", f->why));
}

static bool
limit_ok(struct findings *fs, const char *what, size_t size, size_t limit)
{
	if (size <= limit)
		return true;
	finding_add(fs, &spf_findings[SPF_RECORD_LARGE], FA_MSG("what", what), FA_U("size", size),
	    FA_U("limit", limit));
	return false;
}

/* --- modifiers --- */

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ), then "=" */
static bool
modifier_cut(struct sv term, struct sv *ret_name, struct sv *ret_value)
{
	size_t n = 0;

	while (n < term.n && (spf_is_alpha(term.p[n]) || (n > 0 &&
	    (spf_is_digit(term.p[n]) || strchr("-_.", term.p[n]) != NULL) && term.p[n] != '\0')))
		n++;
	if (n == 0 || n == term.n || term.p[n] != '=')
		return false;
	*ret_name = sv_take(term, n);
	*ret_value = sv_skip(term, n + 1);
	return true;
}

/* Section 6: "MUST NOT appear in a record more than once each". */
static bool
known_add(struct findings *fs, struct spf_record *r, struct sv term, struct sv value,
    struct sv *ret)
{
	struct spf_fault f;

	if (ret->n > 0) {
		finding_add(fs, &spf_findings[SPF_MODIFIER_DOUBLE], FA_SV("term", term));
		return false;
	}
	if (!spf_domain_ok(value, &f)) {
		fault_add(fs, r, term, &f);
		return false;
	}
	*ret = value;
	return true;
}

static bool
modifier_add(struct findings *fs, struct spf_record *r, struct sv term, struct sv name,
    struct sv value)
{
	struct spf_fault f;

	if (sv_caseeq(name, SV("redirect"))) {
		r->redirect_term = term;
		return known_add(fs, r, term, value, &r->redirect);
	}
	if (sv_caseeq(name, SV("exp")))
		return known_add(fs, r, term, value, &r->exp);
	if (!spf_macros_ok(value, SPF_IN_UNKNOWN, &f)) {
		fault_add(fs, r, term, &f);
		return false;
	}
	if (r->n_unknown++ == 0)
		r->unknown = name;
	return true;
}

/* --- terms --- */

static bool
term_add(struct findings *fs, struct spf_record *r, struct sv term)
{
	struct sv name, value;
	struct spf_fault f;

	if (modifier_cut(term, &name, &value))
		return modifier_add(fs, r, term, name, value);
	if (!spf_term_parse(term, &r->terms[r->n], &f)) {
		fault_add(fs, r, term, &f);
		return false;
	}
	r->n++;
	return true;
}

/* The next run of anything but blanks: only they separate terms (section 4.6.1). */
static bool
term_next(struct sv *rest, struct sv *ret)
{
	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = sv_skip(*rest, 1);
	if (rest->n == 0)
		return false;
	*ret = sv_take(*rest, sv_find(*rest, ' '));
	*rest = sv_skip(*rest, ret->n);
	return true;
}

static size_t
terms_count(struct sv text)
{
	struct sv term;
	size_t n = 0;

	while (term_next(&text, &term))
		n++;
	return n;
}

/* All errors are told, as who mends a record wants to see them together. */
static bool
terms_parse(struct findings *fs, struct spf_record *r, struct sv rest)
{
	unsigned n_bad = 0;
	struct sv term;

	while (n_bad < SPF_ERRORS_MAX && term_next(&rest, &term))
		n_bad += !term_add(fs, r, term);
	return n_bad == 0;
}

int
spf_record_parse(struct pool *pool, struct sv text, struct findings *fs, struct spf_record **ret)
{
	struct sv rest = sv_skip(text, VERSION.n);
	size_t n = terms_count(rest);
	struct spf_record *r;

	*ret = NULL;
	if (!limit_ok(fs, N_("octets"), text.n, SPF_RECORD_MAX) ||
	    !limit_ok(fs, N_("terms"), n, SPF_TERMS_MAX))
		return 0;
	if ((r = pool_alloc(pool, sizeof(*r))) == NULL ||
	    (r->terms = pool_calloc(pool, max_size(n, 1), sizeof(*r->terms))) == NULL)
		return -ENOMEM;
	r->text = text;
	if (terms_parse(fs, r, rest))
		*ret = r;
	return 0;
}
