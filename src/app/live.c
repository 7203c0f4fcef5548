#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/live_internal.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "sys/par.h"

#define code(c)		(&rpki_findings[c])
#define ITEMS_MAX	128	/* signatures computed at a time; a ring's room */
/*
 * Looks of a job into the store's tables, at random, after which pages are let
 * go. A cold start over 530,000 objects: 26,000 made 260,000 faults and mapped
 * 450 MB at most; 8,000 make 420,000 and 340 MB.
 */
#define FORGET_LOOKS	12288
#define POINT_LOOKS	4	/* of a point: its names, and what is kept of it */

/* --- signatures --- */

/* Facts of the older generation, for one touch after the run; bounded. */
static void
touch_note(struct job *j, const uint8_t fact[static CRYPTO_FACT_LEN])
{
	if (j->touched.len < TOUCHED_MAX)
		buf_bytes(&j->touched, fact, CRYPTO_FACT_LEN);
}

static bool
fact_known(struct job *j, const uint8_t fact[static CRYPTO_FACT_LEN])
{
	enum objects_fact f = objects_view_fact(j->l->view, fact);

	j->n_looks++;
	if (f == OBJECTS_FACT_OLD)
		touch_note(j, fact);
	return f != OBJECTS_FACT_NONE;
}

/* Sets .ok of what is known: all of it at one look, or one by one. */
static void
facts_find(struct job *j, struct crypto_verify *v, size_t n)
{
	uint8_t names[ITEMS_MAX][CRYPTO_FACT_LEN], all[CRYPTO_FACT_LEN];
	bool known = false;

	for (size_t i = 0; i < n; i++)
		v[i].ok = false;
	if (!j->l->conf.facts)
		return;
	crypto_fact_many(v, n, names);
	if (n > 1) {
		crypto_fact_all(names[0], n, all);
		known = fact_known(j, all);
	}
	for (size_t i = 0; i < n; i++)
		v[i].ok = known || fact_known(j, names[i]);
}

static int
compute(struct job *j, struct crypto_verify *v, size_t n)
{
	const struct live_conf *c = &j->l->conf;

	j->n_computed += n;
	return c->verify != NULL ? c->verify(c->arg, j->number, v, n) :
	    crypto_verify_batch(v, n);
}

/* At most ITEMS_MAX; what is not known is computed, and only that is shown. */
static int
some_verify(struct job *j, struct crypto_verify *v, size_t n)
{
	struct crypto_verify todo[ITEMS_MAX];
	size_t at[ITEMS_MAX], n_todo = 0;
	int rc = 0;

	facts_find(j, v, n);
	for (size_t i = 0; i < n; i++)
		if (!v[i].ok) {
			at[n_todo] = i;
			todo[n_todo++] = v[i];
		}
	j->n_facts += n - n_todo;
	if (n_todo > 0)
		rc = compute(j, todo, n_todo);
	for (size_t i = 0; i < n_todo && rc == 0; i++)
		v[at[i]].ok = todo[i].ok;
	return rc;
}

static int
live_verify(void *arg, struct crypto_verify *v, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += ITEMS_MAX)
		rc = some_verify(arg, v + i, min_size(n - i, ITEMS_MAX));
	return rc;
}

/* --- objects --- */

struct sv
live_module(struct sv uri)
{
	size_t scheme = sizeof("rsync://") - 1, slashes = 0;

	if (!sv_starts(uri, SV("rsync://")))
		return (struct sv){ NULL, 0 };
	for (size_t i = scheme; i < uri.n; i++)
		if (uri.p[i] == '/' && ++slashes == 2)
			return sv_take(uri, i + 1);
	return (struct sv){ NULL, 0 };
}

static void
sources_find(struct job *j, const struct rpki_ca *ca)
{
	const struct live_source *v[2];

	live_sources_of(j->l, ca, v, &j->n_sources);
	for (size_t i = 0; i < j->n_sources; i++)
		j->sources[i] = v[i]->id;
}

