/* Plans of transfers: times reckoned by hand, steps and who takes them, and the proof that refuses. */
#include "../tap.h"
#include "base/err.h"
#include "dnssec/transfer.h"

static const char usual[] =
	"ttl-parent-ns 1d\nttl-ds 7200\nttl-no-ds 300\nttl-ns 3600\nttl-dnskey 3600\nttl-data 1800\n"
	"ttl-negative 600\ndelay-parent 900\ndelay-losing 60\ndelay-gaining 120\ndelay-cds 1000\n"
	"transfer-time 5000\nds-reentry 100\n";

struct world {
	struct pool		*pool;
	struct findings		 fs;
	struct transfer_facts	 f;
	struct transfer_plan	 p;
};

static void
world_plan(struct world *w, const char *more)
{
	w->pool = pool_new(16u << 20);
	findings_init(&w->fs, w->pool);
	transfer_facts_init(&w->f);
	assert_int_equal(transfer_facts_parse(sv_str(usual), &w->fs, &w->f), 0);
	assert_int_equal(transfer_facts_parse(sv_str(more), &w->fs, &w->f), 0);
	assert_int_equal(transfer_plan(&w->f, &w->fs, &w->p), 0);
}

static void
world_done(struct world *w)
{
	w->pool = pool_free(w->pool);
}

static bool
said(const struct world *w, enum transfer_code code)
{
	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		if (f->def == &transfer_findings[code])
			return true;
	return false;
}

/* --- times --- */

struct case_times {
	const char		*facts;
	enum transfer_pattern	 pattern;
	int64_t			 ds_del, ds_add, ns, losing_end, stop, clean, end;
	int64_t			 insecure[2];
	bool			 borrowed;
};
#define NO	TIME_NEVER

static const struct case_times cases[] = {
	{ "help exchange\n", TRANSFER_EXCHANGE, 99120, 120, 8220, 95520, 95520, 97320, 107220, { 0, 0 }, true },
	/* Here the losing side's own NS set, fetched before it changed there, lives longest. */
	{ "help exchange\nttl-ns 2d\n", TRANSFER_EXCHANGE, 184680, 120, 8220, 181080, 181080, 182880, 192780, { 0, 0 }, true },
	/* The losing side goes on naming itself: its own NS TTL comes on top. */
	{ "help import\n", TRANSFER_EXCHANGE, 102720, 120, 8220, 99120, 99120, 100920, 110820, { 0, 0 }, true },
	/* The parent looks for CDS every 1000 s. */
	{ "help cds\n", TRANSFER_EXCHANGE, 100120, 120, 9220, 96520, 96520, 98320, 109220, { 0, 0 }, true },
	{ "help shared-ksk\n", TRANSFER_SHARED, NO, NO, 3660, 90960, 90960, 92760, 96480, { 0, 0 }, true },
	{ "help copy\n", TRANSFER_COPY, 94620, 120, 120, 91020, 91020, 96540, 102720, { 0, 0 }, true },
	{ "help none\n", TRANSFER_INSECURE, 0, 102600, 8100, 99000, 99000, NO, 103800, { 0, 103800 }, false },
	/* Data live longer than keys: their ZSK is borrowed, and the window is no longer for it. */
	{ "help none\nttl-data 7200\n", TRANSFER_INSECURE, 0, 102600, 8100, 99000, 99000, 106200, 109920, { 0, 103800 }, true },
	/* … which does not help with another algorithm. */
	{ "help none\nttl-data 7200\ngaining-algorithm 8\n", TRANSFER_INSECURE, 0, 106200, 8100, 99000, 99000, NO, 107400, { 0, 107400 }, false },
	{ "help none\nlosing-keeps 0\n", TRANSFER_INSECURE, 0, 11700, 8100, 99000, 8100, NO, 99000, { 0, 12900 }, false },
	{ "help exchange\ngaining-algorithm 8\ncommon-algorithm no\n", TRANSFER_INSECURE, 0, 99000, 8100, 95400, 95400, NO, 100200, { 0, 100200 }, false },
	{ "signed-before no\n", TRANSFER_SIGN, NO, 92820, 120, 91020, 91020, NO, 94020, { 0, 94020 }, false },
	{ "signed-after no\n", TRANSFER_UNSIGN, 0, NO, 8100, 99000, 99000, NO, 102600, { 0, NO }, false },
	{ "signed-before no\nsigned-after no\n", TRANSFER_PLAIN, NO, NO, 120, 91020, 91020, NO, 92820, { 0, NO }, false },
	{ "move registrar\n", TRANSFER_REGISTRAR, NO, NO, NO, NO, NO, NO, 5000, { 0, 0 }, false },
	{ "move registrar\nds-at-transfer lost\n", TRANSFER_REGISTRAR, NO, NO, NO, NO, NO, NO, 6300, { 5000, 6300 }, false },
	/* Nothing takes time: nothing is insecure, however long the absence of DS would be cached. */
	{ "ttl-parent-ns 0\nttl-ds 0\nttl-ns 0\nttl-dnskey 0\nttl-data 0\nttl-negative 0\ndelay-parent 0\ndelay-losing 0\ndelay-gaining 0\n", TRANSFER_INSECURE, 0, 0, 0, 0, 0, NO, 300, { 0, 0 }, false },
	{ "move both\nhelp exchange\nds-at-transfer lost\n", TRANSFER_EXCHANGE, 99120, 120, 8220, 95520, 95520, 97320, 107220, { 105020, 106320 }, true },
};

