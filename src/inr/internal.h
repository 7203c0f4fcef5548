/* Shared between the files of inr; nothing outside includes this. */
#ifndef INR_INTERNAL_H
#define INR_INTERNAL_H

#include "inr/inr.h"
#include "inr/limits.h"

/*
 * The head of a snapshot, all numbers big-endian:
 *
 *	  0  magic			 52  session ids, versions 0, 1, 2
 *	  8  format			 58  zero
 *	 12  length of this head	 60  counts: IPv4, IPv6, router keys,
 *	 16  length of the file		     ASPAs, TAs, CAs
 *	 24  built			 84  zero
 *	 32  earliest expiry		 88  lengths of the 13 sections
 *	 40  zero			192  SHA-256 of the body
 *	 48  serial			224  SHA-256 of bytes 0 to 223
 */
#define HEAD_LEN		256
#define HEAD_STAMP		48
#define HEAD_BODY_SUM		192
#define HEAD_SUM		224

/*
 * A row of the CA table: id 8, held since 8, parent 4, length of URI 2, of
 * code 1, state 1, TA 1, zero 3, offset of its text 4.
 */
#define CA_ROW_LEN		32

#define EXPIRY_NEVER		UINT32_MAX

/* The VRPs of one family as they lie in a snapshot: descending PDUs. */
struct family {
	const uint8_t	*pdus;
	size_t		 n, pdu_len, addr_len;
	size_t		 first;		/* index of pdus[0] in expiry and ta */
	uint8_t		 af;
};

struct family	 family_get(const struct snapshot *, uint8_t af);

/* Places in an IPv4 or IPv6 Prefix PDU. */
#define PDU_FLAGS	8
#define PDU_LEN		9
#define PDU_MAX_LEN	10
#define PDU_ADDR	12
/* … and in a Router Key PDU. */
#define PDU_SKI		8
#define PDU_KEY_ASN	28

/* vrp_cmp() on two PDUs of one family. */
int		 pdu_cmp(const struct family *, const uint8_t *, const uint8_t *);
static inline const uint8_t *
family_pdu(const struct family *f, size_t i)
{
	return f->pdus + i * f->pdu_len;
}

/*
 * How many PDUs right before the i-th of a and the j-th of b are the same, so
 * that who walks both need not look at each; max at most.
 */
size_t		 family_common(const struct family *a, size_t i, const struct family *b,
		    size_t j, size_t max);

/* addr, lengths and asn of a PDU; af must be set, ta and expires are not. */
void		 pdu_vrp(const struct family *, const uint8_t *pdu, struct vrp *ret);

int		 u32_cmp(const void *, const void *);

/* With a list of its own on the heap. */
int		 aspa_copy(const struct snapshot_aspa *, struct aspa *ret) MUST_USE;

/* ca.c */
int		 cas_merge(struct payloads *) MUST_USE;
/* All of the rows' text, and a heap block of that length to hold it. */
size_t		 cas_text_len(const struct payloads *);
void		 cas_text_own(struct payloads *, char *text);
/* The part of it that goes into a snapshot. */
size_t		 cas_text_size(const struct payloads *);
void		 cas_write(struct wr *, const struct payloads *);
bool		 cas_sound(const struct payloads *);
bool		 cas_check(const struct snapshot *);
/* Rows that no payload needs, itself or above it, go. */
int		 cas_unused_drop(struct payloads *) MUST_USE;
static inline uint32_t
ca_or_none(uint32_t ca, size_t n_cas)
{
	return ca < n_cas ? ca : PAYLOAD_CA_NONE;
}

#endif
