/*
 * Signatures a second of a token: through hsm/hsm.h, and of a bare loop of
 * C_SignInit and C_Sign with the same key in as many sessions, in turns.
 *
 *	hsm MODULE LABEL PIN-FILE KIND BITS SESSIONS SECONDS
 *
 * KIND: rsa, p256, p384, ed25519, ed448. Makes a key in the token, deletes it,
 * and prints a JSON object: signatures a second by the wall clock, both ways.
 */
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hsm/hsm.h"

#define BATCH		64	/* as app/keyring_hsm.c */
#define SESSIONS_MAX	32
#define DIGEST		32	/* RSA: with its DigestInfo it would be 51; that costs nothing */

struct work {
	struct hsm		*hsm;
	struct hsm_key		*key;
	CK_FUNCTION_LIST	*f;
	CK_SLOT_ID		 slot;
	CK_MECHANISM_TYPE	 mech;
	unsigned		 n;
	double			 until;
	atomic_ulong		 done;
};

static void
die(const char *what)
{
	fprintf(stderr, "hsm: %s failed\n", what);
	exit(3);
}

static double
now_sec(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		die("clock_gettime");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- ours --- */

static void *
ours(void *arg)
{
	struct work *w = arg;
	uint8_t data[BATCH][DIGEST], sig[BATCH][HSM_SIG_MAX];
	struct hsm_make m[BATCH];

	memset(data, 7, sizeof(data));
	for (size_t i = 0; i < BATCH; i++)
		m[i] = (struct hsm_make){ { (const char *)data[i], DIGEST }, sig[i], 0 };
	while (now_sec() < w->until) {
		if (hsm_sign(w->hsm, w->key, m, BATCH) < 0)
			die("hsm_sign");
		w->done += BATCH;
	}
	return NULL;
}

/* --- the token's own limit --- */

static CK_OBJECT_HANDLE
bare_find(struct work *w, CK_SESSION_HANDLE s)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	struct sv id = hsm_key_info(w->key)->id;
	CK_ATTRIBUTE a[] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, (void *)(uintptr_t)id.p, id.n } };
	CK_OBJECT_HANDLE o = 0;
	CK_ULONG n = 0;

	if (w->f->C_FindObjectsInit(s, a, 2) != CKR_OK || w->f->C_FindObjects(s, &o, 1, &n) != CKR_OK ||
	    n != 1 || w->f->C_FindObjectsFinal(s) != CKR_OK)
		die("C_FindObjects");
	return o;
}

static void *
bare(void *arg)
{
	struct work *w = arg;
	uint8_t data[DIGEST], sig[HSM_SIG_MAX];
	CK_MECHANISM mech = { w->mech, NULL, 0 };
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE o;

	memset(data, 7, sizeof(data));
	if (w->f->C_OpenSession(w->slot, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK)
		die("C_OpenSession");
	o = bare_find(w, s);
	while (now_sec() < w->until) {
		for (unsigned i = 0; i < BATCH; i++) {
			CK_ULONG len = sizeof(sig);

			if (w->f->C_SignInit(s, &mech, o) != CKR_OK ||
			    w->f->C_Sign(s, data, DIGEST, sig, &len) != CKR_OK)
				die("C_Sign");
		}
		w->done += BATCH;
	}
	(void)w->f->C_CloseSession(s);
	return NULL;
}

/* The slot in which the key is: whose user is logged in already. */
static void
bare_open(struct work *w, const char *module, const char *token)
{
	CK_SLOT_ID slots[64];
	CK_ULONG n = 64;
	CK_TOKEN_INFO info;
	size_t len = strlen(token);

	if ((w->f = p11_kit_module_load(module, P11_KIT_MODULE_UNMANAGED)) == NULL ||
	    w->f->C_GetSlotList(1, slots, &n) != CKR_OK)
		die("C_GetSlotList");
	for (CK_ULONG i = 0; i < n; i++)
		if (w->f->C_GetTokenInfo(slots[i], &info) == CKR_OK && len <= sizeof(info.label) &&
		    memcmp(info.label, token, len) == 0) {
			w->slot = slots[i];
			return;
		}
	die("finding the token's slot");
}

/* --- both --- */

static double
rate(struct work *w, void *(*run)(void *), double seconds)
{
	pthread_t t[SESSIONS_MAX];
	double begin = now_sec();

	w->done = 0;
	w->until = begin + seconds;
	for (unsigned i = 0; i < w->n; i++)
		if (pthread_create(&t[i], NULL, run, w) != 0)
			die("pthread_create");
	for (unsigned i = 0; i < w->n; i++)
		(void)pthread_join(t[i], NULL);
	return (double)w->done / (now_sec() - begin);
}

static const struct {
	const char		*name;
	enum hsm_kind		 kind;
	CK_MECHANISM_TYPE	 mech;
} kinds[] = {
	{ "rsa", HSM_RSA, CKM_RSA_PKCS }, { "p256", HSM_P256, CKM_ECDSA },
	{ "p384", HSM_P384, CKM_ECDSA }, { "ed25519", HSM_ED25519, CKM_EDDSA },
	{ "ed448", HSM_ED448, CKM_EDDSA },
};

static uint32_t
number(const char *s)
{
	uint32_t v;

	if (num_u32(sv_str(s), 1, 100000, &v) < 0)
		die("reading a number");
	return v;
}

int
main(int argc, char **argv)
{
	struct pool *pool = pool_new(1 << 20);
	struct work w = { 0 };
	struct hsm_opts o = { 0 };
	char uri[128];
	struct findings fs;
	size_t k = 0;
	double seconds, a, b;

	if (argc != 8 || pool == NULL)
		die("MODULE LABEL PIN-FILE KIND BITS SESSIONS SECONDS: reading these");
	while (k < ARRAY_LEN(kinds) && strcmp(kinds[k].name, argv[4]) != 0)
		k++;
	if (k == ARRAY_LEN(kinds))
		die("finding the kind");
	(void)snprintf(uri, sizeof(uri), "pkcs11:token=%s", argv[2]);
	findings_init(&fs, pool);
	w.n = number(argv[6]);
	seconds = number(argv[7]);
	w.mech = kinds[k].mech;
	if (w.n > SESSIONS_MAX)
		die("so many sessions");
	o = (struct hsm_opts){ .module = argv[1], .token = uri, .pin_file = argv[3], .n_sessions = w.n };
	if (hsm_open(&o, &fs, &w.hsm) < 0 || w.hsm == NULL)
		die("hsm_open");
	if (hsm_generate(w.hsm, kinds[k].kind, number(argv[5]), SV("bench"), &w.key) < 0)
		die("hsm_generate");
	bare_open(&w, argv[1], argv[2]);
	/* The first round warms both up. */
	(void)rate(&w, ours, 0.1);
	a = rate(&w, bare, seconds);
	b = rate(&w, ours, seconds);
	printf("{\"ours\": %.1f, \"token\": %.1f}\n", b, a);
	if (hsm_key_delete(w.hsm, w.key) < 0)
		die("hsm_key_delete");
	(void)hsm_key_free(w.key);
	p11_kit_module_release(w.f);
	(void)hsm_free(w.hsm);
	(void)pool_free(pool);
	return 0;
}
