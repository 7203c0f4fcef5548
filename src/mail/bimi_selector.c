/* BIMI-Selector: draft-brand-indicators-for-message-identification-10 sections 4.4, 5.1 and 5.5. */
#include <errno.h>

#include "mail/bimi_internal.h"
#include "mail/tags.h"

/* RFC 5321's sub-domains: letters, digits and hyphens between dots. */
static bool
selector_ok(struct sv s)
{
	char before = '.';

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.')
			return false;
		if (before == '.' && (c == '.' || c == '-'))
			return false;
		before = c;
	}
	return s.n > 0 && s.n <= BIMI_SELECTOR_MAX && before != '.' && before != '-';
}

static struct sv
selector_read(struct sv value)
{
	struct mail_tags tags;
	struct sv s;
	size_t at;

	if (mail_tags_parse(value, &tags, &at) != MAIL_TAGS_OK || tags.n < 2 ||
	    !sv_eq(tags.tag[0].name, SV("v")) || !sv_eq(tags.tag[0].value, SV("BIMI1")))
		return (struct sv){ NULL, 0 };
	s = mail_tag_get(&tags, "s");
	return selector_ok(s) ? s : (struct sv){ NULL, 0 };
}

static bool
signs_selector(const struct dkim_sig *sig)
{
	for (size_t i = 0; i < sig->n_names; i++)
		if (sv_caseeq(sig->names[i], SV("BIMI-Selector")))
			return true;
	return false;
}

/* "SHOULD be included in the DMARC-aligned DKIM signature used to confirm authenticity". */
static bool
is_signed(const struct dkim *dkim, const struct dkim_verdict *verdicts, const struct dmarc_out *dmarc)
{
	for (size_t i = 0; i < dkim->n && dmarc->n_authors == 1 && dmarc->authors[0].now.dkim != NULL; i++)
		if (verdicts[i].result == MAIL_PASS && dmarc_aligned(dmarc->authors[0].now.dkim[i]) &&
		    signs_selector(&dkim->sigs[i]))
			return true;
	return false;
}

int
bimi_selector_find(const struct mail_head *head, const struct dkim *dkim, const struct dkim_verdict *verdicts,
    const struct dmarc_out *dmarc, struct pool *pool, struct findings *fs, struct sv *ret)
{
	const struct mail_field *field = mail_head_last(head, SV("BIMI-Selector"), 0);
	const char *what = NULL;
	struct sv found = { NULL, 0 };

	*ret = SV("");
	if (field == NULL)
		return 0;
	if (mail_head_count(head, SV("BIMI-Selector")) > 1)
		what = N_("it stands there more than once");
	else if ((found = selector_read(field->value)).n == 0)
		what = N_("it cannot be read");
	else if (!is_signed(dkim, verdicts, dmarc))
		what = N_("no signature that counts for DMARC covers it");
	if (what != NULL) {
		finding_add(fs, &bimi_findings[BIMI_SELECTOR], FA_MSG("what", what));
		return 0;
	}
	found = pool_sv(pool, found);
	if (found.p == NULL)
		return -ENOMEM;
	*ret = found;
	return 0;
}
