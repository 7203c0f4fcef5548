/* Sentences for whoever was refused: who asked for it, what failed, where to look. */
#include "mail/policy_internal.h"

/* --- strangers' words in a line --- */

struct sv
policy_line(struct pool *pool, struct sv text, size_t max)
{
	size_t n = min_size(text.n, max);
	char *p = pool_alloc(pool, n + 1);

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	for (size_t i = 0; i < n; i++) {
		char c = text.p[i];

		p[i] = c >= ' ' && c < 0x7f && c != '%' ? c : '?';
	}
	return (struct sv){ p, n };
}

/* The end of a domain says whose it is. */
static void
domain_put(struct buf *b, struct sv text)
{
	if (text.n > MAIL_POLICY_SHOWN_MAX) {
		text = sv_skip(text, text.n - MAIL_POLICY_SHOWN_MAX);
		buf_str(b, "...");
	}
	buf_sv(b, text);
}

static void
name_put(struct buf *b, const struct dname *name)
{
	char text[DNAME_STRLEN];

	domain_put(b, mail_name_str(name, text));
}

/* --- what failed --- */

static void
spf_put(struct buf *b, const struct mail_policy_in *in)
{
	char text[IP_ADDR_STRLEN];

	if (!in->out->has_spf) {
		buf_str(b, "not checked");
		return;
	}
	buf_printf(b, "%s for ", mail_result_name(in->out->spf.result));
	domain_put(b, in->out->spf.domain);
	buf_printf(b, " from %s", ip_addr_str(in->in->client.addr, in->in->client.af, text));
}

/* The signature that is most likely meant to speak for the author. */
static size_t
sig_choose(const struct mail_policy_in *in, const struct dmarc_view *v)
{
	for (size_t i = 0; i < in->out->n_dkim; i++)
		if (v->has_org && dname_within(&in->judge->dkim.sigs[i].domain_name, &v->org))
			return i;
	return 0;
}

static void
dkim_put(struct buf *b, const struct mail_policy_in *in, const struct dmarc_view *v)
{
	size_t i = sig_choose(in, v);

	if (in->out->n_dkim == 0) {
		buf_str(b, "no signature");
		return;
	}
	buf_printf(b, "%s for ", mail_result_name(in->out->dkim[i].result));
	if (in->judge->dkim.sigs[i].domain_name.len > 1)
		name_put(b, &in->judge->dkim.sigs[i].domain_name);
	else
		buf_str(b, "an unreadable domain");
}

/* --- one sentence for each cause --- */

static const char *
done_to(enum mail_act act)
{
	return act == MAIL_ACT_QUARANTINE ? "is held" : "is refused";
}

static void
dmarc_put(struct buf *b, const struct mail_policy_in *in, enum mail_act act)
{
	const struct dmarc_author *a = in->out->dmarc.now.author;

	buf_str(b, "Mail in the name of ");
	name_put(b, &a->name);
	buf_printf(b, " %s, as nothing proves that it comes from there, and its owner asks for that "
	    "(DMARC %s=%s at _dmarc.", done_to(act), dmarc_tag_name(a->now.tag), dmarc_policy_name(a->now.policy));
	name_put(b, &a->now.where);
	buf_str(b, "). SPF: ");
	spf_put(b, in);
	buf_str(b, ". DKIM: ");
	dkim_put(b, in, &a->now);
	buf_char(b, '.');
}

static void
spf_failed_put(struct buf *b, const struct mail_policy_in *in, enum mail_act act)
{
	char text[IP_ADDR_STRLEN];

	buf_printf(b, "Mail from %s %s: the SPF record of ",
	    ip_addr_str(in->in->client.addr, in->in->client.af, text), done_to(act));
	domain_put(b, in->out->spf.domain);
	buf_str(b, " does not let that address send for it.");
	if (in->out->spf.explanation.n > 0) {	/* RFC 7208 section 6.2: whose words these are */
		buf_str(b, " That domain says: ");
		buf_sv(b, in->out->spf.explanation);
	}
}

/* Where DMARC has its answer, it is who sealed. */
static const struct dname *
unanswered_find(const struct mail_policy_in *in)
{
	const struct dmarc_verdict *v = &in->out->dmarc.now;
	uint32_t at = in->out->arc.at;

	if (v->result == MAIL_FAIL && at > 0)
		return &in->judge->arc.sets[at - 1].seal->domain_name;
	return v->author == NULL ? NULL : &v->author->name;
}

static void
dns_put(struct buf *b, const struct mail_policy_in *in, enum mail_act act)
{
	const struct dname *name = unanswered_find(in);

	if (act == MAIL_ACT_QUARANTINE)
		buf_str(b, "Held: the DNS did not answer for ");
	else
		buf_str(b, "The DNS did not answer for ");
	if (name != NULL)
		name_put(b, name);
	else
		buf_str(b, "a domain of this message");
	buf_str(b, ", so it cannot be checked now.");
	if (act == MAIL_ACT_TEMPFAIL)
		buf_str(b, " It will be asked again when you send again.");
}

static void
doubt_put(struct buf *b, const struct mail_policy_in *in, enum mail_act act)
{
	const struct finding *f = policy_doubt_find(in->head);

	if (f == NULL) {
		buf_str(b, "The header of this message has more than can be checked.");
		return;
	}
	buf_printf(b, "This message %s, as programs read its header in different ways (%s): ", done_to(act),
	    f->def->code);
	finding_text(b, f, LANG_EN);
}

typedef void (*put_fn)(struct buf *, const struct mail_policy_in *, enum mail_act);
static const put_fn sentences[POLICY_CAUSE_MAX] = {
	[POLICY_DMARC] = dmarc_put,
	[POLICY_SPF] = spf_failed_put,
	[POLICY_DNS] = dns_put,
	[POLICY_DOUBT] = doubt_put,
};

struct sv
policy_text(const struct mail_policy *policy, const struct mail_policy_in *in, enum policy_cause cause,
    enum mail_act act, struct pool *pool)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv help = sv_take(policy->help, MAIL_POLICY_HELP_MAX);
	size_t max = MAIL_POLICY_TEXT_MAX - (help.n > 0 ? help.n + 1 : 0);

	sentences[cause](&b, in, act);
	b.len = min_size(b.len, max);
	if (help.n > 0) {
		buf_char(&b, ' ');
		buf_sv(&b, help);
	}
	return b.rc < 0 ? (struct sv){ NULL, 0 } : policy_line(pool, buf_get(&b), MAIL_POLICY_TEXT_MAX);
}
