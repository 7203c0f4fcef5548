/* Sums of table entries in 64-bit words, one signature beside the other. Verification only. */
#include "crypto/p256_field_inv.h"
#include "crypto/p256_sum.h"

_Static_assert(FE_LANES * SUM_COLUMNS <= P256_CHUNK, "no more than a chunk may have");

const struct p256_way *
p256_way_64(void)
{
	static const struct p256_way way = {
		.chunk = FE_LANES * SUM_COLUMNS,
		.room_size = sizeof(struct sum_room),
		.check = sum_check,
	};

	return &way;
}
