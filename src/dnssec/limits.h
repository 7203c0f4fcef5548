/* Every limit on DNSSEC input, with its reason. "Today" is November 2026. */
#ifndef DNSSEC_LIMITS_H
#define DNSSEC_LIMITS_H

/* Keys of a zone: a roll has four, several signers some more; a response with more does not travel. */
#define SIGN_KEYS_MAX		32
/* Signatures over one RRset that are looked at: validators stop at 8 (CVE-2023-50387). */
#define SIGN_SIGS_MAX		64
/* Working memory for one block: the largest node there may be, its records once more for signing. */
#define SIGN_BLOCK_MEM_MAX	(256u * 1024 * 1024)
/* Names of a chunk of the NSEC3 chain or of a change: as many as a block of a zone has. */
#define SIGN_CHUNK		128
/* RFC 4034 section 3.1.5: times are compared in 32-bit serial arithmetic. */
#define SIGN_VALIDITY_MAX_SEC	(INT32_MAX - 86400)
/* RFC 5155 section 10.3 of old; RFC 9276 wants 0, and validators give up at 50 to 150. */
#define SIGN_ITERATIONS_MAX	50

/* The audit. */
#define AUDIT_KEYS_MAX		32	/* a roll has four, several signers some more; also bits of a mask */
#define AUDIT_ALGS_MAX		16	/* the registry has that many that ever signed zones */
#define AUDIT_TAG_TRIES		4	/* keys of one tag that are tried: PowerDNS takes 2, chance makes no 3 */
#define AUDIT_SIGS_TOLD		8	/* signatures of an RRset; Unbound and hickory look at no more */
#define AUDIT_BATCH		512	/* signatures verified at a time: a slice of crypto/verify.h */
#define AUDIT_BATCH_BYTES	(1024 * 1024)	/* … or fewer, of large RRsets */
#define AUDIT_GROUPS_MAX	512	/* causes; beyond, groups of one code are one */
#define AUDIT_EXAMPLES		4	/* names that a group keeps */
#define AUDIT_TYPES_MAX		32	/* types that a unit counts apart */
/*
 * Names without data in a row that are walked over, for each block of names:
 * they are rejected themselves, so what is behind them need not be known.
 */
#define AUDIT_JUNK_MAX		256
/* What BIND takes of records in an RRset, and of types at a name (audit_node.c). */
#define AUDIT_RRS_TOLD		100
#define AUDIT_TYPES_TOLD	100
/* Types of one name that its bit map misses or has too many: what follows is the same fault. */
#define AUDIT_BITMAP_TOLD	64
/* Original TTLs of one RRset's signatures that are tried; each costs a copy of the records. */
#define AUDIT_TTLS_TRIED	2
/* RFC 5155 section 10.3: 2500 with keys of 4096 bits; each costs a hash for each name. */
#define AUDIT_ITERATIONS_MAX	2500
#define AUDIT_ITERATIONS_TOLD	0	/* RFC 9276 section 3.1 */
#define AUDIT_HASHES		64	/* names hashed at a time: a block of a zone has about as many */
#define AUDIT_CHAINS_MAX	4	/* NSEC3 chains in force: a change has two; each costs a hash for each name */
#define AUDIT_STRAYS_LINKED	8	/* records of other parameters in a row that a chain leads through */

#endif
