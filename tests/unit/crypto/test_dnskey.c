/* DNSSEC's keys and signatures: the RFCs' own, and what keys can be. */
#include "dnskey_kit.h"

#include <pthread.h>

#include "crypto/dnskey_internal.h"

/* --- the RFCs' examples --- */

struct vector {
	const char	*rfc;
	uint8_t		 alg;
	const char	*dnskey, *private_key, *sig;
	uint32_t	 expiration, inception;
	uint16_t	 tag;
	uint8_t		 labels;
	struct sv	 signer, rr;		/* wire; rr: owner to data, canonical */
};

#define NET	SV("\7example\3net")
#define COM	SV("\7example\3com")
#define A(last)	SV("\3www\7example\3net\0\0\1\0\1\0\0\x0e\x10\0\4\xc0\0\2" last)
#define MX	SV("\7example\3com\0\0\x0f\0\1\0\0\x0e\x10\0\x14\0\x0a\4mail\7example\3com\0")

static const struct vector vectors[] = {
	{ "5702 section 6.1", 8,
	    "AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=",
	    NULL,
	    "kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==",
	    1893456000, 946684800, 9033, 3, NET, A("\x5b") },
	{ "5702 section 6.2", 10,
	    "AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1"
	    "kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL",
	    NULL,
	    "tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYg"
	    "ZBWm/zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=",
	    1893456000, 946684800, 3740, 3, NET, A("\x5b") },
	{ "6605 section 6.1", 13,
	    "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
	    "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=",
	    "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
	    1284026679, 1281607479, 55648, 3, NET, A("\1") },
	{ "6605 section 6.2", 14,
	    "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8"
	    "/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
	    "WURgWHCcYIYUPWgeLmiPY2DJJk02vgrmTfitxgqcL4vwW7BOrbawVmVe0d9V94SR",
	    "/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuz"
	    "WTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm",
	    1284027625, 1281608425, 10771, 3, NET, A("\1") },
	{ "8080 section 6.1", 15,
	    "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
	    "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=",
	    "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
	    1440021600, 1438207200, 3613, 2, COM, MX },
	{ "8080 section 6.2", 16,
	    "3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
	    "xZ+5Cgm463xugtkY5B0Jx6erFTXp13rYegst0qRtNsOYnaVpMx0Z/c5EiA9x8wWbDDct/U3FhYWA",
	    "3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXf"
	    "t0+Gj7FSvOKxE/07+4RQvE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA",
	    1440021600, 1438207200, 9713, 2, COM, MX },
};

/* RFC 4034 section 3.1.8.1: the RRSIG's data without the signature, then the record. */
static struct sv
signed_data(const struct vector *v, uint8_t *dst, size_t cap)
{
	struct wr w = wr_mem(dst, cap);
	struct rd rr = rd_sv(v->rr);
	size_t owner = 0;

	while (v->rr.p[owner] != 0)
		owner += (size_t)v->rr.p[owner] + 1;
	(void)rd_bytes(&rr, owner + 1);
	wr_be16(&w, rd_be16(&rr));
	wr_u8(&w, v->alg);
	wr_u8(&w, v->labels);
	wr_be32(&w, 3600);
	wr_be32(&w, v->expiration);
	wr_be32(&w, v->inception);
	wr_be16(&w, v->tag);
	wr_bytes(&w, v->signer.p, v->signer.n + 1);	/* with the literal's own zero */
	wr_bytes(&w, v->rr.p, v->rr.n);
	assert_true(wr_done(&w));
	return sv_of(dst, w.len);
}

static void
rfcs(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		uint8_t kb[CRYPTO_DNSKEY_MAX], sb[CRYPTO_DNSSIG_MAX], mb[512];
		struct sv key = base64(v->dnskey, kb), sig = base64(v->sig, sb);
		struct sv msg = signed_data(v, mb, sizeof(mb));

		if (!verifies(v->alg, key, msg, sig))
			fail_msg("RFC %s does not verify", v->rfc);
		for (size_t k = 0; k < msg.n; k += 7) {
			mb[k] ^= 0x10;
			assert_false(verifies(v->alg, key, msg, sig));
			mb[k] ^= 0x10;
		}
		for (size_t k = 0; k < sig.n; k += 13) {
			sb[k] ^= 1;
			assert_false(verifies(v->alg, key, msg, sig));
			sb[k] ^= 1;
		}
		for (size_t k = 0; k < sig.n; k += 5)
			assert_false(verifies(v->alg, key, msg, sv_take(sig, k)));
		assert_false(verifies(v->alg, key, msg, sv_of(sb, sig.n + 1)));
	}
}

