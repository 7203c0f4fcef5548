/* Acts out of evidence that is made up: whose mail it is, which paths are believed, what is said. */
#include <errno.h>

#include "mail_kit.h"
#include "mail/policy.h"

static void
test_acts(void **state)
{
	enum mail_act a = MAIL_ACT_MAX;

	(void)state;
	for (enum mail_act i = 0; i < MAIL_ACT_MAX; i++) {
		assert_int_equal(mail_act_parse(sv_str(mail_act_name(i)), &a), 0);
		assert_int_equal(a, i);
	}
	assert_int_equal(mail_act_parse(SV("discard"), &a), -EINVAL);
	assert_int_equal(mail_act_parse(SV(""), &a), -EINVAL);
	assert_string_equal(mail_act_name(MAIL_ACT_MAX), "?");
}

static void
test_who(void **state)
{
	struct mail_policy p = MAIL_POLICY_ENFORCE;
	struct ip_prefix own[2], relay, client;

	(void)state;
	assert_int_equal(ip_prefix_parse(SV("10.0.0.0/8"), &own[0]), 0);
	assert_int_equal(ip_prefix_parse(SV("2001:db8::/32"), &own[1]), 0);
	assert_int_equal(ip_prefix_parse(SV("10.1.0.0/16"), &relay), 0);
	p.own = own;
	p.n_own = 2;
	p.relays = &relay;
	p.n_relays = 1;
	assert_int_equal(mail_who_find(&p, NULL, false), MAIL_WHO_OWN);
	assert_int_equal(ip_prefix_parse_host(SV("2001:db8::1"), &client), 0);
	assert_int_equal(mail_who_find(&p, &client, false), MAIL_WHO_OWN);
	assert_int_equal(ip_prefix_parse_host(SV("10.1.0.1"), &client), 0);
	assert_int_equal(mail_who_find(&p, &client, false), MAIL_WHO_RELAY);
	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.1"), &client), 0);
	assert_int_equal(mail_who_find(&p, &client, false), MAIL_WHO_OTHERS);
	assert_int_equal(mail_who_find(&p, &client, true), MAIL_WHO_OWN);
}

/* --- evidence --- */

#define N_SETS	3

struct scene {
	struct pool		*pool;
	struct mail_policy	 policy;
	struct mail_path	 path[2];
	struct mail_head	 head;
	struct findings		 fs;
	struct mail_judge	 judge;
	struct mail_judge_in	 in;
	struct mail_judge_out	 out;
	struct dmarc_author	 author;
	struct dmarc_record	 record;
	struct dkim_sig		 sig, seals[N_SETS];
	struct dkim_verdict	 verdict;
	const struct mail_field	*fields[1];
	struct arc_set		 sets[N_SETS];
	struct mail_decision	 d;
};

static struct dname
name_of(const char *text)
{
	struct dname d;

	assert_int_equal(mail_name(sv_str(text), &d), 0);
	return d;
}

/* x@a.example from 192.0.2.1, p=reject, and it fails. */
static void
scene_init(struct scene *s)
{
	*s = (struct scene){ .pool = pool_new(MAIL_POOL_MAX), .policy = MAIL_POLICY_ENFORCE };
	assert_non_null(s->pool);
	findings_init(&s->fs, s->pool);
	mail_head_init(&s->head, s->pool);
	s->judge.head = &s->head;
	s->in.has_client = true;
	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.1"), &s->in.client), 0);
	s->author = (struct dmarc_author){ .name = name_of("a.example"), .now = { .result = MAIL_FAIL,
		.has_org = true, .org = name_of("a.example"), .record = &s->record,
		.where = name_of("a.example"), .policy = DMARC_POLICY_REJECT, .disposition = DMARC_POLICY_REJECT } };
	s->out.dmarc.now = (struct dmarc_verdict){ MAIL_FAIL, DMARC_POLICY_REJECT, &s->author };
	s->out.has_spf = true;
	s->out.spf = (struct spf_out){ .result = MAIL_SOFTFAIL, .domain = SV("b.test"), .name = name_of("b.test") };
	s->policy.paths = s->path;
}

static void
scene_check(struct scene *s)
{
	struct mail_policy_in in = { &s->judge, &s->in, &s->out, &s->fs };

	assert_int_equal(mail_policy_check(&s->policy, &in, s->pool, &s->d), 0);
}

static void
scene_done(struct scene *s)
{
	(void)pool_free(s->pool);
}

