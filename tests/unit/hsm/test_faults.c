/* Tokens that fail: what is tried again, what is not, and what is noticed above. */
#include "hsm_kit.h"

#include <pthread.h>

static struct kit kit;
static struct hsm *h;
static struct hsm_key *key;
static struct crypto_pub *pub;

static int
setup(void **state UNUSED)
{
	kit_reset(&kit);
	if ((h = kit_open(&kit, 3)) == NULL || hsm_generate(h, HSM_P256, 0, SV("zone"), &key) < 0 ||
	    (pub = kit_public(key)) == NULL)
		return 1;
	return 0;
}

static int
teardown(void **state UNUSED)
{
	kit.ctl->gone = 0;
	(void)!hsm_key_delete(h, key);
	key = hsm_key_free(key);
	pub = crypto_pub_free(pub);
	h = hsm_free(h);
	return 0;
}

static void
fault(enum faulty_call call, int n, CK_RV rv)
{
	kit.ctl->call = call;
	kit.ctl->rv = rv;
	kit.ctl->n_fail = n;
}

/* Each of these once: nobody notices, and nobody waits. */
static void
test_retried(void **state UNUSED)
{
	static const CK_RV rvs[] = {
		CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_OPERATION_ACTIVE,
		CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID,
		CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_GENERAL_ERROR,
		CKR_FUNCTION_FAILED, CKR_CRYPTOKI_NOT_INITIALIZED,
	};
	static const enum faulty_call calls[] = { F_SIGN_INIT, F_SIGN };

	for (size_t c = 0; c < ARRAY_LEN(calls); c++)
		for (size_t i = 0; i < ARRAY_LEN(rvs); i++) {
			fault(calls[c], 1, rvs[i]);
			assert_int_equal(kit_sign(h, key, pub, 3), 0);
			assert_int_equal(kit.ctl->n_fail, 0);
			assert_int_equal(kit.n_pauses, 0);
		}
	/* With pauses that grow. */
	fault(F_SIGN, HSM_TRIES - 1, CKR_DEVICE_ERROR);
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	assert_int_equal(kit.n_pauses, HSM_TRIES - 2);
	assert_int_equal(kit.msec, HSM_PAUSE_MSEC * ((1U << (HSM_TRIES - 2)) - 1));
}

/* The session's state is really gone, not only said to be. */
static void
test_real(void **state UNUSED)
{
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	assert_int_equal(kit.ctl->real->C_CloseAllSessions(h->slot), CKR_OK);
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	assert_int_equal(kit.ctl->real->C_Logout(h->session[0].handle), CKR_OK);
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	assert_int_equal(kit.ctl->real->C_Finalize(NULL), CKR_OK);
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	assert_int_equal(kit.n_pauses, 0);
}

/* After a login of anybody's, object handles are not what they were. */
static void
test_login(void **state UNUSED)
{
	uint64_t logins = h->n_logins;
	unsigned long n;

	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	n = kit.ctl->n[F_FIND];
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	assert_int_equal(kit.ctl->n[F_FIND], n);
	h->n_logins++;
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	assert_int_equal(kit.ctl->n[F_FIND], n + 1);
	assert_int_equal(kit.ctl->real->C_Logout(h->session[0].handle), CKR_OK);
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	assert_int_equal(h->n_logins, logins + 2);
}

/* A batch in which something fails now and then gets on as long as it gets on. */
static void
test_progress(void **state UNUSED)
{
	kit.ctl->every = 2;
	assert_int_equal(kit_sign(h, key, pub, 40), 0);
	assert_int_equal(kit.n_pauses, 0);
}

/* Lost: clearly said, without waiting each time; back again: it works, without a restart. */
static void
test_lost(void **state UNUSED)
{
	unsigned long n;

	kit.ctl->gone = -1;
	(void)kit.ctl->real->C_CloseAllSessions(h->slot);
	assert_int_equal(kit_sign(h, key, pub, 1), -ENODEV);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_LOST");
	assert_int_equal(kit.n_pauses, HSM_TRIES - 2);
	n = kit.ctl->n[F_SLOTS];
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(kit_sign(h, key, pub, 1), -ENODEV);
	assert_int_equal(kit.n_pauses, HSM_TRIES - 2);
	assert_true(kit.ctl->n[F_SLOTS] - n <= 5 * 2 * HSM_TRIES_LOST);
	kit.ctl->gone = 0;
	assert_int_equal(kit_sign(h, key, pub, 5), 0);
	assert_false(hsm_trouble(h, &kit.fs));
	/* For some calls only: that is survived within one. */
	kit.ctl->gone = 3;
	(void)kit.ctl->real->C_CloseAllSessions(h->slot);
	assert_int_equal(kit_sign(h, key, pub, 5), 0);
}