/* From the private number the same public key comes, and EdDSA's very signature. */
static void
rfcs_private(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		uint8_t nb[64], kb[CRYPTO_DNSKEY_MAX], sb[CRYPTO_DNSSIG_MAX], mb[512];
		uint8_t made[CRYPTO_DNSSIG_MAX];
		struct crypto_make m = { .sig = made };
		struct crypto_priv *k = NULL;

		if (v->private_key == NULL)
			continue;
		assert_int_equal(crypto_priv_import(v->alg, &(struct crypto_numbers){
			.private_key = base64(v->private_key, nb) }, &k), 0);
		assert_true(sv_eq(crypto_priv_public(k), base64(v->dnskey, kb)));
		assert_int_equal(crypto_priv_alg(k), v->alg);
		m.data[1] = signed_data(v, mb, sizeof(mb));
		assert_int_equal(crypto_make_batch(k, &m, 1), 0);
		assert_true(verifies(v->alg, crypto_priv_public(k), m.data[1],
		    sv_of(made, crypto_priv_sig_len(k))));
		if (v->alg >= 15)
			assert_true(sv_eq(base64(v->sig, sb), sv_of(made, crypto_priv_sig_len(k))));
		(void)crypto_priv_free(k);
	}
}

/* --- public keys --- */

static int
pub_try(uint8_t alg, const void *p, size_t n)
{
	struct crypto_pub *k = (void *)-1;
	int rc = crypto_pub_new(alg, sv_of(p, n), &k);

	if (rc == 0)
		(void)crypto_pub_free(k);
	else
		assert_ptr_equal(k, (void *)-1);
	return rc;
}

/* An RSA key of those octets: the exponent's length in the given form, e, n octets of modulus. */
static int
rsa_try(struct sv head, struct sv e, size_t n, uint8_t first, uint8_t last)
{
	uint8_t b[1024];
	struct wr w = wr_mem(b, sizeof(b));

	wr_bytes(&w, head.p, head.n);
	wr_bytes(&w, e.p, e.n);
	for (size_t i = 0; i < n; i++)
		wr_u8(&w, i == 0 ? first : i == n - 1 ? last : 0xa7);
	assert_true(wr_done(&w));
	return pub_try(8, b, w.len);
}

#define F4	SV("\1\0\1")

static void
rsa_octets(void **state UNUSED)
{
	assert_int_equal(rsa_try(SV("\3"), F4, 128, 0x80, 1), 0);
	/* RFC 3110 section 2: the long form of the length */
	assert_int_equal(rsa_try(SV("\0\0\3"), F4, 128, 0x80, 1), 0);
	assert_int_equal(rsa_try(SV("\0\1\3"), F4, 512, 0x80, 1), -EINVAL);
	assert_int_equal(rsa_try(SV("\0\0\0"), SV(""), 128, 0x80, 1), -EINVAL);
	/* exponents: 3, eight octets, nine; zero in front, even, one, none */
	assert_int_equal(rsa_try(SV("\1"), SV("\3"), 128, 0x80, 1), 0);
	assert_int_equal(rsa_try(SV("\x8"), SV("\xff\0\0\0\0\0\0\1"), 128, 0x80, 1), 0);
	assert_int_equal(rsa_try(SV("\x9"), SV("\1\0\0\0\0\0\0\0\1"), 128, 0x80, 1), -EINVAL);
	assert_int_equal(rsa_try(SV("\4"), SV("\0\1\0\1"), 128, 0x80, 1), -EINVAL);
	assert_int_equal(rsa_try(SV("\1"), SV("\2"), 128, 0x80, 1), -EINVAL);
	assert_int_equal(rsa_try(SV("\1"), SV("\1"), 128, 0x80, 1), -EINVAL);
	/* moduli: 512 to 4096 bits, odd, no zero in front */
	assert_int_equal(rsa_try(SV("\3"), F4, 64, 0x80, 1), 0);
	assert_int_equal(rsa_try(SV("\3"), F4, 64, 0x7f, 1), -EINVAL);
	assert_int_equal(rsa_try(SV("\3"), F4, 512, 0xff, 1), 0);
	assert_int_equal(rsa_try(SV("\3"), F4, 513, 0x01, 1), -EINVAL);
	assert_int_equal(rsa_try(SV("\3"), F4, 128, 0x80, 2), -EINVAL);
	assert_int_equal(rsa_try(SV("\3"), F4, 128, 0, 1), -EINVAL);
	assert_int_equal(rsa_try(SV("\3"), F4, 0, 0, 0), -EINVAL);
	assert_int_equal(pub_try(8, NULL, 0), -EINVAL);
	assert_int_equal(pub_try(8, "\3\1", 2), -EINVAL);
}

