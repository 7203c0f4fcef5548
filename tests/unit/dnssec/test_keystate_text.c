/* The policy's table and checks; the state as text; the history for the proof. */
#include "keystate_world.h"

#include "dnssec/timeline.h"

static struct world w;

/* --- policy --- */

static struct pool *pool;
static struct findings fs;

static bool
says(const struct dnssec_policy *p, enum keystate_code code)
{
	pool = pool_free(pool);
	pool = pool_new(1 << 20);
	findings_init(&fs, pool);
	policy_check(p, &fs);
	for (const struct finding *f = fs.head; f != NULL; f = f->next)
		if (f->def == &keystate_findings[code])
			return true;
	return false;
}

static bool
good(const struct dnssec_policy *p)
{
	return !says(p, POLICY_RANGE) && fs.head == NULL;
}

static void
policies(void **state UNUSED)
{
	static const struct {
		enum keystate_code	code;
		const char		*option;
		uint32_t		bad, fine;
		uint32_t		algorithm;
	} rows[] = {
		{ POLICY_ALGORITHM, "algorithm", 5, 13, 0 },
		{ POLICY_ALGORITHM, "algorithm", 99, 15, 0 },
		{ POLICY_ALGORITHM_OLD, "algorithm", 10, 8, 0 },
		{ POLICY_KEY_BITS, "ksk_bits", 1023, 1024, 8 },
		{ POLICY_REFRESH, "refresh", 14 * DAY, 5 * DAY, 0 },
		/* A day of TTL, five minutes of propagation, an hour of skew. */
		{ POLICY_VALIDITY_TTL, "refresh", DAY + 3899, DAY + 3900, 0 },
		{ POLICY_JITTER, "jitter", 9 * DAY, 9 * DAY - 1, 0 },
		/* K + D + K by the delays of the default policy. */
		{ POLICY_LIFETIME, "csk_lifetime", 2 * 7500 + 180000 - 1 + 0, 2 * 7500 + 180000, 0 },
		{ POLICY_TIMERS_PARENT, "timers_parent", 1, 0, 0 },
		{ POLICY_CDS, "cds", POLICY_CDS_NEVER, POLICY_CDS_ALWAYS, 0 },
		{ POLICY_STANDBY, "standby_zsk", 1, 0, 0 },
		{ POLICY_RANGE, "standby_ksk", 4, 0, 0 },
	};
	struct dnssec_policy p = policy_default();
	size_t n;
	const struct policy_row *row = policy_rows(&n);

	assert_true(good(&p));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct policy_row *r = row;

		while (r < row + n && strcmp(r->name, rows[i].option) != 0)
			r++;
		assert_true(r < row + n);
		p = policy_default();
		if (rows[i].algorithm != 0)
			p.algorithm = rows[i].algorithm;
		memcpy((char *)&p + r->off, &rows[i].bad, sizeof(uint32_t));
		if (!says(&p, rows[i].code))
			fail_msg("row %zu", i);
		memcpy((char *)&p + r->off, &rows[i].fine, sizeof(uint32_t));
		if (!good(&p))
			fail_msg("row %zu is good", i);
	}
	pool = pool_free(pool);
}

static void
policy_rows_hold(void **state UNUSED)
{
	struct dnssec_policy p = policy_default();
	size_t n;
	const struct policy_row *row = policy_rows(&n);

	assert_int_equal(n * sizeof(uint32_t), sizeof(p));
	for (size_t i = 0; i < n; i++) {
		struct sv words = sv_str(row[i].words == NULL ? "" : row[i].words), word;
		uint32_t n_words = 0;

		assert_in_range(row[i].value, row[i].min, row[i].max);
		assert_int_equal(policy_get(&p, &row[i]), row[i].value);
		for (; sv_word(&words, &word); n_words++) {
			assert_int_equal(policy_set_text(&p, &row[i], word), 0);
			assert_int_equal(policy_get(&p, &row[i]), n_words);
		}
		if (row[i].type == POLICY_WORD) {
			assert_int_equal(n_words, row[i].max + 1);
			assert_int_equal(policy_set_text(&p, &row[i], SV("1")), -EINVAL);
		}
		if (row[i].type == POLICY_BOOL) {
			assert_int_equal(policy_set_text(&p, &row[i], SV("no")), 0);
			assert_int_equal(policy_get(&p, &row[i]), 0);
		}
		if (row[i].max < UINT32_MAX)
			assert_int_equal(policy_set(&p, &row[i], row[i].max + 1), -ERANGE);
		assert_int_equal(policy_set(&p, &row[i], row[i].max), 0);
	}
}

