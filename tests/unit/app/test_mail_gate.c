/* Mail of others at the gate: the verdict, the changes of the head and the row, field by field. */
#include <errno.h>

#include "base/err.h"
#include "mail_gate_kit.h"

/* --- the world --- */

static void
world_fill(struct gate_kit *k)
{
	gate_kit_dns(k, "a.example", "v=spf1 ip4:192.0.2.7 ip6:2001:db8::7 -all");
	gate_kit_dns(k, "mx.a.example", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(k, "_dmarc.a.example",
	    "v=DMARC1; p=reject; np=quarantine; rua=mailto:r@a.example!10m, mailto:x@out.example; adkim=s; fo=1");
	gate_kit_dns(k, "_dmarc.q.example", "v=DMARC1;p=quarantine;aspf=s;pct=50");
	gate_kit_dns(k, "_dmarc.t.example", "v=DMARC1; p=reject; t=y");
	gate_kit_dns(k, "_dmarc.tq.example", "v=DMARC1; p=quarantine; t=y");
	gate_kit_dns(k, "_dmarc.n.example", "v=DMARC1; p=none; rua=mailto:n@n.example");
	gate_kit_dns(k, "_dmarc.bad.example",
	    "v=DMARC1; p=reject; sp=bogus; np=quarantine; rua=mailto:b@bad.example");
	gate_kit_dns(k, "u.example", "v=spf1 -all");
	gate_kit_dns(k, "xn--bcher-kva.example", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(k, "_dmarc.xn--bcher-kva.example", "v=DMARC1; p=reject");
	assert_int_equal(dns_fake_fail(k->dns, SV("_dmarc.f.example")), 0);
	assert_int_equal(dns_fake_fail(k->dns, SV("fs.example")), 0);
	gate_kit_dns(k, "_dmarc.fs.example", "v=DMARC1; p=reject");
	gate_kit_dns(k, "_dmarc.re.example", "v=DMARC1; rua=; p=none; rua=mailto:r@re.example");
}

#define HEAD(from, more)	"From: " from "\nTo: y@here.test\nDate: Mon, 23 Nov 2026 04:00:00 +0000\n" more "\nHi\n"
#define SPF_OTHER		"spf b.test none\n"

static const struct sv to_one[] = { SV("y@here.test"), SV("\"z z\"@HERE.test") };
static const struct sv to_two[] = { SV("y@here.test"), SV("z@there.test") };

static const struct mail_policy enforce = MAIL_POLICY_ENFORCE, observe = MAIL_POLICY_OBSERVE;

struct play {
	const char		*name, *client, *sender, *message;
	void			(*change)(struct gate_kit *);
	enum mail_act		 act;
	unsigned		 reply;
	const char		*enhanced, *text;	/* the text: a part */
	const char		*edits, *row;
};

static void
do_observe(struct gate_kit *k)
{
	k->conf.policy = observe;
}

static void
do_closed(struct gate_kit *k)
{
	k->conf.policy.on_temperror = MAIL_ACT_TEMPFAIL;
	k->conf.policy.on_failure = MAIL_ACT_TEMPFAIL;
}

static void
do_open(struct gate_kit *k)
{
	k->conf.policy.on_unproven = MAIL_ACT_ACCEPT;
}

static void
do_quarantine_only(struct gate_kit *k)
{
	k->conf.policy.on_reject = MAIL_ACT_QUARANTINE;
}

static void
do_mark(struct gate_kit *k)
{
	k->conf.policy.mark = SV("X-Quarantine");
}

static void
do_spf(struct gate_kit *k)
{
	k->conf.policy.on_spf_fail = MAIL_ACT_REJECT;
}

static void
do_path(struct gate_kit *k)
{
	struct mail_path *p = pool_calloc(k->pool, 1, sizeof(*p));

	assert_non_null(p);
	p->kind = MAIL_PATH_CLIENT;
	p->comment = SV("alumni.test");
	assert_int_equal(ip_prefix_parse(SV("198.51.100.0/24"), &p->client), 0);
	k->conf.policy.paths = p;
	k->conf.policy.n_paths = 1;
}

static void
do_help(struct gate_kit *k)
{
	k->conf.policy.help = SV("See https://help.here.test/100%");
}

static void
do_broken(struct gate_kit *k)
{
	k->fill_rc = -EIO;
}

static void
do_broken_closed(struct gate_kit *k)
{
	do_broken(k);
	do_closed(k);
}

static void
do_two_domains(struct gate_kit *k)
{
	k->mail.recipients = to_two;
}

static void
do_helo(struct gate_kit *k)
{
	k->mail.helo = SV("a.example");
}

static void
do_no_helo(struct gate_kit *k)
{
	k->mail.helo = SV("");
}

#define RESULTS(...)	"+Authentication-Results: mx.here.test;\n" __VA_ARGS__ "\n"
#define A_POLICY	"policy a.example treewalk p=reject sp=reject np=quarantine fo=2 adkim=s pct=100\n" \
			"rua mailto:r@a.example!10m\nrua mailto:x@out.example\n"
#define ROW(dmarc)	"node1 4Xq1 1795400000 dmarc=" dmarc " arc=none\n"

static const struct play plays[] = {
	{ "direct", "192.0.2.7", "x@a.example", HEAD("X <x@a.example>", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "",
	    RESULTS("\tspf=pass smtp.mailfrom=x@a.example;\n\tspf=pass smtp.helo=mx.a.example;\n\tdkim=none;\n"
		"\tdmarc=pass header.from=a.example"),
	    ROW("pass") A_POLICY "192.0.2.7/32 x1 pass spf\n"
	    "from a.example, by a.example to here.test\nspf a.example pass\n" },
	{ "direct, by IPv6 and to two domains", "2001:db8::7", "x@a.example", HEAD("x@a.example", ""), do_two_domains,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("pass") A_POLICY "2001:db8::7/128 x1 pass spf\nfrom a.example, by a.example to \nspf a.example pass\n" },
	{ "IPv4 within IPv6", "::ffff:192.0.2.7", "x@a.example", HEAD("x@a.example", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("pass") A_POLICY "192.0.2.7/32 x1 pass spf\nfrom a.example, by a.example to here.test\nspf a.example pass\n" },
	{ "spoof", "198.51.100.9", "z@b.test", HEAD("X <x@a.example>", ""), NULL,
	    MAIL_ACT_REJECT, 550, "5.7.26",
	    "Mail in the name of a.example is refused, as nothing proves that it comes from there, and its owner "
	    "asks for that (DMARC p=reject at _dmarc.a.example). SPF: none for b.test from 198.51.100.9. "
	    "DKIM: no signature.",
	    "", ROW("fail") A_POLICY "198.51.100.9/32 x1 reject\n"
	    "from a.example, by b.test to here.test\n" SPF_OTHER },
	{ "spoof, and where to look", "198.51.100.9", "z@b.test", HEAD("X <x@a.example>", ""), do_help,
	    MAIL_ACT_REJECT, 550, "5.7.26", " DKIM: no signature. See https://help.here.test/100?", "", NULL },
	{ "spoof, and rejecting is quarantine", "198.51.100.9", "z@b.test", HEAD("x@a.example", ""), do_quarantine_only,
	    MAIL_ACT_QUARANTINE, 0, "", "a.example is held, as", NULL,
	    ROW("fail") A_POLICY "198.51.100.9/32 x1 quarantine\nwhy local_policy our own policy for DMARC's failures\n"
	    "from a.example, by b.test to here.test\n" SPF_OTHER },
	{ "spoof, observed", "198.51.100.9", "z@b.test", HEAD("x@a.example", ""), do_observe,
	    MAIL_ACT_ACCEPT, 0, "", "",
	    RESULTS("\tspf=none smtp.mailfrom=z@b.test;\n\tspf=fail smtp.helo=mx.a.example;\n\tdkim=none;\n"
		"\tdmarc=fail header.from=a.example policy.dmarc=reject"),
	    ROW("fail") A_POLICY "198.51.100.9/32 x1 none\nwhy local_policy our own policy for DMARC's failures\n"
	    "from a.example, by b.test to here.test\n" SPF_OTHER },
	{ "spoof by a known forwarder", "198.51.100.9", "z@b.test", HEAD("x@a.example", ""), do_path,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("fail") A_POLICY "198.51.100.9/32 x1 none\nwhy trusted_forwarder alumni.test\n"
	    "from a.example, by b.test to here.test\n" SPF_OTHER },
	{ "it looks like a list", "198.51.100.9", "z@b.test",
	    HEAD("x@a.example", "List-Id: L <l.b.test>\n"), NULL,
	    MAIL_ACT_QUARANTINE, 0, "", "a.example is held, as", NULL,
	    ROW("fail") A_POLICY "198.51.100.9/32 x1 quarantine\nwhy mailing_list it has a List-Id\n"
	    "from a.example, by b.test to here.test\n" SPF_OTHER },
	{ "quarantine", "198.51.100.9", "z@b.test", HEAD("x@q.example", ""), NULL,
	    MAIL_ACT_QUARANTINE, 0, "", "(DMARC p=quarantine at _dmarc.q.example)",
	    RESULTS("\tspf=none smtp.mailfrom=z@b.test;\n\tspf=fail smtp.helo=mx.a.example;\n\tdkim=none;\n"
		"\tdmarc=fail header.from=q.example policy.dmarc=quarantine"),
	    ROW("fail") "policy q.example treewalk p=quarantine sp=quarantine np=quarantine fo=1 aspf=s pct=50\n"
	    "198.51.100.9/32 x1 quarantine\nfrom q.example, by b.test to here.test\n" SPF_OTHER },
	{ "quarantine as a mark", "198.51.100.9", "z@b.test", HEAD("x@q.example", "x-quarantine: no\n"
		"Authentication-Results: b.test; none\nX-QUARANTINE: no\n"), do_mark,
	    MAIL_ACT_ACCEPT, 0, "", "",
	    "-X-QUARANTINE 2\n-x-quarantine 1\n"
	    RESULTS("\tspf=none smtp.mailfrom=z@b.test;\n\tspf=fail smtp.helo=mx.a.example;\n\tdkim=none;\n"
		"\tdmarc=fail header.from=q.example policy.dmarc=quarantine")
	    "+X-Quarantine: Mail in the name of q.example is held, as nothing proves that it comes from there, and "
	    "its owner asks for that (DMARC p=quarantine at _dmarc.q.example). SPF: none for b.test from "
	    "198.51.100.9. DKIM: no signature.\n", NULL },
	{ "t=y, one level lower", "198.51.100.9", "z@b.test", HEAD("x@t.example", ""), NULL,
	    MAIL_ACT_QUARANTINE, 0, "", "t.example is held", NULL,
	    ROW("fail") "policy t.example treewalk p=reject sp=reject np=reject fo=1 t=y pct=100\n"
	    "198.51.100.9/32 x1 quarantine\nwhy policy_test_mode \n"
	    "from t.example, by b.test to here.test\n" SPF_OTHER },
	{ "t=y, observed: both reasons", "198.51.100.9", "z@b.test", HEAD("x@t.example", ""), do_observe,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("fail") "policy t.example treewalk p=reject sp=reject np=reject fo=1 t=y pct=100\n"
	    "198.51.100.9/32 x1 none\nwhy policy_test_mode \nwhy local_policy our own policy for DMARC's failures\n"
	    "from t.example, by b.test to here.test\n" SPF_OTHER },
	{ "t=y, and nothing is left", "198.51.100.9", "z@b.test", HEAD("x@tq.example", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("fail") "policy tq.example treewalk p=quarantine sp=quarantine np=quarantine fo=1 t=y pct=100\n"
	    "198.51.100.9/32 x1 none\nwhy policy_test_mode \n"
	    "from tq.example, by b.test to here.test\n" SPF_OTHER },
	{ "p=none", "198.51.100.9", "z@b.test", HEAD("x@n.example", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("fail") "policy n.example treewalk p=none sp=none np=none fo=1 pct=100\nrua mailto:n@n.example\n"
	    "198.51.100.9/32 x1 none\nfrom n.example, by b.test to here.test\n" SPF_OTHER },
	{ "a record with no policy in it", "198.51.100.9", "z@b.test", HEAD("x@bad.example", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("fail") "policy bad.example treewalk p=none sp=none np=none fo=1 pct=100\nrua mailto:b@bad.example\n"
	    "198.51.100.9/32 x1 none\nfrom bad.example, by b.test to here.test\n" SPF_OTHER },
	{ "an empty rua= before that which counts", "198.51.100.9", "z@b.test", HEAD("x@re.example", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("fail") "policy re.example treewalk p=none sp=none np=none fo=1 pct=100\nrua mailto:r@re.example\n"
	    "198.51.100.9/32 x1 none\nfrom re.example, by b.test to here.test\n" SPF_OTHER },
	{ "a signature of nobody", "198.51.100.9", "z@b.test",
	    HEAD("x@n.example", "DKIM-Signature: v=1; a=rsa-sha256; s=S0; h=From; bh=AA; b=AA\n"
		"DKIM-Signature: v=1; a=rsa-sha256; d=B.test; s=S1; h=To; bh=AA; b=AA\n"), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("fail") "policy n.example treewalk p=none sp=none np=none fo=1 pct=100\nrua mailto:n@n.example\n"
	    "198.51.100.9/32 x1 none\nfrom n.example, by b.test to here.test\n" SPF_OTHER
	    "dkim b.test S1 neutral DKIM_SIG_VALUE\n" },
	{ "no record", "198.51.100.9", "z@b.test", HEAD("x@u.example", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("none") "198.51.100.9/32 x1 none\nfrom u.example, by b.test to here.test\n" SPF_OTHER },
	{ "no record, SPF fails and may", "198.51.100.9", "z@u.example", HEAD("x@u.example", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL, NULL },
	{ "no record, SPF fails and may not", "198.51.100.9", "z@u.example", HEAD("x@u.example", ""), do_spf,
	    MAIL_ACT_REJECT, 550, "5.7.23",
	    "Mail from 198.51.100.9 is refused: the SPF record of u.example does not let that address send for it.", "",
	    ROW("none") "198.51.100.9/32 x1 reject\nwhy local_policy SPF failed, and there is no DMARC record\n"
	    "from u.example, by u.example to here.test\nspf u.example fail\n" },
	{ "a record, and SPF fails: DMARC decides", "198.51.100.9", "z@u.example", HEAD("x@n.example", ""), do_spf,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL, NULL },
	{ "the null sender", "192.0.2.7", "", HEAD("x@a.example", ""), do_helo,
	    MAIL_ACT_ACCEPT, 0, "", "",
	    RESULTS("\tspf=pass smtp.helo=a.example;\n\tdkim=none;\n\tdmarc=pass header.from=a.example"),
	    ROW("pass") A_POLICY "192.0.2.7/32 x1 pass spf\nfrom a.example, by  to here.test\nspf a.example pass helo\n" },
	{ "the null sender without HELO", "192.0.2.7", "", HEAD("x@a.example", ""), do_no_helo,
	    MAIL_ACT_REJECT, 550, "5.7.26", "SPF: not checked. DKIM", "",
	    ROW("fail") A_POLICY "192.0.2.7/32 x1 reject\nfrom a.example, by  to here.test\n" },
	{ "a sender that is no address", "192.0.2.7", "nobody", HEAD("x@a.example", ""), NULL,
	    MAIL_ACT_REJECT, 550, "5.7.26", "", "",
	    ROW("fail") A_POLICY "192.0.2.7/32 x1 reject\nfrom a.example, unknown to here.test\n" },
	/* --- who is in doubt --- */
	{ "two From", "192.0.2.7", "x@a.example", HEAD("x@a.example", "From: z@b.test\n"), NULL,
	    MAIL_ACT_REJECT, 550, "5.6.0",
	    "This message is refused, as programs read its header in different ways (MAIL_FROM_TWICE): "
	    "The message has 2 From fields.", "", "" },
	{ "two From, observed", "192.0.2.7", "x@a.example", HEAD("x@a.example", "From: z@b.test\n"), do_observe,
	    MAIL_ACT_ACCEPT, 0, "", "",
	    RESULTS("\tspf=pass smtp.mailfrom=x@a.example;\n\tspf=pass smtp.helo=mx.a.example;\n\tdkim=none;\n"
		"\tdmarc=permerror"), "" },
	{ "an author in Latin-1, whose words end no line", "192.0.2.7", "x@a.example",
	    HEAD("J\xfcrgen\x1b[1m <x@a.example>", ""), NULL,
	    MAIL_ACT_REJECT, 550, "5.6.0", "(MAIL_ADDRESS_UTF8): ", "", "" },
	{ "a subject in Latin-1", "192.0.2.7", "x@a.example", HEAD("x@a.example", "Subject: J\xfcrgen\n"), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL, NULL },
	{ "a doubt beside a clear author", "192.0.2.7", "x@a.example", HEAD("x@a.example", "Subject : x\n"), NULL,
	    MAIL_ACT_REJECT, 550, "5.6.0", "(MAIL_FIELD_BLANK)", "",
	    ROW("pass") A_POLICY "192.0.2.7/32 x1 reject spf\nwhy local_policy MAIL_FIELD_BLANK\n"
	    "from a.example, by a.example to here.test\nspf a.example pass\n" },
	/* --- addresses in UTF-8 --- */
	{ "an internationalised message", "192.0.2.7", "\xc3\xbc@b\xc3\xbc" "cher.example",
	    HEAD("\xc3\xbc <\xc3\xbc@b\xc3\xbc" "cher.example>", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "",
	    RESULTS("\tspf=pass smtp.mailfrom=\xc3\xbc@b\xc3\xbc" "cher.example;\n\tspf=pass smtp.helo=mx.a.example;\n\tdkim=none;\n"
		"\tdmarc=pass header.from=xn--bcher-kva.example"),
	    ROW("pass") "policy xn--bcher-kva.example treewalk p=reject sp=reject np=reject fo=1 pct=100\n"
	    "192.0.2.7/32 x1 pass spf\nfrom xn--bcher-kva.example, by xn--bcher-kva.example to here.test\n"
	    "spf xn--bcher-kva.example pass\n" },
	/* --- the DNS --- */
	{ "no answer for the policy, open", "198.51.100.9", "z@b.test", HEAD("x@f.example", ""), NULL,
	    MAIL_ACT_ACCEPT, 0, "", "",
	    RESULTS("\tspf=none smtp.mailfrom=z@b.test;\n\tspf=fail smtp.helo=mx.a.example;\n\tdkim=none;\n"
		"\tdmarc=temperror header.from=f.example"),
	    ROW("temperror") "198.51.100.9/32 x1 none\nfrom f.example, by b.test to here.test\n" SPF_OTHER },
	{ "no answer for the policy, closed", "198.51.100.9", "z@b.test", HEAD("x@f.example", ""), do_closed,
	    MAIL_ACT_TEMPFAIL, 451, "4.4.3", "The DNS did not answer for f.example, so it cannot be checked now.",
	    "", "" },
	{ "no answer for SPF of the author's", "198.51.100.9", "z@fs.example", HEAD("x@fs.example", ""), NULL,
	    MAIL_ACT_TEMPFAIL, 451, "4.4.3", "The DNS did not answer for fs.example", "", "" },
	{ "no answer for SPF of the author's, open", "198.51.100.9", "z@fs.example", HEAD("x@fs.example", ""), do_open,
	    MAIL_ACT_ACCEPT, 0, "", "", NULL,
	    ROW("temperror") "policy fs.example treewalk p=reject sp=reject np=reject fo=1 pct=100\n"
	    "198.51.100.9/32 x1 none\nwhy other the DNS did not answer for all that was asked\n"
	    "from fs.example, by fs.example to here.test\nspf fs.example temperror\n" },
	{ "no answer for SPF of the author's, closed", "198.51.100.9", "z@fs.example", HEAD("x@fs.example", ""),
	    do_closed, MAIL_ACT_TEMPFAIL, 451, "4.4.3", "", "", "" },
	{ "no answer for SPF of somebody else", "198.51.100.9", "z@fs.example", HEAD("x@a.example", ""), do_closed,
	    MAIL_ACT_REJECT, 550, "5.7.26", "SPF: temperror for fs.example", "", NULL },
	{ "no way to ask, open", "192.0.2.7", "x@a.example",
	    HEAD("x@a.example", "Authentication-Results: mx.here.test; dmarc=pass\n"), do_broken,
	    MAIL_ACT_ACCEPT, 0, "", "", "-Authentication-Results 1\n", "" },
	{ "no way to ask, closed", "192.0.2.7", "x@a.example", HEAD("x@a.example", ""), do_broken_closed,
	    MAIL_ACT_TEMPFAIL, 451, "4.3.0", "This message could not be checked here now", "", "" },
};

static void
play_check(struct gate_kit *k, const struct play *p)
{
	if (k->out.act != p->act || k->out.reply != p->reply)
		print_message("# %s: %s, %u %.*s\n", p->name, mail_act_name(k->out.act), k->out.reply,
		    SV_ARG(k->out.text));
	assert_int_equal(k->out.act, p->act);
	assert_int_equal(k->out.reply, p->reply);
	assert_true(sv_eq_str(k->out.enhanced, p->enhanced));
	text_has(k->out.text, p->text);
	assert_in_range(k->out.text.n, 0, MAIL_POLICY_TEXT_MAX);
	for (size_t i = 0; i < k->out.text.n; i++)
		assert_in_range(k->out.text.p[i], ' ', '~');
	assert_int_equal(sv_find(k->out.text, '%'), k->out.text.n);
	if (p->edits != NULL)
		text_is(edits_text(k), p->edits);
	if (p->row != NULL)
		text_is(row_text(k), p->row);
	assert_int_equal(k->out.who, MAIL_WHO_OTHERS);
	assert_int_equal(k->out.n_signed, 0);
	assert_false(k->out.is_sealed);
}

static void
test_plays(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plays); i++) {
		const struct play *p = &plays[i];
		struct gate_kit k;

		gate_kit_init(&k);
		world_fill(&k);
		k.conf.policy = enforce;
		k.mail.recipients = to_one;
		k.mail.n_recipients = 2;
		gate_kit_from(&k, p->client, p->sender);
		if (p->change != NULL)
			p->change(&k);
		gate_kit_play(&k, p->message);
		play_check(&k, p);
		gate_kit_done(&k);
	}
}

/* --- forged results --- */

#define FORGED									\
	"Authentication-Results: elsewhere.test; spf=pass smtp.mailfrom=a@b.test\n"	\
	"authentication-RESULTS: mx.here.test; dmarc=pass header.from=a.example\n"	\
	"Received: from x\n"							\
	"Authentication-Results: in.here.test; dkim=pass header.d=a.example\n"	\
	"Authentication-Results: (a comment) MX.here.test. 1; none\n"		\
	"Authentication-Results: third.test;\n\tnone\n"			\
	"Authentication-Results: \"mx.here\n .test; dmarc=pass\n"
#define CLEANED	"-Authentication-Results 6\n-Authentication-Results 4\n-authentication-RESULTS 2\n"

static void
test_forged(void **state)
{
	static const struct sv aliases[] = { SV(".here.test") };
	struct gate_kit k;

	(void)state;
	gate_kit_init(&k);
	world_fill(&k);
	gate_kit_from(&k, "192.0.2.7", "x@a.example");
	gate_kit_play(&k, HEAD("x@a.example", FORGED));
	text_is(edits_text(&k), CLEANED
	    RESULTS("\tspf=pass smtp.mailfrom=x@a.example;\n\tspf=pass smtp.helo=mx.a.example;\n\tdkim=none;\n"
		"\tdmarc=pass header.from=a.example"));
	k.conf.aliases = aliases;
	k.conf.n_aliases = 1;
	gate_kit_play(&k, HEAD("x@a.example", FORGED));
	assert_true(sv_starts(sv_str(edits_text(&k)), SV("-Authentication-Results 6\n-Authentication-Results 4\n"
	    "-Authentication-Results 3\n-authentication-RESULTS 2\n+")));
	gate_kit_done(&k);
}

/* --- not others' --- */

static void
prefix_of(const char *text, struct ip_prefix *ret)
{
	assert_int_equal(ip_prefix_parse(sv_str(text), ret), 0);
}

static void
test_who(void **state)
{
	static const struct {
		const char	*client, *login;
		enum mail_who	 who;
	} cases[] = {
		{ "", "", MAIL_WHO_OWN },
		{ "198.51.100.9", "x", MAIL_WHO_OWN },
		{ "10.1.2.3", "", MAIL_WHO_OWN },
		{ "::ffff:10.1.2.3", "", MAIL_WHO_OWN },
		{ "10.9.0.1", "", MAIL_WHO_RELAY },
		{ "11.1.2.3", "", MAIL_WHO_OTHERS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_prefix own, relay;
		struct gate_kit k;

		gate_kit_init(&k);
		world_fill(&k);
		prefix_of("10.0.0.0/8", &own);
		prefix_of("10.9.0.0/16", &relay);
		k.conf.policy.own = &own;
		k.conf.policy.relays = &relay;
		k.conf.policy.n_own = k.conf.policy.n_relays = 1;
		gate_kit_from(&k, cases[i].client, "x@a.example");
		k.mail.login = sv_str(cases[i].login);
		gate_kit_play(&k, HEAD("x@a.example", FORGED));
		assert_int_equal(k.out.who, cases[i].who);
		assert_int_equal(k.out.has_row, cases[i].who == MAIL_WHO_OTHERS);
		if (cases[i].who != MAIL_WHO_OTHERS) {
			assert_int_equal(k.out.act, MAIL_ACT_ACCEPT);
			text_is(edits_text(&k), cases[i].who == MAIL_WHO_OWN ? CLEANED : "");
			assert_int_equal(dns_fake_learned(k.dns), 0);
		}
		gate_kit_done(&k);
	}
}

static void
test_without(void **state)
{
	struct mail_gate_conf conf = { .policy = MAIL_POLICY_ENFORCE };
	struct mail_gate_out out;

	(void)state;
	mail_gate_without(&conf, &out);
	assert_int_equal(out.act, MAIL_ACT_ACCEPT);
	assert_int_equal(out.reply, 0);
	conf.policy.on_failure = MAIL_ACT_TEMPFAIL;
	mail_gate_without(&conf, &out);
	assert_int_equal(out.act, MAIL_ACT_TEMPFAIL);
	assert_int_equal(out.reply, 451);
	assert_true(sv_eq_str(out.enhanced, "4.3.0"));
	assert_false(out.has_row);
}

/* A DNS that never has enough. */
static const struct mail_answer *
find_never(void *arg, const struct mail_question *q)
{
	(void)arg, (void)q;
	return NULL;
}

static int
fill_count(void *arg, struct mail_ask *ask)
{
	unsigned *n = arg;

	assert_true(ask->n_missing > 0);
	++*n;
	return 0;
}

static void
test_rounds(void **state)
{
	struct gate_kit k;
	unsigned n = 0;

	(void)state;
	gate_kit_init(&k);
	gate_kit_from(&k, "192.0.2.7", "x@a.example");
	k.world.ask.find = find_never;
	k.world.fill = fill_count;
	k.world.fill_arg = &n;
	gate_kit_play(&k, HEAD("x@a.example", ""));
	assert_int_equal(n, 200);
	assert_int_equal(k.out.failure, SE_TIMEOUT);
	assert_int_equal(k.out.act, MAIL_ACT_ACCEPT);
	assert_false(k.out.has_row);
	gate_kit_done(&k);
}

/* --- more than there is room for --- */

/* Forged results behind all that a head takes go, too; and what is too much is not just let in. */
static void
test_too_much(void **state)
{
	struct gate_kit k;

	(void)state;
	gate_kit_init(&k);
	gate_kit_from(&k, "192.0.2.7", "x@a.example");
	k.conf.policy.on_doubt = MAIL_ACT_ACCEPT;
	assert_int_equal(mail_gate_new(&k.conf, &k.mail, &k.gate), 0);
	mail_gate_field(k.gate, SV("From"), SV(" x@a.example"));
	for (unsigned i = 0; i < MAIL_FIELDS_MAX; i++)
		mail_gate_field(k.gate, SV("Received"), SV(" from x"));
	mail_gate_field(k.gate, SV("Authentication-Results"), SV(" b.test; none"));
	mail_gate_field(k.gate, SV("Authentication-Results"), SV(" mx.here.test; dmarc=pass"));
	mail_gate_head_end(k.gate);
	mail_gate_end(k.gate, &k.world, &k.out);
	assert_int_equal(k.out.act, MAIL_ACT_ACCEPT);
	assert_true(sv_starts(sv_str(edits_text(&k)), SV("-Authentication-Results 2\n+")));
	gate_kit_done(&k);
}

/* The pool of the changes is filled by a message: it is refused, also where failures are let in. */
static void
test_too_many_forged(void **state)
{
	struct gate_kit k;

	(void)state;
	gate_kit_init(&k);
	gate_kit_from(&k, "192.0.2.7", "x@a.example");
	assert_int_equal(mail_gate_new(&k.conf, &k.mail, &k.gate), 0);
	for (unsigned i = 0; i < 60000; i++)
		mail_gate_field(k.gate, SV("Authentication-Results"), SV(" mx.here.test; dmarc=pass"));
	mail_gate_head_end(k.gate);
	mail_gate_end(k.gate, &k.world, &k.out);
	assert_int_equal(k.out.failure, -ENOMEM);
	assert_int_equal(k.out.act, MAIL_ACT_REJECT);
	assert_true(sv_eq_str(k.out.enhanced, "5.6.0"));
	gate_kit_done(&k);
}

TESTS_MAIN("mail_gate", T(test_plays), T(test_forged), T(test_who), T(test_without), T(test_rounds),
    T(test_too_much), T(test_too_many_forged))
