/*
 * timeline: what is taken can be printed and read again as the same, is judged
 * within bounds, and its bad states are as the model allows. What follows a
 * line of "--" is a step, which is searched for.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
round_trip(const struct timeline *h, struct findings *fs)
{
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct timeline *again = NULL;

	timeline_print(h, &one);
	/* Only the text's own limit may be in the way. */
	if (timeline_parse(buf_get(&one), fs, &again) == 0) {
		timeline_print(again, &two);
		must(sv_eq(buf_get(&one), buf_get(&two)));
	} else
		must(one.len > (1u << 20));
	(void)timeline_free(again);
	buf_done(&one);
	buf_done(&two);
}

static bool
is_kind(const struct timeline *h, int version, enum timeline_kind kind)
{
	const struct timeline_version *v = version < 0 ? NULL : timeline_version(h, (unsigned)version);

	return v != NULL && v->kind == kind;
}

static void
bad_check(const struct timeline *h, const struct timeline_bad *bad)
{
	must(bad->at.from < bad->at.until);
	must(is_kind(h, bad->ds, TIMELINE_DS));
	must((bad->ill == TIMELINE_INSECURE) == (bad->dnskey < 0));
	must((bad->ill == TIMELINE_BOGUS_DATA) == (bad->data >= 0));
	must(bad->dnskey < 0 || is_kind(h, bad->dnskey, TIMELINE_DNSKEY));
	must(bad->data < 0 || is_kind(h, bad->data, TIMELINE_DATA));
}

static void
judge(const struct timeline *h, struct findings *fs)
{
	struct timeline_verdict v;
	struct buf b = BUF_INIT;
	int rc = timeline_check(h, TIMELINE_EVER, &v);

	must(rc == 0 || rc == SE_LIMIT);
	if (rc < 0)
		return;
	must((v.n_bads == 0) == (v.n_merged == 0) && v.n_states >= v.n_bads && v.n_merged <= v.n_bads);
	for (size_t i = 0; i < v.n_bads; i++) {
		bad_check(h, &v.bads[i]);
		must(i == 0 || v.bads[i - 1].at.from <= v.bads[i].at.from);
	}
	timeline_report(h, &v, TIMELINE_EVER, fs);
	must(timeline_table(h, &b, LANG_JA) == 0);
	buf_done(&b);
	timeline_verdict_done(&v);
}

static void
search(const struct timeline *h, struct sv text, struct findings *fs)
{
	struct timeline_step step;
	struct timeline *then = NULL;
	struct timeline_verdict v;
	int64_t x;
	int rc;

	if (timeline_step_parse(h, text, fs, &step) < 0)
		return;
	rc = timeline_earliest(h, &step, 0, TIMELINE_EVER, fs, fs, &x);
	must(rc == 0 || rc == SE_LIMIT);
	if (rc < 0 || x == TIME_NEVER)
		return;
	/* Safe there it is. */
	must(timeline_apply(h, &step, x, &then) == 0);
	if (timeline_check(then, TIMELINE_EVER, &v) == 0) {
		must(v.n_bads == 0);
		timeline_verdict_done(&v);
	}
	(void)timeline_free(then);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n }, rest = text, line, step = { NULL, 0 };
	struct pool *pool = pool_new(64u << 20);
	struct timeline *h = NULL;
	struct findings fs;

	must(pool != NULL);
	findings_init(&fs, pool);
	while (sv_line(&rest, &line))
		if (sv_eq_str(line, "--")) {
			step = rest;
			text.n = (size_t)(line.p - text.p);
			break;
		}
	if (timeline_parse(text, &fs, &h) == 0) {
		round_trip(h, &fs);
		judge(h, &fs);
		if (step.n > 0)
			search(h, step, &fs);
	} else
		must(h == NULL && fs.n_kept == 1);
	(void)timeline_free(h);
	(void)pool_free(pool);
	return 0;
}
