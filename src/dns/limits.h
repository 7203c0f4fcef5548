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
#define ZONE_NODE_SAID_MAX	(1024 * 1024) /* records said of one name in a row, doubles counted */

#define ZONE_EDIT_POOL_MAX	((size_t)1 << 30) /* bytes of one difference; a larger one is a new zone */

/* Messages, TSIG and transfers. */
#define DNS_MSG_MAX		65535	/* octets, RFC 1035 section 4.2.2 */
#define DNS_POINTERS_MAX	128	/* in one name: one behind each label, and the first */
#define DMSG_NAMES		2048	/* slots for compression: 8 KiB; names below 16 KiB of 8 octets each */
#define DMSG_PROBES		8	/* slots looked at for one label: a zone of collisions costs no more */
#define TSIG_SECRET_MAX		128	/* octets: HMAC's largest block, beyond it the secret is hashed */
#define TSIG_KEYS_MAX		10000	/* in one file; a hoster has one for each customer */
#define TSIG_UNSIGNED_MAX	99	/* messages between two signed ones, RFC 8945 section 5.3.1 */
#define TSIG_SEEN_MAX	65536	/* times of requests: 10,000 zones with 6 secondaries; 1 MiB */
#define TSIG_FUDGE		300	/* seconds, RFC 8945 section 10 */
#define XFR_MESSAGE_MAX		(32 * 1024) /* octets we send at a time: pointers reach 16 KiB */
#define XFR_RECORDS_MAX		500000000 /* .com has some 400 million, signatures included */
#define XFR_BYTES_MAX		(UINT64_C(128) << 30) /* of messages: the same at 256 octets each */
#define XFR_DIFF_MAX		(64 * 1024 * 1024) /* octets of a difference: beyond it the whole zone is cheaper */
#define XFR_DIFF_RRS_MAX	4000000	/* records of it: the smallest have some 20 octets */

#endif
