/*
 * Look-ups: a route's prefix has at most 33 (129) covering lengths; for each,
 * a binary search in the PDUs as they lie. A few microseconds, no index.
 */
#include <string.h>

#include "inr/internal.h"

/* The first place in the (descending) file whose address is not above addr. */
static size_t
addr_find(const struct family *f, const uint8_t addr[static 16])
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(family_pdu(f, mid) + PDU_ADDR, addr, f->addr_len) > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Make the VRPs whose address is c->px cut to c->len the candidates. */
static void
cover_seek(struct cover *c, bool first)
{
	struct family f = family_get(c->s, c->px.af);
	uint8_t addr[16];

	memcpy(addr, c->px.addr, sizeof(addr));
	ip_mask(addr, c->len);
	if (first || memcmp(addr, c->addr, sizeof(addr)) != 0) {
		memcpy(c->addr, addr, sizeof(addr));
		c->start = c->end = addr_find(&f, addr);
		while (c->end < f.n &&
		    memcmp(family_pdu(&f, c->end) + PDU_ADDR, addr, f.addr_len) == 0)
			c->end++;
	}
	c->i = c->start;
}

void
cover_init(struct cover *c, const struct snapshot *s, const struct ip_prefix *px)
{
	*c = (struct cover){ .s = s, .px = *px };
	cover_seek(c, true);
}

bool
cover_next(struct cover *c, struct vrp *ret)
{
	struct family f = family_get(c->s, c->px.af);

	for (;;) {
		while (c->i < c->end) {
			size_t i = c->i++;

			if (family_pdu(&f, i)[PDU_LEN] != c->len)
				continue;
			snapshot_vrp(c->s, f.first + f.n - 1 - i, ret);
			return true;
		}
		if (c->len >= c->px.len)
			return false;
		c->len++;
		cover_seek(c, false);
	}
}

bool
vrp_matches(const struct vrp *v, const struct ip_prefix *px, uint32_t asn)
{
	return v->asn != 0 && v->asn == asn && px->len <= v->max_len;
}

enum rov
snapshot_rov(const struct snapshot *s, const struct ip_prefix *px, uint32_t asn)
{
	enum rov rov = ROV_NOT_FOUND;
	struct cover c;
	struct vrp v;

	cover_init(&c, s, px);
	while (cover_next(&c, &v)) {
		if (vrp_matches(&v, px, asn))
			return ROV_VALID;
		rov = ROV_INVALID;
	}
	return rov;
}

const char *
rov_name(enum rov r)
{
	static const char *const names[ROV_MAX] = {
		[ROV_NOT_FOUND] = "not-found",
		[ROV_VALID] = "valid",
		[ROV_INVALID] = "invalid",
	};

	return r < ROV_MAX ? names[r] : "?";
}
