/* TSIG keys as text: what is taken is written, and read to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
round_trip(const struct tsig_keys *ks, struct findings *fs)
{
	struct tsig_keys again = { NULL, 0 };
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < ks->n; i++)
		tsig_key_print(&b, &ks->keys[i]);
	if (tsig_keys_parse(buf_get(&b), SV("again"), fs, &again) < 0 || again.n != ks->n)
		abort();
	for (size_t i = 0; i < ks->n; i++)
		if (!dname_eq(&ks->keys[i].name, &again.keys[i].name) ||
		    ks->keys[i].alg != again.keys[i].alg ||
		    ks->keys[i].mac_len != again.keys[i].mac_len ||
		    ks->keys[i].secret_len != again.keys[i].secret_len ||
		    memcmp(ks->keys[i].secret, again.keys[i].secret, ks->keys[i].secret_len) != 0)
			abort();
	tsig_keys_done(&again);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n };
	struct pool *pool = pool_new(1 << 16);
	struct tsig_keys ks = { NULL, 0 };
	struct tsig_key key;
	struct findings fs;

	if (pool == NULL)
		abort();
	findings_init(&fs, pool);
	if (tsig_keys_parse(text, SV("fuzz"), &fs, &ks) == 0)
		round_trip(&ks, &fs);
	else if (!findings_reject(&fs) && pool_used(pool) < 1 << 15)
		abort();		/* refused without a reason */
	tsig_keys_done(&ks);
	if (tsig_key_parse(text, &fs, &key) == 0)
		round_trip(&(struct tsig_keys){ &key, 1 }, &fs);
	(void)pool_free(pool);
	return 0;
}
