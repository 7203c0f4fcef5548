/* SPF evaluated: results, codes, the trail, limits, and answers that come late. */
#include "../tap.h"
#include "dns_fake.h"
#include "mail/spf.h"

#define POOL_MAX	(1024 * 1024)

struct world {
	struct dns_fake	*dns;
	struct pool	*pool;
	struct findings	 fs;
	struct spf_in	 in;
	struct mail_ask	 ask;
	struct spf_out	 out;
};

static const struct {
	const char	*name, *text;
} records[] = {
	{ "ok.example", "v=spf1 ip4:192.0.2.0/24 -all" },
	{ "two.example", "v=spf1 -all" },
	{ "two.example", "V=SPF1" },
	{ "other.example", "v=spf10 all" },
	{ "other.example", "google-site-verification=x" },
	{ "syntax.example", "v=spf1 all moo" },
	{ "inc.example", "v=spf1 include:ok.example ~all" },
	{ "inc2.example", "v=spf1 include:inc.example -all" },
	{ "incnone.example", "v=spf1 include:other.example all" },
	{ "incbad.example", "v=spf1 include:x..example all" },
	{ "incsyntax.example", "v=spf1 include:syntax.example all" },
	{ "incfail.example", "v=spf1 include:dead.example all" },
	{ "redir.example", "v=spf1 redirect=ok.example" },
	{ "redirnone.example", "v=spf1 redirect=none.example" },
	{ "loop.example", "v=spf1 redirect=loop.example" },
	{ "loopa.example", "v=spf1 include:loopb.example all" },
	{ "loopb.example", "v=spf1 a:none.example include:LOOPA.example all" },
	{ "lookups.example", "v=spf1 a a a a a a a a a a a:ok.example ip4:192.0.2.1" },
	{ "ten.example", "v=spf1 a a a a a a a a a a ip4:192.0.2.1" },
	{ "void.example", "v=spf1 a:n1.example mx:n2.example exists:n3.example all" },
	{ "voids.example", "v=spf1 a:n1.example mx:n2.example all" },
	{ "mxs.example", "v=spf1 mx:manymx.example all" },
	{ "mx.example", "v=spf1 mx -all" },
	{ "mxvoid.example", "v=spf1 mx:v6mx.example mx:v6mx.example mx:v6mx.example -all" },
	{ "ptr.example", "v=spf1 ptr -all" },
	{ "ptrs.example", "v=spf1 ptr:example.net -all" },
	{ "adead.example", "v=spf1 a:dead.example all" },
	{ "exists.example", "v=spf1 exists:%{ir}.list.example -all" },
	{ "helo.example", "v=spf1 a -all" },
	{ "bare.example", "v=spf1" },
	{ "many.example", "v=spf1 include:soft.%{d1} a:n1.example mx:v6mx.example "
	  "include:inc.example -all mx:m2.example" },
	{ "expnone.example", "v=spf1 -all exp=none.example" },
	{ "exptwo.example", "v=spf1 -all exp=two.example" },
	{ "plus.example", "v=spf1 mx ptr +all" },
	{ "near.example", "v=spf1 a a a a a a a a ?all" },
	{ "soft.example", "v=spf1 ~all exp=exptwo.example" },
	{ "softs.example", "v=spf1 include:soft.example include:bare.example -all" },
	{ "wide.example", "v=spf1 a:far.example/24 -all" },
	{ "narrow.example", "v=spf1 a:far.example/26 -all" },
	{ "exists6.example", "v=spf1 exists:ok.example -all" },
	{ "nullmx.example", "v=spf1 mx mx mx all" },
	{ "deadmx.example", "v=spf1 mx all" },
	{ "deadmx2.example", "v=spf1 mx -all" },
	{ "mxlast.example", "v=spf1 a:n1.example a:n2.example mx:mx.example -all" },
	{ "ptrvoid.example", "v=spf1 ptr ptr ptr all" },
	{ "example", "v=spf1 all" },
	{ "[192.0.2.1]", "v=spf1 all" },
	{ "xn--zckzah.example", "v=spf1 exists:%{o}.list.example -all" },
};

