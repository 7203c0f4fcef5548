/* Payload PDUs: the part of RTR that snapshots are made of. */
#include <errno.h>
#include <string.h>

#include "inr/internal.h"

void
vrp_pdu_write(struct wr *w, uint8_t version, bool announce, const struct vrp *v)
{
	bool is_v4 = v->af == IP_V4;
	uint32_t len = is_v4 ? RTR_IPV4_LEN : RTR_IPV6_LEN;
	uint8_t *p = wr_reserve(w, len);

	if (p == NULL)
		return;
	memset(p, 0, PDU_ADDR);
	p[0] = version;
	p[1] = is_v4 ? RTR_IPV4_PREFIX : RTR_IPV6_PREFIX;
	put_be32(p + 4, len);
	p[PDU_FLAGS] = announce;
	p[PDU_LEN] = v->len;
	p[PDU_MAX_LEN] = v->max_len;
	memcpy(p + PDU_ADDR, v->addr, is_v4 ? 4 : 16);
	put_be32(p + len - 4, v->asn);
}

void
aspa_pdu_write(struct wr *w, uint8_t version, bool announce, uint32_t customer,
    const uint32_t *providers, uint32_t n)
{
	wr_u8(w, version);
	wr_u8(w, RTR_ASPA);
	wr_u8(w, announce);
	wr_u8(w, 0);
	wr_be32(w, RTR_ASPA_MIN + 4 * n);
	wr_be32(w, customer);
	for (uint32_t i = 0; i < n; i++)
		wr_be32(w, providers[i]);
}

void
router_key_pdu_write(struct wr *w, uint8_t version, bool announce, const struct router_key *k)
{
	wr_u8(w, version);
	wr_u8(w, RTR_ROUTER_KEY);
	wr_u8(w, announce);
	wr_u8(w, 0);
	wr_be32(w, RTR_KEY_MIN + (uint32_t)k->spki_len);
	wr_bytes(w, k->ski, sizeof(k->ski));
	wr_be32(w, k->asn);
	wr_bytes(w, k->spki, k->spki_len);
}

int
router_key_pdu_parse(struct rd *r, struct router_key *ret)
{
	struct router_key k = { .ca = PAYLOAD_CA_NONE };
	const uint8_t *ski = rd_bytes(r, sizeof(k.ski));
	struct sv spki;

	if (ski != NULL)
		memcpy(k.ski, ski, sizeof(k.ski));
	k.asn = rd_be32(r);
	spki = rd_slice(r, rd_left(r));
	if (!rd_done(r) || spki.n == 0 || spki.n > ROUTER_SPKI_MAX)
		return -EBADMSG;
	memcpy(k.spki, spki.p, spki.n);
	k.spki_len = (uint8_t)spki.n;
	*ret = k;
	return 0;
}

int
vrp_pdu_parse(struct rd *r, uint8_t type, struct vrp *ret, bool *ret_announce)
{
	bool is_v4 = type == RTR_IPV4_PREFIX;
	struct vrp v = { .af = is_v4 ? IP_V4 : IP_V6, .ca = PAYLOAD_CA_NONE };
	uint8_t flags = rd_u8(r);
	const uint8_t *addr;

	v.len = rd_u8(r);
	v.max_len = rd_u8(r);
	(void)rd_u8(r);
	if ((addr = rd_bytes(r, is_v4 ? 4 : 16)) != NULL)
		memcpy(v.addr, addr, is_v4 ? 4 : 16);
	v.asn = rd_be32(r);
	if (!rd_done(r) || !vrp_is_sound(&v))
		return -EBADMSG;
	*ret = v;
	*ret_announce = (flags & 1) != 0;
	return 0;
}

int
pdu_cmp(const struct family *f, const uint8_t *a, const uint8_t *b)
{
	int c = memcmp(a + PDU_ADDR, b + PDU_ADDR, f->addr_len);

	if (c != 0)
		return c;
	if (a[PDU_MAX_LEN] != b[PDU_MAX_LEN])
		return a[PDU_MAX_LEN] < b[PDU_MAX_LEN] ? -1 : 1;
	if (a[PDU_LEN] != b[PDU_LEN])
		return a[PDU_LEN] < b[PDU_LEN] ? -1 : 1;
	return memcmp(a + PDU_ADDR + f->addr_len, b + PDU_ADDR + f->addr_len, 4);
}

void
pdu_vrp(const struct family *f, const uint8_t *pdu, struct vrp *ret)
{
	struct rd asn = rd_mem(pdu + PDU_ADDR + f->addr_len, 4);

	memset(ret->addr, 0, sizeof(ret->addr));
	memcpy(ret->addr, pdu + PDU_ADDR, f->addr_len);
	ret->len = pdu[PDU_LEN];
	ret->max_len = pdu[PDU_MAX_LEN];
	ret->af = f->af;
	ret->asn = rd_be32(&asn);
}
