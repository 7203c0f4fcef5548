/* Histories as text, verdicts as lines: what the tests of timeline share. */
#ifndef TESTS_UNIT_DNSSEC_TIMELINE_WORLD_H
#define TESTS_UNIT_DNSSEC_TIMELINE_WORLD_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/timeline.h"

/* A pool and findings for one test. */
struct said {
	struct pool	*pool;
	struct findings	 fs;
};

static inline void
said_init(struct said *s)
{
	assert_non_null(s->pool = pool_new(16u << 20));
	findings_init(&s->fs, s->pool);
}

static inline void
said_done(struct said *s)
{
	(void)pool_free(s->pool);
}

static inline struct timeline *
read_history(const char *text)
{
	struct timeline *h = NULL;
	struct said s;

	said_init(&s);
	assert_int_equal(timeline_parse(sv_str(text), &s.fs, &h), 0);
	said_done(&s);
	return h;
}

static inline const char *
name_of(const struct timeline *h, int version)
{
	return version < 0 ? "-" : timeline_version(h, (unsigned)version)->id.p;
}

/* The merged bad intervals, "KIND FROM UNTIL DS DNSKEY DATA\n" each. */
static inline void
verdict_lines(const struct timeline *h, struct buf *b)
{
	struct timeline_verdict v;

	assert_int_equal(timeline_check(h, TIMELINE_EVER, &v), 0);
	for (size_t i = 0; i < v.n_merged; i++) {
		const struct timeline_bad *bad = &v.merged[i];

		buf_printf(b, "%s %" PRId64 " ", timeline_ill_name(bad->ill), bad->at.from);
		if (bad->at.until == TIME_NEVER)
			buf_str(b, "never");
		else
			buf_u64(b, (uint64_t)bad->at.until);
		buf_printf(b, " %s %s %s\n", name_of(h, bad->ds), name_of(h, bad->dnskey), name_of(h, bad->data));
	}
	timeline_verdict_done(&v);
}

static inline void
assert_text(struct buf *b, const char *want)
{
	buf_char(b, '\0');
	assert_string_equal(b->p, want);
	buf_done(b);
}

/* The codes of the findings, a blank behind each. */
static inline void
assert_codes(const struct findings *fs, const char *want)
{
	struct buf b = BUF_INIT;

	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		buf_printf(&b, "%s ", f->def->code);
	assert_text(&b, want);
}

#endif
