/* A node gives back the sets that it was made of, whatever form their heads take. */
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "base/buf.h"
#include "dns/zone.h"

static const unsigned counts[] = { 0, 1, 2, 255, 256 };
static const unsigned lengths[] = { 0, 1, 300, 65535 };
static const uint16_t types[] = { 1, 255, 256, 65535 };
static const uint32_t ttls[] = { 0, 3600, UINT32_MAX };

/* n data of len octets, as a node has them. */
static void
data_make(struct buf *b, unsigned n, unsigned len, uint8_t fill)
{
	uint8_t octets[65535];

	memset(octets, fill, sizeof(octets));
	b->len = 0;
	for (unsigned i = 0; i < n; i++) {
		buf_bytes(b, (const uint8_t[]){ (uint8_t)(len >> 8), (uint8_t)len }, 2);
		buf_bytes(b, octets, len);
	}
}

static void
assert_set(const struct zrrset *is, const struct zrrset *wanted)
{
	assert_int_equal(is->type, wanted->type);
	assert_int_equal(is->n_rrs, wanted->n_rrs);
	assert_int_equal(is->n_sigs, wanted->n_sigs);
	assert_int_equal(is->ttl, wanted->ttl);
	assert_int_equal(is->sig_ttl, wanted->n_sigs > 0 ? wanted->sig_ttl : 0);
	assert_true(sv_eq(is->rrs, wanted->rrs));
	assert_true(sv_eq(is->sigs, wanted->sigs));
}

/* The set alone, and in front of another. */
static void
set_check(const struct zrrset *s)
{
	static const char one[] = "\0\4abcd";
	const struct zrrset sets[3] = { *s, { .type = s->type },
		{ .type = UINT16_MAX, .ttl = 1, .n_rrs = 1, .rrs = { one, 6 } } };

	for (size_t n = 1; n <= ARRAY_LEN(sets); n++) {
		_cleanup_(znode_unrefp) struct znode *node = znode_new(SV("key"), sets, n);
		struct zrrset got;
		size_t pos = 0;

		assert_non_null(node);
		assert_true(sv_eq(znode_key(node), SV("key")));
		assert_int_equal(znode_n_rrsets(node), n == 3 ? 2 : 1);
		assert_true(znode_next(node, &pos, &got));
		assert_set(&got, s);
		if (n == 3) {
			assert_true(znode_next(node, &pos, &got));
			assert_set(&got, &sets[2]);
		}
		assert_false(znode_next(node, &pos, &got));
		assert_false(znode_next(node, &pos, &got));
		assert_true(znode_find(node, s->type, &got));
		assert_set(&got, s);
	}
}

/* Every count, length and TTL of records with every one of signatures. */
static void
test_heads(void **state)
{
	_cleanup_(buf_done) struct buf rrs = { 0 }, sigs = { 0 };
	unsigned n_checked = 0;

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(counts) * ARRAY_LEN(counts); c++) {
		unsigned n_rrs = counts[c / ARRAY_LEN(counts)], n_sigs = counts[c % ARRAY_LEN(counts)];

		for (size_t l = 0; n_rrs + n_sigs > 0 && l < ARRAY_LEN(lengths); l++) {
			if ((size_t)n_rrs * lengths[l] > 200000)
				continue;
			data_make(&rrs, n_rrs, lengths[l], 'r');
			data_make(&sigs, n_sigs, lengths[ARRAY_LEN(lengths) - 1 - l] % 400, 's');
			for (size_t t = 0; t < ARRAY_LEN(types) * ARRAY_LEN(ttls); t++) {
				uint32_t ttl = ttls[t % ARRAY_LEN(ttls)];
				const struct zrrset s = { .type = types[t / ARRAY_LEN(ttls)], .ttl = ttl,
					.sig_ttl = t % 2 == 0 ? ttl : ttl / 2 + 1,
					.n_rrs = (uint16_t)n_rrs, .n_sigs = (uint16_t)n_sigs,
					.rrs = buf_get(&rrs), .sigs = buf_get(&sigs) };

				set_check(&s);
				n_checked++;
			}
		}
	}
	assert_true(n_checked > 500);
}

static void
test_empty(void **state)
{
	const struct zrrset none[2] = { { .type = 1 }, { .type = 2, .ttl = 5 } };
	struct zrrset got;

	(void)state;
	for (size_t n = 0; n <= ARRAY_LEN(none); n++) {
		_cleanup_(znode_unrefp) struct znode *node = znode_new((struct sv){ 0 }, none, n);
		size_t pos = 0;

		assert_non_null(node);
		assert_int_equal(znode_n_rrsets(node), 0);
		assert_false(znode_next(node, &pos, &got));
		assert_false(znode_find(node, 1, &got));
	}
}

static void
test_limit(void **state)
{
	_cleanup_(buf_done) struct buf rrs = { 0 };
	struct zrrset s = { .type = 16, .ttl = 1 };

	(void)state;
	data_make(&rrs, ZONE_NODE_SIZE_MAX / 65537 + 1, 65535, 'x');
	s.n_rrs = (uint16_t)(ZONE_NODE_SIZE_MAX / 65537 + 1);
	s.rrs = buf_get(&rrs);
	assert_null(znode_new(SV("k"), &s, 1));
	s.n_rrs--;
	s.rrs.n -= 65537;
	set_check(&s);
}

TESTS_MAIN("znode", T(test_heads), T(test_empty), T(test_limit))
