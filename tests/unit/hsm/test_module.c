/* Which modules, URIs and PIN files are refused before anything runs. */
#include "hsm_kit.h"

static struct kit kit;

static int
setup(void **state UNUSED)
{
	kit_reset(&kit);
	return 0;
}

static void
path_refused(const char *path)
{
	struct hsm_opts o = { .module = path, .token = "pkcs11:token=zones", .pin_file = kit.pin };
	struct hsm *h = NULL;

	assert_int_equal(hsm_open(&o, &kit.fs, &h), 0);
	assert_null(h);
	kit_expect(&kit, "HSM_MODULE_PATH");
}

static void
test_path(void **state UNUSED)
{
	char sub[128], other[160];
	const char *path;

	path_refused("libsofthsm2.so");
	path_refused("");
	path_refused("./libsofthsm2.so");
	path_refused("/usr/lib");
	path_refused("/dev/null");
	path_refused("/nonexistent/libsofthsm2.so");
	path_refused(kit_file(&kit, "group.so", "x", 0775));
	path_refused(kit_file(&kit, "world.so", "x", 0757));
	if (getuid() != 0)
		return;		/* nobody else can make files of root, or of others */
	assert_int_equal(chown(path = kit_file(&kit, "user.so", "x", 0755), 12345, 0), 0);
	path_refused(path);
	/* Below a folder that another can write to, or that is his. */
	(void)snprintf(sub, sizeof(sub), "%s/sub", kit.dir);
	assert_int_equal(mkdir(sub, 0755), 0);
	path = kit_file(&kit, "sub/a.so", "x", 0755);
	assert_int_equal(chmod(sub, 0777), 0);
	path_refused(path);
	assert_int_equal(chmod(sub, 0755), 0);
	assert_int_equal(chown(sub, 12345, 0), 0);
	path_refused(path);
	/* A link to a good file: of another, or where another can exchange it. */
	(void)snprintf(other, sizeof(other), "%s/sub/link.so", kit.dir);
	assert_int_equal(symlink(kit.softhsm, other), 0);
	path_refused(other);
	assert_int_equal(chown(sub, 0, 0), 0);
	assert_int_equal(lchown(other, 12345, 0), 0);
	path_refused(other);
}

/* Good: SoftHSM as its package installs it, by way of a link, too. */
static void
test_good(void **state UNUSED)
{
	struct hsm_opts o = { .module = kit.softhsm, .token = "pkcs11:token=zones",
		.pin_file = kit.pin };
	struct hsm *h = NULL;

	assert_int_equal(hsm_open(&o, &kit.fs, &h), 0);
	assert_non_null(h);
	assert_null(kit.fs.head);
	(void)hsm_free(h);
}

static void
open_refused(const char *path, const char *token, const char *pin, const char *code)
{
	struct hsm_opts o = { .module = path, .token = token, .pin_file = pin,
		.pause = kit_pause, .pause_arg = &kit };
	struct hsm *h = NULL;

	assert_int_equal(hsm_open_path(&o, path, &kit.fs, &h), 0);
	assert_null(h);
	kit_expect(&kit, code);
}

static void
test_load(void **state UNUSED)
{
	struct hsm *first = kit_open(&kit, 1);

	/* It would be closed under the feet of the first. */
	assert_non_null(first);
	open_refused(kit.faulty, "pkcs11:token=zones", kit.pin, "HSM_MODULE_LOAD");
	(void)hsm_free(first);
	open_refused(kit_file(&kit, "text.so", "no library", 0755), "pkcs11:token=zones", kit.pin,
	    "HSM_MODULE_LOAD");
	open_refused("/lib/x86_64-linux-gnu/libc.so.6", "pkcs11:token=zones", kit.pin,
	    "HSM_MODULE_LOAD");
	kit.ctl->call = F_INITIALIZE;
	kit.ctl->rv = CKR_GENERAL_ERROR;
	kit.ctl->n_fail = 1;
	open_refused(kit.faulty, "pkcs11:token=zones", kit.pin, "HSM_MODULE_LOAD");
}

