/* Until rsa_lanes.c, p256_table.c, p256_64.c and p256_ifma.c are here. */
#include <errno.h>

#include "crypto/p256.h"
#include "crypto/rsa_lanes.h"

#define WEAK	__attribute__((weak))

WEAK bool
rsa_lanes_can(void)
{
	return false;
}

WEAK void
rsa_lane_key_init(struct rsa_lane_key *k UNUSED, const uint8_t modulus[static RSA_LANE_LEN] UNUSED)
{
}

WEAK void
rsa_lanes_check(struct rsa_lane *l UNUSED, size_t n UNUSED)
{
}

WEAK int
p256_table_new(const uint8_t *xy UNUSED, bool lanes UNUSED, struct p256_table **ret UNUSED)
{
	return -ENOMEM;
}

WEAK struct p256_table *
p256_table_free(struct p256_table *t UNUSED)
{
	return NULL;
}

WEAK struct p256_work *
p256_work_new(bool lanes UNUSED)
{
	return NULL;
}

WEAK struct p256_work *
p256_work_free(struct p256_work *w UNUSED)
{
	return NULL;
}

WEAK bool
p256_lanes_can(void)
{
	return false;
}

WEAK void
p256_check(struct p256_work *w UNUSED, const struct p256_table *g UNUSED,
    struct p256_item *i UNUSED, size_t n UNUSED)
{
}
