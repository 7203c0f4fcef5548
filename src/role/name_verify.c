/* Which keys made these signatures; see role/name_role.h. */
#include <errno.h>

#include "base/err.h"
#include "crypto/dnskey.h"
#include "dnssec/dnssec.h"
#include "role/name_role.h"

/* An RRSIG (RFC 4034 section 3.1). */
struct sig {
	uint8_t		 alg, labels;
	uint16_t	 tag;
	uint32_t	 ttl, expires, begins;
	struct dname	 signer;
	struct sv	 head, octets;
};

static bool
sig_parse(struct sv rdata, struct sig *ret)
{
	struct rd r = rd_sv(rdata);
	size_t n;

	(void)rd_be16(&r);
	ret->alg = rd_u8(&r);
	ret->labels = rd_u8(&r);
	ret->ttl = rd_be32(&r);
	ret->expires = rd_be32(&r);
	ret->begins = rd_be32(&r);
	ret->tag = rd_be16(&r);
	dname_rd(&r, &ret->signer);
	n = rd_left(&r);
	if (r.bad || n == 0)
		return false;
	ret->head = sv_take(rdata, rdata.n - n);
	ret->octets = sv_skip(rdata, rdata.n - n);
	return true;
}

/* What was signed, behind the RRSIG's head (RFC 4034 section 3.1.8.1). */
static bool
records_write(struct wr *w, const struct dname *zone, uint16_t type, uint32_t ttl, struct sv rrs)
{
	struct sv one;

	while (zdata_next(&rrs, &one)) {
		wr_bytes(w, zone->w, zone->len);
		wr_be16(w, type);
		wr_be16(w, DNS_CLASS_IN);
		wr_be32(w, ttl);
		wr_be16(w, (uint16_t)one.n);
		wr_bytes(w, one.p, one.n);
	}
	return wr_done(w);
}

/* Did this key make it? A key that cannot be computed with made nothing. */
static int
key_made(const struct dnskey *k, const struct sig *s, struct sv records, bool *ret)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	const struct sv data[CRYPTO_PIECES] = { s->head, records };
	int rc = crypto_pub_new(k->alg, k->public_key, &pub);

	*ret = false;
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return 0;
	if ((rc = crypto_verify_one(pub, data, s->octets)) < 0)
		return rc;
	*ret = rc == 1;
	return 0;
}

/*
 * Every key with this tag is tried, as tags are not unique (RFC 4034 appendix
 * B), but no more than a few: keys that share one on purpose have cost
 * validators hours (CVE-2023-50387).
 */
static int
maker_find(const struct sig *s, struct sv dnskeys, struct sv records, unsigned *budget, uint16_t *ret)
{
	unsigned twins = 0;
	struct dnskey k;
	struct sv one;
	bool made;
	int rc;

	*ret = SEEN_NONE;
	for (uint16_t i = 0; zdata_next(&dnskeys, &one); i++) {
		if (dnskey_parse(one, &k) < 0 || k.alg != s->alg || k.protocol != 3 ||
		    (k.flags & DNSKEY_ZONE) == 0 || dnskey_tag(one) != s->tag)
			continue;
		if (*budget == 0 || twins++ == NAME_TWINS_MAX)
			return 0;
		--*budget;
		if ((rc = key_made(&k, s, records, &made)) < 0)
			return rc;
		if (made) {
			*ret = i;
			return 0;
		}
	}
	return 0;
}

int
signers_find(const struct dname *zone, uint16_t type, const struct answer_set *set, struct sv dnskeys,
    unsigned *budget, uint8_t *room, size_t room_len, struct wr *w)
{
	struct sv rest = set->sigs, one;
	int rc;

	while (zdata_next(&rest, &one)) {
		struct wr records = wr_mem(room, room_len);
		struct seen_sig row = { .key = SEEN_NONE };
		struct sig s;

		if (!sig_parse(one, &s))
			return -EBADMSG;
		row.alg = s.alg;
		row.tag = s.tag;
		row.ttl = s.ttl;
		row.expires = s.expires;
		row.begins = s.begins;
		/* RFC 4035 section 5.3.1: of the zone, and not from a wildcard. */
		if (dname_eq(&s.signer, zone) && s.labels == dname_labels(zone->w)) {
			if (!records_write(&records, zone, type, s.ttl, set->rrs))
				return SE_LIMIT;
			rc = maker_find(&s, dnskeys, (struct sv){ (const char *)room, records.len },
			    budget, &row.key);
			if (rc < 0)
				return rc;
		}
		seen_sig_write(w, &row);
	}
	return wr_done(w) ? 0 : SE_LIMIT;
}
