/* Where crypto_wipe_freed() was called, no block is given back with a key in it. */
#include "dnskey_kit.h"

#include <malloc.h>

void	 __real_free(void *);
void	 __wrap_free(void *);

#define PART	12
static uint8_t secret[2][PART];		/* big-endian, and as the words of a BIGNUM lie */
static bool watching;
static unsigned found, seen;

void
__wrap_free(void *p)
{
	size_t n = p == NULL || !watching ? 0 : malloc_usable_size(p);

	for (size_t i = 0; i < 2; i++)
		if (n >= PART && memmem(p, n, secret[i], PART) != NULL)
			found++;
	seen += n > 0;
	__real_free(p);
}

static void
wiped(void **state UNUSED)
{
	uint8_t number[32] = "a number below the order, secret", sig[64];
	const struct crypto_numbers x = { .private_key = { (char *)number, 32 } };
	struct crypto_make m[4];
	struct crypto_priv *k = NULL, *again = NULL;
	struct buf pem = BUF_INIT;
	char *copy;

	memcpy(secret[0], number + 4, PART);
	for (size_t i = 0; i < PART; i++)
		secret[1][i] = secret[0][PART - 1 - i];
	watching = true;
	/* that it sees */
	assert_non_null(copy = malloc(64));
	memcpy(copy + 3, secret[0], PART);
	__wrap_free(copy);
	assert_int_equal(found, 1);
	found = seen = 0;
	for (size_t i = 0; i < 4; i++)
		m[i] = (struct crypto_make){ .data = { SV("x") }, .sig = sig };
	assert_int_equal(crypto_priv_import(13, &x, &k), 0);
	assert_int_equal(crypto_priv_write(k, &pem), 0);
	assert_int_equal(crypto_priv_parse(13, buf_get(&pem), &again), 0);
	assert_int_equal(crypto_make_batch(again, m, 4), 0);
	assert_int_equal(crypto_make_batch(again, m, 1), 0);
	assert_true(verifies(13, crypto_priv_public(k), SV("x"), sv_of(sig, 64)));
	(void)crypto_priv_free(k);
	(void)crypto_priv_free(again);
	buf_wipe(&pem);
	watching = false;
	assert_true(seen > 1000);	/* OpenSSL's blocks come by here */
	assert_int_equal(found, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(wiped) };

	if (crypto_wipe_freed() < 0)
		return 99;
	return cmocka_run_group_tests_name("crypto/dnskey_wipe", tests, NULL, NULL);
}
