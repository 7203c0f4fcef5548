/*
 * A judged point as bytes, from a store that a validator which was taken over
 * has written: what is read holds for the CA, and is written as the same bytes.
 */
#include "fuzz_rpki.h"

#include "base/buf.h"

static const uint8_t print[SHA256_LEN];		/* the seeds have none, either */
static const struct ip_range v4[] = { { { 10 }, { 10, 255, 255, 255 } } };
static const struct ip_range v6[] = { { { 0x20, 1, 0x0d, 0xb8 },
    { 0x20, 1, 0x0d, 0xb8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 } } };
static const struct as_range as[] = { { 64496, 64511 } };
static const char subject[] = "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x13\x02ta";

static void
payloads_look(const struct rpki_ca *ca, const struct rpki_point *pt)
{
	for (size_t i = 0; i < pt->n_vrps; i++) {
		struct ip_prefix p = { .af = pt->vrps[i].af, .len = pt->vrps[i].len };

		memcpy(p.addr, pt->vrps[i].addr, sizeof(p.addr));
		must(vrp_is_sound(&pt->vrps[i]) && ip_res_covers_prefix(&ca->res, &p));
	}
	for (size_t i = 0; i < pt->n_aspas; i++) {
		const struct aspa *a = &pt->aspas[i];

		must(as_res_covers(&ca->res.as, a->customer, a->customer) && a->n_providers > 0);
		for (size_t k = 1; k < a->n_providers; k++)
			must(a->providers[k - 1] < a->providers[k]);
	}
	for (size_t i = 0; i < pt->n_router_keys; i++)
		must(as_res_covers(&ca->res.as, pt->router_keys[i].asn, pt->router_keys[i].asn));
}

static void
children_look(const struct rpki_ca *ca, const struct rpki_point *pt)
{
	for (size_t i = 0; i < pt->n_children; i++) {
		const struct rpki_ca *c = &pt->children[i];

		fuzz_resources(&c->res);
		for (size_t k = 0; k < c->res.v4.n; k++)
			must(ip_res_covers(&ca->res.v4, c->res.v4.r[k].min, c->res.v4.r[k].max));
		for (size_t k = 0; k < c->res.as.n; k++)
			must(as_res_covers(&ca->res.as, c->res.as.r[k].min, c->res.as.r[k].max));
		must(!sv_eq(c->ski, ca->ski) && c->depth == ca->depth + 1 && !c->lost);
		must(rsync_uri_valid(c->uri) && rsync_uri_valid(c->mft_uri) &&
		    rsync_uri_valid(c->repo_uri));
	}
}

/* Each has its text; what it speaks of gave something that the point gave. */
static void
findings_look(const struct rpki_point *pt)
{
	for (const struct finding *x = pt->findings.head; x != NULL; x = x->next) {
		struct buf b = BUF_INIT;
		struct json j = json_on(&b, false);

		must(x->def->severity != SEV_REJECT);
		finding_text(&b, x, LANG_JA);
		must(b.len > 0);
		finding_json(&j, x, LANG_EN);
		buf_done(&b);
	}
	for (size_t i = 0; i < pt->n_objects; i++) {
		const struct rpki_object *o = &pt->objects[i];

		must(o->n_vrps == 0 || (o->vrps >= pt->vrps && o->n_vrps <= pt->n_vrps &&
		    o->vrps + o->n_vrps <= pt->vrps + pt->n_vrps));
		must(o->aspa == NULL || (o->aspa >= pt->aspas && o->aspa < pt->aspas + pt->n_aspas));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct rpki_ca ca = { .uri = SV("rsync://rpki.example/repo/ta.cer"),
	    .subject = { subject, sizeof(subject) - 1 }, .ski = SV("the key of an anchor"),
	    .repo_uri = SV("rsync://rpki.example/repo/"), .expires = FUZZ_NOW,
	    .mft_uri = SV("rsync://rpki.example/repo/ta.mft"),
	    .res = { { true, false, 1, v4 }, { true, false, 1, v6 }, { true, false, 1, as } } };
	struct sv bytes = { (const char *)p, n };
	struct buf again = BUF_INIT;
	int64_t judged = 0, until = 0;
	struct rpki_point pt;
	bool ok;

	must(rpki_point_kept_times(bytes, &judged, &until) == (n >= 80));
	must(rpki_point_read(&ca, bytes, print, &pt, &ok) == 0);
	if (!ok)
		return 0;
	must(pt.judged == judged && pt.until == until && judged < until && pt.thin);
	payloads_look(&ca, &pt);
	children_look(&ca, &pt);
	findings_look(&pt);
	must(rpki_point_keepable(&pt));
	must(rpki_point_write(&pt, print, &again) == 0);
	must(again.len == n && memcmp(again.p, p, n) == 0);
	buf_done(&again);
	rpki_point_done(&pt);
	return 0;
}
