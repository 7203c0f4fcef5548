/*
 * What is published today, taken from a signed zone and from the DS records of
 * its parent, for those who have no history at hand: "this is what all servers
 * have had, since then". From it come a history for the proof
 * (dnssec/timeline.h) and a key state for the engine (dnssec/keystate.h).
 *
 * Who made which signature is told by tag and algorithm. Where keys share
 * both, the audit's verified counts decide, and if both sign, each of them may
 * have made each signature: the history then has data for both cases.
 */
#ifndef APP_ZONE_PAST_H
#define APP_ZONE_PAST_H

#include "base/pool.h"
#include "dns/zone.h"
#include "dnssec/audit.h"
#include "dnssec/keystate.h"
#include "dnssec/timeline.h"

#define ZONE_PAST_KEYS_MAX	KEYSTATE_KEYS_MAX
#define ZONE_PAST_DATA_MAX	KEYSTATE_SEEN_MAX	/* sets of signers that differ */
#define ZONE_PAST_NAME		32

struct zone_past_key {
	char		 name[ZONE_PAST_NAME];	/* "ksk12345", "zsk…", "csk…", "ds…"; -a, -b where equal */
	struct sv	 rdata;			/* DNSKEY; of a DS without its key, empty */
	uint16_t	 tag;
	uint8_t		 alg;
	unsigned	 bits;
	bool		 has_ds, sep;
	uint64_t	 n_sigs;		/* verified */
};

struct zone_past_data {
	uint32_t	 signers;		/* bits of keys; 0: unsigned */
	int64_t		 first_end;		/* of a signature */
};

struct zone_past {
	struct dname		 apex;
	struct zone_past_key	 keys[ZONE_PAST_KEYS_MAX];	/* of the zone, then of DS alone */
	unsigned		 n_keys, n_zone_keys;
	uint32_t		 dnskey_sigs;
	int64_t			 dnskey_end;
	uint32_t		 dnskey_ttl, zone_ttl;		/* the longest */
	struct zone_past_data	 data[ZONE_PAST_DATA_MAX];
	unsigned		 n_data;
	bool			 shared_tags;
	bool			 nsec3, opt_out;
};

/* SE_LIMIT: too many keys. The past refers to the zone and the DS data. */
int	 zone_past_read(const struct zone *, const struct audit_result *, const struct audit_anchor *ds,
	    size_t n_ds, struct zone_past *ret) MUST_USE;
bool	 zone_past_signs_data(const struct zone_past *, unsigned key);
/* Of a key of the zone, from what it does: KS_KSK … */
enum ks_role zone_past_role(const struct zone_past *, unsigned key);

struct zone_past_when {
	int64_t		 since, now;
	uint32_t	 ds_ttl, delay_sec;	/* delay: servers that follow late keep the old so long */
	uint32_t	 skew_sec;
	bool		 strict, signatures_end;	/* else they are renewed in time */
};

int	 zone_past_timeline(const struct zone_past *, const struct zone_past_when *, struct timeline **ret) MUST_USE;
/* What of the policy the zone itself tells: keys, algorithm, TTLs. */
void	 zone_past_policy(const struct zone_past *, uint32_t ds_ttl, struct dnssec_policy *);
/*
 * A state that saw all this at `since`, settled long before now if since is early
 * enough. The lives of keys in use are counted from `active`.
 */
int	 zone_past_keystate(const struct zone_past *, const struct dnssec_policy *, int64_t since,
	    int64_t active, struct findings *, struct keystate *ret) MUST_USE;

#endif
