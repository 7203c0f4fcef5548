/* One act for a message, and what a report says of it: see mail/policy.h. */
#include <errno.h>

#include "mail/policy_internal.h"

#define REASONS_MAX	2	/* t=y, and one more */

static const char *const acts[MAIL_ACT_MAX] = { "accept", "quarantine", "reject", "tempfail" };

const char *
mail_act_name(enum mail_act a)
{
	return a < MAIL_ACT_MAX ? acts[a] : "?";
}

int
mail_act_parse(struct sv word, enum mail_act *ret)
{
	for (enum mail_act a = 0; a < MAIL_ACT_MAX; a++)
		if (sv_eq_str(word, acts[a])) {
			*ret = a;
			return 0;
		}
	return -EINVAL;
}

/* --- whose mail --- */

static bool
has_prefix(const struct ip_prefix *all, size_t n, const struct ip_prefix *client)
{
	for (size_t i = 0; i < n; i++)
		if (ip_prefix_covers(&all[i], client))
			return true;
	return false;
}

enum mail_who
mail_who_find(const struct mail_policy *p, const struct ip_prefix *client, bool has_login)
{
	if (client != NULL && has_prefix(p->relays, p->n_relays, client))
		return MAIL_WHO_RELAY;
	if (client == NULL || has_login || has_prefix(p->own, p->n_own, client))
		return MAIL_WHO_OWN;
	return MAIL_WHO_OTHERS;
}

bool
mail_policy_doubt(const struct findings *head)
{
	return findings_reject(head);
}

/* --- codes --- */

/*
 * RFC 3463 and RFC 7372, behind the class: 7.26 "Multiple authentication checks failed", 7.23 "SPF
 * validation failed", 4.3 "Directory server failure" (its example is a DNS server), 6.0 a fault of
 * the message that has no code, 3.0 one of ours, 7.5 "Cryptographic failure".
 */
static const char *const enhanced[POLICY_CAUSE_MAX][2] = {
	[POLICY_DMARC] = { "4.7.26", "5.7.26" },
	[POLICY_SPF] = { "4.7.23", "5.7.23" },
	[POLICY_DNS] = { "4.4.3", "5.4.3" },
	[POLICY_DOUBT] = { "4.6.0", "5.6.0" },
	[POLICY_FAILURE] = { "4.3.0", "5.3.0" },
	[POLICY_UNSIGNED] = { "4.7.5", "5.7.5" },
};

void
policy_reply(enum policy_cause cause, enum mail_act act, struct mail_decision *ret)
{
	bool final = act == MAIL_ACT_REJECT;

	ret->act = act;
	if (!final && act != MAIL_ACT_TEMPFAIL)
		return;
	ret->reply = final ? 550 : 451;
	ret->enhanced = sv_str(enhanced[cause][final]);
}

/* Without a judgement there may be no memory: the texts are constants. */
static struct mail_decision
decision_fixed(enum policy_cause cause, enum mail_act act, const char *text)
{
	struct mail_decision d = { .enhanced = SV(""), .text = SV("") };

	policy_reply(cause, act, &d);
	if (act != MAIL_ACT_ACCEPT)
		d.text = sv_str(text);
	return d;
}

struct mail_decision
mail_policy_failure(const struct mail_policy *p)
{
	return decision_fixed(POLICY_FAILURE, p->on_failure,
	    "This message could not be checked here now; that is our fault. Please send it later.");
}

struct mail_decision
mail_policy_too_much(const struct mail_policy *p)
{
	return decision_fixed(POLICY_DOUBT, p->on_doubt,
	    "The header of this message has more than can be checked.");
}

struct mail_decision
mail_policy_unsigned(const struct mail_policy *p)
{
	return decision_fixed(POLICY_UNSIGNED, p->on_unsigned,
	    "This message could not be signed for your domain now. Please send it again in some minutes.");
}

/* --- the decision --- */

struct deciding {
	const struct mail_policy	*policy;
	const struct mail_policy_in	*in;
	struct pool			*pool;
	enum policy_cause		 cause;
	enum mail_act			 act;
	struct report_reason		 reasons[REASONS_MAX];
	size_t				 n_reasons;
	bool				 is_told;	/* why it is not what is asked for */
};

