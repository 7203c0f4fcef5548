#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/rd.h"

void
ip_mask(uint8_t addr[static 16], unsigned len)
{
	unsigned i = len / 8;

	if (len >= 128)
		return;
	if (len % 8 != 0) {
		addr[i] = (uint8_t)(addr[i] & (0xff00u >> (len % 8)));
		i++;
	}
	memset(addr + i, 0, 16 - i);
}

bool
ip_is_masked(const uint8_t addr[static 16], unsigned len)
{
	uint64_t high = be64_at(addr), low = be64_at(addr + 8);

	if (len >= 128)
		return true;
	if (len >= 64)
		return low << (len - 64) == 0;
	return high << len == 0 && low == 0;
}

/* inet_pton() wants a C string; nothing longer is an address. */
static int
addr_parse(struct sv s, struct ip_prefix *ret)
{
	char buf[IP_ADDR_STRLEN];

	if (s.n == 0 || s.n >= sizeof(buf) || memchr(s.p, '\0', s.n) != NULL)
		return -EINVAL;
	memcpy(buf, s.p, s.n);
	buf[s.n] = '\0';
	memset(ret, 0, sizeof(*ret));
	ret->af = memchr(buf, ':', s.n) != NULL ? IP_V6 : IP_V4;
	if (inet_pton(ret->af == IP_V6 ? AF_INET6 : AF_INET, buf,
	    ret->addr) != 1)
		return -EINVAL;
	return 0;
}

int
ip_prefix_parse(struct sv s, struct ip_prefix *ret)
{
	struct ip_prefix p;
	struct sv addr = sv_cut(&s, '/');
	uint32_t len;
	int rc;

	if ((rc = addr_parse(addr, &p)) < 0)
		return rc;
	if (num_u32(s, 0, ip_bits(p.af), &len) < 0 ||
	    !ip_is_masked(p.addr, len))
		return -EINVAL;
	p.len = (uint8_t)len;
	*ret = p;
	return 0;
}

int
ip_prefix_parse_host(struct sv s, struct ip_prefix *ret)
{
	struct ip_prefix p;
	int rc;

	if (sv_find(s, '/') < s.n)
		return ip_prefix_parse(s, ret);
	if ((rc = addr_parse(s, &p)) < 0)
		return rc;
	p.len = ip_bits(p.af);
	*ret = p;
	return 0;
}

const char *
ip_addr_str(const uint8_t addr[static 16], uint8_t af,
    char buf[static IP_ADDR_STRLEN])
{
	if (inet_ntop(af == IP_V6 ? AF_INET6 : AF_INET, addr, buf,
	    IP_ADDR_STRLEN) == NULL)
		buf[0] = '\0';
	return buf;
}

const char *
ip_prefix_str(const struct ip_prefix *p, char buf[static IP_PREFIX_STRLEN])
{
	char a[IP_ADDR_STRLEN];

	(void)snprintf(buf, IP_PREFIX_STRLEN, "%s/%u",
	    ip_addr_str(p->addr, p->af, a), p->len);
	return buf;
}

bool
ip_prefix_covers(const struct ip_prefix *a, const struct ip_prefix *b)
{
	uint8_t m[16];

	if (a->af != b->af || a->len > b->len)
		return false;
	memcpy(m, b->addr, 16);
	ip_mask(m, a->len);
	return memcmp(m, a->addr, 16) == 0;
}

int
ip_prefix_cmp(const struct ip_prefix *a, const struct ip_prefix *b)
{
	int c;

	if (a->af != b->af)
		return a->af < b->af ? -1 : 1;
	if ((c = memcmp(a->addr, b->addr, 16)) != 0)
		return c;
	return (a->len > b->len) - (a->len < b->len);
}

int
asn_parse(struct sv s, uint32_t *ret)
{
	if (s.n > 2 && sv_caseeq(sv_take(s, 2), SV("AS")))
		s = sv_skip(s, 2);
	return num_u32(s, 0, UINT32_MAX, ret);
}

const char *
asn_str(uint32_t asn, char buf[static ASN_STRLEN])
{
	(void)snprintf(buf, ASN_STRLEN, "AS%u", asn);
	return buf;
}
