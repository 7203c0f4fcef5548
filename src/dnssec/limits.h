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

#endif
