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

/* --- the object store --- */

/* LMDB is at work with less; below, not even its tables fit. */
#define OBJECTS_BYTES_MIN	((uint64_t)1 << 20)
/*
 * As fetch.store-size and the sandboxes (sys/sandbox.c). Today's RPKI, 530,000
 * objects, takes 1.3 GB; the file has 1.7 GB after the first filling.
 */
#define OBJECTS_BYTES_MAX	((uint64_t)64 << 30)
/* As RPKI_OBJECT_SIZE_MAX: what is larger is no object; today below 3 MB. */
#define OBJECTS_OBJECT_MAX	((size_t)8 << 20)
/*
 * Of a pack, as a page count: LMDB needs so many in a row, and a batch of the
 * fetcher (2 MB) makes 16 of them. Half as much makes twice the rows and
 * writes; twice as much makes runs of free pages rarer and repacking coarser.
 */
#define OBJECTS_PACK_PAGES	32
/* In a small store a pack is smaller, so that what is kept waiting stays a part of it. */
#define OBJECTS_PACK_SHARE	512
/* Small packs that wait to be put together. */
#define OBJECTS_THIN_MAX	16
/* What one slice moves at most, in packs of the usual size. */
#define OBJECTS_REPACK_MAX	8
/* One write transaction; the fetcher gathers so much before it sends. */
#define OBJECTS_BATCH_MAX	((size_t)64 << 20)
/* Names of one source; all of the RPKI has 500,000 today. */
#define OBJECTS_STAGE_NAMES_MAX	(2 * 1000 * 1000)
/* Memory of one stage: two million names of usual length (90 bytes). */
#define OBJECTS_STAGE_POOL_MAX	((size_t)320 << 20)
/* Memory of all stages: beyond it the largest dies, so that it costs itself. */
#define OBJECTS_STAGED_MAX	((size_t)1 << 30)
/* One stage may not fill the store: new bytes, as a share of max_bytes. */
#define OBJECTS_STAGE_SHARE	4
/* 60 publication servers today; a CA can name others, up to here. */
#define OBJECTS_SOURCES_MAX	4096
/*
 * What a lie about a manifest replaced is here still when its teller is gone:
 * a life of the validator ends after 25 hours (role/parent_child.c).
 */
#define OBJECTS_PAST_AGE	(30 * 3600)
#define OBJECTS_HOLD_AGAIN	(6 * 3600)	/* what is held says so on the disk */
/* RPKI_POINTS_MAX for two of the largest trust anchors; today 50,000. */
#define OBJECTS_POINTS_MAX	(1000 * 1000)
/* … and one for so many bytes of max_bytes: a row has 400 at most, without what is kept. */
#define OBJECTS_POINT_SHARE	2048
/* Of one point, as RPKI_KEPT_MAX: 20,000 children of 450 bytes take 9 MB. */
#define OBJECTS_KEPT_MAX	((size_t)16 << 20)
/* One part in so many of max_bytes; today's 48,000 points take 114 MB of 1.3 GB. */
#define OBJECTS_KEPT_SHARE	8
/* Bytes of points in one transaction: LMDB holds its pages in memory. */
#define OBJECTS_KEPT_SLICE	((size_t)8 << 20)
/* 64 MB; the validator holds at most each object once, 500,000 today. */
#define OBJECTS_HOLD_MAX	(2 * 1000 * 1000)
/* Facts of a generation: two signatures an object; today 1,070,000. */
#define OBJECTS_FACTS_MAX	(2 * 1000 * 1000)
/* Each run uses the facts that are alive; a day of runs has touched them all. */
#define OBJECTS_FACTS_AGE	(24 * 3600)
/* Validators that read at one time, and those whose death was not noticed. */
#define OBJECTS_PINS_MAX	32
/* Rows between two times at which pages are let go: 64 MB at most, see rows_touched(). */
#define OBJECTS_TOUCHED_MAX	1024
/*
 * Bits of the filter of a store that is being filled, as a power of two: of
 * 500,000 objects one in 5000 is looked for in vain, of two million one in 40.
 */
#define OBJECTS_FILTER_BITS	24
/* Crashes in LMDB without a clean end between them. */
#define OBJECTS_CRASHES_MAX	2

/* --- history.h --- */

/* 150 bytes each with their indexes, 600 MB: years of ordinary change. */
#define HISTORY_ROWS_MAX	(4u * 1000 * 1000)
/* The last fence: 2 GiB of 4096 bytes; then SQLite says that it is full. */
#define HISTORY_PAGES_MAX	524288
/* Findings that appear at once; more come with the next run. */
#define HISTORY_FINDINGS_NEW_MAX	20000
/* Lines of a run; validate sends fewer. */
#define HISTORY_FINDINGS_MAX	(256u * 1024)
#define HISTORY_FINDING_ROWS_MAX	(1000u * 1000)
/* A line that is longer is kept without its arguments. */
#define HISTORY_LINE_MAX	4096
/*
 * Of SQLite's pages in memory. A segment of 20,000 rows touches as many pages of the index of
 * domains, and with SQLite's own 2 MB each is written several times before it is committed.
 */
#define REPORTS_CACHE_KB	32768u
/* What is thrown away in one slice. */
#define HISTORY_PRUNE_ROWS	5000
/* What the log beside the file (-wal) is cut back to. */
#define HISTORY_WAL_BYTES	"16777216"

/* --- reports.h --- */

/* The last fence: 16 GiB of 4096 bytes; some 40 million rows. */
#define REPORTS_PAGES_MAX	4194304u
/* What is thrown away in one slice. */
#define REPORTS_PRUNE_ROWS	5000
/* Memory of names of one segment: 64 MB of rows have 20 MB of them, were they all different. */
#define REPORTS_DELTA_POOL_MAX	((size_t)64 << 20)
/* Policies of a domain in one day; people change theirs once. What is beyond waits. */
#define REPORTS_POLICIES_MAX	16

/* Alarms that wait to be mailed: a day and a half of as many as are told. */
#define HISTORY_MAILS_MAX	1000

#endif
