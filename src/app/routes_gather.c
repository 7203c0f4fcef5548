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

/* The place of each CA's point in the walk, by the CA's address. */
static int
index_cas(const struct routes *r, struct map *index)
{
	int rc = 0;

	for (size_t i = 0; i < r->n_points && rc == 0; i++) {
		const struct rpki_ca **ca = &r->points[i]->ca;

		rc = map_add(index, (struct sv){ (const char *)ca, sizeof(*ca) },
		    (void *)(uintptr_t)(i + 1));
		if (rc == -EEXIST)
			rc = 0;
	}
	return rc;
}

static int
cas_fill(const struct routes *r, struct payloads *p)
{
	struct map index = { 0 };
	int rc = index_cas(r, &index);

	for (size_t i = 0; i < r->n_points && rc == 0; i++) {
		struct rpki_point *pt = r->points[i];
		const struct rpki_point *up = NULL;
		const struct rpki_ca *parent = pt->ca->parent;
		size_t at = (size_t)(uintptr_t)map_find(&index,
		    (struct sv){ (const char *)&parent, sizeof(parent) });

		if (parent != NULL && at > 0)
			up = r->points[at - 1];
		if (pt->ca_id == 0)
			pt->ca_id = routes_ca_id(pt->ca);
		p->cas[i] = (struct payload_ca){
			.id = pt->ca_id,
			.uri = pt->ca->mft_uri,
			.code = ca_code(pt, up, up != NULL ? p->cas[at - 1].code : SV("")),
			.parent = up != NULL ? (uint32_t)(at - 1) : PAYLOAD_CA_NONE,
			.state = ca_state(pt),
			.ta = (uint8_t)pt->ca->ta,
		};
	}
	p->n_cas = r->n_points;
	map_done(&index);
	return rc;
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
vrps_copy(struct payloads *p, const struct rpki_point *pt, uint32_t ca)
{
	int64_t expires = rpki_point_expiry(pt);

	for (size_t i = 0; i < pt->n_vrps; i++) {
		struct vrp *v = &p->vrps[p->n_vrps++];

		*v = pt->vrps[i];
		v->ca = ca;
		v->expires = min_i64(v->expires, expires);
	}
}

int
routes_gather(struct routes *r)
{
	struct payloads *p = &r->payloads;
	size_t n_aspas = 0, n_keys = 0, dropped;
	struct room room[TA_MAX];
	int rc;

	for (size_t i = 0; i < r->n_points; i++) {
		n_aspas += r->points[i]->n_aspas;
		n_keys += r->points[i]->n_router_keys;
	}
	p->router_keys = calloc(n_keys + 1, sizeof(*p->router_keys));
	p->vrps = calloc(r->n_vrps_all + 1, sizeof(*p->vrps));
	p->aspas = calloc(n_aspas + 1, sizeof(*p->aspas));
	p->cas = calloc(r->n_points + 1, sizeof(*p->cas));
	if (p->vrps == NULL || p->aspas == NULL || p->cas == NULL || p->router_keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_tas; i++)
		memcpy(p->tas[i], r->tas[i].tal.name, sizeof(p->tas[i]));
	p->n_tas = r->n_tas;
	rc = cas_fill(r, p);
	for (size_t i = 0; i < r->n_tas; i++)
		room[i] = (struct room){ VRPS_MAX / r->n_tas, ASPAS_MAX / r->n_tas,
		    PROVIDERS_SUM_MAX / r->n_tas, ROUTER_KEYS_MAX / r->n_tas, 0, { NULL, 0 } };
	for (size_t i = 0; i < r->n_points && rc == 0; i++) {
		if (!fits(&room[r->points[i]->ca->ta], r->points[i]))
			continue;
		vrps_copy(p, r->points[i], (uint32_t)i);
		keys_copy(p, r->points[i], (uint32_t)i);
		rc = aspas_copy(p, r->points[i], (uint32_t)i);
	}
	over_report(r, room, r->n_tas);
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
