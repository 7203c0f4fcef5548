/* Metrics of zones and their keys, one family after the other. */
#include <string.h>

#include "app/web_internal.h"
#include "out/metrics.h"

static void
put(struct metrics *m, enum metric id, const struct sv *labels, unsigned n, uint64_t v)
{
	if (metric_u64(m, id, labels, n, v) < 0)
		m->b->rc = -1;
}

static void
put_word(struct metrics *m, enum metric id, const char *word, uint64_t v)
{
	const struct sv label = sv_str(word);

	put(m, id, &label, 1, v);
}

/* Numbers of a zone; TOLD_NONE is no sample. */
static int64_t
ds_open(const struct told_zone *z)
{
	return z->by_key && !z->ds_done ? z->ds_since : TOLD_NONE;
}

static int64_t
of_zone(const struct told_zone *z, enum metric id)
{
	switch (id) {
	case METRIC_ZONE_SERIAL:
		return z->serial;
	case METRIC_ZONE_HORIZON:
		return z->horizon;
	case METRIC_ZONE_NEXT:
		return z->next_signing;
	case METRIC_ZONE_REFUSALS:
		return z->by_zone ? (int64_t)z->refusals : TOLD_NONE;
	case METRIC_ZONE_KEY_NEXT:
		return z->next;
	case METRIC_ZONE_BACKUP:
		return z->by_key ? (int64_t)z->n_backup : TOLD_NONE;
	case METRIC_ZONE_DS_DEMAND:
		return ds_open(z);
	case METRIC_ZONE_DS_ALARM:
		return z->by_key ? z->ds_alarm : TOLD_NONE;
	case METRIC_ZONE_HELD:
		return z->by_key ? z->held : TOLD_NONE;
	case METRIC_ZONE_UNUSABLE:
		return !z->by_key ? TOLD_NONE : z->token[0] != '\0' || strcmp(z->keys_state, "cannot") == 0;
	case METRIC_ZONE_REFUSED_STEP:
		return z->by_key ? z->refused : TOLD_NONE;
	case METRIC_ZONE_TODO:
		return z->by_key ? (int64_t)z->n_todo : TOLD_NONE;
	default:
		return TOLD_NONE;
	}
}

static void
family(struct metrics *m, const struct told *t, enum metric id)
{
	for (size_t i = 0; i < t->n; i++) {
		int64_t v = of_zone(&t->v[i], id);

		if (v != TOLD_NONE)
			put_word(m, id, t->v[i].name, (uint64_t)v);
	}
}

static void
totals(struct metrics *m, const struct told *t)
{
	uint64_t n_zones = 0, usec = 0, refused[TOLD_REFUSAL_MAX] = { 0 };

	for (size_t i = 0; i < t->n; i++) {
		n_zones += t->v[i].by_zone;
		usec += t->v[i].sign_usec;
		for (int r = 0; r < TOLD_REFUSAL_MAX; r++)
			refused[r] += t->v[i].refused_by[r];
	}
	put_word(m, METRIC_ZONES, "good", t->n_good);
	put_word(m, METRIC_ZONES, "kept", t->n_served > t->n_good ? t->n_served - t->n_good : 0);
	put_word(m, METRIC_ZONES, "waiting", n_zones > t->n_served ? n_zones - t->n_served : 0);
	put(m, METRIC_ZONE_SIGNATURES, NULL, 0, t->signatures);
	if (metric_milli(m, METRIC_ZONE_SIGNING, NULL, 0, usec / 1000) < 0)
		m->b->rc = -1;
	for (int r = 0; r < TOLD_REFUSAL_MAX; r++)
		put_word(m, METRIC_ZONE_REFUSED, told_refusal_word((enum told_refusal)r), refused[r]);
}

/* Of each role that the zone has keys of, all states: an alert needs the zeros. */
static void
keys_of(struct metrics *m, const struct told_zone *z, const char *role)
{
	uint64_t n[TOLD_LIFE_MAX] = { 0 };
	bool some = false;

	for (size_t i = 0; i < z->n_keys; i++)
		if (strcmp(z->keys[i].role, role) == 0) {
			n[z->keys[i].life]++;
			some = true;
		}
	for (int l = 0; some && l < TOLD_LIFE_MAX; l++) {
		const struct sv labels[] = { sv_str(z->name), sv_str(role),
		    sv_str(told_life_word((enum told_life)l)) };

		put(m, METRIC_KEYS, labels, ARRAY_LEN(labels), n[l]);
	}
}

void
web_zone_metrics(struct metrics *m, const struct told *t)
{
	static const char *const roles[] = { "KSK", "ZSK", "CSK" };
	static const enum metric of_zones[] = { METRIC_ZONE_SERIAL, METRIC_ZONE_HORIZON, METRIC_ZONE_NEXT,
	    METRIC_ZONE_REFUSALS };
	static const enum metric of_keys[] = { METRIC_ZONE_KEY_NEXT, METRIC_ZONE_BACKUP,
	    METRIC_ZONE_DS_DEMAND, METRIC_ZONE_DS_ALARM, METRIC_ZONE_HELD, METRIC_ZONE_UNUSABLE,
	    METRIC_ZONE_REFUSED_STEP, METRIC_ZONE_TODO };

	if (t->by_zone) {
		totals(m, t);
		for (size_t i = 0; i < ARRAY_LEN(of_zones); i++)
			family(m, t, of_zones[i]);
	}
	for (size_t i = 0; i < t->n; i++)
		for (size_t r = 0; r < ARRAY_LEN(roles); r++)
			keys_of(m, &t->v[i], roles[r]);
	for (size_t i = 0; i < ARRAY_LEN(of_keys); i++)
		family(m, t, of_keys[i]);
}
