/*
 * What was seen at servers (app/zone_seen.h), as keystate wants it: keys and
 * DS compared bit for bit with those of a state, serials looked up.
 *
 * A server of the zone is *ours* unless what it serves is signed by another
 * provider's key and by none of ours (RFC 8901): of ours the serial counts,
 * of the others the contents. A server of ours whose serial is not known, or
 * whose keys are not those that the serial stands for, proves nothing.
 */
#ifndef APP_KEY_SEEN_H
#define APP_KEY_SEEN_H

#include "app/key_serials.h"
#include "app/zone_seen.h"
#include "dnssec/keystate.h"

struct key_seen_with {
	const struct keystate		*st;
	const struct key_serials	*serials;
	const struct dname		*apex;
	struct sv			 rdata[KEYSTATE_KEYS_MAX];	/* DNSKEY of each place; empty: no key */
	/* Where a server does not say: */
	uint32_t			 data_ttl, dnskey_ttl, ds_ttl;
};

struct key_seen {
	struct keystate_child	 child;
	struct keystate_parent	 parent;
	bool			 has_child, has_parent;	/* some server of the side answered */
	/* Of the zone's servers that are ours. */
	bool			 has_serial;		/* each said one */
	uint32_t		 lowest, highest;
	size_t			 n_doubt;		/* their serial and their keys do not go together */
};

/* DNSKEY data of a key that only a state knows; its length, 0: too long. */
size_t	 key_seen_rdata(const struct keystate_key *, uint8_t *dst, size_t cap);
/* Large: on the heap, please. */
void	 key_seen_make(const struct seen *, const struct key_seen_with *, struct key_seen *ret);

#endif
