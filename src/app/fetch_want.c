/*
 * From the list of what is wanted to places. The list was written by a
 * process that parses strangers' bytes: each line is checked here again, and
 * shares and caps hold whatever it says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fetch_plan_internal.h"
#include "base/err.h"
#include "base/pool.h"
#include "rpki/rpki.h"

#define HOST_MAX	255		/* of a name in the DNS */
/* Hosts and counters of one list: some bytes for each line of 16 MiB. */
#define WORK_MAX	((size_t)128 * 1024 * 1024)

struct repo {
	struct sv	notify;		/* empty: none */
	struct sv	module;
	unsigned	ta;
	uint64_t	n_cas;
	bool		proven;		/* it has answered before */
	size_t		order;
};

struct want {
	struct fetch_plan	*plan;
	int64_t			 now;
	struct sv		 lines;
	struct fetch_wanted	*count;
	struct pool		*pool;
	struct sv		 tas[FETCH_TAS_MAX];
	unsigned		 n_tas;
	struct repo		*repos;
	size_t			 n, cap;
	struct map		 hosts;		/* host or domain -> unsigned */
};

/* --- text --- */

int
fetch_host(struct sv uri, char *ret, size_t size)
{
	size_t at = sv_find(uri, ':');
	struct sv rest = sv_skip(uri, at + 3), host = sv_cut(&rest, '/');
	size_t user = sv_rfind(host, '@');

	if (user < host.n)
		host = sv_skip(host, user + 1);
	if (sv_starts(host, SV("["))) {
		host = sv_skip(host, 1);
		host = sv_take(host, sv_find(host, ']'));
	} else
		host = sv_take(host, sv_find(host, ':'));
	if (host.n == 0 || host.n >= size)
		return -EINVAL;
	for (size_t i = 0; i < host.n; i++)
		ret[i] = (char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] | 0x20 : host.p[i]);
	ret[host.n] = '\0';
	return 0;
}

static bool
uri_good(struct sv uri)
{
	char host[HOST_MAX + 1];

	/* No user, no password: nobody gets one from us. */
	return uri.n <= FETCH_KEY_MAX && sv_find(uri, '@') == uri.n &&
	    fetch_host(uri, host, sizeof(host)) == 0;
}

/* "rsync://host/module/" and nothing behind it. */
static bool
module_good(struct sv uri)
{
	struct sv rest;

	if (!uri_good(uri) || !rsync_uri_valid(uri) || !sv_ends(uri, SV("/")))
		return false;
	rest = sv_skip(uri, SV("rsync://").n);
	(void)sv_cut(&rest, '/');
	return sv_find(rest, '/') == rest.n - 1;
}

