/* The module in a process of its own: it crashes, hangs, lies, and who asks goes on. */
#include "hsm_kit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "sys/clock.h"

#define PATIENT_MSEC	60000
#define HANG_MSEC	1500

static struct kit kit;
static struct faulty *ctl;		/* shared with that process */
static struct hsm *h;
static struct hsm_key *key;
static struct crypto_pub *pub;

/* --- what each test begins and ends with --- */

static struct hsm *
apart_open(const char *module, const char *pin, unsigned n, unsigned msec)
{
	struct hsm_apart_opts o = { .hsm = { .module = module, .token = "pkcs11:token=zones", .pin_file = pin,
		.n_sessions = n, .wait_msec = PATIENT_MSEC }, .call_msec = msec, .make_msec = PATIENT_MSEC };
	struct hsm *ret = NULL;

	if (hsm_open_apart_path(&o, module, &kit.fs, &ret) < 0)
		return NULL;
	return ret;
}

static int
begin(unsigned msec)
{
	memset(ctl, 0, sizeof(*ctl));
	kit_reset(&kit);
	if ((h = apart_open(kit.faulty, kit.pin, 3, msec)) == NULL ||
	    hsm_generate(h, HSM_P256, 0, SV("zone"), &key) < 0 || (pub = kit_public(key)) == NULL)
		return 1;
	return 0;
}

static int
setup(void **state UNUSED)
{
	return begin(PATIENT_MSEC);
}

static int
setup_short(void **state UNUSED)
{
	return begin(HANG_MSEC);
}

static int
teardown(void **state UNUSED)
{
	memset(ctl, 0, sizeof(*ctl));
	hsm_apart_renew(h);
	if (key != NULL)
		assert_int_equal(hsm_key_delete(h, key), 0);
	key = hsm_key_free(key);
	pub = crypto_pub_free(pub);
	h = hsm_free(h);
	return 0;
}

static void
crash(enum faulty_call call, int n, int late)
{
	ctl->crash_late = late;
	ctl->crash_n = n;
	ctl->crash_in = (int)call + 1;
}

static void
ended(uint64_t n_crashed, uint64_t n_hung)
{
	struct hsm_apart_state s;

	hsm_apart_look(h, &s);
	assert_int_equal(s.n_crashed, n_crashed);
	assert_int_equal(s.n_hung, n_hung);
	assert_false(s.is_over);
}

static void
trouble(int rc, int want, const char *code)
{
	assert_int_equal(rc, want);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, code);
}

static size_t
n_keys(void)
{
	struct hsm_key_info *infos;
	size_t n = 0;

	assert_int_equal(hsm_list(h, kit.pool, &infos, &n), 0);
	return n;
}

/* --- all that hsm.h has --- */

static void
test_all(void **state UNUSED)
{
	static const enum hsm_kind kinds[] = { HSM_RSA, HSM_P256, HSM_P384, HSM_ED25519 };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		_cleanup_(hsm_key_freep) struct hsm_key *made = NULL, *found = NULL;
		_cleanup_(crypto_pub_freep) struct crypto_pub *p = NULL;
		_cleanup_(buf_done) struct buf uri = BUF_INIT;
		struct hsm_key_info *infos;
		size_t n, seen = 0;

		assert_int_equal(hsm_generate(h, kinds[i], 2048, SV("made"), &made), 0);
		assert_non_null(p = kit_public(made));
		assert_int_equal(kit_sign(h, made, p, 64), 0);
		hsm_key_uri(h, made, &uri);
		buf_char(&uri, '\0');
		assert_non_null(strstr(uri.p, "pkcs11:token=zones;serial="));
		assert_int_equal(hsm_key_open(h, uri.p, &found), 0);
		assert_int_equal(hsm_key_info(found)->kind, kinds[i]);
		assert_true(sv_eq(hsm_key_info(found)->label, SV("made")));
		assert_false(hsm_key_info(found)->may_leave);
		assert_int_equal(kit_sign(h, found, p, 2), 0);
		assert_int_equal(hsm_list(h, kit.pool, &infos, &n), 0);
		for (size_t k = 0; k < n; k++)
			seen += sv_eq(infos[k].id, hsm_key_info(made)->id) && infos[k].kind == kinds[i];
		assert_int_equal(n, 2);
		assert_int_equal(seen, 1);
		assert_int_equal(hsm_key_delete(h, made), 0);
		trouble(kit_sign(h, found, p, 1), -ENOENT, "HSM_KEY_ABSENT");
		trouble(hsm_key_delete(h, found), -ENOENT, "HSM_KEY_ABSENT");
		assert_int_equal(n_keys(), 1);
	}
	assert_int_equal(hsm_key_open(h, "pkcs11:id=%zz", &key), -EINVAL);
	ended(0, 0);
}

