/* What a run over the object store has to say to the other roles. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/live_internal.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "sys/par.h"

/*
 * Who names a place costs us a line, so what one CA and one trust anchor can
 * name is bounded; a real trust anchor has some 60 places. The rest is not
 * fetched, which harms nobody above them. What has already given something is
 * said without being counted, so that nobody can name so much that working
 * servers are forgotten; there are at most OBJECTS_SOURCES_MAX of them.
 */
#define WANT_URIS_MAX		1024	/* letters of one line's URIs; today below 200 */
#define WANTS_A_PARENT		256	/* new places that the children of one CA may name */
#define WANTS_A_TA		8192
/* Half a million objects: more than any trust anchor has. Past it, GC may take. */
#define HOLDS_A_TA		((size_t)16 << 20)
/* Results for the store: memory twice for a moment. Half a million objects give 45 MB. */
#define KEPT_A_RUN		((size_t)32 << 20)
#define WANTS_POOL_MAX		((size_t)1 << 30)	/* 64 trust anchors, all at their limit */

/* --- wanted places --- */

struct want {
	struct sv	 notify, module;
	unsigned	 ta;
	uint64_t	 n_cas;
	struct want	*next;
};

struct wants {
	struct pool	*pool;
	struct map	 index;
	struct map	 parents;	/* address of a CA -> unsigned: places its children named */
	struct map	 proven;	/* trust anchor and id of a source: said without counting */
	unsigned	 n_of_ta[TA_MAX];
	struct want	*head, **tail;
};

static void
wants_done(struct wants *w)
{
	map_done(&w->index);
	map_done(&w->parents);
	map_done(&w->proven);
	w->pool = pool_free(w->pool);
}

static int
want_new(struct wants *w, struct sv key, const struct rpki_ca *ca, struct sv module)
{
	struct want *x = pool_alloc(w->pool, sizeof(*x));

	key = pool_sv(w->pool, key);
	if (x == NULL || key.p == NULL)
		return -ENOMEM;
	*x = (struct want){ .notify = ca->notify_uri, .module = module, .ta = ca->ta, .n_cas = 1 };
	*w->tail = x;
	w->tail = &x->next;
	return map_add(&w->index, key, x);
}

/* May this CA bring a place that nobody named before? */
static int
want_room(struct wants *w, const struct rpki_ca *ca, bool *ret)
{
	const struct rpki_ca *const *parent = (const struct rpki_ca *const *)&ca->parent;
	struct sv key = { (const char *)parent, sizeof(*parent) };
	unsigned *n = map_find(&w->parents, key);

	*ret = false;
	if (n == NULL) {
		n = pool_calloc(w->pool, 1, sizeof(*n));
		key = pool_sv(w->pool, key);
		if (n == NULL || key.p == NULL || map_add(&w->parents, key, n) < 0)
			return -ENOMEM;
	}
	if (*n >= WANTS_A_PARENT || w->n_of_ta[ca->ta] >= WANTS_A_TA)
		return 0;
	(*n)++;
	w->n_of_ta[ca->ta]++;
	*ret = true;
	return 0;
}

/*
 * The first line of a trust anchor for a place that the store has names of. (A
 * second one differs in the module that stands in for it, and is counted: who
 * likes could write a thousand.)
 */
static int
want_proven(struct live *l, struct wants *w, const struct rpki_ca *ca, struct sv module, bool *ret)
{
	uint32_t key[2] = { ca->ta, 0 };
	struct sv k = { (const char *)key, sizeof(key) };
	struct objects_source s;

	*ret = false;
	if (objects_view_source(l->view, ca->notify_uri.n > 0 ? ca->notify_uri : module, &s) < 0 ||
	    s.n_names == 0)
		return 0;
	key[1] = s.id;
	if (map_find(&w->proven, k) != NULL)
		return 0;
	*ret = true;
	k = pool_sv(w->pool, k);
	return k.p == NULL ? -ENOMEM : map_add(&w->proven, k, w);
}

static int
want_add(struct live *l, struct wants *w, const struct rpki_ca *ca)
{
	char buf[WANT_URIS_MAX + 16];
	struct sv module = live_module(ca->repo_uri);
	struct want *x;
	bool room;
	int n, rc;

	if (ca->lost || (module.n == 0 && ca->notify_uri.n == 0))
		return 0;
	n = snprintf(buf, sizeof(buf), "%u\t%.*s\t%.*s", ca->ta, SV_ARG(ca->notify_uri),
	    SV_ARG(module));
	if (n < 0 || (size_t)n >= sizeof(buf))
		return 0;
	x = map_find(&w->index, (struct sv){ buf, (size_t)n });
	if (x != NULL) {
		x->n_cas++;
		return 0;
	}
	if ((rc = want_proven(l, w, ca, module, &room)) < 0 ||
	    (!room && ((rc = want_room(w, ca, &room)) < 0 || !room)))
		return rc;
	return want_new(w, (struct sv){ buf, (size_t)n }, ca, module);
}