static const char *const rows[][3] = {
	{ "lookups.example", "A", "198.51.100.1" },
	{ "ten.example", "A", "198.51.100.1" },
	{ "near.example", "A", "198.51.100.1" },
	{ "ok.example", "A", "192.0.2.1" },
	{ "mx.example", "MX", "10 m1.example" },
	{ "mx.example", "MX", "20 m2.example" },
	{ "mx.example", "MX", "20 ." },
	{ "m1.example", "AAAA", "2001:db8::1" },
	{ "m2.example", "A", "192.0.2.1" },
	{ "m2.example", "A", "192.0.2.2" },
	{ "v6mx.example", "MX", "10 m1.example" },
	{ "v6mx.example", "MX", "10 v6.example" },
	{ "v6.example", "AAAA", "2001:db8::2" },
	{ "1.2.0.192.in-addr.arpa", "PTR", "host.ptr.example" },
	{ "1.2.0.192.in-addr.arpa", "PTR", "dead.ptr.example" },
	{ "1.2.0.192.in-addr.arpa", "PTR", "lie.example.net" },
	{ "host.ptr.example", "A", "192.0.2.1" },
	{ "lie.example.net", "A", "192.0.2.99" },
	{ "1.2.0.192.list.example", "A", "127.0.0.2" },
	{ "helo.example", "A", "192.0.2.1" },
	{ "far.example", "A", "192.0.2.99" },
	{ "nullmx.example", "MX", "0 ." },
	{ "deadmx.example", "MX", "0 dead.example" },
	{ "deadmx2.example", "MX", "0 dead.example" },
	{ "deadmx2.example", "MX", "0 m2.example" },
	{ "plus.example", "TYPE99", "\\# 1 00" },
	{ "xn--zckzah.example.list.example", "A", "127.0.0.2" },
	/* eleven mail hosts, the first of them the client's */
	{ "manymx.example", "MX", "1 m2.example" },
	{ "manymx.example", "MX", "1 h2.example" },
	{ "manymx.example", "MX", "1 h3.example" },
	{ "manymx.example", "MX", "1 h4.example" },
	{ "manymx.example", "MX", "1 h5.example" },
	{ "manymx.example", "MX", "1 h6.example" },
	{ "manymx.example", "MX", "1 h7.example" },
	{ "manymx.example", "MX", "1 h8.example" },
	{ "manymx.example", "MX", "1 h9.example" },
	{ "manymx.example", "MX", "1 h10.example" },
	{ "manymx.example", "MX", "1 h11.example" },
};

