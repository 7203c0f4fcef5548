/* Policy: the table of options, their values, and what follows from them. */
#include "dnssec/keystate_internal.h"

#include <errno.h>

static const struct policy_row rows[] = {
#define P(name_, type_, min_, max_, words_, value_, help_)		\
	{ #name_, POLICY_##type_, (min_), (max_), (words_), (value_),	\
	    offsetof(struct dnssec_policy, name_), (help_) },
#include "dnssec/policy.def"
#undef P
};

const struct policy_row *
policy_rows(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(rows);
	return rows;
}

uint32_t
policy_get(const struct dnssec_policy *p, const struct policy_row *row)
{
	uint32_t v;

	memcpy(&v, (const char *)p + row->off, sizeof(v));
	return v;
}

static void
policy_put(struct dnssec_policy *p, const struct policy_row *row, uint32_t v)
{
	memcpy((char *)p + row->off, &v, sizeof(v));
}

int
policy_set(struct dnssec_policy *p, const struct policy_row *row, uint32_t v)
{
	if (v < row->min || v > row->max)
		return -ERANGE;
	policy_put(p, row, v);
	return 0;
}

/* The place of a word among those of the row. */
static int
word_find(const char *words, struct sv text, uint32_t *ret)
{
	struct sv rest = sv_str(words), w;

	for (uint32_t i = 0; sv_word(&rest, &w); i++)
		if (sv_eq(w, text)) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

int
policy_set_text(struct dnssec_policy *p, const struct policy_row *row, struct sv text)
{
	uint32_t v;
	int rc;

	if (row->type == POLICY_WORD)
		rc = word_find(row->words, text, &v);
	else if (row->type == POLICY_BOOL)
		rc = word_find("no yes", text, &v);
	else
		rc = num_u32(text, 0, UINT32_MAX, &v);
	return rc < 0 ? rc : policy_set(p, row, v);
}

unsigned
policy_ds_digests(const struct dnssec_policy *p)
{
	return p->ds_digests == POLICY_DIGEST_SHA256 ? 1u << 2 : p->ds_digests == POLICY_DIGEST_SHA384 ?
	    1u << 4 : 1u << 2 | 1u << 4;
}

struct dnssec_policy
policy_default(void)
{
	struct dnssec_policy p = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		policy_put(&p, &rows[i], rows[i].value);
	return p;
}

uint32_t
policy_lifetime(const struct dnssec_policy *p, enum ks_role role)
{
	switch (role) {
	case KS_KSK:
		return p->ksk_lifetime;
	case KS_ZSK:
		return p->zsk_lifetime;
	default:
		return p->csk_lifetime;
	}
}

/* Until all caches have a DNSKEY set that is published now. */
static uint32_t
dnskey_time(const struct dnssec_policy *p)
{
	return p->child_propagation + p->dnskey_ttl + p->publish_safety;
}

/* Until no cache has signatures that are replaced now. */
static uint32_t
data_time(const struct dnssec_policy *p)
{
	return p->child_propagation + p->max_zone_ttl + p->retire_safety;
}

/* Until no cache has a DS set that is replaced now. */
static uint32_t
ds_time(const struct dnssec_policy *p)
{
	return p->registration_delay + p->parent_propagation + p->parent_ds_ttl + p->retire_safety;
}

uint32_t
policy_lead(const struct dnssec_policy *p, enum ks_role role)
{
	switch (role) {
	case KS_ZSK:
		return p->zsk_roll == POLICY_ZSK_PREPUBLISH ? dnskey_time(p) : 0;
	case KS_KSK:
		return p->ksk_roll == POLICY_KSK_DOUBLE_KSK ? dnskey_time(p) : ds_time(p);
	default:
		return dnskey_time(p);
	}
}

/* RFC 7583 sections 3.2 and 3.3: the waits of each method, one behind the other. */
uint32_t
policy_roll_time(const struct dnssec_policy *p, enum ks_role role)
{
	uint32_t k = dnskey_time(p), z = data_time(p), d = ds_time(p);

	switch (role) {
	case KS_ZSK:
		return p->zsk_roll == POLICY_ZSK_PREPUBLISH ? k + z + k : (k > z ? k : z) + k;
	case KS_KSK:
		return p->ksk_roll == POLICY_KSK_DOUBLE_KSK ? k + d + k : d + k + d;
	default:
		return k + (d > z ? d : z) + k;
	}
}
