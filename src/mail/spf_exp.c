/* exp=: the words of a domain's owner to whom is refused (RFC 7208 section 6.2). */
#include "mail/spf_internal.h"

#include <errno.h>

/* "proceed as if no "exp" modifier was given", and say why. */
static int
exp_ignore(struct spf_eval *ev, struct sv name, const char *why)
{
	finding_add(ev->fs, &spf_findings[SPF_EXP_IGNORED], FA_SV("name", name),
	    FA_MSG("why", why));
	return 0;
}

/* The one TXT of the name. *ret.n is 0: there is none that counts, which was said. */
static int
text_get(struct spf_eval *ev, struct sv name, struct sv *ret)
{
	const struct mail_answer *a = NULL;
	struct dname wire;
	int rc;

	if (name.n == 0 || mail_name(name, &wire) < 0)
		return exp_ignore(ev, name, N_("no name that can be asked for"));
	if ((rc = spf_ask(ev, &wire, RR_TXT, &a)) != 0)
		return rc;
	if (a->rcode != MAIL_DNS_FOUND || a->n == 0)
		return exp_ignore(ev, name, mail_rcode_name(a->rcode));
	if (a->n > 1)
		return exp_ignore(ev, name, N_("more than one record"));
	*ret = mail_txt(ev->pool, a->rdata[0]);
	return ret->p == NULL ? -ENOMEM : 0;
}

int
spf_explain(struct spf_eval *ev, const struct spf_answer *answer)
{
	struct sv name, text = { NULL, 0 };
	struct spf_fault f;
	int rc;

	if (answer->exp.n == 0)
		return 0;
	ev->fs->subject = answer->frame.domain;
	if ((rc = spf_expand_domain(ev, &answer->frame, answer->exp, &name)) != 0)
		return rc;
	if ((rc = text_get(ev, name, &text)) != 0 || text.n == 0)
		return rc;
	if (!spf_macros_ok(text, SPF_IN_TEXT, &f))
		return exp_ignore(ev, name, f.why);
	if ((rc = spf_expand_text(ev, &answer->frame, text, &ev->out->explanation)) != 0)
		return rc;
	if (ev->out->explanation.n == 0)
		return exp_ignore(ev, name, N_("its text is too long, or would not be ASCII"));
	return 0;
}
