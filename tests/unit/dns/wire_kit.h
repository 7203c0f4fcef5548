/* Names, records and findings for the tests of dns/wire.h. */
#ifndef TESTS_UNIT_DNS_WIRE_KIT_H
#define TESTS_UNIT_DNS_WIRE_KIT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "dns/wire.h"

struct kit {
	struct pool	*pool;
	struct findings	 fs;
};

static UNUSED int
kit_up(void **state)
{
	struct kit *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	k->pool = pool_new(16 << 20);
	assert_non_null(k->pool);
	findings_init(&k->fs, k->pool);
	*state = k;
	return 0;
}

static UNUSED int
kit_down(void **state)
{
	struct kit *k = *state;

	(void)pool_free(k->pool);
	free(k);
	return 0;
}

#define TK(fn)	cmocka_unit_test_setup_teardown(fn, kit_up, kit_down)

/* How often it was found, and as which severity nothing else was. */
static UNUSED size_t
n_found(const struct findings *fs, enum wire_code code)
{
	size_t n = 0;

	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		n += f->def == &wire_findings[code];
	return n;
}

static UNUSED void
forget(struct kit *k)
{
	pool_reset(k->pool);
	findings_init(&k->fs, k->pool);
}

static UNUSED struct dname
nm(const char *text)
{
	struct dname n;

	assert_int_equal(dname_parse(sv_str(text), NULL, &n), 0);
	return n;
}

/* A record with room of its own. */
struct rec {
	struct dname	owner;
	struct dns_rr	rr;
	uint8_t		data[512];
};

static UNUSED struct rec *
rec(struct kit *k, const char *owner, uint16_t type, uint32_t ttl, const char *rdata)
{
	struct rec *r = pool_alloc(k->pool, sizeof(*r));
	uint8_t *room = malloc(DNS_RDATA_MAX);
	size_t n;

	assert_non_null(r);
	assert_non_null(room);
	r->owner = nm(owner);
	assert_int_equal(rdata_parse(type, sv_str(rdata), NULL, room, &n), 0);
	assert_true(n <= sizeof(r->data));
	memcpy(r->data, room, n);
	free(room);
	r->rr = (struct dns_rr){ .owner = &r->owner, .type = type, .class = DNS_CLASS_IN, .ttl = ttl,
	    .rdata = { (const char *)r->data, n } };
	return r;
}

static UNUSED bool
rr_same(const struct dns_rr *a, const struct dns_rr *b)
{
	return dname_eq(a->owner, b->owner) && a->type == b->type && a->class == b->class &&
	    a->ttl == b->ttl && sv_eq(a->rdata, b->rdata);
}

#define SV_OF(p_, n_)	((struct sv){ (const char *)(p_), (n_) })

#endif
