/* A bad state told as what happened, in order, and why it is bad. */
#include <stdlib.h>

#include "dnssec/timeline_internal.h"

#define F FINDING_ROW_
const struct finding_def roll_findings[ROLL_CODE_MAX] = {
#include "dnssec/roll_findings.def"
};
#undef F

/* How a resolver came by one part of the state. */
struct fetch {
	const struct timeline_version	*v;
	const struct timeline_serve	*from;
	int64_t				 at;
};

/* The line that is still served at t, or else the one that caches keep longest. */
static const struct timeline_serve *
serve_at(const struct timeline_version *v, int64_t t)
{
	const struct timeline_serve *best = NULL;

	for (size_t i = 0; i < v->n_serves; i++) {
		const struct timeline_serve *s = &v->serves[i];

		if (s->at.from > t || timeline_cached_until(s) <= t)
			continue;
		if (s->at.until > t)
			return s;
		if (best == NULL || timeline_cached_until(s) > timeline_cached_until(best))
			best = s;
	}
	return best;
}

static size_t
fetch_add(const struct timeline *h, int version, int64_t t, struct fetch *f, size_t n)
{
	if (version < 0)
		return n;
	f[n].v = &h->versions[version];
	if ((f[n].from = serve_at(f[n].v, t)) == NULL)
		return n;
	f[n].at = min_i64(t, f[n].from->at.until - 1);
	return n + 1;
}

static int
by_fetch(const void *x, const void *y)
{
	const struct fetch *a = x, *b = y;

	return (a->at > b->at) - (a->at < b->at);
}

static const char *
what_name(const struct timeline_version *v)
{
	switch (v->kind) {
	case TIMELINE_DS:
		return v->n_keys == 0 ? N_("the absence of DS") : N_("the DS set");
	case TIMELINE_DNSKEY:
		return N_("the DNSKEY set");
	case TIMELINE_DATA:
	case TIMELINE_KIND_MAX:
	default:
		return N_("the data");
	}
}

static void
tell_fetches(const struct timeline *h, const struct timeline_bad *bad, struct findings *fs)
{
	struct fetch f[3];
	int64_t t = bad->at.from;
	size_t n = 0;

	n = fetch_add(h, bad->ds, t, f, n);
	n = fetch_add(h, bad->dnskey, t, f, n);
	n = fetch_add(h, bad->data, t, f, n);
	qsort(f, n, sizeof(*f), by_fetch);
	for (size_t i = 0; i < n; i++) {
		if (f[i].from->at.until <= t)
			finding_add(fs, &roll_findings[ROLL_CACHED], FA_TIME("at", f[i].at),
			    FA_MSG("what", what_name(f[i].v)), FA_SV("version", f[i].v->id),
			    FA_TIME("kept", f[i].at + f[i].from->ttl_sec));
		else
			finding_add(fs, &roll_findings[ROLL_SERVED], FA_TIME("at", t),
			    FA_MSG("what", what_name(f[i].v)), FA_SV("version", f[i].v->id),
			    FA_TIME("since", f[i].from->at.from));
	}
}

/* --- why --- */

struct why {
	const struct timeline		*h;
	struct findings			*fs;
	const struct timeline_version	*ds, *dnskey, *data;
	struct key_bits			 in_ds, in_dnskey;
	int64_t				 t;
	unsigned			 n;	/* lines so far */
};

static bool
may_say(struct why *w)
{
	return w->n++ < TIMELINE_REASONS_MAX;
}

/* Does it count at t? */
static bool
counts(const struct why *w, const struct timeline_sig *s)
{
	struct timeline_span u = timeline_usable(w->h, s);

	return u.from <= w->t && w->t < u.until;
}

/* A signature by a key that is there, but not at this time. */
static void
tell_sig_time(struct why *w, const struct timeline_version *v, const struct timeline_sig *s)
{
	struct sv key = w->h->keys[s->key].name;

	if (!may_say(w))
		return;
	if (w->t < s->inc + w->h->skew_sec)
		finding_add(w->fs, &roll_findings[ROLL_SIG_EARLY], FA_SV("key", key), FA_SV("version", v->id),
		    FA_TIME("inception", s->inc), FA_U("skew", w->h->skew_sec));
	else
		finding_add(w->fs, &roll_findings[ROLL_SIG_LATE], FA_SV("key", key), FA_SV("version", v->id),
		    FA_TIME("expiration", s->exp), FA_U("skew", w->h->skew_sec));
}

/* The first key that DS and DNSKEY have in common for the algorithm, or -1. */
static int
common_key(const struct why *w, uint8_t alg)
{
	for (size_t i = 0; i < w->ds->n_keys; i++) {
		unsigned key = w->ds->keys[i];

		if (w->in_dnskey.has[key] && w->h->keys[key].alg == alg)
			return (int)key;
	}
	return -1;
}

/* Why no signature of the algorithm makes the DNSKEY set good; nothing if one does. */
static void
tell_keys_alg(struct why *w, uint8_t alg)
{
	const struct timeline_version *k = w->dnskey;
	size_t n_sigs = 0;
	int key = common_key(w, alg);

	for (size_t i = 0; i < k->n_sigs; i++)
		if (counts(w, &k->sigs[i]) && w->in_ds.has[k->sigs[i].key] &&
		    w->in_dnskey.has[k->sigs[i].key] && w->h->keys[k->sigs[i].key].alg == alg)
			return;
	for (size_t i = 0; i < k->n_sigs && key >= 0; i++)
		if (w->in_ds.has[k->sigs[i].key] && w->in_dnskey.has[k->sigs[i].key] &&
		    w->h->keys[k->sigs[i].key].alg == alg) {
			tell_sig_time(w, k, &k->sigs[i]);
			n_sigs++;
		}
	if (n_sigs > 0 || !may_say(w))
		return;
	if (key < 0)
		finding_add(w->fs, &roll_findings[ROLL_NO_COMMON_KEY], FA_SV("ds", w->ds->id),
		    FA_SV("dnskey", k->id), FA_U("alg", alg));
	else
		finding_add(w->fs, &roll_findings[ROLL_KEYS_UNSIGNED], FA_SV("ds", w->ds->id),
		    FA_SV("dnskey", k->id), FA_SV("key", w->h->keys[key].name), FA_U("alg", alg));
}

