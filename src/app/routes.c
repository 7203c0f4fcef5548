#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "app/routes.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/par.h"

#define ROUTES_POOL_MAX	((size_t)1 << 30)
#define TAL_DIR_MAX	256		/* files in a folder of TALs */

static const struct finding_def *
code(enum rpki_code c)
{
	return &rpki_findings[c];
}

bool
ours_asn(const struct ours *o, uint32_t asn)
{
	for (size_t i = 0; o != NULL && i < o->n_asns; i++)
		if (o->asns[i] == asn)
			return true;
	return false;
}

bool
ours_prefix(const struct ours *o, const struct ip_prefix *p)
{
	for (size_t i = 0; o != NULL && i < o->n_prefixes; i++)
		if (ip_prefix_covers(&o->prefixes[i], p) ||
		    ip_prefix_covers(p, &o->prefixes[i]))
			return true;
	return false;
}

/* --- TALs --- */

static struct sv
tal_name(struct sv path)
{
	struct sv name = sv_skip(path, sv_rfind(path, '/') == path.n ? 0 :
	    sv_rfind(path, '/') + 1);

	if (sv_ends(name, SV(".tal")))
		name.n -= 4;
	return sv_take(name, TA_NAME_MAX);
}

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static int
tal_add(struct routes *r, const struct routes_conf *conf, const char *path)
{
	const struct complain *c = &conf->complain;
	struct routes_ta *ta = &r->tas[r->n_tas];
	struct sv text, name = tal_name(sv_str(path));
	const char *why = NULL;
	unsigned line = 0;
	int rc;

	if (r->n_tas == TA_MAX) {
		complain(c, tr(c->lang, N_("%s: there are more than %d TALs; leave some out")), path, TA_MAX);
		return SE_LIMIT;
	}
	if ((rc = file_read(r->pool, FILE_CWD, path, RPKI_TAL_SIZE_MAX, &text)) < 0) {
		complain(c, tr(c->lang, N_("cannot read the TAL %s: %s; give a TAL file or a folder of *.tal")),
		    path, err_str(rc));
		return rc;
	}
	if ((rc = tal_parse(r->pool, text, &ta->tal, &why, &line)) < 0) {
		complain(c, tr(c->lang, N_("%s:%u: %s; get the TAL from the registry again")),
		    path, line, why != NULL ? tr(c->lang, why) : err_str(rc));
		return rc;
	}
	/* The name goes into JSON, CSV and metrics as it is: plain letters only. */
	for (size_t i = 0; i < name.n; i++)
		ta->tal.name[i] = name_char(name.p[i]) ? name.p[i] : '_';
	ta->tal.name[name.n] = '\0';
	r->n_tas++;
	return 0;
}

static int
tal_dir_add(struct routes *r, const struct routes_conf *conf, const char *dir)
{
	const struct complain *c = &conf->complain;
	struct sv *names;
	size_t n, found = 0;
	int rc;

	if ((rc = dir_list(r->pool, dir, TAL_DIR_MAX, &names, &n)) < 0) {
		complain(c, tr(c->lang, N_("cannot list the folder of TALs %s: %s")), dir, err_str(rc));
		return rc;
	}
	for (size_t i = 0; i < n; i++) {
		char *path;

		if (!sv_ends(names[i], SV(".tal")))
			continue;
		path = pool_printf(r->pool, "%s/%.*s", dir, SV_ARG(names[i]));
		if (path == NULL)
			return -ENOMEM;
		if ((rc = tal_add(r, conf, path)) < 0)
			return rc;
		found++;
	}
	if (found == 0) {
		complain(c, tr(c->lang, N_("there is no *.tal in the folder %s")), dir);
		return -ENOENT;
	}
	return 0;
}

static int
tals_read(struct routes *r, const struct routes_conf *conf)
{
	int rc = 0;

	r->tas = pool_calloc(r->pool, TA_MAX, sizeof(*r->tas));
	if (r->tas == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_tals && rc == 0; i++)
		rc = file_is_dir(conf->tals[i]) ?
		    tal_dir_add(r, conf, conf->tals[i]) : tal_add(r, conf, conf->tals[i]);
	return rc;
}

static int
input_read(struct routes *r, const struct routes_conf *conf)
{
	int rc = 0;

	if ((r->input = input_new(&conf->complain)) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_rrdp && rc == 0; i++)
		rc = input_add_rrdp(r->input, conf->rrdp[i]);
	for (size_t i = 0; i < conf->n_trees && rc == 0; i++)
		rc = input_add_tree(r->input, conf->trees[i]);
	return rc;
}