static void
other_octets(void **state UNUSED)
{
	static const uint8_t none[] = { 0, 1, 2, 3, 4, 6, 9, 11, 12, 17, 18, 252, 253, 255 };
	uint8_t kb[CRYPTO_DNSKEY_MAX], bad[128];
	struct sv key;

	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		assert_int_equal(pub_try(none[i], "x", 1), -ENOTSUP);
		assert_false(crypto_dns_alg(none[i]));
	}
	for (size_t i = 2; i < ARRAY_LEN(vectors); i++) {
		uint8_t alg = vectors[i].alg;

		assert_true(crypto_dns_alg(alg));
		key = base64(vectors[i].dnskey, kb);
		assert_int_equal(pub_try(alg, kb, key.n), 0);
		assert_int_equal(pub_try(alg, kb, key.n - 1), -EINVAL);
		assert_int_equal(pub_try(alg, kb, key.n + 1), -EINVAL);
		assert_int_equal(pub_try(alg, NULL, 0), -EINVAL);
		if (alg >= 15)
			continue;
		/* not on the curve: y changed, zero, and x beyond the field */
		kb[key.n - 1] ^= 1;
		assert_int_equal(pub_try(alg, kb, key.n), -EINVAL);
		memset(bad, 0, sizeof(bad));
		assert_int_equal(pub_try(alg, bad, key.n), -EINVAL);
		memset(bad, 0xff, sizeof(bad));
		assert_int_equal(pub_try(alg, bad, key.n), -EINVAL);
	}
}

/* --- private keys --- */

static const uint8_t all[] = { 5, 7, 8, 10, 13, 14, 15, 16 };

static void
generated(void **state UNUSED)
{
	static const unsigned bits[] = { 1024, 1024, 1024, 1032, 256, 384, 256, 456 };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct crypto_priv *k = NULL, *again = NULL, *other = NULL;
		struct crypto_pub *pub = NULL;
		struct buf pem = BUF_INIT, pem2 = BUF_INIT;
		uint8_t sig[CRYPTO_DNSSIG_MAX];
		struct crypto_make m = { .data = { SV("head"), SV("records") }, .sig = sig };

		assert_int_equal(crypto_priv_generate(all[i], bits[i], &k), 0);
		assert_int_equal(crypto_pub_new(all[i], crypto_priv_public(k), &pub), 0);
		assert_int_equal(crypto_pub_bits(pub), bits[i]);
		assert_int_equal(crypto_pub_sig_len(pub), crypto_priv_sig_len(k));
		assert_int_equal(crypto_priv_write(k, &pem), 0);
		assert_true(sv_starts(buf_get(&pem), SV("-----BEGIN PRIVATE KEY-----\n")));
		assert_int_equal(crypto_priv_parse(all[i], buf_get(&pem), &again), 0);
		assert_true(sv_eq(crypto_priv_public(k), crypto_priv_public(again)));
		assert_int_equal(crypto_priv_write(again, &pem2), 0);
		assert_true(sv_eq(buf_get(&pem), buf_get(&pem2)));
		assert_int_equal(crypto_make_batch(again, &m, 1), 0);
		assert_true(verifies(all[i], crypto_priv_public(k), SV("headrecords"),
		    sv_of(sig, crypto_priv_sig_len(k))));
		/* It is no key of an algorithm with other numbers. */
		for (size_t o = 0; o < ARRAY_LEN(all); o++)
			if ((all[i] <= 10) != (all[o] <= 10) || (all[i] > 10 && i != o))
				assert_int_equal(crypto_priv_parse(all[o], buf_get(&pem), &other),
				    -EINVAL);
		(void)crypto_pub_free(pub);
		(void)crypto_priv_free(k);
		(void)crypto_priv_free(again);
		buf_wipe(&pem);
		assert_null(pem.p);
		buf_wipe(&pem2);
	}
}