/* Nothing of the module is here: not even loaded. */
static void
test_elsewhere(void **state UNUSED)
{
	assert_null(h->f);
	assert_int_equal(h->pin.len, 0);
	assert_int_equal(kit.ctl->n[F_SIGN], 0);
	assert_int_equal(kit_sign(h, key, pub, 3), 0);
	assert_int_equal(kit.ctl->n[F_SIGN], 0);
	assert_true(ctl->n[F_SIGN] >= 3);
}

/* --- errors of tokens, through the socket --- */

static void
test_errors(void **state UNUSED)
{
	static const struct {
		CK_RV		 rv;
		int		 n, rc;
		const char	*code;
	} rows[] = {
		{ CKR_DEVICE_ERROR, 1, 0, NULL }, { CKR_SESSION_HANDLE_INVALID, 1, 0, NULL },
		{ CKR_TOKEN_NOT_PRESENT, 1, 0, NULL }, { CKR_USER_NOT_LOGGED_IN, 1, 0, NULL },
		{ CKR_DEVICE_ERROR, 1000000, -ENODEV, "HSM_LOST" },
		{ CKR_SESSION_HANDLE_INVALID, 1000000, -ENODEV, "HSM_LOST" },
		{ CKR_TOKEN_NOT_PRESENT, 1000000, -ENODEV, "HSM_LOST" },
		{ CKR_USER_NOT_LOGGED_IN, 1000000, -ENODEV, "HSM_LOST" },
		{ CKR_KEY_FUNCTION_NOT_PERMITTED, 1000000, -EIO, "HSM_REFUSED" },
		{ CKR_VENDOR_DEFINED | 77, 1000000, -EIO, "HSM_REFUSED" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ctl->rv = rows[i].rv;
		ctl->n_fail = rows[i].n;
		ctl->call = F_SIGN;
		if (rows[i].rc == 0)
			assert_int_equal(kit_sign(h, key, pub, 3), 0);
		else
			trouble(kit_sign(h, key, pub, 3), rows[i].rc, rows[i].code);
		ctl->n_fail = 0;
		assert_int_equal(kit_sign(h, key, pub, 1), 0);
		assert_false(hsm_trouble(h, &kit.fs));
	}
	ctl->wrong = 1;
	assert_int_equal(kit_sign(h, key, pub, 1), 1);
	ended(0, 0);
}

static void
test_lies(void **state UNUSED)
{
	size_t n = n_keys();

	ctl->lie = LIE_SIG_LONG;
	trouble(kit_sign(h, key, pub, 1), -EIO, "HSM_REFUSED");
	ctl->lie = LIE_FOUND;
	assert_true(hsm_generate(h, HSM_P256, 0, SV("lie"), &(struct hsm_key *){ NULL }) < 0);
	ctl->lie = LIE_NONE;
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	ended(0, 0);
	/* The lie about a new pair kept it from being found: it is in the token, and can be seen. */
	assert_int_equal(n_keys(), n + 1);
}

/* --- the end of a process --- */

/* Once: nobody notices. */
static void
test_crash(void **state UNUSED)
{
	static const enum faulty_call calls[] = { F_SIGN, F_SIGN_INIT };

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		crash(calls[i], 3, 0);
		assert_int_equal(kit_sign(h, key, pub, 10), 0);
		assert_int_equal(ctl->crash_n, 0);
		ended(i + 1, 0);
		hsm_apart_renew(h);		/* and not early, as to the next */
		assert_int_equal(kit_sign(h, key, pub, 1), 0);
	}
}

