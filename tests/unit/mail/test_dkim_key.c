/* Key records, RSA keys out of DER, and which record of an answer fits a signature. */
#include <errno.h>

#include "../tap.h"
#include "base/base64.h"
#include "mail/dkim.h"

/* RFC 8463 appendix A.2: RSA of 1024 bits; Ed25519. */
#define RSA	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id" \
		"Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ" \
		"/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2Ee" \
		"C3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define ED	"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct {
	const char	*text;
	enum dkim_code	 why;
	const char	*what;
} records[] = {
	{ "v=DKIM1; k=rsa; p=" RSA, DKIM_FINE, "" },
	{ "p=" RSA, DKIM_FINE, "" },
	{ "k=rsa; t=y:s; n=what=20it=20is; p=" RSA "; g=*; x=y;", DKIM_FINE, "" },
	{ "v=DKIM1; h=sha1 : sha256; s=email; p=" RSA, DKIM_FINE, "" },
	{ "v=DKIM1; s=tlsrpt:*; p=" RSA, DKIM_FINE, "" },
	{ "v=DKIM1; k=ed25519; p=" ED, DKIM_FINE, "" },
	{ "v=DKIM1; k=tomorrow; p=!", DKIM_FINE, "" },		/* refused when it is to be used */
	{ "", DKIM_KEY_TAGS, "" },
	{ "v=DKIM1; p=" ED "; p=" ED, DKIM_KEY_TAGS, " p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" },
	{ "v=spf1 -all", DKIM_KEY_VERSION, "v=spf1 -all" },
	{ "v=dkim1; p=" ED, DKIM_KEY_VERSION, "v=dkim1; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" },
	{ "k=ed25519; v=DKIM1; p=", DKIM_KEY_VERSION, "k=ed25519; v=DKIM1; p=" },
	{ "v=DKIM1; k=rsa", DKIM_KEY_MISSING, "p" },
	{ "v=DKIM1; p=", DKIM_KEY_REVOKED, "p" },
	{ "v=DKIM1; k=ed25519; p= ;", DKIM_KEY_REVOKED, "p" },
	{ "v=DKIM1; p=MIG\"fMA", DKIM_KEY_BASE64, "p" },
	{ "v=DKIM1; p=AAAA", DKIM_KEY_DER, "p" },
	{ "v=DKIM1; p=" ED, DKIM_KEY_DER, "p" },
	{ "v=DKIM1; k=ed25519; p=" RSA, DKIM_KEY_DER, "p" },
	{ "v=DKIM1; s=other:tlsrpt; p=" RSA, DKIM_KEY_SERVICE, "other:tlsrpt" },
};

static void
test_records(void **state)
{
	struct pool *pool = pool_new(65536);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct dkim_key k;

		assert_int_equal(dkim_key_parse(pool, sv_str(records[i].text), &k), 0);
		if (k.why != records[i].why || !sv_eq_str(k.what, records[i].what))
			print_message("%s: %.*s\n", records[i].text, SV_ARG(k.what));
		assert_int_equal(k.why, records[i].why);
		assert_true(sv_eq_str(k.what, records[i].what));
	}
	(void)pool_free(pool);
}

static void
test_values(void **state)
{
	struct pool *pool = pool_new(65536);
	struct dkim_key k;

	(void)state;
	assert_int_equal(dkim_key_parse(pool, SV("v=DKIM1; t=s : y; h=sha1; p=" RSA), &k), 0);
	assert_true(k.is_testing && k.is_strict);
	assert_false(k.has_sha256);
	assert_int_equal(k.type, DKIM_KEY_RSA);
	assert_int_equal(k.bits, 1024);
	assert_int_equal(k.public_key.n, 1 + 3 + 128);
	assert_memory_equal(k.public_key.p, "\3\1\0\1\xe4\x1e\x53\x90", 8);
	assert_int_equal(dkim_key_parse(pool, SV("v=DKIM1; k=ed25519; p=" ED), &k), 0);
	assert_false(k.is_testing || k.is_strict);
	assert_true(k.has_sha256);
	assert_int_equal(k.type, DKIM_KEY_ED25519);
	assert_int_equal(k.bits, 256);
	assert_int_equal(k.public_key.n, 32);
	(void)pool_free(pool);
}

/* --- DER --- */

struct numbers {
	size_t		n_len;		/* octets of the modulus, 0xc1 … 0xc1 */
	const char	*e;
	size_t		 e_len;
};

