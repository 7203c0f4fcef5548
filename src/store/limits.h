/* The limits of store, each with its reason. */
#ifndef STORE_LIMITS_H
#define STORE_LIMITS_H

/* inr allows 8 million VRPs (36 bytes each) and a report of 64 MiB. */
#define STORE_SNAPSHOT_MAX	((size_t)1024 * 1024 * 1024)
/* A crash leaves one file more than are kept; nobody else writes here. */
#define STORE_NAMES_MAX		4096
/* The default is 16; a day of ten-minute runs is 144. */
#define STORE_KEEP_MAX		200
/* Damaged files kept for a person to look at. */
#define STORE_DAMAGED_MAX	4

#endif