/* --- the walk --- */

/* Files give one certificate. */
static int
input_ta(void *arg, struct pool *pool, const struct tal *t, unsigned k,
    struct sv *ret_uri, struct sv *ret)
{
	int rc = input_get_ta(arg, pool, t, ret_uri, ret);

	return k > 0 && rc == 0 ? -ENOENT : rc;
}

static int
input_point(void *arg, unsigned job UNUSED, const struct rpki_ca *ca,
    const struct rpki_point *before UNUSED, const struct rpki_seen *renamed UNUSED,
    const struct rpki_opt *opt, struct rpki_point *pt)
{
	const struct rpki_source src = { .get = input_get, .arg = arg };

	return rpki_point_check(ca, &src, opt, pt);
}

/* The first certificate that is good; why the others are not is said. */
static int
ta_check(struct routes *r, const struct routes_backend *b, size_t i)
{
	struct routes_ta *ta = &r->tas[i];
	struct sv uri = ta->tal.uris[0], bytes;
	unsigned k;
	int rc = 0;

	for (k = 0; !ta->ok && k < RPKI_TAL_URIS_MAX + 1; k++) {
		if ((rc = b->ta(b->arg, r->pool, &ta->tal, k, &uri, &bytes)) < 0)
			break;
		ta->uri = uri;
		r->findings.subject = uri;
		rc = rpki_ta_check(r->pool, &ta->tal, bytes, &r->opt, &r->findings,
		    &ta->ca, &ta->ok);
		if (rc < 0)
			return rc;
		crypto_sha256(bytes.p, bytes.n, ta->hash);
	}
	if (rc == -ENOMEM)
		return rc;
	if (k == 0) {
		ta->uri = uri;
		r->findings.subject = uri;
		finding_add0(&r->findings, code(RPKI_TA_MISSING));
		return 0;
	}
	r->n_tas_found++;
	ta->ca.ta = (unsigned)i;
	ta->ca.uri = ta->uri;
	r->count[RPKI_CER][ta->ok ? V_VALID : V_REJECTED]++;
	return 0;
}

/*
 * A key and a place of a CA: how often certificates have led there, and for
 * the next run, which point was found.
 */
struct place {
	struct sv	 key;
	uint64_t	 hash;
	unsigned	 n, n_lost;
	struct sv	 aia;		/* the certificate that the CA itself names */
	bool		 owner_admitted;
	bool		 twice;		/* more than one point */
	bool		 taken;		/* by a job of the next run */
	uint32_t	 first;		/* 1 + index of its point; 0: none */
};

/* A CA that is to be visited: now, or when its place's owner is known, or budget is left. */
struct coming {
	const struct rpki_ca	*ca;
	struct place		*place;
	uint32_t		 up;	/* 1 + index of the point that has its certificate */
};

struct level {
	struct routes			*r;
	const struct routes_conf	*conf;
	const struct coming		*cas;
	struct rpki_point		**points;
	uint32_t			*was;
	struct place			**before;	/* of the run before; may be NULL */
	struct rpki_seen		*renamed;	/* with .before; .name empty: not so */
	int				*rcs;
	atomic_size_t			 moved;
	size_t				 known;
	atomic_size_t			 done;
};

/*
 * Was this very CA judged before, and would it be judged the same? If not, its
 * files may still be what they were: *ret_before.
 */
static struct rpki_point *
point_before(const struct level *l, unsigned job, size_t i, const struct rpki_point **ret_before)
{
	const struct routes_backend *b = l->conf->backend;
	const struct rpki_ca *ca = l->cas[i].ca;
	const struct place *p = l->before[i];
	struct rpki_point **slot = p == NULL ? NULL : &l->conf->prev->points[p->first - 1];
	struct rpki_point *pt = p == NULL ? NULL : *slot;
	int64_t now = l->r->now;

	if (pt == NULL || (pt->failed && !pt->absent) || now < pt->judged || now >= pt->until ||
	    !rpki_ca_same(pt->ca, ca))
		return NULL;
	if (!b->same(b->arg, job, ca, pt)) {
		*ret_before = pt;
		return NULL;
	}
	l->was[i] = p->first;
	*slot = NULL;
	rpki_point_rebase(pt, ca);
	return pt;
}

