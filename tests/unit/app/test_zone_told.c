/* What zone and key tell, of good shape and of any other. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "../tap.h"
#include "app/zone_told.h"

#define NOW	1795000000
#define DAY	86400

#define ZONES(row)	SV("{\"served\":1,\"good\":1,\"signatures\":5,\"list\":[" row "]}")
#define KEYS(row)	SV("{\"zones\":[" row "]}")
#define O		"[\"omnipresent\",1794000000]"
#define R		"[\"rumoured\",1794990000]"
#define U		"[\"unretentive\",1794990000]"
#define H		"[\"hidden\",1790000000]"

static int
teardown(void **state)
{
	told_done(*state);
	free(*state);
	return 0;
}

static int
setup(void **state)
{
	*state = calloc(1, sizeof(struct told));
	return *state == NULL;
}

/* The zone as the page gets it. */
static json_t *
shown(const struct told_zone *z, enum lang lang)
{
	struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	json_t *o;

	json_open(&j, '{');
	told_json(&j, z, NOW, true, lang);
	json_close(&j, '}');
	assert_int_equal(b.rc, 0);
	o = json_loadb(b.p, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	buf_done(&b);
	return o;
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	assert_non_null(s);
	return s;
}

static void
both_make_one(void **state)
{
	struct told *t = *state;
	const struct told_zone *z;
	json_t *o;

	assert_int_equal(told_zones(t, ZONES("{\"zone\":\"b.example.\",\"served\":true,\"good\":true,\"serial\":7,"
	    "\"horizon\":1795500000,\"next_signing\":9223372036854775807},{\"zone\":\"a.example.\"}")), 0);
	assert_int_equal(told_keys(t, KEYS("{\"zone\":\"b.example.\",\"state\":\"ready\",\"why\":\"\",\"next\":1795100000,"
	    "\"next_why\":\"until the life of the key ends\",\"ds_done\":true,\"keys\":[{\"number\":3,\"role\":\"ZSK\","
	    "\"tag\":12,\"name\":\"Kb\",\"goal\":\"omnipresent\",\"dnskey\":" O ",\"zonesig\":" O "}],"
	    "\"waits\":[{\"why\":\"until the life of the key ends\",\"record\":\"dnskey\",\"key\":3,\"until\":1795100000}]},"
	    "{\"zone\":\"c.example.\",\"state\":\"waits\"}")), 0);
	assert_int_equal(t->n, 3);
	z = told_find(t, SV("b.example."));
	assert_non_null(z);
	assert_true(z->by_zone && z->by_key && z->serial == 7 && z->next_signing == TOLD_NONE);
	assert_int_equal(told_state(z, NOW), TOLD_GOOD);
	assert_int_equal(told_state(z, 1795500000), TOLD_EXPIRED);
	assert_string_equal(z->waits[0].key, "Kb");
	assert_int_equal(told_state(told_find(t, SV("a.example.")), NOW), TOLD_WAITS);
	assert_int_equal(told_state(told_find(t, SV("c.example.")), NOW), TOLD_WAITS);
	assert_null(told_find(t, SV("B.example.")));
	o = shown(z, LANG_JA);
	assert_true(json_is_null(json_object_get(o, "next_signing")));
	assert_string_not_equal(text(o, "next_why"), "until the life of the key ends");
	json_decref(o);
	/* The next word of one leaves that of the other. */
	assert_int_equal(told_zones(t, ZONES("")), 0);
	assert_int_equal(t->n, 2);
	assert_int_equal(told_zones(t, SV("[]")), -EBADMSG);
	assert_int_equal(told_zones(t, SV("")), -EBADMSG);
	assert_int_equal(told_keys(t, SV("{\"zones\":")), -EBADMSG);
	assert_int_equal(t->n, 2);
}

static void
states(void **state)
{
	static const struct {
		const char	*zone, *key;
		enum told_state	 want;
	} rows[] = {
		{ "\"served\":true,\"good\":true,\"horizon\":1794999999", "\"state\":\"cannot\"", TOLD_EXPIRED },
		{ "\"served\":true,\"good\":true", "\"state\":\"cannot\"", TOLD_CANNOT },
		{ "\"served\":false,\"why\":\"the zone file has errors\"", "\"state\":\"ready\"", TOLD_DOWN },
		{ "\"served\":false", "\"state\":\"ready\"", TOLD_WAITS },
		{ "\"served\":true,\"good\":false,\"why\":\"x\"", "\"state\":\"ready\"", TOLD_KEPT },
		{ "\"served\":false,\"why\":\"no keys\"", "\"state\":\"waits\",\"todo\":[{\"act\":\"backup\"}]", TOLD_ACT },
		{ "\"served\":false,\"why\":\"no keys\"", "\"state\":\"waits\"", TOLD_WAITS },
		{ "\"served\":true,\"good\":true", "\"state\":\"ready\",\"ds_alarm\":true", TOLD_ACT },
		{ "\"served\":true,\"good\":true", "\"state\":\"ready\",\"token\":\"gone\"", TOLD_CANNOT },
		{ "\"served\":true,\"good\":true", "\"state\":\"ready\",\"refused\":true,\"todo\":[{\"act\":\"override\"}]", TOLD_ACT },
		{ "\"served\":true,\"good\":true", "\"state\":\"ready\",\"todo\":[{\"act\":\"delete\"}]", TOLD_GOOD },
	};
	struct told *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf z = BUF_INIT, k = BUF_INIT;

		buf_printf(&z, "{\"list\":[{\"zone\":\"z.\",%s}]}", rows[i].zone);
		buf_printf(&k, "{\"zones\":[{\"zone\":\"z.\",%s}]}", rows[i].key);
		assert_int_equal(told_zones(t, buf_get(&z)), 0);
		assert_int_equal(told_keys(t, buf_get(&k)), 0);
		assert_string_equal(told_state_word(told_state(&t->v[0], NOW)), told_state_word(rows[i].want));
		buf_done(&z);
		buf_done(&k);
	}
}

