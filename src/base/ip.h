/*
 * IP prefixes and AS numbers as values and as text. Addresses are kept in
 * network order in 16 bytes; an IPv4 address uses the first four, the rest
 * is zero, so that memcmp() orders both families alike.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"

enum ip_af {
	IP_V4 = 4,
	IP_V6 = 6,
};

struct ip_prefix {
	uint8_t	addr[16];	/* bits past len are zero */
	uint8_t	len;
	uint8_t	af;		/* enum ip_af; 0: no value */
};

#define IP_ADDR_STRLEN		46
#define IP_PREFIX_STRLEN	50
#define ASN_STRLEN		13	/* "AS4294967295" */

static inline uint8_t
ip_bits(uint8_t af)
{
	return af == IP_V4 ? 32 : 128;
}

/* "192.0.2.0/24", "2001:db8::/32"; host bits must be zero. -EINVAL. */
int	 ip_prefix_parse(struct sv, struct ip_prefix *ret) MUST_USE;
/* The same, but an address without "/" is a host prefix. */
int	 ip_prefix_parse_host(struct sv, struct ip_prefix *ret) MUST_USE;
/* Both write a NUL-terminated text into buf and return it. */
const char *ip_prefix_str(const struct ip_prefix *, char buf[static IP_PREFIX_STRLEN]);
const char *ip_addr_str(const uint8_t addr[static 16], uint8_t af,
	    char buf[static IP_ADDR_STRLEN]);
/* a covers b: same family, a->len <= b->len, same first bits. */
bool	 ip_prefix_covers(const struct ip_prefix *a, const struct ip_prefix *b);
int	 ip_prefix_cmp(const struct ip_prefix *, const struct ip_prefix *);
/* Clear the bits from len on. */
void	 ip_mask(uint8_t addr[static 16], unsigned len);
bool	 ip_is_masked(const uint8_t addr[static 16], unsigned len);

/* "AS64496" or "64496", letter case free. -EINVAL. */
int	 asn_parse(struct sv, uint32_t *ret) MUST_USE;
const char *asn_str(uint32_t, char buf[static ASN_STRLEN]);

#endif