static void
point_job(void *arg, unsigned job, size_t i)
{
	struct level *l = arg;
	const struct routes_backend *b = l->conf->backend;
	const struct rpki_point *before = NULL;
	const struct rpki_seen *renamed = NULL;
	struct rpki_point *pt = NULL;
	size_t n;

	if (l->renamed != NULL && l->renamed[i].name.n > 0)
		renamed = &l->renamed[i];

	if (l->before != NULL && (pt = point_before(l, job, i, &before)) != NULL)
		atomic_fetch_add(&l->moved, 1);
	else if ((pt = calloc(1, sizeof(*pt))) == NULL)
		l->rcs[i] = -ENOMEM;
	else
		l->rcs[i] = b->point(b->arg, job, l->cas[i].ca, before, renamed, &l->r->opt, pt);
	l->points[i] = pt;
	n = atomic_fetch_add(&l->done, 1) + 1;
	if (l->conf->progress != NULL && n % 64 == 0)
		l->conf->progress(l->conf->progress_arg, l->r->n_points + n, l->known);
}

static bool
room(void *array, size_t n, size_t more, size_t size)
{
	char **p = array, *to = reallocarray(*p, n + more + 1, size);

	if (to == NULL)
		return false;
	memset(to + n * size, 0, (more + 1) * size);
	*p = to;
	return true;
}

static bool
points_room(struct routes *r, size_t n)
{
	return room(&r->points, r->n_points, n, sizeof(*r->points)) &&
	    room(&r->was, r->n_points, n, sizeof(*r->was)) &&
	    room(&r->up, r->n_points, n, sizeof(*r->up)) &&
	    room(&r->place_of, r->n_points, n, sizeof(struct place *));
}

/* Counts one point's outcome into the run. */
static void
point_account(struct routes *r, const struct routes_conf *conf,
    const struct rpki_point *pt, int rc)
{
	struct routes_ta *ta = &r->tas[pt->ca->ta];

	if (rc < 0) {
		r->incomplete = true;
		complain(&conf->complain, tr(conf->complain.lang,
		    N_("%.*s: the publication point could not be judged: %s")),
		    SV_ARG(pt->ca->mft_uri), err_str(rc));
	}
	/* Below a broken certificate anything may be named: not counted. */
	for (int t = 0; t < RPKI_TYPE_MAX && !pt->ca->lost; t++)
		for (int v = 0; v < V_MAX; v++) {
			r->count[t][v] += pt->count[t][v];
			ta->n_objects += pt->count[t][v];
		}
	for (int s = 0; s < SEV_MAX; s++)
		r->n_by_severity[s] += pt->findings.n_by_severity[s];
	r->n_verified += pt->n_verified;
	r->n_vrps_all += pt->n_vrps;
}

#define PLACE_KEY_MAX	(RPKI_URI_MAX + SHA1_LEN)

/* n == 0: longer than the parser lets either be. */
static struct sv
place_key(const struct rpki_ca *ca, char buf[static PLACE_KEY_MAX])
{
	struct sv key = { buf, ca->mft_uri.n + ca->ski.n };

	if (key.n > PLACE_KEY_MAX)
		return (struct sv){ buf, 0 };
	memcpy(buf, ca->mft_uri.p, ca->mft_uri.n);
	memcpy(buf + ca->mft_uri.n, ca->ski.p, ca->ski.n);
	return key;
}

static int
place_find(struct routes *r, const struct rpki_ca *ca, struct place **ret)
{
	char buf[PLACE_KEY_MAX];
	struct sv key = place_key(ca, buf);
	uint64_t hash;

	if (key.n == 0)
		return SE_LIMIT;
	hash = hash_bytes(key.p, key.n);
	if ((*ret = map_find_hashed(&r->places, key, hash)) != NULL)
		return 0;
	key = pool_sv(r->pool, key);
	*ret = pool_calloc(r->pool, 1, sizeof(**ret));
	if (key.p == NULL || *ret == NULL)
		return -ENOMEM;
	(*ret)->key = key;
	(*ret)->hash = hash;
	return map_add_hashed(&r->places, key, hash, *ret);
}

/*
 * A point may be certified more than once, but not without end: otherwise a
 * few certificates that name each other's points cost more than the Internet.
 * A stranger can issue certificates for another's key and place, and must not
 * be able to use up its visits: the one certificate that the manifest's own
 * signer names (AIA) is always let in.
 */