/* As openssl genrsa -traditional wrote it; of 1024 bits, for this test. */
static void
pkcs1(void **state UNUSED)
{
	static const char text[] =
	    "-----BEGIN RSA PRIVATE KEY-----\n"
	    "MIICWwIBAAKBgQC27sDbQKDGFHrGeooE0Eb8xteXLY8WIz1BDhYwQdaWWYjcM2OV\n"
	    "0Uwu7tt6EF9nSk744q5xgZL+l34VgujF+ebwT7EpjeLwD0TwUTmr4plaiDYTzJ9s\n"
	    "bgrrrkZAXcHWJyz3LNUO36yty9mKCdMLn2guX3yO+ky7CYK7xPF98ieavwIDAQAB\n"
	    "AoGAJRihj1S5xbFdfGZZGsTJwHTqP0QD4i9fOpQKt9qCE5cwg8cACN+anWHerBAp\n"
	    "6J5PCXWefnISRwKdlOspHQyiYf0vXGu07bDBrjFBTn83j7A+pi4BhxukpXOPddYB\n"
	    "M8eXaxuywsfMNZFP+ZKoPjMVWlZnV+DBLRwUDDFNkoplzEECQQDnegsT09RnmmyA\n"
	    "vQEkUXyhxi6llH8Llf6lQMBgoke6lihpF2ZCqKd0QpEm4PBGh/wEBlxGhe/bePXW\n"
	    "hpYwQGdvAkEAylAhJypRhO2vQLh2fjZSBNO0rNirQLag+4UlRa9MTLSmtyVIQEQ4\n"
	    "UYzSsiNJeY3DkD9VLjB4jsCvhawN773ZsQJAHFABKtuuDz4EJ3r2uMp+xArJidcv\n"
	    "8urVysCwxyESRPA44SHLkDuwv7ekqWy59uaLHLLqdnXLcLzK1QKBPEWkYQJAeP0s\n"
	    "pnh3YfCnAySNsHMZ38sf3NKCr+PIKEL7BE6Oab0LirGgINbre1GlW2Ug9rGiB6zo\n"
	    "awQPxQdUsLMxbnNyMQJAfLjxBQFZktZiBtpaMZ1PCBTlv/8LXaPPjGK4ocRfhESz\n"
	    "q6Sxdz6722h6ZIkKiAdlAN+hyw0E2q5kLxU3d71AMg==\n"
	    "-----END RSA PRIVATE KEY-----\n";
	static const char locked[] = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
	    "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nMIIC\n-----END RSA PRIVATE KEY-----\n";
	struct crypto_priv *k = NULL;

	assert_int_equal(crypto_priv_parse(8, SV(text), &k), 0);
	assert_int_equal(crypto_priv_sig_len(k), 128);
	k = crypto_priv_free(k);
	assert_int_equal(crypto_priv_parse(13, SV(text), &k), -EINVAL);
	assert_int_equal(crypto_priv_parse(15, SV(text), &k), -EINVAL);
	assert_int_equal(crypto_priv_parse(8, SV(locked), &k), -EINVAL);
}

static void
not_keys(void **state UNUSED)
{
	static const char *const texts[] = {
		"", "\n", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nMEECAQAwEwYHKoZIzj0CAQYI\n-----END PRIVATE KEY-----\n",
		"-----BEGIN EC PRIVATE KEY-----\nMEECAQAwEwYHKoZIzj0CAQYI\n-----END EC PRIVATE KEY-----\n",
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMEECAQAw\n-----END ENCRYPTED PRIVATE KEY-----\n",
	};
	struct crypto_priv *k = NULL;
	uint8_t x[64] = { 0 };
	struct crypto_numbers none = { .private_key = sv_of(x, 32) };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(crypto_priv_parse(13, sv_str(texts[i]), &k), -EINVAL);
	assert_int_equal(crypto_priv_generate(8, 1023, &k), -EINVAL);
	assert_int_equal(crypto_priv_generate(8, 4097, &k), -EINVAL);
	assert_int_equal(crypto_priv_generate(12, 0, &k), -ENOTSUP);
	assert_int_equal(crypto_priv_parse(12, SV("x"), &k), -ENOTSUP);
	assert_int_equal(crypto_priv_import(12, &none, &k), -ENOTSUP);
	/* zero, the order's neighbourhood, wrong lengths */
	assert_int_equal(crypto_priv_import(13, &none, &k), -EINVAL);
	memset(x, 0xff, sizeof(x));
	assert_int_equal(crypto_priv_import(13, &none, &k), -EINVAL);
	none.private_key.n = 33;
	assert_int_equal(crypto_priv_import(13, &none, &k), -EINVAL);
	assert_int_equal(crypto_priv_import(15, &none, &k), -EINVAL);
	none.private_key.n = 0;
	assert_int_equal(crypto_priv_import(13, &none, &k), -EINVAL);
	assert_int_equal(crypto_priv_import(15, &none, &k), -EINVAL);
	assert_int_equal(crypto_priv_import(8, &none, &k), -EINVAL);
	assert_null(k);
}

