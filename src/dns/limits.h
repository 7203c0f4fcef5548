/* Every limit on DNS input, with its reason. "Today" is November 2026. */
#ifndef DNS_LIMITS_H
#define DNS_LIMITS_H

#define DNS_NAME_MAX		255	/* octets, RFC 1035 section 2.3.4 */
#define DNS_LABEL_MAX		63	/* octets, there */
#define DNS_LABELS_MAX		127	/* of one octet each fill a name */
#define DNS_KEY_MAX		510	/* a name whose every octet is escaped */
#define DNS_RDATA_MAX		65535	/* octets, RDLENGTH has 16 bits */

/* Zone text. */
/* One record's text: 65535 octets as \DDD, and blanks. */
#define ZONEFILE_ENTRY_MAX	(512 * 1024)
#define ZONEFILE_INCLUDE_MAX	8	/* files within files; people use one */
#define ZONEFILE_ERRORS_MAX	100	/* more tell nothing new */

/* A zone in memory. */
#define ZONE_RRSET_RRS_MAX	65535	/* records in one set; a message holds 64 KiB */
#define ZONE_NODE_SIZE_MAX	(64 * 1024 * 1024) /* bytes at one name; bounded by what one set may hold */

#define ZONE_EDIT_POOL_MAX	((size_t)1 << 30) /* bytes of one difference; a larger one is a new zone */

#endif
