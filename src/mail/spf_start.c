/* The identity that is checked (RFC 7208 sections 2.3, 2.4 and 4.3), and the result. */
#include "mail/spf_internal.h"

#include <errno.h>

#include "mail/message.h"

static const char *const identities[SPF_IDENTITY_MAX] = {
	[SPF_MAILFROM] = "mailfrom",
	[SPF_HELO] = "helo",
};

static const char *const outcomes[SPF_OUTCOME_MAX] = {
	[SPF_STEP_NO] = N_("no match"),
	[SPF_STEP_MATCH] = N_("match"),
	[SPF_STEP_ERROR] = N_("error"),
	[SPF_STEP_GOES] = N_("goes on"),
};

const char *
spf_identity_name(enum spf_identity i)
{
	return i < SPF_IDENTITY_MAX ? identities[i] : "?";
}

const char *
spf_outcome_name(enum spf_outcome o)
{
	return o < SPF_OUTCOME_MAX ? outcomes[o] : "?";
}

/* Section 5: "an IPv4-mapped IPv6 IP address … MUST still be considered an IPv4 address". */
struct ip_prefix
spf_client(struct ip_prefix px)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip_prefix v4 = { .af = IP_V4, .len = 32 };

	if (px.af != IP_V6 || memcmp(px.addr, mapped, sizeof(mapped)) != 0)
		return px;
	memcpy(v4.addr, px.addr + sizeof(mapped), 4);
	return v4;
}

/*
 * A domain as the DNS has it, and its text for macros: U-labels become A-labels (RFC 8616
 * section 4). What has no such form stays as it is, with .len 0.
 */
static int
domain_read(struct spf_eval *ev, struct sv text, struct dname *ret_name, struct sv *ret_text)
{
	struct dname name;

	if (sv_ends(text, SV(".")))
		text.n--;
	*ret_text = text;
	ret_name->len = 0;
	if ((sv_ascii(text) ? mail_name(text, &name) : mail_domain(text, &name)) < 0)
		return 0;
	*ret_name = name;
	if (!sv_ascii(text))
		*ret_text = spf_name_text(ev, &name);
	return ret_text->p == NULL ? -ENOMEM : 0;
}

/* Section 4.3: "malformed …, or is not a multi-label domain name". */
static bool
domain_ok(const struct dname *name, struct sv text)
{
	return name->len > 0 && dname_labels(name->w) > 1 && text.p[0] != '[';
}

/* Section 4.3: "If the <sender> has no local-part, substitute the string "postmaster"". */
static int
sender_make(struct spf_eval *ev)
{
	size_t n = ev->local.n + 1 + ev->origin.n;
	char *p = pool_alloc(ev->pool, n);

	if (p == NULL)
		return -ENOMEM;
	memcpy(p, ev->local.p, ev->local.n);
	p[ev->local.n] = '@';
	if (ev->origin.n > 0)
		memcpy(p + ev->local.n + 1, ev->origin.p, ev->origin.n);
	ev->out->sender = (struct sv){ p, n };
	return 0;
}

static int
identity_find(struct spf_eval *ev)
{
	struct sv sender = ev->in->sender, domain = ev->in->helo;
	struct dname helo;
	int rc = domain_read(ev, ev->in->helo, &helo, &ev->helo);

	if (rc < 0)
		return rc;
	ev->out->identity = sender.n == 0 ? SPF_HELO : SPF_MAILFROM;
	if (sender.n > 0) {
		size_t at = sv_rfind(sender, '@');

		ev->local = at < sender.n ? sv_take(sender, at) : (struct sv){ NULL, 0 };
		domain = at < sender.n ? sv_skip(sender, at + 1) : sender;
	}
	if (ev->local.n == 0)
		ev->local = SV("postmaster");
	if ((rc = domain_read(ev, domain, &ev->out->name, &ev->origin)) < 0)
		return rc;
	ev->out->domain = ev->origin;
	return sender_make(ev);
}

static int
result_set(struct spf_eval *ev, const struct spf_answer *answer)
{
	struct spf_out *out = ev->out;

	out->result = answer->result;
	out->term = answer->term;
	out->term_domain = answer->frame.domain;
	if (ev->in->is_advice)
		spf_lookups_advise(ev);
	return out->result == MAIL_FAIL ? spf_explain(ev, answer) : 0;
}

static int
evaluate(struct spf_eval *ev)
{
	struct spf_frame frame = { .up = NULL };
	struct spf_answer answer;
	int rc = identity_find(ev);

	if (rc < 0)
		return rc;
	if (!domain_ok(&ev->out->name, ev->out->domain)) {
		ev->out->result = MAIL_NONE;
		return 0;
	}
	frame.name = ev->out->name;
	frame.domain = ev->out->domain;
	if (ev->in->is_advice && (rc = spf_type99_advise(ev, &frame.name)) != 0)
		return rc;
	if ((rc = spf_domain_check(ev, &frame, &answer)) != 0)
		return rc;
	return result_set(ev, &answer);
}

int
spf_check(const struct spf_in *in, struct mail_ask *ask, struct pool *pool, struct findings *fs,
    struct spf_out *ret)
{
	struct spf_out out = { .is_secure = true };
	struct spf_eval ev = { .in = in, .ask = ask, .pool = pool, .fs = fs, .out = &out,
	    .client = spf_client(in->client), .tail = &out.steps };
	struct sv subject = fs->subject;
	int rc = evaluate(&ev);

	fs->subject = subject;
	if (rc != 0)
		return rc;
	*ret = out;
	return 0;
}
