/* Keys of a token: made, listed, found, used, deleted. */
#include "hsm_kit.h"

static struct kit kit;

static int
setup(void **state)
{
	kit_reset(&kit);
	*state = kit_open(&kit, 2);
	return *state == NULL;
}

static int
teardown(void **state)
{
	(void)hsm_free(*state);
	return 0;
}

/* Each kind: made in the token, its public half is a DNSKEY's, its signatures verify. */
static void
test_kinds(void **state)
{
	struct hsm *h = *state;

	for (unsigned kind = 0; kind < HSM_KIND_MAX; kind++) {
		_cleanup_(hsm_key_freep) struct hsm_key *key = NULL;
		_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;

		assert_int_equal(hsm_generate(h, kind, 2048, SV("a zone's key"), &key), 0);
		assert_int_equal(hsm_key_info(key)->kind, kind);
		assert_int_equal(hsm_key_info(key)->id.n, 16);
		assert_true(sv_eq(hsm_key_info(key)->label, SV("a zone's key")));
		pub = kit_public(key);
		assert_non_null(pub);
		if (kind == HSM_RSA)
			assert_int_equal(crypto_pub_bits(pub), 2048);
		assert_int_equal(kit_sign(h, key, pub, 7), 0);
		hsm_key_check(key, &kit.fs);
		assert_null(kit.fs.head);
		assert_int_equal(hsm_key_delete(h, key), 0);
	}
}

static void
test_uri(void **state)
{
	_cleanup_(hsm_key_freep) struct hsm_key *a = NULL, *b = NULL, *c = NULL;
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	_cleanup_(buf_done) struct buf uri = BUF_INIT;
	struct hsm *h = *state;

	assert_int_equal(hsm_generate(h, HSM_P256, 0, SV("b%/ ;\xe9\x96\xa2"), &a), 0);
	hsm_key_uri(h, a, &uri);
	buf_char(&uri, '\0');
	assert_true(sv_starts(buf_get(&uri), SV("pkcs11:token=zones;serial=")));
	assert_int_equal(hsm_key_open(h, uri.p, &b), 0);
	assert_true(sv_eq(hsm_key_info(a)->id, hsm_key_info(b)->id));
	/* The one is verified with the other's public half. */
	pub = kit_public(b);
	assert_int_equal(kit_sign(h, a, pub, 1), 0);

	/* By its label, and then with it in the URI. */
	assert_int_equal(hsm_key_open(h, "pkcs11:object=b%25%2F%20%3B%E9%96%A2", &c), 0);
	uri.len = 0;
	hsm_key_uri(h, c, &uri);
	buf_char(&uri, '\0');
	assert_non_null(strstr(uri.p, ";object=b%25%2F%20%3B%E9%96%A2;type=private"));
	c = hsm_key_free(c);
	assert_int_equal(hsm_key_open(h, uri.p, &c), 0);
	assert_int_equal(kit_sign(h, c, pub, 1), 0);

	c = hsm_key_free(c);
	assert_int_equal(hsm_key_open(h, "pkcs11:token=zones", &c), -EINVAL);
	assert_int_equal(hsm_key_open(h, "pkcs11:id=%01?pin-value=1", &c), -EINVAL);
	assert_int_equal(hsm_key_delete(h, a), 0);
}

/* What a key is taken for never depends on chance. */
static void
test_two_alike(void **state)
{
	_cleanup_(hsm_key_freep) struct hsm_key *a = NULL, *b = NULL, *c = NULL;
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	struct hsm *h = *state;

	assert_int_equal(hsm_generate(h, HSM_P256, 0, SV("alike"), &a), 0);
	assert_int_equal(hsm_generate(h, HSM_P256, 0, SV("alike"), &b), 0);
	assert_false(sv_eq(hsm_key_info(a)->id, hsm_key_info(b)->id));
	assert_int_equal(hsm_key_open(h, "pkcs11:object=alike", &c), -ENOTUNIQ);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_KEY_MANY");
	assert_int_equal(hsm_key_delete(h, a), 0);
	assert_int_equal(hsm_key_open(h, "pkcs11:object=alike", &c), 0);
	assert_false(hsm_trouble(h, &kit.fs));
	assert_int_equal(hsm_key_delete(h, b), 0);
	/* A key that is gone: not there, however often one looks. */
	assert_non_null(pub = kit_public(c));
	assert_int_equal(kit_sign(h, c, pub, 1), -ENOENT);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_KEY_ABSENT");
}