static void
der_head(struct wr *w, uint8_t tag, size_t n)
{
	wr_u8(w, tag);
	if (n >= 0x100) {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)n);
		return;
	}
	if (n >= 0x80)
		wr_u8(w, 0x81);
	wr_u8(w, (uint8_t)n);
}

static size_t
head_len(size_t n)
{
	return n >= 0x100 ? 4 : n >= 0x80 ? 3 : 2;
}

/* RSAPublicKey, with the octet of the sign before the modulus. */
static struct sv
rsa_make(struct numbers k, bool wrapped, uint8_t *room, size_t cap)
{
	static const uint8_t alg[] = { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0 };
	size_t n_part = head_len(k.n_len + 1) + k.n_len + 1, e_part = 2 + k.e_len;
	size_t inner = head_len(n_part + e_part) + n_part + e_part;
	struct wr w = wr_mem(room, cap);

	if (wrapped) {
		der_head(&w, 0x30, sizeof(alg) + head_len(inner + 1) + inner + 1);
		wr_bytes(&w, alg, sizeof(alg));
		der_head(&w, 3, inner + 1);
		wr_u8(&w, 0);
	}
	der_head(&w, 0x30, n_part + e_part);
	der_head(&w, 2, k.n_len + 1);
	wr_u8(&w, 0);
	for (size_t i = 0; i < k.n_len; i++)
		wr_u8(&w, 0xc1);
	der_head(&w, 2, k.e_len);
	wr_bytes(&w, k.e, k.e_len);
	assert_true(wr_done(&w));
	return (struct sv){ (const char *)room, w.len };
}

static const struct {
	struct numbers	 k;
	bool		 ok;
	enum dkim_code	 why;
} sizes[] = {
	{ { 64, "\1\0\1", 3 }, true, DKIM_KEY_SHORT },
	{ { 127, "\1\0\1", 3 }, true, DKIM_KEY_SHORT },
	{ { 128, "\1\0\1", 3 }, true, DKIM_FINE },
	{ { 256, "\3", 1 }, true, DKIM_FINE },
	{ { 512, "\1\0\1", 3 }, true, DKIM_FINE },
	{ { 513, "\1\0\1", 3 }, true, DKIM_KEY_LONG },
	{ { 256, "\1", 1 }, false, DKIM_KEY_DER },
	{ { 256, "\1\0\2", 3 }, false, DKIM_KEY_DER },
	{ { 256, "\1\0\0\0\0\0\0\0\1", 9 }, false, DKIM_KEY_DER },
	{ { 256, "\0\3", 2 }, false, DKIM_KEY_DER },
	{ { 256, "\x83", 1 }, false, DKIM_KEY_DER },
	{ { 256, "", 0 }, false, DKIM_KEY_DER },
};

static void
test_sizes(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	uint8_t room[1024];
	char text[2048] = "v=DKIM1; p=";

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
		size_t n = i / 2;
		struct sv der = rsa_make(sizes[n].k, i % 2 == 0, room, sizeof(room)), key;
		unsigned bits = 0;
		struct dkim_key k;

		assert_int_equal(dkim_key_rsa(pool, der, &key, &bits), sizes[n].ok ? 0 : -EINVAL);
		assert_int_equal(bits, sizes[n].ok ? 8 * sizes[n].k.n_len : 0);
		der.n = base64_encode(text + 11, der.p, der.n) + 11;
		assert_int_equal(dkim_key_parse(pool, (struct sv){ text, der.n }, &k), 0);
		assert_int_equal(k.why, sizes[n].why);
	}
	(void)pool_free(pool);
}