static int
name_find(const struct job *j, struct sv uri, uint8_t hash[static SHA256_LEN])
{
	int rc = -ENOENT;

	for (size_t i = 0; i < j->n_sources && rc == -ENOENT; i++)
		rc = objects_view_name(j->l->view, j->sources[i], uri, hash);
	return rc;
}

static int
live_get_hash(void *arg, struct pool *pool UNUSED, const uint8_t hash[static SHA256_LEN],
    struct sv *ret)
{
	struct job *j = arg;

	j->n_looks++;
	return objects_view_get(j->l->view, hash, ret);
}

static int
live_get(void *arg, struct pool *pool, struct sv uri, struct sv *ret)
{
	struct job *j = arg;
	uint8_t hash[SHA256_LEN];
	int rc;

	/* The manifest under judgement is the candidate, not what has its name. */
	if (j->candidate != NULL && sv_eq(uri, j->ca->mft_uri))
		return live_get_hash(arg, pool, j->candidate, ret);
	if ((rc = name_find(j, uri, hash)) < 0)
		return rc;
	return live_get_hash(arg, pool, hash, ret);
}

/* --- a publication point --- */

void
live_point_key(const struct rpki_ca *ca, uint8_t ret[static SHA256_LEN])
{
	crypto_sha256_2(ca->mft_uri.p, ca->mft_uri.n, ca->ski.p, ca->ski.n, ret);
}

static void
candidate_add(struct candidates *c, const uint8_t hash[static SHA256_LEN], bool named)
{
	for (size_t i = 0; i < c->n; i++)
		if (memcmp(c->v[i].hash, hash, SHA256_LEN) == 0)
			return;
	c->v[c->n] = (struct candidate){ .named = named };
	memcpy(c->v[c->n++].hash, hash, SHA256_LEN);
}

/* What servers have now. */
static void
named_find(struct job *j, const struct rpki_ca *ca, struct candidates *c)
{
	uint8_t hash[SHA256_LEN];

	*c = (struct candidates){ .n = 0 };
	j->ca = ca;
	sources_find(j, ca);
	for (size_t i = 0; i < j->n_sources; i++)
		if (objects_view_name(j->l->view, j->sources[i], ca->mft_uri, hash) == 0)
			candidate_add(c, hash, true);
}

/* … and what was good before. */
static void
candidates_find(struct job *j, const struct rpki_ca *ca, struct candidates *c)
{
	uint8_t key[SHA256_LEN];

	named_find(j, ca, c);
	live_point_key(ca, key);
	if (objects_view_kept(j->l->view, key, &c->kept) == 0) {
		c->has_good = true;
		memcpy(c->good, c->kept.hash, SHA256_LEN);
		candidate_add(c, c->good, false);
		for (size_t i = 0; i < c->kept.n_past; i++)
			candidate_add(c, c->kept.past[i].hash, false);
	}
}

static bool
is_remembered(const struct candidates *c, const uint8_t hash[static SHA256_LEN])
{
	if (!c->has_good)
		return false;
	for (size_t i = 0; i < c->kept.n_past; i++)
		if (memcmp(c->kept.past[i].hash, hash, SHA256_LEN) == 0)
			return true;
	return memcmp(c->good, hash, SHA256_LEN) == 0;
}

/* Two servers have different ones: which is newer is not known before it is looked at. */
static bool
contested(const struct candidates *c)
{
	return c->n > 1 && c->v[1].named;
}

/* Which ones they are. */
static uint64_t
names_sum(const struct candidates *c)
{
	uint8_t v[2 * SHA256_LEN];

	memcpy(v, c->v[0].hash, SHA256_LEN);
	memcpy(v + SHA256_LEN, c->v[1].hash, SHA256_LEN);
	return hash_bytes(v, sizeof(v));
}

static bool
all_still(const struct live *l, const struct rpki_ca *ca)
{
	const struct live_source *v[2];
	bool still = true;
	size_t n;

	live_sources_of(l, ca, v, &n);
	for (size_t i = 0; i < n; i++)
		still = still && v[i]->still;
	return still && n > 0;
}