static void
test_token(void **state UNUSED)
{
	open_refused(kit.faulty, "pkcs11:token=%zz", kit.pin, "HSM_URI");
	open_refused(kit.faulty, "http://zones", kit.pin, "HSM_URI");
	open_refused(kit.faulty, "pkcs11:token=zones?pin-value=" PIN, kit.pin, "HSM_URI");
	open_refused(kit.faulty, "pkcs11:token=zones?pin-source=file:/x", kit.pin, "HSM_URI");
	open_refused(kit.faulty, "pkcs11:token=zones;x-unknown=1", kit.pin, "HSM_URI");
	open_refused(kit.faulty, "pkcs11:token=others", kit.pin, "HSM_TOKEN_ABSENT");
	open_refused(kit.faulty, "pkcs11:token=zones;serial=1", kit.pin, "HSM_TOKEN_ABSENT");
	open_refused(kit.faulty, "pkcs11:token=twin", kit.pin, "HSM_TOKEN_MANY");
}

static void
test_pin(void **state UNUSED)
{
	char long_pin[300];
	unsigned long n;

	memset(long_pin, '1', sizeof(long_pin));
	long_pin[sizeof(long_pin) - 1] = '\0';
	open_refused(kit.faulty, "pkcs11:token=zones", "/nonexistent/pin", "HSM_PIN_FILE");
	open_refused(kit.faulty, "pkcs11:token=zones", kit_file(&kit, "p1", PIN, 0640), "HSM_PIN_FILE");
	open_refused(kit.faulty, "pkcs11:token=zones", kit_file(&kit, "p2", "", 0600), "HSM_PIN_FILE");
	open_refused(kit.faulty, "pkcs11:token=zones", kit_file(&kit, "p3", "\n", 0600), "HSM_PIN_FILE");
	open_refused(kit.faulty, "pkcs11:token=zones", kit_file(&kit, "p4", PIN "\nx\n", 0600),
	    "HSM_PIN_FILE");
	open_refused(kit.faulty, "pkcs11:token=zones", kit_file(&kit, "p5", long_pin, 0600),
	    "HSM_PIN_FILE");
	n = kit.ctl->n[F_LOGIN];
	open_refused(kit.faulty, "pkcs11:token=zones", kit_file(&kit, "p6", "12345\n", 0600),
	    "HSM_PIN_REFUSED");
	assert_int_equal(kit.ctl->n[F_LOGIN] - n, 1);
}

static struct hsm *
open_later(const char *token, const char *pin)
{
	struct hsm_opts o = { .module = kit.faulty, .token = token, .pin_file = pin, .later = true,
		.pause = kit_pause, .pause_arg = &kit };
	struct hsm *h = NULL;

	assert_int_equal(hsm_open_path(&o, kit.faulty, &kit.fs, &h), 0);
	assert_non_null(h);
	assert_null(kit.fs.head);
	return h;
}

static int
list(struct hsm *h)
{
	struct hsm_key_info *infos;
	size_t n;

	return hsm_list(h, kit.pool, &infos, &n);
}

static void
later_refused(const char *token, const char *pin, int rc, const char *code)
{
	struct hsm *h = open_later(token, pin);

	assert_int_equal(list(h), rc);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, code);
	(void)hsm_free(h);
}

/* The token is looked for by the first call, and found when it is there. */
static void
test_later(void **state UNUSED)
{
	struct hsm *h;

	later_refused("pkcs11:token=others", kit.pin, -ENODEV, "HSM_TOKEN_ABSENT");
	later_refused("pkcs11:token=twin", kit.pin, -EMLINK, "HSM_TOKEN_MANY");
	later_refused("pkcs11:token=zones", kit_file(&kit, "wrong", "1234567890\n", 0600), -EACCES,
	    "HSM_PIN_REFUSED");
	h = open_later("pkcs11:token=zones", kit.pin);
	kit.ctl->gone = -1;
	assert_int_equal(list(h), -ENODEV);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_TOKEN_ABSENT");
	kit.ctl->gone = 0;
	assert_int_equal(list(h), 0);
	kit.ctl->gone = -1;
	assert_int_equal(list(h), -ENODEV);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_LOST");
	(void)hsm_free(h);
}

/* Its server is down while we start. */
static void
test_later_module(void **state UNUSED)
{
	struct hsm *h;

	kit.ctl->call = F_INITIALIZE;
	kit.ctl->rv = CKR_GENERAL_ERROR;
	kit.ctl->n_fail = 100;
	h = open_later("pkcs11:token=zones", kit.pin);
	assert_int_equal(list(h), -ENODEV);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_LOST");
	kit.ctl->n_fail = 0;
	assert_int_equal(list(h), 0);
	(void)hsm_free(h);
}

#define TEST(t)	cmocka_unit_test_setup(t, setup)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_path), TEST(test_good), TEST(test_load), TEST(test_token), TEST(test_pin),
		TEST(test_later), TEST(test_later_module),
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
