/* The router kit: the gate for words, text as words, and the judge. */
#include "../tap.h"

#include <errno.h>

#include "base/err.h"

#include "../../../src/app/kit_text.c"
#include "../../../src/app/kit_model.c"
#include "../../../src/app/kit_judge.c"

static void
hosts(void **state UNUSED)
{
	static const struct {
		const char	*text, *addr;
		unsigned	 port;
	} good[] = {
		{ "192.0.2.1", "192.0.2.1", 0 },
		{ "192.0.2.1:323", "192.0.2.1", 323 },
		{ "2001:DB8::0:1", "2001:db8::1", 0 },
		{ "[2001:db8::1]", "2001:db8::1", 0 },
		{ "[2001:db8::1]:65535", "2001:db8::1", 65535 },
	};
	static const char *const bad[] = { "", ":", "[", "[]", "]:1", "[::1", "[::1]x", "[::1]:", "192.0.2.1:",
		"192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:+1", "192.0.2.0/24", "::/0", "host", "1.2.3",
		"192.0.2.1 ", "192.0.2.1\n", "192.0.2.1;", "::1%lo" };
	struct kit_host h;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(kit_host_parse(sv_str(good[i].text), &h), 0);
		assert_string_equal(h.addr, good[i].addr);
		assert_int_equal(h.port, good[i].port);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(kit_host_parse(sv_str(bad[i]), &h), -EINVAL);
	assert_int_equal(kit_host_parse(SV("127.9.9.9"), &h), 0);
	assert_true(h.loopback);
	assert_int_equal(kit_host_parse(SV("::2"), &h), 0);
	assert_false(h.loopback);
}

/* Of all bytes, only those that mean nothing anywhere. */
static void
words(void **state UNUSED)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-";

	for (int c = 1; c < 256; c++) {
		const char s[] = { 'a', (char)c, '\0' };

		assert_int_equal(kit_word_ok(s), strchr(may, c) != NULL);
	}
	assert_false(kit_word_ok("-a"));
	assert_false(kit_word_ok(""));
}

/* What no option can bring into a configuration is not in one. */
static void
vendors(void **state UNUSED)
{
	const struct kit_vendor *v;
	size_t n = 0;

	while ((v = kit_vendor_at(n)) != NULL) {
		struct kit_want w = { .vendor = v, .asn = 64496, .sec = { 1, 2, 3 } };

		n++;
		assert_ptr_equal(kit_vendor_find(sv_str(kit_vendor_name(v))), v);
		assert_int_equal(kit_host_parse(SV("192.0.2.1"), &w.caches[w.n_caches++]), 0);
		for (unsigned p = 0; p < KIT_POLICY_MAX; p++) {
			struct buf b = BUF_INIT;

			w.policy = (enum kit_policy)p;
			kit_config(&b, &w);
			assert_int_equal(b.rc, 0);
			assert_true(b.len > 0 && sv_find(buf_get(&b), '@') == b.len);
			buf_done(&b);
		}
		for (size_t i = 0; i < v->n_timers; i++) {
			uint32_t s = kit_seconds(&w, &v->timers[i]);

			assert_in_range(s, v->timers[i].min, v->timers[i].max);
		}
	}
	assert_int_equal(n, 8);
	assert_null(kit_vendor_find(SV("birD")));
}

/* --- the judge --- */

struct house {
	struct kit_model	 m;
	struct kit_report	 report;
	struct kit_session	*s;
};

static void
house_init(struct house *h)
{
	*h = (struct house){ 0 };
	h->m.pool = pool_new(1024 * 1024);
	assert_non_null(h->m.pool);
	h->m.report = &h->report;
	h->m.asn = 1;
	h->m.cache_tail = &h->m.caches;
	h->m.rule_tail = &h->m.rules;
	h->m.session_tail = &h->m.sessions;
	h->s = kit_session_get(&h->m, SV("s"), false, 1);
	h->s->asn = 2;
	kit_ref_add(h->s, SV("r"));
}

static struct kit_entry *
entry(struct house *h, const char *rule, enum kit_cond c, enum kit_act a)
{
	struct kit_entry *e = kit_entry_add(&h->m, kit_rule_get(&h->m, sv_str(rule), 1), 1);

	e->cond = c;
	e->act = a;
	return e;
}

static enum kit_fate
fate(struct house *h)
{
	enum kit_fate f = kit_judge(&h->m, h->s);

	h->m.pool = pool_free(h->m.pool);
	return f;
}

