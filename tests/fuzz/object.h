/*
 * The body of every fuzz_TYPE.c of an RPKI object: define OBJECT_URI, include
 * this. The object is read alone, as `rpki explain FILE` does; all findings
 * are printed, as their arguments point into what was read.
 */
#include <stdint.h>
#include <stdlib.h>

#include "rpki/limits.h"
#include "rpki/rpki.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
findings_print(const struct findings *fs)
{
	struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	json_open(&j, '[');
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		finding_json(&j, f, LANG_JA);
	json_close(&j, ']');
	buf_done(&b);
}

/* What is valid was not rejected, and its payloads can be. */
static void
object_judge(const struct rpki_object *o, const struct findings *fs)
{
	if (o->verdict == V_VALID && findings_reject(fs))
		abort();
	for (size_t i = 0; o->verdict == V_VALID && i < o->n_vrps; i++) {
		const struct vrp *v = &o->vrps[i];

		if (v->len > v->max_len || v->max_len > ip_bits(v->af) ||
		    !ip_is_masked(v->addr, v->len))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(64 << 20);
	struct rpki_opt opt = { .now = 1795300000, .tolerate = RPKI_TOL_DEFAULT };
	struct sv ski = { 0 }, aki = { 0 }, aia = { 0 };
	struct rpki_object o = { 0 };
	struct findings fs;

	if (pool == NULL)
		return 0;
	findings_init(&fs, pool);
	if (rpki_object_check(pool, SV(OBJECT_URI), (struct sv){ (const char *)p, n },
	    &opt, &fs, &o, &ski, &aki, &aia) == 0)
		object_judge(&o, &fs);
	findings_print(&fs);
	return 0;
}