static bool
live_same(void *arg, unsigned job, const struct rpki_ca *ca, struct rpki_point *before)
{
	struct live *l = arg;
	struct job *j = &l->jobs[job];
	struct candidates c;

	if (before->retained || (!before->named && !before->absent))
		return false;
	if (all_still(l, ca)) {
		j->n_still++;
		return true;
	}
	named_find(j, ca, &c);
	if (before->absent)
		return c.n == 0;
	if (contested(&c))
		return names_sum(&c) == before->contest;
	return c.n > 0 && memcmp(c.v[0].hash, before->mft_hash, SHA256_LEN) == 0;
}

/* Positive INTEGERs of DER: no octet too many. */
static bool
number_higher(struct sv a, struct sv b)
{
	return a.n != b.n ? a.n > b.n : memcmp(a.p, b.p, a.n) > 0;
}

/*
 * Two servers show different manifests: while RRDP fails, what it left here
 * stands still, and rsync brings what is new. The higher number is the newer
 * one (RFC 9286 section 4.2.1), if the CA signed both.
 */
static int
newest_first(struct job *j, struct pool *pool, struct candidates *c,
    const struct rpki_source *src, const struct rpki_opt *opt)
{
	struct rpki_seen m[2];
	struct sv bytes;
	bool ok = true;
	int rc;

	if (!contested(c))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(m) && ok; i++) {
		if (objects_view_get(j->l->view, c->v[i].hash, &bytes) < 0)
			return 0;
		if ((rc = rpki_mft_seen(pool, j->ca, bytes, src, opt, &m[i], &ok)) < 0)
			return rc;
	}
	if (!ok || !number_higher(m[1].number, m[0].number))
		return 0;
	memcpy(c->v[0].hash, m[1].hash, SHA256_LEN);
	memcpy(c->v[1].hash, m[0].hash, SHA256_LEN);
	return 0;
}

/*
 * Older data holds: what is wrong with the newer is said beside it. NULL:
 * no server has a manifest any more.
 */
static void
retained_note(struct rpki_point *pt, const struct rpki_point *newest)
{
	const struct sv uri = pt->ca->mft_uri;

	pt->retained = true;
	if (newest != NULL)
		findings_append(&pt->findings, &newest->findings);
	pt->findings.subject = uri;
	if (newest == NULL)
		finding_add(&pt->findings, code(RPKI_MFT_MISSING),
		    FA_SV("file", sv_skip(uri, sv_rfind(uri, '/') + 1)));
	finding_add(&pt->findings, code(RPKI_POINT_RETAINED),
	    FA_TIME("this_update", pt->mft_this), FA_TIME("expires", pt->expires));
}

/* Only a manifest that this CA signed is believed to have been good. */
static int
seen_read(struct job *j, struct pool *pool, const uint8_t hash[static SHA256_LEN],
    const struct rpki_source *src, const struct rpki_opt *opt, struct rpki_seen *ret, bool *ret_ok)
{
	_cleanup_(pool_freep) struct pool *tmp = NULL;
	struct sv bytes;
	int rc;

	*ret_ok = false;
	if (objects_view_get(j->l->view, hash, &bytes) < 0)
		return 0;
	/* There may be many of them, and large: the number is all that stays. */
	if ((tmp = pool_new(RPKI_POINT_POOL_MAX)) == NULL)
		return -ENOMEM;
	if ((rc = rpki_mft_seen(tmp, j->ca, bytes, src, opt, ret, ret_ok)) < 0 || !*ret_ok)
		return rc;
	ret->number = pool_sv(pool, ret->number);
	return ret->number.p == NULL ? -ENOMEM : 0;
}

/* Behind the n that servers have, the highest number first. */
static void
remembered_put(struct candidates *c, size_t n, const struct candidate *x)
{
	size_t i = c->n++;

	for (; i > n && number_higher(x->seen.number, c->v[i - 1].seen.number); i--)
		c->v[i] = c->v[i - 1];
	c->v[i] = *x;
}

