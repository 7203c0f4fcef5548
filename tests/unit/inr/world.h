/* A small world of payloads and a sum that is good enough for tests. */
#ifndef TESTS_INR_WORLD_H
#define TESTS_INR_WORLD_H

#include <stdlib.h>

#include "base/timefmt.h"
#include "inr/inr.h"

/* FNV-1a in four lanes: any flipped bit shows. */
static inline void
world_digest(const void *p, size_t n, uint8_t ret[static SNAPSHOT_SUM_LEN])
{
	const uint8_t *b = p;

	for (uint64_t lane = 0; lane < 4; lane++) {
		uint64_t h = 0xcbf29ce484222325u + lane;

		for (size_t i = 0; i < n; i++)
			h = (h ^ b[i]) * 0x100000001b3u;
		put_be32(ret + 8 * lane, (uint32_t)(h >> 32));
		put_be32(ret + 8 * lane + 4, (uint32_t)h);
	}
}

static inline void
world_vrp(struct payloads *p, const char *px, uint8_t max_len, uint32_t asn, int64_t expires)
{
	struct vrp v = { .max_len = max_len, .asn = asn, .expires = expires };
	struct ip_prefix x;

	if (ip_prefix_parse(sv_str(px), &x) < 0)
		abort();
	memcpy(v.addr, x.addr, sizeof(v.addr));
	v.af = x.af;
	v.len = x.len;
	v.ta = (uint8_t)payloads_ta(p, SV("lab"));
	p->vrps = reallocarray(p->vrps, p->n_vrps + 1, sizeof(v));
	p->vrps[p->n_vrps++] = v;
}

/* The list ends with UINT32_MAX. */
static inline void
world_aspa(struct payloads *p, uint32_t customer, const uint32_t *list, int64_t expires)
{
	struct aspa a = { .customer = customer, .expires = expires };
	uint32_t *copy;

	while (list[a.n_providers] != UINT32_MAX)
		a.n_providers++;
	copy = calloc(a.n_providers + 1, sizeof(*copy));
	memcpy(copy, list, a.n_providers * sizeof(*copy));
	a.providers = copy;
	a.ta = (uint8_t)payloads_ta(p, SV("lab"));
	p->aspas = reallocarray(p->aspas, p->n_aspas + 1, sizeof(a));
	p->aspas[p->n_aspas++] = a;
}

#define WORLD_KEY_LEN	(RTR_KEY_MIN + 91)	/* its PDU */
/* A key of 91 bytes that `key` fills, and a ski likewise. */
static inline void
world_router_key(struct payloads *p, uint8_t key, uint32_t asn, int64_t expires)
{
	struct router_key k = { .asn = asn, .expires = expires, .spki_len = 91,
		.ca = PAYLOAD_CA_NONE };

	memset(k.ski, key, sizeof(k.ski));
	memset(k.spki, key, k.spki_len);
	k.ta = (uint8_t)payloads_ta(p, SV("lab"));
	p->router_keys = reallocarray(p->router_keys, p->n_router_keys + 1, sizeof(k));
	p->router_keys[p->n_router_keys++] = k;
}

/* Returns the index of the new row. */
static inline uint32_t
world_ca(struct payloads *p, uint64_t id, uint32_t parent, enum payload_ca_state state,
    const char *uri, const char *code)
{
	struct payload_ca ca = { .id = id, .parent = parent, .state = (uint8_t)state,
		.uri = sv_str(uri), .code = sv_str(code) };

	ca.ta = (uint8_t)payloads_ta(p, SV("lab"));
	p->cas = reallocarray(p->cas, p->n_cas + 1, sizeof(ca));
	p->cas[p->n_cas] = ca;
	return (uint32_t)p->n_cas++;
}

#define WORLD_LIST(...)	((const uint32_t[]){ __VA_ARGS__, UINT32_MAX })

/* Merge, build and open; *ret_buf is to be freed. */
static inline int
world_snapshot_said(struct payloads *p, uint32_t serial, struct sv report, uint8_t **ret_buf,
    struct snapshot *ret)
{
	const struct snapshot_stamp st = { serial, { 100, 200, 300 } };
	size_t size, dropped;
	int rc;

	if ((rc = payloads_merge(p, &dropped)) < 0 ||
	    (rc = snapshot_size(p, report.n, &size)) < 0)
		return rc;
	*ret_buf = calloc(1, size);
	if ((rc = snapshot_build(p, 1000, &st, report, world_digest, *ret_buf, size)) < 0)
		return rc;
	return snapshot_open(*ret_buf, size, world_digest, ret);
}

static inline int
world_snapshot(struct payloads *p, uint32_t serial, uint8_t **ret_buf, struct snapshot *ret)
{
	return world_snapshot_said(p, serial, SV("{}"), ret_buf, ret);
}

#endif