/* RFC 7583: the leads and lengths that the defaults make. */
static void
policy_times(void **state UNUSED)
{
	struct dnssec_policy p = policy_default();
	const uint32_t k = 300 + HOUR + HOUR, z = 300 + DAY + HOUR, d = DAY + HOUR + DAY + HOUR;

	assert_int_equal(policy_lead(&p, KS_ZSK), k);
	assert_int_equal(policy_lead(&p, KS_KSK), k);
	assert_int_equal(policy_roll_time(&p, KS_ZSK), k + z + k);
	assert_int_equal(policy_roll_time(&p, KS_KSK), k + d + k);
	assert_int_equal(policy_roll_time(&p, KS_CSK), k + d + k);
	p.zsk_roll = POLICY_ZSK_DOUBLE_SIGNATURE;
	p.ksk_roll = POLICY_KSK_DOUBLE_DS;
	assert_int_equal(policy_lead(&p, KS_ZSK), 0);
	assert_int_equal(policy_lead(&p, KS_KSK), d);
	assert_int_equal(policy_roll_time(&p, KS_ZSK), z + k);
	assert_int_equal(policy_roll_time(&p, KS_KSK), d + k + d);
}

/* --- the state as text --- */

/* In the middle of two rolls, with all there is. */
static void
busy(void)
{
	world_init(&w);
	world_run(&w, T0 + 3 * DAY);
	assert_int_equal(keystate_command(&w.st, KS_CMD_ROLL, 1, w.now), 0);
	assert_int_equal(keystate_command(&w.st, KS_CMD_ROLL, 2, w.now), 0);
	world_run(&w, T0 + 3 * DAY + 8000);
	assert_int_equal(keystate_command(&w.st, KS_CMD_LOST, 2, w.now), 0);
}

static void
round_trip(void **state UNUSED)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct keystate again;
	unsigned line;

	for (int i = 0; i < 2; i++) {
		if (i == 0)
			world_init(&w);
		else
			busy();
		a.len = b.len = 0;
		keystate_write(&w.st, &a);
		assert_int_equal(keystate_parse(buf_get(&a), &again, &line, &w.fs), 0);
		assert_null(w.fs.head);
		assert_memory_equal(&again, &w.st, sizeof(again));
		keystate_write(&again, &b);
		assert_true(sv_eq(buf_get(&a), buf_get(&b)));
		world_done(&w);
	}
	buf_done(&a);
	buf_done(&b);
}

/* Any one octet less, or another, is no state, or one that is not trusted. */
static void
damage(void **state UNUSED)
{
	struct buf a = BUF_INIT;
	struct keystate again;
	unsigned line;

	busy();
	keystate_write(&w.st, &a);
	for (size_t n = 0; n < a.len; n++) {
		char c = a.p[n];
		int rc;

		assert_true(keystate_parse((struct sv){ a.p, n }, &again, &line, &w.fs) < 0);
		a.p[n] = c == '1' ? '2' : '1';
		rc = keystate_parse(buf_get(&a), &again, &line, &w.fs);
		assert_true(rc == SE_SYNTAX || rc == SE_FORMAT || (rc == 0 && again.unproven));
		a.p[n] = c;
	}
	assert_true(found(&w, KEY_STATE_EDITED));
	a.p[a.len - 1] = ' ';
	assert_int_equal(keystate_parse(buf_get(&a), &again, &line, &w.fs), SE_SYNTAX);
	world_done(&w);
	buf_done(&a);
}

