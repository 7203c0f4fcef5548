/* What the harnesses of rpki/ share: a pool a run, an issuer, checks that end in abort(). */
#ifndef TESTS_FUZZ_FUZZ_RPKI_H
#define TESTS_FUZZ_FUZZ_RPKI_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rpki/internal.h"

#define FUZZ_NOW	1795300000
#define FUZZ_POOL	((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct fuzz {
	struct pool	*pool;
	struct findings	 fs;
};

static inline struct fuzz
fuzz_begin(void)
{
	struct fuzz f = { .pool = pool_new(FUZZ_POOL) };

	if (f.pool == NULL)
		abort();
	findings_init(&f.fs, f.pool);
	return f;
}

/* The findings list is only sound where it was made: not by value. */
#define FUZZ_BEGIN(f)	struct fuzz f = fuzz_begin(); findings_init(&f.fs, f.pool)

static inline void
must(bool what)
{
	if (!what)
		abort();
}

/* Each finding has its text in both languages, whatever its arguments. */
static inline void
fuzz_end(struct fuzz *f)
{
	for (const struct finding *x = f->fs.head; x != NULL; x = x->next) {
		struct buf b = BUF_INIT;
		struct json j = json_on(&b, false);

		finding_text(&b, x, LANG_JA);
		must(b.len > 0);
		finding_json(&j, x, LANG_EN);
		buf_done(&b);
	}
	(void)pool_free(f->pool);
}

/* Sorted, disjoint, and each range the right way round. */
static inline void
fuzz_resources(const struct resources *r)
{
	const struct ip_res *ip[2] = { &r->v4, &r->v6 };

	for (int a = 0; a < 2; a++)
		for (size_t i = 0; i < ip[a]->n; i++) {
			const struct ip_range *x = &ip[a]->r[i];
			struct buf b = BUF_INIT;

			must(memcmp(x->min, x->max, 16) <= 0);
			must(i == 0 || memcmp(ip[a]->r[i - 1].max, x->min, 16) < 0);
			must(ip_res_covers(ip[a], x->min, x->max));
			if (i < 3)
				ip_range_print(&b, x, a == 0 ? IP_V4 : IP_V6);
			buf_done(&b);
		}
	for (size_t i = 0; i < r->as.n; i++) {
		must(r->as.r[i].min <= r->as.r[i].max);
		must(i == 0 || r->as.r[i - 1].max < r->as.r[i].min);
		must(as_res_covers(&r->as, r->as.r[i].min, r->as.r[i].max));
	}
}

/* What is cut to an issuer is inside of it; cut twice, nothing changes. */
static inline void
fuzz_cut(struct pool *pool, const struct resources *want)
{
	static const struct ip_range v4[] = { { { 10 }, { 10, 255, 255, 255 } }, { { 192 }, { 223, 255, 255, 255 } } };
	static const struct ip_range v6[] = { { { 0x20 }, { 0x2f, 255 } } };
	static const struct as_range as[] = { { 0, 9 }, { 64496, 64511 }, { 65536, UINT32_MAX } };
	static const struct resources have = { { true, false, 2, v4 }, { true, false, 1, v6 },
	    { true, false, 3, as } };
	struct findings fs;
	struct resources once, twice;

	findings_init(&fs, pool);
	if (resources_effective(pool, want, &have, true, &fs, &once) < 0)
		return;
	for (size_t i = 0; i < once.v4.n; i++)
		must(ip_res_covers(&have.v4, once.v4.r[i].min, once.v4.r[i].max));
	for (size_t i = 0; i < once.v6.n; i++)
		must(ip_res_covers(&have.v6, once.v6.r[i].min, once.v6.r[i].max));
	for (size_t i = 0; i < once.as.n; i++)
		must(as_res_covers(&have.as, once.as.r[i].min, once.as.r[i].max));
	fuzz_resources(&once);
	findings_init(&fs, pool);
	if (resources_effective(pool, &once, &have, true, &fs, &twice) < 0)
		return;
	must(fs.head == NULL && twice.v4.n == once.v4.n && twice.v6.n == once.v6.n &&
	    twice.as.n == once.as.n);
}

#endif
