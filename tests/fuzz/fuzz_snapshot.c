/*
 * A snapshot of a producer that has gone bad: the sums are right (they are
 * all zero here), everything else is hostile. What opens must be readable to
 * its last byte, come out of its own payloads again, and make a delta.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "inr/inr.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define SUMS_AT		192	/* two sums in the head */
#define SUMS_END	256

static void
no_digest(const void *p UNUSED, size_t n UNUSED, uint8_t ret[static SNAPSHOT_SUM_LEN])
{
	memset(ret, 0, SNAPSHOT_SUM_LEN);
}

static void
rows_read(const struct snapshot *s)
{
	struct snapshot_ca ca, found;
	struct router_key k;

	for (size_t i = 0; i < s->n_router_keys; i++) {
		snapshot_router_key(s, i, &k);
		if (k.spki_len == 0 || k.ta >= s->n_tas ||
		    (k.ca >= s->n_cas && k.ca != PAYLOAD_CA_NONE))
			abort();
	}
	for (size_t i = 0; i < s->n_cas; i++) {
		unsigned steps = 0;

		snapshot_ca(s, i, &ca);
		if (!snapshot_ca_find(s, ca.ca.id, &found) || found.index != i)
			abort();
		while (ca.ca.parent != PAYLOAD_CA_NONE) {
			snapshot_ca(s, ca.ca.parent, &ca);
			if (steps++ > PAYLOAD_CA_DEPTH_MAX)
				abort();
		}
	}
}

static void
look_ups(const struct snapshot *s)
{
	struct snapshot_aspa a;
	struct vrp v;

	for (size_t i = 0; i < snapshot_n_vrps(s); i++) {
		struct ip_prefix px;

		snapshot_vrp(s, i, &v);
		px = (struct ip_prefix){ .len = v.len, .af = v.af };
		memcpy(px.addr, v.addr, sizeof(px.addr));
		if (!vrp_is_sound(&v) || v.ta >= s->n_tas ||
		    snapshot_rov(s, &px, v.asn) != (v.asn != 0 ? ROV_VALID : snapshot_rov(s, &px, 0)))
			abort();
	}
	for (size_t i = 0; i < s->n_aspas; i++) {
		struct snapshot_aspa b;

		snapshot_aspa(s, i, &a);
		if (!snapshot_aspa_find(s, a.customer, &b) || rd_left(&a.providers) != 4 * a.n_providers)
			abort();
	}
}

/* Held against nothing at all, everything is lost and can be appended again. */
static void
guard(const struct snapshot *s)
{
	const struct guard_limits l = { .hold_sec = 1 };
	struct payloads next = { .n_tas = s->n_tas }, lost;
	struct guard_counts counts;
	struct guard_decision d;
	size_t dropped;

	memcpy(next.tas, s->tas, sizeof(next.tas));
	if (guard_losses(s, &next, 0, &lost, &counts) < 0 ||
	    guard_decide(&l, &counts, 0, NULL, no_digest, &lost, &d) < 0 ||
	    d.n_overdue != 0 || d.n_small != 0 ||
	    d.n_held != lost.n_vrps + lost.n_router_keys + lost.n_aspas ||
	    payloads_append(&next, &lost) < 0 || payloads_merge(&next, &dropped) < 0)
		abort();
	payloads_done(&next);
}

static void
rebuild(const struct snapshot *s)
{
	struct payloads p = { 0 };
	struct snapshot t;
	size_t size, dropped;
	struct delta *d = NULL;
	uint8_t *buf;

	if (snapshot_payloads(s, INT64_MIN, &p) < 0 || payloads_merge(&p, &dropped) < 0 ||
	    snapshot_size(&p, 0, &size) < 0 || (buf = calloc(1, size)) == NULL)
		abort();
	if (snapshot_build(&p, 0, &s->stamp, (struct sv){ NULL, 0 }, no_digest, buf, size) < 0 ||
	    snapshot_open(buf, size, no_digest, &t) < 0 || !snapshot_same(s, &t))
		abort();
	if (delta_new(s, &t, &d) < 0 || !delta_empty(d))
		abort();
	(void)delta_free(d);
	payloads_done(&p);
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct snapshot s;
	uint8_t *copy;

	if (n < SUMS_END || (copy = malloc(n)) == NULL)
		return 0;
	memcpy(copy, bytes, n);
	memset(copy + SUMS_AT, 0, SUMS_END - SUMS_AT);
	if (snapshot_open(copy, n, no_digest, &s) == 0) {
		look_ups(&s);
		rows_read(&s);
		guard(&s);
		rebuild(&s);
	}
	free(copy);
	return 0;
}