static void
world_init(struct world *w)
{
	*w = (struct world){ .dns = dns_fake_new(), .pool = pool_new(POOL_MAX) };
	assert_non_null(w->dns);
	assert_non_null(w->pool);
	for (size_t i = 0; i < ARRAY_LEN(records); i++)
		assert_int_equal(dns_fake_add_txt(w->dns, sv_str(records[i].name),
		    sv_str(records[i].text)), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(dns_fake_add(w->dns, rows[i][0], rows[i][1], rows[i][2]), 0);
	assert_int_equal(dns_fake_fail(w->dns, SV("dead.example")), 0);
	assert_int_equal(dns_fake_fail(w->dns, SV("dead.ptr.example")), 0);
	w->ask = (struct mail_ask){ .find = dns_fake_find, .arg = w->dns };
	w->in = (struct spf_in){ .helo = SV("helo.example"), .limits = SPF_LIMITS_DEFAULT };
	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.1"), &w->in.client), 0);
}

static void
world_done(struct world *w)
{
	(void)dns_fake_free(w->dns);
	(void)pool_free(w->pool);
}

static int
check(struct world *w, const char *sender)
{
	pool_reset(w->pool);
	findings_init(&w->fs, w->pool);
	w->in.sender = sv_str(sender);
	return spf_check(&w->in, &w->ask, w->pool, &w->fs, &w->out);
}

static const struct finding *
find(const struct world *w, enum spf_code code)
{
	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		if (f->def == &spf_findings[code])
			return f;
	return NULL;
}

static const struct {
	const char		*sender;
	enum mail_result	 result;
	enum spf_code		 code;		/* SPF_CODE_MAX: nothing to say */
	const char		*subject, *term;
} cases[] = {
	{ "a@ok.example", MAIL_PASS, SPF_CODE_MAX, "", "ip4:192.0.2.0/24" },
	{ "a@OK.example.", MAIL_PASS, SPF_CODE_MAX, "", "ip4:192.0.2.0/24" },
	{ "a@two.example", MAIL_PERMERROR, SPF_RECORDS_MULTIPLE, "two.example", "" },
	{ "a@other.example", MAIL_NONE, SPF_CODE_MAX, "", "" },
	{ "a@none.example", MAIL_NONE, SPF_CODE_MAX, "", "" },
	{ "a@dead.example", MAIL_TEMPERROR, SPF_DNS_FAILED, "dead.example", "" },
	{ "a@syntax.example", MAIL_PERMERROR, SPF_SYNTAX, "syntax.example", "" },
	{ "a@inc.example", MAIL_PASS, SPF_CODE_MAX, "", "include:ok.example" },
	{ "a@inc2.example", MAIL_PASS, SPF_CODE_MAX, "", "include:inc.example" },
	{ "a@incnone.example", MAIL_PERMERROR, SPF_INCLUDE_NONE, "incnone.example",
	  "include:other.example" },
	{ "a@incbad.example", MAIL_PERMERROR, SPF_INCLUDE_NONE, "incbad.example",
	  "include:x..example" },
	{ "a@incsyntax.example", MAIL_PERMERROR, SPF_SYNTAX, "syntax.example",
	  "include:syntax.example" },
	{ "a@incfail.example", MAIL_TEMPERROR, SPF_DNS_FAILED, "dead.example",
	  "include:dead.example" },
	{ "a@redir.example", MAIL_PASS, SPF_CODE_MAX, "", "ip4:192.0.2.0/24" },
	{ "a@redirnone.example", MAIL_PERMERROR, SPF_REDIRECT_NONE, "redirnone.example", "" },
	{ "a@loop.example", MAIL_PERMERROR, SPF_LOOP, "loop.example", "" },
	{ "a@loopa.example", MAIL_PERMERROR, SPF_LOOP, "loopb.example", "include:loopb.example" },
	{ "a@lookups.example", MAIL_PERMERROR, SPF_LOOKUPS_LIMIT, "lookups.example",
	  "a:ok.example" },
	{ "a@ten.example", MAIL_PASS, SPF_CODE_MAX, "", "ip4:192.0.2.1" },
	{ "a@void.example", MAIL_PERMERROR, SPF_VOID_LIMIT, "void.example", "exists:n3.example" },
	{ "a@voids.example", MAIL_PASS, SPF_CODE_MAX, "", "all" },
	{ "a@mxs.example", MAIL_PERMERROR, SPF_MX_MANY, "mxs.example", "mx:manymx.example" },
	{ "a@mx.example", MAIL_PASS, SPF_CODE_MAX, "", "mx" },
	/* three IPv6-only hosts: void by term, so the third is one too many, not the second */
	{ "a@mxvoid.example", MAIL_PERMERROR, SPF_VOID_LIMIT, "mxvoid.example", "mx:v6mx.example" },
	{ "a@ptr.example", MAIL_PASS, SPF_CODE_MAX, "", "ptr" },
	{ "a@ptrs.example", MAIL_FAIL, SPF_CODE_MAX, "", "-all" },
	{ "a@adead.example", MAIL_TEMPERROR, SPF_DNS_FAILED, "adead.example", "a:dead.example" },
	{ "a@exists.example", MAIL_PASS, SPF_CODE_MAX, "", "exists:%{ir}.list.example" },
	{ "a@softs.example", MAIL_FAIL, SPF_CODE_MAX, "", "-all" },
	{ "a@wide.example", MAIL_PASS, SPF_CODE_MAX, "", "a:far.example/24" },
	{ "a@narrow.example", MAIL_FAIL, SPF_CODE_MAX, "", "-all" },
	{ "a@nullmx.example", MAIL_PASS, SPF_CODE_MAX, "", "all" },
	{ "a@deadmx.example", MAIL_TEMPERROR, SPF_DNS_FAILED, "deadmx.example", "mx" },
	{ "a@deadmx2.example", MAIL_PASS, SPF_CODE_MAX, "", "mx" },
	/* a host without an address beside the one that matches is not a third void term */
	{ "a@mxlast.example", MAIL_PASS, SPF_CODE_MAX, "", "mx:mx.example" },
	{ "a@bare.example", MAIL_NEUTRAL, SPF_CODE_MAX, "", "" },
	{ "a@expnone.example", MAIL_FAIL, SPF_EXP_IGNORED, "expnone.example", "-all" },
	{ "a@exptwo.example", MAIL_FAIL, SPF_EXP_IGNORED, "exptwo.example", "-all" },
	{ "", MAIL_PASS, SPF_CODE_MAX, "", "a" },
	/* RFC 8616: U-labels are asked for, and expanded, as A-labels */
	{ "a@\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88.example", MAIL_PASS, SPF_CODE_MAX, "",
	  "exists:%{o}.list.example" },
	{ "a@\xff.example", MAIL_NONE, SPF_CODE_MAX, "", "" },
	{ "a@example", MAIL_NONE, SPF_CODE_MAX, "", "" },
	{ "a@", MAIL_NONE, SPF_CODE_MAX, "", "" },
	{ "a@[192.0.2.1]", MAIL_NONE, SPF_CODE_MAX, "", "" },
	{ "a@x..example", MAIL_NONE, SPF_CODE_MAX, "", "" },
};

static void
case_check(struct world *w, size_t i)
{
	const struct finding *f = w->fs.head;

	if (w->out.result != cases[i].result || !sv_eq_str(w->out.term, cases[i].term))
		fail_msg("%s: %s, %.*s", cases[i].sender, mail_result_name(w->out.result),
		    SV_ARG(w->out.term));
	assert_int_equal(w->fs.n_kept, cases[i].code == SPF_CODE_MAX ? 0 : 1);
	if (f == NULL)
		return;
	assert_ptr_equal(f->def, &spf_findings[cases[i].code]);
	if (cases[i].code == SPF_DNS_FAILED)
		assert_true(sv_eq_str(f->args[0].s, "dead.example"));
	assert_true(sv_eq_str(f->subject, cases[i].subject));
}

static void
test_results(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(check(&w, cases[i].sender), 0);
		case_check(&w, i);
	}
	world_done(&w);
}

