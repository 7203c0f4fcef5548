/*
 * Lists of keys as ods-enforcer 2.1.12 and keymgr 3.2.6 really printed them: recorded by
 * tests/peer/record_lists.py, in tests/fuzz/corpus/key_list.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "app/key_list.h"
#include "base/err.h"

#define DAY	86400

static char room[1 << 20];
static struct key_list list;

static struct sv
recorded(const char *name)
{
	const char *src = getenv("SEKISHO_SRC");
	char path[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/key_list/%s", src == NULL ? "." : src, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(room, 1, sizeof(room), f);
	(void)fclose(f);
	return (struct sv){ room, n };
}

static int
parse(struct sv text, const char *zone)
{
	struct dname name;
	unsigned line;

	assert_int_equal(dname_parse(sv_str(zone), NULL, &name), 0);
	return key_list_parse(text, &name, &list, &line);
}

static const struct key_list_row *
row(const char *id)
{
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(list.row[i].id, id) == 0)
			return &list.row[i];
	fail_msg("no key %s", id);
	return NULL;
}

static int64_t
at(const char *text)
{
	int64_t t;

	assert_int_equal(time_parse(sv_str(text), &t), 0);
	return t;
}

#define KSK	"cd8f155342e690acacad557e5b771755"
#define ZSK	"611d4f3096da952bde1bb263917e7514"
#define NEXT	"091fa8953288e08294c3595ba39ec81b"

static void
ods_in_order(void **state UNUSED)
{
	static const struct {
		const char	*name;
		bool		 records, rolls;
	} files[] = { { "ods", false, false }, { "ods-p", false, false }, { "ods-all", true, true }, { "ods-all-p", true, true } };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		assert_int_equal(parse(recorded(files[i].name), "example.jp"), 0);
		assert_int_equal(list.n, 2);
		assert_true(list.n_others >= 2);
		assert_true(row(KSK)->ksk && !row(KSK)->zsk && !row(ZSK)->ksk && row(ZSK)->zsk);
		assert_int_equal(row(KSK)->tag, 37020);
		assert_int_equal(row(ZSK)->tag, 5921);
		assert_int_equal(row(ZSK)->alg, 13);
		for (size_t k = 0; k < 2; k++) {
			assert_int_equal(list.row[k].use, KEY_LIST_USED);
			assert_int_equal(list.row[k].next, at("2027-02-20T21:34:12Z"));
			assert_int_equal(list.row[k].has_records, files[i].records);
			assert_false(list.row[k].mixing || list.row[k].ready);
		}
		assert_int_equal(row(KSK)->end, files[i].rolls ? at("2027-11-22T21:34:12Z") : 0);
		assert_int_equal(row(ZSK)->end, files[i].rolls ? at("2027-02-20T21:34:12Z") : 0);
	}
	assert_int_equal(parse(recorded("ods-p"), "third.example"), 0);
	assert_int_equal(list.n, 0);
	assert_int_equal(list.n_others, 4);
}

static void
ods_on_the_way(void **state UNUSED)
{
	assert_int_equal(parse(recorded("ods-new"), "example.jp"), 0);
	assert_int_equal(row(KSK)->use, KEY_LIST_COMING);
	assert_false(row(KSK)->ready);
	assert_true(row(ZSK)->ready);
	assert_false(row(ZSK)->mixing);
	/* Two ZSKs change places: -d says so, and -v lets one guess it. */
	for (int v = 0; v < 2; v++) {
		assert_int_equal(parse(recorded(v == 0 ? "ods-mixing" : "ods-mixing-v"), "example.jp"), 0);
		assert_int_equal(list.n, 3);
		assert_int_equal(row(ZSK)->use, KEY_LIST_LEAVING);
		assert_true(row(ZSK)->mixing);
		assert_false(row(KSK)->mixing);
		assert_false(row(NEXT)->mixing);
		assert_true(row(NEXT)->ready);
		assert_int_equal(row(ZSK)->next, at("2026-12-04T02:17:12Z"));
	}
}