/* --- lists --- */

/* A signature of l.test that passes, over the last List-Id. */
static void
list_sign(struct scene *s)
{
	static const struct sv names[] = { SV("list-id") };

	s->sig = (struct dkim_sig){ .domain = SV("l.test"), .domain_name = name_of("l.test"), .names = names,
		.n_names = 1 };
	s->fields[0] = mail_head_last(&s->head, SV("List-Id"), 0);
	s->verdict = (struct dkim_verdict){ .sig = &s->sig, .result = MAIL_PASS, .why = DKIM_FINE,
		.fields = s->fields };
	s->judge.dkim.sigs = &s->sig;
	s->out.dkim = &s->verdict;
	s->out.n_dkim = 1;
}

static void
sig_fails(struct scene *s)
{
	s->verdict.result = MAIL_FAIL;
}

static void
sig_is_short(struct scene *s)
{
	s->verdict.n_surplus = 1;
}

static void
sig_of_other(struct scene *s)
{
	s->sig.domain_name = name_of("sub.l.test");
}

static void
sig_without_id(struct scene *s)
{
	s->fields[0] = NULL;
}

static void
sig_unread(struct scene *s)
{
	s->verdict.fields = NULL;
}

static const struct {
	const char	*list_id;	/* of the path */
	const char	*field, *second;
	void		(*change)(struct scene *);
	bool		 is_believed;
} lists[] = {
	{ "", " Some words <dev.l.test>", NULL, NULL, true },
	{ "", " <L.test>", NULL, NULL, true },
	{ "", " \"<x.test>\" <dev.l.test>\n", NULL, NULL, true },
	{ "", " <dev.l.test.x.test>", NULL, NULL, false },
	{ "", " <xl.test>", NULL, NULL, false },
	{ "", " <>", NULL, NULL, false },
	{ "", " ", NULL, NULL, false },
	{ "", " dev.l.test", NULL, NULL, false },
	{ "Dev.l.test", " <dev.l.test>", NULL, NULL, true },
	{ "dev.l.test", " <ops.l.test>", NULL, NULL, false },
	{ "dev@odd", " <dev@odd>", NULL, NULL, true },
	{ "", " <dev.l.test>", " <dev.l.test>", NULL, false },
	{ "", " <dev.l.test>", NULL, sig_fails, false },
	{ "", " <dev.l.test>", NULL, sig_is_short, false },
	{ "", " <dev.l.test>", NULL, sig_of_other, false },
	{ "", " <dev.l.test>", NULL, sig_without_id, false },
	{ "", " <dev.l.test>", NULL, sig_unread, false },
};

static void
test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct scene s;

		scene_init(&s);
		assert_int_equal(mail_head_add(&s.head, SV("List-Id"), sv_str(lists[i].field), &s.fs), 0);
		if (lists[i].second != NULL)
			assert_int_equal(mail_head_add(&s.head, SV("LIST-ID"), sv_str(lists[i].second), &s.fs), 0);
		list_sign(&s);
		if (lists[i].change != NULL)
			lists[i].change(&s);
		s.path[0] = (struct mail_path){ .kind = MAIL_PATH_LIST, .domain = name_of("l.test"),
			.list_id = sv_str(lists[i].list_id), .comment = SV("our list") };
		s.policy.n_paths = 1;
		s.policy.on_indirect = MAIL_ACT_REJECT;
		scene_check(&s);
		if ((s.d.act == MAIL_ACT_ACCEPT) != lists[i].is_believed)
			print_message("# case %zu: %s\n", i, lists[i].field);
		assert_int_equal(s.d.act, lists[i].is_believed ? MAIL_ACT_ACCEPT : MAIL_ACT_REJECT);
		if (lists[i].is_believed) {
			assert_int_equal(s.d.n_reasons, 1);
			assert_int_equal(s.d.reasons[0].type, REPORT_MAILING_LIST);
			sv_is(s.d.reasons[0].comment, "our list");
			assert_int_equal(s.d.disposition, REPORT_NONE);
		}
		scene_done(&s);
	}
}

/* --- seals --- */

