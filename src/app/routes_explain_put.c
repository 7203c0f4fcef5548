/* The document of an explanation, member by member: see routes_explain.c. */
#include <errno.h>
#include <string.h>

#include "app/routes_answer.h"
#include "base/timefmt.h"

#define RESOURCES_SHOWN_MAX	24	/* of one link of the chain */
#define CHAIN_MAX		(2 * RPKI_DEPTH_MAX + 4)

/* --- the chain --- */

static void
finding_obj(struct answer *a, const struct finding *f)
{
	struct buf b = BUF_INIT;

	json_open(&a->j, '{');
	json_kv_str(&a->j, "code", f->def->code);
	json_kv_str(&a->j, "severity", severity_name(f->def->severity));
	json_kv_str(&a->j, "clause", f->def->clause);
	finding_text(&b, f, a->lang);
	json_kv_sv(&a->j, "text", buf_get(&b));
	json_kv_str(&a->j, "remedy", tr(a->lang, f->def->remedy));
	json_close(&a->j, '}');
	buf_done(&b);
}

/* The findings about uri; the first rejection of the chain is remembered. */
static void
findings_put(struct answer *a, const struct findings *fs, struct sv uri)
{
	for (const struct finding *f = fs == NULL ? NULL : fs->head; f != NULL; f = f->next) {
		if (!finding_is_of(f, uri))
			continue;
		finding_obj(a, f);
		if (a->failed == NULL && f->def->severity == SEV_REJECT) {
			a->failed = f;
			a->failed_uri = uri;
		}
	}
}

static void
time_put(struct json *j, const char *key, int64_t t)
{
	json_key(j, key);
	if (t == 0)
		json_nil(j);
	else
		json_i64(j, t);
}

static void
ip_put(struct json *j, const struct ip_res *r, uint8_t af, size_t *n)
{
	if (r->inherit && r->n == 0)
		json_str(j, af == IP_V4 ? "IPv4 inherit" : "IPv6 inherit");
	for (size_t i = 0; i < r->n && *n < RESOURCES_SHOWN_MAX; i++, ++*n) {
		struct buf b = BUF_INIT;

		ip_range_print(&b, &r->r[i], af);
		json_sv(j, buf_get(&b));
		buf_done(&b);
	}
}

static void
resources_put(struct json *j, const struct resources *res)
{
	size_t n = 0, all = res->v4.n + res->v6.n + res->as.n;

	json_key(j, "resources");
	json_open(j, '[');
	ip_put(j, &res->v4, IP_V4, &n);
	ip_put(j, &res->v6, IP_V6, &n);
	if (res->as.inherit && res->as.n == 0)
		json_str(j, "AS inherit");
	for (size_t i = 0; i < res->as.n && n < RESOURCES_SHOWN_MAX; i++, n++) {
		struct buf b = BUF_INIT;

		as_range_print(&b, &res->as.r[i]);
		json_sv(j, buf_get(&b));
		buf_done(&b);
	}
	json_close(j, ']');
	json_kv_u64(j, "resources_total", all);
}

/* Whom to call (RFC 6493); nothing of a record that was refused. One that is lost may be anybody's. */
static void
contact_put(struct json *j, const struct rpki_object *o)
{
	if (o->gbr == NULL || o->verdict == V_REJECTED)
		return;
	json_key(j, "contact");
	json_open(j, '{');
	json_kv_sv(j, "name", o->gbr->fn);
	json_kv_sv(j, "organisation", o->gbr->org);
	json_kv_sv(j, "telephone", o->gbr->tel);
	json_kv_sv(j, "email", o->gbr->email);
	json_kv_sv(j, "address", o->gbr->adr);
	json_kv_bool(j, "verified", o->verdict == V_VALID);
	json_close(j, '}');
}

/* The first record at a CA's publication point. */
static void
ca_contact_put(struct json *j, const struct rpki_point *pt)
{
	for (size_t i = 0; pt != NULL && i < pt->n_objects; i++)
		if (pt->objects[i].gbr != NULL && pt->objects[i].verdict != V_REJECTED) {
			contact_put(j, &pt->objects[i]);
			return;
		}
}

