/* What the roles zone and key tell: any JSON becomes a list that can be written as JSON. */
#include <jansson.h>
#include <stdlib.h>

#include "app/zone_told.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
write_again(const struct told_zone *z)
{
	struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	json_t *o;

	json_open(&j, '{');
	told_json(&j, z, 1795000000, true, LANG_JA);
	json_close(&j, '}');
	if (b.rc < 0 || (o = json_loadb(b.p, b.len, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		abort();
	json_decref(o);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sv text = { (const char *)p, n };
	struct told t = { 0 };

	(void)!told_zones(&t, text);
	(void)!told_keys(&t, text);
	if (t.n > TOLD_ZONES_MAX)
		abort();
	for (size_t i = 0; i < t.n; i++)
		write_again(&t.v[i]);
	told_done(&t);
	return 0;
}
