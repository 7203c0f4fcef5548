/* The limits of timeline, each with its reason. */
#ifndef DNSSEC_TIMELINE_LIMITS_H
#define DNSSEC_TIMELINE_LIMITS_H

/* Of text: some 10,000 versions with their signatures; a zone's plan has dozens. */
#define TIMELINE_TEXT_MAX	(4u << 20)
#define TIMELINE_NAME_MAX	63	/* octets of a name; people write a dozen */
#define TIMELINE_KEYS_MAX	1024	/* a zone's keys of a hundred years of quarterly rolls */
#define TIMELINE_VERSIONS_MAX	16384	/* thousands of classes, a few versions each */
#define TIMELINE_PARTS_MAX	1024	/* keys, signatures or serve lines of one version; secure lines */
#define TIMELINE_EDITS_MAX	64	/* of a step; a provider change has ten */
/* The year 36812: RRSIG times have 32 bits, and sums stay far from INT64_MAX. */
#define TIMELINE_TIME_MAX	(INT64_C(1) << 40)
#define TIMELINE_TTL_MAX	INT32_MAX	/* RFC 2181 section 8 */
#define TIMELINE_SKEW_MAX	(366u * 86400)	/* a clock off by a year verifies nothing */
#define TIMELINE_SIZE_MAX	((size_t)256 << 20) /* bytes of one timeline */
/* Intervals handled in one check: seconds of work. The largest honest plan takes a hundredth. */
#define TIMELINE_WORK_MAX	UINT64_C(50000000)
/* Of one search: a minute of work. */
#define TIMELINE_SEARCH_WORK_MAX UINT64_C(1000000000)
#define TIMELINE_BADS_MAX	65536	/* states kept; nobody reads more than the first ten */
#define TIMELINE_REASONS_MAX	16	/* lines of why; one an algorithm */

#endif
