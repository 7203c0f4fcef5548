/*
 * P-256 verification by tables (FIPS 186-5 section 6.4.2). Inside crypto/
 * only; verification only (crypto/verify.h).
 */
#ifndef CRYPTO_P256_H
#define CRYPTO_P256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

#define P256_LEN	32		/* octets of a coordinate, a digest, r, s */

/* Multiples of one point; immutable, may be shared between threads. */
struct p256_table;
/*
 * Of the point x, y (a DNSKEY's octets); NULL: of the generator. lanes: for p256_check() in
 * lanes (then p256_lanes_can() must be true), else for the 64-bit one. -EINVAL: not on the
 * curve; -ENOMEM.
 */
int	 p256_table_new(const uint8_t *xy, bool lanes, struct p256_table **ret) MUST_USE;
struct p256_table *p256_table_free(struct p256_table *);
DEFINE_CLEANUP(struct p256_table, p256_table_free)

enum p256_verdict {
	P256_BAD,
	P256_GOOD,
	P256_UNDECIDED		/* an exceptional addition was met: ask OpenSSL */
};

struct p256_item {
	const struct p256_table	*key;
	const uint8_t		*digest;	/* P256_LEN octets */
	const uint8_t		*sig;		/* r, s: twice P256_LEN octets */
	enum p256_verdict	 verdict;
};

/* Room to compute in; one thread's at a time. NULL: no memory. */
struct p256_work;
struct p256_work *p256_work_new(bool lanes);
struct p256_work *p256_work_free(struct p256_work *);
DEFINE_CLEANUP(struct p256_work, p256_work_free)

/* Can this build do lanes on this processor? */
bool	 p256_lanes_can(void);
/*
 * Any number of them, of any keys; all tables and the work made for the same way (lanes or
 * not), g the generator's.
 */
void	 p256_check(struct p256_work *, const struct p256_table *g, struct p256_item *, size_t n);

#endif