/* The eight numbers of a key that OpenSSL made. */
struct eight {
	uint8_t	b[8][520];
	size_t	n[8];
};

static void
eight_of(struct eight *x, unsigned bits)
{
	static const char *const names[8] = { "n", "e", "d", "rsa-factor1", "rsa-factor2",
		"rsa-exponent1", "rsa-exponent2", "rsa-coefficient1" };
	EVP_PKEY *pkey = EVP_RSA_gen((size_t)bits);

	assert_non_null(pkey);
	for (size_t i = 0; i < 8; i++) {
		BIGNUM *v = NULL;

		assert_int_equal(EVP_PKEY_get_bn_param(pkey, names[i], &v), 1);
		x->n[i] = (size_t)BN_bn2bin(v, x->b[i]);
		BN_free(v);
	}
	EVP_PKEY_free(pkey);
}

/* Imported with the numbers whose bits are set; what came of it. */
static int
eight_try(const struct eight *x, unsigned with)
{
	struct sv v[8] = { 0 };
	uint8_t sig[CRYPTO_DNSSIG_MAX];
	struct crypto_make m = { .data = { SV("m") }, .sig = sig };
	struct crypto_priv *k = NULL;
	int rc;

	for (size_t i = 0; i < 8; i++)
		if (with >> i & 1)
			v[i] = sv_of(x->b[i], x->n[i]);
	rc = crypto_priv_import(8, &(struct crypto_numbers){ .n = v[0], .e = v[1], .d = v[2],
	    .p = v[3], .q = v[4], .dp = v[5], .dq = v[6], .qinv = v[7] }, &k);
	if (rc < 0)
		return rc;
	assert_int_equal(crypto_make_batch(k, &m, 1), 0);
	assert_true(verifies(8, crypto_priv_public(k), SV("m"), sv_of(sig, crypto_priv_sig_len(k))));
	(void)crypto_priv_free(k);
	return 0;
}

static void
rsa_numbers(void **state UNUSED)
{
	struct eight x;

	eight_of(&x, 1024);
	assert_int_equal(eight_try(&x, 0xff), 0);
	assert_int_equal(eight_try(&x, 0x07), 0);	/* no factors: they are found */
	assert_int_equal(eight_try(&x, 0x1f), 0);	/* factors alone */
	assert_int_equal(eight_try(&x, 0x5f), 0);
	assert_int_equal(eight_try(&x, 0x0f), -EINVAL);	/* one factor */
	assert_int_equal(eight_try(&x, 0xfe), -EINVAL);
	assert_int_equal(eight_try(&x, 0xfd), -EINVAL);
	assert_int_equal(eight_try(&x, 0xfb), -EINVAL);
	/* One octet of any number changed: no key. */
	for (size_t i = 0; i < 8; i++) {
		x.b[i][x.n[i] / 2] ^= 4;
		if (eight_try(&x, 0xff) != -EINVAL)
			fail_msg("number %zu", i);
		if (i < 3)
			assert_int_equal(eight_try(&x, 0x07), -EINVAL);
		x.b[i][x.n[i] / 2] ^= 4;
	}
	/* Swapped factors are the same key with another inverse: not these numbers. */
	assert_int_equal(eight_try(&x, 0xff), 0);
}

/* --- elsewhere: digests, tokens --- */

