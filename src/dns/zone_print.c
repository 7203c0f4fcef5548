/* A zone as text: SOA first, then every name in order, then the NSEC3 chain. */
#include "dns/zone_internal.h"

static bool
type_is_signers(uint16_t type)
{
	return type == RR_RRSIG || type == RR_NSEC || type == RR_NSEC3 || type == RR_NSEC3PARAM;
}

static void
data_print(struct buf *b, struct sv owner, uint16_t type, uint32_t ttl, struct sv rest)
{
	char name[RRTYPE_STRLEN];
	struct sv rdata, mnemonic = sv_str(rrtype_str(type, name));

	while (zdata_next(&rest, &rdata)) {
		buf_sv(b, owner);
		buf_char(b, '\t');
		buf_u64(b, ttl);
		buf_str(b, "\tIN\t");
		buf_sv(b, mnemonic);
		buf_char(b, '\t');
		rdata_print(b, type, rdata);
		buf_char(b, '\n');
	}
}

static void
set_print(struct buf *b, struct sv owner, const struct zrrset *s, unsigned flags)
{
	if ((flags & ZONE_PRINT_UNSIGNED) == 0 || !type_is_signers(s->type))
		data_print(b, owner, s->type, s->ttl, s->rrs);
	if ((flags & ZONE_PRINT_UNSIGNED) == 0)
		data_print(b, owner, RR_RRSIG, s->sig_ttl, s->sigs);
}

static void
node_print(struct buf *b, struct buf *owner, const struct zone *z, enum zone_part part,
    const struct znode *n, unsigned flags)
{
	struct dname name;
	struct zrrset s;
	size_t pos = 0;

	owner->len = 0;
	znode_name(z, part, n, &name);
	dname_print(owner, name.w);
	if (owner->rc < 0 && b->rc == 0)
		b->rc = owner->rc;
	/* The apex begins with its SOA, as RFC 5936 does, and loaders like it. */
	if (n->key_len == 0 && znode_find(n, RR_SOA, &s))
		set_print(b, buf_get(owner), &s, flags);
	while (znode_next(n, &pos, &s))
		if (n->key_len > 0 || s.type != RR_SOA)
			set_print(b, buf_get(owner), &s, flags);
}

void
znode_print(struct buf *b, const struct zone *z, enum zone_part part, const struct znode *n)
{
	_cleanup_(buf_done) struct buf owner = BUF_INIT;

	node_print(b, &owner, z, part, n, 0);
}

void
zone_print(struct buf *b, const struct zone *z, unsigned flags)
{
	_cleanup_(buf_done) struct buf owner = BUF_INIT;

	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		struct zone_it it = zone_begin(z, part);
		const struct znode *n;

		if (part == ZONE_NSEC3 && (flags & ZONE_PRINT_UNSIGNED) != 0)
			break;
		while ((n = zone_next(&it)) != NULL && b->rc == 0)
			node_print(b, &owner, z, part, n, flags);
	}
}