/* A key's life is told by the records that it has by its role. */
static void
lives(void **state)
{
	static const struct {
		const char	*role, *goal, *dnskey, *keysig, *zonesig, *ds;
		enum told_life	 want;
	} rows[] = {
		{ "KSK", "omnipresent", O, O, H, O, TOLD_KEY_ACTIVE },
		{ "KSK", "omnipresent", O, O, H, R, TOLD_KEY_COMING },
		{ "KSK", "hidden", O, O, H, U, TOLD_KEY_LEAVING },
		{ "KSK", "omnipresent", H, H, O, H, TOLD_KEY_WAITING },
		{ "ZSK", "omnipresent", O, H, O, H, TOLD_KEY_ACTIVE },
		{ "ZSK", "standby", O, H, H, H, TOLD_KEY_STANDBY },
		{ "ZSK", "hidden", O, H, O, H, TOLD_KEY_LEAVING },
		{ "zsk", "hidden", H, O, H, O, TOLD_KEY_GONE },
		{ "CSK", "omnipresent", O, O, O, O, TOLD_KEY_ACTIVE },
		{ "CSK", "omnipresent", O, O, O, H, TOLD_KEY_COMING },
		{ "CSK", "omnipresent", "7", "[]", "[\"odd\",\"x\"]", "null", TOLD_KEY_WAITING },
	};
	struct told *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf k = BUF_INIT;

		buf_printf(&k, "{\"zones\":[{\"zone\":\"z.\",\"keys\":[{\"role\":\"%s\",\"goal\":\"%s\",\"dnskey\":%s,"
		    "\"keysig\":%s,\"zonesig\":%s,\"ds\":%s}]}]}", rows[i].role, rows[i].goal, rows[i].dnskey,
		    rows[i].keysig, rows[i].zonesig, rows[i].ds);
		assert_int_equal(told_keys(t, buf_get(&k)), 0);
		assert_string_equal(told_life_word(t->v[0].keys[0].life), told_life_word(rows[i].want));
		buf_done(&k);
	}
}

