/*
 * What parent, losing and gaining servers serve in the course of a plan, as a
 * history for dnssec/timeline: made from what is published when, not from what
 * the plan says of windows. That is what is held against it.
 */
#include <errno.h>

#include "dnssec/transfer_internal.h"

#define KL	(1u << 0)	/* losing KSK */
#define ZL	(1u << 1)	/* losing ZSK */
#define KG	(1u << 2)	/* gaining KSK */
#define ZG	(1u << 3)	/* gaining ZSK */
#define N_KEYS	4

struct maker {
	const struct transfer_facts	*f;
	const struct transfer_plan	*p;
	struct timeline			*h;
	int64_t				 start;
	unsigned			 key[N_KEYS];
	int				 rc;		/* the first failure */
};

#define SEC(id)	transfer_sec(m->f, TRANSFER_##id)
#define BEFORE	(-1)	/* long before the plan's start */

struct version {
	enum timeline_kind	 kind;
	const char		*id;
	unsigned		 keys, sigs;	/* masks */
	int64_t			 from, until, ttl;
};

static void
keys_add(struct maker *m)
{
	static const char *const names[N_KEYS] = { "losing-ksk", "losing-zsk", "gaining-ksk", "gaining-zsk" };
	uint8_t alg[N_KEYS] = { 0 };

	alg[0] = alg[1] = (uint8_t)m->f->number[TRANSFER_LOSING_ALG];
	alg[2] = alg[3] = m->p->gaining_alg;
	for (unsigned i = 0; i < N_KEYS && m->rc == 0; i++)
		m->rc = timeline_key_add(m->h, sv_str(names[i]), alg[i], &m->key[i]);
}

static void
parts_add(struct maker *m, const struct version *v, unsigned n)
{
	for (unsigned i = 0; i < N_KEYS && m->rc == 0; i++)
		if ((v->keys & 1u << i) != 0)
			m->rc = timeline_version_key(m->h, n, m->key[i]);
	for (unsigned i = 0; i < N_KEYS && m->rc == 0; i++) {
		struct timeline_sig sig = { .key = m->key[i], .inc = 0, .exp = TIME_NEVER };

		if ((v->sigs & 1u << i) != 0)
			m->rc = timeline_version_sig(m->h, n, &sig);
	}
}

/* Nothing, if it is never served. */
static void
put(struct maker *m, struct version v)
{
	struct timeline_serve s = { .ttl_sec = (uint32_t)v.ttl };
	unsigned n;

	if (m->rc < 0 || v.from == TIME_NEVER || (v.until != TIME_NEVER && v.from >= v.until))
		return;
	s.at.from = v.from == BEFORE ? 0 : m->start + v.from;
	s.at.until = v.until == TIME_NEVER ? TIME_NEVER : m->start + v.until;
	m->rc = timeline_version_add(m->h, v.kind, sv_str(v.id),
	    v.kind == TIMELINE_DATA ? SV("all") : (struct sv){ NULL, 0 }, &n);
	parts_add(m, &v, n);
	if (m->rc == 0)
		m->rc = timeline_serve_add(m->h, n, &s);
}

/* --- the parent --- */

static void
ds_put(struct maker *m, const char *id, unsigned keys, int64_t from, int64_t until)
{
	put(m, (struct version){ TIMELINE_DS, id, keys, 0, from, until,
	    keys == 0 ? SEC(TTL_NO_DS) : SEC(TTL_DS) });
}

/* The registrar transfer took the DS with it, and it was entered again. */
static void
ds_lose(struct maker *m, unsigned keys, int64_t from, const char *id)
{
	const struct transfer_times *t = &m->p->t;
	int64_t late = SEC(DELAY_PARENT);

	ds_put(m, id, keys, from, transfer_add(t->lost, late));
	ds_put(m, "ds-lost", 0, t->lost, transfer_add(t->again, late));
	if (t->lost != TIME_NEVER)
		ds_put(m, "ds-again", keys, t->again, TIME_NEVER);
}

static void
parent_put(struct maker *m)
{
	const struct transfer_times *t = &m->p->t;
	int64_t late = transfer_ds_sec(m->f, m->p);
	int64_t first = min_i64(t->ds_add, t->ds_del), last = max_i64(t->ds_add, t->ds_del);
	unsigned old = m->f->signed_before ? KL : 0;

	if (first == TIME_NEVER) {
		ds_lose(m, old, BEFORE, "ds-old");
		return;
	}
	ds_put(m, "ds-old", old, BEFORE, first + late);
	if (last == TIME_NEVER) {
		ds_put(m, "ds-last", t->ds_add != TIME_NEVER ? KG : 0, first, TIME_NEVER);
		return;
	}
	ds_put(m, "ds-between", t->ds_add < t->ds_del ? KL | KG : 0, first, last + late);
	ds_lose(m, KG, last, "ds-new");
}

/* --- the losing side --- */

