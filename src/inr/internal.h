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
 *	 12  length of this head	 60  counts: IPv4, IPv6, ASPAs, TAs
 *	 16  length of the file		 76  zero
 *	 24  built			 80  lengths of the 8 sections
 *	 32  earliest expiry		144  SHA-256 of the body
 *	 40  zero			176  SHA-256 of bytes 0 to 175
 *	 48  serial			208  zero
 */
#define HEAD_LEN		256
#define HEAD_STAMP		48
#define HEAD_BODY_SUM		144
#define HEAD_SUM		176

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

/* vrp_cmp() on two PDUs of one family. */
int		 pdu_cmp(const struct family *, const uint8_t *, const uint8_t *);
static inline const uint8_t *
family_pdu(const struct family *f, size_t i)
{
	return f->pdus + i * f->pdu_len;
}

/* addr, lengths and asn of a PDU; af must be set, ta and expires are not. */
void		 pdu_vrp(const struct family *, const uint8_t *pdu, struct vrp *ret);

int		 u32_cmp(const void *, const void *);

#endif
