/*
 * From judged points to payloads: each with the CA that issued it, and a row
 * for every CA that was met, good or not. The drop guard and the history read
 * there why something went.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/routes.h"
#include "base/err.h"
#include "base/rd.h"

/*
 * The issuers belong to the name: a stranger's certificate for another's key
 * and place is another row, and says nothing about that one's state.
 */
uint64_t
routes_ca_id(const struct rpki_ca *ca)
{
	uint8_t sum[SHA256_LEN], above[SHA256_LEN + 8];
	struct wr w = wr_mem(above + SHA256_LEN, 8);
	struct rd r = rd_mem(sum, sizeof(sum));
	uint64_t high;

	crypto_sha256_2(ca->mft_uri.p, ca->mft_uri.n, ca->ski.p, ca->ski.n, above);
	wr_be64(&w, ca->parent != NULL ? routes_ca_id(ca->parent) : 0);
	crypto_sha256(above, sizeof(above), sum);
	high = rd_be32(&r);
	return high << 32 | rd_be32(&r);
}

static struct sv
first_reject(const struct findings *fs, struct sv subject)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		if (f->def->severity == SEV_REJECT && (subject.n == 0 || sv_eq(f->subject, subject)))
			return sv_str(f->def->code);
	return (struct sv){ NULL, 0 };
}

/* Rows are filled parents first: a lost child inherits its parent's reason. */
static struct sv
ca_code(const struct rpki_point *pt, const struct rpki_point *parent, struct sv parent_code)
{
	struct sv code = { NULL, 0 };

	if (!pt->ca->lost)
		return pt->failed || pt->retained ? first_reject(&pt->findings, code) : code;
	if (parent != NULL)
		code = first_reject(&parent->findings, pt->ca->uri);
	return code.n > 0 ? code : parent_code;
}

static uint8_t
ca_state(const struct rpki_point *pt)
{
	if (pt->ca->lost)
		return PCA_LOST;
	if (pt->failed)
		return PCA_FAILED;
	return pt->retained ? PCA_RETAINED : PCA_GOOD;
}

static void
cas_fill(const struct routes *r, struct payloads *p)
{
	for (size_t i = 0; i < r->n_points; i++) {
		struct rpki_point *pt = r->points[i];
		uint32_t up = r->up[i];

		if (pt->ca_id == 0)
			pt->ca_id = routes_ca_id(pt->ca);
		p->cas[i] = (struct payload_ca){
			.id = pt->ca_id,
			.uri = pt->ca->mft_uri,
			.code = up == 0 ? ca_code(pt, NULL, SV("")) :
			    ca_code(pt, r->points[up - 1], p->cas[up - 1].code),
			.parent = up == 0 ? PAYLOAD_CA_NONE : up - 1,
			.state = ca_state(pt),
			.ta = (uint8_t)pt->ca->ta,
		};
	}
	p->n_cas = r->n_points;
}

/*
 * What a snapshot can hold is shared by the trust anchors: those that issue
 * without measure below one cannot keep all others from being published.
 */
struct room {
	size_t	vrps, aspas, providers, keys;
	size_t	n_over;			/* points that did not fit */
	struct sv first;		/* the first of them */
};

static bool
fits(struct room *room, const struct rpki_point *pt)
{
	size_t providers = 0;

	for (size_t i = 0; i < pt->n_aspas; i++)
		providers += pt->aspas[i].n_providers;
	if (pt->n_vrps > room->vrps || pt->n_aspas > room->aspas ||
	    providers > room->providers || pt->n_router_keys > room->keys) {
		if (room->n_over++ == 0)
			room->first = pt->ca->mft_uri;
		return false;
	}
	room->vrps -= pt->n_vrps;
	room->aspas -= pt->n_aspas;
	room->providers -= providers;
	room->keys -= pt->n_router_keys;
	return true;
}

static void
over_report(struct routes *r, const struct room *room, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (room[i].n_over == 0)
			continue;
		r->findings.subject = room[i].first;
		finding_add(&r->findings, &rpki_findings[RPKI_PAYLOADS_MANY],
		    FA_U("count", room[i].n_over));
		r->n_by_severity[SEV_REJECT]++;
	}
}