static void
link_open(struct answer *a, struct sv uri, const char *type, const char *verdict,
    int64_t from, int64_t to)
{
	json_open(&a->j, '{');
	json_kv_sv(&a->j, "uri", uri);
	json_kv_str(&a->j, "type", type);
	json_kv_str(&a->j, "verdict", verdict);
	time_put(&a->j, "not_before", from);
	time_put(&a->j, "not_after", to);
}

static void
link_close(struct answer *a)
{
	json_close(&a->j, ']');
	json_close(&a->j, '}');
}

/* Below a certificate that is not lost nobody would stand here if it were not valid. */
static const char *
ca_verdict(const struct answer *a, const struct rpki_ca *ca)
{
	const struct routes_object *x = ca->lost ? routes_object(a->r, ca->uri) : NULL;

	return x != NULL ? rpki_verdict_name(x->o->verdict) :
	    rpki_verdict_name(ca->lost ? V_LOST : V_VALID);
}

/* A CA's certificate, then its manifest and CRL. */
static void
ca_put(struct answer *a, const struct rpki_ca *ca)
{
	const struct rpki_point *above = ca->parent == NULL ? NULL : routes_point(a->r, ca->parent);
	const struct rpki_point *pt = routes_point(a->r, ca);

	link_open(a, ca->uri, ca->parent == NULL ? "ta" : "ca", ca_verdict(a, ca),
	    ca->not_before, ca->not_after);
	resources_put(&a->j, &ca->res);
	ca_contact_put(&a->j, pt);
	json_key(&a->j, "findings");
	json_open(&a->j, '[');
	findings_put(a, above == NULL ? &a->r->findings : &above->findings, ca->uri);
	link_close(a);
	if (pt == NULL)
		return;
	link_open(a, ca->mft_uri, "mft", ca->lost ? "lost" : pt->failed ? "rejected" : "valid",
	    pt->mft_this, pt->mft_next);
	json_key(&a->j, "findings");
	json_open(&a->j, '[');
	findings_put(a, &pt->findings, ca->mft_uri);
	for (size_t i = 0; i < pt->n_objects; i++)
		if (pt->objects[i].type == RPKI_CRL)
			findings_put(a, &pt->findings, pt->objects[i].uri);
	/* What failed the point may be another file than the one asked for. */
	if (pt->failed && a->failed == NULL)
		for (const struct finding *f = pt->findings.head; f != NULL; f = f->next)
			if (f->def->severity == SEV_REJECT && a->failed == NULL) {
				finding_obj(a, f);
				a->failed = f;
				a->failed_uri = f->subject;
			}
	link_close(a);
}

void
answer_chain_put(struct answer *a)
{
	const struct rpki_ca *cas[CHAIN_MAX];
	size_t n = 0;

	json_key(&a->j, "chain");
	json_open(&a->j, '[');
	for (const struct rpki_ca *ca = a->pt == NULL ? NULL : a->pt->ca;
	    ca != NULL && n < CHAIN_MAX; ca = ca->parent)
		cas[n++] = ca;
	while (n > 0)
		ca_put(a, cas[--n]);
	/* A manifest was shown with its CA, unless it came alone. */
	if (a->o != NULL && (a->o->type != RPKI_MFT || a->pt->ca == NULL)) {
		link_open(a, a->o->uri, rpki_type_name(a->o->type),
		    rpki_verdict_name(a->o->verdict), a->o->not_before, a->o->not_after);
		resources_put(&a->j, &a->o->res);
		contact_put(&a->j, a->o);
		json_key(&a->j, "findings");
		json_open(&a->j, '[');
		findings_put(a, &a->pt->findings, a->o->uri);
		link_close(a);
	}
	json_close(&a->j, ']');
}

/* --- payloads --- */

static void
hit_open(struct answer *a, const struct hit *h)
{
	struct ip_prefix p = vrp_prefix(h->v);
	char s[IP_PREFIX_STRLEN];

	json_open(&a->j, '{');
	json_kv_str(&a->j, "prefix", ip_prefix_str(&p, s));
	json_kv_u64(&a->j, "maxLength", h->v->max_len);
	json_kv_u64(&a->j, "asn", h->v->asn);
	json_kv_sv(&a->j, "source", h->o->uri);
	json_kv_bool(&a->j, "ours", ours_asn(a->ours, h->v->asn) || ours_prefix(a->ours, &p));
}

