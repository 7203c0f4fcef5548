/* What a mail says of alarms: each on its lines, as many as fit, in the operator's language. */
#include "../tap.h"

#include "app/alarm.h"
#include "app/alarm_mail.h"
#include "app/mail.h"

#define NOW	1795400000	/* 2026-11-23T02:13:20Z */

static void
has(const struct buf *b, const char *part, bool wanted)
{
	bool is_there = memmem(b->p, b->len, part, strlen(part)) != NULL;

	if (is_there != wanted)
		print_message("# \"%s\" %s \"%.*s\"\n", part, wanted ? "is not in" : "is in", (int)b->len, b->p);
	assert_true(is_there == wanted);
}

/* A finding of role seal's, as the store makes it; then its paragraph. */
static void
paragraph(struct buf *b, enum alarm_event e, const char *lines, enum lang lang)
{
	struct pool *pool = pool_new(1 << 16);
	struct findings fs;

	assert_non_null(pool);
	findings_init(&fs, pool);
	alarm_mail_keys(sv_str(lines), &fs);
	assert_non_null(fs.head);
	alarm_mail_text(b, e, "ALARM_MAIL_KEY s._domainkey.example.jp", fs.head, NOW, lang);
	assert_int_equal(b->rc, 0);
	(void)pool_free(pool);
}

static void
texts(void **state UNUSED)
{
	static const char line[] = "s._domainkey.example.jp\t1795399000\tns1.example.jp\tno such record\n";
	static const struct {
		enum lang	 lang;
		const char	*parts[5];
	} rows[] = {
		{ LANG_EN, { "2026-11-23T02:13:20Z  ALARM_MAIL_KEY  begins\ns._domainkey.example.jp\n  ",
		    "since 2026-11-23T01:56:40Z", "ns1.example.jp has no such record", "\n  To do: ", "\n  By hand: dig TXT " } },
		{ LANG_JA, { "2026-11-23T02:13:20Z  ALARM_MAIL_KEY  開始\ns._domainkey.example.jp\n  ",
		    "2026-11-23T01:56:40Zから", "ns1.example.jpの応答: 該当レコードなし", "\n  対処：", "dig TXT " } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;

		paragraph(&b, ALARM_BEGIN, line, rows[i].lang);
		for (size_t k = 0; k < ARRAY_LEN(rows[i].parts); k++)
			has(&b, rows[i].parts[k], true);
		buf_done(&b);
	}
}

/* Words that are not ours are shown, and end no line. */
static void
strangers(void **state UNUSED)
{
	struct buf b = BUF_INIT;

	paragraph(&b, ALARM_STILL, "s._domainkey.example.jp\t1\tns\rx\tsome word\n", LANG_JA);
	has(&b, "継続中", true);
	has(&b, "some word", true);
	has(&b, "\r", false);
	buf_done(&b);
	alarm_mail_text(&b, ALARM_NOTE, "ALARM_X a\nSubject: b\r\n", NULL, NOW, LANG_EN);
	has(&b, "ALARM_X  happened\na?Subject: b??\n", true);
	buf_done(&b);
}

/* An end has no finding: what is over is said, and no more. */
static void
ends(void **state UNUSED)
{
	struct buf b = BUF_INIT;

	alarm_mail_text(&b, ALARM_END, "ALARM_MAIL_KEY s._domainkey.example.jp", NULL, NOW, LANG_EN);
	has(&b, "2026-11-23T02:13:20Z  ALARM_MAIL_KEY  is over\ns._domainkey.example.jp\n", true);
	has(&b, "To do", false);
	buf_done(&b);
}

static void
subjects(void **state UNUSED)
{
	static const struct {
		const char	*org, *keys[4], *subject;
		enum lang	 lang;
	} rows[] = {
		{ "", { "ALARM_MAIL_KEY s." }, "[Sekisho] ALARM_MAIL_KEY s.", LANG_EN },
		{ "関所ネット", { "ALARM_MAIL_KEY s." }, "[Sekisho 関所ネット] ALARM_MAIL_KEY s.", LANG_JA },
		{ "", { "ALARM_MAIL_KEY s.", "ALARM_LOST x", "ALARM_MAIL_KEY t." }, "[Sekisho] 3 alarms: ALARM_MAIL_KEY, ALARM_LOST", LANG_EN },
		{ "", { "ALARM_CA s.", "ALARM_LOST x" }, "[Sekisho] 警報2件：ALARM_CA, ALARM_LOST", LANG_JA },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf subject = BUF_INIT;
		struct alarm_mail m;

		alarm_mail_init(&m, sv_str(rows[i].org), rows[i].lang);
		for (size_t k = 0; k < ARRAY_LEN(rows[i].keys) && rows[i].keys[k] != NULL; k++)
			assert_true(alarm_mail_add(&m, sv_str(rows[i].keys[k]), SV("text\n")));
		assert_int_equal(alarm_mail_end(&m, &subject), 0);
		if (!sv_eq_str(buf_get(&subject), rows[i].subject))
			print_message("# %.*s\n", SV_ARG(buf_get(&subject)));
		assert_true(sv_eq_str(buf_get(&subject), rows[i].subject));
		alarm_mail_done(&m);
		buf_done(&subject);
	}
}

/* What does not fit waits for the next one; a single one that is too long is cut, not kept for ever. */
static void
room(void **state UNUSED)
{
	static char large[2 * MAIL_BODY_MAX];
	struct buf subject = BUF_INIT;
	struct alarm_mail m;
	size_t n = 0;

	memset(large, 'x', sizeof(large));
	alarm_mail_init(&m, SV(""), LANG_JA);
	while (alarm_mail_add(&m, SV("ALARM_MAIL_KEY s."), sv_take((struct sv){ large, sizeof(large) }, 1000)))
		n++;
	assert_int_equal(n, m.n);
	assert_in_range(n, 5, MAIL_BODY_MAX / 1000);
	m.n_more = 7;
	assert_int_equal(alarm_mail_end(&m, &subject), 0);
	assert_in_range(m.body.len, 5000, MAIL_BODY_MAX);
	has(&m.body, "7", true);
	has(&m.body, "sekisho mail key check", true);
	alarm_mail_done(&m);
	buf_done(&subject);

	alarm_mail_init(&m, SV(""), LANG_EN);
	assert_true(alarm_mail_add(&m, SV("ALARM_MAIL_KEY s."), (struct sv){ large, sizeof(large) }));
	assert_false(alarm_mail_add(&m, SV("ALARM_MAIL_KEY t."), SV("x")));
	assert_int_equal(alarm_mail_end(&m, &subject), 0);
	assert_in_range(m.body.len, 5000, MAIL_BODY_MAX);
	alarm_mail_done(&m);
	buf_done(&subject);
}

TESTS_MAIN("app-alarm-mail", T(texts), T(strangers), T(ends), T(subjects), T(room))
