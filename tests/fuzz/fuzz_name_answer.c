/* What role name reads of answers: any octets end, in memory that is ours. */
#include <stdint.h>
#include <stdlib.h>

#include "../../src/role/name_answer.c"
#include "../../src/role/name_verify.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
ns(void *arg UNUSED, const struct dname *target)
{
	if (target->len == 0 || target->w[target->len - 1] != 0)
		abort();
}

static void
addr(void *arg UNUSED, const struct dname *owner, const struct ip_prefix *a)
{
	if (owner->len == 0 || (a->af != IP_V4 && a->af != IP_V6) || a->len != ip_bits(a->af))
		abort();
}

/* Canonical, and as many as it says. */
static void
set_check(struct sv rrs, uint16_t n)
{
	struct sv before = { 0 }, one;

	for (uint16_t i = 0; i < n; i++) {
		if (!zdata_next(&rrs, &one) || (i > 0 && sv_cmp(before, one) >= 0))
			abort();
		before = one;
	}
	if (rrs.n != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint16_t types[] = { RR_DNSKEY, RR_SOA, RR_DS };
	static uint8_t room[DNS_RDATA_MAX], out[3][2 * 65536], rows[SEEN_SIG_ROWS_MAX * SEEN_SIG_LEN];
	static uint8_t octets[65536 + SEEN_SET_RRS_MAX * (DNS_NAME_MAX + 10)];
	struct sv in = { (const char *)p, min_size(n, 65535) };
	struct answer_set set[3];
	struct dns_question q;
	struct dname d;
	struct dmsg m;

	if (dmsg_open(&m, in, room) < 0 || dmsg_question(&m, &q) != 1)
		return 0;
	(void)answer_is(in, room, m.head.id, DNS_OP_QUERY, &q.name, q.type);
	(void)answer_soa(in, room, DNS_AUTHORITY, &d);
	if (answer_ns(in, room, &q.name, ns, NULL) < 0 || answer_addrs(in, room, DNS_ADDITIONAL, addr, NULL) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct wr w = wr_mem(out[i], sizeof(out[i])), row = wr_mem(rows, sizeof(rows));
		unsigned budget = 8;

		if (answer_set(in, room, &q.name, types[i], &w, &set[i]) < 0)
			return 0;
		set_check(set[i].rrs, set[i].n);
		set_check(set[i].sigs, set[i].n_sigs);
		if (signers_find(&q.name, types[i], &set[i], set[0].rrs, &budget, octets, sizeof(octets),
		    &row) == 0 && row.len != (size_t)set[i].n_sigs * SEEN_SIG_LEN)
			abort();
	}
	return 0;
}