/* A pair whose maker died is in the token, and is not made twice. */
static void
test_crash_make(void **state UNUSED)
{
	_cleanup_(hsm_key_freep) struct hsm_key *made = NULL;
	int64_t until = clock_mono_usec() + 60000000;
	size_t n = n_keys();

	crash(F_GENERATE, 1, 1);
	trouble(hsm_generate(h, HSM_P256, 0, SV("lost"), &made), -ENODEV, "HSM_CRASHED");
	ended(1, 0);
	assert_int_equal(n_keys(), n + 1);
	crash(F_GENERATE, 0, 0);
	while (hsm_generate(h, HSM_P256, 0, SV("made"), &made) < 0 && clock_mono_usec() < until)
		(void)usleep(20000);
	assert_non_null(made);
	assert_int_equal(n_keys(), n + 2);
	assert_int_equal(hsm_key_delete(h, made), 0);
}

/* Each time: said clearly, and not more processes than a second has pauses. */
static void
test_crash_always(void **state UNUSED)
{
	struct hsm_apart_state s;
	int64_t until = clock_mono_usec() + 60000000;
	int rc;

	crash(F_SIGN, -1, 0);
	for (unsigned i = 0; i < 50; i++)
		trouble(kit_sign(h, key, pub, 1), -ENODEV, "HSM_CRASHED");
	hsm_apart_look(h, &s);
	assert_in_range(s.n_crashed, 2, 4);
	crash(F_SIGN, 0, 0);
	while ((rc = kit_sign(h, key, pub, 3)) < 0 && clock_mono_usec() < until)
		(void)usleep(20000);
	assert_int_equal(rc, 0);
	assert_false(hsm_trouble(h, &kit.fs));
}

static void *
signer(void *arg)
{
	int *rc = arg;

	for (unsigned i = 0; i < 20 && *rc == 0; i++)
		*rc = kit_sign(h, key, pub, 5);
	return NULL;
}

/* Of all that are in a call: each is asked again. */
static void
test_crash_abreast(void **state UNUSED)
{
	pthread_t t[3];
	int rc[3] = { 0 };

	crash(F_SIGN, 77, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, signer, &rc[i]), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rc[i], 0);
	ended(1, 0);
}

/* What does not return is ended, and not asked again; what other sessions asked is. */
static void
test_hang(void **state UNUSED)
{
	int64_t until = clock_mono_usec() + 60000000;
	int rc;

	ctl->hang_msec = 1000000;
	trouble(kit_sign(h, key, pub, 1), -ENODEV, "HSM_HUNG");
	ended(0, 1);
	ctl->hang_msec = 0;
	while ((rc = kit_sign(h, key, pub, 3)) < 0 && clock_mono_usec() < until)
		(void)usleep(20000);
	assert_int_equal(rc, 0);
}

/* A batch may take longer than a call: each signature counts. */
static void
test_slow(void **state UNUSED)
{
	ctl->hang_msec = HANG_MSEC / 5;
	assert_int_equal(kit_sign(h, key, pub, 12), 0);
	ended(0, 0);
}

static pid_t
only_child(void)
{
	char path[64], text[64] = "";
	uint32_t pid = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	assert_true((fd = open(path, O_RDONLY)) >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	(void)close(fd);
	assert_int_equal(num_u32(sv_trim(sv_str(text)), 2, INT32_MAX, &pid), 0);
	return (pid_t)pid;
}

/* Its death by whatever other hand. */
static void
test_keeper(void **state UNUSED)
{
	struct hsm_apart_state s;

	assert_int_equal(kill(only_child(), SIGKILL), 0);
	while (kit_sign(h, key, pub, 1) == 0)
		(void)usleep(10000);
	trouble(kit_sign(h, key, pub, 1), -ENODEV, "HSM_CRASHED");
	hsm_apart_look(h, &s);
	assert_true(s.is_over);
	key = hsm_key_free(key);		/* the teardown cannot delete it */
}

/* --- PINs, and modules that do not start --- */

/* Given to one process once, and to none after it. */
static void
test_pin(void **state UNUSED)
{
	struct hsm *wrong = apart_open(kit.faulty, kit_file(&kit, "wrong", "1234567890\n", 0600), 2, PATIENT_MSEC);
	unsigned long n = ctl->n[F_LOGIN];
	struct hsm_key_info *infos;
	size_t k;

	assert_non_null(wrong);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(hsm_list(wrong, kit.pool, &infos, &k), -EACCES);
		assert_true(hsm_trouble(wrong, &kit.fs));
		kit_expect(&kit, "HSM_PIN_REFUSED");
		hsm_apart_renew(wrong);
	}
	assert_int_equal(ctl->n[F_LOGIN] - n, 1);
	(void)hsm_free(wrong);
}

