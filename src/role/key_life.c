/*
 * The state of a zone's keys and its last step are 35 kB, nearly all of it room
 * for keys that a zone does not have. Those of the zones that were looked at
 * last are open; of the others it is kept what is not zero.
 *
 * Packed: for each run of 8-octet words u16 zeros, u16 others, and these.
 */
#include <stdlib.h>
#include <string.h>

#include "role/key_role.h"

#define WORDS	(sizeof(struct key_life) / 8)

_Static_assert(sizeof(struct key_life) % 8 == 0 && WORDS <= UINT16_MAX, "runs are counted with 16 bits");

/* Where it ends in dst; NULL: only count, as if dst were 0. */
static size_t
pack(const uint8_t *src, uint8_t *dst)
{
	static const uint8_t zero[8];
	size_t len = 0;

	for (size_t i = 0; i < WORDS;) {
		uint16_t run[2] = { 0, 0 };
		size_t first;

		for (; i < WORDS && memcmp(src + 8 * i, zero, 8) == 0; i++)
			run[0]++;
		for (first = i; i < WORDS && memcmp(src + 8 * i, zero, 8) != 0; i++)
			run[1]++;
		if (dst != NULL) {
			memcpy(dst + len, run, sizeof(run));
			memcpy(dst + len + sizeof(run), src + 8 * first, 8 * (size_t)run[1]);
		}
		len += sizeof(run) + 8 * (size_t)run[1];
	}
	return len;
}

static void
unpack(const uint8_t *src, uint8_t *dst)
{
	for (size_t i = 0; i < WORDS;) {
		uint16_t run[2];

		memcpy(run, src, sizeof(run));
		i += run[0];
		memcpy(dst + 8 * i, src + sizeof(run), 8 * (size_t)run[1]);
		i += run[1];
		src += sizeof(run) + 8 * (size_t)run[1];
	}
}

static void
life_close(struct key_zone *kz)
{
	const uint8_t *bytes = (const uint8_t *)kz->life;

	/* A role without memory dies, and finds all of it on the disk. */
	if ((kz->packed = malloc(pack(bytes, NULL))) == NULL)
		abort();
	(void)pack(bytes, kz->packed);
	kz->life = NULL;
}

struct key_life *
key_life(const struct key_zone *zone)
{
	struct key_zone *kz = (struct key_zone *)(uintptr_t)zone;
	struct key_zone **open;
	struct key_life *l;

	if (kz->life != NULL)
		return kz->life;
	/* The one that was opened first makes room. */
	open = &kz->kr->open[kz->kr->open_turn++ % KEY_LIVES_OPEN];
	l = *open != NULL ? (*open)->life : malloc(sizeof(*l));
	if (l == NULL)
		abort();
	if (*open != NULL)
		life_close(*open);
	*open = kz;
	memset(l, 0, sizeof(*l));
	if (kz->packed != NULL)
		unpack(kz->packed, (uint8_t *)l);
	free(kz->packed);
	kz->packed = NULL;
	kz->life = l;
	return l;
}
