/*
 * Explanations: for one route, prefix, AS number or object the whole chain of
 * evidence, the first link that broke, what is lost by it, the next step.
 *
 * {"subject","kind":"route|prefix|asn|uri|file","state","summary","ours","at",
 *  "vrps":[{"prefix","maxLength","asn","ta","source","expires","matches"}],
 *  "aspas":[{"customer","providers":[…],"source","expires"}],
 *  "chain":[{"uri","type","verdict","not_before","not_after","resources":[…],
 *    "contact":{"name","organisation","telephone","email","address","verified"} if known,
 *    "findings":[{"code","severity","clause","text","remedy"}]}],
 *  "failed":{"uri","code","clause","text","likely","remedy","by_hand"}|null,
 *  "lost":[{"prefix","maxLength","asn","source"}],
 *  "local":[{"action":"filter|assert","what","source","comment","until"}],
 *  "next"}
 *
 * state: Valid, Invalid, NotFound (routes); accepted, rejected, lost,
 * not_judged, unknown (objects); known, none (prefixes, AS numbers).
 *
 * What is local (RFC 8416) has its part in the answer: a payload that a filter
 * takes out is not there, one that is asserted is, and "local" says why.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/routes_answer.h"
#include "base/err.h"
#include "sys/file.h"

static int
hit_add(struct hit **list, size_t *n, size_t *cap, struct hit h)
{
	if (*n == *cap) {
		size_t more = *cap == 0 ? 32 : *cap * 2;
		struct hit *p = reallocarray(*list, more, sizeof(*p));

		if (p == NULL)
			return -ENOMEM;
		*list = p;
		*cap = more;
	}
	(*list)[(*n)++] = h;
	return 0;
}

struct ip_prefix
vrp_prefix(const struct vrp *v)
{
	struct ip_prefix p = { .af = v->af, .len = v->len };

	memcpy(p.addr, v->addr, 16);
	return p;
}

bool
answer_wants_vrp(const struct answer *a, const struct vrp *v)
{
	struct ip_prefix p = vrp_prefix(v);

	if (a->by_prefix)
		return ip_prefix_covers(&p, &a->px);
	return a->by_asn && v->asn == a->asn;
}

bool
answer_wants_aspa(const struct answer *a, const struct aspa *aspa)
{
	return !a->by_prefix && a->by_asn && aspa->customer == a->asn;
}

int
answer_good_add(struct answer *a, struct hit h)
{
	return hit_add(&a->good, &a->n_good, &a->cap_good, h);
}

static int
answer_add(struct answer *a, struct hit h)
{
	if (h.o->verdict == V_VALID)
		return answer_good_add(a, h);
	return hit_add(&a->lost, &a->n_lost, &a->cap_lost, h);
}

static int
object_hits(struct answer *a, const struct rpki_object *o, const struct rpki_point *pt)
{
	struct hit h = { o, pt, NULL };
	int rc = 0;

	for (size_t i = 0; i < o->n_vrps && rc == 0; i++) {
		if (!answer_wants_vrp(a, &o->vrps[i]))
			continue;
		h.v = &o->vrps[i];
		rc = answer_add(a, h);
	}
	h.v = NULL;
	if (rc == 0 && o->aspa != NULL && answer_wants_aspa(a, o->aspa))
		rc = answer_add(a, h);
	return rc;
}

static int
hits_find(struct answer *a)
{
	int rc = 0;

	for (size_t i = 0; i < a->r->n_points && rc == 0; i++) {
		const struct rpki_point *pt = a->r->points[i];

		/* Few objects of a thin one are known; none of them concerns us. */
		for (size_t k = 0; k < pt->n_objects && !pt->thin && rc == 0; k++)
			rc = object_hits(a, &pt->objects[k], pt);
	}
	return rc;
}

bool
hit_matches(const struct answer *a, const struct hit *h)
{
	return h->v != NULL && vrp_matches(h->v, &a->px, a->asn);
}

bool
finding_is_of(const struct finding *f, struct sv uri)
{
	return sv_eq(f->subject, uri);
}

/* --- the questions --- */

static void
next_default(struct answer *a, const char *msg)
{
	buf_str(&a->next, tr(a->lang, msg));
}

static void
chain_of(struct answer *a, const struct hit *h)
{
	if (h->pt == &a->local_pt)
		return;			/* nobody signed it */
	a->o = h->o;
	a->pt = h->pt;
}

/* Does the CA hold what was asked for? */
static bool
ca_holds(const struct answer *a, const struct rpki_ca *ca)
{
	if (a->by_prefix)
		return ip_res_covers_prefix(&ca->res, &a->px);
	return as_res_covers(&ca->res.as, a->asn, a->asn);
}