static bool
visit_allowed(struct place *v, const struct rpki_ca *ca)
{
	if (v->n < RPKI_POINT_VISITS_MAX) {
		v->n++;
		return true;
	}
	if (v->owner_admitted || v->aia.n == 0 || !sv_eq(v->aia, ca->uri))
		return false;
	v->owner_admitted = true;
	return true;
}

static size_t
points_max(const struct routes_conf *conf)
{
	return conf->points_max > 0 ? conf->points_max : RPKI_POINTS_MAX;
}

/* Each trust anchor has its own budget: one cannot starve another. */
static bool
admitted(struct routes *r, const struct routes_conf *conf, const struct rpki_ca *ca,
    struct place *v)
{
	struct routes_ta *ta = &r->tas[ca->ta];

	if (ta->n_points >= points_max(conf) || !visit_allowed(v, ca))
		return false;
	ta->n_points++;
	return true;
}

/* What is only read for explanations has a small budget of its own. */
static bool
lost_admitted(struct routes *r, const struct routes_conf *conf, const struct rpki_ca *ca,
    struct place *v)
{
	struct routes_ta *ta = &r->tas[ca->ta];

	if (ta->n_lost >= points_max(conf) / 4 || v->n_lost >= RPKI_POINT_VISITS_MAX)
		return false;
	v->n_lost++;
	ta->n_lost++;
	return true;
}

static int
late_add(struct routes *r, const struct coming *c)
{
	if (r->n_late == r->cap_late) {
		size_t cap = r->cap_late == 0 ? 64 : r->cap_late * 2;
		struct coming *p = reallocarray(r->late, cap, sizeof(*p));

		if (p == NULL)
			return -ENOMEM;
		r->late = p;
		r->cap_late = cap;
	}
	r->late[r->n_late++] = *c;
	return 0;
}

static int
child_admit(struct routes *r, const struct routes_conf *conf, const struct coming c,
    struct coming *next, size_t *n)
{
	bool in = c.ca->lost ? lost_admitted(r, conf, c.ca, c.place) :
	    admitted(r, conf, c.ca, c.place);

	if (in)
		next[(*n)++] = c;
	return in || c.ca->lost ? 0 : late_add(r, &c);
}

/* What a judged point teaches: its owner, and whether it cost anything. */
static void
point_learn(struct routes *r, size_t i)
{
	const struct rpki_point *pt = r->points[i];
	struct routes_ta *ta = &r->tas[pt->ca->ta];
	struct place *p = r->place_of[i];

	if (pt->ca->depth == 0 || pt->ca->lost)
		return;
	/* Nothing was there: no work. But its name took memory: not without end. */
	if (!pt->mft_found && ta->n_missing < RPKI_POINTS_MAX / 8) {
		ta->n_missing++;
		ta->n_points--;
	}
	if (p->aia.n == 0)
		p->aia = pt->mft_aia;
}

/* The next level: those that waited first, then the new ones. */
static int
children_gather(struct routes *r, const struct routes_conf *conf, size_t from,
    struct coming *next, size_t *ret_n)
{
	size_t n_late = r->n_late;
	int rc = 0;

	for (size_t i = from; i < r->n_points; i++)
		point_learn(r, i);
	r->n_late = 0;
	for (size_t i = 0; i < n_late && rc == 0; i++)
		rc = child_admit(r, conf, r->late[i], next, ret_n);
	for (size_t i = from; i < r->n_points; i++)
		for (size_t c = 0; c < r->points[i]->n_children && rc == 0; c++) {
			struct coming child = { .ca = &r->points[i]->children[c],
			    .up = (uint32_t)i + 1 };

			if ((rc = place_find(r, child.ca, &child.place)) == 0)
				rc = child_admit(r, conf, child, next, ret_n);
		}
	return rc;
}

/* Nobody is admitted any more: say who was left out, once a place. */
static void
late_report(struct routes *r, const struct routes_conf *conf)
{
	bool told[TA_MAX] = { false };

	for (size_t i = 0; i < r->n_late; i++) {
		struct coming *l = &r->late[i];

		if (l->place->n < RPKI_POINT_VISITS_MAX && !told[l->ca->ta]) {
			told[l->ca->ta] = true;
			r->findings.subject = r->tas[l->ca->ta].uri;
			finding_add(&r->findings, code(RPKI_POINTS_MANY), FA_U("limit", points_max(conf)));
		} else if (l->place->n == RPKI_POINT_VISITS_MAX) {
			l->place->n++;
			r->findings.subject = l->ca->mft_uri;
			finding_add(&r->findings, code(RPKI_POINT_REPEATED),
			    FA_U("limit", RPKI_POINT_VISITS_MAX));
		}
	}
}

