/* intake_text: what is read has well-formed data, and reads the same when it is printed. */
#include <stdint.h>
#include <stdlib.h>

#include "dnssec/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
round_trip(struct pool *pool, const struct dname *zone, const struct intake_record *r, size_t n)
{
	struct intake_record again[INTAKE_RECORDS_MAX];
	char type[RRTYPE_STRLEN];
	struct findings fs;

	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;
		size_t k;

		must(rdata_ok(r[i].type, r[i].rdata));
		buf_printf(&b, "%s ", rrtype_str(r[i].type, type));
		rdata_print(&b, r[i].type, r[i].rdata);
		findings_init(&fs, pool);
		if (b.len < INTAKE_LINE_MAX - 1) {
			must(intake_text_parse(pool, zone, buf_get(&b), &fs, again, &k) == 0 && k == 1);
			must(again[0].type == r[i].type && sv_eq(again[0].rdata, r[i].rdata));
		}
		buf_done(&b);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(16u << 20);
	struct intake_record r[INTAKE_RECORDS_MAX];
	struct findings fs;
	struct dname zone;
	size_t n_read;

	must(pool != NULL && dname_parse(SV("example.jp."), NULL, &zone) == 0);
	findings_init(&fs, pool);
	if (intake_text_parse(pool, &zone, (struct sv){ (const char *)bytes, n }, &fs, r, &n_read) == 0) {
		const struct intake_input in = { .zone = zone, .entered = r, .n_entered = n_read, .now = 1795000000 };

		must(n_read <= INTAKE_RECORDS_MAX);
		round_trip(pool, &zone, r, n_read);
		must(intake_check(&in, &fs) == 0);
		intake_registry_check(intake_registry_find(&zone), &in, &fs);
	}
	(void)pool_free(pool);
	return 0;
}
