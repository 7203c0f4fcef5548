/* dns.pkcs11 of the configuration. */
#include <stdio.h>
#include <string.h>

#include "../tap.h"
#include "app/token_conf.h"
#include "base/err.h"

static struct conf *
parsed(const char *text, struct conf_error *err)
{
	struct conf *c = NULL;

	(void)!app_conf_parse(sv_str(text), "t", &c, err);
	return c;
}

static void
good(void **state UNUSED)
{
	struct conf_error err;
	struct token_conf t;
	struct conf *c = parsed("dns:\n  pkcs11:\n    module: /usr/lib/m.so\n    token: pkcs11:token=zones\n"
	    "    pin-file: /etc/pin\n    sessions: 7\n    timeout: 3\n    connect: local\n"
	    "    read-paths: [/etc/a, /etc/b]\n    write-paths: /var/t\n    environment: [A_1=b, C=d=e]\n"
	    "  policies:\n    - {name: p, key-store: token}\n", &err);

	assert_non_null(c);
	token_conf_read(c, &t);
	assert_true(sv_eq_str(t.module, "/usr/lib/m.so"));
	assert_true(sv_eq_str(t.token, "pkcs11:token=zones"));
	assert_true(sv_eq_str(t.pin_file, "/etc/pin"));
	assert_int_equal(t.sessions, 7);
	assert_int_equal(t.timeout_sec, 3);
	assert_int_equal(t.connect, TOKEN_CONNECT_LOCAL);
	assert_true(sv_eq_str(buf_get(&t.read), "/etc/a\n/etc/b"));
	assert_true(sv_eq_str(buf_get(&t.write), "/var/t"));
	assert_true(sv_eq_str(buf_get(&t.environment), "A_1=b\nC=d=e"));
	token_conf_done(&t);
	conf_free(c);
}

static void
none(void **state UNUSED)
{
	struct conf_error err;
	struct token_conf t;
	struct conf *c = parsed("dns:\n  policies:\n    - {name: p, key-store: file}\n", &err);

	assert_non_null(c);
	token_conf_read(c, &t);
	assert_int_equal(t.module.n, 0);
	token_conf_done(&t);
	conf_free(c);
}

static void
refused(void **state UNUSED)
{
	static const struct {
		const char	*text;
		enum conf_errc	 code;
	} cases[] = {
		{ "dns:\n  policies:\n    - {name: p, key-store: token}\n", CONF_E_RULE },
		{ "dns:\n  pkcs11:\n    token: zones\n", CONF_E_RULE },
		{ "dns:\n  pkcs11:\n    module: /m\n    environment: [a=b]\n", CONF_E_RULE },
		{ "dns:\n  pkcs11:\n    environment: [A]\n", CONF_E_RULE },
		{ "dns:\n  pkcs11:\n    environment: [A=]\n", CONF_E_RULE },
		{ "dns:\n  pkcs11:\n    environment: [LD_PRELOAD=/x]\n", CONF_E_RULE },
		{ "dns:\n  pkcs11:\n    environment: [\"A=b\\nC=d\"]\n", CONF_E_RULE },
		{ "dns:\n  pkcs11:\n    write-paths: [\"/a\\n/b\"]\n", CONF_E_RULE },
		{ "dns:\n  pkcs11:\n    sessions: 33\n", CONF_E_RANGE },
		{ "dns:\n  pkcs11:\n    timeout: 0\n", CONF_E_RANGE },
		{ "dns:\n  pkcs11:\n    connect: yes\n", CONF_E_TYPE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_error err = { 0 };

		assert_null(parsed(cases[i].text, &err));
		if (err.code != cases[i].code)
			print_error("%s: %d\n", cases[i].text, (int)err.code);
		assert_int_equal(err.code, cases[i].code);
	}
}

/* Lists are within the message to the role. */
static void
too_long(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct conf_error err = { 0 };

	buf_str(&b, "dns:\n  pkcs11:\n    read-paths:\n");
	for (int i = 0; i < 4; i++)
		buf_printf(&b, "      - /%0800d\n", i);
	buf_char(&b, '\0');
	assert_null(parsed(b.p, &err));
	assert_int_equal(err.code, CONF_E_RULE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(none),
		cmocka_unit_test(refused),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