/* For the next run: where each point is. */
static void
places_fill(struct routes *r)
{
	for (size_t i = 0; i < r->n_points; i++) {
		struct place *p = r->place_of[i];

		p->twice = p->first != 0;
		if (p->first == 0)
			p->first = (uint32_t)i + 1;
	}
}

bool
routes_alone(const struct routes *r, size_t i)
{
	return !r->place_of[i]->twice;
}

/*
 * A CA that was not met at this place: was its manifest at another? If that
 * one is visited in this run, too, it is no renaming: the key has two.
 */
static int
renamed_find(struct level *l, size_t i)
{
	struct routes *prev = l->conf->prev;
	uint32_t k;
	int rc = routes_renamed(prev, l->cas[i].ca, &k, &l->renamed[i]);

	if (rc == 0 && l->renamed[i].name.n > 0 && prev->place_of[k]->taken)
		l->renamed[i].name.n = 0;
	return rc;
}

/* Places are looked up before the jobs start: one CA's, one job's. */
static int
level_before(struct level *l, size_t n)
{
	struct routes *prev = l->conf->prev;
	size_t n_new = 0;
	int rc = 0;

	if (prev == NULL)
		return 0;
	if ((l->before = calloc(n + 1, sizeof(*l->before))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct place *now = l->cas[i].place;
		struct place *p = map_find_hashed(&prev->places, now->key, now->hash);

		n_new += p == NULL;
		/* More than one certificate for a place: judged anew, not shared. */
		if (p == NULL || p->first == 0 || p->twice || p->taken)
			continue;
		p->taken = true;
		l->before[i] = p;
	}
	if (n_new == 0)
		return 0;
	if ((l->renamed = calloc(n + 1, sizeof(*l->renamed))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && rc == 0; i++)
		if (map_find_hashed(&prev->places, l->cas[i].place->key,
		    l->cas[i].place->hash) == NULL)
			rc = renamed_find(l, i);
	return rc;
}

static void
level_note(struct routes *r, const struct coming *cas, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		r->up[r->n_points + i] = cas[i].up;
		r->place_of[r->n_points + i] = cas[i].place;
	}
	r->n_points += n;
}

/* One level of the tree; the next one's CAs are returned. */
static int
level_run(struct routes *r, const struct routes_conf *conf,
    const struct coming *cas, size_t n, struct coming **ret, size_t *ret_n)
{
	struct level l = { .r = r, .conf = conf, .cas = cas, .known = r->n_points + n };
	size_t n_next = 0, from = r->n_points;
	int rc = 0;

	if (!points_room(r, n) || (l.rcs = calloc(n, sizeof(*l.rcs))) == NULL)
		return -ENOMEM;
	l.points = r->points + r->n_points;
	l.was = r->was + r->n_points;
	if ((rc = level_before(&l, n)) == 0)
		par_for_job(conf->jobs, n, point_job, &l);
	level_note(r, cas, n);
	r->n_moved += l.moved;
	free(l.before);
	free(l.renamed);
	if (rc < 0) {
		free(l.rcs);
		return rc;
	}
	if (conf->backend->level != NULL)
		conf->backend->level(conf->backend->arg);
	for (size_t i = 0; i < n; i++)
		if (l.points[i] == NULL)
			rc = -ENOMEM;
		else
			n_next += l.points[i]->n_children;
	if (rc == 0 && (*ret = calloc(n_next + r->n_late + 1, sizeof(**ret))) == NULL)
		rc = -ENOMEM;
	if (rc == 0)
		rc = children_gather(r, conf, from, *ret, ret_n);
	for (size_t i = 0; i < n && rc == 0; i++)
		point_account(r, conf, l.points[i], l.rcs[i]);
	free(l.rcs);
	return rc;
}

static int
walk(struct routes *r, const struct routes_conf *conf)
{
	struct coming *cas = calloc(r->n_tas + 1, sizeof(*cas)), *next;
	size_t n = 0, n_next;
	int rc = cas == NULL ? -ENOMEM : 0;

	if (rc == 0 && conf->prev != NULL)
		rc = map_reserve(&r->places, conf->prev->places.n);
	for (size_t i = 0; i < r->n_tas && rc == 0; i++)
		if (r->tas[i].ok) {
			r->tas[i].n_points = 1;
			cas[n].ca = &r->tas[i].ca;
			rc = place_find(r, cas[n].ca, &cas[n].place);
			n++;
		}
	while (n > 0 && rc == 0) {
		next = NULL;
		n_next = 0;
		rc = level_run(r, conf, cas, n, &next, &n_next);
		free(cas);
		cas = next;
		n = n_next;
	}
	free(cas);
	late_report(r, conf);
	return rc;
}

/* --- what comes out: app/routes_gather.c --- */

static void
totals(struct routes *r)
{
	const struct payloads *p = &r->payloads;

	r->earliest = TIME_NEVER;
	for (size_t i = 0; i < p->n_vrps; i++) {
		struct routes_ta *ta = &r->tas[p->vrps[i].ta];

		r->earliest = min_i64(r->earliest, p->vrps[i].expires);
		if (p->vrps[i].af == IP_V4)
			ta->n_v4++;
		else
			ta->n_v6++;
	}
	for (size_t i = 0; i < p->n_aspas; i++) {
		r->earliest = min_i64(r->earliest, p->aspas[i].expires);
		r->tas[p->aspas[i].ta].n_aspas++;
	}
	for (int s = 0; s < SEV_MAX; s++)
		r->n_by_severity[s] += r->findings.n_by_severity[s];
	r->n_unreadable = input_unreadable(r->input);
	r->incomplete = r->incomplete || input_broken(r->input);
}

static int
run(struct routes *r, const struct routes_conf *conf)
{
	int rc = 0;

	for (size_t i = 0; i < r->n_tas && rc == 0; i++)
		rc = ta_check(r, conf->backend, i);
	if (rc == 0)
		rc = walk(r, conf);
	if (rc == 0)
		places_fill(r);
	return rc == 0 ? routes_gather(r, conf->prev) : rc;
}

int
routes_run(const struct routes_conf *given, struct routes **ret)
{
	struct routes_conf with = *given;
	const struct routes_conf *conf = &with;
	struct routes_backend files = { .ta = input_ta, .point = input_point };
	_cleanup_(routes_freep) struct routes *r = calloc(1, sizeof(*r));
	int64_t start = clock_mono_usec();
	int rc;

	if (r == NULL || (r->pool = pool_new(ROUTES_POOL_MAX)) == NULL)
		return -ENOMEM;
	findings_init(&r->findings, r->pool);
	r->now = conf->now;
	r->again = conf->again;
	r->opt = (struct rpki_opt){ .now = conf->now, .tolerate = conf->tolerate,
	    .keep_objects = conf->keep, .thin = conf->thin, .follow_lost = conf->keep };
	if ((rc = tals_read(r, conf)) < 0 || (rc = input_read(r, conf)) < 0)
		return rc;
	files.arg = r->input;
	if (with.backend == NULL) {
		with.backend = &files;
		with.prev = NULL;
	}
	if ((rc = run(r, conf)) < 0) {
		complain(&conf->complain, tr(conf->complain.lang,
		    N_("the validation could not be done: %s")), err_str(rc));
		return rc;
	}
	totals(r);
	r->duration_usec = clock_mono_usec() - start;
	*ret = TAKE_PTR(r);
	return 0;
}

struct routes *
routes_free(struct routes *r)
{
	if (r == NULL)
		return NULL;
	for (size_t i = 0; i < r->n_points; i++)
		if (r->points[i] != NULL) {
			rpki_point_done(r->points[i]);
			free(r->points[i]);
		}
	free(r->points);
	free(r->was);
	free(r->up);
	free(r->place_of);
	free(r->sorted);
	free(r->late);
	map_done(&r->objects);
	map_done(&r->by_ca);
	map_done(&r->reported);
	map_done(&r->places);
	map_done(&r->by_key);
	payloads_done(&r->payloads);
	(void)input_free(r->input);
	(void)pool_free(r->pool);
	free(r);
	return NULL;
}

static bool
list_each(const struct findings *fs, bool (*fn)(void *, const struct finding *),
    void *arg)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		if (!fn(arg, f))
			return false;
	return true;
}

void
routes_findings(const struct routes *r,
    bool (*fn)(void *, const struct finding *), void *arg)
{
	bool more = list_each(&r->findings, fn, arg);

	for (size_t i = 0; i < r->n_points && more; i++)
		more = list_each(&r->points[i]->findings, fn, arg);
}
