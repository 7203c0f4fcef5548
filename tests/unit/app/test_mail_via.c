/* Who delivers mail, as the configuration says it. */
#include <errno.h>

#include "../tap.h"
#include "app/mail_via.h"

static const struct {
	const char	*text, *where;	/* where NULL: it is refused */
	bool		 is_smtp;
} rows[] = {
	{ "smtp://127.0.0.1:25", "127.0.0.1:25", true },
	{ "smtp://127.0.0.1", "127.0.0.1:25", true },
	{ "smtp://mail.example.net:2525", "mail.example.net:2525", true },
	{ "smtp://[2001:db8::1]", "[2001:db8::1]:25", true },
	{ "smtp://[2001:db8::1]:26", "[2001:db8::1]:26", true },
	{ "sendmail:/usr/bin/msmtp", "/usr/bin/msmtp", false },
	{ "", NULL, false },
	{ "smtp:", NULL, false },
	{ "smtp://", NULL, false },
	{ "smtp://:25", NULL, false },
	{ "smtp://a:0", NULL, false },
	{ "smtp://a:65536", NULL, false },
	{ "smtp://a:", NULL, false },
	{ "smtp://a/b", NULL, false },
	{ "smtp://me:secret@a", NULL, false },
	{ "smtp://a?b", NULL, false },
	{ "smtp://2001:db8::1", NULL, false },
	{ "smtp://[192.0.2.1]", NULL, false },
	{ "smtps://a", NULL, false },
	{ "sendmail:msmtp", NULL, false },
	{ "sendmail:/a b", NULL, false },
	{ "/usr/bin/msmtp", NULL, false },
};

static void
test_parse(void **state UNUSED)
{
	char long_text[2 * MAIL_VIA_MAX];
	struct mail_via v;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		v = (struct mail_via){ .where = "untouched" };
		assert_int_equal(mail_via_parse(sv_str(rows[i].text), &v), rows[i].where != NULL ? 0 : -EINVAL);
		if (rows[i].where == NULL)
			continue;
		assert_string_equal(v.where, rows[i].where);
		assert_int_equal(v.is_smtp, rows[i].is_smtp);
	}
	for (size_t i = 0; i < sizeof(long_text); i++)
		long_text[i] = i < 10 ? "sendmail:/"[i] : 'x';
	assert_int_equal(mail_via_parse((struct sv){ long_text, sizeof(long_text) }, &v), -EINVAL);
}

TESTS_MAIN("mail_via", T(test_parse))
