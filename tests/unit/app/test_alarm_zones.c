/* What is told of zones and their keys, and when. */
#include <stdlib.h>

#include "../tap.h"
#include "app/alarm.h"
#include "app/alarm_mail.h"

#define NOW	1795000000
#define DAY	86400

struct fixture {
	struct pool		*pool;
	struct findings		 fs;
	struct told		 told;
	struct alarm_conf	 conf;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->pool = pool_new(1 << 20);
	f->conf.key_lead = 14 * DAY;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	told_done(&f->told);
	(void)pool_free(f->pool);
	free(f);
	return 0;
}

/* A zone of whom the roles tell these members; the codes that come of it. */
static void
judge(struct fixture *f, const char *zone, const char *key)
{
	struct buf z = BUF_INIT, k = BUF_INIT;

	pool_reset(f->pool);
	findings_init(&f->fs, f->pool);
	buf_printf(&z, "{\"list\":[{\"zone\":\"example.jp.\",%s}]}", zone);
	buf_printf(&k, "{\"zones\":[{\"zone\":\"example.jp.\",%s}]}", key);
	assert_int_equal(told_zones(&f->told, buf_get(&z)), 0);
	assert_int_equal(told_keys(&f->told, buf_get(&k)), 0);
	alarm_zones(&f->conf, &f->told, NOW, &f->fs);
	buf_done(&z);
	buf_done(&k);
}

/* This code and nothing else. */
static const struct finding *
only(const struct fixture *f, enum alarm_finding code)
{
	assert_non_null(f->fs.head);
	assert_string_equal(f->fs.head->def->code, alarm_findings[code].code);
	assert_null(f->fs.head->next);
	return f->fs.head;
}

#define GOOD	"\"served\":true,\"good\":true,\"refresh\":432000,\"horizon\":1796000000"
#define READY	"\"state\":\"ready\",\"ds_done\":true"

static void
quiet(void **state)
{
	struct fixture *f = *state;

	judge(f, GOOD, READY);
	assert_null(f->fs.head);
	/* Just after the start: nothing is wrong yet. */
	judge(f, "\"served\":false,\"good\":false", "\"state\":\"ready\",\"ds_done\":true");
	assert_null(f->fs.head);
	/* What is to be deleted can wait, and a roll that nobody is needed for is not told. */
	judge(f, GOOD, READY ",\"todo\":[{\"act\":\"delete\"}],\"keys\":[{\"role\":\"ZSK\",\"goal\":\"omnipresent\",\"retires\":1795000100,"
	    "\"dnskey\":[\"omnipresent\",1],\"zonesig\":[\"omnipresent\",1]}]");
	assert_null(f->fs.head);
}

static void
signatures(void **state)
{
	static const struct {
		const char	*horizon;
		int		 code;		/* -1: none */
	} rows[] = {
		{ "1795216001", -1 },			/* half of refresh, and a second */
		{ "1795216000", ALARM_ZONE_EXPIRES },
		{ "1795000001", ALARM_ZONE_EXPIRES },
		{ "1795000000", ALARM_ZONE_EXPIRED },
		{ "1794000000", ALARM_ZONE_EXPIRED },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;

		buf_printf(&b, "\"served\":true,\"good\":true,\"refresh\":432000,\"horizon\":%s", rows[i].horizon);
		buf_char(&b, '\0');
		judge(f, b.p, READY);
		if (rows[i].code < 0)
			assert_null(f->fs.head);
		else
			(void)only(f, (enum alarm_finding)rows[i].code);
		buf_done(&b);
	}
	/* Where it is not told when signatures are renewed: a day. */
	judge(f, "\"served\":true,\"good\":true,\"horizon\":1795086400", READY);
	(void)only(f, ALARM_ZONE_EXPIRES);
	judge(f, "\"served\":true,\"good\":true,\"horizon\":1795086401", READY);
	assert_null(f->fs.head);
}

static void
serving(void **state)
{
	struct fixture *f = *state;
	const struct finding *x;

	judge(f, "\"served\":true,\"good\":false,\"horizon\":1796000000,\"why\":\"the zone file has errors\",\"why_since\":1794000000", READY);
	x = only(f, ALARM_ZONE_REFUSED);
	assert_true(sv_eq(x->subject, SV("example.jp.")));
	assert_int_equal(x->args[0].type, FARG_MSG);
	assert_int_equal(x->args[1].u, 1794000000);
	judge(f, "\"served\":false,\"good\":false,\"why\":\"its zone file is not there: /x\"", READY);
	x = only(f, ALARM_ZONE_DOWN);
	assert_int_equal(x->args[0].type, FARG_STR);	/* with a name of a file in it */
	/* One cause, one alarm: the backup, not the zone that waits for it. */
	judge(f, "\"served\":false,\"good\":false,\"why\":\"no keys\"", "\"state\":\"waits\",\"ds_done\":true,\"todo\":[{\"act\":\"backup\"},{\"act\":\"backup\"}]");
	x = only(f, ALARM_KEY_BACKUP);
	assert_int_equal(x->args[0].u, 2);
	judge(f, "\"served\":false,\"good\":false,\"why\":\"no keys\"", "\"state\":\"cannot\",\"why\":\"see the log\",\"ds_done\":true");
	(void)only(f, ALARM_KEY_UNUSABLE);
}