/*
 * No ROA says anything: then the CA that could have said it is of interest,
 * the deepest that holds the addresses; above all if its publication point
 * failed and the ROA itself cannot even be read.
 */
static const struct rpki_point *
holder_find(const struct answer *a, bool lost)
{
	const struct rpki_point *best = NULL;

	for (size_t i = 0; i < a->r->n_points; i++) {
		const struct rpki_point *pt = a->r->points[i];

		if (pt->ca->lost == lost && pt->ca->depth > 0 && ca_holds(a, pt->ca) &&
		    (best == NULL || pt->ca->depth > best->ca->depth))
			best = pt;
	}
	return best;
}

static void
chain_of_holder(struct answer *a)
{
	const struct rpki_point *best = holder_find(a, false);

	/* What a rejected certificate claims is believed last. */
	if (best == NULL)
		best = holder_find(a, true);
	a->pt = best;
	if (best != NULL && best->failed)
		buf_printf(&a->summary, " %s", tr(a->lang,
		    N_("The CA that holds them cannot be used; see what failed.")));
}

static void
route_judge(struct answer *a)
{
	char px[IP_PREFIX_STRLEN], asn[ASN_STRLEN];
	const struct hit *match = NULL;
	size_t n_match = 0;
	bool origin_ok = false;

	(void)ip_prefix_str(&a->px, px);
	(void)asn_str(a->asn, asn);
	for (size_t i = 0; i < a->n_good; i++) {
		if (hit_matches(a, &a->good[i])) {
			match = match == NULL ? &a->good[i] : match;
			n_match++;
		}
		origin_ok = origin_ok || a->good[i].v->asn == a->asn;
	}
	a->state = n_match > 0 ? "Valid" : a->n_good > 0 ? "Invalid" : "NotFound";
	if (match != NULL)
		chain_of(a, match);
	else if (a->n_lost > 0)
		chain_of(a, &a->lost[0]);
	else if (a->n_good > 0)
		chain_of(a, &a->good[0]);
	if (n_match > 0) {
		buf_printf(&a->summary, tr(a->lang,
		    N_("The route %s from %s is Valid: %zu VRPs allow it.")), px, asn, n_match);
		next_default(a, N_("Nothing to do."));
	} else if (a->n_good > 0 && origin_ok) {
		buf_printf(&a->summary, tr(a->lang,
		    N_("The route %s from %s is Invalid: the origin is right, but the prefix is longer than the ROA allows.")), px, asn);
		next_default(a, N_("If the route is meant, the holder of the addresses has to make a ROA for exactly this prefix; if not, the more specific route has to be withdrawn."));
	} else if (a->n_good > 0) {
		buf_printf(&a->summary, tr(a->lang,
		    N_("The route %s from %s is Invalid: the ROAs for these addresses name another origin.")), px, asn);
		next_default(a, N_("If the route is meant, the holder of the addresses has to make a ROA for this origin; if not, it may be a hijack or a slip: ask the origin's network and refuse the route."));
	} else {
		buf_printf(&a->summary, tr(a->lang,
		    N_("The route %s from %s is NotFound: no usable ROA covers it.")), px, asn);
		next_default(a, N_("The holder of the addresses can protect them with a ROA for exactly what is announced (RFC 9455, RFC 9319)."));
	}
	if (a->local_cut && n_match == 0)
		buf_printf(&a->summary, " %s", tr(a->lang,
		    N_("A local filter takes out a VRP that allows it.")));
	if (a->n_lost > 0 && n_match == 0)
		buf_printf(&a->summary, " %s", tr(a->lang,
		    N_("There is a ROA that could not be used; see what failed.")));
	else if (a->n_good == 0)
		chain_of_holder(a);
}

static void
list_judge(struct answer *a)
{
	char text[IP_PREFIX_STRLEN];
	size_t n_vrps = 0, n_aspas = 0;

	for (size_t i = 0; i < a->n_good; i++) {
		n_vrps += a->good[i].v != NULL;
		n_aspas += a->good[i].v == NULL;
	}
	a->state = a->n_good > 0 ? "known" : "none";
	if (a->by_prefix)
		buf_printf(&a->summary, tr(a->lang, N_("%zu VRPs cover %s; %zu more could not be used.")),
		    n_vrps, ip_prefix_str(&a->px, text), a->n_lost);
	else
		buf_printf(&a->summary, tr(a->lang,
		    N_("%zu VRPs and %zu ASPAs are for %s; %zu more could not be used.")),
		    n_vrps, n_aspas, asn_str(a->asn, text), a->n_lost);
	if (a->n_lost > 0)
		chain_of(a, &a->lost[0]);
	else if (a->n_good > 0)
		chain_of(a, &a->good[0]);
	else
		chain_of_holder(a);
	next_default(a, a->n_lost > 0 ? N_("See what failed, and its remedy.") :
	    a->n_good > 0 ? N_("Add an AS number behind the prefix to see how a route is judged.") :
	    N_("The holder of the addresses can protect them with a ROA for exactly what is announced (RFC 9455, RFC 9319)."));
}

