/*
 * Keys that were found, judged: which are taken, which follows which, and
 * whether all of it may be taken over (app/key_import.h).
 *
 * A key that was made to follow another one waits for it here, too. When the
 * old one's life ends is what its signer planned; where it did not say, its
 * successor was made because the time had come: the end is now.
 */
#include <errno.h>

#include "app/key_import_internal.h"
#include "base/err.h"

size_t
key_import_n(const struct key_import *ki)
{
	return ki->n;
}

const struct import_key *
key_import_get(const struct key_import *ki, size_t i)
{
	return &ki->key[i];
}

size_t
key_import_n_missing(const struct key_import *ki)
{
	return ki->n_missing;
}

bool
key_import_refused(const struct key_import *ki)
{
	return ki->refused;
}

const struct finding_def *
import_refuse(struct key_import *ki, enum import_finding code)
{
	ki->refused = true;
	return &import_findings[code];
}

static uint8_t
alg_of(const struct import_key *k)
{
	return (uint8_t)k->rdata.p[3];
}

bool
import_alg_is_old(uint8_t number)
{
	const struct dnssec_alg *alg = dnssec_alg_find(number);

	return alg != NULL && alg->use_sign == ALG_MUST_NOT;
}

static bool
is_sep(const struct import_key *k)
{
	return (k->rdata.p[1] & DNSKEY_SEP) != 0;
}

static bool
is_taken(const struct import_key *k)
{
	return k->verdict == IMPORT_TAKEN;
}

enum ks_role
key_import_role(const struct key_import *ki, size_t i)
{
	const struct import_key *k = &ki->key[i];

	/* As app/zone_keys.h has it: one kind of key alone does both. */
	for (size_t n = 0; n < ki->n; n++)
		if (is_taken(&ki->key[n]) && alg_of(&ki->key[n]) == alg_of(k) && is_sep(&ki->key[n]) != is_sep(k))
			return is_sep(k) ? KS_KSK : KS_ZSK;
	return KS_CSK;
}

/* --- one by one --- */

static bool
is_published(const struct import_published *p, struct sv rdata)
{
	for (size_t i = 0; i < p->n; i++)
		if (sv_eq(p->rdata[i], rdata))
			return true;
	return false;
}

static int
verdict_set(struct import_key *k, const struct import_opts *o, const struct import_published *p)
{
	int rc = 1;

	k->published = k->rdata.n > 0 && is_published(p, k->rdata);
	/* What the zone has is in use, whatever times say. */
	if (k->published && k->verdict == IMPORT_REMOVED)
		k->verdict = IMPORT_TAKEN;
	if (!is_taken(k))
		return 0;
	if (o->published.n > 0 && !k->published && !o->unpublished)
		k->verdict = IMPORT_UNPUBLISHED;
	else if (k->priv != NULL && (rc = import_key_probe(k->priv, k->rdata)) < 0)
		return rc;
	if (rc == 0)
		k->verdict = IMPORT_PROBE;
	return 0;
}

static int
missing_add(struct key_import *ki, const struct import_published *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct import_key *k;

		if (import_key_found(ki, p->rdata[i]))
			continue;
		ki->n_missing++;
		if ((k = import_key_add(ki, "")) == NULL)
			return SE_LIMIT;
		k->rdata = p->rdata[i];
		k->published = true;
		k->verdict = IMPORT_NO_PRIVATE;
	}
	return 0;
}

/* --- what the zone says of them --- */

/* Tags are shared at times: a signature is somebody's only where one key alone fits. */
static struct import_key *
signer_key(struct key_import *ki, const struct import_signer *s)
{
	struct import_key *found = NULL;

	for (size_t i = 0; i < ki->n; i++) {
		struct import_key *k = &ki->key[i];

		if (!k->published || dnskey_tag(k->rdata) != s->tag || alg_of(k) != s->alg)
			continue;
		if (found != NULL)
			return NULL;
		found = k;
	}
	return found;
}