/*
 * What is remembered, the good one and those before it, may have been told by a
 * process that lied. So none of it counts as the last one because it is said to
 * be: that is the one with the highest number of those that the CA signed. *seen:
 * it; its .number is empty if there is none. One that a server has, too, stands
 * at both places: it may be older than that one, and stand in for it.
 */
static int
remembered_sort(struct job *j, struct pool *pool, struct candidates *c,
    const struct rpki_source *src, const struct rpki_opt *opt, struct rpki_seen *seen)
{
	const struct candidates all = *c;
	size_t n = 0;

	*seen = (struct rpki_seen){ .number = { NULL, 0 } };
	while (n < all.n && all.v[n].named)
		n++;
	c->n = n;
	for (size_t i = 0; i < all.n; i++) {
		struct candidate x = all.v[i];
		bool ok;
		int rc;

		if (x.named && !is_remembered(c, x.hash))
			continue;
		if ((rc = seen_read(j, pool, x.hash, src, opt, &x.seen, &ok)) < 0)
			return rc;
		if (ok && number_higher(x.seen.number, seen->number))
			*seen = x.seen;
		x.named = false;
		if (ok)
			remembered_put(c, n, &x);
	}
	return 0;
}

/* The first candidate that makes a whole point; else what the newest gave. */
static int
candidates_try(struct job *j, const struct candidates *c, struct rpki_source *src,
    const struct rpki_seen *seen, const struct rpki_opt *opt, struct rpki_point *ret)
{
	struct rpki_point pt, newest;
	struct rpki_opt o = *opt;
	int rc = 0;

	for (size_t i = 0; i < c->n; i++) {
		j->candidate = c->v[i].hash;
		/* What is remembered was seen itself; the highest number stands first. */
		src->seen = c->v[i].named ? seen : NULL;
		/* Of what is not the newest, somebody will want to know all. */
		o.thin = opt->thin && i == 0 && c->v[i].named;
		if ((rc = rpki_point_check(j->ca, src, &o, &pt)) < 0 || !pt.failed) {
			pt.named = rc == 0 && c->v[i].named;
			if (rc == 0 && !c->v[i].named)
				retained_note(&pt, i > 0 ? &newest : NULL);
			if (i > 0) {
				/* The newest may be from the future, and its time comes. */
				pt.until = min_i64(pt.until, newest.until);
				rpki_point_done(&newest);
			}
			*ret = pt;
			return rc;
		}
		if (i == 0)
			newest = pt;
		else
			rpki_point_done(&pt);
	}
	*ret = newest;
	return rc;
}

bool
live_doubted(const struct live *l, const uint8_t key[static SHA256_LEN])
{
	for (size_t i = 0; i < l->n_doubts; i++)
		if (memcmp(l->doubts[i], key, SHA256_LEN) == 0)
			return true;
	return l->n_doubts == DOUBTS_MAX;
}

/* Is the newest manifest the one that was judged before, and is that kept? */
static int
kept_try(struct job *j, const struct candidates *c, const struct rpki_opt *opt,
    const uint8_t key[static SHA256_LEN], struct rpki_point *ret, bool *ret_ok)
{
	*ret_ok = false;
	if (!j->l->conf.facts || !c->has_good || !c->v[0].named || contested(c) ||
	    memcmp(c->v[0].hash, c->good, SHA256_LEN) != 0 ||
	    (opt->keep_objects && !j->l->conf.thickens) || live_doubted(j->l, key))
		return 0;
	return live_kept_read(j->ca, opt, key, &c->kept, ret, ret_ok);
}