static void
todo(void **state)
{
	struct told *t = *state;
	const struct told_zone *z;
	json_t *o;

	assert_int_equal(told_keys(t, KEYS("{\"zone\":\"z.\",\"keys\":[{\"number\":4,\"name\":\"K4\",\"flags\":[\"lost\",7]}],"
	    "\"todo\":[{\"act\":\"delete\",\"key\":4},{\"act\":\"tell\",\"since\":1794000000,\"text\":\"enter the DS set at the "
	    "registrar\",\"ds\":[\"z. IN DS 1 13 2 AA\",5,\"z. IN DS 2 13 2 BB\"],\"key\":0},{\"act\":\"backup\",\"key\":\"K4\"}]}")), 0);
	z = &t->v[0];
	assert_int_equal(z->n_todo, 3);
	assert_int_equal(z->n_backup, 1);
	assert_true(z->keys[0].lost);
	assert_false(told_is_urgent(&z->todo[0]));
	assert_true(told_is_urgent(&z->todo[1]) && told_is_handover(&z->todo[1]) && !told_is_handover(&z->todo[2]));
	assert_int_equal(z->todo[1].ds.n, 2);
	assert_string_equal(z->todo[0].key, "K4");
	assert_string_equal(z->todo[1].key, "");
	o = shown(z, LANG_EN);
	assert_string_equal(text(o, "to_do"), "enter the DS set at the registrar");
	assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(o, "todo"), 1), "ds")), 2);
	json_decref(o);
}

/* Without a date the list says what is waited for all the same. */
static void
next_without_date(void **state)
{
	struct told *t = *state;
	json_t *o;

	assert_int_equal(told_keys(t, KEYS("{\"zone\":\"z.\",\"next\":null,\"next_why\":\"\",\"waits\":[{\"why\":\"w1\",\"key\":\"k\"},"
	    "{\"why\":\"w2\",\"key\":0,\"until\":1795000009},{\"why\":\"w3\",\"key\":0}]}")), 0);
	o = shown(&t->v[0], LANG_EN);
	assert_string_equal(text(o, "next_why"), "w3");
	json_decref(o);
	assert_int_equal(told_keys(t, KEYS("{\"zone\":\"z.\",\"waits\":[{\"why\":\"w1\",\"key\":\"k\"}]}")), 0);
	o = shown(&t->v[0], LANG_EN);
	assert_string_equal(text(o, "next_why"), "w1");
	json_decref(o);
}

/* What the roles say in English is told in Japanese as far as it is ours. */
static void
why(void **state)
{
	struct told *t = *state;
	struct buf b = BUF_INIT;

	assert_int_equal(told_zones(t, ZONES("{\"zone\":\"z.\",\"why\":\"its zone file is not there: /a/b\"}")), 0);
	told_why(&b, &t->v[0], LANG_EN);
	assert_true(sv_eq(buf_get(&b), SV("its zone file is not there: /a/b")));
	b.len = 0;
	told_why(&b, &t->v[0], LANG_JA);
	assert_true(sv_ends(buf_get(&b), SV("：/a/b")) && !sv_starts(buf_get(&b), SV("its")));
	b.len = 0;
	assert_int_equal(told_zones(t, ZONES("")), 0);
	assert_int_equal(told_keys(t, KEYS("{\"zone\":\"z.\",\"state\":\"cannot\",\"why\":\"what nobody knows\"}")), 0);
	told_why(&b, &t->v[0], LANG_JA);
	assert_true(sv_eq(buf_get(&b), SV("what nobody knows")));
	b.len = 0;
	assert_int_equal(told_keys(t, KEYS("{\"zone\":\"z.\",\"state\":\"ready\",\"why\":\"old\"}")), 0);
	told_why(&b, &t->v[0], LANG_EN);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static void
limits(void **state)
{
	struct told *t = *state;
	struct buf b = BUF_INIT;

	buf_str(&b, "{\"zones\":[{\"zone\":\"");
	for (int i = 0; i < 3000; i++)
		buf_str(&b, "あ");
	buf_str(&b, "\",\"keys\":[");
	for (int i = 0; i < 100; i++)
		buf_str(&b, i == 0 ? "{}" : ",{}");
	buf_str(&b, "]}");
	for (int i = 0; i < TOLD_ZONES_MAX + 100; i++)
		buf_printf(&b, ",{\"zone\":\"z%d.\"}", i);
	buf_str(&b, "]}");
	assert_int_equal(told_keys(t, buf_get(&b)), 0);
	assert_int_equal(t->n, TOLD_ZONES_MAX);
	for (size_t i = 0; i < t->n; i++) {
		struct sv name = sv_str(t->v[i].name);

		assert_true(name.n <= TOLD_STR_MAX && t->v[i].n_keys <= TOLD_KEYS_MAX);
		/* Cut between characters. */
		assert_true(name.n < 100 || name.n % 3 == 0);
	}
	buf_done(&b);
}

static void
odd_shapes(void **state)
{
	static const char *const docs[] = {
		"{}", "{\"list\":7,\"zones\":7}", "{\"list\":[1,[],{}],\"zones\":[null,{\"zone\":5}]}",
		"{\"zones\":[{\"zone\":\"z.\",\"keys\":{},\"waits\":[7],\"todo\":[[],{\"ds\":{}}],\"next\":-3}]}",
		"{\"zones\":[{\"zone\":\"z.\",\"keys\":[7,{\"dnskey\":[[]]}],\"next_why\":[],\"next\":1e99}]}",
		"{\"list\":[{\"zone\":\"z.\",\"served\":\"yes\",\"serial\":-1,\"horizon\":true,\"refused_by\":[1]}]}",
		"{\"list\":[{\"zone\":\"z.\"},{\"zone\":\"z.\",\"served\":true}]}",
	};
	struct told *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
		assert_int_equal(told_zones(t, sv_str(docs[i])), 0);
		assert_int_equal(told_keys(t, sv_str(docs[i])), 0);
		for (size_t k = 0; k < t->n; k++) {
			json_decref(shown(&t->v[k], LANG_JA));
			assert_false(t->v[k].served);
		}
	}
}