static void
chain_make(struct scene *s, const char *const *payloads)
{
	static const char *const sealers[N_SETS] = { "one.test", "two.test", "three.test" };
	uint32_t n = 0;

	for (; n < N_SETS && payloads[n] != NULL; n++) {
		s->seals[n] = (struct dkim_sig){ .domain = sv_str(sealers[n]), .selector = SV("s"),
			.domain_name = name_of(sealers[n]) };
		s->sets[n] = (struct arc_set){ .payload = sv_str(payloads[n]), .seal = &s->seals[n] };
	}
	s->judge.arc = (struct arc){ .sets = s->sets, .n = n, .is_there = true };
	s->out.arc.result = MAIL_PASS;
}

#define PASSED	"o.test; dmarc=pass header.from=a.example"
#define FAILED	"o.test; dmarc=fail header.from=a.example"

static const struct {
	const char	*payloads[N_SETS + 1];
	const char	*believed[2];
	bool		 is_broken, is_believed;
	const char	*comment;
} chains[] = {
	{ { PASSED }, { "one.test" }, false, true, "arc=pass as[1].d=one.test as[1].s=s" },
	{ { PASSED "; arc=none smtp.remote-ip=2001:db8::1" }, { "one.test" }, false, true,
	    "arc=pass as[1].d=one.test as[1].s=s remote-ip[1]=2001:db8::1" },
	{ { PASSED }, { "One.TEST" }, false, true, NULL },
	{ { PASSED }, { "test" }, false, false, NULL },
	{ { PASSED }, { "one.test" }, true, false, NULL },
	{ { FAILED }, { "one.test" }, false, false, NULL },
	{ { "o.test; dmarc=pass header.from=b.example" }, { "one.test" }, false, false, NULL },
	{ { "o.test; dmarc=pass header.from=sub.a.example" }, { "one.test" }, false, false, NULL },
	{ { "o.test; dmarc=pass" }, { "one.test" }, false, false, NULL },
	{ { "o.test; spf=pass smtp.mailfrom=a.example" }, { "one.test" }, false, false, NULL },
	{ { "no results" }, { "one.test" }, false, false, NULL },
	{ { "o.test; dmarc=fail header.from=b.test; dmarc=pass header.from=A.example" }, { "one.test" }, false, true,
	    NULL },
	/* from the newest on, each has to be believed */
	{ { PASSED, FAILED }, { "one.test" }, false, false, NULL },
	{ { PASSED, FAILED }, { "two.test" }, false, false, NULL },
	{ { PASSED, FAILED }, { "one.test", "two.test" }, false, true, NULL },
	{ { FAILED, PASSED }, { "two.test" }, false, true, NULL },
	{ { PASSED, FAILED, FAILED }, { "one.test", "three.test" }, false, false, NULL },
	{ { PASSED, "unreadable", FAILED }, { "two.test", "three.test" }, false, false, NULL },
	{ { FAILED, PASSED, "unreadable" }, { "two.test", "three.test" }, false, true, NULL },
};

static void
test_chains(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		struct scene s;

		scene_init(&s);
		chain_make(&s, chains[i].payloads);
		if (chains[i].is_broken)
			s.out.arc.result = MAIL_FAIL;
		for (; s.policy.n_paths < 2 && chains[i].believed[s.policy.n_paths] != NULL; s.policy.n_paths++)
			s.path[s.policy.n_paths] = (struct mail_path){ .kind = MAIL_PATH_SEALER,
				.domain = name_of(chains[i].believed[s.policy.n_paths]) };
		scene_check(&s);
		if ((s.d.act == MAIL_ACT_ACCEPT) != chains[i].is_believed)
			print_message("# case %zu\n", i);
		if (chains[i].is_believed)
			assert_int_equal(s.d.act, MAIL_ACT_ACCEPT);
		else
			assert_int_equal(s.d.act, chains[i].is_broken ? MAIL_ACT_REJECT : MAIL_ACT_QUARANTINE);
		if (!chains[i].is_broken) {
			assert_int_equal(s.d.n_reasons, 1);
			assert_int_equal(s.d.reasons[0].type, REPORT_LOCAL_POLICY);
		}
		if (chains[i].comment != NULL)
			sv_is(s.d.reasons[0].comment, chains[i].comment);
		scene_done(&s);
	}
}

