/* HMAC against the vectors of RFC 2202 (MD5, SHA-1) and RFC 4231 (SHA-2). */
#include "../tap.h"
#include "base/hash.h"
#include "crypto/hmac.h"

#define AA10	"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define AA80	AA10 AA10 AA10 AA10 AA10 AA10 AA10 AA10
#define OB4	"\x0b\x0b\x0b\x0b"
#define LARGE	SV("Test Using Larger Than Block-Size Key - Hash Key First")
#define JEFE	SV("what do ya want for nothing?")

static const struct {
	enum crypto_hmac_alg	 alg;
	struct sv		 key, data;
	const char		*mac;
} vectors[] = {
	{ CRYPTO_HMAC_MD5, SV(OB4 OB4 OB4 OB4), SV("Hi There"), "9294727a3638bb1c13f48ef8158bfc9d" },
	{ CRYPTO_HMAC_MD5, SV("Jefe"), JEFE, "750c783e6ab0b503eaa86e310a5db738" },
	{ CRYPTO_HMAC_MD5, SV(AA80), LARGE, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd" },
	{ CRYPTO_HMAC_SHA1, SV(OB4 OB4 OB4 OB4 OB4), SV("Hi There"),
	    "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ CRYPTO_HMAC_SHA1, SV("Jefe"), JEFE, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
	{ CRYPTO_HMAC_SHA1, SV(AA80), LARGE, "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
	{ CRYPTO_HMAC_SHA224, SV(OB4 OB4 OB4 OB4 OB4), SV("Hi There"),
	    "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22" },
	{ CRYPTO_HMAC_SHA224, SV("Jefe"), JEFE,
	    "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44" },
	{ CRYPTO_HMAC_SHA224, SV(AA80 AA10 AA10 AA10 AA10 AA10 "\xaa"), LARGE,
	    "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e" },
	{ CRYPTO_HMAC_SHA256, SV(OB4 OB4 OB4 OB4 OB4), SV("Hi There"),
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ CRYPTO_HMAC_SHA256, SV("Jefe"), JEFE,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ CRYPTO_HMAC_SHA256, SV(AA80 AA10 AA10 AA10 AA10 AA10 "\xaa"), LARGE,
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ CRYPTO_HMAC_SHA384, SV(OB4 OB4 OB4 OB4 OB4), SV("Hi There"),
	    "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
	    "faea9ea9076ede7f4af152e8b2fa9cb6" },
	{ CRYPTO_HMAC_SHA384, SV("Jefe"), JEFE,
	    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
	    "8e2240ca5e69e2c78b3239ecfab21649" },
	{ CRYPTO_HMAC_SHA384, SV(AA80 AA10 AA10 AA10 AA10 AA10 "\xaa"), LARGE,
	    "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
	    "0c2ef6ab4030fe8296248df163f44952" },
	{ CRYPTO_HMAC_SHA512, SV(OB4 OB4 OB4 OB4 OB4), SV("Hi There"),
	    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
	    "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
	{ CRYPTO_HMAC_SHA512, SV("Jefe"), JEFE,
	    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
	{ CRYPTO_HMAC_SHA512, SV(AA80 AA10 AA10 AA10 AA10 AA10 "\xaa"), LARGE,
	    "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
	    "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
};

static void
known_answers(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		_cleanup_(crypto_hmac_freep) struct crypto_hmac *h = NULL;
		size_t len = crypto_hmac_len(vectors[i].alg);
		uint8_t want[CRYPTO_HMAC_LEN_MAX], got[CRYPTO_HMAC_LEN_MAX];

		if (len == 0)		/* an OpenSSL without MD5 */
			continue;
		assert_int_equal(strlen(vectors[i].mac), 2 * len);
		assert_int_equal(hex_decode(want, len, sv_str(vectors[i].mac)), 0);
		h = crypto_hmac_new(vectors[i].alg, vectors[i].key);
		assert_non_null(h);
		/* Whole, then in pieces, with the same context. */
		crypto_hmac_update(h, vectors[i].data.p, vectors[i].data.n);
		crypto_hmac_final(h, got);
		assert_memory_equal(got, want, len);
		for (size_t at = 0; at < vectors[i].data.n; at++)
			crypto_hmac_update(h, vectors[i].data.p + at, 1);
		crypto_hmac_final(h, got);
		assert_memory_equal(got, want, len);
	}
}

static void
every_algorithm(void **state UNUSED)
{
	bool seen[CRYPTO_HMAC_MAX] = { false };

	for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
		seen[vectors[i].alg] = true;
	for (size_t a = 0; a < CRYPTO_HMAC_MAX; a++)
		assert_true(seen[a]);
}

static void
comparing(void **state UNUSED)
{
	assert_true(crypto_equal("", "", 0));
	assert_true(crypto_equal(NULL, NULL, 0));
	assert_true(crypto_equal("abcd", "abcX", 3));
	assert_false(crypto_equal("abcd", "abcX", 4));
	assert_false(crypto_equal("Xbcd", "abcd", 4));
}

TESTS_MAIN("crypto/hmac", T(known_answers), T(every_algorithm), T(comparing))