/* Parents come before children: what is needed first stands first. */
static int
wants_gather(struct live *l, const struct routes *r, struct wants *w)
{
	int rc = 0;

	*w = (struct wants){ .pool = pool_new(WANTS_POOL_MAX) };
	w->tail = &w->head;
	if (w->pool == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_points && rc == 0; i++)
		rc = want_add(l, w, r->points[i]->ca);
	return rc;
}

static void
ta_line(const struct tal *t, struct buf *b)
{
	char hex[3];

	buf_printf(b, "ta\t%s\t", t->name);
	for (size_t i = 0; i < t->spki.n; i++)
		buf_str(b, hex_encode(hex, t->spki.p + i, 1));
	for (size_t k = 0; k < t->n_uris; k++)
		buf_printf(b, "\t%.*s", SV_ARG(t->uris[k]));
	buf_char(b, '\n');
}

int
live_wants(struct live *l, const struct routes *r, struct buf *b)
{
	_cleanup_(wants_done) struct wants w;
	int rc = wants_gather(l, r, &w);

	for (size_t i = 0; i < r->n_tas; i++)
		ta_line(&r->tas[i].tal, b);
	for (const struct want *x = w.head; x != NULL; x = x->next) {
		buf_printf(b, "repo\t%.*s\t", SV_ARG(x->notify.n > 0 ? x->notify : SV("-")));
		buf_printf(b, "%.*s\t%s\t", SV_ARG(x->module.n > 0 ? x->module : SV("-")),
		    r->tas[x->ta].tal.name);
		buf_u64(b, x->n_cas);
		buf_char(b, '\n');
	}
	return rc < 0 ? rc : b->rc;
}

static bool
key_settled(const struct live *l, struct sv key, bool (*known)(void *, struct sv), void *arg)
{
	struct objects_source s;

	return known(arg, key) ||
	    (objects_view_source(l->view, key, &s) == 0 && s.checked > 0);
}

bool
live_settled(struct live *l, const struct routes *r, bool (*known)(void *, struct sv),
    void *arg)
{
	_cleanup_(wants_done) struct wants w;

	if (wants_gather(l, r, &w) < 0)
		return false;
	for (size_t i = 0; i < r->n_tas; i++) {
		char key[sizeof(LIVE_TA_PREFIX) + TA_NAME_MAX];

		(void)snprintf(key, sizeof(key), LIVE_TA_PREFIX "%s", r->tas[i].tal.name);
		if (!key_settled(l, sv_str(key), known, arg))
			return false;
	}
	for (const struct want *x = w.head; x != NULL; x = x->next)
		if ((x->notify.n == 0 || !key_settled(l, x->notify, known, arg)) &&
		    (x->module.n == 0 || !key_settled(l, x->module, known, arg)))
			return false;
	return true;
}

/* --- what was judged good --- */

static void
record_begin(struct buf *b, const uint8_t key[static SHA256_LEN],
    const uint8_t hash[static SHA256_LEN])
{
	buf_bytes(b, key, SHA256_LEN);
	buf_bytes(b, hash, SHA256_LEN);
	buf_bytes(b, (const uint8_t[4]){ 0 }, 4);
}

static int
record_keep(struct buf *b, const struct rpki_point *pt, const struct rpki_opt *opt)
{
	size_t start = b->len;
	int rc = live_kept_write(pt, opt, b);

	if (rc == 0 && b->rc == 0)
		put_be32((uint8_t *)b->p + start - 4, (uint32_t)(b->len - start));
	return rc;
}

static void
ta_record(struct live *l, const struct routes_ta *ta, struct buf *b)
{
	uint8_t key[SHA256_LEN], old[SHA256_LEN];

	live_ta_key(&ta->tal, key);
	if (objects_view_point(l->view, key, old) < 0 || memcmp(old, ta->hash, SHA256_LEN) != 0)
		record_begin(b, key, ta->hash);
}

/* Are its bytes what is kept? Where there was a doubt, all of them are compared. */
static int
is_kept(const struct live *l, const struct rpki_point *pt, const struct rpki_opt *opt,
    const uint8_t key[static SHA256_LEN], struct sv kept, bool *ret)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc;

	*ret = live_kept_is(kept, pt);
	if (!*ret || !live_doubted(l, key))
		return 0;
	rc = live_kept_write(pt, opt, &b);
	*ret = rc == 0 && sv_eq(kept, buf_get(&b));
	return rc;
}

