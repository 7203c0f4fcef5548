/* SLURM: what is taken can be written, read again as the same, and applied. */
#include <stdint.h>
#include <stdlib.h>

#include "app/slurm.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct slurm *
read_one(struct sv text, struct findings *fs)
{
	struct slurm *s = slurm_new();

	if (s == NULL || slurm_json_parse(s, text, "fuzz", fs) < 0)
		abort();
	return findings_reject(fs) ? slurm_free(s) : s;
}

static void
sound_check(const struct payloads *p)
{
	for (size_t i = 0; i < p->n_vrps; i++)
		if (!vrp_is_sound(&p->vrps[i]) || p->vrps[i].ta >= p->n_tas)
			abort();
	for (size_t i = 0; i < p->n_router_keys; i++)
		if (p->router_keys[i].ta >= p->n_tas || p->router_keys[i].spki_len != 91)
			abort();
	for (size_t i = 0; i < p->n_aspas; i++)
		if (p->aspas[i].n_providers == 0 || p->aspas[i].ta >= p->n_tas)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(1 << 20);
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct payloads p = { 0 };
	struct findings fs;
	struct slurm *s, *again;

	if (pool == NULL)
		abort();
	findings_init(&fs, pool);
	if ((s = read_one((struct sv){ (const char *)bytes, n }, &fs)) != NULL) {
		slurm_write(s, &one);
		if ((again = read_one(buf_get(&one), &fs)) == NULL || again->n != s->n)
			abort();
		slurm_write(again, &two);
		if (!sv_eq(buf_get(&one), buf_get(&two)))
			abort();
		/* Twice: the first one's assertions are the second one's payloads. */
		if (slurm_check(s, &fs) < 0 || slurm_apply(s, 0, &p) < 0 || slurm_apply(again, 0, &p) < 0)
			abort();
		sound_check(&p);
		slurm_effects(s, &fs);
		(void)slurm_free(again);
	}
	(void)slurm_free(s);
	payloads_done(&p);
	buf_done(&one);
	buf_done(&two);
	(void)pool_free(pool);
	return 0;
}