static void
signers_mark(struct key_import *ki, const struct import_published *p)
{
	bool soa = false;

	for (size_t i = 0; i < p->n_signers; i++)
		soa = soa || p->signer[i].soa;
	for (size_t i = 0; i < p->n_signers; i++) {
		const struct import_signer *s = &p->signer[i];
		struct import_key *k = signer_key(ki, s);

		if (k == NULL)
			continue;
		k->signs_keys = k->signs_keys || s->keys;
		k->signs_data = k->signs_data || s->soa;
		/* The SOA record is signed anew each time, by whoever signs now; others keep what they have. */
		if (!s->others || s->soa || !soa)
			continue;
		k->mixing = true;
		if (k->again == TIME_NEVER)
			k->again = s->expires;
	}
}

/* A list without times, or none: who signs nothing while another does is on its way in or out. */
static void
idle_mark(struct key_import *ki)
{
	bool keys = false, data = false;

	for (size_t i = 0; i < ki->n; i++) {
		keys = keys || ki->key[i].signs_keys;
		data = data || ki->key[i].signs_data;
	}
	for (size_t i = 0; i < ki->n; i++) {
		struct import_key *k = &ki->key[i];

		if (is_taken(k) && keys && data && k->active == TIME_NEVER && !k->coming && !k->standby &&
		    !k->signs_keys && !k->signs_data)
			k->retired = true;
	}
}

/* --- who follows whom --- */

/* The older, and those that retire, first. */
static int64_t
age_of(const struct import_key *k)
{
	if (k->retired)
		return INT64_MIN;
	return k->coming && k->active == TIME_NEVER ? TIME_NEVER : k->active == TIME_NEVER ? TIME_NEVER - 1 : k->active;
}

/* The youngest of those in use that is older, and does the same work with the same algorithm. */
static size_t
forerunner(const struct key_import *ki, size_t of)
{
	const struct import_key *k = &ki->key[of];
	size_t best = ki->n;

	for (size_t i = 0; i < ki->n; i++) {
		const struct import_key *o = &ki->key[i];

		if (i == of || !is_taken(o) || o->retired || o->standby || (o->coming && o->active == TIME_NEVER) ||
		    alg_of(o) != alg_of(k) || is_sep(o) != is_sep(k) || age_of(o) >= age_of(k))
			continue;
		if (best == ki->n || age_of(o) > age_of(&ki->key[best]))
			best = i;
	}
	return best;
}

static void
successions(struct key_import *ki)
{
	for (size_t i = 0; i < ki->n; i++) {
		struct import_key *k = &ki->key[i];
		size_t old;

		if (!is_taken(k) || k->retired || k->standby || (old = forerunner(ki, i)) == ki->n)
			continue;
		k->follows = old + 1;
		if (k->coming && ki->key[old].end == TIME_NEVER)
			ki->key[old].end = k->active != TIME_NEVER ? k->active : ki->now;
	}
}

/* --- may it be? --- */

static void
rolling_check(struct key_import *ki, struct findings *fs)
{
	for (size_t i = 0; i < ki->n; i++) {
		const struct import_key *k = &ki->key[i];

		if (!k->mixing || k->rdata.n < 4 || (!is_taken(k) && !k->published))
			continue;
		if (k->again != TIME_NEVER)
			finding_add(fs, import_refuse(ki, IMPORT_ROLLING), FA_U("tag", dnskey_tag(k->rdata)),
			    FA_TIME("again", k->again));
		else
			finding_add(fs, import_refuse(ki, IMPORT_ROLLING), FA_U("tag", dnskey_tag(k->rdata)),
			    FA_MSG("again", N_("the end of that roll")));
	}
}

static void
tags_check(struct key_import *ki, struct findings *fs)
{
	for (size_t i = 0; i < ki->n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct import_key *a = &ki->key[i], *b = &ki->key[j];

			if (is_taken(a) && is_taken(b) && alg_of(a) == alg_of(b) &&
			    dnskey_tag(a->rdata) == dnskey_tag(b->rdata) && !sv_eq(a->rdata, b->rdata))
				finding_add(fs, import_refuse(ki, IMPORT_TAGS), FA_U("algorithm", alg_of(a)),
				    FA_U("tag", dnskey_tag(a->rdata)));
		}
}