static void
refused(void **state UNUSED)
{
	static const struct {
		const char	*text;
		int		rc;
		unsigned	line;
	} rows[] = {
		{ "", SE_SYNTAX, 1 },
		{ "something else\n", SE_SYNTAX, 1 },
		{ "sekisho-keystate 2\n", SE_FORMAT, 1 },
		{ "sekisho-keystate 1\n", SE_SYNTAX, 2 },
		{ "sekisho-keystate 1\nclock 1 2 3\n", SE_SYNTAX, 2 },
		{ "sekisho-keystate 1\nclock 1 2 3 4 5\n", SE_SYNTAX, 2 },
		{ "sekisho-keystate 1\nclock 1 2 3 99999999999999\n", SE_SYNTAX, 2 },
		{ "sekisho-keystate 1\nclock 1  2 3 4\n", SE_SYNTAX, 2 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nclock 1 2 3 4\n", SE_SYNTAX, 3 },
		{ "sekisho-keystate 1\nnext 3 5 1 2\n", SE_SYNTAX, 2 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nflag none\n", SE_SYNTAX, 3 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nflag hold\nflag hold\n", SE_SYNTAX, 4 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nnext 3 5 1 5\n", SE_SYNTAX, 3 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nnext 3 5 1 2\nds 1 - 0\n", SE_SYNTAX, 4 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nnext 3 5 1 2\nds - - 0\nset ds - - 0 1 known seen 0 never 7\n", SE_SYNTAX, 5 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nnext 3 5 1 2\nds - - 0\nsum 00\n", SE_SYNTAX, 5 },
		/* What happened has a time: never is for what is not over. */
		{ "sekisho-keystate 1\nclock never 2 3 4\n", SE_SYNTAX, 2 },
		{ "sekisho-keystate 1\nclock 1 2 3 never\n", SE_SYNTAX, 2 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nnext 3 5 1 2\nkey 1 ksk 13 7 256 0 hidden 0 0 never never "
		    "hidden 0 hidden 0 hidden 0 hidden 0 00\n", SE_SYNTAX, 4 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nnext 3 5 1 2\nkey 1 ksk 13 7 256 0 hidden 0 0 0 never "
		    "hidden never hidden 0 hidden 0 hidden 0 00\n", SE_SYNTAX, 4 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nnext 3 5 1 2\nkey 1 ksk 13 7 256 0 hidden 0 0 0 never "
		    "hidden 0 hidden 0 hidden 0 hidden 0 00\n?\n", SE_SYNTAX, 5 },
		{ "sekisho-keystate 1\nclock 1 2 3 4\nnext 3 5 1 2\nds - - never\n", SE_SYNTAX, 4 },
	};
	struct keystate st = { .now = 77 };
	unsigned line;

	world_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		line = 0;
		assert_int_equal(keystate_parse(sv_str(rows[i].text), &st, &line, &w.fs), rows[i].rc);
		assert_int_equal(line, rows[i].line);
		assert_int_equal(st.now, 77);
	}
	world_done(&w);
}

static uint32_t
dnskey_of(const struct keystate *st)
{
	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == KS_DNSKEY && st->sets[i].seq == st->seq[KS_DNSKEY])
			return st->sets[i].keys;
	return 0;
}

/*
 * An operator edits the file in the middle of a roll: as if the old key had
 * gone and the new one were everywhere. The zone says what it said, and no
 * resolver notices.
 */
