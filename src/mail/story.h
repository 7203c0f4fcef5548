/*
 * mail/story: what most likely happened to a message.
 *
 * Whoever has a refused message before him wants to know one thing: is it a
 * forgery, or mine, and broken on its way? No standard answers that. What
 * enters is the evidence of mail/judge.h; what leaves is one of a few stories
 * that operators meet every day, with each piece of evidence that speaks for
 * it, and what to do next. It is a likelihood, said as one, and it decides
 * nothing: a policy never reads it.
 *
 * Evidence is a row of story.def: what was seen, and how much it speaks for or
 * against each story. The weights are added, and the largest sum is the story;
 * where another one is as good as equal, both are told. A table, so that
 * whoever doubts a story sees why it was told, and a test can have an opinion
 * about each row.
 *
 * Some rules stand above the weights: what the author's domain vouches for (an
 * aligned pass) is no spoof, unless programs differ in who the author is; without
 * that nothing is "direct"; a list has the fields, or the sender, of a list; one that
 * rewrites From names itself, passes, and leaves a trace of who wrote (a domain's own
 * newsletters have a List-Id, too);
 * records are broken where one of them is, and nothing else passed; and where the DNS
 * did not answer, no story is told at all.
 *
 * What a stranger writes into fields (List-Id, Message-ID) is weak evidence,
 * as anybody can write it: it tells stories apart that are equally harmless,
 * and never makes a spoof harmless by itself.
 */
#ifndef MAIL_STORY_H
#define MAIL_STORY_H

#include "mail/judge.h"

enum mail_story_kind {
	MAIL_STORY_DIRECT,	/* from where the domain sends its mail */
	MAIL_STORY_SERVICE,	/* a service sends in the domain's name */
	MAIL_STORY_FORWARDED,
	MAIL_STORY_LIST,
	MAIL_STORY_REWRITTEN,	/* a list that put its own address into From */
	MAIL_STORY_OWN,		/* a sender of the domain that its SPF record does not list */
	MAIL_STORY_CHANGED,	/* on its way, by something that is no list */
	MAIL_STORY_SPOOF,
	MAIL_STORY_UNPROTECTED,	/* nobody can tell: the domain says nothing */
	MAIL_STORY_BROKEN,	/* nobody can tell: what the domain says cannot be read */
	MAIL_STORY_WEIGHED,	/* those above are weighed */
	MAIL_STORY_UNKNOWN = MAIL_STORY_WEIGHED, /* the DNS did not answer */
	MAIL_STORY_MAX
};
/* "direct" …: a word for programs, and what it means: a msgid. */
const char *mail_story_name(enum mail_story_kind);
const char *mail_story_text(enum mail_story_kind);

enum mail_evidence_code {
#define E(code, ...)	EVIDENCE_##code,
#include "mail/story.def"
#undef E
	EVIDENCE_MAX
};
/* "DKIM_AUTHOR" …, and what it says: a msgid. */
const char *mail_evidence_name(enum mail_evidence_code);
const char *mail_evidence_text(enum mail_evidence_code);
/* How much it speaks for a story; below 0: against. */
int	 mail_evidence_weight(enum mail_evidence_code, enum mail_story_kind);

struct mail_evidence {
	enum mail_evidence_code	code;
	struct sv		what;	/* a domain, a field, an address; .n is 0: nothing to name */
};

struct mail_story {
	enum mail_story_kind	 kind;
	bool			 has_other;	/* as good as equal */
	enum mail_story_kind	 other;
	int			 weight[MAIL_STORY_WEIGHED];
	struct mail_evidence	 evidence[EVIDENCE_MAX];	/* each code once */
	size_t			 n;
	enum mail_result	 dmarc;
};
/* What to do next, if it is this one: a msgid. Whether DMARC passed counts, too. */
const char *mail_story_step(const struct mail_story *, enum mail_story_kind);

/* doubt: the head has faults that make programs read it differently. -ENOMEM. */
int	 mail_story_find(struct pool *, const struct mail_judge *, const struct mail_judge_in *,
	    const struct mail_judge_out *, bool doubt, struct mail_story *ret) MUST_USE;

#endif