/* Each octet of the frame, another one: no other frame is read. */
static void
test_strict(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	struct sv der, key;
	uint8_t room[512];
	unsigned bits;

	(void)state;
	der = rsa_make((struct numbers){ 256, "\1\0\1", 3 }, true, room, sizeof(room));
	assert_int_equal(dkim_key_rsa(pool, der, &key, &bits), 0);
	for (size_t i = 0; i < 32; i++)		/* up to the sign's octet */
		for (unsigned x = 1; x < 256; x++) {
			room[i] ^= (uint8_t)x;
			assert_int_equal(dkim_key_rsa(pool, der, &key, &bits), -EINVAL);
			room[i] ^= (uint8_t)x;
		}
	room[32] = 0x80;			/* a negative modulus */
	assert_int_equal(dkim_key_rsa(pool, der, &key, &bits), -EINVAL);
	room[32] = 0;
	for (size_t n = 0; n < der.n; n++)
		assert_int_equal(dkim_key_rsa(pool, sv_take(der, n), &key, &bits), -EINVAL);
	room[der.n] = 0;
	assert_int_equal(dkim_key_rsa(pool, (struct sv){ der.p, der.n + 1 }, &key, &bits), -EINVAL);
	/* a length, or a number, in more octets than it needs; one that has no end */
	assert_int_equal(dkim_key_rsa(pool, SV("\x30\x06\x02\x02\0\x85\x02\0"), &key, &bits), -EINVAL);
	assert_int_equal(dkim_key_rsa(pool, SV("\x30\x07\x02\x02\0\x85\x02\1\3"), &key, &bits), -EINVAL);
	assert_int_equal(dkim_key_rsa(pool, SV("\x30\x08\x02\x03\0\x85\x85\x02\1\3"), &key, &bits), 0);
	assert_int_equal(bits, 16);
	assert_int_equal(dkim_key_rsa(pool, SV("\x30\x81\x08\x02\x03\0\x85\x85\x02\1\3"), &key, &bits), -EINVAL);
	assert_int_equal(dkim_key_rsa(pool, SV("\x30\x82\0\x08\x02\x03\0\x85\x85\x02\1\3"), &key, &bits), -EINVAL);
	assert_int_equal(dkim_key_rsa(pool, SV("\x30\x80\x02\x03\0\x85\x85\x02\1\3\0\0"), &key, &bits), -EINVAL);
	assert_int_equal(dkim_key_rsa(pool, SV("\x30\x07\x02\x02\x45\x85\x02\1\3"), &key, &bits), 0);
	assert_int_equal(bits, 15);
	(void)pool_free(pool);
}

/* --- answers --- */

#define FINE_RSA	"v=DKIM1; p=" RSA
#define FINE_ED		"v=DKIM1; k=ed25519; p=" ED

static const struct {
	const char	*texts[6];
	enum dkim_alg	 alg;
	bool		 below;		/* i= is below d= */
	enum dkim_code	 why;
	size_t		 n, n_records;
} answers[] = {
	{ { FINE_RSA }, DKIM_RSA_SHA256, false, DKIM_FINE, 1, 1 },
	{ { FINE_RSA }, DKIM_RSA_SHA256, true, DKIM_FINE, 1, 1 },
	{ { FINE_ED }, DKIM_ED25519_SHA256, false, DKIM_FINE, 1, 1 },
	{ { FINE_ED }, DKIM_RSA_SHA256, false, DKIM_KEY_TYPE, 0, 1 },
	{ { FINE_RSA }, DKIM_ED25519_SHA256, false, DKIM_KEY_TYPE, 0, 1 },
	{ { "v=DKIM1; k=x; p=AQID" }, DKIM_RSA_SHA256, false, DKIM_KEY_TYPE, 0, 1 },
	{ { "v=DKIM1; h=sha1; p=" RSA }, DKIM_RSA_SHA256, false, DKIM_KEY_HASH, 0, 1 },
	{ { "v=DKIM1; t=s; p=" RSA }, DKIM_RSA_SHA256, true, DKIM_KEY_STRICT, 0, 1 },
	{ { "v=DKIM1; t=s; p=" RSA }, DKIM_RSA_SHA256, false, DKIM_FINE, 1, 1 },
	{ { "v=spf1 -all" }, DKIM_RSA_SHA256, false, DKIM_KEY_VERSION, 0, 0 },
	{ { "v=spf1 -all", FINE_RSA }, DKIM_RSA_SHA256, false, DKIM_FINE, 1, 1 },
	{ { FINE_RSA, "v=spf1 -all" }, DKIM_RSA_SHA256, false, DKIM_FINE, 1, 1 },
	{ { "v=spf1 -all", "v=DKIM1; p=" }, DKIM_RSA_SHA256, false, DKIM_KEY_REVOKED, 0, 1 },
	{ { "v=DKIM1; p=", "v=spf1 -all" }, DKIM_RSA_SHA256, false, DKIM_KEY_REVOKED, 0, 1 },
	{ { "v=DKIM1; p=", FINE_RSA }, DKIM_RSA_SHA256, false, DKIM_FINE, 1, 2 },
	{ { FINE_ED, FINE_RSA, FINE_RSA }, DKIM_RSA_SHA256, false, DKIM_FINE, 2, 3 },
	{ { FINE_RSA, FINE_RSA, FINE_RSA, FINE_RSA, FINE_RSA }, DKIM_RSA_SHA256, false, DKIM_FINE, DKIM_KEYS_MAX, 5 },
};