/* What is the store's already. */
static int
is_stored(struct live *l, const struct routes *r, const struct rpki_point *pt,
    const uint8_t key[static SHA256_LEN], bool keep, bool *ret)
{
	struct objects_point old;

	*ret = objects_view_kept(l->view, key, &old) == 0 &&
	    memcmp(old.hash, pt->mft_hash, SHA256_LEN) == 0;
	if (!*ret || !l->conf.facts)
		return 0;
	if (keep)
		return is_kept(l, pt, &r->opt, key, old.kept, ret);
	*ret = old.kept.n == 0;
	return 0;
}

static int
point_record(struct live *l, const struct routes *r, size_t i, struct buf *b)
{
	struct rpki_point *pt = r->points[i];
	/* Two certificates for one place would write over each other for ever. */
	bool keep = l->conf.facts && rpki_point_keepable(pt) && routes_alone(r, i);
	uint8_t key[SHA256_LEN];
	int rc;

	live_point_key(pt->ca, key);
	if ((rc = is_stored(l, r, pt, key, keep, &pt->stored)) < 0 || pt->stored)
		return rc;
	record_begin(b, key, pt->mft_hash);
	/* What is too much now is brought by the next run. */
	return keep && b->len < KEPT_A_RUN ? record_keep(b, pt, &r->opt) : 0;
}

/* What is kept of it says something else than its bytes: not for the next process, either. */
static void
failed_record(struct live *l, const struct rpki_point *pt, struct buf *b)
{
	struct objects_point old;
	uint8_t key[SHA256_LEN];

	live_point_key(pt->ca, key);
	if (l->conf.facts && objects_view_kept(l->view, key, &old) == 0 && old.kept.n > 0 &&
	    memcmp(old.hash, pt->mft_hash, SHA256_LEN) == 0)
		record_begin(b, key, old.hash);
}

static size_t
stored_count(const struct routes *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_points; i++)
		n += r->points[i]->stored && routes_alone(r, i);
	return n;
}

int
live_points(struct live *l, const struct routes *r, struct buf *b)
{
	/* Another store than the one that had it: it gets all of it again. */
	bool all = objects_view_n_points(l->view) < stored_count(r);
	int rc = 0;

	for (size_t i = 0; i < r->n_tas; i++)
		if (r->tas[i].ok)
			ta_record(l, &r->tas[i], b);
	for (size_t i = 0; i < r->n_points && rc == 0; i++)
		if (r->points[i]->ca->lost || (r->points[i]->stored && !all))
			continue;
		else if (r->points[i]->failed)
			failed_record(l, r->points[i], b);
		else
			rc = point_record(l, r, i, b);
	return rc < 0 ? rc : b->rc;
}

static int
point_hold(struct live *l, const struct rpki_point *pt, struct buf *b)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(RPKI_POINT_POOL_MAX);
	struct sv bytes, hashes;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if (objects_view_get(l->view, pt->mft_hash, &bytes) < 0)
		return 0;
	if ((rc = rpki_mft_hashes(pool, bytes, &hashes)) < 0)
		return rc;
	buf_bytes(b, pt->mft_hash, SHA256_LEN);
	buf_sv(b, hashes);
	return b->rc;
}

int
live_holds(struct live *l, const struct routes *r, struct buf *b)
{
	size_t used[TA_MAX] = { 0 }, before;
	int rc = 0;

	for (size_t i = 0; i < r->n_tas; i++)
		if (r->tas[i].ok)
			buf_bytes(b, r->tas[i].hash, SHA256_LEN);
	for (size_t i = 0; i < r->n_points && rc == 0; i++) {
		const struct rpki_point *pt = r->points[i];

		if (pt->failed || pt->ca->lost || used[pt->ca->ta] >= HOLDS_A_TA ||
		    (!pt->retained && pt->named))
			continue;
		before = b->len;
		rc = point_hold(l, pt, b);
		used[pt->ca->ta] += b->len - before;
	}
	return rc < 0 ? rc : b->rc;
}

struct sv
live_touched(struct live *l)
{
	l->touched.len = 0;
	for (unsigned i = 0; i < PAR_JOBS_MAX; i++)
		buf_sv(&l->touched, buf_get(&l->jobs[i].touched));
	return buf_get(&l->touched);
}

int64_t
live_next(const struct routes *r)
{
	int64_t next = TIME_NEVER;

	for (size_t i = 0; i < r->n_tas; i++)
		if (r->tas[i].ok)
			next = min_i64(next, r->tas[i].ca.not_after + 1);
	for (size_t i = 0; i < r->n_points; i++)
		if (!r->points[i]->ca->lost)
			next = min_i64(next, r->points[i]->until);
	return next;
}