void
answer_vrps_put(struct answer *a)
{
	json_key(&a->j, "vrps");
	json_open(&a->j, '[');
	for (size_t i = 0; i < a->n_good && i < VRPS_SHOWN_MAX; i++) {
		const struct hit *h = &a->good[i];

		if (h->v == NULL)
			continue;
		hit_open(a, h);
		/* An object that is read alone has no trust anchor. */
		json_kv_str(&a->j, "ta", h->v->ta < a->r->n_tas ?
		    a->r->tas[h->v->ta].tal.name : NULL);
		json_kv_end(&a->j, "expires", h->v->expires);
		if (a->by_prefix && a->by_asn)
			json_kv_bool(&a->j, "matches", hit_matches(a, h));
		json_close(&a->j, '}');
	}
	json_close(&a->j, ']');
	json_key(&a->j, "aspas");
	json_open(&a->j, '[');
	for (size_t i = 0; i < a->n_good && i < VRPS_SHOWN_MAX; i++) {
		const struct hit *h = &a->good[i];

		if (h->v != NULL)
			continue;
		json_open(&a->j, '{');
		json_kv_u64(&a->j, "customer", h->o->aspa->customer);
		json_key(&a->j, "providers");
		json_open(&a->j, '[');
		for (size_t k = 0; k < h->o->aspa->n_providers; k++)
			json_u64(&a->j, h->o->aspa->providers[k]);
		json_close(&a->j, ']');
		json_kv_sv(&a->j, "source", h->o->uri);
		json_kv_end(&a->j, "expires", h->o->aspa->expires);
		json_close(&a->j, '}');
	}
	json_close(&a->j, ']');
}

void
answer_lost_put(struct answer *a)
{
	json_key(&a->j, "lost");
	json_open(&a->j, '[');
	for (size_t i = 0; i < a->n_lost && i < VRPS_SHOWN_MAX; i++) {
		if (a->lost[i].v == NULL)
			continue;
		hit_open(a, &a->lost[i]);
		json_close(&a->j, '}');
	}
	json_close(&a->j, ']');
}

void
answer_local_put(struct answer *a)
{
	json_key(&a->j, "local");
	json_open(&a->j, '[');
	for (size_t i = 0; a->local != NULL && i < a->r->slurm->n; i++) {
		const struct slurm_entry *e = &a->r->slurm->entries[i];
		struct buf what = BUF_INIT;

		if (!a->local[i].used)
			continue;
		slurm_entry_print(&what, e);
		json_open(&a->j, '{');
		json_kv_str(&a->j, "action", slurm_is_filter(e->kind) ? "filter" : "assert");
		json_kv_sv(&a->j, "what", buf_get(&what));
		json_kv_sv(&a->j, "source", answer_local_source(a, i));
		json_key(&a->j, "comment");
		if (e->comment.p != NULL)
			json_sv(&a->j, e->comment);
		else
			json_nil(&a->j);
		json_kv_end(&a->j, "until", e->expires);
		json_close(&a->j, '}');
		buf_done(&what);
	}
	json_close(&a->j, ']');
}

void
answer_failed_put(struct answer *a)
{
	struct buf b = BUF_INIT;

	json_key(&a->j, "failed");
	if (a->failed == NULL) {
		json_nil(&a->j);
		return;
	}
	finding_text(&b, a->failed, a->lang);
	json_open(&a->j, '{');
	json_kv_sv(&a->j, "uri", a->failed_uri);
	json_kv_str(&a->j, "code", a->failed->def->code);
	json_kv_str(&a->j, "clause", a->failed->def->clause);
	json_kv_sv(&a->j, "text", buf_get(&b));
	json_kv_str(&a->j, "likely", tr(a->lang, routes_cause(a->failed->def)));
	json_kv_str(&a->j, "remedy", tr(a->lang, a->failed->def->remedy));
	json_kv_str(&a->j, "by_hand", a->failed->def->by_hand);
	json_close(&a->j, '}');
	buf_done(&b);
}