static void
unopened(const char *module, const char *pin, const char *code)
{
	struct hsm *bad = apart_open(module, pin, 1, PATIENT_MSEC);
	struct hsm_key_info *infos;
	size_t n;

	assert_non_null(bad);
	assert_int_equal(hsm_list(bad, kit.pool, &infos, &n), -ENODEV);
	assert_true(hsm_trouble(bad, &kit.fs));
	kit_expect(&kit, code);
	(void)hsm_free(bad);
}

static void
test_unopened(void **state UNUSED)
{
	struct hsm_apart_opts o = { .hsm = { .module = kit.faulty, .token = "http://zones" } };
	struct hsm *none = NULL;

	unopened(kit_file(&kit, "text.so", "no library", 0755), kit.pin, "HSM_MODULE_LOAD");
	unopened(kit.faulty, "/nonexistent/pin", "HSM_PIN_FILE");
	unopened(kit.faulty, kit_file(&kit, "open", PIN "\n", 0644), "HSM_PIN_FILE");
	ctl->hang_msec = 0;
	crash(F_INITIALIZE, -1, 0);
	unopened(kit.faulty, kit.pin, "HSM_CRASHED");
	crash(F_INITIALIZE, 0, 0);
	assert_int_equal(hsm_open_apart_path(&o, kit.faulty, &kit.fs, &none), 0);
	kit_expect(&kit, "HSM_URI");
	o.hsm.module = "relative.so";
	assert_int_equal(hsm_open_apart(&o, &kit.fs, &none), 0);
	kit_expect(&kit, "HSM_MODULE_PATH");
	assert_null(none);
}

/* --- octets --- */

static void
test_wire(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct hsm_answer_head a = { .rc = -ENODEV, .rv = CKR_DEVICE_ERROR, .n_fit = 1, .n_tokens = 2,
		.is_seen = true, .label = "x", .serial = "y" }, got;
	struct hsm_key back = { 0 };
	struct rd r;

	hsm_answer_head_put(&b, &a);
	r = rd_sv(buf_get(&b));
	assert_true(hsm_answer_head_get(&r, &got) && rd_done(&r));
	assert_true(got.rc == a.rc && got.rv == a.rv && got.n_fit == 1 && got.n_tokens == 2 && got.is_seen);
	assert_memory_equal(got.label, a.label, sizeof(a.label));
	/* One that failed and did not. */
	b.len = 0;
	a.rc = 0;
	hsm_answer_head_put(&b, &a);
	r = rd_sv(buf_get(&b));
	assert_false(hsm_answer_head_get(&r, &got));
	b.len = 0;
	hsm_key_whole_put(&b, key);
	for (size_t n = 0; n < b.len; n++) {
		r = rd_mem(b.p, n);
		assert_false(hsm_key_whole_get(&r, &back));
	}
	r = rd_sv(buf_get(&b));
	assert_true(hsm_key_whole_get(&r, &back));
	assert_true(sv_eq(back.info.id, key->info.id) && sv_eq(back.public.point, key->public.point));
}

/* --- */

static bool
shared_make(void)
{
	char path[160];
	void *p;
	int fd;

	(void)snprintf(path, sizeof(path), "%s", kit_file(&kit, "faulty", "", 0600));
	if ((fd = open(path, O_RDWR)) < 0 || ftruncate(fd, 4096) < 0)
		return false;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	ctl = p == MAP_FAILED ? NULL : p;
	return ctl != NULL && setenv("FAULTY_FILE", path, 1) == 0;
}

#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all), TEST(test_elsewhere), TEST(test_errors), TEST(test_crash),
		TEST(test_crash_make), TEST(test_crash_always), TEST(test_crash_abreast),
		cmocka_unit_test_setup_teardown(test_hang, setup_short, teardown),
		cmocka_unit_test_setup_teardown(test_slow, setup_short, teardown),
		TEST(test_pin), TEST(test_unopened), TEST(test_wire), TEST(test_lies),
		TEST(test_keeper),
	};
	const char *skip = kit_begin(&kit, argc > 1 ? argv[1] : "");
	int rc;

	if (skip != NULL || !shared_make()) {
		printf("1..0 # SKIP %s\n", skip != NULL ? skip : "no shared file");
		return 0;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_end(&kit);
	return rc;
}