static void
parents(void **state)
{
	struct fixture *f = *state;
	const struct finding *x;

	judge(f, GOOD, "\"state\":\"ready\",\"ds_since\":1794999000,\"todo\":[{\"act\":\"tell\",\"since\":1794999000,\"ds\":[\"a\",\"b\"]}]");
	x = only(f, ALARM_DS_HANDOVER);
	assert_int_equal(x->args[0].u, 1794999000);
	assert_true(sv_eq(x->args[1].s, SV("a; b")));
	/* All DS records are to go: there is nothing to list. */
	judge(f, GOOD, "\"state\":\"ready\",\"todo\":[{\"act\":\"tell\",\"ds\":[]}]");
	assert_true(sv_eq(only(f, ALARM_DS_HANDOVER)->args[1].s, SV("-")));
	judge(f, GOOD, "\"state\":\"ready\",\"ds_since\":1794740799");
	(void)only(f, ALARM_DS_LATE);
	judge(f, GOOD, "\"state\":\"ready\",\"ds_since\":1794740800");
	assert_null(f->fs.head);
	judge(f, GOOD, "\"state\":\"ready\",\"ds_done\":true,\"ds_since\":1");
	assert_null(f->fs.head);
	judge(f, GOOD, "\"state\":\"ready\",\"ds_since\":1,\"ds_alarm\":true");
	(void)only(f, ALARM_DS_CHANGED);
}

#define KEY(role, more)	READY ",\"keys\":[{\"role\":\"" role "\",\"name\":\"Kx\",\"goal\":\"omnipresent\",\"dnskey\":[\"omnipresent\",1]," \
	"\"keysig\":[\"omnipresent\",1],\"zonesig\":[\"omnipresent\",1],\"ds\":[\"omnipresent\",1]," more "}]"

static void
keys(void **state)
{
	struct fixture *f = *state;
	const struct finding *x;

	judge(f, GOOD, KEY("KSK", "\"retires\":1796209600"));
	x = only(f, ALARM_KEY_DUE);
	assert_true(sv_eq(x->subject, SV("example.jp. Kx")));
	assert_int_equal(x->def->severity, SEV_NOTE);
	judge(f, GOOD, KEY("KSK", "\"retires\":1796209601"));
	assert_null(f->fs.head);
	judge(f, GOOD, KEY("CSK", "\"retires\":1794999999"));
	assert_null(f->fs.head);
	judge(f, GOOD, KEY("CSK", "\"flags\":[\"lost\"]"));
	(void)only(f, ALARM_KEY_LOST);
	judge(f, GOOD, READY ",\"keys\":[{\"role\":\"CSK\",\"goal\":\"hidden\",\"flags\":[\"lost\"]}]");
	assert_null(f->fs.head);		/* it is out of use */
	judge(f, GOOD, READY ",\"held\":true,\"next_why\":\"until an operator releases it\"");
	assert_int_equal(only(f, ALARM_KEY_HELD)->args[0].type, FARG_MSG);
	/* The proof holds it: why is what is told. */
	judge(f, GOOD, READY ",\"held\":true,\"refused\":true,\"story\":\"at 12:00 …\"");
	assert_true(sv_starts(only(f, ALARM_KEY_REFUSED)->args[0].s, SV("at 12:00")));
	/* In each mail in its language, if key told it in both. */
	assert_true(sv_starts(only(f, ALARM_KEY_REFUSED)->args[1].s, SV("at 12:00")));
	judge(f, GOOD, READY ",\"refused\":true,\"story\":\"at 12:00 …\",\"story_ja\":\"12:00 に\"");
	assert_true(sv_starts(only(f, ALARM_KEY_REFUSED)->args[0].s, SV("at 12:00")));
	assert_true(sv_starts(only(f, ALARM_KEY_REFUSED)->args[1].s, SV("12:00 に")));
}

/* One token, many zones, one alarm. */
static void
token(void **state)
{
	struct fixture *f = *state;
	const struct finding *x;

	judge(f, GOOD, READY ",\"token\":\"no slot\"},{\"zone\":\"b.\",\"state\":\"ready\",\"ds_done\":true,\"token\":\"no slot\"");
	x = only(f, ALARM_KEY_TOKEN);
	assert_int_equal(x->args[0].u, 2);
	assert_true(sv_eq(x->subject, SV("token")) && sv_eq(x->args[1].s, SV("no slot")));
}

static void
silence(void **state)
{
	struct fixture *f = *state;

	findings_init(&f->fs, f->pool);
	alarm_silence("zone", NOW - ALARM_SILENCE_SEC, NOW, &f->fs);
	assert_null(f->fs.head);
	alarm_silence("zone", NOW - ALARM_SILENCE_SEC - 1, NOW, &f->fs);
	assert_true(sv_eq(only(f, ALARM_ZONE_SILENT)->subject, SV("zone")));
}

