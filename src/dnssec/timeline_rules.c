/*
 * The rules of a state, each as the set of seconds at which it holds. The
 * check combines them for all states, the story and the search for one.
 */
#include "dnssec/timeline_internal.h"

void
algs_of(const struct timeline *h, const struct timeline_version *ds, struct algs *ret)
{
	bool seen[UINT8_MAX + 1] = { false };

	for (size_t i = 0; i < ds->n_keys; i++)
		seen[h->keys[ds->keys[i]].alg] = true;
	ret->n = 0;
	for (size_t a = 0; a < ARRAY_LEN(seen); a++)
		if (seen[a])
			ret->v[ret->n++] = (uint8_t)a;
}

void
key_bits_of(const struct timeline_version *v, struct key_bits *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < v->n_keys; i++)
		ret->has[v->keys[i]] = true;
}

struct set
rule_alive(struct set_maker *m, const struct timeline_version *v)
{
	struct timeline_span *spans = set_room(m, v->n_serves);

	if (spans == NULL)
		return (struct set){ 0 };
	for (size_t i = 0; i < v->n_serves; i++)
		spans[i] = (struct timeline_span){ v->serves[i].at.from, timeline_cached_until(&v->serves[i]) };
	return set_of(m, spans, v->n_serves);
}

struct set
rule_secure(const struct timeline *h, struct set_maker *m)
{
	struct timeline_span *spans = set_room(m, h->n_secures);

	if (spans == NULL || h->n_secures == 0)
		return (struct set){ 0 };
	memcpy(spans, h->secures, h->n_secures * sizeof(*spans));
	return set_of(m, spans, h->n_secures);
}

/* When a signature counts that a key of all these has made; alg -1: of any algorithm. */
static struct set
signed_by(const struct timeline *h, struct set_maker *m, const struct timeline_version *v, int alg,
    const struct key_bits *one, const struct key_bits *two)
{
	struct timeline_span *spans = set_room(m, v->n_sigs);
	size_t n = 0;

	if (spans == NULL)
		return (struct set){ 0 };
	for (size_t i = 0; i < v->n_sigs; i++) {
		unsigned key = v->sigs[i].key;

		if (one->has[key] && two->has[key] && (alg < 0 || h->keys[key].alg == alg))
			spans[n++] = timeline_usable(h, &v->sigs[i]);
	}
	return set_of(m, spans, n);
}

/* Of each algorithm, or of any. */
static struct set
signed_enough(const struct timeline *h, struct set_maker *m, const struct algs *algs,
    const struct timeline_version *v, const struct key_bits *one, const struct key_bits *two)
{
	struct set all;

	if (!h->strict)
		return signed_by(h, m, v, -1, one, two);
	all = signed_by(h, m, v, algs->v[0], one, two);
	for (size_t i = 1; i < algs->n && all.n > 0; i++)
		all = set_and(m, all, signed_by(h, m, v, algs->v[i], one, two));
	return all;
}

struct set
rule_keys_good(const struct timeline *h, struct set_maker *m, const struct algs *algs,
    const struct key_bits *in_ds, const struct timeline_version *dnskey, const struct key_bits *in_dnskey)
{
	return signed_enough(h, m, algs, dnskey, in_ds, in_dnskey);
}

struct set
rule_data_good(const struct timeline *h, struct set_maker *m, const struct algs *algs,
    const struct key_bits *in_dnskey, const struct timeline_version *data)
{
	return signed_enough(h, m, algs, data, in_dnskey, in_dnskey);
}

struct set
rule_state(const struct timeline *h, struct set_maker *m, const struct timeline_bad *bad)
{
	const struct timeline_version *d = &h->versions[bad->ds], *k;
	struct key_bits in_ds, in_dnskey;
	struct set met, good;
	struct algs algs;

	met = rule_alive(m, d);
	if (bad->ill == TIMELINE_INSECURE)
		return set_and(m, met, rule_secure(h, m));
	k = &h->versions[bad->dnskey];
	algs_of(h, d, &algs);
	key_bits_of(d, &in_ds);
	key_bits_of(k, &in_dnskey);
	met = set_and(m, met, rule_alive(m, k));
	good = rule_keys_good(h, m, &algs, &in_ds, k, &in_dnskey);
	if (bad->ill == TIMELINE_BOGUS_KEYS)
		return set_minus(m, met, good);
	met = set_and(m, set_and(m, met, good), rule_alive(m, &h->versions[bad->data]));
	return set_minus(m, met, rule_data_good(h, m, &algs, &in_dnskey, &h->versions[bad->data]));
}
