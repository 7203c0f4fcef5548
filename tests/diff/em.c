#include "em.h"

#include <string.h>

#include "base/util.h"

#define T_MAX	128
#define PS_MIN	8

/* OID of the hash, without tag and length. */
struct hash {
	uint8_t		 len;
	uint8_t		 n_oid;
	uint8_t		 oid[9];
};

static const struct hash sha1 = { 20, 5, { 0x2b, 0x0e, 0x03, 0x02, 0x1a } };
static const struct hash sha256 = { 32, 9,
	{ 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 } };
static const struct hash sha512 = { 64, 9,
	{ 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03 } };

static const struct hash *
hash_of(uint8_t alg)
{
	return alg == 8 ? &sha256 : alg == 10 ? &sha512 : &sha1;
}

size_t
em_digest_len(uint8_t alg)
{
	return hash_of(alg)->len;
}

/* A DigestInfo with these octets after the OID (05 00), and this much of the digest. */
static size_t
info_put(uint8_t *t, const struct hash *h, const uint8_t *params, size_t n_params,
    const uint8_t *digest, size_t n_digest)
{
	size_t n = 0, alg_len = 2u + h->n_oid + n_params;

	t[n++] = 0x30;
	t[n++] = (uint8_t)(2 + alg_len + 2 + n_digest);
	t[n++] = 0x30;
	t[n++] = (uint8_t)alg_len;
	t[n++] = 0x06;
	t[n++] = h->n_oid;
	memcpy(t + n, h->oid, h->n_oid);
	n += h->n_oid;
	if (n_params > 0)
		memcpy(t + n, params, n_params);
	n += n_params;
	t[n++] = 0x04;
	t[n++] = (uint8_t)n_digest;
	memcpy(t + n, digest, n_digest);
	return n + n_digest;
}

/* 00 01 ff… 00 T, and what is left when the padding is to be ps long. */
static bool
em_put(uint8_t *em, size_t len, const uint8_t *t, size_t t_len, size_t ps)
{
	if (len < 3 + ps + t_len || ps < PS_MIN)
		return false;
	em[0] = 0;
	em[1] = 1;
	memset(em + 2, 0xff, ps);
	em[2 + ps] = 0;
	memcpy(em + 3 + ps, t, t_len);
	memset(em + 3 + ps + t_len, 0xa5, len - 3 - ps - t_len);
	return true;
}

/* The padding as long as it has to be. */
static bool
em_fill(uint8_t *em, size_t len, const uint8_t *t, size_t t_len)
{
	return len >= 3 + PS_MIN + t_len && em_put(em, len, t, t_len, len - 3 - t_len);
}

static const uint8_t null_params[] = { 0x05, 0x00 };

bool
em_right(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	const struct hash *h = hash_of(alg);
	uint8_t t[T_MAX];

	return em_fill(em, len, t, info_put(t, h, null_params, 2, digest, h->len));
}

/* --- wrong ones --- */

static bool
garbage_behind(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	const struct hash *h = hash_of(alg);
	uint8_t t[T_MAX];

	return em_put(em, len, t, info_put(t, h, null_params, 2, digest, h->len), PS_MIN);
}

static bool
one_behind(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	const struct hash *h = hash_of(alg);
	uint8_t t[T_MAX];
	size_t n = info_put(t, h, null_params, 2, digest, h->len);

	return len >= 4 + PS_MIN + n && em_put(em, len, t, n, len - 4 - n);
}

static bool
no_params(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	const struct hash *h = hash_of(alg);
	uint8_t t[T_MAX];

	return em_fill(em, len, t, info_put(t, h, NULL, 0, digest, h->len));
}

/* Garbage where nobody looks who parses: inside the parameters. */
static bool
long_params(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	static const uint8_t params[] = { 0x05, 0x04, 0xde, 0xad, 0xbe, 0xef };
	const struct hash *h = hash_of(alg);
	uint8_t t[T_MAX];

	return em_fill(em, len, t, info_put(t, h, params, sizeof(params), digest, h->len));
}

static bool
other_hash(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	struct hash h = *hash_of(alg);
	uint8_t t[T_MAX];

	h.oid[h.n_oid - 1] ^= 2;
	return em_fill(em, len, t, info_put(t, &h, null_params, 2, digest, h.len));
}

static bool
other_algorithm(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	uint8_t longer[64] = { 0 };

	memcpy(longer, digest, hash_of(alg)->len);
	return em_right(alg == 8 ? 10 : 8, longer, em, len);
}

static bool
digest_short(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	const struct hash *h = hash_of(alg);
	uint8_t t[T_MAX];

	return em_fill(em, len, t, info_put(t, h, null_params, 2, digest, h->len - 1u));
}

/* BER: a length in two octets that fits in one. */
static bool
long_length(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	const struct hash *h = hash_of(alg);
	uint8_t t[T_MAX];
	size_t n = info_put(t + 1, h, null_params, 2, digest, h->len);

	t[0] = t[1];
	t[1] = 0x81;
	return em_fill(em, len, t, n + 1);
}

static bool
digest_alone(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	return em_fill(em, len, digest, hash_of(alg)->len);
}

static bool
separator_missing(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	const struct hash *h = hash_of(alg);
	uint8_t t[T_MAX];
	size_t n = info_put(t, h, null_params, 2, digest, h->len);

	if (!em_fill(em, len, t, n))
		return false;
	em[len - n - 1] = 0xff;
	return true;
}

/* Made so, and where an octet is named, that one is another then. */
static const struct {
	const char	*name;
	bool		(*make)(uint8_t, const uint8_t *, uint8_t *, size_t);
	bool		 other;
	uint8_t		 at, octet;
} wrongs[] = {
	{ "short padding, garbage behind", garbage_behind, false, 0, 0 },
	{ "padding one short, an octet behind", one_behind, false, 0, 0 },
	{ "no parameters", no_params, false, 0, 0 },
	{ "garbage in the parameters", long_params, false, 0, 0 },
	{ "another hash's OID", other_hash, false, 0, 0 },
	{ "another algorithm's encoding", other_algorithm, false, 0, 0 },
	{ "the digest an octet short", digest_short, false, 0, 0 },
	{ "a length in two octets", long_length, false, 0, 0 },
	{ "the digest without DigestInfo", digest_alone, false, 0, 0 },
	{ "block type 2", em_right, true, 1, 2 },
	{ "block type 0", em_right, true, 1, 0 },
	{ "begins with 01", em_right, true, 0, 1 },
	{ "a zero in the padding", em_right, true, 2 + PS_MIN, 0 },
	{ "an fe in the padding", em_right, true, 2, 0xfe },
	{ "no zero behind the padding", separator_missing, false, 0, 0 },
};
_Static_assert(ARRAY_LEN(wrongs) == EM_WRONGS, "all of them are asked for");

const char *
em_wrong(unsigned i, uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len)
{
	if (!wrongs[i].make(alg, digest, em, len))
		return NULL;
	if (wrongs[i].other)
		em[wrongs[i].at] = wrongs[i].octet;
	return wrongs[i].name;
}