/* The same with answers that come one round after they were asked for. */
static void
test_late(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	dns_fake_slow(w.dns, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned n = 0;

		dns_fake_forget(w.dns);
		while (check(&w, cases[i].sender) == MAIL_WAIT && n++ < 32) {
			assert_true(w.ask.n_missing > 0);
			dns_fake_learn(w.dns, &w.ask);
		}
		case_check(&w, i);
	}
	world_done(&w);
}

/* MX, then the addresses of all its hosts together: three rounds with the record's. */
static void
test_rounds(void **state)
{
	static const struct { const char *sender; unsigned n_rounds; } rounds[] = {
		{ "a@mx.example", 3 }, { "a@ptr.example", 3 }, { "a@inc2.example", 3 },
		{ "a@ok.example", 1 },
		/* the record; all that it names; hosts of its mx; what an include names */
		{ "a@many.example", 4 },
	};
	struct world w;

	(void)state;
	world_init(&w);
	dns_fake_slow(w.dns, true);
	for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
		unsigned n = 0;

		dns_fake_forget(w.dns);
		for (; check(&w, rounds[i].sender) == MAIL_WAIT; n++)
			dns_fake_learn(w.dns, &w.ask);
		assert_int_equal(n, rounds[i].n_rounds);
	}
	/* of the PTR only the names below the domain are asked for: record, PTR, two hosts */
	dns_fake_forget(w.dns);
	while (check(&w, "a@ptr.example") == MAIL_WAIT)
		dns_fake_learn(w.dns, &w.ask);
	assert_int_equal(w.out.result, MAIL_PASS);
	assert_int_equal(dns_fake_learned(w.dns), 4);
	/* nothing behind "all" is asked for, nor behind the tenth term */
	dns_fake_forget(w.dns);
	while (check(&w, "a@many.example") == MAIL_WAIT)
		dns_fake_learn(w.dns, &w.ask);
	assert_int_equal(dns_fake_learned(w.dns), 8);
	assert_int_equal(w.out.result, MAIL_PASS);
	w.in.limits.n_lookups = 2;
	dns_fake_forget(w.dns);
	while (check(&w, "a@many.example") == MAIL_WAIT)
		dns_fake_learn(w.dns, &w.ask);
	assert_int_equal(dns_fake_learned(w.dns), 3);
	world_done(&w);
}

