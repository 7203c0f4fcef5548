/* Until p256_table.c, p256_64.c and p256_ifma.c are here. */
#include <errno.h>

#include "crypto/p256.h"

#define WEAK	__attribute__((weak))

WEAK bool
p256_lanes_can(void)
{
	return false;
}

WEAK const struct p256_way *
p256_way_lanes(void)
{
	return NULL;
}