static bool
name_good(struct sv s)
{
	if (s.n == 0 || s.n > TA_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

/* The domain that a name is in: its last two labels; an address is its own. */
static struct sv
domain(struct sv host)
{
	size_t last = sv_rfind(host, '.'), before;

	if (last >= host.n || sv_find(host, ':') < host.n ||
	    (host.p[host.n - 1] >= '0' && host.p[host.n - 1] <= '9'))
		return host;
	before = sv_rfind(sv_take(host, last), '.');
	return before >= last ? host : sv_skip(host, before + 1);
}

/* --- trust anchors --- */

static int
ta_key(struct place *pl, struct sv hex)
{
	char *copy = malloc(hex.n / 2);
	int rc;

	if (copy == NULL)
		return -ENOMEM;
	if ((rc = hex_decode(copy, hex.n / 2, hex)) < 0) {
		free(copy);
		return rc;
	}
	pl->pub.spki = (struct sv){ copy, hex.n / 2 };
	return 0;
}

static int
ta_place(struct want *w, struct sv name, struct sv spki, struct sv uris)
{
	struct sv uri, first = uris;
	struct place *pl = NULL;
	char *key = pool_printf(w->pool, "ta:%.*s", SV_ARG(name));
	unsigned n = 0;
	int rc;

	if (key == NULL)
		return -ENOMEM;
	(void)sv_word(&first, &uri);
	if ((rc = plan_place(w->plan, PLACE_TA, sv_str(key), uri, w->now, &pl)) < 0)
		return rc;
	place_ta_done(pl);
	if ((rc = ta_key(pl, spki)) < 0)
		return rc;
	while (sv_word(&uris, &uri) && n < FETCH_URIS_MAX) {
		char *copy = strndup(uri.p, uri.n);

		if (copy == NULL)
			return -ENOMEM;
		pl->pub.uris[n++] = copy;
		pl->pub.n_uris = n;
	}
	pl->pub.wanted = true;
	return 0;
}

static bool
hex_good(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (memchr("0123456789abcdef", s.p[i], 16) == NULL)
			return false;
	return s.n > 0 && s.n % 2 == 0 && s.n <= (size_t)2 * FETCH_SPKI_MAX;
}

static bool
ta_good(struct sv name, struct sv spki, struct sv uris)
{
	struct sv uri;
	unsigned n = 0;

	while (sv_word(&uris, &uri)) {
		if (!uri_good(uri) || (!https_uri_valid(uri) && !rsync_uri_valid(uri)))
			return false;
		n++;
	}
	return n > 0 && name_good(name) && hex_good(spki);
}

static int
ta_read(struct want *w, struct sv rest)
{
	struct sv name = sv_cut(&rest, '\t'), spki = sv_cut(&rest, '\t');

	if (!ta_good(name, spki, rest)) {
		w->count->n_bad++;
		return 0;
	}
	if (w->n_tas == FETCH_TAS_MAX) {
		w->count->n_over++;
		return 0;
	}
	w->tas[w->n_tas++] = name;
	return ta_place(w, name, spki, rest);
}

/* --- repositories --- */

static bool
ta_find(const struct want *w, struct sv name, unsigned *ret)
{
	for (unsigned i = 0; i < w->n_tas; i++)
		if (sv_eq(w->tas[i], name)) {
			*ret = i;
			return true;
		}
	return false;
}

static bool
repo_parse(const struct want *w, struct sv rest, struct repo *ret)
{
	struct sv notify = sv_cut(&rest, '\t'), module = sv_cut(&rest, '\t');
	struct sv ta = sv_cut(&rest, '\t');

	if (sv_eq(notify, SV("-")))
		notify = SV("");
	if ((notify.n > 0 && (!uri_good(notify) || !https_uri_valid(notify))) ||
	    !module_good(module) || !ta_find(w, ta, &ret->ta) ||
	    num_u64(rest, 0, UINT32_MAX, &ret->n_cas) < 0)
		return false;
	ret->notify = notify;
	ret->module = module;
	return true;
}

static int
repo_read(struct want *w, struct sv rest)
{
	struct repo r = { .order = w->n };
	const struct place *pl;

	if (!repo_parse(w, rest, &r)) {
		w->count->n_bad++;
		return 0;
	}
	pl = plan_find(w->plan, r.notify.n > 0 ? r.notify : r.module);
	r.proven = pl != NULL && pl->pub.last_ok > 0;
	if (w->n == w->cap) {
		size_t cap = w->cap == 0 ? 256 : w->cap * 2;
		void *v = reallocarray(w->repos, cap, sizeof(*w->repos));

		if (v == NULL)
			return -ENOMEM;
		w->repos = v;
		w->cap = cap;
	}
	w->repos[w->n++] = r;
	return 0;
}

/* The order of followed lines: by trust anchor, and within by merit. */
static int
repo_cmp(const void *pa, const void *pb)
{
	const struct repo *a = pa, *b = pb;

	if (a->ta != b->ta)
		return a->ta < b->ta ? -1 : 1;
	if (a->proven != b->proven)
		return a->proven ? -1 : 1;
	if (a->n_cas != b->n_cas)
		return a->n_cas > b->n_cas ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* --- caps --- */

static unsigned *
counter(struct want *w, const char *kind, struct sv name)
{
	char *key = pool_printf(w->pool, "%s%.*s", kind, SV_ARG(name));
	unsigned *n;

	if (key == NULL)
		return NULL;
	if ((n = map_find(&w->hosts, sv_str(key))) != NULL)
		return n;
	if ((n = pool_calloc(w->pool, 1, sizeof(*n))) == NULL ||
	    map_add(&w->hosts, sv_str(key), n) < 0)
		return NULL;
	return n;
}

/*
 * Count one more line of this URI's host; false: it has enough. Counted for
 * each trust anchor by itself, and not against who has answered before:
 * otherwise a few certificates that name a host would shut it out for others.
 */
static int
host_room(struct want *w, const struct repo *r, bool *ret)
{
	struct sv uri = r->notify.n > 0 ? r->notify : r->module;
	char text[FETCH_KEY_MAX + 1], kind[32];
	unsigned *host, *dom;

	*ret = false;
	if (fetch_host(uri, text, sizeof(text)) < 0)
		return 0;
	(void)snprintf(kind, sizeof(kind), "h%u:", r->ta);
	host = counter(w, kind, sv_str(text));
	kind[0] = 'd';
	dom = counter(w, kind, domain(sv_str(text)));
	if (host == NULL || dom == NULL)
		return -ENOMEM;
	if (!r->proven && (*host >= FETCH_PER_HOST_MAX || *dom >= FETCH_PER_DOMAIN_MAX))
		return 0;
	(*host)++;
	(*dom)++;
	*ret = true;
	return 0;
}

/* --- places --- */

static int
module_link(struct place *rrdp, struct place *rsync)
{
	for (size_t i = 0; i < rrdp->n_modules; i++)
		if (rrdp->modules[i] == rsync)
			return 0;
	if (rrdp->n_modules == rrdp->cap_modules) {
		size_t cap = rrdp->cap_modules == 0 ? 2 : rrdp->cap_modules * 2;
		void *v = reallocarray(rrdp->modules, cap, sizeof(*rrdp->modules));

		if (v == NULL)
			return -ENOMEM;
		rrdp->modules = v;
		rrdp->cap_modules = cap;
	}
	rrdp->modules[rrdp->n_modules++] = rsync;
	return 0;
}

static void
place_want(struct place *pl, const struct repo *r, size_t rank)
{
	if (!pl->pub.wanted || rank < pl->pub.rank)
		pl->pub.rank = rank;
	pl->pub.n_cas = (pl->pub.wanted ? pl->pub.n_cas : 0) + r->n_cas;
	pl->pub.wanted = true;
}

static int
repo_follow(struct want *w, const struct repo *r, size_t rank)
{
	const struct fetch_plan_conf *c = &w->plan->conf;
	struct place *rrdp = NULL, *rsync = NULL;
	bool rrdp_on = c->rrdp && r->notify.n > 0;
	int rc;

	if (c->rsync != FETCH_RSYNC_NEVER) {
		if ((rc = plan_place(w->plan, PLACE_RSYNC, r->module, r->module, w->now,
		    &rsync)) < 0)
			return rc;
		place_want(rsync, r, rank);
		if (!rrdp_on || c->rsync == FETCH_RSYNC_ALWAYS)
			rsync->pub.direct = true;
	}
	if (!rrdp_on)
		return 0;
	if ((rc = plan_place(w->plan, PLACE_RRDP, r->notify, r->notify, w->now, &rrdp)) < 0)
		return rc;
	place_want(rrdp, r, rank);
	return rsync == NULL ? 0 : module_link(rrdp, rsync);
}

/* Each trust anchor's best lines, up to its share. */
static int
repos_follow(struct want *w)
{
	size_t share = FETCH_PLACES_MAX / max_size(w->n_tas, 1), rank = 0;

	if (w->n > 0)
		qsort(w->repos, w->n, sizeof(*w->repos), repo_cmp);
	for (size_t i = 0; i < w->n; i++) {
		const struct repo *r = &w->repos[i];
		bool room;
		int rc;

		if (i > 0 && r->ta != w->repos[i - 1].ta)
			rank = 0;
		if (rank == share) {
			w->count->n_over++;
			continue;
		}
		if ((rc = host_room(w, r, &room)) < 0)
			return rc;
		if (!room) {
			w->count->n_over++;
			continue;
		}
		rc = repo_follow(w, r, rank++);
		if (rc == SE_LIMIT)
			w->count->n_over++;
		else if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- the whole list --- */

static int
lines_each(struct want *w, struct sv kind, int (*fn)(struct want *, struct sv))
{
	struct sv all = w->lines, line;
	int rc = 0;

	while (rc == 0 && sv_line(&all, &line))
		if (sv_eq(sv_cut(&line, '\t'), kind))
			rc = fn(w, line);
	return rc;
}

static void
places_unwant(struct fetch_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct place *pl = p->places[i];

		pl->pub.wanted = pl->pub.direct = false;
		pl->n_modules = 0;
	}
}

static void
places_settle(struct fetch_plan *p, int64_t now)
{
	for (size_t i = 0; i < p->n; i++) {
		struct place *pl = p->places[i];

		if (!pl->pub.wanted && pl->unwanted == 0)
			pl->unwanted = now;
		/* Wanted again: at once, unless it had failed. */
		if (pl->pub.wanted && pl->unwanted != 0) {
			pl->unwanted = 0;
			if (pl->pub.failures == 0)
				pl->pub.next = min_i64(pl->pub.next, now);
		}
	}
	plan_fallbacks(p);
}

static void
lines_count(struct want *w)
{
	struct sv all = w->lines, line;

	while (sv_line(&all, &line)) {
		struct sv kind = sv_cut(&line, '\t');

		w->count->n_lines++;
		w->count->n_bad += !sv_eq(kind, SV("ta")) && !sv_eq(kind, SV("repo"));
	}
}

int
fetch_plan_want(struct fetch_plan *p, struct sv lines, int64_t now, struct fetch_wanted *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(WORK_MAX);
	struct fetch_wanted count = { 0 };
	struct want w = { .plan = p, .now = now, .lines = lines, .count = &count, .pool = pool };
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if (lines.n > FETCH_WANT_MAX)
		w.lines = sv_take(lines, sv_rfind(sv_take(lines, FETCH_WANT_MAX), '\n'));
	lines_count(&w);
	places_unwant(p);
	if ((rc = lines_each(&w, SV("ta"), ta_read)) == 0 &&
	    (rc = lines_each(&w, SV("repo"), repo_read)) == 0)
		rc = repos_follow(&w);
	places_settle(p, now);
	free(w.repos);
	map_done(&w.hosts);
	*ret = count;
	return rc;
}