static void
reason_add(struct deciding *d, enum report_override type, struct sv comment)
{
	d->is_told |= type != REPORT_TEST_MODE;		/* that one is what is asked for */
	if (d->n_reasons < REASONS_MAX)
		d->reasons[d->n_reasons++] = (struct report_reason){ type, comment };
}

static void
act_set(struct deciding *d, enum policy_cause cause, enum mail_act act)
{
	d->cause = cause;
	d->act = act;
}

/* 1: a path is believed, and told; 0; -ENOMEM. */
static int
path_take(struct deciding *d)
{
	struct report_reason why;
	int rc = policy_path_find(d->policy, d->in, d->pool, &why);

	if (rc > 0)
		reason_add(d, why.type, why.comment);
	return rc;
}

static void
testing_tell(struct deciding *d, const struct dmarc_view *v)
{
	if (v->record != NULL && v->record->testing && v->policy != DMARC_POLICY_NONE)
		reason_add(d, REPORT_TEST_MODE, SV(""));
}

/* A reason for the report where the DNS is why nothing was decided. */
static const char dns_reason[] = "the DNS did not answer for all that was asked";

/*
 * RFC 8617 section 5.2.1: "All errors, including DNS failures, become unrecoverable". A
 * rejection would be so, too, and what nobody answered may be why there should be none.
 */
static void
chain_ask_again(struct deciding *d)
{
	const struct arc_verdict *arc = &d->in->out->arc;

	if (d->act != MAIL_ACT_REJECT || d->policy->on_unproven != MAIL_ACT_TEMPFAIL ||
	    arc->result != MAIL_FAIL || arc->why != ARC_KEY_DNS)
		return;
	act_set(d, POLICY_DNS, MAIL_ACT_TEMPFAIL);
	reason_add(d, REPORT_OTHER, sv_str(dns_reason));
}

/* What looks like a list or a forwarder is never treated harder than what does not. */
static int
indirect_check(struct deciding *d)
{
	struct report_reason why;
	int rc;

	if (d->policy->on_indirect >= d->policy->on_reject)
		return 0;
	if ((rc = policy_indirect_find(d->in, d->pool, &why)) <= 0)
		return rc;
	d->act = d->policy->on_indirect;
	reason_add(d, why.type, why.comment);
	return 0;
}

/* It failed, and the owner asks for something: is there a reason not to do that? */
static int
failed_check(struct deciding *d, const struct dmarc_verdict *v)
{
	int rc = path_take(d);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	act_set(d, POLICY_DMARC, v->disposition == DMARC_POLICY_REJECT ? d->policy->on_reject :
	    d->policy->on_quarantine);
	if (v->disposition == DMARC_POLICY_REJECT && (rc = indirect_check(d)) < 0)
		return rc;
	chain_ask_again(d);
	return 0;
}

static int
dmarc_failed(struct deciding *d)
{
	const struct dmarc_verdict *v = &d->in->out->dmarc.now;

	testing_tell(d, &v->author->now);
	return v->disposition == DMARC_POLICY_NONE ? 0 : failed_check(d, v);
}

/* RFC 9989 section 5.4: 'discovered policies of "p=none" MUST NOT modify existing mail handling'. */
static bool
asks_nothing(const struct dmarc_view *v)
{
	return v->is_sure && v->policy <= (v->record->testing ? DMARC_POLICY_QUARANTINE : DMARC_POLICY_NONE);
}

/* Neither passed nor failed; where a record was found, what it would ask for is not done. */
static int
dmarc_unanswered(struct deciding *d)
{
	const struct dmarc_view *v = &d->in->out->dmarc.now.author->now;
	int rc;

	testing_tell(d, v);
	if (v->record != NULL && asks_nothing(v))
		return 0;
	if (v->record != NULL && (rc = path_take(d)) != 0)
		return rc < 0 ? rc : 0;
	act_set(d, POLICY_DNS, v->record != NULL ? d->policy->on_unproven : d->policy->on_temperror);
	if (v->record != NULL)
		reason_add(d, REPORT_OTHER, sv_str(dns_reason));
	return 0;
}

/* RFC 7208 section 8.4: what "fail" leads to is local policy; a DMARC record is asked first. */
static void
unprotected(struct deciding *d)
{
	if (d->in->out->has_spf && d->in->out->spf.result == MAIL_FAIL)
		act_set(d, POLICY_SPF, d->policy->on_spf_fail);
}

