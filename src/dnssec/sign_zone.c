/* Which names a zone speaks for, and their neighbours (RFC 4035 section 2). */
#include "dnssec/sign_internal.h"

bool
sign_is_stripped(uint16_t type, bool at_apex)
{
	switch (type) {
	case RR_RRSIG:
	case RR_NSEC:
	case RR_NSEC3:
	case RR_NSEC3PARAM:
		return true;
	case RR_DNSKEY:
	case RR_CDS:
	case RR_CDNSKEY:
	case RR_ZONEMD:
		return at_apex;		/* elsewhere they are data: RFC 9615's CDS */
	default:
		return false;
	}
}

/* Is anything there that is not a signer's work? */
static bool
is_live(const struct znode *n)
{
	bool at_apex = znode_key(n).n == 0;
	struct zrrset set;
	size_t pos = 0;

	while (znode_next(n, &pos, &set))
		if (set.n_rrs > 0 && !sign_is_stripped(set.type, at_apex))
			return true;
	return false;
}

static bool
has_rrs(const struct znode *n, uint16_t type)
{
	struct zrrset set;

	return znode_find(n, type, &set) && set.n_rrs > 0;
}

bool
sign_is_cut(const struct znode *n)
{
	return znode_key(n).n > 0 && has_rrs(n, RR_NS);
}

bool
sign_covers(const struct znode *n)
{
	return sign_is_cut(n) || has_rrs(n, RR_DNAME);
}

struct walk
walk_to(const struct zone *z, struct sv key)
{
	struct walk w = { .z = z };
	size_t len[DNS_LABELS_MAX + 1];
	unsigned n = 0;

	for (size_t l = key.n; l > 0 && n < ARRAY_LEN(len); ) {
		l = dkey_parent((const uint8_t *)key.p, l);
		len[n++] = l;
	}
	while (n > 0) {			/* the topmost covers all others */
		struct sv above = sv_take(key, len[--n]);
		const struct znode *node = zone_find(z, ZONE_NAMES, above);

		if (node != NULL && sign_covers(node)) {
			w.covered = true;
			w.cover = znode_key(node);
			return w;
		}
	}
	return w;
}

static bool
key_below(struct sv key, struct sv above)
{
	return key.n > above.n &&
	    dkey_within((const uint8_t *)key.p, key.n, (const uint8_t *)above.p, above.n);
}

enum standing
walk_standing(struct walk *w, const struct znode *n)
{
	struct sv key = znode_key(n);

	if (w->covered && key_below(key, w->cover))
		return is_live(n) ? ST_BELOW : ST_GONE;
	w->covered = sign_covers(n);
	w->cover = key;
	if (!is_live(n))
		return ST_GONE;
	return sign_is_cut(n) ? ST_CUT : ST_AUTH;
}

enum standing
sign_standing(const struct zone *z, const struct znode *n)
{
	struct walk w;

	if (n == NULL)
		return ST_GONE;
	w = walk_to(z, znode_key(n));
	return walk_standing(&w, n);
}

bool
sign_in_chain(const struct signer *s, const struct znode *n, enum standing st)
{
	if (st == ST_CUT)
		return !sign_has_nsec3(s) || !s->policy.opt_out || has_rrs(n, RR_DS);
	return st == ST_AUTH;
}

struct sv
sign_next_key(const struct zone *z, const struct znode *n)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, znode_key(n));
	struct walk w = { .z = z };		/* n is in the chain: nothing covers it */
	const struct znode *next = zone_next(&it);

	(void)walk_standing(&w, n);
	while ((next = zone_next(&it)) != NULL) {
		enum standing st = walk_standing(&w, next);

		if (st == ST_AUTH || st == ST_CUT)
			return znode_key(next);
	}
	return (struct sv){ 0 };
}

struct sv
sign_prev_key(const struct zone *z, struct sv key)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, key);
	const struct znode *n;

	while ((n = zone_prev(&it)) != NULL) {
		struct walk w = walk_to(z, znode_key(n));
		enum standing st;

		if (w.covered)
			return w.cover;		/* which nothing covers */
		st = walk_standing(&w, n);
		if (st == ST_AUTH || st == ST_CUT)
			return znode_key(n);
	}
	return (struct sv){ 0 };
}

const struct znode *
sign_below(const struct signer *s, const struct zone *z, struct sv key)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, key);
	struct walk w = walk_to(z, key);
	const struct znode *n;

	while ((n = zone_next(&it)) != NULL) {
		enum standing st = walk_standing(&w, n);

		if (sv_eq(znode_key(n), key))
			continue;
		if (!key_below(znode_key(n), key))
			return NULL;
		if (sign_in_chain(s, n, st))
			return n;
	}
	return NULL;
}