#define TOLD(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* Pages: all of them, then what changes; while all are told anew, nothing is missing. */
static void
pages(void **state)
{
	struct told *t = *state;

	assert_int_equal(told_zones(t, SV("{\"served\":1,\"left\":2,\"list\":[{\"zone\":\"c.\",\"served\":true}]}")), 0);
	assert_false(t->by_zone);
	assert_int_equal(told_zones(t, SV("{\"more\":true,\"left\":0,\"list\":[{\"zone\":\"b.\",\"why\":\"w\"},"
	    "{\"zone\":\"a.\"},{\"zone\":\"b.\",\"why\":\"second\"}]}")), 0);
	assert_true(t->by_zone);
	assert_int_equal(t->n, 3);
	assert_string_equal(t->v[1].why, "w");
	/* A change of one of them leaves the others. */
	assert_int_equal(told_zones(t, SV("{\"more\":true,\"served\":2,\"list\":[{\"zone\":\"b.\",\"serial\":7}]}")), 0);
	assert_int_equal(t->n, 3);
	assert_int_equal(t->n_served, 2);
	assert_string_equal(t->v[1].why, "");
	assert_int_equal(t->v[1].serial, 7);
	assert_true(told_find(t, SV("c."))->served);
	/* Key's word of one: zone's stays. */
	assert_int_equal(told_keys(t, KEYS("{\"zone\":\"b.\",\"state\":\"ready\",\"keys\":[{\"tag\":5}]}")), 0);
	assert_int_equal(t->v[1].serial, 7);
	assert_int_equal(t->v[1].n_keys, 1);
	assert_int_equal(told_keys(t, SV("{\"more\":true,\"zones\":[]}")), 0);
	assert_int_equal(t->v[1].n_keys, 1);
	/* All anew, without c: it stays until the last page, and then goes. */
	assert_int_equal(told_zones(t, SV("{\"left\":1,\"list\":[{\"zone\":\"a.\",\"serial\":1}]}")), 0);
	assert_true(t->by_zone);
	assert_int_equal(t->n, 3);
	assert_true(told_find(t, SV("c."))->served);
	assert_int_equal(told_zones(t, SV("{\"more\":true,\"left\":0,\"list\":[{\"zone\":\"b.\",\"serial\":2}]}")), 0);
	assert_int_equal(t->n, 2);
	assert_int_equal(t->v[1].serial, 2);
	assert_int_equal(t->v[1].n_keys, 1);
	/* Not told by zone any more: what key says stays. */
	assert_int_equal(told_zones(t, SV("{\"list\":[]}")), 0);
	assert_int_equal(t->n, 1);
	assert_false(t->v[0].by_zone);
	assert_int_equal(t->v[0].serial, TOLD_NONE);
	assert_int_equal(t->v[0].n_keys, 1);
	assert_int_equal(told_keys(t, SV("{\"zones\":[]}")), 0);
	assert_int_equal(t->n, 0);
	assert_int_equal(t->octets, 0);
}

TESTS_MAIN("app-zone-told", TOLD(both_make_one), TOLD(states), TOLD(lives), TOLD(todo), TOLD(next_without_date), TOLD(why), TOLD(limits), TOLD(pages),
    TOLD(odd_shapes))
