/*
 * A keyed hash for tables whose keys come from strangers (SipHash-1-3,
 * Aumasson and Bernstein), a map from byte strings to pointers, and hex.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

/* Once per process, before any map is made, from a random source. */
void		 hash_seed(uint64_t k0, uint64_t k1);
uint64_t	 hash_bytes(const void *, size_t n);

/*
 * Open addressing, power of two, load at most 3/4, no deletion: built once,
 * read often. Keys are slices that must outlive the map.
 */
struct map_slot {
	struct sv	 key;		/* p == NULL: empty */
	void		*value;
	uint64_t	 hash;		/* of the key: to grow, and to see others at a glance */
};

struct map {
	struct map_slot	*slots;
	size_t		 n, cap;
};

void		 map_done(struct map *);
/* -EEXIST (the old value stays) or -ENOMEM. */
int		 map_add(struct map *, struct sv key, void *value) MUST_USE;
void		*map_find(const struct map *, struct sv key);
/* The same with hash_bytes() of the key, for who looks into several maps. */
int		 map_add_hashed(struct map *, struct sv key, uint64_t hash, void *value) MUST_USE;
void		*map_find_hashed(const struct map *, struct sv key, uint64_t hash);
/* Room for n without growing. -ENOMEM. */
int		 map_reserve(struct map *, size_t n) MUST_USE;

/* Lower case; dst has room for 2n + 1 and is NUL-terminated. */
char		*hex_encode(char *dst, const void *src, size_t n);
/* Exactly n bytes from 2n digits of either case; -EINVAL. */
int		 hex_decode(void *dst, size_t n, struct sv src) MUST_USE;

#endif
