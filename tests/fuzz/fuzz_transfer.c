/* transfer: facts that are taken can be printed and read again, and have a plan that holds. */
#include <stdint.h>
#include <stdlib.h>

#include "dnssec/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
round_trip(const struct transfer_facts *f, struct findings *fs)
{
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct transfer_facts again;

	transfer_facts_init(&again);
	transfer_facts_print(f, &one);
	must(transfer_facts_parse(buf_get(&one), fs, &again) == 0);
	again.given = f->given;
	transfer_facts_print(&again, &two);
	must(sv_eq(buf_get(&one), buf_get(&two)));
	buf_done(&one);
	buf_done(&two);
}

static void
plan(const struct transfer_facts *f, struct findings *fs)
{
	struct transfer_plan p;

	must(transfer_plan(f, fs, &p) == 0);
	must(p.n_steps > 0 && p.n_steps < TRANSFER_STEPS_MAX);
	for (size_t i = 1; i < p.n_steps; i++)
		must(p.steps[i].wait >= 0 && p.steps[i - 1].at <= p.steps[i].at);
	must(p.t.end >= 0 && p.t.end != TIME_NEVER);
	must(p.unreachable.from <= p.unreachable.until);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(16u << 20);
	struct transfer_facts f;
	struct findings fs;
	int rc;

	must(pool != NULL);
	findings_init(&fs, pool);
	transfer_facts_init(&f);
	rc = transfer_facts_parse((struct sv){ (const char *)bytes, n }, &fs, &f);
	if (rc == 0) {
		round_trip(&f, &fs);
		plan(&f, &fs);
	} else
		must(n > TRANSFER_TEXT_MAX || fs.n_kept == 1);
	(void)pool_free(pool);
	return 0;
}