/* What depends on the client alone. */
static void
test_clients(void **state)
{
	struct world w;
	char name[32];

	(void)state;
	world_init(&w);
	assert_int_equal(ip_prefix_parse_host(SV("2001:db8::77"), &w.in.client), 0);
	assert_int_equal(check(&w, "a@exists6.example"), 0);
	assert_int_equal(w.out.result, MAIL_PASS);	/* A, though the client is of IPv6 */
	assert_int_equal(check(&w, "a@ptrvoid.example"), 0);
	assert_int_equal(w.out.result, MAIL_PERMERROR);
	assert_non_null(find(&w, SPF_VOID_LIMIT));
	/* the eleventh name of a client is not looked at */
	assert_int_equal(ip_prefix_parse_host(SV("198.51.100.7"), &w.in.client), 0);
	for (char c = 'a'; c < 'a' + SPF_NAMES_MAX; c++) {
		memcpy(name, "?.ptr.example", sizeof("?.ptr.example"));
		name[0] = c;
		assert_int_equal(dns_fake_add(w.dns, "7.100.51.198.in-addr.arpa", "PTR", name), 0);
	}
	assert_int_equal(dns_fake_add(w.dns, "7.100.51.198.in-addr.arpa", "PTR",
	    "z.ptr.example"), 0);
	assert_int_equal(dns_fake_add(w.dns, "z.ptr.example", "A", "198.51.100.7"), 0);
	assert_int_equal(check(&w, "a@ptr.example"), 0);
	assert_int_equal(w.out.result, MAIL_FAIL);
	assert_int_equal(dns_fake_add(w.dns, "j.ptr.example", "A", "198.51.100.7"), 0);
	assert_int_equal(check(&w, "a@ptr.example"), 0);
	assert_int_equal(w.out.result, MAIL_PASS);
	world_done(&w);
}

/* --- what comes out --- */

static const struct {
	unsigned	 depth;
	bool		 is_record;
	enum spf_outcome outcome;
	const char	*domain, *text, *asked;
} trail[] = {
	{ 0, true, SPF_STEP_GOES, "inc2.example", "v=spf1 include:inc.example -all",
	  "inc2.example" },
	{ 0, false, SPF_STEP_MATCH, "inc2.example", "include:inc.example", "inc.example" },
	{ 1, true, SPF_STEP_GOES, "inc.example", "v=spf1 include:ok.example ~all", "inc.example" },
	{ 1, false, SPF_STEP_MATCH, "inc.example", "include:ok.example", "ok.example" },
	{ 2, true, SPF_STEP_GOES, "ok.example", "v=spf1 ip4:192.0.2.0/24 -all", "ok.example" },
	{ 2, false, SPF_STEP_MATCH, "ok.example", "ip4:192.0.2.0/24", "" },
};

