/*
 * Worlds that move. A step is `every` seconds later than the one before it.
 * What it changes: objects whose "from" or "until" it is, faults that begin
 * or end, ROAs drawn by lot (churn), and manifests and CRLs past the half of
 * their time. Whatever changes in a CA, its manifest and CRL are reissued.
 */
#include <errno.h>

#include "lab/internal.h"

/* ASNs for private use (RFC 6996): nobody in a real list has them. */
#define INVENTED_ASN	4200000000u
#define INVENTED_ASNS	90000000u

/* The CRL lists the certificate that an object had until now. */
static int
gone_add(struct lab_world *w, struct lab_obj *o)
{
	struct lab_gone *g = pool_calloc(w->pool, 1, sizeof(*g));

	if (g == NULL)
		return -ENOMEM;
	lab_serial(w, "cert", o->key_no, g->serial);
	g->when = lab_time(w, w->step) - 3600;
	g->next = o->ca->gone;
	o->ca->gone = g;
	o->ca->n_gone++;
	return 0;
}

static int
touch(struct lab_world *w, struct lab_ca *ca)
{
	struct lab_obj *two[] = { ca->mft, ca->crl };

	if (ca->touched)
		return 0;
	ca->touched = true;
	ca->issued = w->step;
	ca->number++;
	for (size_t i = 0; i < ARRAY_LEN(two); i++) {
		two[i]->dirty = true;
		two[i]->key_no = w->n_keys++;
	}
	return 0;
}

static bool
has_certificate(const struct lab_obj *o)
{
	return o->kind != LAB_FILE && o->kind != LAB_CRL && o->kind != LAB_MFT;
}

/* --- what the description says --- */

static int
events_described(struct lab_world *w)
{
	int rc = 0;

	for (size_t i = 0; i < w->n_objs && rc == 0; i++) {
		struct lab_obj *o = w->objs[i];

		if (o->ca == NULL || (o->from != w->step && o->until != w->step))
			continue;
		o->dirty = o->from == w->step;
		rc = touch(w, o->ca);
		if (rc == 0 && o->until == w->step && has_certificate(o))
			rc = gone_add(w, o);
	}
	return rc;
}

/* A fault sits in a CA that moves: its object is planned anew, with or without it. */
static int
events_faults(struct lab_world *w)
{
	int rc = 0;

	for (struct lab_planted *p = w->faults; p != NULL && rc == 0; p = p->next)
		if (p->obj->ca != NULL && (p->from == w->step || p->until == w->step))
			rc = touch(w, p->obj->ca);
	for (struct lab_planted *p = w->faults; p != NULL && rc == 0; p = p->next)
		if (p->obj->ca != NULL && p->obj->ca->touched)
			p->obj->dirty = true;
	return rc;
}

/* Manifests are renewed at half-life, as most CAs do. */
static int
events_renewal(struct lab_world *w)
{
	int rc = 0;

	for (struct lab_ca *ca = w->cas; ca != NULL && rc == 0; ca = ca->next) {
		int64_t age = lab_time(w, w->step) - (ca->mft_time[0] + ca->issued * w->every);

		if (age > (ca->mft_time[1] - ca->mft_time[0]) / 2)
			rc = touch(w, ca);
	}
	return rc;
}

/* --- churn --- */

static int
roa_withdraw(struct lab_world *w, struct lab_obj *o)
{
	o->until = w->step;
	return gone_add(w, o);
}

/* Another maximum length, or another AS: the file's name stays. */
static int
roa_change(struct lab_world *w, struct lab_obj *o, uint64_t lot)
{
	struct roa_entry *e = &o->pfx[0];

	if (gone_add(w, o) < 0 || lab_obj_label(w, o) < 0)
		return -ENOMEM;
	if (o->n_pfx == 1 && e->max_len < ip_bits(e->px.af))
		e->max_len++;
	else
		o->asn = INVENTED_ASN + (uint32_t)(lot % INVENTED_ASNS);
	o->key_no = w->n_keys++;
	o->born = w->step;
	o->dirty = true;
	return 0;
}

/* A second origin for the first prefix of a ROA that is there. */
static int
roa_add(struct lab_world *w, const struct lab_obj *like, uint64_t lot)
{
	struct lab_obj *o = lab_obj_new(w, like->ca, LAB_ROA);

	if (o == NULL || (o->pfx = pool_calloc(w->pool, 1, sizeof(o->pfx[0]))) == NULL)
		return -ENOMEM;
	o->pfx[0] = like->pfx[0];
	o->n_pfx = 1;
	o->asn = INVENTED_ASN + (uint32_t)(lot % INVENTED_ASNS);
	o->dirty = true;
	return 0;
}

static int
churn_one(struct lab_world *w, struct lab_obj *o, uint64_t lot, uint64_t i)
{
	int rc;

	if ((rc = touch(w, o->ca)) < 0)
		return rc;
	switch (i % 3) {
	case 0:
		return roa_add(w, o, lot);
	case 1:
		return roa_change(w, o, lot);
	default:
		return roa_withdraw(w, o);
	}
}

/* A ROA that nothing else changes in this step. */
static bool
churn_fits(const struct lab_world *w, const struct lab_obj *o)
{
	return o->kind == LAB_ROA && lab_alive(w, o) && !o->dirty && !o->faulty &&
	    o->until == LAB_STEP_NEVER && o->published;
}

static int
events_churn(struct lab_world *w)
{
	size_t n_roas = 0, n_objs = w->n_objs, want;
	uint64_t lot = (uint64_t)w->step << 32;

	if (w->churn == 0)
		return 0;
	for (size_t i = 0; i < n_objs; i++)
		n_roas += churn_fits(w, w->objs[i]);
	want = max_size(n_roas * w->churn / 1000, n_roas > 0);
	/* most objects are ROAs: a few draws for each; a hundred is despair */
	for (size_t i = 0, tries = 0; i < want && tries < 100 * want; tries++) {
		struct lab_obj *o = w->objs[lab_random(w, "churn", lot + tries, n_objs)];
		int rc;

		if (!churn_fits(w, o))
			continue;
		if ((rc = churn_one(w, o, lab_random(w, "asn", lot + tries, UINT32_MAX),
		    w->step + i)) < 0)
			return rc;
		i++;
	}
	return 0;
}

int
lab_step_next(struct lab_world *w)
{
	int rc;

	w->step++;
	for (struct lab_ca *ca = w->cas; ca != NULL; ca = ca->next)
		ca->touched = false;
	if ((rc = events_described(w)) < 0 || (rc = events_churn(w)) < 0 ||
	    (rc = events_renewal(w)) < 0)
		return rc;
	return events_faults(w);
}