static int
object_judge(struct answer *a)
{
	static const struct {
		const char	*state, *summary;
	} words[V_MAX] = {
		[V_VALID] = { "accepted", N_("The object is valid and used.") },
		[V_REJECTED] = { "rejected", N_("The object is rejected; nothing of it is used.") },
		[V_NOT_JUDGED] = { "not_judged", N_("The object is on the manifest with the right hash; its content is not judged.") },
		[V_LOST] = { "lost", N_("The object may be good, but its publication point cannot be used.") },
	};
	struct hit h = { a->o, a->pt, NULL };
	bool good = a->o->verdict == V_VALID;
	int rc = 0;

	a->state = words[a->o->verdict].state;
	buf_str(&a->summary, tr(a->lang, words[a->o->verdict].summary));
	for (size_t i = 0; i < a->o->n_vrps && rc == 0; i++) {
		h.v = &a->o->vrps[i];
		rc = answer_add(a, h);
	}
	h.v = NULL;
	if (rc == 0 && good && a->o->aspa != NULL)
		rc = answer_good_add(a, h);
	next_default(a, good ? N_("Nothing to do.") : N_("See what failed, and its remedy."));
	return rc;
}

static bool
same_head(struct sv uri, struct sv repo)
{
	return repo.n > 0 && sv_starts(uri, repo);
}

/* The point that a URI lies in, for files that no manifest lists. */
static const struct rpki_point *
point_around(const struct routes *r, struct sv uri)
{
	const struct rpki_point *lost = NULL;

	for (size_t i = 0; i < r->n_points; i++) {
		if (!sv_eq(uri, r->points[i]->ca->mft_uri) &&
		    !same_head(uri, r->points[i]->ca->repo_uri))
			continue;
		if (!r->points[i]->ca->lost)
			return r->points[i];
		lost = lost == NULL ? r->points[i] : lost;
	}
	return lost;
}

static const struct routes_ta *
ta_of(const struct routes *r, struct sv uri)
{
	for (size_t i = 0; i < r->n_tas; i++)
		if (sv_eq(r->tas[i].uri, uri))
			return &r->tas[i];
	return NULL;
}

static int
uri_judge(struct answer *a)
{
	const struct routes_object *x = routes_object(a->r, a->subject);
	const struct routes_ta *ta = ta_of(a->r, a->subject);

	a->kind = "uri";
	if (x != NULL) {
		a->o = x->o;
		a->pt = x->pt;
		return object_judge(a);
	}
	if (ta != NULL) {
		a->state = ta->ok ? "accepted" : "rejected";
		a->pt = routes_point(a->r, &ta->ca);
		buf_str(&a->summary, tr(a->lang, ta->ok ?
		    N_("This is a trust anchor, and it is usable.") :
		    N_("This is a trust anchor, and it cannot be used.")));
		for (const struct finding *f = a->r->findings.head; f != NULL; f = f->next)
			if (finding_is_of(f, a->subject) && f->def->severity == SEV_REJECT && a->failed == NULL) {
				a->failed = f;
				a->failed_uri = a->subject;
			}
		next_default(a, ta->ok ? N_("Nothing to do.") : N_("See what failed, and its remedy."));
		return 0;
	}
	a->state = "unknown";
	a->pt = point_around(a->r, a->subject);
	buf_str(&a->summary, tr(a->lang, a->pt != NULL ?
	    N_("No manifest lists this object; it is not used.") :
	    N_("No CA publishes at this place.")));
	next_default(a, a->pt != NULL ?
	    N_("If the object is new, fetch again; its CA has to put it on its manifest.") :
	    N_("Check the URI; a URI of the repository begins with rsync://."));
	return 0;
}

/* --- in and out --- */

int
answer_subject(struct answer *a)
{
	struct sv rest = a->subject, w1, w2;

	if (sv_starts(a->subject, SV("rsync://")) || sv_starts(a->subject, SV("https://"))) {
		a->kind = "uri";
		return 0;
	}
	if (!sv_word(&rest, &w1))
		return -EINVAL;
	if (ip_prefix_parse_host(w1, &a->px) == 0)
		a->by_prefix = true;
	else if (asn_parse(w1, &a->asn) == 0)
		a->by_asn = true;
	else
		return -EINVAL;
	if (sv_word(&rest, &w2)) {
		if (!a->by_prefix || asn_parse(w2, &a->asn) < 0)
			return -EINVAL;
		a->by_asn = true;
	}
	if (sv_trim(rest).n > 0)
		return -EINVAL;
	a->kind = a->by_prefix && a->by_asn ? "route" : a->by_prefix ? "prefix" : "asn";
	return 0;
}

