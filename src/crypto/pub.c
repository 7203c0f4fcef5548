/*
 * Public keys: from octets to something one can compute with. RSA with room
 * for its Montgomery context (verify_rsa.c makes it) and, for RSA-2048, ready
 * for the lanes; ECDSA as a point that OpenSSL has judged; EdDSA as EVP has it.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"
#include "crypto/dnskey_internal.h"
#include "crypto/rsa_lanes.h"

/* --- RSA --- */

static BIGNUM *
bn_of(struct sv s)
{
	return BN_bin2bn((const unsigned char *)s.p, (int)s.n, NULL);
}

/*
 * RFC 3110 section 2: the length of the exponent is one octet, or zero and
 * two octets; "Leading zero octets are prohibited in the exponent and
 * modulus." The long form for a short length is not prohibited.
 */
static bool
rsa_parse(struct sv key, struct sv *ret_e, struct sv *ret_n)
{
	struct rd r = rd_sv(key);
	size_t e_len = rd_u8(&r);

	if (e_len == 0)
		e_len = rd_be16(&r);
	*ret_e = rd_slice(&r, e_len);
	*ret_n = rd_slice(&r, rd_left(&r));
	return rd_done(&r) && ret_e->n > 0 && ret_e->n <= DNS_RSA_E_LEN &&
	    ret_n->n > 0 && ret_n->n <= DNS_RSA_LEN_MAX && ret_e->p[0] != 0 && ret_n->p[0] != 0;
}

/*
 * RSA-2048 with the usual exponent goes through the lanes, which take its
 * modulus as octets.
 */
static int
rsa_lane_init(struct crypto_pub *k, struct sv n)
{
	if (n.n != RSA_LANE_LEN || k->bits != 8 * RSA_LANE_LEN || !BN_is_word(k->e, DNS_RSA_E) ||
	    !rsa_lanes_can())
		return 0;
	if ((k->octets = malloc(RSA_LANE_LEN)) == NULL)
		return -ENOMEM;
	memcpy(k->octets, n.p, RSA_LANE_LEN);
	return 0;
}

static int
rsa_init(struct crypto_pub *k, struct sv n)
{
	k->bits = (unsigned)BN_num_bits(k->n);
	k->sig_len = n.n;
	if (k->bits < DNS_RSA_BITS_MIN || !BN_is_odd(k->n) || !BN_is_odd(k->e) ||
	    BN_is_one(k->e) || BN_cmp(k->e, k->n) >= 0)
		return -EINVAL;
	if ((k->mont = calloc(1, sizeof(*k->mont))) == NULL)
		return -ENOMEM;
	return rsa_lane_init(k, n);
}

static int
rsa_from_field(struct crypto_pub *k, struct sv key)
{
	struct sv e, n;

	if (!rsa_parse(key, &e, &n))
		return -EINVAL;
	k->n = bn_of(n);
	k->e = bn_of(e);
	if (k->n == NULL || k->e == NULL)
		return -ENOMEM;
	return rsa_init(k, n);
}

bool
crypto_rsa_usable(struct sv m, uint32_t exponent)
{
	return exponent == DNS_RSA_E && m.n >= DNS_RSA_BITS_MIN / 8 && m.n <= DNS_RSA_LEN_MAX &&
	    (m.p[0] & 0x80) != 0 && (m.p[m.n - 1] & 1) != 0;
}

int
crypto_pub_rsa(struct sv modulus, uint32_t exponent, struct crypto_pub **ret)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *k = NULL;
	int rc;

	if (!crypto_rsa_usable(modulus, exponent))
		return -EINVAL;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return -ENOMEM;
	k->alg = dns_alg_find(DNS_RSASHA256);
	k->n = bn_of(modulus);
	k->e = BN_new();
	if (k->n == NULL || k->e == NULL || !BN_set_word(k->e, exponent))
		return -ENOMEM;
	if ((rc = rsa_init(k, modulus)) < 0)
		return rc;
	*ret = TAKE_PTR(k);
	return 0;
}

/* --- ECDSA --- */

/* RFC 6605 section 4: x and y, as long as the field, without a form octet. */
static int
key_point(struct crypto_pub *k, struct sv key, BN_CTX *ctx)
{
	uint8_t form[1 + 2 * DNS_FIELD_MAX] = { POINT_CONVERSION_UNCOMPRESSED };

	memcpy(form + 1, key.p, key.n);
	if (!EC_POINT_oct2point(k->group, k->q, form, 1 + key.n, ctx))
		return dns_failure() == -ENOMEM ? -ENOMEM : -EINVAL;
	return 0;
}

static int
ec_from_field(struct crypto_pub *k, struct sv key)
{
	_cleanup_(BN_CTX_freep) BN_CTX *ctx = BN_CTX_new();
	int rc;

	if (key.n != k->alg->key_len)
		return -EINVAL;
	k->group = EC_GROUP_new_by_curve_name(k->alg->nid);
	k->field = BN_MONT_CTX_new();
	if (ctx == NULL || k->group == NULL || k->field == NULL ||
	    (k->q = EC_POINT_new(k->group)) == NULL ||
	    !BN_MONT_CTX_set(k->field, EC_GROUP_get0_field(k->group), ctx))
		return dns_failure();
	if ((rc = key_point(k, key, ctx)) < 0)
		return rc;
	k->bits = (unsigned)EC_GROUP_order_bits(k->group);
	k->sig_len = k->alg->sig_len;
	if (k->alg->nid == NID_X9_62_prime256v1)
		memcpy(k->xy, key.p, sizeof(k->xy));
	return 0;
}

/* --- EdDSA --- */

static int
ed_from_field(struct crypto_pub *k, struct sv key)
{
	if (key.n != k->alg->key_len)
		return -EINVAL;
	k->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, k->alg->name, NULL,
	    (const unsigned char *)key.p, key.n);
	if (k->pkey == NULL)
		return dns_failure();
	k->sig_len = k->alg->sig_len;
	k->bits = (unsigned)EVP_PKEY_get_bits(k->pkey);
	return 0;
}

/* --- all of them --- */

static int	(*const from_field[])(struct crypto_pub *, struct sv) = {
	[DNS_RSA] = rsa_from_field,
	[DNS_EC] = ec_from_field,
	[DNS_ED] = ed_from_field,
};

struct crypto_pub *
crypto_pub_free(struct crypto_pub *k)
{
	if (k == NULL)
		return NULL;
	EVP_PKEY_free(k->pkey);
	BN_MONT_CTX_free(k->field);
	EC_POINT_free(k->q);
	EC_GROUP_free(k->group);
	if (k->mont != NULL)
		BN_MONT_CTX_free(atomic_load(k->mont));
	free(k->mont);
	BN_free(k->e);
	BN_free(k->n);
	free(k->octets);
	free(k);
	return NULL;
}

int
crypto_pub_new(uint8_t alg, struct sv public_key, struct crypto_pub **ret)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *k = NULL;
	const struct dns_alg *a = dns_alg_find(alg);
	int rc;

	if (a == NULL)
		return -ENOTSUP;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return -ENOMEM;
	k->alg = a;
	if ((rc = from_field[a->kind](k, public_key)) < 0)
		return rc;
	*ret = TAKE_PTR(k);
	return 0;
}

unsigned
crypto_pub_bits(const struct crypto_pub *k)
{
	return k->bits;
}

size_t
crypto_pub_sig_len(const struct crypto_pub *k)
{
	return k->sig_len;
}
