/* Which way signatures are verified: asked of the processor once, or forced. */
#include <errno.h>
#include <stdatomic.h>

#include "crypto/p256.h"
#include "crypto/rsa_lanes.h"
#include "crypto/verify.h"

/* One more than the path, 0: nothing was forced. */
static atomic_uint path_forced;

static const char *const names[] = {
	[CRYPTO_GENERIC] = "generic",
	[CRYPTO_TABLES] = "tables",
	[CRYPTO_IFMA] = "ifma",
};
_Static_assert(ARRAY_LEN(names) == CRYPTO_PATH_MAX, "a name for each");

const char *
crypto_path_name(enum crypto_path p)
{
	return names[p];
}

int
crypto_path_parse(struct sv s, enum crypto_path *ret)
{
	for (unsigned i = 0; i < CRYPTO_PATH_MAX; i++)
		if (sv_eq(s, sv_str(names[i]))) {
			*ret = (enum crypto_path)i;
			return 0;
		}
	return -EINVAL;
}

bool
crypto_path_can(enum crypto_path p)
{
	return p == CRYPTO_IFMA ? rsa_lanes_can() && p256_lanes_can() : p < CRYPTO_PATH_MAX;
}

enum crypto_path
crypto_path(void)
{
	unsigned forced = atomic_load_explicit(&path_forced, memory_order_relaxed);

	if (forced > 0)
		return (enum crypto_path)(forced - 1);
	return crypto_path_can(CRYPTO_IFMA) ? CRYPTO_IFMA : CRYPTO_TABLES;
}

int
crypto_path_force(enum crypto_path p)
{
	if (!crypto_path_can(p))
		return -ENOTSUP;
	atomic_store(&path_forced, (unsigned)p + 1);
	return 0;
}
