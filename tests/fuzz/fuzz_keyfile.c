/* Private key files of BIND: never more than the room, always wiped when refused. */
#include <stdlib.h>

#include "base/pool.h"
#include "dnssec/keyfile.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 16);
	static struct keyfile kf;
	struct findings fs;

	if (pool == NULL)
		return 0;
	findings_init(&fs, pool);
	if (keyfile_parse((struct sv){ (const char *)data, n }, &fs, &kf) == 0) {
		if (findings_reject(&fs))
			abort();
		keyfile_done(&kf);
	} else if (!findings_reject(&fs) || kf.n_room != 0)
		abort();
	return 0;
}