static void
tbs(void **state UNUSED)
{
	const struct sv data[CRYPTO_PIECES] = { SV("ab"), SV(""), SV("c") };
	static const size_t lens[] = { 20, 20, 32, 64, 32, 48, 3, 3 };
	uint8_t b[64], d[64], sig[CRYPTO_DNSSIG_MAX];

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct crypto_priv *k = NULL;
		struct crypto_make_tbs m = { .tbs = { (char *)b, lens[i] }, .sig = sig };

		assert_int_equal(crypto_tbs_len(all[i], data), lens[i]);
		assert_int_equal(crypto_tbs(all[i], data, b), 0);
		assert_int_equal(crypto_priv_generate(all[i], 1024, &k), 0);
		assert_int_equal(crypto_make_tbs_batch(k, &m, 1), 0);
		assert_true(verifies(all[i], crypto_priv_public(k), SV("abc"),
		    sv_of(sig, crypto_priv_sig_len(k))));
		m.tbs.n--;
		if (all[i] < 15)
			assert_int_equal(crypto_make_tbs_batch(k, &m, 1), -EINVAL);
		(void)crypto_priv_free(k);
	}
	assert_int_equal(crypto_tbs(8, data, b), 0);
	crypto_sha256("abc", 3, d);
	assert_memory_equal(b, d, 32);
	assert_int_equal(crypto_tbs(14, data, b), 0);
	crypto_sha384("abc", 3, d);
	assert_memory_equal(b, d, 48);
	assert_memory_equal(d, "\xcb\x00\x75\x3f\x45\xa3\x5e\x8b", 8);	/* FIPS 180's example */
	assert_int_equal(crypto_tbs(10, data, b), 0);
	crypto_sha512("abc", 3, d);
	assert_memory_equal(b, d, 64);
	assert_memory_equal(d, "\xdd\xaf\x35\xa1\x93\x61\x7a\xba", 8);
	assert_int_equal(crypto_tbs(3, data, b), -ENOTSUP);
	assert_int_equal(crypto_tbs_len(3, data), 0);
}

static void
tokens(void **state UNUSED)
{
	uint8_t in[512], out[512];
	EVP_PKEY *pkey = EVP_RSA_gen(1024);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	struct sv info = crypto_digest_info(8);
	uint8_t key[140] = { 3, 1, 0, 1 }, em[128];
	BIGNUM *n = NULL;
	size_t len = sizeof(in);

	/* r || s as they are, and shorter, as tokens may write them */
	memset(in, 7, sizeof(in));
	assert_int_equal(crypto_sig_wire(13, sv_of(in, 64), out, 64), 0);
	assert_memory_equal(in, out, 64);
	assert_int_equal(crypto_sig_wire(13, sv_of(in, 60), out, 64), 0);
	assert_memory_equal(out, "\0\0\7", 3);
	assert_memory_equal(out + 32, "\0\0\7", 3);
	assert_int_equal(crypto_sig_wire(13, sv_of(in, 63), out, 64), -EINVAL);
	assert_int_equal(crypto_sig_wire(13, sv_of(in, 66), out, 64), -EINVAL);
	assert_int_equal(crypto_sig_wire(13, sv_of(in, 0), out, 64), -EINVAL);
	assert_int_equal(crypto_sig_wire(14, sv_of(in, 64), out, 64), -EINVAL);
	assert_int_equal(crypto_sig_wire(15, sv_of(in, 64), out, 64), 0);
	assert_int_equal(crypto_sig_wire(15, sv_of(in, 63), out, 64), -EINVAL);
	assert_int_equal(crypto_sig_wire(8, sv_of(in, 128), out, 128), 0);
	assert_int_equal(crypto_sig_wire(8, sv_of(in, 127), out, 128), -EINVAL);
	assert_int_equal(crypto_sig_wire(9, sv_of(in, 128), out, 128), -ENOTSUP);
	assert_int_equal(crypto_digest_info(13).n, 0);
	assert_int_equal(crypto_digest_info(9).n, 0);
	/* CKM_RSA_PKCS: padding of type 1 around what it is given */
	memcpy(em, info.p, info.n);
	crypto_sha256("abc", 3, em + info.n);
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, in, &len, em, info.n + 32), 1);
	assert_int_equal(crypto_sig_wire(8, sv_of(in, len), out, 128), 0);
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, "n", &n), 1);
	assert_int_equal(BN_bn2binpad(n, key + 4, 128), 128);
	assert_true(verifies(8, sv_of(key, 132), SV("abc"), sv_of(out, 128)));
	BN_free(n);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