static int
aspas_copy(struct payloads *p, const struct rpki_point *pt, uint32_t ca)
{
	int64_t expires = rpki_point_expiry(pt);

	for (size_t i = 0; i < pt->n_aspas; i++) {
		struct aspa a = pt->aspas[i];
		uint32_t *list = calloc(a.n_providers + 1, sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		memcpy(list, a.providers, a.n_providers * sizeof(*list));
		a.providers = list;
		a.ca = ca;
		a.expires = min_i64(a.expires, expires);
		p->aspas[p->n_aspas++] = a;
	}
	return 0;
}

static void
keys_copy(struct payloads *p, const struct rpki_point *pt, uint32_t ca)
{
	int64_t expires = rpki_point_expiry(pt);

	for (size_t i = 0; i < pt->n_router_keys; i++) {
		struct router_key *k = &p->router_keys[p->n_router_keys++];

		*k = pt->router_keys[i];
		k->ca = ca;
		k->expires = min_i64(k->expires, expires);
	}
}

static void
vrps_copy(struct vrp *to, const struct rpki_point *pt, uint32_t ca)
{
	int64_t expires = rpki_point_expiry(pt);

	for (size_t i = 0; i < pt->n_vrps; i++) {
		to[i] = pt->vrps[i];
		to[i].ca = ca;
		to[i].expires = min_i64(to[i].expires, expires);
	}
}

/* --- VRPs in order --- */

/* Do the VRPs of this point lie in the list of the run before as they are now? */
static bool
stands(const struct routes *r, size_t i)
{
	return r->was[i] != 0 && r->points[i]->gathered == rpki_point_expiry(r->points[i]);
}

/* Those of points that are new or different, sorted. */
static struct vrp *
vrps_fresh(const struct routes *r, bool all, size_t *ret_n)
{
	size_t n = 0;
	struct vrp *v;

	for (size_t i = 0; i < r->n_points; i++)
		if (all || !stands(r, i))
			n += r->points[i]->n_vrps;
	if ((v = malloc((n + 1) * sizeof(*v))) == NULL)
		return NULL;
	n = 0;
	for (size_t i = 0; i < r->n_points; i++)
		if (all || !stands(r, i)) {
			vrps_copy(v + n, r->points[i], (uint32_t)i);
			n += r->points[i]->n_vrps;
		}
	qsort(v, n, sizeof(*v), vrp_cmp);
	*ret_n = n;
	return v;
}

/* Where each point of the run before is now; PAYLOAD_CA_NONE: its VRPs are not. */
static uint32_t *
points_map(const struct routes *r, const struct routes *prev)
{
	uint32_t *map = calloc(prev->n_points + 1, sizeof(*map));

	if (map == NULL)
		return NULL;
	for (size_t i = 0; i < prev->n_points; i++)
		map[i] = PAYLOAD_CA_NONE;
	for (size_t i = 0; i < r->n_points; i++)
		if (stands(r, i))
			map[r->was[i] - 1] = (uint32_t)i;
	return map;
}

/*
 * What stands of the old list and what is fresh become one, in order: a run in
 * which little changed copies, and sorts only that little.
 */
static size_t
vrps_join(const struct routes *prev, const uint32_t *map, const struct vrp *fresh,
    size_t n_fresh, struct vrp *to, size_t room)
{
	size_t n = 0, k = 0;

	for (size_t i = 0; i < prev->n_sorted && n < room; i++) {
		const struct vrp *v = &prev->sorted[i];

		if (map[v->ca] == PAYLOAD_CA_NONE)
			continue;
		while (k < n_fresh && n + 1 < room && vrp_cmp(&fresh[k], v) < 0)
			to[n++] = fresh[k++];
		to[n] = *v;
		to[n++].ca = map[v->ca];
	}
	while (k < n_fresh && n < room)
		to[n++] = fresh[k++];
	return k == n_fresh ? n : 0;
}

/* All VRPs of the run in order, those that are said twice, too; NULL: no memory. */
static struct vrp *
vrps_sorted(const struct routes *r, const struct routes *prev)
{
	bool again = prev != NULL && prev->sorted != NULL;
	uint32_t *map = again ? points_map(r, prev) : NULL;
	struct vrp *fresh, *all;
	size_t n_fresh, n;

	fresh = again && map == NULL ? NULL : vrps_fresh(r, !again, &n_fresh);
	if (fresh == NULL || !again) {
		free(map);
		return fresh;
	}
	if ((all = malloc((r->n_vrps_all + 1) * sizeof(*all))) != NULL) {
		n = vrps_join(prev, map, fresh, n_fresh, all, r->n_vrps_all);
		/* Cannot be; but if it were, sorting would be right. */
		if (n != r->n_vrps_all) {
			free(all);
			all = vrps_fresh(r, true, &n);
		}
	}
	free(fresh);
	free(map);
	return all;
}

/* Into the payloads; with .again also for the next run. */
static int
vrps_gather(struct routes *r, const struct routes *prev)
{
	struct payloads *p = &r->payloads;

	if ((p->vrps = vrps_sorted(r, prev)) == NULL)
		return -ENOMEM;
	p->n_vrps = r->n_vrps_all;
	for (size_t i = 0; i < r->n_points; i++)
		r->points[i]->gathered = rpki_point_expiry(r->points[i]);
	if (!r->again)
		return 0;
	if ((r->sorted = malloc((p->n_vrps + 1) * sizeof(*p->vrps))) == NULL)
		return -ENOMEM;
	memcpy(r->sorted, p->vrps, p->n_vrps * sizeof(*p->vrps));
	r->n_sorted = p->n_vrps;
	return 0;
}

/* Some did not fit: nothing of this list is of use to another run. */
static int
vrps_gather_some(struct routes *r, const bool *in)
{
	struct payloads *p = &r->payloads;

	if ((p->vrps = calloc(r->n_vrps_all + 1, sizeof(*p->vrps))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_points; i++)
		if (in[i]) {
			vrps_copy(p->vrps + p->n_vrps, r->points[i], (uint32_t)i);
			p->n_vrps += r->points[i]->n_vrps;
		}
	return 0;
}

static int
others_gather(struct routes *r, const bool *in)
{
	struct payloads *p = &r->payloads;
	size_t n_aspas = 0, n_keys = 0;
	int rc = 0;

	for (size_t i = 0; i < r->n_points; i++) {
		n_aspas += r->points[i]->n_aspas;
		n_keys += r->points[i]->n_router_keys;
	}
	p->router_keys = calloc(n_keys + 1, sizeof(*p->router_keys));
	p->aspas = calloc(n_aspas + 1, sizeof(*p->aspas));
	if (p->aspas == NULL || p->router_keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_points && rc == 0; i++)
		if (in[i]) {
			keys_copy(p, r->points[i], (uint32_t)i);
			rc = aspas_copy(p, r->points[i], (uint32_t)i);
		}
	return rc;
}

/* Which points' payloads find room; the rest is said. */
static bool
rooms_share(struct routes *r, bool *in)
{
	struct room room[TA_MAX];
	size_t n_in = 0;

	for (size_t i = 0; i < r->n_tas; i++)
		room[i] = (struct room){ VRPS_MAX / r->n_tas, ASPAS_MAX / r->n_tas,
		    PROVIDERS_SUM_MAX / r->n_tas, ROUTER_KEYS_MAX / r->n_tas, 0, { NULL, 0 } };
	for (size_t i = 0; i < r->n_points; i++) {
		in[i] = fits(&room[r->points[i]->ca->ta], r->points[i]);
		n_in += in[i];
	}
	over_report(r, room, r->n_tas);
	return n_in == r->n_points;
}

int
routes_gather(struct routes *r, const struct routes *prev)
{
	struct payloads *p = &r->payloads;
	bool *in = calloc(r->n_points + 1, sizeof(*in)), all;
	size_t dropped;
	int rc = -ENOMEM;

	p->cas = calloc(r->n_points + 1, sizeof(*p->cas));
	if (p->cas != NULL && in != NULL) {
		for (size_t i = 0; i < r->n_tas; i++)
			memcpy(p->tas[i], r->tas[i].tal.name, sizeof(p->tas[i]));
		p->n_tas = r->n_tas;
		cas_fill(r, p);
		all = rooms_share(r, in);
		rc = all ? vrps_gather(r, prev) : vrps_gather_some(r, in);
		if (rc == 0)
			rc = others_gather(r, in);
	}
	free(in);
	return rc == 0 ? payloads_merge(p, &dropped) : rc;
}

int
routes_guard_note(struct routes *r, const struct guard_decision *d)
{
	char hex[2 * SNAPSHOT_SUM_LEN + 1];

	r->guard = *d;
	(void)hex_encode(hex, d->hash, sizeof(d->hash));
	r->findings.subject = SV("rpki.guard");
	finding_add(&r->findings, &rpki_findings[RPKI_GUARD_HOLDING], FA_U("count", d->n_held),
	    FA_TIME("until", d->until), FA_STR("hash", hex));
	r->n_by_severity[SEV_WARN]++;
	return pool_has_failed(r->pool) ? -ENOMEM : 0;
}
