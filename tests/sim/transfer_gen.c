/*
 * transfer_gen SEED N: random facts of transfers, each with its plan: the
 * history that servers would give, as a batch for sim, begun by a comment
 *
 *	# PATTERN FROM UNTIL	the window in which the plan says it is insecure
 *	# early NAME		the same plan with one time a second too early
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "dnssec/transfer.h"
#include "random.h"

#define START	1000

static void
facts_random(struct dice *r, struct transfer_facts *f)
{
	transfer_facts_init(f);
	f->move = (enum transfer_move)dice_in(r, 0, TRANSFER_MOVE_MAX - 1);
	f->help = (enum transfer_help)dice_in(r, 0, TRANSFER_HELP_MAX - 1);
	f->signed_before = dice_in(r, 0, 3) > 0;
	f->signed_after = dice_in(r, 0, 3) > 0;
	f->common_alg = dice_in(r, 0, 1) > 0;
	f->ds_kept = dice_in(r, 0, 1) > 0;
	for (unsigned i = TRANSFER_TTL_PARENT_NS; i < TRANSFER_NUMBER_MAX; i++)
		f->number[i] = (uint32_t)dice_in(r, 1, dice_percent(r, 50) ? 60 : 8);
	if (dice_in(r, 0, 2) > 0)
		f->number[TRANSFER_LOSING_KEEPS] = TRANSFER_ALWAYS;
	if (dice_in(r, 0, 2) == 0)
		f->number[TRANSFER_GAINING_ALG] = 8;
}

static void
history_print(const struct transfer_facts *f, const struct transfer_plan *p)
{
	struct timeline *h = NULL;
	struct buf b = BUF_INIT;

	if (transfer_history(f, p, START, &h) < 0)
		exit(3);
	timeline_print(h, &b);
	printf("%.*s--\n", SV_ARG(buf_get(&b)));
	buf_done(&b);
	(void)timeline_free(h);
}

static void
plan_print(const struct transfer_facts *f, const struct transfer_plan *p)
{
	const struct timeline_span *w = &p->insecure;

	printf("# %s", transfer_pattern_name(p->pattern));
	if (w->from < w->until && w->until == TIME_NEVER)
		printf(" %" PRId64 " never", START + w->from);
	else if (w->from < w->until)
		printf(" %" PRId64 " %" PRId64, START + w->from, START + w->until);
	printf("\n");
	history_print(f, p);
}

/* A time that waits for caches, a second too early. */
static void
early_print(const struct transfer_facts *f, const struct transfer_plan *p, const char *name,
    enum transfer_code code, size_t offset)
{
	struct transfer_plan early = *p;

	for (size_t i = 0; i < p->n_steps; i++) {
		const struct transfer_step *s = &p->steps[i];

		if (s->code != code || s->why == NULL || strstr(s->why, "caches") == NULL)
			continue;
		*(int64_t *)(void *)((char *)&early.t + offset) -= 1;
		printf("# early %s\n", name);
		history_print(f, &early);
		return;
	}
}

static void
earlies_print(const struct transfer_facts *f, const struct transfer_plan *p)
{
#define EARLY(code, field) early_print(f, p, #field, (code), offsetof(struct transfer_times, field))
	EARLY(TRANSFER_NS, ns);
	EARLY(TRANSFER_DS_NEW, ds_add);
	EARLY(TRANSFER_DS_DEL, ds_del);
	EARLY(TRANSFER_CDS_DEL, ds_del);
	EARLY(TRANSFER_SWAP, swap);
	EARLY(TRANSFER_OWN_SIGS, sign);
	EARLY(TRANSFER_CLEAN, clean);
}

int
main(int argc, char **argv)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(16u << 20);
	struct dice r = { argc > 1 ? strtoull(argv[1], NULL, 10) : 1 };
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100;

	if (pool == NULL)
		return 3;
	for (unsigned i = 0; i < n; i++) {
		struct transfer_facts f;
		struct transfer_plan p;
		struct findings fs;

		pool_reset(pool);
		findings_init(&fs, pool);
		facts_random(&r, &f);
		if (transfer_plan(&f, &fs, &p) < 0) {
			struct buf b = BUF_INIT;

			transfer_facts_print(&f, &b);
			timeline_story_text(&b, &fs, LANG_EN);
			fprintf(stderr, "no plan for\n%.*s", SV_ARG(buf_get(&b)));
			return 1;
		}
		plan_print(&f, &p);
		earlies_print(&f, &p);
	}
	return 0;
}