static size_t
n_keys(struct hsm *h)
{
	struct hsm_key_info *keys;
	size_t n;

	assert_int_equal(hsm_list(h, kit.pool, &keys, &n), 0);
	return n;
}

/* Both halves go. */
static void
test_list(void **state)
{
	_cleanup_(hsm_key_freep) struct hsm_key *a = NULL, *b = NULL;
	struct hsm *h = *state;
	CK_OBJECT_HANDLE found[8];
	struct hsm_key_info *keys;
	size_t n, seen = 0;

	assert_int_equal(n_keys(h), 0);
	assert_int_equal(hsm_generate(h, HSM_P256, 0, SV("one"), &a), 0);
	assert_int_equal(hsm_generate(h, HSM_ED25519, 0, SV("two"), &b), 0);
	assert_int_equal(hsm_list(h, kit.pool, &keys, &n), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		seen += (keys[i].kind == HSM_P256 && sv_eq(keys[i].label, SV("one")) &&
		    sv_eq(keys[i].id, hsm_key_info(a)->id)) ||
		    (keys[i].kind == HSM_ED25519 && sv_eq(keys[i].label, SV("two")));
	assert_int_equal(seen, 2);
	assert_int_equal(hsm_key_delete(h, a), 0);
	assert_int_equal(n_keys(h), 1);
	assert_int_equal(hsm_key_halves(h, &h->session[0], a, CKO_PUBLIC_KEY, found, 8, &n), CKR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(hsm_key_delete(h, b), 0);
	assert_int_equal(n_keys(h), 0);
}

/* A key that somebody else has put there, with attributes of his own. */
static void
foreign_make(struct hsm *h, const char *params, size_t params_len, char id, CK_BBOOL leaves)
{
	CK_BBOOL yes = 1, no = 0;
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE a, b;
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_ATTRIBUTE pub[] = { { CKA_EC_PARAMS, (void *)(uintptr_t)params, params_len },
		{ CKA_TOKEN, &yes, 1 }, { CKA_ID, &id, 1 } };
	CK_ATTRIBUTE priv[] = { { CKA_TOKEN, &yes, 1 }, { CKA_ID, &id, 1 }, { CKA_SIGN, &yes, 1 },
		{ CKA_PRIVATE, &yes, 1 }, { CKA_EXTRACTABLE, &leaves, 1 },
		{ CKA_SENSITIVE, leaves ? &no : &yes, 1 } };

	assert_int_equal(h->f->C_OpenSession(h->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
	    &s), CKR_OK);
	(void)h->f->C_Login(s, CKU_USER, (CK_BYTE *)(uintptr_t)PIN, strlen(PIN));
	assert_int_equal(h->f->C_GenerateKeyPair(s, &m, pub, 3, priv, 6, &a, &b), CKR_OK);
	assert_int_equal(h->f->C_CloseSession(s), CKR_OK);
}

static void
test_foreign(void **state)
{
	_cleanup_(hsm_key_freep) struct hsm_key *key = NULL;
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	struct hsm *h = *state;

	/* P-521 */
	foreign_make(h, "\x06\x05\x2b\x81\x04\x00\x23", 7, 1, 0);
	assert_int_equal(hsm_key_open(h, "pkcs11:id=%01", &key), -ENOTSUP);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_KEY_KIND");
	/* P-256, and it may be taken out. */
	foreign_make(h, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, 2, 1);
	assert_int_equal(hsm_key_open(h, "pkcs11:id=%02", &key), 0);
	hsm_key_check(key, &kit.fs);
	kit_expect(&kit, "HSM_KEY_LEAVES");
	/* Another one comes under the same id: from then on neither signs. */
	foreign_make(h, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, 2, 1);
	for (unsigned i = 0; i < h->n_sessions; i++)
		h->session[i].gen = ++h->gen;
	assert_non_null(pub = kit_public(key));
	assert_int_equal(kit_sign(h, key, pub, 1), -ENOTUNIQ);
	assert_int_equal(hsm_key_delete(h, key), -ENOTUNIQ);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_KEY_MANY");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uri, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_alike, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
	};
	const char *skip = kit_begin(&kit, argc > 1 ? argv[1] : "");
	int rc;

	if (skip != NULL) {
		printf("1..0 # SKIP %s\n", skip);
		return 0;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_end(&kit);
	return rc;
}
