/* The limits of inr, each with its reason. */
#ifndef INR_LIMITS_H
#define INR_LIMITS_H

/* 725,000 VRPs existed in 2025; RTR of ten times as many would still fit memory. */
#define VRPS_MAX	(8 * 1024 * 1024)
/* One per AS that takes part; 120,000 AS numbers are in use. */
#define ASPAS_MAX	(512 * 1024)
/* The sum of all provider lists: 16 per customer at the cap. */
#define PROVIDERS_SUM_MAX	(8 * 1024 * 1024)
/* BGPsec is hardly used; four keys for each AS number in use today. */
#define ROUTER_KEYS_MAX	(512 * 1024)
/* RPKI_POINTS_MAX for each of eight trust anchors; today there are 50,000. */
#define CAS_MAX		(4 * 1024 * 1024)
/* URIs and codes of the CAs: 100 bytes for each of a million. Later rows lose theirs. */
#define CA_TEXT_MAX	(100u * 1024 * 1024)
/* A URI kept for a CA; today below 200. A longer one is left out. */
#define CA_URI_MAX	2048
/* The producer caps its report far below; this is the fence. */
#define REPORT_MAX	(64u * 1024 * 1024)
/* An hour changes hundreds of VRPs; beyond this a full load is the lesser work. */
#define DELTA_CHANGES_MAX	(128 * 1024)
/* Memory of one delta: changes and both lists of each ASPA. */
#define DELTA_POOL_MAX	(64u * 1024 * 1024)

#endif