/* Another token in its slot, under the same label: it is not ours. */
static void
test_other(void **state UNUSED)
{
	assert_int_equal(kit.ctl->real->C_CloseAllSessions(h->slot), CKR_OK);
	h->serial[0] ^= 1;
	h->is_slot_known = false;
	assert_int_equal(kit_sign(h, key, pub, 1), -ENODEV);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_LOST");
	h->serial[0] ^= 1;
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
}

/* What cannot get better is not tried again. */
static void
test_refused(void **state UNUSED)
{
	static const CK_RV rvs[] = { CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_MECHANISM_INVALID,
		CKR_DATA_LEN_RANGE, CKR_VENDOR_DEFINED | 77 };

	for (size_t i = 0; i < ARRAY_LEN(rvs); i++) {
		unsigned long n = kit.ctl->n[F_SIGN_INIT];

		fault(F_SIGN_INIT, 9, rvs[i]);
		assert_int_equal(kit_sign(h, key, pub, 1), -EIO);
		assert_int_equal(kit.ctl->n[F_SIGN_INIT] - n, 1);
		assert_true(hsm_trouble(h, &kit.fs));
		kit_expect(&kit, "HSM_REFUSED");
	}
	fault(F_SIGN, 0, 0);
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
}

/* A PIN that was refused once is never sent again: tokens lock. */
static void
test_pin(void **state UNUSED)
{
	unsigned long n;

	assert_int_equal(kit.ctl->real->C_CloseAllSessions(h->slot), CKR_OK);
	n = kit.ctl->n[F_LOGIN];
	fault(F_LOGIN, 1, CKR_PIN_INCORRECT);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(kit_sign(h, key, pub, 1), -EACCES);
		assert_true(hsm_trouble(h, &kit.fs));
		kit_expect(&kit, "HSM_PIN_REFUSED");
	}
	assert_int_equal(kit.ctl->n[F_LOGIN] - n, 1);
	h->refused = CKR_OK;		/* for the teardown */
}

/*
 * A token that signs something else says nothing; whoever verifies the probe with the
 * published key notices.
 */
static void
test_wrong(void **state UNUSED)
{
	kit.ctl->wrong = 1;
	assert_int_equal(kit_sign(h, key, pub, 1), 1);
	kit.ctl->wrong = 0;
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
}

/* Another key than the published one, under an id that was good. */
static void
test_exchanged(void **state UNUSED)
{
	_cleanup_(hsm_key_freep) struct hsm_key *other = NULL;

	assert_int_equal(hsm_generate(h, HSM_P256, 0, SV("other"), &other), 0);
	assert_int_equal(kit_sign(h, other, pub, 1), 1);
	assert_int_equal(hsm_key_delete(h, other), 0);
}

/* --- threads --- */

#define THREADS		8
#define ROUNDS		6

static void *
signer(void *arg)
{
	int *rc = arg;

	for (unsigned i = 0; i < ROUNDS && *rc == 0; i++)
		*rc = kit_sign(h, key, pub, 5);
	return NULL;
}

static void
threads_run(unsigned n)
{
	pthread_t t[THREADS];
	int rc[THREADS] = { 0 };

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&t[i], NULL, signer, &rc[i]), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(rc[i], 0);
}

/* More threads than sessions, and each seventh signature loses its own. */
static void
test_threads(void **state UNUSED)
{
	kit.ctl->every = 7;
	threads_run(THREADS);
	assert_true(kit.ctl->n[F_SIGN] > THREADS * ROUNDS * 5);
}

/* All sessions of the pool sign at the same time. */
static void
test_abreast(void **state UNUSED)
{
	unsigned open = 0;

	kit.ctl->hang_msec = 20;
	threads_run(3);
	for (unsigned i = 0; i < h->n_sessions; i++)
		open += h->session[i].is_open;
	assert_int_equal(open, 3);
}

/* A module that hangs costs a session, not the others' patience. */
static void
test_hang(void **state UNUSED)
{
	pthread_t t;
	int rc = 0;

	kit.ctl->hang_msec = 200;
	h->n_sessions = 1;
	h->wait_msec = 20;
	assert_int_equal(pthread_create(&t, NULL, signer, &rc), 0);
	while (kit.ctl->n[F_SIGN] == 0)
		(void)usleep(1000);
	assert_int_equal(kit_sign(h, key, pub, 1), SE_TIMEOUT);
	assert_true(hsm_trouble(h, &kit.fs));
	kit_expect(&kit, "HSM_BUSY");
	kit.ctl->hang_msec = 0;
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(rc, 0);
	h->n_sessions = 3;
	h->wait_msec = HSM_WAIT_MSEC;
}

