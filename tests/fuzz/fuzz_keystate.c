/*
 * The file of key states: what is taken is written again and read again as the
 * same; and whatever it says, a call with it holds or moves, and ends.
 */
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/keystate.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
play(struct keystate *st, struct findings *fs)
{
	static struct keystate_step step;
	struct dnssec_policy policy = policy_default();
	struct keystate_child c = { .at = st->now, .complete = true,
	    .dnskey_oldest = st->seq[KS_DNSKEY], .data_oldest = st->seq[KS_DATA] };
	struct keystate_parent p = { .at = st->now, .complete = true, .n_ds = 1,
	    .ds[0] = { .keys = st->ds_want, .ttl_sec = 60 } };
	struct keystate_observations seen = { &c, &p };

	st->unproven = false;		/* with nonsense, too, not only held */
	for (int i = 0; i < 4; i++) {
		int64_t before = st->now;
		int rc = keystate_next(st, &policy, &seen, st->now + i * 86400, fs, &step);

		must(rc == 0 || rc == SE_LIMIT);
		must(st->now >= before && st->n_sets <= KEYSTATE_SETS_MAX);
		c.at = p.at = st->now;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct keystate st, again;
	struct pool *pool = pool_new(1 << 20);
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct findings fs;
	unsigned line = 0;
	int rc;

	must(pool != NULL);
	findings_init(&fs, pool);
	rc = keystate_parse((struct sv){ (const char *)data, n }, &st, &line, &fs);
	must(rc == 0 || rc == SE_SYNTAX || rc == SE_FORMAT || rc == SE_LIMIT);
	if (rc == 0) {
		keystate_write(&st, &a);
		must(keystate_parse(buf_get(&a), &again, &line, &fs) == 0);
		keystate_write(&again, &b);
		must(sv_eq(buf_get(&a), buf_get(&b)));
		if (again.now < INT32_MAX)
			play(&again, &fs);
	}
	buf_done(&a);
	buf_done(&b);
	(void)pool_free(pool);
	return 0;
}
