/* zone_steps: what an operator's words become is a step that timeline reads, or a fault that names its word. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "app/zone_steps.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static struct timeline *
history(struct findings *fs)
{
	struct timeline *h = NULL;

	must(timeline_parse(SV("key ksk7-a 13\nkey ksk7-b 13\nkey zsk12 8\nds d ksk7-a\nserve d 0 never 5\n"
	    "dnskey k keys ksk7-a zsk12 sigs ksk7-a:0:never\nserve k 0 never 5\n"
	    "data s A sigs zsk12:0:never\nserve s 0 never 5\nsecure 0 never\n"), fs, &h) == 0);
	return h;
}

/* One step a line, as --step is given several times. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n }, line;
	struct pool *pool = pool_new(64u << 20);
	struct buf edits = BUF_INIT;
	struct zone_steps_fault fault;
	struct timeline_step step;
	struct timeline *h, *then = NULL;
	struct findings fs;
	int rc = 0;

	must(pool != NULL);
	findings_init(&fs, pool);
	h = history(&fs);
	for (unsigned i = 0; i < 16 && rc == 0 && sv_line(&text, &line); i++) {
		rc = zone_steps_read(h, line, &edits, &fault);
		must(rc != -EEXIST || fault.n_candidates > 1);
		must(rc != -ENOENT || fault.word.n > 0);
	}
	if (rc == 0 && timeline_step_parse(h, buf_get(&edits), &fs, &step) == 0) {
		rc = timeline_apply(h, &step, 100, &then);
		must(rc == 0 || rc == SE_LIMIT);
	}
	(void)timeline_free(then);
	(void)timeline_free(h);
	buf_done(&edits);
	(void)pool_free(pool);
	return 0;
}