static int
point_judge(struct job *j, struct candidates *c, const struct rpki_point *before,
    const struct rpki_seen *renamed, const struct rpki_opt *opt, struct rpki_point *ret)
{
	struct rpki_source src = { .get = live_get, .arg = j, .get_hash = live_get_hash,
	    .verify = live_verify, .before = before };
	_cleanup_(pool_freep) struct pool *pool = NULL;
	struct rpki_seen seen;
	int rc;

	j->candidate = NULL;
	if (c->n == 0 || j->ca->lost)	/* nothing there; or only read for explanations */
		return rpki_point_check(j->ca, &src, opt, ret);
	seen.number.n = 0;
	if (c->n > 1 || (c->has_good && !c->v[0].named)) {
		if ((pool = pool_new(RPKI_POINT_POOL_MAX)) == NULL)
			return -ENOMEM;
		if ((rc = newest_first(j, pool, c, &src, opt)) < 0 ||
		    (rc = remembered_sort(j, pool, c, &src, opt, &seen)) < 0)
			return rc;
		if (c->n == 0)	/* what was said to have been good was not the CA's */
			return rpki_point_check(j->ca, &src, opt, ret);
	}
	return candidates_try(j, c, &src, seen.number.n > 0 ? &seen : renamed, opt, ret);
}

static int
live_point(void *arg, unsigned job, const struct rpki_ca *ca, const struct rpki_point *before,
    const struct rpki_seen *renamed, const struct rpki_opt *opt, struct rpki_point *ret)
{
	struct live *l = arg;
	struct job *j = &l->jobs[job];
	uint8_t key[SHA256_LEN];
	struct candidates c;
	uint64_t contest = 0;
	bool ok = false, absent;
	int rc;

	/* Pages that were read must not gather: a level may be everything. */
	j->n_looks += POINT_LOOKS;
	if (j->n_looks >= FORGET_LOOKS) {
		objects_reader_forget(l->reader);
		j->n_looks = 0;
	}
	candidates_find(j, ca, &c);
	live_point_key(ca, key);
	if (!ca->lost && ((rc = kept_try(j, &c, opt, key, ret, &ok)) < 0 || ok)) {
		j->n_kept += ok;
		ret->stored = ret->named = ok;
		return rc;
	}
	if (!j->l->conf.facts || live_doubted(l, key))
		before = NULL;
	absent = c.n == 0 && !ca->lost;
	if (contested(&c))
		contest = names_sum(&c);
	if ((rc = point_judge(j, &c, before, renamed, opt, ret)) < 0)
		return rc;
	ret->until = min_i64(ret->until, live_due(ret->judged, key));
	ret->absent = absent;
	ret->contest = contest;
	return 0;
}

/* All that bytes say beside what stands already: the objects. */
static int
live_thicken(void *arg, const struct rpki_opt *opt, struct rpki_point *pt)
{
	struct live *l = arg;
	struct job *j = &l->jobs[0];
	struct rpki_source src = { .get = live_get, .arg = j, .get_hash = live_get_hash,
	    .verify = live_verify };
	struct rpki_opt all = *opt;
	struct rpki_point full;
	bool same = false;
	int rc;

	all.thin = false;
	j->ca = pt->ca;
	j->candidate = pt->mft_hash;
	sources_find(j, pt->ca);
	if ((rc = rpki_point_check(pt->ca, &src, &all, &full)) == 0)
		rc = rpki_point_same(pt, &full, &same);
	if (rc == 0 && same) {
		rpki_point_thicken(pt, &full);
		return 0;
	}
	rpki_point_done(&full);
	if (rc == 0) {
		pt->until = 0;
		if (l->n_doubts < DOUBTS_MAX)
			live_point_key(pt->ca, l->doubts[l->n_doubts++]);
	}
	return rc;
}

/* --- trust anchors --- */

void
live_ta_key(const struct tal *t, uint8_t ret[static SHA256_LEN])
{
	crypto_sha256_2(LIVE_TA_PREFIX, sizeof(LIVE_TA_PREFIX), t->spki.p, t->spki.n, ret);
}

