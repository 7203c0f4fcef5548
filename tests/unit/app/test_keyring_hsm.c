/* Keys in a token: what is published is what signs, at the start and later. */
#include "hsm_kit.h"
#include "../check_kit.h"

#include "app/keyring_hsm.h"
#include "app/zone_findings.h"
#include "dns/dns.h"

#define NOW	1795305600	/* 2026-11-22 */

static struct kit kit;
static struct dname apex;
static struct hsm_opts opts;

static int
setup(void **state UNUSED)
{
	kit_reset(&kit);
	return 0;
}

static const struct finding *
find(const char *code)
{
	for (const struct finding *f = kit.fs.head; f != NULL; f = f->next)
		if (strcmp(f->def->code, code) == 0)
			return f;
	return NULL;
}

static struct keyring *
ring_read(const char *dir)
{
	struct keyring *r = NULL;

	assert_int_equal(keyring_read(dir, &apex, &kit.fs, &r), 0);
	return r;
}

static const char *
folder(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", kit.dir, name);
	(void)mkdir(path, 0700);
	return path;
}

static struct keyring_hsm *
hsm_ring(struct keyring *r)
{
	struct keyring_hsm *kh = NULL;

	assert_int_equal(keyring_hsm_open(r, &opts, &kit.fs, &kh), 0);
	return kh;
}

/* Many at once, by sign_fn: each verifies. */
static void
sign_check(struct keyring_hsm *kh, const struct keyring_key *k)
{
	enum { N = 150 };
	uint8_t sig[N][CRYPTO_DNSSIG_MAX], text[N][4];
	struct crypto_make m[N];
	struct check c[N];
	struct crypto_pub *pub;
	struct sign_key key;
	struct dnskey dnskey;

	assert_int_equal(dnskey_parse(k->rdata, &dnskey), 0);
	assert_int_equal(crypto_pub_new(dnskey.alg, dnskey.public_key, &pub), 0);
	assert_int_equal(sign_key_init(&key, k->rdata, SIGN_USE_ZONE,
	    k->token != NULL ? k->token : (void *)(uintptr_t)k->priv), 0);
	for (unsigned i = 0; i < N; i++) {
		memcpy(text[i], &i, sizeof(text[i]));
		m[i] = (struct crypto_make){ .data = { SV("head"),
			{ (const char *)text[i], sizeof(text[i]) } }, .sig = sig[i] };
		c[i] = (struct check){ .alg = dnskey.alg, .key = pub, .data = { m[i].data[0], m[i].data[1] },
			.sig = { (const char *)sig[i], crypto_pub_sig_len(pub) } };
	}
	assert_int_equal(keyring_hsm_sign(kh, &key, m, N), 0);
	assert_int_equal(check_batch(c, N), 0);
	for (unsigned i = 0; i < N; i++)
		assert_true(c[i].ok);
	(void)crypto_pub_free(pub);
}

static void
test_signs(void **state UNUSED)
{
	const char *dir = folder("signs"), *name;
	_cleanup_(keyring_freep) struct keyring *r = ring_read(dir);
	_cleanup_(keyring_hsm_freep) struct keyring_hsm *kh = hsm_ring(r);

	assert_non_null(kh);
	assert_int_equal(keyring_hsm_generate(kh, 13, 0, DNSKEY_ZONE | DNSKEY_SEP, NOW, &kit.fs, &name), 0);
	assert_int_equal(keyring_hsm_generate(kh, 8, 2048, DNSKEY_ZONE, NOW, &kit.fs, &name), 0);
	assert_int_equal(keyring_generate(r, 15, 0, DNSKEY_ZONE, NOW, &name), 0);
	assert_int_equal(keyring_n(r), 3);
	for (size_t i = 0; i < 3; i++)
		sign_check(kh, keyring_get(r, i));
	kh = keyring_hsm_free(kh);
	r = keyring_free(r);

	/* Read again: the same keys. */
	r = ring_read(dir);
	kh = hsm_ring(r);
	assert_non_null(kh);
	assert_int_equal(keyring_n(r), 3);
	for (size_t i = 0; i < 3; i++)
		sign_check(kh, keyring_get(r, i));
	assert_int_equal(keyring_hsm_probe(kh, &kit.fs), 0);
	assert_null(kit.fs.head);
}

/* A token that begins to compute wrongly, or is lost, while it is in use. */
static void
test_later(void **state UNUSED)
{
	const char *dir = folder("later"), *name;
	_cleanup_(keyring_freep) struct keyring *r = ring_read(dir);
	_cleanup_(keyring_hsm_freep) struct keyring_hsm *kh = hsm_ring(r);

	assert_int_equal(keyring_hsm_generate(kh, 13, 0, DNSKEY_ZONE, NOW, &kit.fs, &name), 0);
	assert_int_equal(keyring_hsm_probe(kh, &kit.fs), 0);
	kit.ctl->wrong = 1;
	assert_true(keyring_hsm_probe(kh, &kit.fs) < 0);
	kit_expect(&kit, "KEYRING_PROBE");
	kit.ctl->wrong = 0;
	kit.ctl->gone = -1;
	assert_true(keyring_hsm_probe(kh, &kit.fs) < 0);
	assert_non_null(find("KEYRING_TOKEN"));
	assert_non_null(find("HSM_LOST"));
	kit_reset(&kit);
	assert_int_equal(keyring_hsm_probe(kh, &kit.fs), 0);
	assert_null(kit.fs.head);
}

/* A token that computes wrongly from the first: no key is made, none is used. */
static void
test_first(void **state UNUSED)
{
	const char *dir = folder("first"), *name;
	_cleanup_(keyring_freep) struct keyring *r = ring_read(dir);
	_cleanup_(keyring_hsm_freep) struct keyring_hsm *kh = hsm_ring(r);

	kit.ctl->wrong = 1;
	assert_true(keyring_hsm_generate(kh, 13, 0, DNSKEY_ZONE, NOW, &kit.fs, &name) < 0);
	kit_expect(&kit, "KEYRING_PROBE");
	assert_int_equal(keyring_n(r), 0);
	kit.ctl->wrong = 0;
	assert_int_equal(keyring_hsm_generate(kh, 13, 0, DNSKEY_ZONE, NOW, &kit.fs, &name), 0);
	kh = keyring_hsm_free(kh);
	r = keyring_free(r);
	r = ring_read(dir);
	kit.ctl->wrong = 1;
	kh = hsm_ring(r);
	kit_expect(&kit, "KEYRING_PROBE");
	assert_null(keyring_get(r, 0)->token);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_signs, setup), cmocka_unit_test_setup(test_later, setup),
		cmocka_unit_test_setup(test_first, setup),
	};
	const char *skip = kit_begin(&kit, argc > 1 ? argv[1] : "");
	char *path = NULL;
	int rc;

	if (skip == NULL) {
		findings_init(&kit.fs, kit.pool);
		if (!hsm_module_check(kit.faulty, &kit.fs, &path))
			skip = "the build folder is not root's alone: its module is refused, rightly";
		free(path);
	}
	if (skip != NULL) {
		printf("1..0 # SKIP %s\n", skip);
		return 0;
	}
	opts = (struct hsm_opts){ .module = kit.faulty, .token = "pkcs11:token=zones",
		.pin_file = kit.pin, .pause = kit_pause, .pause_arg = &kit };
	if (dname_parse(SV("example.jp."), NULL, &apex) < 0)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_end(&kit);
	return rc;
}