static void
test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct case_times *c = &cases[i];
		struct world w;
		const struct transfer_times *t = &w.p.t;

		world_plan(&w, c->facts);
		if (w.p.pattern != c->pattern || t->ds_del != c->ds_del || t->ds_add != c->ds_add ||
		    t->ns != c->ns || t->losing_end != c->losing_end || t->stop != c->stop ||
		    t->clean != c->clean || t->end != c->end || w.p.insecure.from != c->insecure[0] ||
		    w.p.insecure.until != c->insecure[1] || w.p.borrowed != c->borrowed)
			fail_msg("%s%s: ds_del %lld ds_add %lld ns %lld losing_end %lld stop %lld clean %lld end %lld insecure %lld %lld",
			    c->facts, transfer_pattern_name(w.p.pattern), (long long)t->ds_del, (long long)t->ds_add,
			    (long long)t->ns, (long long)t->losing_end, (long long)t->stop, (long long)t->clean,
			    (long long)t->end, (long long)w.p.insecure.from, (long long)w.p.insecure.until);
		world_done(&w);
	}
}

/* --- steps --- */

struct case_steps {
	const char	*facts;
	struct { enum transfer_code code; enum transfer_who who; } step[12];
};
#define LO	TRANSFER_LOSING_OPERATOR
#define GO	TRANSFER_GAINING_OPERATOR
#define LR	TRANSFER_LOSING_REGISTRAR
#define GR	TRANSFER_GAINING_REGISTRAR
#define REG	TRANSFER_THE_REGISTRAR
#define ALL	{ TRANSFER_DONE, TRANSFER_EVERYONE }

static const struct case_steps runs[] = {
	{ "help exchange\n", { { TRANSFER_LOAD_JOINED, GO }, { TRANSFER_JOIN, LO }, { TRANSFER_DS_ADD, REG },
	    { TRANSFER_NS, REG }, { TRANSFER_NS_LOSING, LO }, { TRANSFER_STOP, LO }, { TRANSFER_CLEAN, GO },
	    { TRANSFER_DS_DEL, REG }, ALL } },
	{ "help cds\n", { { TRANSFER_LOAD_JOINED, GO }, { TRANSFER_JOIN, LO },
	    { TRANSFER_CDS_ADD, TRANSFER_BOTH_OPERATORS }, { TRANSFER_NS, REG }, { TRANSFER_NS_LOSING, LO },
	    { TRANSFER_STOP, LO }, { TRANSFER_CLEAN, GO }, { TRANSFER_CDS_DEL, GO }, ALL } },
	{ "help shared-ksk\n", { { TRANSFER_LOAD_SHARED, GO }, { TRANSFER_JOIN, LO }, { TRANSFER_NS, REG },
	    { TRANSFER_NS_LOSING, LO }, { TRANSFER_STOP, LO }, { TRANSFER_CLEAN, GO }, ALL } },
	{ "help copy\n", { { TRANSFER_LOAD_COPY, GO }, { TRANSFER_DS_ADD, REG }, { TRANSFER_NS, REG },
	    { TRANSFER_SWAP, GO }, { TRANSFER_STOP, LO }, { TRANSFER_DS_DEL, REG }, { TRANSFER_OWN_SIGS, GO },
	    { TRANSFER_CLEAN, GO }, ALL } },
	/* The registrar changes while there is no DS: the losing one removes it, the gaining one enters it. */
	{ "help none\nmove both\n", { { TRANSFER_LOAD_SIGNED, GO }, { TRANSFER_DS_NONE, LR },
	    { TRANSFER_REGISTRAR_ASK, GR }, { TRANSFER_NS, GR }, { TRANSFER_STOP, LO }, { TRANSFER_DS_NEW, GR }, ALL } },
	{ "help exchange\nmove both\nds-at-transfer lost\n", { { TRANSFER_LOAD_JOINED, GO }, { TRANSFER_JOIN, LO },
	    { TRANSFER_DS_ADD, LR }, { TRANSFER_NS, LR }, { TRANSFER_NS_LOSING, LO }, { TRANSFER_STOP, LO },
	    { TRANSFER_CLEAN, GO }, { TRANSFER_DS_DEL, LR }, { TRANSFER_REGISTRAR_ASK, GR }, { TRANSFER_DS_AGAIN, GR }, ALL } },
	{ "signed-before no\nsigned-after no\n", { { TRANSFER_LOAD, GO }, { TRANSFER_NS, REG }, { TRANSFER_STOP, LO }, ALL } },
	{ "signed-before no\nmove registrar\n", { { TRANSFER_REGISTRAR_ASK, GR },
	    { TRANSFER_SIGN_HERE, TRANSFER_THE_OPERATOR }, { TRANSFER_DS_NEW, GR }, ALL } },
	{ "signed-after no\nmove registrar\n", { { TRANSFER_DS_NONE, LR }, { TRANSFER_REGISTRAR_ASK, GR },
	    { TRANSFER_UNSIGN_HERE, TRANSFER_THE_OPERATOR }, ALL } },
};