/* What stands behind l= of the newest AMS may be anybody's. */
static void
test_chain_surplus(void **state)
{
	static const struct {
		bool		has_length;
		uint64_t	length;
		enum mail_act	act;
	} cases[] = {
		{ false, 0, MAIL_ACT_ACCEPT }, { true, 100, MAIL_ACT_ACCEPT }, { true, 99, MAIL_ACT_QUARANTINE },
	};
	static const struct mail_body_want body = { .n_canon = 100 };
	static const char *const payloads[] = { PASSED, NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dkim_sig sig = { .has_length = cases[i].has_length, .length = cases[i].length };
		struct arc_signature ams = { .sig = &sig, .why = ARC_FINE, .body = &body };
		struct scene s;

		scene_init(&s);
		chain_make(&s, payloads);
		s.out.arc.ams = &ams;
		s.path[0] = (struct mail_path){ .kind = MAIL_PATH_SEALER, .domain = name_of("one.test") };
		s.policy.n_paths = 1;
		scene_check(&s);
		assert_int_equal(s.d.act, cases[i].act);
		scene_done(&s);
	}
}

/* --- what the DNS did not answer --- */

/* RFC 9989 section 5.4: 'discovered policies of "p=none" MUST NOT modify existing mail handling'. */
static void
test_unanswered(void **state)
{
	static const struct {
		enum dmarc_policy	 policy;
		bool			 has_record, is_sure, testing, has_path;
		enum mail_act		 act;
		size_t			 n_reasons;
		enum report_override	 reason;
	} cases[] = {
		{ DMARC_POLICY_REJECT, true, true, false, false, MAIL_ACT_TEMPFAIL, 1, REPORT_OTHER },
		{ DMARC_POLICY_REJECT, true, true, true, false, MAIL_ACT_TEMPFAIL, 2, REPORT_TEST_MODE },
		{ DMARC_POLICY_QUARANTINE, true, true, true, false, MAIL_ACT_ACCEPT, 1, REPORT_TEST_MODE },
		{ DMARC_POLICY_NONE, true, true, false, false, MAIL_ACT_ACCEPT, 0, 0 },
		{ DMARC_POLICY_NONE, true, false, false, false, MAIL_ACT_TEMPFAIL, 1, REPORT_OTHER },
		{ DMARC_POLICY_NONE, true, false, true, false, MAIL_ACT_TEMPFAIL, 1, REPORT_OTHER },
		{ DMARC_POLICY_REJECT, true, true, false, true, MAIL_ACT_ACCEPT, 1, REPORT_TRUSTED_FORWARDER },
		{ DMARC_POLICY_NONE, false, false, false, false, MAIL_ACT_QUARANTINE, 1, REPORT_LOCAL_POLICY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene s;

		scene_init(&s);
		s.policy.on_temperror = MAIL_ACT_QUARANTINE;
		s.policy.on_unproven = MAIL_ACT_TEMPFAIL;
		s.out.dmarc.now = (struct dmarc_verdict){ MAIL_TEMPERROR, DMARC_POLICY_NONE, &s.author };
		s.author.now.result = MAIL_TEMPERROR;
		s.author.now.disposition = DMARC_POLICY_NONE;
		s.author.now.policy = cases[i].policy;
		s.author.now.is_sure = cases[i].is_sure;
		s.author.now.record = cases[i].has_record ? &s.record : NULL;
		s.record.testing = cases[i].testing;
		s.path[0] = (struct mail_path){ .kind = MAIL_PATH_CLIENT, .client = s.in.client, .comment = SV("f") };
		s.policy.n_paths = cases[i].has_path;
		scene_check(&s);
		assert_int_equal(s.d.act, cases[i].act);
		if (s.d.act == MAIL_ACT_TEMPFAIL)
			assert_true(sv_eq_str(s.d.enhanced, "4.4.3"));
		assert_int_equal(s.d.n_reasons, cases[i].n_reasons);
		if (cases[i].n_reasons > 0)
			assert_int_equal(s.d.reasons[0].type, cases[i].reason);
		scene_done(&s);
	}
}

/* Let in all the same: that is not what the record asks for, and a report says why. */
static void
test_unanswered_told(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	s.out.dmarc.now = (struct dmarc_verdict){ MAIL_TEMPERROR, DMARC_POLICY_NONE, &s.author };
	s.author.now.is_sure = true;
	s.policy.on_unproven = MAIL_ACT_ACCEPT;
	scene_check(&s);
	assert_int_equal(s.d.act, MAIL_ACT_ACCEPT);
	assert_int_equal(s.d.disposition, REPORT_NONE);
	assert_int_equal(s.d.n_reasons, 1);
	assert_int_equal(s.d.reasons[0].type, REPORT_OTHER);
	scene_done(&s);
}

/* A chain that nobody answered for may be why not to reject; p=quarantine refuses nothing. */
static void
test_chain_unanswered(void **state)
{
	static const struct {
		enum arc_code	 why;
		enum mail_act	 on_reject, on_unproven, act;
	} cases[] = {
		{ ARC_KEY_DNS, MAIL_ACT_REJECT, MAIL_ACT_TEMPFAIL, MAIL_ACT_TEMPFAIL },
		{ ARC_KEY_DNS, MAIL_ACT_REJECT, MAIL_ACT_ACCEPT, MAIL_ACT_REJECT },
		{ ARC_KEY_DNS, MAIL_ACT_QUARANTINE, MAIL_ACT_TEMPFAIL, MAIL_ACT_QUARANTINE },
		{ ARC_SEAL_CHANGED, MAIL_ACT_REJECT, MAIL_ACT_TEMPFAIL, MAIL_ACT_REJECT },
	};
	static const char *const payloads[] = { PASSED, NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene s;

		scene_init(&s);
		s.policy.on_reject = cases[i].on_reject;
		s.policy.on_unproven = cases[i].on_unproven;
		chain_make(&s, payloads);
		s.out.arc = (struct arc_verdict){ .result = MAIL_FAIL, .why = cases[i].why, .at = 1 };
		scene_check(&s);
		assert_int_equal(s.d.act, cases[i].act);
		if (s.d.act == MAIL_ACT_TEMPFAIL) {
			assert_true(sv_eq_str(s.d.enhanced, "4.4.3"));
			assert_true(sv_starts(s.d.text, SV("The DNS did not answer for one.test, so")));
			assert_int_equal(s.d.n_reasons, 1);
			assert_int_equal(s.d.reasons[0].type, REPORT_OTHER);
		}
		scene_done(&s);
	}
}

/* --- what is asked for, and what is done --- */

static const struct {
	enum dmarc_policy	 asked;
	enum mail_act		 act;
	enum report_disposition	 done;
	bool			 is_told;
} answers[] = {
	{ DMARC_POLICY_REJECT, MAIL_ACT_REJECT, REPORT_REJECT, false },
	{ DMARC_POLICY_REJECT, MAIL_ACT_QUARANTINE, REPORT_QUARANTINE, true },
	{ DMARC_POLICY_REJECT, MAIL_ACT_ACCEPT, REPORT_NONE, true },
	{ DMARC_POLICY_QUARANTINE, MAIL_ACT_REJECT, REPORT_REJECT, true },
	{ DMARC_POLICY_QUARANTINE, MAIL_ACT_QUARANTINE, REPORT_QUARANTINE, false },
	{ DMARC_POLICY_QUARANTINE, MAIL_ACT_ACCEPT, REPORT_NONE, true },
	{ DMARC_POLICY_NONE, MAIL_ACT_REJECT, REPORT_NONE, false },
};

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		for (int testing = 0; testing < 2; testing++) {
			struct scene s;

			scene_init(&s);
			s.record.testing = testing;
			s.policy.on_reject = s.policy.on_quarantine = answers[i].act;
			s.out.dmarc.now.disposition = s.author.now.disposition = answers[i].asked;
			scene_check(&s);
			assert_int_equal(s.d.disposition, answers[i].done);
			assert_int_equal(s.d.n_reasons, answers[i].is_told + testing);
			if (testing)
				assert_int_equal(s.d.reasons[0].type, REPORT_TEST_MODE);
			if (answers[i].is_told)
				assert_int_equal(s.d.reasons[testing].type, REPORT_LOCAL_POLICY);
			scene_done(&s);
		}
}