/* In the order of the TAL, then the one that was good, then those before it. */
static int
ta_candidate(struct live *l, const struct tal *t, unsigned k, struct sv *ret_uri, struct sv *ret)
{
	char key[sizeof(LIVE_TA_PREFIX) + TA_NAME_MAX];
	uint8_t point[SHA256_LEN], hash[SHA256_LEN];
	struct objects_source s;
	struct objects_point p;
	unsigned n = 0;
	int rc;

	(void)snprintf(key, sizeof(key), LIVE_TA_PREFIX "%s", t->name);
	*ret_uri = t->uris[0];
	if (objects_view_source(l->view, sv_str(key), &s) == 0)
		for (size_t i = 0; i < t->n_uris; i++)
			if (objects_view_name(l->view, s.id, t->uris[i], hash) == 0 && n++ == k) {
				*ret_uri = t->uris[i];
				return objects_view_get(l->view, hash, ret);
			}
	live_ta_key(t, point);
	if ((rc = objects_view_kept(l->view, point, &p)) < 0)
		return rc;
	if (objects_view_get(l->view, p.hash, ret) == 0 && n++ == k)
		return 0;
	for (size_t i = 0; i < p.n_past; i++)
		if (objects_view_get(l->view, p.past[i].hash, ret) == 0 && n++ == k)
			return 0;
	return -ENOENT;
}

static int
live_ta(void *arg, struct pool *pool, const struct tal *t, unsigned k,
    struct sv *ret_uri, struct sv *ret)
{
	struct live *l = arg;
	struct sv bytes;
	int rc;

	if ((rc = ta_candidate(l, t, k, ret_uri, &bytes)) < 0)
		return rc;
	/* The CA is made of slices of it, and outlives the view. */
	*ret = pool_sv(pool, bytes);
	return ret->p == NULL ? -ENOMEM : 0;
}

/* --- life --- */

static void
live_level(void *arg)
{
	struct live *l = arg;

	objects_reader_forget(l->reader);
}

struct live *
live_new(const struct live_conf *conf)
{
	struct live *l = calloc(1, sizeof(*l));

	if (l == NULL || (l->jobs = calloc(PAR_JOBS_MAX, sizeof(*l->jobs))) == NULL) {
		free(l);
		return NULL;
	}
	l->conf = *conf;
	live_sources_done(&l->sources);
	live_sources_done(&l->sources_before);
	l->backend = (struct routes_backend){ .arg = l, .ta = live_ta,
	    .point = live_point, .same = live_same, .thicken = live_thicken, .level = live_level };
	for (unsigned i = 0; i < PAR_JOBS_MAX; i++) {
		l->jobs[i].l = l;
		l->jobs[i].number = i;
	}
	return l;
}

struct live *
live_free(struct live *l)
{
	if (l == NULL)
		return NULL;
	live_end(l);
	for (unsigned i = 0; i < PAR_JOBS_MAX; i++)
		buf_done(&l->jobs[i].touched);
	buf_done(&l->touched);
	live_sources_done(&l->sources);
	live_sources_done(&l->sources_before);
	(void)objects_reader_free(l->reader);
	free(l->jobs);
	free(l);
	return NULL;
}

int
live_begin(struct live *l)
{
	int rc = 0;

	if (l->reader == NULL)
		rc = objects_reader_open(l->conf.objects, crypto_sha256, &l->reader);
	if (rc == 0)
		rc = objects_view_new(l->reader, &l->view);
	if (rc == 0)
		rc = live_sources_read(l);
	for (unsigned i = 0; i < PAR_JOBS_MAX; i++) {
		l->jobs[i].touched.len = 0;
		l->jobs[i].n_facts = l->jobs[i].n_computed = 0;
		l->jobs[i].n_kept = l->jobs[i].n_still = 0;
	}
	return rc;
}

void
live_end(struct live *l)
{
	l->view = objects_view_free(l->view);
	live_sources_done(&l->sources);
	l->touched.len = 0;
	if (l->reader != NULL)
		objects_reader_forget(l->reader);
}

bool
live_whole(struct live *l)
{
	return objects_view_commits(l->view) < 2;
}

const struct routes_backend *
live_backend(struct live *l)
{
	return &l->backend;
}

struct live_counts
live_counts(const struct live *l)
{
	struct live_counts c = { 0 };

	for (unsigned i = 0; i < PAR_JOBS_MAX; i++) {
		c.n_facts += l->jobs[i].n_facts;
		c.n_computed += l->jobs[i].n_computed;
		c.n_kept += l->jobs[i].n_kept;
		c.n_still += l->jobs[i].n_still;
	}
	return c;
}
