/* What most likely happened: the weights of the evidence, and the words. See mail/story.h. */
#include "mail/story_internal.h"

#define CLOSE	1	/* as good as equal: one weak piece of evidence more would turn it */

static const struct {
	const char	*name, *text;
	signed char	 weight[MAIL_STORY_WEIGHED];
} rows[EVIDENCE_MAX] = {
#define E(code, text, ...)	{ #code, text, { __VA_ARGS__ } },
#include "mail/story.def"
#undef E
};

static const struct {
	const char	*name, *text, *step;
} stories[MAIL_STORY_MAX] = {
	[MAIL_STORY_DIRECT] = { "direct",
	    N_("It came from where its domain sends mail, as it was sent."),
	    N_("Nothing has to be done.") },
	[MAIL_STORY_SERVICE] = { "service",
	    N_("A service sent it in the name of the author's domain."),
	    N_("If the domain is yours: let the service sign with DKIM for your domain, or give it an envelope sender of your domain. If it is not: its owner has to do that.") },
	[MAIL_STORY_FORWARDED] = { "forwarded",
	    N_("It was sent properly, and forwarded to here by another server."),
	    N_("SPF cannot pass after forwarding. The sender should sign with DKIM, and the forwarder should leave the message as it is; a forwarder that you know may be trusted by its ARC seal.") },
	[MAIL_STORY_LIST] = { "list",
	    N_("It came through a mailing list."),
	    N_("The list should put its own address into From where the author's domain has a strict policy, or leave subject and body as they are; a list that you know may be trusted by its ARC seal.") },
	[MAIL_STORY_REWRITTEN] = { "rewritten",
	    N_("It came through a mailing list that put its own address into From, and the list's domain vouches for it."),
	    N_("Nothing has to be done. Who wrote it stands in the display name, Reply-To or X-Original-From, and that is only the list's word: policies and reports are about the list's domain.") },
	[MAIL_STORY_OWN] = { "own",
	    N_("A server of the author's own organization sent it, which the domain's records do not list."),
	    N_("If the domain is yours: add the client's address to the SPF record, or let that server sign with DKIM. If it is not: tell its owner.") },
	[MAIL_STORY_CHANGED] = { "changed",
	    N_("It was sent by the author's domain, and changed on its way."),
	    N_("Look for what rewrites mail between the sender and here: a gateway that adds a footer or a banner, a virus scanner, a server that converts 8-bit text. Verify before it, or let it change nothing.") },
	[MAIL_STORY_SPOOF] = { "spoof",
	    N_("Nothing shows that the author's domain has to do with it: treat it as forged."),
	    N_("Do what the domain's policy asks. If the domain is yours and has p=none, its reports show who else sends in its name.") },
	[MAIL_STORY_UNPROTECTED] = { "unprotected",
	    N_("Nobody can tell who sent it: the author's domain does not say how its mail is to be recognized."),
	    N_("If the domain is yours: publish SPF, DKIM and DMARC records, DMARC with p=none and an address for reports at first.") },
	[MAIL_STORY_BROKEN] = { "broken",
	    N_("Nobody can tell who sent it: what the author's domain publishes for that cannot be read."),
	    N_("If the domain is yours: mend the record that the findings name, and try it with --dns before you publish it. If it is not: tell its owner.") },
	[MAIL_STORY_UNKNOWN] = { "unknown",
	    N_("The DNS did not answer all that was asked, so nothing can be said yet."),
	    N_("Try again later. If it stays so: where no name at all was answered, look at your own resolver (--resolver, else /etc/resolv.conf); where some were, the name servers of the others fail.") },
};

const char *
mail_story_name(enum mail_story_kind k)
{
	return k < MAIL_STORY_MAX ? stories[k].name : "?";
}

const char *
mail_story_text(enum mail_story_kind k)
{
	return k < MAIL_STORY_MAX ? stories[k].text : "?";
}

const char *
mail_evidence_name(enum mail_evidence_code c)
{
	return c < EVIDENCE_MAX ? rows[c].name : "?";
}

const char *
mail_evidence_text(enum mail_evidence_code c)
{
	return c < EVIDENCE_MAX ? rows[c].text : "?";
}

int
mail_evidence_weight(enum mail_evidence_code c, enum mail_story_kind k)
{
	return c < EVIDENCE_MAX && k < MAIL_STORY_WEIGHED ? rows[c].weight[k] : 0;
}

void
evidence_add(struct mail_story *s, enum mail_evidence_code code, struct sv what)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->evidence[i].code == code)
			return;
	s->evidence[s->n++] = (struct mail_evidence){ code, what };
	for (unsigned k = 0; k < MAIL_STORY_WEIGHED; k++)
		s->weight[k] += rows[code].weight[k];
}