static void
answer_make(struct pool *pool, const char *const *texts, struct mail_answer *ret)
{
	struct sv *data = pool_calloc(pool, 6, sizeof(*data));

	*ret = (struct mail_answer){ .rcode = MAIL_DNS_FOUND, .rdata = data };
	for (; texts[ret->n] != NULL; ret->n++) {
		struct sv left = sv_str(texts[ret->n]);
		struct wr w = wr_mem(pool_alloc(pool, left.n + 8), left.n + 8);

		while (left.n > 0) {
			size_t n = min_size(left.n, 255);

			wr_u8(&w, (uint8_t)n);
			wr_bytes(&w, left.p, n);
			left = sv_skip(left, n);
		}
		data[ret->n] = (struct sv){ (const char *)w.buf, w.len };
	}
}

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct dkim_sig s = { .alg = answers[i].alg };
		struct pool *pool = pool_new(1 << 20);
		struct mail_answer a;
		struct dkim_keys ks;

		answer_make(pool, answers[i].texts, &a);
		assert_int_equal(mail_name(SV("example.jp"), &s.domain_name), 0);
		assert_int_equal(mail_name(answers[i].below ? SV("a.example.jp") : SV("example.jp"), &s.identity_name), 0);
		assert_int_equal(dkim_keys_find(pool, &a, &s, &ks), 0);
		assert_int_equal(ks.why, answers[i].why);
		assert_int_equal(ks.n, answers[i].n);
		assert_int_equal(ks.n_records, answers[i].n_records);
		(void)pool_free(pool);
	}
}

static void
test_no_answer(void **state)
{
	const struct mail_answer none = { .rcode = MAIL_DNS_NXDOMAIN }, failed = { .rcode = MAIL_DNS_FAILED };
	struct pool *pool = pool_new(4096);
	const struct dkim_sig s = { .alg = DKIM_RSA_SHA256 };
	struct dkim_keys ks;

	(void)state;
	assert_int_equal(dkim_keys_find(pool, &none, &s, &ks), 0);
	assert_int_equal(ks.why, DKIM_KEY_NONE);
	assert_int_equal(dkim_keys_find(pool, &failed, &s, &ks), 0);
	assert_int_equal(ks.why, DKIM_KEY_DNS);
	(void)pool_free(pool);
}

static void
test_limits(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	char *text = pool_alloc(pool, DKIM_RECORD_MAX + 1);
	struct mail_answer a;
	struct dkim_keys ks;
	struct dkim_key k;
	struct sv data[DKIM_RECORDS_MAX + 1];
	const char *const texts[] = { FINE_RSA, "v=spf1 -all", NULL };
	const struct dkim_sig s = { .alg = DKIM_RSA_SHA256 };

	(void)state;
	memset(text, ' ', DKIM_RECORD_MAX + 1);
	memcpy(text, FINE_RSA, strlen(FINE_RSA));
	assert_int_equal(dkim_key_parse(pool, (struct sv){ text, DKIM_RECORD_MAX }, &k), 0);
	assert_int_equal(k.why, DKIM_FINE);
	assert_int_equal(dkim_key_parse(pool, (struct sv){ text, DKIM_RECORD_MAX + 1 }, &k), 0);
	assert_int_equal(k.why, DKIM_KEY_TAGS);
	answer_make(pool, texts, &a);
	for (size_t i = 0; i < DKIM_RECORDS_MAX; i++)
		data[i] = a.rdata[1];
	data[DKIM_RECORDS_MAX] = a.rdata[0];
	a.rdata = data;
	a.n = DKIM_RECORDS_MAX + 1;
	assert_int_equal(dkim_keys_find(pool, &a, &s, &ks), 0);
	assert_int_equal(ks.why, DKIM_KEY_VERSION);
	(void)pool_free(pool);
	pool = pool_new(100);
	assert_int_equal(dkim_key_parse(pool, SV(FINE_RSA), &k), -ENOMEM);
	(void)pool_free(pool);
}

TESTS_MAIN("dkim_key", T(test_records), T(test_values), T(test_sizes), T(test_strict), T(test_answers),
    T(test_no_answer), T(test_limits))