/* Attributes in each of their forms give the octets that the key itself has. */
static void
token_keys(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct crypto_priv *k = NULL;
		struct sv pub;
		uint8_t got[CRYPTO_DNSKEY_MAX], b[256];
		struct crypto_token_key t = { 0 };
		size_t n = 0, form = all[i] == 13 || all[i] == 14 ? 1 : 0;

		assert_int_equal(crypto_priv_generate(all[i], 1024, &k), 0);
		pub = crypto_priv_public(k);
		if (all[i] <= 10) {
			t.exponent = SV("\0\1\0\1");
			b[0] = 0;
			memcpy(b + 1, pub.p + 4, pub.n - 4);
			t.modulus = sv_of(b, pub.n - 3);
			assert_int_equal(crypto_token_public(all[i], &t, got, &n), 0);
			assert_true(sv_eq(sv_of(got, n), pub));
			t.exponent = SV("\1\1\1\1\1\1\1\1\1");
			assert_int_equal(crypto_token_public(all[i], &t, got, &n), -EINVAL);
			(void)crypto_priv_free(k);
			continue;
		}
		b[0] = b[1] = b[2] = 0;
		b[3] = 4;
		memcpy(b + 3 + form, pub.p, pub.n);
		for (size_t head = 0; head <= 3; head += head == 0 ? 2 : 1) {
			if (head == 2) {
				b[1] = 4;
				b[2] = (uint8_t)(pub.n + form);
			} else if (head == 3) {
				b[0] = 3;
				b[1] = (uint8_t)(pub.n + form + 1);
				b[2] = 0;
			}
			t.point = sv_of(b + 3 - head, head + form + pub.n);
			assert_int_equal(crypto_token_public(all[i], &t, got, &n), 0);
			assert_true(sv_eq(sv_of(got, n), pub));
			t.point.n--;
			assert_int_equal(crypto_token_public(all[i], &t, got, &n), -EINVAL);
		}
		if (form == 1) {
			b[3] = 2;
			t.point = sv_of(b + 3, form + pub.n);
			assert_int_equal(crypto_token_public(all[i], &t, got, &n), -EINVAL);
		}
		(void)crypto_priv_free(k);
	}
	assert_int_equal(crypto_token_public(12, &(struct crypto_token_key){ 0 },
	    (uint8_t[CRYPTO_DNSKEY_MAX]){ 0 }, &(size_t){ 0 }), -ENOTSUP);
	assert_int_equal(crypto_token_public(8, &(struct crypto_token_key){ 0 },
	    (uint8_t[CRYPTO_DNSKEY_MAX]){ 0 }, &(size_t){ 0 }), -EINVAL);
}

static void
random_octets(void **state UNUSED)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	assert_int_equal(crypto_random(a, sizeof(a)), 0);
	assert_int_equal(crypto_random(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(crypto_random(a, SIZE_MAX), -EINVAL);
}

/* --- batches and threads --- */

#define N_BATCH		150		/* more than two chunks of one algorithm */

struct shared {
	struct crypto_priv	*priv[8];
	struct crypto_pub	*pub[8];
};

/* Signatures of all algorithms in one batch, every 7th wrong in some way. */
static void *
mixed_run(void *arg)
{
	struct shared *s = arg;
	struct check *c = calloc(N_BATCH, sizeof(*c));
	uint8_t (*sig)[CRYPTO_DNSSIG_MAX] = calloc(N_BATCH, sizeof(*sig));
	char (*text)[16] = calloc(N_BATCH, sizeof(*text));

	for (size_t i = 0; i < N_BATCH; i++) {
		size_t a = i % 20 < 8 ? i % 20 : 4;	/* mostly P-256 */
		struct crypto_make m = { .sig = sig[i] };

		(void)snprintf(text[i], sizeof(text[i]), "%zu", i);
		c[i].alg = all[a];
		c[i].key = s->pub[a];
		c[i].data[1] = m.data[1] = sv_str(text[i]);
		c[i].data[2] = m.data[2] = SV("tail");
		if (crypto_make_batch(s->priv[a], &m, 1) < 0)
			return (void *)1;		/* leaks, as a failed test may */
		if (i % 7 == 0)
			sig[i][i % 3 * 7] ^= 1;
		c[i].sig = sv_of(sig[i], crypto_pub_sig_len(s->pub[a]) - (i % 14 == 1));
	}
	if (check_batch(c, N_BATCH) < 0)
		return (void *)2;
	for (size_t i = 0; i < N_BATCH; i++)
		if (c[i].ok != (i % 7 != 0 && i % 14 != 1))
			return (void *)(3 + i);
	free(c);
	free(sig);
	free(text);
	return NULL;
}

static void
mixed(void **state UNUSED)
{
	struct shared s = { 0 };
	pthread_t t[3];
	void *rc;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		assert_int_equal(crypto_priv_generate(all[i], 1024, &s.priv[i]), 0);
		assert_int_equal(crypto_pub_new(all[i], crypto_priv_public(s.priv[i]), &s.pub[i]), 0);
	}
	assert_int_equal((uintptr_t)mixed_run(&s), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, mixed_run, &s), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(pthread_join(t[i], &rc), 0);
		assert_null(rc);
	}
	assert_int_equal(check_batch(NULL, 0), 0);
	assert_int_equal(crypto_make_batch(s.priv[0], NULL, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		(void)crypto_priv_free(s.priv[i]);
		(void)crypto_pub_free(s.pub[i]);
	}
}

