/* Until p256_ifma.c is here. */
#include "crypto/p256_way.h"

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
