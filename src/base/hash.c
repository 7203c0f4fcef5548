#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define CAP_MIN		64

static uint64_t seed0 = 0x736f6d6570736575, seed1 = 0x646f72616e646f6d;

void
hash_seed(uint64_t k0, uint64_t k1)
{
	seed0 = k0;
	seed1 = k1;
}

static inline uint64_t
rotl(uint64_t x, unsigned b)
{
	return x << b | x >> (64 - b);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t
hash_bytes(const void *src, size_t n)
{
	const unsigned char *p = src;
	uint64_t v[4] = {
		seed0 ^ 0x736f6d6570736575, seed1 ^ 0x646f72616e646f6d,
		seed0 ^ 0x6c7967656e657261, seed1 ^ 0x7465646279746573,
	};
	uint64_t m;

	for (size_t left = n; left >= 8; left -= 8, p += 8) {
		memcpy(&m, p, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)n << 56;
	for (size_t i = 0; i < n % 8; i++)
		m |= (uint64_t)p[i] << (8 * i);
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
map_done(struct map *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

static struct map_slot *
slot_find(struct map_slot *slots, size_t cap, struct sv key, uint64_t hash)
{
	size_t i = hash & (cap - 1);

	while (slots[i].key.p != NULL && (slots[i].hash != hash || !sv_eq(slots[i].key, key)))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

/* All keys differ: the first empty one will do. */
static int
map_grow(struct map *m, size_t cap)
{
	struct map_slot *slots = calloc(cap, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < m->cap; i++) {
		size_t at = m->slots[i].hash & (cap - 1);

		if (m->slots[i].key.p == NULL)
			continue;
		while (slots[at].key.p != NULL)
			at = (at + 1) & (cap - 1);
		slots[at] = m->slots[i];
	}
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
	return 0;
}

int
map_reserve(struct map *m, size_t n)
{
	size_t cap = CAP_MIN;

	if (n > SIZE_MAX / sizeof(*m->slots) / 4)
		return -ENOMEM;
	while (n * 4 > cap * 3)
		cap *= 2;
	return m->cap >= cap ? 0 : map_grow(m, cap);
}

int
map_add_hashed(struct map *m, struct sv key, uint64_t hash, void *value)
{
	struct map_slot *s;
	int rc;

	if (key.p == NULL)
		key.p = "";
	if ((m->n + 1) * 4 > m->cap * 3 &&
	    (rc = map_grow(m, m->cap == 0 ? CAP_MIN : m->cap * 2)) < 0)
		return rc;
	s = slot_find(m->slots, m->cap, key, hash);
	if (s->key.p != NULL)
		return -EEXIST;
	*s = (struct map_slot){ key, value, hash };
	m->n++;
	return 0;
}

int
map_add(struct map *m, struct sv key, void *value)
{
	return map_add_hashed(m, key, hash_bytes(key.p, key.n), value);
}

void *
map_find_hashed(const struct map *m, struct sv key, uint64_t hash)
{
	if (m->cap == 0)
		return NULL;
	return slot_find(m->slots, m->cap, key, hash)->value;
}

void *
map_find(const struct map *m, struct sv key)
{
	return map_find_hashed(m, key, hash_bytes(key.p, key.n));
}

char *
hex_encode(char *dst, const void *src, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = src;

	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[p[i] >> 4];
		dst[2 * i + 1] = digits[p[i] & 15];
	}
	dst[2 * n] = '\0';
	return dst;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
hex_decode(void *dst, size_t n, struct sv src)
{
	unsigned char *d = dst;

	if (src.n != 2 * n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(src.p[2 * i]);
		int lo = hex_digit(src.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -EINVAL;
		d[i] = (unsigned char)(hi << 4 | lo);
	}
	return 0;
}
