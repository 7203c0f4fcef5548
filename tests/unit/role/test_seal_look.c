/* Role seal: whose record is looked at next, with a clock of its own. */
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "../../../src/role/seal_look.c"

#define NOW	1800000000
#define KEYS	60

/* --- the role's world --- */

static int64_t now;
static unsigned asked[KEYS];		/* how often each was */
static unsigned n_asked;		/* in this turn */
static char last[8][DNAME_STRLEN];	/* whose */

int64_t
role_now(const struct role *r UNUSED)
{
	return now;
}

void
role_log(struct role *r UNUSED, enum log_level level UNUSED, const char *fmt UNUSED, ...)
{
}

void
role_audit(struct role *r UNUSED, const char *event UNUSED, struct sv json UNUSED)
{
}

int
role_send(struct role *r UNUSED, enum msg_type type, enum role_id to, const void *msg)
{
	const struct msg_seal_look *m = msg;
	struct rd rd = rd_sv(m->key);
	struct dname name;
	unsigned i;

	assert_int_equal(type, MSG_seal_look);
	assert_int_equal(to, ROLE_NAME);
	dname_rd(&rd, &name);
	assert_true(rd_done(&rd));
	assert_in_range(n_asked, 0, AT_A_TIME - 1);
	(void)dname_str(&name, last[n_asked]);
	assert_int_equal(sscanf(last[n_asked++], "s%u.", &i), 1);
	assert_in_range(i, 0, KEYS - 1);
	asked[i]++;
	return 0;
}

struct seal_watch *
seal_watch_find(struct seal_role *s, struct sv name)
{
	for (size_t i = 0; i < s->watches.n; i++)
		if (sv_eq_str(name, s->watches.v[i].name))
			return &s->watches.v[i];
	return NULL;
}

static void
house_init(struct seal_role *s, struct pool *pool)
{
	*s = (struct seal_role){ .watches = { .n = KEYS } };
	s->watches.v = pool_calloc(pool, KEYS, sizeof(*s->watches.v));
	assert_non_null(s->watches.v);
	for (unsigned i = 0; i < KEYS; i++)
		s->watches.v[i] = (struct seal_watch){ .domain = "example.jp", .selector = "s", .path = "/nowhere",
		    .name = pool_printf(pool, "s%u._domainkey.example.jp", i) };
	memset(asked, 0, sizeof(asked));
	now = NOW;
}

static unsigned
turn(struct seal_role *s)
{
	n_asked = 0;
	assert_int_equal(seal_look_turn(s), 0);
	return n_asked;
}

/* What was asked in this turn comes back. */
static void
answers(struct seal_role *s, int code, unsigned has)
{
	for (unsigned i = 0; i < n_asked; i++) {
		struct dname name;

		assert_int_equal(dname_parse(sv_str(last[i]), NULL, &name), 0);
		assert_int_equal(seal_look_end(s, &(struct msg_seal_looked){
		    .key = { (const char *)name.w, name.len }, .code = code, .has = has }), 0);
	}
}

/* --- */

/* Those that are due again soon do not keep the others waiting. */
static void
test_turns(void **state UNUSED)
{
	struct pool *pool = pool_new(1 << 20);
	struct seal_role s;

	house_init(&s, pool);
	for (unsigned i = 0; i < KEYS; i += AT_A_TIME) {
		assert_in_range(turn(&s), 1, AT_A_TIME);
		answers(&s, SE_LIMIT, 0);
		now += 3;
	}
	for (unsigned i = 0; i < KEYS; i++)
		assert_in_range(asked[i], 1, 2);
	(void)pool_free(pool);
}

/* So many at a time, and no more until one is back, or given up; then not before the hour is over. */
static void
test_pace(void **state UNUSED)
{
	struct pool *pool = pool_new(1 << 20);
	struct seal_role s;
	unsigned all = 0;

	house_init(&s, pool);
	assert_int_equal(turn(&s), AT_A_TIME);
	now += LOST_SEC - 1;
	assert_int_equal(turn(&s), 0);
	now += 1;
	assert_int_equal(turn(&s), AT_A_TIME);		/* others: the first ones are not in the way */
	for (unsigned i = 0; i < 2 * AT_A_TIME; i++)
		assert_int_equal(asked[i], 1);
	do {
		all += n_asked;
		answers(&s, 0, 2);
	} while (turn(&s) > 0);
	assert_int_equal(all, KEYS);			/* with those that were lost, again */
	now += LOOK_SEC - 1;
	assert_int_equal(turn(&s), 0);
	now += 1;
	assert_int_equal(turn(&s), AT_A_TIME);
	answers(&s, 0, 2);
	now -= 10 * LOOK_SEC;				/* a clock that was set back */
	assert_int_equal(turn(&s), AT_A_TIME);
	(void)pool_free(pool);
}

/* An answer that nobody waits for, and one of nobody's. */
static void
test_strangers(void **state UNUSED)
{
	struct pool *pool = pool_new(1 << 20);
	struct seal_role s;
	struct dname name;

	house_init(&s, pool);
	assert_int_equal(dname_parse(SV("s1._domainkey.example.jp"), NULL, &name), 0);
	assert_int_equal(seal_look_end(&s, &(struct msg_seal_looked){ .key = { (const char *)name.w, name.len }, .has = 1 }), 0);
	assert_int_equal(s.watches.v[1].seen, 0);
	assert_int_equal(dname_parse(SV("s1._domainkey.example.net"), NULL, &name), 0);
	assert_int_equal(seal_look_end(&s, &(struct msg_seal_looked){ .key = { (const char *)name.w, name.len }, .has = 1 }), 0);
	assert_int_equal(seal_look_end(&s, &(struct msg_seal_looked){ .key = SV("\005ab") }), -EBADMSG);
	(void)pool_free(pool);
}

TESTS_MAIN("role-seal_look", T(test_turns), T(test_pace), T(test_strangers))
