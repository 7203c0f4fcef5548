/*
 * What the zone role asks the key role in a slot of their ring (sys/ring.h),
 * and how it is read there. All numbers are in network order.
 *
 *	question	u32 generation, u16 key, u8 kind, u16 n, n items
 *	  apex set	u16 type, u32 TTL, u32 expires, u32 begins
 *	  digest	u16 length, octets (crypto_tbs())
 *	  data		u16 length, RRSIG without its signature; u32 length, records
 *	answer		u8 verdict, n signatures of the key's length
 *
 * The generation is that of the key set that was told; the key is its place in
 * it. An apex set (DNSKEY, CDS, CDNSKEY) is made by who has the keys, out of
 * what it knows itself: only times and TTL are taken from the question. Keys
 * that sign such sets sign nothing by its digest, as nobody sees what that is.
 *
 * The octets come from a process that reads what strangers write: the reader
 * is strict and is fuzzed.
 */
#ifndef APP_SIGN_ASK_H
#define APP_SIGN_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rd.h"
#include "base/sv.h"

#define SIGN_ASK_ITEMS	1024	/* an answer of 4 KiB holds 64 of P-256 */
/* In the uses of a key that zone is told: it is in a token, which may be slow. */
#define SIGN_ASK_TOKEN	(1U << 15)
#define SIGN_ASK_TOKEN_ITEMS 16

enum sign_ask_kind {
	SIGN_ASK_APEX,
	SIGN_ASK_DIGEST,
	SIGN_ASK_DATA,
	SIGN_ASK_KIND_MAX
};

enum sign_verdict {
	SIGN_VERDICT_OK,
	SIGN_VERDICT_STALE,	/* another generation: ask for the keys again */
	SIGN_VERDICT_REFUSED,	/* not with this key, not so long */
	SIGN_VERDICT_FAILED,	/* the arithmetic */
	SIGN_VERDICT_LATER,	/* the token with the key does not answer now */
	SIGN_VERDICT_MAX
};

struct sign_ask_item {
	uint16_t	type;		/* APEX */
	uint32_t	ttl, expires, begins;
	struct sv	head, data;	/* DATA; DIGEST: data */
};

struct sign_ask {
	uint32_t		generation;
	uint16_t		key;
	enum sign_ask_kind	kind;
	size_t			n;
	struct sign_ask_item	items[SIGN_ASK_ITEMS];
};

/* Items point into the octets. -EBADMSG. */
int	 sign_ask_parse(struct sv, struct sign_ask *ret) MUST_USE;
/* The head with n items to come; the place of n is returned, to be patched. NULL: no room. */
uint8_t	*sign_ask_begin(struct wr *, uint32_t generation, uint16_t key, enum sign_ask_kind);
void	 sign_ask_add(struct wr *, enum sign_ask_kind, const struct sign_ask_item *);
/* Octets that the item takes. */
size_t	 sign_ask_size(enum sign_ask_kind, const struct sign_ask_item *);

#endif