const struct finding *
policy_doubt_find(const struct findings *head)
{
	const struct finding *f = head->head;

	while (f != NULL && f->def->severity != SEV_REJECT)
		f = f->next;
	return f;
}

/* Is nobody in doubt, or is that let in? Without an author there is none in any case. */
static bool
doubt_passes(struct deciding *d)
{
	const struct finding *f = policy_doubt_find(d->in->head);

	if (!mail_policy_doubt(d->in->head) && d->in->out->dmarc.now.result != MAIL_PERMERROR)
		return true;
	act_set(d, POLICY_DOUBT, d->policy->on_doubt);
	if (d->act == MAIL_ACT_ACCEPT)
		return true;
	reason_add(d, REPORT_LOCAL_POLICY, f == NULL ? SV("its header is too much") : sv_str(f->def->code));
	return false;
}

static int
act_find(struct deciding *d)
{
	if (!doubt_passes(d))
		return 0;
	switch (d->in->out->dmarc.now.result) {
	case MAIL_FAIL:
		return dmarc_failed(d);
	case MAIL_TEMPERROR:
		return dmarc_unanswered(d);
	case MAIL_NONE:
		unprotected(d);
		break;
	default:
		break;
	}
	return 0;
}

/* --- for the report --- */

/* RFC 9990 appendix A: "No action, passing DMARC w/enforcing policy", in test mode, too. */
static enum report_disposition
disposition_free(const struct dmarc_verdict *v)
{
	return v->result == MAIL_PASS && v->author->now.policy != DMARC_POLICY_NONE ? REPORT_PASS : REPORT_NONE;
}

static enum report_disposition
disposition_of(const struct deciding *d)
{
	switch (d->act) {
	case MAIL_ACT_QUARANTINE:
		return REPORT_QUARANTINE;
	case MAIL_ACT_REJECT:
	case MAIL_ACT_TEMPFAIL:
		return REPORT_REJECT;
	default:
		return disposition_free(&d->in->out->dmarc.now);
	}
}

static enum report_disposition
asked_of(const struct dmarc_verdict *v)
{
	static const enum report_disposition asked[DMARC_POLICY_MAX] = {
		[DMARC_POLICY_NONE] = REPORT_NONE,
		[DMARC_POLICY_QUARANTINE] = REPORT_QUARANTINE,
		[DMARC_POLICY_REJECT] = REPORT_REJECT,
	};

	return v->result == MAIL_PASS ? disposition_free(v) : asked[v->disposition];
}

/* RFC 9990: what was done is told, and where that is not what was asked for, why. */
static int
report_check(struct deciding *d, struct mail_decision *ret)
{
	static const char *const comments[POLICY_CAUSE_MAX] = {
		[POLICY_DMARC] = "our own policy for DMARC's failures",
		[POLICY_SPF] = "SPF failed, and there is no DMARC record",
		[POLICY_DNS] = "the DNS did not answer",
	};
	struct report_reason *copy;

	ret->disposition = disposition_of(d);
	if (ret->disposition != asked_of(&d->in->out->dmarc.now) && !d->is_told)
		reason_add(d, REPORT_LOCAL_POLICY, sv_str(comments[d->cause]));
	if (d->n_reasons == 0)
		return 0;
	if ((copy = pool_calloc(d->pool, d->n_reasons, sizeof(*copy))) == NULL)
		return -ENOMEM;
	memcpy(copy, d->reasons, d->n_reasons * sizeof(*copy));
	ret->reasons = copy;
	ret->n_reasons = d->n_reasons;
	return 0;
}

int
mail_policy_check(const struct mail_policy *policy, const struct mail_policy_in *in,
    struct pool *pool, struct mail_decision *ret)
{
	struct deciding d = { .policy = policy, .in = in, .pool = pool };
	struct mail_decision out = { .enhanced = SV(""), .text = SV("") };
	int rc;

	if ((rc = act_find(&d)) < 0 || (rc = report_check(&d, &out)) < 0)
		return rc;
	policy_reply(d.cause, d.act, &out);
	if (d.act != MAIL_ACT_ACCEPT &&
	    (out.text = policy_text(policy, in, d.cause, d.act, pool)).p == NULL)
		return -ENOMEM;
	*ret = out;
	return 0;
}