static void
test_trail(void **state)
{
	const struct spf_step *s;
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(check(&w, "a@inc2.example"), 0);
	s = w.out.steps;
	for (size_t i = 0; i < ARRAY_LEN(trail); i++, s = s->next) {
		assert_non_null(s);
		assert_int_equal(s->depth, trail[i].depth);
		assert_int_equal(s->is_record, trail[i].is_record);
		assert_int_equal(s->outcome, trail[i].outcome);
		assert_true(sv_eq_str(s->domain, trail[i].domain));
		assert_true(sv_eq_str(s->text, trail[i].text));
		assert_true(sv_eq_str(s->asked, trail[i].asked));
	}
	assert_null(s);
	assert_int_equal(w.out.n_lookups, 2);
	assert_true(sv_eq_str(w.out.term_domain, "inc2.example"));
	assert_int_equal(check(&w, "a@redir.example"), 0);
	assert_true(sv_eq_str(w.out.term_domain, "ok.example"));
	assert_true(sv_eq_str(w.out.steps->next->text, "redirect=ok.example"));
	assert_int_equal(check(&w, "a@soft.example"), 0);
	assert_int_equal(w.out.result, MAIL_SOFTFAIL);
	assert_int_equal(w.out.explanation.n, 0);	/* only "fail" has one */
	assert_int_equal(w.fs.n_kept, 0);
	assert_int_equal(check(&w, "a@mx.example"), 0);
	assert_true(sv_eq_str(w.out.steps->next->found, "m2.example"));
	assert_int_equal(w.out.steps->next->type, RR_MX);
	assert_string_equal(spf_outcome_name(w.out.steps->next->outcome), "match");
	assert_string_equal(spf_outcome_name(SPF_OUTCOME_MAX), "?");
	world_done(&w);
}

static void
test_identity(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(check(&w, ""), 0);
	assert_int_equal(w.out.identity, SPF_HELO);
	assert_string_equal(spf_identity_name(w.out.identity), "helo");
	assert_true(sv_eq_str(w.out.domain, "helo.example"));
	assert_true(sv_eq_str(w.out.sender, "postmaster@helo.example"));
	assert_int_equal(check(&w, "a@ok.example"), 0);
	assert_string_equal(spf_identity_name(w.out.identity), "mailfrom");
	assert_string_equal(spf_identity_name(SPF_IDENTITY_MAX), "?");
	assert_true(sv_eq_str(w.out.domain, "ok.example"));
	assert_int_equal(w.out.name.len, sizeof("\2ok\7example"));
	assert_false(w.out.is_secure);
	dns_fake_secure(w.dns, true);
	assert_int_equal(check(&w, "a@ok.example"), 0);
	assert_true(w.out.is_secure);
	w.in.helo = SV("");
	assert_int_equal(check(&w, ""), 0);
	assert_int_equal(w.out.result, MAIL_NONE);
	world_done(&w);
}

static void
test_advice(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.in.is_advice = true;
	assert_int_equal(check(&w, "a@plus.example"), 0);
	assert_int_equal(w.out.result, MAIL_PASS);
	assert_non_null(find(&w, SPF_PLUS_ALL));
	assert_non_null(find(&w, SPF_PTR_USED));
	assert_non_null(find(&w, SPF_TYPE99));
	assert_int_equal(check(&w, "a@near.example"), 0);
	assert_non_null(find(&w, SPF_LOOKUPS_NEAR_LIMIT));
	world_done(&w);
}

static void
test_limits(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.in.limits = (struct spf_limits){ 11, 3 };
	assert_int_equal(check(&w, "a@lookups.example"), 0);
	assert_int_equal(w.out.result, MAIL_PASS);
	assert_int_equal(check(&w, "a@void.example"), 0);
	assert_int_equal(w.out.result, MAIL_PASS);
	assert_int_equal(w.out.n_void, 3);
	world_done(&w);
}

/* Without memory it could not be done: never a result. */
static void
test_no_memory(void **state)
{
	struct world w;
	unsigned n_failed = 0;

	(void)state;
	world_init(&w);
	for (size_t cap = 0; cap < 4096; cap += 16) {
		struct pool *pool = pool_new(cap);
		struct spf_out out = { .result = MAIL_RESULT_MAX };
		int rc;

		assert_non_null(pool);
		w.in.sender = SV("a@ptr.example");
		findings_init(&w.fs, pool);
		rc = spf_check(&w.in, &w.ask, pool, &w.fs, &out);
		assert_int_equal(out.result, rc < 0 ? MAIL_RESULT_MAX : MAIL_PASS);
		n_failed += rc < 0;
		(void)pool_free(pool);
	}
	assert_true(n_failed > 10);
	assert_true(n_failed < 250);
	world_done(&w);
}

TESTS_MAIN("spf", T(test_results), T(test_late), T(test_rounds), T(test_clients), T(test_trail),
    T(test_identity), T(test_advice), T(test_limits), T(test_no_memory))
