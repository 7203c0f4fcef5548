/* Shared by the files behind dns/wire.h. */
#ifndef DNS_WIRE_INTERNAL_H
#define DNS_WIRE_INTERNAL_H

#include "base/err.h"
#include "dns/wire.h"

#define EDNS_DO		UINT32_C(0x8000)	/* RFC 3225, in the TTL's place */
#define EDNS_OUR_SIZE	1232			/* octets by UDP; dnsflagday.net/2020 */

/* RFC 8945 section 5.2.2.1: a shorter MAC is a format error. */
size_t	 tsig_mac_min(enum crypto_hmac_alg);

/* Numbers of our own files (journal, image): big-endian, into a buffer. */
static inline void
put_u16(struct buf *b, uint16_t v)
{
	uint8_t p[2];

	put_be16(p, v);
	buf_bytes(b, p, sizeof(p));
}

static inline void
put_u32(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	put_be32(p, v);
	buf_bytes(b, p, sizeof(p));
}

#endif