/* All forms say the same. */
static void
knot(void **state UNUSED)
{
	static const char *const names[] = { "knot", "knot-e", "knot-iso", "knot-j" };
	const int64_t t0 = at("2026-11-22T21:34:14Z");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct key_list_row *r;

		assert_int_equal(parse(recorded(names[i]), "example.jp"), 0);
		assert_int_equal(list.n, 7);
		r = row("b2776bf60664ffeeb2a08ad0a40062daed0d64d4");
		assert_true(r->zsk && !r->ksk && !r->public_only);
		assert_int_equal(r->tag, 56145);
		assert_int_equal(r->time[KEY_LIST_PUBLISH], t0 - 2 * DAY);
		assert_int_equal(r->time[KEY_LIST_ACTIVE], t0 - DAY);
		assert_int_equal(r->time[KEY_LIST_RETIRE], t0 + 10 * DAY);
		assert_int_equal(r->time[KEY_LIST_REMOVE], t0 + 11 * DAY);
		r = row("896eb7b42f1f96bcf0e74bb9747464893c40b0de");
		assert_true(r->ksk && !r->zsk);
		assert_int_equal(r->time[KEY_LIST_READY], t0 - DAY);
		assert_int_equal(r->time[KEY_LIST_RETIRE_ACTIVE], 0);
		r = row("713000ea9ccd4575b4e41ba6fc8a56cfdcbc67d1");
		assert_true(r->ksk && r->zsk);
	}
	assert_int_equal(parse(recorded("knot-j"), "other.example"), 0);
	assert_int_equal(list.n, 0);
	assert_int_equal(list.n_others, 7);
}

static void
refused(void **state UNUSED)
{
	static const char *const bad[] = {
		"what is this\n",
		"example.jp;KSK;active;now;256;13;" KSK ";SoftHSM\n",
		"example.jp;KSK;sleeping;now;256;13;" KSK ";SoftHSM;1\n",
		"example.jp;KSK;active;now;256;13;" KSK ";SoftHSM;70000\n",
		"example.jp;KSK;active;now;256;99;" KSK ";SoftHSM;1\n",
		"example.jp;KSK;active;now;256;13;xyz;SoftHSM;1\n",
		"example.jp;ZSK;NA;omnipresent;NA;unretentive;1;0;" ZSK "\n",	/* -d alone */
		"example.jp KSK 2027-11-22 25:34:12\n",
		"ad66fdc293cae7fce50a6b76d74b86af81300f6c 63147 KSK ECDSAP256SHA256 publish=-1M29D\n",
		"ad66fdc293cae7fce50a6b76d74b86af81300f6c 63147 KSK ECDSAP256SHA256 retire=soon\n",
		"[", "[1]", "[{\"id\":\"00112233\",\"tag\":1,\"algorithm\":13,\"ksk\":true,\"zsk\":false}]",
		"[{\"id\":\"00112233\",\"tag\":1,\"algorithm\":13,\"ksk\":true,\"zsk\":false,\"public-only\":false,\"retire\":\"x\"}]",
		"[{\"id\":\"00112233\",\"tag\":1,\"algorithm\":13,\"ksk\":true,\"zsk\":false,\"public-only\":false,\"retire\":-1635670067}]",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (parse(sv_str(bad[i]), "example.jp") != -EBADMSG)
			fail_msg("row %zu is taken", i);
	assert_int_equal(parse(SV("[]"), "example.jp"), 0);
	assert_int_equal(list.n, 0);
}

/* One more than there is room for. */
static void
too_many(void **state UNUSED)
{
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i <= KEY_LIST_MAX; i++)
		buf_printf(&b, "example.jp;ZSK;active;now;256;13;%08x;SoftHSM;1\n", i);
	assert_int_equal(parse(buf_get(&b), "example.jp"), SE_LIMIT);
	buf_done(&b);
}

TESTS_MAIN("key_list", T(ods_in_order), T(ods_on_the_way), T(knot), T(refused), T(too_many))
