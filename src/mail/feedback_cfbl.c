/* To whom complaints go, as the message itself says: RFC 9477. */
#include <errno.h>

#include "mail/feedback.h"

static bool
covers(const struct dkim_sig *s, struct sv name)
{
	for (size_t i = 0; i < s->n_names; i++)
		if (sv_caseeq(s->names[i], name))
			return true;
	return false;
}

/*
 * Section 3.1: the domain, or one above it, signs (relaxed as DMARC's alignment is strictest: the
 * same name, or the name is below), and "the CFBL-Address header field MUST be included in the
 * "h=" tag", the CFBL-Feedback-ID as well where there is one.
 */
static bool
is_signed(const struct mail_head *head, const struct dname *domain, const struct dkim_sig *sigs,
    const enum mail_result *results, size_t n)
{
	bool has_id = mail_head_count(head, SV("CFBL-Feedback-ID")) > 0;

	for (size_t i = 0; i < n; i++)
		if (results[i] == MAIL_PASS && sigs[i].domain_name.len > 1 &&
		    dname_within(domain, &sigs[i].domain_name) && covers(&sigs[i], SV("CFBL-Address")) &&
		    (!has_id || covers(&sigs[i], SV("CFBL-Feedback-ID"))))
			return true;
	return false;
}

/* "addr-spec [ ";" "report=" …]"; ARF is what we write, whatever else is wanted (section 4.2). */
int
feedback_cfbl(const struct mail_head *head, const struct dname *author, const struct dkim_sig *sigs,
    const enum mail_result *results, size_t n, struct pool *pool, struct sv *ret)
{
	const struct mail_field *field = mail_head_last(head, SV("CFBL-Address"), 0);
	struct sv value, address;
	struct mail_address a;
	int rc;

	*ret = SV("");
	if (field == NULL || mail_head_count(head, SV("CFBL-Address")) != 1)
		return 0;
	value = field->value;
	address = sv_trim(sv_cut(&value, ';'));
	if ((rc = mail_envelope(pool, address, &a)) < 0)
		return rc == -ENOMEM ? rc : 0;
	if (!is_signed(head, author, sigs, results, n) || !is_signed(head, &a.name, sigs, results, n))
		return 0;
	*ret = address;
	return 0;
}
