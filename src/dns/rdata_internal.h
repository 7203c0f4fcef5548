/* What type.c, rdata.c, rdata_print.c, rdata_text*.c and zonefile*.c share. */
#ifndef DNS_RDATA_INTERNAL_H
#define DNS_RDATA_INTERNAL_H

#include "dns/dns.h"

#define RRTYPE_META	(1 << 0)	/* no zone holds it */

/* A row of types.def. */
struct rrtype_row {
	const char	*name;
	uint8_t		 name_len;
	uint8_t		 flags;
	uint16_t	 number;
	const char	*fields;
};

/* NULL: a type that we do not know. */
const struct rrtype_row *rrtype_row(uint16_t);

/*
 * Pass over one field of well-formed data, named by its letter; r is bad if it
 * is not well-formed. The names in data are fields N, n and O.
 */
void	 rdata_field_skip(char field, struct rd *r);
/* May these well-formed data be said in the type's own text, without loss? */
bool	 rdata_has_text(uint16_t type, struct sv rdata);

/* --- parameters of SVCB (RFC 9460 section 14.3.2) --- */

enum svcb_key {
	SVCB_MANDATORY,
	SVCB_ALPN,
	SVCB_NO_DEFAULT_ALPN,
	SVCB_PORT,
	SVCB_IPV4HINT,
	SVCB_ECH,
	SVCB_IPV6HINT,
	SVCB_DOHPATH,		/* RFC 9461 */
	SVCB_OHTTP,		/* RFC 9540 */
	SVCB_KEY_MAX
};

/* A mnemonic and its number, in tables that end with NULL. */
struct mnemonic {
	const char	*name;
	uint16_t	 value;
};
extern const struct mnemonic dnssec_alg_names[], cert_type_names[], dsync_scheme_names[],
    svcb_key_names[], wks_protocol_names[], wks_service_names[];

/* The name of a value, NULL if it has none; the first of a value is the one to write. */
const char *mnemonic_name(const struct mnemonic *, unsigned value);
/* Letter case free. -EINVAL. */
int	 mnemonic_value(const struct mnemonic *, struct sv, uint16_t *ret) MUST_USE;

/* --- LOC (RFC 1876 section 2) --- */

#define LOC_LEN		16
#define LOC_EQUATOR	0x80000000u	/* 0 degrees, in thousandths of a second of arc */
#define LOC_SEC_ANGLE	1000u
#define LOC_MIN_ANGLE	(60 * LOC_SEC_ANGLE)
#define LOC_DEG_ANGLE	(60 * LOC_MIN_ANGLE)
#define LOC_ALT_ZERO	10000000u	/* centimetres below the reference are 0 */

#endif