static void
test_steps(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		struct world w;

		world_plan(&w, runs[i].facts);
		for (size_t k = 0; k < w.p.n_steps; k++)
			if (w.p.steps[k].code != runs[i].step[k].code || w.p.steps[k].who != runs[i].step[k].who)
				fail_msg("%sstep %zu is %s by %s", runs[i].facts, k,
				    transfer_findings[w.p.steps[k].code].code, transfer_who_name(w.p.steps[k].who));
		assert_int_equal(w.p.steps[w.p.n_steps - 1].code, TRANSFER_DONE);
		assert_int_equal(w.p.steps[w.p.n_steps - 1].at, w.p.t.end);
		world_done(&w);
	}
}

/* --- what is told --- */

static void
test_told(void **state)
{
	struct world w;

	(void)state;
	world_plan(&w, "help none\nlosing-keeps 1h\n");
	assert_true(said(&w, TRANSFER_UNREACHABLE));
	assert_int_equal(w.p.unreachable.from, 8100 + 3600);
	assert_int_equal(w.p.unreachable.until, 99000);
	assert_true(said(&w, TRANSFER_INSECURE_WINDOW));
	world_done(&w);

	world_plan(&w, "help exchange\ngaining-algorithm 15\n");
	assert_true(said(&w, TRANSFER_ALG));
	assert_int_equal(w.p.gaining_alg, 13);
	assert_false(said(&w, TRANSFER_INSECURE_WINDOW));
	world_done(&w);

	world_plan(&w, "help exchange\ngaining-algorithm 15\ncommon-algorithm no\n");
	assert_true(said(&w, TRANSFER_ALG_APART));
	world_done(&w);
}

/* A plan with a time that somebody changed is refused, with its story. */
static void
test_unproven(void **state)
{
	struct world w;
	bool holds = true;

	(void)state;
	world_plan(&w, "help exchange\n");
	w.p.t.clean -= 1;
	assert_int_equal(transfer_prove(&w.f, &w.p, &w.fs, &holds), 0);
	assert_false(holds);
	assert_true(said(&w, TRANSFER_UNPROVEN));
	world_done(&w);

	/* A window that is not there is as wrong as one that is not told. */
	world_plan(&w, "help none\n");
	w.p.insecure.until -= 1;
	assert_int_equal(transfer_prove(&w.f, &w.p, &w.fs, &holds), 0);
	assert_false(holds);
	world_done(&w);
}

/* --- text --- */

static void
test_text(void **state)
{
	static const char *const bad[] = { "ttl-ds soon\n", "ttl-ds\n", "ttl-ds 1 2\n", "ttl-ds 367d\n",
		"help much\n", "helps none\n", "losing-algorithm 0\n", "zone a\001b\n", "ttl-ds always\n" };
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct transfer_facts again;
	struct world w;

	(void)state;
	world_plan(&w, "zone example.jp. # ours\n\nhelp cds\ndirection out\nlosing-keeps 2d\n");
	transfer_facts_print(&w.f, &one);
	transfer_facts_init(&again);
	assert_int_equal(transfer_facts_parse(buf_get(&one), &w.fs, &again), 0);
	again.given = w.f.given;
	transfer_facts_print(&again, &two);
	assert_true(sv_eq(buf_get(&one), buf_get(&two)));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		w.fs = (struct findings){ 0 };
		findings_init(&w.fs, w.pool);
		if (transfer_facts_parse(sv_str(bad[i]), &w.fs, &w.f) != SE_SYNTAX)
			fail_msg("taken: %s", bad[i]);
		assert_true(said(&w, TRANSFER_FACT));
	}
	buf_done(&one);
	buf_done(&two);
	world_done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_unproven),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
