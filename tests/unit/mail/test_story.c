/* What most likely happened: each story by its evidence, and each piece of evidence by what shows it. */
#include <errno.h>

#include "../tap.h"
#include "mail/story.h"

#define SIGS	2
#define HAS	6

struct sig {
	const char	*domain;
	enum mail_result result;
	enum dkim_code	 why;
};

static const struct scene {
	const char	*head, *author;		/* author NULL: none */
	const char	*sender, *spf_name;	/* NULL: SPF was not checked */
	enum mail_result spf;
	const char	*helo_name;		/* passes; NULL: was not checked */
	struct sig	 sigs[SIGS];
	enum mail_result dmarc;			/* MAIL_NEUTRAL: the record says nothing that holds */
	bool		 doubt;
	const char	*term;			/* a term of SPF that did not match, or NULL */
	enum mail_story_kind kind;
	enum mail_evidence_code has[HAS];	/* 0-terminated: EVIDENCE_DKIM_AUTHOR is never the second */
	const char	*from;			/* the display name; or, behind "<", the local part */
} scenes[] = {
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_PASS, NULL,
	  { { "a.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_DIRECT,
	  { EVIDENCE_DKIM_AUTHOR, EVIDENCE_SPF_AUTHOR }, NULL },
	/* A list that puts its own address into From: by the name, a field, the address, what is left of the author's signature. */
	{ "List-Id: <talk.l.example>\n", "l.example", "talk-bounces@l.example", "l.example", MAIL_PASS, NULL,
	  { { "l.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_REWRITTEN,
	  { EVIDENCE_LIST_AUTHOR, EVIDENCE_FROM_VIA, EVIDENCE_LIST_SENDER }, "Alice via talk" },
	{ "List-Id: <talk.l.example>\n", "l.example", "x@l.example", "l.example", MAIL_PASS, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_REWRITTEN,
	  { EVIDENCE_LIST_AUTHOR, EVIDENCE_FROM_VIA }, "=?utf-8?q?Andr=C3=A9_via_talk?=" },
	{ "List-Id: <talk.l.example>\nX-Original-From: Alice <a@a.example>\n", "l.example", "x@z.example", "z.example",
	  MAIL_PASS, NULL, { { "l.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_REWRITTEN,
	  { EVIDENCE_LIST_AUTHOR, EVIDENCE_FROM_ORIGINAL }, "Alice" },
	{ "List-Id: <talk.l.example>\n", "l.example", "x@l.example", "l.example", MAIL_PASS, NULL,
	  { { "l.example", MAIL_PASS, DKIM_FINE }, { "a.example", MAIL_FAIL, DKIM_ALL_CHANGED } }, MAIL_PASS, false, NULL,
	  MAIL_STORY_REWRITTEN, { EVIDENCE_LIST_AUTHOR, EVIDENCE_DKIM_OTHER_LOST }, NULL },
	{ "List-Id: <talk.l.example>\n", "l.example", "x@l.example", "l.example", MAIL_PASS, NULL,
	  { { "l.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_REWRITTEN,
	  { EVIDENCE_LIST_AUTHOR, EVIDENCE_FROM_INNER }, "<bob=a.example" },
	{ "List-Id: <talk.l.example>\n", "l.example", "x@l.example", "l.example", MAIL_PASS, NULL,
	  { { "l.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_REWRITTEN,
	  { EVIDENCE_LIST_AUTHOR, EVIDENCE_FROM_INNER }, "<bob=40a.example" },
	/* Its own newsletter, with answers to elsewhere, is no such list; nor is what only calls itself "via". */
	{ "List-Id: <news.a.example>\nReply-To: h@z.example\n", "a.example", "x@a.example", "a.example", MAIL_PASS, NULL,
	  { { "a.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_DIRECT,
	  { EVIDENCE_LIST_AUTHOR, EVIDENCE_REPLY_ELSEWHERE }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_PASS, NULL,
	  { { "a.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_DIRECT,
	  { EVIDENCE_FROM_VIA }, "Alice via talk" },
	/* And nobody vouches for a forged one. */
	{ "List-Id: <talk.l.example>\n", "l.example", "x@z.example", "z.example", MAIL_NONE, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_FAIL, false, NULL, MAIL_STORY_LIST,
	  { EVIDENCE_LIST_AUTHOR, EVIDENCE_FROM_VIA }, "Alice via talk" },
	/* Of the same organization is as good. */
	{ "A: b\n", "a.example", "x@m.a.example", "m.a.example", MAIL_PASS, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_DIRECT,
	  { EVIDENCE_SPF_AUTHOR, EVIDENCE_DKIM_NONE }, NULL },
	{ "A: b\n", "a.example", "SRS0=x=y=a.example=x@f.example", "f.example", MAIL_PASS, NULL,
	  { { "a.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_FORWARDED,
	  { EVIDENCE_FORWARD_SENDER, EVIDENCE_ENVELOPE_OTHER, EVIDENCE_SPF_OTHER }, NULL },
	{ "Resent-From: q@f.example\n", "a.example", "x@a.example", "a.example", MAIL_FAIL, NULL,
	  { { "a.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_FORWARDED,
	  { EVIDENCE_FORWARD_FIELDS, EVIDENCE_SPF_FAIL_AUTHOR }, NULL },
	{ "List-Id: A list <l.list.example>\n", "a.example", "l-bounces@list.example", "list.example",
	  MAIL_PASS, NULL, { { "a.example", MAIL_FAIL, DKIM_BODY_CHANGED } }, MAIL_FAIL, false, NULL,
	  MAIL_STORY_LIST, { EVIDENCE_LIST_FIELDS, EVIDENCE_LIST_SENDER, EVIDENCE_LIST_VOUCHED,
	  EVIDENCE_DKIM_BODY, EVIDENCE_STRICT_POLICY }, NULL },
	{ "Feedback-ID: 1\n", "a.example", "b@s.example", "s.example", MAIL_PASS, NULL,
	  { { "s.example", MAIL_PASS, DKIM_FINE } }, MAIL_FAIL, false, NULL, MAIL_STORY_SERVICE,
	  { EVIDENCE_BULK_FIELDS, EVIDENCE_DKIM_OTHER, EVIDENCE_DKIM_ENVELOPE, EVIDENCE_DKIM_NONE }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_FAIL, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_FAIL, false, "ip4:192.0.2.0/28", MAIL_STORY_OWN,
	  { EVIDENCE_SPF_NEAR }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_FAIL, "mx.a.example",
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_FAIL, false, NULL, MAIL_STORY_OWN,
	  { EVIDENCE_HELO_AUTHOR }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_FAIL, NULL,
	  { { "a.example", MAIL_PERMERROR, DKIM_KEY_NONE } }, MAIL_FAIL, false, "ip4:192.0.2.64/26",
	  MAIL_STORY_OWN, { EVIDENCE_DKIM_NO_KEY }, NULL },
	/* Another /24, and a term as wide as one: no neighbours. */
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_FAIL, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_FAIL, false, "ip4:192.0.3.0/28", MAIL_STORY_SPOOF,
	  { EVIDENCE_DKIM_NONE }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_FAIL, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_FAIL, false, "ip4:192.0.2.0/24", MAIL_STORY_SPOOF,
	  { EVIDENCE_DKIM_NONE }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_FAIL, NULL,
	  { { "a.example", MAIL_FAIL, DKIM_BODY_CHANGED } }, MAIL_FAIL, false, NULL, MAIL_STORY_CHANGED,
	  { EVIDENCE_DKIM_BODY }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_PASS, NULL,
	  { { "a.example", MAIL_FAIL, DKIM_HEAD_CHANGED } }, MAIL_PASS, false, NULL, MAIL_STORY_CHANGED,
	  { EVIDENCE_DKIM_HEAD, EVIDENCE_SPF_AUTHOR }, NULL },
	{ "A: b\n", "a.example", "x@z.example", "z.example", MAIL_NONE, NULL,
	  { { "a.example", MAIL_FAIL, DKIM_ALL_CHANGED } }, MAIL_FAIL, false, NULL, MAIL_STORY_SPOOF,
	  { EVIDENCE_DKIM_BOTH }, NULL },
	{ "Reply-To: h@z.example\n", "a.example", "x@z.example", "z.example", MAIL_PASS, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_FAIL, false, NULL, MAIL_STORY_SPOOF,
	  { EVIDENCE_REPLY_ELSEWHERE }, "Bank <help@bank.example>" },
	/* What a stranger writes into fields does not make a forgery harmless. */
	{ "Message-ID: <1@a.example>\n", "a.example", "x@z.example", "z.example", MAIL_PASS, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_FAIL, false, NULL, MAIL_STORY_SPOOF,
	  { EVIDENCE_NAME_ELSEWHERE }, "\"help@bank.example\"" },
	{ "A: b\n", NULL, "x@z.example", "z.example", MAIL_PASS, NULL,
	  { { "z.example", MAIL_PASS, DKIM_FINE } }, MAIL_PERMERROR, true, NULL, MAIL_STORY_SPOOF,
	  { EVIDENCE_HEAD_DOUBT }, NULL },
	/* Even with a signature of the author that verifies. */
	{ "A: b\n", "a.example", "x@z.example", "z.example", MAIL_PASS, NULL,
	  { { "a.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, true, NULL, MAIL_STORY_SPOOF,
	  { EVIDENCE_HEAD_DOUBT }, NULL },
	{ "A: b\n", "a.example", NULL, NULL, MAIL_NONE, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_NONE, false, NULL, MAIL_STORY_UNPROTECTED,
	  { EVIDENCE_NO_POLICY }, NULL },
	{ "A: b\n", "a.example", "x@z.example", "z.example", MAIL_NONE, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_NEUTRAL, false, NULL, MAIL_STORY_BROKEN,
	  { EVIDENCE_DMARC_BROKEN }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_PASS, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_NONE, false, NULL, MAIL_STORY_DIRECT,
	  { EVIDENCE_NO_POLICY, EVIDENCE_SPF_AUTHOR }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_PERMERROR, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_FAIL, false, NULL, MAIL_STORY_BROKEN,
	  { EVIDENCE_SPF_BROKEN }, NULL },
	{ "A: b\n", "a.example", "x@z.example", "z.example", MAIL_NONE, NULL,
	  { { "a.example", MAIL_PERMERROR, DKIM_KEY_BASE64 } }, MAIL_FAIL, false, NULL, MAIL_STORY_BROKEN,
	  { EVIDENCE_DKIM_KEY_BAD }, NULL },
	/* One that is broken, and a signature that holds: nobody suffers. */
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_PERMERROR, NULL,
	  { { "a.example", MAIL_PASS, DKIM_FINE } }, MAIL_PASS, false, NULL, MAIL_STORY_DIRECT,
	  { EVIDENCE_SPF_BROKEN }, NULL },
	{ "A: b\n", "a.example", "x@a.example", "a.example", MAIL_FAIL, NULL,
	  { { NULL, MAIL_NONE, DKIM_FINE } }, MAIL_TEMPERROR, false, NULL, MAIL_STORY_UNKNOWN, { 0 }, NULL },
};

static struct dname
name_of(const char *text)
{
	struct dname d = { .len = 0 };

	if (text != NULL)
		assert_int_equal(mail_name(sv_str(text), &d), 0);
	return d;
}

static bool
has(const struct mail_story *s, enum mail_evidence_code code)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->evidence[i].code == code)
			return true;
	return false;
}

/* The evidence as the engines would leave it. */
static void
scene_play(const struct scene *c, struct pool *pool, struct mail_story *ret)
{
	static const struct dmarc_record record;
	struct sv from = sv_str(c->from);
	bool is_local = sv_starts(from, SV("<"));
	struct mail_address author = { .display = sv_take(from, is_local ? 0 : from.n),
		.local = is_local ? sv_skip(from, 1) : SV("x") };
	struct spf_step step = { .text = sv_str(c->term), .outcome = SPF_STEP_NO };
	struct dkim_verdict verdicts[SIGS] = { 0 };
	struct dkim_sig sigs[SIGS] = { 0 };
	struct dmarc_author view = { .name = name_of(c->author) };
	struct mail_judge_in in = { .has_client = true, .has_sender = c->sender != NULL,
		.sender = sv_str(c->sender) };
	struct mail_judge_out out = { .has_spf = c->spf_name != NULL, .dkim = verdicts };
	struct mail_judge j = { .authors = &author, .n_authors = c->author != NULL };
	struct mail_head head;
	struct findings fs;
	struct sv body;

	findings_init(&fs, pool);
	mail_head_init(&head, pool);
	assert_int_equal(mail_head_parse(&head, sv_str(c->head), &body, &fs), 0);
	j.head = &head;
	author.name = view.name;
	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.77"), &in.client), 0);
	out.spf = (struct spf_out){ .result = c->spf, .name = name_of(c->spf_name),
		.steps = c->term != NULL ? &step : NULL };
	out.has_helo = c->helo_name != NULL;
	out.helo = (struct spf_out){ .result = MAIL_PASS, .name = name_of(c->helo_name) };
	for (; out.n_dkim < SIGS && c->sigs[out.n_dkim].domain != NULL; out.n_dkim++) {
		const struct sig *s = &c->sigs[out.n_dkim];

		sigs[out.n_dkim].domain_name = sigs[out.n_dkim].key_name = name_of(s->domain);
		verdicts[out.n_dkim] = (struct dkim_verdict){ .sig = &sigs[out.n_dkim],
			.result = s->result, .why = s->why };
	}
	view.now = (struct dmarc_view){ .result = c->dmarc, .has_org = true, .org = view.name,
		.record = c->dmarc == MAIL_NONE ? NULL : &record, .policy = DMARC_POLICY_REJECT,
		.is_void = c->dmarc == MAIL_NEUTRAL };
	out.dmarc.now = (struct dmarc_verdict){ c->dmarc, DMARC_POLICY_REJECT,
		c->author != NULL ? &view : NULL };
	assert_int_equal(mail_story_find(pool, &j, &in, &out, c->doubt, ret), 0);
}

static void
test_scenes(void **state)
{
	bool seen[EVIDENCE_MAX] = { false }, told[MAIL_STORY_MAX] = { false };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		const struct scene *c = &scenes[i];
		struct pool *pool = pool_new(1 << 20);
		struct mail_story s;

		scene_play(c, pool, &s);
		if (s.kind != c->kind)
			fail_msg("scene %zu: %s, not %s", i, mail_story_name(s.kind), mail_story_name(c->kind));
		for (size_t k = 0; k < HAS && (k == 0 || c->has[k] != 0); k++)
			if (c->kind != MAIL_STORY_UNKNOWN && !has(&s, c->has[k]))
				fail_msg("scene %zu: no %s", i, mail_evidence_name(c->has[k]));
		for (size_t k = 0; k < s.n; k++)
			seen[s.evidence[k].code] = true;
		told[s.kind] = true;
		(void)pool_free(pool);
	}
	for (unsigned k = 0; k < MAIL_STORY_MAX; k++)
		if (!told[k])
			fail_msg("no scene has the story %s", mail_story_name(k));
	for (unsigned k = 0; k < EVIDENCE_MAX; k++)
		if (!seen[k] && k != EVIDENCE_ARC_HOLDS && k != EVIDENCE_ARC_AUTHOR)
			fail_msg("no scene shows %s", mail_evidence_name(k));
}

static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(mail_story_name(MAIL_STORY_LIST), "list");
	assert_string_equal(mail_story_name(MAIL_STORY_MAX), "?");
	assert_string_equal(mail_evidence_name(EVIDENCE_LIST_FIELDS), "LIST_FIELDS");
	assert_string_equal(mail_evidence_text(EVIDENCE_MAX), "?");
	assert_true(mail_evidence_weight(EVIDENCE_LIST_FIELDS, MAIL_STORY_LIST) > 0);
	assert_int_equal(mail_evidence_weight(EVIDENCE_LIST_FIELDS, MAIL_STORY_UNKNOWN), 0);
	for (unsigned k = 0; k < MAIL_STORY_MAX; k++)
		assert_true(mail_story_text(k) != NULL);
}

/* What to do hangs on whether it passed, not on the story alone. */
static void
test_steps(void **state)
{
	struct mail_story s = { .dmarc = MAIL_NONE };
	const char *nothing = mail_story_step(&s, MAIL_STORY_DIRECT);

	(void)state;
	for (unsigned k = 0; k < MAIL_STORY_MAX; k++)
		for (unsigned other = 0; other < k; other++)
			assert_ptr_not_equal(mail_story_step(&s, k), mail_story_step(&s, other));
	s.dmarc = MAIL_PASS;
	assert_ptr_equal(mail_story_step(&s, MAIL_STORY_DIRECT), nothing);
	assert_ptr_equal(mail_story_step(&s, MAIL_STORY_SERVICE), nothing);
	assert_ptr_equal(mail_story_step(&s, MAIL_STORY_FORWARDED), nothing);
	assert_ptr_equal(mail_story_step(&s, MAIL_STORY_LIST), nothing);
	assert_ptr_not_equal(mail_story_step(&s, MAIL_STORY_REWRITTEN), nothing);
	assert_ptr_not_equal(mail_story_step(&s, MAIL_STORY_OWN), nothing);
	s.evidence[s.n++].code = EVIDENCE_NAME_ELSEWHERE;
	assert_ptr_not_equal(mail_story_step(&s, MAIL_STORY_DIRECT), nothing);
	s.dmarc = MAIL_FAIL;	/* it came from the domain, and is refused: strict alignment */
	assert_ptr_not_equal(mail_story_step(&s, MAIL_STORY_DIRECT), nothing);
	assert_ptr_not_equal(mail_story_step(&s, MAIL_STORY_SERVICE), nothing);
	s.evidence[s.n++].code = EVIDENCE_HEAD_DOUBT;
	assert_ptr_equal(mail_story_step(&s, MAIL_STORY_SPOOF), mail_story_step(&s, MAIL_STORY_DIRECT));
	assert_string_equal(mail_story_name(MAIL_STORY_MAX), "?");
}

TESTS_MAIN("story", T(test_scenes), T(test_words), T(test_steps))
