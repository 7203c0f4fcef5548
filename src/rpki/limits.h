/*
 * Every limit on RPKI input, with its reason. "Today" is November 2026;
 * the largest values seen are in ../shared/FACTS.md and in the real data.
 */
#ifndef RPKI_LIMITS_H
#define RPKI_LIMITS_H

#define RPKI_OBJECT_SIZE_MAX	(8 * 1024 * 1024)  /* bytes; the largest CRL today has 2 MB */
#define RPKI_TAL_SIZE_MAX	(16 * 1024)	/* a key and a few URIs */
#define RPKI_TAL_URIS_MAX	8		/* two are usual */
#define RPKI_URI_MAX		2048		/* bytes; today below 200 */
#define RPKI_DEPTH_MAX		32		/* certificates in a chain; today below 10 */
#define RPKI_POINTS_MAX		500000		/* a trust anchor; today about 20,000 */
#define RPKI_POINT_VISITS_MAX	8		/* certificates for one key and place; two while a CA moves */
#define RPKI_MFT_FILES_MAX	200000		/* a manifest; today below 60,000 */
#define RPKI_MFT_FAILED_MAX	64		/* absent or changed files reported of a manifest */
#define RPKI_CRL_ENTRIES_MAX	500000		/* today below 60,000 */
#define RPKI_RES_MAX		200000		/* ranges in one certificate; RIRs have some 20,000 */
#define RPKI_ROA_PREFIXES_MAX	20000		/* a ROA; today below 5,000 */
#define RPKI_ASPA_PROVIDERS_MAX	10000		/* an ASPA PDU must stay below 65,536 bytes */
#define RPKI_ROUTER_ASNS_MAX	256		/* of one router; each AS is a PDU. All that were ever seen have one */
#define RPKI_GBR_SIZE_MAX	(16 * 1024)	/* bytes; a name and how to reach it take 300 */
#define RPKI_TAK_COMMENTS_MAX	32		/* of one key, as lines of a TAL */
#define RPKI_TAK_COMMENT_MAX	1024		/* bytes of one */
#define RPKI_FILE_NAME_MAX	255		/* bytes; file systems end there */
#define RPKI_SERIAL_MAX		20		/* octets, RFC 5280 section 4.1.2.2 */
#define RPKI_EXTENSIONS_MAX	24		/* the profile knows 11 */

#define SLURM_SIZE_MAX		(16 * 1024 * 1024) /* bytes of a file; 65536 entries take 10 MB */
#define SLURM_ENTRIES_MAX	65536		/* of all files; they are written by people */
#define SLURM_FILES_MAX		16		/* one for each source that an operator trusts */
#define SLURM_COMMENT_MAX	4096		/* bytes */
#define SLURM_POOL_MAX		((size_t)64 << 20) /* entries, comments, lists of providers */

/* RRDP. */
#define RRDP_SESSION_LEN	36		/* a UUID as text */
#define RRDP_VALIDATOR_MAX	512		/* an ETag or date; CDNs send below 100 */
/* Deltas of a notification: RIPE keeps some hundred; this is two weeks of one a minute. */
#define RRDP_DELTAS_LISTED_MAX	20000
#define RRDP_NOTIFICATION_MAX	(8 * 1024 * 1024)	/* bytes: that many deltas of 400 bytes */
/* Hashes kept of a server: 40 bytes each, within one frame to the store. */
#define RRDP_KNOWN_MAX		600
#define RRDP_STATE_MAX		32000		/* bytes: OBJECTS_STATE_MAX of the store */
/* One request each: beyond that the snapshot is cheaper for both sides. */
#define RRDP_DELTAS_PLAN_MAX	300
/* Caches (nodes of a CDN) are so far apart at times; rpki-client lets as many pass. */
#define RRDP_SERIAL_BACK_MAX	2
/* Elements of one file; the largest repository has some 100,000 objects. */
#define RRDP_CHANGES_MAX	2000000

/* A judged point as bytes: 20,000 children of 450 bytes are 9 MB; OBJECTS_KEPT_MAX of the store. */
#define RPKI_KEPT_MAX		((size_t)16 << 20)
/* What was parsed once is believed so long, less a share by the CA's key. */
#define RPKI_AGAIN_SEC		86400
#define RPKI_AGAIN_SPREAD_SEC	21600
#define RPKI_KEPT_NAME_MAX	4096		/* bytes of a Name in it; today below 150 */
#define RPKI_KEPT_ARG_MAX	4096		/* bytes of one argument of a finding in it; today below 200 */
#define RPKI_KEPT_KEY_MAX	32		/* of its name, which is ours */
/* What RFC 5280 can write, from 1970: other moments are nobody's. */
#define RPKI_KEPT_TIME_MIN	INT64_C(0)
#define RPKI_KEPT_TIME_MAX	INT64_C(253402300799)

/* Memory of one publication point while it is judged. */
#define RPKI_POINT_POOL_MAX	((size_t)1 << 29)	/* 60,000 files take half of it */

#endif