/* What looks like a list is not treated worse than what does not. */
static void
test_indirect(void **state)
{
	static const struct {
		enum mail_act	direct, indirect, act;
	} cases[] = {
		{ MAIL_ACT_REJECT, MAIL_ACT_QUARANTINE, MAIL_ACT_QUARANTINE },
		{ MAIL_ACT_REJECT, MAIL_ACT_ACCEPT, MAIL_ACT_ACCEPT },
		{ MAIL_ACT_REJECT, MAIL_ACT_REJECT, MAIL_ACT_REJECT },
		{ MAIL_ACT_QUARANTINE, MAIL_ACT_REJECT, MAIL_ACT_QUARANTINE },
		{ MAIL_ACT_ACCEPT, MAIL_ACT_QUARANTINE, MAIL_ACT_ACCEPT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene s;

		scene_init(&s);
		assert_int_equal(mail_head_add(&s.head, SV("List-Id"), SV(" <l.b.test>"), &s.fs), 0);
		s.policy.on_reject = cases[i].direct;
		s.policy.on_indirect = cases[i].indirect;
		scene_check(&s);
		assert_int_equal(s.d.act, cases[i].act);
		s.out.dmarc.now.disposition = DMARC_POLICY_QUARANTINE;
		scene_check(&s);
		assert_int_equal(s.d.act, MAIL_ACT_QUARANTINE);
		scene_done(&s);
	}
}

static void
test_pass(void **state)
{
	static const struct {
		enum dmarc_policy	policy;
		bool			testing;
		enum report_disposition	done;
	} cases[] = {
		{ DMARC_POLICY_REJECT, false, REPORT_PASS },
		{ DMARC_POLICY_QUARANTINE, true, REPORT_PASS },
		{ DMARC_POLICY_NONE, false, REPORT_NONE },	/* it is of a policy that is enforced */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene s;

		scene_init(&s);
		s.out.dmarc.now = (struct dmarc_verdict){ MAIL_PASS, DMARC_POLICY_NONE, &s.author };
		s.author.now.policy = cases[i].policy;
		s.record.testing = cases[i].testing;
		scene_check(&s);
		assert_int_equal(s.d.act, MAIL_ACT_ACCEPT);
		assert_int_equal(s.d.disposition, cases[i].done);
		assert_int_equal(s.d.n_reasons, 0);
		scene_done(&s);
	}
}

/* --- sentences --- */

#define LONG_LABEL	"a23456789012345678901234567890123456789012345678901234567890123"
#define LONG_NAME	LONG_LABEL "." LONG_LABEL "." LONG_LABEL ".b.example"

static void
line_is_fine(struct sv text)
{
	assert_in_range(text.n, 1, MAIL_POLICY_TEXT_MAX);
	for (size_t i = 0; i < text.n; i++)
		assert_true(text.p[i] >= ' ' && text.p[i] <= '~' && text.p[i] != '%');
}

static void
test_long_names(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	s.author.name = s.author.now.where = name_of(LONG_NAME);
	s.out.spf.domain = SV(LONG_NAME);
	list_sign(&s);
	s.sig.domain_name = name_of(LONG_NAME);
	s.policy.help = SV("Call +81 3 0000 0000");
	scene_check(&s);
	line_is_fine(s.d.text);
	assert_true(sv_ends(s.d.text, SV(" Call +81 3 0000 0000")));
	scene_done(&s);
}

static void
test_strangers_words(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	s.author.name = s.author.now.where = name_of("a\r\nb\x1b%s\xff.example");
	s.out.spf.domain = SV("x\n250 OK\x80%n");
	scene_check(&s);
	line_is_fine(s.d.text);
	s.out.dmarc.now = (struct dmarc_verdict){ MAIL_NONE, DMARC_POLICY_NONE, &s.author };
	s.out.spf.result = MAIL_FAIL;
	s.out.spf.explanation = SV("go\r\n away\0");
	s.policy.on_spf_fail = MAIL_ACT_REJECT;
	scene_check(&s);
	line_is_fine(s.d.text);
	assert_true(sv_ends(s.d.text, SV(" That domain says: go?? away?")));
	scene_done(&s);
}

/* No finding was kept, and yet there is no author: DMARC says so. */
static void
test_nobody(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	s.out.dmarc.now = (struct dmarc_verdict){ MAIL_PERMERROR, DMARC_POLICY_NONE, NULL };
	scene_check(&s);
	assert_int_equal(s.d.act, MAIL_ACT_REJECT);
	sv_is(s.d.text, "The header of this message has more than can be checked.");
	sv_is(s.d.enhanced, "5.6.0");
	s.policy.on_doubt = MAIL_ACT_ACCEPT;
	scene_check(&s);
	assert_int_equal(s.d.act, MAIL_ACT_ACCEPT);
	scene_done(&s);
}

TESTS_MAIN("policy", T(test_acts), T(test_who), T(test_lists), T(test_chains),
    T(test_chain_surplus), T(test_unanswered), T(test_unanswered_told),
    T(test_chain_unanswered), T(test_answers),
    T(test_indirect), T(test_pass), T(test_long_names), T(test_strangers_words), T(test_nobody))
