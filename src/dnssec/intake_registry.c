/* What single registries take, beside what everybody may. */
#include "dnssec/dnssec.h"
#include "dnssec/epp.h"
#include "dnssec/intake.h"
#include "dnssec/keystate.h"

#define A(n)	(UINT32_C(1) << (n))
#define DS	INTAKE_FORM_DS
#define KEY	INTAKE_FORM_KEY
static const struct intake_registry rows[] = {
#define R(tld, forms, algs, digests, max, epp, source, date) { tld, forms, algs, digests, max, epp, source, date },
#include "dnssec/registry.def"
#undef R
};

const struct intake_registry *
intake_registries(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(rows);
	return rows;
}

const struct intake_registry *
intake_registry_find(const struct dname *zone)
{
	struct dname top = *zone, up;
	char text[DNAME_STRLEN];
	struct sv tld;

	while (dname_labels(top.w) > 1 && dname_parent(&top, &up) == 0)
		top = up;
	dns_lower(top.w, top.len);
	tld = sv_str(dname_str(&top, text));
	tld = sv_take(tld, tld.n - 1);
	for (size_t i = 1; i < ARRAY_LEN(rows); i++)
		if (sv_eq_str(tld, rows[i].tld))
			return &rows[i];
	return &rows[0];
}

unsigned
intake_registry_forms(const struct intake_registry *r, uint32_t ds_interface)
{
	return ds_interface == POLICY_DS_DS ? INTAKE_FORM_DS : ds_interface == POLICY_DS_KEY ? INTAKE_FORM_KEY :
	    ds_interface == POLICY_DS_BOTH ? INTAKE_FORM_DS | INTAKE_FORM_KEY : r->forms;
}

unsigned
intake_registry_cut(const struct intake_registry *r, struct epp_update *u)
{
	unsigned cut = r->epp & INTAKE_EPP_OWN;

	if (u->max_sig_life > 0 && (r->epp & INTAKE_EPP_NO_LIFE) != 0) {
		u->max_sig_life = 0;
		cut |= INTAKE_EPP_NO_LIFE;
	}
	if (u->urgent && (r->epp & INTAKE_EPP_NO_URGENT) != 0) {
		u->urgent = false;
		cut |= INTAKE_EPP_NO_URGENT;
	}
	return cut;
}

static bool
is_in(uint32_t list, unsigned n)
{
	return list == 0 || (list & A(n < INTAKE_OTHERS ? n : INTAKE_OTHERS)) != 0;
}

#define SAY(code, ...) finding_add(fs, &intake_findings[code], __VA_ARGS__, \
    FA_STR("tld", r->tld), FA_STR("source", r->source), FA_STR("date", r->date))

static void
record_check(const struct intake_registry *r, const struct intake_record *rec, struct findings *fs)
{
	struct dnskey key;
	struct ds ds;

	if (rec->type == RR_DS && ds_parse(rec->rdata, &ds) == 0) {
		if (!is_in(r->algs, ds.alg))
			SAY(INTAKE_REGISTRY_ALG, FA_U("alg", ds.alg));
		if (!is_in(r->digests, ds.digest_type))
			SAY(INTAKE_REGISTRY_DIGEST, FA_U("digest", ds.digest_type));
	} else if (rec->type == RR_DNSKEY && dnskey_parse(rec->rdata, &key) == 0 && !is_in(r->algs, key.alg))
		SAY(INTAKE_REGISTRY_ALG, FA_U("alg", key.alg));
}

void
intake_registry_check(const struct intake_registry *r, const struct intake_input *in, struct findings *fs)
{
	bool ds = false, key = false;

	for (size_t i = 0; i < in->n_entered; i++) {
		ds |= in->entered[i].type == RR_DS;
		key |= in->entered[i].type == RR_DNSKEY;
		record_check(r, &in->entered[i], fs);
	}
	if (r->max > 0 && in->n_entered > r->max)
		SAY(INTAKE_REGISTRY_MANY, FA_U("n", in->n_entered), FA_U("max", r->max));
	if (key && r->forms == INTAKE_FORM_DS)
		finding_add(fs, &intake_findings[INTAKE_REGISTRY_DS], FA_STR("tld", r->tld));
	if (ds && r->forms == INTAKE_FORM_KEY)
		finding_add(fs, &intake_findings[INTAKE_REGISTRY_KEY], FA_STR("tld", r->tld));
}
