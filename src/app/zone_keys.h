/* Which keys of a folder do what in a zone that is signed now. */
#ifndef APP_ZONE_KEYS_H
#define APP_ZONE_KEYS_H

#include "app/keyring.h"
#include "dnssec/dnssec.h"

/*
 * BIND's times decide where a key has them (published from Publish to Delete,
 * signing from Activate to Inactive); a key without times is in use. Of each
 * algorithm, keys with the SEP flag sign the keys and the others the zone;
 * where one of the two kinds is missing, the other does both (a single key, as
 * in RFC 6781 section 3.1). A key without its private part is only published.
 *
 * dst has room for keyring_n(); returns how many are of use now.
 */
size_t	 zone_keys_choose(const struct keyring *, int64_t now, struct sign_key *dst);

#endif