/* Two keys of each algorithm take turns: nothing of one is left for the other. */
static void
turns(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct crypto_priv *k[2] = { NULL };
		struct crypto_pub *pub[2] = { NULL };
		uint8_t sig[2][CRYPTO_DNSSIG_MAX];
		struct check c[6];

		for (size_t j = 0; j < 2; j++) {
			struct crypto_make m = { .data = { SV("x"), SV("y") }, .sig = sig[j] };

			assert_int_equal(crypto_priv_generate(all[i], 1024, &k[j]), 0);
			assert_int_equal(crypto_pub_new(all[i], crypto_priv_public(k[j]), &pub[j]), 0);
			assert_int_equal(crypto_make_batch(k[j], &m, 1), 0);
		}
		/* the first two right, then each key with the other's signature */
		for (size_t j = 0; j < ARRAY_LEN(c); j++)
			c[j] = (struct check){ .alg = all[i], .key = pub[j % 2], .data = { SV("xy") },
			    .sig = sv_of(sig[j / 2 == 1 ? 1 - j % 2 : j % 2],
			    crypto_priv_sig_len(k[0])) };
		assert_int_equal(check_batch(c, ARRAY_LEN(c)), 0);
		for (size_t j = 0; j < ARRAY_LEN(c); j++)
			assert_int_equal(c[j].ok, j / 2 != 1);
		for (size_t j = 0; j < 2; j++) {
			(void)crypto_priv_free(k[j]);
			(void)crypto_pub_free(pub[j]);
		}
	}
}

/*
 * Batches of every size around a chunk: all verify, no r comes twice (two
 * signatures with one nonce tell the key), not even for the same message.
 */
static void
many(void **state UNUSED)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 63, 64, 65, 67, 130 };
	static uint8_t sig[399][96];
	struct crypto_make m[130];
	struct check c[130];

	for (uint8_t alg = 13; alg <= 14; alg++) {
		struct crypto_priv *k = NULL;
		struct crypto_pub *pub = NULL;
		size_t at = 0, half;

		assert_int_equal(crypto_priv_generate(alg, 0, &k), 0);
		assert_int_equal(crypto_pub_new(alg, crypto_priv_public(k), &pub), 0);
		half = crypto_priv_sig_len(k) / 2;
		for (size_t i = 0; i < (alg == 13 ? ARRAY_LEN(sizes) : 4); i++) {
			for (size_t j = 0; j < sizes[i]; j++, at++) {
				m[j] = (struct crypto_make){ .data = { SV("same") }, .sig = sig[at] };
				c[j] = (struct check){ .alg = alg, .key = pub, .data = { SV("same") },
				    .sig = sv_of(sig[at], 2 * half) };
			}
			assert_int_equal(crypto_make_batch(k, m, sizes[i]), 0);
			assert_int_equal(check_batch(c, sizes[i]), 0);
			for (size_t j = 0; j < sizes[i]; j++)
				assert_true(c[j].ok);
		}
		for (size_t i = 0; i < at; i++)
			for (size_t j = 0; j < i; j++)
				assert_memory_not_equal(sig[i], sig[j], half);
		(void)crypto_priv_free(k);
		(void)crypto_pub_free(pub);
	}
}

/* RFC 8017 section 9.2, step 3: eight octets of padding at least. */
static void
encodings(void **state UNUSED)
{
	static const uint8_t algs[] = { 5, 8, 10 };
	uint8_t digest[64], em[128];

	memset(digest, 0xdd, sizeof(digest));
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		const struct dns_alg *a = dns_alg_find(algs[i]);
		const size_t t_len = a->info.n + a->digest_len;

		assert_false(dns_rsa_encode(a, digest, t_len + 10, em));
		assert_true(dns_rsa_encode(a, digest, t_len + 11, em));
		assert_memory_equal(em, "\0\1\xff\xff\xff\xff\xff\xff\xff\xff\0", 11);
		assert_memory_equal(em + 11, a->info.p, a->info.n);
		assert_memory_equal(em + 11 + a->info.n, digest, a->digest_len);
	}
}

TESTS_MAIN("crypto/dnskey",
	T(encodings), T(rfcs), T(rfcs_private), T(rsa_octets), T(other_octets), T(generated), T(pkcs1), T(not_keys),
	T(rsa_numbers), T(tbs), T(tokens), T(token_keys), T(random_octets), T(mixed), T(turns), T(many))
