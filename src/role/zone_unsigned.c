/*
 * A zone that went insecure, and is published without keys and signatures: the
 * source itself, under a serial that goes on, and without whatever it has of
 * DNSSEC. (No cache has a DS of it any more when key says so.)
 */
#include <errno.h>

#include "base/err.h"
#include "dns/wire.h"
#include "dnssec/dnssec.h"
#include "role/key_role.h"
#include "role/zone_role.h"

#define SOA_MAX		(2 * DNS_NAME_MAX + 20)
#define SOA_NUMBERS	20	/* octets behind the two names; the serial is the first of five */

bool
zone_keys_unsigned(const struct zone_keys *ks)
{
	return ks->state == KEY_SET_UNSIGNED;
}

bool
zone_keys_serve(const struct zone_keys *ks)
{
	return ks->state == KEY_SET_READY || zone_keys_unsigned(ks);
}

bool
zone_is_unsigned(const struct zone *z)
{
	const struct znode *apex = zone_apex_node(z);
	struct zrrset set;

	return apex != NULL && !znode_find(apex, RR_DNSKEY, &set);
}

static bool
is_of_dnssec(uint16_t type)
{
	switch (type) {
	case RR_DNSKEY:
	case RR_NSEC:
	case RR_NSEC3:
	case RR_NSEC3PARAM:
	case RR_CDS:
	case RR_CDNSKEY:
		return true;
	default:
		return false;
	}
}

static int
records_del(struct zone_edit *e, const struct dname *owner, uint16_t type, uint32_t ttl, struct sv rest)
{
	struct dns_rr rr = { .owner = owner, .type = type, .class = DNS_CLASS_IN, .ttl = ttl };
	int rc = 0;

	while (rc == 0 && zdata_next(&rest, &rr.rdata))
		rc = zone_edit_del(e, &rr);
	return rc;
}

static int
part_strip(struct zone_edit *e, const struct zone *z, enum zone_part part)
{
	struct zone_it it = zone_begin(z, part);
	const struct znode *n;
	struct dname owner;
	struct zrrset s;
	int rc = 0;

	while (rc == 0 && (n = zone_next(&it)) != NULL) {
		znode_name(z, part, n, &owner);
		for (size_t pos = 0; rc == 0 && znode_next(n, &pos, &s);) {
			if (is_of_dnssec(s.type))
				rc = records_del(e, &owner, s.type, s.ttl, s.rrs);
			if (rc == 0)
				rc = records_del(e, &owner, RR_RRSIG, s.sig_ttl, s.sigs);
		}
	}
	return rc;
}

static int
serial_put(struct zone_edit *e, const struct zone *z, uint32_t serial)
{
	const struct znode *apex = zone_apex_node(z);
	struct dns_rr rr = { .owner = zone_apex(z), .type = RR_SOA, .class = DNS_CLASS_IN };
	uint8_t room[SOA_MAX];
	struct zrrset s;
	int rc;

	if (apex == NULL || !znode_find(apex, RR_SOA, &s) || !zdata_next(&s.rrs, &rr.rdata) ||
	    rr.rdata.n < SOA_NUMBERS || rr.rdata.n > sizeof(room))
		return -EINVAL;
	rr.ttl = s.ttl;
	if ((rc = zone_edit_del(e, &rr)) < 0)
		return rc;
	memcpy(room, rr.rdata.p, rr.rdata.n);
	put_be32(room + rr.rdata.n - SOA_NUMBERS, serial);
	rr.rdata.p = (const char *)room;
	return zone_edit_add(e, &rr);
}

static int
strip(struct zone *z, uint32_t serial, struct findings *fs, struct zone **ret)
{
	_cleanup_(zone_edit_freep) struct zone_edit *e = zone_edit_new(z, fs);
	int rc = e == NULL ? -ENOMEM : 0;

	for (unsigned part = 0; part < ZONE_PART_MAX && rc == 0; part++)
		rc = part_strip(e, z, (enum zone_part)part);
	if (rc == 0)
		rc = serial_put(e, z, serial);
	return rc < 0 ? rc : zone_edit_done(e, ret);
}

/* zone_diff() shows nodes that are not the same in memory: after a start, all of them. */
static int
differs(void *arg UNUSED, enum zone_part part UNUSED, const struct znode *old, const struct znode *new)
{
	struct zrrset a, b;
	size_t at = 0, bt = 0;

	if (old == NULL || new == NULL || znode_n_rrsets(old) != znode_n_rrsets(new))
		return -EEXIST;
	while (znode_next(old, &at, &a) && znode_next(new, &bt, &b))
		if (a.type != b.type || a.ttl != b.ttl || !sv_eq(a.rrs, b.rrs) || !sv_eq(a.sigs, b.sigs))
			return -EEXIST;
	return 0;
}

/* 1: with the serial of the last one, nothing is other than it was. */
static int
is_last(struct zone_work *w, struct zone *last, uint32_t serial)
{
	_cleanup_(zone_unrefp) struct zone *z = NULL;
	int rc = strip(w->next.plain, serial, &w->fs, &z);

	if (rc == 0)
		rc = zone_diff(last, z, differs, NULL);
	return rc == -EEXIST ? 0 : rc < 0 ? rc : 1;
}

int
zone_unsigned(struct zone_work *w, struct zone *last)
{
	uint32_t plain = 0, was = 0, serial;
	bool has_last = last != NULL && zone_serial(last, &was), moves;
	int rc = 0;

	(void)zone_serial(w->next.plain, &plain);
	if (has_last && zone_is_unsigned(last))
		rc = is_last(w, last, was);
	if (rc == 1) {
		w->next.signed_zone = zone_ref(last);
		return 0;
	}
	if (rc == 0) {
		serial = sign_serial_next(w->z->policy.serial, plain, has_last ? &was : NULL, w->at, &moves);
		rc = strip(w->next.plain, serial, &w->fs, &w->next.signed_zone);
	}
	w->stats.changed = rc == 0;
	return rc < 0 ? zone_fail(w, "the unsigned zone could not be made", rc) : 0;
}