/* A child begins anew, and its parent goes on. */
static void
test_fork(void **state UNUSED)
{
	int status;
	pid_t pid;

	assert_int_equal(kit_sign(h, key, pub, 1), 0);
	if ((pid = fork()) == 0)
		_exit(kit_sign(h, key, pub, 3) == 0 && kit.ctl->n[F_INITIALIZE] == 2 ? 0 : 1);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(kit_sign(h, key, pub, 1), 0);
}

/* Keys are made whatever happens meanwhile, and none is left behind under the same id. */
static void
test_make(void **state UNUSED)
{
	_cleanup_(hsm_key_freep) struct hsm_key *a = NULL, *b = NULL;
	struct crypto_pub *p;

	fault(F_GENERATE, 2, CKR_DEVICE_ERROR);
	assert_int_equal(hsm_generate(h, HSM_P384, 0, SV("x"), &a), 0);
	fault(F_FIND, 2, CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(hsm_generate(h, HSM_ED25519, 0, SV("x"), &b), 0);
	assert_non_null(p = kit_public(b));
	assert_int_equal(kit_sign(h, b, p, 2), 0);
	(void)crypto_pub_free(p);
	fault(F_DESTROY, 1, CKR_DEVICE_ERROR);
	assert_int_equal(hsm_key_delete(h, a), 0);
	assert_int_equal(hsm_key_delete(h, b), 0);
}

#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)

/* A module that says CKR_OK, and what cannot be: nothing is read or written beyond our own. */
static void
test_lies(void **state UNUSED)
{
	static const struct {
		enum faulty_lie	 lie;
		int		 list, sign, make;
	} rows[] = {
		{ LIE_FOUND, SE_LIMIT, SE_LIMIT, SE_LIMIT },
		{ LIE_SIG_LONG, 0, -EIO, 0 },
		{ LIE_SIG_NONE, 0, -EIO, 0 },
		{ LIE_SLOTS, SE_LIMIT, SE_LIMIT, SE_LIMIT },
		{ LIE_ATTR_LONG, -ENOTSUP, 0, -ENOTSUP },
		{ LIE_ATTR_NONE, -ENOTSUP, 0, -ENOTSUP },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hsm_key_info *infos;
		struct hsm_key *other = NULL;
		size_t n;

		kit.ctl->lie = (int)rows[i].lie;
		/* All that was known is looked up again. */
		(void)kit.ctl->real->C_CloseAllSessions(h->slot);
		h->is_slot_known = false;
		assert_int_equal(kit_sign(h, key, pub, 3), rows[i].sign);
		assert_int_equal(hsm_list(h, kit.pool, &infos, &n), rows[i].list);
		assert_int_equal(hsm_generate(h, HSM_P256, 0, SV("lie"), &other), rows[i].make);
		kit.ctl->lie = LIE_NONE;
		if (other != NULL)
			assert_int_equal(hsm_key_delete(h, other), 0);
		other = hsm_key_free(other);
		assert_int_equal(kit_sign(h, key, pub, 3), 0);
	}
}

/* Halves of a key that are more than there is room for: none is deleted. */
static void
test_lies_delete(void **state UNUSED)
{
	struct hsm_key *other = NULL;

	assert_int_equal(hsm_generate(h, HSM_P256, 0, SV("lie"), &other), 0);
	kit.ctl->lie = LIE_FOUND;
	assert_int_equal(hsm_key_delete(h, other), SE_LIMIT);
	kit.ctl->lie = LIE_NONE;
	assert_int_equal(hsm_key_delete(h, other), 0);
	(void)hsm_key_free(other);
}

/* A buffer that is never large enough: said once, not for ever. */
static void
test_too_small(void **state UNUSED)
{
	static const enum faulty_call calls[] = { F_SIGN, F_FIND, F_SLOTS };

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		unsigned long n;

		(void)kit.ctl->real->C_CloseAllSessions(h->slot);
		h->is_slot_known = false;
		n = kit.ctl->n[calls[i]];
		fault(calls[i], 1000000, CKR_BUFFER_TOO_SMALL);
		assert_true(kit_sign(h, key, pub, 1) < 0);
		assert_true(kit.ctl->n[calls[i]] - n <= 2 * HSM_TRIES);
		fault(calls[i], 0, CKR_OK);
		assert_int_equal(kit_sign(h, key, pub, 1), 0);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_retried), TEST(test_real), TEST(test_login), TEST(test_progress), TEST(test_lost), TEST(test_other),
		TEST(test_refused), TEST(test_pin), TEST(test_wrong), TEST(test_exchanged),
		TEST(test_threads), TEST(test_abreast), TEST(test_hang), TEST(test_fork), TEST(test_make),
		TEST(test_lies), TEST(test_lies_delete), TEST(test_too_small),
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
