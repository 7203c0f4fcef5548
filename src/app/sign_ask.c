/* Questions of the zone role to the key role: written and read. */
#include <errno.h>

#include "app/sign_ask.h"

static void
item_read(struct rd *r, enum sign_ask_kind kind, struct sign_ask_item *it)
{
	*it = (struct sign_ask_item){ 0 };
	switch (kind) {
	case SIGN_ASK_APEX:
		it->type = rd_be16(r);
		it->ttl = rd_be32(r);
		it->expires = rd_be32(r);
		it->begins = rd_be32(r);
		break;
	case SIGN_ASK_DIGEST:
		it->data = rd_slice(r, rd_be16(r));
		break;
	default:
		it->head = rd_slice(r, rd_be16(r));
		it->data = rd_slice(r, rd_be32(r));
		break;
	}
}

int
sign_ask_parse(struct sv s, struct sign_ask *ret)
{
	struct rd r = rd_sv(s);
	uint8_t kind;
	size_t n;

	ret->generation = rd_be32(&r);
	ret->key = rd_be16(&r);
	kind = rd_u8(&r);
	n = rd_be16(&r);
	if (r.bad || kind >= SIGN_ASK_KIND_MAX || n == 0 || n > SIGN_ASK_ITEMS)
		return -EBADMSG;
	ret->kind = (enum sign_ask_kind)kind;
	ret->n = n;
	for (size_t i = 0; i < n; i++)
		item_read(&r, ret->kind, &ret->items[i]);
	return rd_done(&r) ? 0 : -EBADMSG;
}

uint8_t *
sign_ask_begin(struct wr *w, uint32_t generation, uint16_t key, enum sign_ask_kind kind)
{
	wr_be32(w, generation);
	wr_be16(w, key);
	wr_u8(w, (uint8_t)kind);
	return wr_reserve(w, 2);
}

void
sign_ask_add(struct wr *w, enum sign_ask_kind kind, const struct sign_ask_item *it)
{
	switch (kind) {
	case SIGN_ASK_APEX:
		wr_be16(w, it->type);
		wr_be32(w, it->ttl);
		wr_be32(w, it->expires);
		wr_be32(w, it->begins);
		break;
	case SIGN_ASK_DIGEST:
		wr_be16(w, (uint16_t)it->data.n);
		wr_bytes(w, it->data.p, it->data.n);
		break;
	default:
		wr_be16(w, (uint16_t)it->head.n);
		wr_bytes(w, it->head.p, it->head.n);
		wr_be32(w, (uint32_t)it->data.n);
		wr_bytes(w, it->data.p, it->data.n);
		break;
	}
}

size_t
sign_ask_size(enum sign_ask_kind kind, const struct sign_ask_item *it)
{
	return kind == SIGN_ASK_APEX ? 14 : kind == SIGN_ASK_DIGEST ? 2 + it->data.n :
	    6 + it->head.n + it->data.n;
}
