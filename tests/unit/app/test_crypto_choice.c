/* Wishes, on machines of all kinds: what they can is played. */
#include "../../../src/app/crypto_choice.c"
#include "../tap.h"

static bool can[CRYPTO_PATH_MAX];
static int forced;

const char *
crypto_path_name(enum crypto_path p)
{
	static const char *const names[] = { "generic", "tables", "ifma" };

	return names[p];
}

int
crypto_path_parse(struct sv s, enum crypto_path *ret)
{
	for (unsigned i = 0; i < CRYPTO_PATH_MAX; i++)
		if (sv_eq_str(s, crypto_path_name((enum crypto_path)i))) {
			*ret = (enum crypto_path)i;
			return 0;
		}
	return -EINVAL;
}

bool
crypto_path_can(enum crypto_path p)
{
	return can[p];
}

enum crypto_path
crypto_path(void)
{
	return forced >= 0 ? (enum crypto_path)forced : can[CRYPTO_IFMA] ? CRYPTO_IFMA : CRYPTO_TABLES;
}

int
crypto_path_force(enum crypto_path p)
{
	forced = (int)p;
	return can[p] ? 0 : -ENOTSUP;
}

static void
machine(bool ifma)
{
	forced = -1;
	can[CRYPTO_GENERIC] = can[CRYPTO_TABLES] = true;
	can[CRYPTO_IFMA] = ifma;
}

static bool
list_is(const char *want)
{
	struct buf b = BUF_INIT;
	bool is;

	crypto_choice_list(&b);
	is = sv_eq_str(buf_get(&b), want);
	buf_done(&b);
	return is;
}

static bool
json_is(struct sv wish, const char *want)
{
	struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	bool is;

	crypto_choice_json(&j, wish);
	is = sv_eq_str(buf_get(&b), want);
	buf_done(&b);
	return is;
}

static void
all_can_be_had(void **state UNUSED)
{
	enum crypto_path p;

	machine(true);
	assert_true(list_is("auto generic tables ifma"));
	assert_int_equal(crypto_choice_parse(SV("auto"), &p), 0);
	assert_int_equal(p, CRYPTO_IFMA);
	assert_int_equal(crypto_choice_parse(SV("generic"), &p), 0);
	assert_int_equal(p, CRYPTO_GENERIC);
	assert_string_equal(crypto_choice_why(SV("generic")), "asked");
	assert_string_equal(crypto_choice_why(SV("auto")), HAS_LANES ? "processor" : "architecture");
	assert_true(json_is(SV("tables"), "{\"path\":\"tables\",\"asked\":\"tables\",\"why\":\"asked\"}"));
	assert_int_equal(forced, -1);	/* only asked so far */
}

static void
one_cannot_be_had(void **state UNUSED)
{
	enum crypto_path p;

	machine(false);
	assert_true(list_is("auto generic tables"));
	assert_int_equal(crypto_choice_parse(SV("ifma"), &p), -ENOTSUP);
	assert_int_equal(p, CRYPTO_TABLES);
	assert_int_equal(crypto_choice_take(SV("ifma")), -ENOTSUP);
	assert_int_equal(forced, -1);
	assert_string_equal(crypto_choice_why(SV("ifma")), "unavailable");
	assert_true(json_is(SV("ifma"), "{\"path\":\"tables\",\"asked\":\"ifma\",\"why\":\"unavailable\"}"));
}

static void
taken(void **state UNUSED)
{
	enum crypto_path p;

	machine(true);
	assert_int_equal(crypto_choice_take(SV("auto")), 0);
	assert_int_equal(forced, -1);
	assert_int_equal(crypto_choice_take(SV("generic")), 0);
	assert_int_equal(forced, CRYPTO_GENERIC);
	assert_int_equal(crypto_choice_parse(SV("fastest"), &p), -EINVAL);
	assert_int_equal(crypto_choice_take(SV("")), -EINVAL);
	assert_int_equal(crypto_choice_take(SV("GENERIC")), -EINVAL);
	assert_int_equal(forced, CRYPTO_GENERIC);
}

TESTS_MAIN("crypto_choice", T(all_can_be_had), T(one_cannot_be_had), T(taken))