bool
evidence_has(const struct mail_story *s, enum mail_evidence_code code)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->evidence[i].code == code)
			return true;
	return false;
}

/* --- what to do next --- */

static const char step_doubt[] = N_("Refuse it, whatever passed: programs differ in what they read in such a header, and filters are deceived so. The findings say what is wrong with it; if a program of yours wrote it, mend that.");
static const char step_shown[] = N_("What passed is the address. The display name shows one of another domain, and many mail programs show nothing else: warn the recipient, unless you know the sender.");
static const char step_name[] = N_("What passed is another name than the author's domain, and the domain's record does not take the two for one (adkim=s, aspf=s, or another organization). If the domain is yours: sign with DKIM for the very domain in From, or relax the record. If it is not: tell its owner.");

/* Stories in which nobody has to do anything, if only DMARC passed. */
static bool
is_harmless(enum mail_story_kind k)
{
	return k == MAIL_STORY_DIRECT || k == MAIL_STORY_SERVICE || k == MAIL_STORY_FORWARDED ||
	    k == MAIL_STORY_LIST;
}

const char *
mail_story_step(const struct mail_story *s, enum mail_story_kind k)
{
	if (evidence_has(s, EVIDENCE_HEAD_DOUBT))
		return step_doubt;
	if (s->dmarc == MAIL_PASS && evidence_has(s, EVIDENCE_NAME_ELSEWHERE))
		return step_shown;
	if (s->dmarc == MAIL_PASS && is_harmless(k))
		return stories[MAIL_STORY_DIRECT].step;
	if (s->dmarc == MAIL_FAIL && k == MAIL_STORY_DIRECT)
		return step_name;
	return k < MAIL_STORY_MAX ? stories[k].step : "?";
}

/* The rules above the weights. */
static bool
may_be(const struct mail_story *s, enum mail_story_kind k)
{
	bool vouched = evidence_has(s, EVIDENCE_DKIM_AUTHOR) || evidence_has(s, EVIDENCE_SPF_AUTHOR);

	if (k == MAIL_STORY_DIRECT)
		return vouched;
	if (k == MAIL_STORY_SPOOF)
		return !vouched || evidence_has(s, EVIDENCE_HEAD_DOUBT);
	if (k == MAIL_STORY_LIST)
		return evidence_has(s, EVIDENCE_LIST_FIELDS) ||
		    evidence_has(s, EVIDENCE_LIST_SENDER);
	if (k == MAIL_STORY_REWRITTEN)
		return vouched && evidence_has(s, EVIDENCE_LIST_AUTHOR) &&
		    (evidence_has(s, EVIDENCE_FROM_VIA) || evidence_has(s, EVIDENCE_FROM_ORIGINAL) ||
		    evidence_has(s, EVIDENCE_FROM_INNER) || evidence_has(s, EVIDENCE_DKIM_OTHER_LOST));
	if (k == MAIL_STORY_BROKEN)
		return !vouched && (evidence_has(s, EVIDENCE_SPF_BROKEN) ||
		    evidence_has(s, EVIDENCE_DKIM_KEY_BAD) || evidence_has(s, EVIDENCE_DMARC_BROKEN));
	return k != MAIL_STORY_UNPROTECTED || (!vouched && evidence_has(s, EVIDENCE_NO_POLICY));
}

/* The heaviest story that may be, without this one; MAIL_STORY_WEIGHED: none. */
static enum mail_story_kind
heaviest(const struct mail_story *s, enum mail_story_kind without)
{
	enum mail_story_kind best = MAIL_STORY_WEIGHED;

	for (unsigned k = 0; k < MAIL_STORY_WEIGHED; k++)
		if (k != without && may_be(s, k) &&
		    (best == MAIL_STORY_WEIGHED || s->weight[k] > s->weight[best]))
			best = k;
	return best;
}

int
mail_story_find(struct pool *pool, const struct mail_judge *j, const struct mail_judge_in *in,
    const struct mail_judge_out *out, bool doubt, struct mail_story *ret)
{
	struct mail_story s = { .dmarc = out->dmarc.now.result };
	struct story_of of = { pool, j, in, out, &s };

	if (s.dmarc == MAIL_TEMPERROR) {
		s.kind = MAIL_STORY_UNKNOWN;
		*ret = s;
		return 0;
	}
	if (doubt || j->n_authors == 0)
		evidence_add(&s, EVIDENCE_HEAD_DOUBT, SV(""));
	story_evidence(&of);
	s.kind = heaviest(&s, MAIL_STORY_WEIGHED);
	s.other = heaviest(&s, s.kind);
	s.has_other = s.other != MAIL_STORY_WEIGHED && s.weight[s.other] > 0 &&
	    s.weight[s.other] + CLOSE >= s.weight[s.kind];
	*ret = s;
	return pool_has_failed(pool) ? -ENOMEM : 0;
}