/* The same for data; alg -1: of any algorithm. */
static void
tell_data_alg(struct why *w, int alg)
{
	const struct timeline_version *s = w->data;
	size_t n_sigs = 0;

	for (size_t i = 0; i < s->n_sigs; i++) {
		unsigned key = s->sigs[i].key;

		if (alg >= 0 && w->h->keys[key].alg != alg)
			continue;
		n_sigs++;
		if (w->in_dnskey.has[key] && counts(w, &s->sigs[i]))
			return;
	}
	if (n_sigs == 0 && may_say(w))
		finding_add(w->fs, &roll_findings[ROLL_NO_ALGORITHM], FA_SV("data", s->id),
		    FA_SV("ds", w->ds->id), FA_U("alg", alg));
	for (size_t i = 0; i < s->n_sigs; i++) {
		unsigned key = s->sigs[i].key;

		if (alg >= 0 && w->h->keys[key].alg != alg)
			continue;
		if (w->in_dnskey.has[key])
			tell_sig_time(w, s, &s->sigs[i]);
		else if (may_say(w))
			finding_add(w->fs, &roll_findings[ROLL_KEY_MISSING], FA_SV("data", s->id),
			    FA_SV("key", w->h->keys[key].name), FA_SV("dnskey", w->dnskey->id));
	}
}

static void
tell_why(struct why *w)
{
	struct algs algs;

	algs_of(w->h, w->ds, &algs);
	if (w->data != NULL && w->data->n_sigs == 0) {
		finding_add(w->fs, &roll_findings[ROLL_DATA_UNSIGNED], FA_SV("data", w->data->id));
		return;
	}
	if (w->data != NULL && !w->h->strict) {
		tell_data_alg(w, -1);
		return;
	}
	for (size_t i = 0; i < algs.n; i++)
		if (w->data != NULL)
			tell_data_alg(w, algs.v[i]);
		else
			tell_keys_alg(w, algs.v[i]);
}

void
timeline_story(const struct timeline *h, const struct timeline_bad *bad, struct findings *fs)
{
	struct why w = { .h = h, .fs = fs, .ds = &h->versions[bad->ds], .t = bad->at.from };

	tell_fetches(h, bad, fs);
	if (bad->ill == TIMELINE_INSECURE) {
		finding_add(fs, &roll_findings[ROLL_INSECURE], FA_TIME("from", bad->at.from),
		    FA_TIME("until", bad->at.until), FA_SV("ds", w.ds->id));
		return;
	}
	w.dnskey = &h->versions[bad->dnskey];
	key_bits_of(w.ds, &w.in_ds);
	key_bits_of(w.dnskey, &w.in_dnskey);
	if (bad->ill == TIMELINE_BOGUS_DATA) {
		w.data = &h->versions[bad->data];
		finding_add(fs, &roll_findings[ROLL_BOGUS_DATA], FA_TIME("from", bad->at.from),
		    FA_TIME("until", bad->at.until), FA_SV("ds", w.ds->id), FA_SV("dnskey", w.dnskey->id),
		    FA_SV("data", w.data->id));
	} else
		finding_add(fs, &roll_findings[ROLL_BOGUS_KEYS], FA_TIME("from", bad->at.from),
		    FA_TIME("until", bad->at.until), FA_SV("ds", w.ds->id), FA_SV("dnskey", w.dnskey->id));
	tell_why(&w);
}

void
timeline_report(const struct timeline *h, const struct timeline_verdict *v, struct timeline_span window,
    struct findings *fs)
{
	int64_t until = 0;

	if (v->n_bads == 0) {
		finding_add(fs, &roll_findings[ROLL_SAFE], FA_TIME("from", max_i64(window.from, 0)),
		    FA_TIME("until", window.until));
		return;
	}
	timeline_story(h, &v->bads[0], fs);
	for (size_t i = 0; i < v->n_merged; i++)
		until = max_i64(until, v->merged[i].at.until);
	if (v->n_states > 1)
		finding_add(fs, &roll_findings[ROLL_OTHERS], FA_U("n", v->n_states - 1), FA_TIME("until", until));
}

void
timeline_assumptions(const struct timeline *h, struct findings *fs)
{
	finding_add0(fs, &roll_findings[ROLL_ASSUME_MIX]);
	finding_add0(fs, &roll_findings[ROLL_ASSUME_TTL]);
	finding_add0(fs, &roll_findings[ROLL_ASSUME_BOGUS]);
	finding_add(fs, &roll_findings[ROLL_ASSUME_SKEW], FA_U("skew", h->skew_sec));
	finding_add0(fs, &roll_findings[h->strict ? ROLL_ASSUME_STRICT : ROLL_ASSUME_LAX]);
}

void
timeline_story_text(struct buf *b, const struct findings *fs, enum lang lang)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		finding_text(b, f, lang);
		buf_char(b, '\n');
	}
}
