/* The limits of rtr, each with its reason. */
#ifndef RTR_LIMITS_H
#define RTR_LIMITS_H

/* A router asks at once; whatever else connects is shown the door (seconds). */
#define FIRST_QUERY_SEC		30
/* 8210bis section 8.2: at most one Serial Notify a minute. */
#define NOTIFY_SEC		60
/* Section 9: a stall of three retry intervals ends the connection. */
#define STALL_RETRIES		3
/* Refusals for too high a version before we stop talking. */
#define REFUSED_MAX		3

/* What a client takes of a cache: as inr's limits, so that any snapshot fits. */
#define CLIENT_VRPS_MAX		(8u * 1024 * 1024)
#define CLIENT_ASPAS_MAX	(512u * 1024)
#define CLIENT_KEYS_MAX		(512u * 1024)
#define CLIENT_PROVIDERS_MAX	(8u * 1024 * 1024)

#endif