static void
judge(void **state UNUSED)
{
	struct house h;

	house_init(&h);			/* a policy that is not in the file */
	assert_int_equal(fate(&h), KIT_FATE_UNSURE);
	house_init(&h);
	(void)entry(&h, "r", KIT_ALL, KIT_TAKE);
	(void)entry(&h, "r", KIT_INVALID, KIT_REFUSE);
	assert_int_equal(fate(&h), KIT_FATE_NONE);
	house_init(&h);
	(void)entry(&h, "r", KIT_OTHER, KIT_TAKE);
	(void)entry(&h, "r", KIT_INVALID, KIT_REFUSE);
	assert_int_equal(fate(&h), KIT_FATE_GONE);
	house_init(&h);
	(void)entry(&h, "r", KIT_MAYBE, KIT_TAKE);
	(void)entry(&h, "r", KIT_INVALID, KIT_REFUSE);
	assert_int_equal(fate(&h), KIT_FATE_UNSURE);
	house_init(&h);
	(void)entry(&h, "r", KIT_MAYBE, KIT_REFUSE);
	(void)entry(&h, "r", KIT_INVALID, KIT_REFUSE);
	assert_int_equal(fate(&h), KIT_FATE_GONE);
	house_init(&h);
	assert_true(kit_lp_set(entry(&h, "r", KIT_INVALID, KIT_TAKE), SV("99")));
	assert_int_equal(fate(&h), KIT_FATE_LESS);
	house_init(&h);
	assert_true(kit_lp_set(entry(&h, "r", KIT_INVALID, KIT_GO_ON), SV("50")));
	assert_true(kit_lp_set(entry(&h, "r", KIT_ALL, KIT_TAKE), SV("100")));
	assert_int_equal(fate(&h), KIT_FATE_SAME);
}

static void
judge_calls(void **state UNUSED)
{
	struct house h;

	house_init(&h);			/* itself, and itself again */
	for (int i = 0; i < 20; i++)
		entry(&h, "r", KIT_ALL, KIT_GO_ON)->callee = SV("r");
	assert_int_equal(fate(&h), KIT_FATE_UNSURE);
	house_init(&h);
	entry(&h, "r", KIT_ALL, KIT_TAKE)->callee = SV("q");
	(void)entry(&h, "q", KIT_INVALID, KIT_REFUSE);
	assert_int_equal(fate(&h), KIT_FATE_GONE);
	house_init(&h);			/* the end refuses, but for what was passed */
	kit_rule_get(&h.m, SV("r"), 1)->end_refuses = true;
	(void)entry(&h, "r", KIT_INVALID, KIT_PASS);
	assert_int_equal(fate(&h), KIT_FATE_SAME);
	house_init(&h);
	kit_rule_get(&h.m, SV("r"), 1)->end_refuses = true;
	(void)entry(&h, "r", KIT_OTHER, KIT_PASS);
	assert_int_equal(fate(&h), KIT_FATE_GONE);
}

static void
judge_last(void **state UNUSED)
{
	struct house h;

	house_init(&h);
	kit_rule_get(&h.m, SV("r"), 1)->last_wins = true;
	(void)entry(&h, "r", KIT_INVALID, KIT_REFUSE);
	(void)entry(&h, "r", KIT_ALL, KIT_TAKE);
	assert_int_equal(fate(&h), KIT_FATE_SAME);
	house_init(&h);
	kit_rule_get(&h.m, SV("r"), 1)->last_wins = true;
	entry(&h, "r", KIT_INVALID, KIT_REFUSE)->final = true;
	(void)entry(&h, "r", KIT_ALL, KIT_TAKE);
	assert_int_equal(fate(&h), KIT_FATE_GONE);
	house_init(&h);			/* for others only */
	kit_rule_get(&h.m, SV("r"), 1)->last_wins = true;
	(void)entry(&h, "r", KIT_INVALID, KIT_REFUSE);
	entry(&h, "r", KIT_ALL, KIT_TAKE)->from = KIT_FROM_IBGP;
	assert_int_equal(fate(&h), KIT_FATE_GONE);
}

/* --- text --- */

static unsigned n_leaves, last_n;

static void
count(struct kit_model *m UNUSED, const struct kit_words *w, unsigned line)
{
	n_leaves++;
	last_n = w->n;
	assert_true(line > 0);
}

static int
tree(const char *text, const char *marks, bool newlines)
{
	struct house h;
	struct kit_lexer l = { .s = sv_str(text), .line = 1, .marks = marks, .runs = "", .comments = "#",
		.newlines = newlines };
	int rc;

	house_init(&h);
	n_leaves = last_n = 0;
	rc = kit_tree_read(&h.m, &l, count);
	(void)pool_free(h.m.pool);
	return rc;
}

static void
text(void **state UNUSED)
{
	char deep[2 * (KIT_DEPTH_MAX + 1) + 1] = "";
	struct kit_words w;

	assert_int_equal(tree("a { b { c d; } e; }", "{};", false), 0);
	assert_int_equal(n_leaves, 4);		/* a; a b; a b c d; a e */
	assert_int_equal(last_n, 2);
	assert_int_equal(tree("a /* { */ b; # }\n c", "{};", false), 0);
	assert_int_equal(n_leaves, 2);
	assert_int_equal(tree("deny from { x y\n z } ovs\n", "{}", true), 0);
	assert_int_equal(n_leaves, 1);
	assert_int_equal(last_n, 6);
	assert_int_equal(tree("} } a", "{};", false), 0);
	assert_int_equal(tree("\"", "{};", false), 0);
	for (int i = 0; i <= KIT_DEPTH_MAX; i++)
		memcpy(deep + 2 * i, "a{", 2);
	assert_int_equal(tree(deep, "{};", false), SE_LIMIT);
	assert_int_equal(kit_words_split(SV("  \"a b\" c "), &w), 2);
	assert_int_equal(w.n, 2);
	assert_true(sv_eq(w.w[0], SV("a b")) && kit_is(&w, 1, "c"));
}

TESTS_MAIN("app/kit", T(hosts), T(words), T(vendors), T(judge), T(judge_calls), T(judge_last), T(text))
