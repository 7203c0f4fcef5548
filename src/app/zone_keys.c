#include "app/zone_keys.h"
#include "base/timefmt.h"

/* Has begun (or never said when), and has not ended. */
static bool
within(int64_t from, int64_t until, int64_t now)
{
	return (from == TIME_NEVER || from <= now) && now < until;
}

static bool
is_sep(const struct sign_key *k)
{
	return (k->rdata.p[1] & DNSKEY_SEP) != 0;
}

/* Does another key of the algorithm sign, with (or without) the SEP flag? */
static bool
has_other(const struct sign_key *k, size_t n, uint8_t alg, bool sep, const bool *signs)
{
	for (size_t i = 0; i < n; i++)
		if (signs[i] && k[i].alg == alg && is_sep(&k[i]) == sep)
			return true;
	return false;
}

size_t
zone_keys_choose(const struct keyring *r, int64_t now, struct sign_key *dst)
{
	bool signs[KEYRING_KEYS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < keyring_n(r); i++) {
		const struct keyring_key *k = keyring_get(r, i);

		if (!within(k->publish, k->remove, now) ||
		    sign_key_init(&dst[n], k->rdata, SIGN_USE_PUBLISH,
		    k->token != NULL ? k->token : (void *)(uintptr_t)k->priv) < 0)
			continue;
		signs[n] = (k->priv != NULL || k->token != NULL) &&
		    within(k->activate, k->inactive, now);
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		bool sep = is_sep(&dst[i]), alone = !has_other(dst, n, dst[i].alg, !sep, signs);

		if (sep || alone)
			dst[i].uses |= SIGN_USE_CDS;
		if (!signs[i])
			continue;
		if (sep || alone)
			dst[i].uses |= SIGN_USE_DNSKEY;
		if (!sep || alone)
			dst[i].uses |= SIGN_USE_ZONE;
	}
	return n;
}
