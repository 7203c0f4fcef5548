/* Policy: what does not go together. */
#include "dnssec/keystate_internal.h"

#include "crypto/dnskey.h"
#include "dnssec/dnssec.h"

/* RFC 5702 section 2; the upper bound is what validators compute with. */
#define RSA_BITS_MIN	1024

static void
algorithm_check(const struct dnssec_policy *p, struct findings *fs)
{
	const struct dnssec_alg *a = p->algorithm > UINT8_MAX ? NULL : dnssec_alg_find((uint8_t)p->algorithm);

	if (a == NULL || a->use_sign == ALG_MUST_NOT || !crypto_dns_alg(a->number))
		finding_add(fs, &keystate_findings[POLICY_ALGORITHM], FA_U("algorithm", p->algorithm));
	else if (a->use_sign == ALG_NOT_RECOMMENDED)
		finding_add(fs, &keystate_findings[POLICY_ALGORITHM_OLD], FA_U("algorithm", p->algorithm));
	if (!ks_alg_rsa(p->algorithm))
		return;
	if (p->ksk_bits < RSA_BITS_MIN || (p->keys == POLICY_SPLIT && p->zsk_bits < RSA_BITS_MIN))
		finding_add(fs, &keystate_findings[POLICY_KEY_BITS],
		    FA_U("bits", p->ksk_bits < RSA_BITS_MIN ? p->ksk_bits : p->zsk_bits));
}

static void
signatures_check(const struct dnssec_policy *p, struct findings *fs)
{
	uint32_t ttl = p->max_zone_ttl > p->dnskey_ttl ? p->max_zone_ttl : p->dnskey_ttl;
	uint64_t need = (uint64_t)ttl + p->child_propagation + p->clock_skew;

	if (p->refresh >= p->validity) {
		finding_add(fs, &keystate_findings[POLICY_REFRESH], FA_U("refresh", p->refresh),
		    FA_U("validity", p->validity));
		return;
	}
	if (p->refresh < need)
		finding_add(fs, &keystate_findings[POLICY_VALIDITY_TTL], FA_U("refresh", p->refresh),
		    FA_U("needed", need));
	if (p->jitter >= p->validity - p->refresh)
		finding_add(fs, &keystate_findings[POLICY_JITTER], FA_U("jitter", p->jitter),
		    FA_U("room", p->validity - p->refresh));
}

static void
lifetime_check(const struct dnssec_policy *p, enum ks_role role, struct findings *fs)
{
	uint32_t life = policy_lifetime(p, role), need = policy_roll_time(p, role);

	if (life != 0 && life < need)
		finding_add(fs, &keystate_findings[POLICY_LIFETIME],
		    FA_STR("role", keystate_role_name(role)), FA_U("lifetime", life),
		    FA_U("needed", need));
}

static void
parent_check(const struct dnssec_policy *p, struct findings *fs)
{
	if (p->timers_parent)
		finding_add0(fs, &keystate_findings[POLICY_TIMERS_PARENT]);
	if (p->ds_handover == POLICY_BY_CDS && p->cds == POLICY_CDS_NEVER)
		finding_add0(fs, &keystate_findings[POLICY_CDS]);
	if (p->keys == POLICY_CSK && (p->standby_ksk > 0 || p->standby_zsk > 0))
		finding_add0(fs, &keystate_findings[POLICY_STANDBY]);
}

void
policy_check(const struct dnssec_policy *p, struct findings *fs)
{
	size_t n;
	const struct policy_row *row = policy_rows(&n);

	for (size_t i = 0; i < n; i++) {
		uint32_t v = policy_get(p, &row[i]);

		if (v < row[i].min || v > row[i].max)
			finding_add(fs, &keystate_findings[POLICY_RANGE], FA_STR("option", row[i].name),
			    FA_U("value", v));
	}
	algorithm_check(p, fs);
	signatures_check(p, fs);
	parent_check(p, fs);
	if (p->keys == POLICY_CSK) {
		lifetime_check(p, KS_CSK, fs);
		return;
	}
	lifetime_check(p, KS_KSK, fs);
	lifetime_check(p, KS_ZSK, fs);
}