/* What role seal tells: a line a key; what is none is passed over. */
static void
mail_keys(void **state)
{
	struct fixture *f = *state;
	const struct finding *x;

	findings_init(&f->fs, f->pool);
	alarm_mail_keys(SV(""), &f->fs);
	alarm_mail_keys(SV("no line\na\tb\tc\td\n\t5\tc\td\n"), &f->fs);
	assert_null(f->fs.head);
	alarm_mail_keys(SV("s._domainkey.example.jp\t1795000000\tns1.example.jp.\tno such record\n"), &f->fs);
	x = only(f, ALARM_MAIL_KEY);
	assert_true(sv_eq(x->subject, SV("s._domainkey.example.jp")));
	assert_true(alarm_is_of_mail_keys(SV("ALARM_MAIL_KEY")));
	assert_false(alarm_is_of_mail_keys(SV("ALARM_KEY_LOST")));
}

static void
mail_reports(void **state)
{
	struct fixture *f = *state;
	const struct finding *x;
	struct buf text = BUF_INIT;

	findings_init(&f->fs, f->pool);
	alarm_mail_reports(SV("queue\nsomething\t5\nqueue\tx\n\t5\n"), &f->fs);
	assert_null(f->fs.head);
	alarm_mail_reports(SV("queue\t1795000000\n"), &f->fs);
	x = only(f, ALARM_MAIL_REPORTS);
	assert_true(sv_eq(x->subject, SV("queue")));
	finding_text(&text, x, LANG_EN);
	buf_char(&text, '\0');
	assert_non_null(strstr(text.p, "Since 2026-11-18T11:06:40Z"));
	assert_non_null(strstr(text.p, "a report has waited for more than a day to be sent"));
	buf_done(&text);
	assert_true(alarm_is_of_mail_reports(SV("ALARM_MAIL_REPORTS")));
	assert_false(alarm_is_of_mail_reports(SV("ALARM_MAIL_KEY")));
	assert_false(alarm_is_of_mail_keys(SV("ALARM_MAIL_REPORTS")));
}

/* Who has to act is told again; what is only worth knowing is not. */
static void
repeats(void **state UNUSED)
{
	assert_true(alarm_is_repeated(&alarm_findings[ALARM_DS_HANDOVER]));
	assert_true(alarm_is_repeated(&alarm_findings[ALARM_ZONE_EXPIRED]));
	assert_true(alarm_is_repeated(&alarm_findings[ALARM_MAIL_KEY]));
	assert_true(alarm_is_repeated(&alarm_findings[ALARM_MAIL_REPORTS]));
	assert_false(alarm_is_repeated(&alarm_findings[ALARM_KEY_DUE]));
	assert_false(alarm_is_repeated(&alarm_findings[ALARM_LOST]));
	for (int i = 0; i < ALARM_FINDING_MAX; i++)
		assert_true(alarm_is_of_zones(sv_str(alarm_findings[i].code)) == (i >= ALARM_ZONE_EXPIRES));
}

/* A mail names the commands that say more of what is in it, and no others. */
static void
mails(void **state UNUSED)
{
	static const struct {
		const char	*keys[2];
		bool		 routes, zones, mail;
	} rows[] = {
		{ { "ALARM_LOST VRP", "ALARM_CA x" }, true, false, false },
		{ { "ALARM_DS_HANDOVER z.", "ALARM_KEY_BACKUP z." }, false, true, false },
		{ { "ALARM_ZONE_DOWN z.", "ALARM_GUARD guard" }, true, true, false },
		{ { "ALARM_MAIL_KEY s.", "ALARM_MAIL_KEY t." }, false, false, true },
		{ { "ALARM_MAIL_REPORTS rows", "ALARM_MAIL_REPORTS queue" }, false, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct alarm_mail m;
		struct buf subject = BUF_INIT;

		alarm_mail_init(&m, SV(""), LANG_JA);
		for (int k = 0; k < 2; k++)
			assert_true(alarm_mail_add(&m, sv_str(rows[i].keys[k]), SV("x\n")));
		assert_int_equal(alarm_mail_end(&m, &subject), 0);
		assert_true((memmem(m.body.p, m.body.len, "sekisho rpki check", 18) != NULL) == rows[i].routes);
		assert_true((memmem(m.body.p, m.body.len, "sekisho zone status", 19) != NULL) == rows[i].zones);
		assert_true((memmem(m.body.p, m.body.len, "sekisho mail key", 16) != NULL) == rows[i].mail);
		assert_true((memmem(m.body.p, m.body.len, "sekisho status", 14) != NULL) ==
		    (strstr(rows[i].keys[0], "REPORTS") != NULL));
		alarm_mail_done(&m);
		buf_done(&subject);
	}
}

#define Z(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

TESTS_MAIN("app-alarm-zones", Z(quiet), Z(signatures), Z(serving), Z(parents), Z(keys), Z(token), Z(silence), Z(mail_keys), Z(mail_reports), Z(repeats), Z(mails))
