/* Zones and policies of the configuration: the columns, the rules, the way to the roles. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../tap.h"
#include "app/zone_conf.h"
#include "app/zone_list.h"
#include "base/err.h"

/* "dns.policies[].ksk-lifetime" is the policy's "ksk_lifetime": same place, bounds and words. */
static void
columns(void **state UNUSED)
{
	struct conf_error err;
	struct conf *c;
	const struct policy_row *rows;
	size_t n;

	rows = policy_rows(&n);
	assert_int_equal(app_conf_parse(SV(""), "t", &c, &err), 0);
	assert_int_equal(conf_columns(c->rows, c->n_rows, CONF_DNS_POLICIES), n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct conf_row *r = &c->rows[CONF_POL_NAME + 1 + i];
		char want[80];

		(void)snprintf(want, sizeof(want), "dns.policies[].%s", rows[i].name);
		for (char *p = want; *p != '\0'; p++)
			*p = *p == '_' ? '-' : *p;
		assert_string_equal(r->path, want);
		assert_string_equal(r->help, rows[i].help);
		if (rows[i].type == POLICY_U32 || rows[i].type == POLICY_SECONDS) {
			assert_int_equal(r->min, rows[i].min);
			assert_int_equal(r->max, rows[i].max);
			assert_int_equal(r->type, rows[i].type == POLICY_U32 ? CONF_U32 : CONF_SECONDS);
		} else
			assert_string_equal(r->words, rows[i].type == POLICY_BOOL ? "no yes" : rows[i].words);
	}
	conf_free(c);
}

#define GOOD								\
	"dns:\n"							\
	"  zones:\n"							\
	"    - {name: Example.JP, file: /z/a, output: /o/a, policy: p}\n"	\
	"    - {name: b.example, file: /z/b}\n"				\
	"  policies:\n"							\
	"    - {name: p, keys: split, zsk-lifetime: 30d, backup-required: no}\n"

static void
round_trip(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	struct zone_list l;
	struct conf_error err;
	struct dname name;
	struct conf *c;

	assert_int_equal(app_conf_parse(SV(GOOD), "t", &c, &err), 0);
	zone_conf_text(c, &b);
	assert_int_equal(zone_list_parse(buf_get(&b), SV("/state"), &l), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(dname_parse(SV("example.jp."), NULL, &name), 0);
	assert_ptr_equal(zone_list_find(&l, &name), &l.v[0]);
	assert_string_equal(l.v[0].file, "/z/a");
	assert_string_equal(l.v[0].output, "/o/a");
	assert_int_equal(l.v[0].policy.keys, POLICY_SPLIT);
	assert_int_equal(l.v[0].policy.zsk_lifetime, 30 * 86400);
	assert_int_equal(l.v[0].policy.backup_required, 0);
	assert_int_equal(l.v[0].policy.validity, policy_default().validity);
	assert_string_equal(l.v[1].output, "/state/zones/b.example.zone");
	assert_int_equal(l.v[1].policy.backup_required, 1);
	zone_list_done(&l);
	buf_done(&b);
	conf_free(c);
}

#define Z	"dns:\n  zones:\n    - "
#define P	"dns:\n  policies:\n    - "
static void
refused(void **state UNUSED)
{
	static const struct {
		const char	*text;
		enum conf_errc	 code;
	} bad[] = {
		{ Z "{file: /z/a}\n", CONF_E_MISSING },
		{ Z "{name: a.example}\n", CONF_E_MISSING },
		{ Z "{name: a.example, file: /z/a, policy: none}\n", CONF_E_RULE },
		{ Z "{name: a.example, file: /z/a, output: /z/a}\n", CONF_E_RULE },
		{ Z "{name: a.example, file: /z/a}\n    - {name: A.example, file: /z/b}\n", CONF_E_RULE },
		{ Z "{name: a.example, file: /z/a, output: /o}\n    - {name: b.example, file: /z/b, output: /o}\n", CONF_E_RULE },
		{ P "{keys: csk}\n", CONF_E_MISSING },
		{ P "{name: a}\n    - {name: a}\n", CONF_E_RULE },
		{ P "{name: a, algorithm: 5}\n", CONF_E_RULE },
		{ P "{name: a, validity: 2d}\n", CONF_E_RULE },
		{ P "{name: a, keys: both}\n", CONF_E_TYPE },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct conf_error err = { 0 };
		struct conf *c = NULL;
		int rc = app_conf_parse(sv_str(bad[i].text), "t", &c, &err);

		if (rc >= 0 || err.code != bad[i].code)
			fail_msg("%s: %d, %d", bad[i].text, rc, err.code);
	}
}

static void
bad_text(void **state UNUSED)
{
	static const char *const bad[] = { "a.example\n", "a.example\t\t\t\n", "a..example\t/z\t/o\t\n",
	    "a.example\t/z\t/o\tkeys=7\n", "a.example\t/z\t/o\tkeys\n", "a.example\t/z\t/o\tno-such=1\n",
	    "a.example\t/z\t/o\t\nA.example\t/y\t/p\t\n" };
	struct zone_list l;
	char folder[64];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(zone_list_parse(sv_str(bad[i]), SV("/s"), &l), -EBADMSG);
	zone_list_folder("/a/b/c", folder, sizeof(folder));
	assert_string_equal(folder, "/a/b");
	zone_list_folder("/c", folder, sizeof(folder));
	assert_string_equal(folder, "/");
	zone_list_folder("c", folder, sizeof(folder));
	assert_string_equal(folder, ".");
}

TESTS_MAIN("zone_conf", T(columns), T(round_trip), T(refused), T(bad_text))
