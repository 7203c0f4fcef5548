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

/* Who gives, who takes, who may speak: there and back. */
static void
peers(void **state UNUSED)
{
	static const char text[] = "dns:\n  listen: [192.0.2.9, \"[2001:db8::9]\", 2001:db8::a, 192.0.2.9:5353]\n"
	    "  tsig-keys: /k\n"
	    "  zones:\n"
	    "    - {name: a.example, primaries: [192.0.2.1, \"192.0.2.2:5300 key One\", 2001:db8::1,"
	    " \"[2001:db8::1]:54 key two.\"], notify: \"192.0.2.3 key one\","
	    " allow-transfer: [192.0.2.0/24, key one, 2001:db8::/32 key two], allow-notify: 192.0.2.77}\n"
	    "    - {name: b.example, file: /b, notify: 192.0.2.3}\n";
	static const char want[] = "a.example.\t\t\t\tprimary 192.0.2.1:53\tprimary 192.0.2.2:5300 key one."
	    "\tprimary [2001:db8::1]:53\tprimary [2001:db8::1]:54 key two.\tnotify 192.0.2.3:53 key one."
	    "\ttransfer 192.0.2.0/24\ttransfer key one.\ttransfer 2001:db8::/32 key two.\thear 192.0.2.77/32\n"
	    "b.example.\t/b\t\t\tnotify 192.0.2.3:53\n";
	static const char *const listen[] = { "192.0.2.9:53", "[2001:db8::9]:53", "[2001:db8::a]:53", "192.0.2.9:5353" };
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct zone_list l;
	struct conf_error err;
	struct conf *c;

	assert_int_equal(app_conf_parse(SV(text), "t", &c, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(listen); i++)
		assert_string_equal(c->values[CONF_DNS_LISTEN].items[i].text.p, listen[i]);
	zone_conf_text(c, &b);
	assert_true(sv_eq_str(buf_get(&b), want));
	assert_int_equal(zone_list_parse(buf_get(&b), SV("/state"), &l), 0);
	assert_int_equal(l.v[0].primaries.n, 4);
	assert_string_equal(l.v[0].output, "");
	assert_string_equal(l.v[1].output, "/state/zones/b.example.zone");
	l.v[1].output = "";
	zone_list_put(&again, &l.v[0]);
	zone_list_put(&again, &l.v[1]);
	assert_true(sv_eq(buf_get(&again), buf_get(&b)));
	zone_list_done(&l);
	buf_done(&again);
	buf_done(&b);
	conf_free(c);
}

static void
allowed(void **state UNUSED)
{
	struct zone_peer p[3];
	const struct zone_peers l = { p, 3 };
	struct ip_prefix in, out;
	struct dname one, two;

	assert_int_equal(zone_asker_parse(SV("192.0.2.0/25"), &p[0]), 0);
	assert_int_equal(zone_asker_parse(SV(" key  one "), &p[1]), 0);
	assert_int_equal(zone_asker_parse(SV("192.0.2.128/25 key two"), &p[2]), 0);
	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.200"), &in), 0);
	assert_int_equal(ip_prefix_parse_host(SV("198.51.100.1"), &out), 0);
	assert_int_equal(dname_parse(SV("ONE"), NULL, &one), 0);
	assert_int_equal(dname_parse(SV("two"), NULL, &two), 0);
	assert_false(zone_peers_allow(&l, &in, NULL));
	assert_true(zone_peers_allow(&l, &in, &two));
	assert_false(zone_peers_allow(&l, &out, &two));
	assert_true(zone_peers_allow(&l, &out, &one));
	assert_false(zone_peers_allow(&l, &out, NULL));
	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.1"), &in), 0);
	assert_true(zone_peers_allow(&l, &in, NULL));
	assert_false(zone_peers_allow(&(struct zone_peers){ 0 }, &in, &one));
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
		{ Z "{name: a.example, file: /z/a, primaries: 192.0.2.1}\n", CONF_E_RULE },
		{ Z "{name: a.example, primaries: 192.0.2.1:0}\n", CONF_E_TYPE },
		{ Z "{name: a.example, primaries: 192.0.2.0/24}\n", CONF_E_TYPE },
		{ Z "{name: a.example, primaries: 192.0.2.1 kee k}\n", CONF_E_TYPE },
		{ Z "{name: a.example, primaries: 192.0.2.1 key}\n", CONF_E_TYPE },
		{ Z "{name: a.example, primaries: 192.0.2.1 key a b}\n", CONF_E_TYPE },
		{ Z "{name: a.example, primaries: 192.0.2.1 key k}\n", CONF_E_RULE },
		{ Z "{name: a.example, primaries: 192.0.2.1, allow-transfer: ns.example}\n", CONF_E_TYPE },
		{ Z "{name: a.example, primaries: 192.0.2.1, allow-transfer: 192.0.2.1}\n", CONF_E_RULE },
		{ P "{keys: csk}\n", CONF_E_MISSING },
		{ P "{name: a}\n    - {name: a}\n", CONF_E_RULE },
		{ P "{name: a, algorithm: 5}\n", CONF_E_RULE },
		{ P "{name: a, algorithm: ED25518}\n", CONF_E_TYPE },
		{ P "{name: a, ds-handover: epp}\n", CONF_E_RULE },
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

/* As many zones as there may be are taken, and found; the first one beyond is named. */
static void
many(void **state UNUSED)
{
	struct buf text = BUF_INIT, list = BUF_INIT;
	struct conf_error err = { 0 };
	struct zone_list l;
	struct dname name;
	struct conf *c;

	buf_str(&text, "dns:\n  zones:\n");
	for (unsigned i = 0; i < ZONE_LIST_MAX; i++)
		buf_printf(&text, "  - {name: z%u.example, file: /z/%u, notify: 192.0.2.1}\n", i, i);
	assert_int_equal(app_conf_parse(buf_get(&text), "t", &c, &err), 0);
	zone_conf_text(c, &list);
	assert_int_equal(zone_list_parse(buf_get(&list), SV("/s"), &l), 0);
	assert_int_equal(l.n, ZONE_LIST_MAX);
	assert_int_equal(dname_parse(SV("Z16000.Example."), NULL, &name), 0);
	assert_string_equal(zone_list_find(&l, &name)->file, "/z/16000");
	assert_int_equal(l.v[16000].notify.n, 1);
	assert_int_equal(dname_parse(SV("z16384.example."), NULL, &name), 0);
	assert_null(zone_list_find(&l, &name));
	zone_list_done(&l);
	buf_str(&list, "more.example.\t/z\t\t\n");
	assert_int_equal(zone_list_parse(buf_get(&list), SV("/s"), &l), SE_LIMIT);
	conf_free(c);
	buf_str(&text, "  - {name: more.example, file: /z/more}\n");
	assert_int_equal(app_conf_parse(buf_get(&text), "t", &c, &err), SE_LIMIT);
	assert_int_equal(err.code, CONF_E_LIMIT);
	assert_int_equal(err.line, ZONE_LIST_MAX + 3);
	buf_done(&text);
	buf_done(&list);
}

/* Fewer zones, and so many servers that the roles would not take them: where it is too much. */
static void
many_servers(void **state UNUSED)
{
	struct buf text = BUF_INIT;
	struct conf_error err = { 0 };
	struct conf *c;

	buf_str(&text, "dns:\n  zones:\n");
	for (unsigned i = 0; i <= ZONE_LIST_SERVERS_MAX / 25; i++) {
		buf_printf(&text, "  - {name: z%u.example, file: /z, output: /%u, notify: [", i, i);
		for (unsigned k = 0; k < 25; k++)
			buf_str(&text, "\"::1\",");
		buf_str(&text, "]}\n");
	}
	assert_int_equal(app_conf_parse(buf_get(&text), "t", &c, &err), SE_LIMIT);
	assert_int_equal(err.code, CONF_E_LIMIT);
	assert_int_equal(err.line, ZONE_LIST_SERVERS_MAX / 25 + 3);
	buf_done(&text);
}

/* Each folder once; one that is refused is told. */
static int
folder_count(void *arg, const char *folder)
{
	unsigned *n = arg;

	++*n;
	return strcmp(folder, "/c") == 0 ? -E2BIG : 0;
}

static void
folders(void **state UNUSED)
{
	static const char *const paths[] = { "/a/x", "/a/y", "", "/b/x", "/a/z", "x", "./y" };
	struct zone_folders f = { 0 };
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(zone_folders_add(&f, paths[i], folder_count, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(zone_folders_add(&f, "/c/x", folder_count, &n), -E2BIG);
	zone_folders_done(&f);
}

static void
bad_text(void **state UNUSED)
{
	static const char *const bad[] = { "a.example\n", "a.example\t\t\t\n", "a..example\t/z\t/o\t\n",
	    "a.example\t/z\t/o\tkeys=7\n", "a.example\t/z\t/o\tkeys\n", "a.example\t/z\t/o\tno-such=1\n",
	    "a.example\t/z\t/o\t\nA.example\t/y\t/p\t\n",
	    "a.example\t/z\t/o\t\tprimary 192.0.2.1:53\n", "a.example\t\t\t\tprimary x\n",
	    "a.example\t\t\t\thear\tprimary 192.0.2.1\n" };
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

TESTS_MAIN("zone_conf", T(columns), T(round_trip), T(peers), T(allowed), T(refused), T(many), T(many_servers),
    T(folders), T(bad_text))