static void
algs_check(struct key_import *ki, struct findings *fs)
{
	bool told[UINT8_MAX + 1] = { false };

	for (size_t i = 0; i < ki->n; i++) {
		const struct import_key *k = &ki->key[i];

		if (k->rdata.n < 4 || (!is_taken(k) && !k->published) || told[alg_of(k)] ||
		    !import_alg_is_old(alg_of(k)))
			continue;
		told[alg_of(k)] = true;
		finding_add(fs, import_refuse(ki, IMPORT_ALGORITHM), FA_U("algorithm", alg_of(k)));
	}
}

/* Does it sign the DNSKEY set (or data), as far as anybody says? */
static bool
does(const struct key_import *ki, size_t i, bool keys, bool seen)
{
	const struct import_key *k = &ki->key[i];

	if (seen)
		return keys ? k->signs_keys : k->signs_data;
	if (k->retired || k->standby)
		return false;
	/* A lone key without SEP may be half of a pair. */
	if (keys)
		return is_sep(k);
	return key_import_role(ki, i) != KS_KSK && (!k->coming || k->active == TIME_NEVER);
}

static void
signers_check(struct key_import *ki, const struct import_published *p, struct findings *fs)
{
	bool seen[2] = { false, false };

	for (size_t i = 0; i < p->n_signers; i++) {
		seen[0] = seen[0] || p->signer[i].soa;
		seen[1] = seen[1] || p->signer[i].keys;
	}
	for (size_t i = 0; i < ki->n; i++) {
		bool first = is_taken(&ki->key[i]);

		for (size_t j = 0; j < i; j++)
			first = first && !(is_taken(&ki->key[j]) && alg_of(&ki->key[j]) == alg_of(&ki->key[i]));
		for (int keys = 1; keys >= 0 && first; keys--) {
			bool has = false;

			for (size_t j = 0; j < ki->n; j++)
				has = has || (is_taken(&ki->key[j]) && alg_of(&ki->key[j]) == alg_of(&ki->key[i]) &&
				    does(ki, j, keys, seen[keys]));
			if (!has)
				finding_add(fs, import_refuse(ki, IMPORT_NO_SIGNER), FA_MSG("what", keys ?
				    N_("the DNSKEY set") : N_("the data")), FA_U("algorithm", alg_of(&ki->key[i])));
		}
	}
}

int
import_judge(struct key_import *ki, const struct import_opts *o, const struct import_published *p,
    struct findings *fs)
{
	int rc = 0;

	for (size_t i = 0; i < ki->n && rc == 0; i++)
		rc = verdict_set(&ki->key[i], o, p);
	if (rc == 0)
		rc = missing_add(ki, p);
	if (rc < 0)
		return rc;
	signers_mark(ki, p);
	idle_mark(ki);
	successions(ki);
	algs_check(ki, fs);
	tags_check(ki, fs);
	signers_check(ki, p, fs);
	rolling_check(ki, fs);
	return 0;
}

/* --- and after it --- */

static bool
fits(const struct key_import *ki, size_t i, const struct dnssec_policy *p)
{
	enum ks_role role = key_import_role(ki, i);

	return alg_of(&ki->key[i]) == p->algorithm && (role == KS_CSK) == (p->keys == POLICY_CSK);
}

void
key_import_policy(const struct key_import *ki, const struct dnssec_policy *p, struct findings *fs)
{
	for (size_t i = 0; i < ki->n; i++) {
		if (!is_taken(&ki->key[i]) || ki->key[i].retired || fits(ki, i, p))
			continue;
		finding_add(fs, &import_findings[IMPORT_POLICY], FA_MSG("what",
		    alg_of(&ki->key[i]) != p->algorithm ? N_("another algorithm") : p->keys == POLICY_CSK ?
		    N_("one key for all, and these are a KSK and a ZSK") :
		    N_("a KSK and a ZSK, and this is one key for all")));
		return;
	}
}