static void
losing_put(struct maker *m)
{
	const struct transfer_times *t = &m->p->t;
	bool is_signed = m->f->signed_before, shared = m->p->pattern == TRANSFER_SHARED;
	int64_t keys = SEC(TTL_DNSKEY), stop = t->stop;
	int64_t joined = transfer_add(t->join, SEC(DELAY_LOSING));

	put(m, (struct version){ TIMELINE_DATA, "data-losing", 0, is_signed ? ZL : 0, BEFORE, stop,
	    transfer_data_sec(m->f) });
	if (!is_signed) {
		put(m, (struct version){ TIMELINE_DNSKEY, "keys-none-losing", 0, 0, BEFORE, stop, SEC(TTL_NEGATIVE) });
		return;
	}
	put(m, (struct version){ TIMELINE_DNSKEY, "keys-losing", KL | ZL, KL, BEFORE, min_i64(joined, stop), keys });
	put(m, (struct version){ TIMELINE_DNSKEY, shared ? "keys-shared" : "keys-joined", KL | ZL | ZG, KL,
	    t->join, stop, keys });
}

/* --- the gaining side --- */

/* First a copy of what the losing side serves. */
static void
copy_put(struct maker *m)
{
	const struct transfer_times *t = &m->p->t;
	int64_t late = SEC(DELAY_GAINING), keys = SEC(TTL_DNSKEY), data = transfer_data_sec(m->f);

	put(m, (struct version){ TIMELINE_DNSKEY, "keys-copied", KL | ZL, KL, t->ns, t->swap + late, keys });
	put(m, (struct version){ TIMELINE_DNSKEY, "keys-swapped", KG | ZG | ZL, KG, t->swap, t->clean + late, keys });
	put(m, (struct version){ TIMELINE_DNSKEY, "keys-gaining", KG | ZG, KG, t->clean, TIME_NEVER, keys });
	put(m, (struct version){ TIMELINE_DATA, "data-copied", 0, ZL, t->ns, t->sign + late, data });
	put(m, (struct version){ TIMELINE_DATA, "data-gaining", 0, ZG, t->sign, TIME_NEVER, data });
}

static void
gaining_put(struct maker *m)
{
	const struct transfer_times *t = &m->p->t;
	unsigned ksk = m->p->pattern == TRANSFER_SHARED ? KL : KG;
	int64_t keys = SEC(TTL_DNSKEY), data = transfer_data_sec(m->f);
	int64_t alone = m->p->borrowed ? t->clean : t->ns;

	if (!m->f->signed_after) {
		put(m, (struct version){ TIMELINE_DNSKEY, "keys-none-gaining", 0, 0, t->ns, TIME_NEVER, SEC(TTL_NEGATIVE) });
		put(m, (struct version){ TIMELINE_DATA, "data-gaining", 0, 0, t->ns, TIME_NEVER, data });
		return;
	}
	put(m, (struct version){ TIMELINE_DATA, "data-gaining", 0, ZG, t->ns, TIME_NEVER, data });
	if (m->p->borrowed)
		put(m, (struct version){ TIMELINE_DNSKEY, "keys-borrowed", ksk | ZG | ZL, ksk, t->ns,
		    t->clean + SEC(DELAY_GAINING), keys });
	put(m, (struct version){ TIMELINE_DNSKEY, "keys-gaining", ksk | ZG, ksk, alone, TIME_NEVER, keys });
}

int
transfer_history(const struct transfer_facts *f, const struct transfer_plan *p, int64_t start,
    struct timeline **ret)
{
	struct timeline_span secure = { start, TIME_NEVER };
	_cleanup_(timeline_freep) struct timeline *h = timeline_new();
	struct maker m = { .f = f, .p = p, .h = h, .start = start };

	if (h == NULL)
		return -ENOMEM;
	if (start < TRANSFER_START_MIN)
		return -ERANGE;
	m.rc = timeline_secure_add(h, &secure);
	keys_add(&m);
	parent_put(&m);
	losing_put(&m);
	if (p->t.ns != TIME_NEVER && p->pattern == TRANSFER_COPY)
		copy_put(&m);
	else if (p->t.ns != TIME_NEVER)
		gaining_put(&m);
	if (m.rc < 0)
		return m.rc;
	*ret = TAKE_PTR(h);
	return 0;
}

/* --- the proof --- */

/* Insecure in exactly this window, and never bogus? */
static bool
verdict_agrees(const struct timeline_verdict *v, const struct timeline_span *w, int64_t start)
{
	int64_t from = start + w->from, until = transfer_add(w->until, start);

	if (w->from >= w->until)
		return v->n_merged == 0;
	return v->n_merged == 1 && v->merged[0].ill == TIMELINE_INSECURE &&
	    v->merged[0].at.from == from && v->merged[0].at.until == until;
}

int
transfer_prove(const struct transfer_facts *f, const struct transfer_plan *p, struct findings *fs,
    bool *ret_holds)
{
	const int64_t start = TRANSFER_START_MIN;
	_cleanup_(timeline_freep) struct timeline *h = NULL;
	struct timeline_verdict v;
	bool holds;
	int rc = transfer_history(f, p, start, &h);

	if (rc < 0 || (rc = timeline_check(h, TIMELINE_EVER, &v)) < 0)
		return rc;
	holds = verdict_agrees(&v, &p->insecure, start);
	if (!holds) {
		finding_add(fs, &transfer_findings[TRANSFER_UNPROVEN], FA_MSG("what", transfer_pattern_text(p->pattern)));
		timeline_report(h, &v, TIMELINE_EVER, fs);
	}
	timeline_verdict_done(&v);
	*ret_holds = holds;
	return 0;
}