static bool
answer_ours(const struct answer *a)
{
	if (a->by_asn && ours_asn(a->ours, a->asn))
		return true;
	if (a->by_prefix && ours_prefix(a->ours, &a->px))
		return true;
	for (size_t i = 0; i < a->n_good + a->n_lost; i++) {
		const struct hit *h = i < a->n_good ? &a->good[i] : &a->lost[i - a->n_good];
		struct ip_prefix p;

		if (h->v == NULL)
			continue;
		p = vrp_prefix(h->v);
		if (ours_asn(a->ours, h->v->asn) || ours_prefix(a->ours, &p))
			return true;
	}
	return false;
}

static void
answer_put(struct answer *a)
{
	json_open(&a->j, '{');
	json_kv_sv(&a->j, "subject", a->subject);
	json_kv_str(&a->j, "kind", a->kind);
	json_kv_str(&a->j, "state", a->state);
	json_kv_sv(&a->j, "summary", buf_get(&a->summary));
	json_kv_bool(&a->j, "ours", answer_ours(a));
	json_kv_i64(&a->j, "at", a->r->now);
	answer_vrps_put(a);
	answer_chain_put(a);
	answer_failed_put(a);
	answer_lost_put(a);
	answer_local_put(a);
	json_key(&a->j, "next");
	if (a->failed != NULL)
		json_str(&a->j, tr(a->lang, a->failed->def->remedy));
	else
		json_sv(&a->j, buf_get(&a->next));
	json_close(&a->j, '}');
}

static void
answer_done(struct answer *a)
{
	free(a->good);
	free(a->lost);
	free(a->local);
	buf_done(&a->summary);
	buf_done(&a->next);
}

int
routes_explain(struct routes *r, const struct ours *ours, struct sv subject,
    enum lang lang, struct buf *b)
{
	_cleanup_(answer_done) struct answer a = { .r = r, .ours = ours, .lang = lang,
	    .j = json_on(b, false), .subject = sv_trim(subject) };
	int rc;

	if ((rc = answer_subject(&a)) < 0 || (rc = routes_index(r)) < 0)
		return rc;
	if (routes_thin(r, subject))
		return -EAGAIN;
	if (a.by_prefix || a.by_asn) {
		if ((rc = hits_find(&a)) < 0 || (rc = answer_local(&a)) < 0)
			return rc;
		if (a.by_prefix && a.by_asn)
			route_judge(&a);
		else
			list_judge(&a);
	} else if ((rc = uri_judge(&a)) < 0)
		return rc;
	answer_put(&a);
	return b->rc;
}

int
routes_explain_file(const char *path, const struct rpki_opt *opt,
    const struct complain *c, enum lang lang, struct buf *b)
{
	_cleanup_(answer_done) struct answer a = { .lang = lang, .j = json_on(b, false) };
	_cleanup_(pool_freep) struct pool *pool = pool_new(RPKI_POINT_POOL_MAX);
	struct routes r = { .now = opt->now };
	struct rpki_point pt = { 0 };
	struct sv bytes, ski = { 0 }, aki = { 0 }, aia = { 0 };
	struct rpki_object o;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if ((rc = file_read(pool, FILE_CWD, path, RPKI_OBJECT_SIZE_MAX, &bytes)) < 0) {
		complain(c, tr(lang, N_("cannot read %s: %s; give an object's file, its URI, or PREFIX [ASN]")),
		    path, err_str(rc));
		return rc;
	}
	findings_init(&pt.findings, pool);
	rc = rpki_object_check(pool, sv_str(path), bytes, opt, &pt.findings, &o, &ski, &aki, &aia);
	if (rc < 0)
		return rc;
	a.r = &r;
	a.o = &o;
	a.subject = sv_str(path);
	a.kind = "file";
	a.pt = &pt;
	if ((rc = object_judge(&a)) < 0)
		return rc;
	if (o.verdict == V_VALID) {
		a.summary.len = a.next.len = 0;
		buf_str(&a.summary, tr(lang, N_("The object is sound by itself; whether it is used depends on its chain, which a file alone does not show.")));
		buf_printf(&a.next, "%s%.*s", tr(lang, N_("Its issuer is at: ")), SV_ARG(aia));
	}
	answer_put(&a);
	return b->rc;
}
