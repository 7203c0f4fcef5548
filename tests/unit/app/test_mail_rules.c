/* The configuration of mail: what is refused, and how it comes to the milter. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "app/conf.h"
#include "app/mail_conf.h"
#include "app/mail_rules.h"

/* --- configurations that are refused, or not --- */

static const struct {
	const char	*text;
	bool		 good;
} confs[] = {
	{ "mail:\n  milter:\n    listen: unix:/run/sekisho/milter\n", true },
	{ "mail:\n  milter:\n    listen: inet:10025@127.0.0.1\n", true },
	{ "mail:\n  milter:\n    listen: inet:10025@::1\n", true },
	{ "mail:\n  milter:\n    listen: inet:10025@192.0.2.1\n", false },	/* not this machine */
	{ "mail:\n  milter:\n    listen: inet:10025\n", false },
	{ "mail:\n  milter:\n    listen: inet:0@127.0.0.1\n", false },
	{ "mail:\n  milter:\n    listen: 127.0.0.1:10025\n", false },
	{ "mail:\n  milter:\n    listen: unix:run/milter\n", false },
	{ "mail:\n  milter:\n    mode: \"0777\"\n", false },
	{ "mail:\n  resolver: 127.0.0.1\n", true },
	{ "mail:\n  resolver: dns.example\n", false },
	{ "mail:\n  help: See https://example.net/mail\n", true },
	{ "mail:\n  help: 100%% sure\n", false },
	{ "mail:\n  authserv-aliases: [.example.jp, mx.example.jp]\n", true },
	{ "mail:\n  authserv-aliases: a..b\n", false },
	{ "mail:\n  authserv-id: mx.example.jp\n", true },
	{ "mail:\n  authserv-id: mx..jp\n", false },
	{ "mail:\n  on-reject: policy\n", true },
	{ "mail:\n  paths: [{client: 192.0.2.0/24, comment: a forwarder}]\n", true },
	{ "mail:\n  paths: [{list: lists.example, list-id: talk.lists.example}]\n", true },
	{ "mail:\n  paths: [{comment: nobody}]\n", false },
	{ "mail:\n  paths: [{client: 192.0.2.0/24, sealer: example.net}]\n", false },
	{ "mail:\n  paths: [{sealer: example.net, list-id: x}]\n", false },
	{ "mail:\n  arc-seal:\n    domain: example.net\n    selector: s\n", false },	/* no such key */
	{ "mail:\n  quarantine-field: X-Sekisho-Quarantine\n", true },
	{ "mail:\n  quarantine-field: Subject\n", false },
	{ "mail:\n  quarantine-field: X-\n", false },
	{ "mail:\n  quarantine-field: \"X-A: b\"\n", false },
	{ "mail:\n  quarantine-field: X-12345678901234567890123456789012345678901234567890123456789\n", false },
};

static int
conf_of(const char *text, struct conf **ret)
{
	struct conf_error e = { 0 };

	return app_conf_parse(sv_str(text), "test", ret, &e);
}

static void
test_confs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(confs); i++) {
		_cleanup_(conf_freep) struct conf *c = NULL;
		int rc = conf_of(confs[i].text, &c);

		if ((rc == 0) != confs[i].good)
			print_error("%s", confs[i].text);
		assert_int_equal(rc == 0, confs[i].good);
	}
}

static void
test_listen(void **state)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(conf_of(confs[2].text, &c), 0);
	mail_conf_listen(c, &b);
	assert_true(sv_eq(buf_get(&b), SV("inet6:10025@::1")));
}

/* --- there and back --- */

static const char all[] =
	"mail:\n  policy: enforce\n  on-reject: quarantine\n  on-failure: tempfail\n"
	"  own-networks: [192.0.2.0/24, 2001:db8::/32]\n  relays: 198.51.100.1/32\n"
	"  authserv-aliases: [old.example]\n  help: See https://example.net/mail\n"
	"  quarantine-field: X-Quarantine\n"
	"  paths:\n    - {client: 203.0.113.0/24, comment: a forwarder}\n"
	"    - {sealer: arc.example}\n    - {list: lists.example, list-id: talk.lists.example}\n";