static void
edited(void **state UNUSED)
{
	struct buf a = BUF_INIT;
	struct keystate before;
	unsigned line;

	busy();
	w.st.keys[1].flags &= ~(uint32_t)KS_FLAG_LOST;
	before = w.st;
	for (size_t i = 0; i < w.st.n_sets; i++) {
		struct keystate_set *s = &w.st.sets[i];

		if (s->kind == KS_DNSKEY && s->seq == w.st.seq[KS_DNSKEY])
			s->keys = s->sigs = 4;
	}
	keystate_write(&w.st, &a);
	a.p[a.len - 2] = a.p[a.len - 2] == '0' ? '1' : '0';
	assert_int_equal(keystate_parse(buf_get(&a), &w.st, &line, &w.fs), 0);
	assert_true(found(&w, KEY_STATE_EDITED));
	world_now(&w);
	assert_int_equal(w.step.pub.dnskey, dnskey_of(&before));
	assert_true(waits(&w, KS_WAIT_SETTLE));
	world_run(&w, T0 + 20 * DAY);
	assert_int_equal(keystate_find(&w.st, 1), -1);	/* and the rolls came to their ends */
	assert_int_equal(keystate_find(&w.st, 2), -1);
	assert_int_equal(w.st.n_sets, 3);
	world_done(&w);
	buf_done(&a);
}

/* --- the history --- */

/* The ills that timeline finds. */
static size_t
ills(const struct buf *text, const char *more)
{
	struct buf all = BUF_INIT;
	struct timeline *h = NULL;
	struct timeline_verdict v;
	size_t n;

	buf_sv(&all, buf_get(text));
	buf_str(&all, more);
	assert_int_equal(timeline_parse(buf_get(&all), &w.fs, &h), 0);
	assert_int_equal(timeline_check(h, TIMELINE_EVER, &v), 0);
	n = v.n_merged;
	timeline_verdict_done(&v);
	(void)timeline_free(h);
	buf_done(&all);
	return n;
}

/* What was played holds in the eyes of timeline, too; and what was not, does not. */
static void
history(void **state UNUSED)
{
	struct buf text = BUF_INIT;

	world_init(&w);
	w.history = keystate_history_new();
	w.policy.zsk_lifetime = 30 * DAY;
	world_run(&w, T0 + 80 * DAY);
	w.policy.algorithm = 15;
	world_run(&w, T0 + 100 * DAY);
	w.policy.secure = 0;
	world_run(&w, T0 + 110 * DAY);
	assert_int_equal(keystate_history_write(w.history, &w.policy, T0 - DAY, &text), 0);
	assert_int_equal(ills(&text, ""), 0);
	/* The unsigned zone of the first day, once more after two months; and no DS. */
	assert_int_equal(ills(&text, "serve s2.0 5184000 5184001 60\n"), 1);
	assert_int_equal(ills(&text, "serve d0 5184000 5184001 60\n"), 1);
	world_done(&w);
	buf_done(&text);

	/* Without TTLs, sets end in the very call in which they are seen to be gone. */
	world_init(&w);
	w.history = keystate_history_new();
	w.policy.publish_safety = w.policy.retire_safety = 0;
	w.policy.dnskey_ttl = w.policy.max_zone_ttl = w.policy.parent_ds_ttl = 0;
	w.policy.zsk_lifetime = 30 * DAY;
	for (int i = 0; i < SERVERS; i++)
		w.child[i].dnskey_ttl = w.child[i].data_ttl = 0;
	world_run(&w, T0 + 50 * DAY);
	assert_true(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0) > 0);
	assert_int_equal(keystate_history_write(w.history, &w.policy, T0 - DAY, &text), 0);
	assert_int_equal(ills(&text, ""), 0);
	/* The DS set is still there; its absence is not, and would be seen. */
	assert_non_null(memmem(buf_get(&text).p, buf_get(&text).n, " never 0\n", 9));
	assert_int_equal(ills(&text, "serve d0 3184000 3184001 0\n"), 1);
	world_done(&w);
	buf_done(&text);
}

TESTS_MAIN("keystate_text", T(policies), T(policy_rows_hold), T(policy_times), T(round_trip),
    T(damage), T(refused), T(edited), T(history))
