/*
 * The P-256 tables of this process: of the generator, and of the keys that
 * sign much. Inside crypto/ only; verification only.
 *
 * A table takes 0.6 ms to make (0.9 ms for lanes) and saves 52 us of each
 * signature's 65 (62 us in lanes; EPYC of 2022, November 2026): it
 * pays from 12 or 14 on. So a key gets one when it has been seen with
 * P256_BREAK_EVEN of them, in one batch or in several. There are at most
 * P256_TABLES_MAX: who comes then takes the place of the key that was not
 * asked for longest. What is counted of a key without a table is forgotten
 * likewise, so a stranger with many keys costs little more than OpenSSL does.
 */
#ifndef CRYPTO_P256_CACHE_H
#define CRYPTO_P256_CACHE_H

#include "crypto/p256.h"

#define P256_BREAK_EVEN	16
#define P256_TABLES_MAX	32

/*
 * The table of a key that is asked for n more signatures; to be given back. NULL: it has
 * none (yet), or there is no memory: then OpenSSL computes.
 */
const struct p256_table *p256_cache_take(const uint8_t xy[static 2 * P256_LEN], size_t n,
	    bool lanes);
void	 p256_cache_give(const struct p256_table *);
/* Made when first asked for, and kept. NULL: no memory. */
const struct p256_table *p256_cache_generator(bool lanes);
/* Room to compute in, kept between batches. NULL: no memory. */
struct p256_work *p256_cache_work_take(bool lanes);
void	 p256_cache_work_give(struct p256_work *, bool lanes);

#endif
