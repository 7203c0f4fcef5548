/* What a tree of names says to a question (RFC 1034 section 4.3.2, RFC 4592). */
#include <errno.h>

#include "app/mail_dns_internal.h"

/* Is there something at or below this name? Then it exists (RFC 8020, RFC 4592 section 2.2.2). */
static bool
name_exists(struct zone *z, struct sv key)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, key);
	struct znode *n = zone_next(&it);
	struct sv k;

	if (n == NULL)
		return key.n == 0;
	k = znode_key(n);
	return dkey_within((const uint8_t *)k.p, k.n, (const uint8_t *)key.p, key.n);
}

/*
 * Who answers for the name: its node, or the wildcard below the longest part of it that
 * exists (RFC 4592 section 3.3.1). *ret_exists: the name or the wildcard is there.
 */
static struct znode *
node_find(struct zone *z, const struct dname *name, bool *ret_exists)
{
	struct dname wild;
	struct dkey k;
	size_t len;

	*ret_exists = false;
	if (dkey_of(name, zone_apex(z), &k) < 0)
		return NULL;
	if ((*ret_exists = name_exists(z, (struct sv){ (const char *)k.b, k.len })))
		return zone_find(z, ZONE_NAMES, (struct sv){ (const char *)k.b, k.len });
	for (len = k.len; len > 0 && !name_exists(z, (struct sv){ (const char *)k.b, len });)
		len = dkey_parent(k.b, len);
	dkey_name(k.b, len, zone_apex(z), &wild);
	if (dname_prepend(SV("*"), &wild, &wild) < 0 || dkey_of(&wild, zone_apex(z), &k) < 0)
		return NULL;
	*ret_exists = name_exists(z, (struct sv){ (const char *)k.b, k.len });
	return zone_find(z, ZONE_NAMES, (struct sv){ (const char *)k.b, k.len });
}

static int
set_take(struct pool *pool, struct zrrset *s, struct mail_answer *ret)
{
	struct answer_room a;
	struct sv rdata;
	int rc = answer_room_init(&a, pool, s->n_rrs);

	while (rc == 0 && zdata_next(&s->rrs, &rdata))
		rc = answer_room_add(&a, s->type, rdata);
	if (rc == 0)
		*ret = (struct mail_answer){ .rcode = MAIL_DNS_FOUND, .ttl_sec = s->ttl,
			.n = a.n, .rdata = a.rdata };
	return rc;
}

int
zone_answer(struct zone *z, struct pool *pool, const struct mail_question *q,
    struct mail_answer *ret, const char **ret_why)
{
	struct dname name = q->name;
	uint32_t ttl = UINT32_MAX;

	for (unsigned i = 0; i <= MAIL_DNS_ALIASES_MAX; i++) {
		bool exists;
		struct znode *n = node_find(z, &name, &exists);
		struct zrrset s;
		struct sv target;
		struct rd r;

		if (n != NULL && znode_find(n, q->type, &s) && s.n_rrs > 0) {
			s.ttl = s.ttl < ttl ? s.ttl : ttl;
			return set_take(pool, &s, ret);
		}
		if (n == NULL || !znode_find(n, RR_CNAME, &s) || !zdata_next(&s.rrs, &target)) {
			ret->rcode = exists ? MAIL_DNS_NODATA : MAIL_DNS_NXDOMAIN;
			return 0;
		}
		ttl = s.ttl < ttl ? s.ttl : ttl;
		r = rd_sv(target);
		dname_rd(&r, &name);
	}
	ret->rcode = MAIL_DNS_FAILED;
	*ret_why = N_("its aliases (CNAME) go round, or are too many");
	return 0;
}