static void
rules_of(const char *text, struct pool *pool, struct mail_rules *ret)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	assert_int_equal(conf_of(text, &c), 0);
	mail_conf_rules(c, &b);
	assert_int_equal(b.rc, 0);
	assert_int_equal(mail_rules_read(buf_get(&b), pool, ret), 0);
}

/* One word of the configuration is for both; without it they differ. */
static void
test_unanswered(void **state)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(65536);
	struct mail_rules r;

	(void)state;
	rules_of("mail:\n  policy: enforce\n", pool, &r);
	assert_int_equal(r.policy.on_temperror, MAIL_ACT_ACCEPT);
	assert_int_equal(r.policy.on_unproven, MAIL_ACT_TEMPFAIL);
	rules_of("mail:\n  policy: enforce\n  on-temperror: accept\n", pool, &r);
	assert_int_equal(r.policy.on_unproven, MAIL_ACT_ACCEPT);
	rules_of("mail:\n  policy: observe\n  on-temperror: tempfail\n", pool, &r);
	assert_int_equal(r.policy.on_temperror, MAIL_ACT_TEMPFAIL);
	assert_int_equal(r.policy.on_unproven, MAIL_ACT_TEMPFAIL);
	rules_of("mail:\n  policy: observe\n", pool, &r);
	assert_int_equal(r.policy.on_unproven, MAIL_ACT_ACCEPT);
}

static void
test_all(void **state)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(65536);
	struct mail_rules r;

	(void)state;
	rules_of(all, pool, &r);
	assert_int_equal(r.policy.on_reject, MAIL_ACT_QUARANTINE);
	assert_int_equal(r.policy.on_failure, MAIL_ACT_TEMPFAIL);
	assert_int_equal(r.policy.on_doubt, MAIL_POLICY_ENFORCE.on_doubt);
	assert_int_equal(r.policy.n_own, 2);
	assert_int_equal(r.policy.own[1].af, IP_V6);
	assert_int_equal(r.policy.n_relays, 1);
	assert_int_equal(r.n_aliases, 1);
	assert_true(sv_eq(r.aliases[0], SV("old.example")));
	assert_true(sv_eq(r.policy.help, SV("See https://example.net/mail")));
	assert_true(sv_eq(r.policy.mark, SV("X-Quarantine")));
	assert_int_equal(r.policy.n_paths, 3);
	assert_int_equal(r.policy.paths[0].kind, MAIL_PATH_CLIENT);
	assert_true(sv_eq(r.policy.paths[0].comment, SV("a forwarder")));
	assert_int_equal(r.policy.paths[1].kind, MAIL_PATH_SEALER);
	assert_int_equal(r.policy.paths[1].list_id.n + r.policy.paths[1].comment.n, 0);
	assert_int_equal(r.policy.paths[2].kind, MAIL_PATH_LIST);
	assert_true(sv_eq(r.policy.paths[2].list_id, SV("talk.lists.example")));
}

/* Nothing is configured: nothing is refused, and this machine's mail is our own. */
static void
test_default(void **state)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(65536);
	struct mail_rules r;

	(void)state;
	rules_of("", pool, &r);
	assert_int_equal(r.policy.on_reject, MAIL_ACT_ACCEPT);
	assert_int_equal(r.policy.on_failure, MAIL_ACT_ACCEPT);
	assert_int_equal(r.policy.n_own, 2);
	assert_int_equal(r.policy.n_paths, 0);
}

static const char *const bad[] = {
	"", "own 127.0.0.0/8\n", "policy\n", "policy maybe\n", "policy observe\nown x\n",
	"policy observe\non-reject maybe\n", "policy observe\nsealer a..b\t\n", "policy observe\nwhat is this\n",
	"policy observe\nclient 300.0.0.1\t\n",
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(pool_freep) struct pool *pool = pool_new(65536);
		struct mail_rules r = { .n_aliases = 7 };

		assert_int_equal(mail_rules_read(sv_str(bad[i]), pool, &r), -EBADMSG);
		assert_int_equal(r.n_aliases, 7);
	}
}

TESTS_MAIN("mail_rules",
    T(test_confs),
    T(test_unanswered),
    T(test_listen),
    T(test_all),
    T(test_default),
    T(test_bad))
