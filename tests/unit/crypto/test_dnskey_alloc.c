/*
 * Memory that runs out at the n-th request (ours are wrapped by the linker,
 * OpenSSL's come through its hooks): "could not", never "is not", no crash.
 * And memory that is given back: no private key is in it.
 */
#include "dnskey_kit.h"
#include "crypto/p256.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

void	*__real_malloc(size_t);
void	*__real_calloc(size_t, size_t);
void	*__real_aligned_alloc(size_t, size_t);
void	*__real_realloc(void *, size_t);
void	 __real_free(void *);
void	*__wrap_malloc(size_t);
void	*__wrap_calloc(size_t, size_t);
void	*__wrap_aligned_alloc(size_t, size_t);
void	*__wrap_realloc(void *, size_t);
void	 __wrap_free(void *);

static unsigned long left;	/* 0: never fails */
static bool lasting;		/* all behind the n-th fail too */
static bool hit;
/* What may not be in what is freed: a part of a key, forwards and backwards. */
#define PART	12
static uint8_t secret[2][PART];
static bool watching;
static unsigned found, found_ssl;	/* in our blocks, in OpenSSL's */

static bool
fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	if (lasting)
		left = 1;
	hit = true;
	return true;
}

static void
look(void *p, unsigned *count)
{
	size_t n = p == NULL || !watching ? 0 : malloc_usable_size(p);

	for (size_t i = 0; i < 2; i++)
		if (n >= PART && memmem(p, n, secret[i], PART) != NULL)
			(*count)++;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_aligned_alloc(size_t align, size_t n)
{
	return fails() ? NULL : __real_aligned_alloc(align, n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

/* Always to another place, so that what is left behind is seen. */
static void *
moved(void *p, size_t n, unsigned *count)
{
	void *to;

	if (fails())
		return NULL;
	if (!watching || p == NULL)
		return __real_realloc(p, n);
	if ((to = __real_malloc(n)) != NULL) {
		memcpy(to, p, malloc_usable_size(p) < n ? malloc_usable_size(p) : n);
		look(p, count);
		__real_free(p);
	}
	return to;
}

void *
__wrap_realloc(void *p, size_t n)
{
	return moved(p, n, &found);
}

void
__wrap_free(void *p)
{
	look(p, &found);
	__real_free(p);
}

static void *
ssl_malloc(size_t n, const char *file UNUSED, int line UNUSED)
{
	return fails() ? NULL : __real_malloc(n);
}

static void *
ssl_realloc(void *p, size_t n, const char *file UNUSED, int line UNUSED)
{
	return moved(p, n, &found_ssl);
}

static void
ssl_free(void *p, const char *file UNUSED, int line UNUSED)
{
	look(p, &found_ssl);
	__real_free(p);
}

/* --- requests that fail --- */

struct job {
	uint8_t			 alg;
	struct crypto_priv	*priv;
	struct crypto_pub	*pub;
	struct sv		 pem;
	struct crypto_numbers	 numbers;
	uint8_t			 sig[CRYPTO_DNSSIG_MAX];
};

/* Each run: 0, or what it could not. */
static int
run_make(struct job *j)
{
	uint8_t sig[3][CRYPTO_DNSSIG_MAX];
	struct crypto_make m[3];
	const struct sv ab[CRYPTO_PIECES] = { SV("ab") };
	unsigned long was;
	int rc;

	for (size_t i = 0; i < 3; i++)
		m[i] = (struct crypto_make){ .data = { SV("a"), SV("b") }, .sig = sig[i] };
	if ((rc = crypto_make_batch(j->priv, m, 3)) < 0)
		return rc;
	was = left;
	left = 0;
	for (size_t i = 0; i < 3; i++) {
		if (crypto_verify_one(j->pub, ab, sv_of(sig[i], crypto_priv_sig_len(j->priv))) != 1)
			fail_msg("algorithm %u, request %lu: a wrong signature", j->alg, was);
	}
	left = was;
	return 0;
}

static int
run_check(struct job *j)
{
	struct check c[3];
	int rc;

	for (size_t i = 0; i < 3; i++)
		c[i] = (struct check){ .alg = j->alg, .key = j->pub, .ok = true,
		    .sig = sv_of(j->sig, crypto_pub_sig_len(j->pub)),
		    .data = { SV("a"), i == 1 ? SV("x") : SV("b") } };
	rc = check_batch(c, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(c[i].ok, rc == 0 && i != 1);
	return rc;
}

/* With a key that nobody made: RSA/SHA-256 by its modulus. */
static int
run_fresh(struct job *j)
{
	struct sv field = crypto_priv_public(j->priv);	/* RFC 3110: 3, 65537, the modulus */
	uint8_t digest[2][SHA256_LEN];
	struct crypto_verify v[2];
	int rc;

	for (size_t i = 0; i < 2; i++) {
		crypto_sha256(i == 0 ? "ab" : "ax", 2, digest[i]);
		v[i] = (struct crypto_verify){ .modulus = sv_skip(field, 4), .exponent = 65537,
		    .tbs = sv_of(digest[i], SHA256_LEN), .sig = sv_of(j->sig, field.n - 4) };
	}
	rc = crypto_verify_batch(v, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(v[i].ok, rc == 0 && i == 0);
	return rc;
}

static int
run_pub(struct job *j)
{
	struct crypto_pub *k = NULL;
	int rc = crypto_pub_new(j->alg, crypto_priv_public(j->priv), &k);

	assert_int_equal(k != NULL, rc == 0);
	(void)crypto_pub_free(k);
	return rc;
}

static int
run_parse(struct job *j)
{
	struct crypto_priv *k = NULL;
	int rc = crypto_priv_parse(j->alg, j->pem, &k);

	assert_int_equal(k != NULL, rc == 0);
	(void)crypto_priv_free(k);
	return rc;
}

static int
run_import(struct job *j)
{
	struct crypto_priv *k = NULL;
	int rc = crypto_priv_import(j->alg, &j->numbers, &k);

	assert_int_equal(k != NULL, rc == 0);
	(void)crypto_priv_free(k);
	return rc;
}

static int
run_write(struct job *j)
{
	struct buf b = BUF_INIT;
	int rc = crypto_priv_write(j->priv, &b);

	if (rc == 0)
		assert_true(sv_eq(buf_get(&b), j->pem));
	buf_wipe(&b);
	return rc;
}

/* The n-th request fails, for every n up to forty, then for some. */
static unsigned long
each(const char *name, int (*run)(struct job *), struct job *j)
{
	unsigned long n = 0;

	assert_int_equal(run(j), 0);	/* what OpenSSL keeps for ever is there now */
	do {
		int rc;

		n += 1 + n / 40;
		left = n;
		hit = false;
		rc = run(j);
		left = 0;
		/* OpenSSL's decoders do not always tell why they made no key of it. */
		if (rc > 0 || rc == -ENOTSUP ||
		    (rc == -EINVAL && run != run_parse && run != run_import))
			fail_msg("%s, algorithm %u, request %lu: %d is no answer", name, j->alg, n, rc);
		ERR_clear_error();
	} while (hit);
	return n;
}

/* By each way that there is; a key with a table asks for nothing. */
static void
each_way(const char *name, int (*run)(struct job *), struct job *j)
{
	enum crypto_path was = crypto_path();

	for (unsigned p = 0; p < CRYPTO_PATH_MAX; p++)
		if (crypto_path_force(p) == 0)
			printf("# %s, %s: %lu requests\n", name, crypto_path_name(p), each(name, run, j));
	assert_int_equal(crypto_path_force(was), 0);
}

static uint8_t number_room[4][CRYPTO_DNSSIG_MAX];

/* The numbers of the key in a PEM text, by OpenSSL. */
static struct crypto_numbers
numbers_of(struct sv pem)
{
	static const char *const names[] = { "n", "e", "d", "priv" };
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	struct sv v[4] = { 0 };

	assert_non_null(k);
	for (size_t i = 0; i < 4; i++) {
		BIGNUM *x = NULL;

		v[i] = sv_of(number_room[i], 0);
		if (EVP_PKEY_get_bn_param(k, names[i], &x) == 1)
			v[i].n = (size_t)BN_bn2bin(x, number_room[i]);
		BN_clear_free(x);
	}
	if (v[0].n == 0 && v[3].n == 0) {
		v[3].n = CRYPTO_DNSSIG_MAX;
		assert_int_equal(EVP_PKEY_get_raw_private_key(k, number_room[3], &v[3].n), 1);
	}
	ERR_clear_error();
	EVP_PKEY_free(k);
	BIO_free(bio);
	return (struct crypto_numbers){ .n = v[0], .e = v[1], .d = v[2], .private_key = v[3] };
}

static struct job
job_of(uint8_t alg, struct buf *pem)
{
	struct job j = { .alg = alg };
	struct crypto_make m = { .data = { SV("ab") } };

	assert_int_equal(crypto_priv_generate(alg, 1024, &j.priv), 0);
	assert_int_equal(crypto_pub_new(alg, crypto_priv_public(j.priv), &j.pub), 0);
	assert_int_equal(crypto_priv_write(j.priv, pem), 0);
	j.pem = buf_get(pem);
	j.numbers = numbers_of(j.pem);
	m.sig = j.sig;
	assert_int_equal(crypto_make_batch(j.priv, &m, 1), 0);
	return j;
}

static void
no_memory(void **state UNUSED)
{
	static const uint8_t algs[] = { 8, 13, 15 };

	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		struct buf pem = BUF_INIT;
		struct job j = job_of(algs[i], &pem);

		lasting = true;
		(void)each("make", run_make, &j);
		each_way("check", run_check, &j);
		if (algs[i] == 8)
			(void)each("fresh", run_fresh, &j);
		lasting = false;
		if (algs[i] == 8)
			printf("# fresh %lu requests\n", each("fresh", run_fresh, &j));
		each_way("check", run_check, &j);
		printf("# %u: make %lu", algs[i], each("make", run_make, &j));
		printf(", pub %lu", each("pub", run_pub, &j));
		printf(", parse %lu", each("parse", run_parse, &j));
		printf(", write %lu", each("write", run_write, &j));
		printf(", import %lu requests\n", each("import", run_import, &j));
		(void)crypto_priv_free(j.priv);
		(void)crypto_pub_free(j.pub);
		buf_wipe(&pem);
	}
}

/* --- what is given back --- */

static void
watch(struct sv number)
{
	assert_true(number.n >= 2 * PART);
	memcpy(secret[0], number.p + PART / 2, PART);
	for (size_t i = 0; i < PART; i++)
		secret[1][i] = secret[0][PART - 1 - i];	/* as words of BIGNUMs lie */
	found = found_ssl = 0;
	watching = true;
}

static void
nothing_left(void **state UNUSED)
{
	static const uint8_t algs[] = { 8, 13, 14, 15, 16 };

	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		struct buf pem = BUF_INIT, again = BUF_INIT;
		struct job j = job_of(algs[i], &pem);
		struct crypto_priv *k = NULL;
		char *copy;

		/* that the watch sees at all */
		watch(algs[i] == 8 ? j.numbers.d : j.numbers.private_key);
		assert_non_null(copy = __wrap_malloc(64));	/* no malloc() that is optimized away */
		memcpy(copy + 5, secret[1], PART);
		__wrap_free(copy);
		assert_int_equal(found, 1);
		found = 0;
		assert_int_equal(crypto_priv_parse(j.alg, j.pem, &k), 0);
		assert_int_equal(run_make(&(struct job){ .alg = j.alg, .priv = k, .pub = j.pub }), 0);
		assert_int_equal(crypto_priv_write(k, &again), 0);
		buf_wipe(&again);
		(void)crypto_priv_free(k);
		printf("# %u: parse, sign and write: OpenSSL leaves %u", algs[i], found_ssl);
		assert_int_equal(crypto_priv_import(j.alg, &j.numbers, &k), 0);
		(void)crypto_priv_free(k);
		(void)crypto_priv_free(j.priv);
		printf(", with import %u\n", found_ssl);
		assert_int_equal(found, 0);
		watching = false;
		(void)crypto_pub_free(j.pub);
		buf_wipe(&pem);
	}
}

/* A table, and room to compute it in. */
static void
no_table(void **state UNUSED)
{
	struct p256_table *t = NULL;

	for (unsigned n = 1; n <= 2; n++) {
		left = n;
		assert_int_equal(p256_table_new(NULL, false, &t), -ENOMEM);
		assert_int_equal(left, 0);
		assert_null(t);
	}
	assert_int_equal(p256_table_new(NULL, false, &t), 0);
	(void)p256_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(no_memory), T(no_table), T(nothing_left) };

	/* Before OpenSSL's first request, or it refuses. */
	if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
		return 99;
	return cmocka_run_group_tests_name("crypto/dnskey_alloc", tests, NULL, NULL);
}
