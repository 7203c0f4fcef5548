/*
 * Reading any validator's list of validated payloads: the JSON that
 * rpki-client, Routinator, FORT, rpki-prover and OctoRPKI write for RTR
 * servers and that StayRTR reads.
 *
 *	{ "metadata": {…}, "roas": [ {"asn": 64496 or "AS64496",
 *	  "prefix": "192.0.2.0/24", "maxLength": 24, "ta": "ripe",
 *	  "expires": 1753530481}, … ],
 *	  "aspas": [ {"customer_asid" or "customer": …, "providers": [ … ],
 *	  "expires": …}, … ],
 *	  "bgpsec_keys": [ {"asn": …, "ski": hex, "pubkey": base64, … }, … ] or
 *	  "routerKeys": [ {"asn": …, "SKI": hex, "routerPublicKey": base64url, … }, … ] }
 *
 * Such a file has 75 MB, so it is read as a stream, by our own strict
 * reader: beside the payloads themselves it needs one buffer. Members that
 * we do not know are passed over, but must be JSON. A row that is no payload
 * is a finding and is left out; broken JSON means that nothing of the file
 * is used.
 */
#ifndef APP_VRPS_JSON_H
#define APP_VRPS_JSON_H

#include "app/json_pull.h"
#include "base/finding.h"
#include "inr/inr.h"

/* A file of twenty times today's size; what is larger is no such list. */
#define VRPS_JSON_MAX	(2ull * 1024 * 1024 * 1024)

enum {				/* lists that stood in the file, maybe empty */
	VRPS_ROAS = 1 << 0,
	VRPS_ASPAS = 1 << 1,
	VRPS_KEYS = 1 << 2,
	VRPS_SLURM = 1 << 3,		/* … as SLURM's assertions */
};

struct vrps_info {
	uint64_t	line;		/* where reading stopped */
	uint64_t	n_rows;		/* of all lists of payloads */
	uint64_t	n_bad;		/* left out */
	uint64_t	n_long_keys;	/* router keys too long to be served; left out */
	uint64_t	n_filters;	/* of SLURM; they do nothing here */
	unsigned	lists;		/* VRPS_ROAS … */
};

/*
 * SE_SYNTAX: no JSON (see ret_info->line); SE_FORMAT: JSON without "roas";
 * SE_LIMIT; -ENOMEM; or what read returned. The payloads are not merged yet;
 * payloads_done() in any case. fs gets RTR_VRPS_ROW (as many as it keeps)
 * and RTR_VRPS_SKIPPED.
 */
int	 vrps_json_read(json_read_fn, void *arg, struct findings *fs, struct payloads *ret,
	    struct vrps_info *ret_info) MUST_USE;
/*
 * The same for who compares: one of the lists is enough (FORT writes its
 * router keys to a file of their own, "router-keys"), and they may be the
 * assertions of a SLURM file (RFC 8416). SE_FORMAT: there is none.
 */
int	 vrps_json_read_any(json_read_fn, void *arg, struct findings *fs, struct payloads *ret,
	    struct vrps_info *ret_info) MUST_USE;

#endif
